/* The component "identity": each caller's own identities, through the node's security instance. Keys take time, so
 * every call runs on that instance's workers. Passwords are wiped after use and never logged. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apps/pontod/identity_job.h"
#include "apps/pontod/identity_names.h"

#define LIST_MAX 1024 /* identities in one answer */

struct identity_method {
	const char *name;
	const ProtobufCMessageDescriptor *type;
	identity_job_fn *run; /* on a worker */
};

struct identity_service {
	struct daemon *daemon;
	struct ponto_port *port;
	struct ponto_security security;
	unsigned open;
	struct identity_job *waiting; /* for the name services' word */
	bool leaving;
};

static const struct ponto_alloc *const mem = &ponto_alloc_system;

/* ---- on a worker -------------------------------------------------------------------- */

void identity_job_pack(struct identity_job *job, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	job->reply = ponto_new(mem, size + 1, 1);
	if (job->reply)
		job->reply_len = protobuf_c_message_pack(message, job->reply);
	else
		job->result = PONTO_ENOMEM;
}

static void PONTO_PRINTF(2, 3) say(struct identity_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(job->own_error, sizeof(job->own_error), format, args);
	va_end(args);
	job->error = job->own_error;
}

static void describe(const struct ponto_identity *from, Ponto__Identity__V1__Identity *to)
{
	ponto__identity__v1__identity__init(to);
	to->id = (char *)(uintptr_t)from->id;
	to->name = (char *)(uintptr_t)from->name;
	to->profile = (char *)(uintptr_t)(from->profile == PONTO_PROFILE_MODERN ? "modern" : "windows");
	to->uid = from->owner;
	to->created_us = from->created;
	to->public_key.data = (uint8_t *)(uintptr_t)from->public_key;
	to->public_key.len = from->public_key_len;
}

/* Create, Show and Import answer one identity as their first field: the same bytes. */
static void pack_one(struct identity_job *job, const struct ponto_identity *identity)
{
	Ponto__Identity__V1__ShowReply reply = PONTO__IDENTITY__V1__SHOW_REPLY__INIT;
	Ponto__Identity__V1__Identity item;

	describe(identity, &item);
	reply.identity = &item;
	identity_job_pack(job, &reply.base);
}

static void run_create(struct identity_job *job)
{
	const Ponto__Identity__V1__CreateRequest *r = (const Ponto__Identity__V1__CreateRequest *)job->request;
	struct ponto_identity identity;
	uint32_t profile = 0;

	if (strcmp(r->profile, "windows") == 0)
		profile = PONTO_PROFILE_WINDOWS;
	else if (strcmp(r->profile, "modern") == 0)
		profile = PONTO_PROFILE_MODERN;
	if (!profile) {
		job->result = PONTO_EINVAL;
		job->error = "a profile is windows or modern";
		return;
	}
	job->result = ponto_identity_create(job->security, job->uid, profile, r->name, &identity);
	if (job->result == PONTO_OK)
		pack_one(job, &identity);
	else if (job->result == PONTO_EINVAL)
		job->error = "a name has 1 to 255 bytes of UTF-8 without control characters";
}

struct listing {
	struct ponto_identity *identities;
	size_t count, room;
	bool failed;
};

static bool add(void *arg, const struct ponto_identity *identity)
{
	struct listing *l = arg;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct ponto_identity *grown = ponto_resize(mem, l->identities, room, sizeof(*grown));

		if (!grown) {
			l->failed = true;
			return false;
		}
		l->identities = grown;
		l->room = room;
	}
	l->identities[l->count++] = *identity;
	return l->count < LIST_MAX;
}

static void run_list(struct identity_job *job)
{
	Ponto__Identity__V1__ListReply reply = PONTO__IDENTITY__V1__LIST_REPLY__INIT;
	Ponto__Identity__V1__Identity *items = NULL, **list = NULL;
	struct listing l = {0};

	job->result = ponto_identity_list(job->security, job->uid, add, &l);
	if (job->result == PONTO_OK && l.failed)
		job->result = PONTO_ENOMEM;
	if (job->result)
		goto out;
	items = ponto_new(mem, l.count + 1, sizeof(*items));
	list = ponto_new(mem, l.count + 1, sizeof(Ponto__Identity__V1__Identity *));
	if (!items || !list) {
		job->result = PONTO_ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < l.count; i++) {
		describe(&l.identities[i], &items[i]);
		list[i] = &items[i];
	}
	reply.n_identity = l.count;
	reply.identity = list;
	identity_job_pack(job, &reply.base);
out:
	ponto_free(mem, items);
	ponto_free(mem, list);
	ponto_free(mem, l.identities);
}

