/* Entries are asked whether they are still there; what follows when a leaf is not; announcements by way of a seed. */
#include "tests/support/pnrp_rig.h"

#define TICK (15 * PONTO_SECOND)

/* The others: what they answer, and what they were asked. */
struct others {
	struct rig_peer peer[2]; /* can be certified */
	unsigned peers;
	struct ring_id silent, gone; /* those that do not answer probes, or with N; zero: none */
	struct ponto_addr seed;
	unsigned probes, at_seed, at_leaf;
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

/* Lets time pass among them. */
static void live(struct rig *r, struct others *o, uint64_t duration)
{
	for (uint64_t t = 0; t < duration; t += PONTO_SECOND / 2) {
		struct rig_datagram *d;

		rig_run(r, PONTO_SECOND / 2);
		while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
			on_inquire(r, o, d);
		while ((d = rig_take(r, PNRP_FLOOD)) != NULL) {
			struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = d->m.id}};

			rig_send(r, &d->to, &ack);
		}
		while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
			if (d->m.lookup.reason == PNRP_REASON_MAINTENANCE && d->m.lookup.has_route)
				*(ponto_addr_equal(&d->to, &o->seed) ? &o->at_seed : &o->at_leaf) += 1;
			rig_answer_flags(r, d, false);
		}
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

/* Two leaves, one on each side, and announcements that have become rare. */
static struct rig *settled(struct others *o)
{
	struct rig *r = rig_open();
	struct ring_id id;

	o->seed = rig_addr(900);
	pnrp_engine_found(r->engine, r->now, PNRP_SOURCE_SEED, &o->seed, 1);
	rig_register(r, &id);
	for (o->peers = 0; o->peers < 2; o->peers++) {
		o->peer[o->peers] = rig_neighbour(1 + o->peers, &id, o->peers ? -1 : 1);
		rig_learn_peer(r, &o->peer[o->peers]);
	}
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
	assert_true(o.at_leaf + o.at_seed > 0);
	rig_free(r);
}

/* It may know a part of the cloud that our neighbours do not. */
static void some_announcements_begin_at_a_seed(void **state)
{
	struct others o = {0};
	struct rig *r = settled(&o);

	(void)state;
	o.at_leaf = o.at_seed = 0;
	live(r, &o, 40000 * PONTO_SECOND);
	assert_in_range(o.at_seed, 3, 30); /* of about 44 */
	assert_true(o.at_leaf > o.at_seed);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answered_entries_stay),
	cmocka_unit_test(silent_entries_go_after_two_questions),
	cmocka_unit_test(entries_that_are_gone_go_at_once),
	cmocka_unit_test(a_lost_leaf_makes_the_name_known_again),
	cmocka_unit_test(some_announcements_begin_at_a_seed),
};

PONTO_TEST_MAIN(tests)
