#include "tests/conform/security_case.h"

bool security_has_option(const struct ponto_plugin *plugin, const char *name)
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

	return security_has_option(plugin, "iterations") ? fast : NULL;
}

struct security_fixture *security_make(void **state)
{
	return security_fixture_new(*state, false, quick(*state));
}

struct security_fixture *security_make_kept(void **state)
{
	return security_fixture_new(*state, true, quick(*state));
}

void security_restart(void **state, struct security_fixture *fixture)
{
	security_fixture_restart(fixture, quick(*state));
}

struct ponto_identity security_identity_of(struct security_fixture *fixture, uint32_t owner, uint32_t profile,
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
bool security_lacks(struct security_fixture *fixture, uint32_t profile)
{
	struct ponto_identity identity;
	int result = ponto_identity_create(fixture->security, ALICE + 77, profile, "asked", &identity);

	if (result == PONTO_OK)
		assert_ok(ponto_identity_remove(fixture->security, ALICE + 77, identity.id));
	return result == PONTO_ENOTSUP;
}

bool security_lacks_it(void **state, uint32_t profile)
{
	struct security_fixture *f = security_make(state);
	bool result = security_lacks(f, profile);

	security_fixture_free(f);
	return result;
}

struct ponto_bytes security_key_of(const struct ponto_identity *identity)
{
	return ponto_bytes(identity->public_key, identity->public_key_len);
}

void security_assert_same(const struct ponto_identity *a, const struct ponto_identity *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->name, b->name);
	assert_memory_equal(a->authority, b->authority, PONTO_AUTHORITY_SIZE);
	assert_int_equal(a->profile, b->profile);
	assert_int_equal(a->created, b->created);
	assert_true(ponto_bytes_equal(security_key_of(a), security_key_of(b)));
}

const uint32_t security_profiles[SECURITY_PROFILES] = {PONTO_PROFILE_WINDOWS, PONTO_PROFILE_MODERN};
