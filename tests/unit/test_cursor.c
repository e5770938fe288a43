/* Random programs of operations run on the cursor and on a model that is slow and plain: 128-bit positions, one
 * byte at a time. Everything the cursor promises is compared after each step. */
#include "framework/cursor.h"
#include "tests/support/test.h"

#define CASES 4000
#define STEPS 60
#define DATA 300

typedef unsigned __int128 wide;

/* ---- the model of a reader ----------------------------------------------------------- */

struct model {
	const uint8_t *data;
	wide pos, end;
	bool failed;
};

static bool model_take(struct model *m, wide len, wide *from)
{
	if (m->failed || m->pos + len > m->end) {
		m->failed = true;
		return false;
	}
	*from = m->pos;
	m->pos += len;
	return true;
}

static uint64_t model_number(struct model *m, unsigned bytes, bool big)
{
	uint64_t v = 0;
	wide from;

	if (!model_take(m, bytes, &from))
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)m->data[from + i] << 8 * (big ? bytes - 1 - i : i);
	return v;
}

static void compare(const struct ponto_reader *r, const struct model *m)
{
	assert_int_equal(r->failed, m->failed);
	assert_true(m->pos == r->pos && m->end == r->end);
	assert_int_equal(ponto_reader_done(r), m->failed || m->pos != m->end ? PONTO_EPROTO : PONTO_OK);
	if (m->failed || m->end - m->pos < 2)
		assert_int_equal(ponto_peek_be16(r), 0);
	else
		assert_int_equal(ponto_peek_be16(r), m->data[m->pos] << 8 | m->data[m->pos + 1]);
}

/* Mostly short, sometimes just around what is left, sometimes so long that a 32 or 64-bit sum would wrap. */
static uint64_t some_length(const struct ponto_random *random, uint64_t left)
{
	switch (ponto_random_below(random, 12)) {
	case 0:
		return left;
	case 1:
		return left + 1;
	case 2:
		return UINT64_MAX - ponto_random_below(random, 2 * DATA);
	case 3:
		return (UINT64_C(1) << 32) - ponto_random_below(random, 2 * DATA);
	case 4:
		return 0;
	default:
		return ponto_random_below(random, 9);
	}
}

static void read_numbers(const struct ponto_random *random, struct ponto_reader *r, struct model *m)
{
	switch (ponto_random_below(random, 7)) {
	case 0:
		assert_int_equal(ponto_read_u8(r), model_number(m, 1, true));
		break;
	case 1:
		assert_int_equal(ponto_read_be16(r), model_number(m, 2, true));
		break;
	case 2:
		assert_int_equal(ponto_read_be32(r), model_number(m, 4, true));
		break;
	case 3:
		assert_true(ponto_read_be64(r) == model_number(m, 8, true));
		break;
	case 4:
		assert_int_equal(ponto_read_le16(r), model_number(m, 2, false));
		break;
	case 5:
		assert_int_equal(ponto_read_le32(r), model_number(m, 4, false));
		break;
	default:
		assert_true(ponto_read_le64(r) == model_number(m, 8, false));
		break;
	}
}

static void read_copies(const struct ponto_random *random, struct ponto_reader *r, struct model *m)
{
	uint64_t any = some_length(random, r->end - r->pos);
	size_t len = any > 2 * DATA ? 2 * DATA : (size_t)any;
	bool reversed = ponto_random_below(random, 2);
	uint8_t out[2 * DATA + 2];
	wide from = 0;
	bool ok;

	memset(out, 0x5a, sizeof(out));
	if (reversed)
		ponto_read_reversed(r, out + 1, len);
	else
		ponto_read_copy(r, out + 1, len);
	ok = model_take(m, len, &from);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(out[1 + i], ok ? m->data[from + (reversed ? len - 1 - i : i)] : 0);
	assert_int_equal(out[0], 0x5a);
	assert_int_equal(out[len + 1], 0x5a);
}

static void read_views(const struct ponto_random *random, struct ponto_reader *r, struct model *m)
{
	uint64_t len = some_length(random, r->end - r->pos);
	struct ponto_bytes view = ponto_read_bytes(r, len);
	wide from = 0;
	bool ok = model_take(m, len, &from);

	assert_true(view.len == (ok ? len : 0));
	if (ok && len > 0)
		assert_ptr_equal(view.data, m->data + from);
}

