/* What a client says of itself. */
#include <inttypes.h>
#include <stdio.h>

#include "plugins/transport-teredo/tt.h"

struct teller {
	ponto_describe_fn *line;
	void *arg;
};

static void number(const struct teller *t, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	t->line(t->arg, key, text);
}

static void flag(const struct teller *t, const char *key, bool value)
{
	t->line(t->arg, key, value ? "yes" : "no");
}

static void endpoint(const struct teller *t, const char *key, uint32_t ip, uint16_t port)
{
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr addr;

	teredo_endpoint_to(&(struct teredo_endpoint){ip, port}, &addr);
	t->line(t->arg, key, ponto_addr_format(&addr, text));
}

static void tell_address(const struct teller *t, const struct tt_report *r)
{
	const struct teredo_client_status *s = &r->status;
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr addr;

	t->line(t->arg, "state", teredo_client_state_name(s->state));
	t->line(t->arg, "nat", teredo_nat_name(s->nat));
	if (r->has_local)
		t->line(t->arg, "local", ponto_addr_format(&r->local, text));
	if (s->has_address) {
		teredo_ip6_to(&s->address, 0, &addr);
		t->line(t->arg, "address", ponto_addr_format(&addr, text));
		endpoint(t, "mapped", s->mapped.ip, s->mapped.port);
		flag(t, "keeps-ports", s->preserving);
	}
	endpoint(t, "server", s->server.primary, 0);
	if (s->server.secondary)
		endpoint(t, "server-second", s->server.secondary, 0);
	if (s->interaction)
		number(t, "server-heard-seconds", r->heard);
	number(t, "solicitations", r->stats.solicitations);
	number(t, "advertisements", r->stats.advertisements);
	number(t, "advertisements-refused", r->stats.bad_advertisements);
}

static void tell_map(const struct teller *t, const struct tt_report *r)
{
	static const char *const states[] = {"asking", "held", "none"};
	const struct ponto_mapping_info *m = &r->map;
	char text[PONTO_ADDR_TEXT];

	t->line(t->arg, "mapping", !r->map_wanted ? "off" : m->state < PONTO_ARRAY_SIZE(states) ? states[m->state] : "?");
	if (!r->map_wanted)
		return;
	if (m->gateway.family != PONTO_FAMILY_NONE)
		t->line(t->arg, "mapping-gateway", ponto_addr_format(&m->gateway, text));
	if (m->state == PONTO_MAPPING_HELD) {
		t->line(t->arg, "mapping-address", ponto_addr_format(&m->external, text));
		t->line(t->arg, "mapping-by", m->how);
		flag(t, "mapping-only-nat", r->status.single_nat);
	} else if (m->state == PONTO_MAPPING_NONE) {
		t->line(t->arg, "mapping-why", m->why);
	}
}

static void tell_peers(const struct teller *t, const struct tt_report *r)
{
	number(t, "peers-reached", r->census.reached);
	number(t, "peers-quiet", r->census.quiet);
	number(t, "peers-tried", r->census.tried);
	number(t, "peers-unreached", r->census.unreached);
	number(t, "peers-by-relay", r->census.relayed);
	number(t, "peers-symmetric", r->census.symmetric);
	number(t, "peers-local", r->census.local);
}

void tt_client_fill(struct tt_hub *hub, struct tt_report *r)
{
	uint64_t now = ponto_loop_now(hub->loop);

	teredo_client_status(hub->client, &r->status);
	teredo_client_census(hub->client, now, &r->census);
	r->stats = *teredo_client_stats(hub->client);
	r->map = hub->map_info;
	r->map_wanted = hub->map != NULL;
	r->heard = r->status.interaction ? (now - r->status.interaction) / PONTO_SECOND : 0;
}

void tt_client_tell(const struct tt_hub *hub, const struct tt_report *report, ponto_describe_fn *line, void *arg)
{
	const struct teller t = {line, arg};

	tell_address(&t, report);
	if (hub->tun)
		line(arg, "interface", ponto_conf_string(hub->env->conf, "tun"));
	tell_map(&t, report);
	tell_peers(&t, report);
}
