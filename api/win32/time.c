/* Times: FILETIME counts 100 ns since 1601-01-01 UTC. */
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include <winbase.h>

#define TICKS_A_SECOND INT64_C(10000000)
#define SECONDS_1601_TO_1970 INT64_C(11644473600)

static ULONGLONG ticks_of(const FILETIME *file)
{
	return (ULONGLONG)file->dwHighDateTime << 32 | file->dwLowDateTime;
}

static FILETIME file_time(ULONGLONG ticks)
{
	return (FILETIME){(DWORD)ticks, (DWORD)(ticks >> 32)};
}

static BOOL invalid(void)
{
	SetLastError(ERROR_INVALID_PARAMETER);
	return FALSE;
}

ULONGLONG WINAPI GetTickCount64(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (ULONGLONG)now.tv_sec * 1000 + (ULONGLONG)now.tv_nsec / 1000000;
}

DWORD WINAPI GetTickCount(void)
{
	return (DWORD)GetTickCount64();
}

DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
	struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

	(void)alertable;
	do {
		while (nanosleep(&left, &left) != 0 && errno == EINTR)
			;
	} while (milliseconds == INFINITE);
	return 0;
}

void WINAPI Sleep(DWORD milliseconds)
{
	SleepEx(milliseconds, FALSE);
}

void WINAPI GetSystemTimeAsFileTime(LPFILETIME time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*time = file_time((ULONGLONG)((now.tv_sec + SECONDS_1601_TO_1970) * TICKS_A_SECOND + now.tv_nsec / 100));
}

static void system_time(const struct tm *parts, WORD milliseconds, LPSYSTEMTIME out)
{
	*out = (SYSTEMTIME){
		.wYear = (WORD)(parts->tm_year + 1900),
		.wMonth = (WORD)(parts->tm_mon + 1),
		.wDayOfWeek = (WORD)parts->tm_wday,
		.wDay = (WORD)parts->tm_mday,
		.wHour = (WORD)parts->tm_hour,
		.wMinute = (WORD)parts->tm_min,
		.wSecond = (WORD)parts->tm_sec,
		.wMilliseconds = milliseconds,
	};
}

static void now_as(struct tm *(*split)(const time_t *, struct tm *), LPSYSTEMTIME out)
{
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	split(&now.tv_sec, &parts);
	system_time(&parts, (WORD)(now.tv_nsec / 1000000), out);
}

void WINAPI GetSystemTime(LPSYSTEMTIME time)
{
	now_as(gmtime_r, time);
}

void WINAPI GetLocalTime(LPSYSTEMTIME time)
{
	now_as(localtime_r, time);
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *file, LPSYSTEMTIME time)
{
	struct tm parts;
	time_t seconds;

	if (!file || !time || ticks_of(file) > INT64_MAX)
		return invalid();
	seconds = (time_t)((int64_t)ticks_of(file) / TICKS_A_SECOND - SECONDS_1601_TO_1970);
	gmtime_r(&seconds, &parts);
	system_time(&parts, (WORD)(ticks_of(file) / 10000 % 1000), time);
	return TRUE;
}

/* A date that does not exist comes back from the calendar as another. */
BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME file)
{
	struct tm parts = {0}, check;
	time_t seconds;

	if (!time || !file || time->wYear < 1601 || time->wYear > 30827 || time->wHour > 23 || time->wMinute > 59 ||
	    time->wSecond > 59 || time->wMilliseconds > 999)
		return invalid();
	parts = (struct tm){.tm_year = time->wYear - 1900,
			    .tm_mon = time->wMonth - 1,
			    .tm_mday = time->wDay,
			    .tm_hour = time->wHour,
			    .tm_min = time->wMinute,
			    .tm_sec = time->wSecond};
	check = parts;
	seconds = timegm(&check);
	if (check.tm_mon != time->wMonth - 1 || check.tm_mday != time->wDay || check.tm_year != parts.tm_year)
		return invalid();
	*file = file_time((ULONGLONG)((seconds + SECONDS_1601_TO_1970) * TICKS_A_SECOND + time->wMilliseconds * 10000));
	return TRUE;
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *file, LPFILETIME local)
{
	struct tm parts;
	time_t seconds;

	if (!file || !local || ticks_of(file) > INT64_MAX)
		return invalid();
	seconds = (time_t)((int64_t)ticks_of(file) / TICKS_A_SECOND - SECONDS_1601_TO_1970);
	localtime_r(&seconds, &parts);
	*local = file_time(ticks_of(file) + (ULONGLONG)(parts.tm_gmtoff * TICKS_A_SECOND));
	return TRUE;
}

LONG WINAPI CompareFileTime(const FILETIME *a, const FILETIME *b)
{
	return ticks_of(a) < ticks_of(b) ? -1 : ticks_of(a) > ticks_of(b);
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *frequency)
{
	if (!frequency)
		return invalid();
	frequency->QuadPart = 1000000000;
	return TRUE;
}

BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count)
{
	struct timespec now;

	if (!count)
		return invalid();
	clock_gettime(CLOCK_MONOTONIC, &now);
	count->QuadPart = now.tv_sec * 1000000000LL + now.tv_nsec;
	return TRUE;
}
