/* A sequence of datagrams, answers, ticks and wishes into one PNRP engine. Whatever comes: what it sends decodes and
 * fits a datagram, it never asks to be called at once again, its memory stays bounded, and it leaves nothing behind.
 *
 * Input: one byte (the allocation to refuse, 0 none), then records of an operation byte and its operands; what is
 * missing at the end reads as zero. Tick 1 s, answers and jobs have records of their own, so that a
 * mutated file still reaches the inner states. */
#include <string.h>

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_engine.h"
#include "framework/cursor.h"
#include "tests/fuzz/fuzz.h"

#define SENT 32
#define HELD 8
#define MEMORY_MAX (1024 * 1024)

struct fuzz {
	struct pnrp_engine *engine;
	struct ponto_reader input;
	uint64_t now;
	uint64_t random;
	size_t live, made, fail_at;
	struct ponto_addr local;
	struct {
		struct ponto_addr to;
		uint32_t id;
	} sent[SENT];
	size_t sent_count;
	uint64_t held[HELD];
	size_t held_count;
	uint64_t registration;
};

/* ---- what the engine is given ---------------------------------------------------- */

static void *fuzz_alloc(void *ctx, size_t size)
{
	struct fuzz *f = ctx;
	void *block = ++f->made == f->fail_at ? NULL : malloc(size ? size : 1);

	f->live += block != NULL;
	return block;
}

static void *fuzz_resize(void *ctx, void *block, size_t size)
{
	struct fuzz *f = ctx;
	void *bigger;

	if (++f->made == f->fail_at)
		return NULL;
	bigger = realloc(block, size ? size : 1);
	f->live += !block && bigger;
	return bigger;
}

static void fuzz_release(void *ctx, void *block)
{
	struct fuzz *f = ctx;

	f->live -= block != NULL;
	free(block);
}

static void fuzz_fill(void *ctx, uint8_t *out, size_t len)
{
	struct fuzz *f = ctx;

	for (size_t i = 0; i < len; i++) {
		f->random = f->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(f->random >> 56);
	}
}

static struct ponto_addr peer(uint8_t n)
{
	struct ponto_addr a = {.family = PONTO_FAMILY_IPV6, .port = 4000};

	memcpy(a.ip, (uint8_t[6]){0x20, 0x01, 0x0d, 0xb8, 0x10, n}, 6);
	a.ip[15] = 1;
	return a;
}

/* ---- what the engine says ------------------------------------------------------------- */

static void drain(struct fuzz *f)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};
	struct pnrp_effect effect;
	struct pnrp_status status;
	struct pnrp_message m;

	while (pnrp_engine_effect(f->engine, &effect) == 1) {
		if ((effect.type == PNRP_EFFECT_SIGN || effect.type == PNRP_EFFECT_VERIFY)) {
			struct pnrp_completion c = {.result = PONTO_EBUSY};

			if (f->held_count < HELD)
				f->held[f->held_count++] = effect.token;
			else
				pnrp_engine_complete(f->engine, f->now, effect.token, &c);
		}
	}
	while (pnrp_engine_output(f->engine, f->now, &slot) == 1) {
		FUZZ_REQUIRE(slot.len <= PNRP_DATAGRAM_MAX);
		FUZZ_REQUIRE(slot.to.port > 1024);
		FUZZ_REQUIRE(pnrp_decode(&pnrp_windows, ponto_bytes(bytes, slot.len), &m) == PONTO_OK);
		f->sent[f->sent_count % SENT].to = slot.to;
		f->sent[f->sent_count++ % SENT].id = m.id;
	}
	pnrp_engine_status(f->engine, &status);
	FUZZ_REQUIRE(status.memory < MEMORY_MAX);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct ponto_bytes datagram(struct fuzz *f)
{
	uint64_t len = ponto_read_be16(&f->input);

	if (len > ponto_reader_left(&f->input))
		len = ponto_reader_left(&f->input);
	return ponto_read_bytes(&f->input, len);
}

static void deliver(struct fuzz *f, const struct ponto_addr *from, struct ponto_bytes bytes)
{
	int result = pnrp_engine_input(f->engine, f->now, from, &f->local, bytes);

	FUZZ_REQUIRE(result == PONTO_OK || (result == PONTO_ENOMEM && f->fail_at));
}

/* As the answer to one of the last messages: from whom it went to, with its Message ID as the Acked one. */
static void deliver_answer(struct fuzz *f)
{
	uint8_t which = ponto_read_u8(&f->input), copy[2048];
	struct ponto_bytes bytes = datagram(f);

	if (f->sent_count == 0 || bytes.len > sizeof(copy))
		return;
	which %= f->sent_count < SENT ? f->sent_count : SENT;
	which = (uint8_t)((f->sent_count - 1 - which) % SENT);
	memcpy(copy, bytes.data ? bytes.data : copy, bytes.len);
	for (unsigned i = 0; i < 4 && 16 + i < bytes.len; i++)
		copy[16 + i] = (uint8_t)(f->sent[which].id >> (24 - 8 * i));
	deliver(f, &f->sent[which].to, ponto_bytes(copy, bytes.len));
}

