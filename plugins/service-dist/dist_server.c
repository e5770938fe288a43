/* The content server: published folders over HTTP, as they are or as Content Information ([MS-PCCRTP] 3.2). */
#include "plugins/service-dist/dist_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/service-dist/dist_relay.h"

#define TOPIC "service.dist.server"
#define MIB (1024u * 1024u)

/* ---- answers without a file ---------------------------------------------------------------- */

void dist_refuse_request(struct dist_server *server, struct ponto_http_listener *listener,
			 struct ponto_http_request *request, unsigned status)
{
	const struct ponto_http_header headers[] = {
		{"Content-Type", "text/plain"},
		{status == 405 ? "Allow" : "Retry-After", status == 405 ? "GET, HEAD" : "1"},
	};
	const char *text = dist_status_text(status);
	struct ponto_http_response response = {
		.status = (uint16_t)status,
		.source = PONTO_HTTP_DATA,
		.headers = headers,
		.header_count = status == 405 || status == 503 ? 2 : 1,
		.data = ponto_bytes(text, strlen(text)),
	};

	ponto_counter_add(server->refused, 1);
	if (ponto_http_respond(server->dist->http, listener, request, &response) != PONTO_OK)
		ponto_debug(server->dist->env->log, TOPIC, "a request goes without an answer");
}

/* ---- files ------------------------------------------------------------------------------- */

/* One request at work: what it asks is copied, since its client may leave meanwhile. */
struct job {
	struct dist_waiter waiter;
	struct dist_server *server;
	struct job *next, **link;
	struct ponto_http_listener *listener;
	struct ponto_http_request *request; /* NULL: nobody waits any more */
	struct dist_folder *folder;
	struct dist_house house;
	struct dist_ask ask;
	struct dist_answer answer;
	char *target; /* as it came, for a redirection */
	char text[];
};

static void job_free(struct job *job)
{
	struct dist_server *server = job->server;

	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	server->job_count--;
	dist_folder_leave(&server->folders, job->folder);
	if (job->answer.fd >= 0)
		close(job->answer.fd);
	ponto_free(server->dist->env->alloc, job);
}

static void job_gone(struct dist_waiter *waiter)
{
	((struct job *)waiter)->request = NULL;
}

static void job_run(void *arg)
{
	struct job *job = arg;

	dist_file_answer(&job->house, &job->ask, &job->answer);
}

/* The same with a slash at the end of the path. */
static void redirect(struct job *job)
{
	size_t path = strcspn(job->target, "?#");

	job->answer.status = 301;
	dist_answer_header(&job->answer, "Location", "%.*s/%s", (int)path, job->target, job->target + path);
}

static int respond(struct job *job)
{
	struct dist_answer *a = &job->answer;
	struct ponto_http_response response = {
		.status = (uint16_t)a->status,
		.headers = a->headers,
		.length = a->length,
	};
	const char *text = dist_status_text(a->status);

	if (a->fd >= 0) {
		response.source = PONTO_HTTP_FILE;
		response.fd = a->fd;
		response.offset = a->offset;
	} else if (a->status >= 300 && a->status != 304) {
		dist_answer_header(a, "Content-Type", "text/plain");
		response.source = PONTO_HTTP_DATA;
		response.data = ponto_bytes(text, strlen(text));
	}
	response.header_count = a->header_count;
	a->fd = -1; /* taken */
	return ponto_http_respond(job->server->dist->http, job->listener, job->request, &response);
}

static void count(struct job *job)
{
	struct dist_server *server = job->server;
	const struct dist_answer *a = &job->answer;

	if (a->encoded)
		ponto_counter_add(server->encoded, 1);
	else if (a->fd >= 0)
		ponto_counter_add(server->plain, 1);
	else
		ponto_counter_add(server->refused, a->status >= 400);
}

static void job_done(void *arg)
{
	struct job *job = arg;
	struct dist_server *server = job->server;

	if (job->answer.status == 301)
		redirect(job);
	if (job->answer.wish)
		dist_hashing_want(server->hashing, job->folder->path, job->ask.path, job->answer.wish);
	if (job->request) {
		job->request->user = NULL;
		count(job);
		if (respond(job) != PONTO_OK)
			dist_refuse_request(server, job->listener, job->request, 503);
	}
	job_free(job);
	dist_check_stopped(server->dist);
}

static const char *copy(char **to, const char *text)
{
	char *at = *to;

	if (!text)
		return NULL;
	*to = stpcpy(at, text) + 1;
	return at;
}

static int ks(void *arg, enum content_algo algo, uint8_t out[CONTENT_HASH_MAX])
{
	return dist_secret_ks(arg, algo, out);
}

