/* PNRP as a namespace of Winsock, against a real daemon and a second process. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <p2p.h>

#include "framework/bus.h"
#include "tests/api/api_daemon.h"

/* These stand before those of the bus: while it is deaf, the library's thread hears of no change; while it is lost, no
 * call comes to an answer. */
static atomic_bool deaf, lost;

int ponto_client_call(struct ponto_client *client, const char *service, const char *method, struct ponto_bytes payload,
		      unsigned timeout_ms, struct ponto_reply *reply)
{
	int (*bus)(struct ponto_client * client, const char *service, const char *method, struct ponto_bytes payload,
		   unsigned timeout_ms, struct ponto_reply *reply);

	*(void **)&bus = dlsym(RTLD_NEXT, "ponto_client_call");
	return lost ? PONTO_EUNREACH : bus(client, service, method, payload, timeout_ms, reply);
}

int ponto_client_subscribe(struct ponto_client *client, const char *prefix)
{
	int (*bus)(struct ponto_client * client, const char *prefix);

	*(void **)&bus = dlsym(RTLD_NEXT, "ponto_client_subscribe");
	return deaf ? PONTO_EUNREACH : bus(client, prefix);
}

static int setup(void **state)
{
	WSADATA data;

	*state = api_world_start();
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	return 0;
}

static int teardown(void **state)
{
	while (WSACleanup() == 0)
		;
	api_world_end(*state);
	return 0;
}

static PWSTR wide(PCWSTR text)
{
	return (PWSTR)(uintptr_t)text;
}

static GUID name_class, cloud_class;

static WSAQUERYSETW name_query(PCWSTR name)
{
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPNAME, .lpServiceClassId = &name_class};

	if (name_class.Data1 == 0)
		name_class = SVCID_PNRPNAME;
	set.lpszServiceInstanceName = wide(name);
	return set;
}

static WSAQUERYSETW cloud_query(void)
{
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPCLOUD, .lpServiceClassId = &cloud_class};

	cloud_class = SVCID_PNRPCLOUD;
	return set;
}

#define assert_fails(expression, code)                                                                                 \
	do {                                                                                                           \
		WSASetLastError(0);                                                                                    \
		assert_int_equal(expression, SOCKET_ERROR);                                                            \
		assert_int_equal(WSAGetLastError(), code);                                                             \
	} while (0)

static union {
	WSAQUERYSETW set;
	BYTE bytes[16384];
} buffer;

static int next(HANDLE lookup)
{
	DWORD length = sizeof(buffer);

	return WSALookupServiceNextW(lookup, 0, &length, &buffer.set) == 0 ? 0 : WSAGetLastError();
}

