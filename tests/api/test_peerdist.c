/* The functions of peerdist.h before a daemon: what they do, and what they refuse. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/api/peerdist_test.h"

#define SIZE (5 * 65536 + 321)
#define NAME(text) (DWORD)(sizeof(text) - 1), (PBYTE)(uintptr_t)(text)
#define NO_HANDLE ((HANDLE)(ULONG_PTR)0x1234)

static const PEERDIST_CONTENT_TAG tag = {{1, 2, 3}};

/* ---- instances, status --------------------------------------------------------------------------- */

static void instances(void **state)
{
	PEERDIST_INSTANCE_HANDLE a, b;
	PEERDIST_STATUS status;
	DWORD supported = 0;

	(void)state;
	PONTO_COVERS("PeerDistStartup", "PeerDistShutdown");
	PONTO_COVERS_ERRORS("PeerDistStartup", "PeerDistShutdown");
	assert_int_equal(PEERDIST_VERSION, 1); /* of Windows 7, whose programs these are unless they say else */
	assert_int_equal(PeerDistStartup(PEERDIST_VERSION, &a, &supported), ERROR_SUCCESS);
	assert_int_equal(supported, 2);
	assert_int_equal(PeerDistStartup(2, &b, NULL), ERROR_SUCCESS);
	assert_int_equal(PeerDistStartup(2, NULL, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistStartup(0, &b, NULL), ERROR_INVALID_PARAMETER);
	supported = 0;
	assert_int_equal(PeerDistStartup(3, &b, &supported), PEERDIST_ERROR_VERSION_UNSUPPORTED);
	assert_int_equal(supported, 2);
	assert_int_equal(PeerDistStartup(MAKEWORD(2, 1), &b, NULL), PEERDIST_ERROR_VERSION_UNSUPPORTED);
	assert_int_equal(PeerDistStartup(0x10001, &b, NULL), PEERDIST_ERROR_VERSION_UNSUPPORTED);
	assert_false(CloseHandle(a));
	assert_int_equal(PeerDistGetStatus(a, &status), ERROR_SUCCESS);
	assert_int_equal(PeerDistShutdown(a), ERROR_SUCCESS);
	assert_int_equal(PeerDistShutdown(a), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistGetStatus(a, &status), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistShutdown(NULL), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistShutdown(b), ERROR_SUCCESS);
}

static void the_status(void **state)
{
	struct dist_world *w = *state;
	PEERDIST_STATUS_INFO info = {.cbSize = sizeof(info)};
	PEERDIST_STATUS status = PEERDIST_STATUS_DISABLED;

	PONTO_COVERS("PeerDistGetStatus", "PeerDistGetStatusEx");
	PONTO_COVERS_ERRORS("PeerDistGetStatus", "PeerDistGetStatusEx");
	assert_int_equal(PeerDistGetStatus(w->instance, &status), ERROR_SUCCESS);
	assert_int_equal(status, PEERDIST_STATUS_AVAILABLE);
	assert_int_equal(PeerDistGetStatusEx(w->instance, &info), ERROR_SUCCESS);
	assert_int_equal(info.status, PEERDIST_STATUS_AVAILABLE);
	assert_int_equal(info.dwMinVer, PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_1);
	assert_int_equal(info.dwMaxVer, PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_2);
	assert_int_equal(PeerDistGetStatus(w->instance, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistGetStatus(NO_HANDLE, &status), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistGetStatusEx(w->instance, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistGetStatusEx(NO_HANDLE, &info), ERROR_INVALID_HANDLE);
	info.cbSize--;
	assert_int_equal(PeerDistGetStatusEx(w->instance, &info), ERROR_INVALID_PARAMETER);
	api_daemon_stop(&w->daemon);
	assert_int_equal(PeerDistGetStatus(w->instance, &status), ERROR_SUCCESS);
	assert_int_equal(status, PEERDIST_STATUS_UNAVAILABLE);
	w->daemon.services = NULL; /* one without distribution */
	w->daemon.groups = NULL;
	api_daemon_start(&w->daemon);
	dist_await(w->instance, PEERDIST_STATUS_DISABLED);
	api_daemon_stop(&w->daemon);
	w->daemon.services = "d = { plugin = \"service-dist\"; retrieval = \"\"; programs = false; };";
	w->daemon.groups = HTTP;
	api_daemon_start(&w->daemon);
	dist_await(w->instance, PEERDIST_STATUS_DISABLED);
}

static DWORD watch(struct dist_world *w, OVERLAPPED *o, PEERDIST_STATUS *status)
{
	ResetEvent(o->hEvent);
	return PeerDistRegisterForStatusChangeNotification(w->instance, NULL, 0, o, status);
}

static void changes_of_the_status(void **state)
{
	struct dist_world *w = *state;
	OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)}, other = {0};
	PEERDIST_STATUS_INFO info = {.cbSize = sizeof(info)};
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	OVERLAPPED *got;
	PEERDIST_STATUS status;
	ULONG_PTR key;
	DWORD bytes;

	PONTO_COVERS("PeerDistRegisterForStatusChangeNotification", "PeerDistRegisterForStatusChangeNotificationEx",
		     "PeerDistUnregisterForStatusChangeNotification");
	PONTO_COVERS_ERRORS("PeerDistRegisterForStatusChangeNotification",
			    "PeerDistRegisterForStatusChangeNotificationEx",
			    "PeerDistUnregisterForStatusChangeNotification");
	/* the first one comes when the service is not disabled */
	assert_int_equal(dist_end(watch(w, &o, &status), &o, NULL), ERROR_SUCCESS);
	assert_int_equal(status, PEERDIST_STATUS_AVAILABLE);
	assert_int_equal(WaitForSingleObject(o.hEvent, 60000), WAIT_OBJECT_0);
	/* the others when it is another than was told last */
	assert_int_equal(watch(w, &o, &status), ERROR_IO_PENDING);
	assert_int_equal(watch(w, &other, &status), ERROR_INVALID_PARAMETER); /* one for an instance */
	assert_false(PeerDistGetOverlappedResult(&o, &bytes, FALSE));
	assert_int_equal(GetLastError(), ERROR_IO_INCOMPLETE);
	api_daemon_stop(&w->daemon);
	assert_int_equal(dist_end(ERROR_IO_PENDING, &o, NULL), ERROR_SUCCESS);
	assert_int_equal(WaitForSingleObject(o.hEvent, 60000), WAIT_OBJECT_0);
	/* by a port, and the extended one */
	o.hEvent = NULL;
	assert_int_equal(PeerDistRegisterForStatusChangeNotificationEx(w->instance, port, 77, &o, &info),
			 ERROR_IO_PENDING);
	assert_int_equal(info.status, PEERDIST_STATUS_UNAVAILABLE);
	api_daemon_start(&w->daemon);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	assert_true(got == &o && key == 77);
	/* ended early */
	dist_await(w->instance, PEERDIST_STATUS_AVAILABLE);
	assert_int_equal(PeerDistRegisterForStatusChangeNotificationEx(w->instance, port, 78, &o, &info),
			 ERROR_IO_PENDING);
	SetLastError(0);
	assert_int_equal(PeerDistUnregisterForStatusChangeNotification(w->instance), ERROR_SUCCESS);
	assert_int_equal(GetLastError(), ERROR_OPERATION_ABORTED);
	assert_false(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	assert_int_equal(GetLastError(), ERROR_OPERATION_ABORTED);
	assert_true(got == &o && key == 78);
	assert_int_equal(PeerDistUnregisterForStatusChangeNotification(w->instance),
			 ERROR_SUCCESS); /* nothing to end */
	assert_int_equal(PeerDistUnregisterForStatusChangeNotification(NO_HANDLE), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistRegisterForStatusChangeNotification(w->instance, NULL, 0, NULL, &status),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistRegisterForStatusChangeNotification(w->instance, NULL, 0, &o, NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistRegisterForStatusChangeNotification(w->instance, NO_HANDLE, 0, &o, &status),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistRegisterForStatusChangeNotification(NO_HANDLE, NULL, 0, &o, &status),
			 ERROR_INVALID_HANDLE);
	info.cbSize = 0;
	assert_int_equal(PeerDistRegisterForStatusChangeNotificationEx(w->instance, NULL, 0, &o, &info),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistRegisterForStatusChangeNotificationEx(w->instance, NULL, 0, &o, NULL),
			 ERROR_INVALID_PARAMETER);
	/* with the instance */
	assert_int_equal(watch(w, &other, &status), ERROR_IO_PENDING);
	assert_int_equal(PeerDistShutdown(w->instance), ERROR_SUCCESS);
	w->instance = NULL;
	assert_int_equal(dist_end(ERROR_IO_PENDING, &other, NULL), ERROR_OPERATION_ABORTED);
	CloseHandle(port);
}

/* ---- content servers --------------------------------------------------------------------------------- */

static void streams(void **state)
{
	struct dist_world *w = *state;
	const PEERDIST_PUBLICATION_OPTIONS one = {1, 0}, bad_version = {3, 0}, bad_flags = {1, 1};
	PEERDIST_STREAM_HANDLE stream;
	OVERLAPPED o = {0}, placed = {.Offset = 1};
	BYTE *data = dist_bytes(SIZE);

	PONTO_COVERS("PeerDistServerPublishStream", "PeerDistServerPublishAddToStream",
		     "PeerDistServerPublishCompleteStream", "PeerDistServerCloseStreamHandle",
		     "PeerDistServerUnpublish");
	PONTO_COVERS_ERRORS("PeerDistServerPublishStream", "PeerDistServerPublishAddToStream",
			    "PeerDistServerPublishCompleteStream", "PeerDistServerCloseStreamHandle",
			    "PeerDistServerUnpublish");
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("x"), SIZE, &one, NULL, 0, &stream),
			 ERROR_SUCCESS);
	assert_int_equal(dist_complete_stream(w->instance, stream), ERROR_INVALID_PARAMETER); /* less than announced */
	assert_int_equal(dist_add_to_stream(w->instance, stream, data, 300000), ERROR_SUCCESS);
	assert_int_equal(dist_add_to_stream(w->instance, stream, data, 300000), PEERDIST_ERROR_OUT_OF_BOUNDS);
	assert_int_equal(dist_add_to_stream(w->instance, stream, data + 300000, SIZE - 300000), ERROR_SUCCESS);
	assert_int_equal(dist_complete_stream(w->instance, stream), ERROR_SUCCESS);
	assert_int_equal(dist_complete_stream(w->instance, stream), PEERDIST_ERROR_ALREADY_COMPLETED);
	assert_int_equal(dist_add_to_stream(w->instance, stream, data, 1), PEERDIST_ERROR_ALREADY_COMPLETED);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("x"), 0, NULL, NULL, 0, &stream),
			 PEERDIST_ERROR_ALREADY_EXISTS);
	/* what functions refuse */
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 0, data, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 1, NULL, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 1, data, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, stream, 1, data, &placed),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishAddToStream(w->instance, NO_HANDLE, 1, data, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerPublishAddToStream(NO_HANDLE, stream, 1, data, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, &placed), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, w->instance, &o), ERROR_INVALID_HANDLE);
	o.hEvent = w->instance; /* no event */
	assert_int_equal(PeerDistServerPublishCompleteStream(w->instance, stream, &o), ERROR_INVALID_PARAMETER);
	assert_false(CloseHandle(stream));
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerCloseStreamHandle(NULL, stream), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerPublishStream(w->instance, 0, data, 0, NULL, NULL, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, 1, NULL, 0, NULL, NULL, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, 5000, data, 0, NULL, NULL, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, NULL, NULL, 0, NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, &bad_version, NULL, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, &bad_flags, NULL, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("y"), 0, NULL, NO_HANDLE, 0, &stream),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerPublishStream(NO_HANDLE, NAME("y"), 0, NULL, NULL, 0, &stream),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("x")), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("x")), ERROR_NOT_FOUND);
	assert_int_equal(PeerDistServerUnpublish(w->instance, 0, data), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerUnpublish(w->instance, 1, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerUnpublish(NO_HANDLE, NAME("x")), ERROR_INVALID_HANDLE);
	/* withdrawn meanwhile: the handle is worth nothing */
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("x"), 0, NULL, NULL, 0, &stream), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("x")), ERROR_SUCCESS);
	assert_int_equal(dist_add_to_stream(w->instance, stream, data, 1), PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
	free(data);
}

