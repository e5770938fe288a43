#include "plugins/http-mhd/mhd.h"

static struct mhd_host **bucket(struct ponto_http_listener *l, const struct ponto_addr *addr)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(addr->ip); i++)
		hash = (hash ^ addr->ip[i]) * 16777619u;
	return &l->hosts[(hash ^ hash >> 16) % MHD_HOST_BUCKETS];
}

struct mhd_host *mhd_host_enter(struct ponto_http_listener *l, const struct ponto_addr *addr)
{
	struct mhd_host **first = bucket(l, addr), *host = *first;

	while (host && !ponto_addr_same_host(&host->addr, addr))
		host = host->next;
	if (!host) {
		host = ponto_new(l->http->env->alloc, 1, sizeof(*host));
		if (!host)
			return NULL;
		host->addr = *addr;
		host->next = *first;
		*first = host;
	} else if (host->connections >= l->per_host) {
		return NULL;
	}
	host->connections++;
	return host;
}

void mhd_host_leave(struct ponto_http_listener *l, struct mhd_host *host)
{
	struct mhd_host **at = bucket(l, &host->addr);

	if (--host->connections > 0)
		return;
	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
	ponto_free(l->http->env->alloc, host);
}
