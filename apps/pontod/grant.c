/* What only the privileged can open, before privileges are given up: node.grants. An interface has a helper, a process
 * with CAP_NET_ADMIN and nothing else, for its address changes later; it ends with the daemon, whatever ends that. */
#include <cap-ng.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/pontod/pontod.h"

static int refused(const char *name, const char *capability, char reason[PONTOD_REASON])
{
	bool forbidden = errno == EPERM || errno == EACCES;

	snprintf(reason, PONTOD_REASON, "node.grants: %s: %s%s%s", name, strerror(errno), forbidden ? ": it takes " : "",
		 forbidden ? capability : "");
	return forbidden ? PONTO_EACCES : PONTO_EIO;
}

/* Only the requests pass: answers are the kernel's, and go to whoever asked. */
static int open_echo(struct ponto_grant *grant, char reason[PONTOD_REASON])
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &filter);
	grant->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (grant->fd < 0 || setsockopt(grant->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) != 0)
		return refused(grant->name, "CAP_NET_RAW", reason);
	return PONTO_OK;
}

/* It holds the channel alone, and no descriptor of the interface, which must go with the daemon. */
static void be_helper(const struct daemon *d, const char *name, int channel)
{
	char reason[PONTOD_REASON];

	/* systemd and terminals send these to all; it ends when the channel does. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "pontod-net");
	if (place_become(d, CAP_NET_ADMIN, reason) == PONTO_OK && dup2(channel, STDIN_FILENO) == STDIN_FILENO) {
		closefrom(STDERR_FILENO + 1);
		grant_net_serve(name, STDIN_FILENO);
	}
	_exit(0);
}

static int start_helper(const struct daemon *d, struct ponto_grant *grant, pid_t *helper)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	grant->control = pair[0];
	*helper = fork();
	if (*helper == 0)
		be_helper(d, grant->name + 4, pair[1]);
	close(pair[1]);
	return *helper < 0 ? -1 : 0;
}

static int open_tun(const struct daemon *d, struct ponto_grant *grant, pid_t *helper, char reason[PONTOD_REASON])
{
	grant->address = grant_net_address;
	if (grant_net_open(grant->name + 4, &grant->fd) != 0 || start_helper(d, grant, helper) != 0) {
		if (*helper < 0)
			*helper = 0;
		return refused(grant->name, "CAP_NET_ADMIN", reason);
	}
	return PONTO_OK;
}

int grants_open(struct daemon *d, char reason[PONTOD_REASON])
{
	const char *const *names = ponto_conf_list(daemon_node_conf(d), "grants");

	for (size_t i = 0; names[i]; i++) {
		struct ponto_grant *grant = &d->grants[i];
		int result;

		if (i == PONTOD_GRANTS) {
			snprintf(reason, PONTOD_REASON, "node.grants: at most %d", PONTOD_GRANTS);
			return PONTO_ECONF;
		}
		*grant = (struct ponto_grant){.name = names[i], .fd = -1, .control = -1};
		d->grant_count = i + 1;
		if (strcmp(names[i], "echo") == 0)
			result = open_echo(grant, reason);
		else
			result = open_tun(d, grant, &d->helpers[i], reason);
		if (result != PONTO_OK)
			return result;
	}
	return PONTO_OK;
}

void grants_close(struct daemon *d)
{
	while (d->grant_count > 0) {
		const struct ponto_grant *grant = &d->grants[--d->grant_count];

		if (grant->fd >= 0)
			close(grant->fd);
		if (grant->control >= 0)
			close(grant->control);
		while (d->helpers[d->grant_count] > 0 && waitpid(d->helpers[d->grant_count], NULL, 0) < 0 && errno == EINTR)
			;
	}
}