static void open_in_ranges(struct dist_world *w, BYTE *data)
{
	PEERDIST_CONTENTINFO_HANDLE other;

	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), SIZE - 1, 1, NULL, 0, &other),
			 ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, other), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), SIZE - 1, 2, NULL, 0, &other),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("y"), 0, 0, NULL, 0, &other),
			 ERROR_NOT_FOUND);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, 0, data, 0, 0, NULL, 0, &other),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, 1, NULL, 0, 0, NULL, 0, &other),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NO_HANDLE, 0, &other),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerOpenContentInformation(NO_HANDLE, NAME("x"), 0, 0, NULL, 0, &other),
			 ERROR_INVALID_HANDLE);
}

static void open_with_options(struct dist_world *w, const BYTE *data)
{
	PEERDIST_RETRIEVAL_OPTIONS options = {sizeof(options), 2, 2, 0}, bad;
	const PEERDIST_PUBLICATION_OPTIONS one = {1, 0};
	PEERDIST_CONTENTINFO_HANDLE other;
	PEERDIST_STREAM_HANDLE stream;

	for (unsigned i = 0; i < 6; i++) {
		bad = options;
		if (i == 0)
			bad.cbSize--;
		else if (i == 1)
			bad.dwReserved = 1;
		else if (i == 2)
			bad.dwContentInfoMinVersion = 0;
		else if (i == 3)
			bad.dwContentInfoMaxVersion = 3;
		else if (i == 4)
			bad.dwContentInfoMaxVersion = 1;
		assert_int_equal(PeerDistServerOpenContentInformationEx(w->instance, NAME("x"), 0, 0,
									i == 5 ? NULL : &bad, NULL, 0, &other),
				 ERROR_INVALID_PARAMETER);
	}
	assert_int_equal(
		PeerDistServerOpenContentInformationEx(w->instance, NAME("y"), 0, 0, &options, NULL, 0, &other),
		ERROR_NOT_FOUND);
	assert_int_equal(PeerDistServerOpenContentInformationEx(NO_HANDLE, NAME("x"), 0, 0, &options, NULL, 0, &other),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerPublishStream(w->instance, NAME("z"), 0, &one, NULL, 0, &stream), ERROR_SUCCESS);
	assert_int_equal(dist_add_to_stream(w->instance, stream, data, SIZE), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("z"), 0, 0, NULL, 0, &other),
			 ERROR_NOT_FOUND); /* yet */
	assert_int_equal(dist_complete_stream(w->instance, stream), ERROR_SUCCESS);
	assert_int_equal(
		PeerDistServerOpenContentInformationEx(w->instance, NAME("z"), 0, 0, &options, NULL, 0, &other),
		PEERDIST_ERROR_CONTENTINFO_VERSION_UNSUPPORTED);
	assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
}

