#include "api/crt/wide_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "api/crt/utf16.h"

static void write_point(FILE *file, uint32_t point)
{
	char bytes[4];
	size_t len = utf8_put(point, bytes);

	for (size_t i = 0; i < len; i++)
		putc_unlocked(bytes[i], file);
}

void wide_writer_end(struct wide_writer *writer)
{
	if (writer->high)
		write_point(writer->file, UTF16_REPLACEMENT);
	writer->high = 0;
}

void wide_writer_put(struct wide_writer *writer, WCHAR unit)
{
	if (unit >= 0xdc00 && unit <= 0xdfff && writer->high) {
		WCHAR pair[2] = {writer->high, unit};
		const WCHAR *s = pair;

		writer->high = 0;
		write_point(writer->file, utf16_next(&s, pair + 2, NULL));
		return;
	}
	wide_writer_end(writer);
	if (unit >= 0xd800 && unit <= 0xdbff)
		writer->high = unit;
	else if (unit >= 0xdc00 && unit <= 0xdfff)
		write_point(writer->file, UTF16_REPLACEMENT);
	else
		write_point(writer->file, unit);
}

/* ---- reading ---- */

/* Bytes of a character by its first; 1 for what cannot be first. */
static size_t length_of(int first)
{
	return first >= 0xf0 && first <= 0xf4  ? 4
	       : first >= 0xe0 && first < 0xf0 ? 3
	       : first >= 0xc2 && first < 0xe0 ? 2
					       : 1;
}

/* The second of a pair, which was put back in what would be its UTF-8 if it were a character: it can only come from
 * there, or from a file that is malformed in just this way. */
static bool is_pushed_low(const char *bytes, size_t count)
{
	return count == 3 && (unsigned char)bytes[0] == 0xed && (unsigned char)bytes[1] >= 0xb0;
}

int wide_read(FILE *file)
{
	char bytes[4];
	const char *s = bytes;
	size_t count = 1, len;
	int byte = getc_unlocked(file);
	uint32_t point;

	if (byte == EOF)
		return EOF;
	bytes[0] = (char)byte;
	len = length_of(byte);
	while (count < len && (byte = getc_unlocked(file)) != EOF) {
		if ((byte & 0xc0) != 0x80) {
			ungetc(byte, file);
			break;
		}
		bytes[count++] = (char)byte;
	}
	if (is_pushed_low(bytes, count))
		return 0xdc00 | (bytes[1] & 0x0f) << 6 | (bytes[2] & 0x3f);
	point = utf8_next(&s, bytes + count, NULL);
	while (count > (size_t)(s - bytes))
		ungetc((unsigned char)bytes[--count], file);
	return (int)point;
}

static void unread(uint32_t point, FILE *file)
{
	char bytes[4];
	size_t len = utf8_put(point, bytes);

	while (len > 0)
		ungetc((unsigned char)bytes[--len], file);
}

wint_t ponto_fgetwc(FILE *file)
{
	WCHAR units[2];
	int point;

	flockfile(file);
	point = wide_read(file);
	if (point != EOF && utf16_put((uint32_t)point, units) == 2)
		unread(units[1], file);
	funlockfile(file);
	return point == EOF ? WEOF : units[0];
}

wint_t ponto_getwc(FILE *file)
{
	return ponto_fgetwc(file);
}

wint_t ponto_getwchar(void)
{
	return ponto_fgetwc(stdin);
}

/* One unit, which may be the second of a pair; the first alone cannot be put back. */
wint_t ponto_ungetwc(wint_t unit, FILE *file)
{
	if (unit == WEOF || (unit >= 0xd800 && unit <= 0xdbff) || unit > 0xffff)
		return WEOF;
	unread(unit, file);
	return unit;
}

/* Reads until the line's end, the file's, or until size units, the NUL included, are used. */
WCHAR *ponto_fgetws(WCHAR *to, int size, FILE *file)
{
	size_t used = 0, room;
	int point = 0;

	if (!to || size <= 0 || !file) {
		errno = EINVAL;
		return NULL;
	}
	room = (size_t)size - 1;
	flockfile(file);
	while (used < room && point != '\n' && (point = wide_read(file)) != EOF) {
		WCHAR units[2];

		size_t count = utf16_put((uint32_t)point, units);

		if (used + count > room && used > 0) {
			unread((uint32_t)point, file);
			break;
		}
		to[used++] = units[0];
		if (count == 2 && used < room)
			to[used++] = units[1];
		else if (count == 2)
			unread(units[1], file);
	}
	funlockfile(file);
	to[used] = 0;
	return used || room == 0 ? to : NULL;
}

WCHAR *_getws_s(WCHAR *to, size_t size)
{
	WCHAR *end;

	if (!to || size == 0 || size > INT32_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (!ponto_fgetws(to, (int)size, stdin))
		return NULL;
	end = ponto_wcschr(to, '\n');
	if (!end && !feof(stdin)) {
		int byte;

		while ((byte = getchar()) != '\n' && byte != EOF)
			;
		to[0] = 0;
		errno = ERANGE;
		return NULL;
	}
	if (end)
		*end = 0;
	return to;
}

/* ---- writing ---- */

static int write_text(const WCHAR *s, FILE *file, bool line)
{
	struct wide_writer writer = {file, 0};
	bool failed;

	if (!s || !file) {
		errno = EINVAL;
		return -1;
	}
	flockfile(file);
	while (*s)
		wide_writer_put(&writer, *s++);
	wide_writer_end(&writer);
	if (line)
		putc_unlocked('\n', file);
	failed = ferror_unlocked(file);
	funlockfile(file);
	return failed ? -1 : 0;
}

int ponto_fputws(const WCHAR *s, FILE *file)
{
	return write_text(s, file, false);
}

int _putws(const WCHAR *s)
{
	return write_text(s, stdout, true);
}

/* A file remembers nothing, so the first of a pair waits here for the second: one for each thread. */
static _Thread_local struct wide_writer waiting;

wint_t ponto_fputwc(WCHAR unit, FILE *file)
{
	bool failed;

	flockfile(file);
	if (waiting.file != file) {
		waiting.high = 0;
		waiting.file = file;
	}
	wide_writer_put(&waiting, unit);
	failed = ferror_unlocked(file);
	funlockfile(file);
	return failed ? WEOF : unit;
}

wint_t ponto_putwc(WCHAR unit, FILE *file)
{
	return ponto_fputwc(unit, file);
}

wint_t ponto_putwchar(WCHAR unit)
{
	return ponto_fputwc(unit, stdout);
}
