#include "tests/conform/security_suite.h"

#include <stdio.h>

#include "framework/digest.h"
#include "framework/registry.h"

#define ALICE 1000u
#define BOB 1001u

static bool has_option(const struct ponto_plugin *plugin, const char *name)
{
	for (size_t i = 0; i < plugin->option_count; i++) {
		if (strcmp(plugin->options[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Every plugin's settings that make it fast: a schema without the option gets none. */
static const char *const *quick(const struct ponto_plugin *plugin)
{
	static const char *const fast[] = {"iterations=1000", NULL};

	return has_option(plugin, "iterations") ? fast : NULL;
}

static struct security_fixture *make(void **state)
{
	return security_fixture_new(*state, false, quick(*state));
}

static struct ponto_identity identity_of(struct security_fixture *fixture, uint32_t owner, uint32_t profile,
					 const char *name)
{
	struct ponto_identity identity;

	int result;

	memset(&identity, 0xaa, sizeof(identity));
	result = ponto_identity_create(fixture->security, owner, profile, name, &identity);
	if (result == PONTO_ENOTSUP) {
		security_fixture_free(fixture);
		skip();
	}
	assert_ok(result);
	return identity;
}

/* A plugin may leave a profile out: then it says so, and what needs that profile is not tried. */
static bool lacks(struct security_fixture *fixture, uint32_t profile)
{
	struct ponto_identity identity;
	int result = ponto_identity_create(fixture->security, ALICE + 77, profile, "asked", &identity);

	if (result == PONTO_OK)
		assert_ok(ponto_identity_remove(fixture->security, ALICE + 77, identity.id));
	return result == PONTO_ENOTSUP;
}

static bool lacks_it(void **state, uint32_t profile)
{
	struct security_fixture *f = make(state);
	bool result = lacks(f, profile);

	security_fixture_free(f);
	return result;
}

static struct ponto_bytes key_of(const struct ponto_identity *identity)
{
	return ponto_bytes(identity->public_key, identity->public_key_len);
}

static void assert_same(const struct ponto_identity *a, const struct ponto_identity *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->name, b->name);
	assert_memory_equal(a->authority, b->authority, PONTO_AUTHORITY_SIZE);
	assert_int_equal(a->profile, b->profile);
	assert_int_equal(a->created, b->created);
	assert_true(ponto_bytes_equal(key_of(a), key_of(b)));
}

static const uint32_t profiles[] = {PONTO_PROFILE_WINDOWS, PONTO_PROFILE_MODERN};

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
	struct security_fixture *f = make(state);

	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks(f, profiles[p]))
			continue;

		struct ponto_identity a = identity_of(f, ALICE, profiles[p], "alice \xc3\xa9");
		struct ponto_identity b = identity_of(f, ALICE, profiles[p], "alice \xc3\xa9");
		struct ponto_identity seen;
		uint8_t hash[PONTO_SHA256_SIZE];
		struct ponto_bytes key = key_of(&a);
		char id[PONTO_IDENTITY_ID];

		assert_string_equal(a.name, "alice \xc3\xa9");
		assert_int_equal(a.profile, profiles[p]);
		assert_int_equal(a.owner, ALICE);
		assert_true(a.created >= f->clock.wall && a.created < f->clock.wall + PONTO_SECOND);
		if (profiles[p] == PONTO_PROFILE_WINDOWS) {
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
		assert_same(&a, &seen);
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
	struct security_fixture *f = make(state);
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
	assert_string_equal(identity_of(f, ALICE, PONTO_PROFILE_MODERN, longest).name, longest);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++)
		assert_string_equal(identity_of(f, ALICE, PONTO_PROFILE_MODERN, good[i]).name, good[i]);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 1 + PONTO_ARRAY_SIZE(good));
	security_fixture_free(f);
}

static void unknown_profiles_are_refused(void **state)
{
	static const uint32_t unknown[] = {0, 3, 0x80000001u, UINT32_MAX};
	struct security_fixture *f = make(state);
	struct ponto_identity alice = identity_of(f, ALICE, PONTO_PROFILE_MODERN, "alice"), out;
	uint8_t authority[PONTO_AUTHORITY_SIZE], sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, alice.id, ponto_bytes("d", 1), sig, &len));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(unknown); i++) {
		assert_int_equal(ponto_identity_create(f->security, ALICE, unknown[i], "x", &out), PONTO_EINVAL);
		assert_int_equal(ponto_authority(f->security, unknown[i], key_of(&alice), authority), PONTO_EINVAL);
		assert_int_equal(ponto_verify(f->security, unknown[i], key_of(&alice), ponto_bytes("d", 1),
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
	struct security_fixture *f = make(state);
	struct ponto_identity made[6], seen[6];
	int count = 0;

	assert_int_equal(security_list(f, ALICE, seen, 6), 0);
	for (size_t i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "number %zu", i);
		if (i == 3) /* a clock that was set back orders nothing anew */
			f->clock.wall -= 10 * PONTO_SECOND;
		made[i] = identity_of(f, ALICE, profiles[i % 2], name);
	}
	identity_of(f, BOB, PONTO_PROFILE_MODERN, "bob");
	assert_int_equal(security_list(f, ALICE, seen, 6), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_same(&made[i], &seen[i]);
		assert_int_equal(seen[i].owner, ALICE);
	}
	assert_ok(ponto_identity_list(f->security, ALICE, stop_at_two, &count));
	assert_int_equal(count, 2);
	security_fixture_free(f);
}

static void removed_is_gone(void **state)
{
	struct security_fixture *f = make(state);
	struct ponto_identity a = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "a");
	struct ponto_identity b = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "b"), seen;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, a.id, ponto_bytes("d", 1), sig, &len)); /* into any cache */
	assert_ok(ponto_identity_remove(f->security, ALICE, a.id));
	assert_int_equal(ponto_identity_remove(f->security, ALICE, a.id), PONTO_ENOENT);
	assert_int_equal(ponto_identity_get(f->security, ALICE, a.id, &seen), PONTO_ENOENT);
	assert_int_equal(ponto_sign(f->security, ALICE, a.id, ponto_bytes("d", 1), sig, &len), PONTO_ENOENT);
	/* what it signed stays signed */
	assert_ok(ponto_verify(f->security, a.profile, key_of(&a), ponto_bytes("d", 1), ponto_bytes(sig, len)));
	assert_int_equal(security_list(f, ALICE, &seen, 1), 1);
	assert_same(&b, &seen);
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
	struct security_fixture *f = make(state);
	struct ponto_identity alice = identity_of(f, ALICE, PONTO_PROFILE_MODERN, "alice");
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
	struct security_fixture *f = make(state);
	struct ponto_identity alice = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "alice"), seen;
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;

	assert_ok(ponto_sign(f->security, ALICE, alice.id, ponto_bytes("d", 1), sig, &len)); /* into any cache */
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(others); i++) {
		assert_absent(f, others[i], alice.id);
		assert_int_equal(security_list(f, others[i], NULL, 0), 0);
	}
	assert_ok(ponto_identity_get(f->security, ALICE, alice.id, &seen));
	assert_same(&alice, &seen);
	security_fixture_free(f);
}

