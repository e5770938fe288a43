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

/* Makes it the job's error. */
void PONTO_PRINTF(2, 3) identity_job_say(struct identity_job *job, const char *format, ...);

/* ---- identity_keys.c: on a worker --------------------------------------------------------- */

identity_job_fn identity_run_create;
identity_job_fn identity_run_show;
identity_job_fn identity_run_change;
identity_job_fn identity_run_delete;
identity_job_fn identity_run_sign;

/* What a new identity shall be. */
struct identity_wish {
	uint32_t profile;
	const char *name;	/* empty: its id */
	const char *classifier; /* NULL: empty */
	struct ponto_bytes key; /* in PEM; empty: a new one */
};

/* All of it or nothing. PONTO_EEXIST: and out says which */
PONTO_MUST_CHECK int identity_make(struct identity_job *job, const struct identity_wish *wish,
				   struct ponto_identity *out);

/* One identity, as the first field of an answer; one that is new is removed again if it cannot be answered. */
void identity_job_pack_one(struct identity_job *job, const char *id);
void identity_job_pack_new(struct identity_job *job, const char *id);

/* ---- identity_default.c: on a worker ------------------------------------------------------ */

identity_job_fn identity_run_list;
identity_job_fn identity_run_default;

/* What is shown of an identity; detail.is_default also without a choice. */
struct identity_entry {
	struct ponto_identity identity;
	struct ponto_identity_detail detail;
};

/* borrows from */
void identity_describe(const struct identity_entry *from, Ponto__Identity__V1__Identity *to);
/* Empty where the plugin has none. */
PONTO_MUST_CHECK int identity_detail_of(struct identity_job *job, const char *id, struct ponto_identity_detail *out);
/* The one that was chosen, else the oldest. PONTO_ENOENT: the caller has none. */
PONTO_MUST_CHECK int identity_default(struct identity_job *job, struct ponto_identity *out);

/* ---- identity_exchange.c: on a worker ------------------------------------------------------ */

identity_job_fn identity_run_card;
identity_job_fn identity_run_export;
identity_job_fn identity_run_import;

/* ---- identity_chains.c: on a worker ---------------------------------------------------- */

identity_job_fn identity_run_delegate;
identity_job_fn identity_run_chain_list;
identity_job_fn identity_run_chain_show;
identity_job_fn identity_run_chain_export;
identity_job_fn identity_run_chain_import;
identity_job_fn identity_run_chain_delete;

#endif
