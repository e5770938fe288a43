/* store-rados when something dies or stands still: a writing process, an OSD, all of them, the monitor; when the
 * cluster is full or paused; when it locks the client out. Nothing acknowledged is lost, no call outlasts its deadline
 * for good, and all works again without a new start. Run by tests/interop/store_rados.sh. */
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/store-rados/rds_link.h"
#include "plugins/store-rados/rds_store.h"
#include "plugins/store-rados/rds_sweep.h"
#include "tests/interop/rados_rig.h"

#define LIT(text) ponto_bytes(text, sizeof(text) - 1)
#define LONG 120.0 /* seconds: for what must happen, however slow the machine */
#define KEYS 32
#define RACE 60
#define BLOCK 65606
#define BLOB (2u * 1024 * 1024)
#define OSDS 3

static const char *const osds[OSDS] = {"osd.0", "osd.1", "osd.2"};

/* ---- operations: each writes its number as "m" and its value as a block, under the guard that m is the one before --
 */

static uint8_t *make_value(uint64_t n, size_t len)
{
	uint8_t *value = malloc(len);

	assert_non_null(value);
	for (size_t i = 0; i < len; i++)
		value[i] = (uint8_t)((n * 31 + i) * 2654435761u >> 9);
	return value;
}

static int read_number(struct ponto_store store, uint64_t deadline, uint64_t *n)
{
	uint8_t *value;
	size_t len;
	int result = ponto_store_get(store, LIT("g"), LIT("m"), deadline, &ponto_alloc_system, &value, &len, NULL);

	*n = 0;
	if (result)
		return result == PONTO_ENOENT ? PONTO_OK : result;
	assert_int_equal(len, sizeof(*n));
	memcpy(n, value, len);
	free(value);
	return PONTO_OK;
}

/* Operation n, after n - 1. */
static int operate(struct ponto_store store, uint64_t n, uint64_t keys, size_t len, uint64_t deadline)
{
	uint64_t before = n - 1, slot = n % keys;
	uint8_t *value = make_value(n, len);
	struct ponto_store_step steps[] = {
		{before ? PONTO_STEP_REQUIRE_EQUAL : PONTO_STEP_REQUIRE_ABSENT, LIT("m"),
		 ponto_bytes(&before, before ? sizeof(before) : 0), 0},
		{PONTO_STEP_PUT, LIT("m"), ponto_bytes(&n, sizeof(n)), 0},
		{PONTO_STEP_PUT, ponto_bytes(&slot, sizeof(slot)), ponto_bytes(value, len), 0},
	};
	int result = ponto_store_batch(store, LIT("g"), steps, 3, PONTO_STORE_SYNC, deadline);

	free(value);
	return result;
}

/* The group holds exactly what the first n operations left. */
static void check_all(struct ponto_store store, uint64_t n, uint64_t keys, size_t len)
{
	for (uint64_t last = n; last > 0 && last + keys > n; last--) {
		uint64_t slot = last % keys;
		uint8_t *value, *expected = make_value(last, len);
		size_t got;

		assert_ok(ponto_store_get(store, LIT("g"), ponto_bytes(&slot, sizeof(slot)), rados_rig_in(LONG),
					  &ponto_alloc_system, &value, &got, NULL));
		assert_int_equal(got, len);
		assert_memory_equal(value, expected, len);
		free(value);
		free(expected);
	}
}

/* ---- children -------------------------------------------------------------------------- */

