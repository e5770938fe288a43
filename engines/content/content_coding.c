#include "engines/content/content_coding.h"

#include <string.h>

/* ---- text ------------------------------------------------------------------------ */

/* Part of a header's value. */
struct part {
	const char *text;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static struct part trim(struct part p)
{
	while (p.len > 0 && is_space(p.text[0])) {
		p.text++;
		p.len--;
	}
	while (p.len > 0 && is_space(p.text[p.len - 1]))
		p.len--;
	return p;
}

/* Takes what is before the next separator off rest, white space around it gone; false at the end. */
static bool take(struct part *rest, char separator, struct part *out)
{
	const char *end;

	if (!rest->text)
		return false;
	end = memchr(rest->text, separator, rest->len);
	out->text = rest->text;
	out->len = end ? (size_t)(end - rest->text) : rest->len;
	rest->len -= out->len + (end ? 1 : 0);
	rest->text = end ? end + 1 : NULL;
	*out = trim(*out);
	return true;
}

static bool is(struct part p, const char *word)
{
	size_t i = 0;

	while (i < p.len && word[i] && lower(p.text[i]) == lower(word[i]))
		i++;
	return i == p.len && !word[i];
}

static bool number(struct part p, uint64_t max, uint64_t *out)
{
	return ponto_bytes_decimal(ponto_bytes(p.text, p.len), max, out);
}

static bool version_of(struct part p, struct content_version *out)
{
	const char *dot = memchr(p.text, '.', p.len);
	struct part major = {p.text, 0}, minor;
	uint64_t a, b;

	if (!dot)
		return false;
	major.len = (size_t)(dot - p.text);
	minor = (struct part){dot + 1, p.len - major.len - 1};
	if (!number(major, UINT16_MAX, &a) || !number(minor, UINT16_MAX, &b))
		return false;
	out->major = (uint16_t)a;
	out->minor = (uint16_t)b;
	return true;
}

/* ---- headers --------------------------------------------------------------------- */

/* "true", "false" which says nothing, or a fault. */
static void flag(struct content_coding *coding, struct part value, bool *out)
{
	if (is(value, "true"))
		*out = true;
	else if (!is(value, "false"))
		coding->bad_value = true;
}

static void version(struct content_coding *coding, struct part value, bool *has, struct content_version *out)
{
	*has = true;
	if (!version_of(value, out))
		coding->bad_value = true;
}

static void parameter(struct content_coding *coding, struct part name, struct part value, bool ex)
{
	if (!ex && is(name, "Version")) {
		version(coding, value, &coding->has_version, &coding->version);
	} else if (!ex && is(name, "ContentLength")) {
		coding->has_length = number(value, INT64_MAX, &coding->length);
		coding->bad_value |= !coding->has_length;
	} else if (!ex && is(name, "MissingDataRequest")) {
		flag(coding, value, &coding->missing_data);
	} else if (ex && is(name, "MinContentInformation")) {
		version(coding, value, &coding->has_min, &coding->min);
	} else if (ex && is(name, "MaxContentInformation")) {
		version(coding, value, &coding->has_max, &coding->max);
	} else if (ex && is(name, "MakeHashRequest")) {
		flag(coding, value, &coding->make_hash);
	} else if (ex && is(name, "HashRequest")) {
		flag(coding, value, &coding->hash_request);
	}
}

static void parameters(struct content_coding *coding, struct part rest, bool ex)
{
	struct part item, name;

	while (take(&rest, ',', &item)) {
		if (!take(&item, '=', &name) || name.len == 0)
			continue;
		parameter(coding, name, item.text ? trim(item) : (struct part){"", 0}, ex);
	}
}

/* q=0, q=0.0 and so on: not acceptable. */
static bool refused_weight(struct part rest)
{
	struct part item, name;

	while (take(&rest, ';', &item)) {
		if (!take(&item, '=', &name) || !is(name, "q") || !item.text)
			continue;
		item = trim(item);
		while (item.len > 0 && (*item.text == '0' || *item.text == '.')) {
			item.text++;
			item.len--;
		}
		return item.len == 0;
	}
	return false;
}

static void accept_encoding(struct content_coding *coding, struct part rest)
{
	struct part item, name;

	while (take(&rest, ',', &item)) {
		if (take(&item, ';', &name) && is(name, "peerdist"))
			coding->accepted = !refused_weight(item);
	}
}

void content_coding_header(struct content_coding *coding, const char *name, const char *value)
{
	struct part n = {name, strlen(name)}, v = {value, strlen(value)};

	if (is(n, "Accept-Encoding")) {
		accept_encoding(coding, v);
	} else if (is(n, "Content-Encoding")) {
		coding->encoded = is(trim(v), "peerdist");
	} else if (is(n, CONTENT_PARAMS)) {
		parameters(coding, v, false);
	} else if (is(n, CONTENT_PARAMS_EX)) {
		coding->has_ex = true;
		parameters(coding, v, true);
	}
}

int content_version_compare(struct content_version a, struct content_version b)
{
	return a.major != b.major ? (int)a.major - (int)b.major : (int)a.minor - (int)b.minor;
}

/* ---- server ---------------------------------------------------------------------- */

/* Of the encoding, not of Content Information. A client that names none is taken as one of the first version. */
static struct content_version encoding_version(const struct content_coding *request)
{
	return request->has_version ? request->version : (struct content_version){1, request->has_ex ? 1 : 0};
}

static bool known_encoding(struct content_version v)
{
	return v.major == 1 && v.minor <= 1;
}

/* 1.0 or 2.0 (2.2). */
static bool known_information(struct content_version v)
{
	return (v.major == 1 || v.major == 2) && v.minor == 0;
}

enum content_answer content_answer(const struct content_coding *request, const struct content_answerable *answerable)
{
	struct content_version least = {1, 0}, most = {1, 0};

