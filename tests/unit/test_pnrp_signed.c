/* What the codec says is signed, checked by OpenSSL: the windows vectors (RSA, SHA-1) and those of the modern
 * profile (Ed25519), which docs/modern.md describes and tests/vectors/pnrp-modern.py makes without the codec. */
#include "tests/unit/pnrp_test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define MODERN_ID "c728461a6cc3cc820a06e65c13c8083620010db8000100001122334455667788"
#define MODERN_AUTHORITY "21fe31dfa154a261626bf854046fd2271b7bed4b"
#define MODERN_CLASSIFIER_HASH "fe520676b1a1d93dabab2319eea03674f3632eae"
#define MODERN_NONCE_HASH "503563c1bda45327ff4617750a06bd8143fcd4e7"

static EVP_PKEY *key_of(const struct pnrp_wire *wire, struct ponto_bytes key)
{
	const uint8_t *at = key.data;

	if (wire == &pnrp_modern)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.data, key.len);
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)key.len);
}

static bool verifies(const struct pnrp_wire *wire, struct ponto_bytes key, struct ponto_bytes data,
		     struct ponto_bytes signature)
{
	EVP_PKEY *pkey = key_of(wire, key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	assert_non_null(pkey);
	assert_non_null(ctx);
	good = EVP_DigestVerifyInit(ctx, NULL, wire == &pnrp_modern ? NULL : EVP_sha1(), NULL, pkey) == 1 &&
	       EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

static bool cpa_verifies(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa)
{
	return verifies(wire, cpa->public_key, cpa->signed_part, cpa->signature);
}

/* Any single signed bit turned makes the signature wrong or the syntax. */
static void assert_every_bit_is_signed(const struct pnrp_wire *wire, const struct datagram *whole)
{
	for (size_t bit = 0; bit < 8 * whole->len; bit += 13) {
		struct datagram d = datagram_copy(whole->data, whole->len);
		struct pnrp_cpa cpa;

		d.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (pnrp_cpa_decode(wire, bytes_of(&d), &cpa) == PONTO_OK) {
			EVP_PKEY *key = key_of(wire, cpa.public_key);

			if (key)
				assert_false(cpa_verifies(wire, &cpa));
			EVP_PKEY_free(key);
		}
		datagram_free(&d);
	}
}

static void windows_signatures(void **state)
{
	struct datagram d = vector_cpa(), m = vector("M09"), payload = vector_payload();
	struct pnrp_message flood = assert_decodes(&m);
	struct pnrp_cpa cpa, revoke;
	struct pnrp_payload p;

	(void)state;
	assert_ok(pnrp_cpa_decode(&pnrp_windows, bytes_of(&d), &cpa));
	assert_true(cpa_verifies(&pnrp_windows, &cpa));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, flood.flood.revoke, &revoke));
	assert_true(cpa_verifies(&pnrp_windows, &revoke));
	assert_ok(pnrp_payload_decode(&pnrp_windows, bytes_of(&payload), &p));
	assert_true(verifies(&pnrp_windows, cpa.public_key, p.signed_part, p.signature));
	assert_every_bit_is_signed(&pnrp_windows, &d);
	datagram_free(&d);
	datagram_free(&m);
	datagram_free(&payload);
}

/* The two encodings of a key differ by the prefix that the profile knows. */
static void key_info_prefix(const struct pnrp_wire *wire, struct ponto_bytes key)
{
	EVP_PKEY *pkey = key_of(wire, key);
	uint8_t *info = NULL;
	int len = i2d_PUBKEY(pkey, &info);

	assert_int_equal(len, wire->spki_prefix_len + key.len);
	assert_memory_equal(info, wire->spki_prefix, wire->spki_prefix_len);
	assert_memory_equal(info + wire->spki_prefix_len, key.data, key.len);
	OPENSSL_free(info);
	EVP_PKEY_free(pkey);
}

static void key_info_prefixes(void **state)
{
	struct datagram d = vector_cpa(), modern = datagram_hex("d75a980182b10ab7d54bfed3c964073a"
								"0ee172f3daa62325af021a68f707511a");
	struct pnrp_cpa cpa;

	(void)state;
	assert_ok(pnrp_cpa_decode(&pnrp_windows, bytes_of(&d), &cpa));
	key_info_prefix(&pnrp_windows, cpa.public_key);
	key_info_prefix(&pnrp_modern, bytes_of(&modern));
	datagram_free(&d);
	datagram_free(&modern);
}

/* ---- modern ------------------------------------------------------------------------------- */

