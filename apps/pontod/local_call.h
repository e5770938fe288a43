/* pontod: calls of the daemon itself to its services. On the daemon's loop. */
#ifndef PONTO_APPS_LOCAL_CALL_H
#define PONTO_APPS_LOCAL_CALL_H

#include "apps/pontod/pontod.h"
#include "framework/service.h"

struct local_call;

/* borrows payload and error */
typedef void local_call_fn(void *arg, int result, struct ponto_bytes payload, const char *error);

struct local_call_setup {
	const char *service;
	const char *method; /* static */
	struct ponto_bytes payload; /* copies */
	uint32_t uid;
	int32_t pid;
	uint64_t client;
	uint64_t timeout; /* microseconds */
	local_call_fn *done;
	void *arg;
};

/* done comes once, later, unless abandoned. PONTO_ENOENT: no such service. */
PONTO_MUST_CHECK int local_call_start(struct daemon *d, const struct local_call_setup *setup, struct local_call **out);

/* Accepts NULL. */
void local_call_abandon(struct local_call *call);

/* Frees what is left, once the node has ended and no service can answer any more. */
void local_calls_destroy(struct daemon *d);

#endif
