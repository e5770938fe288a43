#include "tests/support/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_input(void *arg, unsigned events)
{
	struct lines *l = arg;
	ssize_t n = read(STDIN_FILENO, l->text + l->len, sizeof(l->text) - l->len - 1);
	char *end;

	(void)events;
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			ponto_loop_stop(l->loop);
		return;
	}
	l->len += (size_t)n;
	l->text[l->len] = '\0';
	while ((end = strchr(l->text, '\n'))) {
		*end = '\0';
		l->line(l->arg, l->text);
		l->len -= (size_t)(end + 1 - l->text);
		memmove(l->text, end + 1, l->len + 1);
	}
}

void lines_begin(struct lines *l, struct ponto_loop *loop, void (*line)(void *arg, char *text), void *arg)
{
	l->loop = loop;
	l->line = line;
	l->arg = arg;
	l->len = 0;
	if (ponto_watch_create(loop, STDIN_FILENO, PONTO_READABLE, read_input, l, &l->watch) != PONTO_OK)
		abort();
}

void lines_end(struct lines *l)
{
	ponto_watch_destroy(l->loop, l->watch);
}
