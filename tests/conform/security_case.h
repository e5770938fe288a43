/* The security contract as tests: what the cases share, and where they are. */
#ifndef PONTO_TESTS_CONFORM_SECURITY_CASE_H
#define PONTO_TESTS_CONFORM_SECURITY_CASE_H

#include "tests/conform/security_suite.h"

#define ALICE 1000u
#define BOB 1001u

#define SECURITY_PROFILES 2
extern const uint32_t security_profiles[SECURITY_PROFILES];

bool security_has_option(const struct ponto_plugin *plugin, const char *name);

/* An instance of the plugin under test with settings that make it fast; without state. */
struct security_fixture *security_make(void **state);
struct security_fixture *security_make_kept(void **state);
/* Anew over the same state, with the same settings. */
void security_restart(void **state, struct security_fixture *fixture);

/* Makes one; skips the case when the plugin has not got that profile. */
struct ponto_identity security_identity_of(struct security_fixture *fixture, uint32_t owner, uint32_t profile,
					   const char *name);

/* A plugin may leave a profile out: then it says so, and what needs that profile is not tried. */
bool security_lacks(struct security_fixture *fixture, uint32_t profile);
bool security_lacks_it(void **state, uint32_t profile);

struct ponto_bytes security_key_of(const struct ponto_identity *identity);
void security_assert_same(const struct ponto_identity *a, const struct ponto_identity *b);

/* ---- cases: each file's own, in order -------------------------------------------- */

struct security_cases {
	const struct CMUnitTest *cases;
	size_t count;
};

struct security_cases security_identity_cases(void); /* descriptor, identities */
struct security_cases security_sign_cases(void);     /* signatures, keys */
struct security_cases security_export_cases(void);   /* exports and imports */
struct security_cases security_detail_cases(void);   /* names, cards, forms of others */
struct security_cases security_chain_cases(void);    /* certificate chains */
struct security_cases security_stress_cases(void);   /* memory, threads */

#endif
