#include "tests/conform/discovery_suite.h"

#include <stdio.h>

#include "framework/registry.h"

#define ALL (PONTO_SOURCE_REMEMBERED | PONTO_SOURCE_MULTICAST | PONTO_SOURCE_SEED)

static const struct ponto_discovery_want global = {
	.topic = "test/Global_", .scope = PONTO_SCOPE_GLOBAL, .port = 3540, .family = PONTO_FAMILY_IPV6};

static struct discovery_fixture *make(void **state)
{
	const struct discovery_subject *subject = *state;

	return discovery_fixture_new(subject->plugin, subject->settings, subject->sim);
}

static void descriptor(void **state)
{
	const struct discovery_subject *subject = *state;
	const struct ponto_discovery_ops *ops = (const struct ponto_discovery_ops *)subject->plugin->vtable;
	char reason[PONTO_REASON_SIZE] = "";

	if (ponto_plugin_check(subject->plugin, reason))
		fail_msg("%s", reason);
	assert_int_equal(subject->plugin->kind, PONTO_KIND_DISCOVERY);
	assert_int_equal(ops->head.abi, PONTO_DISCOVERY_ABI);
	assert_true(ops->head.size <= sizeof(*ops));
	assert_true(PONTO_HAS(ops, create) && PONTO_HAS(ops, destroy) && PONTO_HAS(ops, open) &&
		    PONTO_HAS(ops, close) && PONTO_HAS(ops, search));
	assert_true((ops->sources || PONTO_HAS(ops, seek)) && !(ops->sources & ~(unsigned)ALL));
	ops->destroy(NULL);
}

