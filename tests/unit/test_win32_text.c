/* The wide functions of the C library, Microsoft's bounded ones, formats, files. */
#include "tests/unit/win32_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strsafe.h>
#include <time.h>
#include <stdio_ext.h>
#include <unistd.h>

static void a_wide_character_has_16_bits(void **state)
{
	(void)state;
	assert_int_equal(sizeof(WCHAR), 2);
	assert_int_equal(sizeof(L"ab"), 6);
	/* U+1F600 is two units. */
	assert_int_equal(wcslen(L"\U0001F600"), 2);
	assert_int_equal(L"\U0001F600"[0], 0xd83d);
}

static void copies_and_comparisons(void **state)
{
	WCHAR text[16];

	(void)state;
	assert_ptr_equal(wcscpy(text, L"peer"), text);
	assert_wide_equal(wcscat(text, L"net"), L"peernet");
	assert_wide_equal(wcsncat(text, L"working", 4), L"peernetwork");
	assert_int_equal(wcsnlen(text, 4), 4);
	assert_wide_equal(wcsncpy(text, L"ab", 5), L"ab");
	assert_int_equal(text[4], 0);
	assert_int_equal(wcscmp(L"a", L"b"), -1);
	assert_int_equal(wcscmp(L"\xffff", L"a"), 1);
	assert_int_equal(wcsncmp(L"abc", L"abd", 2), 0);
	assert_int_equal(_wcsicmp(L"Peer", L"pEER"), 0);
	assert_int_equal(_wcsicmp(L"\u00c4", L"\u00e4"), -1);
	assert_int_equal(_wcsnicmp(L"PEERx", L"peery", 4), 0);
	assert_int_equal(wcscasecmp(L"A", L"a"), 0);
	assert_int_equal(wcsncasecmp(L"Ab", L"aC", 1), 0);
	assert_int_equal(_wcsicoll(L"A", L"b"), -1);
	assert_int_equal(wcscoll(L"a", L"a"), 0);
	assert_int_equal(wcsxfrm(text, L"abc", 16), 3);
	assert_int_equal(wmemcmp(L"ab", L"ac", 2), -1);
	assert_wide_equal(wmemset(wmemcpy(text, L"abc", 4), L'x', 2), L"xxc");
	wmemmove(text + 1, text, 4);
	assert_wide_equal(text, L"xxxc");
	assert_wide_equal(_wcsupr(wcscpy(text, L"Peer 1")), L"PEER 1");
	assert_wide_equal(_wcslwr(text), L"peer 1");
	assert_wide_equal(_wcsrev(text), L"1 reep");
}

static void searches(void **state)
{
	const WCHAR *text = L"a.b.c";
	WCHAR list[] = L";;one; two", *context = NULL, *copy;

	(void)state;
	assert_ptr_equal(wcschr(text, L'.'), text + 1);
	assert_ptr_equal(wcschr(text, 0), text + 5);
	assert_null(wcschr(text, L'x'));
	assert_ptr_equal(wcsrchr(text, L'.'), text + 3);
	assert_ptr_equal(wcsstr(text, L"b."), text + 2);
	assert_ptr_equal(wcsstr(text, L""), text);
	assert_null(wcsstr(text, L"c."));
	assert_ptr_equal(wcspbrk(text, L"xc"), text + 4);
	assert_null(wcspbrk(text, L"x"));
	assert_int_equal(wcsspn(text, L"a."), 2);
	assert_int_equal(wcscspn(text, L"c"), 4);
	assert_ptr_equal(wmemchr(text, L'b', 5), text + 2);
	assert_wide_equal(wcstok_s(list, L"; ", &context), L"one");
	assert_wide_equal(wcstok(NULL, L"; ", &context), L"two");
	assert_null(wcstok_s(NULL, L"; ", &context));
	assert_null(wcstok_s(NULL, NULL, &context));
	copy = _wcsdup(text);
	assert_wide_equal(copy, text);
	free(copy);
	assert_null(_wcsdup(NULL));
	copy = wcsdup(text);
	assert_wide_equal(copy, text);
	free(copy);
}

