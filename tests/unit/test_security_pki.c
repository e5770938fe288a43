/* security-pki: published values, the files it keeps, and what it makes of spoiled ones. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/security-pki/pki_cache.h"
#include "plugins/security-pki/pki_file.h"
#include "tests/conform/security_suite.h"
#include "tests/unit/security_vectors.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define PKI (&security_pki_LTX_ponto_plugin)
#define ALICE 1000u

static const char *const quick[] = {"iterations=1000", NULL};

static struct ponto_bytes hex(const char *text)
{
	size_t len;
	uint8_t *data = ponto_test_hex(text, &len);

	return ponto_bytes(data, len);
}

static void drop(struct ponto_bytes bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

/* ---- published values ------------------------------------------------------------- */

static EVP_PKEY *vector_key(struct pki_crypto *crypto)
{
	static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N,	   OSSL_PKEY_PARAM_RSA_E,
					    OSSL_PKEY_PARAM_RSA_D,	   OSSL_PKEY_PARAM_RSA_FACTOR1,
					    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
					    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
	static const char *const numbers[] = {vector_n, "010001",  vector_d,  vector_p,
					      vector_q, vector_dp, vector_dq, vector_qinv};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, "RSA", NULL);
	BIGNUM *bn[8] = {NULL};
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	for (int i = 0; i < 8; i++) {
		assert_int_equal(BN_hex2bn(&bn[i], numbers[i]), strlen(numbers[i]));
		assert_int_equal(OSSL_PARAM_BLD_push_BN(build, names[i], bn[i]), 1);
	}
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	for (int i = 0; i < 8; i++)
		BN_free(bn[i]);
	return key;
}

/* An export of the vectors' key, as another program might have made it. */
static uint8_t *vector_export(const char *password, size_t *len)
{
	struct pki_record me = {.identity = {.profile = PONTO_PROFILE_WINDOWS, .name = "vector", .created = 5}};
	struct pki_crypto crypto;
	uint8_t *text;
	EVP_PKEY *key;

	assert_ok(pki_crypto_init(&crypto));
	key = vector_key(&crypto);
	assert_ok(pki_key_describe(PONTO_PROFILE_WINDOWS, key, &me.identity));
	assert_ok(pki_file_write(&crypto, &me, key, ponto_bytes(password, strlen(password)), 1000, &ponto_alloc_system,
				 &text, len));
	EVP_PKEY_free(key);
	pki_crypto_fini(&crypto);
	return text;
}

static void authority_of_the_published_key(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_bytes key = hex(vector_key_data), rfc8032 = hex(ed25519_public);
	uint8_t authority[PONTO_AUTHORITY_SIZE];
	char text[PONTO_IDENTITY_ID];

	(void)state;
	PONTO_PROVES("PNRP-171", "PNRP-195");
	assert_int_equal(key.len, 140);
	assert_ok(ponto_authority(f->security, PONTO_PROFILE_WINDOWS, key, authority));
	ponto_hex(ponto_bytes(authority, sizeof(authority)), text);
	assert_string_equal(text, "febe3705565228fca059cb0caec74e06404aa229");
	assert_ok(ponto_authority(f->security, PONTO_PROFILE_MODERN, rfc8032, authority));
	ponto_hex(ponto_bytes(authority, sizeof(authority)), text);
	assert_string_equal(text, ed25519_authority);
	drop(rfc8032);
	drop(key);
	security_fixture_free(f);
}

