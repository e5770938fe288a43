/* What messages of the Retrieval Protocol may hold and what not: [MS-PCCRR] 2. */
#include "tests/unit/content_codec_test.h"

static void refused(const struct blob *b)
{
	struct content_message m, before;

	memset(&m, 0xa5, sizeof(m));
	before = m;
	assert_int_equal(content_request_decode(bytes_of(b), 1, 2, &m), PONTO_EPROTO);
	assert_int_equal(content_response_decode(bytes_of(b), &m), PONTO_EPROTO);
	assert_memory_equal(&m, &before, sizeof(m));
}

static void edit_refused(const char *hex, size_t at, const char *edit)
{
	struct blob b = blob_hex(hex);

	blob_edit(&b, at, edit);
	refused(&b);
	free(b.data);
}

/* A message with len bytes, its own sizes made right. */
static struct blob resized(const char *hex, const char *tail, bool request)
{
	struct blob a = blob_hex(hex), b = blob_hex(tail), out = {malloc(a.len + b.len), a.len + b.len};
	struct ponto_writer w = ponto_writer(out.data, out.len);

	ponto_write_copy(&w, a.data, a.len);
	ponto_write_copy(&w, b.data, b.len);
	if (!request)
		ponto_patch_be32(&w, 0, out.len - 4);
	ponto_patch_be32(&w, request ? 8 : 12, out.len - (request ? 0 : 4));
	free(a.data);
	free(b.data);
	return out;
}

/* ---- what is tolerated, what is not --------------------------------------------------- */

/* Ranges in any order, twice, empty, or of absurd numbers. */
static void ranges_as_they_come(void **state)
{
	struct blob b = resized("00000001 00000002 00000000 00000001 00000020" ID_1,
				"00000006 00000009 00000002 00000003 00000001 00000004 00000002 00000003 00000002"
				"ffffffff ffffffff 000001ff 00000005",
				true);
	struct content_message m = request_of(&b);
	uint32_t index, count;

	(void)state;
	PONTO_PROVES("DIST-238", "DIST-200", "DIST-197");
	assert_int_equal(m.wanted.count, 6);
	assert_int_equal(m.wanted.lowest, 3);
	assert_true(content_blocks_run(&m.wanted.blocks, 0, &index, &count));
	assert_int_equal(index, 3);
	assert_int_equal(count, 3);
	assert_true(content_blocks_run(&m.wanted.blocks, 6, &index, &count));
	assert_int_equal(index, 9);
	assert_int_equal(count, 2);
	assert_true(content_blocks_run(&m.wanted.blocks, 11, &index, &count));
	assert_int_equal(index, 511);
	assert_int_equal(count, 1);
	assert_false(content_blocks_run(&m.wanted.blocks, 512, &index, &count));
	free(b.data);
}

static void no_ranges(void **state)
{
	struct blob none = resized("00000001 00000002 00000000 00000001 00000020" ID_1, "00000000", true);
	struct blob zero = resized("00000001 00000003 00000000 00000001 00000020" ID_1,
				   "00000001 00000007 00000000 00000000", true);
	struct content_message m = request_of(&none);

	(void)state;
	assert_int_equal(m.wanted.count, 0);
	assert_int_equal(content_blocks_count(&m.wanted.blocks), 0);
	m = request_of(&zero);
	assert_int_equal(m.wanted.lowest, 7);
	assert_int_equal(content_blocks_count(&m.wanted.blocks), 0);
	free(none.data);
	free(zero.data);
}

