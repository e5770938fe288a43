#include "plugins/service-dist/dist_relay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/service-dist/dist_queue.h"
#include "plugins/service-dist/dist_relay_head.h"
#include "plugins/service-dist/dist_tee.h"

#define TOPIC "service.dist.relay"
#define SEEN 4096			     /* names remembered to have hashes */
#define WHOLE (7 * 24 * 3600 * PONTO_SECOND) /* that an exchange may take which does not stall */
#define UPLOAD_RATE 65536u /* bytes a second that the origin takes a request's body with, at the least */

struct exchange {
	struct dist_waiter waiter;
	struct dist_relay *relay;
	struct exchange *next, **link;
	struct ponto_http_listener *listener;
	struct ponto_http_request *request; /* until its client left or its answer was released */
	struct ponto_http_transfer *transfer;
	struct ponto_timer *late; /* for the answer's head */
	bool asking, describing;  /* transfer is a HEAD; a worker is at it */
	bool streaming;		  /* answered; the release is owed */
	uint64_t left;		  /* bytes of the body that the origin owes; PONTO_HTTP_CHUNKED: it will tell */
	_Atomic unsigned posted;  /* calls of go_on under way */
	struct dist_queue queue;
	struct dist_tee *tee; /* of entity */
	/* What PeerDist needs to know, when it is wanted: */
	bool wants;
	uint64_t name; /* of what is asked for */
	struct dist_ask ask;
	struct dist_house house;
	enum content_algo algo; /* of hashes that are to be made */
	bool matched;		/* fields are those of a HEAD's answer, */
	struct dist_fields fields;
	struct dist_relay_entity entity; /* and this its entity; later the body's */
	struct dist_answer answer;
	struct dist_relay_target target; /* views into request */
	char *url;
	char text[];
};

struct dist_relay {
	struct dist_server *server;
	const char *origin, *ca_file;
	uint64_t timeout;
	struct exchange *exchanges;
	uint64_t seen[SEEN];
	struct ponto_counter *relayed, *failed, *hashed, *hash_failures;
};

static const struct ponto_env *env_of(const struct exchange *x)
{
	return x->relay->server->dist->env;
}

static struct ponto_http http_of(const struct exchange *x)
{
	return x->relay->server->dist->http;
}

/* ---- names that have hashes, as far as is remembered ----------------------------------------- */

static bool seen(const struct dist_relay *relay, uint64_t name)
{
	return relay->seen[name % SEEN] == name;
}

static void remember(struct dist_relay *relay, uint64_t name)
{
	relay->seen[name % SEEN] = name;
}

static void forget(struct dist_relay *relay, uint64_t name)
{
	if (seen(relay, name))
		relay->seen[name % SEEN] = 0;
}

/* ---- an exchange's end -------------------------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
	struct dist_relay *relay = x->relay;

	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	ponto_timer_destroy(env_of(x)->loop, x->late);
	dist_queue_clear(&x->queue);
	dist_fields_clear(&x->fields);
	if (x->answer.fd >= 0)
		close(x->answer.fd);
	ponto_free(relay->server->dist->env->alloc, x);
}

/* Whether nobody calls it any more; x is gone then. */
static void check_over(struct exchange *x)
{
	struct dist *dist = x->relay->server->dist;

	if (x->request || x->streaming || x->transfer || x->tee || x->describing || x->posted > 0)
		return;
	exchange_free(x);
	dist_check_stopped(dist);
}

static void end_transfer(struct exchange *x)
{
	ponto_http_cancel(http_of(x), x->transfer);
	x->transfer = NULL;
	ponto_timer_set(env_of(x)->loop, x->late, PONTO_NEVER);
}

static void end_tee(struct exchange *x, bool whole)
{
	if (x->tee)
		dist_tee_end(x->tee, whole);
}

/* The last that is done with x. */
static void refuse(struct exchange *x, unsigned status)
{
	struct ponto_http_request *request = x->request;

	x->request = NULL;
	request->user = NULL;
	ponto_counter_add(x->relay->failed, 1);
	dist_refuse_request(x->relay->server, x->listener, request, status);
	check_over(x);
}

static void gone(struct dist_waiter *waiter)
{
	struct exchange *x = (struct exchange *)waiter;

	x->request = NULL;
	if (x->transfer)
		end_transfer(x);
	check_over(x);
}

/* ---- the body, from the origin to the client ------------------------------------------------------- */

/* The queue has room again. */
static void go_on(void *arg)
{
	struct exchange *x = arg;

	x->posted--;
	if (x->transfer)
		ponto_http_transfer_resume(http_of(x), x->transfer);
	check_over(x);
}

