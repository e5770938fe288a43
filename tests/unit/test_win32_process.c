/* Processes, command lines, control signals, and Winsock. */
#include "tests/unit/win32_test.h"

#include <errno.h>
#include <ponto.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <winsock2.h>
#include <ws2tcpip.h>

static BOOL start(const WCHAR *application, const WCHAR *command, PROCESS_INFORMATION *out)
{
	STARTUPINFOW startup = {.cb = sizeof(startup)};
	WCHAR line[512] = L"";

	if (command)
		wcscpy(line, command);
	return CreateProcessW(application, command ? line : NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, out);
}

static DWORD end_of(PROCESS_INFORMATION *process)
{
	DWORD code = 0;

	assert_int_equal(WaitForSingleObject(process->hProcess, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(WaitForSingleObject(process->hThread, 0), WAIT_OBJECT_0);
	assert_true(GetExitCodeProcess(process->hProcess, &code));
	assert_true(CloseHandle(process->hThread));
	assert_true(CloseHandle(process->hProcess));
	return code;
}

static void a_process_starts_and_ends(void **state)
{
	PROCESS_INFORMATION process;
	DWORD code;

	(void)state;
	assert_true(start(NULL, L"sleep 60", &process));
	assert_true(GetExitCodeProcess(process.hProcess, &code));
	assert_int_equal(code, STILL_ACTIVE);
	assert_int_equal(GetProcessId(process.hProcess), process.dwProcessId);
	assert_int_equal(WaitForSingleObject(process.hProcess, 1), WAIT_TIMEOUT);
	assert_true(TerminateProcess(process.hProcess, 77));
	assert_int_equal(end_of(&process), 77);
	assert_true(start(L"/bin/sh", L"sh -c \"exit 9\"", &process));
	assert_int_equal(end_of(&process), 9);
	assert_true(start(L"/bin/true", NULL, &process));
	assert_int_equal(end_of(&process), 0);
	assert_true(start(NULL, L"sh -c \"kill -15 $$\"", &process));
	assert_int_equal(end_of(&process), 128 + SIGTERM);
}

static void arguments_are_split_as_on_windows(void **state)
{
	PROCESS_INFORMATION process;

	(void)state;
	/* $0 swallows the first word after the script. */
	assert_true(start(
		NULL,
		L"sh -c \"test $# = 4 && test \\\"$1\\\" = 'a b' && test \\\"$2\\\" = 'c\\\"d' && test \\\"$3\\\" = "
		L"'e\\f' && test \\\"$4\\\" = ''\" zero \"a b\" c\\\"d e\\f \"\"",
		&process));
	assert_int_equal(end_of(&process), 0);
}

static void environment_and_directory(void **state)
{
	static WCHAR block[] = L"ONE=\u00e4\0PATH=/bin:/usr/bin\0";
	STARTUPINFOW startup = {.cb = sizeof(startup)};
	WCHAR line[] = L"sh -c \"test $ONE = \u00e4 && test $PWD = / && test -z \\\"$HOME\\\"\"";
	PROCESS_INFORMATION process;

	(void)state;
	assert_true(CreateProcessW(NULL, line, NULL, NULL, FALSE, CREATE_UNICODE_ENVIRONMENT | CREATE_NO_WINDOW, block,
				   L"/", &startup, &process));
	assert_int_equal(end_of(&process), 0);
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, CREATE_UNICODE_ENVIRONMENT, block, L"/no/such",
				    &startup, &process),
		     ERROR_DIRECTORY);
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, block, NULL, &startup, &process),
		     ERROR_INVALID_PARAMETER);
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &startup, &process),
		     ERROR_NOT_SUPPORTED);
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &process),
		     ERROR_INVALID_PARAMETER);
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, NULL),
		     ERROR_INVALID_PARAMETER);
	assert_fails(CreateProcessW(NULL, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process),
		     ERROR_INVALID_PARAMETER);
	startup.dwFlags = STARTF_USESTDHANDLES;
	assert_fails(CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process),
		     ERROR_NOT_SUPPORTED);
	assert_fails(start(L"/no/such/program", NULL, &process), ERROR_FILE_NOT_FOUND);
	assert_fails(start(L"/", NULL, &process), ERROR_ACCESS_DENIED);
	assert_fails(start(NULL, L"", &process), ERROR_INVALID_PARAMETER);
}

