#include "apps/ponto-sim/teredo_story.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETTLE 60	/* seconds after the last has begun */
#define PATIENCE 330 /* seconds that somebody tries: after 300 bubbles are allowed again, RFC 4380 5.2.6 */
#define TRIES 50	/* to find two that fit */
#define PAUSE (5 * PONTO_SECOND) /* of conversations that go on */
#define SILENCE (60 * PONTO_SECOND) /* too long for one of these */
#define WARM_UP 30	/* seconds of them before servers go */
#define AFTER 120	/* and after these are back */
#define TARGETS 200	/* one target for so many clients */

/* A plan of conversations: how many in a tick. */
struct story {
	struct tsim_net net;
	const struct tsim_options *o;
	struct tsim_report *report;
	const char *title;
	bool show;
	double wall_begun, wall_shown;
	uint64_t last_messages, last_at;

	uint32_t *by_kind[TSIM_BOXES]; /* numbers of clients */
	uint32_t count[TSIM_BOXES];

	/* conversations of a phase */
	uint64_t next, total;
	double quota, rate; /* a tick */
	uint64_t patience;
	uint64_t all_until; /* not 0: so long, whenever they begin */

	uint32_t begun; /* joining */
	double churn_quota, churn_rate;
	uint64_t *wakes; /* of each client that is shut: when; 0: it is not */
	uint64_t *slept; /* when it was last opened again */

	uint32_t *targets;
	uint32_t target_count;
};

/* What the text calls "none" is a public address: no NAT at all. */
static const bool promised[TSIM_KINDS][TSIM_KINDS] = {
	[TSIM_NONE] = {true, true, true, true, true, true, true, true, true},
	[TSIM_CONE] = {true, true, true, true, true, true, true, true, true},
	[TSIM_ADDRESS] = {true, true, true, true, true, true, true, false, true},
	[TSIM_PORT] = {true, true, true, true, true, true, false, false, true},
	[TSIM_PRESERVING] = {true, true, true, true, true, true, false, false, false},
	[TSIM_SEQUENTIAL] = {true, true, true, true, false, false, false, false, false},
	[TSIM_SYMMETRIC] = {true, true, true, false, false, false, false, false, false},
	[TSIM_BY_ADDRESS] = {true, true, false, false, false, false, false, false, false},
	[TSIM_NATIVE] = {true, true, true, true, false, false, false, false, false},
};

bool tsim_promised(enum tsim_kind from, enum tsim_kind to)
{
	return promised[from][to];
}

const char *tsim_phase_title(enum tsim_phase_name phase)
{
	static const char *const titles[TSIM_PHASES] = {"join", "idle", "talk", "loss and churn", "outage", "hostile"};

	return titles[phase];
}

static uint64_t below(struct story *s, uint64_t n)
{
	return ponto_random_below(ponto_sim_random(s->net.sim), n);
}

static uint64_t now_of(const struct story *s)
{
	return ponto_sim_now(s->net.sim);
}

/* ---- progress and series ---------------------------------------------------------- */

static void show_progress(struct story *s)
{
	double wall = psim_wall_now();

	if (!s->show || wall - s->wall_shown < 0.5)
		return;
	s->wall_shown = wall;
	fprintf(stderr, "\r%-14s %7.0f s virtual, %u clients, %.1f million events, %.1f s  ", s->title,
		(double)now_of(s) / (double)PONTO_SECOND, (unsigned)s->begun, (double)s->net.events / 1e6,
		wall - s->wall_begun);
}

static void sample_series(struct story *s)
{
	struct ponto_sim_network_stats net;
	uint64_t now = now_of(s);

	if (now - s->last_at < 5 * PONTO_SECOND)
		return;
	psim_require(ponto_sim_network_stats(s->net.sim, &net) == PONTO_OK, "out of memory");
	psim_series_add(&s->report->traffic, (double)now / (double)PONTO_SECOND,
			(double)(net.sent - s->last_messages) * (double)PONTO_SECOND / (double)(now - s->last_at) /
				s->o->nodes);
	s->last_messages = net.sent;
	s->last_at = now;
}