static int64_t fill(void *arg, uint64_t offset, uint8_t *out, size_t cap)
{
	struct exchange *x = arg;
	bool more;
	int64_t n = dist_queue_take(&x->queue, out, cap, &more);

	(void)offset;
	if (!more)
		return n;
	x->posted++;
	if (ponto_loop_post(env_of(x)->loop, go_on, x) == PONTO_OK)
		return n;
	x->posted--;
	dist_queue_untold(&x->queue);
	return n == PONTO_EBUSY ? PONTO_ENOMEM : n; /* nobody would ever wake it */
}

static void room(void *arg)
{
	struct exchange *x = arg;

	if (x->transfer)
		ponto_http_transfer_resume(http_of(x), x->transfer);
}

static void hashed(void *arg, int result)
{
	struct exchange *x = arg;

	x->tee = NULL;
	if (result == PONTO_OK || result == PONTO_EEXIST)
		remember(x->relay, x->name);
	if (result == PONTO_OK) {
		ponto_counter_add(x->relay->hashed, 1);
	} else if (result != PONTO_EEXIST && result != PONTO_ECLOSED) {
		ponto_counter_add(x->relay->hash_failures, 1);
		ponto_warning(env_of(x)->log, TOPIC, "hashes of an entity are not kept: %s", ponto_strerror(result));
	}
	check_over(x);
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct exchange *x = arg;
	bool wake;
	int result;

	if (x->asking)
		return PONTO_OK;
	if (x->tee && !dist_tee_ready(x->tee))
		return PONTO_EBUSY;
	result = dist_queue_put(&x->queue, data, &wake);
	if (result != PONTO_OK)
		return result;
	if (x->left != PONTO_HTTP_CHUNKED)
		x->left -= data.len < x->left ? data.len : x->left;
	if (x->tee)
		dist_tee_put(x->tee, data);
	if (wake)
		ponto_http_resume(http_of(x), x->listener, x->request);
	return PONTO_OK;
}

/* The client has it all, or left. What the origin has sent whole by then is still hashed. */
static void released(void *arg)
{
	struct exchange *x = arg;

	x->request = NULL;
	x->streaming = false;
	if (x->transfer && x->left > 0) {
		end_transfer(x);
		end_tee(x, false);
	}
	check_over(x);
}

/* ---- the answer ---------------------------------------------------------------------------------------- */

static bool is_made(const struct dist_relay *relay, const struct dist_file *file, enum content_algo algo)
{
	for (const struct exchange *x = relay->exchanges; x; x = x->next) {
		if (x->tee && x->algo == algo && memcmp(&x->entity.file, file, sizeof(*file)) == 0)
			return true;
	}
	return false;
}

static void hash_in_passing(struct exchange *x, const struct dist_relay_entity *entity)
{
	struct dist *dist = x->relay->server->dist;
	struct dist_tee_setup setup = {
		.alloc = dist->env->alloc,
		.loop = dist->env->loop,
		.pool = dist->pool,
		.hashes = dist_hashing_kept(x->relay->server->hashing),
		.file = entity->file,
		.algo = x->algo,
		.room = room,
		.done = hashed,
		.arg = x,
	};

	if (!setup.hashes || is_made(x->relay, &entity->file, x->algo))
		return;
	x->entity.file = entity->file;
	if (dist_tee_open(&setup, &x->tee) != PONTO_OK)
		ponto_counter_add(x->relay->hash_failures, 1);
}

static struct dist_relay_name name_of(const struct exchange *x)
{
	return (struct dist_relay_name){x->relay->origin, &x->target};
}

static bool entity_of(const struct exchange *x, unsigned status, const struct ponto_http_header *headers, size_t count,
		      struct dist_relay_entity *out)
{
	struct dist_relay_name name = name_of(x);
	const struct ponto_http_request *q = x->request;

	return x->wants && status == 200 &&
	       dist_relay_entity(&name, headers, count,
				 ponto_http_find(q->headers, q->header_count, "Authorization") != NULL, out);
}

static void invite(const struct exchange *x, struct dist_fields *fields)
{
	char params[CONTENT_PARAMS_TEXT], params_ex[CONTENT_PARAMS_TEXT];

	content_answer_params(&x->ask.coding, CONTENT_ANSWER_MAKE, 0, params, params_ex);
	if (*params)
		dist_fields_add(fields, CONTENT_PARAMS, params);
	if (*params_ex)
		dist_fields_add(fields, CONTENT_PARAMS_EX, params_ex);
}

