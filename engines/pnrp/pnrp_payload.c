/* EXTENDED_PAYLOAD, [MS-PNRP] 2.2.3.3. */
#include "engines/pnrp/pnrp_cpa.h"

#include <string.h>

#include "engines/pnrp/pnrp_signature.h"

#define PAYLOAD_MINOR 0
#define PAYLOAD_MAJOR 2
#define TYPE_STRING 0x80000002u
#define TYPE_BINARY 0x80000003u
#define STRING_UNICODE 0
#define STRING_UTF8 1
#define STRING_LENGTH_MIN 6
#define STRING_LENGTH_MAX 4098
#define STRING_TYPE_SIZE 2
#define INNER_HEAD 10 /* Number of Payloads up to Payload Length */
#define HEAD 74	      /* the whole structure up to there */

/* A string of unit-wide characters without any NUL. */
static bool is_string(struct ponto_bytes text, size_t unit)
{
	if (text.len % unit != 0)
		return false;
	for (size_t i = 0; i < text.len; i += unit)
		if (text.data[i] == 0 && text.data[i + unit - 1] == 0)
			return false;
	return true;
}

/* ---- decoding -------------------------------------------------------------------------- */

static void read_string(struct ponto_reader *r, struct pnrp_payload *p)
{
	uint16_t type = ponto_read_le16(r);
	size_t unit = type == STRING_UNICODE ? 2 : 1;
	uint64_t left = ponto_reader_left(r);

	ponto_reader_require(r, type <= STRING_UTF8 && left >= unit);
	p->kind = type == STRING_UNICODE ? PNRP_KIND_UNICODE : PNRP_KIND_UTF8;
	p->data = ponto_read_bytes(r, left - unit);
	ponto_reader_require(r, unit == 2 ? ponto_read_le16(r) == 0 : ponto_read_u8(r) == 0);
	ponto_reader_require(r, is_string(p->data, unit));
}

static void read_data(struct ponto_reader *r, uint32_t type, uint16_t length, struct pnrp_payload *p)
{
	struct ponto_reader data = ponto_read_nested(r, length);

	switch (type) {
	case TYPE_STRING:
		ponto_reader_require(&data, length >= STRING_LENGTH_MIN && length <= STRING_LENGTH_MAX);
		read_string(&data, p);
		break;
	case TYPE_BINARY:
		ponto_reader_require(&data, length >= 1 && length <= PNRP_PAYLOAD_MAX);
		p->kind = PNRP_KIND_BINARY;
		p->data = ponto_read_bytes(&data, length);
		break;
	default:
		ponto_reader_fail(&data);
	}
	ponto_reader_close(r, &data);
}

int pnrp_payload_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes, struct pnrp_payload *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct pnrp_payload p;
	uint16_t signature_offset, total, length;
	uint32_t type;
	int result;

	memset(&p, 0, sizeof(p));
	ponto_reader_require(&r, ponto_read_le16(&r) == bytes.len);
	ponto_reader_require(&r, ponto_read_u8(&r) == PAYLOAD_MINOR);
	ponto_reader_require(&r, ponto_read_u8(&r) == PAYLOAD_MAJOR);
	ponto_read_skip(&r, 2);
	signature_offset = ponto_read_le16(&r);
	p.not_after = ponto_read_le64(&r);
	ponto_read_reversed(&r, p.id.b, sizeof(p.id.b));
	ponto_read_copy(&r, p.nonce, sizeof(p.nonce));
	ponto_reader_require(&r, ponto_read_le16(&r) == 1);
	total = ponto_read_le16(&r);
	type = ponto_read_le32(&r);
	length = ponto_read_le16(&r);
	ponto_reader_require(&r, total == INNER_HEAD + (uint32_t)length && signature_offset == HEAD + (uint32_t)length);
	read_data(&r, type, length, &p);
	pnrp_read_signature(wire, &r, &p.signed_part, &p.signature);
	result = ponto_reader_done(&r);
	if (result == PONTO_OK)
		*out = p;
	return result;
}