static void read_moves(const struct ponto_random *random, struct ponto_reader *r, struct model *m)
{
	uint32_t alignment = 1u << ponto_random_below(random, 6);
	uint64_t len = some_length(random, r->end - r->pos);
	wide from;

	if (ponto_random_below(random, 2)) {
		ponto_read_skip(r, len);
		model_take(m, len, &from);
		return;
	}
	ponto_read_align(r, alignment);
	len = 0;
	while ((m->pos + len) % alignment != 0)
		len++;
	model_take(m, len, &from);
}

static void read_program(const struct ponto_random *random, struct ponto_reader *r, struct model *m, int depth);

static void read_inner(const struct ponto_random *random, struct ponto_reader *r, struct model *m, int depth)
{
	uint64_t len = some_length(random, r->end - r->pos);
	struct ponto_reader inner = ponto_read_nested(r, len);
	struct model within = {0};
	wide from = 0;

	within.failed = !model_take(m, len, &from);
	if (!within.failed) {
		within.data = m->data + from;
		within.end = len;
	}
	compare(&inner, &within);
	read_program(random, &inner, &within, depth - 1);
	ponto_reader_close(r, &inner);
	m->failed |= within.failed || within.pos != within.end;
}

static void read_program(const struct ponto_random *random, struct ponto_reader *r, struct model *m, int depth)
{
	uint64_t steps = ponto_random_below(random, STEPS);

	for (uint64_t i = 0; i < steps; i++) {
		switch (ponto_random_below(random, depth > 0 ? 9 : 8)) {
		case 0:
			read_copies(random, r, m);
			break;
		case 1:
			read_views(random, r, m);
			break;
		case 2:
			read_moves(random, r, m);
			break;
		case 8:
			read_inner(random, r, m, depth);
			break;
		default:
			read_numbers(random, r, m);
			break;
		}
		compare(r, m);
	}
}

static void readers_follow_the_model(void **state)
{
	struct ponto_test_random tr;
	unsigned failed = 0, whole = 0;

	(void)state;
	for (unsigned seed = 0; seed < CASES; seed++) {
		size_t len;
		uint8_t *data;
		struct ponto_reader r;
		struct model m;

		ponto_test_random_init(&tr, seed);
		len = ponto_random_below(&tr.random, DATA);
		data = malloc(len + 1); /* exact but for one byte that must never be seen */
		assert_non_null(data);
		tr.random.fill(tr.random.ctx, data, len + 1);
		r = ponto_reader(ponto_bytes(data, len));
		m = (struct model){data, 0, len, false};
		compare(&r, &m);
		read_program(&tr.random, &r, &m, 3);
		failed += r.failed;
		whole += !r.failed;
		free(data);
	}
	assert_true(failed > CASES / 20 && whole > CASES / 20); /* both sides were seen */
}

/* ---- the model of a writer ----------------------------------------------------------- */

struct paper {
	uint8_t data[DATA];
	wide pos, cap;
	bool failed;
};

static void paper_put(struct paper *p, const uint8_t *data, wide len)
{
	if (p->failed || p->pos + len > p->cap) {
		p->failed = true;
		return;
	}
	for (wide i = 0; i < len; i++)
		p->data[p->pos++] = data ? data[i] : 0;
}

