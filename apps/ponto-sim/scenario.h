/* ponto-sim's story of a cloud, and what is measured while it is told. */
#ifndef PONTO_SIM_SCENARIO_H
#define PONTO_SIM_SCENARIO_H

#include "apps/ponto-sim/cloud.h"
#include "apps/ponto-sim/measure.h"
#include "apps/ponto-sim/options.h"

/* How a series of resolves went. */
struct psim_resolves {
	uint64_t asked;	 /* those that could be answered: the target stayed */
	uint64_t found;
	uint64_t single; /* of these, by the first walk */
	struct psim_histogram hops; /* of the walk that found */
	struct psim_histogram latency; /* microseconds, of those found */
};

enum psim_phase_name {
	PSIM_JOIN,
	PSIM_IDLE,
	PSIM_RESOLVE,
	PSIM_FAULTS,
	PSIM_PARTED,
	PSIM_REPAIR,
	PSIM_AFTER,
	PSIM_PHASES
};

struct psim_phase {
	bool told;
	double seconds, wall, cpu; /* virtual, real, of one core */
	uint64_t events;
	double messages, bytes;			     /* per node and second */
	double by_type[PNRP_COUNT_TYPES];	     /* sent, per node and second */
	struct psim_resolves resolves;
	struct psim_ring ring; /* at its end */
	uint32_t nodes;	       /* at its end */
	uint64_t dropped[PNRP_DROP_REASONS];
};

struct psim_report {
	struct psim_options options;
	struct psim_phase phase[PSIM_PHASES];
	double engine_bytes; /* heap of an idle engine with full caches */
	double node_bytes;   /* all of the process's memory, shared out */
	double cache_fill;   /* entries, leaf sets included, at the end of the idle phase */
	uint64_t peak_bytes;
	double found_all;    /* seconds after healing until no resolve across the former cut failed any more; < 0: never */
	double ring_whole;   /* seconds after healing until every node knew its neighbours; < 0: never */
	uint64_t hash;
	struct psim_series traffic; /* messages per node and second, by seconds */
	struct psim_series fill;    /* mean cache entries, by seconds */
	struct psim_series apart;   /* share of nodes whose nearest leaves are wrong, by seconds after healing */
	struct psim_series failing; /* share of resolves across the cut that fail, likewise */
};

const char *psim_phase_title(enum psim_phase_name phase);

/* Tells the whole story. */
void psim_scenario(const struct psim_options *o, struct psim_report *out);
void psim_report_clear(struct psim_report *r);

/* The figures for people, and for programs; returns false when one misses its mark. */
void psim_print(const struct psim_report *r);
void psim_print_json(const struct psim_report *r);
bool psim_good(const struct psim_report *r);

/* Into o->svg. Negative PONTO_E* after a message. */
PONTO_MUST_CHECK int psim_draw(const struct psim_report *r);

#endif
