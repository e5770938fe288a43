/* Content Information, made and parsed: [MS-PCCRC] 2.1 to 2.4 and the examples of section 3. Hashes of contents come
 * from OpenSSL. */
#include "tests/unit/content_test.h"

#define MIB (UINT64_C(1024) * 1024)

static const uint32_t v2_sizes[] = {61440, 87040, 45056, 0};

static struct blob v1_vector(void)
{
	return blob_hex("00010c800000000000000000000001000000000000000000000000f401000000"
			"0100d36449396b598ea10758414633f27b561b8d3a25dcf5ff508e57aa573ba7"
			"cefd37298ec9c5d8b88e269df0925d966658859ba4e362d00920092da64204fc"
			"3d7e020000004b640d85ab3ba30fd02c9fc9db4a8928f416322ad27022ea58a6"
			"5aaee68a4df21ad18f5ab509f6c69d6fd88da746b04d99a8d8790df8baa5a68b"
			"0143e56a923b");
}

static struct blob v2_vector(void)
{
	return blob_hex("0002040000000000000000000000000000000000000000000000000000000000"
			"000000cc0000f000db3446f4d2796f24da89b0e578546a8dc2ac64f037b5985d"
			"9e4ac45c8916432ea3991a4877e99048bdaa31b97d410d9ee4acd33934973a61"
			"282be2d19c739e67000154006683254687276eee20315a876cb928e082bb8fe5"
			"adbc3a9142b9530344622363208f9262cf412a0e3c6a85fd7622164ae10b8e6e"
			"1d76484ec78f2ea1693e9bf60000b000010f30f9db472ef0cd7408537534e4fc"
			"0781dcd86afe5a54a3be70df6266d1d317a0a8d4bb36df632a7a138b20494410"
			"8da2d9fc78b5d56944edf2c04fcb4196");
}

static struct blob v2_range_vector(void)
{
	return blob_hex("000204000000000000f00000000000000000010000a000000000000000280000"
			"00000044000154006683254687276eee20315a876cb928e082bb8fe5adbc3a91"
			"42b9530344622363208f9262cf412a0e3c6a85fd7622164ae10b8e6e1d76484e"
			"c78f2ea1693e9bf6");
}

static struct content_info parses(const struct blob *b)
{
	struct content_info info;

	assert_ok(content_info_parse(bytes_of(b), &info));
	return info;
}

static void refused_as(const struct blob *b, int result)
{
	struct content_info info, before;

	memset(&info, 0xa5, sizeof(info));
	before = info;
	assert_int_equal(content_info_parse(bytes_of(b), &info), result);
	assert_memory_equal(&info, &before, sizeof(info));
}

static void refused(const struct blob *b)
{
	refused_as(b, PONTO_EPROTO);
}

/* The vector with bytes at a place exchanged is refused. */
static void edit_refused(struct blob vector, size_t at, const char *hex)
{
	blob_edit(&vector, at, hex);
	refused(&vector);
	free(vector.data);
}

static void edit_gives_range(struct blob vector, size_t at, const char *hex, uint64_t start, uint64_t length)
{
	struct content_info info;

	blob_edit(&vector, at, hex);
	info = parses(&vector);
	assert_int_equal(info.start, start);
	assert_int_equal(info.length, length);
	free(vector.data);
}

/* ---- version 1.0 ------------------------------------------------------------------- */

static void v1_made(void **state)
{
	struct blob content = pattern(128000), vector = v1_vector(), ci;
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);

	(void)state;
	PONTO_PROVES("DIST-032", "DIST-033", "DIST-015", "DIST-017");
	assert_sha256(bytes_of(&content), "8877b964dbeaf7636a9122ca439deac25e77dd3b606d20c1a49846e195b15a7f");
	ci = content_describe(&made, 0, 128000);
	assert_int_equal(ci.len, vector.len);
	assert_memory_equal(ci.data, vector.data, ci.len);
	assert_sha256(bytes_of(&ci), "aaa6aecf6765bded6006619dafa4af814a26044d68dec6f5ac77101a99547c23");
	free(ci.data);
	ci = content_describe(&made, 102400, 25600);
	blob_edit(&vector, 0, "00010c800000009001000000000001000000");
	assert_int_equal(ci.len, vector.len);
	assert_memory_equal(ci.data, vector.data, ci.len);
	free(ci.data);
	free(vector.data);
	free(content.data);
	content_made_free(&made);
}

