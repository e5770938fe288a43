#include "api/crt/format.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/crt/utf16.h"

enum size { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_LONG_DOUBLE, SIZE_WIDE };

struct spec {
	bool left, plus, space, hash, zero;
	int width;     /* 0: none */
	int precision; /* -1: none */
	enum size size;
	unsigned int type;
};

struct run {
	struct format_sink *sink;
	bool wide;
	const void *format;
	size_t at;
	va_list arguments;
};

static void put(struct run *run, unsigned int unit)
{
	run->sink->put(run->sink, unit);
	run->sink->written++;
}

static void pad(struct run *run, long long count, unsigned int unit)
{
	for (; count > 0; count--)
		put(run, unit);
}

static unsigned int peek(const struct run *run)
{
	return run->wide ? ((const WCHAR *)run->format)[run->at] : ((const unsigned char *)run->format)[run->at];
}

static bool skip(struct run *run, const char *word)
{
	size_t start = run->at;

	for (; *word; word++, run->at++)
		if (peek(run) != (unsigned char)*word) {
			run->at = start;
			return false;
		}
	return true;
}

/* ---- reading a specification ---- */

static void read_flags(struct run *run, struct spec *spec)
{
	for (;; run->at++)
		switch (peek(run)) {
		case '-':
			spec->left = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->hash = true;
			break;
		case '0':
			spec->zero = true;
			break;
		default:
			return;
		}
}

/* A number or the asterisk's argument; false when it exceeds an int. */
static bool read_number(struct run *run, int *out)
{
	long long value = 0;

	if (skip(run, "*")) {
		*out = va_arg(run->arguments, int);
		return true;
	}
	for (; peek(run) >= '0' && peek(run) <= '9'; run->at++) {
		value = value * 10 + (peek(run) - '0');
		if (value > INT_MAX)
			return false;
	}
	*out = (int)value;
	return true;
}

