#include "tests/interop/store_child.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/plugin.h"
#include "tests/support/test.h"

#define VALUE_MAX 3000

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

static uint64_t child_mono(void *ctx)
{
	return ((struct store_child_env *)ctx)->mono;
}

static uint64_t child_wall(void *ctx)
{
	return ((struct store_child_env *)ctx)->wall;
}

static void count_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct store_child_env *e = ctx;

	printf("# %s: %s\n", topic, message);
	if (level <= PONTO_LOG_WARNING)
		e->lines++;
}

int store_child_try(const char *folder, const char *const *settings, const struct ponto_alloc *alloc,
		    struct ponto_store *store, struct store_child_env **out)
{
	static const char *const small[] = {"write_buffer=65536", "reserve=0", NULL};
	const struct ponto_plugin *plugin = &store_rocksdb_LTX_ponto_plugin;
	struct store_child_env *e = calloc(1, sizeof(*e));
	char error[256];

	assert_non_null(e);
	e->clock = (struct ponto_clock){child_mono, child_wall, e};
	e->mono = PONTO_SECOND;
	e->wall = UINT64_C(1767225600) * PONTO_SECOND;
	assert_ok(ponto_log_create(&ponto_alloc_system, &e->clock, PONTO_LOG_NONE, "info", &e->log));
	ponto_log_tap(e->log, count_line, e);
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count,
				  settings ? settings : small, error, sizeof(error), &e->conf));
	e->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(e->env),
		.instance = "main",
		.node_name = "test",
		.state_dir = folder,
		.conf = e->conf,
		.alloc = alloc,
		.clock = &e->clock,
		.log = e->log,
	};
	*out = e;
	store->ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	store->self = NULL;
	store->pool = NULL;
	return store->ops->create(&e->env, &store->self);
}

struct ponto_store store_child_open(const char *folder, struct store_child_env **out)
{
	struct ponto_store store;

	assert_ok(store_child_try(folder, NULL, &ponto_alloc_system, &store, out));
	return store;
}

void store_child_close(struct ponto_store store, struct store_child_env *e)
{
	store.ops->destroy(store.self);
	ponto_conf_destroy(e->conf);
	ponto_log_destroy(e->log);
	free(e);
}

