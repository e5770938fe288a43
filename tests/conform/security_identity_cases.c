#include "tests/conform/security_case.h"

#include <stdio.h>

#include "framework/digest.h"
#include "framework/registry.h"

/* ---- the descriptor ------------------------------------------------------------ */

static void descriptor(void **state)
{
	const struct ponto_plugin *plugin = *state;
	const struct ponto_security_ops *ops = (const struct ponto_security_ops *)plugin->vtable;
	char reason[PONTO_REASON_SIZE] = "";

	if (ponto_plugin_check(plugin, reason))
		fail_msg("%s", reason);
	assert_int_equal(plugin->kind, PONTO_KIND_SECURITY);
	assert_int_equal(ops->head.abi, PONTO_SECURITY_ABI);
	assert_int_equal(ops->head.size, sizeof(*ops));
	assert_true(PONTO_HAS(ops, create) && PONTO_HAS(ops, destroy) && PONTO_HAS(ops, identity_create) &&
		    PONTO_HAS(ops, identity_list) && PONTO_HAS(ops, identity_get) && PONTO_HAS(ops, identity_remove));
	assert_true(PONTO_HAS(ops, identity_export) && PONTO_HAS(ops, identity_import) && PONTO_HAS(ops, sign) &&
		    PONTO_HAS(ops, verify) && PONTO_HAS(ops, authority));
	for (size_t i = 0; i < plugin->option_count; i++) {
		assert_non_null(plugin->options[i].doc);
		assert_non_null(plugin->options[i].fallback);
	}
	ops->destroy(NULL);
}

/* ---- identities ------------------------------------------------------------------ */

static void created_identity_is_described(void **state)
{
	struct security_fixture *f = security_make(state);

	for (size_t p = 0; p < SECURITY_PROFILES; p++) {
		if (security_lacks(f, security_profiles[p]))
			continue;

		struct ponto_identity a = security_identity_of(f, ALICE, security_profiles[p], "alice \xc3\xa9");
		struct ponto_identity b = security_identity_of(f, ALICE, security_profiles[p], "alice \xc3\xa9");
		struct ponto_identity seen;
		uint8_t hash[PONTO_SHA256_SIZE];
		struct ponto_bytes key = security_key_of(&a);
		char id[PONTO_IDENTITY_ID];

		assert_string_equal(a.name, "alice \xc3\xa9");
		assert_int_equal(a.profile, security_profiles[p]);
		assert_int_equal(a.owner, ALICE);
		assert_true(a.created >= f->clock.wall && a.created < f->clock.wall + PONTO_SECOND);
		if (security_profiles[p] == PONTO_PROFILE_WINDOWS) {
			assert_int_equal(key.len, 140);
			assert_int_equal(key.data[7] >> 7, 1);
			assert_memory_equal(key.data, "\x30\x81\x89\x02\x81\x81\x00", 7);
			assert_memory_equal(key.data + 135, "\x02\x03\x01\x00\x01", 5);
			ponto_sha1(&key, 1, hash);
		} else {
			assert_int_equal(key.len, 32);
			ponto_sha256(&key, 1, hash);
		}
		assert_memory_equal(a.authority, hash, PONTO_AUTHORITY_SIZE);
		ponto_hex(ponto_bytes(hash, PONTO_AUTHORITY_SIZE), id);
		assert_string_equal(a.id, id);
		assert_string_not_equal(a.id, b.id);
		assert_ok(ponto_identity_get(f->security, ALICE, a.id, &seen));
		assert_int_equal(seen.owner, ALICE);
		security_assert_same(&a, &seen);
	}
	security_fixture_free(f);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {
		NULL,
		"",
		"two\nlines",
		"tab\there",
		"\x7f",
		"\xc2\x85",
		"\xff",
		"half \xc3",
		"\x80",
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xf0\x80\x80\xaf",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xe2\x82",
	};
	static const char *const good[] = {"x",	      " ", "../../etc/passwd", "\xe2\x82\xac", "\xf0\x9f\x90\xa7",
					   "\xc2\xa0"};
	struct security_fixture *f = security_make(state);
	struct ponto_identity out, untouched;
	char longest[PONTO_IDENTITY_NAME + 1];

	memset(&out, 0xaa, sizeof(out));
	untouched = out;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, bad[i], &out),
				 PONTO_EINVAL);
	memset(longest, 'n', sizeof(longest));
	longest[PONTO_IDENTITY_NAME] = 0;
	assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, longest, &out), PONTO_EINVAL);
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_int_equal(security_list(f, ALICE, NULL, 0), 0);
	longest[PONTO_IDENTITY_NAME - 1] = 0;
	assert_string_equal(security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, longest).name, longest);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++)
		assert_string_equal(security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, good[i]).name, good[i]);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 1 + PONTO_ARRAY_SIZE(good));
	security_fixture_free(f);
}

