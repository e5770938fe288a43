/* The ponto command: what its nouns share. Single-threaded. */
#ifndef PONTO_APPS_CLI_H
#define PONTO_APPS_CLI_H

#include <protobuf-c/protobuf-c.h>
#include <jansson.h>

#include "framework/bus.h"

/* Exit statuses, part of the interface. */
enum cli_exit {
	CLI_OK = 0,
	CLI_NO = 1,	     /* the answer is no: not found, refused */
	CLI_USAGE = 2,	     /* the command line is wrong */
	CLI_UNREACHABLE = 3, /* no daemon */
};

struct cli {
	const char *endpoint;	     /* NULL: the default */
	const char *key_file;	     /* of this user, for tcp://; NULL: client.key in his configuration */
	const char *server_key_file; /* NULL: the daemon's key is looked up in known_servers there */
	const char *service;	     /* the name service's instance; NULL: not told */
	char chosen[64];	     /* the one that was taken */
	bool json;
	struct ponto_client *client; /* made on first use */
};

struct cli_command {
	const char *noun;
	const char *verb;
	const char *arguments; /* for the usage line; "" when none */
	const char *summary;
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the verb; returns enum cli_exit */
};

extern const struct cli_command cli_node_commands[];
extern const struct cli_command cli_cloud_commands[];
extern const struct cli_command cli_name_commands[];
extern const struct cli_command cli_identity_commands[];
extern const struct cli_command cli_content_commands[];
extern const struct cli_command cli_teredo_commands[];
extern const struct cli_command cli_plugin_commands[];
extern const struct cli_command cli_config_commands[];

/* One clear line on standard error, "ponto: " before it; returns status. */
int cli_fail(int status, const char *format, ...) PONTO_PRINTF(2, 3);

/* Calls service.method and decodes the answer. CLI_OK with *reply (free with protobuf_c_message_free_unpacked),
 * else the exit status, the reason already printed. timeout_ms counts the daemon's own time only. */
int cli_call(struct cli *cli, const char *service, const char *method, const ProtobufCMessage *request,
	     const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, ProtobufCMessage **reply);

/* The same, but a service that refuses is no failure: CLI_OK, and *refusal tells what it said (result PONTO_OK, and
 * *reply, when it does not). */
struct cli_refusal {
	int result;
	char text[512];
};
int cli_try_call(struct cli *cli, const char *service, const char *method, const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, struct cli_refusal *refusal,
		 ProtobufCMessage **reply);

#define CLI_TIMEOUT_MS 10000

/* What a call over tcp:// needs: CLI_OK, or the exit status after a message. */
#define CLI_PATH 1024
struct cli_remote {
	char key_file[CLI_PATH];
	char server_key[PONTO_CURVE_KEY_SIZE];
};
int cli_remote_keys(const struct cli *cli, const char *endpoint, struct cli_remote *out);

/* A file of this user's configuration, whose folder make makes; false: no home. */
bool cli_own_file(const char *name, bool make, char out[CLI_PATH]);

/* node key, which needs no daemon. */
int cli_node_key(struct cli *cli, int argc, char **argv);

/* node nat-test */
int cli_nat_test(struct cli *cli, int argc, char **argv);

#define CLI_NAME_SERVICE "pnrp" /* the instance of those who say neither --service nor a cloud */

/* The same to the instance of the name service that has this cloud (empty or NULL: that of --service, or "pnrp").
 * One that nobody has is left to the default instance to refuse. */
int cli_cloud_call(struct cli *cli, const char *cloud, const char *method, const ProtobufCMessage *request,
		   const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, ProtobufCMessage **reply);

/* Every instance of the name service, or the one of --service, until fn returns something else than CLI_OK. */
typedef int cli_name_service_fn(void *arg, const char *service);
int cli_each_name_service(struct cli *cli, cli_name_service_fn *fn, void *arg);

/* Every field of a message as JSON: bytes as hexadecimal, absent optionals as null. NULL: out of memory. gives */
json_t *cli_message_json(const ProtobufCMessage *message);

/* Makes text, or every text of a message, harmless to a terminal, in place. lines: line breaks and tabs may stay. */
void cli_clean(char *text, bool lines);
void cli_message_clean(ProtobufCMessage *message);

/* Prints and releases value (NULL: out of memory). takes */
int cli_print_json(json_t *value);

/* Prints the message as JSON. */
int cli_print_message(const ProtobufCMessage *message);

/* Prints before and a time in UTC, from microseconds since 1970. */
void cli_print_time(const char *before, uint64_t microseconds);

/* The next option of a verb: options are "--name" (flag) or "--name VALUE" / "--name=VALUE", "-n" those of one letter. */
struct cli_option {
	const char *name; /* without dashes */
	bool has_value;
	int key; /* returned by cli_next_option, > 0 */
};

/* Walks argv from *index (start with 1): the key of an option, with *value; 0 for a plain argument, in *value;
 * -1 at the end; -2 after an error message. "--" ends the options. */
struct cli_scan {
	int argc;
	char **argv;
	int index;
	bool plain_only;
};
int cli_next_option(struct cli_scan *scan, const struct cli_option *options, const char **value);

/* Decimal in min..max; false after an error message naming what. */
bool cli_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Reads a whole file ("-": standard input) of at most max bytes. CLI_OK or an exit status after a message.
 * gives *data, from malloc */
int cli_read_file(const char *path, size_t max, uint8_t **data, size_t *len);

/* From file, else $PONTO_PASSWORD, else asked for on the terminal, twice if told so. CLI_OK, or an exit status after a
 * message. The caller wipes out. */
#define CLI_PASSWORD 1024
int cli_password(const char *file, bool twice, char out[CLI_PASSWORD]);

/* Creates path (mode 0600, fails when it exists) with data; "-" is standard output. */
int cli_write_file(const char *path, const uint8_t *data, size_t len);

#endif
