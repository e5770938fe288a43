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
	bool all;   /* INQUIRE with every flag */
};

static const struct probe probes[] = {
	{"SOLICIT", PNRP_SOLICIT, false, false},
	{"SOLICIT, route entry of the victim", PNRP_SOLICIT, true, false},
	{"REQUEST", PNRP_REQUEST, false, false},
	{"FLOOD, route entry of the victim", PNRP_FLOOD, true, false},
	{"LOOKUP", PNRP_LOOKUP, false, false},
	{"LOOKUP, route entry of the victim", PNRP_LOOKUP, true, false},
	{"INQUIRE, no flags", PNRP_INQUIRE, false, false},
	{"INQUIRE, all flags", PNRP_INQUIRE, false, true},
};

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

/* One datagram, then storms of them. */
static void measure(struct psim_cloud *c, const struct probe *p, struct psim_node *to, struct victim *v,
		    const char *what)
{
	struct ponto_addr spoofed = psim_address(v->node);
	uint8_t room[PNRP_DATAGRAM_MAX];
	struct pnrp_message m;
	struct ponto_bytes bytes;
	uint64_t once, in = 0;

	v->from = psim_address(to);
	build(p, to, v->node, &m);
	bytes = psim_encode(c, &m, room);
	v->messages = v->bytes = 0;
	psim_spoof(to, &spoofed, bytes);
	psim_run(c, 6 * PONTO_SECOND, NULL, NULL);
	once = v->bytes;
	printf("%-44s %7zu %7llu %8.2f", what, bytes.len, (unsigned long long)once, (double)once / (double)bytes.len);
	v->messages = v->bytes = 0;
	for (unsigned i = 0; i < STORM * STORM_SECONDS; i++) {
		build(p, to, v->node, &m);
		bytes = psim_encode(c, &m, room);
		in += bytes.len;
		psim_spoof(to, &spoofed, bytes);
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