static void v1_longer_hashes(void **state)
{
	static const struct {
		enum content_algo algo;
		size_t len;
		const char *code, *sha256;
	} cases[] = {
		{CONTENT_SHA256, 166, "0c800000", "aaa6aecf6765bded6006619dafa4af814a26044d68dec6f5ac77101a99547c23"},
		{CONTENT_SHA384, 230, "0d800000", "966627f78f808eaa69b72528b71b83c4486600dbd7f0149f9b4a0dfcb1e27047"},
		{CONTENT_SHA512, 294, "0e800000", "c03a6c47df69d662b7ffbbf3287fdc6bb60bc1135ab214571b83fd2307176a15"},
	};
	struct blob content = pattern(128000);

	(void)state;
	PONTO_PROVES("DIST-034", "DIST-054", "DIST-093");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct content_made made = content_make(cases[i].algo, bytes_of(&content), NULL);
		struct blob ci = content_describe(&made, 0, 128000);
		struct content_info info = parses(&ci);
		struct content_walk walk;
		struct content_segment s;
		uint8_t hash[CONTENT_HASH_MAX];
		struct ponto_bytes listed;

		assert_int_equal(ci.len, cases[i].len);
		assert_hex(ci.data + 2, 4, cases[i].code);
		assert_sha256(bytes_of(&ci), cases[i].sha256);
		assert_int_equal(info.algo, cases[i].algo);
		/* What a block must hash to is found again. */
		content_walk_start(&walk, &info);
		assert_true(content_walk_next(&walk, &s));
		openssl_hash(info.algo, ponto_bytes(content.data + 65536, 62464), hash);
		listed = content_block_hash(info.algo, &s, 1);
		assert_true(ponto_bytes_equal(listed, ponto_bytes(hash, content_hash_size(info.algo))));
		assert_int_equal(content_block_hash(info.algo, &s, 2).len, 0);
		free(ci.data);
		content_made_free(&made);
	}
	free(content.data);
}

/* Which segments and blocks a range lists, and the head's two numbers. */
static void v1_ranges(void **state)
{
	static const struct {
		uint64_t start, length;
		uint32_t offset, read, blocks;
		size_t len;
	} cases[] = {
		{0, 65536, 0, 65536, 1, 134},	  {0, 65537, 0, 65537, 2, 166},	  {70000, 1000, 70000, 1000, 2, 166},
		{100, 200, 100, 200, 1, 134},	  {127999, 1, 127999, 0, 2, 166}, {0, 128000, 0, 0, 2, 166},
		{65536, 62464, 65536, 0, 2, 166}, {65535, 1, 65535, 1, 1, 134},
	};
	struct blob content = pattern(128000);
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);

	(void)state;
	PONTO_PROVES("DIST-058", "DIST-049", "DIST-036", "DIST-057");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct blob ci = content_describe(&made, cases[i].start, cases[i].length);
		struct content_info info = parses(&ci);
		struct ponto_reader r = ponto_reader(bytes_of(&ci));

		assert_int_equal(ci.len, cases[i].len);
		ponto_read_skip(&r, 6);
		assert_int_equal(ponto_read_le32(&r), cases[i].offset);
		assert_int_equal(ponto_read_le32(&r), cases[i].read);
		ponto_read_skip(&r, 84);
		assert_int_equal(ponto_read_le32(&r), cases[i].blocks);
		assert_int_equal(info.start, cases[i].start);
		assert_int_equal(info.length, cases[i].length);
		free(ci.data);
	}
	free(content.data);
	content_made_free(&made);
}

