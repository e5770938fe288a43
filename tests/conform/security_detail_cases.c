#include "tests/conform/security_case.h"

#include <stdio.h>

/* What the contract leaves open: details, cards, forms of others. A plugin has all of it or none. */

static const char rsa_1024[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALUFVlVIAoYVCPRg\n"
			       "AkjkfX+wq2oCFHPCkPomHRU86hlcWojqxtaRA2zOa9q7wZQzlUI3qPlubEfEkmSg\n"
			       "69wzJFz11N6OLHXa0l1IViwqbuAf/hqxopxJLwBWJtk0nn1aGMOlV2tpJGj8Axcb\n"
			       "dmUSH9hyIq18xvQXjVuvLh7ZznFnAgMBAAECgYAKyIacDe4Yjqg55n48WWAgeyW6\n"
			       "6uTNAIoiXKLe4QIRAK9j+Jhfr8PEd4d1QDoH2grKJwap1SoeHFecJvnl5CYGSeeH\n"
			       "EL9XdBAOtumYv/HYn015yfH8AeS2hYzbLJva4kiyOIo/zXUHTSihxL2o+IBAbWil\n"
			       "2JTdMvFm0S1k0ebqAQJBAOeCBnTKo78JqprUmppDjlW5XdvHEPtvPA7Gkehm/cCr\n"
			       "Fsd3fTwcyMoI/fZJknbAxZDQzQElvfIq5j0mrlKsN4sCQQDIK/X7lb3zbDAfUmCs\n"
			       "2fiI0cfjxiuS8p/vBgBhyeRxUyZ9lOQ6WjLv4gmUbPkFyHSbepTcgE7QfiWJ4lMy\n"
			       "bgkVAkBh0kNAHk/KbR81hRg+jsUZ29WZBChc1ceexrDobnxSaPibGBZGzDLbi6kj\n"
			       "5DqLCzFv24qELZpxNUdMF4gZTsO5AkBrGNorGRrgOmok1/ZRhO2shlDkVQrLPHTF\n"
			       "dfiOWW6YE1zso9TYQ5otLkrh1swFhBKffR5YO23vrw52j1jkCmthAkEAtrap43Ub\n"
			       "OITT1kHBeveZZdL4tTvV81T33nBh52+LpW4N2l/JbWSa/x1o4zTjq2HVcs46Cn9a\n"
			       "6P0r/i6Q9929IQ==\n"
			       "-----END PRIVATE KEY-----\n";

static const char ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MC4CAQAwBQYDK2VwBCIEIHJT+p3l2ANT/WvhuVepE+IZRyOrZMNjFt/JXfiY5w01\n"
			      "-----END PRIVATE KEY-----\n";

static bool has_none(struct security_fixture *f)
{
	return !PONTO_HAS(f->security.ops, identity_detail);
}

/* An instance with all of it. NULL: the plugin has none, of which the first case has all to say. */
static struct security_fixture *make_with_all(void **state, bool kept)
{
	struct security_fixture *f = kept ? security_make_kept(state) : security_make(state);

	if (has_none(f)) {
		security_fixture_free(f);
		return NULL;
	}
	return f;
}

static void all_or_none(void **state)
{
	struct security_fixture *f = security_make(state);
	const struct ponto_security_ops *ops = f->security.ops;
	struct ponto_identity_change change = {.make_default = true};
	struct ponto_identity_detail detail;
	struct ponto_identity out;
	uint8_t *data = (uint8_t *)1;
	size_t len = 5;
	bool any = !has_none(f);

	assert_int_equal(PONTO_HAS(ops, identity_change), any);
	assert_int_equal(PONTO_HAS(ops, identity_card), any);
	assert_int_equal(PONTO_HAS(ops, identity_export_pfx), any);
	assert_int_equal(PONTO_HAS(ops, identity_import_pfx), any);
	assert_int_equal(PONTO_HAS(ops, identity_adopt), any);
	if (!any) {
		struct ponto_security s = f->security;
		struct ponto_bytes x = ponto_bytes("x", 1);

		assert_int_equal(ponto_identity_detail(s, ALICE, "", &detail), PONTO_ENOTSUP);
		assert_int_equal(ponto_identity_change(s, ALICE, "", &change), PONTO_ENOTSUP);
		assert_int_equal(ponto_identity_card(s, ALICE, "", &f->alloc, &data, &len), PONTO_ENOTSUP);
		assert_int_equal(ponto_identity_export_pfx(s, ALICE, "", "x", &f->alloc, &data, &len), PONTO_ENOTSUP);
		assert_int_equal(ponto_identity_import_pfx(s, ALICE, "", x, "x", &out), PONTO_ENOTSUP);
		assert_int_equal(ponto_identity_adopt(s, ALICE, PONTO_PROFILE_WINDOWS, "x", x, &out), PONTO_ENOTSUP);
		assert_ptr_equal(data, (uint8_t *)1);
		assert_int_equal(len, 5);
	}
	security_fixture_free(f);
}

/* ---- details ---------------------------------------------------------------------------- */

static void assert_detail(struct security_fixture *f, const char *id, const char *name, const char *classifier,
			  bool is_default)
{
	struct ponto_identity_detail detail;
	struct ponto_identity seen;

	assert_ok(ponto_identity_get(f->security, ALICE, id, &seen));
	assert_string_equal(seen.name, name);
	assert_ok(ponto_identity_detail(f->security, ALICE, id, &detail));
	assert_string_equal(detail.classifier, classifier);
	assert_int_equal(detail.is_default, is_default);
}

static int change_to(struct security_fixture *f, const char *id, const char *name, const char *classifier, bool choose)
{
	struct ponto_identity_change change = {name, classifier, choose};

	return ponto_identity_change(f->security, ALICE, id, &change);
}

static void details_change_and_last(void **state)
{
	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		struct security_fixture *f = make_with_all(state, true);

		if (!f)
			return;

		struct ponto_identity a = security_identity_of(f, ALICE, security_profiles[p], "a"), seen;
		struct ponto_identity b = security_identity_of(f, ALICE, security_profiles[p], "b");
		uint8_t sig[PONTO_SIGNATURE_MAX];
		size_t len;

		assert_detail(f, a.id, "a", "", false);
		assert_ok(change_to(f, a.id, NULL, NULL, false));
		assert_ok(change_to(f, a.id, "anna", NULL, false));
		assert_ok(change_to(f, a.id, NULL, "work \xe2\x82\xac", true));
		assert_ok(change_to(f, b.id, "berta", "home", false));
		security_restart(state, f);
		assert_detail(f, a.id, "anna", "work \xe2\x82\xac", true);
		assert_detail(f, b.id, "berta", "home", false);
		assert_ok(ponto_identity_get(f->security, ALICE, a.id, &seen));
		assert_memory_equal(seen.public_key, a.public_key, a.public_key_len);
		assert_int_equal(seen.created, a.created);
		assert_ok(ponto_sign(f->security, ALICE, a.id, ponto_bytes("d", 1), sig, &len));
		assert_ok(change_to(f, b.id, NULL, "", true)); /* one is the default */
		assert_detail(f, a.id, "anna", "work \xe2\x82\xac", false);
		assert_detail(f, b.id, "berta", "", true);
		assert_ok(ponto_identity_remove(f->security, ALICE, b.id));
		assert_detail(f, a.id, "anna", "work \xe2\x82\xac", false);
		security_fixture_free(f);
	}
}

