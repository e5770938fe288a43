/* Contents that programs read: described by them, kept and sought under a tag of theirs. */
#include <string.h>

#include "framework/digest.h"
#include "plugins/service-dist/dist_api.h"

#define INFO_FIRST 4096u
#define CROWD 3 /* neighbours that have a part of a segment: they are at it now */

/* A tag is its user's: two who chose the same bytes do not flush each other's. */
static void scope_tag(uint32_t uid, struct ponto_bytes tag, uint8_t out[DIST_TAG])
{
	static const char label[] = "ponto peerdist tag";
	uint8_t hash[PONTO_SHA256_SIZE], user[4];
	struct ponto_writer w = ponto_writer(user, sizeof(user));
	const struct ponto_bytes parts[] = {ponto_bytes((const uint8_t *)label, sizeof(label)),
					    ponto_bytes(user, sizeof(user)), tag};

	ponto_write_be32(&w, uid);
	ponto_sha256(parts, PONTO_ARRAY_SIZE(parts), hash);
	memcpy(out, hash, DIST_TAG);
}

void dist_api_call_open_content(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__OpenContentRequest *r = (const Ponto__Dist__V1__OpenContentRequest *)request;
	struct dist_api_content *content;

	if (r->tag.len != DIST_TAG) {
		ponto_refuse(call, PONTO_EINVAL, "a tag has %d bytes", DIST_TAG);
		return;
	}
	content = dist_api_handle_new(dist->api, call, DIST_API_CONTENT, sizeof(*content), r->instance);
	if (!content)
		return;
	scope_tag(call->uid, ponto_bytes(r->tag.data, r->tag.len), content->tag);
	memcpy(content->label, r->tag.data, sizeof(content->label));
	dist_api_answer_handle(call, dist->api, content->handle.number);
}

void dist_api_content_closed(struct dist_api_handle *handle)
{
	struct dist_api_content *content = (struct dist_api_content *)handle;

	(void)dist_api_reads_stop(handle->api, content, NULL);
	dist_api_seeks_forget(handle->api, content);
}

void dist_api_content_free(struct dist_api_handle *handle)
{
	struct dist_api_content *content = (struct dist_api_content *)handle;
	const struct ponto_alloc *alloc = handle->api->dist->env->alloc;

	dist_api_partials_free(content);
	dist_api_uncount(handle->user, content->info_cap);
	if (content->info_bytes)
		ponto_wipe(content->info_bytes, content->info_cap);
	ponto_free(alloc, content->info_bytes);
	ponto_free(alloc, content->walks);
}

/* ---- its description -------------------------------------------------------------------------------- */

static int make_room(struct dist_api_content *content, size_t len)
{
	struct dist_api *api = content->handle.api;
	size_t room = content->info_cap ? content->info_cap : INFO_FIRST, limit = api->dist->client->info_limit;
	uint8_t *grown;
	int result;

	if (len <= content->info_cap)
		return PONTO_OK;
	if (len > limit)
		return PONTO_ELIMIT;
	while (room < len)
		room *= 2;
	room = room > limit ? limit : room;
	result = dist_api_count(api, content->handle.user, room - content->info_cap);
	if (result != PONTO_OK)
		return result;
	grown = ponto_resize(api->dist->env->alloc, content->info_bytes, room, 1);
	if (!grown) {
		dist_api_uncount(content->handle.user, room - content->info_cap);
		return PONTO_ENOMEM;
	}
	content->info_bytes = grown;
	content->info_cap = room;
	return PONTO_OK;
}

void dist_api_call_describe(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__DescribeRequest *r = (const Ponto__Dist__V1__DescribeRequest *)request;
	struct dist_api_content *content = dist_api_handle_get(dist->api, call, DIST_API_CONTENT, r->handle);
	int result = PONTO_OK;

	if (!content)
		return;
	if (content->described)
		result = PONTO_EEXIST;
	else if (r->offset > content->info_len)
		result = PONTO_EINVAL;
	else if (r->data.len > DIST_API_DATA_MAX)
		result = PONTO_ELIMIT;
	if (result == PONTO_OK)
		result = make_room(content, (size_t)r->offset + r->data.len);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, NULL);
		return;
	}
	if (r->data.len > 0)
		memcpy(content->info_bytes + r->offset, r->data.data, r->data.len);
	content->info_len = (size_t)r->offset + r->data.len;
	dist_api_done(call, dist->api);
}

