/* Whatever a daemon may refuse, and every state that its clouds may be in, as the error that a program gets: the
 * families before a link that this test plays. */
#include <p2p.h>

#include <unistd.h>

#include "api/peer/result.h"
#include "api/peerdist/wire.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"
#include "tests/api/played_link.h"
#include "tests/support/test.h"

/* ---- the daemon -------------------------------------------------------------------------------------- */

struct cloud {
	const char *service, *name, *scope, *state;
	bool resolve_only;
};

static struct {
	const struct cloud *clouds;
	size_t count;
	int lost;    /* no call comes to an answer */
	int refusal; /* of what is neither Status nor Clouds */
} play;

static void pack(const ProtobufCMessage *message, struct ponto_reply *out)
{
	out->payload = malloc(protobuf_c_message_get_packed_size(message) + 1);
	out->len = protobuf_c_message_pack(message, out->payload);
}

static void answer_status(struct ponto_reply *out)
{
	Ponto__Node__V1__StatusReply reply = PONTO__NODE__V1__STATUS_REPLY__INIT;
	Ponto__Node__V1__Instance items[8], *list[8];
	char *empty = (char *)(uintptr_t) "";

	for (size_t i = 0; i < play.count; i++) {
		size_t seen = 0;

		while (seen < reply.n_instance && strcmp(items[seen].name, play.clouds[i].service) != 0)
			seen++;
		if (seen < reply.n_instance)
			continue;
		ponto__node__v1__instance__init(&items[seen]);
		items[seen].kind = empty;
		items[seen].name = (char *)(uintptr_t)play.clouds[i].service;
		items[seen].plugin = (char *)(uintptr_t) "service-pnrp";
		list[reply.n_instance++] = &items[seen];
	}
	reply.instance = list;
	reply.name = reply.version = reply.state_dir = reply.endpoint = reply.config_file = reply.metrics_json = empty;
	pack(&reply.base, out);
}

static void answer_clouds(const char *service, struct ponto_reply *out)
{
	Ponto__Pnrp__V1__CloudsReply reply = PONTO__PNRP__V1__CLOUDS_REPLY__INIT;
	Ponto__Pnrp__V1__CloudInfo items[8], *list[8];

	for (size_t i = 0; i < play.count; i++) {
		const struct cloud *cloud = &play.clouds[i];
		Ponto__Pnrp__V1__CloudInfo *item = &items[reply.n_cloud];

		if (!cloud->name || strcmp(cloud->service, service) != 0)
			continue;
		ponto__pnrp__v1__cloud_info__init(item);
		item->name = (char *)(uintptr_t)cloud->name;
		item->scope = (char *)(uintptr_t)cloud->scope;
		item->state = (char *)(uintptr_t)cloud->state;
		item->profile = (char *)(uintptr_t) "windows";
		item->resolve_only = cloud->resolve_only;
		list[reply.n_cloud++] = item;
	}
	reply.cloud = list;
	pack(&reply.base, out);
}

HRESULT played_answer(const char *service, const char *method, struct ponto_reply *out)
{
	if (play.lost)
		return peer_result_of_call(play.lost);
	if (strcmp(method, "Status") == 0)
		answer_status(out);
	else if (strcmp(method, "Clouds") == 0)
		answer_clouds(service, out);
	else
		out->result = play.refusal;
	return S_OK;
}

/* ---- programs ------------------------------------------------------------------------------------------ */

static HRESULT register_in(PCWSTR cloud)
{
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 1};
	HREGISTRATION registration = (HREGISTRATION)7;
	HRESULT result;

	info.pwzCloudName = (PWSTR)(uintptr_t)cloud;
	result = PeerPnrpRegister(u"0.a", &info, &registration);
	if (result == S_OK)
		assert_int_equal(PeerPnrpUnregister(registration), S_OK);
	else
		assert_ptr_equal(registration, (HREGISTRATION)7);
	return result;
}

