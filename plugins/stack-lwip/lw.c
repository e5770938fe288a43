#include "plugins/stack-lwip/lw.h"

#include <lwip/ip6.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NEXT_TCP 6

char lw_order;

/* ---- bells ------------------------------------------------------------------------------------ */

int lw_bell_open(struct lw_bell *bell, struct ponto_loop *loop, ponto_watch_fn *fn, void *arg)
{
	int result;

	bell->loop = loop;
	bell->watch = NULL;
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell->fd < 0)
		return PONTO_EBUSY;
	result = ponto_watch_create(loop, bell->fd, PONTO_READABLE, fn, arg, &bell->watch);
	if (result != PONTO_OK)
		lw_bell_close(bell);
	return result;
}

void lw_bell_ring(struct lw_bell *bell)
{
	const uint64_t one = 1;

	/* A full counter rings as well. */
	if (bell->fd >= 0 && write(bell->fd, &one, sizeof(one)) < 0)
		return;
}

void lw_bell_heard(struct lw_bell *bell)
{
	uint64_t rings;

	if (bell->fd >= 0 && read(bell->fd, &rings, sizeof(rings)) < 0)
		return;
}

void lw_bell_close(struct lw_bell *bell)
{
	ponto_watch_destroy(bell->loop, bell->watch);
	bell->watch = NULL;
	if (bell->fd >= 0)
		close(bell->fd);
	bell->fd = -1;
}

/* ---- addresses and results ---------------------------------------------------------------------- */

void lw_to_ip(const struct ponto_addr *addr, ip_addr_t *out)
{
	memset(out, 0, sizeof(*out));
	IP_SET_TYPE(out, IPADDR_TYPE_V6);
	memcpy(ip_2_ip6(out)->addr, addr->ip, 16);
}

void lw_from_ip(const ip_addr_t *ip, uint16_t port, struct ponto_addr *out)
{
	*out = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = port};
	memcpy(out->ip, ip_2_ip6(ip)->addr, 16);
}

int lw_result(err_t error)
{
	switch (error) {
	case ERR_OK:
		return PONTO_OK;
	case ERR_MEM:
	case ERR_BUF:
		return PONTO_ENOMEM;
	case ERR_RTE:
		return PONTO_EUNREACH;
	case ERR_USE:
		return PONTO_EEXIST;
	case ERR_ABRT: /* how it ends what nobody acknowledged */
	case ERR_TIMEOUT:
		return PONTO_ETIME;
	case ERR_RST:
	case ERR_CLSD:
	case ERR_CONN:
		return PONTO_ECLOSED;
	case ERR_VAL:
	case ERR_ARG:
		return PONTO_EINVAL;
	default:
		return PONTO_EIO;
	}
}

/* ---- packets ------------------------------------------------------------------------------------- */

static err_t queue_packet(struct lw *lw, struct pbuf *p)
{
	struct lw_packet *packet;

	if (!lw->attached || lw->ip.family == PONTO_FAMILY_NONE || lw->out_count >= LW_OUT || p->tot_len > LW_MTU ||
	    p->tot_len < 40)
		return ERR_OK;
	packet = ponto_resize(lw->env->alloc, NULL, 1, sizeof(*packet) + p->tot_len);
	if (!packet)
		return ERR_MEM;
	packet->next = NULL;
	packet->len = p->tot_len;
	pbuf_copy_partial(p, packet->data, p->tot_len, 0);
	/* Not its own news about routers and neighbours. */
	if (packet->data[6] != NEXT_TCP || memcmp(packet->data + 8, lw->ip.ip, 16) != 0) {
		ponto_free(lw->env->alloc, packet);
		return ERR_OK;
	}
	*lw->out_tail = packet;
	lw->out_tail = &packet->next;
	if (lw->out_count++ == 0)
		lw_bell_ring(&lw->bell);
	return ERR_OK;
}

/* From lwIP, under its lock. */
static err_t send_packet(struct netif *netif, struct pbuf *p, const ip6_addr_t *next_hop)
{
	err_t result;

	(void)next_hop;
	LW_ENTERED();
	result = queue_packet(netif->state, p);
	LW_LEAVING();
	return result;
}

static struct lw_packet *take_packets(struct lw *lw)
{
	struct lw_packet *list;

	lw_lock();
	list = lw->out;
	lw->out = NULL;
	lw->out_tail = &lw->out;
	lw->out_count = 0;
	lw_unlock();
	return list;
}

static void free_packets(struct lw *lw, struct lw_packet *list)
{
	while (list) {
		struct lw_packet *next = list->next;

		ponto_free(lw->env->alloc, list);
		list = next;
	}
}

