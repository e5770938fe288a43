#include "engines/pnrp/pnrp_cpa.h"

#include <string.h>

#include "engines/pnrp/pnrp_element.h"
#include "engines/pnrp/pnrp_signature.h"

#define CPA_MINOR 0
#define CPA_MAJOR 2
#define PNRP_MINOR 0

#define FLAG_X 0x20
#define FLAG_F 0x10
#define FLAG_C 0x08
#define FLAG_A 0x04
#define FLAG_U 0x02
#define FLAG_R 0x01

#define PAYLOAD_HEAD 4	    /* NumPayloads and Total Bytes */
#define PAYLOAD_ENDPOINTS 1 /* the only PAYLOAD type */
#define APP_ENDPOINT_SIZE 20
#define KEY_HEAD 9 /* of the CPA Public Key, before the OID */

/* ---- the signature ------------------------------------------------------------------ */

void pnrp_read_signature(const struct pnrp_wire *wire, struct ponto_reader *r, struct ponto_bytes *signed_part,
			 struct ponto_bytes *signature)
{
	*signed_part = ponto_bytes(r->data, r->failed ? 0 : (size_t)r->pos);
	ponto_reader_require(r, ponto_read_le16(r) == pnrp_signature_size(wire));
	ponto_reader_require(r, ponto_read_le16(r) == wire->signature_len);
	ponto_reader_require(r, ponto_read_le32(r) == wire->alg_id);
	*signature = ponto_read_bytes(r, wire->signature_len);
}

int pnrp_signature_append(const struct pnrp_wire *wire, struct ponto_bytes signature, uint8_t *buf, size_t cap,
			  size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (signature.len != wire->signature_len)
		return PONTO_EINVAL;
	if (*len > cap)
		return PONTO_ELIMIT;
	w.pos = *len;
	ponto_write_le16(&w, pnrp_signature_size(wire));
	ponto_write_le16(&w, wire->signature_len);
	ponto_write_le32(&w, wire->alg_id);
	ponto_write_bytes(&w, signature);
	return ponto_writer_done(&w, len);
}

/* ---- decoding --------------------------------------------------------------------------- */

static void read_flags(struct ponto_reader *r, struct pnrp_cpa *cpa)
{
	uint8_t flags = ponto_read_u8(r);

	cpa->has_payload = flags & FLAG_X;
	cpa->has_friendly_name = flags & FLAG_F;
	cpa->has_classifier_hash = flags & FLAG_C;
	cpa->has_authority = flags & FLAG_A;
	cpa->friendly_name_utf8 = flags & FLAG_U;
	cpa->revoke = flags & FLAG_R;
	ponto_reader_require(r, cpa->has_authority || cpa->has_classifier_hash);
	ponto_reader_require(r, !cpa->friendly_name_utf8 || cpa->has_friendly_name);
}

static void read_friendly_name(struct ponto_reader *r, struct pnrp_cpa *cpa)
{
	uint16_t len = ponto_read_le16(r);

	ponto_reader_require(r, len >= 1 && len <= PNRP_FRIENDLY_NAME_MAX);
	ponto_reader_require(r, cpa->friendly_name_utf8 || len % 2 == 0);
	cpa->friendly_name = ponto_read_bytes(r, len);
}

static void read_services(struct ponto_reader *r, struct pnrp_cpa *cpa)
{
	uint16_t count = ponto_read_le16(r);

	ponto_reader_require(r, count <= PNRP_CPA_SERVICES_MAX && (count > 0 || cpa->revoke));
	ponto_reader_require(r, ponto_read_le16(r) == PNRP_ENDPOINT_SIZE);
	if (r->failed)
		return;
	cpa->service_count = (uint8_t)count;
	for (uint16_t i = 0; i < count; i++)
		pnrp_read_endpoint(r, &cpa->services[i]);
}

static void read_apps(struct ponto_reader *r, struct pnrp_cpa *cpa)
{
	uint16_t payloads = ponto_read_le16(r);
	uint16_t total = ponto_read_le16(r);
	struct ponto_reader payload;
	uint16_t data;

	ponto_reader_require(r, payloads <= 1 && total >= PAYLOAD_HEAD);
	payload = ponto_read_nested(r, (uint64_t)total - PAYLOAD_HEAD);
	if (payloads == 0) {
		ponto_reader_close(r, &payload);
		return;
	}
	ponto_reader_require(&payload, ponto_read_le32(&payload) == PAYLOAD_ENDPOINTS);
	data = ponto_read_le16(&payload);
	ponto_reader_require(&payload, data % APP_ENDPOINT_SIZE == 0 && data >= APP_ENDPOINT_SIZE &&
					       data <= PNRP_CPA_APPS_MAX * APP_ENDPOINT_SIZE);
	if (!payload.failed)
		cpa->app_count = (uint8_t)(data / APP_ENDPOINT_SIZE);
	for (uint8_t i = 0; i < cpa->app_count; i++) {
		ponto_read_copy(&payload, cpa->apps[i].ip, sizeof(cpa->apps[i].ip));
		cpa->apps[i].port = ponto_read_be16(&payload);
		cpa->apps[i].protocol = ponto_read_le16(&payload);
	}
	ponto_reader_close(r, &payload);
}