static HRESULT resolve_in(PCWSTR cloud)
{
	PPEER_PNRP_ENDPOINT_INFO endpoints = NULL;
	ULONG count = 4;
	HRESULT result = PeerPnrpResolve(u"0.a", cloud, &count, &endpoints);

	assert_null(endpoints);
	assert_int_equal(count, result == S_OK ? 0 : 4);
	return result;
}

static HRESULT start_resolve_in(PCWSTR cloud)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESOLUTION resolution;
	HRESULT result = PeerPnrpStartResolve(u"0.a", cloud, 1, event, &resolution);

	if (result == S_OK) {
		assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
		result = PeerPnrpGetEndpoint(resolution, &endpoint);
		assert_int_equal(PeerPnrpEndResolve(resolution), S_OK);
	}
	CloseHandle(event);
	return result;
}

static int start(void **state)
{
	static const struct cloud one[] = {{"pnrp", "Global_", "global", "active", false}};

	(void)state;
	memset(&play, 0, sizeof(play));
	play.clouds = one;
	play.count = 1;
	return PeerPnrpStartup(PNRP_VERSION) == S_OK ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	play.lost = play.refusal = PONTO_OK;
	return PeerPnrpShutdown() == S_OK ? 0 : -1;
}

/* ---- clouds ---------------------------------------------------------------------------------------------- */

#define PLAY(list) (play.clouds = (list), play.count = PONTO_ARRAY_SIZE(list))

static void all_say(PCWSTR cloud, HRESULT expected)
{
	assert_int_equal(register_in(cloud), expected);
	assert_int_equal(resolve_in(cloud), expected);
	assert_int_equal(start_resolve_in(cloud), expected);
}

static void clouds_of_every_state(void **state)
{
	static const struct cloud none[] = {{"pnrp", NULL, NULL, NULL, false}},
				  several[] = {{"pnrp", "Global_", "global", "dead", false},
					       {"pnrp", "off", "global", "disabled", false},
					       {"pnrp", "Twice", "link", "active", false},
					       {"more", "Twice", "link", "active", false},
					       {"more", "Search", "link", "active", true}};

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpStartResolve");
	PLAY(none);
	all_say(NULL, PEER_E_NO_CLOUD);
	all_say(PEER_PNRP_ALL_LINK_CLOUDS, PEER_E_NO_CLOUD);
	all_say(u"Global_", PEER_E_CLOUD_NOT_FOUND);
	PLAY(several);
	all_say(u"Global_", PEER_E_CLOUD_IS_DEAD);
	all_say(u"off", PEER_E_CLOUD_DISABLED);
	all_say(u"twice", PEER_E_CLOUD_NAME_AMBIGUOUS);
	all_say(u"nowhere", PEER_E_CLOUD_NOT_FOUND);
	assert_int_equal(register_in(u"Search"), PEER_E_CLOUD_IS_SEARCH_ONLY);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

struct refusal {
	int ponto;
	HRESULT result;
};

static void refusals_of_registrations(void **state)
{
	static const struct refusal refusals[] = {
		{PONTO_ENOMEM, E_OUTOFMEMORY},		 {PONTO_EINVAL, E_INVALIDARG},
		{PONTO_EBUSY, PEER_E_TOO_MUCH_LOAD},	 {PONTO_ENOENT, PEER_E_CLOUD_NOT_FOUND},
		{PONTO_EACCES, PEER_E_INVALID_IDENTITY}, {PONTO_EAUTH, PEER_E_INVALID_IDENTITY},
		{PONTO_EUNREACH, PEER_E_NO_CLOUD},	 {PONTO_ECLOSED, PEER_E_CLOUD_IS_DEAD},
		{PONTO_ENOSPC, PEER_E_DISK_FULL},	 {PONTO_ETIME, __HRESULT_FROM_WIN32(ERROR_TIMEOUT)},
		{PONTO_EINTERNAL, E_UNEXPECTED},
	};
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 1};
	HREGISTRATION registration;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpRegister", "PeerPnrpUpdateRegistration");
	assert_int_equal(PeerPnrpRegister(u"0.there", &info, &registration), S_OK);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		play.refusal = refusals[i].ponto;
		assert_int_equal(register_in(NULL), refusals[i].result);
		assert_int_equal(PeerPnrpUpdateRegistration(registration, &info), refusals[i].result);
	}
	play.refusal = PONTO_OK;
	assert_int_equal(PeerPnrpUnregister(registration), S_OK);
}

