/* Content distribution (BranchCache) for programs: contents published, described, and read from the cache and from
 * neighbours. Results are Win32 codes.
 *
 * What takes an OVERLAPPED returns ERROR_IO_PENDING when it has begun, and anything else when it has not: then nobody
 * is told of its end. It ends through the event in the OVERLAPPED and through the port that the handle was opened with;
 * the OVERLAPPED and the buffer are the library's until then. Every function may be called from any thread.
 * docs/porting.md says what is Ponto's own choice. */
#ifndef PONTO_WIN32_PEERDIST_H
#define PONTO_WIN32_PEERDIST_H

#include <windows.h>

#if NTDDI_VERSION >= NTDDI_WIN8
#define PEERDIST_VERSION ((DWORD)MAKELONG(2, 0))
#define PEERDIST_PUBLICATION_OPTIONS_VERSION 2L
#else
#define PEERDIST_VERSION MAKEWORD(1, 0)
#define PEERDIST_PUBLICATION_OPTIONS_VERSION 1L
#endif
#define PEERDIST_PUBLICATION_OPTIONS_VERSION_1 1L
#define PEERDIST_PUBLICATION_OPTIONS_VERSION_2 2L
#define PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_1 1L
#define PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_2 2L
#define PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION 2L
#define PEERDIST_READ_TIMEOUT_LOCAL_CACHE_ONLY 0UL
#define PEERDIST_READ_TIMEOUT_DEFAULT 0xfffffffeUL /* 5 seconds */

typedef HANDLE PEERDIST_INSTANCE_HANDLE, *PPEERDIST_INSTANCE_HANDLE;
typedef HANDLE PEERDIST_STREAM_HANDLE, *PPEERDIST_STREAM_HANDLE;
typedef HANDLE PEERDIST_CONTENT_HANDLE, *PPEERDIST_CONTENT_HANDLE;
typedef HANDLE PEERDIST_CONTENTINFO_HANDLE, *PPEERDIST_CONTENTINFO_HANDLE;

typedef enum peerdist_status_tag {
	PEERDIST_STATUS_DISABLED = 0,	 /* the daemon runs no distribution, or keeps it from programs */
	PEERDIST_STATUS_UNAVAILABLE = 1, /* no daemon, or it is not ready */
	PEERDIST_STATUS_AVAILABLE = 2
} PEERDIST_STATUS;

typedef struct peerdist_publication_options_tag {
	DWORD dwVersion; /* 1: described in version 1 alone; 2: in both */
	DWORD dwFlags;	 /* 0 */
} PEERDIST_PUBLICATION_OPTIONS, *PPEERDIST_PUBLICATION_OPTIONS;
typedef const PEERDIST_PUBLICATION_OPTIONS *PCPEERDIST_PUBLICATION_OPTIONS;

typedef struct peerdist_content_tag_tag {
	BYTE Data[16];
} PEERDIST_CONTENT_TAG, *PPEERDIST_CONTENT_TAG;
typedef const PEERDIST_CONTENT_TAG *PCPEERDIST_CONTENT_TAG;

typedef struct peerdist_retrieval_options_tag {
	DWORD cbSize;
	DWORD dwContentInfoMinVersion;
	DWORD dwContentInfoMaxVersion;
	DWORD dwReserved; /* 0 */
} PEERDIST_RETRIEVAL_OPTIONS, *PPEERDIST_RETRIEVAL_OPTIONS;
typedef const PEERDIST_RETRIEVAL_OPTIONS *PCPEERDIST_RETRIEVAL_OPTIONS;

typedef struct peerdist_status_info_tag {
	DWORD cbSize; /* set by the caller */
	PEERDIST_STATUS status;
	DWORD dwMinVer;
	DWORD dwMaxVer;
} PEERDIST_STATUS_INFO, *PPEERDIST_STATUS_INFO;
typedef const PEERDIST_STATUS_INFO *PCPEERDIST_STATUS_INFO;

