/* What handles of peerdist.h are: instances, and in them streams, content information and contents; and operations of
 * these, which end once each.
 *
 * One lock is above all of it, held shortly; it is taken before those of ports and events, and never while the daemon
 * is waited for. Buffers of programs are read and written under it, so that whoever ended an operation may free its
 * buffer at once. */
#ifndef PONTO_API_PEERDIST_OBJECT_H
#define PONTO_API_PEERDIST_OBJECT_H

#include <pthread.h>

#include "api/peerdist/wire.h"
#include "api/win32/completion.h"

enum pd_kind { PD_INSTANCE, PD_STREAM, PD_INFO, PD_CONTENT };

#define PD_LANES 3 /* operations of one go one after the other; 0: none */

struct pd_op;

struct pd_object {
	struct handle_object object;
	uint8_t kind; /* enum pd_kind */
	HANDLE handle;
	struct pd_object *instance; /* a reference; NULL: it is one itself */
	struct pd_object *next;	    /* of the instance's, while it is open */
	bool open;
	uint64_t number;  /* the daemon's handle; of an instance: its own number */
	uint64_t session; /* in which it was opened */
	struct handle_object *port;
	ULONG_PTR key;
	struct pd_op *ops, **last_op; /* under way, in the order they began */
	unsigned late[PD_LANES];      /* calls of operations that have ended, for which a lane waits */

	/* instances */
	struct pd_object *objects;
	DWORD version;
	unsigned generation; /* link_generation of the process that made it */
	PEERDIST_STATUS told; /* by the last notification */
	struct pd_op *watch;  /* the notification that is registered; not among ops */

	/* streams, content information */
	BYTE *content;
	DWORD content_size;
	bool broken; /* a stream whose bytes are not what they should be */

	/* content information, contents: the next byte of the description; of a stream read */
	ULONGLONG offset, position;
};

/* What an operation does with the daemon's answers. */
struct pd_op_type {
	bool (*ask)(struct pd_op *op); /* sends its next call; false: no memory */
	void (*answered)(struct pd_op *op, const struct pd_outcome *outcome); /* ends it, or goes on with pd_op_go_on */
	uint8_t lane; /* those of one lane go one after the other; 0: at once */
};

struct pd_op {
	struct pd_op *next;
	const struct pd_op_type *type;
	struct pd_object *object; /* a reference */
	struct overlapped_op over;
	struct pd_sent *sent; /* a call of it that is not answered; NULL */
	BYTE *buffer;
	DWORD size, done; /* bytes; done: so many of them */
	DWORD timeout;
	ULONGLONG offset;
	uint64_t number;
	BYTE tag[16];
};

extern pthread_mutex_t pd_lock;

/* ---- objects ------------------------------------------------------------------------------------ */

extern const struct handle_type pd_instance_type, pd_stream_type, pd_info_type, pd_content_type;

/* The instance of a handle; a reference. NULL: none, or one of the process that this one was forked from. */
struct pd_object *pd_instance(PEERDIST_INSTANCE_HANDLE handle);
/* An object of that type that was opened through the instance; a reference. */
struct pd_object *pd_object(PEERDIST_INSTANCE_HANDLE instance, HANDLE handle, const struct handle_type *type);
void pd_put(struct pd_object *object); /* accepts NULL */

/* An object with one reference, to be opened. port: as programs give it. ERROR_INVALID_PARAMETER: that is none;
 * ERROR_NOT_ENOUGH_MEMORY */
DWORD pd_object_new(const struct handle_type *type, enum pd_kind kind, struct pd_object *instance, HANDLE port,
		    ULONG_PTR key, struct pd_object **out);
/* Gives it its handle. takes object; on failure it is closed at the daemon. ERROR_INVALID_HANDLE: its instance ended
 * meanwhile. */
DWORD pd_object_open(struct pd_object *object, HANDLE *out);
/* What a function that closes does. */
DWORD pd_object_close(PEERDIST_INSTANCE_HANDLE instance, HANDLE handle, const struct handle_type *type);

/* In the child of a fork. */
void pd_forget(void);

/* ---- operations ----------------------------------------------------------------------------------- */

/* Begins one of these. fill: what differs; its type, size and so on are copied. ERROR_IO_PENDING, or why it has not
 * begun. */
DWORD pd_op_begin(struct pd_object *object, const struct pd_op *fill, LPOVERLAPPED overlapped);
/* The same with a port of its own. port may be NULL */
DWORD pd_op_begin_at(struct pd_object *object, const struct pd_op *fill, LPOVERLAPPED overlapped,
		     struct handle_object *port, ULONG_PTR key);

/* Under the lock: overlapped_begin, with ERROR_INVALID_PARAMETER for an event that is none. */
DWORD pd_overlapped_begin(LPOVERLAPPED overlapped, struct handle_object *port, ULONG_PTR key,
			  struct overlapped_op *out);

/* From ask, under the lock: sends a call whose answer is told to answered. */
bool pd_op_call(struct pd_op *op, const char *method, const ProtobufCMessage *request, unsigned timeout_ms, bool slow);

/* Under the lock. */
void pd_op_go_on(struct pd_op *op);
void pd_op_end(struct pd_op *op, DWORD error, DWORD bytes, const ULONGLONG *offset);

/* Under the lock: those of an object, of that OVERLAPPED if it is not NULL, end with ERROR_OPERATION_ABORTED. How many.
 */
unsigned pd_ops_cancel(struct pd_object *object, const OVERLAPPED *overlapped);

/* Offset and OffsetHigh are zero, where they are reserved. */
bool pd_reserved_is_zero(const OVERLAPPED *overlapped);

/* ---- results ------------------------------------------------------------------------------------------ */

/* Of an answer, in general: what means something else to a function it tells apart before. */
DWORD pd_error(const struct pd_outcome *outcome);
DWORD pd_error_of(int result, bool absent);

#endif
