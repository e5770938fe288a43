/* Operations of peerdist.h that go on meanwhile: how they end, what cancels them, and what becomes of handles. A daemon
 * that is stopped by a signal answers nothing, so that what waits for it does so for sure. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/api/peerdist_test.h"

#define SIZE (20 * 65536 + 321)
#define NAME(text) (DWORD)(sizeof(text) - 1), (PBYTE)(uintptr_t)(text)
#define MANY 100 /* operations: more than there are places for */

static const PEERDIST_CONTENT_TAG tag = {{1, 2, 3}};

static void hang(const struct dist_world *w)
{
	assert_int_equal(kill(w->daemon.pid, SIGSTOP), 0);
}

static void go_on(const struct dist_world *w)
{
	assert_int_equal(kill(w->daemon.pid, SIGCONT), 0);
}

/* ---- how they end ---------------------------------------------------------------------------------- */

static void events_and_ports(void **state)
{
	struct dist_world *w = *state;
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0),
	       event = CreateEventW(NULL, TRUE, TRUE, NULL);
	OVERLAPPED o = {.hEvent = event}, *got = NULL;
	PEERDIST_STREAM_HANDLE stream;
	BYTE *data = dist_bytes(SIZE);
	ULONG_PTR key;
	DWORD bytes;

	PONTO_COVERS("PeerDistGetOverlappedResult", "PeerDistServerPublishAddToStream");
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("x"), 0, NULL, port, 42, &stream),
			 ERROR_SUCCESS);
	hang(w);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, SIZE, data, &o), ERROR_IO_PENDING);
	assert_false(HasOverlappedIoCompleted(&o));
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_TIMEOUT); /* it was set before */
	assert_false(PeerDistGetOverlappedResult(&o, &bytes, FALSE));
	assert_int_equal(GetLastError(), ERROR_IO_INCOMPLETE);
	assert_false(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0));
	assert_int_equal(GetLastError(), WAIT_TIMEOUT);
	go_on(w);
	/* by both: the event and the port */
	assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
	assert_true(HasOverlappedIoCompleted(&o));
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	assert_true(got == &o && key == 42 && bytes == SIZE);
	assert_true(GetOverlappedResult(stream, &o, &bytes, TRUE));
	assert_int_equal(bytes, SIZE);
	/* the lowest bit keeps it from the port */
	o.hEvent = (HANDLE)((ULONG_PTR)event | 1);
	assert_int_equal(dist_end(PeerDistServerPublishAddToStream(w->instance, stream, 10, data, &o), &o, &bytes),
			 ERROR_SUCCESS);
	assert_int_equal(WaitForSingleObject(event, 60000), WAIT_OBJECT_0);
	assert_false(GetQueuedCompletionStatus(port, &bytes, &key, &got, 100));
	/* an event and a port may be closed meanwhile */
	o.hEvent = event;
	hang(w);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, &o), ERROR_IO_PENDING);
	assert_true(CloseHandle(event));
	assert_true(CloseHandle(port));
	go_on(w);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &o, NULL), ERROR_SUCCESS);
	free(data);
}

/* More at once than go to the daemon at once: all end, each once, with what is its own. */
static void many_at_once(void **state)
{
	struct dist_world *w = *state;
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	BYTE *data = dist_bytes(SIZE), *info, *buffers = calloc(MANY, 1000);
	OVERLAPPED *o = calloc(MANY, sizeof(*o)), *got;
	PEERDIST_CONTENT_HANDLE filled, content;
	PEERDIST_CONTENT_TAG ones;
	bool told[MANY] = {false};
	ULONG_PTR key;
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistClientBlockRead", "PeerDistClientOpenContent");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	filled = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_add_data(w->instance, filled, 0, data, SIZE), ERROR_SUCCESS);
	memset(&ones, 1, sizeof(ones));
	assert_int_equal(PeerDistClientOpenContent(w->instance, &ones, port, 9, &content), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, (DWORD)size, info, &o[0]),
			 ERROR_IO_PENDING);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	assert_int_equal(PeerDistClientCompleteContentInformation(w->instance, content, &o[0]), ERROR_IO_PENDING);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	for (unsigned i = 0; i < MANY; i++) {
		o[i].Offset = i * 13000;
		assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1000, buffers + i * 1000, 5000, &o[i]),
				 ERROR_IO_PENDING);
	}
	for (unsigned i = 0; i < MANY; i++) {
		ptrdiff_t n;

		assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
		n = got - o;
		assert_true(n >= 0 && n < MANY && !told[n] && key == 9);
		told[n] = true;
		assert_true(bytes > 0 && bytes <= 1000);
		assert_memory_equal(buffers + n * 1000, data + n * 13000, bytes);
	}
	free(info);
	free(data);
	free(buffers);
	free(o);
	CloseHandle(port);
}

