#include "framework/metrics.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

static struct ponto_metrics *make(void)
{
	struct ponto_metrics *metrics;

	assert_ok(ponto_metrics_create(&ponto_alloc_system, &metrics));
	return metrics;
}

static void values(void **state)
{
	struct ponto_metrics *metrics = make();
	struct ponto_counter *counter = ponto_counter(metrics, "lookups_total", "a", "Lookups");
	struct ponto_gauge *gauge = ponto_gauge(metrics, "cache_entries", "a", NULL);

	(void)state;
	assert_non_null(counter);
	assert_non_null(gauge);
	ponto_counter_add(counter, 2);
	ponto_counter_add(counter, 40);
	assert_int_equal(ponto_counter_value(counter), 42);
	ponto_gauge_set(gauge, -3);
	ponto_gauge_add(gauge, 1);
	ponto_gauge_add(gauge, -5);
	assert_int_equal(ponto_gauge_value(gauge), -7);
	assert_ptr_equal(ponto_counter(metrics, "lookups_total", "a", "other help"), counter);
	assert_ptr_not_equal(ponto_counter(metrics, "lookups_total", "b", NULL), counter);
	ponto_metrics_destroy(metrics);
	ponto_metrics_destroy(NULL);
}

static void null_handles_do_nothing(void **state)
{
	(void)state;
	assert_null(ponto_counter(NULL, "a", "", NULL));
	ponto_counter_add(NULL, 1);
	ponto_gauge_set(NULL, 1);
	ponto_gauge_add(NULL, 1);
	ponto_histogram_observe(NULL, 1);
	assert_int_equal(ponto_counter_value(NULL), 0);
	assert_int_equal(ponto_gauge_value(NULL), 0);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {"", "1a", "A", "a-b", "a b", "a.b", "\xc3\xa9", "a\n", "aB"};
	struct ponto_metrics *metrics = make();

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_null(ponto_counter(metrics, bad[i], "", NULL));
	assert_non_null(ponto_counter(metrics, "_a1_", "", NULL));
	assert_null(ponto_gauge(metrics, "_a1_", "", NULL));
	assert_null(ponto_histogram(metrics, "_a1_", "", NULL, NULL, 0));
	ponto_metrics_destroy(metrics);
}

static void bounds_are_checked(void **state)
{
	static const double same[] = {1, 1}, down[] = {2, 1}, infinite[] = {1, INFINITY}, none[] = {NAN};
	double many[33];
	struct ponto_metrics *metrics = make();

	(void)state;
	for (int i = 0; i < 33; i++)
		many[i] = i;
	assert_null(ponto_histogram(metrics, "h", "", NULL, same, 2));
	assert_null(ponto_histogram(metrics, "h", "", NULL, down, 2));
	assert_null(ponto_histogram(metrics, "h", "", NULL, infinite, 2));
	assert_null(ponto_histogram(metrics, "h", "", NULL, none, 1));
	assert_null(ponto_histogram(metrics, "h", "", NULL, many, 33));
	assert_non_null(ponto_histogram(metrics, "h", "", NULL, many, 32));
	assert_non_null(ponto_histogram(metrics, "none", "", NULL, NULL, 0));
	ponto_metrics_destroy(metrics);
}

/* One of each, with all that needs escaping. */
static struct ponto_metrics *sample(void)
{
	static const double bounds[] = {0.1, 2.5, 1e6};
	struct ponto_metrics *metrics = make();
	struct ponto_histogram *histogram = ponto_histogram(metrics, "wait_seconds", "pnrp", "Waiting", bounds, 3);

	ponto_counter_add(ponto_counter(metrics, "b_total", "pnrp", "Lines\nand \\ and \"quotes\""), 7);
	ponto_counter_add(ponto_counter(metrics, "b_total", "drt \"x\\\n", NULL), UINT64_MAX);
	ponto_gauge_set(ponto_gauge(metrics, "a_now", "", ""), INT64_MIN);
	ponto_histogram_observe(histogram, 0.1); /* a limit belongs to its bucket */
	ponto_histogram_observe(histogram, 0.2);
	ponto_histogram_observe(histogram, 2e6);
	ponto_histogram_observe(histogram, NAN);
	ponto_histogram_observe(histogram, INFINITY);
	return metrics;
}

