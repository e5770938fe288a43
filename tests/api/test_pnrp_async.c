/* The pnrp family's resolves that go on meanwhile: the event, the queue, the end. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <p2p.h>
#include <ponto.h>

#include "tests/api/api_daemon.h"

#define NAMES 5

static int setup(void **state)
{
	struct api_world *w;
	char answer[512];

	(void)api_world_setup(state);
	w = *state;
	for (unsigned i = 1; i <= NAMES; i++)
		(void)api_child_say(&w->child, answer, "register 0.many %u", i);
	return 0;
}

static bool is_set(HANDLE event)
{
	return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

static void bad_starts(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL), closed = CreateEventW(NULL, FALSE, FALSE, NULL);
	PEER_PNRP_REGISTRATION_INFO info = {.payload = {1, (PBYTE) "x"}};
	HREGISTRATION registration;
	HRESOLUTION r = (HRESOLUTION)7;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpStartResolve");
	CloseHandle(closed);
	assert_int_equal(PeerPnrpRegister(u"0.a", &info, &registration), S_OK);
	HANDLE bad[] = {NULL, closed, registration, INVALID_HANDLE_VALUE, (HANDLE)&info};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 1, bad[i], &r), E_INVALIDARG);
	assert_int_equal(PeerPnrpStartResolve(NULL, NULL, 1, event, &r), E_INVALIDARG);
	assert_int_equal(PeerPnrpStartResolve(u"many", NULL, 1, event, &r), E_INVALIDARG);
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 1, event, NULL), E_INVALIDARG);
	assert_int_equal(PeerPnrpStartResolve(u"0.many", u"Global_", 1, event, &r), PEER_E_CLOUD_NOT_FOUND);
	assert_ptr_equal(r, (HRESOLUTION)7);
	assert_false(is_set(event));
	CloseHandle(event);
}

static void stale_resolutions(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESOLUTION r;

	(void)state;
	PONTO_COVERS_ERRORS("PeerPnrpGetEndpoint", "PeerPnrpEndResolve");
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 1, event, &r), S_OK);
	HRESOLUTION bad[] = {NULL, event, INVALID_HANDLE_VALUE, (HRESOLUTION)&endpoint, (HRESOLUTION)999};
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(PeerPnrpGetEndpoint(bad[i], &endpoint), E_INVALIDARG);
		assert_int_equal(PeerPnrpEndResolve(bad[i]), E_INVALIDARG);
	}
	assert_int_equal(PeerPnrpGetEndpoint(r, NULL), E_INVALIDARG);
	assert_false(CloseHandle(r));
	assert_int_equal(PeerPnrpEndResolve(r), S_OK);
	assert_int_equal(PeerPnrpEndResolve(r), E_INVALIDARG);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), E_INVALIDARG);
	CloseHandle(event);
}

/* As the documentation has it: one wait, one endpoint, until there are no more. */
static void one_signal_one_endpoint(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESULT result = S_OK;
	unsigned ports = 0;
	HRESOLUTION r;

	(void)state;
	PONTO_COVERS("PeerPnrpStartResolve", "PeerPnrpGetEndpoint", "PeerPnrpEndResolve", "PeerFreeData");
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 0, event, &r), S_OK);
	while (result == S_OK) {
		assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
		result = PeerPnrpGetEndpoint(r, &endpoint);
		if (result == S_OK) {
			ports |= 1u << ntohs(((SOCKADDR_IN6 *)(void *)endpoint->ppAddresses[0])->sin6_port);
			PeerFreeData(endpoint);
		}
	}
	assert_int_equal(result, PEER_E_NO_MORE);
	assert_int_equal(ports, 0x3e);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), PEER_E_NO_MORE);
	assert_false(is_set(event));
	assert_int_equal(PeerPnrpEndResolve(r), S_OK);
	CloseHandle(event);
}

static void drain(HRESOLUTION r, HANDLE event, bool reset, unsigned expected)
{
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESULT result = S_OK;
	unsigned count = 0;

	while (result == S_OK) {
		assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
		result = PeerPnrpGetEndpoint(r, &endpoint);
		if (reset)
			ResetEvent(event); /* too late: what came since the wait loses its signal */
		if (result == S_OK) {
			PeerFreeData(endpoint);
			count++;
		}
	}
	assert_int_equal(result, PEER_E_NO_MORE);
	assert_int_equal(count, expected);
}

/* Entries that wait while nobody looks share one signal, and none is left behind; nor when the program resets it. */
static void signals_that_coalesce(void **state)
{
	PONTO_COVERS("PeerPnrpStartResolve", "PeerPnrpGetEndpoint");
	(void)state;
	for (int manual = 0; manual < 2; manual++) {
		HANDLE event = CreateEventW(NULL, manual, FALSE, NULL);
		HRESOLUTION r;

		assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 0, event, &r), S_OK);
		usleep(300000);
		drain(r, event, manual, NAMES);
		assert_int_equal(PeerPnrpEndResolve(r), S_OK);
		CloseHandle(event);
	}
}

static void two_share_an_event(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	HRESOLUTION r[2];

	(void)state;
	PONTO_COVERS("PeerPnrpStartResolve");
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 2, event, &r[0]), S_OK);
	assert_int_equal(PeerPnrpStartResolve(u"0.many", u"Loopback_", 1, event, &r[1]), S_OK);
	usleep(300000);
	drain(r[0], event, false, 2);
	drain(r[1], event, false, 1);
	assert_int_equal(PeerPnrpEndResolve(r[0]), S_OK);
	assert_int_equal(PeerPnrpEndResolve(r[1]), S_OK);
	CloseHandle(event);
}