static void published_signatures_verify(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	const char *const signed_structures[] = {vector_cpa, vector_payload};
	struct ponto_bytes key = hex(vector_key_data);

	(void)state;
	PONTO_PROVES("PNRP-427", "PNRP-199");
	for (size_t v = 0; v < 2; v++) {
		struct ponto_bytes whole = hex(signed_structures[v]);
		struct ponto_bytes body = ponto_bytes(whole.data, whole.len - 136);
		struct ponto_bytes sig = ponto_bytes(whole.data + whole.len - 128, 128);
		uint8_t *changed = (uint8_t *)(uintptr_t)whole.data;

		assert_ok(ponto_verify(f->security, PONTO_PROFILE_WINDOWS, key, body, sig));
		for (size_t i = 0; i < whole.len; i++) {
			if (i >= body.len && i < body.len + 8)
				continue; /* between body and signature data: lengths and ALG_ID, the codec's affair */
			changed[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(ponto_verify(f->security, PONTO_PROFILE_WINDOWS, key, body, sig), PONTO_EAUTH);
			changed[i] ^= (uint8_t)(1 << i % 8);
		}
		drop(whole);
	}
	drop(key);
	security_fixture_free(f);
}

static void published_key_signs_the_same_bytes(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_bytes cpa = hex(vector_cpa);
	struct ponto_identity me;
	uint8_t sig[PONTO_SIGNATURE_MAX], *text;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-520", "PNRP-199");
	text = vector_export("secret", &len);
	assert_ok(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "secret", &me));
	assert_string_equal(me.id, "febe3705565228fca059cb0caec74e06404aa229");
	for (int i = 0; i < 2; i++) { /* from the file, then from the cache */
		assert_ok(ponto_sign(f->security, ALICE, me.id, ponto_bytes(cpa.data, cpa.len - 136), sig, &len));
		assert_int_equal(len, 128);
		assert_memory_equal(sig, cpa.data + cpa.len - 128, 128);
	}
	drop(cpa);
	ponto_free(&ponto_alloc_system, text);
	security_fixture_free(f);
}

static void ed25519_as_in_rfc8032(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_bytes key = hex(ed25519_public), sig = hex(ed25519_signature);

	(void)state;
	assert_ok(ponto_verify(f->security, PONTO_PROFILE_MODERN, key, ponto_bytes("r", 1), sig));
	assert_int_equal(ponto_verify(f->security, PONTO_PROFILE_MODERN, key, ponto_bytes(NULL, 0), sig), PONTO_EAUTH);
	drop(sig);
	drop(key);
	security_fixture_free(f);
}

static void known_answers_hold(void **state)
{
	struct pki_crypto crypto;

	(void)state;
	assert_ok(pki_crypto_init(&crypto));
	assert_ok(pki_crypto_test(&crypto, PONTO_PROFILE_WINDOWS));
	assert_ok(pki_crypto_test(&crypto, PONTO_PROFILE_MODERN));
	pki_crypto_fini(&crypto);
}

/* A system configuration that loads nothing and forbids SHA-1 signatures must not reach us. */
static void system_policy_does_not_reach_us(void **state)
{
	char *dir = ponto_test_mkdir(), path[4096];
	FILE *file;
	int status;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/openssl.cnf", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("openssl_conf = a\n[a]\nalg_section = b\nproviders = c\n[b]\ndefault_properties = fips=yes\n"
	      "rh-allow-sha1-signatures = no\n[c]\nbase = d\n[d]\nactivate = 1\n",
	      file);
	fclose(file);
	pid = fork();
	if (pid == 0) {
		struct pki_crypto crypto;
		int wrong;

		setenv("OPENSSL_CONF", path, 1);
		wrong = pki_crypto_init(&crypto) || pki_crypto_test(&crypto, PONTO_PROFILE_WINDOWS) ||
			pki_crypto_test(&crypto, PONTO_PROFILE_MODERN);
		_exit(wrong ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ponto_test_rmdir(dir);
}

/* ---- files --------------------------------------------------------------------------- */

static char *file_of(struct security_fixture *f, const struct ponto_identity *me)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/id/%u/%s.pem", f->state_dir, me->owner, me->id);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void spit(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static size_t slurp(const char *path, uint8_t *out, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, out, size);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

static struct ponto_identity new_identity(struct security_fixture *f, uint32_t profile)
{
	struct ponto_identity me;

	assert_ok(ponto_identity_create(f->security, ALICE, profile, "me", &me));
	return me;
}

static int try_sign(struct security_fixture *f, const struct ponto_identity *me)
{
	uint8_t sig[PONTO_SIGNATURE_MAX];
	size_t len;
	int result = ponto_sign(f->security, me->owner, me->id, ponto_bytes("d", 1), sig, &len);

	if (!result)
		assert_ok(ponto_verify(f->security, me->profile, ponto_bytes(me->public_key, me->public_key_len),
				       ponto_bytes("d", 1), ponto_bytes(sig, len)));
	return result;
}

static void identities_outlive_a_restart(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity w = new_identity(f, PONTO_PROFILE_WINDOWS), m = new_identity(f, PONTO_PROFILE_MODERN);
	struct ponto_identity seen[3];

	(void)state;
	security_fixture_restart(f, quick);
	assert_int_equal(security_list(f, ALICE, seen, 3), 2);
	assert_memory_equal(&seen[0], &w, sizeof(w));
	assert_memory_equal(&seen[1], &m, sizeof(m));
	assert_ok(try_sign(f, &w));
	assert_ok(try_sign(f, &m));
	assert_ok(ponto_identity_remove(f->security, ALICE, w.id));
	security_fixture_restart(f, quick);
	assert_int_equal(security_list(f, ALICE, seen, 3), 1);
	security_fixture_free(f);
}

static void nothing_is_written_before_it_is_needed(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);

	(void)state;
	assert_int_equal(security_list(f, ALICE, NULL, 0), 0);
	assert_int_equal(rmdir(f->state_dir), 0); /* empty */
	assert_int_equal(mkdir(f->state_dir, 0700), 0);
	security_fixture_free(f);
}

