/* Ponto PNRP engine: AUTHORITY: answers cut into pieces, and put together again. [MS-PNRP] 3.1.5.6, 3.2.5.10. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* ---- sending ------------------------------------------------------------------ */

static void send_pieces(struct pnrp_engine *e, struct ponto_bytes whole, uint32_t acked_id, const struct ponto_addr *to,
			const struct ponto_addr *from)
{
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = (uint32_t)ponto_random_u64(&e->random)};

	m.authority.acked_id = acked_id;
	m.authority.size = (uint16_t)whole.len;
	for (size_t offset = 0; offset < whole.len; offset += PNRP_FRAGMENT) {
		size_t rest = whole.len - offset, len;
		uint8_t bytes[PNRP_DATAGRAM_MAX];

		m.authority.offset = (uint16_t)offset;
		m.authority.slice = ponto_bytes(whole.data + offset, rest < PNRP_FRAGMENT ? rest : PNRP_FRAGMENT);
		if (pnrp_encode(e->wire, &m, bytes, sizeof(bytes), &len))
			return;
		pnrp_send_bytes(e, PNRP_AUTHORITY, ponto_bytes(bytes, len), to, from);
	}
}

void pnrp_send_authority(struct pnrp_engine *e, const struct pnrp_authority_buffer *b, size_t room, uint32_t acked_id,
			 const struct ponto_addr *to, const struct ponto_addr *from)
{
	uint8_t small[PNRP_FRAGMENT], *bytes = small;
	size_t len;

	if (room > sizeof(small)) {
		bytes = ponto_new(&e->alloc, 1, room);
		if (!bytes) {
			pnrp_drop(e, PNRP_DROP_MEMORY);
			return;
		}
	} else {
		room = sizeof(small);
	}
	if (pnrp_authority_encode(e->wire, b, bytes, room, &len) == PONTO_OK)
		send_pieces(e, ponto_bytes(bytes, len), acked_id, to, from);
	if (bytes != small)
		ponto_free(&e->alloc, bytes);
}

/* ---- receiving ------------------------------------------------------------------------ */

/* 3.1.5.6.1: whose answer is it? */
static void on_buffer(struct pnrp_engine *e, uint64_t now, uint32_t acked_id, struct ponto_bytes bytes)
{
	struct ring_message *request = ring_pending_find(&e->pending, acked_id);
	struct pnrp_resolve *r = pnrp_resolve_by_message(e, acked_id);
	struct pnrp_authority_buffer b;
	bool lookup = request->type == PNRP_LOOKUP, challenge = request->owner == PNRP_CHALLENGE;

	if (pnrp_authority_decode(e->wire, bytes, &b)) {
		pnrp_drop(e, PNRP_DROP_SYNTAX);
		return;
	}
	if (pnrp_is_probe(request) && b.not_found)
		pnrp_probe_refused(e, now, request, true);
	pnrp_forget_request(e, acked_id);
	if (challenge)
		pnrp_challenge_over(e, now, acked_id, true);
	else if (r && lookup)
		pnrp_on_lookup_answer(e, now, r, &b);
	else if (r)
		pnrp_on_match_answer(e, now, r, &b, bytes);
	else
		pnrp_on_entry_answer(e, now, acked_id, &b, bytes);
}

static void on_fragment(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m,
			const struct ponto_addr *from)
{
	const struct pnrp_authority *a = &m->authority;
	struct ring_fragment f = {.from = *from,
				  .message_id = m->id,
				  .acked_id = a->acked_id,
				  .size = a->size,
				  .offset = a->offset,
				  .unit = PNRP_FRAGMENT,
				  .data = a->slice};
	struct ring_partial *whole;

	switch (ring_reassembly_add(&e->reassembly, &f, &whole)) {
	case PONTO_OK:
		on_buffer(e, now, a->acked_id, ponto_bytes(whole->bytes, whole->size));
		ring_reassembly_release(&e->reassembly, whole);
		break;
	case PONTO_EBUSY:
		break;
	case PONTO_ELIMIT:
		pnrp_drop(e, PNRP_DROP_FULL);
		break;
	case PONTO_ENOMEM:
		pnrp_drop(e, PNRP_DROP_MEMORY);
		break;
	default:
		pnrp_drop(e, PNRP_DROP_FRAGMENT);
		break;
	}
}

void pnrp_on_authority(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from)
{
	const struct pnrp_authority *a = &m->authority;
	struct ring_message *request = ring_pending_find(&e->pending, a->acked_id);

	if (!request || (request->type != PNRP_LOOKUP && request->type != PNRP_INQUIRE) ||
	    !ponto_addr_equal(&request->to, from))
		pnrp_drop(e, PNRP_DROP_UNMATCHED);
	else if (a->offset == 0 && a->slice.len == a->size && a->size <= PNRP_FRAGMENT)
		on_buffer(e, now, a->acked_id, a->slice);
	else
		on_fragment(e, now, m, from);
}
