/* Ponto: the bounds-checked reader and writer. Every wire format is read and
 * written with these and nothing else.
 *
 * Pure. A cursor has a sticky error: after the first fault reads return zero
 * and writes do nothing, so a codec checks once, at the end. Positions are 64
 * bits wide, so no sum of peer-given lengths can wrap. Not for sharing between
 * threads. */
#ifndef PONTO_CURSOR_H
#define PONTO_CURSOR_H

#include <string.h>

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_reader {
	const uint8_t *data;
	uint64_t pos;
	uint64_t end;
	bool failed;
};

/* borrows bytes for the reader's whole life */
static inline struct ponto_reader ponto_reader(struct ponto_bytes bytes)
{
	struct ponto_reader r = {bytes.data, 0, bytes.len, false};

	return r;
}

/* The next len bytes, or NULL after a fault. */
static inline const uint8_t *ponto_read_take(struct ponto_reader *r, uint64_t len)
{
	const uint8_t *at;

	if (r->failed || len > r->end - r->pos) {
		r->failed = true;
		return NULL;
	}
	at = len ? r->data + r->pos : r->data;
	r->pos += len;
	return at;
}

static inline uint64_t ponto_read_big(struct ponto_reader *r, unsigned len)
{
	const uint8_t *at = ponto_read_take(r, len);
	uint64_t v = 0;

	for (unsigned i = 0; at && i < len; i++)
		v = v << 8 | at[i];
	return v;
}

static inline uint64_t ponto_read_little(struct ponto_reader *r, unsigned len)
{
	const uint8_t *at = ponto_read_take(r, len);
	uint64_t v = 0;

	for (unsigned i = len; at && i > 0; i--)
		v = v << 8 | at[i - 1];
	return v;
}

static inline uint8_t ponto_read_u8(struct ponto_reader *r)
{
	const uint8_t *at = ponto_read_take(r, 1);

	return at ? *at : 0;
}

static inline uint16_t ponto_read_be16(struct ponto_reader *r)
{
	const uint8_t *at = ponto_read_take(r, 2);

	return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

static inline uint32_t ponto_read_be32(struct ponto_reader *r)
{
	const uint8_t *at = ponto_read_take(r, 4);

	return at ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3] : 0;
}

static inline uint64_t ponto_read_be64(struct ponto_reader *r)
{
	return ponto_read_big(r, 8);
}

static inline uint16_t ponto_read_le16(struct ponto_reader *r)
{
	return (uint16_t)ponto_read_little(r, 2);
}

static inline uint32_t ponto_read_le32(struct ponto_reader *r)
{
	return (uint32_t)ponto_read_little(r, 4);
}

static inline uint64_t ponto_read_le64(struct ponto_reader *r)
{
	return ponto_read_little(r, 8);
}