static void the_event_may_be_closed_first(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESOLUTION r;

	(void)state;
	PONTO_COVERS("PeerPnrpGetEndpoint");
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 1, event, &r), S_OK);
	CloseHandle(event);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), S_OK);
	PeerFreeData(endpoint);
	assert_int_equal(PeerPnrpEndResolve(r), S_OK);
}

static void not_found_is_an_end(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESOLUTION r;

	(void)state;
	PONTO_COVERS("PeerPnrpStartResolve", "PeerPnrpGetEndpoint");
	assert_int_equal(PeerPnrpStartResolve(u"0.nobody", NULL, 1, event, &r), S_OK);
	assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), PEER_E_NO_MORE);
	assert_int_equal(PeerPnrpEndResolve(r), S_OK);
	CloseHandle(event);
}

/* A daemon that goes away during the resolve is told once. It is held meanwhile, when the library knows its cloud. */
static void a_lost_daemon_is_told(void **state)
{
	struct api_world *w = *state;
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	PPEER_PNRP_CLOUD_INFO clouds;
	HRESULT result;
	HRESOLUTION r;
	ULONG count;

	PONTO_COVERS_ERRORS("PeerPnrpGetEndpoint", "PeerPnrpStartResolve");
	do {
		assert_int_equal(PeerPnrpGetCloudInfo(&count, &clouds), S_OK);
		PeerFreeData(clouds);
		kill(w->daemon.pid, SIGSTOP);
		result = PeerPnrpStartResolve(u"0.nobody", u"Loopback_", 1, event, &r);
		kill(w->daemon.pid, result == S_OK ? SIGKILL : SIGCONT);
	} while (result == HRESULT_FROM_WIN32(ERROR_TIMEOUT));
	assert_int_equal(result, S_OK);
	assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), PEER_E_SERVICE_NOT_AVAILABLE);
	assert_int_equal(PeerPnrpGetEndpoint(r, &endpoint), PEER_E_NO_MORE);
	assert_int_equal(PeerPnrpEndResolve(r), S_OK);
	api_daemon_kill(&w->daemon);
	CloseHandle(event);
}

/* ---- threads ------------------------------------------------------------------------------------- */

static void *get_until_ended(void *arg)
{
	PPEER_PNRP_ENDPOINT_INFO endpoint;
	HRESULT result;

	while ((result = PeerPnrpGetEndpoint(arg, &endpoint)) == S_OK)
		PeerFreeData(endpoint);
	return (void *)(intptr_t)result;
}

/* Several wait on one resolution: each endpoint goes to one of them, and an end reaches all. */
static void an_end_unblocks(void **state)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	pthread_t threads[4];
	HRESOLUTION r;

	(void)state;
	PONTO_COVERS_THREADS("PeerPnrpEndResolve", "PeerPnrpShutdown");
	for (int round = 0; round < 20; round++) {
		assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 0, event, &r), S_OK);
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
			pthread_create(&threads[i], NULL, get_until_ended, r);
		if (round % 2)
			usleep(1000);
		assert_int_equal(PeerPnrpEndResolve(r), S_OK);
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++) {
			void *result;

			pthread_join(threads[i], &result);
			assert_true((HRESULT)(intptr_t)result == E_ABORT || (HRESULT)(intptr_t)result == E_INVALIDARG ||
				    (HRESULT)(intptr_t)result == PEER_E_NO_MORE);
		}
	}
	/* The last shutdown ends those that nobody ended. */
	assert_int_equal(PeerPnrpStartResolve(u"0.many", NULL, 0, event, &r), S_OK);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpEndResolve(r), E_INVALIDARG);
	CloseHandle(event);
}

static void *resolve_often(void *arg)
{
	atomic_uint *found = arg;

	for (int i = 0; i < 20; i++) {
		HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
		PPEER_PNRP_ENDPOINT_INFO endpoint;
		ULONG count = 1;
		HRESOLUTION r;

		if (PeerPnrpStartResolve(u"0.many", NULL, 1, event, &r) == S_OK) {
			if (WaitForSingleObject(event, 60000) == WAIT_OBJECT_0 &&
			    PeerPnrpGetEndpoint(r, &endpoint) == S_OK) {
				atomic_fetch_add(found, 1);
				PeerFreeData(endpoint);
			}
			(void)PeerPnrpEndResolve(r);
		}
		if (PeerPnrpResolve(u"0.many", NULL, &count, &endpoint) == S_OK && count == 1) {
			atomic_fetch_add(found, 1);
			PeerFreeData(endpoint);
		}
		CloseHandle(event);
	}
	return NULL;
}

static void from_many_threads(void **state)
{
	pthread_t threads[8];
	atomic_uint found = 0;

	(void)state;
	PONTO_COVERS_THREADS("PeerPnrpResolve", "PeerPnrpStartResolve", "PeerPnrpGetEndpoint", "PeerPnrpEndResolve");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, resolve_often, &found);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(found, PONTO_ARRAY_SIZE(threads) * 40);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(bad_starts, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(stale_resolutions, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(one_signal_one_endpoint, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(signals_that_coalesce, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(two_share_an_event, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(the_event_may_be_closed_first, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(not_found_is_an_end, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(a_lost_daemon_is_told, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(an_end_unblocks, setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(from_many_threads, setup, api_world_teardown),
};

API_TEST_MAIN(tests)