static size_t length(PCWSTR text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void assert_text(PCWSTR text, PCWSTR expected)
{
	assert_non_null(text);
	assert_int_equal(length(text), length(expected));
	assert_memory_equal(text, expected, length(expected) * sizeof(WCHAR));
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void nothing_before_the_start(void **state)
{
	WSAQUERYSETW set = name_query(u"0.a");
	DWORD size = 0;
	HANDLE lookup;

	(void)state;
	PONTO_COVERS_ERRORS("WSALookupServiceBeginW", "WSALookupServiceNextW", "WSALookupServiceEnd", "WSASetServiceW",
			    "WSANSPIoctl");
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSANOTINITIALISED);
	assert_fails(WSALookupServiceNextW(NULL, 0, &size, NULL), WSANOTINITIALISED);
	assert_fails(WSALookupServiceEnd(NULL), WSANOTINITIALISED);
	assert_fails(WSASetServiceW(&set, RNRSERVICE_REGISTER, 0), WSANOTINITIALISED);
	assert_fails(WSANSPIoctl(NULL, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, NULL), WSANOTINITIALISED);
}

static void bad_queries(void **state)
{
	static const GUID odd = {1, 2, 3, {4}};
	WSAQUERYSETW set = name_query(u"0.a"), good = set;
	GUID provider = NS_PROVIDER_PNRPCLOUD, strange = odd;
	WSAVERSION version = {0};
	HANDLE lookup = (HANDLE)7;

	(void)state;
	PONTO_COVERS_ERRORS("WSALookupServiceBeginW");
	assert_fails(WSALookupServiceBeginW(NULL, 0, &lookup), WSAEFAULT);
	assert_fails(WSALookupServiceBeginW(&set, 0, NULL), WSAEFAULT);
	set.dwSize = 8;
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEINVAL);
#define refused(change, code)                                                                                          \
	do {                                                                                                           \
		set = good;                                                                                            \
		change;                                                                                                \
		assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), code);                                          \
	} while (0)
	refused(set.lpServiceClassId = NULL, WSASERVICE_NOT_FOUND);
	refused(set.lpServiceClassId = &strange, WSASERVICE_NOT_FOUND);
	refused(set.lpNSProviderId = &provider, WSASERVICE_NOT_FOUND);
	refused(set.dwNameSpace = NS_DNS, WSASERVICE_NOT_FOUND);
	refused(set.dwNameSpace = NS_PNRPCLOUD, WSASERVICE_NOT_FOUND);
	refused(set.lpVersion = &version, WSAEINVAL);
	refused(set.lpszComment = wide(u"x"), WSAEINVAL);
	refused(set.lpszQueryString = wide(u"x"), WSAEINVAL);
	refused(set.dwNumberOfProtocols = 1, WSAEINVAL);
	refused(set.dwNumberOfCsAddrs = 1, WSAEINVAL);
	refused(set.lpcsaBuffer = (LPCSADDR_INFO)&version, WSAEINVAL);
	refused(set.dwOutputFlags = 1, WSAEINVAL);
	refused(set.lpszServiceInstanceName = NULL, WSAEINVAL);
	refused(set.lpszServiceInstanceName = wide(u"nodot"), WSAEINVAL);
	refused(set.lpszContext = wide(u"Global_"), WSA_PNRP_CLOUD_NOT_FOUND);
	set = good;
	assert_fails(WSALookupServiceBeginW(&set, 0x8000, &lookup), WSAEINVAL);
	set = cloud_query();
	set.lpszServiceInstanceName = wide(u"Loopback_");
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEINVAL);
	assert_ptr_equal(lookup, (HANDLE)7);
}

static void bad_options(void **state)
{
	WSAQUERYSETW set = name_query(u"0.a");
	SOCKADDR_IN6 hint = {.sin6_family = AF_INET6};
	PNRPINFO info, good = {.dwSize = sizeof(good)};
	PNRPCLOUDINFO cloud = {.dwSize = sizeof(cloud)};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	HANDLE lookup;

	(void)state;
	PONTO_COVERS_ERRORS("WSALookupServiceBeginW");
	set.lpBlob = &blob;
#define option_refused(change, code)                                                                                   \
	do {                                                                                                           \
		info = good;                                                                                           \
		change;                                                                                                \
		assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), code);                                          \
	} while (0)
	option_refused(info.dwSize = 4, WSAEINVAL);
	option_refused(info.dwTimeout = 601, WSAEINVAL);
	option_refused(info.enResolveCriteria = (PNRP_RESOLVE_CRITERIA)7, WSAEINVAL);
	option_refused(info.dwFlags = 2, WSAEINVAL);
	option_refused(info.lpwszIdentity = wide(u"x"), WSAEINVAL);
	option_refused(info.dwLifetime = 1, WSAEINVAL);
	option_refused(info.dwFlags = PNRPINFO_HINT, WSAEINVAL);
	option_refused((info.dwFlags = PNRPINFO_HINT, info.saHint = (SOCKET_ADDRESS){(LPSOCKADDR)&hint, 8}), WSAEINVAL);
	info = good;
	blob.cbSize = 4;
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEINVAL);
	blob = (BLOB){sizeof(info), NULL};
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEFAULT);
	set = cloud_query();
	set.lpBlob = &blob;
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEFAULT);
	blob = (BLOB){sizeof(cloud), (BYTE *)&cloud};
	cloud.Cloud.Scope = (PNRP_SCOPE)4;
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEINVAL);
	cloud.Cloud.Scope = PNRP_SCOPE_ANY;
	cloud.dwSize = 1;
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSAEINVAL);
}

