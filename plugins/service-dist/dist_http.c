#include "plugins/service-dist/dist_http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- dates ------------------------------------------------------------------------- */

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Without strftime, which speaks the surroundings' language. */
void dist_date_format(int64_t seconds, char out[DIST_DATE_TEXT])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 8099) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	snprintf(out, DIST_DATE_TEXT, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday,
		 (unsigned)tm.tm_mday % 100u, months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000u,
		 (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
}

static bool month_of(const char *name, int *month)
{
	for (int i = 0; i < 12; i++) {
		if (strncmp(name, months + 3 * i, 3) == 0) {
			*month = i;
			return true;
		}
	}
	return false;
}

/* Two digits stand for the year that is at most 50 years ahead (RFC 9110 5.6.7): to be told without a clock, of this
 * century's first half. */
static int century(int year)
{
	return year < 70 ? year + 2000 : year + 1900;
}

int dist_date_parse(const char *text, int64_t *seconds)
{
	struct tm tm = {0};
	char month[4] = "";
	int end = 0, year = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &end) != 6 ||
	    end == 0 || text[end]) {
		end = 0;
		if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
			   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
		    end != 0 && !text[end]) {
			year = century(year);
		} else {
			end = 0;
			if (sscanf(text, "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday, &tm.tm_hour,
				   &tm.tm_min, &tm.tm_sec, &year, &end) != 6 ||
			    end == 0 || text[end])
				return PONTO_EINVAL;
		}
	}
	if (!month_of(month, &tm.tm_mon) || year < 1900 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return PONTO_EINVAL;
	tm.tm_year = year - 1900;
	*seconds = timegm(&tm);
	return PONTO_OK;
}

/* ---- validators ---------------------------------------------------------------------- */

static const char *skip(const char *s, const char *what)
{
	return s + strspn(s, what);
}

/* Whether a list of entity tags has etag; "*" has any. A weak one counts only where weak ones may. */
static bool lists(const char *list, const char *etag, bool weak_too)
{
	list = skip(list, " \t");
	if (strcmp(list, "*") == 0)
		return true;
	while (*list) {
		bool weak = strncmp(list, "W/", 2) == 0;
		const char *tag = weak ? list + 2 : list, *end;

		if (*tag != '"' || !(end = strchr(tag + 1, '"')))
			return false;
		end++;
		if ((weak_too || !weak) && (size_t)(end - tag) == strlen(etag) &&
		    memcmp(tag, etag, (size_t)(end - tag)) == 0)
			return true;
		list = skip(end, " \t,");
	}
	return false;
}

unsigned dist_precondition(const struct dist_conditions *c, const struct dist_validators *v)
{
	int64_t since;

	if (c->if_match) {
		if (!lists(c->if_match, v->etag, false))
			return 412;
	} else if (c->if_unmodified_since && dist_date_parse(c->if_unmodified_since, &since) == PONTO_OK &&
		   v->modified > since) {
		return 412;
	}
	if (c->if_none_match)
		return lists(c->if_none_match, v->etag, true) ? 304 : 200;
	if (c->if_modified_since && dist_date_parse(c->if_modified_since, &since) == PONTO_OK && v->modified <= since)
		return 304;
	return 200;
}

bool dist_range_applies(const struct dist_conditions *c, const struct dist_validators *v)
{
	int64_t date;

	if (!c->if_range)
		return true;
	if (*c->if_range == '"' || strncmp(c->if_range, "W/", 2) == 0)
		return strcmp(c->if_range, v->etag) == 0;
	/* A date is strong only when the entity was at rest for a second and more (RFC 9110 8.8.2.2). */
	return dist_date_parse(c->if_range, &date) == PONTO_OK && date == v->modified && v->now > v->modified + 1;
}

/* ---- paths ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The next byte of the path, decoded; negative: a wrong escape. */
static int next_byte(const char **p)
{
	int high, low, c = (unsigned char)*(*p)++;

	if (c != '%')
		return c;
	high = hex_digit(**p);
	low = high < 0 ? -1 : hex_digit((*p)[1]);
	if (low < 0)
		return -1;
	*p += 2;
	return 16 * high + low;
}

/* One segment was read behind its slash at start: dot segments and empty ones go. False: above the root. */
static bool end_segment(const char *out, size_t start, size_t *len)
{
	size_t size = *len - start - 1;
	const char *name = out + start + 1;

	if (size == 0 || (size == 1 && name[0] == '.')) {
		*len = start;
	} else if (size == 2 && name[0] == '.' && name[1] == '.') {
		if (start == 0)
			return false;
		do
			start--;
		while (out[start] != '/');
		*len = start;
	}
	return true;
}

static const char *origin_form(const char *target)
{
	const char *authority;

	if (*target == '/')
		return target;
	if (strncasecmp(target, "http://", 7) == 0)
		authority = target + 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		authority = target + 8;
	else
		return NULL;
	authority += strcspn(authority, "/?#");
	return *authority == '/' ? authority : "/";
}

int dist_path(const char *target, char out[DIST_PATH_MAX])
{
	const char *p = origin_form(target);
	char path[DIST_PATH_MAX];
	size_t len = 0, start, size;
	bool folder = true;

	if (!p)
		return PONTO_EINVAL;
	while (*p && *p != '?' && *p != '#') {
		int c = next_byte(&p);

		if (c != '/')
			return PONTO_EINVAL;
		start = len;
		path[len++] = '/';
		while (*p && *p != '?' && *p != '#' && *p != '/') {
			c = next_byte(&p);
			if (c <= 0 || c == '/')
				return PONTO_EINVAL; /* an escaped slash is no name of a file */
			if (len >= DIST_PATH_MAX - 2)
				return PONTO_ELIMIT;
			path[len++] = (char)c;
		}
		size = len;
		if (!end_segment(path, start, &len))
			return PONTO_EINVAL;
		folder = len != size; /* it was empty, or led to one */
	}
	if (folder)
		path[len++] = '/';
	path[len] = '\0';
	memcpy(out, path, len + 1);
	return PONTO_OK;
}
