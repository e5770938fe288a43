#include "engines/teredo/teredo_codec.h"

#include <string.h>

#define INDICATOR_ORIGIN 0
#define INDICATOR_AUTH 1

static void read_auth(struct ponto_reader *r, struct teredo_auth *out)
{
	uint8_t id_len, value_len;

	ponto_read_skip(r, 2);
	id_len = ponto_read_u8(r);
	value_len = ponto_read_u8(r);
	out->id = ponto_read_bytes(r, id_len);
	out->value = ponto_read_bytes(r, value_len);
	ponto_read_copy(r, out->nonce, sizeof(out->nonce));
	out->confirmation = ponto_read_u8(r);
}

static void read_origin(struct ponto_reader *r, struct teredo_endpoint *out)
{
	ponto_read_skip(r, 2);
	out->port = (uint16_t)~ponto_read_be16(r);
	out->ip = ~ponto_read_be32(r);
}

/* The fixed header; the length it gives. */
static uint16_t read_header(struct ponto_reader *r, struct teredo_packet *p)
{
	uint32_t first = ponto_read_be32(r);
	uint16_t len = ponto_read_be16(r);

	ponto_reader_require(r, first >> 28 == 6);
	p->traffic_class = (uint8_t)(first >> 20);
	p->next_header = ponto_read_u8(r);
	p->hop_limit = ponto_read_u8(r);
	ponto_read_copy(r, p->src.bytes, sizeof(p->src.bytes));
	ponto_read_copy(r, p->dst.bytes, sizeof(p->dst.bytes));
	return len;
}

/* Whether a part with this indicator is next: what holds no two bytes is neither. */
static bool next_is(const struct ponto_reader *r, uint16_t indicator)
{
	return ponto_reader_left(r) >= 2 && ponto_peek_be16(r) == indicator;
}

int teredo_decode(struct ponto_bytes datagram, struct teredo_packet *out)
{
	struct ponto_reader r = ponto_reader(datagram);
	struct teredo_packet p = {0};
	uint64_t covered = 0, start;
	uint16_t len;

	if (next_is(&r, INDICATOR_AUTH)) {
		read_auth(&r, &p.auth);
		p.has_auth = true;
		covered = r.pos - sizeof(p.auth.nonce) - sizeof(p.auth.confirmation);
	}
	if (next_is(&r, INDICATOR_ORIGIN)) {
		read_origin(&r, &p.origin);
		p.has_origin = true;
	}
	start = r.pos;
	len = read_header(&r, &p);
	p.payload = ponto_read_bytes(&r, len);
	if (r.failed)
		return PONTO_EPROTO;
	p.ip6 = ponto_bytes(datagram.data + start, (size_t)(r.pos - start));
	if (p.has_auth)
		p.covered = ponto_bytes(datagram.data + covered, (size_t)(r.pos - covered));
	p.trailers = ponto_read_bytes(&r, ponto_reader_left(&r));
	*out = p;
	return PONTO_OK;
}

int teredo_decode_quoted(struct ponto_bytes packet, struct teredo_packet *out)
{
	struct ponto_reader r = ponto_reader(packet);
	struct teredo_packet p = {0};
	uint16_t len = read_header(&r, &p);
	uint64_t left = ponto_reader_left(&r);

	p.payload = ponto_read_bytes(&r, len < left ? len : left);
	if (r.failed)
		return PONTO_EPROTO;
	p.ip6 = ponto_bytes(packet.data, (size_t)r.pos);
	*out = p;
	return PONTO_OK;
}

/* Whole eights in the machine's own order: the order makes no other difference than that of the result. RFC 1071 2 (B)
 */
