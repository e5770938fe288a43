/* A program of operations (pnrp_program.h) on one or two PNRP engines: what applications ask, what peers say, rightly
 * or wrongly, what workers and discovery answer, time. Whatever comes: what an engine sends decodes and fits a
 * datagram and costs no more than promised, every resolve and registration is told its end once, no forged match is
 * told, it never asks to be called at once again, every table keeps its limit, and nothing is left behind. */
#include <string.h>

#include "framework/cursor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pnrp_play.h"
#include "tests/fuzz/pnrp_program.h"
#include "tests/support/pnrp_keys.h"

#define DAY (UINT64_C(24) * 3600 * PONTO_SECOND)
#define SAVED_MAX 32

static struct pnrp_play play;
static struct pnrp_route saved[SAVED_MAX];
static size_t saved_count;

/* ---- what applications ask ---------------------------------------------------------- */

static const char *name_of(const struct pnrp_host *h, uint8_t c)
{
	static char text[PNRP_NAME_TEXT];

	switch (c % 10) {
	case 0:
	case 1:
		return "0.local";
	case 2:
		pnrp_actor_secured(h->wire, 1, "mine", text);
		return text;
	case 3:
		pnrp_actor_secured(h->wire, PNRP_ACTOR_ROOT, "x", text);
		return text;
	case 4:
		pnrp_actor_secured(h->wire, 106, "x", text);
		return text;
	case 5:
		return "0.other";
	case 6:
		return "0.";
	case 7:
		memset(text, 'n', 2 + PNRP_CLASSIFIER_MAX);
		memcpy(text, "0.", 2);
		text[2 + PNRP_CLASSIFIER_MAX] = '\0';
		return text;
	case 8:
		return "no name";
	default:
		return "0.\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
	}
}

static void fill_registration(const uint8_t c[7], struct pnrp_registration *r)
{
	static const size_t payloads[] = {
		0, 0, 7, 1, 2, PNRP_PAYLOAD_BYTES, PNRP_PAYLOAD_BYTES - 2, PNRP_PAYLOAD_BYTES + 1};
	static const size_t chains[] = {0, 0, 0, 100, 5000, PNRP_CHAIN_MAX, PNRP_CHAIN_MAX + 1, 1};
	/* 39 units of three bytes, 40 of them, 78 bytes, not UTF-8. */
	static char long_names[2][3 * 40 + 1];
	static const char *const friendly[] = {NULL,	      "",     "a friend",	  long_names[0],
					       long_names[1], "\xff", "\xf0\x9f\x98\x80", "x"};
	static const struct pnrp_endpoint endpoints[PNRP_APP_ENDPOINTS_MAX + 1] = {
		{.ip = {0x20, 1}, .port = 80, .protocol = 6}};
	static uint8_t payload[PNRP_PAYLOAD_BYTES + 1], chain[PNRP_CHAIN_MAX + 1];

	for (unsigned i = 0; i < 40; i++) {
		memcpy(long_names[0] + 3 * i, i < 39 ? "\xe2\x82\xac" : "", i < 39 ? 3 : 1);
		memcpy(long_names[1] + 3 * i, "\xe2\x82\xac", 3);
	}
	memset(payload, 'p', sizeof(payload));
	memset(chain, PNRP_HOST_CHAIN_BYTE, sizeof(chain));
	r->friendly_name = friendly[c[4] % 8];
	r->endpoints = endpoints;
	r->endpoint_count = c[1] % 13 == 12 ? 0 : c[1] % 13;
	r->payload_type = c[2] & 64 ? PNRP_PAYLOAD_STRING : c[2] & 32 ? PNRP_PAYLOAD_NONE : PNRP_PAYLOAD_BINARY;
	r->payload = ponto_bytes(payload, payloads[c[2] % 8]);
	r->chain = ponto_bytes(chain, chains[c[3] % 8]);
	r->has_prefix = c[5] < 128;
	r->prefix = UINT64_C(0x4000000000000000) + c[5] / 16 * UINT64_C(0x0001000000000000);
}

