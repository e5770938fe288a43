/* Ponto, internal to the framework: opening one plugin's shared object. One
 * thread at a time. */
#ifndef PONTO_PLUGIN_FILE_H
#define PONTO_PLUGIN_FILE_H

#include "framework/registry.h"

/* Opens file and finds its descriptor, not yet checked. The object stays in the process, refused or not:
 * unloading code that started a thread or registered an exit handler ends the process later.
 * PONTO_ENOENT, PONTO_EIO, PONTO_EINVAL (no descriptor), PONTO_ENOMEM, with the reason. */
PONTO_MUST_CHECK int ponto_plugin_file_open(const char *file, const struct ponto_plugin **out,
					    char reason[PONTO_REASON_SIZE]);

/* Whether the file's name is the plugin's: "…/store-mem.so" for "store-mem". */
bool ponto_plugin_file_is(const char *file, const char *name);

#endif
