/* Asking and answering: [MS-PCCRD] 3. */
#include "tests/unit/wsd_rig.h"

/* Sends a Probe for count segments, an_id(0) and so on. name: of the message. */
static void others_ask(struct rig *rig, uint8_t version, uint16_t count, const char *name)
{
	static struct wsd_probe probe;
	static char text[WSD_MESSAGE_MAX];
	size_t len;

	probe.version = version;
	probe.count = count;
	strcpy(probe.message_id, name);
	for (unsigned i = 0; i < count; i++)
		probe.ids[i] = an_id(i);
	assert_ok(wsd_probe_make(&probe, text, sizeof(text), &len));
	input(rig, text, len);
}

/* The one answer, at its moment. */
static struct wsd_match answer_of(struct rig *rig)
{
	struct wsd_match m;

	assert_false(output(rig));
	rig->now = wsd_engine_deadline(rig->engine);
	assert_int_not_equal(rig->now, PONTO_NEVER);
	assert_true(output(rig));
	assert_ok(wsd_match_parse(ponto_bytes(rig->text, strlen(rig->text)), &m));
	return m;
}

static const struct wsd_held partial = {{WSD_PARTIAL, 3, true, 5 * PONTO_SECOND}, 0, 0};
static const struct wsd_held complete = {{WSD_COMPLETE, 512, true, 9 * PONTO_SECOND}, 0, 0};
static const struct wsd_held absent;

/* ---- answering ----------------------------------------------------------------------- */

static void answers_of_version_1(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_match m;
	struct wsd_held held[3] = {absent, partial, complete};
	struct content_id id;

	(void)state;
	PONTO_PROVES("DIST-099", "DIST-107", "DIST-171", "DIST-162");
	rig_start(&rig);
	others_ask(&rig, 1, 3, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	assert_int_equal(e.count, 3);
	id = an_id(2);
	assert_true(content_id_equal(&e.ids[2], &id));
	no_effect(&rig);
	wsd_engine_held(rig.engine, rig.now, e.answer, held);
	m = answer_of(&rig);
	assert_true(ponto_addr_equal(&rig.to, &rig.peer));
	assert_int_equal(m.version, 1);
	assert_string_equal(m.relates_to, "urn:uuid:1");
	assert_int_equal(m.count, 2);
	assert_int_equal(m.segments[0].blocks, 3);
	assert_int_equal(m.segments[1].blocks, 512);
	assert_true(content_id_equal(&m.ids[1], &id));
	assert_false(output(&rig));
	assert_int_equal(wsd_engine_deadline(rig.engine), PONTO_NEVER);
	rig_end(&rig);
}

static void answers_of_version_2(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_match m;
	struct wsd_held held[3] = {complete, partial, absent};

	(void)state;
	PONTO_PROVES("DIST-111");
	rig_start(&rig);
	others_ask(&rig, 2, 3, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, held);
	m = answer_of(&rig);
	assert_int_equal(m.version, 2);
	assert_int_equal(m.segments[0].state, WSD_COMPLETE);
	assert_int_equal(m.segments[1].state, WSD_PARTIAL);
	assert_int_equal(m.segments[2].state, WSD_ABSENT);
	assert_int_equal(m.segments[0].age, 9 * PONTO_SECOND);
	/* Ten seconds later it is older by what its keeper says. */
	rig.now += 10 * PONTO_SECOND;
	others_ask(&rig, 2, 1, "urn:uuid:2");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	held[0].segment.age += 10 * PONTO_SECOND;
	wsd_engine_held(rig.engine, rig.now, e.answer, held);
	assert_int_equal(answer_of(&rig).segments[0].age, 19 * PONTO_SECOND);
	rig_end(&rig);
}

/* A segment of version 2.0 asked for the old way counts one block. */
static void old_questions(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_match m;
	struct wsd_held held = {{WSD_COMPLETE, 1, true, 0}, 0, 0};

	(void)state;
	PONTO_PROVES("DIST-525");
	rig_start(&rig);
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &held);
	m = answer_of(&rig);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.segments[0].blocks, 1);
	rig_end(&rig);
}

static void nothing_held(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_held held[2] = {absent, absent};

	(void)state;
	PONTO_PROVES("DIST-166", "DIST-170");
	rig_start(&rig);
	others_ask(&rig, 2, 2, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, held);
	assert_int_equal(wsd_engine_deadline(rig.engine), PONTO_NEVER);
	rig.now += PONTO_SECOND;
	assert_false(output(&rig));
	assert_int_equal(stats_of(&rig).unheld, 1);
	rig_end(&rig);
}

