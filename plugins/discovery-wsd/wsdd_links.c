/* Which links there are, and the sockets on them. */
#include <string.h>

#include "plugins/discovery-wsd/wsdd.h"

/* Questions and answers leave from a port of the handle's own, drawn from IANA's dynamic range: the group's may belong
 * to other programs. */
#define PORT_FIRST 49152u
#define PORT_COUNT 16384u
#define PORT_ATTEMPTS 8

static void addresses_changed(void *arg)
{
	struct wsdd_link *link = arg;

	link->handle->look_at = ponto_loop_now(link->handle->loop);
	wsdd_arm(link->handle);
}

/* ---- sockets -------------------------------------------------------------------------- */

/* One family of a link, from an address on it. */
static int open_socket(struct wsdd_link *link, struct wsdd_socket *s, struct ponto_transport transport,
		       const struct ponto_addr *own)
{
	static const struct ponto_datagram_events events = {.receive = wsdd_link_receive,
							    .addresses_changed = addresses_changed};
	struct ponto_datagram_want want = {.scope = ponto_addr_scope(own), .zone = link->zone};
	const struct ponto_random *random = link->handle->wsdd->env->random;
	int result = PONTO_EEXIST;

	for (unsigned i = 0; i < PORT_ATTEMPTS && result == PONTO_EEXIST; i++) {
		want.port = (uint16_t)(PORT_FIRST + ponto_random_below(random, PORT_COUNT));
		result = ponto_datagrams_open(transport, link->handle->loop, &want, &events, link, &s->net);
	}
	return result;
}

/* One whose addresses all went may be of a scope that does not come back: IPv4 has several. */
static void close_if_useless(struct wsdd_socket *s)
{
	size_t count = 0;

	if (!s->net.handle || (ponto_datagrams_local(s->net, NULL, 0, &count) == PONTO_OK && count > 0))
		return;
	ponto_datagrams_close(&s->net);
	s->joined = false;
}

/* Questions are heard only while there is something to answer with. */
static void join_or_leave(struct wsdd_link *link, unsigned family)
{
	const struct ponto_env *env = link->handle->wsdd->env;
	struct wsdd_socket *s = &link->sockets[family];
	struct ponto_addr group = wsdd_link_group(link, family);
	bool wanted = link->handle->published_count > 0;
	int result;

	if (!s->net.handle || s->joined == wanted)
		return;
	result = wanted ? ponto_datagrams_join(s->net, &group) : ponto_datagrams_leave(s->net, &group);
	s->joined = wanted && result == PONTO_OK;
	if (wanted && result != PONTO_OK && !s->refused)
		ponto_warning(env->log, WSDD_TOPIC, "%s: questions of neighbours cannot be heard: %s; tried again",
			      env->instance, ponto_strerror(result));
	s->refused = wanted && result != PONTO_OK;
}

static bool is_any(const struct ponto_addr *addr)
{
	static const uint8_t any[16];

	return memcmp(addr->ip, any, sizeof(any)) == 0;
}

/* One that is published, as far as it is on this link. */
static void add_addr(const struct wsdd_link *link, const struct ponto_addr *published, bool link_local,
		     struct ponto_addr out[WSD_ADDRS_MAX], size_t *n)
{
	for (size_t i = 0; i < link->prefix_count && *n < WSD_ADDRS_MAX; i++) {
		const struct ponto_addr *own = &link->prefixes[i].addr;

		if (own->family != published->family || !(is_any(published) || ponto_addr_same_host(own, published)) ||
		    (ponto_addr_scope(own) == PONTO_SCOPE_LINK) != link_local)
			continue;
		out[*n] = *own;
		out[(*n)++].port = published->port;
	}
}

/* Programs that know nothing of zones can do nothing with link-local addresses: these come last. */
static void set_addrs(struct wsdd_link *link)
{
	const struct ponto_discovery_handle *h = link->handle;
	struct ponto_addr out[WSD_ADDRS_MAX];
	size_t n = 0;

	for (int link_local = 0; link_local <= 1; link_local++) {
		for (size_t i = 0; i < h->published_count; i++)
			add_addr(link, &h->published[i], link_local, out, &n);
	}
	wsd_engine_addrs(link->engine, out, n);
}

/* ---- links ------------------------------------------------------------------------------- */

static void close_link(struct ponto_discovery_handle *h, size_t i)
{
	struct wsdd_link *link = h->links[i];

	for (unsigned family = 0; family < WSDD_FAMILIES; family++)
		ponto_datagrams_close(&link->sockets[family].net);
	wsd_engine_destroy(link->engine);
	ponto_free(h->wsdd->env->alloc, link);
	h->links[i] = NULL;
	for (struct wsdd_search *s = h->searches; s; s = s->next)
		s->links &= ~(1u << i);
}

