/* Messages of the Hosted Cache Protocol: [MS-PCHC] 2.2, byte for byte, and what is to be dropped. */
#include "engines/content/content_offer.h"
#include "tests/unit/content_test.h"

#define ID_SMALL "a953e8d1f41bd90d9e7a0c00ce892263a9b2a921ddc6b9226939190c265da51d"
#define ID_V1 "784cc201a04478136df716598cc6c8608047bd0536a84738120a115927e6ac31"
#define SEG_0 "7627f80935abdb14b48c9214806a1ddc8a3908e5fe99228acab2e57a2b837435"
#define SEG_1 "0b6521583e5932bdc8506e31bdd36c6a17a8f94496e8bd367110632f27169be7"
#define HOD_SMALL "0ed719fdd718f0fc76f04b678a150f8423e8a0a6c3db2d30a264f2b822f57ba4"
#define KP_SMALL "07a8c188a279b3c364ebd6f04f3165041148a51d6b473339e7ad537bf9117bb4"
#define HASH_SMALL "bce0aff19cf5aa6a7469a30d61d04e4376e4bbf6381052ee9e7f33925c954d52"
#define WININET "57696e494e6574000000000000000000"
#define HEAD(version, type) version type "00000000 0050 000000000000"
#define INITIAL_OFFER HEAD("0001", "0001") ID_SMALL
#define INFO_SMALL(offset, read, segments) "0001 0c800000" offset read segments
#define SEGMENT_SMALL "0000000000000000 64000000 00000100" HOD_SMALL KP_SMALL
#define LIST_SMALL "01000000" HASH_SMALL
#define SEGMENT_INFO                                                                                                   \
	HEAD("0001", "0002") WININET INFO_SMALL("00000000", "64000000", "01000000") SEGMENT_SMALL LIST_SMALL
#define DESCRIPTOR_0 "0000f000 0000f000 0010" WININET "04" SEG_0
#define DESCRIPTOR_1 "00015400 00015400 0010" WININET "04" SEG_1
#define DESCRIPTOR_V1 "00010000 0001f400 0010" WININET "01" ID_V1
#define BATCHED_OFFER HEAD("0002", "0003") DESCRIPTOR_0 DESCRIPTOR_1

static struct content_id id_of(const char *hex)
{
	struct blob b = blob_hex(hex);
	struct content_id id;

	assert_ok(content_id_set(bytes_of(&b), &id));
	free(b.data);
	return id;
}

static void tag_of(const char *text, uint8_t out[CONTENT_TAG])
{
	memset(out, 0, CONTENT_TAG);
	memcpy(out, text, strlen(text));
}

static void dropped_bytes(struct ponto_bytes bytes, unsigned version)
{
	struct content_offer out, before;

	memset(&out, 0xa5, sizeof(out));
	before = out;
	assert_int_equal(content_offer_decode(bytes, version, &out), PONTO_EPROTO);
	assert_memory_equal(&out, &before, sizeof(out));
}

static void dropped(const char *hex, unsigned version)
{
	struct blob b = blob_hex(hex);

	dropped_bytes(bytes_of(&b), version);
	free(b.data);
}

/* The input must live as long as the message: the caller frees it. */
static struct content_offer taken(const struct blob *b, unsigned version)
{
	struct content_offer out;

	assert_ok(content_offer_decode(bytes_of(b), version, &out));
	return out;
}

/* With some of its bytes replaced. */
static void edit_dropped(const char *hex, size_t at, const char *bytes, unsigned version)
{
	struct blob b = blob_hex(hex);

	blob_edit(&b, at, bytes);
	dropped_bytes(bytes_of(&b), version);
	free(b.data);
}

/* ---- version 1.0 ----------------------------------------------------------------------- */

static void an_initial_offer_is_written(void **state)
{
	struct content_id id = id_of(ID_SMALL);
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-417", "DIST-423", "DIST-424", "DIST-426");
	memset(buf, 0xff, sizeof(buf));
	assert_ok(content_offer_initial(80, &id, buf, sizeof(buf), &len));
	assert_hex(buf, len, INITIAL_OFFER);
	assert_int_equal(content_offer_initial(80, &id, buf, len - 1, &len), PONTO_ELIMIT);
	assert_int_equal(content_offer_initial(0, &id, buf, sizeof(buf), &len), PONTO_EINVAL);
	id.len = 31;
	assert_int_equal(content_offer_initial(80, &id, buf, sizeof(buf), &len), PONTO_EINVAL);
}

