#include "plugins/service-dist/dist_api_set.h"

#include <string.h>
#include <openssl/evp.h>

#include "plugins/service-dist/dist_digest.h"

#define ALGOS 2

/* What is needed while it grows. */
struct growing {
	EVP_MD_CTX *ctx;
	uint32_t piece; /* bytes of the piece that has begun */
	struct content_cut cut;
	struct content_maker maker;
};

struct buffer {
	uint8_t *data;
	size_t len, room;
};

struct hashes {
	enum content_algo algo; /* 0: none */
	uint64_t segments;
	struct buffer hods, sizes, blocks; /* sizes of version 2.0, blocks of 1.0 */
	uint32_t last;			   /* bytes of the last segment of version 1.0 */
	struct growing *growing;
};

struct dist_api_set {
	const struct ponto_alloc *alloc;
	unsigned refs;
	uint64_t length;
	struct hashes of[ALGOS];
};

/* ---- life ------------------------------------------------------------------------------------ */

static void stop_growing(struct dist_api_set *set, struct hashes *h)
{
	if (h->growing)
		EVP_MD_CTX_free(h->growing->ctx);
	ponto_free(set->alloc, h->growing);
	h->growing = NULL;
}

static int start_growing(struct dist_api_set *set, struct hashes *h)
{
	struct growing *g = ponto_new(set->alloc, 1, sizeof(*g));

	if (!g)
		return PONTO_ENOMEM;
	h->growing = g;
	content_cut_init(&g->cut, h->algo);
	content_maker_init(&g->maker, h->algo);
	g->ctx = EVP_MD_CTX_new();
	return g->ctx && EVP_DigestInit_ex2(g->ctx, dist_digest_md(h->algo), NULL) == 1 ? PONTO_OK : PONTO_ENOMEM;
}

int dist_api_set_create(const struct ponto_alloc *alloc, const enum content_algo *algos, struct dist_api_set **out)
{
	struct dist_api_set *set = ponto_new(alloc, 1, sizeof(*set));
	int result = PONTO_OK;

	if (!set)
		return PONTO_ENOMEM;
	set->alloc = alloc;
	set->refs = 1;
	for (unsigned i = 0; i < ALGOS && algos[i] && result == PONTO_OK; i++) {
		set->of[i].algo = algos[i];
		result = start_growing(set, &set->of[i]);
	}
	if (result != PONTO_OK)
		dist_api_set_unref(set);
	else
		*out = set;
	return result;
}

struct dist_api_set *dist_api_set_ref(struct dist_api_set *set)
{
	set->refs++;
	return set;
}

void dist_api_set_unref(struct dist_api_set *set)
{
	if (!set || --set->refs > 0)
		return;
	for (unsigned i = 0; i < ALGOS; i++) {
		stop_growing(set, &set->of[i]);
		ponto_free(set->alloc, set->of[i].hods.data);
		ponto_free(set->alloc, set->of[i].sizes.data);
		ponto_free(set->alloc, set->of[i].blocks.data);
	}
	ponto_free(set->alloc, set);
}

/* ---- growing ----------------------------------------------------------------------------------- */