static void child_writes(struct ponto_store store, size_t len, int acks)
{
	uint64_t n;

	assert_ok(read_number(store, rados_rig_in(LONG), &n));
	while (operate(store, ++n, KEYS, len, rados_rig_in(LONG)) == PONTO_OK) {
		if (write(acks, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
	_exit(2);
}

static void child_races(struct ponto_store store)
{
	for (unsigned done = 0; done < RACE;) {
		uint64_t n;
		int result = read_number(store, rados_rig_in(LONG), &n);

		if (!result)
			result = operate(store, n + 1, UINT64_MAX, BLOCK, rados_rig_in(LONG));
		if (result == PONTO_OK)
			done++;
		else if (result != PONTO_EGUARD)
			_exit(1);
	}
	_exit(0);
}

static void child_main(int argc, char **argv)
{
	static struct rados_rig rig;

	if (argc != 5 || strcmp(argv[1], "child") != 0)
		return;
	if (rados_rig_try(&rig, argv[2], NULL, NULL, NULL) != PONTO_OK)
		_exit(3);
	if (strcmp(argv[3], "race") == 0)
		child_races(rig.store);
	child_writes(rig.store, (size_t)atol(argv[3]), atoi(argv[4]));
}

static pid_t start_child(const char *nspace, const char *what, int *acks)
{
	char fd[16];
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	snprintf(fd, sizeof(fd), "%d", ends[1]);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		close(ends[0]);
		execl("/proc/self/exe", "rados_fault", "child", nspace, what, fd, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*acks = ends[0];
	return pid;
}

/* ---- writers that die ---------------------------------------------------------------------- */

static void kill_writers(size_t len, unsigned rounds)
{
	struct rados_peer peer;
	char nspace[128], what[24];
	uint64_t acked = 0;

	rados_rig_namespace(nspace);
	snprintf(what, sizeof(what), "%zu", len);
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t until = acked + 3 + round * 5 % 23, n;
		struct rados_rig rig;
		int acks, status;
		pid_t pid = start_child(nspace, what, &acks);

		while (read(acks, &n, sizeof(n)) == sizeof(n)) {
			acked = n;
			if (n == until)
				kill(pid, SIGKILL);
		}
		close(acks);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		rados_rig_open(&rig, nspace, NULL);
		assert_ok(read_number(rig.store, rados_rig_in(LONG), &n));
		/* The operation under way is there whole, or not at all. */
		assert_true(n == acked || n == acked + 1);
		acked = n;
		check_all(rig.store, n, KEYS, len);
		if (round + 1 == rounds) {
			/* What dead writers left goes, and nothing else. */
			assert_ok(rds_sweep_pass(rig.store.self, 0, 0));
			assert_ok(rds_sweep_pass(rig.store.self, 0, 0));
			check_all(rig.store, n, KEYS, len);
			rados_peer_open(&peer, nspace);
			assert_int_equal(rados_peer_count(&peer, "b."), len == BLOB ? (n < KEYS ? n : KEYS) : 0);
			rados_peer_close(&peer);
		}
		rados_rig_close(&rig);
	}
}

static void writers_are_killed(void **state)
{
	(void)state;
	kill_writers(BLOCK, getenv("PONTO_FULL") ? 40 : 8);
}

static void writers_of_blobs_are_killed(void **state)
{
	(void)state;
	kill_writers(BLOB, getenv("PONTO_FULL") ? 20 : 4);
}

static void two_processes_race(void **state)
{
	struct rados_rig rig;
	char nspace[128];
	pid_t pids[2];
	int acks[2], status;
	uint64_t n;

	(void)state;
	rados_rig_namespace(nspace);
	rados_rig_open(&rig, nspace, NULL);
	for (unsigned i = 0; i < 2; i++)
		pids[i] = start_child(nspace, "race", &acks[i]);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		close(acks[i]);
	}
	assert_ok(read_number(rig.store, rados_rig_in(LONG), &n));
	assert_int_equal(n, 2 * RACE);
	check_all(rig.store, n, UINT64_MAX - 1, BLOCK);
	rados_rig_close(&rig);
}

/* ---- an OSD dies under load ------------------------------------------------------------------- */

struct load {
	struct rados_rig *rig;
	pthread_t thread;
	char group[8];
	_Atomic uint64_t done;
	_Atomic int result;
	atomic_bool *stop;
};

static void *run_load(void *arg)
{
	struct load *load = arg;
	struct ponto_bytes group = ponto_bytes(load->group, strlen(load->group));

	while (!atomic_load(load->stop)) {
		uint64_t n = load->done + 1;
		uint8_t *value = make_value(n, BLOCK);
		int result = ponto_store_put(load->rig->store, group, ponto_bytes(&n, sizeof(n)),
					     ponto_bytes(value, BLOCK), 0, PONTO_STORE_SYNC, rados_rig_in(LONG));

		free(value);
		if (result) {
			load->result = result;
			break;
		}
		load->done = n;
	}
	return NULL;
}

static void wait_for_more(const struct load *loads, size_t count, uint64_t more)
{
	uint64_t start[8], limit = rados_rig_in(LONG);

	for (size_t i = 0; i < count; i++)
		start[i] = loads[i].done;
	for (size_t i = 0; i < count; i++) {
		while (loads[i].done < start[i] + more) {
			assert_ok(loads[i].result);
			assert_true(ponto_mono(&ponto_clock_system) < limit);
			usleep(10000);
		}
	}
}

static void check_load(struct rados_rig *rig, const struct load *load)
{
	for (uint64_t n = 1; n <= load->done; n++) {
		uint8_t *value, *expected = make_value(n, BLOCK);
		size_t len;

		assert_ok(ponto_store_get(rig->store, ponto_bytes(load->group, strlen(load->group)),
					  ponto_bytes(&n, sizeof(n)), rados_rig_in(LONG), &ponto_alloc_system, &value,
					  &len, NULL));
		assert_int_equal(len, BLOCK);
		assert_memory_equal(value, expected, len);
		free(value);
		free(expected);
	}
}

static void an_osd_is_killed_under_load(void **state)
{
	static struct load loads[4];
	atomic_bool stop = false;
	struct rados_rig rig, fresh;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(loads); i++) {
		loads[i].rig = &rig;
		loads[i].stop = &stop;
		snprintf(loads[i].group, sizeof(loads[i].group), "load%zu", i);
		assert_int_equal(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]), 0);
	}
	wait_for_more(loads, PONTO_ARRAY_SIZE(loads), 20);
	rados_rig_lab("kill", osds[1]);
	wait_for_more(loads, PONTO_ARRAY_SIZE(loads), 40);
	rados_rig_lab("start", osds[1]);
	wait_for_more(loads, PONTO_ARRAY_SIZE(loads), 40);
	atomic_store(&stop, true);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(loads); i++) {
		pthread_join(loads[i].thread, NULL);
		assert_ok(loads[i].result);
	}
	rados_rig_open(&fresh, rig.nspace, NULL);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(loads); i++)
		check_load(&fresh, &loads[i]);
	rados_rig_close(&fresh);
	rados_rig_close(&rig);
}

