/* A cloud of nodes on a lossy network: every registered name resolves from
 * every tenth node, and the same seed gives the same trace.
 *
 *   sim_pnrp                                  as a test: TAP
 *   sim_pnrp --nodes N --seed S --loss PERCENT one world, printed: how a failure is replayed
 *   sim_pnrp ... --security pki                the same with real keys, which no seed foretells */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/service-pnrp/pnrp.pb-c.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/sim/sim_cloud.h"

#define RESOLVE_TIMEOUT_MS 30000
#define CONCURRENT 4 /* resolves at once on one node */
#define JOIN_WAVE 32 /* nodes that join at once */
/* What loss does to a cloud while it forms, islands above all, is healed by the split tests: their time. */
#define SETTLE (300 * PONTO_SECOND)

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

struct world;

/* One tenth node, and the names it goes through. */
struct resolver {
	struct world *world;
	size_t member;
	size_t next; /* name to ask for next */
	size_t pending;
};

struct resolving {
	struct resolver *resolver;
	size_t name;
};

struct world {
	struct sim_cloud cloud;
	size_t nodes;
	size_t registered;
	struct resolver *resolvers;
	size_t resolver_count;
	size_t asked, found, single;
	size_t busy; /* resolvers not through */
};

static void name_of(size_t index, char out[32])
{
	snprintf(out, 32, "0.name-%zu", index);
}

static void on_registered(void *arg, int result, struct ponto_bytes payload)
{
	struct world *world = arg;

	(void)payload;
	if (result == PONTO_OK)
		world->registered++;
}

static void join_all(struct world *world)
{
	const struct ponto_random *random = ponto_sim_random(world->cloud.sim);
	char name[32];

	for (size_t i = 0; i < world->nodes; i++) {
		long seed = i == 0 ? -1 : (long)ponto_random_below(random, i);
		size_t member = sim_cloud_join(&world->cloud, seed);

		name_of(i, name);
		sim_cloud_register(&world->cloud, member, name, on_registered, world);
		if (i < JOIN_WAVE || i % JOIN_WAVE == 0)
			sim_cloud_run(&world->cloud, 2 * PONTO_SECOND);
	}
	sim_cloud_run(&world->cloud, SETTLE);
}

/* ---- resolving ------------------------------------------------------------------ */

static void ask_more(struct resolver *resolver);

static void on_resolved(void *arg, int result, struct ponto_bytes payload)
{
	struct resolving *resolving = arg;
	struct resolver *resolver = resolving->resolver;
	struct world *world = resolver->world;

	if (result == PONTO_OK) {
		Ponto__Pnrp__V1__ResolveReply *reply =
			ponto__pnrp__v1__resolve_reply__unpack(NULL, payload.len, payload.data);
		char name[32];

		name_of(resolving->name, name);
		if (reply && reply->n_match == 1 && strcmp(reply->match[0]->name, name) == 0) {
			world->found++;
			world->single += reply->walks == 1;
		}
		ponto__pnrp__v1__resolve_reply__free_unpacked(reply, NULL);
	} else if (getenv("SIM_VERBOSE")) {
		printf("# node %zu does not find name %zu: %s\n", resolver->member, resolving->name,
		       ponto_strerror(result));
	}
	free(resolving);
	resolver->pending--;
	ask_more(resolver);
}

static void ask_more(struct resolver *resolver)
{
	struct world *world = resolver->world;

	while (resolver->pending < CONCURRENT && resolver->next < world->nodes) {
		struct resolving *resolving = calloc(1, sizeof(*resolving));
		char name[32];

		resolving->resolver = resolver;
		resolving->name = resolver->next++;
		name_of(resolving->name, name);
		resolver->pending++;
		world->asked++;
		sim_cloud_resolve(&world->cloud, resolver->member, name, RESOLVE_TIMEOUT_MS, on_resolved, resolving);
	}
	if (resolver->pending == 0 && resolver->next == world->nodes) {
		resolver->next++;
		world->busy--;
	}
}

static void resolve_all(struct world *world)
{
	world->resolver_count = (world->nodes + 9) / 10;
	world->resolvers = calloc(world->resolver_count, sizeof(*world->resolvers));
	world->busy = world->resolver_count;
	for (size_t i = 0; i < world->resolver_count; i++) {
		world->resolvers[i] = (struct resolver){.world = world, .member = i * 10};
		ask_more(&world->resolvers[i]);
	}
	/* Each resolve ends within its timeout: this many seconds are plenty. */
	for (size_t i = 0; i < world->nodes * RESOLVE_TIMEOUT_MS / 1000 && world->busy > 0; i++)
		sim_cloud_run(&world->cloud, PONTO_SECOND);
	free(world->resolvers);
}

/* ---- one world --------------------------------------------------------------------- */

struct outcome {
	size_t nodes, registered, asked, found, single;
	uint64_t hash;
	bool ended;
};

