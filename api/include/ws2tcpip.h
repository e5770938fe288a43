/* Names of hosts as wide text. getaddrinfo, inet_ntop and the rest in narrow form are the host's. */
#ifndef PONTO_WIN32_WS2TCPIP_H
#define PONTO_WIN32_WS2TCPIP_H

#include <winsock2.h>

#ifndef NI_MAXHOST
#define NI_MAXHOST 1025
#endif
#ifndef NI_MAXSERV
#define NI_MAXSERV 32
#endif

PONTO_BEGIN_DECLS

/* Returns 0, or an error of Winsock (WSAHOST_NOT_FOUND, …) which is the last error too. One FreeAddrInfoW frees all. */
INT WSAAPI GetAddrInfoW(_In_opt_ PCWSTR node, _In_opt_ PCWSTR service, _In_opt_ const ADDRINFOW *hints,
			_Outptr_ PADDRINFOW *result);
void WSAAPI FreeAddrInfoW(_In_opt_ PADDRINFOW info);
/* Sizes in units, NUL included. */
INT WSAAPI GetNameInfoW(_In_reads_bytes_(address_length) const SOCKADDR *address, socklen_t address_length,
			_Out_writes_opt_(node_size) PWCHAR node, DWORD node_size,
			_Out_writes_opt_(service_size) PWCHAR service, DWORD service_size, INT flags);
/* inet_ntop and inet_pton; size in units, NUL included. */
PCWSTR WSAAPI InetNtopW(INT family, _In_ const void *address, _Out_writes_(size) PWSTR text, size_t size);
INT WSAAPI InetPtonW(INT family, _In_ PCWSTR text, _Out_ PVOID address);
/* A text in a buffer of the thread, as the page of the function warns: the last error's text. */
WCHAR *WSAAPI gai_strerrorW(int error);

PONTO_END_DECLS

#define GetAddrInfoA getaddrinfo
#define FreeAddrInfoA freeaddrinfo
#define GetNameInfoA getnameinfo
#define InetNtopA inet_ntop
#define InetPtonA inet_pton
#ifdef UNICODE
#define GetAddrInfo GetAddrInfoW
#define FreeAddrInfo FreeAddrInfoW
#define GetNameInfo GetNameInfoW
#define InetNtop InetNtopW
#define InetPton InetPtonW
#else
#define GetAddrInfo GetAddrInfoA
#define FreeAddrInfo FreeAddrInfoA
#define GetNameInfo GetNameInfoA
#define InetNtop InetNtopA
#define InetPton InetPtonA
#endif

#endif