static enum size read_size(struct run *run)
{
	static const struct {
		const char *word;
		enum size size;
	} sizes[] = {
		{"I64", SIZE_64},  {"I32", SIZE_INT}, {"I", SIZE_64},	{"ll", SIZE_64},
		{"hh", SIZE_CHAR}, {"h", SIZE_SHORT}, {"l", SIZE_LONG}, {"w", SIZE_WIDE},
		{"j", SIZE_64},	   {"z", SIZE_64},    {"t", SIZE_64},	{"L", SIZE_LONG_DOUBLE},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (skip(run, sizes[i].word))
			return sizes[i].size;
	return SIZE_INT;
}

static bool read_spec(struct run *run, struct spec *spec)
{
	*spec = (struct spec){.precision = -1};
	read_flags(run, spec);
	if (!read_number(run, &spec->width))
		return false;
	if (spec->width < 0) {
		if (spec->width == INT_MIN)
			return false;
		spec->left = true;
		spec->width = -spec->width;
	}
	if (skip(run, ".")) {
		if (!read_number(run, &spec->precision))
			return false;
		if (spec->precision < 0)
			spec->precision = -1;
	}
	spec->size = read_size(run);
	spec->type = peek(run);
	if (!spec->type)
		return false;
	run->at++;
	return true;
}

/* ---- text ---- */

/* One character of an argument's text as units of the output; 0 at its end. */
struct text {
	const void *at;
	bool wide;    /* its kind */
	bool convert; /* the output is of the other */
	size_t left;  /* units that may be read: SIZE_MAX, or what the precision allows */
};

static size_t text_next(struct text *text, unsigned int units[4])
{
	size_t count = 1;

	if (text->left == 0)
		return 0;
	if (!text->convert) {
		units[0] = text->wide ? *(const WCHAR *)text->at : *(const unsigned char *)text->at;
		text->at = (const char *)text->at + (text->wide ? sizeof(WCHAR) : 1);
		text->left--;
		return units[0] ? 1 : 0;
	}
	if (text->wide) {
		const WCHAR *s = text->at;
		char bytes[4];

		if (!*s)
			return 0;
		count = utf8_put(utf16_next(&s, s + 2, NULL), bytes);
		text->at = s;
		for (size_t i = 0; i < count; i++)
			units[i] = (unsigned char)bytes[i];
	} else {
		const char *s = text->at;
		WCHAR pair[2];

		if (!*s)
			return 0;
		count = utf16_put(utf8_next(&s, s + strnlen(s, 4), NULL), pair);
		text->at = s;
		units[0] = pair[0];
		units[1] = count > 1 ? pair[1] : 0;
	}
	/* Never half of a character. */
	if (count > text->left)
		return 0;
	text->left -= count;
	return count;
}

static void put_text(struct run *run, const struct spec *spec, const void *argument, bool wide)
{
	struct text text = {.at = argument,
			    .wide = wide,
			    .convert = wide != run->wide,
			    .left = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision};
	struct text measured = text;
	unsigned int units[4];
	long long total = 0;
	size_t count;

	while ((count = text_next(&measured, units)))
		total += (long long)count;
	if (!spec->left)
		pad(run, spec->width - total, spec->zero ? '0' : ' ');
	while ((count = text_next(&text, units)))
		for (size_t i = 0; i < count; i++)
			put(run, units[i]);
	if (spec->left)
		pad(run, spec->width - total, ' ');
}

/* Whether the argument of s, S, c, C is wide: the format's own kind unless the size or the capital says otherwise. */
static bool is_wide(const struct run *run, const struct spec *spec)
{
	if (spec->size == SIZE_SHORT)
		return false;
	if (spec->size == SIZE_LONG || spec->size == SIZE_WIDE)
		return true;
	return spec->type == 's' || spec->type == 'c' ? run->wide : !run->wide;
}

static void put_string(struct run *run, const struct spec *spec)
{
	const void *argument = va_arg(run->arguments, const void *);

	if (argument)
		put_text(run, spec, argument, is_wide(run, spec));
	else
		put_text(run, spec, "(null)", false);
}

static void put_character(struct run *run, const struct spec *spec)
{
	bool wide = is_wide(run, spec);
	WCHAR unit[2] = {0};
	char byte[2] = {0};
	struct spec one = *spec;
	int argument = va_arg(run->arguments, int);

	one.precision = -1;
	if (wide)
		unit[0] = (WCHAR)argument;
	else
		byte[0] = (char)argument;
	if (wide ? unit[0] : byte[0]) {
		put_text(run, &one, wide ? (const void *)unit : byte, wide);
		return;
	}
	/* A NUL is put like another. */
	if (!spec->left)
		pad(run, spec->width - 1LL, ' ');
	put(run, 0);
	if (spec->left)
		pad(run, spec->width - 1LL, ' ');
}

/* ---- numbers ---- */

/* What the host's printf makes of the pieces: ASCII. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int put_host(struct run *run, const struct spec *spec, const char *size, ...)
{
	char format[32], small[128], *text = small;
	va_list arguments;
	int len, result = 0;

	snprintf(format, sizeof(format), "%%%s%s%s%s%s*.*%s%c", spec->left ? "-" : "", spec->plus ? "+" : "",
		 spec->space ? " " : "", spec->hash ? "#" : "", spec->zero ? "0" : "", size, (char)spec->type);
	va_start(arguments, size);
	len = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	if (len >= (int)sizeof(small)) {
		text = malloc((size_t)len + 1);
		if (!text)
			return -1;
		va_start(arguments, size);
		vsnprintf(text, (size_t)len + 1, format, arguments);
		va_end(arguments);
	}
	if (len < 0)
		result = -1;
	for (int i = 0; i < len; i++)
		put(run, (unsigned char)text[i]);
	if (text != small)
		free(text);
	return result;
}
#pragma GCC diagnostic pop

static int put_integer(struct run *run, const struct spec *spec)
{
	bool is_signed = spec->type == 'd' || spec->type == 'i';
	long long value;

	if (spec->size == SIZE_64)
		value = va_arg(run->arguments, long long);
	else if (is_signed)
		value = va_arg(run->arguments, int);
	else
		value = va_arg(run->arguments, unsigned int);
	if (spec->size == SIZE_SHORT)
		value = is_signed ? (short)value : (unsigned short)value;
	else if (spec->size == SIZE_CHAR)
		value = is_signed ? (signed char)value : (unsigned char)value;
	return put_host(run, spec, "ll", spec->width, spec->precision, value);
}

static int put_float(struct run *run, const struct spec *spec)
{
	if (spec->size == SIZE_LONG_DOUBLE)
		return put_host(run, spec, "L", spec->width, spec->precision, va_arg(run->arguments, long double));
	return put_host(run, spec, "", spec->width, spec->precision, va_arg(run->arguments, double));
}

/* Sixteen digits in capitals. */
static int put_pointer(struct run *run, const struct spec *spec)
{
	struct spec hex = {.left = spec->left, .width = spec->width, .precision = 16, .type = 'X'};

	return put_host(run, &hex, "ll", hex.width, hex.precision,
			(long long)(uintptr_t)va_arg(run->arguments, void *));
}

static int put_spec(struct run *run, const struct spec *spec)
{
	switch (spec->type) {
	case 's':
	case 'S':
		put_string(run, spec);
		return 0;
	case 'c':
	case 'C':
		put_character(run, spec);
		return 0;
	case 'd':
	case 'i':
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		return put_integer(run, spec);
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
	case 'a':
	case 'A':
		return put_float(run, spec);
	case 'p':
		return put_pointer(run, spec);
	default:
		errno = EINVAL;
		return -1;
	}
}

int format_run(struct format_sink *sink, bool wide, const void *format, va_list arguments)
{
	struct run run = {.sink = sink, .wide = wide, .format = format};
	int result = 0;
	unsigned int unit;

	if (!format) {
		errno = EINVAL;
		return -1;
	}
	va_copy(run.arguments, arguments);
	while (result == 0 && (unit = peek(&run))) {
		struct spec spec;

		run.at++;
		if (unit != '%' || skip(&run, "%")) {
			put(&run, unit);
		} else if (!read_spec(&run, &spec)) {
			errno = EINVAL;
			result = -1;
		} else {
			result = put_spec(&run, &spec);
		}
		if (sink->written > INT_MAX) {
			errno = EOVERFLOW;
			result = -1;
		}
	}
	va_end(run.arguments);
	return result < 0 ? -1 : (int)sink->written;
}

/* ---- buffers ---- */

static void wide_put(struct format_sink *sink, unsigned int unit)
{
	struct format_buffer *buffer = (struct format_buffer *)sink;

	if (sink->written < buffer->room)
		((WCHAR *)buffer->to)[sink->written] = (WCHAR)unit;
}

static void narrow_put(struct format_sink *sink, unsigned int unit)
{
	struct format_buffer *buffer = (struct format_buffer *)sink;

	if (sink->written < buffer->room)
		((char *)buffer->to)[sink->written] = (char)unit;
}

void format_wide_buffer(struct format_buffer *buffer, WCHAR *to, size_t room)
{
	*buffer = (struct format_buffer){.sink = {.put = wide_put}, .to = to, .room = room};
}

void format_narrow_buffer(struct format_buffer *buffer, char *to, size_t room)
{
	*buffer = (struct format_buffer){.sink = {.put = narrow_put}, .to = to, .room = room};
}
