/* The machine's names, and small functions of text. */
#include <ctype.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <winbase.h>
#include <winnls.h>

#include "api/crt/utf16.h"

#define NAME_ROOM 1025

/* The name with its domain, from the resolver when the host's own has none; the bare name when nobody knows it. */
static void full_name(char out[NAME_ROOM])
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;

	gethostname(out, NAME_ROOM - 1);
	out[NAME_ROOM - 1] = 0;
	if (strchr(out, '.') || getaddrinfo(out, NULL, &hints, &found) != 0)
		return;
	if (found->ai_canonname && strchr(found->ai_canonname, '.') && strlen(found->ai_canonname) < NAME_ROOM)
		strcpy(out, found->ai_canonname);
	freeaddrinfo(found);
}

static void netbios_name(char *name)
{
	name[strcspn(name, ".")] = 0;
	if (strlen(name) > MAX_COMPUTERNAME_LENGTH)
		name[MAX_COMPUTERNAME_LENGTH] = 0;
	for (; *name; name++)
		*name = (char)toupper((unsigned char)*name);
}

static void name_as(COMPUTER_NAME_FORMAT format, char out[NAME_ROOM])
{
	const char *dot;

	if (format % 4 == ComputerNameNetBIOS || format % 4 == ComputerNameDnsHostname) {
		gethostname(out, NAME_ROOM - 1);
		out[NAME_ROOM - 1] = 0;
		if (format % 4 == ComputerNameNetBIOS)
			netbios_name(out);
		out[strcspn(out, ".")] = 0;
		return;
	}
	full_name(out);
	if (format % 4 == ComputerNameDnsFullyQualified)
		return;
	dot = strchr(out, '.');
	memmove(out, dot ? dot + 1 : "", dot ? strlen(dot) : 1);
}

static BOOL name_into(COMPUTER_NAME_FORMAT format, LPWSTR buffer, LPDWORD size, DWORD error)
{
	char name[NAME_ROOM];
	size_t units;

	if (!size || (unsigned int)format >= ComputerNameMax) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	name_as(format, name);
	units = utf16_from_utf8(name, strlen(name), NULL, 0).total;
	if (!buffer || *size < units + 1) {
		*size = (DWORD)units + 1;
		SetLastError(error);
		return FALSE;
	}
	utf16_from_utf8(name, strlen(name) + 1, buffer, units + 1);
	*size = (DWORD)units;
	return TRUE;
}

BOOL WINAPI GetComputerNameExW(COMPUTER_NAME_FORMAT format, LPWSTR buffer, LPDWORD size)
{
	return name_into(format, buffer, size, ERROR_MORE_DATA);
}

BOOL WINAPI GetComputerNameW(LPWSTR buffer, LPDWORD size)
{
	return name_into(ComputerNameNetBIOS, buffer, size, ERROR_BUFFER_OVERFLOW);
}

int WINAPI lstrlenW(LPCWSTR text)
{
	return text ? (int)utf16_len(text) : 0;
}

int WINAPI lstrlenA(LPCSTR text)
{
	return text ? (int)strlen(text) : 0;
}

int WINAPI lstrcmpW(LPCWSTR a, LPCWSTR b)
{
	return ponto_wcscmp(a, b);
}

int WINAPI lstrcmpiW(LPCWSTR a, LPCWSTR b)
{
	return _wcsicmp(a, b);
}

void WINAPI OutputDebugStringW(LPCWSTR text)
{
	if (text && getenv("PONTO_DEBUG_OUTPUT"))
		ponto_fputws(text, stderr);
}

/* ---- code pages ---- */

UINT WINAPI GetACP(void)
{
	return CP_UTF8;
}

/* The length of what is converted, or -1 with the last error set. */
static long long given_length(UINT page, DWORD flags, DWORD known, bool pointers, int length, size_t to_nul)
{
	DWORD error = ERROR_SUCCESS;

	if (page != CP_UTF8 && page != CP_ACP && page != CP_OEMCP && page != CP_THREAD_ACP)
		error = ERROR_INVALID_PARAMETER;
	else if (flags & ~known)
		error = ERROR_INVALID_FLAGS;
	else if (!pointers || length == 0 || length < -1)
		error = ERROR_INVALID_PARAMETER;
	if (error) {
		SetLastError(error);
		return -1;
	}
	return length < 0 ? (long long)to_nul + 1 : length;
}

static int converted(struct utf_result result, bool strict, bool counting)
{
	if (strict && result.malformed)
		SetLastError(ERROR_NO_UNICODE_TRANSLATION);
	else if (!counting && result.written < result.total)
		SetLastError(ERROR_INSUFFICIENT_BUFFER);
	else if (result.total > INT32_MAX)
		SetLastError(ERROR_ARITHMETIC_OVERFLOW);
	else
		return (int)result.total;
	return 0;
}

int WINAPI MultiByteToWideChar(UINT page, DWORD flags, LPCCH from, int length, LPWSTR to, int size)
{
	bool pointers = from && size >= 0 && (to || size == 0);
	long long len = given_length(page, flags, MB_ERR_INVALID_CHARS | MB_PRECOMPOSED, pointers, length,
				     from && length == -1 ? strlen(from) : 0);

	if (len < 0)
		return 0;
	return converted(utf16_from_utf8(from, (size_t)len, to, (size_t)size), flags & MB_ERR_INVALID_CHARS, size == 0);
}

int WINAPI WideCharToMultiByte(UINT page, DWORD flags, LPCWCH from, int length, LPSTR to, int size, LPCCH fallback,
			       LPBOOL used)
{
	bool pointers = from && size >= 0 && (to || size == 0) && !fallback && !used;
	long long len = given_length(page, flags, WC_ERR_INVALID_CHARS, pointers, length,
				     from && length == -1 ? utf16_len(from) : 0);

	if (len < 0)
		return 0;
	return converted(utf8_from_utf16(from, (size_t)len, to, (size_t)size), flags & WC_ERR_INVALID_CHARS, size == 0);
}