static void refusals_of_resolves(void **state)
{
	static const struct refusal refusals[] = {
		{PONTO_ENOMEM, E_OUTOFMEMORY},	     {PONTO_EINVAL, E_INVALIDARG},
		{PONTO_EBUSY, PEER_E_TOO_MUCH_LOAD}, {PONTO_EACCES, PEER_E_CLOUD_DISABLED},
		{PONTO_EUNREACH, PEER_E_NO_CLOUD},   {PONTO_ECLOSED, PEER_E_CLOUD_IS_DEAD},
		{PONTO_EINTERNAL, E_UNEXPECTED},
	};
	static const int nothing[] = {PONTO_ENOENT, PONTO_ETIME, PONTO_EAUTH};

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpResolve", "PeerPnrpGetEndpoint");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		play.refusal = refusals[i].ponto;
		assert_int_equal(resolve_in(u"Global_"), refusals[i].result);
		assert_int_equal(start_resolve_in(u"Global_"), refusals[i].result);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(nothing); i++) {
		play.refusal = nothing[i];
		assert_int_equal(resolve_in(u"Global_"), S_OK);
		assert_int_equal(start_resolve_in(u"Global_"), PEER_E_NO_MORE);
	}
}

static void refusals_about_identities(void **state)
{
	static const struct refusal refusals[] = {
		{PONTO_ENOMEM, E_OUTOFMEMORY},	      {PONTO_ENOENT, PEER_E_NOT_FOUND},
		{PONTO_EACCES, PEER_E_NO_KEY_ACCESS}, {PONTO_EAUTH, PEER_E_NO_KEY_ACCESS},
		{PONTO_ENOSPC, PEER_E_DISK_FULL},     {PONTO_ECORRUPT, PEER_E_CERT_STORE_CORRUPTED},
		{PONTO_EBUSY, PEER_E_TOO_MUCH_LOAD},  {PONTO_EIO, E_FAIL},
	};
	PCWSTR const who = u"febe3705565228fca059cb0caec74e06404aa229.x";

	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityCreate", "PeerIdentityGetFriendlyName", "PeerIdentitySetFriendlyName",
			    "PeerIdentityGetCryptKey", "PeerIdentityDelete", "PeerEnumIdentities", "PeerEnumGroups",
			    "PeerIdentityGetXML", "PeerIdentityExport", "PeerIdentityGetDefault");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		HRESULT expected = refusals[i].result;
		PWSTR text = (PWSTR)(uintptr_t)u"untouched";
		HPEERENUM list;
		HCRYPTPROV key;

		play.refusal = refusals[i].ponto;
		assert_int_equal(PeerIdentityGetFriendlyName(who, &text), expected);
		assert_int_equal(PeerIdentitySetFriendlyName(who, u"name"), expected);
		assert_int_equal(PeerIdentityGetCryptKey(who, &key), expected);
		assert_int_equal(PeerIdentityDelete(who), expected);
		assert_int_equal(PeerEnumIdentities(&list), expected);
		assert_int_equal(PeerEnumGroups(who, &list), expected);
		assert_int_equal(PeerIdentityGetXML(who, &text), expected);
		assert_int_equal(PeerIdentityExport(who, u"password", &text), expected);
		assert_int_equal(PeerIdentityGetDefault(&text), expected);
		assert_memory_equal(text, u"untouched", 20);
		assert_int_equal(PeerIdentityCreate(u"me", NULL, 0, &text), expected);
		assert_null(text); /* as its page promises */
	}
}

