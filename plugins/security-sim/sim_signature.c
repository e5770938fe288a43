#include "plugins/security-sim/sim_signature.h"

#include <string.h>

#include "framework/digest.h"

/* Shared by every node of a simulated world, so that one can verify what another signed. */
static const char world_secret[16] = "simulation only";

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
	uint8_t key[16];
	uint64_t word;

	memcpy(key, world_secret, sizeof(key));
	key[15] ^= (uint8_t)profile;
	word = ponto_siphash(key, public_key);
	memcpy(key, &word, sizeof(word));
	word = ponto_siphash(key, data);
	for (size_t i = 0; i < size; i += sizeof(word)) {
		word = (word ^ word >> 29) * UINT64_C(0x9fb21c651e98df25) + i;
		memcpy(out + i, &word, sizeof(word));
	}
	return size;
}