static void an_initial_offer_is_read(void **state)
{
	struct blob b = blob_hex(INITIAL_OFFER);
	struct content_offer m = taken(&b, 1);
	struct content_id id = id_of(ID_SMALL);

	(void)state;
	PONTO_PROVES("DIST-420", "DIST-422", "DIST-425");
	assert_int_equal(m.type, CONTENT_INITIAL_OFFER);
	assert_int_equal(m.port, 80);
	assert_true(content_id_equal(&m.id, &id));
	/* Whatever stands in the padding, and another port. */
	blob_edit(&b, 4, "deadbeef 1f90 010203040506");
	m = taken(&b, 1);
	assert_int_equal(m.port, 8080);
	assert_true(content_id_equal(&m.id, &id));
	free(b.data);
}

static void versions_and_types(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-413", "DIST-418", "DIST-419", "DIST-421");
	edit_dropped(INITIAL_OFFER, 0, "fefe", 1);
	edit_dropped(INITIAL_OFFER, 0, "01", 1);
	edit_dropped(INITIAL_OFFER, 1, "02", 1);
	edit_dropped(INITIAL_OFFER, 1, "00", 1);
	edit_dropped(INITIAL_OFFER, 2, "fefe", 1);
	edit_dropped(INITIAL_OFFER, 2, "0000", 1);
	edit_dropped(INITIAL_OFFER, 2, "0100", 1);
	edit_dropped(INITIAL_OFFER, 2, "0003", 1);
	edit_dropped(BATCHED_OFFER, 2, "0001", 2);
	edit_dropped(BATCHED_OFFER, 2, "0004", 2);
	/* Each version has its URL, and a port is needed. */
	dropped(INITIAL_OFFER, 2);
	dropped(SEGMENT_INFO, 2);
	dropped(BATCHED_OFFER, 1);
	edit_dropped(INITIAL_OFFER, 8, "0000", 1);
}

static void hashes_of_other_lengths(void **state)
{
	static const size_t good[] = {32, 48, 64};
	struct blob b = blob_hex(HEAD("0001", "0001") ID_SMALL ID_SMALL "00");

	(void)state;
	PONTO_PROVES("DIST-427");
	for (size_t len = 0; len <= 65; len++) {
		struct ponto_bytes bytes = ponto_bytes(b.data, CONTENT_OFFER_HEAD + len);
		struct content_offer m;

		if (len == good[0] || len == good[1] || len == good[2]) {
			assert_ok(content_offer_decode(bytes, 1, &m));
			assert_int_equal(m.id.len, len);
		} else {
			dropped_bytes(bytes, 1);
		}
	}
	free(b.data);
}

/* The small segment; free its hashes. */
static struct content_segment small(struct blob *hash)
{
	struct blob hod = blob_hex(HOD_SMALL), kp = blob_hex(KP_SMALL);
	struct content_segment s = {.size = 100};

	*hash = blob_hex(HASH_SMALL);
	memcpy(s.hod, hod.data, 32);
	memcpy(s.kp, kp.data, 32);
	s.block_hashes = bytes_of(hash);
	free(hod.data);
	free(kp.data);
	return s;
}

static void segment_info_is_written(void **state)
{
	uint8_t buf[CONTENT_OFFER_MAX], tag[CONTENT_TAG];
	struct blob hash;
	struct content_segment s = small(&hash);
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-428", "DIST-431", "DIST-432", "DIST-434");
	tag_of("WinINet", tag);
	assert_ok(content_offer_segment(80, tag, CONTENT_SHA256, &s, 0, buf, sizeof(buf), &len));
	assert_hex(buf, len, SEGMENT_INFO);
	assert_int_equal(content_offer_segment(80, tag, CONTENT_SHA256, &s, 0, buf, len - 1, &len), PONTO_ELIMIT);
	assert_int_equal(content_offer_segment(80, tag, CONTENT_TRUNCATED, &s, 0, buf, sizeof(buf), &len),
			 PONTO_EINVAL);
	s.block_hashes.len = 31;
	assert_int_equal(content_offer_segment(80, tag, CONTENT_SHA256, &s, 0, buf, sizeof(buf), &len), PONTO_EINVAL);
	s.block_hashes.len = 0;
	assert_int_equal(content_offer_segment(80, tag, CONTENT_SHA256, &s, 0, buf, sizeof(buf), &len), PONTO_EINVAL);
	free(hash.data);
}

