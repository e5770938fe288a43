/* Programs of peerdist.h: users, handles, the state of the service. */
#include "plugins/service-dist/dist_api.h"

#include <string.h>

#define STATE_LOOK (100 * PONTO_MS)  /* how often it is looked at while somebody waits for another one */
#define STATE_EARLY (500 * PONTO_MS) /* so much before the caller's time is up he is answered */

struct dist_api_wait {
	struct dist_api_wait *next;
	struct ponto_call *call;
	uint32_t unlike;
	uint64_t program;
};

/* ---- users ----------------------------------------------------------------------------------- */

struct dist_api_user *dist_api_user(struct dist_api *api, struct ponto_call *call)
{
	struct dist_api_user *user = api->users;

	if (!api->on) {
		ponto_refuse(call, PONTO_EACCES, "option 'programs' keeps programs out");
		return NULL;
	}
	while (user && user->uid != call->uid)
		user = user->next;
	if (!user) {
		user = ponto_new(api->dist->env->alloc, 1, sizeof(*user));
		if (!user) {
			ponto_refuse(call, PONTO_ENOMEM, NULL);
			return NULL;
		}
		user->uid = call->uid;
		user->next = api->users;
		api->users = user;
	}
	user->refs++;
	return user;
}

void dist_api_user_unref(struct dist_api *api, struct dist_api_user *user)
{
	struct dist_api_user **at = &api->users;

	if (--user->refs > 0)
		return;
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	ponto_free(api->dist->env->alloc, user);
}

int dist_api_count(struct dist_api *api, struct dist_api_user *user, size_t bytes)
{
	if (bytes > api->limit || user->bytes > api->limit - bytes)
		return PONTO_ELIMIT;
	user->bytes += bytes;
	return PONTO_OK;
}

void dist_api_uncount(struct dist_api_user *user, size_t bytes)
{
	user->bytes -= bytes;
}

/* ---- handles ----------------------------------------------------------------------------------- */

static unsigned handles_of(const struct dist_api *api, uint64_t program)
{
	unsigned count = 0;

	for (const struct dist_api_handle *h = api->handles; h; h = h->next)
		count += h->program == program && !h->closing;
	return count;
}

void *dist_api_handle_new(struct dist_api *api, struct ponto_call *call, enum dist_api_kind kind, size_t size,
			  uint64_t instance)
{
	struct dist_api_user *user = dist_api_user(api, call);
	struct dist_api_handle *handle = NULL;
	int result = PONTO_OK;

	if (!user)
		return NULL;
	if (user->handles >= DIST_API_USER_HANDLES || handles_of(api, call->client) >= DIST_API_PROGRAM_HANDLES)
		result = PONTO_ELIMIT;
	else if (!(handle = ponto_new(api->dist->env->alloc, 1, size)))
		result = PONTO_ENOMEM;
	if (result != PONTO_OK) {
		dist_api_user_unref(api, user);
		ponto_refuse(call, result, "%s",
			     result == PONTO_ELIMIT ? "too many handles are open" : ponto_strerror(result));
		return NULL;
	}
	handle->api = api;
	handle->user = user;
	handle->number = api->next_number++;
	handle->program = call->client;
	handle->instance = instance;
	handle->kind = (uint8_t)kind;
	handle->next = api->handles;
	api->handles = handle;
	user->handles++;
	return handle;
}

void *dist_api_handle_get(struct dist_api *api, struct ponto_call *call, enum dist_api_kind kind, uint64_t number)
{
	struct dist_api_handle *h = api->handles;

	while (h && (h->number != number || h->closing || h->program != call->client || h->kind != kind))
		h = h->next;
	if (!h)
		ponto_refuse(call, PONTO_ENOENT, "no such handle of this program");
	return h;
}

/* When nothing is under way for it. */
static void free_closed(struct dist_api_handle *handle)
{
	struct dist_api *api = handle->api;
	struct dist_api_handle **at = &api->handles;

	if (!handle->closing || handle->jobs > 0)
		return;
	while (*at != handle)
		at = &(*at)->next;
	*at = handle->next;
	if (handle->kind == DIST_API_STREAM)
		dist_api_stream_free(handle);
	else if (handle->kind == DIST_API_INFO)
		dist_api_info_free(handle);
	else
		dist_api_content_free(handle);
	handle->user->handles--;
	dist_api_user_unref(api, handle->user);
	ponto_free(api->dist->env->alloc, handle);
}