/* Somebody who takes connections and says nothing. */
static int silent_server(char *services, size_t size)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	snprintf(services, size,
		 "dist = { plugin = \"service-dist\"; retrieval = \"\"; hosted = [\"127.0.0.1:%u\"];"
		 " request_timeout = 60000; session_timeout = 600000; };",
		 ntohs(addr.sin_port));
	return fd;
}

/* What asks nobody else does not wait for reads that wait for others, however many. */
static void of_the_cache_alone(void **state)
{
	struct dist_world *w = *state;
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	OVERLAPPED o[MANY], query = {.hEvent = event}, local = {.hEvent = event};
	BYTE *data = dist_bytes(SIZE), *info, buffer[1000];
	PEERDIST_CONTENT_HANDLE content;
	char services[256];
	int fd = silent_server(services, sizeof(services));
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistClientBlockRead");
	api_daemon_stop(&w->daemon);
	w->daemon.services = services;
	api_daemon_start(&w->daemon);
	dist_await(w->instance, PEERDIST_STATUS_AVAILABLE);
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_add_data(w->instance, content, 0, data, 65536), ERROR_SUCCESS);
	memset(o, 0, sizeof(o));
	for (unsigned i = 0; i < MANY; i++) {
		o[i].Offset = 65536 + i * 12000;
		assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1000, buffer, 300000, &o[i]),
				 ERROR_IO_PENDING);
	}
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 0, NULL, 300000, &query), ERROR_IO_PENDING);
	assert_int_equal(WaitForSingleObject(event, 20000), WAIT_OBJECT_0);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &query, &bytes), ERROR_SUCCESS);
	assert_int_equal(bytes, 65536);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1000, buffer, 0, &local), ERROR_IO_PENDING);
	assert_int_equal(WaitForSingleObject(event, 20000), WAIT_OBJECT_0);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &local, &bytes), ERROR_SUCCESS);
	assert_memory_equal(buffer, data, 1000);
	bytes = 0;
	for (unsigned i = 0; i < MANY; i++)
		bytes += !HasOverlappedIoCompleted(&o[i]);
	assert_true(bytes > MANY / 2); /* of those wait */
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, NULL), ERROR_SUCCESS);
	CloseHandle(event);
	close(fd);
	free(info);
	free(data);
}

/* ---- cancelling ------------------------------------------------------------------------------------------ */

static DWORD result_of(OVERLAPPED *o)
{
	DWORD bytes;

	return PeerDistGetOverlappedResult(o, &bytes, FALSE) ? ERROR_SUCCESS : GetLastError();
}

