/* What a certificate chain proves: the rules of [MS-PNRP] 2.2.3.5.1 and 3.1.5.10, on certificates already read. */
#include "engines/pnrp/pnrp_chain.h"
#include "tests/support/test.h"

#include <stdio.h>

#define DAY 86400
#define NOW (UINT64_C(20000) * DAY)
#define WORDS 8

/* A list of classifiers as UTF-16; NULL ends it. */
struct words {
	struct pnrp_units list[WORDS];
	uint16_t units[WORDS][200];
	size_t count;
};

static struct pnrp_units to_units(const char *text, uint16_t *room, size_t max)
{
	struct pnrp_units out = {room, 0};

	assert_ok(pnrp_units_of(text, room, max, &out.count));
	return out;
}

static void set_words(struct words *w, const char *const *texts)
{
	for (w->count = 0; texts[w->count]; w->count++)
		w->list[w->count] = to_units(texts[w->count], w->units[w->count], 200);
}

/* A chain of real grants, which tests then spoil. */
struct chain {
	struct pnrp_certificate certificates[PNRP_CERTIFICATES_MAX + 1], *made[PNRP_CERTIFICATES_MAX + 1];
	uint8_t keys[PNRP_CERTIFICATES_MAX + 1][PNRP_KEY_MAX];
	size_t count;
};

static void make_key(size_t n, uint8_t key[PNRP_KEY_MAX])
{
	for (size_t i = 0; i < PNRP_KEY_MAX; i++)
		key[i] = (uint8_t)(i * 3 + n);
}

static int grant(struct chain *chain, unsigned roles, const char *const *classifiers)
{
	uint8_t *key = chain->keys[chain->count];
	struct pnrp_grant g = {.chain = chain->certificates,
			       .chain_count = chain->count,
			       .name = "delegate",
			       .public_key = ponto_bytes(key, PNRP_KEY_MAX),
			       .roles = roles,
			       .classifiers = classifiers,
			       .not_before = NOW - DAY,
			       .not_after = NOW + DAY};
	int result;

	make_key(chain->count, key);
	while (classifiers && classifiers[g.classifier_count])
		g.classifier_count++;
	result = pnrp_grant_make(&pnrp_windows, &g, &ponto_alloc_system, &chain->made[chain->count]);
	if (result == PONTO_OK) {
		chain->certificates[chain->count] = *chain->made[chain->count];
		chain->count++;
	}
	return result;
}

static void drop(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		ponto_free(&ponto_alloc_system, chain->made[i]);
	chain->count = 0;
}

/* Root, admin of "fish" and "fish food", member of the latter. */
static void make_three(struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	assert_ok(grant(chain, 0, NULL));
	assert_ok(grant(chain, PNRP_ROLE_ADMIN, (const char *const[]){"fish", "fish food", NULL}));
	assert_ok(grant(chain, PNRP_ROLE_MEMBER, (const char *const[]){"fish food", NULL}));
	assert_ok(pnrp_chain_check(chain->certificates, 3));
}

static void assert_refused(const struct chain *chain, int result)
{
	assert_int_equal(pnrp_chain_check(chain->certificates, chain->count), result);
}

/* ---- the table of 2.2.3.5.1.5.1 ----------------------------------------------------- */

/* Whether a list may follow from another. */
static bool list_follows(const char *const *from, unsigned roles, const char *const *to)
{
	static struct words parent_words, child_words;
	struct pnrp_certificate parent = {.type = PNRP_CERTIFICATE_MEMBER, .roles = PNRP_ROLE_ADMIN, .has_roles = true};
	struct pnrp_certificate child = {.type = PNRP_CERTIFICATE_MEMBER, .roles = roles, .has_roles = true};

	set_words(&parent_words, from);
	set_words(&child_words, to);
	parent.classifiers = parent_words.list;
	parent.classifier_count = parent_words.count;
	child.classifiers = child_words.list;
	child.classifier_count = child_words.count;
	parent.has_subject_alt[0] = child.has_issuer_alt[0] = true;
	return pnrp_chain_link(&parent, &child) == PONTO_OK;
}

