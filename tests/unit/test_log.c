#include "framework/log.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- standard error, taken aside ------------------------------------------------------------ */

struct capture {
	int saved;
	FILE *file;
	char text[1 << 20];
};

static struct capture capture;

static void capture_start(void)
{
	capture.file = tmpfile();
	assert_non_null(capture.file);
	fflush(stderr);
	capture.saved = dup(STDERR_FILENO);
	assert_true(capture.saved >= 0 && dup2(fileno(capture.file), STDERR_FILENO) >= 0);
}

static const char *capture_end(void)
{
	size_t len;

	dup2(capture.saved, STDERR_FILENO);
	close(capture.saved);
	rewind(capture.file);
	len = fread(capture.text, 1, sizeof(capture.text) - 1, capture.file);
	capture.text[len] = '\0';
	fclose(capture.file);
	return capture.text;
}

static void the_journal_is_known_by_its_stream(void **state)
{
	char text[64];
	struct stat st;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fstat(fds[1], &st), 0);
	unsetenv("JOURNAL_STREAM");
	assert_false(ponto_log_journal_stream(fds[1]));
	setenv("JOURNAL_STREAM", "1:1", 1); /* inherited from a service, but standard error goes elsewhere */
	assert_false(ponto_log_journal_stream(fds[1]));
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	assert_true(ponto_log_journal_stream(fds[1]));
	assert_false(ponto_log_journal_stream(-1));
	unsetenv("JOURNAL_STREAM");
	close(fds[0]);
	close(fds[1]);
}

static struct ponto_test_clock tc;

static struct ponto_log *make(enum ponto_log_sink sink, const char *filter)
{
	struct ponto_log *log;

	ponto_test_clock_init(&tc);
	assert_ok(ponto_log_create(&ponto_alloc_system, &tc.clock, sink, filter, &log));
	return log;
}

/* ---- filters --------------------------------------------------------------------------------- */

static void filters(void **state)
{
	static const struct {
		const char *filter, *topic;
		int most; /* the most talkative level wanted */
	} cases[] = {
		{NULL, "a", PONTO_LOG_INFO},
		{"", "a", PONTO_LOG_INFO},
		{"error", "a", PONTO_LOG_ERROR},
		{"debug", "a", PONTO_LOG_DEBUG},
		{"warning,service.pnrp.*=debug", "service.pnrp.resolve", PONTO_LOG_DEBUG},
		{"warning,service.pnrp.*=debug", "service.pnrpx", PONTO_LOG_WARNING},
		{"service.pnrp.*=debug,warning", "service.pnrp.resolve", PONTO_LOG_DEBUG},
		{"service.pnrp.*=debug,warning", "other", PONTO_LOG_WARNING},
		{"a.*=debug,a.b=error", "a.b", PONTO_LOG_ERROR},
		{"a.b=error,a.*=debug", "a.b", PONTO_LOG_DEBUG},
		{"a.*=debug", "b", PONTO_LOG_INFO},
		{"error,debug", "b", PONTO_LOG_DEBUG},
		{" error , a.? = debug ", "a.b", PONTO_LOG_DEBUG},
		{" error , a.? = debug ", "a.bc", PONTO_LOG_ERROR},
		{"a.[bc]=warning", "a.c", PONTO_LOG_WARNING},
		{"*=error", "anything.at.all", PONTO_LOG_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct ponto_log *log = make(PONTO_LOG_NONE, cases[i].filter);

		for (int level = PONTO_LOG_ERROR; level <= PONTO_LOG_DEBUG; level++)
			assert_int_equal(ponto_log_wants(log, (enum ponto_log_level)level, cases[i].topic),
					 level <= cases[i].most);
		ponto_log_destroy(log);
	}
	assert_false(ponto_log_wants(NULL, PONTO_LOG_ERROR, "a"));
}

static void bad_filters_are_refused_and_change_nothing(void **state)
{
	static const char *const bad[] = {"loud", "INFO", "a", "a=", "=info", "a=loud", "info,", ",info", "info,,debug",
					  "a b=info", "a=b=info", " ", "a=info debug"};
	struct ponto_log *log = make(PONTO_LOG_NONE, "error,x=debug"), *none = NULL;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(ponto_log_set_filter(log, bad[i]), PONTO_EINVAL);
		assert_true(ponto_log_wants(log, PONTO_LOG_DEBUG, "x"));
		assert_false(ponto_log_wants(log, PONTO_LOG_WARNING, "y"));
		assert_int_equal(ponto_log_create(&ponto_alloc_system, &tc.clock, PONTO_LOG_NONE, bad[i], &none), PONTO_EINVAL);
		assert_null(none);
	}
	assert_ok(ponto_log_set_filter(log, "x=error"));
	assert_false(ponto_log_wants(log, PONTO_LOG_DEBUG, "x"));
	ponto_log_destroy(log);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void text_lines(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_TEXT, "info"), *view;

	(void)state;
	assert_ok(ponto_log_for(log, "pnrp", &view));
	capture_start();
	ponto_info(log, "daemon.start", "node %s", "alice");
	tc.wall += 1234567;
	ponto_error(view, "service.pnrp", "%d%%", 5);
	ponto_debug(log, "daemon.start", "not wanted");
	ponto_error(NULL, "daemon.start", "no log");
	assert_string_equal(capture_end(), "2026-01-01T00:00:00.000000Z info daemon.start: node alice\n"
					   "2026-01-01T00:00:01.234567Z error service.pnrp [pnrp]: 5%\n");
	assert_int_equal(ponto_log_lost(log), 0);
	ponto_log_destroy(view);
	ponto_log_destroy(log);
	ponto_log_destroy(NULL);
}

