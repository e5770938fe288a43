/* The last error, one for each thread: Win32's and Winsock's are the same value. */
#include <winsock2.h>

static _Thread_local DWORD last_error;

DWORD WINAPI GetLastError(void)
{
	return last_error;
}

void WINAPI SetLastError(DWORD error)
{
	last_error = error;
}

int WSAAPI WSAGetLastError(void)
{
	return (int)last_error;
}

void WSAAPI WSASetLastError(int error)
{
	last_error = (DWORD)error;
}
