/* FormatMessage: finds a text, puts the inserts in, breaks lines. One code for wide and narrow callers: units are read
 * from the definition and put into a text of the caller's kind. */
#include "api/win32/message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <winbase.h>

#include "api/crt/format.h"
#include "api/win32/module.h"

#define ARGUMENTS_MAX 99
#define SPEC_ROOM 32
#define BYTES_MAX (128u * 1024)

/* A text that grows, of WCHAR or char. */
struct text {
	struct format_sink sink;
	bool wide, failed;
	void *data;
	size_t len, room;
};

struct formatter {
	struct text out;
	const void *definition;
	bool definition_wide;
	size_t at;
	DWORD flags;
	/* Arguments: an array of the caller's, or read one after the other as they are needed. */
	const DWORD_PTR *array;
	va_list *list;
	DWORD_PTR values[ARGUMENTS_MAX + 3];
	unsigned int read, shift;
};

static size_t unit_size(const struct text *text)
{
	return text->wide ? sizeof(WCHAR) : 1;
}

static void text_put(struct text *text, unsigned int unit)
{
	if (text->len == text->room && !text->failed) {
		size_t room = text->room ? text->room * 2 : 128;
		void *data = realloc(text->data, room * unit_size(text));

		text->failed = !data;
		if (data) {
			text->data = data;
			text->room = room;
		}
	}
	if (text->failed)
		return;
	if (text->wide)
		((WCHAR *)text->data)[text->len++] = (WCHAR)unit;
	else
		((char *)text->data)[text->len++] = (char)unit;
}

static unsigned int text_get(const struct text *text, size_t at)
{
	return text->wide ? ((WCHAR *)text->data)[at] : ((unsigned char *)text->data)[at];
}

static void sink_put(struct format_sink *sink, unsigned int unit)
{
	text_put((struct text *)sink, unit);
}

static void put_line_break(struct text *text)
{
	text_put(text, '\r');
	text_put(text, '\n');
}

static unsigned int peek(const struct formatter *f, size_t ahead)
{
	return f->definition_wide ? ((const WCHAR *)f->definition)[f->at + ahead]
				  : ((const unsigned char *)f->definition)[f->at + ahead];
}

/* ---- inserts ---- */

/* The nth argument (from 1) of the list or array; false: beyond what there can be. */
static bool argument(struct formatter *f, unsigned int n, DWORD_PTR *out)
{
	if (n == 0 || n > ARGUMENTS_MAX + 2)
		return false;
	if (f->array) {
		*out = f->array[n - 1];
		return true;
	}
	if (!f->list)
		return false;
	while (f->read < n)
		f->values[f->read++] = va_arg(*f->list, DWORD_PTR);
	*out = f->values[n - 1];
	return true;
}

static int format_values(struct text *text, const void *format, ...)
{
	va_list values;
	int result;

	va_start(values, format);
	result = format_run(&text->sink, text->wide, format, values);
	va_end(values);
	return result;
}

static bool is_floating(unsigned int unit)
{
	return unit && unit < 0x80 && strchr("aAeEfFgG", (int)unit);
}

/* The specification between exclamation marks, or "s": as "%…" in the caller's kind. The number of its asterisks, or
 * -1. */
static int read_spec(struct formatter *f, WCHAR wide[SPEC_ROOM], char narrow[SPEC_ROOM])
{
	size_t len = 0;
	int asterisks = 0;

	wide[len] = (WCHAR)(narrow[len] = '%');
	len++;
	if (peek(f, 0) == '!') {
		for (f->at++; peek(f, 0) && peek(f, 0) != '!'; f->at++) {
			unsigned int unit = peek(f, 0);

			if (len == SPEC_ROOM - 2 || unit >= 0x80 || unit == '%' || is_floating(unit))
				return -1;
			asterisks += unit == '*';
			wide[len] = (WCHAR)(narrow[len] = (char)unit);
			len++;
		}
		if (!peek(f, 0))
			return -1;
		f->at++;
	}
	if (len == 1) {
		wide[len] = (WCHAR)(narrow[len] = 's');
		len++;
	}
	wide[len] = (WCHAR)(narrow[len] = 0);
	return asterisks > 2 ? -1 : asterisks;
}

