/* The client of service-dist as a whole, in simulated nodes: fetches, neighbours and origins of every kind. */
#include <stdio.h>

#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/file"
#define SIZE (40 * 65536 + 1234)

struct scene {
	struct lan lan;
	struct lan_content content;
	void (*origin)(struct scene *scene, struct lan_exchange *ex); /* NULL: as it should be */
	void (*mangle)(struct scene *scene, struct lan_exchange *ex);
	unsigned count; /* the case's own */
};

static void on_origin(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (s->origin)
		s->origin(s, ex);
	else
		lan_content_answer(&s->content, ex);
}

static void on_mangle(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (s->mangle)
		s->mangle(s, ex);
}

static struct scene *scene(enum content_algo algo, size_t size, unsigned nodes)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->content, algo, size);
	s->lan.origin = on_origin;
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	for (unsigned i = 0; i < nodes; i++)
		assert_int_equal(lan_add(&s->lan, NULL), i);
	return s;
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	lan_content_clear(&s->content);
	free(s);
}

/* Fetches with a node until it is done; at most an hour. */
static struct lan_download fetch(struct scene *s, unsigned node, bool any_order)
{
	struct lan_download d = {.any_order = any_order};

	lan_download(&s->lan, node, &s->content, URL, &d);
	for (unsigned i = 0; i < 3600 && !d.done; i++)
		lan_run(&s->lan, PONTO_SECOND);
	assert_true(d.done);
	return d;
}

static void fetched(struct scene *s, unsigned node, bool any_order, uint64_t peers, uint64_t origin, uint64_t cache)
{
	struct lan_download d = fetch(s, node, any_order);

	if (d.result != PONTO_OK)
		fail_msg("%s", d.error);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.peers, peers);
	assert_int_equal(d.origin, origin);
	assert_int_equal(d.cache, cache);
	lan_download_clear(&d);
}

static void refused(struct scene *s, int result, const char *text)
{
	struct lan_download d = fetch(s, 0, false);

	assert_int_equal(d.result, result);
	if (!strstr(d.error, text))
		fail_msg("\"%s\" does not say \"%s\"", d.error, text);
	assert_null(strchr(d.error, '\n'));
	lan_download_clear(&d);
}

/* ---- as it should be ------------------------------------------------------------------------- */

static void shapes(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512, CONTENT_TRUNCATED};

	(void)state;
	PONTO_PROVES("DIST-370");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], SIZE, 2);

		/* From the origin, in its order; then by a neighbour, in none; then from what is kept. */
		fetched(s, 0, false, 0, SIZE, 0);
		assert_int_equal(s->content.described, 1);
		assert_int_equal(s->content.plain, 0);
		assert_true(s->content.missing > 0);
		s->content.missing = 0;
		fetched(s, 1, true, SIZE, 0, 0);
		fetched(s, 1, false, 0, 0, SIZE);
		assert_int_equal(s->content.missing, 0);
		end_scene(s);
	}
}

/* What is asked, header by header. */
static void look_at(struct scene *s, struct lan_exchange *ex)
{
	const char *accept = lan_header(ex, "Accept-Encoding"), *params = lan_header(ex, "X-P2P-PeerDist"),
		   *params_ex = lan_header(ex, "X-P2P-PeerDistEx");

	assert_non_null(accept);
	assert_non_null(params);
	assert_non_null(params_ex);
	assert_non_null(strstr(params, "Version=1.1"));
	assert_non_null(strstr(params_ex, "MinContentInformation=1.0"));
	assert_non_null(strstr(params_ex, "MaxContentInformation=2.0"));
	if (s->count++ == 0) {
		assert_string_equal(accept, "identity, peerdist");
		assert_null(strstr(params, "MissingData"));
		assert_null(lan_header(ex, "Range"));
	} else {
		assert_null(strstr(accept, "peerdist"));
		assert_non_null(strstr(params, "MissingDataRequest=true"));
		assert_non_null(lan_header(ex, "Range"));
		assert_string_equal(lan_header(ex, "If-Match"), "\"one\"");
	}
	lan_content_answer(&s->content, ex);
}

