#include "tests/conform/security_case.h"

#include <stdio.h>

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

static bool ignore_chain(void *arg, const struct ponto_chain *chain)
{
	(void)arg;
	(void)chain;
	return true;
}

static int oom_chain_calls(struct ponto_security s, const struct ponto_alloc *alloc)
{
	struct ponto_delegation d = {.name = "leaf", .roles = PONTO_ROLE_MEMBER, .not_after = UINT64_C(1) << 52};
	struct ponto_chain_use use = {.classifier = {NULL, 0}};
	struct ponto_identity root, leaf;
	struct ponto_chain chain;
	uint8_t *data = NULL, *text = NULL;
	size_t len = 0, text_len = 0;
	int result = ponto_identity_create(s, ALICE, PONTO_PROFILE_WINDOWS, "root", &root);

	if (!result)
		result = ponto_identity_create(s, BOB, PONTO_PROFILE_WINDOWS, "leaf", &leaf);
	if (result)
		return result == PONTO_ENOTSUP ? PONTO_OK : result;
	d.public_key = use.public_key = security_key_of(&leaf);
	memcpy(use.authority, root.authority, sizeof(use.authority));
	result = ponto_chain_issue(s, ALICE, root.id, ponto_bytes(NULL, 0), &d, false, alloc, &data, &len);
	if (result == PONTO_ENOTSUP)
		return PONTO_OK;
	if (!result)
		result = ponto_chain_verify(s, PONTO_PROFILE_WINDOWS, ponto_bytes(data, len), &use);
	if (!result)
		result = ponto_chain_add(s, BOB, ponto_bytes(data, len), &chain);
	if (!result)
		result = ponto_chain_list(s, BOB, ignore_chain, NULL);
	if (!result)
		result = ponto_chain_get(s, BOB, chain.id, true, alloc, &text, &text_len);
	if (!result)
		result = ponto_chain_read(s, ponto_bytes(text, text_len), NULL, NULL, &chain);
	if (!result)
		result = ponto_chain_remove(s, BOB, chain.id);
	ponto_free(alloc, text);
	ponto_free(alloc, data);
	return result;
}

static int oom_detail_calls(struct ponto_security s, const struct ponto_alloc *alloc)
{
	const struct ponto_identity_change change = {.name = "you", .classifier = "work", .make_default = true};
	char name[PONTO_IDENTITY_ID + sizeof("work")];
	struct ponto_identity_detail detail;
	struct ponto_identity me, back;
	uint8_t *card = NULL, *pfx = NULL;
	size_t card_len = 0, pfx_len = 0;
	int result = ponto_identity_create(s, ALICE, PONTO_PROFILE_WINDOWS, "me", &me);

	if (!result)
		result = ponto_identity_change(s, ALICE, me.id, &change);
	if (!result)
		result = ponto_identity_detail(s, ALICE, me.id, &detail);
	if (!result)
		result = ponto_identity_card(s, ALICE, me.id, alloc, &card, &card_len);
	if (!result)
		result = ponto_identity_export_pfx(s, ALICE, me.id, "secret", alloc, &pfx, &pfx_len);
	if (!result) {
		snprintf(name, sizeof(name), "%s.work", me.id);
		result = ponto_identity_import_pfx(s, BOB, name, ponto_bytes(pfx, pfx_len), "secret", &back);
	}
	ponto_free(alloc, card);
	ponto_free(alloc, pfx);
	return result == PONTO_ENOTSUP ? PONTO_OK : result;
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
		result = ponto_verify(s, PONTO_PROFILE_MODERN, security_key_of(&me), ponto_bytes("d", 1),
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
	if (!result)
		result = oom_detail_calls(s, alloc);
	return result ? result : oom_chain_calls(s, alloc);
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
	struct security_fixture *f = security_make(state);
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

static unsigned change_while_others_do(struct worker *w)
{
	struct ponto_security s = w->fixture->security;
	const struct ponto_identity_change change = {.name = "changed", .classifier = "work", .make_default = true};
	int result = ponto_identity_change(s, ALICE, w->shared->id, &change);
	struct ponto_identity_detail detail;

	if (result == PONTO_ENOTSUP)
		return 0;
	return (result != PONTO_OK) + (ponto_identity_detail(s, ALICE, w->shared->id, &detail) != PONTO_OK);
}

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
		w->wrong += ponto_verify(s, w->shared->profile, security_key_of(w->shared), said,
					 ponto_bytes(sig, len)) != PONTO_OK;
		w->wrong += ponto_identity_create(s, BOB + w->number, PONTO_PROFILE_MODERN, "mine", &mine) != PONTO_OK;
		w->wrong += ponto_sign(s, BOB + w->number, mine.id, said, sig, &len) != PONTO_OK;
		w->wrong +=
			ponto_verify(s, mine.profile, security_key_of(&mine), said, ponto_bytes(sig, len)) != PONTO_OK;
		w->wrong += ponto_identity_list(s, ALICE, ignore_identity, NULL) != PONTO_OK;
		w->wrong += change_while_others_do(w);
		if (round % 2)
			w->wrong += ponto_identity_remove(s, BOB + w->number, mine.id) != PONTO_OK;
	}
	return NULL;
}

static void threads_share_an_instance(void **state)
{
	struct security_fixture *f = security_make(state);
	struct ponto_identity shared = security_identity_of(f, ALICE, PONTO_PROFILE_WINDOWS, "shared");
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

struct security_cases security_stress_cases(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(refused_memory_is_survived),
		cmocka_unit_test(threads_share_an_instance),
	};

	return (struct security_cases){cases, PONTO_ARRAY_SIZE(cases)};
}
