/* Ponto: the discovery contract: first addresses of others.
 *
 * create/destroy run on the node's thread; open gives a handle bound to the
 * caller's loop, used, called back and closed only there. Never blocks: DNS and
 * stores are asked in the background. */
#ifndef PONTO_DISCOVERY_H
#define PONTO_DISCOVERY_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_DISCOVERY_ABI 1

/* Where an address comes from. A search names one or more. */
enum ponto_discovery_source {
	PONTO_SOURCE_REMEMBERED = 1u, /* from earlier runs */
	PONTO_SOURCE_MULTICAST = 2u,  /* neighbours that answer */
	PONTO_SOURCE_SEED = 4u,	      /* configured */
};

struct ponto_discovery_want {
	const char *topic;	/* what is looked for, e.g. "pnrp/Global_"; copies; separates remembered addresses */
	enum ponto_scope scope; /* only addresses of this scope are given; NONE: any */
	uint32_t zone;		/* put into link-local addresses that have none */
	uint16_t port;		/* for seeds configured without a port */
	uint8_t family;		/* enum ponto_family; NONE: any */
};

struct ponto_discovery_events {
	/* Addresses from one source, best first (RFC 6724 order where DNS was asked); may come several times
	 * a search. borrows */
	void (*found)(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count);
	/* Once per source and search, also when nothing was found. */
	void (*done)(void *arg, enum ponto_discovery_source source);
};

struct ponto_discovery_handle;

struct ponto_discovery_ops {
	struct ponto_vtable head;
	unsigned sources; /* the sources it has, of enum ponto_discovery_source */
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self);
	int (*open)(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
		    const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out);
	void (*close)(struct ponto_discovery_handle *handle);
	int (*search)(struct ponto_discovery_handle *handle, unsigned sources);
	int (*publish)(struct ponto_discovery_handle *handle, const struct ponto_addr *addrs, size_t count);
	void (*unpublish)(struct ponto_discovery_handle *handle);
	void (*remember)(struct ponto_discovery_handle *handle, const struct ponto_addr *addr);
	int (*seeds)(struct ponto_discovery_handle *handle, const char *const *texts, size_t count, bool only);
};

struct ponto_discovery {
	const struct ponto_discovery_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* gives */
PONTO_MUST_CHECK static inline int ponto_discovery_open(struct ponto_discovery d, struct ponto_loop *loop,
							const struct ponto_discovery_want *want,
							const struct ponto_discovery_events *events, void *arg,
							struct ponto_discovery_handle **out)
{
	return d.ops->open(d.self, loop, want, events, arg, out);
}

/* Accepts NULL. No callback comes afterwards; safe inside one. */
static inline void ponto_discovery_close(struct ponto_discovery d, struct ponto_discovery_handle *handle)
{
	if (handle)
		d.ops->close(handle);
}

/* Starts a search; sources the plugin does not have are reported done without a find. No callback comes
 * before it returns. A source already being searched is not searched twice. */
PONTO_MUST_CHECK static inline int ponto_discovery_search(struct ponto_discovery d,
							  struct ponto_discovery_handle *handle, unsigned sources)
{
	return d.ops->search(handle, sources);
}

/* Answers others' searches with these addresses until unpublish; replaces what was published. Plugins that
 * cannot be searched do nothing. copies */
PONTO_MUST_CHECK static inline int ponto_discovery_publish(struct ponto_discovery d,
							   struct ponto_discovery_handle *handle,
							   const struct ponto_addr *addrs, size_t count)
{
	return PONTO_HAS(d.ops, publish) ? d.ops->publish(handle, addrs, count) : PONTO_OK;
}

static inline void ponto_discovery_unpublish(struct ponto_discovery d, struct ponto_discovery_handle *handle)
{
	if (PONTO_HAS(d.ops, unpublish))
		d.ops->unpublish(handle);
}

/* An address that answered: worth asking first after a restart. Bounded; the most recent stay. copies */
static inline void ponto_discovery_remember(struct ponto_discovery d, struct ponto_discovery_handle *handle,
					    const struct ponto_addr *addr)
{
	if (PONTO_HAS(d.ops, remember))
		d.ops->remember(handle, addr);
}

/* Seeds of this searcher's own, addresses or names as in the plugin's own configuration: given before those, or
 * instead of them (only). Replaces what was said before; while seeds are searched PONTO_EBUSY. PONTO_ECONF: not an
 * address nor a name (the log says which); PONTO_ENOTSUP: this plugin has no seeds. copies */
PONTO_MUST_CHECK static inline int ponto_discovery_seeds(struct ponto_discovery d,
							 struct ponto_discovery_handle *handle,
							 const char *const *texts, size_t count, bool only)
{
	return PONTO_HAS(d.ops, seeds) ? d.ops->seeds(handle, texts, count, only) : PONTO_ENOTSUP;
}

#ifdef __cplusplus
}
#endif
#endif
