/* security-sim: keys and signatures of real size and no strength. Pure. */
#ifndef SECURITY_SIM_SIGNATURE_H
#define SECURITY_SIM_SIGNATURE_H

#include "framework/security.h"

/* A public key that has the form of the profile's, from randomness. Its length; 0 for no profile. */
size_t sim_public_key(uint32_t profile, const struct ponto_random *random, uint8_t out[PONTO_PUBLIC_KEY_MAX]);

/* The signature of data under public_key, which must be of that profile. Its length. */
size_t sim_signature(uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		     uint8_t out[PONTO_SIGNATURE_MAX]);

#endif
