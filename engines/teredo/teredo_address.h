/* Teredo: addresses. IPv4 addresses and ports are in host order here, IPv6
 * addresses are 16 bytes as on the wire.
 *
 * Pure. RFC 4380 4, 5.2.4; RFC 5991 3.1. */
#ifndef ENGINES_TEREDO_TEREDO_ADDRESS_H
#define ENGINES_TEREDO_TEREDO_ADDRESS_H

#include <string.h>

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_PORT 3544		 /* of servers, and of local discovery */
#define TEREDO_DISCOVERY_IP4 0xe00000fdu /* 224.0.0.253, RFC 4380 2.17 */
#define TEREDO_CONE 0x8000u		 /* flag C */
#define TEREDO_RANDOM 0x3cffu		 /* Random1 and Random2, RFC 5991 3.1 */

struct teredo_ip6 {
	uint8_t bytes[16];
};

/* An IPv4 address and a UDP port. */
struct teredo_endpoint {
	uint32_t ip;
	uint16_t port;
};

/* What a global Teredo address says. */
struct teredo_address {
	uint32_t server;
	uint16_t flags;
	struct teredo_endpoint mapped;
};

/* An attached IPv4 subnet. */
struct teredo_subnet {
	uint32_t ip;
	uint8_t bits; /* 0..32 */
};

extern const struct teredo_ip6 teredo_all_nodes;   /* ff02::1 */
extern const struct teredo_ip6 teredo_all_routers; /* ff02::2 */

static inline bool teredo_ip6_equal(const struct teredo_ip6 *a, const struct teredo_ip6 *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline bool teredo_endpoint_equal(const struct teredo_endpoint *a, const struct teredo_endpoint *b)
{
	return a->ip == b->ip && a->port == b->port;
}

/* In 2001:0000::/32, RFC 4380 2.6. */
bool teredo_is_address(const struct teredo_ip6 *ip);
bool teredo_is_link_local(const struct teredo_ip6 *ip); /* fe80::/10 */
bool teredo_is_multicast(const struct teredo_ip6 *ip);

/* Something that may be told to and heard from others: in 2000::/3 or fc00::/7. RFC 4291 2.4 */
bool teredo_is_unicast(const struct teredo_ip6 *ip);

/* The parts of an address; meaningless when it is no Teredo address. */
void teredo_address_split(const struct teredo_ip6 *ip, struct teredo_address *out);

/* The flags are taken as they are. */
void teredo_address_make(const struct teredo_address *parts, struct teredo_ip6 *out);

/* Flags of a new address: C as told, z, U and G clear, the rest random. RFC 5991 3.1 */
uint16_t teredo_flags(const struct ponto_random *random, bool cone);

/* fe80::/64 with the identifier of flags and endpoint. RFC 4380 4 */
void teredo_link_local(uint16_t flags, const struct teredo_endpoint *endpoint, struct teredo_ip6 *out);

/* The source of a server's router advertisements. RFC 4380 5.3.2 */
void teredo_server_link_local(uint32_t server, struct teredo_ip6 *out);

/* Of global scope and unicast: not in one of the ranges of RFC 4380 5.2.4 (broadcast of attached subnets apart). */
bool teredo_ip4_global(uint32_t ip);

/* Whether a host can have it: not 0/8, multicast, class E or limited broadcast. */
bool teredo_ip4_unicast(uint32_t ip);

/* ip lies in one of the subnets; is the broadcast address of one. borrows */
bool teredo_ip4_attached(uint32_t ip, const struct teredo_subnet *subnets, size_t count);
bool teredo_ip4_broadcast(uint32_t ip, const struct teredo_subnet *subnets, size_t count);

/* May be sent to as a mapped address: global unicast, a port, no attached subnet's broadcast address. borrows */
bool teredo_endpoint_usable(const struct teredo_endpoint *endpoint, const struct teredo_subnet *subnets, size_t count);

/* To and from the framework's addresses. The IPv4 ones: false when addr is not IPv4. */
bool teredo_endpoint_from(const struct ponto_addr *addr, struct teredo_endpoint *out);
void teredo_endpoint_to(const struct teredo_endpoint *endpoint, struct ponto_addr *out);
void teredo_ip6_to(const struct teredo_ip6 *ip, uint16_t port, struct ponto_addr *out);

#ifdef __cplusplus
}
#endif
#endif
