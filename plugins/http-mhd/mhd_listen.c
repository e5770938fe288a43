#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

#define PEM_MAX (1024 * 1024)

/* ---- certificates ------------------------------------------------------------------------- */

static int read_pem(struct mhd_http *http, const char *path, char **out)
{
	const struct ponto_alloc *alloc = http->env->alloc;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = PONTO_ECONF;
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) != 0) {
		result = errno == EACCES ? PONTO_EACCES : PONTO_ENOENT;
		ponto_error(http->env->log, MHD_TOPIC_SERVE, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX) {
		ponto_error(http->env->log, MHD_TOPIC_SERVE, "%s is no PEM file", path);
	} else if (!(text = ponto_new(alloc, 1, (size_t)st.st_size + 1))) {
		result = PONTO_ENOMEM;
	} else if (read(fd, text, (size_t)st.st_size) != st.st_size) {
		ponto_error(http->env->log, MHD_TOPIC_SERVE, "%s cannot be read", path);
		result = PONTO_EIO;
	} else {
		result = PONTO_OK;
	}
	if (fd >= 0)
		close(fd);
	if (result == PONTO_OK)
		*out = text;
	else
		ponto_free(alloc, text);
	return result;
}

static void free_tls(const struct ponto_alloc *alloc, struct mhd_tls *tls)
{
	if (tls->key)
		ponto_wipe(tls->key, strlen(tls->key));
	ponto_free(alloc, tls->key);
	ponto_free(alloc, tls->certificate);
}

/* ---- the loop's side ------------------------------------------------------------------------- */