static int append(struct dist_api_set *set, struct buffer *b, const void *data, size_t len)
{
	if (len > b->room - b->len) {
		size_t room = b->room + b->room / 2 + len + 64;
		uint8_t *grown = ponto_resize(set->alloc, b->data, room, 1);

		if (!grown)
			return PONTO_ENOMEM;
		b->data = grown;
		b->room = room;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return PONTO_OK;
}

static int keep_segment(struct dist_api_set *set, struct hashes *h, const struct content_segment *segment)
{
	int result = append(set, &h->hods, segment->hod, content_hash_size(h->algo));

	if (result == PONTO_OK && content_is_v2(h->algo))
		result = append(set, &h->sizes, &segment->size, sizeof(segment->size));
	if (result == PONTO_OK && !content_is_v2(h->algo))
		result = append(set, &h->blocks, segment->block_hashes.data, segment->block_hashes.len);
	h->last = segment->size;
	h->segments++;
	return result;
}

static int end_piece(struct dist_api_set *set, struct hashes *h)
{
	struct growing *g = h->growing;
	struct content_segment segment;
	uint8_t hash[EVP_MAX_MD_SIZE];
	int result;

	if (EVP_DigestFinal_ex(g->ctx, hash, NULL) != 1 || EVP_DigestInit_ex2(g->ctx, NULL, NULL) != 1)
		return PONTO_ENOMEM;
	result = content_maker_piece(&g->maker, g->piece, hash, &segment);
	g->piece = 0;
	return result == 1 ? keep_segment(set, h, &segment) : result;
}

static int add(struct dist_api_set *set, struct hashes *h, struct ponto_bytes data)
{
	struct growing *g = h->growing;
	int result = PONTO_OK;

	while (data.len > 0 && result == PONTO_OK) {
		size_t used;
		bool end = content_cut_next(&g->cut, data, &used);

		if (EVP_DigestUpdate(g->ctx, data.data, used) != 1)
			return PONTO_ENOMEM;
		g->piece += (uint32_t)used;
		data = ponto_bytes(data.data + used, data.len - used);
		if (end)
			result = end_piece(set, h);
	}
	return result;
}

int dist_api_set_add(struct dist_api_set *set, struct ponto_bytes data)
{
	int result = PONTO_OK;

	for (unsigned i = 0; i < ALGOS && set->of[i].algo && result == PONTO_OK; i++)
		result = add(set, &set->of[i], data);
	if (result == PONTO_OK)
		set->length += data.len;
	return result;
}

int dist_api_set_end(struct dist_api_set *set)
{
	for (unsigned i = 0; i < ALGOS && set->of[i].algo; i++) {
		struct hashes *h = &set->of[i];
		struct content_segment segment;
		int result = h->growing->piece > 0 ? end_piece(set, h) : PONTO_OK;

		if (result == PONTO_OK && content_maker_end(&h->growing->maker, &segment) == 1)
			result = keep_segment(set, h, &segment);
		if (result != PONTO_OK)
			return result;
		stop_growing(set, h);
	}
	return PONTO_OK;
}

/* ---- what there is ------------------------------------------------------------------------------- */

uint64_t dist_api_set_length(const struct dist_api_set *set)
{
	return set->length;
}

size_t dist_api_set_bytes(const struct dist_api_set *set)
{
	size_t bytes = sizeof(*set);

	for (unsigned i = 0; i < ALGOS; i++)
		bytes += set->of[i].hods.room + set->of[i].sizes.room + set->of[i].blocks.room;
	return bytes;
}

static const struct hashes *hashes_of(const struct dist_api_set *set, enum content_algo algo)
{
	for (unsigned i = 0; i < ALGOS; i++) {
		if (set->of[i].algo == algo)
			return &set->of[i];
	}
	return NULL;
}

bool dist_api_set_has(const struct dist_api_set *set, enum content_algo algo)
{
	return hashes_of(set, algo) != NULL;
}

bool dist_api_set_segment(const struct dist_api_set *set, enum content_algo algo, uint64_t i, uint64_t offset,
			  struct content_segment *out)
{
	const struct hashes *h = hashes_of(set, algo);
	size_t size = content_hash_size(algo);

	if (!h || i >= h->segments)
		return false;
	memset(out, 0, sizeof(*out));
	out->index = i;
	out->offset = offset;
	memcpy(out->hod, h->hods.data + i * size, size);
	if (content_is_v2(algo)) {
		memcpy(&out->size, h->sizes.data + i * sizeof(out->size), sizeof(out->size));
		return true;
	}
	out->size = i + 1 == h->segments ? h->last : CONTENT_SEGMENT_V1;
	out->block_hashes = ponto_bytes(h->blocks.data + i * CONTENT_SEGMENT_BLOCKS * size,
					content_segment_blocks(algo, out->size) * size);
	return true;
}

struct walk {
	const struct dist_api_set *set;
	enum content_algo algo;
};

static int each(void *arg, dist_segment_fn *fn, void *fn_arg)
{
	const struct walk *walk = arg;
	struct content_segment segment;
	uint64_t offset = 0;
	int result = PONTO_OK;

	for (uint64_t i = 0; result == PONTO_OK && dist_api_set_segment(walk->set, walk->algo, i, offset, &segment);
	     i++) {
		result = fn(fn_arg, &segment);
		offset += segment.size;
	}
	return result;
}

int dist_api_set_layout(const struct dist_api_set *set, enum content_algo algo, uint64_t start, uint64_t length,
			struct content_layout *out)
{
	struct walk walk = {set, algo};
	const struct dist_segments segments = {each, &walk};

	return dist_info_layout(&segments, algo, set->length, start, length, out);
}
