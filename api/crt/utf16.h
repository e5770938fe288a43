/* UTF-16 and UTF-8. Pure; nothing keeps state.
 *
 * Two ways with malformed text: a converter either counts it as U+FFFD or reports it, as its caller says. */
#ifndef PONTO_API_CRT_UTF16_H
#define PONTO_API_CRT_UTF16_H

#include <stdbool.h>

#include <pontobase.h>

#define UTF16_REPLACEMENT 0xfffdu

/* The next character of s, which ends at end, and moves *s past it. Malformed: U+FFFD, one byte or unit passed, *bad
 * set (when bad is not NULL); otherwise *bad stays. */
uint32_t utf8_next(const char **s, const char *end, bool *bad);
uint32_t utf16_next(const WCHAR **s, const WCHAR *end, bool *bad);

/* Units (1 or 2) and bytes (1 to 4) of a code point. */
size_t utf16_put(uint32_t point, WCHAR out[2]);
size_t utf8_put(uint32_t point, char out[4]);

struct utf_result {
	size_t total;	/* units or bytes that the whole text makes */
	size_t written; /* of them, which fitted as whole characters */
	bool malformed; /* something became U+FFFD */
};

/* Converts len bytes, or units, as far as they fit into room units, or bytes; no NUL. to may be NULL with room 0. */
struct utf_result utf16_from_utf8(const char *from, size_t len, WCHAR *to, size_t room);
struct utf_result utf8_from_utf16(const WCHAR *from, size_t len, char *to, size_t room);

/* Copies of text that ends in NUL, malformed parts as U+FFFD. gives, from malloc; NULL when memory is refused */
WCHAR *utf16_dup(const char *text);
char *utf8_dup(const WCHAR *text);

/* Units before the NUL. */
size_t utf16_len(const WCHAR *text);

#endif