static void descriptions(void **state)
{
	struct dist_world *w = *state;
	PEERDIST_CONTENTINFO_HANDLE info;
	BYTE *data = dist_bytes(SIZE), *v1, *v2, buffer[64];
	size_t v1_size, v2_size;
	OVERLAPPED o = {0};
	DWORD bytes;

	PONTO_COVERS("PeerDistServerOpenContentInformation", "PeerDistServerOpenContentInformationEx",
		     "PeerDistServerRetrieveContentInformation", "PeerDistServerCloseContentInformation");
	PONTO_COVERS_ERRORS("PeerDistServerOpenContentInformation", "PeerDistServerOpenContentInformationEx",
			    "PeerDistServerRetrieveContentInformation", "PeerDistServerCloseContentInformation");
	dist_publish(w->instance, "x", data, SIZE);
	v1 = dist_info(w->instance, "x", 1, 0, 0, &v1_size);
	v2 = dist_info(w->instance, "x", 2, 0, 0, &v2_size);
	assert_int_equal(v1_size, 18 + 16 + 2 * 32 + 4 + 6 * 32);
	assert_true(v1[0] == 0 && v1[1] == 1);
	assert_true(v2[0] == 0 && v2[1] == 2);
	/* that of Windows 7 is the first version, bytes as they were */
	assert_int_equal(PeerDistServerOpenContentInformation(w->instance, NAME("x"), 0, 0, NULL, 0, &info),
			 ERROR_SUCCESS);
	o.Offset = 999; /* has no meaning */
	assert_int_equal(
		dist_end(PeerDistServerRetrieveContentInformation(w->instance, info, 64, buffer, &o), &o, &bytes),
		ERROR_SUCCESS);
	assert_true(bytes == 64 && o.Offset == 0 && o.OffsetHigh == 0);
	assert_memory_equal(buffer, v1, 64);
	assert_int_equal(
		dist_end(PeerDistServerRetrieveContentInformation(w->instance, info, 64, buffer, &o), &o, &bytes),
		ERROR_SUCCESS);
	assert_true(bytes == 64 && o.Offset == 64);
	assert_memory_equal(buffer, v1 + 64, 64);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, info, 0, buffer, &o),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, info, 64, NULL, &o),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, info, 64, buffer, NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistServerRetrieveContentInformation(w->instance, NO_HANDLE, 64, buffer, &o),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerRetrieveContentInformation(NO_HANDLE, info, 64, buffer, &o),
			 ERROR_INVALID_HANDLE);
	open_in_ranges(w, data);
	open_with_options(w, data);
	/* withdrawn while it is read */
	assert_int_equal(PeerDistServerUnpublish(w->instance, NAME("x")), ERROR_SUCCESS);
	assert_int_equal(
		dist_end(PeerDistServerRetrieveContentInformation(w->instance, info, 64, buffer, &o), &o, NULL),
		PEERDIST_ERROR_INVALIDATED);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, info), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, info), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistServerCloseContentInformation(w->instance, w->instance), ERROR_INVALID_HANDLE);
	free(v1);
	free(v2);
	free(data);
}

