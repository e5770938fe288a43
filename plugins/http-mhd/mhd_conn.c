#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

/* ---- on libmicrohttpd's threads -------------------------------------------------------- */

static void deliver_closed(struct mhd_mail *mail)
{
	struct mhd_conn *conn = (struct mhd_conn *)((char *)mail - offsetof(struct mhd_conn, mail));
	struct ponto_http_listener *l = conn->listener;

	pthread_mutex_lock(&l->lock);
	*(conn->prev ? &conn->prev->next : &l->conns) = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	pthread_mutex_unlock(&l->lock);
	mhd_conn_free(conn);
}

/* False: that address has as many as it may. */
static bool enter(struct mhd_conn *conn)
{
	struct ponto_http_listener *l = conn->listener;

	pthread_mutex_lock(&l->lock);
	conn->host = mhd_host_enter(l, &conn->peer);
	if (conn->host) {
		conn->closing = l->closing;
		conn->next = l->conns;
		if (l->conns)
			l->conns->prev = conn;
		l->conns = conn;
	}
	pthread_mutex_unlock(&l->lock);
	return conn->host != NULL;
}

static void started(struct mhd_thread *thread, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *addr = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ponto_http_listener *l = thread->listener;
	const struct ponto_env *env = l->http->env;
	struct mhd_conn *conn = addr && fd ? ponto_new(env->alloc, 1, sizeof(*conn)) : NULL;

	*context = NULL; /* its requests are refused, if it is not cut */
	if (!conn)
		return;
	conn->listener = l;
	conn->thread = thread;
	conn->connection = connection;
	conn->mail.deliver = deliver_closed;
	conn->fd = fd->connect_fd;
	conn->peer = mhd_socket_addr(addr->client_addr);
	conn->since = env->clock->mono(env->clock->ctx);
	pthread_mutex_init(&conn->lock, NULL);
	if (!enter(conn)) {
		(void)shutdown(conn->fd, SHUT_RDWR);
		mhd_conn_free(conn);
		return;
	}
	ponto_gauge_add(l->http->metrics.connections, 1);
	*context = conn;
}

/* Before its descriptor is closed: from here on nobody may touch that. */
static void closed(struct mhd_conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	conn->closed = true;
	if (conn->watched)
		(void)epoll_ctl(conn->listener->hangups, EPOLL_CTL_DEL, conn->fd, NULL);
	pthread_mutex_unlock(&conn->lock);
	pthread_mutex_lock(&conn->listener->lock);
	mhd_host_leave(conn->listener, conn->host);
	pthread_mutex_unlock(&conn->listener->lock);
	ponto_gauge_add(conn->listener->http->metrics.connections, -1);
	mhd_mailbox_send(conn->listener->mailbox, &conn->mail);
}

void mhd_conn_notify(void *cls, struct MHD_Connection *connection, void **context,
		     enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		started(cls, connection, context);
	else if (*context)
		closed(*context);
}

/* ---- on the loop ------------------------------------------------------------------------- */

void mhd_conn_free(struct mhd_conn *conn)
{
	const struct ponto_alloc *alloc = conn->listener->http->env->alloc;

	if (conn->kept)
		MHD_destroy_response(conn->kept);
	mhd_request_free(alloc, conn->current);
	mhd_request_free(alloc, conn->spare);
	pthread_mutex_destroy(&conn->lock);
	ponto_free(alloc, conn);
}

/* Edge-triggered and once per connection: no system call for the requests that follow. */
void mhd_conn_watch(struct mhd_conn *conn)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = conn};

	if (!conn->watched && !conn->closed)
		conn->watched = epoll_ctl(conn->listener->hangups, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

void mhd_conn_wake(struct mhd_conn *conn)
{
	if (!conn->suspended)
		return;
	conn->suspended = false;
	MHD_resume_connection(conn->connection);
	mhd_thread_ring(conn->thread);
}

void mhd_conn_left(struct mhd_conn *conn)
{
	struct ponto_http_listener *l = conn->listener;
	struct mhd_request *r;
	bool tell;

	pthread_mutex_lock(&conn->lock);
	conn->left = true;
	r = conn->current;
	tell = r && r->phase == MHD_WAITING && r->given;
	if (tell)
		r->phase = MHD_ABANDONED; /* and stays suspended while the service is told */
	else if (r && r->held)
		mhd_conn_wake(conn); /* its body is asked once more, and broken off */
	pthread_mutex_unlock(&conn->lock);
	if (!tell)
		return;
	mhd_listener_enter(l);
	l->events.gone(l->arg, &r->request);
	if (!l->dead) {
		pthread_mutex_lock(&conn->lock);
		mhd_conn_wake(conn);
		pthread_mutex_unlock(&conn->lock);
	}
	mhd_listener_leave(l);
}