static void what_is_asked(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	PONTO_PROVES("DIST-353", "DIST-359", "DIST-362", "DIST-363");
	s->origin = look_at;
	fetched(s, 0, true, 0, SIZE, 0);
	assert_true(s->count > 1);
	end_scene(s);
}

static void look_at_post(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	assert_string_equal(ex->method, "POST");
	assert_string_equal(ex->url, "http://10.0.0.0:80/116B50EB-ECE2-41ac-8429-9F9E963361B7/");
	assert_true(ex->body.len >= 16 && ex->body.len <= 98304);
}

static void how_neighbours_are_asked(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 2);

	(void)state;
	PONTO_PROVES("DIST-184");
	fetched(s, 0, false, 0, SIZE, 0);
	s->mangle = look_at_post;
	fetched(s, 1, false, SIZE, 0, 0);
	assert_true(s->count > 40);
	end_scene(s);
}

/* ---- plain answers --------------------------------------------------------------------------- */

static void plain(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download d = {.from = 1000};

	(void)state;
	s->content.encodes = false;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->content.plain, 1);
	/* The rest of what was begun; and all again when it is another entity. */
	lan_download(&s->lan, 0, &s->content, URL, &d);
	lan_run(&s->lan, 10 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.from, 1000);
	assert_int_equal(d.received, SIZE - 1000);
	lan_download_clear(&d);
	s->content.etag = "\"two\"";
	d = (struct lan_download){.from = 1000};
	lan_download(&s->lan, 0, &s->content, URL, &d);
	lan_run(&s->lan, 10 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.from, 0);
	lan_download_clear(&d);
	end_scene(s);
}

/* The rest of a content that is described: only blocks of it are fetched, and only its bytes are given. */
static void the_rest(void **state)
{
	(void)state;
	for (unsigned v2 = 0; v2 < 2; v2++) {
		struct scene *s = scene(v2 ? CONTENT_TRUNCATED : CONTENT_SHA256, SIZE, 1);
		struct lan_download d = {.from = SIZE - 100000, .any_order = true};

		lan_download(&s->lan, 0, &s->content, URL, &d);
		lan_run(&s->lan, 10 * PONTO_SECOND);
		assert_true(lan_downloaded(&d));
		assert_int_equal(d.from, SIZE - 100000);
		assert_int_equal(d.origin, 100000);
		lan_download_clear(&d);
		end_scene(s);
	}
}

static void empty(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 0, 1);

	(void)state;
	fetched(s, 0, true, 0, 0, 0);
	end_scene(s);
}

static void makes_hashes(struct scene *s, struct lan_exchange *ex)
{
	const char *params_ex = lan_header(ex, "X-P2P-PeerDistEx");

	if (s->count++ > 0) {
		assert_non_null(strstr(params_ex, "HashRequest=true"));
		assert_non_null(strstr(lan_header(ex, "Accept-Encoding"), "peerdist"));
		s->content.encodes = true;
		lan_content_answer(&s->content, ex);
		return;
	}
	lan_answer(ex, 200,
		   (const char *const[]){"ETag: \"one\"", "X-P2P-PeerDist: Version=1.1",
					 "X-P2P-PeerDistEx: MakeHashRequest=true", NULL},
		   bytes_of(&s->content.data));
}

static void hash_request(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	PONTO_PROVES("DIST-369", "DIST-375");
	s->content.encodes = false;
	s->origin = makes_hashes;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->count, 2);
	s->origin = NULL;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->content.described, 2);
	end_scene(s);
}

/* ---- origins that fail or lie ------------------------------------------------------------------ */

static void answers_404(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	lan_answer(ex, 404, NULL, ponto_bytes("no", 2));
}

static void breaks_off(struct scene *s, struct lan_exchange *ex)
{
	ex->cut = true;
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 2000000", NULL},
		   ponto_bytes(s->content.data.data, 1000));
}