char *store_child_folder(void)
{
	struct statvfs st;
	char *folder, path[4096];

	if (statvfs("/dev/shm", &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize > (64u << 20) &&
	    access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	folder = ponto_test_mkdir();
	snprintf(path, sizeof(path), "%s/main", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	return folder;
}

/* ---- the operations ---------------------------------------------------------------- */

/* Operation n is: every seventh a removal, every fifth a batch that writes two keys and removes a third, else a put. */
struct operation {
	struct ponto_store_step steps[3];
	size_t count;
	uint8_t keys[3];
	uint8_t value[VALUE_MAX];
};

static uint64_t mix(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static size_t make_value(uint64_t n, uint8_t value[VALUE_MAX])
{
	size_t len = sizeof(n) + mix(n) % (VALUE_MAX - sizeof(n));

	memcpy(value, &n, sizeof(n));
	for (size_t i = sizeof(n); i < len; i++)
		value[i] = (uint8_t)mix(n * 4096 + i);
	return len;
}

static void make_operation(uint64_t n, struct operation *op)
{
	struct ponto_bytes value = ponto_bytes(op->value, make_value(n, op->value));

	op->count = n % 7 && n % 5 == 0 ? 3 : 1;
	for (size_t i = 0; i < op->count; i++) {
		/* Distinct keys within a batch. */
		op->keys[i] = (uint8_t)((mix(n) / 7 + i * 11) % STORE_CHILD_KEYS);
		op->steps[i] = (struct ponto_store_step){
			.kind = n % 7 == 0 || i == 2 ? PONTO_STEP_DELETE : PONTO_STEP_PUT,
			.key = ponto_bytes(&op->keys[i], 1),
			.value = value,
		};
	}
}

void store_child_apply(struct store_child_state *state, uint64_t number)
{
	static struct operation op;

	make_operation(number, &op);
	for (size_t i = 0; i < op.count; i++)
		state->written[op.keys[i]] = op.steps[i].kind == PONTO_STEP_PUT ? number : 0;
}

static bool read_one(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	static uint8_t expected[VALUE_MAX];
	struct store_child_state *state = arg;
	uint64_t n;

	assert_int_equal(expires, 0);
	assert_int_equal(key.len, 1);
	assert_in_range(key.data[0], 0, STORE_CHILD_KEYS - 1);
	assert_true(value.len >= sizeof(n));
	memcpy(&n, value.data, sizeof(n));
	assert_true(ponto_bytes_equal(value, ponto_bytes(expected, make_value(n, expected))));
	state->written[key.data[0]] = n;
	return true;
}

void store_child_read(struct ponto_store store, struct store_child_state *state)
{
	struct ponto_bytes none = {NULL, 0};

	memset(state, 0, sizeof(*state));
	assert_ok(ponto_store_iterate(store, ponto_bytes("g", 1), none, none, PONTO_NEVER, read_one, state));
}

/* ---- the child ------------------------------------------------------------------------ */

void store_child_main(int argc, char **argv)
{
	static struct operation op;
	struct store_child_env *env;
	struct ponto_store store;
	unsigned flags;
	int acks;

	if (argc != 6 || strcmp(argv[1], "child") != 0)
		return;
	flags = (unsigned)atoi(argv[4]);
	acks = atoi(argv[5]);
	if (store_child_try(argv[2], NULL, &ponto_alloc_system, &store, &env) != PONTO_OK)
		_exit(STORE_CHILD_UNOPENED);
	for (uint64_t n = strtoull(argv[3], NULL, 10);; n++) {
		int result = PONTO_ENOSPC;

		make_operation(n, &op);
		for (unsigned tries = 0; result == PONTO_ENOSPC && tries < 100; tries++)
			result = ponto_store_batch(store, ponto_bytes("g", 1), op.steps, op.count, flags, PONTO_NEVER);
		if (result) {
			fprintf(stderr, "# operation %llu: %s\n", (unsigned long long)n, ponto_strerror(result));
			store_child_close(store, env);
			_exit(result == PONTO_ENOSPC ? STORE_CHILD_FULL : 1);
		}
		if (write(acks, &n, sizeof(n)) != sizeof(n))
			_exit(0);
	}
}

static void set_preload(const struct store_child_preload *preload)
{
	const char *options = getenv("ASAN_OPTIONS"), *top = getenv("PONTO_BUILDDIR");
	char path[4096], asan[512];

	/* The sanitizer wants to be loaded first, but needs not. */
	snprintf(asan, sizeof(asan), "%s:verify_asan_link_order=0", options ? options : "");
	setenv("ASAN_OPTIONS", asan, 1);
	for (const char *const *variable = preload->variables; *variable; variable++)
		putenv((char *)(uintptr_t)*variable);
	snprintf(path, sizeof(path), "%s/tests/support/.libs/%s.so", top ? top : ".", preload->library);
	if (access(path, R_OK) != 0)
		_exit(127);
	setenv("LD_PRELOAD", path, 1);
}

static void become_child(const char *folder, uint64_t first, unsigned flags, const struct store_child_preload *preload,
			 int acks)
{
	char first_text[24], flags_text[24], acks_text[24];

	snprintf(first_text, sizeof(first_text), "%llu", (unsigned long long)first);
	snprintf(flags_text, sizeof(flags_text), "%u", flags);
	snprintf(acks_text, sizeof(acks_text), "%d", acks);
	if (preload)
		set_preload(preload);
	execl("/proc/self/exe", "store-child", "child", folder, first_text, flags_text, acks_text, (char *)NULL);
	_exit(127);
}

pid_t store_child_start(const char *folder, uint64_t first, unsigned flags, const struct store_child_preload *preload,
			int *acks)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		become_child(folder, first, flags, preload, ends[1]);
	}
	close(ends[1]);
	*acks = ends[0];
	return pid;
}

uint64_t store_child_acked(int acks, uint64_t first)
{
	uint64_t n, last = first - 1;

	while (read(acks, &n, sizeof(n)) == sizeof(n)) {
		assert_int_equal(n, last + 1);
		last = n;
	}
	close(acks);
	return last;
}
