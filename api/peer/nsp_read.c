#include <string.h>

#include "api/peer/nsp.h"
#include "api/peer/result.h"
#include "api/peer/text.h"

#define TIMEOUT_MAX_S 600

static bool is(const GUID *a, const GUID *b)
{
	return a && IsEqualGUID(a, b);
}

int nsp_read_class(const WSAQUERYSETW *set, bool *names)
{
	const GUID *provider = set->lpNSProviderId;

	if (set->dwSize < sizeof(*set))
		return WSAEINVAL;
	*names = is(set->lpServiceClassId, &SVCID_PNRPNAME_V1) || is(set->lpServiceClassId, &SVCID_PNRPNAME_V2);
	if (!*names && !is(set->lpServiceClassId, &SVCID_PNRPCLOUD))
		return WSASERVICE_NOT_FOUND;
	if (provider && !is(provider, *names ? &NS_PROVIDER_PNRPNAME : &NS_PROVIDER_PNRPCLOUD))
		return WSASERVICE_NOT_FOUND;
	if (*names ? set->dwNameSpace != NS_PNRPNAME && set->dwNameSpace != NS_ALL : set->dwNameSpace != NS_PNRPCLOUD)
		return WSASERVICE_NOT_FOUND;
	return 0;
}

int nsp_read_info(const WSAQUERYSETW *set, PNRPINFO_V2 *out)
{
	const BLOB *blob = set->lpBlob;
	DWORD size;

	memset(out, 0, sizeof(*out));
	if (!blob)
		return 0;
	if (!blob->pBlobData)
		return WSAEFAULT;
	if (blob->cbSize < sizeof(PNRPINFO_V1))
		return WSAEINVAL;
	memcpy(&size, blob->pBlobData, sizeof(size));
	if ((size != sizeof(PNRPINFO_V1) && size != sizeof(PNRPINFO_V2)) || blob->cbSize < size)
		return WSAEINVAL;
	memcpy(out, blob->pBlobData, size);
	if (out->dwTimeout > TIMEOUT_MAX_S || (out->dwFlags & ~(DWORD)PNRPINFO_HINT) ||
	    (unsigned)out->enResolveCriteria > PNRP_RESOLVE_CRITERIA_NEAREST_PEER_NAME)
		return WSAEINVAL;
	return 0;
}

int nsp_read_hint(const PNRPINFO_V2 *info, bool *has, uint8_t prefix[8])
{
	const SOCKADDR_IN6 *hint = (const SOCKADDR_IN6 *)(const void *)info->saHint.lpSockaddr;

	*has = info->dwFlags & PNRPINFO_HINT;
	if (!*has)
		return 0;
	if (!hint || info->saHint.iSockaddrLength < (INT)sizeof(*hint) || hint->sin6_family != AF_INET6)
		return WSAEINVAL;
	memcpy(prefix, &hint->sin6_addr, 8);
	return 0;
}

static const struct peer_cloud *default_cloud(const struct peer_clouds *clouds)
{
	const struct peer_cloud *found = NULL;

	for (size_t i = 0; i < clouds->count; i++) {
		const struct peer_cloud *cloud = &clouds->cloud[i];

		if (cloud->state == PNRP_CLOUD_STATE_DISABLED)
			continue;
		if (cloud->scope == PNRP_GLOBAL_SCOPE)
			return cloud;
		if (!found && strcmp(cloud->service, "pnrp") == 0)
			found = cloud;
	}
	return found;
}

int nsp_read_cloud(PCWSTR context, char out[64])
{
	const struct peer_cloud *cloud;
	struct peer_clouds clouds;
	HRESULT result;

	if (context && *context)
		return FAILED(peer_text_utf8(context, PEER_CLOUD_UNITS - 1, out, 64)) ? WSA_PNRP_CLOUD_NOT_FOUND : 0;
	result = peer_clouds(false, &clouds);
	if (FAILED(result))
		return peer_result_wsa(result);
	cloud = default_cloud(&clouds);
	if (!cloud)
		return WSA_PNRP_CLOUD_NOT_FOUND;
	memcpy(out, cloud->name, sizeof(cloud->name));
	return 0;
}
