#include "engines/content/content_codec.h"

#include <string.h>

#define AES_BLOCK 16

/* ---- paths, versions, ciphers -------------------------------------------------------- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool content_is_path(const char *target)
{
	const char *path = CONTENT_PATH;

	while (*target && lower(*target) == lower(*path)) {
		target++;
		path++;
	}
	return !*target && (!*path || strcmp(path, "/") == 0);
}

int content_version_pick(const struct content_version *spoken, size_t count, struct content_version least,
			 struct content_version most, struct content_version *out)
{
	for (size_t i = count; i > 0; i--) {
		if (spoken[i - 1].major >= least.major && spoken[i - 1].major <= most.major) {
			*out = spoken[i - 1];
			return PONTO_OK;
		}
	}
	return PONTO_ENOTSUP;
}

size_t content_key_size(enum content_crypto crypto)
{
	return crypto == CONTENT_PLAIN ? 0 : 8 + 8 * (size_t)crypto;
}

size_t content_sealed_size(enum content_crypto crypto, size_t len)
{
	return crypto == CONTENT_PLAIN ? len : (len / AES_BLOCK + 1) * AES_BLOCK;
}

bool content_block_fits(enum content_algo algo, uint32_t segment_size, uint32_t index, enum content_crypto crypto,
			size_t len)
{
	size_t plain;

	if (index >= content_segment_blocks(algo, segment_size))
		return false;
	plain = content_block_size(algo, segment_size, index);
	if (crypto == CONTENT_PLAIN)
		return len == plain;
	return len % AES_BLOCK == 0 && len >= plain && len <= plain + AES_BLOCK;
}

/* ---- decoding ------------------------------------------------------------------------ */

static struct content_version read_version(struct ponto_reader *r)
{
	struct content_version v;

	v.minor = ponto_read_be16(r);
	v.major = ponto_read_be16(r);
	return v;
}

static void read_id(struct ponto_reader *r, struct content_id *id)
{
	struct ponto_bytes bytes = ponto_read_bytes(r, ponto_read_be32(r));

	ponto_reader_require(r, content_id_set(bytes, id) == PONTO_OK);
	ponto_read_align(r, 4);
}

static uint32_t read_blocks(struct ponto_reader *r, struct content_blocks *blocks, uint32_t *lowest)
{
	uint32_t count = ponto_read_be32(r), least = UINT32_MAX;
	struct ponto_reader ranges = ponto_reader(ponto_read_bytes(r, (uint64_t)count * 8));

	while (ponto_reader_left(&ranges) > 0) {
		uint32_t index = ponto_read_be32(&ranges);

		content_blocks_add(blocks, index, ponto_read_be32(&ranges));
		if (index < least)
			least = index;
	}
	if (lowest)
		*lowest = count ? least : 0;
	return count;
}

static void read_wanted(struct ponto_reader *r, bool getblks, struct content_wanted *m)
{
	read_id(r, &m->id);
	m->count = read_blocks(r, &m->blocks, &m->lowest);
	if (!getblks)
		return;
	ponto_read_skip(r, ponto_read_be32(r)); /* DataForVrfBlock */
	if (ponto_reader_left(r) < 4)
		ponto_read_skip(r, ponto_reader_left(r)); /* alignment, of which the text says nothing here */
}

static void read_blklist(struct ponto_reader *r, struct content_blklist *m)
{
	read_id(r, &m->id);
	(void)read_blocks(r, &m->blocks, NULL);
	m->next = ponto_read_be32(r);
}

static void read_blk(struct ponto_reader *r, uint32_t crypto, struct content_blk *m)
{
	struct ponto_bytes iv;

	read_id(r, &m->id);
	m->index = ponto_read_be32(r);
	m->next = ponto_read_be32(r);
	m->data = ponto_read_bytes(r, ponto_read_be32(r));
	ponto_read_align(r, 4);
	ponto_read_skip(r, ponto_read_be32(r)); /* VrfBlock */
	ponto_read_align(r, 4);
	iv = ponto_read_bytes(r, ponto_read_be32(r));
	if (crypto == CONTENT_PLAIN || m->data.len == 0)
		return;
	ponto_reader_require(r, iv.len == CONTENT_IV && m->data.len % AES_BLOCK == 0);
	if (!r->failed)
		memcpy(m->iv, iv.data, CONTENT_IV);
}

