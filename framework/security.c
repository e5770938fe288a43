#include "framework/security.h"

#include <string.h>

#include "framework/cursor.h"
#include "framework/digest.h"
#include "framework/utf8.h"

/* C0, DEL, C1 */
static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

bool ponto_identity_name_valid(const char *name)
{
	size_t len = name ? strnlen(name, PONTO_IDENTITY_NAME) : 0;

	if (len == 0 || len >= PONTO_IDENTITY_NAME)
		return false;
	while (*name) {
		uint32_t point = 0;
		size_t n = utf8_decode(name, &point);

		if (n == 0 || is_control(point))
			return false;
		name += n;
	}
	return true;
}

bool ponto_identity_classifier_valid(const char *classifier)
{
	size_t units = 0;

	while (classifier && *classifier && units <= PONTO_CLASSIFIER_UNITS) {
		uint32_t point = 0;
		size_t n = utf8_decode(classifier, &point);

		if (n == 0 || is_control(point) || point == 0xfffe || point == 0xffff)
			return false;
		units += point > 0xffff ? 2 : 1;
		classifier += n;
	}
	return classifier && units <= PONTO_CLASSIFIER_UNITS;
}

bool ponto_identity_id_valid(const char *id)
{
	return id && strnlen(id, PONTO_IDENTITY_ID) == PONTO_IDENTITY_ID - 1 &&
	       strspn(id, "0123456789abcdef") == PONTO_IDENTITY_ID - 1;
}

/* RFC 8017 A.1.1 in DER. Its 140 bytes leave no choice but a full modulus and an exponent of three bytes. */
static int check_rsa1024(struct ponto_bytes key)
{
	static const uint8_t head[] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
	static const uint8_t exponent[] = {0x02, 0x03};
	struct ponto_reader r = ponto_reader(key);
	struct ponto_bytes start = ponto_read_bytes(&r, sizeof(head));
	struct ponto_bytes n = ponto_read_bytes(&r, 128);
	struct ponto_bytes tag = ponto_read_bytes(&r, sizeof(exponent));
	struct ponto_bytes e = ponto_read_bytes(&r, 3);

	if (ponto_reader_done(&r) || !ponto_bytes_equal(start, ponto_bytes(head, sizeof(head))) ||
	    !ponto_bytes_equal(tag, ponto_bytes(exponent, sizeof(exponent))))
		return PONTO_EPROTO;
	if (!(n.data[0] & 0x80) || !(n.data[127] & 1) || e.data[0] == 0 || (e.data[0] & 0x80) || !(e.data[2] & 1))
		return PONTO_EPROTO;
	return PONTO_OK;
}

int ponto_public_key_check(uint32_t profile, struct ponto_bytes public_key)
{
	switch (profile) {
	case PONTO_PROFILE_WINDOWS:
		return check_rsa1024(public_key);
	case PONTO_PROFILE_MODERN:
		return public_key.len == PONTO_ED25519_KEY_SIZE ? PONTO_OK : PONTO_EPROTO;
	default:
		return PONTO_EINVAL;
	}
}

int ponto_public_key_authority(uint32_t profile, struct ponto_bytes public_key, uint8_t out[PONTO_AUTHORITY_SIZE])
{
	uint8_t hash[PONTO_SHA256_SIZE];
	int result = ponto_public_key_check(profile, public_key);

	if (result)
		return result;
	if (profile ==
	    PONTO_PROFILE_WINDOWS) /* [MS-PNRP] 2.2.3.1: of the PublicKey Data bytes, not of 1.3.1.1's SPKI */
		ponto_sha1(&public_key, 1, hash);
	else
		ponto_sha256(&public_key, 1, hash);
	memcpy(out, hash, PONTO_AUTHORITY_SIZE);
	return PONTO_OK;
}

int ponto_identity_set_key(uint32_t profile, struct ponto_bytes public_key, struct ponto_identity *out)
{
	uint8_t authority[PONTO_AUTHORITY_SIZE];
	int result = ponto_public_key_authority(profile, public_key, authority);

	if (result)
		return result;
	memset(out->public_key, 0, sizeof(out->public_key));
	memcpy(out->public_key, public_key.data, public_key.len);
	out->public_key_len = (uint16_t)public_key.len;
	memcpy(out->authority, authority, sizeof(authority));
	ponto_hex(ponto_bytes(authority, sizeof(authority)), out->id);
	return PONTO_OK;
}
