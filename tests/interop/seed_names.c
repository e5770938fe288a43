/* Run by seed_names.sh, in a namespace where /etc/hosts is the test's own: names of discovery-seed.
 *
 * seed_names HOSTS: HOSTS is the file, which the test rewrites.
 * seed_names silent: where 127.0.0.1 is the only name server, and this program, which holds its port, says nothing. */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin;

#define SEED (&discovery_seed_LTX_ponto_plugin)

static const char *hosts;

static const struct ponto_discovery_want global = {
	.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .port = 3540, .family = PONTO_FAMILY_IPV6};

static void write_hosts(const char *text)
{
	FILE *file = fopen(hosts, "w"); /* the same inode: it is bind-mounted */

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool saw(const struct discovery_watcher *w, const char *text)
{
	struct ponto_addr addr = discovery_addr(text);

	for (size_t i = 0; i < w->count; i++)
		if (ponto_addr_equal(&w->seen[i], &addr))
			return true;
	return false;
}

static void names_give_their_addresses(void **state)
{
	const char *const settings[] = {"peers=two.test,two.test:99,2001:db8::9,four.test,one.test", "store=", NULL};
	struct ponto_discovery_want want = global;
	struct discovery_fixture *f;
	struct discovery_watcher w;

	(void)state;
	write_hosts("2001:db8::1 two.test\n2001:db8::2 two.test\n192.0.2.4 four.test one.test\n2001:db8::1 one.test\n"
		    "fe80::1 one.test\n");
	f = discovery_fixture_new(SEED, settings, false);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	PONTO_PROVES("PNRP-297", "PNRP-298");
	assert_true(saw(&w, "[2001:db8::9]:3540"));
	assert_true(saw(&w, "[2001:db8::1]:3540") && saw(&w, "[2001:db8::2]:3540"));
	assert_true(saw(&w, "[2001:db8::1]:99") && saw(&w, "[2001:db8::2]:99"));
	assert_int_equal(w.count, 5); /* one.test's is two.test's, given once */
	discovery_close(&w);
	want.family = PONTO_FAMILY_IPV4;
	discovery_open(f, &want, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_true(saw(&w, "192.0.2.4:3540"));
	assert_int_equal(w.count, 1);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void assert_order(const struct discovery_watcher *w, const char *const *texts)
{
	char text[PONTO_ADDR_TEXT];
	size_t n = 0;

	for (; texts[n]; n++) {
		assert_true(n < w->count);
		assert_string_equal(ponto_addr_format(&w->seen[n], text), texts[n]);
	}
	assert_int_equal(w->count, n);
}

/* The script gave this host 2001:db8:a::100/64 and a default route. */
static void all_seeds_together_are_in_order(void **state)
{
	const char *const settings[] = {"peers=fd00::1,2001:db8:b::7,far.test,near.test,2001:db8:a::5", "store=",
					"refresh=0", NULL};
	static const char *const order[] = {"[2001:db8:a::1]:3540", "[2001:db8:a::2]:3540", "[2001:db8:a::5]:3540",
					    "[2001:db8:b::7]:3540", "[2001:db8:b::1]:3540", "[fd00::1]:3540", NULL};
	static const char *const grown[] = {"[2001:db8:a::1]:3540", "[2001:db8:a::2]:3540", "[2001:db8:a::3]:3540",
					    "[2001:db8:a::5]:3540", "[2001:db8:b::7]:3540", "[2001:db8:b::1]:3540",
					    "[fd00::1]:3540", NULL};
	struct discovery_fixture *f;
	struct discovery_watcher w;

	(void)state;
	PONTO_PROVES("PNRP-299");
	write_hosts("2001:db8:b::1 far.test\n2001:db8:a::1 near.test\n2001:db8:a::2 near.test\n");
	f = discovery_fixture_new(SEED, settings, false);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_order(&w, order);
	write_hosts("2001:db8:a::2 near.test\n2001:db8:a::1 near.test\n2001:db8:b::1 far.test\n"); /* as servers do */
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_order(&w, order);
	write_hosts("2001:db8:a::3 near.test\n2001:db8:a::2 near.test\n2001:db8:a::1 near.test\n2001:db8:b::1 far.test\n");
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_order(&w, grown);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static unsigned lines_with(const struct discovery_fixture *f, const char *text)
{
	unsigned n = 0;

	for (const char *at = f->log_text; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void unresolved_names_are_asked_again(void **state)
{
	const char *const settings[] = {"peers=late.test,2001:db8::9", "store=", "refresh=0", NULL};
	struct discovery_fixture *f;
	struct discovery_watcher w;

	(void)state;
	write_hosts("2001:db8::1 other.test\n");
	f = discovery_fixture_new(SEED, settings, false);
	discovery_open(f, &global, &w);
	for (int i = 0; i < 3; i++) {
		discovery_search(&w, PONTO_SOURCE_SEED);
		assert_int_equal(w.count, 1);
		assert_int_equal(lines_with(f, "late.test does not resolve"), 1); /* said once */
	}
	write_hosts("2001:db8::1 late.test\n");
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_int_equal(w.count, 2);
	assert_int_equal(lines_with(f, "late.test resolves to"), 1);
	write_hosts("2001:db8::1 other.test\n");
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_int_equal(w.count, 1);
	assert_int_equal(lines_with(f, "late.test does not resolve"), 2);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void fresh_addresses_are_not_asked_for_again(void **state)
{
	const char *const settings[] = {"peers=kept.test", "store=", "refresh=86400", NULL};
	struct discovery_fixture *f;
	struct discovery_watcher w;

	(void)state;
	write_hosts("2001:db8::1 kept.test\n");
	f = discovery_fixture_new(SEED, settings, false);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	write_hosts("2001:db8::2 kept.test\n");
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_int_equal(w.count, 1);
	assert_true(saw(&w, "[2001:db8::1]:3540"));
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void closing_waits_for_no_name(void **state)
{
	const char *const settings[] = {"peers=a.test,b.test,c.test,d.test,2001:db8::9", "store=", NULL};
	struct discovery_fixture *f;
	struct discovery_watcher w;

	(void)state;
	write_hosts("2001:db8::1 a.test b.test c.test d.test\n");
	f = discovery_fixture_new(SEED, settings, false);
	for (int i = 0; i < 200; i++) { /* at every moment of a search; the sanitizers watch */
		discovery_open(f, &global, &w);
		assert_ok(ponto_discovery_search(f->discovery, w.handle, PONTO_SOURCE_SEED));
		if (i % 4 == 1)
			nanosleep(&(struct timespec){.tv_nsec = i * 5000}, NULL);
		discovery_close(&w);
	}
	for (unsigned at = 1; at <= 2; at++) {
		discovery_open(f, &global, &w);
		w.close_at = at;
		discovery_search(&w, PONTO_SOURCE_SEED);
	}
	discovery_settle(f);
	assert_int_equal(w.late, 0);
	discovery_fixture_free(f);
}

static unsigned threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void a_silent_server_holds_nothing_up(void **state)
{
	const char *const settings[] = {"peers=seed.test", "store=", NULL};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(53)};
	int server = socket(AF_INET, SOCK_DGRAM, 0);
	struct discovery_fixture *f;
	struct discovery_watcher w;
	char query[512];
	unsigned before;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(server, (struct sockaddr *)&sin, sizeof(sin)), 0);
	f = discovery_fixture_new(SEED, settings, false);
	discovery_open(f, &global, &w);
	before = threads();
	assert_ok(ponto_discovery_search(f->discovery, w.handle, PONTO_SOURCE_SEED));
	assert_true(recv(server, query, sizeof(query), 0) > 0); /* the question is out, and nobody answers */
	discovery_close(&w);
	discovery_fixture_free(f);
	assert_true(threads() > before); /* all is gone but the thread that still asks */
	assert_int_equal(w.done_count, 0);
	close(server);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_give_their_addresses),
		cmocka_unit_test(all_seeds_together_are_in_order),
		cmocka_unit_test(unresolved_names_are_asked_again),
		cmocka_unit_test(fresh_addresses_are_not_asked_for_again),
		cmocka_unit_test(closing_waits_for_no_name),
	};

	const struct CMUnitTest silent[] = {cmocka_unit_test(a_silent_server_holds_nothing_up)};

	if (argc != 2)
		return 2;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (strcmp(argv[1], "silent") == 0)
		return cmocka_run_group_tests_name("silent name server", silent, NULL, NULL);
	hosts = argv[1];
	return cmocka_run_group_tests_name("seed names", tests, NULL, NULL);
}