static void moments_of_answers(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	PONTO_PROVES("DIST-163", "DIST-164", "DIST-165");
	rig_start(&rig);
	for (unsigned i = 0; i < 1000; i++) {
		char name[WSD_URI_MAX] = "urn:uuid:x";
		uint64_t after;

		name[9] = (char)('a' + i % 26);
		name[10] = (char)('a' + i / 26 % 26);
		name[11] = (char)('a' + i / 676);
		name[12] = 0;
		others_ask(&rig, 1, 1, name);
		e = next_effect(&rig, WSD_EFFECT_LOOKUP);
		wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
		after = wsd_engine_deadline(rig.engine) - rig.now;
		least = after < least ? after : least;
		most = after > most ? after : most;
		(void)answer_of(&rig);
	}
	assert_in_range(least, PONTO_MS, 2 * PONTO_MS);
	assert_in_range(most, 64 * PONTO_MS, 65 * PONTO_MS);
	rig_end(&rig);
}

static void numbers_of_answers(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_config config;
	char address[WSD_URI_MAX], last[WSD_URI_MAX] = "";

	(void)state;
	PONTO_PROVES("DIST-137", "DIST-138", "DIST-139", "DIST-168");
	rig_start(&rig);
	for (unsigned i = 1; i <= 6; i++) {
		char name[] = "urn:uuid:0";
		struct wsd_match m;

		name[9] = (char)('0' + i);
		others_ask(&rig, i % 2 ? 1 : 2, 1, name);
		e = next_effect(&rig, WSD_EFFECT_LOOKUP);
		wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
		m = answer_of(&rig);
		assert_int_equal(m.number, i);
		assert_int_equal(m.instance, 1218765447);
		assert_string_not_equal(m.message_id, last);
		strcpy(last, m.message_id);
		if (i > 1)
			assert_string_equal(m.address, address);
		strcpy(address, m.address);
	}
	/* Another start: another name, and numbers from 1. */
	wsd_engine_destroy(rig.engine);
	config = usual(&rig);
	config.instance++;
	rig_open(&rig, &config);
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	{
		struct wsd_match m = answer_of(&rig);

		assert_int_equal(m.number, 1);
		assert_int_equal(m.instance, 1218765448);
		assert_string_not_equal(m.address, address);
	}
	rig_end(&rig);
}

static void names_of_peers(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct wsd_match m;

	(void)state;
	PONTO_PROVES("DIST-130", "DIST-131");
	rig_start(&rig);
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	m = answer_of(&rig);
	assert_int_equal(strlen(m.address), 45);
	assert_memory_equal(m.address, "urn:uuid:", 9);
	for (unsigned i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(m.address[9 + i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", m.address[9 + i]));
	}
	assert_int_equal(m.address[9 + 14], '4');
	rig_end(&rig);
}

static void addresses_given(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct ponto_addr only = addr_of("[fe80::1]:80");

	(void)state;
	rig_start(&rig);
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	/* Those of the asker's subnet, which it reaches. */
	(void)answer_of(&rig);
	assert_non_null(strstr(rig.text, "<wsd:XAddrs>10.0.0.1:80</wsd:XAddrs>"));
	/* All, if where the asker is says nothing of what it reaches. */
	rig.peer = addr_of("[fe80::9]:5000");
	others_ask(&rig, 1, 1, "urn:uuid:2");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	(void)answer_of(&rig);
	assert_non_null(strstr(rig.text, "<wsd:XAddrs>10.0.0.1:80 [fe80::1]:80</wsd:XAddrs>"));
	/* All, if none is in its subnet. */
	rig.peer = addr_of("10.0.0.9:5000");
	wsd_engine_addrs(rig.engine, &only, 1);
	others_ask(&rig, 1, 1, "urn:uuid:3");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	(void)answer_of(&rig);
	assert_non_null(strstr(rig.text, "<wsd:XAddrs>[fe80::1]:80</wsd:XAddrs>"));
	/* With nothing to tell nothing is told. */
	wsd_engine_addrs(rig.engine, NULL, 0);
	others_ask(&rig, 1, 1, "urn:uuid:4");
	no_effect(&rig);
	rig_end(&rig);
}

/* One question over both families: the one whose source says what its asker reaches is answered, whichever comes first. */
static void asked_over_both_families(void **state)
{
	static const char *const orders[2][2] = {{"[fe80::9]:5000", "10.0.0.9:5000"}, {"10.0.0.9:5000", "[fe80::9]:5000"}};
	struct ponto_addr there = addr_of("10.0.0.9:5000");

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig rig;
		struct wsd_effect e;

		rig_start(&rig);
		rig.peer = addr_of(orders[i % 2][0]);
		others_ask(&rig, 1, 1, "urn:uuid:1");
		e = next_effect(&rig, WSD_EFFECT_LOOKUP);
		if (i < 2) /* looked up already, or still being looked up */
			wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
		rig.peer = addr_of(orders[i % 2][1]);
		others_ask(&rig, 1, 1, "urn:uuid:1");
		no_effect(&rig);
		if (i >= 2)
			wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
		(void)answer_of(&rig);
		assert_true(ponto_addr_equal(&rig.to, &there));
		assert_non_null(strstr(rig.text, "<wsd:XAddrs>10.0.0.1:80</wsd:XAddrs>"));
		assert_int_equal(wsd_engine_deadline(rig.engine), PONTO_NEVER);
		assert_int_equal(stats_of(&rig).duplicates, 1);
		rig_end(&rig);
	}
}

/* Only from this link, and only the same question. */
static void asked_again_from_elsewhere(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	struct ponto_addr there = addr_of("[fe80::9]:5000");

	(void)state;
	rig_start(&rig);
	rig.peer = there;
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	rig.peer = addr_of("10.9.9.9:5000");
	others_ask(&rig, 1, 1, "urn:uuid:1");
	others_ask(&rig, 1, 1, "urn:uuid:2");
	(void)answer_of(&rig);
	assert_true(ponto_addr_equal(&rig.to, &there));
	/* What was asked from elsewhere may be asked from here. */
	rig.peer = addr_of("10.0.0.9:5000");
	others_ask(&rig, 1, 1, "urn:uuid:2");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &partial);
	(void)answer_of(&rig);
	rig_end(&rig);
}

