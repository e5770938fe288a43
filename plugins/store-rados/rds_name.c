#include "plugins/store-rados/rds_name.h"

#include <string.h>

#include "framework/cursor.h"

static bool plain(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '-' || byte == '_' || byte == '.' || byte == '/';
}

void rds_object_name(struct ponto_bytes group, char out[RDS_OBJECT_MAX])
{
	static const char digits[] = "0123456789abcdef";

	*out++ = 'g';
	*out++ = '.';
	for (size_t i = 0; i < group.len; i++) {
		uint8_t byte = group.data[i];

		if (plain(byte)) {
			*out++ = (char)byte;
			continue;
		}
		*out++ = '%';
		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	*out = 0;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rds_object_group(struct ponto_bytes object, uint8_t out[PONTO_STORE_GROUP_MAX], size_t *len)
{
	struct ponto_reader r = ponto_reader(object);
	size_t n = 0;

	ponto_reader_require(&r, ponto_read_u8(&r) == 'g');
	ponto_reader_require(&r, ponto_read_u8(&r) == '.');
	while (ponto_reader_left(&r) > 0 && n < PONTO_STORE_GROUP_MAX) {
		uint8_t byte = ponto_read_u8(&r);

		if (byte == '%') {
			int high = digit(ponto_read_u8(&r)), low = digit(ponto_read_u8(&r));

			ponto_reader_require(&r, high >= 0 && low >= 0);
			byte = (uint8_t)((high & 15) << 4 | (low & 15));
			ponto_reader_require(&r, !plain(byte));
		} else {
			ponto_reader_require(&r, plain(byte));
		}
		out[n++] = byte;
	}
	if (ponto_reader_done(&r) != PONTO_OK || n == 0)
		return false;
	*len = n;
	return true;
}

size_t rds_key_name(struct ponto_bytes key, char out[RDS_KEY_MAX])
{
	size_t n = 0;

	out[n++] = 'k';
	for (size_t i = 0; i < key.len; i++) {
		if (key.data[i] <= 1)
			out[n++] = 1;
		out[n++] = (char)(key.data[i] <= 1 ? key.data[i] + 1 : key.data[i]);
	}
	out[n] = 0;
	return n;
}

bool rds_name_key(struct ponto_bytes name, uint8_t out[PONTO_STORE_KEY_MAX], size_t *len)
{
	struct ponto_reader r = ponto_reader(name);
	size_t n = 0;

	ponto_reader_require(&r, ponto_read_u8(&r) == 'k');
	while (ponto_reader_left(&r) > 0 && n < PONTO_STORE_KEY_MAX) {
		uint8_t byte = ponto_read_u8(&r);

		ponto_reader_require(&r, byte != 0);
		if (byte == 1) {
			byte = ponto_read_u8(&r);
			ponto_reader_require(&r, byte == 1 || byte == 2);
			byte--;
		}
		out[n++] = byte;
	}
	if (ponto_reader_done(&r) != PONTO_OK || n == 0)
		return false;
	*len = n;
	return true;
}

/* ---- places ------------------------------------------------------------------- */

/* Robert Jenkins' hash of 1996 ("evahash"), which Ceph calls rjenkins. */
struct jenkins {
	uint32_t a, b, c, len;
	uint8_t block[12];
	size_t fill;
};

static void mix(struct jenkins *j)
{
	uint32_t a = j->a, b = j->b, c = j->c;

	a = (a - b - c) ^ c >> 13;
	b = (b - c - a) ^ a << 8;
	c = (c - a - b) ^ b >> 13;
	a = (a - b - c) ^ c >> 12;
	b = (b - c - a) ^ a << 16;
	c = (c - a - b) ^ b >> 5;
	a = (a - b - c) ^ c >> 3;
	b = (b - c - a) ^ a << 10;
	c = (c - a - b) ^ b >> 15;
	j->a = a;
	j->b = b;
	j->c = c;
}

static uint32_t little(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void add(struct jenkins *j, struct ponto_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		j->block[j->fill++] = bytes.data[i];
		j->len++;
		if (j->fill < sizeof(j->block))
			continue;
		j->a += little(j->block);
		j->b += little(j->block + 4);
		j->c += little(j->block + 8);
		mix(j);
		j->fill = 0;
	}
}

uint32_t rds_position(struct ponto_bytes nspace, struct ponto_bytes object)
{
	static const uint8_t separator[] = {0x1f};
	struct jenkins j = {.a = 0x9e3779b9, .b = 0x9e3779b9};

	if (nspace.len > 0) {
		add(&j, nspace);
		add(&j, ponto_bytes(separator, 1));
	}
	add(&j, object);
	while (j.fill < sizeof(j.block))
		j.block[j.fill++] = 0;
	j.a += little(j.block);
	j.b += little(j.block + 4);
	/* The lowest byte of the last word counts the length. */
	j.c += (little(j.block + 8) << 8) + j.len;
	mix(&j);
	return j.c;
}

int rds_order(struct ponto_bytes nspace, const char *a, const char *b)
{
	uint32_t left = rds_position(nspace, ponto_bytes(a, strlen(a)));
	uint32_t right = rds_position(nspace, ponto_bytes(b, strlen(b)));
	uint32_t lowest = (left ^ right) & -(left ^ right);

	if (lowest == 0)
		return strcmp(a, b);
	return left & lowest ? 1 : -1;
}
