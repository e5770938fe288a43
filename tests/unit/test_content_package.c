/* Packages: as docs/distribution.md has them, byte for byte, and every lie that a file can tell. */
#include "engines/content/content_package.h"
#include "tests/unit/content_test.h"

static uint8_t file[512 * 1024];

struct made {
	struct blob data;
	struct content_made content;
	struct content_package_segment segment;
	size_t len; /* of file */
};

static struct content_package_segment segment_of(const struct content_made *content, bool keyed)
{
	struct content_package_segment s = {.algo = content->algo, .keyed = keyed, .segment = content->segments[0]};

	memcpy(s.tag, "a tag", 5);
	content_segment_id(content->algo, s.segment.kp, s.segment.hod, &s.id);
	return s;
}

static void put_block(struct ponto_writer *w, const struct made *m, uint32_t index)
{
	uint32_t at = content_block_offset(m->content.algo, index);
	struct content_package_block b = {.index = index};

	b.data = ponto_bytes(m->data.data + at, content_block_size(m->content.algo, m->segment.segment.size, index));
	ponto_sha256(&b.data, 1, b.hash);
	content_package_write_block(w, m->segment.keyed, &b);
	ponto_write_bytes(w, b.data);
}

/* One segment of three blocks (version 2.0: of one), the first and the last of them. */
static struct made make(enum content_algo algo, bool keyed)
{
	struct made m = {.data = pattern(content_is_v2(algo) ? 60000 : 2 * CONTENT_BLOCK + 777)};
	const uint32_t whole[] = {60000, 0};
	struct ponto_writer w = ponto_writer(file, sizeof(file));

	m.content = content_make(algo, bytes_of(&m.data), content_is_v2(algo) ? whole : NULL);
	m.segment = segment_of(&m.content, keyed);
	content_package_write_head(&w);
	content_package_write_segment(&w, &m.segment);
	put_block(&w, &m, 0);
	if (!content_is_v2(algo))
		put_block(&w, &m, 2);
	content_package_write_end(&w, 1, content_is_v2(algo) ? 1 : 2);
	assert_ok(ponto_writer_done(&w, &m.len));
	return m;
}

static void made_free(struct made *m)
{
	content_made_free(&m->content);
	free(m->data.data);
}

/* The first error; PONTO_ETIME: it ends too early. */
static int read_file(struct content_package *p, size_t len)
{
	size_t at = CONTENT_PACKAGE_HEAD;
	int result = len < at ? PONTO_ETIME : content_package_begin(p, file);

	while (result == PONTO_OK && !p->ended) {
		enum content_package_type type;
		uint32_t body;

		if (len - at < CONTENT_PACKAGE_RECORD_HEAD)
			return PONTO_ETIME;
		result = content_package_record(p, file + at, &type, &body);
		if (result != PONTO_OK)
			break;
		at += CONTENT_PACKAGE_RECORD_HEAD;
		if (len - at < body)
			return PONTO_ETIME;
		result = content_package_take(p, type, ponto_bytes(file + at, body));
		at += body;
	}
	return result;
}

static void refused(size_t at, uint8_t value, const char *why)
{
	struct content_package *p = malloc(sizeof(*p));
	uint8_t before = file[at];

	assert_non_null(p);
	assert_int_not_equal(before, value);
	file[at] = value;
	if (read_file(p, sizeof(file)) == PONTO_OK)
		fail_msg("taken with byte %zu = %u", at, value);
	assert_string_equal(p->why, why);
	file[at] = before;
	free(p);
}

static void what_is_written_is_read(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512, CONTENT_TRUNCATED};

	(void)state;
	for (unsigned i = 0; i < 2 * PONTO_ARRAY_SIZE(algos); i++) {
		struct made m = make(algos[i / 2], i % 2);
		struct content_package *p = malloc(sizeof(*p));

		assert_non_null(p);
		assert_ok(read_file(p, m.len));
		assert_true(p->ended);
		assert_int_equal(p->segments, 1);
		assert_int_equal(p->blocks, content_is_v2(algos[i / 2]) ? 1 : 2);
		assert_int_equal(p->segment.algo, algos[i / 2]);
		assert_int_equal(p->segment.keyed, i % 2);
		assert_true(content_id_equal(&p->segment.id, &m.segment.id));
		assert_memory_equal(p->segment.tag, m.segment.tag, CONTENT_TAG);
		assert_int_equal(p->segment.segment.size, m.segment.segment.size);
		assert_true(ponto_bytes_equal(p->segment.segment.block_hashes,
					      i % 2 ? m.segment.segment.block_hashes : ponto_bytes(NULL, 0)));
		assert_memory_equal(p->block.data.data, m.data.data + content_block_offset(algos[i / 2], p->block.index),
				    p->block.data.len);
		free(p);
		made_free(&m);
	}
}

/* The bytes of docs/distribution.md. */
static void bytes_are_as_documented(void **state)
{
	struct content_package_segment s = {.algo = CONTENT_TRUNCATED, .segment.size = 3, .id = {.len = 2, .b = {0xab, 0xcd}}};
	struct content_package_block b = {
		.index = 0, .crypto = CONTENT_AES_128, .data = ponto_bytes((const uint8_t *)"0123456789abcdef", 16)};
	struct ponto_writer w = ponto_writer(file, sizeof(file));

	(void)state;
	memset(b.iv, 0x11, sizeof(b.iv));
	memset(b.hash, 0x22, sizeof(b.hash));
	content_package_write_head(&w);
	content_package_write_segment(&w, &s);
	content_package_write_block(&w, false, &b);
	ponto_write_bytes(&w, b.data);
	content_package_write_end(&w, 1, 1);
	assert_hex(file, (size_t)w.pos,
		   "504f4e544f504b47 0001"
		   "01 00000019 04 00 00000003 00000000000000000000000000000000 02 abcd"
		   "02 00000043 0000 01 11111111111111111111111111111111"
		   "2222222222222222222222222222222222222222222222222222222222222222 30313233343536373839616263646566"
		   "03 00000010 0000000000000001 0000000000000001");
}

