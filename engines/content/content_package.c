#include "engines/content/content_package.h"

#include <string.h>

static const uint8_t magic[8] = {'P', 'O', 'N', 'T', 'O', 'P', 'K', 'G'};

/* ---- writing ---------------------------------------------------------------------- */

void content_package_write_head(struct ponto_writer *w)
{
	ponto_write_copy(w, magic, sizeof(magic));
	ponto_write_be16(w, CONTENT_PACKAGE_VERSION);
}

/* The body follows; its length is known when it has been written. Returns where. */
static uint64_t begin_record(struct ponto_writer *w, enum content_package_type type)
{
	ponto_write_u8(w, (uint8_t)type);
	ponto_write_be32(w, 0);
	return w->pos;
}

static void end_record(struct ponto_writer *w, uint64_t body, size_t follows)
{
	ponto_patch_be32(w, body - 4, w->pos - body + follows);
}

void content_package_write_segment(struct ponto_writer *w, const struct content_package_segment *segment)
{
	size_t hash = content_hash_size(segment->algo);
	uint64_t body = begin_record(w, CONTENT_PACKAGE_SEGMENT);

	ponto_write_u8(w, (uint8_t)segment->algo);
	ponto_write_u8(w, segment->keyed);
	ponto_write_be32(w, segment->segment.size);
	ponto_write_copy(w, segment->tag, CONTENT_TAG);
	ponto_write_u8(w, segment->id.len);
	ponto_write_bytes(w, content_id_bytes(&segment->id));
	if (segment->keyed) {
		ponto_write_copy(w, segment->segment.hod, hash);
		ponto_write_copy(w, segment->segment.kp, hash);
		ponto_write_bytes(w, segment->segment.block_hashes);
	}
	end_record(w, body, 0);
}

void content_package_write_block(struct ponto_writer *w, bool keyed, const struct content_package_block *block)
{
	uint64_t body = begin_record(w, CONTENT_PACKAGE_BLOCK);

	ponto_write_be16(w, (uint16_t)block->index);
	ponto_write_u8(w, (uint8_t)block->crypto);
	if (block->crypto != CONTENT_PLAIN)
		ponto_write_copy(w, block->iv, CONTENT_IV);
	if (!keyed)
		ponto_write_copy(w, block->hash, PONTO_SHA256_SIZE);
	end_record(w, body, block->data.len);
}

void content_package_write_end(struct ponto_writer *w, uint64_t segments, uint64_t blocks)
{
	uint64_t body = begin_record(w, CONTENT_PACKAGE_END);

	ponto_write_be64(w, segments);
	ponto_write_be64(w, blocks);
	end_record(w, body, 0);
}

/* ---- what can be ------------------------------------------------------------------ */

static bool list_fits(const struct content_package_segment *s)
{
	size_t hash = content_hash_size(s->algo), blocks = content_segment_blocks(s->algo, s->segment.size);
	const struct ponto_bytes list = s->segment.block_hashes;
	uint8_t hod[CONTENT_HASH_MAX];

	if (content_is_v2(s->algo))
		return list.len == 0;
	if (list.len != blocks * hash)
		return false;
	content_hash(s->algo, &list, 1, hod);
	return memcmp(hod, s->segment.hod, hash) == 0;
}

const char *content_package_fault(const struct content_package_segment *s)
{
	struct content_id id;

	if (!content_algo_known(s->algo))
		return "a segment of an unknown algorithm";
	if (s->segment.size == 0 ||
	    s->segment.size > (content_is_v2(s->algo) ? CONTENT_SEGMENT_V2_MAX : CONTENT_SEGMENT_V1))
		return "a segment of an impossible size";
	if (s->id.len == 0 || s->id.len > CONTENT_ID_MAX)
		return "a segment without a name";
	if (!s->keyed)
		return NULL;
	content_segment_id(s->algo, s->segment.kp, s->segment.hod, &id);
	if (!content_id_equal(&id, &s->id))
		return "a segment whose keys do not make its ID";
	return list_fits(s) ? NULL : "a segment whose block hashes do not make its HoD";
}

bool content_package_block_fits(const struct content_package_segment *s, const struct content_package_block *b)
{
	return b->crypto <= CONTENT_AES_256 && (!s->keyed || b->crypto == CONTENT_PLAIN) &&
	       content_block_fits(s->algo, s->segment.size, b->index, b->crypto, b->data.len);
}

/* ---- reading ---------------------------------------------------------------------- */

static int refuse(struct content_package *p, int result, const char *why)
{
	p->why = why;
	return result;
}