static void is_short(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 2000000", NULL},
		   ponto_bytes(s->content.data.data, 1000));
}

static void is_long(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 1000", NULL},
		   ponto_bytes(s->content.data.data, 2000));
}

static void is_silent(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	ex->stall = true;
}

static void zips(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Encoding: gzip", NULL},
		   ponto_bytes(s->content.data.data, 2000));
}

static void errors(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	s->origin = answers_404;
	refused(s, PONTO_ENOENT, "answers 404");
	s->origin = breaks_off;
	refused(s, PONTO_EIO, "broke off");
	s->origin = is_short;
	refused(s, PONTO_EIO, "broke off");
	s->origin = is_long;
	refused(s, PONTO_EPROTO, "broke off");
	s->origin = is_silent;
	refused(s, PONTO_ETIME, "broke off");
	s->origin = zips;
	refused(s, PONTO_ENOTSUP, "coding");
	s->lan.refuse_fetch = PONTO_EBUSY;
	refused(s, PONTO_EBUSY, "");
	end_scene(s);
}

static const char *info_length = "1";
static size_t info_cut, info_flip;

static void lies(struct scene *s, struct lan_exchange *ex)
{
	struct blob info = content_describe(&s->content.made, 0, s->content.data.len);
	char params[96];

	snprintf(params, sizeof(params), "X-P2P-PeerDist: Version=1.1, ContentLength=%s", info_length);
	if (info_flip)
		info.data[info_flip] ^= 0xff;
	lan_answer(ex, 200, (const char *const[]){"Content-Encoding: peerdist", params, NULL},
		   ponto_bytes(info.data, info.len - info_cut));
	free(info.data);
}

static void false_information(void **state)
{
	(void)state;
	for (unsigned v2 = 0; v2 < 2; v2++) {
		struct scene *s = scene(v2 ? CONTENT_TRUNCATED : CONTENT_SHA256, SIZE, 1);
		char right[32];

		s->origin = lies;
		info_length = "1";
		info_cut = info_flip = 0;
		refused(s, PONTO_EPROTO, "damaged, or not of this content");
		snprintf(right, sizeof(right), "%d", SIZE);
		info_length = right;
		info_cut = 5;
		refused(s, PONTO_EPROTO, "damaged");
		info_cut = 0;
		info_flip = v2 ? 2 : 100; /* the algorithm; a hash that HoD does not fit */
		refused(s, PONTO_EPROTO, "damaged");
		info_flip = 1;
		refused(s, PONTO_ENOTSUP, "version");
		end_scene(s);
	}
}

static void changes(struct scene *s, struct lan_exchange *ex)
{
	if (++s->count == 4)
		s->content.etag = "\"two\"";
	lan_content_answer(&s->content, ex);
}

static void changed(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	s->origin = changes;
	refused(s, PONTO_EGUARD, "changed at its origin");
	end_scene(s);
}

/* Bytes that are not those described, under the same validator. */
static void sends_wrong(struct scene *s, struct lan_exchange *ex)
{
	bool missing = strstr(lan_header(ex, "X-P2P-PeerDist"), "Missing") != NULL;

	if (missing && s->count > 0)
		s->content.data.data[77] ^= 1;
	lan_content_answer(&s->content, ex);
	if (missing && s->count > 0) {
		s->content.data.data[77] ^= 1;
		s->count--;
	}
}

static void wrong_bytes(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 65536, 1);

	(void)state;
	PONTO_PROVES("DIST-093");
	s->origin = sends_wrong;
	s->count = 2;
	fetched(s, 0, false, 0, 65536, 0);
	end_scene(s);
	s = scene(CONTENT_TRUNCATED, 65536, 1);
	s->origin = sends_wrong;
	s->count = 1000;
	refused(s, PONTO_EPROTO, "not what it described");
	end_scene(s);
}

