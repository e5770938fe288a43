/* A branch with one hosted cache, on the production glue, in virtual time: nodes come one after the other and want the
 * same content, a fifth of them leaves in the middle of it, and some poison the cache: they ask it for each segment,
 * offer it nevertheless, and serve garbage. How much harm they do is counted, and bounded. */
#include <stdio.h>

#include "engines/content/content_offer.h"
#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/update"
#define CACHE "10.0.0.0"
#define NODES 160
#define SIZE (30 * 65536 + 4321)
#define POISONERS_MAX 8

struct branch {
	struct lan lan;
	struct lan_download downloads[LAN_NODES];
	bool liar[LAN_NODES];
	unsigned liars[POISONERS_MAX], liar_count;
	unsigned offers, asked, poisoned; /* of liars: offers, segments asked for, blocks given to the cache */
	struct ponto_test_random random;
};

static const char *const cache_2[] = {"hosted_cache=true", NULL};
static const char *const cache_1[] = {"hosted_cache=true", "hosted_certificate=c.pem", "hosted_key=k.pem", NULL};
static const char *const client_2[] = {"hosted=" CACHE, NULL};
static const char *const client_1[] = {"hosted=https://" CACHE, NULL};

/* What liars give to the cache is of the right length, and garbage. */
static void on_answer(void *arg, struct lan_exchange *ex)
{
	struct branch *b = arg;

	if (ex->to <= 0 || ex->from != 0 || !b->liar[ex->to] || ex->data.len < 3000)
		return;
	for (size_t i = 1000; i < ex->data.len - 100; i += 64)
		ex->data.data[i] ^= 0x55;
	b->poisoned++;
}

static uint64_t below(struct branch *b, uint64_t n)
{
	return ponto_random_below(&b->random.random, n);
}

/* ---- poisoners -------------------------------------------------------------------------------- */

static int ignore_body(void *arg, struct ponto_bytes data)
{
	(void)arg;
	(void)data;
	return PONTO_OK;
}

static void ignore_done(void *arg, int result)
{
	(void)arg;
	(void)result;
}

static void post(struct branch *b, unsigned from, const char *url, struct ponto_bytes body)
{
	static const struct ponto_http_fetch_events events = {NULL, ignore_body, ignore_done};
	struct lan_node *n = &b->lan.nodes[from];
	struct ponto_http_fetch fetch = {
		.method = "POST", .url = url, .body = body, .timeout = 20 * PONTO_SECOND, .answer_limit = UINT64_MAX};
	struct ponto_http_transfer *transfer;
	struct ponto_iface iface;

	assert_ok(ponto_node_find(n->node, PONTO_KIND_HTTP, "http", &iface));
	assert_ok(((const struct ponto_http_ops *)iface.ops)
			  ->fetch(iface.self, ponto_sim_node_loop(n->sim), &fetch, &events, NULL, &transfer));
}

static struct content_id name_of(const struct branch *b, size_t i)
{
	const struct content_made *made = &b->lan.content.made;
	struct content_id id;

	content_segment_id(made->algo, made->segments[i].kp, made->segments[i].hod, &id);
	return id;
}

/* Asks for every segment, so that it counts as who got it, and offers all of them under version 2.0. */
static void poison(struct branch *b, unsigned liar)
{
	static const uint8_t tag[CONTENT_TAG] = "liar";
	struct content_descriptor d[CONTENT_DESCRIPTORS];
	uint8_t buf[CONTENT_OFFER_MAX];
	size_t len, count = 0;

	for (size_t i = 0; i < b->lan.content.made.count && count < CONTENT_DESCRIPTORS; i++) {
		struct content_message m = {.type = CONTENT_GETBLKS, .crypto = CONTENT_AES_128};
		const struct content_segment *s = &b->lan.content.made.segments[i];
		struct content_id id = name_of(b, i);

		m.wanted.id = id;
		content_blocks_add(&m.wanted.blocks, 0, 1);
		assert_ok(content_encode(&m, buf, sizeof(buf), &len));
		post(b, liar, "http://" CACHE CONTENT_PATH, ponto_bytes(buf, len));
		b->asked++;
		if (content_descriptor_of(b->lan.content.made.algo, s->size, &id, tag, &d[count]) == PONTO_OK)
			count++;
	}
	lan_run(&b->lan, 100 * PONTO_MS);
	if (count == 0)
		return;
	assert_ok(content_offer_batch(80, d, count, buf, sizeof(buf), &len));
	post(b, liar, "http://" CACHE CONTENT_OFFER_PATH_V2, ponto_bytes(buf, len));
	b->offers++;
}

/* ---- a branch ----------------------------------------------------------------------------------- */

static unsigned join(struct branch *b, const char *const *settings)
{
	unsigned node = lan_add(&b->lan, settings);

	b->downloads[node].any_order = node % 2;
	lan_download(&b->lan, node, URL, &b->downloads[node]);
	return node;
}