/* ---- conversations ------------------------------------------------------------------ */

/* One of that kind who is awake. False: there is none. */
static bool draw_end(struct story *s, enum tsim_kind kind, struct tsim_end *out)
{
	memset(out, 0, sizeof(*out));
	if (kind == TSIM_NATIVE) {
		out->native = &s->net.natives[below(s, s->o->natives)];
		return true;
	}
	for (unsigned i = 0; i < TRIES && s->count[kind] > 0; i++) {
		out->client = &s->net.clients[s->by_kind[kind][below(s, s->count[kind])]];
		if (!out->client->asleep && !out->client->target)
			return true;
	}
	return false;
}

static bool apart(const struct tsim_end *a, const struct tsim_end *b)
{
	if (!a->client || !b->client)
		return true;
	return a->client != b->client && (a->client->box == 0 || a->client->box != b->client->box);
}

static struct tsim_talk *begin(struct story *s, struct tsim_end from, struct tsim_end to, uint64_t pause)
{
	uint64_t us = s->all_until ? s->all_until - now_of(s) : s->patience;

	return tsim_talk_begin(&s->net, from, to, us, pause);
}

static void talk_between(struct story *s, enum tsim_kind row, enum tsim_kind column, uint64_t pause)
{
	struct tsim_end from, to;

	for (unsigned i = 0; i < TRIES; i++) {
		if (!draw_end(s, row, &from) || !draw_end(s, column, &to))
			return;
		if (apart(&from, &to)) {
			begin(s, from, to, pause);
			return;
		}
	}
}

/* Behind one box that is no symmetric one. */
static void talk_behind(struct story *s)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t a = (uint32_t)below(s, s->o->nodes);
		struct tsim_client *one = &s->net.clients[a], *other = NULL;

		for (uint32_t b = a + 1; b < s->o->nodes && b < a + 2000 && !other; b++)
			if (one->box && s->net.clients[b].box == one->box)
				other = &s->net.clients[b];
		if (!other || one->kind > TSIM_PORT || one->asleep || other->asleep)
			continue;
		begin(s, (struct tsim_end){.client = one}, (struct tsim_end){.client = other}, 0);
		return;
	}
}

/* Number n of a phase's: every pair of kinds in turn, and after each round one behind one box. */
static void talk_number(struct story *s, uint64_t n)
{
	uint64_t pair = n % (TSIM_KINDS * TSIM_KINDS);
	enum tsim_kind row = (enum tsim_kind)(pair / TSIM_KINDS), column = (enum tsim_kind)(pair % TSIM_KINDS);

	if (row == TSIM_NATIVE && column == TSIM_NATIVE)
		talk_behind(s);
	else
		talk_between(s, row, column, 0);
}

static void talk_some(struct story *s)
{
	s->quota += s->rate;
	for (; s->quota >= 1 && s->next < s->total; s->quota -= 1)
		talk_number(s, s->next++);
}

/* So many in so many seconds. */
static void plan(struct story *s, uint64_t total, uint32_t seconds, uint64_t patience, uint64_t until)
{
	s->next = 0;
	s->total = total;
	s->quota = 0;
	s->rate = (double)total / seconds / 10;
	s->patience = patience;
	s->all_until = until;
}

static bool slept_in(const struct story *s, const struct tsim_end *e, const struct tsim_talk *t)
{
	size_t i;

	if (!e->client)
		return false;
	i = (size_t)(e->client - s->net.clients);
	return e->client->asleep || s->slept[i] > t->begun;
}

static void count_cell(struct tsim_cell *cell, const struct tsim_talk *t)
{
	cell->asked++;
	cell->reached += t->answered != 0;
}

static void count_talk(const struct story *s, const struct tsim_talk *t, struct tsim_talks *out)
{
	enum tsim_kind row = t->kind[0], column = t->kind[1];
	bool same_box = !apart(&t->from, &t->to);

	/* Or a box that was restarted keeps its port no more. */
	if (!t->answered && (slept_in(s, &t->from, t) || slept_in(s, &t->to, t) ||
			     !tsim_promised(tsim_end_kind(&t->from), tsim_end_kind(&t->to)) > !tsim_promised(row, column))) {
		out->excused++;
		return;
	}
	count_cell(same_box ? &out->box : &out->cell[row][column], t);
	if (tsim_promised(row, column))
		count_cell(&out->promised, t);
	if (!t->answered)
		return;
	psim_histogram_add(&out->first, t->heard - t->begun);
	psim_histogram_add(&out->answer, t->answered - t->begun);
}

