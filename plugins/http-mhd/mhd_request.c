#include <string.h>

#include "plugins/http-mhd/mhd.h"

#define FIRST_BYTES (64u * 1024) /* what a body gets at once: the rest is believed when it comes */

static void deliver_request(struct mhd_mail *mail);
static void deliver_over(struct mhd_mail *mail);

static struct mhd_request *of_mail(struct mhd_mail *mail)
{
	return (struct mhd_request *)((char *)mail - offsetof(struct mhd_request, mail));
}

void mhd_request_free(const struct ponto_alloc *alloc, struct mhd_request *r)
{
	if (!r)
		return;
	if (r->response)
		MHD_destroy_response(r->response);
	ponto_free(alloc, r->headers);
	ponto_free(alloc, r->target);
	ponto_free(alloc, r->text);
	ponto_free(alloc, r->body);
	ponto_free(alloc, r->out);
	ponto_free(alloc, r);
}

static bool reserve(const struct ponto_alloc *alloc, void **block, size_t *cap, size_t count, size_t size)
{
	void *grown;

	if (count <= *cap)
		return true;
	grown = ponto_resize(alloc, *block, count, size);
	if (!grown)
		return false;
	*block = grown;
	*cap = count;
	return true;
}

/* ---- the beginning: libmicrohttpd's thread ------------------------------------------------ */

static struct mhd_conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* One that was never handed on, or the spare one, or a new one. */
static struct mhd_request *next_request(struct mhd_conn *conn)
{
	struct mhd_request *r;

	pthread_mutex_lock(&conn->lock);
	if (!conn->current) {
		conn->current = conn->spare;
		conn->spare = NULL;
	}
	if (!conn->current)
		conn->current = ponto_new(conn->listener->http->env->alloc, 1, sizeof(*r));
	r = conn->current;
	if (r) {
		r->phase = MHD_READING;
		r->serial++;
		r->given = r->held = r->again = false;
	}
	pthread_mutex_unlock(&conn->lock);
	if (!r)
		return NULL;
	r->request = (struct ponto_http_request){.peer = conn->peer};
	r->conn = conn;
	r->begun = r->head = r->whole = false;
	r->dropped = r->length = r->filled = 0;
	r->fill = NULL;
	r->release = NULL;
	return r;
}

void *mhd_request_line(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct ponto_http_listener *l = cls;
	struct mhd_conn *conn = conn_of(connection);
	struct mhd_request *r = conn ? next_request(conn) : NULL;
	size_t len = strlen(target) + 1;

	if (!r || !reserve(l->http->env->alloc, (void **)&r->target, &r->target_cap, len, 1))
		return NULL;
	memcpy(r->target, target, len);
	return r;
}

static bool named(const char *name, size_t len, const char *other)
{
	return len == strlen(other) && ponto_http_name_is(name, other);
}

/* What the headers are together, and what is wrong with them. */
struct survey {
	struct mhd_request *r;
	size_t count, bytes;
	unsigned hosts, lengths, codings;
	bool bad, foreign_coding, waits;
	uint64_t length;
	char *at; /* second pass: where the next text goes */
};

static enum MHD_Result survey_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				     const char *value, size_t value_len)
{
	struct survey *s = cls;

	(void)kind;
	if (!value)
		value = "";
	s->count++;
	s->bytes += name_len + value_len;
	/* A NUL inside ends the text early. */
	if (strlen(name) != name_len || strlen(value) != value_len || !ponto_http_is_token(name) ||
	    !ponto_http_is_value(value)) {
		s->bad = true;
	} else if (named(name, name_len, "Host")) {
		s->hosts++;
	} else if (named(name, name_len, "Content-Length")) {
		s->lengths++;
		s->bad |= !ponto_bytes_decimal(ponto_bytes(value, value_len), INT64_MAX, &s->length);
	} else if (named(name, name_len, "Transfer-Encoding")) {
		s->codings++;
		s->foreign_coding |= !ponto_http_name_is(value, "chunked");
	} else if (named(name, name_len, "Expect")) {
		s->waits = true;
	}
	return MHD_YES;
}

static const char *put(struct survey *s, const char *text, size_t len)
{
	char *at = s->at;

	memcpy(at, text, len);
	at[len] = '\0';
	s->at += len + 1;
	return at;
}

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				   const char *value, size_t value_len)
{
	struct survey *s = cls;
	struct ponto_http_header *header = &s->r->headers[s->r->request.header_count++];

	(void)kind;
	header->name = put(s, name, name_len);
	header->value = put(s, value ? value : "", value_len);
	return MHD_YES;
}

static bool target_is_clean(const char *target)
{
	for (; *target; target++) {
		if ((unsigned char)*target <= 0x20 || *target == 0x7f)
			return false;
	}
	return true;
}

