/* Blocks of a fetch: the plan is carried out, the cache is asked first, what is accepted goes there and to the reader.
 */
#include <string.h>

#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_client.h"

#define PUTS_MAX 192u		     /* blocks the cache is writing: more wait */
#define GETS_MAX 8u		     /* blocks read from it at once */
#define PROBE_FIRST (300 * PONTO_MS) /* between searches for who works on it too: soon at first, ever more rarely */
#define PROBE_ALONE (2 * PONTO_SECOND)
#define PROBE_AMONG (10 * PONTO_SECOND)
#define PEER_STRIKES 2u
#define WINDOW_MIN 16u
#define SEGMENTS_MAX (1u << 24) /* what a session's tag holds */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- where things are ------------------------------------------------------------------ */

bool dist_blocks_segment(const struct dist_fetch *fetch, uint32_t i, struct content_segment *out)
{
	struct content_walk walk = fetch->walks[i / DIST_STRIDE];

	for (uint32_t k = 0; k <= i % DIST_STRIDE; k++) {
		if (!content_walk_next(&walk, out))
			return false;
	}
	return true;
}

uint64_t dist_blocks_place(const struct dist_fetch *fetch, uint64_t block, uint32_t *size)
{
	enum content_algo algo = fetch->info.algo;
	struct content_segment segment = {0};
	uint32_t at, index;

	content_plan_locate(fetch->plan, block, &at, &index);
	(void)dist_blocks_segment(fetch, at, &segment);
	*size = content_block_size(algo, segment.size, index);
	return segment.offset + content_block_offset(algo, index);
}

static bool is_cached(const struct dist_fetch *fetch, uint64_t block)
{
	return fetch->cached[block / 64] >> block % 64 & 1;
}

static void set_cached(struct dist_fetch *fetch, uint64_t block, bool cached)
{
	uint64_t mask = UINT64_C(1) << block % 64;

	if (is_cached(fetch, block) == cached)
		return;
	fetch->cached[block / 64] ^= mask;
	fetch->cached_count += cached ? 1 : (uint64_t)-1;
	if (cached && block < fetch->cached_from)
		fetch->cached_from = block;
}

/* ---- beginning ----------------------------------------------------------------------------- */

/* Every segment described, with what is wanted of it; and where walks begin. */
static int read_segments(struct dist_fetch *fetch)
{
	const struct content_info *info = &fetch->info;
	struct content_segment segment;
	struct content_walk walk;
	uint32_t first, count, i = 0;

	content_walk_start(&walk, info);
	for (;; i++) {
		if (i % DIST_STRIDE == 0 && i < info->segments)
			fetch->walks[i / DIST_STRIDE] = walk;
		if (i >= info->segments || !content_walk_next(&walk, &segment))
			break;
		count = content_touched(info->algo, &segment, info->start, info->length, &first);
		if (count == 0 || content_block_hash(info->algo, &segment, first + count - 1).len == 0)
			return PONTO_EPROTO;
		if (content_plan_add(fetch->plan, first, count) != PONTO_OK)
			return PONTO_ENOMEM;
	}
	return i == info->segments ? PONTO_OK : PONTO_EPROTO;
}

/* What the origin said of the entity and what its description says. */
static int check_extent(struct dist_fetch *fetch)
{
	const struct content_info *info = &fetch->info;

	if (info->length == 0 || info->segments == 0 || info->start != fetch->from)
		return PONTO_EPROTO;
	if (fetch->end && info->start + info->length != fetch->end)
		return PONTO_EPROTO;
	fetch->end = info->start + info->length;
	if (!fetch->has_length)
		fetch->length = fetch->end;
	fetch->has_length = true;
	return info->segments <= SEGMENTS_MAX ? PONTO_OK : PONTO_ELIMIT;
}

