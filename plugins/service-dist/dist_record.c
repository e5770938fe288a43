#include "plugins/service-dist/dist_record.h"

#include <string.h>

#include "framework/digest.h"

#define SEAL 8 /* bytes */

static const char group_prefix[6] = {'d', 'i', 's', 't', '/', 's'};

/* ---- what all but blocks end with ------------------------------------------------------- */

static void seal_of(struct ponto_bytes owner, struct ponto_bytes body, uint8_t out[PONTO_SHA256_SIZE])
{
	const struct ponto_bytes parts[2] = {owner, body};

	ponto_sha256(parts, 2, out);
}

int dist_value_close(struct ponto_bytes owner, struct ponto_writer *w, size_t *len)
{
	uint8_t seal[PONTO_SHA256_SIZE] = {0};

	if (!w->failed)
		seal_of(owner, ponto_bytes(w->data, (size_t)w->pos), seal);
	ponto_write_copy(w, seal, SEAL);
	return ponto_writer_done(w, len);
}

int dist_value_open(struct ponto_bytes owner, struct ponto_bytes value, struct ponto_reader *r)
{
	uint8_t seal[PONTO_SHA256_SIZE];
	size_t len;

	if (value.len < 1 + SEAL)
		return PONTO_EPROTO;
	len = value.len - SEAL;
	seal_of(owner, ponto_bytes(value.data, len), seal);
	if (memcmp(seal, value.data + len, SEAL) != 0)
		return PONTO_EPROTO;
	*r = ponto_reader(ponto_bytes(value.data, len));
	return ponto_read_u8(r) == DIST_RECORD_VERSION ? PONTO_OK : PONTO_ENOTSUP;
}

/* ---- segments ----------------------------------------------------------------------------- */

size_t dist_group(const struct content_id *id, uint8_t out[DIST_GROUP_MAX])
{
	memcpy(out, group_prefix, sizeof(group_prefix));
	memcpy(out + sizeof(group_prefix), id->b, id->len);
	return sizeof(group_prefix) + id->len;
}

bool dist_group_id(struct ponto_bytes group, struct content_id *out)
{
	const size_t head = sizeof(group_prefix);

	return group.len > head && memcmp(group.data, group_prefix, head) == 0 &&
	       content_id_set(ponto_bytes(group.data + head, group.len - head), out) == PONTO_OK;
}

void dist_block_key(uint32_t index, uint8_t out[DIST_KEY_BLOCK])
{
	out[0] = 'b';
	out[1] = (uint8_t)(index >> 8);
	out[2] = (uint8_t)index;
}

static bool size_valid(enum content_algo algo, uint32_t size)
{
	return size > 0 && size <= (content_is_v2(algo) ? CONTENT_SEGMENT_V2_MAX : CONTENT_SEGMENT_V1);
}

bool dist_meta_valid(const struct dist_meta *meta)
{
	uint32_t blocks;

	if (!content_algo_known(meta->algo) || !size_valid(meta->algo, meta->size))
		return false;
	blocks = content_segment_blocks(meta->algo, meta->size);
	if (meta->hashes > (content_is_v2(meta->algo) || !meta->keyed ? 0 : blocks))
		return false;
	return content_blocks_next(&meta->blocks, 0) < blocks &&
	       content_blocks_next(&meta->blocks, blocks) == CONTENT_BLOCKS_MAX;
}

int dist_meta_segment(const struct dist_meta *meta, struct ponto_bytes hashes, const struct ponto_alloc *alloc,
		      uint8_t **list, struct content_segment *out)
{
	uint8_t *copy = ponto_bytes_dup(alloc, hashes);

	if (!copy)
		return PONTO_ENOMEM;
	*list = copy;
	out->size = meta->size;
	memcpy(out->hod, meta->hod, sizeof(out->hod));
	memcpy(out->kp, meta->kp, sizeof(out->kp));
	out->block_hashes = ponto_bytes(copy, hashes.len);
	return PONTO_OK;
}

