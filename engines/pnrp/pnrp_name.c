#include "engines/pnrp/pnrp_name.h"

#include <string.h>

#define AUTHORITY_DIGITS (2 * PNRP_HASH_SIZE)

/* Units of the longest peer name: authority, dot, classifier. */
#define NAME_UNITS (AUTHORITY_DIGITS + 1 + PNRP_CLASSIFIER_MAX)

/* ---- UTF-8 ---------------------------------------------------------------- */

/* The code point at *text, which moves behind it; -1 for anything that RFC 3629 forbids. */
static int32_t next_code_point(const uint8_t **text)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const uint8_t *at = *text;
	unsigned more = *at < 0x80 ? 0 : *at < 0xc2 ? 4 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : *at < 0xf5 ? 3 : 4;
	uint32_t point;

	if (more > 3)
		return -1;
	point = more ? *at & (0x3f >> more) : *at;
	at++;
	for (unsigned i = 0; i < more; i++, at++) {
		if ((*at & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (*at & 0x3f);
	}
	if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return -1;
	*text = at;
	return (int32_t)point;
}

/* Units of a NUL-terminated text; -1 when it is not UTF-8 or has more than max units. */
static int to_units(const char *text, uint16_t *units, int max)
{
	const uint8_t *at = (const uint8_t *)text;
	int count = 0;

	while (*at) {
		int32_t point = next_code_point(&at);

		if (point < 0 || count + (point > 0xffff) >= max)
			return -1;
		if (point > 0xffff) {
			units[count++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
			point = 0xdc00 + (point & 0x3ff);
		}
		units[count++] = (uint16_t)point;
	}
	return count;
}

static char *put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		*out++ = (char)point;
		return out;
	}
	if (point < 0x800) {
		*out++ = (char)(0xc0 | point >> 6);
	} else {
		if (point < 0x10000) {
			*out++ = (char)(0xe0 | point >> 12);
		} else {
			*out++ = (char)(0xf0 | point >> 18);
			*out++ = (char)(0x80 | (point >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (point >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (point & 0x3f));
	return out;
}

/* ---- peer names ------------------------------------------------------------ */

static int hex_digit(uint16_t unit)
{
	if (unit >= '0' && unit <= '9')
		return unit - '0';
	return unit >= 'a' && unit <= 'f' ? unit - 'a' + 10 : -1;
}

static int parse_authority(const uint16_t *units, size_t count, struct pnrp_name *name)
{
	if (count == 1 && units[0] == '0')
		return PONTO_OK;
	if (count != AUTHORITY_DIGITS)
		return PONTO_EINVAL;
	for (size_t i = 0; i < PNRP_HASH_SIZE; i++) {
		int high = hex_digit(units[2 * i]), low = hex_digit(units[2 * i + 1]);

		if (high < 0 || low < 0)
			return PONTO_EINVAL;
		name->authority[i] = (uint8_t)(high << 4 | low);
	}
	name->secure = true;
	return PONTO_OK;
}

static int set_classifier(const uint16_t *units, size_t count, struct pnrp_name *name)
{
	if (count > PNRP_CLASSIFIER_MAX)
		return PONTO_EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (units[i] == 0)
			return PONTO_EINVAL;
		name->classifier[i] = units[i];
	}
	name->classifier_len = (uint16_t)count;
	return PONTO_OK;
}

int pnrp_name_parse_units(const uint16_t *units, size_t count, struct pnrp_name *out)
{
	struct pnrp_name name = {0};
	size_t dot = 0;

	while (dot < count && units[dot] != '.')
		dot++;
	if (dot == count || parse_authority(units, dot, &name) != PONTO_OK ||
	    set_classifier(units + dot + 1, count - dot - 1, &name) != PONTO_OK)
		return PONTO_EINVAL;
	*out = name;
	return PONTO_OK;
}

int pnrp_units_of(const char *text, uint16_t *out, size_t max, size_t *count)
{
	int units = to_units(text, out, (int)max);

	if (units < 0)
		return PONTO_EINVAL;
	*count = (size_t)units;
	return PONTO_OK;
}

void pnrp_units_text(const uint16_t *units, size_t count, char *out, size_t cap)
{
	char *end = out + cap - 1;

	for (size_t i = 0; i < count; i++) {
		uint32_t point = units[i];

		if (point >= 0xd800 && point <= 0xdfff) {
			bool pair = point < 0xdc00 && i + 1 < count && units[i + 1] >= 0xdc00 && units[i + 1] <= 0xdfff;

			point = pair ? 0x10000 + ((point - 0xd800) << 10) + (units[++i] - 0xdc00u) : 0xfffd;
		}
		if (end - out < (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4))
			break;
		out = put_point(out, point);
	}
	*out = 0;
}

int pnrp_name_parse(const char *text, struct pnrp_name *out)
{
	uint16_t units[NAME_UNITS];
	int count = to_units(text, units, NAME_UNITS);

	return count < 0 ? PONTO_EINVAL : pnrp_name_parse_units(units, (size_t)count, out);
}

int pnrp_name_make(const uint8_t authority[PNRP_HASH_SIZE], const char *classifier, struct pnrp_name *out)
{
	struct pnrp_name name = {0};
	int count = to_units(classifier, name.classifier, PNRP_CLASSIFIER_MAX);

	if (count < 0)
		return PONTO_EINVAL;
	name.classifier_len = (uint16_t)count;
	if (authority) {
		name.secure = true;
		memcpy(name.authority, authority, PNRP_HASH_SIZE);
	}
	*out = name;
	return PONTO_OK;
}

int pnrp_name_format(const struct pnrp_name *name, char out[PNRP_NAME_TEXT])
{
	char text[PNRP_NAME_TEXT] = "0";
	char *at = text + 1;

	if (name->secure) {
		ponto_hex(ponto_bytes(name->authority, PNRP_HASH_SIZE), text);
		at = text + AUTHORITY_DIGITS;
	}
	*at++ = '.';
	for (unsigned i = 0; i < name->classifier_len; i++) {
		uint32_t point = name->classifier[i];

		if (point >= 0xd800 && point <= 0xdfff) {
			uint32_t low = i + 1 < name->classifier_len ? name->classifier[i + 1] : 0;

			if (point >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
				return PONTO_EINVAL;
			point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
			i++;
		}
		at = put_point(at, point);
	}
	*at = '\0';
	memcpy(out, text, (size_t)(at - text) + 1);
	return PONTO_OK;
}

bool pnrp_name_equal(const struct pnrp_name *a, const struct pnrp_name *b)
{
	return a->secure == b->secure && a->classifier_len == b->classifier_len &&
	       memcmp(a->authority, b->authority, sizeof(a->authority)) == 0 &&
	       memcmp(a->classifier, b->classifier, a->classifier_len * sizeof(a->classifier[0])) == 0;
}

/* ---- classifiers on the wire -------------------------------------------------- */

static uint16_t unit_of(const uint8_t *at, bool little)
{
	return little ? (uint16_t)(at[1] << 8 | at[0]) : (uint16_t)(at[0] << 8 | at[1]);
}

size_t pnrp_classifier_write(const struct pnrp_name *name, uint8_t out[2 * PNRP_CLASSIFIER_MAX])
{
	for (size_t i = 0; i < name->classifier_len; i++) {
		out[2 * i] = (uint8_t)(name->classifier[i] >> 8);
		out[2 * i + 1] = (uint8_t)name->classifier[i];
	}
	return 2 * (size_t)name->classifier_len;
}

int pnrp_classifier_read(const struct pnrp_wire *wire, struct ponto_bytes units,
			 const uint8_t classifier_hash[PNRP_HASH_SIZE], struct pnrp_name *name)
{
	if (units.len % 2 != 0 || units.len > 2 * PNRP_CLASSIFIER_MAX)
		return PONTO_EPROTO;
	for (int little = 0; little < 2; little++) {
		struct pnrp_name try = *name;
		uint16_t classifier[PNRP_CLASSIFIER_MAX];
		uint8_t hash[PNRP_HASH_SIZE];
		size_t count = units.len / 2;

		for (size_t i = 0; i < count; i++)
			classifier[i] = unit_of(units.data + 2 * i, little);
		if (set_classifier(classifier, count, &try) != PONTO_OK)
			return PONTO_EPROTO;
		pnrp_classifier_hash(wire, &try, hash);
		if (memcmp(hash, classifier_hash, sizeof(hash)) == 0) {
			*name = try;
			return PONTO_OK;
		}
	}
	return PONTO_EPROTO;
}