static const char expected[] =
	"# TYPE ponto_a_now gauge\n"
	"ponto_a_now -9223372036854775808\n"
	"# HELP ponto_b_total Lines\\nand \\\\ and \"quotes\"\n"
	"# TYPE ponto_b_total counter\n"
	"ponto_b_total{instance=\"drt \\\"x\\\\\\n\"} 18446744073709551615\n"
	"ponto_b_total{instance=\"pnrp\"} 7\n"
	"# HELP ponto_wait_seconds Waiting\n"
	"# TYPE ponto_wait_seconds histogram\n"
	"ponto_wait_seconds_bucket{instance=\"pnrp\",le=\"0.1\"} 1\n"
	"ponto_wait_seconds_bucket{instance=\"pnrp\",le=\"2.5\"} 2\n"
	"ponto_wait_seconds_bucket{instance=\"pnrp\",le=\"1000000\"} 2\n"
	"ponto_wait_seconds_bucket{instance=\"pnrp\",le=\"+Inf\"} 3\n"
	"ponto_wait_seconds_sum{instance=\"pnrp\"} 2000000.3\n"
	"ponto_wait_seconds_count{instance=\"pnrp\"} 3\n";

static void prometheus_text(void **state)
{
	struct ponto_metrics *metrics = sample(), *empty = make();
	char *text;

	(void)state;
	assert_ok(ponto_metrics_prometheus(metrics, &text));
	assert_string_equal(text, expected);
	ponto_free(&ponto_alloc_system, text);
	assert_ok(ponto_metrics_prometheus(empty, &text));
	assert_string_equal(text, "");
	ponto_free(&ponto_alloc_system, text);
	ponto_metrics_destroy(empty);
	ponto_metrics_destroy(metrics);
}

static void json_text(void **state)
{
	struct ponto_metrics *metrics = sample(), *empty = make();
	json_t *all, *wait;
	char *text;

	(void)state;
	assert_ok(ponto_metrics_json(metrics, &text));
	all = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	assert_non_null(all);
	assert_true(json_real_value(json_object_get(json_object_get(all, "b_total"), "pnrp")) == 7);
	assert_true(json_real_value(json_object_get(json_object_get(all, "b_total"), "drt \"x\\\n")) == 0x1p64);
	assert_true(json_real_value(json_object_get(json_object_get(all, "a_now"), "")) == -0x1p63);
	wait = json_object_get(json_object_get(all, "wait_seconds"), "pnrp");
	assert_true(json_real_value(json_object_get(wait, "count")) == 3);
	assert_true(json_real_value(json_object_get(wait, "sum")) == 2000000.3);
	wait = json_object_get(wait, "buckets");
	assert_int_equal(json_object_size(wait), 4);
	assert_true(json_real_value(json_object_get(wait, "0.1")) == 1);
	assert_true(json_real_value(json_object_get(wait, "+Inf")) == 3);
	json_decref(all);
	ponto_free(&ponto_alloc_system, text);
	assert_ok(ponto_metrics_json(empty, &text));
	assert_string_equal(text, "{}");
	ponto_free(&ponto_alloc_system, text);
	ponto_metrics_destroy(empty);
	ponto_metrics_destroy(metrics);
}

/* Makes a locale with a decimal comma where the system's locale sources are installed. */
static void a_decimal_comma_does_not_get_in(void **state)
{
	struct ponto_metrics *metrics;
	char command[4096], *dir = ponto_test_mkdir(), *text;
	bool made;

	(void)state;
	snprintf(command, sizeof(command), "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", dir);
	setenv("LOCPATH", dir, 1);
	made = system(command) == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
	if (made) {
		snprintf(command, sizeof(command), "%.1f", 0.5);
		assert_string_equal(command, "0,5");
		metrics = sample();
		assert_ok(ponto_metrics_prometheus(metrics, &text));
		assert_string_equal(text, expected);
		ponto_free(&ponto_alloc_system, text);
		ponto_metrics_destroy(metrics);
		setlocale(LC_ALL, "C");
	}
	unsetenv("LOCPATH");
	ponto_test_rmdir(dir);
	if (!made)
		skip();
}

