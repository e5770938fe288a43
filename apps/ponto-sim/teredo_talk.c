/* Conversations between ends. Who wants to talk knows the other's address of now, as from a name that it resolved. */
#include "apps/ponto-sim/teredo_net.h"

#define AGAIN PONTO_SECOND
#define BYTES 32 /* of a datagram: more than an echo request has */

enum word { WORD_ASK = 1, WORD_ANSWER };

static bool address_of(const struct tsim_end *e, struct teredo_ip6 *out)
{
	if (e->client)
		return tsim_client_address(e->client, out);
	*out = e->native->ip;
	return true;
}

static bool same_end(const struct tsim_end *a, const struct tsim_end *b)
{
	return a->client == b->client && a->native == b->native;
}

static void say(const struct tsim_talk *t, const struct tsim_end *from, const struct teredo_ip6 *to, enum word word)
{
	uint8_t bytes[BYTES] = {0};
	struct ponto_writer w = ponto_writer(bytes, sizeof(bytes));
	struct teredo_udp udp = {TSIM_APPLICATION, TSIM_APPLICATION, ponto_bytes(bytes, sizeof(bytes))};

	ponto_write_be32(&w, t->number);
	ponto_write_u8(&w, (uint8_t)word);
	tsim_end_send(from, to, &udp);
}

static void step(void *arg)
{
	struct tsim_talk *t = arg;
	uint64_t now = ponto_sim_now(t->net->sim);
	struct teredo_ip6 to;

	t->event = 0;
	if (now >= t->until || (t->answered && !t->pause))
		return;
	if (address_of(&t->to, &to)) {
		t->sent++;
		say(t, &t->from, &to, WORD_ASK);
	}
	t->event = ponto_sim_at(t->net->sim, now + (t->answered ? t->pause : AGAIN), step, t);
	psim_require(t->event != 0, "out of memory");
}

struct tsim_talk *tsim_talk_begin(struct tsim_net *net, struct tsim_end from, struct tsim_end to, uint64_t us,
				  uint64_t pause)
{
	struct tsim_talk *t = ponto_new(net->alloc, 1, sizeof(*t));
	uint64_t now = ponto_sim_now(net->sim);

	if (net->talk_count == net->talk_room) {
		net->talk_room = net->talk_room ? net->talk_room * 2 : 1024;
		net->talks = ponto_resize(net->alloc, net->talks, net->talk_room, sizeof(struct tsim_talk *));
	}
	psim_require(t && net->talks, "out of memory");
	*t = (struct tsim_talk){.net = net,
				.from = from,
				.to = to,
				.kind = {tsim_end_kind(&from), tsim_end_kind(&to)},
				.begun = now,
				.until = now + us,
				.pause = pause,
				.number = net->talk_count};
	net->talks[net->talk_count++] = t;
	step(t);
	return t;
}

void tsim_talks_clear(struct tsim_net *net)
{
	for (uint32_t i = 0; i < net->talk_count; i++) {
		ponto_sim_cancel(net->sim, net->talks[i]->event);
		ponto_free(net->alloc, net->talks[i]);
	}
	net->talk_count = 0;
}

static void heard_answer(struct tsim_talk *t, uint64_t now)
{
	if (!t->answered)
		t->answered = now;
	else if (now - t->last > t->gap)
		t->gap = now - t->last;
	t->last = now;
	t->answers++;
}

void tsim_talk_input(struct tsim_net *net, const struct tsim_end *at, const struct teredo_ip6 *from,
		     const struct teredo_udp *udp)
{
	struct ponto_reader r = ponto_reader(udp->data);
	uint32_t number = (uint32_t)ponto_read_be32(&r);
	uint8_t word = (uint8_t)ponto_read_u8(&r);
	uint64_t now = ponto_sim_now(net->sim);
	struct tsim_talk *t;

	/* An attacker's, or of a talk that is over. */
	if (r.failed || udp->to != TSIM_APPLICATION || number >= net->talk_count)
		return;
	t = net->talks[number];
	if (!same_end(at, word == WORD_ASK ? &t->to : &t->from)) {
		net->misled++;
	} else if (word == WORD_ASK) {
		if (!t->heard)
			t->heard = now;
		say(t, at, from, WORD_ANSWER);
	} else if (word == WORD_ANSWER) {
		heard_answer(t, now);
	}
}
