/* One protocol after the other, until one gets the port; then keeping it.
 *
 *     PCP ─▶ NAT-PMP ─▶ UPnP ─▶ WAIT ─ retry ─▶ from the start
 *      └──────┴───────────┴─ got it ─▶ HELD ─ lost ─▶ from the start */
#include "plugins/mapping-gateway/mg.h"

#include <stdio.h>
#include <string.h>

#define FAILURES 3 /* of renewals, until it counts as lost */
#define AGAIN (10 * PONTO_SECOND)

static const char *const names[MG_PROTOCOLS] = {"PCP", "NAT-PMP", "UPnP"};

static void try_next(struct ponto_mapping_handle *h, unsigned from);

/* Adds to what is said when nothing helps. */
static void note(struct ponto_mapping_handle *h, const char *what)
{
	size_t len = strlen(h->info.why);

	snprintf(h->info.why + len, sizeof(h->info.why) - len, "%s%s: %s", len ? "; " : "", names[h->protocol], what);
}

static void nothing(struct ponto_mapping_handle *h)
{
	h->stage = MG_STAGE_WAIT;
	h->at = ponto_loop_now(h->loop) + h->mg->retry;
	h->info.state = PONTO_MAPPING_NONE;
	memset(&h->info.external, 0, sizeof(h->info.external));
	h->info.how[0] = '\0';
}

static void got(struct ponto_mapping_handle *h, const struct ponto_addr *external)
{
	h->stage = MG_STAGE_HELD;
	h->failures = 0;
	h->info.state = PONTO_MAPPING_HELD;
	h->info.external = *external;
	h->info.why[0] = '\0';
	snprintf(h->info.how, sizeof(h->info.how), "%s", names[h->protocol]);
}

/* ---- PCP ---------------------------------------------------------------------------------------- */

static void pcp_failed(struct ponto_mapping_handle *h, const char *what)
{
	note(h, what);
	mg_pcp_stop(h);
	try_next(h, MG_PCP + 1);
}

void mg_pcp_said(struct ponto_mapping_handle *h)
{
	char what[64];

	switch (h->pcp.state) {
	case PCP_HELD:
		h->protocol = MG_PCP;
		h->at = PONTO_NEVER;
		got(h, &h->pcp.external);
		break;
	case PCP_ASKING: /* its lifetime is over */
		mg_begin(h);
		break;
	case PCP_REFUSED:
		h->protocol = MG_PCP;
		if (h->stage == MG_STAGE_HELD)
			ponto_counter_add(h->mg->lost, 1);
		snprintf(what, sizeof(what), "refused, %s", pcp_result_name(h->pcp.result));
		pcp_failed(h, what);
		break;
	case PCP_FOREIGN:
		pcp_failed(h, "not spoken there");
		break;
	case PCP_RELEASED:
		break;
	}
}

/* ---- ponto-map -------------------------------------------------------------------------------------- */

static void job_done(void *arg)
{
	struct mg_job *job = arg;
	struct ponto_mapping_handle *h = job->h;
	struct mg_answer answer = job->answer;

	h->job = NULL;
	ponto_free(h->mg->env->alloc, job);
	if (h->closed) {
		if (answer.kind == MG_ANSWER_GIVEN_BACK)
			h->stage = MG_STAGE_IDLE;
		mg_close(h);
		return;
	}
	mg_program_said(h, &answer);
	mg_pcp_pump(h);
	mg_settle(h);
}

static void fill_task(const struct ponto_mapping_handle *h, struct mg_task *t)
{
	bool endless = h->protocol == MG_UPNP; /* NAT-PMP knows no such thing. RFC 6886 3.3 */

	t->protocol = h->protocol;
	t->gateway = h->info.gateway;
	t->local = h->want.local;
	t->transport = h->want.protocol;
	t->exact = h->want.exact;
	t->external = h->stage == MG_STAGE_HELD ? h->info.external.port : h->want.local.port;
	t->lifetime = h->want.lifetime || endless ? h->want.lifetime : h->mg->lifetime;
	memcpy(t->description, h->description, sizeof(t->description));
	memcpy(t->control, h->control, sizeof(t->control));
	memcpy(t->type, h->type, sizeof(t->type));
}

/* Has ponto-map do what is due. False: it cannot. */
bool mg_submit(struct ponto_mapping_handle *h)
{
	struct mg_job *job = h->job ? NULL : ponto_new(h->mg->env->alloc, 1, sizeof(*job));

	if (!job)
		return false;
	job->h = h;
	job->program = h->mg->program;
	job->cancel = h->cancel;
	fill_task(h, &job->task);
	job->task.unmap = h->closed;
	if (ponto_pool_submit(h->mg->pool, h->loop, mg_job_run, job_done, job) != PONTO_OK) {
		ponto_free(h->mg->env->alloc, job);
		return false;
	}
	ponto_counter_add(h->mg->asked, 1);
	h->job = job;
	h->begun = ponto_loop_now(h->loop);
	return true;
}

