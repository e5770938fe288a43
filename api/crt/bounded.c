/* Microsoft's bounded functions, wide and narrow. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "api/crt/utf16.h"

#define CHAR WCHAR
#define NAME(function) wide_##function
#include "api/crt/bounded.inc"
#undef CHAR
#undef NAME
#undef NO_LIMIT
#define CHAR char
#define NAME(function) narrow_##function
#include "api/crt/bounded.inc"

errno_t wcscpy_s(WCHAR *to, size_t size, const WCHAR *from)
{
	return wide_copy(to, size, from, NO_LIMIT);
}

errno_t wcsncpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t n)
{
	return wide_copy(to, size, from, n);
}

errno_t wcscat_s(WCHAR *to, size_t size, const WCHAR *from)
{
	return wide_concatenate(to, size, from, NO_LIMIT);
}

errno_t wcsncat_s(WCHAR *to, size_t size, const WCHAR *from, size_t n)
{
	return wide_concatenate(to, size, from, n);
}

errno_t strcpy_s(char *to, size_t size, const char *from)
{
	return narrow_copy(to, size, from, NO_LIMIT);
}

errno_t strncpy_s(char *to, size_t size, const char *from, size_t n)
{
	return narrow_copy(to, size, from, n);
}

errno_t strcat_s(char *to, size_t size, const char *from)
{
	return narrow_concatenate(to, size, from, NO_LIMIT);
}

errno_t strncat_s(char *to, size_t size, const char *from, size_t n)
{
	return narrow_concatenate(to, size, from, n);
}

errno_t memcpy_s(void *to, size_t size, const void *from, size_t n)
{
	if (n == 0)
		return 0;
	if (!to)
		return EINVAL;
	if (!from || n > size) {
		memset(to, 0, size);
		return from ? ERANGE : EINVAL;
	}
	memcpy(to, from, n);
	return 0;
}

errno_t wmemcpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t n)
{
	if (n > SIZE_MAX / sizeof(*to) || size > SIZE_MAX / sizeof(*to))
		return ERANGE;
	return memcpy_s(to, size * sizeof(*to), from, n * sizeof(*to));
}

/* A text whose NUL is not within size is refused and emptied. */
static errno_t check(WCHAR *s, size_t size)
{
	if (!s || size == 0)
		return EINVAL;
	if (wide_length(s, size) < size)
		return 0;
	s[0] = 0;
	return EINVAL;
}

errno_t _wcslwr_s(WCHAR *s, size_t size)
{
	errno_t error = check(s, size);

	if (!error)
		_wcslwr(s);
	return error;
}

errno_t _wcsupr_s(WCHAR *s, size_t size)
{
	errno_t error = check(s, size);

	if (!error)
		_wcsupr(s);
	return error;
}

int _stricmp(const char *a, const char *b)
{
	return strcasecmp(a, b);
}

int _strnicmp(const char *a, const char *b, size_t n)
{
	return strncasecmp(a, b, n);
}

char *_strdup(const char *s)
{
	return s ? strdup(s) : NULL;
}

char *strtok_s(char *s, const char *delimiters, char **context)
{
	return delimiters && context ? strtok_r(s, delimiters, context) : NULL;
}