static void numbers(void **state)
{
	WCHAR text[80], *end;

	(void)state;
	assert_int_equal(_wtoi(L" -17x"), -17);
	assert_int_equal(_wtoi(L"99999999999"), INT32_MAX);
	assert_int_equal(_wtoi(NULL), 0);
	assert_int_equal(_wtol(L"\u0661"), 0);
	assert_true(_wtoi64(L"-9000000000") == -9000000000);
	assert_true(_atoi64("9000000000") == 9000000000);
	assert_true(_wtof(L"2.5e1") == 25.0);
	assert_int_equal(wcstol(L"0x1fz", &end, 0), 31);
	assert_wide_equal(end, L"z");
	errno = 0;
	assert_true(wcstoul(L"4294967295", NULL, 10) == 4294967295);
	assert_int_equal(errno, 0);
	assert_true(wcstoul(L"4294967296", NULL, 10) == 4294967295);
	assert_int_equal(errno, ERANGE);
	assert_true(wcstoul(L"-1", NULL, 10) == 4294967295);
	assert_true(wcstol(L"-3000000000", NULL, 10) == INT32_MIN);
	assert_true(wcstoll(L"-3000000000", NULL, 10) == -3000000000);
	assert_true(wcstoull(L"ff00000000", NULL, 16) == 0xff00000000);
	assert_true(_wcstoui64(L"7", NULL, 8) == 7 && _wcstoi64(L"-7", NULL, 8) == -7);
	assert_true(wcstod(L"1.5", &end) == 1.5 && *end == 0);
	assert_true(wcstof(L"x", &end) == 0 && *end == L'x');
	wmemset(text, L'0', 79);
	text[79] = 0;
	assert_true(wcstoll(text, &end, 10) == 0 && *end == 0);
	assert_int_equal(_itow_s(-12, text, 80, 10), 0);
	assert_wide_equal(text, L"-12");
	assert_int_equal(_itow_s(-1, text, 80, 16), 0);
	assert_wide_equal(text, L"ffffffff");
	assert_int_equal(_i64tow_s(INT64_MIN, text, 80, 10), 0);
	assert_wide_equal(text, L"-9223372036854775808");
	assert_int_equal(_ultow_s(35, text, 2, 36), 0);
	assert_wide_equal(text, L"z");
	assert_int_equal(_ultow_s(36, text, 2, 36), ERANGE);
	assert_wide_equal(text, L"");
	assert_int_equal(_ui64tow_s(1, text, 80, 1), EINVAL);
	assert_int_equal(_ui64tow_s(1, NULL, 80, 10), EINVAL);
	assert_int_equal(_i64tow_s(-1, text, 2, 10), ERANGE);
}

