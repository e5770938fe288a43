/* Folders that administrators publish while the node runs: group "dist/meta", key "p" and the prefix, value the path. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-dist/dist_server.h"

#define TOPIC "service.dist.publish"
#define GROUP "dist/meta"
#define STORE_TIME (10 * PONTO_SECOND)

struct kept {
	struct kept *next;
	char *prefix, *path; /* after the structure */
};

struct job {
	struct dist_server *server;
	struct ponto_call *call; /* NULL: the start */
	char *prefix, *path;	 /* path NULL: to be removed */
	struct kept *kept, **last;
	int result;
};

static struct ponto_bytes group(void)
{
	return ponto_bytes(GROUP, sizeof(GROUP) - 1);
}

static void job_free(struct job *job)
{
	const struct ponto_alloc *alloc = job->server->dist->env->alloc;

	while (job->kept) {
		struct kept *next = job->kept->next;

		ponto_free(alloc, job->kept);
		job->kept = next;
	}
	ponto_free(alloc, job->prefix);
	ponto_free(alloc, job->path);
	ponto_free(alloc, job);
}

static int submit(struct job *job, ponto_loop_fn *run, ponto_loop_fn *done)
{
	struct dist *dist = job->server->dist;
	int result = ponto_pool_submit(dist->store.pool, dist->env->loop, run, done, job);

	if (result == PONTO_OK)
		job->server->store_jobs++;
	return result;
}

/* ---- what was kept ------------------------------------------------------------------------ */

static bool take_record(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct job *job = arg;
	struct kept *kept = ponto_new(job->server->dist->env->alloc, 1, sizeof(*kept) + key.len + value.len + 1);

	(void)expires;
	if (!kept) {
		job->result = PONTO_ENOMEM;
		return false;
	}
	kept->prefix = (char *)(kept + 1);
	kept->path = kept->prefix + key.len; /* the key's first byte is none of the prefix */
	memcpy(kept->prefix, key.data + 1, key.len - 1);
	memcpy(kept->path, value.data, value.len);
	*job->last = kept;
	job->last = &kept->next;
	return true;
}

static void load_run(void *arg)
{
	struct job *job = arg;
	const struct dist *dist = job->server->dist;
	int result = ponto_store_iterate(dist->store, group(), ponto_bytes("p", 1), ponto_bytes(NULL, 0),
					 ponto_mono(dist->env->clock) + STORE_TIME, take_record, job);

	if (job->result == PONTO_OK)
		job->result = result;
}

static void cannot_be_read(struct dist_server *server, int result)
{
	ponto_error(server->dist->env->log, TOPIC, "published folders cannot be read: %s", ponto_strerror(result));
}

static void load_done(void *arg)
{
	struct job *job = arg;
	struct dist_server *server = job->server;
	struct ponto_log *log = server->dist->env->log;
	char reason[DIST_FOLDER_REASON];
	struct dist_folder *folder;

	server->store_jobs--;
	if (job->result != PONTO_OK)
		cannot_be_read(server, job->result);
	for (struct kept *kept = job->kept; kept; kept = kept->next) {
		if (dist_folders_add(&server->folders, kept->path, kept->prefix, false, &folder, reason) != PONTO_OK)
			ponto_warning(log, TOPIC, "%s is not published now: %s", kept->prefix, reason);
	}
	job_free(job);
	dist_check_stopped(server->dist);
}

void dist_publish_load(struct dist_server *server)
{
	struct job *job = ponto_new(server->dist->env->alloc, 1, sizeof(*job));
	int result = PONTO_ENOMEM;

	if (job) {
		job->server = server;
		job->last = &job->kept;
		result = submit(job, load_run, load_done);
	}
	if (result == PONTO_OK)
		return;
	cannot_be_read(server, result);
	if (job)
		job_free(job);
}

/* ---- what changes --------------------------------------------------------------------------- */

static void write_run(void *arg)
{
	struct job *job = arg;
	const struct dist *dist = job->server->dist;
	uint64_t deadline = ponto_mono(dist->env->clock) + STORE_TIME;
	char key[PONTO_STORE_KEY_MAX];
	int len = snprintf(key, sizeof(key), "p%s", job->prefix);

	if (len < 0 || (size_t)len >= sizeof(key))
		job->result = PONTO_ELIMIT;
	else if (job->path)
		job->result = ponto_store_put(dist->store, group(), ponto_bytes(key, (size_t)len),
					      ponto_bytes(job->path, strlen(job->path)), 0, PONTO_STORE_SYNC, deadline);
	else
		job->result = ponto_store_remove(dist->store, group(), ponto_bytes(key, (size_t)len), PONTO_STORE_SYNC,
						 deadline);
}

static void fill(const struct dist_folder *folder, Ponto__Dist__V1__Folder *out)
{
	ponto__dist__v1__folder__init(out);
	out->path = folder->path;
	out->prefix = folder->prefix;
	out->configured = folder->configured;
}

