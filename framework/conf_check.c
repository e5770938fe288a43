#include "framework/conf_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- reports ---------------------------------------------------------------------- */

static void report(struct conf_loader *l, const char *file, unsigned line, const char *format, va_list args)
{
	char message[2048];

	vsnprintf(message, sizeof(message), format, args);
	l->wrong = true;
	l->report(l->ctx, file, line, message);
}

void conf_fault(struct conf_loader *l, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(l, file, line, format, args);
	va_end(args);
}

void conf_place(const struct conf_loader *l, const config_setting_t *setting, const char **file, unsigned *line)
{
	struct ponto_conf_line place = ponto_conf_source_line(l->source, config_setting_source_line(setting));

	*file = l->file->files[place.file];
	*line = place.line;
}

void conf_fault_at(struct conf_loader *l, const config_setting_t *setting, const char *format, ...)
{
	const char *file;
	unsigned line;
	va_list args;

	conf_place(l, setting, &file, &line);
	va_start(args, format);
	report(l, file, line, format, args);
	va_end(args);
}

/* ---- suggestions --------------------------------------------------------------------- */

#define COMPARED 64

/* Edits (insert, remove, replace, swap neighbours) between two texts of at most COMPARED characters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][COMPARED + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	size_t alen = strnlen(a, COMPARED), blen = strnlen(b, COMPARED);

	for (size_t j = 0; j <= blen; j++)
		last[j] = before[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[blen];
}

void conf_suggest(const char *wrong, const char *const *names, size_t count, const char *label, char *out, size_t size)
{
	unsigned best = (unsigned)strnlen(wrong, COMPARED) / 3 + 1;
	const char *nearest = NULL;
	size_t used;

	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(wrong, names[i]);

		if (d <= best && (!nearest || d < best)) {
			best = d;
			nearest = names[i];
		}
	}
	if (nearest) {
		snprintf(out, size, "; did you mean \"%s\"?", nearest);
		return;
	}
	snprintf(out, size, "%s%s%s", count ? "; " : "", count ? label : "", count ? ": " : "");
	for (size_t i = 0; i < count; i++) {
		used = strlen(out);
		snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
	}
}

static void suggest_option(const char *wrong, const struct ponto_conf *conf, char *out, size_t size)
{
	const char *names[128];
	size_t count = 0;

	for (; count < conf->option_count && count < PONTO_ARRAY_SIZE(names); count++)
		names[count] = conf->options[count].name;
	conf_suggest(wrong, names, count, "options", out, size);
}

/* ---- one setting ------------------------------------------------------------------------ */

static const char *type_text(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "an integer";
	case CONFIG_TYPE_FLOAT:
		return "a floating-point number";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a list";
	}
}

