/* The security contract as tests: every plugin of the kind passes the same ones. */
#ifndef PONTO_TESTS_CONFORM_SECURITY_SUITE_H
#define PONTO_TESTS_CONFORM_SECURITY_SUITE_H

#include <pthread.h>

#include "framework/security.h"
#include "tests/support/test.h"

/* An instance with an environment of its own. */
struct security_fixture {
	const struct ponto_plugin *plugin;
	pthread_mutex_t lock; /* around the allocator and the generator: instances are used by several threads */
	struct ponto_test_alloc counted;
	struct ponto_alloc alloc;
	struct ponto_test_random seeded;
	struct ponto_random random;
	struct ponto_test_clock clock;
	struct ponto_conf *conf;
	struct ponto_log *log;
	struct ponto_env env;
	struct ponto_security security;
	char *state_dir; /* NULL: nothing is kept */
	char last_log[1024];
	unsigned log_lines;
};

/* Everything but the instance. */
void security_fixture_init(struct security_fixture *fixture, const struct ponto_plugin *plugin, bool state);
/* Makes an instance of plugin; settings as for ponto_conf_make. state: with a fresh state directory. */
struct security_fixture *security_fixture_new(const struct ponto_plugin *plugin, bool state,
					      const char *const *settings);
/* Takes the instance down and makes it anew over the same state. */
void security_fixture_restart(struct security_fixture *fixture, const char *const *settings);
/* Takes it down, checks that no memory is left, removes the state directory. */
void security_fixture_free(struct security_fixture *fixture);

/* A private copy of an identity list: at most max entries; how many there are. */
size_t security_list(struct security_fixture *fixture, uint32_t owner, struct ponto_identity *out, size_t max);

/* How many cases the contract has; and the cases for one plugin, named after it. */
size_t security_suite_count(void);
void security_suite_cases(const struct ponto_plugin *plugin, struct CMUnitTest *out);

#endif
