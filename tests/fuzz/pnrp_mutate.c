/* Mutation of fuzz_pnrp_engine's programs by records, so that operations stay whole and in step. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pnrp_program.h"

#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
				 size_t max_size, unsigned seed);
/* libFuzzer's own, where it is linked. */
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

#define RECORDS_MAX PNRP_PROGRAM_STEPS

struct program {
	uint8_t *data;
	size_t size, max;
	size_t at[RECORDS_MAX + 1]; /* where each record begins; the last: the end */
	size_t count;
	uint64_t random;
};

static uint32_t below(struct program *p, uint32_t bound)
{
	p->random = p->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((p->random >> 33) % bound);
}

/* Small values mean most. */
static uint8_t some_byte(struct program *p)
{
	switch (below(p, 4)) {
	case 0:
		return 0;
	case 1:
		return (uint8_t)below(p, 16);
	case 2:
		return (uint8_t)below(p, 64);
	default:
		return (uint8_t)below(p, 256);
	}
}

static void find_records(struct program *p)
{
	size_t at = PNRP_PROGRAM_RECORD;

	p->count = 0;
	while (at + PNRP_PROGRAM_RECORD <= p->size && p->count < RECORDS_MAX) {
		p->at[p->count++] = at;
		at += PNRP_PROGRAM_RECORD + pnrp_program_raw(p->data + at, p->size - at - PNRP_PROGRAM_RECORD);
	}
	p->at[p->count] = at < p->size ? at : p->size;
	p->size = p->at[p->count];
}

/* Puts bytes in before the record; nothing when there is no room. */
static void insert(struct program *p, size_t record, const uint8_t *bytes, size_t len)
{
	size_t at = p->at[record];

	if (p->size + len > p->max)
		return;
	memmove(p->data + at + len, p->data + at, p->size - at);
	memcpy(p->data + at, bytes, len);
	p->size += len;
}

static void erase(struct program *p, size_t first, size_t end)
{
	size_t at = p->at[first], len = p->at[end] - at;

	memmove(p->data + at, p->data + at + len, p->size - at - len);
	p->size -= len;
}

/* What makes the rest interesting comes more often. */
static uint8_t some_op(struct program *p)
{
	static const uint8_t often[] = {PNRP_OP_SEND,	 PNRP_OP_ANSWER,   PNRP_OP_ANSWER, PNRP_OP_ANSWER,
					PNRP_OP_WORLD,	 PNRP_OP_REGISTER, PNRP_OP_RUN,	   PNRP_OP_COMPLETE,
					PNRP_OP_RESOLVE, PNRP_OP_NET};

	if (below(p, 3) == 0)
		return (uint8_t)below(p, PNRP_OPS);
	return often[below(p, sizeof(often))];
}

static void new_record(struct program *p, uint8_t out[PNRP_PROGRAM_RECORD])
{
	out[0] = (uint8_t)(some_op(p) | (below(p, 4) == 0 ? 128 : 0));
	for (unsigned i = 1; i < PNRP_PROGRAM_RECORD; i++)
		out[i] = some_byte(p);
	if ((out[0] & 127) == PNRP_OP_RAW || (out[0] & 127) == PNRP_OP_RAW_ANSWER)
		out[3] = 0;
}

static void copy_range(struct program *p)
{
	uint8_t bytes[16 * PNRP_PROGRAM_RECORD];
	size_t first = below(p, (uint32_t)p->count), end = first + 1 + below(p, 8);
	size_t len;

	end = end < p->count ? end : p->count;
	len = p->at[end] - p->at[first];
	if (len > sizeof(bytes))
		return;
	memcpy(bytes, p->data + p->at[first], len);
	insert(p, below(p, (uint32_t)p->count + 1), bytes, len);
}

static void change_record(struct program *p)
{
	size_t which = below(p, (uint32_t)p->count);
	uint8_t *record = p->data + p->at[which];
	size_t raw = p->at[which + 1] - p->at[which] - PNRP_PROGRAM_RECORD;

	if (raw > 0 && LLVMFuzzerMutate && below(p, 2))
		(void)LLVMFuzzerMutate(record + PNRP_PROGRAM_RECORD, raw, raw);
	else if (raw == 0 && below(p, 8) == 0)
		new_record(p, record);
	else if (raw == 0 || below(p, 4))
		record[1 + (raw ? 0 : below(p, PNRP_PROGRAM_RECORD - 1))] = some_byte(p);
	else
		record[PNRP_PROGRAM_RECORD + below(p, (uint32_t)raw)] ^= (uint8_t)(1u << below(p, 8));
}

static void mutate_once(struct program *p)
{
	uint8_t fresh[PNRP_PROGRAM_RECORD];
	size_t first;

	find_records(p);
	if (p->count == 0 || below(p, 4) == 0) {
		new_record(p, fresh);
		insert(p, below(p, (uint32_t)p->count + 1), fresh, sizeof(fresh));
		return;
	}
	switch (below(p, 8)) {
	case 0:
		first = below(p, (uint32_t)p->count);
		erase(p, first, first + 1 + below(p, 4) < p->count ? first + 1 : p->count);
		break;
	case 1:
		copy_range(p);
		break;
	case 2:
		p->data[below(p, 2) ? 0 : below(p, 4)] ^= (uint8_t)(1u << below(p, 8));
		break;
	default:
		change_record(p);
		break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct program p = {.data = data, .size = size, .max = max_size, .random = seed};

	if (max_size < 2 * PNRP_PROGRAM_RECORD)
		return size;
	if (p.size < PNRP_PROGRAM_RECORD) {
		memset(data + size, 0, PNRP_PROGRAM_RECORD - size);
		p.size = PNRP_PROGRAM_RECORD;
	}
	for (unsigned n = 1 + below(&p, 4); n > 0; n--)
		mutate_once(&p);
	return p.size;
}

/* The beginning of one program and then a part of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
				 size_t max_size, unsigned seed)
{
	static uint8_t copy[1 << 20];
	struct program p = {.data = out, .max = max_size, .random = seed};
	struct program q = {.data = copy, .max = sizeof(copy)};
	size_t first, end, len;

	p.size = a_size < max_size ? a_size : max_size;
	q.size = b_size < sizeof(copy) ? b_size : sizeof(copy);
	memcpy(out, a, p.size);
	memcpy(copy, b, q.size);
	if (p.size < PNRP_PROGRAM_RECORD || q.size < 2 * PNRP_PROGRAM_RECORD)
		return p.size;
	find_records(&p);
	find_records(&q);
	if (q.count == 0)
		return p.size;
	first = below(&p, (uint32_t)q.count);
	end = first + 1 + below(&p, (uint32_t)(q.count - first));
	len = q.at[end] - q.at[first];
	insert(&p, below(&p, (uint32_t)p.count + 1), copy + q.at[first], len);
	return p.size;
}
