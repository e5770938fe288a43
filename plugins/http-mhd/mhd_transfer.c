/* What libcurl is told about a fetch, and what it tells: on its thread. */
#include <string.h>
#include <strings.h>

#include "plugins/http-mhd/mhd_client.h"

static const struct ponto_alloc *alloc_of(const struct ponto_http_transfer *t)
{
	return t->client->http->env->alloc;
}

/* ---- the answer's head ---------------------------------------------------------------------- */

/* Breaks off by way of libcurl, which calls it a write error. */
static size_t break_off(struct ponto_http_transfer *t, int fault)
{
	pthread_mutex_lock(&t->lock);
	t->fault = fault;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

static void tell(struct ponto_http_transfer *t)
{
	if (!t->abandoned)
		mhd_mailbox_send(t->box->mailbox, &t->mail);
}

static bool append(struct ponto_http_transfer *t, const char *text, size_t len)
{
	size_t wanted = t->text_len + len + 1;

	if (wanted > t->text_cap) {
		size_t cap = wanted < 1024 ? 1024 : 2 * wanted;
		char *grown = ponto_resize(alloc_of(t), t->text, cap, 1);

		if (!grown)
			return false;
		t->text = grown;
		t->text_cap = cap;
	}
	memcpy(t->text + t->text_len, text, len);
	t->text_len = wanted;
	t->text[wanted - 1] = '\0';
	return true;
}

/* "HTTP/1.1 200 …": a new answer begins, perhaps after an interim one or one that was followed. */
static void begin_answer(struct ponto_http_transfer *t, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	unsigned status = 0;

	for (const char *at = space ? space + 1 : line + len; at < line + len && *at >= '0' && *at <= '9'; at++)
		status = status * 10 + (unsigned)(*at - '0');
	t->status = status;
	t->text_len = t->header_count = 0;
	t->follows = false;
}

static int take_header(struct ponto_http_transfer *t, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len = colon ? (size_t)(colon - line) : 0;

	if (!colon || memchr(line, '\0', len))
		return PONTO_EPROTO;
	if (t->header_count == PONTO_HTTP_HEADERS_MAX || t->text_len + len > PONTO_HTTP_HEADER_BYTES)
		return PONTO_ELIMIT;
	for (value = colon + 1; value < line + len && (*value == ' ' || *value == '\t'); value++)
		;
	while (len > (size_t)(value - line) && strchr("\r\n \t", line[len - 1]))
		len--;
	if (!append(t, line, name_len) || !append(t, value, len - (size_t)(value - line)))
		return PONTO_ENOMEM;
	t->header_count++;
	if (name_len == 8 && strncasecmp(line, "Location", 8) == 0)
		t->follows = t->redirects > 0 && (t->status / 100 == 3 && t->status != 304 && t->status != 300);
	return PONTO_OK;
}

/* The last answer's headers are complete: the loop may read them. */
static int publish(struct ponto_http_transfer *t)
{
	struct ponto_http_header *headers = ponto_new(alloc_of(t), t->header_count + 1, sizeof(*headers));
	char *at = t->text;

	if (!headers)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < t->header_count; i++) {
		headers[i].name = at;
		at += strlen(at) + 1;
		headers[i].value = at;
		at += strlen(at) + 1;
	}
	pthread_mutex_lock(&t->lock);
	t->headers = headers;
	t->head_ready = true;
	tell(t);
	pthread_mutex_unlock(&t->lock);
	return PONTO_OK;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct ponto_http_transfer *t = arg;
	size_t len = size * count;
	int result = PONTO_OK;

	if (t->head_ready)
		return len; /* a trailer */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		begin_answer(t, line, len);
	else if (line[0] != '\r' && line[0] != '\n')
		result = take_header(t, line, len);
	else if (t->follows)
		t->redirects--;
	else if (t->status >= 200)
		result = publish(t);
	return result == PONTO_OK ? len : break_off(t, result);
}

/* ---- its body ---------------------------------------------------------------------------------- */

static bool room(struct ponto_http_transfer *t, size_t len)
{
	struct mhd_window *w = &t->filling;
	size_t wanted = w->len + len, cap = w->cap ? w->cap : 16384;
	uint8_t *grown;

	if (wanted <= w->cap)
		return true;
	while (cap < wanted)
		cap *= 2;
	grown = ponto_resize(alloc_of(t), w->data, cap, 1);
	if (!grown)
		return false;
	w->data = grown;
	w->cap = cap;
	return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct ponto_http_transfer *t = arg;
	size_t len = size * count, result = len;

	if (t->received + len > t->answer_limit)
		return break_off(t, PONTO_ELIMIT);
	pthread_mutex_lock(&t->lock);
	if (t->filling.len > 0 && t->filling.len + len > MHD_WINDOW) {
		t->paused = true;
		result = CURL_WRITEFUNC_PAUSE; /* and brings the same again */
	} else if (!room(t, len)) {
		t->fault = PONTO_ENOMEM;
		result = 0;
	} else {
		memcpy(t->filling.data + t->filling.len, data, len);
		t->filling.len += len;
		t->received += len;
		tell(t);
	}
	pthread_mutex_unlock(&t->lock);
	return result;
}