int dist_meta_encode(const struct content_id *id, const struct dist_meta *meta, uint8_t out[DIST_META_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, DIST_META_MAX);
	size_t hash = content_hash_size(meta->algo);

	if (!dist_meta_valid(meta))
		return PONTO_EINVAL;
	ponto_write_u8(&w, DIST_RECORD_VERSION);
	ponto_write_u8(&w, meta->keyed);
	ponto_write_u8(&w, (uint8_t)meta->algo);
	ponto_write_be32(&w, meta->size);
	ponto_write_be16(&w, meta->hashes);
	ponto_write_be64(&w, meta->created);
	ponto_write_be64(&w, meta->used);
	ponto_write_copy(&w, meta->tag, DIST_TAG);
	if (meta->keyed) {
		ponto_write_copy(&w, meta->hod, hash);
		ponto_write_copy(&w, meta->kp, hash);
	}
	for (uint32_t i = 0; i < (content_segment_blocks(meta->algo, meta->size) + 7) / 8; i++)
		ponto_write_u8(&w, (uint8_t)(meta->blocks.bits[i / 8] >> i % 8 * 8));
	return dist_value_close(content_id_bytes(id), &w, len);
}

int dist_meta_decode(const struct content_id *id, struct ponto_bytes value, struct dist_meta *out)
{
	struct dist_meta meta = {.size = 0};
	struct ponto_reader r;
	unsigned keyed, algo;
	size_t hash;
	int result = dist_value_open(content_id_bytes(id), value, &r);

	if (result != PONTO_OK)
		return result;
	keyed = ponto_read_u8(&r);
	algo = ponto_read_u8(&r);
	if (keyed > 1 || !content_algo_known(algo))
		return PONTO_EPROTO;
	meta.keyed = keyed;
	meta.algo = (enum content_algo)algo;
	meta.size = ponto_read_be32(&r);
	meta.hashes = ponto_read_be16(&r);
	meta.created = ponto_read_be64(&r);
	meta.used = ponto_read_be64(&r);
	ponto_read_copy(&r, meta.tag, DIST_TAG);
	hash = content_hash_size(meta.algo);
	if (keyed) {
		ponto_read_copy(&r, meta.hod, hash);
		ponto_read_copy(&r, meta.kp, hash);
	}
	if (r.failed || !size_valid(meta.algo, meta.size))
		return PONTO_EPROTO;
	for (uint32_t i = 0; i < (content_segment_blocks(meta.algo, meta.size) + 7) / 8; i++)
		meta.blocks.bits[i / 8] |= (uint64_t)ponto_read_u8(&r) << i % 8 * 8;
	if (ponto_reader_done(&r) != PONTO_OK || !dist_meta_valid(&meta))
		return PONTO_EPROTO;
	*out = meta;
	return PONTO_OK;
}

int dist_list_encode(const struct content_id *id, enum content_algo algo, struct ponto_bytes hashes,
		     uint8_t out[DIST_LIST_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, DIST_LIST_MAX);

	ponto_write_u8(&w, DIST_RECORD_VERSION);
	ponto_write_u8(&w, (uint8_t)algo);
	ponto_write_bytes(&w, hashes);
	return dist_value_close(content_id_bytes(id), &w, len);
}

int dist_list_decode(const struct content_id *id, enum content_algo algo, struct ponto_bytes value,
		     struct ponto_bytes *hashes)
{
	size_t hash = content_hash_size(algo);
	struct ponto_reader r;
	struct ponto_bytes list;
	int result = dist_value_open(content_id_bytes(id), value, &r);

	if (result != PONTO_OK)
		return result;
	if (ponto_read_u8(&r) != algo)
		return PONTO_EPROTO;
	list = ponto_read_bytes(&r, ponto_reader_left(&r));
	if (r.failed || list.len == 0 || list.len % hash != 0 || list.len / hash > CONTENT_SEGMENT_BLOCKS)
		return PONTO_EPROTO;
	*hashes = list;
	return PONTO_OK;
}

void dist_block_encode(const struct dist_block *block, struct ponto_writer *w)
{
	ponto_write_u8(w, DIST_RECORD_VERSION);
	ponto_write_u8(w, (uint8_t)block->crypto);
	ponto_write_u8(w, (uint8_t)block->by);
	ponto_write_copy(w, block->hash, content_hash_size(block->by));
	if (block->crypto != CONTENT_PLAIN)
		ponto_write_copy(w, block->iv, CONTENT_IV);
	ponto_write_bytes(w, block->data);
}

