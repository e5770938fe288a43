#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

#define PEM_MAX (1024 * 1024)
#define POOL_BYTES (32u * 1024) /* of a connection: its headers and what is read at once */
#define POOL_LEAST (4u * 1024)	/* without them: what libmicrohttpd makes of an answer's head lies there, too */

/* ---- certificates ------------------------------------------------------------------------- */

struct pem {
	char *certificate, *key;
};

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

static void free_pem(const struct ponto_alloc *alloc, struct pem *pem)
{
	if (pem->key)
		ponto_wipe(pem->key, strlen(pem->key));
	ponto_free(alloc, pem->key);
	ponto_free(alloc, pem->certificate);
}

/* ---- libmicrohttpd ------------------------------------------------------------------------- */

/* Its messages are about peers once it runs; while it starts they say why it does not. */
static void said(void *cls, const char *format, va_list args)
{
	struct ponto_http_listener *l = cls;
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (!l->daemon)
		memcpy(l->said, text, sizeof(text));
	ponto_debug(l->http->env->log, MHD_TOPIC_SERVE, "%s", text);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static int make_refusals(struct ponto_http_listener *l)
{
	for (unsigned i = 0; i < MHD_REFUSALS; i++) {
		l->refusals[i] = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		if (!l->refusals[i] || MHD_add_response_header(l->refusals[i], "Connection", "close") != MHD_YES)
			return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

/* libmicrohttpd takes 128 events at once, and when it got so many it waits for the next one before it looks at them:
 * none of its threads may have so many connections, its two descriptors of its own counted. */
#define CONNECTIONS_PER_THREAD 120

static unsigned thread_count(const struct ponto_conf *conf)
{
	int64_t wanted = ponto_conf_int(conf, "threads");
	int64_t least = (ponto_conf_int(conf, "connections") + CONNECTIONS_PER_THREAD - 1) / CONNECTIONS_PER_THREAD;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = cores < 1 ? 1 : cores > 8 ? 8 : cores;
	return (unsigned)(wanted > least ? wanted : least);
}

/* Only signals of the daemon's own threads are handled: these block all. */
static struct MHD_Daemon *start_quietly(struct ponto_http_listener *l, unsigned flags,
					const struct MHD_OptionItem *options)
{
	struct MHD_Daemon *daemon;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	daemon = MHD_start_daemon(flags, 0, NULL, NULL, mhd_request_part, l, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

/* takes fd */
static int start(struct ponto_http_listener *l, int fd, const struct pem *pem, size_t head_limit)
{
	const struct ponto_conf *conf = l->http->env->conf;
	unsigned threads = thread_count(conf), flags;
	int64_t connections = ponto_conf_int(conf, "connections");
	/* libmicrohttpd clears all of it for each request. */
	size_t pool = head_limit > 0 && POOL_LEAST + 4 * head_limit < POOL_BYTES ? POOL_LEAST + 4 * head_limit : POOL_BYTES;
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)said, l},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)pool, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, connections < threads ? threads : connections, NULL},
		{MHD_OPTION_PER_IP_CONNECTION_LIMIT, ponto_conf_int(conf, "connections_per_address"), NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, ponto_conf_int(conf, "idle_timeout"), NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)mhd_conn_notify, l},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mhd_request_over, l},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)mhd_request_line, l},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
		{pem->key ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, pem->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};

	/* Without a pool its item would end the list: what follows takes its place. */
	if (threads <= 1)
		memmove(&options[11], &options[12], sizeof(options) - 12 * sizeof(options[0]));
	flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO |
		(l->local.family == PONTO_FAMILY_IPV6 ? MHD_USE_IPv6 : 0) | (pem->key ? MHD_USE_TLS : 0);
	l->daemon = start_quietly(l, flags, options);
	if (l->daemon)
		return PONTO_OK;
	close(fd);
	return pem->key ? PONTO_ECONF : PONTO_EIO;
}

/* ---- the loop's side ------------------------------------------------------------------------- */

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
	struct pem pem = {NULL, NULL};
	int result = PONTO_OK, fd;

	if (listen->key_file) {
		result = read_pem(l->http, listen->certificate_file, &pem.certificate);
		if (result == PONTO_OK)
			result = read_pem(l->http, listen->key_file, &pem.key);
	}
	if (result == PONTO_OK)
		result = mhd_socket_listen(l->http, &listen->local, &fd, &l->local);
	if (result == PONTO_OK) {
		result = start(l, fd, &pem, listen->head_limit);
		if (result != PONTO_OK && pem.key)
			ponto_error(l->http->env->log, MHD_TOPIC_SERVE, "certificate %s and key %s: %s",
				    listen->certificate_file, listen->key_file, l->said);
		else if (result != PONTO_OK)
			ponto_error(l->http->env->log, MHD_TOPIC_SERVE, "cannot serve: %s", l->said);
	}
	free_pem(l->http->env->alloc, &pem);
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
	MHD_stop_daemon(l->daemon);
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
