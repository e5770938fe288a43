/* Attackers against Teredo: forged datagrams, one by one to see what others are made to send, and in floods. */
#include <string.h>

#include "apps/ponto-sim/teredo_story.h"
#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_trailer.h"

#define SOME_PORT 40000
#define CLOSED_PORT 9
#define VICTIMS 0x2e000000u /* 46.0.0.0/8, where the simulated network has no hosts */

/* Who never asked: a public IPv4 address that nobody has, which a forged Teredo address and forged datagrams come from,
 * and a native host. */
struct victim {
	struct teredo_endpoint at;
	struct teredo_ip6 teredo, native;
};

/* What the filter counts. */
struct watch {
	struct victim v;
	uint32_t packets, bytes, elsewhere;
};

static uint64_t draw(struct tsim_net *net, uint64_t n)
{
	return ponto_random_below(ponto_sim_random(net->sim), n);
}

/* server: that its address names; 0: the victim itself */
static void draw_victim(struct tsim_net *net, uint32_t server, struct victim *v)
{
	struct teredo_address parts;

	v->at = (struct teredo_endpoint){VICTIMS + (uint32_t)draw(net, 1 << 24), SOME_PORT};
	parts = (struct teredo_address){.server = server ? server : v->at.ip, .mapped = v->at};
	parts.flags = teredo_flags(ponto_sim_random(net->sim), false);
	teredo_address_make(&parts, &v->teredo);
	v->native = net->natives[draw(net, net->setup.natives)].ip;
}

static void forge(struct tsim_net *net, const struct teredo_endpoint *from, const struct teredo_endpoint *to,
		  const struct ponto_writer *w)
{
	struct ponto_addr source, destination;

	teredo_endpoint_to(from, &source);
	teredo_endpoint_to(to, &destination);
	psim_require(ponto_sim_network_forge(net->sim, &source, &destination,
					     ponto_bytes(w->data, (size_t)w->pos)) == PONTO_OK,
		     "out of memory");
}

/* ---- what can be said ------------------------------------------------------------------ */

struct letter {
	struct victim v;
	struct teredo_ip6 to; /* the client's address */
	struct teredo_address parts;
	struct ponto_writer w;
	uint8_t room[TEREDO_MTU];
};

static void write_bubble(struct letter *l)
{
	teredo_write_bubble(&l->w, &l->v.teredo, &l->to, 255);
}

static void write_solicitation(struct letter *l)
{
	write_bubble(l);
	teredo_write_trailers(&l->w, &(struct teredo_trailers){.discovery = TEREDO_DISCOVERY_SOLICITATION});
}

static void write_with_nonce(struct letter *l)
{
	struct teredo_trailers t = {.has_nonce = true, .nonce = 0x12345678, .alternate_count = 1};

	t.alternates[0] = (struct teredo_endpoint){l->v.at.ip + 1, SOME_PORT};
	write_bubble(l);
	teredo_write_trailers(&l->w, &t);
}

static void write_echo(struct letter *l)
{
	struct teredo_icmp icmp = {.type = TEREDO_ICMP_ECHO_REQUEST, .body = ponto_bytes("12345678", 8)};

	teredo_write_icmp(&l->w, &l->v.teredo, &l->to, TEREDO_HOP_LIMIT, &icmp);
}

static void write_udp(struct letter *l, const struct teredo_ip6 *from, uint16_t port, size_t len)
{
	struct teredo_udp udp = {SOME_PORT, port, ponto_bytes("forged, and never asked for", len)};

	teredo_write_udp(&l->w, from, &l->to, TEREDO_HOP_LIMIT, &udp);
}

static void write_closed(struct letter *l)
{
	write_udp(l, &l->v.teredo, CLOSED_PORT, 8);
}

static void write_native_small(struct letter *l)
{
	write_udp(l, &l->v.native, TSIM_APPLICATION, 1);
}

static void write_native_bubble(struct letter *l)
{
	teredo_write_bubble(&l->w, &l->v.native, &l->to, 255);
}

static void write_link_local_bubble(struct letter *l)
{
	struct teredo_ip6 from;

	teredo_link_local(0, &l->v.at, &from);
	teredo_write_bubble(&l->w, &from, &l->to, 255);
}

static void write_router_solicitation(struct letter *l)
{
	struct teredo_ip6 from;

	teredo_link_local(0, &l->v.at, &from);
	teredo_write_solicitation(&l->w, &from);
}

static const struct saying {
	const char *what;
	void (*write)(struct letter *l);
	bool by_server;	   /* to the client's server, else to the client */
	bool names_itself; /* the victim's address names itself as its server */
	bool inherent;
} sayings[TSIM_REFLECTIONS] = {
	{"bubble", write_bubble, false, false, false},
	{"bubble with a solicitation", write_solicitation, false, false, false},
	{"echo request", write_echo, false, false, false},
	{"datagram to a closed port", write_closed, false, false, false},
	{"datagram from a native host", write_native_small, false, false, false},
	{"bubble from a native host", write_native_bubble, false, false, false},
	{"bubble from a link-local address", write_link_local_bubble, false, false, false},
	{"bubble by the server", write_bubble, true, false, false},
	{"with a nonce, its server is the victim", write_with_nonce, true, true, false},
	/* RFC 6081 5.2.4: who is not known gets an indirect bubble as well. */
	{"with a nonce", write_with_nonce, true, false, true},
	{"router solicitation to a server", write_router_solicitation, true, false, true},
};

