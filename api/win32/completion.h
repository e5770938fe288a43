/* Completion ports, and operations that end later: an OVERLAPPED, the event in it, and a port.
 *
 * A family begins an operation with overlapped_begin, which takes all the memory that its end needs, and ends it once
 * with overlapped_end, from any thread; from then on the OVERLAPPED is the program's. OVERLAPPED.Internal is
 * STATUS_PENDING meanwhile and the Win32 code of the result afterwards, InternalHigh the number of bytes. */
#ifndef PONTO_API_WIN32_COMPLETION_H
#define PONTO_API_WIN32_COMPLETION_H

#include "api/win32/handle.h"

extern const struct handle_type port_type;

struct port_packet;

struct overlapped_op {
	LPOVERLAPPED overlapped;
	struct handle_object *event; /* NULL: none */
	struct handle_object *port;  /* NULL: none */
	struct port_packet *packet;
};

/* The event becomes unsignalled. port: of port_type, or NULL; holds it. ERROR_INVALID_HANDLE: hEvent is none;
 * ERROR_NOT_ENOUGH_MEMORY. An hEvent whose lowest bit is set keeps the end from the port. */
DWORD overlapped_begin(LPOVERLAPPED overlapped, struct handle_object *port, ULONG_PTR key, struct overlapped_op *out);

/* It has not begun after all: nobody is told. */
void overlapped_undo(struct overlapped_op *op);

/* error: a Win32 code, ERROR_SUCCESS. offset is left in the OVERLAPPED unless NULL. */
void overlapped_end(struct overlapped_op *op, DWORD error, DWORD bytes, const ULONGLONG *offset);

/* Waits until no operation uses it. False: one still does after milliseconds. */
bool overlapped_wait(const OVERLAPPED *overlapped, DWORD milliseconds);

#endif