/* ---- threads --------------------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS 2000

static void *update(void *arg)
{
	static const double bounds[] = {1, 2};
	struct ponto_metrics *metrics = arg;

	for (int i = 0; i < ROUNDS; i++) {
		ponto_counter_add(ponto_counter(metrics, "c_total", "x", NULL), 1);
		ponto_gauge_add(ponto_gauge(metrics, "g", "x", NULL), i % 2 ? 1 : -1);
		ponto_histogram_observe(ponto_histogram(metrics, "h", "x", NULL, bounds, 2), i % 4);
	}
	return NULL;
}

static void threads_lose_nothing(void **state)
{
	struct ponto_metrics *metrics = make();
	pthread_t threads[THREADS];
	char *text;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, update, metrics), 0);
	for (int i = 0; i < 50; i++) {
		assert_ok(ponto_metrics_json(metrics, &text));
		ponto_free(&ponto_alloc_system, text);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_ok(ponto_metrics_json(metrics, &text));
	assert_string_equal(text, "{\"c_total\":{\"x\":16000},\"g\":{\"x\":0},\"h\":{\"x\":{\"count\":16000,\"sum\":24000,"
				  "\"buckets\":{\"1\":8000,\"2\":12000,\"+Inf\":16000}}}}");
	ponto_free(&ponto_alloc_system, text);
	ponto_metrics_destroy(metrics);
}

/* ---- memory ------------------------------------------------------------------------------------ */

static int build_up(const struct ponto_alloc *alloc, void *arg)
{
	static const double bounds[] = {1};
	struct ponto_metrics *metrics;
	char *text = NULL, *json = NULL;
	bool complete;
	int result;

	(void)arg;
	if (ponto_metrics_create(alloc, &metrics) != PONTO_OK)
		return PONTO_ENOMEM;
	complete = ponto_counter(metrics, "c", "x", "help") && ponto_counter(metrics, "c", "y", "help") &&
		   ponto_gauge(metrics, "g", "x", NULL) && ponto_histogram(metrics, "h", "x", NULL, bounds, 1);
	for (int i = 0; complete && i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		complete = ponto_counter(metrics, name, "x", "some help that makes the text grow") != NULL;
	}
	result = ponto_metrics_prometheus(metrics, &text);
	if (result == PONTO_OK)
		result = ponto_metrics_json(metrics, &json);
	ponto_free(alloc, text);
	ponto_free(alloc, json);
	ponto_metrics_destroy(metrics);
	return complete ? result : PONTO_ENOMEM;
}

static void refused_memory_is_reported(void **state)
{
	(void)state;
	ponto_test_oom(build_up, NULL, false);
}

/* A node has hundred metrics: names end to end, no block for each. */
static void metrics_of_an_instance_lie_together(void **state)
{
	struct ponto_test_alloc ta;
	struct ponto_metrics *metrics;
	char name[600] = "a_long_name_";

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(ponto_metrics_create(&ta.alloc, &metrics));
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "metric_%u_total", i);
		assert_non_null(ponto_counter(metrics, name, "pnrp", "Help"));
	}
	assert_in_range(ta.live, 2, 8);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 5; i++) { /* more than what is left of any block, and another instance */
		name[0] = (char)('a' + i);
		ponto_counter_add(ponto_counter(metrics, name, name, NULL), i);
		assert_int_equal(ponto_counter_value(ponto_counter(metrics, name, name, NULL)), i);
	}
	ponto_metrics_destroy(metrics);
	assert_int_equal(ta.live, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(values),
	cmocka_unit_test(null_handles_do_nothing),
	cmocka_unit_test(names_are_checked),
	cmocka_unit_test(bounds_are_checked),
	cmocka_unit_test(prometheus_text),
	cmocka_unit_test(json_text),
	cmocka_unit_test(a_decimal_comma_does_not_get_in),
	cmocka_unit_test(threads_lose_nothing),
	cmocka_unit_test(refused_memory_is_reported),
	cmocka_unit_test(metrics_of_an_instance_lie_together),
};

PONTO_TEST_MAIN(tests)