/* The second segment of a content, of which a range was wanted: under each hash function. */
static void segment_info_of_a_range(void **state)
{
	static const char *const codes[] = {"0c800000", "0d800000", "0e800000"};
	struct blob data = pattern(CONTENT_SEGMENT_V1 + 128000);
	uint8_t buf[CONTENT_OFFER_MAX], tag[CONTENT_TAG] = {0};
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-429", "DIST-430", "DIST-433", "DIST-436");
	for (int algo = CONTENT_SHA256; algo <= CONTENT_SHA512; algo++) {
		struct content_made made = content_make((enum content_algo)algo, bytes_of(&data), NULL);
		const struct content_segment *s = &made.segments[1];
		struct content_offer m;

		assert_ok(content_offer_segment(8080, tag, made.algo, s, 102400, buf, sizeof(buf), &len));
		assert_hex(buf + 32, 2, "0001");
		assert_hex(buf + 34, 4, codes[algo - CONTENT_SHA256]);
		assert_hex(buf + 38, 4, "00900100"); /* 102400, though 128000 follow */
		assert_hex(buf + 42, 4, "00f40100");
		assert_hex(buf + 50, 8, "0000000200000000");
		assert_ok(content_offer_decode(ponto_bytes(buf, len), 1, &m));
		assert_true(m.described);
		assert_int_equal(m.algo, algo);
		assert_int_equal(m.segment.index, 1);
		assert_int_equal(m.segment.size, 128000);
		assert_memory_equal(m.segment.kp, s->kp, content_hash_size(m.algo));
		assert_true(ponto_bytes_equal(m.segment.block_hashes, s->block_hashes));
		content_made_free(&made);
	}
	free(data.data);
}

static void segment_info_is_read(void **state)
{
	struct blob b = blob_hex(SEGMENT_INFO);
	struct content_id id = id_of(ID_SMALL);
	static const char *const ranges[] = {"00000000 00000000", "32000000 64000000", "64000000 64000000",
					     "ffffffff ffffffff"};

	(void)state;
	PONTO_PROVES("DIST-524");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(ranges); i++) {
		struct content_offer m;

		blob_edit(&b, 38, ranges[i]);
		m = taken(&b, 1);
		assert_int_equal(m.type, CONTENT_SEGMENT_INFO);
		assert_true(m.described);
		assert_true(content_id_equal(&m.id, &id));
		assert_hex(m.tag, CONTENT_TAG, WININET);
		assert_int_equal(m.segment.size, 100);
		assert_int_equal(m.segment.block_hashes.len, 32);
	}
	free(b.data);
}

/* Sound as a message, so it is answered; nothing is believed of it. */
static void undescribed(const char *hex)
{
	struct blob b = blob_hex(hex);
	struct content_offer m = taken(&b, 1);

	assert_int_equal(m.type, CONTENT_SEGMENT_INFO);
	assert_false(m.described);
	free(b.data);
}

static void undescribed_edit(size_t at, const char *bytes)
{
	struct blob b = blob_hex(SEGMENT_INFO);
	struct content_offer m;

	blob_edit(&b, at, bytes);
	m = taken(&b, 1);
	assert_false(m.described);
	free(b.data);
}

