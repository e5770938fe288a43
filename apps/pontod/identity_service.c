/* The component "identity": each caller's own identities, through the node's security instance. Keys take time, so
 * every call runs on that instance's workers. Passwords are wiped after use and never logged. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apps/pontod/identity_job.h"
#include "apps/pontod/identity_names.h"
#include "apps/pontod/identity_xml.h"
#include "framework/unpack.h"

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
void identity_job_pack_one(struct identity_job *job, const struct ponto_identity *identity)
{
	Ponto__Identity__V1__ShowReply reply = PONTO__IDENTITY__V1__SHOW_REPLY__INIT;
	struct ponto_identity chosen = {0};
	struct ponto_identity_detail detail;
	Ponto__Identity__V1__Identity item;
	int result = identity_detail_of(job, identity->id, &detail);

	if (result == PONTO_OK)
		result = identity_default(job, &chosen);
	if (result != PONTO_OK) {
		job->result = result;
		return;
	}
	describe(identity, &item);
	item.classifier = detail.classifier;
	item.has_is_default = true;
	item.is_default = strcmp(chosen.id, identity->id) == 0;
	reply.identity = &item;
	identity_job_pack(job, &reply.base);
}

static uint32_t profile_of(const char *name)
{
	if (strcmp(name, "windows") == 0)
		return PONTO_PROFILE_WINDOWS;
	return strcmp(name, "modern") == 0 ? PONTO_PROFILE_MODERN : 0;
}

static void run_create(struct identity_job *job)
{
	const Ponto__Identity__V1__CreateRequest *r = (const Ponto__Identity__V1__CreateRequest *)job->request;
	struct identity_wish wish = {profile_of(r->profile), r->name, NULL, ponto_bytes(r->key.data, r->key.len)};
	struct ponto_identity identity;

	if (r->classifier && *r->classifier)
		wish.classifier = r->classifier;
	job->result = PONTO_EINVAL;
	if (!wish.profile)
		job->error = "a profile is windows or modern";
	else if (wish.classifier && !ponto_identity_classifier_valid(wish.classifier))
		job->error = "a classifier has at most 149 characters, none of them a control character";
	else
		job->result = identity_make(job, &wish, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_one(job, &identity);
	else if (job->result == PONTO_EEXIST)
		say(job, "%s is here already", identity.id);
	else if (job->result == PONTO_EPROTO)
		job->error = "this is no private key of that profile in PEM";
	else if (job->result == PONTO_EINVAL && !job->error)
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
	struct ponto_identity_detail *details = NULL;
	bool chosen = false;
	struct listing l = {0};

	job->result = ponto_identity_list(job->security, job->uid, add, &l);
	if (job->result == PONTO_OK && l.failed)
		job->result = PONTO_ENOMEM;
	if (job->result)
		goto out;
	items = ponto_new(mem, l.count + 1, sizeof(*items));
	list = ponto_new(mem, l.count + 1, sizeof(Ponto__Identity__V1__Identity *));
	details = ponto_new(mem, l.count + 1, sizeof(*details));
	if (!items || !list || !details) {
		job->result = PONTO_ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < l.count; i++) {
		describe(&l.identities[i], &items[i]);
		list[i] = &items[i];
		if (identity_detail_of(job, l.identities[i].id, &details[i]) != PONTO_OK)
			continue; /* removed meanwhile, or logged as damaged */
		items[i].classifier = details[i].classifier;
		items[i].has_is_default = true;
		items[i].is_default = details[i].is_default;
		chosen = chosen || details[i].is_default;
	}
	if (l.count > 0 && !chosen)
		items[0].has_is_default = items[0].is_default = true; /* the oldest */
	reply.n_identity = l.count;
	reply.identity = list;
	identity_job_pack(job, &reply.base);
out:
	ponto_free(mem, items);
	ponto_free(mem, list);
	ponto_free(mem, details);
	ponto_free(mem, l.identities);
}

static void run_show(struct identity_job *job)
{
	const Ponto__Identity__V1__ShowRequest *r = (const Ponto__Identity__V1__ShowRequest *)job->request;
	struct ponto_identity identity;

	job->result = ponto_identity_get(job->security, job->uid, r->id, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_one(job, &identity);
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
	if (r->xml) {
		identity_run_export_xml(job);
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
	struct ponto_bytes data = ponto_bytes(r->data.data, r->data.len);
	struct ponto_identity identity;
	bool xml = identity_xml_is(data);

	if (r->data.len > (xml ? IDENTITY_XML_MAX : PONTO_EXPORT_MAX)) {
		job->result = PONTO_EPROTO;
		job->error = "larger than an exported identity can be";
		return;
	}
	if (xml)
		job->result = identity_import_xml(job, data, r->password, &identity);
	else
		job->result = ponto_identity_import(job->security, job->uid, data, r->password, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_one(job, &identity);
	else if (job->result == PONTO_EEXIST)
		say(job, "%s is here already", identity.id);
	else if (job->result == PONTO_EAUTH)
		job->error = xml ? "the password does not fit, or it is damaged" : "the password does not fit";
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
	} else if (job->request->descriptor == &ponto__identity__v1__create_request__descriptor) {
		Ponto__Identity__V1__CreateRequest *r = (Ponto__Identity__V1__CreateRequest *)job->request;

		if (r->has_key && r->key.len)
			ponto_wipe(r->key.data, r->key.len);
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
	ponto_unpacked_free(mem, job->request);
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
	{"Change", &ponto__identity__v1__change_request__descriptor, identity_run_change},
	{"Default", &ponto__identity__v1__default_request__descriptor, identity_run_default},
	{"Card", &ponto__identity__v1__card_request__descriptor, identity_run_card},
	{"Sign", &ponto__identity__v1__sign_request__descriptor, identity_run_sign},
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
	struct identity_job *job = ponto_new(mem, 1, sizeof(*job));
	int result = job ? ponto_unpack(mem, method->type, call->payload, &job->request) : PONTO_ENOMEM;

	if (result) {
		ponto_free(mem, job);
		ponto_call_reply(call, result, ponto_bytes(NULL, 0),
				 result == PONTO_EPROTO ? "the request cannot be read" : NULL);
		return;
	}
	job->service = s;
	job->call = call;
	job->method = method;
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
