/* Fetches of programs on the bus: Fetch, Read, Cancel. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-dist/dist_client.h"

#define READ_MAX (15u * CONTENT_BLOCK) /* with its envelope it fits a message of the bus */
#define READ_WAIT PONTO_SECOND
#define REDIRECTS 10

/* A program's hold on a fetch. */
struct dist_reader {
	struct dist_reader *next;
	struct dist_client *client;
	struct dist_fetch *fetch;
	struct ponto_call *fetching, *reading; /* to be answered */
	bool keep;
	struct ponto_timer *timer;
};

static void let_go(struct dist_reader *reader)
{
	struct dist_client *client = reader->client;
	struct dist_reader **at = &client->readers;
	struct dist_fetch *fetch = reader->fetch;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
	if (reader->fetching)
		ponto_refuse(reader->fetching, PONTO_ECLOSED, NULL);
	if (reader->reading)
		ponto_refuse(reader->reading, PONTO_ECLOSED, NULL);
	ponto_timer_destroy(client->dist->env->loop, reader->timer);
	ponto_free(client->dist->env->alloc, reader);
	dist_fetch_close(fetch);
}

static struct ponto_call *take_call(struct ponto_call **call)
{
	struct ponto_call *taken = *call;

	*call = NULL;
	return taken;
}

/* Its last words; the fetch is gone then. */
static void refuse(struct dist_reader *reader, struct ponto_call **call)
{
	const struct dist_fetch *fetch = reader->fetch;

	ponto_refuse(take_call(call), fetch->result, "%s%s%s", fetch->url ? fetch->url : "", fetch->url ? ": " : "",
		     fetch->error);
	let_go(reader);
}

/* ---- fetch ---------------------------------------------------------------------------------- */

static void on_head(void *arg, struct dist_fetch *fetch)
{
	struct dist_reader *reader = arg;
	Ponto__Dist__V1__FetchReply reply = PONTO__DIST__V1__FETCH_REPLY__INIT;

	if (!reader->fetching)
		return;
	if (fetch->state == DIST_FETCH_OVER && fetch->result != PONTO_OK) {
		refuse(reader, &reader->fetching);
		return;
	}
	reply.fetch = fetch->number;
	reply.has_length = fetch->has_length;
	reply.length = fetch->length;
	reply.validator = fetch->etag ? fetch->etag : fetch->modified;
	reply.from = fetch->from;
	reply.encoded = fetch->encoded;
	ponto_answer(reader->client->dist->env->alloc, take_call(&reader->fetching), &reply.base);
}

/* ---- read ------------------------------------------------------------------------------------ */

static void reply_with(struct dist_reader *reader, uint64_t offset, struct ponto_bytes data, bool end)
{
	Ponto__Dist__V1__ReadReply reply = PONTO__DIST__V1__READ_REPLY__INIT;
	Ponto__Dist__V1__FetchReport report;

	dist_fetch_report(reader->fetch, &report);
	reply.offset = offset;
	reply.data.data = (uint8_t *)(uintptr_t)data.data;
	reply.data.len = data.len;
	reply.end = end;
	reply.report = &report;
	ponto_timer_set(reader->client->dist->env->loop, reader->timer, PONTO_NEVER);
	ponto_answer(reader->client->dist->env->alloc, take_call(&reader->reading), &reply.base);
}

/* What lies together, as much as a message holds. False: no memory, nothing is taken. */
static bool give(struct dist_reader *reader)
{
	const struct ponto_alloc *alloc = reader->client->dist->env->alloc;
	const struct dist_chunk *next = dist_fetch_peek(reader->fetch);
	uint64_t offset = next->offset;
	uint8_t *data = ponto_new(alloc, READ_MAX, 1);
	size_t len = 0;

	if (!data)
		return false;
	while (next && next->offset == offset + len && (len == 0 || next->data.len <= READ_MAX - len)) {
		struct dist_chunk *chunk = dist_fetch_take(reader->fetch);

		memcpy(data + len, chunk->data.data, chunk->data.len);
		len += chunk->data.len;
		dist_chunk_unref(chunk);
		next = dist_fetch_peek(reader->fetch);
	}
	reply_with(reader, offset, ponto_bytes(data, len), false);
	ponto_free(alloc, data);
	return true;
}

static void on_ready(void *arg, struct dist_fetch *fetch)
{
	struct dist_reader *reader = arg;

	if (!reader->reading)
		return;
	if (dist_fetch_peek(fetch)) {
		if (!give(reader))
			ponto_refuse(take_call(&reader->reading), PONTO_ENOMEM, NULL);
	} else if (dist_fetch_whole(fetch) && reader->keep && fetch->jobs > 0) {
		return; /* the cache writes */
	} else if (dist_fetch_whole(fetch)) {
		reply_with(reader, fetch->from + fetch->read, ponto_bytes(NULL, 0), true);
		let_go(reader);
	} else if (fetch->state == DIST_FETCH_OVER) {
		refuse(reader, &reader->reading);
	}
}