static void json_lines(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_JSON, "info"), *view;
	json_t *line;

	(void)state;
	assert_ok(ponto_log_for(log, "a\"b", &view));
	capture_start();
	ponto_warning(view, "service.pnrp", "say \"%s\" \\ \x01\xff", "h\xc3\xa9");
	line = json_loads(capture_end(), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	assert_int_equal(json_object_size(line), 5);
	assert_string_equal(json_string_value(json_object_get(line, "time")), "2026-01-01T00:00:00.000000Z");
	assert_string_equal(json_string_value(json_object_get(line, "level")), "warning");
	assert_string_equal(json_string_value(json_object_get(line, "topic")), "service.pnrp");
	assert_string_equal(json_string_value(json_object_get(line, "instance")), "a\"b");
	assert_string_equal(json_string_value(json_object_get(line, "message")), "say \"h\xc3\xa9\" \\ \\x01\\xff");
	assert_int_equal(strchr(capture.text, '\n') - capture.text + 1, strlen(capture.text));
	json_decref(line);
	ponto_log_destroy(view);
	ponto_log_destroy(log);
}

/* ---- escaping ----------------------------------------------------------------------------------- */

static char tapped[PONTO_LOG_MESSAGE_SIZE + 64];
static unsigned taps;

static void remember(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	(void)level;
	(void)topic;
	assert_ptr_equal(ctx, &taps);
	assert_true(strlen(message) < PONTO_LOG_MESSAGE_SIZE);
	strcpy(tapped, message);
	taps++;
}

static void what_is_not_printable_is_escaped(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x89", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x89"},
		{"a\nb\r\t\x1b[31m\x7f", "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f"},
		{"\x80\xff", "\\x80\\xff"},
		{"\xc0\xaf", "\\xc0\\xaf"},			/* over-long */
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},		/* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},	/* beyond U+10FFFF */
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
		{"\xe2\x82", "\\xe2\\x82"},			/* ends early */
		{"\xc2\x85", "\\xc2\\x85"},			/* next line */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},		/* line separator */
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},		/* right-to-left override */
		{"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},		/* byte order mark */
		{"\xef\xbf\xbf", "\\xef\\xbf\\xbf"},		/* no character */
	};
	struct ponto_log *log = make(PONTO_LOG_NONE, "info");

	(void)state;
	ponto_log_tap(log, remember, &taps);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		ponto_info(log, "t", "%s", cases[i][0]);
		assert_string_equal(tapped, cases[i][1]);
	}
	ponto_log_tap(log, NULL, NULL);
	taps = 0;
	ponto_info(log, "t", "gone");
	assert_int_equal(taps, 0);
	ponto_log_destroy(log);
}

