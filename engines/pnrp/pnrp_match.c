/* Ponto PNRP engine: what an application is told about a name. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* ---- UTF-16LE to UTF-8 -------------------------------------------------------------- */

static uint32_t code_point(struct ponto_bytes text, size_t *at)
{
	uint32_t unit = (uint32_t)text.data[*at] | (uint32_t)text.data[*at + 1] << 8, low;

	*at += 2;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	if (unit > 0xdbff || *at + 2 > text.len)
		return 0xfffd;
	low = (uint32_t)text.data[*at] | (uint32_t)text.data[*at + 1] << 8;
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += 2;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(uint8_t out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Unpaired surrogates become U+FFFD. out holds 3 bytes for each unit. Returns the bytes written. */
static size_t utf16le_to_utf8(struct ponto_bytes text, uint8_t *out)
{
	size_t at = 0, len = 0;

	while (at + 2 <= text.len)
		len += put_utf8(out + len, code_point(text, &at));
	return len;
}

/* ---- matches --------------------------------------------------------------------------- */

static void fill_friendly(struct pnrp_match *match, const struct pnrp_cpa *cpa)
{
	if (!cpa->has_friendly_name)
		return;
	if (!cpa->friendly_name_utf8)
		(void)utf16le_to_utf8(cpa->friendly_name, (uint8_t *)match->friendly_name);
	else if (cpa->friendly_name.len < sizeof(match->friendly_name))
		memcpy(match->friendly_name, cpa->friendly_name.data, cpa->friendly_name.len);
}

static void fill_name(struct pnrp_engine *e, struct pnrp_match *match, const struct pnrp_authority_buffer *b,
		      const struct pnrp_cpa *cpa)
{
	static const uint8_t zero[PNRP_HASH_SIZE];
	struct pnrp_name name;

	memset(&name, 0, sizeof(name));
	name.secure = cpa->has_authority && memcmp(cpa->authority, zero, sizeof(zero)) != 0;
	memcpy(name.authority, cpa->authority, sizeof(name.authority));
	match->secured = name.secure;
	memcpy(match->authority, name.authority, sizeof(match->authority));
	if (b->has_classifier && pnrp_classifier_read(e->wire, b->classifier, cpa->classifier_hash, &name) == PONTO_OK)
		(void)!pnrp_name_format(&name, match->name);
}

static void fill_cpa(const struct pnrp_engine *e, struct pnrp_match *match, const struct pnrp_cpa *cpa)
{
	memcpy(match->service_location, cpa->location, sizeof(match->service_location));
	match->not_after = pnrp_filetime_wall(cpa->not_after);
	if (cpa->public_key.len <= sizeof(match->public_key)) {
		memcpy(match->public_key, cpa->public_key.data, cpa->public_key.len);
		match->public_key_len = cpa->public_key.len;
	}
	match->publisher_count = cpa->service_count;
	for (unsigned i = 0; i < cpa->service_count; i++) {
		struct ponto_addr *a = &match->publisher[i];

		memcpy(a->ip, cpa->services[i].ip, sizeof(a->ip));
		a->port = cpa->services[i].port;
		a->family = PONTO_FAMILY_IPV6;
		a->zone = e->zone;
	}
	match->endpoint_count = cpa->app_count;
	for (unsigned i = 0; i < cpa->app_count; i++) {
		memcpy(match->endpoints[i].ip, cpa->apps[i].ip, sizeof(match->endpoints[i].ip));
		match->endpoints[i].port = cpa->apps[i].port;
		match->endpoints[i].protocol = cpa->apps[i].protocol;
	}
}

/* room: bytes behind the match */
static void fill_payload(struct pnrp_match *match, uint8_t kind, struct ponto_bytes data)
{
	uint8_t *bytes = (uint8_t *)(match + 1);
	size_t len = data.len;

	if (len == 0)
		return;
	match->payload_type = kind == PNRP_KIND_BINARY ? PNRP_PAYLOAD_BINARY : PNRP_PAYLOAD_STRING;
	if (kind == PNRP_KIND_UNICODE)
		len = utf16le_to_utf8(data, bytes);
	else
		memcpy(bytes, data.data, len);
	match->payload = ponto_bytes(bytes, len);
}

struct pnrp_match *pnrp_match_of_answer(struct pnrp_engine *e, const struct ring_id *id,
					const struct pnrp_authority_buffer *b)
{
	struct pnrp_payload payload = {0};
	struct pnrp_match *match;
	struct pnrp_cpa cpa;

	if (pnrp_cpa_decode(e->wire, b->cpa, &cpa) || pnrp_cpa_match_id(e->wire, id, &cpa))
		return NULL;
	if (!cpa.has_payload || !b->has_payload || pnrp_payload_decode(e->wire, b->payload, &payload))
		memset(&payload, 0, sizeof(payload));
	match = ponto_new(&e->alloc, 1, sizeof(*match) + payload.data.len * 3 / 2 + 4);
	if (!match)
		return NULL;
	match->id = *id;
	fill_cpa(e, match, &cpa);
	fill_name(e, match, b, &cpa);
	match->delegated = match->secured && b->has_chain && !pnrp_cpa_key_fits(e->wire, &cpa);
	fill_friendly(match, &cpa);
	fill_payload(match, payload.kind, payload.data);
	return match;
}

struct pnrp_match *pnrp_match_of_local(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l)
{
	struct pnrp_match *match = ponto_new(&e->alloc, 1, sizeof(*match) + l->payload_len);

	if (!match)
		return NULL;
	match->id = l->id;
	match->local = true;
	match->secured = l->name.secure;
	match->delegated =
		l->name.secure &&
		!pnrp_key_fits_authority(e->wire, ponto_bytes(l->public_key, e->wire->key_len), l->name.authority);
	memcpy(match->authority, l->name.authority, sizeof(match->authority));
	(void)!pnrp_name_format(&l->name, match->name);
	memcpy(match->service_location, l->location, sizeof(match->service_location));
	match->not_after = pnrp_wall(e, now) + e->cpa_lifetime;
	memcpy(match->friendly_name, l->friendly, sizeof(match->friendly_name));
	match->public_key_len = e->wire->key_len;
	memcpy(match->public_key, l->public_key, match->public_key_len);
	match->publisher_count = e->local_count;
	memcpy(match->publisher, e->local, e->local_count * sizeof(e->local[0]));
	match->endpoint_count = l->endpoint_count;
	for (unsigned i = 0; i < l->endpoint_count; i++) {
		memcpy(match->endpoints[i].ip, l->endpoints[i].ip, sizeof(match->endpoints[i].ip));
		match->endpoints[i].port = l->endpoints[i].port;
		match->endpoints[i].protocol = l->endpoints[i].protocol;
	}
	fill_payload(match, l->payload_type == PNRP_PAYLOAD_STRING ? PNRP_KIND_UTF8 : PNRP_KIND_BINARY,
		     ponto_bytes(l->payload, l->payload_len));
	return match;
}
