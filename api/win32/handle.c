#include "api/win32/handle.h"

#include <pthread.h>
#include <stdlib.h>

/* 16 million objects are more than descriptors allow; the value stays positive and a multiple of four, as programs
 * that keep flags in the low bits expect. */
#define INDEX_MAX (1u << 24)
#define GENERATION_MAX 0x7fffffffu

struct slot {
	struct handle_object *object; /* NULL: free */
	unsigned int generation;      /* of the handle that is or will be given out */
	unsigned int next_free;	      /* index + 1; 0: none */
};

static struct {
	pthread_mutex_t lock;
	struct slot *slots;
	unsigned int used, room, first_free;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

void handle_init(struct handle_object *object, const struct handle_type *type)
{
	object->type = type;
	object->references = 1;
}

static bool grow(void)
{
	unsigned int room = table.room ? table.room * 2 : 64;
	struct slot *slots;

	if (room > INDEX_MAX || !(slots = realloc(table.slots, room * sizeof(*slots))))
		return false;
	table.slots = slots;
	table.room = room;
	return true;
}

/* A free slot's index, or -1. The generation of a new slot starts at 1. */
static int free_slot(void)
{
	unsigned int index;

	if (table.first_free) {
		index = table.first_free - 1;
		table.first_free = table.slots[index].next_free;
		return (int)index;
	}
	if (table.used == table.room && !grow())
		return -1;
	index = table.used++;
	table.slots[index] = (struct slot){.generation = 1};
	return (int)index;
}

bool handle_open(struct handle_object *object, HANDLE *out)
{
	int index;

	pthread_mutex_lock(&table.lock);
	index = free_slot();
	if (index >= 0) {
		struct slot *slot = &table.slots[index];

		slot->object = object;
		*out = (HANDLE)((uintptr_t)slot->generation << 32 | ((uintptr_t)index + 1) << 2);
	}
	pthread_mutex_unlock(&table.lock);
	if (index < 0)
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return index >= 0;
}

/* The slot of an open handle, or NULL. Under the lock. */
static struct slot *find(HANDLE handle, const struct handle_type *type)
{
	uintptr_t value = (uintptr_t)handle;
	uintptr_t index = (value & 0xffffffffu) >> 2;
	struct slot *slot;

	if ((value & 3) || !index || index > table.used)
		return NULL;
	slot = &table.slots[index - 1];
	if (!slot->object || slot->generation != value >> 32 || (type && slot->object->type != type))
		return NULL;
	return slot;
}

struct handle_object *handle_get(HANDLE handle, const struct handle_type *type)
{
	struct handle_object *object = NULL;
	struct slot *slot;

	pthread_mutex_lock(&table.lock);
	slot = find(handle, type);
	if (slot)
		object = handle_hold(slot->object);
	pthread_mutex_unlock(&table.lock);
	if (!object)
		SetLastError(ERROR_INVALID_HANDLE);
	return object;
}

struct handle_object *handle_hold(struct handle_object *object)
{
	__atomic_add_fetch(&object->references, 1, __ATOMIC_RELAXED);
	return object;
}

bool handle_try_hold(struct handle_object *object)
{
	unsigned int count = __atomic_load_n(&object->references, __ATOMIC_RELAXED);

	while (count > 0)
		if (__atomic_compare_exchange_n(&object->references, &count, count + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

void handle_put(struct handle_object *object)
{
	if (object && __atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL) == 0)
		object->type->destroy(object);
}

/* type NULL is CloseHandle: any type that has no way of its own. */
bool handle_close(HANDLE handle, const struct handle_type *type)
{
	struct handle_object *object = NULL;
	struct slot *slot;

	pthread_mutex_lock(&table.lock);
	slot = find(handle, type);
	if (slot && (type || !slot->object->type->private_close)) {
		object = slot->object;
		slot->object = NULL;
		/* A slot that used up its generations is not given out again. */
		if (slot->generation++ < GENERATION_MAX) {
			slot->next_free = table.first_free;
			table.first_free = (unsigned int)(slot - table.slots) + 1;
		}
	}
	pthread_mutex_unlock(&table.lock);
	if (!object) {
		SetLastError(ERROR_INVALID_HANDLE);
		return false;
	}
	if (object->type->closed)
		object->type->closed(object);
	handle_put(object);
	return true;
}

unsigned int handle_count(const struct handle_type *type)
{
	unsigned int count = 0;

	pthread_mutex_lock(&table.lock);
	for (unsigned int i = 0; i < table.used; i++)
		count += table.slots[i].object && (!type || table.slots[i].object->type == type);
	pthread_mutex_unlock(&table.lock);
	return count;
}

BOOL WINAPI CloseHandle(HANDLE handle)
{
	/* The pseudo handles of the process and the thread need no closing. */
	if (handle == (HANDLE)(LONG_PTR)-1 || handle == (HANDLE)(LONG_PTR)-2)
		return TRUE;
	return handle_close(handle, NULL);
}