typedef enum _PEERDIST_CLIENT_INFO_BY_HANDLE_CLASS {
	PeerDistClientBasicInfo = 0,
	MaximumPeerDistClientInfoByHandlesClass = 1
} PEERDIST_CLIENT_INFO_BY_HANDLE_CLASS,
	*PPEERDIST_CLIENT_INFO_BY_HANDLE_CLASS;

typedef struct _PEERDIST_CLIENT_BASIC_INFO {
	BOOL fFlashCrowd; /* several neighbours are at it at once: what is missing may be there soon */
} PEERDIST_CLIENT_BASIC_INFO, *PPEERDIST_CLIENT_BASIC_INFO;

PONTO_BEGIN_DECLS

/* ---- instances and status ---- */

/* Needs no daemon. The low byte of a version is the major number: 1 and 2 are offered. */
DWORD WINAPI PeerDistStartup(DWORD dwVersionRequested, _Out_ PPEERDIST_INSTANCE_HANDLE phPeerDist,
			     _Out_opt_ PDWORD pdwSupportedVersion);
/* Ends operations, closes what was opened through the instance, withdraws what it published. */
DWORD WINAPI PeerDistShutdown(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist);

DWORD WINAPI PeerDistGetStatus(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, _Out_ PEERDIST_STATUS *pPeerDistStatus);
DWORD WINAPI PeerDistGetStatusEx(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
				 _Inout_ PEERDIST_STATUS_INFO *pPeerDistStatus);
/* One notification: to be registered again after each. */
DWORD WINAPI PeerDistRegisterForStatusChangeNotification(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
							 _In_opt_ HANDLE hCompletionPort,
							 _In_opt_ ULONG_PTR ulCompletionKey,
							 _In_ LPOVERLAPPED lpOverlapped,
							 _Out_ PEERDIST_STATUS *pPeerDistStatus);
DWORD WINAPI PeerDistRegisterForStatusChangeNotificationEx(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
							   _In_opt_ HANDLE hCompletionPort,
							   _In_opt_ ULONG_PTR ulCompletionKey,
							   _In_ LPOVERLAPPED lpOverlapped,
							   _Inout_ PEERDIST_STATUS_INFO *pPeerDistStatus);
DWORD WINAPI PeerDistUnregisterForStatusChangeNotification(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist);

/* FALSE with the operation's error, or ERROR_IO_INCOMPLETE. */
BOOL WINAPI PeerDistGetOverlappedResult(_In_ LPOVERLAPPED lpOverlapped, _Out_ LPDWORD lpNumberOfBytesTransferred,
					BOOL bWait);

/* ---- content servers ---- */

DWORD WINAPI PeerDistServerPublishStream(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, DWORD cbContentIdentifier,
					 _In_ PBYTE pContentIdentifier, ULONGLONG cbContentLength,
					 _In_opt_ PCPEERDIST_PUBLICATION_OPTIONS pPublishOptions,
					 _In_opt_ HANDLE hCompletionPort, _In_opt_ ULONG_PTR ulCompletionKey,
					 _Out_ PPEERDIST_STREAM_HANDLE phStream);