static void stale_lookups(void **state)
{
	WSAQUERYSETW set = cloud_query();
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL), lookup;
	DWORD size = sizeof(buffer);

	(void)state;
	PONTO_COVERS_ERRORS("WSALookupServiceNextW", "WSALookupServiceEnd", "WSANSPIoctl");
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	HANDLE bad[] = {NULL, event, INVALID_HANDLE_VALUE, (HANDLE)&set, (HANDLE)4711};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_fails(WSALookupServiceNextW(bad[i], 0, &size, &buffer.set), WSA_INVALID_HANDLE);
		assert_fails(WSALookupServiceEnd(bad[i]), WSA_INVALID_HANDLE);
		assert_fails(WSANSPIoctl(bad[i], SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, NULL),
			     WSA_INVALID_HANDLE);
	}
	assert_fails(WSALookupServiceNextW(lookup, 0, NULL, &buffer.set), WSAEFAULT);
	assert_fails(WSALookupServiceNextW(lookup, 0x8000, &size, &buffer.set), WSAEINVAL);
	assert_false(CloseHandle(lookup));
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	assert_fails(WSALookupServiceEnd(lookup), WSA_INVALID_HANDLE);
	CloseHandle(event);
}

static void no_daemon(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = name_query(u"0.a"), clouds = cloud_query();
	HANDLE lookup;

	PONTO_COVERS_ERRORS("WSALookupServiceBeginW", "WSASetServiceW");
	api_daemon_stop(&w->daemon);
	assert_fails(WSALookupServiceBeginW(&set, 0, &lookup), WSASYSNOTREADY);
	assert_fails(WSALookupServiceBeginW(&clouds, 0, &lookup), WSASYSNOTREADY);
	assert_fails(WSASetServiceW(&set, RNRSERVICE_DELETE, 0), WSASYSNOTREADY);
}

/* ---- names --------------------------------------------------------------------------------------- */

