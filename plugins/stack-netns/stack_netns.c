#include "plugins/stack-netns/stack_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/stack-netns/stack.h"

#define CHILD_STACK (128 * 1024)
#define INTERFACE "ponto0"

#if defined(__SANITIZE_THREAD__)
/* TSan's clone takes every child for a fork's, and loses the caller's order when it shares the memory. */
extern int __clone(int (*run)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

/* As in linux/ipv6_route.h, which does not go with netinet/in.h. */
struct route_request {
	struct in6_addr destination, source, gateway;
	uint32_t type;
	uint16_t destination_len, source_len;
	uint32_t metric;
	unsigned long info;
	uint32_t flags;
	int interface;
};

struct job {
	int (*run)(struct job *job); /* in the child: 0 or an errno */
	int channel;
	int user, net; /* to join, or -1 */
	const uint8_t *old, *ip;
	int fds[NETNS_SOCKETS];
	size_t count;
	bool done; /* it came to its end, well or not */
	struct netns_failure failure;
};

/* ---- in the child: system calls only ------------------------------------------------------ */

static int failed(struct job *job, const char *step)
{
	job->failure = (struct netns_failure){step, errno ? errno : EIO};
	return job->failure.error;
}

static int pass_back(struct job *job)
{
	union {
		struct cmsghdr head;
		uint8_t space[CMSG_SPACE(sizeof(int) * NETNS_SOCKETS)];
	} control = {0};
	uint8_t byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *head = &control.head;

	if (job->count == 0)
		return 0;
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(sizeof(int) * job->count);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * job->count);
	memcpy(CMSG_DATA(head), job->fds, sizeof(int) * job->count);
	if (sendmsg(job->channel, &message, MSG_NOSIGNAL) < 0)
		return failed(job, "descriptors cannot be passed");
	return 0;
}

static int child(void *arg)
{
	struct job *job = arg;
	int result = 0;

	if (job->user >= 0 && (setns(job->user, CLONE_NEWUSER) < 0 || setns(job->net, CLONE_NEWNET) < 0))
		result = failed(job, "the namespace cannot be entered");
	if (result == 0)
		result = job->run(job);
	if (result == 0)
		result = pass_back(job);
	job->done = true;
	return result != 0;
}

static int open_tun(struct job *job)
{
	struct ifreq request = {.ifr_name = INTERFACE, .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return failed(job, "/dev/net/tun cannot be opened");
	job->fds[job->count++] = fd;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return failed(job, "no interface can be made in the namespace");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO6) < 0)
		return failed(job, "the interface has no offloads");
	return 0;
}

static int set_up(struct job *job, int fd, const char *name)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	request.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? failed(job, "an interface cannot be set up") : 0;
}

static int set_mtu(struct job *job, int fd)
{
	struct ifreq request = {.ifr_name = INTERFACE, .ifr_mtu = STACK_MTU};

	return ioctl(fd, SIOCSIFMTU, &request) < 0 ? failed(job, "the MTU cannot be set") : 0;
}

static int interface_number(struct job *job, int fd, int *out)
{
	struct ifreq request = {.ifr_name = INTERFACE};

	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return failed(job, "the interface is gone");
	*out = request.ifr_ifindex;
	return 0;
}

static int add_route(struct job *job, int fd)
{
	struct route_request route = {.metric = 1, .flags = 1 /* up */};
	int result = interface_number(job, fd, &route.interface);

	if (result == 0 && ioctl(fd, SIOCADDRT, &route) < 0)
		result = failed(job, "no route can be added");
	return result;
}

/* The namespaces' own descriptors, so that later children find them without /proc. */
static int keep_namespaces(struct job *job, int fd)
{
	int net = ioctl(fd, SIOCGSKNS), user;

	if (net < 0)
		return failed(job, "the network namespace cannot be named");
	job->fds[job->count++] = net;
	user = ioctl(net, NS_GET_USERNS);
	if (user < 0)
		return failed(job, "the user namespace cannot be named");
	job->fds[job->count++] = user;
	return 0;
}

static int make_host(struct job *job)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0)
		return failed(job, "there is no IPv6 in the namespace");
	result = open_tun(job);
	if (result == 0)
		result = set_mtu(job, fd);
	if (result == 0)
		result = set_up(job, fd, "lo");
	if (result == 0)
		result = set_up(job, fd, INTERFACE);
	if (result == 0)
		result = add_route(job, fd);
	if (result == 0)
		result = keep_namespaces(job, fd);
	return result;
}

static int make_sockets(struct job *job)
{
	while (job->count < NETNS_SOCKETS) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return job->count > 0 ? 0 : failed(job, "no socket can be made");
		job->fds[job->count++] = fd;
	}
	return 0;
}

/* One request to the kernel and its answer. Without duplicate detection: an address is usable at once, and nobody else
 * is on this link. */
