/* framework/security.c: the rules every security plugin shares. */
#include "framework/security.h"
#include "tests/support/test.h"
#include "tests/unit/security_vectors.h"

static void names(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} table[] = {
		{NULL, false},
		{"", false},
		{"a", true},
		{"~ !", true},
		{"\x1f", false},
		{"\x7f", false},
		{"\xc2\x80", false},
		{"\xc2\x9f", false},
		{"\xc2\xa0", true},
		{"\xdf\xbf", true},
		{"\xc1\xbf", false},
		{"\xe0\xa0\x80", true},
		{"\xe0\x9f\xbf", false},
		{"\xed\x9f\xbf", true},
		{"\xed\xa0\x80", false},
		{"\xed\xbf\xbf", false},
		{"\xee\x80\x80", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x8f\xbf\xbf", true},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"a\xc3", false},
		{"a\xc3 b", false},
		{"\xbf", false},
		{"\xfe", false},
	};
	char longest[PONTO_IDENTITY_NAME + 1];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(table); i++)
		if (ponto_identity_name_valid(table[i].name) != table[i].valid)
			fail_msg("row %zu", i);
	memset(longest, 'x', sizeof(longest));
	longest[PONTO_IDENTITY_NAME] = 0;
	assert_false(ponto_identity_name_valid(longest));
	longest[PONTO_IDENTITY_NAME - 1] = 0;
	assert_true(ponto_identity_name_valid(longest));
	memcpy(longest + PONTO_IDENTITY_NAME - 2, "\xc3", 2); /* a character cut by the limit */
	assert_false(ponto_identity_name_valid(longest));
}

static void ids(void **state)
{
	(void)state;
	assert_true(ponto_identity_id_valid("febe3705565228fca059cb0caec74e06404aa229"));
	assert_false(ponto_identity_id_valid("febe3705565228fca059cb0caec74e06404aa22"));
	assert_false(ponto_identity_id_valid("febe3705565228fca059cb0caec74e06404aa2299"));
	assert_false(ponto_identity_id_valid("Febe3705565228fca059cb0caec74e06404aa229"));
	assert_false(ponto_identity_id_valid("febe3705565228fca059cb0caec74e06404aa22g"));
	assert_false(ponto_identity_id_valid(""));
	assert_false(ponto_identity_id_valid(NULL));
}

static void keys(void **state)
{
	struct ponto_identity identity = {.name = "kept", .owner = 7, .created = 9};
	size_t len;
	uint8_t *key = ponto_test_hex(vector_key_data, &len);

	(void)state;
	assert_int_equal(ponto_identity_set_key(3, ponto_bytes(key, len), &identity), PONTO_EINVAL);
	assert_int_equal(ponto_identity_set_key(PONTO_PROFILE_WINDOWS, ponto_bytes(key, len - 1), &identity),
			 PONTO_EPROTO);
	assert_int_equal(ponto_identity_set_key(PONTO_PROFILE_MODERN, ponto_bytes(key, len), &identity), PONTO_EPROTO);
	assert_int_equal(identity.public_key_len, 0);
	assert_ok(ponto_identity_set_key(PONTO_PROFILE_WINDOWS, ponto_bytes(key, len), &identity));
	assert_string_equal(identity.id, "febe3705565228fca059cb0caec74e06404aa229");
	assert_memory_equal(identity.public_key, key, len);
	assert_int_equal(identity.public_key_len, 140);
	assert_string_equal(identity.name, "kept");
	assert_int_equal(identity.owner, 7);
	assert_int_equal(identity.created, 9);
	assert_int_equal(ponto_public_key_check(PONTO_PROFILE_WINDOWS, ponto_bytes(NULL, 0)), PONTO_EPROTO);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(ids),
		cmocka_unit_test(keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("security", tests, NULL, NULL);
}
