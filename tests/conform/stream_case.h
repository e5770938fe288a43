/* Ponto tests: what the cases of the stream suite share. */
#ifndef PONTO_TESTS_CONFORM_STREAM_CASE_H
#define PONTO_TESTS_CONFORM_STREAM_CASE_H

#include "tests/conform/stream_suite.h"

struct stream_case;

enum stream_moment {
	MOMENT_NONE = 0,
	MOMENT_CONNECTED,
	MOMENT_RECEIVE,
	MOMENT_HALF_CLOSED,
	MOMENT_WRITABLE,
};

/* One side of a stream. What it sends is the pattern of pattern_at, from offset 0 on, and so is what it expects. */
struct end {
	struct stream_case *c;
	struct ponto_stream s;
	size_t connected, half_closed, writable, closed, callbacks;
	int result; /* of closed */
	uint64_t received, written, to_write;
	size_t appetite;	      /* at most this many bytes of each callback are consumed */
	bool wrong;		      /* bytes out of order, a callback inside a call or after the end */
	bool calling, gone, shut_after; /* shut_after: shutdown behind to_write */
	enum stream_moment abort_at;
};

#define CASE_MANY 64

struct stream_case {
	struct stream_bed bed;
	struct end end[2];	     /* the one that connects, and what was accepted first */
	struct end many[CASE_MANY * 2];
	struct ponto_listener_handle *listener;
	struct ponto_addr at;	     /* where it listens */
	struct ponto_addr from;	     /* what accepted was told last */
	struct ponto_timer *guard;
	size_t accepted;
	bool refuse;		     /* do not adopt */
	bool unlisten;		     /* inside accepted */
	bool use_many;
	bool timed_out;
	char *why;
	size_t why_size;
};

bool stream_case_fail(struct stream_case *c, const char *file, int line, const char *text, int got, int want);

#define HOLDS(condition)                                                                    \
	do {                                                                                \
		if (!(condition))                                                           \
			return stream_case_fail(c, __FILE__, __LINE__, #condition, 0, 0);   \
	} while (0)

#define RETURNS(expression, wanted)                                                               \
	do {                                                                                      \
		int got_ = (expression), want_ = (wanted);                                        \
		if (got_ != want_)                                                                \
			return stream_case_fail(c, __FILE__, __LINE__, #expression, got_, want_); \
	} while (0)

#define TRY(expression)                       \
	do {                                  \
		if (!(expression))            \
			return false;         \
	} while (0)

/* Runs until the condition holds. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		while (!(condition)) {                                                             \
			TRY(sc_run(c));                                                          \
			if (c->timed_out)                                                          \
				return stream_case_fail(c, __FILE__, __LINE__, #condition, 0, 0);  \
		}                                                                                  \
	} while (0)

/* End 1 listens; the address is in c->at. */
bool sc_listen(struct stream_case *c);
/* An end connects to c->at. */
int sc_connect(struct stream_case *c, struct end *end);
/* Both, until both ends are there. */
bool sc_pair(struct stream_case *c);
/* Writes pattern up to to_write as there is room, from now on. */
void sc_push(struct end *end, uint64_t to_write);
int sc_shutdown(struct end *end);
void sc_resume(struct end *end, size_t appetite);
void sc_abort(struct end *end);
/* Runs until something happened at an end, or the guard rang. */
bool sc_run(struct stream_case *c);
/* Runs for a moment, for what must not happen. */
bool sc_settle(struct stream_case *c);

/* Runs one case on a fresh bed. */
bool stream_case_run(bool (*run_case)(struct stream_case *c), const struct stream_subject *subject, char *why,
		     size_t why_size);

#endif
