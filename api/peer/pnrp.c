/* The pnrp family: start and end, registrations, clouds. pnrp_resolve.c has the rest. */
#include "api/peer/pnrp.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "api/peer/block.h"
#include "api/peer/clouds.h"
#include "api/peer/endpoint.h"
#include "api/peer/link.h"
#include "api/peer/registration.h"
#include "api/peer/text.h"

#define PROTOCOL_TCP 6 /* an address says no protocol: what Windows publishes */

static struct {
	pthread_mutex_t lock;
	unsigned count;
} starts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- start and end ------------------------------------------------------------------------------ */

bool peer_pnrp_started(void)
{
	bool result;

	pthread_mutex_lock(&starts.lock);
	result = starts.count > 0;
	pthread_mutex_unlock(&starts.lock);
	return result;
}

static HRESULT first_start(void)
{
	struct peer_clouds clouds;
	HRESULT result = link_use();

	if (FAILED(result))
		return result;
	result = peer_clouds(true, &clouds);
	if (FAILED(result))
		link_drop();
	return result;
}

HRESULT WINAPI PeerPnrpStartup(WORD version)
{
	HRESULT result = S_OK;

	if (version != PNRP_VERSION)
		return PEER_E_UNSUPPORTED_VERSION;
	pthread_mutex_lock(&starts.lock);
	if (starts.count == 0)
		result = first_start();
	if (SUCCEEDED(result))
		starts.count++;
	pthread_mutex_unlock(&starts.lock);
	return SUCCEEDED(result) ? S_OK : result;
}

HRESULT WINAPI PeerPnrpShutdown(void)
{
	HRESULT result = S_OK;

	pthread_mutex_lock(&starts.lock);
	if (starts.count == 0) {
		result = PEER_E_NOT_INITIALIZED;
	} else if (--starts.count == 0) {
		peer_lookups_close(PEER_OWNER_PNRP);
		(void)peer_registrations_close(PEER_OWNER_PNRP);
		link_drop();
	}
	pthread_mutex_unlock(&starts.lock);
	return result;
}

void peer_pnrp_forget(void)
{
	pthread_mutex_init(&starts.lock, NULL);
	starts.count = 0;
}

/* ---- what is published ------------------------------------------------------------------------------ */

/* "authority.classifier", of which the authority is the identity; no other text names one. */
static HRESULT read_identity(PCWSTR text, char out[41])
{
	char name[PNRP_NAME_TEXT];

	if (!text)
		return S_OK;
	if (FAILED(peer_name_utf8(text, name)) || name[1] == '.')
		return PEER_E_IDENTITY_NOT_FOUND;
	memcpy(out, name, 40);
	return S_OK;
}

static HRESULT read_addresses(const PEER_PNRP_REGISTRATION_INFO *info, struct peer_publication *out)
{
	HRESULT result = S_OK;

	if (info->cAddresses == PEER_PNRP_AUTO_ADDRESSES) {
		out->automatic = true;
		out->port = info->wPort;
		return S_OK;
	}
	if (info->cAddresses > PNRP_MAX_ENDPOINT_ADDRESSES || (info->cAddresses > 0 && !info->ppAddresses) ||
	    (info->cAddresses == 0 && info->payload.cbData == 0))
		return E_INVALIDARG;
	out->count = info->cAddresses;
	for (size_t i = 0; i < out->count && SUCCEEDED(result); i++)
		result = peer_address_read(info->ppAddresses[i], PROTOCOL_TCP, &out->address[i]);
	return result;
}

static HRESULT read_payload(const PEER_DATA *data, struct peer_publication *out)
{
	if (data->cbData > PNRP_MAX_EXTENDED_PAYLOAD_BYTES || (data->cbData > 0 && !data->pbData))
		return E_INVALIDARG;
	out->payload_len = data->cbData;
	if (data->cbData > 0)
		memcpy(out->payload, data->pbData, data->cbData);
	return S_OK;
}

