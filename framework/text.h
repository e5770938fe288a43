/* Ponto, internal to the framework: a text that grows. After memory ran out
 * everything does nothing and take reports it, so callers check once. */
#ifndef PONTO_TEXT_H
#define PONTO_TEXT_H

#include "framework/base.h"

struct ponto_text {
	const struct ponto_alloc *alloc;
	char *data; /* NUL-terminated once something was added */
	size_t len, cap;
	bool failed;
};

void ponto_text_add(struct ponto_text *t, const char *format, ...) PONTO_PRINTF(2, 3);
void ponto_text_add_bytes(struct ponto_text *t, const char *data, size_t len);

/* Hands the text over, "" when nothing was added; t is empty afterwards. PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int ponto_text_take(struct ponto_text *t, char **out);

void ponto_text_free(struct ponto_text *t);

#endif
