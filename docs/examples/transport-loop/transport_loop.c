/* transport-loop: datagrams between the handles that one component opened,
 * without any network: [::1] with the ports they asked for.
 *
 * A datagram is copied into the receiver's queue and handed over from a timer,
 * because a send never calls back. Handles of different loops do not meet, so
 * only the list of handles, which all threads change, has a lock. */
#include <pthread.h>
#include <string.h>

#include "framework/transport.h"

#define FIRST_PORT 49152 /* for handles that ask for none and an instance without one */
#define LONGEST 65527	 /* bytes, as over UDP */
#define QUEUE_LIMIT 256	 /* datagrams; what comes beyond is lost, as on any network */

struct packet {
	struct packet *next;
	struct ponto_addr from, to;
	uint8_t hop_limit, ecn;
	size_t len;
	uint8_t data[];
};

struct loop_transport {
	const struct ponto_env *env;
	pthread_mutex_t lock;
	struct ponto_datagram_handle *handles;
};

struct ponto_datagram_handle {
	struct loop_transport *transport;
	struct ponto_datagram_handle *next;
	struct ponto_loop *loop;
	struct ponto_datagram_events events;
	void *arg;
	struct ponto_addr local;
	struct ponto_timer *timer;
	struct packet *first, **last;
	size_t queued;
	bool busy, closed; /* deliver calls back; and the handle was closed meanwhile */
};

static int loop_create(const struct ponto_env *env, void **self)
{
	struct loop_transport *t = ponto_new(env->alloc, 1, sizeof(*t));

	if (!t)
		return PONTO_ENOMEM;
	t->env = env;
	pthread_mutex_init(&t->lock, NULL);
	*self = t;
	return PONTO_OK;
}

static void loop_destroy(void *self)
{
	struct loop_transport *t = self;

	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	ponto_free(t->env->alloc, t);
}

/* The handle of that loop and port; the caller holds the lock. */
static struct ponto_datagram_handle *find(const struct loop_transport *t, const struct ponto_loop *loop, uint16_t port)
{
	struct ponto_datagram_handle *h = t->handles;

	while (h && (h->loop != loop || h->local.port != port))
		h = h->next;
	return h;
}

static struct packet *take(struct ponto_datagram_handle *h)
{
	struct packet *p = h->first;

	if (!p)
		return NULL;
	h->first = p->next;
	if (!h->first)
		h->last = &h->first;
	h->queued--;
	return p;
}

/* One batch; the rest at the next turn of the loop, so that others have theirs. */
static void deliver(void *arg)
{
	struct ponto_datagram_handle *h = arg;
	const struct ponto_alloc *alloc = h->transport->env->alloc;
	struct ponto_datagram batch[PONTO_BATCH];
	struct packet *packets[PONTO_BATCH];
	size_t count = 0;

	while (count < PONTO_BATCH && (packets[count] = take(h))) {
		const struct packet *p = packets[count];

		batch[count++] = (struct ponto_datagram){.peer = p->from, .local = p->to, .ecn = p->ecn,
							 .data = ponto_bytes(p->data, p->len),
							 .hop_limit = p->hop_limit};
	}
	h->busy = true;
	if (count > 0)
		h->events.receive(h->arg, batch, count);
	h->busy = false;
	if (h->closed)
		ponto_free(alloc, h);
	else
		ponto_timer_set(h->loop, h->timer, h->first ? ponto_loop_now(h->loop) : PONTO_NEVER);
	while (count > 0)
		ponto_free(alloc, packets[--count]);
}

/* Takes a port and a place in the list, under the lock. */
static int enter(struct loop_transport *t, struct ponto_datagram_handle *h, uint16_t port)
{
	int result = PONTO_OK;

	pthread_mutex_lock(&t->lock);
	if (port == 0) {
		for (port = FIRST_PORT; port != 0 && find(t, h->loop, port); port++)
			;
	}
	if (port == 0 || find(t, h->loop, port)) {
		result = PONTO_EEXIST;
	} else {
		h->local = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = port};
		h->local.ip[15] = 1;
		h->next = t->handles;
		t->handles = h;
	}
	pthread_mutex_unlock(&t->lock);
	return result;
}

