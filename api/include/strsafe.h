/* Bounded text functions. Sizes count characters (Cch) or bytes (Cb) and include the NUL; up to STRSAFE_MAX_CCH characters.
 * The destination always ends in NUL, unless its size is wrong. Results:
 *   S_OK
 *   STRSAFE_E_INVALID_PARAMETER     size 0 or above the maximum (Gets: above the maximum)
 *   STRSAFE_E_INSUFFICIENT_BUFFER   cut; the destination holds what fitted (Gets: size 1 or 0)
 *   STRSAFE_E_END_OF_FILE           Gets: nothing was read
 * A NULL destination or source is STRSAFE_E_INVALID_PARAMETER too, where Windows would fault. */
#ifndef PONTO_WIN32_STRSAFE_H
#define PONTO_WIN32_STRSAFE_H

#include <windef.h>
#include <winerror.h>

#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_MAX_LENGTH (STRSAFE_MAX_CCH - 1)
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007A)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057)
#define STRSAFE_E_END_OF_FILE ((HRESULT)0x80070026)

PONTO_BEGIN_DECLS

HRESULT StringCchCopyA(char *to, size_t size, const char *from);
HRESULT StringCchCopyNA(char *to, size_t size, const char *from, size_t n);
HRESULT StringCchCatA(char *to, size_t size, const char *from);
HRESULT StringCchCatNA(char *to, size_t size, const char *from, size_t n);
HRESULT StringCchPrintfA(char *to, size_t size, const char *format, ...);
HRESULT StringCchVPrintfA(char *to, size_t size, const char *format, va_list arguments);
HRESULT StringCchGetsA(char *to, size_t size);
HRESULT StringCchLengthA(const char *s, size_t max, size_t *length);

HRESULT StringCchCopyW(WCHAR *to, size_t size, const WCHAR *from);
HRESULT StringCchCopyNW(WCHAR *to, size_t size, const WCHAR *from, size_t n);
HRESULT StringCchCatW(WCHAR *to, size_t size, const WCHAR *from);
HRESULT StringCchCatNW(WCHAR *to, size_t size, const WCHAR *from, size_t n);
HRESULT StringCchPrintfW(WCHAR *to, size_t size, const WCHAR *format, ...);
HRESULT StringCchVPrintfW(WCHAR *to, size_t size, const WCHAR *format, va_list arguments);
HRESULT StringCchGetsW(WCHAR *to, size_t size);
HRESULT StringCchLengthW(const WCHAR *s, size_t max, size_t *length);

HRESULT StringCbCopyA(char *to, size_t size, const char *from);
HRESULT StringCbCopyNA(char *to, size_t size, const char *from, size_t n);
HRESULT StringCbCatA(char *to, size_t size, const char *from);
HRESULT StringCbCatNA(char *to, size_t size, const char *from, size_t n);
HRESULT StringCbPrintfA(char *to, size_t size, const char *format, ...);
HRESULT StringCbVPrintfA(char *to, size_t size, const char *format, va_list arguments);
HRESULT StringCbGetsA(char *to, size_t size);
HRESULT StringCbLengthA(const char *s, size_t max, size_t *length);

HRESULT StringCbCopyW(WCHAR *to, size_t size, const WCHAR *from);
HRESULT StringCbCopyNW(WCHAR *to, size_t size, const WCHAR *from, size_t n);
HRESULT StringCbCatW(WCHAR *to, size_t size, const WCHAR *from);
HRESULT StringCbCatNW(WCHAR *to, size_t size, const WCHAR *from, size_t n);
HRESULT StringCbPrintfW(WCHAR *to, size_t size, const WCHAR *format, ...);
HRESULT StringCbVPrintfW(WCHAR *to, size_t size, const WCHAR *format, va_list arguments);
HRESULT StringCbGetsW(WCHAR *to, size_t size);
HRESULT StringCbLengthW(const WCHAR *s, size_t max, size_t *length);

PONTO_END_DECLS

#ifdef UNICODE
#define StringCchCopy StringCchCopyW
#define StringCchCopyN StringCchCopyNW
#define StringCchCat StringCchCatW
#define StringCchCatN StringCchCatNW
#define StringCchPrintf StringCchPrintfW
#define StringCchVPrintf StringCchVPrintfW
#define StringCchGets StringCchGetsW
#define StringCchLength StringCchLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCopyN StringCbCopyNW
#define StringCbCat StringCbCatW
#define StringCbCatN StringCbCatNW
#define StringCbPrintf StringCbPrintfW
#define StringCbVPrintf StringCbVPrintfW
#define StringCbGets StringCbGetsW
#define StringCbLength StringCbLengthW
#else
#define StringCchCopy StringCchCopyA
#define StringCchCopyN StringCchCopyNA
#define StringCchCat StringCchCatA
#define StringCchCatN StringCchCatNA
#define StringCchPrintf StringCchPrintfA
#define StringCchVPrintf StringCchVPrintfA
#define StringCchGets StringCchGetsA
#define StringCchLength StringCchLengthA
#define StringCbCopy StringCbCopyA
#define StringCbCopyN StringCbCopyNA
#define StringCbCat StringCbCatA
#define StringCbCatN StringCbCatNA
#define StringCbPrintf StringCbPrintfA
#define StringCbVPrintf StringCbVPrintfA
#define StringCbGets StringCbGetsA
#define StringCbLength StringCbLengthA
#endif

#endif
