/* The keys of remote administration: this user's own, and those of the daemons known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/ponto/cli.h"

#define KEY_FILE "client.key"
#define KNOWN_FILE "known_servers"

bool cli_own_file(const char *name, bool make, char out[CLI_PATH])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char dir[CLI_PATH - 32];
	int len;

	if (config && config[0] == '/')
		len = snprintf(dir, sizeof(dir), "%s", config);
	else if (home && home[0] == '/')
		len = snprintf(dir, sizeof(dir), "%s/.config", home);
	else
		return false;
	if (len >= (int)sizeof(dir) - 8)
		return false;
	if (make)
		(void)mkdir(dir, 0700);
	strcat(dir, "/ponto");
	if (make)
		(void)mkdir(dir, 0700); /* what fails is told when the file is written */
	snprintf(out, CLI_PATH, "%s/%s", dir, name);
	return true;
}

/* A line "ENDPOINT KEY", or without endpoint a first line "KEY". */
static bool find_key(FILE *file, const char *endpoint, char key[PONTO_CURVE_KEY_SIZE])
{
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		char *save, *first = strtok_r(line, " \t\r\n", &save), *second = strtok_r(NULL, " \t\r\n", &save);
		const char *found = endpoint ? second : first;

		if (first && found && (!endpoint || strcmp(first, endpoint) == 0) &&
		    strlen(found) == PONTO_CURVE_KEY_SIZE - 1) {
			strcpy(key, found);
			return true;
		}
		if (!endpoint)
			return false;
	}
	return false;
}

static int server_key(const struct cli *cli, const char *endpoint, char key[PONTO_CURVE_KEY_SIZE])
{
	char path[CLI_PATH];
	const char *from = cli->server_key_file ? cli->server_key_file : path;
	FILE *file;
	bool found;

	if (!cli->server_key_file && !cli_own_file(KNOWN_FILE, false, path))
		return cli_fail(CLI_USAGE, "no home for known servers: use --server-key FILE");
	file = fopen(from, "re");
	if (!file && cli->server_key_file)
		return cli_fail(CLI_USAGE, "%s: %s", from, strerror(errno));
	found = file && find_key(file, cli->server_key_file ? NULL : endpoint, key);
	if (file)
		fclose(file);
	if (found)
		return CLI_OK;
	if (cli->server_key_file)
		return cli_fail(CLI_USAGE, "%s: the first line holds no key, which has 40 characters", from);
	return cli_fail(CLI_USAGE, "the key of %s is not known: use --server-key FILE, or add a line '%s KEY' to %s",
			endpoint, endpoint, from);
}

int cli_remote_keys(const struct cli *cli, const char *endpoint, struct cli_remote *out)
{
	char reason[256], public_key[PONTO_CURVE_KEY_SIZE];

	if (cli->key_file)
		snprintf(out->key_file, sizeof(out->key_file), "%s", cli->key_file);
	else if (!cli_own_file(KEY_FILE, false, out->key_file))
		return cli_fail(CLI_USAGE, "no home for this user's key: use --key FILE");
	if (ponto_bus_key(out->key_file, false, reason, public_key) != PONTO_OK)
		return cli_fail(CLI_USAGE, "%s (ponto node key --make makes one)", reason);
	return server_key(cli, endpoint, out->server_key);
}

int cli_node_key(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"make", false, 'm'}, {NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	char own[CLI_PATH], reason[256], public_key[PONTO_CURVE_KEY_SIZE];
	const char *file = cli->key_file, *value;
	bool make = false;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 'm')
			make = true;
		else if (file)
			return cli_fail(CLI_USAGE, "one FILE only, not '%s' too", value);
		else
			file = value;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!file && !cli_own_file(KEY_FILE, make, own))
		return cli_fail(CLI_USAGE, "no home for this user's key: give a FILE");
	if (ponto_bus_key(file ? file : own, make, reason, public_key) != PONTO_OK)
		return cli_fail(CLI_NO, "%s", reason);
	if (cli->json)
		return cli_print_json(json_pack("{s:s, s:s}", "file", file ? file : own, "public_key", public_key));
	puts(public_key);
	return CLI_OK;
}