/* It does not know ranges: everything comes, once. */
static void without_ranges(struct scene *s, struct lan_exchange *ex)
{
	if (!strstr(lan_header(ex, "X-P2P-PeerDist"), "Missing")) {
		lan_content_answer(&s->content, ex);
		return;
	}
	s->count++;
	lan_answer(ex, 200, (const char *const[]){"ETag: \"one\"", NULL}, bytes_of(&s->content.data));
}

static void no_ranges(void **state)
{
	(void)state;
	for (unsigned any = 0; any < 2; any++) {
		struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

		s->origin = without_ranges;
		fetched(s, 0, any, 0, SIZE, 0);
		assert_true(s->count <= 4); /* of those under way at first, each finds out */
		end_scene(s);
	}
}

static const char *wrong_range;

static void another_range(struct scene *s, struct lan_exchange *ex)
{
	if (strstr(lan_header(ex, "X-P2P-PeerDist"), "Missing") && s->count > 0) {
		s->count--;
		lan_answer(ex, 206, (const char *const[]){wrong_range, NULL}, ponto_bytes(s->content.data.data, 65536));
		return;
	}
	lan_content_answer(&s->content, ex);
}

static void lying_ranges(void **state)
{
	static const char *const ranges[] = {
		"Content-Range: bytes 7-65542/2622674",		 "Content-Range: bytes 0-65535/9",
		"Content-Range: bytes 65535-0/2622674",		 "Content-Range: pages 0-1/2",
		"Content-Range: bytes 0-18446744073709551616/*", "X-None: 1"};

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ranges); i++) {
		struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

		wrong_range = ranges[i];
		s->origin = another_range;
		s->count = 2;
		fetched(s, 0, false, 0, SIZE, 0);
		s->count = 1000000;
		lan_remove(&s->lan, 0);
		assert_int_equal(lan_add(&s->lan, NULL), 1);
		{
			struct lan_download d = fetch(s, 1, false);

			assert_int_equal(d.result, PONTO_EIO);
			assert_non_null(strstr(d.error, "no neighbour has"));
			lan_download_clear(&d);
		}
		end_scene(s);
	}
}

/* Only neighbours are asked when there is nothing but the description. */
static void only_information(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 2);
	struct blob info = content_describe(&s->content.made, 0, SIZE);
	struct lan_download d = {.any_order = true};
	unsigned before;

	(void)state;
	lan_download_info(&s->lan, 1, &s->content, bytes_of(&info), &d);
	lan_run(&s->lan, 120 * PONTO_SECOND);
	assert_true(d.done);
	assert_int_equal(d.result, PONTO_ENOENT);
	assert_non_null(strstr(d.error, "no neighbour has the last 41 blocks"));
	lan_download_clear(&d);
	fetched(s, 0, true, 0, SIZE, 0);
	before = s->lan.origin_requests;
	d = (struct lan_download){.any_order = true};
	lan_download_info(&s->lan, 1, &s->content, bytes_of(&info), &d);
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.peers, SIZE);
	assert_int_equal(s->lan.origin_requests, before);
	lan_download_clear(&d);
	d = (struct lan_download){.any_order = true};
	lan_download_info(&s->lan, 1, &s->content, ponto_bytes(info.data, 50), &d);
	lan_run(&s->lan, PONTO_SECOND);
	assert_int_equal(d.result, PONTO_EPROTO);
	lan_download_clear(&d);
	free(info.data);
	end_scene(s);
}

/* ---- neighbours that lie, hang or are gone ------------------------------------------------------- */

/* Answers with blocks are long. */
static bool with_block(const struct lan_exchange *ex)
{
	return ex->data.len > 1000;
}

static void flips(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	if (with_block(ex))
		ex->data.data[1000] ^= 1;
}

static void truncates(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	if (with_block(ex))
		ex->data.len -= ex->data.len / 8;
}

static void breaks(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	ex->data.len /= 2;
	ex->cut = true;
}

static void stalls(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	ex->stall = with_block(ex);
}

static void other_segment(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	ex->data.data[30] ^= 0xff; /* in the ID */
}

