/* Exports in XML that were damaged on their way: no character of one may be another and go unnoticed. */
#include <stdio.h>

#include "apps/pontod/identity_xml.h"
#include "tests/conform/security_suite.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define PKI (&security_pki_LTX_ponto_plugin)
#define ALICE 1000u
#define PASSWORD                                                                                                       \
	"s\xc3\xa9"                                                                                                    \
	"cret"
#define ROOM 8192

static const char *const quick[] = {"iterations=1000", NULL};

/* An exported identity that is nowhere any more. */
struct exported {
	struct security_fixture *f;
	struct ponto_identity me;
	char *text;
	size_t len;
	size_t data, data_end; /* where the base64 stands */
};

static void describe(const struct exported *e, char name[IDENTITY_XML_NAME])
{
	struct ponto_identity_detail detail;

	assert_ok(ponto_identity_detail(e->f->security, ALICE, e->me.id, &detail));
	snprintf(name, IDENTITY_XML_NAME, "%s.%s", e->me.id, detail.classifier);
}

static int setup(void **state)
{
	static struct exported e;
	struct ponto_identity_change change = {.classifier = "Gr\xc3\xb6\xc3\x9f"
							     "e & <co>"};
	char name[IDENTITY_XML_NAME];
	uint8_t *pfx;
	size_t len;

	e.f = security_fixture_new(PKI, false, quick);
	assert_ok(ponto_identity_create(e.f->security, ALICE, PONTO_PROFILE_WINDOWS, "Me \xc3\xa9", &e.me));
	assert_ok(ponto_identity_change(e.f->security, ALICE, e.me.id, &change));
	describe(&e, name);
	assert_ok(ponto_identity_export_pfx(e.f->security, ALICE, e.me.id, PASSWORD, &ponto_alloc_system, &pfx, &len));
	assert_ok(identity_xml_export(name, ponto_bytes(pfx, len), &ponto_alloc_system, &e.text));
	ponto_free(&ponto_alloc_system, pfx);
	assert_ok(ponto_identity_remove(e.f->security, ALICE, e.me.id));
	e.len = strlen(e.text);
	e.data = (size_t)(strstr(e.text, "bin.base64\">") - e.text) + strlen("bin.base64\">");
	e.data_end = (size_t)(strstr(e.text, "</DATA>") - e.text);
	*state = &e;
	return 0;
}

static int teardown(void **state)
{
	struct exported *e = *state;

	ponto_free(&ponto_alloc_system, e->text);
	security_fixture_free(e->f);
	return 0;
}

static int import(struct exported *e, const char *text, size_t len, const char *password, struct ponto_identity *out)
{
	char name[IDENTITY_XML_NAME];
	uint8_t *pfx;
	size_t pfx_len;
	int result = identity_xml_read_export(ponto_bytes(text, len), &ponto_alloc_system, name, &pfx, &pfx_len);

	if (result != PONTO_OK)
		return result;
	result = ponto_identity_import_pfx(e->f->security, ALICE, name, ponto_bytes(pfx, pfx_len), password, out);
	ponto_free(&ponto_alloc_system, pfx);
	return result;
}

static void assert_came_back(struct exported *e, const struct ponto_identity *back)
{
	struct ponto_identity_detail detail;

	assert_string_equal(back->id, e->me.id);
	assert_string_equal(back->name, e->me.name);
	assert_memory_equal(back->public_key, e->me.public_key, e->me.public_key_len);
	assert_ok(ponto_identity_detail(e->f->security, ALICE, e->me.id, &detail));
	assert_string_equal(detail.classifier, "Gr\xc3\xb6\xc3\x9f"
					       "e & <co>");
	assert_ok(ponto_identity_remove(e->f->security, ALICE, e->me.id));
}

/* A damaged text must be refused and change nothing. */
static void refuse(struct exported *e, const char *text, size_t len, const char *what, size_t at)
{
	struct ponto_identity out, untouched;
	int result;

	memset(&out, 0x55, sizeof(out));
	untouched = out;
	result = import(e, text, len, PASSWORD, &out);
	if (result != PONTO_EPROTO && result != PONTO_EAUTH)
		fail_msg("%s at %zu: %d, %.*s", what, at, result, 60, text + (at > 30 ? at - 30 : 0));
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_int_equal(security_list(e->f, ALICE, NULL, 0), 0);
}

static void whole(void **state)
{
	struct exported *e = *state;
	struct ponto_identity back;

	assert_int_equal(import(e, e->text, e->len, "secret", &back), PONTO_EAUTH);
	assert_int_equal(import(e, e->text, e->len, "", &back), PONTO_EINVAL);
	assert_ok(import(e, e->text, e->len, PASSWORD, &back));
	assert_int_equal(import(e, e->text, e->len, PASSWORD, &back), PONTO_EEXIST);
	assert_came_back(e, &back);
}

static void every_character_replaced(void **state)
{
	static const char others[] = "!A0/=<&\" .\x01\xc3";
	struct exported *e = *state;
	char text[ROOM];

	for (size_t i = 0; i < e->len; i++)
		for (const char *other = others; *other; other++) {
			if (*other == e->text[i])
				continue;
			memcpy(text, e->text, e->len);
			text[i] = *other;
			refuse(e, text, e->len, "replaced", i);
		}
}

static void every_bit_flipped(void **state)
{
	struct exported *e = *state;
	char text[ROOM];

	for (size_t i = 0; i < e->len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(text, e->text, e->len);
			text[i] = (char)(text[i] ^ (1 << bit));
			refuse(e, text, e->len, "flipped", i);
		}
}

static void every_character_lost(void **state)
{
	struct exported *e = *state;
	char text[ROOM];

	for (size_t i = 0; i < e->len; i++) {
		memcpy(text, e->text, i);
		memcpy(text + i, e->text + i + 1, e->len - i - 1);
		refuse(e, text, e->len - 1, "lost", i);
	}
	for (size_t len = 0; len < e->len; len++)
		refuse(e, e->text, len, "cut", len);
}

static void every_character_doubled(void **state)
{
	struct exported *e = *state;
	struct ponto_identity back;
	char text[ROOM];

	for (size_t i = 0; i < e->len; i++) {
		memcpy(text, e->text, i + 1);
		memcpy(text + i + 1, e->text + i, e->len - i);
		if (e->text[i] != ' ' || import(e, text, e->len + 1, PASSWORD, &back) != PONTO_OK)
			refuse(e, text, e->len + 1, "doubled", i);
		else
			assert_came_back(e, &back); /* white space between attributes says nothing */
	}
}

/* Mail breaks lines: white space in base64 says nothing. */
static void lines_broken(void **state)
{
	struct exported *e = *state;
	struct ponto_identity back;
	char text[ROOM];
	size_t n = 0;

	for (size_t i = 0; i < e->len; i++) {
		if (i >= e->data && i <= e->data_end && (i - e->data) % 64 == 0)
			text[n++] = '\n';
		text[n++] = e->text[i];
	}
	assert_ok(import(e, text, n, PASSWORD, &back));
	assert_came_back(e, &back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(every_character_replaced),
		cmocka_unit_test(every_bit_flipped),
		cmocka_unit_test(every_character_lost),
		cmocka_unit_test(every_character_doubled),
		cmocka_unit_test(lines_broken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("identities in XML", tests, setup, teardown);
}