int dist_blocks_begin(struct dist_fetch *fetch, bool origin)
{
	struct dist_client *client = fetch->client;
	const struct ponto_env *env = client->dist->env;
	struct content_plan_config config = content_plan_defaults(env->alloc, ponto_random_u64(env->random));
	size_t words;
	int result = content_info_parse(ponto_bytes(fetch->info_bytes, fetch->info_len), &fetch->info);

	if (result == PONTO_OK && fetch->status == 0) /* no origin said where it begins */
		fetch->from = fetch->info.start;
	if (result == PONTO_OK)
		result = check_extent(fetch);
	if (result != PONTO_OK)
		return result;
	fetch->window =
		(uint32_t)(client->memory / (content_is_v2(fetch->info.algo) ? CONTENT_SEGMENT_V2_MAX : CONTENT_BLOCK));
	if (fetch->window < WINDOW_MIN)
		fetch->window = WINDOW_MIN;
	config.window = fetch->window;
	config.in_order = !fetch->any_order;
	config.origin = origin;
	if (!fetch->any_order)
		config.patience = 2 * PONTO_SECOND; /* somebody waits for it */
	result = content_plan_create(&config, &fetch->plan);
	if (result != PONTO_OK)
		return result;
	fetch->walks = ponto_new(env->alloc, (size_t)(fetch->info.segments / DIST_STRIDE) + 1, sizeof(*fetch->walks));
	fetch->givers = ponto_new(env->alloc, fetch->info.segments, sizeof(*fetch->givers));
	if (!fetch->walks || !fetch->givers)
		return PONTO_ENOMEM;
	result = read_segments(fetch);
	if (result == PONTO_OK)
		result = content_plan_begin(fetch->plan, dist_now(client->dist));
	if (result != PONTO_OK)
		return result;
	words = (size_t)(content_plan_blocks(fetch->plan) / 64) + 1;
	fetch->cached = ponto_new(env->alloc, 2 * words, sizeof(*fetch->cached));
	if (!fetch->cached)
		return PONTO_ENOMEM;
	fetch->from_cache = fetch->cached + words;
	fetch->probe_gap = PROBE_FIRST;
	fetch->probe_at = dist_now(client->dist) + PROBE_FIRST;
	return PONTO_OK;
}

/* ---- neighbours -------------------------------------------------------------------------------- */

static bool is_doubted(const struct dist_fetch *fetch, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < DIST_PEERS_MAX; i++) {
		if (fetch->doubted[i].family != PONTO_FAMILY_NONE && ponto_addr_equal(&fetch->doubted[i], addr))
			return true;
	}
	return false;
}

void dist_blocks_doubt(struct dist_fetch *fetch, const struct ponto_addr *addr)
{
	dist_blocks_peer_failed(fetch, addr, true);
	if (!is_doubted(fetch, addr))
		fetch->doubted[fetch->doubted_next++ % DIST_PEERS_MAX] = *addr;
}

bool dist_blocks_doubts(const struct dist_fetch *fetch, const struct content_id *id, const struct ponto_addr *addr)
{
	if (!is_doubted(fetch, addr))
		return false;
	for (unsigned i = 0; i < fetch->session_count; i++) {
		if (content_id_equal(&fetch->sessions[i].id, id))
			return true;
	}
	return false;
}

/* He works on it too. Counted from 1; 0: there are too many, or he is not asked. */
static unsigned meet(struct dist_fetch *fetch, const struct ponto_addr *addr)
{
	if (is_doubted(fetch, addr))
		return 0;
	for (unsigned i = 0; i < fetch->peer_count; i++) {
		if (ponto_addr_equal(&fetch->peers[i].addr, addr)) {
			fetch->peers[i].strikes = 0;
			return i + 1;
		}
	}
	if (fetch->peer_count == DIST_PEERS_MAX)
		return 0;
	fetch->peers[fetch->peer_count++] = (struct dist_peer_known){*addr, 0};
	return fetch->peer_count;
}

void dist_blocks_given(struct dist_fetch *fetch, uint32_t segment, const struct ponto_addr *addr)
{
	fetch->givers[segment] = (uint8_t)meet(fetch, addr);
}

/* Who had the one beside it: each goes on where he began, so he is likely to have it too. */
static const struct ponto_addr *likely(const struct dist_fetch *fetch, uint32_t segment)
{
	unsigned giver = segment > 0 ? fetch->givers[segment - 1] : 0;

	if (giver == 0 && segment + 1 < fetch->info.segments)
		giver = fetch->givers[segment + 1];
	return giver > 0 && giver <= fetch->peer_count ? &fetch->peers[giver - 1].addr : NULL;
}

