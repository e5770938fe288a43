/* PNRP messages: the published vectors, the header, the table of FieldIDs, round trips. */
#include "tests/unit/pnrp_test.h"

static const char *const all_vectors[] = {"M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09", "M10",
					  "M11", "M12", "M13", "M14", "M15", "M16", "M17", "M18", "M19", "M20"};
static const uint8_t types[] = {PNRP_SOLICIT, PNRP_ADVERTISE, PNRP_REQUEST, PNRP_FLOOD,
				PNRP_INQUIRE, PNRP_AUTHORITY, PNRP_ACK,	    PNRP_LOOKUP};

static void vectors_come_back_byte_for_byte(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-007", "PNRP-008");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(all_vectors); i++) {
		struct datagram d = vector(all_vectors[i]);
		struct pnrp_message m = assert_decodes(&d);

		assert_encodes(&m, &d);
		datagram_free(&d);
	}
}

/* ---- header ---------------------------------------------------------------------- */

static void header_field_and_length(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-009", "PNRP-010");
	assert_edit_dropped("M01", 0, "0011");
	assert_edit_dropped("M01", 0, "1000");
	assert_edit_dropped("M01", 2, "000b");
	assert_edit_dropped("M01", 2, "0010");
}

static void header_identifier_and_version(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-011", "PNRP-012", "PNRP-013");
	assert_edit_dropped("M01", 4, "50");
	assert_edit_dropped("M01", 5, "03");
	assert_edit_dropped("M01", 5, "05");
	assert_edit_dropped("M01", 6, "01");
}

static void header_type(void **state)
{
	static const char *const carriers[] = {"M01", "M03", "M05", "M06", "M07", "M11", "M13", "M15"};

	(void)state;
	PONTO_PROVES("PNRP-014");
	for (unsigned type = 0; type < 256; type++) {
		unsigned accepted = 0;

		for (size_t i = 0; i < PONTO_ARRAY_SIZE(carriers); i++) {
			struct datagram d = vector(carriers[i]);
			struct pnrp_message m;

			d.data[7] = (uint8_t)type;
			accepted += pnrp_decode(&pnrp_windows, bytes_of(&d), &m) == PONTO_OK;
			datagram_free(&d);
		}
		if (memchr(types, (int)type, sizeof(types)))
			assert_int_equal(accepted, 1);
		else
			assert_int_equal(accepted, 0);
	}
}

static void header_message_id(void **state)
{
	struct datagram d = vector("M01");

	(void)state;
	assert_int_equal(assert_decodes(&d).id, 0x01020304);
	datagram_free(&d);
}

static void version_tells_the_profile(void **state)
{
	struct datagram d = vector("M06");
	struct pnrp_message m;

	(void)state;
	assert_int_equal(pnrp_peek_version(bytes_of(&d)), 4);
	assert_int_equal(pnrp_decode(&pnrp_modern, bytes_of(&d), &m), PONTO_EPROTO);
	d.data[5] = 5;
	assert_int_equal(pnrp_peek_version(bytes_of(&d)), 5);
	assert_ok(pnrp_decode(&pnrp_modern, bytes_of(&d), &m));
	d.data[4] = 0;
	assert_int_equal(pnrp_peek_version(bytes_of(&d)), 0);
	assert_int_equal(pnrp_peek_version(ponto_bytes(d.data, 5)), 0);
	assert_int_equal(pnrp_peek_version(ponto_bytes(NULL, 0)), 0);
	datagram_free(&d);
}

