/* Segments sought among neighbours for reads of programs: one search for a segment, whoever reads it; what comes is
 * given to who waits for it, and kept. */
#include <string.h>

#include "plugins/service-dist/dist_api.h"

#define AHEAD 64u	   /* blocks sought at once, from the one that is read on: of a segment of version 1.0, */
#define AHEAD_SEGMENTS 16u /* and segments of version 2.0 */
#define USER_SEEKS 256u
#define RETRY (100 * PONTO_MS)
#define ABSENT_LIFE (2 * PONTO_SECOND)

struct dist_api_seek {
	struct dist_api_seek *next;
	struct dist_api *api;
	struct dist_api_content *content; /* it was begun for; NULL: closed */
	uint32_t uid;
	uint64_t tag, retry;
	struct content_segment segment;	    /* block_hashes: own */
	struct dist_segment kept;	    /* likewise */
	struct content_blocks set, pending; /* pending: here, being kept */
	bool started, stopped, ended;
	unsigned puts;
	uint8_t hashes[];
};

static struct dist_api_seek *seek_tagged(const struct dist_api *api, uint64_t tag)
{
	struct dist_api_seek *seek = api->seeks;

	while (seek && seek->tag != tag)
		seek = seek->next;
	return seek;
}

static void seek_free(struct dist_api_seek *seek)
{
	struct dist_api_seek **at = &seek->api->seeks;
	const struct ponto_alloc *alloc = seek->api->dist->env->alloc;

	while (*at != seek)
		at = &(*at)->next;
	*at = seek->next;
	ponto_wipe(&seek->kept, sizeof(seek->kept));
	ponto_free(alloc, seek);
}

/* ---- what nobody had ---------------------------------------------------------------------------- */

static void remember_absent(struct dist_api *api, const struct content_id *id, const struct content_blocks *missing)
{
	uint64_t now = dist_now(api->dist);

	for (unsigned i = 0; i < DIST_API_ABSENT; i++) {
		if (content_id_equal(&api->absent[i].id, id))
			api->absent[i].until = 0;
	}
	api->absent[api->absent_next] = (struct dist_api_absent){*id, *missing, now + ABSENT_LIFE};
	api->absent_next = (api->absent_next + 1) % DIST_API_ABSENT;
}

bool dist_api_is_absent(const struct dist_api *api, const struct dist_api_place *place)
{
	uint64_t now = dist_now(api->dist);

	for (unsigned i = 0; i < DIST_API_ABSENT; i++) {
		const struct dist_api_absent *a = &api->absent[i];

		if (a->until > now && content_id_equal(&a->id, &place->id) &&
		    content_blocks_has(&a->blocks, place->index))
			return true;
	}
	return false;
}

/* ---- beginning ------------------------------------------------------------------------------------ */

static unsigned seeks_of(const struct dist_api *api, uint32_t uid)
{
	unsigned count = 0;

	for (const struct dist_api_seek *s = api->seeks; s; s = s->next)
		count += s->uid == uid;
	return count;
}

/* The blocks of the segment from that place on that are wanted, listed and not here. */
static struct content_blocks wanted(const struct dist_api *api, const struct dist_api_content *content,
				    const struct dist_api_place *place)
{
	const struct content_info *info = &content->info;
	uint32_t first, count = content_touched(info->algo, &place->segment, info->start, info->length, &first);
	struct content_blocks set = {{0}};
	struct dist_known known;

	content_blocks_add(&set, place->index, 1);
	if (!api->dist->cached) /* what nobody waits for would be lost */
		return set;
	for (uint32_t i = place->index; i < first + count && i < place->index + AHEAD; i++)
		content_blocks_add(&set, i, 1);
	if (dist_cache_find(api->dist->cache, &place->id, &known) && known.keyed)
		content_blocks_drop(&set, &known.blocks);
	content_blocks_add(&set, place->index, 1);
	return set;
}

