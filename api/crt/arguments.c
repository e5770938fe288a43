/* The arguments of a program as UTF-16. */
#include <stdlib.h>
#include <string.h>

#include <ponto.h>

#include "api/crt/utf16.h"

/* Pointers, then the texts. */
WCHAR **PontoWideArguments(char *const *texts)
{
	size_t count = 0, units = 0, left;
	WCHAR **wide, *at;

	for (; texts[count]; count++)
		units += utf16_from_utf8(texts[count], strlen(texts[count]), NULL, 0).total + 1;
	wide = malloc((count + 1) * sizeof(*wide) + units * sizeof(*at));
	if (!wide) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	at = (WCHAR *)(wide + count + 1);
	left = units;
	for (size_t i = 0; i < count; i++) {
		size_t len = utf16_from_utf8(texts[i], strlen(texts[i]), at, left).written;

		wide[i] = at;
		at[len] = 0;
		at += len + 1;
		left -= len + 1;
	}
	wide[count] = NULL;
	return wide;
}