/* Whatever comes in: one line, JSON that reads back, at most what a pipe takes in one piece. */
static void random_bytes_never_break_a_line(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_JSON, "info"), *view;
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 5);
	ponto_log_tap(log, remember, &taps);
	for (int n = 0; n < 2000; n++) {
		char text[2 * PONTO_LOG_MESSAGE_SIZE], topic[200];
		size_t len = ponto_random_below(&tr.random, n % 2 ? 40 : sizeof(text));
		json_t *line;

		tr.random.fill(tr.random.ctx, (uint8_t *)text, len);
		for (size_t i = 0; i < len; i++)
			text[i] = text[i] ? text[i] : n % 3 ? '"' : '\xc3';
		if (n % 4 == 0)
			memset(text, n % 8 ? '"' : '\xe2', len);
		text[len] = '\0';
		snprintf(topic, sizeof(topic), "%.150s", text);
		assert_ok(ponto_log_for(log, topic, &view));
		capture_start();
		ponto_info(view, topic, "%s", text);
		capture_end();
		assert_true(strlen(capture.text) < PIPE_BUF);
		assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
		line = json_loads(capture.text, 0, NULL);
		assert_non_null(line);
		assert_string_equal(json_string_value(json_object_get(line, "message")), tapped);
		json_decref(line);
		ponto_log_destroy(view);
	}
	ponto_log_destroy(log);
}

static void long_messages_end_in_an_ellipsis(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_NONE, "info");
	char text[PONTO_LOG_MESSAGE_SIZE + 10];

	(void)state;
	ponto_log_tap(log, remember, &taps);
	for (size_t len = PONTO_LOG_MESSAGE_SIZE - 8; len < sizeof(text); len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		ponto_info(log, "t", "%s", text);
		if (len < PONTO_LOG_MESSAGE_SIZE)
			assert_string_equal(tapped, text);
		else
			assert_string_equal(tapped + strlen(tapped) - 4, "x\xe2\x80\xa6");
	}
	ponto_log_destroy(log);
}

/* ---- faults of peers ------------------------------------------------------------------------------- */

static void peer_faults_are_counted_and_rationed(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_NONE, "info");
	struct ponto_addr peer;

	(void)state;
	assert_ok(ponto_addr_parse("[2001:db8::1]:3540", 0, &peer));
	ponto_log_tap(log, remember, &taps);
	taps = 0;
	ponto_peer_fault(log, "a", &peer, "bad %s", "length");
	assert_string_equal(tapped, "[2001:db8::1]:3540: bad length");
	for (int i = 0; i < 7; i++)
		ponto_peer_fault(log, "a", &peer, "bad");
	assert_int_equal(taps, 1);
	ponto_peer_fault(log, "b", NULL, "other topic");
	assert_string_equal(tapped, "other topic");
	tc.mono += 10 * PONTO_SECOND - 1;
	ponto_peer_fault(log, "a", &peer, "bad");
	assert_int_equal(taps, 2);
	tc.mono += 1;
	ponto_peer_fault(log, "a", NULL, "bad");
	assert_string_equal(tapped, "bad (8 more since the last such line)");
	tc.mono += 10 * PONTO_SECOND;
	ponto_peer_fault(log, "a", NULL, "bad");
	assert_string_equal(tapped, "bad");
	assert_int_equal(ponto_log_peer_faults(log), 12);
	assert_ok(ponto_log_set_filter(log, "warning"));
	tc.mono += 10 * PONTO_SECOND;
	taps = 0;
	ponto_peer_fault(log, "a", NULL, "bad");
	assert_int_equal(taps, 0);
	assert_int_equal(ponto_log_peer_faults(log), 13);
	ponto_peer_fault(NULL, "a", NULL, "bad");
	ponto_log_destroy(log);
}