static bool word_follows(const char *const *from, unsigned roles, const char *to)
{
	bool follows = list_follows(from, roles, (const char *const[]){to, NULL});
	static struct words parent_words;
	struct pnrp_certificate parent = {0};
	uint16_t room[200];

	/* one rule for certificates and for the name at the end */
	set_words(&parent_words, from);
	parent.classifiers = parent_words.list;
	parent.classifier_count = parent_words.count;
	assert_int_equal(pnrp_classifier_legal(&parent, roles, to_units(to, room, 200)), follows);
	return follows;
}

static const char *const none[] = {NULL};
static const char *const fish_and_all[] = {"", "fish", NULL};
static const char *const fish_and_cheese[] = {"fish", "cheese", NULL};
static const unsigned prefix_roles[] = {PNRP_ROLE_ADMIN, PNRP_ROLE_INVITING, PNRP_ROLE_ADMIN | PNRP_ROLE_MEMBER};

static void an_unrestricted_delegator_allows_everything(void **state)
{
	static const unsigned all[] = {PNRP_ROLE_ADMIN, PNRP_ROLE_INVITING, PNRP_ROLE_MEMBER};

	(void)state;
	PONTO_PROVES("PNRP-251", "PNRP-254");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(all); i++) {
		assert_true(word_follows(none, all[i], "fish"));
		assert_true(word_follows(none, all[i], ""));
		assert_true(list_follows(none, all[i], none));
		assert_true(list_follows(none, all[i], fish_and_cheese));
	}
}

static void admins_go_by_prefixes(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-245", "PNRP-247", "PNRP-255");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(prefix_roles); i++) {
		assert_true(word_follows(fish_and_cheese, prefix_roles[i], "fish"));
		assert_true(word_follows(fish_and_cheese, prefix_roles[i], "fish food"));
		assert_true(word_follows(fish_and_cheese, prefix_roles[i], "cheese"));
		assert_true(word_follows(fish_and_cheese, prefix_roles[i], "cheese-like"));
		assert_false(word_follows(fish_and_cheese, prefix_roles[i], "ham"));
		assert_false(word_follows(fish_and_cheese, prefix_roles[i], ""));
		assert_false(word_follows(fish_and_cheese, prefix_roles[i], "fis"));
		assert_false(word_follows(fish_and_cheese, prefix_roles[i], "Fish"));
		assert_false(word_follows(fish_and_cheese, prefix_roles[i], "a fish"));
		assert_true(word_follows(fish_and_all, prefix_roles[i], "ham"));
		assert_true(word_follows(fish_and_all, prefix_roles[i], ""));
	}
}

static void members_go_by_whole_words(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-246", "PNRP-256");
	assert_true(word_follows(fish_and_cheese, PNRP_ROLE_MEMBER, "fish"));
	assert_true(word_follows(fish_and_cheese, PNRP_ROLE_MEMBER, "cheese"));
	assert_false(word_follows(fish_and_cheese, PNRP_ROLE_MEMBER, "fish food"));
	assert_false(word_follows(fish_and_cheese, PNRP_ROLE_MEMBER, "cheese-like"));
	assert_false(word_follows(fish_and_cheese, PNRP_ROLE_MEMBER, "fis"));
	assert_true(word_follows(fish_and_all, PNRP_ROLE_MEMBER, "fish"));
	assert_true(word_follows(fish_and_all, PNRP_ROLE_MEMBER, ""));
	assert_false(word_follows(fish_and_all, PNRP_ROLE_MEMBER, "fish food"));
}

static void everything_is_handed_on_only_by_who_has_everything(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-252");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(prefix_roles); i++) {
		assert_true(list_follows(fish_and_all, prefix_roles[i], none));
		assert_false(list_follows(fish_and_cheese, prefix_roles[i], none));
	}
	assert_false(list_follows(fish_and_all, PNRP_ROLE_MEMBER, none));
	assert_false(list_follows(fish_and_cheese, PNRP_ROLE_MEMBER, none));
	assert_true(list_follows(none, PNRP_ROLE_MEMBER, none));
}

