/* Content: the secret key of a content server, as files carry it from one
 * server to another, Windows ones included.
 *
 * Pure; no allocation. The cipher is work for others: AES-256-CBC with an IV of
 * zeros over what is prepared here, padding included; the file is the
 * ciphertext alone. [MS-PCCRC] 2.5. */
#ifndef ENGINES_CONTENT_CONTENT_SECRET_H
#define ENGINES_CONTENT_CONTENT_SECRET_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_SECRET_MAX 1024	      /* bytes of a secret key that is carried */
#define CONTENT_PASSPHRASE_MAX 512    /* bytes of UTF-8 */
#define CONTENT_SECRET_PLAIN_MAX 1072 /* 32 + 1024 + 16 */

/* The text in UTF-16LE without terminator: how Windows hashes a passphrase, and what a secret key set as text is there.
 * PONTO_EINVAL: not UTF-8; PONTO_ELIMIT: longer than cap. borrows text */
PONTO_MUST_CHECK int content_utf16(const char *text, uint8_t *out, size_t cap, size_t *len);

/* The file's AES-256 key. PONTO_EINVAL: empty, over-long or not UTF-8. borrows passphrase */
PONTO_MUST_CHECK int content_secret_file_key(const char *passphrase, uint8_t out[32]);

/* What is to be encrypted: SHA-256 of the secret key, the secret key, PKCS#7 padding. PONTO_EINVAL: empty or over-long
 * secret key. borrows */
PONTO_MUST_CHECK int content_secret_wrap(struct ponto_bytes secret_key, uint8_t out[CONTENT_SECRET_PLAIN_MAX],
					 size_t *len);

/* The reverse, after decryption; *out is a view into plain. PONTO_EAUTH: not a whole number of cipher blocks, wrong
 * padding or wrong hash: damaged, or another passphrase. borrows plain as long as *out is used */
PONTO_MUST_CHECK int content_secret_unwrap(struct ponto_bytes plain, struct ponto_bytes *out);

#ifdef __cplusplus
}
#endif
#endif