static int respond(struct exchange *x, unsigned status, uint64_t length, const struct dist_fields *fields)
{
	struct ponto_http_response response = {
		.status = (uint16_t)status,
		.source = length == 0 ? PONTO_HTTP_NOTHING : PONTO_HTTP_STREAM,
		.headers = fields->list,
		.header_count = fields->count,
		.length = length,
		.body = fill,
		.arg = x,
		.release = released,
	};
	int result;

	x->streaming = true;
	result = ponto_http_respond(http_of(x), x->listener, x->request, &response);
	x->streaming = result == PONTO_OK;
	return result;
}

static void answer(struct exchange *x, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	const char *method = x->request->method;
	struct dist_fields fields = {0};
	struct dist_relay_entity entity;
	bool eligible = entity_of(x, status, headers, count, &entity);
	uint64_t length;
	int result = dist_relay_length(headers, count, &length);

	if (result == PONTO_OK)
		result = dist_relay_answer_fields(env_of(x)->alloc, headers, count, false,
						  eligible ? CONTENT_VARY : NULL, &fields);
	if (result == PONTO_OK && eligible)
		invite(x, &fields);
	if (result == PONTO_OK) {
		x->left = strcmp(method, "HEAD") == 0 || status == 204 || status == 304 ? 0 : length;
		x->request->user = NULL;
		result = respond(x, status, length, &fields);
	}
	dist_fields_clear(&fields);
	if (result != PONTO_OK) {
		end_transfer(x);
		refuse(x, result == PONTO_ENOMEM ? 503 : 502);
		return;
	}
	ponto_counter_add(x->relay->relayed, 1);
	if (eligible)
		hash_in_passing(x, &entity);
}

static unsigned status_of(int result)
{
	switch (result) {
	case PONTO_ETIME:
		return 504;
	case PONTO_EBUSY:
	case PONTO_ENOMEM:
		return 503;
	default:
		return 502;
	}
}

static void asked(struct exchange *x, int result);

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct exchange *x = arg;

	if (!x->asking) {
		ponto_timer_set(env_of(x)->loop, x->late, PONTO_NEVER);
		answer(x, status, headers, count);
		return;
	}
	x->matched =
		entity_of(x, status, headers, count, &x->entity) &&
		dist_relay_answer_fields(env_of(x)->alloc, headers, count, true, CONTENT_VARY, &x->fields) == PONTO_OK;
	/* Its tag lives as long as it does. */
	if (x->matched)
		x->entity.etag = *x->entity.etag ? ponto_http_find(x->fields.list, x->fields.count, "ETag") : "";
}

static void on_done(void *arg, int result)
{
	struct exchange *x = arg;

	x->transfer = NULL;
	ponto_timer_set(env_of(x)->loop, x->late, PONTO_NEVER);
	if (x->asking) {
		asked(x, result);
	} else if (x->request && !x->streaming) {
		refuse(x, status_of(result));
	} else {
		if (dist_queue_end(&x->queue, result == PONTO_OK ? 0 : PONTO_EIO) && x->request)
			ponto_http_resume(http_of(x), x->listener, x->request);
		end_tee(x, result == PONTO_OK);
		check_over(x);
	}
}

static void on_late(void *arg)
{
	struct exchange *x = arg;

	end_transfer(x);
	refuse(x, 504);
}

/* ---- asking the origin ------------------------------------------------------------------------------------- */

static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};

/* What the request is to blame for, and what the origin. */
static unsigned status_of_start(int result)
{
	return result == PONTO_EINVAL ? 400 : result == PONTO_ELIMIT ? 431 : status_of(result);
}

/* The request goes on as it is; ask: by HEAD, for all of the entity. */
static void start(struct exchange *x, bool ask)
{
	const struct dist_relay *relay = x->relay;
	struct ponto_http_fetch fetch = {
		.method = ask ? "HEAD" : x->request->method,
		.url = x->url,
		.body = x->request->body,
		.ca_file = relay->ca_file,
		.timeout = WHOLE,
		.connect_timeout = relay->timeout,
		.stall_timeout = relay->timeout,
		.answer_limit = UINT64_MAX,
	};
	struct dist_fields fields = {0};
	int result = dist_relay_request_fields(env_of(x)->alloc, x->request, &x->target, ask, &fields);

	if (ask)
		fetch.body = ponto_bytes(NULL, 0);
	if (result == PONTO_OK) {
		fetch.headers = fields.list;
		fetch.header_count = fields.count;
		result = ponto_http_fetch(http_of(x), env_of(x)->loop, &fetch, &events, x, &x->transfer);
	}
	dist_fields_clear(&fields);
	if (result != PONTO_OK) {
		refuse(x, status_of_start(result));
		return;
	}
	x->asking = ask;
	ponto_timer_set(env_of(x)->loop, x->late,
			ponto_loop_now(env_of(x)->loop) + relay->timeout + fetch.body.len * PONTO_SECOND / UPLOAD_RATE);
}

