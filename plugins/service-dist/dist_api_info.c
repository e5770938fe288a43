/* Content Information of what programs publish, made part by part as it is read: memory does not grow with it. */
#include <string.h>

#include "plugins/service-dist/dist_api.h"

#define PART_MAX (16 + CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX) /* bytes of the largest part */

enum part { PART_HEAD, PART_SEGMENTS, PART_BLOCKS, PART_NONE };

/* Where it is being written. */
struct place {
	uint8_t part;	 /* enum part */
	uint64_t i;	 /* of layout's segments */
	uint64_t offset; /* of that segment in the content */
	uint64_t at;	 /* bytes of the Content Information before it */
};

struct info {
	struct dist_api_handle handle;
	struct dist_api_publication *publication; /* NULL: it was withdrawn */
	struct dist_api_set *set;
	struct content_layout layout;
	uint8_t ks[CONTENT_HASH_MAX];
	struct place place;
	/* the job: */
	struct ponto_call *call;
	uint64_t from;
	uint8_t *data;
	size_t len, room;
	int result;
};

/* ---- opening -------------------------------------------------------------------------------------- */

/* The highest version wanted that there is and may be given. */
static enum content_algo choose(const struct dist_api *api, const struct dist_api_set *set, uint32_t min, uint32_t max)
{
	bool two = strcmp(ponto_conf_string(api->dist->conf, "information"), "2.0") == 0;

	if (two && min <= 2 && max >= 2 && dist_api_set_has(set, CONTENT_TRUNCATED))
		return CONTENT_TRUNCATED;
	for (enum content_algo algo = CONTENT_SHA256; min <= 1 && max >= 1 && algo <= CONTENT_SHA512; algo++) {
		if (dist_api_set_has(set, algo))
			return algo;
	}
	return 0;
}

static int begin(struct info *info, const Ponto__Dist__V1__OpenInfoRequest *r)
{
	struct dist_api *api = info->handle.api;
	struct dist_api_set *set = info->publication->set;
	enum content_algo algo = choose(api, set, r->min_version, r->max_version);
	uint64_t length = r->start == 0 && r->length == 0 ? dist_api_set_length(set) : r->length;
	int result;

	if (!algo)
		return PONTO_ENOTSUP;
	result = dist_api_set_layout(set, algo, r->start, length, &info->layout);
	if (result == PONTO_OK)
		result = dist_secret_ks(api->dist->secret, algo, info->ks);
	if (result == PONTO_OK)
		info->set = dist_api_set_ref(set);
	return result;
}

void dist_api_call_open_info(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__OpenInfoRequest *r = (const Ponto__Dist__V1__OpenInfoRequest *)request;
	Ponto__Dist__V1__OpenInfoReply reply = PONTO__DIST__V1__OPEN_INFO_REPLY__INIT;
	struct info *info = dist_api_handle_new(dist->api, call, DIST_API_INFO, sizeof(*info), r->instance);
	int result = PONTO_ENOENT;

	if (!info)
		return;
	info->publication =
		dist_api_publication_find(dist->api, info->handle.user, ponto_bytes(r->content.data, r->content.len));
	if (info->publication)
		result = begin(info, r);
	if (result != PONTO_OK) {
		dist_api_handle_close(&info->handle);
		ponto_refuse(call, result, "%s",
			     result == PONTO_ENOENT    ? "no content of this name is published"
			     : result == PONTO_ENOTSUP ? "it is not described in such a version"
						       : ponto_strerror(result));
		return;
	}
	reply.handle = info->handle.number;
	reply.size = info->layout.size;
	reply.version = content_is_v2(info->layout.algo) ? 2 : 1;
	ponto_answer(dist->env->alloc, call, &reply.base);
}

/* Hashes of what was withdrawn are counted for nobody: they go, unless a worker reads them now. */
static void let_go(struct info *info)
{
	if (info->publication || info->call)
		return;
	dist_api_set_unref(info->set);
	info->set = NULL;
}

/* ---- reading, on a worker ---------------------------------------------------------------------------- */

static bool segment_at(const struct info *info, struct content_segment *out)
{
	return dist_api_set_segment(info->set, info->layout.algo, info->layout.first_index + info->place.i,
				    info->place.offset, out);
}

/* The present part. */
static int write_part(const struct info *info, uint8_t part[PART_MAX], size_t *len, uint32_t *segment_size)
{
	struct ponto_writer w = ponto_writer(part, PART_MAX);
	struct content_segment segment = {0};

	if (info->place.part == PART_HEAD) {
		content_info_write_head(&info->layout, &w);
	} else {
		if (!segment_at(info, &segment))
			return PONTO_EINTERNAL;
		content_segment_secret(info->layout.algo, info->ks, segment.hod, segment.kp);
		if (info->place.part == PART_SEGMENTS)
			content_info_write_segment(&info->layout, info->place.i, &segment, &w);
		else
			content_info_write_blocks(&info->layout, info->place.i, &segment, &w);
		ponto_wipe(segment.kp, sizeof(segment.kp));
	}
	*segment_size = segment.size;
	return ponto_writer_done(&w, len) == PONTO_OK ? PONTO_OK : PONTO_EINTERNAL;
}