/* Behind the percent sign stands a digit from 1. Numbers of a list skip one after each insert with asterisks. */
static bool put_insert(struct formatter *f)
{
	unsigned int n = peek(f, 0) - '0';
	WCHAR wide[SPEC_ROOM];
	char narrow[SPEC_ROOM];
	const void *format = f->out.wide ? (const void *)wide : narrow;
	DWORD_PTR values[3] = {0};
	int asterisks;

	f->at++;
	if (peek(f, 0) >= '0' && peek(f, 0) <= '9') {
		n = n * 10 + (peek(f, 0) - '0');
		f->at++;
	}
	asterisks = read_spec(f, wide, narrow);
	if (asterisks < 0)
		return false;
	for (int i = 0; i <= asterisks; i++)
		if (!argument(f, n + f->shift + (unsigned int)i, &values[i]))
			return false;
	if (asterisks && !f->array)
		f->shift++;
	return format_values(&f->out, format, values[0], values[1], values[2]) >= 0;
}

/* ---- the definition ---- */

/* What follows a percent sign. False: the arguments or a specification are wrong. *done: the definition ends here. */
static bool put_escape(struct formatter *f, bool *done)
{
	unsigned int unit = peek(f, 0);

	if (unit >= '1' && unit <= '9') {
		if (!(f->flags & FORMAT_MESSAGE_IGNORE_INSERTS))
			return put_insert(f);
		text_put(&f->out, '%');
		return true;
	}
	if (unit == 0)
		return false;
	f->at++;
	if (unit == '0')
		*done = true;
	else if (unit == 'n')
		put_line_break(&f->out);
	else if (unit == 'r')
		text_put(&f->out, '\r');
	else if (unit == 't')
		text_put(&f->out, '\t');
	else
		text_put(&f->out, unit);
	return true;
}

/* With a width, line breaks of the definition are blanks. */
static bool put_definition(struct formatter *f)
{
	bool done = false;
	unsigned int unit;

	while (!done && (unit = peek(f, 0))) {
		f->at++;
		if (unit == '%') {
			if (!put_escape(f, &done))
				return false;
		} else if ((f->flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) && (unit == '\r' || unit == '\n')) {
			if (unit == '\r' && peek(f, 0) == '\n')
				f->at++;
			text_put(&f->out, ' ');
		} else {
			text_put(&f->out, unit);
		}
	}
	return true;
}

/* Breaks lines at blanks so that none is longer than width, unless it is one word. */
static void wrap(struct text *text, size_t width)
{
	struct text out = {.sink = {.put = sink_put}, .wide = text->wide};
	size_t at = 0;

	while (at < text->len) {
		size_t blank = at, end = at;

		/* The longest piece that fits, up to a blank or a hard break. */
		while (end < text->len && text_get(text, end) != '\r' && text_get(text, end) != '\n' &&
		       (end - at <= width || blank == at)) {
			if (text_get(text, end) == ' ')
				blank = end;
			end++;
		}
		if (end < text->len && text_get(text, end) != '\r' && text_get(text, end) != '\n' && blank > at)
			end = blank;
		for (; at < end; at++)
			text_put(&out, text_get(text, at));
		if (at == text->len)
			break;
		if (text_get(text, at) == ' ')
			put_line_break(&out);
		else
			text_put(&out, text_get(text, at));
		at++;
	}
	free(text->data);
	*text = out;
}

/* ---- the call ---- */

