#include "framework/cursor.h"

#include <string.h>

struct ponto_reader ponto_reader(struct ponto_bytes bytes)
{
	struct ponto_reader r = {bytes.data, 0, bytes.len, false};

	return r;
}

static void copy_reversed(uint8_t *out, const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[len - 1 - i];
}

void ponto_read_copy(struct ponto_reader *r, void *out, size_t len)
{
	const uint8_t *at = ponto_read_take(r, len);

	if (len == 0)
		return;
	if (at)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
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

struct ponto_bytes ponto_read_bytes(struct ponto_reader *r, uint64_t len)
{
	const uint8_t *at = ponto_read_take(r, len);

	return at ? ponto_bytes(at, (size_t)len) : ponto_bytes(NULL, 0);
}

void ponto_read_skip(struct ponto_reader *r, uint64_t len)
{
	(void)ponto_read_take(r, len);
}

void ponto_read_align(struct ponto_reader *r, uint32_t alignment)
{
	(void)ponto_read_take(r, -r->pos & (alignment - 1));
}

uint16_t ponto_peek_be16(const struct ponto_reader *r)
{
	if (r->failed || r->end - r->pos < 2)
		return 0;
	return (uint16_t)(r->data[r->pos] << 8 | r->data[r->pos + 1]);
}

struct ponto_reader ponto_read_nested(struct ponto_reader *r, uint64_t len)
{
	struct ponto_reader inner = ponto_reader(ponto_read_bytes(r, len));

	inner.failed = r->failed;
	return inner;
}

void ponto_reader_close(struct ponto_reader *outer, const struct ponto_reader *inner)
{
	if (inner->failed || inner->pos != inner->end)
		outer->failed = true;
}

int ponto_reader_done(const struct ponto_reader *r)
{
	return r->failed || r->pos != r->end ? PONTO_EPROTO : PONTO_OK;
}

/* ---- writing -------------------------------------------------------------- */

struct ponto_writer ponto_writer(void *data, size_t cap)
{
	struct ponto_writer w = {data, 0, cap, false};

	return w;
}

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

void ponto_write_copy(struct ponto_writer *w, const void *data, size_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		memcpy(at, data, len);
}

void ponto_write_reversed(struct ponto_writer *w, const void *data, size_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		copy_reversed(at, data, len);
}

void ponto_write_bytes(struct ponto_writer *w, struct ponto_bytes bytes)
{
	ponto_write_copy(w, bytes.data, bytes.len);
}

void ponto_write_zeros(struct ponto_writer *w, uint64_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		memset(at, 0, (size_t)len);
}

void ponto_write_align(struct ponto_writer *w, uint32_t alignment)
{
	ponto_write_zeros(w, -w->pos & (alignment - 1));
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

int ponto_writer_done(const struct ponto_writer *w, size_t *len)
{
	if (w->failed)
		return PONTO_ELIMIT;
	*len = (size_t)w->pos;
	return PONTO_OK;
}
