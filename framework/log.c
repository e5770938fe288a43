#include "framework/log.h"
#include "framework/log_filter.h"
#include "framework/log_sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAULT_INTERVAL (10 * PONTO_SECOND)
#define FAULT_TOPICS 64
#define FAULT_TEXT 320 /* leaves room for address and count, however much escaping takes */

/* When a topic may complain about a peer again. Topics beyond the table share its last entry. */
struct fault {
	char topic[LOG_TOPIC_SIZE];
	uint64_t next; /* monotonic microseconds */
	uint64_t left_out;
};

/* What a log and its views share. */
struct core {
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	pthread_rwlock_t filter_lock;
	struct log_filter *filter;
	unsigned most; /* log_filter_most, atomic: most debug lines end here, without a lock */
	pthread_mutex_t lock; /* the sink, the tap, the faults */
	struct log_sink sink;
	ponto_log_tap_fn *tap;
	void *tap_ctx;
	struct fault faults[FAULT_TOPICS];
	size_t fault_count;
	uint64_t lost;	      /* atomic */
	uint64_t peer_faults; /* atomic */
};

struct ponto_log {
	struct core *core;
	bool view; /* the core belongs to another */
	char instance[LOG_INSTANCE_SIZE];
};

static int core_create(const struct ponto_alloc *alloc, const struct ponto_clock *clock, enum ponto_log_sink sink,
		       const char *filter, struct core **out)
{
	struct core *core = ponto_new(alloc, 1, sizeof(*core));
	int result;

	if (!core)
		return PONTO_ENOMEM;
	result = log_filter_create(alloc, filter, &core->filter);
	if (result != PONTO_OK) {
		ponto_free(alloc, core);
		return result;
	}
	core->alloc = alloc;
	core->clock = clock;
	core->most = log_filter_most(core->filter);
	pthread_rwlock_init(&core->filter_lock, NULL);
	pthread_mutex_init(&core->lock, NULL);
	log_sink_open(&core->sink, sink);
	*out = core;
	return PONTO_OK;
}

static void core_destroy(struct core *core)
{
	log_filter_destroy(core->alloc, core->filter);
	pthread_rwlock_destroy(&core->filter_lock);
	pthread_mutex_destroy(&core->lock);
	ponto_free(core->alloc, core);
}

int ponto_log_create(const struct ponto_alloc *alloc, const struct ponto_clock *clock, enum ponto_log_sink sink,
		     const char *filter, struct ponto_log **out)
{
	struct ponto_log *log = ponto_new(alloc, 1, sizeof(*log));
	int result;

	if (!log)
		return PONTO_ENOMEM;
	result = core_create(alloc, clock, sink, filter, &log->core);
	if (result != PONTO_OK)
		ponto_free(alloc, log);
	else
		*out = log;
	return result;
}

int ponto_log_for(struct ponto_log *log, const char *instance, struct ponto_log **out)
{
	struct ponto_log *view = ponto_new(log->core->alloc, 1, sizeof(*view));

	if (!view)
		return PONTO_ENOMEM;
	view->core = log->core;
	view->view = true;
	log_escape(instance, false, view->instance, sizeof(view->instance));
	*out = view;
	return PONTO_OK;
}

void ponto_log_destroy(struct ponto_log *log)
{
	const struct ponto_alloc *alloc;

	if (!log)
		return;
	alloc = log->core->alloc;
	if (!log->view)
		core_destroy(log->core);
	ponto_free(alloc, log);
}

int ponto_log_set_filter(struct ponto_log *log, const char *text)
{
	struct core *core = log->core;
	struct log_filter *fresh, *old;
	int result = log_filter_create(core->alloc, text, &fresh);

	if (result != PONTO_OK)
		return result;
	pthread_rwlock_wrlock(&core->filter_lock);
	old = core->filter;
	core->filter = fresh;
	__atomic_store_n(&core->most, (unsigned)log_filter_most(fresh), __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&core->filter_lock);
	log_filter_destroy(core->alloc, old);
	return PONTO_OK;
}

void ponto_log_tap(struct ponto_log *log, ponto_log_tap_fn *fn, void *ctx)
{
	pthread_mutex_lock(&log->core->lock);
	log->core->tap = fn;
	log->core->tap_ctx = ctx;
	pthread_mutex_unlock(&log->core->lock);
}