/* 125 MiB and a range of it: the offsets printed in 3.4 and 3.5. */
static void v1_many_segments(void **state)
{
	struct blob content = pattern(125 * MIB), ci;
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);
	struct content_info info;
	struct ponto_reader r;

	(void)state;
	PONTO_PROVES("DIST-045", "DIST-047", "DIST-048", "DIST-043");
	ci = content_describe(&made, 0, 125 * MIB);
	assert_int_equal(ci.len, 64354);
	/* The example writes the last segment's length where we write 0: the same. */
	edit_gives_range(blob_copy(ci.data, ci.len), 10, "0000d001", 0, 131072000);
	r = ponto_reader(bytes_of(&ci));
	ponto_read_skip(&r, 18);
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(r.pos, 18 + 80 * i);
		assert_int_equal(ponto_read_le64(&r), i * 0x2000000);
		assert_int_equal(ponto_read_le32(&r), i < 3 ? 0x2000000 : 0x1d00000);
		assert_int_equal(ponto_read_le32(&r), 65536);
		ponto_read_skip(&r, 64);
	}
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(r.pos, 338 + i * (4 + 512 * 32));
		assert_int_equal(ponto_read_le32(&r), i < 3 ? 512 : 464);
		ponto_read_skip(&r, i < 3 ? 512 * 32 : 464 * 32);
	}
	assert_ok(ponto_reader_done(&r));
	free(ci.data);
	ci = content_describe(&made, 102400, 129921024);
	assert_int_equal(ci.len, 63842);
	assert_hex(ci.data + 6, 12, "00900100 0000c001 04000000");
	assert_hex(ci.data + 49502, 4, "c0010000");
	info = parses(&ci);
	assert_int_equal(info.start, 102400);
	assert_int_equal(info.length, 129921024);
	assert_int_equal(info.start + info.length, 124 * MIB);
	free(ci.data);
	free(content.data);
	content_made_free(&made);
}

