#include "engines/content/content_lists.h"

#include <string.h>

#define REQUEST_MAX (CONTENT_HEADER + CONTENT_REQUEST_ID + 8 + CONTENT_LISTS_IDS * (4 + CONTENT_ID_MAX))

/* An ID: waiting, asked for, or answered and still to be told. */
struct wanted {
	struct wanted *next;
	struct ponto_addr addr;
	struct content_id id;
	uint8_t told; /* enum content_lists_kind */
};

enum stage { STAGE_NEW, STAGE_SENT, STAGE_CANCEL };

struct content_listing {
	struct content_listing *next;
	struct ponto_addr addr;
	uint8_t stage;
	uint64_t deadline;
	uint8_t request_id[CONTENT_REQUEST_ID];
	struct wanted *ids, **ids_end; /* in the order asked for */
	uint32_t count;
	size_t len;
	uint8_t body[REQUEST_MAX];
};

struct content_lists {
	const struct ponto_alloc *alloc;
	uint64_t timeout, seed, next_id;
	struct wanted *waiting, **waiting_end, *answered, **answered_end;
	uint32_t waiting_count;
	struct content_listing *requests;
	struct content_lists_stats stats;
};

int content_lists_create(const struct ponto_alloc *alloc, uint64_t timeout, uint64_t seed, struct content_lists **out)
{
	struct content_lists *l;

	if (timeout == 0)
		return PONTO_EINVAL;
	l = ponto_new(alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	l->alloc = alloc;
	l->timeout = timeout;
	l->seed = seed;
	l->waiting_end = &l->waiting;
	l->answered_end = &l->answered;
	*out = l;
	return PONTO_OK;
}

static void free_wanted(struct content_lists *l, struct wanted *ids)
{
	while (ids) {
		struct wanted *w = ids;

		ids = w->next;
		ponto_free(l->alloc, w);
	}
}

static void forget(struct content_lists *l, struct content_listing *r)
{
	struct content_listing **at = &l->requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free_wanted(l, r->ids);
	ponto_free(l->alloc, r);
}

void content_lists_destroy(struct content_lists *lists)
{
	if (!lists)
		return;
	while (lists->requests)
		forget(lists, lists->requests);
	free_wanted(lists, lists->waiting);
	free_wanted(lists, lists->answered);
	ponto_free(lists->alloc, lists);
}

int content_lists_ask(struct content_lists *lists, const struct ponto_addr *addr, const struct content_id *id)
{
	struct wanted *w;

	if (lists->waiting_count >= CONTENT_LISTS_WAITING)
		return PONTO_EBUSY;
	w = ponto_new(lists->alloc, 1, sizeof(*w));
	if (!w)
		return PONTO_ENOMEM;
	w->addr = *addr;
	w->id = *id;
	*lists->waiting_end = w;
	lists->waiting_end = &w->next;
	lists->waiting_count++;
	return PONTO_OK;
}

/* ---- asking --------------------------------------------------------------------------- */

/* Those of one cache, in order. */
static void gather(struct content_lists *l, struct content_listing *r)
{
	r->ids_end = &r->ids;
	for (struct wanted **at = &l->waiting; *at && r->count < CONTENT_LISTS_IDS;) {
		struct wanted *w = *at;

		if (!ponto_addr_equal(&w->addr, &r->addr)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (l->waiting_end == &w->next)
			l->waiting_end = at;
		l->waiting_count--;
		w->next = NULL;
		*r->ids_end = w;
		r->ids_end = &w->next;
		r->count++;
	}
}

/* No two alike, whatever was asked before (3.1.4.4). */
static void number(struct content_lists *l, struct content_listing *r)
{
	struct ponto_writer w = ponto_writer(r->request_id, CONTENT_REQUEST_ID);

	ponto_write_be64(&w, l->seed);
	ponto_write_be64(&w, l->next_id++);
}

static bool write(struct content_listing *r)
{
	struct content_message m = {.type = CONTENT_GETSEGLIST, .crypto = CONTENT_AES_128};
	uint8_t ids[CONTENT_LISTS_IDS * (4 + CONTENT_ID_MAX)];
	size_t len = 0;

	for (const struct wanted *w = r->ids; w; w = w->next) {
		if (content_ids_append(&w->id, ids, sizeof(ids), &len) != PONTO_OK)
			return false;
	}
	memcpy(m.getseglist.request_id, r->request_id, CONTENT_REQUEST_ID);
	m.getseglist.ids = (struct content_ids){ponto_bytes(ids, len), r->count};
	return content_encode(&m, r->body, sizeof(r->body), &r->len) == PONTO_OK;
}

static void answer(struct content_lists *l, struct content_listing *r, uint8_t kind)
{
	for (struct wanted *w = r->ids; w; w = w->next)
		w->told = w->told ? w->told : kind;
	if (!r->ids)
		return;
	*l->answered_end = r->ids;
	l->answered_end = r->ids_end;
	r->ids = NULL;
}

static void make_requests(struct content_lists *l)
{
	while (l->waiting) {
		struct content_listing *r = ponto_new(l->alloc, 1, sizeof(*r));

		if (!r) { /* each is asked for by itself */
			for (struct wanted *w = l->waiting; w; w = w->next)
				w->told = CONTENT_LISTS_UNKNOWN;
			*l->answered_end = l->waiting;
			l->answered_end = l->waiting_end;
			l->waiting = NULL;
			l->waiting_end = &l->waiting;
			l->waiting_count = 0;
			return;
		}
		r->addr = l->waiting->addr;
		gather(l, r);
		number(l, r);
		r->next = l->requests;
		l->requests = r;
		if (write(r))
			continue;
		answer(l, r, CONTENT_LISTS_UNKNOWN);
		forget(l, r);
	}
}

static bool request_effect(struct content_lists *l, uint64_t now, struct content_lists_effect *out)
{
	for (struct content_listing *r = l->requests; r; r = r->next) {
		if (r->stage != STAGE_NEW && r->stage != STAGE_CANCEL)
			continue;
		memset(out, 0, sizeof(*out));
		out->request = r;
		out->addr = r->addr;
		if (r->stage == STAGE_CANCEL) {
			out->kind = CONTENT_LISTS_CANCEL;
			forget(l, r);
			return true;
		}
		out->kind = CONTENT_LISTS_REQUEST;
		out->body = ponto_bytes(r->body, r->len);
		r->stage = STAGE_SENT;
		r->deadline = now + l->timeout;
		l->stats.requests++;
		return true;
	}
	return false;
}

int content_lists_effect(struct content_lists *lists, uint64_t now, struct content_lists_effect *out)
{
	struct wanted *w;

	make_requests(lists);
	if (request_effect(lists, now, out))
		return 1;
	w = lists->answered;
	if (!w)
		return 0;
	lists->answered = w->next;
	if (!w->next)
		lists->answered_end = &lists->answered;
	memset(out, 0, sizeof(*out));
	out->kind = w->told;
	out->addr = w->addr;
	out->id = w->id;
	lists->stats.held += w->told == CONTENT_LISTS_HELD;
	lists->stats.lacks += w->told == CONTENT_LISTS_LACKS;
	ponto_free(lists->alloc, w);
	return 1;
}

/* ---- answers -------------------------------------------------------------------------- */

static void mark(struct content_listing *r, const struct content_ranges *ranges)
{
	for (uint32_t i = 0; i < ranges->count; i++) {
		uint32_t index, count, at = 0;

		content_range_at(ranges, i, &index, &count);
		for (struct wanted *w = r->ids; w; w = w->next, at++) {
			if (at >= index && at - index < count)
				w->told = CONTENT_LISTS_HELD;
		}
	}
}

int content_lists_response(struct content_lists *lists, struct content_listing *request, int result,
			   struct ponto_bytes body)
{
	struct content_listing *r = request;
	struct content_message m;
	uint8_t rest = CONTENT_LISTS_LACKS;

	lists->stats.failed += result != PONTO_OK;
	if (result == PONTO_OK && r->stage == STAGE_SENT) {
		result = content_response_decode(body, &m);
		if (result == PONTO_OK && m.type == CONTENT_NEGO_RESP)
			rest = CONTENT_LISTS_UNKNOWN;
		else if (result == PONTO_OK && (m.type != CONTENT_SEGLIST ||
						memcmp(m.seglist.request_id, r->request_id, CONTENT_REQUEST_ID) != 0 ||
						!content_ranges_fit(&m.seglist.ranges, r->count)))
			result = PONTO_EPROTO; /* an answer to something else: nothing of it is believed */
		else if (result == PONTO_OK)
			mark(r, &m.seglist.ranges);
		lists->stats.malformed += result != PONTO_OK;
	}
	answer(lists, r, result == PONTO_OK ? rest : CONTENT_LISTS_FAILED);
	forget(lists, r);
	return result;
}

/* ---- time ----------------------------------------------------------------------------- */

void content_lists_advance(struct content_lists *lists, uint64_t now)
{
	for (struct content_listing *r = lists->requests; r; r = r->next) {
		if (r->stage != STAGE_SENT || r->deadline > now)
			continue;
		lists->stats.timeouts++;
		answer(lists, r, CONTENT_LISTS_FAILED);
		r->stage = STAGE_CANCEL;
	}
}

uint64_t content_lists_deadline(const struct content_lists *lists)
{
	uint64_t at = PONTO_NEVER;

	for (const struct content_listing *r = lists->requests; r; r = r->next) {
		if (r->stage == STAGE_SENT && r->deadline < at)
			at = r->deadline;
	}
	return at;
}

void content_lists_stats(const struct content_lists *lists, struct content_lists_stats *out)
{
	*out = lists->stats;
}
