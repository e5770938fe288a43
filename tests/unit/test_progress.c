/* The bar of the command line, on a clock that is moved by hand. */
#include <stdio.h>

#include "apps/ponto/progress.h"
#include "tests/support/test.h"

#define GB UINT64_C(1000000000)

struct screen {
	struct ponto_test_clock clock;
	struct cli_progress progress;
	FILE *out;
	char *text;
	size_t len;
};

static void screen_open(struct screen *s)
{
	ponto_test_clock_init(&s->clock);
	s->out = open_memstream(&s->text, &s->len);
	assert_non_null(s->out);
	cli_progress_begin(&s->progress, s->out, &s->clock.clock);
}

static void screen_close(struct screen *s)
{
	fclose(s->out);
	free(s->text);
}

static void nothing_in_the_first_second(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s);
	for (unsigned i = 0; i < 100; i++) {
		cli_progress(&s.progress, i, 100);
		s.clock.mono += PONTO_SECOND / 100 - 1;
	}
	cli_progress_end(&s.progress);
	fflush(s.out);
	assert_int_equal(s.len, 0);
	screen_close(&s);
}

static void then_a_bar(void **state)
{
	struct screen s;
	size_t len;

	(void)state;
	screen_open(&s);
	s.clock.mono += 2 * PONTO_SECOND;
	cli_progress(&s.progress, GB, 4 * GB);
	fflush(s.out);
	assert_string_equal(s.text,
			    "\r[==========                              ]  25 %  1.0 of 4.0 GB  500 MB/s\033[K");
	/* No more than ten a second. */
	len = s.len;
	s.clock.mono += PONTO_SECOND / 11;
	cli_progress(&s.progress, 2 * GB, 4 * GB);
	fflush(s.out);
	assert_int_equal(s.len, len);
	s.clock.mono += PONTO_SECOND;
	cli_progress(&s.progress, 5 * GB, 4 * GB);
	fflush(s.out);
	assert_non_null(strstr(s.text + len, "[========================================] 100 %"));
	cli_progress_end(&s.progress);
	fflush(s.out);
	assert_string_equal(s.text + s.len - 4, "\r\033[K");
	screen_close(&s);
}

static void nowhere(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s);
	cli_progress_begin(&s.progress, NULL, &s.clock.clock);
	s.clock.mono += 2 * PONTO_SECOND;
	cli_progress(&s.progress, 1, 2);
	cli_progress_end(&s.progress);
	fflush(s.out);
	assert_int_equal(s.len, 0);
	screen_close(&s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_in_the_first_second),
	cmocka_unit_test(then_a_bar),
	cmocka_unit_test(nowhere),
};

PONTO_TEST_MAIN(tests)
