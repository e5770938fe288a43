/* Winsock as far as peer programs use it: start and end, text of addresses, and the namespace functions by which PNRP is
 * reached (pnrpns.h). Sockets themselves are the host's: socket, bind, … report by errno. */
#ifndef PONTO_WIN32_WINSOCK2_H
#define PONTO_WIN32_WINSOCK2_H

#include <windows.h>
#include <ws2def.h>
#include <ws2ipdef.h>

#include <netdb.h>
#include <sys/select.h>

#define WSAAPI

typedef UINT_PTR SOCKET;
typedef unsigned char u_char;
#define INVALID_SOCKET ((SOCKET)~0)
#define SOCKET_ERROR (-1)
#define SD_RECEIVE 0
#define SD_SEND 1
#define SD_BOTH 2

#define WSA_INVALID_HANDLE ERROR_INVALID_HANDLE
#define WSA_NOT_ENOUGH_MEMORY ERROR_NOT_ENOUGH_MEMORY
#define WSA_INVALID_PARAMETER ERROR_INVALID_PARAMETER
#define WSA_OPERATION_ABORTED ERROR_OPERATION_ABORTED
#define WSA_IO_INCOMPLETE ERROR_IO_INCOMPLETE
#define WSA_IO_PENDING ERROR_IO_PENDING

#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN 128

typedef struct WSAData {
	WORD wVersion;
	WORD wHighVersion;
	unsigned short iMaxSockets;
	unsigned short iMaxUdpDg;
	char *lpVendorInfo;
	char szDescription[WSADESCRIPTION_LEN + 1];
	char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

typedef HANDLE WSAEVENT, *LPWSAEVENT;
typedef OVERLAPPED WSAOVERLAPPED, *LPWSAOVERLAPPED;
#define WSA_INVALID_EVENT ((WSAEVENT)NULL)
#define WSA_MAXIMUM_WAIT_EVENTS (MAXIMUM_WAIT_OBJECTS)
#define WSA_WAIT_FAILED (WAIT_FAILED)
#define WSA_WAIT_EVENT_0 (WAIT_OBJECT_0)
#define WSA_WAIT_TIMEOUT (WAIT_TIMEOUT)
#define WSA_INFINITE (INFINITE)

typedef struct _WSAPROTOCOL_INFOW WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;

typedef void(CALLBACK *LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD error, DWORD transferred, LPWSAOVERLAPPED overlapped,
							   DWORD flags);

/* ---- queries of namespaces ---- */

#ifndef _tagBLOB_DEFINED
#define _tagBLOB_DEFINED
#define _BLOB_DEFINED
#define _LPBLOB_DEFINED
typedef struct _BLOB {
	ULONG cbSize;
	BYTE *pBlobData;
} BLOB, *LPBLOB;
#endif

typedef struct _AFPROTOCOLS {
	INT iAddressFamily;
	INT iProtocol;
} AFPROTOCOLS, *PAFPROTOCOLS, *LPAFPROTOCOLS;

typedef enum _WSAEcomparator { COMP_EQUAL = 0, COMP_NOTLESS = 1 } WSAECOMPARATOR, *PWSAECOMPARATOR, *LPWSAECOMPARATOR;

typedef struct _WSAVersion {
	DWORD dwVersion;
	WSAECOMPARATOR ecHow;
} WSAVERSION, *PWSAVERSION, *LPWSAVERSION;

typedef struct _WSAQuerySetW {
	DWORD dwSize;
	LPWSTR lpszServiceInstanceName;
	LPGUID lpServiceClassId;
	LPWSAVERSION lpVersion;
	LPWSTR lpszComment;
	DWORD dwNameSpace;
	LPGUID lpNSProviderId;
	LPWSTR lpszContext;
	DWORD dwNumberOfProtocols;
	LPAFPROTOCOLS lpafpProtocols;
	LPWSTR lpszQueryString;
	DWORD dwNumberOfCsAddrs;
	LPCSADDR_INFO lpcsaBuffer;
	DWORD dwOutputFlags;
	LPBLOB lpBlob;
} WSAQUERYSETW, *PWSAQUERYSETW, *LPWSAQUERYSETW;

typedef enum _WSAESETSERVICEOP {
	RNRSERVICE_REGISTER = 0,
	RNRSERVICE_DEREGISTER = 1,
	RNRSERVICE_DELETE = 2
} WSAESETSERVICEOP, *PWSAESETSERVICEOP, *LPWSAESETSERVICEOP;

typedef enum _WSACOMPLETIONTYPE {
	NSP_NOTIFY_IMMEDIATELY = 0,
	NSP_NOTIFY_HWND = 1,
	NSP_NOTIFY_EVENT = 2,
	NSP_NOTIFY_PORT = 3,
	NSP_NOTIFY_APC = 4
} WSACOMPLETIONTYPE, *PWSACOMPLETIONTYPE, *LPWSACOMPLETIONTYPE;

typedef struct _WSACOMPLETION {
	WSACOMPLETIONTYPE Type;
	union {
		struct {
			HWND hWnd;
			UINT uMsg;
			WPARAM context;
		} WindowMessage;
		struct {
			LPWSAOVERLAPPED lpOverlapped;
		} Event;
		struct {
			LPWSAOVERLAPPED lpOverlapped;
			LPWSAOVERLAPPED_COMPLETION_ROUTINE lpfnCompletionProc;
		} Apc;
		struct {
			LPWSAOVERLAPPED lpOverlapped;
			HANDLE hPort;
			ULONG_PTR Key;
		} Port;
	} Parameters;
} WSACOMPLETION, *PWSACOMPLETION, *LPWSACOMPLETION;

#define NS_ALL 0
#define NS_DNS 12
#define NS_NLA 15

#define LUP_DEEP 0x0001
#define LUP_CONTAINERS 0x0002
#define LUP_NOCONTAINERS 0x0004
#define LUP_NEAREST 0x0008
#define LUP_RETURN_NAME 0x0010
#define LUP_RETURN_TYPE 0x0020
#define LUP_RETURN_VERSION 0x0040
#define LUP_RETURN_COMMENT 0x0080
#define LUP_RETURN_ADDR 0x0100
#define LUP_RETURN_BLOB 0x0200
#define LUP_RETURN_ALIASES 0x0400
#define LUP_RETURN_QUERY_STRING 0x0800
#define LUP_RETURN_ALL 0x0FF0
#define LUP_RES_SERVICE 0x8000
#define LUP_FLUSHCACHE 0x1000
#define LUP_FLUSHPREVIOUS 0x2000

#define RESULT_IS_ALIAS 0x0001
#define RESULT_IS_ADDED 0x0010
#define RESULT_IS_CHANGED 0x0020
#define RESULT_IS_DELETED 0x0040

#define IOC_WS2 0x08000000
#define _WSAIOW(x, y) (0x80000000 | (x) | (y))
#define SIO_NSP_NOTIFY_CHANGE _WSAIOW(IOC_WS2, 25)

PONTO_BEGIN_DECLS

/* WSANOTINITIALISED without WSAStartup for the namespace functions; each page of the documentation says the rest. */
INT WSAAPI WSALookupServiceBeginW(_In_ LPWSAQUERYSETW restrictions, DWORD flags, _Out_ LPHANDLE lookup);
INT WSAAPI WSALookupServiceNextW(_In_ HANDLE lookup, DWORD flags, _Inout_ LPDWORD length,
				 _Out_writes_bytes_opt_(*length) LPWSAQUERYSETW results);
INT WSAAPI WSALookupServiceEnd(_In_ HANDLE lookup);
INT WSAAPI WSANSPIoctl(_In_ HANDLE lookup, DWORD code, _In_opt_ LPVOID in, DWORD in_size, _Out_opt_ LPVOID out,
		       DWORD out_size, _Out_ LPDWORD returned, _In_opt_ LPWSACOMPLETION completion);
INT WSAAPI WSASetServiceW(_In_ LPWSAQUERYSETW info, WSAESETSERVICEOP operation, DWORD flags);

/* ---- start, end, errors ---- */

/* Versions 1.0 to 2.2, counted: each success needs one WSACleanup. Returns 0, WSAEFAULT or WSAVERNOTSUPPORTED. */
int WSAAPI WSAStartup(WORD version, _Out_ LPWSADATA data);
/* WSANOTINITIALISED when there is nothing to end. */
int WSAAPI WSACleanup(void);
/* The same value as GetLastError. */
int WSAAPI WSAGetLastError(void);
void WSAAPI WSASetLastError(int error);

/* ---- events: those of winbase.h under other names ---- */

WSAEVENT WSAAPI WSACreateEvent(void);
BOOL WSAAPI WSASetEvent(_In_ WSAEVENT event);
BOOL WSAAPI WSAResetEvent(_In_ WSAEVENT event);
BOOL WSAAPI WSACloseEvent(_In_ WSAEVENT event);
DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, _In_reads_(count) const WSAEVENT *events, BOOL wait_all, DWORD timeout,
				      BOOL alertable);