static void too_long(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	ex->data.data = realloc(ex->data.data, 500000);
	assert_non_null(ex->data.data);
	memset(ex->data.data + ex->data.len, 0, 500000 - ex->data.len);
	ex->data.len = 500000;
}

static void answers_500(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	ex->status = 500;
}

static void noise(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	memset(ex->data.data, 0xa5, ex->data.len);
}

static void hostile(void **state)
{
	static void (*const ways[])(struct scene *, struct lan_exchange *) = {
		flips, truncates, breaks, stalls, other_segment, too_long, answers_500, noise,
	};

	(void)state;
	PONTO_PROVES("DIST-094", "DIST-520", "DIST-499");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ways); i++) {
		struct scene *s = scene(i % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, SIZE, 2);
		uint64_t began;

		fetched(s, 0, false, 0, SIZE, 0);
		s->mangle = ways[i];
		began = ponto_sim_now(s->lan.sim);
		fetched(s, 1, i % 3 == 0, 0, SIZE, 0);
		assert_true(s->count > 0);
		/* The neighbour costs some time, never the fetch. */
		assert_true(ponto_sim_now(s->lan.sim) - began < 90 * PONTO_SECOND);
		end_scene(s);
	}
}

/* A liar among the honest: only he is not asked any more. */
static void liar_is_node_0(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to == 0 && with_block(ex)) {
		s->count++;
		ex->data.data[1000] ^= 1;
	}
}

static void a_liar(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 3);
	struct ponto_counter *wrong;

	(void)state;
	fetched(s, 0, false, 0, SIZE, 0);
	fetched(s, 1, false, SIZE, 0, 0);
	s->mangle = liar_is_node_0;
	fetched(s, 2, true, SIZE, 0, 0);
	assert_true(s->count >= 1 && s->count <= 2);
	wrong = ponto_counter(s->lan.nodes[2].metrics, "dist_wrong_blocks_total", "dist", "");
	assert_int_equal(ponto_counter_value(wrong), s->count);
	end_scene(s);
}

static void gone(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 2);
	struct lan_download d = {.any_order = true};

	(void)state;
	PONTO_PROVES("DIST-493");
	fetched(s, 0, false, 0, SIZE, 0);
	lan_download(&s->lan, 1, &s->content, URL, &d);
	s->lan.peer_rate = 1000 * 1000;
	lan_run(&s->lan, PONTO_SECOND); /* in the middle */
	assert_true(d.received < SIZE);
	s->lan.nodes[0].gone = true;
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	lan_download_clear(&d);
	end_scene(s);
}

/* ---- several at once ----------------------------------------------------------------------------- */

/* Ten that begin at once fetch little more than one copy through their common line. */
static void ten_at_once(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 256 * 65536, 10);
	struct lan_download d[10];
	uint64_t began;

	(void)state;
	s->lan.line_rate = 2500 * 1000; /* 20 Mbit/s */
	memset(d, 0, sizeof(d));
	began = ponto_sim_now(s->lan.sim);
	for (unsigned i = 0; i < 10; i++) {
		d[i].any_order = true;
		lan_download(&s->lan, i, &s->content, URL, &d[i]);
	}
	lan_run(&s->lan, 200 * PONTO_SECOND);
	printf("# %.3f of one copy, %u requests to the origin, %u to neighbours, %u searches\n",
	       (double)s->lan.origin_bytes / (256 * 65536), s->lan.origin_requests, s->lan.peer_requests,
	       s->lan.searches);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(lan_downloaded(&d[i]));
		if (i % 5 == 0)
			printf("# node %u: %.1f s, %.2f from neighbours\n", i,
			       (double)(d[i].ended - began) / PONTO_SECOND, (double)d[i].peers / (256 * 65536));
		lan_download_clear(&d[i]);
	}
	assert_true(s->lan.origin_bytes < (uint64_t)256 * 65536 * 130 / 100);
	end_scene(s);
}