/* ---- a cluster that does not answer --------------------------------------------------------------- */

static void signal_osd(const char *name, int number)
{
	const char *folder = getenv("PONTO_RADOS_FOLDER");
	char path[512];
	FILE *file;
	int pid = 0;

	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/pid/%s", folder, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, number), 0);
}

static bool give_any(void *arg, struct ponto_bytes group)
{
	(void)arg;
	(void)group;
	return true;
}

static bool give_record(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	(void)expires;
	(void)key;
	return give_any(arg, value);
}

/* Every call comes back with that result. */
static void all_say(struct rados_rig *rig, double seconds, int expected)
{
	struct ponto_store s = rig->store;
	uint8_t *value = NULL, *page = NULL;
	size_t len, page_len = 0;
	uint64_t n;

	assert_int_equal(
		ponto_store_get(s, LIT("g"), LIT("m"), rados_rig_in(seconds), &ponto_alloc_system, &value, &len, NULL),
		expected);
	free(value);
	assert_int_equal(ponto_store_put(s, LIT("g"), LIT("x"), LIT("x"), 0, 0, rados_rig_in(seconds)), expected);
	assert_int_equal(ponto_store_remove(s, LIT("g"), LIT("y"), 0, rados_rig_in(seconds)), expected);
	assert_int_equal(ponto_store_iterate(s, LIT("g"), LIT(""), LIT(""), rados_rig_in(seconds), give_record, NULL),
			 expected);
	assert_int_equal(
		ponto_store_groups(s, &page, &page_len, 10, rados_rig_in(seconds), &ponto_alloc_system, give_any, NULL),
		expected);
	free(page);
	if (expected == PONTO_OK) {
		assert_ok(read_number(s, rados_rig_in(seconds), &n));
		check_all(s, n, KEYS, BLOCK);
		assert_ok(operate(s, n + 1, KEYS, BLOCK, rados_rig_in(seconds)));
	} else {
		assert_int_equal(operate(s, 3, KEYS, BLOCK, rados_rig_in(seconds)), expected);
	}
}