/* As the documentation's example does it: the size first, then the result. */
static void a_name_is_resolved(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = name_query(u"0.room"), small;
	PNRPINFO info = {.dwSize = sizeof(info), .nMaxResolve = 4, .dwTimeout = 30};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	char answer[512];
	HANDLE lookup;
	DWORD size;

	PONTO_COVERS("WSALookupServiceBeginW", "WSALookupServiceNextW", "WSALookupServiceEnd");
	(void)api_child_say(&w->child, answer, "register 0.room 4711 hello");
	set.lpBlob = &blob;
	assert_int_equal(WSALookupServiceBeginW(&set, LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_COMMENT, &lookup),
			 0);
	size = sizeof(small);
	assert_fails(WSALookupServiceNextW(lookup, 0, &size, &small), WSAEFAULT);
	assert_true(size > sizeof(small) && size < sizeof(buffer));
	size = 0;
	assert_fails(WSALookupServiceNextW(lookup, 0, &size, NULL), WSAEFAULT);
	memset(buffer.bytes, 0xaa, sizeof(buffer));
	assert_int_equal(WSALookupServiceNextW(lookup, 0, &size, &buffer.set), 0);
	assert_int_equal(buffer.bytes[size], 0xaa); /* nothing is written beyond what was asked for */
	assert_text(buffer.set.lpszServiceInstanceName, u"0.room");
	assert_text(buffer.set.lpszContext, u"Loopback_");
	assert_text(buffer.set.lpszComment, u"hello");
	assert_int_equal(buffer.set.dwNameSpace, NS_PNRPNAME);
	assert_true(IsEqualGUID(buffer.set.lpServiceClassId, &SVCID_PNRPNAME));
	assert_true(IsEqualGUID(buffer.set.lpNSProviderId, &NS_PROVIDER_PNRPNAME));
	assert_int_equal(buffer.set.dwNumberOfCsAddrs, 1);
	assert_int_equal(buffer.set.lpcsaBuffer[0].iProtocol, IPPROTO_TCP);
	assert_int_equal(buffer.set.lpcsaBuffer[0].iSocketType, SOCK_STREAM);
	assert_int_equal(buffer.set.lpcsaBuffer[0].RemoteAddr.iSockaddrLength, sizeof(SOCKADDR_IN6));
	assert_int_equal(((SOCKADDR_IN6 *)(void *)buffer.set.lpcsaBuffer[0].RemoteAddr.lpSockaddr)->sin6_port,
			 htons(4711));
	assert_null(buffer.set.lpBlob);
	assert_int_equal(next(lookup), WSA_E_NO_MORE);
	assert_int_equal(next(lookup), WSA_E_NO_MORE);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	/* Only what is asked for. */
	assert_int_equal(WSALookupServiceBeginW(&set, LUP_RETURN_COMMENT, &lookup), 0);
	assert_int_equal(next(lookup), 0);
	assert_null(buffer.set.lpszServiceInstanceName);
	assert_null(buffer.set.lpszContext);
	assert_null(buffer.set.lpcsaBuffer);
	assert_text(buffer.set.lpszComment, u"hello");
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static int publish(PCWSTR name, uint16_t port, BLOB *blob)
{
	WSAQUERYSETW set = name_query(name);
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	CSADDR_INFO info = {.iProtocol = IPPROTO_UDP,
			    .iSocketType = SOCK_DGRAM,
			    .LocalAddr = {(LPSOCKADDR)&address, sizeof(address)}};

	set.lpcsaBuffer = &info;
	set.dwNumberOfCsAddrs = 1;
	set.lpszComment = wide(u"nsp");
	set.lpBlob = blob;
	return WSASetServiceW(&set, RNRSERVICE_REGISTER, 0) == 0 ? 0 : WSAGetLastError();
}

/* What is told of a name to its own process, by each criterion. */
static int found_by(PNRP_RESOLVE_CRITERIA criteria, PCWSTR name)
{
	WSAQUERYSETW set = name_query(name);
	PNRPINFO info = {.dwSize = sizeof(info), .enResolveCriteria = criteria};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	HANDLE lookup;
	int code;

	set.lpBlob = &blob;
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	code = next(lookup);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	return code;
}

static void names_are_registered(void **state)
{
	struct api_world *w = *state;
	PNRPINFO info = {.dwSize = sizeof(info), .dwLifetime = 8 * 3600};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	WSAQUERYSETW set = name_query(u"0.mine");
	char answer[512];

	PONTO_COVERS("WSASetServiceW", "WSALookupServiceBeginW");
	assert_int_equal(publish(u"0.mine", 5, &blob), 0);
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.mine"), "00000000 1 5/nsp");
	assert_int_equal(publish(u"0.mine", 6, NULL), 0); /* replaced */
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.mine"), "00000000 1 6/nsp");
	for (int i = PNRP_RESOLVE_CRITERIA_DEFAULT; i <= PNRP_RESOLVE_CRITERIA_NEAREST_NON_CURRENT_PROCESS_PEER_NAME;
	     i++)
		assert_int_equal(found_by((PNRP_RESOLVE_CRITERIA)i, u"0.mine"), WSA_E_NO_MORE);
	assert_int_equal(found_by(PNRP_RESOLVE_CRITERIA_ANY_PEER_NAME, u"0.mine"), 0);
	assert_int_equal(buffer.set.lpcsaBuffer[0].iSocketType, SOCK_DGRAM);
	assert_int_equal(found_by(PNRP_RESOLVE_CRITERIA_NEAREST_PEER_NAME, u"0.mine"), 0);
	assert_int_equal(WSASetServiceW(&set, RNRSERVICE_DELETE, 0), 0);
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.mine"), "00000000 0");
	assert_fails(WSASetServiceW(&set, RNRSERVICE_DELETE, 0), WSASERVICE_NOT_FOUND);
	/* The last WSACleanup ends what is left. */
	assert_int_equal(publish(u"0.mine", 7, NULL), 0);
	assert_int_equal(WSACleanup(), 0);
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.mine"), "00000000 0");
}

static void bad_registrations(void **state)
{
	WSAQUERYSETW set = name_query(u"0.a"), good;
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6};
	CSADDR_INFO info = {.iProtocol = IPPROTO_TCP, .LocalAddr = {(LPSOCKADDR)&address, sizeof(address)}}, many[11];
	PNRPINFO options = {.dwSize = sizeof(options),
			    .lpwszIdentity = wide(u"febe3705565228fca059cb0caec74e06404aa229.x")};
	BLOB blob = {sizeof(options), (BYTE *)&options};

	(void)state;
	PONTO_COVERS_ERRORS("WSASetServiceW");
	set.lpcsaBuffer = &info;
	set.dwNumberOfCsAddrs = 1;
	good = set;
	assert_fails(WSASetServiceW(NULL, RNRSERVICE_REGISTER, 0), WSAEFAULT);
	assert_fails(WSASetServiceW(&set, RNRSERVICE_DEREGISTER, 0), WSAEOPNOTSUPP);
	assert_fails(WSASetServiceW(&set, (WSAESETSERVICEOP)3, 0), WSAEINVAL);
	assert_fails(WSASetServiceW(&set, RNRSERVICE_REGISTER, 1), WSAEINVAL);
#define set_refused(change, code)                                                                                      \
	do {                                                                                                           \
		set = good;                                                                                            \
		change;                                                                                                \
		assert_fails(WSASetServiceW(&set, RNRSERVICE_REGISTER, 0), code);                                      \
	} while (0)
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(many); i++)
		many[i] = info;
	set_refused(set.lpszServiceInstanceName = wide(u"a"), WSAEINVAL);
	set_refused(set.lpszServiceInstanceName = NULL, WSAEINVAL);
	set_refused(set.lpszComment = wide(u"0123456789012345678901234567890123456789"), WSAEINVAL);
	set_refused(set.lpszContext = wide(u"Global_"), WSA_PNRP_CLOUD_NOT_FOUND);
	set_refused((set.dwNumberOfCsAddrs = 11, set.lpcsaBuffer = many), WSAEINVAL);
	set_refused(set.lpcsaBuffer = NULL, WSAEFAULT);
	set_refused((set.lpcsaBuffer = NULL, set.dwNumberOfCsAddrs = 0), WSAEINVAL);
	set_refused(set.lpBlob = &blob, WSA_PNRP_INVALID_IDENTITY);
	info.LocalAddr.iSockaddrLength = 4;
	set_refused(, WSAEINVAL);
	set = cloud_query();
	assert_fails(WSASetServiceW(&set, RNRSERVICE_REGISTER, 0), WSASERVICE_NOT_FOUND);
}

