/* Engine content: who offers to a hosted cache: how long he is left alone, and how much he may still bring. Private to
 * content_hosted. */
#ifndef ENGINES_CONTENT_CONTENT_HOSTS_H
#define ENGINES_CONTENT_CONTENT_HOSTS_H

#include "framework/base.h"

#define CONTENT_DOUBTERS 6u /* hosts that say his segments are wrong */

struct content_host {
	struct content_host *next;
	struct ponto_addr addr;
	uint64_t used;		    /* last, for eviction */
	uint32_t waiting, active;   /* what he is a source of: he stays as long */
	uint32_t failures, ignored; /* pulls in a row; times he was left alone */
	uint64_t ignored_until;
	uint64_t bytes, refilled; /* what he may still send */
	struct ponto_addr doubters[CONTENT_DOUBTERS];
	uint32_t doubter_count;
};

struct content_hosts {
	const struct ponto_alloc *alloc;
	uint32_t most;
	uint64_t bytes_an_hour; /* each; 0: any */
	struct content_host *first;
	uint32_t count;
};

void content_hosts_clear(struct content_hosts *hosts);

/* NULL: there is none. */
struct content_host *content_hosts_find(const struct content_hosts *hosts, const struct ponto_addr *addr);

/* A new one if there is none. NULL: there are too many with something open, or no memory. */
struct content_host *content_hosts_meet(struct content_hosts *hosts, uint64_t now, const struct ponto_addr *addr);

/* Another number of bytes an hour. */
void content_hosts_ration(struct content_hosts *hosts, uint64_t bytes_an_hour);

/* Charges him so many bytes; false: he may not bring as many. They grow back over an hour. */
bool content_hosts_charge(const struct content_hosts *hosts, uint64_t now, struct content_host *host, uint64_t bytes);
void content_hosts_give_back(const struct content_hosts *hosts, struct content_host *host, uint64_t bytes);

static inline bool content_host_ignored(const struct content_host *host, uint64_t now)
{
	return now < host->ignored_until;
}

/* He is left alone until then at the least. */
void content_host_leave_alone(struct content_host *host, uint64_t until);

/* One more says that what he sent is wrong; true: as many as it takes. */
bool content_host_doubted(struct content_host *host, const struct ponto_addr *by);

#endif
