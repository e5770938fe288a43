#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/peer/clouds.h"
#include "api/peer/link.h"
#include "api/peer/registration.h"
#include "api/peer/result.h"

#define TIMEOUT_MS 15000 /* the first name of a user may have to wait for a key to be made */
#define LOST_MS 100	 /* for a daemon that has just been waited for: it is told, heard or not */

/* The registration in one cloud. */
struct placement {
	struct placement *next;
	char service[PEER_SERVICE_TEXT];
	char cloud[64];
	uint64_t session; /* the keeper's connection that carried it; 0: not registered */
};

struct peer_registration {
	struct handle_object object;
	struct peer_registration *next; /* listed; one reference */
	bool listed;
	HANDLE handle;
	uint64_t instance; /* tells the process's registrations of one name apart */
	struct placement *placements;
	struct peer_publication publication;
};

static struct {
	pthread_mutex_t lock; /* of everything here; held during calls to the daemon */
	struct ponto_client *keeper;
	struct peer_registration *first;
	uint64_t instances;
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void free_placements(struct placement *p)
{
	while (p) {
		struct placement *next = p->next;

		free(p);
		p = next;
	}
}

static void destroy(struct handle_object *object)
{
	struct peer_registration *r = (struct peer_registration *)object;

	free_placements(r->placements);
	free(r);
}

const struct handle_type peer_registration_type = {.name = "registration", .destroy = destroy, .private_close = true};

void peer_registration_put(struct peer_registration *r)
{
	if (r)
		handle_put(&r->object);
}

/* ---- the keeper ----------------------------------------------------------------------------- */

static HRESULT keeper_call(const char *service, const char *method, const ProtobufCMessage *request,
			   unsigned timeout_ms, int *code)
{
	struct ponto_reply reply;
	HRESULT result = own.keeper ? S_OK : link_client(false, &own.keeper);

	if (SUCCEEDED(result))
		result = link_call_over(own.keeper, service, method, request, timeout_ms, &reply);
	if (FAILED(result))
		return result;
	*code = reply.result;
	ponto_reply_clear(own.keeper, &reply);
	return S_OK;
}

/* The keeper's present connection; 0: none. */
static uint64_t session_now(void)
{
	uint64_t called = 0, now = 0;

	if (own.keeper)
		ponto_client_sessions(own.keeper, &called, &now);
	return now;
}

static uint64_t session_called(void)
{
	uint64_t called, now;

	if (!own.keeper)
		return 0;
	ponto_client_sessions(own.keeper, &called, &now);
	return called;
}

/* ---- one cloud -------------------------------------------------------------------------------- */

struct packed {
	Ponto__Pnrp__V1__RegisterRequest request;
	Ponto__Pnrp__V1__Endpoint endpoint[PNRP_MAX_ENDPOINT_ADDRESSES], *pointer[PNRP_MAX_ENDPOINT_ADDRESSES];
	char text[PNRP_MAX_ENDPOINT_ADDRESSES][PONTO_ADDR_TEXT];
};

static void pack_endpoints(const struct peer_publication *p, struct packed *out)
{
	for (size_t i = 0; i < p->count; i++) {
		struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6};
		Ponto__Pnrp__V1__Endpoint *endpoint = out->pointer[i] = &out->endpoint[i];

		memcpy(addr.ip, p->address[i].ip, 16);
		ponto__pnrp__v1__endpoint__init(endpoint);
		endpoint->address = (char *)(uintptr_t)ponto_addr_format(&addr, out->text[i]);
		endpoint->port = p->address[i].port;
		endpoint->protocol = p->address[i].protocol;
	}
	out->request.endpoint = out->pointer;
	out->request.n_endpoint = p->count;
}

