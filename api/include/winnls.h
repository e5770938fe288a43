/* Code pages: all narrow text is UTF-8. */
#ifndef PONTO_WIN32_WINNLS_H
#define PONTO_WIN32_WINNLS_H

#include <windef.h>

#define CP_ACP 0
#define CP_OEMCP 1
#define CP_THREAD_ACP 3
#define CP_UTF8 65001
#define MB_PRECOMPOSED 0x00000001
#define MB_ERR_INVALID_CHARS 0x00000008
#define WC_ERR_INVALID_CHARS 0x00000080

PONTO_BEGIN_DECLS

/* Length -1: up to and with the NUL. Size 0: only counts. Units or bytes written, or 0: ERROR_INSUFFICIENT_BUFFER,
 * ERROR_INVALID_PARAMETER (also for other code pages), ERROR_INVALID_FLAGS, and with the ERR_INVALID_CHARS flag
 * ERROR_NO_UNICODE_TRANSLATION; without it malformed text becomes U+FFFD. */
int WINAPI MultiByteToWideChar(UINT page, DWORD flags, _In_ LPCCH from, int length, _Out_writes_opt_(size) LPWSTR to, int size);
/* fallback and used must be NULL. */
int WINAPI WideCharToMultiByte(UINT page, DWORD flags, _In_ LPCWCH from, int length, _Out_writes_bytes_opt_(size) LPSTR to,
			       int size, _In_opt_ LPCCH fallback, _Out_opt_ LPBOOL used);
UINT WINAPI GetACP(void);

PONTO_END_DECLS

#endif
