/* Ponto tests: what the service contract promises of any service, whatever it serves.
 *
 * No test framework inside: a case says whether it holds and writes a reason when it does not, so that both `make
 * check` and `ponto plugin check` can run it. A case makes a simulated node with the helpers at hand, puts one instance
 * of the service on it, and runs virtual time on the caller's thread. */
#ifndef PONTO_TESTS_CONFORM_SERVICE_SUITE_H
#define PONTO_TESTS_CONFORM_SERVICE_SUITE_H

#include "framework/plugin.h"

#define SERVICE_HELPERS_MAX 4

struct service_subject {
	const struct ponto_plugin *plugin;
	/* What its options may refer to: at most one of a kind, made with defaults; NULL-terminated unless full. An option
	 * of another kind refers to nothing. */
	const struct ponto_plugin *helpers[SERVICE_HELPERS_MAX];
	const char *const *methods; /* of its own, to be given nonsense; NULL-terminated, or NULL */
};

enum service_verdict {
	SERVICE_BROKEN,
	SERVICE_HOLDS,
	SERVICE_NOT_TRIED, /* it refused, in order, to be made or started with what is at hand */
};

size_t service_suite_count(void);

/* "garbage", "stopped with open calls", …; index below the count. */
const char *service_suite_name(size_t index);

/* why says what went wrong, or why it was not tried (always terminated). */
enum service_verdict service_suite_run(size_t index, const struct service_subject *subject, char *why, size_t why_size);

#endif