static void count_talks(struct story *s, struct tsim_talks *out)
{
	for (uint32_t i = 0; i < s->net.talk_count; i++)
		count_talk(s, s->net.talks[i], out);
	tsim_talks_clear(&s->net);
}

/* ---- what happens to mappings ----------------------------------------------------------- */

static void shut(struct story *s)
{
	uint32_t i = (uint32_t)below(s, s->o->nodes);
	struct tsim_client *c = &s->net.clients[i];

	if (c->asleep || c->kind == TSIM_BLOCKED)
		return;
	tsim_client_sleep(c, true);
	s->wakes[i] = now_of(s) + (60 + below(s, 300)) * PONTO_SECOND;
	s->report->shut++;
}

static void wake_some(struct story *s, bool all)
{
	for (uint32_t i = 0; i < s->o->nodes; i++) {
		if (!s->wakes[i] || (!all && s->wakes[i] > now_of(s)))
			continue;
		s->wakes[i] = 0;
		s->slept[i] = now_of(s);
		tsim_client_sleep(&s->net.clients[i], false);
	}
}

static void churn_some(struct story *s)
{
	s->churn_quota += s->churn_rate;
	for (; s->churn_quota >= 1; s->churn_quota -= 1) {
		uint32_t box = 1 + (uint32_t)below(s, s->net.box_count);

		switch (below(s, 4)) {
		case 0:
			shut(s);
			break;
		case 1:
			tsim_box_restart(&s->net, box, true);
			s->report->renumbered++;
			break;
		default:
			tsim_box_restart(&s->net, box, false);
			s->report->restarted++;
			break;
		}
	}
	if (now_of(s) % PONTO_SECOND == 0)
		wake_some(s, false);
}

/* ---- phases --------------------------------------------------------------------------------- */

static void tick(void *arg)
{
	struct story *s = arg;

	talk_some(s);
	if (s->churn_rate > 0)
		churn_some(s);
	sample_series(s);
	show_progress(s);
}

struct clock {
	double wall, cpu;
	uint64_t at, events;
	struct ponto_sim_network_stats net;
};

static void start_clock(struct story *s, enum tsim_phase_name phase, struct clock *clock)
{
	s->title = tsim_phase_title(phase);
	*clock = (struct clock){psim_wall_now(), psim_cpu_now(), now_of(s), s->net.events, {0}};
	psim_require(ponto_sim_network_stats(s->net.sim, &clock->net) == PONTO_OK, "out of memory");
}

static void stop_clock(struct story *s, enum tsim_phase_name phase, const struct clock *clock)
{
	struct tsim_phase *p = &s->report->phase[phase];
	struct ponto_sim_network_stats net;

	psim_require(ponto_sim_network_stats(s->net.sim, &net) == PONTO_OK, "out of memory");
	p->told = true;
	p->seconds = (double)(now_of(s) - clock->at) / (double)PONTO_SECOND;
	p->wall = psim_wall_now() - clock->wall;
	p->cpu = psim_cpu_now() - clock->cpu;
	p->events = s->net.events - clock->events;
	p->messages = (double)(net.sent - clock->net.sent) / p->seconds / s->o->nodes;
	p->bytes = (double)(net.sent_bytes - clock->net.sent_bytes) / p->seconds / s->o->nodes;
}

static void join_some(void *arg)
{
	struct story *s = arg;
	uint64_t due = now_of(s) * s->o->nodes / (s->o->join * PONTO_SECOND);

	for (; s->begun < due && s->begun < s->o->nodes; s->begun++)
		tsim_client_begin(&s->net.clients[s->begun]);
	tick(s);
}

