/* Certificate chains: one identity lets another use its peer names. [MS-PNRP] 2.2.3.5, 3.1.5.10. */
#include "tests/conform/security_case.h"

#include <stdio.h>

#define YEAR (UINT64_C(365) * 24 * 3600 * PONTO_SECOND)

/* Two identities and what the first has granted to the second. */
struct grant {
	struct security_fixture *f;
	struct ponto_identity root, leaf;
	uint8_t *chain; /* with the fixture's allocator */
	size_t len;
};

static bool has_chains(const struct ponto_plugin *plugin)
{
	const struct ponto_security_ops *ops = (const struct ponto_security_ops *)plugin->vtable;

	return PONTO_HAS(ops, chain_issue) && PONTO_HAS(ops, chain_read) && PONTO_HAS(ops, chain_verify) &&
	       PONTO_HAS(ops, chain_add) && PONTO_HAS(ops, chain_list) && PONTO_HAS(ops, chain_get) &&
	       PONTO_HAS(ops, chain_remove);
}

static struct ponto_delegation delegation(struct security_fixture *f, const struct ponto_identity *to, uint32_t roles,
					  const char *const *classifiers)
{
	struct ponto_delegation d = {.public_key = security_key_of(to),
				     .name = to->name,
				     .roles = roles,
				     .classifiers = classifiers,
				     .not_before = f->clock.wall - PONTO_SECOND,
				     .not_after = f->clock.wall + YEAR};

	while (classifiers && classifiers[d.classifier_count])
		d.classifier_count++;
	return d;
}

static int issue(struct grant *g, const struct ponto_identity *from, const struct ponto_identity *to, uint32_t roles,
		 const char *const *classifiers)
{
	struct ponto_delegation d = delegation(g->f, to, roles, classifiers);
	uint8_t *data;
	size_t len;
	int result = ponto_chain_issue(g->f->security, from->owner, from->id, ponto_bytes(g->chain, g->len), &d,
				       false, &g->f->alloc, &data, &len);

	if (result)
		return result;
	ponto_free(&g->f->alloc, g->chain);
	g->chain = data;
	g->len = len;
	return PONTO_OK;
}

/* Alice's root lets Bob's leaf use these classifiers; or skips. */
static struct grant make_grant(struct security_fixture *f, uint32_t roles, const char *const *classifiers)
{
	struct grant g = {.f = f};

	if (!has_chains(f->plugin)) {
		security_fixture_free(f);
		skip();
	}
	g.root = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "root");
	g.leaf = security_identity_of(f, BOB, PONTO_PROFILE_WINDOWS, "leaf");
	assert_ok(issue(&g, &g.root, &g.leaf, roles, classifiers));
	return g;
}

static void end_grant(struct grant *g)
{
	ponto_free(&g->f->alloc, g->chain);
	security_fixture_free(g->f);
}

/* Whether the holder of key may use root's classifier. */
static int verify(const struct grant *g, const struct ponto_identity *root, const struct ponto_identity *key,
		  const char *classifier)
{
	struct ponto_chain_use use = {.public_key = security_key_of(key)};
	uint8_t wide[300];

	memcpy(use.authority, root->authority, sizeof(use.authority));
	for (size_t i = 0; classifier[i]; i++) {
		wide[2 * i] = 0;
		wide[2 * i + 1] = (uint8_t)classifier[i];
	}
	use.classifier = ponto_bytes(wide, 2 * strlen(classifier));
	return ponto_chain_verify(g->f->security, root->profile, ponto_bytes(g->chain, g->len), &use);
}

static const char *const fish[] = {"fish", NULL};

static void a_chain_grants_what_it_says(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_MEMBER, fish);
	struct ponto_identity other = security_identity_of(g.f, BOB, PONTO_PROFILE_WINDOWS, "other");

	assert_ok(verify(&g, &g.root, &g.leaf, "fish"));
	assert_int_equal(verify(&g, &g.root, &g.leaf, "fish food"), PONTO_EAUTH);
	assert_int_equal(verify(&g, &g.root, &g.leaf, ""), PONTO_EAUTH);
	assert_int_equal(verify(&g, &g.root, &other, "fish"), PONTO_EAUTH);
	assert_int_equal(verify(&g, &g.root, &g.root, "fish"), PONTO_EAUTH);
	assert_int_equal(verify(&g, &g.leaf, &g.leaf, "fish"), PONTO_EAUTH);
	assert_int_equal(verify(&g, &other, &g.leaf, "fish"), PONTO_EAUTH);
	end_grant(&g);
	g = make_grant(security_make(state), PONTO_ROLE_INVITING, fish);
	assert_ok(verify(&g, &g.root, &g.leaf, "fish food"));
	assert_int_equal(verify(&g, &g.root, &g.leaf, "food"), PONTO_EAUTH);
	end_grant(&g);
	g = make_grant(security_make(state), PONTO_ROLE_MEMBER, NULL);
	assert_ok(verify(&g, &g.root, &g.leaf, "anything"));
	assert_ok(verify(&g, &g.root, &g.leaf, ""));
	end_grant(&g);
}