int dist_block_decode(const struct dist_meta *meta, uint32_t index, struct ponto_bytes value, struct dist_block *out)
{
	struct ponto_reader r = ponto_reader(value);
	struct dist_block block = {.crypto = CONTENT_PLAIN};
	unsigned crypto, by;

	if (ponto_read_u8(&r) != DIST_RECORD_VERSION)
		return PONTO_EPROTO;
	crypto = ponto_read_u8(&r);
	by = ponto_read_u8(&r);
	if (crypto > CONTENT_AES_256 || !content_algo_known(by))
		return PONTO_EPROTO;
	block.crypto = (enum content_crypto)crypto;
	block.by = (enum content_algo)by;
	ponto_read_copy(&r, block.hash, content_hash_size(block.by));
	if (crypto != CONTENT_PLAIN)
		ponto_read_copy(&r, block.iv, CONTENT_IV);
	block.data = ponto_read_bytes(&r, ponto_reader_left(&r));
	if (meta->keyed ? block.crypto != CONTENT_PLAIN || block.by != meta->algo : block.by != CONTENT_SHA256)
		return PONTO_EPROTO;
	if (ponto_reader_done(&r) != PONTO_OK ||
	    !content_block_fits(meta->algo, meta->size, index, block.crypto, block.data.len))
		return PONTO_EPROTO;
	*out = block;
	return PONTO_OK;
}

/* ---- hashes of files -------------------------------------------------------------------------- */

void dist_hashes_key(const struct dist_file *file, enum content_algo algo, uint32_t number,
		     uint8_t out[DIST_HASHES_KEY])
{
	struct ponto_writer w = ponto_writer(out, DIST_HASHES_KEY);

	dist_head_key(file, algo, out);
	w.pos = DIST_HEAD_KEY;
	ponto_write_be32(&w, number);
}

void dist_head_key(const struct dist_file *file, enum content_algo algo, uint8_t out[DIST_HEAD_KEY])
{
	struct ponto_writer w = ponto_writer(out, DIST_HEAD_KEY);

	ponto_write_be64(&w, file->device);
	ponto_write_be64(&w, file->inode);
	ponto_write_be64(&w, file->changed);
	ponto_write_be64(&w, file->size);
	ponto_write_u8(&w, (uint8_t)algo);
}

int dist_head_key_decode(struct ponto_bytes key, struct dist_file *file, enum content_algo *algo)
{
	struct ponto_reader r = ponto_reader(key);
	struct dist_file f;
	unsigned a;

	f.device = ponto_read_be64(&r);
	f.inode = ponto_read_be64(&r);
	f.changed = ponto_read_be64(&r);
	f.size = ponto_read_be64(&r);
	a = ponto_read_u8(&r);
	if (ponto_reader_done(&r) != PONTO_OK || !content_algo_known(a))
		return PONTO_EPROTO;
	*file = f;
	*algo = (enum content_algo)a;
	return PONTO_OK;
}

int dist_head_encode(const struct dist_file *file, enum content_algo algo, const struct dist_head *head,
		     uint8_t out[DIST_HEAD_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, DIST_HEAD_MAX);
	uint8_t key[DIST_HEAD_KEY];

	ponto_write_u8(&w, DIST_RECORD_VERSION);
	ponto_write_u8(&w, head->complete);
	ponto_write_be32(&w, head->records);
	ponto_write_be64(&w, head->segments);
	ponto_write_be64(&w, head->pieces);
	ponto_write_be64(&w, head->created);
	ponto_write_be64(&w, head->used);
	dist_head_key(file, algo, key);
	return dist_value_close(ponto_bytes(key, sizeof(key)), &w, len);
}

int dist_head_decode(const struct dist_file *file, enum content_algo algo, struct ponto_bytes value,
		     struct dist_head *out)
{
	uint8_t key[DIST_HEAD_KEY];
	struct dist_head head;
	struct ponto_reader r;
	unsigned complete;
	int result;