static void files_are_private(void **state)
{
	mode_t old = umask(0);
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN), seen;
	char dir[4096];

	(void)state;
	umask(old);
	assert_int_equal(mode_of(file_of(f, &me)), 0600);
	snprintf(dir, sizeof(dir), "%s/id", f->state_dir);
	assert_int_equal(mode_of(dir), 0700);
	snprintf(dir, sizeof(dir), "%s/id/%u", f->state_dir, ALICE);
	assert_int_equal(mode_of(dir), 0700);
	/* what was opened up is closed again, with a word about it */
	assert_int_equal(chmod(file_of(f, &me), 0644), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	f->log_lines = 0;
	assert_ok(ponto_identity_get(f->security, ALICE, me.id, &seen));
	assert_int_equal(mode_of(file_of(f, &me)), 0600);
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(f->log_lines, 2);
	security_fixture_free(f);
}

static void assert_damaged(struct security_fixture *f, const struct ponto_identity *me)
{
	struct ponto_identity seen[4];
	uint8_t *data;
	size_t len;

	f->log_lines = 0;
	assert_int_equal(security_list(f, ALICE, seen, 4), 1);
	assert_string_not_equal(seen[0].id, me->id);
	assert_int_equal(f->log_lines, 1);
	assert_non_null(strstr(f->last_log, me->id));
	assert_int_equal(ponto_identity_get(f->security, ALICE, me->id, seen), PONTO_ECORRUPT);
	assert_int_equal(try_sign(f, me), PONTO_ECORRUPT);
	assert_int_equal(ponto_identity_export(f->security, ALICE, me->id, "x", &f->alloc, &data, &len),
			 PONTO_ECORRUPT);
	assert_int_equal(access(file_of(f, me), F_OK), 0);
}

static void damaged_file_is_left_out_and_left_alone(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN), good = new_identity(f, PONTO_PROFILE_MODERN);
	uint8_t text[PONTO_EXPORT_MAX + 1], changed[PONTO_EXPORT_MAX + 1];
	size_t len = slurp(file_of(f, &me), text, sizeof(text));

	(void)state;
	for (size_t i = 0; i < len; i += 7) {
		memcpy(changed, text, len);
		changed[i] ^= 4;
		spit(file_of(f, &me), changed, len);
		assert_damaged(f, &me);
		spit(file_of(f, &me), changed, i);
		assert_damaged(f, &me);
	}
	memset(changed, 'x', sizeof(changed));
	spit(file_of(f, &me), changed, sizeof(changed));
	assert_damaged(f, &me);
	spit(file_of(f, &me), text, len);
	assert_ok(try_sign(f, &me));
	/* an explicit request removes even a damaged one */
	security_fixture_restart(f, quick);
	spit(file_of(f, &me), changed, 1000);
	assert_damaged(f, &me);
	assert_ok(ponto_identity_remove(f->security, ALICE, me.id));
	assert_int_equal(access(file_of(f, &me), F_OK), -1);
	assert_ok(try_sign(f, &good));
	security_fixture_free(f);
}