void dist_blocks_peer_failed(struct dist_fetch *fetch, const struct ponto_addr *addr, bool for_good)
{
	for (unsigned i = 0; i < fetch->peer_count; i++) {
		if (!ponto_addr_equal(&fetch->peers[i].addr, addr))
			continue;
		if (for_good || ++fetch->peers[i].strikes >= PEER_STRIKES)
			fetch->peers[i] = fetch->peers[--fetch->peer_count];
		return;
	}
}

static bool sought(const struct dist_fetch *fetch, const struct content_id *id)
{
	struct content_segment segment;
	struct content_id other;

	for (unsigned i = 0; i < fetch->session_count; i++) {
		if (content_id_equal(&fetch->sessions[i].id, id))
			return true;
	}
	for (unsigned i = 0; i < DIST_RECENT && i < fetch->recent_count; i++) {
		if (!dist_blocks_segment(fetch, fetch->recent[i], &segment))
			continue;
		content_segment_id(fetch->info.algo, segment.kp, segment.hod, &other);
		if (content_id_equal(&other, id))
			return true;
	}
	return false;
}

void dist_blocks_found(struct dist_fetch *fetch, const struct content_id *id, const struct ponto_addr *addr)
{
	if (fetch->closing || fetch->state != DIST_FETCH_BLOCKS || !sought(fetch, id))
		return;
	(void)meet(fetch, addr);
	dist_client_wake(fetch);
}

/* Who came later is found by what was looked at of late. */
static void probe(struct dist_fetch *fetch)
{
	struct dist *dist = fetch->client->dist;
	struct content_segment segment;
	struct content_id id;

	if (dist_now(dist) < fetch->probe_at)
		return;
	fetch->probe_gap = sooner(2 * fetch->probe_gap, fetch->peer_count ? PROBE_AMONG : PROBE_ALONE);
	fetch->probe_at = dist_now(dist) + fetch->probe_gap;
	for (unsigned i = 0; i < DIST_RECENT && i < fetch->recent_count; i++) {
		if (!dist_blocks_segment(fetch, fetch->recent[i], &segment))
			continue;
		content_segment_id(fetch->info.algo, segment.kp, segment.hod, &id);
		if (dist_search_seek(dist->search, &id, content_is_v2(fetch->info.algo)) != PONTO_OK)
			break;
	}
}

/* ---- the cache ------------------------------------------------------------------------------------ */

struct put {
	struct dist_fetch *fetch;
	struct dist_chunk *chunk;
	struct dist_piece piece;
	bool fresh; /* it came from the origin */
	struct content_fresh offer;
};

static void put_done(void *arg, int result)
{
	struct put *put = arg;
	struct dist_fetch *fetch = put->fetch;
	struct dist_client *client = fetch->client;
	struct dist_chunk *chunk = put->chunk;

	client->jobs--;
	client->puts--;
	fetch->jobs--;
	if (result == PONTO_OK && put->fresh)
		dist_caches_fresh(client->dist->caches, &put->offer, put->piece.index);
	/* More than memory allows: it is read again when its turn comes. */
	if (result == PONTO_OK && !fetch->closing && fetch->state == DIST_FETCH_BLOCKS && fetch->any_order &&
	    chunk->listed && fetch->chunk_bytes > client->memory / 2) {
		set_cached(fetch, chunk->block, true);
		dist_fetch_drop(fetch, chunk);
	}
	fetch->tell_ready = fetch->tell_ready || (fetch->state == DIST_FETCH_OVER && fetch->jobs == 0);
	dist_chunk_unref(chunk);
	ponto_free(client->dist->env->alloc, put);
	for (struct dist_fetch *other = client->fetches; other; other = other->next)
		dist_client_wake(other);
	dist_client_pump(client);
}

/* Programs and the proxy are told apart ([MS-PCHC] 3.2.1). */
static void describe_offer(const struct dist_fetch *fetch, const struct content_segment *segment,
			   const struct dist_segment *kept, struct content_fresh *out)
{
	const char *tag = fetch->transparent ? "Ponto proxy" : "Ponto";
	uint64_t start = fetch->info.start;

	memset(out, 0, sizeof(*out));
	out->id = kept->id;
	out->algo = kept->algo;
	out->size = kept->size;
	out->place = segment->offset;
	out->offset = start > segment->offset && start - segment->offset < segment->size
			      ? (uint32_t)(start - segment->offset)
			      : 0;
	memcpy(out->tag, tag, strlen(tag));
}