static void bad_descriptions_are_answered(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-435");
	undescribed_edit(32, "0002");
	undescribed_edit(32, "fefe");
	undescribed_edit(34, "0b800000");
	undescribed_edit(34, "0f800000");
	undescribed_edit(46, "00000000");
	undescribed_edit(46, "02000000");
	undescribed_edit(50, "0100000000000000");
	undescribed_edit(58, "00000000");  /* no bytes */
	undescribed_edit(58, "01000002");  /* more than a segment has */
	undescribed_edit(62, "00000200");  /* blocks of another size */
	undescribed_edit(66, "00");	   /* another HoD than the list's */
	undescribed_edit(130, "00000000"); /* no hashes, with one behind */
	undescribed_edit(130, "02000000"); /* more than there are */
	undescribed_edit(130, "ffffffff");
	undescribed(HEAD("0001", "0002") WININET INFO_SMALL("00000000", "64000000", "00000000"));
	undescribed(HEAD("0001", "0002") WININET INFO_SMALL("00000000", "64000000", "01000000") SEGMENT_SMALL
		    "00000000");
	undescribed(HEAD("0001", "0002") WININET INFO_SMALL("00000000", "64000000", "02000000")
			    SEGMENT_SMALL SEGMENT_SMALL LIST_SMALL LIST_SMALL);
	undescribed(SEGMENT_INFO "00");
	undescribed(HEAD("0001", "0002") WININET "00");
	/* Without anything to describe it is no message. */
	dropped(HEAD("0001", "0002") WININET, 1);
	dropped(HEAD("0001", "0002") "57", 1);
}

static void every_shorter_one_is_refused(void **state)
{
	struct blob one = blob_hex(SEGMENT_INFO), two = blob_hex(BATCHED_OFFER);

	(void)state;
	for (size_t len = 0; len < one.len; len++) {
		struct content_offer m;

		if (content_offer_decode(ponto_bytes(one.data, len), 1, &m) == PONTO_OK)
			assert_false(m.described);
	}
	for (size_t len = 0; len < two.len; len++) {
		if (len != CONTENT_OFFER_HEAD + CONTENT_DESCRIPTOR)
			dropped_bytes(ponto_bytes(two.data, len), 2);
	}
	free(one.data);
	free(two.data);
}

/* ---- version 2.0 ------------------------------------------------------------------------- */

static void a_batch_is_written(void **state)
{
	struct content_id ids[2] = {id_of(SEG_0), id_of(SEG_1)}, v1 = id_of(ID_V1);
	struct content_descriptor d[CONTENT_DESCRIPTORS + 1];
	uint8_t buf[CONTENT_OFFER_MAX], tag[CONTENT_TAG];
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-440", "DIST-441", "DIST-442", "DIST-447");
	tag_of("WinINet", tag);
	assert_ok(content_descriptor_of(CONTENT_TRUNCATED, 61440, &ids[0], tag, &d[0]));
	assert_ok(content_descriptor_of(CONTENT_TRUNCATED, 87040, &ids[1], tag, &d[1]));
	assert_ok(content_offer_batch(80, d, 2, buf, sizeof(buf), &len));
	assert_hex(buf, len, BATCHED_OFFER);
	assert_ok(content_descriptor_of(CONTENT_SHA256, 128000, &v1, tag, &d[0]));
	assert_ok(content_offer_batch(80, d, 1, buf, sizeof(buf), &len));
	assert_hex(buf + 16, len - 16, DESCRIPTOR_V1);
	assert_int_equal(content_offer_batch(80, d, 1, buf, len - 1, &len), PONTO_ELIMIT);
	assert_int_equal(content_offer_batch(80, d, 0, buf, sizeof(buf), &len), PONTO_EINVAL);
	assert_int_equal(content_offer_batch(0, d, 1, buf, sizeof(buf), &len), PONTO_EINVAL);
}

