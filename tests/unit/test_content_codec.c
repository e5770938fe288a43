/* Messages of the Retrieval Protocol: [MS-PCCRR] 2. Ciphertexts are OpenSSL's. */
#include "tests/unit/content_codec_test.h"

/* ---- every message, both ways -------------------------------------------------------- */

static void negotiation(void **state)
{
	struct content_message m = {.type = CONTENT_NEGO_REQ, .crypto = 1, .nego = {{1, 0}, {2, 0}}};
	struct blob b = blob_hex(NEGO_REQ);

	(void)state;
	PONTO_PROVES("DIST-228", "DIST-213", "DIST-211", "DIST-210");
	encodes_to(&m, NEGO_REQ);
	m = request_of(&b);
	assert_int_equal(m.type, CONTENT_NEGO_REQ);
	assert_int_equal(m.version.major, 1);
	assert_int_equal(m.nego.least.major, 1);
	assert_int_equal(m.nego.most.major, 2);
	blob_edit(&b, 16, "00030004 00050006");
	m = request_of(&b);
	assert_int_equal(m.nego.least.minor, 3);
	assert_int_equal(m.nego.least.major, 4);
	assert_int_equal(m.nego.most.minor, 5);
	assert_int_equal(m.nego.most.major, 6);
	free(b.data);
}

static void negotiation_answered(void **state)
{
	struct content_message m = {.type = CONTENT_NEGO_RESP, .crypto = 1, .nego = {{1, 0}, {2, 0}}};
	struct blob b = blob_hex("00000018 00000001 00000001 00000018 00000001 00000001 00000002");

	(void)state;
	PONTO_PROVES("DIST-253", "DIST-214", "DIST-186", "DIST-208");
	encodes_to(&m, "00000018 00000001 00000001 00000018 00000001 00000001 00000002");
	m = response_of(&b);
	assert_int_equal(m.nego.most.major, 2);
	m.nego.least.major = 3;
	not_encoded(&m);
	free(b.data);
}

static void lists_wanted(void **state)
{
	struct content_message m = {.type = CONTENT_GETBLKLIST, .crypto = CONTENT_AES_128};
	struct blob b = blob_hex(GETBLKLIST);

	(void)state;
	PONTO_PROVES("DIST-229", "DIST-196", "DIST-221", "DIST-215");
	m.wanted.id = id_of(ID_1);
	content_blocks_add(&m.wanted.blocks, 0, 2);
	encodes_to(&m, GETBLKLIST);
	m = request_of(&b);
	assert_int_equal(m.type, CONTENT_GETBLKLIST);
	assert_hex(m.wanted.id.b, m.wanted.id.len, ID_1);
	assert_int_equal(content_blocks_count(&m.wanted.blocks), 2);
	assert_int_equal(m.wanted.count, 1);
	free(b.data);
}

static void lists_given(void **state)
{
	struct content_message m = {.type = CONTENT_BLKLIST, .crypto = CONTENT_AES_128};
	struct blob b = blob_hex(BLKLIST), empty = blob_hex(BLKLIST_EMPTY);

	(void)state;
	PONTO_PROVES("DIST-254", "DIST-216", "DIST-252", "DIST-219");
	m.blklist.id = id_of(ID_1);
	encodes_to(&m, BLKLIST_EMPTY);
	content_blocks_add(&m.blklist.blocks, 0, 2);
	encodes_to(&m, BLKLIST);
	m.blklist.next = 7;
	encodes_to(&m,
		   "00000044 00000001 00000004 00000044 00000001 00000020" ID_1 "00000001 00000000 00000002 00000007");
	m = response_of(&empty);
	assert_int_equal(content_blocks_count(&m.blklist.blocks), 0);
	m = response_of(&b);
	assert_int_equal(content_blocks_count(&m.blklist.blocks), 2);
	assert_int_equal(m.blklist.next, 0);
	free(b.data);
	free(empty.data);
}