	dist_head_key(file, algo, key);
	result = dist_value_open(ponto_bytes(key, sizeof(key)), value, &r);
	if (result != PONTO_OK)
		return result;
	complete = ponto_read_u8(&r);
	head.complete = complete;
	head.records = ponto_read_be32(&r);
	head.segments = ponto_read_be64(&r);
	head.pieces = ponto_read_be64(&r);
	head.created = ponto_read_be64(&r);
	head.used = ponto_read_be64(&r);
	if (complete > 1 || ponto_reader_done(&r) != PONTO_OK)
		return PONTO_EPROTO;
	*out = head;
	return PONTO_OK;
}

#define RECORD_COUNT 2 /* where the number of segments stands */

void dist_hashes_begin_record(struct ponto_writer *w, enum content_algo algo, const struct content_segment *first)
{
	ponto_write_u8(w, DIST_RECORD_VERSION);
	ponto_write_u8(w, (uint8_t)algo);
	ponto_write_be16(w, 0);
	ponto_write_be64(w, first->index);
	ponto_write_be64(w, first->offset);
}

void dist_hashes_add(struct ponto_writer *w, enum content_algo algo, const struct content_segment *segment)
{
	ponto_write_be32(w, segment->size);
	ponto_write_copy(w, segment->hod, content_hash_size(algo));
	ponto_write_bytes(w, segment->block_hashes);
}

int dist_hashes_end_record(const struct dist_file *file, enum content_algo algo, uint32_t number, uint32_t count,
			   struct ponto_writer *w, size_t *len)
{
	uint8_t key[DIST_HASHES_KEY];

	ponto_patch_be16(w, RECORD_COUNT, count);
	dist_hashes_key(file, algo, number, key);
	return dist_value_close(ponto_bytes(key, sizeof(key)), w, len);
}

bool dist_hashes_next(const struct dist_hashes_record *record, struct ponto_reader *r, uint64_t *index,
		      uint64_t *offset, struct content_segment *out)
{
	size_t hash = content_hash_size(record->algo);

	if (ponto_reader_left(r) == 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->index = *index;
	out->offset = *offset;
	out->size = ponto_read_be32(r);
	ponto_read_copy(r, out->hod, hash);
	if (content_is_v2(record->algo))
		ponto_reader_require(r, out->size > 0 && out->size <= CONTENT_SEGMENT_V2_MAX);
	else
		ponto_reader_require(r, out->size > 0 && out->size <= CONTENT_SEGMENT_V1);
	if (!r->failed && !content_is_v2(record->algo))
		out->block_hashes = ponto_read_bytes(r, content_segment_blocks(record->algo, out->size) * hash);
	++*index;
	*offset += out->size;
	return !r->failed;
}

int dist_hashes_decode(const struct dist_file *file, enum content_algo algo, uint32_t number, struct ponto_bytes value,
		       struct dist_hashes_record *out)
{
	struct dist_hashes_record record = {.algo = algo};
	struct content_segment segment;
	uint8_t key[DIST_HASHES_KEY];
	struct ponto_reader r, each;
	uint64_t index, offset;
	uint32_t count = 0;
	int result;

	dist_hashes_key(file, algo, number, key);
	result = dist_value_open(ponto_bytes(key, sizeof(key)), value, &r);
	if (result != PONTO_OK)
		return result;
	ponto_reader_require(&r, ponto_read_u8(&r) == algo);
	record.count = ponto_read_be16(&r);
	record.index = index = ponto_read_be64(&r);
	record.offset = offset = ponto_read_be64(&r);
	ponto_reader_require(&r, record.count > 0 && record.count <= (content_is_v2(algo) ? DIST_HASHES_PIECES : 1));
	ponto_reader_require(&r, offset <= INT64_MAX && index <= INT64_MAX);
	record.segments = ponto_read_bytes(&r, ponto_reader_left(&r));
	if (r.failed)
		return PONTO_EPROTO;
	each = ponto_reader(record.segments);
	while (dist_hashes_next(&record, &each, &index, &offset, &segment))
		count++;
	if (ponto_reader_done(&each) != PONTO_OK || count != record.count)
		return PONTO_EPROTO;
	*out = record;
	return PONTO_OK;
}