/* ---- clients ---------------------------------------------------------------------------------------------- */

static void describing(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info;
	PEERDIST_CONTENT_HANDLE content;
	ULONGLONG offset = 0;
	OVERLAPPED o = {0}, placed = {.OffsetHigh = 1};
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistClientOpenContent", "PeerDistClientAddContentInformation",
		     "PeerDistClientCompleteContentInformation", "PeerDistClientCloseContent");
	PONTO_COVERS_ERRORS("PeerDistClientOpenContent", "PeerDistClientAddContentInformation",
			    "PeerDistClientCompleteContentInformation", "PeerDistClientCloseContent");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	assert_int_equal(PeerDistClientOpenContent(w->instance, NULL, NULL, 0, &content), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, NULL, 0, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, w->instance, 0, &content),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientOpenContent(NO_HANDLE, &tag, NULL, 0, &content), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, NULL, 0, &content), ERROR_SUCCESS);
	/* before it is described */
	assert_int_equal(dist_read(w->instance, content, &offset, data, 10, 0, &bytes), PEERDIST_ERROR_NOT_INITIALIZED);
	assert_int_equal(dist_add_data(w->instance, content, 0, data, 10), PEERDIST_ERROR_NOT_INITIALIZED);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(w->instance, content, &o), &o, NULL),
			 PEERDIST_ERROR_CANNOT_PARSE_CONTENTINFO);
	assert_int_equal(dist_end(PeerDistClientAddContentInformation(w->instance, content, 100, info, &o), &o, &bytes),
			 ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(w->instance, content, &o), &o, NULL),
			 PEERDIST_ERROR_CANNOT_PARSE_CONTENTINFO);
	assert_int_equal(
		dist_end(PeerDistClientAddContentInformation(w->instance, content, (DWORD)size - 100, info + 100, &o),
			 &o, &bytes),
		ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(w->instance, content, &o), &o, NULL),
			 ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(w->instance, content, &o), &o, NULL),
			 PEERDIST_ERROR_ALREADY_COMPLETED);
	assert_int_equal(dist_end(PeerDistClientAddContentInformation(w->instance, content, 1, info, &o), &o, NULL),
			 PEERDIST_ERROR_ALREADY_COMPLETED);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, 0, info, &o),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, 1, NULL, &o),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, 1, info, NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, content, 1, info, &placed),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddContentInformation(w->instance, NO_HANDLE, 1, info, &o),
			 ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientCompleteContentInformation(w->instance, content, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientCompleteContentInformation(NO_HANDLE, content, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientCloseContent(NO_HANDLE, content), ERROR_INVALID_HANDLE);
	/* of a version that is none */
	assert_int_equal(PeerDistClientOpenContent(w->instance, &tag, NULL, 0, &content), ERROR_SUCCESS);
	info[1] = 7;
	assert_int_equal(
		dist_end(PeerDistClientAddContentInformation(w->instance, content, (DWORD)size, info, &o), &o, NULL),
		ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(w->instance, content, &o), &o, NULL),
			 PEERDIST_ERROR_CONTENTINFO_VERSION_UNSUPPORTED);
	free(info);
	free(data);
}

