#include "tests/conform/transport_suite.h"

#include <stdlib.h>
#include <string.h>

#include "tests/conform/transport_case.h"

static struct ponto_datagram to(const struct ponto_addr *peer, const void *data, size_t len)
{
	return (struct ponto_datagram){.peer = *peer, .data = ponto_bytes(data, len)};
}

/* ---- one datagram ------------------------------------------------------------------- */

static bool case_one(struct transport_case *c)
{
	struct ponto_addr a, b;
	struct ponto_datagram d;

	TRY(case_open_both(c));
	TRY(case_address(c, 0, &a));
	TRY(case_address(c, 1, &b));
	HOLDS(a.port == c->bed.port[0] && b.port == c->bed.port[1]);
	HOLDS(ponto_addr_scope(&a) == c->bed.scope && ponto_addr_scope(&b) == c->bed.scope);
	d = to(&b, "hello", 5);
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(c->end[1].last_len == 5 && memcmp(c->end[1].head, "hello", 5) == 0);
	HOLDS(ponto_addr_equal(&c->end[1].last.peer, &a));
	HOLDS(ponto_addr_equal(&c->end[1].last.local, &b));
	HOLDS(c->end[1].last.hop_limit > 0 && c->end[1].last.ecn == 0);
	HOLDS(c->end[0].received == 0);
	return true;
}

static bool case_empty(struct transport_case *c)
{
	struct ponto_addr b;
	struct ponto_datagram d;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	d = to(&b, NULL, 0);
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(c->end[1].last_len == 0);
	return true;
}

static bool case_reply(struct transport_case *c)
{
	struct ponto_addr a, b;
	struct ponto_datagram d;

	TRY(case_open_both(c));
	TRY(case_address(c, 0, &a));
	TRY(case_address(c, 1, &b));
	c->end[1].echo = true;
	d = to(&b, "ping", 4);
	d.local = a;
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 0, 1));
	HOLDS(c->end[0].last_len == 4 && memcmp(c->end[0].head, "ping", 4) == 0);
	HOLDS(ponto_addr_equal(&c->end[0].last.peer, &b));
	HOLDS(ponto_addr_equal(&c->end[0].last.local, &a));
	return true;
}

static bool case_to_itself(struct transport_case *c)
{
	struct ponto_addr a;
	struct ponto_datagram d;

	RETURNS(case_open(c, 0), PONTO_OK);
	TRY(case_address(c, 0, &a));
	d = to(&a, "self", 4);
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 0, 1));
	HOLDS(ponto_addr_equal(&c->end[0].last.peer, &a));
	return true;
}

static bool case_marks(struct transport_case *c)
{
	struct ponto_addr b;
	struct ponto_datagram d;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	d = to(&b, "mark", 4);
	d.hop_limit = 7;
	d.ecn = 2;
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(c->end[1].last.hop_limit == 7 && c->end[1].last.ecn == 2);
	/* The next one does not inherit them. */
	d.hop_limit = 0;
	d.ecn = 0;
	d.flags = PONTO_DGRAM_DONT_FRAGMENT;
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 2));
	HOLDS(c->end[1].last.hop_limit != 7 && c->end[1].last.ecn == 0);
	return true;
}

/* ---- many ---------------------------------------------------------------------------------- */

#define MANY 200

static bool case_order(struct transport_case *c)
{
	static uint8_t bytes[MANY][600];
	struct ponto_datagram batch[MANY];
	struct ponto_addr b;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	for (uint32_t i = 0; i < MANY; i++) {
		memset(bytes[i], (int)i, sizeof(bytes[i]));
		memcpy(bytes[i], &i, sizeof(i));
		batch[i] = to(&b, bytes[i], 4 + i * 3 % 597);
		/* A mixture that cannot leave in one system call. */
		if (i % 50 == 49)
			batch[i].flags = PONTO_DGRAM_DONT_FRAGMENT;
	}
	TRY(case_send(c, 0, batch, MANY));
	TRY(case_wait(c, 1, MANY));
	HOLDS(!c->end[1].out_of_order);
	HOLDS(c->end[1].largest_batch <= PONTO_BATCH);
	HOLDS(c->end[1].last_len == 4 + (MANY - 1) * 3 % 597);
	TRY(case_settle(c));
	HOLDS(c->end[1].received == MANY);
	return true;
}

