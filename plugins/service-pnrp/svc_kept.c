/* Registrations in the store: group "pnrp/names/<cloud>", key uid (4 bytes) and name. */
#include <stdio.h>
#include <string.h>

#include "framework/cursor.h"
#include "framework/unpack.h"
#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.kept"

/* How long a write may take before the client is told that it failed. */
#define WRITE_TIME (5 * PONTO_SECOND)
#define GROUP_TEXT (SVC_CLOUD_TEXT + 16)
#define KEY_SIZE (4 + PNRP_NAME_TEXT + 1) /* the name stays terminated, for messages */

struct kept_record {
	struct kept_record *next;
	Ponto__Pnrp__V1__StoredName *stored;
};

struct kept_job {
	struct svc *svc;
	char group[GROUP_TEXT];
	uint8_t key[KEY_SIZE];
	size_t key_len;
	uint8_t *value; /* NULL: remove */
	size_t value_len;
	uint64_t deadline;
	int result;
	uint64_t token;
	svc_kept_fn *done;
	struct ponto_call *call; /* of a forget, with its own end */
	svc_forget_fn *forgotten;
	struct kept_record *records; /* of a load, in key order */
	struct kept_record **last;
	unsigned damaged;
};

static struct kept_job *job_new(struct svc *svc)
{
	struct kept_job *job = ponto_new(svc->env->alloc, 1, sizeof(*job));

	if (!job)
		return NULL;
	job->svc = svc;
	job->deadline = ponto_mono(svc->env->clock) + WRITE_TIME;
	snprintf(job->group, sizeof(job->group), "pnrp/names/%s", svc->cloud);
	return job;
}

static void job_free(struct kept_job *job)
{
	const struct ponto_alloc *alloc = job->svc->env->alloc;

	while (job->records) {
		struct kept_record *next = job->records->next;

		ponto__pnrp__v1__stored_name__free_unpacked(job->records->stored, NULL);
		ponto_free(alloc, job->records);
		job->records = next;
	}
	ponto_free(alloc, job->value);
	ponto_free(alloc, job);
}

static struct ponto_bytes group_of(const struct kept_job *job)
{
	return ponto_bytes(job->group, strlen(job->group));
}

static void set_key(struct kept_job *job, uint32_t uid, const char *name)
{
	struct ponto_writer w = ponto_writer(job->key, sizeof(job->key));
	size_t len = strlen(name);

	ponto_write_be32(&w, uid);
	ponto_write_copy(&w, name, len < PNRP_NAME_TEXT ? len : PNRP_NAME_TEXT);
	job->key_len = (size_t)w.pos;
}

/* ---- writing ------------------------------------------------------------------ */

/* A store does not say whether there was a record: it is looked for first. */
static int remove_record(struct kept_job *job, struct ponto_bytes key)
{
	struct ponto_store store = job->svc->store;
	const struct ponto_alloc *alloc = job->svc->env->alloc;
	uint8_t *value;
	size_t len;
	int result = ponto_store_get(store, group_of(job), key, job->deadline, alloc, &value, &len, NULL);

	if (result == PONTO_OK)
		ponto_free(alloc, value);
	else if (result == PONTO_ENOENT)
		return result;
	return ponto_store_remove(store, group_of(job), key, PONTO_STORE_SYNC, job->deadline);
}

static void write_run(void *arg)
{
	struct kept_job *job = arg;
	struct ponto_bytes key = ponto_bytes(job->key, job->key_len);
	struct ponto_store store = job->svc->store;

	if (job->value)
		job->result = ponto_store_put(store, group_of(job), key, ponto_bytes(job->value, job->value_len), 0,
					      PONTO_STORE_SYNC, job->deadline);
	else
		job->result = remove_record(job, key);
}

static void write_done(void *arg)
{
	struct kept_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	if (job->result != PONTO_OK && job->result != PONTO_ENOENT)
		ponto_error(svc->env->log, TOPIC, "a registration cannot be %s: %s", job->value ? "kept" : "forgotten",
			    ponto_strerror(job->result));
	if (job->done)
		job->done(svc, job->token, job->result);
	if (job->forgotten)
		job->forgotten(svc, job->call, (const char *)job->key + 4, job->result);
	job_free(job);
	svc_pump(svc);
	svc_check_stopped(svc);
}

static int submit(struct kept_job *job, ponto_loop_fn *run, ponto_loop_fn *done)
{
	struct svc *svc = job->svc;
	int result = ponto_pool_submit(svc->store.pool, svc->env->loop, run, done, job);

	if (result == PONTO_OK)
		svc->jobs++;
	else
		job_free(job);
	return result;
}

