/* The input is a program of cursor operations, then the bytes it works on. Checked beside memory errors: the
 * position never passes the end, a failed cursor stays failed and gives zeros, and what the writer wrote reads
 * back the same. */
#include "tests/fuzz/fuzz.h"
#include "framework/cursor.h"

#include <string.h>

static uint64_t read_number(struct ponto_reader *r, unsigned which)
{
	switch (which % 7) {
	case 0:
		return ponto_read_u8(r);
	case 1:
		return ponto_read_be16(r);
	case 2:
		return ponto_read_be32(r);
	case 3:
		return ponto_read_be64(r);
	case 4:
		return ponto_read_le16(r);
	case 5:
		return ponto_read_le32(r);
	default:
		return ponto_read_le64(r);
	}
}

static void write_number(struct ponto_writer *w, unsigned which, uint64_t v)
{
	switch (which % 7) {
	case 0:
		ponto_write_u8(w, (uint8_t)v);
		break;
	case 1:
		ponto_write_be16(w, (uint16_t)v);
		break;
	case 2:
		ponto_write_be32(w, (uint32_t)v);
		break;
	case 3:
		ponto_write_be64(w, v);
		break;
	case 4:
		ponto_write_le16(w, (uint16_t)v);
		break;
	case 5:
		ponto_write_le32(w, (uint32_t)v);
		break;
	default:
		ponto_write_le64(w, v);
		break;
	}
}

/* A length as a peer would send it: small mostly, near 2^64 sometimes. */
static uint64_t length(struct ponto_reader *program)
{
	uint8_t low = ponto_read_u8(program);

	return low < 0xf0 ? low : UINT64_MAX - (low & 7) * UINT64_C(0x1000);
}

static void check(const struct ponto_reader *r, const struct ponto_reader *before)
{
	FUZZ_REQUIRE(r->pos <= r->end && r->pos >= before->pos && r->end == before->end);
	FUZZ_REQUIRE(!before->failed || (r->failed && r->pos == before->pos));
	if (r->failed) {
		struct ponto_reader copy = *r;

		FUZZ_REQUIRE(ponto_read_u8(&copy) == 0 && ponto_peek_be16(&copy) == 0);
		FUZZ_REQUIRE(ponto_reader_done(&copy) == PONTO_EPROTO);
	}
}

static void read_program(struct ponto_reader *program, struct ponto_reader *r, struct ponto_writer *w, int depth)
{
	while (program->pos < program->end && !program->failed) {
		uint8_t op = ponto_read_u8(program);
		struct ponto_reader before = *r, inner;
		struct ponto_bytes view;
		uint8_t copy[256];
		uint64_t v;

		switch (op % 8) {
		case 0:
			v = read_number(r, op / 8);
			FUZZ_REQUIRE(!r->failed || v == 0);
			write_number(w, op / 8, v);
			break;
		case 1:
			ponto_read_copy(r, copy, op);
			ponto_write_copy(w, copy, op);
			break;
		case 2:
			ponto_read_reversed(r, copy, op);
			ponto_write_reversed(w, copy, op);
			break;
		case 3:
			view = ponto_read_bytes(r, length(program));
			FUZZ_REQUIRE(!r->failed || view.len == 0);
			ponto_write_bytes(w, view);
			break;
		case 4:
			ponto_read_skip(r, length(program));
			ponto_write_zeros(w, length(program));
			break;
		case 5:
			ponto_read_align(r, 1u << (op / 8 % 5));
			ponto_write_align(w, 1u << (op / 8 % 5));
			break;
		case 6:
			if (depth == 0)
				return;
			inner = ponto_read_nested(r, length(program));
			read_program(program, &inner, w, depth - 1);
			ponto_reader_close(r, &inner);
			break;
		default:
			ponto_patch_be16(w, length(program), length(program));
			ponto_patch_le32(w, length(program), length(program));
			break;
		}
		check(r, &before);
	}
}

/* Numbers written and read again one by one. */
static void round_trip(struct ponto_bytes kinds, struct ponto_bytes values)
{
	uint8_t out[512];
	struct ponto_writer w = ponto_writer(out, sizeof(out));
	struct ponto_reader from = ponto_reader(values), back;
	size_t count = kinds.len < 64 ? kinds.len : 64;
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		write_number(&w, kinds.data[i], read_number(&from, kinds.data[i]));
	FUZZ_REQUIRE(ponto_writer_done(&w, &len) == PONTO_OK);
	back = ponto_reader(ponto_bytes(out, len));
	from = ponto_reader(values);
	for (size_t i = 0; i < count; i++)
		FUZZ_REQUIRE(read_number(&from, kinds.data[i]) == read_number(&back, kinds.data[i]));
	FUZZ_REQUIRE(ponto_reader_done(&back) == PONTO_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t split = size > 1 ? data[0] % size : 0;
	struct ponto_bytes text = ponto_bytes(data, split), body = ponto_bytes(data + split, size - split);
	struct ponto_reader program = ponto_reader(text), r = ponto_reader(body);
	uint8_t *out = malloc(size + 1); /* so that some programs fit and some do not */
	struct ponto_writer w;
	size_t len = 0;

	if (!out)
		return 0;
	w = ponto_writer(out, size);
	ponto_read_skip(&program, split > 0);
	read_program(&program, &r, &w, 4);
	FUZZ_REQUIRE(w.pos <= w.cap);
	FUZZ_REQUIRE(ponto_writer_done(&w, &len) == (w.failed ? PONTO_ELIMIT : PONTO_OK));
	free(out);
	round_trip(text, body);
	return 0;
}
