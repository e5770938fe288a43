#include "apps/ponto-sim/attack.h"

#include <stdio.h>
#include <string.h>

#include "engines/pnrp/pnrp_name.h"

#define STEPS 10 /* a second */
#define FORGE_SECONDS 300
#define LONG_SECONDS 3600
#define FORGED_A_SECOND 5 /* messages of each attacker */
#define GRIND 20000	  /* names tried for one that lies near the target */

/* ---- common ------------------------------------------------------------------------- */

/* Names of unsecured peers are anybody's: attackers would only have to register them too. */
static void join_secured(struct psim_cloud *c)
{
	char name[PNRP_NAME_TEXT];

	psim_secure_name(c, 0, "n", name);
	(void)psim_join_as(c, name, 0);
}

static void grow_to(struct psim_cloud *c, const struct psim_options *o, uint32_t nodes)
{
	double quota = 0;

	while (c->count < nodes) {
		double share = o->join * c->count;

		quota += (share > 1 ? share : 1) / STEPS;
		for (; quota >= 1 && c->count < nodes; quota -= 1)
			join_secured(c);
		psim_run(c, PONTO_SECOND / STEPS, NULL, NULL);
	}
}

void psim_attack_cloud(struct psim_cloud *c, const struct psim_options *o)
{
	struct ponto_sim_network_model model;

	psim_cloud_init(c, o->profile, o->seed, o->seeds);
	psim_require(ponto_sim_network_get(c->sim, &model) == PONTO_OK, "out of memory");
	model.latency = o->latency * PONTO_MS;
	model.jitter = o->jitter * PONTO_MS;
	psim_require(ponto_sim_network_set(c->sim, &model) == PONTO_OK, "network model");
	grow_to(c, o, o->nodes);
	psim_run(c, o->settle * PONTO_SECOND, NULL, NULL);
}

static void on_resolved(void *arg, const struct psim_query *q, const struct pnrp_effect *effect)
{
	struct psim_outcome *o = arg;
	char name[PNRP_NAME_TEXT];

	o->asked++;
	if (effect->type != PNRP_EFFECT_RESOLVED)
		return;
	psim_name(q->target, name);
	/* The same name is not enough: the one who answered must be the one who holds it. */
	if (strcmp(effect->resolved.match->name, name) == 0 &&
	    ring_id_equal(&effect->resolved.match->id, &q->target->id)) {
		o->found++;
		o->single += effect->resolved.walks == 1;
		o->microseconds += effect->resolved.elapsed;
	} else {
		o->false_found++;
	}
}

struct psim_outcome psim_attack_resolve(struct psim_cloud *c, struct psim_node *target, uint32_t count,
					uint32_t timeout)
{
	struct psim_outcome o = {0};

	for (uint32_t i = 0; i < count; i++) {
		struct psim_node *from = psim_honest(c), *to = target ? target : psim_honest(c);

		if (from != to)
			psim_resolve(from, to, timeout * PONTO_SECOND, on_resolved, &o);
		psim_run(c, 60 * PONTO_SECOND / count, NULL, NULL);
	}
	psim_run(c, (timeout + 1) * PONTO_SECOND, NULL, NULL);
	return o;
}

void psim_attack_print(const char *what, const struct psim_outcome *o)
{
	double asked = o->asked ? (double)o->asked : 1, found = o->found ? (double)o->found : 1;

	printf("%-44s %7llu asked %8.3f %% found %8.3f %% by one walk %7.0f ms mean %5llu false\n", what,
	       (unsigned long long)o->asked, 100 * (double)o->found / asked, 100 * (double)o->single / asked,
	       (double)o->microseconds / found / 1000, (unsigned long long)o->false_found);
}

static uint32_t attackers_of(const struct psim_options *o)
{
	uint32_t count = (uint32_t)(o->attackers * o->nodes);

	return count > 0 ? count : 1;
}

/* Attackers are nodes like others, but that they may be asked for what they please. */
static void corrupt(struct psim_cloud *c, uint32_t count)
{
	while (count > 0) {
		struct psim_node *n = psim_any_leaver(c);

		count -= n && !n->bad;
		if (n)
			n->bad = true;
	}
}

/* ---- forged route entries ----------------------------------------------------------------- */

struct census {
	const struct psim_cloud *cloud;
	const struct psim_node **at; /* by number of the place */
	uint64_t entries, forged, leaves, forged_leaves, attackers;
};

