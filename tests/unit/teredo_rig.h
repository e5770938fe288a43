/* Teredo tests: a client, the server that it asks, and what goes in and out. It is A of the vectors: at S1, mapped
 * 192.0.2.1:4096, 10.0.0.2:4096 at home; its peer is B at S2. */
#ifndef PONTO_TESTS_UNIT_TEREDO_RIG_H
#define PONTO_TESTS_UNIT_TEREDO_RIG_H

#include "engines/teredo/teredo_client.h"
#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_trailer.h"
#include "tests/support/test.h"
#include "tests/unit/teredo_vectors.h"

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define S1 IP4(203, 0, 113, 120)
#define S1B IP4(203, 0, 113, 121)
#define S2 IP4(198, 51, 100, 118)
#define MAPPED ((struct teredo_endpoint){IP4(192, 0, 2, 1), 4096})
#define LOCAL ((struct teredo_endpoint){IP4(10, 0, 0, 2), 4096})
#define B_AT ((struct teredo_endpoint){IP4(192, 0, 2, 10), 8192})
#define RELAY_AT ((struct teredo_endpoint){IP4(198, 51, 100, 200), 3545})

struct rig {
	struct ponto_test_alloc ta;
	struct ponto_test_random tr;
	struct teredo_client_config config;
	struct teredo_client *c;
	uint64_t now;
	struct teredo_slot slot;     /* what came out last */
	struct teredo_packet packet; /* and what it holds */
	struct teredo_trailers trailers;
	struct teredo_delivery delivery; /* what input gave last */
	uint8_t input[2048];		 /* what went in last */
	struct teredo_ip6 a, b, native;
};

/* Makes the configuration; rig_start makes the client and tells it where it is. */
void rig_init(struct rig *rig, unsigned features);
void rig_start(struct rig *rig);
void rig_end(struct rig *rig);

/* rig_init, rig_start, and qualification with MAPPED from the primary, at from the secondary. */
void rig_qualified(struct rig *rig, unsigned features, struct teredo_endpoint at);

/* The next datagram that goes out; fails the test when there is none. */
void rig_out(struct rig *rig);
/* Fails when there is one. */
void rig_quiet(struct rig *rig);
/* Time passes. */
void rig_pass(struct rig *rig, uint64_t time);
/* Until the client is due; how long that was. */
uint64_t rig_due(struct rig *rig);

/* The last one out is a solicitation to that server: answers it, as that server would. */
void rig_answer(struct rig *rig, struct teredo_endpoint mapped);
/* The same in parts: an answer as bytes in rig->input, its length. */
size_t rig_advertisement(struct rig *rig, const struct teredo_auth *auth, struct teredo_endpoint mapped);

/* Something comes in; true when there is something for an application. */
bool rig_in(struct rig *rig, struct teredo_endpoint from, uint8_t via, const uint8_t *data, size_t len);
/* A bubble from an address at an endpoint, perhaps with trailers. */
void rig_bubble(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint from, uint8_t via,
		const struct teredo_trailers *trailers);
/* One relayed by A's server, that came from origin. */
void rig_indirect(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint origin,
		  const struct teredo_trailers *trailers);
/* A datagram of five bytes. */
bool rig_data(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint from, uint8_t via);

/* Sends a datagram of five bytes; 1: it is out, in slot and packet. */
int rig_send(struct rig *rig, const struct teredo_ip6 *to);

/* What the last one out is. */
void rig_assert_direct(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at);
void rig_assert_indirect(struct rig *rig, const struct teredo_ip6 *to, uint32_t server);
void rig_assert_data(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at);
void rig_assert_solicitation(struct rig *rig, uint32_t server, bool cone);

/* A round of bubbles to B comes out: direct and indirect. */
void rig_assert_round(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at, uint32_t server);

struct teredo_client_status rig_status(const struct rig *rig);
struct teredo_peer_info rig_peer(const struct rig *rig, const struct teredo_ip6 *ip);
bool rig_has_peer(const struct rig *rig, const struct teredo_ip6 *ip);
/* The next effect is of that kind. */
struct teredo_effect rig_effect(struct rig *rig, uint8_t kind);
void rig_no_effect(struct rig *rig);

/* A Teredo address. */
struct teredo_ip6 rig_address(uint32_t server, uint16_t flags, struct teredo_endpoint mapped);

#endif
