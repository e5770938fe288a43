/* The modern profile: other sizes, other versions, a cloud of its own. */
#include "tests/support/pnrp_rig.h"

static void modern(struct pnrp_engine_config *config)
{
	config->profile = PNRP_PROFILE_MODERN;
}

static uint32_t send_as(struct rig *r, const struct pnrp_wire *wire, struct pnrp_message *m)
{
	struct ponto_addr peer = rig_addr(1);
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	m->id = r->next_id++;
	assert_ok(pnrp_encode(wire, m, bytes, sizeof(bytes), &len));
	rig_deliver(r, &peer, ponto_bytes(bytes, len));
	return m->id;
}

static void certifies_with_its_own_key_and_signature(void **state)
{
	static const uint8_t signature[64] = {1, 2, 3};
	struct rig *r = rig_new(modern);
	uint8_t key[32] = {9};
	struct pnrp_endpoint endpoint = {.ip = {0x20, 1}, .port = 5000, .protocol = 6};
	struct pnrp_registration reg = {.name = "0.local",
					.public_key = ponto_bytes(key, sizeof(key)),
					.endpoints = &endpoint,
					.endpoint_count = 1};
	struct pnrp_completion c = {.signatures = {ponto_bytes(signature, sizeof(signature))}};
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true}};
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;
	struct pnrp_cpa cpa;
	struct ring_id id;
	uint64_t handle;

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, &id));
	rig_pump(r);
	r->hold_jobs = true;
	m.inquire.validate_id = id;
	send_as(r, &pnrp_modern, &m);
	assert_int_equal(r->held_count, 1);
	pnrp_engine_complete(r->engine, r->now, r->held[0].token, &c);
	rig_pump(r);
	d = rig_take(r, PNRP_AUTHORITY);
	assert_non_null(d);
	assert_int_equal(d->bytes[5], 5);
	assert_ok(pnrp_authority_decode(&pnrp_modern, d->m.authority.slice, &b));
	assert_ok(pnrp_cpa_decode(&pnrp_modern, b.cpa, &cpa));
	assert_ok(pnrp_cpa_match_id(&pnrp_modern, &id, &cpa));
	assert_true(ponto_bytes_equal(cpa.public_key, ponto_bytes(key, sizeof(key))));
	assert_true(ponto_bytes_equal(cpa.signature, ponto_bytes(signature, sizeof(signature))));
	rig_free(r);
}

static void never_mixes_with_the_other(void **state)
{
	struct rig *r = rig_new(modern);
	struct pnrp_message m = {.type = PNRP_INQUIRE};

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	send_as(r, &pnrp_windows, &m);
	assert_null(r->out);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_HEADER], 1);
	send_as(r, &pnrp_modern, &m);
	assert_non_null(r->out);
	rig_free(r);
	r = rig_open();
	send_as(r, &pnrp_modern, &m);
	assert_null(r->out);
	rig_free(r);
}

/* Else a forged sender would buy much for little. */
static void questions_are_padded_and_short_ones_dropped(void **state)
{
	struct rig *r = rig_new(modern);
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true}}, back;
	struct ponto_addr peer = rig_addr(1);
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_ok(pnrp_encode(&pnrp_modern, &m, bytes, sizeof(bytes), &len));
	assert_int_equal(len, 144);
	assert_ok(pnrp_decode(&pnrp_modern, ponto_bytes(bytes, len), &back));
	assert_int_equal(pnrp_decode(&pnrp_modern, ponto_bytes(bytes, 56), &back),
			 PONTO_EPROTO); /* without the padding */
	bytes[59] -= 4;			/* four bytes less of it */
	assert_int_equal(pnrp_decode(&pnrp_modern, ponto_bytes(bytes, len - 4), &back), PONTO_EPROTO);
	rig_deliver(r, &peer, ponto_bytes(bytes, len - 4));
	assert_null(r->out);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_SYNTAX], 1);
	m.inquire.want_cpa = false; /* whether the ID is there: the answer is no longer than this */
	assert_ok(pnrp_encode(&pnrp_modern, &m, bytes, sizeof(bytes), &len));
	assert_int_equal(len, 56);
	m.inquire.want_cpa = true;
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	assert_int_equal(len, 56);
	m = (struct pnrp_message){.type = PNRP_SOLICIT};
	assert_ok(pnrp_encode(&pnrp_modern, &m, bytes, sizeof(bytes), &len));
	assert_int_equal(len, 144);
	rig_free(r);
}

static void keys_of_the_other_profile_are_refused(void **state)
{
	struct rig *r = rig_new(modern);
	uint8_t key[140] = {9};
	struct pnrp_endpoint endpoint = {.port = 5000, .protocol = 6};
	struct pnrp_registration reg = {.name = "0.local",
					.public_key = ponto_bytes(key, sizeof(key)),
					.endpoints = &endpoint,
					.endpoint_count = 1};
	struct ring_id id;
	uint64_t handle;

	(void)state;
	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	assert_int_equal(pnrp_engine_register(r->engine, r->now, &reg, &handle, &id), PONTO_EINVAL);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(certifies_with_its_own_key_and_signature),
	cmocka_unit_test(never_mixes_with_the_other),
	cmocka_unit_test(questions_are_padded_and_short_ones_dropped),
	cmocka_unit_test(keys_of_the_other_profile_are_refused),
};

PONTO_TEST_MAIN(tests)
