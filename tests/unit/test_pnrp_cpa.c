/* The Encoded CPA: [MS-PNRP] 2.2.3.1, 2.2.3.2. Offsets are those of the CPA in M18:
 * flags 6, not after 8, location 16, nonce 32, authority 48, classifier hash 68, service list 88, payload 110,
 * public key 140, signature 309. */
#include "tests/unit/pnrp_test.h"

static struct pnrp_cpa cpa_decodes(const struct datagram *d)
{
	struct pnrp_cpa cpa;

	assert_ok(pnrp_cpa_decode(&pnrp_windows, bytes_of(d), &cpa));
	return cpa;
}

static void cpa_refused(const struct datagram *d)
{
	struct pnrp_cpa cpa, before;

	memset(&cpa, 0xa5, sizeof(cpa));
	before = cpa;
	assert_int_equal(pnrp_cpa_decode(&pnrp_windows, bytes_of(d), &cpa), PONTO_EPROTO);
	assert_memory_equal(&cpa, &before, sizeof(cpa));
}

static void cpa_edit_refused(size_t at, const char *hex)
{
	struct datagram d = vector_cpa();

	edit(&d, at, hex);
	cpa_refused(&d);
	datagram_free(&d);
}

static struct datagram encode_signed(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa)
{
	uint8_t buf[PNRP_CPA_MAX];
	size_t len;

	assert_ok(pnrp_cpa_encode(wire, cpa, buf, sizeof(buf), &len));
	assert_ok(pnrp_signature_append(wire, cpa->signature, buf, sizeof(buf), &len));
	return datagram_copy(buf, len);
}

/* Nothing changes, and it is sent again as the vector has it, with zeros; the signature, which covers these bytes, is
 * checked elsewhere. */
static void cpa_edit_ignored(size_t at, const char *hex)
{
	struct datagram plain = vector_cpa(), edited = vector_cpa(), again;
	struct pnrp_cpa a = cpa_decodes(&plain), b;

	edit(&edited, at, hex);
	assert_memory_not_equal(plain.data, edited.data, plain.len);
	b = cpa_decodes(&edited);
	assert_true(cpa_equal(&a, &b));
	again = encode_signed(&pnrp_windows, &b);
	assert_memory_equal(again.data, plain.data, plain.len);
	datagram_free(&again);
	datagram_free(&plain);
	datagram_free(&edited);
}

/* Cuts and inserts, and makes the length field right again. */
static void respace(struct datagram *d, size_t at, size_t cut, const char *hex)
{
	splice(d, at, cut, hex);
	d->data[0] = (uint8_t)d->len;
	d->data[1] = (uint8_t)(d->len >> 8);
}

static void encode_refused(const struct pnrp_cpa *cpa)
{
	uint8_t buf[PNRP_CPA_MAX];
	size_t len = 99;

	assert_int_equal(pnrp_cpa_encode(&pnrp_windows, cpa, buf, sizeof(buf), &len), PONTO_EINVAL);
	assert_int_equal(len, 99);
}

/* ---- head --------------------------------------------------------------------------------- */

static void cpa_of_the_vector(void **state)
{
	struct datagram d = vector_cpa(), back;
	struct pnrp_cpa cpa = cpa_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-165", "PNRP-167", "PNRP-170", "PNRP-180");
	assert_int_equal(cpa.not_after, NOT_AFTER);
	assert_hex(cpa.location, 16, "20010db8000100001122334455667788");
	assert_hex(cpa.nonce, 16, NONCE);
	assert_hex(cpa.authority, 20, AUTHORITY_HEX);
	assert_hex(cpa.classifier_hash, 20, CLASSIFIER_HASH);
	assert_int_equal(cpa.public_key.len, 140);
	assert_int_equal(cpa.signed_part.len, 309);
	assert_ptr_equal(cpa.signed_part.data, d.data);
	assert_int_equal(cpa.signature.len, 128);
	assert_ptr_equal(cpa.signature.data, d.data + 317);
	back = encode_signed(&pnrp_windows, &cpa);
	assert_int_equal(back.len, d.len);
	assert_memory_equal(back.data, d.data, d.len);
	datagram_free(&back);
	datagram_free(&d);
}