static void read_getseglist(struct ponto_reader *r, struct content_getseglist *m)
{
	const uint8_t *start;
	uint64_t from;
	struct content_id id;

	ponto_read_copy(r, m->request_id, sizeof(m->request_id));
	m->ids.count = ponto_read_be32(r);
	ponto_reader_require(r, m->ids.count > 0);
	from = r->pos;
	start = r->data + from;
	for (uint32_t i = 0; i < m->ids.count && !r->failed; i++)
		read_id(r, &id);
	m->ids.bytes = ponto_bytes(start, (size_t)(r->pos - from));
	m->blob = ponto_read_bytes(r, ponto_read_be32(r));
}

static void read_seglist(struct ponto_reader *r, struct content_seglist *m)
{
	ponto_read_copy(r, m->request_id, sizeof(m->request_id));
	m->ranges.count = ponto_read_be32(r);
	m->ranges.bytes = ponto_read_bytes(r, (uint64_t)m->ranges.count * 8);
	for (uint32_t i = 0; i < m->ranges.count && !r->failed; i++) {
		uint32_t index, count;

		content_range_at(&m->ranges, i, &index, &count);
		ponto_reader_require(r, count > 0);
	}
	m->blob = ponto_read_bytes(r, ponto_read_be32(r));
}

static void read_body(struct ponto_reader *r, struct content_message *m)
{
	switch (m->type) {
	case CONTENT_NEGO_REQ:
	case CONTENT_NEGO_RESP:
		m->nego.least = read_version(r);
		m->nego.most = read_version(r);
		break;
	case CONTENT_GETBLKLIST:
	case CONTENT_GETBLKS:
		read_wanted(r, m->type == CONTENT_GETBLKS, &m->wanted);
		break;
	case CONTENT_BLKLIST:
		read_blklist(r, &m->blklist);
		break;
	case CONTENT_BLK:
		read_blk(r, m->crypto, &m->blk);
		break;
	case CONTENT_GETSEGLIST:
		read_getseglist(r, &m->getseglist);
		break;
	default:
		read_seglist(r, &m->seglist);
		break;
	}
}

/* The major version that a message belongs to: from it on it exists. */
static uint16_t major_of(uint8_t type)
{
	return type >= CONTENT_GETSEGLIST ? 2 : 1;
}

/* The header of a message that is as long as it says. */
static void read_header(struct ponto_reader *r, struct content_message *m)
{
	uint32_t type;

	m->version = read_version(r);
	type = ponto_read_be32(r);
	ponto_reader_require(r, type <= CONTENT_SEGLIST && ponto_read_be32(r) == r->end);
	m->type = (uint8_t)type;
	m->crypto = ponto_read_be32(r);
}

int content_request_decode(struct ponto_bytes body, uint16_t least, uint16_t most, struct content_message *out)
{
	struct ponto_reader r = ponto_reader(body);
	struct content_message m;
	int result;

	memset(&m, 0, sizeof(m));
	read_header(&r, &m);
	if (r.failed || body.len > CONTENT_REQUEST_MAX || !content_is_request(m.type))
		return PONTO_EPROTO;
	if (m.version.major < least || m.version.major > most) {
		*out = m;
		return PONTO_ENOTSUP;
	}
	ponto_reader_require(&r, m.version.major >= major_of(m.type));
	read_body(&r, &m);
	result = ponto_reader_done(&r);
	if (result == PONTO_OK)
		*out = m;
	return result;
}

int content_response_decode(struct ponto_bytes body, struct content_message *out)
{
	struct ponto_reader whole = ponto_reader(body), r;
	struct content_message m;
	uint32_t size;

	memset(&m, 0, sizeof(m));
	size = ponto_read_be32(&whole);
	r = ponto_read_nested(&whole, size);
	read_header(&r, &m);
	ponto_reader_require(&r, size <= CONTENT_RESPONSE_MAX && !content_is_request(m.type) &&
					 m.crypto <= CONTENT_AES_256 && m.version.major >= major_of(m.type));
	if (!r.failed)
		read_body(&r, &m);
	ponto_reader_close(&whole, &r);
	if (ponto_reader_done(&whole) != PONTO_OK)
		return PONTO_EPROTO;
	*out = m;
	return PONTO_OK;
}