/* What cannot be kept is not kept: the fetch goes on. */
static void keep(struct dist_fetch *fetch, struct dist_chunk *chunk, enum dist_source source)
{
	struct dist_client *client = fetch->client;
	struct dist_segment kept = {.algo = fetch->info.algo, .keyed = true};
	struct content_segment segment;
	struct ponto_bytes hash;
	uint32_t at, index;
	struct put *put;

	content_plan_locate(fetch->plan, chunk->block, &at, &index);
	if (!client->dist->cached || !dist_blocks_segment(fetch, at, &segment))
		return;
	put = ponto_new(client->dist->env->alloc, 1, sizeof(*put));
	if (!put)
		return;
	content_segment_id(kept.algo, segment.kp, segment.hod, &kept.id);
	kept.size = segment.size;
	memcpy(kept.hod, segment.hod, sizeof(kept.hod));
	memcpy(kept.kp, segment.kp, sizeof(kept.kp));
	kept.block_hashes = segment.block_hashes;
	hash = content_block_hash(kept.algo, &segment, index);
	put->fetch = fetch;
	put->chunk = chunk;
	put->piece.index = index;
	put->piece.crypto = CONTENT_PLAIN;
	memcpy(put->piece.hash, hash.data, hash.len);
	put->piece.data = chunk->all;
	put->fresh = source == DIST_FROM_ORIGIN;
	describe_offer(fetch, &segment, &kept, &put->offer);
	if (dist_cache_put(client->dist->cache, &kept, &put->piece, put_done, put) != PONTO_OK) {
		ponto_free(client->dist->env->alloc, put);
		return;
	}
	chunk->refs++;
	client->jobs++;
	client->puts++;
	fetch->jobs++;
}

/* The part of a block that was asked for, as bytes of the entity. */
static struct dist_chunk *make_chunk(struct dist_fetch *fetch, uint64_t block, uint8_t *memory, const uint8_t *data,
				     size_t len)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;
	struct dist_chunk *chunk = ponto_new(alloc, 1, sizeof(*chunk));
	uint32_t size;
	uint64_t place = dist_blocks_place(fetch, block, &size), from, to;

	if (!chunk)
		return NULL;
	from = place < fetch->info.start ? fetch->info.start - place : 0;
	to = place + len > fetch->end ? fetch->end - place : len;
	chunk->alloc = alloc;
	chunk->memory = memory;
	chunk->all = ponto_bytes(data, len);
	chunk->data = ponto_bytes(data + from, (size_t)(to - from));
	chunk->offset = place + from;
	chunk->block = block;
	chunk->refs = 1;
	return chunk;
}

static void count(struct dist_fetch *fetch, enum dist_source source, size_t len)
{
	fetch->bytes[source] += len;
	ponto_counter_add(fetch->client->metrics.bytes[source], len);
	if (source != DIST_FROM_ORIGIN)
		ponto_counter_add(fetch->client->metrics.saved, len);
	if (source == DIST_FROM_CACHE || !fetch->client->dist->cached)
		return; /* the cache counts those when they are read */
	dist_cache_missed(fetch->client->dist->cache, false, 1);
	dist_cache_fetched(fetch->client->dist->cache, source == DIST_FROM_PEERS, len);
}

void dist_blocks_accept(struct dist_fetch *fetch, uint64_t block, uint8_t *memory, const uint8_t *data, size_t len,
			enum dist_source source)
{
	uint64_t now = dist_now(fetch->client->dist);
	struct dist_chunk *chunk;

	if (content_plan_has(fetch->plan, block)) {
		ponto_free(fetch->client->dist->env->alloc, memory);
		return;
	}
	chunk = make_chunk(fetch, block, memory, data, len);
	if (!chunk) { /* fetched again */
		ponto_free(fetch->client->dist->env->alloc, memory);
		return;
	}
	(void)content_plan_had(fetch->plan, now, block);
	if (source == DIST_FROM_PEERS)
		content_plan_from_peer(fetch->plan, block);
	count(fetch, source, chunk->data.len);
	dist_fetch_add(fetch, chunk);
	keep(fetch, chunk, source);
	dist_chunk_unref(chunk);
	dist_client_wake(fetch);
}