static void details_are_checked(void **state)
{
	static const char *const bad[] = {"two\nlines", "tab\t", "\x7f", "\xff", "half \xc3", "\xef\xbf\xbe"};
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct ponto_identity me = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "me");
	struct ponto_identity_change change = {.name = "x"};
	struct ponto_identity_detail detail;
	char longest[2 * PONTO_CLASSIFIER_TEXT] = "";

	assert_ok(change_to(f, me.id, NULL, "kept", false));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(change_to(f, me.id, "x", bad[i], true), PONTO_EINVAL);
		assert_int_equal(change_to(f, me.id, i < 5 ? bad[i] : "", "x", true), PONTO_EINVAL);
	}
	for (unsigned i = 0; i < PONTO_CLASSIFIER_UNITS + 1; i++)
		strcat(longest, "\xe2\x82\xac");
	assert_int_equal(change_to(f, me.id, "x", longest, true), PONTO_EINVAL);
	assert_detail(f, me.id, "me", "kept", false);
	longest[3 * PONTO_CLASSIFIER_UNITS] = '\0';
	assert_ok(change_to(f, me.id, NULL, longest, false));
	assert_detail(f, me.id, "me", longest, false);
	assert_int_equal(ponto_identity_change(f->security, BOB, me.id, &change), PONTO_ENOENT);
	assert_int_equal(ponto_identity_detail(f->security, BOB, me.id, &detail), PONTO_ENOENT);
	assert_int_equal(ponto_identity_detail(f->security, ALICE, "../../etc/passwd", &detail), PONTO_ENOENT);
	assert_int_equal(ponto_identity_change(f->security, ALICE, "", &change), PONTO_ENOENT);
	assert_detail(f, me.id, "me", longest, false);
	security_fixture_free(f);
}

