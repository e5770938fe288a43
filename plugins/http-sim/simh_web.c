#include <string.h>

#include "plugins/http-sim/simh.h"

static void destroy_web(void *value)
{
	struct simh_web *web = value;

	ponto_free(web->alloc, web->sides);
	ponto_free(web->alloc, web);
}

struct simh_web *simh_web_of(struct ponto_sim *sim)
{
	void **slot = ponto_sim_slot(sim, "http", destroy_web);
	struct simh_web *web;

	if (!slot || *slot)
		return slot ? *slot : NULL;
	web = ponto_new(ponto_sim_alloc(sim), 1, sizeof(*web));
	if (!web)
		return NULL;
	web->sim = sim;
	web->alloc = ponto_sim_alloc(sim);
	web->model.latency = 10000;
	web->next_port = 49152;
	*slot = web;
	return web;
}

int ponto_sim_web_set(struct ponto_sim *sim, const struct ponto_sim_web_model *model)
{
	struct simh_web *web = simh_web_of(sim);

	if (!web)
		return PONTO_ENOMEM;
	web->model = *model;
	return PONTO_OK;
}

int ponto_sim_web_stats(struct ponto_sim *sim, struct ponto_sim_web_stats *out)
{
	struct simh_web *web = simh_web_of(sim);

	if (!web)
		return PONTO_ENOMEM;
	*out = web->stats;
	return PONTO_OK;
}

/* ---- who reaches whom ----------------------------------------------------------------------- */

static uint32_t side_of(const struct simh_web *web, uint32_t node)
{
	return node < web->side_count ? web->sides[node] : 0;
}

bool simh_reaches(const struct simh_web *web, uint32_t a, uint32_t b)
{
	return side_of(web, a) == side_of(web, b);
}

int ponto_sim_web_partition(struct ponto_sim *sim, uint32_t node, uint32_t side)
{
	struct simh_web *web = simh_web_of(sim);

	if (!web)
		return PONTO_ENOMEM;
	if (node >= web->side_count) {
		uint32_t *sides = ponto_resize(web->alloc, web->sides, (size_t)node + 1, sizeof(*sides));

		if (!sides)
			return PONTO_ENOMEM;
		memset(sides + web->side_count, 0, (node + 1 - web->side_count) * sizeof(*sides));
		web->sides = sides;
		web->side_count = node + 1;
	}
	web->sides[node] = side;
	for (struct simh_leg *leg = web->legs; leg; leg = leg->next) {
		if (leg->severed || simh_reaches(web, leg->client, leg->server))
			continue;
		leg->severed = true;
		web->stats.severed++;
	}
	return PONTO_OK;
}

/* ---- addresses -------------------------------------------------------------------------------- */

struct ponto_addr simh_address(uint32_t node, uint16_t port)
{
	struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6, .port = port, .ip = {0x20, 0x01, 0x0d, 0xb8}};

	for (unsigned i = 0; i < 4; i++)
		addr.ip[15 - i] = (uint8_t)((node + 1) >> 8 * i);
	return addr;
}

/* The node that has an address, whichever of its own. */
static bool node_of(const struct ponto_addr *addr, uint32_t from, uint32_t *node)
{
	uint32_t number = (uint32_t)addr->ip[12] << 24 | (uint32_t)addr->ip[13] << 16 | (uint32_t)addr->ip[14] << 8 |
			  addr->ip[15];

	if (addr->family != PONTO_FAMILY_IPV6)
		return false;
	*node = ponto_addr_scope(addr) == PONTO_SCOPE_LOOPBACK ? from : number - 1;
	return number != 0;
}

struct ponto_http_listener *simh_find(struct simh_web *web, const struct ponto_addr *addr, uint32_t from,
				      uint32_t *node, bool *exists)
{
	static const uint8_t any[16];

	*exists = node_of(addr, from, node);
	for (struct ponto_http_listener *l = web->listeners; l && *exists; l = l->next) {
		if (l->node == *node && l->local.port == addr->port &&
		    (memcmp(l->local.ip, any, sizeof(any)) == 0 || ponto_addr_same_host(&l->local, addr)))
			return l;
	}
	return NULL;
}

uint64_t simh_arrival(struct simh_web *web, uint64_t *clear, size_t len)
{
	uint64_t at = ponto_sim_now(web->sim) + web->model.latency;

	if (web->model.jitter > 0)
		at += ponto_random_below(ponto_sim_random(web->sim), web->model.jitter);
	if (at < *clear)
		at = *clear;
	if (web->model.bandwidth > 0)
		at += len * 1000000 / web->model.bandwidth;
	*clear = at;
	return at;
}

/* ---- headers ------------------------------------------------------------------------------------- */

void simh_headers_free(const struct ponto_alloc *alloc, struct ponto_http_header *headers, size_t count)
{
	for (size_t i = 0; headers && i < count; i++) {
		ponto_free(alloc, headers[i].name);
		ponto_free(alloc, headers[i].value);
	}
	ponto_free(alloc, headers);
}

struct ponto_http_header *simh_headers(const struct ponto_alloc *alloc, const struct ponto_http_header *headers,
				       size_t count, size_t more)
{
	struct ponto_http_header *copy = ponto_new(alloc, count + more + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++) {
		copy[i].name = ponto_strdup(alloc, headers[i].name);
		copy[i].value = ponto_strdup(alloc, headers[i].value);
		if (!copy[i].name || !copy[i].value) {
			simh_headers_free(alloc, copy, count);
			return NULL;
		}
	}
	return copy;
}