static DWORD check(DWORD flags, LPCVOID source, const void *buffer, DWORD language)
{
	bool string = flags & FORMAT_MESSAGE_FROM_STRING;
	bool tables = flags & (FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_FROM_HMODULE);

	if (!buffer || string == tables || (string && !source))
		return ERROR_INVALID_PARAMETER;
	if (tables && PRIMARYLANGID(language) != LANG_NEUTRAL && PRIMARYLANGID(language) != LANG_ENGLISH)
		return ERROR_RESOURCE_LANG_NOT_FOUND;
	if (tables && !(flags & FORMAT_MESSAGE_FROM_SYSTEM) && !module_has_messages((HMODULE)source))
		return ERROR_RESOURCE_TYPE_NOT_FOUND;
	return ERROR_SUCCESS;
}

/* The result into the caller's buffer, or one of its own. ERROR_SUCCESS or what is wrong. */
static DWORD deliver(struct text *text, DWORD flags, void *buffer, DWORD size)
{
	size_t len = text->len, room;

	text_put(text, 0);
	if (text->failed)
		return ERROR_NOT_ENOUGH_MEMORY;
	if (!(flags & FORMAT_MESSAGE_ALLOCATE_BUFFER)) {
		if (size < len + 1)
			return ERROR_INSUFFICIENT_BUFFER;
		memcpy(buffer, text->data, (len + 1) * unit_size(text));
		return ERROR_SUCCESS;
	}
	if (len * unit_size(text) > BYTES_MAX)
		return ERROR_MORE_DATA;
	room = size > len + 1 ? size : len + 1;
	*(void **)buffer = calloc(room, unit_size(text));
	if (!*(void **)buffer)
		return ERROR_NOT_ENOUGH_MEMORY;
	memcpy(*(void **)buffer, text->data, (len + 1) * unit_size(text));
	return ERROR_SUCCESS;
}

static DWORD define(struct formatter *f, LPCVOID source, DWORD id)
{
	if (f->flags & FORMAT_MESSAGE_FROM_STRING) {
		f->definition = source;
		f->definition_wide = f->out.wide;
		return ERROR_SUCCESS;
	}
	f->definition = message_text(id);
	return f->definition ? ERROR_SUCCESS : ERROR_MR_MID_NOT_FOUND;
}

static DWORD format_message(bool wide, DWORD flags, LPCVOID source, DWORD id, DWORD language, void *buffer, DWORD size,
			    va_list *arguments)
{
	struct formatter f = {.out = {.sink = {.put = sink_put}, .wide = wide}, .flags = flags};
	DWORD width = flags & FORMAT_MESSAGE_MAX_WIDTH_MASK;
	DWORD error = check(flags, source, buffer, language);
	size_t len;

	if (flags & FORMAT_MESSAGE_ARGUMENT_ARRAY)
		f.array = (const DWORD_PTR *)arguments;
	else
		f.list = arguments;
	if (!error && (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER))
		*(void **)buffer = NULL;
	if (!error)
		error = define(&f, source, id);
	if (!error && !put_definition(&f))
		error = ERROR_INVALID_PARAMETER;
	if (!error && !(flags & FORMAT_MESSAGE_FROM_STRING) && width)
		text_put(&f.out, ' ');
	else if (!error && !(flags & FORMAT_MESSAGE_FROM_STRING))
		put_line_break(&f.out);
	if (!error && width && width != FORMAT_MESSAGE_MAX_WIDTH_MASK && !f.out.failed)
		wrap(&f.out, width);
	len = f.out.len;
	if (!error)
		error = f.out.failed ? ERROR_NOT_ENOUGH_MEMORY : deliver(&f.out, flags, buffer, size);
	free(f.out.data);
	if (!error)
		return (DWORD)len;
	SetLastError(error);
	return 0;
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR buffer, DWORD size,
			    va_list *arguments)
{
	return format_message(true, flags, source, id, language, buffer, size, arguments);
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPSTR buffer, DWORD size,
			    va_list *arguments)
{
	return format_message(false, flags, source, id, language, buffer, size, arguments);
}