int content_package_begin(struct content_package *p, const uint8_t head[CONTENT_PACKAGE_HEAD])
{
	struct ponto_reader r = ponto_reader(ponto_bytes(head, CONTENT_PACKAGE_HEAD));

	memset(p, 0, sizeof(*p));
	if (memcmp(ponto_read_take(&r, sizeof(magic)), magic, sizeof(magic)) != 0)
		return refuse(p, PONTO_EPROTO, "this is no package");
	if (ponto_read_be16(&r) != CONTENT_PACKAGE_VERSION)
		return refuse(p, PONTO_ENOTSUP, "a package of another version");
	return PONTO_OK;
}

int content_package_record(struct content_package *p, const uint8_t head[CONTENT_PACKAGE_RECORD_HEAD],
			   enum content_package_type *type, uint32_t *len)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(head, CONTENT_PACKAGE_RECORD_HEAD));
	uint8_t kind = ponto_read_u8(&r);
	uint32_t body = ponto_read_be32(&r);

	if (p->ended)
		return refuse(p, PONTO_EPROTO, "something behind its end");
	if (kind < CONTENT_PACKAGE_SEGMENT || kind > CONTENT_PACKAGE_END)
		return refuse(p, PONTO_EPROTO, "a record of an unknown type");
	if (body > CONTENT_PACKAGE_BODY_MAX)
		return refuse(p, PONTO_EPROTO, "a record of an impossible length");
	*type = (enum content_package_type)kind;
	*len = body;
	return PONTO_OK;
}

static int take_segment(struct content_package *p, struct ponto_reader *r)
{
	struct content_package_segment s = {0};
	uint8_t algo = ponto_read_u8(r), keyed = ponto_read_u8(r);
	struct ponto_bytes id, list;
	const char *fault;
	size_t hash;

	if (!content_algo_known(algo))
		return refuse(p, PONTO_EPROTO, "a segment of an unknown algorithm");
	s.algo = (enum content_algo)algo;
	s.keyed = keyed == 1;
	hash = content_hash_size(s.algo);
	ponto_reader_require(r, keyed <= 1);
	s.segment.size = ponto_read_be32(r);
	ponto_read_copy(r, s.tag, CONTENT_TAG);
	id = ponto_read_bytes(r, ponto_read_u8(r));
	ponto_reader_require(r, content_id_set(id, &s.id) == PONTO_OK);
	if (s.keyed) {
		ponto_read_copy(r, s.segment.hod, hash);
		ponto_read_copy(r, s.segment.kp, hash);
		list = ponto_read_bytes(r, ponto_reader_left(r));
		ponto_reader_require(r, list.len <= sizeof(p->list));
		if (!r->failed && list.len > 0)
			memcpy(p->list, list.data, list.len);
		s.segment.block_hashes = ponto_bytes(p->list, list.len);
	}
	if (ponto_reader_done(r) != PONTO_OK)
		return refuse(p, PONTO_EPROTO, "a segment that cannot be read");
	fault = content_package_fault(&s);
	if (fault)
		return refuse(p, PONTO_EPROTO, fault);
	p->segment = s;
	p->segments++;
	p->next = 0;
	return PONTO_OK;
}

static int take_block(struct content_package *p, struct ponto_reader *r)
{
	struct content_package_block b = {.index = ponto_read_be16(r)};
	uint8_t crypto = ponto_read_u8(r);

	if (p->segments == 0)
		return refuse(p, PONTO_EPROTO, "a block before any segment");
	ponto_reader_require(r, crypto <= CONTENT_AES_256);
	b.crypto = (enum content_crypto)crypto;
	if (crypto != CONTENT_PLAIN)
		ponto_read_copy(r, b.iv, CONTENT_IV);
	if (!p->segment.keyed)
		ponto_read_copy(r, b.hash, PONTO_SHA256_SIZE);
	b.data = ponto_read_bytes(r, ponto_reader_left(r));
	if (ponto_reader_done(r) != PONTO_OK || !content_package_block_fits(&p->segment, &b))
		return refuse(p, PONTO_EPROTO, "a block that its segment cannot have");
	if (b.index < p->next)
		return refuse(p, PONTO_EPROTO, "blocks that are out of order");
	p->block = b;
	p->blocks++;
	p->next = b.index + 1;
	return PONTO_OK;
}

static int take_end(struct content_package *p, struct ponto_reader *r)
{
	uint64_t segments = ponto_read_be64(r), blocks = ponto_read_be64(r);

	if (ponto_reader_done(r) != PONTO_OK || segments != p->segments || blocks != p->blocks)
		return refuse(p, PONTO_EPROTO, "an end that counts other segments or blocks than there were");
	p->ended = true;
	return PONTO_OK;
}

int content_package_take(struct content_package *p, enum content_package_type type, struct ponto_bytes body)
{
	struct ponto_reader r = ponto_reader(body);

	switch (type) {
	case CONTENT_PACKAGE_SEGMENT:
		return take_segment(p, &r);
	case CONTENT_PACKAGE_BLOCK:
		return take_block(p, &r);
	default:
		return take_end(p, &r);
	}
}
