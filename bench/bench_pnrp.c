/* PNRP LOOKUPs per second on one core: decoded, handled, answered, against a full cache of a registered node.
 * peer: the same datagrams copied in and out and nothing else; limit: at least 20,000 a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_engine.h"

#define ROUNDS 200000
#define LIMIT 20000.0

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

/* FLOODs of random entries, each INQUIRE answered, until the cache is full. */
static void fill_cache(struct bench *b)
{
	for (int i = 0; i < 2000; i++) {
		struct pnrp_message m = {.type = PNRP_FLOOD, .id = 1, .flood = {.no_ack = true, .has_route = true}};
		struct pnrp_message answer = {.type = PNRP_AUTHORITY, .id = 2}, question;
		struct pnrp_authority_buffer buffer;
		uint8_t bytes[PNRP_MESSAGE_MAX], flags[64];
		size_t len;

		fill(&b->random, m.flood.route.id.b, RING_ID_SIZE);
		m.flood.route.port = b->peer.port;
		m.flood.route.count = 1;
		memcpy(m.flood.route.addrs[0], b->peer.ip, 16);
		input(b, bytes, encode(&m, bytes));
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
}

static double lookups(struct bench *b)
{
	struct pnrp_message m = {.type = PNRP_LOOKUP, .id = 9, .lookup = {.count = 3}};
	uint8_t bytes[PNRP_MESSAGE_MAX];
	double start = seconds();

	m.lookup.path[0].port = 4001;
	m.lookup.path[1].port = 4002;
	m.lookup.path[2].port = 4003;
	for (int i = 0; i < ROUNDS; i++) {
		fill(&b->random, m.lookup.target.b, RING_ID_SIZE);
		input(b, bytes, encode(&m, bytes));
		b->answered += output(b) > 0;
	}
	return ROUNDS / (seconds() - start);
}

static double copies(void)
{
	static uint8_t in[PNRP_MESSAGE_MAX], out[PNRP_MESSAGE_MAX];
	double start = seconds();

	for (int i = 0; i < ROUNDS; i++) {
		in[i % 200] = (uint8_t)i;
		memcpy(out, in, 206);
		__asm__ volatile("" : : "r"(out) : "memory");
	}
	return ROUNDS / (seconds() - start);
}

int main(void)
{
	struct bench b = {.now = PONTO_SECOND, .random = 1};
	struct pnrp_engine_config config = {.alloc = ponto_alloc_system, .profile = PNRP_PROFILE_WINDOWS};
	struct pnrp_status status;
	double rate;

	config.random = (struct ponto_random){fill, &b.random};
	b.local = (struct ponto_addr){.ip = {0x20, 1, [15] = 1}, .family = PONTO_FAMILY_IPV6, .port = PNRP_PORT};
	b.peer = (struct ponto_addr){.ip = {0x20, 1, [15] = 2}, .family = PONTO_FAMILY_IPV6, .port = 4000};
	check(pnrp_engine_create(&config, &b.engine) == PONTO_OK, "create");
	check(pnrp_engine_set_local(b.engine, b.now, &b.local, 1) == PONTO_OK, "set_local");
	check(pnrp_engine_open(b.engine, b.now, NULL, 0) == PONTO_OK, "open");
	drain_effects(&b);
	fill_cache(&b);
	pnrp_engine_status(b.engine, &status);
	rate = lookups(&b);
	check(b.answered == ROUNDS, "a LOOKUP was not answered");
	printf("bench pnrp-lookup ratio=%.2f ours=%.0f/s peer=%.0f/s limit=%.0f/s cached=%u memory=%llu\n",
	       rate / LIMIT, rate, copies(), LIMIT, status.cache_entries, (unsigned long long)status.memory);
	pnrp_engine_destroy(b.engine);
	return rate >= LIMIT ? 0 : 1;
}
