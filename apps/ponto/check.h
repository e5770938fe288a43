/* ponto plugin check, inside: the subject and how a sentence of its contract is told. */
#ifndef PONTO_APPS_CHECK_H
#define PONTO_APPS_CHECK_H

#include "apps/ponto/cli.h"
#include "framework/registry.h"

enum check_verdict {
	CHECK_BROKEN,
	CHECK_HOLDS,
	CHECK_NOT_TRIED, /* it does not apply to this plugin */
};

struct check {
	struct cli *cli;
	const struct ponto_plugin *plugin;
	const char *what;  /* as it was named on the command line: a name or a file */
	json_t *array;	   /* NULL: print */
	unsigned failures; /* broken ones */
};

/* why: one line; not shown when the sentence holds. */
void check_tell(struct check *check, const char *sentence, enum check_verdict verdict, const char *why);

/* Tries the store contract on instances with default options, and removes the records they leave. */
void check_store(struct check *check);

/* Tries the transport contract, the halves that the plugin offers, on loopback, or in a simulated world when the plugin
 * refuses to be made outside of one. */
void check_transport(struct check *check);

/* Has ponto-conform try the contract of a security or discovery plugin. Without that program the check fails. */
void check_conform(struct check *check);

/* Loads the shipped plugins a service may lean on, as far as they are there. */
void check_service_prepare(struct ponto_registry *registry);

/* Tries what any service promises, on a simulated node with those helpers. */
void check_service(struct check *check, const struct ponto_registry *registry);

/* Tries the mapping contract in a simulated world, as far as it needs no gateway. */
void check_mapping(struct check *check, const struct ponto_registry *registry);

#endif
