/* The state of the pnrp family: how often it was started. Thread-safe. */
#ifndef PONTO_API_PEER_PNRP_H
#define PONTO_API_PEER_PNRP_H

#include <stdbool.h>

/* Between PeerPnrpStartup and the last PeerPnrpShutdown. */
bool peer_pnrp_started(void);

/* In the child of a fork: not started. */
void peer_pnrp_forget(void);

#endif
