/* Messages of the Retrieval Protocol: [MS-PCCRR] 2. Ciphertexts are OpenSSL's. */
#include "engines/content/content_codec.h"
#include "tests/unit/content_test.h"

#define ID_1 "784cc201a04478136df716598cc6c8608047bd0536a84738120a115927e6ac31"
#define ID_SMALL "a953e8d1f41bd90d9e7a0c00ce892263a9b2a921ddc6b9226939190c265da51d"
#define KP_SMALL "07a8c188a279b3c364ebd6f04f3165041148a51d6b473339e7ad537bf9117bb4"
#define IV "000102030405060708090a0b0c0d0e0f"

#define NEGO_REQ "00000001 00000000 00000018 00000001 00000001 00000002"
#define GETBLKLIST "00000001 00000002 00000040 00000001 00000020" ID_1 "00000001 00000000 00000002"
#define BLKLIST "00000044 00000001 00000004 00000044 00000001 00000020" ID_1 "00000001 00000000 00000002 00000000"
#define BLKLIST_EMPTY "0000003c 00000001 00000004 0000003c 00000001 00000020" ID_1 "00000000 00000000"
#define GETBLKS "00000001 00000003 00000044 00000001 00000020" ID_SMALL "00000001 00000000 00000001 00000000"
#define BLK_HEAD(size, crypto, len) size "00000001 00000005" size crypto "00000020" ID_SMALL "00000000 00000000" len
#define CT_128                                                                                                         \
	"b87b72ca77de5af17565f12bc4ef4c6c4efbfed1d2ba5da4f5ffd2b53dd5d8af53fb32a02d2c6c8b286f2214654162556cf16457e76a" \
	"41"                                                                                                           \
	"e6cf4485ddd1f746b890d6137f06ea2b5868d4d5b4aff755cac5ddd45e45fac625f0f8b93a638304e4fcb13b2d836174c25b2781b542" \
	"d9"                                                                                                           \
	"1b3e"
#define CT_192                                                                                                         \
	"7fdda4bb62154c661c741c8e35a2635e8b77e11a93aa6cc428b2d231e0c58f2c554e939f783c2f76ce1b9035b94e00fe53a2e019d192" \
	"ab"                                                                                                           \
	"0e1e1dab0b890db6d1d8dc16f815dcc1761d46e317ae27e8f4da8ffe439c700c8370d5b86a1f4b29fea4f0f80a1c6abed3a5ded16cbe" \
	"ed"                                                                                                           \
	"b803"
#define CT_256                                                                                                         \
	"287ae8d3faf1de41316338fca9f03d71959eadc5a773e6cd49330db2566907647085d2c5378ab2bc55096abc795b2cb38e4477b6f745" \
	"ee"                                                                                                           \
	"2af9e1c76565256efe92462defe41a1bc3d3d0902e81ec14f9305dfc4a51071ce425bf5b612207c54ab2f4eaf9c3afc08a045ea83e5d" \
	"ee"                                                                                                           \
	"8b29"
#define BLK_128 BLK_HEAD("000000c8", "00000001", "00000070") CT_128 "00000000 00000010" IV
#define BLK_EMPTY                                                                                                      \
	"00000048 00000001 00000005 00000048 00000001 00000020" ID_SMALL "00000000 00000000 00000000 00000000 "        \
	"00000000"
#define REQUEST_ID "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define SEG_0 "7627f80935abdb14b48c9214806a1ddc8a3908e5fe99228acab2e57a2b837435"
#define SEG_1 "0b6521583e5932bdc8506e31bdd36c6a17a8f94496e8bd367110632f27169be7"
#define SEG_2 "fa4241bf2cc51bb79124f168da67f6a1dec195e5426657ef0f9fd0eb2211f0b0"
#define GETSEGLIST                                                                                                     \
	"00000002 00000006 00000094 00000001" REQUEST_ID "00000003 00000020" SEG_0 "00000020" SEG_1 "00000020" SEG_2   \
	"00000000"
#define SEGLIST                                                                                                        \
	"00000044 00000002 00000007 00000044 00000001" REQUEST_ID                                                      \
	"00000002 00000000 00000001 00000002 00000001 0000000c 00010302 0060ea00 02102700"

static struct content_id id_of(const char *hex)
{
	struct blob b = blob_hex(hex);
	struct content_id id;

	assert_ok(content_id_set(bytes_of(&b), &id));
	free(b.data);
	return id;
}

/* The input must live as long as the message: the caller frees it. */
static struct content_message request_of(const struct blob *b)
{
	struct content_message m;

	assert_ok(content_request_decode(bytes_of(b), 1, 2, &m));
	return m;
}

static struct content_message response_of(const struct blob *b)
{
	struct content_message m;

	assert_ok(content_response_decode(bytes_of(b), &m));
	return m;
}

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

static void encodes_to(const struct content_message *m, const char *hex)
{
	struct blob expected = blob_hex(hex);
	uint8_t *buf = malloc(expected.len);
	size_t len;

	assert_ok(content_encode(m, buf, expected.len, &len));
	assert_int_equal(len, expected.len);
	assert_memory_equal(buf, expected.data, len);
	for (size_t cap = 0; cap < expected.len; cap++)
		assert_int_equal(content_encode(m, buf, cap, &len), PONTO_ELIMIT);
	free(buf);
	free(expected.data);
}

static void not_encoded(const struct content_message *m)
{
	uint8_t buf[CONTENT_LIST_MAX];
	size_t len = 99;

	assert_int_equal(content_encode(m, buf, sizeof(buf), &len), PONTO_EINVAL);
	assert_int_equal(len, 99);
}

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
