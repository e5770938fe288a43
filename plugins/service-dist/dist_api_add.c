/* Data that programs bring for the contents they read: whole blocks are checked on a worker and kept; parts of a block
 * wait until the rest of it comes, a few blocks of each content. */
#include <string.h>

#include "plugins/service-dist/dist_api.h"
#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_digest.h"

#define PARTIALS_MAX 8u /* of a content: the oldest goes */
#define PARTS_MAX 8u	/* pieces of one that do not touch */

/* Bytes [from, to) of a block that are here. */
struct part {
	uint32_t from, to;
};

struct dist_api_partial {
	struct dist_api_partial *next; /* the newest first */
	uint64_t start;
	uint32_t size;
	unsigned count;
	struct part parts[PARTS_MAX];
	uint8_t data[];
};

/* A whole block to be checked and kept. */
struct block {
	struct block *next;
	struct add *add;
	struct dist_segment kept; /* block_hashes: a view into the content's description */
	struct dist_piece piece;
	struct ponto_bytes data;	  /* a view into add's data, or into partial */
	struct dist_api_partial *partial; /* own; may be NULL */
	struct content_fresh fresh;	  /* for hosted caches */
	int result;
};

struct add {
	struct dist_api_content *content;
	struct ponto_call *call;
	struct block *blocks;
	uint8_t *data; /* as it came */
	size_t len;
	unsigned puts;
	int result; /* the first that is not PONTO_OK */
};

/* ---- parts ------------------------------------------------------------------------------------- */

static void drop_partial(struct dist_api_content *content, struct dist_api_partial *partial)
{
	struct dist_api_partial **at = &content->partials;

	while (*at != partial)
		at = &(*at)->next;
	*at = partial->next;
	dist_api_uncount(content->handle.user, sizeof(*partial) + partial->size);
}

void dist_api_partials_free(struct dist_api_content *content)
{
	while (content->partials) {
		struct dist_api_partial *partial = content->partials;

		drop_partial(content, partial);
		ponto_free(content->handle.api->dist->env->alloc, partial);
	}
}

static struct dist_api_partial *partial_of(struct dist_api_content *content, const struct dist_api_place *place)
{
	const struct ponto_alloc *alloc = content->handle.api->dist->env->alloc;
	struct dist_api_partial *partial = content->partials, *last = NULL;
	unsigned count = 0;

	for (; partial && partial->start != place->start; partial = partial->next, count++)
		last = partial;
	if (partial)
		return partial;
	if (count == PARTIALS_MAX) {
		drop_partial(content, last);
		ponto_free(alloc, last);
	}
	if (dist_api_count(content->handle.api, content->handle.user, sizeof(*partial) + place->size) != PONTO_OK)
		return NULL;
	partial = ponto_new(alloc, 1, sizeof(*partial) + place->size);
	if (!partial) {
		dist_api_uncount(content->handle.user, sizeof(*partial) + place->size);
		return NULL;
	}
	partial->start = place->start;
	partial->size = place->size;
	partial->next = content->partials;
	content->partials = partial;
	return partial;
}

/* Joined with all that it touches. False: too many pieces. */
static bool add_part(struct dist_api_partial *partial, struct part part)
{
	for (unsigned i = 0; i < partial->count;) {
		struct part *other = &partial->parts[i];

		if (part.to < other->from || other->to < part.from) {
			i++;
			continue;
		}
		part.from = part.from < other->from ? part.from : other->from;
		part.to = part.to > other->to ? part.to : other->to;
		*other = partial->parts[--partial->count];
	}
	if (partial->count == PARTS_MAX)
		return false;
	partial->parts[partial->count++] = part;
	return true;
}

/* ---- taking it apart ------------------------------------------------------------------------------- */

static void describe_offer(const struct dist_api_content *content, const struct dist_api_place *place,
			   struct block *block)
{
	struct content_fresh *f = &block->fresh;
	uint64_t at = place->segment.offset, start = content->info.start;

