/* Messages, modules, memory, time, the machine, UUIDs, code pages. */
#include "tests/unit/win32_test.h"

#include <ponto.h>
#include <time.h>
#include <unistd.h>

/* ---- messages ---- */

static void a_code_has_a_text(void **state)
{
	WCHAR text[128], *allocated = NULL;
	DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
	char narrow[128];

	(void)state;
	assert_int_equal(FormatMessageW(flags, NULL, ERROR_ACCESS_DENIED, 0, text, 128, NULL), 16);
	assert_wide_equal(text, L"Access denied.\r\n");
	assert_int_equal(FormatMessageW(flags | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL, (DWORD)E_ACCESSDENIED,
					MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPWSTR)&allocated, 0, NULL),
			 16);
	assert_wide_equal(allocated, L"Access denied.\r\n");
	assert_null(LocalFree(allocated));
	assert_int_equal(FormatMessageA(flags | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL, ERROR_ACCESS_DENIED, 0x409, narrow,
					128, NULL),
			 15);
	assert_string_equal(narrow, "Access denied. ");
	assert_true(FormatMessageW(flags, NULL, (DWORD)PEER_E_INVALID_PEER_NAME, 0, text, 128, NULL));
	assert_wide_equal(text, L"Malformed peer name.\r\n");
	assert_true(FormatMessageW(flags, NULL, (DWORD)HRESULT_FROM_WIN32(11504), 0, text, 128, NULL));
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE, GetModuleHandleW(L"p2p.dll"), (DWORD)PEER_E_NO_MORE, 0,
				   text, 128, NULL));
}

static void wrong_calls_of_format_message(void **state)
{
	DWORD system = FORMAT_MESSAGE_FROM_SYSTEM, string = FORMAT_MESSAGE_FROM_STRING;
	WCHAR text[4];

	(void)state;
	assert_fails(FormatMessageW(system, NULL, 0x7fff1234, 0, text, 4, NULL), ERROR_MR_MID_NOT_FOUND);
	assert_fails(FormatMessageW(system, NULL, 5, 0, text, 4, NULL), ERROR_INSUFFICIENT_BUFFER);
	assert_fails(FormatMessageW(system, NULL, 5, 0x407, text, 4, NULL), ERROR_RESOURCE_LANG_NOT_FOUND);
	assert_fails(FormatMessageW(system, NULL, 5, 0, NULL, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(0, L"x", 5, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(system | string, L"x", 5, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(string, NULL, 5, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE, NULL, 5, 0, text, 4, NULL),
		     ERROR_RESOURCE_TYPE_NOT_FOUND);
	assert_fails(FormatMessageW(string, L"%1", 0, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(string, L"%", 0, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(string, L"%1!d", 0, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
	assert_fails(FormatMessageW(string, L"%1!f!", 0, 0, text, 4, NULL), ERROR_INVALID_PARAMETER);
}

static DWORD with_list(WCHAR *out, const WCHAR *definition, ...)
{
	va_list list;
	DWORD len;

	va_start(list, definition);
	len = FormatMessageW(FORMAT_MESSAGE_FROM_STRING, definition, 0, 0, out, 128, &list);
	va_end(list);
	return len;
}

static DWORD with_list_a(char *out, const char *definition, ...)
{
	va_list list;
	DWORD len;

	va_start(list, definition);
	len = FormatMessageA(FORMAT_MESSAGE_FROM_STRING, definition, 0, 0, out, 128, &list);
	va_end(list);
	return len;
}

static void inserts(void **state)
{
	DWORD_PTR array[] = {4, 2, (DWORD_PTR)L"Bill", (DWORD_PTR)L"Bob", 6, (DWORD_PTR)L"Bill"};
	WCHAR text[128];
	char narrow[128];

	(void)state;
	assert_int_equal(with_list(text, L"%2 %1 %3!d!%%%4!x!%n%!%.%t%r%0 not this", L"one", L"two", -3, 255), 19);
	assert_wide_equal(text, L"two one -3%ff\r\n!.\t\r");
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%1!*.*s! %4 %5!*s!", 0,
				   0, text, 128, (va_list *)array));
	assert_wide_equal(text, L"  Bi Bob   Bill");
	assert_true(with_list(text, L"%1!*.*s! %3 %4!*s!", 4, 2, L"Bill", L"Bob", 6, L"Bill"));
	assert_wide_equal(text, L"  Bi Bob   Bill");
	assert_true(with_list_a(narrow, "%1 %2!S! %12", "n", L"\u00e4", "3", "4", "5", "6", "7", "8", "9", "10", "11",
				"twelve"));
	assert_string_equal(narrow, "n \xc3\xa4 twelve");
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS, L"%1 %2!d!", 0, 0, text,
				   128, NULL));
	assert_wide_equal(text, L"%1 %2!d!");
}

static void lines_are_broken(void **state)
{
	WCHAR text[128];

	(void)state;
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | 10, L"one two\r\nthree four verylongword five%nsix", 0,
				   0, text, 128, NULL));
	assert_wide_equal(text, L"one two\r\nthree four\r\nverylongword\r\nfive\r\nsix");
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | 255, L"a\nb%nc", 0, 0, text, 128, NULL));
	assert_wide_equal(text, L"a b\r\nc");
	assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_STRING, L"a\nb", 0, 0, text, 128, NULL));
	assert_wide_equal(text, L"a\nb");
}

