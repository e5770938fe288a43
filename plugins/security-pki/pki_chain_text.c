/* The texts inside certificates, as UTF-16. */
#include "plugins/security-pki/pki_chain_text.h"

#include <openssl/asn1.h>
#include <string.h>

static bool put(struct pki_chain *chain, uint32_t point)
{
	if (point > 0x10ffff || chain->unit_count + 2 > chain->unit_room)
		return false;
	if (point > 0xffff) {
		chain->units[chain->unit_count++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
		point = 0xdc00 + (point & 0x3ff);
	}
	chain->units[chain->unit_count++] = (uint16_t)point;
	return true;
}

/* Bytes of a character in this kind of string; 0: of no fixed number, -1: it is no string. */
static int width_of(int type)
{
	switch (type) {
	case V_ASN1_UNIVERSALSTRING:
		return 4;
	case V_ASN1_BMPSTRING:
		return 2;
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_VISIBLESTRING:
	case V_ASN1_T61STRING:
		return 1;
	case V_ASN1_UTF8STRING:
		return 0;
	default:
		return -1;
	}
}

/* Appends the characters; *count grows by their number. */
static bool decode(struct pki_chain *chain, const ASN1_STRING *string, size_t *count)
{
	const uint8_t *at = ASN1_STRING_get0_data(string);
	int width = width_of(ASN1_STRING_type(string)), left = ASN1_STRING_length(string);

	if (width < 0 || (width > 0 && left % width != 0))
		return false;
	while (left > 0) {
		unsigned long point = 0;
		int n = width;

		if (width == 0) {
			n = UTF8_getc(at, left, &point);
			if (n <= 0)
				return false;
		}
		for (int i = 0; i < width; i++)
			point = point << 8 | at[i];
		if (point > UINT32_MAX || !put(chain, (uint32_t)point))
			return false;
		++*count;
		at += n;
		left -= n;
	}
	return true;
}

/* Ends a text of count characters begun at unit from. One NUL at the end is its terminator; one inside spoils it. */
static bool finish(struct pki_chain *chain, size_t from, size_t count, size_t max, struct pnrp_units *out)
{
	bool terminated = count > 0 && chain->units[chain->unit_count - 1] == 0;

	*out = (struct pnrp_units){chain->units + from, chain->unit_count - from - terminated};
	for (size_t i = 0; i < out->count; i++)
		if (out->unit[i] == 0)
			return false;
	return count - terminated <= max;
}

bool pki_text_of_string(struct pki_chain *chain, const ASN1_STRING *string, size_t max, struct pnrp_units *out)
{
	size_t from = chain->unit_count, count = 0;

	return decode(chain, string, &count) && finish(chain, from, count, max, out);
}

bool pki_text_of_name(struct pki_chain *chain, const X509_NAME *name, struct pnrp_units *out)
{
	size_t from = chain->unit_count, count = 0;
	int entries = X509_NAME_entry_count(name);

	for (int i = 0; i < entries; i++)
		if (!decode(chain, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)), &count))
			return false;
	return finish(chain, from, count, PNRP_CERTIFICATE_TEXT, out);
}

bool pki_text_of_type(struct pki_chain *chain, const ASN1_TYPE *value, size_t max, struct pnrp_units *out)
{
	/* Only strings are kept as one. */
	return width_of(value->type) >= 0 && pki_text_of_string(chain, value->value.asn1_string, max, out);
}