static void ranges_made(void **state)
{
	struct content_message m = {.type = CONTENT_GETBLKLIST, .crypto = CONTENT_AES_128};
	static const uint32_t wanted[] = {5, 3, 4, 9};
	uint8_t buf[CONTENT_LIST_MAX];
	struct blob b;
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-237", "DIST-234", "DIST-198", "DIST-199");
	m.wanted.id = id_of(ID_1);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wanted); i++)
		content_blocks_add(&m.wanted.blocks, wanted[i], 1);
	encodes_to(&m,
		   "00000001 00000002 00000048 00000001 00000020" ID_1 "00000002 00000003 00000003 00000009 00000001");
	memset(&m.wanted.blocks, 0, sizeof(m.wanted.blocks));
	not_encoded(&m);
	for (uint32_t i = 0; i < 512; i += 2)
		content_blocks_add(&m.wanted.blocks, i, 1);
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	b = blob_copy(buf, len);
	m = request_of(&b);
	assert_int_equal(m.wanted.count, 256);
	assert_int_equal(content_blocks_count(&m.wanted.blocks), 256);
	free(b.data);
	memset(&m.wanted.blocks, 0, sizeof(m.wanted.blocks));
	content_blocks_add(&m.wanted.blocks, 511, 1);
	content_blocks_add(&m.wanted.blocks, 0, 512);
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	assert_hex(buf + 52, 12, "00000001 00000000 00000200");
}

/* The longest list fits what is said to hold it. */
static void the_longest_list(void **state)
{
	struct content_message m = {.type = CONTENT_BLKLIST};
	uint8_t id[64] = {1}, buf[CONTENT_LIST_MAX];
	size_t len;

	(void)state;
	assert_ok(content_id_set(ponto_bytes(id, 64), &m.blklist.id));
	for (uint32_t i = 0; i < 512; i += 2)
		content_blocks_add(&m.blklist.blocks, i, 1);
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	assert_int_equal(len, sizeof(buf));
}

static void ids_of_other_lengths(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 4, 31, 32, 33, 48, 63, 64};
	uint8_t bytes[64], buf[CONTENT_LIST_MAX];

	(void)state;
	PONTO_PROVES("DIST-191", "DIST-230", "DIST-231", "DIST-233");
	memset(bytes, 0xee, sizeof(bytes));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lengths); i++) {
		struct content_message m = {.type = CONTENT_GETBLKS, .crypto = CONTENT_AES_128};
		size_t len, pad = (4 - lengths[i] % 4) % 4;
		struct blob b;

		assert_ok(content_id_set(ponto_bytes(bytes, lengths[i]), &m.wanted.id));
		content_blocks_add(&m.wanted.blocks, 511, 1);
		memset(buf, 0xff, sizeof(buf));
		assert_ok(content_encode(&m, buf, sizeof(buf), &len));
		assert_int_equal(len, 16 + 4 + lengths[i] + pad + 16);
		for (size_t p = 0; p < pad; p++)
			assert_int_equal(buf[20 + lengths[i] + p], 0);
		/* What stands in the padding does not matter. */
		memset(buf + 20 + lengths[i], 0xcc, pad);
		b = blob_copy(buf, len);
		m = request_of(&b);
		assert_int_equal(m.wanted.id.len, lengths[i]);
		assert_int_equal(m.wanted.lowest, 511);
		free(b.data);
	}
	edit_refused(GETBLKS, 16, "00000000");
	edit_refused(GETBLKS, 16, "00000041");
	edit_refused(GETBLKS, 16, "ffffffff");
}

static void verification_data_is_skipped(void **state)
{
	struct blob odd = resized("00000001 00000003 00000000 00000001 00000020" ID_1,
				  "00000001 00000004 00000001 00000005 0102030405", true);
	struct blob padded = resized("00000001 00000003 00000000 00000001 00000020" ID_1,
				     "00000001 00000004 00000001 00000005 0102030405 000000", true);
	struct blob more = resized("00000001 00000003 00000000 00000001 00000020" ID_1,
				   "00000001 00000004 00000001 00000005 0102030405 00000000", true);

	(void)state;
	PONTO_PROVES("DIST-242");
	assert_int_equal(request_of(&odd).wanted.lowest, 4);
	assert_int_equal(request_of(&padded).wanted.lowest, 4);
	refused(&more);
	free(odd.data);
	free(padded.data);
	free(more.data);
}

