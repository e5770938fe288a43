/* The base functions around peer programs. Every function is thread-safe; a failure is told by the return value and
 * GetLastError, which is kept for each thread. What is not here is not offered. */
#ifndef PONTO_WIN32_WINBASE_H
#define PONTO_WIN32_WINBASE_H

#include <minwinbase.h>
#include <winnt.h>
#include <winerror.h>

PONTO_BEGIN_DECLS

/* ---- last error ---- */

DWORD WINAPI GetLastError(void);
void WINAPI SetLastError(DWORD error);

/* ---- handles and waits ---- */

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define INFINITE 0xFFFFFFFF
#define WAIT_OBJECT_0 (STATUS_WAIT_0)
#define WAIT_ABANDONED (STATUS_ABANDONED_WAIT_0)
#define WAIT_ABANDONED_0 (STATUS_ABANDONED_WAIT_0)
#define WAIT_IO_COMPLETION STATUS_USER_APC
#define WAIT_FAILED ((DWORD)0xFFFFFFFF)

/* ERROR_INVALID_HANDLE for a value that is not, or no longer, a handle that CloseHandle closes. */
BOOL WINAPI CloseHandle(_In_ HANDLE handle);

/* Events without a name only: one with a name fails with ERROR_NOT_SUPPORTED. NULL on failure. attributes is ignored. */
HANDLE WINAPI CreateEventW(_In_opt_ LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state,
			   _In_opt_ LPCWSTR name);
HANDLE WINAPI CreateEventA(_In_opt_ LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state,
			   _In_opt_ LPCSTR name);
BOOL WINAPI SetEvent(_In_ HANDLE event);
BOOL WINAPI ResetEvent(_In_ HANDLE event);

/* Waits for an event, process, thread or whatever else is signalled; milliseconds, or INFINITE. WAIT_FAILED on error.
 * There are no asynchronous procedure calls: an alertable wait is a plain one. */
DWORD WINAPI WaitForSingleObject(_In_ HANDLE handle, DWORD milliseconds);
DWORD WINAPI WaitForSingleObjectEx(_In_ HANDLE handle, DWORD milliseconds, BOOL alertable);
/* 1 to MAXIMUM_WAIT_OBJECTS handles; the lowest index that is signalled wins. With wait_all nothing is taken from any
 * object before all are signalled at once; a handle that occurs twice is then ERROR_INVALID_PARAMETER. */
DWORD WINAPI WaitForMultipleObjects(DWORD count, _In_reads_(count) const HANDLE *handles, BOOL wait_all,
				    DWORD milliseconds);
DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, _In_reads_(count) const HANDLE *handles, BOOL wait_all,
				      DWORD milliseconds, BOOL alertable);

/* Calls callback on a thread of the library each time that object is signalled (FALSE) or milliseconds passed (TRUE);
 * calls for one registration never overlap. WT_EXECUTEONLYONCE: only the first time. */
BOOL WINAPI RegisterWaitForSingleObject(_Out_ PHANDLE wait, _In_ HANDLE object, _In_ WAITORTIMERCALLBACK callback,
					_In_opt_ PVOID context, ULONG milliseconds, ULONG flags);
/* FALSE with ERROR_IO_PENDING when a call is under way, which ends by itself. */
BOOL WINAPI UnregisterWait(_In_ HANDLE wait);
/* completion INVALID_HANDLE_VALUE: returns when no call is under way any more. An event: it is set then. */
BOOL WINAPI UnregisterWaitEx(_In_ HANDLE wait, _In_opt_ HANDLE completion);

/* ---- critical sections ---- */

void WINAPI InitializeCriticalSection(_Out_ LPCRITICAL_SECTION section);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(_Out_ LPCRITICAL_SECTION section, DWORD spins);
void WINAPI EnterCriticalSection(_Inout_ LPCRITICAL_SECTION section);
BOOL WINAPI TryEnterCriticalSection(_Inout_ LPCRITICAL_SECTION section);
void WINAPI LeaveCriticalSection(_Inout_ LPCRITICAL_SECTION section);
void WINAPI DeleteCriticalSection(_Inout_ LPCRITICAL_SECTION section);

PONTO_END_DECLS

#ifdef UNICODE
#define CreateEvent CreateEventW
#else
#define CreateEvent CreateEventA
#endif

#endif
