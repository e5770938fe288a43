/* The host's, with formats by Microsoft's rules for programs with 16-bit wchar_t (see wchar.h): printf("%S", L"…"). */
#ifndef PONTO_WIN32_STDIO_H
#define PONTO_WIN32_STDIO_H

#include <crtdefs.h>

#if PONTO_SHORT_WCHAR
#define printf ponto_host_printf
#define fprintf ponto_host_fprintf
#define sprintf ponto_host_sprintf
#define snprintf ponto_host_snprintf
#define vprintf ponto_host_vprintf
#define vfprintf ponto_host_vfprintf
#define vsprintf ponto_host_vsprintf
#define vsnprintf ponto_host_vsnprintf
#include_next <stdio.h>
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#else
#include_next <stdio.h>
#endif
#include <wchar.h>

PONTO_BEGIN_DECLS

#if PONTO_SHORT_WCHAR
int printf(const char *format, ...) __asm__("ponto_printf");
int fprintf(FILE *file, const char *format, ...) __asm__("ponto_fprintf");
int sprintf(char *to, const char *format, ...) __asm__("ponto_sprintf");
int snprintf(char *to, size_t size, const char *format, ...) __asm__("ponto_snprintf");
int vprintf(const char *format, va_list arguments) __asm__("ponto_vprintf");
int vfprintf(FILE *file, const char *format, va_list arguments) __asm__("ponto_vfprintf");
int vsprintf(char *to, const char *format, va_list arguments) __asm__("ponto_vsprintf");
int vsnprintf(char *to, size_t size, const char *format, va_list arguments) __asm__("ponto_vsnprintf");
#else
/* By Microsoft's rules, with WCHAR behind %S, while printf stays the host's. */
int ponto_printf(const char *format, ...);
int ponto_fprintf(FILE *file, const char *format, ...);
int ponto_sprintf(char *to, const char *format, ...);
int ponto_snprintf(char *to, size_t size, const char *format, ...);
int ponto_vprintf(const char *format, va_list arguments);
int ponto_vfprintf(FILE *file, const char *format, va_list arguments);
int ponto_vsprintf(char *to, const char *format, va_list arguments);
int ponto_vsnprintf(char *to, size_t size, const char *format, va_list arguments);
#endif

/* As their wide namesakes in wchar.h; sizes in bytes. */
int printf_s(const char *format, ...);
int fprintf_s(FILE *file, const char *format, ...);
int sprintf_s(char *to, size_t size, const char *format, ...);
int vsprintf_s(char *to, size_t size, const char *format, va_list arguments);
int _snprintf(char *to, size_t count, const char *format, ...);
int _vsnprintf(char *to, size_t count, const char *format, va_list arguments);
int _snprintf_s(char *to, size_t size, size_t count, const char *format, ...);
int _vsnprintf_s(char *to, size_t size, size_t count, const char *format, va_list arguments);
int _scprintf(const char *format, ...);
int _vscprintf(const char *format, va_list arguments);
/* *file NULL on failure. */
errno_t fopen_s(FILE **file, const char *name, const char *mode);
int _fileno(FILE *file);

PONTO_END_DECLS

#endif