/* ---- its end -------------------------------------------------------------------------------------- */

static int result_of(const struct ponto_http_transfer *t, CURLcode code)
{
	if (t->fault != PONTO_OK)
		return t->fault;
	switch (code) {
	case CURLE_OK:
		return PONTO_OK;
	case CURLE_OUT_OF_MEMORY:
		return PONTO_ENOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return PONTO_EUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return PONTO_ETIME;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return PONTO_EAUTH;
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_TOO_MANY_REDIRECTS:
		return PONTO_ELIMIT;
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* Also what libcurl calls an answer without a head: HTTP/0.9. */
		return t->follows ? PONTO_ENOTSUP : PONTO_EPROTO;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_URL_MALFORMAT:
		return PONTO_EPROTO;
	default:
		return PONTO_EIO;
	}
}

void mhd_transfer_ended(struct ponto_http_transfer *t, CURLcode code)
{
	struct mhd_metrics *m = &t->client->http->metrics;

	ponto_counter_add(m->fetch_bytes, t->received);
	if (code != CURLE_OK) {
		ponto_counter_add(m->fetch_failures, 1);
		ponto_debug(t->client->http->env->log, MHD_TOPIC_FETCH, "a fetch failed: %s", curl_easy_strerror(code));
	}
	/* The loop may free it as soon as it is told. */
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	t->result = result_of(t, code);
	tell(t);
	pthread_mutex_unlock(&t->lock);
}

/* ---- what it is told --------------------------------------------------------------------------------- */

static bool add_line(struct ponto_http_transfer *t, const char *line)
{
	struct curl_slist *list = curl_slist_append(t->list, line);

	if (list)
		t->list = list;
	return list != NULL;
}

static bool add_header(struct ponto_http_transfer *t, const struct ponto_http_header *h)
{
	size_t name = strlen(h->name), value = strlen(h->value);
	char *line = ponto_new(alloc_of(t), name + value + 3, 1);
	bool added;

	if (!line)
		return false;
	memcpy(line, h->name, name);
	/* libcurl's way to send one without a value, which else means to leave it out. */
	if (value == 0) {
		line[name] = ';';
	} else {
		memcpy(line + name, ": ", 2);
		memcpy(line + name + 2, h->value, value);
	}
	added = add_line(t, line);
	ponto_free(alloc_of(t), line);
	return added;
}

/* Those of the caller, and none of libcurl's own. */
static bool add_headers(struct ponto_http_transfer *t, const struct ponto_http_fetch *f)
{
	static const char *const own[][2] = {{"Accept", "Accept:"},
					     {"Expect", "Expect:"},
					     {"Content-Type", "Content-Type:"},
					     {"User-Agent", "User-Agent:"}};

	for (size_t i = 0; i < f->header_count; i++) {
		if (!add_header(t, &f->headers[i]))
			return false;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(own); i++) {
		if (!ponto_http_find(f->headers, f->header_count, own[i][0]) && !add_line(t, own[i][1]))
			return false;
	}
	return true;
}

static long milliseconds(uint64_t us)
{
	uint64_t ms = us / 1000 + (us % 1000 != 0);

	return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(t->easy, option, value) == CURLE_OK)

static bool set_request(struct ponto_http_transfer *t, const struct ponto_http_fetch *f)
{
	static const char *const with_body[] = {"POST", "PUT", "PATCH"};
	bool ok = true, body = f->body.len > 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(with_body); i++)
		body |= strcmp(f->method, with_body[i]) == 0;
	SET(CURLOPT_URL, f->url);
	SET(CURLOPT_HTTPHEADER, t->list);
	if (body) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.len);
		SET(CURLOPT_POSTFIELDS, t->body);
	}
	if (strcmp(f->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, f->method);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, f->redirects > 0 ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)f->redirects);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (f->ca_file)
		SET(CURLOPT_CAINFO, f->ca_file);
	if (f->negotiate) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE);
		SET(CURLOPT_USERPWD, ":"); /* whoever the process is */
	}
	return ok;
}

static bool set_limits(struct ponto_http_transfer *t, const struct ponto_http_fetch *f)
{
	bool ok = true;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, milliseconds(f->timeout));
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    milliseconds(f->connect_timeout && f->connect_timeout < f->timeout ? f->connect_timeout : f->timeout));
	if (f->stall_timeout > 0) {
		SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(CURLOPT_LOW_SPEED_TIME, (milliseconds(f->stall_timeout) + 999) / 1000);
	}
	if (f->answer_limit < INT64_MAX)
		SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->answer_limit);
	SET(CURLOPT_BUFFERSIZE, 65536L);
	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	return ok;
}

int mhd_transfer_prepare(struct ponto_http_transfer *t, const struct ponto_http_fetch *f)
{
	t->answer_limit = f->answer_limit;
	t->redirects = f->redirects;
	t->easy = curl_easy_init();
	t->body = ponto_bytes_dup(alloc_of(t), f->body);
	if (!t->easy || !t->body || !add_headers(t, f) || !set_request(t, f) || !set_limits(t, f))
		return PONTO_ENOMEM;
	return PONTO_OK;
}