static void packets_wait(void *arg, unsigned events)
{
	struct ponto_bytes batch[PONTO_BATCH];
	struct lw *lw = arg;
	struct lw_packet *list, *p;
	size_t count = 0;

	(void)events;
	lw_bell_heard(&lw->bell);
	list = take_packets(lw);
	for (p = list; p && lw->output; p = p->next) {
		batch[count++] = ponto_bytes(p->data, p->len);
		if (count == PONTO_BATCH || !p->next) {
			lw->output(lw->arg, batch, count);
			count = 0;
		}
	}
	free_packets(lw, list);
}

bool lw_input(struct lw *lw, struct ponto_bytes packet)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)packet.len, PBUF_RAM);
	bool taken = p && pbuf_take(p, packet.data, (u16_t)packet.len) == ERR_OK;

	if (taken) {
		lw_lock();
		ip6_input(p, &lw->netif);
		lw_unlock();
	} else if (p) {
		pbuf_free(p);
	}
	return taken;
}

/* ---- the host ------------------------------------------------------------------------------------- */

static sem_t started;

static void is_started(void *arg)
{
	sem_post(arg);
}

/* Its thread stays as long as the process, as lwIP has it. */
static void start(void)
{
	sigset_t all, before;

	sem_init(&started, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	tcpip_init(is_started, &started);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (sem_wait(&started) < 0)
		;
}

static err_t init_netif(struct netif *netif)
{
	netif->name[0] = 'p';
	netif->name[1] = 'o';
	netif->mtu = LW_MTU;
	netif->output_ip6 = send_packet;
	return ERR_OK;
}

int lw_create(const struct ponto_env *env, const struct lw_settings *settings, struct lw **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct lw *lw = ponto_new(env->alloc, 1, sizeof(*lw));
	bool added;

	if (!lw)
		return PONTO_ENOMEM;
	pthread_once(&once, start);
	lw->env = env;
	lw->settings = *settings;
	lw->out_tail = &lw->out;
	lw->bell.fd = -1;
	lw_lock();
	added = netif_add_noaddr(&lw->netif, lw, init_netif, ip6_input) != NULL;
	if (added) {
		netif_set_up(&lw->netif);
		netif_set_link_up(&lw->netif);
	}
	lw_unlock();
	if (!added) {
		ponto_free(env->alloc, lw);
		return PONTO_EIO;
	}
	*out = lw;
	return PONTO_OK;
}

void lw_destroy(struct lw *lw)
{
	if (!lw)
		return;
	lw_detach(lw);
	lw_lock();
	/* Ends what connections it still had for itself. */
	netif_remove(&lw->netif);
	lw_unlock();
	ponto_free(lw->env->alloc, lw);
}

int lw_attach(struct lw *lw, struct ponto_loop *loop,
	      void (*output)(void *arg, const struct ponto_bytes *packets, size_t count), void *arg)
{
	int result = lw_bell_open(&lw->bell, loop, packets_wait, lw);

	if (result != PONTO_OK)
		return result;
	lw->output = output;
	lw->arg = arg;
	lw_lock();
	lw->attached = true;
	lw_unlock();
	return PONTO_OK;
}

void lw_detach(struct lw *lw)
{
	if (!lw->output)
		return;
	lw_lock();
	lw->attached = false;
	lw_unlock();
	free_packets(lw, take_packets(lw));
	lw_bell_close(&lw->bell);
	lw->output = NULL;
}

void lw_address(struct lw *lw, const uint8_t *ip)
{
	lw_lock();
	lw->ip = (struct ponto_addr){.family = ip ? PONTO_FAMILY_IPV6 : PONTO_FAMILY_NONE};
	if (ip) {
		ip_addr_t addr;

		memcpy(lw->ip.ip, ip, 16);
		lw_to_ip(&lw->ip, &addr);
		netif_ip6_addr_set(&lw->netif, 1, ip_2_ip6(&addr));
	}
	/* Without duplicate detection: nobody else is on this link. */
	netif_ip6_addr_set_state(&lw->netif, 1, ip ? IP6_ADDR_PREFERRED : IP6_ADDR_INVALID);
	lw_unlock();
}

const struct ponto_transport_ops lw_stream_ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(lw_stream_ops)},
	.connect = lw_connect,
	.listen = lw_listen,
	.unlisten = lw_unlisten,
	.adopt = lw_adopt,
	.write = lw_write,
	.resume = lw_resume,
	.shutdown = lw_shutdown,
	.abort = lw_abort,
	.listening = lw_listening,
	.ends = lw_ends,
};
