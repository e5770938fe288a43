/* ponto identity: keys that own names. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/ponto/cli.h"
#include "apps/ponto/cmd_identity.h"
#include "apps/pontod/identity.pb-c.h"
#include "framework/security.h"

/* Making a key, and deriving one from a password, cost work on purpose; a busy machine takes long for it. */
#define KEY_TIMEOUT_MS 60000
#define IMPORT_MAX 65536 /* bytes; XML is larger */

static void print_identity(const Ponto__Identity__V1__Identity *identity)
{
	time_t created = (time_t)(identity->created_us / PONTO_SECOND);
	struct tm utc;
	char text[32];

	gmtime_r(&created, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	printf("%s  %-7s  %s  %s%s%s%s\n", identity->id, identity->profile, text, identity->name,
	       identity->classifier && *identity->classifier ? "  ." : "",
	       identity->classifier ? identity->classifier : "", identity->is_default ? "  (default)" : "");
}

/* The identity that Create, Show and Import answer; NULL for what other methods do. */
static const Ponto__Identity__V1__Identity *one_of(const ProtobufCMessage *reply)
{
	if (reply->descriptor == &ponto__identity__v1__create_reply__descriptor)
		return ((const Ponto__Identity__V1__CreateReply *)reply)->identity;
	if (reply->descriptor == &ponto__identity__v1__show_reply__descriptor)
		return ((const Ponto__Identity__V1__ShowReply *)reply)->identity;
	if (reply->descriptor == &ponto__identity__v1__change_reply__descriptor)
		return ((const Ponto__Identity__V1__ChangeReply *)reply)->identity;
	if (reply->descriptor == &ponto__identity__v1__default_reply__descriptor)
		return ((const Ponto__Identity__V1__DefaultReply *)reply)->identity;
	if (reply->descriptor == &ponto__identity__v1__import_reply__descriptor)
		return ((const Ponto__Identity__V1__ImportReply *)reply)->identity;
	return NULL;
}

/* Options of every verb here; absent ones stay NULL. */
struct identity_arguments {
	const char *plain;
	const char *profile;
	const char *password_file;
	const char *output;
	const char *classifier;
	const char *name;
	const char *key;
	bool force, xml;
};

static int parse(struct identity_arguments *a, const char *what, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"profile", true, 'p'}, {"password-file", true, 'f'}, {"output", true, 'o'},
		{"force", false, 'x'},	{"xml", false, 'm'},	      {"classifier", true, 'c'},
		{"name", true, 'n'},	{"key", true, 'k'},	      {NULL, false, 0},
	};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && a->plain)
			return cli_fail(CLI_USAGE, "one %s only, not '%s' too", what, value);
		if (key == 0)
			a->plain = value;
		else if (key == 'p')
			a->profile = value;
		else if (key == 'f')
			a->password_file = value;
		else if (key == 'x')
			a->force = true;
		else if (key == 'm')
			a->xml = true;
		else if (key == 'c')
			a->classifier = value;
		else if (key == 'n')
			a->name = value;
		else if (key == 'k')
			a->key = value;
		else
			a->output = value;
	}
	if (key == -2)
		return CLI_USAGE;
	return a->plain ? CLI_OK : cli_fail(CLI_USAGE, "'%s' needs %s", argv[0], what);
}