/* Bytes of a block that were asked for. */
static size_t wanted_bytes(const struct dist_fetch *fetch, uint64_t block)
{
	uint32_t size;
	uint64_t from = dist_blocks_place(fetch, block, &size), to = from + size;

	from = from < fetch->info.start ? fetch->info.start : from;
	to = to > fetch->end ? fetch->end : to;
	return to > from ? (size_t)(to - from) : 0;
}

/* It is not there after all: fetched again, and counted then. */
static void lose(struct dist_fetch *fetch, uint64_t block)
{
	uint64_t mask = UINT64_C(1) << block % 64;

	content_plan_lost(fetch->plan, block);
	if (fetch->from_cache[block / 64] & mask)
		fetch->bytes[DIST_FROM_CACHE] -= wanted_bytes(fetch, block);
	fetch->from_cache[block / 64] &= ~mask;
}

struct get {
	struct dist_fetch *fetch;
	uint64_t block;
	uint8_t *memory;
	size_t len;
	uint8_t hash[CONTENT_HASH_MAX];
	size_t hash_size;
};

/* On a worker. It is believed if it has the hash that this content's description lists. */
static int get_work(void *arg, const struct dist_read *read)
{
	struct get *get = arg;

	if (read->block.data.len != get->len || memcmp(read->block.hash, get->hash, get->hash_size) != 0)
		return PONTO_ECORRUPT;
	get->memory = ponto_bytes_dup(get->fetch->client->dist->env->alloc, read->block.data);
	return get->memory ? PONTO_OK : PONTO_ENOMEM;
}

static void get_done(void *arg, int result)
{
	struct get *get = arg;
	struct dist_fetch *fetch = get->fetch;
	struct dist_client *client = fetch->client;
	struct dist_chunk *chunk = NULL;

	client->jobs--;
	fetch->jobs--;
	fetch->gets--;
	if (!fetch->closing && fetch->state == DIST_FETCH_BLOCKS) {
		if (result == PONTO_OK)
			chunk = make_chunk(fetch, get->block, get->memory, get->memory, get->len);
		if (chunk) {
			dist_fetch_add(fetch, chunk);
			dist_chunk_unref(chunk);
			get->memory = NULL;
		} else {
			lose(fetch, get->block);
		}
		dist_client_wake(fetch);
	}
	ponto_free(client->dist->env->alloc, get->memory);
	ponto_free(client->dist->env->alloc, get);
	dist_client_pump(client);
}

/* False: not now. */
static bool read_cached(struct dist_fetch *fetch, uint64_t block)
{
	struct dist_client *client = fetch->client;
	struct content_segment segment;
	struct content_id id;
	struct ponto_bytes hash;
	uint32_t at, index;
	struct get *get = ponto_new(client->dist->env->alloc, 1, sizeof(*get));
	int result;

	if (!get)
		return false;
	content_plan_locate(fetch->plan, block, &at, &index);
	(void)dist_blocks_segment(fetch, at, &segment);
	content_segment_id(fetch->info.algo, segment.kp, segment.hod, &id);
	hash = content_block_hash(fetch->info.algo, &segment, index);
	get->fetch = fetch;
	get->block = block;
	get->len = content_block_size(fetch->info.algo, segment.size, index);
	get->hash_size = hash.len;
	memcpy(get->hash, hash.data, hash.len);
	result = client->dist->cached ? dist_cache_get(client->dist->cache, &id, index, get_work, get_done, get)
				      : PONTO_ENOENT;
	if (result != PONTO_OK) {
		ponto_free(client->dist->env->alloc, get);
		if (result == PONTO_ENOENT) { /* it went meanwhile: fetched again */
			set_cached(fetch, block, false);
			lose(fetch, block);
		}
		return result == PONTO_ENOENT;
	}
	set_cached(fetch, block, false);
	client->jobs++;
	fetch->jobs++;
	fetch->gets++;
	return true;
}