/* What is fetched ahead would else be something else, at no one's notice. */
static void a_peek_sees_what_decoding_does(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(all_vectors); i++) {
		struct datagram d = vector(all_vectors[i]);
		struct pnrp_message m = assert_decodes(&d);
		struct pnrp_gist gist;

		pnrp_peek(bytes_of(&d), &gist);
		assert_int_equal(gist.type, m.type);
		if (m.type == PNRP_ACK || m.type == PNRP_AUTHORITY)
			assert_int_equal(gist.acked_id, m.type == PNRP_ACK ? m.ack.acked_id : m.authority.acked_id);
		if (m.type == PNRP_LOOKUP)
			assert_true(ring_id_equal(&gist.id, &m.lookup.target));
		if (m.type == PNRP_FLOOD && m.flood.has_route && !m.flood.has_revoke) {
			assert_true(ring_id_equal(&gist.id, &m.flood.route.id));
			seen++;
		}
		pnrp_peek(ponto_bytes(d.data, 15), &gist);
		assert_int_equal(gist.type, m.type == PNRP_ACK || m.type == PNRP_AUTHORITY || m.type == PNRP_FLOOD ||
							    m.type == PNRP_LOOKUP
						    ? 0
						    : m.type);
		datagram_free(&d);
	}
	assert_true(seen > 0);
}

static void nothing_encodes_as_an_unknown_type(void **state)
{
	struct pnrp_message m;
	uint8_t buf[64];
	size_t len;

	(void)state;
	memset(&m, 0, sizeof(m));
	for (unsigned type = 0; type < 256; type++) {
		m.type = (uint8_t)type;
		if (!memchr(types, (int)type, sizeof(types)))
			assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	}
}

/* ---- elements ---------------------------------------------------------------------- */

static unsigned be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Where the body of pad bytes ends up is the walk's business: each FieldID on a multiple of four, each Length
 * with its own four bytes, and together they make the message. */
static void walk_elements(const uint8_t *data, size_t len, uint8_t type)
{
	size_t at = 12;

	while (at < len) {
		size_t length;

		assert_int_equal(at % 4, 0);
		assert_true(len - at >= 4);
		length = be16(data + at + 2);
		assert_true(length >= 4 && length <= len - at);
		if (type == PNRP_AUTHORITY && be16(data + at) == 0x0098)
			return;
		at += length;
		for (; at % 4 != 0 && at < len; at++)
			assert_int_equal(data[at], 0);
	}
	assert_int_equal(at, len);
}

static void elements_are_aligned_and_counted(void **state)
{
	struct ponto_test_random tr;
	uint8_t scratch[SCRATCH_SIZE], buf[PNRP_MESSAGE_MAX];

	(void)state;
	PONTO_PROVES("PNRP-005", "PNRP-006");
	ponto_test_random_init(&tr, 5);
	for (unsigned round = 0; round < 4000; round++) {
		struct pnrp_message m;
		size_t len;

		random_message(&tr, types[round % sizeof(types)], scratch, &m);
		assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
		walk_elements(buf, len, m.type);
	}
}

static void random_messages_survive_the_trip(void **state)
{
	struct ponto_test_random tr;
	uint8_t scratch[SCRATCH_SIZE], buf[PNRP_MESSAGE_MAX];

	(void)state;
	ponto_test_random_init(&tr, 1);
	for (unsigned round = 0; round < 8000; round++) {
		const struct pnrp_wire *wire = round % 2 ? &pnrp_windows : &pnrp_modern;
		struct pnrp_message m, back;
		struct datagram d;
		size_t len;

		random_message(&tr, types[round % sizeof(types)], scratch, &m);
		assert_ok(pnrp_encode(wire, &m, buf, sizeof(buf), &len));
		d = datagram_copy(buf, len);
		assert_ok(pnrp_decode(wire, bytes_of(&d), &back));
		assert_true(message_equal(&m, &back));
		datagram_free(&d);
	}
}

/* The longest message the layouts allow fits the documented size. */
static void longest_message_fits(void **state)
{
	uint8_t cpa[PNRP_CPA_MAX] = {PNRP_CPA_MAX & 0xff, PNRP_CPA_MAX >> 8}, buf[PNRP_MESSAGE_MAX + 4];
	struct ponto_test_random tr;
	struct pnrp_message m;
	size_t len;

	(void)state;
	ponto_test_random_init(&tr, 2);
	random_message(&tr, PNRP_FLOOD, (uint8_t[SCRATCH_SIZE]){0}, &m);
	m.flood.has_revoke = m.flood.has_route = true;
	m.flood.revoke = ponto_bytes(cpa, sizeof(cpa));
	random_route(&tr, &m.flood.route);
	m.flood.route.count = PNRP_ROUTE_ADDRS_MAX;
	m.flood.count = PNRP_ENDPOINTS_MAX;
	for (size_t i = 0; i < PNRP_ENDPOINTS_MAX; i++)
		m.flood.endpoints[i].port = PNRP_PORT;
	assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
	assert_in_range(len, PNRP_MESSAGE_MAX - 3, PNRP_MESSAGE_MAX);
}