/* ---- modules ---- */

static void modules(void **state)
{
	HMODULE own = LoadLibraryW(L"P2P.DLL"), host;
	ULONGLONG (*ticks)(void);
	WCHAR path[512];
	DWORD len;

	(void)state;
	assert_non_null(own);
	assert_ptr_equal(GetModuleHandleW(L"p2p"), own);
	assert_ptr_equal(LoadLibraryExW(L"kernel32.dll", NULL, LOAD_LIBRARY_AS_DATAFILE), own);
	ticks = (ULONGLONG(*)(void))(uintptr_t)GetProcAddress(own, "GetTickCount64");
	assert_non_null(ticks);
	assert_true(ticks() > 0);
	assert_fails(GetProcAddress(own, "NoSuchFunction"), ERROR_PROC_NOT_FOUND);
	assert_fails(GetProcAddress(own, (LPCSTR)(ULONG_PTR)7), ERROR_PROC_NOT_FOUND);
	assert_true(FreeLibrary(own));
	host = LoadLibraryA("libm.so.6");
	assert_non_null(host);
	assert_non_null(GetProcAddress(host, "cos"));
	assert_ptr_equal(GetModuleHandleA("libm.so.6"), host);
	assert_true(FreeLibrary(host));
	assert_fails(FreeLibrary(NULL), ERROR_INVALID_HANDLE);
	assert_fails(LoadLibraryW(L"nosuch.dll"), ERROR_MOD_NOT_FOUND);
	assert_fails(LoadLibraryW(NULL), ERROR_INVALID_PARAMETER);
	assert_fails(LoadLibraryExW(L"p2p", own, 0), ERROR_INVALID_PARAMETER);
	assert_fails(GetModuleHandleA("nosuch.dll"), ERROR_MOD_NOT_FOUND);
	assert_non_null(GetModuleHandleW(NULL));
	len = GetModuleFileNameW(NULL, path, 512);
	assert_int_equal(len, wcslen(path));
	assert_non_null(wcsstr(path, L"test_win32_base"));
	assert_int_equal(GetModuleFileNameW(NULL, path, 3), 3);
	assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	assert_int_equal(wcslen(path), 2);
	assert_fails(GetModuleFileNameW(NULL, NULL, 0), ERROR_INSUFFICIENT_BUFFER);
	assert_true(GetModuleFileNameW(own, path, 512) > 0);
	assert_non_null(wcsstr(path, L"libponto"));
}

/* ---- memory ---- */