static bool seek_new(struct dist_api *api, struct dist_api_content *content, const struct dist_api_place *place)
{
	size_t len = place->segment.block_hashes.len;
	struct dist_api_seek *seek;

	if (seeks_of(api, content->handle.user->uid) >= USER_SEEKS)
		return false;
	seek = ponto_new(api->dist->env->alloc, 1, sizeof(*seek) + len);
	if (!seek)
		return false;
	seek->api = api;
	seek->content = content;
	seek->uid = content->handle.user->uid;
	seek->tag = DIST_API_TAG | api->next_number++;
	seek->segment = place->segment;
	dist_api_kept(content, place, &seek->kept);
	if (len > 0)
		memcpy(seek->hashes, place->segment.block_hashes.data, len);
	seek->segment.block_hashes = seek->kept.block_hashes = ponto_bytes(seek->hashes, len);
	seek->set = wanted(api, content, place);
	seek->next = api->seeks;
	api->seeks = seek;
	return true;
}

/* Whether one is under way that the block will come out of, or that must end first. */
static bool is_sought(const struct dist_api *api, const struct dist_api_place *place)
{
	for (const struct dist_api_seek *s = api->seeks; s; s = s->next) {
		if (content_id_equal(&s->kept.id, &place->id) &&
		    (!s->ended || content_blocks_has(&s->pending, place->index)))
			return true;
	}
	return false;
}

void dist_api_seek(struct dist_api *api, struct dist_api_content *content, const struct dist_api_place *place)
{
	struct dist_api_place next = *place;
	uint64_t end = content->info.start + content->info.length;

	if (!is_sought(api, place) && !seek_new(api, content, place))
		return;
	dist_api_schedule(api, true);
	if (!content_is_v2(content->info.algo) || !api->dist->cached)
		return;
	for (unsigned i = 1; i < AHEAD_SEGMENTS; i++) {
		uint64_t offset = next.segment.offset + next.segment.size;

		if (offset >= end || !dist_api_locate(content, offset, &next))
			return;
		if (!dist_api_cached(api, &next) && !is_sought(api, &next) && !dist_api_is_absent(api, &next) &&
		    !seek_new(api, content, &next))
			return;
	}
}

static bool is_waited_for(const struct dist_api *api, const struct content_id *id)
{
	for (const struct dist_api_read *r = api->reads; r; r = r->next) {
		if (r->call && r->waiting && content_id_equal(&r->place.id, id))
			return true;
	}
	return false;
}

static void start(struct dist_api *api, struct dist_api_seek *seek)
{
	struct content_client *engine = api->dist->client->engine;
	uint64_t now = dist_now(api->dist);
	int result;

	for (unsigned i = 0; seek->content && i < seek->content->peer_count; i++) {
		if (!dist_client_banned(api->dist->client, &seek->content->peers[i]))
			content_client_expect(engine, now, &seek->kept.id, &seek->content->peers[i]);
	}
	result = content_client_add(engine, now, seek->kept.algo, &seek->segment, &seek->set, seek->tag);
	seek->started = result == PONTO_OK;
	seek->retry = now + RETRY; /* it is fetched by somebody else, or too much is */
}

void dist_api_seeks_step(struct dist_api *api)
{
	uint64_t now = dist_now(api->dist);

	for (struct dist_api_seek *seek = api->seeks, *next; seek; seek = next) {
		next = seek->next;
		if (seek->started || seek->retry > now)
			continue;
		if (seek->retry > 0 && !is_waited_for(api, &seek->kept.id))
			seek_free(seek);
		else
			start(api, seek);
	}
}

uint64_t dist_api_seeks_deadline(const struct dist_api *api)
{
	uint64_t at = PONTO_NEVER;

	for (const struct dist_api_seek *s = api->seeks; s; s = s->next) {
		if (!s->started && s->retry < at)
			at = s->retry;
	}
	return at;
}

/* ---- what comes ---------------------------------------------------------------------------------------- */

struct put {
	struct dist_api_seek *seek;
	uint8_t *memory;
	struct dist_piece piece;
};

static void settle(struct dist_api_seek *seek)
{
	if (seek->ended && seek->puts == 0)
		seek_free(seek);
}

static void put_done(void *arg, int result)
{
	struct put *put = arg;
	struct dist_api_seek *seek = put->seek;
	struct dist_api *api = seek->api;

	(void)result; /* kept or not: who waits for it looks */
	api->jobs--;
	seek->puts--;
	content_blocks_remove(&seek->pending, put->piece.index);
	dist_api_reads_kept(api, &seek->kept.id, put->piece.index);
	ponto_free(api->dist->env->alloc, put->memory);
	ponto_free(api->dist->env->alloc, put);
	settle(seek);
	if (api->stopping)
		dist_check_stopped(api->dist);
}

