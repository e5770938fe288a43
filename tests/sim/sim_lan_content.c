/* A simulated branch's origin, as it should be, and programs that fetch. */
#include <stdio.h>

#include "plugins/service-dist/dist.pb-c.h"
#include "plugins/service-dist/dist_shelf.h"
#include "tests/sim/sim_lan_private.h"

/* ---- the origin ------------------------------------------------------------------------------------------- */

void lan_content_init(struct lan *lan, enum content_algo algo, size_t size)
{
	struct lan_content content = {.data = pattern(size), .etag = "\"one\"", .encodes = size > 0};

	for (size_t i = 0; i + 8 < size; i += 4096) /* no two blocks are equal */
		memcpy(content.data.data + i, &i, sizeof(i));
	if (size)
		content.made = content_make(algo, bytes_of(&content.data), NULL);
	lan_content_clear(&lan->content);
	lan->content = content;
}

void lan_content_clear(struct lan_content *content)
{
	if (content->data.len)
		content_made_free(&content->made);
	free(content->data.data);
}

void lan_leave(struct lan *lan, unsigned node, const struct content_made *made, struct ponto_bytes data)
{
	struct dist_shelf shelf = {&ponto_alloc_system, ponto_sim_node_clock(lan->nodes[node].sim), {NULL, NULL, NULL}};
	struct ponto_iface iface;

	assert_ok(ponto_node_find(lan->nodes[node].node, PONTO_KIND_STORE, "main", &iface));
	shelf.store.ops = (const struct ponto_store_ops *)iface.ops;
	shelf.store.self = iface.self;
	for (size_t i = 0; i < made->count; i++) {
		const struct content_segment *from = &made->segments[i];
		struct dist_segment segment = {.algo = made->algo, .size = from->size, .keyed = true};
		struct dist_piece piece = {.data = ponto_bytes(data.data + from->offset, from->size)};
		struct dist_change change = {.segment = &segment, .pieces = {&piece}, .count = 1, .now = 1};
		struct dist_changed changed;

		memcpy(segment.hod, from->hod, sizeof(segment.hod));
		memcpy(segment.kp, from->kp, sizeof(segment.kp));
		memcpy(piece.hash, from->hod, sizeof(piece.hash));
		content_segment_id(made->algo, segment.kp, segment.hod, &segment.id);
		assert_ok(dist_shelf_change(&shelf, &segment.id, &change, &changed));
	}
}

void lan_content_answer(struct lan_exchange *ex)
{
	struct lan_content *content = &ex->lan->content;
	const char *accept = lan_header(ex, "Accept-Encoding"), *range = lan_header(ex, "Range"),
		   *ask = lan_header(ex, "X-P2P-PeerDist"), *ask_ex = lan_header(ex, "X-P2P-PeerDistEx"),
		   *match = lan_header(ex, "If-Match"), *if_range = lan_header(ex, "If-Range");
	bool wanted = accept && strstr(accept, "peerdist"), missing = ask && strstr(ask, "MissingDataRequest=true");
	char etag[80], content_range[96], params[96], length[64];
	unsigned long long from = 0, to = content->data.len ? content->data.len - 1 : 0;
	const char *headers[8] = {etag, length};
	size_t count = 2;

	assert_false(wanted && missing);
	snprintf(etag, sizeof(etag), "ETag: %s", content->etag);
	snprintf(length, sizeof(length), "Content-Length: %zu", content->data.len);
	if (match && strcmp(match, content->etag) != 0) {
		lan_answer(ex, 412, NULL, ponto_bytes(NULL, 0));
		return;
	}
	if (if_range && strcmp(if_range, content->etag) != 0)
		range = NULL;
	if (range) {
		assert_true(sscanf(range, "bytes=%llu-%llu", &from, &to) >= 1);
		if (to >= content->data.len)
			to = content->data.len - 1;
		snprintf(content_range, sizeof(content_range), "Content-Range: bytes %llu-%llu/%zu", from, to,
			 content->data.len);
		headers[count++] = content_range;
	}
	content->hash_requests += ask_ex && strstr(ask_ex, "HashRequest=true");
	if (wanted && content->encodes) {
		struct blob info = content_describe(&content->made, from, to + 1 - from);

		snprintf(params, sizeof(params), "X-P2P-PeerDist: Version=1.1, ContentLength=%llu", to + 1 - from);
		snprintf(length, sizeof(length), "Content-Length: %zu", info.len);
		headers[count++] = "Content-Encoding: peerdist";
		headers[count++] = params;
		content->described++;
		lan_answer(ex, range ? 206 : 200, headers, bytes_of(&info));
		free(info.data);
		return;
	}
	*(missing ? &content->missing : &content->plain) += 1;
	snprintf(length, sizeof(length), "Content-Length: %llu", content->data.len ? to + 1 - from : 0);
	lan_answer(ex, range ? 206 : 200, headers,
		   ponto_bytes(content->data.data + from, content->data.len ? to + 1 - from : 0));
}

/* ---- a program that fetches --------------------------------------------------------------------------------- */

static void read_on(void *arg);

static void ended(struct lan_download *d, int result, const char *error)
{
	d->done = true;
	d->result = result;
	d->ended = ponto_sim_now(d->lan->sim);
	snprintf(d->error, sizeof(d->error), "%s", error ? error : "");
}

