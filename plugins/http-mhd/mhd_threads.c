#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

#define POOL_BYTES (32u * 1024) /* of a connection: its headers and what is read at once */
#define POOL_LEAST (3u * 1024)	/* without them: what libmicrohttpd makes of an answer's head lies there, too */

/* ---- a thread --------------------------------------------------------------------------------- */

/* Milliseconds until a connection was idle for too long; 0: there is more to do; -1: neither. */
static int patience(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG left;

	if (MHD_get_timeout(daemon, &left) != MHD_YES)
		return -1;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* libmicrohttpd never waits itself: when it finds as many events as it takes at once, 128, it would wait for the next one
 * before it looks at them (0.9.75). */
static void *serve(void *arg)
{
	struct mhd_thread *thread = arg;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(thread->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = thread->bell, .events = POLLIN}};
	uint64_t rung;
	int wait;

	(void)pthread_setname_np(pthread_self(), "ponto-http");
	while (!atomic_load(&thread->listener->ending)) {
		wait = patience(thread->daemon);
		if (wait != 0 && poll(fds, PONTO_ARRAY_SIZE(fds), wait) > 0 && fds[1].revents != 0 &&
		    read(thread->bell, &rung, sizeof(rung)) < 0)
			continue;
		(void)MHD_run(thread->daemon);
	}
	return NULL;
}

void mhd_thread_ring(struct mhd_thread *thread)
{
	static const uint64_t one = 1;
	ssize_t rung = write(thread->bell, &one, sizeof(one)); /* cannot fail: nobody rings that often */

	(void)rung;
}

/* ---- their start ------------------------------------------------------------------------------ */

/* Its messages are about peers once it runs; while it starts they say why it does not. */
static void said(void *cls, const char *format, va_list args)
{
	struct ponto_http_listener *l = cls;
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (!l->started)
		memcpy(l->said, text, sizeof(text));
	ponto_debug(l->http->env->log, MHD_TOPIC_SERVE, "%s", text);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static unsigned thread_count(const struct ponto_conf *conf)
{
	int64_t wanted = ponto_conf_int(conf, "threads"), connections = ponto_conf_int(conf, "connections");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = cores < 1 ? 1 : cores > 8 ? 8 : cores;
	return (unsigned)(wanted < connections ? wanted : connections);
}

/* takes fd */
static int make_daemon(struct mhd_thread *thread, int fd, unsigned connections, const struct mhd_tls *tls,
		       size_t head_limit)
{
	struct ponto_http_listener *l = thread->listener;
	/* libmicrohttpd clears all of it for each request. */
	size_t pool = head_limit > 0 && POOL_LEAST + 4 * head_limit < POOL_BYTES ? POOL_LEAST + 4 * head_limit : POOL_BYTES;
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)said, l},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)pool, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, ponto_conf_int(l->http->env->conf, "idle_timeout"), NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)mhd_conn_notify, thread},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mhd_request_over, l},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)mhd_request_line, l},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{tls->key ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, tls->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO |
			 (l->local.family == PONTO_FAMILY_IPV6 ? MHD_USE_IPv6 : 0) | (tls->key ? MHD_USE_TLS : 0);

	thread->daemon = MHD_start_daemon(flags, 0, NULL, NULL, mhd_request_part, l, MHD_OPTION_ARRAY, options,
					  MHD_OPTION_END);
	if (thread->daemon)
		return PONTO_OK;
	close(fd);
	return tls->key ? PONTO_ECONF : PONTO_EIO;
}

static int make_thread(struct mhd_thread *thread, int fd, unsigned connections, const struct mhd_tls *tls,
		       size_t head_limit)
{
	int own;

	thread->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (thread->bell < 0)
		return PONTO_EIO;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? PONTO_EIO : make_daemon(thread, own, connections, tls, head_limit);
}

/* Only signals of the daemon's own threads are handled: these block all. */
static int run(struct mhd_thread *thread)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	thread->runs = pthread_create(&thread->id, NULL, serve, thread) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return thread->runs ? PONTO_OK : PONTO_EIO;
}

int mhd_threads_start(struct ponto_http_listener *l, int fd, const struct mhd_tls *tls, size_t head_limit)
{
	const struct ponto_conf *conf = l->http->env->conf;
	unsigned count = thread_count(conf), connections = (unsigned)ponto_conf_int(conf, "connections");
	int result = PONTO_OK;

	l->threads = ponto_new(l->http->env->alloc, count, sizeof(*l->threads));
	if (!l->threads)
		result = PONTO_ENOMEM;
	for (unsigned i = 0; i < count && result == PONTO_OK; i++) {
		l->threads[i] = (struct mhd_thread){.listener = l, .bell = -1};
		l->thread_count++;
		result = make_thread(&l->threads[i], fd, connections / count + (i < connections % count), tls, head_limit);
	}
	close(fd);
	l->started = result == PONTO_OK;
	for (unsigned i = 0; i < count && result == PONTO_OK; i++)
		result = run(&l->threads[i]);
	if (result != PONTO_OK)
		mhd_threads_stop(l);
	return result;
}

void mhd_threads_stop(struct ponto_http_listener *l)
{
	atomic_store(&l->ending, true);
	for (unsigned i = 0; i < l->thread_count; i++) {
		if (!l->threads[i].runs)
			continue;
		mhd_thread_ring(&l->threads[i]);
		(void)pthread_join(l->threads[i].id, NULL);
	}
	/* Connections end here: what wakes them may ring. */
	for (unsigned i = 0; i < l->thread_count; i++) {
		if (l->threads[i].daemon)
			MHD_stop_daemon(l->threads[i].daemon);
	}
	for (unsigned i = 0; i < l->thread_count; i++) {
		if (l->threads[i].bell >= 0)
			close(l->threads[i].bell);
	}
	l->thread_count = 0;
	ponto_free(l->http->env->alloc, l->threads);
	l->threads = NULL;
}