static void clients_cancel(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info, buffer[1000];
	PEERDIST_CONTENT_HANDLE content;
	OVERLAPPED o[5], other = {0};
	size_t size;

	PONTO_COVERS("PeerDistClientCancelAsyncOperation");
	PONTO_COVERS_ERRORS("PeerDistClientCancelAsyncOperation");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	memset(o, 0, sizeof(o));
	hang(w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1000, buffer, 5000, &o[i]),
				 ERROR_IO_PENDING);
	assert_int_equal(PeerDistClientStreamRead(w->instance, content, 1000, buffer, 5000, &o[3]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistClientStreamRead(w->instance, content, 1000, buffer, 5000, &o[4]), ERROR_IO_PENDING);
	SetLastError(0);
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, &o[1]), ERROR_SUCCESS);
	assert_int_equal(GetLastError(), ERROR_OPERATION_ABORTED);
	assert_int_equal(result_of(&o[1]), ERROR_OPERATION_ABORTED);
	assert_int_equal(result_of(&o[0]), ERROR_IO_INCOMPLETE);
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, &o[1]),
			 PEERDIST_ERROR_OPERATION_NOTFOUND);
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, &other),
			 PEERDIST_ERROR_OPERATION_NOTFOUND);
	assert_int_equal(PeerDistClientCancelAsyncOperation(NULL, content, &o[0]), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, w->instance, &o[0]), ERROR_INVALID_HANDLE);
	/* by the function of the system, too */
	assert_true(CancelIoEx(content, &o[0]));
	assert_int_equal(result_of(&o[0]), ERROR_OPERATION_ABORTED);
	assert_false(CancelIoEx(content, &o[0]));
	assert_int_equal(GetLastError(), ERROR_NOT_FOUND);
	/* all */
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, NULL), ERROR_SUCCESS);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(result_of(&o[i]), ERROR_OPERATION_ABORTED);
	assert_int_equal(PeerDistClientCancelAsyncOperation(w->instance, content, NULL), ERROR_SUCCESS);
	go_on(w);
	/* the handle is as good as before, and the stream where it was */
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientStreamRead(w->instance, content, 1000, buffer, 0, &o[0]), &o[0], NULL),
			 ERROR_SUCCESS);
	assert_int_equal(o[0].Offset, 0);
	assert_memory_equal(buffer, data, 1000);
	free(info);
	free(data);
}

static void servers_cancel(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info, buffer[100];
	PEERDIST_STREAM_HANDLE stream;
	PEERDIST_CONTENTINFO_HANDLE handle;
	OVERLAPPED o = {0}, second = {0};
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistServerCancelAsyncOperation", "PeerDistServerUnpublish");
	PONTO_COVERS_ERRORS("PeerDistServerCancelAsyncOperation", "PeerDistServerPublishAddToStream");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, &handle),
			 ERROR_SUCCESS);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, NULL, NULL, 0, &stream), ERROR_SUCCESS);
	hang(w);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, handle, 100, buffer, &o),
			 ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("y"), &o),
			 PEERDIST_ERROR_OPERATION_NOTFOUND);
	SetLastError(0);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("x"), &o), ERROR_SUCCESS);
	assert_int_equal(GetLastError(), ERROR_OPERATION_ABORTED);
	assert_int_equal(result_of(&o), ERROR_OPERATION_ABORTED);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("x"), &o),
			 PEERDIST_ERROR_OPERATION_NOTFOUND);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("x"), NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, 0, data, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, 1, NULL, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerCancelAsyncOperation(NULL, NAME("x"), &o), ERROR_INVALID_HANDLE);
	/* additions go one after the other: one that has not begun is as if it had never been */
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 100000, data, &o), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 5, data, &second), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("y"), &second), ERROR_SUCCESS);
	assert_int_equal(result_of(&second), ERROR_OPERATION_ABORTED);
	go_on(w);
	/* what was cancelled is read again from where it was */
	assert_int_equal(dist_end(PeerDistServerRetrieveContentInformation(w->instance, handle, 100, buffer, &second),
				  &second, &bytes),
			 ERROR_SUCCESS);
	assert_true(bytes == 100 && second.Offset == 0);
	assert_memory_equal(buffer, info, 100);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &o, NULL), ERROR_SUCCESS);
	second = (OVERLAPPED){0};
	assert_int_equal(
		dist_end(PeerDistServerPublishAddToStream(w->instance, stream, SIZE - 100000, data + 100000, &second),
			 &second, NULL),
		ERROR_SUCCESS);
	assert_int_equal(dist_complete_stream(w->instance, stream), ERROR_SUCCESS);
	free(info);
	info = dist_info(w->instance, "y", 1, 0, 0, &size);
	assert_true(size > 18); /* all of it, once */
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
	/* of one that was under way nobody knows whether it was added: the stream is worth nothing */
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("z"), 0, NULL, NULL, 0, &stream), ERROR_SUCCESS);
	hang(w);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 100, data, &o), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerCancelAsyncOperation(w->instance, NAME("z"), &o), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 100, data, &o), ERROR_OPERATION_ABORTED);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, &second), ERROR_OPERATION_ABORTED);
	go_on(w);
	/* withdrawing ends what is under way */
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("z")), ERROR_SUCCESS);
	free(info);
	free(data);
}

