/* Registrations: from a client's call, or from the store, to the engine and back. */
#include <string.h>

#include "engines/pnrp/pnrp_name.h"
#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.names"
#define PROTOCOL_TCP 6

/* ---- the list -------------------------------------------------------------- */

struct svc_name *svc_name_by_token(struct svc *svc, uint64_t token)
{
	for (struct svc_name *name = svc->names; name; name = name->next) {
		if (name->token == token)
			return name;
	}
	return NULL;
}

static bool is_called(const struct svc_name *name, uint32_t uid, const char *text)
{
	return name->uid == uid && name->state != PNRP_REGISTRATION_GONE && strcmp(name->request->name, text) == 0;
}

/* client 0: the one that outlives its client. */
static struct svc_name *find_name(struct svc *svc, uint32_t uid, const char *text, uint64_t client, uint64_t instance)
{
	for (struct svc_name *name = svc->names; name; name = name->next) {
		if (is_called(name, uid, text) && name->client == client && name->request->instance == instance)
			return name;
	}
	return NULL;
}

/* What an unregister means: see pnrp.proto. */
static struct svc_name *find_meant(struct svc *svc, const struct ponto_call *call,
				   const Ponto__Pnrp__V1__UnregisterRequest *request)
{
	struct svc_name *name = find_name(svc, call->uid, request->name, call->client, request->instance);

	if (name || request->has_instance)
		return name;
	name = find_name(svc, call->uid, request->name, 0, 0);
	for (struct svc_name *n = svc->names; n && !name; n = n->next) {
		if (is_called(n, call->uid, request->name))
			name = n;
	}
	return name;
}

size_t svc_name_ids_of(const struct svc *svc, const char *text, int32_t pid, struct ring_id *ids, size_t room)
{
	size_t count = 0;

	for (const struct svc_name *name = svc->names; name && pid && count < room; name = name->next) {
		if (name->pid == pid && name->handle && strcmp(name->request->name, text) == 0)
			ids[count++] = name->id;
	}
	return count;
}

static bool is_secured(const struct svc_name *name)
{
	return strncmp(name->request->name, "0.", 2) != 0;
}

static void free_name(struct svc *svc, struct svc_name *name)
{
	ponto_free(svc->env->alloc, name->chain);
	ponto__pnrp__v1__register_request__free_unpacked(name->request, NULL);
	ponto_free(svc->env->alloc, name);
}

static void drop_name(struct svc *svc, struct svc_name *name)
{
	struct svc_name **at = &svc->names;

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	if (name->call)
		ponto_refuse(name->call, PONTO_ECLOSED, "%s: it has gone meanwhile", name->request->name);
	free_name(svc, name);
}

void svc_names_drop(struct svc *svc)
{
	while (svc->names) {
		struct svc_name *name = svc->names;

		svc->names = name->next;
		if (name->call)
			ponto_refuse(name->call, PONTO_ECLOSED, "the node is stopping");
		free_name(svc, name);
	}
}

void svc_name_fill(struct svc *svc, struct ponto_arena *arena, const struct svc_name *name,
		   Ponto__Pnrp__V1__NameInfo *info)
{
	static const char *const states[] = {
		[PNRP_REGISTRATION_ANNOUNCING] = "registering",
		[PNRP_REGISTRATION_ACTIVE] = "registered",
		[PNRP_REGISTRATION_GONE] = "removed",
	};
	char id[2 * RING_ID_SIZE + 1];

	ponto__pnrp__v1__name_info__init(info);
	ponto_hex(ponto_bytes(name->id.b, RING_ID_SIZE), id);
	info->name = name->request->name;
	info->cloud = svc->cloud;
	info->id = ponto_arena_text(arena, id);
	info->state = (char *)(uintptr_t)(name->failure ? "failed" : name->state ? states[name->state] : "registering");
	info->reason = (char *)(uintptr_t)name->failure;
	info->comment = name->request->comment;
	info->uid = name->uid;
	info->client_lifetime = name->client != 0;
	info->has_instance = name->request->has_instance;
	info->instance = name->request->instance;
	info->payload_size = (uint32_t)name->request->payload.len;
	info->identity = ponto_arena_text(arena, name->identity.id);
	info->chain = name->chain ? ponto_arena_text(arena, name->chain_id) : NULL;
	info->has_chain_until_us = name->chain != NULL;
	info->chain_until_us = name->chain_until;
	info->endpoint = ponto_arena_take(arena, name->endpoint_count, sizeof(*info->endpoint));
	for (size_t i = 0; i < name->endpoint_count && !arena->failed; i++) {
		Ponto__Pnrp__V1__Endpoint *endpoint = ponto_arena_take(arena, 1, sizeof(*endpoint));
		struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6};
		char text[PONTO_ADDR_TEXT];

		if (!endpoint)
			return;
		ponto__pnrp__v1__endpoint__init(endpoint);
		memcpy(addr.ip, name->endpoints[i].ip, sizeof(addr.ip));
		endpoint->address = ponto_arena_text(arena, ponto_addr_format(&addr, text));
		endpoint->port = name->endpoints[i].port;
		endpoint->protocol = name->endpoints[i].protocol;
		info->endpoint[info->n_endpoint++] = endpoint;
	}
}