static void cpa_length(void **state)
{
	struct datagram d = vector_cpa();

	(void)state;
	PONTO_PROVES("PNRP-153");
	assert_int_equal(d.data[0], 0xbd);
	assert_int_equal(d.data[1], 0x01);
	cpa_edit_refused(0, "bc01");
	cpa_edit_refused(0, "01bd");
	cpa_edit_refused(0, "0000");
	splice(&d, d.len, 0, "00");
	cpa_refused(&d);
	d.data[0]++;
	cpa_refused(&d);
	datagram_free(&d);
}

static void cpa_versions(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-154", "PNRP-155");
	cpa_edit_refused(2, "01");
	cpa_edit_refused(2, "0200");
	cpa_edit_refused(3, "03");
	cpa_edit_refused(4, "01");
	cpa_edit_refused(4, "0400");
	cpa_edit_refused(5, "05");
}

static void cpa_reserved(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-156", "PNRP-164", "PNRP-191", "PNRP-193");
	cpa_edit_ignored(6, "cc");
	cpa_edit_ignored(7, "ff");
	cpa_edit_ignored(144, "ffff");
	cpa_edit_ignored(148, "ff");
}

static void cpa_flag_bits(void **state)
{
	struct datagram d = vector_cpa(), encoded;
	struct pnrp_cpa cpa = cpa_decodes(&d);
	uint8_t key[140], signature[128];

	(void)state;
	PONTO_PROVES("PNRP-157", "PNRP-159", "PNRP-160", "PNRP-163");
	assert_false(cpa.has_payload || cpa.has_friendly_name || cpa.friendly_name_utf8 || cpa.revoke);
	assert_true(cpa.has_classifier_hash && cpa.has_authority);
	memcpy(key, cpa.public_key.data, sizeof(key));
	memcpy(signature, cpa.signature.data, sizeof(signature));
	cpa.public_key.data = key;
	cpa.signature.data = signature;
	edit(&d, 6, "2c");
	assert_true(cpa_decodes(&d).has_payload);
	/* Each optional field is there exactly when its bit is. */
	respace(&d, 68, 20, "");
	cpa_refused(&d);
	edit(&d, 6, "04");
	assert_false(cpa_decodes(&d).has_classifier_hash);
	cpa.has_classifier_hash = false;
	encoded = encode_signed(&pnrp_windows, &cpa);
	assert_memory_equal(encoded.data, d.data, d.len);
	datagram_free(&encoded);
	datagram_free(&d);
	d = vector_cpa();
	respace(&d, 48, 20, "");
	cpa_refused(&d);
	edit(&d, 6, "08");
	assert_false(cpa_decodes(&d).has_authority);
	cpa.has_classifier_hash = true;
	cpa.has_authority = false;
	encoded = encode_signed(&pnrp_windows, &cpa);
	assert_memory_equal(encoded.data, d.data, d.len);
	datagram_free(&encoded);
	datagram_free(&d);
	d = vector("M09");
	assert_int_equal(d.data[60 + 6], 0x0d);
	datagram_free(&d);
}

static void cpa_needs_authority_or_classifier(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-161");
	cpa.has_authority = cpa.has_classifier_hash = false;
	encode_refused(&cpa);
	respace(&d, 48, 40, "");
	edit(&d, 6, "00");
	cpa_refused(&d);
	datagram_free(&d);
}

/* ---- friendly name ------------------------------------------------------------------------- */

static void cpa_friendly_name(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa;

	(void)state;
	PONTO_PROVES("PNRP-158", "PNRP-162", "PNRP-175");
	cpa_edit_refused(6, "0e");
	cpa = cpa_decodes(&d);
	cpa.friendly_name_utf8 = true;
	encode_refused(&cpa);
	respace(&d, 88, 0,
		"0400"
		"64656d6f");
	cpa_refused(&d);
	edit(&d, 6, "1e");
	cpa = cpa_decodes(&d);
	assert_true(cpa.has_friendly_name && cpa.friendly_name_utf8);
	assert_hex(cpa.friendly_name.data, cpa.friendly_name.len, "64656d6f");
	edit(&d, 6, "1c");
	cpa = cpa_decodes(&d);
	assert_true(cpa.has_friendly_name && !cpa.friendly_name_utf8);
	assert_int_equal(cpa.friendly_name.len, 4);
	datagram_free(&d);
	d = vector_cpa();
	respace(&d, 88, 0,
		"0300"
		"64656d");
	edit(&d, 6, "1e");
	assert_int_equal(cpa_decodes(&d).friendly_name.len, 3);
	edit(&d, 6, "1c");
	cpa_refused(&d);
	datagram_free(&d);
}