static void v1_ranges_inside(void **state)
{
	struct content_layout l;

	(void)state;
	PONTO_PROVES("DIST-044", "DIST-042", "DIST-005", "DIST-051");
	assert_ok(content_layout_v1(CONTENT_SHA256, 125 * MIB, 40 * MIB, MIB, &l));
	assert_int_equal(l.segments, 1);
	assert_int_equal(l.first_index, 1);
	assert_int_equal(l.first_offset, 0x2000000);
	assert_int_equal(l.offset_in_first, 8 * MIB);
	assert_ok(content_layout_v1(CONTENT_SHA256, 5000 * MIB, 4500 * MIB, 1, &l));
	assert_int_equal(l.first_offset, 4480 * MIB);
	for (int d = -1; d <= 1; d++) {
		assert_ok(content_layout_v1(CONTENT_SHA256, 32 * MIB + (uint64_t)d, 0, 32 * MIB + (uint64_t)d, &l));
		assert_int_equal(l.segments, d > 0 ? 2 : 1);
		assert_true(l.whole);
	}
	assert_int_equal(content_layout_v1(CONTENT_SHA256, 100, 0, 0, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, 0, 0, 0, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, 100, 100, 1, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, 100, 50, 51, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, 100, 50, UINT64_MAX, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, UINT64_MAX, 0, 1, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_TRUNCATED, 100, 0, 100, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v1(CONTENT_SHA256, INT64_MAX, 0, INT64_MAX, &l), PONTO_ELIMIT);
}

static void v1_both_ways_to_say_the_end(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-038", "DIST-039", "DIST-040", "DIST-041");
	edit_gives_range(v1_vector(), 10, "00000000", 0, 128000);
	edit_gives_range(v1_vector(), 10, "00f40100", 0, 128000);
	edit_gives_range(v1_vector(), 6, "00900100 00000000", 102400, 25600);
	edit_gives_range(v1_vector(), 6, "00900100 00640000", 102400, 25600);
	edit_gives_range(v1_vector(), 6, "70110100 e8030000", 70000, 1000);
	edit_refused(v1_vector(), 6, "00900100 01640000");
	edit_refused(v1_vector(), 10, "01f40100");
	edit_refused(v1_vector(), 10, "ffffffff");
}

static void v1_offset_lies_in_the_first(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-037");
	edit_gives_range(v1_vector(), 6, "fff30100", 127999, 1);
	edit_refused(v1_vector(), 6, "00f40100");
	edit_refused(v1_vector(), 6, "ffffffff");
	edit_refused(v1_vector(), 6, "ffffffff 01000000");
}

static void v1_wrong_numbers(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-035", "DIST-053", "DIST-060");
	edit_refused(v1_vector(), 2, "04800000");
	edit_refused(v1_vector(), 2, "0b800000");
	edit_refused(v1_vector(), 2, "0f800000");
	edit_refused(v1_vector(), 2, "0c800100");
	edit_refused(v1_vector(), 14, "00000000");
	edit_refused(v1_vector(), 14, "02000000");
	edit_refused(v1_vector(), 14, "ffffffff");
	edit_refused(v1_vector(), 26, "00000000");
	edit_refused(v1_vector(), 26, "01000002");
	edit_refused(v1_vector(), 26, "ffffffff");
	edit_refused(v1_vector(), 30, "00800000");
	edit_refused(v1_vector(), 30, "00000100 00"); /* the right size, but HoD is touched */
	edit_refused(v1_vector(), 98, "01000000");
	edit_refused(v1_vector(), 98, "03000000");
	edit_refused(v1_vector(), 98, "01020000");
	edit_refused(v1_vector(), 98, "ffffffff");
	edit_refused(v1_vector(), 18, "0100000000000000");
	edit_refused(v1_vector(), 18, "00000000000000fe");
}

static void v1_every_length(void **state)
{
	struct blob vector = v1_vector(), cut;

	(void)state;
	PONTO_PROVES("DIST-046");
	for (size_t n = 0; n < vector.len; n++) {
		cut = blob_copy(vector.data, n);
		refused(&cut);
		free(cut.data);
	}
	cut = blob_copy(vector.data, vector.len);
	cut.data = realloc(cut.data, vector.len + 1);
	cut.data[cut.len++] = 0;
	refused(&cut);
	free(cut.data);
	free(vector.data);
}

/* A flipped bit anywhere in a list of block hashes that covers the segment, or in its HoD. */
static void v1_list_fits_its_hod(void **state)
{
	struct blob vector = v1_vector();

	(void)state;
	PONTO_PROVES("DIST-026", "DIST-016");
	for (size_t i = 34; i < vector.len; i++) {
		if (i >= 66 && i < 102)
			continue;
		vector.data[i] ^= 0x10;
		refused(&vector);
		vector.data[i] ^= 0x10;
	}
	/* Two hashes exchanged. */
	for (size_t i = 102; i < 134; i++) {
		uint8_t byte = vector.data[i];

		vector.data[i] = vector.data[i + 32];
		vector.data[i + 32] = byte;
	}
	refused(&vector);
	free(vector.data);
}

/* The list of a range does not cover the segment: then HoD is believed. */
static void v1_partial_list(void **state)
{
	struct blob content = pattern(128000), ci;
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);

	(void)state;
	PONTO_PROVES("DIST-061", "DIST-052", "DIST-059");
	ci = content_describe(&made, 0, 65536);
	assert_hex(ci.data + 26, 4, "00f40100");
	(void)parses(&ci);
	ci.data[120] ^= 1;
	(void)parses(&ci);
	free(ci.data);
	free(content.data);
	content_made_free(&made);
}

static void v1_disorder(void **state)
{
	struct blob content = pattern(70 * MIB);
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&content), NULL);
	struct blob ci = content_describe(&made, 0, content.len);
	uint8_t first[80];

	(void)state;
	PONTO_PROVES("DIST-050", "DIST-056");
	assert_int_equal(made.count, 3);
	memcpy(first, ci.data + 18, 80);
	memmove(ci.data + 18, ci.data + 98, 80);
	memcpy(ci.data + 98, first, 80);
	refused(&ci);
	memmove(ci.data + 98, ci.data + 18, 80);
	memcpy(ci.data + 18, first, 80);
	(void)parses(&ci);
	/* A gap, an overlap, a short segment before others. */
	blob_edit(&ci, 98, "0100000200000000");
	refused(&ci);
	blob_edit(&ci, 98, "ffffff0100000000");
	refused(&ci);
	blob_edit(&ci, 98, "0000000200000000");
	blob_edit(&ci, 26, "ffffff01");
	refused(&ci);
	free(ci.data);
	free(content.data);
	content_made_free(&made);
}