/* Two programs of one node, the same content. */
static void the_same_twice(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download a = {.client = 1}, b = {.client = 2, .any_order = true};

	(void)state;
	lan_download(&s->lan, 0, &s->content, URL, &a);
	lan_download(&s->lan, 0, &s->content, URL, &b);
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&a));
	assert_true(lan_downloaded(&b));
	lan_download_clear(&a);
	lan_download_clear(&b);
	end_scene(s);
}

/* ---- readers ---------------------------------------------------------------------------------------- */

/* Who reads nothing stops the fetch at the memory it may take, whatever its kind. */
static void a_reader_asleep(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct scene *s = scene(CONTENT_SHA256, 100 * 65536, 0);
		struct lan_download d = {.any_order = kind == 1, .pause = 3600 * PONTO_SECOND};

		lan_add(&s->lan, (const char *const[]){"fetch_memory=1", "cache_size=1", NULL});
		s->content.encodes = kind < 2;
		lan_download(&s->lan, 0, &s->content, URL, &d);
		lan_run(&s->lan, 300 * PONTO_SECOND);
		assert_true(d.begun && !d.done);
		if (kind != 1) /* in any order, the cache takes more of it than memory does */
			assert_true(s->lan.origin_bytes < 3 * 1024 * 1024 + 300000);
		d.pause = 10 * PONTO_MS;
		lan_run(&s->lan, 7200 * PONTO_SECOND);
		assert_true(lan_downloaded(&d));
		lan_download_clear(&d);
		end_scene(s);
	}
}

static void on_result(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	(void)payload;
	(void)error;
	*(int *)arg = result;
}

/* fetch = 1 */
static int call(struct scene *s, const char *method, uint64_t client)
{
	static const uint8_t first[] = {8, 1};
	int result = 1;

	lan_call(&s->lan, 0, method, ponto_bytes(first, sizeof(first)), client, on_result, &result);
	lan_run(&s->lan, 2 * PONTO_SECOND);
	return result;
}

static void whose(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download d = {.client = 7, .stop = true};
	int first = 1, second = 1;
	static const uint8_t one[] = {8, 1};

	(void)state;
	s->origin = is_silent;
	lan_download(&s->lan, 0, &s->content, URL, &d);
	lan_run(&s->lan, 100 * PONTO_MS);
	assert_int_equal(call(s, "Read", 8), PONTO_ENOENT);
	assert_int_equal(call(s, "Cancel", 8), PONTO_ENOENT);
	assert_int_equal(call(s, "Read", 7), PONTO_EBUSY); /* it has not begun */
	assert_int_equal(call(s, "Cancel", 7), PONTO_OK);
	assert_true(d.done);
	assert_int_equal(d.result, PONTO_ECLOSED);
	assert_int_equal(call(s, "Read", 7), PONTO_ENOENT);
	lan_download_clear(&d);
	/* One read at a time; the end of its program ends it. */
	s->origin = NULL;
	s->lan.line_rate = 1000;
	d = (struct lan_download){.client = 9, .stop = true};
	lan_download(&s->lan, 0, &s->content, URL, &d);
	lan_run(&s->lan, 3 * PONTO_SECOND);
	assert_true(d.begun);
	(void)one;
	{
		uint8_t packed[] = {8, (uint8_t)d.fetch};

		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &first);
		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &second);
		assert_int_equal(second, PONTO_EBUSY);
		assert_ok(ponto_node_client_gone(s->lan.nodes[0].node, "dist", 9));
		lan_run(&s->lan, PONTO_SECOND);
		assert_int_equal(first, PONTO_ECLOSED);
		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &second);
		assert_int_equal(second, PONTO_ENOENT);
	}
	lan_run(&s->lan, PONTO_SECOND);
	assert_null(s->lan.exchanges);
	lan_download_clear(&d);
	end_scene(s);
}

