/* Ponto's Windows headers, what all others include first: the width of a wide character, and how symbols are declared.
 *
 * WCHAR is a UTF-16 unit of 16 bits in every mode, so the binary interface is one:
 *   -fshort-wchar                       WCHAR is wchar_t, L"text" is wide text
 *   C++, or C with PONTO_CHAR16         WCHAR is char16_t, u"text" is wide text; the host's wchar_t stays what it is */
#ifndef PONTO_WIN32_PONTOBASE_H
#define PONTO_WIN32_PONTOBASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#if __SIZEOF_WCHAR_T__ == 2
#define PONTO_SHORT_WCHAR 1
#define PONTO_WIDE(text) L##text
typedef wchar_t WCHAR;
#elif defined(__cplusplus) || defined(PONTO_CHAR16)
#define PONTO_SHORT_WCHAR 0
#define PONTO_WIDE(text) u##text
#ifndef __cplusplus
#include <uchar.h>
#endif
typedef char16_t WCHAR;
#else
#error "WCHAR has 16 bits: compile with -fshort-wchar (pkg-config --cflags ponto-win32), or define PONTO_CHAR16"
#endif

/* Around declarations: C linkage, and visible outside a library that is built with hidden symbols. */
#ifdef __cplusplus
#define PONTO_BEGIN_DECLS _Pragma("GCC visibility push(default)") extern "C" {
#define PONTO_END_DECLS } _Pragma("GCC visibility pop")
#else
#define PONTO_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define PONTO_END_DECLS _Pragma("GCC visibility pop")
#endif

#endif