static void the_bounded_functions(void **state)
{
	WCHAR text[6];
	char narrow[4];

	(void)state;
	assert_int_equal(wcscpy_s(text, 6, L"peers"), 0);
	assert_wide_equal(text, L"peers");
	assert_int_equal(wcscpy_s(text, 6, L"sixsix"), ERANGE);
	assert_wide_equal(text, L"");
	assert_int_equal(wcscpy_s(NULL, 6, L"x"), EINVAL);
	assert_int_equal(wcscpy_s(text, 0, L"x"), EINVAL);
	assert_int_equal(wcscpy_s(text, 6, NULL), EINVAL);
	assert_int_equal(wcsncpy_s(text, 6, L"abcdefgh", 3), 0);
	assert_wide_equal(text, L"abc");
	assert_int_equal(wcsncpy_s(text, 6, L"abcdefgh", _TRUNCATE), STRUNCATE);
	assert_wide_equal(text, L"abcde");
	assert_int_equal(wcsncpy_s(text, 6, L"abcdefgh", 6), ERANGE);
	assert_int_equal(wcscpy_s(text, 6, L"ab"), 0);
	assert_int_equal(wcscat_s(text, 6, L"cd"), 0);
	assert_int_equal(wcsncat_s(text, 6, L"ef", 1), 0);
	assert_wide_equal(text, L"abcde");
	assert_int_equal(wcscat_s(text, 6, L"f"), ERANGE);
	wmemset(text, L'x', 6);
	assert_int_equal(wcscat_s(text, 6, L"f"), EINVAL);
	assert_int_equal(_wcsupr_s(wcscpy(text, L"ab"), 6), 0);
	assert_wide_equal(text, L"AB");
	assert_int_equal(_wcslwr_s(text, 6), 0);
	assert_int_equal(_wcslwr_s(text, 2), EINVAL);
	assert_int_equal(wmemcpy_s(text, 6, L"xyz", 4), 0);
	assert_wide_equal(text, L"xyz");
	assert_int_equal(wmemcpy_s(text, 2, L"xyz", 4), ERANGE);
	assert_int_equal(wcsnlen_s(NULL, 4), 0);
	assert_int_equal(wcsnlen_s(L"abc", 2), 2);
	assert_int_equal(strcpy_s(narrow, 4, "abc"), 0);
	assert_int_equal(strcat_s(narrow, 4, "d"), ERANGE);
	assert_int_equal(strncpy_s(narrow, 4, "abcd", 2), 0);
	assert_int_equal(strncat_s(narrow, 4, "cd", _TRUNCATE), STRUNCATE);
	assert_string_equal(narrow, "abc");
	assert_int_equal(memcpy_s(narrow, 4, NULL, 1), EINVAL);
	assert_int_equal(narrow[0], 0);
	assert_int_equal(_stricmp("Ab", "aB"), 0);
	assert_int_equal(_strnicmp("Abx", "aBy", 2), 0);
	assert_null(_strdup(NULL));
}

static void utf8_and_back(void **state)
{
	WCHAR wide[8];
	char text[8];
	size_t n;

	(void)state;
	assert_int_equal(mbstowcs(wide, "\xc3\xa4\xf0\x9f\x98\x80", 8), 3);
	assert_wide_equal(wide, L"\u00e4\U0001F600");
	assert_int_equal(mbstowcs(NULL, "abc", 0), 3);
	assert_int_equal(mbstowcs(wide, "a\xf0\x9f\x98\x80", 2), 1);
	assert_int_equal(mbstowcs(wide, "\xff", 8), (size_t)-1);
	assert_int_equal(errno, EILSEQ);
	assert_int_equal(wcstombs(text, L"\u20ac", 8), 3);
	assert_string_equal(text, "\xe2\x82\xac");
	assert_int_equal(wcstombs(text, L"\xd800", 8), (size_t)-1);
	assert_int_equal(mbstowcs_s(&n, wide, 8, "abc", _TRUNCATE), 0);
	assert_int_equal(n, 4);
	assert_int_equal(mbstowcs_s(&n, wide, 3, "abc", _TRUNCATE), STRUNCATE);
	assert_wide_equal(wide, L"ab");
	assert_int_equal(mbstowcs_s(&n, wide, 3, "abc", 3), ERANGE);
	assert_int_equal(mbstowcs_s(&n, wide, 3, "abc", 2), 0);
	assert_int_equal(mbstowcs_s(&n, NULL, 0, "abc", 0), 0);
	assert_int_equal(n, 4);
	assert_int_equal(mbstowcs_s(&n, wide, 8, NULL, 1), EINVAL);
	assert_int_equal(mbstowcs_s(&n, wide, 8, "\x80", 7), EILSEQ);
	assert_int_equal(wcstombs_s(&n, text, 8, L"\u20ac", _TRUNCATE), 0);
	assert_int_equal(n, 4);
	assert_int_equal(wcstombs_s(NULL, text, 3, L"\u20ac", _TRUNCATE), STRUNCATE);
	assert_string_equal(text, "");
	assert_int_equal(wcstombs_s(NULL, NULL, 3, L"a", 1), EINVAL);
}