static void blocks(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), buffer[70000], *info;
	PEERDIST_CONTENT_HANDLE content;
	ULONGLONG offset = 1000;
	OVERLAPPED o = {0};
	size_t size;
	DWORD bytes;

	PONTO_PROVES("DIST-002"); /* Content Information goes from one to the other as bytes, without HTTP */
	PONTO_COVERS("PeerDistClientBlockRead", "PeerDistClientAddData", "PeerDistGetOverlappedResult");
	PONTO_COVERS_ERRORS("PeerDistClientBlockRead", "PeerDistClientAddData", "PeerDistGetOverlappedResult");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 2, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	/* nothing is here, and nobody else has it */
	assert_int_equal(
		dist_read(w->instance, content, &offset, buffer, 70000, PEERDIST_READ_TIMEOUT_LOCAL_CACHE_ONLY, &bytes),
		PEERDIST_ERROR_MISSING_DATA);
	assert_true(offset == 1000 && bytes == SIZE - 1000);
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 70000, PEERDIST_READ_TIMEOUT_DEFAULT, &bytes),
			 PEERDIST_ERROR_MISSING_DATA);
	assert_true(offset == 1000 && bytes > 0);
	assert_int_equal(dist_read(w->instance, content, &offset, NULL, 0, 0, &bytes), ERROR_SUCCESS);
	assert_int_equal(bytes, 0);
	/* the program brings it */
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_SUCCESS);
	assert_int_equal(dist_read(w->instance, content, &offset, NULL, 0, 0, &bytes), ERROR_SUCCESS);
	assert_int_equal(bytes, SIZE - 1000);
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 70000, INFINITE, &bytes), ERROR_SUCCESS);
	assert_int_equal(bytes, 70000);
	assert_memory_equal(buffer, data + 1000, 70000);
	offset = SIZE - 5;
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 70000, 0, &bytes), ERROR_SUCCESS);
	assert_true(bytes == 5 && offset == SIZE - 5);
	offset = SIZE;
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 1, 0, &bytes), PEERDIST_ERROR_NO_MORE);
	offset = (ULONGLONG)5 << 32;
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 1, 0, &bytes), PEERDIST_ERROR_NO_MORE);
	/* what is not right, or not there */
	assert_int_equal(dist_add_data(w->instance, content, SIZE, data, 1), PEERDIST_ERROR_OUT_OF_BOUNDS);
	assert_int_equal(PeerDistClientAddData(w->instance, content, 0, data, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddData(w->instance, content, 1, NULL, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddData(w->instance, content, 1, data, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientAddData(w->instance, NO_HANDLE, 1, data, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1, NULL, 0, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientBlockRead(w->instance, content, 1, data, 0, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientBlockRead(w->instance, NO_HANDLE, 1, data, 0, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientBlockRead(NO_HANDLE, content, 1, data, 0, &o), ERROR_INVALID_HANDLE);
	assert_false(PeerDistGetOverlappedResult(NULL, &bytes, TRUE));
	assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
	assert_false(PeerDistGetOverlappedResult(&o, NULL, TRUE));
	assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
	free(info);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 2, info, size);
	data[70000] ^= 1;
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_INVALID_DATA);
	data[70000] ^= 1;
	offset = 65536;
	assert_int_equal(dist_read(w->instance, content, &offset, buffer, 1, 0, &bytes), PEERDIST_ERROR_MISSING_DATA);
	assert_int_equal(bytes, 65536);
	free(info);
	free(data);
}

/* A part of a content is described: data of all of it may be brought, as the page of PeerDistClientStreamRead has it. */
static void data_beyond_the_range(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), byte, *info;
	PEERDIST_CONTENT_HANDLE content;
	ULONGLONG offset = SIZE - 1;
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistClientAddData");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 2, 0, 1000, &size);
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_add_data(w->instance, content, SIZE - 10, data + SIZE - 10, 10), ERROR_SUCCESS);
	assert_int_equal(dist_read(w->instance, content, &offset, &byte, 1, 0, &bytes), PEERDIST_ERROR_NO_MORE);
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_SUCCESS);
	offset = 0;
	assert_int_equal(dist_read(w->instance, content, &offset, &byte, 1, 0, &bytes), ERROR_SUCCESS);
	assert_int_equal(byte, data[0]);
	free(info);
	free(data);
}

