/* The file of a Teredo server's keys: what is read, and what is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/service-teredo-server/tsv.h"
#include "tests/support/test.h"

struct rig {
	struct ponto_test_alloc alloc;
	struct ponto_env env;
	char *dir, path[512];
	struct tsv_keys keys;
};

static void rig_start(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->alloc);
	rig->env.alloc = &rig->alloc.alloc;
	rig->dir = ponto_test_mkdir();
	snprintf(rig->path, sizeof(rig->path), "%s/keys", rig->dir);
}

static void rig_end(struct rig *rig)
{
	tsv_keys_free(&rig->env, &rig->keys);
	assert_int_equal(rig->alloc.live, 0);
	ponto_test_rmdir(rig->dir);
}

static void write_keys(struct rig *rig, const char *text, size_t len, mode_t mode)
{
	int fd = open(rig->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int read_text(struct rig *rig, const char *text)
{
	tsv_keys_free(&rig->env, &rig->keys);
	write_keys(rig, text, strlen(text), 0600);
	return tsv_keys_read(&rig->env, rig->path, &rig->keys);
}

static bool has(const struct rig *rig, size_t i, const char *id, const char *secret, enum teredo_algo algo, bool expired)
{
	const struct teredo_key *k = &rig->keys.keys[i];

	return ponto_bytes_equal(k->id, ponto_bytes(id, strlen(id))) &&
	       ponto_bytes_equal(k->secret, ponto_bytes(secret, strlen(secret))) && k->algo == algo &&
	       k->expired == expired;
}

static void test_read(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("TEREDO-079");
	rig_start(&rig);
	assert_ok(read_text(&rig, "# all of it\n\n  client-7\tvector-secret \r\nb c sha256\nd e expired\n"
				  "hex:66 hex:67 sha1 expired\nlast one"));
	assert_int_equal(rig.keys.count, 5);
	assert_true(has(&rig, 0, "client-7", "vector-secret", TEREDO_HMAC_SHA1, false));
	assert_true(has(&rig, 1, "b", "c", TEREDO_HMAC_SHA256, false));
	assert_true(has(&rig, 2, "d", "e", TEREDO_HMAC_SHA1, true));
	assert_true(has(&rig, 3, "f", "g", TEREDO_HMAC_SHA1, true));
	assert_true(has(&rig, 4, "last", "one", TEREDO_HMAC_SHA1, false));
	assert_ok(read_text(&rig, ""));
	assert_int_equal(rig.keys.count, 0);
	tsv_keys_free(&rig.env, &rig.keys);
	assert_ok(tsv_keys_read(&rig.env, "", &rig.keys));
	rig_end(&rig);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"alone\n", "a b c\n", "a b sha1 d\n", "hex: b\n", "hex:6 b\n", "hex:zz b\n", "a hex:\n", "a hex:abc\n",
	};
	char line[600];
	struct rig rig;

	(void)state;
	rig_start(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(read_text(&rig, bad[i]), PONTO_ECONF);
	memset(line, 'x', sizeof(line));
	memcpy(line + 255, " s", 3);
	assert_ok(read_text(&rig, line));
	memset(line, 'x', sizeof(line));
	memcpy(line + 256, " s", 3);
	assert_int_equal(read_text(&rig, line), PONTO_ECONF);
	write_keys(&rig, "a b\n", 4, 0640);
	assert_int_equal(tsv_keys_read(&rig.env, rig.path, &rig.keys), PONTO_EACCES);
	assert_int_equal(tsv_keys_read(&rig.env, rig.dir, &rig.keys), PONTO_ECONF);
	unlink(rig.path);
	assert_int_equal(tsv_keys_read(&rig.env, rig.path, &rig.keys), PONTO_ECONF);
	assert_null(rig.keys.keys);
	rig_end(&rig);
}

static int read_once(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct ponto_env env = {.alloc = alloc};
	struct tsv_keys keys;
	int result = tsv_keys_read(&env, rig->path, &keys);

	if (result == PONTO_OK)
		tsv_keys_free(&env, &keys);
	return result;
}

static void test_memory_refused(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	write_keys(&rig, "a b\n", 4, 0600);
	ponto_test_oom(read_once, &rig, false);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