static void read_key(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_cpa *cpa)
{
	struct ponto_bytes oid;

	ponto_reader_require(r, ponto_read_le16(r) == KEY_HEAD + wire->key_oid_len + wire->key_len);
	ponto_reader_require(r, ponto_read_le16(r) == wire->key_oid_len);
	ponto_read_skip(r, 2);
	ponto_reader_require(r, ponto_read_le16(r) == wire->key_len);
	ponto_read_skip(r, 1);
	oid = ponto_read_bytes(r, wire->key_oid_len);
	ponto_reader_require(r, ponto_bytes_equal(oid, ponto_bytes(wire->key_oid, wire->key_oid_len)));
	cpa->public_key = ponto_read_bytes(r, wire->key_len);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

static int decode(const struct pnrp_wire *wire, struct ponto_bytes bytes, bool nonce, struct pnrp_cpa *cpa)
{
	struct ponto_reader r = ponto_reader(bytes);

	memset(cpa, 0, sizeof(*cpa));
	ponto_reader_require(&r, ponto_read_le16(&r) == bytes.len);
	ponto_reader_require(&r, ponto_read_u8(&r) == CPA_MINOR);
	ponto_reader_require(&r, ponto_read_u8(&r) == CPA_MAJOR);
	ponto_reader_require(&r, ponto_read_u8(&r) == PNRP_MINOR);
	ponto_reader_require(&r, ponto_read_u8(&r) == wire->version);
	read_flags(&r, cpa);
	ponto_read_skip(&r, 1);
	cpa->not_after = ponto_read_le64(&r);
	ponto_read_reversed(&r, cpa->location, sizeof(cpa->location));
	if (nonce)
		ponto_read_copy(&r, cpa->nonce, sizeof(cpa->nonce));
	ponto_reader_require(&r, !cpa->revoke || is_zero(cpa->nonce, sizeof(cpa->nonce)));
	if (cpa->has_authority)
		ponto_read_reversed(&r, cpa->authority, sizeof(cpa->authority));
	if (cpa->has_classifier_hash)
		ponto_read_copy(&r, cpa->classifier_hash, sizeof(cpa->classifier_hash));
	if (cpa->has_friendly_name)
		read_friendly_name(&r, cpa);
	read_services(&r, cpa);
	read_apps(&r, cpa);
	read_key(wire, &r, cpa);
	pnrp_read_signature(wire, &r, &cpa->signed_part, &cpa->signature);
	return ponto_reader_done(&r);
}

int pnrp_cpa_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes, struct pnrp_cpa *out)
{
	struct pnrp_cpa cpa;
	int result = decode(wire, bytes, true, &cpa);

	/* The only public dissector knows no nonce field in a revoke; the lengths tell (T9). */
	if (result != PONTO_OK && cpa.revoke)
		result = decode(wire, bytes, false, &cpa);
	if (result == PONTO_OK)
		*out = cpa;
	return result;
}

/* ---- encoding ----------------------------------------------------------------------------- */

static bool services_valid(const struct pnrp_cpa *cpa)
{
	return cpa->service_count <= PNRP_CPA_SERVICES_MAX && (cpa->service_count > 0 || cpa->revoke) &&
	       pnrp_endpoints_valid(cpa->services, cpa->service_count);
}

static bool friendly_name_valid(const struct pnrp_cpa *cpa)
{
	if (!cpa->has_friendly_name)
		return !cpa->friendly_name_utf8;
	return cpa->friendly_name.len >= 1 && cpa->friendly_name.len <= PNRP_FRIENDLY_NAME_MAX &&
	       (cpa->friendly_name_utf8 || cpa->friendly_name.len % 2 == 0);
}

static bool cpa_valid(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa)
{
	return (cpa->has_authority || cpa->has_classifier_hash) && friendly_name_valid(cpa) && services_valid(cpa) &&
	       cpa->app_count <= PNRP_CPA_APPS_MAX && cpa->public_key.len == wire->key_len &&
	       (!cpa->revoke || is_zero(cpa->nonce, sizeof(cpa->nonce)));
}

static uint8_t flags_of(const struct pnrp_cpa *cpa)
{
	return (uint8_t)((cpa->has_payload ? FLAG_X : 0) | (cpa->has_friendly_name ? FLAG_F : 0) |
			 (cpa->has_classifier_hash ? FLAG_C : 0) | (cpa->has_authority ? FLAG_A : 0) |
			 (cpa->friendly_name_utf8 ? FLAG_U : 0) | (cpa->revoke ? FLAG_R : 0));
}

