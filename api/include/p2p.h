/* The peer-to-peer interfaces: common functions, identities, peer names. Alone it brings in everything they need.
 * NO_P2P_IDENTITY and NO_P2P_PNRP leave a family out.
 *
 * Every function may be called from any thread. Memory that a function gives is one block, freed by PeerFreeData.
 * docs/api.md says what is Ponto's own choice, docs/porting.md how to compile. */
#ifndef PONTO_WIN32_P2P_H
#define PONTO_WIN32_P2P_H

#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <wincrypt.h>
#include <pnrpns.h>

/* ---- results made of codes of Win32 and Winsock ---- */

#define WSA_PNRP_ERROR_BASE 11500
#define WSA_PNRP_CLOUD_NOT_FOUND 11501
#define WSA_PNRP_CLOUD_DISABLED 11502
#define WSA_PNRP_INVALID_IDENTITY 11503
#define WSA_PNRP_TOO_MUCH_LOAD 11504
#define WSA_PNRP_CLOUD_IS_SEARCH_ONLY 11505
#define WSA_PNRP_CLIENT_INVALID_COMPARTMENT_ID 11506
#define WSA_PNRP_DUPLICATE_PEER_NAME 11508
#define WSA_PNRP_CLOUD_IS_DEAD 11509

#define PEER_E_CLOUD_NOT_FOUND __HRESULT_FROM_WIN32(WSA_PNRP_CLOUD_NOT_FOUND)
#define PEER_E_CLOUD_DISABLED __HRESULT_FROM_WIN32(WSA_PNRP_CLOUD_DISABLED)
#define PEER_E_INVALID_IDENTITY __HRESULT_FROM_WIN32(WSA_PNRP_INVALID_IDENTITY)
#define PEER_E_TOO_MUCH_LOAD __HRESULT_FROM_WIN32(WSA_PNRP_TOO_MUCH_LOAD)
#define PEER_E_CLOUD_IS_SEARCH_ONLY __HRESULT_FROM_WIN32(WSA_PNRP_CLOUD_IS_SEARCH_ONLY)
#define PEER_E_CLIENT_INVALID_COMPARTMENT_ID __HRESULT_FROM_WIN32(WSA_PNRP_CLIENT_INVALID_COMPARTMENT_ID)
#define PEER_E_DUPLICATE_PEER_NAME __HRESULT_FROM_WIN32(WSA_PNRP_DUPLICATE_PEER_NAME)
#define PEER_E_CLOUD_IS_DEAD __HRESULT_FROM_WIN32(WSA_PNRP_CLOUD_IS_DEAD)
#define PEER_E_NOT_FOUND __HRESULT_FROM_WIN32(ERROR_NOT_FOUND)
#define PEER_E_DISK_FULL __HRESULT_FROM_WIN32(ERROR_DISK_FULL)
#define PEER_E_ALREADY_EXISTS __HRESULT_FROM_WIN32(ERROR_ALREADY_EXISTS)

/* ---- common ---- */

typedef void *HPEEREVENT, **PHPEEREVENT;
typedef void *HPEERENUM, **PHPEERENUM;

typedef struct peer_version_data_tag {
	WORD wVersion;
	WORD wHighestVersion;
} PEER_VERSION_DATA, *PPEER_VERSION_DATA;

typedef struct peer_data_tag {
	ULONG cbData;
	PBYTE pbData;
} PEER_DATA, *PPEER_DATA;
typedef const PEER_DATA *PCPEER_DATA;

typedef enum peer_record_change_type_tag {
	PEER_RECORD_ADDED = 1,
	PEER_RECORD_UPDATED = 2,
	PEER_RECORD_DELETED = 3,
	PEER_RECORD_EXPIRED = 4
} PEER_RECORD_CHANGE_TYPE;

typedef enum peer_connection_status_tag {
	PEER_CONNECTED = 1,
	PEER_DISCONNECTED = 2,
	PEER_CONNECTION_FAILED = 3
} PEER_CONNECTION_STATUS;

typedef enum peer_connection_flags_tag {
	PEER_CONNECTION_NEIGHBOR = 0x0001,
	PEER_CONNECTION_DIRECT = 0x0002
} PEER_CONNECTION_FLAGS;

