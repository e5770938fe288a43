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

/* ---- operations that end later ---- */

/* file INVALID_HANDLE_VALUE and existing NULL: a new port. Ports are for the families whose functions take one; other
 * handles are ERROR_INVALID_PARAMETER. PontoHandleFd gives a descriptor that is readable while something is queued. */
HANDLE WINAPI CreateIoCompletionPort(_In_ HANDLE file, _In_opt_ HANDLE existing, ULONG_PTR key, DWORD threads);
/* FALSE: *overlapped is NULL: WAIT_TIMEOUT, ERROR_ABANDONED_WAIT_0 (the port was closed) and the like; else that
 * operation failed, with this error. */
BOOL WINAPI GetQueuedCompletionStatus(_In_ HANDLE port, _Out_ LPDWORD bytes, _Out_ PULONG_PTR key,
				      _Out_ LPOVERLAPPED *overlapped, DWORD milliseconds);
/* Internal of an entry is the operation's result. */
BOOL WINAPI GetQueuedCompletionStatusEx(_In_ HANDLE port, _Out_writes_to_(count, *removed) LPOVERLAPPED_ENTRY entries,
					ULONG count, _Out_ PULONG removed, DWORD milliseconds, BOOL alertable);
BOOL WINAPI PostQueuedCompletionStatus(_In_ HANDLE port, DWORD bytes, ULONG_PTR key, _In_opt_ LPOVERLAPPED overlapped);
/* FALSE with the operation's error, or ERROR_IO_INCOMPLETE. file has no meaning. */
BOOL WINAPI GetOverlappedResult(_In_opt_ HANDLE file, _In_ LPOVERLAPPED overlapped, _Out_ LPDWORD bytes, BOOL wait);
/* Ends an operation of this handle, or with NULL all, with ERROR_OPERATION_ABORTED; ERROR_NOT_FOUND: there is none. */
BOOL WINAPI CancelIoEx(_In_ HANDLE file, _In_opt_ LPOVERLAPPED overlapped);

/* ---- critical sections ---- */

void WINAPI InitializeCriticalSection(_Out_ LPCRITICAL_SECTION section);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(_Out_ LPCRITICAL_SECTION section, DWORD spins);
void WINAPI EnterCriticalSection(_Inout_ LPCRITICAL_SECTION section);
BOOL WINAPI TryEnterCriticalSection(_Inout_ LPCRITICAL_SECTION section);
void WINAPI LeaveCriticalSection(_Inout_ LPCRITICAL_SECTION section);
void WINAPI DeleteCriticalSection(_Inout_ LPCRITICAL_SECTION section);

/* ---- threads ---- */

/* stack 0: the host's default. CREATE_SUSPENDED is ERROR_NOT_SUPPORTED. The handle is signalled when the thread ended. */
HANDLE WINAPI CreateThread(_In_opt_ LPSECURITY_ATTRIBUTES attributes, SIZE_T stack, LPTHREAD_START_ROUTINE start,
			   _In_opt_ LPVOID parameter, DWORD flags, _Out_opt_ LPDWORD id);
/* Ends the calling thread, which CreateThread or _beginthreadex started; another thread ends as by pthread_exit. */
__attribute__((noreturn)) void WINAPI ExitThread(DWORD code);
/* STILL_ACTIVE while it runs. */
BOOL WINAPI GetExitCodeThread(_In_ HANDLE thread, _Out_ LPDWORD code);
/* The host's thread id. */
DWORD WINAPI GetCurrentThreadId(void);

/* ---- processes ---- */

#define STILL_ACTIVE STATUS_PENDING
#define CREATE_SUSPENDED 0x00000004
#define CREATE_NEW_CONSOLE 0x00000010
#define CREATE_NO_WINDOW 0x08000000
#define CREATE_UNICODE_ENVIRONMENT 0x00000400
#define DETACHED_PROCESS 0x00000008
#define NORMAL_PRIORITY_CLASS 0x00000020
#define STARTF_USESHOWWINDOW 0x00000001
#define STARTF_USESTDHANDLES 0x00000100

