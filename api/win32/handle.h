/* Handles: one table for the process that maps a HANDLE to an object, and waiting for objects.
 *
 * A HANDLE is an index and a generation, so a stale or foreign value is told from a good one and never followed. An
 * object is counted: the table holds one reference, whoever uses the object another. Families make types of their own
 * (an enumeration, a registration) by putting a struct handle_object first in their structure.
 *
 *     struct thing { struct handle_object object; ... };
 *     static const struct handle_type thing_type = {.name = "thing", .destroy = thing_destroy};
 *     handle_init(&thing->object, &thing_type);
 *     if (!handle_open(&thing->object, &handle)) ...      the table owns it now
 *     struct thing *t = (struct thing *)handle_get(handle, &thing_type);
 *     handle_put(&t->object);
 *     handle_close(handle, &thing_type);
 *
 * Threading: every function may be called from any thread. No callback is called with a lock held. */
#ifndef PONTO_API_WIN32_HANDLE_H
#define PONTO_API_WIN32_HANDLE_H

#include <stdbool.h>

#include <winbase.h>

struct handle_object;

struct handle_type {
	const char *name;
	/* The last reference is gone: frees the object. */
	void (*destroy)(struct handle_object *object);
	/* The handle was closed, references may remain: stop what others wait for. May be NULL. */
	void (*closed)(struct handle_object *object);
	/* A descriptor that is readable while the object is signalled. NULL: nobody can wait for it. borrows: it lives
	 * as long as the object */
	int (*fd)(struct handle_object *object);
	/* Without blocking: true when the object is signalled, and then takes the signal if it is one that a wait
	 * consumes. NULL: poll tells, nothing is consumed. */
	bool (*take)(struct handle_object *object);
	/* Undoes take. */
	void (*give_back)(struct handle_object *object);
	/* Ends that operation, or with NULL every one; a Win32 code, ERROR_NOT_FOUND: there is none. NULL: it has none. */
	DWORD (*cancel)(struct handle_object *object, LPOVERLAPPED overlapped);
	/* CloseHandle refuses it: the type has a function of its own to end it. */
	bool private_close;
};

struct handle_object {
	const struct handle_type *type;
	unsigned int references;
};

/* One reference, which belongs to the caller until handle_open takes it. */
void handle_init(struct handle_object *object, const struct handle_type *type);

/* Enters object into the table. takes the caller's reference when it succeeds; false with the last error set
 * (ERROR_NOT_ENOUGH_MEMORY) otherwise, the reference still the caller's. */
bool handle_open(struct handle_object *object, HANDLE *out);

/* The object of handle with one reference more, or NULL with the last error ERROR_INVALID_HANDLE when it is no open
 * handle or, unless type is NULL, of another type. */
struct handle_object *handle_get(HANDLE handle, const struct handle_type *type);

/* Another reference to an object that is held. */
struct handle_object *handle_hold(struct handle_object *object);

/* The same for one that is found by another way than a reference, under a lock that destroy takes too: false when its
 * last reference is gone. */
bool handle_try_hold(struct handle_object *object);

/* Drops one. Accepts NULL. */
void handle_put(struct handle_object *object);

/* Takes handle out of the table. False with ERROR_INVALID_HANDLE as for handle_get; true exactly once for a handle. */
bool handle_close(HANDLE handle, const struct handle_type *type);

/* Handles that are open now, of one type or (NULL) of all: for tests that look for leaks. */
unsigned int handle_count(const struct handle_type *type);

/* Waits for objects that the caller holds, as WaitForMultipleObjects does for handles. count 1 to MAXIMUM_WAIT_OBJECTS.
 */
DWORD handle_wait(struct handle_object *const *objects, DWORD count, bool all, DWORD milliseconds);

/* ---- events ---- */

extern const struct handle_type event_type;

/* An event as an object, for those who signal without a handle. NULL with the last error set. gives one reference */
struct handle_object *event_create(bool manual_reset, bool initial_state);
/* object is of event_type. A library that signals a caller's event holds the object from handle_get. */
void event_set(struct handle_object *object);
void event_reset(struct handle_object *object);

#endif
