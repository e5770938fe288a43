/* Offers at a hosted cache, and what becomes of what it pulls: three bytes a step say who does what with which of eight
 * segments; raw bodies are taken from the input. Bounds hold, nothing is pulled that cannot be, no segment
 * twice at a time, and when it ends nothing is left. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_hosted.h"

#define SEGMENTS 8u
#define CLIENTS 7u
#define PULLS 3u

enum operation { RAW, INITIAL, SEGMENT, BATCH, BEGIN, BLOCK, WRONG, END, SERVED, LOSE, PASS, OPERATIONS };

struct play {
	struct content_hosted *hosted;
	uint64_t now;
	struct content_segment segments[SEGMENTS];
	struct content_id ids[SEGMENTS];
	uint8_t lists[SEGMENTS][4 * CONTENT_HASH_MAX];
	struct content_hosted_known known[SEGMENTS];
	bool there[SEGMENTS];
	struct content_hosted_effect active[PULLS];
	uint32_t active_count;
	uint8_t body[CONTENT_OFFER_MAX];
};

static enum content_algo algo_of(unsigned i)
{
	return i < SEGMENTS / 2 ? (enum content_algo)(CONTENT_SHA256 + i % 3) : CONTENT_TRUNCATED;
}

/* Of one to four blocks in version 1.0. */
static void describe(struct play *p, unsigned i)
{
	struct content_segment *s = &p->segments[i];
	enum content_algo algo = algo_of(i);
	size_t hash = content_hash_size(algo);

	s->size = content_is_v2(algo) ? 40000 + i : 1000 + i * 65536;
	for (uint32_t b = 0; b < content_segment_blocks(algo, s->size); b++)
		memset(p->lists[i] + b * hash, (int)(16 * i + b + 1), hash);
	s->block_hashes = ponto_bytes(p->lists[i], content_segment_blocks(algo, s->size) * hash);
	content_hash(algo, &s->block_hashes, 1, s->hod);
	memset(s->kp, (int)i + 1, hash);
	content_segment_id(algo, s->kp, s->hod, &p->ids[i]);
}

static int find(const struct play *p, const struct content_id *id)
{
	for (unsigned i = 0; i < SEGMENTS; i++) {
		if (content_id_equal(&p->ids[i], id))
			return (int)i;
	}
	return -1;
}

static bool look(void *arg, const struct content_id *id, struct content_hosted_known *out)
{
	const struct play *p = arg;
	int i = find(p, id);

	if (i < 0 || !p->there[i])
		return false;
	*out = p->known[i];
	return true;
}

static struct ponto_addr client(unsigned who)
{
	return (struct ponto_addr){{10, 0, 0, (uint8_t)(who % CLIENTS)}, 0, 4000, PONTO_FAMILY_IPV4, 0};
}

static void offer(struct play *p, unsigned who, unsigned version, struct ponto_bytes body)
{
	const struct ponto_addr from = client(who);
	struct content_offer m;
	enum content_offer_code code = CONTENT_OFFER_INTERESTED;
	int expected = content_offer_decode(body, version, &m);

	FUZZ_REQUIRE(content_hosted_offer(p->hosted, p->now, &from, version, body, &code) == expected);
	if (expected == PONTO_OK)
		FUZZ_REQUIRE(code == CONTENT_OFFER_OK || m.type == CONTENT_INITIAL_OFFER);
}

static void offer_of(struct play *p, enum operation how, unsigned who, unsigned i)
{
	static const uint8_t tag[CONTENT_TAG] = "WinINet";
	struct content_descriptor d;
	size_t len;
	int result;

	if (how == INITIAL)
		result = content_offer_initial(80, &p->ids[i], p->body, sizeof(p->body), &len);
	else if (how == SEGMENT)
		result = content_offer_segment(80, tag, algo_of(i), &p->segments[i], 0, p->body, sizeof(p->body), &len);
	else if ((result = content_descriptor_of(algo_of(i), p->segments[i].size, &p->ids[i], tag, &d)) == PONTO_OK)
		result = content_offer_batch(80, &d, 1, p->body, sizeof(p->body), &len);
	if (result == PONTO_OK) /* else of another version */
		offer(p, who, how == BATCH ? 2 : 1, ponto_bytes(p->body, len));
}

/* What is to be pulled can be, and is not there. */
static void check_pull(const struct play *p, const struct content_hosted_effect *e)
{
	uint32_t blocks = content_segment_blocks(e->algo, e->size);
	int i = find(p, &e->id);

	FUZZ_REQUIRE(e->source_count >= 1 && e->source_count <= CONTENT_HOSTED_SOURCES);
	FUZZ_REQUIRE(content_blocks_next(&e->blocks, blocks) == CONTENT_BLOCKS_MAX);
	FUZZ_REQUIRE(content_blocks_count(&e->blocks) > 0);
	for (uint32_t k = 0; k < p->active_count; k++)
		FUZZ_REQUIRE(!content_id_equal(&p->active[k].id, &e->id) && p->active[k].tag != e->tag);
	if (e->mode == CONTENT_HOSTED_DESCRIBED)
		FUZZ_REQUIRE(e->segment.block_hashes.len == blocks * content_hash_size(e->algo));
	FUZZ_REQUIRE(!e->replace || (e->mode == CONTENT_HOSTED_RELAYED && i >= 0));
}

