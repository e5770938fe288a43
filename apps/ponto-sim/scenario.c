#include "apps/ponto-sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE 200		/* nodes looked at for means */
#define OLD (60 * PONTO_SECOND) /* how long a node must be there to be asked for, in the churn phase */
#define RESOLVE_SPAN 60		/* seconds over which a phase's resolves begin */
#define PROBE 10		/* seconds between two looks at a healing cloud */
#define PROBES 200		/* resolves across the former cut at each */

struct story {
	struct psim_cloud cloud;
	const struct psim_options *o;
	struct psim_report *report;
	const char *title;
	double wall_begun, wall_shown;
	bool show;
	uint64_t last_messages;
	uint64_t last_at;

	/* joining */
	double quota;
	/* resolving */
	struct psim_resolves *resolves;
	double ask_quota, ask_rate; /* resolves a second */
	uint64_t left;
	bool across; /* only between the two sides */
	/* churning */
	double churn_quota, churn_rate; /* nodes a second */
};

static double seconds_of(const struct story *s)
{
	return (double)ponto_sim_now(s->cloud.sim) / (double)PONTO_SECOND;
}

const char *psim_phase_title(enum psim_phase_name phase)
{
	static const char *const titles[PSIM_PHASES] = {"join",	  "idle",   "resolve", "loss and churn",
							"parted", "repair", "after"};

	return titles[phase];
}

/* ---- progress and series ---------------------------------------------------------- */

static void show_progress(struct story *s)
{
	double wall = psim_wall_now();

	if (!s->show || wall - s->wall_shown < 0.5)
		return;
	s->wall_shown = wall;
	fprintf(stderr, "\r%-14s %7.0f s virtual, %u nodes, %.0f million events, %.1f s  ", s->title, seconds_of(s),
		(unsigned)s->cloud.count, (double)s->cloud.events / 1e6, wall - s->wall_begun);
}

static void sample_series(struct story *s)
{
	struct ponto_sim_network_stats net;
	uint64_t now = ponto_sim_now(s->cloud.sim);

	if (now - s->last_at < 5 * PONTO_SECOND)
		return;
	psim_require(ponto_sim_network_stats(s->cloud.sim, &net) == PONTO_OK, "out of memory");
	psim_series_add(&s->report->traffic, seconds_of(s),
			(double)(net.sent - s->last_messages) * (double)PONTO_SECOND / (double)(now - s->last_at) /
				s->cloud.count);
	psim_series_add(&s->report->fill, seconds_of(s), psim_cache_fill(&s->cloud, SAMPLE));
	s->last_messages = net.sent;
	s->last_at = now;
}

/* ---- what goes on each tenth of a second -------------------------------------------- */

static void on_resolved(void *arg, const struct psim_query *q, const struct pnrp_effect *effect)
{
	struct psim_resolves *r = arg;
	char name[PNRP_NAME_TEXT];

	if (q->withdrawn)
		return;
	r->asked++;
	psim_name(q->target, name);
	if (effect->type != PNRP_EFFECT_RESOLVED || strcmp(effect->resolved.match->name, name) != 0)
		return;
	r->found++;
	r->single += effect->resolved.walks == 1;
	psim_histogram_add(&r->hops, effect->resolved.hops);
	psim_histogram_add(&r->latency, effect->resolved.elapsed);
}

static uint32_t side_of(const struct psim_node *n)
{
	return n->number & 1;
}

static void ask_one(struct story *s)
{
	struct psim_cloud *c = &s->cloud;
	uint64_t now = ponto_sim_now(c->sim);
	struct psim_node *from, *target;
	unsigned tries = 0;

	do {
		from = psim_anybody(c);
		target = psim_anybody(c);
	} while (++tries < 1000 && (from == target || now - from->joined_at < OLD || now - target->joined_at < OLD ||
				    (s->across && side_of(from) == side_of(target))));
	psim_resolve(from, target, s->o->timeout * PONTO_SECOND, on_resolved, s->resolves);
}

static void ask_some(struct story *s, double dt)
{
	s->ask_quota += s->ask_rate * dt;
	while (s->left > 0 && s->ask_quota >= 1) {
		s->ask_quota -= 1;
		s->left--;
		ask_one(s);
	}
}