static void number_is_limited(void **state)
{
	const char *const settings[] = {"identities=3", NULL};
	struct ponto_identity last = {.id = ""}, other, out;
	struct security_fixture *f;
	uint8_t *data;
	size_t len;

	if (!has_option(*state, "identities"))
		skip();
	f = make(state);
	other = identity_of(f, ALICE, PONTO_PROFILE_MODERN, "from elsewhere");
	assert_ok(ponto_identity_export(f->security, ALICE, other.id, "secret", &ponto_alloc_system, &data, &len));
	security_fixture_free(f);

	f = security_fixture_new(*state, false, settings);
	ponto_test_random_init(&f->seeded, 8); /* or a deterministic plugin makes the exported one again */
	for (int i = 0; i < 3; i++)
		last = identity_of(f, ALICE, PONTO_PROFILE_MODERN, "one of three");
	assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &out), PONTO_ELIMIT);
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "secret", &out),
			 PONTO_ELIMIT);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 3);
	identity_of(f, BOB, PONTO_PROFILE_MODERN, "bob has his own three");
	assert_ok(ponto_identity_remove(f->security, ALICE, last.id));
	assert_ok(ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "secret", &out));
	assert_int_equal(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &out), PONTO_ELIMIT);
	ponto_free(&ponto_alloc_system, data);
	security_fixture_free(f);
}

