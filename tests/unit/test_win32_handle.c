/* Handles, events, waits, registered waits, threads, critical sections. */
#include "tests/unit/win32_test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <ponto.h>
#include <process.h>
#include <winsock2.h>

static void a_manual_event_stays_until_it_is_reset(void **state)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

	(void)state;
	assert_non_null(event);
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	assert_true(SetEvent(event));
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObjectEx(event, INFINITE, TRUE), WAIT_OBJECT_0);
	assert_true(ResetEvent(event));
	assert_int_equal(WaitForSingleObject(event, 1), WAIT_TIMEOUT);
	assert_true(CloseHandle(event));
}

static void an_automatic_event_wakes_one_and_coalesces(void **state)
{
	HANDLE event = CreateEventA(NULL, FALSE, TRUE, NULL);

	(void)state;
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	assert_true(SetEvent(event));
	assert_true(SetEvent(event));
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	assert_true(CloseHandle(event));
}

static void an_event_with_a_name_is_refused(void **state)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, L"");

	(void)state;
	assert_fails(CreateEventW(NULL, TRUE, FALSE, L"Local\\ready"), ERROR_NOT_SUPPORTED);
	assert_fails(CreateEventA(NULL, TRUE, FALSE, "ready"), ERROR_NOT_SUPPORTED);
	assert_non_null(event);
	CloseHandle(event);
}

static void values_that_are_no_handles_are_told(void **state)
{
	HANDLE event = CreateEvent(NULL, TRUE, TRUE, NULL), other;
	HANDLE values[] = {NULL,	   (HANDLE)(ULONG_PTR)1,	   (HANDLE)(ULONG_PTR)0xfffffffffffffff0,
			   (HANDLE)&event, (HANDLE)((ULONG_PTR)event + 4), (HANDLE)((ULONG_PTR)event | 1)};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(values); i++) {
		assert_fails(SetEvent(values[i]), ERROR_INVALID_HANDLE);
		assert_fails(ResetEvent(values[i]), ERROR_INVALID_HANDLE);
		assert_fails(CloseHandle(values[i]), ERROR_INVALID_HANDLE);
		assert_fails(WaitForSingleObject(values[i], 0) != WAIT_FAILED, ERROR_INVALID_HANDLE);
		assert_fails(PontoHandleFd(values[i]) >= 0, ERROR_INVALID_HANDLE);
	}
	assert_true(CloseHandle(event));
	other = CreateEvent(NULL, TRUE, FALSE, NULL);
	assert_fails(CloseHandle(event), ERROR_INVALID_HANDLE);
	assert_fails(SetEvent(event), ERROR_INVALID_HANDLE);
	assert_ptr_not_equal(event, other);
	assert_true(CloseHandle(other));
	assert_true(CloseHandle(GetCurrentProcess()));
}

