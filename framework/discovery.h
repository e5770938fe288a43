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

/* ---- seeds: as operators write them ------------------------------------------ */

#define PONTO_SEED_HOST 254 /* bytes of a DNS name, NUL included */

struct ponto_seed {
	char host[PONTO_SEED_HOST]; /* empty: address holds it */
	struct ponto_addr address;  /* port 0: the searcher's */
	uint16_t port;		    /* of a name; 0: the searcher's */
};

/* Reads "[addr]:port", "addr", "addr:port" (IPv4), "host" or "host:port". PONTO_EINVAL on anything else. */
PONTO_MUST_CHECK int ponto_seed_parse(const char *text, struct ponto_seed *out);

/* For ponto_option.fits of lists of seeds. */
bool ponto_seed_fits(const char *text, int64_t number, char *why, size_t size);

/* ---- pieces: who holds what ------------------------------------------------ */

#define PONTO_DISCOVERY_CONTENT "content" /* the topic of segments of content */
#define PONTO_PIECES_MAX 255		  /* in one question */

enum ponto_held_state {
	PONTO_HELD_NOTHING = 0,
	PONTO_HELD_PART = 1,
	PONTO_HELD_ALL = 2,
};

/* What is held of one piece, here or by a neighbour. */
struct ponto_held {
	uint64_t age;	  /* microseconds since it was had first; PONTO_NEVER: not told */
	uint32_t blocks;  /* so many of it; 0: not told */
	uint32_t replies; /* own ones only: how many answered when it was sought here, */
	uint32_t full;	  /* and how many of them held everything; 0 when it was not */
	uint8_t state;	  /* enum ponto_held_state */
};

struct ponto_discovery_pieces {
	/* A neighbour asks: what of these is held? From memory, at once; held comes zeroed. May be NULL. borrows */
	void (*lookup)(void *arg, const struct ponto_bytes *ids, size_t count, struct ponto_held *held);
	/* One neighbour holds some of what was sought: held is as long and in the order as asked. addrs: where to get
	 * it, to be tried in this order. A neighbour on two links is found on each. borrows */
	void (*found)(void *arg, uint64_t tag, const struct ponto_addr *addrs, size_t addr_count,
		      const struct ponto_held *held, size_t count);
	/* Once per question: nothing more is found. */
	void (*ended)(void *arg, uint64_t tag, uint32_t replies, uint32_t full);
};

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

	/* pieces; may be NULL */
	int (*pieces)(struct ponto_discovery_handle *handle, const struct ponto_discovery_pieces *events);
	int (*seek)(struct ponto_discovery_handle *handle, unsigned version, const struct ponto_bytes *ids,
		    size_t count, uint64_t tag);
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

/* Pieces are held and sought on this handle: its owner's answers, called with the arg of open. Neighbours are answered
 * while addresses are published: where pieces can be had. Of the address that is all zero, every own one of that
 * family is told on its link; of others, those that lie on the link. PONTO_ENOTSUP: not by this plugin, or not of
 * this topic. copies */
PONTO_MUST_CHECK static inline int ponto_discovery_pieces(struct ponto_discovery d,
							  struct ponto_discovery_handle *handle,
							  const struct ponto_discovery_pieces *events)
{
	return PONTO_HAS(d.ops, pieces) ? d.ops->pieces(handle, events) : PONTO_ENOTSUP;
}

/* Asks neighbours who holds these, at most PONTO_PIECES_MAX, in one question of that version of the protocol; what is
 * found comes with the tag. No callback comes before it returns. PONTO_EINVAL: none, too many, of a length that the
 * version does not have; PONTO_EBUSY: too many questions at once; PONTO_ENOMEM, PONTO_ENOTSUP. copies */
PONTO_MUST_CHECK static inline int ponto_discovery_seek(struct ponto_discovery d, struct ponto_discovery_handle *handle,
							unsigned version, const struct ponto_bytes *ids, size_t count,
							uint64_t tag)
{
	return PONTO_HAS(d.ops, seek) ? d.ops->seek(handle, version, ids, count, tag) : PONTO_ENOTSUP;
}

#ifdef __cplusplus
}
#endif
#endif
