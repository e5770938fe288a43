#include "engines/pnrp/pnrp_host.h"

#include <string.h>

#include "framework/cursor.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */
#define HOST_MAX (PNRP_HOST_TEXT - 1)
#define DOMAIN_TEXT ".pnrp.net"
#define PREFIX_LEN 4
#define AUTHORITY_DIGITS (2 * PNRP_HASH_SIZE)
#define POINT_MAX 0x10ffffu

/* ---- bootstring: RFC 3492 ------------------------------------------------------------ */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72 };

/* Which characters stand for themselves, and the first one that others are counted from. */
struct bootstring {
	char prefix[PREFIX_LEN + 1];
	uint32_t first;
	uint32_t except; /* a letter or digit that is counted as well; 0: none */
};

static const struct bootstring punycode = {"xn--", 0x80, 0};
static const struct bootstring whole = {"pn--", 1, 0};

static bool is_plain(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_basic(const struct bootstring *b, uint32_t c)
{
	return b->first > 1 ? c < b->first : is_plain(c) && c != b->except;
}

static uint64_t adapt(uint64_t delta, uint64_t count, bool first)
{
	uint64_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint64_t threshold(uint64_t k, uint64_t bias)
{
	return k <= bias + TMIN ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
}

static void write_number(struct ponto_writer *w, uint64_t q, uint64_t bias)
{
	for (uint64_t k = BASE;; k += BASE) {
		uint64_t t = threshold(k, bias), digit = q < t ? q : t + (q - t) % (BASE - t);

		ponto_write_u8(w, (uint8_t)(digit < 26 ? 'a' + digit : '0' + digit - 26));
		if (q < t)
			return;
		q = (q - t) / (BASE - t);
	}
}

static void bootstring_write(const struct bootstring *b, const uint32_t *points, size_t count, struct ponto_writer *w)
{
	uint64_t delta = 0, bias = INITIAL_BIAS, n = b->first;
	size_t basic = 0, done;

	ponto_write_copy(w, b->prefix, PREFIX_LEN);
	for (size_t i = 0; i < count; i++) {
		if (!is_basic(b, points[i]))
			continue;
		ponto_write_u8(w, (uint8_t)points[i]);
		basic++;
	}
	if (basic > 0)
		ponto_write_u8(w, '-');
	for (done = basic; done < count && !w->failed; n++, delta++) {
		uint64_t next = POINT_MAX + 1;

		for (size_t i = 0; i < count; i++)
			if (!is_basic(b, points[i]) && points[i] >= n && points[i] < next)
				next = points[i];
		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < count; i++) {
			if (is_basic(b, points[i]) || points[i] < n) {
				delta++;
			} else if (points[i] == n) {
				write_number(w, delta, bias);
				bias = adapt(delta, done + 1, done == basic);
				delta = 0;
				done++;
			}
		}
	}
}

/* false: no number, or one beyond any that a text can need */
static bool read_number(struct ponto_reader *r, uint64_t bias, uint64_t *out)
{
	uint64_t value = 0, weight = 1;

	for (uint64_t k = BASE;; k += BASE) {
		uint8_t c = ponto_read_u8(r);
		uint64_t t = threshold(k, bias), digit;

		if (r->failed || !is_plain(c) || weight > UINT32_MAX)
			return false;
		digit = c >= 'a' ? (uint64_t)(c - 'a') : (uint64_t)(c - '0') + 26;
		value += digit * weight;
		if (digit < t) {
			*out = value;
			return true;
		}
		weight *= BASE - t;
	}
}

/* Reads what follows the prefix. false: it says no text of at most PNRP_CLASSIFIER_MAX characters */
static bool bootstring_read(const struct bootstring *b, struct ponto_bytes text, uint32_t points[PNRP_CLASSIFIER_MAX],
			    size_t *count)
{
	uint64_t at = 0, bias = INITIAL_BIAS, n = b->first, delta;
	size_t hyphen = text.len, basic, done;
	struct ponto_reader r;

	while (hyphen > 0 && text.data[hyphen - 1] != '-')
		hyphen--;
	basic = hyphen > 0 ? hyphen - 1 : 0;
	if (basic > PNRP_CLASSIFIER_MAX)
		return false;
	for (done = 0; done < basic; done++) {
		points[done] = text.data[done];
		if (points[done] >= 0x80)
			return false;
	}
	r = ponto_reader(ponto_bytes(text.data + hyphen, text.len - hyphen));
	while (ponto_reader_left(&r) > 0) {
		if (done == PNRP_CLASSIFIER_MAX || !read_number(&r, bias, &delta))
			return false;
		at += delta;
		n += at / (done + 1);
		at %= done + 1;
		if (n > POINT_MAX || (n >= 0xd800 && n <= 0xdfff))
			return false;
		bias = adapt(delta, done + 1, done == basic);
		memmove(points + at + 1, points + at, (done - at) * sizeof(*points));
		points[at++] = (uint32_t)n;
		done++;
	}
	*count = done;
	return true;
}

/* ---- writing -------------------------------------------------------------------------- */

/* false: a surrogate stands alone */
static bool points_of(const struct pnrp_name *name, uint32_t points[PNRP_CLASSIFIER_MAX], size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < name->classifier_len; i++) {
		uint32_t point = name->classifier[i];

		if (point >= 0xd800 && point <= 0xdfff) {
			uint32_t low = i + 1 < name->classifier_len ? name->classifier[++i] : 0;

			if (point >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
				return false;
			point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
		}
		points[n++] = point;
	}
	*count = n;
	return true;
}

static bool has_prefix(const uint8_t *text, size_t len, const struct bootstring *b)
{
	return len >= PREFIX_LEN && memcmp(text, b->prefix, PREFIX_LEN) == 0;
}

/* "p<40 hex>", or the digits alone. authority may be NULL */
static bool is_authority(const char *label, size_t len, uint8_t *authority)
{
	char digits[AUTHORITY_DIGITS + 1];
	uint8_t bytes[PNRP_HASH_SIZE];

	if (len == AUTHORITY_DIGITS + 1 && *label == 'p') {
		label++;
		len--;
	}
	if (len != AUTHORITY_DIGITS)
		return false;
	memcpy(digits, label, len);
	digits[len] = '\0';
	if (ponto_unhex(digits, bytes, sizeof(bytes)) != PONTO_OK)
		return false;
	if (authority)
		memcpy(authority, bytes, sizeof(bytes));
	return true;
}

/* One label as it is or in punycode. false: neither says it */
static bool write_label(const uint32_t *points, size_t count, struct ponto_writer *w)
{
	uint64_t start = w->pos;
	const uint8_t *text = w->data + start;
	bool ascii = true;

	for (size_t i = 0; i < count; i++) {
		if (points[i] < 0x80 && !is_plain(points[i]) && points[i] != '-')
			return false;
		ascii = ascii && points[i] < 0x80;
	}
	if (!ascii) {
		bootstring_write(&punycode, points, count, w);
		return !w->failed && w->pos - start <= LABEL_MAX;
	}
	if (count == 0 || count > LABEL_MAX || points[0] == '-' || points[count - 1] == '-')
		return false;
	for (size_t i = 0; i < count; i++)
		ponto_write_u8(w, (uint8_t)points[i]);
	return !w->failed && !has_prefix(text, count, &punycode) && !has_prefix(text, count, &whole);
}

/* The classifier label by label. false: not every label can be said so, or the last one of an unsecured name would
 * be taken for an authority */
static bool write_labels(const uint32_t *points, size_t count, bool secure, struct ponto_writer *w)
{
	uint64_t last = w->pos;
	const char *text;
	size_t len;

	for (size_t from = 0, to = 0; to <= count; to++) {
		if (to < count && points[to] != '.')
			continue;
		if (from > 0)
			ponto_write_u8(w, '.');
		last = w->pos;
		if (!write_label(points + from, to - from, w))
			return false;
		from = to + 1;
	}
	text = (const char *)w->data + last;
	len = (size_t)(w->pos - last);
	return secure || (!is_authority(text, len, NULL) && !(last > 0 && len == 2 && memcmp(text, "p0", 2) == 0));
}

/* The classifier as one bootstring, in labels that neither begin nor end with its hyphen. "p0" keeps the last of
 * several from being taken for an authority. */
static void write_whole(const uint32_t *points, size_t count, bool secure, struct ponto_writer *w)
{
	uint8_t text[HOST_MAX];
	struct ponto_writer inner = ponto_writer(text, sizeof(text));
	struct bootstring b = whole;
	bool all = true;
	size_t len = 0, take;

	for (size_t i = 0; i < count; i++)
		all = all && is_plain(points[i]);
	if (all)
		b.except = points[0]; /* else its hyphen would be the last character */
	bootstring_write(&b, points, count, &inner);
	if (ponto_writer_done(&inner, &len) != PONTO_OK)
		w->failed = true;
	for (size_t at = 0; !w->failed && at < len; at += take) {
		take = len - at;
		if (take > LABEL_MAX)
			for (take = LABEL_MAX; text[at + take - 1] == '-' || text[at + take] == '-'; take--)
				;
		if (at > 0)
			ponto_write_u8(w, '.');
		ponto_write_copy(w, text + at, take);
	}
	if (!secure && len > LABEL_MAX)
		ponto_write_copy(w, ".p0", 3);
}

/* Appends ".authority", the domain and NUL. */
static int finish(const struct pnrp_name *name, struct ponto_writer *w)
{
	char digits[AUTHORITY_DIGITS + 1];
	size_t len;

	if (name->secure) {
		if (w->pos > 0)
			ponto_write_u8(w, '.');
		ponto_hex(ponto_bytes(name->authority, PNRP_HASH_SIZE), digits);
		if (digits[0] <= '9')
			ponto_write_u8(w, 'p'); /* a label begins with a letter */
		ponto_write_copy(w, digits, AUTHORITY_DIGITS);
	}
	ponto_write_copy(w, DOMAIN_TEXT, sizeof(DOMAIN_TEXT));
	return ponto_writer_done(w, &len);
}

int pnrp_host_format(const struct pnrp_name *name, char out[PNRP_HOST_TEXT])
{
	uint32_t points[PNRP_CLASSIFIER_MAX];
	char text[PNRP_HOST_TEXT];
	struct ponto_writer w = ponto_writer(text, sizeof(text));
	size_t count;

	if (!points_of(name, points, &count) || (count == 0 && !name->secure))
		return PONTO_ENOTSUP;
	if (count > 0 && !write_labels(points, count, name->secure, &w))
		w.failed = true;
	if (finish(name, &w) != PONTO_OK) {
		w = ponto_writer(text, sizeof(text));
		if (count > 0)
			write_whole(points, count, name->secure, &w);
		if (finish(name, &w) != PONTO_OK)
			return PONTO_ENOTSUP;
	}
	memcpy(out, text, (size_t)w.pos);
	return PONTO_OK;
}

/* ---- reading -------------------------------------------------------------------------- */

/* Copies text in lower case without a trailing dot and the domain. false: it is not such a host name */
static bool fold(const char *text, char out[PNRP_HOST_TEXT], bool *ascii)
{
	size_t len = strnlen(text, PNRP_HOST_TEXT + 1), domain = strlen(DOMAIN_TEXT);

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len <= domain || len > HOST_MAX)
		return false;
	*ascii = true;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + ('a' - 'A'));
		if (c < 0x80 && !is_plain(c) && c != '-' && c != '.')
			return false;
		*ascii = *ascii && c < 0x80;
		out[i] = (char)c;
	}
	if (memcmp(out + len - domain, DOMAIN_TEXT, domain) != 0)
		return false;
	out[len - domain] = '\0';
	return true;
}