static void strange_files_are_no_identities(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN), good = new_identity(f, PONTO_PROFILE_MODERN);
	uint8_t text[PONTO_EXPORT_MAX];
	char aside[4200], dir[4096];
	size_t len = slurp(file_of(f, &good), text, sizeof(text));

	(void)state;
	snprintf(dir, sizeof(dir), "%s/id/%u", f->state_dir, ALICE);
	snprintf(aside, sizeof(aside), "%s/README", dir);
	spit(aside, "notes", 5);
	assert_int_equal(unlink(file_of(f, &me)), 0);
	spit(file_of(f, &me), text, len); /* another identity's file under this name */
	assert_damaged(f, &me);
	assert_int_equal(unlink(file_of(f, &me)), 0);
	assert_int_equal(symlink(aside, file_of(f, &me)), 0);
	assert_damaged(f, &me);
	assert_int_equal(unlink(file_of(f, &me)), 0);
	assert_int_equal(mkfifo(file_of(f, &me), 0600), 0); /* must not hang */
	assert_damaged(f, &me);
	assert_int_equal(unlink(file_of(f, &me)), 0);
	assert_int_equal(mkdir(file_of(f, &me), 0700), 0);
	assert_damaged(f, &me);
	assert_int_equal(access(aside, F_OK), 0);
	security_fixture_free(f);
}

static void unfinished_files_are_cleared_at_start(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN);
	char unfinished[4096], kept[4096];

	(void)state;
	snprintf(unfinished, sizeof(unfinished), "%s/id/%u/.new-%s", f->state_dir, ALICE, me.id);
	snprintf(kept, sizeof(kept), "%s/id/%u/.hidden", f->state_dir, ALICE);
	spit(unfinished, "half", 4);
	spit(kept, "mine", 4);
	security_fixture_restart(f, quick);
	assert_int_equal(access(unfinished, F_OK), -1);
	assert_int_equal(access(kept, F_OK), 0);
	assert_ok(try_sign(f, &me));
	security_fixture_free(f);
}

/* ---- encrypted at rest ------------------------------------------------------------------- */

static void keys_at_rest_can_be_encrypted(void **state)
{
	const char *settings[] = {"iterations=1000", "key_file=secret", NULL};
	char *dir = ponto_test_mkdir(), elsewhere[4096], option[4200];
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	struct ponto_identity clear = new_identity(f, PONTO_PROFILE_WINDOWS), me, seen[3];
	uint8_t text[PONTO_EXPORT_MAX + 1] = {0};
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/secret", f->state_dir);
	spit(path, "a passphrase\n", 13);
	security_fixture_restart(f, settings);
	me = new_identity(f, PONTO_PROFILE_WINDOWS);
	slurp(file_of(f, &me), text, sizeof(text) - 1);
	assert_non_null(strstr((char *)text, "BEGIN ENCRYPTED PRIVATE KEY"));
	assert_ok(try_sign(f, &me));
	assert_ok(try_sign(f, &clear)); /* from before there was a key_file */
	security_fixture_restart(f, settings);
	assert_ok(try_sign(f, &me));
	/* without the secret: known, but of no use */
	security_fixture_restart(f, quick);
	assert_int_equal(security_list(f, ALICE, seen, 3), 2);
	assert_int_equal(try_sign(f, &me), PONTO_EAUTH);
	assert_non_null(strstr(f->last_log, "key_file"));
	assert_ok(try_sign(f, &clear));
	/* with another secret, at an absolute path */
	snprintf(elsewhere, sizeof(elsewhere), "%s/other", dir);
	spit(elsewhere, "b passphrase\n", 13);
	snprintf(option, sizeof(option), "key_file=%s", elsewhere);
	settings[1] = option;
	security_fixture_restart(f, settings);
	assert_int_equal(try_sign(f, &me), PONTO_EAUTH);
	spit(elsewhere, "a passphrase", 12); /* its line end never counted */
	security_fixture_restart(f, settings);
	assert_ok(try_sign(f, &me));
	security_fixture_free(f);
	ponto_test_rmdir(dir);
}

