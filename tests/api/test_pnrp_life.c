/* What outlives what: a daemon that comes back, a process that ends, a fork; threads and signals of the library. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2p.h>

#include "tests/api/api_daemon.h"

static bool child_finds(struct api_world *w, const char *name, const char *expected)
{
	char command[300], answer[512];

	snprintf(command, sizeof(command), "resolve %s", name);
	return strcmp(api_child_say(&w->child, answer, "%s", command), expected) == 0;
}

/* The one resolve that does not wait for a walk's end: until it is found. */
static ULONG found(PCWSTR name)
{
	PPEER_PNRP_ENDPOINT_INFO endpoints = NULL;
	ULONG count = 16;

	if (FAILED(PeerPnrpResolve(name, NULL, &count, &endpoints)))
		return 0;
	PeerFreeData(endpoints);
	return count;
}

static PEER_PNRP_REGISTRATION_INFO automatic(uint16_t port)
{
	return (PEER_PNRP_REGISTRATION_INFO){.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = port};
}

static void a_daemon_that_comes_back(void **state)
{
	struct api_world *w = *state;
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	PPEER_PNRP_ENDPOINT_INFO endpoints;
	HREGISTRATION a, b;
	ULONG count = 1;

	PONTO_COVERS("PeerPnrpRegister", "PeerPnrpResolve", "PeerPnrpUnregister");
	assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &a), S_OK);
	info.pwzCloudName = (PWSTR)(uintptr_t)u"Loopback_";
	assert_int_equal(PeerPnrpRegister(u"0.other", &info, &b), S_OK);
	for (int i = 0; i < 2; i++) {
		if (i)
			api_daemon_kill(&w->daemon);
		else
			api_daemon_stop(&w->daemon);
		assert_int_equal(PeerPnrpResolve(u"0.mine", NULL, &count, &endpoints), PEER_E_SERVICE_NOT_AVAILABLE);
		api_daemon_start(&w->daemon);
		API_AWAIT(child_finds(w, "0.mine", "00000000 1 7/"));
		API_AWAIT(child_finds(w, "0.other", "00000000 1 7/"));
	}
	/* What was ended while there was no daemon is not there with the next. */
	api_daemon_kill(&w->daemon);
	assert_int_equal(PeerPnrpUnregister(a), S_OK);
	api_daemon_start(&w->daemon);
	API_AWAIT(child_finds(w, "0.other", "00000000 1 7/"));
	assert_true(child_finds(w, "0.mine", "00000000 0"));
}

static void without_a_daemon(void **state)
{
	struct api_world *w = *state;
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	PPEER_PNRP_ENDPOINT_INFO endpoints;
	HREGISTRATION r, other;
	ULONG count = 1;

	PONTO_COVERS_ERRORS("PeerPnrpRegister", "PeerPnrpUpdateRegistration", "PeerPnrpResolve", "PeerPnrpShutdown");
	assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &r), S_OK);
	api_daemon_kill(&w->daemon);
	assert_int_equal(PeerPnrpRegister(u"0.more", &info, &other), PEER_E_SERVICE_NOT_AVAILABLE);
	info.wPort = 8;
	assert_int_equal(PeerPnrpUpdateRegistration(r, &info), PEER_E_SERVICE_NOT_AVAILABLE);
	assert_int_equal(PeerPnrpResolve(u"0.mine", NULL, &count, &endpoints), PEER_E_SERVICE_NOT_AVAILABLE);
	api_daemon_start(&w->daemon);
	API_AWAIT(child_finds(w, "0.mine", "00000000 1 7/"));
	api_daemon_kill(&w->daemon);
	assert_int_equal(PeerPnrpUnregister(r), S_OK);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
}

static void a_process_that_ends(void **state)
{
	struct api_world *w = *state;
	char answer[512];

	PONTO_COVERS("PeerPnrpRegister");
	(void)api_child_say(&w->child, answer, "register 0.gone 5");
	assert_int_equal(found(u"0.gone"), 1);
	api_child_kill(&w->child);
	API_AWAIT(found(u"0.gone") == 0);
	api_child_start(&w->child);
}

static void the_last_shutdown_ends_registrations(void **state)
{
	struct api_world *w = *state;
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	HREGISTRATION r;

	PONTO_COVERS("PeerPnrpShutdown");
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &r), S_OK);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_true(child_finds(w, "0.mine", "00000000 1 7/"));
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	assert_true(child_finds(w, "0.mine", "00000000 0"));
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpUnregister(r), E_INVALIDARG);
}