static void at_most_128_descriptors(void **state)
{
	struct content_descriptor d[CONTENT_DESCRIPTORS + 1];
	uint8_t buf[CONTENT_OFFER_MAX], tag[CONTENT_TAG] = {0};
	struct content_id id = id_of(SEG_0);
	struct content_offer m;
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-437", "DIST-438", "DIST-439");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(d); i++) {
		id.b[0] = (uint8_t)i;
		assert_ok(content_descriptor_of(CONTENT_TRUNCATED, 1 + (uint32_t)i, &id, tag, &d[i]));
	}
	assert_int_equal(content_offer_batch(80, d, 129, buf, sizeof(buf), &len), PONTO_EINVAL);
	assert_ok(content_offer_batch(80, d, 128, buf, sizeof(buf), &len));
	assert_ok(content_offer_decode(ponto_bytes(buf, len), 2, &m));
	assert_int_equal(m.count, 128);
	for (uint32_t i = 0; i < m.count; i++) {
		struct content_descriptor got;
		enum content_algo algo;

		content_offer_descriptor(&m, i, &got);
		assert_int_equal(got.segment_size, d[i].segment_size);
		assert_int_equal(got.block_size, d[i].block_size);
		assert_int_equal(got.algo, d[i].algo);
		assert_memory_equal(got.tag, d[i].tag, CONTENT_TAG);
		assert_true(content_id_equal(&got.id, &d[i].id));
		assert_true(content_descriptor_sound(&got, &algo));
		assert_int_equal(algo, CONTENT_TRUNCATED);
	}
	memcpy(buf + len, buf + CONTENT_OFFER_HEAD, CONTENT_DESCRIPTOR);
	dropped_bytes(ponto_bytes(buf, len + CONTENT_DESCRIPTOR), 2);
	dropped(HEAD("0002", "0003"), 2);
}

static void a_batch_is_read(void **state)
{
	struct blob b = blob_hex(HEAD("0002", "0003") DESCRIPTOR_0 DESCRIPTOR_V1);
	struct content_id ids[2] = {id_of(SEG_0), id_of(ID_V1)};
	struct content_offer m = taken(&b, 2);
	struct content_descriptor d;
	enum content_algo algo;

	(void)state;
	PONTO_PROVES("DIST-443", "DIST-444", "DIST-445", "DIST-446");
	assert_int_equal(m.type, CONTENT_BATCHED_OFFER);
	assert_int_equal(m.count, 2);
	content_offer_descriptor(&m, 0, &d);
	assert_true(content_id_equal(&d.id, &ids[0]));
	assert_int_equal(d.segment_size, 61440);
	assert_true(content_descriptor_sound(&d, &algo));
	assert_int_equal(algo, CONTENT_TRUNCATED);
	content_offer_descriptor(&m, 1, &d);
	assert_true(content_id_equal(&d.id, &ids[1]));
	assert_true(content_descriptor_sound(&d, &algo));
	assert_int_equal(algo, CONTENT_SHA256);
	/* A function nobody knows: the message stands, the segment is not fetched. */
	blob_edit(&b, CONTENT_OFFER_HEAD + 26, "fe");
	m = taken(&b, 2);
	content_offer_descriptor(&m, 0, &d);
	assert_false(content_descriptor_sound(&d, &algo));
	edit_dropped(BATCHED_OFFER, CONTENT_OFFER_HEAD + 8, "0000", 2);
	edit_dropped(BATCHED_OFFER, CONTENT_OFFER_HEAD + 8, "0011", 2);
	edit_dropped(BATCHED_OFFER, CONTENT_OFFER_HEAD + CONTENT_DESCRIPTOR + 8, "000f", 2);
	free(b.data);
}

static void sizes_that_no_segment_has(void **state)
{
	static const struct {
		const char *sizes, *algo;
	} bad[] = {
		{"00000000 00000000", "04"}, {"0000f000 0000f001", "04"}, {"00020001 00020001", "04"},
		{"ffffffff ffffffff", "04"}, {"00010000 0001f400", "04"}, {"00010000 00000000", "01"},
		{"00010000 02000001", "01"}, {"0000ffff 0001f400", "01"}, {"0001f400 0001f400", "01"},
		{"00010000 0001f400", "02"}, {"00010000 0001f400", "00"},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct blob b = blob_hex(BATCHED_OFFER);
		struct content_offer m;
		struct content_descriptor d;
		enum content_algo algo;

		blob_edit(&b, CONTENT_OFFER_HEAD, bad[i].sizes);
		blob_edit(&b, CONTENT_OFFER_HEAD + 26, bad[i].algo);
		m = taken(&b, 2);
		content_offer_descriptor(&m, 0, &d);
		assert_false(content_descriptor_sound(&d, &algo));
		free(b.data);
	}
}

