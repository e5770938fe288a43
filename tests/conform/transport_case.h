/* Ponto tests: what the cases of the transport suite share. */
#ifndef PONTO_TESTS_CONFORM_TRANSPORT_CASE_H
#define PONTO_TESTS_CONFORM_TRANSPORT_CASE_H

#include "tests/conform/transport_suite.h"

#define CASE_HEAD 64 /* bytes of a datagram that are kept */

struct transport_case;

/* One handle and what came to it. */
struct end {
	struct transport_case *c;
	struct ponto_datagrams d;
	size_t received, callbacks, largest_batch, goal;
	struct ponto_datagram last; /* data: its head */
	uint8_t head[CASE_HEAD];
	size_t last_len;
	bool out_of_order; /* by the number in the first four bytes */
	bool close_in_callback, echo;
};

struct transport_case {
	struct transport_bed bed;
	struct end end[2];
	struct ponto_timer *guard;
	bool timed_out;
	char *why;
	size_t why_size;
};

bool transport_case_fail(struct transport_case *c, const char *file, int line, const char *text, int got, int want);

#define HOLDS(condition)                                                                       \
	do {                                                                                   \
		if (!(condition))                                                              \
			return transport_case_fail(c, __FILE__, __LINE__, #condition, 0, 0);   \
	} while (0)

#define RETURNS(expression, wanted)                                                            \
	do {                                                                                   \
		int got_ = (expression), want_ = (wanted);                                     \
		if (got_ != want_)                                                             \
			return transport_case_fail(c, __FILE__, __LINE__, #expression, got_, want_); \
	} while (0)

#define TRY(expression)                       \
	do {                                  \
		if (!(expression))            \
			return false;         \
	} while (0)

/* Opens end i with its own port, recording what comes. */
int case_open(struct transport_case *c, size_t i);
/* Opens both; false with a reason. */
bool case_open_both(struct transport_case *c);
/* The first local address of end i. */
bool case_address(struct transport_case *c, size_t i, struct ponto_addr *out);
/* Sends all, running the loop while the socket is full. */
bool case_send(struct transport_case *c, size_t from, const struct ponto_datagram *batch, size_t count);
/* Runs until end i has received so many in all. */
bool case_wait(struct transport_case *c, size_t i, size_t total);
/* Runs for a moment, for what must not happen. */
bool case_settle(struct transport_case *c);

/* Runs one case on a fresh bed. */
bool transport_case_run(bool (*run_case)(struct transport_case *c), const struct transport_subject *subject, char *why,
			size_t why_size);

#endif
