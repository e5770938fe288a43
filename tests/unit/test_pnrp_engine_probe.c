/* Entries are asked whether they are still there; what follows when a leaf is not; announcements, when and where to. */
#include "engines/ring/ring_cache.h"
#include "tests/support/pnrp_rig.h"

#define TICK (15 * PONTO_SECOND)

/* The others: what they answer, and what they were asked. */
struct others {
	struct rig_peer peer[2 * RING_LEAF]; /* can be certified */
	unsigned peers;
	struct ring_id silent, gone; /* those that do not answer probes, or with N; zero: none */
	struct ring_id deaf;	     /* acknowledges no FLOOD */
	struct ring_id local;
	struct ponto_addr seed, far;
	unsigned probes, at_seed, at_far, at_leaf;
	unsigned told;		/* of local, by FLOODs */
	unsigned announcements; /* of it, without those before it was settled */
	uint64_t announced_at;
};

static const struct rig_peer *peer_of(const struct others *o, const struct ring_id *id)
{
	for (unsigned i = 0; i < o->peers; i++)
		if (ring_id_equal(&o->peer[i].id, id))
			return &o->peer[i];
	return NULL;
}

static void on_inquire(struct rig *r, struct others *o, struct rig_datagram *d)
{
	const struct ring_id *id = &d->m.inquire.validate_id;

	if (d->m.inquire.want_cpa) {
		if (peer_of(o, id))
			rig_certify(r, d, peer_of(o, id), NULL);
		return;
	}
	o->probes++;
	if (!ring_id_equal(id, &o->silent))
		rig_answer_flags(r, d, ring_id_equal(id, &o->gone));
}

static void on_flood(struct rig *r, struct others *o, struct rig_datagram *d)
{
	struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = d->m.id}};

	o->told += d->m.flood.has_route && ring_id_equal(&d->m.flood.route.id, &o->local);
	if (!ring_id_equal(&d->m.flood.validate_id, &o->deaf))
		rig_send(r, &d->to, &ack);
}

static void on_lookup(struct rig *r, struct others *o, struct rig_datagram *d)
{
	if (d->m.lookup.reason == PNRP_REASON_MAINTENANCE && d->m.lookup.has_route) {
		o->at_seed += ponto_addr_equal(&d->to, &o->seed);
		o->at_far += ponto_addr_equal(&d->to, &o->far);
		for (unsigned i = 0; i < o->peers; i++)
			o->at_leaf += ponto_addr_equal(&d->to, &o->peer[i].addr);
		o->announcements += r->now > o->announced_at + 5 * PONTO_SECOND;
		o->announced_at = r->now;
	}
	rig_answer_flags(r, d, false);
}

/* Lets time pass among them. */
static void live(struct rig *r, struct others *o, uint64_t duration)
{
	for (uint64_t t = 0; t < duration; t += PONTO_SECOND / 2) {
		struct rig_datagram *d;

		rig_run(r, PONTO_SECOND / 2);
		while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
			on_inquire(r, o, d);
		while ((d = rig_take(r, PNRP_FLOOD)) != NULL)
			on_flood(r, o, d);
		while ((d = rig_take(r, PNRP_LOOKUP)) != NULL)
			on_lookup(r, o, d);
		rig_forget(r);
	}
}

static void answered_entries_stay(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = rig_id(0x30, 1);
	struct others o = {0};

	(void)state;
	rig_learn(r, &id, 1);
	live(r, &o, 20 * TICK);
	assert_in_range(o.probes, 19, 21); /* one a tick */
	assert_true(rig_knows(r, &id));
	rig_free(r);
}

static void silent_entries_go_after_two_questions(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = rig_id(0x30, 1);
	struct others o = {.silent = id};

	(void)state;
	rig_learn(r, &id, 1);
	while (o.probes < 3) /* two copies of the first */
		live(r, &o, PONTO_SECOND / 2);
	assert_true(rig_knows(r, &id));
	live(r, &o, 3 * PONTO_SECOND);
	assert_int_equal(o.probes, 4);
	assert_false(rig_knows(r, &id));
	rig_free(r);
}

static void entries_that_are_gone_go_at_once(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = rig_id(0x30, 1);
	struct others o = {.gone = id};

	(void)state;
	rig_learn(r, &id, 1);
	live(r, &o, TICK);
	assert_int_equal(o.probes, 1);
	assert_false(rig_knows(r, &id));
	rig_free(r);
}

static void meet(struct rig *r, struct others *o, int steps)
{
	o->peer[o->peers] = rig_neighbour(1 + o->peers, &o->local, steps);
	rig_learn_peer(r, &o->peer[o->peers]);
	o->peers++;
}

/* Up to five leaves on each side, every second place free. */
static struct rig *among(struct others *o, unsigned peers)
{
	struct rig *r = rig_open();

