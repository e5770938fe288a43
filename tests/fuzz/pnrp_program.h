/* Ponto fuzzing: the program that an input of fuzz_pnrp_engine is: a head of eight bytes, then records of eight bytes
 * (operation and seven choices), of which some are followed by as many raw bytes as they say. What is missing at the
 * end is zero. Every input is a program. */
#ifndef PONTO_TESTS_FUZZ_PNRP_PROGRAM_H
#define PONTO_TESTS_FUZZ_PNRP_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define PNRP_PROGRAM_RECORD 8
#define PNRP_PROGRAM_STEPS 300

/* Bits of the head's first byte. */
enum pnrp_program_head {
	PNRP_HEAD_MODERN = 1,
	PNRP_HEAD_TWO = 2,    /* two engines */
	PNRP_HEAD_LITTLE = 4, /* small limits */
	PNRP_HEAD_RESOLVE_ONLY = 8,
	PNRP_HEAD_NO_MULTICAST = 16,
	PNRP_HEAD_ANY_SCOPE = 32,
	PNRP_HEAD_SEEDED = 64, /* the cloud is opened with peers as seeds, and the other engine */
};
/* Then: 2 bytes, which allocation is refused (0: none); the seed of randomness; the rest says nothing. */

/* The low bits of a record's first byte, taken modulo PNRP_OPS; the highest bit says which engine. */
enum pnrp_op {
	PNRP_OP_RUN,  /* time passes, all in its time */
	PNRP_OP_LEAP, /* time passes, the engine is called late */
	PNRP_OP_SEND,
	PNRP_OP_ANSWER,
	PNRP_OP_WORLD, /* the peers answer as they should */
	PNRP_OP_COMPLETE,
	PNRP_OP_REGISTER,
	PNRP_OP_UNREGISTER,
	PNRP_OP_RESOLVE,
	PNRP_OP_CANCEL,
	PNRP_OP_LOCAL,
	PNRP_OP_FOUND,
	PNRP_OP_DISCOVERED,
	PNRP_OP_OPEN,
	PNRP_OP_CLOSE,
	PNRP_OP_STOP,
	PNRP_OP_RESTART,
	PNRP_OP_WALL,
	PNRP_OP_NET,
	PNRP_OP_BEND,
	PNRP_OP_LAZY,
	PNRP_OP_RAW,	    /* a datagram from a peer: two bytes of length, that many follow */
	PNRP_OP_RAW_ANSWER, /* the same, from whom the engine asked last, with that Message ID as the Acked one */
	PNRP_OP_REPLAY,	    /* what the engine sent comes back to it */
	PNRP_OPS
};

/* The bytes after a record; at most left. record: PNRP_PROGRAM_RECORD bytes */
static inline size_t pnrp_program_raw(const uint8_t *record, size_t left)
{
	unsigned op = (record[0] & 127) % PNRP_OPS;
	size_t len = record[2] | (size_t)(record[3] & 7) << 8;

	if (op != PNRP_OP_RAW && op != PNRP_OP_RAW_ANSWER)
		return 0;
	return len < left ? len : left;
}

#endif
