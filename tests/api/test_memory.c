/* Every allocation of the families is refused once, by running each function again and again until it needs no more: it
 * must say so, and work the next time as if nothing had been. Whatever is left behind is a leak that the sanitizers
 * tell. The sources of libponto are compiled into this test with an allocator of its own (failing_memory.h). */
#include <unistd.h>

#include <p2p.h>

#include "tests/api/refusing.h"

/* ---- a daemon ------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct api_world *w;
	char answer[512];

	(void)api_world_setup(state);
	w = *state;
	(void)api_child_say(&w->child, answer, "register 0.theirs 5 comment");
	return 0;
}

/* ---- pnrp ------------------------------------------------------------------------------------------- */

static HRESULT run_startup(void)
{
	HRESULT result = PeerPnrpStartup(PNRP_VERSION);

	if (result == S_OK)
		(void)PeerPnrpShutdown();
	return result;
}

static PEER_PNRP_REGISTRATION_INFO mine(void)
{
	return (PEER_PNRP_REGISTRATION_INFO){.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 9};
}

static HRESULT run_register(void)
{
	PEER_PNRP_REGISTRATION_INFO info = mine();
	HREGISTRATION r = (HREGISTRATION)7;
	HRESULT result = PeerPnrpRegister(u"0.mine", &info, &r);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerPnrpUnregister(r), S_OK);
	else
		assert_ptr_equal(r, (HREGISTRATION)7);
	return result;
}

static HREGISTRATION registration;

static HRESULT run_resolve(void)
{
	PPEER_PNRP_ENDPOINT_INFO endpoints = (PPEER_PNRP_ENDPOINT_INFO)7;
	ULONG count = 4;
	HRESULT result = PeerPnrpResolve(u"0.theirs", NULL, &count, &endpoints);

	if (result == S_OK) {
		assert_int_equal(count, 1);
		PeerFreeData(endpoints);
	} else {
		assert_int_equal(count, 4);
		assert_ptr_equal(endpoints, (PPEER_PNRP_ENDPOINT_INFO)7);
	}
	return result;
}

static HRESULT run_clouds(void)
{
	PPEER_PNRP_CLOUD_INFO clouds;
	ULONG count;
	HRESULT result = PeerPnrpGetCloudInfo(&count, &clouds);

	if (result == S_OK)
		PeerFreeData(clouds);
	return result;
}

static HANDLE event;

static HRESULT run_start_resolve(void)
{
	HRESOLUTION r;
	HRESULT result = PeerPnrpStartResolve(u"0.theirs", NULL, 1, event, &r);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerPnrpEndResolve(r), S_OK);
	return result;
}

static HRESOLUTION resolution;

/* An endpoint that found no memory is still there for the next who asks. */
static HRESULT run_get_endpoint(void)
{
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESULT result = PeerPnrpGetEndpoint(resolution, &endpoint);

	if (result == S_OK)
		PeerFreeData(endpoint);
	return result;
}

static HRESULT run_host_name(void)
{
	PWSTR text;
	HRESULT result = PeerNameToPeerHostName(u"0.alice", &text);

	if (result == S_OK)
		PeerFreeData(text);
	return result;
}

static HRESULT run_peer_name(void)
{
	PWSTR text;
	HRESULT result = PeerHostNameToPeerName(u"alice.pnrp.net", &text);

	if (result == S_OK)
		PeerFreeData(text);
	return result;
}

static void pnrp_functions(void **state)
{
	struct api_world *w = *state;
	char answer[512];

	PONTO_COVERS_ERRORS("PeerPnrpStartup", "PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpGetCloudInfo", "PeerPnrpStartResolve", "PeerPnrpGetEndpoint",
			    "PeerNameToPeerHostName", "PeerHostNameToPeerName");
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	each_refused(run_startup, E_OUTOFMEMORY);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	each_refused(run_register, E_OUTOFMEMORY);
	/* What failed, or was ended, is not published: the second process would find it. */
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.mine"), "00000000 0");
	each_refused(run_resolve, E_OUTOFMEMORY);
	each_refused(run_clouds, E_OUTOFMEMORY);
	event = CreateEventW(NULL, FALSE, FALSE, NULL);
	each_refused(run_start_resolve, E_OUTOFMEMORY);
	assert_int_equal(PeerPnrpStartResolve(u"0.theirs", NULL, 1, event, &resolution), S_OK);
	each_refused(run_get_endpoint, E_OUTOFMEMORY);
	assert_int_equal(run_get_endpoint(), PEER_E_NO_MORE);
	assert_int_equal(PeerPnrpEndResolve(resolution), S_OK);
	CloseHandle(event);
	each_refused(run_host_name, E_OUTOFMEMORY);
	each_refused(run_peer_name, E_OUTOFMEMORY);
}