static void verification_blocks_are_skipped(void **state)
{
	struct blob plain = pattern(100), kp = blob_hex(KP_SMALL), opened;
	struct blob b = resized(BLK_HEAD("00000000", "00000001", "00000070") CT_128,
				"00000005 aabbccddee 000000 00000010" IV, false);
	struct content_message m = response_of(&b);

	(void)state;
	PONTO_PROVES("DIST-267");
	opened = openssl_decrypt(ponto_bytes(kp.data, 16), m.blk.iv, m.blk.data);
	assert_memory_equal(opened.data, plain.data, 100);
	free(opened.data);
	free(b.data);
	free(kp.data);
	free(plain.data);
}

static void bad_sealed_blocks(void **state)
{
	struct blob b;

	(void)state;
	PONTO_PROVES("DIST-269");
	b = resized(BLK_HEAD("00000000", "00000001", "00000070") CT_128, "00000000 00000000", false);
	refused(&b);
	free(b.data);
	b = resized(BLK_HEAD("00000000", "00000001", "00000070") CT_128,
		    "00000000 0000000f 000102030405060708090a0b0c0d0e", false);
	refused(&b);
	free(b.data);
	b = resized(BLK_HEAD("00000000", "00000001", "00000011") "0102030405060708090a0b0c0d0e0f1011 000000",
		    "00000000 00000010" IV, false);
	refused(&b);
	free(b.data);
	/* Without a cipher neither matters. */
	b = resized(BLK_HEAD("00000000", "00000000", "00000011") "0102030405060708090a0b0c0d0e0f1011 000000",
		    "00000000 00000000", false);
	assert_int_equal(response_of(&b).blk.data.len, 17);
	free(b.data);
}

static void counts_that_lie(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-235", "DIST-243", "DIST-250");
	edit_refused(GETBLKLIST, 52, "0000000a");
	edit_refused(GETBLKLIST, 52, "00000000");
	edit_refused(GETBLKLIST, 52, "20000001");
	edit_refused(GETBLKLIST, 52, "ffffffff");
	edit_refused(GETBLKS, 52, "0000000a");
	edit_refused(GETBLKS, 52, "00000000");
	edit_refused(GETBLKS, 64, "00000001");
	edit_refused(GETSEGLIST, 32, "00000000");
	edit_refused(GETSEGLIST, 32, "00000002");
	edit_refused(GETSEGLIST, 32, "00000004");
	edit_refused(GETSEGLIST, 32, "ffffffff");
	edit_refused(GETSEGLIST, 144, "00000001");
	edit_refused(SEGLIST, 36, "00000001");
	edit_refused(SEGLIST, 36, "00000003");
	edit_refused(SEGLIST, 36, "ffffffff");
	edit_refused(SEGLIST, 56, "ffffffff");
	edit_refused(BLK_128, 64, "00000071");
	edit_refused(BLK_128, 64, "ffffffff");
	edit_refused(BLKLIST, 56, "00000000");
}

static void empty_segment_ranges(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-201");
	edit_refused(SEGLIST, 44, "00000000");
}

static void sizes_that_lie(void **state)
{
	static const char *const messages[] = {NEGO_REQ, GETBLKLIST, BLKLIST,	 GETBLKS,
					       BLK_128,	 BLK_EMPTY,  GETSEGLIST, SEGLIST};

	(void)state;
	PONTO_PROVES("DIST-192", "DIST-220", "DIST-209", "DIST-185");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(messages); i++) {
		struct blob whole = blob_hex(messages[i]), twice = {malloc(2 * whole.len), 2 * whole.len};

		for (size_t n = 0; n < whole.len; n++) {
			struct blob cut = blob_copy(whole.data, n);

			refused(&cut);
			free(cut.data);
		}
		memcpy(twice.data, whole.data, whole.len);
		memcpy(twice.data + whole.len, whole.data, whole.len);
		refused(&twice);
		free(twice.data);
		free(whole.data);
	}
	edit_refused(GETBLKLIST, 8, "00000044");
	edit_refused(GETBLKLIST, 8, "0000003c");
	edit_refused(GETBLKLIST, 8, "00000000");
	edit_refused(BLKLIST, 0, "00000048");
	edit_refused(BLKLIST, 12, "00000048");
	edit_refused(BLKLIST, 0, "ffffffff");
}