static void payloads(void **state)
{
	PNRPINFO info = {.dwSize = sizeof(info)};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	PNRPINFO *told;
	static BYTE large[4097] = {1, 2, 3};

	(void)state;
	PONTO_COVERS("WSASetServiceW", "WSALookupServiceNextW");
	info.enExtendedPayloadType = PNRP_EXTENDED_PAYLOAD_TYPE_BINARY;
	info.blobPayload = (BLOB){4096, large};
	assert_int_equal(publish(u"0.bin", 5, &blob), 0);
	assert_int_equal(found_by(PNRP_RESOLVE_CRITERIA_ANY_PEER_NAME, u"0.bin"), 0);
	assert_non_null(buffer.set.lpBlob);
	told = (PNRPINFO *)(void *)buffer.set.lpBlob->pBlobData;
	assert_int_equal(told->dwSize, sizeof(*told));
	assert_int_equal(told->enExtendedPayloadType, PNRP_EXTENDED_PAYLOAD_TYPE_BINARY);
	assert_int_equal(told->blobPayload.cbSize, 4096);
	assert_memory_equal(told->blobPayload.pBlobData, large, 4096);
	info.blobPayload.cbSize = 4097;
	assert_int_equal(publish(u"0.bin", 5, &blob), WSAEINVAL);
	info.blobPayload = (BLOB){1, NULL};
	assert_int_equal(publish(u"0.bin", 5, &blob), WSAEFAULT);
	info.enExtendedPayloadType = PNRP_EXTENDED_PAYLOAD_TYPE_STRING;
	info.pwszPayload = NULL;
	assert_int_equal(publish(u"0.text", 5, &blob), WSAEFAULT);
	info.pwszPayload = wide(u"caf\u00e9");
	assert_int_equal(publish(u"0.text", 5, &blob), 0);
	assert_int_equal(found_by(PNRP_RESOLVE_CRITERIA_ANY_PEER_NAME, u"0.text"), 0);
	told = (PNRPINFO *)(void *)buffer.set.lpBlob->pBlobData;
	assert_int_equal(told->enExtendedPayloadType, PNRP_EXTENDED_PAYLOAD_TYPE_STRING);
	assert_text(told->pwszPayload, u"caf\u00e9");
	info.enExtendedPayloadType = (PNRP_EXTENDED_PAYLOAD_TYPE)3;
	assert_int_equal(publish(u"0.text", 5, &blob), WSAEINVAL);
}

