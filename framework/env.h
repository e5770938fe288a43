/* Ponto: everything a plugin instance receives. Nothing in a plugin reads the
 * clock, randomness, memory or a descriptor any other way.
 *
 * The environment and what it points to outlive the instance. log, metrics,
 * alloc, random, clock and the registry are thread-safe. */
#ifndef PONTO_ENV_H
#define PONTO_ENV_H

#include "framework/base.h"
#include "framework/conf.h"
#include "framework/log.h"
#include "framework/loop.h"
#include "framework/metrics.h"
#include "framework/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_port;
struct ponto_node;
struct ponto_grant;

struct ponto_env {
	uint32_t abi;  /* PONTO_PLUGIN_ABI */
	uint32_t size; /* sizeof this, grows at the end */
	const char *instance; /* its name in the configuration */
	const char *node_name;
	const char *state_dir; /* absolute; exists, private to the daemon's user; NULL when the node keeps nothing */
	const struct ponto_conf *conf;
	const struct ponto_alloc *alloc;
	const struct ponto_random *random;
	const struct ponto_clock *clock;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_loop *loop;   /* a service's own loop; NULL for the other kinds, which get a loop at open */
	struct ponto_port *port;   /* a service's place on the bus (bus.h); NULL in simulation and for other kinds */
	const struct ponto_node *node; /* for ponto_env_find */
	bool simulation;
	const struct ponto_grant *grants; /* see ponto_env_grant */
	size_t grant_count;
};

/* What only the privileged may open: node.grants has the daemon do it before it gives up its privileges. It stays the
 * daemon's, to be used by one instance and not closed. */
struct ponto_grant {
	const char *name; /* "tun/NAME": an interface; "echo": a raw socket that hears ICMPv6 echo requests */
	int fd;
	/* Of an interface: gives it this address in place of the one before (16 bytes, with a route to its /32 and a default
	 * one), or none (NULL). Waits for the kernel; from one thread at a time. PONTO_EIO, with the reason in the log. borrows */
	int (*address)(const struct ponto_grant *grant, struct ponto_log *log, const uint8_t *ip);
	int control;
};

/* A configured instance, as another one sees it: a vtable, its object, its worker pool (stores and
 * security only). Typed wrappers: struct ponto_store and friends have this layout. */
struct ponto_iface {
	const struct ponto_vtable *ops;
	void *self;
	struct ponto_pool *pool;
};

/* The instance of that kind and name. PONTO_ENOENT when there is none, which the log says. Valid until the node is
 * destroyed. */
PONTO_MUST_CHECK int ponto_env_find(const struct ponto_env *env, enum ponto_kind kind, const char *name,
				    struct ponto_iface *out);

/* What was granted by that name, or NULL. Valid until the node is destroyed. */
const struct ponto_grant *ponto_env_grant(const struct ponto_env *env, const char *name);

#ifdef __cplusplus
}
#endif
#endif
