/* Tests: what those of RFC 6081 share. */
#ifndef PONTO_TESTS_TEREDO_EXTEND_TEST_H
#define PONTO_TESTS_TEREDO_EXTEND_TEST_H

#include "tests/unit/teredo_rig.h"

#define SNS TEREDO_FEATURE_SYMMETRIC
#define PP (SNS | TEREDO_FEATURE_PRESERVING)
#define SS (PP | TEREDO_FEATURE_SEQUENTIAL)
#define OTHER ((struct teredo_endpoint){IP4(192, 0, 2, 1), 4098})
#define ELSEWHERE ((struct teredo_endpoint){IP4(192, 0, 2, 10), 9999})

#endif