static void every_word_of_a_list_counts(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-253", "PNRP-433");
	assert_true(list_follows(fish_and_cheese, PNRP_ROLE_ADMIN, (const char *const[]){"fish", "fish food", NULL}));
	assert_false(list_follows(fish_and_cheese, PNRP_ROLE_ADMIN, (const char *const[]){"fish", "ham", NULL}));
	assert_false(list_follows(fish_and_cheese, PNRP_ROLE_ADMIN, (const char *const[]){"ham", "fish", NULL}));
	assert_true(list_follows(fish_and_cheese, PNRP_ROLE_MEMBER, (const char *const[]){"cheese", "fish", NULL}));
	assert_false(list_follows(fish_and_cheese, PNRP_ROLE_MEMBER, (const char *const[]){"fish", "fish food", NULL}));
}

/* ---- one certificate wrong ------------------------------------------------------------- */

static void the_first_and_only_the_first_is_the_root(void **state)
{
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-235", "PNRP-236", "PNRP-237", "PNRP-435");
	make_three(&chain);
	for (size_t i = 0; i < 3; i++) {
		static const uint32_t types[] = {0, 1, 2, 3, 0x02000000};

		for (size_t t = 0; t < PONTO_ARRAY_SIZE(types); t++) {
			uint32_t right = chain.certificates[i].type;

			chain.certificates[i].type = types[t];
			assert_refused(&chain, types[t] == right ? PONTO_OK : PONTO_EPROTO);
			chain.certificates[i].type = right;
		}
	}
	drop(&chain);
}

static void all_but_the_first_have_roles_and_lists(void **state)
{
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-243", "PNRP-248");
	make_three(&chain);
	assert_false(chain.certificates[0].has_roles || chain.certificates[0].has_classifiers);
	for (size_t i = 1; i < 3; i++) {
		chain.certificates[i].has_roles = false;
		assert_refused(&chain, PONTO_EPROTO);
		chain.certificates[i].has_roles = true;
		chain.certificates[i].has_classifiers = false;
		assert_refused(&chain, PONTO_EPROTO);
		chain.certificates[i].has_classifiers = true;
		assert_refused(&chain, PONTO_OK);
	}
	drop(&chain);
}

static void first_and_last_name_the_same_peer(void **state)
{
	uint16_t room[200];
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-239", "PNRP-438");
	make_three(&chain);
	chain.certificates[1].has_peer_name = false; /* not needed there */
	assert_refused(&chain, PONTO_OK);
	for (size_t i = 0; i < 3; i += 2) {
		struct pnrp_units right = chain.certificates[i].peer_name;

		chain.certificates[i].has_peer_name = false;
		assert_refused(&chain, PONTO_EPROTO);
		chain.certificates[i].has_peer_name = true;
		chain.certificates[i].peer_name = to_units("0.other", room, 200);
		assert_refused(&chain, PONTO_EAUTH);
		chain.certificates[i].peer_name = right;
	}
	drop(&chain);
}

static void peer_names_obey_their_grammar(void **state)
{
	static const char *const bad[] = {"", "notaname", "0", "1.x", "abc.x", "0123456789ABCDEF0123456789abcdef01234567.x"};
	struct chain chain;
	uint16_t room[200];

	(void)state;
	PONTO_PROVES("PNRP-242");
	make_three(&chain);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		chain.certificates[0].peer_name = chain.certificates[2].peer_name = to_units(bad[i], room, 200);
		assert_refused(&chain, PONTO_EPROTO);
	}
	chain.certificates[0].peer_name = chain.certificates[2].peer_name = to_units("0.group", room, 200);
	assert_refused(&chain, PONTO_OK);
	drop(&chain);
}

static void classifiers_obey_their_grammar(void **state)
{
	uint16_t room[PNRP_CLASSIFIER_TEXT];
	struct pnrp_units word = {room, 0};
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-432");
	memset(&chain, 0, sizeof(chain));
	assert_ok(grant(&chain, 0, NULL));
	assert_ok(grant(&chain, PNRP_ROLE_ADMIN, none));
	chain.certificates[1].classifiers = &word;
	chain.certificates[1].classifier_count = 1;
	for (size_t n = 0; n < PNRP_CLASSIFIER_TEXT; n++)
		room[n] = 'x';
	word.count = PNRP_CLASSIFIER_MAX;
	assert_refused(&chain, PONTO_OK);
	word.count++;
	assert_refused(&chain, PONTO_EPROTO);
	word.count = 5;
	room[2] = 0;
	assert_refused(&chain, PONTO_EPROTO);
	room[2] = 0xd800; /* any other unit will do */
	assert_refused(&chain, PONTO_OK);
	word.count = 0;
	assert_refused(&chain, PONTO_OK);
	drop(&chain);
}

