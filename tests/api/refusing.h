/* The allocator of libfailing.la (failing_memory.h), which refuses what a test says. */
#ifndef PONTO_TESTS_API_REFUSING_H
#define PONTO_TESTS_API_REFUSING_H

#include <p2p.h>

#include "tests/api/api_daemon.h"

/* From now on the allocation number at (from 1) is refused: of this thread's, or of all. */
void begin_refusing(size_t at, bool everywhere);

/* True: it was. */
bool end_refusing(void);

/* Nothing is refused or counted between. */
size_t pause_refusing(void);
void resume_refusing(size_t at);

/* One function at a time: run does what it does, undoes it, and returns what the function said. */
typedef HRESULT run_fn(void);

/* Runs it again and again until no allocation of it is refused any more: expected each time, then S_OK. */
void each_refused(run_fn *run, HRESULT expected);

#endif
