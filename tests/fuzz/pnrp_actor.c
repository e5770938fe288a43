#include "tests/fuzz/pnrp_actor.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/pnrp_keys.h"

#include <string.h>

#define DAY (UINT64_C(24) * 3600 * PONTO_SECOND)

/* ---- who they are --------------------------------------------------------------- */

void pnrp_actor_secured(const struct pnrp_wire *wire, uint64_t identity, const char *classifier,
			char out[PNRP_NAME_TEXT])
{
	uint8_t key[PNRP_KEY_MAX], authority[PNRP_HASH_SIZE];
	char hex[2 * PNRP_HASH_SIZE + 1];

	pnrp_test_key(identity, key, wire->key_len);
	pnrp_key_authority(wire, ponto_bytes(key, wire->key_len), authority);
	ponto_hex(ponto_bytes(authority, sizeof(authority)), hex);
	snprintf(out, PNRP_NAME_TEXT, "%s.%s", hex, classifier);
}

static void make_actor(const struct pnrp_wire *wire, unsigned n, struct pnrp_actor *a)
{
	/* Around 4000000000000000, where hosts register. */
	static const uint8_t high[6] = {0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42};
	char text[PNRP_NAME_TEXT];
	uint8_t p2p[PNRP_P2P_ID_SIZE];

	memset(a, 0, sizeof(*a));
	a->identity = 100 + n;
	a->addr = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = 4000};
	memcpy(a->addr.ip, (uint8_t[6]){0x20, 0x01, 0x0d, 0xb8, 0x10, (uint8_t)n}, 6);
	a->addr.ip[15] = 1;
	memset(a->location, (int)(17 * n), sizeof(a->location));
	if (n < 6) {
		a->location[0] = high[n];
		a->location[1] = n == 3;
		snprintf(text, sizeof(text), "0.local");
	} else if (n < 9) {
		pnrp_actor_secured(wire, n == 8 ? PNRP_ACTOR_ROOT : a->identity, "x", text);
	} else if (n < 12) {
		snprintf(text, sizeof(text), "0.other");
	} else {
		snprintf(text, sizeof(text), "0.far%u", n);
	}
	FUZZ_REQUIRE(pnrp_name_parse(text, &a->name) == PONTO_OK);
	pnrp_p2p_id(wire, &a->name, p2p);
	pnrp_id_make(p2p, a->location, &a->id);
}

const struct pnrp_actor *pnrp_actor(const struct pnrp_wire *wire, unsigned n)
{
	static struct pnrp_actor actors[2][PNRP_ACTORS];
	static bool made[2];
	unsigned profile = wire == &pnrp_modern;

	for (unsigned i = 0; i < PNRP_ACTORS && !made[profile]; i++)
		make_actor(wire, i, &actors[profile][i]);
	made[profile] = true;
	return &actors[profile][n % PNRP_ACTORS];
}

const struct pnrp_actor *pnrp_actor_of(const struct pnrp_wire *wire, const struct ring_id *id)
{
	for (unsigned i = 0; i < PNRP_ACTORS; i++)
		if (ring_id_equal(&pnrp_actor(wire, i)->id, id))
			return pnrp_actor(wire, i);
	return NULL;
}

const struct pnrp_actor *pnrp_actor_at(const struct pnrp_wire *wire, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < PNRP_ACTORS; i++)
		if (ponto_addr_equal(&pnrp_actor(wire, i)->addr, addr))
			return pnrp_actor(wire, i);
	return NULL;
}

/* ---- what they sign ------------------------------------------------------------------- */

static bool has(const struct pnrp_saying *s, enum pnrp_fault fault)
{
	return s->faults & PNRP_FAULT_BIT(fault);
}

static bool has_payload(const struct pnrp_saying *s)
{
	return has(s, PNRP_FAULT_PAYLOAD) || has(s, PNRP_FAULT_PAYLOAD_UTF8) || has(s, PNRP_FAULT_PAYLOAD_UTF16) ||
	       has(s, PNRP_FAULT_PAYLOAD_LONGEST);
}

