#include "framework/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ponto_strerror(int result)
{
	static const char *const texts[] = {
		[-PONTO_OK] = "success",
		[-PONTO_ENOMEM] = "out of memory",
		[-PONTO_EINVAL] = "invalid argument",
		[-PONTO_EPROTO] = "malformed data",
		[-PONTO_ENOENT] = "not found",
		[-PONTO_EEXIST] = "already exists",
		[-PONTO_EBUSY] = "busy",
		[-PONTO_ETIME] = "timed out",
		[-PONTO_EACCES] = "permission denied",
		[-PONTO_EIO] = "input or output failed",
		[-PONTO_ENOSPC] = "no space left",
		[-PONTO_ECORRUPT] = "stored data is damaged",
		[-PONTO_ENOTSUP] = "not supported",
		[-PONTO_ECLOSED] = "closed",
		[-PONTO_ELIMIT] = "over the limit",
		[-PONTO_ECONF] = "wrong configuration",
		[-PONTO_EABI] = "built for another version",
		[-PONTO_ELOCKED] = "held by another process",
		[-PONTO_EAUTH] = "signature, key or password does not fit",
		[-PONTO_EGUARD] = "a guard did not hold",
		[-PONTO_EUNREACH] = "unreachable",
		[-PONTO_EINTERNAL] = "internal error",
	};

	if (result > 0 || result < PONTO_EINTERNAL)
		return "unknown error";
	return texts[-result];
}

bool ponto_bytes_equal(struct ponto_bytes a, struct ponto_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool ponto_bytes_equal_secret(struct ponto_bytes a, struct ponto_bytes b)
{
	uint8_t difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= a.data[i] ^ b.data[i];
	return difference == 0;
}

bool ponto_bytes_decimal(struct ponto_bytes text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';

		if (digit > 9 || v > max / 10 || (v == max / 10 && digit > max % 10))
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

void ponto_wipe(void *data, size_t len)
{
	if (len == 0)
		return;
	memset(data, 0, len);
	__asm__ volatile("" : : "r"(data) : "memory");
}

void ponto_hex(struct ponto_bytes bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*out++ = digits[bytes.data[i] >> 4];
		*out++ = digits[bytes.data[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ponto_unhex(const char *text, uint8_t *out, size_t len)
{
	if (strlen(text) != 2 * len)
		return PONTO_EINVAL;
	for (size_t i = 0; i < 2 * len; i++) {
		if (hex_digit(text[i]) < 0)
			return PONTO_EINVAL;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return PONTO_OK;
}

/* ---- memory ---------------------------------------------------------------- */

static void *system_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size ? size : 1);
}

static void *system_resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	return realloc(block, size ? size : 1);
}

static void system_release(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

const struct ponto_alloc ponto_alloc_system = {system_alloc, system_resize, system_release, NULL};

void *ponto_new(const struct ponto_alloc *alloc, size_t count, size_t size)
{
	void *block;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	block = alloc->alloc(alloc->ctx, count * size);
	if (block)
		memset(block, 0, count * size);
	return block;
}

void *ponto_resize(const struct ponto_alloc *alloc, void *block, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return alloc->resize(alloc->ctx, block, count * size);
}

void ponto_free(const struct ponto_alloc *alloc, const void *block)
{
	if (block)
		alloc->release(alloc->ctx, (void *)(uintptr_t)block);
}

char *ponto_strndup(const struct ponto_alloc *alloc, const char *text, size_t len)
{
	char *copy = alloc->alloc(alloc->ctx, len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *ponto_strdup(const struct ponto_alloc *alloc, const char *text)
{
	return ponto_strndup(alloc, text, strlen(text));
}

uint8_t *ponto_bytes_dup(const struct ponto_alloc *alloc, struct ponto_bytes bytes)
{
	uint8_t *copy = alloc->alloc(alloc->ctx, bytes.len ? bytes.len : 1);

	if (copy && bytes.len)
		memcpy(copy, bytes.data, bytes.len);
	return copy;
}

/* ---- randomness -------------------------------------------------------------- */

uint64_t ponto_random_u64(const struct ponto_random *random)
{
	uint64_t value;

	random->fill(random->ctx, (uint8_t *)&value, sizeof(value));
	return value;
}

uint64_t ponto_random_below(const struct ponto_random *random, uint64_t bound)
{
	uint64_t unfair = (UINT64_MAX - bound + 1) % bound; /* 2^64 mod bound */
	uint64_t value;

	do {
		value = ponto_random_u64(random);
	} while (value < unfair);
	return value % bound;
}