static void name_event(struct svc *svc, const struct svc_name *name)
{
	struct ponto_arena arena = {.alloc = svc->env->alloc};
	Ponto__Pnrp__V1__NameInfo info;

	svc_name_fill(svc, &arena, name, &info);
	if (!arena.failed)
		ponto_announce(svc->env, "name", &info.base);
	ponto_arena_clear(&arena);
}

/* ---- what the client gave ------------------------------------------------------ */

static void own_endpoints(struct svc *svc, struct svc_name *name)
{
	struct pnrp_status status;

	pnrp_engine_status(svc->engine, &status);
	name->own_endpoints = true;
	name->endpoint_count = status.local_count;
	for (size_t i = 0; i < status.local_count; i++) {
		memcpy(name->endpoints[i].ip, status.local[i].ip, 16);
		name->endpoints[i].port = (uint16_t)name->request->own_port;
		name->endpoints[i].protocol = PROTOCOL_TCP;
	}
}

/* PONTO_EINVAL with the reason in *why. */
static int read_endpoints(struct svc *svc, struct svc_name *name, const char **why)
{
	const Ponto__Pnrp__V1__RegisterRequest *request = name->request;

	if (request->n_endpoint > PNRP_APP_ENDPOINTS_MAX) {
		*why = "at most 10 endpoints";
		return PONTO_ELIMIT;
	}
	for (size_t i = 0; i < request->n_endpoint; i++) {
		const Ponto__Pnrp__V1__Endpoint *in = request->endpoint[i];
		struct ponto_addr addr;

		if (ponto_addr_parse(in->address, 0, &addr) != PONTO_OK || addr.family != PONTO_FAMILY_IPV6 ||
		    addr.port != 0 || addr.zone != 0 || in->port > 65535 || in->protocol > 65535) {
			*why = "an endpoint is an IPv6 address, a port and a protocol up to 65535";
			return PONTO_EINVAL;
		}
		memcpy(name->endpoints[i].ip, addr.ip, 16);
		name->endpoints[i].port = (uint16_t)in->port;
		name->endpoints[i].protocol = (uint16_t)in->protocol;
	}
	name->endpoint_count = request->n_endpoint;
	if (name->endpoint_count == 0 && (request->has_own_port || request->payload.len == 0))
		own_endpoints(svc, name);
	return PONTO_OK;
}

const char *svc_name_fault(const char *text)
{
	if (strspn(text, "0123456789abcdefABCDEF") == PONTO_IDENTITY_ID - 1 && text[PONTO_IDENTITY_ID - 1] == '.' &&
	    strpbrk(text, "ABCDEF") < text + PONTO_IDENTITY_ID && strpbrk(text, "ABCDEF"))
		return "not a peer name: the 40 digits of an authority are written in lower case";
	return "not a peer name: '0.CLASSIFIER' or '<40 hexadecimal digits>.CLASSIFIER' with at most 149 characters";
}

