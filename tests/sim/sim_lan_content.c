/* A simulated branch's origin, as it should be, and programs that fetch. */
#include <stdio.h>

#include "plugins/service-dist/dist.pb-c.h"
#include "tests/sim/sim_lan.h"

static void *must(void *memory)
{
	assert_non_null(memory);
	return memory;
}

/* ---- the origin ------------------------------------------------------------------------------------------- */

void lan_content_init(struct lan_content *content, enum content_algo algo, size_t size)
{
	memset(content, 0, sizeof(*content));
	content->data = pattern(size);
	for (size_t i = 0; i + 8 < size; i += 4096) /* no two blocks are equal */
		memcpy(content->data.data + i, &i, sizeof(i));
	if (size)
		content->made = content_make(algo, bytes_of(&content->data), NULL);
	content->etag = "\"one\"";
	content->encodes = size > 0;
}

void lan_content_clear(struct lan_content *content)
{
	if (content->data.len)
		content_made_free(&content->made);
	free(content->data.data);
}

void lan_content_answer(struct lan_content *content, struct lan_exchange *ex)
{
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
	Ponto__Dist__V1__ReadReply *reply;

	if (result != PONTO_OK) {
		ended(d, result, error);
		return;
	}
	reply = ponto__dist__v1__read_reply__unpack(NULL, payload.len, payload.data);
	assert_non_null(reply);
	assert_true(reply->data.len <= 1024 * 1024);
	if (reply->data.len) {
		assert_true(reply->offset + reply->data.len <= d->content->data.len);
		if (!d->any_order)
			assert_int_equal(reply->offset, d->from + d->received);
		assert_memory_equal(reply->data.data, d->content->data.data + reply->offset, reply->data.len);
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

static void start(struct lan *lan, unsigned node, const struct lan_content *content,
		  Ponto__Dist__V1__FetchRequest *request, struct lan_download *d)
{
	uint8_t *packed;

	d->lan = lan;
	d->node = node;
	d->content = content;
	d->seen = must(calloc(1, content->data.len + 1));
	if (!d->client)
		d->client = 1;
	request->has_any_order = true;
	request->any_order = d->any_order;
	packed = must(malloc(ponto__dist__v1__fetch_request__get_packed_size(request)));
	lan_call(lan, node, "Fetch", ponto_bytes(packed, ponto__dist__v1__fetch_request__pack(request, packed)),
		 d->client, on_fetch, d);
	free(packed);
}

void lan_download(struct lan *lan, unsigned node, const struct lan_content *content, const char *url,
		  struct lan_download *download)
{
	Ponto__Dist__V1__FetchRequest request = PONTO__DIST__V1__FETCH_REQUEST__INIT;

	request.url = (char *)(uintptr_t)url;
	if (download->from) {
		request.has_from = true;
		request.from = download->from;
		request.validator = (char *)(uintptr_t) "\"one\"";
	}
	start(lan, node, content, &request, download);
}

void lan_download_info(struct lan *lan, unsigned node, const struct lan_content *content, struct ponto_bytes info,
		       struct lan_download *download)
{
	Ponto__Dist__V1__FetchRequest request = PONTO__DIST__V1__FETCH_REQUEST__INIT;

	request.has_info = true;
	request.info.data = (uint8_t *)(uintptr_t)info.data;
	request.info.len = info.len;
	start(lan, node, content, &request, download);
}

bool lan_downloaded(const struct lan_download *d)
{
	if (!d->done || d->result != PONTO_OK)
		return false;
	for (uint64_t i = d->from; i < d->content->data.len; i++) {
		if (d->seen[i] != 1)
			return false;
	}
	return d->received == d->content->data.len - d->from;
}

void lan_download_clear(struct lan_download *download)
{
	free(download->seen);
}