static void osds_stand_still(void **state)
{
	struct rados_rig rig;
	uint64_t n;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	assert_ok(operate(rig.store, 1, KEYS, BLOCK, rados_rig_in(LONG)));
	assert_ok(operate(rig.store, 2, KEYS, BLOCK, rados_rig_in(LONG)));
	for (unsigned i = 0; i < OSDS; i++)
		signal_osd(osds[i], SIGSTOP);
	/* A signal needs a moment. */
	for (uint64_t limit = rados_rig_in(LONG); read_number(rig.store, rados_rig_in(0.3), &n) != PONTO_ETIME;)
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	all_say(&rig, 0.2, PONTO_ETIME);
	/* Bounded: what nobody waits for any more takes no place. */
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(ponto_store_put(rig.store, LIT("g"), LIT("x"), LIT("x"), 0, 0, rados_rig_in(0.001)),
				 PONTO_ETIME);
	for (unsigned i = 0; i < OSDS; i++)
		signal_osd(osds[i], SIGCONT);
	all_say(&rig, LONG, PONTO_OK);
	rados_rig_close(&rig);
}

static void all_is_gone_and_back(void **state)
{
	static const char *const settings[] = {"timeout=2", NULL};
	struct rados_rig rig, ended;
	uint8_t *value;
	size_t len;

	(void)state;
	rados_rig_open(&rig, NULL, settings);
	rados_rig_open(&ended, rig.nspace, settings);
	assert_ok(operate(rig.store, 1, KEYS, BLOCK, rados_rig_in(LONG)));
	assert_ok(operate(rig.store, 2, KEYS, BLOCK, rados_rig_in(LONG)));
	rados_rig_lab("kill", "mon.a");
	for (unsigned i = 0; i < OSDS; i++)
		rados_rig_lab("kill", osds[i]);
	all_say(&rig, 0.3, PONTO_ETIME);
	/* Without a deadline, the option's. One line in the log, not one a call. */
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(ponto_store_get(rig.store, LIT("g"), LIT("m"), PONTO_NEVER, &ponto_alloc_system,
						 &value, &len, NULL),
				 PONTO_EIO);
	assert_int_equal(rig.lines, 1);
	/* An instance can end meanwhile. */
	rados_rig_close(&ended);
	rados_rig_lab("start", "mon.a");
	for (unsigned i = 0; i < OSDS; i++)
		rados_rig_lab("start", osds[i]);
	for (uint64_t limit = rados_rig_in(LONG);;) {
		int result = ponto_store_put(rig.store, LIT("h"), LIT("k"), LIT("v"), 0, 0, rados_rig_in(5));

		if (result == PONTO_OK)
			break;
		assert_true(result == PONTO_ETIME || result == PONTO_EIO);
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	}
	all_say(&rig, LONG, PONTO_OK);
	rados_rig_close(&rig);
}

/* ---- a cluster that refuses ------------------------------------------------------------------------- */

static void paused_for_a_while(void **state)
{
	struct rados_rig rig;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	assert_ok(operate(rig.store, 1, KEYS, BLOCK, rados_rig_in(LONG)));
	assert_int_equal(rados_rig_ceph("osd set pause"), 0);
	for (uint64_t limit = rados_rig_in(LONG);;) {
		/* Until this client knows. */
		if (ponto_store_put(rig.store, LIT("h"), LIT("k"), LIT("v"), 0, 0, rados_rig_in(0.3)) == PONTO_ETIME)
			break;
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	}
	all_say(&rig, 0.2, PONTO_ETIME);
	assert_int_equal(rados_rig_ceph("osd unset pause"), 0);
	all_say(&rig, LONG, PONTO_OK);
	rados_rig_close(&rig);
}

