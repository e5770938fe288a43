/* The number space against arithmetic done bit by bit. */
#include "engines/ring/ring_id.h"
#include "tests/support/test.h"

#define ROUNDS 2000

static struct ring_id naive_add(const struct ring_id *a, const struct ring_id *b)
{
	struct ring_id out;
	unsigned carry = 0;

	for (int i = RING_ID_SIZE - 1; i >= 0; i--) {
		unsigned sum = a->b[i] + b->b[i] + carry;

		out.b[i] = (uint8_t)sum;
		carry = sum >> 8;
	}
	return out;
}

static struct ring_id naive_negate(const struct ring_id *a)
{
	struct ring_id out, one = {{[RING_ID_SIZE - 1] = 1}};

	for (int i = 0; i < RING_ID_SIZE; i++)
		out.b[i] = (uint8_t)~a->b[i];
	return naive_add(&out, &one);
}

static int naive_bit(const struct ring_id *a, unsigned bit)
{
	return a->b[bit / 8] >> (7 - bit % 8) & 1;
}

/* Mostly ordinary, sometimes with long runs of zeros or ones, where carries go far. */
static struct ring_id draw(const struct ponto_random *random)
{
	struct ring_id id = ring_id_random(random);
	uint64_t kind = ponto_random_below(random, 4);
	size_t from = ponto_random_below(random, RING_ID_SIZE);

	if (kind < 2)
		memset(id.b + from, kind ? 0xff : 0, RING_ID_SIZE - from);
	return id;
}

static void sums_and_differences(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 1);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id a = draw(&tr.random), b = draw(&tr.random);
		struct ring_id sum = ring_id_add(&a, &b), expected = naive_add(&a, &b);
		struct ring_id minus = naive_negate(&b), difference = ring_id_sub(&a, &b);

		assert_memory_equal(&sum, &expected, sizeof(sum));
		expected = naive_add(&a, &minus);
		assert_memory_equal(&difference, &expected, sizeof(difference));
	}
}

static void wraps_around(void **state)
{
	struct ring_id top, zero = {{0}}, next;

	(void)state;
	memset(top.b, 0xff, sizeof(top.b));
	next = ring_id_add_u64(&top, 1);
	assert_true(ring_id_is_zero(&next));
	next = ring_id_sub(&zero, &next);
	assert_true(ring_id_is_zero(&next));
	next = ring_id_distance(&top, &zero);
	assert_int_equal(ring_id_log2(&next), 0);
}

static void distance_is_the_shorter_way(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 2);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id a = draw(&tr.random), b = draw(&tr.random);
		struct ring_id up = ring_id_sub(&b, &a), down = ring_id_sub(&a, &b);
		struct ring_id d = ring_id_distance(&a, &b), other = ring_id_distance(&b, &a);

		assert_memory_equal(&d, &other, sizeof(d));
		assert_memory_equal(&d, ring_id_compare(&up, &down) < 0 ? &up : &down, sizeof(d));
		assert_true(d.b[0] <= 0x80);
	}
}

static void between_agrees_with_walking_up(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 3);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id low = draw(&tr.random), high = draw(&tr.random), x = draw(&tr.random);
		struct ring_id span = ring_id_sub(&high, &low), way = ring_id_sub(&x, &low);
		bool inside = !ring_id_is_zero(&way) && ring_id_compare(&way, &span) < 0;

		if (ring_id_equal(&low, &high))
			continue;
		assert_int_equal(ring_id_between(&x, &low, &high), inside);
	}
}

static void inside_is_between_on_the_shorter_arc(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 4);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id a = draw(&tr.random), b = draw(&tr.random), x = draw(&tr.random);
		struct ring_id whole = ring_id_distance(&a, &b);
		struct ring_id to_a = ring_id_distance(&x, &a), to_b = ring_id_distance(&x, &b);
		struct ring_id sum = ring_id_add(&to_a, &to_b);
		bool inside = ring_id_equal(&sum, &whole) && !ring_id_equal(&x, &a) && !ring_id_equal(&x, &b);

		assert_int_equal(ring_id_inside(&x, &a, &b), inside);
	}
}

static void closer_compares_distances(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 5);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id a = draw(&tr.random), b = draw(&tr.random), t = draw(&tr.random);
		struct ring_id da = ring_id_distance(&a, &t), db = ring_id_distance(&b, &t);

		assert_int_equal(ring_id_closer(&a, &b, &t), ring_id_compare(&da, &db) < 0);
		assert_false(ring_id_closer(&a, &a, &t));
	}
}

static void prefixes_bit_by_bit(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 6);
	for (int i = 0; i < ROUNDS; i++) {
		struct ring_id a = draw(&tr.random), b = a;
		unsigned bit = (unsigned)ponto_random_below(&tr.random, RING_ID_BITS), common = 0;

		b.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		while (common < RING_ID_BITS && naive_bit(&a, common) == naive_bit(&b, common))
			common++;
		assert_int_equal(ring_id_common_bits(&a, &b), common);
		assert_int_equal(common, bit);
		assert_int_equal(ring_id_common_bits(&a, &a), RING_ID_BITS);
	}
}

static void shifts_bit_by_bit(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 7);
	for (unsigned bits = 0; bits < RING_ID_BITS; bits++) {
		struct ring_id a = draw(&tr.random), s = ring_id_shift_right(&a, bits);

		for (unsigned i = 0; i < RING_ID_BITS; i++)
			assert_int_equal(naive_bit(&s, i), i < bits ? 0 : naive_bit(&a, i - bits));
	}
}

static void logarithm_and_fraction(void **state)
{
	struct ring_id id = {{0}};

	(void)state;
	assert_int_equal(ring_id_log2(&id), -1);
	id.b[0] = 0x40;
	assert_int_equal(ring_id_log2(&id), 254);
	assert_true(ring_id_fraction(&id) == 0.25);
	id.b[0] = 0;
	id.b[31] = 1;
	assert_int_equal(ring_id_log2(&id), 0);
	assert_true(ring_id_fraction(&id) > 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sums_and_differences),
	cmocka_unit_test(wraps_around),
	cmocka_unit_test(distance_is_the_shorter_way),
	cmocka_unit_test(between_agrees_with_walking_up),
	cmocka_unit_test(inside_is_between_on_the_shorter_arc),
	cmocka_unit_test(closer_compares_distances),
	cmocka_unit_test(prefixes_bit_by_bit),
	cmocka_unit_test(shifts_bit_by_bit),
	cmocka_unit_test(logarithm_and_fraction),
};

PONTO_TEST_MAIN(tests)
