/* The server's secret key: made once, kept in the store, carried between servers by hand ([MS-PCCRC] 1.3, 2.5). */
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "engines/content/content_secret.h"
#include "plugins/service-dist/dist.h"

#define TOPIC "service.dist.secret"
#define GROUP "dist/meta"
#define KEY "secret"
#define MADE 32 /* bytes of a key that is made */
#define STORE_TIME (10 * PONTO_SECOND)

struct dist_secret {
	struct dist *dist;
	pthread_mutex_t lock; /* of key: workers describe contents with it */
	uint8_t key[CONTENT_SECRET_MAX];
	size_t len; /* 0: there is none yet */
	unsigned jobs;
};

struct job {
	struct dist_secret *secret;
	struct ponto_call *call; /* an import; NULL: the start */
	uint8_t key[CONTENT_SECRET_MAX];
	size_t len;
	int result;
};

static struct ponto_bytes group(void)
{
	return ponto_bytes(GROUP, sizeof(GROUP) - 1);
}

static struct ponto_bytes key(void)
{
	return ponto_bytes(KEY, sizeof(KEY) - 1);
}

static int load(struct job *job)
{
	const struct dist *dist = job->secret->dist;
	uint8_t *value;
	size_t len;
	int result = ponto_store_get(dist->store, group(), key(), ponto_mono(dist->env->clock) + STORE_TIME,
				     dist->env->alloc, &value, &len, NULL);

	if (result != PONTO_OK)
		return result;
	if (len == 0 || len > CONTENT_SECRET_MAX)
		result = PONTO_ECORRUPT;
	else
		memcpy(job->key, value, job->len = len);
	ponto_wipe(value, len);
	ponto_free(dist->env->alloc, value);
	return result;
}

static void start_run(void *arg)
{
	struct job *job = arg;
	const struct dist *dist = job->secret->dist;
	struct ponto_store_step steps[] = {
		{.kind = PONTO_STEP_REQUIRE_ABSENT, .key = key()},
		{.kind = PONTO_STEP_PUT, .key = key(), .value = ponto_bytes(job->key, MADE)},
	};

	job->result = load(job);
	if (job->result != PONTO_ENOENT)
		return;
	dist->env->random->fill(dist->env->random->ctx, job->key, MADE);
	job->len = MADE;
	job->result = ponto_store_batch(dist->store, group(), steps, PONTO_ARRAY_SIZE(steps), PONTO_STORE_SYNC,
					ponto_mono(dist->env->clock) + STORE_TIME);
	if (job->result == PONTO_EGUARD) /* another node on this store was quicker */
		job->result = load(job);
}

static void import_run(void *arg)
{
	struct job *job = arg;
	const struct dist *dist = job->secret->dist;

	job->result = ponto_store_put(dist->store, group(), key(), ponto_bytes(job->key, job->len), 0, PONTO_STORE_SYNC,
				      ponto_mono(dist->env->clock) + STORE_TIME);
}

static void adopt(struct dist_secret *secret, const struct job *job)
{
	pthread_mutex_lock(&secret->lock);
	memcpy(secret->key, job->key, job->len);
	secret->len = job->len;
	pthread_mutex_unlock(&secret->lock);
}

static void done(void *arg)
{
	static const Ponto__Dist__V1__SecretReply empty = PONTO__DIST__V1__SECRET_REPLY__INIT;
	struct job *job = arg;
	struct dist_secret *secret = job->secret;
	struct dist *dist = secret->dist;

	secret->jobs--;
	if (job->result == PONTO_OK)
		adopt(secret, job);
	else
		ponto_error(dist->env->log, TOPIC, "the secret key cannot be %s: %s", job->call ? "kept" : "read",
			    ponto_strerror(job->result));
	if (job->call && job->result == PONTO_OK)
		ponto_answer(dist->env->alloc, job->call, &empty.base);
	else if (job->call)
		ponto_refuse(job->call, job->result, "the secret key cannot be kept: %s", ponto_strerror(job->result));
	ponto_wipe(job->key, sizeof(job->key));
	ponto_free(dist->env->alloc, job);
	dist_check_stopped(dist);
}

static int begin(struct dist_secret *secret, struct job *job, ponto_loop_fn *run)
{
	struct dist *dist = secret->dist;
	int result;

	job->secret = secret;
	result = ponto_pool_submit(dist->store.pool, dist->env->loop, run, done, job);
	if (result == PONTO_OK)
		secret->jobs++;
	return result;
}

int dist_secret_open(struct dist *dist, struct dist_secret **out)
{
	struct dist_secret *secret = ponto_new(dist->env->alloc, 1, sizeof(*secret));
	struct job *job = secret ? ponto_new(dist->env->alloc, 1, sizeof(*job)) : NULL;
	int result = PONTO_ENOMEM;

	if (job) {
		secret->dist = dist;
		pthread_mutex_init(&secret->lock, NULL);
		result = begin(secret, job, start_run);
		if (result != PONTO_OK)
			pthread_mutex_destroy(&secret->lock);
	}
	if (result != PONTO_OK) {
		ponto_free(dist->env->alloc, job);
		ponto_free(dist->env->alloc, secret);
		return result;
	}
	*out = secret;
	return PONTO_OK;
}

