/* HCRYPTPROV: a handle to a key pair. One made from PEM (PontoCryptFromPem) holds the key itself, for
 * PeerIdentityCreate; one of an identity (PeerIdentityGetCryptKey) holds its id alone: the daemon signs, and the key
 * never leaves it. Thread-safe. */
#ifndef PONTO_API_PEER_CRYPT_H
#define PONTO_API_PEER_CRYPT_H

#include <p2p.h>

#include "api/win32/handle.h"
#include "framework/base.h"

struct crypt_key {
	struct handle_object object;
	char id[41];  /* of an identity; empty: pem */
	uint8_t *pem; /* wiped at the end */
	size_t pem_len;
};

/* A handle to the key of an identity. E_OUTOFMEMORY. copies id */
HRESULT crypt_open_identity(const char *id, HCRYPTPROV *out);

/* The key behind a handle, to be put back with handle_put(&key->object); NULL: no such handle. */
struct crypt_key *crypt_get(HCRYPTPROV handle);

#endif