static int check_request(const Ponto__Pnrp__V1__RegisterRequest *request, const char **why)
{
	struct pnrp_name parsed;

	if (pnrp_name_parse(request->name, &parsed) != PONTO_OK) {
		*why = svc_name_fault(request->name);
		return PONTO_EINVAL;
	}
	if (request->payload.len > PNRP_PAYLOAD_BYTES) {
		*why = "a payload has at most 4096 bytes";
		return PONTO_ELIMIT;
	}
	if (request->has_prefix && request->prefix.len != 8) {
		*why = "a prefix has 8 bytes";
		return PONTO_EINVAL;
	}
	if (request->own_port > 65535) {
		*why = "a port is at most 65535";
		return PONTO_EINVAL;
	}
	if (request->has_instance && !request->client_lifetime) {
		*why = "only what ends with its client has an instance number";
		return PONTO_EINVAL;
	}
	if (!parsed.secure && request->chain && *request->chain) {
		*why = "a name without authority cannot be delegated";
		return PONTO_EINVAL;
	}
	return PONTO_OK;
}

/* ---- into the engine ---------------------------------------------------------------- */

static uint64_t prefix_of(const Ponto__Pnrp__V1__RegisterRequest *request)
{
	uint64_t prefix = 0;

	for (size_t i = 0; i < 8; i++)
		prefix = prefix << 8 | request->prefix.data[i];
	return prefix;
}

static int into_engine(struct svc *svc, struct svc_name *name)
{
	const Ponto__Pnrp__V1__RegisterRequest *request = name->request;
	struct pnrp_registration registration = {
		.name = request->name,
		.token = name->token,
		.identity = name->token,
		.public_key = ponto_bytes(name->identity.public_key, name->identity.public_key_len),
		.friendly_name = request->comment && *request->comment ? request->comment : NULL,
		.endpoints = name->endpoints,
		.endpoint_count = name->endpoint_count,
		.payload_type = request->payload.len == 0 ? PNRP_PAYLOAD_NONE
				: request->payload_text	  ? PNRP_PAYLOAD_STRING
							  : PNRP_PAYLOAD_BINARY,
		.payload = ponto_bytes(request->payload.data, request->payload.len),
		.chain = ponto_bytes(name->chain, name->chain_len),
		.has_prefix = request->has_prefix,
	};

	if (request->has_prefix)
		registration.prefix = prefix_of(request);
	name->state = PNRP_REGISTRATION_ANNOUNCING;
	return pnrp_engine_register(svc->engine, svc_now(svc), &registration, &name->handle, &name->id);
}

static const char *engine_reason(int result)
{
	switch (result) {
	case PONTO_EINVAL:
		return "the comment is longer than 39 characters or not UTF-8";
	case PONTO_EAUTH:
		return "the name's authority is not the identity's";
	case PONTO_EACCES:
		return "this node resolves only";
	case PONTO_EBUSY:
		return "too many names are registered here";
	case PONTO_EUNREACH:
		return "the node has no address";
	case PONTO_ECLOSED:
		return "the cloud is not open";
	default:
		return ponto_strerror(result);
	}
}

/* ---- answers ------------------------------------------------------------------------------ */

static void fail_name(struct svc *svc, struct svc_name *name, int result, const char *why)
{
	if (name->call)
		ponto_refuse(name->call, result, "%s: %s", name->request->name, why);
	name->call = NULL;
	if (!name->from_store || svc->stopped) {
		drop_name(svc, name);
		return;
	}
	ponto_error(svc->env->log, TOPIC, "%s, kept from before, cannot be registered: %s", name->request->name, why);
	name->failure = why;
	name_event(svc, name);
}

static void reply_name(struct svc *svc, struct svc_name *name)
{
	Ponto__Pnrp__V1__RegisterReply reply = PONTO__PNRP__V1__REGISTER_REPLY__INIT;
	struct ponto_arena arena = {.alloc = svc->env->alloc};
	Ponto__Pnrp__V1__NameInfo info;

	if (!name->call)
		return;
	svc_name_fill(svc, &arena, name, &info);
	reply.name = &info;
	if (arena.failed)
		ponto_refuse(name->call, PONTO_ENOMEM, "%s", ponto_strerror(PONTO_ENOMEM));
	else
		ponto_answer(svc->env->alloc, name->call, &reply.base);
	name->call = NULL;
	ponto_arena_clear(&arena);
}