static void formats_follow_microsoft(void **state)
{
	WCHAR text[128];
	char narrow[128];

	(void)state;
	assert_int_equal(swprintf(text, 128, L"%s|%S|%hs|%ls|%ws", L"wide", "narrow", "n", L"w", L"W"), 17);
	assert_wide_equal(text, L"wide|narrow|n|w|W");
	snprintf(narrow, 128, "%s|%S|%ls|%hs|%c%C%lc", "n", L"\u20ac", L"w", "h", 'x', L'\u00e4', L'y');
	assert_string_equal(narrow, "n|\xe2\x82\xac|w|h|x\xc3\xa4y");
	swprintf(text, 128, L"%c%C%hc%5s|%-5s|%05s|%.2s", L'\u00e4', 'b', 'c', L"ab", L"ab", L"ab", L"abc");
	assert_wide_equal(text, L"\u00e4bc   ab|ab   |000ab|ab");
	/* l is 32 bits, and a DWORD behind it is right. */
	swprintf(text, 128, L"%lu %ld %lx %u", (DWORD)4294967295u, (LONG)-1, (DWORD)0xabcdef01, 7u);
	assert_wide_equal(text, L"4294967295 -1 abcdef01 7");
	swprintf(text, 128, L"%I64u %I64d %lld %Iu %zu %hd %hhu %I32d", 1ULL << 63, -5LL, -6LL, (SIZE_T)9, (size_t)8,
		 70000, 257, -3);
	assert_wide_equal(text, L"9223372036854775808 -5 -6 9 8 4464 1 -3");
	swprintf(text, 128, L"%+d % d %#x %08.3f %-6d| %*.*f%e %g", 1, 2, 255, 3.14159, 42, 8, 2, 2.5, 1e10, 0.5);
	assert_wide_equal(text, L"+1  2 0xff 0003.142 42    |     2.501.000000e+10 0.5");
	swprintf(text, 128, L"%p %s %S", (void *)0x1234, (WCHAR *)NULL, (char *)NULL);
	assert_wide_equal(text, L"0000000000001234 (null) (null)");
	/* Never half of a character: the pair and the euro sign do not fit into the precision. */
	swprintf(text, 128, L"%.1S|%.2S", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
	assert_wide_equal(text, L"|\U0001F600");
	snprintf(narrow, 128, "%.2S|%6S|%-6S|", L"\u20ac", L"\u20ac", L"\u20ac");
	assert_string_equal(narrow, "|   \xe2\x82\xac|\xe2\x82\xac   |");
	swprintf(text, 128, L"%s%s", L"\xd83d", L"\xde00");
	assert_wide_equal(text, L"\U0001F600");
	assert_int_equal(_scwprintf(L"%300f", 1.0), 300);
}

static void malformed_formats_are_refused(void **state)
{
	static const WCHAR *const formats[] = {L"%", L"%5", L"%n", L"%k", L"%99999999999d", L"%.99999999999d", L"%l"};
	WCHAR text[8];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(formats); i++) {
		errno = 0;
		assert_int_equal(swprintf_s(text, 8, formats[i], NULL, NULL), -1);
		assert_int_equal(errno, EINVAL);
		assert_wide_equal(text, L"");
	}
	assert_int_equal(_scwprintf(NULL), -1);
}

static void buffers_are_never_overrun(void **state)
{
	WCHAR text[5];
	char narrow[5];

	(void)state;
	assert_int_equal(swprintf(text, 5, L"%d", 1234), 4);
	assert_int_equal(swprintf(text, 5, L"%d", 12345), -1);
	assert_wide_equal(text, L"1234");
	assert_int_equal(swprintf_s(text, 5, L"%d", 12345), -1);
	assert_int_equal(errno, ERANGE);
	assert_wide_equal(text, L"");
	assert_int_equal(swprintf_s(NULL, 5, L"x"), -1);
	wmemset(text, L'#', 5);
	assert_int_equal(_snwprintf(text, 4, L"abcd"), 4);
	assert_int_equal(text[4], L'#');
	assert_int_equal(_snwprintf(text, 4, L"abcde"), -1);
	assert_int_equal(text[4], L'#');
	assert_int_equal(_snwprintf_s(text, 5, 2, L"abcd"), -1);
	assert_wide_equal(text, L"ab");
	assert_int_equal(_snwprintf_s(text, 5, _TRUNCATE, L"abcdef"), -1);
	assert_wide_equal(text, L"abcd");
	assert_int_equal(_snwprintf_s(text, 5, 5, L"abcdef"), -1);
	assert_wide_equal(text, L"");
	assert_int_equal(_snwprintf_s(text, 5, _TRUNCATE, L"abcd"), 4);
	assert_int_equal(snprintf(narrow, 5, "%d", 123456), 6);
	assert_string_equal(narrow, "1234");
	assert_int_equal(snprintf(NULL, 0, "%S", L"abc"), 3);
	assert_int_equal(sprintf(narrow, "%S", L"abc"), 3);
	assert_int_equal(sprintf_s(narrow, 5, "%d", 12345), -1);
	assert_int_equal(_snprintf(narrow, 5, "%s", "abcde"), 5);
	assert_int_equal(_snprintf_s(narrow, 5, _TRUNCATE, "%s", "abcdef"), -1);
	assert_string_equal(narrow, "abcd");
	assert_int_equal(_scprintf("%S", L"\u20ac"), 3);
}

