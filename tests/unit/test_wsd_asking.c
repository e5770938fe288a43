/* Asking, and what is done with answers: [MS-PCCRD] 3. */
#include "tests/unit/wsd_rig.h"

/* ---- asking ------------------------------------------------------------------------------- */

/* What is sent when so many segments are asked for. */
static struct wsd_probe ask(struct rig *rig, uint8_t version, uint16_t count, uint64_t tag)
{
	struct content_id *ids = malloc(count * sizeof(*ids));

	for (unsigned i = 0; i < count; i++)
		ids[i] = an_id(i);
	assert_ok(wsd_engine_probe(rig->engine, rig->now, version, ids, count, tag));
	free(ids);
	return asked(rig);
}

/* The same of an engine that has just begun. */
static struct wsd_probe begin(struct rig *rig, uint8_t version, uint16_t count, uint64_t tag)
{
	rig_start(rig);
	return ask(rig, version, count, tag);
}

static void arrives(struct rig *rig, const struct wsd_match *m)
{
	static char text[WSD_MESSAGE_MAX];
	size_t len;

	assert_ok(wsd_match_make(m, text, sizeof(text), &len));
	input(rig, text, len);
}

static void asking(void **state)
{
	struct rig rig;
	struct wsd_probe p, q;
	struct content_id id = an_id(2);

	(void)state;
	PONTO_PROVES("DIST-105", "DIST-106", "DIST-154", "DIST-161");
	p = begin(&rig, 1, 3, 1);
	assert_int_equal(p.version, 1);
	assert_int_equal(p.count, 3);
	assert_true(content_id_equal(&p.ids[2], &id));
	q = ask(&rig, 2, 1, 2);
	assert_int_equal(q.version, 2);
	assert_int_equal(q.count, 1);
	assert_string_not_equal(p.message_id, q.message_id);
	assert_false(output(&rig));
	/* Heard on the group, one's own question is none. */
	input(&rig, rig.text, strlen(rig.text));
	assert_int_equal(wsd_engine_probe(rig.engine, rig.now, 2, &id, 0, 3), PONTO_EINVAL);
	assert_int_equal(wsd_engine_probe(rig.engine, rig.now, 3, &id, 1, 3), PONTO_EINVAL);
	rig_end(&rig);
}

static void found(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;
	struct wsd_effect e;
	char text[PONTO_ADDR_TEXT];

	(void)state;
	PONTO_PROVES("DIST-157", "DIST-149");
	p = begin(&rig, 1, 3, 77);
	match_for(&m, &p, 1);
	/* In another order, and one left out. */
	m.ids[0] = p.ids[2];
	m.ids[2] = p.ids[0];
	m.segments[1].blocks = 0;
	arrives(&rig, &m);
	e = next_effect(&rig, WSD_EFFECT_FOUND);
	assert_int_equal(e.tag, 77);
	assert_int_equal(e.count, 3);
	assert_int_equal(e.segments[0].blocks, 12);
	assert_int_equal(e.segments[1].state, WSD_ABSENT);
	assert_int_equal(e.segments[2].blocks, 10);
	assert_int_equal(e.addr_count, 1);
	assert_string_equal(ponto_addr_format(&e.addrs[0], text), "10.0.0.9:8080");
	no_effect(&rig);
	rig_end(&rig);
}

static void found_of_version_2(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;
	struct wsd_effect e;

	(void)state;
	p = begin(&rig, 2, 5, 78);
	match_for(&m, &p, 2);
	m.segments[1].state = WSD_ABSENT;
	m.segments[4].state = WSD_PARTIAL;
	arrives(&rig, &m);
	e = next_effect(&rig, WSD_EFFECT_FOUND);
	assert_int_equal(e.count, 5);
	assert_int_equal(e.segments[0].state, WSD_COMPLETE);
	assert_int_equal(e.segments[1].state, WSD_ABSENT);
	assert_int_equal(e.segments[4].state, WSD_PARTIAL);
	rig_end(&rig);
}

static void not_what_was_asked(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;

	(void)state;
	PONTO_PROVES("DIST-156", "DIST-181");
	p = begin(&rig, 1, 1, 1);
	match_for(&m, &p, 1);
	m.ids[0] = an_id(99);
	arrives(&rig, &m);
	match_for(&m, &p, 1);
	strcpy(m.relates_to, "urn:uuid:other");
	arrives(&rig, &m);
	match_for(&m, &p, 2);
	arrives(&rig, &m);
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).unasked, 3);
	rig_end(&rig);
}

