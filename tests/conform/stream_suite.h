/* Ponto tests: the stream half of the transport contract, sentence by sentence, for any plugin that offers it.
 *
 * No test framework inside, like the suite of datagrams (transport_suite.h). */
#ifndef PONTO_TESTS_CONFORM_STREAM_SUITE_H
#define PONTO_TESTS_CONFORM_STREAM_SUITE_H

#include "framework/transport.h"

/* Two ends that reach each other. The transports may be one instance and the loops one loop; running the first loop
 * must make the second move too. */
struct stream_bed {
	struct ponto_transport transport[2];
	struct ponto_loop *loop[2];
	struct ponto_addr local[2]; /* where each end listens, port 0 */
	struct ponto_addr foreign;  /* of that family, and nobody's here */
};

struct stream_subject {
	int (*open)(void *ctx, struct stream_bed *out);
	void (*close)(void *ctx, struct stream_bed *bed);
	void *ctx;
};

size_t stream_suite_count(void);

/* "half close", "flow control", …; index below the count. */
const char *stream_suite_name(size_t index);

/* True when the case holds; else why says what went wrong (always terminated). */
bool stream_suite_run(size_t index, const struct stream_subject *subject, char *why, size_t why_size);

#endif