static void refusals_of_imports(void **state)
{
	static const struct refusal refusals[] = {
		{PONTO_ENOMEM, E_OUTOFMEMORY},	       {PONTO_EAUTH, E_INVALIDARG},
		{PONTO_EPROTO, E_INVALIDARG},	       {PONTO_EINVAL, E_INVALIDARG},
		{PONTO_EEXIST, PEER_E_ALREADY_EXISTS}, {PONTO_ELIMIT, PEER_E_TOO_MANY_IDENTITIES},
		{PONTO_EACCES, PEER_E_NO_KEY_ACCESS},
	};
	PWSTR text;

	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityImport");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		play.refusal = refusals[i].ponto;
		assert_int_equal(PeerIdentityImport(u"<x/>", u"password", &text), refusals[i].result);
	}
}

/* ---- no answer ------------------------------------------------------------------------------------------------ */

static void calls_that_are_lost(void **state)
{
	static const struct refusal losses[] = {
		{PONTO_EUNREACH, PEER_E_SERVICE_NOT_AVAILABLE},
		{PONTO_EACCES, E_ACCESSDENIED},
		{PONTO_ENOMEM, E_OUTOFMEMORY},
		{PONTO_ETIME, __HRESULT_FROM_WIN32(ERROR_TIMEOUT)},
		{PONTO_EBUSY, PEER_E_TOO_MUCH_LOAD},
		{PONTO_EPROTO, E_UNEXPECTED},
	};
	PPEER_PNRP_CLOUD_INFO clouds;
	ULONG count;
	PWSTR text;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpStartResolve", "PeerPnrpGetCloudInfo",
			    "PeerIdentityGetDefault");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(losses); i++) {
		play.lost = losses[i].ponto;
		all_say(NULL, losses[i].result);
		assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), losses[i].result);
		assert_int_equal(PeerIdentityGetDefault(&text), losses[i].result);
	}
}

/* ---- Winsock ---------------------------------------------------------------------------------------------------- */

static int look_up_in(PCWSTR cloud)
{
	union {
		WSAQUERYSETW set;
		BYTE bytes[1024];
	} buffer;
	GUID class = SVCID_PNRPNAME;
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPNAME, .lpServiceClassId = &class};
	DWORD length = sizeof(buffer);
	HANDLE lookup;
	int code = 0;

	set.lpszServiceInstanceName = (LPWSTR)(uintptr_t)u"0.a";
	set.lpszContext = (LPWSTR)(uintptr_t)cloud;
	if (WSALookupServiceBeginW(&set, 0, &lookup) != 0)
		return WSAGetLastError();
	if (WSALookupServiceNextW(lookup, 0, &length, &buffer.set) != 0)
		code = WSAGetLastError();
	assert_int_equal(WSALookupServiceEnd(lookup), 0);
	return code;
}

static int publish_in(PCWSTR cloud)
{
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6, .sin6_port = 256, .sin6_addr = in6addr_loopback};
	CSADDR_INFO info = {
		.LocalAddr = {(LPSOCKADDR)&address, sizeof(address)}, .iSocketType = SOCK_STREAM, .iProtocol = 6};
	GUID class = SVCID_PNRPNAME;
	PNRPINFO pnrp = {.dwSize = sizeof(pnrp), .dwLifetime = 60};
	BLOB blob = {sizeof(pnrp), (BYTE *)&pnrp};
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPNAME, .lpServiceClassId = &class};

	set.lpszServiceInstanceName = (LPWSTR)(uintptr_t)u"0.a";
	set.lpszContext = (LPWSTR)(uintptr_t)cloud;
	set.dwNumberOfCsAddrs = 1;
	set.lpcsaBuffer = &info;
	set.lpBlob = &blob;
	return WSASetServiceW(&set, RNRSERVICE_REGISTER, 0) == 0 ? 0 : WSAGetLastError();
}