static void churn_some(struct story *s, double dt)
{
	s->churn_quota += s->churn_rate * dt;
	while (s->churn_quota >= 1) {
		struct psim_node *n = psim_any_leaver(&s->cloud);

		s->churn_quota -= 1;
		if (!n)
			return;
		psim_leave(&s->cloud, n);
		(void)psim_join(&s->cloud);
	}
}

/* Slow start: a share of those present may come at once, so that the cloud stays one. */
static void join_some(struct story *s, double dt)
{
	double share = s->o->join * s->cloud.count;

	s->quota += dt * (share > 1 ? share : 1);
	while (s->quota >= 1 && s->cloud.count < s->o->nodes) {
		s->quota -= 1;
		(void)psim_join(&s->cloud);
	}
}

#define STEP 0.1

/* Lets time pass with whatever the story has going on. */
static void pass(struct story *s, double seconds)
{
	for (double t = 0; t < seconds - STEP / 2; t += STEP) {
		ask_some(s, STEP);
		churn_some(s, STEP);
		psim_run(&s->cloud, (uint64_t)(STEP * (double)PONTO_SECOND), NULL, NULL);
		sample_series(s);
		show_progress(s);
	}
}

/* ---- phases --------------------------------------------------------------------------- */

struct mark {
	struct psim_traffic traffic;
	double wall, cpu;
};

static void begin(struct story *s, enum psim_phase_name phase, struct mark *m)
{
	s->title = psim_phase_title(phase);
	s->resolves = &s->report->phase[phase].resolves;
	psim_traffic(&s->cloud, &m->traffic);
	m->wall = psim_wall_now();
	m->cpu = psim_cpu_now();
}

static void end(struct story *s, enum psim_phase_name phase, const struct mark *m)
{
	struct psim_phase *p = &s->report->phase[phase];
	struct psim_traffic now;
	double share;

	psim_traffic(&s->cloud, &now);
	p->told = true;
	p->wall = psim_wall_now() - m->wall;
	p->cpu = psim_cpu_now() - m->cpu;
	p->seconds = (double)(now.at - m->traffic.at) / (double)PONTO_SECOND;
	p->events = now.events - m->traffic.events;
	p->nodes = s->cloud.count;
	share = 1 / (p->seconds > 0 ? p->seconds : 1) / p->nodes;
	p->messages = (double)(now.messages - m->traffic.messages) * share;
	p->bytes = (double)(now.bytes - m->traffic.bytes) * share;
	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++)
		p->by_type[i] = (double)(now.engine.sent[i] - m->traffic.engine.sent[i]) * share;
	for (unsigned i = 0; i < PNRP_DROP_REASONS; i++)
		p->dropped[i] = now.engine.dropped[i] - m->traffic.engine.dropped[i];
	p->ring = psim_ring(&s->cloud);
}

static void join_phase(struct story *s)
{
	struct mark m;

	begin(s, PSIM_JOIN, &m);
	(void)psim_join(&s->cloud);
	while (s->cloud.count < s->o->nodes) {
		join_some(s, STEP);
		pass(s, STEP);
	}
	pass(s, s->o->settle);
	end(s, PSIM_JOIN, &m);
}

static void idle_phase(struct story *s)
{
	struct mark m;

	begin(s, PSIM_IDLE, &m);
	pass(s, s->o->idle);
	end(s, PSIM_IDLE, &m);
	s->report->engine_bytes = psim_engine_memory(&s->cloud, 1000);
	s->report->cache_fill = psim_cache_fill(&s->cloud, 1000);
	s->report->node_bytes = (double)psim_pool_used(s->cloud.pool) / s->cloud.count;
}

/* Asks, over span seconds, and waits for the answers. */
static void ask_all(struct story *s, uint64_t count, double span)
{
	s->left = count;
	s->ask_quota = 0;
	s->ask_rate = (double)count / (span - 0.5);
	pass(s, span);
	for (unsigned i = 0; s->cloud.asking > 0 && i <= s->o->timeout; i++)
		pass(s, 1);
}

static void resolve_phase(struct story *s, enum psim_phase_name phase)
{
	struct mark m;

	begin(s, phase, &m);
	ask_all(s, s->o->resolves, RESOLVE_SPAN);
	end(s, phase, &m);
}