/* Calls identity.METHOD and prints its answer. */
static int ask(struct cli *cli, const char *method, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *reply;
	int status = cli_call(cli, "identity", method, request, type, KEY_TIMEOUT_MS, &reply);

	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(one_of(reply) ? &one_of(reply)->base : reply);
	else if (one_of(reply))
		print_identity(one_of(reply));
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int identity_create(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__CreateRequest request = PONTO__IDENTITY__V1__CREATE_REQUEST__INIT;
	struct identity_arguments a = {0};
	int status = parse(&a, "NAME", argc, argv);

	if (status != CLI_OK)
		return status;
	if (a.profile && strcmp(a.profile, "windows") != 0 && strcmp(a.profile, "modern") != 0)
		return cli_fail(CLI_USAGE, "a profile is windows or modern, not '%s'", a.profile);
	request.name = (char *)(uintptr_t)a.plain;
	if (a.profile)
		request.profile = (char *)(uintptr_t)a.profile;
	request.classifier = (char *)(uintptr_t)a.classifier;
	if (a.key) {
		status = cli_read_file(a.key, PONTO_EXPORT_MAX, &request.key.data, &request.key.len);
		if (status != CLI_OK)
			return status;
		request.has_key = true;
	}
	status = ask(cli, "Create", &request.base, &ponto__identity__v1__create_reply__descriptor);
	if (a.key)
		ponto_wipe(request.key.data, request.key.len);
	free(request.key.data);
	return status;
}

static int identity_rename(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ChangeRequest request = PONTO__IDENTITY__V1__CHANGE_REQUEST__INIT;
	struct identity_arguments a = {0};
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	if (!a.name && !a.classifier)
		return cli_fail(CLI_USAGE, "'rename' needs --name or --classifier");
	request.id = (char *)(uintptr_t)a.plain;
	request.name = (char *)(uintptr_t)a.name;
	request.classifier = (char *)(uintptr_t)a.classifier;
	return ask(cli, "Change", &request.base, &ponto__identity__v1__change_reply__descriptor);
}

/* Without ID tells which it is. */
static int identity_default(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__DefaultRequest which = PONTO__IDENTITY__V1__DEFAULT_REQUEST__INIT;
	Ponto__Identity__V1__ChangeRequest request = PONTO__IDENTITY__V1__CHANGE_REQUEST__INIT;
	struct identity_arguments a = {0};
	int status;

	if (argc == 1)
		return ask(cli, "Default", &which.base, &ponto__identity__v1__default_reply__descriptor);
	status = parse(&a, "ID", argc, argv);
	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	request.has_make_default = request.make_default = true;
	return ask(cli, "Change", &request.base, &ponto__identity__v1__change_reply__descriptor);
}

static int identity_card(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__CardRequest request = PONTO__IDENTITY__V1__CARD_REQUEST__INIT;
	const Ponto__Identity__V1__CardReply *card;
	struct identity_arguments a = {0};
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	status = cli_call(cli, "identity", "Card", &request.base, &ponto__identity__v1__card_reply__descriptor,
			  KEY_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	card = (const Ponto__Identity__V1__CardReply *)reply;
	status = cli_write_file(a.output ? a.output : "-", card->data.data, card->data.len);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int identity_list(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ListRequest request = PONTO__IDENTITY__V1__LIST_REQUEST__INIT;
	const Ponto__Identity__V1__ListReply *list;
	ProtobufCMessage *reply;
	int status;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'list' takes no argument, not '%s'", argv[1]);
	status = cli_call(cli, "identity", "List", &request.base, &ponto__identity__v1__list_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	list = (const Ponto__Identity__V1__ListReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; !cli->json && i < list->n_identity; i++)
		print_identity(list->identity[i]);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int identity_show(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ShowRequest request = PONTO__IDENTITY__V1__SHOW_REQUEST__INIT;
	struct identity_arguments a = {0};
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	return ask(cli, "Show", &request.base, &ponto__identity__v1__show_reply__descriptor);
}

static int identity_delete(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__DeleteRequest request = PONTO__IDENTITY__V1__DELETE_REQUEST__INIT;
	struct identity_arguments a = {0};
	int status = parse(&a, "ID", argc, argv);

	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	request.has_force = request.force = a.force;
	return ask(cli, "Delete", &request.base, &ponto__identity__v1__delete_reply__descriptor);
}

/* ---- files ------------------------------------------------------------------------------ */

static int identity_export(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ExportRequest request = PONTO__IDENTITY__V1__EXPORT_REQUEST__INIT;
	const Ponto__Identity__V1__ExportReply *answer;
	struct identity_arguments a = {0};
	char secret[CLI_PASSWORD];
	ProtobufCMessage *reply;
	int status = parse(&a, "ID", argc, argv);

	if (status == CLI_OK)
		status = cli_password(a.password_file, true, secret);
	if (status != CLI_OK)
		return status;
	request.id = (char *)(uintptr_t)a.plain;
	request.password = secret;
	request.has_xml = request.xml = a.xml;
	status = cli_call(cli, "identity", "Export", &request.base, &ponto__identity__v1__export_reply__descriptor,
			  KEY_TIMEOUT_MS, &reply);
	ponto_wipe(secret, sizeof(secret));
	if (status != CLI_OK)
		return status;
	answer = (const Ponto__Identity__V1__ExportReply *)reply;
	if (cli->json && !a.output)
		status = cli_print_message(reply);
	else
		status = cli_write_file(a.output ? a.output : "-", answer->data.data, answer->data.len);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int identity_import(struct cli *cli, int argc, char **argv)
{
	Ponto__Identity__V1__ImportRequest request = PONTO__IDENTITY__V1__IMPORT_REQUEST__INIT;
	struct identity_arguments a = {0};
	char secret[CLI_PASSWORD];
	int status = parse(&a, "FILE", argc, argv);

	if (status == CLI_OK)
		status = cli_read_file(a.plain, IMPORT_MAX, &request.data.data, &request.data.len);
	if (status != CLI_OK)
		return status;
	status = cli_password(a.password_file, false, secret);
	if (status == CLI_OK) {
		request.password = secret;
		status = ask(cli, "Import", &request.base, &ponto__identity__v1__import_reply__descriptor);
		ponto_wipe(secret, sizeof(secret));
	}
	free(request.data.data);
	return status;
}

const struct cli_command cli_identity_commands[] = {
	{"identity", "create", "NAME [--profile windows|modern] [--classifier TEXT] [--key FILE]",
	 "makes a key pair, or takes one in PEM; its ID is the authority of secured names", identity_create},
	{"identity", "list", "", "your identities", identity_list},
	{"identity", "show", "ID", "one of them", identity_show},
	{"identity", "rename", "ID [--name NAME] [--classifier TEXT]", "gives it another display name, or classifier",
	 identity_rename},
	{"identity", "default", "[ID]",
	 "makes it the one that programs get who name none; without ID tells which it is", identity_default},
	{"identity", "card", "ID [--output FILE]", "its public card in XML, which an invitation needs", identity_card},
	{"identity", "delete", "ID [--force]", "removes it for good; --force first unregisters the names that need it",
	 identity_delete},
	{"identity", "export", "ID [--xml] [--output FILE] [--password-file FILE]",
	 "writes it, encrypted with a password ($PONTO_PASSWORD, or asked for); --xml as Windows does",
	 identity_export},
	{"identity", "import", "FILE|- [--password-file FILE]", "reads such a file, of either form", identity_import},
	{"identity", "key", "ID [--output FILE]", "its public key, for those who shall delegate names to it",
	 identity_key},
	{"identity", "delegate",
	 "ID --to KEY|FILE|- [--classifier TEXT]... [--role admin|member|inviting]... [--days N] [--name TEXT] "
	 "[--chain CHAIN] "
	 "[--output FILE]",
	 "lets that key use the identity's peer names: writes a certificate chain for its owner", identity_delegate},
	{"identity", "chains", "", "the certificate chains by which you may use others' names", identity_chains},
	{"identity", "chain-show", "CHAIN", "what each certificate of one says", identity_chain_show},
	{"identity", "chain-import", "FILE|-", "takes one that was made for an identity of yours",
	 identity_chain_import},
	{"identity", "chain-export", "CHAIN [--output FILE]", "writes one", identity_chain_export},
	{"identity", "chain-delete", "CHAIN", "forgets one", identity_chain_delete},
	{NULL, NULL, NULL, NULL, NULL},
};
