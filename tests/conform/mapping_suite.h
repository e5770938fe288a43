/* Ponto tests: the mapping contract, sentence by sentence, for any plugin of its kind.
 *
 * No test framework inside: a case returns whether it holds and writes a reason when it does not, so that both `make
 * check` and `ponto plugin check` can run it. A case gets a fresh bed, opens and closes handles on it, and runs its loop
 * on the caller's thread. */
#ifndef PONTO_TESTS_CONFORM_MAPPING_SUITE_H
#define PONTO_TESTS_CONFORM_MAPPING_SUITE_H

#include "framework/mapping.h"

struct mapping_bed {
	struct ponto_mapping mapping;
	struct ponto_loop *loop;
	struct ponto_addr local; /* an own IPv4 address and a port, whose neighbour is free too */
	uint64_t patience;	 /* microseconds within which an answer is there */
	/* Where there is a gateway, NULL otherwise: whether it has that port of ours mapped now. */
	bool (*mapped)(void *ctx, uint16_t port);
	/* And has it give another port than was asked for from now on. */
	void (*shift)(void *ctx);
	void *ctx;
};

struct mapping_subject {
	int (*open)(void *ctx, struct mapping_bed *out);
	void (*close)(void *ctx, struct mapping_bed *bed);
	void *ctx;
};

enum mapping_verdict {
	MAPPING_BROKEN,
	MAPPING_HOLDS,
	MAPPING_NOT_TRIED, /* it takes a gateway */
};

size_t mapping_suite_count(void);

/* "refusals", "given back", …; index below the count. */
const char *mapping_suite_name(size_t index);

/* why says what went wrong, or why it was not tried (always terminated). */
enum mapping_verdict mapping_suite_run(size_t index, const struct mapping_subject *subject, char *why, size_t why_size);

#endif
