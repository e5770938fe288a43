/* What the cache holds: listed, cleared, checked. */
#include <string.h>

#include "plugins/service-dist/dist.h"

#define PAGE 1024

/* Refused while the cache is not ready. */
static bool ready(struct dist *dist, struct ponto_call *call)
{
	bool known = dist->cached && dist_cache_is_ready(dist->cache);

	if (!known)
		ponto_refuse(call, PONTO_EBUSY, "the cache is not read yet");
	return known;
}

/* Clearing and checking take what everybody shares. */
static bool may_change(struct dist *dist, struct ponto_call *call)
{
	if (!call->admin) {
		ponto_refuse(call, PONTO_EACCES, "only administrators may change the cache");
		return false;
	}
	return ready(dist, call);
}

/* ---- the list ------------------------------------------------------------------------- */

struct page {
	struct content_id after;
	struct dist_known *known; /* the smallest IDs after it, in order */
	size_t count;
	bool more;
};

static int compare(const struct content_id *a, const struct content_id *b)
{
	int order = memcmp(a->b, b->b, sizeof(a->b));

	return order ? order : (int)a->len - (int)b->len;
}

static bool collect(void *arg, const struct dist_known *known)
{
	struct page *page = arg;
	size_t low = 0, high = page->count;

	if (page->after.len && compare(&known->id, &page->after) <= 0)
		return true;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(&page->known[middle].id, &known->id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	page->more |= page->count == PAGE;
	if (low == PAGE)
		return true;
	if (page->count < PAGE)
		page->count++;
	memmove(&page->known[low + 1], &page->known[low], (page->count - 1 - low) * sizeof(*page->known));
	page->known[low] = *known;
	return true;
}

const char *dist_tag_text(struct ponto_arena *arena, const uint8_t tag[DIST_TAG])
{
	char text[DIST_TAG + 1] = "", hex[2 * DIST_TAG + 1];
	size_t len = DIST_TAG;

	while (len > 0 && tag[len - 1] == 0)
		len--;
	for (size_t i = 0; i < len; i++) {
		if (tag[i] < 0x21 || tag[i] > 0x7e) {
			ponto_hex(ponto_bytes(tag, DIST_TAG), hex);
			return ponto_arena_text(arena, hex);
		}
	}
	memcpy(text, tag, len);
	return ponto_arena_text(arena, text);
}

static void fill(struct ponto_arena *arena, struct dist_known *known, Ponto__Dist__V1__Segment *out)
{
	ponto__dist__v1__segment__init(out);
	out->id.data = known->id.b;
	out->id.len = known->id.len;
	out->version = content_is_v2(known->algo) ? 2 : 1;
	out->size = known->size;
	out->blocks = content_blocks_count(&known->blocks);
	out->bytes = known->bytes;
	out->created = known->created;
	out->used = known->used;
	out->tag = (char *)dist_tag_text(arena, known->tag);
	out->keyed = known->keyed;
	out->whole = known->whole;
}

void dist_call_segments(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__SegmentsRequest *r = (const Ponto__Dist__V1__SegmentsRequest *)request;
	Ponto__Dist__V1__SegmentsReply reply = PONTO__DIST__V1__SEGMENTS_REPLY__INIT;
	struct ponto_arena arena = {.alloc = dist->env->alloc};
	struct page page = {.count = 0};
	Ponto__Dist__V1__Segment *segments;

	if (r->has_after && content_id_set(ponto_bytes(r->after.data, r->after.len), &page.after) != PONTO_OK) {
		ponto_refuse(call, PONTO_EINVAL, "not the ID of a segment");
		return;
	}
	if (!ready(dist, call))
		return;
	page.known = ponto_arena_take(&arena, PAGE, sizeof(*page.known));
	if (page.known)
		dist_cache_each(dist->cache, collect, &page);
	segments = ponto_arena_take(&arena, page.count ? page.count : 1, sizeof(*segments));
	reply.segment = ponto_arena_take(&arena, page.count ? page.count : 1, sizeof(*reply.segment));
	for (size_t i = 0; i < page.count && !arena.failed; i++) {
		fill(&arena, &page.known[i], &segments[i]);
		reply.segment[reply.n_segment++] = &segments[i];
	}
	reply.more = page.more;
	ponto_answer_made(&arena, call, &reply.base);
}

/* ---- care ---------------------------------------------------------------------------------- */

struct care {
	struct dist *dist;
	struct ponto_call *call;
};

static struct care *care_new(struct dist *dist, struct ponto_call *call)
{
	struct care *care = ponto_new(dist->env->alloc, 1, sizeof(*care));

	if (care)
		*care = (struct care){dist, call};
	else
		ponto_refuse(call, PONTO_ENOMEM, NULL);
	return care;
}

static void cleared(void *arg, int result, uint64_t segments)
{
	struct care *care = arg;
	Ponto__Dist__V1__ClearReply reply = PONTO__DIST__V1__CLEAR_REPLY__INIT;

	reply.segments = segments;
	if (result == PONTO_OK)
		ponto_answer(care->dist->env->alloc, care->call, &reply.base);
	else
		ponto_refuse(care->call, result, "the cache is not cleared: %s", ponto_strerror(result));
	ponto_free(care->dist->env->alloc, care);
}

void dist_call_clear(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__ClearRequest *r = (const Ponto__Dist__V1__ClearRequest *)request;
	uint8_t tag[DIST_TAG] = {0};
	struct content_id id;
	struct care *care;
	int result;

	if ((r->has_id && content_id_set(ponto_bytes(r->id.data, r->id.len), &id) != PONTO_OK) ||
	    (r->tag && strlen(r->tag) > DIST_TAG) || (r->has_id && r->tag)) {
		ponto_refuse(call, PONTO_EINVAL, "the ID of a segment, or a tag of at most %d bytes", DIST_TAG);
		return;
	}
	if (!may_change(dist, call) || !(care = care_new(dist, call)))
		return;
	if (r->tag)
		memcpy(tag, r->tag, strlen(r->tag));
	result = dist_cache_clear(dist->cache, r->has_id ? &id : NULL, r->tag ? tag : NULL, cleared, care);
	if (result != PONTO_OK)
		cleared(care, result, 0);
}

static void verified(void *arg, int result, uint64_t damaged)
{
	struct care *care = arg;
	Ponto__Dist__V1__VerifyReply reply = PONTO__DIST__V1__VERIFY_REPLY__INIT;

	reply.damaged = damaged;
	if (result == PONTO_OK)
		ponto_answer(care->dist->env->alloc, care->call, &reply.base);
	else
		ponto_refuse(care->call, result, "the cache is not checked: %s", ponto_strerror(result));
	ponto_free(care->dist->env->alloc, care);
}

void dist_call_verify(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	struct care *care;
	int result;

	(void)request;
	if (!may_change(dist, call) || !(care = care_new(dist, call)))
		return;
	result = dist_cache_verify(dist->cache, NULL, verified, care);
	if (result != PONTO_OK)
		verified(care, result, 0);
}