static void run_show(struct identity_job *job)
{
	const Ponto__Identity__V1__ShowRequest *r = (const Ponto__Identity__V1__ShowRequest *)job->request;
	struct ponto_identity identity;

	job->result = ponto_identity_get(job->security, job->uid, r->id, &identity);
	if (job->result == PONTO_OK)
		pack_one(job, &identity);
}

static void run_delete(struct identity_job *job)
{
	const Ponto__Identity__V1__DeleteRequest *r = (const Ponto__Identity__V1__DeleteRequest *)job->request;
	Ponto__Identity__V1__DeleteReply reply = PONTO__IDENTITY__V1__DELETE_REPLY__INIT;

	job->result = ponto_identity_remove(job->security, job->uid, r->id);
	if (job->result == PONTO_OK)
		identity_job_pack(job, &reply.base);
}

static void run_export(struct identity_job *job)
{
	const Ponto__Identity__V1__ExportRequest *r = (const Ponto__Identity__V1__ExportRequest *)job->request;
	Ponto__Identity__V1__ExportReply reply = PONTO__IDENTITY__V1__EXPORT_REPLY__INIT;
	uint8_t *data;
	size_t len;

	if (!r->password[0]) {
		job->result = PONTO_EINVAL;
		job->error = "a password is needed";
		return;
	}
	job->result = ponto_identity_export(job->security, job->uid, r->id, r->password, mem, &data, &len);
	if (job->result)
		return;
	reply.data.data = data;
	reply.data.len = len;
	identity_job_pack(job, &reply.base);
	ponto_free(mem, data);
}

static void run_import(struct identity_job *job)
{
	const Ponto__Identity__V1__ImportRequest *r = (const Ponto__Identity__V1__ImportRequest *)job->request;
	struct ponto_identity identity;

	if (r->data.len > PONTO_EXPORT_MAX) {
		job->result = PONTO_ELIMIT;
		job->error = "larger than an exported identity can be";
		return;
	}
	job->result = ponto_identity_import(job->security, job->uid, ponto_bytes(r->data.data, r->data.len),
					    r->password, &identity);
	if (job->result == PONTO_OK)
		pack_one(job, &identity);
	else if (job->result == PONTO_EEXIST)
		say(job, "%s is here already", identity.id);
	else if (job->result == PONTO_EAUTH)
		job->error = "the password does not fit";
	else if (job->result == PONTO_EPROTO)
		job->error = "this is no exported identity, or it is damaged";
}

static void run_job(void *arg)
{
	struct identity_job *job = arg;

	job->method->run(job);
}

/* ---- on the daemon's loop ----------------------------------------------------------------- */

/* No copy of a password outlives its request. */
static void wipe_request(struct identity_job *job)
{
	if (job->request->descriptor == &ponto__identity__v1__export_request__descriptor) {
		char *password = ((Ponto__Identity__V1__ExportRequest *)job->request)->password;

		ponto_wipe(password, strlen(password));
	} else if (job->request->descriptor == &ponto__identity__v1__import_request__descriptor) {
		char *password = ((Ponto__Identity__V1__ImportRequest *)job->request)->password;

		ponto_wipe(password, strlen(password));
	}
}

static void service_free(struct identity_service *s)
{
	if (s->leaving && s->open == 0)
		ponto_free(mem, s);
}

static void finish(struct identity_job *job)
{
	struct identity_service *s = job->service;
	const char *error = job->error;

	if (job->result == PONTO_ENOENT && !error)
		error = "no such identity";
	ponto_call_reply(job->call, job->result, ponto_bytes(job->reply, job->result ? 0 : job->reply_len), error);
	if (job->reply)
		ponto_wipe(job->reply, job->reply_len);
	ponto_free(mem, job->reply);
	wipe_request(job);
	protobuf_c_message_free_unpacked(job->request, NULL);
	ponto_free(mem, job);
	s->open--;
	service_free(s);
}

static void job_done(void *arg)
{
	finish(arg);
}

static const struct identity_method methods[] = {
	{"Create", &ponto__identity__v1__create_request__descriptor, run_create},
	{"List", &ponto__identity__v1__list_request__descriptor, run_list},
	{"Show", &ponto__identity__v1__show_request__descriptor, run_show},
	{"Delete", &ponto__identity__v1__delete_request__descriptor, run_delete},
	{"Export", &ponto__identity__v1__export_request__descriptor, run_export},
	{"Import", &ponto__identity__v1__import_request__descriptor, run_import},
	{"Delegate", &ponto__identity__v1__delegate_request__descriptor, identity_run_delegate},
	{"ChainList", &ponto__identity__v1__chain_list_request__descriptor, identity_run_chain_list},
	{"ChainShow", &ponto__identity__v1__chain_show_request__descriptor, identity_run_chain_show},
	{"ChainExport", &ponto__identity__v1__chain_export_request__descriptor, identity_run_chain_export},
	{"ChainImport", &ponto__identity__v1__chain_import_request__descriptor, identity_run_chain_import},
	{"ChainDelete", &ponto__identity__v1__chain_delete_request__descriptor, identity_run_chain_delete},
};