/* ---- Content Information -------------------------------------------------------------------------------------- */

static void describe_run(void *arg)
{
	struct exchange *x = arg;
	struct dist_validators validators = {
		.etag = x->entity.etag,
		.modified = x->entity.modified,
		.now = x->house.now,
	};

	x->answer.file = x->entity.file;
	dist_file_describe(&x->house, &x->ask, &validators, &x->answer);
}

/* Takes the descriptor. */
static int respond_described(struct exchange *x)
{
	struct dist_answer *a = &x->answer;
	struct ponto_http_response response = {
		.status = (uint16_t)a->status,
		.source = PONTO_HTTP_FILE,
		.fd = a->fd,
		.offset = a->offset,
		.length = a->length,
	};

	for (size_t i = 0; i < a->header_count; i++)
		dist_fields_add(&x->fields, a->headers[i].name, a->headers[i].value);
	response.headers = x->fields.list;
	response.header_count = x->fields.count;
	a->fd = -1;
	return ponto_http_respond(http_of(x), x->listener, x->request, &response);
}

static void described(void *arg)
{
	struct exchange *x = arg;
	struct ponto_http_request *request = x->request;

	x->describing = false;
	if (!request) {
		check_over(x);
	} else if (!x->answer.encoded || (x->answer.wish && !x->ask.range)) {
		/* Version 1.0 for who would have 2.0: its hashes are made of the content, once more as it is. */
		if (!x->answer.encoded && x->answer.wish)
			forget(x->relay, x->name);
		start(x, false);
	} else {
		request->user = NULL;
		if (respond_described(x) != PONTO_OK) {
			refuse(x, 503);
			return;
		}
		ponto_counter_add(x->relay->server->encoded, 1);
		x->request = NULL;
		check_over(x);
	}
}

/* Only an origin that says that this client may have this very entity has anything described; with anything else, how
 * it answers the request itself is what counts. */
static void asked(struct exchange *x, int result)
{
	const struct dist_server *server = x->relay->server;

	x->asking = false;
	x->house.hashes = dist_hashing_kept(server->hashing);
	if (result == PONTO_ETIME || result == PONTO_EUNREACH || result == PONTO_EAUTH) {
		refuse(x, status_of(result));
		return;
	}
	x->describing = result == PONTO_OK && x->matched && x->house.hashes &&
			ponto_pool_submit(server->dist->pool, env_of(x)->loop, describe_run, described, x) == PONTO_OK;
	if (!x->describing)
		start(x, false);
}

