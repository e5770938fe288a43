/* Ponto PNRP engine: an answer of many datagrams is sent only to an address that has shown that it receives. The asker
 * is asked first whether it has the very ID it asks about, under a Message ID that nobody else can know: any node
 * answers that ([MS-PNRP] 3.2.5.6), with the flag N. A forged sender's address gets this small question alone. */
#include "engines/pnrp/pnrp_state.h"

static struct pnrp_challenge **find(struct pnrp_engine *e, uint32_t question_id)
{
	struct pnrp_challenge **at = &e->challenges;

	while (*at && (*at)->question_id != question_id)
		at = &(*at)->next;
	return at;
}

/* The same INQUIRE, sent again. */
static bool is_under_way(const struct pnrp_engine *e, uint32_t inquire_id, const struct ponto_addr *peer)
{
	const struct pnrp_challenge *c = e->challenges;

	while (c && !(c->inquire_id == inquire_id && ponto_addr_equal(&c->peer, peer)))
		c = c->next;
	return c;
}

void pnrp_challenge(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *peer,
		    const struct ponto_addr *local)
{
	struct pnrp_message question = {.type = PNRP_INQUIRE, .inquire.validate_id = m->inquire.validate_id};
	struct pnrp_challenge *c;

	if (e->stopping || is_under_way(e, m->id, peer))
		return;
	if (e->challenge_count >= PNRP_CHALLENGES_MAX) {
		pnrp_drop(e, PNRP_DROP_FULL);
		return;
	}
	c = ponto_new(&e->alloc, 1, sizeof(*c));
	if (!c) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return;
	}
	if (pnrp_send_request(e, now, &question, peer, local, PNRP_CHALLENGE)) {
		ponto_free(&e->alloc, c);
		return;
	}
	*c = (struct pnrp_challenge){.next = e->challenges,
				     .question_id = question.id,
				     .inquire_id = m->id,
				     .inquire = m->inquire,
				     .peer = *peer,
				     .local = *local};
	e->challenges = c;
	e->challenge_count++;
}

void pnrp_challenge_over(struct pnrp_engine *e, uint64_t now, uint32_t question_id, bool answered)
{
	struct pnrp_challenge **at = find(e, question_id), *c = *at;

	if (!c)
		return;
	*at = c->next;
	e->challenge_count--;
	if (answered) {
		struct pnrp_message m = {.type = PNRP_INQUIRE, .id = c->inquire_id, .inquire = c->inquire};

		pnrp_answer_inquire(e, now, &m, &c->peer, &c->local);
	}
	ponto_free(&e->alloc, c);
}

void pnrp_challenges_clear(struct pnrp_engine *e)
{
	while (e->challenges)
		pnrp_challenge_over(e, 0, e->challenges->question_id, false);
}
