/* Ponto: the mapping contract: a port of the NAT, asked of the NAT itself.
 *
 * create/destroy run on the node's thread; open gives a handle bound to the
 * caller's loop: used, called back and closed only there. Nothing blocks. One
 * handle is one port; it stays mapped, and followed, until it is closed. */
#ifndef PONTO_MAPPING_H
#define PONTO_MAPPING_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_MAPPING_ABI 1

enum ponto_mapping_state {
	PONTO_MAPPING_ASKING = 0, /* nothing is known yet, or it was lost and is asked for anew */
	PONTO_MAPPING_HELD = 1,
	PONTO_MAPPING_NONE = 2, /* no protocol got one; tried again by itself */
};

struct ponto_mapping_want {
	struct ponto_addr local; /* the own address and the port to be mapped */
	uint8_t protocol;	 /* 6 or 17 */
	bool exact;		 /* outside the same port, or none */
	uint32_t lifetime;	 /* seconds asked for, renewed in time; 0: without end where that can be had */
	const char *description; /* what the gateway's owner reads; printable ASCII, at most 63 characters. copies */
};

struct ponto_mapping_info {
	uint8_t state;		    /* enum ponto_mapping_state */
	struct ponto_addr external; /* HELD: the address and port outside */
	struct ponto_addr gateway;  /* who was asked; family NONE: there is none */
	char how[16];		    /* HELD: the protocol */
	char why[256];		    /* NONE: what each protocol came to, in words */
};

struct ponto_mapping_events {
	/* Another state, or another external address. Not before open returned. borrows */
	void (*changed)(void *arg, const struct ponto_mapping_info *info);
};

struct ponto_mapping_handle;

struct ponto_mapping_ops {
	struct ponto_vtable head;
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self);
	int (*open)(void *self, struct ponto_loop *loop, const struct ponto_mapping_want *want,
		    const struct ponto_mapping_events *events, void *arg, struct ponto_mapping_handle **out);
	void (*close)(struct ponto_mapping_handle *handle);
	void (*renew)(struct ponto_mapping_handle *handle);
};

struct ponto_mapping {
	const struct ponto_mapping_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* PONTO_EINVAL: no protocol or port that can be mapped; PONTO_ENOTSUP: addresses of this family have no NAT here. gives */
PONTO_MUST_CHECK static inline int ponto_mapping_open(struct ponto_mapping m, struct ponto_loop *loop,
						      const struct ponto_mapping_want *want,
						      const struct ponto_mapping_events *events, void *arg,
						      struct ponto_mapping_handle **out)
{
	return m.ops->open(m.self, loop, want, events, arg, out);
}

/* Accepts NULL. The port is given back, in the background where that takes time: a loop that is stopped waits for it, a
 * few seconds at most. No callback comes afterwards; safe inside one. */
static inline void ponto_mapping_close(struct ponto_mapping m, struct ponto_mapping_handle *handle)
{
	if (handle)
		m.ops->close(handle);
}

/* There is reason to believe that the mapping is gone or changed: looks now. */
static inline void ponto_mapping_renew(struct ponto_mapping m, struct ponto_mapping_handle *handle)
{
	m.ops->renew(handle);
}

#ifdef __cplusplus
}
#endif
#endif
