/* security-sim: certificate chains as bytes of real size: a head, then for each certificate its length, its content
 * and the keyed hash of that under the key of the one before. Pure but for the allocator given. */
#ifndef SECURITY_SIM_CHAIN_H
#define SECURITY_SIM_CHAIN_H

#include "engines/pnrp/pnrp_chain.h"
#include "framework/security.h"

struct sim_chain {
	const struct ponto_alloc *alloc;
	size_t count;
	struct pnrp_certificate certificates[PNRP_CERTIFICATES_MAX];
	struct ponto_bytes content[PNRP_CERTIFICATES_MAX], signature[PNRP_CERTIFICATES_MAX];
	uint16_t *units;
	size_t unit_count, unit_room;
	struct pnrp_units *words;
	size_t word_count, word_room;
};

/* PONTO_EPROTO: it is none. Its views show bytes. gives *out */
PONTO_MUST_CHECK int sim_chain_parse(const struct ponto_alloc *alloc, struct ponto_bytes bytes,
				     struct sim_chain **out);
/* Accepts NULL. */
void sim_chain_free(struct sim_chain *chain);

/* PONTO_EAUTH: a certificate's hash does not fit. */
PONTO_MUST_CHECK int sim_chain_signed(const struct sim_chain *chain);

/* before, which may be empty, and a certificate behind it, signed with the issuer's key. PONTO_ELIMIT: more than
 * PONTO_CHAIN_MAX bytes. gives *out, allocated with alloc */
PONTO_MUST_CHECK int sim_chain_append(struct ponto_bytes before, const struct pnrp_certificate *content,
				      struct ponto_bytes issuer_key, const struct ponto_alloc *alloc, uint8_t **out,
				      size_t *len);

#endif