/* Nothing that is not kept stays published, and what cannot be forgotten stays. */
static void write_done(void *arg)
{
	static const Ponto__Dist__V1__UnpublishReply removed = PONTO__DIST__V1__UNPUBLISH_REPLY__INIT;
	struct job *job = arg;
	struct dist_server *server = job->server;
	struct dist_folder *folder = dist_folders_find(&server->folders, job->prefix);

	server->store_jobs--;
	if (folder && !folder->configured && (job->path != NULL) != (job->result == PONTO_OK))
		dist_folders_remove(&server->folders, folder);
	if (job->result != PONTO_OK) {
		ponto_refuse(job->call, job->result, "%s cannot be %s: %s", job->prefix,
			     job->path ? "kept" : "forgotten", ponto_strerror(job->result));
	} else if (job->path) {
		Ponto__Dist__V1__PublishReply reply = PONTO__DIST__V1__PUBLISH_REPLY__INIT;
		Ponto__Dist__V1__Folder info;

		if (folder) {
			fill(folder, &info);
			reply.folder = &info;
			ponto_answer(server->dist->env->alloc, job->call, &reply.base);
		} else {
			ponto_refuse(job->call, PONTO_ENOENT, "%s was unpublished meanwhile", job->prefix);
		}
	} else {
		ponto_answer(server->dist->env->alloc, job->call, &removed.base);
	}
	job_free(job);
	dist_check_stopped(server->dist);
}

static int write(struct dist_server *server, struct ponto_call *call, const char *prefix, const char *path)
{
	const struct ponto_alloc *alloc = server->dist->env->alloc;
	struct job *job = ponto_new(alloc, 1, sizeof(*job));
	int result = PONTO_ENOMEM;

	if (!job)
		return PONTO_ENOMEM;
	job->server = server;
	job->call = call;
	job->prefix = ponto_strdup(alloc, prefix);
	job->path = path ? ponto_strdup(alloc, path) : NULL;
	if (job->prefix && (job->path || !path))
		result = submit(job, write_run, write_done);
	if (result != PONTO_OK)
		job_free(job);
	return result;
}

static bool may_publish(struct dist *dist, struct ponto_call *call)
{
	if (!call->admin)
		ponto_refuse(call, PONTO_EACCES, "only administrators may publish");
	else if (dist->server->place_count == 0)
		ponto_refuse(call, PONTO_ENOTSUP, "no content server runs here: option 'listen' of %s says where",
			     dist->env->instance);
	else
		return true;
	return false;
}

void dist_call_publish(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__PublishRequest *r = (const Ponto__Dist__V1__PublishRequest *)request;
	struct dist_server *server = dist->server;
	char reason[DIST_FOLDER_REASON];
	struct dist_folder *folder;
	int result;

	if (!may_publish(dist, call))
		return;
	result = dist_folders_add(&server->folders, r->path, r->prefix, false, &folder, reason);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s", reason);
		return;
	}
	result = write(server, call, folder->prefix, folder->path);
	if (result != PONTO_OK) {
		dist_folders_remove(&server->folders, folder);
		ponto_refuse(call, result, NULL);
	}
}

void dist_call_unpublish(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__UnpublishRequest *r = (const Ponto__Dist__V1__UnpublishRequest *)request;
	struct dist_folder *folder;
	int result;

	if (!may_publish(dist, call))
		return;
	folder = dist_folders_find(&dist->server->folders, r->prefix);
	if (!folder || folder->configured) {
		ponto_refuse(call, folder ? PONTO_EINVAL : PONTO_ENOENT,
			     folder ? "%s is published by the configuration" : "%s is not published", r->prefix);
		return;
	}
	result = write(dist->server, call, folder->prefix, NULL);
	if (result != PONTO_OK)
		ponto_refuse(call, result, NULL);
}

/* ---- what there is ---------------------------------------------------------------------------- */

void dist_call_published(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	Ponto__Dist__V1__PublishedReply reply = PONTO__DIST__V1__PUBLISHED_REPLY__INIT;
	struct ponto_arena arena = {.alloc = dist->env->alloc};
	const struct dist_server *server = dist->server;
	const char *scheme = *ponto_conf_string(dist->conf, "certificate") ? "https" : "http";
	Ponto__Dist__V1__Folder *infos = ponto_arena_take(&arena, server->folders.count + 1, sizeof(*infos));

	(void)request;
	reply.folder = ponto_arena_take(&arena, server->folders.count + 1, sizeof(*reply.folder));
	reply.url = ponto_arena_take(&arena, DIST_LISTENERS_MAX, sizeof(*reply.url));
	for (struct dist_folder *f = server->folders.first; f && !arena.failed; f = f->next) {
		fill(f, &infos[reply.n_folder]);
		reply.folder[reply.n_folder] = &infos[reply.n_folder];
		reply.n_folder++;
	}
	for (size_t i = 0; i < server->place_count && !arena.failed; i++) {
		char addr[PONTO_ADDR_TEXT], text[PONTO_ADDR_TEXT + 16];

		snprintf(text, sizeof(text), "%s://%s", scheme, ponto_addr_format(&server->places[i].addr, addr));
		reply.url[reply.n_url++] = ponto_arena_text(&arena, text);
	}
	ponto_answer_made(&arena, call, &reply.base);
}
