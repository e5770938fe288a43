#include "engines/teredo/teredo_icmp.h"

#define ND_HOP_LIMIT 255
#define OPTION_PREFIX 3
#define OPTION_MTU 5
#define RETRANSMIT 2000 /* milliseconds, as servers say */
#define ADVERTISED_BITS 64

int teredo_icmp_parse(const struct teredo_packet *p, struct teredo_icmp *out)
{
	struct ponto_reader r = ponto_reader(p->payload);
	struct teredo_icmp icmp;

	if (p->next_header != TEREDO_NEXT_ICMP)
		return PONTO_EPROTO;
	icmp.type = ponto_read_u8(&r);
	icmp.code = ponto_read_u8(&r);
	ponto_read_skip(&r, 2);
	icmp.word = ponto_read_be32(&r);
	icmp.body = ponto_read_bytes(&r, ponto_reader_left(&r));
	if (r.failed || teredo_checksum(&p->src, &p->dst, TEREDO_NEXT_ICMP, p->payload) != 0)
		return PONTO_EPROTO;
	*out = icmp;
	return PONTO_OK;
}

/* Begins a packet whose length and checksum end_icmp fills in. */
static uint64_t begin_icmp(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
			   uint8_t hop_limit, uint8_t type, uint8_t code)
{
	uint64_t start = w->pos;

	teredo_write_ip6(w, src, dst, TEREDO_NEXT_ICMP, hop_limit, 0);
	ponto_write_u8(w, type);
	ponto_write_u8(w, code);
	ponto_write_be16(w, 0);
	return start;
}

static void end_icmp(struct ponto_writer *w, uint64_t start, const struct teredo_ip6 *src, const struct teredo_ip6 *dst)
{
	uint64_t body = start + TEREDO_IP6_HEADER;

	if (w->failed)
		return;
	ponto_patch_be16(w, start + 4, w->pos - body);
	ponto_patch_be16(
		w, body + 2,
		teredo_checksum(src, dst, TEREDO_NEXT_ICMP, ponto_bytes(w->data + body, (size_t)(w->pos - body))));
}

void teredo_write_icmp(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		       uint8_t hop_limit, const struct teredo_icmp *icmp)
{
	uint64_t start = begin_icmp(w, src, dst, hop_limit, icmp->type, icmp->code);

	ponto_write_be32(w, icmp->word);
	ponto_write_bytes(w, icmp->body);
	end_icmp(w, start, src, dst);
}

void teredo_write_error(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
			uint8_t hop_limit, uint8_t type, uint8_t code, uint32_t word, struct ponto_bytes quoted)
{
	const size_t room = TEREDO_MTU - TEREDO_IP6_HEADER - 8;
	struct teredo_icmp icmp = {.type = type, .code = code, .word = word, .body = quoted};

	if (icmp.body.len > room)
		icmp.body.len = room;
	teredo_write_icmp(w, src, dst, hop_limit, &icmp);
}

static void read_prefix(struct ponto_reader *r, struct teredo_advertisement *out)
{
	struct teredo_ip6 prefix;
	uint8_t bits = ponto_read_u8(r);

	ponto_read_skip(r, 13); /* flags, lifetimes, reserved */
	ponto_read_copy(r, prefix.bytes, sizeof(prefix.bytes));
	if (out->prefixes++ == 0) {
		out->prefix = prefix;
		out->prefix_bits = bits;
	}
}

/* Each at least eight bytes long: RFC 4861 6.1.1, 6.1.2. Without out they are only checked. */
static void read_options(struct ponto_reader *r, struct teredo_advertisement *out)
{
	while (ponto_reader_left(r) > 0) {
		uint8_t type = ponto_read_u8(r);
		uint8_t eights = ponto_read_u8(r);
		struct ponto_reader option;

		ponto_reader_require(r, eights != 0);
		option = ponto_read_nested(r, eights * UINT64_C(8) - 2);
		if (out && type == OPTION_PREFIX) {
			ponto_reader_require(&option, eights == 4);
			read_prefix(&option, out);
		} else if (out && type == OPTION_MTU) {
			ponto_reader_require(&option, eights == 1);
			ponto_read_skip(&option, 2);
			out->mtu = ponto_read_be32(&option);
		}
		if (option.failed)
			ponto_reader_fail(r);
	}
}

int teredo_solicitation_parse(const struct teredo_packet *p)
{
	struct teredo_icmp icmp;
	struct ponto_reader r;

	if (p->hop_limit != ND_HOP_LIMIT || teredo_icmp_parse(p, &icmp) != PONTO_OK ||
	    icmp.type != TEREDO_ICMP_SOLICITATION || icmp.code != 0)
		return PONTO_EPROTO;
	r = ponto_reader(icmp.body);
	read_options(&r, NULL);
	return ponto_reader_done(&r);
}

int teredo_advertisement_parse(const struct teredo_packet *p, struct teredo_advertisement *out)
{
	struct teredo_advertisement a = {0};
	struct teredo_icmp icmp;
	struct ponto_reader r;

	if (p->hop_limit != ND_HOP_LIMIT || !teredo_is_link_local(&p->src) || teredo_icmp_parse(p, &icmp) != PONTO_OK ||
	    icmp.type != TEREDO_ICMP_ADVERTISEMENT || icmp.code != 0)
		return PONTO_EPROTO;
	a.router_lifetime = (uint16_t)icmp.word;
	r = ponto_reader(icmp.body);
	ponto_read_skip(&r, 8); /* reachable time, retransmission timer */
	read_options(&r, &a);
	if (ponto_reader_done(&r) != PONTO_OK)
		return PONTO_EPROTO;
	*out = a;
	return PONTO_OK;
}

void teredo_write_solicitation(struct ponto_writer *w, const struct teredo_ip6 *src)
{
	teredo_write_icmp(w, src, &teredo_all_routers, ND_HOP_LIMIT,
			  &(struct teredo_icmp){.type = TEREDO_ICMP_SOLICITATION});
}

void teredo_write_advertisement(struct ponto_writer *w, uint32_t server, const struct teredo_ip6 *dst)
{
	struct teredo_address prefix = {.server = server, .mapped = {UINT32_MAX, UINT16_MAX}};
	struct teredo_ip6 src, network;
	uint64_t start;

	teredo_server_link_local(server, &src);
	teredo_address_make(&prefix, &network);
	start = begin_icmp(w, &src, dst, ND_HOP_LIMIT, TEREDO_ICMP_ADVERTISEMENT, 0);
	ponto_write_zeros(w, 8); /* hop limit, flags, lifetime: nobody's default router; reachable time */
	ponto_write_be32(w, RETRANSMIT);
	ponto_write_u8(w, OPTION_PREFIX);
	ponto_write_u8(w, 4);
	ponto_write_u8(w, ADVERTISED_BITS);
	ponto_write_u8(w, 0x40);	 /* A, not L */
	ponto_write_be64(w, UINT64_MAX); /* both lifetimes */
	ponto_write_be32(w, 0);
	ponto_write_copy(w, network.bytes, sizeof(network.bytes));
	ponto_write_u8(w, OPTION_MTU);
	ponto_write_u8(w, 1);
	ponto_write_be16(w, 0);
	ponto_write_be32(w, TEREDO_MTU);
	end_icmp(w, start, &src, dst);
}
