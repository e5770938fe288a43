#include "framework/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool room(struct ponto_text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 256;
	char *grown;

	if (t->failed)
		return false;
	while (cap < t->len + more + 1)
		cap *= 2;
	if (cap == t->cap)
		return true;
	grown = ponto_resize(t->alloc, t->data, cap, 1);
	t->failed = !grown;
	if (!grown)
		return false;
	t->data = grown;
	t->cap = cap;
	return true;
}

void ponto_text_add_bytes(struct ponto_text *t, const char *data, size_t len)
{
	if (!room(t, len))
		return;
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void ponto_text_add(struct ponto_text *t, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len >= 0 && room(t, (size_t)len)) {
		vsnprintf(t->data + t->len, (size_t)len + 1, format, again);
		t->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

int ponto_text_take(struct ponto_text *t, char **out)
{
	ponto_text_add_bytes(t, "", 0);
	if (t->failed) {
		ponto_text_free(t);
		return PONTO_ENOMEM;
	}
	*out = t->data;
	t->data = NULL;
	t->len = t->cap = 0;
	return PONTO_OK;
}

void ponto_text_free(struct ponto_text *t)
{
	ponto_free(t->alloc, t->data);
	t->data = NULL;
	t->len = t->cap = 0;
}
