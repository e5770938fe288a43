/* The printf family: into files and buffers, wide and narrow. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <wchar.h>

#include "api/crt/format.h"
#include "api/crt/wide_file.h"

/* ---- into files ---- */

struct file_sink {
	struct format_sink sink;
	FILE *file;
	struct wide_writer writer;
};

static void file_put_narrow(struct format_sink *sink, unsigned int unit)
{
	putc_unlocked((int)unit, ((struct file_sink *)sink)->file);
}

static void file_put_wide(struct format_sink *sink, unsigned int unit)
{
	wide_writer_put(&((struct file_sink *)sink)->writer, (WCHAR)unit);
}

/* One lock over the whole, so that lines of several threads do not mix. -1 also when the file takes no more. */
static int print_file(FILE *file, bool wide, const void *format, va_list arguments)
{
	struct file_sink sink = {
		.sink = {.put = wide ? file_put_wide : file_put_narrow}, .file = file, .writer = {file, 0}};
	bool failed_before;
	int result;

	if (!file) {
		errno = EINVAL;
		return -1;
	}
	flockfile(file);
	failed_before = ferror_unlocked(file);
	result = format_run(&sink.sink, wide, format, arguments);
	if (wide)
		wide_writer_end(&sink.writer);
	if (!failed_before && ferror_unlocked(file))
		result = -1;
	funlockfile(file);
	return result;
}

/* ---- into buffers ---- */

/* Formats into room of to; the NUL is written when there is room for it. */
static int print_wide(WCHAR *to, size_t room, const WCHAR *format, va_list arguments)
{
	struct format_buffer buffer;
	int result;

	format_wide_buffer(&buffer, to, room);
	result = format_run(&buffer.sink, true, format, arguments);
	if (result >= 0 && (size_t)result < room)
		to[result] = 0;
	return result;
}

static int print_narrow(char *to, size_t room, const char *format, va_list arguments)
{
	struct format_buffer buffer;
	int result;

	format_narrow_buffer(&buffer, to, room);
	result = format_run(&buffer.sink, false, format, arguments);
	if (result >= 0 && (size_t)result < room)
		to[result] = 0;
	return result;
}

int ponto_vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
	int result = print_narrow(to, size, format, arguments);

	if (result >= 0 && size && (size_t)result >= size)
		to[size - 1] = 0;
	return result;
}

int ponto_vsprintf(char *to, const char *format, va_list arguments)
{
	return print_narrow(to, SIZE_MAX, format, arguments);
}

int ponto_vswprintf(WCHAR *to, size_t size, const WCHAR *format, va_list arguments)
{
	int result = print_wide(to, size, format, arguments);

	if (size && (result < 0 || (size_t)result >= size))
		to[size - 1] = 0;
	return result < 0 || (size_t)result >= size ? -1 : result;
}

static bool fits(int result, size_t size)
{
	if (result >= 0 && (size_t)result >= size)
		errno = ERANGE;
	return result >= 0 && (size_t)result < size;
}

/* The bounded forms: EINVAL without a buffer; an empty text and ERANGE when it does not fit. */
int vswprintf_s(WCHAR *to, size_t size, const WCHAR *format, va_list arguments)
{
	int result = -1;

	errno = EINVAL;
	if (to && size)
		result = print_wide(to, size, format, arguments);
	if (fits(result, size))
		return result;
	if (to && size)
		to[0] = 0;
	return -1;
}

int vsprintf_s(char *to, size_t size, const char *format, va_list arguments)
{
	int result = -1;

	errno = EINVAL;
	if (to && size)
		result = print_narrow(to, size, format, arguments);
	if (fits(result, size))
		return result;
	if (to && size)
		to[0] = 0;
	return -1;
}

int _vsnwprintf(WCHAR *to, size_t count, const WCHAR *format, va_list arguments)
{
	int result = print_wide(to, to ? count : 0, format, arguments);

	return result >= 0 && (!to || (size_t)result <= count) ? result : -1;
}

int _vsnprintf(char *to, size_t count, const char *format, va_list arguments)
{
	int result = print_narrow(to, to ? count : 0, format, arguments);

	return result >= 0 && (!to || (size_t)result <= count) ? result : -1;
}

/* What a form with room for most units returns when so much was printed, and where its text ends: there if it may be cut.
 */
static int cut(int result, size_t most, bool may, size_t *end)
{
	bool whole = result >= 0 && (size_t)result <= most;

	*end = whole ? (size_t)result : result >= 0 && may ? most : 0;
	if (result >= 0 && !whole && !may)
		errno = ERANGE;
	return whole ? result : -1;
}

/* count units, or with _TRUNCATE what fits: cut is -1. Too long for size without being cut by count: nothing, ERANGE.
 */
