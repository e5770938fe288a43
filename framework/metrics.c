#include "framework/metrics.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDS_MAX 32

enum type {
	TYPE_COUNTER,
	TYPE_GAUGE,
	TYPE_HISTOGRAM,
};

struct ponto_counter {
	uint64_t value;
};

struct ponto_gauge {
	int64_t value;
};

struct ponto_histogram {
	size_t count; /* of bounds */
	double bounds[BOUNDS_MAX];
	uint64_t buckets[BOUNDS_MAX + 1]; /* each on its own, not summed up */
	double sum;
};

/* One metric of one instance. */
struct series {
	struct series *next; /* by instance, ascending */
	const char *instance;
	union {
		struct ponto_counter counter;
		struct ponto_gauge gauge;
		struct ponto_histogram histogram; /* of histograms only: the others' memory ends before */
	};
};

#define PLAIN_SIZE (offsetof(struct series, counter) + sizeof(uint64_t))

struct family {
	struct family *next; /* by name, ascending */
	struct series *series;
	const char *help; /* the caller's */
	uint8_t type;
	char name[];
};

/* What is registered stays as long as the registry: there is no end to be kept of each. */
struct slab {
	struct slab *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t bytes[];
};

#define SLAB_SIZE 2016 /* with what malloc adds half a page */

struct ponto_metrics {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock; /* the lists; values are atomic */
	struct family *families;
	struct slab *slabs;
	const char *last_instance; /* most metrics that follow one another are of the same */
};

/* ---- registration ------------------------------------------------------------------ */

int ponto_metrics_create(const struct ponto_alloc *alloc, struct ponto_metrics **out)
{
	struct ponto_metrics *metrics = ponto_new(alloc, 1, sizeof(*metrics));

	if (!metrics)
		return PONTO_ENOMEM;
	metrics->alloc = alloc;
	pthread_mutex_init(&metrics->lock, NULL);
	*out = metrics;
	return PONTO_OK;
}

void ponto_metrics_destroy(struct ponto_metrics *metrics)
{
	if (!metrics)
		return;
	while (metrics->slabs) {
		struct slab *slab = metrics->slabs;

		metrics->slabs = slab->next;
		ponto_free(metrics->alloc, slab);
	}
	pthread_mutex_destroy(&metrics->lock);
	ponto_free(metrics->alloc, metrics);
}

/* Zeroed memory for good; under the lock. NULL when there is none. */
static void *take(struct ponto_metrics *metrics, size_t size, size_t align)
{
	struct slab *slab = metrics->slabs;
	size_t at = slab ? (slab->used + align - 1) / align * align : 0;

	if (!slab || at > slab->size || size > slab->size - at) {
		size_t room = size > SLAB_SIZE ? size : SLAB_SIZE;

		slab = ponto_new(metrics->alloc, 1, sizeof(*slab) + room);
		if (!slab)
			return NULL;
		slab->size = room;
		slab->next = metrics->slabs;
		metrics->slabs = slab;
		at = 0;
	}
	slab->used = at + size;
	return slab->bytes + at;
}

static const char *take_instance(struct ponto_metrics *metrics, const char *instance)
{
	size_t size = strlen(instance) + 1;
	char *copy;

	if (metrics->last_instance && strcmp(metrics->last_instance, instance) == 0)
		return metrics->last_instance;
	copy = take(metrics, size, 1);
	if (!copy)
		return NULL;
	memcpy(copy, instance, size);
	metrics->last_instance = copy;
	return copy;
}

static bool valid_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";

	return *name && strchr(letters, *name) && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static struct family *family_find(struct ponto_metrics *metrics, enum type type, const char *name, const char *help)
{
	struct family **at = &metrics->families;
	size_t size = strlen(name) + 1;
	struct family *family;

	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->name, name) == 0)
		return (*at)->type == type ? *at : NULL;
	family = take(metrics, sizeof(*family) + size, _Alignof(struct family));
	if (!family)
		return NULL;
	family->type = (uint8_t)type;
	family->help = help ? help : "";
	memcpy(family->name, name, size);
	family->next = *at;
	*at = family;
	return family;
}

static struct series *series_find(struct ponto_metrics *metrics, struct family *family, const char *instance,
				  const struct ponto_histogram *model)
{
	struct series **at = &family->series;
	struct series *series;

	while (*at && strcmp((*at)->instance, instance) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->instance, instance) == 0)
		return *at;
	instance = take_instance(metrics, instance);
	series = instance ? take(metrics, model ? sizeof(*series) : PLAIN_SIZE, _Alignof(struct series)) : NULL;
	if (!series)
		return NULL;
	series->instance = instance;
	if (model)
		series->histogram = *model;
	series->next = *at;
	*at = series;
	return series;
}

static struct series *find(struct ponto_metrics *metrics, enum type type, const char *name, const char *instance,
			   const char *help, const struct ponto_histogram *model)
{
	struct series *series = NULL;
	struct family *family;

	if (!metrics || !valid_name(name))
		return NULL;
	pthread_mutex_lock(&metrics->lock);
	family = family_find(metrics, type, name, help);
	if (family)
		series = series_find(metrics, family, instance ? instance : "", model);
	pthread_mutex_unlock(&metrics->lock);
	return series;
}