void dist_api_handle_close(struct dist_api_handle *handle)
{
	if (handle->closing)
		return;
	handle->jobs++; /* it stays until this is done */
	handle->closing = true;
	if (handle->kind == DIST_API_STREAM)
		dist_api_stream_closed(handle);
	else if (handle->kind == DIST_API_CONTENT)
		dist_api_content_closed(handle);
	handle->jobs--;
	free_closed(handle);
}

void dist_api_handle_done(struct dist_api_handle *handle)
{
	struct dist_api *api = handle->api;

	handle->jobs--;
	free_closed(handle);
	if (api->stopping)
		dist_check_stopped(api->dist);
}

void dist_api_work(struct dist_api *api, ponto_loop_fn *run, ponto_loop_fn *done, void *arg)
{
	if (ponto_pool_submit(api->dist->pool, api->dist->env->loop, run, done, arg) == PONTO_OK)
		return;
	run(arg);
	done(arg);
}

void dist_api_done(struct ponto_call *call, struct dist_api *api)
{
	static const Ponto__Dist__V1__DoneReply reply = PONTO__DIST__V1__DONE_REPLY__INIT;

	ponto_answer(api->dist->env->alloc, call, &reply.base);
}

void dist_api_answer_handle(struct ponto_call *call, struct dist_api *api, uint64_t number)
{
	Ponto__Dist__V1__HandleReply reply = PONTO__DIST__V1__HANDLE_REPLY__INIT;

	reply.handle = number;
	ponto_answer(api->dist->env->alloc, call, &reply.base);
}

/* Those of a program, or of one instance of it. */
static void end_all(struct dist_api *api, uint64_t program, const uint64_t *instance)
{
	struct dist_api_handle *handle = api->handles;

	while (handle) {
		if (!handle->closing && handle->program == program && (!instance || handle->instance == *instance)) {
			dist_api_handle_close(handle);
			handle = api->handles; /* others may have gone with it */
		} else {
			handle = handle->next;
		}
	}
	for (struct dist_api_publication *p = api->publications, *next; p; p = next) {
		next = p->next;
		if (p->program == program && (!instance || p->instance == *instance))
			dist_api_publication_drop(api, p);
	}
}

void dist_api_call_close(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	uint64_t number = ((const Ponto__Dist__V1__CloseRequest *)request)->handle;
	struct dist_api_handle *h = dist->api->handles;

	while (h && (h->number != number || h->closing || h->program != call->client))
		h = h->next;
	if (!h) {
		ponto_refuse(call, PONTO_ENOENT, "no such handle of this program");
		return;
	}
	dist_api_handle_close(h);
	dist_api_done(call, dist->api);
}

void dist_api_call_end_instance(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	uint64_t instance = ((const Ponto__Dist__V1__EndInstanceRequest *)request)->instance;

	end_all(dist->api, call->client, &instance);
	dist_api_done(call, dist->api);
}

/* ---- the state ----------------------------------------------------------------------------------- */

enum { STATE_OFF, STATE_UNREADY, STATE_READY };

static uint32_t state_of(const struct dist_api *api)
{
	uint8_t ks[CONTENT_HASH_MAX];
	bool ready = api->dist->cached && dist_secret_ks(api->dist->secret, CONTENT_SHA256, ks) == PONTO_OK;

	ponto_wipe(ks, sizeof(ks));
	return !api->on ? STATE_OFF : ready ? STATE_READY : STATE_UNREADY;
}

static void answer_state(struct dist_api *api, struct ponto_call *call, uint32_t state)
{
	Ponto__Dist__V1__StateReply reply = PONTO__DIST__V1__STATE_REPLY__INIT;

	reply.state = state;
	reply.min_version = 1;
	reply.max_version = 2;
	ponto_answer(api->dist->env->alloc, call, &reply.base);
}