static int ratios(const char *near, const char *back, const char *full)
{
	char words[64];
	int status = 0;

	snprintf(words, sizeof(words), "osd set-nearfull-ratio %s", near);
	status |= rados_rig_ceph(words);
	snprintf(words, sizeof(words), "osd set-backfillfull-ratio %s", back);
	status |= rados_rig_ceph(words);
	snprintf(words, sizeof(words), "osd set-full-ratio %s", full);
	return status | rados_rig_ceph(words);
}

/* A block that needs more room than there was. */
static int grow(struct rados_rig *rig, uint64_t n)
{
	uint8_t *value = make_value(n, BLOCK);
	int result = ponto_store_put(rig->store, LIT("grows"), ponto_bytes(&n, sizeof(n)), ponto_bytes(value, BLOCK), 0,
				     0, rados_rig_in(LONG));

	free(value);
	return result;
}

static void full_for_a_while(void **state)
{
	struct rados_rig rig;
	uint64_t n = 1, limit;
	int result = PONTO_OK;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	assert_ok(operate(rig.store, 1, KEYS, BLOCK, rados_rig_in(LONG)));
	assert_ok(ponto_store_put(rig.store, LIT("h"), LIT("k"), LIT("v"), 0, 0, rados_rig_in(LONG)));
	assert_int_equal(ratios("0.0001", "0.0002", "0.0003"), 0);
	for (limit = rados_rig_in(LONG); !result; n++) {
		result = grow(&rig, n);
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	}
	assert_int_equal(result, PONTO_ENOSPC);
	assert_int_equal(ponto_store_put(rig.store, LIT("new"), LIT("k"), LIT("v"), 0, 0, rados_rig_in(LONG)),
			 PONTO_ENOSPC);
	assert_int_equal(rig.lines, 1);
	assert_non_null(strstr(rig.last, "full"));
	/* Reading, removing, and writing what needs no more room go on. */
	check_all(rig.store, 1, KEYS, BLOCK);
	assert_int_equal(operate(rig.store, 9, KEYS, BLOCK, rados_rig_in(LONG)), PONTO_EGUARD);
	assert_ok(ponto_store_remove(rig.store, LIT("h"), LIT("k"), 0, rados_rig_in(LONG)));
	assert_int_equal(ratios("0.85", "0.90", "0.95"), 0);
	for (limit = rados_rig_in(LONG); result; n++) {
		result = grow(&rig, n);
		assert_true(result == PONTO_OK || result == PONTO_ENOSPC);
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	}
	all_say(&rig, LONG, PONTO_OK);
	rados_rig_close(&rig);
}

/* As a cluster does with a client that it takes for dead. */
static void locked_out_and_back(void **state)
{
	struct rados_rig rig;
	char *address = NULL, words[256];
	struct rds_store *store;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	store = rig.store.self;
	assert_ok(operate(rig.store, 1, KEYS, BLOCK, rados_rig_in(LONG)));
	assert_int_equal(rados_getaddrs(store->link->cluster, &address), 0);
	snprintf(words, sizeof(words), "osd blocklist add %s", address);
	assert_int_equal(rados_rig_ceph(words), 0);
	free(address);
	for (uint64_t limit = rados_rig_in(LONG); rig.lines == 0;) {
		all_say(&rig, LONG, PONTO_OK);
		assert_true(ponto_mono(&ponto_clock_system) < limit);
	}
	assert_non_null(strstr(rig.last, "locked this client out"));
	all_say(&rig, LONG, PONTO_OK);
	assert_int_equal(rig.lines, 1);
	rados_rig_close(&rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_are_killed),	       cmocka_unit_test(writers_of_blobs_are_killed),
		cmocka_unit_test(two_processes_race),	       cmocka_unit_test(paused_for_a_while),
		cmocka_unit_test(locked_out_and_back),	       cmocka_unit_test(osds_stand_still),
		cmocka_unit_test(an_osd_is_killed_under_load), cmocka_unit_test(full_for_a_while),
		cmocka_unit_test(all_is_gone_and_back),
	};

	child_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
