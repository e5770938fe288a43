/* How it stands, for whoever runs the node: the hub writes it down when it is asked to. */
#include "plugins/transport-teredo/tt.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 1

/* On the hub's loop. */
static void fill(struct tt_hub *hub, struct tt_report *r)
{
	size_t count = 0;

	memset(r, 0, sizeof(*r));
	hub->role->fill(hub, r);
	r->has_local = hub->service.d.handle &&
		       ponto_datagrams_local(hub->service.d, &r->local, 1, &count) == PONTO_OK && count > 0;
	r->running = true;
}

void tt_report_answer(struct tt_hub *hub)
{
	struct tt_report report;
	bool wanted;

	pthread_mutex_lock(&hub->lock);
	wanted = hub->report_wanted;
	pthread_mutex_unlock(&hub->lock);
	if (!wanted)
		return;
	fill(hub, &report);
	pthread_mutex_lock(&hub->lock);
	hub->report = report;
	hub->report_wanted = false;
	pthread_cond_broadcast(&hub->reported);
	pthread_mutex_unlock(&hub->lock);
}

/* The hub's own words, or what it said last when it has none within a second. */
static void ask(struct tt_hub *hub, struct tt_report *out)
{
	struct timespec until;

	pthread_mutex_lock(&hub->starting);
	if (!hub->running) {
		memset(out, 0, sizeof(*out));
		pthread_mutex_unlock(&hub->starting);
		return;
	}
	if (ponto_loop_sim(hub->loop)) {
		fill(hub, out);
		pthread_mutex_unlock(&hub->starting);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&hub->lock);
	hub->report_wanted = true;
	tt_bell_ring(&hub->bell);
	while (hub->report_wanted && pthread_cond_clockwait(&hub->reported, &hub->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
	*out = hub->report;
	pthread_mutex_unlock(&hub->lock);
	pthread_mutex_unlock(&hub->starting);
}

int tt_describe(void *self, ponto_describe_fn *line, void *arg)
{
	const struct tt_hub *hub = self;
	struct tt_report report;

	ask(self, &report);
	if (report.running)
		hub->role->tell(hub, &report, line, arg);
	else
		line(arg, "state", "idle");
	return PONTO_OK;
}