/* borrows publication, as long as out is used */
static void pack(const struct peer_publication *p, uint64_t instance, const char *cloud, struct packed *out)
{
	Ponto__Pnrp__V1__RegisterRequest *request = &out->request;

	ponto__pnrp__v1__register_request__init(request);
	request->name = (char *)(uintptr_t)p->name;
	request->cloud = (char *)(uintptr_t)cloud;
	request->has_client_lifetime = request->client_lifetime = true;
	request->has_instance = true;
	request->instance = instance;
	request->comment = *p->comment ? (char *)(uintptr_t)p->comment : NULL;
	request->identity = *p->identity ? (char *)(uintptr_t)p->identity : NULL;
	request->has_payload = p->payload_len > 0;
	request->payload.data = (uint8_t *)(uintptr_t)p->payload;
	request->payload.len = p->payload_len;
	request->has_payload_text = request->payload_text = p->payload_text;
	request->has_own_port = p->automatic;
	request->own_port = p->port;
	request->has_prefix = p->has_prefix;
	request->prefix.data = (uint8_t *)(uintptr_t)p->prefix;
	request->prefix.len = p->has_prefix ? sizeof(p->prefix) : 0;
	pack_endpoints(p, out);
}

/* A refusal may be the cloud's, which is asked again, or be about the identity. */
static HRESULT refusal(const struct peer_publication *p, const struct placement *at)
{
	struct peer_clouds clouds;

	if (SUCCEEDED(peer_clouds(true, &clouds))) {
		for (size_t i = 0; i < clouds.count; i++) {
			if (strcmp(clouds.cloud[i].service, at->service) != 0 ||
			    strcmp(clouds.cloud[i].name, at->cloud) != 0)
				continue;
			if (clouds.cloud[i].state == PNRP_CLOUD_STATE_DISABLED)
				return PEER_E_CLOUD_DISABLED;
			if (clouds.cloud[i].resolve_only)
				return PEER_E_CLOUD_IS_SEARCH_ONLY;
		}
	}
	return *p->identity ? PEER_E_IDENTITY_NOT_FOUND : PEER_E_INVALID_IDENTITY;
}

static void displace(const struct peer_publication *p, uint64_t instance, const struct placement *at,
		     unsigned timeout_ms)
{
	Ponto__Pnrp__V1__UnregisterRequest request = PONTO__PNRP__V1__UNREGISTER_REQUEST__INIT;
	int code;

	if (at->session == 0 || at->session != session_now())
		return; /* it went with its connection */
	request.name = (char *)(uintptr_t)p->name;
	request.cloud = (char *)(uintptr_t)at->cloud;
	request.has_instance = true;
	request.instance = instance;
	(void)keeper_call(at->service, "Unregister", &request.base, timeout_ms, &code);
}

static HRESULT place(const struct peer_publication *p, uint64_t instance, struct placement *at)
{
	struct packed packed;
	int code = PONTO_OK;
	HRESULT result;

	pack(p, instance, at->cloud, &packed);
	result = keeper_call(at->service, "Register", &packed.request.base, TIMEOUT_MS, &code);
	if (FAILED(result)) { /* only its answer may be lost, and nobody would ever end it */
		at->session = session_called();
		displace(p, instance, at, LOST_MS);
		at->session = 0;
		return result;
	}
	if (code == PONTO_EACCES)
		return refusal(p, at);
	if (code == PONTO_ENOENT) /* the cloud is of another name by now */
		return PEER_E_CLOUD_NOT_FOUND;
	if (code != PONTO_OK && code != PONTO_EEXIST) /* that one is ours: an answer that was lost */
		return peer_result_pnrp(code);
	at->session = session_called();
	return S_OK;
}

static void displace_all(const struct peer_publication *p, uint64_t instance, const struct placement *placements)
{
	for (const struct placement *at = placements; at; at = at->next)
		displace(p, instance, at, TIMEOUT_MS);
}

/* ---- every cloud that is meant ------------------------------------------------------------------ */

static struct placement *find_placement(struct placement *p, const struct peer_cloud *cloud)
{
	while (p && (strcmp(p->service, cloud->service) != 0 || strcmp(p->cloud, cloud->name) != 0))
		p = p->next;
	return p;
}

