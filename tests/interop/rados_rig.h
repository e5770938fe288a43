/* Ponto tests: store-rados on the cluster that tests/interop/store_rados.sh starts: its configuration is in CEPH_CONF,
 * its user and pool are "ponto". PONTO_RADOS_LAB is the script that stops its daemons and starts them. */
#ifndef PONTO_TESTS_INTEROP_RADOS_RIG_H
#define PONTO_TESTS_INTEROP_RADOS_RIG_H

#include <rados/librados.h>

#include "framework/env.h"
#include "framework/store.h"

struct rados_rig {
	struct ponto_store store;
	struct ponto_env env;
	struct ponto_conf *conf;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	char nspace[128];
	_Atomic unsigned lines; /* logged at warning or worse */
	char last[512];		/* the last of them */
};

/* A namespace that no test had before. */
void rados_rig_namespace(char out[128]);

/* Makes a store in that namespace (NULL: one of its own). clock NULL: the system's. settings: more of them, or NULL.
 * What create returned; rados_rig_close in any case. */
int rados_rig_try(struct rados_rig *rig, const char *nspace, const struct ponto_clock *clock,
		  const struct ponto_alloc *alloc, const char *const *settings);
/* The same, which must succeed, with system memory. */
void rados_rig_open(struct rados_rig *rig, const char *nspace, const char *const *settings);
void rados_rig_close(struct rados_rig *rig);

uint64_t rados_rig_in(double seconds);

/* Runs the lab's script with these arguments and waits; the test fails when it does. */
void rados_rig_lab(const char *command, const char *name);

/* The same for "ceph", as the administrator: "ceph -c CONF WORDS". Returns the exit status. */
int rados_rig_ceph(const char *words);

/* A connection of the test's own to that namespace, as the administrator or as ponto. */
struct rados_peer {
	rados_t cluster;
	rados_ioctx_t io;
};
void rados_peer_open(struct rados_peer *peer, const char *nspace);
void rados_peer_close(struct rados_peer *peer);

/* The objects in the namespace whose names begin so. */
size_t rados_peer_count(struct rados_peer *peer, const char *prefix);

#endif
