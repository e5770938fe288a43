#include "framework/plugin_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

bool ponto_plugin_file_is(const char *file, const char *name)
{
	const char *base = base_name(file);
	size_t len = strlen(name);

	return strncmp(base, name, len) == 0 && strcmp(base + len, ".so") == 0;
}

/* libltdl resolves lazily and says "file not found" whatever went wrong, so the dynamic loader is asked
 * first, for all symbols at once and for its words. */
static int probe(const char *file, char reason[PONTO_REASON_SIZE])
{
	if (access(file, R_OK) != 0) {
		int result = errno == ENOENT || errno == ENOTDIR ? PONTO_ENOENT : PONTO_EIO;

		snprintf(reason, PONTO_REASON_SIZE, "%.300s: %s", file, strerror(errno));
		return result;
	}
	if (!dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
		snprintf(reason, PONTO_REASON_SIZE, "%s", dlerror());
		return PONTO_EIO;
	}
	return PONTO_OK;
}

static int open_ltdl(const char *file, lt_dlhandle *out, char reason[PONTO_REASON_SIZE])
{
	lt_dladvise advise;
	lt_dlhandle handle = NULL;

	if (lt_dlinit() != 0 || lt_dladvise_init(&advise) != 0) {
		snprintf(reason, PONTO_REASON_SIZE, "libltdl: %s", lt_dlerror());
		return PONTO_EIO;
	}
	if (lt_dladvise_local(&advise) == 0 && lt_dladvise_resident(&advise) == 0)
		handle = lt_dlopenadvise(file, advise);
	if (!handle)
		snprintf(reason, PONTO_REASON_SIZE, "%.300s: libltdl: %s", file, lt_dlerror());
	lt_dladvise_destroy(&advise);
	*out = handle;
	return handle ? PONTO_OK : PONTO_EIO;
}

int ponto_plugin_file_open(const char *file, const struct ponto_plugin **out, char reason[PONTO_REASON_SIZE])
{
	const struct ponto_plugin *plugin;
	lt_dlhandle handle;
	char module[64];
	size_t len;
	int result = probe(file, reason);

	if (result == PONTO_OK)
		result = open_ltdl(file, &handle, reason);
	if (result != PONTO_OK)
		return result;
	plugin = lt_dlsym(handle, "ponto_plugin");
	if (plugin) {
		*out = plugin;
		return PONTO_OK;
	}
	snprintf(module, sizeof(module), "%s", base_name(file));
	len = strcspn(module, ".");
	module[len] = '\0';
	for (char *c = module; *c; c++)
		*c = *c == '-' ? '_' : *c;
	snprintf(reason, PONTO_REASON_SIZE, "%.300s: no descriptor: it does not export %s_LTX_ponto_plugin", file, module);
	return PONTO_EINVAL;
}