static void do_register(struct pnrp_host *h, const uint8_t c[7])
{
	uint64_t identity = c[6] % 4 == 3 ? PNRP_ACTOR_ROOT : c[6] % 4 == 2 ? 2 : 1, handle;
	struct pnrp_registration r = {.name = name_of(h, c[0]), .identity = identity, .token = h->asked_count};
	struct pnrp_host_asked *a;
	uint8_t key[PNRP_KEY_MAX];
	struct ring_id id;

	fill_registration(c, &r);
	pnrp_test_key(identity, key, h->wire->key_len);
	r.public_key = ponto_bytes(key, h->wire->key_len - (c[6] == 255));
	if (pnrp_engine_register(h->engine, play.now, &r, &handle, &id))
		return;
	a = pnrp_host_ask(h, handle);
	a->registration = true;
	a->id = id;
}

/* The handle of the (c[0] % 8)th newest that is not over; when there is none, c[1]: perhaps nobody's. */
static uint64_t choose_asked(const struct pnrp_host *h, bool registration, const uint8_t c[7])
{
	unsigned nth = c[0] % 8;

	for (size_t i = h->asked_count; i > 0; i--) {
		const struct pnrp_host_asked *a = &h->asked[i - 1];

		if (a->registration == registration && !a->over && nth-- == 0)
			return a->handle;
	}
	return c[1];
}

static void do_unregister(struct pnrp_host *h, const uint8_t c[7])
{
	uint64_t handle = choose_asked(h, true, c);
	struct pnrp_host_asked *a = pnrp_host_find(h, handle);
	bool gone = !a || !a->registration || a->leaving || a->over;

	FUZZ_REQUIRE(pnrp_engine_unregister(h->engine, play.now, handle) == (gone ? PONTO_ENOENT : PONTO_OK));
	if (!gone)
		a->leaving = true;
}

static void do_resolve(struct pnrp_host *h, const uint8_t c[7])
{
	static const uint8_t criteria[] = {0, 1, 2, 4, 8, 3};
	struct ring_id exclude[PNRP_ACTORS * 3];
	struct pnrp_query q = {.name = name_of(h, c[0]), .token = h->asked_count, .exclude = exclude};
	uint8_t p2p[PNRP_P2P_ID_SIZE], location[PNRP_LOCATION_SIZE] = {[8] = 0x80};
	struct pnrp_host_asked *a;
	struct pnrp_name name;
	uint64_t handle;

	q.criteria = criteria[c[1] % 6];
	q.precision = c[2] == 255 ? 256 : c[2];
	q.prefix = c[3] & 8 ? UINT64_C(0x4000000000000000) : 0;
	q.include_local = c[3] & 1;
	q.trace = c[3] & 2;
	q.exclude_count = c[3] & 4 ? (c[6] % 40) : 0;
	for (unsigned i = 0; i < q.exclude_count; i++)
		exclude[i] = pnrp_actor(h->wire, i + c[6])->id;
	q.timeout = c[4] % 64 * PONTO_SECOND;
	q.max_restarts = c[5] % 20;
	if (pnrp_engine_resolve(h->engine, play.now, &q, &handle))
		return;
	FUZZ_REQUIRE(pnrp_name_parse(q.name, &name) == PONTO_OK);
	a = pnrp_host_ask(h, handle);
	pnrp_p2p_id(h->wire, &name, p2p);
	location[0] = (uint8_t)(q.prefix >> 56);
	pnrp_id_make(p2p, location, &a->id);
	a->criteria = (uint8_t)q.criteria;
	a->precision = q.precision;
	a->include_local = q.include_local;
	a->excludes = q.exclude_count > 0;
	a->exclude = exclude[0];
}

static void do_cancel(struct pnrp_host *h, const uint8_t c[7])
{
	uint64_t handle = choose_asked(h, false, c);
	struct pnrp_host_asked *a = pnrp_host_find(h, handle);

	pnrp_engine_cancel(h->engine, play.now, handle);
	if (a && !a->registration)
		a->over = true;
}

/* ---- what happens around ------------------------------------------------------------------ */

static void do_local(struct pnrp_host *h, const uint8_t c[7])
{
	struct ponto_addr list[6];
	size_t count;

	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(list); i++) {
		list[i] = h->home;
		list[i].ip[7] = (uint8_t)(i + (c[1] & 1));
	}
	count = c[0] % 7;
	if (c[1] & 2)
		list[0].port = 5353;
	if (c[1] & 4)
		memcpy(list[1].ip, (uint8_t[2]){0xfe, 0x80}, 2);
	if (c[1] & 8)
		list[0].port = PNRP_PORT_FLOOR;
	if (c[1] & 16)
		list[0].family = PONTO_FAMILY_IPV4;
	(void)!pnrp_engine_set_local(h->engine, play.now, list, count);
}

