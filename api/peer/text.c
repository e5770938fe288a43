#include "api/peer/text.h"

#include <limits.h>
#include <string.h>

#include "api/peer/block.h"

_Static_assert(sizeof(WCHAR) == sizeof(uint16_t), "UTF-16");

/* The length of a text, at most max + 1. */
static size_t bounded(PCWSTR text, size_t max)
{
	size_t n = 0;

	while (n <= max && text[n])
		n++;
	return n;
}

HRESULT peer_name_utf8(PCWSTR text, char out[PNRP_NAME_TEXT])
{
	struct pnrp_name name;
	size_t count = text ? bounded(text, PNRP_NAME_TEXT) : 0;

	if (!text || pnrp_name_parse_units((const uint16_t *)text, count, &name) != PONTO_OK ||
	    pnrp_name_format(&name, out) != PONTO_OK)
		return E_INVALIDARG;
	return S_OK;
}

HRESULT peer_text_utf8(PCWSTR text, size_t max, char *out, size_t cap)
{
	size_t count = text ? bounded(text, max) : 0;

	if (count > max)
		return E_INVALIDARG;
	pnrp_units_text((const uint16_t *)text, count, out, cap);
	return S_OK;
}

/* A character of four bytes is two units, any other one. */
size_t peer_text_units(const char *text)
{
	size_t units = 1;

	for (; *text; text++)
		units += ((unsigned char)*text & 0xc0) == 0x80 ? 0 : (unsigned char)*text >= 0xf0 ? 2 : 1;
	return units;
}

void peer_text_write(const char *text, WCHAR *out)
{
	size_t units = peer_text_units(text), count;

	if (pnrp_units_of(text, (uint16_t *)out, units - 1, &count) != PONTO_OK)
		count = 0;
	out[count] = 0;
}

HRESULT peer_text_give(const char *text, PWSTR *out)
{
	struct peer_block block = {0};

	(void)peer_block_text(&block, text);
	if (!peer_block_alloc(&block))
		return E_OUTOFMEMORY;
	*out = peer_block_text(&block, text);
	return S_OK;
}