/* Windows retrieves with SHA-256 alone, and 2.0 has numbers for no more. */
static void functions_that_a_batch_cannot_say(void **state)
{
	struct content_id id = id_of(SEG_0);
	struct content_descriptor d;
	uint8_t tag[CONTENT_TAG] = {0};

	(void)state;
	id.len = 48;
	assert_int_equal(content_descriptor_of(CONTENT_SHA384, 100, &id, tag, &d), PONTO_ENOTSUP);
	id.len = 64;
	assert_int_equal(content_descriptor_of(CONTENT_SHA512, 100, &id, tag, &d), PONTO_ENOTSUP);
	assert_int_equal(content_descriptor_of(CONTENT_SHA256, 100, &id, tag, &d), PONTO_ENOTSUP);
	id.len = 32;
	assert_int_equal(content_descriptor_of(CONTENT_SHA256, 0, &id, tag, &d), PONTO_ENOTSUP);
	assert_int_equal(content_descriptor_of(CONTENT_TRUNCATED, 131073, &id, tag, &d), PONTO_ENOTSUP);
}

/* ---- answers, URLs -------------------------------------------------------------------------- */

static void answers(void **state)
{
	static const char *const bad[] = {"",	      "00",	    "00000000",	    "0000000000", "0000000002",
					  "00000001", "0000000102", "000000010000", "0100000000", "00000001ff"};
	uint8_t out[CONTENT_OFFER_ANSWER];
	enum content_offer_code code;

	(void)state;
	PONTO_PROVES("DIST-448", "DIST-449", "DIST-490");
	content_offer_answer(CONTENT_OFFER_OK, out);
	assert_hex(out, 5, "0000000100");
	assert_ok(content_offer_answer_decode(ponto_bytes(out, 5), &code));
	assert_int_equal(code, CONTENT_OFFER_OK);
	content_offer_answer(CONTENT_OFFER_INTERESTED, out);
	assert_hex(out, 5, "0000000101");
	assert_ok(content_offer_answer_decode(ponto_bytes(out, 5), &code));
	assert_int_equal(code, CONTENT_OFFER_INTERESTED);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct blob b = *bad[i] ? blob_hex(bad[i]) : (struct blob){NULL, 0};

		assert_int_equal(content_offer_answer_decode(bytes_of(&b), &code), PONTO_EPROTO);
		assert_int_equal(code, CONTENT_OFFER_INTERESTED);
		free(b.data);
	}
}

static void urls(void **state)
{
	(void)state;
	assert_int_equal(content_offer_path("/C574AC30-5794-4AEE-B1BB-6651C5315029"), 1);
	assert_int_equal(content_offer_path("/c574ac30-5794-4aee-b1bb-6651c5315029/"), 1);
	assert_int_equal(content_offer_path("/0131501b-d67f-491b-9a40-c4bf27bcb4d4"), 2);
	assert_int_equal(content_offer_path("/0131501B-D67F-491B-9A40-C4BF27BCB4D4/"), 2);
	assert_int_equal(content_offer_path("/0131501b-d67f-491b-9a40-c4bf27bcb4d4//"), 0);
	assert_int_equal(content_offer_path("/0131501b-d67f-491b-9a40-c4bf27bcb4d4x"), 0);
	assert_int_equal(content_offer_path("/0131501b-d67f-491b-9a40-c4bf27bcb4d"), 0);
	assert_int_equal(content_offer_path("/"), 0);
	assert_int_equal(content_offer_path(""), 0);
	assert_int_equal(content_offer_path(CONTENT_PATH), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_initial_offer_is_written),
	cmocka_unit_test(an_initial_offer_is_read),
	cmocka_unit_test(versions_and_types),
	cmocka_unit_test(hashes_of_other_lengths),
	cmocka_unit_test(segment_info_is_written),
	cmocka_unit_test(segment_info_of_a_range),
	cmocka_unit_test(segment_info_is_read),
	cmocka_unit_test(bad_descriptions_are_answered),
	cmocka_unit_test(every_shorter_one_is_refused),
	cmocka_unit_test(a_batch_is_written),
	cmocka_unit_test(at_most_128_descriptors),
	cmocka_unit_test(a_batch_is_read),
	cmocka_unit_test(sizes_that_no_segment_has),
	cmocka_unit_test(functions_that_a_batch_cannot_say),
	cmocka_unit_test(answers),
	cmocka_unit_test(urls),
};

PONTO_TEST_MAIN(tests)
