#include "plugins/service-dist/dist_open.h"

#include <string.h>

#include "plugins/service-dist/dist_digest.h"
#include "plugins/service-dist/dist_seal.h"

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
	if (block->result == PONTO_OK)
		dist_digest(o->algo, ponto_bytes(block->plain, o->size), block->hash);
}