static bool case_flood(struct transport_case *c)
{
	struct ponto_datagram batch[PONTO_BATCH];
	uint32_t numbers[PONTO_BATCH];
	struct ponto_addr b;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	for (uint32_t done = 0; done < 100 * PONTO_BATCH; done += PONTO_BATCH) {
		for (uint32_t i = 0; i < PONTO_BATCH; i++) {
			numbers[i] = done + i;
			batch[i] = to(&b, &numbers[i], sizeof(numbers[i]));
		}
		TRY(case_send(c, 0, batch, PONTO_BATCH));
		TRY(case_wait(c, 1, done + PONTO_BATCH));
	}
	HOLDS(!c->end[1].out_of_order);
	return true;
}

/* ---- sizes ------------------------------------------------------------------------------------ */

static bool case_large(struct transport_case *c)
{
	static uint8_t bytes[60000];
	struct ponto_datagram d;
	struct ponto_addr b;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	d = to(&b, bytes, c->bed.largest ? c->bed.largest : sizeof(bytes));
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(c->end[1].last_len == d.data.len);
	return true;
}

static bool case_oversize(struct transport_case *c)
{
	static uint8_t bytes[70000];
	struct ponto_datagram batch[3];
	struct ponto_addr b;
	size_t sent = 99;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	batch[0] = to(&b, bytes, 4);
	batch[1] = to(&b, bytes, sizeof(bytes));
	batch[2] = to(&b, bytes, 4);
	RETURNS(ponto_datagrams_send(c->end[0].d, batch, 3, &sent), PONTO_ELIMIT);
	HOLDS(sent == 1);
	/* Just above what UDP can say. */
	batch[1].data.len = 65535;
	RETURNS(ponto_datagrams_send(c->end[0].d, batch + 1, 2, &sent), PONTO_ELIMIT);
	HOLDS(sent == 0);
	if (c->bed.largest) {
		batch[1].data.len = c->bed.largest + 1;
		RETURNS(ponto_datagrams_send(c->end[0].d, batch + 1, 2, &sent), PONTO_ELIMIT);
		HOLDS(sent == 0);
	}
	TRY(case_wait(c, 1, 1));
	TRY(case_settle(c));
	HOLDS(c->end[1].received == 1);
	return true;
}

/* ---- arguments ----------------------------------------------------------------------------------- */

static bool case_refusals(struct transport_case *c)
{
	struct ponto_addr b, other = {.family = PONTO_FAMILY_NONE, .port = 5};
	struct ponto_datagram batch[2];
	size_t sent = 99;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	batch[0] = to(&b, "x", 1);
	batch[1] = to(&other, "x", 1);
	RETURNS(ponto_datagrams_send(c->end[0].d, batch, 2, &sent), PONTO_EINVAL);
	HOLDS(sent == 1);
	batch[1] = to(&b, "x", 1);
	batch[1].peer.port = 0;
	RETURNS(ponto_datagrams_send(c->end[0].d, batch + 1, 1, &sent), PONTO_EINVAL);
	HOLDS(sent == 0);
	/* An address that is not ours. */
	batch[1] = to(&b, "x", 1);
	batch[1].local = b;
	batch[1].local.ip[0] ^= 0x55;
	RETURNS(ponto_datagrams_send(c->end[0].d, batch + 1, 1, &sent), PONTO_EUNREACH);
	HOLDS(sent == 0);
	RETURNS(ponto_datagrams_send(c->end[0].d, batch, 0, &sent), PONTO_OK);
	HOLDS(sent == 0);
	return true;
}

static void unwanted(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

static bool case_no_address(struct transport_case *c)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LINK, .zone = 0x7fffffff, .port = c->bed.port[0]};
	struct ponto_datagram_events events = {.receive = unwanted};
	struct ponto_datagrams d = {0};

	RETURNS(ponto_datagrams_open(c->bed.transport[0], c->bed.loop[0], &want, &events, NULL, &d), PONTO_ENOENT);
	HOLDS(d.handle == NULL);
	want = (struct ponto_datagram_want){.scope = PONTO_SCOPE_NONE};
	RETURNS(ponto_datagrams_open(c->bed.transport[0], c->bed.loop[0], &want, &events, NULL, &d), PONTO_EINVAL);
	HOLDS(d.handle == NULL);
	return true;
}