static void a_chain_has_its_time(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_MEMBER, NULL);
	uint64_t now = g.f->clock.wall;
	struct ponto_chain chain;

	g.f->clock.wall = now + YEAR;
	assert_ok(verify(&g, &g.root, &g.leaf, "x"));
	g.f->clock.wall = now + YEAR + PONTO_SECOND;
	assert_int_equal(verify(&g, &g.root, &g.leaf, "x"), PONTO_EAUTH);
	assert_ok(ponto_chain_read(g.f->security, ponto_bytes(g.chain, g.len), NULL, NULL, &chain)); /* it can be read */
	g.f->clock.wall = now - 2 * PONTO_SECOND;
	assert_int_equal(verify(&g, &g.root, &g.leaf, "x"), PONTO_EAUTH);
	end_grant(&g);
}

struct told {
	size_t count;
	struct ponto_certificate last;
	char classifiers[64];
	uint32_t roles[PONTO_CHAIN_CERTIFICATES];
};

static bool take_certificate(void *arg, const struct ponto_certificate *c)
{
	struct told *told = arg;

	told->roles[told->count++] = c->roles;
	told->last = *c;
	told->classifiers[0] = 0;
	for (size_t i = 0; i < c->classifier_count; i++) {
		strcat(told->classifiers, c->classifiers[i]);
		strcat(told->classifiers, ";");
	}
	return true;
}

static bool stop_at_once(void *arg, const struct ponto_certificate *c)
{
	(void)c;
	++*(int *)arg;
	return false;
}

static void a_chain_can_be_read(void **state)
{
	static const char *const words[] = {"fish", "caf\xc3\xa9", "\xf0\x9f\x90\x9f", NULL};
	struct grant g = make_grant(security_make(state), PONTO_ROLE_ADMIN | PONTO_ROLE_MEMBER, words);
	struct told told = {.count = 0};
	struct ponto_chain chain;
	int calls = 0;

	assert_ok(ponto_chain_read(g.f->security, ponto_bytes(g.chain, g.len), take_certificate, &told, &chain));
	assert_int_equal(told.count, 2);
	assert_int_equal(told.roles[0], 0);
	assert_int_equal(told.roles[1], PONTO_ROLE_ADMIN | PONTO_ROLE_MEMBER);
	assert_string_equal(told.last.id, g.leaf.id);
	assert_string_equal(told.last.name, "leaf");
	assert_string_equal(told.classifiers, "fish;caf\xc3\xa9;\xf0\x9f\x90\x9f;");
	assert_int_equal(told.last.not_after, (g.f->clock.wall + YEAR) / PONTO_SECOND * PONTO_SECOND);
	assert_string_equal(chain.root, g.root.id);
	assert_string_equal(chain.leaf, g.leaf.id);
	assert_true(ponto_identity_id_valid(chain.id));
	assert_int_equal(chain.certificates, 2);
	assert_int_equal(chain.profile, PONTO_PROFILE_WINDOWS);
	assert_int_equal(chain.size, g.len);
	assert_int_equal(chain.not_after, told.last.not_after);
	assert_ok(ponto_chain_read(g.f->security, ponto_bytes(g.chain, g.len), stop_at_once, &calls, &chain));
	assert_int_equal(calls, 1);
	end_grant(&g);
}

static void twenty_five_are_enough(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_ADMIN, fish);
	struct ponto_identity last = g.leaf, next;
	struct ponto_chain chain;

	for (unsigned i = 3; i <= PONTO_CHAIN_CERTIFICATES; i++) {
		next = security_identity_of(g.f, BOB, PONTO_PROFILE_WINDOWS, "one of many");
		assert_ok(issue(&g, &last, &next, PONTO_ROLE_ADMIN, fish));
		last = next;
	}
	assert_ok(verify(&g, &g.root, &last, "fish food"));
	assert_int_equal(verify(&g, &g.root, &g.leaf, "fish food"), PONTO_EAUTH);
	assert_ok(ponto_chain_read(g.f->security, ponto_bytes(g.chain, g.len), NULL, NULL, &chain));
	assert_int_equal(chain.certificates, PONTO_CHAIN_CERTIFICATES);
	assert_in_range(chain.size, 24000, 28000); /* what X.509 needs, and what a simulation must weigh */
	next = security_identity_of(g.f, BOB, PONTO_PROFILE_WINDOWS, "one too many");
	assert_int_equal(issue(&g, &last, &next, PONTO_ROLE_ADMIN, fish), PONTO_ELIMIT);
	assert_ok(verify(&g, &g.root, &last, "fish food"));
	end_grant(&g);
}