static void assert_key_file_refused(const char *path, const char *why)
{
	struct security_fixture f;
	char option[4200];
	const char *const settings[] = {option, NULL};
	void *self = (void *)1;

	security_fixture_init(&f, PKI, false);
	snprintf(option, sizeof(option), "key_file=%s", path);
	assert_ok(ponto_conf_make(&ponto_alloc_system, PKI->options, PKI->option_count, settings, NULL, 0, &f.conf));
	f.env.conf = f.conf;
	assert_int_equal(((const struct ponto_security_ops *)PKI->vtable)->create(&f.env, &self), PONTO_ECONF);
	assert_ptr_equal(self, (void *)1);
	if (!strstr(f.last_log, why))
		fail_msg("\"%s\" is not in \"%s\"", why, f.last_log);
	assert_int_equal(f.counted.live, 0);
	ponto_conf_destroy(f.conf);
	ponto_log_destroy(f.log);
}

static void unfit_key_files_are_refused(void **state)
{
	char *dir = ponto_test_mkdir(), path[4096], large[1100];

	(void)state;
	snprintf(path, sizeof(path), "%s/key", dir);
	memset(large, 'x', sizeof(large));
	assert_key_file_refused(path, "No such file");
	assert_key_file_refused(dir, "not a regular file");
	spit(path, "", 0);
	assert_key_file_refused(path, "empty");
	spit(path, "\n\n", 2);
	assert_key_file_refused(path, "empty");
	spit(path, large, sizeof(large));
	assert_key_file_refused(path, "longer");
	spit(path, "secret", 6);
	assert_int_equal(chmod(path, 0640), 0);
	assert_key_file_refused(path, "other users");
	ponto_test_rmdir(dir);
}

/* ---- no permission, no room ----------------------------------------------------------------- */

/* What an unprivileged user's process finds: 0, or the line at which it went wrong. */
#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__;                                                                               \
	} while (0)

static int without_permission(void *arg)
{
	struct security_fixture *f = arg;
	struct ponto_identity me, seen;
	char path[4096];

	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "me", &me) == PONTO_OK);
	snprintf(path, sizeof(path), "%s/id/%u", f->state_dir, ALICE);
	EXPECT(chmod(path, 0500) == 0);
	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &seen) == PONTO_EACCES);
	EXPECT(strstr(f->last_log, "ermission denied"));
	EXPECT(ponto_identity_remove(f->security, ALICE, me.id) == PONTO_EACCES);
	EXPECT(ponto_identity_get(f->security, ALICE, me.id, &seen) == PONTO_OK);
	EXPECT(chmod(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/id/%u/%s.pem", f->state_dir, ALICE, me.id);
	EXPECT(chmod(path, 0000) == 0);
	EXPECT(ponto_identity_get(f->security, ALICE, me.id, &seen) == PONTO_EACCES);
	EXPECT(security_list(f, ALICE, &seen, 1) == 0);
	EXPECT(chmod(path, 0600) == 0);
	EXPECT(chmod(f->state_dir, 0500) == 0);
	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &seen) == PONTO_OK);
	EXPECT(chmod(f->state_dir, 0000) == 0);
	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &seen) == PONTO_EACCES);
	EXPECT(chmod(f->state_dir, 0700) == 0);
	EXPECT(security_list(f, ALICE, &seen, 1) == 2);
	return 0;
}

