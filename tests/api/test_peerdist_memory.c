/* Every allocation of the functions of peerdist.h is refused once, as test_memory does it with the others. */
#include "tests/api/peerdist_test.h"
#include "tests/api/refusing.h"

#define CONTENT_SIZE 200000

static HANDLE event;
static PEERDIST_INSTANCE_HANDLE dist_instance;
static PEERDIST_CONTENT_HANDLE dist_content;
static BYTE dist_data[CONTENT_SIZE];
static const PEERDIST_CONTENT_TAG dist_tag = {{9}};

static HRESULT run_dist_startup(void)
{
	PEERDIST_INSTANCE_HANDLE made;
	HRESULT result = (HRESULT)PeerDistStartup(1, &made, NULL);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerDistShutdown(made), ERROR_SUCCESS);
	return result;
}

static HRESULT run_dist_status(void)
{
	PEERDIST_STATUS status;

	return (HRESULT)PeerDistGetStatus(dist_instance, &status);
}

static HRESULT run_dist_watch(void)
{
	OVERLAPPED o = {0};
	PEERDIST_STATUS status;
	HRESULT result = (HRESULT)PeerDistRegisterForStatusChangeNotification(dist_instance, NULL, 0, &o, &status);

	end_refusing();
	if (result != ERROR_IO_PENDING)
		return result;
	(void)PeerDistUnregisterForStatusChangeNotification(dist_instance);
	result = (HRESULT)dist_end(ERROR_IO_PENDING, &o, NULL);
	return result == ERROR_OPERATION_ABORTED ? S_OK : result;
}

static HRESULT run_dist_stream(void)
{
	PEERDIST_STREAM_HANDLE stream;
	HRESULT result = (HRESULT)PeerDistServerPublishStream(dist_instance, 1, (PBYTE)(uintptr_t) "s", 0, NULL, NULL,
							      0, &stream);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerDistServerCloseStreamHandle(dist_instance, stream), ERROR_SUCCESS);
	return result;
}

static HRESULT run_dist_add(void)
{
	PEERDIST_STREAM_HANDLE stream;
	OVERLAPPED o = {.hEvent = event};
	HRESULT result;
	size_t at = pause_refusing();

	assert_int_equal(
		PeerDistServerPublishStream(dist_instance, 1, (PBYTE)(uintptr_t) "a", 0, NULL, NULL, 0, &stream),
		ERROR_SUCCESS);
	resume_refusing(at);
	result = (HRESULT)PeerDistServerPublishAddToStream(dist_instance, stream, 1000, dist_data, &o);
	end_refusing();
	if (result == ERROR_IO_PENDING)
		result = (HRESULT)dist_end(ERROR_IO_PENDING, &o, NULL);
	assert_int_equal(PeerDistServerCloseStreamHandle(dist_instance, stream), ERROR_SUCCESS);
	return result;
}

static HRESULT run_dist_info(void)
{
	PEERDIST_CONTENTINFO_HANDLE info;
	HRESULT result = (HRESULT)PeerDistServerOpenContentInformation(dist_instance, 1, (PBYTE)(uintptr_t) "x", 0, 0,
								       NULL, 0, &info);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerDistServerCloseContentInformation(dist_instance, info), ERROR_SUCCESS);
	return result;
}

static HRESULT run_dist_open(void)
{
	PEERDIST_CONTENT_HANDLE content;
	HRESULT result = (HRESULT)PeerDistClientOpenContent(dist_instance, &dist_tag, NULL, 0, &content);

	end_refusing();
	if (result == S_OK)
		assert_int_equal(PeerDistClientCloseContent(dist_instance, content), ERROR_SUCCESS);
	return result;
}

/* An event and a port: all that an operation may need. */
static HRESULT run_dist_flush(void)
{
	static HANDLE port;
	OVERLAPPED o = {.hEvent = event}, *got;
	ULONG_PTR key;
	DWORD bytes;
	HRESULT result;

	if (!port) {
		end_refusing();
		port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
		begin_refusing(1, false);
	}
	result = (HRESULT)PeerDistClientFlushContent(dist_instance, &dist_tag, port, 0, &o);
	if (result != ERROR_IO_PENDING) {
		assert_int_equal(o.Internal == STATUS_PENDING, 0);
		return result;
	}
	end_refusing();
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, INFINITE));
	assert_ptr_equal(got, &o);
	assert_false(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0));
	return S_OK;
}