static void on_read(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct lan_download *d = arg;
	struct ponto_bytes data = bytes_of(&d->lan->content.data);
	Ponto__Dist__V1__ReadReply *reply;

	if (result != PONTO_OK) {
		ended(d, result, error);
		return;
	}
	reply = ponto__dist__v1__read_reply__unpack(NULL, payload.len, payload.data);
	assert_non_null(reply);
	assert_true(reply->data.len <= 1024 * 1024);
	if (reply->data.len) {
		assert_true(reply->offset + reply->data.len <= data.len);
		if (!d->any_order)
			assert_int_equal(reply->offset, d->from + d->received);
		assert_memory_equal(reply->data.data, data.data + reply->offset, reply->data.len);
		for (size_t i = 0; i < reply->data.len; i++)
			d->seen[reply->offset + i]++;
		d->received += reply->data.len;
	}
	d->peers = reply->report->peers;
	d->origin = reply->report->origin;
	d->cache = reply->report->cache;
	if (reply->end)
		ended(d, PONTO_OK, NULL);
	else if (!d->stop)
		assert_true(ponto_sim_at(d->lan->sim, ponto_sim_now(d->lan->sim) + d->pause, read_on, d) != 0);
	ponto__dist__v1__read_reply__free_unpacked(reply, NULL);
}

static void read_on(void *arg)
{
	struct lan_download *d = arg;
	Ponto__Dist__V1__ReadRequest request = PONTO__DIST__V1__READ_REQUEST__INIT;
	uint8_t packed[32];

	if (!d->lan->nodes[d->node].node || d->stop)
		return;
	request.fetch = d->fetch;
	lan_call(d->lan, d->node, "Read", ponto_bytes(packed, ponto__dist__v1__read_request__pack(&request, packed)),
		 d->client, on_read, d);
}

static void on_fetch(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct lan_download *d = arg;
	Ponto__Dist__V1__FetchReply *reply;

	if (result != PONTO_OK) {
		ended(d, result, error);
		return;
	}
	reply = ponto__dist__v1__fetch_reply__unpack(NULL, payload.len, payload.data);
	assert_non_null(reply);
	d->begun = true;
	d->fetch = reply->fetch;
	d->from = reply->from;
	ponto__dist__v1__fetch_reply__free_unpacked(reply, NULL);
	read_on(d);
}

static void start(struct lan *lan, unsigned node, Ponto__Dist__V1__FetchRequest *request, struct lan_download *d)
{
	uint8_t *packed;

	d->lan = lan;
	d->node = node;
	d->seen = must(calloc(1, lan->content.data.len + 1));
	if (!d->client)
		d->client = 1;
	request->has_any_order = true;
	request->any_order = d->any_order;
	packed = must(malloc(ponto__dist__v1__fetch_request__get_packed_size(request)));
	lan_call(lan, node, "Fetch", ponto_bytes(packed, ponto__dist__v1__fetch_request__pack(request, packed)),
		 d->client, on_fetch, d);
	free(packed);
}

void lan_download(struct lan *lan, unsigned node, const char *url, struct lan_download *download)
{
	Ponto__Dist__V1__FetchRequest request = PONTO__DIST__V1__FETCH_REQUEST__INIT;

	request.url = (char *)(uintptr_t)url;
	if (download->from) {
		request.has_from = true;
		request.from = download->from;
		request.validator = (char *)(uintptr_t) "\"one\"";
	}
	start(lan, node, &request, download);
}

void lan_download_info(struct lan *lan, unsigned node, struct ponto_bytes info, struct lan_download *download)
{
	Ponto__Dist__V1__FetchRequest request = PONTO__DIST__V1__FETCH_REQUEST__INIT;

	request.has_info = true;
	request.info.data = (uint8_t *)(uintptr_t)info.data;
	request.info.len = info.len;
	start(lan, node, &request, download);
}

bool lan_downloaded(const struct lan_download *d)
{
	if (!d->done || d->result != PONTO_OK)
		return false;
	for (uint64_t i = d->from; i < d->lan->content.data.len; i++) {
		if (d->seen[i] != 1)
			return false;
	}
	return d->received == d->lan->content.data.len - d->from;
}

void lan_download_clear(struct lan_download *download)
{
	free(download->seen);
	download->seen = NULL;
}

void lan_download_wait(struct lan_download *download)
{
	for (unsigned i = 0; i < 3600 && !download->done; i++)
		lan_run(download->lan, PONTO_SECOND);
	assert_true(download->done);
}

struct lan_download lan_fetch_all(struct lan *lan, unsigned node, const char *url)
{
	struct lan_download d = {.any_order = true};

	lan_download(lan, node, url, &d);
	lan_download_wait(&d);
	if (d.result != PONTO_OK)
		fail_msg("%s", d.error);
	assert_true(lan_downloaded(&d));
	lan_download_clear(&d);
	return d;
}

void lan_one_has_it(struct lan *lan, const char *url, const char *const *first, const char *const *second)
{
	assert_int_equal(lan_add(lan, first), 0);
	assert_int_equal(lan_add(lan, second), 1);
	lan_run(lan, PONTO_SECOND);
	(void)lan_fetch_all(lan, 0, url);
	lan_run(lan, 30 * PONTO_SECOND);
}