static bool judged_right(const struct tsim_client *c)
{
	struct teredo_client_status status;

	teredo_client_status(c->engine, &status);
	return status.nat == (c->kind <= TSIM_PORT ? TEREDO_NAT_RESTRICTED : TEREDO_NAT_SYMMETRIC) ||
	       c->kind == TSIM_BLOCKED;
}

static uint64_t count_addresses(struct story *s, struct tsim_cell out[TSIM_BOXES], uint64_t *wrong)
{
	struct teredo_ip6 ip;
	uint64_t without = 0;

	for (uint32_t i = 0; i < s->o->nodes; i++) {
		const struct tsim_client *c = &s->net.clients[i];
		bool has = tsim_client_address(c, &ip);

		if (out) {
			out[c->kind].asked++;
			out[c->kind].reached += has;
			*wrong += !judged_right(c);
		}
		without += !has && c->kind != TSIM_BLOCKED && !c->asleep;
	}
	return without;
}

static void tell_join(struct story *s)
{
	struct clock clock;
	uint64_t before;

	start_clock(s, TSIM_JOIN, &clock);
	tsim_client_begin(&s->net.clients[s->begun++]);
	before = psim_pool_used(s->net.pool);
	tsim_client_begin(&s->net.clients[s->begun++]);
	s->report->engine_bytes = (double)(psim_pool_used(s->net.pool) - before);
	tsim_run(&s->net, s->o->join * PONTO_SECOND, join_some, s);
	tsim_run(&s->net, SETTLE * PONTO_SECOND, tick, s);
	stop_clock(s, TSIM_JOIN, &clock);
	count_addresses(s, s->report->qualified, &s->report->judged_wrong);
	s->report->qualify = s->net.requalified;
	memset(&s->net.requalified, 0, sizeof(s->net.requalified));
	s->net.kept = 0;
}

static void tell_idle(struct story *s)
{
	struct clock clock;

	start_clock(s, TSIM_IDLE, &clock);
	tsim_run(&s->net, s->o->idle * PONTO_SECOND, tick, s);
	stop_clock(s, TSIM_IDLE, &clock);
	s->report->node_bytes = (double)psim_pool_used(s->net.pool) / s->o->nodes;
}

static void tell_talk(struct story *s)
{
	struct clock clock;

	start_clock(s, TSIM_TALK, &clock);
	plan(s, (uint64_t)s->o->pairs * TSIM_KINDS * TSIM_KINDS, s->o->talk, PATIENCE * PONTO_SECOND, 0);
	tsim_run(&s->net, (s->o->talk + PATIENCE) * PONTO_SECOND, tick, s);
	stop_clock(s, TSIM_TALK, &clock);
	count_talks(s, &s->report->talks[0]);
}

static void set_loss(struct story *s, double loss)
{
	struct ponto_sim_network_model model;

	psim_require(ponto_sim_network_get(s->net.sim, &model) == PONTO_OK, "out of memory");
	model.latency = s->o->latency * PONTO_MS;
	model.jitter = s->o->jitter * PONTO_MS;
	model.loss = (uint32_t)(loss * PONTO_SIM_PPM);
	psim_require(ponto_sim_network_set(s->net.sim, &model) == PONTO_OK, "out of memory");
}

/* Conversations begin in the first third, so that each has the time for all that the extension tries. */
static void tell_faults(struct story *s)
{
	uint32_t first = s->o->faults / 3 > 0 ? s->o->faults / 3 : 1;
	struct clock clock;

	start_clock(s, TSIM_FAULTS, &clock);
	set_loss(s, s->o->loss);
	s->churn_rate = s->o->churn * s->net.box_count / 36000;
	plan(s, (uint64_t)s->o->pairs * TSIM_KINDS * TSIM_KINDS, first, 0, now_of(s) + s->o->faults * PONTO_SECOND);
	tsim_run(&s->net, s->o->faults * PONTO_SECOND, tick, s);
	s->churn_rate = 0;
	set_loss(s, 0);
	count_talks(s, &s->report->talks[1]);
	wake_some(s, true);
	tsim_run(&s->net, SETTLE * PONTO_SECOND, tick, s);
	stop_clock(s, TSIM_FAULTS, &clock);
	s->report->lost = count_addresses(s, NULL, NULL);
	s->report->requalified = s->net.requalified;
	s->report->kept = s->net.kept;
}