/* ---- files ---- */

static void wide_text_in_files_is_utf8(void **state)
{
	char *dir = ponto_test_mkdir(), path[256], bytes[64];
	WCHAR wide_path[256], text[8];
	FILE *file;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/\xc3\xa4", dir);
	mbstowcs(wide_path, path, 256);
	assert_int_equal(_wfopen_s(&file, wide_path, L"wt, ccs=UTF-8"), 0);
	assert_int_equal(fwprintf(file, L"%s %d\n", L"\u20ac\U0001F600", 5), 6);
	assert_int_equal(fputws(L"\xd800", file), 0);
	assert_int_equal(fputwc(L'\xd83d', file), 0xd83d);
	assert_int_equal(putwc(L'\xde00', file), 0xde00);
	fclose(file);
	file = fopen(path, "r");
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_int_equal(n, 17);
	assert_memory_equal(bytes, "\xe2\x82\xac\xf0\x9f\x98\x80 5\n\xef\xbf\xbd\xf0\x9f\x98\x80", n);
	file = _wfopen(wide_path, L"rb");
	assert_ptr_equal(fgetws(text, 3, file), text);
	assert_wide_equal(text, L"\u20ac");
	assert_ptr_equal(fgetws(text, 2, file), text);
	assert_int_equal(text[0], 0xd83d);
	assert_ptr_equal(fgetws(text, 8, file), text);
	assert_wide_equal(text, L"\xde00 5\n");
	assert_int_equal(fgetwc(file), 0xfffd);
	assert_int_equal(getwc(file), 0xd83d);
	assert_int_equal(getwc(file), 0xde00);
	assert_int_equal(ungetwc(L'\u20ac', file), 0x20ac);
	assert_int_equal(fgetwc(file), 0x20ac);
	assert_int_equal(fgetwc(file), WEOF);
	assert_null(fgetws(text, 8, file));
	fclose(file);
	assert_int_equal(_wfopen_s(&file, L"/nowhere/at/all", L"r"), ENOENT);
	assert_null(file);
	assert_int_equal(_wfopen_s(&file, wide_path, L"r, ccs=UTF-16LE"), EINVAL);
	assert_int_equal(_wfopen_s(NULL, wide_path, L"r"), EINVAL);
	assert_int_equal(_wfopen_s(&file, NULL, L"r"), EINVAL);
	assert_int_equal(fopen_s(&file, path, "r"), 0);
	assert_true(_fileno(file) > 2);
	fclose(file);
	assert_int_equal(fopen_s(&file, path, NULL), EINVAL);
	assert_int_equal(_fileno(NULL), -1);
	assert_int_equal(_wremove(wide_path), 0);
	assert_int_equal(_wremove(wide_path), -1);
	ponto_test_rmdir(dir);
}

