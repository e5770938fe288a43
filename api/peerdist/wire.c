#include "api/peerdist/wire.h"

#include <pthread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api/peer/link.h"
#include "apps/pontod/node.pb-c.h"
#include "framework/unpack.h"

#define PLACES 60u	/* calls that wait for the daemon at once; the bus takes 64 */
#define PLACES_SLOW 40u /* of them */
#define STATUS_MS 5000
#define ASK_MS 30000
#define GRACE_MS 1000 /* that the daemon's own word, that time is up, may take */
#define SERVICE_TEXT 64

struct pd_call {
	struct pd_call *next;
	const char *method;
	uint64_t session, id, not_before, deadline;
	unsigned timeout_ms;
	bool slow;
	pd_done_fn *done;
	void *arg;
	size_t len;
	uint8_t packed[];
};

static struct {
	pthread_mutex_t lock; /* of users, queue, stop, session */
	unsigned users;
	pthread_t thread;
	int wake;
	bool stop;
	uint64_t session;
	struct pd_call *queue, **last;
	/* the thread's: */
	struct pd_call *sent;
	unsigned sent_count, slow_count;
	struct ponto_client *client;
	char service[SERVICE_TEXT]; /* "": not known */
} wire = {.lock = PTHREAD_MUTEX_INITIALIZER, .session = 1, .last = &wire.queue};

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t pd_session(void)
{
	uint64_t session;

	pthread_mutex_lock(&wire.lock);
	session = wire.session;
	pthread_mutex_unlock(&wire.lock);
	return session;
}

/* ---- ends of calls --------------------------------------------------------------------------- */

/* takes call */
static void end(struct pd_call *call, struct pd_outcome outcome)
{
	call->done(call->arg, &outcome);
	free(call);
}

/* The connection is gone: nothing that was sent is answered, and what was opened is closed. */
static void lose(int result)
{
	struct pd_call *sent = wire.sent;

	pthread_mutex_lock(&wire.lock);
	wire.session++;
	pthread_mutex_unlock(&wire.lock);
	wire.sent = NULL;
	wire.sent_count = wire.slow_count = 0;
	wire.service[0] = 0;
	while (sent) {
		struct pd_call *next = sent->next;

		end(sent, (struct pd_outcome){.result = result, .lost = true});
		sent = next;
	}
}

static void answer(uint64_t id, const struct ponto_reply *reply)
{
	struct pd_call **at = &wire.sent, *call;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	call = *at;
	if (!call)
		return;
	*at = call->next;
	wire.sent_count--;
	wire.slow_count -= call->slow;
	end(call,
	    (struct pd_outcome){
		    .result = reply->result, .session = pd_session(), .payload = reply->payload, .len = reply->len});
}

/* The daemon hangs: late answers are of no call. */
static void expire(void)
{
	uint64_t now = now_ms();
	struct pd_call **at = &wire.sent, *late = NULL;

	while (*at) {
		struct pd_call *call = *at;

		if (call->deadline > now) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		wire.sent_count--;
		wire.slow_count -= call->slow;
		call->next = late;
		late = call;
	}
	while (late) {
		struct pd_call *next = late->next;

		end(late, (struct pd_outcome){.result = PONTO_ETIME});
		late = next;
	}
}

/* ---- sending ------------------------------------------------------------------------------------ */

/* The answer of the component that every daemon has. A client of its own: the other one waits for many answers. */
static int ask_node(ProtobufCMessage **out)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	struct ponto_client *client;
	struct ponto_reply reply;
	HRESULT result = link_client(false, &client);
	int unpacked;

	if (FAILED(result))
		return result == E_OUTOFMEMORY ? PONTO_ENOMEM : PONTO_EUNREACH;
	result = link_call_over(client, "node", "Status", &request.base, STATUS_MS, &reply);
	if (FAILED(result)) {
		ponto_client_destroy(client);
		return result == E_OUTOFMEMORY	  ? PONTO_ENOMEM
		       : result == E_ACCESSDENIED ? PONTO_EACCES
						  : PONTO_EUNREACH;
	}
	unpacked = reply.result != PONTO_OK
			   ? PONTO_EUNREACH
			   : ponto_unpack(&ponto_alloc_system, &ponto__node__v1__status_reply__descriptor,
					  ponto_bytes(reply.payload, reply.len), out);
	ponto_reply_clear(client, &reply);
	ponto_client_destroy(client);
	return unpacked == PONTO_OK || unpacked == PONTO_ENOMEM ? unpacked : PONTO_EUNREACH;
}