/* ---- closing --------------------------------------------------------------------------------------------------- */

static void closed_with_operations_under_way(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info, *buffer = malloc(SIZE);
	PEERDIST_CONTENTINFO_HANDLE handle;
	PEERDIST_CONTENT_HANDLE content, last;
	PEERDIST_STREAM_HANDLE stream;
	OVERLAPPED o[6], flush = {0};
	size_t size;

	PONTO_COVERS("PeerDistClientCloseContent", "PeerDistServerCloseStreamHandle",
		     "PeerDistServerCloseContentInformation", "PeerDistShutdown");
	memset(o, 0, sizeof(o));
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	last = dist_open(w->instance, 1, info, size);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, &handle),
			 ERROR_SUCCESS);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, NULL, NULL, 0, &stream), ERROR_SUCCESS);
	hang(w);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, SIZE, data, &o[0]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, &o[1]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, handle, 100, buffer, &o[2]),
			 ERROR_IO_PENDING);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, SIZE, buffer, 5000, &o[3]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistClientAddData(w->instance, content, SIZE, data, &o[4]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, handle), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(result_of(&o[i]), ERROR_OPERATION_ABORTED);
	/* nobody looks at the buffers any more */
	free(buffer);
	free(data);
	data = dist_bytes(SIZE);
	buffer = malloc(SIZE);
	go_on(w);
	/* all that an instance has ends with it */
	hang(w);
	assert_int_equal(PeerDistClientBlockRead(w->instance, last, SIZE, buffer, 5000, &o[5]), ERROR_IO_PENDING);
	assert_int_equal(PeerDistClientFlushContent(w->instance, &tag, NULL, 0, &flush), ERROR_IO_PENDING);
	assert_int_equal(PeerDistShutdown(w->instance), ERROR_SUCCESS); /* though the daemon hangs */
	assert_int_equal(result_of(&o[5]), ERROR_OPERATION_ABORTED);
	assert_int_equal(result_of(&flush), ERROR_OPERATION_ABORTED);
	assert_int_equal(PeerDistClientCloseContent(w->instance, last), ERROR_INVALID_HANDLE);
	free(buffer);
	go_on(w);
	/* what it published is withdrawn */
	assert_int_equal(PeerDistStartup(2, &w->instance, NULL), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, &handle),
			 ERROR_NOT_FOUND);
	free(info);
	free(data);
}

/* What an instance published goes with it, and no other's. */
static void instances_are_apart(void **state)
{
	struct dist_world *w = *state;
	PEERDIST_INSTANCE_HANDLE other;
	PEERDIST_CONTENTINFO_HANDLE info;
	PEERDIST_CONTENT_HANDLE content;
	OVERLAPPED o = {0};

	PONTO_COVERS("PeerDistShutdown");
	PONTO_COVERS_ERRORS("PeerDistClientAddContentInformation");
	assert_int_equal(PeerDistStartup(2, &other, NULL), ERROR_SUCCESS);
	dist_publish(w->instance, "mine", "bytes", 5);
	dist_publish(other, "other", "bytes", 5);
	/* a handle is used with the instance it was opened through */
	assert_int_equal(PeerDistClientOpenContent(other, &tag, NULL, 0, &content), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, 1, (PBYTE)(uintptr_t) "x", &o),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistShutdown(other), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("other"), 0, 0, NULL, 0, &info),
			 ERROR_NOT_FOUND);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("mine"), 0, 0, NULL, 0, &info),
			 ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, info), ERROR_SUCCESS);
}

