#include "engines/wsd/wsd_text.h"

#include <string.h>

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool wsd_word(const char **text, struct ponto_bytes *out)
{
	const char *start;

	while (wsd_space(**text))
		++*text;
	start = *text;
	while (**text && !wsd_space(**text))
		++*text;
	*out = ponto_bytes(start, (size_t)(*text - start));
	return out->len > 0;
}

void wsd_write_hex(struct ponto_writer *w, struct ponto_bytes bytes)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.len; i++) {
		ponto_write_u8(w, (uint8_t)digits[bytes.data[i] >> 4]);
		ponto_write_u8(w, (uint8_t)digits[bytes.data[i] & 15]);
	}
}

void wsd_write_base64(struct ponto_writer *w, struct ponto_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? bytes.data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			ponto_write_u8(w, k > n ? '=' : (uint8_t)base64[v >> (18 - 6 * k) & 63]);
	}
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int wsd_read_hex(struct ponto_bytes text, uint8_t *out, size_t cap, size_t *len)
{
	if (text.len % 2 != 0 || text.len / 2 > cap)
		return PONTO_EPROTO;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);

		if (high < 0 || low < 0)
			return PONTO_EPROTO;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*len = text.len / 2;
	return PONTO_OK;
}

int wsd_read_base64(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(out, cap);
	uint32_t v = 0;
	unsigned chars = 0, padding = 0;

	for (; *text; text++) {
		const char *at;

		if (wsd_space(*text))
			continue;
		if (*text == '=') {
			padding++;
			v <<= 6;
		} else {
			at = strchr(base64, *text);
			if (!at || padding)
				return PONTO_EPROTO;
			v = v << 6 | (uint32_t)(at - base64);
		}
		if (++chars % 4 != 0)
			continue;
		if (padding > 2)
			return PONTO_EPROTO;
		for (unsigned i = 0; i < 3 - padding; i++)
			ponto_write_u8(&w, (uint8_t)(v >> (16 - 8 * i)));
		v = 0;
	}
	if (chars % 4 != 0 || padding > 2 || w.failed)
		return PONTO_EPROTO;
	*len = (size_t)w.pos;
	return PONTO_OK;
}

int wsd_read_number(const char *text, uint64_t *out)
{
	struct ponto_bytes word;

	return wsd_word(&text, &word) && ponto_bytes_decimal(word, UINT64_MAX, out) ? PONTO_OK : PONTO_EPROTO;
}