static int ks(void *arg, enum content_algo algo, uint8_t out[CONTENT_HASH_MAX])
{
	return dist_secret_ks(arg, algo, out);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static bool wants_peerdist(const struct exchange *x)
{
	static const struct content_answerable none = {.get = true, .validator = true};

	return x->ask.get && content_answer(&x->ask.coding, &none) == CONTENT_ANSWER_MAKE;
}

static char *copy(char **to, const char *text)
{
	char *at = *to;

	if (!text)
		return NULL;
	*to = stpcpy(at, text) + 1;
	return at;
}

/* What is needed when the client may have left. */
static void keep_question(struct exchange *x, char *text, const char *range, const char *if_range)
{
	const struct dist_server *server = x->relay->server;
	const struct ponto_http_request *request = x->request;
	struct dist_relay_name name = name_of(x);

	x->ask.get = strcmp(request->method, "GET") == 0;
	x->ask.range = copy(&text, range);
	x->ask.conditions.if_range = copy(&text, if_range);
	for (size_t i = 0; i < request->header_count; i++)
		content_coding_header(&x->ask.coding, request->headers[i].name, request->headers[i].value);
	x->wants = wants_peerdist(x);
	x->name = x->wants ? dist_relay_name_hash(&name) : 0;
	x->algo = dist_file_wish(&x->ask.coding, server->algo, server->v2);
	x->house = (struct dist_house){
		.folder = -1,
		.algo = server->algo,
		.v2 = server->v2,
		.ks = ks,
		.ks_arg = server->dist->secret,
		.now = (int64_t)(ponto_wall(server->dist->env->clock) / PONTO_SECOND),
	};
}

static struct exchange *exchange_new(struct dist_relay *relay, struct ponto_http_listener *listener,
				     struct ponto_http_request *request, const struct dist_relay_target *target)
{
	const struct ponto_env *env = relay->server->dist->env;
	const char *range = ponto_http_find(request->headers, request->header_count, "Range");
	const char *if_range = ponto_http_find(request->headers, request->header_count, "If-Range");
	size_t url = strlen(relay->origin) + strlen(target->path) + 2;
	size_t size = url + (range ? strlen(range) + 1 : 0) + (if_range ? strlen(if_range) + 1 : 0);
	struct exchange *x = ponto_new(env->alloc, 1, sizeof(*x) + size);

	if (!x)
		return NULL;
	x->relay = relay;
	if (ponto_timer_create(env->loop, on_late, x, &x->late) != PONTO_OK) {
		ponto_free(env->alloc, x);
		return NULL;
	}
	x->waiter.gone = gone;
	x->listener = listener;
	x->request = request;
	x->target = *target;
	x->answer.fd = -1;
	x->left = PONTO_HTTP_CHUNKED;
	dist_queue_init(&x->queue, env->alloc);
	x->url = x->text;
	snprintf(x->url, url, "%s%s%s", relay->origin, *target->path == '/' ? "" : "/", target->path);
	keep_question(x, x->text + url, range, if_range);
	x->next = relay->exchanges;
	x->link = &relay->exchanges;
	if (x->next)
		x->next->link = &x->next;
	relay->exchanges = x;
	return x;
}

void dist_relay_take(struct dist_relay *relay, struct ponto_http_listener *listener, struct ponto_http_request *request)
{
	struct dist_relay_target target;
	struct exchange *x = NULL;
	int result = dist_relay_target(request, &target);

	if (result == PONTO_OK && strlen(relay->origin) + strlen(target.path) + 1 > PONTO_HTTP_TARGET_MAX)
		result = PONTO_ELIMIT;
	if (result == PONTO_OK) {
		x = exchange_new(relay, listener, request, &target);
		result = x ? PONTO_OK : PONTO_ENOMEM;
	}
	if (result != PONTO_OK) {
		dist_refuse_request(relay->server, listener, request,
				    result == PONTO_EINVAL    ? 400
				    : result == PONTO_ELIMIT  ? 414
				    : result == PONTO_ENOTSUP ? 501
							      : 503);
		return;
	}
	request->user = &x->waiter;
	start(x, x->wants && (x->ask.coding.hash_request || seen(relay, x->name)));
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

int dist_relay_open(struct dist_server *server, struct dist_relay **out)
{
	const struct ponto_env *env = server->dist->env;
	const char *origin = ponto_conf_string(env->conf, "origin"),
		   *ca_file = ponto_conf_string(env->conf, "origin_ca");
	struct dist_relay *relay;

	if (!*origin)
		return PONTO_OK;
	relay = ponto_new(env->alloc, 1, sizeof(*relay));
	if (!relay)
		return PONTO_ENOMEM;
	relay->server = server;
	relay->origin = origin;
	relay->ca_file = *ca_file ? ca_file : NULL;
	relay->timeout = (uint64_t)ponto_conf_int(env->conf, "relay_timeout") * PONTO_MS;
	relay->relayed =
		ponto_counter(env->metrics, "dist_relayed_total", env->instance, "Answers of the origin passed on");
	relay->failed = ponto_counter(env->metrics, "dist_relay_failures_total", env->instance,
				      "Requests that the origin gave no answer to");
	relay->hashed = ponto_counter(env->metrics, "dist_relay_hashed_total", env->instance,
				      "Entities of the origin hashed in passing");
	relay->hash_failures = ponto_counter(env->metrics, "dist_relay_hash_failures_total", env->instance,
					     "Those whose hashes could not be kept");
	*out = relay;
	return PONTO_OK;
}

void dist_relay_stop(struct dist_relay *relay)
{
	struct exchange *next;

	for (struct exchange *x = relay ? relay->exchanges : NULL; x; x = next) {
		next = x->next;
		x->request = NULL; /* went with the listener */
		if (x->transfer)
			end_transfer(x);
		end_tee(x, false);
		check_over(x);
	}
}

bool dist_relay_idle(const struct dist_relay *relay)
{
	return !relay || !relay->exchanges;
}

void dist_relay_close(struct dist_relay *relay)
{
	if (relay)
		ponto_free(relay->server->dist->env->alloc, relay);
}
