/* Bytes out per byte in, toward an address that never asked: what a datagram with a forged sender makes a node send
 * there, and what stays of it when thousands come. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto-sim/attack.h"

#define STORM 5000 /* datagrams a second, for ten seconds */
#define STORM_SECONDS 10

struct victim {
	const struct psim_node *node;
	struct ponto_addr from; /* only what comes from there counts */
	uint64_t messages, bytes;
};

/* It is silent, as somebody would be who speaks no PNRP. */
static bool suffer(void *arg, struct psim_node *n, const struct ponto_datagram *d)
{
	struct victim *v = arg;

	if (n != v->node)
		return false;
	if (ponto_addr_equal(&d->peer, &v->from)) {
		v->messages++;
		v->bytes += d->data.len;
	}
	return true;
}

struct probe {
	const char *name;
	uint8_t type;
	bool route; /* a route entry that names the victim */
	bool all;   /* INQUIRE with every flag; REQUEST with the SOLICIT that it needs, for five entries */
};

static const struct probe probes[] = {
	{"SOLICIT", PNRP_SOLICIT, false, false},
	{"SOLICIT, route entry of the victim", PNRP_SOLICIT, true, false},
	{"REQUEST alone", PNRP_REQUEST, false, false},
	{"FLOOD, route entry of the victim", PNRP_FLOOD, true, false},
	{"LOOKUP", PNRP_LOOKUP, false, false},
	{"LOOKUP, route entry of the victim", PNRP_LOOKUP, true, false},
	{"INQUIRE, no flags", PNRP_INQUIRE, false, false},
	{"INQUIRE, all flags", PNRP_INQUIRE, false, true},
	{"SOLICIT and its REQUEST", PNRP_REQUEST, false, true},
};

#define ASKED 5

struct asked {
	struct ring_id ids[ASKED];
	uint16_t count;
};

static bool ask_for(void *arg, const struct pnrp_route *route)
{
	struct asked *a = arg;

	a->ids[a->count++] = route->id;
	return a->count < ASKED;
}

static void build(const struct probe *p, const struct psim_node *to, const struct psim_node *victim,
		  struct pnrp_message *m)
{
	const struct ponto_random *random = ponto_sim_random(to->cloud->sim);
	struct ring_id id = ring_id_random(random);
	struct pnrp_route_entry route = psim_route(&id, victim);

	memset(m, 0, sizeof(*m));
	m->type = p->type;
	m->id = (uint32_t)ponto_random_u64(random);
	switch (p->type) {
	case PNRP_SOLICIT:
		m->solicit.has_controls = true;
		m->solicit.has_route = p->route;
		m->solicit.route = route;
		random->fill(random->ctx, m->solicit.hashed_nonce, sizeof(m->solicit.hashed_nonce));
		break;
	case PNRP_REQUEST:
		m->request.ids = pnrp_ids(&to->id, 1);
		memcpy(m->request.nonce, &m->id, sizeof(m->id));
		break;
	case PNRP_FLOOD:
		m->flood.has_route = true;
		m->flood.route = route;
		m->flood.validate_id = to->id;
		break;
	case PNRP_LOOKUP:
		m->lookup.target = id;
		m->lookup.validate_id = to->id;
		m->lookup.has_route = p->route;
		m->lookup.route = route;
		m->lookup.accept_any = true;
		m->lookup.count = 1;
		memcpy(m->lookup.path[0].ip, route.addrs[0], sizeof(m->lookup.path[0].ip));
		m->lookup.path[0].port = route.port;
		break;
	default:
		m->inquire.validate_id = to->id;
		m->inquire.want_cpa = m->inquire.want_chain = m->inquire.want_payload = m->inquire.has_nonce = p->all;
		break;
	}
}

static size_t spoof(struct psim_cloud *c, struct psim_node *to, const struct victim *v, const struct pnrp_message *m)
{
	struct ponto_addr spoofed = psim_address(v->node);
	uint8_t room[PNRP_DATAGRAM_MAX];
	struct ponto_bytes bytes = psim_encode(c, m, room);

	psim_spoof(to, &spoofed, bytes);
	return bytes.len;
}

/* A SOLICIT of the same sender, who makes the nonce and so needs no answer to go on. */
static size_t spoof_solicit(struct psim_cloud *c, struct psim_node *to, const struct victim *v,
			    const struct pnrp_message *request)
{
	struct ponto_bytes nonce = ponto_bytes(request->request.nonce, sizeof(request->request.nonce));
	struct pnrp_message m = {.type = PNRP_SOLICIT, .id = request->id + 1, .solicit.has_controls = true};

	pnrp_hash(c->wire, &nonce, 1, m.solicit.hashed_nonce);
	return spoof(c, to, v, &m);
}

/* Returns the bytes that went in. */
static size_t provoke(struct psim_cloud *c, const struct probe *p, struct psim_node *to, const struct victim *v)
{
	struct asked asked = {.count = 0};
	struct pnrp_message m;
	size_t in = 0;

	build(p, to, v->node, &m);
	if (p->type == PNRP_REQUEST && p->all) {
		pnrp_engine_each_route(to->engine, ask_for, &asked);
		m.request.ids = pnrp_ids(asked.ids, asked.count);
		in = spoof_solicit(c, to, v, &m);
	}
	return in + spoof(c, to, v, &m);
}

/* One datagram, or what belongs together, then storms of them. */
static void measure(struct psim_cloud *c, const struct probe *p, struct psim_node *to, struct victim *v,
		    const char *what)
{
	uint64_t once, in = 0;
	size_t len;

	v->from = psim_address(to);
	v->messages = v->bytes = 0;
	len = provoke(c, p, to, v);
	psim_run(c, 6 * PONTO_SECOND, NULL, NULL);
	once = v->bytes;
	printf("%-44s %7zu %7llu %8.2f", what, len, (unsigned long long)once, (double)once / (double)len);
	v->messages = v->bytes = 0;
	for (unsigned i = 0; i < STORM * STORM_SECONDS; i++) {
		in += provoke(c, p, to, v);
		psim_run(c, PONTO_SECOND / STORM, NULL, NULL);
	}
	psim_run(c, 6 * PONTO_SECOND, NULL, NULL);
	printf(" %12.0f %12.0f %8.2f\n", (double)in / STORM_SECONDS, (double)v->bytes / STORM_SECONDS,
	       (double)v->bytes / (double)in);
	psim_run(c, 30 * PONTO_SECOND, NULL, NULL);
}

void psim_attack_amplify(const struct psim_options *o)
{
	static const struct probe large = {"", PNRP_INQUIRE, false, true};
	struct psim_node *target, *heavy;
	struct victim v = {0};
	struct psim_cloud c;

	psim_attack_cloud(&c, o);
	v.node = psim_join(&c);
	heavy = psim_join_as(&c, "0.heavy", PNRP_PAYLOAD_BYTES);
	target = psim_any_leaver(&c);
	while (target == v.node || target == heavy)
		target = psim_any_leaver(&c);
	psim_run(&c, 60 * PONTO_SECOND, NULL, NULL);
	c.intercept = suffer;
	c.intercept_arg = &v;
	/* Until everybody has forgotten the silent victim. */
	psim_run(&c, 3600 * PONTO_SECOND, NULL, NULL);
	printf("%-44s %7s %7s %8s %12s %12s %8s\n", "one datagram", "in", "out", "factor", "5000/s in", "out bytes/s",
	       "factor");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(probes); i++)
		measure(&c, &probes[i], target, &v, probes[i].name);
	measure(&c, &large, heavy, &v, "INQUIRE, all flags, name with 4096 bytes");
	psim_cloud_clear(&c);
}
