#include <jansson.h>
#include <stdio.h>

#include "apps/ponto-sim/teredo_story.h"

#define REQUALIFIED (60 * PONTO_SECOND) /* marks: of a client whose mapping was lost */
#define UNBROKEN 0.99			/* share of conversations without servers */
#define IN_FAULTS 0.995			/* share of promised conversations: each has but twelve rounds of bubbles */
#define NODE_BYTES (48 * 1024)
#define COMMAND 512

static double share(const struct tsim_cell *c)
{
	return c->asked ? (double)c->reached / (double)c->asked : 1;
}

static double seconds_of(const struct psim_histogram *h, double q)
{
	return (double)psim_histogram_quantile(h, q) / (double)PONTO_SECOND;
}

/* ---- for people --------------------------------------------------------------------- */

static void print_phases(const struct tsim_report *r)
{
	printf("%-14s %9s %8s %8s %12s %8s %8s\n", "phase", "virtual s", "wall s", "core s", "events", "msg/n/s",
	       "byte/n/s");
	for (unsigned i = 0; i < TSIM_PHASES; i++) {
		const struct tsim_phase *p = &r->phase[i];

		if (p->told)
			printf("%-14s %9.0f %8.1f %8.1f %12llu %8.3f %8.1f\n",
			       tsim_phase_title((enum tsim_phase_name)i), p->seconds, p->wall, p->cpu,
			       (unsigned long long)p->events, p->messages, p->bytes);
	}
}

static void print_times(const char *what, const struct psim_histogram *h)
{
	if (h->count)
		printf("%-30s p50 %7.2f  p90 %7.2f  p99 %7.2f  all %7.2f s\n", what, seconds_of(h, 0.5),
		       seconds_of(h, 0.9), seconds_of(h, 0.99), seconds_of(h, 1));
}

static void print_kinds(const struct tsim_report *r)
{
	printf("\n%-14s", "clients");
	for (unsigned k = 0; k < TSIM_BOXES; k++)
		if (k != TSIM_NATIVE)
			printf(" %10s", tsim_kind_name((enum tsim_kind)k));
	printf("\n%-14s", "");
	for (unsigned k = 0; k < TSIM_BOXES; k++)
		if (k != TSIM_NATIVE)
			printf(" %10llu", (unsigned long long)r->qualified[k].asked);
	printf("\n%-14s", "qualified %");
	for (unsigned k = 0; k < TSIM_BOXES; k++)
		if (k != TSIM_NATIVE)
			printf(" %10.2f", 100 * share(&r->qualified[k]));
	printf("\ntook their NAT for another kind: %llu\n", (unsigned long long)r->judged_wrong);
	print_times("until qualified", &r->qualify);
}

/* Without a bracket: promised. */
static void print_matrix(const char *title, const struct tsim_talks *t)
{
	if (t->promised.asked == 0)
		return;
	printf("\n%-14s", title);
	for (unsigned k = 0; k < TSIM_KINDS; k++)
		printf(" %10s", tsim_kind_name((enum tsim_kind)k));
	putchar('\n');
	for (unsigned i = 0; i < TSIM_KINDS; i++) {
		printf("%-14s", tsim_kind_name((enum tsim_kind)i));
		for (unsigned k = 0; k < TSIM_KINDS; k++) {
			bool promised = tsim_promised((enum tsim_kind)i, (enum tsim_kind)k);
			char text[16] = "";

			if (t->cell[i][k].asked)
				snprintf(text, sizeof(text), promised ? "%.2f" : "(%.2f)", 100 * share(&t->cell[i][k]));
			printf(" %10s", text);
		}
		putchar('\n');
	}
	printf("promised: %llu of %llu reached; behind one box: %llu of %llu; shut meanwhile: %llu\n",
	       (unsigned long long)t->promised.reached, (unsigned long long)t->promised.asked,
	       (unsigned long long)t->box.reached, (unsigned long long)t->box.asked, (unsigned long long)t->excused);
	print_times("first datagram there after", &t->first);
	print_times("its answer after", &t->answer);
}

static void print_faults(const struct tsim_report *r)
{
	if (!r->phase[TSIM_FAULTS].told)
		return;
	printf("\nboxes restarted %llu, with another address %llu; clients shut %llu; mappings that came back %llu; "
	       "clients without an address afterwards %llu\n",
	       (unsigned long long)r->restarted, (unsigned long long)r->renumbered, (unsigned long long)r->shut,
	       (unsigned long long)r->kept, (unsigned long long)r->lost);
	print_times("requalified after", &r->requalified);
}

static void print_outage(const struct tsim_report *r)
{
	if (!r->phase[TSIM_OUTAGE].told)
		return;
	printf("\na third of the servers gone for %u s: %u of %u conversations without 60 s of silence; clients without an "
	       "address afterwards %llu\n",
	       (unsigned)r->options.outage, (unsigned)r->unbroken, (unsigned)r->conversations,
	       (unsigned long long)r->back_without);
	print_times("longest silence", &r->gap);
}