void dist_secret_close(struct dist_secret *secret)
{
	if (!secret)
		return;
	ponto_wipe(secret->key, sizeof(secret->key));
	pthread_mutex_destroy(&secret->lock);
	ponto_free(secret->dist->env->alloc, secret);
}

int dist_secret_ks(struct dist_secret *secret, enum content_algo algo, uint8_t ks[CONTENT_HASH_MAX])
{
	int result = PONTO_EBUSY;

	pthread_mutex_lock(&secret->lock);
	if (secret->len > 0) {
		content_server_secret(algo, ponto_bytes(secret->key, secret->len), ks);
		result = PONTO_OK;
	}
	pthread_mutex_unlock(&secret->lock);
	return result;
}

bool dist_secret_idle(const struct dist_secret *secret)
{
	return !secret || secret->jobs == 0;
}

/* ---- between servers ---------------------------------------------------------------------- */

/* AES-256-CBC over whole blocks; the zero IV is the format's. */
static int cipher(bool encrypt, const uint8_t file_key[32], struct ponto_bytes in, uint8_t *out)
{
	static const uint8_t iv[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0, rest = 0;
	bool ok = ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, file_key, iv, encrypt) == 1 &&
		  EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		  EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 &&
		  EVP_CipherFinal_ex(ctx, out + len, &rest) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok ? PONTO_OK : PONTO_EINVAL;
}

static void export(struct dist_secret *secret, struct ponto_call *call, const uint8_t file_key[32])
{
	Ponto__Dist__V1__SecretReply reply = PONTO__DIST__V1__SECRET_REPLY__INIT;
	uint8_t plain[CONTENT_SECRET_PLAIN_MAX], sealed[CONTENT_SECRET_PLAIN_MAX];
	size_t len = 0;
	int result;

	pthread_mutex_lock(&secret->lock);
	result = secret->len == 0 ? PONTO_EBUSY
				  : content_secret_wrap(ponto_bytes(secret->key, secret->len), plain, &len);
	pthread_mutex_unlock(&secret->lock);
	if (result == PONTO_OK)
		result = cipher(true, file_key, ponto_bytes(plain, len), sealed);
	if (result == PONTO_OK) {
		reply.has_exported = true;
		reply.exported.data = sealed;
		reply.exported.len = len;
		ponto_answer(secret->dist->env->alloc, call, &reply.base);
	} else {
		ponto_refuse(call, result, result == PONTO_EBUSY ? "the secret key is not read yet" : NULL);
	}
	ponto_wipe(plain, sizeof(plain));
}

/* The key that is to be taken over. */
static int imported(const Ponto__Dist__V1__SecretRequest *r, const uint8_t file_key[32], struct job *job)
{
	uint8_t plain[CONTENT_SECRET_PLAIN_MAX];
	struct ponto_bytes inside;
	int result = PONTO_EAUTH;

	if (r->has_key) {
		if (r->key.len == 0 || r->key.len > CONTENT_SECRET_MAX)
			return PONTO_ELIMIT;
		memcpy(job->key, r->key.data, job->len = r->key.len);
		return PONTO_OK;
	}
	if (r->import.len > 0 && r->import.len <= sizeof(plain) && r->import.len % 16 == 0 &&
	    cipher(false, file_key, ponto_bytes(r->import.data, r->import.len), plain) == PONTO_OK)
		result = content_secret_unwrap(ponto_bytes(plain, r->import.len), &inside);
	if (result == PONTO_OK)
		memcpy(job->key, inside.data, job->len = inside.len);
	ponto_wipe(plain, sizeof(plain));
	return result;
}

static void import(struct dist_secret *secret, struct ponto_call *call, const Ponto__Dist__V1__SecretRequest *r,
		   const uint8_t file_key[32])
{
	const struct ponto_alloc *alloc = secret->dist->env->alloc;
	struct job *job = ponto_new(alloc, 1, sizeof(*job));
	int result = job ? imported(r, file_key, job) : PONTO_ENOMEM;

	if (result == PONTO_OK) {
		job->call = call;
		result = begin(secret, job, import_run);
	}
	if (result == PONTO_OK)
		return;
	if (job)
		ponto_wipe(job->key, sizeof(job->key));
	ponto_free(alloc, job);
	ponto_refuse(call, result,
		     result == PONTO_EAUTH    ? "not an exported secret key, or another passphrase"
		     : result == PONTO_ELIMIT ? "a secret key has 1 to %d bytes"
					      : NULL,
		     CONTENT_SECRET_MAX);
}

void dist_call_secret(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__SecretRequest *r = (const Ponto__Dist__V1__SecretRequest *)request;
	uint8_t file_key[32];
	int result = PONTO_OK;

	if (!call->admin) {
		ponto_refuse(call, PONTO_EACCES, "only administrators may have the secret key");
		return;
	}
	if (!r->has_key)
		result = content_secret_file_key(r->passphrase, file_key);
	if (result != PONTO_OK)
		ponto_refuse(call, result, "a passphrase has 1 to %d bytes of UTF-8", CONTENT_PASSPHRASE_MAX);
	else if (r->has_key || r->has_import)
		import(dist->secret, call, r, file_key);
	else
		export(dist->secret, call, file_key);
	ponto_wipe(file_key, sizeof(file_key));
}
