/* Completion ports, and operations that end later. */
#include "tests/unit/win32_test.h"

#include <poll.h>
#include <ponto.h>

static HANDLE new_port(void)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);

	assert_non_null(port);
	return port;
}

static void packets_come_in_the_order_they_were_posted(void **state)
{
	HANDLE port = new_port();
	OVERLAPPED first, second, *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	(void)state;
	assert_true(PostQueuedCompletionStatus(port, 1, 11, &first));
	assert_true(PostQueuedCompletionStatus(port, 2, 22, &second));
	assert_true(PostQueuedCompletionStatus(port, 3, 33, NULL));
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0));
	assert_true(bytes == 1 && key == 11 && overlapped == &first);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE));
	assert_true(bytes == 2 && key == 22 && overlapped == &second);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE));
	assert_true(bytes == 3 && key == 33 && !overlapped);
	overlapped = &first;
	assert_fails(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0), WAIT_TIMEOUT);
	assert_null(overlapped);
	assert_fails(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 10), WAIT_TIMEOUT);
	assert_true(CloseHandle(port));
}

static void several_at_once(void **state)
{
	HANDLE port = new_port();
	OVERLAPPED_ENTRY entries[8];
	ULONG removed = 7;

	(void)state;
	assert_fails(GetQueuedCompletionStatusEx(port, entries, 8, &removed, 0, FALSE), WAIT_TIMEOUT);
	for (ULONG i = 0; i < 5; i++)
		assert_true(PostQueuedCompletionStatus(port, i, 100 + i, NULL));
	assert_true(GetQueuedCompletionStatusEx(port, entries, 3, &removed, 0, FALSE));
	assert_int_equal(removed, 3);
	for (ULONG i = 0; i < 3; i++)
		assert_true(entries[i].dwNumberOfBytesTransferred == i && entries[i].lpCompletionKey == 100 + i &&
			    entries[i].Internal == 0);
	assert_true(GetQueuedCompletionStatusEx(port, entries, 8, &removed, INFINITE, TRUE));
	assert_int_equal(removed, 2);
	assert_int_equal(entries[1].lpCompletionKey, 104);
	assert_fails(GetQueuedCompletionStatusEx(port, entries, 0, &removed, 0, FALSE), ERROR_INVALID_PARAMETER);
	assert_fails(GetQueuedCompletionStatusEx(port, NULL, 1, &removed, 0, FALSE), ERROR_INVALID_PARAMETER);
	assert_true(CloseHandle(port));
}

static void what_is_no_port_is_told(void **state)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL), port = new_port();
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	(void)state;
	assert_fails(PostQueuedCompletionStatus(event, 0, 0, NULL), ERROR_INVALID_HANDLE);
	assert_fails(GetQueuedCompletionStatus(event, &bytes, &key, &overlapped, 0), ERROR_INVALID_HANDLE);
	assert_fails(GetQueuedCompletionStatus(port, NULL, &key, &overlapped, 0), ERROR_INVALID_PARAMETER);
	assert_fails(CreateIoCompletionPort(event, NULL, 0, 0), ERROR_INVALID_PARAMETER);
	assert_fails(CreateIoCompletionPort(INVALID_HANDLE_VALUE, port, 0, 0), ERROR_INVALID_PARAMETER);
	assert_fails(CreateIoCompletionPort((HANDLE)(ULONG_PTR)1, NULL, 0, 0), ERROR_INVALID_HANDLE);
	assert_fails(CancelIoEx(event, NULL), ERROR_INVALID_HANDLE);
	assert_fails(CancelIoEx(NULL, NULL), ERROR_INVALID_HANDLE);
	assert_true(CloseHandle(port));
	assert_fails(PostQueuedCompletionStatus(port, 0, 0, NULL), ERROR_INVALID_HANDLE);
	assert_fails(CloseHandle(port), ERROR_INVALID_HANDLE);
	assert_true(CloseHandle(event));
}

