/* Handles: one port each, on their owner's loop. */
#include "plugins/mapping-gateway/mg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SPREAD (5 * PONTO_SECOND) /* RFC 6887 14.1.3 */
#define HINT_GAP (10 * PONTO_SECOND)

static void due(void *arg)
{
	struct ponto_mapping_handle *h = arg;

	mg_due(h);
	mg_settle(h);
}

/* ---- for the owner ---------------------------------------------------------------------------------- */

static bool news(const struct ponto_mapping_info *a, const struct ponto_mapping_info *b)
{
	return a->state != b->state || !ponto_addr_equal(&a->external, &b->external) || strcmp(a->how, b->how) != 0 ||
	       strcmp(a->why, b->why) != 0;
}

static void log_news(const struct ponto_mapping_handle *h)
{
	char text[PONTO_ADDR_TEXT];

	if (h->info.state == PONTO_MAPPING_HELD)
		ponto_info(h->mg->env->log, MG_TOPIC, "port %u is %s outside, by %s", h->want.local.port,
			   ponto_addr_format(&h->info.external, text), h->info.how);
	else if (h->info.state == PONTO_MAPPING_NONE)
		ponto_info(h->mg->env->log, MG_TOPIC, "port %u is not mapped: %s", h->want.local.port, h->info.why);
	else
		ponto_info(h->mg->env->log, MG_TOPIC, "the mapping of port %u was lost", h->want.local.port);
}

void mg_settle(struct ponto_mapping_handle *h)
{
	uint64_t at = h->at;
	struct ponto_mapping_info info;

	if (h->pcp_on && pcp_client_deadline(&h->pcp) < at)
		at = pcp_client_deadline(&h->pcp);
	ponto_timer_set(h->loop, h->timer, at);
	/* While it is looked for there is nothing to say, but that what there was is gone. */
	if (h->info.state == PONTO_MAPPING_ASKING && h->told.state != PONTO_MAPPING_HELD)
		return;
	if (!news(&h->info, &h->told))
		return;
	info = h->told = h->info;
	log_news(h);
	h->events.changed(h->arg, &info);
}

/* ---- opening and closing ------------------------------------------------------------------------------ */

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static int check_want(const struct ponto_mapping_want *want)
{
	if (want->local.family != PONTO_FAMILY_IPV4)
		return PONTO_ENOTSUP;
	if (!want->local.port || (want->protocol != 6 && want->protocol != 17) || !want->description ||
	    !want->description[0] || strlen(want->description) >= MG_DESCRIPTION || !printable(want->description))
		return PONTO_EINVAL;
	return PONTO_OK;
}

static void free_handle(struct ponto_mapping_handle *h)
{
	if (h->cancel >= 0)
		close(h->cancel);
	ponto_free(h->mg->env->alloc, h);
}

int mg_open(void *self, struct ponto_loop *loop, const struct ponto_mapping_want *want,
	    const struct ponto_mapping_events *events, void *arg, struct ponto_mapping_handle **out)
{
	struct mg *mg = self;
	struct ponto_mapping_handle *h;
	int result = check_want(want);

	if (result != PONTO_OK)
		return result;
	h = ponto_new(mg->env->alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	h->mg = mg;
	h->loop = loop;
	h->want = *want;
	snprintf(h->description, sizeof(h->description), "%s", want->description);
	h->want.description = h->description;
	h->events = *events;
	h->arg = arg;
	h->expires = PONTO_NEVER;
	h->cancel = mg->pool ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	if (mg->pool && h->cancel < 0)
		result = PONTO_EIO;
	if (result == PONTO_OK)
		result = ponto_timer_create(loop, due, h, &h->timer);
	if (result != PONTO_OK) {
		free_handle(h);
		return result;
	}
	h->at = ponto_loop_now(loop);
	ponto_timer_set(loop, h->timer, h->at);
	*out = h;
	return PONTO_OK;
}

static void leave_loop(struct ponto_mapping_handle *h)
{
	mg_pcp_stop(h);
	ponto_datagrams_close(&h->d);
	ponto_timer_destroy(h->loop, h->timer);
	h->timer = NULL;
}

/* Again when ponto-map is done. */
void mg_close(struct ponto_mapping_handle *h)
{
	bool first = !h->closed;
	uint64_t one = 1;

	h->closed = true;
	if (first)
		leave_loop(h);
	if (h->job) {
		if (write(h->cancel, &one, sizeof(one)) < 0)
			ponto_debug(h->mg->env->log, MG_TOPIC, "ponto-map is not told: %s", strerror(errno));
		return;
	}
	if (h->stage == MG_STAGE_HELD && h->protocol != MG_PCP) {
		if (first && mg_submit(h))
			return;
		ponto_info(h->mg->env->log, MG_TOPIC, "port %u was not given back", h->want.local.port);
	}
	free_handle(h);
}

void mg_renew(struct ponto_mapping_handle *h)
{
	uint64_t now = ponto_loop_now(h->loop);

	if (h->pcp_on && now >= h->begun + HINT_GAP) {
		h->begun = now;
		pcp_client_renew(&h->pcp, now);
		mg_pcp_pump(h);
		ponto_timer_set(h->loop, h->timer, pcp_client_deadline(&h->pcp));
		return;
	}
	mg_hint(h);
	ponto_timer_set(h->loop, h->timer, h->at);
}

void mg_hint(struct ponto_mapping_handle *h)
{
	uint64_t at = ponto_loop_now(h->loop) + ponto_random_below(h->mg->env->random, SPREAD + 1);

	if (h->job || h->pcp_on || (h->stage != MG_STAGE_HELD && h->stage != MG_STAGE_WAIT))
		return;
	if (at < h->begun + HINT_GAP)
		at = h->begun + HINT_GAP;
	if (at < h->at)
		h->at = at;
}