static void cpa_friendly_name_length(void **state)
{
	struct datagram d = vector_cpa();
	const struct pnrp_cpa plain = cpa_decodes(&d);
	uint8_t text[80];

	(void)state;
	PONTO_PROVES("PNRP-174");
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len <= 80; len++) {
		struct pnrp_cpa cpa = plain;
		struct datagram made, wrong;

		cpa.has_friendly_name = cpa.friendly_name_utf8 = true;
		cpa.friendly_name = ponto_bytes(text, len);
		if (len < 1 || len > 78) {
			encode_refused(&cpa);
			continue;
		}
		made = encode_signed(&pnrp_windows, &cpa);
		assert_int_equal(made.data[88], len);
		assert_int_equal(cpa_decodes(&made).friendly_name.len, len);
		wrong = datagram_copy(made.data, made.len);
		if (len == 78) {
			respace(&wrong, 88, 2, "4f00");
			respace(&wrong, 90, 0, "78");
			cpa_refused(&wrong);
		}
		if (len == 1) {
			respace(&wrong, 88, 3, "0000");
			cpa_refused(&wrong);
		}
		datagram_free(&wrong);
		datagram_free(&made);
	}
	datagram_free(&d);
}

/* ---- service addresses ------------------------------------------------------------------------ */

#define ENDPOINT "0dd420010db8000100000000000000000010"

static void cpa_service_count(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-181", "PNRP-182");
	assert_int_equal(cpa.service_count, 1);
	assert_int_equal(cpa.services[0].port, 3540);
	assert_hex(cpa.services[0].ip, 16, "20010db8000100000000000000000010");
	for (unsigned count = 2; count <= 5; count++) {
		respace(&d, 92, 0, ENDPOINT);
		d.data[88] = (uint8_t)count;
		if (count <= 4)
			assert_int_equal(cpa_decodes(&d).service_count, count);
		else
			cpa_refused(&d);
	}
	cpa.service_count = 5;
	encode_refused(&cpa);
	cpa.service_count = 0;
	encode_refused(&cpa);
	datagram_free(&d);
	d = vector_cpa();
	respace(&d, 92, 18, "");
	d.data[88] = 0;
	cpa_refused(&d);
	edit(&d, 6, "0d");
	memset(d.data + 32, 0, 16);
	assert_int_equal(cpa_decodes(&d).service_count, 0);
	datagram_free(&d);
	cpa_edit_refused(88, "0001");
}

static void cpa_service_entry(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-183", "PNRP-258");
	cpa.services[0].port = 1024;
	encode_refused(&cpa);
	datagram_free(&d);
	cpa_edit_refused(90, "1300");
	cpa_edit_refused(90, "1100");
	cpa_edit_refused(90, "0012");
	cpa_edit_refused(92, "0400");
}

/* ---- payload: application endpoints ------------------------------------------------------------- */

static void cpa_payload_counts(void **state)
{
	struct datagram d = vector_cpa();

	(void)state;
	PONTO_PROVES("PNRP-176", "PNRP-178", "PNRP-185", "PNRP-186");
	cpa_edit_refused(110, "0200");
	cpa_edit_refused(110, "0000");
	cpa_edit_refused(112, "1d00");
	cpa_edit_refused(112, "1f00");
	cpa_edit_refused(112, "001e");
	cpa_edit_refused(114, "02000000");
	cpa_edit_refused(114, "00000001");
	cpa_edit_refused(118, "0000");
	cpa_edit_refused(118, "1e00");
	cpa_edit_refused(118, "2800");
	cpa_edit_refused(118, "0014");
	/* No payload at all: Total Bytes 4, and nothing else. */
	respace(&d, 110, 30, "00000400");
	assert_int_equal(cpa_decodes(&d).app_count, 0);
	edit(&d, 112, "0300");
	cpa_refused(&d);
	edit(&d, 110, "01000400");
	cpa_refused(&d);
	respace(&d, 110, 4,
		"01000a00"
		"010000000000");
	cpa_refused(&d);
	datagram_free(&d);
}