typedef struct _PROCESS_INFORMATION {
	HANDLE hProcess;
	HANDLE hThread;
	DWORD dwProcessId;
	DWORD dwThreadId;
} PROCESS_INFORMATION, *PPROCESS_INFORMATION, *LPPROCESS_INFORMATION;

typedef struct _STARTUPINFOW {
	DWORD cb;
	LPWSTR lpReserved;
	LPWSTR lpDesktop;
	LPWSTR lpTitle;
	DWORD dwX;
	DWORD dwY;
	DWORD dwXSize;
	DWORD dwYSize;
	DWORD dwXCountChars;
	DWORD dwYCountChars;
	DWORD dwFillAttribute;
	DWORD dwFlags;
	WORD wShowWindow;
	WORD cbReserved2;
	LPBYTE lpReserved2;
	HANDLE hStdInput;
	HANDLE hStdOutput;
	HANDLE hStdError;
} STARTUPINFOW, *LPSTARTUPINFOW;

/* Starts a program: application, or the first word of command (quotes and backslashes as Windows reads them), found along
 * PATH. The child has the three standard files of its parent and no other; STARTF_USESTDHANDLES and CREATE_SUSPENDED are
 * ERROR_NOT_SUPPORTED, other flags have no meaning here. environment, when given, is a block of wide NAME=VALUE texts
 * and needs CREATE_UNICODE_ENVIRONMENT. Errors: ERROR_INVALID_PARAMETER, ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED,
 * ERROR_BAD_EXE_FORMAT, ERROR_DIRECTORY, ERROR_NOT_ENOUGH_MEMORY. hProcess and hThread are both signalled at the end. */
BOOL WINAPI CreateProcessW(_In_opt_ LPCWSTR application, _Inout_opt_ LPWSTR command,
			   _In_opt_ LPSECURITY_ATTRIBUTES process_attributes, _In_opt_ LPSECURITY_ATTRIBUTES thread_attributes,
			   BOOL inherit, DWORD flags, _In_opt_ LPVOID environment, _In_opt_ LPCWSTR directory,
			   _In_ LPSTARTUPINFOW startup, _Out_ LPPROCESS_INFORMATION information);
/* ERROR_INVALID_PARAMETER when there is no such process. */
HANDLE WINAPI OpenProcess(DWORD access, BOOL inherit, DWORD id);
/* STILL_ACTIVE while it runs; then its status, 128 + N when signal N ended it. Of a process that this one did not start the
 * end can be waited for, but its status is ERROR_ACCESS_DENIED. */
BOOL WINAPI GetExitCodeProcess(_In_ HANDLE process, _Out_ LPDWORD code);
/* Kills it; GetExitCodeProcess of the same handle then tells code. */
BOOL WINAPI TerminateProcess(_In_ HANDLE process, UINT code);
__attribute__((noreturn)) void WINAPI ExitProcess(UINT code);
DWORD WINAPI GetCurrentProcessId(void);
DWORD WINAPI GetProcessId(_In_ HANDLE process);
/* A value that stands for the process in TerminateProcess, GetExitCodeProcess and GetProcessId. */
HANDLE WINAPI GetCurrentProcess(void);
/* The command line as one text; borrows for the life of the process. */
LPWSTR WINAPI GetCommandLineW(void);

/* ---- modules ---- */

/* The libraries of which parts are in libponto (p2p.dll, pnrpnsp.dll, ws2_32.dll, kernel32.dll, advapi32.dll, rpcrt4.dll,
 * ntdll.dll, user32.dll, with or without .dll, in any case) are libponto itself; NULL is the program. Others:
 * ERROR_MOD_NOT_FOUND. */
