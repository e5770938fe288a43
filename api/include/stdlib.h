/* The host's, and conversions between UTF-8 and 16-bit units in place of its multibyte functions. */
#ifndef PONTO_WIN32_STDLIB_H
#define PONTO_WIN32_STDLIB_H

#include <crtdefs.h>

#if PONTO_SHORT_WCHAR && !defined(__cplusplus)
#define mbtowc ponto_host_mbtowc
#define wctomb ponto_host_wctomb
#define mbstowcs ponto_host_mbstowcs
#define wcstombs ponto_host_wcstombs
#include_next <stdlib.h>
#undef mbtowc
#undef wctomb
#undef mbstowcs
#undef wcstombs
#else
#include_next <stdlib.h>
#endif
#include <wchar.h>

#ifndef _MAX_PATH
#define _MAX_PATH 260
#define _MAX_DRIVE 3
#define _MAX_DIR 256
#define _MAX_FNAME 256
#define _MAX_EXT 256
#endif
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* In C++ with -fshort-wchar these two stay the host's, which <cstdlib> has bound already: use the forms with _s. */
#if !PONTO_SHORT_WCHAR || !defined(__cplusplus)
PONTO_BEGIN_CRT
/* UTF-8 to units and back, as the C library's: units or bytes without the NUL, which is written when there is room;
 * (size_t)-1 for malformed text; to NULL counts only. */
PONTO_CRT(size_t, mbstowcs, (WCHAR * to, const char *from, size_t n))
PONTO_CRT(size_t, wcstombs, (char *to, const WCHAR *from, size_t n))
PONTO_END_CRT
#endif

#if PONTO_SHORT_WCHAR && !defined(__cplusplus)
int mbtowc(WCHAR *unit, const char *s, size_t n) PONTO_ABSENT;
int wctomb(char *s, WCHAR unit) PONTO_ABSENT;
#endif

PONTO_BEGIN_DECLS

/* *converted, when not NULL: what was written, the NUL included. n _TRUNCATE: as much as fits, then STRUNCATE. */
errno_t mbstowcs_s(size_t *converted, WCHAR *to, size_t size, const char *from, size_t n);
errno_t wcstombs_s(size_t *converted, char *to, size_t size, const WCHAR *from, size_t n);
long long _atoi64(const char *s);
/* *text in memory for free, NULL with *size 0 when name is not set. */
errno_t _wdupenv_s(WCHAR **text, size_t *size, const WCHAR *name);

PONTO_END_DECLS

#endif