/* Those that the reader needs next, as far as memory allows. False: to be tried again soon. */
static bool read_ahead(struct dist_fetch *fetch)
{
	uint64_t blocks = content_plan_blocks(fetch->plan),
		 block = fetch->any_order ? fetch->cached_from : fetch->next_block;

	for (; block < blocks && fetch->cached_count > 0; block++) {
		if (fetch->gets >= GETS_MAX || fetch->chunk_count + fetch->gets >= fetch->window / 2)
			return true;
		if (!fetch->any_order && block >= fetch->next_block + fetch->window)
			return true;
		if (block % 64 == 0 && fetch->cached[block / 64] == 0) {
			block += 63;
			continue;
		}
		if (is_cached(fetch, block) && !read_cached(fetch, block))
			return false;
		if (fetch->any_order)
			fetch->cached_from = block + 1;
	}
	return true;
}

/* ---- the plan -------------------------------------------------------------------------------------- */

/* Blocks that the cache holds are had; the others remain in set. */
static void ask_cache(struct dist_fetch *fetch, uint32_t at, const struct content_id *id, struct content_blocks *set)
{
	uint64_t now = dist_now(fetch->client->dist);
	struct dist_known known;
	uint32_t low, wanted;

	if (!fetch->client->dist->cached || !dist_cache_find(fetch->client->dist->cache, id, &known) || !known.keyed)
		return;
	content_plan_wanted(fetch->plan, at, &low, &wanted);
	for (uint32_t i = content_blocks_next(&known.blocks, low); i < low + wanted;
	     i = content_blocks_next(&known.blocks, i + 1)) {
		uint64_t block = content_plan_block(fetch->plan, at, i);

		/* What is under way to here as well is thrown away when it comes. */
		if (!content_plan_had(fetch->plan, now, block))
			continue;
		set_cached(fetch, block, true);
		fetch->from_cache[block / 64] |= UINT64_C(1) << block % 64;
		count(fetch, DIST_FROM_CACHE, wanted_bytes(fetch, block));
	}
	content_blocks_drop(set, &known.blocks);
}

static void expect(struct dist_fetch *fetch, uint32_t segment, const struct content_id *id)
{
	struct dist_client *client = fetch->client;
	const struct ponto_addr *first = likely(fetch, segment);
	uint64_t now = dist_now(client->dist);

	for (unsigned i = 0; i < fetch->peer_count; i++) {
		if (!dist_client_banned(client, &fetch->peers[i].addr))
			content_client_expect(client->engine, now, id, &fetch->peers[i].addr);
	}
	if (first && !dist_client_banned(client, first))
		content_client_expect(client->engine, now, id, first);
}

static void seek(struct dist_fetch *fetch, uint32_t at, const struct content_segment *segment, const struct content_id *id,
		 struct content_blocks set)
{
	struct dist_client *client = fetch->client;
	uint64_t now = dist_now(client->dist);
	int result = PONTO_EBUSY;

	ask_cache(fetch, at, id, &set);
	if (content_blocks_count(&set) == 0) {
		content_plan_session_ended(fetch->plan, now, at);
		return;
	}
	expect(fetch, at, id);
	if (fetch->session_count < DIST_SESSIONS_MAX)
		result = content_client_add(client->engine, now, fetch->info.algo, segment, &set,
					    dist_session_tag(fetch, at));
	if (result != PONTO_OK) {
		content_plan_session_refused(fetch->plan, now, at);
		return;
	}
	fetch->sessions[fetch->session_count++] = (struct dist_session){at, *id};
	client->again = true;
}

/* A segment that the cache asks its store for. */
struct asked {
	struct dist_fetch *fetch;
	uint32_t at;
	struct content_blocks set;
	struct content_id id;
};

static void learned(void *arg, int result)
{
	struct asked *asked = arg;
	struct dist_fetch *fetch = asked->fetch;
	struct dist_client *client = fetch->client;
	struct content_segment segment;

	(void)result; /* what is known by now is used */
	client->jobs--;
	fetch->jobs--;
	if (!fetch->closing && fetch->state == DIST_FETCH_BLOCKS && dist_blocks_segment(fetch, asked->at, &segment))
		seek(fetch, asked->at, &segment, &asked->id, asked->set);
	fetch->tell_ready = fetch->tell_ready || (fetch->state == DIST_FETCH_OVER && fetch->jobs == 0);
	ponto_free(client->dist->env->alloc, asked);
	dist_client_wake(fetch);
	dist_client_pump(client);
}