static const struct psim_node *holder(const struct census *s, const struct ponto_addr *a)
{
	uint32_t number =
		((uint32_t)a->ip[12] << 24 | (uint32_t)a->ip[13] << 16 | (uint32_t)a->ip[14] << 8 | a->ip[15]) - 1;

	return number < s->cloud->joined ? s->at[number] : NULL;
}

static bool count_entry(void *arg, const struct pnrp_route *route)
{
	struct census *s = arg;
	const struct psim_node *n = holder(s, &route->addrs[0]);
	bool forged = n && !ring_id_equal(&n->id, &route->id);

	s->entries++;
	s->leaves += route->leaf;
	s->forged += forged;
	s->forged_leaves += forged && route->leaf;
	s->attackers += n && n->bad;
	return true;
}

static struct census take_census(const struct psim_cloud *c)
{
	struct census s = {.cloud = c, .at = ponto_new(c->alloc, c->joined, sizeof(struct psim_node *))};

	psim_require(s.at, "out of memory");
	for (uint32_t i = 0; i < c->count; i++)
		s.at[c->live[i]->number] = c->live[i];
	for (uint32_t i = 0; i < c->count; i++)
		if (!c->live[i]->bad)
			pnrp_engine_each_route(c->live[i]->engine, count_entry, &s);
	ponto_free(c->alloc, s.at);
	return s;
}

static void print_census(const char *when, const struct census *s)
{
	printf("%-44s %7.3f %% of entries forged, %7.3f %% of leaves forged, %7.3f %% of entries lead to attackers\n",
	       when, 100 * (double)s->forged / (double)s->entries, 100 * (double)s->forged_leaves / (double)s->leaves,
	       100 * (double)s->attackers / (double)s->entries);
}

/* Forgery for some seconds, while so many honest nodes an hour are replaced by others. */
static void forge_for(struct psim_cloud *c, unsigned seconds, double churn)
{
	double due = 0;

	for (unsigned t = 0; t < seconds; t++) {
		for (uint32_t i = 0; i < c->count; i++)
			for (unsigned k = 0; c->live[i]->bad && k < FORGED_A_SECOND; k++)
				psim_forge(c->live[i]);
		for (due += churn * c->count / 3600; due >= 1; due -= 1) {
			struct psim_node *leaver;

			do
				leaver = psim_any_leaver(c);
			while (leaver->bad);
			psim_leave(c, leaver);
			join_secured(c);
		}
		psim_run(c, PONTO_SECOND, NULL, NULL);
	}
}

static void poison(const struct psim_options *o)
{
	struct psim_outcome before, during, astray, churned, after;
	struct census clean, full, late, long_after;
	struct psim_lie lie = {0};
	struct psim_cloud c;

	psim_attack_cloud(&c, o);
	corrupt(&c, attackers_of(o));
	before = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	clean = take_census(&c);
	c.intercept = psim_deceive;
	c.intercept_arg = &lie;
	forge_for(&c, FORGE_SECONDS, 0);
	full = take_census(&c);
	during = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	lie.nearer = true;
	astray = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	forge_for(&c, LONG_SECONDS, o->churn);
	late = take_census(&c);
	churned = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	c.intercept = NULL;
	psim_run(&c, 1800 * PONTO_SECOND, NULL, NULL);
	long_after = take_census(&c);
	after = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	print_census("before", &clean);
	print_census("after 300 s of forgery", &full);
	print_census("after an hour more, in churn", &late);
	print_census("half an hour after its end", &long_after);
	psim_attack_print("before", &before);
	psim_attack_print("while attackers know of nobody", &during);
	psim_attack_print("while attackers lead to each other", &astray);
	psim_attack_print("the same after an hour more, in churn", &churned);
	psim_attack_print("half an hour after its end", &after);
	psim_cloud_clear(&c);
}

/* ---- eclipse -------------------------------------------------------------------------------- */

/* Where this name's IDs are, but for their low halves. */
static struct ring_id place_of(const struct psim_cloud *c, const char *text)
{
	uint8_t p2p[PNRP_P2P_ID_SIZE], location[PNRP_LOCATION_SIZE] = {0};
	struct pnrp_name name;
	struct ring_id id;

	psim_require(pnrp_name_parse(text, &name) == PONTO_OK, "name");
	pnrp_p2p_id(c->wire, &name, p2p);
	pnrp_id_make(p2p, location, &id);
	return id;
}