/* ---- daemons that go -----------------------------------------------------------------------------------------------
 */

static void a_daemon_that_is_another(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info, buffer[100];
	PEERDIST_CONTENT_HANDLE content;
	PEERDIST_STREAM_HANDLE stream;
	PEERDIST_CLIENT_BASIC_INFO basic;
	OVERLAPPED o = {0}, p = {0};
	size_t size;
	DWORD error;

	PONTO_COVERS_ERRORS("PeerDistClientBlockRead", "PeerDistServerPublishStream",
			    "PeerDistClientGetInformationByHandle", "PeerDistServerCloseStreamHandle");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, NULL, NULL, 0, &stream), ERROR_SUCCESS);
	hang(w);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 100, buffer, 60000, &o), ERROR_IO_PENDING);
	api_daemon_kill(&w->daemon);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &o, NULL), PEERDIST_ERROR_SERVICE_UNAVAILABLE);
	/* handles are worth nothing any more, whatever the numbers of the next daemon are */
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 100, buffer, 60000, &o),
			 PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("z"), 0, NULL, NULL, 0, &stream),
			 PEERDIST_ERROR_SERVICE_UNAVAILABLE);
	api_daemon_start(&w->daemon);
	dist_await(w->instance, PEERDIST_STATUS_AVAILABLE);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 100, buffer, 60000, &o),
			 PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 100, data, &p),
			 PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistClientGetInformationByHandle(w->instance, content, PeerDistClientBasicInfo,
							      sizeof(basic), &basic),
			 PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
	dist_publish(w->instance, "x", data, SIZE); /* the name is free */
	/* one that goes while nothing is under way is noticed by the next call */
	content = dist_open(w->instance, 1, info, size);
	api_daemon_stop(&w->daemon);
	api_daemon_start(&w->daemon);
	o = (OVERLAPPED){0};
	error = PeerDistClientAddData(w->instance, content, 100, data, &o);
	if (error == ERROR_IO_PENDING)
		error = dist_end(error, &o, NULL);
	assert_int_equal(error, PEERDIST_ERROR_INVALIDATED);
	free(info);
	free(data);
}

/* Every function that needs the daemon, without one and with one that does not want. */
static void refuses(struct dist_world *w, DWORD error)
{
	PEERDIST_RETRIEVAL_OPTIONS options = {sizeof(options), 1, 2, 0};
	PEERDIST_CONTENTINFO_HANDLE info;
	PEERDIST_CONTENT_HANDLE content;
	PEERDIST_STREAM_HANDLE stream;
	OVERLAPPED o = {0};

	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("x"), 0, NULL, NULL, 0, &stream), error);
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("x")), error);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, &info), error);
	assert_int_equal(PeerDistServerOpenContentInformationEx(w->instance, NAME("x"), 0, 0, &options, NULL, 0, &info),
			 error);
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, NULL, 0, &content), error);
	assert_int_equal(dist_end(PeerDistClientFlushContent(w->instance, &tag, NULL, 0, &o), &o, NULL), error);
}

static void services_that_are_not_there(void **state)
{
	struct dist_world *w = *state;

	PONTO_COVERS_ERRORS("PeerDistServerPublishStream", "PeerDistServerUnpublish",
			    "PeerDistServerOpenContentInformation", "PeerDistServerOpenContentInformationEx",
			    "PeerDistClientOpenContent", "PeerDistClientFlushContent");
	api_daemon_stop(&w->daemon);
	refuses(w, PEERDIST_ERROR_SERVICE_UNAVAILABLE);
	w->daemon.services = NULL;
	w->daemon.groups = NULL;
	api_daemon_start(&w->daemon);
	refuses(w, ERROR_ACCESS_DISABLED_BY_POLICY);
	api_daemon_stop(&w->daemon);
	w->daemon.services = "d = { plugin = \"service-dist\"; retrieval = \"\"; programs = false; };";
	w->daemon.groups = HTTP;
	api_daemon_start(&w->daemon);
	refuses(w, ERROR_ACCESS_DISABLED_BY_POLICY);
}