static void the_count_survives_a_long_text(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_NONE, "info");
	char text[3000];

	(void)state;
	memset(text, 0xff, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ponto_log_tap(log, remember, &taps);
	ponto_peer_fault(log, "a", NULL, "%s", text);
	ponto_peer_fault(log, "a", NULL, "%s", text);
	tc.mono += 10 * PONTO_SECOND;
	ponto_peer_fault(log, "a", NULL, "%s", text);
	assert_non_null(strstr(tapped, "(1 more since the last such line)"));
	ponto_log_destroy(log);
}

static void many_topics_share_a_bounded_table(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_NONE, "info");
	char topic[32];

	(void)state;
	ponto_log_tap(log, remember, &taps);
	taps = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(topic, sizeof(topic), "topic.%d", i);
		ponto_peer_fault(log, topic, NULL, "bad");
	}
	assert_in_range(taps, 32, 128);
	assert_int_equal(ponto_log_peer_faults(log), 1000);
	ponto_log_destroy(log);
}

/* ---- sinks under stress ------------------------------------------------------------------------------ */

static void a_full_pipe_loses_lines_and_counts_them(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_TEXT, "info");
	char drain[1 << 16];
	int pipes[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	fflush(stderr);
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 5000; i++) /* returns at all: a blocking write would stay for good */
		ponto_info(log, "t", "line %d of many that nobody reads", i);
	assert_true(ponto_log_lost(log) > 0 && ponto_log_lost(log) < 5000);
	while (read(pipes[0], drain, sizeof(drain)) > 0)
		continue;
	ponto_info(log, "t", "after");
	dup2(saved, STDERR_FILENO);
	assert_true(read(pipes[0], drain, sizeof(drain)) > 0);
	assert_non_null(strstr(drain, "t: after\n"));
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	ponto_log_destroy(log);
}

static void logging_keeps_errno(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_TEXT, "info");
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	errno = ENOTTY;
	ponto_info(log, "t", "to a closed descriptor");
	assert_int_equal(errno, ENOTTY);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(ponto_log_lost(log), 1);
	ponto_log_destroy(log);
}

#define THREADS 8
#define LINES 200

static void *log_lines(void *arg)
{
	struct ponto_log *log = arg;

	for (int i = 0; i < LINES; i++) {
		ponto_info(log, "thread.one", "a line that must stay whole %d.", i);
		ponto_debug(log, "thread.two", "perhaps %d.", i);
		ponto_peer_fault(log, "thread.peer", NULL, "fault");
	}
	return NULL;
}

static void threads_write_whole_lines(void **state)
{
	struct ponto_log *log = make(PONTO_LOG_STDERR_TEXT, "info");
	pthread_t threads[THREADS];
	unsigned ones = 0;
	char *line, *rest;

	(void)state;
	capture_start();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_lines, log), 0);
	for (int i = 0; i < 100; i++)
		assert_ok(ponto_log_set_filter(log, i % 2 ? "info" : "info,thread.t*=debug"));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	capture_end();
	for (line = strtok_r(capture.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_int_equal(strncmp(line, "2026-01-01T00:00:00.000000Z ", 28), 0);
		if (strstr(line, "info thread.one: a line that must stay whole ") == line + 28)
			ones++;
		else
			assert_true(strstr(line, "debug thread.two: perhaps ") == line + 28 ||
				    strcmp(line + 28, "info thread.peer: fault") == 0);
	}
	assert_int_equal(ones, THREADS * LINES);
	assert_int_equal(ponto_log_lost(log), 0);
	assert_int_equal(ponto_log_peer_faults(log), THREADS * LINES);
	ponto_log_destroy(log);
}

/* ---- the journal ---------------------------------------------------------------------------------------- */

/* In a mount namespace of its own with an empty /run. False when that is not allowed here. */
static bool own_run(void)
{
	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", "/run", "tmpfs", 0, NULL) == 0;
}