static void alternative_names_link_the_certificates(void **state)
{
	uint16_t room[200];
	struct chain chain;
	struct pnrp_certificate *c = chain.certificates;

	(void)state;
	PONTO_PROVES("PNRP-430");
	make_three(&chain);
	for (size_t i = 1; i < 3; i++) {
		struct pnrp_units right = c[i].issuer_alt[0];

		c[i].issuer_alt[0] = to_units("someone else", room, 200);
		assert_refused(&chain, PONTO_EAUTH);
		c[i].issuer_alt[0] = right;
		c[i].has_issuer_alt[0] = false;
		assert_refused(&chain, PONTO_EAUTH);
		c[i].has_issuer_alt[0] = true;
		c[i - 1].has_subject_alt[0] = false;
		assert_refused(&chain, PONTO_EAUTH);
		/* the old extensions will do, but not one of each */
		c[i].has_issuer_alt[1] = true;
		c[i].issuer_alt[1] = c[i].issuer_alt[0];
		assert_refused(&chain, PONTO_EAUTH);
		c[i - 1].has_subject_alt[1] = true;
		c[i - 1].subject_alt[1] = c[i - 1].subject_alt[0];
		assert_refused(&chain, PONTO_OK);
		c[i - 1].has_subject_alt[0] = true;
		c[i].issuer_alt[1] = to_units("someone else", room, 200); /* both are there: both count */
		assert_refused(&chain, PONTO_EAUTH);
		c[i].has_issuer_alt[1] = c[i - 1].has_subject_alt[1] = false;
		assert_refused(&chain, PONTO_OK);
	}
	drop(&chain);
}

/* T42: or an exact "fish" could be made into everything that begins with "fish". */
static void members_do_not_make_admins(void **state)
{
	struct chain chain;

	(void)state;
	memset(&chain, 0, sizeof(chain));
	assert_ok(grant(&chain, 0, NULL));
	assert_ok(grant(&chain, PNRP_ROLE_MEMBER, (const char *const[]){"fish", NULL}));
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, (const char *const[]){"fish", NULL}), PONTO_EAUTH);
	assert_ok(grant(&chain, PNRP_ROLE_MEMBER, (const char *const[]){"fish", NULL}));
	assert_refused(&chain, PONTO_OK);
	chain.certificates[2].roles = PNRP_ROLE_INVITING;
	assert_refused(&chain, PONTO_EAUTH);
	drop(&chain);
}

/* ---- the chain and the name -------------------------------------------------------------- */

static void every_certificate_must_be_valid_now(void **state)
{
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-431");
	make_three(&chain);
	assert_ok(pnrp_chain_timely(chain.certificates, 3, NOW));
	assert_ok(pnrp_chain_timely(chain.certificates, 3, NOW - DAY));
	assert_ok(pnrp_chain_timely(chain.certificates, 3, NOW + DAY));
	for (size_t i = 0; i < 3; i++) {
		chain.certificates[i].not_after = NOW - 1;
		assert_int_equal(pnrp_chain_timely(chain.certificates, 3, NOW), PONTO_EAUTH);
		chain.certificates[i].not_after = NOW;
		chain.certificates[i].not_before = NOW + 1;
		assert_int_equal(pnrp_chain_timely(chain.certificates, 3, NOW), PONTO_EAUTH);
		chain.certificates[i].not_before = NOW;
		assert_ok(pnrp_chain_timely(chain.certificates, 3, NOW));
	}
	drop(&chain);
}

static void at_most_twenty_five(void **state)
{
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-223");
	memset(&chain, 0, sizeof(chain));
	assert_refused(&chain, PONTO_EPROTO);
	assert_ok(grant(&chain, 0, NULL));
	for (size_t i = 1; i < 25; i++)
		assert_ok(grant(&chain, PNRP_ROLE_ADMIN, none));
	assert_refused(&chain, PONTO_OK);
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, none), PONTO_ELIMIT);
	chain.certificates[25] = chain.certificates[24];
	chain.certificates[25].issuer_alt[0] = chain.certificates[24].subject_alt[0];
	assert_int_equal(pnrp_chain_check(chain.certificates, 26), PONTO_EPROTO);
	drop(&chain);
}

