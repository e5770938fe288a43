/* Ponto, inside: how a line looks and where it goes. The caller lets one thread at a time write. */
#ifndef PONTO_LOG_SINK_H
#define PONTO_LOG_SINK_H

#include "framework/log.h"

/* Texts longer than these are cut, so that a line never exceeds what a pipe takes in one piece (PIPE_BUF). */
#define LOG_TOPIC_SIZE 64
#define LOG_INSTANCE_SIZE 64

struct log_line {
	uint64_t wall; /* microseconds */
	enum ponto_log_level level;
	const char *topic;
	const char *instance; /* "": none */
	const char *message;  /* escaped */
};

struct log_sink {
	enum ponto_log_sink kind;
	bool stuck; /* the last line found no room: do not wait again until one does */
};

/* Settles on what there is: journald without a journal becomes text. */
void log_sink_open(struct log_sink *sink, enum ponto_log_sink kind);

/* False when the line is lost. */
bool log_sink_write(struct log_sink *sink, const struct log_line *line);

/* Copies text to out, writing every byte that is not part of a printable UTF-8 character as \xNN. What does not
 * fit, and marked cut what was cut before, ends in an ellipsis. size at least 8. */
void log_escape(const char *text, bool cut, char *out, size_t size);

#endif