HMODULE WINAPI GetModuleHandleW(_In_opt_ LPCWSTR name);
HMODULE WINAPI GetModuleHandleA(_In_opt_ LPCSTR name);
/* As above, and then any library of the host by its name or path. Each success needs one FreeLibrary. */
HMODULE WINAPI LoadLibraryW(_In_ LPCWSTR name);
HMODULE WINAPI LoadLibraryA(_In_ LPCSTR name);
#define LOAD_LIBRARY_AS_DATAFILE 0x00000002
HMODULE WINAPI LoadLibraryExW(_In_ LPCWSTR name, HANDLE file, DWORD flags);
BOOL WINAPI FreeLibrary(_In_ HMODULE module);
/* ERROR_PROC_NOT_FOUND. Ordinals are not known. */
FARPROC WINAPI GetProcAddress(_In_ HMODULE module, _In_ LPCSTR name);
/* The path of the program (NULL) or library. Units written without the NUL; size when cut, with ERROR_INSUFFICIENT_BUFFER. */
DWORD WINAPI GetModuleFileNameW(_In_opt_ HMODULE module, _Out_writes_(size) LPWSTR name, DWORD size);

/* ---- messages ---- */

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200
#define FORMAT_MESSAGE_FROM_STRING 0x00000400
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FF

/* Characters without the NUL, or 0: ERROR_INVALID_PARAMETER, ERROR_MR_MID_NOT_FOUND (no such message),
 * ERROR_RESOURCE_LANG_NOT_FOUND (all are English), ERROR_RESOURCE_TYPE_NOT_FOUND (the module has none),
 * ERROR_INSUFFICIENT_BUFFER, ERROR_NOT_ENOUGH_MEMORY. Texts of the system end in CR LF. ALLOCATE_BUFFER: LocalFree. */
DWORD WINAPI FormatMessageW(DWORD flags, _In_opt_ LPCVOID source, DWORD id, DWORD language, _Out_ LPWSTR buffer, DWORD size,
			    _In_opt_ va_list *arguments);
DWORD WINAPI FormatMessageA(DWORD flags, _In_opt_ LPCVOID source, DWORD id, DWORD language, _Out_ LPSTR buffer, DWORD size,
			    _In_opt_ va_list *arguments);

/* ---- memory ---- */

#define LMEM_FIXED 0x0000
#define LMEM_ZEROINIT 0x0040
#define LPTR (LMEM_FIXED | LMEM_ZEROINIT)
#define HEAP_NO_SERIALIZE 0x00000001
#define HEAP_GENERATE_EXCEPTIONS 0x00000004
#define HEAP_ZERO_MEMORY 0x00000008

/* All from one heap, the host's. NULL with ERROR_NOT_ENOUGH_MEMORY. */
HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size);
/* NULL always: there is nothing that can fail. Accepts NULL. */
HLOCAL WINAPI LocalFree(_In_opt_ HLOCAL block);
HANDLE WINAPI GetProcessHeap(void);
LPVOID WINAPI HeapAlloc(_In_ HANDLE heap, DWORD flags, SIZE_T size);
/* New bytes are zero with HEAP_ZERO_MEMORY. */
LPVOID WINAPI HeapReAlloc(_In_ HANDLE heap, DWORD flags, _In_ LPVOID block, SIZE_T size);
BOOL WINAPI HeapFree(_In_ HANDLE heap, DWORD flags, _In_opt_ LPVOID block);
SIZE_T WINAPI HeapSize(_In_ HANDLE heap, DWORD flags, _In_ LPCVOID block);

/* ---- time ---- */