/* A program with a loop of its own polls. */
static void a_descriptor_tells_what_is_queued(void **state)
{
	HANDLE port = new_port();
	struct pollfd item = {.fd = PontoHandleFd(port), .events = POLLIN};
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	(void)state;
	assert_int_equal(poll(&item, 1, 0), 0);
	assert_true(PostQueuedCompletionStatus(port, 0, 0, NULL));
	assert_true(PostQueuedCompletionStatus(port, 0, 0, NULL));
	assert_int_equal(poll(&item, 1, 0), 1);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0));
	assert_int_equal(poll(&item, 1, 0), 1);
	assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0));
	assert_int_equal(poll(&item, 1, 0), 0);
	assert_true(PostQueuedCompletionStatus(port, 0, 0, NULL)); /* goes with the port */
	assert_true(CloseHandle(port));
}

struct waiting {
	HANDLE port, begun;
	DWORD error;
	ULONG_PTR sum;
};

static DWORD WINAPI wait_for_all(LPVOID arg)
{
	struct waiting *w = arg;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	SetEvent(w->begun);
	while (GetQueuedCompletionStatus(w->port, &bytes, &key, &overlapped, INFINITE) && key != 0)
		w->sum += key;
	w->error = GetLastError();
	return 0;
}

static void threads_wait_at_one_port(void **state)
{
	struct waiting w[4];
	HANDLE threads[4], port = new_port();
	ULONG_PTR sum = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		w[i] = (struct waiting){.port = port, .begun = CreateEventW(NULL, TRUE, FALSE, NULL)};
		threads[i] = CreateThread(NULL, 0, wait_for_all, &w[i], 0, NULL);
		assert_non_null(threads[i]);
	}
	for (ULONG_PTR i = 1; i <= 1000; i++)
		assert_true(PostQueuedCompletionStatus(port, 0, i, NULL));
	for (int i = 0; i < 4; i++)
		assert_true(PostQueuedCompletionStatus(port, 0, 0, NULL));
	assert_int_equal(WaitForMultipleObjects(4, threads, TRUE, 60000), WAIT_OBJECT_0);
	for (int i = 0; i < 4; i++) {
		sum += w[i].sum;
		CloseHandle(w[i].begun);
		CloseHandle(threads[i]);
	}
	assert_int_equal(sum, 500500);
	assert_true(CloseHandle(port));
}

static void a_port_that_is_closed_wakes_who_waits(void **state)
{
	struct waiting w = {.port = new_port(), .begun = CreateEventW(NULL, TRUE, FALSE, NULL)};
	HANDLE thread = CreateThread(NULL, 0, wait_for_all, &w, 0, NULL);

	(void)state;
	assert_int_equal(WaitForSingleObject(w.begun, 60000), WAIT_OBJECT_0);
	assert_true(CloseHandle(w.port));
	assert_int_equal(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
	/* before it began to wait, or while it did */
	assert_true(w.error == ERROR_ABANDONED_WAIT_0 || w.error == ERROR_INVALID_HANDLE);
	CloseHandle(thread);
	CloseHandle(w.begun);
}

static void results_are_read_from_the_structure(void **state)
{
	OVERLAPPED overlapped = {.Internal = STATUS_PENDING};
	DWORD bytes = 5;

	(void)state;
	assert_false(HasOverlappedIoCompleted(&overlapped));
	assert_fails(GetOverlappedResult(NULL, &overlapped, &bytes, FALSE), ERROR_IO_INCOMPLETE);
	assert_fails(GetOverlappedResult(NULL, NULL, &bytes, FALSE), ERROR_INVALID_PARAMETER);
	assert_int_equal(bytes, 5);
	overlapped.Internal = ERROR_TIMEOUT;
	overlapped.InternalHigh = 77;
	assert_true(HasOverlappedIoCompleted(&overlapped));
	assert_fails(GetOverlappedResult(NULL, &overlapped, &bytes, TRUE), ERROR_TIMEOUT);
	assert_int_equal(bytes, 77);
	overlapped.Internal = 0;
	assert_true(GetOverlappedResult(NULL, &overlapped, &bytes, TRUE));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(packets_come_in_the_order_they_were_posted),
	cmocka_unit_test(several_at_once),
	cmocka_unit_test(what_is_no_port_is_told),
	cmocka_unit_test(a_descriptor_tells_what_is_queued),
	cmocka_unit_test(threads_wait_at_one_port),
	cmocka_unit_test(a_port_that_is_closed_wakes_who_waits),
	cmocka_unit_test(results_are_read_from_the_structure),
};

PONTO_TEST_MAIN(tests)
