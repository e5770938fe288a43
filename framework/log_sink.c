#include "framework/log_sink.h"
#include "framework/log_filter.h"
#include "framework/utf8.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define PATIENCE_MS 20

/* ---- escaping ------------------------------------------------------------------ */

/* Neither a control character nor one that moves or hides its neighbours on a terminal. */
static bool printable(uint32_t v)
{
	if (v < 0x20 || (v >= 0x7f && v < 0xa0))
		return false;
	if ((v >= 0x200b && v <= 0x200f) || (v >= 0x2028 && v <= 0x202e) || (v >= 0x2060 && v <= 0x206f))
		return false;
	return v != 0x061c && v != 0xfeff && v < 0xe0000 && (v & 0xfffe) != 0xfffe;
}

void log_escape(const char *text, bool cut, char *out, size_t size)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	const char *at = text;
	size_t used = 0, room = size - sizeof(ellipsis); /* what is sure to leave room for the mark */
	size_t mark = 0;				 /* where the mark would go */

	while (*at) {
		uint32_t point = 0;
		size_t len = utf8_decode(at, &point);
		bool plain = len > 0 && printable(point);
		size_t need = plain ? len : 4;

		if (used + need >= size) {
			cut = true;
			break;
		}
		if (plain)
			memcpy(out + used, at, len);
		else
			snprintf(out + used, 5, "\\x%02x", (uint8_t)*at);
		used += need;
		at += plain ? len : 1;
		if (used <= room)
			mark = used;
	}
	if (cut) {
		memcpy(out + mark, ellipsis, sizeof(ellipsis) - 1);
		used = mark + sizeof(ellipsis) - 1;
	}
	out[used] = '\0';
}

/* ---- the two line formats --------------------------------------------------------- */

struct buffer {
	char text[PIPE_BUF];
	size_t used;
};

static void put(struct buffer *b, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(b->text) - 1 - b->used)
		len = sizeof(b->text) - 1 - b->used;
	memcpy(b->text + b->used, text, len);
	b->used += len;
}

/* text is printable UTF-8 already: only what JSON itself reserves is left. */
static void put_quoted(struct buffer *b, const char *text)
{
	char one[3] = {0};

	put(b, "\"");
	for (; *text; text++) {
		bool reserved = *text == '"' || *text == '\\';

		one[0] = reserved ? '\\' : *text;
		one[1] = reserved ? *text : '\0';
		put(b, one);
	}
	put(b, "\"");
}

static void put_time(struct buffer *b, uint64_t wall)
{
	time_t seconds = (time_t)(wall / PONTO_SECOND);
	struct tm utc;
	char text[80];

	gmtime_r(&seconds, &utc);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", utc.tm_year + 1900, utc.tm_mon + 1,
		 utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (unsigned)(wall % PONTO_SECOND));
	put(b, text);
}

static void format_text(struct buffer *b, const struct log_line *line)
{
	put_time(b, line->wall);
	put(b, " ");
	put(b, log_level_name(line->level));
	put(b, " ");
	put(b, line->topic);
	if (*line->instance) {
		put(b, " [");
		put(b, line->instance);
		put(b, "]");
	}
	put(b, ": ");
	put(b, line->message);
	put(b, "\n");
}

static void format_json(struct buffer *b, const struct log_line *line)
{
	put(b, "{\"time\":\"");
	put_time(b, line->wall);
	put(b, "\",\"level\":\"");
	put(b, log_level_name(line->level));
	put(b, "\",\"topic\":");
	put_quoted(b, line->topic);
	put(b, ",\"instance\":");
	put_quoted(b, line->instance);
	put(b, ",\"message\":");
	put_quoted(b, line->message);
	put(b, "}\n");
}

/* ---- the sinks ----------------------------------------------------------------------- */

/* Standard error is shared with others, so it cannot be made non-blocking: wait a moment for room instead. A pipe
 * that polls writable takes PIPE_BUF bytes in one piece. */
static bool write_stderr(struct log_sink *sink, const struct buffer *b)
{
	size_t done = 0;

	while (done < b->used) {
		struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
		int ready = poll(&room, 1, sink->stuck ? 0 : PATIENCE_MS);
		ssize_t wrote;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || !(room.revents & POLLOUT)) {
			sink->stuck = true;
			return false;
		}
		wrote = write(STDERR_FILENO, b->text + done, b->used - done);
		if (wrote < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (wrote > 0)
			done += (size_t)wrote;
	}
	sink->stuck = false;
	return true;
}

static bool write_journal(const struct log_line *line)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	char message[PONTO_LOG_MESSAGE_SIZE + 16], topic[LOG_TOPIC_SIZE + 16], instance[LOG_INSTANCE_SIZE + 16];
	char priority[16];
	struct iovec field[4];
	int count = 3;

	snprintf(message, sizeof(message), "MESSAGE=%s", line->message);
	snprintf(priority, sizeof(priority), "PRIORITY=%d", priorities[line->level]);
	snprintf(topic, sizeof(topic), "PONTO_TOPIC=%s", line->topic);
	field[0] = (struct iovec){message, strlen(message)};
	field[1] = (struct iovec){priority, strlen(priority)};
	field[2] = (struct iovec){topic, strlen(topic)};
	if (*line->instance) {
		snprintf(instance, sizeof(instance), "PONTO_INSTANCE=%s", line->instance);
		field[count++] = (struct iovec){instance, strlen(instance)};
	}
	return sd_journal_sendv(field, count) == 0;
}

bool ponto_log_journal_stream(int fd)
{
	const char *given = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!given || fstat(fd, &st) != 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(given, own) == 0;
}

/* sd_journal_sendv reports success when there is no journal, hence the look beforehand. */
void log_sink_open(struct log_sink *sink, enum ponto_log_sink kind)
{
	sink->kind = kind;
	sink->stuck = false;
	if (kind == PONTO_LOG_JOURNALD && access(JOURNAL_SOCKET, W_OK) != 0)
		sink->kind = PONTO_LOG_STDERR_TEXT;
}

bool log_sink_write(struct log_sink *sink, const struct log_line *line)
{
	struct buffer b;

	b.used = 0;
	switch (sink->kind) {
	case PONTO_LOG_NONE:
		return true;
	case PONTO_LOG_JOURNALD:
		return write_journal(line);
	case PONTO_LOG_STDERR_JSON:
		format_json(&b, line);
		break;
	case PONTO_LOG_STDERR_TEXT:
		format_text(&b, line);
		break;
	}
	return write_stderr(sink, &b);
}
