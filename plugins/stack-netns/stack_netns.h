/* stack: what is done inside the namespace, by short-lived helper processes.
 *
 * Only a process may be in a user namespace, not one thread of several. So each job is done by a child that lives as
 * long as the call (as posix_spawn's does: same memory, the calling thread waits, all signals blocked, system calls
 * only), and passes the descriptors it made back by SCM_RIGHTS. Nothing is left that could die, leak or be attacked;
 * the namespaces are kept by descriptors alone. From any thread. */
#ifndef STACK_NETNS_H
#define STACK_NETNS_H

#include "framework/base.h"

#define NETNS_SOCKETS 16 /* made at once */

struct netns {
	int user, net; /* descriptors of the namespaces, or -1 */
	int tun;
};

/* What a failed job says. */
struct netns_failure {
	const char *step;
	int error; /* an errno */
};

/* Makes namespaces and in them the interface, up, with a default route. PONTO_EACCES, PONTO_ENOTSUP, PONTO_EIO. gives */
PONTO_MUST_CHECK int netns_open(struct netns *ns, struct netns_failure *failure);
void netns_close(struct netns *ns);
/* Stream sockets; *count is how many. gives */
PONTO_MUST_CHECK int netns_sockets(const struct netns *ns, int fds[NETNS_SOCKETS], size_t *count,
				   struct netns_failure *failure);
/* Takes old away and adds ip; either may be NULL. borrows */
PONTO_MUST_CHECK int netns_address(const struct netns *ns, const uint8_t *old, const uint8_t *ip,
				   struct netns_failure *failure);

#endif