/* ---- servers that go ------------------------------------------------------------------------ */

static void stop_servers(struct story *s, bool down)
{
	/* Never two in a row: a client's second server is the next one. */
	for (uint32_t i = 0; i < s->o->servers / 3; i++)
		tsim_server_stop(&s->net.servers[3 * i], down);
}

static void count_conversations(struct story *s)
{
	for (uint32_t i = 0; i < s->net.talk_count; i++) {
		struct tsim_talk *t = s->net.talks[i];

		if (!t->answered)
			continue;
		if (now_of(s) - t->last > t->gap)
			t->gap = now_of(s) - t->last;
		s->report->conversations++;
		s->report->unbroken += t->gap < SILENCE;
		psim_histogram_add(&s->report->gap, t->gap);
	}
	tsim_talks_clear(&s->net);
}

static void tell_outage(struct story *s)
{
	uint32_t count = s->o->pairs * 4;
	struct clock clock;

	start_clock(s, TSIM_OUTAGE, &clock);
	plan(s, 0, 1, 0, now_of(s) + (WARM_UP + s->o->outage + AFTER) * PONTO_SECOND);
	while (count > 0) {
		enum tsim_kind row = (enum tsim_kind)below(s, TSIM_NATIVE), column = (enum tsim_kind)below(s, TSIM_NATIVE);

		/* Who asks another server has another mapping there: a box does not keep a port for two. */
		if (!tsim_promised(row == TSIM_PRESERVING ? TSIM_SYMMETRIC : row,
				   column == TSIM_PRESERVING ? TSIM_SYMMETRIC : column))
			continue;
		talk_between(s, row, column, PAUSE);
		count--;
	}
	tsim_run(&s->net, WARM_UP * PONTO_SECOND, tick, s);
	stop_servers(s, true);
	tsim_run(&s->net, s->o->outage * PONTO_SECOND, tick, s);
	stop_servers(s, false);
	tsim_run(&s->net, AFTER * PONTO_SECOND, tick, s);
	count_conversations(s);
	/* A client that found no server waits up to 160 s. */
	tsim_run(&s->net, 180 * PONTO_SECOND, tick, s);
	stop_clock(s, TSIM_OUTAGE, &clock);
	s->report->back_without = count_addresses(s, NULL, NULL);
}

/* ---- attackers ----------------------------------------------------------------------------------- */

static void mark_targets(struct story *s)
{
	uint32_t want = s->o->nodes / TARGETS > 2 ? s->o->nodes / TARGETS : 2;

	for (uint32_t i = 0; i < s->o->nodes && s->target_count < want; i++) {
		struct tsim_client *c = &s->net.clients[i];

		/* Behind a box that lets in whom it knows only, little of it would arrive; those behind one address share
		 * what servers allow it. */
		if (c->kind > TSIM_CONE || (c->box && s->net.boxes[c->box].clients > 1) ||
		    !tsim_client_address(c, &c->address_before))
			continue;
		c->target = true;
		s->targets[s->target_count++] = i;
	}
}

static void attack_tick(void *arg)
{
	struct story *s = arg;

	for (uint32_t i = 0; i < s->target_count; i++)
		tsim_flood(&s->net, &s->net.clients[s->targets[i]], s->o->rate / 10);
	s->report->forged += (uint64_t)s->target_count * (s->o->rate / 10);
	tick(s);
}

/* A target to and from each kind that is promised to reach and be reached. */
static void talk_with_targets(struct story *s)
{
	for (uint32_t i = 0; i < s->o->pairs * TSIM_KINDS; i++) {
		struct tsim_client *c = &s->net.clients[s->targets[below(s, s->target_count)]];
		enum tsim_kind kind = (enum tsim_kind)(i % TSIM_KINDS);
		struct tsim_end other, target = {.client = c};

		if (!draw_end(s, kind, &other))
			continue;
		if (tsim_promised(c->kind, kind))
			begin(s, target, other, 0);
		if (tsim_promised(kind, c->kind) && draw_end(s, kind, &other))
			begin(s, other, target, 0);
	}
}

