/* The link's thread: one client that listens. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/peer/clouds.h"
#include "api/peer/link.h"
#include "api/peer/link_private.h"
#include "api/peer/lookup.h"
#include "api/peer/pnrp.h"
#include "api/peer/registration.h"
#include "api/peerdist/object.h"

#define RETRY_MS 1000 /* without a daemon, or with something that could not be registered yet */
#define LOOK_MS 5000  /* otherwise: a connection for calls can be lost without an event */

static struct {
	pthread_mutex_t lock; /* of users, thread, stop */
	unsigned users;
	pthread_t thread;
	int stop;
	pthread_mutex_t watch_lock; /* of watches, and held while they are told */
	struct link_watch *watches;
	bool untold; /* one of them could not find it out */
} link_ = {.lock = PTHREAD_MUTEX_INITIALIZER, .watch_lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- watches ----------------------------------------------------------------------------- */

void link_watch(struct link_watch *watch)
{
	pthread_mutex_lock(&link_.watch_lock);
	watch->next = link_.watches;
	link_.watches = watch;
	link_.untold |= !watch->changed(watch);
	pthread_mutex_unlock(&link_.watch_lock);
}

void link_unwatch(struct link_watch *watch)
{
	struct link_watch **at = &link_.watches;

	pthread_mutex_lock(&link_.watch_lock);
	while (*at && *at != watch)
		at = &(*at)->next;
	if (*at)
		*at = watch->next;
	pthread_mutex_unlock(&link_.watch_lock);
}

static void tell_watches(void)
{
	pthread_mutex_lock(&link_.watch_lock);
	link_.untold = false;
	for (struct link_watch *watch = link_.watches; watch; watch = watch->next)
		link_.untold |= !watch->changed(watch);
	pthread_mutex_unlock(&link_.watch_lock);
}

static bool all_told(void)
{
	bool told;

	pthread_mutex_lock(&link_.watch_lock);
	told = !link_.untold;
	pthread_mutex_unlock(&link_.watch_lock);
	return told;
}

/* ---- listening ------------------------------------------------------------------------------ */

/* Everything may be different: clouds, and what the daemon knows of this process. *heard: all was found out; true when
 * all is registered, too. */
static bool look(struct ponto_client *client, bool *heard)
{
	bool complete;

	peer_clouds_stale();
	*heard = peer_clouds_subscribe(client);
	complete = *heard && peer_registrations_renew();
	tell_watches();
	return complete && all_told();
}

static bool stopping(int stop, int timeout_ms)
{
	struct pollfd item = {.fd = stop, .events = POLLIN};

	return poll(&item, 1, timeout_ms) > 0;
}

static bool is_cloud(const struct ponto_event *event)
{
	const char *dot = strrchr(event->topic, '.');

	return dot && strcmp(dot, ".cloud") == 0;
}

/* Until the daemon is lost or the link ends. */
static void listen_to(struct ponto_client *client, int stop)
{
	bool heard, complete = look(client, &heard);
	struct ponto_event event;

	while (!stopping(stop, 0)) {
		int result = ponto_client_next_event(client, complete ? LOOK_MS : RETRY_MS, &event);
		bool news = result == PONTO_ECLOSED;

		if (result == PONTO_OK) {
			news = is_cloud(&event);
			ponto_event_clear(client, &event);
		}
		if (stopping(stop, 0))
			return;
		if (news || (result == PONTO_ETIME && !(heard && all_told()))) /* calls may have been lost */
			complete = look(client, &heard);
		else if (result == PONTO_ETIME)
			complete = peer_registrations_renew();
		else if (result != PONTO_OK && stopping(stop, RETRY_MS))
			return;
	}
}

static void *run(void *arg)
{
	int stop = link_.stop;

	(void)arg;
	do {
		struct ponto_client *client;

		if (FAILED(link_client(true, &client)))
			continue;
		ponto_client_set_cancel(client, stop);
		if (ponto_client_subscribe(client, "node.state") == PONTO_OK)
			listen_to(client, stop);
		peer_clouds_unwatched();
		ponto_client_destroy(client);
	} while (!stopping(stop, RETRY_MS));
	return NULL;
}

/* ---- use --------------------------------------------------------------------------------------- */

HRESULT link_use(void)
{
	HRESULT result = S_OK;

	link_at_fork();
	pthread_mutex_lock(&link_.lock);
	if (link_.users == 0) {
		link_.stop = eventfd(0, EFD_CLOEXEC);
		if (link_.stop < 0) {
			result = E_OUTOFMEMORY;
		} else if (!link_thread(run, NULL, &link_.thread)) {
			close(link_.stop);
			result = E_OUTOFMEMORY;
		}
	}
	if (SUCCEEDED(result))
		link_.users++;
	pthread_mutex_unlock(&link_.lock);
	return result;
}

void link_drop(void)
{
	pthread_mutex_lock(&link_.lock);
	if (--link_.users == 0) {
		(void)eventfd_write(link_.stop, 1);
		pthread_join(link_.thread, NULL);
		close(link_.stop);
		peer_lookups_end();
		link_pool_clear();
	}
	pthread_mutex_unlock(&link_.lock);
}

/* ---- fork ------------------------------------------------------------------------------------------ */

static void in_child(void)
{
	link_pool_forget();
	peer_clouds_forget();
	peer_registrations_forget();
	peer_lookups_forget();
	peer_pnrp_forget();
	pd_forget();
	pthread_mutex_init(&link_.lock, NULL);
	pthread_mutex_init(&link_.watch_lock, NULL);
	link_.users = 0;
	link_.watches = NULL;
}

static void install(void)
{
	(void)pthread_atfork(NULL, NULL, in_child);
}

void link_at_fork(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}

void link_watch_forks(void)
{
	link_at_fork();
}
