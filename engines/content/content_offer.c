#include "engines/content/content_offer.h"

#include <string.h>

#define WIRE_SHA256 0x01
#define WIRE_TRUNCATED 0x04
#define DESCRIPTOR_ID 32
#define TAG_LENGTH 8 /* where it lies in a descriptor */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_path(const char *target, const char *path)
{
	while (*target && lower(*target) == lower(*path)) {
		target++;
		path++;
	}
	return !*path && (!*target || strcmp(target, "/") == 0);
}

unsigned content_offer_path(const char *target)
{
	return is_path(target, CONTENT_OFFER_PATH_V1) ? 1 : is_path(target, CONTENT_OFFER_PATH_V2) ? 2 : 0;
}

/* ---- requests, read ------------------------------------------------------------------ */

/* All of it but the last: 2.2.1.1, 2.2.1.2. Padding may be anything. */
static void read_head(struct ponto_reader *r, unsigned version, struct content_offer *out)
{
	uint8_t minor = ponto_read_u8(r), major = ponto_read_u8(r);
	uint16_t type = ponto_read_be16(r);

	ponto_reader_require(r, minor == 0 && major == version);
	ponto_reader_require(r, version == 1 ? type == CONTENT_INITIAL_OFFER || type == CONTENT_SEGMENT_INFO
					     : type == CONTENT_BATCHED_OFFER);
	ponto_read_skip(r, 4);
	out->type = (uint8_t)type;
	out->port = ponto_read_be16(r);
	ponto_read_skip(r, 6);
	ponto_reader_require(r, out->port != 0);
}

static void read_initial(struct ponto_reader *r, struct content_offer *out)
{
	struct ponto_bytes hash = ponto_read_bytes(r, ponto_reader_left(r));

	ponto_reader_require(r, hash.len == 32 || hash.len == 48 || hash.len == 64);
	if (!r->failed)
		ponto_reader_require(r, content_id_set(hash, &out->id) == PONTO_OK);
}

/* A description that is no good is no fault of the message (it is answered all the same). */
static void read_segment(struct ponto_reader *r, struct content_offer *out)
{
	struct ponto_bytes info;

	ponto_read_copy(r, out->tag, CONTENT_TAG);
	info = ponto_read_bytes(r, ponto_reader_left(r));
	ponto_reader_require(r, info.len > 0);
	if (r->failed || content_info_segment(info, &out->algo, &out->segment) != PONTO_OK)
		return;
	out->described = true;
	content_segment_id(out->algo, out->segment.kp, out->segment.hod, &out->id);
}

/* Of a descriptor nothing can be wrong but the length of its tag. */
static void read_batch(struct ponto_reader *r, struct content_offer *out)
{
	struct ponto_reader each;

	out->descriptors = ponto_read_bytes(r, ponto_reader_left(r));
	ponto_reader_require(r, out->descriptors.len % CONTENT_DESCRIPTOR == 0 && out->descriptors.len > 0 &&
					out->descriptors.len <= CONTENT_DESCRIPTORS * CONTENT_DESCRIPTOR);
	if (r->failed)
		return;
	out->count = (uint32_t)(out->descriptors.len / CONTENT_DESCRIPTOR);
	each = ponto_reader(out->descriptors);
	while (!each.failed && ponto_reader_left(&each) > 0) {
		ponto_read_skip(&each, TAG_LENGTH);
		ponto_reader_require(&each, ponto_read_be16(&each) == CONTENT_TAG);
		ponto_read_skip(&each, CONTENT_DESCRIPTOR - TAG_LENGTH - 2);
	}
	ponto_reader_require(r, !each.failed);
}

int content_offer_decode(struct ponto_bytes body, unsigned version, struct content_offer *out)
{
	struct ponto_reader r = ponto_reader(body);
	struct content_offer offer;

	memset(&offer, 0, sizeof(offer));
	read_head(&r, version, &offer);
	if (r.failed)
		return PONTO_EPROTO;
	if (offer.type == CONTENT_INITIAL_OFFER)
		read_initial(&r, &offer);
	else if (offer.type == CONTENT_SEGMENT_INFO)
		read_segment(&r, &offer);
	else
		read_batch(&r, &offer);
	if (ponto_reader_done(&r) != PONTO_OK)
		return PONTO_EPROTO;
	*out = offer;
	return PONTO_OK;
}

void content_offer_descriptor(const struct content_offer *offer, uint32_t i, struct content_descriptor *out)
{
	struct ponto_reader r = ponto_reader(offer->descriptors);

	ponto_read_skip(&r, (uint64_t)i * CONTENT_DESCRIPTOR);
	out->block_size = ponto_read_be32(&r);
	out->segment_size = ponto_read_be32(&r);
	ponto_read_skip(&r, 2);
	ponto_read_copy(&r, out->tag, CONTENT_TAG);
	out->algo = ponto_read_u8(&r);
	memset(&out->id, 0, sizeof(out->id));
	out->id.len = DESCRIPTOR_ID; /* of both functions, and of what nobody knows */
	ponto_read_copy(&r, out->id.b, DESCRIPTOR_ID);
}

