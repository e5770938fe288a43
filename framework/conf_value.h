/* Ponto, internal to the framework: the values of one configuration group. */
#ifndef PONTO_CONF_VALUE_H
#define PONTO_CONF_VALUE_H

#include "framework/conf.h"

/* One option's value. list ends with NULL and is never NULL for LIST and REFS; text is never NULL for STRING and REF. */
struct ponto_conf_value {
	bool given;	  /* by the file */
	bool unresolved;  /* a REF or REFS without default that the file did not give */
	const char *file; /* where it was given; lives as long as the file it is of */
	unsigned line;
	bool boolean;
	int64_t integer;
	char *text;
	char **list;
};

struct ponto_conf {
	const struct ponto_alloc *alloc;
	const struct ponto_option *options;
	size_t option_count;
	struct ponto_conf_value *values; /* one per option */
};

/* A group of defaults; borrows options for its life. gives */
PONTO_MUST_CHECK int ponto_conf_new(const struct ponto_alloc *alloc, const struct ponto_option *options,
				    size_t option_count, struct ponto_conf **out);

/* The option of that name, NULL when there is none. */
const struct ponto_option *ponto_conf_option(const struct ponto_option *options, size_t count, const char *name);

/* Whether text, in the syntax of ponto_option.fallback, is a value of the option; why says what is wrong. */
bool ponto_conf_text_fits(const struct ponto_option *option, const char *text, char *why, size_t size);

/* The same for a value that has been read: an integer's range, a string's choices. */
bool ponto_conf_int_fits(const struct ponto_option *option, int64_t value, char *why, size_t size);
bool ponto_conf_string_fits(const struct ponto_option *option, const char *value, char *why, size_t size);

/* Replaces the value by what text says: it must fit. The value stays when memory runs out. */
PONTO_MUST_CHECK int ponto_conf_set_text(struct ponto_conf *conf, const struct ponto_option *option, const char *text);

/* Replace the value of a STRING or REF, of a LIST or REFS. copies */
PONTO_MUST_CHECK int ponto_conf_set_string(struct ponto_conf *conf, const struct ponto_option *option,
					   const char *value);
PONTO_MUST_CHECK int ponto_conf_set_list(struct ponto_conf *conf, const struct ponto_option *option,
					 const char *const *values, size_t count);

struct ponto_conf_value *ponto_conf_value(const struct ponto_conf *conf, const struct ponto_option *option);

/* "an integer", "a string", … */
const char *ponto_option_type_text(uint32_t type);

#endif
