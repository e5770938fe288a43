#include "api/crt/utf16.h"

#include <stdlib.h>
#include <string.h>

#include "framework/utf8.h"

static uint32_t malformed(bool *bad)
{
	if (bad)
		*bad = true;
	return UTF16_REPLACEMENT;
}

uint32_t utf8_next(const char **s, const char *end, bool *bad)
{
	char one[5] = {0};
	size_t left = (size_t)(end - *s);
	uint32_t point;
	size_t len;

	memcpy(one, *s, left < 4 ? left : 4);
	/* A NUL inside is a character like another. */
	len = **s ? utf8_decode(one, &point) : 1;
	if (len == 0) {
		++*s;
		return malformed(bad);
	}
	if (!**s)
		point = 0;
	*s += len;
	return point;
}

uint32_t utf16_next(const WCHAR **s, const WCHAR *end, bool *bad)
{
	uint32_t first = *(*s)++;

	if (first < 0xd800 || first > 0xdfff)
		return first;
	if (first > 0xdbff || *s == end || **s < 0xdc00 || **s > 0xdfff) {
		return malformed(bad);
	}
	return 0x10000 + ((first & 0x3ff) << 10 | (*(*s)++ & 0x3ffu));
}

size_t utf16_put(uint32_t point, WCHAR out[2])
{
	if (point < 0x10000) {
		out[0] = (WCHAR)point;
		return 1;
	}
	point -= 0x10000;
	out[0] = (WCHAR)(0xd800 | point >> 10);
	out[1] = (WCHAR)(0xdc00 | (point & 0x3ff));
	return 2;
}

size_t utf8_put(uint32_t point, char out[4])
{
	size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i > 1; i--) {
		out[i - 1] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	out[0] = (char)(heads[len] | point);
	return len;
}

struct utf_result utf16_from_utf8(const char *from, size_t len, WCHAR *to, size_t room)
{
	struct utf_result result = {0};
	const char *end = from + len;

	while (from < end) {
		WCHAR units[2];
		size_t n = utf16_put(utf8_next(&from, end, &result.malformed), units);

		if (result.written == result.total && n <= room - result.written) {
			memcpy(to + result.written, units, n * sizeof(*to));
			result.written += n;
		}
		result.total += n;
	}
	return result;
}

struct utf_result utf8_from_utf16(const WCHAR *from, size_t len, char *to, size_t room)
{
	struct utf_result result = {0};
	const WCHAR *end = from + len;

	while (from < end) {
		char bytes[4];
		size_t n = utf8_put(utf16_next(&from, end, &result.malformed), bytes);

		if (result.written == result.total && n <= room - result.written) {
			memcpy(to + result.written, bytes, n);
			result.written += n;
		}
		result.total += n;
	}
	return result;
}

size_t utf16_len(const WCHAR *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

WCHAR *utf16_dup(const char *text)
{
	size_t len = strlen(text);
	size_t units = utf16_from_utf8(text, len, NULL, 0).total;
	WCHAR *copy = malloc((units + 1) * sizeof(*copy));

	if (!copy)
		return NULL;
	utf16_from_utf8(text, len, copy, units);
	copy[units] = 0;
	return copy;
}

char *utf8_dup(const WCHAR *text)
{
	size_t len = utf16_len(text);
	size_t bytes = utf8_from_utf16(text, len, NULL, 0).total;
	char *copy = malloc(bytes + 1);

	if (!copy)
		return NULL;
	utf8_from_utf16(text, len, copy, bytes);
	copy[bytes] = 0;
	return copy;
}
