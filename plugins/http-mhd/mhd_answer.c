#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

#define BLOCK_BYTES (64u * 1024) /* what a body is asked for at once */

/* ---- bodies that are filled: libmicrohttpd's thread ------------------------------------------ */

/* Whether to ask again at once; else the connection sleeps until resume, or is to be cut (*gone). */
static bool hold(struct mhd_request *r, bool *gone)
{
	struct mhd_conn *conn = r->conn;
	bool again;

	pthread_mutex_lock(&conn->lock);
	again = r->again;
	mhd_conn_watch(conn);
	*gone = conn->closing || conn->left;
	if (!again && !*gone) {
		r->held = true;
		conn->suspended = true;
		MHD_suspend_connection(conn->connection);
	}
	pthread_mutex_unlock(&conn->lock);
	return again && !*gone;
}

static ssize_t fill(void *cls, uint64_t offset, char *out, size_t cap)
{
	struct mhd_request *r = cls;
	int64_t n;
	bool gone = false;

	do {
		pthread_mutex_lock(&r->conn->lock);
		r->again = r->held = false;
		pthread_mutex_unlock(&r->conn->lock);
		n = r->fill(r->arg, offset, (uint8_t *)out, cap);
	} while (n == PONTO_EBUSY && hold(r, &gone));
	if (n == PONTO_EBUSY)
		return gone ? MHD_CONTENT_READER_END_WITH_ERROR : 0;
	if (n == 0)
		return r->length == PONTO_HTTP_CHUNKED ? MHD_CONTENT_READER_END_OF_STREAM
						       : MHD_CONTENT_READER_END_WITH_ERROR;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	assert((uint64_t)n <= cap);
	r->filled += (uint64_t)n;
	return (ssize_t)n;
}

bool mhd_answer_fill(struct mhd_request *r)
{
	while (r->filled < r->length) {
		int64_t n = r->fill(r->arg, r->filled, r->out + r->filled, (size_t)(r->length - r->filled));

		if (n <= 0)
			return false;
		r->filled += (uint64_t)n;
	}
	return true;
}

/* A body that can be had at once goes out together with its head, from a buffer that the connection keeps. */
static bool fits_whole(struct mhd_request *r, const struct ponto_http_response *from)
{
	uint8_t *grown;

	if (!from->ready || from->length == 0 || from->length > MHD_KEPT_BYTES)
		return false;
	if (from->length <= r->out_cap)
		return true;
	grown = ponto_resize(r->conn->listener->http->env->alloc, r->out, (size_t)from->length, 1);
	if (!grown)
		return false;
	r->out = grown;
	r->out_cap = (size_t)from->length;
	return true;
}

