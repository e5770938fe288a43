/* ponto identity: certificate chains, by which one identity lets another use its peer names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/ponto/cli.h"
#include "apps/ponto/cmd_identity.h"
#include "apps/pontod/identity.pb-c.h"
#include "framework/security.h"

#define ROLES_MAX 3
#define DAYS_MAX 3650

static void print_chain(const Ponto__Identity__V1__Chain *chain)
{
	printf("%s  %s to %s", chain->id, chain->root, chain->leaf);
	cli_print_time("  until ", chain->not_after_us);
	printf("  %u certificates\n", chain->certificates);
}

static void print_certificate(const Ponto__Identity__V1__Certificate *c)
{
	printf("  %s  %s\n", c->id, c->name);
	cli_print_time("    valid        ", c->not_before_us);
	cli_print_time(" to ", c->not_after_us);
	putchar('\n');
	for (size_t i = 0; i < c->n_role; i++)
		printf("%s%s%s", i ? ", " : "    role         ", c->role[i], i + 1 == c->n_role ? "\n" : "");
	for (size_t i = 0; i < c->n_classifier; i++)
		printf("    classifier   \"%s\"\n", c->classifier[i]);
	if (c->n_classifier == 0 && c->n_role)
		puts("    classifier   any");
}

static int show_one(struct cli *cli, const Ponto__Identity__V1__Chain *chain)
{
	if (cli->json)
		return cli_print_message(&chain->base);
	print_chain(chain);
	return CLI_OK;
}

/* ---- what verbs have in common ----------------------------------------------------------- */

struct arguments {
	const char *plain;
	const char *output;
};

static int parse(struct arguments *a, const char *what, int argc, char **argv)
{
	static const struct cli_option options[] = {{"output", true, 'o'}, {NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && a->plain)
			return cli_fail(CLI_USAGE, "one %s only, not '%s' too", what, value);
		if (key == 0)
			a->plain = value;
		else
			a->output = value;
	}
	if (key == -2)
		return CLI_USAGE;
	return a->plain ? CLI_OK : cli_fail(CLI_USAGE, "'%s' needs %s", argv[0], what);
}

/* The text to the file, or both as JSON. */
static int put_out(struct cli *cli, const char *output, ProtobufCMessage *reply, ProtobufCBinaryData data)
{
	if (cli->json && !output)
		return cli_print_message(reply);
	return cli_write_file(output ? output : "-", data.data, data.len);
}

/* ---- the public key ------------------------------------------------------------------------ */

int identity_key(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ShowRequest request = PONTO__IDENTITY__V1__SHOW_REQUEST__INIT;
	const Ponto__Identity__V1__Identity *identity;
	char hex[2 * PONTO_PUBLIC_KEY_MAX + 2];
	struct arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	status = cli_call(cli, "identity", "Show", &request.base, &ponto__identity__v1__show_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	identity = ((const Ponto__Identity__V1__ShowReply *)reply)->identity;
	if (identity->public_key.len > PONTO_PUBLIC_KEY_MAX) {
		status = cli_fail(CLI_NO, "the daemon sent a key that is none");
	} else {
		ponto_hex(ponto_bytes(identity->public_key.data, identity->public_key.len), hex);
		strcat(hex, "\n");
		status = cli_write_file(a.output ? a.output : "-", (const uint8_t *)hex, strlen(hex));
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

/* The key itself in hexadecimal, or a file ("-": standard input) that holds it. gives *key, from malloc */
static int read_key(const char *given, uint8_t **key, size_t *len)
{
	char text[2 * PONTO_PUBLIC_KEY_MAX + 1];
	uint8_t *data = NULL;
	size_t size = 0;
	int status = CLI_OK;

	if (strlen(given) == 2 * PONTO_RSA1024_KEY_SIZE && strspn(given, "0123456789abcdefABCDEF") == strlen(given)) {
		snprintf(text, sizeof(text), "%s", given);
	} else {
		status = cli_read_file(given, sizeof(text) - 1, &data, &size);
		if (status != CLI_OK)
			return status;
		snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
		text[strcspn(text, " \t\r\n")] = '\0';
		free(data);
	}
	*len = strlen(text) / 2;
	*key = malloc(*len + 1);
	if (!*key)
		return cli_fail(CLI_NO, "out of memory");
	if (*len > 0 && strlen(text) % 2 == 0 && ponto_unhex(text, *key, *len) == PONTO_OK)
		return CLI_OK;
	free(*key);
	return cli_fail(CLI_NO, "'%s' is no public key as 'ponto identity key' prints it", given);
}

/* ---- delegating ------------------------------------------------------------------------------ */

struct delegate_arguments {
	Ponto__Identity__V1__DelegateRequest request;
	char *classifier[PONTO_CHAIN_CLASSIFIERS], *role[ROLES_MAX];
	const char *to, *output;
};

static int take_delegate_option(struct delegate_arguments *a, int key, const char *value)
{
	Ponto__Identity__V1__DelegateRequest *r = &a->request;
	char *text = (char *)(uintptr_t)value;
	uint64_t days;

	switch (key) {
	case 't':
		a->to = value;
		return CLI_OK;
	case 'o':
		a->output = value;
		return CLI_OK;
	case 'n':
		r->name = text;
		return CLI_OK;
	case 'h':
		r->chain = text;
		return CLI_OK;
	case 'd':
		if (!cli_number("the number of days", value, 1, DAYS_MAX, &days))
			return CLI_USAGE;
		r->has_days = true;
		r->days = (uint32_t)days;
		return CLI_OK;
	case 'r':
		if (r->n_role == ROLES_MAX)
			return cli_fail(CLI_USAGE, "there are three roles");
		a->role[r->n_role++] = text;
		return CLI_OK;
	default:
		if (r->n_classifier == PONTO_CHAIN_CLASSIFIERS)
			return cli_fail(CLI_USAGE, "at most %d classifiers", PONTO_CHAIN_CLASSIFIERS);
		a->classifier[r->n_classifier++] = text;
		return CLI_OK;
	}
}

static int parse_delegate(struct delegate_arguments *a, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"to", true, 't'},   {"classifier", true, 'c'}, {"role", true, 'r'},   {"days", true, 'd'},
		{"name", true, 'n'}, {"chain", true, 'h'},	{"output", true, 'o'}, {NULL, false, 0},
	};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	a->request.classifier = a->classifier;
	a->request.role = a->role;
	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && a->request.id)
			return cli_fail(CLI_USAGE, "one ID only, not '%s' too", value);
		if (key == 0)
			a->request.id = (char *)(uintptr_t)value;
		else if (take_delegate_option(a, key, value) != CLI_OK)
			return CLI_USAGE;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!a->request.id || !a->to)
		return cli_fail(CLI_USAGE, "'delegate' needs %s",
				a->request.id ? "--to KEY: what 'ponto identity key' prints on the other side" : "an ID");
	return CLI_OK;
}

