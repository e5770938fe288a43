/* Ponto, inside: one character of UTF-8, strictly (RFC 3629). */
#ifndef PONTO_UTF8_H
#define PONTO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the well-formed character at text, which ends in NUL, and its code point; else 0, *point untouched. */
size_t utf8_decode(const char *text, uint32_t *point);

#endif
