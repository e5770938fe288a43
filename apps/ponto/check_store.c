#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/ponto/check.h"
#include "tests/conform/store_suite.h"

#define PAGE 64

/* A store with its defaults, in a folder of its own. The node is called like the folder: a store outside of this
 * machine then is one of its own too. */
struct subject {
	const struct ponto_plugin *plugin;
	char folder[PATH_MAX];
	struct ponto_conf *conf;
	struct ponto_log *log;
	struct ponto_env env;
	char said[256]; /* its last error */
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void clean_up(struct subject *s)
{
	ponto_conf_destroy(s->conf);
	ponto_log_destroy(s->log);
	s->conf = NULL;
	s->log = NULL;
	nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void listen(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct subject *s = ctx;

	(void)topic;
	if (level == PONTO_LOG_ERROR)
		snprintf(s->said, sizeof(s->said), "%s", message);
}

static int subject_open(void *ctx, const struct ponto_clock *clock, struct ponto_store *out)
{
	const char *base = getenv("TMPDIR");
	struct subject *s = ctx;
	char error[256];
	int result;

	snprintf(s->folder, sizeof(s->folder), "%s/ponto-check-XXXXXX", base && base[0] ? base : "/tmp");
	if (!mkdtemp(s->folder))
		return PONTO_EIO;
	result = ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, NULL, error,
				 sizeof(error), &s->conf);
	if (result == PONTO_OK)
		result = ponto_log_create(&ponto_alloc_system, clock, PONTO_LOG_NONE, "error", &s->log);
	if (result == PONTO_OK)
		ponto_log_tap(s->log, listen, s);
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "checked",
		.node_name = strrchr(s->folder, '/') + 1,
		.state_dir = s->folder,
		.conf = s->conf,
		.alloc = &ponto_alloc_system,
		.random = &ponto_random_system,
		.clock = clock,
		.log = s->log,
	};
	out->ops = (const struct ponto_store_ops *)(const void *)s->plugin->vtable;
	if (result == PONTO_OK)
		result = out->ops->create(&s->env, &out->self);
	if (result != PONTO_OK)
		clean_up(s);
	return result;
}

/* ---- leaving nothing behind ------------------------------------------------------------ */

struct name {
	size_t len;
	uint8_t bytes[PONTO_STORE_KEY_MAX];
};

struct names {
	size_t count;
	struct name names[PAGE];
};

static bool keep_name(struct names *names, struct ponto_bytes bytes)
{
	struct name *name = &names->names[names->count];

	if (bytes.len > sizeof(name->bytes))
		return true;
	memcpy(name->bytes, bytes.data, bytes.len);
	name->len = bytes.len;
	return ++names->count < PAGE;
}

static bool keep_group(void *arg, struct ponto_bytes group)
{
	return keep_name(arg, group);
}

static bool keep_key(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	(void)value;
	(void)expires;
	return keep_name(arg, key);
}

static int empty_group(struct ponto_store store, struct ponto_bytes group, struct names *keys)
{
	struct ponto_bytes none = ponto_bytes(NULL, 0);
	int result;

	do {
		keys->count = 0;
		result = ponto_store_iterate(store, group, none, none, PONTO_NEVER, keep_key, keys);
		for (size_t i = 0; !result && i < keys->count; i++)
			result = ponto_store_remove(store, group, ponto_bytes(keys->names[i].bytes, keys->names[i].len),
						    0, PONTO_NEVER);
	} while (!result && keys->count > 0);
	return result;
}

static uint64_t first_second(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Where the store outlives the folder, its records go one by one; at the beginning of time, when none has expired. */
static void empty_store(struct subject *s)
{
	const struct ponto_clock clock = {first_second, first_second, NULL};
	struct ponto_store store = {(const struct ponto_store_ops *)(const void *)s->plugin->vtable, NULL, NULL};
	struct names *groups = calloc(2, sizeof(*groups)), *keys = groups ? groups + 1 : NULL;
	uint8_t *page = NULL;
	size_t page_len = 0;
	int result;

	s->env.clock = &clock;
	if (!groups || store.ops->create(&s->env, &store.self) != PONTO_OK) {
		free(groups);
		return;
	}
	do {
		groups->count = 0;
		result = ponto_store_groups(store, &page, &page_len, PAGE, PONTO_NEVER, &ponto_alloc_system, keep_group,
					    groups);
		for (size_t i = 0; !result && i < groups->count; i++)
			result = empty_group(store, ponto_bytes(groups->names[i].bytes, groups->names[i].len), keys);
	} while (!result && page);
	free(page);
	store.ops->destroy(store.self);
	free(groups);
}

static void subject_close(void *ctx, struct ponto_store store)
{
	store.ops->destroy(store.self);
	empty_store(ctx);
	clean_up(ctx);
}

void check_store(struct check *check)
{
	struct subject subject = {.plugin = check->plugin};
	struct store_subject store = {subject_open, subject_close, &subject};

	for (size_t i = 0; i < store_suite_count(); i++) {
		char why[512] = "", sentence[128];
		bool good;

		subject.said[0] = 0;
		good = store_suite_run(i, &store, why, sizeof(why));
		if (!good && subject.said[0])
			snprintf(why + strlen(why), sizeof(why) - strlen(why), " (%s)", subject.said);
		snprintf(sentence, sizeof(sentence), "store contract: %s", store_suite_name(i));
		check_tell(check, sentence, good ? CHECK_HOLDS : CHECK_BROKEN, why);
	}
}