/* The length of what is not sent. */
static ssize_t never(void *cls, uint64_t offset, char *out, size_t cap)
{
	(void)cls;
	(void)offset;
	(void)out;
	(void)cap;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* ---- answers, on the loop or at once --------------------------------------------------------------- */

/* RFC 9110 §8.6: only the length that a 200 would have had may stand in a 304. Where it is not known libmicrohttpd
 * would say chunked, and send the end of a body that must not be there: no word of it then, and the connection ends. */
static struct MHD_Response *without_body(const struct ponto_http_response *from, bool head)
{
	uint64_t length = from->source == PONTO_HTTP_DATA ? from->data.len : from->length;
	bool unknown = length == PONTO_HTTP_CHUNKED || (from->status == 304 && length == 0);
	struct MHD_Response *response;

	if (from->status == 204 || (!head && from->status != 304))
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_callback(unknown ? MHD_SIZE_UNKNOWN : length, 16, never, NULL, NULL);
	if (response && unknown &&
	    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) != MHD_YES) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

/* *fd becomes -1 when it was taken. */
static struct MHD_Response *with_body(struct mhd_request *r, const struct ponto_http_response *from, int *fd)
{
	struct MHD_Response *response = NULL;

	switch (from->source) {
	case PONTO_HTTP_DATA:
		return MHD_create_response_from_buffer(from->data.len, (void *)(uintptr_t)from->data.data,
						       MHD_RESPMEM_PERSISTENT);
	case PONTO_HTTP_FILE:
		response = MHD_create_response_from_fd_at_offset64(from->length, *fd, from->offset);
		if (response)
			*fd = -1;
		return response;
	case PONTO_HTTP_STREAM:
		r->whole = fits_whole(r, from);
		if (r->whole)
			return MHD_create_response_from_buffer((size_t)from->length, r->out, MHD_RESPMEM_PERSISTENT);
		return MHD_create_response_from_callback(from->length == PONTO_HTTP_CHUNKED ? MHD_SIZE_UNKNOWN
											    : from->length,
							 BLOCK_BYTES, fill, r, NULL);
	default:
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
}

static int add_headers(struct MHD_Response *response, const struct ponto_http_response *from)
{
	if (from->close && MHD_add_response_header(response, "Connection", "close") != MHD_YES)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < from->header_count; i++) {
		const struct ponto_http_header *h = &from->headers[i];

		/* libmicrohttpd takes no empty value; space before a value does not belong to it (RFC 9112 §5). */
		if (MHD_add_response_header(response, h->name, h->value[0] ? h->value : " ") != MHD_YES)
			return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

static int make_response(struct mhd_request *r, const struct ponto_http_response *from, int *fd,
			 struct MHD_Response **out)
{
	bool bare = r->head || from->status == 204 || from->status == 304;
	struct MHD_Response *response;
	int result;

	r->whole = false;
	response = bare ? without_body(from, r->head) : with_body(r, from, fd);
	result = response ? add_headers(response, from) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		if (response)
			MHD_destroy_response(response);
		return result;
	}
	*out = response;
	return PONTO_OK;
}

static bool wants_answer(struct mhd_request *r)
{
	bool wants;

	pthread_mutex_lock(&r->conn->lock);
	wants = r->phase == MHD_WAITING;
	pthread_mutex_unlock(&r->conn->lock);
	return wants;
}

static void remember(struct mhd_request *r, const struct ponto_http_response *from)
{
	r->status = from->status;
	r->length = from->source == PONTO_HTTP_DATA ? from->data.len : from->length;
	r->fill = from->source == PONTO_HTTP_STREAM ? from->body : NULL;
	r->arg = from->arg;
	r->release = from->release;
}

/* Whoever sees the phase sees the rest; r is not touched after the lock is open. */
static void hand_back(struct mhd_request *r, const struct ponto_http_response *from, struct MHD_Response *response)
{
	struct mhd_conn *conn = r->conn;

	pthread_mutex_lock(&conn->lock);
	r->response = response;
	remember(r, from);
	r->phase = MHD_ANSWERED;
	mhd_conn_wake(conn);
	pthread_mutex_unlock(&conn->lock);
}

int mhd_respond(struct ponto_http_listener *l, struct ponto_http_request *request,
		const struct ponto_http_response *from)
{
	struct mhd_request *r = (struct mhd_request *)request;
	struct MHD_Response *response = NULL;
	int fd = from->source == PONTO_HTTP_FILE ? from->fd : -1;
	int result = ponto_http_check_response(from, r->head);

	(void)l;
	if (result == PONTO_OK && !wants_answer(r))
		result = PONTO_EINVAL;
	if (result == PONTO_OK)
		result = make_response(r, from, &fd, &response);
	if (fd >= 0)
		close(fd);
	if (result == PONTO_OK)
		hand_back(r, from, response);
	return result;
}

/* Small answers that are the same for everybody, as to offers: made once for a connection. */
static bool may_keep(const struct mhd_request *r, const struct ponto_http_response *from)
{
	return from->source == PONTO_HTTP_DATA && !from->release && !from->close && from->status == 200 && !r->head &&
	       from->header_count == 1;
}

static bool is_kept(const struct mhd_conn *conn, const struct ponto_http_response *from)
{
	const char *value = conn->kept ? MHD_get_response_header(conn->kept, from->headers[0].name) : NULL;

	return value && strcmp(value, from->headers[0].value) == 0 && conn->kept_data.data == from->data.data &&
	       conn->kept_data.len == from->data.len;
}

/* What is kept was checked before. */
static enum MHD_Result queue_kept(struct mhd_request *r, const struct ponto_http_response *from)
{
	struct mhd_conn *conn = r->conn;
	struct MHD_Response *response;
	int fd = -1;

	if (!is_kept(conn, from)) {
		if (ponto_http_check_response(from, false) != PONTO_OK ||
		    make_response(r, from, &fd, &response) != PONTO_OK)
			return MHD_NO;
		if (conn->kept)
			MHD_destroy_response(conn->kept);
		conn->kept = response;
		conn->kept_data = from->data;
	}
	return MHD_queue_response(conn->connection, r->status, conn->kept);
}

static enum MHD_Result queue_once(struct mhd_request *r, const struct ponto_http_response *from)
{
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response;
	int fd = from->source == PONTO_HTTP_FILE ? from->fd : -1;

	if (ponto_http_check_response(from, r->head) == PONTO_OK && make_response(r, from, &fd, &response) == PONTO_OK) {
		if (!r->whole || mhd_answer_fill(r))
			result = MHD_queue_response(r->conn->connection, r->status, response);
		MHD_destroy_response(response);
	}
	if (fd >= 0)
		close(fd);
	return result;
}

/* Its release comes when the request is over, also when it is not sent. */
bool mhd_answer_at_once(struct mhd_request *r, enum MHD_Result *result)
{
	struct ponto_http_listener *l = r->conn->listener;
	struct ponto_http_response from = {.status = 0};

	if (!l->events.at_once || !l->events.at_once(l->arg, &r->request, &from))
		return false;
	ponto_counter_add(l->http->metrics.requests, 1);
	pthread_mutex_lock(&r->conn->lock);
	r->phase = MHD_AT_ONCE;
	r->conn->since = 0;
	pthread_mutex_unlock(&r->conn->lock);
	remember(r, &from);
	*result = may_keep(r, &from) ? queue_kept(r, &from) : queue_once(r, &from);
	return true;
}

void mhd_resume(struct ponto_http_listener *l, struct ponto_http_request *request)
{
	struct mhd_request *r = (struct mhd_request *)request;

	(void)l;
	pthread_mutex_lock(&r->conn->lock);
	r->again = true;
	if (r->held)
		mhd_conn_wake(r->conn);
	pthread_mutex_unlock(&r->conn->lock);
}
