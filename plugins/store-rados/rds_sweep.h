/* store-rados: the sweeper: removes what has expired, groups left empty, and what writers that died left behind. Any
 * number of processes may run it: every removal checks what it removes, and a lease only keeps two from the same work.
 */
#ifndef PONTO_PLUGINS_STORE_RADOS_SWEEP_H
#define PONTO_PLUGINS_STORE_RADOS_SWEEP_H

#include "plugins/store-rados/rds_store.h"

/* One pass over the whole namespace, waiting so long (microseconds) after each object. An intent older than grace is
 * taken from its writer, who then begins anew. */
PONTO_MUST_CHECK int rds_sweep_pass(struct rds_store *store, uint64_t pace, uint64_t grace);

/* Whether a pass is due and this instance's to do; if so, others leave it alone for as long as it takes. */
bool rds_sweep_claim(struct rds_store *store);

/* The sweeper's thread. */
void *rds_sweep(void *store);

#endif
