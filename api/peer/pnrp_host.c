/* Peer names as host names under pnrp.net: no daemon is asked, nothing needs to be started. */
#include "api/peer/text.h"
#include "engines/pnrp/pnrp_host.h"

HRESULT WINAPI PeerNameToPeerHostName(PCWSTR name, PWSTR *out)
{
	char text[PNRP_NAME_TEXT], host[PNRP_HOST_TEXT];
	struct pnrp_name parsed;

	if (!name || !out)
		return E_INVALIDARG;
	if (FAILED(peer_name_utf8(name, text)) || pnrp_name_parse(text, &parsed) != PONTO_OK)
		return PEER_E_INVALID_PEER_NAME;
	if (pnrp_host_format(&parsed, host) != PONTO_OK)
		return PEER_E_CANNOT_CONVERT_PEER_NAME;
	return peer_text_give(host, out);
}

HRESULT WINAPI PeerHostNameToPeerName(PCWSTR host, PWSTR *out)
{
	char text[PNRP_HOST_TEXT * 3], name[PNRP_NAME_TEXT];
	struct pnrp_name parsed;

	if (!host || !out)
		return E_INVALIDARG;
	if (FAILED(peer_text_utf8(host, PNRP_HOST_TEXT, text, sizeof(text))) ||
	    pnrp_host_parse(text, &parsed) != PONTO_OK || pnrp_name_format(&parsed, name) != PONTO_OK)
		return PEER_E_INVALID_PEER_HOST_NAME;
	return peer_text_give(name, out);
}