/* ---- clouds ----------------------------------------------------------------------------------------- */

static void clouds_are_enumerated(void **state)
{
	WSAQUERYSETW set = cloud_query();
	PNRPCLOUDINFO filter = {.dwSize = sizeof(filter), .Cloud.Scope = PNRP_LINK_LOCAL_SCOPE}, *told;
	BLOB blob = {sizeof(filter), (BYTE *)&filter};
	HANDLE lookup;

	(void)state;
	PONTO_COVERS("WSALookupServiceBeginW", "WSALookupServiceNextW", "WSALookupServiceEnd");
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	assert_int_equal(next(lookup), 0);
	assert_text(buffer.set.lpszServiceInstanceName, u"Loopback_");
	assert_int_equal(buffer.set.dwNameSpace, NS_PNRPCLOUD);
	assert_int_equal(buffer.set.dwOutputFlags, 0);
	told = (PNRPCLOUDINFO *)(void *)buffer.set.lpBlob->pBlobData;
	assert_int_equal(told->dwSize, sizeof(*told));
	assert_int_equal(told->Cloud.Scope, PNRP_LINK_LOCAL_SCOPE);
	assert_int_equal(told->Cloud.AddressFamily, AF_INET6);
	assert_int_equal(told->enCloudFlags, PNRP_CLOUD_NAME_LOCAL | PNRP_CLOUD_FULL_PARTICIPANT);
	assert_int_equal(next(lookup), WSA_E_NO_MORE);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	set.lpBlob = &blob;
	assert_int_equal(WSALookupServiceBeginW(&set, LUP_RETURN_NAME, &lookup), 0);
	assert_int_equal(next(lookup), 0);
	assert_null(buffer.set.lpBlob);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	filter.Cloud.Scope = PNRP_GLOBAL_SCOPE;
	assert_int_equal(WSALookupServiceBeginW(&set, LUP_RETURN_NAME, &lookup), 0);
	assert_int_equal(next(lookup), WSA_E_NO_MORE);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static int wait_for_change(HANDLE lookup, WSAOVERLAPPED *overlapped)
{
	WSACOMPLETION completion = {.Type = NSP_NOTIFY_EVENT, .Parameters.Event.lpOverlapped = overlapped};

	return WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, &completion) == 0 ? 0
												    : WSAGetLastError();
}

static void wait_for_changes(HANDLE lookup, DWORD wanted)
{
	WSAOVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, FALSE, FALSE, NULL)};

	for (DWORD seen = 0; (seen & wanted) != wanted;) {
		assert_int_equal(wait_for_change(lookup, &overlapped), WSA_IO_PENDING);
		assert_int_equal(WaitForSingleObject(overlapped.hEvent, 60000), WAIT_OBJECT_0);
		assert_true(HasOverlappedIoCompleted(&overlapped));
		assert_int_equal(overlapped.Internal, 0);
		if (next(lookup) == 0)
			seen |= buffer.set.dwOutputFlags;
	}
	CloseHandle(overlapped.hEvent);
}

