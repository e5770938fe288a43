#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/ponto/check.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "tests/conform/stream_suite.h"
#include "tests/conform/transport_suite.h"

/* One instance with default options, and two handles' worth of places to open it. */
struct subject {
	const struct ponto_plugin *plugin;
	bool simulation;
	struct ponto_sim *sim; /* with simulation */
	struct ponto_conf *conf;
	struct ponto_log *log;
	struct ponto_env env;
};

/* Two ports of the loopback addresses that nobody has now, in both families where there are two. */
static int free_ports(uint16_t port[2])
{
	int fd[2] = {-1, -1}, family = AF_INET6, result = PONTO_OK;

	for (unsigned i = 0; i < 2; i++) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6}; /* the wildcard, of IPv4 too */
		struct sockaddr_in four = {.sin_family = AF_INET};
		struct sockaddr *address = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
		socklen_t len = family == AF_INET6 ? sizeof(six) : sizeof(four);

		fd[i] = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd[i] < 0 && family == AF_INET6) {
			family = AF_INET;
			i--;
			continue;
		}
		if (fd[i] < 0 || bind(fd[i], address, len) < 0 || getsockname(fd[i], address, &len) < 0) {
			result = PONTO_EIO;
			break;
		}
		port[i] = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
	}
	for (unsigned i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return result;
}

static int open_world(struct subject *s, struct transport_bed *bed)
{
	struct ponto_sim_node *node;
	int result = ponto_sim_create(&ponto_alloc_system, 1, &s->sim);

	if (result == PONTO_OK)
		result = ponto_sim_node(s->sim, &node);
	if (result != PONTO_OK)
		return result;
	bed->loop[0] = ponto_sim_node_loop(node);
	bed->port[0] = 4000;
	bed->port[1] = 4001;
	s->env.random = ponto_sim_node_random(node);
	s->env.clock = ponto_sim_node_clock(node);
	return PONTO_OK;
}

static int open_system(struct subject *s, struct transport_bed *bed)
{
	s->env.random = &ponto_random_system;
	s->env.clock = &ponto_clock_system;
	return ponto_loop_uv_create(&ponto_alloc_system, &bed->loop[0]);
}

static void clean_up(struct subject *s, struct transport_bed *bed)
{
	ponto_loop_destroy(bed->loop[0]);
	ponto_sim_destroy(s->sim);
	ponto_log_destroy(s->log);
	ponto_conf_destroy(s->conf);
	s->sim = NULL;
	s->log = NULL;
	s->conf = NULL;
}

static int subject_open(void *ctx, struct transport_bed *bed)
{
	struct subject *s = ctx;
	struct ponto_transport *t = bed->transport;
	char error[256];
	int result;

	memset(bed, 0, sizeof(*bed));
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "checked",
		.node_name = "check",
		.alloc = &ponto_alloc_system,
		.simulation = s->simulation,
	};
	result = ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, NULL, error,
				 sizeof(error), &s->conf);
	if (result == PONTO_OK)
		result = ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_NONE, "error", &s->log);
	if (result == PONTO_OK)
		result = s->simulation ? open_world(s, bed) : open_system(s, bed);
	if (result == PONTO_OK && !s->simulation)
		result = free_ports(bed->port);
	s->env.conf = s->conf;
	s->env.log = s->log;
	bed->scope = PONTO_SCOPE_LOOPBACK;
	bed->loop[1] = bed->loop[0];
	t->ops = (const struct ponto_transport_ops *)(const void *)s->plugin->vtable;
	if (result == PONTO_OK)
		result = t->ops->create(&s->env, &t->self);
	if (result != PONTO_OK)
		clean_up(s, bed);
	bed->transport[1] = *t;
	return result;
}

static void subject_close(void *ctx, struct transport_bed *bed)
{
	bed->transport[0].ops->destroy(bed->transport[0].self);
	clean_up(ctx, bed);
}