static void exports_carry_details(void **state)
{
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct ponto_identity me = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "me"), back;
	uint8_t *data;
	size_t len;

	assert_ok(change_to(f, me.id, "myself", "work", true));
	assert_ok(ponto_identity_export(f->security, ALICE, me.id, "secret", &f->alloc, &data, &len));
	assert_ok(ponto_identity_remove(f->security, ALICE, me.id));
	assert_ok(ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "secret", &back));
	assert_detail(f, me.id, "myself", "work", true); /* the owner's choice has outlived it */
	ponto_free(&f->alloc, data);
	security_fixture_free(f);
}

/* ---- cards -------------------------------------------------------------------------------- */

static void cards_say_what_is(void **state)
{
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct ponto_identity me = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "me");
	struct ponto_identity modern = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "modern");
	uint8_t *data, *again, *none = (uint8_t *)1;
	size_t len, again_len, none_len = 5;

	assert_ok(ponto_identity_card(f->security, ALICE, me.id, &f->alloc, &data, &len));
	assert_in_range(len, 1, PONTO_CHAIN_MAX);
	assert_non_null(memmem(data, len, me.public_key, me.public_key_len));
	assert_ok(ponto_identity_card(f->security, ALICE, me.id, &f->alloc, &again, &again_len));
	assert_true(ponto_bytes_equal(ponto_bytes(data, len), ponto_bytes(again, again_len)));
	ponto_free(&f->alloc, again);
	assert_ok(change_to(f, me.id, NULL, "work", false));
	assert_ok(ponto_identity_card(f->security, ALICE, me.id, &f->alloc, &again, &again_len));
	assert_false(ponto_bytes_equal(ponto_bytes(data, len), ponto_bytes(again, again_len)));
	ponto_free(&f->alloc, again);
	ponto_free(&f->alloc, data);
	assert_int_equal(ponto_identity_card(f->security, BOB, me.id, &f->alloc, &none, &none_len), PONTO_ENOENT);
	assert_int_equal(ponto_identity_card(f->security, ALICE, modern.id, &f->alloc, &none, &none_len),
			 PONTO_ENOTSUP);
	assert_ptr_equal(none, (uint8_t *)1);
	assert_int_equal(none_len, 5);
	security_fixture_free(f);
}

/* ---- PKCS #12 ------------------------------------------------------------------------------ */

/* authority.work */
static const char *peer_name(const struct ponto_identity *identity)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s.work", identity->id);
	return name;
}

static struct ponto_identity export_pfx(struct security_fixture *f, uint8_t **data, size_t *len)
{
	struct ponto_identity me = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "ich \xe2\x82\xac");

	assert_ok(change_to(f, me.id, NULL, "work", false));
	assert_ok(ponto_identity_export_pfx(f->security, ALICE, me.id, "secret", &f->alloc, data, len));
	assert_in_range(*len, 1, PONTO_EXPORT_MAX);
	return me;
}

static void pfx_comes_back(void **state)
{
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct security_fixture *g = security_make(state);
	struct ponto_identity_detail detail;
	struct ponto_identity me, back;
	uint8_t *data;
	size_t len;

	me = export_pfx(f, &data, &len);
	memset(&back, 0x55, sizeof(back));
	assert_int_equal(
		ponto_identity_import_pfx(f->security, ALICE, peer_name(&me), ponto_bytes(data, len), "secret", &back),
		PONTO_EEXIST);
	assert_string_equal(back.id, me.id);
	assert_ok(ponto_identity_import_pfx(g->security, BOB, peer_name(&me), ponto_bytes(data, len), "secret", &back));
	assert_string_equal(back.id, me.id);
	assert_string_equal(back.name, me.name);
	assert_int_equal(back.owner, BOB);
	assert_ok(ponto_identity_detail(g->security, BOB, me.id, &detail));
	assert_string_equal(detail.classifier, "work");
	ponto_free(&f->alloc, data);
	security_fixture_free(g);
	security_fixture_free(f);
}

