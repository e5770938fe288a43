/* Addresses of IPv6: see ws2def.h. */
#ifndef PONTO_WIN32_WS2IPDEF_H
#define PONTO_WIN32_WS2IPDEF_H

#include <ws2def.h>

typedef struct in6_addr IN6_ADDR, *PIN6_ADDR, *LPIN6_ADDR;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;

typedef union _SOCKADDR_INET {
	SOCKADDR_IN Ipv4;
	SOCKADDR_IN6 Ipv6;
	ADDRESS_FAMILY si_family;
} SOCKADDR_INET, *PSOCKADDR_INET;

#ifndef INET_ADDRSTRLEN
#define INET_ADDRSTRLEN 16
#endif

#endif
