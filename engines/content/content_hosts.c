#include "engines/content/content_hosts.h"

#define HOUR (3600 * PONTO_SECOND)

void content_hosts_clear(struct content_hosts *hosts)
{
	while (hosts->first) {
		struct content_host *host = hosts->first;

		hosts->first = host->next;
		ponto_free(hosts->alloc, host);
	}
	hosts->count = 0;
}

static bool goes_before(const struct content_host *a, const struct content_host *b, uint64_t now)
{
	if (content_host_ignored(a, now) != content_host_ignored(b, now))
		return content_host_ignored(b, now);
	return content_host_ignored(a, now) ? a->ignored_until < b->ignored_until : a->used < b->used;
}

/* Without anything open: the one longest silent makes room, else the one that is to be left alone for the shortest
 * time, so that many of those do not keep everybody else out. */
static bool drop(struct content_hosts *hosts, uint64_t now)
{
	struct content_host **first = NULL, *host;

	for (struct content_host **at = &hosts->first; *at; at = &(*at)->next) {
		if ((*at)->waiting == 0 && (*at)->active == 0 && (!first || goes_before(*at, *first, now)))
			first = at;
	}
	if (!first)
		return false;
	host = *first;
	*first = host->next;
	ponto_free(hosts->alloc, host);
	hosts->count--;
	return true;
}

struct content_host *content_hosts_find(const struct content_hosts *hosts, const struct ponto_addr *addr)
{
	struct content_host *host = hosts->first;

	while (host && !ponto_addr_same_host(&host->addr, addr))
		host = host->next;
	return host;
}

struct content_host *content_hosts_meet(struct content_hosts *hosts, uint64_t now, const struct ponto_addr *addr)
{
	struct content_host *host = content_hosts_find(hosts, addr);

	if (!host) {
		if (hosts->count >= hosts->most && !drop(hosts, now))
			return NULL;
		host = ponto_new(hosts->alloc, 1, sizeof(*host));
		if (!host)
			return NULL;
		host->addr = *addr;
		host->bytes = hosts->bytes_an_hour;
		host->refilled = now;
		host->next = hosts->first;
		hosts->first = host;
		hosts->count++;
	}
	host->used = now;
	return host;
}

/* Who brought something while nothing was counted begins with all of it; nobody has more left than there is. */
void content_hosts_ration(struct content_hosts *hosts, uint64_t bytes_an_hour)
{
	uint64_t before = hosts->bytes_an_hour;

	if (bytes_an_hour == before)
		return;
	hosts->bytes_an_hour = bytes_an_hour;
	for (struct content_host *host = hosts->first; host; host = host->next) {
		if (before == 0 || host->bytes > bytes_an_hour)
			host->bytes = bytes_an_hour;
	}
}

void content_hosts_give_back(const struct content_hosts *hosts, struct content_host *host, uint64_t bytes)
{
	uint64_t most = hosts->bytes_an_hour;

	if (most > 0)
		host->bytes = bytes >= most - host->bytes ? most : host->bytes + bytes;
}

bool content_hosts_charge(const struct content_hosts *hosts, uint64_t now, struct content_host *host, uint64_t bytes)
{
	uint64_t most = hosts->bytes_an_hour, passed = now - host->refilled, grown;

	if (most == 0)
		return true;
	grown = passed >= HOUR ? most : most / HOUR * passed + most % HOUR * passed / HOUR;
	if (grown > 0) {
		content_hosts_give_back(hosts, host, grown);
		host->refilled = now;
	}
	if (bytes > host->bytes)
		return false;
	host->bytes -= bytes;
	return true;
}

void content_host_leave_alone(struct content_host *host, uint64_t until)
{
	host->failures = 0;
	if (host->ignored < 7) /* an hour at the most */
		host->ignored++;
	if (until > host->ignored_until)
		host->ignored_until = until;
}

bool content_host_doubted(struct content_host *host, const struct ponto_addr *by)
{
	if (ponto_addr_same_host(&host->addr, by))
		return false;
	for (uint32_t i = 0; i < host->doubter_count; i++) {
		if (ponto_addr_same_host(&host->doubters[i], by))
			return false;
	}
	host->doubters[host->doubter_count++] = *by;
	if (host->doubter_count < CONTENT_DOUBTERS)
		return false;
	host->doubter_count = 0;
	return true;
}