static void nobody_grants_more_than_they_have(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_ADMIN, fish);
	struct ponto_identity next = security_identity_of(g.f, BOB, PONTO_PROFILE_WINDOWS, "next");
	static const char *const food[] = {"fish food", NULL}, *const ham[] = {"ham", NULL};

	assert_int_equal(issue(&g, &g.leaf, &next, PONTO_ROLE_ADMIN, ham), PONTO_EAUTH);
	assert_int_equal(issue(&g, &g.leaf, &next, PONTO_ROLE_ADMIN, NULL), PONTO_EAUTH);
	assert_int_equal(issue(&g, &g.leaf, &next, PONTO_ROLE_MEMBER, food), PONTO_EAUTH);
	assert_int_equal(issue(&g, &g.root, &next, PONTO_ROLE_ADMIN, fish), PONTO_EAUTH); /* the chain is the leaf's */
	assert_ok(issue(&g, &g.leaf, &next, PONTO_ROLE_ADMIN, food));
	assert_ok(verify(&g, &g.root, &next, "fish food"));
	assert_int_equal(verify(&g, &g.root, &next, "fish"), PONTO_EAUTH);
	/* nor for longer */
	g.f->clock.wall += YEAR + 3 * PONTO_SECOND;
	assert_int_equal(issue(&g, &next, &g.leaf, PONTO_ROLE_ADMIN, food), PONTO_EAUTH);
	g.f->clock.wall -= YEAR / 2;
	assert_ok(issue(&g, &next, &g.leaf, PONTO_ROLE_ADMIN, food));
	assert_ok(verify(&g, &g.root, &g.leaf, "fish food"));
	g.f->clock.wall += YEAR / 2;
	assert_int_equal(verify(&g, &g.root, &g.leaf, "fish food"), PONTO_EAUTH);
	end_grant(&g);
}

/* One field of a delegation wrong. */
static int issue_with(const struct grant *g, const struct ponto_delegation *d)
{
	uint8_t *data = (uint8_t *)1;
	size_t len = 77;
	int result = ponto_chain_issue(g->f->security, ALICE, g->root.id, ponto_bytes(NULL, 0), d, false,
				       &g->f->alloc, &data, &len);

	assert_ptr_equal(data, (uint8_t *)1);
	assert_int_equal(len, 77);
	return result;
}

static void nonsense_is_not_issued(void **state)
{
	static const char *const bad_words[] = {"\xff", NULL};
	struct grant g = make_grant(security_make(state), PONTO_ROLE_ADMIN, fish);
	const struct ponto_delegation good = delegation(g.f, &g.leaf, PONTO_ROLE_MEMBER, NULL);
	const char *long_word[2] = {NULL, NULL}, *many[PONTO_CHAIN_CLASSIFIERS + 2] = {NULL};
	char text[151];
	struct ponto_delegation d;
	uint8_t *data;
	size_t len;

	memset(text, 'x', 150);
	text[150] = 0;
	long_word[0] = text;
	for (size_t i = 0; i <= PONTO_CHAIN_CLASSIFIERS; i++)
		many[i] = "fish";
	d = good, d.name = "";
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.roles = 0;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.roles = 8;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.public_key.len--;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.not_after = d.not_before - PONTO_SECOND;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.classifiers = bad_words, d.classifier_count = 1;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.classifiers = long_word, d.classifier_count = 1;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	d = good, d.classifiers = many, d.classifier_count = PONTO_CHAIN_CLASSIFIERS + 1;
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	assert_int_equal(ponto_chain_issue(g.f->security, BOB, g.root.id, ponto_bytes(NULL, 0), &good, false, &g.f->alloc,
					   &data, &len),
			 PONTO_ENOENT);
	assert_int_equal(ponto_chain_issue(g.f->security, BOB, g.leaf.id, ponto_bytes("chain", 5), &good, false, &g.f->alloc,
					   &data, &len),
			 PONTO_EPROTO);
	end_grant(&g);
}

