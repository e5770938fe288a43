#include "plugins/service-dist/dist_open.h"

#include <string.h>

#include "plugins/service-dist/dist_digest.h"
#include "plugins/service-dist/dist_seal.h"

/* Whether what came, of some length that it can have below its padding, is what the segment's ID stands for: then the
 * description tells another size than the segment has. */
static bool is_of_another_size(const struct content_open *o, const uint8_t *plain)
{
	size_t most = o->data.len, least = o->crypto == CONTENT_PLAIN ? most : most - CONTENT_IV;
	uint8_t hash[CONTENT_HASH_MAX];

	for (size_t len = most; len >= least && len > 0; len--) {
		dist_digest(o->algo, ponto_bytes(plain, len), hash);
		if (memcmp(hash, o->wanted, content_hash_size(o->algo)) == 0)
			return true;
	}
	return false;
}

void dist_open(const struct ponto_alloc *alloc, struct dist_opened *block)
{
	const struct content_open *o = &block->open;

	block->result = PONTO_OK;
	if (o->relayed)
		return;
	if (o->data.len < o->size) {
		block->result = PONTO_EPROTO;
		return;
	}
	block->plain = ponto_new(alloc, o->data.len, 1);
	if (!block->plain) {
		block->result = PONTO_ENOMEM;
		return;
	}
	if (o->crypto == CONTENT_PLAIN)
		memcpy(block->plain, o->data.data, o->data.len);
	else
		block->result = dist_unseal(o->crypto, o->key, o->iv, o->data, block->plain);
	if (block->result != PONTO_OK)
		return;
	dist_digest(o->algo, ponto_bytes(block->plain, o->size), block->hash);
	if (memcmp(block->hash, o->wanted, content_hash_size(o->algo)) != 0)
		block->innocent = !o->bound || is_of_another_size(o, block->plain);
}
