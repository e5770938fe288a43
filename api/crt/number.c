/* Numbers in wide text. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <wchar.h>

#include "api/crt/utf16.h"

/* What strtol and the like skip and read is ASCII, so a narrow copy of as much as can be part of a number is enough: up
 * to the first unit that is not. */
static char *ascii(const WCHAR *s, char *small, size_t room)
{
	size_t len = 0;
	char *copy = small;

	while (s[len] && s[len] < 0x80)
		len++;
	if (len >= room && !(copy = malloc(len + 1)))
		return NULL;
	for (size_t i = 0; i < len; i++)
		copy[i] = (char)s[i];
	copy[len] = 0;
	return copy;
}

#define NUMBER_ROOM 128

/* The reading of one number: type value = read(copy, &stop, base). Without memory: 0 and ENOMEM, nothing read. */
#define READ_NUMBER(type, call)                                                                                        \
	do {                                                                                                           \
		char small[NUMBER_ROOM], *copy = ascii(s, small, sizeof(small));                                       \
		char *stop = copy;                                                                                     \
		type value = 0;                                                                                        \
                                                                                                                       \
		if (copy)                                                                                              \
			value = call;                                                                                  \
		else                                                                                                   \
			errno = ENOMEM;                                                                                \
		if (end)                                                                                               \
			*end = (WCHAR *)s + (stop - copy);                                                             \
		if (copy != small)                                                                                     \
			free(copy);                                                                                    \
		return value;                                                                                          \
	} while (0)

long long ponto_wcstoll(const WCHAR *s, WCHAR **end, int base)
{
	READ_NUMBER(long long, strtoll(copy, &stop, base));
}

unsigned long long ponto_wcstoull(const WCHAR *s, WCHAR **end, int base)
{
	READ_NUMBER(unsigned long long, strtoull(copy, &stop, base));
}

double ponto_wcstod(const WCHAR *s, WCHAR **end)
{
	READ_NUMBER(double, strtod(copy, &stop));
}

float ponto_wcstof(const WCHAR *s, WCHAR **end)
{
	READ_NUMBER(float, strtof(copy, &stop));
}

long ponto_wcstol(const WCHAR *s, WCHAR **end, int base)
{
	long long value = ponto_wcstoll(s, end, base);

	if (value >= INT_MIN && value <= INT_MAX)
		return (long)value;
	errno = ERANGE;
	return value < 0 ? INT_MIN : INT_MAX;
}

/* A negative text wraps around, as far as its size fits. */
unsigned long ponto_wcstoul(const WCHAR *s, WCHAR **end, int base)
{
	unsigned long long value = ponto_wcstoull(s, end, base);

	if (value <= UINT_MAX || value >= (unsigned long long)-(long long)UINT_MAX)
		return (unsigned int)value;
	errno = ERANGE;
	return UINT_MAX;
}

long long _wcstoi64(const WCHAR *s, WCHAR **end, int base)
{
	return ponto_wcstoll(s, end, base);
}

unsigned long long _wcstoui64(const WCHAR *s, WCHAR **end, int base)
{
	return ponto_wcstoull(s, end, base);
}

int _wtoi(const WCHAR *s)
{
	return s ? (int)ponto_wcstol(s, NULL, 10) : 0;
}

int _wtol(const WCHAR *s)
{
	return _wtoi(s);
}

long long _wtoi64(const WCHAR *s)
{
	return s ? ponto_wcstoll(s, NULL, 10) : 0;
}

double _wtof(const WCHAR *s)
{
	return s ? ponto_wcstod(s, NULL) : 0;
}

long long _atoi64(const char *s)
{
	return s ? strtoll(s, NULL, 10) : 0;
}

errno_t _ui64tow_s(unsigned long long value, WCHAR *to, size_t size, int base)
{
	WCHAR digits[64];
	size_t count = 0;

	if (!to || size == 0)
		return EINVAL;
	to[0] = 0;
	if (base < 2 || base > 36)
		return EINVAL;
	do {
		digits[count++] = (WCHAR)u"0123456789abcdefghijklmnopqrstuvwxyz"[value % (unsigned int)base];
		value /= (unsigned int)base;
	} while (value);
	if (count >= size)
		return ERANGE;
	for (size_t i = 0; i < count; i++)
		to[i] = digits[count - 1 - i];
	to[count] = 0;
	return 0;
}

errno_t _ultow_s(unsigned int value, WCHAR *to, size_t size, int base)
{
	return _ui64tow_s(value, to, size, base);
}

/* A sign in base 10 only; other bases show the bits of the type. */
errno_t _i64tow_s(long long value, WCHAR *to, size_t size, int base)
{
	errno_t error;

	if (base != 10 || value >= 0)
		return _ui64tow_s((unsigned long long)value, to, size, base);
	if (!to || size == 0)
		return EINVAL;
	error = _ui64tow_s(-(unsigned long long)value, to + 1, size - 1, base);
	to[0] = error ? 0 : '-';
	return error == EINVAL ? ERANGE : error;
}

errno_t _itow_s(int value, WCHAR *to, size_t size, int base)
{
	return base == 10 ? _i64tow_s(value, to, size, base) : _ui64tow_s((unsigned int)value, to, size, base);
}