static void look_at_targets(struct story *s)
{
	for (uint32_t i = 0; i < s->target_count; i++) {
		const struct tsim_client *c = &s->net.clients[s->targets[i]];
		struct teredo_client_status status;
		struct teredo_address before;

		teredo_client_status(c->engine, &status);
		teredo_address_split(&c->address_before, &before);
		s->report->hostile_changes += !teredo_endpoint_equal(&status.mapped, &before.mapped);
		if (status.peers > s->report->most_peers)
			s->report->most_peers = status.peers;
	}
}

static void tell_hostile(struct story *s)
{
	uint64_t before;
	struct clock clock;

	start_clock(s, TSIM_HOSTILE, &clock);
	tsim_reflect(&s->net, s->report);
	mark_targets(s);
	before = psim_pool_used(s->net.pool);
	plan(s, 0, 1, 0, now_of(s) + s->o->hostile * PONTO_SECOND);
	tsim_run(&s->net, s->o->hostile * PONTO_SECOND / 2, attack_tick, s);
	if (s->target_count > 0)
		talk_with_targets(s);
	tsim_run(&s->net, s->o->hostile * PONTO_SECOND / 2, attack_tick, s);
	stop_clock(s, TSIM_HOSTILE, &clock);
	s->report->flooded_bytes = (double)(psim_pool_used(s->net.pool) - before) / s->target_count;
	s->report->targets = s->target_count;
	look_at_targets(s);
	count_talks(s, &s->report->talks[2]);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static void sort_by_kind(struct story *s)
{
	for (enum tsim_kind kind = 0; kind < TSIM_BOXES; kind++) {
		s->by_kind[kind] = ponto_new(s->net.alloc, s->o->nodes, sizeof(uint32_t));
		psim_require(s->by_kind[kind], "out of memory");
	}
	for (uint32_t i = 0; i < s->o->nodes; i++) {
		enum tsim_kind kind = s->net.clients[i].kind;

		s->by_kind[kind][s->count[kind]++] = i;
	}
	s->wakes = ponto_new(s->net.alloc, s->o->nodes, sizeof(uint64_t));
	s->slept = ponto_new(s->net.alloc, s->o->nodes, sizeof(uint64_t));
	s->targets = ponto_new(s->net.alloc, s->o->nodes, sizeof(uint32_t));
	psim_require(s->wakes && s->slept && s->targets, "out of memory");
}

static void finish(struct story *s)
{
	s->report->misled = s->net.misled;
	s->report->hash = ponto_sim_hash(s->net.sim);
	s->report->peak_bytes = psim_pool_peak(s->net.pool);
	if (s->show)
		fputs("\r\x1b[K", stderr);
	for (enum tsim_kind kind = 0; kind < TSIM_BOXES; kind++)
		ponto_free(s->net.alloc, s->by_kind[kind]);
	ponto_free(s->net.alloc, s->wakes);
	ponto_free(s->net.alloc, s->slept);
	ponto_free(s->net.alloc, s->targets);
	tsim_net_clear(&s->net);
}

void tsim_story(const struct tsim_options *o, struct tsim_report *out)
{
	struct tsim_setup setup = {.seed = o->seed,
				   .clients = o->nodes,
				   .servers = o->servers,
				   .relays = o->relays,
				   .natives = o->natives,
				   .peers = o->peers};
	struct story s = {.o = o, .report = out, .wall_begun = psim_wall_now()};

	memset(out, 0, sizeof(*out));
	out->options = *o;
	s.show = !o->quiet && isatty(STDERR_FILENO);
	tsim_net_init(&s.net, &setup);
	set_loss(&s, 0);
	sort_by_kind(&s);
	tell_join(&s);
	tell_idle(&s);
	tell_talk(&s);
	if (o->faults)
		tell_faults(&s);
	if (o->outage)
		tell_outage(&s);
	if (o->hostile)
		tell_hostile(&s);
	finish(&s);
}

void tsim_report_clear(struct tsim_report *r)
{
	psim_series_clear(&r->traffic);
}
