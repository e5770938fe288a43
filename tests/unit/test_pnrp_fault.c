/* Damaged input to every decoder of the PNRP codec: cut at every byte, every single bit turned, bytes struck
 * out or doubled. Nothing is read out of bounds (each copy is exactly as long as what it holds), and whatever
 * still decodes also encodes again to something that means the same. */
#include "tests/unit/pnrp_test.h"

typedef void check_fn(const struct datagram *d);

static void check_message(const struct datagram *d)
{
	struct pnrp_message a, b;
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	if (pnrp_decode(&pnrp_windows, bytes_of(d), &a) != PONTO_OK)
		return;
	if (a.type == PNRP_AUTHORITY && !pnrp_authority_fits(&a.authority))
		return;
	assert_ok(pnrp_encode(&pnrp_windows, &a, buf, sizeof(buf), &len));
	assert_ok(pnrp_decode(&pnrp_windows, ponto_bytes(buf, len), &b));
	assert_true(message_equal(&a, &b));
}

static void check_buffer(const struct datagram *d)
{
	struct pnrp_authority_buffer a, b;
	uint8_t buf[2048];
	size_t len;

	if (pnrp_authority_decode(&pnrp_windows, bytes_of(d), &a) != PONTO_OK)
		return;
	assert_ok(pnrp_authority_encode(&pnrp_windows, &a, buf, sizeof(buf), &len));
	assert_ok(pnrp_authority_decode(&pnrp_windows, ponto_bytes(buf, len), &b));
	assert_true(buffer_equal(&a, &b));
}

static void check_cpa(const struct datagram *d)
{
	struct pnrp_cpa a, b;
	uint8_t buf[PNRP_CPA_MAX];
	size_t len;

	if (pnrp_cpa_decode(&pnrp_windows, bytes_of(d), &a) != PONTO_OK)
		return;
	assert_ok(pnrp_cpa_encode(&pnrp_windows, &a, buf, sizeof(buf), &len));
	assert_ok(pnrp_signature_append(&pnrp_windows, a.signature, buf, sizeof(buf), &len));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, ponto_bytes(buf, len), &b));
	assert_true(cpa_equal(&a, &b));
}

static void check_payload(const struct datagram *d)
{
	struct pnrp_payload a, b;
	uint8_t buf[PNRP_PAYLOAD_ENCODED_MAX];
	size_t len;

	if (pnrp_payload_decode(&pnrp_windows, bytes_of(d), &a) != PONTO_OK)
		return;
	assert_ok(pnrp_payload_encode(&pnrp_windows, &a, buf, sizeof(buf), &len));
	assert_ok(pnrp_signature_append(&pnrp_windows, a.signature, buf, sizeof(buf), &len));
	assert_ok(pnrp_payload_decode(&pnrp_windows, ponto_bytes(buf, len), &b));
	assert_true(payload_equal(&a, &b));
}

static void damage(const struct datagram *whole, check_fn *check)
{
	for (size_t len = 0; len <= whole->len; len++) {
		struct datagram d = datagram_copy(whole->data, len);

		check(&d);
		datagram_free(&d);
	}
	for (size_t bit = 0; bit < 8 * whole->len; bit++) {
		struct datagram d = datagram_copy(whole->data, whole->len);

		d.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check(&d);
		datagram_free(&d);
	}
	for (size_t at = 0; at < whole->len; at++)
		for (size_t cut = 0; cut < 2; cut++) {
			struct datagram d = datagram_copy(whole->data, whole->len);

			splice(&d, at, cut, cut ? "" : "00");
			check(&d);
			datagram_free(&d);
		}
}

static void damaged_messages(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 20; i++) {
		char name[4] = {'M', (char)('0' + i / 10), (char)('0' + i % 10), '\0'};
		struct datagram d = vector(name);

		damage(&d, check_message);
		datagram_free(&d);
	}
}

/* A message cut anywhere is dropped, except where what is left is a message by itself. */
static void cut_messages_are_dropped(void **state)
{
	static const struct {
		const char *name;
		size_t whole;
	} rows[] = {{"M01", 0}, {"M02", 0}, {"M03", 0},	 {"M04", 0}, {"M05", 0},  {"M06", 0}, {"M07", 0},
		    {"M08", 0}, {"M09", 0}, {"M10", 20}, {"M11", 0}, {"M12", 56}, {"M13", 0}, {"M14", 0}};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct datagram d = vector(rows[i].name);

		for (size_t len = 0; len < d.len; len++) {
			struct datagram cut = datagram_copy(d.data, len);

			if (len == rows[i].whole && len)
				assert_decodes(&cut);
			else
				assert_dropped(&cut);
			datagram_free(&cut);
		}
		datagram_free(&d);
	}
}

static void damaged_buffers(void **state)
{
	struct datagram m = vector("M18"), b = datagram_copy(m.data + 28, m.len - 28), all = vector_buffer();

	(void)state;
	damage(&b, check_buffer);
	damage(&all, check_buffer);
	datagram_free(&m);
	datagram_free(&b);
	datagram_free(&all);
}

static void damaged_cpas(void **state)
{
	struct datagram m = vector("M09"), revoke = datagram_copy(m.data + 60, 401), cpa = vector_cpa();

	(void)state;
	damage(&cpa, check_cpa);
	damage(&revoke, check_cpa);
	splice(&revoke, 32, 16, "");
	revoke.data[0] -= 16;
	damage(&revoke, check_cpa);
	datagram_free(&m);
	datagram_free(&revoke);
	datagram_free(&cpa);
}

static void damaged_payloads(void **state)
{
	struct datagram d = vector_payload();

	(void)state;
	damage(&d, check_payload);
	datagram_free(&d);
}

/* Random bytes behind a good header reach every branch of the decoders sooner or later. */
static void random_bytes_never_crash(void **state)
{
	static const uint8_t types[] = {1, 2, 3, 4, 7, 8, 9, 11};
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 11);
	for (unsigned round = 0; round < 20000; round++) {
		static const uint8_t head[] = {0x00, 0x10, 0x00, 0x0c, 0x51, 0x04, 0x00};
		static const uint8_t bytes[512];
		struct datagram d = datagram_copy(bytes, 12 + random_below(&tr, 400));

		random_bytes(&tr, d.data, d.len);
		memcpy(d.data, head, sizeof(head));
		d.data[7] = types[round % sizeof(types)];
		check_message(&d);
		check_buffer(&d);
		check_cpa(&d);
		check_payload(&d);
		datagram_free(&d);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(damaged_messages), cmocka_unit_test(cut_messages_are_dropped),
	cmocka_unit_test(damaged_buffers),  cmocka_unit_test(damaged_cpas),
	cmocka_unit_test(damaged_payloads), cmocka_unit_test(random_bytes_never_crash),
};

PONTO_TEST_MAIN(tests)