static bool case_port_taken(struct transport_case *c)
{
	struct ponto_datagram_want want = {.scope = c->bed.scope, .port = c->bed.port[0]};
	struct ponto_datagram_events events = {.receive = unwanted};
	struct ponto_datagrams d = {0};

	RETURNS(case_open(c, 0), PONTO_OK);
	RETURNS(ponto_datagrams_open(c->bed.transport[0], c->bed.loop[0], &want, &events, NULL, &d), PONTO_EEXIST);
	HOLDS(d.handle == NULL);
	ponto_datagrams_close(&c->end[0].d);
	RETURNS(case_open(c, 0), PONTO_OK);
	return true;
}

static bool case_local(struct transport_case *c)
{
	struct ponto_datagram_want want = {.scope = c->bed.scope, .port = c->bed.port[0], .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = unwanted};
	struct ponto_addr out[8];
	size_t count = 0;

	RETURNS(ponto_datagrams_open(c->bed.transport[0], c->bed.loop[0], &want, &events, NULL, &c->end[0].d), PONTO_OK);
	RETURNS(ponto_datagrams_local(c->end[0].d, out, 8, &count), PONTO_OK);
	HOLDS(count == 1);
	RETURNS(ponto_datagrams_local(c->end[0].d, NULL, 0, &count), PONTO_OK);
	HOLDS(count == 1);
	ponto_datagrams_close(&c->end[0].d);
	RETURNS(case_open(c, 0), PONTO_OK);
	RETURNS(ponto_datagrams_local(c->end[0].d, out, 8, &count), PONTO_OK);
	HOLDS(count >= 1 && count <= 4);
	for (size_t i = 1; i < count; i++)
		HOLDS(out[i].port == out[0].port && out[i].zone == out[0].zone &&
		      ponto_addr_scope(&out[i]) == c->bed.scope);
	return true;
}

static bool case_subnets(struct transport_case *c)
{
	struct ponto_subnet out[64];
	size_t count = 0, again = 0;
	int result = ponto_datagrams_subnets(c->bed.transport[0], c->bed.loop[0], out, 64, &count);

	if (result == PONTO_ENOTSUP)
		return true;
	RETURNS(result, PONTO_OK);
	HOLDS(count > 0 || c->bed.scope == PONTO_SCOPE_LOOPBACK);
	for (size_t i = 0; i < count && i < 64; i++) {
		HOLDS(ponto_addr_scope(&out[i].addr) > PONTO_SCOPE_LOOPBACK && out[i].addr.port == 0);
		HOLDS(out[i].zone != 0 && (out[i].addr.zone == 0 || out[i].addr.zone == out[i].zone));
		HOLDS(out[i].bits <= (out[i].addr.family == PONTO_FAMILY_IPV6 ? 128 : 32));
	}
	RETURNS(ponto_datagrams_subnets(c->bed.transport[0], c->bed.loop[0], NULL, 0, &again), PONTO_OK);
	HOLDS(again == count);
	return true;
}

/* ---- closing ----------------------------------------------------------------------------------------- */

static bool case_close_inside(struct transport_case *c)
{
	struct ponto_datagram batch[MANY];
	struct ponto_addr b;
	size_t callbacks, received;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	for (size_t i = 0; i < MANY; i++)
		batch[i] = to(&b, "close", 5);
	c->end[1].close_in_callback = true;
	TRY(case_send(c, 0, batch, MANY));
	TRY(case_wait(c, 1, 1));
	callbacks = c->end[1].callbacks;
	received = c->end[1].received;
	TRY(case_settle(c));
	HOLDS(callbacks == 1 && c->end[1].callbacks == 1);
	HOLDS(c->end[1].received == received && received <= PONTO_BATCH);
	ponto_datagrams_close(&c->end[1].d);
	return true;
}

static bool case_silence_after_close(struct transport_case *c)
{
	struct ponto_datagram d;
	struct ponto_addr b;

	TRY(case_open_both(c));
	TRY(case_address(c, 1, &b));
	d = to(&b, "late", 4);
	TRY(case_send(c, 0, &d, 1));
	ponto_datagrams_close(&c->end[1].d);
	TRY(case_settle(c));
	HOLDS(c->end[1].received == 0);
	/* To a port where nobody is: no fault of this handle, which goes on working. */
	for (unsigned i = 0; i < 3; i++) {
		TRY(case_send(c, 0, &d, 1));
		TRY(case_settle(c));
	}
	RETURNS(case_open(c, 1), PONTO_OK);
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(memcmp(c->end[1].head, "late", 4) == 0);
	return true;
}

/* ---- groups ------------------------------------------------------------------------------------------- */

