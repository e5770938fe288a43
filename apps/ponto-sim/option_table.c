#include "apps/ponto-sim/option_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void psim_table_help(const struct psim_option_table *table)
{
	printf("Usage: ponto-sim %s [OPTION]...\n%s\n", table->protocol, table->about);
	for (size_t i = 0; i < table->count; i++) {
		const struct psim_option *option = &table->options[i];
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
			 option->argument ? option->argument : "");
		printf("  %-22s %s\n", left, option->help);
	}
	puts("  --help, --version\n\nStatus 0; 1 with --check when a figure misses its mark; 2 usage.");
}

int psim_complain(const char *name, const char *fault)
{
	fprintf(stderr, "ponto-sim: %s: %s (try --help)\n", name, fault);
	return PSIM_USAGE;
}

static const struct psim_option *find(const struct psim_option_table *table, const char *text)
{
	for (size_t i = 0; strncmp(text, "--", 2) == 0 && i < table->count; i++)
		if (strcmp(text + 2, table->options[i].name) == 0)
			return &table->options[i];
	return NULL;
}

static int set(void *o, const struct psim_option *option, const char *text)
{
	void *field = (char *)o + option->offset;
	double number;
	char *end;

	if (option->kind == PSIM_OPTION_TEXT) {
		*(const char **)field = text;
		return PSIM_OK;
	}
	errno = 0;
	number = strtod(text, &end);
	if (end == text || *end || errno || !(number >= option->min && number <= option->max))
		return psim_complain(option->name, "not a number in range");
	if (option->kind == PSIM_OPTION_PERCENT)
		*(double *)field = number / 100;
	else if (option->kind == PSIM_OPTION_U64)
		*(uint64_t *)field = strtoull(text, NULL, 10);
	else
		*(uint32_t *)field = (uint32_t)number;
	return PSIM_OK;
}

int psim_table_parse(const struct psim_option_table *table, int argc, char **argv, void *o, bool *help)
{
	*help = false;
	for (int i = 2; i < argc; i++) {
		const struct psim_option *option = find(table, argv[i]);
		int result;

		if (strcmp(argv[i], "--help") == 0) {
			*help = true;
			return PSIM_OK;
		}
		if (!option)
			return psim_complain(argv[i], "unknown option");
		if (option->kind == PSIM_OPTION_FLAG) {
			*(bool *)((char *)o + option->offset) = true;
			continue;
		}
		if (++i == argc)
			return psim_complain(argv[i - 1], "needs a value");
		result = set(o, option, argv[i]);
		if (result)
			return result;
	}
	return PSIM_OK;
}

static size_t size_of(enum psim_option_kind kind)
{
	static const size_t sizes[] = {sizeof(uint32_t), sizeof(uint64_t), sizeof(double), sizeof(char *), sizeof(bool)};

	return sizes[kind];
}

static int write_option(const struct psim_option *option, const void *value, char *out, size_t size)
{
	switch (option->kind) {
	case PSIM_OPTION_U32:
		return snprintf(out, size, " --%s %u", option->name, (unsigned)*(const uint32_t *)value);
	case PSIM_OPTION_U64:
		return snprintf(out, size, " --%s %llu", option->name, (unsigned long long)*(const uint64_t *)value);
	case PSIM_OPTION_PERCENT:
		return snprintf(out, size, " --%s %g", option->name, *(const double *)value * 100);
	case PSIM_OPTION_TEXT:
		return snprintf(out, size, " --%s %s", option->name, *(const char *const *)value);
	default:
		return snprintf(out, size, " --%s", option->name);
	}
}

void psim_table_command(const struct psim_option_table *table, const void *o, const void *usual, char *out, size_t size)
{
	size_t at = (size_t)snprintf(out, size, "ponto-sim %s", table->protocol);

	for (size_t i = 0; i < table->count && at < size; i++) {
		const struct psim_option *option = &table->options[i];
		const char *mine = (const char *)o + option->offset, *other = (const char *)usual + option->offset;

		if (option->replay == PSIM_ALWAYS ||
		    (option->replay == PSIM_WHEN_CHANGED && memcmp(mine, other, size_of(option->kind)) != 0))
			at += (size_t)write_option(option, mine, out + at, size - at);
	}
}
