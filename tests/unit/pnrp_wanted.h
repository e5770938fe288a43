/* What the resolver's tests look for: the name, who may publish it, what lies near it. */
#ifndef PONTO_TESTS_UNIT_PNRP_WANTED_H
#define PONTO_TESTS_UNIT_PNRP_WANTED_H

#include "tests/support/pnrp_rig.h"

#define NAME "0.wanted"

static const uint8_t middle[PNRP_LOCATION_SIZE] = {[8] = 0x80};

/* A publisher of the wanted name whose location is distance away from what a resolve asks for. */
static inline struct rig_peer publisher(unsigned n, uint8_t distance)
{
	uint8_t location[PNRP_LOCATION_SIZE];

	memcpy(location, middle, sizeof(location));
	location[9] = distance;
	return rig_peer(n, NAME, location);
}

static inline struct ring_id target(void)
{
	return rig_peer(0, NAME, middle).id;
}

/* An ID that shares the given number of leading bits with the target. */
static inline struct ring_id near_target(unsigned bits)
{
	struct ring_id id = target();

	id.b[bits / 8] ^= (uint8_t)(0x80 >> bits % 8);
	return id;
}

static inline void answer_with(struct rig *r, const struct rig_datagram *lookup, const struct ring_id *id, unsigned n)
{
	struct pnrp_authority_buffer b = {.has_route = true};

	rig_route(id, n, &b.route);
	rig_answer(r, lookup, &b);
}

static inline struct rig_datagram *next_lookup(struct rig *r)
{
	struct rig_datagram *d = rig_take(r, PNRP_LOOKUP);

	assert_non_null(d);
	return d;
}

/* The INQUIRE with which a resolve ends; those that only test route entries are passed over. */
static inline struct rig_datagram *final_inquire(struct rig *r)
{
	struct rig_datagram *d;

	while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
		if (d->m.inquire.want_payload)
			return d;
	return NULL;
}

static inline struct rig_datagram *asking_publisher(struct rig *r, const struct rig_peer *p)
{
	struct rig_datagram *d;

	rig_learn(r, &p->id, 5);
	rig_resolve(r, NAME);
	rig_answer_flags(r, next_lookup(r), false);
	d = final_inquire(r);
	assert_non_null(d);
	return d;
}

#endif
