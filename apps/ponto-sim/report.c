#include <jansson.h>
#include <stdio.h>

#include "apps/ponto-sim/scenario.h"

#define FOUND_QUIET 0.999 /* shares found, without faults and with them */
#define FOUND_FAULTS 0.99
#define ENGINE_BYTES (16 * 1024)
#define COMMAND 512

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 1;
}

/* ---- for people --------------------------------------------------------------------- */

static void print_phases(const struct psim_report *r)
{
	printf("%-14s %9s %8s %8s %12s %12s %8s %8s %9s %8s\n", "phase", "virtual s", "wall s", "core s", "events",
	       "events/cor.s", "msg/n/s", "byte/n/s", "nearest %", "leaves %");
	for (unsigned i = 0; i < PSIM_PHASES; i++) {
		const struct psim_phase *p = &r->phase[i];

		if (!p->told)
			continue;
		printf("%-14s %9.0f %8.1f %8.1f %12llu %12.0f %8.3f %8.1f %9.3f %8.3f\n", psim_phase_title(i), p->seconds,
		       p->wall, p->cpu, (unsigned long long)p->events, (double)p->events / p->cpu, p->messages, p->bytes,
		       100 * share(p->ring.next, p->ring.nodes), 100 * share(p->ring.whole, p->ring.nodes));
	}
}

static void print_resolves(const struct psim_report *r)
{
	printf("\n%-14s %9s %9s %9s %6s %5s %5s %8s %8s %8s\n", "resolves", "asked", "found %", "1 walk %", "hops",
	       "p50", "p99", "p50 ms", "p99 ms", "mean ms");
	for (unsigned i = 0; i < PSIM_PHASES; i++) {
		const struct psim_resolves *q = &r->phase[i].resolves;

		if (q->asked == 0)
			continue;
		printf("%-14s %9llu %9.3f %9.3f %6.2f %5llu %5llu %8.0f %8.0f %8.0f\n", psim_phase_title(i),
		       (unsigned long long)q->asked, 100 * share(q->found, q->asked), 100 * share(q->single, q->asked),
		       psim_histogram_mean(&q->hops), (unsigned long long)psim_histogram_quantile(&q->hops, 0.5),
		       (unsigned long long)psim_histogram_quantile(&q->hops, 0.99),
		       (double)psim_histogram_quantile(&q->latency, 0.5) / 1000,
		       (double)psim_histogram_quantile(&q->latency, 0.99) / 1000, psim_histogram_mean(&q->latency) / 1000);
	}
}

static void print_types(const struct psim_report *r)
{
	printf("\n%-14s", "sent /n/s");
	for (unsigned t = 0; t < PNRP_COUNT_TYPES; t++)
		printf(" %9s", pnrp_message_name((enum pnrp_message_type_index)t));
	putchar('\n');
	for (unsigned i = 0; i < PSIM_PHASES; i++) {
		if (!r->phase[i].told)
			continue;
		printf("%-14s", psim_phase_title(i));
		for (unsigned t = 0; t < PNRP_COUNT_TYPES; t++)
			printf(" %9.4f", r->phase[i].by_type[t]);
		putchar('\n');
	}
}

static void print_drops(const struct psim_report *r)
{
	printf("\n%-14s", "dropped");
	for (unsigned t = 0; t < PNRP_DROP_REASONS; t++)
		printf(" %9s", pnrp_drop_name((enum pnrp_drop)t));
	putchar('\n');
	for (unsigned i = 0; i < PSIM_PHASES; i++) {
		if (!r->phase[i].told)
			continue;
		printf("%-14s", psim_phase_title(i));
		for (unsigned t = 0; t < PNRP_DROP_REASONS; t++)
			printf(" %9llu", (unsigned long long)r->phase[i].dropped[t]);
		putchar('\n');
	}
}

static void print_time(const char *what, double seconds, uint32_t limit)
{
	if (seconds >= 0)
		printf("%s %.0f s\n", what, seconds);
	else
		printf("%s: not within %u s\n", what, (unsigned)limit);
}

void psim_print(const struct psim_report *r)
{
	char command[COMMAND];

	psim_options_command(&r->options, command, sizeof(command));
	printf("%s\n\n", command);
	print_phases(r);
	print_resolves(r);
	print_types(r);
	print_drops(r);
	printf("\nan idle node: %.0f cache entries, engine %.0f bytes, with all about it %.0f bytes; peak of the process "
	       "%.1f MiB\n",
	       r->cache_fill, r->engine_bytes, r->node_bytes, (double)r->peak_bytes / (1 << 20));
	if (r->phase[PSIM_REPAIR].told) {
		printf("after %u s in two halves:\n", (unsigned)r->options.partition);
		print_time("  every resolve across the former cut finds its name again after", r->found_all,
			   r->options.repair);
		print_time("  every node knows its neighbours again after", r->ring_whole, r->options.repair);
	}
	printf("trace %016llx\n", (unsigned long long)r->hash);
}