static void print_hostile(const struct tsim_report *r)
{
	if (!r->phase[TSIM_HOSTILE].told)
		return;
	printf("\n%-40s %8s %8s %8s %9s\n", "forged once", "bytes", "packets", "bytes", "elsewhere");
	for (uint32_t i = 0; i < r->reflections; i++) {
		const struct tsim_reflection *f = &r->reflection[i];

		printf("%-40s %8u %8u %8u %9u%s\n", f->what, (unsigned)f->in, (unsigned)f->packets, (unsigned)f->bytes,
		       (unsigned)f->elsewhere, f->inherent ? "  the protocol's" : "");
	}
	printf("\n%llu forged datagrams at %u clients: addresses that changed %llu; most peers %u of %u; %.0f bytes more a "
	       "target\n",
	       (unsigned long long)r->forged, (unsigned)r->targets, (unsigned long long)r->hostile_changes,
	       (unsigned)r->most_peers, (unsigned)r->options.peers, r->flooded_bytes);
	print_matrix("under attack", &r->talks[2]);
}

void tsim_print(const struct tsim_report *r)
{
	char command[COMMAND];

	tsim_options_command(&r->options, command, sizeof(command));
	printf("%s\n\n", command);
	print_phases(r);
	print_kinds(r);
	print_matrix("reached %", &r->talks[0]);
	print_matrix("in the faults", &r->talks[1]);
	print_faults(r);
	print_outage(r);
	print_hostile(r);
	printf("\na client: engine %.0f bytes, with all about it %.0f bytes; peak of the process %.1f MiB\n",
	       r->engine_bytes, r->node_bytes, (double)r->peak_bytes / (1 << 20));
	printf("datagrams for others: %llu\ntrace %016llx\n", (unsigned long long)r->misled, (unsigned long long)r->hash);
}

/* ---- for programs --------------------------------------------------------------------- */

static json_t *json_times(const struct psim_histogram *h)
{
	return json_pack("{sI, sf, sf, sf, sf}", "count", (json_int_t)h->count, "p50", seconds_of(h, 0.5), "p90",
			 seconds_of(h, 0.9), "p99", seconds_of(h, 0.99), "all", seconds_of(h, 1));
}

static json_t *json_talks(const struct tsim_talks *t)
{
	json_t *pairs = json_array();

	for (unsigned i = 0; i < TSIM_KINDS; i++)
		for (unsigned k = 0; k < TSIM_KINDS; k++)
			if (t->cell[i][k].asked)
				json_array_append_new(
					pairs,
					json_pack("{ss, ss, sI, sI, sb}", "from", tsim_kind_name((enum tsim_kind)i), "to",
						  tsim_kind_name((enum tsim_kind)k), "asked",
						  (json_int_t)t->cell[i][k].asked, "reached",
						  (json_int_t)t->cell[i][k].reached, "promised",
						  tsim_promised((enum tsim_kind)i, (enum tsim_kind)k)));
	return json_pack("{so, sI, sI, sI, sI, sI, so, so}", "pairs", pairs, "promised", (json_int_t)t->promised.asked,
			 "promised_reached", (json_int_t)t->promised.reached, "one_box", (json_int_t)t->box.asked,
			 "one_box_reached", (json_int_t)t->box.reached, "excused", (json_int_t)t->excused, "first_s",
			 json_times(&t->first), "answer_s", json_times(&t->answer));
}

static json_t *json_phases(const struct tsim_report *r)
{
	json_t *phases = json_object();

	for (unsigned i = 0; i < TSIM_PHASES; i++) {
		const struct tsim_phase *p = &r->phase[i];

		if (p->told)
			json_object_set_new(phases, tsim_phase_title((enum tsim_phase_name)i),
					    json_pack("{sf, sf, sf, sI, sf, sf}", "virtual_s", p->seconds, "wall_s",
						      p->wall, "core_s", p->cpu, "events", (json_int_t)p->events,
						      "messages_per_client_s", p->messages, "bytes_per_client_s",
						      p->bytes));
	}
	return phases;
}

static json_t *json_reflections(const struct tsim_report *r)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < r->reflections; i++) {
		const struct tsim_reflection *f = &r->reflection[i];

		json_array_append_new(all, json_pack("{ss, sI, sI, sI, sI}", "what", f->what, "bytes_in",
						     (json_int_t)f->in, "packets", (json_int_t)f->packets, "bytes",
						     (json_int_t)f->bytes, "elsewhere", (json_int_t)f->elsewhere));
	}
	return all;
}

