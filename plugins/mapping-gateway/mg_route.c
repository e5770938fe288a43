/* The gateway of the default route, out of /proc/net/route. */
#include "plugins/mapping-gateway/mg.h"

#include <fcntl.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE "/proc/net/route"
#define TABLE_MAX 65536 /* of it; hosts have few routes, and defaults come first */

int mg_route_read(char *text, struct ponto_addr *out)
{
	struct ponto_addr best = {.family = PONTO_FAMILY_IPV4};
	unsigned best_metric = 0;
	bool found = false;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned destination, gateway, flags, metric, mask;
		char interface[32];

		if (sscanf(line, "%31s %x %x %x %*d %*d %u %x", interface, &destination, &gateway, &flags, &metric,
			   &mask) != 6)
			continue; /* the heading */
		if (destination || mask || !gateway || !(flags & RTF_GATEWAY) || !(flags & RTF_UP) ||
		    (found && metric >= best_metric))
			continue;
		memcpy(best.ip, &gateway, 4); /* as it lies in memory */
		best_metric = metric;
		found = true;
	}
	if (!found)
		return PONTO_ENOENT;
	*out = best;
	return PONTO_OK;
}

int mg_route_gateway(struct ponto_addr *out)
{
	int fd = open(TABLE, O_RDONLY | O_CLOEXEC);
	char text[TABLE_MAX];
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return PONTO_ENOENT;
	while (len < sizeof(text) - 1 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	text[len] = '\0';
	return mg_route_read(text, out);
}