/* The record is kept: only now is the client told. */
static void kept(struct svc *svc, uint64_t token, int result)
{
	struct svc_name *name = svc_name_by_token(svc, token);

	if (!name)
		return;
	if (result == PONTO_OK) {
		reply_name(svc, name);
		return;
	}
	if (name->call)
		ponto_refuse(name->call, result, "%s: cannot be kept: %s", name->request->name, ponto_strerror(result));
	name->call = NULL;
	name->state = PNRP_REGISTRATION_GONE;
	if (pnrp_engine_unregister(svc->engine, svc_now(svc), name->handle) != PONTO_OK)
		drop_name(svc, name);
}

/* What signs for the name from now on. */
static void take_signer(struct svc *svc, struct svc_name *name, struct svc_signer *signer)
{
	ponto_free(svc->env->alloc, name->chain);
	name->identity = signer->identity;
	name->chain = signer->chain;
	name->chain_len = signer->chain_len;
	name->chain_until = signer->chain ? signer->chain_until : 0;
	memcpy(name->chain_id, signer->chain_id, sizeof(name->chain_id));
	signer->chain = NULL;
	if (name->chain)
		svc->chains_at = svc_now(svc);
	if (name->own_endpoints)
		own_endpoints(svc, name); /* they may have changed meanwhile */
}

/* A name whose chain ends goes over to one that lasts longer, also when it has ended meanwhile. */
static void renew(struct svc *svc, struct svc_name *name, struct svc_signer *signer)
{
	int result = PONTO_OK;

	name->renewing = false;
	if (svc->stopped || name->call || name->state == PNRP_REGISTRATION_GONE || signer->result != PONTO_OK ||
	    (signer->chain && signer->chain_until <= name->chain_until))
		return;
	if (!name->failure)
		result = pnrp_engine_unregister(svc->engine, svc_now(svc), name->handle);
	take_signer(svc, name, signer);
	name->warned = false;
	if (result == PONTO_OK)
		result = into_engine(svc, name);
	name->failure = result == PONTO_OK ? NULL : engine_reason(result);
	if (result == PONTO_OK) {
		ponto_info(svc->env->log, TOPIC, "%s: goes on with a new certificate chain", name->request->name);
	} else {
		ponto_error(svc->env->log, TOPIC, "%s: lost at the change of its certificate chain: %s",
			    name->request->name, name->failure);
		name->handle = 0;
	}
	name_event(svc, name);
}

static void signer_known(struct svc *svc, struct svc_name *name, struct svc_signer *signer)
{
	const struct ponto_identity *identity = &signer->identity;
	int result = signer->result;

	if (result == PONTO_ENOENT) {
		fail_name(svc, name, PONTO_EACCES,
			  is_secured(name) ? "no identity of yours has this authority, nor a certificate chain from it"
					   : "no such identity of yours");
		return;
	}
	if (result != PONTO_OK) {
		fail_name(svc, name, result,
			  result == PONTO_EAUTH ? "the certificate chain does not let the identity use this name now"
						: ponto_strerror(result));
		return;
	}
	if (identity->profile != svc->profile) {
		fail_name(svc, name, PONTO_EINVAL, "the identity is of another profile than the cloud");
		return;
	}
	if (is_secured(name) && !signer->chain &&
	    strncmp(name->request->name, identity->id, PONTO_IDENTITY_ID - 1) != 0) {
		fail_name(svc, name, PONTO_EACCES, "the identity does not own this authority");
		return;
	}
	take_signer(svc, name, signer);
	result = into_engine(svc, name);
	if (result != PONTO_OK)
		fail_name(svc, name, result, engine_reason(result));
	else if (name->from_store || name->client || !svc->has_store)
		reply_name(svc, name);
	else
		svc_kept_put(svc, name, kept);
}