static struct job *job_new(struct dist_server *server, struct ponto_http_request *request, const char *rest)
{
	static const char *const names[] = {"If-Match",		   "If-None-Match", "If-Modified-Since",
					    "If-Unmodified-Since", "If-Range",	    "Range"};
	const char *values[PONTO_ARRAY_SIZE(names)];
	size_t size = strlen(rest) + strlen(request->target) + 2;
	struct job *job;
	char *text;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		values[i] = ponto_http_find(request->headers, request->header_count, names[i]);
		size += values[i] ? strlen(values[i]) + 1 : 0;
	}
	job = ponto_new(server->dist->env->alloc, 1, sizeof(*job) + size);
	if (!job)
		return NULL;
	text = job->text;
	job->ask.path = copy(&text, rest);
	job->target = text;
	(void)copy(&text, request->target);
	job->ask.conditions = (struct dist_conditions){
		.if_match = copy(&text, values[0]),
		.if_none_match = copy(&text, values[1]),
		.if_modified_since = copy(&text, values[2]),
		.if_unmodified_since = copy(&text, values[3]),
		.if_range = copy(&text, values[4]),
	};
	job->ask.range = copy(&text, values[5]);
	job->ask.get = strcmp(request->method, "GET") == 0;
	for (size_t i = 0; i < request->header_count; i++)
		content_coding_header(&job->ask.coding, request->headers[i].name, request->headers[i].value);
	return job;
}

static void take(struct dist_server *server, struct ponto_http_listener *listener, struct ponto_http_request *request,
		 struct dist_folder *folder, const char *rest)
{
	const struct ponto_env *env = server->dist->env;
	struct job *job = job_new(server, request, rest);

	if (!job) {
		dist_refuse_request(server, listener, request, 503);
		return;
	}
	job->waiter.gone = job_gone;
	job->server = server;
	job->listener = listener;
	job->request = request;
	job->folder = folder;
	job->answer.fd = -1;
	job->house = (struct dist_house){
		.folder = folder->fd,
		.mime = server->mime,
		.hashes = dist_hashing_kept(server->hashing),
		.algo = server->algo,
		.v2 = server->v2,
		.ks = ks,
		.ks_arg = server->dist->secret,
		.now = (int64_t)(ponto_wall(env->clock) / PONTO_SECOND),
	};
	dist_folder_use(folder);
	job->next = server->jobs;
	job->link = &server->jobs;
	if (job->next)
		job->next->link = &job->next;
	server->jobs = job;
	server->job_count++;
	request->user = &job->waiter;
	if (ponto_pool_submit(server->dist->pool, env->loop, job_run, job_done, job) != PONTO_OK) {
		request->user = NULL;
		job_free(job);
		dist_refuse_request(server, listener, request, 503);
	}
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool is_read(const struct ponto_http_request *request)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* A folder asked for without its slash; the prefix is all of its path. */
static void add_slash(struct dist_server *server, struct ponto_http_listener *listener,
		      struct ponto_http_request *request)
{
	char location[PONTO_HTTP_TARGET_MAX + 2];
	struct ponto_http_header header = {"Location", location};
	struct ponto_http_response response = {.status = 301, .headers = &header, .header_count = 1};
	size_t path = strcspn(request->target, "?#");

