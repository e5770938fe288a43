#include "tests/conform/service_suite.h"

#include <stdio.h>
#include <string.h>

#include "tests/conform/service_case.h"

/* ---- life -------------------------------------------------------------------------- */

static void case_descriptor(struct service_case *c)
{
	const struct ponto_service_ops *ops = c->ops;

	HOLDS(ops->head.abi == PONTO_SERVICE_ABI);
	HOLDS(PONTO_HAS(ops, create) && PONTO_HAS(ops, start) && PONTO_HAS(ops, call));
	HOLDS(PONTO_HAS(ops, stop) && PONTO_HAS(ops, destroy));
	ops->destroy(NULL);
}

static void case_created(struct service_case *c)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!service_case_create(c))
			return;
		service_case_destroy(c);
		HOLDS(service_case_live(c) == 0);
	}
}

static void case_started(struct service_case *c)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!service_case_start(c))
			return;
		service_case_pass(c, 60 * PONTO_SECOND);
		service_case_stop(c);
		service_case_destroy(c);
		HOLDS(service_case_live(c) == 0);
	}
}

/* Each allocation of its making is refused once. */
static void case_memory(struct service_case *c)
{
	for (size_t nth = 1; nth <= 1000; nth++) {
		bool made, refused;

		service_case_refuse(c, nth);
		made = service_case_create(c);
		refused = service_case_refuse(c, 0);
		service_case_destroy(c);
		HOLDS(service_case_live(c) == 0);
		if (!refused && !made)
			return; /* not tried: it cannot be made anyway */
		c->verdict = c->verdict == SERVICE_NOT_TRIED ? SERVICE_HOLDS : c->verdict;
		if (!refused)
			return;
	}
}

/* ---- calls --------------------------------------------------------------------------- */

static const char *const strange[] = {"No such method", "", "\x01\xff", "%n%s", "../Echo", NULL};

static void case_unknown_method(struct service_case *c)
{
	if (!service_case_start(c))
		return;
	for (const char *const *method = strange; *method; method++)
		service_case_ask(c, *method, ponto_bytes(NULL, 0), 1);
	service_case_pass(c, SERVICE_DEADLINE + PONTO_SECOND);
	HOLDS(service_case_answered_once(c));
	for (size_t i = 0; i < c->asked_count; i++)
		HOLDS(c->asked[i].result < 0);
	service_case_end(c);
}

static const char *const common[] = {"Status", "List", "Get", "Register", "Resolve", "Echo", NULL};

static void give_nonsense(struct service_case *c, const char *const *methods)
{
	static uint8_t nonsense[4096];

	memset(nonsense, 0xff, sizeof(nonsense));
	nonsense[0] = 0x0a; /* a first field that says it is longer than all there is */
	for (; methods && *methods; methods++) {
		service_case_ask(c, *methods, ponto_bytes(nonsense, sizeof(nonsense)), 1);
		service_case_ask(c, *methods, ponto_bytes(nonsense, 1), 2);
		service_case_ask(c, *methods, ponto_bytes(nonsense + 1, 9), 2);
		service_case_ask(c, *methods, ponto_bytes(NULL, 0), 3);
	}
}

static void case_garbage(struct service_case *c)
{
	if (!service_case_start(c))
		return;
	give_nonsense(c, c->subject->methods ? c->subject->methods : common);
	give_nonsense(c, strange);
	service_case_pass(c, SERVICE_DEADLINE + PONTO_SECOND);
	service_case_end(c);
}

static void case_open_calls(struct service_case *c)
{
	if (!service_case_start(c))
		return;
	give_nonsense(c, c->subject->methods ? c->subject->methods : common);
	service_case_end(c); /* at the same instant */
}

static void case_clients_go(struct service_case *c)
{
	if (!service_case_start(c))
		return;
	give_nonsense(c, c->subject->methods ? c->subject->methods : common);
	for (uint64_t client = 1; PONTO_HAS(c->ops, client_gone) && client <= 4; client++) {
		c->ops->client_gone(c->self, client); /* 4 never asked */
		c->ops->client_gone(c->self, client);
	}
	service_case_pass(c, SERVICE_DEADLINE + PONTO_SECOND);
	service_case_ask(c, strange[0], ponto_bytes(NULL, 0), 5);
	service_case_end(c);
}

static void case_reload(struct service_case *c)
{
	if (!service_case_start(c))
		return;
	if (PONTO_HAS(c->ops, reload))
		HOLDS(c->ops->reload(c->self, c->conf) == PONTO_OK);
	service_case_ask(c, strange[0], ponto_bytes(NULL, 0), 1);
	service_case_pass(c, SERVICE_DEADLINE + PONTO_SECOND);
	service_case_end(c);
}

static const struct {
	const char *name;
	void (*run)(struct service_case *c);
} cases[] = {
	{"vtable", case_descriptor},
	{"made and destroyed", case_created},
	{"started and stopped", case_started},
	{"memory refused", case_memory},
	{"unknown method", case_unknown_method},
	{"garbage", case_garbage},
	{"stopped with open calls", case_open_calls},
	{"clients go", case_clients_go},
	{"reload", case_reload},
};

size_t service_suite_count(void)
{
	return PONTO_ARRAY_SIZE(cases);
}

const char *service_suite_name(size_t index)
{
	return cases[index].name;
}

enum service_verdict service_suite_run(size_t index, const struct service_subject *subject, char *why, size_t why_size)
{
	return service_case_run(cases[index].run, subject, why, why_size);
}
