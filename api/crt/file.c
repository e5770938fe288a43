/* Files, the environment and times by wide names. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "api/crt/utf16.h"

/* The mode as the host's fopen takes it: without t, commas and the encoding; b is harmless; e for close-on-exec. False:
 * another encoding than UTF-8, or too long. */
static bool host_mode(const char *mode, char out[16])
{
	const char *encoding = strstr(mode, "ccs=");
	size_t len = 0;

	if (encoding && strcasecmp(encoding + 4, "UTF-8") != 0)
		return false;
	for (; *mode && mode != encoding; mode++) {
		if (strchr("t,NSRTD ", *mode))
			continue;
		if (len >= 14)
			return false;
		out[len++] = *mode;
	}
	out[len++] = 'e';
	out[len] = 0;
	return true;
}

FILE *_wfopen(const WCHAR *name, const WCHAR *mode)
{
	char *path = name ? utf8_dup(name) : NULL, *text = mode ? utf8_dup(mode) : NULL;
	char narrow[16];
	FILE *file = NULL;

	if (!name || !mode)
		errno = EINVAL;
	else if (!path || !text)
		errno = ENOMEM;
	else if (!host_mode(text, narrow))
		errno = EINVAL;
	else
		file = fopen(path, narrow);
	free(text);
	free(path);
	return file;
}

errno_t _wfopen_s(FILE **file, const WCHAR *name, const WCHAR *mode)
{
	if (!file)
		return EINVAL;
	*file = _wfopen(name, mode);
	return *file ? 0 : errno;
}

errno_t fopen_s(FILE **file, const char *name, const char *mode)
{
	char narrow[16];

	if (!file)
		return EINVAL;
	*file = NULL;
	if (!name || !mode || !host_mode(mode, narrow))
		return EINVAL;
	*file = fopen(name, narrow);
	return *file ? 0 : errno;
}

int _fileno(FILE *file)
{
	if (file)
		return fileno(file);
	errno = EINVAL;
	return -1;
}

int _wremove(const WCHAR *name)
{
	char *path = name ? utf8_dup(name) : NULL;
	int result = -1;

	if (path)
		result = remove(path);
	else
		errno = name ? ENOMEM : EINVAL;
	free(path);
	return result;
}

errno_t _wdupenv_s(WCHAR **text, size_t *size, const WCHAR *name)
{
	const char *value = NULL;
	char *narrow;

	if (size)
		*size = 0;
	if (text)
		*text = NULL;
	if (!text || !name)
		return EINVAL;
	narrow = utf8_dup(name);
	if (!narrow)
		return ENOMEM;
	value = getenv(narrow);
	free(narrow);
	if (!value)
		return 0;
	*text = utf16_dup(value);
	if (!*text)
		return ENOMEM;
	if (size)
		*size = utf16_len(*text) + 1;
	return 0;
}

static pthread_key_t value_key;

static void make_value_key(void)
{
	if (pthread_key_create(&value_key, free) != 0)
		abort();
}

/* The thread's last value lives in a key, which frees it with the thread. */
WCHAR *_wgetenv(const WCHAR *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	WCHAR *value;

	pthread_once(&once, make_value_key);
	if (_wdupenv_s(&value, NULL, name) != 0)
		return NULL;
	free(pthread_getspecific(value_key));
	if (pthread_setspecific(value_key, value) == 0)
		return value;
	free(value);
	return NULL;
}

size_t ponto_wcsftime(WCHAR *to, size_t size, const WCHAR *format, const struct tm *time)
{
	char text[4096], narrow[1025];
	struct utf_result result = utf8_from_utf16(format, utf16_len(format), narrow, sizeof(narrow) - 1);
	size_t len;

	if (result.written < result.total)
		return 0;
	narrow[result.written] = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = strftime(text, sizeof(text), narrow, time);
#pragma GCC diagnostic pop
	result = utf16_from_utf8(text, len, to, size ? size - 1 : 0);
	if (size == 0 || result.written < result.total)
		return 0;
	to[result.written] = 0;
	return result.written;
}
