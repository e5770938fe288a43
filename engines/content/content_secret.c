#include "engines/content/content_secret.h"

#include <string.h>

#include "framework/cursor.h"
#include "framework/digest.h"

#define AES_BLOCK 16

/* One code point; 0 at anything that is not shortest-form UTF-8 of a character. */
static uint32_t read_point(struct ponto_reader *r)
{
	static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
	uint8_t lead = ponto_read_u8(r);
	unsigned more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 4;
	uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);

	if (more > 3)
		return 0;
	for (unsigned i = 0; i < more; i++) {
		uint8_t next = ponto_read_u8(r);

		if (next >> 6 != 2)
			return 0;
		point = point << 6 | (next & 0x3f);
	}
	if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	return point;
}

int content_utf16(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(text, strlen(text)));
	struct ponto_writer w = ponto_writer(out, cap);

	while (ponto_reader_left(&r) > 0) {
		uint32_t point = read_point(&r);

		if (point == 0)
			return PONTO_EINVAL;
		if (point >= 0x10000) {
			point -= 0x10000;
			ponto_write_le16(&w, (uint16_t)(0xd800 | point >> 10));
			point = 0xdc00 | (point & 0x3ff);
		}
		ponto_write_le16(&w, (uint16_t)point);
	}
	return ponto_writer_done(&w, len);
}

int content_secret_file_key(const char *passphrase, uint8_t out[32])
{
	uint8_t wide[2 * CONTENT_PASSPHRASE_MAX];
	struct ponto_bytes bytes = {wide, 0};
	int result;

	if (!*passphrase || strnlen(passphrase, CONTENT_PASSPHRASE_MAX + 1) > CONTENT_PASSPHRASE_MAX)
		return PONTO_EINVAL;
	result = content_utf16(passphrase, wide, sizeof(wide), &bytes.len);
	if (result == PONTO_OK)
		ponto_sha256(&bytes, 1, out);
	ponto_wipe(wide, sizeof(wide));
	return result;
}

int content_secret_wrap(struct ponto_bytes secret_key, uint8_t out[CONTENT_SECRET_PLAIN_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, CONTENT_SECRET_PLAIN_MAX);
	uint8_t hash[PONTO_SHA256_SIZE], pad;

	if (secret_key.len == 0 || secret_key.len > CONTENT_SECRET_MAX)
		return PONTO_EINVAL;
	ponto_sha256(&secret_key, 1, hash);
	ponto_write_copy(&w, hash, sizeof(hash));
	ponto_write_bytes(&w, secret_key);
	pad = (uint8_t)(AES_BLOCK - w.pos % AES_BLOCK);
	for (unsigned i = 0; i < pad; i++)
		ponto_write_u8(&w, pad);
	return ponto_writer_done(&w, len);
}

int content_secret_unwrap(struct ponto_bytes plain, struct ponto_bytes *out)
{
	uint8_t hash[PONTO_SHA256_SIZE], pad;
	struct ponto_bytes key;

	if (plain.len < PONTO_SHA256_SIZE + AES_BLOCK || plain.len % AES_BLOCK != 0)
		return PONTO_EAUTH;
	pad = plain.data[plain.len - 1];
	if (pad == 0 || pad > AES_BLOCK || plain.len < PONTO_SHA256_SIZE + (size_t)pad + 1)
		return PONTO_EAUTH;
	for (size_t i = plain.len - pad; i < plain.len; i++) {
		if (plain.data[i] != pad)
			return PONTO_EAUTH;
	}
	key = ponto_bytes(plain.data + PONTO_SHA256_SIZE, plain.len - pad - PONTO_SHA256_SIZE);
	ponto_sha256(&key, 1, hash);
	if (!ponto_bytes_equal_secret(ponto_bytes(hash, sizeof(hash)), ponto_bytes(plain.data, sizeof(hash))))
		return PONTO_EAUTH;
	*out = key;
	return PONTO_OK;
}
