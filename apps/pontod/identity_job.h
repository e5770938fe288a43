/* One call of the component "identity" on its way: what its parts share. A job is worked on by one worker at a time. */
#ifndef PONTO_APPS_IDENTITY_JOB_H
#define PONTO_APPS_IDENTITY_JOB_H

#include "apps/pontod/identity.pb-c.h"
#include "apps/pontod/pontod.h"
#include "framework/security.h"

struct identity_method;
struct identity_names;

struct identity_job {
	struct identity_service *service;
	struct identity_job *next, *prev; /* while waiting */
	struct identity_names *names;
	struct ponto_call *call;
	const struct identity_method *method;
	ProtobufCMessage *request;
	struct ponto_security security;
	const struct ponto_clock *clock;
	uint32_t uid;
	int result;
	const char *error; /* static, own_error, or NULL */
	char own_error[PONTO_REASON_SIZE];
	uint8_t *reply;
	size_t reply_len;
};

typedef void identity_job_fn(struct identity_job *job);

/* Makes message the job's answer; or PONTO_ENOMEM its result. */
void identity_job_pack(struct identity_job *job, const ProtobufCMessage *message);

/* ---- identity_chains.c: on a worker ---------------------------------------------------- */

identity_job_fn identity_run_delegate;
identity_job_fn identity_run_chain_list;
identity_job_fn identity_run_chain_show;
identity_job_fn identity_run_chain_export;
identity_job_fn identity_run_chain_import;
identity_job_fn identity_run_chain_delete;

#endif
