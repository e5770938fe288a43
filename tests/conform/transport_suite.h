/* Ponto tests: the datagram half of the transport contract, sentence by sentence, for any plugin that offers it.
 *
 * No test framework inside: a case returns whether it holds and writes a reason when it does not, so that both `make
 * check` and `ponto plugin check` can run it. A case gets a fresh bed, opens and closes handles on it, and runs its
 * first loop on the caller's thread. */
#ifndef PONTO_TESTS_CONFORM_TRANSPORT_SUITE_H
#define PONTO_TESTS_CONFORM_TRANSPORT_SUITE_H

#include "framework/transport.h"

/* Two ends that reach each other without loss and in order, by addresses of one scope. The transports may be one
 * instance and the loops one loop; running the first loop must make the second move too. */
struct transport_bed {
	struct ponto_transport transport[2];
	struct ponto_loop *loop[2];
	enum ponto_scope scope;
	uint16_t port[2]; /* different and free */
	size_t largest;	  /* bytes of a datagram; 0: what UDP carries */
};

struct transport_subject {
	int (*open)(void *ctx, struct transport_bed *out);
	void (*close)(void *ctx, struct transport_bed *bed);
	void *ctx;
};

size_t transport_suite_count(void);

/* "order", "oversize", …; index below the count. */
const char *transport_suite_name(size_t index);

/* True when the case holds; else why says what went wrong (always terminated). */
bool transport_suite_run(size_t index, const struct transport_subject *subject, char *why, size_t why_size);

#endif