DWORD WINAPI PeerDistServerPublishAddToStream(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
					      _In_ PEERDIST_STREAM_HANDLE hStream, DWORD cbNumberOfBytes,
					      _In_ PBYTE pBuffer, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistServerPublishCompleteStream(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						 _In_ PEERDIST_STREAM_HANDLE hStream, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistServerCloseStreamHandle(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
					     _In_ PEERDIST_STREAM_HANDLE hStream);
DWORD WINAPI PeerDistServerUnpublish(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, DWORD cbContentIdentifier,
				     _In_ PBYTE pContentIdentifier);
/* In version 1. */
DWORD WINAPI PeerDistServerOpenContentInformation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, DWORD cbContentIdentifier,
						  _In_ PBYTE pContentIdentifier, ULONGLONG ullContentOffset,
						  ULONGLONG cbContentLength, _In_opt_ HANDLE hCompletionPort,
						  _In_opt_ ULONG_PTR ulCompletionKey,
						  _Out_ PPEERDIST_CONTENTINFO_HANDLE phContentInfo);
/* In the highest version of those wanted that there is. */
DWORD WINAPI PeerDistServerOpenContentInformationEx(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, DWORD cbContentIdentifier,
						    _In_ PBYTE pContentIdentifier, ULONGLONG ullContentOffset,
						    ULONGLONG cbContentLength,
						    _In_ PEERDIST_RETRIEVAL_OPTIONS *pRetrievalOptions,
						    _In_opt_ HANDLE hCompletionPort, _In_opt_ ULONG_PTR ulCompletionKey,
						    _Out_ PPEERDIST_CONTENTINFO_HANDLE phContentInfo);
DWORD WINAPI PeerDistServerRetrieveContentInformation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						      _In_ PEERDIST_CONTENTINFO_HANDLE hContentInfo,
						      DWORD cbMaxNumberOfBytes,
						      _Out_writes_bytes_(cbMaxNumberOfBytes) PBYTE pBuffer,
						      _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistServerCloseContentInformation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						   _In_ PEERDIST_CONTENTINFO_HANDLE hContentInfo);
DWORD WINAPI PeerDistServerCancelAsyncOperation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, DWORD cbContentIdentifier,
						_In_ PBYTE pContentIdentifier, _In_ LPOVERLAPPED pOverlapped);

/* ---- clients ---- */

DWORD WINAPI PeerDistClientOpenContent(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, _In_ PCPEERDIST_CONTENT_TAG pContentTag,
				       _In_opt_ HANDLE hCompletionPort, _In_opt_ ULONG_PTR ulCompletionKey,
				       _Out_ PPEERDIST_CONTENT_HANDLE phContentHandle);
DWORD WINAPI PeerDistClientCloseContent(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
					_In_ PEERDIST_CONTENT_HANDLE hContentHandle);
DWORD WINAPI PeerDistClientAddContentInformation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						 _In_ PEERDIST_CONTENT_HANDLE hContentHandle, DWORD cbNumberOfBytes,
						 _In_ PBYTE pBuffer, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientCompleteContentInformation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						      _In_ PEERDIST_CONTENT_HANDLE hContentHandle,
						      _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientAddData(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist, _In_ PEERDIST_CONTENT_HANDLE hContentHandle,
				   DWORD cbNumberOfBytes, _In_ PBYTE pBuffer, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientBlockRead(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
				     _In_ PEERDIST_CONTENT_HANDLE hContentHandle, DWORD cbMaxNumberOfBytes,
				     _Out_writes_bytes_opt_(cbMaxNumberOfBytes) PBYTE pBuffer,
				     DWORD dwTimeoutInMilliseconds, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientStreamRead(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
				      _In_ PEERDIST_CONTENT_HANDLE hContentHandle, DWORD cbMaxNumberOfBytes,
				      _Out_writes_bytes_opt_(cbMaxNumberOfBytes) PBYTE pBuffer,
				      DWORD dwTimeoutInMilliseconds, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientFlushContent(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
					_In_ PCPEERDIST_CONTENT_TAG pContentTag, _In_opt_ HANDLE hCompletionPort,
					_In_opt_ ULONG_PTR ulCompletionKey, _In_ LPOVERLAPPED lpOverlapped);
DWORD WINAPI PeerDistClientCancelAsyncOperation(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						_In_ PEERDIST_CONTENT_HANDLE hContentHandle,
						_In_opt_ LPOVERLAPPED pOverlapped);
DWORD WINAPI PeerDistClientGetInformationByHandle(_In_ PEERDIST_INSTANCE_HANDLE hPeerDist,
						  _In_ PEERDIST_CONTENT_HANDLE hContentHandle,
						  PEERDIST_CLIENT_INFO_BY_HANDLE_CLASS PeerDistClientInfoClass,
						  DWORD dwBufferSize,
						  _Out_writes_bytes_(dwBufferSize) LPVOID lpInformation);

PONTO_END_DECLS

#endif
