/* Contents that programs publish: their bytes are hashed as they come, on workers, and are nowhere kept. */
#include <string.h>

#include "plugins/service-dist/dist_api.h"

struct stream {
	struct dist_api_handle handle;
	struct dist_api_publication *publication; /* NULL: it was withdrawn */
	uint64_t length;			  /* as announced, 0: not */
	uint64_t added;
	/* the job: */
	struct dist_api_set *set;
	struct ponto_call *call;
	uint8_t *data;
	size_t len;
	bool busy, ending;
	int result, failed; /* failed: for good */
};

/* ---- publications ------------------------------------------------------------------------------ */

static struct dist_api_publication *find(struct dist_api *api, const struct dist_api_user *user,
					 struct ponto_bytes name)
{
	struct dist_api_publication *p = api->publications;

	while (p && (p->user != user || !ponto_bytes_equal(ponto_bytes(p->name, p->name_len), name)))
		p = p->next;
	return p;
}

struct dist_api_publication *dist_api_publication_find(struct dist_api *api, const struct dist_api_user *user,
						       struct ponto_bytes name)
{
	struct dist_api_publication *p = find(api, user, name);

	return p && p->complete ? p : NULL;
}

void dist_api_publication_drop(struct dist_api *api, struct dist_api_publication *p)
{
	struct dist_api_publication **at = &api->publications;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	for (struct dist_api_handle *h = api->handles; h; h = h->next) {
		if (h->kind == DIST_API_STREAM)
			dist_api_stream_withdrawn(h, p);
		else if (h->kind == DIST_API_INFO)
			dist_api_info_withdrawn(h, p);
	}
	dist_api_uncount(p->user, p->bytes);
	dist_api_set_unref(p->set);
	dist_api_user_unref(api, p->user);
	ponto_free(api->dist->env->alloc, p);
}

/* Version 1.0 in the function that the service is told to use, and version 2.0. */
static int make_set(struct dist_api *api, uint32_t version, struct dist_api_set **out)
{
	const char *name = ponto_conf_string(api->dist->conf, "algorithm");
	enum content_algo algos[3] = {CONTENT_SHA256, 0, 0};

	if (strcmp(name, "sha384") == 0)
		algos[0] = CONTENT_SHA384;
	else if (strcmp(name, "sha512") == 0)
		algos[0] = CONTENT_SHA512;
	if (version >= 2)
		algos[1] = CONTENT_TRUNCATED;
	return dist_api_set_create(api->dist->env->alloc, algos, out);
}

static int make_publication(struct dist_api *api, struct dist_api_user *user,
			    const Ponto__Dist__V1__OpenStreamRequest *r, uint64_t program,
			    struct dist_api_publication **out)
{
	const struct ponto_alloc *alloc = api->dist->env->alloc;
	size_t bytes = sizeof(**out) + r->content.len + DIST_API_SET_GROWING;
	struct dist_api_publication *p;
	int result = dist_api_count(api, user, bytes);

	if (result != PONTO_OK)
		return result;
	p = ponto_new(alloc, 1, sizeof(*p) + r->content.len);
	result = p ? make_set(api, r->version, &p->set) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		ponto_free(alloc, p);
		dist_api_uncount(user, bytes);
		return result;
	}
	p->user = user;
	user->refs++;
	p->program = program;
	p->instance = r->instance;
	p->bytes = bytes;
	p->name_len = r->content.len;
	memcpy(p->name, r->content.data, r->content.len);
	p->next = api->publications;
	api->publications = p;
	*out = p;
	return PONTO_OK;
}

static bool good_name(struct ponto_call *call, size_t len)
{
	if (len > 0 && len <= DIST_API_NAME_MAX)
		return true;
	ponto_refuse(call, PONTO_EINVAL, "a content's name has 1 to %u bytes", DIST_API_NAME_MAX);
	return false;
}

void dist_api_call_open_stream(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__OpenStreamRequest *r = (const Ponto__Dist__V1__OpenStreamRequest *)request;
	struct dist_api *api = dist->api;
	struct stream *stream;
	int result;

	if (!good_name(call, r->content.len))
		return;
	if (r->version < 1 || r->version > 2) {
		ponto_refuse(call, PONTO_EINVAL, "version 1 or 2");
		return;
	}
	stream = dist_api_handle_new(api, call, DIST_API_STREAM, sizeof(*stream), r->instance);
	if (!stream)
		return;
	stream->length = r->length;
	if (find(api, stream->handle.user, ponto_bytes(r->content.data, r->content.len)))
		result = PONTO_EEXIST;
	else
		result = make_publication(api, stream->handle.user, r, call->client, &stream->publication);
	if (result == PONTO_OK) {
		stream->set = dist_api_set_ref(stream->publication->set);
		dist_api_answer_handle(call, api, stream->handle.number);
		return;
	}
	dist_api_handle_close(&stream->handle);
	ponto_refuse(call, result, "%s",
		     result == PONTO_EEXIST   ? "a content of this name is published"
		     : result == PONTO_ELIMIT ? "this user's programs have too much in memory"
					      : ponto_strerror(result));
}

/* Hashes of what was withdrawn are counted for nobody: they go, unless a worker adds to them now. */
static void let_go(struct stream *stream)
{
	if (stream->publication || stream->busy)
		return;
	dist_api_set_unref(stream->set);
	stream->set = NULL;
}

/* ---- bytes come ------------------------------------------------------------------------------------ */

