/* Reads of programs: from the cache, and what is not there from neighbours. A read ends as soon as there is anything.
 */
#include <string.h>

#include "plugins/service-dist/dist_api.h"

#define AGAIN (20 * PONTO_MS)	    /* after which a cache that was busy is asked again */
#define SEEK_AGAIN (200 * PONTO_MS) /* the same of a search that could not begin */
#define LOOK_SEGMENTS 4096u	    /* that are looked through for one answer */

static void read_free(struct dist_api_read *read)
{
	struct dist_api *api = read->content->handle.api;
	struct dist_api_content *content = read->content;
	struct dist_api_read **at = &api->reads;

	while (*at != read)
		at = &(*at)->next;
	*at = read->next;
	content->handle.user->reads--;
	if (read->data)
		dist_api_uncount(content->handle.user, read->max);
	ponto_free(api->dist->env->alloc, read->data);
	ponto_free(api->dist->env->alloc, read);
	dist_api_handle_done(&content->handle);
}

static uint64_t range_end(const struct dist_api_content *content)
{
	return content->info.start + content->info.length;
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* takes read */
static void answer(struct dist_api_read *read, Ponto__Dist__V1__ReadContentReply__Outcome outcome, uint64_t length)
{
	Ponto__Dist__V1__ReadContentReply reply = PONTO__DIST__V1__READ_CONTENT_REPLY__INIT;
	struct ponto_call *call = read->call;

	reply.outcome = outcome;
	reply.offset = read->offset;
	reply.length = length;
	reply.has_data = read->len > 0;
	reply.data.data = read->data;
	reply.data.len = read->len;
	read->call = NULL;
	ponto_answer(read->content->handle.api->dist->env->alloc, call, &reply.base);
	read_free(read);
}

/* How far it goes on from offset that all is here; or that nothing is, as far as is known when it was sought. */
static uint64_t extent(const struct dist_api_content *content, uint64_t offset, bool here, bool sought)
{
	const struct dist_api *api = content->handle.api;
	uint64_t at = offset, end = range_end(content);
	struct dist_api_place place;

	for (unsigned i = 0; i < LOOK_SEGMENTS && at < end && dist_api_locate(content, at, &place); i++) {
		bool cached = dist_api_cached(api, &place);

		if (here && !cached)
			break;
		if (!here && at > offset && (cached || (sought && !dist_api_is_absent(api, &place))))
			break;
		at = place.start + place.size;
	}
	return (at > end ? end : at) - offset;
}

static void answer_missing(struct dist_api_read *read, bool timeout)
{
	answer(read,
	       timeout ? PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__TIMEOUT
		       : PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__MISSING,
	       extent(read->content, read->offset, false, !read->local));
}

static void answer_data(struct dist_api_read *read)
{
	answer(read, PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__DATA, read->len);
}

/* ---- from the cache -------------------------------------------------------------------------------- */

/* Bytes of a block that the read takes; *skip: those before them. */
static uint32_t part_of(const struct dist_api_read *read, uint32_t *skip)
{
	uint64_t from = read->offset + read->len, to = read->place.start + read->place.size,
		 end = range_end(read->content);

	*skip = (uint32_t)(from - read->place.start);
	to = to > end ? end : to;
	return to - from < read->max - read->len ? (uint32_t)(to - from) : read->max - read->len;
}

/* On a worker. It is believed if it has the hash that this content's description lists. */
static int get_work(void *arg, const struct dist_read *got)
{
	struct dist_api_read *read = arg;
	uint32_t skip, take = part_of(read, &skip);

	if (got->block.data.len != read->place.size ||
	    memcmp(got->block.hash, read->hash, content_hash_size(read->content->info.algo)) != 0)
		return PONTO_ECORRUPT;
	memcpy(read->data + read->len, got->block.data.data + skip, take);
	return PONTO_OK;
}

static void get_done(void *arg, int result)
{
	struct dist_api_read *read = arg;
	struct dist_api *api = read->content->handle.api;
	uint32_t skip;

	api->jobs--;
	read->getting = false;
	if (!read->call) {
		read_free(read);
		return;
	}
	if (result == PONTO_OK) {
		uint32_t take = part_of(read, &skip);

		ponto_counter_add(api->dist->client->metrics.bytes[DIST_FROM_CACHE], take);
		ponto_counter_add(api->dist->client->metrics.saved, take);
		read->len += take;
	}
	read->wrong = result != PONTO_OK;
	dist_api_schedule(api, true);
}

static void learned(void *arg, int result)
{
	struct dist_api_read *read = arg;
	struct dist_api *api = read->content->handle.api;

	(void)result; /* what is known by now is used */
	api->jobs--;
	read->getting = false;
	if (read->call)
		dist_api_schedule(api, true);
	else
		read_free(read);
}

/* False: the cache knows what there is. */
static bool ask_store(struct dist_api_read *read)
{
	struct dist_api *api = read->content->handle.api;

	if (!api->dist->cached || !dist_cache_learns(api->dist->cache) || read->asked == read->place.start + 1 ||
	    dist_cache_learn(api->dist->cache, &read->place.id, 1, learned, read) != PONTO_OK)
		return false;
	read->asked = read->place.start + 1;
	read->getting = true;
	api->jobs++;
	return true;
}

/* False: it is not there. */
static bool get(struct dist_api_read *read)
{
	struct dist_api *api = read->content->handle.api;
	int result = PONTO_ENOENT;

	if (!read->wrong && !dist_api_cached(api, &read->place) && ask_store(read))
		return true;
	if (!read->wrong && dist_api_cached(api, &read->place))
		result = dist_cache_get(api->dist->cache, &read->place.id, read->place.index, get_work, get_done, read);
	if (result == PONTO_OK) {
		read->getting = true;
		api->jobs++;
	} else if (result == PONTO_EBUSY) {
		read->again = dist_now(api->dist) + AGAIN;
	}
	return result == PONTO_OK || result == PONTO_EBUSY;
}

/* ---- a step ------------------------------------------------------------------------------------------ */

/* May take read. */
static void advance(struct dist_api_read *read)
{
	struct dist_api *api = read->content->handle.api;
	uint64_t at = read->offset + read->len;

	if (read->max == 0) {
		answer(read, PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__DATA,
		       extent(read->content, read->offset, true, false));
		return;
	}
	if (at >= range_end(read->content) || read->len == read->max ||
	    !dist_api_locate(read->content, at, &read->place)) {
		answer_data(read);
		return;
	}
	memcpy(read->hash, read->place.hash.data, read->place.hash.len);
	read->again = PONTO_NEVER;
	if (get(read))
		return;
	if (read->len > 0) {
		answer_data(read);
	} else if (read->local || read->absent || dist_api_is_absent(api, &read->place)) {
		answer_missing(read, false);
	} else {
		read->waiting = true;
		read->again = dist_now(api->dist) + SEEK_AGAIN;
		dist_api_seek(api, read->content, &read->place);
	}
}

void dist_api_reads_step(struct dist_api *api)
{
	uint64_t now = dist_now(api->dist);

	for (struct dist_api_read *read = api->reads, *next; read; read = next) {
		next = read->next;
		if (read->getting)
			continue;
		if (read->deadline <= now && !read->local && read->waiting)
			answer_missing(read, !read->absent);
		else if (!read->waiting || read->absent || read->again <= now)
			advance(read);
	}
}

uint64_t dist_api_reads_deadline(const struct dist_api *api)
{
	uint64_t at = PONTO_NEVER;

	for (const struct dist_api_read *read = api->reads; read; read = read->next) {
		if (read->getting)
			continue;
		if (read->again < at)
			at = read->again;
		if (read->waiting && read->deadline < at)
			at = read->deadline;
	}
	return at;
}

/* ---- what comes ------------------------------------------------------------------------------------------ */

static bool waits_for(const struct dist_api_read *read, const struct content_id *id, uint32_t index)
{
	return read->call && read->waiting && read->place.index == index && content_id_equal(&read->place.id, id);
}

void dist_api_reads_block(struct dist_api *api, const struct content_id *id, uint32_t index, struct ponto_bytes data,
			  const uint8_t hash[CONTENT_HASH_MAX])
{
	for (struct dist_api_read *read = api->reads, *next; read; read = next) {
		uint32_t skip, take;

		next = read->next;
		if (!waits_for(read, id, index) || data.len != read->place.size ||
		    memcmp(read->hash, hash, content_hash_size(read->content->info.algo)) != 0)
			continue;
		take = part_of(read, &skip);
		memcpy(read->data, data.data + skip, take);
		read->len = take;
		answer_data(read);
	}
}

void dist_api_reads_kept(struct dist_api *api, const struct content_id *id, uint32_t index)
{
	for (struct dist_api_read *read = api->reads; read; read = read->next) {
		if (waits_for(read, id, index))
			read->waiting = read->wrong = false;
	}
	dist_api_schedule(api, true);
}

void dist_api_reads_absent(struct dist_api *api, const struct content_id *id, const struct content_blocks *missing)
{
	for (struct dist_api_read *read = api->reads; read; read = read->next) {
		if (!read->call || !read->waiting || !content_id_equal(&read->place.id, id))
			continue;
		read->absent = content_blocks_has(missing, read->place.index);
		read->waiting = false;
	}
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

static struct dist_api_read *read_new(struct dist_api *api, struct dist_api_content *content,
				      const Ponto__Dist__V1__ReadContentRequest *r, int *result)
{
	uint64_t left = range_end(content) - r->offset;
	uint32_t max = r->max < DIST_API_DATA_MAX ? r->max : DIST_API_DATA_MAX;
	struct dist_api_user *user = content->handle.user;
	struct dist_api_read *read;

	max = left < max ? (uint32_t)left : max;
	*result = user->reads >= DIST_API_USER_READS ? PONTO_EBUSY : dist_api_count(api, user, max);
	if (*result != PONTO_OK)
		return NULL;
	read = ponto_new(api->dist->env->alloc, 1, sizeof(*read));
	if (read && max > 0)
		read->data = ponto_new(api->dist->env->alloc, max, 1);
	if (!read || (max > 0 && !read->data)) {
		ponto_free(api->dist->env->alloc, read);
		dist_api_uncount(user, max);
		*result = PONTO_ENOMEM;
		return NULL;
	}
	read->max = max;
	user->reads++;
	return read;
}

static void answer_end(struct dist_api *api, struct ponto_call *call, uint64_t offset)
{
	Ponto__Dist__V1__ReadContentReply reply = PONTO__DIST__V1__READ_CONTENT_REPLY__INIT;

	reply.outcome = PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__END;
	reply.offset = offset;
	ponto_answer(api->dist->env->alloc, call, &reply.base);
}

void dist_api_call_read_content(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__ReadContentRequest *r = (const Ponto__Dist__V1__ReadContentRequest *)request;
	struct dist_api *api = dist->api;
	struct dist_api_content *content = dist_api_handle_get(api, call, DIST_API_CONTENT, r->handle);
	struct dist_api_read *read, **at = &api->reads;
	int result;

	if (!content)
		return;
	if (!content->described) {
		ponto_refuse(call, PONTO_EPROTO, "it is not described yet");
		return;
	}
	if (r->offset < content->info.start || r->offset >= range_end(content)) {
		answer_end(api, call, r->offset);
		return;
	}
	read = read_new(api, content, r, &result);
	if (!read) {
		ponto_refuse(call, result, NULL);
		return;
	}
	read->content = content;
	read->call = call;
	read->operation = r->operation;
	read->offset = r->offset;
	read->local = r->timeout_ms == 0;
	read->deadline = dist_now(dist) + r->timeout_ms * PONTO_MS;
	if (read->deadline > call->deadline) /* nobody waits for it any more then */
		read->deadline = call->deadline;
	content->handle.jobs++;
	while (*at)
		at = &(*at)->next;
	*at = read;
	dist_api_schedule(api, true);
}

unsigned dist_api_reads_stop(struct dist_api *api, const struct dist_api_content *content, const uint64_t *operation)
{
	unsigned count = 0;

	for (struct dist_api_read *read = api->reads, *next; read; read = next) {
		struct ponto_call *call = read->call;

		next = read->next;
		if (read->content != content || !call || (operation && read->operation != *operation))
			continue;
		count++;
		read->call = NULL;
		ponto_refuse(call, PONTO_ECLOSED, NULL);
		if (!read->getting)
			read_free(read);
	}
	return count;
}

void dist_api_call_stop(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__StopRequest *r = (const Ponto__Dist__V1__StopRequest *)request;
	struct dist_api_content *content = dist_api_handle_get(dist->api, call, DIST_API_CONTENT, r->handle);

	if (!content)
		return;
	if (dist_api_reads_stop(dist->api, content, r->has_operation ? &r->operation : NULL) > 0)
		dist_api_done(call, dist->api);
	else
		ponto_refuse(call, PONTO_ENOENT, "no such operation waits");
}