static void unknown_profiles_are_refused(void **state)
{
	static const uint32_t unknown[] = {0, 3, 0x80000001u, UINT32_MAX};
	struct security_fixture *f = security_make(state);
	struct ponto_identity alice = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "alice"), out;
	uint8_t authority[PONTO_AUTHORITY_SIZE], sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, alice.id, ponto_bytes("d", 1), sig, &len));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(unknown); i++) {
		assert_int_equal(ponto_identity_create(f->security, ALICE, unknown[i], "x", &out), PONTO_EINVAL);
		assert_int_equal(ponto_authority(f->security, unknown[i], security_key_of(&alice), authority), PONTO_EINVAL);
		assert_int_equal(ponto_verify(f->security, unknown[i], security_key_of(&alice), ponto_bytes("d", 1),
					      ponto_bytes(sig, len)),
				 PONTO_EINVAL);
	}
	security_fixture_free(f);
}

static bool stop_at_two(void *arg, const struct ponto_identity *identity)
{
	(void)identity;
	return ++*(int *)arg < 2;
}

static void list_is_oldest_first(void **state)
{
	struct security_fixture *f = security_make(state);
	struct ponto_identity made[6], seen[6];
	int count = 0;

	assert_int_equal(security_list(f, ALICE, seen, 6), 0);
	for (size_t i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "number %zu", i);
		if (i == 3) /* a clock that was set back orders nothing anew */
			f->clock.wall -= 10 * PONTO_SECOND;
		made[i] = security_identity_of(f, ALICE, security_profiles[i % 2], name);
	}
	security_identity_of(f, BOB, PONTO_PROFILE_MODERN, "bob");
	assert_int_equal(security_list(f, ALICE, seen, 6), 6);
	for (size_t i = 0; i < 6; i++) {
		security_assert_same(&made[i], &seen[i]);
		assert_int_equal(seen[i].owner, ALICE);
	}
	assert_ok(ponto_identity_list(f->security, ALICE, stop_at_two, &count));
	assert_int_equal(count, 2);
	security_fixture_free(f);
}

static void removed_is_gone(void **state)
{
	struct security_fixture *f = security_make(state);
	struct ponto_identity a = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "a");
	struct ponto_identity b = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "b"), seen;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, a.id, ponto_bytes("d", 1), sig, &len)); /* into any cache */
	assert_ok(ponto_identity_remove(f->security, ALICE, a.id));
	assert_int_equal(ponto_identity_remove(f->security, ALICE, a.id), PONTO_ENOENT);
	assert_int_equal(ponto_identity_get(f->security, ALICE, a.id, &seen), PONTO_ENOENT);
	assert_int_equal(ponto_sign(f->security, ALICE, a.id, ponto_bytes("d", 1), sig, &len), PONTO_ENOENT);
	/* what it signed stays signed */
	assert_ok(ponto_verify(f->security, a.profile, security_key_of(&a), ponto_bytes("d", 1), ponto_bytes(sig, len)));
	assert_int_equal(security_list(f, ALICE, &seen, 1), 1);
	security_assert_same(&b, &seen);
	assert_ok(ponto_sign(f->security, ALICE, b.id, ponto_bytes("d", 1), sig, &len));
	security_fixture_free(f);
}

/* Every call that takes an id answers the same. */
static void assert_absent(struct security_fixture *f, uint32_t owner, const char *id)
{
	uint8_t sig[PONTO_SIGNATURE_MAX], *data = (uint8_t *)1;
	struct ponto_identity out, untouched;
	size_t len = 77;

	memset(&out, 0x55, sizeof(out));
	untouched = out;
	memset(sig, 0x55, sizeof(sig));
	assert_int_equal(ponto_identity_get(f->security, owner, id, &out), PONTO_ENOENT);
	assert_int_equal(ponto_identity_remove(f->security, owner, id), PONTO_ENOENT);
	assert_int_equal(ponto_sign(f->security, owner, id, ponto_bytes("d", 1), sig, &len), PONTO_ENOENT);
	assert_int_equal(ponto_identity_export(f->security, owner, id, "secret", &f->alloc, &data, &len), PONTO_ENOENT);
	assert_memory_equal(&out, &untouched, sizeof(out));
	for (size_t i = 0; i < sizeof(sig); i++)
		assert_int_equal(sig[i], 0x55);
	assert_ptr_equal(data, (uint8_t *)1);
	assert_int_equal(len, 77);
}