/* ---- threads, processes
 * -------------------------------------------------------------------------------------------------- */

struct worker {
	struct dist_world *w;
	unsigned number;
	const BYTE *data;
	pthread_t thread;
	unsigned good;
};

/* Publishes, describes, brings and reads its own content, with handles that others close. */
static void *work(void *arg)
{
	struct worker *me = arg;
	char name[16];

	for (unsigned i = 0; i < 5; i++) {
		DWORD size = 70000 + me->number * 1000 + i, bytes;
		PEERDIST_CONTENT_HANDLE content;
		ULONGLONG offset = 100;
		BYTE *info, *got = malloc(size);
		size_t info_size;

		snprintf(name, sizeof(name), "t%u", me->number);
		dist_publish(me->w->instance, name, me->data, size);
		info = dist_info(me->w->instance, name, 1 + i % 2, 0, 0, &info_size);
		content = dist_open(me->w->instance, (BYTE)me->number, info, info_size);
		me->good += dist_add_data(me->w->instance, content, 0, me->data, size) == ERROR_SUCCESS &&
			    dist_read(me->w->instance, content, &offset, got, size, 5000, &bytes) == ERROR_SUCCESS &&
			    bytes == size - 100 && memcmp(got, me->data + 100, bytes) == 0 &&
			    PeerDistClientCloseContent(me->w->instance, content) == ERROR_SUCCESS &&
			    PeerDistServerUnpublish(me->w->instance, (DWORD)strlen(name), (PBYTE)name) == ERROR_SUCCESS;
		free(info);
		free(got);
	}
	return NULL;
}

static void from_many_threads(void **state)
{
	struct worker workers[8];
	BYTE *data = dist_bytes(SIZE);

	PONTO_COVERS_THREADS("PeerDistServerPublishStream", "PeerDistServerPublishAddToStream",
			     "PeerDistServerPublishCompleteStream", "PeerDistServerCloseStreamHandle");
	PONTO_COVERS_THREADS("PeerDistServerUnpublish", "PeerDistServerOpenContentInformationEx",
			     "PeerDistServerRetrieveContentInformation", "PeerDistServerCloseContentInformation");
	PONTO_COVERS_THREADS("PeerDistClientOpenContent", "PeerDistClientCloseContent",
			     "PeerDistClientAddContentInformation", "PeerDistClientCompleteContentInformation");
	PONTO_COVERS_THREADS("PeerDistClientAddData", "PeerDistClientBlockRead", "PeerDistGetOverlappedResult");
	for (unsigned i = 0; i < 8; i++) {
		workers[i] = (struct worker){.w = *state, .number = i, .data = data};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].good, 5);
	}
	free(data);
}