static uint16_t sum_eights(struct ponto_bytes data)
{
	uint64_t total = 0;
	uint16_t folded;
	uint8_t bytes[2];

	for (size_t i = 0; i + 8 <= data.len; i += 8) {
		uint64_t word;

		memcpy(&word, data.data + i, sizeof(word));
		total += (word & 0xffffffff) + (word >> 32);
	}
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	folded = (uint16_t)total;
	memcpy(bytes, &folded, sizeof(bytes));
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint64_t sum(uint64_t total, struct ponto_bytes data)
{
	struct ponto_reader r = ponto_reader(data);

	total += sum_eights(ponto_read_bytes(&r, data.len & ~(size_t)7));
	if (ponto_reader_left(&r) >= 4)
		total += ponto_read_be32(&r);
	if (ponto_reader_left(&r) >= 2)
		total += (uint32_t)ponto_read_be16(&r) << 16;
	/* An odd last byte is followed by a zero. */
	if (ponto_reader_left(&r))
		total += (uint32_t)ponto_read_u8(&r) << ((data.len & 3) == 1 ? 24 : 8);
	return total;
}

uint16_t teredo_checksum(const struct teredo_ip6 *src, const struct teredo_ip6 *dst, uint8_t next_header,
			 struct ponto_bytes data)
{
	uint64_t total = (uint64_t)next_header + data.len;

	total = sum(total, ponto_bytes(src->bytes, sizeof(src->bytes)));
	total = sum(total, ponto_bytes(dst->bytes, sizeof(dst->bytes)));
	total = sum(total, data);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

void teredo_write_origin(struct ponto_writer *w, const struct teredo_endpoint *origin)
{
	ponto_write_be16(w, INDICATOR_ORIGIN);
	ponto_write_be16(w, (uint16_t)~origin->port);
	ponto_write_be32(w, ~origin->ip);
}

void teredo_write_ip6(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		      uint8_t next_header, uint8_t hop_limit, uint16_t payload_len)
{
	ponto_write_be32(w, 0x60000000u);
	ponto_write_be16(w, payload_len);
	ponto_write_u8(w, next_header);
	ponto_write_u8(w, hop_limit);
	ponto_write_copy(w, src->bytes, sizeof(src->bytes));
	ponto_write_copy(w, dst->bytes, sizeof(dst->bytes));
}

void teredo_write_bubble(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
			 uint8_t hop_limit)
{
	teredo_write_ip6(w, src, dst, TEREDO_NEXT_NONE, hop_limit, 0);
}

int teredo_udp_parse(const struct teredo_packet *p, struct teredo_udp *out)
{
	struct ponto_reader r = ponto_reader(p->payload);
	struct teredo_udp udp;
	uint16_t len, sum_;

	if (p->next_header != TEREDO_NEXT_UDP)
		return PONTO_EPROTO;
	udp.from = ponto_read_be16(&r);
	udp.to = ponto_read_be16(&r);
	len = ponto_read_be16(&r);
	sum_ = ponto_read_be16(&r);
	/* RFC 8200 8.1: without a checksum it is dropped. */
	ponto_reader_require(&r, sum_ != 0 && len >= TEREDO_UDP_HEADER && len <= p->payload.len);
	udp.data = ponto_read_bytes(&r, r.failed ? 0 : len - TEREDO_UDP_HEADER);
	if (r.failed || teredo_checksum(&p->src, &p->dst, TEREDO_NEXT_UDP, ponto_bytes(p->payload.data, len)) != 0)
		return PONTO_EPROTO;
	*out = udp;
	return PONTO_OK;
}

void teredo_write_udp(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		      uint8_t hop_limit, const struct teredo_udp *udp)
{
	uint64_t start;
	uint16_t len, check;

	if (udp->data.len > UINT16_MAX - TEREDO_UDP_HEADER) {
		w->failed = true;
		return;
	}
	len = (uint16_t)(TEREDO_UDP_HEADER + udp->data.len);
	teredo_write_ip6(w, src, dst, TEREDO_NEXT_UDP, hop_limit, len);
	start = w->pos;
	ponto_write_be16(w, udp->from);
	ponto_write_be16(w, udp->to);
	ponto_write_be16(w, len);
	ponto_write_be16(w, 0);
	ponto_write_bytes(w, udp->data);
	if (w->failed)
		return;
	check = teredo_checksum(src, dst, TEREDO_NEXT_UDP, ponto_bytes(w->data + start, len));
	/* RFC 768: 0 means none, and stands as its other form. */
	ponto_patch_be16(w, start + 6, check ? check : 0xffff);
}
