#include "plugins/stack-netns/stack.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "plugins/stack-lwip/stack_lwip.h"
#include "plugins/stack-netns/stack_netns.h"
#include "plugins/stack-netns/stack_offload.h"

#define TOPIC "transport.stack"
#define TURN 16		     /* reads from the interface before others have their turn */
#define TURN_HOST PONTO_BATCH /* of the machine's, which are mostly small */

#define NEXT_TCP 6
#define NEXT_UDP 17
#define NEXT_FRAGMENT 44
#define NEXT_ESP 50
#define NEXT_AH 51
#define NEXT_ICMP6 58
#define NEXT_SCTP 132
#define NEXT_UDP_LITE 136
#define ICMP6_ERROR_LAST 127 /* RFC 4443: below are errors */
#define ICMP6_ECHO_REPLY 129

struct stack {
	struct tcp_transport tcp; /* first: self of the streams */
	struct lw *lw;		  /* not NULL: it keeps the streams */
	const struct ponto_grant *host; /* not NULL: the machine is behind it */
	struct netns ns;
	uint8_t ip[16];
	bool has_ip;

	pthread_mutex_t lock; /* of the sockets */
	int sockets[NETNS_SOCKETS];
	size_t socket_count;

	/* the packets' side, one thread's */
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	stack_output_fn *output;
	void *arg;
	struct stack_stats stats;
	struct offload_join join;
	uint8_t large[OFFLOAD_LARGEST];
	uint8_t packets[PONTO_BATCH][STACK_MTU];
	struct ponto_bytes batch[PONTO_BATCH];
	size_t batched;
};

/* ---- sockets -------------------------------------------------------------------------------- */

static void tell(const struct ponto_env *env, int result, const struct netns_failure *failure)
{
	ponto_warning(env->log, TOPIC, "%s: %s%s", failure->step, strerror(failure->error),
		      result == PONTO_EACCES ? "; unprivileged namespaces seem to be forbidden here" : "");
}

/* A helper's turn takes some tens of microseconds, once for NETNS_SOCKETS streams. */
static int take_socket(struct tcp_transport *tcp, uint8_t family, int *fd)
{
	struct stack *stack = (struct stack *)tcp;
	struct netns_failure failure;
	int result = PONTO_OK;

	if (family != PONTO_FAMILY_IPV6)
		return PONTO_EINVAL;
	pthread_mutex_lock(&stack->lock);
	if (stack->socket_count == 0) {
		result = netns_sockets(&stack->ns, stack->sockets, &stack->socket_count, &failure);
		if (result != PONTO_OK)
			tell(tcp->env, result, &failure);
	}
	if (result == PONTO_OK)
		*fd = stack->sockets[--stack->socket_count];
	pthread_mutex_unlock(&stack->lock);
	return result;
}

static const struct ponto_transport_ops stream_ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(stream_ops)},
	TCPT_STREAM_OPS,
};

struct ponto_transport stack_streams(struct stack *stack)
{
	if (stack->lw)
		return (struct ponto_transport){.ops = &lw_stream_ops, .self = stack->lw};
	return (struct ponto_transport){.ops = &stream_ops, .self = &stack->tcp};
}

enum stack_kind stack_kind(const struct stack *stack)
{
	if (stack->lw)
		return STACK_LWIP;
	return stack->host ? STACK_HOST : STACK_KERNEL;
}

/* ---- packets out ---------------------------------------------------------------------------- */

static void send_batch(struct stack *stack)
{
	if (stack->batched == 0)
		return;
	stack->stats.out += stack->batched;
	stack->output(stack->arg, stack->batch, stack->batched);
	stack->batched = 0;
}

static uint8_t *next_packet(struct stack *stack)
{
	if (stack->batched == PONTO_BATCH)
		send_batch(stack);
	return stack->packets[stack->batched];
}

static void add_packet(struct stack *stack, size_t len)
{
	stack->batch[stack->batched] = ponto_bytes(stack->packets[stack->batched], len);
	stack->batched++;
}

static void cut(struct stack *stack, struct ponto_bytes large, size_t size)
{
	for (size_t i = 0;; i++) {
		size_t len = offload_cut(large, size, i, next_packet(stack), STACK_MTU);

		if (len == 0)
			return;
		add_packet(stack, len);
	}
}