static void types(void **state)
{
	struct content_message m;
	struct blob b = blob_hex(BLK_128), request = blob_hex(GETBLKS);

	(void)state;
	PONTO_PROVES("DIST-188", "DIST-218");
	edit_refused(GETBLKLIST, 4, "0000fefe");
	edit_refused(GETBLKLIST, 4, "00000008");
	edit_refused(GETBLKLIST, 4, "00000102");
	edit_refused(BLKLIST, 8, "00000008");
	/* Answers are no requests, requests no answers. */
	assert_int_equal(content_request_decode(ponto_bytes(b.data + 4, b.len - 4), 1, 2, &m), PONTO_EPROTO);
	b.data[11] = CONTENT_GETBLKS;
	refused(&b);
	assert_int_equal(content_response_decode(bytes_of(&request), &m), PONTO_EPROTO);
	free(b.data);
	free(request.data);
}

static void versions_of_requests(void **state)
{
	struct blob b = blob_hex(GETBLKLIST), seg = blob_hex(GETSEGLIST);
	struct content_message m;

	(void)state;
	PONTO_PROVES("DIST-305", "DIST-288");
	/* Any minor version, and any major version that is spoken. */
	blob_edit(&b, 0, "00020001");
	assert_int_equal(request_of(&b).version.minor, 2);
	blob_edit(&b, 0, "00070002");
	(void)request_of(&b);
	/* No other, whatever follows the header. */
	blob_edit(&b, 0, "00000009");
	blob_edit(&b, 52, "ffffffff");
	assert_int_equal(content_request_decode(bytes_of(&b), 1, 2, &m), PONTO_ENOTSUP);
	assert_int_equal(m.type, CONTENT_GETBLKLIST);
	assert_int_equal(m.version.major, 9);
	blob_edit(&b, 0, "00000000");
	assert_int_equal(content_request_decode(bytes_of(&b), 1, 2, &m), PONTO_ENOTSUP);
	assert_int_equal(content_request_decode(bytes_of(&seg), 1, 1, &m), PONTO_ENOTSUP);
	/* A message of version 2.0 under 1.0 is malformed. */
	blob_edit(&seg, 0, "00000001");
	refused(&seg);
	free(b.data);
	free(seg.data);
}

static void ciphers_of_messages(void **state)
{
	struct blob b = blob_hex(GETBLKS);

	(void)state;
	PONTO_PROVES("DIST-223", "DIST-222");
	blob_edit(&b, 12, "000000fe");
	assert_int_equal(request_of(&b).crypto, 0xfe);
	edit_refused(BLK_128, 16, "00000004");
	edit_refused(BLKLIST, 16, "ffffffff");
	free(b.data);
}