static void a_stream_is_read_in_order(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *got = malloc(SIZE + 8), *info;
	PEERDIST_CONTENT_HANDLE content;
	OVERLAPPED o[8] = {{0}};
	ULONGLONG at = 70000;
	size_t size;
	DWORD bytes, error, missing = 0;

	PONTO_COVERS("PeerDistClientStreamRead");
	PONTO_COVERS_ERRORS("PeerDistClientStreamRead");
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 70000, 200000, &size); /* a range: it is all that is read */
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_end(PeerDistClientStreamRead(w->instance, content, 0, NULL, 0, o), o, &bytes),
			 ERROR_SUCCESS);
	assert_int_equal(bytes, 0);
	assert_int_equal(dist_add_data(w->instance, content, 65536, data + 65536, 65536), ERROR_SUCCESS);
	/* a question moves nothing */
	assert_int_equal(dist_end(PeerDistClientStreamRead(w->instance, content, 0, NULL, 0, o), o, &bytes),
			 ERROR_SUCCESS);
	assert_int_equal(bytes, 131072 - 70000);
	for (;;) {
		error = dist_end(PeerDistClientStreamRead(w->instance, content, 50000, got, 0, o), o, &bytes);
		if (error == PEERDIST_ERROR_NO_MORE)
			break;
		assert_int_equal((ULONGLONG)o->OffsetHigh << 32 | o->Offset, at);
		if (error == PEERDIST_ERROR_MISSING_DATA)
			missing += bytes; /* is passed over */
		else
			assert_memory_equal(got, data + at, bytes);
		at += bytes;
	}
	assert_int_equal(at, 270000);
	assert_int_equal(missing, 270000 - 131072);
	assert_int_equal(PeerDistClientCloseContent(w->instance, content), ERROR_SUCCESS);
	/* several reads at once: the buffers are filled in their order */
	free(info);
	info = dist_info(w->instance, "x", 2, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_SUCCESS);
	at = 0;
	memset(o, 0, sizeof(o));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(PeerDistClientStreamRead(w->instance, content, 20000 + i, got + i * 30000, 0, &o[i]),
				 ERROR_IO_PENDING);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(dist_end(ERROR_IO_PENDING, &o[i], &bytes), ERROR_SUCCESS);
		assert_int_equal(o[i].Offset, at);
		assert_int_equal(bytes, 20000 + i);
		assert_memory_equal(got + i * 30000, data + at, bytes);
		at += bytes;
	}
	assert_int_equal(PeerDistClientStreamRead(w->instance, content, 1, NULL, 0, o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientStreamRead(w->instance, content, 1, got, 0, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientStreamRead(w->instance, NO_HANDLE, 1, got, 0, o), ERROR_INVALID_HANDLE);
	free(info);
	free(data);
	free(got);
}

static void tags_and_facts(void **state)
{
	struct dist_world *w = *state;
	BYTE *data = dist_bytes(SIZE), *info, byte;
	PEERDIST_CLIENT_BASIC_INFO basic = {TRUE};
	PEERDIST_CONTENT_HANDLE content;
	PEERDIST_CONTENT_TAG ones, twos;
	OVERLAPPED o = {0}, placed = {.Offset = 1}, *got;
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	ULONGLONG offset = 0;
	ULONG_PTR key;
	size_t size;
	DWORD bytes;

	PONTO_COVERS("PeerDistClientFlushContent", "PeerDistClientGetInformationByHandle");
	PONTO_COVERS_ERRORS("PeerDistClientFlushContent", "PeerDistClientGetInformationByHandle");
	memset(&ones, 1, sizeof(ones));
	memset(&twos, 2, sizeof(twos));
	dist_publish(w->instance, "x", data, SIZE);
	info = dist_info(w->instance, "x", 1, 0, 0, &size);
	content = dist_open(w->instance, 1, info, size);
	assert_int_equal(dist_add_data(w->instance, content, 0, data, SIZE), ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientFlushContent(w->instance, &twos, NULL, 0, &o), &o, NULL),
			 ERROR_SUCCESS);
	assert_int_equal(dist_read(w->instance, content, &offset, &byte, 1, 0, &bytes), ERROR_SUCCESS);
	assert_int_equal(PeerDistClientFlushContent(w->instance, &ones, port, 5, &o), ERROR_IO_PENDING);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 60000));
	assert_true(got == &o && key == 5);
	assert_int_equal(dist_read(w->instance, content, &offset, &byte, 1, 0, &bytes), PEERDIST_ERROR_MISSING_DATA);
	assert_int_equal(PeerDistClientFlushContent(w->instance, NULL, NULL, 0, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientFlushContent(w->instance, &ones, NULL, 0, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientFlushContent(w->instance, &ones, NULL, 0, &placed), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientFlushContent(w->instance, &ones, content, 0, &o), ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientFlushContent(content, &ones, NULL, 0, &o), ERROR_INVALID_HANDLE);
	assert_int_equal(PeerDistClientGetInformationByHandle(w->instance, content, PeerDistClientBasicInfo,
							      sizeof(basic), &basic),
			 ERROR_SUCCESS);
	assert_false(basic.fFlashCrowd);
	assert_int_equal(PeerDistClientGetInformationByHandle(w->instance, content, PeerDistClientBasicInfo,
							      sizeof(basic) - 1, &basic),
			 ERROR_INSUFFICIENT_BUFFER);
	assert_int_equal(PeerDistClientGetInformationByHandle(w->instance, content, PeerDistClientBasicInfo,
							      sizeof(basic), NULL),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientGetInformationByHandle(
				 w->instance, content, MaximumPeerDistClientInfoByHandlesClass, sizeof(basic), &basic),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(PeerDistClientGetInformationByHandle(w->instance, NO_HANDLE, PeerDistClientBasicInfo,
							      sizeof(basic), &basic),
			 ERROR_INVALID_HANDLE);
	free(info);
	free(data);
	CloseHandle(port);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(instances, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(the_status, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(changes_of_the_status, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(streams, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(descriptions, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(describing, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(blocks, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(data_beyond_the_range, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(a_stream_is_read_in_order, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(tags_and_facts, dist_setup, dist_teardown),
};

API_TEST_MAIN(tests)