/* Takes the authority off the end. */
static void take_authority(char *text, struct pnrp_name *name)
{
	char *dot = strrchr(text, '.'), *last = dot ? dot + 1 : text;

	name->secure = is_authority(last, strlen(last), name->authority);
	if (name->secure || (dot && strcmp(last, "p0") == 0))
		*(dot ? dot : text) = '\0';
}

static bool add_points(struct pnrp_name *name, const uint32_t *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t point = points[i];

		if (name->classifier_len + (point > 0xffff) >= PNRP_CLASSIFIER_MAX)
			return false;
		if (point > 0xffff) {
			name->classifier[name->classifier_len++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
			point = 0xdc00 + (point & 0x3ff);
		}
		name->classifier[name->classifier_len++] = (uint16_t)point;
	}
	return true;
}

static bool add_bootstring(const struct bootstring *b, const char *text, struct pnrp_name *name)
{
	uint32_t points[PNRP_CLASSIFIER_MAX];
	size_t count;

	return bootstring_read(b, ponto_bytes(text + PREFIX_LEN, strlen(text) - PREFIX_LEN), points, &count) &&
	       add_points(name, points, count);
}

static bool add_label(const char *label, struct pnrp_name *name)
{
	size_t room = PNRP_CLASSIFIER_MAX - name->classifier_len, count;

	if (has_prefix((const uint8_t *)label, strlen(label), &punycode))
		return add_bootstring(&punycode, label, name);
	if (pnrp_units_of(label, name->classifier + name->classifier_len, room, &count) != PONTO_OK)
		return false;
	name->classifier_len = (uint16_t)(name->classifier_len + count);
	return true;
}

