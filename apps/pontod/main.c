/* pontod: arguments in, exit status out. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/pontod/pontod.h"
#include "config.h"

static const char usage[] =
	"usage: pontod [-c FILE] [--check] [--hello] [--version] [--help]\n"
	"\n"
	"  -c, --config FILE  the configuration (default: " PONTO_SYSCONF_DIR "/ponto/ponto.conf\n"
	"                     if it exists, else the built-in defaults)\n"
	"      --check        check the configuration and end\n"
	"      --hello        print where the node is and what to try\n"
	"      --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"SIGTERM and SIGINT end it, SIGHUP reads the configuration again.\n";

static int fail(const char *reason)
{
	fprintf(stderr, "pontod: %s\n", reason);
	return 1;
}

static int wrong(void)
{
	fputs("try 'pontod --help'\n", stderr);
	return 2;
}

/* What could not be written was not said. */
static int said(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : fail("cannot write to standard output");
}

static int run(struct daemon *d, bool check)
{
	char reason[PONTOD_REASON] = "";
	int status = 0;
	int result = daemon_load(d, reason);

	if (result == PONTO_OK && check) {
		printf("%s: good\n", d->conf_path ? d->conf_path : "built-in defaults");
		status = said();
	} else if (result == PONTO_OK) {
		result = daemon_start(d, reason);
		if (result == PONTO_OK)
			result = daemon_run(d, reason);
	}
	if (result)
		status = fail(reason[0] ? reason : ponto_strerror(result));
	if (daemon_end(d) != PONTO_OK) { /* its threads still use what would be freed now */
		fflush(NULL);
		_exit(1);
	}
	return status;
}

/* Blocks of all sizes are taken by one thread and given back by another. The C library would have eight arenas for each
 * core, each of which keeps what was free in it at the worst, and would learn to keep ever larger ones. */
static void share_one_arena(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, 256 * 1024); /* a block and its frame are less, and stay cheap */
	(void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

int main(int argc, char **argv)
{
	static const char system_conf[] = PONTO_SYSCONF_DIR "/ponto/ponto.conf";
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
		{"hello", no_argument, NULL, 'e'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	struct daemon d = {.state_lock = -1, .signals = -1};
	bool check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			d.conf_path = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'e':
			d.hello_wanted = true;
			break;
		case 'v':
			puts("pontod " PACKAGE_VERSION);
			return said();
		case 'h':
			fputs(usage, stdout);
			return said();
		default:
			return wrong();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "pontod: unexpected argument '%s'\n", argv[optind]);
		return wrong();
	}
	if (!d.conf_path && access(system_conf, F_OK) == 0)
		d.conf_path = system_conf;
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	share_one_arena();
	return run(&d, check);
}