/* ---- addresses as text ---- */

/* "192.0.2.1:80", "[2001:db8::1%2]:80"; without port as the bare address. *length: units, NUL included, of the buffer and
 * then of the text. WSAEFAULT: too small, *length says what is needed. info is ignored. */
INT WSAAPI WSAAddressToStringW(_In_reads_bytes_(address_length) LPSOCKADDR address, DWORD address_length,
			       _In_opt_ LPWSAPROTOCOL_INFOW info, _Out_writes_(*length) LPWSTR text, _Inout_ LPDWORD length);
/* The reverse, numeric only; *address_length is the room at address and then what was used. WSAEINVAL, WSAEFAULT. */
INT WSAAPI WSAStringToAddressW(_In_ LPWSTR text, INT family, _In_opt_ LPWSAPROTOCOL_INFOW info,
			       _Out_writes_bytes_(*address_length) LPSOCKADDR address, _Inout_ LPINT address_length);
INT WSAAPI WSAAddressToStringA(_In_reads_bytes_(address_length) LPSOCKADDR address, DWORD address_length,
			       _In_opt_ LPVOID info, _Out_writes_(*length) LPSTR text, _Inout_ LPDWORD length);
INT WSAAPI WSAStringToAddressA(_In_ LPSTR text, INT family, _In_opt_ LPVOID info,
			       _Out_writes_bytes_(*address_length) LPSOCKADDR address, _Inout_ LPINT address_length);

/* close, told as on Windows. */
int WSAAPI closesocket(SOCKET s);

PONTO_END_DECLS

#ifdef UNICODE
typedef WSAQUERYSETW WSAQUERYSET, *PWSAQUERYSET, *LPWSAQUERYSET;
#define WSALookupServiceBegin WSALookupServiceBeginW
#define WSALookupServiceNext WSALookupServiceNextW
#define WSASetService WSASetServiceW
#define WSAAddressToString WSAAddressToStringW
#define WSAStringToAddress WSAStringToAddressW
#else
#define WSAAddressToString WSAAddressToStringA
#define WSAStringToAddress WSAStringToAddressA
#endif

#endif
