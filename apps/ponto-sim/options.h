/* ponto-sim pnrp's command line. */
#ifndef PONTO_SIM_OPTIONS_H
#define PONTO_SIM_OPTIONS_H

#include "apps/ponto-sim/option_table.h"

struct psim_options {
	uint32_t nodes;
	uint64_t seed;
	uint32_t seeds;	     /* seed servers; 0: follows from nodes */
	uint32_t resolves;   /* of each phase; 0: follows from nodes */
	double join;	     /* share of those present that may join in one second */
	double loss;	     /* share of datagrams, in the churn phase */
	double duplicate;    /* share of datagrams that come twice, likewise */
	double churn;	     /* share of nodes an hour replaced by others, in the churn phase */
	uint32_t settle;     /* seconds after the last has joined */
	uint32_t idle;	     /* seconds of the idle phase */
	uint32_t faults;     /* seconds of the churn phase; 0: none */
	uint32_t partition;  /* seconds apart; 0: never */
	uint32_t repair;     /* most seconds to wait for the ring to be whole again */
	uint32_t latency;    /* milliseconds, one way */
	uint32_t jitter;     /* milliseconds, uniform on top */
	uint32_t timeout;    /* seconds of each resolve */
	const char *svg;     /* directory, or NULL */
	const char *attack;  /* what to try, or NULL: the usual story */
	const char *profile; /* "windows" or "modern" */
	double attackers;    /* share of the nodes */
	bool json, quiet, check;
};

/* Fills o from argv[2..]; PSIM_USAGE after a message to standard error. help: true when that was asked for. */
PONTO_MUST_CHECK int psim_options_parse(int argc, char **argv, struct psim_options *o, bool *help);

void psim_help(void);

/* The command that gives this run again. out: text of that size */
void psim_options_command(const struct psim_options *o, char *out, size_t size);

#endif
