/* PNRP LOOKUPs per second on one core: decoded, handled and answered by a node with a full cache; against the codec
 * alone, which decodes the same LOOKUP and encodes an answer of the same size. What the engine adds to that must
 * not be more than three times as much again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_engine.h"

#define ROUNDS 200000
#define REPEATS 5
#define LIMIT 0.25

struct bench {
	struct pnrp_engine *engine;
	struct ponto_addr local, peer;
	uint64_t now, random, answered;
	uint8_t out[PNRP_MESSAGE_MAX];
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *state = ctx;

	for (size_t i = 0; i < len; i++) {
		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (uint8_t)(*state >> 56);
	}
}

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "bench_pnrp: %s\n", what);
	exit(1);
}

static size_t encode(const struct pnrp_message *m, uint8_t *bytes)
{
	size_t len;

	check(pnrp_encode(&pnrp_windows, m, bytes, PNRP_MESSAGE_MAX, &len) == PONTO_OK, "encoding");
	return len;
}

static void input(struct bench *b, const uint8_t *bytes, size_t len)
{
	check(pnrp_engine_input(b->engine, b->now, &b->peer, &b->local, ponto_bytes(bytes, len)) == PONTO_OK, "input");
}

static size_t output(struct bench *b)
{
	struct pnrp_slot slot = {.data = b->out, .cap = sizeof(b->out)};

	return pnrp_engine_output(b->engine, b->now, &slot) == 1 ? slot.len : 0;
}

static void drain_effects(struct bench *b)
{
	struct pnrp_effect effect;

	while (pnrp_engine_effect(b->engine, &effect) == 1)
		;
}

/* Entries known from before, each at a host of its own and its INQUIRE answered, until the cache is full. */
static void fill_cache(struct bench *b)
{
	struct ponto_addr peer = b->peer;

	for (int i = 0; i < 2000; i++) {
		struct pnrp_route known = {.addrs = {peer}, .addr_count = 1};
		struct pnrp_message answer = {.type = PNRP_AUTHORITY, .id = 2}, question;
		struct pnrp_authority_buffer buffer;
		uint8_t bytes[PNRP_MESSAGE_MAX], flags[64];
		size_t len;

		fill(&b->random, known.id.b, RING_ID_SIZE);
		known.addrs[0].ip[6] = (uint8_t)(i >> 8);
		known.addrs[0].ip[7] = (uint8_t)i;
		b->peer = known.addrs[0];
		(void)pnrp_engine_recall(b->engine, b->now, &known, 1);
		memset(&buffer, 0, sizeof(buffer));
		while ((len = output(b)) > 0) {
			check(pnrp_decode(&pnrp_windows, ponto_bytes(b->out, len), &question) == PONTO_OK, "decoding");
			if (question.type != PNRP_INQUIRE)
				continue;
			check(pnrp_authority_encode(&pnrp_windows, &buffer, flags, sizeof(flags), &len) == PONTO_OK,
			      "encoding a buffer");
			answer.authority.acked_id = question.id;
			answer.authority.size = (uint16_t)len;
			answer.authority.slice = ponto_bytes(flags, len);
			input(b, bytes, encode(&answer, bytes));
		}
		drain_effects(b);
		b->now += PONTO_SECOND / 20;
	}
	b->peer = peer;
}

/* The target of a LOOKUP lies behind header, controls and its own element's head. */
#define TARGET_AT (12 + 12 + 4)

static size_t make_lookup(struct bench *b, uint8_t *bytes)
{
	struct pnrp_message m = {.type = PNRP_LOOKUP, .id = 9, .lookup = {.count = 3}};
	size_t len;

	m.lookup.path[0].port = 4001;
	m.lookup.path[1].port = 4002;
	m.lookup.path[2].port = 4003;
	memset(m.lookup.target.b, 0xa5, RING_ID_SIZE);
	len = encode(&m, bytes);
	check(bytes[TARGET_AT] == 0xa5 && bytes[TARGET_AT + 31] == 0xa5, "the target is elsewhere");
	(void)b;
	return len;
}

/* Per second. */
static double lookups(struct bench *b)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len = make_lookup(b, bytes);
	double start = seconds();

	for (int i = 0; i < ROUNDS; i++) {
		fill(&b->random, bytes + TARGET_AT, 8);
		input(b, bytes, len);
		b->answered += output(b) > 0;
	}
	return ROUNDS / (seconds() - start);
}

static double codec(struct bench *b)
{
	struct pnrp_message m, answer = {.type = PNRP_AUTHORITY, .id = 2};
	struct pnrp_authority_buffer buffer;
	uint8_t bytes[PNRP_MESSAGE_MAX], whole[PNRP_FRAGMENT], out[PNRP_MESSAGE_MAX];
	size_t len = make_lookup(b, bytes), size;
	double start = seconds();

	memset(&buffer, 0, sizeof(buffer));
	buffer.has_route = true;
	buffer.route.port = 4000;
	buffer.route.count = 1;
	for (int i = 0; i < ROUNDS; i++) {
		fill(&b->random, bytes + TARGET_AT, 8);
		check(pnrp_decode(&pnrp_windows, ponto_bytes(bytes, len), &m) == PONTO_OK, "decoding");
		buffer.route.id = m.lookup.target;
		check(pnrp_authority_encode(&pnrp_windows, &buffer, whole, sizeof(whole), &size) == PONTO_OK, "buffer");
		answer.authority.acked_id = m.id;
		answer.authority.size = (uint16_t)size;
		answer.authority.slice = ponto_bytes(whole, size);
		size = encode(&answer, out);
		__asm__ volatile("" : : "r"(out), "r"(size) : "memory");
	}
	return ROUNDS / (seconds() - start);
}

int main(void)
{
	struct bench b = {.now = PONTO_SECOND, .random = 1};
	struct pnrp_engine_config config = {.alloc = ponto_alloc_system, .profile = PNRP_PROFILE_WINDOWS};
	struct pnrp_status status;
	double ours = 0, peer = 0;

	config.random = (struct ponto_random){fill, &b.random};
	b.local = (struct ponto_addr){.ip = {0x20, 1, [15] = 1}, .family = PONTO_FAMILY_IPV6, .port = PNRP_PORT};
	b.peer = (struct ponto_addr){.ip = {0x20, 1, [15] = 2}, .family = PONTO_FAMILY_IPV6, .port = 4000};
	check(pnrp_engine_create(&config, &b.engine) == PONTO_OK, "create");
	check(pnrp_engine_set_local(b.engine, b.now, &b.local, 1) == PONTO_OK, "set_local");
	check(pnrp_engine_open(b.engine, b.now, NULL, 0) == PONTO_OK, "open");
	drain_effects(&b);
	fill_cache(&b);
	pnrp_engine_status(b.engine, &status);
	for (int i = 0; i < REPEATS; i++) {
		double rate = lookups(&b);

		ours = rate > ours ? rate : ours;
		rate = codec(&b);
		peer = rate > peer ? rate : peer;
	}
	check(b.answered == (uint64_t)ROUNDS * REPEATS, "a LOOKUP was not answered");
	printf("bench pnrp-lookup ratio=%.2f ours=%.0f/s peer=%.0f/s limit=%.2f cached=%u memory=%llu\n", ours / peer,
	       ours, peer, LIMIT, status.cache_entries, (unsigned long long)status.memory);
	pnrp_engine_destroy(b.engine);
	return ours / peer >= LIMIT ? 0 : 1;
}