static void hostile_ids_do_not_exist(void **state)
{
	static const char *const hostile[] = {
		"",
		".",
		"..",
		"../x",
		"/etc/passwd",
		"febe3705565228fca059cb0caec74e06404aa22",
		"febe3705565228fca059cb0caec74e06404aa2290",
		"febe3705565228fca059cb0caec74e06404aa22/",
		"../../../../../../../../etc/passwd.......",
		"FEBE3705565228FCA059CB0CAEC74E06404AA229",
		"febe3705565228fca059cb0caec74e06404aa229",
		"febe3705565228fca059cb0caec74e06404aa22\n",
		"febe3705565228fca059cb0caec74e06404aa229.pem",
		"%s%n%s%n%s%n%s%n%s%n%s%n%s%n%s%n%s%n%s%n",
	};
	struct security_fixture *f = security_make(state);
	struct ponto_identity alice = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "alice");
	char *large = malloc(100001), upper[PONTO_IDENTITY_ID];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(hostile); i++)
		assert_absent(f, ALICE, hostile[i]);
	assert_absent(f, ALICE, NULL);
	assert_non_null(large);
	memset(large, 'a', 100000);
	large[100000] = 0;
	assert_absent(f, ALICE, large);
	free(large);
	for (size_t i = 0; i < PONTO_IDENTITY_ID; i++)
		upper[i] = (char)(alice.id[i] >= 'a' ? alice.id[i] - 32 : alice.id[i]);
	if (strcmp(upper, alice.id) != 0)
		assert_absent(f, ALICE, upper);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 1);
	security_fixture_free(f);
}

static void owners_do_not_see_each_other(void **state)
{
	static const uint32_t others[] = {0, BOB, UINT32_MAX};
	struct security_fixture *f = security_make(state);
	struct ponto_identity alice = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "alice"), seen;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, alice.id, ponto_bytes("d", 1), sig, &len)); /* into any cache */
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(others); i++) {
		assert_absent(f, others[i], alice.id);
		assert_int_equal(security_list(f, others[i], NULL, 0), 0);
	}
	assert_ok(ponto_identity_get(f->security, ALICE, alice.id, &seen));
	security_assert_same(&alice, &seen);
	security_fixture_free(f);
}

static void number_is_limited(void **state)
{
	const char *const settings[] = {"identities=3", NULL};
	struct ponto_identity last = {.id = ""}, other, out;
	struct security_fixture *f;
	uint8_t *data;
	size_t len;

	if (!security_has_option(*state, "identities"))
		skip();
	f = security_make(state);
	other = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "from elsewhere");
	assert_ok(ponto_identity_export(f->security, ALICE, other.id, "secret", &ponto_alloc_system, &data, &len));
	security_fixture_free(f);

	f = security_fixture_new(*state, false, settings);
	ponto_test_random_init(&f->seeded, 8); /* or a deterministic plugin makes the exported one again */
	for (int i = 0; i < 3; i++)
		last = security_identity_of(f, ALICE, PONTO_PROFILE_MODERN, "one of three");
	assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &out), PONTO_ELIMIT);
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "secret", &out),
			 PONTO_ELIMIT);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 3);
	security_identity_of(f, BOB, PONTO_PROFILE_MODERN, "bob has his own three");
	assert_ok(ponto_identity_remove(f->security, ALICE, last.id));
	assert_ok(ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "secret", &out));
	assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &out), PONTO_ELIMIT);
	ponto_free(&ponto_alloc_system, data);
	security_fixture_free(f);
}

struct security_cases security_identity_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(descriptor),
		cmocka_unit_test(created_identity_is_described),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(unknown_profiles_are_refused),
		cmocka_unit_test(list_is_oldest_first),
		cmocka_unit_test(removed_is_gone),
		cmocka_unit_test(hostile_ids_do_not_exist),
		cmocka_unit_test(owners_do_not_see_each_other),
		cmocka_unit_test(number_is_limited),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
