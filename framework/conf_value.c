#include "framework/conf_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ponto_option_type_text(uint32_t type)
{
	switch (type) {
	case PONTO_OPTION_BOOL:
		return "true or false";
	case PONTO_OPTION_INT:
		return "an integer";
	case PONTO_OPTION_STRING:
		return "a string";
	case PONTO_OPTION_LIST:
		return "a list of strings";
	case PONTO_OPTION_REF:
		return "the name of an instance";
	default:
		return "a list of names of instances";
	}
}

const struct ponto_option *ponto_conf_option(const struct ponto_option *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

/* ---- what fits ------------------------------------------------------------------ */

bool ponto_conf_int_fits(const struct ponto_option *option, int64_t value, char *why, size_t size)
{
	if ((option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max))
		return !option->fits || option->fits(NULL, value, why, size);
	snprintf(why, size, "%" PRId64 " is out of range: %" PRId64 " to %" PRId64 "%s%s", value, option->min,
		 option->max, option->unit ? " " : "", option->unit ? option->unit : "");
	return false;
}

bool ponto_conf_string_fits(const struct ponto_option *option, const char *value, char *why, size_t size)
{
	size_t used;

	if (!option->choices)
		return !option->fits || option->fits(value, 0, why, size);
	for (const char *const *choice = option->choices; *choice; choice++) {
		if (strcmp(*choice, value) == 0)
			return true;
	}
	snprintf(why, size, "\"%.64s\" is none of", value);
	used = strlen(why);
	for (const char *const *choice = option->choices; *choice && used < size; choice++) {
		snprintf(why + used, size - used, "%s \"%s\"", choice == option->choices ? "" : ",", *choice);
		used = strlen(why);
	}
	return false;
}

static bool parse_int(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0';
}

bool ponto_conf_text_fits(const struct ponto_option *option, const char *text, char *why, size_t size)
{
	int64_t value;

	switch (option->type) {
	case PONTO_OPTION_BOOL:
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			return true;
		break;
	case PONTO_OPTION_INT:
		if (parse_int(text, &value))
			return ponto_conf_int_fits(option, value, why, size);
		break;
	case PONTO_OPTION_STRING:
		return ponto_conf_string_fits(option, text, why, size);
	default:
		return true;
	}
	snprintf(why, size, "\"%.64s\" is not %s", text, ponto_option_type_text(option->type));
	return false;
}

/* ---- building ---------------------------------------------------------------------- */

struct ponto_conf_value *ponto_conf_value(const struct ponto_conf *conf, const struct ponto_option *option)
{
	return &conf->values[option - conf->options];
}

static void list_free(const struct ponto_alloc *alloc, char **list)
{
	for (char **item = list; item && *item; item++)
		ponto_free(alloc, *item);
	ponto_free(alloc, list);
}

int ponto_conf_set_string(struct ponto_conf *conf, const struct ponto_option *option, const char *value)
{
	struct ponto_conf_value *v = ponto_conf_value(conf, option);
	char *copy = ponto_strdup(conf->alloc, value);

	if (!copy)
		return PONTO_ENOMEM;
	ponto_free(conf->alloc, v->text);
	v->text = copy;
	return PONTO_OK;
}

int ponto_conf_set_list(struct ponto_conf *conf, const struct ponto_option *option, const char *const *values,
			size_t count)
{
	struct ponto_conf_value *v = ponto_conf_value(conf, option);
	char **list = ponto_new(conf->alloc, count + 1, sizeof(*list));

	if (!list)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		list[i] = ponto_strdup(conf->alloc, values[i]);
		if (!list[i]) {
			list_free(conf->alloc, list);
			return PONTO_ENOMEM;
		}
	}
	list_free(conf->alloc, v->list);
	v->list = list;
	return PONTO_OK;
}

/* "a,b, c" without the blanks around the commas; an empty text is an empty list. */
static int set_list_text(struct ponto_conf *conf, const struct ponto_option *option, const char *text)
{
	const struct ponto_alloc *alloc = conf->alloc;
	char **list;
	size_t count = 0, commas = 0;
	int result = PONTO_ENOMEM;

	for (const char *c = text; *c; c++)
		commas += *c == ',';
	list = ponto_new(alloc, commas + 2, sizeof(*list));
	if (!list)
		return PONTO_ENOMEM;
	while (*text) {
		size_t len, next;

		text += strspn(text, " ");
		len = next = strcspn(text, ",");
		while (len > 0 && text[len - 1] == ' ')
			len--;
		if (len > 0) {
			list[count] = ponto_strndup(alloc, text, len);
			if (!list[count++])
				goto out;
		}
		text += next;
		text += *text == ',';
	}
	result = ponto_conf_set_list(conf, option, (const char *const *)list, count);
out:
	list_free(alloc, list);
	return result;
}