static void other_files_are_none(void **state)
{
	struct made m = make(CONTENT_SHA256, true);
	struct content_package *p = malloc(sizeof(*p));

	(void)state;
	assert_non_null(p);
	refused(0, 'Q', "this is no package");
	refused(9, 2, "a package of another version");
	file[9] = 2;
	assert_int_equal(content_package_begin(p, file), PONTO_ENOTSUP);
	free(p);
	made_free(&m);
}

static void cut_off_anywhere_it_has_no_end(void **state)
{
	struct made m = make(CONTENT_TRUNCATED, true);
	struct content_package *p = malloc(sizeof(*p));

	(void)state;
	assert_non_null(p);
	for (size_t len = 0; len < m.len; len++) {
		assert_int_equal(read_file(p, len), PONTO_ETIME);
		assert_false(len > CONTENT_PACKAGE_HEAD && p->ended);
	}
	free(p);
	made_free(&m);
}

/* Offsets: the first record's head is at 10, its body at 15: algorithm, keyed, size, tag, the ID's length and bytes. */
static void lies_about_a_segment(void **state)
{
	struct made m = make(CONTENT_SHA256, true);
	const size_t hod = 15 + 23 + 32, list = hod + 64;

	(void)state;
	refused(10, 0, "a record of an unknown type");
	refused(10, 4, "a record of an unknown type");
	refused(11, 1, "a record of an impossible length");
	refused(10, 2, "a block before any segment");
	refused(10, 3, "an end that counts other segments or blocks than there were");
	refused(14, 0xb7, "a segment whose block hashes do not make its HoD"); /* shorter: fewer hashes */
	refused(15, 5, "a segment of an unknown algorithm");
	refused(15, 3, "a segment whose keys do not make its ID");	  /* longer hashes */
	refused(15, 4, "a segment of an impossible size");		  /* for version 2.0 */
	refused(16, 2, "a segment that cannot be read");
	refused(17, 0xff, "a segment of an impossible size");
	refused(18, 1, "a segment whose block hashes do not make its HoD"); /* of more blocks */
	refused(37, 0, "a segment that cannot be read");
	refused(37, 65, "a segment that cannot be read");
	refused(37, 31, "a segment whose keys do not make its ID");
	refused(38, (uint8_t)~file[38], "a segment whose keys do not make its ID");
	refused(hod, (uint8_t)~file[hod], "a segment whose keys do not make its ID");
	refused(hod + 32, (uint8_t)~file[hod + 32], "a segment whose keys do not make its ID");
	refused(list, (uint8_t)~file[list], "a segment whose block hashes do not make its HoD");
	made_free(&m);
}

static void lies_about_blocks(void **state)
{
	struct made m = make(CONTENT_SHA256, true);
	const size_t first = 15 + 23 + 32 + 64 + 96, second = first + 5 + 3 + CONTENT_BLOCK, end = second + 5 + 3 + 777;

	(void)state;
	assert_int_equal(m.len, end + 5 + 16);
	refused(first + 6, 3, "a block that its segment cannot have");
	refused(first + 5, 2, "a block that its segment cannot have");
	refused(first + 7, 4, "a block that its segment cannot have");
	refused(first + 7, 1, "a block that its segment cannot have"); /* sealed beside keys */
	refused(first + 4, 4, "a block that its segment cannot have"); /* longer than the block */
	refused(second + 6, 0, "a block that its segment cannot have"); /* of another length */
	refused(second + 6, 1, "a block that its segment cannot have"); /* of another length */
	refused(end + 5 + 7, 2, "an end that counts other segments or blocks than there were");
	refused(end + 5 + 15, 3, "an end that counts other segments or blocks than there were");
	made_free(&m);
}

static void blocks_come_once_and_in_order(void **state)
{
	struct made m = make(CONTENT_SHA256, true);
	struct content_package *p = malloc(sizeof(*p));

	(void)state;
	assert_non_null(p);
	for (uint32_t second = 0; second < 2; second++) {
		struct ponto_writer w = ponto_writer(file, sizeof(file));

		content_package_write_head(&w);
		content_package_write_segment(&w, &m.segment);
		put_block(&w, &m, 1);
		put_block(&w, &m, second);
		assert_int_equal(read_file(p, (size_t)w.pos), PONTO_EPROTO);
		assert_string_equal(p->why, "blocks that are out of order");
	}
	free(p);
	made_free(&m);
}

static void nothing_follows_the_end(void **state)
{
	struct made m = make(CONTENT_TRUNCATED, false);
	struct content_package *p = malloc(sizeof(*p));
	enum content_package_type type;
	uint32_t len;

	(void)state;
	assert_non_null(p);
	assert_ok(read_file(p, m.len));
	assert_int_equal(content_package_record(p, file + 10, &type, &len), PONTO_EPROTO);
	assert_string_equal(p->why, "something behind its end");
	free(p);
	made_free(&m);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_written_is_read),
	cmocka_unit_test(bytes_are_as_documented),
	cmocka_unit_test(other_files_are_none),
	cmocka_unit_test(cut_off_anywhere_it_has_no_end),
	cmocka_unit_test(lies_about_a_segment),
	cmocka_unit_test(lies_about_blocks),
	cmocka_unit_test(blocks_come_once_and_in_order),
	cmocka_unit_test(nothing_follows_the_end),
};

PONTO_TEST_MAIN(tests)