/* A body beyond the limit is read on for as much again, for its client looks for an answer when all of it is sent, and finds
 * none on a connection that was cut meanwhile. */
static uint64_t read_on(size_t body_limit)
{
	return 2 * (uint64_t)body_limit + FIRST_BYTES;
}

/* RFC 9112 §3.2 and §6.3: shapes that another reader could take for something else end the connection. */
static int judge(const struct survey *s, const char *method, const char *version, size_t body_limit)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;

	if (s->count > PONTO_HTTP_HEADERS_MAX || s->bytes > PONTO_HTTP_HEADER_BYTES)
		return MHD_HEADERS_LONG;
	if (strlen(s->r->target) > PONTO_HTTP_TARGET_MAX)
		return MHD_TARGET_LONG;
	if (s->bad || !ponto_http_is_token(method) || !target_is_clean(s->r->target) || s->lengths > 1 ||
	    s->hosts > 1 || (s->hosts == 0 && !old) || (s->codings > 0 && (s->lengths > 0 || old)) || s->codings > 1)
		return MHD_BAD;
	if (s->foreign_coding)
		return MHD_NO_CODING;
	return s->length > body_limit && (s->waits || s->length > read_on(body_limit)) ? MHD_TOO_LARGE : MHD_REFUSALS;
}

static enum MHD_Result refuse(struct mhd_request *r, enum mhd_refusal why)
{
	static const uint16_t status[MHD_REFUSALS] = {400, 413, 414, 431, 501};
	struct ponto_http_listener *l = r->conn->listener;

	ponto_counter_add(l->http->metrics.refused, 1);
	ponto_peer_fault(l->http->env->log, MHD_TOPIC_SERVE, &r->conn->peer, "a request was refused with %u",
			 (unsigned)status[why]);
	return MHD_queue_response(r->conn->connection, status[why], l->refusals[why]);
}

static enum MHD_Result begin(struct mhd_request *r, const char *method, const char *version)
{
	const struct ponto_alloc *alloc = r->conn->listener->http->env->alloc;
	struct MHD_Connection *connection = r->conn->connection;
	struct survey s = {.r = r};
	size_t first;
	int verdict;

	r->begun = true;
	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, survey_header, &s);
	verdict = judge(&s, method, version, r->conn->listener->body_limit);
	if (verdict != MHD_REFUSALS)
		return refuse(r, (enum mhd_refusal)verdict);
	first = s.length < FIRST_BYTES ? (size_t)s.length : FIRST_BYTES;
	if (!reserve(alloc, (void **)&r->text, &r->text_cap, strlen(method) + 1 + s.bytes + 2 * s.count, 1) ||
	    !reserve(alloc, (void **)&r->headers, &r->header_cap, s.count, sizeof(*r->headers)) ||
	    !reserve(alloc, (void **)&r->body, &r->body_cap, first, 1))
		return MHD_NO;
	s.at = r->text;
	r->head = strcmp(method, "HEAD") == 0;
	r->request.method = put(&s, method, strlen(method));
	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, copy_header, &s);
	r->request.headers = r->headers;
	r->request.target = r->target;
	return MHD_YES;
}

/* ---- its body, and the hand-over ------------------------------------------------------------ */

static enum MHD_Result take_body(struct mhd_request *r, const char *data, size_t *len)
{
	struct ponto_http_listener *l = r->conn->listener;
	struct ponto_bytes *body = &r->request.body;
	size_t wanted = body->len + *len;

	if (r->dropped > 0 || *len > l->body_limit - body->len) {
		r->dropped += *len;
		*len = 0;
		return body->len + r->dropped <= read_on(l->body_limit) ? MHD_YES : MHD_NO;
	}
	if (wanted > r->body_cap) {
		size_t cap = r->body_cap < FIRST_BYTES / 2 ? FIRST_BYTES : 2 * r->body_cap;

		if (!reserve(l->http->env->alloc, (void **)&r->body, &r->body_cap, cap < wanted ? wanted : cap, 1))
			return MHD_NO;
	}
	memcpy(r->body + body->len, data, *len);
	*body = ponto_bytes(r->body, wanted);
	*len = 0;
	return MHD_YES;
}

