#include "plugins/service-dist/dist_relay_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engines/content/content_coding.h"
#include "framework/digest.h"
#include "plugins/service-dist/dist_http.h"

#define VIA "1.1 ponto"
#define HOST_MAX 300 /* bytes of a name and a port in a target */

/* ---- lists in values --------------------------------------------------------------------- */

struct word {
	const char *text;
	size_t len;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next item of a list with commas, which stand in quotes, too; false at the end. */
static bool next_item(const char **at, struct word *out)
{
	const char *p = *at, *end;
	bool quoted = false;

	while (blank(*p) || *p == ',')
		p++;
	for (end = p; *end && (quoted || *end != ','); end++) {
		if (*end == '"')
			quoted = !quoted;
		else if (quoted && *end == '\\' && end[1])
			end++;
	}
	*at = end;
	while (end > p && blank(end[-1]))
		end--;
	*out = (struct word){p, (size_t)(end - p)};
	return end > p;
}

/* The item up to what stands behind its name. */
static bool named(struct word item, const char *name)
{
	size_t len = strlen(name);

	return item.len >= len && strncasecmp(item.text, name, len) == 0 &&
	       (item.len == len || strchr(" \t;=", item.text[len]));
}

static bool lists(const char *value, const char *name)
{
	struct word item;

	while (next_item(&value, &item)) {
		if (named(item, name))
			return true;
	}
	return false;
}

/* In any header of that name. */
static bool listed(const struct ponto_http_header *headers, size_t count, const char *header, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (ponto_http_name_is(headers[i].name, header) && lists(headers[i].value, name))
			return true;
	}
	return false;
}

static bool one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ponto_http_name_is(name, names[i]))
			return true;
	}
	return false;
}

/* ---- fields -------------------------------------------------------------------------------- */

static int open_fields(const struct ponto_alloc *alloc, const struct ponto_http_header *headers, size_t count,
		       struct dist_fields *out)
{
	struct dist_fields f = {.alloc = alloc, .list_room = count + DIST_RELAY_MORE};

	f.text_room = DIST_RELAY_MORE_TEXT;
	for (size_t i = 0; i < count; i++)
		f.text_room += strlen(headers[i].name) + strlen(headers[i].value) + 2;
	f.list = ponto_new(alloc, 1, f.list_room * sizeof(*f.list) + f.text_room);
	if (!f.list)
		return PONTO_ENOMEM;
	f.text = (char *)(f.list + f.list_room);
	*out = f;
	return PONTO_OK;
}

void dist_fields_clear(struct dist_fields *fields)
{
	if (fields->list)
		ponto_free(fields->alloc, fields->list);
	*fields = (struct dist_fields){0};
}

static char *put(struct dist_fields *f, const char *text, size_t len)
{
	char *at = f->text + f->text_len;

	if (len >= f->text_room - f->text_len)
		return NULL;
	memcpy(at, text, len);
	at[len] = '\0';
	f->text_len += len + 1;
	return at;
}

static void add(struct dist_fields *f, const char *name, const char *value, size_t len)
{
	char *n, *v;

	if (f->count == f->list_room)
		return;
	n = put(f, name, strlen(name));
	v = n ? put(f, value, len) : NULL;
	if (v)
		f->list[f->count++] = (struct ponto_http_header){n, v};
}

void dist_fields_add(struct dist_fields *fields, const char *name, const char *value)
{
	add(fields, name, value, strlen(value));
}

/* One header of all of a name, and one item more. */
static void merge(struct dist_fields *f, const struct ponto_http_header *headers, size_t count, const char *name,
		  const char *more)
{
	char *start = f->text + f->text_len, *n = put(f, name, strlen(name)), *value = f->text + f->text_len;

	if (!n || f->count == f->list_room)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(headers[i].value);

		if (!ponto_http_name_is(headers[i].name, name) || len == 0)
			continue;
		if (!put(f, headers[i].value, len))
			goto too_long;
		f->text_len--; /* goes on over the NUL */
		if (!put(f, ", ", 2))
			goto too_long;
		f->text_len--;
	}
	if (!put(f, more, strlen(more)))
		goto too_long;
	f->list[f->count++] = (struct ponto_http_header){n, value};
	return;
