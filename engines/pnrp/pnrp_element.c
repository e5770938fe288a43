#include "engines/pnrp/pnrp_element.h"

#include <string.h>

#define ROUTE_HEAD 38 /* bytes of a route entry without addresses */

struct ponto_bytes pnrp_element_body(struct ponto_reader *r, uint16_t field)
{
	uint16_t got_field = ponto_read_be16(r);
	uint16_t got_length = ponto_read_be16(r);

	ponto_reader_require(r, got_field == field && got_length >= PNRP_ELEMENT_HEAD);
	return ponto_read_bytes(r, (uint64_t)got_length - PNRP_ELEMENT_HEAD);
}

struct ponto_bytes pnrp_element_array(struct ponto_reader *r, uint16_t field, uint16_t type, uint16_t entry,
				      uint16_t least, uint16_t most, uint16_t *count)
{
	uint16_t got_field = ponto_read_be16(r);
	uint16_t got_length = ponto_read_be16(r);
	uint16_t entries = ponto_read_be16(r);
	uint16_t array_length = ponto_read_be16(r);
	uint16_t got_type = ponto_read_be16(r);
	uint16_t got_entry = ponto_read_be16(r);
	uint64_t size = (uint64_t)entries * entry;

	ponto_reader_require(r, got_field == field && got_type == type && got_entry == entry);
	ponto_reader_require(r, entries >= least && entries <= most);
	ponto_reader_require(r, got_length == PNRP_ARRAY_HEAD + size &&
					array_length == PNRP_ARRAY_HEAD - PNRP_ELEMENT_HEAD + size);
	*count = entries;
	return ponto_read_bytes(r, size);
}

void pnrp_read_endpoint(struct ponto_reader *r, struct pnrp_ipv6_endpoint *out)
{
	out->port = ponto_read_be16(r);
	ponto_read_copy(r, out->ip, sizeof(out->ip));
	ponto_reader_require(r, out->port >= PNRP_PORT_MIN);
}

void pnrp_read_endpoints(struct ponto_reader *r, uint16_t least, struct pnrp_ipv6_endpoint *out, uint8_t *count)
{
	uint16_t entries;
	struct ponto_reader list =
		ponto_reader(pnrp_element_array(r, PNRP_FIELD_IPV6_ENDPOINT_ARRAY, PNRP_FIELD_IPV6_ENDPOINT,
						PNRP_ENDPOINT_SIZE, least, PNRP_ENDPOINTS_MAX, &entries));

	if (r->failed)
		return;
	for (uint16_t i = 0; i < entries; i++)
		pnrp_read_endpoint(&list, &out[i]);
	ponto_reader_close(r, &list);
	*count = (uint8_t)entries;
}

void pnrp_read_route(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_route_entry *route, bool *has,
		     bool *ignored)
{
	struct ponto_reader body;
	bool usable;

	if (!pnrp_element_next(r, PNRP_FIELD_ROUTING_ENTRY))
		return;
	body = ponto_reader(pnrp_element_body(r, PNRP_FIELD_ROUTING_ENTRY));
	pnrp_element_pad(r);
	ponto_read_copy(&body, route->id.b, sizeof(route->id.b));
	usable = ponto_read_u8(&body) == wire->version;
	usable = ponto_read_u8(&body) == 0 && usable;
	route->port = ponto_read_be16(&body);
	ponto_read_skip(&body, 1);
	route->count = ponto_read_u8(&body);
	ponto_reader_require(&body, route->count >= 1 && route->count <= PNRP_ROUTE_ADDRS_MAX);
	if (!body.failed)
		ponto_read_copy(&body, route->addrs, (size_t)route->count * sizeof(route->addrs[0]));
	ponto_reader_close(r, &body);
	*has = usable && route->port >= PNRP_PORT_MIN;
	*ignored = !*has;
	if (*ignored)
		memset(route, 0, sizeof(*route));
}

/* ---- writing ------------------------------------------------------------------ */

void pnrp_write_array(struct ponto_writer *w, uint16_t field, uint16_t type, uint16_t entry, size_t count)
{
	size_t size = count * entry;

	pnrp_write_element(w, field, PNRP_ARRAY_HEAD - PNRP_ELEMENT_HEAD + size);
	ponto_write_be16(w, (uint16_t)count);
	ponto_write_be16(w, (uint16_t)(PNRP_ARRAY_HEAD - PNRP_ELEMENT_HEAD + size));
	ponto_write_be16(w, type);
	ponto_write_be16(w, entry);
}

void pnrp_write_endpoint(struct ponto_writer *w, const struct pnrp_ipv6_endpoint *endpoint)
{
	ponto_write_be16(w, endpoint->port);
	ponto_write_copy(w, endpoint->ip, sizeof(endpoint->ip));
}

void pnrp_write_endpoints(struct ponto_writer *w, const struct pnrp_ipv6_endpoint *endpoints, size_t count)
{
	pnrp_write_array(w, PNRP_FIELD_IPV6_ENDPOINT_ARRAY, PNRP_FIELD_IPV6_ENDPOINT, PNRP_ENDPOINT_SIZE, count);
	for (size_t i = 0; i < count; i++)
		pnrp_write_endpoint(w, &endpoints[i]);
}

void pnrp_write_route(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_route_entry *route)
{
	size_t addrs = (size_t)route->count * sizeof(route->addrs[0]);

	pnrp_write_element(w, PNRP_FIELD_ROUTING_ENTRY, ROUTE_HEAD + addrs);
	ponto_write_copy(w, route->id.b, sizeof(route->id.b));
	ponto_write_u8(w, wire->version);
	ponto_write_u8(w, 0);
	ponto_write_be16(w, route->port);
	ponto_write_u8(w, 0);
	ponto_write_u8(w, route->count);
	ponto_write_copy(w, route->addrs, addrs);
	ponto_write_align(w, 4);
}

bool pnrp_route_entry_valid(const struct pnrp_route_entry *route)
{
	return route->port >= PNRP_PORT_MIN && route->count >= 1 && route->count <= PNRP_ROUTE_ADDRS_MAX;
}

bool pnrp_route_entry_equal(const struct pnrp_route_entry *a, const struct pnrp_route_entry *b)
{
	return a->port == b->port && a->count == b->count && a->count <= PNRP_ROUTE_ADDRS_MAX &&
	       memcmp(a->id.b, b->id.b, sizeof(a->id.b)) == 0 &&
	       memcmp(a->addrs, b->addrs, a->count * sizeof(a->addrs[0])) == 0;
}

bool pnrp_endpoints_valid(const struct pnrp_ipv6_endpoint *endpoints, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (endpoints[i].port < PNRP_PORT_MIN)
			return false;
	return true;
}
