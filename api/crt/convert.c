/* UTF-8 and back in the C library's and Microsoft's forms. */
#include <errno.h>
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

/* What the bounded forms make of a conversion into size, NUL included, of which n may be used. */
static errno_t bounded(struct utf_result result, size_t size, size_t n, size_t *converted)
{
	if (result.malformed)
		return EILSEQ;
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

	if (converted)
		*converted = 0;
	if (!from || (!to && size) || (to && !size))
		return EINVAL;
	result = utf16_from_utf8(from, strlen(from), to, !size ? 0 : n < size ? n : size - 1);
	if (!to) {
		if (converted)
			*converted = result.total + 1;
		return result.malformed ? EILSEQ : 0;
	}
	error = bounded(result, size, n, converted);
	to[error == 0 || error == STRUNCATE ? result.written : 0] = 0;
	return error;
}

errno_t wcstombs_s(size_t *converted, char *to, size_t size, const WCHAR *from, size_t n)
{
	struct utf_result result;
	errno_t error;

	if (converted)
		*converted = 0;
	if (!from || (!to && size) || (to && !size))
		return EINVAL;
	result = utf8_from_utf16(from, utf16_len(from), to, !size ? 0 : n < size ? n : size - 1);
	if (!to) {
		if (converted)
			*converted = result.total + 1;
		return result.malformed ? EILSEQ : 0;
	}
	error = bounded(result, size, n, converted);
	to[error == 0 || error == STRUNCATE ? result.written : 0] = 0;
	return error;
}