static void trailing_pad_is_optional_but_nothing_else_may_follow(void **state)
{
	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(all_vectors); i++) {
		struct datagram d = vector(all_vectors[i]);
		size_t pad = -d.len & 3, len = d.len;
		struct pnrp_message m = assert_decodes(&d), padded;

		if (m.type == PNRP_AUTHORITY) {
			datagram_free(&d);
			continue;
		}
		for (size_t extra = 1; extra <= 8; extra++) {
			splice(&d, len, d.len - len, "");
			for (size_t j = 0; j < extra; j++)
				splice(&d, d.len, 0, "00");
			if (extra == pad) {
				padded = assert_decodes(&d);
				assert_true(message_equal(&m, &padded));
			} else {
				assert_dropped(&d);
			}
		}
		datagram_free(&d);
	}
}

/* ---- criteria ------------------------------------------------------------------------ */

static struct ring_id id_with_bit(unsigned bit)
{
	struct ring_id id = {{0}};

	if (bit < 256)
		id.b[bit / 8] = (uint8_t)(0x80 >> bit % 8);
	return id;
}

static void criteria_compare_their_number_of_bits(void **state)
{
	static const struct {
		uint8_t criteria;
		unsigned bits;
	} rows[] = {{PNRP_OPCODE_NONE, 256},
		    {PNRP_OPCODE_ANY, 128},
		    {PNRP_OPCODE_NEAREST, 256},
		    {PNRP_OPCODE_NEAREST64, 192}};
	struct ring_id zero = id_with_bit(256);

	(void)state;
	PONTO_PROVES("PNRP-137", "PNRP-138", "PNRP-134");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++)
		for (unsigned bit = 0; bit <= 256; bit++) {
			struct ring_id other = id_with_bit(bit);

			assert_int_equal(pnrp_criteria_match(rows[i].criteria, (uint16_t)(bit * 7), &zero, &other),
					 bit >= rows[i].bits);
		}
}

static void criteria_upper_bits(void **state)
{
	static const uint16_t precisions[] = {0, 1, 7, 8, 9, 127, 255, 256, 257, 0xffff};
	struct ring_id zero = id_with_bit(256);

	(void)state;
	PONTO_PROVES("PNRP-141");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(precisions); i++)
		for (unsigned bit = 0; bit <= 256; bit++) {
			struct ring_id other = id_with_bit(bit);
			unsigned bits = precisions[i] > 256 ? 256 : precisions[i];

			assert_int_equal(pnrp_criteria_bits(PNRP_OPCODE_UPPER_BITS, precisions[i]), bits);
			assert_int_equal(pnrp_criteria_match(PNRP_OPCODE_UPPER_BITS, precisions[i], &zero, &other),
					 bit >= bits);
		}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(vectors_come_back_byte_for_byte),
	cmocka_unit_test(header_field_and_length),
	cmocka_unit_test(header_identifier_and_version),
	cmocka_unit_test(header_type),
	cmocka_unit_test(header_message_id),
	cmocka_unit_test(version_tells_the_profile),
	cmocka_unit_test(a_peek_sees_what_decoding_does),
	cmocka_unit_test(nothing_encodes_as_an_unknown_type),
	cmocka_unit_test(elements_are_aligned_and_counted),
	cmocka_unit_test(random_messages_survive_the_trip),
	cmocka_unit_test(longest_message_fits),
	cmocka_unit_test(trailing_pad_is_optional_but_nothing_else_may_follow),
	cmocka_unit_test(criteria_compare_their_number_of_bits),
	cmocka_unit_test(criteria_upper_bits),
};

PONTO_TEST_MAIN(tests)
