#include "plugins/http-mhd/mhd_client.h"

#include <signal.h>

#define IDLE_MS 60000

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_works;

static void start_curl(void)
{
	curl_works = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK;
}

void mhd_transfer_free(struct ponto_http_transfer *t)
{
	const struct ponto_alloc *alloc = t->client->http->env->alloc;

	if (t->easy)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->list);
	ponto_free(alloc, t->body);
	ponto_free(alloc, t->text);
	ponto_free(alloc, t->headers);
	ponto_free(alloc, t->filling.data);
	ponto_free(alloc, t->draining.data);
	pthread_mutex_destroy(&t->lock);
	ponto_free(alloc, t);
}

void mhd_client_order(struct ponto_http_transfer *t, enum mhd_order order)
{
	struct mhd_client *client = t->client;

	pthread_mutex_lock(&client->lock);
	if (t->orders == 0) {
		t->next = NULL;
		if (client->last)
			client->last->next = t;
		else
			client->first = t;
		client->last = t;
	}
	t->orders |= order;
	pthread_mutex_unlock(&client->lock);
	curl_multi_wakeup(client->multi);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void obey(struct mhd_client *client, struct ponto_http_transfer *t, unsigned orders)
{
	if (orders & MHD_REMOVE) {
		if (t->added)
			curl_multi_remove_handle(client->multi, t->easy);
		mhd_transfer_free(t);
		return;
	}
	if (orders & MHD_ADD) {
		t->added = curl_multi_add_handle(client->multi, t->easy) == CURLM_OK;
		if (!t->added)
			mhd_transfer_ended(t, CURLE_OUT_OF_MEMORY);
	} else if (t->added) {
		curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
}

/* Returns whether to stop: then everything asked for was done. */
static bool obey_all(struct mhd_client *client)
{
	struct ponto_http_transfer *t;
	bool stop;

	do {
		unsigned orders = 0;

		pthread_mutex_lock(&client->lock);
		t = client->first;
		if (t) {
			client->first = t->next;
			if (!t->next)
				client->last = NULL;
			orders = t->orders;
			t->orders = 0;
		}
		stop = client->stop;
		pthread_mutex_unlock(&client->lock);
		if (t)
			obey(client, t, orders);
	} while (t);
	return stop;
}

static void *run(void *arg)
{
	struct mhd_client *client = arg;

	while (!obey_all(client)) {
		struct ponto_http_transfer *t = NULL;
		CURLMsg *message;
		int count;

		curl_multi_perform(client->multi, &count);
		while ((message = curl_multi_info_read(client->multi, &count))) {
			CURLcode code = message->data.result;

			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
			curl_multi_remove_handle(client->multi, t->easy);
			t->added = false;
			mhd_transfer_ended(t, code);
		}
		curl_multi_poll(client->multi, NULL, 0, IDLE_MS, NULL);
	}
	return NULL;
}

/* ---- making and unmaking --------------------------------------------------------------------- */

static void free_client(struct mhd_client *client)
{
	if (client->multi)
		curl_multi_cleanup(client->multi);
	pthread_mutex_destroy(&client->lock);
	ponto_free(client->http->env->alloc, client);
}

static int start_thread(struct mhd_client *client)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&client->thread, NULL, run, client);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? PONTO_EIO : PONTO_OK;
}

static int create(struct mhd_http *http, struct mhd_client **out)
{
	const struct ponto_conf *conf = http->env->conf;
	struct mhd_client *client;
	long total = (long)ponto_conf_int(conf, "fetch_connections");
	long per_host = (long)ponto_conf_int(conf, "fetch_connections_per_host");

	pthread_once(&curl_once, start_curl);
	if (!curl_works)
		return PONTO_EIO;
	client = ponto_new(http->env->alloc, 1, sizeof(*client));
	if (!client)
		return PONTO_ENOMEM;
	client->http = http;
	pthread_mutex_init(&client->lock, NULL);
	client->multi = curl_multi_init();
	if (!client->multi) {
		free_client(client);
		return PONTO_ENOMEM;
	}
	curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, total);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	if (start_thread(client) != PONTO_OK) {
		free_client(client);
		return PONTO_EIO;
	}
	*out = client;
	return PONTO_OK;
}

int mhd_client_of(struct mhd_http *http, struct mhd_client **out)
{
	int result = PONTO_OK;

	pthread_mutex_lock(&http->lock);
	if (!http->client)
		result = create(http, &http->client);
	if (result == PONTO_OK)
		*out = http->client;
	pthread_mutex_unlock(&http->lock);
	return result;
}

void mhd_client_destroy(struct mhd_client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&client->lock);
	client->stop = true;
	pthread_mutex_unlock(&client->lock);
	curl_multi_wakeup(client->multi);
	pthread_join(client->thread, NULL);
	free_client(client);
}