/* A child begins from nothing, and its parent's names stay its parent's. */
static void a_fork(void **state)
{
	struct api_world *w = *state;
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	HREGISTRATION r;
	int status;
	pid_t pid;

	PONTO_COVERS("PeerPnrpStartup", "PeerPnrpRegister", "PeerPnrpUnregister");
	assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &r), S_OK);
	pid = fork();
	if (pid == 0) {
		int failed = 0;

		failed |= (PeerPnrpUnregister(r) != PEER_E_NOT_INITIALIZED) << 0;
#if !defined(__SANITIZE_THREAD__) /* which lets no child of a process with threads have any */
		HREGISTRATION other;

		failed |= (PeerPnrpStartup(PNRP_VERSION) != S_OK) << 1;
		failed |= (found(u"0.mine") != 1) << 2; /* another process's now */
		failed |= (PeerPnrpRegister(u"0.mine", &info, &other) != S_OK) << 3;
		failed |= (PeerPnrpUnregister(other) != S_OK) << 4;
		failed |= (PeerPnrpShutdown() != S_OK) << 5;
#endif
		_exit(failed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(child_finds(w, "0.mine", "00000000 1 7/"));
}

/* ---- threads, signals, descriptors --------------------------------------------------------------- */

static uint64_t status_mask(const char *task, const char *field)
{
	char path[300], line[256];
	uint64_t mask = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, field, strlen(field)) == 0)
			mask = strtoull(line + strlen(field) + 1, NULL, 16);
	}
	if (f)
		fclose(f);
	return mask;
}

/* SIGKILL and SIGSTOP cannot be blocked, those of the C library itself are none of ours. */
static const uint64_t ordinary = 0x7fffffff & ~(UINT64_C(1) << (SIGKILL - 1)) & ~(UINT64_C(1) << (SIGSTOP - 1));

static void threads_take_no_signals(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	char self[32];
	struct dirent *entry;
	HREGISTRATION registration;
	HRESOLUTION r;
	unsigned others = 0;
	DIR *tasks;

	(void)state;
	PONTO_COVERS("PeerPnrpStartup", "PeerPnrpStartResolve");
	assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &registration), S_OK);
	assert_int_equal(PeerPnrpStartResolve(u"0.nobody", NULL, 1, event, &r), S_OK);
	(void)WaitForSingleObject(event, 60000);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while ((entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, self) == 0)
			continue;
#if !defined(__SANITIZE_THREAD__) /* its own thread takes some */
		assert_int_equal(status_mask(entry->d_name, "SigBlk:") & ordinary, ordinary);
#endif
		others++;
	}
	closedir(tasks);
	assert_true(others > 0);
	assert_int_equal(status_mask(self, "SigBlk:") & ordinary, 0);
	CloseHandle(event);
}

static unsigned count_of(const char *path)
{
	DIR *d = opendir(path);
	unsigned count = 0;

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

/* After the last shutdown nothing is left behind, however often it happens. */
static void nothing_is_left(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = automatic(7);
	unsigned descriptors = 0;
	HREGISTRATION r;

	(void)state;
	PONTO_COVERS("PeerPnrpStartup", "PeerPnrpShutdown");
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	for (int i = 0; i < 5; i++) {
		HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
		HRESOLUTION resolution;

		assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
		assert_int_equal(PeerPnrpRegister(u"0.mine", &info, &r), S_OK);
		assert_int_equal(PeerPnrpStartResolve(u"0.nobody", NULL, 1, event, &resolution), S_OK);
		(void)found(u"0.mine");
		assert_int_equal(PeerPnrpShutdown(), S_OK);
		CloseHandle(event);
		if (i == 0)
			descriptors = count_of("/proc/self/fd");
	}
	assert_int_equal(count_of("/proc/self/fd"), descriptors);
}

struct churn {
	unsigned number;
	atomic_uint *good;
};

static void *register_often(void *arg)
{
	struct churn *c = arg;
	WCHAR name[] = u"0.churn-a";
	PEER_PNRP_REGISTRATION_INFO info = automatic((uint16_t)(100 + c->number));
	HREGISTRATION r;

	name[8] = (WCHAR)('a' + c->number);
	for (int i = 0; i < 5; i++) {
		bool good = PeerPnrpStartup(PNRP_VERSION) == S_OK && PeerPnrpRegister(name, &info, &r) == S_OK;

		info.pwzComment = (PWSTR)(uintptr_t)u"again";
		good = good && PeerPnrpUpdateRegistration(r, &info) == S_OK && PeerPnrpUnregister(r) == S_OK;
		good = good && PeerPnrpUnregister(r) == E_INVALIDARG && PeerPnrpShutdown() == S_OK;
		if (good)
			atomic_fetch_add(c->good, 1);
	}
	return NULL;
}

static void many_threads_register(void **state)
{
	pthread_t threads[6];
	struct churn churn[6];
	atomic_uint good = 0;

	(void)state;
	PONTO_COVERS_THREADS("PeerPnrpRegister", "PeerPnrpUpdateRegistration", "PeerPnrpUnregister", "PeerPnrpStartup");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(threads); i++) {
		churn[i] = (struct churn){i, &good};
		pthread_create(&threads[i], NULL, register_often, &churn[i]);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(good, PONTO_ARRAY_SIZE(threads) * 5);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_daemon_that_comes_back, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(without_a_daemon, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(a_process_that_ends, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(the_last_shutdown_ends_registrations, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(a_fork, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(threads_take_no_signals, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(nothing_is_left, api_world_setup, api_world_teardown),
	cmocka_unit_test_setup_teardown(many_threads_register, api_world_setup, api_world_teardown),
};

API_TEST_MAIN(tests)