static void cpa_app_endpoints(void **state)
{
	struct datagram d = vector_buffer();
	struct pnrp_authority_buffer b;
	struct pnrp_cpa cpa;

	(void)state;
	PONTO_PROVES("PNRP-187", "PNRP-188");
	assert_ok(pnrp_authority_decode(&pnrp_windows, bytes_of(&d), &b));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, b.cpa, &cpa));
	assert_true(cpa.has_payload && cpa.has_friendly_name && cpa.friendly_name_utf8);
	assert_hex(cpa.friendly_name.data, cpa.friendly_name.len, "64656d6f");
	assert_int_equal(cpa.app_count, 2);
	assert_hex(cpa.apps[0].ip, 16, "20010db8000100000000000000000010");
	assert_int_equal(cpa.apps[0].port, 80);
	assert_int_equal(cpa.apps[0].protocol, 6);
	assert_int_equal(cpa.apps[1].port, 53);
	assert_int_equal(cpa.apps[1].protocol, 17);
	datagram_free(&d);
}

static void cpa_at_most_ten_app_endpoints(void **state)
{
	struct datagram d = vector_cpa(), made;
	struct pnrp_cpa cpa = cpa_decodes(&d), back;

	(void)state;
	PONTO_PROVES("PNRP-178", "PNRP-179", "PNRP-186");
	for (uint8_t i = 0; i < 10; i++)
		cpa.apps[i] = cpa.apps[0];
	cpa.app_count = 10;
	made = encode_signed(&pnrp_windows, &cpa);
	assert_int_equal(made.data[112], 210);
	back = cpa_decodes(&made);
	assert_int_equal(back.app_count, 10);
	respace(&made, 120, 0,
		"20010db80001000000000000000000100050"
		"0600");
	edit(&made, 112, "e600");
	edit(&made, 118, "dc00");
	cpa_refused(&made);
	cpa.app_count = 11;
	encode_refused(&cpa);
	datagram_free(&made);
	datagram_free(&d);
}

/* ---- key and signature ------------------------------------------------------------------------------ */

static void cpa_key(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-189", "PNRP-190", "PNRP-192", "PNRP-194");
	assert_memory_equal(d.data + 140,
			    "\xa9\0\x14\0\0\0\x8c\0\0"
			    "1.2.840.113549.1.1.1",
			    29);
	cpa.public_key.len--;
	encode_refused(&cpa);
	datagram_free(&d);
	cpa_edit_refused(140, "a800");
	cpa_edit_refused(140, "aa00");
	cpa_edit_refused(140, "00a9");
	cpa_edit_refused(142, "1300");
	cpa_edit_refused(142, "0014");
	cpa_edit_refused(146, "8d00");
	cpa_edit_refused(146, "8b00");
	cpa_edit_refused(146, "008c");
	cpa_edit_refused(149, "32");
	cpa_edit_refused(168, "32");
}

static void cpa_signature(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);
	uint8_t buf[PNRP_CPA_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-196", "PNRP-197", "PNRP-198");
	len = 99;
	assert_int_equal(pnrp_cpa_encode(&pnrp_windows, &cpa, buf, 308, &len), PONTO_ELIMIT);
	assert_int_equal(len, 99);
	assert_ok(pnrp_cpa_encode(&pnrp_windows, &cpa, buf, sizeof(buf), &len));
	assert_int_equal(len, 309);
	assert_int_equal(pnrp_signature_append(&pnrp_windows, cpa.signature, buf, 444, &len), PONTO_ELIMIT);
	assert_int_equal(pnrp_signature_append(&pnrp_windows, cpa.signature, buf, 300, &len), PONTO_ELIMIT);
	assert_int_equal(len, 309);
	assert_ok(pnrp_signature_append(&pnrp_windows, cpa.signature, buf, 445, &len));
	assert_int_equal(len, 445);
	assert_memory_equal(buf, d.data, 445);
	cpa.signature.len--;
	assert_int_equal(pnrp_signature_append(&pnrp_windows, cpa.signature, buf, sizeof(buf), &len), PONTO_EINVAL);
	datagram_free(&d);
	cpa_edit_refused(309, "8700");
	cpa_edit_refused(309, "0088");
	cpa_edit_refused(311, "7f00");
	cpa_edit_refused(311, "0080");
	cpa_edit_refused(313, "03800000");
	cpa_edit_refused(313, "00008004");
	cpa_edit_refused(313, "0c800000");
}

/* ---- revoke ------------------------------------------------------------------------------------------ */

static struct datagram revoke_cpa(void)
{
	struct datagram m = vector("M09");
	struct datagram cpa = datagram_copy(m.data + 60, 401);

	datagram_free(&m);
	return cpa;
}