static void restart(struct info *info, enum part part)
{
	info->place.part = (uint8_t)part;
	info->place.i = 0;
	info->place.offset = info->layout.first_offset;
}

static void next_part(struct info *info, size_t len, uint32_t segment_size)
{
	bool last = ++info->place.i == info->layout.segments;

	info->place.at += len;
	info->place.offset += segment_size;
	if (info->place.part == PART_HEAD)
		restart(info, PART_SEGMENTS);
	else if (last && info->place.part == PART_SEGMENTS && !content_is_v2(info->layout.algo))
		restart(info, PART_BLOCKS);
	else if (last)
		info->place.part = PART_NONE;
}

static void run(void *arg)
{
	struct info *info = arg;
	uint8_t part[PART_MAX];

	if (info->from < info->place.at) {
		info->place.at = 0;
		restart(info, PART_HEAD);
	}
	info->len = 0;
	info->result = PONTO_OK;
	while (info->len < info->room && info->place.part != PART_NONE) {
		uint64_t wanted = info->from + info->len;
		uint32_t segment_size;
		size_t len, skip, take;

		info->result = write_part(info, part, &len, &segment_size);
		if (info->result != PONTO_OK)
			return;
		skip = wanted - info->place.at < len ? (size_t)(wanted - info->place.at) : len;
		take = len - skip < info->room - info->len ? len - skip : info->room - info->len;
		memcpy(info->data + info->len, part + skip, take);
		info->len += take;
		if (skip + take < len)
			return; /* the rest of it is for the next read */
		next_part(info, len, segment_size);
	}
}

static void done(void *arg)
{
	struct info *info = arg;
	struct dist_api *api = info->handle.api;
	Ponto__Dist__V1__RetrieveInfoReply reply = PONTO__DIST__V1__RETRIEVE_INFO_REPLY__INIT;
	struct ponto_call *call = info->call;

	api->jobs--;
	info->call = NULL;
	if (info->handle.closing)
		info->result = PONTO_ECLOSED;
	else if (!info->publication)
		info->result = PONTO_ENOENT;
	if (info->result == PONTO_OK) {
		reply.data.data = info->data;
		reply.data.len = info->len;
		ponto_answer(api->dist->env->alloc, call, &reply.base);
	} else {
		ponto_refuse(call, info->result, NULL);
	}
	ponto_wipe(info->data, info->len);
	ponto_free(api->dist->env->alloc, info->data);
	info->data = NULL;
	dist_api_uncount(info->handle.user, info->room);
	let_go(info);
	dist_api_handle_done(&info->handle);
}

void dist_api_call_retrieve_info(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__RetrieveInfoRequest *r = (const Ponto__Dist__V1__RetrieveInfoRequest *)request;
	struct info *info = dist_api_handle_get(dist->api, call, DIST_API_INFO, r->handle);
	int result = PONTO_OK;

	if (!info)
		return;
	if (!info->publication)
		result = PONTO_ENOENT;
	else if (r->max == 0 || r->offset > info->layout.size)
		result = PONTO_EINVAL;
	else if (info->call)
		result = PONTO_EBUSY;
	if (result == PONTO_OK) {
		info->room = r->max < DIST_API_DATA_MAX ? r->max : DIST_API_DATA_MAX;
		if (info->room > info->layout.size - r->offset)
			info->room = (size_t)(info->layout.size - r->offset);
		result = dist_api_count(dist->api, info->handle.user, info->room);
	}
	if (result == PONTO_OK) {
		info->data = ponto_new(dist->env->alloc, info->room + 1, 1);
		if (!info->data) {
			dist_api_uncount(info->handle.user, info->room);
			result = PONTO_ENOMEM;
		}
	}
	if (result != PONTO_OK) {
		ponto_refuse(call, result, NULL);
		return;
	}
	info->from = r->offset;
	info->call = call;
	info->handle.jobs++;
	dist->api->jobs++;
	dist_api_work(dist->api, run, done, info);
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

void dist_api_info_withdrawn(struct dist_api_handle *handle, const struct dist_api_publication *publication)
{
	struct info *info = (struct info *)handle;

	if (info->publication == publication)
		info->publication = NULL;
	let_go(info);
}

void dist_api_info_free(struct dist_api_handle *handle)
{
	struct info *info = (struct info *)handle;

	ponto_wipe(info->ks, sizeof(info->ks));
	dist_api_set_unref(info->set);
}
