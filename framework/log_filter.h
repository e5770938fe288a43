/* Ponto, inside: which topics are logged at which level. Immutable once made. */
#ifndef PONTO_LOG_FILTER_H
#define PONTO_LOG_FILTER_H

#include "framework/log.h"

struct log_filter;

/* text as in ponto_log_create. PONTO_EINVAL, PONTO_ENOMEM. copies text. gives */
PONTO_MUST_CHECK int log_filter_create(const struct ponto_alloc *alloc, const char *text, struct log_filter **out);
void log_filter_destroy(const struct ponto_alloc *alloc, struct log_filter *filter);

/* The most talkative level written under this topic, and under any topic. */
enum ponto_log_level log_filter_level(const struct log_filter *filter, const char *topic);
enum ponto_log_level log_filter_most(const struct log_filter *filter);

/* "error", "warning", "info", "debug". */
const char *log_level_name(enum ponto_log_level level);

#endif