static uint64_t metric(struct branch *b, unsigned node, const char *name)
{
	return ponto_counter_value(ponto_counter(b->lan.nodes[node].metrics, name, "dist", ""));
}

struct figures {
	uint64_t origin, peers, wrong, honest;
	uint64_t replaced, left_alone;
	unsigned complete;
	double slowest;
};

static struct figures play(enum content_algo algo, bool secure, unsigned liars)
{
	struct branch *b = calloc(1, sizeof(*b));
	const char *const *settings = secure ? client_1 : client_2;
	struct figures f = {0};

	assert_non_null(b);
	ponto_test_random_init(&b->random, 1);
	lan_init(&b->lan, 1);
	lan_content_init(&b->lan, algo, SIZE);
	b->lan.mangle = on_answer;
	b->lan.arg = b;
	assert_int_equal(lan_add(&b->lan, secure ? cache_1 : cache_2), 0);
	for (unsigned i = 0; i < liars; i++) { /* they were here first */
		b->liars[i] = join(b, settings);
		b->liar[b->liars[i]] = true;
	}
	if (liars)
		lan_run(&b->lan, 30 * PONTO_SECOND);
	for (unsigned i = 0; i < NODES; i++) {
		unsigned node = join(b, settings);

		lan_run(&b->lan, below(b, 2 * PONTO_SECOND));
		if (liars && i % 4 == 2)
			poison(b, b->liars[below(b, liars)]);
		if (i % 5 != 1)
			continue;
		lan_run(&b->lan, below(b, 300) * PONTO_MS);
		lan_remove(&b->lan, node);
	}
	lan_run(&b->lan, 300 * PONTO_SECOND);
	for (unsigned i = 1; i < b->lan.count; i++) {
		const struct lan_download *d = &b->downloads[i];

		if (b->lan.nodes[i].gone)
			continue;
		if (!lan_downloaded(d))
			fail_msg("node %u: %s", i, d->error);
		if (b->liar[i])
			continue;
		f.complete++;
		f.honest += SIZE;
		f.origin += d->origin;
		f.peers += d->peers;
		f.wrong += metric(b, i, "dist_wrong_blocks_total");
	}
	f.replaced = metric(b, 0, "dist_hosted_replaced_total");
	f.left_alone = metric(b, 0, "dist_hosted_wrong_total");
	printf("# %s, %u poisoners: %u complete; from the cache %.1f %%, from the origin %.2f copies; %llu wrong "
	       "blocks, "
	       "%llu segments fetched anew; %u offers of poisoners, %u garbage blocks\n",
	       secure ? "version 1.0" : "version 2.0", liars, f.complete, 100.0 * (double)f.peers / (double)f.honest,
	       (double)f.origin / SIZE, (unsigned long long)f.wrong, (unsigned long long)f.replaced, b->offers,
	       b->poisoned);
	for (unsigned i = 0; i < b->lan.count; i++)
		lan_download_clear(&b->downloads[i]);
	lan_clear(&b->lan);
	free(b);
	return f;
}

/* Everything once across the line, and little more. */
static void honest_branches(void **state)
{
	struct figures f;

	(void)state;
	f = play(CONTENT_TRUNCATED, false, 0);
	assert_true(f.complete > NODES / 2);
	assert_int_equal(f.wrong, 0);
	assert_true(f.peers * 100 >= f.honest * 90);
	f = play(CONTENT_SHA256, true, 0);
	assert_int_equal(f.wrong, 0);
	assert_true(f.peers * 100 >= f.honest * 90);
}

/* Every download is right. Each poisoner is heard once a segment, so what he spoils is fetched from the origin about
 * twice for each of them: by who found it out, and by who came at the same time. */
static void poisoned_branches(void **state)
{
	struct figures f;

	(void)state;
	f = play(CONTENT_TRUNCATED, false, 4);
	assert_true(f.wrong > 0);
	assert_true(f.replaced > 0);
	assert_true(f.peers * 100 >= f.honest * 90);
	assert_true(f.origin <= (uint64_t)(1 + 2 * 4) * SIZE);
	/* A lie costs whoever hears it that block. */
	assert_true(f.wrong <= 2 * (uint64_t)f.complete);
}

/* With keys nothing of theirs is kept. */
static void poison_is_seen_with_keys(void **state)
{
	struct figures f;

	(void)state;
	f = play(CONTENT_SHA256, true, 4);
	assert_int_equal(f.wrong, 0);
	assert_true(f.left_alone > 0);
	assert_true(f.peers * 100 >= f.honest * 80);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(honest_branches),
	cmocka_unit_test(poisoned_branches),
	cmocka_unit_test(poison_is_seen_with_keys),
};

PONTO_TEST_MAIN(tests)
