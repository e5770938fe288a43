/* Tests of the families before a daemon that the test plays: for programs linked with libfailing.la and $(PLAYED_LINK).
 */
#ifndef PONTO_TESTS_PLAYED_LINK_H
#define PONTO_TESTS_PLAYED_LINK_H

#include <p2p.h>

#include "api/peer/link.h"

extern const struct ponto_alloc failing_alloc_system; /* malloc and friends */

/* The test's: what a call comes to. out is zeroed; its payload, from malloc, is freed after use. */
HRESULT played_answer(const char *service, const char *method, struct ponto_reply *out);

#endif