	if (!answerable->get || !answerable->validator || request->missing_data || request->bad_value ||
	    (!request->accepted && !request->hash_request) || !known_encoding(encoding_version(request)))
		return CONTENT_ANSWER_ORDINARY;
	if (request->has_min)
		least = request->min;
	if (request->has_max)
		most = request->max;
	if (!known_information(least) || !known_information(most) || least.major > most.major)
		return CONTENT_ANSWER_ORDINARY;
	if (most.major == 2 && answerable->hashed_v2)
		return CONTENT_ANSWER_V2;
	if (least.major == 1 && answerable->hashed_v1)
		return CONTENT_ANSWER_V1;
	return CONTENT_ANSWER_MAKE;
}

void content_answer_params(const struct content_coding *request, enum content_answer answer, uint64_t length,
			   char params[CONTENT_PARAMS_TEXT], char params_ex[CONTENT_PARAMS_TEXT])
{
	struct ponto_writer w = ponto_writer(params, CONTENT_PARAMS_TEXT);
	bool later = encoding_version(request).minor > 0;

	params[0] = params_ex[0] = 0;
	if (answer == CONTENT_ANSWER_ORDINARY || (answer == CONTENT_ANSWER_MAKE && !later))
		return;
	ponto_write_text(&w, later ? "Version=1.1" : "Version=1.0");
	if (answer == CONTENT_ANSWER_MAKE) {
		memcpy(params_ex, "MakeHashRequest=true", sizeof("MakeHashRequest=true"));
	} else {
		ponto_write_text(&w, ", ContentLength=");
		ponto_write_decimal(&w, length);
	}
	ponto_write_u8(&w, 0);
}

int content_range_parse(const char *value, uint64_t size, uint64_t *start, uint64_t *length)
{
	struct part rest = {value, strlen(value)}, unit, first;
	uint64_t from, to = UINT64_MAX;

	if (!take(&rest, '=', &unit) || !is(unit, "bytes") || !rest.text)
		return PONTO_ENOTSUP;
	rest = trim(rest);
	if (!take(&rest, '-', &first) || !rest.text)
		return PONTO_ENOTSUP;
	rest = trim(rest);
	if (rest.len > 0 && !number(rest, UINT64_MAX, &to))
		return PONTO_ENOTSUP;
	if (first.len == 0) { /* the last so many bytes */
		if (rest.len == 0)
			return PONTO_ENOTSUP;
		if (to == 0 || size == 0)
			return PONTO_EINVAL;
		*start = to < size ? size - to : 0;
		*length = size - *start;
		return PONTO_OK;
	}
	if (!number(first, UINT64_MAX, &from) || to < from)
		return PONTO_ENOTSUP;
	if (from >= size)
		return PONTO_EINVAL;
	*start = from;
	*length = to < size - 1 ? to - from + 1 : size - from;
	return PONTO_OK;
}

/* ---- client ---------------------------------------------------------------------- */

void content_ask_params(enum content_ask ask, unsigned max_major, char params[CONTENT_PARAMS_TEXT],
			char params_ex[CONTENT_PARAMS_TEXT])
{
	struct ponto_writer w = ponto_writer(params, CONTENT_PARAMS_TEXT),
			    ex = ponto_writer(params_ex, CONTENT_PARAMS_TEXT);

	ponto_write_text(&w, "Version=1.1");
	if (ask == CONTENT_ASK_MISSING)
		ponto_write_text(&w, ", MissingDataRequest=true");
	ponto_write_u8(&w, 0);
	ponto_write_text(&ex, "MinContentInformation=1.0, MaxContentInformation=");
	ponto_write_text(&ex, max_major > 1 ? "2.0" : "1.0");
	if (ask == CONTENT_ASK_HASHES)
		ponto_write_text(&ex, ", HashRequest=true");
	ponto_write_u8(&ex, 0);
}