/* Suspended while the service has it; then this comes again. */
static enum MHD_Result hand_over(struct mhd_request *r)
{
	struct mhd_conn *conn = r->conn;
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	if (r->phase == MHD_READING && mhd_answer_at_once(r, &result))
		return result;
	pthread_mutex_lock(&conn->lock);
	if (r->phase == MHD_READING && !conn->closing) {
		r->phase = MHD_WAITING;
		r->mail.deliver = deliver_request;
		conn->since = 0;
		conn->suspended = true;
		MHD_suspend_connection(conn->connection);
		mhd_mailbox_send(conn->listener->mailbox, &r->mail);
		result = MHD_YES;
	} else if (r->phase == MHD_ANSWERED && r->response) {
		response = r->response;
		r->response = NULL;
		pthread_mutex_unlock(&conn->lock);
		if (!r->whole || mhd_answer_fill(r))
			result = MHD_queue_response(conn->connection, r->status, response);
		MHD_destroy_response(response);
		return result;
	}
	pthread_mutex_unlock(&conn->lock);
	return result;
}

enum MHD_Result mhd_request_part(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *data, size_t *len, void **context)
{
	struct mhd_request *r = *context;

	(void)cls;
	(void)connection;
	(void)url;
	if (!r)
		return MHD_NO;
	if (!r->begun)
		return begin(r, method, version);
	if (*len > 0)
		return take_body(r, data, len);
	return r->dropped > 0 ? refuse(r, MHD_TOO_LARGE) : hand_over(r);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Under the connection's lock: for its next request. Whether there was no such one yet. */
static bool keep_spare(struct mhd_conn *conn, struct mhd_request *r)
{
	if (conn->spare)
		return false;
	if (r->body_cap > MHD_KEPT_BYTES) {
		ponto_free(conn->listener->http->env->alloc, r->body);
		r->body = NULL;
		r->body_cap = 0;
	}
	conn->spare = r;
	return true;
}

static void count(struct mhd_request *r, enum MHD_RequestTerminationCode code)
{
	struct mhd_metrics *m = &r->conn->listener->http->metrics;

	ponto_counter_add(m->bytes_in, r->request.body.len);
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		ponto_counter_add(m->failures, 1);
	else if (!r->head)
		ponto_counter_add(m->bytes_out, r->fill ? r->filled : r->length);
}

void mhd_request_over(void *cls, struct MHD_Connection *connection, void **context,
		      enum MHD_RequestTerminationCode code)
{
	struct ponto_http_listener *l = cls;
	struct mhd_request *r = *context;
	struct mhd_conn *conn;
	uint64_t now;
	bool owed, kept;

	(void)connection;
	if (!r)
		return;
	conn = r->conn;
	if (r->phase != MHD_READING)
		count(r, code);
	if (r->phase == MHD_AT_ONCE && r->release) {
		r->release(r->arg);
		r->release = NULL;
	}
	owed = r->release;
	now = l->http->env->clock->mono(l->http->env->clock->ctx);
	pthread_mutex_lock(&conn->lock);
	conn->current = NULL;
	conn->since = now;
	kept = !owed && keep_spare(conn, r);
	pthread_mutex_unlock(&conn->lock);
	if (owed) {
		r->mail.deliver = deliver_over;
		mhd_mailbox_send(l->mailbox, &r->mail);
	} else if (!kept) {
		mhd_request_free(l->http->env->alloc, r);
	}
}

/* ---- on the loop ------------------------------------------------------------------------------- */

static void deliver_request(struct mhd_mail *mail)
{
	struct mhd_request *r = of_mail(mail);
	struct mhd_conn *conn = r->conn;
	struct ponto_http_listener *l = conn->listener;
	uint64_t serial;
	bool left = false;

	pthread_mutex_lock(&conn->lock);
	r->given = true;
	serial = r->serial;
	pthread_mutex_unlock(&conn->lock);
	ponto_counter_add(l->http->metrics.requests, 1);
	mhd_listener_enter(l);
	l->events.request(l->arg, &r->request);
	if (!l->dead) {
		/* Answered, it may be over by now and the next one's. */
		pthread_mutex_lock(&conn->lock);
		if (conn->current == r && r->serial == serial && r->phase == MHD_WAITING) {
			mhd_conn_watch(conn);
			left = conn->left;
		}
		pthread_mutex_unlock(&conn->lock);
		if (left)
			mhd_conn_left(conn);
	}
	mhd_listener_leave(l);
}

static void deliver_over(struct mhd_mail *mail)
{
	struct mhd_request *r = of_mail(mail);
	struct mhd_conn *conn = r->conn;
	struct ponto_http_listener *l = conn->listener;
	bool kept = false;

	mhd_listener_enter(l);
	r->release(r->arg);
	if (!l->dead) {
		pthread_mutex_lock(&conn->lock);
		kept = keep_spare(conn, r);
		pthread_mutex_unlock(&conn->lock);
	}
	if (!kept)
		mhd_request_free(l->http->env->alloc, r);
	mhd_listener_leave(l);
}

void mhd_request_leftover(struct mhd_mail *mail)
{
	if (mail->deliver == deliver_over)
		deliver_over(mail);
}
