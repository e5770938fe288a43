/* Ponto tests: keys and signatures of PNRP publishers that are keyed hashes: of real size, made at once. Pure. */
#ifndef PONTO_TESTS_SUPPORT_PNRP_KEYS_H
#define PONTO_TESTS_SUPPORT_PNRP_KEYS_H

#include "framework/base.h"

/* The key of an identity: len bytes. */
void pnrp_test_key(uint64_t identity, uint8_t *key, size_t len);

/* The signature that is taken as this key's over data: len bytes. borrows */
void pnrp_test_sign(struct ponto_bytes key, struct ponto_bytes data, uint8_t *out, size_t len);

#endif