/* Whatever is refused, and whenever: the name is there once, as it was or as it was to be, and the function says which. */
static void an_update_is_whole(void **state)
{
	struct api_world *w = *state;
	PEER_PNRP_REGISTRATION_INFO info = mine();
	char answer[512], expected[64] = "00000000 1 9/";
	BYTE payload[2000] = {1}; /* more than what is packed on the stack */
	WCHAR comment[] = u"a?";
	bool refused = true;
	HRESULT result;

	PONTO_COVERS_ERRORS("PeerPnrpUpdateRegistration");
	info.payload = (PEER_DATA){sizeof(payload), payload};
	assert_int_equal(PeerPnrpRegister(u"0.whole", &info, &registration), S_OK);
	for (unsigned n = 1; refused; n++) {
		comment[1] = (WCHAR)(u'a' + n % 26);
		info.pwzComment = comment;
		begin_refusing(n, false);
		result = PeerPnrpUpdateRegistration(registration, &info);
		refused = end_refusing();
		if (result == S_OK)
			snprintf(expected, sizeof(expected), "00000000 1 9/a%c", (char)('a' + n % 26));
		else
			assert_int_equal(result, E_OUTOFMEMORY);
		assert_string_equal(api_child_say(&w->child, answer, "resolve 0.whole"), expected);
	}
	assert_int_equal(result, S_OK);
	assert_int_equal(PeerPnrpUnregister(registration), S_OK);
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.whole"), "00000000 0");
	/* the same of an end */
	for (unsigned n = 1, again = 1; again; n++) {
		assert_int_equal(PeerPnrpRegister(u"0.whole", &info, &registration), S_OK);
		begin_refusing(n, false);
		assert_int_equal(PeerPnrpUnregister(registration), S_OK);
		again = end_refusing();
		assert_string_equal(api_child_say(&w->child, answer, "resolve 0.whole"), "00000000 0");
	}
}

/* Threads of the library find no memory either: what goes on meanwhile tells it, once, and comes to its end. */
static void resolves_that_go_on(void **state)
{
	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpStartResolve", "PeerPnrpGetEndpoint");
	event = CreateEventW(NULL, FALSE, FALSE, NULL);
	for (size_t n = 1; n <= 40; n++) {
		unsigned told = 0, found = 0;
		HRESULT result;

		begin_refusing(n, true);
		result = PeerPnrpStartResolve(u"0.theirs", NULL, 0, event, &resolution);
		if (result == S_OK) {
			do {
				result = run_get_endpoint();
				found += result == S_OK;
				told += result == E_OUTOFMEMORY;
			} while (result == S_OK || result == E_OUTOFMEMORY);
			assert_int_equal(result, PEER_E_NO_MORE);
			assert_true(found + told >= 1 && found <= 1 && told <= 1);
			assert_int_equal(PeerPnrpEndResolve(resolution), S_OK);
		} else {
			assert_int_equal(result, E_OUTOFMEMORY);
		}
		(void)end_refusing();
	}
	CloseHandle(event);
	assert_int_equal(run_resolve(), S_OK);
}

/* ---- identity, common ---------------------------------------------------------------------------------- */

static PWSTR identity;

static HRESULT gives_text(HRESULT result, PWSTR text)
{
	if (result == S_OK)
		PeerFreeData(text);
	return result;
}

static HRESULT run_friendly_name(void)
{
	PWSTR text;
	HRESULT result = PeerIdentityGetFriendlyName(identity, &text);

	return gives_text(result, text);
}

static HRESULT run_set_friendly_name(void)
{
	return PeerIdentitySetFriendlyName(identity, u"another");
}

static HRESULT run_default(void)
{
	PWSTR text;
	HRESULT result = PeerIdentityGetDefault(&text);

	return gives_text(result, text);
}

static HRESULT run_create_peer_name(void)
{
	PWSTR text;
	HRESULT result = PeerCreatePeerName(identity, u"printer", &text);

	return gives_text(result, text);
}

static HRESULT run_xml(void)
{
	PWSTR text;
	HRESULT result = PeerIdentityGetXML(identity, &text);

	return gives_text(result, text);
}