/* ---- for programs --------------------------------------------------------------------- */

static json_t *json_resolves(const struct psim_resolves *q)
{
	return json_pack("{sI, sf, sf, sf, sI, sI, sI, sI, sf}", "asked", (json_int_t)q->asked, "found",
			 share(q->found, q->asked), "single_walk", share(q->single, q->asked), "hops_mean",
			 psim_histogram_mean(&q->hops), "hops_p50", (json_int_t)psim_histogram_quantile(&q->hops, 0.5),
			 "hops_p99", (json_int_t)psim_histogram_quantile(&q->hops, 0.99), "latency_us_p50",
			 (json_int_t)psim_histogram_quantile(&q->latency, 0.5), "latency_us_p99",
			 (json_int_t)psim_histogram_quantile(&q->latency, 0.99), "latency_us_mean",
			 psim_histogram_mean(&q->latency));
}

static json_t *json_phase(const struct psim_phase *p)
{
	json_t *sent = json_object(), *dropped = json_object(), *phase;

	for (unsigned t = 0; t < PNRP_COUNT_TYPES; t++)
		json_object_set_new(sent, pnrp_message_name((enum pnrp_message_type_index)t), json_real(p->by_type[t]));
	for (unsigned t = 0; t < PNRP_DROP_REASONS; t++)
		json_object_set_new(dropped, pnrp_drop_name((enum pnrp_drop)t), json_integer((json_int_t)p->dropped[t]));
	phase = json_pack("{sf, sf, sf, sI, sI, sf, sf, sf, sf, so, so}", "virtual_s", p->seconds, "wall_s", p->wall,
			  "core_s", p->cpu, "events",
			  (json_int_t)p->events, "nodes", (json_int_t)p->nodes, "messages_per_node_s", p->messages,
			  "bytes_per_node_s", p->bytes, "nearest_leaves_right", share(p->ring.next, p->ring.nodes),
			  "leaf_sets_right", share(p->ring.whole, p->ring.nodes), "sent_per_node_s", sent, "dropped",
			  dropped);
	if (p->resolves.asked > 0)
		json_object_set_new(phase, "resolves", json_resolves(&p->resolves));
	return phase;
}

void psim_print_json(const struct psim_report *r)
{
	char command[COMMAND], hash[17];
	json_t *phases = json_object(), *root;

	psim_options_command(&r->options, command, sizeof(command));
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)r->hash);
	for (unsigned i = 0; i < PSIM_PHASES; i++)
		if (r->phase[i].told)
			json_object_set_new(phases, psim_phase_title(i), json_phase(&r->phase[i]));
	root = json_pack("{ss, sI, so, sf, sf, sf, sI, sf, sf, ss}", "command", command, "nodes",
			 (json_int_t)r->options.nodes, "phases", phases, "cache_entries", r->cache_fill, "engine_bytes",
			 r->engine_bytes, "node_bytes", r->node_bytes, "peak_bytes", (json_int_t)r->peak_bytes,
			 "found_all_s", r->found_all, "ring_whole_s", r->ring_whole, "trace", hash);
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(root);
}

/* ---- marks -------------------------------------------------------------------------------- */

static bool found_enough(const struct psim_report *r, enum psim_phase_name phase, double mark)
{
	const struct psim_resolves *q = &r->phase[phase].resolves;

	if (!r->phase[phase].told || share(q->found, q->asked) >= mark)
		return true;
	fprintf(stderr, "ponto-sim: %s: found %llu of %llu\n", psim_phase_title(phase), (unsigned long long)q->found,
		(unsigned long long)q->asked);
	return false;
}

bool psim_good(const struct psim_report *r)
{
	bool good = found_enough(r, PSIM_RESOLVE, FOUND_QUIET);
	char command[COMMAND];

	good &= found_enough(r, PSIM_FAULTS, FOUND_FAULTS);
	good &= found_enough(r, PSIM_AFTER, FOUND_QUIET);
	if (r->phase[PSIM_REPAIR].told && r->found_all < 0) {
		fprintf(stderr, "ponto-sim: repair: not every name was found within %u s\n", (unsigned)r->options.repair);
		good = false;
	}
	if (r->engine_bytes >= ENGINE_BYTES) {
		fprintf(stderr, "ponto-sim: an idle engine has %.0f bytes\n", r->engine_bytes);
		good = false;
	}
	if (!good) {
		psim_options_command(&r->options, command, sizeof(command));
		fprintf(stderr, "ponto-sim: replay: %s --check\n", command);
	}
	return good;
}