/* The instance of service-dist. PONTO_ENOTSUP: there is none. */
static int find_service(void)
{
	const Ponto__Node__V1__StatusReply *status;
	ProtobufCMessage *reply;
	int result;

	if (wire.service[0])
		return PONTO_OK;
	result = ask_node(&reply);
	if (result != PONTO_OK)
		return result;
	status = (const Ponto__Node__V1__StatusReply *)reply;
	for (size_t i = 0; i < status->n_instance && !wire.service[0]; i++) {
		if (strcmp(status->instance[i]->plugin, "service-dist") == 0)
			snprintf(wire.service, sizeof(wire.service), "%s", status->instance[i]->name);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return wire.service[0] ? PONTO_OK : PONTO_ENOTSUP;
}

static int connect_client(void)
{
	HRESULT result = wire.client ? S_OK : link_client(false, &wire.client);

	if (FAILED(result))
		return result == E_OUTOFMEMORY ? PONTO_ENOMEM : PONTO_EUNREACH;
	ponto_client_set_cancel(wire.client, wire.wake);
	return PONTO_OK;
}

/* takes call */
static void send_call(struct pd_call *call)
{
	int result = PONTO_EUNREACH;

	for (unsigned tries = 0; tries < 2 && result == PONTO_EUNREACH; tries++) {
		if (call->session && call->session != pd_session()) {
			end(call, (struct pd_outcome){.result = PONTO_ENOENT, .lost = true});
			return;
		}
		result = connect_client();
		if (result == PONTO_OK)
			result = find_service();
		if (result != PONTO_OK)
			break;
		result = ponto_client_send(wire.client, wire.service, call->method,
					   ponto_bytes(call->packed, call->len), call->timeout_ms, &call->id);
		if (result == PONTO_EUNREACH)
			lose(result);
	}
	if (result != PONTO_OK) {
		end(call, (struct pd_outcome){.result = result, .absent = result == PONTO_ENOTSUP});
		return;
	}
	call->deadline = now_ms() + call->timeout_ms + GRACE_MS;
	wire.sent_count++;
	wire.slow_count += call->slow;
	call->next = wire.sent;
	wire.sent = call;
}

/* The next call that there is a place for; *wait: milliseconds until one may be. */
static struct pd_call *next_call(unsigned *wait)
{
	uint64_t now = now_ms();
	struct pd_call **at, *call = NULL;

	*wait = 1000;
	pthread_mutex_lock(&wire.lock);
	for (at = &wire.queue; *at; at = &(*at)->next) {
		bool place = wire.sent_count < PLACES && (!(*at)->slow || wire.slow_count < PLACES_SLOW);

		if (place && (*at)->not_before <= now)
			break;
		if (place && (*at)->not_before - now < *wait)
			*wait = (unsigned)((*at)->not_before - now);
	}
	call = *at;
	if (call) {
		*at = call->next;
		if (!*at)
			wire.last = at;
	}
	pthread_mutex_unlock(&wire.lock);
	return call;
}

/* ---- the thread ------------------------------------------------------------------------------------- */

static bool stopping(void)
{
	bool stop;

	pthread_mutex_lock(&wire.lock);
	stop = wire.stop;
	pthread_mutex_unlock(&wire.lock);
	return stop;
}

static void receive(unsigned wait)
{
	struct ponto_reply reply;
	eventfd_t value;
	uint64_t id;
	int result = connect_client();

	if (result != PONTO_OK) {
		usleep(10000);
		return;
	}
	result = ponto_client_receive(wire.client, wait, &id, &reply);
	if (result == PONTO_OK) {
		answer(id, &reply);
		ponto_reply_clear(wire.client, &reply);
	} else if (result == PONTO_ECLOSED) {
		(void)eventfd_read(wire.wake, &value);
	} else if (result != PONTO_ETIME) {
		lose(result);
	}
}

static void *run(void *arg)
{
	(void)arg;
	while (!stopping()) {
		struct pd_call *call;
		unsigned wait = 0;

		while (!stopping() && (call = next_call(&wait)))
			send_call(call);
		if (!stopping())
			receive(wait);
		expire();
	}
	return NULL;
}

static void end_queue(void)
{
	struct pd_call *call;

	do {
		pthread_mutex_lock(&wire.lock);
		call = wire.queue;
		if (call)
			wire.queue = call->next;
		if (!wire.queue)
			wire.last = &wire.queue;
		pthread_mutex_unlock(&wire.lock);
		if (call)
			end(call, (struct pd_outcome){.result = PONTO_EUNREACH, .lost = true});
	} while (call);
}

/* ---- use ---------------------------------------------------------------------------------------------- */

static pthread_mutex_t use_lock = PTHREAD_MUTEX_INITIALIZER; /* of starting and ending */

static bool start(void)
{
	wire.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wire.wake < 0)
		return false;
	wire.stop = false;
	if (link_thread(run, NULL, &wire.thread))
		return true;
	close(wire.wake);
	return false;
}