too_long:
	f->text_len = (size_t)(start - f->text);
}

/* ---- of the connection ------------------------------------------------------------------------ */

static const char *const of_connection[] = {
	"Connection",	       "Content-Length",   "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "TE",	 "Trailer",
	"Transfer-Encoding",   "Upgrade"};

/* What a peer may not take away by naming it in Connection. */
static const char *const of_message[] = {
	"Host",		"Authorization", "Cookie",	  "Cache-Control", "Content-Encoding",
	"Content-Type", "ETag",		 "Last-Modified", "Range",	   "Vary"};

static bool hop_by_hop(const struct ponto_http_header *headers, size_t count, const char *name)
{
	return one_of(name, of_connection, PONTO_ARRAY_SIZE(of_connection)) ||
	       (!one_of(name, of_message, PONTO_ARRAY_SIZE(of_message)) && listed(headers, count, "Connection", name));
}

/* ---- to the origin ------------------------------------------------------------------------------- */

static const char *behind_scheme(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0    ? text + 7
	       : strncasecmp(text, "https://", 8) == 0 ? text + 8
						       : NULL;
}

bool dist_relay_is_origin(const char *text)
{
	const char *host = behind_scheme(text), *port;
	uint64_t number;
	size_t len;

	if (!host || strlen(text) > 512)
		return false;
	if (*host == '[') {
		struct ponto_addr addr;
		char ip[PONTO_ADDR_TEXT];

		len = strcspn(host, "]");
		if (len < 2 || len >= sizeof(ip) || !host[len])
			return false;
		snprintf(ip, sizeof(ip), "%.*s", (int)len - 1, host + 1);
		if (ponto_addr_parse(ip, 0, &addr) != PONTO_OK || addr.family != PONTO_FAMILY_IPV6)
			return false;
		port = host + len + 1;
	} else {
		len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
		port = host + len;
	}
	if (len == 0)
		return false;
	if (*port == '\0')
		return true;
	return *port == ':' && ponto_bytes_decimal(ponto_bytes(port + 1, strlen(port + 1)), 65535, &number) &&
	       number > 0;
}

int dist_relay_target(const struct ponto_http_request *request, struct dist_relay_target *out)
{
	struct dist_relay_target t = {.path = request->target};
	const char *authority = behind_scheme(request->target);
	size_t hosts = 0;

	if (strcmp(request->method, "CONNECT") == 0 || strcmp(request->target, "*") == 0)
		return PONTO_ENOTSUP;
	for (size_t i = 0; i < request->header_count; i++) {
		if (!ponto_http_name_is(request->headers[i].name, "Host"))
			continue;
		t.host = request->headers[i].value;
		t.host_len = strlen(t.host);
		hosts++;
	}
	/* The target's own counts then (RFC 9112 3.2.2). */
	if (authority) {
		t.host = authority;
		t.host_len = strcspn(authority, "/?#");
		t.path = authority + t.host_len;
		if (t.host_len == 0 || t.host_len > HOST_MAX || memchr(authority, '@', t.host_len))
			return PONTO_EINVAL;
	} else if (*request->target != '/') {
		return PONTO_EINVAL;
	}
	if (hosts > 1 || strchr(t.path, '#'))
		return PONTO_EINVAL;
	*out = t;
	return PONTO_OK;
}

/* Accept-Encoding without peerdist; where nothing else is named, nothing else is wanted. */
static void add_encodings(struct dist_fields *f, const char *name, const char *value)
{
	const char *at = value;
	char *n = put(f, name, strlen(name)), *start = f->text + f->text_len;
	bool any = false;
	struct word item;

	if (!n || f->count == f->list_room)
		return;
	while (next_item(&at, &item)) {
		if (named(item, "peerdist"))
			continue;
		if (any) {
			(void)put(f, ",", 1); /* no blank: the list may have had none, and there is no room for more */
			f->text_len--;
		}
		(void)put(f, item.text, item.len);
		f->text_len--;
		any = true;
	}
	if (any)
		f->text_len++; /* keeps the NUL */
	else
		(void)put(f, "identity", 8);
	f->list[f->count++] = (struct ponto_http_header){n, start};
}