bool content_descriptor_sound(const struct content_descriptor *d, enum content_algo *algo)
{
	if (d->algo == WIRE_TRUNCATED) {
		*algo = CONTENT_TRUNCATED;
		return d->segment_size > 0 && d->segment_size <= CONTENT_SEGMENT_V2_MAX &&
		       d->block_size == d->segment_size;
	}
	*algo = CONTENT_SHA256;
	return d->algo == WIRE_SHA256 && d->segment_size > 0 && d->segment_size <= CONTENT_SEGMENT_V1 &&
	       d->block_size == CONTENT_BLOCK;
}

int content_descriptor_of(enum content_algo algo, uint32_t segment_size, const struct content_id *id,
			  const uint8_t tag[CONTENT_TAG], struct content_descriptor *out)
{
	struct content_descriptor d = {.segment_size = segment_size, .id = *id};
	enum content_algo checked;

	if (algo != CONTENT_SHA256 && algo != CONTENT_TRUNCATED)
		return PONTO_ENOTSUP;
	d.block_size = content_is_v2(algo) ? segment_size : CONTENT_BLOCK;
	d.algo = content_is_v2(algo) ? WIRE_TRUNCATED : WIRE_SHA256;
	memcpy(d.tag, tag, CONTENT_TAG);
	if (id->len != DESCRIPTOR_ID || !content_descriptor_sound(&d, &checked))
		return PONTO_ENOTSUP;
	*out = d;
	return PONTO_OK;
}

/* ---- requests, written --------------------------------------------------------------- */

static void write_head(struct ponto_writer *w, enum content_offer_type type, uint16_t port)
{
	ponto_write_u8(w, 0);
	ponto_write_u8(w, type == CONTENT_BATCHED_OFFER ? 2 : 1);
	ponto_write_be16(w, (uint16_t)type);
	ponto_write_be32(w, 0);
	ponto_write_be16(w, port);
	ponto_write_be16(w, 0);
	ponto_write_be32(w, 0);
}

static int written(struct ponto_writer *w, size_t *len)
{
	return ponto_writer_done(w, len) == PONTO_OK ? PONTO_OK : PONTO_ELIMIT;
}

int content_offer_initial(uint16_t port, const struct content_id *id, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (port == 0 || (id->len != 32 && id->len != 48 && id->len != 64))
		return PONTO_EINVAL;
	write_head(&w, CONTENT_INITIAL_OFFER, port);
	ponto_write_copy(&w, id->b, id->len);
	return written(&w, len);
}

/* Its Content Information is that of a range in which this is the only segment (2.2.1.4). */
int content_offer_segment(uint16_t port, const uint8_t tag[CONTENT_TAG], enum content_algo algo,
			  const struct content_segment *segment, uint32_t offset, uint8_t *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);
	struct content_layout layout = {
		.algo = algo,
		.segments = 1,
		.offset_in_first = offset,
		.read_in_last = segment->size,
	};
	size_t hash = content_hash_size(algo);

	if (port == 0 || content_is_v2(algo) || segment->block_hashes.len == 0 || segment->block_hashes.len % hash ||
	    segment->size == 0 || segment->size > CONTENT_SEGMENT_V1 ||
	    segment->block_hashes.len / hash > content_segment_blocks(algo, segment->size))
		return PONTO_EINVAL;
	layout.last_blocks = (uint32_t)(segment->block_hashes.len / hash);
	write_head(&w, CONTENT_SEGMENT_INFO, port);
	ponto_write_copy(&w, tag, CONTENT_TAG);
	content_info_write_head(&layout, &w);
	content_info_write_segment(&layout, 0, segment, &w);
	content_info_write_blocks(&layout, 0, segment, &w);
	return written(&w, len);
}

int content_offer_batch(uint16_t port, const struct content_descriptor *descriptors, size_t count, uint8_t *buf,
			size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (port == 0 || count == 0 || count > CONTENT_DESCRIPTORS)
		return PONTO_EINVAL;
	write_head(&w, CONTENT_BATCHED_OFFER, port);
	for (size_t i = 0; i < count; i++) {
		const struct content_descriptor *d = &descriptors[i];

		if (d->id.len != DESCRIPTOR_ID)
			return PONTO_EINVAL;
		ponto_write_be32(&w, d->block_size);
		ponto_write_be32(&w, d->segment_size);
		ponto_write_be16(&w, CONTENT_TAG);
		ponto_write_copy(&w, d->tag, CONTENT_TAG);
		ponto_write_u8(&w, d->algo);
		ponto_write_copy(&w, d->id.b, DESCRIPTOR_ID);
	}
	return written(&w, len);
}

/* ---- answers ------------------------------------------------------------------------- */

void content_offer_answer(enum content_offer_code code, uint8_t out[CONTENT_OFFER_ANSWER])
{
	struct ponto_writer w = ponto_writer(out, CONTENT_OFFER_ANSWER);

	ponto_write_be32(&w, 1);
	ponto_write_u8(&w, (uint8_t)code);
}

int content_offer_answer_decode(struct ponto_bytes body, enum content_offer_code *out)
{
	struct ponto_reader r = ponto_reader(body);
	uint8_t code;

	ponto_reader_require(&r, ponto_read_be32(&r) == 1);
	code = ponto_read_u8(&r);
	ponto_reader_require(&r, code == CONTENT_OFFER_OK || code == CONTENT_OFFER_INTERESTED);
	if (ponto_reader_done(&r) != PONTO_OK)
		return PONTO_EPROTO;
	*out = (enum content_offer_code)code;
	return PONTO_OK;
}
