/* Wide text of 16-bit units: the C library's functions and Microsoft's beside them.
 *
 * Files hold UTF-8: what is written is converted to it, what is read is converted from it, and a stream may be used by
 * wide and narrow functions alike. Formats follow Microsoft's rules in all of these: %s is wide in a wide function and
 * narrow in a narrow one, %S the other, %hs narrow, %ls and %ws wide; l means 32 bits, I64 and ll 64, I a pointer's;
 * %n is refused. Letters are compared without case in ASCII only, as in Windows' "C" locale. */
#ifndef PONTO_WIN32_WCHAR_H
#define PONTO_WIN32_WCHAR_H

#include <crtdefs.h>

#if PONTO_SHORT_WCHAR
#include <pontohide.h>
#include_next <wchar.h>
#include <pontounhide.h>
#else
#include_next <wchar.h>
#endif
#include <bits/types/FILE.h>

struct tm;

/* ---- the C library's ---- */

PONTO_BEGIN_CRT

PONTO_CRT(size_t, wcslen, (const WCHAR *s))
PONTO_CRT(size_t, wcsnlen, (const WCHAR *s, size_t max))
PONTO_CRT(WCHAR *, wcscpy, (WCHAR * to, const WCHAR *from))
PONTO_CRT(WCHAR *, wcsncpy, (WCHAR * to, const WCHAR *from, size_t n))
PONTO_CRT(WCHAR *, wcscat, (WCHAR * to, const WCHAR *from))
PONTO_CRT(WCHAR *, wcsncat, (WCHAR * to, const WCHAR *from, size_t n))
PONTO_CRT(int, wcscmp, (const WCHAR *a, const WCHAR *b))
PONTO_CRT(int, wcsncmp, (const WCHAR *a, const WCHAR *b, size_t n))
PONTO_CRT(int, wcscoll, (const WCHAR *a, const WCHAR *b))
PONTO_CRT(size_t, wcsxfrm, (WCHAR * to, const WCHAR *from, size_t n))
PONTO_CRT(size_t, wcsspn, (const WCHAR *s, const WCHAR *accept))
PONTO_CRT(size_t, wcscspn, (const WCHAR *s, const WCHAR *reject))
PONTO_CRT(WCHAR *, wcstok, (WCHAR * s, const WCHAR *delimiters, WCHAR **context))
PONTO_CRT(WCHAR *, wcsdup, (const WCHAR *s))
PONTO_CRT(int, wcscasecmp, (const WCHAR *a, const WCHAR *b))
PONTO_CRT(int, wcsncasecmp, (const WCHAR *a, const WCHAR *b, size_t n))
PONTO_CRT(WCHAR *, wmemcpy, (WCHAR * to, const WCHAR *from, size_t n))
PONTO_CRT(WCHAR *, wmemmove, (WCHAR * to, const WCHAR *from, size_t n))
PONTO_CRT(int, wmemcmp, (const WCHAR *a, const WCHAR *b, size_t n))
PONTO_CRT(WCHAR *, wmemset, (WCHAR * to, WCHAR unit, size_t n))
#ifdef __cplusplus
PONTO_CRT(WCHAR *, wcschr, (WCHAR * s, WCHAR unit))
PONTO_CRT(const WCHAR *, wcschr, (const WCHAR *s, WCHAR unit))
PONTO_CRT(WCHAR *, wcsrchr, (WCHAR * s, WCHAR unit))
PONTO_CRT(const WCHAR *, wcsrchr, (const WCHAR *s, WCHAR unit))
PONTO_CRT(WCHAR *, wcspbrk, (WCHAR * s, const WCHAR *accept))
PONTO_CRT(const WCHAR *, wcspbrk, (const WCHAR *s, const WCHAR *accept))
PONTO_CRT(WCHAR *, wcsstr, (WCHAR * s, const WCHAR *part))
PONTO_CRT(const WCHAR *, wcsstr, (const WCHAR *s, const WCHAR *part))
PONTO_CRT(WCHAR *, wmemchr, (WCHAR * s, WCHAR unit, size_t n))
PONTO_CRT(const WCHAR *, wmemchr, (const WCHAR *s, WCHAR unit, size_t n))
#else
PONTO_CRT(WCHAR *, wcschr, (const WCHAR *s, WCHAR unit))
PONTO_CRT(WCHAR *, wcsrchr, (const WCHAR *s, WCHAR unit))
PONTO_CRT(WCHAR *, wcspbrk, (const WCHAR *s, const WCHAR *accept))
PONTO_CRT(WCHAR *, wcsstr, (const WCHAR *s, const WCHAR *part))
PONTO_CRT(WCHAR *, wmemchr, (const WCHAR *s, WCHAR unit, size_t n))
#endif

