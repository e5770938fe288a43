/* PNRP message elements: FieldID, Length, body; the arrays and the route entry
 * that several messages share. For the codec's own files only.
 *
 * Pure. Alignment counts from the start of the reader or writer, which is the
 * start of the message or of the AUTHORITY_BUFFER. [MS-PNRP] 2.2, 2.2.3.4, 2.2.3.6. */
#ifndef ENGINES_PNRP_PNRP_ELEMENT_H
#define ENGINES_PNRP_PNRP_ELEMENT_H

#include "engines/pnrp/pnrp_codec.h"
#include "framework/cursor.h"

enum pnrp_field {
	PNRP_FIELD_HEADER = 0x0010,
	PNRP_FIELD_HEADER_ACKED = 0x0018,
	PNRP_FIELD_ID = 0x0030,
	PNRP_FIELD_TARGET_ID = 0x0038,
	PNRP_FIELD_VALIDATE_ID = 0x0039,
	PNRP_FIELD_FLAGS = 0x0040,
	PNRP_FIELD_FLOOD_CONTROLS = 0x0043,
	PNRP_FIELD_SOLICIT_CONTROLS = 0x0044,
	PNRP_FIELD_LOOKUP_CONTROLS = 0x0045,
	PNRP_FIELD_EXTENDED_PAYLOAD = 0x005A,
	PNRP_FIELD_ID_ARRAY = 0x0060,
	PNRP_FIELD_CERT_CHAIN = 0x0080,
	PNRP_FIELD_WCHAR = 0x0084,
	PNRP_FIELD_CLASSIFIER = 0x0085,
	PNRP_FIELD_HASHED_NONCE = 0x0092,
	PNRP_FIELD_NONCE = 0x0093,
	PNRP_FIELD_SPLIT_CONTROLS = 0x0098,
	PNRP_FIELD_ROUTING_ENTRY = 0x009A,
	PNRP_FIELD_VALIDATE_CPA = 0x009B,
	PNRP_FIELD_REVOKE_CPA = 0x009C,
	PNRP_FIELD_IPV6_ENDPOINT = 0x009D,
	PNRP_FIELD_IPV6_ENDPOINT_ARRAY = 0x009E,
	PNRP_FIELD_PADDING = 0x00F0, /* docs/modern.md */
};

#define PNRP_ELEMENT_HEAD 4 /* bytes of FieldID and Length */
#define PNRP_ARRAY_HEAD 12  /* these and the four fields that follow in an array */
#define PNRP_ENDPOINT_SIZE 18

/* Requires an element of exactly body bytes; the reader stands at the body afterwards. */
static inline void pnrp_element_fixed(struct ponto_reader *r, uint16_t field, uint16_t body)
{
	ponto_reader_require(r, ponto_read_be32(r) == ((uint32_t)field << 16 | (uint32_t)(PNRP_ELEMENT_HEAD + body)));
}

/* Requires an element of any length: its body. */
struct ponto_bytes pnrp_element_body(struct ponto_reader *r, uint16_t field);

/* True when the next element is field. */
static inline bool pnrp_element_next(const struct ponto_reader *r, uint16_t field)
{
	return ponto_peek_be16(r) == field;
}

/* Skips the pad bytes after an element that may be the last: there they may be missing altogether (T8). */
static inline void pnrp_element_pad(struct ponto_reader *r)
{
	if (ponto_reader_left(r) > 0)
		ponto_read_align(r, 4);
}

/* Requires an array of least..most entries whose five lengths and types all fit; gives the count, and the
 * entries as a view. */
struct ponto_bytes pnrp_element_array(struct ponto_reader *r, uint16_t field, uint16_t type, uint16_t entry,
				      uint16_t least, uint16_t most, uint16_t *count);

/* IPV6_ENDPOINT with a port that may be used, else a fault. */
void pnrp_read_endpoint(struct ponto_reader *r, struct pnrp_ipv6_endpoint *out);

/* The endpoint array; out holds PNRP_ENDPOINTS_MAX. */
void pnrp_read_endpoints(struct ponto_reader *r, uint16_t least, struct pnrp_ipv6_endpoint *out, uint8_t *count);

/* The route entry element and its padding if it is next. ignored: it may not be used. */
void pnrp_read_route(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_route_entry *route, bool *has,
		     bool *ignored);

static inline void pnrp_write_element(struct ponto_writer *w, uint16_t field, size_t body)
{
	if (body > UINT16_MAX - PNRP_ELEMENT_HEAD)
		w->failed = true;
	ponto_write_be32(w, (uint32_t)field << 16 | (uint32_t)(PNRP_ELEMENT_HEAD + body));
}

void pnrp_write_array(struct ponto_writer *w, uint16_t field, uint16_t type, uint16_t entry, size_t count);

static inline void pnrp_write_id(struct ponto_writer *w, uint16_t field, const struct ring_id *id)
{
	pnrp_write_element(w, field, sizeof(id->b));
	ponto_write_copy(w, id->b, sizeof(id->b));
}

void pnrp_write_endpoint(struct ponto_writer *w, const struct pnrp_ipv6_endpoint *endpoint);
void pnrp_write_endpoints(struct ponto_writer *w, const struct pnrp_ipv6_endpoint *endpoints, size_t count);

/* With its padding. */
void pnrp_write_route(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_route_entry *route);

/* What a receiver would accept: port and count of addresses. */
bool pnrp_route_entry_valid(const struct pnrp_route_entry *route);
bool pnrp_endpoints_valid(const struct pnrp_ipv6_endpoint *endpoints, size_t count);

#endif
