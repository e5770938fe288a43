/* Functions of the families from several threads at once, each with things of its own and things that all share. What
 * the other tests of these families do from threads is not done again. */
#include <pthread.h>
#include <unistd.h>

#include <p2p.h>

#include "tests/api/api_daemon.h"

#define THREADS 4
#define ROUNDS 5

static struct api_daemon daemon_;
static PWSTR shared;

static int setup(void **state)
{
	WSADATA data;

	(void)state;
	api_daemon_init(&daemon_);
	api_daemon_start(&daemon_);
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerIdentityCreate(u"shared", u"Shared", 0, &shared), S_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	PeerFreeData(shared);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_int_equal(WSACleanup(), 0);
	api_daemon_clear(&daemon_);
	return 0;
}

struct thread {
	pthread_t thread;
	bool (*work)(unsigned number);
	unsigned number, rounds, good;
};

static void *run(void *arg)
{
	struct thread *t = arg;

	for (unsigned i = 0; i < t->rounds; i++)
		t->good += t->work(t->number);
	return NULL;
}

/* Runs work in every thread; work returns whether all went well. */
static void in_threads(bool (*work)(unsigned number), unsigned rounds)
{
	struct thread threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){.work = work, .number = i, .rounds = rounds};
		assert_int_equal(pthread_create(&threads[i].thread, NULL, run, &threads[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
		assert_int_equal(threads[i].good, rounds);
	}
}

static bool same(PCWSTR a, PCWSTR b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* text by its address: what it is comes from the call before. */
static bool freed(HRESULT result, PWSTR *text)
{
	if (result != S_OK)
		return false;
	PeerFreeData(*text);
	return true;
}

/* ---- identities of one's own ------------------------------------------------------------------------ */

static bool own_identity(unsigned number)
{
	WCHAR name[] = u"Thread 0";
	PWSTR me, text, xml, back;
	HCRYPTPROV key;
	bool good;

	name[7] = (WCHAR)(u'0' + number);
	if (PeerIdentityCreate(u"own", u"new", 0, &me) != S_OK)
		return false;
	good = PeerIdentitySetFriendlyName(me, name) == S_OK && PeerIdentityGetFriendlyName(me, &text) == S_OK;
	good = good && same(text, name) && freed(S_OK, &text);
	good = good && freed(PeerIdentityGetXML(me, &text), &text);
	good = good && PeerIdentityGetCryptKey(me, &key) == S_OK && CryptReleaseContext(key, 0);
	good = good && freed(PeerCreatePeerName(me, u"printer", &text), &text);
	good = good && PeerIdentityExport(me, u"secret", &xml) == S_OK;
	good = good && PeerIdentityDelete(me) == S_OK && PeerIdentityDelete(me) == PEER_E_NOT_FOUND;
	good = good && PeerIdentityImport(xml, u"secret", &back) == S_OK && same(back, me);
	good = good && PeerIdentityDelete(back) == S_OK && freed(S_OK, &back) && freed(S_OK, &xml);
	PeerFreeData(me);
	return good;
}

static void each_thread_an_identity(void **state)
{
	(void)state;
	PONTO_COVERS_THREADS("PeerIdentityCreate", "PeerIdentitySetFriendlyName", "PeerIdentityGetFriendlyName",
			     "PeerIdentityGetXML", "PeerIdentityGetCryptKey", "PeerCreatePeerName",
			     "PeerIdentityExport", "PeerIdentityDelete", "PeerIdentityImport", "PeerFreeData");
	in_threads(own_identity, 2);
}

/* ---- what all share ---------------------------------------------------------------------------------- */

static bool read_shared(unsigned number)
{
	PEER_NAME_PAIR **pairs;
	ULONG count = 0, n = 8;
	HPEERENUM list;
	PWSTR text;
	bool good;

	(void)number;
	good = PeerIdentityGetDefault(&text) == S_OK && same(text, shared) && freed(S_OK, &text);
	good = good && PeerEnumIdentities(&list) == S_OK && PeerGetItemCount(list, &count) == S_OK && count == 1;
	good = good && PeerGetNextItem(list, &n, (PVOID **)&pairs) == S_OK && n == 1;
	good = good && same(pairs[0]->pwzPeerName, shared);
	if (good)
		PeerFreeData(pairs);
	good = good && PeerEndEnumeration(list) == S_OK;
	good = good && PeerEnumGroups(shared, &list) == S_OK && PeerEndEnumeration(list) == S_OK;
	good = good && freed(PeerNameToPeerHostName(shared, &text), &text);
	return good && freed(PeerHostNameToPeerName(u"alice.pnrp.net", &text), &text);
}

static void all_read_the_same(void **state)
{
	(void)state;
	PONTO_COVERS_THREADS("PeerIdentityGetDefault", "PeerEnumIdentities", "PeerGetItemCount", "PeerGetNextItem",
			     "PeerEnumGroups", "PeerEndEnumeration", "PeerNameToPeerHostName",
			     "PeerHostNameToPeerName");
	in_threads(read_shared, ROUNDS);
}

static bool list_clouds(unsigned number)
{
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPCLOUD};
	GUID class = SVCID_PNRPCLOUD;
	WSAOVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, FALSE, FALSE, NULL)};
	WSACOMPLETION completion = {.Type = NSP_NOTIFY_EVENT, .Parameters.Event.lpOverlapped = &overlapped};
	PPEER_PNRP_CLOUD_INFO clouds;
	HANDLE lookup;
	ULONG count;
	bool good;

	(void)number;
	set.lpServiceClassId = &class;
	good = PeerPnrpGetCloudInfo(&count, &clouds) == S_OK && count == 1 &&
	       same(clouds[0].pwzCloudName, u"Loopback_");
	if (good)
		PeerFreeData(clouds);
	good = good && WSALookupServiceBeginW(&set, 0, &lookup) == 0;
	/* There is one to be had, so it is told at once. */
	good = good && WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, &completion) == SOCKET_ERROR;
	good = good && WSAGetLastError() == WSA_IO_PENDING;
	good = good && WaitForSingleObject(overlapped.hEvent, 60000) == WAIT_OBJECT_0;
	good = good && WSALookupServiceEnd(lookup) == 0;
	CloseHandle(overlapped.hEvent);
	return good;
}

static void all_list_the_clouds(void **state)
{
	(void)state;
	PONTO_COVERS_THREADS("PeerPnrpGetCloudInfo", "WSALookupServiceBeginW", "WSANSPIoctl", "WSALookupServiceEnd");
	in_threads(list_clouds, ROUNDS);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_thread_an_identity),
	cmocka_unit_test(all_read_the_same),
	cmocka_unit_test(all_list_the_clouds),
};

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, setup, teardown);
}
