#include "api/win32/command_line.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first argument, a path: quotes toggle, nothing escapes. */
static const char *first(const char *line, char **out)
{
	bool quoted = false;

	for (; *line && (quoted || !blank(*line)); line++) {
		if (*line == '"')
			quoted = !quoted;
		else
			*(*out)++ = *line;
	}
	*(*out)++ = 0;
	return line;
}

static const char *other(const char *line, char **out)
{
	bool quoted = false;

	while (*line && (quoted || !blank(*line))) {
		size_t slashes = strspn(line, "\\");
		bool quote = line[slashes] == '"';

		line += slashes;
		for (size_t i = 0; i < (quote ? slashes / 2 : slashes); i++)
			*(*out)++ = '\\';
		if (!quote) {
			if (*line && (quoted || !blank(*line)))
				*(*out)++ = *line++;
		} else if (slashes % 2 || (quoted && line[1] == '"')) {
			*(*out)++ = '"';
			line += slashes % 2 ? 1 : 2;
		} else {
			quoted = !quoted;
			line++;
		}
	}
	*(*out)++ = 0;
	return line;
}

/* No argument is longer than its text, and there are at most as many as half the characters, and the first. */
char **command_line_split(const char *line)
{
	size_t len = strlen(line), most = len / 2 + 2, count = 0;
	char **arguments = malloc((most + 1) * sizeof(*arguments) + len + 2);
	char *out;

	if (!arguments)
		return NULL;
	out = (char *)(arguments + most + 1);
	arguments[count++] = out;
	line = first(line, &out);
	for (;;) {
		while (blank(*line))
			line++;
		if (!*line)
			break;
		arguments[count++] = out;
		line = other(line, &out);
	}
	arguments[count] = NULL;
	return arguments;
}

static char *quoted(char *out, const char *argument)
{
	size_t slashes = 0;

	*out++ = '"';
	for (; *argument; argument++) {
		/* Those before a quote count twice, and the quote is escaped. */
		if (*argument == '"') {
			for (slashes++; slashes > 0; slashes--)
				*out++ = '\\';
		}
		slashes = *argument == '\\' ? slashes + 1 : 0;
		*out++ = *argument;
	}
	for (; slashes > 0; slashes--)
		*out++ = '\\';
	*out++ = '"';
	return out;
}

char *command_line_join(char *const *arguments)
{
	size_t room = 1;
	char *line, *out;

	for (size_t i = 0; arguments[i]; i++)
		room += 2 * strlen(arguments[i]) + 3;
	line = out = malloc(room);
	if (!line)
		return NULL;
	for (size_t i = 0; arguments[i]; i++) {
		if (i > 0)
			*out++ = ' ';
		if (arguments[i][0] && !strpbrk(arguments[i], " \t\""))
			out = stpcpy(out, arguments[i]);
		else
			out = quoted(out, arguments[i]);
	}
	*out = 0;
	return line;
}