/* ---- encoding ------------------------------------------------------------------------ */

static void write_version(struct ponto_writer *w, struct content_version v)
{
	ponto_write_be16(w, v.minor);
	ponto_write_be16(w, v.major);
}

/* size: of the message, 0 if it is to be put in later. */
static void write_header(struct ponto_writer *w, uint8_t type, struct content_version v, uint32_t crypto, uint32_t size)
{
	if (v.major == 0)
		v = (struct content_version){major_of(type), 0};
	if (!content_is_request(type))
		ponto_write_be32(w, size);
	write_version(w, v);
	ponto_write_be32(w, type);
	ponto_write_be32(w, size);
	ponto_write_be32(w, crypto);
}

static void write_id(struct ponto_writer *w, const struct content_id *id)
{
	ponto_write_be32(w, id->len);
	ponto_write_copy(w, id->b, id->len);
	ponto_write_align(w, 4);
}

static void write_blocks(struct ponto_writer *w, const struct content_blocks *blocks)
{
	uint64_t at = w->pos;
	uint32_t ranges = 0, index, count = 0;

	ponto_write_be32(w, 0);
	for (uint32_t from = 0; content_blocks_run(blocks, from, &index, &count); from = index + count) {
		ponto_write_be32(w, index);
		ponto_write_be32(w, count);
		ranges++;
	}
	ponto_patch_be32(w, at, ranges);
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static size_t iv_size(enum content_crypto crypto, size_t len)
{
	return crypto == CONTENT_PLAIN || len == 0 ? 0 : CONTENT_IV;
}

size_t content_blk_size(const struct content_id *id, enum content_crypto crypto, size_t len)
{
	return CONTENT_LENGTH_PREFIX + CONTENT_HEADER + 4 + padded(id->len) + 12 + padded(len) + 8 +
	       iv_size(crypto, len);
}

uint8_t *content_blk_open(struct ponto_writer *w, const struct content_blk *blk, enum content_crypto crypto, size_t len)
{
	size_t size = content_blk_size(&blk->id, crypto, len) - CONTENT_LENGTH_PREFIX;

	if (size > CONTENT_RESPONSE_MAX)
		w->failed = true;
	write_header(w, CONTENT_BLK, (struct content_version){0, 0}, crypto, (uint32_t)size);
	write_id(w, &blk->id);
	ponto_write_be32(w, blk->index);
	ponto_write_be32(w, blk->next);
	ponto_write_be32(w, (uint32_t)len);
	return ponto_write_give(w, len);
}

void content_blk_close(struct ponto_writer *w, enum content_crypto crypto, size_t len, const uint8_t iv[CONTENT_IV])
{
	ponto_write_zeros(w, padded(len) - len);
	ponto_write_be32(w, 0); /* VrfBlock */
	ponto_write_be32(w, (uint32_t)iv_size(crypto, len));
	ponto_write_copy(w, iv, iv_size(crypto, len));
}

static void write_blk(struct ponto_writer *w, const struct content_blk *m, enum content_crypto crypto)
{
	uint8_t *room = content_blk_open(w, m, crypto, m->data.len);

	if (room && m->data.len)
		memcpy(room, m->data.data, m->data.len);
	content_blk_close(w, crypto, m->data.len, m->iv);
}

static void write_body(struct ponto_writer *w, const struct content_message *m)
{
	switch (m->type) {
	case CONTENT_NEGO_REQ:
	case CONTENT_NEGO_RESP:
		write_version(w, m->nego.least);
		write_version(w, m->nego.most);
		break;
	case CONTENT_GETBLKLIST:
	case CONTENT_GETBLKS:
		write_id(w, &m->wanted.id);
		write_blocks(w, &m->wanted.blocks);
		if (m->type == CONTENT_GETBLKS)
			ponto_write_be32(w, 0); /* DataForVrfBlock */
		break;
	case CONTENT_BLKLIST:
		write_id(w, &m->blklist.id);
		write_blocks(w, &m->blklist.blocks);
		ponto_write_be32(w, m->blklist.next);
		break;
	case CONTENT_GETSEGLIST:
		ponto_write_copy(w, m->getseglist.request_id, CONTENT_REQUEST_ID);
		ponto_write_be32(w, m->getseglist.ids.count);
		ponto_write_bytes(w, m->getseglist.ids.bytes);
		ponto_write_be32(w, (uint32_t)m->getseglist.blob.len);
		ponto_write_bytes(w, m->getseglist.blob);
		break;
	default:
		ponto_write_copy(w, m->seglist.request_id, CONTENT_REQUEST_ID);
		ponto_write_be32(w, m->seglist.ranges.count);
		ponto_write_bytes(w, m->seglist.ranges.bytes);
		ponto_write_be32(w, (uint32_t)m->seglist.blob.len);
		ponto_write_bytes(w, m->seglist.blob);
		break;
	}
}

static bool good_id(const struct content_id *id)
{
	return id->len > 0 && id->len <= CONTENT_ID_MAX;
}

static bool encodable(const struct content_message *m)
{
	uint32_t blocks;

	switch (m->type) {
	case CONTENT_NEGO_REQ:
	case CONTENT_NEGO_RESP:
		return m->nego.least.major <= m->nego.most.major;
	case CONTENT_GETBLKLIST:
	case CONTENT_GETBLKS:
		blocks = content_blocks_count(&m->wanted.blocks);
		return good_id(&m->wanted.id) && (m->type == CONTENT_GETBLKS ? blocks == 1 : blocks > 0);
	case CONTENT_BLKLIST:
		return good_id(&m->blklist.id);
	case CONTENT_BLK:
		return good_id(&m->blk.id) && (m->crypto == CONTENT_PLAIN || m->blk.data.len % AES_BLOCK == 0);
	case CONTENT_GETSEGLIST:
		return m->getseglist.ids.count > 0;
	default:
		return m->type == CONTENT_SEGLIST && m->seglist.ranges.bytes.len == 8 * (size_t)m->seglist.ranges.count;
	}
}

int content_encode(const struct content_message *message, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);
	bool request = content_is_request(message->type);
	uint64_t prefix = request ? 0 : CONTENT_LENGTH_PREFIX;

	if (!encodable(message) || message->crypto > CONTENT_AES_256)
		return PONTO_EINVAL;
	if (message->type == CONTENT_BLK) {
		write_blk(&w, &message->blk, message->crypto);
		return ponto_writer_done(&w, len);
	}
	write_header(&w, message->type, message->version, message->crypto, 0);
	write_body(&w, message);
	if (w.failed || w.pos - prefix > (request ? CONTENT_REQUEST_MAX : CONTENT_RESPONSE_MAX))
		return PONTO_ELIMIT;
	ponto_patch_be32(&w, prefix + 8, w.pos - prefix);
	if (prefix)
		ponto_patch_be32(&w, 0, w.pos - prefix);
	return ponto_writer_done(&w, len);
}

