/* PCP: messages, to bytes and back. Pure. RFC 6887 7, 11.1, 14.1. */
#ifndef ENGINES_PCP_PCP_CODEC_H
#define ENGINES_PCP_PCP_CODEC_H

#include "framework/base.h"
#include "framework/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PCP_VERSION 2
#define PCP_SERVER_PORT 5351
#define PCP_CLIENT_PORT 5350 /* where the groups 224.0.0.1 and ff02::1 hear announcements. 14.1.3 */
#define PCP_MAX 1100	     /* bytes of a message. 7 */
#define PCP_HEADER 24
#define PCP_MAP_SIZE 36
#define PCP_NONCE 12
#define PCP_OPTIONS_MAX 16 /* in one response; more is malformed here */

enum pcp_opcode {
	PCP_ANNOUNCE = 0,
	PCP_MAP = 1,
	PCP_PEER = 2,
};

enum pcp_option {
	PCP_OPTION_THIRD_PARTY = 1,
	PCP_OPTION_PREFER_FAILURE = 2,
	PCP_OPTION_FILTER = 3,
};

/* 7.4 */
enum pcp_result {
	PCP_SUCCESS = 0,
	PCP_UNSUPP_VERSION = 1,
	PCP_NOT_AUTHORIZED = 2,
	PCP_MALFORMED_REQUEST = 3,
	PCP_UNSUPP_OPCODE = 4,
	PCP_UNSUPP_OPTION = 5,
	PCP_MALFORMED_OPTION = 6,
	PCP_NETWORK_FAILURE = 7,
	PCP_NO_RESOURCES = 8,
	PCP_UNSUPP_PROTOCOL = 9,
	PCP_USER_EX_QUOTA = 10,
	PCP_CANNOT_PROVIDE_EXTERNAL = 11,
	PCP_ADDRESS_MISMATCH = 12,
	PCP_EXCESSIVE_REMOTE_PEERS = 13,
};

/* What MAP carries, either way. Addresses are of 16 bytes, IPv4 mapped (5). */
struct pcp_map {
	uint8_t nonce[PCP_NONCE];
	uint8_t protocol; /* IANA's number; 0: all */
	uint16_t internal_port, external_port;
	uint8_t external[16];
};

struct pcp_request {
	uint8_t opcode; /* ANNOUNCE or MAP */
	uint32_t lifetime;
	uint8_t client[16];
	struct pcp_map map;
	bool prefer_failure; /* 13.2 */
};

struct pcp_response {
	uint8_t version, opcode, result;
	uint32_t lifetime, epoch; /* seconds */
	bool has_map;		  /* of opcode MAP, and long enough to hold one: errors may hold none that counts */
	struct pcp_map map;
};

/* Writes a request. */
void pcp_write_request(struct ponto_writer *w, const struct pcp_request *request);

/* Reads a response. PONTO_EPROTO: to be ignored (8.3). Of another version than PCP_VERSION only version, opcode and
 * result count: it may be NAT-PMP's, whose results are 16 bits wide (9). An option that must be understood and is not
 * is a fault (7.3). */
PONTO_MUST_CHECK int pcp_read_response(struct ponto_bytes data, struct pcp_response *out);

/* "NOT_AUTHORIZED"; "result 77" has no name and is "unknown". Static storage. */
const char *pcp_result_name(unsigned result);

/* As a PCP address and back; the port is apart. */
void pcp_address_from(const struct ponto_addr *addr, uint8_t out[16]);
struct ponto_addr pcp_address_to(const uint8_t ip[16], uint16_t port);

#ifdef __cplusplus
}
#endif
#endif