void svc_name_signed(struct svc *svc, uint64_t token, struct svc_signer *signer)
{
	struct svc_name *name = svc_name_by_token(svc, token);

	if (!name)
		return;
	name->identity_owner = signer->owner;
	if (name->renewing)
		renew(svc, name, signer);
	else if (svc->stopped || name->orphan)
		fail_name(svc, name, PONTO_ECLOSED, svc->stopped ? "the node is stopping" : "its client has gone");
	else
		signer_known(svc, name, signer);
}

/* The identity that signs, known already or to be looked for. */
static void find_signer(struct svc *svc, struct svc_name *name)
{
	const Ponto__Pnrp__V1__RegisterRequest *request = name->request;
	bool named = request->identity && *request->identity;
	struct svc_signer node = {.owner = SVC_NODE_OWNER, .identity = svc->node_identity};
	int result;

	if ((named && strlen(request->identity) != PONTO_IDENTITY_ID - 1) ||
	    (request->chain && *request->chain && strlen(request->chain) != PONTO_IDENTITY_ID - 1)) {
		fail_name(svc, name, PONTO_EINVAL, "the ID of an identity or a chain has 40 hexadecimal digits");
		return;
	}
	if (!named && !is_secured(name) && svc->node_identity.id[0]) {
		svc_name_signed(svc, name->token, &node);
		return;
	}
	result = svc_find_signer(svc, name);
	if (result != PONTO_OK)
		fail_name(svc, name, result, ponto_strerror(result));
}

/* ---- calls --------------------------------------------------------------------------------- */

/* takes request */
static struct svc_name *add_name(struct svc *svc, Ponto__Pnrp__V1__RegisterRequest *request, uint32_t uid)
{
	struct svc_name *name = ponto_new(svc->env->alloc, 1, sizeof(*name));

	if (!name) {
		ponto__pnrp__v1__register_request__free_unpacked(request, NULL);
		return NULL;
	}
	name->request = request;
	name->uid = uid;
	name->token = svc->next_token++;
	name->next = svc->names;
	svc->names = name;
	return name;
}

/* Whether this user may register one more. */
static bool has_share(const struct svc *svc, uint32_t uid)
{
	size_t own = 0, total = 0;

	for (const struct svc_name *name = svc->names; name; name = name->next) {
		own += name->uid == uid;
		total++;
	}
	return ponto_share(own, total, SVC_NAMES_MAX);
}

/* PONTO_OK: the name may be registered. A kept one that failed makes place for another attempt. */
static int admit(struct svc *svc, const Ponto__Pnrp__V1__RegisterRequest *request, uint32_t uid, uint64_t client,
		 const char **why)
{
	struct svc_name *name;
	int result = check_request(request, why);

	if (result != PONTO_OK)
		return result;
	name = find_name(svc, uid, request->name, client, request->instance);
	if (name && (!name->failure || name->call)) {
		*why = "already registered here";
		return PONTO_EEXIST;
	}
	if (name) {
		drop_name(svc, name);
	} else if (!has_share(svc, uid)) {
		*why = "too many names are registered here by you";
		return PONTO_EBUSY;
	}
	return PONTO_OK;
}

void svc_name_register(struct svc *svc, struct ponto_call *call, ProtobufCMessage *message)
{
	Ponto__Pnrp__V1__RegisterRequest *request = (Ponto__Pnrp__V1__RegisterRequest *)message;
	const char *why = NULL;
	struct svc_name *name;
	uint64_t client = request->client_lifetime ? call->client : 0;
	int result = admit(svc, request, call->uid, client, &why);

	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s: %s", request->name, why);
		ponto__pnrp__v1__register_request__free_unpacked(request, NULL);
		return;
	}
	name = add_name(svc, request, call->uid);
	if (!name) {
		ponto_refuse(call, PONTO_ENOMEM, "%s", ponto_strerror(PONTO_ENOMEM));
		return;
	}
	name->call = call;
	name->client = client;
	name->pid = call->pid;
	result = read_endpoints(svc, name, &why);
	if (result != PONTO_OK)
		fail_name(svc, name, result, why);
	else
		find_signer(svc, name);
	svc_pump(svc);
}

