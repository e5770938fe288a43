/* service-dist: AES-CBC of several messages side by side.
 *
 * Each block of a message is chained to the one before, and its rounds wait for each other, so that one message leaves
 * most of a core idle; others fill it. OpenSSL 3.0 enciphers one at a time. Any thread. FIPS 197, SP 800-38A 6.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_AES_H
#define PLUGINS_SERVICE_DIST_DIST_AES_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_AES_WIDTH 8
#define DIST_AES_BLOCK 16

struct dist_aes_message {
	const uint8_t *key;
	uint8_t chain[DIST_AES_BLOCK]; /* the initialization vector; afterwards the last block of out */
	const uint8_t *in;	       /* these two move on by what was enciphered */
	uint8_t *out;
};

/* Whether this processor can. */
bool dist_aes(void);

/* len bytes, whole blocks, of each of count messages, 1 to DIST_AES_WIDTH; keys of 16, 24 or 32 bytes. */
void dist_aes_encipher(size_t key_len, struct dist_aes_message *messages, unsigned count, size_t len);

#ifdef __cplusplus
}
#endif
#endif
