/* The identifiers of [MS-PNRP] 1.3.1.2 and 3.1.4.4.1, and the time format of 2.2.3.1. */
#include "engines/pnrp/pnrp_name.h"

#include <string.h>

void pnrp_classifier_hash(const struct pnrp_wire *wire, const struct pnrp_name *name, uint8_t out[PNRP_HASH_SIZE])
{
	uint8_t text[2 * PNRP_CLASSIFIER_MAX];
	struct ponto_bytes part = ponto_bytes(text, 2 * (size_t)name->classifier_len);

	for (size_t i = 0; i < name->classifier_len; i++) {
		text[2 * i] = (uint8_t)name->classifier[i];
		text[2 * i + 1] = (uint8_t)(name->classifier[i] >> 8);
	}
	pnrp_hash(wire, &part, 1, out);
}

void pnrp_p2p_id_of(const struct pnrp_wire *wire, const uint8_t *authority, const uint8_t *classifier_hash,
		    uint8_t out[PNRP_P2P_ID_SIZE])
{
	static const uint8_t none[PNRP_HASH_SIZE];
	uint8_t empty[PNRP_HASH_SIZE], hash[PNRP_HASH_SIZE];

	if (!classifier_hash) {
		pnrp_hash(wire, NULL, 0, empty);
		classifier_hash = empty;
	}
	struct ponto_bytes parts[] = {
		ponto_bytes(classifier_hash, PNRP_HASH_SIZE),
		ponto_bytes(authority ? authority : none, PNRP_HASH_SIZE),
		ponto_bytes(classifier_hash, PNRP_HASH_SIZE),
		ponto_bytes("PNRP", 4),
	};
	pnrp_hash(wire, parts, PONTO_ARRAY_SIZE(parts), hash);
	memcpy(out, hash, PNRP_P2P_ID_SIZE);
}

void pnrp_p2p_id(const struct pnrp_wire *wire, const struct pnrp_name *name, uint8_t out[PNRP_P2P_ID_SIZE])
{
	uint8_t hash[PNRP_HASH_SIZE];

	pnrp_classifier_hash(wire, name, hash);
	pnrp_p2p_id_of(wire, name->secure ? name->authority : NULL, hash, out);
}

void pnrp_id_make(const uint8_t p2p_id[PNRP_P2P_ID_SIZE], const uint8_t location[PNRP_LOCATION_SIZE],
		  struct ring_id *out)
{
	memcpy(out->b, p2p_id, PNRP_P2P_ID_SIZE);
	memcpy(out->b + PNRP_P2P_ID_SIZE, location, PNRP_LOCATION_SIZE);
}

void pnrp_location_register(const uint8_t ip[16], const uint8_t low[8], uint8_t out[PNRP_LOCATION_SIZE])
{
	memcpy(out, ip, 8);
	memcpy(out + 8, low, 8);
}

void pnrp_location_resolve(const uint8_t ip[16], uint8_t out[PNRP_LOCATION_SIZE])
{
	static const uint8_t low[8] = {0x80};

	pnrp_location_register(ip, low, out);
}

/* ---- time -------------------------------------------------------------------- */

#define FILETIME_1970 UINT64_C(116444736000000000)

uint64_t pnrp_filetime(uint64_t wall)
{
	return wall > (UINT64_MAX - FILETIME_1970) / 10 ? UINT64_MAX : wall * 10 + FILETIME_1970;
}

uint64_t pnrp_filetime_wall(uint64_t filetime)
{
	return filetime < FILETIME_1970 ? 0 : (filetime - FILETIME_1970) / 10;
}