static void begin(struct play *p)
{
	struct content_hosted_effect e;

	while (content_hosted_effect(p->hosted, p->now, &e)) {
		if (e.kind == CONTENT_HOSTED_JOIN) {
			FUZZ_REQUIRE(e.source_count == 1);
			continue;
		}
		FUZZ_REQUIRE(e.kind == CONTENT_HOSTED_PULL && p->active_count < PULLS);
		check_pull(p, &e);
		p->active[p->active_count++] = e;
	}
}

/* One block of a pull comes and is kept. */
static void block(struct play *p, unsigned which, unsigned who)
{
	struct content_hosted_effect *e;
	struct ponto_addr from = client(who);
	uint32_t index;
	int i;

	if (p->active_count == 0)
		return;
	e = &p->active[which % p->active_count];
	index = content_blocks_next(&e->blocks, 0);
	if (index == CONTENT_BLOCKS_MAX)
		return;
	content_blocks_remove(&e->blocks, index);
	i = find(p, &e->id);
	if (i >= 0 && (!p->there[i] || e->mode != CONTENT_HOSTED_RELAYED || !p->known[i].keyed)) {
		struct content_hosted_known *k = &p->known[i];

		if (!p->there[i] || k->algo != e->algo || k->size != e->size ||
		    k->keyed != (e->mode != CONTENT_HOSTED_RELAYED))
			*k = (struct content_hosted_known){.algo = e->algo, .size = e->size};
		k->keyed = e->mode != CONTENT_HOSTED_RELAYED;
		k->hashes = k->keyed ? content_segment_blocks(e->algo, e->size) : 0;
		content_blocks_add(&k->blocks, index, 1);
		p->there[i] = true;
	}
	content_hosted_block(p->hosted, p->now, e->tag, &from, content_block_size(e->algo, e->size, index));
}

static void end(struct play *p, unsigned which, bool tried)
{
	uint32_t i;

	if (p->active_count == 0)
		return;
	i = which % p->active_count;
	content_hosted_ended(p->hosted, p->now, p->active[i].tag, tried ? PONTO_OK : PONTO_EBUSY);
	p->active[i] = p->active[--p->active_count];
}

static void step(struct play *p, enum operation what, unsigned who, unsigned which)
{
	const struct ponto_addr from = client(who);

	switch (what) {
	case INITIAL:
	case SEGMENT:
	case BATCH:
		offer_of(p, what, who, which % SEGMENTS);
		break;
	case BEGIN:
		begin(p);
		break;
	case BLOCK:
		block(p, which, who);
		break;
	case WRONG:
		content_hosted_wrong(p->hosted, p->now, &from);
		break;
	case END:
		end(p, which, who & 1);
		break;
	case SERVED:
		content_hosted_served(p->hosted, &p->ids[which % SEGMENTS], &from, who & 8);
		break;
	case LOSE:
		p->there[which % SEGMENTS] = false;
		break;
	default:
		p->now += (uint64_t)(which + 1) * PONTO_SECOND << who % 8;
		break;
	}
}

static void check_bounds(const struct play *p, const struct content_hosted_config *config)
{
	struct content_hosted_stats s;

	content_hosted_stats(p->hosted, &s);
	FUZZ_REQUIRE(s.active == p->active_count && s.waiting <= config->waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	struct play *p = &play;
	struct content_hosted_config config = content_hosted_defaults(&ponto_alloc_system, 7);

	memset(p, 0, sizeof(*p));
	config.look = look;
	config.arg = p;
	config.pulls = PULLS;
	config.pulls_per_client = 2;
	config.waiting = 6;
	config.waiting_per_client = 3;
	config.clients = 5;
	config.segments = 4;
	config.bytes_per_client = 2u << 20;
	config.lists = 600;
	p->now = 1;
	for (unsigned i = 0; i < SEGMENTS; i++)
		describe(p, i);
	FUZZ_REQUIRE(content_hosted_create(&config, &p->hosted) == PONTO_OK);
	while (size >= 3) {
		enum operation what = data[0] % OPERATIONS;
		unsigned who = data[1], which = data[2];

		data += 3;
		size -= 3;
		if (what == RAW) {
			size_t len = 4u * which < size ? 4u * which : size;

			offer(p, who, 1 + (who >> 7), ponto_bytes(data, len));
			data += len;
			size -= len;
		} else {
			step(p, what, who, which);
		}
		check_bounds(p, &config);
	}
	content_hosted_destroy(p->hosted);
	return 0;
}
