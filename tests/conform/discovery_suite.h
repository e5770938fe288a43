/* The discovery contract as tests: every plugin of the kind passes the same ones, on both loops. */
#ifndef PONTO_TESTS_CONFORM_DISCOVERY_SUITE_H
#define PONTO_TESTS_CONFORM_DISCOVERY_SUITE_H

#include "framework/discovery.h"
#include "framework/node.h"
#include "framework/sim.h"
#include "framework/store.h"
#include "framework/transport.h"
#include "tests/support/test.h"

/* What a plugin needs to take part. settings: a configuration with which a search of PONTO_SOURCE_SEED
 * finds global IPv6 addresses, if the plugin has that source. */
struct discovery_subject {
	const struct ponto_plugin *plugin;
	const char *const *settings;
	bool sim; /* on loop-sim, else on loop-uv */
};

#define DISCOVERY_SEEN_MAX 600

/* A node with a store "main" (in memory), a transport "net" (transport-sim, or UDP where there is no address to search
 * from) and the subject as "disc". */
struct discovery_fixture {
	struct ponto_sim *world; /* NULL: loop-uv */
	struct ponto_sim_node *place;
	struct ponto_loop *loop;
	struct ponto_log *log;
	struct ponto_conf *store_conf, *transport_conf, *conf;
	struct ponto_node *node;
	struct ponto_discovery discovery;
	struct ponto_store store;
	struct ponto_transport transport;
	char log_text[16384];
	size_t log_used;
};

/* One handle, and what its callbacks were told. */
struct discovery_watcher {
	struct discovery_fixture *fixture;
	struct ponto_discovery_handle *handle;
	struct ponto_addr seen[DISCOVERY_SEEN_MAX];
	unsigned from[DISCOVERY_SEEN_MAX]; /* the source of each */
	size_t count;
	unsigned done;	     /* sources */
	unsigned done_count; /* reports */
	unsigned awaited;    /* loop-uv stops when these are done */
	unsigned close_at;   /* 1: close inside found, 2: inside done */
	unsigned again;	     /* searches to start inside done */
	bool in_search;	     /* a callback now would be too early */
	unsigned late;	     /* callbacks after closing, or too early */
};

/* Refusal of the configuration fails the test. */
struct discovery_fixture *discovery_fixture_new(const struct ponto_plugin *plugin, const char *const *settings,
						bool sim);
void discovery_fixture_free(struct discovery_fixture *fixture);

void discovery_open(struct discovery_fixture *fixture, const struct ponto_discovery_want *want,
		    struct discovery_watcher *watcher);
void discovery_close(struct discovery_watcher *watcher);

/* Searches and runs the loop until each source is done. */
void discovery_search(struct discovery_watcher *watcher, unsigned sources);

/* Lets everything under way come to its end. */
void discovery_settle(struct discovery_fixture *fixture);

/* PONTO_OK or why the plugin refused this configuration; the log is in text. */
int discovery_try(const struct ponto_plugin *plugin, const char *const *settings, char *text, size_t size);

struct ponto_addr discovery_addr(const char *text);

extern const size_t discovery_suite_count;
/* False: the case is about something this subject does not offer, and is only skipped. */
bool discovery_suite_applies(const struct discovery_subject *subject, size_t index);
void discovery_suite_cases(const struct discovery_subject *subject, const char *name, struct CMUnitTest *out);

#endif
