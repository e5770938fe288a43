#include "engines/teredo/teredo_trailer.h"

enum trailer_type {
	TRAILER_NONCE = 0x01,
	TRAILER_PORT_IANA = 0x02, /* what the RFC's table of numbers says, against 4.5 */
	TRAILER_ALTERNATE = 0x03,
	TRAILER_DISCOVERY = 0x04,
	TRAILER_PORT = 0x05,
};

/* 4.3: reserved bytes, then one to four endpoints that somebody can have. */
static void read_alternates(struct ponto_reader *r, struct teredo_trailers *out)
{
	uint64_t len = ponto_reader_left(r);

	out->alternate_count = 0;
	out->alternates_bad = false;
	ponto_reader_require(r, len == 8 || len == 14 || len == 20 || len == 26);
	ponto_read_skip(r, 2);
	while (ponto_reader_left(r) > 0) {
		struct teredo_endpoint *e = &out->alternates[out->alternate_count++];

		e->ip = ponto_read_be32(r);
		e->port = ponto_read_be16(r);
		ponto_reader_require(r, teredo_ip4_unicast(e->ip) && e->port != 0);
	}
	if (r->failed) {
		out->alternate_count = 0;
		out->alternates_bad = true;
	}
}

static void read_discovery(struct ponto_reader *r, struct teredo_trailers *out)
{
	uint8_t kind = ponto_read_u8(r);

	/* The reserved bytes are not looked at, as 4.4 wants it. */
	ponto_reader_require(r, ponto_reader_left(r) == 3 && kind <= 1);
	if (!r->failed)
		out->discovery = kind ? TEREDO_DISCOVERY_ADVERTISEMENT : TEREDO_DISCOVERY_SOLICITATION;
}

/* False: of a type that is unknown. A known one of a wrong length is skipped. */
static bool read_one(uint8_t type, struct ponto_reader *r, struct teredo_trailers *out)
{
	uint64_t len = ponto_reader_left(r);

	switch (type) {
	case TRAILER_NONCE:
		if (len == 4) {
			out->nonce = ponto_read_be32(r);
			out->has_nonce = true;
		}
		return true;
	case TRAILER_PORT_IANA:
	case TRAILER_PORT:
		if (len == 2) {
			out->port = ponto_read_be16(r);
			out->has_port = out->port != 0;
		}
		return true;
	case TRAILER_ALTERNATE:
		read_alternates(r, out);
		return true;
	case TRAILER_DISCOVERY:
		read_discovery(r, out);
		return true;
	default:
		return false;
	}
}

int teredo_trailers_parse(struct ponto_bytes trailers, struct teredo_trailers *out)
{
	struct ponto_reader r = ponto_reader(trailers);
	struct teredo_trailers t = {0};

	while (ponto_reader_left(&r) >= 2) {
		uint8_t type = ponto_read_u8(&r);
		uint8_t len = ponto_read_u8(&r);
		struct ponto_reader one;

		if (len > ponto_reader_left(&r))
			break;
		one = ponto_read_nested(&r, len);
		/* 4.1: the two highest bits say what to do with an unknown type. */
		if (!read_one(type, &one, &t) && type >> 6 == 1)
			return PONTO_EPROTO;
	}
	*out = t;
	return PONTO_OK;
}

static void write_alternates(struct ponto_writer *w, const struct teredo_trailers *t)
{
	uint8_t count = t->alternate_count < TEREDO_ALTERNATES_SENT ? t->alternate_count : TEREDO_ALTERNATES_SENT;

	ponto_write_u8(w, TRAILER_ALTERNATE);
	ponto_write_u8(w, (uint8_t)(2 + 6 * count));
	ponto_write_be16(w, 0);
	for (uint8_t i = 0; i < count; i++) {
		ponto_write_be32(w, t->alternates[i].ip);
		ponto_write_be16(w, t->alternates[i].port);
	}
}

void teredo_write_trailers(struct ponto_writer *w, const struct teredo_trailers *t)
{
	if (t->has_nonce) {
		ponto_write_u8(w, TRAILER_NONCE);
		ponto_write_u8(w, 4);
		ponto_write_be32(w, t->nonce);
	}
	if (t->alternate_count)
		write_alternates(w, t);
	if (t->discovery != TEREDO_DISCOVERY_NONE) {
		ponto_write_u8(w, TRAILER_DISCOVERY);
		ponto_write_u8(w, 4);
		ponto_write_u8(w, t->discovery == TEREDO_DISCOVERY_ADVERTISEMENT);
		ponto_write_zeros(w, 3);
	}
	if (t->has_port) {
		ponto_write_u8(w, TRAILER_PORT);
		ponto_write_u8(w, 2);
		ponto_write_be16(w, t->port);
	}
}
