/* The pnrp family against a real daemon: start and end, registrations, blocking resolves, clouds. */
#include <unistd.h>

#include <p2p.h>

#include "tests/api/api_daemon.h"

static int setup(void **state)
{
	struct api_daemon *d = malloc(sizeof(*d));

	api_daemon_init(d);
	api_daemon_start(d);
	*state = d;
	return 0;
}

static int started(void **state)
{
	setup(state);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	return 0;
}

static int teardown(void **state)
{
	while (PeerPnrpShutdown() == S_OK)
		;
	api_daemon_clear(*state);
	free(*state);
	return 0;
}

static SOCKADDR_IN6 address6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
static SOCKADDR *one_address[] = {(SOCKADDR *)&address6};

static PEER_PNRP_REGISTRATION_INFO at_port(uint16_t port)
{
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = 1, .ppAddresses = one_address};

	address6.sin6_port = htons(port);
	return info;
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

/* ---- start and end --------------------------------------------------------------------------- */

static void starts_are_counted(void **state)
{
	PPEER_PNRP_CLOUD_INFO clouds;
	ULONG count;

	(void)state;
	PONTO_COVERS("PeerPnrpStartup", "PeerPnrpShutdown");
	assert_int_equal(PeerPnrpShutdown(), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), S_OK);
	PeerFreeData(clouds);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_int_equal(PeerPnrpShutdown(), PEER_E_NOT_INITIALIZED);
}

static void other_versions_are_refused(void **state)
{
	static const WORD bad[] = {0, MAKEWORD(1, 0), MAKEWORD(0, 2), MAKEWORD(2, 1), MAKEWORD(3, 0), 0xffff};

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpStartup");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(PeerPnrpStartup(bad[i]), PEER_E_UNSUPPORTED_VERSION);
	assert_int_equal(PeerPnrpShutdown(), PEER_E_NOT_INITIALIZED);
}

static void nothing_works_before_the_start(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(1);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESOLUTION resolution;
	HREGISTRATION registration;
	ULONG count = 1;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpRegister", "PeerPnrpUpdateRegistration", "PeerPnrpUnregister", "PeerPnrpResolve",
			    "PeerPnrpStartResolve", "PeerPnrpGetEndpoint", "PeerPnrpEndResolve",
			    "PeerPnrpGetCloudInfo");
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &registration), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpUpdateRegistration((HREGISTRATION)1, &info), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpUnregister((HREGISTRATION)1), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpResolve(u"0.a", NULL, &count, &endpoint), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpStartResolve(u"0.a", NULL, 1, (HANDLE)1, &resolution), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpGetEndpoint((HRESOLUTION)1, &endpoint), PEER_E_NOT_INITIALIZED);
	assert_int_equal(PeerPnrpEndResolve((HRESOLUTION)1), PEER_E_NOT_INITIALIZED);
}

static void without_a_daemon_nothing_starts(void **state)
{
	struct api_daemon d;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpStartup");
	api_daemon_init(&d);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), PEER_E_SERVICE_NOT_AVAILABLE);
	assert_int_equal(PeerPnrpShutdown(), PEER_E_NOT_INITIALIZED);
	d.services = "";
	api_daemon_start(&d);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), PEER_E_CANNOT_START_SERVICE);
	api_daemon_clear(&d);
}

/* ---- clouds ------------------------------------------------------------------------------------ */

static void clouds_are_listed(void **state)
{
	PPEER_PNRP_CLOUD_INFO clouds = NULL;
	ULONG count = 77;

	(void)state;
	PONTO_COVERS("PeerPnrpGetCloudInfo", "PeerFreeData");
	assert_int_equal(PeerPnrpGetCloudInfo(NULL, &clouds), E_INVALIDARG);
	assert_int_equal(PeerPnrpGetCloudInfo(&count, NULL), E_INVALIDARG);
	assert_int_equal(count, 77);
	assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), S_OK);
	assert_int_equal(count, 1);
	assert_text(clouds[0].pwzCloudName, u"Loopback_");
	assert_int_equal(clouds[0].dwScope, PNRP_LINK_LOCAL_SCOPE);
	assert_int_not_equal(clouds[0].dwScopeId, 0);
	PeerFreeData(clouds);
	PeerFreeData(NULL);
}