static int allows(const struct chain *chain, size_t root, size_t leaf, const char *classifier)
{
	uint8_t authority[PNRP_HASH_SIZE];
	uint16_t room[200];

	pnrp_key_authority(&pnrp_windows, ponto_bytes(chain->keys[root], PNRP_KEY_MAX), authority);
	return pnrp_chain_allows(&pnrp_windows, chain->certificates, chain->count, authority,
				 ponto_bytes(chain->keys[leaf], PNRP_KEY_MAX), to_units(classifier, room, 200));
}

static void the_chain_leads_from_the_authority_to_the_key(void **state)
{
	struct chain chain;
	uint8_t other[PNRP_HASH_SIZE];
	uint16_t room[200];

	(void)state;
	PONTO_PROVES("PNRP-107", "PNRP-429", "PNRP-436", "PNRP-437");
	make_three(&chain);
	make_key(9, chain.keys[9]);
	assert_ok(allows(&chain, 0, 2, "fish food"));
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(allows(&chain, i, 2, "fish food"), PONTO_EAUTH);
	assert_int_equal(allows(&chain, 9, 2, "fish food"), PONTO_EAUTH);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(allows(&chain, 0, i, "fish food"), PONTO_EAUTH);
	assert_int_equal(allows(&chain, 0, 9, "fish food"), PONTO_EAUTH);
	/* T1: the other reading of authority */
	struct ponto_bytes parts[2] = {ponto_bytes(pnrp_windows.spki_prefix, pnrp_windows.spki_prefix_len),
				       chain.certificates[0].public_key};
	pnrp_hash(&pnrp_windows, parts, 2, other);
	assert_ok(pnrp_chain_allows(&pnrp_windows, chain.certificates, 3, other, chain.certificates[2].public_key,
				    to_units("fish food", room, 200)));
	drop(&chain);
}

static void the_last_list_says_which_classifiers(void **state)
{
	struct chain chain;

	(void)state;
	PONTO_PROVES("PNRP-439");
	make_three(&chain);
	assert_ok(allows(&chain, 0, 2, "fish food"));
	assert_int_equal(allows(&chain, 0, 2, "fish"), PONTO_EAUTH);
	assert_int_equal(allows(&chain, 0, 2, "fish food!"), PONTO_EAUTH);
	assert_int_equal(allows(&chain, 0, 2, ""), PONTO_EAUTH);
	drop(&chain);
	memset(&chain, 0, sizeof(chain));
	assert_ok(grant(&chain, 0, NULL));
	assert_ok(allows(&chain, 0, 0, "anything")); /* a root that signs for itself */
	assert_ok(grant(&chain, PNRP_ROLE_INVITING, fish_and_cheese));
	assert_ok(allows(&chain, 0, 1, "cheese cake"));
	assert_int_equal(allows(&chain, 0, 1, "cake"), PONTO_EAUTH);
	drop(&chain);
}

/* ---- roles and grants ------------------------------------------------------------------------ */

static void roles_in_every_spelling(void **state)
{
	static const struct {
		const char *text;
		unsigned role;
	} uuids[] = {
		{"04387127aa56450a8ce54f565c6790f4", PNRP_ROLE_ADMIN},
		{"27713804" "56aa" "0a45" "8ce54f565c6790f4", PNRP_ROLE_ADMIN},
		{"f12dc4c708574ca093fcb1bb19a3d8c2", PNRP_ROLE_MEMBER},
		{"c7c42df1" "5708" "a04c" "93fcb1bb19a3d8c2", PNRP_ROLE_MEMBER},
		{"dd15f41ffc4e4922b0354c06a754d01d", PNRP_ROLE_INVITING},
		{"1ff415dd" "4efc" "2249" "b0354c06a754d01d", PNRP_ROLE_INVITING},
		{"4370fd89dc184cfb8dbf9853a8a9f905", PNRP_ROLE_INVITING},
		{"04387127aa56450a8ce54f565c6790f5", 0},
		{"00000000000000000000000000000000", 0},
	};
	uint8_t uuid[16];

	(void)state;
	PONTO_PROVES("PNRP-244");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(uuids); i++) {
		assert_ok(ponto_unhex(uuids[i].text, uuid, sizeof(uuid)));
		assert_int_equal(pnrp_role_of(uuid), uuids[i].role);
	}
	assert_ok(ponto_unhex(uuids[0].text, uuid, sizeof(uuid)));
	assert_memory_equal(pnrp_role_uuid(PNRP_ROLE_ADMIN), uuid, 16);
	assert_ok(ponto_unhex(uuids[2].text, uuid, sizeof(uuid)));
	assert_memory_equal(pnrp_role_uuid(PNRP_ROLE_MEMBER), uuid, 16);
	assert_ok(ponto_unhex(uuids[4].text, uuid, sizeof(uuid)));
	assert_memory_equal(pnrp_role_uuid(PNRP_ROLE_INVITING), uuid, 16);
}