static struct placement *add_placement(struct placement **list, const struct peer_cloud *cloud)
{
	struct placement *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	snprintf(p->service, sizeof(p->service), "%s", cloud->service);
	snprintf(p->cloud, sizeof(p->cloud), "%s", cloud->name);
	p->next = *list;
	*list = p;
	return p;
}

static const char *cloud_of(const struct peer_publication *p)
{
	return p->every ? NULL : p->cloud;
}

/* Places what is not placed. The first fault, S_OK when there was none; *placed: in how many clouds it is. */
static HRESULT place_all(const struct peer_publication *p, uint64_t instance, struct placement **list, size_t *placed)
{
	struct peer_clouds clouds;
	size_t chosen[PEER_CLOUDS_MAX], count;
	uint64_t session = session_now();
	HRESULT result = peer_clouds(false, &clouds), fault = S_OK;

	*placed = 0;
	if (SUCCEEDED(result))
		result = peer_clouds_match(&clouds, cloud_of(p), chosen, &count);
	if (FAILED(result))
		return result;
	for (size_t i = 0; i < count; i++) {
		const struct peer_cloud *cloud = &clouds.cloud[chosen[i]];
		struct placement *at = find_placement(*list, cloud);

		result = S_OK;
		if (at && at->session && at->session == session)
			goto there;
		if (cloud->resolve_only)
			result = PEER_E_CLOUD_IS_SEARCH_ONLY;
		else if (!at && !(at = add_placement(list, cloud)))
			result = E_OUTOFMEMORY;
		else
			result = place(p, instance, at);
	there:
		if (SUCCEEDED(result))
			++*placed;
		else if (SUCCEEDED(fault))
			fault = result;
	}
	return fault;
}

/* In one cloud is enough where several are meant. */
static HRESULT settle(HRESULT fault, size_t placed)
{
	return placed > 0 ? S_OK : fault;
}

/* ---- the list ------------------------------------------------------------------------------------- */

static bool same_addresses(const struct peer_publication *a, const struct peer_publication *b)
{
	if (a->automatic || b->automatic)
		return a->automatic == b->automatic && a->port == b->port;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		size_t j = 0;

		while (j < b->count && memcmp(&a->address[i], &b->address[j], sizeof(a->address[i])) != 0)
			j++;
		if (j == b->count)
			return false;
	}
	return true;
}

static bool same_cloud(const struct peer_publication *a, const struct peer_publication *b)
{
	return a->every || b->every || strcasecmp(a->cloud, b->cloud) == 0;
}

static bool is_duplicate(const struct peer_publication *p, const struct peer_registration *but)
{
	for (const struct peer_registration *r = own.first; r; r = r->next) {
		if (r != but && strcmp(r->publication.name, p->name) == 0 && same_cloud(&r->publication, p) &&
		    same_addresses(&r->publication, p))
			return true;
	}
	return false;
}

static void list(struct peer_registration *r)
{
	(void)handle_hold(&r->object);
	r->listed = true;
	r->next = own.first;
	own.first = r;
}

static void unlist(struct peer_registration *r)
{
	struct peer_registration **at = &own.first;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->listed = false;
	handle_put(&r->object);
}

HRESULT peer_publish(const struct peer_publication *publication, struct peer_registration **out)
{
	struct peer_registration *r = calloc(1, sizeof(*r));
	size_t placed;
	HRESULT result;

	if (!r)
		return E_OUTOFMEMORY;
	handle_init(&r->object, &peer_registration_type);
	r->publication = *publication;
	pthread_mutex_lock(&own.lock);
	r->instance = ++own.instances;
	if (is_duplicate(publication, NULL)) {
		result = PEER_E_PNRP_DUPLICATE_PEER_NAME;
	} else {
		result = place_all(&r->publication, r->instance, &r->placements, &placed);
		result = settle(result, placed);
	}
	if (SUCCEEDED(result))
		list(r);
	pthread_mutex_unlock(&own.lock);
	if (FAILED(result)) {
		handle_put(&r->object);
		return result;
	}
	*out = r;
	return S_OK;
}