static void memory(void **state)
{
	HANDLE heap = GetProcessHeap();
	unsigned char *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, 10);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(block[i], 0);
	block[9] = 1;
	block = HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 1000);
	assert_int_equal(block[9], 1);
	for (int i = 10; i < 1000; i++)
		assert_int_equal(block[i], 0);
	assert_true(HeapSize(heap, 0, block) >= 1000);
	assert_ptr_equal(SecureZeroMemory(block, 10), block);
	assert_int_equal(block[9], 0);
	assert_true(HeapFree(heap, 0, block));
	assert_true(HeapFree(heap, 0, NULL));
	block = LocalAlloc(LPTR, 0);
	assert_non_null(block);
	assert_null(LocalFree(block));
	assert_null(LocalFree(NULL));
	assert_fails(HeapAlloc(NULL, 0, 1), ERROR_INVALID_HANDLE);
	assert_fails(HeapFree(NULL, 0, NULL), ERROR_INVALID_HANDLE);
	assert_fails(HeapReAlloc(heap, 0, NULL, 1), ERROR_INVALID_PARAMETER);
}

/* ---- time ---- */

static void times(void **state)
{
	SYSTEMTIME leap = {.wYear = 2000,
			   .wMonth = 2,
			   .wDay = 29,
			   .wHour = 12,
			   .wMinute = 34,
			   .wSecond = 56,
			   .wMilliseconds = 789};
	SYSTEMTIME back, never = {.wYear = 2001, .wMonth = 2, .wDay = 29},
			 early = {.wYear = 1600, .wMonth = 1, .wDay = 1};
	FILETIME file, epoch = {0xd53e8000, 0x019db1de}, late = {0, 0x80000000}, now;
	ULONGLONG before = GetTickCount64();
	LARGE_INTEGER a, b, frequency;

	(void)state;
	/* 1970-01-01 is 116444736000000000. */
	assert_true(FileTimeToSystemTime(&epoch, &back));
	assert_int_equal(back.wYear, 1970);
	assert_int_equal(back.wDayOfWeek, 4);
	assert_true(SystemTimeToFileTime(&leap, &file));
	assert_true(FileTimeToSystemTime(&file, &back));
	leap.wDayOfWeek = 2;
	assert_memory_equal(&back, &leap, sizeof(back));
	assert_fails(SystemTimeToFileTime(&never, &file), ERROR_INVALID_PARAMETER);
	assert_fails(SystemTimeToFileTime(&early, &file), ERROR_INVALID_PARAMETER);
	assert_fails(FileTimeToSystemTime(&late, &back), ERROR_INVALID_PARAMETER);
	assert_fails(FileTimeToSystemTime(NULL, &back), ERROR_INVALID_PARAMETER);
	GetSystemTimeAsFileTime(&now);
	assert_int_equal(CompareFileTime(&epoch, &now), -1);
	assert_int_equal(CompareFileTime(&now, &epoch), 1);
	assert_int_equal(CompareFileTime(&now, &now), 0);
	setenv("TZ", "UTC-2", 1);
	tzset();
	assert_true(FileTimeToLocalFileTime(&epoch, &file));
	assert_true(FileTimeToSystemTime(&file, &back));
	assert_int_equal(back.wHour, 2);
	GetSystemTime(&back);
	assert_true(back.wYear >= 2024);
	GetLocalTime(&back);
	assert_true(back.wMonth >= 1 && back.wMonth <= 12);
	assert_true(QueryPerformanceFrequency(&frequency));
	assert_true(QueryPerformanceCounter(&a));
	Sleep(2);
	assert_int_equal(SleepEx(1, TRUE), 0);
	assert_true(QueryPerformanceCounter(&b));
	assert_true(b.QuadPart - a.QuadPart >= 3 * frequency.QuadPart / 1000);
	assert_true(GetTickCount64() >= before + 2);
	assert_true(GetTickCount() != 0);
	assert_fails(QueryPerformanceCounter(NULL), ERROR_INVALID_PARAMETER);
}

/* ---- the machine, text, code pages ---- */