	f->id = block->kept.id;
	f->algo = block->kept.algo;
	f->size = block->kept.size;
	f->place = at;
	f->offset = start > at && start - at < f->size ? (uint32_t)(start - at) : 0;
	memcpy(f->tag, content->label, sizeof(f->tag));
}

/* takes partial, which is none of the content's any more */
static int add_block(struct add *add, const struct dist_api_place *place, struct ponto_bytes data,
		     struct dist_api_partial *partial)
{
	const struct ponto_alloc *alloc = add->content->handle.api->dist->env->alloc;
	struct block *block = ponto_new(alloc, 1, sizeof(*block));

	if (!block) {
		ponto_free(alloc, partial);
		return PONTO_ENOMEM;
	}
	block->add = add;
	dist_api_kept(add->content, place, &block->kept);
	block->piece.index = place->index;
	block->piece.crypto = CONTENT_PLAIN;
	memcpy(block->piece.hash, place->hash.data, place->hash.len);
	block->data = block->piece.data = data;
	describe_offer(add->content, place, block);
	block->partial = partial;
	block->next = add->blocks;
	add->blocks = block;
	return PONTO_OK;
}

/* The bytes from offset on that lie in one block. What is kept already, or cannot be checked, is not wanted. */
static int take_part(struct add *add, const struct dist_api_place *place, uint64_t offset, struct ponto_bytes data)
{
	struct part part = {(uint32_t)(offset - place->start), (uint32_t)(offset - place->start + data.len)};
	struct dist_api_partial *partial;

	if (place->hash.len == 0 || dist_api_cached(add->content->handle.api, place))
		return PONTO_OK;
	if (data.len == place->size)
		return add_block(add, place, data, NULL);
	partial = partial_of(add->content, place);
	if (!partial)
		return PONTO_ENOMEM;
	memcpy(partial->data + part.from, data.data, data.len);
	if (!add_part(partial, part) || partial->count > 1 || partial->parts[0].from > 0 ||
	    partial->parts[0].to < partial->size)
		return PONTO_OK;
	drop_partial(add->content, partial);
	return add_block(add, place, ponto_bytes(partial->data, partial->size), partial);
}

static int take_apart(struct add *add, uint64_t offset)
{
	size_t at = 0;
	int result = PONTO_OK;

	while (at < add->len && result == PONTO_OK) {
		struct dist_api_place place;
		size_t len = add->len - at;

		if (!dist_api_locate(add->content, offset + at, &place)) {
			/* Before what is described, or behind it: taken, for programs bring all of a content, and forgotten. */
			if (offset + at >= add->content->info.first_offset)
				break;
			if (len > add->content->info.first_offset - offset - at)
				len = (size_t)(add->content->info.first_offset - offset - at);
		} else {
			if (len > place.start + place.size - offset - at)
				len = (size_t)(place.start + place.size - offset - at);
			result = take_part(add, &place, offset + at, ponto_bytes(add->data + at, len));
		}
		at += len;
	}
	return result;
}

/* ---- keeping it --------------------------------------------------------------------------------------- */

static void add_free(struct add *add)
{
	struct dist_api_content *content = add->content;
	struct dist_api *api = content->handle.api;
	const struct ponto_alloc *alloc = api->dist->env->alloc;

	while (add->blocks) {
		struct block *block = add->blocks;

		add->blocks = block->next;
		ponto_free(alloc, block->partial);
		ponto_free(alloc, block);
	}
	dist_api_uncount(content->handle.user, add->len);
	ponto_free(alloc, add->data);
	ponto_free(alloc, add);
	dist_api_handle_done(&content->handle);
}

static void finish(struct add *add)
{
	struct dist_api *api = add->content->handle.api;

	if (add->content->handle.closing && add->result == PONTO_OK)
		add->result = PONTO_ECLOSED;
	if (add->result == PONTO_OK)
		dist_api_done(add->call, api);
	else
		ponto_refuse(add->call, add->result, NULL);
	add_free(add);
}