/* A disabled one is no cloud of this node; the daemon is told and shows it to nobody. */
static void disabled_and_resolve_only_clouds(void **state)
{
	struct api_daemon d;
	PPEER_PNRP_ENDPOINT_INFO endpoints;
	PPEER_PNRP_CLOUD_INFO clouds;
	PEER_PNRP_REGISTRATION_INFO info = at_port(1);
	HREGISTRATION registration;
	ULONG count = 1;

	(void)state;
	PONTO_COVERS("PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpGetCloudInfo");
	api_daemon_init(&d);
	d.services = "off = { plugin = \"service-pnrp\"; scope = \"loopback\"; disabled = true; };\n"
		     "pnrp = { plugin = \"service-pnrp\"; scope = \"loopback\"; resolve_only = true; };";
	api_daemon_start(&d);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), S_OK);
	assert_int_equal(count, 1);
	PeerFreeData(clouds);
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &registration), PEER_E_CLOUD_IS_SEARCH_ONLY);
	info.pwzCloudName = (PWSTR)(uintptr_t)u"Loopback_";
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &registration), PEER_E_CLOUD_IS_SEARCH_ONLY);
	info.pwzCloudName = (PWSTR)(uintptr_t)u"off";
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &registration), PEER_E_CLOUD_DISABLED);
	assert_int_equal(PeerPnrpResolve(u"0.a", u"off", &count, &endpoints), PEER_E_CLOUD_DISABLED);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	api_daemon_clear(&d);
}

/* ---- registrations --------------------------------------------------------------------------------- */

static void bad_registrations(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(1), good = info;
	SOCKADDR *eleven[11] = {one_address[0], one_address[0], one_address[0], one_address[0],
				one_address[0], one_address[0], one_address[0], one_address[0],
				one_address[0], one_address[0], one_address[0]};
	SOCKADDR_STORAGE odd = {.ss_family = AF_UNIX};
	SOCKADDR *strange[] = {(SOCKADDR *)&odd}, *none[] = {NULL};
	static WCHAR long_comment[] = u"0123456789012345678901234567890123456789", long_name[300];
	static BYTE large[4097];
	HREGISTRATION r = (HREGISTRATION)7;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpRegister");
	assert_int_equal(PeerPnrpRegister(NULL, &info, &r), E_INVALIDARG);
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, NULL), E_INVALIDARG);
	static const PCWSTR names[] = {
		u"", u"a", u"1.a", u"0", u".a", u"FEBE3705565228FCA059CB0CAEC74E06404AA229.a", u"0.\xd800"};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++)
		assert_int_equal(PeerPnrpRegister(names[i], &info, &r), E_INVALIDARG);
	for (size_t i = 0; i < 299; i++)
		long_name[i] = i == 0 ? u'0' : i == 1 ? u'.' : u'x';
	assert_int_equal(PeerPnrpRegister(long_name, &info, &r), E_INVALIDARG);
	info.ppAddresses = NULL;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info.ppAddresses = none;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info.ppAddresses = strange;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info.ppAddresses = eleven;
	info.cAddresses = 11;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info.cAddresses = 0;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info = good;
	info.pwzComment = long_comment;
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info = good;
	info.payload = (PEER_DATA){1, NULL};
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info.payload = (PEER_DATA){sizeof(large), large};
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), E_INVALIDARG);
	info = good;
	info.pwzPublishingIdentity = (PWSTR)(uintptr_t)u"nobody";
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), PEER_E_IDENTITY_NOT_FOUND);
	info.pwzPublishingIdentity = (PWSTR)(uintptr_t)u"0.nobody";
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), PEER_E_IDENTITY_NOT_FOUND);
	info.pwzPublishingIdentity = (PWSTR)(uintptr_t)u"febe3705565228fca059cb0caec74e06404aa229.x";
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), PEER_E_IDENTITY_NOT_FOUND);
	assert_int_equal(PeerPnrpRegister(u"febe3705565228fca059cb0caec74e06404aa229.a", &good, &r),
			 PEER_E_INVALID_IDENTITY);
	info = good;
	static const PCWSTR clouds[] = {u"", u"Global_", u"GLOBAL_", u"LinkLocal_%9",
					u"0123456789012345678901234567890123456789012345678901234567890123456789"};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(clouds); i++) {
		info.pwzCloudName = (PWSTR)(uintptr_t)clouds[i];
		assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), PEER_E_CLOUD_NOT_FOUND);
	}
	assert_ptr_equal(r, (HREGISTRATION)7);
}

