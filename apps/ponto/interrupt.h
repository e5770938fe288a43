/* The ponto command: Ctrl-C, for verbs that have something to take away first. Single-threaded. */
#ifndef PONTO_APPS_INTERRUPT_H
#define PONTO_APPS_INTERRUPT_H

#include "apps/ponto/cli.h"

/* After the first answer: SIGINT and SIGTERM end a call that waits, and with its connection what the service does for it.
 * Before that the signal ends the process, which the daemon sees too. */
void cli_catch_interrupts(struct cli *cli);

/* One of them came. */
bool cli_interrupted(void);

#endif