/* ---- suppression ------------------------------------------------------------------------ */

/* How many of 1,000 Probes for a segment fetched so are answered. */
static unsigned answered(struct rig *rig, uint32_t replies, uint32_t full)
{
	struct wsd_held held = partial;
	uint64_t before = stats_of(rig).answered;

	held.replies = replies;
	held.full = full;
	for (unsigned i = 0; i < 1000; i++) {
		char name[WSD_URI_MAX] = "urn:uuid:";
		struct wsd_effect e;

		rig->now += 2 * PONTO_SECOND;
		name[9] = (char)('a' + i % 26);
		name[10] = 0;
		others_ask(rig, 1, 1, name);
		e = next_effect(rig, WSD_EFFECT_LOOKUP);
		wsd_engine_held(rig->engine, rig->now, e.answer, &held);
		rig->now += PONTO_SECOND;
		while (output(rig))
			;
	}
	return (unsigned)(stats_of(rig).answered - before);
}

static void suppression(void **state)
{
	struct rig rig;
	struct wsd_config config;

	(void)state;
	PONTO_PROVES("DIST-174", "DIST-175", "DIST-176");
	rig_start(&rig);
	assert_int_equal(answered(&rig, 0, 0), 1000);
	assert_int_equal(answered(&rig, 9, 9), 1000);
	assert_int_equal(answered(&rig, 10, 10), 0);
	assert_int_equal(answered(&rig, 40, 12), 0);
	/* 330 of 1,000, five standard deviations either way. */
	assert_in_range(answered(&rig, 10, 9), 255, 405);
	assert_in_range(answered(&rig, 10, 0), 255, 405);
	wsd_engine_destroy(rig.engine);
	config = usual(&rig);
	config.suppress = 0;
	rig_open(&rig, &config);
	assert_int_equal(answered(&rig, 100, 100), 1000);
	rig_end(&rig);
}

/* ---- bursts, repetitions, junk --------------------------------------------------------------- */

static void bursts(void **state)
{
	struct rig rig;
	struct wsd_effect e;
	unsigned looked = 0, sent = 0;

	(void)state;
	rig_start(&rig);
	for (unsigned i = 0; i < WSD_ANSWERS_MAX + 100; i++) {
		char name[WSD_URI_MAX] = "urn:uuid:abc";

		name[9] = (char)('a' + i % 26);
		name[10] = (char)('a' + i / 26 % 26);
		name[11] = (char)('a' + i / 676);
		others_ask(&rig, 1, 1, name);
	}
	assert_int_equal(stats_of(&rig).dropped, 100);
	while (wsd_engine_effect(rig.engine, &e)) {
		assert_int_equal(e.kind, WSD_EFFECT_LOOKUP);
		wsd_engine_held(rig.engine, rig.now, e.answer, looked++ % 2 ? &partial : &absent);
	}
	assert_int_equal(looked, WSD_ANSWERS_MAX);
	rig.now += WSD_BACKOFF;
	while (output(&rig))
		sent++;
	assert_int_equal(sent, WSD_ANSWERS_MAX / 2);
	rig_end(&rig);
}