static void every_source_is_done_once(void **state)
{
	struct discovery_fixture *f = make(state);
	struct discovery_watcher w;

	discovery_open(f, &global, &w);
	discovery_search(&w, ALL);
	assert_int_equal(w.done_count, 3);
	for (size_t i = 0; i < w.count; i++) {
		assert_true(f->discovery.ops->sources & w.from[i]);
		assert_int_equal(w.seen[i].family, PONTO_FAMILY_IPV6);
		assert_int_equal(ponto_addr_scope(&w.seen[i]), PONTO_SCOPE_GLOBAL);
		assert_true(w.seen[i].port != 0);
	}
	for (unsigned source = 1; source <= PONTO_SOURCE_SEED; source <<= 1) { /* one by one, and again */
		discovery_search(&w, source);
		assert_int_equal(w.done_count, 1);
		assert_int_equal(w.done, source);
	}
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void sources_it_lacks_find_nothing(void **state)
{
	struct discovery_fixture *f = make(state);
	struct discovery_watcher w;
	unsigned lacks = ALL & ~f->discovery.ops->sources;

	discovery_open(f, &global, &w);
	discovery_search(&w, lacks ? lacks : ALL);
	if (lacks)
		assert_int_equal(w.count, 0);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void a_source_is_not_searched_twice_at_once(void **state)
{
	struct discovery_fixture *f = make(state);
	struct discovery_watcher w;

	discovery_open(f, &global, &w);
	w.in_search = true;
	assert_ok(ponto_discovery_search(f->discovery, w.handle, ALL));
	w.in_search = false;
	discovery_search(&w, ALL);
	assert_int_equal(w.done_count, 3);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void searching_again_inside_done(void **state)
{
	struct discovery_fixture *f = make(state);
	struct discovery_watcher w;

	discovery_open(f, &global, &w);
	w.again = PONTO_SOURCE_SEED;
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_int_equal(w.done_count, 2);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void closing_ends_callbacks(void **state)
{
	struct discovery_fixture *f = make(state);
	struct discovery_watcher w;

	for (unsigned at = 1; at <= 2; at++) { /* inside found, if something is found; inside done */
		discovery_open(f, &global, &w);
		w.close_at = at;
		discovery_search(&w, ALL);
		discovery_settle(f);
		assert_int_equal(w.late, 0);
		w.close_at = 0; /* the loop does not run now */
		if (w.handle)
			discovery_close(&w);
	}
	discovery_open(f, &global, &w); /* with a search under way */
	assert_ok(ponto_discovery_search(f->discovery, w.handle, ALL));
	discovery_close(&w);
	discovery_settle(f);
	assert_int_equal(w.late, 0);
	assert_int_equal(w.done_count, 0);
	discovery_open(f, &global, &w); /* and never used at all */
	discovery_close(&w);
	ponto_discovery_close(f->discovery, NULL);
	discovery_fixture_free(f);
}

static void handles_do_not_disturb_each_other(void **state)
{
	struct ponto_discovery_want other = {.topic = "test/other", .port = 1234};
	struct discovery_fixture *f = make(state);
	struct discovery_watcher a, b;

	discovery_open(f, &global, &a);
	discovery_open(f, &other, &b);
	assert_ok(ponto_discovery_search(f->discovery, b.handle, ALL));
	discovery_close(&b);
	discovery_search(&a, ALL);
	assert_int_equal(a.done_count, 3);
	assert_int_equal(b.done_count, 0);
	discovery_close(&a);
	discovery_fixture_free(f);
}

static void publishing_is_harmless(void **state)
{
	struct discovery_fixture *f = make(state);
	struct ponto_addr addrs[2] = {discovery_addr("[2001:db8::77]:3540"), discovery_addr("[2001:db8::78]:3540")};
	struct discovery_watcher w;

	discovery_open(f, &global, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, addrs, 2));
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, addrs, 1));
	ponto_discovery_unpublish(f->discovery, w.handle);
	ponto_discovery_unpublish(f->discovery, w.handle);
	discovery_search(&w, ALL);
	discovery_close(&w);
	discovery_fixture_free(f);
}

/* What one publishes, another finds, until it is taken back. */
static void neighbours_find_what_is_published(void **state)
{
	struct discovery_fixture *f = make(state);
	struct ponto_addr addrs[2] = {discovery_addr("[2001:db8::77]:3540"), discovery_addr("[2001:db8::78]:3540")};
	struct discovery_watcher a, b;

	discovery_open(f, &global, &a);
	discovery_open(f, &global, &b);
	for (unsigned i = 0; i < 2; i++) { /* the second replaces the first */
		assert_ok(ponto_discovery_publish(f->discovery, a.handle, &addrs[i], 1));
		discovery_settle(f);
		discovery_search(&b, PONTO_SOURCE_MULTICAST);
		assert_int_equal(b.count, 1);
		assert_true(ponto_addr_equal(&b.seen[0], &addrs[i]));
		discovery_search(&a, PONTO_SOURCE_MULTICAST); /* nobody finds himself */
		assert_int_equal(a.count, 0);
	}
	ponto_discovery_unpublish(f->discovery, a.handle);
	discovery_search(&b, PONTO_SOURCE_MULTICAST);
	assert_int_equal(b.count, 0);
	discovery_close(&a);
	discovery_close(&b);
	discovery_fixture_free(f);
}

/* What is remembered comes back first, newest first, from this handle and from the next one. */
static void remembered_addresses_come_back(void **state)
{
	struct ponto_discovery_want other = global;
	struct discovery_fixture *f = make(state);
	struct ponto_addr a = discovery_addr("[2001:db8::a]:1000"), b = discovery_addr("[2001:db8::b]:1000");
	struct discovery_watcher w;

	discovery_open(f, &global, &w);
	ponto_discovery_remember(f->discovery, w.handle, &a);
	discovery_settle(f);
	ponto_discovery_remember(f->discovery, w.handle, &b);
	for (int round = 0; round < 2; round++) {
		discovery_search(&w, PONTO_SOURCE_REMEMBERED);
		assert_int_equal(w.count, 2);
		assert_true(ponto_addr_equal(&w.seen[0], &b));
		assert_true(ponto_addr_equal(&w.seen[1], &a));
		assert_int_equal(w.from[0], PONTO_SOURCE_REMEMBERED);
		discovery_settle(f);
		discovery_close(&w);
		discovery_settle(f);
		discovery_open(f, &global, &w);
	}
	discovery_close(&w);
	other.topic = "test/other"; /* another topic remembers its own */
	discovery_open(f, &other, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_int_equal(w.count, 0);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static const struct CMUnitTest suite[] = {
	cmocka_unit_test(descriptor),
	cmocka_unit_test(every_source_is_done_once),
	cmocka_unit_test(sources_it_lacks_find_nothing),
	cmocka_unit_test(a_source_is_not_searched_twice_at_once),
	cmocka_unit_test(searching_again_inside_done),
	cmocka_unit_test(closing_ends_callbacks),
	cmocka_unit_test(handles_do_not_disturb_each_other),
	cmocka_unit_test(publishing_is_harmless),
	cmocka_unit_test(neighbours_find_what_is_published),
	cmocka_unit_test(remembered_addresses_come_back),
};

bool discovery_suite_applies(const struct discovery_subject *subject, size_t index)
{
	const struct ponto_discovery_ops *ops = (const struct ponto_discovery_ops *)subject->plugin->vtable;

	if (suite[index].test_func == neighbours_find_what_is_published)
		return subject->sim && (ops->sources & PONTO_SOURCE_MULTICAST);
	if (suite[index].test_func == remembered_addresses_come_back)
		return ops->sources & PONTO_SOURCE_REMEMBERED;
	return true;
}

const size_t discovery_suite_count = PONTO_ARRAY_SIZE(suite);

static void not_applicable(void **state)
{
	(void)state;
	skip();
}

void discovery_suite_cases(const struct discovery_subject *subject, const char *name, struct CMUnitTest *out)
{
	static char names[16][PONTO_ARRAY_SIZE(suite)][96];
	static size_t subjects;
	size_t mine = subjects++ % 16;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(suite); i++) {
		snprintf(names[mine][i], sizeof(names[mine][i]), "%s: %s", name, suite[i].name);
		out[i] = suite[i];
		out[i].name = names[mine][i];
		if (!discovery_suite_applies(subject, i))
			out[i].test_func = not_applicable;
		out[i].initial_state = (void *)(uintptr_t)subject;
	}
}
