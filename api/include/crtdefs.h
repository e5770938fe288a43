/* How the wide functions of the C library are declared. Their code is libponto's, under names that begin with ponto_,
 * since the host's know only its own wchar_t:
 *   -fshort-wchar   the usual name is declared with that symbol; the host's declaration is set aside
 *   C++, char16_t   the usual name is overloaded
 *   C, char16_t     the name with the prefix is what can be called */
#ifndef PONTO_WIN32_CRTDEFS_H
#define PONTO_WIN32_CRTDEFS_H

#include <pontobase.h>

typedef int errno_t;
typedef size_t rsize_t;
#define _TRUNCATE ((size_t)-1)

#if PONTO_SHORT_WCHAR || defined(__cplusplus)
#define PONTO_CRT(type, name, parameters) type name parameters __asm__("ponto_" #name);
#else
#define PONTO_CRT(type, name, parameters) type ponto_##name parameters;
#endif
#ifdef __cplusplus
#define PONTO_BEGIN_CRT _Pragma("GCC visibility push(default)") extern "C++" {
#define PONTO_END_CRT } _Pragma("GCC visibility pop")
#else
#define PONTO_BEGIN_CRT PONTO_BEGIN_DECLS
#define PONTO_END_CRT PONTO_END_DECLS
#endif

#endif
