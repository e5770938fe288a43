#include "apps/ponto/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "framework/unpack.h"

int cli_fail(int status, const char *format, ...)
{
	va_list args;

	fputs("ponto: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* ---- calls ------------------------------------------------------------------ */

static int connect_client(struct cli *cli)
{
	struct ponto_client_setup setup = {.endpoint = cli->endpoint, .alloc = &ponto_alloc_system};
	char fallback[PONTO_ENDPOINT_SIZE];
	struct cli_remote remote;
	int result, status;

	if (cli->client)
		return CLI_OK;
	if (!cli->endpoint)
		setup.endpoint = ponto_bus_default_endpoint(fallback);
	if (strncmp(setup.endpoint, "tcp://", 6) == 0) {
		status = cli_remote_keys(cli, setup.endpoint, &remote);
		if (status != CLI_OK)
			return status;
		setup.curve_secret_file = remote.key_file;
		setup.curve_server_key = remote.server_key;
	}
	result = ponto_client_create(&setup, &cli->client);
	if (result == PONTO_EINVAL)
		return cli_fail(CLI_USAGE, "'%s' is not an endpoint", setup.endpoint);
	if (result != PONTO_OK)
		return cli_fail(CLI_UNREACHABLE, "%s", ponto_strerror(result));
	return CLI_OK;
}

static int no_answer(struct cli *cli, int result)
{
	char fallback[PONTO_ENDPOINT_SIZE];
	const char *endpoint = cli->endpoint ? cli->endpoint : ponto_bus_default_endpoint(fallback);

	if (result == PONTO_EUNREACH && strncmp(endpoint, "tcp://", 6) == 0)
		return cli_fail(CLI_UNREACHABLE, "no daemon at %s, or one with another key", endpoint);
	if (result == PONTO_EACCES && strncmp(endpoint, "tcp://", 6) == 0)
		return cli_fail(CLI_UNREACHABLE, "the daemon at %s does not admit this key", endpoint);
	if (result == PONTO_EUNREACH)
		return cli_fail(CLI_UNREACHABLE, "no daemon at %s (is pontod running?)", endpoint);
	if (result == PONTO_EACCES)
		return cli_fail(CLI_UNREACHABLE, "the daemon at %s does not admit this user", endpoint);
	if (result == PONTO_ETIME)
		return cli_fail(CLI_UNREACHABLE, "the daemon at %s does not answer", endpoint);
	if (result == PONTO_EINVAL) /* the one name a user gives */
		return cli_fail(CLI_USAGE, "'%s' is not the name of a service", cli->service);
	return cli_fail(CLI_UNREACHABLE, "%s: %s", endpoint, ponto_strerror(result));
}

int cli_try_call(struct cli *cli, const char *service, const char *method, const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, struct cli_refusal *refusal,
		 ProtobufCMessage **reply)
{
	struct ponto_reply answer = {0};
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = malloc(size ? size : 1);
	int status;
	int result;

	if (!packed)
		return cli_fail(CLI_NO, "out of memory");
	status = connect_client(cli);
	if (status != CLI_OK) {
		free(packed);
		return status;
	}
	protobuf_c_message_pack(request, packed);
	result = ponto_client_call(cli->client, service, method, ponto_bytes(packed, size), timeout_ms, &answer);
	ponto_wipe(packed, size);
	free(packed);
	if (result != PONTO_OK)
		return no_answer(cli, result);
	refusal->result = answer.result;
	if (answer.result != PONTO_OK) {
		cli_clean(answer.error, false);
		snprintf(refusal->text, sizeof(refusal->text), "%s",
			 answer.error[0] ? answer.error : ponto_strerror(answer.result));
	} else {
		result = ponto_unpack(&ponto_alloc_system, descriptor, ponto_bytes(answer.payload, answer.len), reply);
		status = result == PONTO_OK	  ? CLI_OK
			 : result == PONTO_ENOMEM ? cli_fail(CLI_NO, "out of memory")
						  : cli_fail(CLI_UNREACHABLE, "the daemon's answer cannot be read");
		if (result == PONTO_OK && !cli->json)
			cli_message_clean(*reply); /* JSON escapes by itself */
	}
	ponto_reply_clear(cli->client, &answer);
	return status;
}

int cli_call(struct cli *cli, const char *service, const char *method, const ProtobufCMessage *request,
	     const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, ProtobufCMessage **reply)
{
	struct cli_refusal refusal = {0};
	int status = cli_try_call(cli, service, method, request, descriptor, timeout_ms, &refusal, reply);

	return status == CLI_OK && refusal.result != PONTO_OK ? cli_fail(CLI_NO, "%s", refusal.text) : status;
}

/* ---- the command line ---------------------------------------------------------- */

int cli_next_option(struct cli_scan *scan, const struct cli_option *options, const char **value)
{
	const char *text, *equals;
	size_t len;

	if (scan->index >= scan->argc)
		return -1;
	text = scan->argv[scan->index++];
	if (!scan->plain_only && strcmp(text, "--") == 0) {
		scan->plain_only = true;
		return cli_next_option(scan, options, value);
	}
	if (scan->plain_only || text[0] != '-' || text[1] == '\0') {
		*value = text;
		return 0;
	}
	equals = strchr(text, '=');
	len = equals ? (size_t)(equals - text) : strlen(text);
	for (; options->name; options++) {
		const char *dashes = options->name[1] ? "--" : "-";
		size_t before = strlen(dashes);

		if (len != strlen(options->name) + before || strncmp(text, dashes, before) != 0 ||
		    strncmp(text + before, options->name, len - before) != 0)
			continue;
		if (!options->has_value) {
			if (!equals)
				return options->key;
			cli_fail(CLI_USAGE, "%s%s takes no value", dashes, options->name);
			return -2;
		}
		if (!equals && scan->index >= scan->argc) {
			cli_fail(CLI_USAGE, "%s%s needs a value", dashes, options->name);
			return -2;
		}
		*value = equals ? equals + 1 : scan->argv[scan->index++];
		return options->key;
	}
	cli_fail(CLI_USAGE, "unknown option '%s' (try ponto --help)", text);
	return -2;
}

bool cli_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < min || value > max) {
		cli_fail(CLI_USAGE, "%s must be a number from %llu to %llu, not '%s'", what, (unsigned long long)min,
			 (unsigned long long)max, text);
		return false;
	}
	*out = value;
	return true;
}