int dist_relay_request_fields(const struct ponto_alloc *alloc, const struct ponto_http_request *request,
			      const struct dist_relay_target *target, bool whole, struct dist_fields *out)
{
	static const char *const ours[] = {"Host",   "X-Forwarded-For", "Via",
					   "Expect", CONTENT_PARAMS,	CONTENT_PARAMS_EX};
	const struct ponto_http_header *headers = request->headers;
	size_t count = request->header_count;
	struct ponto_addr peer = request->peer;
	char text[PONTO_ADDR_TEXT];
	int result = open_fields(alloc, headers, count, out);

	if (result != PONTO_OK)
		return result;
	peer.port = 0;
	if (target->host)
		add(out, "Host", target->host, target->host_len);
	for (size_t i = 0; i < count; i++) {
		const char *name = headers[i].name;

		if (one_of(name, ours, PONTO_ARRAY_SIZE(ours)) || hop_by_hop(headers, count, name) ||
		    (whole && (ponto_http_name_is(name, "Range") || ponto_http_name_is(name, "If-Range"))))
			continue;
		if (ponto_http_name_is(name, "Accept-Encoding") && lists(headers[i].value, "peerdist"))
			add_encodings(out, name, headers[i].value);
		else
			dist_fields_add(out, name, headers[i].value);
	}
	merge(out, headers, count, "X-Forwarded-For", ponto_addr_format(&peer, text));
	merge(out, headers, count, "Via", VIA);
	return PONTO_OK;
}

/* ---- back from it ---------------------------------------------------------------------------------- */

int dist_relay_answer_fields(const struct ponto_alloc *alloc, const struct ponto_http_header *headers, size_t count,
			     bool encoded, const char *vary, struct dist_fields *out)
{
	static const char *const digests[] = {"Content-MD5", "Digest", "Content-Digest", "Repr-Digest"};
	int result = open_fields(alloc, headers, count, out);

	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < count; i++) {
		const char *name = headers[i].name;

		if (!hop_by_hop(headers, count, name) && !(vary && ponto_http_name_is(name, "Vary")) &&
		    !(encoded && one_of(name, digests, PONTO_ARRAY_SIZE(digests))))
			dist_fields_add(out, name, headers[i].value);
	}
	if (vary)
		merge(out, headers, count, "Vary", vary);
	return PONTO_OK;
}

int dist_relay_length(const struct ponto_http_header *headers, size_t count, uint64_t *out)
{
	uint64_t length = PONTO_HTTP_CHUNKED, one;
	bool chunked = ponto_http_find(headers, count, "Transfer-Encoding") != NULL;

	for (size_t i = 0; i < count; i++) {
		if (!ponto_http_name_is(headers[i].name, "Content-Length"))
			continue;
		if (!ponto_bytes_decimal(ponto_bytes(headers[i].value, strlen(headers[i].value)), INT64_MAX, &one) ||
		    (length != PONTO_HTTP_CHUNKED && length != one))
			return PONTO_EPROTO;
		length = one;
	}
	*out = chunked ? PONTO_HTTP_CHUNKED : length;
	return PONTO_OK;
}

/* ---- entities ------------------------------------------------------------------------------------------- */

/* The only value of a name; NULL when there is none. False: several. */
static bool only(const struct ponto_http_header *headers, size_t count, const char *name, const char **out)
{
	*out = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!ponto_http_name_is(headers[i].name, name))
			continue;
		if (*out)
			return false;
		*out = headers[i].value;
	}
	return true;
}

static bool is_strong(const char *etag)
{
	size_t len = strlen(etag);

	return len >= 2 && etag[0] == '"' && strchr(etag + 1, '"') == etag + len - 1;
}

/* Whether shared caches may have it, and nobody minds another coding (RFC 9110 7.7). */
static bool is_open(const struct ponto_http_header *headers, size_t count)
{
	static const char *const closed[] = {"no-store", "private", "no-transform"};
	const char *coding;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(closed); i++) {
		if (listed(headers, count, "Cache-Control", closed[i]))
			return false;
	}
	coding = ponto_http_find(headers, count, "Content-Encoding");
	return !coding && !ponto_http_find(headers, count, "Content-Range") && !listed(headers, count, "Vary", "*");
}

