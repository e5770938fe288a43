#include "api/peer/clouds.h"

#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/peer/ask.h"
#include "api/peer/link.h"
#include "api/peer/result.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define TIMEOUT_MS 5000
#define ALL_LINKS "PEER_PNRP_ALL_LINKS"

static struct {
	pthread_mutex_t lock;
	bool watched;	  /* the link's thread tells changes */
	bool known;	  /* last is true */
	unsigned changes; /* told so far */
	struct peer_clouds last;
	struct peer_clouds heard; /* services: whose changes the link's thread hears; its own, not locked */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- asking -------------------------------------------------------------------------------- */

static HRESULT ask_services(struct peer_clouds *out)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	const struct peer_question question = {"node", "Status", &ponto__node__v1__status_reply__descriptor,
					       peer_result};
	const Ponto__Node__V1__StatusReply *status;
	ProtobufCMessage *reply;
	HRESULT result = peer_ask(&question, &request.base, TIMEOUT_MS, -1, &reply);

	if (FAILED(result))
		return result;
	status = (const Ponto__Node__V1__StatusReply *)reply;
	out->started = status->started_us;
	out->services = 0;
	for (size_t i = 0; i < status->n_instance && out->services < PEER_CLOUDS_MAX; i++) {
		if (strcmp(status->instance[i]->plugin, "service-pnrp") == 0)
			snprintf(out->service[out->services++], PEER_SERVICE_TEXT, "%s", status->instance[i]->name);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return out->services > 0 ? S_OK : PEER_E_CANNOT_START_SERVICE;
}

static PNRP_CLOUD_STATE state_of(const char *text)
{
	static const char *const names[] = {
		[PNRP_CLOUD_STATE_VIRTUAL] = "virtual",	  [PNRP_CLOUD_STATE_SYNCHRONISING] = "synchronizing",
		[PNRP_CLOUD_STATE_ACTIVE] = "active",	  [PNRP_CLOUD_STATE_DEAD] = "dead",
		[PNRP_CLOUD_STATE_DISABLED] = "disabled", [PNRP_CLOUD_STATE_NO_NET] = "no net",
		[PNRP_CLOUD_STATE_ALONE] = "alone",
	};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], text) == 0)
			return (PNRP_CLOUD_STATE)i;
	}
	return PNRP_CLOUD_STATE_VIRTUAL;
}

static PNRP_SCOPE scope_of(const char *text)
{
	return strcmp(text, "global") == 0 ? PNRP_GLOBAL_SCOPE
	       : strcmp(text, "site") == 0 ? PNRP_SITE_LOCAL_SCOPE
					   : PNRP_LINK_LOCAL_SCOPE;
}

static void add(struct peer_clouds *out, const char *service, const Ponto__Pnrp__V1__CloudInfo *info)
{
	struct peer_cloud *cloud = &out->cloud[out->count];

	if (out->count == PEER_CLOUDS_MAX)
		return;
	out->count++;
	memset(cloud, 0, sizeof(*cloud));
	snprintf(cloud->service, sizeof(cloud->service), "%s", service);
	snprintf(cloud->name, sizeof(cloud->name), "%s", info->name);
	cloud->scope = scope_of(info->scope);
	cloud->scope_id = info->zone;
	if (strcmp(info->scope, "loopback") == 0)
		cloud->scope_id = if_nametoindex("lo");
	cloud->state = state_of(info->state);
	cloud->resolve_only = info->resolve_only;
	cloud->named = cloud->state == PNRP_CLOUD_STATE_DISABLED;
}

/* A service that refuses is on its way out: it has no cloud. */
static HRESULT none_or(int ponto)
{
	return ponto == PONTO_OK ? S_OK : S_FALSE;
}

static HRESULT ask_clouds(struct peer_clouds *out, const char *service)
{
	Ponto__Pnrp__V1__CloudsRequest request = PONTO__PNRP__V1__CLOUDS_REQUEST__INIT;
	const struct peer_question question = {service, "Clouds", &ponto__pnrp__v1__clouds_reply__descriptor, none_or};
	const Ponto__Pnrp__V1__CloudsReply *clouds;
	ProtobufCMessage *reply;
	HRESULT result = peer_ask(&question, &request.base, TIMEOUT_MS, -1, &reply);

	if (result != S_OK)
		return FAILED(result) ? result : S_OK;
	clouds = (const Ponto__Pnrp__V1__CloudsReply *)reply;
	for (size_t i = 0; i < clouds->n_cloud; i++)
		add(out, service, clouds->cloud[i]);
	protobuf_c_message_free_unpacked(reply, NULL);
	return S_OK;
}