struct ponto_counter *ponto_counter(struct ponto_metrics *metrics, const char *name, const char *instance,
				    const char *help)
{
	struct series *series = find(metrics, TYPE_COUNTER, name, instance, help, NULL);

	return series ? &series->counter : NULL;
}

struct ponto_gauge *ponto_gauge(struct ponto_metrics *metrics, const char *name, const char *instance, const char *help)
{
	struct series *series = find(metrics, TYPE_GAUGE, name, instance, help, NULL);

	return series ? &series->gauge : NULL;
}

struct ponto_histogram *ponto_histogram(struct ponto_metrics *metrics, const char *name, const char *instance,
					const char *help, const double *bounds, size_t count)
{
	struct ponto_histogram model = {.count = count};
	struct series *series;

	if (count > BOUNDS_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1]))
			return NULL;
		model.bounds[i] = bounds[i];
	}
	series = find(metrics, TYPE_HISTOGRAM, name, instance, help, &model);
	return series ? &series->histogram : NULL;
}

/* ---- updates ------------------------------------------------------------------------- */

void ponto_counter_add(struct ponto_counter *counter, uint64_t n)
{
	if (counter)
		__atomic_add_fetch(&counter->value, n, __ATOMIC_RELAXED);
}

void ponto_gauge_set(struct ponto_gauge *gauge, int64_t value)
{
	if (gauge)
		__atomic_store_n(&gauge->value, value, __ATOMIC_RELAXED);
}

void ponto_gauge_add(struct ponto_gauge *gauge, int64_t delta)
{
	if (gauge)
		__atomic_add_fetch(&gauge->value, delta, __ATOMIC_RELAXED);
}