/* ---- signatures -------------------------------------------------------------------- */

static void what_is_signed_verifies(void **state)
{
	static const size_t sizes[] = {0, 1, 20, 309, 65536};
	struct security_fixture *f = make(state);
	uint8_t *data = calloc(1, 65536);

	assert_non_null(data);
	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks(f, profiles[p]))
			continue;

		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "me");

		for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
			struct ponto_bytes bytes = ponto_bytes(sizes[i] ? data : NULL, sizes[i]);
			uint8_t sig[PONTO_SIGNATURE_MAX];
			size_t len = 0;

			assert_ok(ponto_sign(f->security, ALICE, me.id, bytes, sig, &len));
			assert_int_equal(len, profiles[p] == PONTO_PROFILE_WINDOWS ? 128 : 64);
			assert_ok(ponto_verify(f->security, profiles[p], key_of(&me), bytes, ponto_bytes(sig, len)));
		}
	}
	free(data);
	security_fixture_free(f);
}

static void whatever_changes_does_not_verify(void **state)
{
	struct security_fixture *f = make(state);

	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks(f, profiles[p]))
			continue;

		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "me");
		struct ponto_identity other = identity_of(f, ALICE, profiles[p], "other");
		uint8_t data[48] = "what was said", sig[PONTO_SIGNATURE_MAX], longer[PONTO_SIGNATURE_MAX + 1] = {0};
		struct ponto_bytes said = ponto_bytes(data, sizeof(data));
		size_t len;

		assert_ok(ponto_sign(f->security, ALICE, me.id, said, sig, &len));
		for (size_t i = 0; i < len; i++) {
			sig[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(
				ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(sig, len)),
				PONTO_EAUTH);
			sig[i] ^= (uint8_t)(1 << i % 8);
		}
		for (size_t i = 0; i < sizeof(data); i++) {
			data[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(
				ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(sig, len)),
				PONTO_EAUTH);
			data[i] ^= (uint8_t)(1 << i % 8);
		}
		memcpy(longer, sig, len);
		for (size_t n = 0; n <= len + 1; n++)
			if (n != len)
				assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&me), said,
							      ponto_bytes(n ? longer : NULL, n)),
						 PONTO_EAUTH);
		assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&other), said, ponto_bytes(sig, len)),
				 PONTO_EAUTH);
		memset(longer, 0, sizeof(longer));
		assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(longer, len)),
				 PONTO_EAUTH);
		memset(longer, 0xff, sizeof(longer));
		assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(longer, len)),
				 PONTO_EAUTH);
		assert_ok(ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(sig, len)));
	}
	security_fixture_free(f);
}

static void reversed_windows_signature_verifies(void **state)
{
	struct security_fixture *f = make(state);

	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks(f, profiles[p]))
			continue;

		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "me");
		uint8_t sig[PONTO_SIGNATURE_MAX], reversed[PONTO_SIGNATURE_MAX];
		struct ponto_bytes said = ponto_bytes("said", 4);
		size_t len;

		assert_ok(ponto_sign(f->security, ALICE, me.id, said, sig, &len));
		for (size_t i = 0; i < len; i++)
			reversed[i] = sig[len - 1 - i];
		assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(reversed, len)),
				 profiles[p] == PONTO_PROFILE_WINDOWS ? PONTO_OK : PONTO_EAUTH);
		reversed[5] ^= 4;
		assert_int_equal(ponto_verify(f->security, profiles[p], key_of(&me), said, ponto_bytes(reversed, len)),
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
	struct security_fixture *f = make(state);
	struct ponto_identity w = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "w");
	struct ponto_identity m = identity_of(f, ALICE, PONTO_PROFILE_MODERN, "m");
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
	struct security_fixture *f = make(state);

	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks(f, profiles[p]))
			continue;

		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "me");
		uint8_t authority[PONTO_AUTHORITY_SIZE];

		assert_ok(ponto_authority(f->security, profiles[p], key_of(&me), authority));
		assert_memory_equal(authority, me.authority, sizeof(authority));
	}
	security_fixture_free(f);
}

