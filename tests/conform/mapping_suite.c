#include "tests/conform/mapping_suite.h"

#include <stdio.h>
#include <string.h>

#define SETTLE (5 * PONTO_SECOND)

struct mapping_case;

/* A handle and what it was told. */
struct watcher {
	struct mapping_case *c;
	struct ponto_mapping_handle *handle;
	struct ponto_mapping_info info;
	unsigned told;
	bool close_inside, opening, early, late, twice, odd;
};

struct mapping_case {
	struct mapping_bed bed;
	struct watcher a, b;
	struct ponto_timer *guard;
	char *why;
	size_t why_size;
};

static bool fail(struct mapping_case *c, int line, const char *text, int got, int want)
{
	if (want == got)
		snprintf(c->why, c->why_size, "mapping_suite.c:%d: %s does not hold", line, text);
	else
		snprintf(c->why, c->why_size, "mapping_suite.c:%d: %s is %d (%s), not %d (%s)", line, text, got,
			 ponto_strerror(got), want, ponto_strerror(want));
	return false;
}

#define HOLDS(condition)                                                  \
	do {                                                              \
		if (!(condition))                                         \
			return fail(c, __LINE__, #condition, 0, 0);       \
	} while (0)

#define RETURNS(expression, wanted)                                       \
	do {                                                              \
		int got_ = (expression), want_ = (wanted);                \
		if (got_ != want_)                                        \
			return fail(c, __LINE__, #expression, got_, want_); \
	} while (0)

#define TRY(expression)               \
	do {                          \
		if (!(expression))    \
			return false; \
	} while (0)

/* ---- a handle ---------------------------------------------------------------------------- */

static bool same(const struct ponto_mapping_info *a, const struct ponto_mapping_info *b)
{
	return a->state == b->state && ponto_addr_equal(&a->external, &b->external) && strcmp(a->how, b->how) == 0 &&
	       strcmp(a->why, b->why) == 0;
}

/* What each state says. */
static bool complete(const struct ponto_mapping_info *info)
{
	switch (info->state) {
	case PONTO_MAPPING_ASKING:
		return true;
	case PONTO_MAPPING_HELD:
		return info->external.family != PONTO_FAMILY_NONE && info->external.port != 0 && info->how[0] &&
		       memchr(info->how, '\0', sizeof(info->how)) != NULL;
	case PONTO_MAPPING_NONE:
		return info->why[0] && memchr(info->why, '\0', sizeof(info->why)) != NULL;
	default:
		return false;
	}
}

static void close_handle(struct watcher *w)
{
	struct ponto_mapping_handle *handle = w->handle;

	w->handle = NULL;
	ponto_mapping_close(w->c->bed.mapping, handle);
}

static void changed(void *arg, const struct ponto_mapping_info *info)
{
	struct watcher *w = arg;

	w->early |= w->opening;
	w->late |= !w->handle && !w->opening;
	w->twice |= w->told > 0 && same(&w->info, info);
	w->odd |= !complete(info);
	w->info = *info;
	w->told++;
	if (w->close_inside)
		close_handle(w);
}

static const struct ponto_mapping_events events = {changed};

static int open_with(struct watcher *w, const struct ponto_mapping_want *want)
{
	int result;

	w->opening = true;
	result = ponto_mapping_open(w->c->bed.mapping, w->c->bed.loop, want, &events, w, &w->handle);
	w->opening = false;
	return result;
}

/* Its description is gone when open returns. */
static int open_at(struct watcher *w, const struct ponto_addr *local, bool exact)
{
	char description[] = "PONTO CHECK";
	struct ponto_mapping_want want = {
		.local = *local, .protocol = 17, .exact = exact, .lifetime = 3600, .description = description};
	int result = open_with(w, &want);

	memset(description, '\n', sizeof(description) - 1);
	return result;
}

static int open_handle(struct watcher *w)
{
	return open_at(w, &w->c->bed.local, false);
}

static void stop(void *arg)
{
	struct mapping_case *c = arg;

	ponto_loop_stop(c->bed.loop);
}

static bool run(struct mapping_case *c, uint64_t time)
{
	ponto_timer_set(c->bed.loop, c->guard, ponto_loop_now(c->bed.loop) + time);
	RETURNS(ponto_loop_run(c->bed.loop), PONTO_OK);
	return true;
}

static bool well_told(struct mapping_case *c, const struct watcher *w)
{
	HOLDS(!w->early); /* inside open */
	HOLDS(!w->late);  /* after close */
	HOLDS(!w->twice); /* nothing new */
	HOLDS(!w->odd);	  /* a state without what it says */
	return true;
}

static bool answered(struct mapping_case *c, struct watcher *w)
{
	TRY(run(c, c->bed.patience));
	TRY(well_told(c, w));
	HOLDS(w->told > 0);
	HOLDS(w->info.state == PONTO_MAPPING_HELD || w->info.state == PONTO_MAPPING_NONE);
	return true;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static bool case_answer(struct mapping_case *c)
{
	RETURNS(open_handle(&c->a), PONTO_OK);
	HOLDS(c->a.told == 0);
	TRY(answered(c, &c->a));
	if (c->bed.mapped)
		HOLDS(c->a.info.state == PONTO_MAPPING_HELD && c->bed.mapped(c->bed.ctx, c->bed.local.port));
	return true;
}

static bool case_refusals(struct mapping_case *c)
{
	struct ponto_mapping_want good = {.local = c->bed.local, .protocol = 17, .description = "x"}, want;
	char text[65];

	want = good;
	want.local.port = 0;
	RETURNS(open_with(&c->a, &want), PONTO_EINVAL);
	want = good;
	want.protocol = 1;
	RETURNS(open_with(&c->a, &want), PONTO_EINVAL);
	want = good;
	want.description = "two\nlines";
	RETURNS(open_with(&c->a, &want), PONTO_EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	want.description = text; /* 64 characters */
	RETURNS(open_with(&c->a, &want), PONTO_EINVAL);
	HOLDS(!c->a.handle && c->a.told == 0); /* out is untouched */
	text[63] = '\0';
	RETURNS(open_with(&c->a, &want), PONTO_OK);
	return true;
}

static bool case_family(struct mapping_case *c)
{
	struct ponto_mapping_want want = {.protocol = 17, .description = "x"};
	int result;

	RETURNS(ponto_addr_parse("[2001:db8::1]:4000", 0, &want.local), PONTO_OK);
	result = open_with(&c->a, &want);
	HOLDS(result == PONTO_OK || result == PONTO_ENOTSUP);
	return true;
}

static bool case_streams_too(struct mapping_case *c)
{
	struct ponto_mapping_want want = {.local = c->bed.local, .protocol = 6, .description = "x"};

	RETURNS(open_with(&c->a, &want), PONTO_OK);
	return answered(c, &c->a);
}

static bool case_closed_at_once(struct mapping_case *c)
{
	RETURNS(open_handle(&c->a), PONTO_OK);
	close_handle(&c->a);
	TRY(run(c, c->bed.patience));
	HOLDS(c->a.told == 0);
	if (c->bed.mapped)
		HOLDS(!c->bed.mapped(c->bed.ctx, c->bed.local.port));
	ponto_mapping_close(c->bed.mapping, NULL);
	return true;
}

static bool case_closed_inside(struct mapping_case *c)
{
	c->a.close_inside = true;
	RETURNS(open_handle(&c->a), PONTO_OK);
	TRY(run(c, c->bed.patience));
	TRY(well_told(c, &c->a));
	HOLDS(c->a.told == 1 && !c->a.handle);
	TRY(run(c, SETTLE));
	HOLDS(c->a.told == 1);
	if (c->bed.mapped)
		HOLDS(!c->bed.mapped(c->bed.ctx, c->bed.local.port));
	return true;
}

static bool case_two_handles(struct mapping_case *c)
{
	struct ponto_addr next = c->bed.local;

	next.port++;
	RETURNS(open_handle(&c->a), PONTO_OK);
	RETURNS(open_at(&c->b, &next, false), PONTO_OK);
	TRY(run(c, c->bed.patience));
	TRY(answered(c, &c->a));
	TRY(answered(c, &c->b));
	close_handle(&c->b);
	TRY(run(c, SETTLE));
	TRY(well_told(c, &c->b));
	if (c->bed.mapped)
		HOLDS(c->bed.mapped(c->bed.ctx, c->bed.local.port) && !c->bed.mapped(c->bed.ctx, next.port));
	return true;
}

/* At any time, and what stays the same is not told again. */
static bool case_renew(struct mapping_case *c)
{
	RETURNS(open_handle(&c->a), PONTO_OK);
	ponto_mapping_renew(c->bed.mapping, c->a.handle);
	ponto_mapping_renew(c->bed.mapping, c->a.handle);
	TRY(answered(c, &c->a));
	ponto_mapping_renew(c->bed.mapping, c->a.handle);
	TRY(run(c, c->bed.patience));
	TRY(well_told(c, &c->a));
	HOLDS(!c->bed.mapped || c->a.told == 1);
	return true;
}

static bool case_kept(struct mapping_case *c)
{
	RETURNS(open_handle(&c->a), PONTO_OK);
	TRY(answered(c, &c->a));
	for (unsigned i = 0; i < 6; i++) {
		TRY(run(c, 1800 * PONTO_SECOND));
		HOLDS(c->bed.mapped(c->bed.ctx, c->bed.local.port));
	}
	HOLDS(c->a.told == 1);
	return true;
}

static bool case_given_back(struct mapping_case *c)
{
	RETURNS(open_handle(&c->a), PONTO_OK);
	TRY(answered(c, &c->a));
	close_handle(&c->a);
	TRY(run(c, SETTLE));
	HOLDS(!c->bed.mapped(c->bed.ctx, c->bed.local.port));
	HOLDS(c->a.told == 1);
	return true;
}

static bool case_other_port(struct mapping_case *c)
{
	c->bed.shift(c->bed.ctx);
	RETURNS(open_handle(&c->a), PONTO_OK);
	TRY(answered(c, &c->a));
	HOLDS(c->a.info.state == PONTO_MAPPING_HELD && c->a.info.external.port != c->bed.local.port);
	return true;
}

/* The same port or none. */
static bool case_exact(struct mapping_case *c)
{
	RETURNS(open_at(&c->a, &c->bed.local, true), PONTO_OK);
	TRY(answered(c, &c->a));
	HOLDS(c->a.info.state == PONTO_MAPPING_HELD && c->a.info.external.port == c->bed.local.port);
	close_handle(&c->a);
	TRY(run(c, SETTLE));
	c->bed.shift(c->bed.ctx);
	RETURNS(open_at(&c->b, &c->bed.local, true), PONTO_OK);
	TRY(answered(c, &c->b));
	HOLDS(c->b.info.state == PONTO_MAPPING_NONE);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct mapping_case *c);
	bool gateway; /* it takes one */
} cases[] = {
	{"an answer", case_answer, false},
	{"refusals", case_refusals, false},
	{"other families", case_family, false},
	{"ports of streams", case_streams_too, false},
	{"closed at once", case_closed_at_once, false},
	{"closed inside", case_closed_inside, false},
	{"two handles", case_two_handles, false},
	{"renew", case_renew, false},
	{"kept", case_kept, true},
	{"given back", case_given_back, true},
	{"another port outside", case_other_port, true},
	{"exact", case_exact, true},
};

size_t mapping_suite_count(void)
{
	return PONTO_ARRAY_SIZE(cases);
}

const char *mapping_suite_name(size_t index)
{
	return cases[index].name;
}

static enum mapping_verdict run_on_bed(size_t index, struct mapping_case *c)
{
	bool holds;

	if (cases[index].gateway && !c->bed.mapped) {
		snprintf(c->why, c->why_size, "there is no gateway");
		return MAPPING_NOT_TRIED;
	}
	c->a.c = c->b.c = c;
	holds = ponto_timer_create(c->bed.loop, stop, c, &c->guard) == PONTO_OK && cases[index].run(c);
	close_handle(&c->a);
	close_handle(&c->b);
	holds = holds && run(c, SETTLE) && well_told(c, &c->a) && well_told(c, &c->b);
	ponto_timer_destroy(c->bed.loop, c->guard);
	return holds ? MAPPING_HOLDS : MAPPING_BROKEN;
}

enum mapping_verdict mapping_suite_run(size_t index, const struct mapping_subject *subject, char *why, size_t why_size)
{
	struct mapping_case c = {.why = why, .why_size = why_size};
	enum mapping_verdict verdict;
	int result = subject->open(subject->ctx, &c.bed);

	snprintf(why, why_size, "no reason given");
	if (result != PONTO_OK) {
		snprintf(why, why_size, "it cannot be made: %s", ponto_strerror(result));
		return MAPPING_BROKEN;
	}
	verdict = run_on_bed(index, &c);
	subject->close(subject->ctx, &c.bed);
	return verdict;
}