void dist_api_call_state(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__StateRequest *r = (const Ponto__Dist__V1__StateRequest *)request;
	uint32_t state = state_of(dist->api);
	struct dist_api_wait *wait = NULL;

	if (r->has_unlike && r->unlike == state)
		wait = ponto_new(dist->env->alloc, 1, sizeof(*wait));
	if (!wait) {
		answer_state(dist->api, call, state);
		return;
	}
	wait->call = call;
	wait->unlike = state;
	wait->program = call->client;
	wait->next = dist->api->waits;
	dist->api->waits = wait;
	dist_api_schedule(dist->api, false);
}

static void step_waits(struct dist_api *api)
{
	uint32_t state = state_of(api);
	uint64_t now = dist_now(api->dist);

	for (struct dist_api_wait **at = &api->waits; *at;) {
		struct dist_api_wait *wait = *at;

		if (wait->unlike == state && now + STATE_EARLY < wait->call->deadline) {
			at = &wait->next;
			continue;
		}
		*at = wait->next;
		answer_state(api, wait->call, state);
		ponto_free(api->dist->env->alloc, wait);
	}
}

static void end_waits(struct dist_api *api, const uint64_t *program)
{
	for (struct dist_api_wait **at = &api->waits; *at;) {
		struct dist_api_wait *wait = *at;

		if (program && wait->program != *program) {
			at = &wait->next;
			continue;
		}
		*at = wait->next;
		ponto_refuse(wait->call, PONTO_ECLOSED, NULL);
		ponto_free(api->dist->env->alloc, wait);
	}
}

/* ---- time ------------------------------------------------------------------------------------------ */

void dist_api_schedule(struct dist_api *api, bool now)
{
	uint64_t at = dist_api_reads_deadline(api), seeks = dist_api_seeks_deadline(api);

	if (seeks < at)
		at = seeks;
	if (api->waits && dist_now(api->dist) + STATE_LOOK < at)
		at = dist_now(api->dist) + STATE_LOOK;
	if (now)
		at = dist_now(api->dist);
	ponto_timer_set(api->dist->env->loop, api->timer, at);
}

static void tick(void *arg)
{
	struct dist_api *api = arg;

	if (api->stopping)
		return;
	step_waits(api);
	dist_api_seeks_step(api);
	dist_api_reads_step(api);
	dist_api_schedule(api, false);
	dist_client_pump(api->dist->client);
}

/* ---- life -------------------------------------------------------------------------------------------- */

int dist_api_open(struct dist *dist, struct dist_api **out)
{
	struct dist_api *api = ponto_new(dist->env->alloc, 1, sizeof(*api));
	int result;

	if (!api)
		return PONTO_ENOMEM;
	api->dist = dist;
	api->next_number = 1;
	api->on = ponto_conf_bool(dist->conf, "programs");
	api->limit = (size_t)ponto_conf_int(dist->conf, "programs_memory") << 20;
	result = ponto_timer_create(dist->env->loop, tick, api, &api->timer);
	if (result != PONTO_OK) {
		ponto_free(dist->env->alloc, api);
		return result;
	}
	*out = api;
	return PONTO_OK;
}

void dist_api_gone(struct dist_api *api, uint64_t program)
{
	if (!api)
		return;
	end_waits(api, &program);
	end_all(api, program, NULL);
}

void dist_api_stop(struct dist_api *api)
{
	if (!api || api->stopping)
		return;
	api->stopping = true;
	end_waits(api, NULL);
	while (api->publications)
		dist_api_publication_drop(api, api->publications);
	for (struct dist_api_handle *h = api->handles; h;) {
		bool closing = h->closing;

		dist_api_handle_close(h);
		h = closing ? h->next : api->handles;
	}
	dist_api_seeks_close(api);
}

bool dist_api_idle(const struct dist_api *api)
{
	return !api || (api->jobs == 0 && !api->handles);
}

void dist_api_close(struct dist_api *api)
{
	if (!api)
		return;
	dist_api_stop(api);
	ponto_timer_destroy(api->dist->env->loop, api->timer);
	ponto_free(api->dist->env->alloc, api);
}