int ponto_conf_set_text(struct ponto_conf *conf, const struct ponto_option *option, const char *text)
{
	struct ponto_conf_value *v = ponto_conf_value(conf, option);

	switch (option->type) {
	case PONTO_OPTION_BOOL:
		v->boolean = strcmp(text, "true") == 0;
		return PONTO_OK;
	case PONTO_OPTION_INT:
		(void)parse_int(text, &v->integer);
		return PONTO_OK;
	case PONTO_OPTION_STRING:
	case PONTO_OPTION_REF:
		return ponto_conf_set_string(conf, option, text);
	default:
		return set_list_text(conf, option, text);
	}
}

int ponto_conf_new(const struct ponto_alloc *alloc, const struct ponto_option *options, size_t option_count,
		   struct ponto_conf **out)
{
	struct ponto_conf *conf = ponto_new(alloc, 1, sizeof(*conf));

	if (!conf)
		return PONTO_ENOMEM;
	conf->alloc = alloc;
	conf->options = options;
	conf->values = ponto_new(alloc, option_count ? option_count : 1, sizeof(*conf->values));
	if (!conf->values)
		goto fail;
	conf->option_count = option_count;
	for (size_t i = 0; i < option_count; i++) {
		const struct ponto_option *o = &options[i];
		const char *text = o->fallback ? o->fallback : "";

		conf->values[i].unresolved =
			!o->fallback && (o->type == PONTO_OPTION_REF || o->type == PONTO_OPTION_REFS);
		if (ponto_conf_set_text(conf, o, text) != PONTO_OK)
			goto fail;
	}
	*out = conf;
	return PONTO_OK;
fail:
	ponto_conf_destroy(conf);
	return PONTO_ENOMEM;
}

void ponto_conf_destroy(struct ponto_conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->option_count; i++) {
		ponto_free(conf->alloc, conf->values[i].text);
		list_free(conf->alloc, conf->values[i].list);
	}
	ponto_free(conf->alloc, conf->values);
	ponto_free(conf->alloc, conf);
}

/* One "name=value". */
static int make_setting(struct ponto_conf *conf, const char *setting, char *error, size_t error_size)
{
	const char *equals = strchr(setting, '=');
	const struct ponto_option *option = NULL;
	char why[256];
	int result;

	for (size_t i = 0; equals && i < conf->option_count; i++) {
		const char *name = conf->options[i].name;

		if (strlen(name) == (size_t)(equals - setting) && strncmp(name, setting, strlen(name)) == 0)
			option = &conf->options[i];
	}
	if (!option) {
		snprintf(error, error_size, "unknown option \"%.*s\"",
			 (int)(equals ? equals - setting : (ptrdiff_t)strlen(setting)), setting);
		return PONTO_ECONF;
	}
	if (!ponto_conf_text_fits(option, equals + 1, why, sizeof(why))) {
		snprintf(error, error_size, "%s: %s", option->name, why);
		return PONTO_ECONF;
	}
	result = ponto_conf_set_text(conf, option, equals + 1);
	ponto_conf_value(conf, option)->given = result == PONTO_OK;
	return result;
}

int ponto_conf_make(const struct ponto_alloc *alloc, const struct ponto_option *options, size_t option_count,
		    const char *const *settings, char *error, size_t error_size, struct ponto_conf **out)
{
	struct ponto_conf *conf = NULL;
	int result;

	if (error_size > 0)
		error[0] = '\0';
	result = ponto_conf_new(alloc, options, option_count, &conf);
	for (; result == PONTO_OK && settings && *settings; settings++)
		result = make_setting(conf, *settings, error, error_size);
	if (result == PONTO_OK) {
		*out = conf;
		return PONTO_OK;
	}
	if (result == PONTO_ENOMEM)
		snprintf(error, error_size, "%s", ponto_strerror(result));
	ponto_conf_destroy(conf);
	return result;
}

/* ---- readers ------------------------------------------------------------------------ */

static const struct ponto_conf_value *value_of(const struct ponto_conf *conf, const char *name, unsigned types)
{
	const struct ponto_option *option = ponto_conf_option(conf->options, conf->option_count, name);

	assert(option && (types & 1u << option->type));
	return ponto_conf_value(conf, option);
}

bool ponto_conf_bool(const struct ponto_conf *conf, const char *name)
{
	return value_of(conf, name, 1u << PONTO_OPTION_BOOL)->boolean;
}

int64_t ponto_conf_int(const struct ponto_conf *conf, const char *name)
{
	return value_of(conf, name, 1u << PONTO_OPTION_INT)->integer;
}

const char *ponto_conf_string(const struct ponto_conf *conf, const char *name)
{
	return value_of(conf, name, 1u << PONTO_OPTION_STRING | 1u << PONTO_OPTION_REF)->text;
}

const char *const *ponto_conf_list(const struct ponto_conf *conf, const char *name)
{
	return (const char *const *)value_of(conf, name, 1u << PONTO_OPTION_LIST | 1u << PONTO_OPTION_REFS)->list;
}

bool ponto_conf_given(const struct ponto_conf *conf, const char *name)
{
	return value_of(conf, name, ~0u)->given;
}