/* ---- version 2.0 ------------------------------------------------------------------- */

static void v2_made(void **state)
{
	struct blob content = pattern(193536), vector = v2_vector(), ci;
	struct content_made made = content_make(CONTENT_TRUNCATED, bytes_of(&content), v2_sizes);

	(void)state;
	PONTO_PROVES("DIST-062", "DIST-063", "DIST-030", "DIST-074");
	assert_sha256(bytes_of(&content), "50cb517145d636f8965eadb455970cf61cd6ad2f72881bf132cbaf1e5d6890c8");
	ci = content_describe(&made, 0, content.len);
	assert_int_equal(ci.len, vector.len);
	assert_memory_equal(ci.data, vector.data, ci.len);
	/* The example gives the whole content's length instead of 0. */
	blob_edit(&ci, 23, "000000000002f400");
	assert_sha256(bytes_of(&ci), "c97d492914dd4cb950b9363ee4fb5d78a5336883f78f1fa1785ec4fcf78a3ff4");
	free(ci.data);
	free(vector.data);
	free(content.data);
	content_made_free(&made);
}

static void v2_ranges(void **state)
{
	struct blob content = pattern(193536), vector = v2_range_vector(), ci;
	struct content_made made = content_make(CONTENT_TRUNCATED, bytes_of(&content), v2_sizes);
	struct content_info info;

	(void)state;
	PONTO_PROVES("DIST-067", "DIST-068", "DIST-069", "DIST-078");
	ci = content_describe(&made, 102400, 10240);
	assert_int_equal(ci.len, vector.len);
	assert_memory_equal(ci.data, vector.data, ci.len);
	info = parses(&ci);
	assert_int_equal(info.start, 102400);
	assert_int_equal(info.length, 10240);
	assert_int_equal(info.first_index, 1);
	assert_false(info.to_end);
	free(ci.data);
	free(vector.data);
	free(content.data);
	content_made_free(&made);
}

static void v2_length_of_the_whole(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-070", "DIST-071");
	edit_gives_range(v2_vector(), 23, "0000000000000000", 0, 193536);
	edit_gives_range(v2_vector(), 23, "000000000002f400", 0, 193536);
	edit_gives_range(v2_vector(), 23, "0000000000000001", 0, 1);
	edit_refused(v2_vector(), 23, "000000000002f401");
	edit_refused(v2_vector(), 23, "ffffffffffffffff");
	edit_gives_range(v2_range_vector(), 23, "000000000000b400", 102400, 46080);
	edit_refused(v2_range_vector(), 23, "000000000000b401");
}

static void v2_wrong_numbers(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-065", "DIST-073", "DIST-080", "DIST-081");
	edit_refused(v2_range_vector(), 2, "01");
	edit_refused(v2_vector(), 2, "00");
	edit_refused(v2_vector(), 31, "01");
	edit_refused(v2_vector(), 36, "00000000");
	edit_refused(v2_vector(), 36, "00020001");
	edit_refused(v2_vector(), 104, "ffffffff");
	edit_gives_range(v2_vector(), 36, "00020000", 0, 131072 + 87040 + 45056);
	edit_refused(v2_vector(), 19, "0000f000");
	edit_refused(v2_vector(), 19, "ffffffff");
	edit_refused(v2_vector(), 3, "ffffffffffffffff");
	edit_refused(v2_vector(), 11, "ffffffffffffffff");
}