/* Units without the NUL; 0 when the text does not fit or the format is longer than 1024 bytes. */
PONTO_CRT(size_t, wcsftime, (WCHAR * to, size_t size, const WCHAR *format, const struct tm *time))

PONTO_CRT(int, wprintf, (const WCHAR *format, ...))
PONTO_CRT(int, fwprintf, (FILE * file, const WCHAR *format, ...))
PONTO_CRT(int, swprintf, (WCHAR * to, size_t size, const WCHAR *format, ...))
PONTO_CRT(int, vwprintf, (const WCHAR *format, va_list arguments))
PONTO_CRT(int, vfwprintf, (FILE * file, const WCHAR *format, va_list arguments))
PONTO_CRT(int, vswprintf, (WCHAR * to, size_t size, const WCHAR *format, va_list arguments))
/* A line that does not fit is split, never inside a character; bytes that are no UTF-8 become U+FFFD. */
PONTO_CRT(WCHAR *, fgetws, (WCHAR * to, int size, FILE *file))
PONTO_CRT(int, fputws, (const WCHAR *s, FILE *file))
/* A character outside of the basic plane is read, and written, as two units. */
PONTO_CRT(wint_t, fputwc, (WCHAR unit, FILE *file))
PONTO_CRT(wint_t, putwc, (WCHAR unit, FILE *file))
#if PONTO_SHORT_WCHAR || !defined(__cplusplus)
/* Those that no overload could tell from the host's, or whose addresses the library of C++ takes. */
PONTO_CRT(wint_t, fgetwc, (FILE * file))
PONTO_CRT(wint_t, getwc, (FILE * file))
PONTO_CRT(wint_t, ungetwc, (wint_t unit, FILE *file))
PONTO_CRT(wint_t, getwchar, (void))
PONTO_CRT(wint_t, putwchar, (WCHAR unit))
/* The results of wcstol and wcstoul have the host's long, but stop at 32 bits as on Windows. */
PONTO_CRT(long, wcstol, (const WCHAR *s, WCHAR **end, int base))
PONTO_CRT(unsigned long, wcstoul, (const WCHAR *s, WCHAR **end, int base))
PONTO_CRT(long long, wcstoll, (const WCHAR *s, WCHAR **end, int base))
PONTO_CRT(unsigned long long, wcstoull, (const WCHAR *s, WCHAR **end, int base))
PONTO_CRT(double, wcstod, (const WCHAR *s, WCHAR **end))
PONTO_CRT(float, wcstof, (const WCHAR *s, WCHAR **end))
#endif

PONTO_END_CRT

#if PONTO_SHORT_WCHAR
/* What the host alone offers would read 32-bit units: a use is an error of compilation, not of the program that runs. */
#define PONTO_ABSENT __attribute__((error("not offered for 16-bit wchar_t")))
#ifdef __cplusplus
extern "C" {
#endif
int wscanf(const WCHAR *format, ...) PONTO_ABSENT;
int fwscanf(FILE *file, const WCHAR *format, ...) PONTO_ABSENT;
int swscanf(const WCHAR *s, const WCHAR *format, ...) PONTO_ABSENT;
int vwscanf(const WCHAR *format, va_list arguments) PONTO_ABSENT;
int vfwscanf(FILE *file, const WCHAR *format, va_list arguments) PONTO_ABSENT;
int vswscanf(const WCHAR *s, const WCHAR *format, va_list arguments) PONTO_ABSENT;
size_t mbrtowc(WCHAR *unit, const char *s, size_t n, mbstate_t *state) PONTO_ABSENT;
size_t wcrtomb(char *s, WCHAR unit, mbstate_t *state) PONTO_ABSENT;
size_t mbsrtowcs(WCHAR *to, const char **from, size_t n, mbstate_t *state) PONTO_ABSENT;
size_t wcsrtombs(char *to, const WCHAR **from, size_t n, mbstate_t *state) PONTO_ABSENT;
long double wcstold(const WCHAR *s, WCHAR **end) PONTO_ABSENT;
int fwide(FILE *file, int mode) PONTO_ABSENT;
int wcwidth(WCHAR unit) PONTO_ABSENT;
int wcswidth(const WCHAR *s, size_t n) PONTO_ABSENT;
#ifdef __cplusplus
}
#endif
#endif

