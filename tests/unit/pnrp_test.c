#include "tests/unit/pnrp_test.h"

#include <stdio.h>

/* ---- bytes -------------------------------------------------------------------- */

struct datagram datagram_copy(const void *data, size_t len)
{
	struct datagram d = {malloc(len ? len : 1), len};

	assert_non_null(d.data);
	if (len)
		memcpy(d.data, data, len);
	return d;
}

struct datagram datagram_hex(const char *hex)
{
	struct datagram d;

	d.data = ponto_test_hex(hex, &d.len);
	return d;
}

void datagram_free(struct datagram *d)
{
	free(d->data);
	d->data = NULL;
}

struct datagram vector(const char *name)
{
	const char *path = name[0] == 'X' ? "tests/vectors/pnrp-modern.hex" : "tests/vectors/pnrp.hex";
	FILE *file = fopen(ponto_test_source(path), "r");
	struct datagram found = {NULL, 0};
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(file);
	while (!found.data && getline(&line, &cap, file) > 0)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
			found = datagram_hex(line + strlen(name) + 1);
	free(line);
	fclose(file);
	assert_non_null(found.data);
	return found;
}

void splice(struct datagram *d, size_t at, size_t cut, const char *hex)
{
	struct datagram insert = datagram_hex(hex);
	size_t len = d->len - cut + insert.len;
	uint8_t *data = malloc(len ? len : 1);

	assert_non_null(data);
	assert_true(at + cut <= d->len);
	memcpy(data, d->data, at);
	memcpy(data + at, insert.data, insert.len);
	memcpy(data + at + insert.len, d->data + at + cut, d->len - at - cut);
	datagram_free(d);
	datagram_free(&insert);
	d->data = data;
	d->len = len;
}

void edit(struct datagram *d, size_t at, const char *hex)
{
	splice(d, at, strlen(hex) / 2, hex);
}

void assert_hex(const void *data, size_t len, const char *hex)
{
	struct datagram expected = datagram_hex(hex);

	assert_int_equal(len, expected.len);
	assert_memory_equal(data, expected.data, len);
	datagram_free(&expected);
}

struct datagram vector_buffer(void)
{
	struct datagram first = vector("M19"), second = vector("M20");
	struct datagram all = {NULL, first.len - 28 + second.len - 28};

	all.data = malloc(all.len);
	assert_non_null(all.data);
	memcpy(all.data, first.data + 28, first.len - 28);
	memcpy(all.data + first.len - 28, second.data + 28, second.len - 28);
	datagram_free(&first);
	datagram_free(&second);
	return all;
}

struct datagram vector_cpa(void)
{
	struct datagram m = vector("M18");
	struct datagram cpa = datagram_copy(m.data + m.len - 445, 445);

	datagram_free(&m);
	return cpa;
}

struct datagram vector_payload(void)
{
	struct datagram all = vector_buffer();
	struct pnrp_authority_buffer b;
	struct datagram payload;

	assert_ok(pnrp_authority_decode(&pnrp_windows, bytes_of(&all), &b));
	payload = datagram_copy(b.payload.data, b.payload.len);
	datagram_free(&all);
	return payload;
}

/* ---- assertions ---------------------------------------------------------------------- */

void assert_dropped(const struct datagram *d)
{
	struct pnrp_message m, before;

	memset(&m, 0xa5, sizeof(m));
	before = m;
	assert_int_equal(pnrp_decode(&pnrp_windows, bytes_of(d), &m), PONTO_EPROTO);
	assert_memory_equal(&m, &before, sizeof(m));
}

struct pnrp_message assert_decodes(const struct datagram *d)
{
	struct pnrp_message m;

	assert_ok(pnrp_decode(&pnrp_windows, bytes_of(d), &m));
	return m;
}

void assert_edit_dropped(const char *name, size_t at, const char *hex)
{
	struct datagram d = vector(name);

	edit(&d, at, hex);
	assert_dropped(&d);
	datagram_free(&d);
}

void assert_edit_ignored(const char *name, size_t at, const char *hex)
{
	struct datagram plain = vector(name), edited = vector(name);
	struct pnrp_message a = assert_decodes(&plain), b;

	edit(&edited, at, hex);
	assert_memory_not_equal(plain.data, edited.data, plain.len);
	b = assert_decodes(&edited);
	assert_true(message_equal(&a, &b));
	assert_encodes(&b, &plain);
	datagram_free(&plain);
	datagram_free(&edited);
}

