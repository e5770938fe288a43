/* Ponto tests: a bus in a directory of its own, with one component "echo" on a thread of its own.
 * Its methods: Echo (the payload back), Who ("uid pid admin client"), Hold (no answer until Release, or the
 * component's end), Release, Late (answers after its deadline), Big (payload: a size in text), Events
 * (payload: how many), Fail (PONTO_EACCES "no"). */
#ifndef PONTO_TESTS_UNIT_BUS_FIXTURE_H
#define PONTO_TESTS_UNIT_BUS_FIXTURE_H

#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "framework/bus.h"
#include "framework/bus_private.h"

struct held {
	struct ponto_call *call;
	struct held *next;
};

struct bus_fixture {
	char *dir;
	char endpoint[PONTO_ENDPOINT_SIZE];
	char path[PONTO_ENDPOINT_SIZE - 8];
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_bus_setup setup;
	struct ponto_bus *bus;

	struct ponto_loop *loop;
	struct ponto_port *port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool attached, leave;
	struct held *held;
	struct ponto_timer *late;
	struct ponto_call *late_call;
	atomic_uint calls, gone, held_count;
	atomic_ullong last_gone, last_client;
};

/* A bus and its component; setup may be changed by adjust before the bus is made. */
void bus_fixture_start(struct bus_fixture *f, void (*adjust)(struct ponto_bus_setup *setup));
void bus_fixture_stop(struct bus_fixture *f);

/* The two halves of stop, and of start. */
void bus_fixture_leave(struct bus_fixture *f);	  /* the component detaches, its thread ends */
void bus_fixture_join(struct bus_fixture *f);	  /* the component comes (back) */
void bus_fixture_restart(struct bus_fixture *f);  /* daemon ends and comes back */

struct ponto_client *bus_fixture_client(struct bus_fixture *f);

/* Calls "echo"; the result of the call or of the service, whichever failed; text gets the payload or the error. */
int bus_fixture_call(struct ponto_client *client, const char *method, const char *payload, unsigned timeout_ms,
		     char text[512]);

/* A client in a process of its own, forked before any thread starts: afterwards a child may not make threads. */
struct bus_helper {
	pid_t pid;
	int order, answer;
};

void bus_helper_fork(struct bus_helper *h);

/* Becomes uid and gid, at the first call, and calls method once, within a minute; every call on one connection. */
void bus_helper_call(struct bus_helper *h, struct bus_fixture *f, uid_t uid, gid_t gid, const char *method);

/* Waits for the outcome; as bus_fixture_call. */
int bus_helper_answer(struct bus_helper *h, char text[512]);

/* The same; the process has ended then. */
int bus_helper_result(struct bus_helper *h, char text[512]);

/* Waits until *value reaches at_least: the other side's doing, no fixed time. */
void bus_fixture_await(atomic_uint *value, unsigned at_least);

uint64_t bus_fixture_counter(struct bus_fixture *f, const char *name);

/* Waits for a counter. */
void bus_fixture_await_counter(struct bus_fixture *f, const char *name, uint64_t at_least);

#endif