void svc_name_restore(struct svc *svc, Ponto__Pnrp__V1__RegisterRequest *request, uint32_t uid)
{
	const char *why = NULL;
	struct svc_name *name;
	int result = check_request(request, &why);

	if (result == PONTO_OK && find_name(svc, uid, request->name, 0, 0)) {
		ponto__pnrp__v1__register_request__free_unpacked(request, NULL);
		return;
	}
	name = add_name(svc, request, uid);
	if (!name) {
		ponto_error(svc->env->log, TOPIC, "a kept registration cannot be restored: out of memory");
		return;
	}
	name->from_store = true;
	if (result == PONTO_OK)
		result = read_endpoints(svc, name, &why);
	if (result != PONTO_OK)
		fail_name(svc, name, result, why);
	else
		find_signer(svc, name);
}

/* The engine revokes it and says GONE; the name leaves the list then. */
static void unregister(struct svc *svc, struct svc_name *name)
{
	name->state = PNRP_REGISTRATION_GONE;
	if (name->failure || pnrp_engine_unregister(svc->engine, svc_now(svc), name->handle) != PONTO_OK)
		drop_name(svc, name);
}

static void reply_unregistered(struct svc *svc, struct ponto_call *call)
{
	Ponto__Pnrp__V1__UnregisterReply reply = PONTO__PNRP__V1__UNREGISTER_REPLY__INIT;

	ponto_answer(svc->env->alloc, call, &reply.base);
}

/* The record is gone for good: only now may the name go, and the client be told. */
static void forgotten(struct svc *svc, uint64_t token, int result)
{
	struct svc_name *name = svc_name_by_token(svc, token);
	struct ponto_call *call;

	if (!name)
		return;
	call = name->call;
	name->call = NULL;
	if (result != PONTO_OK && result != PONTO_ENOENT) {
		ponto_refuse(call, result, "%s: stays registered: it cannot be forgotten: %s", name->request->name,
			   ponto_strerror(result));
		return;
	}
	reply_unregistered(svc, call);
	unregister(svc, name);
}

/* No such name is registered, but one may be kept that could not be restored. */
static void forgotten_unseen(struct svc *svc, struct ponto_call *call, const char *name, int result)
{
	if (result == PONTO_OK)
		reply_unregistered(svc, call);
	else if (result == PONTO_ENOENT)
		ponto_refuse(call, result, "%s: not registered here by you", name);
	else
		ponto_refuse(call, result, "%s: cannot be forgotten: %s", name, ponto_strerror(result));
}

void svc_name_unregister(struct svc *svc, struct ponto_call *call, ProtobufCMessage *message)
{
	Ponto__Pnrp__V1__UnregisterRequest *request = (Ponto__Pnrp__V1__UnregisterRequest *)message;
	struct svc_name *name = find_meant(svc, call, request);

	if (!name && svc->has_store && !request->has_instance) {
		svc_kept_forget(svc, call, request->name, forgotten_unseen);
	} else if (!name) {
		forgotten_unseen(svc, call, request->name, PONTO_ENOENT);
	} else if (name->call || (!name->handle && !name->failure)) {
		ponto_refuse(call, PONTO_EBUSY, "%s: is being registered or unregistered", request->name);
	} else if (svc->has_store && !name->client) {
		name->call = call;
		svc_kept_remove(svc, name, forgotten);
	} else {
		reply_unregistered(svc, call);
		unregister(svc, name);
	}
	ponto__pnrp__v1__unregister_request__free_unpacked(request, NULL);
	svc_pump(svc);
}

size_t svc_name_count(const struct svc *svc)
{
	size_t count = 0;

	for (const struct svc_name *name = svc->names; name; name = name->next)
		count++;
	return count;
}

void svc_name_list(struct svc *svc, struct ponto_arena *arena, const struct ponto_call *call,
		   Ponto__Pnrp__V1__NamesReply *reply)
{
	for (const struct svc_name *name = svc->names; name; name = name->next) {
		Ponto__Pnrp__V1__NameInfo *info;

		if (name->state == PNRP_REGISTRATION_GONE || (name->uid != call->uid && !call->admin))
			continue;
		info = ponto_arena_take(arena, 1, sizeof(*info));
		if (!info)
			return;
		svc_name_fill(svc, arena, name, info);
		reply->name[reply->n_name++] = info;
	}
}

