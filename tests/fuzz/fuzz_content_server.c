/* A request at the serving engine; the first bytes say what is held and how full it is. Whatever is taken is answered
 * with something that a client can read and that fits the request, and nothing is kept. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_server.h"

static struct content_held held[CONTENT_REQUEST_MAX / 8];

static void check_answer(const struct content_message *asked, struct ponto_bytes body)
{
	struct content_message m;

	FUZZ_REQUIRE(content_response_decode(body, &m) == PONTO_OK);
	switch (m.type) {
	case CONTENT_NEGO_RESP:
		FUZZ_REQUIRE(m.nego.least.major == 1);
		break;
	case CONTENT_BLKLIST:
		FUZZ_REQUIRE(asked->type == CONTENT_GETBLKLIST && content_id_equal(&m.blklist.id, &asked->wanted.id));
		content_blocks_drop(&m.blklist.blocks, &asked->wanted.blocks);
		FUZZ_REQUIRE(content_blocks_count(&m.blklist.blocks) == 0);
		break;
	case CONTENT_BLK:
		FUZZ_REQUIRE(asked->type == CONTENT_GETBLKS && content_id_equal(&m.blk.id, &asked->wanted.id));
		FUZZ_REQUIRE(m.blk.data.len == 0);
		break;
	default:
		FUZZ_REQUIRE(m.type == CONTENT_SEGLIST && asked->type == CONTENT_GETSEGLIST);
		FUZZ_REQUIRE(memcmp(m.seglist.request_id, asked->getseglist.request_id, CONTENT_REQUEST_ID) == 0);
		FUZZ_REQUIRE(content_ranges_fit(&m.seglist.ranges, asked->getseglist.ids.count));
		break;
	}
}

static void play(struct content_server *server, const struct content_message *asked, uint8_t how)
{
	struct content_server_effect e;

	while (content_server_effect(server, &e)) {
		if (e.kind == CONTENT_SERVER_LOOKUP) {
			FUZZ_REQUIRE(e.ids.count <= PONTO_ARRAY_SIZE(held));
			for (uint32_t i = 0; i < e.ids.count; i++) {
				memset(&held[i], 0, sizeof(held[i]));
				if ((i ^ how) & 1)
					content_blocks_add(&held[i].blocks, how, 1u + how);
				held[i].age = (uint64_t)i << 20;
			}
			FUZZ_REQUIRE(content_server_held(server, e.serving, held, e.ids.count) == PONTO_OK);
		} else if (e.kind == CONTENT_SERVER_SERVE) {
			FUZZ_REQUIRE(asked->type == CONTENT_GETBLKS);
			FUZZ_REQUIRE(content_blocks_has(&asked->wanted.blocks, e.blk.index));
			FUZZ_REQUIRE(content_server_served(server, e.serving, how & 2 ? PONTO_OK : PONTO_ENOENT) ==
				     PONTO_OK);
		} else {
			FUZZ_REQUIRE(e.kind == CONTENT_SERVER_ANSWER);
			check_answer(asked, e.body);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_server_config config = {
		.alloc = &ponto_alloc_system,
		.limit = 1,
		.timeout = CONTENT_UPLOAD_TIMEOUT,
		.crypto = CONTENT_AES_128,
		.most = 2,
	};
	struct ponto_addr client = {{10}, 0, 1, PONTO_FAMILY_IPV4, 0};
	struct content_serving *busy = NULL, *serving;
	struct content_server *server;
	struct content_server_stats stats;
	struct content_message asked;
	struct ponto_bytes body;
	int result, expected;

	if (size < 1)
		return 0;
	config.most = 1 + (data[0] >> 7);
	config.crypto = data[0] >> 5 & 3;
	body = ponto_bytes(data + 1, size - 1);
	expected = content_request_decode(body, 1, config.most, &asked);
	FUZZ_REQUIRE(content_server_create(&config, &server) == PONTO_OK);
	if (data[0] & 16)
		(void)!content_server_input(server, 1, &client, body, NULL, &busy);
	result = content_server_input(server, 1, &client, body, NULL, &serving);
	FUZZ_REQUIRE(result == (expected == PONTO_EPROTO ? PONTO_EPROTO : PONTO_OK));
	play(server, &asked, data[0] & 15);
	if (result == PONTO_OK)
		content_server_done(server, serving);
	if (busy)
		content_server_done(server, busy);
	content_server_stats(server, &stats);
	FUZZ_REQUIRE(stats.active == 0);
	content_server_destroy(server);
	return 0;
}
