#include "plugins/service-dist/dist_inbox.h"

#include <pthread.h>
#include <string.h>

#define LOOK (5 * PONTO_MS)

struct record {
	struct ponto_addr from;
	size_t len; /* of the message, which follows */
};

struct dist_inbox {
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	struct dist_inbox_events events;
	void *arg;
	size_t room;
	struct ponto_timer *timer;
	uint8_t *read; /* the loop's */
	pthread_mutex_t lock; /* guards what follows */
	uint8_t *write;
	size_t used;
	bool posted, watched; /* the loop was told to look; it will */
};

static void look(void *arg);

int dist_inbox_create(const struct ponto_alloc *alloc, struct ponto_loop *loop, size_t room,
		      const struct dist_inbox_events *events, void *arg, struct dist_inbox **out)
{
	struct dist_inbox *inbox = ponto_new(alloc, 1, sizeof(*inbox));
	int result;

	if (!inbox)
		return PONTO_ENOMEM;
	pthread_mutex_init(&inbox->lock, NULL);
	inbox->alloc = alloc;
	inbox->loop = loop;
	inbox->events = *events;
	inbox->arg = arg;
	inbox->room = room;
	inbox->read = ponto_new(alloc, 1, room);
	inbox->write = ponto_new(alloc, 1, room);
	result = inbox->read && inbox->write ? ponto_timer_create(loop, look, inbox, &inbox->timer) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		dist_inbox_destroy(inbox);
		return result;
	}
	*out = inbox;
	return PONTO_OK;
}

void dist_inbox_destroy(struct dist_inbox *inbox)
{
	if (!inbox)
		return;
	ponto_timer_destroy(inbox->loop, inbox->timer);
	pthread_mutex_destroy(&inbox->lock);
	ponto_free(inbox->alloc, inbox->read);
	ponto_free(inbox->alloc, inbox->write);
	ponto_free(inbox->alloc, inbox);
}

/* What has come since; when nothing has, the next message wakes the loop. */
static size_t swap(struct dist_inbox *inbox)
{
	uint8_t *all;
	size_t used;

	pthread_mutex_lock(&inbox->lock);
	all = inbox->write;
	used = inbox->used;
	inbox->write = inbox->read;
	inbox->read = all;
	inbox->used = 0;
	inbox->watched = used > 0;
	pthread_mutex_unlock(&inbox->lock);
	return used;
}

static void look(void *arg)
{
	struct dist_inbox *inbox = arg;
	size_t used = swap(inbox);
	const uint8_t *all = inbox->read;

	if (used == 0)
		return;
	ponto_timer_set(inbox->loop, inbox->timer, ponto_loop_now(inbox->loop) + LOOK);
	for (size_t at = 0; at < used;) {
		struct record record;

		memcpy(&record, all + at, sizeof(record));
		at += sizeof(record);
		inbox->events.take(inbox->arg, &record.from, ponto_bytes(all + at, record.len));
		at += record.len;
	}
	inbox->events.taken(inbox->arg);
}

static void wake(void *arg)
{
	struct dist_inbox *inbox = arg;

	pthread_mutex_lock(&inbox->lock);
	inbox->posted = false;
	pthread_mutex_unlock(&inbox->lock);
	look(inbox);
}

bool dist_inbox_put(struct dist_inbox *inbox, const struct ponto_addr *from, struct ponto_bytes message)
{
	struct record record = {*from, message.len};
	bool fits;

	pthread_mutex_lock(&inbox->lock);
	fits = message.len <= inbox->room && sizeof(record) + message.len <= inbox->room - inbox->used;
	if (fits && !inbox->watched)
		fits = inbox->posted = inbox->watched = ponto_loop_post(inbox->loop, wake, inbox) == PONTO_OK;
	if (fits) {
		memcpy(inbox->write + inbox->used, &record, sizeof(record));
		memcpy(inbox->write + inbox->used + sizeof(record), message.data, message.len);
		inbox->used += sizeof(record) + message.len;
	}
	pthread_mutex_unlock(&inbox->lock);
	return fits;
}

bool dist_inbox_idle(struct dist_inbox *inbox)
{
	bool idle;

	if (!inbox)
		return true;
	pthread_mutex_lock(&inbox->lock);
	idle = !inbox->posted && inbox->used == 0;
	pthread_mutex_unlock(&inbox->lock);
	return idle;
}
