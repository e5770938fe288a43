#include "framework/cursor.h"

#include <string.h>

static void copy_reversed(uint8_t *out, const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[len - 1 - i];
}

void ponto_read_reversed(struct ponto_reader *r, void *out, size_t len)
{
	const uint8_t *at = ponto_read_take(r, len);

	if (len == 0)
		return;
	if (at)
		copy_reversed(out, at, len);
	else
		memset(out, 0, len);
}

struct ponto_reader ponto_read_nested(struct ponto_reader *r, uint64_t len)
{
	struct ponto_reader inner = ponto_reader(ponto_read_bytes(r, len));

	inner.failed = r->failed;
	return inner;
}

/* ---- writing -------------------------------------------------------------- */

static void store_big(uint8_t *at, uint64_t v, unsigned len)
{
	for (unsigned i = len; i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

static void store_little(uint8_t *at, uint64_t v, unsigned len)
{
	for (unsigned i = 0; i < len; i++, v >>= 8)
		at[i] = (uint8_t)v;
}

void ponto_write_reversed(struct ponto_writer *w, const void *data, size_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		copy_reversed(at, data, len);
}

void ponto_write_decimal(struct ponto_writer *w, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	ponto_write_copy(w, digits + n, sizeof(digits) - n);
}

/* Where to patch, or NULL: outside what was written, or the value is too wide. */
static uint8_t *patch(struct ponto_writer *w, uint64_t pos, uint64_t v, unsigned len)
{
	if (w->failed || pos > w->pos || len > w->pos - pos || v >> (8 * len) != 0) {
		w->failed = true;
		return NULL;
	}
	return w->data + pos;
}

void ponto_patch_be16(struct ponto_writer *w, uint64_t pos, uint64_t v)
{
	uint8_t *at = patch(w, pos, v, 2);

	if (at)
		store_big(at, v, 2);
}

void ponto_patch_be32(struct ponto_writer *w, uint64_t pos, uint64_t v)
{
	uint8_t *at = patch(w, pos, v, 4);

	if (at)
		store_big(at, v, 4);
}

void ponto_patch_le16(struct ponto_writer *w, uint64_t pos, uint64_t v)
{
	uint8_t *at = patch(w, pos, v, 2);

	if (at)
		store_little(at, v, 2);
}

void ponto_patch_le32(struct ponto_writer *w, uint64_t pos, uint64_t v)
{
	uint8_t *at = patch(w, pos, v, 4);

	if (at)
		store_little(at, v, 4);
}
