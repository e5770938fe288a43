/* UTF-8 and back in the C library's and Microsoft's forms. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "api/crt/utf16.h"

static size_t illegal(void)
{
	errno = EILSEQ;
	return (size_t)-1;
}

size_t ponto_mbstowcs(WCHAR *to, const char *from, size_t n)
{
	struct utf_result result = utf16_from_utf8(from, strlen(from), to, to ? n : 0);

	if (result.malformed)
		return illegal();
	if (!to)
		return result.total;
	if (result.written < n)
		to[result.written] = 0;
	return result.written;
}

size_t ponto_wcstombs(char *to, const WCHAR *from, size_t n)
{
	struct utf_result result = utf8_from_utf16(from, utf16_len(from), to, to ? n : 0);

	if (result.malformed)
		return illegal();
	if (!to)
		return result.total;
	if (result.written < n)
		to[result.written] = 0;
	return result.written;
}

/* Nowhere to write and no size go together: then it is only counted. */
static bool are_legal(const void *to, size_t size, const void *from, size_t *converted)
{
	if (converted)
		*converted = 0;
	return from && !to == !size;
}

/* Characters that may be written into size, NUL included, of which n are wanted. */
static size_t room(size_t size, size_t n)
{
	return n < size ? n : size ? size - 1 : 0;
}

/* What the bounded forms make of such a conversion. */
static errno_t bounded(struct utf_result result, size_t size, size_t n, size_t *converted)
{
	if (size == 0 && converted)
		*converted = result.total + 1;
	if (result.malformed)
		return EILSEQ;
	if (size == 0)
		return 0;
	if (result.written < result.total && n != _TRUNCATE && n >= size)
		return ERANGE;
	if (converted)
		*converted = result.written + 1;
	return result.written < result.total && n == _TRUNCATE ? STRUNCATE : 0;
}

errno_t mbstowcs_s(size_t *converted, WCHAR *to, size_t size, const char *from, size_t n)
{
	struct utf_result result;
	errno_t error;

	if (!are_legal(to, size, from, converted))
		return EINVAL;
	result = utf16_from_utf8(from, strlen(from), to, room(size, n));
	error = bounded(result, size, n, converted);
	if (to)
		to[error == 0 || error == STRUNCATE ? result.written : 0] = 0;
	return error;
}

errno_t wcstombs_s(size_t *converted, char *to, size_t size, const WCHAR *from, size_t n)
{
	struct utf_result result;
	errno_t error;

	if (!are_legal(to, size, from, converted))
		return EINVAL;
	result = utf8_from_utf16(from, utf16_len(from), to, room(size, n));
	error = bounded(result, size, n, converted);
	if (to)
		to[error == 0 || error == STRUNCATE ? result.written : 0] = 0;
	return error;
}