static void from_elsewhere(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;
	struct wsd_effect e;

	(void)state;
	PONTO_PROVES("DIST-155", "DIST-182");
	p = begin(&rig, 1, 1, 1);
	match_for(&m, &p, 1);
	m.addrs[0] = addr_of("10.0.1.9:8080");
	arrives(&rig, &m);
	no_effect(&rig);
	match_for(&m, &p, 1);
	rig.peer = addr_of("192.168.0.9:3702");
	arrives(&rig, &m);
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).remote, 2);
	/* Of several addresses those of the link; a link-local one is reached where the answer came from. */
	rig.peer = addr_of("[fe80::9%4]:3702");
	match_for(&m, &p, 1);
	m.addr_count = 3;
	m.addrs[1] = addr_of("8.8.8.8:80");
	m.addrs[2] = addr_of("[fe80::9]:80");
	arrives(&rig, &m);
	e = next_effect(&rig, WSD_EFFECT_FOUND);
	assert_int_equal(e.addr_count, 2);
	assert_int_equal(e.addrs[1].family, PONTO_FAMILY_IPV6);
	assert_int_equal(e.addrs[1].zone, 4);
	rig_end(&rig);
}

static void the_end_of_a_probe(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;
	struct wsd_effect e;

	(void)state;
	PONTO_PROVES("DIST-150", "DIST-153");
	p = begin(&rig, 1, 2, 5);
	assert_int_equal(wsd_engine_deadline(rig.engine), START + WSD_WAIT);
	rig.now = START + WSD_WAIT - 1;
	wsd_engine_advance(rig.engine, rig.now);
	no_effect(&rig);
	rig.now++;
	wsd_engine_advance(rig.engine, rig.now);
	e = next_effect(&rig, WSD_EFFECT_ENDED);
	assert_int_equal(e.tag, 5);
	assert_int_equal(e.replies, 0);
	assert_int_equal(wsd_engine_deadline(rig.engine), PONTO_NEVER);
	match_for(&m, &p, 1);
	arrives(&rig, &m);
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).unasked, 1);
	rig_end(&rig);
}

/* What the search for a segment showed is told at its end, to be kept with it. */
static void replies_are_counted(void **state)
{
	struct rig rig;
	struct wsd_probe p;
	struct wsd_match m;
	struct wsd_effect e;

	(void)state;
	p = begin(&rig, 2, 2, 5);
	for (unsigned i = 0; i < 12; i++) {
		match_for(&m, &p, 2);
		m.segments[1].state = i < 4 ? WSD_COMPLETE : WSD_PARTIAL;
		arrives(&rig, &m);
		(void)next_effect(&rig, WSD_EFFECT_FOUND);
	}
	wsd_engine_advance(rig.engine, rig.now + WSD_WAIT);
	e = next_effect(&rig, WSD_EFFECT_ENDED);
	assert_int_equal(e.replies, 12);
	assert_int_equal(e.full, 4);
	rig_end(&rig);
}

static void settings(void **state)
{
	struct rig rig;
	struct wsd_config config;
	struct wsd_engine *none = NULL;

	(void)state;
	PONTO_PROVES("DIST-151", "DIST-152");
	assert_in_range(WSD_WAIT, 200 * PONTO_MS, 500 * PONTO_MS);
	rig_start(&rig);
	wsd_engine_destroy(rig.engine);
	config = usual(&rig);
	config.wait = 10 * PONTO_MS;
	rig_open(&rig, &config);
	(void)ask(&rig, 1, 1, 1);
	assert_int_equal(wsd_engine_deadline(rig.engine), START + 65 * PONTO_MS);
	wsd_engine_destroy(rig.engine);
	config.wait = 400 * PONTO_MS;
	rig_open(&rig, &config);
	(void)ask(&rig, 1, 1, 1);
	assert_int_equal(wsd_engine_deadline(rig.engine), START + 400 * PONTO_MS);
	config.wait = WSD_WAIT_MAX + 1;
	assert_int_equal(wsd_engine_create(&config, &none), PONTO_EINVAL);
	config = usual(&rig);
	config.backoff = PONTO_MS - 1;
	assert_int_equal(wsd_engine_create(&config, &none), PONTO_EINVAL);
	config.backoff = WSD_BACKOFF_MAX + 1;
	assert_int_equal(wsd_engine_create(&config, &none), PONTO_EINVAL);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(asking),
	cmocka_unit_test(found),
	cmocka_unit_test(found_of_version_2),
	cmocka_unit_test(not_what_was_asked),
	cmocka_unit_test(from_elsewhere),
	cmocka_unit_test(the_end_of_a_probe),
	cmocka_unit_test(replies_are_counted),
	cmocka_unit_test(settings),
};

PONTO_TEST_MAIN(tests)