/* The child of the next test: 0 when all holds, 77 when it cannot be tried. */
static int speak_to_a_journal(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
	struct ponto_log *log, *view;
	char field[4096];
	ssize_t len;
	int journal;

	if (!own_run())
		return 77;
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (mkdir("/run/systemd", 0755) || mkdir("/run/systemd/journal", 0755) ||
	    bind(journal, (struct sockaddr *)&at, sizeof(at)))
		return 2;
	ponto_test_clock_init(&tc);
	if (ponto_log_create(&ponto_alloc_system, &tc.clock, PONTO_LOG_JOURNALD, "info", &log) ||
	    ponto_log_for(log, "pnrp", &view))
		return 3;
	ponto_warning(view, "service.pnrp", "hello\njournal");
	len = recv(journal, field, sizeof(field) - 1, 0);
	if (len <= 0)
		return 4;
	field[len] = '\0';
	if (!strstr(field, "MESSAGE=hello\\x0ajournal\n") || !strstr(field, "PRIORITY=4\n") ||
	    !strstr(field, "PONTO_TOPIC=service.pnrp\n") || !strstr(field, "PONTO_INSTANCE=pnrp\n"))
		return 5;
	ponto_log_destroy(view);
	ponto_log_destroy(log);
	close(journal);
	return 0;
}

static int run_in_child(int (*run)(void))
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(run());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_journal_gets_fields(void **state)
{
	int result = run_in_child(speak_to_a_journal);

	(void)state;
	if (result == 77)
		skip();
	assert_int_equal(result, 0);
}

static int find_no_journal(void)
{
	struct ponto_log *log;

	if (!own_run())
		return 77;
	ponto_test_clock_init(&tc);
	capture_start();
	if (ponto_log_create(&ponto_alloc_system, &tc.clock, PONTO_LOG_JOURNALD, "info", &log))
		return 3;
	ponto_info(log, "t", "hello");
	ponto_log_destroy(log);
	return strcmp(capture_end(), "2026-01-01T00:00:00.000000Z info t: hello\n") == 0 ? 0 : 4;
}

static void without_a_journal_lines_are_text(void **state)
{
	int result = run_in_child(find_no_journal);

	(void)state;
	if (result == 77)
		skip();
	assert_int_equal(result, 0);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

static int build_up(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_log *log = NULL, *view = NULL;
	int result = ponto_log_create(alloc, arg, PONTO_LOG_NONE, "info,a=debug", &log);

	if (result == PONTO_OK)
		result = ponto_log_for(log, "x", &view);
	if (result == PONTO_OK)
		result = ponto_log_set_filter(log, "debug,b=info");
	if (log)
		assert_int_equal(ponto_log_wants(log, PONTO_LOG_DEBUG, "c"), result == PONTO_OK); /* old or new, not half */
	ponto_log_destroy(view);
	ponto_log_destroy(log);
	return result;
}

static void refused_memory_is_reported(void **state)
{
	(void)state;
	ponto_test_clock_init(&tc);
	ponto_test_oom(build_up, &tc.clock, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_journal_is_known_by_its_stream),
	cmocka_unit_test(filters),
	cmocka_unit_test(bad_filters_are_refused_and_change_nothing),
	cmocka_unit_test(text_lines),
	cmocka_unit_test(json_lines),
	cmocka_unit_test(what_is_not_printable_is_escaped),
	cmocka_unit_test(random_bytes_never_break_a_line),
	cmocka_unit_test(long_messages_end_in_an_ellipsis),
	cmocka_unit_test(peer_faults_are_counted_and_rationed),
	cmocka_unit_test(the_count_survives_a_long_text),
	cmocka_unit_test(many_topics_share_a_bounded_table),
	cmocka_unit_test(a_full_pipe_loses_lines_and_counts_them),
	cmocka_unit_test(logging_keeps_errno),
	cmocka_unit_test(threads_write_whole_lines),
	cmocka_unit_test(the_journal_gets_fields),
	cmocka_unit_test(without_a_journal_lines_are_text),
	cmocka_unit_test(refused_memory_is_reported),
};

PONTO_TEST_MAIN(tests)
