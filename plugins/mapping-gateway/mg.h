/* mapping-gateway: what its files share.
 *
 * A handle lives on its owner's loop. PCP is spoken there by engines/pcp over an IPv4 transport; NAT-PMP and UPnP by the
 * program ponto-map, which a thread of the instance's pool starts, waits for and ends when its time is over. */
#ifndef MG_H
#define MG_H

#include <limits.h>

#include "engines/pcp/pcp_client.h"
#include "framework/mapping.h"
#include "framework/transport.h"

#define MG_TOPIC "mapping.gateway"
#define MG_CONTROL 256 /* as ponto-map's */
#define MG_TYPE 128
#define MG_WORDS 128
#define MG_DESCRIPTION 64

enum mg_protocol {
	MG_PCP = 0,
	MG_NATPMP,
	MG_UPNP,
	MG_PROTOCOLS,
};

struct mg {
	const struct ponto_env *env;
	struct ponto_transport transport;
	struct ponto_pool *pool; /* NULL in a simulation: PCP alone */
	struct ponto_addr gateway; /* family NONE: the default route's */
	unsigned protocols;	   /* bits of enum mg_protocol */
	uint32_t lifetime;	   /* seconds, where nobody wants another */
	uint64_t patience, retry, check;
	char program[PATH_MAX];
	struct ponto_counter *asked, *lost, *foreign;
};

/* What ponto-map said. mg_answer.c */
enum mg_answer_kind {
	MG_ANSWER_NONE = 0, /* it did not say anything that makes sense, or did not end in time */
	MG_ANSWER_HELD,
	MG_ANSWER_GIVEN_BACK,
	MG_ANSWER_REFUSED,
	MG_ANSWER_SILENT,
};

struct mg_answer {
	enum mg_answer_kind kind;
	struct ponto_addr external;
	uint32_t lifetime; /* 0: without end */
	char control[MG_CONTROL], type[MG_TYPE];
	char words[MG_WORDS];
};

/* Reads its line. Anything else than such a line is MG_ANSWER_NONE, with words. */
void mg_answer_read(struct ponto_bytes line, struct mg_answer *out);

/* One run of ponto-map, or two. mg_job.c */
struct mg_task {
	enum mg_protocol protocol;
	bool unmap, exact;
	struct ponto_addr gateway, local;
	uint8_t transport;
	uint16_t external;
	uint32_t lifetime;
	char description[MG_DESCRIPTION], control[MG_CONTROL], type[MG_TYPE];
};

struct mg_job {
	struct ponto_mapping_handle *h;
	const char *program;
	int cancel; /* an eventfd; readable: give back what was got, and end soon */
	struct mg_task task;
	struct mg_answer answer; /* GIVEN_BACK also when it was cancelled */
};

/* On a thread of the pool. */
void mg_job_run(void *arg);

/* The default route's gateway. PONTO_ENOENT: there is none. mg_route.c */
PONTO_MUST_CHECK int mg_route_gateway(struct ponto_addr *out);
/* The same out of the text of the kernel's table. */
PONTO_MUST_CHECK int mg_route_read(char *text, struct ponto_addr *out);

enum mg_stage {
	MG_STAGE_IDLE = 0,
	MG_STAGE_PCP,
	MG_STAGE_PROGRAM, /* ponto-map is at work, for protocol */
	MG_STAGE_HELD,
	MG_STAGE_WAIT,
};

struct ponto_mapping_handle {
	struct mg *mg;
	struct ponto_loop *loop;
	struct ponto_timer *timer;
	struct ponto_mapping_want want;
	char description[MG_DESCRIPTION];
	struct ponto_mapping_events events;
	void *arg;
	struct ponto_mapping_info info, told;
	enum mg_stage stage;
	enum mg_protocol protocol; /* that is tried, or holds it */
	uint64_t at;		   /* when the stage is over, or what is held is looked after */
	uint64_t expires;
	uint64_t begun; /* when it was last asked for */
	unsigned failures;
	bool closed;
	/* PCP */
	struct ponto_datagrams d;
	struct ponto_addr source; /* of d */
	struct pcp_client pcp;
	bool pcp_on;
	/* NAT-PMP, UPnP */
	struct mg_job *job;
	int cancel;
	char control[MG_CONTROL], type[MG_TYPE];
};

/* mg_handle.c */
int mg_open(void *self, struct ponto_loop *loop, const struct ponto_mapping_want *want,
	    const struct ponto_mapping_events *events, void *arg, struct ponto_mapping_handle **out);
void mg_close(struct ponto_mapping_handle *h);
void mg_renew(struct ponto_mapping_handle *h);
/* Something may have changed at the gateway: looks within 5 s, but not too often. */
void mg_hint(struct ponto_mapping_handle *h);
/* Arms the timer, and tells the owner what is new. h may be gone afterwards. */
void mg_settle(struct ponto_mapping_handle *h);

/* mg_try.c: one protocol after the other */
void mg_begin(struct ponto_mapping_handle *h);
void mg_due(struct ponto_mapping_handle *h);
void mg_pcp_said(struct ponto_mapping_handle *h);
void mg_program_said(struct ponto_mapping_handle *h, const struct mg_answer *answer);
/* Has ponto-map do what is due; give the port back when the handle is closed. False: it cannot. */
bool mg_submit(struct ponto_mapping_handle *h);

/* mg_pcp.c */
PONTO_MUST_CHECK int mg_pcp_open(struct ponto_mapping_handle *h); /* the socket; hears announcements from then on */
PONTO_MUST_CHECK int mg_pcp_start(struct ponto_mapping_handle *h);
void mg_pcp_pump(struct ponto_mapping_handle *h);
void mg_pcp_stop(struct ponto_mapping_handle *h); /* what was granted is given back */

#endif