static void cpa_revoke(void **state)
{
	struct datagram d = revoke_cpa(), back;
	struct pnrp_cpa cpa = cpa_decodes(&d);
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-168", "PNRP-177");
	assert_true(cpa.revoke);
	assert_int_equal(cpa.service_count, 0);
	assert_int_equal(cpa.app_count, 0);
	pnrp_cpa_id(&pnrp_windows, &cpa, 0, &id);
	assert_hex(id.b, 32, ID_SECURE);
	back = encode_signed(&pnrp_windows, &cpa);
	assert_memory_equal(back.data, d.data, d.len);
	datagram_free(&back);
	cpa.nonce[15] = 1;
	encode_refused(&cpa);
	edit(&d, 32, "01");
	cpa_refused(&d);
	datagram_free(&d);
}

/* The reading of the one public dissector: no nonce field (T9). Without R it is not accepted. */
static void cpa_revoke_without_nonce(void **state)
{
	struct datagram d = revoke_cpa(), plain = vector_cpa();
	struct pnrp_cpa with = cpa_decodes(&d), without;

	(void)state;
	respace(&d, 32, 16, "");
	without = cpa_decodes(&d);
	with.public_key = without.public_key;
	assert_true(cpa_equal(&with, &without));
	assert_int_equal(without.signed_part.len, d.len - 136);
	datagram_free(&d);
	respace(&plain, 32, 16, "");
	cpa_refused(&plain);
	datagram_free(&plain);
}

/* ---- what it certifies --------------------------------------------------------------------------------- */

static void reverse(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t b = bytes[i];

		bytes[i] = bytes[len - 1 - i];
		bytes[len - 1 - i] = b;
	}
}

/* Peers may have read "least significant byte first" in four ways (T4). */
static void cpa_byte_orders(void **state)
{
	struct ring_id id, other;

	(void)state;
	assert_ok(ponto_unhex(ID_SECURE, id.b, 32));
	assert_ok(ponto_unhex(ID_OPEN, other.b, 32));
	for (unsigned reading = 0; reading < PNRP_CPA_READINGS; reading++) {
		struct datagram d = vector_cpa();
		struct pnrp_cpa cpa;
		struct ring_id got;

		if (reading & 1)
			reverse(d.data + 48, 20);
		if (reading & 2)
			reverse(d.data + 16, 16);
		cpa = cpa_decodes(&d);
		pnrp_cpa_id(&pnrp_windows, &cpa, reading, &got);
		assert_memory_equal(got.b, id.b, 32);
		assert_int_equal(pnrp_cpa_match_id(&pnrp_windows, &other, &cpa), PONTO_EAUTH);
		assert_ok(pnrp_cpa_match_id(&pnrp_windows, &id, &cpa));
		assert_hex(cpa.authority, 20, AUTHORITY_HEX);
		assert_hex(cpa.location, 16, "20010db8000100001122334455667788");
		assert_true(pnrp_cpa_key_fits(&pnrp_windows, &cpa));
		datagram_free(&d);
	}
}

static void cpa_of_an_unsecured_name(void **state)
{
	struct pnrp_cpa cpa = {0};
	struct ring_id id;

	(void)state;
	cpa.has_classifier_hash = true;
	assert_ok(ponto_unhex(CLASSIFIER_HASH, cpa.classifier_hash, 20));
	assert_ok(ponto_unhex("20010db8000200008877665544332211", cpa.location, 16));
	pnrp_cpa_id(&pnrp_windows, &cpa, 0, &id);
	assert_hex(id.b, 32, ID_OPEN);
	assert_true(pnrp_cpa_key_fits(&pnrp_windows, &cpa));
	/* A zero authority is none (3.1.5.7). */
	cpa.has_authority = true;
	assert_ok(pnrp_cpa_match_id(&pnrp_windows, &id, &cpa));
	assert_true(pnrp_cpa_key_fits(&pnrp_windows, &cpa));
	cpa.authority[0] = 1;
	assert_int_equal(pnrp_cpa_match_id(&pnrp_windows, &id, &cpa), PONTO_EAUTH);
	assert_false(pnrp_cpa_key_fits(&pnrp_windows, &cpa));
}

static void cpa_without_classifier_hash(void **state)
{
	struct pnrp_cpa cpa = {0};
	struct pnrp_name name;
	struct ring_id id;
	uint8_t p2p[16];

	(void)state;
	assert_ok(pnrp_name_parse(AUTHORITY_HEX ".", &name));
	pnrp_p2p_id(&pnrp_windows, &name, p2p);
	cpa.has_authority = true;
	memcpy(cpa.authority, name.authority, 20);
	pnrp_cpa_id(&pnrp_windows, &cpa, 0, &id);
	assert_memory_equal(id.b, p2p, 16);
}