static void paper_number(struct paper *p, uint64_t v, unsigned bytes, bool big)
{
	uint8_t out[8];

	for (unsigned i = 0; i < bytes; i++)
		out[big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
	paper_put(p, out, bytes);
}

static void paper_patch(struct paper *p, uint64_t pos, uint64_t v, unsigned bytes, bool big)
{
	if (p->failed || (wide)pos + bytes > p->pos || (wide)v >= (wide)1 << 8 * bytes) {
		p->failed = true;
		return;
	}
	for (unsigned i = 0; i < bytes; i++)
		p->data[pos + (big ? bytes - 1 - i : i)] = (uint8_t)(v >> 8 * i);
}

static void write_numbers(const struct ponto_random *random, struct ponto_writer *w, struct paper *p)
{
	static void (*const write16[])(struct ponto_writer *, uint16_t) = {ponto_write_le16, ponto_write_be16};
	static void (*const write32[])(struct ponto_writer *, uint32_t) = {ponto_write_le32, ponto_write_be32};
	static void (*const write64[])(struct ponto_writer *, uint64_t) = {ponto_write_le64, ponto_write_be64};
	uint64_t v = ponto_random_u64(random);
	bool big = ponto_random_below(random, 2);

	switch (ponto_random_below(random, 4)) {
	case 0:
		ponto_write_u8(w, (uint8_t)v);
		paper_number(p, v, 1, big);
		break;
	case 1:
		write16[big](w, (uint16_t)v);
		paper_number(p, v, 2, big);
		break;
	case 2:
		write32[big](w, (uint32_t)v);
		paper_number(p, v, 4, big);
		break;
	default:
		write64[big](w, v);
		paper_number(p, v, 8, big);
		break;
	}
}

static void write_blocks(const struct ponto_random *random, struct ponto_writer *w, struct paper *p)
{
	size_t len = (size_t)ponto_random_below(random, 24);
	uint32_t alignment = 1u << ponto_random_below(random, 6);
	uint8_t data[24], backwards[24];
	uint64_t zeros;

	random->fill(random->ctx, data, sizeof(data));
	for (size_t i = 0; i < len; i++)
		backwards[i] = data[len - 1 - i];
	switch (ponto_random_below(random, 5)) {
	case 0:
		ponto_write_copy(w, data, len);
		paper_put(p, data, len);
		break;
	case 1:
		ponto_write_bytes(w, ponto_bytes(data, len));
		paper_put(p, data, len);
		break;
	case 2:
		ponto_write_reversed(w, data, len);
		paper_put(p, backwards, len);
		break;
	case 3:
		zeros = some_length(random, w->cap - w->pos);
		ponto_write_zeros(w, zeros);
		paper_put(p, NULL, zeros);
		break;
	default:
		zeros = (alignment - w->pos % alignment) % alignment;
		ponto_write_align(w, alignment);
		paper_put(p, NULL, zeros);
		break;
	}
}

static void write_patches(const struct ponto_random *random, struct ponto_writer *w, struct paper *p)
{
	static void (*const patch16[])(struct ponto_writer *, uint64_t, uint64_t) = {ponto_patch_le16, ponto_patch_be16};
	static void (*const patch32[])(struct ponto_writer *, uint64_t, uint64_t) = {ponto_patch_le32, ponto_patch_be32};
	bool big = ponto_random_below(random, 2), wide32 = ponto_random_below(random, 2);
	unsigned bytes = wide32 ? 4 : 2;
	uint64_t pos = ponto_random_below(random, 8) ? ponto_random_below(random, w->pos + 1)
						     : UINT64_MAX - ponto_random_below(random, 8);
	uint64_t v = ponto_random_u64(random) >> (ponto_random_below(random, 8) ? 64 - 8 * bytes : 63 - 8 * bytes);

	(wide32 ? patch32 : patch16)[big](w, pos, v);
	paper_patch(p, pos, v, bytes, big);
}

static void write_case(const struct ponto_random *random)
{
	size_t cap = (size_t)ponto_random_below(random, DATA), len = 12345;
	uint8_t *out = malloc(cap + 1);
	struct ponto_writer w = ponto_writer(out, cap);
	struct paper p = {.cap = cap};

	assert_non_null(out);
	out[cap] = 0x5a;
	for (int i = 0; i < STEPS; i++) {
		uint64_t which = ponto_random_below(random, 10);

		if (which < 6)
			write_numbers(random, &w, &p);
		else if (which < 9)
			write_blocks(random, &w, &p);
		else if (w.pos > 4)
			write_patches(random, &w, &p);
		assert_int_equal(w.failed, p.failed);
		assert_true(p.pos == w.pos);
		if (w.pos > 0)
			assert_memory_equal(out, p.data, w.pos);
	}
	assert_int_equal(ponto_writer_done(&w, &len), p.failed ? PONTO_ELIMIT : PONTO_OK);
	assert_int_equal(len, p.failed ? 12345 : p.pos);
	assert_int_equal(out[cap], 0x5a);
	free(out);
}

static void writers_follow_the_model(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	for (unsigned seed = 0; seed < CASES; seed++) {
		ponto_test_random_init(&tr, seed);
		write_case(&tr.random);
	}
}

/* ---- single promises, by hand ---------------------------------------------------------- */

static void empty_inputs(void **state)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(NULL, 0));
	struct ponto_writer w = ponto_writer(NULL, 0);
	size_t len = 1;

	(void)state;
	ponto_read_align(&r, 8);
	ponto_read_copy(&r, NULL, 0);
	ponto_read_reversed(&r, NULL, 0);
	assert_int_equal(ponto_read_bytes(&r, 0).len, 0);
	assert_ok(ponto_reader_done(&r));
	assert_int_equal(ponto_read_u8(&r), 0);
	assert_int_equal(ponto_reader_done(&r), PONTO_EPROTO);
	ponto_write_copy(&w, NULL, 0);
	ponto_write_reversed(&w, NULL, 0);
	ponto_write_zeros(&w, 0);
	ponto_write_align(&w, 8);
	assert_ok(ponto_writer_done(&w, &len));
	assert_int_equal(len, 0);
	ponto_write_u8(&w, 1);
	assert_int_equal(ponto_writer_done(&w, &len), PONTO_ELIMIT);
}