static bool is_integer(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

static bool is_string(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_STRING;
}

static bool is_list(const config_setting_t *s)
{
	return config_setting_is_array(s) || config_setting_is_list(s);
}

/* RFC 3629 */
static bool is_utf8(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		unsigned more = *c < 0x80 ? 0 : *c >= 0xc2 && *c < 0xe0 ? 1 : (*c & 0xf0) == 0xe0 ? 2 : *c >= 0xf0 && *c < 0xf5 ? 3 : 4;

		if (more == 4 || (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) ||
		    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))
			return false;
		for (c++; more > 0; more--, c++) {
			if ((*c & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* The text of a string setting; NULL after a report. */
static const char *string_of(struct conf_loader *l, const config_setting_t *s, const char *where, const char *name)
{
	const char *text = config_setting_get_string(s);

	if (!text)
		text = "";
	if (is_utf8(text))
		return text;
	conf_fault_at(l, s, "%s.%s: the string is not UTF-8", where, name);
	return NULL;
}

static int set_strings(struct conf_loader *l, const config_setting_t *s, const char *where,
		       const struct ponto_option *option, struct ponto_conf *conf)
{
	size_t count = is_list(s) ? (size_t)config_setting_length(s) : 1;
	const char **texts = ponto_new(l->alloc, count ? count : 1, sizeof(*texts));
	int result = texts ? PONTO_OK : PONTO_ENOMEM;
	bool good = true;
	char why[1024];

	for (size_t i = 0; i < count && texts; i++) {
		const config_setting_t *item = is_list(s) ? config_setting_get_elem(s, (unsigned)i) : s;

		if (is_string(item)) {
			texts[i] = string_of(l, item, where, option->name);
			good &= texts[i] != NULL;
			if (texts[i] && !ponto_conf_string_fits(option, texts[i], why, sizeof(why)))
				conf_fault_at(l, item, "%s.%s: %s", where, option->name, why);
		} else {
			conf_fault_at(l, item, "%s.%s: expected %s, item %zu is %s", where, option->name,
				      ponto_option_type_text(option->type), i + 1, type_text(item));
			good = false;
		}
	}
	if (texts && good)
		result = ponto_conf_set_list(conf, option, texts, count);
	ponto_free(l->alloc, texts);
	return result;
}

static bool type_fits(const struct ponto_option *option, const config_setting_t *s)
{
	switch (option->type) {
	case PONTO_OPTION_BOOL:
		return config_setting_type(s) == CONFIG_TYPE_BOOL;
	case PONTO_OPTION_INT:
		return is_integer(s);
	case PONTO_OPTION_STRING:
	case PONTO_OPTION_REF:
		return is_string(s);
	default:
		return is_string(s) || is_list(s);
	}
}

static int set_value(struct conf_loader *l, const config_setting_t *s, const char *where,
		     const struct ponto_option *option, struct ponto_conf *conf)
{
	struct ponto_conf_value *v = ponto_conf_value(conf, option);
	struct ponto_conf_line place = ponto_conf_source_line(l->source, config_setting_source_line(s));
	const char *text;
	char why[1024];

	switch (option->type) {
	case PONTO_OPTION_BOOL:
		v->boolean = config_setting_get_bool(s);
		return PONTO_OK;
	case PONTO_OPTION_INT:
		v->integer = config_setting_type(s) == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);
		if (!place.overflow && !ponto_conf_int_fits(option, v->integer, why, sizeof(why)))
			conf_fault_at(l, s, "%s.%s: %s", where, option->name, why);
		return PONTO_OK;
	case PONTO_OPTION_STRING:
	case PONTO_OPTION_REF:
		text = string_of(l, s, where, option->name);
		if (text && !ponto_conf_string_fits(option, text, why, sizeof(why)))
			conf_fault_at(l, s, "%s.%s: %s", where, option->name, why);
		return text ? ponto_conf_set_string(conf, option, text) : PONTO_OK;
	default:
		return set_strings(l, s, where, option, conf);
	}
}

/* ---- a group -------------------------------------------------------------------------------- */

static void check_setting(struct conf_loader *l, const config_setting_t *s, const char *where, struct ponto_conf *conf)
{
	const char *name = config_setting_name(s);
	const struct ponto_option *option = ponto_conf_option(conf->options, conf->option_count, name);
	struct ponto_conf_value *v;
	char hint[1024];
	int result;

	if (!option) {
		suggest_option(name, conf, hint, sizeof(hint));
		conf_fault_at(l, s, "unknown key \"%.64s\" in %s%s", name, where, hint);
		return;
	}
	if (!type_fits(option, s)) {
		conf_fault_at(l, s, "%s.%s: expected %s, got %s", where, name, ponto_option_type_text(option->type),
			      type_text(s));
		return;
	}
	v = ponto_conf_value(conf, option);
	v->given = true;
	v->unresolved = false;
	conf_place(l, s, &v->file, &v->line);
	result = set_value(l, s, where, option, conf);
	if (result != PONTO_OK)
		l->result = result;
}

void conf_check_group(struct conf_loader *l, const config_setting_t *group, const char *where, bool instance,
		      struct ponto_conf *conf)
{
	for (int i = 0; i < config_setting_length(group) && l->result == PONTO_OK; i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);

		if (!instance || strcmp(config_setting_name(s), "plugin") != 0)
			check_setting(l, s, where, conf);
	}
}