static size_t some_addresses(const struct pnrp_host *h, const uint8_t *c, struct ponto_addr *out)
{
	size_t count = c[0] % 20;

	for (unsigned i = 0; i < count; i++) {
		out[i] = pnrp_actor(h->wire, c[1] + i)->addr;
		if (c[2] & 1 && i == 0)
			out[i] = play.host[play.hosts - 1].home;
		if (c[2] & 2 && i == 1)
			out[i].port = 0;
		if (c[2] & 4 && i == 2)
			out[i].family = PONTO_FAMILY_IPV4;
		if (c[2] & 8)
			out[i].ip[7] = (uint8_t)(c[1] + i);
	}
	return count;
}

static void do_found(struct pnrp_host *h, const uint8_t c[7])
{
	struct ponto_addr list[20];
	size_t count = some_addresses(h, c + 1, list);

	pnrp_engine_found(h->engine, play.now, 1u << c[0] % 3, list, count);
}

static void do_open(struct pnrp_host *h, const uint8_t c[7])
{
	struct ponto_addr list[20];
	size_t count = some_addresses(h, c, list);

	(void)!pnrp_engine_open(h->engine, play.now, list, count);
}

static bool save_route(void *arg, const struct pnrp_route *route)
{
	(void)arg;
	if (saved_count < SAVED_MAX)
		saved[saved_count++] = *route;
	return saved_count < SAVED_MAX;
}

/* A new life with what is remembered of the old; c[0]: of this or of any former one. */
static void do_restart(struct pnrp_host *h, const uint8_t c[7])
{
	if (c[0] & 1)
		saved_count = 0;
	pnrp_engine_each_route(h->engine, save_route, NULL);
	if (c[0] & 2 && saved_count > 0)
		saved[0].addr_count = c[1];
	pnrp_host_end(h);
	if (!pnrp_host_begin(h, play.now))
		FUZZ_REQUIRE(pnrp_host_begin(h, play.now));
	if (c[0] & 4)
		return;
	(void)!pnrp_engine_open(h->engine, play.now, NULL, 0);
	(void)pnrp_engine_recall(h->engine, play.now, saved, saved_count);
}

static void do_complete(struct pnrp_host *h, const uint8_t c[7])
{
	struct pnrp_completion late = {.result = PONTO_OK};

	if (h->job_count > 0)
		pnrp_host_complete(h, play.now, c[0] % h->job_count, c[1] % PNRP_HOST_VERDICTS);
	if (c[2] & 1 && !pnrp_host_holds(h, h->last_token))
		pnrp_engine_complete(h->engine, play.now, h->last_token, &late);
	/* Not one that a worker still has: its bytes would go. */
	if (c[2] & 2 && !pnrp_host_holds(h, c[3]))
		pnrp_engine_complete(h->engine, play.now, c[3], &late);
}

static void do_raw(struct pnrp_host *h, bool as_answer, const uint8_t c[7], struct ponto_bytes raw)
{
	struct ponto_addr from = pnrp_actor(h->wire, c[0])->addr;
	uint8_t copy[2048];
	struct pnrp_message m;
	const struct pnrp_host_sent *asked = pnrp_host_sent(h, c[0], &m);

	memcpy(copy, raw.data ? raw.data : copy, raw.len);
	if (as_answer && !asked)
		return;
	if (as_answer)
		from = asked->to;
	for (unsigned i = 0; as_answer && i < 4 && 16 + i < raw.len; i++)
		copy[16 + i] = (uint8_t)(m.id >> (24 - 8 * i));
	pnrp_play_deliver(&play, h, &from, ponto_bytes(copy, raw.len));
}

static void do_replay(struct pnrp_host *h, const uint8_t c[7])
{
	struct ponto_addr from = pnrp_actor(h->wire, c[1])->addr;
	struct pnrp_host_sent copy;
	struct pnrp_message m;
	const struct pnrp_host_sent *s = pnrp_host_sent(&play.host[c[2] % play.hosts], c[0], &m);

	if (!s)
		return;
	copy = *s;
	pnrp_play_deliver(&play, h, c[2] & 2 ? &copy.to : &from, ponto_bytes(copy.bytes, copy.len));
}

