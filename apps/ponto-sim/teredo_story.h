/* ponto-sim teredo: its options, its story, and what is measured while it is told. */
#ifndef PONTO_SIM_TEREDO_STORY_H
#define PONTO_SIM_TEREDO_STORY_H

#include "apps/ponto-sim/option_table.h"
#include "apps/ponto-sim/teredo_net.h"

struct tsim_options {
	uint32_t nodes; /* clients */
	uint64_t seed;
	uint32_t servers, relays, natives; /* 0: follows from nodes */
	uint32_t pairs;	     /* conversations for each pair of kinds; 0: follows from nodes */
	uint32_t join, idle, talk, faults, outage, hostile; /* seconds of the phases */
	double loss;	     /* share of datagrams, in the faults' phase */
	double churn;	     /* of boxes restarted, or clients shut, an hour, likewise */
	uint32_t rate;	     /* datagrams a second that each target of attackers gets */
	uint32_t latency, jitter; /* milliseconds */
	uint32_t peers;	     /* that a client remembers */
	const char *svg;     /* directory, or NULL */
	bool json, quiet, check;
};

PONTO_MUST_CHECK int tsim_options_parse(int argc, char **argv, struct tsim_options *o, bool *help);
void tsim_help(void);
/* The command that gives this run again. out: text of that size */
void tsim_options_command(const struct tsim_options *o, char *out, size_t size);

struct tsim_cell {
	uint64_t asked, reached;
};

/* How conversations went. */
struct tsim_talks {
	struct tsim_cell cell[TSIM_KINDS][TSIM_KINDS]; /* rows begin */
	struct tsim_cell box;	      /* behind one box */
	struct tsim_cell promised;    /* of all, those that RFC 6081 promises */
	struct psim_histogram first;  /* microseconds until the first datagram was there, of those that reached */
	struct psim_histogram answer; /* and until its answer */
	uint64_t excused;	      /* one of them was shut meanwhile */
};

enum tsim_phase_name { TSIM_JOIN, TSIM_IDLE, TSIM_TALK, TSIM_FAULTS, TSIM_OUTAGE, TSIM_HOSTILE, TSIM_PHASES };

struct tsim_phase {
	bool told;
	double seconds, wall, cpu; /* virtual, real, of one core */
	uint64_t events;
	double messages, bytes; /* per client and second */
};

/* What one forged datagram makes others send. */
struct tsim_reflection {
	const char *what;
	uint32_t in;	   /* bytes */
	uint32_t packets;  /* to the address it was forged to come from */
	uint32_t bytes;	   /* of them */
	uint32_t elsewhere; /* packets to its neighbours */
	bool inherent;	   /* the protocol has it so */
};
#define TSIM_REFLECTIONS 11

struct tsim_report {
	struct tsim_options options;
	struct tsim_phase phase[TSIM_PHASES];
	struct tsim_cell qualified[TSIM_BOXES]; /* asked: clients; reached: with an address after joining */
	uint64_t judged_wrong;		   /* clients that took their NAT for another kind */
	struct psim_histogram qualify;	   /* microseconds */
	double node_bytes, engine_bytes;   /* memory of all about a client; of its engine */
	uint64_t peak_bytes;
	struct tsim_talks talks[3];	   /* quiet, in the faults, from and to targets of attackers */
	uint64_t restarted, renumbered, shut;
	struct psim_histogram requalified; /* microseconds */
	uint64_t kept;			   /* mappings that came back as they were */
	uint64_t lost;			   /* clients without an address when the faults were over */
	uint32_t conversations, unbroken;  /* while servers are down: all, and those without 30 s of silence */
	struct psim_histogram gap;	   /* the longest silence of each */
	uint64_t back_without;		   /* clients without an address a while after the servers are back */
	uint32_t targets, most_peers;
	uint64_t hostile_changes; /* addresses of targets that were not what they had been */
	double flooded_bytes;	  /* more memory of a target */
	uint64_t forged;	  /* datagrams of attackers */
	struct tsim_reflection reflection[TSIM_REFLECTIONS];
	uint32_t reflections;
	uint64_t misled;
	uint64_t hash;
	struct psim_series traffic; /* messages per client and second */
};

/* Whether RFC 6081 3 promises that one behind a box of the first kind reaches one of the second, by servers
 * that are tolerant of symmetric boxes. */
bool tsim_promised(enum tsim_kind from, enum tsim_kind to);

const char *tsim_phase_title(enum tsim_phase_name phase);

/* Tells the whole story. */
void tsim_story(const struct tsim_options *o, struct tsim_report *out);
void tsim_report_clear(struct tsim_report *r);

void tsim_print(const struct tsim_report *r);
void tsim_print_json(const struct tsim_report *r);
/* Says to standard error what misses its mark, and how to have it again; true: nothing does. */
bool tsim_good(const struct tsim_report *r);
/* Into o->svg. Negative PONTO_E* after a message. */
PONTO_MUST_CHECK int tsim_draw(const struct tsim_report *r);

/* ---- teredo_attack.c ------------------------------------------------------------------------------------- */

/* Each kind of datagram, forged, once. The net is at rest. */
void tsim_reflect(struct tsim_net *net, struct tsim_report *r);

/* So many forged datagrams of every kind at a client, from everywhere. */
void tsim_flood(struct tsim_net *net, struct tsim_client *target, uint32_t count);

#endif