static void nonsense_is_not_granted(void **state)
{
	static const char *const ham[] = {"ham", NULL}, *const long_word[] = {NULL, NULL}, *const bad[] = {"\xff", NULL};
	const char *longest[2] = {long_word[0], NULL};
	char text[152];
	struct chain chain;

	(void)state;
	memset(&chain, 0, sizeof(chain));
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, NULL), PONTO_EINVAL); /* a root has no role */
	assert_ok(grant(&chain, 0, NULL));
	assert_int_equal(grant(&chain, 0, NULL), PONTO_EINVAL);
	assert_int_equal(grant(&chain, 8, NULL), PONTO_EINVAL);
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, bad), PONTO_EINVAL);
	memset(text, 'x', sizeof(text));
	text[150] = 0;
	longest[0] = text;
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, longest), PONTO_EINVAL);
	text[149] = 0;
	assert_ok(grant(&chain, PNRP_ROLE_ADMIN, longest));
	assert_int_equal(grant(&chain, PNRP_ROLE_ADMIN, ham), PONTO_EAUTH);
	assert_int_equal(chain.count, 2);
	drop(&chain);
}

static int grant_with(const struct ponto_alloc *alloc, void *arg)
{
	static const char *const words[] = {"fish", "cheese"};
	uint8_t key[PNRP_KEY_MAX] = {1};
	struct pnrp_grant g = {.chain = arg,
			       .chain_count = 1,
			       .name = "x",
			       .public_key = ponto_bytes(key, sizeof(key)),
			       .roles = PNRP_ROLE_ADMIN,
			       .classifiers = words,
			       .classifier_count = 2,
			       .not_after = 1};
	struct pnrp_certificate *made;
	int result = pnrp_grant_make(&pnrp_windows, &g, alloc, &made);

	if (result == PONTO_OK)
		ponto_free(alloc, made);
	return result;
}

static void a_grant_survives_refused_memory(void **state)
{
	struct chain chain;

	(void)state;
	memset(&chain, 0, sizeof(chain));
	assert_ok(grant(&chain, 0, NULL));
	ponto_test_oom(grant_with, chain.certificates, false);
	drop(&chain);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_unrestricted_delegator_allows_everything),
	cmocka_unit_test(admins_go_by_prefixes),
	cmocka_unit_test(members_go_by_whole_words),
	cmocka_unit_test(everything_is_handed_on_only_by_who_has_everything),
	cmocka_unit_test(every_word_of_a_list_counts),
	cmocka_unit_test(the_first_and_only_the_first_is_the_root),
	cmocka_unit_test(all_but_the_first_have_roles_and_lists),
	cmocka_unit_test(first_and_last_name_the_same_peer),
	cmocka_unit_test(peer_names_obey_their_grammar),
	cmocka_unit_test(classifiers_obey_their_grammar),
	cmocka_unit_test(alternative_names_link_the_certificates),
	cmocka_unit_test(members_do_not_make_admins),
	cmocka_unit_test(every_certificate_must_be_valid_now),
	cmocka_unit_test(at_most_twenty_five),
	cmocka_unit_test(the_chain_leads_from_the_authority_to_the_key),
	cmocka_unit_test(the_last_list_says_which_classifiers),
	cmocka_unit_test(roles_in_every_spelling),
	cmocka_unit_test(nonsense_is_not_granted),
	cmocka_unit_test(a_grant_survives_refused_memory),
};

PONTO_TEST_MAIN(tests)