/* A daemon that ends takes its clouds with it, and brings them back. */
static void changes_of_clouds_are_told(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = cloud_query();
	WSAOVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, FALSE, FALSE, NULL)};
	HANDLE lookup;

	PONTO_COVERS("WSANSPIoctl", "WSALookupServiceNextW");
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	while (next(lookup) == 0)
		;
	api_daemon_stop(&w->daemon);
	api_daemon_start(&w->daemon);
	wait_for_changes(lookup, RESULT_IS_DELETED | RESULT_IS_ADDED);
	/* An end completes what is asked for, as aborted. */
	while (wait_for_change(lookup, &overlapped) == WSA_IO_PENDING &&
	       WaitForSingleObject(overlapped.hEvent, 500) == WAIT_OBJECT_0)
		(void)next(lookup);
	assert_false(HasOverlappedIoCompleted(&overlapped));
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	assert_int_equal(WaitForSingleObject(overlapped.hEvent, 60000), WAIT_OBJECT_0);
	assert_int_not_equal(overlapped.Internal, 0);
	CloseHandle(overlapped.hEvent);
}

/* The library's thread is late: the daemon is another one, of the same clouds, when it hears for the first time. */
static void another_daemon_is_told(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = cloud_query();
	HANDLE lookup;

	PONTO_COVERS("WSANSPIoctl", "WSALookupServiceNextW");
	deaf = true;
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	while (next(lookup) == 0)
		;
	api_daemon_stop(&w->daemon);
	api_daemon_start(&w->daemon);
	deaf = false;
	wait_for_changes(lookup, RESULT_IS_DELETED | RESULT_IS_ADDED);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

/* The calls that follow a change are lost: what they would have found is asked for again. */
static void lost_calls_are_made_again(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = cloud_query();
	HANDLE lookup;

	PONTO_COVERS("WSANSPIoctl", "WSALookupServiceNextW");
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	while (next(lookup) == 0)
		;
	api_daemon_stop(&w->daemon);
	lost = true;
	api_daemon_start(&w->daemon);
	wait_for_changes(lookup, RESULT_IS_DELETED);
	lost = false;
	wait_for_changes(lookup, RESULT_IS_ADDED);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

/* ---- being told --------------------------------------------------------------------------------------- */

static void results_are_told(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = name_query(u"0.room");
	PNRPINFO info = {.dwSize = sizeof(info), .nMaxResolve = 32};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	WSAOVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, FALSE, FALSE, NULL)};
	unsigned count = 0;
	char answer[512];
	HANDLE lookup;
	int code;

	PONTO_COVERS("WSANSPIoctl", "WSALookupServiceNextW");
	for (unsigned i = 1; i <= 3; i++)
		(void)api_child_say(&w->child, answer, "register 0.room %u", i);
	set.lpBlob = &blob;
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	do {
		assert_int_equal(wait_for_change(lookup, &overlapped), WSA_IO_PENDING);
		assert_int_equal(WaitForSingleObject(overlapped.hEvent, 60000), WAIT_OBJECT_0);
		code = next(lookup);
		count += code == 0;
	} while (code == 0);
	assert_int_equal(code, WSA_E_NO_MORE);
	assert_int_equal(count, 3);
	/* Nothing is told any more: a poll says so, and an event stays as it is. */
	assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, NULL), WSAEWOULDBLOCK);
	assert_int_equal(wait_for_change(lookup, &overlapped), WSA_IO_PENDING);
	assert_int_equal(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	CloseHandle(overlapped.hEvent);
}

static void polls_and_refusals(void **state)
{
	struct api_world *w = *state;
	WSAQUERYSETW set = name_query(u"0.room");
	WSACOMPLETION completion = {.Type = NSP_NOTIFY_IMMEDIATELY};
	WSAOVERLAPPED overlapped = {0};
	char answer[512];
	DWORD returned = 7;
	HANDLE lookup;

	PONTO_COVERS_ERRORS("WSANSPIoctl");
	(void)api_child_say(&w->child, answer, "register 0.room 1");
	assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
	API_AWAIT(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &returned, &completion) == 0);
	assert_int_equal(returned, 0);
	assert_fails(WSANSPIoctl(lookup, 1, NULL, 0, NULL, 0, NULL, NULL), WSAEOPNOTSUPP);
	assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, &set, 8, NULL, 0, NULL, NULL), WSAEINVAL);
	assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, answer, 8, NULL, NULL), WSAEINVAL);
	static const WSACOMPLETIONTYPE none[] = {NSP_NOTIFY_HWND, NSP_NOTIFY_PORT, NSP_NOTIFY_APC};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(none); i++) {
		completion.Type = none[i];
		assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, &completion),
			     WSAEOPNOTSUPP);
	}
	completion.Type = (WSACOMPLETIONTYPE)9;
	assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, &completion), WSAEINVAL);
	assert_int_equal(wait_for_change(lookup, NULL), WSAEINVAL);
	assert_int_equal(wait_for_change(lookup, &overlapped), WSAEINVAL);
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

