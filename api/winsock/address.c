/* Addresses as text. Numbers only: no name is looked up. */
#include "api/winsock/winsock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ws2tcpip.h>

#include "api/crt/utf16.h"

/* "[" IPv6 "%" scope "]:" port is the longest. */
#define TEXT_ROOM (INET6_ADDRSTRLEN + 24)

static int format_ipv4(const struct sockaddr_in *address, char out[TEXT_ROOM])
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
	if (address->sin_port == 0)
		return snprintf(out, TEXT_ROOM, "%s", host);
	return snprintf(out, TEXT_ROOM, "%s:%u", host, ntohs(address->sin_port));
}

static int format_ipv6(const struct sockaddr_in6 *address, char out[TEXT_ROOM])
{
	char host[INET6_ADDRSTRLEN + 12];

	inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof(host));
	if (address->sin6_scope_id)
		snprintf(host + strlen(host), sizeof(host) - strlen(host), "%%%u", address->sin6_scope_id);
	if (address->sin6_port == 0)
		return snprintf(out, TEXT_ROOM, "%s", host);
	return snprintf(out, TEXT_ROOM, "[%s]:%u", host, ntohs(address->sin6_port));
}

/* Characters, or -1 with the last error set. */
static int format(const SOCKADDR *address, DWORD length, char out[TEXT_ROOM])
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (!address || length < sizeof(address->sa_family))
		return winsock_fail(WSAEFAULT);
	if (address->sa_family == AF_INET && length >= sizeof(ipv4)) {
		memcpy(&ipv4, address, sizeof(ipv4));
		return format_ipv4(&ipv4, out);
	}
	if (address->sa_family == AF_INET6 && length >= sizeof(ipv6)) {
		memcpy(&ipv6, address, sizeof(ipv6));
		return format_ipv6(&ipv6, out);
	}
	return winsock_fail(address->sa_family == AF_INET || address->sa_family == AF_INET6 ? WSAEFAULT : WSAEINVAL);
}

INT WSAAPI WSAAddressToStringA(LPSOCKADDR address, DWORD address_length, LPVOID info, LPSTR text, LPDWORD length)
{
	char out[TEXT_ROOM];
	int len;

	(void)info;
	if (!length)
		return winsock_fail(WSAEFAULT);
	if (!winsock_started() || (len = format(address, address_length, out)) < 0)
		return SOCKET_ERROR;
	if (!text || *length < (DWORD)len + 1) {
		*length = (DWORD)len + 1;
		return winsock_fail(WSAEFAULT);
	}
	memcpy(text, out, (size_t)len + 1);
	*length = (DWORD)len + 1;
	return 0;
}

INT WSAAPI WSAAddressToStringW(LPSOCKADDR address, DWORD address_length, LPWSAPROTOCOL_INFOW info, LPWSTR text,
			       LPDWORD length)
{
	char out[TEXT_ROOM];
	DWORD room = sizeof(out), wanted = length ? *length : 0;

	if (!length)
		return winsock_fail(WSAEFAULT);
	if (WSAAddressToStringA(address, address_length, info, out, &room) != 0)
		return SOCKET_ERROR;
	*length = room;
	if (!text || wanted < room)
		return winsock_fail(WSAEFAULT);
	utf16_from_utf8(out, room, text, room);
	return 0;
}

/* ---- and back ---- */

/* A decimal number up to max, the whole text; false otherwise. */
static bool number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	*out = strtoul(text, &end, 10);
	return *end == 0 && *out <= max;
}

static bool parse_ipv4(char *text, struct sockaddr_in *out)
{
	char *colon = strchr(text, ':');
	unsigned long port = 0;

	if (colon && !number(colon + 1, 65535, &port))
		return false;
	if (colon)
		*colon = 0;
	*out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, text, &out->sin_addr) == 1;
}

static bool parse_ipv6(char *text, struct sockaddr_in6 *out)
{
	unsigned long port = 0, scope = 0;
	char *percent, *bracket;

	if (text[0] == '[') {
		text++;
		bracket = strchr(text, ']');
		if (!bracket || (bracket[1] && (bracket[1] != ':' || !number(bracket + 2, 65535, &port))))
			return false;
		*bracket = 0;
	}
	percent = strchr(text, '%');
	if (percent && !number(percent + 1, UINT32_MAX, &scope))
		return false;
	if (percent)
		*percent = 0;
	*out = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_scope_id = (uint32_t)scope};
	return inet_pton(AF_INET6, text, &out->sin6_addr) == 1;
}

INT WSAAPI WSAStringToAddressA(LPSTR text, INT family, LPVOID info, LPSOCKADDR address, LPINT address_length)
{
	char copy[TEXT_ROOM];
	union {
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} out;
	INT size;

	(void)info;
	if (!text || !address_length)
		return winsock_fail(WSAEFAULT);
	if (!winsock_started())
		return SOCKET_ERROR;
	if (family != AF_INET && family != AF_INET6)
		return winsock_fail(WSAEINVAL);
	if (strlen(text) >= sizeof(copy))
		return winsock_fail(WSAEINVAL);
	strcpy(copy, text);
	size = family == AF_INET ? sizeof(out.ipv4) : sizeof(out.ipv6);
	if (!(family == AF_INET ? parse_ipv4(copy, &out.ipv4) : parse_ipv6(copy, &out.ipv6)))
		return winsock_fail(WSAEINVAL);
	if (!address || *address_length < size) {
		*address_length = size;
		return winsock_fail(WSAEFAULT);
	}
	memcpy(address, &out, (size_t)size);
	*address_length = size;
	return 0;
}

INT WSAAPI WSAStringToAddressW(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR address,
			       LPINT address_length)
{
	char narrow[TEXT_ROOM];
	struct utf_result result;

	if (!text)
		return winsock_fail(WSAEFAULT);
	result = utf8_from_utf16(text, utf16_len(text), narrow, sizeof(narrow) - 1);
	if (result.malformed || result.written < result.total)
		return winsock_fail(WSAEINVAL);
	narrow[result.written] = 0;
	return WSAStringToAddressA(narrow, family, info, address, address_length);
}

PCWSTR WSAAPI InetNtopW(INT family, const void *address, PWSTR text, size_t size)
{
	char out[INET6_ADDRSTRLEN];
	size_t len;

	if ((family != AF_INET && family != AF_INET6) || !address || !text) {
		winsock_fail(family != AF_INET && family != AF_INET6 ? WSAEAFNOSUPPORT : WSAEINVAL);
		return NULL;
	}
	inet_ntop(family, address, out, sizeof(out));
	len = strlen(out) + 1;
	if (size < len) {
		winsock_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	utf16_from_utf8(out, len, text, len);
	return text;
}

INT WSAAPI InetPtonW(INT family, PCWSTR text, PVOID address)
{
	char narrow[INET6_ADDRSTRLEN];
	struct utf_result result;

	if (family != AF_INET && family != AF_INET6) {
		winsock_fail(WSAEAFNOSUPPORT);
		return -1;
	}
	if (!text || !address) {
		winsock_fail(WSAEFAULT);
		return -1;
	}
	result = utf8_from_utf16(text, utf16_len(text), narrow, sizeof(narrow) - 1);
	if (result.written < result.total)
		return 0;
	narrow[result.written] = 0;
	return inet_pton(family, narrow, address);
}
