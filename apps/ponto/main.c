/* ponto: the command line of the node. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/ponto/cli.h"

static const struct cli_command *const groups[] = {
	cli_node_commands,     cli_cloud_commands,  cli_name_commands,
	cli_identity_commands, cli_content_commands, cli_teredo_commands,
	cli_plugin_commands,   cli_config_commands,
};

static void usage(FILE *out)
{
	fputs("usage: ponto [--connect ENDPOINT] [--key FILE] [--server-key FILE] [--service NAME] [--json] NOUN VERB [ARGUMENT...]\n\n", out);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(groups); i++) {
		for (const struct cli_command *c = groups[i]; c->noun; c++)
			fprintf(out, "  %s %s%s%s\n        %s\n", c->noun, c->verb, *c->arguments ? " " : "", c->arguments,
				c->summary);
	}
	fputs("\n  --connect ENDPOINT  the daemon's socket (default: $PONTO_ENDPOINT, else this user's daemon, else the system's)\n"
	      "  --key FILE          this user's secret key, for tcp:// (default: client.key in ~/.config/ponto)\n"
	      "  --server-key FILE   the daemon's public key, for tcp:// (default: its line in known_servers there)\n"
	      "  --service NAME      the service's instance (default: the cloud's, or \"dist\")\n"
	      "  --json              machine-readable output\n"
	      "  --version, --help\n"
	      "\nExit status: 0 success, 1 the answer is no, 2 usage, 3 no daemon.\n",
	      out);
}

static int noun_usage(const struct cli_command *group, const char *verb)
{
	if (verb)
		cli_fail(CLI_USAGE, "'%s' has no verb '%s'", group->noun, verb);
	else
		cli_fail(CLI_USAGE, "'%s' needs a verb", group->noun);
	for (const struct cli_command *c = group; c->noun; c++)
		fprintf(stderr, "  ponto %s %s%s%s\n", c->noun, c->verb, *c->arguments ? " " : "", c->arguments);
	return CLI_USAGE;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(groups); i++) {
		if (strcmp(groups[i]->noun, argv[0]) != 0)
			continue;
		if (argc < 2)
			return noun_usage(groups[i], NULL);
		for (const struct cli_command *c = groups[i]; c->noun; c++) {
			if (strcmp(c->verb, argv[1]) == 0)
				return c->run(cli, argc - 1, argv + 1);
		}
		return noun_usage(groups[i], argv[1]);
	}
	return cli_fail(CLI_USAGE, "unknown noun '%s' (try ponto --help)", argv[0]);
}

/* What could not be written was not said. */
static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(CLI_NO, "cannot write to standard output");
	return status;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"connect", true, 'c'}, {"service", true, 's'}, {"key", true, 'k'}, {"server-key", true, 'r'},
		{"json", false, 'j'},
		{"help", false, 'h'},	{"version", false, 'v'}, {NULL, false, 0},
	};
	struct cli cli = {0};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key, status;

	setlocale(LC_ALL, "");
	while ((key = cli_next_option(&scan, options, &value)) > 0) {
		switch (key) {
		case 'c':
			cli.endpoint = value;
			break;
		case 's':
			cli.service = value;
			break;
		case 'k':
			cli.key_file = value;
			break;
		case 'r':
			cli.server_key_file = value;
			break;
		case 'j':
			cli.json = true;
			break;
		case 'h':
			usage(stdout);
			return finish(CLI_OK);
		default:
			puts("ponto " PACKAGE_VERSION);
			return finish(CLI_OK);
		}
	}
	if (key == -2)
		return CLI_USAGE;
	if (key == -1) {
		usage(stderr);
		return CLI_USAGE;
	}
	/* --json is accepted behind the verb too: take it out of the rest. */
	argc -= scan.index - 1;
	argv += scan.index - 1;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			break;
		if (strcmp(argv[i], "--json") != 0)
			continue;
		cli.json = true;
		memmove(argv + i, argv + i + 1, (size_t)(argc - i) * sizeof(*argv));
		argc--;
		i--;
	}
	status = dispatch(&cli, argc, argv);
	ponto_client_destroy(cli.client);
	return finish(status);
}