/* From the kernel: one packet, or a large one. */
static void came_out(struct stack *stack, const struct virtio_net_hdr *head, size_t len)
{
	struct ponto_bytes packet = ponto_bytes(stack->large, len);

	/* Neither its own news about groups and routers nor, but from the machine, other protocols; nothing of an address it
	 * lost. */
	bool tcp = offload_is_tcp(packet);

	if ((!tcp && (!stack->host || len < OFFLOAD_IP || head->gso_type != VIRTIO_NET_HDR_GSO_NONE)) || !stack->has_ip ||
	    memcmp(stack->large + 8, stack->ip, 16) != 0) {
		stack->stats.dropped++;
		return;
	}
	stack->stats.out_split++;
	if (head->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		cut(stack, packet, head->gso_size);
		return;
	}
	if (len > STACK_MTU || (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
				!offload_complete(stack->large, len, head->csum_start, head->csum_offset))) {
		stack->stats.dropped++;
		return;
	}
	memcpy(next_packet(stack), stack->large, len);
	add_packet(stack, len);
}

static void tun_ready(void *arg, unsigned events)
{
	struct stack *stack = arg;

	(void)events;
	for (unsigned i = 0; i < (stack->host ? TURN_HOST : TURN); i++) {
		struct virtio_net_hdr head;
		struct iovec parts[] = {{&head, sizeof(head)}, {stack->large, sizeof(stack->large)}};
		ssize_t got = readv(stack->ns.tun, parts, 2);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)sizeof(head))
			break;
		came_out(stack, &head, (size_t)got - sizeof(head));
	}
	send_batch(stack);
}

/* ---- packets in -------------------------------------------------------------------------------- */

static void into_kernel(struct stack *stack, const struct virtio_net_hdr *head, struct ponto_bytes packet)
{
	struct iovec parts[] = {{(void *)(uintptr_t)head, sizeof(*head)}, {(void *)(uintptr_t)packet.data, packet.len}};
	ssize_t done;

	do
		done = writev(stack->ns.tun, parts, 2);
	while (done < 0 && errno == EINTR);
	stack->stats.in_joined++;
	/* As on any network, what there is no room for is lost. */
	if (done < 0)
		stack->stats.dropped++;
}

void stack_flush(struct stack *stack)
{
	struct virtio_net_hdr head = {0};
	struct offload_join *join = &stack->join;

	if (join->len == 0)
		return;
	if (join->count > 1) {
		offload_finish(join);
		head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		head.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		head.hdr_len = (uint16_t)(OFFLOAD_IP + (join->packet[OFFLOAD_IP + 12] >> 4) * 4);
		head.gso_size = (uint16_t)join->size;
		head.csum_start = OFFLOAD_IP;
		head.csum_offset = 16;
	}
	into_kernel(stack, &head, ponto_bytes(join->packet, join->len));
	join->len = 0;
}

/* What hosts may tell a machine that is no router: no news about routers and neighbours, RFC 4861, and no headers that
 * send packets on, RFC 4380 5.2.3 leaves to us. */
static bool fit_for_host(const uint8_t *p, size_t len)
{
	uint8_t next = p[6];

	if (next == NEXT_FRAGMENT)
		next = p[OFFLOAD_IP];
	else if (next == NEXT_ICMP6)
		return len > OFFLOAD_IP && p[OFFLOAD_IP] <= ICMP6_ECHO_REPLY;
	return next == NEXT_TCP || next == NEXT_UDP || next == NEXT_ICMP6 || next == NEXT_ESP || next == NEXT_AH ||
	       next == NEXT_SCTP || next == NEXT_UDP_LITE;
}

/* RFC 8200 and 4443: for the address it has, and no more than a stream needs. */
static bool acceptable(const struct stack *stack, struct ponto_bytes packet)
{
	const uint8_t *p = packet.data;

	if (packet.len < OFFLOAD_IP + 8 || packet.len > STACK_MTU || p[0] >> 4 != 6 ||
	    OFFLOAD_IP + (size_t)(p[4] << 8 | p[5]) != packet.len)
		return false;
	if (!stack->has_ip || memcmp(p + 24, stack->ip, 16) != 0 || memcmp(p + 8, stack->ip, 16) == 0)
		return false;
	if (stack->host)
		return fit_for_host(p, packet.len);
	return p[6] == NEXT_TCP || (p[6] == NEXT_ICMP6 && p[OFFLOAD_IP] <= ICMP6_ERROR_LAST);
}

void stack_input(struct stack *stack, struct ponto_bytes packet)
{
	struct virtio_net_hdr head = {0};

	if (!acceptable(stack, packet)) {
		stack->stats.dropped++;
		return;
	}
	stack->stats.in++;
	if (stack->lw) {
		stack->stats.dropped += !lw_input(stack->lw, packet);
		return;
	}
	if (offload_add(&stack->join, packet))
		return;
	stack_flush(stack);
	if (!offload_add(&stack->join, packet))
		into_kernel(stack, &head, packet);
}

