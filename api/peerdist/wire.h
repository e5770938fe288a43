/* The way of peerdist.h to the daemon: one connection of the process, which its handles there hang on, and one thread
 * that sends calls and takes their answers. Many calls wait at once.
 *
 * A session is the life of one connection. When it ends, what was opened in it is gone, and calls for it are not made:
 * numbers of handles begin anew. Thread-safe. */
#ifndef PONTO_API_PEERDIST_WIRE_H
#define PONTO_API_PEERDIST_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <peerdist.h>
#include <protobuf-c/protobuf-c.h>

/* What came of a call. PONTO_EUNREACH: no daemon, or it went away meanwhile; PONTO_ENOTSUP with no error of the
 * service's (absent): the daemon runs no distribution; PONTO_ENOENT with lost: the session was over before. answer:
 * NULL unless result is PONTO_OK; until done returns. */
struct pd_outcome {
	int result;
	bool lost;	  /* the session is over, or was before the call */
	bool absent;	  /* there is no such service */
	uint64_t session; /* that answered */
	const uint8_t *payload;
	size_t len;
};

struct pd_call;
typedef void pd_done_fn(void *arg, const struct pd_outcome *outcome);

struct pd_call_setup {
	const char *method;
	const ProtobufCMessage *request;
	uint64_t session;    /* it is for that one alone; 0: for any */
	unsigned timeout_ms; /* for the daemon's answer */
	unsigned delay_ms;   /* not before that */
	bool slow;	     /* it waits long: not all places are for such calls */
	pd_done_fn *done;    /* on the thread, once */
	void *arg;
};

/* While it is used the thread runs. ERROR_NOT_ENOUGH_MEMORY. pd_wire_drop: calls that wait are done with
 * PONTO_EUNREACH before it returns, when it was the last. */
DWORD pd_wire_use(void);
void pd_wire_drop(void);

/* PONTO_ENOMEM, or PONTO_EUNREACH while nobody uses it: done is not called. copies request */
int pd_call(const struct pd_call_setup *setup);

/* Calls and waits. With PONTO_OK gives *answer, freed with protobuf_c_message_free_unpacked, if it is not NULL. The
 * answer's session is in *session, which is what setup.session says before. */
int pd_ask(const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
	   uint64_t *session, bool *absent, ProtobufCMessage **answer);

int pd_ask_in(const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
	      uint64_t *session, unsigned timeout_ms, bool *absent, ProtobufCMessage **answer);

/* The present one. */
uint64_t pd_session(void);

/* In the child of a fork. */
void pd_wire_forget(void);

#endif