static void look_after(struct ponto_mapping_handle *h)
{
	h->at = PONTO_NEVER;
	if (!mg_submit(h))
		h->at = ponto_loop_now(h->loop) + AGAIN;
}

static void program_got(struct ponto_mapping_handle *h, const struct mg_answer *a)
{
	uint64_t now = ponto_loop_now(h->loop), half = (uint64_t)a->lifetime * PONTO_SECOND / 2;

	memcpy(h->control, a->control, sizeof(h->control));
	memcpy(h->type, a->type, sizeof(h->type));
	h->expires = a->lifetime ? now + 2 * half : PONTO_NEVER;
	h->at = now + (a->lifetime && half < h->mg->check ? half : h->mg->check);
	if (h->protocol == MG_NATPMP)
		h->at = now + half; /* RFC 6886 3.3 */
	if (h->at < now + PONTO_SECOND)
		h->at = now + PONTO_SECOND;
	got(h, &a->external);
}

static void renewal_failed(struct ponto_mapping_handle *h, const struct mg_answer *a)
{
	uint64_t now = ponto_loop_now(h->loop);

	ponto_info(h->mg->env->log, MG_TOPIC, "%s: port %u could not be renewed: %s", names[h->protocol],
		   h->want.local.port, a->words);
	h->control[0] = h->type[0] = '\0'; /* the device may have moved */
	if (++h->failures < FAILURES && now + AGAIN < h->expires) {
		h->at = now + AGAIN;
		return;
	}
	ponto_counter_add(h->mg->lost, 1);
	mg_begin(h);
}

void mg_program_said(struct ponto_mapping_handle *h, const struct mg_answer *a)
{
	if (h->stage != MG_STAGE_PROGRAM && h->stage != MG_STAGE_HELD)
		return;
	if (a->kind == MG_ANSWER_HELD) {
		program_got(h, a);
	} else if (h->stage == MG_STAGE_HELD) {
		renewal_failed(h, a);
	} else {
		char what[MG_WORDS + 16];

		snprintf(what, sizeof(what), "%s%s", a->kind == MG_ANSWER_REFUSED ? "refused, " : "", a->words);
		note(h, what);
		try_next(h, h->protocol + 1);
	}
}

/* ---- the order --------------------------------------------------------------------------------------- */

static void try_next(struct ponto_mapping_handle *h, unsigned from)
{
	uint64_t now = ponto_loop_now(h->loop);

	for (unsigned p = from; p < MG_PROTOCOLS; p++) {
		if (!(h->mg->protocols & 1u << p))
			continue;
		h->protocol = (enum mg_protocol)p;
		if (p == MG_PCP) {
			h->stage = MG_STAGE_PCP;
			h->at = now + h->mg->patience;
			if (mg_pcp_start(h) == PONTO_OK)
				return;
			note(h, "no socket for it");
			continue;
		}
		if (!h->mg->pool)
			continue; /* a simulation */
		h->stage = MG_STAGE_PROGRAM;
		h->at = PONTO_NEVER;
		h->control[0] = h->type[0] = '\0';
		if (mg_submit(h))
			return;
		note(h, "no room for it");
	}
	nothing(h);
}

void mg_begin(struct ponto_mapping_handle *h)
{
	int result = PONTO_OK;

	mg_pcp_stop(h);
	if (h->job)
		return; /* goes on when it is done */
	h->begun = ponto_loop_now(h->loop);
	memset(&h->info, 0, sizeof(h->info));
	h->info.gateway = h->mg->gateway;
	if (h->mg->gateway.family == PONTO_FAMILY_NONE)
		result = mg_route_gateway(&h->info.gateway);
	if (!h->d.handle && mg_pcp_open(h) != PONTO_OK)
		h->d.handle = NULL;
	if (result == PONTO_OK) {
		try_next(h, 0);
	} else {
		snprintf(h->info.why, sizeof(h->info.why), "there is no default route");
		nothing(h);
	}
}

void mg_due(struct ponto_mapping_handle *h)
{
	uint64_t now = ponto_loop_now(h->loop);

	if (h->pcp_on && pcp_client_advance(&h->pcp, now))
		mg_pcp_said(h);
	if (now >= h->at) {
		switch (h->stage) {
		case MG_STAGE_PCP:
			pcp_failed(h, "no answer");
			break;
		case MG_STAGE_HELD:
			look_after(h);
			break;
		case MG_STAGE_WAIT:
		case MG_STAGE_IDLE:
			mg_begin(h);
			break;
		case MG_STAGE_PROGRAM:
			break;
		}
	}
	mg_pcp_pump(h);
}
