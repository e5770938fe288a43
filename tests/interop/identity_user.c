/* Calls the identity family as the user it runs as: prints each result and what it gave.
 *
 *     identity_user all IDENTITY        every function that names an identity; deletes it last
 *     identity_user create              one more identity
 *     identity_user default             what PeerIdentityGetDefault gives
 *     identity_user import FILE         with the password "secret"
 *     identity_user export IDENTITY     the text alone
 *     identity_user search IDENTITY KEY signs, then looks in its own memory for the bytes of KEY, hexadecimal, each of
 *                                       them exclusive-or 5a so that the argument itself is no find
 *
 * PONTO_ENDPOINT says which daemon. */
#include <p2p.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK 0x5a
#define MAPPING_MAX (1ul << 30) /* what is larger is a sanitizer's own */

static PWSTR wide(const char *text)
{
	PWSTR out = calloc(strlen(text) + 1, sizeof(*out));

	if (!out)
		exit(2);
	for (size_t i = 0; text[i]; i++)
		out[i] = (unsigned char)text[i];
	return out;
}

static void print(PCWSTR text)
{
	for (; text && *text; text++)
		putchar(*text < 0x80 ? (int)*text : '?');
}

/* *text is freed */
static void tell(const char *what, HRESULT result, PWSTR *text)
{
	printf("%s %08x ", what, (unsigned)result);
	if (result == S_OK && text) {
		print(*text);
		PeerFreeData(*text);
	}
	putchar('\n');
}

static void all(PCWSTR identity)
{
	PWSTR text = NULL;
	HPEERENUM groups;
	HCRYPTPROV key;

	tell("name", PeerIdentityGetFriendlyName(identity, &text), &text);
	tell("rename", PeerIdentitySetFriendlyName(identity, u"mine"), NULL);
	tell("card", PeerIdentityGetXML(identity, &text), &text);
	tell("export", PeerIdentityExport(identity, u"secret", &text), &text);
	tell("key", PeerIdentityGetCryptKey(identity, &key), NULL);
	tell("groups", PeerEnumGroups(identity, &groups), NULL);
	tell("delete", PeerIdentityDelete(identity), NULL);
}

static void import_file(const char *path)
{
	static char xml[65536];
	FILE *file = fopen(path, "r");
	PWSTR text = NULL, import;

	if (!file || fread(xml, 1, sizeof(xml) - 1, file) == 0)
		exit(2);
	fclose(file);
	import = wide(xml);
	tell("import", PeerIdentityImport(import, u"secret", &text), &text);
	free(import);
}

static size_t unhex(const char *text, unsigned char *out, size_t size)
{
	size_t n = 0;
	unsigned byte;

	for (; n < size && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = (unsigned char)byte;
	return n;
}

static unsigned long count_in(const unsigned char *at, size_t size, const unsigned char *masked, size_t len)
{
	unsigned long found = 0;

	for (size_t i = 0; i + len <= size; i++) {
		size_t k = 0;

		while (k < len && (at[i + k] ^ MASK) == masked[k])
			k++;
		found += k == len;
	}
	return found;
}

/* Everything that can be written to, the stack included. */
static unsigned long count_in_memory(const unsigned char *masked, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "r");
	unsigned long start, end, found = 0;
	char line[512], mode[8];

	if (!maps || !memory)
		exit(2);
	setvbuf(memory, NULL, _IONBF, 0); /* no find in a copy of ours */
	while (fgets(line, sizeof(line), maps)) {
		unsigned char *copy;
		size_t size;

		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || mode[1] != 'w' || end - start > MAPPING_MAX)
			continue;
		copy = malloc(end - start);
		if (!copy || fseek(memory, (long)start, SEEK_SET) != 0)
			exit(2);
		size = fread(copy, 1, end - start, memory);
		found += count_in(copy, size, masked, len);
		memset(copy, 0, end - start);
		free(copy);
	}
	fclose(memory);
	fclose(maps);
	return found;
}

static void search(PCWSTR identity, const char *hex)
{
	unsigned char masked[256], signature[PONTO_CRYPT_SIGNATURE_MAX], *planted;
	size_t len = unhex(hex, masked, sizeof(masked));
	DWORD size = sizeof(signature);
	HCRYPTPROV key;
	PWSTR xml = NULL;

	if (len < 16 || PeerIdentityGetCryptKey(identity, &key) != S_OK ||
	    !PontoCryptSign(key, (const BYTE *)"data", 4, signature, &size) ||
	    PeerIdentityExport(identity, u"secret", &xml) != S_OK)
		exit(2);
	printf("found %lu\n", count_in_memory(masked, len));
	planted = malloc(len);
	if (!planted)
		exit(2);
	for (size_t i = 0; i < len; i++)
		planted[i] = masked[i] ^ MASK;
	printf("planted %d\n", count_in_memory(masked, len) > 0);
	free(planted);
	PeerFreeData(xml);
	(void)CryptReleaseContext(key, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	PWSTR identity = argc > 2 ? wide(argv[2]) : NULL, text = NULL;
	int status = 0;

	if (strcmp(what, "all") == 0 && argc == 3) {
		all(identity);
	} else if (strcmp(what, "create") == 0) {
		tell("create", PeerIdentityCreate(u"own", u"Own", 0, &text), &text);
	} else if (strcmp(what, "default") == 0) {
		tell("default", PeerIdentityGetDefault(&text), &text);
	} else if (strcmp(what, "import") == 0 && argc == 3) {
		import_file(argv[2]);
	} else if (strcmp(what, "export") == 0 && argc == 3 && PeerIdentityExport(identity, u"secret", &text) == S_OK) {
		print(text);
		PeerFreeData(text);
	} else if (strcmp(what, "search") == 0 && argc == 4) {
		search(identity, argv[3]);
	} else {
		status = 2;
	}
	free(identity);
	return status;
}