void assert_encodes(const struct pnrp_message *message, const struct datagram *expected)
{
	uint8_t *buf = malloc(expected->len);
	size_t len = 0;

	assert_non_null(buf);
	assert_ok(pnrp_encode(&pnrp_windows, message, buf, expected->len, &len));
	assert_int_equal(len, expected->len);
	assert_memory_equal(buf, expected->data, len);
	for (size_t cap = 0; cap < expected->len; cap++) {
		size_t untouched = 99;

		assert_int_equal(pnrp_encode(&pnrp_windows, message, buf, cap, &untouched), PONTO_ELIMIT);
		assert_int_equal(untouched, 99);
	}
	free(buf);
}

/* ---- random structures ------------------------------------------------------------------ */

void random_bytes(struct ponto_test_random *tr, void *out, size_t len)
{
	tr->random.fill(tr->random.ctx, out, len);
}

uint64_t random_below(struct ponto_test_random *tr, uint64_t bound)
{
	return ponto_random_below(&tr->random, bound);
}

static uint16_t random_port(struct ponto_test_random *tr)
{
	return (uint16_t)(1025 + random_below(tr, 65536 - 1025));
}

void random_route(struct ponto_test_random *tr, struct pnrp_route_entry *out)
{
	memset(out, 0, sizeof(*out));
	random_bytes(tr, out->id.b, sizeof(out->id.b));
	out->port = random_port(tr);
	out->count = (uint8_t)(1 + random_below(tr, PNRP_ROUTE_ADDRS_MAX));
	random_bytes(tr, out->addrs, out->count * sizeof(out->addrs[0]));
}

static void random_endpoints(struct ponto_test_random *tr, struct pnrp_ipv6_endpoint *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		random_bytes(tr, out[i].ip, sizeof(out[i].ip));
		out[i].port = random_port(tr);
	}
}

static void random_ids(struct ponto_test_random *tr, uint8_t *scratch, struct pnrp_ids *ids)
{
	ids->count = (uint16_t)random_below(tr, 36);
	ids->bytes = ponto_bytes(scratch, ids->count * 32u);
	random_bytes(tr, scratch, ids->bytes.len);
}

static void random_flood(struct ponto_test_random *tr, uint8_t *scratch, struct pnrp_flood *m)
{
	m->no_ack = random_below(tr, 2);
	random_bytes(tr, m->validate_id.b, 32);
	m->has_revoke = random_below(tr, 2);
	if (m->has_revoke) {
		m->revoke = ponto_bytes(scratch, 2 + random_below(tr, 758));
		random_bytes(tr, scratch, m->revoke.len);
		scratch[0] = (uint8_t)m->revoke.len;
		scratch[1] = (uint8_t)(m->revoke.len >> 8);
	}
	m->has_route = random_below(tr, 2);
	if (m->has_route)
		random_route(tr, &m->route);
	m->count = (uint8_t)random_below(tr, PNRP_ENDPOINTS_MAX + 1);
	random_endpoints(tr, m->endpoints, m->count);
}

static void random_lookup(struct ponto_test_random *tr, struct pnrp_lookup *m)
{
	static const uint8_t opcodes[] = {0, 1, 2, 4, 8};

	m->accept_any = random_below(tr, 2);
	m->criteria = opcodes[random_below(tr, sizeof(opcodes))];
	m->reason = (uint8_t)random_below(tr, 256);
	m->precision = (uint16_t)random_below(tr, 65536);
	random_bytes(tr, m->target.b, 32);
	random_bytes(tr, m->validate_id.b, 32);
	m->has_route = random_below(tr, 2);
	if (m->has_route)
		random_route(tr, &m->route);
	m->count = (uint8_t)(1 + random_below(tr, PNRP_ENDPOINTS_MAX));
	random_endpoints(tr, m->path, m->count);
}

static void random_inquire(struct ponto_test_random *tr, struct pnrp_inquire *m)
{
	m->want_cpa = random_below(tr, 2);
	m->want_payload = random_below(tr, 2);
	m->want_chain = random_below(tr, 2);
	m->has_nonce = random_below(tr, 2);
	random_bytes(tr, m->validate_id.b, 32);
	if (m->has_nonce)
		random_bytes(tr, m->nonce, 16);
}