static struct pnrp_message modern_message(struct datagram *d, const char *name)
{
	struct pnrp_message m;
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	*d = vector(name);
	assert_dropped(d);
	assert_ok(pnrp_decode(&pnrp_modern, bytes_of(d), &m));
	assert_ok(pnrp_encode(&pnrp_modern, &m, buf, sizeof(buf), &len));
	assert_int_equal(len, d->len);
	assert_memory_equal(buf, d->data, len);
	return m;
}

static void modern_solicit(void **state)
{
	struct datagram d, nonce = datagram_hex(NONCE);
	struct pnrp_message m = modern_message(&d, "X01");
	struct ponto_bytes part = bytes_of(&nonce);
	uint8_t hash[PNRP_HASH_SIZE];

	(void)state;
	assert_int_equal(m.type, PNRP_SOLICIT);
	assert_true(m.solicit.has_route);
	assert_hex(m.solicit.route.id.b, 32, MODERN_ID);
	assert_hex(m.solicit.hashed_nonce, 20, MODERN_NONCE_HASH);
	pnrp_hash(&pnrp_modern, &part, 1, hash);
	assert_hex(hash, 20, MODERN_NONCE_HASH);
	edit(&d, 12 + 4 + 32, "04");
	assert_ok(pnrp_decode(&pnrp_modern, bytes_of(&d), &m));
	assert_true(m.solicit.route_ignored);
	datagram_free(&d);
	datagram_free(&nonce);
}

static void modern_authority(void **state)
{
	struct datagram d, back;
	struct pnrp_message m = modern_message(&d, "X02");
	struct pnrp_authority_buffer b;
	struct pnrp_payload payload;
	struct pnrp_name name = {0};
	struct pnrp_cpa cpa;
	uint8_t buf[PNRP_CPA_MAX], p2p[16];
	size_t len;

	(void)state;
	assert_ok(pnrp_authority_decode(&pnrp_modern, m.authority.slice, &b));
	assert_ok(pnrp_cpa_decode(&pnrp_modern, b.cpa, &cpa));
	assert_int_equal(pnrp_cpa_decode(&pnrp_windows, b.cpa, &cpa), PONTO_EPROTO);
	assert_true(cpa_verifies(&pnrp_modern, &cpa));
	assert_hex(cpa.authority, 20, MODERN_AUTHORITY);
	assert_hex(cpa.classifier_hash, 20, MODERN_CLASSIFIER_HASH);
	assert_ok(pnrp_cpa_match_id(&pnrp_modern, &b.route.id, &cpa));
	assert_true(pnrp_cpa_key_fits(&pnrp_modern, &cpa));
	assert_ok(pnrp_classifier_read(&pnrp_modern, b.classifier, cpa.classifier_hash, &name));
	name.secure = true;
	memcpy(name.authority, cpa.authority, 20);
	pnrp_p2p_id(&pnrp_modern, &name, p2p);
	assert_memory_equal(p2p, b.route.id.b, 16);
	assert_ok(pnrp_payload_decode(&pnrp_modern, b.payload, &payload));
	assert_true(verifies(&pnrp_modern, cpa.public_key, payload.signed_part, payload.signature));
	assert_memory_equal(payload.data.data, "modern", 6);
	assert_ok(pnrp_cpa_encode(&pnrp_modern, &cpa, buf, sizeof(buf), &len));
	assert_ok(pnrp_signature_append(&pnrp_modern, cpa.signature, buf, sizeof(buf), &len));
	assert_true(ponto_bytes_equal(ponto_bytes(buf, len), b.cpa));
	back = datagram_copy(buf, len);
	assert_every_bit_is_signed(&pnrp_modern, &back);
	datagram_free(&back);
	datagram_free(&d);
}

static void modern_revoke(void **state)
{
	struct datagram d;
	struct pnrp_message m = modern_message(&d, "X03");
	struct pnrp_cpa cpa;
	struct ring_id id;

	(void)state;
	assert_ok(pnrp_cpa_decode(&pnrp_modern, m.flood.revoke, &cpa));
	assert_true(cpa.revoke && cpa_verifies(&pnrp_modern, &cpa));
	pnrp_cpa_id(&pnrp_modern, &cpa, 0, &id);
	assert_hex(id.b, 32, MODERN_ID);
	datagram_free(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(windows_signatures), cmocka_unit_test(key_info_prefixes), cmocka_unit_test(modern_solicit),
	cmocka_unit_test(modern_authority),   cmocka_unit_test(modern_revoke),
};

PONTO_TEST_MAIN(tests)