/* The best of many names: the one whose ID lies nearest. */
static void grind(struct psim_cloud *c, const struct ring_id *target, uint32_t number, char *out)
{
	struct ring_id nearest, id;
	char text[PNRP_NAME_TEXT];
	bool first = true;

	for (uint32_t i = 0; i < GRIND; i++) {
		snprintf(text, sizeof(text), "0.e%u-%u", (unsigned)number, (unsigned)i);
		id = place_of(c, text);
		if (!first && !ring_id_closer(&id, &nearest, target))
			continue;
		first = false;
		nearest = id;
		strcpy(out, text);
	}
}

/* Attackers join near this ID, and lie from then on. */
static void surround(struct psim_cloud *c, const struct psim_options *o, const struct ring_id *id, struct psim_lie *lie)
{
	char name[PNRP_NAME_TEXT];

	for (uint32_t i = 0; i < attackers_of(o); i++) {
		grind(c, id, i, name);
		lie->friend = psim_join_as(c, name, 0);
		lie->friend->bad = true;
		psim_run(c, PONTO_SECOND, NULL, NULL);
	}
	psim_run(c, 120 * PONTO_SECOND, NULL, NULL);
	c->intercept = psim_deceive;
	c->intercept_arg = lie;
}

/* A target that others know before the attackers come. */
static void eclipse_known(const struct psim_options *o)
{
	struct psim_cloud c;
	struct psim_node *target;
	struct psim_lie lie = {0};
	struct psim_outcome before, known, later, others;
	char name[PNRP_NAME_TEXT];

	psim_attack_cloud(&c, o);
	psim_secure_name(&c, 0, "target", name);
	target = psim_join_as(&c, name, 0);
	psim_run(&c, 60 * PONTO_SECOND, NULL, NULL);
	before = psim_attack_resolve(&c, target, o->resolves, o->timeout);
	surround(&c, o, &target->id, &lie);
	known = psim_attack_resolve(&c, target, o->resolves, o->timeout);
	psim_run(&c, 1800 * PONTO_SECOND, NULL, NULL);
	later = psim_attack_resolve(&c, target, o->resolves, o->timeout);
	others = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	psim_attack_print("the target, before", &before);
	psim_attack_print("the target, surrounded", &known);
	psim_attack_print("the target, half an hour later", &later);
	psim_attack_print("everybody else, then", &others);
	psim_cloud_clear(&c);
}

/* One that they wait for: its name is known, and so where its ID will be. */
static void eclipse_awaited(const struct psim_options *o)
{
	struct psim_cloud c;
	struct psim_node *target;
	struct psim_lie lie = {0};
	struct psim_outcome first, later;
	char name[PNRP_NAME_TEXT];
	struct ring_id id;

	psim_attack_cloud(&c, o);
	psim_secure_name(&c, attackers_of(o), "target", name);
	id = place_of(&c, name);
	surround(&c, o, &id, &lie);
	target = psim_join_as(&c, name, 0);
	psim_run(&c, 60 * PONTO_SECOND, NULL, NULL);
	first = psim_attack_resolve(&c, target, o->resolves, o->timeout);
	psim_run(&c, 1800 * PONTO_SECOND, NULL, NULL);
	later = psim_attack_resolve(&c, target, o->resolves, o->timeout);
	psim_attack_print("a target that comes later", &first);
	psim_attack_print("the same half an hour later", &later);
	psim_cloud_clear(&c);
}

static void eclipse(const struct psim_options *o)
{
	printf("%u attackers with names near a secured target's\n", (unsigned)attackers_of(o));
	eclipse_known(o);
	eclipse_awaited(o);
}

/* ---- flood ------------------------------------------------------------------------------------ */

/* What costs most: a LOOKUP with a route entry that must be looked into, an INQUIRE that must be signed, a SOLICIT
 * that opens a conversation, a FLOOD that must be acknowledged. */