static void set_loss(struct ponto_sim *sim, double loss)
{
	struct ponto_sim_network_model model;

	if (ponto_sim_network_get(sim, &model) != PONTO_OK)
		abort();
	model.loss = (uint32_t)(loss * 1000000);
	if (ponto_sim_network_set(sim, &model) != PONTO_OK)
		abort();
}

static struct outcome run_world(size_t nodes, uint64_t seed, double loss, const struct ponto_plugin *security)
{
	struct world world = {.nodes = nodes};
	struct outcome outcome;

	sim_cloud_init(&world.cloud, nodes, seed);
	world.cloud.security = security;
	set_loss(world.cloud.sim, loss);
	join_all(&world);
	resolve_all(&world);
	outcome = (struct outcome){
		.nodes = nodes,
		.registered = world.registered,
		.asked = world.asked,
		.found = world.found,
		.single = world.single,
		.hash = ponto_sim_hash(world.cloud.sim),
		.ended = world.busy == 0,
	};
	sim_cloud_clear(&world.cloud);
	return outcome;
}

static bool good(const struct outcome *outcome)
{
	return outcome->ended && outcome->registered == outcome->nodes && outcome->found == outcome->asked;
}

static void print_outcome(const struct outcome *o, uint64_t seed, double loss)
{
	printf("# seed %llu, %zu nodes, %.0f %% loss: %zu registered, %zu of %zu resolves found (%.3f %%), "
	       "%.3f %% by a single walk, trace %016llx\n",
	       (unsigned long long)seed, o->nodes, loss * 100, o->registered, o->found, o->asked,
	       100.0 * (double)o->found / (double)(o->asked ? o->asked : 1),
	       100.0 * (double)o->single / (double)(o->asked ? o->asked : 1), (unsigned long long)o->hash);
	fflush(stdout);
}

static bool result(unsigned number, bool ok, const char *what, size_t nodes, uint64_t seed, double loss,
		   const char *more)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", number, what);
	if (!ok)
		printf("# replay: tests/sim/sim_pnrp --nodes %zu --seed %llu --loss %.0f%s\n", nodes,
		       (unsigned long long)seed, loss * 100, more);
	fflush(stdout);
	return ok;
}

/* What is proven of security-sim's clouds holds where keys and signatures are real. */
static bool with_real_keys(unsigned number, size_t nodes)
{
	struct outcome outcome = run_world(nodes, 1, 0.05, &security_pki_LTX_ponto_plugin);
	char what[128];

	printf("# security-pki:\n");
	print_outcome(&outcome, 1, 0.05);
	snprintf(what, sizeof(what), "%zu nodes with the keys of security-pki, 5 %% loss", nodes);
	return result(number, good(&outcome), what, nodes, 1, 0.05, " --security pki");
}

/* The default tier: fewer seeds; the full one: what the status page quotes. */
static int as_test(void)
{
	bool full = getenv("PONTO_FULL") != NULL;
	bool slow = getenv("PONTO_SLOW_BUILD") != NULL;
	size_t nodes = slow ? 100 : 1000;
	unsigned seeds = full && !slow ? 20 : slow ? 1 : 2;
	unsigned number = 0;
	bool all = true;
	struct outcome first, again;
	char what[128];

	printf("1..%u\n", seeds + 3);
	first = run_world(50, 1, 0, NULL);
	print_outcome(&first, 1, 0);
	again = run_world(50, 1, 0, NULL);
	all &= result(++number, good(&first) && first.single == first.asked, "without loss every walk finds its name",
		      50, 1, 0, "");
	all &= result(++number, first.hash == again.hash && first.hash != 0, "the same seed gives the same trace", 50,
		      1, 0, "");
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct outcome outcome = run_world(nodes, seed, 0.05, NULL);

		print_outcome(&outcome, seed, 0.05);
		snprintf(what, sizeof(what), "%zu nodes, 5 %% loss, seed %u: every name from every tenth node", nodes,
			 seed);
		printf("# proves PNRP-457\n"); /* all these nodes publish, and they resolve */
		all &= result(++number, good(&outcome), what, nodes, seed, 0.05, "");
	}
	all &= with_real_keys(++number, slow ? 50 : 1000);
	return all ? 0 : 1;
}

int main(int argc, char **argv)
{
	size_t nodes = 1000;
	uint64_t seed = 1;
	double loss = 0.05;
	const struct ponto_plugin *security = NULL;
	struct outcome outcome;

	if (argc == 1)
		return as_test();
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--nodes") == 0)
			nodes = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--loss") == 0)
			loss = strtod(argv[i + 1], NULL) / 100;
		else if (strcmp(argv[i], "--security") == 0 && strcmp(argv[i + 1], "pki") == 0)
			security = &security_pki_LTX_ponto_plugin;
	}
	outcome = run_world(nodes, seed, loss, security);
	print_outcome(&outcome, seed, loss);
	return good(&outcome) ? 0 : 1;
}
