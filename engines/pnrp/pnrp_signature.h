/* PNRP: the SIGNATURE at the end of an Encoded CPA and an EXTENDED_PAYLOAD. For the codec's own files only.
 *
 * Pure. [MS-PNRP] 2.2.3.2. */
#ifndef ENGINES_PNRP_PNRP_SIGNATURE_H
#define ENGINES_PNRP_PNRP_SIGNATURE_H

#include "engines/pnrp/pnrp_wire.h"
#include "framework/cursor.h"

#define PNRP_SIGNATURE_HEAD 8 /* Field Length, Signature Length, ALG_ID */

/* Bytes of the whole SIGNATURE structure. */
static inline uint16_t pnrp_signature_size(const struct pnrp_wire *wire)
{
	return (uint16_t)(PNRP_SIGNATURE_HEAD + wire->signature_len);
}

/* The SIGNATURE at r, which must be the end of the input: gives all before it and the Signature Data. */
void pnrp_read_signature(const struct pnrp_wire *wire, struct ponto_reader *r, struct ponto_bytes *signed_part,
			 struct ponto_bytes *signature);

#endif
