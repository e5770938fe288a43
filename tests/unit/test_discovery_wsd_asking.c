/* discovery-wsd asks: what goes out, what is found, what is refused. */
#include "tests/unit/discovery_wsd_rig.h"

/* ---- asking ------------------------------------------------------------------------------- */

static void a_question_goes_to_the_group_once(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct wsd_probe p;
	struct owner o;

	(void)state;
	owner_open(&o, f);
	for (uint8_t version = 1; version <= 2; version++) {
		assert_ok(seek(&o, version, 3, 9));
		run(f, PONTO_SECOND / 4);
		assert_int_equal(n->count, 1);
		assert_int_equal(n->hop_limit[0], 1);
		assert_true(n->from[0].port >= 49152);
		assert_int_equal(ponto_addr_scope(&n->from[0]), PONTO_SCOPE_LINK);
		assert_ok(wsd_probe_parse(ponto_bytes(n->heard[0], strlen(n->heard[0])), &p));
		assert_int_equal(p.version, version);
		assert_int_equal(p.count, 3);
		for (unsigned i = 0; i < 3; i++) {
			struct content_id id = an_id(i);

			assert_true(content_id_equal(&p.ids[i], &id));
		}
		assert_int_equal(o.ended, 0);
		run(f, PONTO_SECOND / 4);
		assert_int_equal(o.ended, 1);
		assert_int_equal(o.ended_tag, 9);
		assert_int_equal(o.replies, 0);
		n->count = 0;
	}
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void what_neighbours_hold_is_found(void **state)
{
	static const char *const addrs[] = {"[2001:db8::9]:80", "192.0.2.1:80", "[2001:db9::9]:80", "[fe80::9]:8080"};
	struct ponto_addr first = discovery_addr("[2001:db8::9]:80"), last = discovery_addr("[fe80::9%1]:8080");
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct owner o;

	(void)state;
	PONTO_PROVES("DIST-157");
	owner_open(&o, f);
	for (uint8_t version = 1; version <= 2; version++) {
		assert_ok(seek(&o, version, 2, version));
		run(f, 20 * PONTO_MS);
		answer(n, addrs, 4);
		answer(n, addrs, 4); /* another neighbour, as far as anyone can tell */
		run(f, PONTO_SECOND);
		assert_int_equal(o.found, 2 * version);
		assert_int_equal(o.tag, version);
		assert_int_equal(o.addr_count, 2); /* those that lie on the link */
		assert_true(ponto_addr_equal(&o.addrs[0], &first) && ponto_addr_equal(&o.addrs[1], &last));
		assert_int_equal(o.count, 2);
		assert_int_equal(o.held[0].state, version == 2 ? PONTO_HELD_ALL : PONTO_HELD_PART);
		assert_int_equal(o.held[1].state, PONTO_HELD_PART);
		assert_int_equal(o.held[1].blocks, version == 2 ? 0 : 6);
		assert_true(o.held[0].age == (version == 2 ? 7 * PONTO_SECOND : PONTO_NEVER));
		assert_int_equal(o.ended, 1);
		assert_int_equal(o.replies, 2);
		answer(n, addrs, 4); /* too late */
		run(f, PONTO_SECOND);
		assert_int_equal(o.found, 2 * version);
		n->count = 0;
	}
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void only_addresses_that_are_wanted_are_found(void **state)
{
	static const char *const addrs[] = {"[2001:db8::9]:80", "[fe80::9]:8080"}, *const local[] = {"[fe80::9]:8080"};
	struct ponto_discovery_want want = content;
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct owner o = {.fixture = f};

	(void)state;
	want.scope = PONTO_SCOPE_GLOBAL;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &want, &events, &o, &o.handle));
	assert_ok(ponto_discovery_pieces(f->discovery, o.handle, &pieces));
	assert_ok(seek(&o, 2, 1, 1));
	run(f, 20 * PONTO_MS);
	answer(n, addrs, 2);
	answer(n, local, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(o.found, 1);
	assert_int_equal(o.addr_count, 1);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void questions_that_cannot_be_asked_are_refused(void **state)
{
	static const struct ponto_discovery_pieces deaf = {.lookup = on_lookup};
	struct ponto_discovery_want other = {.topic = "pnrp/Global_"};
	struct discovery_fixture *f = make();
	struct ponto_discovery_handle *handle;
	struct ponto_bytes odd = ponto_bytes("odd", 3), empty = ponto_bytes("", 0);
	struct owner o;

	(void)state;
	owner_open(&o, f);
	assert_int_equal(seek(&o, 2, 0, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 2, PONTO_PIECES_MAX + 1, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 0, 1, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 3, 1, 1), PONTO_EINVAL);
	assert_int_equal(ponto_discovery_seek(f->discovery, o.handle, 2, &odd, 1, 1), PONTO_EINVAL);
	assert_int_equal(ponto_discovery_seek(f->discovery, o.handle, 1, &empty, 1, 1), PONTO_EINVAL);
	assert_ok(ponto_discovery_seek(f->discovery, o.handle, 1, &odd, 1, 1));
	assert_int_equal(ponto_discovery_pieces(f->discovery, o.handle, &deaf), PONTO_EINVAL);
	owner_close(&o);
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &content, &events, &o, &handle));
	assert_int_equal(ponto_discovery_seek(f->discovery, handle, 1, &odd, 1, 1), PONTO_EINVAL);
	ponto_discovery_close(f->discovery, handle);
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &other, &events, &o, &handle));
	assert_int_equal(ponto_discovery_pieces(f->discovery, handle, &pieces), PONTO_ENOTSUP);
	assert_int_equal(ponto_discovery_seek(f->discovery, handle, 1, &odd, 1, 1), PONTO_ENOTSUP);
	ponto_discovery_close(f->discovery, handle);
	discovery_fixture_free(f);
}

static void too_many_questions_are_busy_and_all_end(void **state)
{
	struct discovery_fixture *f = make();
	struct owner o;
	unsigned asked = 0;

	(void)state;
	owner_open(&o, f);
	while (seek(&o, 1, 1, asked) == PONTO_OK)
		asked++;
	assert_int_equal(asked, WSD_PROBES_MAX);
	assert_int_equal(seek(&o, 1, 1, asked), PONTO_EBUSY);
	run(f, PONTO_SECOND);
	assert_int_equal(o.ended, asked);
	assert_ok(seek(&o, 1, 1, asked));
	owner_close(&o);
	discovery_fixture_free(f);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_question_goes_to_the_group_once),
	cmocka_unit_test(what_neighbours_hold_is_found),
	cmocka_unit_test(only_addresses_that_are_wanted_are_found),
	cmocka_unit_test(questions_that_cannot_be_asked_are_refused),
	cmocka_unit_test(too_many_questions_are_busy_and_all_end),
};

PONTO_TEST_MAIN(tests)
