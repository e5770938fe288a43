/* Ponto tests: one case of the service suite: a simulated node, an instance, the calls it was asked. */
#ifndef PONTO_TESTS_CONFORM_SERVICE_CASE_H
#define PONTO_TESTS_CONFORM_SERVICE_CASE_H

#include "framework/service.h"
#include "framework/sim.h"
#include "tests/conform/service_suite.h"

#define SERVICE_DEADLINE (10 * PONTO_SECOND) /* of a call, after it was asked */
#define SERVICE_CALLS_MAX 96

struct service_case;

struct asked {
	struct ponto_call call;
	struct service_case *of;
	char method[32];
	unsigned answers;
	int result;
};

struct service_case {
	const struct service_subject *subject;
	const struct ponto_service_ops *ops;
	void *self; /* NULL: none */
	struct ponto_sim *sim;
	struct ponto_loop *loop;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_node *node; /* the helpers' */
	struct ponto_conf *helper_conf[SERVICE_HELPERS_MAX], *conf;
	struct ponto_env env;
	struct ponto_alloc alloc; /* the instance's: it counts */
	size_t live, made, refuse_at;
	bool refused;
	struct asked asked[SERVICE_CALLS_MAX];
	size_t asked_count;
	unsigned stopped; /* times that done was called */
	enum service_verdict verdict;
	char *why;
	size_t why_size;
};

/* Notes the first thing that does not hold. */
void service_case_fail(struct service_case *c, const char *file, int line, const char *text);

#define HOLDS(condition)                                                                 \
	do {                                                                             \
		if (!(condition))                                                        \
			service_case_fail(c, __FILE__, __LINE__, #condition);            \
	} while (0)

/* False: it was refused; the case is then one that was not tried. */
bool service_case_create(struct service_case *c);
bool service_case_start(struct service_case *c); /* creates it too */
void service_case_ask(struct service_case *c, const char *method, struct ponto_bytes payload, uint64_t client);
void service_case_pass(struct service_case *c, uint64_t us);
bool service_case_answered_once(struct service_case *c);
/* Stops it: done once, within a second, every call answered once. */
void service_case_stop(struct service_case *c);
/* Accepts that there is none. Whatever it left on the loop still runs. */
void service_case_destroy(struct service_case *c);
/* Both, and no memory is left. */
void service_case_end(struct service_case *c);

/* Refuses the instance's nth allocation from now; 0: none. Whether one was refused since the last call. */
bool service_case_refuse(struct service_case *c, size_t nth);
size_t service_case_live(const struct service_case *c);

enum service_verdict service_case_run(void (*run)(struct service_case *c), const struct service_subject *subject,
				      char *why, size_t why_size);

#endif