int identity_delegate(struct cli *cli, int argc, char **argv)
{
	struct delegate_arguments a = {.request = PONTO__IDENTITY__V1__DELEGATE_REQUEST__INIT};
	ProtobufCMessage *reply;
	int status = parse_delegate(&a, argc, argv);

	if (status == CLI_OK)
		status = read_key(a.to, &a.request.public_key.data, &a.request.public_key.len);
	if (status != CLI_OK)
		return status;
	status = cli_call(cli, "identity", "Delegate", &a.request.base,
			  &ponto__identity__v1__delegate_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	free(a.request.public_key.data);
	if (status != CLI_OK)
		return status;
	status = put_out(cli, a.output, reply, ((const Ponto__Identity__V1__DelegateReply *)reply)->data);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

/* ---- chains ---------------------------------------------------------------------------------------- */

int identity_chains(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChainListRequest request = PONTO__IDENTITY__V1__CHAIN_LIST_REQUEST__INIT;
	const Ponto__Identity__V1__ChainListReply *list;
	ProtobufCMessage *reply;
	int status;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'chains' takes no argument, not '%s'", argv[1]);
	status = cli_call(cli, "identity", "ChainList", &request.base,
			  &ponto__identity__v1__chain_list_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	list = (const Ponto__Identity__V1__ChainListReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; !cli->json && i < list->n_chain; i++)
		print_chain(list->chain[i]);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

int identity_chain_show(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChainShowRequest request = PONTO__IDENTITY__V1__CHAIN_SHOW_REQUEST__INIT;
	const Ponto__Identity__V1__ChainShowReply *shown;
	struct arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	status = cli_call(cli, "identity", "ChainShow", &request.base,
			  &ponto__identity__v1__chain_show_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	shown = (const Ponto__Identity__V1__ChainShowReply *)reply;
	if (cli->json) {
		status = cli_print_message(reply);
	} else {
		print_chain(shown->chain);
		for (size_t i = 0; i < shown->n_certificate; i++)
			print_certificate(shown->certificate[i]);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

int identity_chain_export(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChainExportRequest request = PONTO__IDENTITY__V1__CHAIN_EXPORT_REQUEST__INIT;
	struct arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	status = cli_call(cli, "identity", "ChainExport", &request.base,
			  &ponto__identity__v1__chain_export_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	status = put_out(cli, a.output, reply, ((const Ponto__Identity__V1__ChainExportReply *)reply)->data);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

int identity_chain_import(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChainImportRequest request = PONTO__IDENTITY__V1__CHAIN_IMPORT_REQUEST__INIT;
	struct arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "FILE", argc, argv);

	if (status == CLI_OK)
		status = cli_read_file(a.plain, PONTO_CHAIN_TEXT_MAX, &request.data.data, &request.data.len);
	if (status != CLI_OK)
		return status;
	status = cli_call(cli, "identity", "ChainImport", &request.base,
			  &ponto__identity__v1__chain_import_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	free(request.data.data);
	if (status != CLI_OK)
		return status;
	status = show_one(cli, ((const Ponto__Identity__V1__ChainImportReply *)reply)->chain);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

int identity_chain_delete(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChainDeleteRequest request = PONTO__IDENTITY__V1__CHAIN_DELETE_REQUEST__INIT;
	struct arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	status = cli_call(cli, "identity", "ChainDelete", &request.base,
			  &ponto__identity__v1__chain_delete_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}