static void modern_names_have_no_chains(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_MEMBER, NULL);
	struct ponto_chain_use use = {.public_key = security_key_of(&g.leaf)};
	struct ponto_delegation d = delegation(g.f, &g.leaf, PONTO_ROLE_MEMBER, NULL);
	struct ponto_identity modern;
	uint8_t *data;
	size_t len;

	if (security_lacks(g.f, PONTO_PROFILE_MODERN)) {
		end_grant(&g);
		skip();
	}
	modern = security_identity_of(g.f, ALICE, PONTO_PROFILE_MODERN, "modern");
	assert_int_equal(ponto_chain_verify(g.f->security, PONTO_PROFILE_MODERN, ponto_bytes(g.chain, g.len), &use),
			 PONTO_ENOTSUP);
	assert_int_equal(ponto_chain_verify(g.f->security, 3, ponto_bytes(g.chain, g.len), &use), PONTO_EINVAL);
	assert_int_equal(ponto_chain_issue(g.f->security, ALICE, modern.id, ponto_bytes(NULL, 0), &d, true, &g.f->alloc,
					   &data, &len),
			 PONTO_ENOTSUP);
	d.public_key = security_key_of(&modern);
	assert_int_equal(issue_with(&g, &d), PONTO_EINVAL);
	end_grant(&g);
}

/* What is not signed may change, what a chain means may not. */
static void changed_chains_mean_nothing_else(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_MEMBER, fish);
	struct ponto_bytes whole = ponto_bytes(g.chain, g.len);
	struct ponto_chain before, after;
	size_t refused = 0;

	assert_ok(ponto_chain_read(g.f->security, whole, NULL, NULL, &before));
	for (size_t i = 0; i < g.len; i++) {
		int result;

		g.chain[i] ^= (uint8_t)(1 << i % 8);
		result = verify(&g, &g.root, &g.leaf, "fish");
		refused += result != PONTO_OK;
		assert_true(result == PONTO_OK || result == PONTO_EAUTH || result == PONTO_EPROTO);
		assert_int_not_equal(verify(&g, &g.root, &g.leaf, "fish food"), PONTO_OK);
		result = ponto_chain_read(g.f->security, whole, NULL, NULL, &after);
		if (result == PONTO_OK) {
			assert_string_equal(after.root, before.root);
			assert_string_equal(after.leaf, before.leaf);
			assert_int_equal(after.certificates, 2);
			assert_int_equal(after.not_after, before.not_after);
		}
		g.chain[i] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(refused > g.len - 100);
	for (size_t n = 0; n < g.len; n += n < 40 ? 1 : 37)
		assert_int_not_equal(ponto_chain_read(g.f->security, ponto_bytes(n ? g.chain : NULL, n), NULL, NULL,
						      &after),
				     PONTO_OK);
	end_grant(&g);
}

/* ---- kept ones ------------------------------------------------------------------------------ */

struct listing {
	struct ponto_chain chains[4];
	size_t count;
};

static bool take_chain(void *arg, const struct ponto_chain *chain)
{
	struct listing *l = arg;

	if (l->count < 4)
		l->chains[l->count] = *chain;
	l->count++;
	return true;
}

static size_t list(struct security_fixture *f, uint32_t owner, struct listing *l)
{
	l->count = 0;
	assert_ok(ponto_chain_list(f->security, owner, take_chain, l));
	return l->count;
}