/* "Authority" is the hash of the key in either of its encodings (T1); we name ourselves by PublicKey Data. */
static void cpa_authority_of_a_key(void **state)
{
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);
	uint8_t authority[20];

	(void)state;
	PONTO_PROVES("PNRP-171");
	pnrp_key_authority(&pnrp_windows, cpa.public_key, authority);
	assert_hex(authority, 20, AUTHORITY_HEX);
	assert_true(pnrp_key_fits_authority(&pnrp_windows, cpa.public_key, authority));
	assert_ok(ponto_unhex("a56080ba0ddcd59b9d9dcbbe9b07851094f40e4c", authority, 20));
	assert_true(pnrp_key_fits_authority(&pnrp_windows, cpa.public_key, authority));
	authority[19] ^= 1;
	assert_false(pnrp_key_fits_authority(&pnrp_windows, cpa.public_key, authority));
	datagram_free(&d);
}

static void random_cpas_survive_the_trip(void **state)
{
	struct ponto_test_random tr;
	uint8_t scratch[SCRATCH_SIZE];
	size_t longest = 0;

	(void)state;
	ponto_test_random_init(&tr, 9);
	for (unsigned round = 0; round < 5000; round++) {
		const struct pnrp_wire *wire = round % 2 ? &pnrp_windows : &pnrp_modern;
		struct pnrp_cpa cpa, back;
		struct datagram d;

		random_cpa(&tr, wire, scratch, &cpa);
		d = encode_signed(wire, &cpa);
		longest = d.len > longest ? d.len : longest;
		assert_ok(pnrp_cpa_decode(wire, bytes_of(&d), &back));
		assert_true(cpa_equal(&cpa, &back));
		assert_true(ponto_bytes_equal(cpa.signature, back.signature));
		assert_int_equal(back.signed_part.len + 8 + wire->signature_len, d.len);
		datagram_free(&d);
	}
	assert_in_range(longest, 700, PNRP_CPA_MAX);
}

static void longest_cpa_fits_exactly(void **state)
{
	uint8_t text[78] = {1}, buf[PNRP_CPA_MAX];
	struct datagram d = vector_cpa();
	struct pnrp_cpa cpa = cpa_decodes(&d);
	size_t len;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		cpa.services[i].port = 3540;
	cpa.has_friendly_name = true;
	cpa.friendly_name = ponto_bytes(text, sizeof(text));
	cpa.service_count = 4;
	cpa.app_count = 10;
	assert_ok(pnrp_cpa_encode(&pnrp_windows, &cpa, buf, sizeof(buf), &len));
	assert_ok(pnrp_signature_append(&pnrp_windows, cpa.signature, buf, sizeof(buf), &len));
	assert_int_equal(len, PNRP_CPA_MAX);
	datagram_free(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(cpa_of_the_vector),
	cmocka_unit_test(cpa_length),
	cmocka_unit_test(cpa_versions),
	cmocka_unit_test(cpa_reserved),
	cmocka_unit_test(cpa_flag_bits),
	cmocka_unit_test(cpa_needs_authority_or_classifier),
	cmocka_unit_test(cpa_friendly_name),
	cmocka_unit_test(cpa_friendly_name_length),
	cmocka_unit_test(cpa_service_count),
	cmocka_unit_test(cpa_service_entry),
	cmocka_unit_test(cpa_payload_counts),
	cmocka_unit_test(cpa_app_endpoints),
	cmocka_unit_test(cpa_at_most_ten_app_endpoints),
	cmocka_unit_test(cpa_key),
	cmocka_unit_test(cpa_signature),
	cmocka_unit_test(cpa_revoke),
	cmocka_unit_test(cpa_revoke_without_nonce),
	cmocka_unit_test(cpa_byte_orders),
	cmocka_unit_test(cpa_of_an_unsecured_name),
	cmocka_unit_test(cpa_without_classifier_hash),
	cmocka_unit_test(cpa_authority_of_a_key),
	cmocka_unit_test(random_cpas_survive_the_trip),
	cmocka_unit_test(longest_cpa_fits_exactly),
};

PONTO_TEST_MAIN(tests)