/* Milliseconds since the machine started. */
ULONGLONG WINAPI GetTickCount64(void);
DWORD WINAPI GetTickCount(void);
/* milliseconds, or INFINITE. */
void WINAPI Sleep(DWORD milliseconds);
DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable);
void WINAPI GetSystemTimeAsFileTime(_Out_ LPFILETIME time);
void WINAPI GetSystemTime(_Out_ LPSYSTEMTIME time);
void WINAPI GetLocalTime(_Out_ LPSYSTEMTIME time);
/* 1601 to 30827; ERROR_INVALID_PARAMETER outside. */
BOOL WINAPI FileTimeToSystemTime(_In_ const FILETIME *file, _Out_ LPSYSTEMTIME time);
BOOL WINAPI SystemTimeToFileTime(_In_ const SYSTEMTIME *time, _Out_ LPFILETIME file);
BOOL WINAPI FileTimeToLocalFileTime(_In_ const FILETIME *file, _Out_ LPFILETIME local);
LONG WINAPI CompareFileTime(_In_ const FILETIME *a, _In_ const FILETIME *b);
BOOL WINAPI QueryPerformanceCounter(_Out_ LARGE_INTEGER *count);
BOOL WINAPI QueryPerformanceFrequency(_Out_ LARGE_INTEGER *frequency);

/* ---- the machine ---- */

typedef enum _COMPUTER_NAME_FORMAT {
	ComputerNameNetBIOS,
	ComputerNameDnsHostname,
	ComputerNameDnsDomain,
	ComputerNameDnsFullyQualified,
	ComputerNamePhysicalNetBIOS,
	ComputerNamePhysicalDnsHostname,
	ComputerNamePhysicalDnsDomain,
	ComputerNamePhysicalDnsFullyQualified,
	ComputerNameMax
} COMPUTER_NAME_FORMAT;
#define MAX_COMPUTERNAME_LENGTH 15

/* *size: units of the buffer, then of the text without the NUL; ERROR_MORE_DATA with the units needed, NUL included, when it
 * is too small. NetBIOS: the first 15 characters of the host name in capitals. The domain may be empty. */
BOOL WINAPI GetComputerNameExW(COMPUTER_NAME_FORMAT format, _Out_writes_opt_(*size) LPWSTR buffer, _Inout_ LPDWORD size);
/* The NetBIOS name; ERROR_BUFFER_OVERFLOW when too small. */
BOOL WINAPI GetComputerNameW(_Out_writes_opt_(*size) LPWSTR buffer, _Inout_ LPDWORD size);

/* ---- text ---- */

int WINAPI lstrlenW(_In_opt_ LPCWSTR text);
int WINAPI lstrlenA(_In_opt_ LPCSTR text);
int WINAPI lstrcmpW(_In_ LPCWSTR a, _In_ LPCWSTR b);
int WINAPI lstrcmpiW(_In_ LPCWSTR a, _In_ LPCWSTR b);
/* To standard error when PONTO_DEBUG_OUTPUT is set in the environment, else nowhere. */
void WINAPI OutputDebugStringW(_In_opt_ LPCWSTR text);

PONTO_END_DECLS

#define ZeroMemory RtlZeroMemory
#define CopyMemory RtlCopyMemory
#define MoveMemory RtlMoveMemory
#define FillMemory RtlFillMemory
#define SecureZeroMemory RtlSecureZeroMemory
/* Programs look at it in a loop until another thread has written it. */
#define HasOverlappedIoCompleted(overlapped) \
	((DWORD)__atomic_load_n(&(overlapped)->Internal, __ATOMIC_ACQUIRE) != STATUS_PENDING)

#ifdef UNICODE
#define CreateEvent CreateEventW
#define CreateProcess CreateProcessW
#define GetCommandLine GetCommandLineW
#define GetModuleHandle GetModuleHandleW
#define GetModuleFileName GetModuleFileNameW
#define LoadLibrary LoadLibraryW
#define LoadLibraryEx LoadLibraryExW
#define FormatMessage FormatMessageW
#define GetComputerNameEx GetComputerNameExW
#define GetComputerName GetComputerNameW
#define OutputDebugString OutputDebugStringW
#define lstrlen lstrlenW
#define lstrcmp lstrcmpW
#define lstrcmpi lstrcmpiW
typedef STARTUPINFOW STARTUPINFO, *LPSTARTUPINFO;
#else
#define CreateEvent CreateEventA
#define GetModuleHandle GetModuleHandleA
#define LoadLibrary LoadLibraryA
#define FormatMessage FormatMessageA
#define lstrlen lstrlenA
#endif

#endif