static void v2_chunks(void **state)
{
	struct blob vector = v2_vector(), split = {malloc(250), 0}, again;
	struct content_info whole = parses(&vector), parts;
	struct content_walk a, b;
	struct content_segment s, t;

	(void)state;
	PONTO_PROVES("DIST-072", "DIST-075", "DIST-076");
	memcpy(split.data, vector.data, 31);
	split.len = 31;
	for (size_t i = 0; i < 3; i++) {
		memcpy(split.data + split.len, "\0\0\0\0\x44", 5);
		memcpy(split.data + split.len + 5, vector.data + 36 + 68 * i, 68);
		split.len += 73;
	}
	parts = parses(&split);
	assert_int_equal(parts.segments, 3);
	assert_int_equal(parts.length, whole.length);
	content_walk_start(&a, &whole);
	content_walk_start(&b, &parts);
	while (content_walk_next(&a, &s)) {
		assert_true(content_walk_next(&b, &t));
		assert_memory_equal(&s, &t, sizeof(s));
	}
	assert_false(content_walk_next(&b, &t));
	edit_refused(v2_vector(), 32, "00000000");
	edit_refused(v2_vector(), 32, "00000043");
	edit_refused(v2_vector(), 32, "00000045");
	edit_refused(v2_vector(), 32, "00000110");
	edit_refused(v2_vector(), 32, "ffffffff");
	/* One chunk less than the bytes there are, and none at all. */
	edit_refused(v2_vector(), 32, "00000088");
	again = blob_copy(vector.data, 31);
	refused(&again);
	for (size_t n = 31; n < vector.len; n++) {
		struct blob cut = blob_copy(vector.data, n);

		refused(&cut);
		free(cut.data);
	}
	free(again.data);
	free(split.data);
	free(vector.data);
}

/* A chunk's length is 32 bits wide: longer lists go on in another. */
static void v2_more_than_a_chunk(void **state)
{
	const uint64_t full = UINT32_MAX / 68, count = full + 3, size = count * 65536;
	struct content_segment segment = {.size = 65536};
	struct content_layout l;
	struct ponto_writer w;
	uint8_t buf[80];

	(void)state;
	assert_ok(content_layout_v2(size, 0, size, 0, 0, count, size, &l));
	assert_int_equal(l.size, 31 + 2 * 5 + 68 * count);
	w = ponto_writer(buf, sizeof(buf));
	content_info_write_segment(&l, 0, &segment, &w);
	assert_int_equal(w.pos, 73);
	assert_hex(buf, 9, "00 ffffffcc 00010000");
	w = ponto_writer(buf, sizeof(buf));
	content_info_write_segment(&l, full - 1, &segment, &w);
	assert_int_equal(w.pos, 68);
	w = ponto_writer(buf, sizeof(buf));
	content_info_write_segment(&l, full, &segment, &w);
	assert_hex(buf, 9, "00 000000cc 00010000");
}

static void v2_layouts_refused(void **state)
{
	struct content_layout l;

	(void)state;
	assert_ok(content_layout_v2(193536, 102400, 10240, 1, 61440, 1, 87040, &l));
	assert_int_equal(content_layout_v2(193536, 102400, 0, 1, 61440, 1, 87040, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 102400, 46081, 1, 61440, 1, 87040, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 61439, 10, 1, 61440, 1, 87040, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 102400, 10240, 1, 61440, 0, 87040, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 102400, 10240, 1, 61440, 1, 193536, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 193536, 1, 1, 61440, 1, 87040, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(UINT64_MAX, UINT64_MAX - 5, 5, 1, UINT64_MAX - 5, 1, 5, &l), PONTO_EINVAL);
	assert_int_equal(content_layout_v2(193536, 150000, 1, 0, 0, 3, 193536, &l), PONTO_EINVAL);
}

/* ---- both --------------------------------------------------------------------------- */

static void other_versions(void **state)
{
	static const char *const bad[] = {"0003", "0101", "0102", "0200", "0000", "0100", "ff01", "00ff"};

	(void)state;
	PONTO_PROVES("DIST-003", "DIST-064");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct blob a = v1_vector(), b = v2_vector();

		assert_int_equal(parses(&a).algo, CONTENT_SHA256);
		assert_int_equal(parses(&b).algo, CONTENT_TRUNCATED);
		blob_edit(&a, 0, bad[i]);
		blob_edit(&b, 0, bad[i]);
		refused_as(&a, PONTO_ENOTSUP);
		refused_as(&b, PONTO_ENOTSUP);
		free(a.data);
		free(b.data);
	}
}

static bool holds(const struct blob *b, struct ponto_bytes part)
{
	for (size_t i = 0; i + part.len <= b->len; i++) {
		if (memcmp(b->data + i, part.data, part.len) == 0)
			return true;
	}
	return false;
}