static json_t *json_qualified(const struct tsim_report *r)
{
	json_t *all = json_object();

	for (unsigned k = 0; k < TSIM_BOXES; k++)
		if (r->qualified[k].asked)
			json_object_set_new(all, tsim_kind_name((enum tsim_kind)k),
					    json_pack("{sI, sI}", "clients", (json_int_t)r->qualified[k].asked,
						      "qualified", (json_int_t)r->qualified[k].reached));
	return all;
}

void tsim_print_json(const struct tsim_report *r)
{
	char command[COMMAND], hash[17];
	json_t *root;

	tsim_options_command(&r->options, command, sizeof(command));
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)r->hash);
	root = json_pack("{ss, sI, so, so, so, so, so}", "command", command, "clients", (json_int_t)r->options.nodes,
			 "phases", json_phases(r), "qualified", json_qualified(r), "qualify_s", json_times(&r->qualify),
			 "talk", json_talks(&r->talks[0]), "requalify_s", json_times(&r->requalified));
	if (r->phase[TSIM_FAULTS].told)
		json_object_set_new(root, "faults", json_talks(&r->talks[1]));
	if (r->phase[TSIM_OUTAGE].told)
		json_object_set_new(root, "outage",
				    json_pack("{sI, sI, so}", "conversations", (json_int_t)r->conversations, "unbroken",
					      (json_int_t)r->unbroken, "silence_s", json_times(&r->gap)));
	if (r->phase[TSIM_HOSTILE].told) {
		json_object_set_new(root, "hostile", json_talks(&r->talks[2]));
		json_object_set_new(root, "reflections", json_reflections(r));
		json_object_set_new(root, "most_peers", json_integer(r->most_peers));
		json_object_set_new(root, "hostile_changes", json_integer((json_int_t)r->hostile_changes));
	}
	json_object_set_new(root, "engine_bytes", json_real(r->engine_bytes));
	json_object_set_new(root, "node_bytes", json_real(r->node_bytes));
	json_object_set_new(root, "trace", json_string(hash));
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(root);
}

/* ---- marks -------------------------------------------------------------------------------- */

static bool miss(bool missed, const char *what)
{
	if (missed)
		fprintf(stderr, "ponto-sim: %s\n", what);
	return missed;
}

static bool all_reached(const struct tsim_talks *t, const char *phase)
{
	bool good = true;

	for (unsigned i = 0; i < TSIM_KINDS; i++)
		for (unsigned k = 0; k < TSIM_KINDS; k++) {
			const struct tsim_cell *c = &t->cell[i][k];

			if (!tsim_promised((enum tsim_kind)i, (enum tsim_kind)k) || c->reached == c->asked)
				continue;
			fprintf(stderr, "ponto-sim: %s: %s to %s reached %llu of %llu\n", phase,
				tsim_kind_name((enum tsim_kind)i), tsim_kind_name((enum tsim_kind)k),
				(unsigned long long)c->reached, (unsigned long long)c->asked);
			good = false;
		}
	return !miss(t->box.reached != t->box.asked, "not all behind one box were reached") && good;
}

static bool all_qualified(const struct tsim_report *r)
{
	for (unsigned k = 0; k < TSIM_BOXES; k++)
		if (r->qualified[k].reached != (k == TSIM_BLOCKED ? 0 : r->qualified[k].asked))
			return false;
	return r->judged_wrong == 0;
}

static bool reflects(const struct tsim_report *r)
{
	for (uint32_t i = 0; i < r->reflections; i++) {
		const struct tsim_reflection *f = &r->reflection[i];

		if (!f->inherent && (f->packets > 1 || f->bytes > f->in || f->elsewhere))
			return true;
	}
	return false;
}

bool tsim_good(const struct tsim_report *r)
{
	char command[COMMAND];
	bool bad = false;

	bad |= miss(!all_qualified(r), "a client did not qualify, or took its NAT for another kind");
	bad |= !all_reached(&r->talks[0], "talk");
	if (share(&r->talks[1].promised) < IN_FAULTS)
		bad |= !all_reached(&r->talks[1], "loss and churn");
	bad |= miss(psim_histogram_quantile(&r->requalified, 1) > REQUALIFIED, "a client requalified too late");
	bad |= miss(r->lost + r->back_without > 0, "a client was left without an address");
	bad |= miss(r->unbroken < UNBROKEN * r->conversations, "conversations ended with the servers");
	bad |= miss(r->hostile_changes > 0, "an attacker changed an address");
	bad |= miss(r->most_peers > r->options.peers, "more peers than there may be");
	bad |= miss(reflects(r), "a forged datagram was reflected by more than one packet, or a larger one");
	bad |= !all_reached(&r->talks[2], "under attack");
	bad |= miss(r->node_bytes > NODE_BYTES, "a client takes too much memory");
	bad |= miss(r->misled > 0, "a datagram reached another than whom it was for");
	if (bad) {
		tsim_options_command(&r->options, command, sizeof(command));
		fprintf(stderr, "ponto-sim: replay: %s --check\n", command);
	}
	return !bad;
}
