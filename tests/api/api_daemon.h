/* Ponto tests: a real daemon for programs of the Windows interfaces, alone in a Loopback cloud, and a second process.
 */
#ifndef PONTO_TESTS_API_DAEMON_H
#define PONTO_TESTS_API_DAEMON_H

#include <stdio.h>
#include <sys/types.h>

#include "tests/support/test.h"

struct api_daemon {
	char *dir;
	pid_t pid;	      /* 0: not running */
	const char *security; /* options of security-pki; NULL: few rounds for passwords */
	const char *groups;   /* more of the configuration; NULL: none */
	const char *services; /* of the configuration; NULL: the cloud "Loopback_" as "pnrp" */
};

/* PONTO_ENDPOINT is set to where it listens. */
void api_daemon_init(struct api_daemon *d);
void api_daemon_clear(struct api_daemon *d);

/* UDP ports of this process's own: 0 is that of the transport, 1 is for a second cloud. */
int api_daemon_port(int n);

/* Returns when it answers. */
void api_daemon_start(struct api_daemon *d);
void api_daemon_stop(struct api_daemon *d);
void api_daemon_kill(struct api_daemon *d);

/* Another process of this test's program: main hands its arguments to api_child_main first, which returns only when
 * this process is none. It does what single lines say and answers each with one (api_child.c). */
struct api_child {
	pid_t pid;
	FILE *in, *out;
};

void api_child_main(int argc, char **argv);
void api_child_start(struct api_child *c);

/* The answer to a line, without its end. Static buffer of each child. */
const char *api_child_say(struct api_child *c, char answer[512], const char *format, ...) PONTO_PRINTF(3, 4);
void api_child_kill(struct api_child *c);

/* A daemon, a second process that has started the pnrp family, and this process, which has done so too. Setup and
 * teardown of cases: state is the world. */
struct api_world {
	struct api_daemon daemon;
	struct api_child child;
};

int api_world_setup(void **state);
int api_world_teardown(void **state);

/* The two parts of them that do nothing in this process. */
struct api_world *api_world_start(void);
void api_world_end(struct api_world *w);

/* Tries until it is true, at most two minutes. */
#define API_AWAIT(condition)                                                                                           \
	do {                                                                                                           \
		int tries_ = 2400;                                                                                     \
		while (!(condition) && tries_-- > 0)                                                                   \
			usleep(50000);                                                                                 \
		assert_true(tries_ > 0);                                                                               \
	} while (0)

#define API_TEST_MAIN(tests)                                                                                           \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		api_child_main(argc, argv);                                                                            \
		cmocka_set_message_output(CM_OUTPUT_TAP);                                                              \
		return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);                                           \
	}

#endif
