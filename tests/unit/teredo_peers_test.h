/* Tests: what those of a client's peers share. */
#ifndef PONTO_TESTS_TEREDO_PEERS_TEST_H
#define PONTO_TESTS_TEREDO_PEERS_TEST_H

#include "tests/unit/teredo_rig.h"

#define BASE 0u
#define ELSEWHERE ((struct teredo_endpoint){IP4(192, 0, 2, 10), 9999})
#define LAN_B ((struct teredo_endpoint){IP4(10, 0, 0, 7), 4096})

static inline void qualified(struct rig *rig)
{
	rig_qualified(rig, BASE, MAPPED);
}

#endif