bool ponto_log_wants(const struct ponto_log *log, enum ponto_log_level level, const char *topic)
{
	bool wants;

	if (!log || (unsigned)level > __atomic_load_n(&log->core->most, __ATOMIC_RELAXED))
		return false;
	pthread_rwlock_rdlock(&log->core->filter_lock);
	wants = level <= log_filter_level(log->core->filter, topic);
	pthread_rwlock_unlock(&log->core->filter_lock);
	return wants;
}

static void write_line(struct ponto_log *log, enum ponto_log_level level, const char *topic, const char *format,
		       va_list args) __attribute__((format(printf, 4, 0)));

/* The line is formatted outside the lock; errno survives, so logging may stand between a call and its check. */
static void write_line(struct ponto_log *log, enum ponto_log_level level, const char *topic, const char *format,
		       va_list args)
{
	char raw[PONTO_LOG_MESSAGE_SIZE], message[PONTO_LOG_MESSAGE_SIZE], name[LOG_TOPIC_SIZE];
	struct core *core = log->core;
	int saved = errno;
	int len = vsnprintf(raw, sizeof(raw), format, args);
	struct log_line line = {
		.wall = ponto_wall(core->clock),
		.level = level,
		.topic = name,
		.instance = log->instance,
		.message = message,
	};

	if (len < 0)
		raw[0] = '\0';
	log_escape(raw, len < 0 || (size_t)len >= sizeof(raw), message, sizeof(message));
	log_escape(topic, false, name, sizeof(name));
	pthread_mutex_lock(&core->lock);
	if (!log_sink_write(&core->sink, &line))
		__atomic_add_fetch(&core->lost, 1, __ATOMIC_RELAXED);
	if (core->tap)
		core->tap(core->tap_ctx, level, topic, message);
	pthread_mutex_unlock(&core->lock);
	errno = saved;
}

void ponto_log(struct ponto_log *log, enum ponto_log_level level, const char *topic, const char *format, ...)
{
	va_list args;

	if (!ponto_log_wants(log, level, topic))
		return;
	va_start(args, format);
	write_line(log, level, topic, format, args);
	va_end(args);
}

/* ---- faults of peers ------------------------------------------------------------------ */

static struct fault *find_fault(struct core *core, const char *topic)
{
	struct fault *fault;

	for (size_t i = 0; i < core->fault_count; i++) {
		if (strncmp(core->faults[i].topic, topic, LOG_TOPIC_SIZE - 1) == 0)
			return &core->faults[i];
	}
	if (core->fault_count == FAULT_TOPICS)
		return &core->faults[FAULT_TOPICS - 1];
	fault = &core->faults[core->fault_count++];
	snprintf(fault->topic, sizeof(fault->topic), "%s", topic);
	return fault;
}

/* True when a line may be written now; *left_out then counts those since the last one. */
static bool may_complain(struct core *core, const char *topic, uint64_t *left_out)
{
	uint64_t now = ponto_mono(core->clock);
	struct fault *fault;
	bool may;

	pthread_mutex_lock(&core->lock);
	fault = find_fault(core, topic);
	may = now >= fault->next;
	if (may) {
		*left_out = fault->left_out;
		fault->left_out = 0;
		fault->next = now + FAULT_INTERVAL;
	} else {
		fault->left_out++;
	}
	pthread_mutex_unlock(&core->lock);
	return may;
}

void ponto_peer_fault(struct ponto_log *log, const char *topic, const struct ponto_addr *peer, const char *format, ...)
{
	char text[FAULT_TEXT], who[PONTO_ADDR_TEXT];
	uint64_t left_out;
	va_list args;

	if (!log)
		return;
	__atomic_add_fetch(&log->core->peer_faults, 1, __ATOMIC_RELAXED);
	if (!ponto_log_wants(log, PONTO_LOG_INFO, topic) || !may_complain(log->core, topic, &left_out))
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	if (peer)
		ponto_addr_format(peer, who);
	if (left_out)
		ponto_info(log, topic, "%s%s%s (%llu more since the last such line)", peer ? who : "",
			   peer ? ": " : "", text, (unsigned long long)left_out);
	else
		ponto_info(log, topic, "%s%s%s", peer ? who : "", peer ? ": " : "", text);
}

uint64_t ponto_log_lost(const struct ponto_log *log)
{
	return __atomic_load_n(&log->core->lost, __ATOMIC_RELAXED);
}

uint64_t ponto_log_peer_faults(const struct ponto_log *log)
{
	return __atomic_load_n(&log->core->peer_faults, __ATOMIC_RELAXED);
}