void ponto_histogram_observe(struct ponto_histogram *histogram, double value)
{
	double sum, next;
	size_t i = 0;

	if (!histogram || !isfinite(value))
		return;
	while (i < histogram->count && value > histogram->bounds[i])
		i++;
	__atomic_add_fetch(&histogram->buckets[i], 1, __ATOMIC_RELAXED);
	__atomic_load(&histogram->sum, &sum, __ATOMIC_RELAXED);
	do {
		next = sum + value;
	} while (!__atomic_compare_exchange(&histogram->sum, &sum, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

uint64_t ponto_counter_value(const struct ponto_counter *counter)
{
	return counter ? __atomic_load_n(&counter->value, __ATOMIC_RELAXED) : 0;
}

int64_t ponto_gauge_value(const struct ponto_gauge *gauge)
{
	return gauge ? __atomic_load_n(&gauge->value, __ATOMIC_RELAXED) : 0;
}

/* ---- text that grows ------------------------------------------------------------------- */

struct text {
	const struct ponto_alloc *alloc;
	char *data;
	size_t used, size;
	bool failed;
};

static bool text_room(struct text *t, size_t more)
{
	size_t size = t->size ? t->size : 1024;
	char *data;

	if (t->failed || t->size - t->used > more)
		return !t->failed;
	while (size - t->used <= more)
		size *= 2;
	data = ponto_resize(t->alloc, t->data, size, 1);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->size = size;
	return true;
}

static void put(struct text *t, const char *format, ...) PONTO_PRINTF(2, 3);

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || !text_room(t, (size_t)len))
		return;
	va_start(args, format);
	vsnprintf(t->data + t->used, t->size - t->used, format, args);
	va_end(args);
	t->used += (size_t)len;
}

/* As few digits as read back as the same number, written out where %g does. */
static void put_number(struct text *t, double value)
{
	char shorter[40];

	for (int digits = 15; digits < 17; digits++) {
		snprintf(shorter, sizeof(shorter), "%.*g", digits, value);
		if (strtod(shorter, NULL) == value) {
			put(t, "%s", shorter);
			return;
		}
	}
	put(t, "%.17g", value);
}

/* Numbers are written with a decimal point whatever the program's locale, hence the switch for this thread. */
static int finish(struct ponto_metrics *metrics, void (*write)(struct text *t, const struct ponto_metrics *metrics),
		  char **out)
{
	struct text t = {.alloc = metrics->alloc};
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;

	if (plain == (locale_t)0)
		return PONTO_ENOMEM;
	before = uselocale(plain);
	pthread_mutex_lock(&metrics->lock);
	put(&t, "%s", "");
	write(&t, metrics);
	pthread_mutex_unlock(&metrics->lock);
	uselocale(before);
	freelocale(plain);
	if (t.failed) {
		ponto_free(t.alloc, t.data);
		return PONTO_ENOMEM;
	}
	*out = t.data;
	return PONTO_OK;
}

/* What a reader sees of a histogram while others go on observing: count and buckets fit each other. */
static uint64_t snapshot(const struct ponto_histogram *histogram, uint64_t up_to[BOUNDS_MAX + 1], double *sum)
{
	uint64_t total = 0;

	for (size_t i = 0; i <= histogram->count; i++) {
		total += __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
		up_to[i] = total;
	}
	__atomic_load(&histogram->sum, sum, __ATOMIC_RELAXED);
	return total;
}

/* ---- Prometheus text exposition format 0.0.4 ------------------------------------------------ */

static void put_escaped(struct text *t, const char *text, bool quote)
{
	for (; *text; text++) {
		if (*text == '\n')
			put(t, "\\n");
		else if (*text == '\\' || (quote && *text == '"'))
			put(t, "\\%c", *text);
		else
			put(t, "%c", *text);
	}
}

/* "{instance="x",le="0.1"}", whatever of it there is. */
static void put_labels(struct text *t, const struct series *series, const double *bound, bool last)
{
	bool le = bound || last;

	if (!*series->instance && !le)
		return;
	put(t, "{");
	if (*series->instance) {
		put(t, "instance=\"");
		put_escaped(t, series->instance, true);
		put(t, le ? "\"," : "\"");
	}
	if (le) {
		put(t, "le=\"");
		if (bound)
			put_number(t, *bound);
		else
			put(t, "+Inf");
		put(t, "\"");
	}
	put(t, "}");
}

static void prometheus_histogram(struct text *t, const struct family *family, const struct series *series)
{
	const struct ponto_histogram *histogram = &series->histogram;
	uint64_t up_to[BOUNDS_MAX + 1];
	double sum;
	uint64_t total = snapshot(histogram, up_to, &sum);

	for (size_t i = 0; i <= histogram->count; i++) {
		bool last = i == histogram->count;

		put(t, "ponto_%s_bucket", family->name);
		put_labels(t, series, last ? NULL : &histogram->bounds[i], last);
		put(t, " %llu\n", (unsigned long long)up_to[i]);
	}
	put(t, "ponto_%s_sum", family->name);
	put_labels(t, series, NULL, false);
	put(t, " ");
	put_number(t, sum);
	put(t, "\nponto_%s_count", family->name);
	put_labels(t, series, NULL, false);
	put(t, " %llu\n", (unsigned long long)total);
}

static void put_value(struct text *t, enum type type, const struct series *series)
{
	if (type == TYPE_COUNTER)
		put(t, "%llu", (unsigned long long)ponto_counter_value(&series->counter));
	else
		put(t, "%lld", (long long)ponto_gauge_value(&series->gauge));
}

static void prometheus(struct text *t, const struct ponto_metrics *metrics)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	for (const struct family *family = metrics->families; family; family = family->next) {
		if (*family->help) {
			put(t, "# HELP ponto_%s ", family->name);
			put_escaped(t, family->help, false);
			put(t, "\n");
		}
		put(t, "# TYPE ponto_%s %s\n", family->name, types[family->type]);
		for (const struct series *series = family->series; series; series = series->next) {
			if (family->type == TYPE_HISTOGRAM) {
				prometheus_histogram(t, family, series);
				continue;
			}
			put(t, "ponto_%s", family->name);
			put_labels(t, series, NULL, false);
			put(t, " ");
			put_value(t, family->type, series);
			put(t, "\n");
		}
	}
}

int ponto_metrics_prometheus(struct ponto_metrics *metrics, char **out)
{
	return finish(metrics, prometheus, out);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void put_json_string(struct text *t, const char *text)
{
	put(t, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			put(t, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			put(t, "\\u%04x", (unsigned)*text);
		else
			put(t, "%c", *text);
	}
	put(t, "\"");
}

static void json_histogram(struct text *t, const struct ponto_histogram *histogram)
{
	uint64_t up_to[BOUNDS_MAX + 1];
	double sum;
	uint64_t total = snapshot(histogram, up_to, &sum);

	put(t, "{\"count\":%llu,\"sum\":", (unsigned long long)total);
	if (isfinite(sum))
		put_number(t, sum);
	else
		put(t, "null");
	put(t, ",\"buckets\":{");
	for (size_t i = 0; i < histogram->count; i++) {
		put(t, "\"");
		put_number(t, histogram->bounds[i]);
		put(t, "\":%llu,", (unsigned long long)up_to[i]);
	}
	put(t, "\"+Inf\":%llu}}", (unsigned long long)total);
}

static void json(struct text *t, const struct ponto_metrics *metrics)
{
	put(t, "{");
	for (const struct family *family = metrics->families; family; family = family->next) {
		put(t, "\"%s\":{", family->name);
		for (const struct series *series = family->series; series; series = series->next) {
			put_json_string(t, series->instance);
			put(t, ":");
			if (family->type == TYPE_HISTOGRAM)
				json_histogram(t, &series->histogram);
			else
				put_value(t, family->type, series);
			put(t, series->next ? "," : "");
		}
		put(t, family->next ? "}," : "}");
	}
	put(t, "}");
}

int ponto_metrics_json(struct ponto_metrics *metrics, char **out)
{
	return finish(metrics, json, out);
}
