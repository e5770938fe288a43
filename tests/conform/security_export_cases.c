#include "tests/conform/security_case.h"

/* ---- export and import --------------------------------------------------------------- */

static void exported_identity_comes_back(void **state)
{
	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks_it(state, security_profiles[p]))
			continue;
		struct security_fixture *f = security_make(state), *g = security_make(state);
		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "ich \xe2\x82\xac"), back, seen;
		uint8_t *data, sig[PONTO_SIGNATURE_MAX];
		size_t len, sig_len;

		g->clock.wall += 3600 * PONTO_SECOND;
		assert_ok(ponto_identity_export(f->security, ALICE, me.id, "correct horse", &f->alloc, &data, &len));
		assert_in_range(len, 1, PONTO_EXPORT_MAX);
		assert_ok(ponto_identity_import(g->security, BOB, ponto_bytes(data, len), "correct horse", &back));
		security_assert_same(&me, &back);
		assert_int_equal(back.owner, BOB);
		assert_ok(ponto_identity_get(g->security, BOB, me.id, &seen));
		security_assert_same(&me, &seen);
		assert_int_equal(seen.owner, BOB);
		assert_ok(ponto_sign(g->security, BOB, me.id, ponto_bytes("d", 1), sig, &sig_len));
		assert_ok(ponto_verify(f->security, security_profiles[p], security_key_of(&me), ponto_bytes("d", 1),
				       ponto_bytes(sig, sig_len)));
		/* once per owner */
		memset(&back, 0x55, sizeof(back));
		assert_int_equal(
			ponto_identity_import(g->security, BOB, ponto_bytes(data, len), "correct horse", &back),
			PONTO_EEXIST);
		security_assert_same(&me, &back);
		memset(&back, 0x55, sizeof(back));
		assert_int_equal(
			ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "correct horse", &back),
			PONTO_EEXIST);
		security_assert_same(&me, &back);
		assert_ok(ponto_identity_import(g->security, ALICE, ponto_bytes(data, len), "correct horse", &back));
		assert_int_equal(security_list(g, BOB, NULL, 0), 1);
		ponto_free(&f->alloc, data);
		security_fixture_free(g);
		security_fixture_free(f);
	}
}

static void wrong_password_changes_nothing(void **state)
{
	static const char *const wrong[] = {"Secret", "secret ", "s", "secre"};

	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks_it(state, security_profiles[p]))
			continue;
		struct security_fixture *f = security_make(state), *g = security_make(state);
		struct ponto_identity me = security_identity_of(f, ALICE, security_profiles[p], "me"), out, untouched;
		uint8_t *data, *none = (uint8_t *)1;
		size_t len, none_len = 5;

		memset(&out, 0x55, sizeof(out));
		untouched = out;
		assert_ok(ponto_identity_export(f->security, ALICE, me.id, "secret", &f->alloc, &data, &len));
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++)
			assert_int_equal(
				ponto_identity_import(g->security, ALICE, ponto_bytes(data, len), wrong[i], &out),
				PONTO_EAUTH);
		assert_int_equal(ponto_identity_import(g->security, ALICE, ponto_bytes(data, len), "", &out),
				 PONTO_EINVAL);
		assert_int_equal(ponto_identity_import(g->security, ALICE, ponto_bytes(data, len), NULL, &out),
				 PONTO_EINVAL);
		assert_int_equal(ponto_identity_export(f->security, ALICE, me.id, "", &f->alloc, &none, &none_len),
				 PONTO_EINVAL);
		assert_int_equal(ponto_identity_export(f->security, ALICE, me.id, NULL, &f->alloc, &none, &none_len),
				 PONTO_EINVAL);
		assert_ptr_equal(none, (uint8_t *)1);
		assert_int_equal(none_len, 5);
		assert_memory_equal(&out, &untouched, sizeof(out));
		assert_int_equal(security_list(g, ALICE, NULL, 0), 0);
		ponto_free(&f->alloc, data);
		security_fixture_free(g);
		security_fixture_free(f);
	}
}

static void damaged_export_changes_nothing(void **state)
{
	struct security_fixture *f = security_make(state), *g = security_make(state);
	struct ponto_identity me = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "me"), out;
	uint8_t *data, *copy;
	size_t len;

	assert_ok(ponto_identity_export(f->security, ALICE, me.id, "secret", &f->alloc, &data, &len));
	copy = malloc(len + 32768);
	assert_non_null(copy);
	for (size_t i = 0; i < len; i++) {
		memcpy(copy, data, len);
		copy[i] ^= (uint8_t)(1 << i % 7);
		if (ponto_identity_import(g->security, ALICE, ponto_bytes(copy, len), "secret", &out) != PONTO_EPROTO)
			fail_msg("byte %zu changed from %02x to %02x", i, data[i], copy[i]);
	}
	memcpy(copy, data, len);
	for (size_t n = 0; n + 1 < len; n++) /* a last line end that is missing is no damage */
		assert_int_equal(
			ponto_identity_import(g->security, ALICE, ponto_bytes(n ? copy : NULL, n), "secret", &out),
			PONTO_EPROTO);
	memset(copy + len, 'A', 32768);
	assert_int_equal(ponto_identity_import(g->security, ALICE, ponto_bytes(copy, len + 1), "secret", &out),
			 PONTO_EPROTO);
	assert_int_equal(ponto_identity_import(g->security, ALICE, ponto_bytes(copy, len + 32768), "secret", &out),
			 PONTO_EPROTO);
	assert_int_equal(security_list(g, ALICE, NULL, 0), 0);
	assert_ok(ponto_identity_import(g->security, ALICE, ponto_bytes(data, len), "secret", &out));
	free(copy);
	ponto_free(&f->alloc, data);
	security_fixture_free(g);
	security_fixture_free(f);
}

struct security_cases security_export_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(exported_identity_comes_back),
		cmocka_unit_test(wrong_password_changes_nothing),
		cmocka_unit_test(damaged_export_changes_nothing),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
