#include "api/peer/enum.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/win32/handle.h"

struct peer_enum {
	struct handle_object object;
	const struct peer_enum_kind *kind;
	uint8_t *items;
	size_t count;
	pthread_mutex_t lock; /* of next */
	size_t next;
};

static void destroy(struct handle_object *object)
{
	struct peer_enum *e = (struct peer_enum *)object;

	e->kind->free(e->items, e->count);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static const struct handle_type enum_type = {.name = "enumeration", .destroy = destroy, .private_close = true};

HRESULT peer_enum_open(const struct peer_enum_kind *kind, void *items, size_t count, HPEERENUM *out)
{
	struct peer_enum *e = calloc(1, sizeof(*e));
	HANDLE handle;

	if (!e) {
		kind->free(items, count);
		return E_OUTOFMEMORY;
	}
	handle_init(&e->object, &enum_type);
	pthread_mutex_init(&e->lock, NULL);
	e->kind = kind;
	e->items = items;
	e->count = count;
	if (!handle_open(&e->object, &handle)) {
		handle_put(&e->object);
		return E_OUTOFMEMORY;
	}
	*out = handle;
	return S_OK;
}

HRESULT WINAPI PeerGetItemCount(HPEERENUM handle, ULONG *count)
{
	struct peer_enum *e = count ? (struct peer_enum *)handle_get(handle, &enum_type) : NULL;

	if (!e)
		return E_INVALIDARG;
	*count = (ULONG)e->count;
	handle_put(&e->object);
	return S_OK;
}

static void **pack(struct peer_block *b, const struct peer_enum *e, size_t from, size_t count)
{
	void **array = peer_block_take(b, count * sizeof(*array));

	for (size_t i = 0; i < count; i++) {
		void *item = e->kind->pack(b, e->items + (from + i) * e->kind->size);

		if (array)
			array[i] = item;
	}
	return array;
}

HRESULT WINAPI PeerGetNextItem(HPEERENUM handle, ULONG *count, PVOID **items)
{
	struct peer_enum *e = count && *count && items ? (struct peer_enum *)handle_get(handle, &enum_type) : NULL;
	struct peer_block block = {0};
	HRESULT result = E_OUTOFMEMORY;
	size_t n;

	if (!e)
		return E_INVALIDARG;
	pthread_mutex_lock(&e->lock);
	n = e->count - e->next < *count ? e->count - e->next : *count;
	(void)pack(&block, e, e->next, n);
	if (n == 0 || peer_block_alloc(&block)) {
		*items = pack(&block, e, e->next, n);
		e->next += n;
		*count = (ULONG)n;
		result = S_OK;
	}
	pthread_mutex_unlock(&e->lock);
	handle_put(&e->object);
	return result;
}

HRESULT WINAPI PeerEndEnumeration(HPEERENUM handle)
{
	return handle_close(handle, &enum_type) ? S_OK : E_INVALIDARG;
}