static void a_block_wanted(void **state)
{
	struct content_message m = {.type = CONTENT_GETBLKS, .crypto = CONTENT_AES_128};
	struct blob b = blob_hex(GETBLKS);

	(void)state;
	PONTO_PROVES("DIST-239", "DIST-240", "DIST-241");
	m.wanted.id = id_of(ID_SMALL);
	not_encoded(&m);
	content_blocks_add(&m.wanted.blocks, 0, 1);
	encodes_to(&m, GETBLKS);
	content_blocks_add(&m.wanted.blocks, 9, 1);
	not_encoded(&m);
	m = request_of(&b);
	assert_int_equal(m.type, CONTENT_GETBLKS);
	assert_int_equal(m.wanted.lowest, 0);
	free(b.data);
}

static void sealed_blocks(void **state)
{
	static const struct {
		enum content_crypto crypto;
		const char *hex;
	} cases[] = {
		{CONTENT_AES_128, BLK_128},
		{CONTENT_AES_192, BLK_HEAD("000000c8", "00000002", "00000070") CT_192 "00000000 00000010" IV},
		{CONTENT_AES_256, BLK_HEAD("000000c8", "00000003", "00000070") CT_256 "00000000 00000010" IV},
	};
	struct blob kp = blob_hex(KP_SMALL), iv = blob_hex(IV), plain = pattern(100);

	(void)state;
	PONTO_PROVES("DIST-224", "DIST-225", "DIST-264", "DIST-268");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct ponto_bytes key = ponto_bytes(kp.data, content_key_size(cases[i].crypto));
		struct content_message m = {.type = CONTENT_BLK, .crypto = cases[i].crypto};
		struct blob sealed = openssl_encrypt(key, iv.data, bytes_of(&plain)), b = blob_hex(cases[i].hex),
			    opened;

		assert_int_equal(sealed.len, content_sealed_size(cases[i].crypto, plain.len));
		m.blk.id = id_of(ID_SMALL);
		m.blk.data = bytes_of(&sealed);
		memcpy(m.blk.iv, iv.data, 16);
		encodes_to(&m, cases[i].hex);
		m = response_of(&b);
		assert_int_equal(m.crypto, cases[i].crypto);
		assert_memory_equal(m.blk.iv, iv.data, 16);
		opened = openssl_decrypt(key, m.blk.iv, m.blk.data);
		assert_true(opened.len >= plain.len);
		assert_memory_equal(opened.data, plain.data, plain.len);
		free(opened.data);
		free(sealed.data);
		free(b.data);
	}
	free(kp.data);
	free(iv.data);
	free(plain.data);
}

static void sizes_of_sealed_blocks(void **state)
{
	static const struct {
		size_t at, len, sealed;
		const char *kp, *sha256;
	} v[] = {
		{0, 65536, 65552, "37298ec9c5d8b88e269df0925d966658",
		 "c0015536e7b70f06d700085a6e7c31901138532b9c70d257a4086e4257ae59fe"},
		{65536, 62464, 62480, "37298ec9c5d8b88e269df0925d966658",
		 "501644158d61ce8d172dd42fb6ac9144b0499ffce3c2b8eb5b7cca05db108109"},
		{61440, 87040, 87056, "208f9262cf412a0e3c6a85fd7622164a",
		 "19f6d3ad9a07cf43bd3d998f784e416cc45a96327fda21aef57e0f4e9f0c0e8f"},
	};
	struct blob plain = pattern(193536), iv = blob_hex(IV);

	(void)state;
	PONTO_PROVES("DIST-226");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(v); i++) {
		struct blob key = blob_hex(v[i].kp);
		struct blob sealed =
			openssl_encrypt(bytes_of(&key), iv.data, ponto_bytes(plain.data + v[i].at, v[i].len));

		assert_int_equal(sealed.len, v[i].sealed);
		assert_int_equal(content_sealed_size(CONTENT_AES_128, v[i].len), v[i].sealed);
		assert_sha256(bytes_of(&sealed), v[i].sha256);
		free(sealed.data);
		free(key.data);
	}
	assert_int_equal(content_sealed_size(CONTENT_PLAIN, 65536), 65536);
	assert_int_equal(content_sealed_size(CONTENT_AES_256, 1), 16);
	free(plain.data);
	free(iv.data);
}

