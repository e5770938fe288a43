/* Export: blocks of a segment, with what verifies them, for a package. Who is no administrator gets what he could fetch
 * as well: he has to show the keys that name it. */
#include <string.h>

#include "engines/content/content_package.h"
#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_digest.h"
#include "plugins/service-dist/dist_seal.h"

#define BLOCKS (DIST_PACKAGE_BYTES / CONTENT_BLOCK)
#define CIPHER CONTENT_AES_128 /* of what is sealed for a package */

struct taken {
	struct export *export;
	uint8_t *memory;
	struct content_package_block block; /* data: a view into memory */
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
	int result;
};

struct export {
	struct dist *dist;
	struct ponto_call *call;
	struct dist_known known;
	bool sealed;	/* keys stay here */
	bool more;	/* something is held from next on */
	uint32_t next;
	uint8_t *list;
	size_t list_len;
	unsigned pending, count;
	int result;
	struct taken taken[BLOCKS];
};

static void export_free(struct export *export)
{
	struct dist *dist = export->dist;

	for (unsigned i = 0; i < export->count; i++)
		ponto_free(dist->env->alloc, export->taken[i].memory);
	ponto_free(dist->env->alloc, export->list);
	ponto_wipe(export, sizeof(*export));
	ponto_free(dist->env->alloc, export);
	dist->packaging--;
	if (dist->stopped)
		dist_check_stopped(dist);
}

/* ---- the answer ------------------------------------------------------------------------- */

static void fill_segment(struct export *export, const struct taken *first, Ponto__Dist__V1__PackageSegment *out)
{
	size_t hash = content_hash_size(export->known.algo);

	ponto__dist__v1__package_segment__init(out);
	out->id = (ProtobufCBinaryData){export->known.id.len, export->known.id.b};
	out->algorithm = export->known.algo;
	out->size = export->known.size;
	out->tag = (ProtobufCBinaryData){DIST_TAG, export->known.tag};
	if (!export->known.keyed || export->sealed)
		return;
	out->has_hod = out->has_kp = true;
	out->hod = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)first->hod};
	out->kp = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)first->kp};
	out->has_hashes = export->list != NULL;
	out->hashes = (ProtobufCBinaryData){export->list_len, export->list};
}

static void fill_block(struct taken *taken, bool keyed, Ponto__Dist__V1__PackageBlock *out)
{
	struct content_package_block *block = &taken->block;

	ponto__dist__v1__package_block__init(out);
	out->index = block->index;
	out->crypto = block->crypto;
	out->has_iv = block->crypto != CONTENT_PLAIN;
	out->iv = (ProtobufCBinaryData){CONTENT_IV, block->iv};
	out->has_hash = !keyed;
	out->hash = (ProtobufCBinaryData){PONTO_SHA256_SIZE, block->hash};
	out->data = (ProtobufCBinaryData){block->data.len, taken->memory};
}

/* Blocks that went meanwhile, or were damaged, are left out. */
static void finish(struct export *export)
{
	Ponto__Dist__V1__ExportReply reply = PONTO__DIST__V1__EXPORT_REPLY__INIT;
	Ponto__Dist__V1__PackageSegment segment;
	Ponto__Dist__V1__PackageBlock blocks[BLOCKS], *listed[BLOCKS];
	const struct taken *first = NULL;

	for (unsigned i = 0; i < export->count; i++) {
		struct taken *taken = &export->taken[i];

		if (taken->result != PONTO_OK)
			continue;
		first = first ? first : taken;
		fill_block(taken, export->known.keyed && !export->sealed, &blocks[i]);
		listed[reply.n_block++] = &blocks[i];
	}
	if (!first && export->result == PONTO_OK)
		export->result = export->taken[0].result;
	if (export->result != PONTO_OK) {
		ponto_refuse(export->call, export->result, NULL);
	} else {
		fill_segment(export, first, &segment);
		reply.segment = &segment;
		reply.block = listed;
		reply.has_next = export->more;
		reply.next = export->next;
		ponto_answer(export->dist->env->alloc, export->call, &reply.base);
	}
	export_free(export);
}

/* ---- what is read --------------------------------------------------------------------------- */

static int seal(struct taken *taken, const struct dist_read *read)
{
	const struct ponto_random *random = taken->export->dist->env->random;
	int result;

	taken->block.crypto = CIPHER;
	random->fill(random->ctx, taken->block.iv, CONTENT_IV);
	result = dist_seal(CIPHER, read->meta.kp, taken->block.iv, read->block.data, taken->memory);
	if (result != PONTO_OK)
		return result;
	taken->block.data = ponto_bytes(taken->memory, content_sealed_size(CIPHER, read->block.data.len));
	return PONTO_OK;
}

/* On a worker. */
static int take(void *arg, const struct dist_read *read)
{
	struct taken *taken = arg;
	const struct ponto_alloc *alloc = taken->export->dist->env->alloc;
	uint8_t hash[CONTENT_HASH_MAX];
	int result = PONTO_OK;

	taken->memory = ponto_new(alloc, content_sealed_size(CIPHER, read->block.data.len), 1);
	if (!taken->memory)
		return PONTO_ENOMEM;
	if (read->meta.keyed && taken->export->sealed) {
		result = seal(taken, read);
	} else {
		taken->block.crypto = read->block.crypto;
		memcpy(taken->block.iv, read->block.iv, CONTENT_IV);
		memcpy(taken->memory, read->block.data.data, read->block.data.len);
		taken->block.data = ponto_bytes(taken->memory, read->block.data.len);
		memcpy(taken->hod, read->meta.hod, CONTENT_HASH_MAX);
		memcpy(taken->kp, read->meta.kp, CONTENT_HASH_MAX);
	}
	if (result == PONTO_OK && (!read->meta.keyed || taken->export->sealed)) {
		dist_digest(CONTENT_SHA256, taken->block.data, hash);
		memcpy(taken->block.hash, hash, PONTO_SHA256_SIZE);
	}
	return result;
}

