#include "engines/pcp/pcp_codec.h"

#define RESPONSE 0x80u
#define MANDATORY_BELOW 128u /* option codes that a reader must understand. 7.3 */
#define ANNOUNCED_NATPMP 0   /* RFC 6886's version */

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void pcp_address_from(const struct ponto_addr *addr, uint8_t out[16])
{
	if (addr->family == PONTO_FAMILY_IPV6) {
		memcpy(out, addr->ip, 16);
		return;
	}
	memcpy(out, mapped_prefix, sizeof(mapped_prefix));
	memcpy(out + 12, addr->ip, 4);
}

struct ponto_addr pcp_address_to(const uint8_t ip[16], uint16_t port)
{
	struct ponto_addr addr = {.port = port, .family = PONTO_FAMILY_IPV6};

	if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		addr.family = PONTO_FAMILY_IPV4;
		memcpy(addr.ip, ip + 12, 4);
	} else {
		memcpy(addr.ip, ip, 16);
	}
	return addr;
}

void pcp_write_request(struct ponto_writer *w, const struct pcp_request *request)
{
	ponto_write_u8(w, PCP_VERSION);
	ponto_write_u8(w, request->opcode);
	ponto_write_zeros(w, 2);
	ponto_write_be32(w, request->lifetime);
	ponto_write_copy(w, request->client, 16);
	if (request->opcode != PCP_MAP)
		return;
	ponto_write_copy(w, request->map.nonce, PCP_NONCE);
	ponto_write_u8(w, request->map.protocol);
	ponto_write_zeros(w, 3);
	ponto_write_be16(w, request->map.internal_port);
	ponto_write_be16(w, request->map.external_port);
	ponto_write_copy(w, request->map.external, 16);
	if (!request->prefer_failure)
		return;
	ponto_write_u8(w, PCP_OPTION_PREFER_FAILURE);
	ponto_write_zeros(w, 3);
}

static void read_map(struct ponto_reader *r, struct pcp_map *map)
{
	ponto_read_copy(r, map->nonce, PCP_NONCE);
	map->protocol = ponto_read_u8(r);
	ponto_read_skip(r, 3);
	map->internal_port = ponto_read_be16(r);
	map->external_port = ponto_read_be16(r);
	ponto_read_copy(r, map->external, 16);
}

/* PREFER_FAILURE, which we may have sent, has no data. FILTER and THIRD_PARTY we never send, so that no answer of ours
 * has them. 7.3 */
static void read_options(struct ponto_reader *r)
{
	for (unsigned count = 0; ponto_reader_left(r); count++) {
		uint8_t code = ponto_read_u8(r);
		uint16_t len;

		ponto_read_skip(r, 1);
		len = ponto_read_be16(r);
		ponto_read_skip(r, len);
		ponto_read_skip(r, -(uint32_t)len & 3u);
		ponto_reader_require(r, count < PCP_OPTIONS_MAX);
		if (code < MANDATORY_BELOW)
			ponto_reader_require(r, code == PCP_OPTION_PREFER_FAILURE && len == 0);
	}
}

/* Another version: its first four bytes are all that is common. 9 */
static int read_foreign(struct ponto_reader *r, struct pcp_response *out)
{
	if (out->version == ANNOUNCED_NATPMP) {
		uint16_t result = ponto_read_be16(r);

		out->result = result > UINT8_MAX ? UINT8_MAX : (uint8_t)result;
	} else {
		ponto_read_skip(r, 1);
		out->result = ponto_read_u8(r);
	}
	return r->failed ? PONTO_EPROTO : PONTO_OK;
}

int pcp_read_response(struct ponto_bytes data, struct pcp_response *out)
{
	struct ponto_reader r = ponto_reader(data);
	struct pcp_response response = {0};
	uint8_t opcode;

	response.version = ponto_read_u8(&r);
	opcode = ponto_read_u8(&r);
	ponto_reader_require(&r, opcode & RESPONSE);
	response.opcode = (uint8_t)(opcode & ~RESPONSE);
	if (r.failed || data.len > PCP_MAX)
		return PONTO_EPROTO;
	if (response.version != PCP_VERSION) {
		if (read_foreign(&r, &response) != PONTO_OK)
			return PONTO_EPROTO;
		*out = response;
		return PONTO_OK;
	}
	ponto_reader_require(&r, data.len >= PCP_HEADER && data.len % 4 == 0);
	ponto_read_skip(&r, 1);
	response.result = ponto_read_u8(&r);
	response.lifetime = ponto_read_be32(&r);
	response.epoch = ponto_read_be32(&r);
	ponto_read_skip(&r, 12);
	if (response.opcode == PCP_MAP && (response.result == PCP_SUCCESS || ponto_reader_left(&r) >= PCP_MAP_SIZE)) {
		read_map(&r, &response.map);
		response.has_map = true;
	}
	/* An error repeats what was asked, options too. 7.4 */
	if (response.result == PCP_SUCCESS)
		read_options(&r);
	if (r.failed)
		return PONTO_EPROTO;
	*out = response;
	return PONTO_OK;
}

const char *pcp_result_name(unsigned result)
{
	static const char *const names[] = {
		"SUCCESS",	     "UNSUPP_VERSION",	 "NOT_AUTHORIZED",   "MALFORMED_REQUEST",
		"UNSUPP_OPCODE",     "UNSUPP_OPTION",	 "MALFORMED_OPTION", "NETWORK_FAILURE",
		"NO_RESOURCES",	     "UNSUPP_PROTOCOL",	 "USER_EX_QUOTA",    "CANNOT_PROVIDE_EXTERNAL",
		"ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEERS",
	};

	return result < PONTO_ARRAY_SIZE(names) ? names[result] : "unknown";
}