/* Whether the URL alone chooses, as far as what passes on as it is goes. */
static bool chosen_by_url(const struct ponto_http_header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = headers[i].value;
		struct word item;

		if (!ponto_http_name_is(headers[i].name, "Vary"))
			continue;
		while (next_item(&at, &item)) {
			if (!named(item, "Accept-Encoding"))
				return false;
		}
	}
	return true;
}

/* The validator; NULL when there is none that counts. */
static const char *validator(const struct ponto_http_header *headers, size_t count, bool authorized,
			     struct dist_relay_entity *e)
{
	const char *etag, *modified, *date;
	int64_t now;

	if (!only(headers, count, "ETag", &etag) || !only(headers, count, "Last-Modified", &modified) ||
	    !only(headers, count, "Date", &date) || (etag && !is_strong(etag)))
		return NULL;
	e->etag = etag ? etag : "";
	e->modified = -1;
	/* Servers make tags of dates: of two changes in one second they tell the first only. */
	if (modified && (dist_date_parse(modified, &e->modified) != PONTO_OK || !date ||
			 dist_date_parse(date, &now) != PONTO_OK || now <= e->modified + 1))
		return NULL;
	return etag ? etag : modified && !authorized && chosen_by_url(headers, count) ? modified : NULL;
}

/* Each part with its length before it: no two lists of parts are the same bytes. */
static void digest(const struct dist_relay_name *name, const char *kind, const char *value, uint64_t length,
		   uint8_t out[PONTO_SHA256_SIZE])
{
	const struct dist_relay_target *t = name->target;
	char host[PONTO_HTTP_TARGET_MAX + 1], head[160];
	size_t path = strlen(t->path), n = t->host_len < sizeof(host) ? t->host_len : 0;
	const char *root = *t->path == '/' ? "" : "/";
	struct ponto_bytes parts[6];

	for (size_t i = 0; i < n; i++)
		host[i] = t->host[i] >= 'A' && t->host[i] <= 'Z' ? (char)(t->host[i] + 32) : t->host[i];
	snprintf(head, sizeof(head), "ponto relay 1 %s %zu %zu %zu %zu %llu\n", kind, strlen(name->origin), n,
		 path + strlen(root), strlen(value), (unsigned long long)length);
	parts[0] = ponto_bytes(head, strlen(head));
	parts[1] = ponto_bytes(name->origin, strlen(name->origin));
	parts[2] = ponto_bytes(host, n);
	parts[3] = ponto_bytes(root, strlen(root));
	parts[4] = ponto_bytes(t->path, path);
	parts[5] = ponto_bytes(value, strlen(value));
	ponto_sha256(parts, PONTO_ARRAY_SIZE(parts), out);
}

static uint64_t number_at(const uint8_t *bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | bytes[i];
	return v;
}

uint64_t dist_relay_name_hash(const struct dist_relay_name *name)
{
	uint8_t hash[PONTO_SHA256_SIZE];

	digest(name, "name", "", 0, hash);
	return number_at(hash);
}

bool dist_relay_entity(const struct dist_relay_name *name, const struct ponto_http_header *headers, size_t count,
		       bool authorized, struct dist_relay_entity *out)
{
	struct dist_relay_entity e = {.etag = ""};
	uint8_t hash[PONTO_SHA256_SIZE];
	const char *value = is_open(headers, count) ? validator(headers, count, authorized, &e) : NULL;

	if (!value || dist_relay_length(headers, count, &e.file.size) != PONTO_OK || e.file.size == 0 ||
	    e.file.size == PONTO_HTTP_CHUNKED)
		return false;
	digest(name, *e.etag ? "tag" : "date", value, e.file.size, hash);
	e.file.device = DIST_RELAY_DEVICE | number_at(hash) >> 1;
	e.file.inode = number_at(hash + 8);
	e.file.changed = number_at(hash + 16);
	*out = e;
	return true;
}