/* Copies len bytes; on a fault out is filled with zeros. */
static inline void ponto_read_copy(struct ponto_reader *r, void *out, size_t len)
{
	const uint8_t *at = ponto_read_take(r, len);

	if (len == 0)
		return;
	if (at)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

/* The same with the bytes in reverse order. */
void ponto_read_reversed(struct ponto_reader *r, void *out, size_t len);

/* A view into the input; empty on a fault. */
static inline struct ponto_bytes ponto_read_bytes(struct ponto_reader *r, uint64_t len)
{
	const uint8_t *at = ponto_read_take(r, len);

	return at ? ponto_bytes(at, (size_t)len) : ponto_bytes(NULL, 0);
}

static inline void ponto_read_skip(struct ponto_reader *r, uint64_t len)
{
	(void)ponto_read_take(r, len);
}

/* Skips to the next multiple of alignment (a power of two), counted from the
 * start of the input; at the very end of the input missing bytes are a fault. */
static inline void ponto_read_align(struct ponto_reader *r, uint32_t alignment)
{
	(void)ponto_read_take(r, -r->pos & (alignment - 1));
}

/* The next be16 without moving; 0 and no fault when fewer than two bytes are left. */
static inline uint16_t ponto_peek_be16(const struct ponto_reader *r)
{
	if (r->failed || r->end - r->pos < 2)
		return 0;
	return (uint16_t)(r->data[r->pos] << 8 | r->data[r->pos + 1]);
}

/* A reader over exactly the next len bytes, which the outer reader skips. A
 * fault of the outer makes the inner failed; an inner fault is carried back by
 * ponto_reader_close. Positions and alignment of the inner count from its own start. */
struct ponto_reader ponto_read_nested(struct ponto_reader *r, uint64_t len);

/* Fails the outer when the inner failed or has bytes left over. */
static inline void ponto_reader_close(struct ponto_reader *outer, const struct ponto_reader *inner)
{
	if (inner->failed || inner->pos != inner->end)
		outer->failed = true;
}

/* Declares the input wrong: for values out of range. */
static inline void ponto_reader_fail(struct ponto_reader *r)
{
	r->failed = true;
}

static inline void ponto_reader_require(struct ponto_reader *r, bool condition)
{
	if (!condition)
		r->failed = true;
}

static inline uint64_t ponto_reader_left(const struct ponto_reader *r)
{
	return r->failed ? 0 : r->end - r->pos;
}

/* PONTO_OK when nothing failed and nothing is left over, else PONTO_EPROTO. */
PONTO_MUST_CHECK static inline int ponto_reader_done(const struct ponto_reader *r)
{
	return r->failed || r->pos != r->end ? PONTO_EPROTO : PONTO_OK;
}

struct ponto_writer {
	uint8_t *data;
	uint64_t pos;
	uint64_t cap;
	bool failed;
};

/* borrows data for the writer's whole life. data may be NULL with cap 0. */
static inline struct ponto_writer ponto_writer(void *data, size_t cap)
{
	struct ponto_writer w = {(uint8_t *)data, 0, cap, false};

	return w;
}

/* Room for len bytes, or NULL after a fault. */
static inline uint8_t *ponto_write_give(struct ponto_writer *w, uint64_t len)
{
	uint8_t *at;

	if (w->failed || len > w->cap - w->pos) {
		w->failed = true;
		return NULL;
	}
	at = len ? w->data + w->pos : w->data;
	w->pos += len;
	return at;
}

static inline void ponto_write_big(struct ponto_writer *w, uint64_t v, unsigned len)
{
	uint8_t *at = ponto_write_give(w, len);

	for (unsigned i = len; at && i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

static inline void ponto_write_little(struct ponto_writer *w, uint64_t v, unsigned len)
{
	uint8_t *at = ponto_write_give(w, len);

	for (unsigned i = 0; at && i < len; i++, v >>= 8)
		at[i] = (uint8_t)v;
}

static inline void ponto_write_u8(struct ponto_writer *w, uint8_t v)
{
	uint8_t *at = ponto_write_give(w, 1);

	if (at)
		*at = v;
}

static inline void ponto_write_be16(struct ponto_writer *w, uint16_t v)
{
	uint8_t *at = ponto_write_give(w, 2);

	if (!at)
		return;
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void ponto_write_be32(struct ponto_writer *w, uint32_t v)
{
	uint8_t *at = ponto_write_give(w, 4);

	if (!at)
		return;
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

static inline void ponto_write_be64(struct ponto_writer *w, uint64_t v)
{
	ponto_write_big(w, v, 8);
}

static inline void ponto_write_le16(struct ponto_writer *w, uint16_t v)
{
	ponto_write_little(w, v, 2);
}

static inline void ponto_write_le32(struct ponto_writer *w, uint32_t v)
{
	ponto_write_little(w, v, 4);
}

static inline void ponto_write_le64(struct ponto_writer *w, uint64_t v)
{
	ponto_write_little(w, v, 8);
}

static inline void ponto_write_copy(struct ponto_writer *w, const void *data, size_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		memcpy(at, data, len);
}
void ponto_write_reversed(struct ponto_writer *w, const void *data, size_t len);

/* Without its end. */
static inline void ponto_write_text(struct ponto_writer *w, const char *text)
{
	ponto_write_copy(w, text, strlen(text));
}

/* Digits, without leading zeros. */
void ponto_write_decimal(struct ponto_writer *w, uint64_t v);
static inline void ponto_write_bytes(struct ponto_writer *w, struct ponto_bytes bytes)
{
	ponto_write_copy(w, bytes.data, bytes.len);
}

static inline void ponto_write_zeros(struct ponto_writer *w, uint64_t len)
{
	uint8_t *at = ponto_write_give(w, len);

	if (at && len)
		memset(at, 0, (size_t)len);
}

/* Zeros up to the next multiple of alignment (a power of two), counted from the start of the output. */
static inline void ponto_write_align(struct ponto_writer *w, uint32_t alignment)
{
	uint64_t missing = -w->pos & (alignment - 1);

	if (missing)
		ponto_write_zeros(w, missing);
}

/* Overwrites two or four bytes already written at pos: for lengths known only at the end.
 * A position outside what was written fails the writer. */
void ponto_patch_be16(struct ponto_writer *w, uint64_t pos, uint64_t v);
void ponto_patch_be32(struct ponto_writer *w, uint64_t pos, uint64_t v);
void ponto_patch_le16(struct ponto_writer *w, uint64_t pos, uint64_t v);
void ponto_patch_le32(struct ponto_writer *w, uint64_t pos, uint64_t v);

/* PONTO_OK and the length written, or PONTO_ELIMIT when it did not fit (or a patched value did not). */
PONTO_MUST_CHECK static inline int ponto_writer_done(const struct ponto_writer *w, size_t *len)
{
	if (w->failed)
		return PONTO_ELIMIT;
	*len = (size_t)w->pos;
	return PONTO_OK;
}

#ifdef __cplusplus
}
#endif
#endif
