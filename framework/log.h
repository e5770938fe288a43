/* Ponto: logs by topic. A file logs under one topic ("service.pnrp.resolve");
 * a filter of comma-separated globs with levels chooses what is written.
 *
 * Any thread may log; a line is written whole. A sink that cannot keep up
 * loses lines and counts them; it never blocks a component for long. */
#ifndef PONTO_LOG_H
#define PONTO_LOG_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ponto_log_level {
	PONTO_LOG_ERROR = 0,
	PONTO_LOG_WARNING = 1,
	PONTO_LOG_INFO = 2,
	PONTO_LOG_DEBUG = 3,
};

enum ponto_log_sink {
	PONTO_LOG_STDERR_TEXT = 0,
	PONTO_LOG_STDERR_JSON = 1, /* one object a line: time, level, topic, instance, message */
	PONTO_LOG_JOURNALD = 2,	   /* fields PONTO_TOPIC and PONTO_INSTANCE; falls back to text when there is no journal */
	PONTO_LOG_NONE = 3,
};

/* The longest message, NUL included; the rest is cut off and marked by an ellipsis. */
#define PONTO_LOG_MESSAGE_SIZE 1536

/* A log, or the view of it that one instance has: the same sink, filter and counters. */
struct ponto_log;

/* filter: "info" or "warning,service.pnrp.*=debug": the last match of a topic wins; a bare level is the
 * default, wherever it stands; NULL or "" means "info". Levels: error, warning, info, debug; globs as in
 * fnmatch(3). PONTO_EINVAL for a filter that cannot be read. copies filter. gives */
PONTO_MUST_CHECK int ponto_log_create(const struct ponto_alloc *alloc, const struct ponto_clock *clock,
				      enum ponto_log_sink sink, const char *filter, struct ponto_log **out);

/* A view whose lines carry an instance's name (at most 63 bytes of it). Destroyed before the log it was made from.
 * copies instance. gives */
PONTO_MUST_CHECK int ponto_log_for(struct ponto_log *log, const char *instance, struct ponto_log **out);

/* A log or a view. Accepts NULL. */
void ponto_log_destroy(struct ponto_log *log);

/* Replaces the filter, from any thread; on PONTO_EINVAL the old one stays. */
PONTO_MUST_CHECK int ponto_log_set_filter(struct ponto_log *log, const char *filter);

/* For tests: every accepted line also goes to fn (any thread, must not log), message as it is written: escaped.
 * NULL removes it, and waits for a call under way. */
typedef void ponto_log_tap_fn(void *ctx, enum ponto_log_level level, const char *topic, const char *message);
void ponto_log_tap(struct ponto_log *log, ponto_log_tap_fn *fn, void *ctx);

/* True when fd is the stream to the journal that $JOURNAL_STREAM names (systemd.exec(5)). */
bool ponto_log_journal_stream(int fd);

bool ponto_log_wants(const struct ponto_log *log, enum ponto_log_level level, const char *topic);

/* Accepts a NULL log (nothing happens). Bytes that are not printable UTF-8 are escaped, so a peer
 * cannot forge lines. */
void ponto_log(struct ponto_log *log, enum ponto_log_level level, const char *topic, const char *format, ...)
	PONTO_PRINTF(4, 5);

#define ponto_error(log, topic, ...) ponto_log(log, PONTO_LOG_ERROR, topic, __VA_ARGS__)
#define ponto_warning(log, topic, ...) ponto_log(log, PONTO_LOG_WARNING, topic, __VA_ARGS__)
#define ponto_info(log, topic, ...) ponto_log(log, PONTO_LOG_INFO, topic, __VA_ARGS__)
#define ponto_debug(log, topic, ...)                                            \
	do {                                                                    \
		if (ponto_log_wants(log, PONTO_LOG_DEBUG, topic))               \
			ponto_log(log, PONTO_LOG_DEBUG, topic, __VA_ARGS__);    \
	} while (0)

/* A fault of a peer, not of ours: counts it and writes, at level info, at most one line per topic and ten
 * seconds, naming how many were left out. peer may be NULL. Accepts a NULL log. */
void ponto_peer_fault(struct ponto_log *log, const char *topic, const struct ponto_addr *peer, const char *format, ...)
	PONTO_PRINTF(4, 5);

/* Lines lost and peer faults counted since the start. */
uint64_t ponto_log_lost(const struct ponto_log *log);
uint64_t ponto_log_peer_faults(const struct ponto_log *log);

#ifdef __cplusplus
}
#endif
#endif
