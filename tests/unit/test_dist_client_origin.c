/* Fetching from origins that fail or lie. */
#include "tests/unit/dist_client_test.h"

/* ---- origins that fail or lie ------------------------------------------------------------------ */

static void breaks_off(struct scene *s, struct lan_exchange *ex)
{
	ex->cut = true;
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 2000000", NULL},
		   ponto_bytes(s->lan.content.data.data, 1000));
}

static void is_short(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 2000000", NULL},
		   ponto_bytes(s->lan.content.data.data, 1000));
}

static void is_long(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Length: 1000", NULL},
		   ponto_bytes(s->lan.content.data.data, 2000));
}

static void zips(struct scene *s, struct lan_exchange *ex)
{
	lan_answer(ex, 200, (const char *const[]){"Content-Encoding: gzip", NULL},
		   ponto_bytes(s->lan.content.data.data, 2000));
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
	struct blob info = content_describe(&s->lan.content.made, 0, s->lan.content.data.len);
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
		s->lan.content.etag = "\"two\"";
	lan_content_answer(ex);
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
		s->lan.content.data.data[77] ^= 1;
	lan_content_answer(ex);
	if (missing && s->count > 0) {
		s->lan.content.data.data[77] ^= 1;
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
		lan_content_answer(ex);
		return;
	}
	s->count++;
	lan_answer(ex, 200, (const char *const[]){"ETag: \"one\"", NULL}, bytes_of(&s->lan.content.data));
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
		lan_answer(ex, 206, (const char *const[]){wrong_range, NULL},
			   ponto_bytes(s->lan.content.data.data, 65536));
		return;
	}
	lan_content_answer(ex);
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
	struct blob info = content_describe(&s->lan.content.made, 0, SIZE);
	struct lan_download d = {.any_order = true};
	unsigned before;

	(void)state;
	lan_download_info(&s->lan, 1, bytes_of(&info), &d);
	lan_run(&s->lan, 120 * PONTO_SECOND);
	assert_true(d.done);
	assert_int_equal(d.result, PONTO_ENOENT);
	assert_non_null(strstr(d.error, "no neighbour has the last 41 blocks"));
	lan_download_clear(&d);
	fetched(s, 0, true, 0, SIZE, 0);
	before = s->lan.origin_requests;
	d = (struct lan_download){.any_order = true};
	lan_download_info(&s->lan, 1, bytes_of(&info), &d);
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.peers, SIZE);
	assert_int_equal(s->lan.origin_requests, before);
	lan_download_clear(&d);
	d = (struct lan_download){.any_order = true};
	lan_download_info(&s->lan, 1, ponto_bytes(info.data, 50), &d);
	lan_run(&s->lan, PONTO_SECOND);
	assert_int_equal(d.result, PONTO_EPROTO);
	lan_download_clear(&d);
	free(info.data);
	end_scene(s);
}

/* ---- neighbours that lie, hang or are gone ------------------------------------------------------- */

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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(errors),
	cmocka_unit_test(false_information),
	cmocka_unit_test(changed),
	cmocka_unit_test(wrong_bytes),
	cmocka_unit_test(no_ranges),
	cmocka_unit_test(lying_ranges),
	cmocka_unit_test(only_information),
	cmocka_unit_test(hostile),
};

PONTO_TEST_MAIN(tests)