static void computer_names(void **state)
{
	WCHAR name[1025], bare[1025];
	char host[256];
	DWORD size = 1025, needed;

	(void)state;
	gethostname(host, sizeof(host));
	assert_true(GetComputerNameExW(ComputerNameDnsHostname, bare, &size));
	assert_int_equal(size, wcslen(bare));
	assert_null(wcschr(bare, L'.'));
	assert_int_equal(strncmp(host, "", 1) != 0, size > 0);
	needed = 0;
	assert_fails(GetComputerNameExW(ComputerNameDnsHostname, NULL, &needed), ERROR_MORE_DATA);
	assert_int_equal(needed, size + 1);
	for (COMPUTER_NAME_FORMAT format = ComputerNameNetBIOS; format < ComputerNameMax; format++) {
		size = 1025;
		assert_true(GetComputerNameExW(format, name, &size));
		assert_int_equal(size, wcslen(name));
	}
	size = 1025;
	assert_true(GetComputerNameW(name, &size));
	assert_true(size <= MAX_COMPUTERNAME_LENGTH);
	assert_int_equal(_wcsnicmp(name, bare, size), 0);
	size = 1;
	assert_fails(GetComputerNameW(name, &size), ERROR_BUFFER_OVERFLOW);
	assert_fails(GetComputerNameExW(ComputerNameMax, name, &size), ERROR_INVALID_PARAMETER);
	assert_fails(GetComputerNameExW(ComputerNameNetBIOS, name, NULL), ERROR_INVALID_PARAMETER);
	assert_int_equal(lstrlenW(NULL), 0);
	assert_int_equal(lstrlenW(L"abc"), 3);
	assert_int_equal(lstrlenA("ab"), 2);
	assert_int_equal(lstrcmpW(L"a", L"A"), 1);
	assert_int_equal(lstrcmpiW(L"a", L"A"), 0);
	OutputDebugStringW(L"seen only when asked for");
}

static void code_pages(void **state)
{
	WCHAR wide[8];
	char text[8];

	(void)state;
	assert_int_equal(GetACP(), CP_UTF8);
	assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "\xc3\xa4", -1, wide, 8), 2);
	assert_wide_equal(wide, L"\u00e4");
	assert_int_equal(MultiByteToWideChar(CP_ACP, MB_PRECOMPOSED, "a\0b", 3, wide, 8), 3);
	assert_int_equal(wide[2], L'b');
	assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, NULL, 0), 4);
	assert_fails(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 3), ERROR_INSUFFICIENT_BUFFER);
	assert_fails(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xc3", -1, wide, 8),
		     ERROR_NO_UNICODE_TRANSLATION);
	assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "\xc3", -1, wide, 8), 2);
	assert_int_equal(wide[0], 0xfffd);
	assert_fails(MultiByteToWideChar(1252, 0, "a", -1, wide, 8), ERROR_INVALID_PARAMETER);
	assert_fails(MultiByteToWideChar(CP_UTF8, 0x40000, "a", -1, wide, 8), ERROR_INVALID_FLAGS);
	assert_fails(MultiByteToWideChar(CP_UTF8, 0, NULL, -1, wide, 8), ERROR_INVALID_PARAMETER);
	assert_fails(MultiByteToWideChar(CP_UTF8, 0, "a", 0, wide, 8), ERROR_INVALID_PARAMETER);
	assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, L"\u20ac", -1, text, 8, NULL, NULL), 4);
	assert_string_equal(text, "\xe2\x82\xac");
	assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, L"\u20ac", 1, NULL, 0, NULL, NULL), 3);
	assert_fails(WideCharToMultiByte(CP_UTF8, 0, L"\u20ac", -1, text, 3, NULL, NULL), ERROR_INSUFFICIENT_BUFFER);
	assert_fails(WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, L"\xd800", 1, text, 8, NULL, NULL),
		     ERROR_NO_UNICODE_TRANSLATION);
	assert_fails(WideCharToMultiByte(CP_UTF8, 0, L"a", -1, text, 8, "?", NULL), ERROR_INVALID_PARAMETER);
}

static void wide_arguments(void **state)
{
	char one[] = "a", two[] = "\xc3\xa4\xff", *texts[] = {one, two, NULL};
	WCHAR **wide = PontoWideArguments(texts);

	(void)state;
	assert_wide_equal(wide[0], L"a");
	assert_wide_equal(wide[1], L"\u00e4\ufffd");
	assert_null(wide[2]);
	LocalFree(wide);
}