static void waited(void *arg)
{
	struct dist_reader *reader = arg;

	if (reader->reading)
		reply_with(reader, 0, ponto_bytes(NULL, 0), false);
}

static struct dist_reader *reader_of(const struct dist *dist, const struct ponto_call *call, uint64_t fetch)
{
	struct dist_reader *reader = dist->client->readers;

	while (reader && (reader->fetch->number != fetch || reader->fetch->program != call->client))
		reader = reader->next;
	return reader;
}

/* ---- calls -------------------------------------------------------------------------------------- */

void dist_call_fetch(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	static const struct dist_fetch_events events = {on_head, on_ready};
	const Ponto__Dist__V1__FetchRequest *asked = (const Ponto__Dist__V1__FetchRequest *)request;
	struct dist_reader *reader = ponto_new(dist->env->alloc, 1, sizeof(*reader));
	struct dist_fetch_setup setup = {
		.url = asked->url,
		.info = asked->has_info ? ponto_bytes(asked->info.data, asked->info.len) : ponto_bytes(NULL, 0),
		.from = asked->from,
		.validator = asked->validator,
		.any_order = asked->any_order,
		.redirects = REDIRECTS,
		.uid = call->uid,
		.program = call->client,
		.events = &events,
		.arg = reader,
	};
	char why[DIST_ERROR_TEXT] = "";
	int result = PONTO_ENOMEM;

	if (reader) {
		reader->client = dist->client;
		result = ponto_timer_create(dist->env->loop, waited, reader, &reader->timer);
	}
	if (result == PONTO_OK)
		result = dist_fetch_open(dist->client, &setup, why, &reader->fetch);
	if (result != PONTO_OK) {
		if (reader)
			ponto_timer_destroy(dist->env->loop, reader->timer);
		ponto_free(dist->env->alloc, reader);
		ponto_refuse(call, result, "%s", *why ? why : ponto_strerror(result));
		return;
	}
	reader->fetching = call;
	reader->keep = asked->has_keep && asked->keep;
	reader->next = dist->client->readers;
	dist->client->readers = reader;
}

void dist_call_information(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__InformationRequest *r = (const Ponto__Dist__V1__InformationRequest *)request;
	const struct dist_reader *reader = reader_of(dist, call, r->fetch);
	Ponto__Dist__V1__InformationReply reply = PONTO__DIST__V1__INFORMATION_REPLY__INIT;
	const struct dist_fetch *fetch;
	uint64_t left;

	if (!reader || !reader->fetch->encoded) {
		ponto_refuse(call, PONTO_ENOENT, "no such fetch of this program, or it came without Content Information");
		return;
	}
	fetch = reader->fetch;
	left = r->offset < fetch->info_len ? fetch->info_len - r->offset : 0;
	reply.size = fetch->info_len;
	reply.data.data = left ? fetch->info_bytes + r->offset : NULL;
	reply.data.len = left < READ_MAX ? (size_t)left : READ_MAX;
	ponto_answer(dist->env->alloc, call, &reply.base);
}

void dist_call_read(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	struct dist_reader *reader = reader_of(dist, call, ((const Ponto__Dist__V1__ReadRequest *)request)->fetch);

	if (!reader) {
		ponto_refuse(call, PONTO_ENOENT, "no such fetch of this program");
		return;
	}
	if (reader->reading || reader->fetching) {
		ponto_refuse(call, PONTO_EBUSY, "it is being read already");
		return;
	}
	reader->reading = call;
	ponto_timer_set(dist->env->loop, reader->timer, dist_now(dist) + READ_WAIT);
	on_ready(reader, reader->fetch);
	dist_client_pump(dist->client);
}

void dist_call_cancel(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	Ponto__Dist__V1__CancelReply reply = PONTO__DIST__V1__CANCEL_REPLY__INIT;
	struct dist_reader *reader = reader_of(dist, call, ((const Ponto__Dist__V1__CancelRequest *)request)->fetch);

	if (!reader) {
		ponto_refuse(call, PONTO_ENOENT, "no such fetch of this program");
		return;
	}
	let_go(reader);
	ponto_answer(dist->env->alloc, call, &reply.base);
}

void dist_client_gone(struct dist_client *client, uint64_t program)
{
	for (struct dist_reader *reader = client ? client->readers : NULL, *next; reader; reader = next) {
		next = reader->next;
		if (reader->fetch->program == program)
			let_go(reader);
	}
}

void dist_reader_close_all(struct dist_client *client)
{
	while (client->readers)
		let_go(client->readers);
}
