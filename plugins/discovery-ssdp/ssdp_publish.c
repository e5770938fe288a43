/* What others learn of us: answers to their searches, announcements. [MS-PNRP] 3.2.4.1, 3.2.4.2. */
#include <string.h>

#include "plugins/discovery-ssdp/ssdp.h"

#define REPEATS 2			      /* of a first announcement: datagrams get lost */
#define REPEAT_AFTER PONTO_SECOND
#define RENEWAL (SSDP_MAX_AGE / 2 * PONTO_SECOND) /* UPnP 1.0 section 1.1.2: before half of it is over */
#define RETRY (30 * PONTO_SECOND)	      /* after a group that could not be joined */

static struct ponto_addr group_of(const struct ponto_discovery_handle *h)
{
	struct ponto_addr group = {.family = PONTO_FAMILY_IPV6, .port = SSDP_PORT, .zone = h->zone};

	memcpy(group.ip, (const uint8_t[16]){0xff, 2, [15] = 0xc}, 16);
	return group;
}

/* ---- announcing -------------------------------------------------------------------- */

static void notify(struct ponto_discovery_handle *h, bool alive)
{
	const struct ssdp_publication *p = &h->publication;
	char text[SSDP_TEXT_MAX];

	(void)ssdp_multicast(h, text, ssdp_format_notify(h->target, &p->location, p->signature, alive, text));
}

/* Every attempt is worth another: links come up, and other programs give the port back. */
static bool join(struct ponto_discovery_handle *h)
{
	struct ssdp_publication *p = &h->publication;
	const struct ponto_env *env = h->ssdp->env;
	struct ponto_addr group = group_of(h);
	int result = ssdp_net_open(h);

	if (result == PONTO_OK)
		result = ponto_datagrams_join(h->net, &group);
	p->joined = result == PONTO_OK;
	if (!p->joined && !p->refused && result != PONTO_ENOENT)
		ponto_warning(env->log, SSDP_TOPIC, "%s: neighbours' searches cannot be heard: %s; tried again",
			      env->instance, ponto_strerror(result));
	p->refused = !p->joined;
	return p->joined;
}

static void announce(struct ponto_discovery_handle *h, uint64_t now)
{
	struct ssdp_publication *p = &h->publication;

	if (!p->joined && !join(h)) {
		p->notify_at = now + RETRY;
		return;
	}
	notify(h, true);
	p->notified++;
	p->notify_at = now + (p->notified < REPEATS ? REPEAT_AFTER : RENEWAL);
}

int ssdp_publish(struct ponto_discovery_handle *h, const struct ponto_addr *addrs, size_t count)
{
	struct ssdp_publication *p = &h->publication;
	uint8_t random[SSDP_SIGNATURE / 2];

	if (count == 0)
		return PONTO_EINVAL;
	if (!h->target[0] || (p->wanted && ponto_addr_equal(&p->location, &addrs[0])))
		return PONTO_OK;
	if (p->joined)
		notify(h, false);
	h->ssdp->env->random->fill(h->ssdp->env->random->ctx, random, sizeof(random));
	ponto_hex(ponto_bytes(random, sizeof(random)), p->signature);
	p->location = addrs[0];
	if (!p->wanted)
		p->credit = SSDP_BURST;
	p->wanted = true;
	p->notified = 0;
	p->notify_at = p->credit_at = ponto_loop_now(h->loop);
	ssdp_arm(h);
	return PONTO_OK;
}

void ssdp_unpublish(struct ponto_discovery_handle *h)
{
	struct ssdp_publication *p = &h->publication;
	struct ponto_addr group = group_of(h);

	if (p->joined) {
		notify(h, false);
		if (ponto_datagrams_leave(h->net, &group) != PONTO_OK)
			ponto_debug(h->ssdp->env->log, SSDP_TOPIC, "the group was left already");
	}
	memset(p, 0, sizeof(*p));
	ssdp_arm(h);
}

/* ---- answering ------------------------------------------------------------------------- */

/* Answers cost a neighbour's search nothing but our bytes, so they are counted out. */
static bool spend(struct ssdp_publication *p, uint64_t now)
{
	uint64_t gained = (now - p->credit_at) / (PONTO_SECOND / SSDP_RATE);

	if (gained > 0) {
		p->credit = gained >= SSDP_BURST - p->credit ? SSDP_BURST : p->credit + (unsigned)gained;
		p->credit_at = now;
	}
	if (p->credit == 0)
		return false;
	p->credit--;
	return true;
}

void ssdp_asked(struct ponto_discovery_handle *h, const struct ponto_addr *peer, unsigned mx)
{
	struct ssdp_publication *p = &h->publication;
	uint64_t now = ponto_loop_now(h->loop);

	for (size_t i = 0; i < p->answer_count; i++)
		if (ponto_addr_equal(&p->answers[i].to, peer))
			return; /* the second copy of a search */
	if (p->answer_count == SSDP_ANSWERS_MAX || !spend(p, now)) {
		ponto_counter_add(h->ssdp->dropped, 1);
		return;
	}
	/* A random moment, UPnP 1.0 section 1.2.3: a hundred neighbours do not answer at once. */
	p->answers[p->answer_count++] = (struct ssdp_answer){
		.to = *peer, .due = now + ponto_random_below(h->ssdp->env->random, mx * PONTO_SECOND)};
}

static void answer(struct ponto_discovery_handle *h, const struct ponto_addr *to)
{
	const struct ssdp_publication *p = &h->publication;
	char text[SSDP_TEXT_MAX];
	struct ponto_datagram datagram = {.peer = *to, .hop_limit = 1};
	size_t sent = 0;

	datagram.data = ponto_bytes(text, ssdp_format_answer(h->target, &p->location, p->signature, text));
	if (ponto_datagrams_send(h->net, &datagram, 1, &sent) == PONTO_OK && sent == 1)
		ponto_counter_add(h->ssdp->answered, 1);
}

void ssdp_publication_tick(struct ponto_discovery_handle *h, uint64_t now)
{
	struct ssdp_publication *p = &h->publication;

	if (!p->wanted)
		return;
	if (p->notify_at <= now)
		announce(h, now);
	for (size_t i = 0; i < p->answer_count;) {
		if (p->answers[i].due > now) {
			i++;
			continue;
		}
		answer(h, &p->answers[i].to);
		p->answers[i] = p->answers[--p->answer_count];
	}
}

uint64_t ssdp_publication_deadline(const struct ponto_discovery_handle *h)
{
	const struct ssdp_publication *p = &h->publication;
	uint64_t next = p->wanted ? p->notify_at : PONTO_NEVER;

	for (size_t i = 0; i < p->answer_count; i++)
		if (p->answers[i].due < next)
			next = p->answers[i].due;
	return next;
}
