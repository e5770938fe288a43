#include "engines/pnrp/pnrp_codec.h"

#include <string.h>

#include "engines/pnrp/pnrp_element.h"

#define IDENTIFIER 0x51

#define FLOOD_D 0x0001
#define INQUIRE_A 0x0010
#define INQUIRE_X 0x0008
#define INQUIRE_C 0x0004
#define ACK_N 0x0001
#define LOOKUP_A 0x0002

/* IDs in one array: its Length is 16 bits wide. */
#define IDS_ENCODABLE ((UINT16_MAX - PNRP_ARRAY_HEAD) / RING_ID_SIZE)

/* ---- decoding: parts ------------------------------------------------------------ */

static void read_id(struct ponto_reader *r, uint16_t field, struct ring_id *id)
{
	pnrp_element_fixed(r, field, sizeof(id->b));
	ponto_read_copy(r, id->b, sizeof(id->b));
}

static uint32_t read_acked(struct ponto_reader *r)
{
	pnrp_element_fixed(r, PNRP_FIELD_HEADER_ACKED, 4);
	return ponto_read_be32(r);
}

static void read_hashed_nonce(struct ponto_reader *r, uint8_t out[PNRP_HASH_SIZE])
{
	pnrp_element_fixed(r, PNRP_FIELD_HASHED_NONCE, PNRP_HASH_SIZE);
	ponto_read_copy(r, out, PNRP_HASH_SIZE);
}

static void read_nonce(struct ponto_reader *r, uint8_t out[PNRP_NONCE_SIZE])
{
	pnrp_element_fixed(r, PNRP_FIELD_NONCE, PNRP_NONCE_SIZE);
	ponto_read_copy(r, out, PNRP_NONCE_SIZE);
}

static void read_ids(struct ponto_reader *r, struct pnrp_ids *ids)
{
	ids->bytes = pnrp_element_array(r, PNRP_FIELD_ID_ARRAY, PNRP_FIELD_ID, RING_ID_SIZE, 0, PNRP_ID_LIST_MAX,
					&ids->count);
}

/* An Encoded CPA must fill its element: its own length field says so. */
static struct ponto_bytes read_revoke(struct ponto_reader *r)
{
	struct ponto_bytes cpa = pnrp_element_body(r, PNRP_FIELD_REVOKE_CPA);
	struct ponto_reader head = ponto_reader(cpa);

	ponto_read_align(r, 4);
	ponto_reader_require(r, ponto_read_le16(&head) == cpa.len && !head.failed);
	return cpa;
}

/* ---- decoding: messages ----------------------------------------------------------- */

static void read_solicit(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_solicit *m)
{
	if (pnrp_element_next(r, PNRP_FIELD_SOLICIT_CONTROLS)) {
		pnrp_element_fixed(r, PNRP_FIELD_SOLICIT_CONTROLS, 2);
		ponto_read_skip(r, 1);
		m->solicit_type = ponto_read_u8(r);
		m->has_controls = true;
		ponto_reader_require(r, m->solicit_type <= PNRP_SOLICIT_LOCAL);
		ponto_read_align(r, 4);
	}
	pnrp_read_route(wire, r, &m->route, &m->has_route, &m->route_ignored);
	read_hashed_nonce(r, m->hashed_nonce);
}

static void read_advertise(struct ponto_reader *r, struct pnrp_advertise *m)
{
	m->acked_id = read_acked(r);
	read_ids(r, &m->ids);
	read_hashed_nonce(r, m->hashed_nonce);
}

static void read_request(struct ponto_reader *r, struct pnrp_request *m)
{
	read_nonce(r, m->nonce);
	read_ids(r, &m->ids);
}