void wsdd_links_close(struct ponto_discovery_handle *h)
{
	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		if (h->links[i])
			close_link(h, i);
	}
}

static int make_engine(const struct wsdd *wsdd, struct wsd_engine **out)
{
	const struct ponto_env *env = wsdd->env;
	struct wsd_config config = {.alloc = env->alloc,
				    .random = env->random,
				    .instance = ponto_wall(env->clock) / PONTO_SECOND,
				    .backoff = wsdd->backoff,
				    .wait = wsdd->wait,
				    .suppress = wsdd->suppress};

	return wsd_engine_create(&config, out);
}

/* NULL: too many, or no memory. */
static struct wsdd_link *link_of(struct ponto_discovery_handle *h, uint32_t zone)
{
	const struct ponto_alloc *alloc = h->wsdd->env->alloc;
	struct wsdd_link *link;
	size_t place = WSDD_LINKS_MAX;

	for (size_t i = WSDD_LINKS_MAX; i-- > 0;) {
		if (h->links[i] && h->links[i]->zone == zone)
			return h->links[i];
		if (!h->links[i])
			place = i;
	}
	link = place < WSDD_LINKS_MAX ? ponto_new(alloc, 1, sizeof(*link)) : NULL;
	if (!link)
		return NULL;
	link->handle = h;
	link->zone = zone;
	if (make_engine(h->wsdd, &link->engine) != PONTO_OK) {
		ponto_free(alloc, link);
		return NULL;
	}
	h->links[place] = link;
	return link;
}

/* An own address on a link: its neighbours are believed, and one of each family has a socket. */
static void add_subnet(struct ponto_discovery_handle *h, struct ponto_transport transport,
		       const struct ponto_subnet *subnet)
{
	unsigned family = subnet->addr.family == PONTO_FAMILY_IPV6 ? WSDD_IPV6 : WSDD_IPV4;
	struct wsdd_link *link;
	struct wsdd_socket *s;

	if ((h->zone && h->zone != subnet->zone) || (h->family && h->family != subnet->addr.family))
		return;
	link = link_of(h, subnet->zone);
	if (!link)
		return;
	if (!link->seen)
		link->prefix_count = 0;
	link->seen = true;
	if (link->prefix_count < WSD_PREFIXES_MAX)
		link->prefixes[link->prefix_count++] = (struct wsd_prefix){subnet->addr, subnet->bits};
	s = &link->sockets[family];
	close_if_useless(s);
	/* ff02::c is spoken to from a link-local address, as all that is said on it stays there. */
	if (s->net.handle || (family == WSDD_IPV6 && ponto_addr_scope(&subnet->addr) != PONTO_SCOPE_LINK))
		return;
	if (open_socket(link, s, transport, &subnet->addr) != PONTO_OK)
		ponto_info(h->wsdd->env->log, WSDD_TOPIC, "%s: a link cannot be searched over IPv%u; tried again",
			   h->wsdd->env->instance, subnet->addr.family);
}

static bool look_at(struct ponto_discovery_handle *h, struct ponto_transport transport)
{
	struct ponto_subnet subnets[WSDD_SUBNETS_MAX];
	size_t count;

	if (ponto_datagrams_subnets(transport, h->loop, subnets, WSDD_SUBNETS_MAX, &count) != PONTO_OK)
		return false;
	for (size_t i = 0; i < count && i < WSDD_SUBNETS_MAX; i++)
		add_subnet(h, transport, &subnets[i]);
	return true;
}

static void settle(struct wsdd_link *link)
{
	for (unsigned family = 0; family < WSDD_FAMILIES; family++)
		join_or_leave(link, family);
	wsd_engine_prefixes(link->engine, link->prefixes, link->prefix_count);
	set_addrs(link);
}

void wsdd_links_look(struct ponto_discovery_handle *h)
{
	bool told = false;

	h->active = true;
	h->look_at = ponto_loop_now(h->loop) + WSDD_LOOK_AGAIN;
	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		if (h->links[i])
			h->links[i]->seen = false;
	}
	for (size_t i = 0; i < h->wsdd->transport_count; i++)
		told |= look_at(h, h->wsdd->transports[i]);
	if (!told)
		ponto_info(h->wsdd->env->log, WSDD_TOPIC, "%s: no transport tells of its links",
			   h->wsdd->env->instance);
	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		if (h->links[i] && !h->links[i]->seen)
			close_link(h, i);
		else if (h->links[i])
			settle(h->links[i]);
	}
}
