/* Start and end, events under Winsock's names, and the host's errors. */
#include "api/winsock/winsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/peer/nsp.h"

static unsigned int starts;

int WSAAPI WSAStartup(WORD version, LPWSADATA data)
{
	unsigned int wanted = LOBYTE(version) << 8 | HIBYTE(version), high = 0x0202;

	if (!data)
		return WSAEFAULT;
	if (wanted < 0x0100)
		return WSAVERNOTSUPPORTED;
	memset(data, 0, sizeof(*data));
	if (wanted > high)
		wanted = high;
	data->wVersion = MAKEWORD(wanted >> 8, wanted & 0xff);
	data->wHighVersion = MAKEWORD(2, 2);
	snprintf(data->szDescription, sizeof(data->szDescription), "Ponto %s", PACKAGE_VERSION);
	snprintf(data->szSystemStatus, sizeof(data->szSystemStatus), "Running");
	__atomic_add_fetch(&starts, 1, __ATOMIC_RELAXED);
	return 0;
}

int WSAAPI WSACleanup(void)
{
	unsigned int count = __atomic_load_n(&starts, __ATOMIC_RELAXED);

	do {
		if (count == 0)
			return winsock_fail(WSANOTINITIALISED);
	} while (!__atomic_compare_exchange_n(&starts, &count, count - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (count == 1)
		nsp_cleanup();
	return 0;
}

bool winsock_started(void)
{
	if (__atomic_load_n(&starts, __ATOMIC_RELAXED) > 0)
		return true;
	SetLastError(WSANOTINITIALISED);
	return false;
}

int winsock_fail(int error)
{
	WSASetLastError(error);
	return SOCKET_ERROR;
}

int winsock_error_of(int host_errno)
{
	static const struct {
		int host, winsock;
	} errors[] = {
		{EINTR, WSAEINTR},	     {EBADF, WSAENOTSOCK},
		{EACCES, WSAEACCES},	     {EPERM, WSAEACCES},
		{EFAULT, WSAEFAULT},	     {EINVAL, WSAEINVAL},
		{EMFILE, WSAEMFILE},	     {ENFILE, WSAEMFILE},
		{EAGAIN, WSAEWOULDBLOCK},    {EINPROGRESS, WSAEWOULDBLOCK},
		{EALREADY, WSAEALREADY},     {ENOTSOCK, WSAENOTSOCK},
		{EMSGSIZE, WSAEMSGSIZE},     {EAFNOSUPPORT, WSAEAFNOSUPPORT},
		{EADDRINUSE, WSAEADDRINUSE}, {EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
		{ENETDOWN, WSAENETDOWN},     {ENETUNREACH, WSAENETUNREACH},
		{ENETRESET, WSAENETRESET},   {ECONNABORTED, WSAECONNABORTED},
		{ECONNRESET, WSAECONNRESET}, {EPIPE, WSAECONNRESET},
		{ENOBUFS, WSAENOBUFS},	     {EISCONN, WSAEISCONN},
		{ENOTCONN, WSAENOTCONN},     {ESHUTDOWN, WSAESHUTDOWN},
		{ETIMEDOUT, WSAETIMEDOUT},   {ECONNREFUSED, WSAECONNREFUSED},
		{EHOSTDOWN, WSAEHOSTDOWN},   {EHOSTUNREACH, WSAEHOSTUNREACH},
		{EOPNOTSUPP, WSAEOPNOTSUPP}, {ENOMEM, WSA_NOT_ENOUGH_MEMORY},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].host == host_errno)
			return errors[i].winsock;
	return WSAEINVAL;
}

int WSAAPI closesocket(SOCKET s)
{
	if (close((int)s) == 0)
		return 0;
	return winsock_fail(winsock_error_of(errno));
}

WSAEVENT WSAAPI WSACreateEvent(void)
{
	return CreateEventW(NULL, TRUE, FALSE, NULL);
}

BOOL WSAAPI WSASetEvent(WSAEVENT event)
{
	return SetEvent(event);
}

BOOL WSAAPI WSAResetEvent(WSAEVENT event)
{
	return ResetEvent(event);
}

BOOL WSAAPI WSACloseEvent(WSAEVENT event)
{
	return CloseHandle(event);
}

DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL wait_all, DWORD timeout, BOOL alertable)
{
	return WaitForMultipleObjectsEx(count, events, wait_all, timeout, alertable);
}
