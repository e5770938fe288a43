/* The printf family by Microsoft's rules, for narrow and wide formats alike (the rules: api/include/wchar.h).
 *
 * Pure but for what a sink does. A format is told from its text by `wide`: text that is not of its own kind is
 * converted between UTF-8 and UTF-16 on the way. */
#ifndef PONTO_API_CRT_FORMAT_H
#define PONTO_API_CRT_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <pontobase.h>

/* Where units (wide) or bytes (narrow) go, one after the other. */
struct format_sink {
	void (*put)(struct format_sink *sink, unsigned int unit);
	size_t written; /* counted by the formatter */
};

/* Units written, or -1 with errno: EINVAL for a format that is malformed, ENOMEM, EOVERFLOW beyond INT_MAX. */
int format_run(struct format_sink *sink, bool wide, const void *format, va_list arguments);

/* A buffer: takes what fits into room and counts all. */
struct format_buffer {
	struct format_sink sink;
	void *to; /* WCHAR or char */
	size_t room;
};

void format_wide_buffer(struct format_buffer *buffer, WCHAR *to, size_t room);
void format_narrow_buffer(struct format_buffer *buffer, char *to, size_t room);

#endif