typedef enum peer_record_flags_tag {
	PEER_RECORD_FLAG_AUTOREFRESH = 0x0001,
	PEER_RECORD_FLAG_DELETED = 0x0002
} PEER_RECORD_FLAGS;

typedef struct peer_record_tag {
	DWORD dwSize;
	GUID type;
	GUID id;
	DWORD dwVersion;
	DWORD dwFlags;
	PWSTR pwzCreatorId;
	PWSTR pwzModifiedById;
	PWSTR pwzAttributes;
	FILETIME ftCreation;
	FILETIME ftExpiration;
	FILETIME ftLastModified;
	PEER_DATA securityData;
	PEER_DATA data;
} PEER_RECORD, *PPEER_RECORD;

typedef struct peer_address_tag {
	DWORD dwSize;
	SOCKADDR_IN6 sin6;
} PEER_ADDRESS, *PPEER_ADDRESS;
typedef const PEER_ADDRESS *PCPEER_ADDRESS;

typedef struct peer_connection_info_tag {
	DWORD dwSize;
	DWORD dwFlags;
	ULONGLONG ullConnectionId;
	ULONGLONG ullNodeId;
	PWSTR pwzPeerId;
	PEER_ADDRESS address;
} PEER_CONNECTION_INFO, *PPEER_CONNECTION_INFO;

typedef struct peer_event_incoming_data_tag {
	DWORD dwSize;
	ULONGLONG ullConnectionId;
	GUID type;
	PEER_DATA data;
} PEER_EVENT_INCOMING_DATA, *PPEER_EVENT_INCOMING_DATA;

typedef struct peer_event_record_change_data_tag {
	DWORD dwSize;
	PEER_RECORD_CHANGE_TYPE changeType;
	GUID recordId;
	GUID recordType;
} PEER_EVENT_RECORD_CHANGE_DATA, *PPEER_EVENT_RECORD_CHANGE_DATA;

typedef struct peer_event_connection_change_data_tag {
	DWORD dwSize;
	PEER_CONNECTION_STATUS status;
	ULONGLONG ullConnectionId;
	ULONGLONG ullNodeId;
#if NTDDI_VERSION >= NTDDI_VISTA
	ULONGLONG ullNextConnectionId;
	HRESULT hrConnectionFailedReason;
#endif
} PEER_EVENT_CONNECTION_CHANGE_DATA, *PPEER_EVENT_CONNECTION_CHANGE_DATA;

PONTO_BEGIN_DECLS

/* Frees one block that a function of this header gave; what it points at lies within it. NULL is allowed. */
VOID WINAPI PeerFreeData(_In_opt_ LPCVOID pvData);

/* An enumeration's items in total, however many were fetched. E_INVALIDARG. */
HRESULT WINAPI PeerGetItemCount(_In_ HPEERENUM hPeerEnum, _Out_ ULONG *pCount);

/* At most *pCount further items: *pCount becomes how many there are and *pppvItems an array of pointers to them, one
 * block; 0 and NULL at the end, so that it does not matter who frees that. E_INVALIDARG, E_OUTOFMEMORY. */
HRESULT WINAPI PeerGetNextItem(_In_ HPEERENUM hPeerEnum, _Inout_ ULONG *pCount,
			       _Outptr_result_buffer_(*pCount) PVOID **pppvItems);

/* Items already fetched stay. E_INVALIDARG. */
HRESULT WINAPI PeerEndEnumeration(_In_ HPEERENUM hPeerEnum);

PONTO_END_DECLS

/* ---- identities ---- */

#ifndef NO_P2P_IDENTITY

typedef struct peer_name_pair_tag {
	DWORD dwSize;
	PWSTR pwzPeerName;
	PWSTR pwzFriendlyName;
} PEER_NAME_PAIR, *PPEER_NAME_PAIR;

PONTO_BEGIN_DECLS

HRESULT WINAPI PeerIdentityCreate(_In_opt_ PCWSTR pwzClassifier, _In_opt_ PCWSTR pwzFriendlyName,
				  _In_opt_ HCRYPTPROV hCryptProv, _Outptr_ PWSTR *ppwzIdentity);