static void limits(void **state)
{
	const size_t ids = (CONTENT_REQUEST_MAX - 40) / 36;
	struct content_message m = {.type = CONTENT_GETSEGLIST};
	uint8_t *list = malloc((ids + 1) * 36), *buf = malloc(CONTENT_RESPONSE_MAX + 100);
	struct blob block = pattern(CONTENT_RESPONSE_MAX);
	struct content_id id = id_of(ID_1);
	size_t len = 0, got;
	struct blob b;

	(void)state;
	PONTO_PROVES("DIST-193", "DIST-194", "DIST-195");
	for (size_t i = 0; i <= ids; i++)
		assert_ok(content_ids_append(&id, list, (ids + 1) * 36, &len));
	m.getseglist.ids = (struct content_ids){ponto_bytes(list, ids * 36), (uint32_t)ids};
	m.getseglist.blob = ponto_bytes(block.data, CONTENT_REQUEST_MAX - 40 - ids * 36);
	assert_ok(content_encode(&m, buf, CONTENT_RESPONSE_MAX, &got));
	assert_int_equal(got, CONTENT_REQUEST_MAX);
	b = blob_copy(buf, got);
	(void)request_of(&b);
	free(b.data);
	m.getseglist.blob.len++;
	assert_int_equal(content_encode(&m, buf, CONTENT_RESPONSE_MAX, &got), PONTO_ELIMIT);
	/* The same, one byte too long, comes in. */
	buf[CONTENT_REQUEST_MAX] = 0;
	b = blob_copy(buf, CONTENT_REQUEST_MAX + 1);
	blob_edit(&b, 8, "00018001");
	blob_edit(&b, 36 + ids * 36, "00000015");
	refused(&b);
	free(b.data);
	/* A whole version 2.0 segment, and the longest answer. */
	m = (struct content_message){.type = CONTENT_BLK, .crypto = CONTENT_PLAIN};
	m.blk.id = id;
	m.blk.data = ponto_bytes(block.data, 131072);
	assert_ok(content_encode(&m, buf, CONTENT_RESPONSE_MAX + 100, &got));
	b = blob_copy(buf, got);
	assert_int_equal(response_of(&b).blk.data.len, 131072);
	free(b.data);
	m.blk.data.len = CONTENT_RESPONSE_MAX - 72;
	assert_ok(content_encode(&m, buf, CONTENT_RESPONSE_MAX + 100, &got));
	assert_int_equal(got, CONTENT_RESPONSE_MAX + 4);
	b = blob_copy(buf, got);
	(void)response_of(&b);
	free(b.data);
	m.blk.data.len++;
	assert_int_equal(content_encode(&m, buf, CONTENT_RESPONSE_MAX + 100, &got), PONTO_ELIMIT);
	b = blob_copy(buf, CONTENT_RESPONSE_MAX + 8);
	blob_edit(&b, 0, "00060004 00000001 00000005 00060004");
	refused(&b);
	free(b.data);
	free(list);
	free(buf);
	free(block.data);
}

/* ---- ages ------------------------------------------------------------------------------ */

/* A blob that is no good leaves the message around it alone; more bytes than ages are no fault. */
static void ages_in_messages(void **state)
{
	struct blob b = blob_hex(SEGLIST);
	struct content_message m;
	struct content_ages a;

	(void)state;
	PONTO_PROVES("DIST-284");
	blob_edit(&b, 60, "0002");
	m = response_of(&b);
	assert_int_equal(content_ages_decode(m.seglist.blob, &a), PONTO_EPROTO);
	blob_edit(&b, 60, "0001 03 01");
	m = response_of(&b);
	assert_ok(content_ages_decode(m.seglist.blob, &a));
	assert_int_equal(a.count, 1);
	free(b.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ranges_as_they_come),
	cmocka_unit_test(no_ranges),
	cmocka_unit_test(ranges_made),
	cmocka_unit_test(the_longest_list),
	cmocka_unit_test(ids_of_other_lengths),
	cmocka_unit_test(verification_data_is_skipped),
	cmocka_unit_test(verification_blocks_are_skipped),
	cmocka_unit_test(bad_sealed_blocks),
	cmocka_unit_test(counts_that_lie),
	cmocka_unit_test(empty_segment_ranges),
	cmocka_unit_test(sizes_that_lie),
	cmocka_unit_test(types),
	cmocka_unit_test(versions_of_requests),
	cmocka_unit_test(ciphers_of_messages),
	cmocka_unit_test(limits),
	cmocka_unit_test(ages_in_messages),
};

PONTO_TEST_MAIN(tests)
