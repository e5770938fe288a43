/* Ponto fuzzing: a PNRP engine and all that is around it: memory, randomness, signatures, and a notary of what it
 * was asked and what it said. Whatever comes in, pnrp_host_drain and pnrp_host_tick check what docs and headers
 * promise (FUZZ_REQUIRE). No clock, no randomness of its own: the same calls give the same run. */
#ifndef PONTO_TESTS_FUZZ_PNRP_HOST_H
#define PONTO_TESTS_FUZZ_PNRP_HOST_H

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_engine.h"
#include "engines/pnrp/pnrp_name.h"

#define PNRP_HOST_WALL INT64_C(1790000000000000) /* wall microseconds at the start of time */
#define PNRP_HOST_SENT 64			 /* datagrams remembered, a power of two */
#define PNRP_HOST_JOBS 65			 /* more than limits.jobs */
#define PNRP_HOST_ASKED 512			 /* resolves and registrations of one life */

/* What is left to the program instead of being done at once. */
enum pnrp_host_lazy {
	PNRP_HOST_HOLD_JOBS = 1,       /* SIGN and VERIFY wait for pnrp_host_complete */
	PNRP_HOST_QUIET_DISCOVERY = 2, /* DISCOVER waits for pnrp_engine_found and pnrp_engine_discovery_done */
};

struct pnrp_host_sent {
	struct ponto_addr to, from;
	size_t len;
	uint8_t bytes[PNRP_DATAGRAM_MAX];
};

struct pnrp_host_job {
	struct pnrp_effect effect;
	uint64_t sum; /* of all that its views show: it must not change before the job is completed */
	bool abandoned;
};

/* A resolve or a registration: what it may still be told of. */
struct pnrp_host_asked {
	uint64_t handle;
	bool over;
	bool registration, leaving;
	bool include_local;
	struct ring_id id; /* registration: its ID; resolve: the target */
	uint8_t criteria;
	uint16_t precision;
	bool excludes;
	struct ring_id exclude;
};

struct pnrp_host {
	struct pnrp_engine *engine;
	const struct pnrp_wire *wire;
	struct pnrp_engine_config config;
	struct ponto_addr home; /* its address unless the program changes it */
	uint64_t random;
	size_t blocks, bytes, made, fail_at;
	unsigned lazy;

	struct pnrp_host_sent sent[PNRP_HOST_SENT];
	size_t sent_count, answered;
	size_t sent_by_type[16], sent_bytes; /* since pnrp_host_watch */
	struct pnrp_host_job jobs[PNRP_HOST_JOBS];
	size_t job_count;
	uint64_t last_token; /* completed: to be completed again */
	struct pnrp_host_asked asked[PNRP_HOST_ASKED];
	size_t asked_count;
	uint64_t received[PNRP_COUNT_TYPES]; /* over all lives */
	/* Sees each datagram on its way out. */
	void (*carry)(void *arg, const struct pnrp_host *host, const struct pnrp_host_sent *sent);
	void *carry_arg;
};

/* A new engine, not open, at its home address; config but for alloc and random is set. False: no memory. */
bool pnrp_host_begin(struct pnrp_host *h, uint64_t now);

/* Ends the engine and checks that it leaves nothing behind. */
void pnrp_host_end(struct pnrp_host *h);

/* Moves effects and output until dry, and checks what is promised of them. */
void pnrp_host_drain(struct pnrp_host *h, uint64_t now);

/* Every table is within its limit and in order, and so is memory. */
void pnrp_host_check(const struct pnrp_host *h);
void pnrp_host_tick(struct pnrp_host *h, uint64_t now);

enum pnrp_host_verdict {
	PNRP_HOST_TRUTH,
	PNRP_HOST_AUTH,	     /* as if it were forged, or could not be signed */
	PNRP_HOST_BUSY,	     /* as if there were no worker */
	PNRP_HOST_SHORT,     /* signatures of the wrong length */
	PNRP_HOST_LIE,	     /* a forgery taken for good */
	PNRP_HOST_UNTRUSTED, /* PONTO_ENOTSUP */
	PNRP_HOST_VERDICTS
};

/* Completes a held job. index < job_count */
void pnrp_host_complete(struct pnrp_host *h, uint64_t now, size_t index, enum pnrp_host_verdict verdict);

/* Whether a worker has this job. */
bool pnrp_host_holds(const struct pnrp_host *h, uint64_t token);

/* Remembers what was asked for, right after it was accepted. */
struct pnrp_host_asked *pnrp_host_ask(struct pnrp_host *h, uint64_t handle);
struct pnrp_host_asked *pnrp_host_find(struct pnrp_host *h, uint64_t handle);

/* The nth datagram back from the newest; NULL when there is none. m's views show the result. */
const struct pnrp_host_sent *pnrp_host_sent(const struct pnrp_host *h, size_t back, struct pnrp_message *m);

/* Where it receives now; home when nowhere. */
struct ponto_addr pnrp_host_at(const struct pnrp_host *h);

/* The chain that the host takes for a delegation: any length of these bytes. */
#define PNRP_HOST_CHAIN_BYTE 0xc7

#endif