static void a_process_is_opened_by_its_id(void **state)
{
	PROCESS_INFORMATION process;
	HANDLE opened, parent;
	DWORD code;

	(void)state;
	assert_true(start(NULL, L"sh -c \"exit 3\"", &process));
	opened = OpenProcess(PROCESS_QUERY_INFORMATION | SYNCHRONIZE, FALSE, process.dwProcessId);
	assert_non_null(opened);
	assert_int_equal(end_of(&process), 3);
	/* The object is one, so the status is known to both. */
	assert_int_equal(WaitForSingleObject(opened, INFINITE), WAIT_OBJECT_0);
	assert_true(GetExitCodeProcess(opened, &code));
	assert_int_equal(code, 3);
	assert_fails(TerminateProcess(opened, 1), ERROR_ACCESS_DENIED);
	assert_true(CloseHandle(opened));
	parent = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)getppid());
	assert_non_null(parent);
	assert_int_equal(WaitForSingleObject(parent, 0), WAIT_TIMEOUT);
	assert_true(GetExitCodeProcess(parent, &code));
	assert_int_equal(code, STILL_ACTIVE);
	CloseHandle(parent);
	assert_fails(OpenProcess(SYNCHRONIZE, FALSE, 0), ERROR_INVALID_PARAMETER);
	assert_fails(OpenProcess(SYNCHRONIZE, FALSE, 0x7ffffff0), ERROR_INVALID_PARAMETER);
	assert_fails(GetExitCodeProcess(NULL, &code), ERROR_INVALID_HANDLE);
	assert_fails(GetExitCodeProcess(NULL, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(TerminateProcess(NULL, 0), ERROR_INVALID_HANDLE);
	assert_fails(GetProcessId(NULL), ERROR_INVALID_HANDLE);
	assert_true(GetExitCodeProcess(GetCurrentProcess(), &code));
	assert_int_equal(code, STILL_ACTIVE);
	assert_int_equal(GetProcessId(GetCurrentProcess()), getpid());
}

static void many_processes_are_waited_for(void **state)
{
	PROCESS_INFORMATION processes[4];
	HANDLE handles[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_true(start(NULL, i == 2 ? L"true" : L"sleep 60", &processes[i]));
		handles[i] = processes[i].hProcess;
	}
	assert_int_equal(WaitForMultipleObjects(4, handles, FALSE, INFINITE), WAIT_OBJECT_0 + 2);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			assert_true(TerminateProcess(handles[i], 1));
	assert_int_equal(WaitForMultipleObjects(4, handles, TRUE, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 4; i++)
		end_of(&processes[i]);
}

static void a_forgotten_process_leaves_no_zombie(void **state)
{
	PROCESS_INFORMATION process;

	(void)state;
	assert_true(start(NULL, L"sleep 0.1", &process));
	CloseHandle(process.hThread);
	CloseHandle(process.hProcess);
	for (int i = 0; i < 5000 && kill((pid_t)process.dwProcessId, 0) == 0; i++)
		Sleep(1);
	assert_int_equal(kill((pid_t)process.dwProcessId, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void the_own_command_line(void **state)
{
	(void)state;
	assert_non_null(wcsstr(GetCommandLineW(), L"test_win32_process"));
	assert_ptr_equal(GetCommandLineW(), GetCommandLineW());
}

/* ---- control signals ---- */

static HANDLE heard;
static DWORD heard_type;

static BOOL WINAPI hear(DWORD type)
{
	heard_type = type;
	SetEvent(heard);
	return TRUE;
}

static BOOL WINAPI pass_on(DWORD type)
{
	(void)type;
	return FALSE;
}

static void control_handlers_are_called_last_first(void **state)
{
	(void)state;
	heard = CreateEvent(NULL, FALSE, FALSE, NULL);
	assert_fails(SetConsoleCtrlHandler(hear, FALSE), ERROR_INVALID_PARAMETER);
	assert_true(SetConsoleCtrlHandler(hear, TRUE));
	assert_true(SetConsoleCtrlHandler(pass_on, TRUE));
	raise(SIGINT);
	assert_int_equal(WaitForSingleObject(heard, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(heard_type, CTRL_C_EVENT);
	raise(SIGTERM);
	assert_int_equal(WaitForSingleObject(heard, INFINITE), WAIT_OBJECT_0);
	assert_int_equal(heard_type, CTRL_CLOSE_EVENT);
	assert_true(SetConsoleCtrlHandler(NULL, TRUE));
	raise(SIGINT);
	assert_int_equal(WaitForSingleObject(heard, 20), WAIT_TIMEOUT);
	assert_true(SetConsoleCtrlHandler(NULL, FALSE));
	raise(SIGINT);
	assert_int_equal(WaitForSingleObject(heard, INFINITE), WAIT_OBJECT_0);
	assert_true(SetConsoleCtrlHandler(pass_on, FALSE));
	assert_true(SetConsoleCtrlHandler(hear, FALSE));
	for (int i = 0; i < 16; i++)
		assert_true(SetConsoleCtrlHandler(pass_on, TRUE));
	assert_fails(SetConsoleCtrlHandler(pass_on, TRUE), ERROR_NOT_ENOUGH_MEMORY);
	for (int i = 0; i < 16; i++)
		assert_true(SetConsoleCtrlHandler(pass_on, FALSE));
	CloseHandle(heard);
}

/* ---- Winsock ---- */

static void winsock_is_started_and_ended(void **state)
{
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6};
	DWORD length = 10;
	WCHAR text[10];
	WSADATA data;

	(void)state;
	assert_int_equal(WSACleanup(), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&address, sizeof(address), NULL, text, &length), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), NULL), WSAEFAULT);
	assert_int_equal(WSAStartup(MAKEWORD(0, 9), &data), WSAVERNOTSUPPORTED);
	assert_int_equal(WSAStartup(MAKEWORD(9, 0), &data), 0);
	assert_int_equal(data.wVersion, MAKEWORD(2, 2));
	assert_int_equal(WSAStartup(MAKEWORD(1, 1), &data), 0);
	assert_int_equal(data.wVersion, MAKEWORD(1, 1));
	assert_int_equal(data.wHighVersion, MAKEWORD(2, 2));
	assert_int_equal(WSACleanup(), 0);
	assert_int_equal(WSACleanup(), 0);
	assert_int_equal(WSACleanup(), SOCKET_ERROR);
}

static void round_trip(const WCHAR *text, INT family, const WCHAR *expected)
{
	SOCKADDR_STORAGE storage;
	WCHAR given[80], back[80];
	INT size = sizeof(storage);
	DWORD length = 80;

	wcscpy(given, text);
	assert_int_equal(WSAStringToAddressW(given, family, NULL, (LPSOCKADDR)&storage, &size), 0);
	assert_int_equal(size, family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6));
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&storage, (DWORD)size, NULL, back, &length), 0);
	assert_wide_equal(back, expected);
	assert_int_equal(length, wcslen(expected) + 1);
}