/* ---- lists -------------------------------------------------------------------------- */

int content_ids_append(const struct content_id *id, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	w.pos = *len;
	write_id(&w, id);
	return ponto_writer_done(&w, len);
}

bool content_ids_next(struct ponto_reader *r, struct content_id *out)
{
	if (ponto_reader_left(r) == 0)
		return false;
	read_id(r, out);
	return !r->failed;
}

struct content_ranges content_ranges_of(const uint8_t *held, uint32_t count, uint8_t *buf)
{
	struct ponto_writer w = ponto_writer(buf, 8 * (size_t)((count + 1) / 2));
	struct content_ranges ranges = {ponto_bytes(buf, 0), 0};

	for (uint32_t i = 0, end; i < count; i = end + 1) {
		for (end = i; end < count && held[end]; end++)
			;
		if (end == i)
			continue;
		ponto_write_be32(&w, i);
		ponto_write_be32(&w, end - i);
		ranges.count++;
	}
	ranges.bytes.len = (size_t)w.pos;
	return ranges;
}

void content_range_at(const struct content_ranges *ranges, uint32_t i, uint32_t *index, uint32_t *count)
{
	struct ponto_reader r = ponto_reader(ranges->bytes);

	ponto_read_skip(&r, (uint64_t)i * 8);
	*index = ponto_read_be32(&r);
	*count = ponto_read_be32(&r);
}

bool content_ranges_fit(const struct content_ranges *ranges, uint32_t count)
{
	for (uint32_t i = 0; i < ranges->count; i++) {
		uint32_t first, number;

		content_range_at(ranges, i, &first, &number);
		if (first >= count || number > count - first)
			return false;
	}
	return true;
}