	o->seed = rig_addr(900);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_SEED, &o->seed, 1);
	rig_register(r, &o->local);
	for (int steps = 2; o->peers < peers; steps += 2) {
		meet(r, o, steps);
		meet(r, o, -steps);
	}
	return r;
}

/* Two leaves, and announcements that have become rare. */
static struct rig *settled(struct others *o)
{
	struct rig *r = among(o, 2);

	live(r, o, 3000 * PONTO_SECOND);
	assert_true(rig_is_leaf(r, &o->peer[0].id) && rig_is_leaf(r, &o->peer[1].id));
	return r;
}

/* Long before the quarter of an hour is over. */
static void a_lost_leaf_makes_the_name_known_again(void **state)
{
	struct others o = {0};
	struct rig *r = settled(&o);

	(void)state;
	o.gone = o.peer[0].id;
	while (rig_knows(r, &o.peer[0].id)) {
		o.at_leaf = o.at_seed = 0;
		live(r, &o, PONTO_SECOND / 2);
	}
	live(r, &o, 4 * PONTO_SECOND);
	assert_true(o.at_leaf > 0);
	/* and again and again, since it was the nearest: the first walk may have met nobody */
	o.announcements = 0;
	live(r, &o, 160 * PONTO_SECOND);
	assert_true(o.announcements >= 3);
	rig_free(r);
}

/* Others may be between it and us, or behind it: the walk meets them. */
static void a_new_neighbour_makes_the_name_known_again(void **state)
{
	struct others o = {0};
	struct rig *r = settled(&o);

	(void)state;
	meet(r, &o, 5); /* not the nearest */
	o.at_leaf = 0;
	live(r, &o, 4 * PONTO_SECOND);
	assert_int_equal(o.at_leaf, 0);
	meet(r, &o, 1);
	live(r, &o, 4 * PONTO_SECOND);
	assert_true(o.at_leaf > 0);
	rig_free(r);
}

/* After 15 s, 30 s, 60 s, and so on, each a quarter more or less. */
static void intervals_of_announcements_double(void **state)
{
	struct others o = {0};
	struct rig *r = among(&o, 2);

	(void)state;
	live(r, &o, 8 * PONTO_SECOND);
	o.announcements = 0;
	live(r, &o, 600 * PONTO_SECOND);
	assert_in_range(o.announcements, 4, 6);
	rig_free(r);
}

/* Seeds and whoever else is known far away may know a part of the cloud that our neighbours do not. */
static void some_announcements_begin_far_away(void **state)
{
	struct ring_id far = rig_id(0xC0, 1);
	struct others o = {0};
	struct rig *r = among(&o, 2 * RING_LEAF);

	(void)state;
	o.far = rig_addr(700);
	rig_learn(r, &far, 700);
	live(r, &o, 3000 * PONTO_SECOND);
	o.at_leaf = o.at_seed = o.at_far = 0;
	live(r, &o, 40000 * PONTO_SECOND);
	assert_in_range(o.at_seed, 3, 30); /* of about 44 */
	assert_in_range(o.at_far, 1, 30);
	assert_true(o.at_leaf > o.at_seed + o.at_far);
	rig_free(r);
}

/* They may have lost us, or never have heard of us. */
static void the_nearest_are_told_of_us_again(void **state)
{
	struct others o = {0};
	struct rig *r = settled(&o);

	(void)state;
	o.told = 0;
	live(r, &o, 80 * TICK);
	assert_in_range(o.told, 15, 25); /* every fourth tick */
	assert_true(rig_is_leaf(r, &o.peer[0].id) && rig_is_leaf(r, &o.peer[1].id));
	rig_free(r);
}

/* It is asked in another way before it is given up. */
static void a_leaf_that_is_deaf_to_that_stays(void **state)
{
	struct others o = {0};
	struct rig *r = settled(&o);

	(void)state;
	o.deaf = o.peer[0].id;
	o.told = 0;
	live(r, &o, 80 * TICK);
	assert_true(o.told > 0);
	assert_true(rig_is_leaf(r, &o.peer[0].id));
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answered_entries_stay),
	cmocka_unit_test(silent_entries_go_after_two_questions),
	cmocka_unit_test(entries_that_are_gone_go_at_once),
	cmocka_unit_test(a_lost_leaf_makes_the_name_known_again),
	cmocka_unit_test(a_new_neighbour_makes_the_name_known_again),
	cmocka_unit_test(intervals_of_announcements_double),
	cmocka_unit_test(some_announcements_begin_far_away),
	cmocka_unit_test(the_nearest_are_told_of_us_again),
	cmocka_unit_test(a_leaf_that_is_deaf_to_that_stays),
};

PONTO_TEST_MAIN(tests)
