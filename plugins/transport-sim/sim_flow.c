#include "plugins/transport-sim/sim_stream.h"

#include <string.h>

static void destroy_streams(void *value)
{
	struct sim_streams *streams = value;

	ponto_free(streams->alloc, streams);
}

struct sim_streams *sim_streams_of(struct ponto_sim *sim)
{
	struct sim_network *network = sim_network_of(sim);
	void **slot = network ? ponto_sim_slot(sim, "streams", destroy_streams) : NULL;
	struct sim_streams *streams;

	if (!slot || *slot)
		return slot ? *slot : NULL;
	streams = ponto_new(ponto_sim_alloc(sim), 1, sizeof(*streams));
	if (!streams)
		return NULL;
	streams->sim = sim;
	streams->network = network;
	streams->alloc = ponto_sim_alloc(sim);
	streams->next_port = 49152;
	*slot = streams;
	return streams;
}

void sim_segments_free(const struct ponto_alloc *alloc, struct sim_segment *list)
{
	while (list) {
		struct sim_segment *next = list->next;

		ponto_free(alloc, list);
		list = next;
	}
}

void sim_connection_check(struct sim_connection *c)
{
	if (c->side[0].handle || c->side[1].handle || c->busy > 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		ponto_sim_cancel(c->streams->sim, c->flow[i].event);
		sim_segments_free(c->streams->alloc, c->flow[i].head);
	}
	ponto_free(c->streams->alloc, c);
}

static void arrive(struct sim_connection *c, unsigned from);
static void arrive_from_0(void *connection)
{
	arrive(connection, 0);
}

static void arrive_from_1(void *connection)
{
	arrive(connection, 1);
}

/* Of the first segment. */
static bool schedule(struct sim_connection *c, unsigned from)
{
	struct sim_flow *flow = &c->flow[from];
	uint64_t now = ponto_sim_now(c->streams->sim);

	if (flow->event || !flow->head)
		return true;
	flow->event = ponto_sim_at(c->streams->sim, flow->head->at > now ? flow->head->at : now,
				   from == 0 ? arrive_from_0 : arrive_from_1, c);
	return flow->event != 0;
}

static bool parted(struct sim_connection *c)
{
	struct sim_host *host = sim_host_of(c->streams->network, c->side[0].node);
	uint32_t side = host ? host->side : 0;

	host = sim_host_of(c->streams->network, c->side[1].node);
	return host && host->side != side;
}

static void arrive(struct sim_connection *c, unsigned from)
{
	struct sim_flow *flow = &c->flow[from];
	struct sim_segment *segment = flow->head;

	flow->event = 0;
	c->busy++;
	if (parted(c)) {
		if (flow->tries < SIM_TRIES)
			segment->at = ponto_sim_now(c->streams->sim) + (SIM_AGAIN << flow->tries++);
		else
			sim_stream_timed_out(c, from);
	} else {
		flow->tries = 0;
		flow->head = segment->next;
		segment->next = NULL;
		sim_stream_arrived(c, 1 - from, segment);
	}
	/* Memory that runs out here is a way that nothing passes any more. */
	if (!schedule(c, from))
		sim_stream_timed_out(c, from);
	c->busy--;
	sim_connection_check(c);
}

static uint64_t due(struct sim_connection *c, unsigned from)
{
	const struct ponto_random *random = ponto_sim_random(c->streams->sim);
	uint64_t at = ponto_sim_now(c->streams->sim);
	struct ponto_sim_network_model model;

	if (ponto_sim_network_get(c->streams->sim, &model) != PONTO_OK)
		return at;
	at += model.latency + (model.jitter ? ponto_random_below(random, model.jitter) : 0);
	for (unsigned i = 0; i < SIM_TRIES && model.loss && ponto_random_below(random, PONTO_SIM_PPM) < model.loss; i++)
		at += SIM_AGAIN << i;
	return at > c->flow[from].last_at ? at : c->flow[from].last_at;
}

int sim_flow_send(struct sim_connection *c, unsigned from, enum sim_segment_kind kind, struct ponto_bytes data,
		  size_t len)
{
	struct sim_segment *segment = ponto_resize(c->streams->alloc, NULL, 1, sizeof(*segment) + data.len);
	struct sim_flow *flow = &c->flow[from];

	if (!segment)
		return PONTO_ENOMEM;
	*segment = (struct sim_segment){.at = due(c, from), .len = len, .kind = (uint8_t)kind};
	if (data.len > 0)
		memcpy(segment->data, data.data, data.len);
	if (flow->head) {
		flow->last->next = segment;
	} else {
		flow->head = segment;
		if (!schedule(c, from)) {
			flow->head = NULL;
			ponto_free(c->streams->alloc, segment);
			return PONTO_ENOMEM;
		}
	}
	flow->last = segment;
	flow->last_at = segment->at;
	return PONTO_OK;
}