static void chains_are_kept_with_their_owner(void **state)
{
	struct grant g = make_grant(security_make_kept(state), PONTO_ROLE_MEMBER, fish);
	struct ponto_bytes whole = ponto_bytes(g.chain, g.len);
	struct ponto_chain chain, again;
	struct listing l;
	uint8_t *data;
	size_t len;

	assert_int_equal(ponto_chain_add(g.f->security, ALICE, whole, &chain), PONTO_ENOENT); /* not her leaf */
	assert_ok(ponto_chain_add(g.f->security, BOB, whole, &chain));
	assert_int_equal(ponto_chain_add(g.f->security, BOB, whole, &again), PONTO_EEXIST);
	assert_int_equal(list(g.f, ALICE, &l), 0);
	assert_int_equal(list(g.f, BOB, &l), 1);
	assert_memory_equal(&l.chains[0], &chain, sizeof(chain));
	assert_string_equal(chain.leaf, g.leaf.id);
	for (int text = 0; text < 2; text++) {
		assert_ok(ponto_chain_get(g.f->security, BOB, chain.id, text, &g.f->alloc, &data, &len));
		assert_int_equal(ponto_chain_get(g.f->security, ALICE, chain.id, text, &g.f->alloc, &data, &len),
				 PONTO_ENOENT);
		if (!text)
			assert_true(ponto_bytes_equal(ponto_bytes(data, len), whole));
		assert_ok(ponto_chain_read(g.f->security, ponto_bytes(data, len), NULL, NULL, &again));
		assert_memory_equal(&again, &chain, sizeof(chain));
		assert_ok(ponto_chain_remove(g.f->security, BOB, chain.id));
		assert_ok(ponto_chain_add(g.f->security, BOB, ponto_bytes(data, len), &again));
		ponto_free(&g.f->alloc, data);
	}
	assert_int_equal(ponto_chain_remove(g.f->security, ALICE, chain.id), PONTO_ENOENT);
	assert_int_equal(ponto_chain_remove(g.f->security, BOB, "../x"), PONTO_ENOENT);
	assert_int_equal(ponto_chain_remove(g.f->security, BOB, NULL), PONTO_ENOENT);
	assert_int_equal(ponto_chain_get(g.f->security, BOB, "x", false, &g.f->alloc, &data, &len), PONTO_ENOENT);
	assert_ok(ponto_chain_remove(g.f->security, BOB, chain.id));
	assert_int_equal(ponto_chain_remove(g.f->security, BOB, chain.id), PONTO_ENOENT);
	assert_int_equal(list(g.f, BOB, &l), 0);
	assert_int_equal(security_list(g.f, BOB, NULL, 0), 1); /* the identity is another thing */
	end_grant(&g);
}

static void bad_chains_are_not_kept(void **state)
{
	struct grant g = make_grant(security_make(state), PONTO_ROLE_MEMBER, fish);
	uint8_t *large = calloc(1, PONTO_CHAIN_TEXT_MAX + 100);
	struct ponto_chain chain;
	struct listing l;

	assert_non_null(large);
	g.chain[g.len - 9] ^= 1; /* in the last signature, or next to it */
	assert_int_not_equal(ponto_chain_add(g.f->security, BOB, ponto_bytes(g.chain, g.len), &chain), PONTO_OK);
	assert_int_equal(ponto_chain_add(g.f->security, BOB, ponto_bytes("-----BEGIN PKCS7-----\nx", 23), &chain),
			 PONTO_EPROTO);
	assert_int_equal(ponto_chain_add(g.f->security, BOB, ponto_bytes(NULL, 0), &chain), PONTO_EPROTO);
	assert_int_equal(ponto_chain_add(g.f->security, BOB, ponto_bytes(large, PONTO_CHAIN_TEXT_MAX + 100), &chain),
			 PONTO_EPROTO);
	assert_int_equal(list(g.f, BOB, &l), 0);
	free(large);
	end_grant(&g);
}

static void chains_are_limited(void **state)
{
	const char *const settings[] = {"identities=2", NULL};
	struct ponto_chain chain;
	struct listing l;
	struct grant g;

	if (!security_has_option(*state, "identities"))
		skip();
	g = make_grant(security_fixture_new(*state, false, settings), PONTO_ROLE_MEMBER, fish);
	for (int i = 0; i < 3; i++) {
		struct ponto_delegation d;
		uint8_t *data;
		size_t len;

		g.f->clock.wall += PONTO_SECOND; /* no two are the same */
		d = delegation(g.f, &g.leaf, PONTO_ROLE_MEMBER, NULL);
		assert_ok(ponto_chain_issue(g.f->security, ALICE, g.root.id, ponto_bytes(NULL, 0), &d, true, &g.f->alloc,
					    &data, &len));
		assert_int_equal(ponto_chain_add(g.f->security, BOB, ponto_bytes(data, len), &chain),
				 i < 2 ? PONTO_OK : PONTO_ELIMIT);
		ponto_free(&g.f->alloc, data);
	}
	assert_int_equal(list(g.f, BOB, &l), 2);
	assert_true(strcmp(l.chains[0].id, l.chains[1].id) < 0);
	end_grant(&g);
}

struct security_cases security_chain_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_chain_grants_what_it_says),
		cmocka_unit_test(a_chain_has_its_time),
		cmocka_unit_test(a_chain_can_be_read),
		cmocka_unit_test(twenty_five_are_enough),
		cmocka_unit_test(nobody_grants_more_than_they_have),
		cmocka_unit_test(nonsense_is_not_issued),
		cmocka_unit_test(modern_names_have_no_chains),
		cmocka_unit_test(changed_chains_mean_nothing_else),
		cmocka_unit_test(chains_are_kept_with_their_owner),
		cmocka_unit_test(bad_chains_are_not_kept),
		cmocka_unit_test(chains_are_limited),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
