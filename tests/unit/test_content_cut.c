/* Where contents are cut: [MS-PCCRC] 2.1, 2.4. */
#include "tests/unit/content_test.h"

#define MIB (1024u * 1024u)

/* Like a file: bytes in no order, of few kinds, and runs of one byte. gives */
static struct blob random_bytes(size_t n, uint64_t seed)
{
	struct blob b = pattern(n);
	struct ponto_test_random tr;

	ponto_test_random_init(&tr, seed);
	tr.random.fill(tr.random.ctx, b.data, n);
	return b;
}

/* The pieces' sizes, 0 at the end, fed in steps of at most step bytes. gives */
static uint32_t *cut_in_steps(struct ponto_bytes data, size_t step, size_t *count)
{
	uint32_t *sizes = malloc((data.len / CONTENT_SEGMENT_V2_MIN + 2) * sizeof(*sizes)), size = 0;
	struct content_cut cut;

	assert_non_null(sizes);
	*count = 0;
	content_cut_init(&cut, CONTENT_TRUNCATED);
	while (data.len > 0) {
		size_t used;
		bool end = content_cut_next(&cut, ponto_bytes(data.data, step < data.len ? step : data.len), &used);

		size += (uint32_t)used;
		data = ponto_bytes(data.data + used, data.len - used);
		if (end || data.len == 0) {
			sizes[(*count)++] = size;
			size = 0;
		}
	}
	sizes[*count] = 0;
	return sizes;
}

static void sizes_are_legal(void **state)
{
	struct blob data = random_bytes(32 * MIB, 1);
	size_t count, small = 0, largest = 0;
	uint32_t *sizes = cut_in_steps(bytes_of(&data), SIZE_MAX, &count);
	uint64_t sum = 0;

	(void)state;
	PONTO_PROVES("DIST-079", "DIST-006");
	for (size_t i = 0; i < count; i++) {
		assert_in_range(sizes[i], 1, CONTENT_SEGMENT_V2_MAX);
		small += sizes[i] < CONTENT_SEGMENT_V2_MIN;
		largest += sizes[i] == CONTENT_SEGMENT_V2_MAX;
		sum += sizes[i];
	}
	assert_int_equal(sum, data.len);
	assert_true(small <= 1);
	assert_true(largest * 20 < count);
	/* The mean is the target within a quarter. */
	assert_in_range(data.len / count, CONTENT_SEGMENT_V2_TARGET * 3 / 4, CONTENT_SEGMENT_V2_TARGET * 5 / 4);
	free(sizes);
	free(data.data);
}

/* Unchanging bytes give a cut nowhere or everywhere: the sizes bound it. */
static void monotonous_contents(void **state)
{
	struct blob data = pattern(3 * MIB + 5);

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		size_t count;
		uint32_t *sizes;

		memset(data.data, (int)byte, data.len);
		sizes = cut_in_steps(bytes_of(&data), SIZE_MAX, &count);
		for (size_t i = 0; i + 1 < count; i++)
			assert_in_range(sizes[i], CONTENT_SEGMENT_V2_MIN, CONTENT_SEGMENT_V2_MAX);
		free(sizes);
	}
	free(data.data);
}

static void steps_do_not_matter(void **state)
{
	static const size_t steps[] = {1, 7, 63, 64, 65, 4096, 32768 - 64, 32768, 65536, 131072, 1000003};
	struct blob data = random_bytes(2 * MIB, 2);
	size_t count, again;
	uint32_t *whole = cut_in_steps(bytes_of(&data), SIZE_MAX, &count);

	(void)state;
	PONTO_PROVES("DIST-082");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++) {
		uint32_t *sizes = cut_in_steps(bytes_of(&data), steps[i], &again);

		assert_int_equal(again, count);
		assert_memory_equal(sizes, whole, (count + 1) * sizeof(*sizes));
		free(sizes);
	}
	free(whole);
	free(data.data);
}

/* The rule is frozen: these sizes are what every release must find. */
static void the_rule_is_frozen(void **state)
{
	static const uint32_t frozen[] = {70826, 63733, 68101, 41521, 105078, 66693, 67969, 65071, 42166,
					  68142, 70592, 70197, 64290, 84149,  88097, 11951, 0};
	struct blob data = random_bytes(MIB, 3);
	size_t count;
	uint32_t *sizes = cut_in_steps(bytes_of(&data), SIZE_MAX, &count);

	(void)state;
	assert_int_equal(count + 1, PONTO_ARRAY_SIZE(frozen));
	assert_memory_equal(sizes, frozen, sizeof(frozen));
	free(sizes);
	free(data.data);
}

/* Bytes of the new content that lie in segments the old one does not have. */
static uint64_t bytes_moved(struct ponto_bytes before, struct ponto_bytes after)
{
	struct content_made a = content_make(CONTENT_TRUNCATED, before, NULL);
	struct content_made b = content_make(CONTENT_TRUNCATED, after, NULL);
	uint64_t moved = 0;

	for (size_t i = 0; i < b.count; i++) {
		size_t j = 0;

		while (j < a.count && memcmp(a.segments[j].kp, b.segments[i].kp, 32) != 0)
			j++;
		if (j == a.count)
			moved += b.segments[i].size;
	}
	content_made_free(&a);
	content_made_free(&b);
	return moved;
}

static void an_insertion_moves_little(void **state)
{
	struct blob before = random_bytes(16 * MIB, 4), after = random_bytes(16 * MIB + 1000, 5);

	(void)state;
	for (size_t at = 0; at < before.len; at += 5 * MIB) {
		uint64_t moved;

		memcpy(after.data, before.data, at);
		memcpy(after.data + at + 1000, before.data + at, before.len - at);
		moved = bytes_moved(bytes_of(&before), bytes_of(&after));
		/* The changed segment and the few until the cuts meet again: 2 % of this content. */
		assert_in_range(moved, 1, 6 * CONTENT_SEGMENT_V2_MAX);
		/* And the other way, a deletion. */
		moved = bytes_moved(bytes_of(&after), bytes_of(&before));
		assert_in_range(moved, 1, 6 * CONTENT_SEGMENT_V2_MAX);
	}
	free(before.data);
	free(after.data);
}

static void blocks_of_version_1(void **state)
{
	static const size_t steps[] = {1, 1000, 65535, 65536, 65537, 200000};
	struct blob data = pattern(300000);

	(void)state;
	PONTO_PROVES("DIST-009");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++) {
		struct content_cut cut;
		size_t at = 0, ends = 0;

		content_cut_init(&cut, CONTENT_SHA256);
		while (at < data.len) {
			size_t used, left = data.len - at;

			if (content_cut_next(&cut, ponto_bytes(data.data + at, steps[i] < left ? steps[i] : left),
					     &used))
				ends++;
			at += used;
			assert_int_equal(at / CONTENT_BLOCK, ends);
		}
		assert_int_equal(ends, 4);
	}
	free(data.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sizes_are_legal),	     cmocka_unit_test(monotonous_contents),
	cmocka_unit_test(steps_do_not_matter),	     cmocka_unit_test(the_rule_is_frozen),
	cmocka_unit_test(an_insertion_moves_little), cmocka_unit_test(blocks_of_version_1),
};

PONTO_TEST_MAIN(tests)