/* ---- what happens meanwhile ------------------------------------------------------------------ */

void svc_name_changed(struct svc *svc, uint64_t handle, uint64_t token, enum pnrp_registration_state state)
{
	struct svc_name *name = svc_name_by_token(svc, token);

	if (!name || name->handle != handle)
		return; /* an earlier registration of a name that moved to new addresses */
	name->state = state;
	name_event(svc, name);
	if (state == PNRP_REGISTRATION_GONE)
		drop_name(svc, name);
}

/* Names that stand for the node's own addresses are registered anew with the new ones. */
void svc_name_addresses_changed(struct svc *svc)
{
	struct svc_name *next;

	for (struct svc_name *name = svc->names; name; name = next) {
		uint64_t old = name->handle;

		next = name->next;
		if (!name->own_endpoints || !old || name->state == PNRP_REGISTRATION_GONE)
			continue;
		own_endpoints(svc, name);
		if (name->endpoint_count == 0)
			continue; /* no address now: the next change brings one */
		if (pnrp_engine_unregister(svc->engine, svc_now(svc), old) != PONTO_OK ||
		    into_engine(svc, name) != PONTO_OK) {
			ponto_error(svc->env->log, TOPIC, "%s: lost at the change of addresses", name->request->name);
			drop_name(svc, name);
		}
	}
}

void svc_name_client_gone(struct svc *svc, uint64_t client)
{
	struct svc_name *next;

	for (struct svc_name *name = svc->names; name; name = next) {
		next = name->next;
		if (name->client != client || name->state == PNRP_REGISTRATION_GONE)
			continue;
		if (name->handle || name->failure)
			unregister(svc, name);
		else
			name->orphan = true; /* its identity is being looked up */
	}
}

/* ---- chains that end --------------------------------------------------------------------------- */

#define CHAIN_LOOK (60 * PONTO_SECOND)			   /* for a new one, from the warning on */
#define CHAIN_WARNING (UINT64_C(24) * 3600 * PONTO_SECOND) /* before it ends */

/* Nobody believes the name any more. Its end is told as that of the old registration, which is not this name's. */
static void expire(struct svc *svc, struct svc_name *name)
{
	uint64_t handle = name->handle;

	ponto_error(svc->env->log, TOPIC,
		    "%s: its certificate chain has expired; it is registered again when there is a new one",
		    name->request->name);
	name->failure = "its certificate chain has expired";
	name->handle = 0;
	if (pnrp_engine_unregister(svc->engine, svc_now(svc), handle) != PONTO_OK)
		ponto_debug(svc->env->log, TOPIC, "%s: was gone already", name->request->name);
	name_event(svc, name);
}

static void warn(struct svc *svc, struct svc_name *name, uint64_t left)
{
	name->warned = true;
	ponto_warning(svc->env->log, TOPIC, "%s: its certificate chain expires in %u minutes", name->request->name,
		      (unsigned)(left / (60 * PONTO_SECOND)));
	name_event(svc, name);
}

void svc_name_tick(struct svc *svc)
{
	uint64_t now = svc_now(svc), wall = ponto_wall(svc->env->clock), next = PONTO_NEVER;

	if (now < svc->chains_at)
		return;
	for (struct svc_name *name = svc->names; name; name = name->next) {
		uint64_t left = name->chain_until > wall ? name->chain_until - wall : 0;
		uint64_t wait = left > 0 && left < CHAIN_LOOK ? left : CHAIN_LOOK;

		if (name->chain_until == 0 || name->state == PNRP_REGISTRATION_GONE)
			continue;
		next = now + wait < next ? now + wait : next;
		if (name->call)
			continue; /* at the next look */
		if (!name->failure && left == 0)
			expire(svc, name);
		else if (!name->failure && !name->warned && left <= CHAIN_WARNING)
			warn(svc, name, left);
		if ((name->warned || name->failure) && !name->renewing && svc_find_signer(svc, name) == PONTO_OK)
			name->renewing = true;
	}
	svc->chains_at = next;
}
