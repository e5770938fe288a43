/* Does with security-pki what a line of shell asks, so that other programs can look at the result.
 *
 *     identity_tool STATE create windows|modern NAME     prints the id
 *     identity_tool STATE list                           prints "id profile name" lines
 *     identity_tool STATE export ID PASSWORD             the export to standard output
 *     identity_tool STATE import PASSWORD                from standard input; prints the id
 *     identity_tool STATE export-pfx ID PASSWORD         PKCS #12 to standard output
 *     identity_tool STATE import-pfx PEER-NAME PASSWORD  from standard input; prints the display name
 *     identity_tool STATE sign ID                        standard input's signature to standard output
 *     identity_tool STATE verify ID SIGNATURE-FILE       of standard input
 *
 * PONTO_KEY_FILE: the option key_file. Exit 0, or 1 with the result in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/security.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define OWNER 1000u

static struct ponto_bytes read_all(FILE *file)
{
	static uint8_t buffer[65536];

	return ponto_bytes(buffer, fread(buffer, 1, sizeof(buffer), file));
}

static bool print_identity(void *arg, const struct ponto_identity *identity)
{
	(void)arg;
	printf("%s %s %s\n", identity->id, identity->profile == PONTO_PROFILE_WINDOWS ? "windows" : "modern",
	       identity->name);
	return true;
}

static int verify(struct ponto_security s, const char *id, const char *path)
{
	static uint8_t signature[PONTO_SIGNATURE_MAX + 1];
	struct ponto_identity me;
	FILE *file = fopen(path, "rb");
	size_t len;
	int result;

	if (!file)
		return PONTO_ENOENT;
	len = fread(signature, 1, sizeof(signature), file);
	fclose(file);
	result = ponto_identity_get(s, OWNER, id, &me);
	return result ? result
		      : ponto_verify(s, me.profile, ponto_bytes(me.public_key, me.public_key_len), read_all(stdin),
				     ponto_bytes(signature, len));
}

static int run(struct ponto_security s, int argc, char **argv)
{
	uint8_t signature[PONTO_SIGNATURE_MAX], *data = NULL;
	struct ponto_identity me;
	size_t len = 0;
	int result = PONTO_EINVAL;

	if (argc == 4 && strcmp(argv[1], "create") == 0) {
		result = ponto_identity_create(
			s, OWNER, strcmp(argv[2], "windows") == 0 ? PONTO_PROFILE_WINDOWS : PONTO_PROFILE_MODERN,
			argv[3], &me);
		if (!result)
			puts(me.id);
	} else if (argc == 2 && strcmp(argv[1], "list") == 0) {
		result = ponto_identity_list(s, OWNER, print_identity, NULL);
	} else if (argc == 4 && strcmp(argv[1], "export") == 0) {
		result = ponto_identity_export(s, OWNER, argv[2], argv[3], &ponto_alloc_system, &data, &len);
		fwrite(data, 1, len, stdout);
		ponto_free(&ponto_alloc_system, data);
	} else if (argc == 3 && strcmp(argv[1], "import") == 0) {
		result = ponto_identity_import(s, OWNER, read_all(stdin), argv[2], &me);
		if (!result)
			puts(me.id);
	} else if (argc == 4 && strcmp(argv[1], "export-pfx") == 0) {
		result = ponto_identity_export_pfx(s, OWNER, argv[2], argv[3], &ponto_alloc_system, &data, &len);
		fwrite(data, 1, len, stdout);
		ponto_free(&ponto_alloc_system, data);
	} else if (argc == 4 && strcmp(argv[1], "import-pfx") == 0) {
		result = ponto_identity_import_pfx(s, OWNER, argv[2], read_all(stdin), argv[3], &me);
		if (!result)
			puts(me.name);
	} else if (argc == 3 && strcmp(argv[1], "sign") == 0) {
		result = ponto_sign(s, OWNER, argv[2], read_all(stdin), signature, &len);
		fwrite(signature, 1, len, stdout);
	} else if (argc == 4 && strcmp(argv[1], "verify") == 0) {
		result = verify(s, argv[2], argv[3]);
	}
	return result;
}

int main(int argc, char **argv)
{
	const struct ponto_plugin *plugin = &security_pki_LTX_ponto_plugin;
	struct ponto_env env = {.abi = PONTO_PLUGIN_ABI, .size = sizeof(env), .instance = "id", .node_name = "tool"};
	struct ponto_security s = {(const struct ponto_security_ops *)plugin->vtable, NULL, NULL};
	char key_file[4096] = "key_file=", error[256] = "";
	const char *const settings[] = {"iterations=2000", key_file, NULL};
	struct ponto_conf *conf = NULL;
	int result;

	if (argc < 3)
		return 2;
	if (getenv("PONTO_KEY_FILE"))
		snprintf(key_file, sizeof(key_file), "key_file=%s", getenv("PONTO_KEY_FILE"));
	result = ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				 sizeof(error), &conf);
	env.state_dir = argv[1];
	env.conf = conf;
	env.alloc = &ponto_alloc_system;
	env.random = &ponto_random_system;
	env.clock = &ponto_clock_system;
	if (!result)
		result = s.ops->create(&env, &s.self);
	if (!result) {
		result = run(s, argc - 1, argv + 1);
		s.ops->destroy(s.self);
	}
	ponto_conf_destroy(conf);
	if (result)
		fprintf(stderr, "%s %s\n", ponto_strerror(result), error);
	return result != 0;
}