/* ---- the program ------------------------------------------------------------------------------ */

static uint64_t span(const uint8_t c[7])
{
	static const uint64_t units[] = {PONTO_SECOND, PONTO_MS, 15 * PONTO_SECOND, 60 * PONTO_SECOND};

	return c[0] * units[c[1] % 4];
}

/* That takes all names back. */
static void do_stop(struct pnrp_host *h, const uint8_t c[7])
{
	pnrp_engine_stop(h->engine, play.now, span(c));
	for (size_t i = 0; i < h->asked_count; i++)
		h->asked[i].leaving = h->asked[i].leaving || h->asked[i].registration;
}

static void do_lazy(struct pnrp_host *h, const uint8_t c[7])
{
	h->lazy = c[0] & 3;
	while (!(h->lazy & PNRP_HOST_HOLD_JOBS) && h->job_count > 0)
		pnrp_host_complete(h, play.now, 0, PNRP_HOST_TRUTH);
}

static void perform(struct pnrp_host *h, unsigned op, const uint8_t c[7], struct ponto_bytes raw)
{
	switch (op) {
	case PNRP_OP_RUN:
		pnrp_play_run(&play, span(c));
		break;
	case PNRP_OP_LEAP:
		play.now += span(c);
		pnrp_host_tick(h, play.now);
		break;
	case PNRP_OP_SEND:
		pnrp_play_send(&play, h, c);
		break;
	case PNRP_OP_ANSWER:
		pnrp_play_answer(&play, h, c);
		break;
	case PNRP_OP_WORLD:
		pnrp_play_world(&play, h, 1 + c[0] % 8);
		break;
	case PNRP_OP_COMPLETE:
		do_complete(h, c);
		break;
	case PNRP_OP_REGISTER:
		do_register(h, c);
		break;
	case PNRP_OP_UNREGISTER:
		do_unregister(h, c);
		break;
	case PNRP_OP_RESOLVE:
		do_resolve(h, c);
		break;
	case PNRP_OP_CANCEL:
		do_cancel(h, c);
		break;
	case PNRP_OP_LOCAL:
		do_local(h, c);
		break;
	case PNRP_OP_FOUND:
		do_found(h, c);
		break;
	case PNRP_OP_DISCOVERED:
		pnrp_engine_discovery_done(h->engine, play.now, 1u << c[0] % 3);
		break;
	case PNRP_OP_OPEN:
		do_open(h, c);
		break;
	case PNRP_OP_CLOSE:
		(void)!pnrp_engine_close(h->engine, play.now);
		break;
	case PNRP_OP_STOP:
		do_stop(h, c);
		break;
	case PNRP_OP_RESTART:
		do_restart(h, c);
		break;
	case PNRP_OP_WALL:
		pnrp_engine_set_wall(h->engine, PNRP_HOST_WALL + ((int64_t)c[0] - 128) * (int64_t)DAY / 8);
		break;
	case PNRP_OP_NET:
		pnrp_play_net(&play, c);
		break;
	case PNRP_OP_BEND:
		play.bent = true;
		memcpy(play.bend, c, sizeof(play.bend));
		break;
	case PNRP_OP_LAZY:
		do_lazy(h, c);
		break;
	case PNRP_OP_REPLAY:
		do_replay(h, c);
		break;
	default:
		do_raw(h, op == PNRP_OP_RAW_ANSWER, c, raw);
		break;
	}
}

static void set_limits(uint8_t head, struct pnrp_limits *l)
{
	*l = (struct pnrp_limits){.registrations = 24};
	if (head & PNRP_HEAD_LITTLE)
		*l = (struct pnrp_limits){4, 4, 2, 12000, 4, 8, 8, 4, 4, 2, 4, 3, 2};
}

