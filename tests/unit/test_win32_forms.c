/* The other forms of functions that test_win32_text.c tests: with a va_list, narrow, with sizes in bytes. They must
 * give what their sisters give. */
#include "tests/unit/win32_test.h"

#include <errno.h>
#include <pthread.h>
#include <strsafe.h>
#include <sys/wait.h>
#include <unistd.h>
#include <winsock2.h>

/* Calls a function that takes a va_list, by its name, with arguments of any number. */
#define WITH_LIST(name, result_type, parameters, call)                                                                 \
	static result_type name parameters                                                                             \
	{                                                                                                              \
		va_list arguments;                                                                                     \
		result_type result;                                                                                    \
                                                                                                                       \
		va_start(arguments, format);                                                                           \
		result = call;                                                                                         \
		va_end(arguments);                                                                                     \
		return result;                                                                                         \
	}

WITH_LIST(list_cch_w, HRESULT, (WCHAR * to, size_t size, const WCHAR *format, ...),
	  StringCchVPrintfW(to, size, format, arguments))
WITH_LIST(list_cch_a, HRESULT, (char *to, size_t size, const char *format, ...),
	  StringCchVPrintfA(to, size, format, arguments))
WITH_LIST(list_cb_w, HRESULT, (WCHAR * to, size_t size, const WCHAR *format, ...),
	  StringCbVPrintfW(to, size, format, arguments))
WITH_LIST(list_cb_a, HRESULT, (char *to, size_t size, const char *format, ...),
	  StringCbVPrintfA(to, size, format, arguments))
WITH_LIST(list_count_a, int, (const char *format, ...), _vscprintf(format, arguments))
WITH_LIST(list_count_w, int, (const WCHAR *format, ...), _vscwprintf(format, arguments))
WITH_LIST(list_old_a, int, (char *to, size_t n, const char *format, ...), _vsnprintf(to, n, format, arguments))
WITH_LIST(list_old_w, int, (WCHAR * to, size_t n, const WCHAR *format, ...), _vsnwprintf(to, n, format, arguments))
WITH_LIST(list_cut_a, int, (char *to, size_t size, size_t n, const char *format, ...),
	  _vsnprintf_s(to, size, n, format, arguments))
WITH_LIST(list_cut_w, int, (WCHAR * to, size_t size, size_t n, const WCHAR *format, ...),
	  _vsnwprintf_s(to, size, n, format, arguments))
WITH_LIST(list_bounded_a, int, (char *to, size_t size, const char *format, ...),
	  vsprintf_s(to, size, format, arguments))
WITH_LIST(list_bounded_w, int, (WCHAR * to, size_t size, const WCHAR *format, ...),
	  vswprintf_s(to, size, format, arguments))
WITH_LIST(list_a, int, (char *to, size_t size, const char *format, ...), vsnprintf(to, size, format, arguments))
WITH_LIST(list_w, int, (WCHAR * to, size_t size, const WCHAR *format, ...), vswprintf(to, size, format, arguments))
WITH_LIST(list_unbounded, int, (char *to, const char *format, ...), vsprintf(to, format, arguments))
WITH_LIST(list_file_w, int, (FILE * file, const WCHAR *format, ...), vfwprintf(file, format, arguments))
WITH_LIST(list_file_s, int, (FILE * file, const WCHAR *format, ...), vfwprintf_s(file, format, arguments))
WITH_LIST(list_out_a, int, (const char *format, ...), vprintf(format, arguments))
WITH_LIST(list_out_w, int, (const WCHAR *format, ...), vwprintf(format, arguments))
WITH_LIST(list_out_s, int, (const WCHAR *format, ...), vwprintf_s(format, arguments))

