/* Ponto fuzzing: one or two PNRP engines, the network between them, and the peers of pnrp_actor: what reaches an
 * engine. Choices are bytes of the fuzzed program; every value of them means something. */
#ifndef PONTO_TESTS_FUZZ_PNRP_PLAY_H
#define PONTO_TESTS_FUZZ_PNRP_PLAY_H

#include "tests/fuzz/pnrp_actor.h"
#include "tests/fuzz/pnrp_host.h"

#define PNRP_PLAY_HOSTS 2
#define PNRP_PLAY_NET 64 /* datagrams between the hosts; the oldest is lost then */

struct pnrp_play_flight {
	uint8_t to; /* host */
	struct pnrp_host_sent datagram;
};

struct pnrp_play {
	struct pnrp_host host[PNRP_PLAY_HOSTS];
	unsigned hosts;
	uint64_t now;
	uint32_t next_id; /* Message ID of what is sent by no engine */
	struct pnrp_play_flight net[PNRP_PLAY_NET];
	size_t net_count;
	/* One byte of the next datagram is changed, or its end is missing. */
	bool bent;
	uint8_t bend[4];
};

/* Delivers bytes to a host as they are, but for a bend. */
void pnrp_play_deliver(struct pnrp_play *p, struct pnrp_host *h, const struct ponto_addr *from,
		       struct ponto_bytes bytes);

/* A message of any type out of the blue. c: type, sender, and 5 more choices. */
void pnrp_play_send(struct pnrp_play *p, struct pnrp_host *h, const uint8_t c[7]);

/* An answer to what the host sent c[0] datagrams ago: c[1] and c[2] faults, c[3] which way it comes, c[4] and c[5]
 * what of. */
void pnrp_play_answer(struct pnrp_play *p, struct pnrp_host *h, const uint8_t c[7]);

/* The peers answer all that has been sent since the last time, as they should; again, up to rounds times, what the
 * host says to that. */
void pnrp_play_world(struct pnrp_play *p, struct pnrp_host *h, unsigned rounds);

/* Lets time pass; all that becomes due is done when it is. */
void pnrp_play_run(struct pnrp_play *p, uint64_t duration);

/* The network between the hosts: c[0] what (all, one, lost, doubled), c[1] which. */
void pnrp_play_net(struct pnrp_play *p, const uint8_t c[7]);

/* The pnrp_host carry callback. */
void pnrp_play_carry(void *arg, const struct pnrp_host *from, const struct pnrp_host_sent *sent);

#endif