static void tick(struct fuzz *f, uint64_t step)
{
	f->now += step;
	pnrp_engine_tick(f->engine, f->now);
	drain(f);
	/* Nothing that is due stays due, or a caller would spin. */
	FUZZ_REQUIRE(pnrp_engine_deadline(f->engine) > f->now);
}

static void complete(struct fuzz *f, uint8_t how)
{
	static const uint8_t signature[128];
	struct pnrp_completion c = {.result = how & 1 ? PONTO_OK : PONTO_EAUTH};

	for (unsigned i = 0; i < PNRP_ITEMS_MAX; i++)
		c.signatures[i] = ponto_bytes(signature, how & 2 ? 127 : 128);
	if (f->held_count > 0)
		pnrp_engine_complete(f->engine, f->now, f->held[--f->held_count], &c);
}

static void enlist(struct fuzz *f, uint8_t how)
{
	static const uint8_t key[140], payload[3000];
	static const struct pnrp_endpoint endpoint = {.port = 5000, .protocol = 6};
	struct pnrp_registration r = {.name = "0.local",
				      .identity = 1,
				      .public_key = ponto_bytes(key, sizeof(key)),
				      .endpoints = &endpoint,
				      .endpoint_count = 1,
				      .has_prefix = true};
	struct ring_id id;

	if (how & 1 && f->registration) {
		(void)!pnrp_engine_unregister(f->engine, f->now, f->registration);
		return;
	}
	if (how & 2) {
		r.payload_type = PNRP_PAYLOAD_BINARY;
		r.payload = ponto_bytes(payload, sizeof(payload));
	}
	(void)!pnrp_engine_register(f->engine, f->now, &r, &f->registration, &id);
}

static void resolve(struct fuzz *f, uint8_t how)
{
	static const uint8_t criteria[] = {0, 1, 2, 4, 8, 3};
	struct pnrp_query q = {.name = how & 64 ? "0.local" : "0.other",
			       .criteria = criteria[how % 6],
			       .precision = how,
			       .include_local = how & 128,
			       .trace = true,
			       .max_restarts = how & 3};
	uint64_t handle;

	if (pnrp_engine_resolve(f->engine, f->now, &q, &handle) == PONTO_OK && how & 32)
		pnrp_engine_cancel(f->engine, f->now, handle);
}

static void change(struct fuzz *f, uint8_t how)
{
	struct ponto_addr found = peer(how);

	switch (how % 6) {
	case 0:
		(void)!pnrp_engine_set_local(f->engine, f->now, &f->local, how & 64 ? 0 : 1);
		break;
	case 1:
		pnrp_engine_found(f->engine, f->now, 1u << (how / 8 % 3), &found, 1);
		break;
	case 2:
		pnrp_engine_discovery_done(f->engine, f->now, 1u << (how / 8 % 3));
		break;
	case 3:
		(void)!pnrp_engine_open(f->engine, f->now, &found, 1);
		break;
	case 4:
		(void)!pnrp_engine_close(f->engine, f->now);
		break;
	default:
		if (how & 64)
			pnrp_engine_stop(f->engine, f->now, PONTO_SECOND);
		break;
	}
}

static void step(struct fuzz *f)
{
	uint8_t op = ponto_read_u8(&f->input);
	struct ponto_addr from;

	switch (op % 8) {
	case 0:
		from = peer(ponto_read_u8(&f->input));
		deliver(f, &from, datagram(f));
		break;
	case 1:
		deliver_answer(f);
		break;
	case 2:
		tick(f, PONTO_SECOND);
		break;
	case 3:
		complete(f, ponto_read_u8(&f->input));
		break;
	case 4:
		enlist(f, ponto_read_u8(&f->input));
		break;
	case 5:
		resolve(f, ponto_read_u8(&f->input));
		break;
	case 6:
		change(f, ponto_read_u8(&f->input));
		break;
	default:
		tick(f, (uint64_t)ponto_read_u8(&f->input) * PONTO_SECOND);
		break;
	}
	drain(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.input = ponto_reader(ponto_bytes(data, size)), .now = PONTO_SECOND, .local = peer(200)};
	struct pnrp_engine_config config = {.profile = PNRP_PROFILE_WINDOWS, .scope = PONTO_SCOPE_GLOBAL};
	uint8_t fail_at = ponto_read_u8(&f.input);

	config.alloc = (struct ponto_alloc){fuzz_alloc, fuzz_resize, fuzz_release, &f};
	config.random = (struct ponto_random){fuzz_fill, &f};
	FUZZ_REQUIRE(pnrp_engine_create(&config, &f.engine) == PONTO_OK);
	pnrp_engine_set_wall(f.engine, INT64_C(1790000000000000));
	f.fail_at = fail_at ? f.made + fail_at : 0;
	if (pnrp_engine_set_local(f.engine, f.now, &f.local, 1) == PONTO_OK)
		(void)!pnrp_engine_open(f.engine, f.now, NULL, 0);
	for (unsigned n = 0; n < 300 && ponto_reader_left(&f.input) > 0; n++)
		step(&f);
	for (unsigned n = 0; n < 40; n++)
		tick(&f, PONTO_SECOND);
	pnrp_engine_destroy(f.engine);
	FUZZ_REQUIRE(f.live == 0);
	return 0;
}