/* On a worker. */
static void run(void *arg)
{
	struct stream *stream = arg;

	stream->result = stream->ending ? dist_api_set_end(stream->set)
					: dist_api_set_add(stream->set, ponto_bytes(stream->data, stream->len));
}

/* What it takes now is counted, if only at the next call it is held against the bound. */
static void recount(struct stream *stream)
{
	struct dist_api_publication *p = stream->publication;
	size_t bytes = sizeof(*p) + p->name_len + dist_api_set_bytes(p->set) + (p->complete ? 0 : DIST_API_SET_GROWING);

	p->user->bytes = p->user->bytes - p->bytes + bytes;
	p->bytes = bytes;
}

static void done(void *arg)
{
	struct stream *stream = arg;
	struct dist_api *api = stream->handle.api;
	struct ponto_call *call = stream->call;

	api->jobs--;
	stream->call = NULL;
	stream->busy = false;
	if (stream->data)
		dist_api_uncount(stream->handle.user, stream->len);
	ponto_free(api->dist->env->alloc, stream->data);
	stream->data = NULL;
	if (stream->result != PONTO_OK)
		stream->failed = stream->result;
	if (stream->publication && stream->result == PONTO_OK) {
		stream->added += stream->ending ? 0 : stream->len;
		stream->publication->complete = stream->ending;
		recount(stream);
	}
	if (call && !stream->publication)
		ponto_refuse(call, PONTO_ENOENT, "it was withdrawn");
	else if (call && stream->result != PONTO_OK)
		ponto_refuse(call, stream->result, NULL);
	else if (call)
		dist_api_done(call, api);
	let_go(stream);
	dist_api_handle_done(&stream->handle);
}

static void work(struct stream *stream, struct ponto_call *call, bool ending)
{
	stream->call = call;
	stream->ending = ending;
	stream->busy = true;
	stream->handle.jobs++;
	stream->handle.api->jobs++;
	dist_api_work(stream->handle.api, run, done, stream);
}

/* Why nothing can be added to it; PONTO_OK: something can. */
static int closed_to(const struct stream *stream)
{
	return !stream->publication	       ? PONTO_ENOENT
	       : stream->publication->complete ? PONTO_EEXIST
	       : stream->busy		       ? PONTO_EBUSY
					       : stream->failed;
}

static int take_data(struct stream *stream, struct ponto_bytes data)
{
	struct dist_api *api = stream->handle.api;
	int result = data.len > DIST_API_DATA_MAX ? PONTO_ELIMIT : dist_api_count(api, stream->handle.user, data.len);

	if (result != PONTO_OK)
		return result;
	stream->data = ponto_bytes_dup(api->dist->env->alloc, data);
	stream->len = data.len;
	if (stream->data)
		return PONTO_OK;
	dist_api_uncount(stream->handle.user, data.len);
	return PONTO_ENOMEM;
}

void dist_api_call_add_to_stream(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__AddToStreamRequest *r = (const Ponto__Dist__V1__AddToStreamRequest *)request;
	struct dist_api *api = dist->api;
	struct stream *stream = dist_api_handle_get(api, call, DIST_API_STREAM, r->handle);
	int result;

	if (!stream)
		return;
	result = closed_to(stream);
	if (result == PONTO_OK && stream->length && r->data.len > stream->length - stream->added)
		result = PONTO_EINVAL;
	if (result == PONTO_OK)
		result = take_data(stream, ponto_bytes(r->data.data, r->data.len));
	if (result != PONTO_OK)
		ponto_refuse(call, result, NULL);
	else
		work(stream, call, false);
}

void dist_api_call_complete_stream(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	uint64_t handle = ((const Ponto__Dist__V1__CompleteStreamRequest *)request)->handle;
	struct stream *stream = dist_api_handle_get(dist->api, call, DIST_API_STREAM, handle);
	int result;

	if (!stream)
		return;
	result = closed_to(stream);
	if (result == PONTO_OK && stream->length && stream->added != stream->length)
		result = PONTO_EINVAL;
	if (result != PONTO_OK)
		ponto_refuse(call, result, NULL);
	else
		work(stream, call, true);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

void dist_api_stream_withdrawn(struct dist_api_handle *handle, const struct dist_api_publication *publication)
{
	struct stream *stream = (struct stream *)handle;

	if (stream->publication == publication)
		stream->publication = NULL;
	let_go(stream);
}

/* What was not completed is not published. */
void dist_api_stream_closed(struct dist_api_handle *handle)
{
	struct stream *stream = (struct stream *)handle;

	if (stream->call)
		ponto_refuse(stream->call, PONTO_ECLOSED, NULL);
	stream->call = NULL;
	if (stream->publication && !stream->publication->complete)
		dist_api_publication_drop(handle->api, stream->publication);
}

void dist_api_stream_free(struct dist_api_handle *handle)
{
	dist_api_set_unref(((struct stream *)handle)->set);
}

void dist_api_call_withdraw(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__WithdrawRequest *r = (const Ponto__Dist__V1__WithdrawRequest *)request;
	struct dist_api_user *user;
	struct dist_api_publication *p;

	if (!good_name(call, r->content.len) || !(user = dist_api_user(dist->api, call)))
		return;
	p = find(dist->api, user, ponto_bytes(r->content.data, r->content.len));
	if (p) {
		dist_api_publication_drop(dist->api, p);
		dist_api_done(call, dist->api);
	} else {
		ponto_refuse(call, PONTO_ENOENT, "no content of this name is published");
	}
	dist_api_user_unref(dist->api, user);
}