static void ended(struct export *export)
{
	if (--export->pending == 0)
		finish(export);
}

static void took(void *arg, int result)
{
	struct taken *taken = arg;

	taken->result = result;
	if (result != PONTO_OK && result != PONTO_ENOENT && result != PONTO_ECORRUPT)
		taken->export->result = result;
	ended(taken->export);
}

/* On a worker. */
static int take_list(void *arg, const struct dist_meta *meta, struct ponto_bytes hashes)
{
	struct export *export = arg;

	if (hashes.len != content_segment_blocks(meta->algo, meta->size) * content_hash_size(meta->algo))
		return PONTO_ENOENT;
	export->list = ponto_bytes_dup(export->dist->env->alloc, hashes);
	export->list_len = hashes.len;
	return export->list ? PONTO_OK : PONTO_ENOMEM;
}

static void took_list(void *arg, int result)
{
	struct export *export = arg;

	if (result != PONTO_OK)
		export->result = result;
	ended(export);
}

/* As many blocks as a message holds. That the cache takes no more reads now is no error once it took one. */
static void read_blocks(struct export *export, uint32_t from)
{
	const struct dist_known *known = &export->known;
	uint32_t index = content_blocks_next(&known->blocks, from);
	size_t bytes = 0;
	int result = PONTO_OK;

	for (; index < CONTENT_BLOCKS_MAX && export->count < BLOCKS; index = content_blocks_next(&known->blocks, index + 1)) {
		struct taken *taken = &export->taken[export->count];

		bytes += content_block_size(known->algo, known->size, index);
		if (bytes > DIST_PACKAGE_BYTES)
			break;
		taken->export = export;
		taken->block.index = index;
		result = dist_cache_copy(export->dist->cache, &known->id, index, take, took, taken);
		if (result != PONTO_OK)
			break;
		export->pending++;
		export->count++;
	}
	if (export->count == 0)
		export->result = result;
	export->more = index < CONTENT_BLOCKS_MAX;
	export->next = index;
}

/* ---- the call ----------------------------------------------------------------------------------- */

/* The ID is made of these keys. */
static bool proven(const struct dist_known *known, const Ponto__Dist__V1__ExportRequest *r)
{
	size_t hash = content_hash_size(known->algo);
	uint8_t hod[CONTENT_HASH_MAX] = {0}, kp[CONTENT_HASH_MAX] = {0};
	struct content_id id;

	if (!known->keyed || !r->has_hod || !r->has_kp || r->hod.len != hash || r->kp.len != hash)
		return false;
	memcpy(hod, r->hod.data, hash);
	memcpy(kp, r->kp.data, hash);
	content_segment_id(known->algo, kp, hod, &id);
	ponto_wipe(kp, sizeof(kp));
	return content_id_equal(&id, &known->id);
}

/* PONTO_OK and what is held, or the answer's result, with why. */
static int permitted(struct dist *dist, const struct ponto_call *call, const Ponto__Dist__V1__ExportRequest *r,
		     struct dist_known *known, const char **why)
{
	struct content_id id;

	if (content_id_set(ponto_bytes(r->id.data, r->id.len), &id) != PONTO_OK || r->first >= CONTENT_BLOCKS_MAX) {
		*why = "not the ID of a segment, or a block that none has";
		return PONTO_EINVAL;
	}
	if (!dist->cached || dist->packaging >= DIST_PACKAGING_MAX)
		return PONTO_EBUSY;
	/* What others may not have they are not told of either. */
	if (!dist_cache_find(dist->cache, &id, known) || (!call->admin && !proven(known, r))) {
		*why = call->admin ? "nothing of this segment is held"
				   : "nothing of this segment is held, or its keys were not shown";
		return PONTO_ENOENT;
	}
	if (content_blocks_next(&known->blocks, r->first) == CONTENT_BLOCKS_MAX)
		return PONTO_ENOENT;
	if (!(r->has_sealed && r->sealed) && known->keyed && !content_is_v2(known->algo) &&
	    known->hashes < content_segment_blocks(known->algo, known->size)) {
		*why = "not all hashes of its blocks are known: it can be exported sealed only";
		return PONTO_ENOTSUP;
	}
	return PONTO_OK;
}

void dist_call_export(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__ExportRequest *r = (const Ponto__Dist__V1__ExportRequest *)request;
	struct export *export;
	struct dist_known known;
	const char *why = NULL;
	int result = permitted(dist, call, r, &known, &why);

	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s", why ? why : ponto_strerror(result));
		return;
	}
	export = ponto_new(dist->env->alloc, 1, sizeof(*export));
	if (!export) {
		ponto_refuse(call, PONTO_ENOMEM, NULL);
		return;
	}
	export->dist = dist;
	export->call = call;
	export->known = known;
	export->sealed = r->has_sealed && r->sealed;
	export->pending = 1; /* this call */
	dist->packaging++;
	read_blocks(export, r->first);
	if (export->result == PONTO_OK && r->first == 0 && known.keyed && !export->sealed && !content_is_v2(known.algo)) {
		result = dist_cache_hashes(dist->cache, &known.id, take_list, took_list, export);
		if (result == PONTO_OK)
			export->pending++;
		else
			export->result = result;
	}
	ended(export);
}