static HRESULT run_dist_read(void)
{
	BYTE buffer[100];
	OVERLAPPED o = {0};
	HRESULT result = (HRESULT)PeerDistClientBlockRead(dist_instance, dist_content, 100, buffer, 0, &o);

	end_refusing();
	return result == ERROR_IO_PENDING ? (HRESULT)dist_end(ERROR_IO_PENDING, &o, NULL) : result;
}

static HRESULT run_dist_facts(void)
{
	PEERDIST_CLIENT_BASIC_INFO basic;

	return (HRESULT)PeerDistClientGetInformationByHandle(dist_instance, dist_content, PeerDistClientBasicInfo,
							     sizeof(basic), &basic);
}

static HRESULT run_port(void)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	HRESULT result = port ? S_OK : (HRESULT)GetLastError();

	if (port && !PostQueuedCompletionStatus(port, 0, 0, NULL))
		result = (HRESULT)GetLastError();
	if (port)
		CloseHandle(port);
	return result;
}

static void distribution_functions(void **state)
{
	struct dist_world *w = *state;
	size_t size;
	BYTE *info;

	PONTO_COVERS_ERRORS("PeerDistStartup", "PeerDistGetStatus", "PeerDistRegisterForStatusChangeNotification",
			    "PeerDistServerPublishStream", "PeerDistServerPublishAddToStream",
			    "PeerDistServerOpenContentInformation", "PeerDistClientOpenContent",
			    "PeerDistClientFlushContent", "PeerDistClientBlockRead",
			    "PeerDistClientGetInformationByHandle");
	dist_instance = w->instance;
	event = CreateEventW(NULL, TRUE, FALSE, NULL);
	dist_publish(dist_instance, "x", dist_data, CONTENT_SIZE);
	info = dist_info(dist_instance, "x", 1, 0, 0, &size);
	dist_content = dist_open(dist_instance, 1, info, size);
	free(info);
	assert_int_equal(dist_add_data(dist_instance, dist_content, 0, dist_data, CONTENT_SIZE), ERROR_SUCCESS);
	each_refused(run_dist_startup, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_status, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_watch, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_stream, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_add, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_info, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_open, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_flush, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_read, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_dist_facts, ERROR_NOT_ENOUGH_MEMORY);
	each_refused(run_port, ERROR_NOT_ENOUGH_MEMORY);
	CloseHandle(event);
}

/* The library's thread finds no memory: an operation ends, once, with a reason; what may be lost is the connection. */
static void distribution_that_goes_on(void **state)
{
	struct dist_world *w = *state;
	bool refused = true;

	PONTO_COVERS_ERRORS("PeerDistServerPublishAddToStream", "PeerDistServerPublishCompleteStream");
	for (size_t n = 1; refused && n < 200; n++) {
		PEERDIST_STREAM_HANDLE stream = NULL;
		OVERLAPPED o = {0}, p = {0};
		DWORD error, second = ERROR_SUCCESS;

		begin_refusing(n, true);
		error = PeerDistServerPublishStream(w->instance, 1, (PBYTE)(uintptr_t) "g", 0, NULL, NULL, 0, &stream);
		if (error == ERROR_SUCCESS) {
			error = PeerDistServerPublishAddToStream(w->instance, stream, CONTENT_SIZE, dist_data, &o);
			second = PeerDistServerPublishCompleteStream(w->instance, stream, &p);
			if (error == ERROR_IO_PENDING)
				error = dist_end(error, &o, NULL);
			if (second == ERROR_IO_PENDING)
				second = dist_end(second, &p, NULL);
		}
		refused = end_refusing();
		if (stream)
			assert_int_equal(PeerDistServerCloseStreamHandle(w->instance, stream), ERROR_SUCCESS);
		if (!refused)
			assert_true(error == ERROR_SUCCESS && second == ERROR_SUCCESS);
		else
			assert_true(error == ERROR_SUCCESS || error == ERROR_NOT_ENOUGH_MEMORY ||
				    error == PEERDIST_ERROR_SERVICE_UNAVAILABLE || error == PEERDIST_ERROR_INVALIDATED);
		(void)PeerDistServerUnpublish(w->instance, 1, (PBYTE)(uintptr_t) "g");
	}
	assert_false(refused);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(distribution_functions, dist_setup, dist_teardown),
	cmocka_unit_test_setup_teardown(distribution_that_goes_on, dist_setup, dist_teardown),
};

API_TEST_MAIN(tests)