static void stale_registrations(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(1);
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	HREGISTRATION r;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpUpdateRegistration", "PeerPnrpUnregister");
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &r), S_OK);
	HREGISTRATION bad[] = {NULL, (HREGISTRATION)12345, event, INVALID_HANDLE_VALUE, (HREGISTRATION)&info};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(PeerPnrpUpdateRegistration(bad[i], &info), E_INVALIDARG);
		assert_int_equal(PeerPnrpUnregister(bad[i]), E_INVALIDARG);
	}
	assert_false(CloseHandle(r));
	assert_int_equal(PeerPnrpUnregister(r), S_OK);
	assert_int_equal(PeerPnrpUnregister(r), E_INVALIDARG);
	assert_int_equal(PeerPnrpUpdateRegistration(r, &info), E_INVALIDARG);
	CloseHandle(event);
}

static void two_processes_meet(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(4711);
	static BYTE payload[4096];
	PPEER_PNRP_ENDPOINT_INFO found = NULL;
	struct api_child child;
	HREGISTRATION r;
	ULONG count = 8;
	char answer[512];

	(void)state;
	PONTO_COVERS("PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpUnregister", "PeerFreeData");
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	info.pwzComment = (PWSTR)(uintptr_t)u"hello";
	assert_int_equal(PeerPnrpRegister(u"0.room", &info, &r), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.room"), "00000000 1 4711/hello");
	/* A process does not see its own; the other's is there. */
	assert_int_equal(PeerPnrpResolve(u"0.room", NULL, &count, &found), S_OK);
	assert_int_equal(count, 0);
	assert_null(found);
	assert_string_equal(api_child_say(&child, answer, "register 0.room 4712 you"), "00000000 0");
	count = 8;
	assert_int_equal(PeerPnrpResolve(u"0.room", u"loopback_", &count, &found), S_OK);
	assert_int_equal(count, 1);
	assert_text(found[0].pwzPeerName, u"0.room");
	assert_text(found[0].pwzComment, u"you");
	assert_int_equal(found[0].cAddresses, 1);
	assert_int_equal(found[0].ppAddresses[0]->sa_family, AF_INET6);
	assert_int_equal(found[0].payload.cbData, 0);
	PeerFreeData(found);
	/* As much as there may be. */
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (BYTE)(i * 7);
	assert_int_equal(PeerPnrpUnregister(r), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.room"), "00000000 0");
	info = (PEER_PNRP_REGISTRATION_INFO){.pwzComment = (PWSTR)(uintptr_t)u"012345678901234567890123456789012345678",
					     .payload = {sizeof(payload), payload}};
	assert_int_equal(PeerPnrpRegister(u"0.room", &info, &r), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.room"),
			    "00000000 1 0/012345678901234567890123456789012345678");
	api_child_kill(&child);
}

/* IPv4 too, several addresses, all link clouds, automatic ones. */
static void addresses_and_clouds_of_registrations(void **state)
{
	SOCKADDR_IN in = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201)};
	SOCKADDR *both[] = {one_address[0], (SOCKADDR *)&in};
	PEER_PNRP_REGISTRATION_INFO info = at_port(90);
	struct api_child child;
	HREGISTRATION a, b, c;
	char answer[512];

	(void)state;
	PONTO_COVERS("PeerPnrpRegister");
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	info.cAddresses = 2;
	info.ppAddresses = both;
	info.pwzCloudName = (PWSTR)(uintptr_t)PEER_PNRP_ALL_LINK_CLOUDS;
	assert_int_equal(PeerPnrpRegister(u"0.two", &info, &a), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.two"), "00000000 1 90/");
	assert_int_equal(PeerPnrpRegister(u"0.own", NULL, &b), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.own"), "00000000 1 0/");
	info = (PEER_PNRP_REGISTRATION_INFO){
		.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 99, .payload = {1, (PBYTE) "x"}};
	assert_int_equal(PeerPnrpRegister(u"0.auto", &info, &c), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.auto"), "00000000 1 99/");
	api_child_kill(&child);
}

static void a_name_twice(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(1);
	struct api_child child;
	HREGISTRATION a, b, c;
	char answer[512];

	(void)state;
	PONTO_COVERS("PeerPnrpRegister");
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	assert_int_equal(PeerPnrpRegister(u"0.twice", &info, &a), S_OK);
	assert_int_equal(PeerPnrpRegister(u"0.twice", &info, &b), PEER_E_PNRP_DUPLICATE_PEER_NAME);
	info.pwzCloudName = (PWSTR)(uintptr_t)u"Loopback_";
	assert_int_equal(PeerPnrpRegister(u"0.twice", &info, &b), PEER_E_PNRP_DUPLICATE_PEER_NAME);
	info = at_port(2);
	assert_int_equal(PeerPnrpRegister(u"0.twice", &info, &b), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.twice"), "00000000 2 1/ 2/");
	assert_string_equal(api_child_say(&child, answer, "register 0.twice 1"), "00000000 0");
	assert_int_equal(PeerPnrpUnregister(a), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.twice"), "00000000 1 2/");
	info = at_port(1);
	assert_int_equal(PeerPnrpRegister(u"0.twice", &info, &c), S_OK);
	api_child_kill(&child);
}

static void updates(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = at_port(10), other;
	SOCKADDR *two[] = {one_address[0], one_address[0]};
	struct api_child child;
	HREGISTRATION r;
	char answer[512];

	(void)state;
	PONTO_COVERS("PeerPnrpUpdateRegistration");
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	assert_int_equal(PeerPnrpRegister(u"0.new", &info, &r), S_OK);
	info = at_port(11);
	info.pwzComment = (PWSTR)(uintptr_t)u"news";
	assert_int_equal(PeerPnrpUpdateRegistration(r, &info), S_OK);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.new"), "00000000 1 11/news");
	assert_int_equal(PeerPnrpUpdateRegistration(r, NULL), E_INVALIDARG);
	other = info;
	other.pwzCloudName = (PWSTR)(uintptr_t)u"Loopback_";
	assert_int_equal(PeerPnrpUpdateRegistration(r, &other), E_INVALIDARG);
	other = info;
	other.cAddresses = 2;
	other.ppAddresses = two;
	assert_int_equal(PeerPnrpUpdateRegistration(r, &other), E_INVALIDARG);
	other = info;
	other.payload = (PEER_DATA){4097, (PBYTE)answer};
	assert_int_equal(PeerPnrpUpdateRegistration(r, &other), E_INVALIDARG);
	/* A failure changes nothing. */
	other = info;
	other.pwzPublishingIdentity = (PWSTR)(uintptr_t)u"febe3705565228fca059cb0caec74e06404aa229.x";
	assert_int_equal(PeerPnrpUpdateRegistration(r, &other), PEER_E_IDENTITY_NOT_FOUND);
	assert_string_equal(api_child_say(&child, answer, "resolve 0.new"), "00000000 1 11/news");
	api_child_kill(&child);
}

/* ---- resolves ------------------------------------------------------------------------------------------ */

static void bad_resolves(void **state)
{
	PPEER_PNRP_ENDPOINT_INFO found = (PPEER_PNRP_ENDPOINT_INFO)7;
	ULONG count = 1, zero = 0;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpResolve");
	assert_int_equal(PeerPnrpResolve(NULL, NULL, &count, &found), E_INVALIDARG);
	assert_int_equal(PeerPnrpResolve(u"0.a", NULL, NULL, &found), E_INVALIDARG);
	assert_int_equal(PeerPnrpResolve(u"0.a", NULL, &zero, &found), E_INVALIDARG);
	assert_int_equal(PeerPnrpResolve(u"0.a", NULL, &count, NULL), E_INVALIDARG);
	assert_int_equal(PeerPnrpResolve(u"nodot", NULL, &count, &found), E_INVALIDARG);
	assert_int_equal(PeerPnrpResolve(u"0.a", u"Global_", &count, &found), PEER_E_CLOUD_NOT_FOUND);
	assert_int_equal(PeerPnrpResolve(u"0.a", u"", &count, &found), PEER_E_CLOUD_NOT_FOUND);
	assert_ptr_equal(found, (PPEER_PNRP_ENDPOINT_INFO)7);
	assert_int_equal(count, 1);
}

static void as_many_as_are_wanted(void **state)
{
	PPEER_PNRP_ENDPOINT_INFO found;
	struct api_child child;
	ULONG count = 2;
	char answer[512];

	(void)state;
	PONTO_COVERS("PeerPnrpResolve");
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	for (unsigned i = 1; i <= 5; i++)
		(void)api_child_say(&child, answer, "register 0.many %u", i);
	assert_int_equal(PeerPnrpResolve(u"0.many", NULL, &count, &found), S_OK);
	assert_int_equal(count, 2);
	PeerFreeData(found);
	count = 0xffffffff;
	assert_int_equal(PeerPnrpResolve(u"0.many", PEER_PNRP_ALL_LINK_CLOUDS, &count, &found), S_OK);
	assert_int_equal(count, 5);
	PeerFreeData(found);
	assert_string_equal(api_child_say(&child, answer, "shutdown"), "00000000");
	count = 1;
	assert_int_equal(PeerPnrpResolve(u"0.many", NULL, &count, &found), S_OK);
	assert_int_equal(count, 0);
	api_child_kill(&child);
}

/* Two clouds: each is asked, and one name in both is found in both. */
static void several_clouds(void **state)
{
	struct api_daemon d;
	PPEER_PNRP_ENDPOINT_INFO found;
	struct api_child child;
	ULONG count = 9;
	char answer[512], services[256];

	(void)state;
	PONTO_COVERS("PeerPnrpResolve", "PeerPnrpRegister");
	api_daemon_init(&d);
	snprintf(services, sizeof(services),
		 "pnrp = { plugin = \"service-pnrp\"; scope = \"loopback\"; };\n"
		 "new = { plugin = \"service-pnrp\"; scope = \"loopback\"; profile = \"modern\"; port = %d; };",
		 api_daemon_port(1));
	d.services = services;
	api_daemon_start(&d);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	assert_string_equal(api_child_say(&child, answer, "register 0.both 5"), "00000000 0");
	assert_int_equal(PeerPnrpResolve(u"0.both", NULL, &count, &found), S_OK);
	assert_int_equal(count, 2);
	PeerFreeData(found);
	count = 1;
	assert_int_equal(PeerPnrpResolve(u"0.both", NULL, &count, &found), S_OK);
	assert_int_equal(count, 1);
	PeerFreeData(found);
	count = 9;
	assert_int_equal(PeerPnrpResolve(u"0.both", u"Loopback_@modern", &count, &found), S_OK);
	assert_int_equal(count, 1);
	PeerFreeData(found);
	api_child_kill(&child);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	api_daemon_clear(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(starts_are_counted, setup, teardown),
	cmocka_unit_test_setup_teardown(other_versions_are_refused, setup, teardown),
	cmocka_unit_test_setup_teardown(nothing_works_before_the_start, setup, teardown),
	cmocka_unit_test(without_a_daemon_nothing_starts),
	cmocka_unit_test_setup_teardown(clouds_are_listed, started, teardown),
	cmocka_unit_test(disabled_and_resolve_only_clouds),
	cmocka_unit_test_setup_teardown(bad_registrations, started, teardown),
	cmocka_unit_test_setup_teardown(stale_registrations, started, teardown),
	cmocka_unit_test_setup_teardown(two_processes_meet, started, teardown),
	cmocka_unit_test_setup_teardown(addresses_and_clouds_of_registrations, started, teardown),
	cmocka_unit_test_setup_teardown(a_name_twice, started, teardown),
	cmocka_unit_test_setup_teardown(updates, started, teardown),
	cmocka_unit_test_setup_teardown(bad_resolves, started, teardown),
	cmocka_unit_test_setup_teardown(as_many_as_are_wanted, started, teardown),
	cmocka_unit_test(several_clouds),
};

API_TEST_MAIN(tests)
