#include "tests/conform/security_suite.h"

#include <stdio.h>

static void *locked_alloc(void *ctx, size_t size)
{
	struct security_fixture *fixture = ctx;
	void *block;

	pthread_mutex_lock(&fixture->lock);
	block = fixture->counted.alloc.alloc(fixture->counted.alloc.ctx, size);
	pthread_mutex_unlock(&fixture->lock);
	return block;
}

static void *locked_resize(void *ctx, void *block, size_t size)
{
	struct security_fixture *fixture = ctx;
	void *moved;

	pthread_mutex_lock(&fixture->lock);
	moved = fixture->counted.alloc.resize(fixture->counted.alloc.ctx, block, size);
	pthread_mutex_unlock(&fixture->lock);
	return moved;
}

static void locked_release(void *ctx, void *block)
{
	struct security_fixture *fixture = ctx;

	pthread_mutex_lock(&fixture->lock);
	fixture->counted.alloc.release(fixture->counted.alloc.ctx, block);
	pthread_mutex_unlock(&fixture->lock);
}

static void locked_fill(void *ctx, uint8_t *out, size_t len)
{
	struct security_fixture *fixture = ctx;

	pthread_mutex_lock(&fixture->lock);
	fixture->seeded.random.fill(fixture->seeded.random.ctx, out, len);
	pthread_mutex_unlock(&fixture->lock);
}

static void remember_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct security_fixture *fixture = ctx;

	pthread_mutex_lock(&fixture->lock);
	snprintf(fixture->last_log, sizeof(fixture->last_log), "%d %s %s", (int)level, topic, message);
	fixture->log_lines++;
	pthread_mutex_unlock(&fixture->lock);
}

static const struct ponto_security_ops *ops_of(const struct ponto_plugin *plugin)
{
	return (const struct ponto_security_ops *)plugin->vtable;
}

static void start(struct security_fixture *fixture, const char *const *settings)
{
	const struct ponto_plugin *plugin = fixture->plugin;
	char error[256] = "";

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &fixture->conf))
		fail_msg("%s", error);
	fixture->env.conf = fixture->conf;
	fixture->security.ops = ops_of(plugin);
	assert_ok(fixture->security.ops->create(&fixture->env, &fixture->security.self));
}

static void stop(struct security_fixture *fixture)
{
	fixture->security.ops->destroy(fixture->security.self);
	fixture->security.self = NULL;
	ponto_conf_destroy(fixture->conf);
	fixture->conf = NULL;
	assert_int_equal(fixture->counted.live, 0);
}

void security_fixture_init(struct security_fixture *fixture, const struct ponto_plugin *plugin, bool state)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->plugin = plugin;
	pthread_mutex_init(&fixture->lock, NULL);
	ponto_test_alloc_init(&fixture->counted);
	ponto_test_random_init(&fixture->seeded, 7);
	ponto_test_clock_init(&fixture->clock);
	fixture->alloc = (struct ponto_alloc){locked_alloc, locked_resize, locked_release, fixture};
	fixture->random = (struct ponto_random){locked_fill, fixture};
	assert_ok(ponto_log_create(&ponto_alloc_system, &fixture->clock.clock, PONTO_LOG_NONE, "debug", &fixture->log));
	ponto_log_tap(fixture->log, remember_line, fixture);
	fixture->state_dir = state ? ponto_test_mkdir() : NULL;
	fixture->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(fixture->env),
		.instance = "id",
		.node_name = "test",
		.state_dir = fixture->state_dir,
		.alloc = &fixture->alloc,
		.random = &fixture->random,
		.clock = &fixture->clock.clock,
		.log = fixture->log,
		.simulation = true,
	};
}

struct security_fixture *security_fixture_new(const struct ponto_plugin *plugin, bool state,
					      const char *const *settings)
{
	struct security_fixture *fixture = malloc(sizeof(*fixture));

	assert_non_null(fixture);
	security_fixture_init(fixture, plugin, state);
	start(fixture, settings);
	return fixture;
}

void security_fixture_restart(struct security_fixture *fixture, const char *const *settings)
{
	stop(fixture);
	start(fixture, settings);
}

void security_fixture_free(struct security_fixture *fixture)
{
	stop(fixture);
	ponto_log_destroy(fixture->log);
	ponto_test_rmdir(fixture->state_dir);
	pthread_mutex_destroy(&fixture->lock);
	free(fixture);
}

struct listing {
	struct ponto_identity *out;
	size_t max, count;
};

static bool take_identity(void *arg, const struct ponto_identity *identity)
{
	struct listing *listing = arg;

	if (listing->count < listing->max)
		listing->out[listing->count] = *identity;
	listing->count++;
	return true;
}

size_t security_list(struct security_fixture *fixture, uint32_t owner, struct ponto_identity *out, size_t max)
{
	struct listing listing = {out, max, 0};

	assert_ok(ponto_identity_list(fixture->security, owner, take_identity, &listing));
	return listing.count;
}