/* What run prints, with input as its standard input. */
static void with_standard_files(const char *input, void (*run)(void), char *out, size_t room)
{
	FILE *in = tmpfile(), *file = tmpfile();
	int saved_in = dup(0), saved_out = dup(1);
	size_t n;

	fputs(input, in);
	fflush(in);
	lseek(fileno(in), 0, SEEK_SET);
	fflush(stdout);
	dup2(fileno(in), 0);
	dup2(fileno(file), 1);
	clearerr(stdin);
	run();
	fflush(stdout);
	dup2(saved_in, 0);
	dup2(saved_out, 1);
	close(saved_in);
	close(saved_out);
	__fpurge(stdin);
	clearerr(stdin);
	rewind(file);
	n = fread(out, 1, room - 1, file);
	out[n] = 0;
	fclose(file);
	fclose(in);
}

static void print_all_ways(void)
{
	wprintf(L"%s,", L"\u00e4");
	printf("%S,", L"b");
	wprintf_s(L"%S,", "c");
	printf_s("d,");
	putwchar(L'e');
	fputws(L",f,", stdout);
	fprintf(stdout, "%ls,", L"g");
	fprintf_s(stdout, "h,");
	fwprintf_s(stdout, L"%c", L'i');
	_putws(L"");
	printf("plain\n");
}

static void read_lines(void)
{
	WCHAR text[8];
	char narrow[8];

	assert_int_equal(StringCchGetsW(text, 8), S_OK);
	assert_wide_equal(text, L"\u00e4b");
	assert_int_equal(StringCbGetsW(text, 16), S_OK);
	assert_wide_equal(text, L"");
	/* The rest of a long line is read next. */
	assert_int_equal(StringCchGetsW(text, 4), S_OK);
	assert_wide_equal(text, L"lon");
	assert_int_equal(StringCchGetsA(narrow, 8), S_OK);
	assert_string_equal(narrow, "ger");
	assert_int_equal(StringCchGetsW(text, 1), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"");
	assert_int_equal(StringCchGetsW(text, (size_t)STRSAFE_MAX_CCH + 1), STRSAFE_E_INVALID_PARAMETER);
	assert_null(_getws_s(text, 4));
	assert_int_equal(errno, ERANGE);
	assert_wide_equal(_getws_s(text, 8), L"next");
	assert_int_equal(getwchar(), L'x');
	assert_int_equal(StringCbGetsA(narrow, 8), STRSAFE_E_END_OF_FILE);
	assert_string_equal(narrow, "");
	assert_int_equal(StringCchGetsW(text, 8), STRSAFE_E_END_OF_FILE);
}

static void standard_files(void **state)
{
	char out[128];

	(void)state;
	with_standard_files("", print_all_ways, out, sizeof(out));
	assert_string_equal(out, "\xc3\xa4,b,c,d,e,f,g,h,i\nplain\n");
	with_standard_files("\xc3\xa4"
			    "b\n\nlonger\ntoo long\nnext\nx",
			    read_lines, out, sizeof(out));
}

static void the_environment_and_times(void **state)
{
	struct tm tm = {.tm_year = 126, .tm_mon = 10, .tm_mday = 28, .tm_hour = 23};
	WCHAR text[32], *copy;
	size_t size;

	(void)state;
	setenv("PONTO_TEST_W", "\xc3\xa4", 1);
	assert_wide_equal(_wgetenv(L"PONTO_TEST_W"), L"\u00e4");
	assert_null(_wgetenv(L"PONTO_TEST_NOT"));
	assert_int_equal(_wdupenv_s(&copy, &size, L"PONTO_TEST_W"), 0);
	assert_int_equal(size, 2);
	free(copy);
	assert_int_equal(_wdupenv_s(&copy, &size, L"PONTO_TEST_NOT"), 0);
	assert_null(copy);
	assert_int_equal(_wdupenv_s(NULL, NULL, L"A"), EINVAL);
	assert_int_equal(wcsftime(text, 32, L"%Y-%m-%d \u00e4", &tm), 12);
	assert_wide_equal(text, L"2026-11-28 \u00e4");
	assert_int_equal(wcsftime(text, 4, L"%Y-%m-%d", &tm), 0);
}