static HRESULT run_export(void)
{
	PWSTR text;
	HRESULT result = PeerIdentityExport(identity, u"secret", &text);

	return gives_text(result, text);
}

static HRESULT run_crypt_key(void)
{
	HCRYPTPROV key;
	HRESULT result = PeerIdentityGetCryptKey(identity, &key);

	if (result == S_OK)
		(void)CryptReleaseContext(key, 0);
	return result;
}

static HRESULT run_enumeration(void)
{
	PPEER_NAME_PAIR *items;
	HPEERENUM list;
	ULONG count = 8;
	HRESULT result = PeerEnumIdentities(&list);

	if (result != S_OK)
		return result;
	result = PeerGetNextItem(list, &count, (PVOID **)&items);
	if (result == S_OK)
		PeerFreeData(items);
	(void)PeerEndEnumeration(list);
	return result;
}

static HRESULT run_groups(void)
{
	HPEERENUM list;
	HRESULT result = PeerEnumGroups(identity, &list);

	if (result == S_OK)
		(void)PeerEndEnumeration(list);
	return result;
}

static void identity_functions(void **state)
{
	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityGetFriendlyName", "PeerIdentitySetFriendlyName", "PeerIdentityGetDefault",
			    "PeerCreatePeerName", "PeerIdentityGetXML", "PeerIdentityExport", "PeerIdentityGetCryptKey",
			    "PeerEnumIdentities", "PeerEnumGroups", "PeerGetNextItem");
	assert_int_equal(PeerIdentityCreate(u"me", u"my name", 0, &identity), S_OK);
	each_refused(run_friendly_name, E_OUTOFMEMORY);
	each_refused(run_set_friendly_name, E_OUTOFMEMORY);
	each_refused(run_default, E_OUTOFMEMORY);
	each_refused(run_create_peer_name, E_OUTOFMEMORY);
	each_refused(run_xml, E_OUTOFMEMORY);
	each_refused(run_export, E_OUTOFMEMORY);
	each_refused(run_crypt_key, E_OUTOFMEMORY);
	each_refused(run_enumeration, E_OUTOFMEMORY);
	each_refused(run_groups, E_OUTOFMEMORY);
	PeerFreeData(identity);
}

/* ---- the namespace provider ------------------------------------------------------------------------------ */

static HRESULT code(INT result)
{
	return result == 0 ? 0 : (HRESULT)WSAGetLastError();
}

static HRESULT run_query(DWORD space, const GUID *class, PCWSTR name)
{
	static union {
		WSAQUERYSETW set;
		BYTE bytes[16384];
	} buffer;
	GUID copy = *class;
	WSAQUERYSETW set = {.dwSize = sizeof(set),
			    .dwNameSpace = space,
			    .lpServiceClassId = &copy,
			    .lpszServiceInstanceName = (PWSTR)(uintptr_t)name};
	DWORD length = sizeof(buffer);
	HANDLE lookup;
	HRESULT result = code(WSALookupServiceBeginW(&set, 0, &lookup));

	if (result)
		return result;
	result = code(WSALookupServiceNextW(lookup, 0, &length, &buffer.set));
	(void)WSALookupServiceEnd(lookup);
	return result;
}

static HRESULT run_name_query(void)
{
	return run_query(NS_PNRPNAME, &SVCID_PNRPNAME_V2, u"0.theirs");
}

static HRESULT run_cloud_query(void)
{
	return run_query(NS_PNRPCLOUD, &SVCID_PNRPCLOUD, NULL);
}

static HRESULT run_service(WSAESETSERVICEOP operation, PCWSTR name)
{
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = in6addr_loopback};
	CSADDR_INFO local = {.LocalAddr = {(SOCKADDR *)&address, sizeof(address)}, .iProtocol = IPPROTO_TCP};
	GUID class = SVCID_PNRPNAME_V2;
	WSAQUERYSETW set = {.dwSize = sizeof(set),
			    .dwNameSpace = NS_PNRPNAME,
			    .lpServiceClassId = &class,
			    .lpszServiceInstanceName = (PWSTR)(uintptr_t)name,
			    .dwNumberOfCsAddrs = 1,
			    .lpcsaBuffer = &local};

	return code(WSASetServiceW(&set, operation, 0));
}

static HRESULT run_set_service(void)
{
	HRESULT result = run_service(RNRSERVICE_REGISTER, u"0.service");

	end_refusing();
	if (result == 0)
		assert_int_equal(run_service(RNRSERVICE_DELETE, u"0.service"), 0);
	return result;
}