/* The others, by threads with an instance each. */
static void *work_apart(void *arg)
{
	struct worker *me = arg;
	PEERDIST_STATUS_INFO info = {.cbSize = sizeof(info)};
	PEERDIST_CLIENT_BASIC_INFO basic;
	PEERDIST_INSTANCE_HANDLE mine;
	PEERDIST_CONTENTINFO_HANDLE opened;
	PEERDIST_CONTENT_HANDLE content;
	PEERDIST_STATUS status;
	BYTE buffer[100], *described;
	OVERLAPPED o = {0}, p = {0};
	char name[16];
	size_t size;

	snprintf(name, sizeof(name), "a%u", me->number);
	if (PeerDistStartup(2, &mine, NULL) != ERROR_SUCCESS)
		return NULL;
	dist_publish(mine, name, me->data, 70000);
	described = dist_info(mine, name, 1, 0, 0, &size);
	content = dist_open(mine, (BYTE)me->number, described, size);
	me->good = PeerDistGetStatus(mine, &status) == ERROR_SUCCESS &&
		   PeerDistGetStatusEx(mine, &info) == ERROR_SUCCESS && info.status == status &&
		   PeerDistRegisterForStatusChangeNotification(mine, NULL, 0, &o, &status) == ERROR_IO_PENDING &&
		   dist_end(ERROR_IO_PENDING, &o, NULL) == ERROR_SUCCESS &&
		   PeerDistRegisterForStatusChangeNotificationEx(mine, NULL, 0, &o, &info) == ERROR_IO_PENDING &&
		   PeerDistUnregisterForStatusChangeNotification(mine) == ERROR_SUCCESS &&
		   dist_end(ERROR_IO_PENDING, &o, NULL) == ERROR_OPERATION_ABORTED &&
		   PeerDistServerOpenContentInformation(mine, (DWORD)strlen(name), (PBYTE)name, 0, 0, NULL, 0,
							&opened) == ERROR_SUCCESS &&
		   PeerDistServerCancelAsyncOperation(mine, (DWORD)strlen(name), (PBYTE)name, &o) ==
			   PEERDIST_ERROR_OPERATION_NOTFOUND &&
		   PeerDistClientGetInformationByHandle(mine, content, PeerDistClientBasicInfo, sizeof(basic),
							&basic) == ERROR_SUCCESS &&
		   dist_end(PeerDistClientStreamRead(mine, content, 100, buffer, 0, &p), &p, NULL) ==
			   PEERDIST_ERROR_MISSING_DATA &&
		   PeerDistClientCancelAsyncOperation(mine, content, NULL) == ERROR_SUCCESS;
	p = (OVERLAPPED){0};
	me->good = me->good &&
		   dist_end(PeerDistClientFlushContent(mine, &tag, NULL, 0, &p), &p, NULL) == ERROR_SUCCESS &&
		   PeerDistShutdown(mine) == ERROR_SUCCESS;
	free(described);
	return NULL;
}

static void instances_of_many_threads(void **state)
{
	struct worker workers[6];
	BYTE *data = dist_bytes(SIZE);

	PONTO_COVERS_THREADS("PeerDistStartup", "PeerDistShutdown", "PeerDistGetStatus", "PeerDistGetStatusEx");
	PONTO_COVERS_THREADS("PeerDistRegisterForStatusChangeNotification",
			     "PeerDistRegisterForStatusChangeNotificationEx",
			     "PeerDistUnregisterForStatusChangeNotification");
	PONTO_COVERS_THREADS("PeerDistServerOpenContentInformation", "PeerDistServerCancelAsyncOperation",
			     "PeerDistClientGetInformationByHandle", "PeerDistClientStreamRead");
	PONTO_COVERS_THREADS("PeerDistClientCancelAsyncOperation", "PeerDistClientFlushContent");
	for (unsigned i = 0; i < 6; i++) {
		workers[i] = (struct worker){.w = *state, .number = i, .data = data};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work_apart, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].good, 1);
	}
	free(data);
}

/* Handles are closed while others use them: each function works, or says that the handle is none. */
static void *use_until_closed(void *arg)
{
	struct worker *me = arg;
	BYTE buffer[100];
	DWORD error = ERROR_SUCCESS;

	while (error != ERROR_INVALID_HANDLE) {
		OVERLAPPED o = {0};

		error = PeerDistClientBlockRead(me->w->instance, (HANDLE)(uintptr_t)me->data, 100, buffer, 0, &o);
		if (error == ERROR_IO_PENDING)
			error = dist_end(error, &o, NULL);
		if (error == PEERDIST_ERROR_MISSING_DATA || error == ERROR_OPERATION_ABORTED)
			me->good++;
	}
	return NULL;
}