int _vsnwprintf_s(WCHAR *to, size_t size, size_t count, const WCHAR *format, va_list arguments)
{
	size_t most = count < size ? count : size - 1, end;
	int result;

	if (!to || size == 0) {
		errno = EINVAL;
		return -1;
	}
	result = cut(print_wide(to, most + 1, format, arguments), most, count < size || count == _TRUNCATE, &end);
	to[end] = 0;
	return result;
}

int _vsnprintf_s(char *to, size_t size, size_t count, const char *format, va_list arguments)
{
	size_t most = count < size ? count : size - 1, end;
	int result;

	if (!to || size == 0) {
		errno = EINVAL;
		return -1;
	}
	result = cut(print_narrow(to, most + 1, format, arguments), most, count < size || count == _TRUNCATE, &end);
	to[end] = 0;
	return result;
}

/* ---- the rest follows from these ---- */

int ponto_vfprintf(FILE *file, const char *format, va_list arguments)
{
	return print_file(file, false, format, arguments);
}

int ponto_vprintf(const char *format, va_list arguments)
{
	return print_file(stdout, false, format, arguments);
}

int ponto_vfwprintf(FILE *file, const WCHAR *format, va_list arguments)
{
	return print_file(file, true, format, arguments);
}

int ponto_vwprintf(const WCHAR *format, va_list arguments)
{
	return print_file(stdout, true, format, arguments);
}

int vfwprintf_s(FILE *file, const WCHAR *format, va_list arguments)
{
	return print_file(file, true, format, arguments);
}

int vwprintf_s(const WCHAR *format, va_list arguments)
{
	return print_file(stdout, true, format, arguments);
}

int _vscprintf(const char *format, va_list arguments)
{
	return print_narrow(NULL, 0, format, arguments);
}

int _vscwprintf(const WCHAR *format, va_list arguments)
{
	return print_wide(NULL, 0, format, arguments);
}

/* A variadic function is its va_list form with the arguments after the format. */
/* clang-format off */
#define VARIADIC(name, parameters, call)                                                                               \
	int name parameters                                                                                            \
	{                                                                                                              \
		va_list arguments;                                                                                     \
		int result;                                                                                            \
                                                                                                                       \
		va_start(arguments, format);                                                                           \
		result = call;                                                                                         \
		va_end(arguments);                                                                                     \
		return result;                                                                                         \
	}

VARIADIC(ponto_printf, (const char *format, ...), print_file(stdout, false, format, arguments))
VARIADIC(ponto_fprintf, (FILE *file, const char *format, ...), print_file(file, false, format, arguments))
VARIADIC(ponto_sprintf, (char *to, const char *format, ...), print_narrow(to, SIZE_MAX, format, arguments))
VARIADIC(ponto_snprintf, (char *to, size_t size, const char *format, ...), ponto_vsnprintf(to, size, format, arguments))
VARIADIC(printf_s, (const char *format, ...), print_file(stdout, false, format, arguments))
VARIADIC(fprintf_s, (FILE *file, const char *format, ...), print_file(file, false, format, arguments))
VARIADIC(sprintf_s, (char *to, size_t size, const char *format, ...), vsprintf_s(to, size, format, arguments))
VARIADIC(_snprintf, (char *to, size_t count, const char *format, ...), _vsnprintf(to, count, format, arguments))
VARIADIC(_snprintf_s, (char *to, size_t size, size_t count, const char *format, ...),
	 _vsnprintf_s(to, size, count, format, arguments))
VARIADIC(_scprintf, (const char *format, ...), print_narrow(NULL, 0, format, arguments))
VARIADIC(ponto_wprintf, (const WCHAR *format, ...), print_file(stdout, true, format, arguments))
VARIADIC(ponto_fwprintf, (FILE *file, const WCHAR *format, ...), print_file(file, true, format, arguments))
VARIADIC(ponto_swprintf, (WCHAR *to, size_t size, const WCHAR *format, ...),
	 ponto_vswprintf(to, size, format, arguments))
VARIADIC(wprintf_s, (const WCHAR *format, ...), print_file(stdout, true, format, arguments))
VARIADIC(fwprintf_s, (FILE *file, const WCHAR *format, ...), print_file(file, true, format, arguments))
VARIADIC(swprintf_s, (WCHAR *to, size_t size, const WCHAR *format, ...), vswprintf_s(to, size, format, arguments))
VARIADIC(_snwprintf, (WCHAR *to, size_t count, const WCHAR *format, ...), _vsnwprintf(to, count, format, arguments))
VARIADIC(_snwprintf_s, (WCHAR *to, size_t size, size_t count, const WCHAR *format, ...),
	 _vsnwprintf_s(to, size, count, format, arguments))
VARIADIC(_scwprintf, (const WCHAR *format, ...), print_wide(NULL, 0, format, arguments))
