#include "framework/conf_source.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file being read: a chain up to the one the daemon was given. */
struct input {
	const struct input *parent;
	const char *name; /* in source->files */
	uint32_t file, line;
	unsigned depth;
	dev_t device;
	ino_t inode;
	const char *at; /* NUL-terminated: the text has no NUL inside */
};

static void PONTO_PRINTF(5, 6) fault(struct ponto_conf_source *s, const char *file, uint32_t line, bool fatal,
				     const char *format, ...)
{
	char message[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	s->wrong = true;
	s->fatal |= fatal;
	s->report(s->ctx, file, line, message);
}

/* ---- output ------------------------------------------------------------------------- */

static void new_line(struct ponto_conf_source *s, const struct input *in)
{
	if (s->line_count == s->line_cap) {
		size_t cap = s->line_cap ? 2 * s->line_cap : 64;
		struct ponto_conf_line *grown = ponto_resize(s->alloc, s->lines, cap, sizeof(*grown));

		if (!grown) {
			s->result = PONTO_ENOMEM;
			return;
		}
		s->lines = grown;
		s->line_cap = cap;
	}
	s->lines[s->line_count++] = (struct ponto_conf_line){.file = in->file, .line = in->line};
}

static void copy(struct ponto_conf_source *s, struct input *in, size_t len)
{
	ponto_text_add_bytes(&s->text, in->at, len);
	for (const char *end = in->at + len; in->at < end; in->at++) {
		if (*in->at == '\n') {
			in->line++;
			new_line(s, in);
		}
	}
}

/* Starts a line of the text at the place where the input stands. */
static void break_line(struct ponto_conf_source *s, const struct input *in)
{
	ponto_text_add_bytes(&s->text, "\n", 1);
	new_line(s, in);
}

/* ---- tokens that matter: the rest is libconfig's ---------------------------------------- */

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static void skip_comment(struct ponto_conf_source *s, struct input *in)
{
	uint32_t line = in->line;
	const char *end;

	if (in->at[0] == '/' && in->at[1] == '*') {
		end = strstr(in->at + 2, "*/");
		if (!end)
			fault(s, in->name, line, true, "this comment is never closed");
		copy(s, in, end ? (size_t)(end + 2 - in->at) : strlen(in->at));
	} else {
		copy(s, in, strcspn(in->at, "\n"));
	}
}

static void skip_string(struct ponto_conf_source *s, struct input *in)
{
	const char *c = in->at + 1;

	while (*c && *c != '"') {
		if (c[0] == '\\' && (c[1] == 'x' || c[1] == 'X') && c[2] == '0' && c[3] == '0')
			fault(s, in->name, in->line, true, "a string cannot hold \\x00");
		c += c[0] == '\\' && c[1] ? 2 : 1;
	}
	if (!*c)
		fault(s, in->name, in->line, true, "this string is never closed");
	copy(s, in, (size_t)(c - in->at) + (*c == '"'));
}

/* libconfig wraps an integer without the suffix L at 32 bits and one with it at 64: the suffix is put
 * where it is needed, and what 64 bits do not hold is reported. */
static void copy_number(struct ponto_conf_source *s, struct input *in)
{
	const char *digits = in->at + strspn(in->at, "+-");
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') && digits[2] &&
		   strchr(HEX_DIGITS, digits[2]);
	size_t len = (size_t)(digits - in->at) + (hex ? 2 + strspn(digits + 2, HEX_DIGITS) : strspn(digits, DIGITS));
	char number[64], next = in->at[len];
	long long value;

	if (!hex && (next == '.' || next == 'e' || next == 'E')) {
		copy(s, in, len + strspn(in->at + len, DIGITS ".eE+-"));
		return;
	}
	errno = 0;
	value = strtoll(in->at, NULL, hex ? 16 : 10);
	if (errno == ERANGE) {
		snprintf(number, sizeof(number), "%.*s", (int)(len < 48 ? len : 48), in->at);
		fault(s, in->name, in->line, false, "%s does not fit into a signed integer of 64 bits", number);
		if (s->line_count > 0)
			s->lines[s->line_count - 1].overflow = true;
	}
	copy(s, in, len);
	if ((value > INT32_MAX || value < INT32_MIN) && next != 'L')
		ponto_text_add_bytes(&s->text, "L", 1);
	copy(s, in, strspn(in->at, "L"));
}

/* ---- includes ------------------------------------------------------------------------------ */

static void read_file(struct ponto_conf_source *s, const struct input *parent, const char *path);

/* At the start of a line: [ \t]*@include[ \t]+" as libconfig's lexer has it. The length up to the string, or 0. */
static size_t include_len(const char *at)
{
	size_t len = strspn(at, " \t"), blank;

	if (strncmp(at + len, "@include", 8) != 0)
		return 0;
	len += 8;
	blank = strspn(at + len, " \t");
	return blank > 0 && at[len + blank] == '"' ? len + blank + 1 : 0;
}

static void include(struct ponto_conf_source *s, struct input *in, size_t directive)
{
	const char *slash = strrchr(in->name, '/'), *c = in->at + directive;
	char path[PATH_MAX];
	size_t len = 0;

	if (*c != '/' && slash)
		len = (size_t)(slash + 1 - in->name);
	memcpy(path, in->name, len);
	for (; *c && *c != '"' && *c != '\n' && len < sizeof(path) - 1; c++) {
		if (c[0] == '\\' && (c[1] == '\\' || c[1] == '"'))
			c++;
		path[len++] = *c;
	}
	path[len] = '\0';
	if (*c != '"') {
		fault(s, in->name, in->line, true, "the path of this @include is too long or never closed");
		in->at += strlen(in->at);
		return;
	}
	break_line(s, in);
	read_file(s, in, path);
	in->at = c + 1;
	break_line(s, in);
}

static void scan(struct ponto_conf_source *s, struct input *in)
{
	bool line_start = true;

	while (*in->at && s->result == PONTO_OK && !s->text.failed) {
		size_t directive = line_start ? include_len(in->at) : 0;
		char c = *in->at;

		line_start = directive > 0 || c == '\n';
		if (directive > 0)
			include(s, in, directive);
		else if (c == '#' || (c == '/' && (in->at[1] == '/' || in->at[1] == '*')))
			skip_comment(s, in);
		else if (c == '"')
			skip_string(s, in);
		else if (strchr(LETTERS "*", c))
			copy(s, in, strspn(in->at, LETTERS DIGITS "*_-"));
		else if (strchr(DIGITS, c) || ((c == '-' || c == '+') && in->at[1] && strchr(DIGITS, in->at[1])))
			copy_number(s, in);
		else if (c == '.')
			copy(s, in, 1 + strspn(in->at + 1, DIGITS ".eE+-"));
		else
			copy(s, in, 1);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

static const char *add_file(struct ponto_conf_source *s, const char *path)
{
	char **grown = ponto_resize(s->alloc, s->files, s->file_count + 1, sizeof(*grown));
	char *name = grown ? ponto_strdup(s->alloc, path) : NULL;

	if (grown)
		s->files = grown;
	if (!name) {
		s->result = PONTO_ENOMEM;
		return NULL;
	}
	s->files[s->file_count++] = name;
	return name;
}

/* "include cycle: a includes b includes a", outermost first; depth 10 bounds the recursion. */
static void spell_chain(const struct input *in, const struct input *from, struct ponto_text *t)
{
	if (in != from)
		spell_chain(in->parent, from, t);
	ponto_text_add(t, "%s includes ", in->name);
}

static bool is_cycle(struct ponto_conf_source *s, const struct input *in)
{
	struct ponto_text chain = {.alloc = s->alloc};
	const struct input *up = in->parent;

	while (up && (up->device != in->device || up->inode != in->inode))
		up = up->parent;
	if (!up)
		return false;
	spell_chain(in->parent, up, &chain);
	ponto_text_add(&chain, "%s", in->name);
	if (chain.failed)
		s->result = PONTO_ENOMEM;
	else
		fault(s, in->parent->name, in->parent->line, true, "include cycle: %s", chain.data);
	ponto_text_free(&chain);
	return true;
}

/* The whole of a file: NULL after a fault, with the reason in why. gives */
static char *slurp(struct ponto_conf_source *s, FILE *stream, struct input *in, const char **why)
{
	struct ponto_text content = {.alloc = s->alloc};
	char block[4096], *text = NULL;
	struct stat st;
	size_t n;

	if (fstat(fileno(stream), &st) == 0) {
		in->device = st.st_dev;
		in->inode = st.st_ino;
	}
	while ((n = fread(block, 1, sizeof(block), stream)) > 0 && content.len <= PONTO_CONF_SOURCE_MAX)
		ponto_text_add_bytes(&content, block, n);
	if (ferror(stream))
		*why = strerror(errno);
	else if (content.len + s->text.len > PONTO_CONF_SOURCE_MAX)
		*why = "larger than a mebibyte with what it includes";
	else if (content.len > 0 && !content.failed && memchr(content.data, '\0', content.len))
		*why = "it holds a NUL byte";
	else if (ponto_text_take(&content, &text) != PONTO_OK)
		s->result = PONTO_ENOMEM;
	ponto_text_free(&content);
	return text;
}

static void read_file(struct ponto_conf_source *s, const struct input *parent, const char *path)
{
	struct input in = {.parent = parent, .line = 1, .depth = parent ? parent->depth + 1 : 0};
	const char *why = NULL;
	char *text = NULL;
	FILE *stream;

	in.name = add_file(s, path);
	if (!in.name)
		return;
	in.file = (uint32_t)(s->file_count - 1);
	if (in.depth > PONTO_CONF_INCLUDE_DEPTH) {
		fault(s, parent->name, parent->line, true, "more than %d includes within each other",
		      PONTO_CONF_INCLUDE_DEPTH);
		return;
	}
	stream = fopen(path, "re");
	if (stream) {
		text = slurp(s, stream, &in, &why);
		fclose(stream);
	} else {
		why = strerror(errno);
	}
	if (why && parent)
		fault(s, parent->name, parent->line, true, "cannot include %s: %s", path, why);
	else if (why)
		fault(s, path, 0, true, "cannot be read: %s", why);
	if (text && !is_cycle(s, &in)) {
		in.at = text;
		if (parent && s->line_count > 0) /* the line the includer began for it */
			s->line_count--;
		new_line(s, &in);
		scan(s, &in);
	}
	ponto_free(s->alloc, text);
}

int ponto_conf_source_read(struct ponto_conf_source *source, const struct ponto_alloc *alloc, const char *path,
			   ponto_conf_report_fn *report, void *ctx)
{
	memset(source, 0, sizeof(*source));
	source->alloc = source->text.alloc = alloc;
	source->report = report;
	source->ctx = ctx;
	read_file(source, NULL, path);
	ponto_text_add_bytes(&source->text, "", 0);
	if (source->text.failed)
		source->result = PONTO_ENOMEM;
	if (source->result != PONTO_OK)
		return source->result;
	return source->fatal ? PONTO_ECONF : PONTO_OK;
}

void ponto_conf_source_free(struct ponto_conf_source *source)
{
	for (size_t i = 0; i < source->file_count; i++)
		ponto_free(source->alloc, source->files[i]);
	ponto_free(source->alloc, source->files);
	ponto_free(source->alloc, source->lines);
	ponto_text_free(&source->text);
}

struct ponto_conf_line ponto_conf_source_line(const struct ponto_conf_source *source, unsigned line)
{
	static const struct ponto_conf_line none;

	if (source->line_count == 0)
		return none;
	if (line < 1)
		line = 1;
	return source->lines[line <= source->line_count ? line - 1 : source->line_count - 1];
}
