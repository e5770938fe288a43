/* The serving peer with many requests at once: what came in one round of its loop is sealed side by side. */
#include <stdio.h>

#include "plugins/service-dist/dist_seal.h"
#include "tests/sim/sim_lan.h"

#define FILE_URL "http://origin.example/file"
#define PEER_URL "http://peer/116B50EB-ECE2-41ac-8429-9F9E963361B7"
#define AT_ONCE 4 /* are answered by the HTTP server's threads */
#define BLOCKS (AT_ONCE + 2 * DIST_SEALED_TOGETHER + 1)
#define TURNS 3 /* the second time that a block is asked for all is known that is needed at once */
#define SIZE ((BLOCKS - 1) * CONTENT_BLOCK + 1234)

struct scene {
	struct lan lan;
	struct lan_content content;
	unsigned together; /* answers */
};

static void on_origin(void *arg, struct lan_exchange *ex)
{
	lan_content_answer(&((struct scene *)arg)->content, ex);
}

/* One that is sealed alone is a stream, sealed where it is sent. */
static void on_answer(void *arg, struct lan_exchange *ex)
{
	((struct scene *)arg)->together += ex->response.source == PONTO_HTTP_DATA;
}

/* A node that holds the content, with all its blocks in memory since they were read once. */
static struct scene *scene(const char *cipher)
{
	char setting[32];
	const char *const settings[] = {setting, "clients=1024", "clients_per_address=0", NULL};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(setting, sizeof(setting), "cipher=%s", cipher);
	lan_init(&s->lan, 1);
	lan_content_init(&s->content, CONTENT_SHA256, SIZE);
	s->lan.origin = on_origin;
	s->lan.mangle = on_answer;
	s->lan.arg = s;
	assert_int_equal(lan_add(&s->lan, settings), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct lan_download d = {.any_order = true};

		lan_download(&s->lan, 0, &s->content, FILE_URL, &d);
		for (unsigned i = 0; i < 3600 && !d.done; i++)
			lan_run(&s->lan, PONTO_SECOND);
		assert_true(lan_downloaded(&d));
		lan_download_clear(&d);
	}
	return s;
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	lan_content_clear(&s->content);
	free(s);
}

static void ask(struct scene *s, uint32_t index, struct lan_browser *browser)
{
	struct content_message m = {.type = CONTENT_GETBLKS, .crypto = CONTENT_AES_128};
	struct content_segment segment = s->content.made.segments[0];
	uint8_t body[CONTENT_LIST_MAX];
	size_t len;

	content_segment_id(CONTENT_SHA256, segment.kp, segment.hod, &m.wanted.id);
	content_blocks_add(&m.wanted.blocks, index, 1);
	assert_ok(content_encode(&m, body, sizeof(body), &len));
	lan_browse(&s->lan, 0, "POST", PEER_URL, 80, NULL, ponto_bytes(body, len), browser);
}

static void assert_block(struct scene *s, const struct lan_browser *browser, uint32_t index, enum content_crypto crypto,
			 uint8_t iv[CONTENT_IV])
{
	const struct content_segment *segment = &s->content.made.segments[0];
	struct content_message m;
	struct blob plain;

	assert_true(browser->done);
	assert_ok(browser->result);
	assert_int_equal(browser->status, 200);
	assert_ok(content_response_decode(bytes_of(&browser->body), &m));
	assert_int_equal(m.type, CONTENT_BLK);
	assert_int_equal(m.crypto, crypto);
	assert_int_equal(m.blk.index, index);
	plain = openssl_decrypt(ponto_bytes(segment->kp, content_key_size(crypto)), m.blk.iv, m.blk.data);
	assert_memory_equal(plain.data, s->content.data.data + index * CONTENT_BLOCK,
			    content_block_size(CONTENT_SHA256, SIZE, index));
	memcpy(iv, m.blk.iv, CONTENT_IV);
	free(plain.data);
}

/* All but these and the odd one are sealed with others, and each with an initialization vector of its own each time. */
static void all_at_once(void **state)
{
	static const struct {
		const char *name;
		enum content_crypto crypto;
	} ciphers[] = {{"aes-128", CONTENT_AES_128}, {"aes-192", CONTENT_AES_192}, {"aes-256", CONTENT_AES_256}};

	(void)state;
	for (size_t c = 0; c < PONTO_ARRAY_SIZE(ciphers); c++) {
		struct scene *s = scene(ciphers[c].name);
		uint8_t ivs[TURNS * BLOCKS][CONTENT_IV];

		for (unsigned turn = 0; turn < TURNS; turn++) {
			struct lan_browser browsers[BLOCKS];

			s->together = 0;
			for (uint32_t i = 0; i < BLOCKS; i++)
				ask(s, i, &browsers[i]);
			lan_run(&s->lan, 10 * PONTO_SECOND);
			for (uint32_t i = 0; i < BLOCKS; i++) {
				assert_block(s, &browsers[i], i, ciphers[c].crypto, ivs[turn * BLOCKS + i]);
				lan_browser_clear(&browsers[i]);
			}
		}
		assert_int_equal(s->together, dist_seals_together() ? 2 * DIST_SEALED_TOGETHER : 0);
		for (size_t i = 0; i < TURNS * BLOCKS; i++) {
			for (size_t k = 0; k < i; k++)
				assert_memory_not_equal(ivs[i], ivs[k], CONTENT_IV);
		}
		end_scene(s);
	}
}

/* One by one they are sealed on the thread that sends them. */
static void one_by_one(void **state)
{
	struct scene *s = scene("aes-128");
	uint8_t iv[CONTENT_IV];

	(void)state;
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct lan_browser browser;

		ask(s, i, &browser);
		lan_run(&s->lan, 10 * PONTO_SECOND);
		assert_block(s, &browser, i, CONTENT_AES_128, iv);
		lan_browser_clear(&browser);
	}
	assert_int_equal(s->together, 0);
	end_scene(s);
}

static void leave(void *arg)
{
	lan_browser_clear(arg);
}

/* Between their request and the end of the round in which it came; the others get theirs. */
static void some_leave(void **state)
{
	struct scene *s = scene("aes-128");
	struct lan_browser browsers[BLOCKS];
	uint8_t iv[CONTENT_IV];

	(void)state;
	for (uint32_t i = 0; i < BLOCKS; i++)
		ask(s, i, &browsers[i]);
	for (uint32_t i = 0; i < BLOCKS; i += 3)
		assert_true(ponto_sim_at(s->lan.sim, ponto_sim_now(s->lan.sim) + s->lan.latency, leave, &browsers[i]) !=
			    0);
	lan_run(&s->lan, 10 * PONTO_SECOND);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		if (i % 3 == 0)
			continue;
		assert_block(s, &browsers[i], i, CONTENT_AES_128, iv);
		lan_browser_clear(&browsers[i]);
	}
	assert_int_equal(s->together, dist_seals_together() ? BLOCKS - (BLOCKS + 2) / 3 : 0);
	end_scene(s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_at_once),
	cmocka_unit_test(one_by_one),
	cmocka_unit_test(some_leave),
};

PONTO_TEST_MAIN(tests)
