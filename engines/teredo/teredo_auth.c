#include "engines/teredo/teredo_auth.h"

#include "framework/digest.h"

#define HMAC_BLOCK 64 /* of both hashes */

size_t teredo_value_size(enum teredo_algo algo)
{
	return algo == TEREDO_HMAC_SHA256 ? PONTO_SHA256_SIZE : PONTO_SHA1_SIZE;
}

static void hash(enum teredo_algo algo, const struct ponto_bytes *parts, size_t count, uint8_t *out)
{
	if (algo == TEREDO_HMAC_SHA256)
		ponto_sha256(parts, count, out);
	else
		ponto_sha1(parts, count, out);
}

void teredo_value(enum teredo_algo algo, struct ponto_bytes secret, struct ponto_bytes covered,
		  uint8_t out[TEREDO_VALUE_MAX])
{
	uint8_t key[HMAC_BLOCK] = {0}, pad[HMAC_BLOCK], inner[TEREDO_VALUE_MAX];
	size_t size = teredo_value_size(algo);
	struct ponto_bytes parts[2] = {ponto_bytes(pad, sizeof(pad)), covered};

	if (secret.len > sizeof(key))
		hash(algo, &secret, 1, key);
	else if (secret.len)
		memcpy(key, secret.data, secret.len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = key[i] ^ 0x36;
	hash(algo, parts, 2, inner);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = key[i] ^ 0x5c;
	parts[1] = ponto_bytes(inner, size);
	hash(algo, parts, 2, out);
	ponto_wipe(key, sizeof(key));
	ponto_wipe(pad, sizeof(pad));
	ponto_wipe(inner, sizeof(inner));
}

bool teredo_authentic(const struct teredo_packet *p, enum teredo_algo algo, struct ponto_bytes secret)
{
	uint8_t value[TEREDO_VALUE_MAX];

	if (!p->has_auth)
		return false;
	teredo_value(algo, secret, p->covered, value);
	return ponto_bytes_equal_secret(p->auth.value, ponto_bytes(value, teredo_value_size(algo)));
}

void teredo_write_auth(struct ponto_writer *w, const struct teredo_auth *auth, size_t value_len)
{
	if (auth->id.len > UINT8_MAX || value_len > UINT8_MAX) {
		w->failed = true;
		return;
	}
	ponto_write_be16(w, 1);
	ponto_write_u8(w, (uint8_t)auth->id.len);
	ponto_write_u8(w, (uint8_t)value_len);
	ponto_write_bytes(w, auth->id);
	ponto_write_zeros(w, value_len);
	ponto_write_copy(w, auth->nonce, sizeof(auth->nonce));
	ponto_write_u8(w, auth->confirmation);
}

void teredo_write_value(struct ponto_writer *w, uint64_t at, enum teredo_algo algo, struct ponto_bytes secret)
{
	uint8_t value[TEREDO_VALUE_MAX];
	struct ponto_reader r;
	struct ponto_writer into;
	uint8_t id_len, value_len;

	if (w->failed)
		return;
	r = ponto_reader(ponto_bytes(w->data + at, (size_t)(w->pos - at)));
	ponto_read_skip(&r, 2);
	id_len = ponto_read_u8(&r);
	value_len = ponto_read_u8(&r);
	ponto_read_skip(&r, id_len);
	into = ponto_writer(w->data + at + r.pos, value_len);
	ponto_read_skip(&r, value_len);
	if (r.failed || value_len != teredo_value_size(algo)) {
		w->failed = true;
		return;
	}
	teredo_value(algo, secret, ponto_read_bytes(&r, ponto_reader_left(&r)), value);
	ponto_write_copy(&into, value, value_len);
}