static void read_flood(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_flood *m)
{
	pnrp_element_fixed(r, PNRP_FIELD_FLOOD_CONTROLS, 3);
	m->no_ack = ponto_read_be16(r) & FLOOD_D;
	ponto_read_skip(r, 1);
	ponto_read_align(r, 4);
	read_id(r, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	if (pnrp_element_next(r, PNRP_FIELD_REVOKE_CPA)) {
		m->has_revoke = true;
		m->revoke = read_revoke(r);
	}
	pnrp_read_route(wire, r, &m->route, &m->has_route, &m->route_ignored);
	pnrp_read_endpoints(r, 0, m->endpoints, &m->count);
}

static void read_inquire(struct ponto_reader *r, struct pnrp_inquire *m)
{
	uint16_t flags;

	pnrp_element_fixed(r, PNRP_FIELD_FLAGS, 2);
	flags = ponto_read_be16(r);
	m->want_cpa = flags & INQUIRE_A;
	m->want_payload = flags & INQUIRE_X;
	m->want_chain = flags & INQUIRE_C;
	ponto_read_align(r, 4);
	read_id(r, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	if (ponto_reader_left(r) > 0 && !pnrp_element_next(r, PNRP_FIELD_PADDING)) {
		m->has_nonce = true;
		read_nonce(r, m->nonce);
	}
}

static void read_authority(struct ponto_reader *r, struct pnrp_authority *m)
{
	m->acked_id = read_acked(r);
	pnrp_element_fixed(r, PNRP_FIELD_SPLIT_CONTROLS, 4);
	m->size = ponto_read_be16(r);
	m->offset = ponto_read_be16(r);
	ponto_reader_require(r, m->size <= PNRP_AUTHORITY_MAX && m->offset % PNRP_FRAGMENT == 0);
	m->slice = ponto_read_bytes(r, ponto_reader_left(r));
}

static void read_ack(struct ponto_reader *r, struct pnrp_ack *m)
{
	m->acked_id = read_acked(r);
	if (ponto_reader_left(r) > 0) {
		pnrp_element_fixed(r, PNRP_FIELD_FLAGS, 2);
		m->not_found = ponto_read_be16(r) & ACK_N;
	}
}

static bool known_opcode(uint8_t criteria)
{
	return criteria <= PNRP_OPCODE_NEAREST || criteria == PNRP_OPCODE_NEAREST64 ||
	       criteria == PNRP_OPCODE_UPPER_BITS;
}

static void read_lookup(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_lookup *m)
{
	pnrp_element_fixed(r, PNRP_FIELD_LOOKUP_CONTROLS, 8);
	m->accept_any = ponto_read_be16(r) & LOOKUP_A;
	m->precision = ponto_read_be16(r);
	m->criteria = ponto_read_u8(r);
	m->reason = ponto_read_u8(r);
	ponto_read_skip(r, 2);
	ponto_reader_require(r, known_opcode(m->criteria));
	read_id(r, PNRP_FIELD_TARGET_ID, &m->target);
	read_id(r, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	pnrp_read_route(wire, r, &m->route, &m->has_route, &m->route_ignored);
	pnrp_read_endpoints(r, 1, m->path, &m->count);
}

static void read_header(const struct pnrp_wire *wire, struct ponto_reader *r, uint8_t *type, uint32_t *id)
{
	pnrp_element_fixed(r, PNRP_FIELD_HEADER, PNRP_HEADER_SIZE - PNRP_ELEMENT_HEAD);
	ponto_reader_require(r, ponto_read_u8(r) == IDENTIFIER);
	ponto_reader_require(r, ponto_read_u8(r) == wire->version);
	ponto_reader_require(r, ponto_read_u8(r) == 0);
	*type = ponto_read_u8(r);
	*id = ponto_read_be32(r);
}

static void read_body(const struct pnrp_wire *wire, struct ponto_reader *r, struct pnrp_message *m)
{
	switch (m->type) {
	case PNRP_SOLICIT:
		read_solicit(wire, r, &m->solicit);
		break;
	case PNRP_ADVERTISE:
		read_advertise(r, &m->advertise);
		break;
	case PNRP_REQUEST:
		read_request(r, &m->request);
		break;
	case PNRP_FLOOD:
		read_flood(wire, r, &m->flood);
		break;
	case PNRP_INQUIRE:
		read_inquire(r, &m->inquire);
		break;
	case PNRP_AUTHORITY:
		read_authority(r, &m->authority);
		break;
	case PNRP_ACK:
		read_ack(r, &m->ack);
		break;
	case PNRP_LOOKUP:
		read_lookup(wire, r, &m->lookup);
		break;
	default:
		ponto_reader_fail(r);
	}
}

/* Bytes of a message of this type with so many endpoints at its end: small ones, which are most, are not worth a
 * kilobyte of zeros. */
static size_t message_size(uint8_t type, size_t endpoints)
{
	switch (type) {
	case PNRP_FLOOD:
		return offsetof(struct pnrp_message, flood.endpoints) + endpoints * sizeof(struct pnrp_ipv6_endpoint);
	case PNRP_LOOKUP:
		return offsetof(struct pnrp_message, lookup.path) + endpoints * sizeof(struct pnrp_ipv6_endpoint);
	case PNRP_ACK:
		return offsetof(struct pnrp_message, ack) + sizeof(struct pnrp_ack);
	case PNRP_AUTHORITY:
		return offsetof(struct pnrp_message, authority) + sizeof(struct pnrp_authority);
	case PNRP_INQUIRE:
		return offsetof(struct pnrp_message, inquire) + sizeof(struct pnrp_inquire);
	default:
		return sizeof(struct pnrp_message);
	}
}

static size_t endpoint_count(const struct pnrp_message *m)
{
	if (m->type == PNRP_FLOOD)
		return m->flood.count;
	return m->type == PNRP_LOOKUP ? m->lookup.count : 0;
}

/* Whether the answer may be larger than the question. */
static bool asks_for_more(const struct pnrp_message *m)
{
	return m->type == PNRP_SOLICIT ||
	       (m->type == PNRP_INQUIRE && (m->inquire.want_cpa || m->inquire.want_payload || m->inquire.want_chain));
}

/* Where the profile has such a rule; what the padding holds is nobody's business. */
static void read_padding(const struct pnrp_wire *wire, struct ponto_reader *r, const struct pnrp_message *m, size_t len)
{
	if (wire->question_len == 0 || !asks_for_more(m))
		return;
	if (pnrp_element_next(r, PNRP_FIELD_PADDING))
		(void)pnrp_element_body(r, PNRP_FIELD_PADDING);
	ponto_reader_require(r, len >= wire->question_len);
}

int pnrp_decode(const struct pnrp_wire *wire, struct ponto_bytes datagram, struct pnrp_message *out)
{
	struct ponto_reader r = ponto_reader(datagram);
	struct pnrp_message m;
	uint8_t type;
	uint32_t id;
	int result;

	read_header(wire, &r, &type, &id);
	memset(&m, 0, message_size(type, 0));
	m.type = type;
	m.id = id;
	read_body(wire, &r, &m);
	read_padding(wire, &r, &m, datagram.len);
	pnrp_element_pad(&r);
	result = ponto_reader_done(&r);
	if (result == PONTO_OK)
		memcpy(out, &m, message_size(type, endpoint_count(&m)));
	return result;
}

uint8_t pnrp_peek_version(struct ponto_bytes datagram)
{
	struct ponto_reader r = ponto_reader(datagram);
	uint8_t identifier, version;

	pnrp_element_fixed(&r, PNRP_FIELD_HEADER, PNRP_HEADER_SIZE - PNRP_ELEMENT_HEAD);
	identifier = ponto_read_u8(&r);
	version = ponto_read_u8(&r);
	return r.failed || identifier != IDENTIFIER ? 0 : version;
}

#define BEFORE_FLOOD_ID (8 + PNRP_ELEMENT_HEAD + RING_ID_SIZE + PNRP_ELEMENT_HEAD)
#define BEFORE_LOOKUP_ID (12 + PNRP_ELEMENT_HEAD)

void pnrp_peek(struct ponto_bytes datagram, struct pnrp_gist *out)
{
	struct ponto_reader r = ponto_reader(datagram);

	ponto_read_skip(&r, PNRP_ELEMENT_HEAD + 3);
	out->type = ponto_read_u8(&r);
	ponto_read_skip(&r, 4);
	switch (out->type) {
	case PNRP_ACK:
	case PNRP_AUTHORITY:
		ponto_read_skip(&r, PNRP_ELEMENT_HEAD);
		out->acked_id = ponto_read_be32(&r);
		break;
	case PNRP_FLOOD:
	case PNRP_LOOKUP:
		ponto_read_skip(&r, out->type == PNRP_FLOOD ? BEFORE_FLOOD_ID : BEFORE_LOOKUP_ID);
		ponto_read_copy(&r, out->id.b, sizeof(out->id.b));
		break;
	}
	if (r.failed)
		out->type = 0;
}

struct ring_id pnrp_id_at(const struct pnrp_ids *ids, uint16_t index)
{
	struct ring_id id;

	memcpy(id.b, ids->bytes.data + (size_t)index * RING_ID_SIZE, sizeof(id.b));
	return id;
}

bool pnrp_authority_fits(const struct pnrp_authority *authority)
{
	size_t end = authority->offset + authority->slice.len;

	return authority->slice.len > 0 && end <= authority->size && authority->slice.len <= PNRP_FRAGMENT &&
	       (end == authority->size || authority->slice.len == PNRP_FRAGMENT);
}

/* ---- criteria ------------------------------------------------------------------------ */

unsigned pnrp_criteria_bits(uint8_t criteria, uint16_t precision)
{
	switch (criteria) {
	case PNRP_OPCODE_ANY:
		return 128;
	case PNRP_OPCODE_NEAREST64:
		return 192;
	case PNRP_OPCODE_UPPER_BITS:
		return precision < 8 * RING_ID_SIZE ? precision : 8 * RING_ID_SIZE;
	default:
		return 8 * RING_ID_SIZE;
	}
}

bool pnrp_criteria_match(uint8_t criteria, uint16_t precision, const struct ring_id *a, const struct ring_id *b)
{
	unsigned bits = pnrp_criteria_bits(criteria, precision);
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a->b, b->b, whole) == 0 && (rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0);
}

/* ---- encoding ---------------------------------------------------------------------------- */

static void write_acked(struct ponto_writer *w, uint32_t acked_id)
{
	pnrp_write_element(w, PNRP_FIELD_HEADER_ACKED, 4);
	ponto_write_be32(w, acked_id);
}

static void write_hashed_nonce(struct ponto_writer *w, const uint8_t hash[PNRP_HASH_SIZE])
{
	pnrp_write_element(w, PNRP_FIELD_HASHED_NONCE, PNRP_HASH_SIZE);
	ponto_write_copy(w, hash, PNRP_HASH_SIZE);
}

static void write_nonce(struct ponto_writer *w, const uint8_t nonce[PNRP_NONCE_SIZE])
{
	pnrp_write_element(w, PNRP_FIELD_NONCE, PNRP_NONCE_SIZE);
	ponto_write_copy(w, nonce, PNRP_NONCE_SIZE);
}

static void write_ids(struct ponto_writer *w, const struct pnrp_ids *ids)
{
	pnrp_write_array(w, PNRP_FIELD_ID_ARRAY, PNRP_FIELD_ID, RING_ID_SIZE, ids->count);
	ponto_write_bytes(w, ids->bytes);
}

static void write_flags(struct ponto_writer *w, uint16_t flags)
{
	pnrp_write_element(w, PNRP_FIELD_FLAGS, 2);
	ponto_write_be16(w, flags);
}

static void write_solicit(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_solicit *m)
{
	if (m->has_controls) {
		pnrp_write_element(w, PNRP_FIELD_SOLICIT_CONTROLS, 2);
		ponto_write_u8(w, 0);
		ponto_write_u8(w, m->solicit_type);
		ponto_write_align(w, 4);
	}
	if (m->has_route)
		pnrp_write_route(wire, w, &m->route);
	write_hashed_nonce(w, m->hashed_nonce);
}

static void write_flood(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_flood *m)
{
	pnrp_write_element(w, PNRP_FIELD_FLOOD_CONTROLS, 3);
	ponto_write_be16(w, m->no_ack ? FLOOD_D : 0);
	ponto_write_u8(w, 0);
	ponto_write_align(w, 4);
	pnrp_write_id(w, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	if (m->has_revoke) {
		pnrp_write_element(w, PNRP_FIELD_REVOKE_CPA, m->revoke.len);
		ponto_write_bytes(w, m->revoke);
		ponto_write_align(w, 4);
	}
	if (m->has_route)
		pnrp_write_route(wire, w, &m->route);
	pnrp_write_endpoints(w, m->endpoints, m->count);
}

static void write_inquire(struct ponto_writer *w, const struct pnrp_inquire *m)
{
	write_flags(w, (uint16_t)((m->want_cpa ? INQUIRE_A : 0) | (m->want_payload ? INQUIRE_X : 0) |
				  (m->want_chain ? INQUIRE_C : 0)));
	ponto_write_align(w, 4);
	pnrp_write_id(w, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	if (m->has_nonce)
		write_nonce(w, m->nonce);
}

static void write_authority(struct ponto_writer *w, const struct pnrp_authority *m)
{
	write_acked(w, m->acked_id);
	pnrp_write_element(w, PNRP_FIELD_SPLIT_CONTROLS, 4);
	ponto_write_be16(w, m->size);
	ponto_write_be16(w, m->offset);
	ponto_write_bytes(w, m->slice);
}

static void write_ack(struct ponto_writer *w, const struct pnrp_ack *m)
{
	write_acked(w, m->acked_id);
	if (m->not_found)
		write_flags(w, ACK_N);
}

static void write_lookup(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_lookup *m)
{
	pnrp_write_element(w, PNRP_FIELD_LOOKUP_CONTROLS, 8);
	ponto_write_be16(w, m->accept_any ? LOOKUP_A : 0);
	ponto_write_be16(w, m->precision);
	ponto_write_u8(w, m->criteria);
	ponto_write_u8(w, m->reason);
	ponto_write_be16(w, 0);
	pnrp_write_id(w, PNRP_FIELD_TARGET_ID, &m->target);
	pnrp_write_id(w, PNRP_FIELD_VALIDATE_ID, &m->validate_id);
	if (m->has_route)
		pnrp_write_route(wire, w, &m->route);
	pnrp_write_endpoints(w, m->path, m->count);
}

static bool ids_valid(const struct pnrp_ids *ids)
{
	return ids->count <= IDS_ENCODABLE && ids->bytes.len == (size_t)ids->count * RING_ID_SIZE;
}

static bool flood_valid(const struct pnrp_flood *m)
{
	struct ponto_reader head = ponto_reader(m->revoke);

	return (!m->has_revoke || (ponto_read_le16(&head) == m->revoke.len && !head.failed)) &&
	       (!m->has_route || pnrp_route_entry_valid(&m->route)) && m->count <= PNRP_ENDPOINTS_MAX &&
	       pnrp_endpoints_valid(m->endpoints, m->count);
}

static bool lookup_valid(const struct pnrp_lookup *m)
{
	return known_opcode(m->criteria) && (!m->has_route || pnrp_route_entry_valid(&m->route)) && m->count >= 1 &&
	       m->count <= PNRP_ENDPOINTS_MAX && pnrp_endpoints_valid(m->path, m->count);
}

static bool message_valid(const struct pnrp_message *m)
{
	switch (m->type) {
	case PNRP_SOLICIT:
		return m->solicit.solicit_type <= (m->solicit.has_controls ? PNRP_SOLICIT_LOCAL : PNRP_SOLICIT_ANY) &&
		       (!m->solicit.has_route || pnrp_route_entry_valid(&m->solicit.route));
	case PNRP_ADVERTISE:
		return ids_valid(&m->advertise.ids);
	case PNRP_REQUEST:
		return ids_valid(&m->request.ids);
	case PNRP_FLOOD:
		return flood_valid(&m->flood);
	case PNRP_AUTHORITY:
		return m->authority.size <= PNRP_AUTHORITY_MAX && m->authority.offset % PNRP_FRAGMENT == 0 &&
		       pnrp_authority_fits(&m->authority);
	case PNRP_LOOKUP:
		return lookup_valid(&m->lookup);
	case PNRP_INQUIRE:
	case PNRP_ACK:
		return true;
	default:
		return false;
	}
}

static void write_body(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_message *m)
{
	switch (m->type) {
	case PNRP_SOLICIT:
		write_solicit(wire, w, &m->solicit);
		break;
	case PNRP_ADVERTISE:
		write_acked(w, m->advertise.acked_id);
		write_ids(w, &m->advertise.ids);
		write_hashed_nonce(w, m->advertise.hashed_nonce);
		break;
	case PNRP_REQUEST:
		write_nonce(w, m->request.nonce);
		write_ids(w, &m->request.ids);
		break;
	case PNRP_FLOOD:
		write_flood(wire, w, &m->flood);
		break;
	case PNRP_INQUIRE:
		write_inquire(w, &m->inquire);
		break;
	case PNRP_AUTHORITY:
		write_authority(w, &m->authority);
		break;
	case PNRP_ACK:
		write_ack(w, &m->ack);
		break;
	case PNRP_LOOKUP:
		write_lookup(wire, w, &m->lookup);
		break;
	}
}

static void write_padding(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_message *m)
{
	uint64_t len = w->pos + PNRP_ELEMENT_HEAD;

	if (!asks_for_more(m) || w->pos >= wire->question_len)
		return;
	len = len < wire->question_len ? wire->question_len - len : 0;
	pnrp_write_element(w, PNRP_FIELD_PADDING, len);
	ponto_write_zeros(w, len);
}

int pnrp_encode(const struct pnrp_wire *wire, const struct pnrp_message *message, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (!message_valid(message))
		return PONTO_EINVAL;
	pnrp_write_element(&w, PNRP_FIELD_HEADER, PNRP_HEADER_SIZE - PNRP_ELEMENT_HEAD);
	ponto_write_u8(&w, IDENTIFIER);
	ponto_write_u8(&w, wire->version);
	ponto_write_u8(&w, 0);
	ponto_write_u8(&w, message->type);
	ponto_write_be32(&w, message->id);
	write_body(wire, &w, message);
	write_padding(wire, &w, message);
	return ponto_writer_done(&w, len);
}
