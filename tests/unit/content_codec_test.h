/* Tests: messages of the Retrieval Protocol as hexadecimal. Ciphertexts are OpenSSL's. */
#ifndef PONTO_TESTS_CONTENT_CODEC_TEST_H
#define PONTO_TESTS_CONTENT_CODEC_TEST_H

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

static inline struct content_id id_of(const char *hex)
{
	struct blob b = blob_hex(hex);
	struct content_id id;

	assert_ok(content_id_set(bytes_of(&b), &id));
	free(b.data);
	return id;
}

/* The input must live as long as the message: the caller frees it. */
static inline struct content_message request_of(const struct blob *b)
{
	struct content_message m;

	assert_ok(content_request_decode(bytes_of(b), 1, 2, &m));
	return m;
}

static inline struct content_message response_of(const struct blob *b)
{
	struct content_message m;

	assert_ok(content_response_decode(bytes_of(b), &m));
	return m;
}

static inline void encodes_to(const struct content_message *m, const char *hex)
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

static inline void not_encoded(const struct content_message *m)
{
	uint8_t buf[CONTENT_LIST_MAX];
	size_t len = 99;

	assert_int_equal(content_encode(m, buf, sizeof(buf), &len), PONTO_EINVAL);
	assert_int_equal(len, 99);
}

#endif