/* Every block of the range has its hash; and where walks begin. */
static int read_segments(struct dist_api_content *content)
{
	const struct content_info *info = &content->info;
	struct content_segment segment;
	struct content_walk walk;
	uint32_t first, count;
	uint64_t i = 0;

	content_walk_start(&walk, info);
	for (;; i++) {
		if (i % DIST_STRIDE == 0 && i < info->segments)
			content->walks[i / DIST_STRIDE] = walk;
		if (i >= info->segments || !content_walk_next(&walk, &segment))
			break;
		count = content_touched(info->algo, &segment, info->start, info->length, &first);
		if (count == 0 || content_block_hash(info->algo, &segment, first + count - 1).len == 0)
			return PONTO_EPROTO;
		content->end = segment.offset + segment.size;
		/* In version 1.0 only a content's last segment is shorter than the others. */
		content->goes_on = content_is_v2(info->algo) ? !info->to_end : segment.size == CONTENT_SEGMENT_V1;
	}
	return i == info->segments ? PONTO_OK : PONTO_EPROTO;
}

static int described(struct dist_api_content *content)
{
	const struct ponto_alloc *alloc = content->handle.api->dist->env->alloc;
	struct content_info *info = &content->info;
	int result;

	if (content->described)
		return PONTO_EEXIST;
	result = content_info_parse(ponto_bytes(content->info_bytes, content->info_len), info);
	if (result == PONTO_OK && (info->length == 0 || info->segments == 0 || info->segments > SIZE_MAX / 512))
		result = PONTO_EPROTO;
	if (result != PONTO_OK)
		return result;
	content->walks = ponto_new(alloc, (size_t)(info->segments / DIST_STRIDE) + 1, sizeof(*content->walks));
	result = content->walks ? read_segments(content) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		ponto_free(alloc, content->walks);
		content->walks = NULL;
	}
	content->described = result == PONTO_OK;
	return result;
}

void dist_api_call_described(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	uint64_t number = ((const Ponto__Dist__V1__DescribedRequest *)request)->handle;
	struct dist_api_content *content = dist_api_handle_get(dist->api, call, DIST_API_CONTENT, number);
	Ponto__Dist__V1__DescribedReply reply = PONTO__DIST__V1__DESCRIBED_REPLY__INIT;
	int result;

	if (!content)
		return;
	result = described(content);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s",
			     result == PONTO_EPROTO   ? "this is no Content Information"
			     : result == PONTO_EEXIST ? "it is complete already"
						      : ponto_strerror(result));
		return;
	}
	reply.start = content->info.start;
	reply.length = content->info.length;
	ponto_answer(dist->env->alloc, call, &reply.base);
}

/* ---- where its blocks are ----------------------------------------------------------------------------- */