static int without_room(void *arg)
{
	struct security_fixture *f = arg;
	struct rlimit limit = {200, 200};
	struct ponto_identity me, seen;
	char path[4096];

	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "me", &me) == PONTO_OK);
	signal(SIGXFSZ, SIG_IGN);
	EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	EXPECT(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_MODERN, "x", &seen) == PONTO_EIO);
	EXPECT(security_list(f, ALICE, &seen, 1) == 1);
	EXPECT(strcmp(seen.id, me.id) == 0);
	EXPECT(ponto_identity_remove(f->security, ALICE, me.id) == PONTO_OK);
	snprintf(path, sizeof(path), "%s/id/%u", f->state_dir, ALICE);
	EXPECT(rmdir(path) == 0); /* nothing half-written stayed behind */
	return 0;
}

static void run_unprivileged(int (*fn)(void *arg))
{
	struct security_fixture *f = security_fixture_new(PKI, true, quick);
	int status;
	pid_t pid;

	if (geteuid() == 0)
		assert_int_equal(chown(f->state_dir, 65534, 65534), 0);
	pid = fork();
	if (pid == 0) {
		int line;

		if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
			_exit(255);
		line = fn(f);
		if (line)
			fprintf(stderr, "# line %d: %s\n", line, f->last_log);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	security_fixture_free(f);
}

static void permissions_are_respected(void **state)
{
	(void)state;
	run_unprivileged(without_permission);
}

static void half_a_file_is_not_kept(void **state)
{
	(void)state;
	run_unprivileged(without_room);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static void cache_is_bounded_and_right(void **state)
{
	struct ponto_test_random random;
	struct pki_crypto crypto;
	struct pki_cache *cache;
	EVP_PKEY *keys[64], *found;
	uint32_t tag = 0;
	size_t hits = 0;

	(void)state;
	ponto_test_random_init(&random, 1);
	assert_ok(pki_crypto_init(&crypto));
	assert_ok(pki_cache_create(&ponto_alloc_system, &random.random, 16, &cache));
	for (uint32_t i = 0; i < 64; i++) {
		assert_ok(pki_key_generate(&crypto, PONTO_PROFILE_MODERN, &keys[i]));
		assert_null(pki_cache_get(cache, ponto_bytes(&i, sizeof(i)), &tag));
		assert_int_equal(pki_cache_put(cache, ponto_bytes(&i, sizeof(i)), keys[i], i), PONTO_OK);
		found = pki_cache_get(cache, ponto_bytes(&i, sizeof(i)), &tag);
		assert_ptr_equal(found, keys[i]);
		assert_int_equal(tag, i);
		EVP_PKEY_free(found);
	}
	for (uint32_t i = 0; i < 64; i++) {
		found = pki_cache_get(cache, ponto_bytes(&i, sizeof(i)), &tag);
		if (!found)
			continue;
		hits++;
		assert_ptr_equal(found, keys[i]);
		EVP_PKEY_free(found);
		pki_cache_drop(cache, ponto_bytes(&i, sizeof(i)));
		assert_null(pki_cache_get(cache, ponto_bytes(&i, sizeof(i)), &tag));
	}
	assert_in_range(hits, 1, 16);
	pki_cache_destroy(cache);
	for (size_t i = 0; i < 64; i++)
		EVP_PKEY_free(keys[i]);
	pki_crypto_fini(&crypto);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authority_of_the_published_key),
		cmocka_unit_test(published_signatures_verify),
		cmocka_unit_test(published_key_signs_the_same_bytes),
		cmocka_unit_test(ed25519_as_in_rfc8032),
		cmocka_unit_test(known_answers_hold),
		cmocka_unit_test(system_policy_does_not_reach_us),
		cmocka_unit_test(identities_outlive_a_restart),
		cmocka_unit_test(nothing_is_written_before_it_is_needed),
		cmocka_unit_test(files_are_private),
		cmocka_unit_test(damaged_file_is_left_out_and_left_alone),
		cmocka_unit_test(strange_files_are_no_identities),
		cmocka_unit_test(unfinished_files_are_cleared_at_start),
		cmocka_unit_test(keys_at_rest_can_be_encrypted),
		cmocka_unit_test(unfit_key_files_are_refused),
		cmocka_unit_test(permissions_are_respected),
		cmocka_unit_test(half_a_file_is_not_kept),
		cmocka_unit_test(cache_is_bounded_and_right),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("security-pki", tests, NULL, NULL);
}