/* Neither the secret nor the names go out; both names and keys are derived by whoever holds the description. */
static void what_it_does_not_say(void **state)
{
	struct blob content = pattern(200000);

	(void)state;
	PONTO_PROVES("DIST-021", "DIST-022", "DIST-023", "DIST-002");
	for (unsigned algo = CONTENT_SHA256; algo <= CONTENT_TRUNCATED; algo++) {
		struct content_made made = content_make(algo, bytes_of(&content), NULL);
		struct blob ci = content_describe(&made, 0, content.len);
		struct content_info info = parses(&ci);
		struct content_walk walk;
		struct content_segment s;
		uint8_t ks[CONTENT_HASH_MAX];
		size_t n = 0;

		content_server_secret(algo, ponto_bytes(SECRET_KEY, strlen(SECRET_KEY)), ks);
		assert_false(holds(&ci, ponto_bytes(ks, 16)));
		assert_false(holds(&ci, ponto_bytes(SECRET_KEY, strlen(SECRET_KEY))));
		content_walk_start(&walk, &info);
		while (content_walk_next(&walk, &s)) {
			struct content_id mine, theirs;

			content_segment_id(info.algo, s.kp, s.hod, &mine);
			content_segment_id(algo, made.segments[n].kp, made.segments[n].hod, &theirs);
			assert_true(content_id_equal(&mine, &theirs));
			assert_false(holds(&ci, ponto_bytes(mine.b, 16)));
			n++;
		}
		assert_int_equal(n, made.count);
		free(ci.data);
		content_made_free(&made);
	}
	free(content.data);
}

/* Sizes around every boundary: segments follow each other without gap, pieces too, and any range of them comes back. */
static void segments_cover_the_content(void **state)
{
	static const size_t sizes[] = {1,      2,	65535,	  65536,    65537,    131072,
				       131073, 1000000, 33554431, 33554432, 33554433, 36000000};
	struct ponto_test_random tr;

	(void)state;
	PONTO_PROVES("DIST-004", "DIST-077", "DIST-011", "DIST-012");
	ponto_test_random_init(&tr, 9);
	for (size_t i = 0; i < 2 * PONTO_ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i / 2];
		enum content_algo algo = i % 2 ? CONTENT_TRUNCATED : CONTENT_SHA256;
		struct blob content = pattern(size);
		struct content_made made = content_make(algo, bytes_of(&content), NULL);
		uint64_t at = 0;

		for (size_t s = 0; s < made.count; s++) {
			const struct content_segment *seg = &made.segments[s];
			uint32_t blocks = content_segment_blocks(algo, seg->size), inside = 0;

			assert_int_equal(seg->offset, at);
			assert_int_equal(seg->index, s);
			for (uint32_t b = 0; b < blocks; b++) {
				uint32_t len = content_block_size(algo, seg->size, b);
				uint8_t hash[CONTENT_HASH_MAX];

				assert_int_equal(content_block_offset(algo, b), inside);
				openssl_hash(algo, ponto_bytes(content.data + at + inside, len), hash);
				assert_true(ponto_bytes_equal(content_block_hash(algo, seg, b),
							      ponto_bytes(hash, content_hash_size(algo))));
				inside += len;
			}
			assert_int_equal(inside, seg->size);
			at += seg->size;
		}
		assert_int_equal(at, size);
		for (int round = 0; round < 20; round++) {
			uint64_t start = ponto_random_below(&tr.random, size);
			uint64_t length = 1 + ponto_random_below(&tr.random, size - start);
			struct blob ci = content_describe(&made, start, length);
			struct content_info info = parses(&ci);

			assert_int_equal(info.start, start);
			assert_int_equal(info.length, length);
			free(ci.data);
		}
		free(content.data);
		content_made_free(&made);
	}
}

