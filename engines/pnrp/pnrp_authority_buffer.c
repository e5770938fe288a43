/* AUTHORITY_BUFFER, [MS-PNRP] 2.2.2.6.1: what the fragments of an AUTHORITY carry together. */
#include "engines/pnrp/pnrp_codec.h"

#include <string.h>

#include "engines/pnrp/pnrp_element.h"

#define FLAG_L 0x0200
#define FLAG_B 0x0008
#define FLAG_N 0x0001

/* The opaque body of an element if it is next. */
static void read_opaque(struct ponto_reader *r, uint16_t field, bool *has, struct ponto_bytes *out)
{
	if (!pnrp_element_next(r, field))
		return;
	*has = true;
	*out = pnrp_element_body(r, field);
	pnrp_element_pad(r);
}

/* Encoded CPA and EXTENDED_PAYLOAD begin with their length, which must fill the element. */
static bool length_fits(struct ponto_bytes structure)
{
	struct ponto_reader head = ponto_reader(structure);

	return ponto_read_le16(&head) == structure.len && !head.failed;
}

static void read_classifier(struct ponto_reader *r, struct pnrp_authority_buffer *b)
{
	uint16_t count;

	if (!pnrp_element_next(r, PNRP_FIELD_CLASSIFIER))
		return;
	b->has_classifier = true;
	b->classifier = pnrp_element_array(r, PNRP_FIELD_CLASSIFIER, PNRP_FIELD_WCHAR, 2, 0, 0x7FFF, &count);
	pnrp_element_pad(r);
}

int pnrp_authority_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes, struct pnrp_authority_buffer *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct pnrp_authority_buffer b;
	uint16_t flags;
	int result;

	memset(&b, 0, sizeof(b));
	ponto_reader_require(&r, bytes.len <= PNRP_AUTHORITY_MAX);
	pnrp_element_fixed(&r, PNRP_FIELD_FLAGS, 2);
	flags = ponto_read_be16(&r);
	b.leaf_set = flags & FLAG_L;
	b.busy = flags & FLAG_B;
	b.not_found = flags & FLAG_N;
	pnrp_element_pad(&r);
	read_opaque(&r, PNRP_FIELD_CERT_CHAIN, &b.has_chain, &b.chain);
	read_classifier(&r, &b);
	read_opaque(&r, PNRP_FIELD_EXTENDED_PAYLOAD, &b.has_payload, &b.payload);
	ponto_reader_require(&r, !b.has_payload || length_fits(b.payload));
	pnrp_read_route(wire, &r, &b.route, &b.has_route, &b.route_ignored);
	read_opaque(&r, PNRP_FIELD_VALIDATE_CPA, &b.has_cpa, &b.cpa);
	ponto_reader_require(&r, !b.has_cpa || length_fits(b.cpa));
	result = ponto_reader_done(&r);
	if (result == PONTO_OK)
		*out = b;
	return result;
}

static void write_opaque(struct ponto_writer *w, uint16_t field, bool has, struct ponto_bytes body)
{
	if (!has)
		return;
	pnrp_write_element(w, field, body.len);
	ponto_write_bytes(w, body);
	ponto_write_align(w, 4);
}

int pnrp_authority_encode(const struct pnrp_wire *wire, const struct pnrp_authority_buffer *b, uint8_t *buf, size_t cap,
			  size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap < PNRP_AUTHORITY_MAX ? cap : PNRP_AUTHORITY_MAX);

	if ((b->has_route && !pnrp_route_entry_valid(&b->route)) || (b->has_payload && !length_fits(b->payload)) ||
	    (b->has_cpa && !length_fits(b->cpa)) || (b->has_classifier && b->classifier.len % 2 != 0))
		return PONTO_EINVAL;
	pnrp_write_element(&w, PNRP_FIELD_FLAGS, 2);
	ponto_write_be16(&w,
			 (uint16_t)((b->leaf_set ? FLAG_L : 0) | (b->busy ? FLAG_B : 0) | (b->not_found ? FLAG_N : 0)));
	ponto_write_align(&w, 4);
	write_opaque(&w, PNRP_FIELD_CERT_CHAIN, b->has_chain, b->chain);
	if (b->has_classifier) {
		pnrp_write_array(&w, PNRP_FIELD_CLASSIFIER, PNRP_FIELD_WCHAR, 2, b->classifier.len / 2);
		ponto_write_bytes(&w, b->classifier);
		ponto_write_align(&w, 4);
	}
	write_opaque(&w, PNRP_FIELD_EXTENDED_PAYLOAD, b->has_payload, b->payload);
	if (b->has_route)
		pnrp_write_route(wire, &w, &b->route);
	if (b->has_cpa) {
		/* The layout has no pad field behind the CPA (T8). */
		pnrp_write_element(&w, PNRP_FIELD_VALIDATE_CPA, b->cpa.len);
		ponto_write_bytes(&w, b->cpa);
	}
	return ponto_writer_done(&w, len);
}