/* The new one is there before the old one goes. */
HRESULT peer_republish(struct peer_registration *r, const struct peer_publication *publication)
{
	struct placement *placements = NULL;
	uint64_t instance;
	size_t placed;
	HRESULT result = E_INVALIDARG;

	pthread_mutex_lock(&own.lock);
	instance = ++own.instances;
	if (!r->listed)
		goto out;
	result = PEER_E_PNRP_DUPLICATE_PEER_NAME;
	if (is_duplicate(publication, r))
		goto out;
	result = place_all(publication, instance, &placements, &placed);
	result = settle(result, placed);
	if (FAILED(result))
		goto out;
	displace_all(&r->publication, r->instance, r->placements);
	free_placements(r->placements);
	r->publication = *publication;
	r->instance = instance;
	r->placements = placements;
	placements = NULL;
out:
	pthread_mutex_unlock(&own.lock);
	free_placements(placements);
	return result;
}

static bool unpublish(struct peer_registration *r)
{
	if (!r->listed)
		return false;
	displace_all(&r->publication, r->instance, r->placements);
	unlist(r);
	return true;
}

bool peer_unpublish(struct peer_registration *r)
{
	bool result;

	pthread_mutex_lock(&own.lock);
	result = unpublish(r);
	pthread_mutex_unlock(&own.lock);
	return result;
}

void peer_publication_of(struct peer_registration *r, struct peer_publication *out)
{
	pthread_mutex_lock(&own.lock);
	*out = r->publication;
	pthread_mutex_unlock(&own.lock);
}

struct peer_registration *peer_registration_find(enum peer_owner owner, const char *name, const char *cloud)
{
	struct peer_registration *found = NULL;

	pthread_mutex_lock(&own.lock);
	for (struct peer_registration *r = own.first; r && !found; r = r->next) {
		if (r->publication.owner == owner && strcmp(r->publication.name, name) == 0 &&
		    strcasecmp(r->publication.cloud, cloud) == 0)
			found = (struct peer_registration *)handle_hold(&r->object);
	}
	pthread_mutex_unlock(&own.lock);
	return found;
}

void peer_registration_opened(struct peer_registration *r, HANDLE handle)
{
	pthread_mutex_lock(&own.lock);
	r->handle = handle;
	pthread_mutex_unlock(&own.lock);
}

/* ---- renewal and ends --------------------------------------------------------------------------------- */

size_t peer_registrations_close(enum peer_owner owner)
{
	struct peer_registration *next;
	size_t count = 0;

	pthread_mutex_lock(&own.lock);
	for (struct peer_registration *r = own.first; r; r = next) {
		HANDLE handle = r->handle;

		next = r->next;
		if (r->publication.owner != owner)
			continue;
		count += unpublish(r);
		if (handle)
			(void)handle_close(handle, &peer_registration_type);
	}
	if (!own.first) {
		ponto_client_destroy(own.keeper);
		own.keeper = NULL;
	}
	pthread_mutex_unlock(&own.lock);
	return count;
}

bool peer_registrations_renew(void)
{
	bool complete = true;

	pthread_mutex_lock(&own.lock);
	for (struct peer_registration *r = own.first; r; r = r->next) {
		size_t placed;

		if (FAILED(place_all(&r->publication, r->instance, &r->placements, &placed)))
			complete = false;
	}
	pthread_mutex_unlock(&own.lock);
	return complete;
}

/* Their memory is the parent's affair, the keeper's sockets too. */
void peer_registrations_forget(void)
{
	pthread_mutex_init(&own.lock, NULL);
	own.first = NULL;
	own.keeper = NULL;
}
