/* Content Information that a local user made up: what it makes of honest neighbours is believed of nobody but him. */
#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/file"

struct scene {
	struct lan lan;
	bool lies; /* node 0 */
};

/* A block's data is turned over. */
static void on_mangle(void *arg, struct lan_exchange *ex)
{
	const struct scene *s = arg;

	if (s->lies && ex->to == 0 && ex->data.len > 1000)
		ex->data.data[ex->data.len / 2] ^= 1;
}

static struct scene *scene(enum content_algo algo, size_t size, const char *const *server, const char *const *client)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->lan, algo, size);
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	lan_one_has_it(&s->lan, URL, server, client);
	return s;
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	free(s);
}

static uint64_t wrong_blocks(struct scene *s)
{
	return ponto_counter_value(ponto_counter(s->lan.nodes[1].metrics, "dist_wrong_blocks_total", "dist", ""));
}

/* A fetch by this description, which comes to nothing; then long enough for "nobody has it" to be forgotten. */
static void fetch_forged(struct scene *s, struct ponto_bytes info)
{
	struct lan_download d = {.any_order = true};

	lan_download_info(&s->lan, 1, info, &d);
	lan_download_wait(&d);
	assert_int_not_equal(d.result, PONTO_OK);
	lan_download_clear(&d);
	lan_run(&s->lan, 20 * PONTO_SECOND);
}

/* What neighbours gave of an honest fetch. */
static uint64_t fetch_honest(struct scene *s)
{
	return lan_fetch_all(&s->lan, 1, URL).peers;
}

/* Hashes of a part of a segment are bound to nothing: these are of other bytes. */
static void hashes_that_are_bound_to_nothing(void **state)
{
	const size_t size = 20 * CONTENT_BLOCK;
	struct scene *s = scene(CONTENT_SHA256, size, NULL, NULL);
	struct blob info = content_describe(&s->lan.content.made, 0, 10 * CONTENT_BLOCK);

	(void)state;
	for (size_t i = 0; i < 10; i++)
		info.data[info.len - 32 * i - 1] ^= 1;
	fetch_forged(s, bytes_of(&info));
	assert_int_equal(fetch_honest(s), size);
	assert_int_equal(wrong_blocks(s), 0);
	free(info.data);
	end_scene(s);
}

/* Nor is a segment's size, which says where its last block ends. */
static void sizes_that_are_bound_to_nothing(void **state)
{
	static const struct {
		enum content_algo algo;
		size_t size;
		int more;
	} lies[] = {
		{CONTENT_TRUNCATED, 60000, -10000}, {CONTENT_TRUNCATED, 60000, -1}, {CONTENT_TRUNCATED, 60000, 5},
		{CONTENT_TRUNCATED, 60000, 5000},   {CONTENT_SHA256, 700, -300},    {CONTENT_SHA256, 700, 16},
		{CONTENT_SHA256, 700, 40000},	    {CONTENT_SHA512, 60000, -59999},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lies); i++) {
		struct scene *s = scene(lies[i].algo, lies[i].size, NULL, NULL);
		struct content_segment other = s->lan.content.made.segments[0];
		struct content_made forged = {.algo = lies[i].algo, .count = 1, .segments = &other};
		struct blob info;

		assert_int_equal(s->lan.content.made.count, 1);
		forged.size = other.size = (uint32_t)((int)lies[i].size + lies[i].more);
		info = content_describe(&forged, 0, forged.size);
		fetch_forged(s, bytes_of(&info));
		assert_int_equal(fetch_honest(s), lies[i].size);
		assert_int_equal(wrong_blocks(s), 0);
		free(info.data);
		end_scene(s);
	}
}

/* A hosted cache is left alone after eight wrong blocks in a row: not after these. */
static void a_hosted_cache_keeps_its_name(void **state)
{
	static const char *const server[] = {"hosted_cache=true", NULL};
	static const char *const client[] = {"hosted=10.0.0.0", NULL};
	const size_t size = 20 * CONTENT_BLOCK;
	struct scene *s = scene(CONTENT_SHA256, size, server, client);
	struct blob info = content_describe(&s->lan.content.made, 0, 10 * CONTENT_BLOCK);

	(void)state;
	for (size_t i = 0; i < 10; i++)
		info.data[info.len - 32 * i - 1] ^= 1;
	for (unsigned i = 0; i < 24; i++)
		fetch_forged(s, bytes_of(&info));
	assert_int_equal(fetch_honest(s), size);
	free(info.data);
	end_scene(s);
}

/* Against what is bound to the segment's ID there is no excuse. */
static void liars_are_still_found_out(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_TRUNCATED};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], 40 * CONTENT_BLOCK, NULL, NULL);

		s->lies = true;
		assert_int_equal(fetch_honest(s), 0);
		assert_true(wrong_blocks(s) >= 1);
		end_scene(s);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hashes_that_are_bound_to_nothing),
	cmocka_unit_test(sizes_that_are_bound_to_nothing),
	cmocka_unit_test(a_hosted_cache_keeps_its_name),
	cmocka_unit_test(liars_are_still_found_out),
};

PONTO_TEST_MAIN(tests)