static void submit(struct identity_job *job)
{
	struct identity_service *s = job->service;
	int result = ponto_pool_submit(s->security.pool, s->daemon->loop, run_job, job_done, job);

	if (result) { /* else it is the worker's */
		job->result = result;
		finish(job);
	}
}

static void names_known(void *arg, int result, const char *error)
{
	struct identity_job *job = arg;

	job->names = NULL;
	if (job->prev)
		job->prev->next = job->next;
	else
		job->service->waiting = job->next;
	if (job->next)
		job->next->prev = job->prev;
	if (result == PONTO_OK) {
		submit(job);
		return;
	}
	job->result = result;
	if (error)
		say(job, "%s", error);
	finish(job);
}

/* What signs names is not taken from under them. */
static void ask_names(struct identity_job *job)
{
	const Ponto__Identity__V1__DeleteRequest *r = (const Ponto__Identity__V1__DeleteRequest *)job->request;
	struct identity_service *s = job->service;
	int result;

	job->next = s->waiting;
	if (job->next)
		job->next->prev = job;
	s->waiting = job;
	/* job may be gone when this returns; then nothing of it is written */
	result = identity_names_start(s->daemon, job->uid, r->id, r->force, names_known, job, &job->names);
	if (result)
		names_known(job, result, NULL);
}

static void start_job(struct identity_service *s, struct ponto_call *call, const struct identity_method *method)
{
	struct identity_job *job;
	ProtobufCMessage *request =
		protobuf_c_message_unpack(method->type, NULL, call->payload.len, call->payload.data);

	if (!request) {
		ponto_call_reply(call, PONTO_EPROTO, ponto_bytes(NULL, 0), "the request cannot be read");
		return;
	}
	job = ponto_new(mem, 1, sizeof(*job));
	if (!job) {
		protobuf_c_message_free_unpacked(request, NULL);
		ponto_call_reply(call, PONTO_ENOMEM, ponto_bytes(NULL, 0), NULL);
		return;
	}
	job->service = s;
	job->call = call;
	job->method = method;
	job->request = request;
	job->security = s->security;
	job->clock = &ponto_clock_system;
	job->uid = call->uid;
	s->open++;
	if (method->run == run_delete)
		ask_names(job);
	else
		submit(job);
}

static void on_call(void *arg, struct ponto_call *call)
{
	struct identity_service *s = arg;

	if (!s->security.ops) {
		ponto_call_reply(call, PONTO_ENOTSUP, ponto_bytes(NULL, 0), "this node has no security instance");
		return;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(methods); i++) {
		if (strcmp(call->method, methods[i].name) == 0) {
			start_job(s, call, &methods[i]);
			return;
		}
	}
	ponto_call_reply(call, PONTO_ENOTSUP, ponto_bytes(NULL, 0), "service identity has no such method");
}

/* The first configured one keeps the identities. */
static void find_security(struct identity_service *s)
{
	const struct ponto_plugin *plugin;
	struct ponto_iface iface;
	const char *name;

	for (size_t i = 0; ponto_node_at(s->daemon->node, i, &plugin, &name); i++) {
		if (plugin->kind == PONTO_KIND_SECURITY &&
		    ponto_node_find(s->daemon->node, PONTO_KIND_SECURITY, name, &iface) == PONTO_OK) {
			s->security.ops = (const struct ponto_security_ops *)iface.ops;
			s->security.self = iface.self;
			s->security.pool = iface.pool;
			return;
		}
	}
}

int identity_service_create(struct daemon *d, struct identity_service **out)
{
	static const struct ponto_port_events events = {on_call, NULL};
	struct identity_service *s = ponto_new(mem, 1, sizeof(*s));
	int result;

	if (!s)
		return PONTO_ENOMEM;
	s->daemon = d;
	find_security(s);
	result = ponto_bus_attach(d->bus, d->loop, "identity", &events, s, &s->port);
	if (result) {
		ponto_free(mem, s);
		return result;
	}
	*out = s;
	return PONTO_OK;
}

/* The loop has ended, and with it every job on a worker; those that wait for name services end here. */
void identity_service_destroy(struct identity_service *s)
{
	if (!s)
		return;
	ponto_port_detach(s->port);
	while (s->waiting) {
		identity_names_cancel(s->waiting->names);
		names_known(s->waiting, PONTO_ECLOSED, NULL);
	}
	s->leaving = true;
	service_free(s);
}