static void addresses_are_text(void **state)
{
	static const WCHAR *const wrong[] = {L"",     L"[::1", L"[::1]x",  L"[::1]:65536", L"::1%x",
					     L"::1%", L"name", L"1.2.3.4", L"[::1]:-1"};
	SOCKADDR_STORAGE storage = {0};
	INT size = 4;
	DWORD length = 3;
	WCHAR text[80];
	WSADATA data;

	(void)state;
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	round_trip(L"[2001:db8::1]:3540", AF_INET6, L"[2001:db8::1]:3540");
	round_trip(L"fe80::1%7", AF_INET6, L"fe80::1%7");
	round_trip(L"[fe80:0::1%7]:80", AF_INET6, L"[fe80::1%7]:80");
	round_trip(L"[::1]", AF_INET6, L"::1");
	round_trip(L"192.0.2.1:80", AF_INET, L"192.0.2.1:80");
	round_trip(L"192.0.2.1", AF_INET, L"192.0.2.1");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++) {
		size = sizeof(storage);
		assert_int_equal(
			WSAStringToAddressW(wcscpy(text, wrong[i]), AF_INET6, NULL, (LPSOCKADDR)&storage, &size),
			SOCKET_ERROR);
		assert_int_equal(WSAGetLastError(), WSAEINVAL);
	}
	size = 4;
	assert_int_equal(WSAStringToAddressW(wcscpy(text, L"::1"), AF_INET6, NULL, (LPSOCKADDR)&storage, &size),
			 SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEFAULT);
	assert_int_equal(size, sizeof(SOCKADDR_IN6));
	assert_int_equal(WSAStringToAddressW(text, AF_UNIX, NULL, (LPSOCKADDR)&storage, &size), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEINVAL);
	assert_int_equal(WSAStringToAddressW(NULL, AF_INET6, NULL, (LPSOCKADDR)&storage, &size), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEFAULT);
	assert_int_equal(WSAStringToAddressW(text, AF_INET6, NULL, (LPSOCKADDR)&storage, &size), 0);
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&storage, (DWORD)size, NULL, text, &length), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEFAULT);
	assert_int_equal(length, 4);
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&storage, 4, NULL, text, &length), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEFAULT);
	assert_int_equal(WSAAddressToStringW(NULL, 4, NULL, text, &length), SOCKET_ERROR);
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&storage, 28, NULL, text, NULL), SOCKET_ERROR);
	storage.ss_family = AF_UNIX;
	assert_int_equal(WSAAddressToStringW((LPSOCKADDR)&storage, sizeof(storage), NULL, text, &length), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEINVAL);
	assert_int_equal(WSACleanup(), 0);
}