static void random_authority(struct ponto_test_random *tr, uint8_t *scratch, struct pnrp_authority *m)
{
	uint16_t left;

	m->acked_id = (uint32_t)random_below(tr, UINT64_C(1) << 32);
	m->size = (uint16_t)(1 + random_below(tr, PNRP_AUTHORITY_MAX));
	m->offset = (uint16_t)(PNRP_FRAGMENT * random_below(tr, (m->size - 1u) / PNRP_FRAGMENT + 1));
	left = (uint16_t)(m->size - m->offset);
	m->slice = ponto_bytes(scratch, left < PNRP_FRAGMENT ? left : PNRP_FRAGMENT);
	random_bytes(tr, scratch, m->slice.len);
}

void random_message(struct ponto_test_random *tr, uint8_t type, uint8_t *scratch, struct pnrp_message *m)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->id = (uint32_t)random_below(tr, UINT64_C(1) << 32);
	switch (type) {
	case PNRP_SOLICIT:
		m->solicit.has_controls = random_below(tr, 2);
		m->solicit.solicit_type = m->solicit.has_controls ? (uint8_t)random_below(tr, 2) : 0;
		m->solicit.has_route = random_below(tr, 2);
		if (m->solicit.has_route)
			random_route(tr, &m->solicit.route);
		random_bytes(tr, m->solicit.hashed_nonce, 20);
		break;
	case PNRP_ADVERTISE:
		m->advertise.acked_id = (uint32_t)random_below(tr, UINT64_C(1) << 32);
		random_ids(tr, scratch, &m->advertise.ids);
		random_bytes(tr, m->advertise.hashed_nonce, 20);
		break;
	case PNRP_REQUEST:
		random_bytes(tr, m->request.nonce, 16);
		random_ids(tr, scratch, &m->request.ids);
		break;
	case PNRP_FLOOD:
		random_flood(tr, scratch, &m->flood);
		break;
	case PNRP_INQUIRE:
		random_inquire(tr, &m->inquire);
		break;
	case PNRP_AUTHORITY:
		random_authority(tr, scratch, &m->authority);
		break;
	case PNRP_ACK:
		m->ack.acked_id = (uint32_t)random_below(tr, UINT64_C(1) << 32);
		m->ack.not_found = random_below(tr, 2);
		break;
	case PNRP_LOOKUP:
		random_lookup(tr, &m->lookup);
		break;
	}
}

void random_cpa(struct ponto_test_random *tr, const struct pnrp_wire *wire, uint8_t *scratch, struct pnrp_cpa *cpa)
{
	memset(cpa, 0, sizeof(*cpa));
	cpa->has_payload = random_below(tr, 2);
	cpa->has_authority = random_below(tr, 2);
	cpa->has_classifier_hash = !cpa->has_authority || random_below(tr, 2);
	cpa->revoke = random_below(tr, 2);
	random_bytes(tr, &cpa->not_after, sizeof(cpa->not_after));
	random_bytes(tr, cpa->location, 16);
	if (!cpa->revoke)
		random_bytes(tr, cpa->nonce, 16);
	if (cpa->has_authority)
		random_bytes(tr, cpa->authority, 20);
	if (cpa->has_classifier_hash)
		random_bytes(tr, cpa->classifier_hash, 20);
	cpa->has_friendly_name = random_below(tr, 2);
	if (cpa->has_friendly_name) {
		cpa->friendly_name_utf8 = random_below(tr, 2);
		cpa->friendly_name = ponto_bytes(scratch, cpa->friendly_name_utf8 ? 1 + random_below(tr, 78)
										  : 2 * (1 + random_below(tr, 39)));
	}
	random_bytes(tr, scratch, 512);
	cpa->service_count = (uint8_t)(!cpa->revoke + random_below(tr, 4));
	random_endpoints(tr, cpa->services, cpa->service_count);
	cpa->app_count = (uint8_t)random_below(tr, 11);
	for (size_t i = 0; i < cpa->app_count; i++) {
		random_bytes(tr, cpa->apps[i].ip, 16);
		cpa->apps[i].port = (uint16_t)random_below(tr, 65536);
		cpa->apps[i].protocol = (uint16_t)random_below(tr, 65536);
	}
	cpa->public_key = ponto_bytes(scratch + 100, wire->key_len);
	cpa->signature = ponto_bytes(scratch + 300, wire->signature_len);
}