static int change_address(struct job *job, int fd, int interface, uint16_t type, const uint8_t *ip)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg about;
		struct rtattr attribute;
		uint8_t ip[16];
	} request = {
		.head = {.nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.about = {.ifa_family = AF_INET6, .ifa_prefixlen = 128, .ifa_flags = IFA_F_NODAD, .ifa_index = (unsigned)interface},
		.attribute = {.rta_len = RTA_LENGTH(16), .rta_type = IFA_LOCAL},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t request[sizeof(request)];
	} answer;

	memcpy(request.ip, ip, 16);
	if (type == RTM_NEWADDR)
		request.head.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	if (send(fd, &request, sizeof(request), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return failed(job, "the namespace's kernel does not answer");
	errno = -answer.error.error;
	if (errno == 0 || (type == RTM_DELADDR && errno == EADDRNOTAVAIL))
		return 0;
	return failed(job, type == RTM_NEWADDR ? "the address cannot be added" : "the address cannot be taken away");
}

static int set_address(struct job *job)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), result, interface = 0;
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || netlink < 0)
		return failed(job, "there is no IPv6 in the namespace");
	result = interface_number(job, fd, &interface);
	if (result == 0 && job->old)
		result = change_address(job, netlink, interface, RTM_DELADDR, job->old);
	if (result == 0 && job->ip)
		result = change_address(job, netlink, interface, RTM_NEWADDR, job->ip);
	return result;
}

/* ---- outside ----------------------------------------------------------------------------------- */

/* What the child passed; into fds. */
static size_t receive_descriptors(int channel, int fds[NETNS_SOCKETS])
{
	union {
		struct cmsghdr head;
		uint8_t space[CMSG_SPACE(sizeof(int) * NETNS_SOCKETS)];
	} control;
	uint8_t byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	size_t count;

	if (recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return 0;
	head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	return count;
}

/* The child runs on the caller's memory and on a stack of its own, while the caller waits. */
static int run_child(struct job *job, int namespaces)
{
	uint8_t *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	sigset_t all, before;
	pid_t pid;

	if (stack == MAP_FAILED)
		return failed(job, "no memory for a helper");
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	/* Without a signal at its end: the program's own children are none of ours. */
	pid = clone(child, stack + CHILD_STACK, CLONE_VM | CLONE_VFORK | namespaces, job);
	if (pid < 0)
		failed(job, namespaces ? "no user and network namespace can be made" : "no helper process can be made");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (pid >= 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	munmap(stack, CHILD_STACK);
	return pid < 0 ? job->failure.error : 0;
}

static int result_of(const struct job *job)
{
	switch (job->failure.error) {
	case EPERM:
	case EACCES:
	case ENOSPC: /* user.max_user_namespaces is 0 */
	case EUSERS:
		return PONTO_EACCES;
	case ENOENT:
	case ENXIO:
	case ENODEV:
	case EINVAL: /* a kernel without namespaces */
	case ENOSYS:
	case EAFNOSUPPORT:
		return PONTO_ENOTSUP;
	case ENOMEM:
		return PONTO_ENOMEM;
	case EMFILE:
	case ENFILE:
	case EAGAIN:
		return PONTO_EBUSY;
	default:
		return PONTO_EIO;
	}
}

/* Runs the job; what it passed back is in fds and count. */
static int run(struct job *job, int namespaces, size_t wanted, struct netns_failure *failure)
{
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		*failure = (struct netns_failure){"no channel to a helper", errno};
		job->failure = *failure;
		return result_of(job);
	}
	job->channel = pair[1];
	result = run_child(job, namespaces);
	close(pair[1]);
	job->count = receive_descriptors(pair[0], job->fds);
	close(pair[0]);
	if (result == 0 && job->failure.error == 0 && (!job->done || job->count < wanted))
		job->failure = (struct netns_failure){job->done ? "too few descriptors came" : "the helper was ended",
						      job->done ? EMFILE : EIO};
	if (job->failure.error == 0)
		return PONTO_OK;
	for (size_t i = 0; i < job->count; i++)
		close(job->fds[i]);
	*failure = job->failure;
	return result_of(job);
}

int netns_open(struct netns *ns, struct netns_failure *failure)
{
	struct job job = {.run = make_host, .user = -1, .net = -1};
	int result = run(&job, CLONE_NEWUSER | CLONE_NEWNET, 3, failure);

	if (result == PONTO_OK)
		*ns = (struct netns){.tun = job.fds[0], .net = job.fds[1], .user = job.fds[2]};
	return result;
}

void netns_close(struct netns *ns)
{
	int fds[] = {ns->tun, ns->net, ns->user};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	*ns = (struct netns){-1, -1, -1};
}

int netns_sockets(const struct netns *ns, int fds[NETNS_SOCKETS], size_t *count, struct netns_failure *failure)
{
	struct job job = {.run = make_sockets, .user = ns->user, .net = ns->net};
	int result = run(&job, 0, 1, failure);

	if (result == PONTO_OK) {
		memcpy(fds, job.fds, job.count * sizeof(int));
		*count = job.count;
	}
	return result;
}

int netns_address(const struct netns *ns, const uint8_t *old, const uint8_t *ip, struct netns_failure *failure)
{
	struct job job = {.run = set_address, .user = ns->user, .net = ns->net, .old = old, .ip = ip};

	return run(&job, 0, 0, failure);
}
