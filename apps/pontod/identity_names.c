#include "apps/pontod/identity_names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/pontod/local_call.h"
#include "framework/security.h"
#include "framework/unpack.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define NAME_SERVICE "service-pnrp"
#define TIMEOUT (5 * PONTO_SECOND)
#define SHOWN 8 /* names in one refusal */

struct identity_names {
	struct daemon *daemon;
	uint32_t uid;
	char id[PONTO_IDENTITY_ID];
	bool release;
	identity_names_fn *done;
	void *arg;
	size_t next;			    /* instance of the node to look at */
	const char *service;		    /* the one under way */
	Ponto__Pnrp__V1__NamesReply *reply; /* its names, while they are being released */
	size_t released;
	struct local_call *call;
	size_t found;
	char text[1024]; /* the names found */
};

static const struct ponto_alloc *const mem = &ponto_alloc_system;

static void free_names(struct identity_names *n)
{
	if (n->reply)
		ponto__pnrp__v1__names_reply__free_unpacked(n->reply, NULL);
	ponto_free(mem, n);
}

static void end(struct identity_names *n, int result, const char *error)
{
	n->done(n->arg, result, error);
	free_names(n);
}

static int call(struct identity_names *n, const char *method, const ProtobufCMessage *request, local_call_fn *answered)
{
	uint8_t data[1024];
	struct local_call_setup setup = {
		.service = n->service,
		.method = method,
		.uid = n->uid,
		.pid = (int32_t)getpid(),
		.timeout = TIMEOUT,
		.done = answered,
		.arg = n,
	};

	if (protobuf_c_message_get_packed_size(request) > sizeof(data))
		return PONTO_ELIMIT;
	setup.payload = ponto_bytes(data, protobuf_c_message_pack(request, data));
	return local_call_start(n->daemon, &setup, &n->call);
}

static void next_service(struct identity_names *n);

/* ---- releasing ------------------------------------------------------------------- */

static void next_release(struct identity_names *n);

static void on_released(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct identity_names *n = arg;

	(void)payload;
	n->call = NULL;
	if (result != PONTO_OK && result != PONTO_ENOENT)
		end(n, result, error);
	else
		next_release(n);
}

static bool signs(const struct identity_names *n, const Ponto__Pnrp__V1__NameInfo *name)
{
	return name->identity && strcmp(name->identity, n->id) == 0 && strcmp(name->state, "removed") != 0;
}

static void next_release(struct identity_names *n)
{
	while (n->released < n->reply->n_name) {
		const Ponto__Pnrp__V1__NameInfo *name = n->reply->name[n->released++];
		Ponto__Pnrp__V1__UnregisterRequest request = PONTO__PNRP__V1__UNREGISTER_REQUEST__INIT;
		int result;

		if (!signs(n, name))
			continue;
		request.name = name->name;
		request.cloud = name->cloud;
		result = call(n, "Unregister", &request.base, on_released);
		if (result)
			end(n, result, NULL);
		return;
	}
	ponto__pnrp__v1__names_reply__free_unpacked(n->reply, NULL);
	n->reply = NULL;
	next_service(n);
}

/* ---- looking ------------------------------------------------------------------------ */

/* What says that a service has no cloud open: it signs nothing. Any other refusal leaves open what it signs. */
static bool is_closed(int result)
{
	return result == PONTO_EUNREACH || result == PONTO_EACCES || result == PONTO_ECLOSED || result == PONTO_ENOENT;
}

static void on_names(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	ProtobufCMessage *message = NULL;
	struct identity_names *n = arg;

	n->call = NULL;
	if (is_closed(result)) {
		next_service(n);
		return;
	}
	if (result == PONTO_OK)
		result = ponto_unpack(mem, &ponto__pnrp__v1__names_reply__descriptor, payload, &message);
	if (result) {
		end(n, result, error);
		return;
	}
	n->reply = (Ponto__Pnrp__V1__NamesReply *)message;
	if (n->release) {
		n->released = 0;
		next_release(n);
		return;
	}
	for (size_t i = 0; i < n->reply->n_name; i++) {
		size_t used = strlen(n->text);

		if (signs(n, n->reply->name[i]) && n->found++ < SHOWN)
			snprintf(n->text + used, sizeof(n->text) - used, "%s%s", used ? ", " : "",
				 n->reply->name[i]->name);
	}
	ponto__pnrp__v1__names_reply__free_unpacked(n->reply, NULL);
	n->reply = NULL;
	next_service(n);
}

static void conclude(struct identity_names *n)
{
	char error[sizeof(n->text) + 160];

	if (n->found == 0) {
		end(n, PONTO_OK, NULL);
		return;
	}
	snprintf(error, sizeof(error), "%s%s need%s this identity: unregister %s first, or force it", n->text,
		 n->found > SHOWN ? " and more" : "", n->found == 1 ? "s" : "", n->found == 1 ? "it" : "them");
	end(n, PONTO_EBUSY, error);
}

static void next_service(struct identity_names *n)
{
	Ponto__Pnrp__V1__NamesRequest request = PONTO__PNRP__V1__NAMES_REQUEST__INIT;
	const struct ponto_plugin *plugin;

	int result;

	do {
		if (!ponto_node_at(n->daemon->node, n->next, &plugin, &n->service)) {
			conclude(n);
			return;
		}
		n->next++;
		result = strcmp(plugin->name, NAME_SERVICE) == 0 ? call(n, "Names", &request.base, on_names)
								 : PONTO_ENOENT;
	} while (is_closed(result));
	if (result)
		end(n, result, NULL);
}

int identity_names_start(struct daemon *d, uint32_t uid, const char *id, bool release, identity_names_fn *done,
			 void *arg, struct identity_names **out)
{
	struct identity_names *n = ponto_new(mem, 1, sizeof(*n));

	if (!n)
		return PONTO_ENOMEM;
	n->daemon = d;
	n->uid = uid;
	snprintf(n->id, sizeof(n->id), "%s", id);
	n->release = release;
	n->done = done;
	n->arg = arg;
	*out = n;
	next_service(n);
	return PONTO_OK;
}

void identity_names_cancel(struct identity_names *n)
{
	if (!n)
		return;
	local_call_abandon(n->call);
	free_names(n);
}
