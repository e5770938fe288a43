/* WSASetService: names registered through Winsock. */
#include <pthread.h>
#include <string.h>

#include "api/peer/endpoint.h"
#include "api/peer/nsp.h"
#include "api/peer/registration.h"
#include "api/peer/result.h"
#include "api/peer/text.h"
#include "api/winsock/winsock.h"

/* Two threads that register one name: the second replaces what the first did. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int read_addresses(const WSAQUERYSETW *set, struct peer_publication *out)
{
	if (set->dwNumberOfCsAddrs > PNRP_MAX_ENDPOINT_ADDRESSES)
		return WSAEINVAL;
	if (set->dwNumberOfCsAddrs > 0 && !set->lpcsaBuffer)
		return WSAEFAULT;
	out->count = set->dwNumberOfCsAddrs;
	for (size_t i = 0; i < out->count; i++) {
		const CSADDR_INFO *info = &set->lpcsaBuffer[i];
		const SOCKADDR *address = info->LocalAddr.lpSockaddr;

		if (info->iProtocol < 0 || info->iProtocol > 65535 ||
		    info->LocalAddr.iSockaddrLength < (INT)sizeof(SOCKADDR_IN) ||
		    (address && address->sa_family == AF_INET6 &&
		     info->LocalAddr.iSockaddrLength < (INT)sizeof(SOCKADDR_IN6)) ||
		    FAILED(peer_address_read(address, (uint16_t)info->iProtocol, &out->address[i])))
			return WSAEINVAL;
	}
	return out->count > 0 || out->payload_len > 0 ? 0 : WSAEINVAL;
}

static int read_payload(const PNRPINFO_V2 *info, struct peer_publication *out)
{
	char text[PNRP_MAX_EXTENDED_PAYLOAD_BYTES * 3 + 4];

	switch (info->enExtendedPayloadType) {
	case PNRP_EXTENDED_PAYLOAD_TYPE_NONE:
		return 0;
	case PNRP_EXTENDED_PAYLOAD_TYPE_BINARY:
		out->payload_len = info->blobPayload.cbSize;
		if (out->payload_len == 0 || out->payload_len > sizeof(out->payload))
			return WSAEINVAL;
		if (!info->blobPayload.pBlobData)
			return WSAEFAULT;
		memcpy(out->payload, info->blobPayload.pBlobData, out->payload_len);
		return 0;
	case PNRP_EXTENDED_PAYLOAD_TYPE_STRING:
		if (!info->pwszPayload)
			return WSAEFAULT;
		if (FAILED(peer_text_utf8(info->pwszPayload, PNRP_MAX_EXTENDED_PAYLOAD_BYTES, text, sizeof(text))))
			return WSAEINVAL;
		out->payload_len = strlen(text);
		if (out->payload_len == 0 || out->payload_len > sizeof(out->payload))
			return WSAEINVAL;
		out->payload_text = true;
		memcpy(out->payload, text, out->payload_len);
		return 0;
	default:
		return WSAEINVAL;
	}
}

static int read_identity(PCWSTR text, char out[41])
{
	char name[PNRP_NAME_TEXT];

	if (!text)
		return 0;
	if (FAILED(peer_name_utf8(text, name)) || name[1] == '.')
		return WSA_PNRP_INVALID_IDENTITY;
	memcpy(out, name, 40);
	return 0;
}

/* Name and cloud only: what a deletion needs. */
static int read_key(const WSAQUERYSETW *set, struct peer_publication *out)
{
	bool names;
	int code = nsp_read_class(set, &names);

	if (code)
		return code;
	if (!names)
		return WSASERVICE_NOT_FOUND;
	out->owner = PEER_OWNER_NSP;
	if (FAILED(peer_name_utf8(set->lpszServiceInstanceName, out->name)))
		return WSAEINVAL;
	return nsp_read_cloud(set->lpszContext, out->cloud);
}

static int read_all(const WSAQUERYSETW *set, struct peer_publication *out)
{
	PNRPINFO_V2 info;
	int code = read_key(set, out);

	if (!code && FAILED(peer_text_utf8(set->lpszComment, PEER_COMMENT_UNITS, out->comment, sizeof(out->comment))))
		code = WSAEINVAL;
	if (!code)
		code = nsp_read_info(set, &info);
	if (!code)
		code = nsp_read_hint(&info, &out->has_prefix, out->prefix);
	if (!code)
		code = read_identity(info.lpwszIdentity, out->identity);
	if (!code)
		code = read_payload(&info, out);
	return code ? code : read_addresses(set, out);
}

/* ---- register and delete ---------------------------------------------------------------------- */

/* A name that is there already in this cloud is replaced. Each registration uses the link. */
static int publish(const struct peer_publication *publication)
{
	struct peer_registration *r = peer_registration_find(PEER_OWNER_NSP, publication->name, publication->cloud);
	HRESULT result;

	if (r) {
		result = peer_republish(r, publication);
		peer_registration_put(r);
		return peer_result_wsa(result);
	}
	result = link_use();
	if (FAILED(result))
		return peer_result_wsa(result);
	result = peer_publish(publication, &r);
	if (FAILED(result))
		link_drop();
	else
		peer_registration_put(r); /* the list holds it */
	return peer_result_wsa(result);
}

static int delete (const struct peer_publication *key)
{
	struct peer_registration *r = peer_registration_find(PEER_OWNER_NSP, key->name, key->cloud);

	if (!r)
		return WSASERVICE_NOT_FOUND;
	if (peer_unpublish(r))
		link_drop();
	peer_registration_put(r);
	return 0;
}

/* The link is in use meanwhile: clouds are known then. */
static int set_service(const WSAQUERYSETW *set, WSAESETSERVICEOP operation)
{
	struct peer_publication publication = {0};
	int code = peer_result_wsa(link_use());

	if (code)
		return code;
	pthread_mutex_lock(&lock);
	code = operation == RNRSERVICE_DELETE ? read_key(set, &publication) : read_all(set, &publication);
	if (!code)
		code = operation == RNRSERVICE_DELETE ? delete (&publication) : publish(&publication);
	pthread_mutex_unlock(&lock);
	link_drop();
	return code;
}

INT WSAAPI WSASetServiceW(LPWSAQUERYSETW set, WSAESETSERVICEOP operation, DWORD flags)
{
	int code;

	if (!winsock_started())
		return SOCKET_ERROR;
	if (!set)
		return winsock_fail(WSAEFAULT);
	if (operation == RNRSERVICE_DEREGISTER)
		return winsock_fail(WSAEOPNOTSUPP);
	if (flags || (operation != RNRSERVICE_REGISTER && operation != RNRSERVICE_DELETE))
		return winsock_fail(WSAEINVAL);
	code = set_service(set, operation);
	return code ? winsock_fail(code) : 0;
}

void nsp_cleanup(void)
{
	size_t count;

	pthread_mutex_lock(&lock);
	count = peer_registrations_close(PEER_OWNER_NSP);
	pthread_mutex_unlock(&lock);
	while (count-- > 0)
		link_drop();
}
