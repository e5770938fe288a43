/* Import: blocks of a package into the cache. What has keys anybody may bring, for it is checked to the last byte; what
 * has none cannot be checked here, but by those who fetch it: an administrator may bring it to a hosted cache, which
 * relays such blocks anyway. */
#include <string.h>

#include "engines/content/content_package.h"
#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_digest.h"

struct brought {
	struct import *import;
	struct content_package_block block; /* data: a view into the import's memory */
	int result;			    /* PONTO_OK: right, then: kept; PONTO_ECORRUPT: wrong */
};

struct import {
	struct dist *dist;
	struct ponto_call *call;
	struct content_package_segment segment; /* its list is a view into memory */
	const char *fault;
	uint8_t *memory;
	unsigned pending, kept, wrong;
	int result;
	size_t count;
	struct brought brought[];
};

/* ---- the answer ------------------------------------------------------------------------- */

/* Blocks that need not be brought: they are held; or others are, which these cannot stand beside. */
static void held_blocks(const struct dist_known *known, bool keyed, uint8_t out[CONTENT_BLOCKS_MAX / 8])
{
	for (uint32_t i = 0; i < CONTENT_BLOCKS_MAX; i++) {
		if (known->keyed == keyed ? content_blocks_has(&known->blocks, i) : known->keyed)
			out[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
}

static void answer(struct dist *dist, struct ponto_call *call, const struct content_package_segment *segment,
		   unsigned kept, unsigned wrong)
{
	Ponto__Dist__V1__ImportReply reply = PONTO__DIST__V1__IMPORT_REPLY__INIT;
	uint8_t held[CONTENT_BLOCKS_MAX / 8] = {0};
	struct dist_known known;

	if (dist_cache_find(dist->cache, &segment->id, &known))
		held_blocks(&known, segment->keyed, held);
	reply.held = (ProtobufCBinaryData){sizeof(held), held};
	reply.kept = kept;
	reply.wrong = wrong;
	ponto_answer(dist->env->alloc, call, &reply.base);
}

static void import_free(struct import *import)
{
	const struct ponto_alloc *alloc = import->dist->env->alloc;

	ponto_free(alloc, import->memory);
	ponto_wipe(import, sizeof(*import));
	ponto_free(alloc, import);
}

static void finish(struct import *import)
{
	struct dist *dist = import->dist;

	if (import->fault)
		ponto_refuse(import->call, PONTO_ECORRUPT, "%s", import->fault);
	else if (import->result != PONTO_OK)
		ponto_refuse(import->call, import->result, "%s",
			     import->result == PONTO_ENOSPC ? "the cache's store has no space"
							    : ponto_strerror(import->result));
	else
		answer(dist, import->call, &import->segment, import->kept, import->wrong);
	import_free(import);
	dist->packaging--;
	if (dist->stopped)
		dist_check_stopped(dist);
}

/* ---- checking and keeping --------------------------------------------------------------------- */

/* On a worker. */
static bool is_right(const struct content_package_segment *segment, const struct content_package_block *block)
{
	enum content_algo algo = segment->keyed ? segment->algo : CONTENT_SHA256;
	struct ponto_bytes wanted = segment->keyed ? content_block_hash(algo, &segment->segment, block->index)
						   : ponto_bytes(block->hash, PONTO_SHA256_SIZE);
	uint8_t hash[CONTENT_HASH_MAX];

	dist_digest(algo, block->data, hash);
	return memcmp(hash, wanted.data, wanted.len) == 0;
}

static void check(void *arg)
{
	struct import *import = arg;

	import->fault = content_package_fault(&import->segment);
	for (size_t i = 0; i < import->count && !import->fault; i++) {
		struct brought *b = &import->brought[i];

		if (!content_package_block_fits(&import->segment, &b->block) || !is_right(&import->segment, &b->block))
			b->result = PONTO_ECORRUPT;
	}
}

static void ended(struct import *import, int result)
{
	import->kept += result == PONTO_OK;
	import->wrong += result == PONTO_ECORRUPT;
	if (result != PONTO_OK && result != PONTO_ECORRUPT && result != PONTO_EEXIST && import->result == PONTO_OK)
		import->result = result;
	if (--import->pending == 0)
		finish(import);
}

static void kept(void *arg, int result)
{
	ended(((struct brought *)arg)->import, result);
}

static int keep(struct brought *b, const struct dist_segment *segment)
{
	struct dist *dist = b->import->dist;
	struct dist_piece piece = {.index = b->block.index, .crypto = b->block.crypto, .data = b->block.data};

	memcpy(piece.iv, b->block.iv, CONTENT_IV);
	memcpy(piece.hash, b->block.hash, PONTO_SHA256_SIZE); /* with keys the cache finds it in the segment */
	return dist->stopped ? PONTO_ECLOSED : dist_cache_put(dist->cache, segment, &piece, kept, b);
}

static void checked(void *arg)
{
	struct import *import = arg;
	const struct content_package_segment *from = &import->segment;
	struct dist_segment segment = {
		.id = from->id, .algo = from->algo, .size = from->segment.size, .keyed = from->keyed};

	memcpy(segment.tag, from->tag, DIST_TAG);
	memcpy(segment.hod, from->segment.hod, CONTENT_HASH_MAX);
	memcpy(segment.kp, from->segment.kp, CONTENT_HASH_MAX);
	segment.block_hashes = from->segment.block_hashes;
	import->pending = (unsigned)import->count + 1;
	for (size_t i = 0; i < import->count; i++) {
		struct brought *b = &import->brought[i];
		int result = b->result;

		if (result == PONTO_OK && !import->fault)
			result = keep(b, &segment);
		if (result != PONTO_OK || import->fault)
			ended(import, result);
	}
	ponto_wipe(segment.kp, sizeof(segment.kp));
	ended(import, PONTO_EEXIST); /* this call's own */
}

/* ---- the call ----------------------------------------------------------------------------------- */

static bool read_segment(const Ponto__Dist__V1__PackageSegment *m, struct content_package_segment *out)
{
	size_t hash;

	if (!content_algo_known(m->algorithm) || m->tag.len != CONTENT_TAG || m->has_hod != m->has_kp ||
	    content_id_set(ponto_bytes(m->id.data, m->id.len), &out->id) != PONTO_OK)
		return false;
	out->algo = (enum content_algo)m->algorithm;
	hash = content_hash_size(out->algo);
	out->keyed = m->has_hod;
	out->segment.size = m->size;
	memcpy(out->tag, m->tag.data, CONTENT_TAG);
	if (!out->keyed)
		return true;
	if (m->hod.len != hash || m->kp.len != hash)
		return false;
	memcpy(out->segment.hod, m->hod.data, hash);
	memcpy(out->segment.kp, m->kp.data, hash);
	if (m->has_hashes)
		out->segment.block_hashes = ponto_bytes(m->hashes.data, m->hashes.len);
	return true;
}

static bool read_block(const Ponto__Dist__V1__PackageBlock *m, bool keyed, struct content_package_block *out)
{
	if (m->crypto > CONTENT_AES_256 || (m->crypto != CONTENT_PLAIN && (!m->has_iv || m->iv.len != CONTENT_IV)) ||
	    (!keyed && (!m->has_hash || m->hash.len != PONTO_SHA256_SIZE)))
		return false;
	out->index = m->index;
	out->crypto = (enum content_crypto)m->crypto;
	if (m->crypto != CONTENT_PLAIN)
		memcpy(out->iv, m->iv.data, CONTENT_IV);
	if (!keyed)
		memcpy(out->hash, m->hash.data, PONTO_SHA256_SIZE);
	out->data = ponto_bytes(m->data.data, m->data.len);
	return true;
}

/* The request is gone when this is worked at: its bytes are copied. gives */
static int import_new(struct dist *dist, const struct content_package_segment *segment,
		 const Ponto__Dist__V1__ImportRequest *r, struct import **out)
{
	const struct ponto_alloc *alloc = dist->env->alloc;
	struct import *import = ponto_new(alloc, 1, sizeof(*import) + r->n_block * sizeof(import->brought[0]));
	size_t bytes = segment->segment.block_hashes.len;
	struct ponto_writer w;

	for (size_t i = 0; i < r->n_block; i++)
		bytes += r->block[i]->data.len;
	if (import)
		import->memory = ponto_new(alloc, bytes ? bytes : 1, 1);
	if (!import || !import->memory) {
		ponto_free(alloc, import);
		return PONTO_ENOMEM;
	}
	import->dist = dist;
	w = ponto_writer(import->memory, bytes);
	import->segment = *segment;
	import->segment.segment.block_hashes.data = import->memory;
	ponto_write_bytes(&w, segment->segment.block_hashes);
	for (; import->count < r->n_block; import->count++) {
		struct brought *b = &import->brought[import->count];
		struct ponto_bytes data;

		b->import = import;
		if (!read_block(r->block[import->count], segment->keyed, &b->block)) {
			import_free(import);
			return PONTO_EINVAL;
		}
		data = b->block.data;
		b->block.data = ponto_bytes(import->memory + w.pos, data.len);
		ponto_write_bytes(&w, data);
	}
	*out = import;
	return PONTO_OK;
}

static int permitted(const struct dist *dist, const struct ponto_call *call,
		     const struct content_package_segment *segment, const char **why)
{
	struct dist_known known;

	if (!segment->keyed && (!dist->hosted || !call->admin)) {
		*why = dist->hosted ? "only administrators may bring what has no keys"
				    : "only a hosted cache keeps what has no keys";
		return PONTO_EACCES;
	}
	if (!dist->cached || dist->packaging >= DIST_PACKAGING_MAX)
		return PONTO_EBUSY;
	if (dist_cache_find(dist->cache, &segment->id, &known) && known.keyed == segment->keyed &&
	    (known.size != segment->segment.size || known.algo != segment->algo)) {
		*why = "another segment is kept under this ID";
		return PONTO_EEXIST;
	}
	return PONTO_OK;
}

void dist_call_import(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__ImportRequest *r = (const Ponto__Dist__V1__ImportRequest *)request;
	struct content_package_segment segment = {0};
	const char *why = "such a segment, or block, cannot be";
	struct import *import = NULL;
	int result = PONTO_EINVAL;

	if (read_segment(r->segment, &segment)) {
		why = NULL;
		result = permitted(dist, call, &segment, &why);
	}
	if (result == PONTO_OK && r->n_block > 0)
		result = import_new(dist, &segment, r, &import);
	if (import) {
		import->call = call;
		result = ponto_pool_submit(dist->pool, dist->env->loop, check, checked, import);
		if (result == PONTO_OK)
			dist->packaging++;
		else
			import_free(import);
	}
	if (result != PONTO_OK)
		ponto_refuse(call, result, "%s", why ? why : ponto_strerror(result));
	else if (!import)
		answer(dist, call, &segment, 0, 0);
	ponto_wipe(segment.segment.kp, sizeof(segment.segment.kp));
}