/* ---- export and import --------------------------------------------------------------- */

static void exported_identity_comes_back(void **state)
{
	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks_it(state, profiles[p]))
			continue;
		struct security_fixture *f = make(state), *g = make(state);
		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "ich \xe2\x82\xac"), back, seen;
		uint8_t *data, sig[PONTO_SIGNATURE_MAX];
		size_t len, sig_len;

		g->clock.wall += 3600 * PONTO_SECOND;
		assert_ok(ponto_identity_export(f->security, ALICE, me.id, "correct horse", &f->alloc, &data, &len));
		assert_in_range(len, 1, PONTO_EXPORT_MAX);
		assert_ok(ponto_identity_import(g->security, BOB, ponto_bytes(data, len), "correct horse", &back));
		assert_same(&me, &back);
		assert_int_equal(back.owner, BOB);
		assert_ok(ponto_identity_get(g->security, BOB, me.id, &seen));
		assert_same(&me, &seen);
		assert_int_equal(seen.owner, BOB);
		assert_ok(ponto_sign(g->security, BOB, me.id, ponto_bytes("d", 1), sig, &sig_len));
		assert_ok(ponto_verify(f->security, profiles[p], key_of(&me), ponto_bytes("d", 1),
				       ponto_bytes(sig, sig_len)));
		/* once per owner */
		memset(&back, 0x55, sizeof(back));
		seen = back;
		assert_int_equal(
			ponto_identity_import(g->security, BOB, ponto_bytes(data, len), "correct horse", &back),
			PONTO_EEXIST);
		assert_int_equal(
			ponto_identity_import(f->security, ALICE, ponto_bytes(data, len), "correct horse", &back),
			PONTO_EEXIST);
		assert_memory_equal(&back, &seen, sizeof(back));
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

	for (size_t p = 0; p < PONTO_ARRAY_SIZE(profiles); p++) {
		if (lacks_it(state, profiles[p]))
			continue;
		struct security_fixture *f = make(state), *g = make(state);
		struct ponto_identity me = identity_of(f, ALICE, profiles[p], "me"), out, untouched;
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
	struct security_fixture *f = make(state), *g = make(state);
	struct ponto_identity me = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "me"), out;
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

/* ---- memory, threads -------------------------------------------------------------------- */

struct oom_setup {
	const struct ponto_plugin *plugin;
	struct security_fixture *fixture;
};

static bool ignore_identity(void *arg, const struct ponto_identity *identity)
{
	(void)arg;
	(void)identity;
	return true;
}

static int oom_calls(struct ponto_security s, const struct ponto_alloc *alloc)
{
	struct ponto_identity me, back;
	uint8_t sig[PONTO_SIGNATURE_MAX], *data = NULL;
	size_t len = 0, sig_len = 0;
	int result = ponto_identity_create(s, ALICE, PONTO_PROFILE_MODERN, "me", &me);

	if (!result)
		result = ponto_sign(s, ALICE, me.id, ponto_bytes("d", 1), sig, &sig_len);
	if (!result)
		result = ponto_verify(s, PONTO_PROFILE_MODERN, key_of(&me), ponto_bytes("d", 1),
				      ponto_bytes(sig, sig_len));
	if (!result)
		result = ponto_identity_list(s, ALICE, ignore_identity, NULL);
	if (!result)
		result = ponto_identity_get(s, ALICE, me.id, &back);
	if (!result)
		result = ponto_identity_export(s, ALICE, me.id, "secret", alloc, &data, &len);
	if (!result)
		result = ponto_identity_import(s, BOB, ponto_bytes(data, len), "secret", &back);
	if (!result)
		result = ponto_identity_remove(s, ALICE, me.id);
	ponto_free(alloc, data);
	return result;
}