static void uuids(void **state)
{
	UUID uuid = {0x01234567, 0x89ab, 0xcdef, {0x80, 1, 2, 3, 4, 5, 6, 7}}, back, other;
	WCHAR wrong[] = L"01234567-89ab-cdef-8001-02030405060g", *wide = NULL;
	RPC_CSTR narrow = NULL;

	(void)state;
	assert_int_equal(UuidToStringW(&uuid, &wide), RPC_S_OK);
	assert_wide_equal(wide, L"01234567-89ab-cdef-8001-020304050607");
	assert_int_equal(UuidFromStringW(wide, &back), RPC_S_OK);
	assert_true(IsEqualGUID(&uuid, &back));
	assert_int_equal(RpcStringFreeW(&wide), RPC_S_OK);
	assert_null(wide);
	assert_int_equal(UuidToStringA(NULL, &narrow), RPC_S_OK);
	assert_string_equal((char *)narrow, "00000000-0000-0000-0000-000000000000");
	assert_int_equal(UuidFromStringA(narrow, &back), RPC_S_OK);
	assert_int_equal(back.Data1, 0);
	assert_int_equal(RpcStringFreeA(&narrow), RPC_S_OK);
	assert_int_equal(UuidFromStringW(wrong, &back), RPC_S_INVALID_STRING_UUID);
	wrong[35] = 0;
	assert_int_equal(UuidFromStringW(wrong, &back), RPC_S_INVALID_STRING_UUID);
	back = uuid;
	assert_int_equal(UuidFromStringW(NULL, &back), RPC_S_OK);
	assert_int_equal(back.Data1, 0);
	assert_int_equal(UuidCreate(&back), RPC_S_OK);
	assert_int_equal(UuidCreate(&other), RPC_S_OK);
	assert_false(IsEqualGUID(&back, &other));
	assert_int_equal(back.Data3 >> 12, 4);
	assert_int_equal(back.Data4[0] >> 6, 2);
	assert_int_equal(UuidCreate(NULL), RPC_S_INVALID_ARG);
	assert_int_equal(UuidToStringW(&uuid, NULL), RPC_S_INVALID_ARG);
	assert_int_equal(RpcStringFreeW(NULL), RPC_S_INVALID_ARG);
}

static void interlocked(void **state)
{
	LONG value = 5;
	PVOID pointer = NULL;
	LONG64 wide = 1;

	(void)state;
	assert_int_equal(InterlockedIncrement(&value), 6);
	assert_int_equal(InterlockedDecrement(&value), 5);
	assert_int_equal(InterlockedExchange(&value, 7), 5);
	assert_int_equal(InterlockedExchangeAdd(&value, 3), 7);
	assert_int_equal(InterlockedCompareExchange(&value, 1, 9), 10);
	assert_int_equal(InterlockedCompareExchange(&value, 1, 10), 10);
	assert_int_equal(InterlockedOr(&value, 6), 1);
	assert_int_equal(InterlockedAnd(&value, 3), 7);
	assert_int_equal(value, 3);
	assert_null(InterlockedExchangePointer(&pointer, &value));
	assert_ptr_equal(InterlockedCompareExchangePointer(&pointer, NULL, &value), &value);
	assert_null(pointer);
	assert_true(InterlockedIncrement64(&wide) == 2 && InterlockedDecrement64(&wide) == 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_code_has_a_text),
	cmocka_unit_test(wrong_calls_of_format_message),
	cmocka_unit_test(inserts),
	cmocka_unit_test(lines_are_broken),
	cmocka_unit_test(modules),
	cmocka_unit_test(memory),
	cmocka_unit_test(times),
	cmocka_unit_test(computer_names),
	cmocka_unit_test(code_pages),
	cmocka_unit_test(wide_arguments),
	cmocka_unit_test(uuids),
	cmocka_unit_test(interlocked),
};

PONTO_TEST_MAIN(tests)
