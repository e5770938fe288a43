#include "engines/ring/ring_id.h"

#include <string.h>

bool ring_id_is_zero(const struct ring_id *a)
{
	static const struct ring_id zero;

	return ring_id_equal(a, &zero);
}

/* Word 0 is the least significant of four. Written out so that compilers make it one load. */
static inline uint64_t word(const struct ring_id *a, unsigned index)
{
	const uint8_t *p = a->b + (3 - index) * 8;

	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

static inline void set_word(struct ring_id *a, unsigned index, uint64_t v)
{
	uint8_t *p = a->b + (3 - index) * 8;

	p[0] = (uint8_t)(v >> 56);
	p[1] = (uint8_t)(v >> 48);
	p[2] = (uint8_t)(v >> 40);
	p[3] = (uint8_t)(v >> 32);
	p[4] = (uint8_t)(v >> 24);
	p[5] = (uint8_t)(v >> 16);
	p[6] = (uint8_t)(v >> 8);
	p[7] = (uint8_t)v;
}

/* One step of a sum or difference; each is written out four times, which no compiler does for a loop at -O2. */
static inline bool add_word(struct ring_id *sum, const struct ring_id *a, const struct ring_id *b, unsigned index,
			    bool carry)
{
	uint64_t s;
	bool over = __builtin_add_overflow(word(a, index), word(b, index), &s);

	over |= __builtin_add_overflow(s, (uint64_t)carry, &s);
	set_word(sum, index, s);
	return over;
}

static inline bool sub_word(struct ring_id *difference, const struct ring_id *a, const struct ring_id *b,
			    unsigned index, bool borrow)
{
	uint64_t d;
	bool under = __builtin_sub_overflow(word(a, index), word(b, index), &d);

	under |= __builtin_sub_overflow(d, (uint64_t)borrow, &d);
	set_word(difference, index, d);
	return under;
}

struct ring_id ring_id_add(const struct ring_id *a, const struct ring_id *b)
{
	struct ring_id sum;
	bool carry = add_word(&sum, a, b, 0, false);

	carry = add_word(&sum, a, b, 1, carry);
	carry = add_word(&sum, a, b, 2, carry);
	(void)add_word(&sum, a, b, 3, carry);
	return sum;
}

struct ring_id ring_id_sub(const struct ring_id *a, const struct ring_id *b)
{
	struct ring_id difference;
	bool borrow = sub_word(&difference, a, b, 0, false);

	borrow = sub_word(&difference, a, b, 1, borrow);
	borrow = sub_word(&difference, a, b, 2, borrow);
	(void)sub_word(&difference, a, b, 3, borrow);
	return difference;
}

struct ring_id ring_id_add_u64(const struct ring_id *a, uint64_t n)
{
	struct ring_id b = {{0}};

	set_word(&b, 0, n);
	return ring_id_add(a, &b);
}

struct ring_id ring_id_shift_right(const struct ring_id *a, unsigned bits)
{
	struct ring_id out = {{0}};
	unsigned bytes = bits / 8, rest = bits % 8;

	for (unsigned i = RING_ID_SIZE; i-- > bytes;) {
		unsigned v = a->b[i - bytes];
		unsigned high = i > bytes ? a->b[i - bytes - 1] : 0;

		out.b[i] = (uint8_t)(((high << 8 | v) >> rest) & 0xff);
	}
	return out;
}

struct ring_id ring_id_distance(const struct ring_id *a, const struct ring_id *b)
{
	struct ring_id down = ring_id_sub(a, b);

	return down.b[0] < 0x80 ? down : ring_id_sub(b, a);
}

bool ring_id_closer(const struct ring_id *a, const struct ring_id *b, const struct ring_id *target)
{
	int top = ring_top_closer(ring_id_top(a), ring_id_top(b), ring_id_top(target));
	struct ring_id da, db;

	if (top)
		return top > 0;
	da = ring_id_distance(a, target);
	db = ring_id_distance(b, target);
	return ring_id_compare(&da, &db) < 0;
}

bool ring_id_between(const struct ring_id *x, const struct ring_id *low, const struct ring_id *high)
{
	int ends = ring_id_compare(low, high);

	if (ends < 0)
		return ring_id_compare(low, x) < 0 && ring_id_compare(x, high) < 0;
	return ring_id_compare(low, x) < 0 || ring_id_compare(x, high) < 0;
}

bool ring_id_above(const struct ring_id *b, const struct ring_id *a)
{
	uint64_t way = ring_id_top(b) - ring_id_top(a);
	struct ring_id up, down;

	/* By the highest words alone where they differ by more than a borrow can. */
	if (way > 2 && way < UINT64_MAX / 2 - 2)
		return true;
	if (way > UINT64_MAX / 2 + 3 && way < UINT64_MAX - 2)
		return false;
	up = ring_id_sub(b, a);
	down = ring_id_sub(a, b);
	return ring_id_compare(&up, &down) <= 0;
}

bool ring_id_inside(const struct ring_id *x, const struct ring_id *a, const struct ring_id *b)
{
	if (ring_id_equal(a, b))
		return false;
	return ring_id_above(b, a) ? ring_id_between(x, a, b) : ring_id_between(x, b, a);
}

unsigned ring_id_common_bits(const struct ring_id *a, const struct ring_id *b)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t differ = word(a, 3 - i) ^ word(b, 3 - i);

		if (differ)
			return i * 64 + (unsigned)__builtin_clzll(differ);
	}
	return RING_ID_BITS;
}

int ring_id_log2(const struct ring_id *a)
{
	static const struct ring_id zero;

	return 255 - (int)ring_id_common_bits(a, &zero);
}

double ring_id_fraction(const struct ring_id *a)
{
	double f = 0;

	for (unsigned i = RING_ID_SIZE; i-- > 0;)
		f = (f + a->b[i]) / 256;
	return f;
}

struct ring_id ring_id_random(const struct ponto_random *random)
{
	struct ring_id id;

	random->fill(random->ctx, id.b, sizeof(id.b));
	return id;
}