static void codes_of_winsock(void **state)
{
	static const struct cloud several[] = {{"pnrp", "Dead", "global", "dead", false},
					       {"pnrp", "off", "global", "disabled", false},
					       {"pnrp", "Search", "link", "active", true},
					       {"more", "Good", "link", "active", false}};
	static const struct {
		int ponto, look_up, publish;
	} refusals[] = {
		{PONTO_ENOMEM, WSA_NOT_ENOUGH_MEMORY, WSA_NOT_ENOUGH_MEMORY},
		{PONTO_EINVAL, WSAEINVAL, WSAEINVAL},
		{PONTO_EACCES, WSA_PNRP_CLOUD_DISABLED, WSA_PNRP_INVALID_IDENTITY},
		{PONTO_EUNREACH, WSAENETUNREACH, WSAENETUNREACH},
		{PONTO_ECLOSED, WSA_PNRP_CLOUD_IS_DEAD, WSA_PNRP_CLOUD_IS_DEAD},
		{PONTO_ENOTSUP, WSAEOPNOTSUPP, WSAEOPNOTSUPP},
		{PONTO_EINTERNAL, WSANO_RECOVERY, WSANO_RECOVERY},
	};
	WSADATA data;

	(void)state;
	PONTO_COVERS_ERRORS("WSALookupServiceBeginW", "WSALookupServiceNextW", "WSASetServiceW");
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	PLAY(several);
	assert_int_equal(look_up_in(u"Dead"), WSA_PNRP_CLOUD_IS_DEAD);
	assert_int_equal(publish_in(u"Dead"), WSA_PNRP_CLOUD_IS_DEAD);
	assert_int_equal(look_up_in(u"off"), WSA_PNRP_CLOUD_DISABLED);
	assert_int_equal(look_up_in(u"nowhere"), WSA_PNRP_CLOUD_NOT_FOUND);
	assert_int_equal(publish_in(u"Search"), WSA_PNRP_CLOUD_IS_SEARCH_ONLY);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(refusals); i++) {
		play.refusal = refusals[i].ponto;
		assert_int_equal(look_up_in(u"Good"), refusals[i].look_up);
		assert_int_equal(publish_in(u"Good"), refusals[i].publish);
	}
	play.lost = PONTO_EACCES;
	assert_int_equal(look_up_in(u"Good"), WSAEACCES);
	play.lost = PONTO_EUNREACH;
	assert_int_equal(publish_in(u"Good"), WSASYSNOTREADY);
	assert_int_equal(WSACleanup(), 0);
}

/* Who asks at the moment when the last instance ends is told so, instead of waiting for a thread that is gone. */
static void a_call_when_nobody_uses_the_connection(void **state)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	uint64_t session = 0;
	bool absent;

	(void)state;
	(void)alarm(20);
	assert_int_equal(pd_wire_use(), ERROR_SUCCESS);
	pd_wire_drop();
	assert_int_equal(pd_ask("State", &request.base, NULL, &session, &absent, NULL), PONTO_EUNREACH);
	assert_false(absent);
	(void)alarm(0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clouds_of_every_state, start, stop),
		cmocka_unit_test_setup_teardown(refusals_of_registrations, start, stop),
		cmocka_unit_test_setup_teardown(refusals_of_resolves, start, stop),
		cmocka_unit_test_setup_teardown(refusals_about_identities, start, stop),
		cmocka_unit_test_setup_teardown(refusals_of_imports, start, stop),
		cmocka_unit_test_setup_teardown(calls_that_are_lost, start, stop),
		cmocka_unit_test_setup_teardown(codes_of_winsock, start, stop),
		cmocka_unit_test(a_call_when_nobody_uses_the_connection),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