static void plain_and_empty_blocks(void **state)
{
	struct blob plain = pattern(100), b = blob_hex(BLK_EMPTY);
	struct content_message m = {.type = CONTENT_BLK, .crypto = CONTENT_PLAIN};
	uint8_t buf[300];
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-260", "DIST-263", "DIST-266", "DIST-265");
	m.blk.id = id_of(ID_SMALL);
	m.blk.data = bytes_of(&plain);
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	assert_int_equal(len, 4 + 0xac);
	assert_hex(buf, 76, BLK_HEAD("000000ac", "00000000", "00000064") "0001020304050607");
	assert_hex(buf + len - 12, 12, "60616263 00000000 00000000");
	/* 97 bytes are padded to 100, with zeros. */
	m.blk.data.len = 97;
	memset(buf, 0xff, sizeof(buf));
	assert_ok(content_encode(&m, buf, sizeof(buf), &len));
	assert_int_equal(len, 4 + 0xac);
	assert_hex(buf + len - 12, 12, "60000000 00000000 00000000");
	m.crypto = CONTENT_AES_128;
	not_encoded(&m);
	m.blk.data.len = 0;
	encodes_to(&m, BLK_EMPTY);
	m = response_of(&b);
	assert_int_equal(m.blk.data.len, 0);
	free(plain.data);
	free(b.data);
}

/* The block written in place says the same as the block copied. */
static void a_block_in_place(void **state)
{
	struct content_message back;
	struct blob plain = pattern(131072), iv = blob_hex(IV);
	size_t sizes[] = {0, 16, 112, 65552, 131088 - 16};

	(void)state;
	PONTO_PROVES("DIST-349");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
		for (unsigned crypto = CONTENT_PLAIN; crypto <= CONTENT_AES_256; crypto++) {
			struct content_message m = {.type = CONTENT_BLK, .crypto = crypto};
			size_t total, len;
			struct ponto_writer w;
			uint8_t *whole, *parts, *room;

			m.blk.id = id_of(ID_SMALL);
			m.blk.index = 3;
			m.blk.next = 5;
			m.blk.data = ponto_bytes(plain.data, sizes[i]);
			memcpy(m.blk.iv, iv.data, 16);
			total = content_blk_size(&m.blk.id, crypto, sizes[i]);
			whole = malloc(total);
			parts = malloc(total);
			assert_ok(content_encode(&m, whole, total, &len));
			assert_int_equal(len, total);
			w = ponto_writer(parts, total);
			room = content_blk_open(&w, &m.blk, crypto, sizes[i]);
			assert_non_null(room);
			memcpy(room, plain.data, sizes[i]);
			content_blk_close(&w, crypto, sizes[i], iv.data);
			assert_ok(ponto_writer_done(&w, &len));
			assert_int_equal(len, total);
			assert_memory_equal(whole, parts, total);
			assert_ok(content_response_decode(ponto_bytes(parts, total), &back));
			assert_int_equal(back.crypto, crypto);
			if (crypto != CONTENT_PLAIN && sizes[i] > 0)
				assert_memory_equal(back.blk.iv, iv.data, 16);
			free(whole);
			free(parts);
		}
	}
	free(plain.data);
	free(iv.data);
}

static void segments_wanted(void **state)
{
	static const char *const ids[] = {SEG_0, SEG_1, SEG_2};
	struct content_message m = {.type = CONTENT_GETSEGLIST, .crypto = CONTENT_AES_128};
	struct blob b = blob_hex(GETSEGLIST), request_id = blob_hex(REQUEST_ID);
	uint8_t list[200];
	size_t len = 0, n = 0;
	struct ponto_reader r;
	struct content_id id;

	(void)state;
	PONTO_PROVES("DIST-245", "DIST-217", "DIST-248", "DIST-212");
	memcpy(m.getseglist.request_id, request_id.data, 16);
	not_encoded(&m);
	for (size_t i = 0; i < 3; i++) {
		id = id_of(ids[i]);
		assert_ok(content_ids_append(&id, list, sizeof(list), &len));
	}
	m.getseglist.ids = (struct content_ids){ponto_bytes(list, len), 3};
	encodes_to(&m, GETSEGLIST);
	m = request_of(&b);
	assert_memory_equal(m.getseglist.request_id, request_id.data, 16);
	assert_int_equal(m.getseglist.ids.count, 3);
	r = ponto_reader(m.getseglist.ids.bytes);
	while (content_ids_next(&r, &id))
		assert_hex(id.b, id.len, ids[n++]);
	assert_int_equal(n, 3);
	assert_int_equal(m.getseglist.blob.len, 0);
	free(b.data);
	free(request_id.data);
}