/* False: the first allocation was refused. */
static bool begin(unsigned n, const uint8_t head[PNRP_PROGRAM_RECORD])
{
	struct pnrp_host *h = &play.host[n];
	struct ponto_addr seeds[3] = {pnrp_actor(&pnrp_windows, 1)->addr, pnrp_actor(&pnrp_windows, 13)->addr,
				      play.host[1 - n].home};
	size_t seed_count = head[0] & PNRP_HEAD_SEEDED ? 1 + play.hosts : 0;

	memset(&h->config, 0, sizeof(h->config));
	h->config.profile = head[0] & PNRP_HEAD_MODERN ? PNRP_PROFILE_MODERN : PNRP_PROFILE_WINDOWS;
	h->config.scope = head[0] & PNRP_HEAD_ANY_SCOPE ? PONTO_SCOPE_NONE : PONTO_SCOPE_GLOBAL;
	h->config.resolve_only = head[0] & PNRP_HEAD_RESOLVE_ONLY;
	h->config.no_multicast = head[0] & PNRP_HEAD_NO_MULTICAST;
	set_limits(head[0], &h->config.limits);
	h->random = head[3] + n * 1000u;
	h->lazy = 0;
	h->made = 0;
	h->fail_at = n == 0 ? head[1] | (size_t)head[2] << 8 : 0;
	h->last_token = 0;
	h->carry = pnrp_play_carry;
	h->carry_arg = &play;
	memset(h->received, 0, sizeof(h->received));
	if (!pnrp_host_begin(h, play.now))
		return false;
	FUZZ_REQUIRE(pnrp_engine_open(h->engine, play.now, seeds, seed_count) == PONTO_OK);
	return true;
}

/* Every promise is kept in the end: nobody answers any more, but the workers finish, and time passes. */
static void end(struct pnrp_host *h)
{
	do_lazy(h, (const uint8_t[7]){0});
	pnrp_host_drain(h, play.now);
	for (unsigned s = PNRP_SOURCE_REMEMBERED; s <= PNRP_SOURCE_SEED; s *= 2)
		pnrp_engine_discovery_done(h->engine, play.now, s);
	pnrp_host_drain(h, play.now);
	pnrp_play_run(&play, 200 * PONTO_SECOND);
	for (size_t i = 0; i < h->asked_count; i++) {
		const struct pnrp_host_asked *a = &h->asked[i];

		FUZZ_REQUIRE(a->over || (a->registration && !a->leaving));
	}
}

/* What was said and asked for is on its way before the next thing happens. */
static void settle(void)
{
	for (unsigned i = 0; i < play.hosts; i++) {
		pnrp_host_drain(&play.host[i], play.now);
		pnrp_host_check(&play.host[i]);
	}
}

static void run(struct ponto_reader *input)
{
	settle();
	for (unsigned n = 0; n < PNRP_PROGRAM_STEPS && ponto_reader_left(input) > 0; n++) {
		size_t left = ponto_reader_left(input);
		uint8_t record[PNRP_PROGRAM_RECORD] = {0};
		struct ponto_bytes bytes = ponto_read_bytes(input, left < sizeof(record) ? left : sizeof(record));
		struct pnrp_host *h;

		memcpy(record, bytes.data, bytes.len);
		h = &play.host[record[0] / 128 % play.hosts];
		bytes = ponto_read_bytes(input, pnrp_program_raw(record, ponto_reader_left(input)));
		perform(h, record[0] % 128 % PNRP_OPS, record + 1, bytes);
		settle();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[PNRP_PROGRAM_RECORD] = {0};
	struct ponto_reader input;
	bool begun = true;

	memcpy(head, data, size < sizeof(head) ? size : sizeof(head));
	input = ponto_reader(ponto_bytes(data + (size < sizeof(head) ? size : sizeof(head)),
					 size < sizeof(head) ? 0 : size - sizeof(head)));
	play.hosts = head[0] & PNRP_HEAD_TWO ? 2 : 1;
	play.now = PONTO_SECOND;
	play.next_id = 0x1000;
	play.net_count = saved_count = 0;
	play.bent = false;
	for (unsigned n = 0; n < PNRP_PLAY_HOSTS; n++) {
		play.host[n].home = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = PNRP_DEFAULT_PORT};
		memcpy(play.host[n].home.ip, (uint8_t[6]){0x20, 0x01, 0x0d, 0xb8, 0x20, (uint8_t)n}, 6);
		play.host[n].home.ip[15] = 1;
	}
	for (unsigned n = play.hosts; n-- > 0 && begun;)
		begun = begin(n, head);
	if (begun)
		run(&input);
	for (unsigned n = 0; n < play.hosts && begun; n++)
		end(&play.host[n]);
	for (unsigned n = 0; n < play.hosts; n++)
		pnrp_host_end(&play.host[n]);
	return 0;
}