/* info NULL: in every cloud, at the node's own addresses. out has the name already. */
static HRESULT read_info(const PEER_PNRP_REGISTRATION_INFO *info, struct peer_publication *out)
{
	HRESULT result;

	out->owner = PEER_OWNER_PNRP;
	out->every = !info || !info->pwzCloudName;
	out->automatic = !info;
	if (!info)
		return S_OK;
	if (FAILED(peer_text_utf8(info->pwzCloudName, PEER_CLOUD_UNITS - 1, out->cloud, sizeof(out->cloud))))
		return PEER_E_CLOUD_NOT_FOUND;
	result = peer_text_utf8(info->pwzComment, PEER_COMMENT_UNITS, out->comment, sizeof(out->comment));
	if (SUCCEEDED(result))
		result = read_payload(&info->payload, out);
	if (SUCCEEDED(result))
		result = read_addresses(info, out);
	if (SUCCEEDED(result))
		result = read_identity(info->pwzPublishingIdentity, out->identity);
	return result;
}

/* ---- registrations -------------------------------------------------------------------------------------- */

HRESULT WINAPI PeerPnrpRegister(PCWSTR name, PPEER_PNRP_REGISTRATION_INFO info, HREGISTRATION *out)
{
	struct peer_publication publication = {0};
	struct peer_registration *registration;
	HANDLE handle;
	HRESULT result;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	if (!out)
		return E_INVALIDARG;
	result = peer_name_utf8(name, publication.name);
	if (SUCCEEDED(result))
		result = read_info(info, &publication);
	if (SUCCEEDED(result))
		result = peer_publish(&publication, &registration);
	if (FAILED(result))
		return result;
	if (!handle_open((struct handle_object *)registration, &handle)) {
		(void)peer_unpublish(registration);
		peer_registration_put(registration);
		return E_OUTOFMEMORY;
	}
	peer_registration_opened(registration, handle);
	*out = handle;
	return S_OK;
}

/* Cloud and number of addresses stay. */
static bool may_become(const struct peer_publication *before, const struct peer_publication *after)
{
	return before->every == after->every && strcasecmp(before->cloud, after->cloud) == 0 &&
	       before->automatic == after->automatic && before->count == after->count;
}

HRESULT WINAPI PeerPnrpUpdateRegistration(HREGISTRATION handle, PPEER_PNRP_REGISTRATION_INFO info)
{
	struct peer_publication before, after = {0};
	struct peer_registration *registration;
	HRESULT result;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	if (!info)
		return E_INVALIDARG;
	registration = (struct peer_registration *)handle_get(handle, &peer_registration_type);
	if (!registration)
		return E_INVALIDARG;
	peer_publication_of(registration, &before);
	memcpy(after.name, before.name, sizeof(after.name));
	result = read_info(info, &after);
	if (SUCCEEDED(result))
		result = may_become(&before, &after) ? peer_republish(registration, &after) : E_INVALIDARG;
	peer_registration_put(registration);
	return result;
}

HRESULT WINAPI PeerPnrpUnregister(HREGISTRATION handle)
{
	struct peer_registration *registration;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	registration = (struct peer_registration *)handle_get(handle, &peer_registration_type);
	if (!registration || !handle_close(handle, &peer_registration_type)) {
		peer_registration_put(registration);
		return E_INVALIDARG;
	}
	(void)peer_unpublish(registration);
	peer_registration_put(registration);
	return S_OK;
}

/* ---- clouds --------------------------------------------------------------------------------------------- */

static PPEER_PNRP_CLOUD_INFO pack_clouds(struct peer_block *b, const struct peer_clouds *clouds, ULONG *count)
{
	PPEER_PNRP_CLOUD_INFO array = peer_block_take(b, clouds->count * sizeof(*array));

	*count = 0;
	for (size_t i = 0; i < clouds->count; i++) {
		const struct peer_cloud *cloud = &clouds->cloud[i];
		PEER_PNRP_CLOUD_INFO info = {.dwScope = cloud->scope, .dwScopeId = cloud->scope_id};

		if (cloud->state == PNRP_CLOUD_STATE_DISABLED)
			continue; /* this node takes no part in it */
		info.pwzCloudName = peer_block_text(b, cloud->name);
		if (array)
			array[*count] = info;
		++*count;
	}
	return array;
}

HRESULT WINAPI PeerPnrpGetCloudInfo(ULONG *count, PPEER_PNRP_CLOUD_INFO *out)
{
	struct peer_block block = {0};
	struct peer_clouds clouds;
	HRESULT result;
	ULONG n;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	if (!count || !out)
		return E_INVALIDARG;
	result = peer_clouds(false, &clouds);
	if (FAILED(result))
		return result;
	(void)pack_clouds(&block, &clouds, &n);
	if (!peer_block_alloc(&block))
		return E_OUTOFMEMORY;
	*out = pack_clouds(&block, &clouds, count);
	return S_OK;
}