static void write_apps(struct ponto_writer *w, const struct pnrp_cpa *cpa)
{
	uint16_t data = (uint16_t)(cpa->app_count * APP_ENDPOINT_SIZE);

	ponto_write_le16(w, cpa->app_count > 0);
	ponto_write_le16(w, cpa->app_count > 0 ? (uint16_t)(PAYLOAD_HEAD + 6 + data) : PAYLOAD_HEAD);
	if (cpa->app_count == 0)
		return;
	ponto_write_le32(w, PAYLOAD_ENDPOINTS);
	ponto_write_le16(w, data);
	for (uint8_t i = 0; i < cpa->app_count; i++) {
		ponto_write_copy(w, cpa->apps[i].ip, sizeof(cpa->apps[i].ip));
		ponto_write_be16(w, cpa->apps[i].port);
		ponto_write_le16(w, cpa->apps[i].protocol);
	}
}

static void write_key(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_cpa *cpa)
{
	ponto_write_le16(w, (uint16_t)(KEY_HEAD + wire->key_oid_len + wire->key_len));
	ponto_write_le16(w, wire->key_oid_len);
	ponto_write_le16(w, 0);
	ponto_write_le16(w, wire->key_len);
	ponto_write_u8(w, 0);
	ponto_write_copy(w, wire->key_oid, wire->key_oid_len);
	ponto_write_bytes(w, cpa->public_key);
}

int pnrp_cpa_encode(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (!cpa_valid(wire, cpa))
		return PONTO_EINVAL;
	ponto_write_le16(&w, 0);
	ponto_write_u8(&w, CPA_MINOR);
	ponto_write_u8(&w, CPA_MAJOR);
	ponto_write_u8(&w, PNRP_MINOR);
	ponto_write_u8(&w, wire->version);
	ponto_write_u8(&w, flags_of(cpa));
	ponto_write_u8(&w, 0);
	ponto_write_le64(&w, cpa->not_after);
	ponto_write_reversed(&w, cpa->location, sizeof(cpa->location));
	ponto_write_copy(&w, cpa->nonce, sizeof(cpa->nonce));
	if (cpa->has_authority)
		ponto_write_reversed(&w, cpa->authority, sizeof(cpa->authority));
	if (cpa->has_classifier_hash)
		ponto_write_copy(&w, cpa->classifier_hash, sizeof(cpa->classifier_hash));
	if (cpa->has_friendly_name) {
		ponto_write_le16(&w, (uint16_t)cpa->friendly_name.len);
		ponto_write_bytes(&w, cpa->friendly_name);
	}
	ponto_write_le16(&w, cpa->service_count);
	ponto_write_le16(&w, PNRP_ENDPOINT_SIZE);
	for (uint8_t i = 0; i < cpa->service_count; i++)
		pnrp_write_endpoint(&w, &cpa->services[i]);
	write_apps(&w, cpa);
	write_key(wire, &w, cpa);
	ponto_patch_le16(&w, 0, w.pos + pnrp_signature_size(wire));
	return ponto_writer_done(&w, len);
}

/* ---- what a CPA certifies ---------------------------------------------------------------------- */

#define READING_AUTHORITY 1u
#define READING_LOCATION 2u

static void reverse(const uint8_t *in, size_t len, uint8_t *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[len - 1 - i];
}

/* Authority and location of cpa under one reading. */
static void apply_reading(const struct pnrp_cpa *cpa, unsigned reading, uint8_t authority[PNRP_HASH_SIZE],
			  uint8_t location[PNRP_LOCATION_SIZE])
{
	if (reading & READING_AUTHORITY)
		reverse(cpa->authority, PNRP_HASH_SIZE, authority);
	else
		memcpy(authority, cpa->authority, PNRP_HASH_SIZE);
	if (reading & READING_LOCATION)
		reverse(cpa->location, PNRP_LOCATION_SIZE, location);
	else
		memcpy(location, cpa->location, PNRP_LOCATION_SIZE);
}

void pnrp_cpa_id(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa, unsigned reading, struct ring_id *out)
{
	uint8_t authority[PNRP_HASH_SIZE], location[PNRP_LOCATION_SIZE], p2p_id[PNRP_P2P_ID_SIZE];

	apply_reading(cpa, reading, authority, location);
	pnrp_p2p_id_of(wire, cpa->has_authority ? authority : NULL,
		       cpa->has_classifier_hash ? cpa->classifier_hash : NULL, p2p_id);
	pnrp_id_make(p2p_id, location, out);
}

int pnrp_cpa_match_id(const struct pnrp_wire *wire, const struct ring_id *id, struct pnrp_cpa *cpa)
{
	for (unsigned reading = 0; reading < PNRP_CPA_READINGS; reading++) {
		uint8_t authority[PNRP_HASH_SIZE], location[PNRP_LOCATION_SIZE];
		struct ring_id got;

		pnrp_cpa_id(wire, cpa, reading, &got);
		if (memcmp(got.b, id->b, sizeof(got.b)) != 0)
			continue;
		apply_reading(cpa, reading, authority, location);
		memcpy(cpa->authority, authority, sizeof(authority));
		memcpy(cpa->location, location, sizeof(location));
		return PONTO_OK;
	}
	return PONTO_EAUTH;
}

bool pnrp_cpa_key_fits(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa)
{
	return !cpa->has_authority || is_zero(cpa->authority, sizeof(cpa->authority)) ||
	       pnrp_key_fits_authority(wire, cpa->public_key, cpa->authority);
}
