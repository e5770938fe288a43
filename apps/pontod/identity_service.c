/* The component "identity": each caller's own identities, through the node's security instance. Keys take time, so
 * every call runs on that instance's workers. Passwords are wiped after use and never logged. */
#include <string.h>

#include "apps/pontod/identity_job.h"
#include "apps/pontod/identity_names.h"
#include "framework/unpack.h"

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
	{"Create", &ponto__identity__v1__create_request__descriptor, identity_run_create},
	{"List", &ponto__identity__v1__list_request__descriptor, identity_run_list},
	{"Show", &ponto__identity__v1__show_request__descriptor, identity_run_show},
	{"Delete", &ponto__identity__v1__delete_request__descriptor, identity_run_delete},
	{"Export", &ponto__identity__v1__export_request__descriptor, identity_run_export},
	{"Import", &ponto__identity__v1__import_request__descriptor, identity_run_import},
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
		identity_job_say(job, "%s", error);
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
	if (method->run == identity_run_delete)
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