/* takes memory */
static void keep(struct dist_api_seek *seek, uint32_t index, uint8_t *memory, uint32_t size,
		 const uint8_t hash[CONTENT_HASH_MAX])
{
	struct dist_api *api = seek->api;
	const struct ponto_alloc *alloc = api->dist->env->alloc;
	struct put *put = api->dist->cached ? ponto_new(alloc, 1, sizeof(*put)) : NULL;

	if (put) {
		put->seek = seek;
		put->memory = memory;
		put->piece.index = index;
		put->piece.crypto = CONTENT_PLAIN;
		memcpy(put->piece.hash, hash, sizeof(put->piece.hash));
		put->piece.data = ponto_bytes(memory, size);
		if (dist_cache_put(api->dist->cache, &seek->kept, &put->piece, put_done, put) == PONTO_OK) {
			content_blocks_add(&seek->pending, index, 1);
			seek->puts++;
			api->jobs++;
			return;
		}
	}
	ponto_free(alloc, put);
	ponto_free(alloc, memory);
	dist_api_reads_kept(api, &seek->kept.id, index);
}

static void remember_peer(struct dist_api_content *content, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < content->peer_count; i++) {
		if (ponto_addr_equal(&content->peers[i], addr))
			return;
	}
	if (content->peer_count < DIST_API_PEERS)
		content->peers[content->peer_count++] = *addr;
}

void dist_api_block(struct dist_api *api, uint64_t tag, uint32_t index, uint8_t *memory, uint32_t size,
		    const uint8_t hash[CONTENT_HASH_MAX], const struct ponto_addr *addr)
{
	struct dist_api_seek *seek = api ? seek_tagged(api, tag) : NULL;

	if (!seek || api->stopping) {
		ponto_free(api->dist->env->alloc, memory);
		return;
	}
	if (seek->content && !api->dist->caches) /* those are asked in the order of the configuration */
		remember_peer(seek->content, addr);
	ponto_counter_add(api->dist->client->metrics.bytes[DIST_FROM_PEERS], size);
	ponto_counter_add(api->dist->client->metrics.saved, size);
	if (api->dist->cached) {
		dist_cache_missed(api->dist->cache, false, 1);
		dist_cache_fetched(api->dist->cache, true, size);
	}
	dist_api_reads_block(api, &seek->kept.id, index, ponto_bytes(memory, size), hash);
	keep(seek, index, memory, size, hash);
}

void dist_api_ended(struct dist_api *api, uint64_t tag, const struct content_blocks *missing)
{
	struct dist_api_seek *seek = api ? seek_tagged(api, tag) : NULL;
	struct content_blocks absent = *missing;

	if (!seek || api->stopping)
		return;
	seek->ended = true;
	content_blocks_keep(&absent, &seek->set);
	if (seek->stopped)
		memset(&absent, 0, sizeof(absent));
	else
		remember_absent(api, &seek->kept.id, &absent);
	dist_api_reads_absent(api, &seek->kept.id, &absent);
	settle(seek);
	dist_api_schedule(api, true);
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

void dist_api_seeks_forget(struct dist_api *api, const struct dist_api_content *content)
{
	for (struct dist_api_seek *seek = api->seeks, *next; seek; seek = next) {
		next = seek->next;
		if (seek->content != content)
			continue;
		seek->content = NULL;
		if (seek->ended || is_waited_for(api, &seek->kept.id))
			continue;
		if (!seek->started) {
			seek_free(seek);
			continue;
		}
		seek->stopped = true;
		content_client_stop(api->dist->client->engine, seek->tag);
	}
	dist_api_schedule(api, true);
}

/* The engine's sessions end with it; what the cache works on is waited for. */
void dist_api_seeks_close(struct dist_api *api)
{
	for (struct dist_api_seek *seek = api->seeks, *next; seek; seek = next) {
		next = seek->next;
		if (seek->started && !seek->ended)
			content_client_stop(api->dist->client->engine, seek->tag);
		seek->ended = true;
		settle(seek);
	}
}