HRESULT peer_clouds(bool fresh, struct peer_clouds *out)
{
	unsigned changes;
	HRESULT result;
	bool known;

	pthread_mutex_lock(&cache.lock);
	known = cache.known && cache.watched && !fresh;
	changes = cache.changes;
	if (known)
		*out = cache.last;
	pthread_mutex_unlock(&cache.lock);
	if (known)
		return S_OK;
	memset(out, 0, sizeof(*out));
	result = ask_services(out);
	for (size_t i = 0; SUCCEEDED(result) && i < out->services; i++)
		result = ask_clouds(out, out->service[i]);
	if (FAILED(result))
		return result;
	pthread_mutex_lock(&cache.lock);
	if (changes == cache.changes) {
		cache.last = *out;
		cache.known = true;
	}
	pthread_mutex_unlock(&cache.lock);
	return S_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* "Global_" is also written "GLOBAL_" and "Global". */
static bool is_called(const struct peer_cloud *cloud, const char *name)
{
	size_t len = strlen(name);

	return strcasecmp(cloud->name, name) == 0 ||
	       (cloud->scope == PNRP_GLOBAL_SCOPE && strncasecmp(cloud->name, name, len) == 0 &&
		strcmp(cloud->name + len, "_") == 0);
}

static bool is_off(const struct peer_cloud *cloud)
{
	return cloud->state == PNRP_CLOUD_STATE_DISABLED || cloud->state == PNRP_CLOUD_STATE_DEAD;
}

static HRESULT match_one(const struct peer_clouds *clouds, const char *name, size_t *out)
{
	size_t count = 0;

	for (size_t i = 0; i < clouds->count; i++) {
		if (is_called(&clouds->cloud[i], name)) {
			*out = i;
			count++;
		}
	}
	if (count != 1)
		return count ? PEER_E_CLOUD_NAME_AMBIGUOUS : PEER_E_CLOUD_NOT_FOUND;
	if (clouds->cloud[*out].state == PNRP_CLOUD_STATE_DISABLED)
		return PEER_E_CLOUD_DISABLED;
	return is_off(&clouds->cloud[*out]) ? PEER_E_CLOUD_IS_DEAD : S_OK;
}

HRESULT peer_clouds_match(const struct peer_clouds *clouds, const char *name, size_t out[PEER_CLOUDS_MAX],
			  size_t *count)
{
	bool links = name && strcmp(name, ALL_LINKS) == 0;

	if (name && !links) {
		*count = 1;
		return match_one(clouds, name, out);
	}
	*count = 0;
	for (size_t i = 0; i < clouds->count; i++) {
		const struct peer_cloud *cloud = &clouds->cloud[i];

		if (!is_off(cloud) && (!links || cloud->scope == PNRP_LINK_LOCAL_SCOPE))
			out[(*count)++] = i;
	}
	return *count ? S_OK : PEER_E_NO_CLOUD;
}

/* ---- changes ------------------------------------------------------------------------------------ */

void peer_clouds_stale(void)
{
	pthread_mutex_lock(&cache.lock);
	cache.known = false;
	cache.changes++;
	pthread_mutex_unlock(&cache.lock);
}

/* A second subscription to the same would wait for an answer that never comes. */
static bool hear(struct ponto_client *client, const char *service)
{
	char topic[PEER_SERVICE_TEXT + 8];

	for (size_t i = 0; i < cache.heard.services; i++) {
		if (strcmp(cache.heard.service[i], service) == 0)
			return true;
	}
	snprintf(topic, sizeof(topic), "%s.cloud", service);
	if (cache.heard.services == PEER_CLOUDS_MAX || ponto_client_subscribe(client, topic) != PONTO_OK)
		return false;
	snprintf(cache.heard.service[cache.heard.services++], PEER_SERVICE_TEXT, "%s", service);
	return true;
}

bool peer_clouds_subscribe(struct ponto_client *client)
{
	struct peer_clouds clouds = {0};

	if (FAILED(ask_services(&clouds)))
		return false;
	for (size_t i = 0; i < clouds.services; i++) {
		if (!hear(client, clouds.service[i]))
			return false;
	}
	pthread_mutex_lock(&cache.lock);
	cache.watched = true;
	cache.known = false; /* from before there was somebody to tell */
	cache.changes++;
	pthread_mutex_unlock(&cache.lock);
	return true;
}

void peer_clouds_unwatched(void)
{
	cache.heard.services = 0;
	pthread_mutex_lock(&cache.lock);
	cache.watched = false;
	pthread_mutex_unlock(&cache.lock);
}

void peer_clouds_forget(void)
{
	pthread_mutex_init(&cache.lock, NULL);
	cache.watched = cache.known = false;
	cache.heard.services = 0;
}
