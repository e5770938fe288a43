/* A fetch as its loop sees it. */
#include <unistd.h>

#include "plugins/http-mhd/mhd_client.h"

/* ---- mailboxes: one for each loop that fetches -------------------------------------------------- */

static int use_box(struct mhd_client *client, struct ponto_loop *loop, struct mhd_box **out)
{
	const struct ponto_alloc *alloc = client->http->env->alloc;
	struct mhd_box *box;
	int result;

	pthread_mutex_lock(&client->lock);
	for (box = client->boxes; box && box->loop != loop; box = box->next)
		;
	if (box)
		box->users++;
	pthread_mutex_unlock(&client->lock);
	if (!box) {
		box = ponto_new(alloc, 1, sizeof(*box));
		if (!box)
			return PONTO_ENOMEM;
		result = mhd_mailbox_create(alloc, loop, &box->mailbox);
		if (result != PONTO_OK) {
			ponto_free(alloc, box);
			return result;
		}
		box->loop = loop;
		box->users = 1;
		/* Only this loop's thread adds one for it. */
		pthread_mutex_lock(&client->lock);
		box->next = client->boxes;
		client->boxes = box;
		pthread_mutex_unlock(&client->lock);
	}
	*out = box;
	return PONTO_OK;
}

static void leave_box(struct mhd_client *client, struct mhd_box *box)
{
	bool last;

	pthread_mutex_lock(&client->lock);
	last = --box->users == 0;
	if (last) {
		struct mhd_box **link = &client->boxes;

		while (*link != box)
			link = &(*link)->next;
		*link = box->next;
	}
	pthread_mutex_unlock(&client->lock);
	if (last) {
		mhd_mailbox_destroy(box->mailbox);
		ponto_free(client->http->env->alloc, box);
	}
}

static bool enter(struct mhd_client *client)
{
	unsigned max = (unsigned)ponto_conf_int(client->http->env->conf, "fetches");
	bool entered;

	pthread_mutex_lock(&client->lock);
	entered = client->live < max;
	if (entered)
		client->live++;
	pthread_mutex_unlock(&client->lock);
	return entered;
}

static void leave(struct mhd_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->live--;
	pthread_mutex_unlock(&client->lock);
}

/* ---- telling --------------------------------------------------------------------------------------- */

/* Nothing is told any more; libcurl's thread frees it, which may have other orders about it before it. */
static void detach(struct ponto_http_transfer *t)
{
	struct mhd_client *client = t->client;
	struct mhd_box *box = t->box;

	pthread_mutex_lock(&t->lock);
	t->abandoned = true;
	pthread_mutex_unlock(&t->lock);
	mhd_mailbox_recall(box->mailbox, &t->mail);
	mhd_client_order(t, MHD_REMOVE);
	leave_box(client, box);
	leave(client);
}

/* More of the body, from what libcurl's thread filled meanwhile. False: nothing, and then *ended is true when nothing
 * will come. */
static bool refill(struct ponto_http_transfer *t, bool *ended, int *result)
{
	struct mhd_window empty = t->draining;
	bool go_on;

	empty.len = 0;
	pthread_mutex_lock(&t->lock);
	t->draining = t->filling;
	t->filling = empty;
	go_on = t->paused;
	t->paused = false;
	*ended = t->ended;
	*result = t->result;
	pthread_mutex_unlock(&t->lock);
	t->drained = 0;
	if (go_on)
		mhd_client_order(t, MHD_CONTINUE);
	return t->draining.len > 0;
}

static void finish(struct ponto_http_transfer *t, int result)
{
	t->events.done(t->arg, result);
	t->cancelled = true;
}

/* Body that waits, until it is refused or nothing is left. */
static void tell_body(struct ponto_http_transfer *t)
{
	while (!t->blocked && !t->cancelled) {
		bool ended = false;
		int result = PONTO_OK;

		if (t->drained == t->draining.len && !refill(t, &ended, &result)) {
			if (ended)
				finish(t, result);
			return;
		}
		if (t->events.body)
			result = t->events.body(
				t->arg, ponto_bytes(t->draining.data + t->drained, t->draining.len - t->drained));
		if (result == PONTO_EBUSY)
			t->blocked = true;
		else if (result == PONTO_OK)
			t->drained = t->draining.len;
		else if (!t->cancelled)
			finish(t, result);
	}
}

static void tell_all(struct ponto_http_transfer *t)
{
	bool ready;

	t->depth++;
	pthread_mutex_lock(&t->lock);
	ready = t->head_ready;
	pthread_mutex_unlock(&t->lock);
	if (ready && !t->head_told) {
		t->head_told = true;
		if (t->events.head)
			t->events.head(t->arg, t->status, t->headers, t->header_count);
	}
	tell_body(t);
	t->depth--;
	if (t->cancelled && t->depth == 0)
		detach(t);
}

static void deliver(struct mhd_mail *mail)
{
	tell_all((struct ponto_http_transfer *)((char *)mail - offsetof(struct ponto_http_transfer, mail)));
}

/* ---- the contract -------------------------------------------------------------------------------------- */

static int start(struct mhd_client *client, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
		 const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out)
{
	struct ponto_http_transfer *t = ponto_new(client->http->env->alloc, 1, sizeof(*t));
	int result;

	if (!t)
		return PONTO_ENOMEM;
	t->client = client;
	t->events = *events;
	t->arg = arg;
	t->mail.deliver = deliver;
	pthread_mutex_init(&t->lock, NULL);
	result = mhd_transfer_prepare(t, fetch);
	if (result == PONTO_OK)
		result = use_box(client, loop, &t->box);
	if (result != PONTO_OK) {
		mhd_transfer_free(t);
		return result;
	}
	ponto_counter_add(client->http->metrics.fetches, 1);
	mhd_client_order(t, MHD_ADD);
	*out = t;
	return PONTO_OK;
}

int mhd_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
	      const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out)
{
	struct mhd_http *http = self;
	struct mhd_client *client;
	int result = ponto_http_check_fetch(fetch);

	if (result != PONTO_OK)
		return result;
	if (ponto_loop_sim(loop))
		return PONTO_ENOTSUP;
	if (fetch->ca_file && access(fetch->ca_file, R_OK) != 0)
		return PONTO_ENOENT;
	result = mhd_client_of(http, &client);
	if (result != PONTO_OK)
		return result;
	if (!enter(client))
		return PONTO_EBUSY;
	result = start(client, loop, fetch, events, arg, out);
	if (result != PONTO_OK)
		leave(client);
	return result;
}

void mhd_transfer_resume(struct ponto_http_transfer *t)
{
	if (!t->blocked)
		return;
	t->blocked = false;
	/* Not from inside: body would come before this returned. */
	pthread_mutex_lock(&t->lock);
	mhd_mailbox_send(t->box->mailbox, &t->mail);
	pthread_mutex_unlock(&t->lock);
}

void mhd_cancel(struct ponto_http_transfer *t)
{
	t->cancelled = true;
	if (t->depth == 0)
		detach(t);
}