/* ---- one by one ---------------------------------------------------------------------------- */

/* What goes to the victim, by IPv4 or IPv6, and to others in its network. */
static bool see(void *ctx, const struct ponto_datagram *d)
{
	struct watch *w = ctx;
	struct teredo_endpoint to;
	bool hit;

	if (d->peer.family == PONTO_FAMILY_IPV6) {
		hit = memcmp(d->peer.ip, w->v.native.bytes, sizeof(w->v.native.bytes)) == 0;
	} else {
		hit = teredo_endpoint_from(&d->peer, &to) && to.ip == w->v.at.ip;
		w->elsewhere += !hit && d->peer.ip[0] == VICTIMS >> 24;
	}
	w->packets += hit;
	w->bytes += hit ? (uint32_t)d->data.len : 0;
	return true;
}

/* The address of a client that everybody reaches. */
static bool open_client(const struct tsim_net *net, struct teredo_ip6 *address)
{
	for (uint32_t i = net->setup.clients; i-- > 0;)
		if (net->clients[i].kind <= TSIM_CONE && tsim_client_address(&net->clients[i], address))
			return true;
	return false;
}

static void reflect_one(struct tsim_net *net, const struct saying *saying, struct tsim_reflection *out)
{
	struct watch watch = {0};
	struct letter letter;
	struct teredo_endpoint to;

	psim_require(open_client(net, &letter.to), "nobody to attack");
	teredo_address_split(&letter.to, &letter.parts);
	draw_victim(net, saying->names_itself ? 0 : net->servers[0].pair.primary, &letter.v);
	/* Another one each time: what came from an address adds up. */
	letter.v.native = net->natives[(size_t)(saying - sayings) % net->setup.natives].ip;
	watch.v = letter.v;
	letter.w = ponto_writer(letter.room, sizeof(letter.room));
	saying->write(&letter);
	to = saying->by_server ? (struct teredo_endpoint){letter.parts.server, TEREDO_PORT} : letter.parts.mapped;
	psim_require(ponto_sim_network_filter(net->sim, see, &watch) == PONTO_OK, "out of memory");
	forge(net, &letter.v.at, &to, &letter.w);
	tsim_run(net, 5 * PONTO_SECOND, NULL, NULL);
	psim_require(ponto_sim_network_filter(net->sim, NULL, NULL) == PONTO_OK, "out of memory");
	*out = (struct tsim_reflection){.what = saying->what,
					.in = (uint32_t)letter.w.pos,
					.packets = watch.packets,
					.bytes = watch.bytes,
					.elsewhere = watch.elsewhere,
					.inherent = saying->inherent};
}

void tsim_reflect(struct tsim_net *net, struct tsim_report *r)
{
	for (r->reflections = 0; r->reflections < TSIM_REFLECTIONS; r->reflections++)
		reflect_one(net, &sayings[r->reflections], &r->reflection[r->reflections]);
}

/* ---- floods ----------------------------------------------------------------------------------- */

/* An advertisement of its server with another mapping: all is right but the nonce. */
static void forge_advertisement(struct tsim_net *net, struct letter *l)
{
	struct teredo_auth auth = {.confirmation = 0};
	struct teredo_ip6 asked;

	teredo_link_local(0, &(struct teredo_endpoint){0, 0}, &asked);
	for (unsigned i = 0; i < sizeof(auth.nonce); i++)
		auth.nonce[i] = (uint8_t)draw(net, 256);
	teredo_write_auth(&l->w, &auth, 0);
	teredo_write_origin(&l->w, &l->v.at);
	teredo_write_advertisement(&l->w, l->parts.server, &asked);
	forge(net, &(struct teredo_endpoint){l->parts.server, TEREDO_PORT}, &l->parts.mapped, &l->w);
}

void tsim_flood(struct tsim_net *net, struct tsim_client *target, uint32_t count)
{
	static void (*const bubbles[])(struct letter *l) = {write_bubble, write_bubble, write_with_nonce,
							    write_native_small, write_link_local_bubble};
	struct letter l;

	if (!tsim_client_address(target, &l.to))
		return;
	teredo_address_split(&l.to, &l.parts);
	for (uint32_t i = 0; i < count; i++) {
		struct teredo_endpoint server = {l.parts.server, TEREDO_PORT};
		uint64_t which = draw(net, PONTO_ARRAY_SIZE(bubbles) + 2);

		draw_victim(net, net->servers[draw(net, net->setup.servers)].pair.primary, &l.v);
		l.w = ponto_writer(l.room, sizeof(l.room));
		if (which == PONTO_ARRAY_SIZE(bubbles)) {
			forge_advertisement(net, &l);
		} else if (which > PONTO_ARRAY_SIZE(bubbles)) {
			write_with_nonce(&l);
			forge(net, &l.v.at, &server, &l.w);
		} else {
			bubbles[which](&l);
			forge(net, &l.v.at, &l.parts.mapped, &l.w);
		}
	}
}