static uint64_t not_after(const struct pnrp_saying *s, enum pnrp_fault late)
{
	return pnrp_filetime((uint64_t)PNRP_HOST_WALL + s->now + (has(s, late) ? -DAY : DAY));
}

static void fill_names(const struct pnrp_saying *s, struct pnrp_cpa *cpa)
{
	static const uint8_t units[] = {0x41, 0x00, 0xe4, 0x00, 0xac, 0x20, 0x3d,
					0xd8, 0x00, 0xde, 0x00, 0xd8, 0x42, 0x00};
	const struct pnrp_actor *a = s->actor;

	cpa->has_authority = a->name.secure && !has(s, PNRP_FAULT_AUTHORITY);
	memcpy(cpa->authority, a->name.authority, sizeof(cpa->authority));
	cpa->has_classifier_hash = !has(s, PNRP_FAULT_NO_CLASSIFIER_HASH);
	pnrp_classifier_hash(s->wire, &a->name, cpa->classifier_hash);
	for (unsigned i = 0; i < PNRP_LOCATION_SIZE; i++)
		cpa->location[i] = a->location[has(s, PNRP_FAULT_READING) ? PNRP_LOCATION_SIZE - 1 - i : i];
	cpa->location[7] ^= has(s, PNRP_FAULT_LOCATION);
	cpa->has_friendly_name = has(s, PNRP_FAULT_FRIENDLY_UTF8) || has(s, PNRP_FAULT_FRIENDLY_UTF16);
	if (!cpa->has_friendly_name)
		return;
	cpa->friendly_name_utf8 = !has(s, PNRP_FAULT_FRIENDLY_UTF16);
	cpa->friendly_name = cpa->friendly_name_utf8 ? ponto_bytes("a friend", 8) : ponto_bytes(units, sizeof(units));
}

static void fill_places(const struct pnrp_saying *s, struct pnrp_cpa *cpa)
{
	const struct ponto_addr *at = &s->actor->addr;

	cpa->service_count = has(s, PNRP_FAULT_MORE_SERVICES) ? 2 : 1;
	for (unsigned i = 0; i < cpa->service_count; i++) {
		memcpy(cpa->services[i].ip, at->ip, sizeof(at->ip));
		cpa->services[i].ip[14] = (uint8_t)i;
		cpa->services[i].port = (uint16_t)(at->port + has(s, PNRP_FAULT_SERVICES));
	}
	cpa->app_count = 1;
	cpa->apps[0] = (struct pnrp_app_endpoint){.port = 7000, .protocol = 6};
	memcpy(cpa->apps[0].ip, at->ip, sizeof(at->ip));
}

/* 0: it does not fit. */
static size_t sign(const struct pnrp_saying *s, enum pnrp_fault bad, uint8_t *out, size_t cap, size_t len)
{
	uint64_t identity = has(s, PNRP_FAULT_OTHER_KEY) ? 999 : s->actor->identity;
	uint8_t key[PNRP_KEY_MAX], signature[PNRP_SIGNATURE_MAX];

	pnrp_test_key(identity, key, s->wire->key_len);
	pnrp_test_sign(ponto_bytes(key, s->wire->key_len), ponto_bytes(out, len), signature, s->wire->signature_len);
	signature[5] ^= has(s, bad);
	return pnrp_signature_append(s->wire, ponto_bytes(signature, s->wire->signature_len), out, cap, &len) ? 0 : len;
}