static void strsafe_copies(void **state)
{
	WCHAR text[6];
	char narrow[4];
	size_t len;

	(void)state;
	assert_int_equal(StringCchCopyW(text, 6, L"peers"), S_OK);
	assert_int_equal(StringCchCopyW(text, 6, L"peernet"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"peern");
	assert_int_equal(StringCchCopyW(text, 0, L"x"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyW(text, (size_t)STRSAFE_MAX_CCH + 1, L"x"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyW(NULL, 6, L"x"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyNW(text, 6, L"abcdefg", 3), S_OK);
	assert_wide_equal(text, L"abc");
	assert_int_equal(StringCchCatW(text, 6, L"d"), S_OK);
	assert_int_equal(StringCchCatNW(text, 6, L"efg", 1), S_OK);
	assert_wide_equal(text, L"abcde");
	assert_int_equal(StringCchCatW(text, 6, L"f"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"abcde");
	assert_int_equal(StringCchCatW(text, 5, L"f"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCbCopyW(text, 5, L"abc"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"a");
	assert_int_equal(StringCbCopyW(text, 1, L"abc"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCbCopyNW(text, sizeof(text), L"abc", 4), S_OK);
	assert_wide_equal(text, L"ab");
	assert_int_equal(StringCbCatW(text, sizeof(text), L"c"), S_OK);
	assert_int_equal(StringCbCatNW(text, sizeof(text), L"de", 2), S_OK);
	assert_wide_equal(text, L"abcd");
	assert_int_equal(StringCchLengthW(text, 6, &len), S_OK);
	assert_int_equal(len, 4);
	assert_int_equal(StringCbLengthW(text, sizeof(text), &len), S_OK);
	assert_int_equal(len, 8);
	assert_int_equal(StringCchLengthW(text, 4, &len), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchLengthW(text, 5, NULL), S_OK);
	assert_int_equal(StringCchLengthW(NULL, 5, NULL), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchCopyA(narrow, 4, "abcd"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_string_equal(narrow, "abc");
	assert_int_equal(StringCbCopyNA(narrow, 4, "abcd", 2), S_OK);
	assert_int_equal(StringCbCatA(narrow, 4, "c"), S_OK);
	assert_int_equal(StringCchCatNA(narrow, 4, "d", 0), S_OK);
	assert_int_equal(StringCbLengthA(narrow, 4, &len), S_OK);
	assert_int_equal(len, 3);
	assert_int_equal(StringCchLengthA(narrow, 3, &len), STRSAFE_E_INVALID_PARAMETER);
}

static void strsafe_formats(void **state)
{
	WCHAR text[6];
	char narrow[6];

	(void)state;
	assert_int_equal(StringCchPrintfW(text, 6, L"%s%d", L"a", 12), S_OK);
	assert_wide_equal(text, L"a12");
	assert_int_equal(StringCchPrintfW(text, 6, L"%s", L"abcdef"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"abcde");
	assert_int_equal(StringCchPrintfW(text, 6, L"%n"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCchPrintfW(text, 0, L"x"), STRSAFE_E_INVALID_PARAMETER);
	assert_int_equal(StringCbPrintfW(text, 6, L"abc"), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_wide_equal(text, L"ab");
	assert_int_equal(StringCchPrintfA(narrow, 6, "%S-%s", L"w", "n"), S_OK);
	assert_string_equal(narrow, "w-n");
	assert_int_equal(StringCbPrintfA(narrow, 6, "%u", 1234567u), STRSAFE_E_INSUFFICIENT_BUFFER);
	assert_string_equal(narrow, "12345");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_wide_character_has_16_bits),
	cmocka_unit_test(copies_and_comparisons),
	cmocka_unit_test(searches),
	cmocka_unit_test(numbers),
	cmocka_unit_test(the_bounded_functions),
	cmocka_unit_test(utf8_and_back),
	cmocka_unit_test(formats_follow_microsoft),
	cmocka_unit_test(malformed_formats_are_refused),
	cmocka_unit_test(buffers_are_never_overrun),
	cmocka_unit_test(wide_text_in_files_is_utf8),
	cmocka_unit_test(standard_files),
	cmocka_unit_test(the_environment_and_times),
	cmocka_unit_test(strsafe_copies),
	cmocka_unit_test(strsafe_formats),
};

PONTO_TEST_MAIN(tests)