/* The last place from which Content Information is walked that is not behind offset. */
static uint64_t walk_before(const struct dist_api_content *content, uint64_t offset)
{
	uint64_t low = 0, high = (content->info.segments - 1) / DIST_STRIDE;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		if (content->walks[middle].offset <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

bool dist_api_locate(const struct dist_api_content *content, uint64_t offset, struct dist_api_place *out)
{
	enum content_algo algo = content->info.algo;
	struct content_walk walk;

	if (offset < content->info.first_offset || offset >= content->end)
		return false;
	out->i = walk_before(content, offset) * DIST_STRIDE;
	walk = content->walks[out->i / DIST_STRIDE];
	for (;; out->i++) {
		if (!content_walk_next(&walk, &out->segment) || offset < out->segment.offset)
			return false;
		if (offset - out->segment.offset < out->segment.size)
			break;
	}
	out->index = content_is_v2(algo) ? 0 : (uint32_t)((offset - out->segment.offset) / CONTENT_BLOCK);
	out->start = out->segment.offset + content_block_offset(algo, out->index);
	out->size = content_block_size(algo, out->segment.size, out->index);
	out->hash = content_block_hash(algo, &out->segment, out->index);
	content_segment_id(algo, out->segment.kp, out->segment.hod, &out->id);
	return true;
}

bool dist_api_cached(const struct dist_api *api, const struct dist_api_place *place)
{
	struct dist_known known;

	return api->dist->cached && dist_cache_find(api->dist->cache, &place->id, &known) && known.keyed &&
	       content_blocks_has(&known.blocks, place->index);
}

void dist_api_kept(const struct dist_api_content *content, const struct dist_api_place *place, struct dist_segment *out)
{
	memset(out, 0, sizeof(*out));
	out->algo = content->info.algo;
	out->keyed = true;
	out->id = place->id;
	out->size = place->segment.size;
	memcpy(out->tag, content->tag, sizeof(out->tag));
	memcpy(out->hod, place->segment.hod, sizeof(out->hod));
	memcpy(out->kp, place->segment.kp, sizeof(out->kp));
	out->block_hashes = place->segment.block_hashes;
}

/* ---- asked of it ---------------------------------------------------------------------------------------- */

/* Neighbours have a part of what is looked for: others are fetching it at this moment. */
static bool is_crowd(const struct dist_api_content *content)
{
	struct dist_cache *cache = content->handle.api->dist->cache;
	struct content_segment segment;
	struct content_walk walk;
	struct dist_known known;
	struct content_id id;

	if (!content->handle.api->dist->cached)
		return false;
	content_walk_start(&walk, &content->info);
	for (unsigned i = 0; i < 256 && content_walk_next(&walk, &segment); i++) {
		content_segment_id(content->info.algo, segment.kp, segment.hod, &id);
		if (dist_cache_find(cache, &id, &known) && known.replies >= known.full + CROWD)
			return true;
	}
	return false;
}

void dist_api_call_inquire(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	uint64_t number = ((const Ponto__Dist__V1__InquireRequest *)request)->handle;
	struct dist_api_content *content = dist_api_handle_get(dist->api, call, DIST_API_CONTENT, number);
	Ponto__Dist__V1__InquireReply reply = PONTO__DIST__V1__INQUIRE_REPLY__INIT;

	if (!content)
		return;
	reply.flash_crowd = content->described && is_crowd(content);
	ponto_answer(dist->env->alloc, call, &reply.base);
}

/* ---- flushing --------------------------------------------------------------------------------------------- */

struct flush {
	struct dist_api *api;
	struct ponto_call *call;
};

static void flushed(void *arg, int result, uint64_t segments)
{
	struct flush *flush = arg;
	struct dist_api *api = flush->api;
	Ponto__Dist__V1__FlushReply reply = PONTO__DIST__V1__FLUSH_REPLY__INIT;

	reply.segments = segments;
	if (result == PONTO_OK)
		ponto_answer(api->dist->env->alloc, flush->call, &reply.base);
	else
		ponto_refuse(flush->call, result, NULL);
	ponto_free(api->dist->env->alloc, flush);
	api->jobs--;
	if (api->stopping)
		dist_check_stopped(api->dist);
}

void dist_api_call_flush(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__FlushRequest *r = (const Ponto__Dist__V1__FlushRequest *)request;
	struct dist_api *api = dist->api;
	struct dist_api_user *user;
	uint8_t tag[DIST_TAG];
	struct flush *flush;
	int result = PONTO_EBUSY;

	if (r->tag.len != DIST_TAG) {
		ponto_refuse(call, PONTO_EINVAL, "a tag has %d bytes", DIST_TAG);
		return;
	}
	user = dist_api_user(api, call);
	if (!user)
		return;
	dist_api_user_unref(api, user);
	flush = ponto_new(dist->env->alloc, 1, sizeof(*flush));
	if (!flush) {
		ponto_refuse(call, PONTO_ENOMEM, NULL);
		return;
	}
	*flush = (struct flush){api, call};
	api->jobs++;
	scope_tag(call->uid, ponto_bytes(r->tag.data, r->tag.len), tag);
	if (dist->cached)
		result = dist_cache_clear(dist->cache, NULL, tag, flushed, flush);
	if (result != PONTO_OK)
		flushed(flush, result, 0);
}