static int make_refusals(struct ponto_http_listener *l)
{
	for (unsigned i = 0; i < MHD_REFUSALS; i++) {
		l->refusals[i] = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		if (!l->refusals[i] || MHD_add_response_header(l->refusals[i], "Connection", "close") != MHD_YES)
			return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

static void hangup(void *arg, unsigned ready)
{
	struct ponto_http_listener *l = arg;
	struct epoll_event events[64];
	int n = epoll_wait(l->hangups, events, PONTO_ARRAY_SIZE(events), 0);

	(void)ready;
	mhd_listener_enter(l);
	/* Connections are freed by mail, so none of these is gone before this returns. */
	for (int i = 0; i < n && !l->dead; i++)
		mhd_conn_left(events[i].data.ptr);
	mhd_listener_leave(l);
}

/* Whoever sends a byte now and then keeps libmicrohttpd's timeout from firing: a request has to come whole in time. */
static void look_for_slow(void *arg)
{
	struct ponto_http_listener *l = arg;
	uint64_t now = l->http->env->clock->mono(l->http->env->clock->ctx);

	pthread_mutex_lock(&l->lock);
	for (struct mhd_conn *conn = l->conns; conn; conn = conn->next) {
		pthread_mutex_lock(&conn->lock);
		if (!conn->closed && conn->since != 0 && now > conn->since + l->patience)
			(void)shutdown(conn->fd, SHUT_RDWR);
		pthread_mutex_unlock(&conn->lock);
	}
	pthread_mutex_unlock(&l->lock);
	ponto_timer_set(l->loop, l->timer, ponto_loop_now(l->loop) + l->patience / 4 + 1);
}

/* All but the memory itself, which callbacks under way still look at. */
static void dismantle(struct ponto_http_listener *l)
{
	for (unsigned i = 0; i < MHD_REFUSALS; i++) {
		if (l->refusals[i])
			MHD_destroy_response(l->refusals[i]);
	}
	ponto_timer_destroy(l->loop, l->timer);
	ponto_watch_destroy(l->loop, l->watch);
	mhd_mailbox_destroy(l->mailbox);
	if (l->hangups >= 0)
		close(l->hangups);
	pthread_mutex_destroy(&l->lock);
}

void mhd_listener_enter(struct ponto_http_listener *l)
{
	l->depth++;
}

void mhd_listener_leave(struct ponto_http_listener *l)
{
	l->depth--;
	if (l->dead && l->depth == 0)
		ponto_free(l->http->env->alloc, l);
}

/* Everything that listens but libmicrohttpd. */
static int prepare(struct ponto_http_listener *l)
{
	int result = make_refusals(l);

	if (result != PONTO_OK)
		return result;
	l->hangups = epoll_create1(EPOLL_CLOEXEC);
	if (l->hangups < 0)
		return PONTO_EIO;
	result = mhd_mailbox_create(l->http->env->alloc, l->loop, &l->mailbox);
	if (result == PONTO_OK)
		result = ponto_watch_create(l->loop, l->hangups, PONTO_READABLE, hangup, l, &l->watch);
	if (result == PONTO_OK)
		result = ponto_timer_create(l->loop, look_for_slow, l, &l->timer);
	return result;
}

static int bind_and_start(struct ponto_http_listener *l, const struct ponto_http_listen *listen)
{
	struct mhd_tls tls = {NULL, NULL};
	int result = PONTO_OK, fd;

	if (listen->key_file) {
		result = read_pem(l->http, listen->certificate_file, &tls.certificate);
		if (result == PONTO_OK)
			result = read_pem(l->http, listen->key_file, &tls.key);
	}
	if (result == PONTO_OK)
		result = mhd_socket_listen(l->http, &listen->local, &fd, &l->local);
	if (result == PONTO_OK) {
		result = mhd_threads_start(l, fd, &tls, listen->head_limit);
		if (result != PONTO_OK && tls.key)
			ponto_error(l->http->env->log, MHD_TOPIC_SERVE, "certificate %s and key %s: %s",
				    listen->certificate_file, listen->key_file, l->said);
		else if (result != PONTO_OK)
			ponto_error(l->http->env->log, MHD_TOPIC_SERVE, "cannot serve: %s", l->said);
	}
	free_tls(l->http->env->alloc, &tls);
	return result;
}

int mhd_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
	       const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out)
{
	struct mhd_http *http = self;
	struct ponto_http_listener *l;
	char text[PONTO_ADDR_TEXT];
	int result = ponto_http_check_listen(listen);

	if (result != PONTO_OK)
		return result;
	if (ponto_loop_sim(loop))
		return PONTO_ENOTSUP;
	l = ponto_new(http->env->alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	l->http = http;
	l->loop = loop;
	l->events = *events;
	l->arg = arg;
	l->local = listen->local;
	l->body_limit = listen->body_limit;
	l->patience = (uint64_t)ponto_conf_int(http->env->conf, "request_timeout") * 1000000;
	l->per_host = (unsigned)ponto_conf_int(http->env->conf, "connections_per_address");
	l->hangups = -1;
	pthread_mutex_init(&l->lock, NULL);
	result = prepare(l);
	if (result == PONTO_OK)
		result = bind_and_start(l, listen);
	if (result != PONTO_OK) {
		dismantle(l);
		ponto_free(http->env->alloc, l);
		return result;
	}
	ponto_timer_set(loop, l->timer, ponto_loop_now(loop) + l->patience / 4 + 1);
	ponto_info(http->env->log, MHD_TOPIC_SERVE, "listening on %s%s", ponto_addr_format(&l->local, text),
		   listen->key_file ? " by TLS" : "");
	*out = l;
	return PONTO_OK;
}

/* Nothing may be suspended when libmicrohttpd stops. */
static void wake_all(struct ponto_http_listener *l)
{
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	for (struct mhd_conn *conn = l->conns; conn; conn = conn->next) {
		pthread_mutex_lock(&conn->lock);
		conn->closing = true;
		if (conn->current && conn->current->phase == MHD_WAITING)
			conn->current->phase = MHD_ABANDONED;
		mhd_conn_wake(conn);
		pthread_mutex_unlock(&conn->lock);
	}
	pthread_mutex_unlock(&l->lock);
}

void mhd_unlisten(struct ponto_http_listener *l)
{
	struct mhd_mail *mail;

	wake_all(l);
	mhd_threads_stop(l);
	l->dead = true;
	mhd_listener_enter(l);
	while ((mail = mhd_mailbox_take(l->mailbox)))
		mhd_request_leftover(mail);
	while (l->conns) {
		struct mhd_conn *conn = l->conns;

		l->conns = conn->next;
		mhd_conn_free(conn);
	}
	dismantle(l);
	mhd_listener_leave(l);
}

void mhd_local(struct ponto_http_listener *l, struct ponto_addr *out)
{
	*out = l->local;
}