size_t pnrp_actor_cpa(const struct pnrp_saying *s, const uint8_t *nonce, uint8_t out[PNRP_CPA_MAX])
{
	struct pnrp_cpa cpa;
	uint8_t key[PNRP_KEY_MAX];
	size_t len;

	memset(&cpa, 0, sizeof(cpa));
	pnrp_test_key(has(s, PNRP_FAULT_OTHER_KEY) ? 999 : s->actor->identity, key, s->wire->key_len);
	cpa.public_key = ponto_bytes(key, s->wire->key_len);
	cpa.revoke = !nonce || has(s, PNRP_FAULT_REVOKE);
	cpa.not_after = not_after(s, PNRP_FAULT_LATE);
	cpa.has_payload = has_payload(s);
	if (nonce)
		memcpy(cpa.nonce, nonce, sizeof(cpa.nonce));
	cpa.nonce[0] ^= has(s, PNRP_FAULT_NONCE);
	fill_names(s, &cpa);
	fill_places(s, &cpa);
	if (pnrp_cpa_encode(s->wire, &cpa, out, PNRP_CPA_MAX, &len))
		return 0;
	return sign(s, PNRP_FAULT_SIGNATURE, out, PNRP_CPA_MAX, len);
}

static size_t payload_of(const struct pnrp_saying *s, const uint8_t nonce[PNRP_NONCE_SIZE],
			 uint8_t out[PNRP_PAYLOAD_ENCODED_MAX])
{
	static const uint8_t units[] = {0x41, 0x00, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde};
	static const uint8_t zeros[PNRP_PAYLOAD_MAX];
	struct pnrp_payload p = {.not_after = not_after(s, PNRP_FAULT_PAYLOAD_LATE),
				 .id = s->actor->id,
				 .kind = PNRP_KIND_BINARY,
				 .data = ponto_bytes("payload", 7)};
	size_t len;

	memcpy(p.nonce, nonce, sizeof(p.nonce));
	p.nonce[0] ^= has(s, PNRP_FAULT_PAYLOAD_NONCE);
	p.id.b[31] ^= has(s, PNRP_FAULT_PAYLOAD_ID);
	if (has(s, PNRP_FAULT_PAYLOAD_UTF8)) {
		p.kind = PNRP_KIND_UTF8;
	} else if (has(s, PNRP_FAULT_PAYLOAD_UTF16)) {
		p.kind = PNRP_KIND_UNICODE;
		p.data = ponto_bytes(units, sizeof(units));
	} else if (has(s, PNRP_FAULT_PAYLOAD_LONGEST)) {
		p.data = ponto_bytes(zeros, sizeof(zeros));
	}
	if (pnrp_payload_encode(s->wire, &p, out, PNRP_PAYLOAD_ENCODED_MAX, &len))
		return 0;
	return sign(s, PNRP_FAULT_PAYLOAD_SIGNATURE, out, PNRP_PAYLOAD_ENCODED_MAX, len);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void fill_chain(const struct pnrp_saying *s, struct pnrp_authority_buffer *b)
{
	static uint8_t chain[PNRP_CHAIN_MAX];
	size_t len = s->actor->identity == 108 || has(s, PNRP_FAULT_CHAIN) ? 100 : 0;

	if (has(s, PNRP_FAULT_LONG_CHAIN))
		len = 8000;
	if (has(s, PNRP_FAULT_LONGEST_CHAIN))
		len = sizeof(chain);
	if (has(s, PNRP_FAULT_BAD_CHAIN))
		len = 101;
	memset(chain, PNRP_HOST_CHAIN_BYTE, len);
	if (has(s, PNRP_FAULT_BAD_CHAIN))
		chain[50]++;
	b->has_chain = len > 0 || has(s, PNRP_FAULT_EMPTY_CHAIN);
	b->chain = ponto_bytes(chain, has(s, PNRP_FAULT_EMPTY_CHAIN) ? 0 : len);
}

static void fill_classifier(const struct pnrp_saying *s, uint8_t *units, struct pnrp_authority_buffer *b)
{
	size_t len = pnrp_classifier_write(&s->actor->name, units);

	for (size_t i = 0; has(s, PNRP_FAULT_LITTLE_CLASSIFIER) && i < len; i += 2) {
		uint8_t high = units[i];

		units[i] = units[i + 1];
		units[i + 1] = high;
	}
	if (has(s, PNRP_FAULT_FOREIGN_CLASSIFIER))
		units[len - 1] ^= 1;
	b->has_classifier = !has(s, PNRP_FAULT_NO_CLASSIFIER);
	b->classifier = ponto_bytes(units, len);
}

static void fill_flags(const struct pnrp_saying *s, struct pnrp_authority_buffer *b)
{
	b->not_found = has(s, PNRP_FAULT_NOT_FOUND);
	b->busy = has(s, PNRP_FAULT_BUSY);
	b->leaf_set = has(s, PNRP_FAULT_LEAF_SET);
}

static size_t finished(const struct pnrp_saying *s, const struct pnrp_authority_buffer *b, uint8_t *out)
{
	size_t len;

	return pnrp_authority_encode(s->wire, b, out, PNRP_AUTHORITY_MAX, &len) ? 0 : len;
}

size_t pnrp_actor_certificate(const struct pnrp_saying *s, const uint8_t nonce[PNRP_NONCE_SIZE],
			      uint8_t out[PNRP_AUTHORITY_MAX])
{
	uint8_t cpa[PNRP_CPA_MAX], payload[PNRP_PAYLOAD_ENCODED_MAX], units[2 * PNRP_CLASSIFIER_MAX];
	struct pnrp_authority_buffer b;

	memset(&b, 0, sizeof(b));
	fill_flags(s, &b);
	fill_chain(s, &b);
	fill_classifier(s, units, &b);
	b.has_route = !has(s, PNRP_FAULT_NO_ROUTE);
	pnrp_actor_route(s->actor, &s->actor->id, PNRP_PLACE_RIGHT, NULL, &b.route);
	b.route.id.b[3] ^= has(s, PNRP_FAULT_ROUTE_ID);
	b.has_cpa = !has(s, PNRP_FAULT_NO_CPA);
	b.cpa = ponto_bytes(cpa, pnrp_actor_cpa(s, nonce, cpa));
	b.has_payload = has_payload(s);
	if (b.has_payload)
		b.payload = ponto_bytes(payload, payload_of(s, nonce, payload));
	if (b.cpa.len == 0 || (b.has_payload && b.payload.len == 0))
		return 0;
	return finished(s, &b, out);
}

size_t pnrp_actor_flags(const struct pnrp_saying *s, const struct pnrp_route_entry *route,
			uint8_t out[PNRP_AUTHORITY_MAX])
{
	struct pnrp_authority_buffer b;

	memset(&b, 0, sizeof(b));
	fill_flags(s, &b);
	b.has_route = route && !has(s, PNRP_FAULT_NO_ROUTE);
	if (b.has_route)
		b.route = *route;
	return finished(s, &b, out);
}

void pnrp_actor_route(const struct pnrp_actor *a, const struct ring_id *id, enum pnrp_place place,
		      const struct ponto_addr *asker, struct pnrp_route_entry *out)
{
	memset(out, 0, sizeof(*out));
	out->id = *id;
	out->port = a->addr.port;
	out->count = place == PNRP_PLACE_MANY ? PNRP_ROUTE_ADDRS_MAX : place == PNRP_PLACE_MIXED ? 2 : 1;
	for (unsigned i = 0; i < out->count; i++) {
		memcpy(out->addrs[i], a->addr.ip, 16);
		out->addrs[i][14] = (uint8_t)i;
	}
	if (place == PNRP_PLACE_ELSEWHERE)
		out->port++;
	if (place == PNRP_PLACE_LINK_LOCAL || place == PNRP_PLACE_MIXED)
		memcpy(out->addrs[0], (uint8_t[2]){0xfe, 0x80}, 2);
	if (place == PNRP_PLACE_MIXED)
		out->addrs[1][14] = 0;
	if (place == PNRP_PLACE_MULTICAST)
		out->addrs[0][0] = 0xff;
	if (place == PNRP_PLACE_ASKER) {
		memcpy(out->addrs[0], asker->ip, 16);
		out->port = asker->port;
	}
}
