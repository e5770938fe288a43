/* The C library's functions for wide text, and Microsoft's that cannot fail. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "api/crt/utf16.h"

size_t ponto_wcslen(const WCHAR *s)
{
	return utf16_len(s);
}

size_t ponto_wcsnlen(const WCHAR *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len])
		len++;
	return len;
}

size_t wcsnlen_s(const WCHAR *s, size_t max)
{
	return s ? ponto_wcsnlen(s, max) : 0;
}

WCHAR *ponto_wmemcpy(WCHAR *to, const WCHAR *from, size_t n)
{
	return memcpy(to, from, n * sizeof(*to));
}

WCHAR *ponto_wmemmove(WCHAR *to, const WCHAR *from, size_t n)
{
	return memmove(to, from, n * sizeof(*to));
}

int ponto_wmemcmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

WCHAR *ponto_wmemset(WCHAR *to, WCHAR unit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = unit;
	return to;
}

WCHAR *ponto_wmemchr(const WCHAR *s, WCHAR unit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == unit)
			return (WCHAR *)&s[i];
	return NULL;
}

WCHAR *ponto_wcscpy(WCHAR *to, const WCHAR *from)
{
	return ponto_wmemcpy(to, from, utf16_len(from) + 1);
}

WCHAR *ponto_wcsncpy(WCHAR *to, const WCHAR *from, size_t n)
{
	size_t len = ponto_wcsnlen(from, n);

	ponto_wmemcpy(to, from, len);
	ponto_wmemset(to + len, 0, n - len);
	return to;
}

WCHAR *ponto_wcscat(WCHAR *to, const WCHAR *from)
{
	ponto_wcscpy(to + utf16_len(to), from);
	return to;
}

WCHAR *ponto_wcsncat(WCHAR *to, const WCHAR *from, size_t n)
{
	size_t at = utf16_len(to), len = ponto_wcsnlen(from, n);

	ponto_wmemcpy(to + at, from, len);
	to[at + len] = 0;
	return to;
}

static WCHAR fold(WCHAR unit)
{
	return unit >= 'A' && unit <= 'Z' ? (WCHAR)(unit + 32) : unit;
}

static int compare(const WCHAR *a, const WCHAR *b, size_t n, WCHAR (*map)(WCHAR))
{
	for (size_t i = 0; i < n; i++) {
		WCHAR x = map ? map(a[i]) : a[i], y = map ? map(b[i]) : b[i];

		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			return 0;
	}
	return 0;
}

int ponto_wcscmp(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, NULL);
}

int ponto_wcsncmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	return compare(a, b, n, NULL);
}

int ponto_wcscoll(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, NULL);
}

size_t ponto_wcsxfrm(WCHAR *to, const WCHAR *from, size_t n)
{
	size_t len = utf16_len(from);

	if (len < n)
		ponto_wcscpy(to, from);
	return len;
}

int ponto_wcscasecmp(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, fold);
}

int ponto_wcsncasecmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	return compare(a, b, n, fold);
}

int _wcsicmp(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, fold);
}

int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	return compare(a, b, n, fold);
}

int _wcsicoll(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, fold);
}

WCHAR *ponto_wcschr(const WCHAR *s, WCHAR unit)
{
	return ponto_wmemchr(s, unit, utf16_len(s) + 1);
}

WCHAR *ponto_wcsrchr(const WCHAR *s, WCHAR unit)
{
	const WCHAR *last = NULL;

	for (;; s++) {
		if (*s == unit)
			last = s;
		if (!*s)
			return (WCHAR *)last;
	}
}

/* Units at the start of s that are (or are not) in set. */
static size_t span(const WCHAR *s, const WCHAR *set, bool in)
{
	size_t set_len = utf16_len(set), len = 0;

	while (s[len] && (ponto_wmemchr(set, s[len], set_len) != NULL) == in)
		len++;
	return len;
}

size_t ponto_wcsspn(const WCHAR *s, const WCHAR *accept)
{
	return span(s, accept, true);
}

size_t ponto_wcscspn(const WCHAR *s, const WCHAR *reject)
{
	return span(s, reject, false);
}

WCHAR *ponto_wcspbrk(const WCHAR *s, const WCHAR *accept)
{
	s += span(s, accept, false);
	return *s ? (WCHAR *)s : NULL;
}

WCHAR *ponto_wcsstr(const WCHAR *s, const WCHAR *part)
{
	size_t len = utf16_len(part);

	for (; ponto_wcsncmp(s, part, len) != 0; s++)
		if (!*s)
			return NULL;
	return (WCHAR *)s;
}

WCHAR *ponto_wcstok(WCHAR *s, const WCHAR *delimiters, WCHAR **context)
{
	if (!s)
		s = *context;
	if (!s)
		return NULL;
	s += span(s, delimiters, true);
	if (!*s) {
		*context = NULL;
		return NULL;
	}
	*context = s + span(s, delimiters, false);
	if (**context)
		*(*context)++ = 0;
	else
		*context = NULL;
	return s;
}

WCHAR *wcstok_s(WCHAR *s, const WCHAR *delimiters, WCHAR **context)
{
	return delimiters && context ? ponto_wcstok(s, delimiters, context) : NULL;
}

WCHAR *ponto_wcsdup(const WCHAR *s)
{
	size_t units = utf16_len(s) + 1;
	WCHAR *copy = malloc(units * sizeof(*copy));

	return copy ? ponto_wmemcpy(copy, s, units) : NULL;
}

WCHAR *_wcsdup(const WCHAR *s)
{
	return s ? ponto_wcsdup(s) : NULL;
}

WCHAR *_wcslwr(WCHAR *s)
{
	for (WCHAR *at = s; *at; at++)
		*at = fold(*at);
	return s;
}

WCHAR *_wcsupr(WCHAR *s)
{
	for (WCHAR *at = s; *at; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (WCHAR)(*at - 32);
	return s;
}

WCHAR *_wcsrev(WCHAR *s)
{
	size_t len = utf16_len(s);

	for (size_t i = 0; i < len / 2; i++) {
		WCHAR unit = s[i];

		s[i] = s[len - 1 - i];
		s[len - 1 - i] = unit;
	}
	return s;
}