/* ---- threads ------------------------------------------------------------------------------------------- */

static void *next_until_ended(void *lookup)
{
	union {
		WSAQUERYSETW set;
		BYTE bytes[4096];
	} own;
	DWORD size;
	int code;

	do {
		size = sizeof(own);
		code = WSALookupServiceNextW(lookup, 0, &size, &own.set) == 0 ? 0 : WSAGetLastError();
	} while (code == 0 || code == WSA_E_NO_MORE);
	return (void *)(intptr_t)code;
}

static void an_end_unblocks(void **state)
{
	WSAQUERYSETW set = cloud_query();
	pthread_t threads[3];
	HANDLE lookup;

	(void)state;
	PONTO_COVERS_THREADS("WSALookupServiceEnd", "WSALookupServiceNextW");
	for (int round = 0; round < 20; round++) {
		assert_int_equal(WSALookupServiceBeginW(&set, 0, &lookup), 0);
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
			pthread_create(&threads[i], NULL, next_until_ended, lookup);
		usleep(round % 2 ? 2000 : 0);
		assert_int_equal(WSALookupServiceEnd(lookup), 0);
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++) {
			void *code;

			pthread_join(threads[i], &code);
			assert_true((intptr_t)code == WSA_E_CANCELLED || (intptr_t)code == WSA_INVALID_HANDLE);
		}
	}
}

static void *register_often(void *arg)
{
	atomic_uint *good = arg;

	for (int i = 0; i < 5; i++) {
		WSAQUERYSETW set = name_query(u"0.churn");

		if (publish(u"0.churn", 9, NULL) == 0)
			atomic_fetch_add(good, 1);
		(void)WSASetServiceW(&set, RNRSERVICE_DELETE, 0);
	}
	return NULL;
}

static void many_threads_register(void **state)
{
	pthread_t threads[4];
	atomic_uint good = 0;

	(void)state;
	PONTO_COVERS_THREADS("WSASetServiceW");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, register_often, &good);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(good, PONTO_ARRAY_SIZE(threads) * 5);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_before_the_start),
	cmocka_unit_test_setup_teardown(bad_queries, setup, teardown),
	cmocka_unit_test_setup_teardown(bad_options, setup, teardown),
	cmocka_unit_test_setup_teardown(stale_lookups, setup, teardown),
	cmocka_unit_test_setup_teardown(no_daemon, setup, teardown),
	cmocka_unit_test_setup_teardown(a_name_is_resolved, setup, teardown),
	cmocka_unit_test_setup_teardown(names_are_registered, setup, teardown),
	cmocka_unit_test_setup_teardown(bad_registrations, setup, teardown),
	cmocka_unit_test_setup_teardown(payloads, setup, teardown),
	cmocka_unit_test_setup_teardown(clouds_are_enumerated, setup, teardown),
	cmocka_unit_test_setup_teardown(changes_of_clouds_are_told, setup, teardown),
	cmocka_unit_test_setup_teardown(another_daemon_is_told, setup, teardown),
	cmocka_unit_test_setup_teardown(lost_calls_are_made_again, setup, teardown),
	cmocka_unit_test_setup_teardown(results_are_told, setup, teardown),
	cmocka_unit_test_setup_teardown(polls_and_refusals, setup, teardown),
	cmocka_unit_test_setup_teardown(an_end_unblocks, setup, teardown),
	cmocka_unit_test_setup_teardown(many_threads_register, setup, teardown),
};

API_TEST_MAIN(tests)
