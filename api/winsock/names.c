/* Names of hosts in wide form, by the host's resolver (and so by libnss_pnrp for peer names). */
#include "api/winsock/winsock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ws2tcpip.h>

#include "api/crt/utf16.h"

static int error_of(int code)
{
	switch (code) {
	case 0:
		return 0;
	case EAI_AGAIN:
		return WSATRY_AGAIN;
	case EAI_BADFLAGS:
		return WSAEINVAL;
	case EAI_FAMILY:
		return WSAEAFNOSUPPORT;
	case EAI_MEMORY:
		return WSA_NOT_ENOUGH_MEMORY;
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
	case EAI_ADDRFAMILY:
#endif
		return WSAHOST_NOT_FOUND;
	case EAI_SERVICE:
		return WSATYPE_NOT_FOUND;
	case EAI_SOCKTYPE:
		return WSAESOCKTNOSUPPORT;
	case EAI_SYSTEM:
		return winsock_error_of(errno);
	default:
		return WSANO_RECOVERY;
	}
}

void WSAAPI FreeAddrInfoW(PADDRINFOW info)
{
	while (info) {
		PADDRINFOW next = info->ai_next;

		free(info->ai_canonname);
		free(info->ai_addr);
		free(info);
		info = next;
	}
}

/* A copy of one entry without its successors; NULL: no memory. */
static PADDRINFOW copy_one(const struct addrinfo *from)
{
	PADDRINFOW copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->ai_flags = from->ai_flags;
	copy->ai_family = from->ai_family;
	copy->ai_socktype = from->ai_socktype;
	copy->ai_protocol = from->ai_protocol;
	copy->ai_addrlen = from->ai_addrlen;
	copy->ai_addr = malloc(from->ai_addrlen);
	if (from->ai_canonname)
		copy->ai_canonname = utf16_dup(from->ai_canonname);
	if (!copy->ai_addr || (from->ai_canonname && !copy->ai_canonname)) {
		FreeAddrInfoW(copy);
		return NULL;
	}
	memcpy(copy->ai_addr, from->ai_addr, from->ai_addrlen);
	return copy;
}

static int copy_all(const struct addrinfo *from, PADDRINFOW *out)
{
	PADDRINFOW first = NULL, *last = &first;

	for (; from; from = from->ai_next) {
		*last = copy_one(from);
		if (!*last) {
			FreeAddrInfoW(first);
			return WSA_NOT_ENOUGH_MEMORY;
		}
		last = &(*last)->ai_next;
	}
	*out = first;
	return 0;
}

INT WSAAPI GetAddrInfoW(PCWSTR node, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *result)
{
	char *host = node ? utf8_dup(node) : NULL, *port = service ? utf8_dup(service) : NULL;
	struct addrinfo wanted = {0}, *found = NULL;
	int error;

	if (!result)
		error = WSAEFAULT;
	else if ((node && !host) || (service && !port))
		error = WSA_NOT_ENOUGH_MEMORY;
	else if (hints && (hints->ai_addrlen || hints->ai_canonname || hints->ai_addr || hints->ai_next))
		error = WSANO_RECOVERY;
	else {
		if (hints) {
			wanted.ai_flags = hints->ai_flags;
			wanted.ai_family = hints->ai_family;
			wanted.ai_socktype = hints->ai_socktype;
			wanted.ai_protocol = hints->ai_protocol;
		}
		error = error_of(getaddrinfo(host, port, hints ? &wanted : NULL, &found));
		if (!error)
			error = copy_all(found, result);
	}
	if (found)
		freeaddrinfo(found);
	free(port);
	free(host);
	if (error)
		WSASetLastError(error);
	return error;
}

INT WSAAPI GetNameInfoW(const SOCKADDR *address, socklen_t address_length, PWCHAR node, DWORD node_size, PWCHAR service,
			DWORD service_size, INT flags)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	struct utf_result a = {0}, b = {0};
	int error = WSAEFAULT;

	if (address)
		error = error_of(getnameinfo(address, address_length, host, node ? sizeof(host) : 0, port,
					     service ? sizeof(port) : 0, flags));
	if (!error && node)
		a = utf16_from_utf8(host, strlen(host) + 1, node, node_size);
	if (!error && service)
		b = utf16_from_utf8(port, strlen(port) + 1, service, service_size);
	if (a.written < a.total || b.written < b.total)
		error = ERROR_INSUFFICIENT_BUFFER;
	if (error)
		WSASetLastError(error);
	return error;
}

WCHAR *WSAAPI gai_strerrorW(int error)
{
	static _Thread_local WCHAR text[256];

	if (!FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
			    NULL, (DWORD)error, 0, text, sizeof(text) / sizeof(text[0]), NULL))
		text[0] = 0;
	return text;
}