static void limits(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 0);
	struct lan_download d[9];
	unsigned open = 0;

	(void)state;
	lan_add(&s->lan, (const char *const[]){"fetches=8", NULL});
	s->origin = is_silent;
	memset(d, 0, sizeof(d));
	for (unsigned i = 0; i < 9; i++)
		lan_download(&s->lan, 0, &s->content, URL, &d[i]);
	lan_run(&s->lan, PONTO_SECOND);
	for (unsigned i = 0; i < 9; i++) {
		open += !d[i].done;
		assert_true(!d[i].done || d[i].result == PONTO_EBUSY);
	}
	assert_int_equal(open, 4); /* half is for other users */
	lan_remove(&s->lan, 0);	   /* in the middle of all that */
	for (unsigned i = 0; i < 9; i++) {
		assert_true(d[i].done);
		lan_download_clear(&d[i]);
	}
	end_scene(s);
}

static void bad_urls(void **state)
{
	static const char *const urls[] = {"", "file", "ftp://x/y", "http://", "http://a b/", "http://u:p@h/"};
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(urls); i++) {
		struct lan_download d = {0};

		lan_download(&s->lan, 0, &s->content, urls[i], &d);
		assert_true(d.done);
		assert_true(d.result == PONTO_EINVAL || d.result == PONTO_ENOTSUP);
		assert_true(*d.error != '\0');
		lan_download_clear(&d);
	}
	end_scene(s);
}

/* ---- without memory ------------------------------------------------------------------------------------ */

/* The nth allocation of a node is refused, and no other: whatever it was for, the fetch ends, right or with an error,
 * and nothing is left behind. */
static void no_memory(void **state)
{
	unsigned right = 0, wrong = 0;
	bool more = true;

	(void)state;
	for (size_t n = 1; more; n += 1 + n / 40) {
		struct scene *s = scene(n % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, 5 * 65536, 1);
		struct ponto_test_alloc alloc;
		struct lan_download d = {.any_order = n % 4 < 2};
		unsigned node;

		fetched(s, 0, true, 0, 5 * 65536, 0);
		ponto_test_alloc_init(&alloc);
		s->lan.alloc = &alloc.alloc;
		node = lan_add(&s->lan, (const char *const[]){"session_timeout=500", NULL});
		alloc.fail_at = alloc.made + n;
		lan_download(&s->lan, node, &s->content, URL, &d);
		lan_run(&s->lan, 600 * PONTO_SECOND);
		if (!d.done)
			fail_msg("refused allocation %zu: begun %d, %llu bytes", n, d.begun,
				 (unsigned long long)d.received);
		more = alloc.refused;
		if (d.result == PONTO_OK)
			assert_true(lan_downloaded(&d));
		*(d.result == PONTO_OK ? &right : &wrong) += 1;
		lan_remove(&s->lan, node);
		assert_int_equal(alloc.live, 0);
		lan_download_clear(&d);
		end_scene(s);
	}
	printf("# %u fetches came through, %u ended with an error\n", right, wrong);
	assert_true(right > wrong);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(shapes),
	cmocka_unit_test(what_is_asked),
	cmocka_unit_test(how_neighbours_are_asked),
	cmocka_unit_test(plain),
	cmocka_unit_test(the_rest),
	cmocka_unit_test(empty),
	cmocka_unit_test(hash_request),
	cmocka_unit_test(errors),
	cmocka_unit_test(false_information),
	cmocka_unit_test(changed),
	cmocka_unit_test(wrong_bytes),
	cmocka_unit_test(no_ranges),
	cmocka_unit_test(lying_ranges),
	cmocka_unit_test(only_information),
	cmocka_unit_test(hostile),
	cmocka_unit_test(a_liar),
	cmocka_unit_test(gone),
	cmocka_unit_test(ten_at_once),
	cmocka_unit_test(the_same_twice),
	cmocka_unit_test(a_reader_asleep),
	cmocka_unit_test(whose),
	cmocka_unit_test(limits),
	cmocka_unit_test(bad_urls),
	cmocka_unit_test(no_memory),
};

PONTO_TEST_MAIN(tests)