static void closed_while_others_use_it(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info;
	struct worker workers[4];
	size_t size;

	PONTO_COVERS_THREADS("PeerDistClientCloseContent", "PeerDistShutdown");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	for (unsigned n = 0; n < 5; n++) {
		PEERDIST_CONTENT_HANDLE content = dist_open(w->instance, 1, info, size);

		for (unsigned i = 0; i < 4; i++) {
			workers[i] = (struct worker){.w = w, .data = (const BYTE *)(uintptr_t)content};
			assert_int_equal(pthread_create(&workers[i].thread, NULL, use_until_closed, &workers[i]), 0);
		}
		usleep(5000);
		if (n < 4)
			assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
		else
			assert_int_equal(PeerDistShutdown(w->instance), ERROR_SUCCESS);
		for (unsigned i = 0; i < 4; i++)
			pthread_join(workers[i].thread, NULL);
	}
	w->instance = NULL;
	free(info);
	free(data);
}

/* Who sees an operation's end may begin the next one with the same OVERLAPPED at once: its event is not set by the end
 * of the one before. */
static void begun_anew_at_once(void **state)
{
	struct dist_world *w = *state;
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0),
	       event = CreateEventW(NULL, TRUE, FALSE, NULL);
	OVERLAPPED o = {.hEvent = event}, *got;
	ULONG_PTR key;
	DWORD bytes;

	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(PeerDistClientFlushContent(w->instance, &tag, port, 0, &o), ERROR_IO_PENDING);
		assert_true(WaitForSingleObject(event, 0) == WAIT_TIMEOUT || HasOverlappedIoCompleted(&o));
		while (!HasOverlappedIoCompleted(&o))
			;
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	CloseHandle(port);
	CloseHandle(event);
}

#if !defined(__SANITIZE_THREAD__) /* which cannot follow a fork of a process with threads */
static void a_child_of_fork_starts_from_nothing(void **state)
{
	struct dist_world *w = *state;
	PEERDIST_CONTENT_HANDLE content;
	int status;
	pid_t pid;

	PONTO_COVERS("PeerDistStartup");
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, NULL, 0, &content), ERROR_SUCCESS);
	pid = fork();
	if (pid == 0) {
		PEERDIST_INSTANCE_HANDLE mine;
		PEERDIST_CONTENT_HANDLE other;
		OVERLAPPED o = {0};
		PEERDIST_STATUS is;
		BYTE byte = 1;
		int good = PeerDistClientAddContentInformation(w->instance, content, 1, &byte, &o) ==
			   PEERDIST_ERROR_INVALIDATED;

		good += PeerDistGetStatus(w->instance, &is) == ERROR_INVALID_HANDLE;
		good += PeerDistClientFlushContent(w->instance, &tag, NULL, 0, &o) == ERROR_INVALID_HANDLE;
		good += PeerDistStartup(2, &mine, NULL) == ERROR_SUCCESS;
		good += PeerDistShutdown(w->instance) == ERROR_INVALID_HANDLE;
		good += PeerDistClientOpenContent(mine, &tag, NULL, 0, &other) == ERROR_SUCCESS;
		good += PeerDistShutdown(mine) == ERROR_SUCCESS;
		_exit(good == 7 ? 0 : 1 + good);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* and its parent goes on */
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
	dist_publish(w->instance, "x", "bytes", 5);
}

#endif

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(events_and_ports, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(many_at_once, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(of_the_cache_alone, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(clients_cancel, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(servers_cancel, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(closed_with_operations_under_way, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(instances_are_apart, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(a_daemon_that_is_another, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(services_that_are_not_there, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(from_many_threads, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(instances_of_many_threads, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(closed_while_others_use_it, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(begun_anew_at_once, dist_setup, dist_teardown),
#if !defined(__SANITIZE_THREAD__)
	cmocka_unit_test_setup_teardown(a_child_of_fork_starts_from_nothing, dist_setup, dist_teardown),
#endif
};

API_TEST_MAIN(tests)
