#include "engines/teredo/teredo_address.h"

#include "framework/cursor.h"

#define PREFIX 0x20010000u
#define LINK_LOCAL UINT64_C(0xfe80000000000000)

const struct teredo_ip6 teredo_all_nodes = {{0xff, 0x02, [15] = 1}};
const struct teredo_ip6 teredo_all_routers = {{0xff, 0x02, [15] = 2}};

bool teredo_is_address(const struct teredo_ip6 *ip)
{
	return ip->bytes[0] == 0x20 && ip->bytes[1] == 0x01 && ip->bytes[2] == 0 && ip->bytes[3] == 0;
}

bool teredo_is_link_local(const struct teredo_ip6 *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool teredo_is_multicast(const struct teredo_ip6 *ip)
{
	return ip->bytes[0] == 0xff;
}

bool teredo_is_unicast(const struct teredo_ip6 *ip)
{
	return (ip->bytes[0] & 0xe0) == 0x20 || (ip->bytes[0] & 0xfe) == 0xfc;
}

void teredo_address_split(const struct teredo_ip6 *ip, struct teredo_address *out)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(ip->bytes, sizeof(ip->bytes)));

	ponto_read_skip(&r, 4);
	out->server = ponto_read_be32(&r);
	out->flags = ponto_read_be16(&r);
	out->mapped.port = (uint16_t)~ponto_read_be16(&r);
	out->mapped.ip = ~ponto_read_be32(&r);
}

static void write_identifier(struct ponto_writer *w, uint16_t flags, const struct teredo_endpoint *endpoint)
{
	ponto_write_be16(w, flags);
	ponto_write_be16(w, (uint16_t)~endpoint->port);
	ponto_write_be32(w, ~endpoint->ip);
}

void teredo_address_make(const struct teredo_address *parts, struct teredo_ip6 *out)
{
	struct ponto_writer w = ponto_writer(out->bytes, sizeof(out->bytes));

	ponto_write_be32(&w, PREFIX);
	ponto_write_be32(&w, parts->server);
	write_identifier(&w, parts->flags, &parts->mapped);
}

uint16_t teredo_flags(const struct ponto_random *random, bool cone)
{
	return (uint16_t)((ponto_random_u64(random) & TEREDO_RANDOM) | (cone ? TEREDO_CONE : 0));
}

void teredo_link_local(uint16_t flags, const struct teredo_endpoint *endpoint, struct teredo_ip6 *out)
{
	struct ponto_writer w = ponto_writer(out->bytes, sizeof(out->bytes));

	ponto_write_be64(&w, LINK_LOCAL);
	write_identifier(&w, flags, endpoint);
}

void teredo_server_link_local(uint32_t server, struct teredo_ip6 *out)
{
	teredo_link_local(TEREDO_CONE, &(struct teredo_endpoint){server, TEREDO_PORT}, out);
}

bool teredo_ip4_unicast(uint32_t ip)
{
	return ip >> 24 != 0 && ip >> 28 < 0xe;
}

bool teredo_ip4_global(uint32_t ip)
{
	static const struct teredo_subnet excluded[] = {
		{0x00000000, 8},  /* 0.0.0.0/8 */
		{0x0a000000, 8},  /* 10.0.0.0/8 */
		{0x7f000000, 8},  /* 127.0.0.0/8 */
		{0xa9fe0000, 16}, /* 169.254.0.0/16 */
		{0xac100000, 12}, /* 172.16.0.0/12 */
		{0xc0a80000, 16}, /* 192.168.0.0/16 */
		{0xc0586300, 24}, /* 192.88.99.0/24 */
		{0xe0000000, 4},  /* 224.0.0.0/4 */
		{0xffffffff, 32}, /* 255.255.255.255 */
	};

	return !teredo_ip4_attached(ip, excluded, PONTO_ARRAY_SIZE(excluded));
}

static uint32_t host_bits(uint8_t bits)
{
	return bits >= 32 ? 0 : UINT32_MAX >> bits;
}

bool teredo_ip4_attached(uint32_t ip, const struct teredo_subnet *subnets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (((ip ^ subnets[i].ip) & ~host_bits(subnets[i].bits)) == 0)
			return true;
	return false;
}

bool teredo_ip4_broadcast(uint32_t ip, const struct teredo_subnet *subnets, size_t count)
{
	/* Subnets of two addresses or one have none, RFC 3021. */
	for (size_t i = 0; i < count; i++)
		if (subnets[i].bits < 31 && ip == (subnets[i].ip | host_bits(subnets[i].bits)))
			return true;
	return false;
}

bool teredo_endpoint_usable(const struct teredo_endpoint *endpoint, const struct teredo_subnet *subnets, size_t count)
{
	return endpoint->port != 0 && teredo_ip4_global(endpoint->ip) &&
	       !teredo_ip4_broadcast(endpoint->ip, subnets, count);
}

bool teredo_endpoint_from(const struct ponto_addr *addr, struct teredo_endpoint *out)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(addr->ip, 4));

	if (addr->family != PONTO_FAMILY_IPV4)
		return false;
	out->ip = ponto_read_be32(&r);
	out->port = addr->port;
	return true;
}

void teredo_endpoint_to(const struct teredo_endpoint *endpoint, struct ponto_addr *out)
{
	struct ponto_writer w = ponto_writer(out->ip, sizeof(out->ip));

	ponto_write_be32(&w, endpoint->ip);
	ponto_write_zeros(&w, 12);
	out->zone = 0;
	out->port = endpoint->port;
	out->family = PONTO_FAMILY_IPV4;
	out->reserved = 0;
}

void teredo_ip6_to(const struct teredo_ip6 *ip, uint16_t port, struct ponto_addr *out)
{
	memcpy(out->ip, ip->bytes, sizeof(out->ip));
	out->zone = 0;
	out->port = port;
	out->family = PONTO_FAMILY_IPV6;
	out->reserved = 0;
}