static bool read_labels(char *text, struct pnrp_name *name)
{
	static const uint32_t full_stop = '.';

	for (char *dot; (dot = strchr(text, '.')); text = dot + 1) {
		*dot = '\0';
		if (!add_label(text, name) || !add_points(name, &full_stop, 1))
			return false;
	}
	return add_label(text, name);
}

static bool read_whole(const char *text, struct pnrp_name *name)
{
	char joined[PNRP_HOST_TEXT], *to = joined;

	for (; *text; text++)
		if (*text != '.')
			*to++ = *text;
	*to = '\0';
	return add_bootstring(&whole, joined, name);
}

/* Whether the classifier is written just so, and not in a second way. */
static bool is_canonical(const struct pnrp_name *name, const char *classifier)
{
	char text[PNRP_HOST_TEXT];
	size_t len = strlen(classifier);

	return pnrp_host_format(name, text) == PONTO_OK && strncmp(text, classifier, len) == 0 &&
	       (len == 0 || text[len] == '.');
}

int pnrp_host_parse(const char *text, struct pnrp_name *out)
{
	char folded[PNRP_HOST_TEXT], classifier[PNRP_HOST_TEXT];
	struct pnrp_name name = {0};
	bool ascii, good = true;

	if (!fold(text, folded, &ascii))
		return PONTO_EINVAL;
	take_authority(folded, &name);
	memcpy(classifier, folded, strlen(folded) + 1);
	if (has_prefix((const uint8_t *)folded, strlen(folded), &whole))
		good = ascii && read_whole(folded, &name);
	else if (*folded)
		good = read_labels(folded, &name);
	else
		good = name.secure;
	if (!good || (ascii && !is_canonical(&name, classifier)))
		return PONTO_EINVAL;
	*out = name;
	return PONTO_OK;
}