/* ---- Microsoft's ---- */

PONTO_BEGIN_DECLS

int _wcsicmp(const WCHAR *a, const WCHAR *b);
int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t n);
int _wcsicoll(const WCHAR *a, const WCHAR *b);
WCHAR *_wcsdup(const WCHAR *s);
WCHAR *_wcslwr(WCHAR *s);
WCHAR *_wcsupr(WCHAR *s);
WCHAR *_wcsrev(WCHAR *s);

/* The bounded forms: 0, or an errno (EINVAL for NULL or size 0, ERANGE when it does not fit) with to emptied. There is no
 * handler of invalid parameters that ends the program. n _TRUNCATE: as much as fits, then STRUNCATE. */
#define STRUNCATE 80
errno_t wcscpy_s(WCHAR *to, size_t size, const WCHAR *from);
errno_t wcscat_s(WCHAR *to, size_t size, const WCHAR *from);
errno_t wcsncpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t n);
errno_t wcsncat_s(WCHAR *to, size_t size, const WCHAR *from, size_t n);
errno_t _wcslwr_s(WCHAR *s, size_t size);
errno_t _wcsupr_s(WCHAR *s, size_t size);
errno_t wmemcpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t n);
size_t wcsnlen_s(const WCHAR *s, size_t max);
WCHAR *wcstok_s(WCHAR *s, const WCHAR *delimiters, WCHAR **context);

/* Decimal; 0 when there is no number; the nearest limit when it is too large. */
int _wtoi(const WCHAR *s);
int _wtol(const WCHAR *s);
long long _wtoi64(const WCHAR *s);
double _wtof(const WCHAR *s);
long long _wcstoi64(const WCHAR *s, WCHAR **end, int base);
unsigned long long _wcstoui64(const WCHAR *s, WCHAR **end, int base);
/* Base 2 to 36. */
errno_t _itow_s(int value, WCHAR *to, size_t size, int base);
errno_t _ultow_s(unsigned int value, WCHAR *to, size_t size, int base);
errno_t _i64tow_s(long long value, WCHAR *to, size_t size, int base);
errno_t _ui64tow_s(unsigned long long value, WCHAR *to, size_t size, int base);

/* Units written without the NUL. swprintf_s: -1 and an empty text when it does not fit. _snwprintf: no NUL when exactly
 * count fit, -1 and no NUL when more. _snwprintf_s: count units at the most, or _TRUNCATE; -1 when cut. */
int wprintf_s(const WCHAR *format, ...);
int fwprintf_s(FILE *file, const WCHAR *format, ...);
int swprintf_s(WCHAR *to, size_t size, const WCHAR *format, ...);
int vwprintf_s(const WCHAR *format, va_list arguments);
int vfwprintf_s(FILE *file, const WCHAR *format, va_list arguments);
int vswprintf_s(WCHAR *to, size_t size, const WCHAR *format, va_list arguments);
int _snwprintf(WCHAR *to, size_t count, const WCHAR *format, ...);
int _vsnwprintf(WCHAR *to, size_t count, const WCHAR *format, va_list arguments);
int _snwprintf_s(WCHAR *to, size_t size, size_t count, const WCHAR *format, ...);
int _vsnwprintf_s(WCHAR *to, size_t size, size_t count, const WCHAR *format, va_list arguments);
int _scwprintf(const WCHAR *format, ...);
int _vscwprintf(const WCHAR *format, va_list arguments);
int _putws(const WCHAR *s);
/* The line without its end; EINVAL and NULL when it does not fit. */
WCHAR *_getws_s(WCHAR *to, size_t size);

/* Modes as fopen's; "ccs=UTF-8" is accepted, other encodings are EINVAL; the descriptor is close-on-exec. */
FILE *_wfopen(const WCHAR *name, const WCHAR *mode);
errno_t _wfopen_s(FILE **file, const WCHAR *name, const WCHAR *mode);
int _wremove(const WCHAR *name);
/* The value in a buffer that lasts until the thread's next call; NULL when it is not set. */
WCHAR *_wgetenv(const WCHAR *name);

PONTO_END_DECLS

#endif