static void safe_text_by_a_list(void **state)
{
	WCHAR wide[8];
	char narrow[8];

	(void)state;
	assert_int_equal(list_cch_w(wide, 8, L"%s-%d", L"ab", 12), S_OK);
	assert_wide_equal(wide, L"ab-12");
	assert_int_equal(list_cch_w(wide, 4, L"%s-%d", L"ab", 12), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(wide, L"ab-");
	assert_int_equal(list_cch_w(wide, 0, L"x"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(list_cch_a(narrow, 8, "%s-%S", "ab", L"cd"), S_OK);
	assert_string_equal(narrow, "ab-cd");
	assert_int_equal(list_cch_a(narrow, 3, "%s-%S", "ab", L"cd"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_string_equal(narrow, "ab");
	/* Half a character at the end does not count. */
	assert_int_equal(list_cb_w(wide, 7, L"%s", L"abcd"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(wide, L"ab");
	assert_int_equal(list_cb_w(wide, 1, L"%s", L"abcd"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(list_cb_a(narrow, 8, "%lu", (DWORD)-1 / 1000), S_OK);
	assert_string_equal(narrow, "4294967");
	assert_int_equal(list_cb_a(narrow, 7, "%lu", (DWORD)-1 / 1000), STRSAFE_E_INSUFFICIENT_BUFFER);
}

static void safe_text_in_narrow_form(void **state)
{
	char text[6];

	(void)state;
	assert_int_equal(StringCbCopyA(text, 6, "peers"), S_OK);
	assert_string_equal(text, "peers");
	assert_int_equal(StringCbCopyA(text, 5, "peers"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_string_equal(text, "peer");
	assert_int_equal(StringCbCopyA(text, 0, "peers"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyNA(text, 6, "peers", 2), S_OK);
	assert_string_equal(text, "pe");
	assert_int_equal(StringCchCopyNA(text, 2, "peers", 2), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_int_equal(StringCchCopyNA(text, 6, NULL, 2), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyA(text, 6, "pe"), S_OK);
	assert_int_equal(StringCchCatA(text, 6, "er"), S_OK);
	assert_string_equal(text, "peer");
	assert_int_equal(StringCchCatA(text, 6, "ing"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_string_equal(text, "peeri");
	assert_int_equal(StringCchCatA(text, 5, "x"), STRSAFE_E_INVALID_PARAMETER); /* no end within the size */
	assert_int_equal(StringCchCopyA(text, 6, "pe"), S_OK);
	assert_int_equal(StringCbCatNA(text, 6, "ering", 2), S_OK);
	assert_string_equal(text, "peer");
	assert_int_equal(StringCbCatNA(text, 6, NULL, 2), STRSAFE_E_INVALID_PARAMETER);
}

static void formats_by_a_list(void **state)
{
	WCHAR wide[8];
	char narrow[8];

	(void)state;
	assert_int_equal(list_count_a("%S", L"\u20ac"), 3);
	assert_int_equal(list_count_w(L"%s!", L"\u20ac"), 2);
	assert_int_equal(list_old_a(narrow, 3, "%s", "abc"), 3); /* no room for a NUL, and none written */
	assert_int_equal(list_old_a(narrow, 3, "%s", "abcd"), -1);
	assert_int_equal(list_old_w(wide, 3, L"%S", "abc"), 3);
	assert_int_equal(list_old_w(wide, 3, L"%S", "abcd"), -1);
	assert_int_equal(list_cut_a(narrow, 8, 2, "%s", "abc"), -1);
	assert_string_equal(narrow, "ab");
	assert_int_equal(list_cut_a(narrow, 8, _TRUNCATE, "%s", "abc"), 3);
	assert_int_equal(list_cut_w(wide, 3, _TRUNCATE, L"%s", L"abc"), -1);
	assert_wide_equal(wide, L"ab");
	assert_int_equal(list_bounded_a(narrow, 4, "%s", "abc"), 3);
	assert_int_equal(list_bounded_a(narrow, 3, "%s", "abc"), -1);
	assert_string_equal(narrow, "");
	assert_int_equal(list_bounded_w(wide, 4, L"%d", 123), 3);
	assert_int_equal(list_bounded_w(wide, 3, L"%d", 123), -1);
	assert_wide_equal(wide, L"");
	assert_int_equal(list_a(narrow, 3, "%S", L"abc"), 3);
	assert_string_equal(narrow, "ab");
	assert_int_equal(list_w(wide, 4, L"%I64d", -12LL), 3);
	assert_wide_equal(wide, L"-12");
	assert_int_equal(list_unbounded(narrow, "%ws", L"abc"), 3);
	assert_string_equal(narrow, "abc");
}

static void files_by_a_list(void **state)
{
	char path[] = "/tmp/ponto-forms-XXXXXX", text[64];
	int fd = mkstemp(path), out = dup(STDOUT_FILENO);
	FILE *file = fdopen(fd, "w+");
	size_t len;

	(void)state;
	assert_non_null(file);
	assert_int_equal(list_file_w(file, L"%s ", L"\u00e4"), 2);
	assert_int_equal(list_file_s(file, L"%d ", 2), 2);
	assert_int_equal(fflush(file), 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	assert_int_equal(list_out_a("%S ", L"a"), 2);
	assert_int_equal(list_out_w(L"%S ", "b"), 2);
	assert_int_equal(list_out_s(L"%s", L"c"), 1);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = 0;
	assert_string_equal(text, "\u00e4 2 a b c");
	fclose(file);
	unlink(path);
}

static void words_of_a_narrow_text(void **state)
{
	char list[] = ";;one; two", *context = NULL;

	(void)state;
	assert_string_equal(strtok_s(list, "; ", &context), "one");
	assert_string_equal(strtok_s(NULL, "; ", &context), "two");
	assert_null(strtok_s(NULL, "; ", &context));
}

static void addresses_in_narrow_form(void **state)
{
	static const char *const texts[] = {"192.0.2.1:80", "[2001:db8::1]:443", "2001:db8::2", "192.0.2.2"};
	SOCKADDR_STORAGE address;
	char back[64];
	WSADATA data;

	(void)state;
	assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++) {
		INT family = strchr(texts[i], '.') ? AF_INET : AF_INET6, size = sizeof(address);
		DWORD length = sizeof(back);

		assert_int_equal(
			WSAStringToAddressA((char *)(uintptr_t)texts[i], family, NULL, (LPSOCKADDR)&address, &size), 0);
		assert_int_equal(WSAAddressToStringA((LPSOCKADDR)&address, (DWORD)size, NULL, back, &length), 0);
		assert_string_equal(back, texts[i]);
		assert_int_equal(length, strlen(texts[i]) + 1);
		length = 3;
		assert_int_equal(WSAAddressToStringA((LPSOCKADDR)&address, (DWORD)size, NULL, back, &length),
				 SOCKET_ERROR);
		assert_int_equal(WSAGetLastError(), WSAEFAULT);
		assert_int_equal(length, strlen(texts[i]) + 1);
		size = 4;
		assert_int_equal(
			WSAStringToAddressA((char *)(uintptr_t)texts[i], family, NULL, (LPSOCKADDR)&address, &size),
			SOCKET_ERROR);
		assert_int_equal(WSAGetLastError(), WSAEFAULT);
	}
	INT size = sizeof(address);
	assert_int_equal(WSAStringToAddressA((char *)(uintptr_t) "peer", AF_INET6, NULL, (LPSOCKADDR)&address, &size),
			 SOCKET_ERROR);
	assert_int_equal(WSAGetLastError(), WSAEINVAL);
	assert_int_equal(WSACleanup(), 0);
}

/* ---- ends ---- */

static void *exits(void *arg)
{
	(void)arg;
	ExitProcess(7);
}

static void a_process_ends_from_any_thread(void **state)
{
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stdout); /* what cmocka says is said by the parent */
		pthread_create(&thread, NULL, exits, NULL);
		pthread_join(thread, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(safe_text_by_a_list),
	cmocka_unit_test(safe_text_in_narrow_form),
	cmocka_unit_test(formats_by_a_list),
	cmocka_unit_test(files_by_a_list),
	cmocka_unit_test(words_of_a_narrow_text),
	cmocka_unit_test(addresses_in_narrow_form),
	cmocka_unit_test(a_process_ends_from_any_thread),
};

PONTO_TEST_MAIN(tests)