static void segments_of_all_lengths(void **state)
{
	static const uint8_t lengths[] = {32, 64, 48, 33, 32};
	struct content_message m = {.type = CONTENT_GETSEGLIST, .crypto = CONTENT_AES_128};
	uint8_t list[400], buf[500], bytes[64];
	size_t len = 0, total, n = 0;
	struct ponto_reader r;
	struct content_id id;

	(void)state;
	PONTO_PROVES("DIST-247");
	for (size_t i = 0; i < sizeof(lengths); i++) {
		memset(bytes, (int)i + 1, sizeof(bytes));
		assert_ok(content_id_set(ponto_bytes(bytes, lengths[i]), &id));
		assert_ok(content_ids_append(&id, list, sizeof(list), &len));
	}
	m.getseglist.ids = (struct content_ids){ponto_bytes(list, len), sizeof(lengths)};
	assert_ok(content_encode(&m, buf, sizeof(buf), &total));
	assert_ok(content_request_decode(ponto_bytes(buf, total), 1, 2, &m));
	r = ponto_reader(m.getseglist.ids.bytes);
	for (; content_ids_next(&r, &id); n++) {
		assert_int_equal(id.len, lengths[n]);
		assert_int_equal(id.b[id.len - 1], n + 1);
	}
	assert_int_equal(n, sizeof(lengths));
}

static void segments_given(void **state)
{
	static const uint8_t held[] = {1, 0, 1}, more[] = {1, 0, 1, 1}, none[3], all[5] = {1, 1, 1, 1, 1};
	struct content_message m = {.type = CONTENT_SEGLIST, .crypto = CONTENT_AES_128};
	struct blob b = blob_hex(SEGLIST), request_id = blob_hex(REQUEST_ID);
	uint8_t ranges[24], blob[CONTENT_AGES_BYTES];
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-270", "DIST-202", "DIST-274", "DIST-280");
	memcpy(m.seglist.request_id, request_id.data, 16);
	m.seglist.ranges = content_ranges_of(held, 3, ranges);
	content_ages_start(blob, &len);
	assert_ok(content_ages_append(0, 600 * PONTO_SECOND, blob, &len));
	assert_ok(content_ages_append(2, 100 * PONTO_SECOND, blob, &len));
	m.seglist.blob = ponto_bytes(blob, len);
	encodes_to(&m, SEGLIST);
	m = response_of(&b);
	assert_int_equal(m.seglist.ranges.count, 2);
	assert_true(content_ranges_fit(&m.seglist.ranges, 3));
	assert_false(content_ranges_fit(&m.seglist.ranges, 2));
	m.seglist.ranges = content_ranges_of(more, 4, ranges);
	assert_hex(m.seglist.ranges.bytes.data, m.seglist.ranges.bytes.len, "00000000 00000001 00000002 00000002");
	assert_int_equal(content_ranges_of(none, 3, ranges).count, 0);
	assert_int_equal(content_ranges_of(all, 5, ranges).count, 1);
	assert_hex(ranges, 8, "00000000 00000005");
	free(b.data);
	free(request_id.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(negotiation),
	cmocka_unit_test(negotiation_answered),
	cmocka_unit_test(lists_wanted),
	cmocka_unit_test(lists_given),
	cmocka_unit_test(a_block_wanted),
	cmocka_unit_test(sealed_blocks),
	cmocka_unit_test(sizes_of_sealed_blocks),
	cmocka_unit_test(plain_and_empty_blocks),
	cmocka_unit_test(a_block_in_place),
	cmocka_unit_test(segments_wanted),
	cmocka_unit_test(segments_of_all_lengths),
	cmocka_unit_test(segments_given),
};

PONTO_TEST_MAIN(tests)
