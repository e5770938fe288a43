/* Names for text that is wide with _UNICODE and narrow without. */
#ifndef PONTO_WIN32_TCHAR_H
#define PONTO_WIN32_TCHAR_H

#include <pontobase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _UNICODE
typedef WCHAR _TCHAR;
#define __T(text) PONTO_WIDE(text)
#define _tmain wmain
#define _tprintf wprintf
#define _ftprintf fwprintf
#define _stprintf_s swprintf_s
#define _sntprintf _snwprintf
#define _sntprintf_s _snwprintf_s
#define _vtprintf vwprintf
#define _vftprintf vfwprintf
#define _vstprintf_s vswprintf_s
#define _vsntprintf _vsnwprintf
#define _fgetts fgetws
#define _fputts fputws
#define _putts _putws
#define _tfopen _wfopen
#define _tfopen_s _wfopen_s
#define _tgetenv _wgetenv
#define _tcslen wcslen
#define _tcsnlen wcsnlen
#define _tcscpy wcscpy
#define _tcsncpy wcsncpy
#define _tcscat wcscat
#define _tcscmp wcscmp
#define _tcsncmp wcsncmp
#define _tcsicmp _wcsicmp
#define _tcsnicmp _wcsnicmp
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tcsdup _wcsdup
#define _tcscpy_s wcscpy_s
#define _tcscat_s wcscat_s
#define _tcsncpy_s wcsncpy_s
#define _tcstok_s wcstok_s
#define _tcstol wcstol
#define _tcstoul wcstoul
#define _ttoi _wtoi
#else
typedef char _TCHAR;
#define __T(text) text
#define _tmain main
#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf_s sprintf_s
#define _sntprintf _snprintf
#define _sntprintf_s _snprintf_s
#define _vtprintf vprintf
#define _vftprintf vfprintf
#define _vstprintf_s vsprintf_s
#define _vsntprintf _vsnprintf
#define _fgetts fgets
#define _fputts fputs
#define _putts puts
#define _tfopen fopen
#define _tfopen_s fopen_s
#define _tgetenv getenv
#define _tcslen strlen
#define _tcsnlen strnlen
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp _stricmp
#define _tcsnicmp _strnicmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcsdup _strdup
#define _tcscpy_s strcpy_s
#define _tcscat_s strcat_s
#define _tcsncpy_s strncpy_s
#define _tcstok_s strtok_s
#define _tcstol strtol
#define _tcstoul strtoul
#define _ttoi atoi
#endif
#define _T(text) __T(text)
#define _TEXT(text) __T(text)

#endif
