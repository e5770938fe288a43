/* A request at the reverse proxy and an origin's answer: the first line is method and target, then come headers, one a
 * line; after an empty line those of the answer. What goes on has nothing of the connection or of PeerDist, says whose
 * it is, and has room for what is added; of other codings none is lost. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/service-dist/dist_relay_head.h"

#define ORIGIN "http://origin.example"

struct headers {
	struct ponto_http_header list[PONTO_HTTP_HEADERS_MAX];
	size_t count, bytes;
};

/* Lines up to an empty one, as far as the contract lets them in. */
static void read_headers(char **text, struct headers *out)
{
	char *line;

	while ((line = strsep(text, "\n")) && *line) {
		size_t bytes = strlen(line);
		char *value = strchr(line, ':');

		if (!value || value == line || out->count == PONTO_HTTP_HEADERS_MAX ||
		    bytes > PONTO_HTTP_HEADER_BYTES - out->bytes)
			continue;
		*value++ = '\0';
		out->list[out->count++] = (struct ponto_http_header){line, value};
		out->bytes += bytes;
	}
}

static const char *last(const struct dist_fields *f, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < f->count; i++) {
		if (ponto_http_name_is(f->list[i].name, name))
			value = f->list[i].value;
	}
	return value;
}

static void require_end(const struct dist_fields *f, const char *name, const char *end)
{
	const char *value = last(f, name);

	FUZZ_REQUIRE(value && strlen(value) >= strlen(end));
	FUZZ_REQUIRE(strcmp(value + strlen(value) - strlen(end), end) == 0);
}

static void require_none(const struct dist_fields *f, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		FUZZ_REQUIRE(!last(f, names[i]));
}

static void require_room(struct dist_fields *f)
{
	size_t count = f->count;

	dist_fields_add(f, "X-More", "more");
	FUZZ_REQUIRE(f->count == count + 1 && strcmp(last(f, "X-More"), "more") == 0);
}

/* Whether two lists are the same but for what separates. */
static bool same_items(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " \t,");
		b += strspn(b, " \t,");
		if (*a != *b || !*a)
			return *a == *b;
		a++;
		b++;
	}
}

/* Where PeerDist comes first, and once, the rest goes on. */
static void require_codings(const struct headers *asked, const struct dist_fields *f)
{
	static const char first[] = "peerdist,";
	const char *value = NULL;

	for (size_t i = 0; i < asked->count; i++) {
		if (ponto_http_name_is(asked->list[i].name, "Accept-Encoding"))
			value = asked->list[i].value;
	}
	if (!value || !last(f, "Accept-Encoding") || strncmp(value, first, strlen(first)) != 0)
		return;
	value += strlen(first);
	if (!strcasestr(value, "peerdist") && !strpbrk(value, "\"\\") && value[strspn(value, " \t,")])
		FUZZ_REQUIRE(same_items(value, last(f, "Accept-Encoding")));
}

static void relay_request(const struct ponto_http_request *q, const struct headers *asked,
			  const struct dist_relay_target *target)
{
	static const char *const gone[] = {"Connection", "Content-Length",    "Transfer-Encoding", "Upgrade",
					   "Expect",	 "Proxy-Authorization", "X-P2P-PeerDist",    "X-P2P-PeerDistEx"};

	for (int whole = 0; whole < 2; whole++) {
		struct dist_fields f = {0};

		FUZZ_REQUIRE(dist_relay_request_fields(&ponto_alloc_system, q, target, whole, &f) == PONTO_OK);
		require_none(&f, gone, PONTO_ARRAY_SIZE(gone));
		FUZZ_REQUIRE(!whole || !last(&f, "Range"));
		FUZZ_REQUIRE(!target->host == !last(&f, "Host"));
		FUZZ_REQUIRE(!target->host || strlen(last(&f, "Host")) == target->host_len);
		require_end(&f, "Via", "1.1 ponto");
		require_end(&f, "X-Forwarded-For", "192.0.2.7");
		require_codings(asked, &f);
		require_room(&f);
		dist_fields_clear(&f);
	}
}

static void relay_answer(const struct headers *h)
{
	static const char *const gone[] = {"Connection", "Content-Length", "Transfer-Encoding", "Digest"};
	struct dist_fields f = {0};

	FUZZ_REQUIRE(dist_relay_answer_fields(&ponto_alloc_system, h->list, h->count, true, "Accept-Encoding", &f) ==
		     PONTO_OK);
	require_none(&f, gone, PONTO_ARRAY_SIZE(gone));
	require_end(&f, "Vary", "Accept-Encoding");
	require_room(&f);
	dist_fields_clear(&f);
}

static void name_entity(const struct dist_relay_target *target, const struct headers *h)
{
	const struct dist_relay_name name = {ORIGIN, target};
	struct dist_relay_entity e, again;
	uint64_t length;

	(void)dist_relay_name_hash(&name);
	if (!dist_relay_entity(&name, h->list, h->count, false, &e))
		return;
	FUZZ_REQUIRE(dist_relay_length(h->list, h->count, &length) == PONTO_OK && length == e.file.size);
	FUZZ_REQUIRE(length > 0 && length <= INT64_MAX && (e.file.device & DIST_RELAY_DEVICE));
	FUZZ_REQUIRE(*e.etag || e.modified >= 0);
	FUZZ_REQUIRE(dist_relay_entity(&name, h->list, h->count, true, &again) == (*e.etag != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_http_request q = {.peer = {{192, 0, 2, 7}, 0, 1234, PONTO_FAMILY_IPV4, 0}};
	static struct headers asked, answered;
	char *text = malloc(size + 1), *rest = text, *line;
	struct dist_relay_target target;

	FUZZ_REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	asked.count = asked.bytes = answered.count = answered.bytes = 0;
	line = strsep(&rest, "\n");
	(void)dist_relay_is_origin(line);
	q.method = strsep(&line, " ");
	q.target = line ? line : "/";
	read_headers(&rest, &asked);
	read_headers(&rest, &answered);
	q.headers = asked.list;
	q.header_count = asked.count;
	relay_answer(&answered);
	if (strlen(q.target) <= PONTO_HTTP_TARGET_MAX && dist_relay_target(&q, &target) == PONTO_OK) {
		relay_request(&q, &asked, &target);
		name_entity(&target, &answered);
	}
	free(text);
	return 0;
}
