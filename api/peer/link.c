#include "api/peer/link.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/peer/link_private.h"
#include "api/peer/result.h"

#define IDLE_MAX 8 /* clients kept for the next call: as many threads call at once without connecting anew */
#define SMALL 1024 /* requests up to this are packed on the stack */

static struct {
	pthread_mutex_t lock;
	struct ponto_client *idle[IDLE_MAX];
	unsigned count;
	unsigned generation;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- clients ------------------------------------------------------------------------- */

HRESULT link_client(bool tell_reconnect, struct ponto_client **out)
{
	struct ponto_client_setup setup = {.tell_reconnect = tell_reconnect, .alloc = &ponto_alloc_system};

	link_at_fork();
	return peer_result_of_call(ponto_client_create(&setup, out));
}

static HRESULT take(struct ponto_client **out)
{
	struct ponto_client *client = NULL;

	pthread_mutex_lock(&pool.lock);
	if (pool.count > 0)
		client = pool.idle[--pool.count];
	pthread_mutex_unlock(&pool.lock);
	if (!client)
		return link_client(false, out);
	*out = client;
	return S_OK;
}

static void give_back(struct ponto_client *client)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.count < IDLE_MAX) {
		pool.idle[pool.count++] = client;
		client = NULL;
	}
	pthread_mutex_unlock(&pool.lock);
	ponto_client_destroy(client);
}

void link_pool_clear(void)
{
	struct ponto_client *idle[IDLE_MAX];
	unsigned count;

	pthread_mutex_lock(&pool.lock);
	count = pool.count;
	memcpy(idle, pool.idle, sizeof(idle));
	pool.count = 0;
	pthread_mutex_unlock(&pool.lock);
	while (count > 0)
		ponto_client_destroy(idle[--count]);
}

void link_pool_forget(void)
{
	pthread_mutex_init(&pool.lock, NULL);
	pool.count = 0;
	pool.generation++;
}

unsigned link_generation(void)
{
	return pool.generation;
}

/* ---- calls --------------------------------------------------------------------------- */

HRESULT link_call_over(struct ponto_client *client, const char *service, const char *method,
		       const ProtobufCMessage *request, unsigned timeout_ms, struct ponto_reply *out)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t small[SMALL], *packed = small;
	int result;

	if (size > sizeof(small)) {
		packed = malloc(size);
		if (!packed)
			return E_OUTOFMEMORY;
	}
	protobuf_c_message_pack(request, packed);
	result = ponto_client_call(client, service, method, ponto_bytes(packed, size), timeout_ms, out);
	if (packed != small)
		free(packed);
	return peer_result_of_call(result);
}

HRESULT link_call(const char *service, const char *method, const ProtobufCMessage *request, unsigned timeout_ms,
		  int cancel, struct link_answer *out)
{
	struct ponto_client *client;
	HRESULT result = take(&client);

	if (FAILED(result))
		return result;
	ponto_client_set_cancel(client, cancel);
	result = link_call_over(client, service, method, request, timeout_ms, &out->reply);
	ponto_client_set_cancel(client, -1);
	if (FAILED(result))
		give_back(client);
	else
		out->client = client;
	return result;
}

void link_answer_clear(struct link_answer *answer)
{
	ponto_reply_clear(answer->client, &answer->reply);
	give_back(answer->client);
}

/* ---- threads ---------------------------------------------------------------------------- */

bool link_thread(void *(*run)(void *arg), void *arg, pthread_t *out)
{
	sigset_t all, before;
	bool made;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	made = pthread_create(out, NULL, run, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return made;
}