HRESULT WINAPI PeerIdentityGetFriendlyName(_In_opt_ PCWSTR pwzIdentity, _Outptr_ PWSTR *ppwzFriendlyName);
HRESULT WINAPI PeerIdentitySetFriendlyName(_In_opt_ PCWSTR pwzIdentity, _In_ PCWSTR pwzFriendlyName);
HRESULT WINAPI PeerIdentityGetCryptKey(_In_opt_ PCWSTR pwzIdentity, _Out_ HCRYPTPROV *phCryptProv);
HRESULT WINAPI PeerIdentityDelete(_In_ PCWSTR pwzIdentity);
HRESULT WINAPI PeerEnumIdentities(_Out_ HPEERENUM *phPeerEnum);
HRESULT WINAPI PeerEnumGroups(_In_ PCWSTR pwzIdentity, _Out_ HPEERENUM *phPeerEnum);
HRESULT WINAPI PeerCreatePeerName(_In_opt_ PCWSTR pwzIdentity, _In_opt_ PCWSTR pwzClassifier,
				  _Outptr_ PWSTR *ppwzPeerName);
HRESULT WINAPI PeerIdentityGetXML(_In_opt_ PCWSTR pwzIdentity, _Outptr_ PWSTR *ppwzIdentityXML);
HRESULT WINAPI PeerIdentityExport(_In_opt_ PCWSTR pwzIdentity, _In_ PCWSTR pwzPassword, _Outptr_ PWSTR *ppwzExportXML);
HRESULT WINAPI PeerIdentityImport(_In_ PCWSTR pwzImportXML, _In_ PCWSTR pwzPassword, _Outptr_ PWSTR *ppwzIdentity);
HRESULT WINAPI PeerIdentityGetDefault(_Outptr_ PWSTR *ppwzPeerName);

PONTO_END_DECLS

#endif

/* ---- peer names ---- */

#ifndef NO_P2P_PNRP

#define PNRP_VERSION MAKEWORD(2, 0)
#define PEER_PNRP_ALL_LINK_CLOUDS PONTO_WIDE("PEER_PNRP_ALL_LINKS")
#define PEER_PNRP_AUTO_ADDRESSES ((ULONG)(-1))

typedef PVOID HRESOLUTION, HREGISTRATION;

typedef struct peer_pnrp_endpoint_info_tag {
	PWSTR pwzPeerName;
	ULONG cAddresses;
	SOCKADDR **ppAddresses;
	PWSTR pwzComment;
	PEER_DATA payload;
} PEER_PNRP_ENDPOINT_INFO, *PPEER_PNRP_ENDPOINT_INFO;

typedef struct peer_pnrp_cloud_info_tag {
	PWSTR pwzCloudName;
	PNRP_SCOPE dwScope;
	DWORD dwScopeId;
} PEER_PNRP_CLOUD_INFO, *PPEER_PNRP_CLOUD_INFO;

typedef struct peer_pnrp_registration_info_tag {
	PWSTR pwzCloudName;	     /* NULL: every cloud, those that open later included */
	PWSTR pwzPublishingIdentity; /* NULL: the one that a secured name is of; the machine's for an unsecured one */
	ULONG cAddresses;	     /* at most PNRP_MAX_ENDPOINT_ADDRESSES, or PEER_PNRP_AUTO_ADDRESSES */
	SOCKADDR **ppAddresses;	     /* IPv6 */
	WORD wPort;		     /* of automatic addresses */
	PWSTR pwzComment;	     /* at most 39 units */
	PEER_DATA payload;	     /* at most 4096 bytes */
} PEER_PNRP_REGISTRATION_INFO, *PPEER_PNRP_REGISTRATION_INFO;

PONTO_BEGIN_DECLS

/* The peer name as a host name under pnrp.net, and back. E_INVALIDARG, E_OUTOFMEMORY, PEER_E_INVALID_PEER_NAME,
 * PEER_E_CANNOT_CONVERT_PEER_NAME; PEER_E_INVALID_PEER_HOST_NAME. */
