#include "framework/log_filter.h"

#include <fnmatch.h>
#include <string.h>

struct rule {
	const char *glob;
	enum ponto_log_level level;
};

struct log_filter {
	enum ponto_log_level fallback;
	enum ponto_log_level most;
	size_t count;
	char *text; /* the globs point into it */
	struct rule rules[];
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

const char *log_level_name(enum ponto_log_level level)
{
	return (unsigned)level < PONTO_ARRAY_SIZE(level_names) ? level_names[level] : "error";
}

static int parse_level(const char *text, enum ponto_log_level *out)
{
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum ponto_log_level)i;
			return PONTO_OK;
		}
	}
	return PONTO_EINVAL;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	text[len] = '\0';
	return text;
}

/* One item between commas: "LEVEL" or "GLOB=LEVEL". */
static int parse_item(struct log_filter *filter, char *item)
{
	char *equals = strchr(item, '=');
	enum ponto_log_level level;
	char *glob;

	if (!equals) {
		if (parse_level(trim(item), &level) != PONTO_OK)
			return PONTO_EINVAL;
		filter->fallback = level;
		return PONTO_OK;
	}
	*equals = '\0';
	glob = trim(item);
	if (*glob == '\0' || strpbrk(glob, " \t") || parse_level(trim(equals + 1), &level) != PONTO_OK)
		return PONTO_EINVAL;
	filter->rules[filter->count++] = (struct rule){glob, level};
	return PONTO_OK;
}

static int parse(struct log_filter *filter)
{
	char *item = filter->text;
	int result = PONTO_OK;

	while (item && result == PONTO_OK) {
		char *comma = strchr(item, ',');

		if (comma)
			*comma++ = '\0';
		result = parse_item(filter, item);
		item = comma;
	}
	filter->most = filter->fallback;
	for (size_t i = 0; i < filter->count; i++) {
		if (filter->rules[i].level > filter->most)
			filter->most = filter->rules[i].level;
	}
	return result;
}

int log_filter_create(const struct ponto_alloc *alloc, const char *text, struct log_filter **out)
{
	struct log_filter *filter;
	size_t items = 1;
	int result;

	if (!text || *text == '\0')
		text = "info";
	for (const char *c = text; *c; c++)
		items += *c == ',';
	filter = ponto_new(alloc, 1, sizeof(*filter) + items * sizeof(filter->rules[0]));
	if (!filter)
		return PONTO_ENOMEM;
	filter->fallback = PONTO_LOG_INFO;
	filter->text = ponto_strdup(alloc, text);
	result = filter->text ? parse(filter) : PONTO_ENOMEM;
	if (result != PONTO_OK)
		log_filter_destroy(alloc, filter);
	else
		*out = filter;
	return result;
}

void log_filter_destroy(const struct ponto_alloc *alloc, struct log_filter *filter)
{
	if (!filter)
		return;
	ponto_free(alloc, filter->text);
	ponto_free(alloc, filter);
}

enum ponto_log_level log_filter_level(const struct log_filter *filter, const char *topic)
{
	for (size_t i = filter->count; i > 0; i--) {
		if (fnmatch(filter->rules[i - 1].glob, topic, 0) == 0)
			return filter->rules[i - 1].level;
	}
	return filter->fallback;
}

enum ponto_log_level log_filter_most(const struct log_filter *filter)
{
	return filter->most;
}