/* Against a count made byte by byte. */
static void touched_blocks(void **state)
{
	struct content_segment s = {.offset = 1000, .size = 200000};
	static const struct {
		uint64_t start, length;
		uint32_t first, count;
	} v1[] = {
		{0, 1000, 0, 0},
		{0, 1001, 0, 1},
		{1000, 1, 0, 1},
		{1000, 65536, 0, 1},
		{1000, 65537, 0, 2},
		{66535, 2, 0, 2},
		{66536, 1, 1, 1},
		{200999, 1, 3, 1},
		{200999, UINT64_MAX - 200999, 3, 1},
		{201000, 5, 0, 0},
		{0, UINT64_MAX, 0, 4},
		{1000, 0, 0, 0},
		{UINT64_MAX, UINT64_MAX, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(v1); i++) {
		uint32_t first = 0;

		assert_int_equal(content_touched(CONTENT_SHA256, &s, v1[i].start, v1[i].length, &first), v1[i].count);
		assert_int_equal(first, v1[i].first);
		assert_int_equal(content_touched(CONTENT_TRUNCATED, &s, v1[i].start, v1[i].length, &first),
				 v1[i].count ? 1 : 0);
	}
}

static void pieces_out_of_order(void **state)
{
	struct content_maker *m = malloc(sizeof(*m));
	struct content_segment s;
	uint8_t hash[CONTENT_HASH_MAX] = {0};

	(void)state;
	assert_non_null(m);
	content_maker_init(m, CONTENT_SHA256);
	assert_int_equal(content_maker_end(m, &s), 0);
	assert_int_equal(content_maker_piece(m, 0, hash, &s), PONTO_EINVAL);
	assert_int_equal(content_maker_piece(m, 65537, hash, &s), PONTO_EINVAL);
	assert_int_equal(content_maker_piece(m, 100, hash, &s), 0);
	/* A short block was the last. */
	assert_int_equal(content_maker_piece(m, 65536, hash, &s), PONTO_EINVAL);
	assert_int_equal(content_maker_end(m, &s), 1);
	assert_int_equal(s.size, 100);
	assert_int_equal(content_maker_end(m, &s), 0);
	content_maker_init(m, CONTENT_TRUNCATED);
	assert_int_equal(content_maker_piece(m, 131073, hash, &s), PONTO_EINVAL);
	assert_int_equal(content_maker_piece(m, 131072, hash, &s), 1);
	assert_int_equal(content_maker_piece(m, 1, hash, &s), 1);
	assert_int_equal(s.offset, 131072);
	free(m);
}

static void hashes_that_are_missing(void **state)
{
	struct content_segment s = {.size = 128000};
	struct content_layout l;
	struct ponto_writer w;
	uint8_t buf[200];
	size_t len;

	(void)state;
	assert_ok(content_layout_v1(CONTENT_SHA256, 128000, 0, 128000, &l));
	w = ponto_writer(buf, sizeof(buf));
	s.block_hashes = ponto_bytes(buf, 32);
	content_info_write_blocks(&l, 0, &s, &w);
	assert_int_equal(ponto_writer_done(&w, &len), PONTO_ELIMIT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(v1_made),
	cmocka_unit_test(v1_longer_hashes),
	cmocka_unit_test(v1_ranges),
	cmocka_unit_test(v1_many_segments),
	cmocka_unit_test(v1_ranges_inside),
	cmocka_unit_test(v1_both_ways_to_say_the_end),
	cmocka_unit_test(v1_offset_lies_in_the_first),
	cmocka_unit_test(v1_wrong_numbers),
	cmocka_unit_test(v1_every_length),
	cmocka_unit_test(v1_list_fits_its_hod),
	cmocka_unit_test(v1_partial_list),
	cmocka_unit_test(v1_disorder),
	cmocka_unit_test(v2_made),
	cmocka_unit_test(v2_ranges),
	cmocka_unit_test(v2_length_of_the_whole),
	cmocka_unit_test(v2_wrong_numbers),
	cmocka_unit_test(v2_chunks),
	cmocka_unit_test(v2_more_than_a_chunk),
	cmocka_unit_test(v2_layouts_refused),
	cmocka_unit_test(other_versions),
	cmocka_unit_test(what_it_does_not_say),
	cmocka_unit_test(segments_cover_the_content),
	cmocka_unit_test(touched_blocks),
	cmocka_unit_test(pieces_out_of_order),
	cmocka_unit_test(hashes_that_are_missing),
};

PONTO_TEST_MAIN(tests)
