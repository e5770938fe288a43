/* Ponto ring: putting fragmented answers together.
 *
 * Pure. An entry is keyed by Message ID, source address and port, and remembers which request it answers: it is
 * freed when complete, when a fragment contradicts it, and when the request dies. Its memory is the announced
 * size, so entries, their bytes together and those per request are bounded. [MS-PNRP] 3.1.1, 3.1.5.6; T36. */
#ifndef ENGINES_RING_RING_REASSEMBLY_H
#define ENGINES_RING_RING_REASSEMBLY_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_FRAGMENTS_MAX 32  /* of one answer */
#define RING_PER_REQUEST_MAX 2 /* a request sent twice is answered twice */

struct ring_partial {
	struct ring_partial *next;
	struct ponto_addr from;
	uint32_t message_id;
	uint32_t acked_id;
	uint32_t have; /* a bit per fragment */
	uint16_t size;
	uint8_t bytes[];
};

struct ring_reassembly {
	const struct ponto_alloc *alloc;
	struct ring_partial *list;
	uint32_t count, bytes;
	uint32_t count_max, bytes_max;
};

struct ring_fragment {
	struct ponto_addr from;
	uint32_t message_id;
	uint32_t acked_id;
	uint16_t size;	 /* of the whole */
	uint16_t offset; /* a multiple of unit */
	uint16_t unit;	 /* bytes of every fragment but the last; size / unit < RING_FRAGMENTS_MAX */
	struct ponto_bytes data;
};

/* borrows alloc for the object's life */
void ring_reassembly_init(struct ring_reassembly *r, const struct ponto_alloc *alloc, uint32_t count_max,
			  uint32_t bytes_max);
void ring_reassembly_clear(struct ring_reassembly *r);

/* Adds a fragment. PONTO_OK: *whole is the complete answer, out of the list, to be given to
 * ring_reassembly_release. PONTO_EBUSY: more is to come. PONTO_EPROTO: it contradicts what is there (which is
 * forgotten) or itself. PONTO_ELIMIT: a limit. PONTO_ENOMEM. borrows f */
PONTO_MUST_CHECK int ring_reassembly_add(struct ring_reassembly *r, const struct ring_fragment *f,
					 struct ring_partial **whole);

/* takes whole */
void ring_reassembly_release(struct ring_reassembly *r, struct ring_partial *whole);

/* The request is answered or dead. */
void ring_reassembly_forget(struct ring_reassembly *r, uint32_t acked_id);

#ifdef __cplusplus
}
#endif
#endif