/* ---- files ----------------------------------------------------------------------- */

int cli_read_file(const char *path, size_t max, uint8_t **data, size_t *len)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	uint8_t *buffer;
	size_t used;
	int status = CLI_OK;

	if (!file)
		return cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
	buffer = malloc(max + 1);
	if (!buffer) {
		status = cli_fail(CLI_NO, "out of memory");
		goto out;
	}
	used = fread(buffer, 1, max + 1, file);
	if (ferror(file))
		status = cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
	else if (used > max)
		status = cli_fail(CLI_NO, "%s: larger than %zu bytes", path, max);
	if (status == CLI_OK) {
		*data = buffer;
		*len = used;
		buffer = NULL;
	}
out:
	free(buffer);
	if (file != stdin)
		fclose(file);
	return status;
}

int cli_write_file(const char *path, const uint8_t *data, size_t len)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return fwrite(data, 1, len, stdout) == len ? CLI_OK : cli_fail(CLI_NO, "cannot write");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
	if (write(fd, data, len) != (ssize_t)len || fsync(fd) != 0) {
		cli_fail(CLI_NO, "%s: %s", path, strerror(errno));
		close(fd);
		unlink(path);
		return CLI_NO;
	}
	close(fd);
	return CLI_OK;
}

void cli_print_time(const char *before, uint64_t microseconds)
{
	time_t seconds = (time_t)(microseconds / PONTO_SECOND);
	struct tm utc;
	char text[32];

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	printf("%s%s", before, text);
}
