/* Ponto, internal to the framework: the order of plugins by what they need. */
#ifndef PONTO_REGISTRY_ORDER_H
#define PONTO_REGISTRY_ORDER_H

#include "framework/registry.h"

struct ponto_registry_entry {
	const struct ponto_plugin *plugin;
	char *origin;
};

/* Whether a plugin other than self is called need or offers it. */
bool ponto_registry_offered(const struct ponto_registry_entry *entries, size_t count, const char *need,
			    const struct ponto_plugin *self);

/* Sorts so that each comes after what it needs and otherwise keeps its place. PONTO_EINVAL: a cycle, spelled
 * out; PONTO_ENOMEM. Entries stay as they are on failure. */
PONTO_MUST_CHECK int ponto_registry_sort(const struct ponto_alloc *alloc, struct ponto_registry_entry *entries,
					 size_t count, char reason[PONTO_REASON_SIZE]);

#endif