static void set_network(struct story *s, double loss, double duplicate)
{
	struct ponto_sim_network_model model;

	psim_require(ponto_sim_network_get(s->cloud.sim, &model) == PONTO_OK, "out of memory");
	model.latency = s->o->latency * PONTO_MS;
	model.jitter = s->o->jitter * PONTO_MS;
	model.loss = (uint32_t)(loss * PONTO_SIM_PPM);
	model.duplicate = (uint32_t)(duplicate * PONTO_SIM_PPM);
	psim_require(ponto_sim_network_set(s->cloud.sim, &model) == PONTO_OK, "network model");
}

/* Loss and churn all the time; resolves in the second half, when they have done their work. */
static void faults_phase(struct story *s)
{
	double half = s->o->faults / 2.0;
	struct mark m;

	begin(s, PSIM_FAULTS, &m);
	set_network(s, s->o->loss, s->o->duplicate);
	s->churn_rate = s->o->churn * s->cloud.count / 3600;
	pass(s, half);
	ask_all(s, s->o->resolves, half);
	s->churn_rate = 0;
	set_network(s, 0, 0);
	end(s, PSIM_FAULTS, &m);
}

static void part(struct story *s)
{
	for (uint32_t i = 0; i < s->cloud.count; i++)
		psim_require(ponto_sim_network_partition(s->cloud.sim, s->cloud.live[i]->number,
							 side_of(s->cloud.live[i])) == PONTO_OK,
			     "out of memory");
}

/* One look at the healing cloud: true when all is well. */
static bool look(struct story *s, double healed)
{
	struct psim_report *r = s->report;
	struct psim_resolves probe = {0};
	double begun = seconds_of(s) - healed, now;
	struct psim_ring ring;

	s->resolves = &probe;
	s->across = true;
	ask_all(s, PROBES, PROBE);
	s->across = false;
	s->resolves = NULL;
	ring = psim_ring(&s->cloud);
	now = seconds_of(s) - healed;
	psim_series_add(&r->failing, begun, 1 - (double)probe.found / (double)(probe.asked ? probe.asked : 1));
	psim_series_add(&r->apart, now, 1 - (double)ring.next / ring.nodes);
	if (probe.found < probe.asked)
		r->found_all = -1;
	else if (r->found_all < 0)
		r->found_all = begun;
	if (ring.next < ring.nodes)
		r->ring_whole = -1;
	else if (r->ring_whole < 0)
		r->ring_whole = now;
	return r->found_all >= 0 && r->ring_whole >= 0;
}

static void partition_phases(struct story *s)
{
	struct mark m;
	double healed;

	begin(s, PSIM_PARTED, &m);
	part(s);
	pass(s, s->o->partition);
	end(s, PSIM_PARTED, &m);
	begin(s, PSIM_REPAIR, &m);
	psim_require(ponto_sim_network_heal(s->cloud.sim) == PONTO_OK, "out of memory");
	healed = seconds_of(s);
	while (!look(s, healed) && seconds_of(s) - healed < s->o->repair)
		;
	end(s, PSIM_REPAIR, &m);
	resolve_phase(s, PSIM_AFTER);
}

void psim_scenario(const struct psim_options *o, struct psim_report *out)
{
	struct story s = {.o = o, .report = out, .wall_begun = psim_wall_now()};

	memset(out, 0, sizeof(*out));
	out->options = *o;
	out->found_all = out->ring_whole = -1;
	s.show = !o->quiet && isatty(STDERR_FILENO);
	psim_cloud_init(&s.cloud, o->profile, o->seed, o->seeds);
	set_network(&s, 0, 0);
	join_phase(&s);
	idle_phase(&s);
	resolve_phase(&s, PSIM_RESOLVE);
	if (o->faults)
		faults_phase(&s);
	if (o->partition)
		partition_phases(&s);
	out->peak_bytes = psim_pool_peak(s.cloud.pool);
	out->hash = ponto_sim_hash(s.cloud.sim);
	if (s.show)
		fputs("\r\033[K", stderr);
	psim_cloud_clear(&s.cloud);
}

void psim_report_clear(struct psim_report *r)
{
	psim_series_clear(&r->traffic);
	psim_series_clear(&r->fill);
	psim_series_clear(&r->apart);
	psim_series_clear(&r->failing);
}