/* From lwIP. */
static void lwip_output(void *arg, const struct ponto_bytes *packets, size_t count)
{
	struct stack *stack = arg;

	stack->stats.out += count;
	stack->output(stack->arg, packets, count);
}

/* ---- making and unmaking ------------------------------------------------------------------------- */

int stack_attach(struct stack *stack, struct ponto_loop *loop, stack_output_fn *output, void *arg)
{
	stack->loop = loop;
	stack->output = output;
	stack->arg = arg;
	if (stack->lw)
		return lw_attach(stack->lw, loop, lwip_output, stack);
	return ponto_watch_create(loop, stack->ns.tun, PONTO_READABLE, tun_ready, stack, &stack->watch);
}

void stack_detach(struct stack *stack)
{
	if (stack->lw)
		lw_detach(stack->lw);
	if (stack->watch)
		ponto_watch_destroy(stack->loop, stack->watch);
	stack->watch = NULL;
}

int stack_address(struct stack *stack, const uint8_t *ip)
{
	struct netns_failure failure;
	int result = PONTO_OK;

	if (ip ? stack->has_ip && memcmp(stack->ip, ip, 16) == 0 : !stack->has_ip)
		return PONTO_OK;
	if (stack->lw)
		lw_address(stack->lw, ip);
	else if (stack->host)
		result = stack->host->address(stack->host, stack->tcp.env->log, ip);
	else
		result = netns_address(&stack->ns, stack->has_ip ? stack->ip : NULL, ip, &failure);
	if (result != PONTO_OK) {
		if (!stack->host)
			tell(stack->tcp.env, result, &failure);
		return result;
	}
	stack->has_ip = ip != NULL;
	if (ip)
		memcpy(stack->ip, ip, 16);
	return PONTO_OK;
}

static int make_host(struct stack *stack, const struct ponto_env *env, const struct tcp_settings *settings,
		     enum stack_kind kind)
{
	const struct lw_settings weak = {settings->connect_timeout, settings->keepalive, settings->backlog,
					 settings->max_streams};
	struct netns_failure failure;
	int result;

	if (kind == STACK_LWIP)
		return lw_create(env, &weak, &stack->lw);
	result = netns_open(&stack->ns, &failure);
	if (result != PONTO_OK)
		tell(env, result, &failure);
	return result;
}

static struct stack *make(const struct ponto_env *env, const struct tcp_settings *settings, tcpt_socket_fn *socket)
{
	struct stack *stack = ponto_new(env->alloc, 1, sizeof(*stack));

	if (!stack)
		return NULL;
	stack->ns = (struct netns){-1, -1, -1};
	pthread_mutex_init(&stack->lock, NULL);
	tcpt_init(&stack->tcp, env, settings, socket);
	stack->tcp.ops = &stream_ops;
	return stack;
}

int stack_create(const struct ponto_env *env, const struct tcp_settings *settings, enum stack_kind kind,
		 struct stack **out)
{
	struct stack *stack = make(env, settings, take_socket);
	int result;

	if (!stack)
		return PONTO_ENOMEM;
	result = make_host(stack, env, settings, kind);
	if (result != PONTO_OK) {
		stack_destroy(stack);
		return result;
	}
	*out = stack;
	return PONTO_OK;
}

int stack_create_host(const struct ponto_env *env, const struct tcp_settings *settings, const struct ponto_grant *grant,
		      struct stack **out)
{
	struct stack *stack = make(env, settings, tcpt_socket_plain);

	if (!stack)
		return PONTO_ENOMEM;
	if (grant && ioctl(grant->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO6) < 0) {
		ponto_error(env->log, TOPIC, "%s has no offloads: %s", grant->name, strerror(errno));
		stack_destroy(stack);
		return PONTO_EIO;
	}
	stack->host = grant;
	stack->ns.tun = grant ? grant->fd : -1;
	*out = stack;
	return PONTO_OK;
}

void stack_destroy(struct stack *stack)
{
	if (!stack)
		return;
	stack_detach(stack);
	if (stack->host && stack_address(stack, NULL) != PONTO_OK)
		ponto_warning(stack->tcp.env->log, TOPIC, "the machine keeps an address that is nobody's");
	while (stack->socket_count > 0)
		close(stack->sockets[--stack->socket_count]);
	if (!stack->host)
		netns_close(&stack->ns);
	lw_destroy(stack->lw);
	pthread_mutex_destroy(&stack->lock);
	ponto_free(stack->tcp.env->alloc, stack);
}

void stack_stats(const struct stack *stack, struct stack_stats *out)
{
	*out = stack->stats;
}