/* ---- encoding ---------------------------------------------------------------------------- */

static bool payload_valid(const struct pnrp_payload *p)
{
	switch (p->kind) {
	case PNRP_KIND_BINARY:
		return p->data.len >= 1 && p->data.len <= PNRP_PAYLOAD_MAX;
	case PNRP_KIND_UNICODE:
		return p->data.len >= 2 && p->data.len <= PNRP_PAYLOAD_MAX - 2 && is_string(p->data, 2);
	case PNRP_KIND_UTF8:
		return p->data.len >= 1 && p->data.len <= PNRP_PAYLOAD_MAX - 1 && is_string(p->data, 1);
	default:
		return false;
	}
}

/* A text of one or two bytes of UTF-8 has at most two characters below U+0800; returns the bytes of its
 * UTF-16LE form, or 0 when it is no UTF-8. */
static size_t widen(struct ponto_bytes text, uint8_t out[4])
{
	const uint8_t *at = text.data;

	if (text.len == 2 && at[0] >= 0xc2 && at[0] <= 0xdf && (at[1] & 0xc0) == 0x80) {
		out[0] = (uint8_t)(at[0] << 6 | (at[1] & 0x3f));
		out[1] = (uint8_t)((at[0] & 0x1f) >> 2);
		return 2;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (at[i] >= 0x80)
			return 0;
		out[2 * i] = at[i];
		out[2 * i + 1] = 0;
	}
	return 2 * text.len;
}

static void write_head(const struct pnrp_wire *wire, struct ponto_writer *w, const struct pnrp_payload *p,
		       uint16_t length)
{
	ponto_write_le16(w, (uint16_t)(HEAD + length + pnrp_signature_size(wire)));
	ponto_write_u8(w, PAYLOAD_MINOR);
	ponto_write_u8(w, PAYLOAD_MAJOR);
	ponto_write_le16(w, 0);
	ponto_write_le16(w, (uint16_t)(HEAD + length));
	ponto_write_le64(w, p->not_after);
	ponto_write_reversed(w, p->id.b, sizeof(p->id.b));
	ponto_write_copy(w, p->nonce, sizeof(p->nonce));
	ponto_write_le16(w, 1);
	ponto_write_le16(w, (uint16_t)(INNER_HEAD + length));
	ponto_write_le32(w, p->kind == PNRP_KIND_BINARY ? TYPE_BINARY : TYPE_STRING);
	ponto_write_le16(w, length);
}

int pnrp_payload_encode(const struct pnrp_wire *wire, const struct pnrp_payload *payload, uint8_t *buf, size_t cap,
			size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);
	struct pnrp_payload p = *payload;
	uint8_t wide[4];
	size_t terminator;

	if (!payload_valid(&p))
		return PONTO_EINVAL;
	if (p.kind == PNRP_KIND_UTF8 && STRING_TYPE_SIZE + p.data.len + 1 < STRING_LENGTH_MIN) {
		p.kind = PNRP_KIND_UNICODE;
		p.data = ponto_bytes(wide, widen(p.data, wide));
		if (p.data.len == 0)
			return PONTO_EINVAL;
	}
	if (p.kind == PNRP_KIND_BINARY) {
		write_head(wire, &w, &p, (uint16_t)p.data.len);
		ponto_write_bytes(&w, p.data);
		return ponto_writer_done(&w, len);
	}
	terminator = p.kind == PNRP_KIND_UNICODE ? 2 : 1;
	write_head(wire, &w, &p, (uint16_t)(STRING_TYPE_SIZE + p.data.len + terminator));
	ponto_write_le16(&w, p.kind == PNRP_KIND_UNICODE ? STRING_UNICODE : STRING_UTF8);
	ponto_write_bytes(&w, p.data);
	ponto_write_zeros(&w, terminator);
	return ponto_writer_done(&w, len);
}
