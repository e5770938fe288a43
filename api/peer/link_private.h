/* Inside the link: what its parts do for each other. */
#ifndef PONTO_API_PEER_LINK_PRIVATE_H
#define PONTO_API_PEER_LINK_PRIVATE_H

/* Clients of the pool that nobody uses: freed; in the child of a fork, given up. */
void link_pool_clear(void);
void link_pool_forget(void);

/* Sees to it that a child starts from nothing. */
void link_at_fork(void);

#endif