DWORD pd_wire_use(void)
{
	bool good = true;

	link_watch_forks();
	pthread_mutex_lock(&use_lock);
	if (wire.users == 0)
		good = start();
	if (good) {
		pthread_mutex_lock(&wire.lock);
		wire.users++;
		pthread_mutex_unlock(&wire.lock);
	}
	pthread_mutex_unlock(&use_lock);
	return good ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

void pd_wire_drop(void)
{
	bool last;

	pthread_mutex_lock(&use_lock);
	pthread_mutex_lock(&wire.lock);
	last = --wire.users == 0;
	wire.stop = last;
	pthread_mutex_unlock(&wire.lock);
	if (last) {
		(void)eventfd_write(wire.wake, 1);
		pthread_join(wire.thread, NULL);
		ponto_client_destroy(wire.client);
		wire.client = NULL;
		lose(PONTO_EUNREACH);
		end_queue();
		close(wire.wake);
	}
	pthread_mutex_unlock(&use_lock);
}

int pd_call(const struct pd_call_setup *setup)
{
	size_t len = protobuf_c_message_get_packed_size(setup->request);
	struct pd_call *call = malloc(sizeof(*call) + len);
	bool used;

	if (!call)
		return PONTO_ENOMEM;
	*call = (struct pd_call){.method = setup->method,
				 .session = setup->session,
				 .not_before = setup->delay_ms ? now_ms() + setup->delay_ms : 0,
				 .timeout_ms = setup->timeout_ms,
				 .slow = setup->slow,
				 .done = setup->done,
				 .arg = setup->arg,
				 .len = len};
	protobuf_c_message_pack(setup->request, call->packed);
	pthread_mutex_lock(&wire.lock);
	used = wire.users > 0; /* else its thread does not run, and has ended what was in the queue */
	if (used) {
		*wire.last = call;
		wire.last = &call->next;
		(void)eventfd_write(wire.wake, 1);
	}
	pthread_mutex_unlock(&wire.lock);
	if (!used)
		free(call);
	return used ? PONTO_OK : PONTO_EUNREACH;
}

/* The memory is the parent's. */
void pd_wire_forget(void)
{
	pthread_mutex_init(&wire.lock, NULL);
	pthread_mutex_init(&use_lock, NULL);
	wire.users = 0;
	wire.session++;
	wire.queue = wire.sent = NULL;
	wire.last = &wire.queue;
	wire.sent_count = wire.slow_count = 0;
	wire.client = NULL;
	wire.service[0] = 0;
}

/* ---- one call that is waited for ------------------------------------------------------------------------ */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool ended;
	struct pd_outcome outcome;
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *answer;
};

static void on_done(void *arg, const struct pd_outcome *outcome)
{
	struct waiting *w = arg;

	pthread_mutex_lock(&w->lock);
	w->outcome = *outcome;
	if (outcome->result == PONTO_OK && w->type) {
		int result = ponto_unpack(&ponto_alloc_system, w->type, ponto_bytes(outcome->payload, outcome->len),
					  &w->answer);

		if (result != PONTO_OK)
			w->outcome.result = result == PONTO_ENOMEM ? result : PONTO_EINTERNAL;
	}
	w->ended = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

int pd_ask(const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
	   uint64_t *session, bool *absent, ProtobufCMessage **out)
{
	return pd_ask_in(method, request, type, session, ASK_MS, absent, out);
}

int pd_ask_in(const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
	      uint64_t *session, unsigned timeout_ms, bool *absent, ProtobufCMessage **out)
{
	struct waiting w = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .type = out ? type : NULL};
	const struct pd_call_setup setup = {.method = method,
					    .request = request,
					    .session = *session,
					    .timeout_ms = timeout_ms,
					    .done = on_done,
					    .arg = &w};
	int result;

	if (absent)
		*absent = false;
	result = pd_call(&setup);
	if (result != PONTO_OK)
		return result;
	pthread_mutex_lock(&w.lock);
	while (!w.ended)
		pthread_cond_wait(&w.done, &w.lock);
	pthread_mutex_unlock(&w.lock);
	if (absent)
		*absent = w.outcome.absent;
	if (w.outcome.lost && *session)
		return PONTO_ECLOSED;
	*session = w.outcome.session;
	if (w.outcome.result == PONTO_OK && out)
		*out = w.answer;
	return w.outcome.result;
}