static bool offers(const struct ponto_plugin *plugin, const char *feature)
{
	for (const char *const *offer = plugin->offers; offer && *offer; offer++) {
		if (strcmp(*offer, feature) == 0)
			return true;
	}
	return false;
}

/* One that needs other instances cannot be made alone. */
static const struct ponto_option *reference(const struct ponto_plugin *plugin)
{
	for (size_t i = 0; i < plugin->option_count; i++)
		if (plugin->options[i].type == PONTO_OPTION_REF && !plugin->options[i].fallback)
			return &plugin->options[i];
	return NULL;
}

static int streams_open(void *ctx, struct stream_bed *bed)
{
	struct subject *s = ctx;
	struct transport_bed plain;
	int result = subject_open(ctx, &plain);

	memset(bed, 0, sizeof(*bed));
	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < 2; i++) {
		bed->transport[i] = plain.transport[i];
		bed->loop[i] = plain.loop[i];
	}
	result = ponto_addr_parse("::1", 0, &bed->local[0]);
	if (result == PONTO_OK)
		result = ponto_addr_parse("2001:db8::ffff:ffff", 0, &bed->foreign);
	bed->local[1] = bed->local[0];
	if (result != PONTO_OK)
		subject_close(s, &plain);
	return result;
}

static void streams_close(void *ctx, struct stream_bed *bed)
{
	struct transport_bed plain = {.transport = {bed->transport[0]}, .loop = {bed->loop[0]}};

	subject_close(ctx, &plain);
}

static void check_datagrams(struct check *check, struct subject *subject)
{
	struct transport_subject transport = {subject_open, subject_close, subject};

	for (size_t i = 0; i < transport_suite_count(); i++) {
		char why[512] = "", sentence[128];
		bool good = transport_suite_run(i, &transport, why, sizeof(why));

		snprintf(sentence, sizeof(sentence), "transport contract: %s%s", transport_suite_name(i),
			 subject->simulation ? " (simulated)" : "");
		check_tell(check, sentence, good ? CHECK_HOLDS : CHECK_BROKEN, why);
	}
}

static void check_streams(struct check *check, struct subject *subject)
{
	struct stream_subject stream = {streams_open, streams_close, subject};

	for (size_t i = 0; i < stream_suite_count(); i++) {
		char why[512] = "", sentence[128];
		bool good = stream_suite_run(i, &stream, why, sizeof(why));

		snprintf(sentence, sizeof(sentence), "stream contract: %s%s", stream_suite_name(i),
			 subject->simulation ? " (simulated)" : "");
		check_tell(check, sentence, good ? CHECK_HOLDS : CHECK_BROKEN, why);
	}
}

void check_transport(struct check *check)
{
	const struct ponto_option *needed = reference(check->plugin);
	struct subject subject = {.plugin = check->plugin};
	struct transport_bed bed;
	bool opened = true;

	if (needed) {
		char why[128];

		snprintf(why, sizeof(why), "it cannot be made alone: its option %s names another instance", needed->name);
		check_tell(check, "transport contract", CHECK_NOT_TRIED, why);
		return;
	}
	/* What cannot be made on a system may be meant for simulations; what cannot be made there either is told so. */
	if (subject_open(&subject, &bed) != PONTO_OK) {
		subject.simulation = true;
		subject.simulation = subject_open(&subject, &bed) == PONTO_OK;
		opened = subject.simulation;
	}
	if (opened)
		subject_close(&subject, &bed);
	if (offers(check->plugin, PONTO_FEATURE_DATAGRAM))
		check_datagrams(check, &subject);
	else
		check_tell(check, "transport contract", CHECK_NOT_TRIED, "it offers no datagrams");
	if (offers(check->plugin, PONTO_FEATURE_STREAM))
		check_streams(check, &subject);
	else
		check_tell(check, "stream contract", CHECK_NOT_TRIED, "it offers no streams");
}