static int loop_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
		     const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out)
{
	struct loop_transport *t = self;
	struct ponto_datagram_handle *h;
	int result;

	if (want->scope == PONTO_SCOPE_NONE)
		return PONTO_EINVAL;
	if (want->scope != PONTO_SCOPE_LOOPBACK)
		return PONTO_ENOENT;
	h = ponto_new(t->env->alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	h->transport = t;
	h->loop = loop;
	h->events = *events;
	h->arg = arg;
	h->last = &h->first;
	result = ponto_timer_create(loop, deliver, h, &h->timer);
	if (result == PONTO_OK)
		result = enter(t, h, want->port ? want->port : (uint16_t)ponto_conf_int(t->env->conf, "port"));
	if (result != PONTO_OK) {
		ponto_timer_destroy(loop, h->timer);
		ponto_free(t->env->alloc, h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

static void loop_close(struct ponto_datagram_handle *h)
{
	struct loop_transport *t = h->transport;
	struct ponto_datagram_handle **at = &t->handles;
	struct packet *p;

	pthread_mutex_lock(&t->lock);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	pthread_mutex_unlock(&t->lock);
	while ((p = take(h)))
		ponto_free(t->env->alloc, p);
	ponto_timer_destroy(h->loop, h->timer);
	h->closed = true;
	if (!h->busy)
		ponto_free(t->env->alloc, h);
}

static int loop_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count)
{
	if (cap > 0)
		out[0] = h->local;
	*count = 1;
	return PONTO_OK;
}

static int send_one(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	struct loop_transport *t = h->transport;
	struct ponto_datagram_handle *to;
	struct packet *p;

	if (d->peer.family == PONTO_FAMILY_NONE || d->peer.port == 0)
		return PONTO_EINVAL;
	if (d->data.len > LONGEST)
		return PONTO_ELIMIT;
	if (!ponto_addr_same_host(&d->peer, &h->local) ||
	    (d->local.family != PONTO_FAMILY_NONE && !ponto_addr_same_host(&d->local, &h->local)))
		return PONTO_EUNREACH;
	pthread_mutex_lock(&t->lock);
	to = find(t, h->loop, d->peer.port);
	pthread_mutex_unlock(&t->lock);
	if (!to || to->queued == QUEUE_LIMIT)
		return PONTO_OK; /* lost on the way */
	p = ponto_new(t->env->alloc, 1, sizeof(*p) + d->data.len);
	if (!p)
		return PONTO_ENOMEM;
	p->from = h->local;
	p->to = to->local;
	p->hop_limit = d->hop_limit ? d->hop_limit : 64;
	p->ecn = d->ecn;
	p->len = d->data.len;
	if (p->len > 0)
		memcpy(p->data, d->data.data, p->len);
	*to->last = p;
	to->last = &p->next;
	to->queued++;
	ponto_timer_set(to->loop, to->timer, ponto_loop_now(to->loop));
	return PONTO_OK;
}

static int loop_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent)
{
	int result = PONTO_OK;
	size_t done = 0;

	while (done < count && result == PONTO_OK) {
		result = send_one(h, &batch[done]);
		done += result == PONTO_OK;
	}
	*sent = done;
	return result;
}

static const struct ponto_option options[] = {
	{.name = "port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 65535,
	 .doc = "port of handles that ask for none; 0: the first free one from 49152 on"},
};

static const char *const offers[] = {PONTO_FEATURE_DATAGRAM, NULL};

static const struct ponto_transport_ops ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},
	.create = loop_create,
	.destroy = loop_destroy,
	.open = loop_open,
	.close = loop_close,
	.local = loop_local,
	.send = loop_send,
};

PONTO_PLUGIN(transport_loop) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_TRANSPORT,
	.name = "transport-loop",
	.version = "1",
	.summary = "datagrams between handles of one component, without a network",
	.offers = offers,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
