/* What a Teredo client's state means for whoever wants to reach others: in words, from what the transport says of
 * itself. Pure. RFC 4380 5.2, RFC 6081 3 (which kinds of NAT get through to which). */
#ifndef PONTO_NAT_JUDGE_H
#define PONTO_NAT_JUDGE_H

#include "framework/base.h"

/* Texts as the transport gives them (docs/teredo.md); NULL: it does not say. */
struct nat_facts {
	const char *state, *nat, *local, *address, *mapped, *server, *server_second, *server_heard;
	const char *keeps_ports, *mapping, *mapping_gateway, *mapping_address, *mapping_by, *mapping_only_nat, *mapping_why;
	const char *solicitations, *advertisements, *advertisements_refused;
};

/* Takes a fact by the key of its line; others are left alone. borrows value */
void nat_fact(struct nat_facts *facts, const char *key, const char *value);

enum nat_kind {
	NAT_SILENT = 0, /* no server answers */
	NAT_STARTING,	/* not known yet */
	NAT_IDLE,	/* nothing uses the transport */
	NAT_NONE,
	NAT_OPEN, /* the gateway keeps the port open for everybody */
	NAT_CONE,
	NAT_RESTRICTED,
	NAT_SYMMETRIC,
	NAT_NATIVE,  /* IPv6 of its own: a host that relays for itself */
	NAT_UNKNOWN, /* there is one, but the server has no second address to tell its kind */
};

enum nat_answer { NAT_NO, NAT_PERHAPS, NAT_YES };

struct nat_line {
	enum nat_answer answer;
	const char *what, *why; /* static */
};

#define NAT_LINES 5

struct nat_verdict {
	enum nat_kind kind;
	const char *name;	 /* of the kind, one or two words */
	const char *explanation; /* of the kind, one sentence */
	size_t count;
	struct nat_line line[NAT_LINES];
};

void nat_judge(const struct nat_facts *facts, struct nat_verdict *out);

/* Of two endpoints, whether their addresses are the same, whatever their ports; NULL is none. */
bool nat_same_host(const char *a, const char *b);

/* "no", "perhaps", "yes". */
const char *nat_answer_name(enum nat_answer answer);

#endif