static bool case_groups(struct transport_case *c)
{
	struct ponto_addr group, unicast;
	int result;

	RETURNS(case_open(c, 0), PONTO_OK);
	TRY(case_address(c, 0, &unicast));
	RETURNS(ponto_addr_parse(unicast.family == PONTO_FAMILY_IPV6 ? "ff05::1:3540" : "239.255.35.40", 0, &group),
		PONTO_OK);
	result = ponto_datagrams_join(c->end[0].d, &unicast);
	HOLDS(result == PONTO_EINVAL || result == PONTO_ENOTSUP);
	result = ponto_datagrams_join(c->end[0].d, &group);
	if (result == PONTO_ENOTSUP)
		return true;
	RETURNS(result, PONTO_OK);
	RETURNS(ponto_datagrams_join(c->end[0].d, &group), PONTO_EEXIST);
	RETURNS(ponto_datagrams_leave(c->end[0].d, &group), PONTO_OK);
	RETURNS(ponto_datagrams_leave(c->end[0].d, &group), PONTO_ENOENT);
	RETURNS(ponto_datagrams_join(c->end[0].d, &group), PONTO_OK);
	return true;
}

static bool case_multicast(struct transport_case *c)
{
	struct ponto_addr group, a;
	struct ponto_datagram d;
	int result;

	TRY(case_open_both(c));
	TRY(case_address(c, 0, &a));
	RETURNS(ponto_addr_parse(a.family == PONTO_FAMILY_IPV6 ? "ff05::1:3540" : "239.255.35.40", 0, &group), PONTO_OK);
	result = ponto_datagrams_join(c->end[1].d, &group);
	if (result == PONTO_ENOTSUP)
		return true;
	RETURNS(result, PONTO_OK);
	group.port = c->bed.port[1];
	d = to(&group, "group", 5);
	d.hop_limit = 1;
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(ponto_addr_equal(&c->end[1].last.peer, &a));
	HOLDS(c->end[1].last.local.port == group.port && memcmp(c->end[1].last.local.ip, group.ip, sizeof(group.ip)) == 0);
	RETURNS(ponto_datagrams_leave(c->end[1].d, &group), PONTO_OK);
	TRY(case_send(c, 0, &d, 1));
	TRY(case_settle(c));
	HOLDS(c->end[1].received == 1);
	return true;
}

/* A group may have a port of its own, which the handle's own traffic does not use. */
static bool case_group_port(struct transport_case *c)
{
	struct ponto_addr group, a;
	struct ponto_datagram d;
	int result;

	TRY(case_open_both(c));
	TRY(case_address(c, 0, &a));
	RETURNS(ponto_addr_parse(a.family == PONTO_FAMILY_IPV6 ? "[ff05::2]:3541" : "239.255.35.41:3541", 0, &group),
		PONTO_OK);
	result = ponto_datagrams_join(c->end[1].d, &group);
	if (result == PONTO_ENOTSUP)
		return true;
	RETURNS(result, PONTO_OK);
	d = to(&group, "ours", 4);
	d.hop_limit = 1;
	TRY(case_send(c, 0, &d, 1));
	TRY(case_wait(c, 1, 1));
	HOLDS(c->end[1].last.local.port == group.port);
	d.peer.port = c->bed.port[1];
	TRY(case_send(c, 0, &d, 1));
	TRY(case_settle(c));
	HOLDS(c->end[1].received == 1);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct transport_case *c);
} cases[] = {
	{"one", case_one},
	{"empty", case_empty},
	{"reply", case_reply},
	{"to itself", case_to_itself},
	{"hop limit and ECN", case_marks},
	{"order", case_order},
	{"flood", case_flood},
	{"large", case_large},
	{"oversize", case_oversize},
	{"refusals", case_refusals},
	{"no address", case_no_address},
	{"port taken", case_port_taken},
	{"local addresses", case_local},
	{"subnets", case_subnets},
	{"close inside", case_close_inside},
	{"silence after close", case_silence_after_close},
	{"groups", case_groups},
	{"multicast", case_multicast},
	{"group with a port", case_group_port},
};

size_t transport_suite_count(void)
{
	return PONTO_ARRAY_SIZE(cases);
}

const char *transport_suite_name(size_t index)
{
	return cases[index].name;
}

bool transport_suite_run(size_t index, const struct transport_subject *subject, char *why, size_t why_size)
{
	return transport_case_run(cases[index].run, subject, why, why_size);
}
