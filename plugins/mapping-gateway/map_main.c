#include "plugins/mapping-gateway/map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARGUMENTS 13
#define MEMORY (48u << 20) /* address space: a description of a device has some kilobytes */
#define FILES 32
#define CPU_SECONDS 3
#define SECONDS 30 /* should whoever started it be gone */

enum { BAD_USAGE = 2 };

static bool limit(int what, rlim_t most)
{
	struct rlimit l = {most, most};

	return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool confine(void)
{
	alarm(SECONDS);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (!limit(RLIMIT_AS, MEMORY)) /* sanitizers reserve terabytes */
		return false;
#endif
	return limit(RLIMIT_CPU, CPU_SECONDS) && limit(RLIMIT_NOFILE, FILES) && limit(RLIMIT_CORE, 0) &&
	       limit(RLIMIT_FSIZE, 0) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool number(const char *text, unsigned long most, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= most;
}

/* The one of two words that it is; true: the first. */
static bool word(const char *text, const char *first, const char *second, bool *out)
{
	*out = strcmp(text, first) == 0;
	return *out || strcmp(text, second) == 0;
}

static bool read_task(char **argv, struct map_task *t)
{
	unsigned long port, external, lifetime;

	if (!word(argv[2], "unmap", "map", &t->unmap) || inet_pton(AF_INET, argv[3], &t->gateway) != 1 ||
	    inet_pton(AF_INET, argv[4], &t->local) != 1 || !word(argv[5], "tcp", "udp", &t->tcp) ||
	    !number(argv[6], UINT16_MAX, &port) || !number(argv[7], UINT16_MAX, &external) ||
	    !number(argv[8], UINT32_MAX, &lifetime) || !word(argv[9], "exact", "any", &t->exact))
		return false;
	t->port = (uint16_t)port;
	t->external = (uint16_t)external;
	t->lifetime = (uint32_t)lifetime;
	t->description = argv[10];
	t->control = strcmp(argv[11], "-") == 0 ? NULL : argv[11];
	t->type = strcmp(argv[12], "-") == 0 ? NULL : argv[12];
	return port != 0 && external != 0 && inet_ntop(AF_INET, &t->local, t->local_text, sizeof(t->local_text)) &&
	       (t->control != NULL) == (t->type != NULL);
}

static void say(enum map_result result, const struct map_answer *a)
{
	char external[INET_ADDRSTRLEN] = "0.0.0.0";

	switch (result) {
	case MAP_HELD:
		inet_ntop(AF_INET, &a->external, external, sizeof(external));
		printf("held %s %u %lu %s %s\n", external, a->port, (unsigned long)a->lifetime,
		       a->control[0] ? a->control : "-", a->type[0] ? a->type : "-");
		break;
	case MAP_GIVEN_BACK:
		puts("given-back");
		break;
	case MAP_REFUSED:
		printf("refused %s\n", a->words);
		break;
	case MAP_SILENT:
		printf("silent %s\n", a->words);
		break;
	}
}

int main(int argc, char **argv)
{
	struct map_task task = {0};
	struct map_answer answer = {0};
	enum map_result result;
	bool natpmp;

	if (argc != ARGUMENTS || !word(argv[1], "natpmp", "upnp", &natpmp) || !read_task(argv, &task)) {
		fputs("usage: ponto-map natpmp|upnp map|unmap GATEWAY LOCAL tcp|udp PORT EXTERNAL LIFETIME exact|any "
		      "DESCRIPTION CONTROL TYPE\n"
		      "Run by the plugin mapping-gateway.\n",
		      stderr);
		return BAD_USAGE;
	}
	if (!confine()) {
		fprintf(stderr, "ponto-map: limits cannot be set: %s\n", strerror(errno));
		return 1;
	}
	result = natpmp ? map_natpmp(&task, &answer) : map_upnp(&task, &answer);
	say(result, &answer);
	return fflush(stdout) == 0 ? 0 : 1;
}