static void as_many_probes_as_there_may_be(void **state)
{
	struct rig rig;
	struct content_id id = an_id(1);
	struct wsd_effect e;
	unsigned ended = 0;

	(void)state;
	rig_start(&rig);
	for (unsigned i = 0; i < WSD_PROBES_MAX; i++)
		assert_ok(wsd_engine_probe(rig.engine, rig.now, 1, &id, 1, i));
	assert_int_equal(wsd_engine_probe(rig.engine, rig.now, 1, &id, 1, 9), PONTO_EBUSY);
	wsd_engine_advance(rig.engine, rig.now + WSD_WAIT);
	while (wsd_engine_effect(rig.engine, &e))
		assert_int_equal(e.tag, ended++);
	assert_int_equal(ended, WSD_PROBES_MAX);
	assert_ok(wsd_engine_probe(rig.engine, rig.now, 1, &id, 1, 9));
	rig_end(&rig);
}

static void repetitions(void **state)
{
	struct rig rig;
	struct wsd_effect e;

	(void)state;
	rig_start(&rig);
	others_ask(&rig, 1, 1, "urn:uuid:1");
	rig.now += 500 * PONTO_MS;
	others_ask(&rig, 1, 1, "urn:uuid:1");
	e = next_effect(&rig, WSD_EFFECT_LOOKUP);
	wsd_engine_held(rig.engine, rig.now, e.answer, &absent);
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).duplicates, 1);
	/* A second later it is asked again, not repeated. */
	rig.now += 500 * PONTO_MS;
	others_ask(&rig, 1, 1, "urn:uuid:1");
	(void)next_effect(&rig, WSD_EFFECT_LOOKUP);
	rig_end(&rig);
}

static void junk(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	input(&rig, "junk", 4);
	input(&rig, "", 0);
	input(&rig, "<other/>", 8);
	no_effect(&rig);
	assert_false(output(&rig));
	assert_int_equal(stats_of(&rig).malformed, 2);
	assert_int_equal(stats_of(&rig).foreign, 1);
	rig_end(&rig);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static int ask_and_answer(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;
	struct wsd_config config = usual(rig);
	struct wsd_engine *engine;
	struct ponto_addr own = addr_of("10.0.0.1:80");
	struct wsd_prefix prefix = {addr_of("10.0.0.0"), 24};
	struct content_id id = an_id(1);
	struct wsd_effect e;
	size_t len;
	int result;

	config.alloc = alloc;
	result = wsd_engine_create(&config, &engine);
	if (result != PONTO_OK)
		return result;
	wsd_engine_addrs(engine, &own, 1);
	wsd_engine_prefixes(engine, &prefix, 1);
	result = wsd_engine_probe(engine, START, 1, &id, 1, 1);
	if (result == PONTO_OK) {
		struct wsd_probe p;
		struct wsd_match m;

		len = wsd_engine_output(engine, START, rig->text, &rig->to);
		assert_ok(wsd_probe_parse(ponto_bytes(rig->text, len), &p));
		match_for(&m, &p, 1);
		assert_ok(wsd_match_make(&m, rig->text, WSD_MESSAGE_MAX, &len));
		result = wsd_engine_input(engine, START, &own, ponto_bytes(rig->text, len));
		strcpy(p.message_id, "urn:uuid:2");
		assert_ok(wsd_probe_make(&p, rig->text, WSD_MESSAGE_MAX, &len));
		if (result == PONTO_OK)
			result = wsd_engine_input(engine, START, &own, ponto_bytes(rig->text, len));
		if (result == PONTO_OK)
			assert_int_equal(wsd_engine_effect(engine, &e), 1);
	}
	wsd_engine_destroy(engine);
	return result;
}

static void refused_memory(void **state)
{
	struct rig rig;

	(void)state;
	ponto_test_random_init(&rig.random, 3);
	ponto_test_oom(ask_and_answer, &rig, false);
}

static void a_question_from_elsewhere_is_not_answered(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig);
	rig.peer = addr_of("10.0.1.9:5000");
	others_ask(&rig, 1, 1, "urn:uuid:1");
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).remote, 1);
	rig.peer = addr_of("10.0.0.9:5000");
	others_ask(&rig, 1, 1, "urn:uuid:2");
	next_effect(&rig, WSD_EFFECT_LOOKUP);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answers_of_version_1),
	cmocka_unit_test(answers_of_version_2),
	cmocka_unit_test(old_questions),
	cmocka_unit_test(nothing_held),
	cmocka_unit_test(moments_of_answers),
	cmocka_unit_test(numbers_of_answers),
	cmocka_unit_test(names_of_peers),
	cmocka_unit_test(addresses_given),
	cmocka_unit_test(asked_over_both_families),
	cmocka_unit_test(asked_again_from_elsewhere),
	cmocka_unit_test(suppression),
	cmocka_unit_test(bursts),
	cmocka_unit_test(as_many_probes_as_there_may_be),
	cmocka_unit_test(repetitions),
	cmocka_unit_test(junk),
	cmocka_unit_test(refused_memory),
	cmocka_unit_test(a_question_from_elsewhere_is_not_answered),
};

PONTO_TEST_MAIN(tests)