/* False: it knows what there is. */
static bool ask_store(struct dist_fetch *fetch, const struct content_plan_step *step, const struct content_id *id)
{
	struct dist_client *client = fetch->client;
	struct asked *asked;

	if (!client->dist->cached || !dist_cache_learns(client->dist->cache))
		return false;
	asked = ponto_new(client->dist->env->alloc, 1, sizeof(*asked));
	if (!asked)
		return false;
	*asked = (struct asked){fetch, step->segment, step->blocks, *id};
	if (dist_cache_learn(client->dist->cache, id, 1, learned, asked) != PONTO_OK) {
		ponto_free(client->dist->env->alloc, asked);
		return false;
	}
	client->jobs++;
	fetch->jobs++;
	return true;
}

static void begin_session(struct dist_fetch *fetch, const struct content_plan_step *step)
{
	struct content_segment segment;
	struct content_id id;

	if (!dist_blocks_segment(fetch, step->segment, &segment)) {
		dist_fetch_fail(fetch, PONTO_EINTERNAL, "a segment is missing");
		return;
	}
	content_segment_id(fetch->info.algo, segment.kp, segment.hod, &id);
	fetch->recent[fetch->recent_count++ % DIST_RECENT] = step->segment;
	if (!ask_store(fetch, step, &id))
		seek(fetch, step->segment, &segment, &id, step->blocks);
}

void dist_blocks_lacked(struct dist_fetch *fetch, uint32_t segment, const struct content_blocks *blocks)
{
	content_plan_lacked(fetch->plan, dist_now(fetch->client->dist), segment, blocks);
	dist_client_wake(fetch);
}

void dist_blocks_session_ended(struct dist_fetch *fetch, uint32_t segment)
{
	for (unsigned i = 0; i < fetch->session_count; i++) {
		if (fetch->sessions[i].segment == segment)
			fetch->sessions[i] = fetch->sessions[--fetch->session_count];
	}
	content_plan_session_ended(fetch->plan, dist_now(fetch->client->dist), segment);
	dist_client_wake(fetch);
}

static void nobody_has_it(struct dist_fetch *fetch)
{
	uint64_t left = content_plan_blocks(fetch->plan) - content_plan_had_count(fetch->plan);

	if (fetch->url)
		dist_fetch_fail(fetch, PONTO_EIO,
				"the origin failed again and again, and no neighbour has the last %llu "
				"blocks",
				(unsigned long long)left);
	else
		dist_fetch_fail(fetch, PONTO_ENOENT, "no neighbour has the last %llu blocks", (unsigned long long)left);
}

void dist_blocks_step(struct dist_fetch *fetch)
{
	struct dist_client *client = fetch->client;
	uint64_t now = dist_now(client->dist);
	struct content_plan_step step;

	if (fetch->closing || fetch->state != DIST_FETCH_BLOCKS)
		return;
	probe(fetch);
	dist_origin_resume(fetch);
	fetch->deadline = read_ahead(fetch) ? PONTO_NEVER : now + 20 * PONTO_MS;
	content_plan_reader(fetch->plan, fetch->next_block);
	content_plan_peers(fetch->plan, fetch->peer_count);
	while (fetch->state == DIST_FETCH_BLOCKS && client->puts < PUTS_MAX) {
		content_plan_held(fetch->plan, fetch->chunk_count + fetch->gets);
		content_plan_next(fetch->plan, now, &step);
		if (step.kind == CONTENT_PLAN_SESSION_BEGIN) {
			begin_session(fetch, &step);
		} else if (step.kind == CONTENT_PLAN_SESSION_STOP) {
			content_client_stop(client->engine, dist_session_tag(fetch, step.segment));
			client->again = true;
		} else if (step.kind == CONTENT_PLAN_ASK) {
			dist_origin_ask(fetch, step.first, step.count);
		} else {
			if (step.kind == CONTENT_PLAN_FAILED)
				nobody_has_it(fetch);
			else if (step.kind == CONTENT_PLAN_WAIT)
				fetch->deadline = sooner(fetch->deadline, sooner(step.deadline, fetch->probe_at));
			break;
		}
	}
	if (fetch->state == DIST_FETCH_BLOCKS && fetch->cached_count > 0 && !read_ahead(fetch))
		fetch->deadline = sooner(fetch->deadline, now + 20 * PONTO_MS);
}

void dist_blocks_end(struct dist_fetch *fetch)
{
	dist_origin_end(fetch);
}
