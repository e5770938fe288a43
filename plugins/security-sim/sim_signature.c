#include "plugins/security-sim/sim_signature.h"

#include <string.h>

#include "framework/digest.h"

/* Shared by every node of a simulated world, so that one can verify what another signed. */
static const char world_secret[] = "ponto: this protects a simulation and nothing else";

size_t sim_public_key(uint32_t profile, const struct ponto_random *random, uint8_t out[PONTO_PUBLIC_KEY_MAX])
{
	static const uint8_t head[] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
	static const uint8_t tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
	uint8_t *modulus = out + sizeof(head);

	if (profile == PONTO_PROFILE_MODERN) {
		random->fill(random->ctx, out, PONTO_ED25519_KEY_SIZE);
		return PONTO_ED25519_KEY_SIZE;
	}
	if (profile != PONTO_PROFILE_WINDOWS)
		return 0;
	memcpy(out, head, sizeof(head));
	random->fill(random->ctx, modulus, 128);
	modulus[0] |= 0x80;
	modulus[127] |= 1;
	memcpy(modulus + 128, tail, sizeof(tail));
	return PONTO_RSA1024_KEY_SIZE;
}

size_t sim_signature(uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		     uint8_t out[PONTO_SIGNATURE_MAX])
{
	size_t size = profile == PONTO_PROFILE_WINDOWS ? PONTO_RSA1024_SIGNATURE_SIZE : PONTO_ED25519_SIGNATURE_SIZE;
	uint8_t which = (uint8_t)profile;
	uint8_t digest[PONTO_SHA256_SIZE], block;
	struct ponto_bytes whole[] = {ponto_bytes(world_secret, sizeof(world_secret)), ponto_bytes(&which, 1),
				      public_key, data};
	struct ponto_bytes stretched[] = {ponto_bytes(digest, sizeof(digest)), ponto_bytes(&block, 1)};

	ponto_sha256(whole, PONTO_ARRAY_SIZE(whole), digest);
	for (block = 0; block < size / PONTO_SHA256_SIZE; block++)
		ponto_sha256(stretched, PONTO_ARRAY_SIZE(stretched), out + block * PONTO_SHA256_SIZE);
	return size;
}
