#include "tests/conform/security_case.h"

#include "framework/digest.h"

/* ---- signatures -------------------------------------------------------------------- */

static void what_is_signed_verifies(void **state)
{
	static const size_t sizes[] = {0, 1, 20, 309, 65536};
	struct security_fixture *f = security_make(state);
	uint8_t *data = calloc(1, 65536);

	assert_non_null(data);
	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks(f, security_profiles[p]))
			continue;

		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "me");

		for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
			struct ponto_bytes bytes = ponto_bytes(sizes[i] ? data : NULL, sizes[i]);
			uint8_t sig[PONTO_SIGNATURE_MAX];
			size_t len = 0;

			assert_ok(ponto_sign(f->security, ALICE, me.id, bytes, sig, &len));
			assert_int_equal(len, security_profiles[p] == PONTO_PROFILE_WINDOWS ? 128 : 64);
			assert_ok(ponto_verify(f->security, security_profiles[p], security_key_of(&me), bytes, ponto_bytes(sig, len)));
		}
	}
	free(data);
	security_fixture_free(f);
}

static void whatever_changes_does_not_verify(void **state)
{
	struct security_fixture *f = security_make(state);

	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks(f, security_profiles[p]))
			continue;

		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "me");
		struct ponto_identity other = security_identity_of(f, ALICE, security_profiles[p], "other");
		uint8_t data[48] = "what was said", sig[PONTO_SIGNATURE_MAX], longer[PONTO_SIGNATURE_MAX + 1] = {0};
		struct ponto_bytes said = ponto_bytes(data, sizeof(data));
		size_t len;

		assert_ok(ponto_sign(f->security, ALICE, me.id, said, sig, &len));
		for (size_t i = 0; i < len; i++) {
			sig[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(
				ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(sig, len)),
				PONTO_EAUTH);
			sig[i] ^= (uint8_t)(1 << i % 8);
		}
		for (size_t i = 0; i < sizeof(data); i++) {
			data[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(
				ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(sig, len)),
				PONTO_EAUTH);
			data[i] ^= (uint8_t)(1 << i % 8);
		}
		memcpy(longer, sig, len);
		for (size_t n = 0; n <= len + 1; n++)
			if (n != len)
				assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said,
							      ponto_bytes(n ? longer : NULL, n)),
						 PONTO_EAUTH);
		assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&other), said, ponto_bytes(sig, len)),
				 PONTO_EAUTH);
		memset(longer, 0, sizeof(longer));
		assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(longer, len)),
				 PONTO_EAUTH);
		memset(longer, 0xff, sizeof(longer));
		assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(longer, len)),
				 PONTO_EAUTH);
		assert_ok(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(sig, len)));
	}
	security_fixture_free(f);
}

static void reversed_windows_signature_verifies(void **state)
{
	struct security_fixture *f = security_make(state);

	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks(f, security_profiles[p]))
			continue;

		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "me");
		uint8_t sig[PONTO_SIGNATURE_MAX], reversed[PONTO_SIGNATURE_MAX];
		struct ponto_bytes said = ponto_bytes("said", 4);
		size_t len;

		assert_ok(ponto_sign(f->security, ALICE, me.id, said, sig, &len));
		for (size_t i = 0; i < len; i++)
			reversed[i] = sig[len - 1 - i];
		assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(reversed, len)),
				 security_profiles[p] == PONTO_PROFILE_WINDOWS ? PONTO_OK : PONTO_EAUTH);
		reversed[5] ^= 4;
		assert_int_equal(ponto_verify(f->security, security_profiles[p], security_key_of(&me), said, ponto_bytes(reversed, len)),
				 PONTO_EAUTH);
	}
	security_fixture_free(f);
}

static void assert_no_key(struct security_fixture *f, uint32_t profile, const uint8_t *key, size_t len)
{
	uint8_t sig[PONTO_SIGNATURE_MAX] = {0}, authority[PONTO_AUTHORITY_SIZE] = {0x55};
	size_t size = profile == PONTO_PROFILE_WINDOWS ? 128 : 64;

	assert_int_equal(
		ponto_verify(f->security, profile, ponto_bytes(key, len), ponto_bytes("d", 1), ponto_bytes(sig, size)),
		PONTO_EPROTO);
	assert_int_equal(ponto_authority(f->security, profile, ponto_bytes(key, len), authority), PONTO_EPROTO);
	assert_int_equal(authority[0], 0x55);
}

static void other_bytes_are_no_key(void **state)
{
	struct security_fixture *f = security_make(state);
	struct ponto_identity w = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "w");
	struct ponto_identity m = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "m");
	uint8_t key[PONTO_PUBLIC_KEY_MAX] = {0};

	for (size_t n = 0; n < sizeof(key); n++) {
		memcpy(key, w.public_key, w.public_key_len);
		if (n != 140)
			assert_no_key(f, PONTO_PROFILE_WINDOWS, n ? key : NULL, n);
		if (n != 32)
			assert_no_key(f, PONTO_PROFILE_MODERN, n ? key : NULL, n);
	}
	for (size_t i = 0; i < 7; i++) { /* the DER around the modulus */
		memcpy(key, w.public_key, 140);
		key[i] ^= 1;
		assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	}
	for (size_t i = 135; i < 137; i++) {
		memcpy(key, w.public_key, 140);
		key[i] ^= 1;
		assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	}
	memcpy(key, w.public_key, 140);
	key[7] &= 0x7f; /* 1023 bits */
	assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	memcpy(key, w.public_key, 140);
	key[134] &= 0xfe; /* even modulus */
	assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	memcpy(key, w.public_key, 140);
	key[139] &= 0xfe; /* even exponent */
	assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	memcpy(key, w.public_key, 140);
	key[137] = 0x81; /* negative exponent */
	assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	memcpy(key, w.public_key, 140);
	key[137] = 0; /* not the shortest encoding */
	assert_no_key(f, PONTO_PROFILE_WINDOWS, key, 140);
	assert_no_key(f, PONTO_PROFILE_WINDOWS, m.public_key, m.public_key_len);
	assert_no_key(f, PONTO_PROFILE_MODERN, w.public_key, w.public_key_len);
	security_fixture_free(f);
}

static void authority_is_a_hash_of_the_key(void **state)
{
	struct security_fixture *f = security_make(state);

	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks(f, security_profiles[p]))
			continue;

		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "me");
		uint8_t authority[PONTO_AUTHORITY_SIZE];

		assert_ok(ponto_authority(f->security, security_profiles[p], security_key_of(&me), authority));
		assert_memory_equal(authority, me.authority, sizeof(authority));
	}
	security_fixture_free(f);
}

struct security_cases security_sign_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(what_is_signed_verifies),
		cmocka_unit_test(whatever_changes_does_not_verify),
		cmocka_unit_test(reversed_windows_signature_verifies),
		cmocka_unit_test(other_bytes_are_no_key),
		cmocka_unit_test(authority_is_a_hash_of_the_key),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