static void junk(struct psim_node *from)
{
	struct psim_cloud *c = from->cloud;
	const struct ponto_random *random = ponto_sim_random(c->sim);
	struct psim_node *to = psim_honest(c);
	struct ponto_addr a = psim_address(to);
	struct ring_id id = psim_forged_id(c);
	struct pnrp_message m = {.id = (uint32_t)ponto_random_u64(random)};
	struct pnrp_route_entry route = psim_route(&id, from);
	uint8_t room[PNRP_DATAGRAM_MAX];

	switch (ponto_random_below(random, 4)) {
	case 0:
		m.type = PNRP_LOOKUP;
		m.lookup.target = m.lookup.validate_id = to->id;
		m.lookup.has_route = true;
		m.lookup.route = route;
		m.lookup.count = 1;
		memcpy(m.lookup.path[0].ip, route.addrs[0], sizeof(m.lookup.path[0].ip));
		m.lookup.path[0].port = route.port;
		break;
	case 1:
		m.type = PNRP_INQUIRE;
		m.inquire.validate_id = to->id;
		m.inquire.want_cpa = m.inquire.has_nonce = true;
		break;
	case 2:
		m.type = PNRP_SOLICIT;
		m.solicit.has_controls = m.solicit.has_route = true;
		m.solicit.route = route;
		random->fill(random->ctx, m.solicit.hashed_nonce, sizeof(m.solicit.hashed_nonce));
		break;
	default:
		m.type = PNRP_FLOOD;
		m.flood.validate_id = to->id;
		m.flood.has_route = true;
		m.flood.route = route;
		break;
	}
	psim_send(from, &a, psim_encode(c, &m, room));
}

struct flood {
	struct psim_cloud *cloud;
	double rate, quota; /* junk a tenth of a second, in all */
	bool on;
};

static void flow(void *arg)
{
	struct flood *f = arg;
	struct psim_cloud *c = f->cloud;
	uint32_t i = 0;

	if (!f->on)
		return;
	for (f->quota += f->rate; f->quota >= 1; f->quota -= 1) {
		do
			i = (uint32_t)ponto_random_below(ponto_sim_random(c->sim), c->count);
		while (!c->live[i]->bad);
		junk(c->live[i]);
	}
	psim_require(ponto_sim_at(c->sim, ponto_sim_now(c->sim) + PONTO_SECOND / STEPS, flow, f) != 0, "out of memory");
}

static uint64_t received(const struct psim_cloud *c)
{
	struct psim_traffic t;
	uint64_t sum = 0;

	psim_traffic(c, &t);
	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++)
		sum += t.engine.received[i];
	return sum;
}

static void flood(const struct psim_options *o)
{
	struct psim_lie lie = {0};
	struct flood f = {0};
	struct psim_cloud c;
	struct psim_outcome before, during;
	struct psim_traffic calm, loud;
	uint64_t messages, begun;
	double normal;

	psim_attack_cloud(&c, o);
	corrupt(&c, attackers_of(o));
	messages = received(&c);
	begun = ponto_sim_now(c.sim);
	before = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	normal = (double)(received(&c) - messages) * (double)PONTO_SECOND / (double)(ponto_sim_now(c.sim) - begun);
	c.intercept = psim_deceive;
	c.intercept_arg = &lie;
	f = (struct flood){.cloud = &c, .rate = normal * 10 / STEPS, .on = true};
	flow(&f);
	psim_run(&c, 60 * PONTO_SECOND, NULL, NULL);
	psim_traffic(&c, &calm);
	during = psim_attack_resolve(&c, NULL, o->resolves, o->timeout);
	psim_traffic(&c, &loud);
	f.on = false;
	psim_run(&c, PONTO_SECOND, NULL, NULL);
	printf("normal load %.1f messages per node and second, junk ten times that\n", normal / c.count);
	psim_attack_print("before", &before);
	psim_attack_print("in the flood", &during);
	printf("dropped then:");
	for (unsigned i = 0; i < PNRP_DROP_REASONS; i++)
		if (loud.engine.dropped[i] > calm.engine.dropped[i])
			printf(" %llu %s", (unsigned long long)(loud.engine.dropped[i] - calm.engine.dropped[i]),
			       pnrp_drop_name((enum pnrp_drop)i));
	printf("; engine %.0f bytes a node\n", psim_engine_memory(&c, 1000));
	psim_cloud_clear(&c);
}

/* ---- which ----------------------------------------------------------------------------------------- */

int psim_attack(const struct psim_options *o)
{
	static const struct {
		const char *name;
		void (*run)(const struct psim_options *o);
	} attacks[] = {{"amplify", psim_attack_amplify}, {"eclipse", eclipse}, {"flood", flood}, {"poison", poison}};
	char command[512];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(attacks); i++) {
		if (strcmp(o->attack, attacks[i].name) != 0)
			continue;
		psim_options_command(o, command, sizeof(command));
		printf("%s\n\n", command);
		attacks[i].run(o);
		return PSIM_OK;
	}
	fprintf(stderr, "ponto-sim: %s: no such attack (try --help)\n", o->attack);
	return PSIM_USAGE;
}