HRESULT WINAPI PeerNameToPeerHostName(_In_ PCWSTR pwzPeerName, _Outptr_ PWSTR *ppwzHostName);
HRESULT WINAPI PeerHostNameToPeerName(_In_ PCWSTR pwzHostName, _Outptr_ PWSTR *ppwzPeerName);

/* Each success needs one PeerPnrpShutdown. PEER_E_UNSUPPORTED_VERSION, PEER_E_SERVICE_NOT_AVAILABLE: no daemon;
 * PEER_E_CANNOT_START_SERVICE: it serves no cloud; E_ACCESSDENIED: it refuses this user; E_OUTOFMEMORY. */
HRESULT WINAPI PeerPnrpStartup(WORD wVersionRequested);
/* The last one ends all registrations and resolves. PEER_E_NOT_INITIALIZED. */
HRESULT WINAPI PeerPnrpShutdown(void);

/* Lasts until it is unregistered, or the process ends; a daemon that comes back is told it again. E_INVALIDARG,
 * E_OUTOFMEMORY, PEER_E_IDENTITY_NOT_FOUND, PEER_E_NO_CLOUD: none is open; PEER_E_CLOUD_NAME_AMBIGUOUS,
 * PEER_E_PNRP_DUPLICATE_PEER_NAME: this process has it with these addresses; PEER_E_CLOUD_…, PEER_E_INVALID_IDENTITY,
 * PEER_E_TOO_MUCH_LOAD. */
HRESULT WINAPI PeerPnrpRegister(_In_ PCWSTR pcwzPeerName, _In_opt_ PPEER_PNRP_REGISTRATION_INFO pRegistrationInfo,
				_Out_ HREGISTRATION *phRegistration);
/* The cloud and the number of addresses must be those of the registration. E_INVALIDARG, E_OUTOFMEMORY; on another
 * failure the registration stays as it was. */
HRESULT WINAPI PeerPnrpUpdateRegistration(_In_ HREGISTRATION hRegistration,
					  _In_ PPEER_PNRP_REGISTRATION_INFO pRegistrationInfo);
HRESULT WINAPI PeerPnrpUnregister(_In_ HREGISTRATION hRegistration);

/* Waits up to 30 seconds for at most *pcEndpoints endpoints, which become an array in one block. Nothing found is S_OK,
 * *pcEndpoints 0, *ppEndpoints NULL. Names of this process are not seen. cloud: NULL every one. E_INVALIDARG,
 * E_OUTOFMEMORY, PEER_E_CLOUD_NOT_FOUND and the other results of clouds. */
HRESULT WINAPI PeerPnrpResolve(_In_ PCWSTR pcwzPeerName, _In_opt_ PCWSTR pcwzCloudName, _Inout_ ULONG *pcEndpoints,
			       _Outptr_result_buffer_maybenull_(*pcEndpoints) PPEER_PNRP_ENDPOINT_INFO *ppEndpoints);

/* hEvent, an event of the caller's, is signalled while there is an endpoint to get, or the end to be told.
 * cMaxEndpoints 0: as many as there are. */
HRESULT WINAPI PeerPnrpStartResolve(_In_ PCWSTR pcwzPeerName, _In_opt_ PCWSTR pcwzCloudName,
				    _In_opt_ ULONG cMaxEndpoints, _In_ HANDLE hEvent, _Out_ HRESOLUTION *phResolve);
/* Waits when there is nothing yet. PEER_E_NO_MORE at the end; E_INVALIDARG, E_OUTOFMEMORY, E_ABORT: ended meanwhile. */
HRESULT WINAPI PeerPnrpGetEndpoint(_In_ HRESOLUTION hResolve, _Outptr_ PPEER_PNRP_ENDPOINT_INFO *ppEndpoint);
HRESULT WINAPI PeerPnrpEndResolve(_In_ HRESOLUTION hResolve);

HRESULT WINAPI PeerPnrpGetCloudInfo(_Out_ ULONG *pcNumClouds,
				    _Outptr_result_buffer_(*pcNumClouds) PPEER_PNRP_CLOUD_INFO *ppCloudInfo);

PONTO_END_DECLS

#endif

#endif

/* Outside of the guard, for the identifiers in it: see guiddef.h. */
#include <pnrpns.h>