static void the_lowest_of_many_wins(void **state)
{
	HANDLE events[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		events[i] = CreateEvent(NULL, FALSE, FALSE, NULL);
	assert_int_equal(WaitForMultipleObjects(3, events, FALSE, 0), WAIT_TIMEOUT);
	SetEvent(events[2]);
	SetEvent(events[1]);
	assert_int_equal(WaitForMultipleObjects(3, events, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
	assert_int_equal(WaitForMultipleObjectsEx(3, events, FALSE, INFINITE, FALSE), WAIT_OBJECT_0 + 2);
	assert_int_equal(WaitForMultipleObjects(3, events, FALSE, 1), WAIT_TIMEOUT);
	for (int i = 0; i < 3; i++)
		CloseHandle(events[i]);
}

static void all_or_none_is_taken(void **state)
{
	HANDLE events[2] = {CreateEvent(NULL, FALSE, TRUE, NULL), CreateEvent(NULL, TRUE, FALSE, NULL)};

	(void)state;
	assert_int_equal(WaitForMultipleObjects(2, events, TRUE, 5), WAIT_TIMEOUT);
	SetEvent(events[1]);
	assert_int_equal(WaitForMultipleObjects(2, events, TRUE, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObject(events[0], 0), WAIT_TIMEOUT);
	assert_int_equal(WaitForSingleObject(events[1], 0), WAIT_OBJECT_0);
	CloseHandle(events[0]);
	CloseHandle(events[1]);
}

static void waits_check_what_they_are_given(void **state)
{
	HANDLE event = CreateEvent(NULL, TRUE, TRUE, NULL), many[MAXIMUM_WAIT_OBJECTS + 1];
	HANDLE twice[2] = {event, event}, stale[2] = {event, NULL};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(many); i++)
		many[i] = event;
	assert_fails(WaitForMultipleObjects(0, many, FALSE, 0) != WAIT_FAILED, ERROR_INVALID_PARAMETER);
	assert_fails(WaitForMultipleObjects(65, many, FALSE, 0) != WAIT_FAILED, ERROR_INVALID_PARAMETER);
	assert_fails(WaitForMultipleObjects(1, NULL, FALSE, 0) != WAIT_FAILED, ERROR_INVALID_PARAMETER);
	assert_fails(WaitForMultipleObjects(2, twice, TRUE, 0) != WAIT_FAILED, ERROR_INVALID_PARAMETER);
	assert_fails(WaitForMultipleObjects(2, stale, FALSE, 0) != WAIT_FAILED, ERROR_INVALID_HANDLE);
	assert_int_equal(WaitForMultipleObjects(64, many, FALSE, 0), WAIT_OBJECT_0);
	CloseHandle(event);
}

static void a_descriptor_can_be_polled(void **state)
{
	HANDLE event = CreateEvent(NULL, FALSE, FALSE, NULL);
	struct pollfd fd = {.fd = PontoHandleFd(event), .events = POLLIN};

	(void)state;
	assert_int_equal(poll(&fd, 1, 0), 0);
	SetEvent(event);
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	assert_int_equal(poll(&fd, 1, 0), 0);
	CloseHandle(event);
}

static void winsock_names_for_events(void **state)
{
	WSAEVENT event = WSACreateEvent();

	(void)state;
	assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
	assert_true(WSASetEvent(event));
	assert_int_equal(WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE), WSA_WAIT_EVENT_0);
	assert_true(WSAResetEvent(event));
	assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
	assert_true(WSACloseEvent(event));
	WSASetLastError(WSAEINVAL);
	assert_int_equal(GetLastError(), WSAEINVAL);
	assert_int_equal(WSAGetLastError(), WSAEINVAL);
}

/* ---- threads ---- */

struct crowd {
	HANDLE event, all;
	LONG woken;
};

static DWORD WINAPI wait_for_one(LPVOID context)
{
	struct crowd *crowd = context;

	SetLastError(4711);
	if (WaitForSingleObject(crowd->event, INFINITE) == WAIT_OBJECT_0 && GetLastError() == 4711)
		InterlockedIncrement(&crowd->woken);
	return 7;
}

static void each_signal_wakes_one_thread(void **state)
{
	struct crowd crowd = {.event = CreateEvent(NULL, FALSE, FALSE, NULL)};
	HANDLE threads[8];
	DWORD code, id;

	(void)state;
	for (int i = 0; i < 8; i++) {
		threads[i] = CreateThread(NULL, 0, wait_for_one, &crowd, 0, &id);
		assert_non_null(threads[i]);
		assert_int_not_equal(id, GetCurrentThreadId());
	}
	assert_true(GetExitCodeThread(threads[0], &code));
	assert_int_equal(code, STILL_ACTIVE);
	for (LONG i = 1; i <= 8; i++) {
		SetEvent(crowd.event);
		while (InterlockedExchangeAdd(&crowd.woken, 0) < i)
			Sleep(1);
	}
	assert_int_equal(WaitForMultipleObjects(8, threads, TRUE, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(crowd.woken, 8);
	for (int i = 0; i < 8; i++) {
		assert_true(GetExitCodeThread(threads[i], &code));
		assert_int_equal(code, 7);
		assert_true(CloseHandle(threads[i]));
	}
	CloseHandle(crowd.event);
}

static unsigned int leave_early(void *context)
{
	if (context)
		_endthreadex(5);
	ExitThread(6);
}

static void threads_of_the_c_library(void **state)
{
	DWORD code;

	(void)state;
	for (DWORD i = 0; i < 2; i++) {
		HANDLE thread = (HANDLE)_beginthreadex(NULL, 4 << 20, leave_early, i ? NULL : state, 0, NULL);

		assert_int_equal(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
		assert_true(GetExitCodeThread(thread, &code));
		assert_int_equal(code, 5 + i);
		assert_true(CloseHandle(thread));
	}
	assert_fails(CreateThread(NULL, 0, NULL, NULL, 0, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(CreateThread(NULL, 0, wait_for_one, NULL, CREATE_SUSPENDED, NULL), ERROR_NOT_SUPPORTED);
	assert_int_equal(_beginthreadex(NULL, 0, NULL, NULL, 0, NULL), 0);
	assert_int_equal(errno, EINVAL);
	assert_fails(GetExitCodeThread(NULL, &code), ERROR_INVALID_HANDLE);
	assert_fails(GetExitCodeThread(NULL, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(_getpid(), GetCurrentProcessId());
}

struct counter {
	CRITICAL_SECTION section;
	unsigned int value;
};

static DWORD WINAPI count_up(LPVOID context)
{
	struct counter *counter = context;

	for (int i = 0; i < 1000; i++) {
		EnterCriticalSection(&counter->section);
		EnterCriticalSection(&counter->section);
		counter->value++;
		LeaveCriticalSection(&counter->section);
		LeaveCriticalSection(&counter->section);
	}
	return TryEnterCriticalSection(&counter->section) ? LeaveCriticalSection(&counter->section), 1 : 0;
}

static DWORD WINAPI try_it(LPVOID context)
{
	return (DWORD)TryEnterCriticalSection(context);
}

static void a_critical_section_keeps_others_out(void **state)
{
	struct counter counter = {0};
	HANDLE threads[4];
	DWORD entered;

	(void)state;
	InitializeCriticalSection(&counter.section);
	for (int i = 0; i < 4; i++)
		threads[i] = CreateThread(NULL, 0, count_up, &counter, 0, NULL);
	WaitForMultipleObjects(4, threads, TRUE, INFINITE);
	assert_int_equal(counter.value, 4000);
	for (int i = 0; i < 4; i++)
		CloseHandle(threads[i]);
	assert_true(TryEnterCriticalSection(&counter.section));
	threads[0] = CreateThread(NULL, 0, try_it, &counter.section, 0, NULL);
	WaitForSingleObject(threads[0], INFINITE);
	assert_true(GetExitCodeThread(threads[0], &entered));
	assert_false(entered);
	CloseHandle(threads[0]);
	LeaveCriticalSection(&counter.section);
	DeleteCriticalSection(&counter.section);
	assert_true(InitializeCriticalSectionAndSpinCount(&counter.section, 400));
	EnterCriticalSection(&counter.section);
	LeaveCriticalSection(&counter.section);
	DeleteCriticalSection(&counter.section);
}

/* ---- registered waits ---- */

struct calls {
	LONG signalled, timed_out;
	HANDLE called, wait, go_on;
	BOOL ended;
};

static void CALLBACK on_call(PVOID context, BOOLEAN timed_out)
{
	struct calls *calls = context;

	InterlockedIncrement(timed_out ? &calls->timed_out : &calls->signalled);
	SetEvent(calls->called);
}

static void a_registered_wait_calls_back_each_time(void **state)
{
	HANDLE event = CreateEvent(NULL, FALSE, FALSE, NULL), wait;
	struct calls calls = {.called = CreateEvent(NULL, FALSE, FALSE, NULL)};

	(void)state;
	assert_true(RegisterWaitForSingleObject(&wait, event, on_call, &calls, INFINITE, WT_EXECUTEDEFAULT));
	for (int i = 1; i <= 3; i++) {
		SetEvent(event);
		assert_int_equal(WaitForSingleObject(calls.called, INFINITE), WAIT_OBJECT_0);
		assert_int_equal(InterlockedExchangeAdd(&calls.signalled, 0), i);
	}
	assert_fails(CloseHandle(wait), ERROR_INVALID_HANDLE);
	assert_true(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
	assert_fails(UnregisterWait(wait), ERROR_INVALID_HANDLE);
	SetEvent(event);
	assert_int_equal(WaitForSingleObject(calls.called, 20), WAIT_TIMEOUT);
	CloseHandle(event);
	CloseHandle(calls.called);
}

static void a_registered_wait_times_out_and_may_be_for_once(void **state)
{
	HANDLE event = CreateEvent(NULL, TRUE, FALSE, NULL), wait;
	struct calls calls = {.called = CreateEvent(NULL, FALSE, FALSE, NULL)};

	(void)state;
	assert_true(RegisterWaitForSingleObject(&wait, event, on_call, &calls, 1, 0));
	while (InterlockedExchangeAdd(&calls.timed_out, 0) < 2)
		Sleep(1);
	assert_true(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
	WaitForSingleObject(calls.called, 0);
	SetEvent(event);
	assert_true(RegisterWaitForSingleObject(&wait, event, on_call, &calls, INFINITE, WT_EXECUTEONLYONCE));
	assert_int_equal(WaitForSingleObject(calls.called, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObject(calls.called, 20), WAIT_TIMEOUT);
	assert_int_equal(InterlockedExchangeAdd(&calls.signalled, 0), 1);
	assert_true(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
	CloseHandle(event);
	CloseHandle(calls.called);
}

static void CALLBACK slow_call(PVOID context, BOOLEAN timed_out)
{
	struct calls *calls = context;

	(void)timed_out;
	SetEvent(calls->called);
	WaitForSingleObject(calls->go_on, INFINITE);
}

static void ending_a_wait_whose_call_is_under_way(void **state)
{
	HANDLE event = CreateEvent(NULL, FALSE, TRUE, NULL), wait, over = CreateEvent(NULL, TRUE, FALSE, NULL);
	struct calls calls = {.called = CreateEvent(NULL, FALSE, FALSE, NULL),
			      .go_on = CreateEvent(NULL, FALSE, FALSE, NULL)};

	(void)state;
	assert_true(RegisterWaitForSingleObject(&wait, event, slow_call, &calls, INFINITE, 0));
	assert_int_equal(WaitForSingleObject(calls.called, INFINITE), WAIT_OBJECT_0);
	assert_fails(UnregisterWaitEx(wait, over), ERROR_IO_PENDING);
	assert_int_equal(WaitForSingleObject(over, 5), WAIT_TIMEOUT);
	SetEvent(calls.go_on);
	assert_int_equal(WaitForSingleObject(over, INFINITE), WAIT_OBJECT_0);
	assert_fails(UnregisterWaitEx(wait, wait), ERROR_INVALID_HANDLE);
	CloseHandle(event);
	CloseHandle(over);
	CloseHandle(calls.called);
	CloseHandle(calls.go_on);
}

static void CALLBACK end_itself(PVOID context, BOOLEAN timed_out)
{
	struct calls *calls = context;

	(void)timed_out;
	WaitForSingleObject(calls->go_on, INFINITE);
	calls->ended = UnregisterWaitEx(calls->wait, INVALID_HANDLE_VALUE);
	SetEvent(calls->called);
}

static void a_call_may_end_its_own_wait(void **state)
{
	HANDLE event = CreateEvent(NULL, FALSE, TRUE, NULL);
	struct calls calls = {.called = CreateEvent(NULL, FALSE, FALSE, NULL),
			      .go_on = CreateEvent(NULL, FALSE, FALSE, NULL),
			      .ended = TRUE};

	(void)state;
	assert_true(RegisterWaitForSingleObject(&calls.wait, event, end_itself, &calls, INFINITE, 0));
	SetEvent(calls.go_on);
	assert_int_equal(WaitForSingleObject(calls.called, INFINITE), WAIT_OBJECT_0);
	assert_false(calls.ended);
	assert_fails(RegisterWaitForSingleObject(NULL, event, on_call, NULL, 0, 0), ERROR_INVALID_PARAMETER);
	assert_fails(RegisterWaitForSingleObject(&calls.wait, event, NULL, NULL, 0, 0), ERROR_INVALID_PARAMETER);
	assert_fails(RegisterWaitForSingleObject(&calls.wait, NULL, on_call, NULL, 0, 0), ERROR_INVALID_HANDLE);
	CloseHandle(event);
	CloseHandle(calls.called);
	CloseHandle(calls.go_on);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static DWORD WINAPI churn(LPVOID context)
{
	(void)context;
	for (int i = 0; i < 500; i++) {
		HANDLE event = CreateEvent(NULL, i % 2, FALSE, NULL);

		SetEvent(event);
		if (WaitForSingleObject(event, 0) != WAIT_OBJECT_0 || !CloseHandle(event) || CloseHandle(event))
			return 1;
	}
	return 0;
}

static void the_table_serves_many_threads(void **state)
{
	HANDLE threads[4];
	int before = open_descriptors();
	DWORD code;

	(void)state;
	for (int i = 0; i < 4; i++)
		threads[i] = CreateThread(NULL, 0, churn, NULL, 0, NULL);
	WaitForMultipleObjects(4, threads, TRUE, INFINITE);
	for (int i = 0; i < 4; i++) {
		assert_true(GetExitCodeThread(threads[i], &code));
		assert_int_equal(code, 0);
		CloseHandle(threads[i]);
	}
	/* A thread lets go of its object just after it has signalled, those of the cases before too. */
	for (int i = 0; i < 1000 && open_descriptors() > before; i++)
		Sleep(1);
	assert_true(open_descriptors() <= before);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_manual_event_stays_until_it_is_reset),
	cmocka_unit_test(an_automatic_event_wakes_one_and_coalesces),
	cmocka_unit_test(an_event_with_a_name_is_refused),
	cmocka_unit_test(values_that_are_no_handles_are_told),
	cmocka_unit_test(the_lowest_of_many_wins),
	cmocka_unit_test(all_or_none_is_taken),
	cmocka_unit_test(waits_check_what_they_are_given),
	cmocka_unit_test(a_descriptor_can_be_polled),
	cmocka_unit_test(winsock_names_for_events),
	cmocka_unit_test(each_signal_wakes_one_thread),
	cmocka_unit_test(threads_of_the_c_library),
	cmocka_unit_test(a_critical_section_keeps_others_out),
	cmocka_unit_test(a_registered_wait_calls_back_each_time),
	cmocka_unit_test(a_registered_wait_times_out_and_may_be_for_once),
	cmocka_unit_test(ending_a_wait_whose_call_is_under_way),
	cmocka_unit_test(a_call_may_end_its_own_wait),
	cmocka_unit_test(the_table_serves_many_threads),
};

PONTO_TEST_MAIN(tests)