static int oom_run(const struct ponto_alloc *alloc, void *arg)
{
	struct oom_setup *setup = arg;
	struct ponto_env env = setup->fixture->env;
	struct ponto_security s = {(const struct ponto_security_ops *)setup->plugin->vtable, NULL, NULL};
	int result;

	env.alloc = alloc;
	result = s.ops->create(&env, &s.self);
	if (result)
		return result;
	result = oom_calls(s, alloc);
	s.ops->destroy(s.self);
	return result;
}

static void refused_memory_is_survived(void **state)
{
	struct security_fixture *f = make(state);
	struct oom_setup setup = {*state, f};

	ponto_test_oom(oom_run, &setup, false);
	security_fixture_free(f);
}

struct worker {
	struct security_fixture *fixture;
	const struct ponto_identity *shared;
	unsigned number;
	unsigned wrong;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct ponto_security s = w->fixture->security;
	struct ponto_identity mine;

	for (int round = 0; round < 8; round++) {
		uint8_t sig[PONTO_SIGNATURE_MAX];
		size_t len = 0;
		struct ponto_bytes said = ponto_bytes(&round, sizeof(round));

		w->wrong += ponto_sign(s, ALICE, w->shared->id, said, sig, &len) != PONTO_OK;
		w->wrong +=
			ponto_verify(s, w->shared->profile, key_of(w->shared), said, ponto_bytes(sig, len)) != PONTO_OK;
		w->wrong += ponto_identity_create(s, BOB + w->number, PONTO_PROFILE_MODERN, "mine", &mine) != PONTO_OK;
		w->wrong += ponto_sign(s, BOB + w->number, mine.id, said, sig, &len) != PONTO_OK;
		w->wrong += ponto_verify(s, mine.profile, key_of(&mine), said, ponto_bytes(sig, len)) != PONTO_OK;
		w->wrong += ponto_identity_list(s, ALICE, ignore_identity, NULL) != PONTO_OK;
		if (round % 2)
			w->wrong += ponto_identity_remove(s, BOB + w->number, mine.id) != PONTO_OK;
	}
	return NULL;
}

static void threads_share_an_instance(void **state)
{
	struct security_fixture *f = make(state);
	struct ponto_identity shared = identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "shared");
	struct worker workers[6];
	pthread_t threads[6];

	for (unsigned i = 0; i < 6; i++) {
		workers[i] = (struct worker){f, &shared, i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].wrong, 0);
		assert_int_equal(security_list(f, BOB + i, NULL, 0), 4);
	}
	security_fixture_free(f);
}

static const struct CMUnitTest suite[] = {
	cmocka_unit_test(descriptor),
	cmocka_unit_test(created_identity_is_described),
	cmocka_unit_test(names_are_checked),
	cmocka_unit_test(unknown_profiles_are_refused),
	cmocka_unit_test(list_is_oldest_first),
	cmocka_unit_test(removed_is_gone),
	cmocka_unit_test(hostile_ids_do_not_exist),
	cmocka_unit_test(owners_do_not_see_each_other),
	cmocka_unit_test(number_is_limited),
	cmocka_unit_test(what_is_signed_verifies),
	cmocka_unit_test(whatever_changes_does_not_verify),
	cmocka_unit_test(reversed_windows_signature_verifies),
	cmocka_unit_test(other_bytes_are_no_key),
	cmocka_unit_test(authority_is_a_hash_of_the_key),
	cmocka_unit_test(exported_identity_comes_back),
	cmocka_unit_test(wrong_password_changes_nothing),
	cmocka_unit_test(damaged_export_changes_nothing),
	cmocka_unit_test(refused_memory_is_survived),
	cmocka_unit_test(threads_share_an_instance),
};

const size_t security_suite_count = PONTO_ARRAY_SIZE(suite);

void security_suite_cases(const struct ponto_plugin *plugin, struct CMUnitTest *out)
{
	static char names[16][PONTO_ARRAY_SIZE(suite)][96];
	static size_t plugins;
	size_t mine = plugins++ % 16;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(suite); i++) {
		snprintf(names[mine][i], sizeof(names[mine][i]), "%s: %s", plugin->name, suite[i].name);
		out[i] = suite[i];
		out[i].name = names[mine][i];
		out[i].initial_state = (void *)(uintptr_t)plugin;
	}
}
