/* Ponto tests: lines of standard input, as they come, to a program that runs a loop. */
#ifndef PONTO_TESTS_SUPPORT_LINES_H
#define PONTO_TESTS_SUPPORT_LINES_H

#include "framework/loop.h"

struct lines {
	struct ponto_loop *loop;
	void (*line)(void *arg, char *text); /* without its end; may be changed */
	void *arg;
	struct ponto_watch *watch;
	char text[65536];
	size_t len;
};

/* line is called for each until standard input ends, which stops the loop. borrows l until lines_end */
void lines_begin(struct lines *l, struct ponto_loop *loop, void (*line)(void *arg, char *text), void *arg);
void lines_end(struct lines *l);

#endif