void svc_kept_put(struct svc *svc, const struct svc_name *name, svc_kept_fn *done)
{
	Ponto__Pnrp__V1__StoredName stored = PONTO__PNRP__V1__STORED_NAME__INIT;
	struct kept_job *job;
	int result;

	stored.request = name->request;
	stored.uid = name->uid;
	job = job_new(svc);
	if (!job) {
		done(svc, name->token, PONTO_ENOMEM);
		return;
	}
	job->token = name->token;
	job->done = done;
	job->value_len = ponto__pnrp__v1__stored_name__get_packed_size(&stored);
	job->value = ponto_new(svc->env->alloc, 1, job->value_len);
	if (!job->value) {
		job_free(job);
		done(svc, name->token, PONTO_ENOMEM);
		return;
	}
	ponto__pnrp__v1__stored_name__pack(&stored, job->value);
	set_key(job, name->uid, name->request->name);
	result = submit(job, write_run, write_done);
	if (result != PONTO_OK)
		done(svc, name->token, result);
}

void svc_kept_remove(struct svc *svc, const struct svc_name *name, svc_kept_fn *done)
{
	uint64_t token = name->token;
	struct kept_job *job = job_new(svc);
	int result = PONTO_ENOMEM;

	if (job) {
		job->token = token;
		job->done = done;
		set_key(job, name->uid, name->request->name);
		result = submit(job, write_run, write_done);
	}
	if (result != PONTO_OK)
		done(svc, token, result);
}

void svc_kept_forget(struct svc *svc, struct ponto_call *call, const char *name, svc_forget_fn *done)
{
	struct kept_job *job = job_new(svc);
	int result = PONTO_ENOMEM;

	if (job) {
		job->call = call;
		job->forgotten = done;
		set_key(job, call->uid, name);
		result = submit(job, write_run, write_done);
	}
	if (result != PONTO_OK)
		done(svc, call, name, result);
}

/* ---- reading -------------------------------------------------------------------- */

static bool load_one(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct kept_job *job = arg;
	struct kept_record *record = ponto_new(job->svc->env->alloc, 1, sizeof(*record));
	ProtobufCMessage *message;
	int result = PONTO_ENOMEM;

	(void)key;
	(void)expires;
	if (record)
		result = ponto_unpack(&ponto_alloc_system, &ponto__pnrp__v1__stored_name__descriptor, value, &message);
	if (result == PONTO_ENOMEM)
		job->result = result;
	else if (result)
		job->damaged++;
	if (result) {
		ponto_free(job->svc->env->alloc, record);
		return result != PONTO_ENOMEM;
	}
	record->stored = (Ponto__Pnrp__V1__StoredName *)message;
	*job->last = record;
	job->last = &record->next;
	return true;
}

static void load_run(void *arg)
{
	struct kept_job *job = arg;
	int result = ponto_store_iterate(job->svc->store, group_of(job), ponto_bytes(NULL, 0), ponto_bytes(NULL, 0),
					 PONTO_NEVER, load_one, job);

	if (job->result == PONTO_OK)
		job->result = result;
}

static void load_done(void *arg)
{
	struct kept_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	if (job->result != PONTO_OK)
		ponto_error(svc->env->log, TOPIC, "kept registrations cannot be read: %s", ponto_strerror(job->result));
	if (job->damaged)
		ponto_error(svc->env->log, TOPIC, "%u kept registrations are damaged and stay where they are",
			    job->damaged);
	for (struct kept_record *r = job->records; r && !svc->stopped; r = r->next) {
		Ponto__Pnrp__V1__RegisterRequest *request = r->stored->request;

		r->stored->request = NULL;
		svc_name_restore(svc, request, r->stored->uid);
	}
	job_free(job);
	svc_pump(svc);
	svc_check_stopped(svc);
}

void svc_kept_load(struct svc *svc)
{
	struct kept_job *job;

	if (!svc->has_store || ponto_conf_bool(svc->conf, "resolve_only"))
		return;
	job = job_new(svc);
	if (!job) {
		ponto_error(svc->env->log, TOPIC, "kept registrations cannot be read: out of memory");
		return;
	}
	job->last = &job->records;
	if (submit(job, load_run, load_done) != PONTO_OK)
		ponto_error(svc->env->log, TOPIC, "kept registrations cannot be read: the store is busy");
}