static void namespace_functions(void **state)
{
	struct api_world *w = *state;
	char answer[512];
	WSADATA data;

	PONTO_COVERS_ERRORS("WSALookupServiceBeginW", "WSALookupServiceNextW", "WSASetServiceW");
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	each_refused(run_name_query, WSA_NOT_ENOUGH_MEMORY);
	each_refused(run_cloud_query, WSA_NOT_ENOUGH_MEMORY);
	each_refused(run_set_service, WSA_NOT_ENOUGH_MEMORY);
	assert_string_equal(api_child_say(&w->child, answer, "resolve 0.service"), "00000000 0");
	assert_int_equal(WSACleanup(), 0);
}

/* ---- the base ------------------------------------------------------------------------------------------ */

/* What fails by a NULL or FALSE has ERROR_NOT_ENOUGH_MEMORY as its last error. */
static HRESULT told(bool good)
{
	return good ? S_OK : (HRESULT)GetLastError();
}

static HRESULT run_event(void)
{
	HANDLE made = CreateEventW(NULL, FALSE, FALSE, NULL);
	HRESULT result = told(made != NULL);

	if (made)
		CloseHandle(made);
	return result;
}

static VOID CALLBACK nothing(PVOID context, BOOLEAN timed_out)
{
	(void)context;
	(void)timed_out;
}

static HRESULT run_registered_wait(void)
{
	HANDLE wait;
	HRESULT result = told(RegisterWaitForSingleObject(&wait, event, nothing, NULL, INFINITE, WT_EXECUTEDEFAULT));

	if (result == S_OK)
		assert_true(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
	return result;
}

static HRESULT run_message(void)
{
	PWSTR text = NULL;
	HRESULT result = told(FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
						     FORMAT_MESSAGE_IGNORE_INSERTS,
					     NULL, ERROR_ACCESS_DENIED, 0, (PWSTR)(void *)&text, 0, NULL) > 0);

	(void)LocalFree(text);
	return result;
}

static HRESULT run_local(void)
{
	HLOCAL block = LocalAlloc(LPTR, 16);
	HRESULT result = told(block != NULL);

	(void)LocalFree(block);
	return result;
}

static DWORD WINAPI end_at_once(LPVOID parameter)
{
	(void)parameter;
	return 0;
}

static HRESULT run_thread(void)
{
	HANDLE thread = CreateThread(NULL, 0, end_at_once, NULL, 0, NULL);
	HRESULT result = told(thread != NULL);

	if (thread) {
		assert_int_equal(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
		CloseHandle(thread);
	}
	return result;
}

static HRESULT run_process(void)
{
	WCHAR command[] = u"true \"a b\"";
	STARTUPINFOW startup = {.cb = sizeof(startup)};
	PROCESS_INFORMATION process;
	HRESULT result = told(CreateProcessW(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process));

	if (result == S_OK) {
		assert_int_equal(WaitForSingleObject(process.hProcess, 60000), WAIT_OBJECT_0);
		CloseHandle(process.hThread);
		CloseHandle(process.hProcess);
	}
	return result;
}

static HRESULT run_open_process(void)
{
	HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)getpid());
	HRESULT result = told(process != NULL);

	if (process)
		CloseHandle(process);
	return result;
}

static HRESULT run_uuid(void)
{
	RPC_WSTR text;
	UUID uuid = {0};
	RPC_STATUS status = UuidToStringW(&uuid, &text);

	if (status == RPC_S_OK)
		(void)RpcStringFreeW(&text);
	return status;
}

static HRESULT run_address_info(void)
{
	ADDRINFOW hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *info = NULL;
	INT result = GetAddrInfoW(u"::1", u"80", &hints, &info);

	if (result == 0)
		FreeAddrInfoW(info);
	return result;
}

static void base_functions(void **state)
{
	(void)state;
	event = CreateEventW(NULL, FALSE, FALSE, NULL);
	each_refused(run_event, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_registered_wait, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_message, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_local, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_thread, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_process, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_open_process, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_uuid, RPC_S_OUT_OF_MEMORY);
	each_refused(run_address_info, WSA_NOT_ENOUGH_MEMORY);
	CloseHandle(event);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(pnrp_functions, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(an_update_is_whole, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(resolves_that_go_on, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(identity_functions, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(namespace_functions, setup, api_world_teardown),
	cmocka_unit_test(base_functions),
};

API_TEST_MAIN(tests)
