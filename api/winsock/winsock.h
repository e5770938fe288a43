/* Winsock, inside: whether the program has started it, and the host's errors as Winsock's. */
#ifndef PONTO_API_WINSOCK_WINSOCK_H
#define PONTO_API_WINSOCK_WINSOCK_H

#include <stdbool.h>

#include <winsock2.h>

/* WSAStartup was called more often than WSACleanup. False: the last error is WSANOTINITIALISED. */
bool winsock_started(void);

/* Sets the last error and returns SOCKET_ERROR. */
int winsock_fail(int error);

/* The Winsock code of an errno; WSAEINVAL for one that has none. */
int winsock_error_of(int host_errno);

#endif