	snprintf(location, sizeof(location), "%.*s/%s", (int)path, request->target, request->target + path);
	if (ponto_http_respond(server->dist->http, listener, request, &response) != PONTO_OK)
		dist_refuse_request(server, listener, request, 503);
}

static void on_request(void *arg, struct ponto_http_request *request)
{
	struct dist_listener *place = arg;
	struct dist_server *server = place->server;
	char path[DIST_PATH_MAX];
	const char *rest;
	struct dist_folder *folder;
	int result = dist_path(request->target, path);

	ponto_counter_add(server->requests, 1);
	folder = result == PONTO_OK ? dist_folders_match(&server->folders, path, &rest) : NULL;
	if (folder && !is_read(request))
		dist_refuse_request(server, place->listener, request, 405);
	else if (folder && !rest)
		add_slash(server, place->listener, request);
	else if (folder)
		take(server, place->listener, request, folder, rest);
	else if (server->relay) /* also what is no path to us */
		dist_relay_take(server->relay, place->listener, request);
	else
		dist_refuse_request(server, place->listener, request,
				    result == PONTO_OK	     ? 404
				    : result == PONTO_ELIMIT ? 414
							     : 400);
}

static void on_gone(void *arg, struct ponto_http_request *request)
{
	struct dist_waiter *waiter = request->user;

	(void)arg;
	if (waiter)
		waiter->gone(waiter);
}

/* ---- life ------------------------------------------------------------------------------------- */

static int listen_at(struct dist_server *server, const char *text)
{
	static const struct ponto_http_events events = {.request = on_request, .gone = on_gone};
	struct dist *dist = server->dist;
	struct dist_listener *place = &server->places[server->place_count];
	const char *certificate = ponto_conf_string(dist->conf, "certificate"), *key = ponto_conf_string(dist->conf, "key");
	struct ponto_http_listen listen = {
		.body_limit = server->relay ? (size_t)ponto_conf_int(dist->conf, "body_limit") * MIB : DIST_BODY_LIMIT,
		.certificate_file = *certificate ? certificate : NULL,
		.key_file = *key ? key : NULL,
	};
	int result = ponto_addr_parse(text, 0, &listen.local);

	if (result == PONTO_OK) {
		place->server = server;
		result = ponto_http_listen(dist->http, dist->env->loop, &listen, &events, place, &place->listener);
	}
	if (result != PONTO_OK) {
		ponto_error(dist->env->log, TOPIC, "no content server on %s: %s", text, ponto_strerror(result));
		return result;
	}
	server->place_count++;
	ponto_http_local(dist->http, place->listener, &place->addr);
	return PONTO_OK;
}

static int publish_configured(struct dist_server *server)
{
	char text[2 * DIST_PATH_MAX], reason[DIST_FOLDER_REASON];
	struct dist_folder *folder;

	for (const char *const *item = ponto_conf_list(server->dist->conf, "publish"); *item; item++) {
		const char *path, *prefix;
		int result = dist_folder_parse(*item, text, sizeof(text), &path, &prefix);

		snprintf(reason, sizeof(reason), "not PREFIX=FOLDER with an absolute path");
		if (result == PONTO_OK)
			result = dist_folders_add(&server->folders, path, prefix, true, &folder, reason);
		if (result != PONTO_OK) {
			ponto_error(server->dist->env->log, TOPIC, "publish \"%s\": %s", *item, reason);
			return result;
		}
	}
	return PONTO_OK;
}

static void make_metrics(struct dist_server *server)
{
	struct ponto_metrics *m = server->dist->env->metrics;
	const char *instance = server->dist->env->instance;

	server->requests = ponto_counter(m, "dist_requests_total", instance, "Requests to the content server");
	server->refused = ponto_counter(m, "dist_refused_total", instance, "Requests that it answered with an error");
	server->plain = ponto_counter(m, "dist_plain_total", instance, "Contents sent as they are");
	server->encoded = ponto_counter(m, "dist_encoded_total", instance, "Contents sent as Content Information");
}

static enum content_algo chosen_algo(const char *name)
{
	return strcmp(name, "sha512") == 0   ? CONTENT_SHA512
	       : strcmp(name, "sha384") == 0 ? CONTENT_SHA384
					     : CONTENT_SHA256;
}

static int build(struct dist_server *server)
{
	struct dist *dist = server->dist;
	int result = dist_mime_load(dist->env->alloc, "/etc/mime.types", &server->mime);

	if (result == PONTO_OK)
		result = dist_relay_open(server, &server->relay);
	if (result == PONTO_OK)
		result = publish_configured(server);
	for (const char *const *item = ponto_conf_list(dist->conf, "listen"); *item && result == PONTO_OK; item++) {
		if (server->place_count == DIST_LISTENERS_MAX) {
			ponto_error(dist->env->log, TOPIC, "more than %d addresses to listen on", DIST_LISTENERS_MAX);
			return PONTO_ELIMIT;
		}
		result = listen_at(server, *item);
	}
	/* Last: from here on workers know the server. */
	if (result == PONTO_OK)
		result = dist_hashing_create(dist, &server->hashing);
	if (result == PONTO_OK)
		dist_publish_load(server);
	return result;
}

int dist_server_open(struct dist *dist, struct dist_server **out)
{
	struct dist_server *server = ponto_new(dist->env->alloc, 1, sizeof(*server));
	int result;

	if (!server)
		return PONTO_ENOMEM;
	server->dist = dist;
	server->folders.alloc = dist->env->alloc;
	server->algo = chosen_algo(ponto_conf_string(dist->conf, "algorithm"));
	server->v2 = strcmp(ponto_conf_string(dist->conf, "information"), "2.0") == 0;
	make_metrics(server);
	result = build(server);
	if (result != PONTO_OK) {
		dist_server_stop(server);
		dist_server_close(server);
		return result;
	}
	*out = server;
	return PONTO_OK;
}

void dist_server_stop(struct dist_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->place_count; i++)
		ponto_http_unlisten(server->dist->http, server->places[i].listener);
	server->place_count = 0;
	for (struct job *job = server->jobs; job; job = job->next)
		job->request = NULL;
	dist_relay_stop(server->relay);
	dist_hashing_stop(server->hashing);
}

bool dist_server_idle(const struct dist_server *server)
{
	return !server || (server->job_count == 0 && server->store_jobs == 0 && dist_relay_idle(server->relay) &&
			   dist_hashing_idle(server->hashing));
}

void dist_server_close(struct dist_server *server)
{
	if (!server)
		return;
	dist_relay_close(server->relay);
	dist_hashing_destroy(server->hashing);
	dist_folders_clear(&server->folders);
	dist_mime_free(server->mime);
	ponto_free(server->dist->env->alloc, server);
}