/* It came from an origin, by whatever way of the program's. */
static void count(struct dist_api *api, size_t len)
{
	ponto_counter_add(api->dist->client->metrics.bytes[DIST_FROM_ORIGIN], len);
	if (!api->dist->cached)
		return;
	dist_cache_missed(api->dist->cache, false, 1);
	dist_cache_fetched(api->dist->cache, false, len);
}

static void put_done(void *arg, int result)
{
	struct block *block = arg;
	struct add *add = block->add;
	struct dist_api *api = add->content->handle.api;

	api->jobs--;
	if (result != PONTO_OK && result != PONTO_EEXIST && add->result == PONTO_OK)
		add->result = result;
	if (result == PONTO_OK)
		dist_caches_fresh(api->dist->caches, &block->fresh, block->piece.index);
	if (result == PONTO_OK)
		count(api, block->data.len);
	dist_api_reads_kept(api, &block->kept.id, block->piece.index);
	if (--add->puts == 0)
		finish(add);
}

static void checked(void *arg)
{
	struct add *add = arg;
	struct dist_api *api = add->content->handle.api;

	api->jobs--;
	add->puts = 1;
	for (struct block *block = add->blocks; block; block = block->next) {
		int result = block->result;

		if (result == PONTO_OK) {
			result = api->dist->cached && !api->stopping ? dist_cache_put(api->dist->cache, &block->kept,
										      &block->piece, put_done, block)
								     : PONTO_EBUSY;
			if (result == PONTO_OK) {
				add->puts++;
				api->jobs++;
			}
		}
		if (result != PONTO_OK && result != PONTO_EEXIST && add->result == PONTO_OK)
			add->result = result;
	}
	if (--add->puts == 0)
		finish(add);
}

/* On a worker. */
static void check(void *arg)
{
	const struct add *add = arg;
	uint8_t hash[CONTENT_HASH_MAX];

	for (struct block *block = add->blocks; block; block = block->next) {
		dist_digest(block->kept.algo, block->data, hash);
		if (memcmp(hash, block->piece.hash, content_hash_size(block->kept.algo)) != 0)
			block->result = PONTO_ECORRUPT;
	}
}

/* ---- the call -------------------------------------------------------------------------------------------- */

static int begin(struct dist_api_content *content, const Ponto__Dist__V1__AddDataRequest *r, struct add **out)
{
	struct dist_api *api = content->handle.api;
	struct add *add;
	int result;

	if (!content->described)
		return PONTO_EPROTO;
	if (r->data.len == 0 || (r->offset >= content->end && !content->goes_on))
		return PONTO_EINVAL;
	if (r->data.len > DIST_API_DATA_MAX)
		return PONTO_ELIMIT;
	if (!api->dist->cached)
		return PONTO_EBUSY;
	result = dist_api_count(api, content->handle.user, r->data.len);
	if (result != PONTO_OK)
		return result;
	add = ponto_new(api->dist->env->alloc, 1, sizeof(*add));
	if (add)
		add->data = ponto_bytes_dup(api->dist->env->alloc, ponto_bytes(r->data.data, r->data.len));
	if (!add || !add->data) {
		ponto_free(api->dist->env->alloc, add);
		dist_api_uncount(content->handle.user, r->data.len);
		return PONTO_ENOMEM;
	}
	add->content = content;
	add->len = r->data.len;
	*out = add;
	return PONTO_OK;
}

void dist_api_call_add_data(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__AddDataRequest *r = (const Ponto__Dist__V1__AddDataRequest *)request;
	struct dist_api_content *content = dist_api_handle_get(dist->api, call, DIST_API_CONTENT, r->handle);
	struct add *add;
	int result;

	if (!content)
		return;
	result = begin(content, r, &add);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s",
			     result == PONTO_EINVAL ? "that is beyond the content" : ponto_strerror(result));
		return;
	}
	content->handle.jobs++;
	add->call = call;
	result = take_apart(add, r->offset);
	if (result != PONTO_OK)
		add->result = result;
	dist->api->jobs++;
	dist_api_work(dist->api, check, checked, add);
}