static void one_fault_stays(void **state)
{
	struct ponto_reader r = ponto_reader(ponto_bytes("\1\2\3\4", 4));
	uint8_t out[8];
	struct ponto_writer w = ponto_writer(out, 4);

	(void)state;
	assert_int_equal(ponto_read_u8(&r), 1);
	assert_true(ponto_read_be32(&r) == 0);
	assert_int_equal(ponto_read_u8(&r), 0);
	assert_int_equal(r.pos, 1);
	memset(out, 0x5a, sizeof(out));
	ponto_write_u8(&w, 1);
	ponto_write_be64(&w, 0);
	ponto_write_u8(&w, 2);
	ponto_patch_be16(&w, 0, 3);
	assert_memory_equal(out, "\x01\x5a\x5a\x5a\x5a\x5a\x5a\x5a", 8);
}

static void nested_fields(void **state)
{
	struct ponto_reader r = ponto_reader(ponto_bytes("\1\2\3\4\5\6", 6)), inner;

	(void)state;
	ponto_read_skip(&r, 1);
	inner = ponto_read_nested(&r, 3);
	ponto_read_skip(&inner, 1);
	ponto_read_align(&inner, 2); /* counted from the inner start */
	assert_int_equal(ponto_read_u8(&inner), 4);
	assert_int_equal(ponto_read_u8(&r), 5); /* the outer stands behind the field, whatever the inner reads */
	ponto_reader_close(&r, &inner);
	assert_int_equal(ponto_read_u8(&r), 6);
	assert_ok(ponto_reader_done(&r));

	r = ponto_reader(ponto_bytes("\1\2\3\4\5\6", 6));
	inner = ponto_read_nested(&r, 7);
	assert_true(inner.failed && r.failed);

	r = ponto_reader(ponto_bytes("\1\2\3\4\5\6", 6));
	inner = ponto_read_nested(&r, 2);
	ponto_read_skip(&inner, 1);
	ponto_reader_close(&r, &inner); /* one byte left over */
	assert_true(r.failed);
}

static void patched_values_must_fit(void **state)
{
	uint8_t out[8];
	struct ponto_writer w = ponto_writer(out, sizeof(out)), narrow, outside;

	(void)state;
	ponto_write_zeros(&w, 6);
	narrow = outside = w;
	ponto_patch_be16(&w, 0, 0xffff);
	ponto_patch_le32(&w, 2, 0xfffffffe);
	assert_memory_equal(out, "\xff\xff\xfe\xff\xff\xff", 6);
	ponto_patch_be16(&narrow, 0, 0x10000);
	assert_true(narrow.failed);
	ponto_patch_be32(&outside, 3, 0); /* room in the buffer, but not written yet */
	assert_true(outside.failed);
}

static void texts_and_digits(void **state)
{
	uint8_t out[48];
	struct ponto_writer w = ponto_writer(out, sizeof(out));

	(void)state;
	ponto_write_text(&w, "a=");
	ponto_write_decimal(&w, 0);
	ponto_write_text(&w, ", b=");
	ponto_write_decimal(&w, 1090);
	ponto_write_text(&w, ", c=");
	ponto_write_decimal(&w, UINT64_MAX);
	assert_false(w.failed);
	assert_int_equal(w.pos, 35);
	assert_memory_equal(out, "a=0, b=1090, c=18446744073709551615", 35);
	w = ponto_writer(out, 3);
	ponto_write_decimal(&w, 1090);
	assert_true(w.failed);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(readers_follow_the_model),
	cmocka_unit_test(writers_follow_the_model),
	cmocka_unit_test(empty_inputs),
	cmocka_unit_test(one_fault_stays),
	cmocka_unit_test(nested_fields),
	cmocka_unit_test(patched_values_must_fit),
	cmocka_unit_test(texts_and_digits),
};

PONTO_TEST_MAIN(tests)