static void presentation_of_addresses(void **state)
{
	struct in6_addr address;
	WCHAR text[46];

	(void)state;
	assert_int_equal(InetPtonW(AF_INET6, L"2001:db8::5", &address), 1);
	assert_ptr_equal(InetNtopW(AF_INET6, &address, text, 46), text);
	assert_wide_equal(text, L"2001:db8::5");
	assert_int_equal(InetPtonW(AF_INET6, L"\u00e4", &address), 0);
	assert_int_equal(InetPtonW(AF_UNIX, L"::1", &address), -1);
	assert_int_equal(WSAGetLastError(), WSAEAFNOSUPPORT);
	assert_int_equal(InetPtonW(AF_INET, NULL, &address), -1);
	assert_fails(InetNtopW(AF_INET6, &address, text, 4), ERROR_INVALID_PARAMETER);
	assert_fails(InetNtopW(AF_UNIX, &address, text, 46), WSAEAFNOSUPPORT);
	assert_fails(InetNtopW(AF_INET, NULL, text, 46), WSAEINVAL);
}

static void names_of_hosts(void **state)
{
	ADDRINFOW hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	ADDRINFOW wrong = {.ai_addrlen = 1};
	PADDRINFOW found = NULL;
	WCHAR node[64], service[16];

	(void)state;
	assert_int_equal(GetAddrInfoW(L"::1", L"80", &hints, &found), 0);
	assert_int_equal(found->ai_family, AF_INET6);
	assert_int_equal(ntohs(((SOCKADDR_IN6 *)found->ai_addr)->sin6_port), 80);
	assert_int_equal(GetNameInfoW(found->ai_addr, (socklen_t)found->ai_addrlen, node, 64, service, 16,
				      NI_NUMERICHOST | NI_NUMERICSERV),
			 0);
	assert_wide_equal(node, L"::1");
	assert_wide_equal(service, L"80");
	assert_int_equal(GetNameInfoW(found->ai_addr, (socklen_t)found->ai_addrlen, node, 2, NULL, 0, NI_NUMERICHOST),
			 ERROR_INSUFFICIENT_BUFFER);
	FreeAddrInfoW(found);
	FreeAddrInfoW(NULL);
	hints.ai_flags |= AI_CANONNAME;
	assert_int_equal(GetAddrInfoW(L"::1", NULL, &hints, &found), 0);
	assert_wide_equal(found->ai_canonname, L"::1");
	FreeAddrInfoW(found);
	assert_int_equal(GetAddrInfoW(L"no number", NULL, &hints, &found), WSAHOST_NOT_FOUND);
	assert_int_equal(WSAGetLastError(), WSAHOST_NOT_FOUND);
	assert_int_equal(GetAddrInfoW(L"::1", L"no such service", &hints, &found), WSATYPE_NOT_FOUND);
	assert_int_equal(GetAddrInfoW(L"::1", NULL, &wrong, &found), WSANO_RECOVERY);
	assert_int_equal(GetAddrInfoW(NULL, NULL, &hints, &found), WSAHOST_NOT_FOUND);
	assert_int_equal(GetAddrInfoW(L"::1", NULL, &hints, NULL), WSAEFAULT);
	assert_int_equal(GetNameInfoW(NULL, 0, node, 64, NULL, 0, 0), WSAEFAULT);
	assert_wide_equal(gai_strerrorW(WSAHOST_NOT_FOUND), L"No such host. ");
	assert_int_equal(closesocket(INVALID_SOCKET), SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
	assert_int_equal(closesocket((SOCKET)socket(AF_INET6, SOCK_DGRAM, 0)), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_process_starts_and_ends),	 cmocka_unit_test(arguments_are_split_as_on_windows),
	cmocka_unit_test(environment_and_directory),	 cmocka_unit_test(a_process_is_opened_by_its_id),
	cmocka_unit_test(many_processes_are_waited_for), cmocka_unit_test(a_forgotten_process_leaves_no_zombie),
	cmocka_unit_test(the_own_command_line),		 cmocka_unit_test(control_handlers_are_called_last_first),
	cmocka_unit_test(winsock_is_started_and_ended),	 cmocka_unit_test(addresses_are_text),
	cmocka_unit_test(presentation_of_addresses),	 cmocka_unit_test(names_of_hosts),
};

PONTO_TEST_MAIN(tests)