static void wrong_pfx_changes_nothing(void **state)
{
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct security_fixture *g = security_make(state);
	struct ponto_identity me, out, untouched;
	const char *name;
	uint8_t *data;
	size_t len;

	me = export_pfx(f, &data, &len);
	name = peer_name(&me);
	memset(&out, 0x55, sizeof(out));
	untouched = out;
#define IMPORT(peer, bytes, size, password)                                                                            \
	ponto_identity_import_pfx(g->security, ALICE, peer, ponto_bytes(bytes, size), password, &out)
	assert_int_equal(IMPORT(name, data, len, "Secret"), PONTO_EAUTH);
	assert_int_equal(IMPORT(name, data, len, ""), PONTO_EINVAL);
	assert_int_equal(IMPORT(name, data, len, NULL), PONTO_EINVAL);
	assert_int_equal(IMPORT("0000000000000000000000000000000000000000.work", data, len, "secret"), PONTO_EPROTO);
	assert_int_equal(IMPORT("0.work", data, len, "secret"), PONTO_EPROTO);
	assert_int_equal(IMPORT("", data, len, "secret"), PONTO_EPROTO);
	assert_int_equal(IMPORT(me.id, data, len, "secret"), PONTO_EPROTO);
	for (size_t i = 0; i < len; i++) {
		int result;

		data[i] ^= (uint8_t)(1 << i % 8);
		result = IMPORT(name, data, len, "secret");
		if (result != PONTO_EPROTO && result != PONTO_EAUTH)
			fail_msg("byte %zu is not missed: %d", i, result);
		data[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(IMPORT(name, data, i, "secret"), PONTO_EPROTO);
	}
#undef IMPORT
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_int_equal(security_list(g, ALICE, NULL, 0), 0);
	ponto_free(&f->alloc, data);
	security_fixture_free(g);
	security_fixture_free(f);
}

/* ---- keys of others -------------------------------------------------------------------------- */

static void keys_are_adopted(void **state)
{
	struct security_fixture *f = make_with_all(state, false);

	if (!f)
		return;

	struct ponto_security s = f->security;
	struct ponto_bytes rsa = ponto_bytes(rsa_1024, strlen(rsa_1024)), ed = ponto_bytes(ed25519, strlen(ed25519));
	struct ponto_identity a, b, out;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_identity_adopt(s, ALICE, PONTO_PROFILE_WINDOWS, "a", rsa, &a));
	assert_ok(ponto_identity_adopt(s, ALICE, PONTO_PROFILE_MODERN, "b", ed, &b));
	assert_string_equal(a.name, "a");
	assert_true(a.created >= f->clock.wall && b.created > a.created);
	assert_ok(ponto_sign(s, ALICE, a.id, ponto_bytes("d", 1), sig, &len));
	assert_ok(ponto_verify(s, PONTO_PROFILE_WINDOWS, security_key_of(&a), ponto_bytes("d", 1),
			       ponto_bytes(sig, len)));
	memset(&out, 0x55, sizeof(out));
	assert_int_equal(ponto_identity_adopt(s, ALICE, PONTO_PROFILE_WINDOWS, "c", rsa, &out), PONTO_EEXIST);
	assert_string_equal(out.id, a.id);
	assert_int_equal(ponto_identity_adopt(s, BOB, PONTO_PROFILE_WINDOWS, "c", ed, &out), PONTO_EPROTO);
	assert_int_equal(ponto_identity_adopt(s, BOB, PONTO_PROFILE_MODERN, "c", rsa, &out), PONTO_EPROTO);
	assert_int_equal(ponto_identity_adopt(s, BOB, 7, "c", rsa, &out), PONTO_EINVAL);
	assert_int_equal(ponto_identity_adopt(s, BOB, PONTO_PROFILE_WINDOWS, "", rsa, &out), PONTO_EINVAL);
	for (size_t n = 0; n + 2 < rsa.len; n += 7) /* a last line end that is missing is no damage */
		assert_int_equal(
			ponto_identity_adopt(s, BOB, PONTO_PROFILE_WINDOWS, "c", ponto_bytes(rsa.data, n), &out),
			PONTO_EPROTO);
	assert_int_equal(security_list(f, BOB, NULL, 0), 0);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 2);
	security_fixture_free(f);
}

struct security_cases security_detail_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(all_or_none),
		cmocka_unit_test(details_change_and_last),
		cmocka_unit_test(details_are_checked),
		cmocka_unit_test(exports_carry_details),
		cmocka_unit_test(cards_say_what_is),
		cmocka_unit_test(pfx_comes_back),
		cmocka_unit_test(wrong_pfx_changes_nothing),
		cmocka_unit_test(keys_are_adopted),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
