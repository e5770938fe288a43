#include "plugins/service-dist/dist_shelf.h"

#include <string.h>

#include "plugins/service-dist/dist_digest.h"

#define CALL_TIME (10 * PONTO_SECOND) /* that one call of the store may take */
#define TRIES 8			      /* of a change that others get in the way of */
#define SWEEP 256		      /* keys removed in one go when it is not known which there are */
#define STEPS_MAX (CONTENT_BLOCKS_MAX + DIST_PIECES_MAX + 4)

static uint64_t soon(const struct dist_shelf *shelf)
{
	return ponto_mono(shelf->clock) + CALL_TIME;
}

static struct ponto_bytes key_meta(void)
{
	return ponto_bytes(DIST_KEY_META, 1);
}

static struct ponto_bytes key_list(void)
{
	return ponto_bytes(DIST_KEY_LIST, 1);
}

/* ---- removing ---------------------------------------------------------------------------- */

/* Every key that a segment can have: one that is put at the same time goes too, or comes after with its own "m". */
int dist_shelf_remove(const struct dist_shelf *shelf, const struct content_id *id, uint32_t blocks)
{
	struct ponto_store_step steps[CONTENT_BLOCKS_MAX + 2];
	uint8_t group[DIST_GROUP_MAX], keys[CONTENT_BLOCKS_MAX][DIST_KEY_BLOCK];

	memset(steps, 0, sizeof(steps));
	for (uint32_t i = 0; i < blocks; i++) {
		dist_block_key(i, keys[i]);
		steps[i].kind = PONTO_STEP_DELETE;
		steps[i].key = ponto_bytes(keys[i], DIST_KEY_BLOCK);
	}
	steps[blocks] = (struct ponto_store_step){.kind = PONTO_STEP_DELETE, .key = key_meta()};
	steps[blocks + 1] = (struct ponto_store_step){.kind = PONTO_STEP_DELETE, .key = key_list()};
	return ponto_store_batch(shelf->store, ponto_bytes(group, dist_group(id, group)), steps, blocks + 2, 0,
				 soon(shelf));
}

struct sweep {
	struct ponto_store_step steps[SWEEP + 1];
	uint8_t keys[SWEEP][PONTO_STORE_KEY_MAX];
	size_t count;
};

static bool sweep_one(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct sweep *sweep = arg;

	(void)value;
	(void)expires;
	memcpy(sweep->keys[sweep->count], key.data, key.len);
	sweep->steps[sweep->count].kind = PONTO_STEP_DELETE;
	sweep->steps[sweep->count].key = ponto_bytes(sweep->keys[sweep->count], key.len);
	return ++sweep->count < SWEEP;
}

/* What lies in a group without "m", unless somebody writes one meanwhile. */
static int remove_orphans(const struct dist_shelf *shelf, struct ponto_bytes group)
{
	const struct ponto_bytes none = {NULL, 0};
	struct sweep *sweep = ponto_new(shelf->alloc, 1, sizeof(*sweep));
	int result = sweep ? PONTO_OK : PONTO_ENOMEM;

	while (result == PONTO_OK) {
		sweep->count = 0;
		result = ponto_store_iterate(shelf->store, group, none, none, soon(shelf), sweep_one, sweep);
		if (result != PONTO_OK || sweep->count == 0)
			break;
		sweep->steps[sweep->count] =
			(struct ponto_store_step){.kind = PONTO_STEP_REQUIRE_ABSENT, .key = key_meta()};
		result = ponto_store_batch(shelf->store, group, sweep->steps, sweep->count + 1, 0, soon(shelf));
	}
	ponto_free(shelf->alloc, sweep);
	return result == PONTO_EGUARD ? PONTO_OK : result;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* *value is NULL, or the bytes that were decoded. PONTO_ECORRUPT: by the store or by the decoder. */
static int read_meta(const struct dist_shelf *shelf, const struct content_id *id, struct ponto_bytes group,
		     uint64_t deadline, uint8_t **value, size_t *len, struct dist_meta *meta)
{
	int result;

	*value = NULL;
	result = ponto_store_get(shelf->store, group, key_meta(), deadline, shelf->alloc, value, len, NULL);
	if (result != PONTO_OK)
		return result;
	result = dist_meta_decode(id, ponto_bytes(*value, *len), meta);
	return result == PONTO_EPROTO ? PONTO_ECORRUPT : result;
}

int dist_shelf_read(const struct dist_shelf *shelf, const struct content_id *id, const struct dist_meta *meta,
		    uint32_t index, uint8_t **value, struct dist_block *block)
{
	uint8_t group[DIST_GROUP_MAX], key[DIST_KEY_BLOCK], hash[CONTENT_HASH_MAX], *bytes;
	struct dist_block found;
	size_t len;
	int result;

	dist_block_key(index, key);
	result = ponto_store_get(shelf->store, ponto_bytes(group, dist_group(id, group)), ponto_bytes(key, sizeof(key)),
				 soon(shelf), shelf->alloc, &bytes, &len, NULL);
	if (result != PONTO_OK)
		return result;
	result = dist_block_decode(meta, index, ponto_bytes(bytes, len), &found);
	if (result == PONTO_OK)
		dist_digest(found.by, found.data, hash);
	if (result != PONTO_OK || memcmp(hash, found.hash, content_hash_size(found.by)) != 0) {
		ponto_free(shelf->alloc, bytes);
		return PONTO_ECORRUPT;
	}
	*block = found;
	*value = bytes;
	return PONTO_OK;
}

int dist_shelf_known(const struct dist_shelf *shelf, const struct content_id *id, uint64_t deadline,
		     struct dist_meta *out)
{
	uint8_t group[DIST_GROUP_MAX], *value;
	size_t len;
	int result = read_meta(shelf, id, ponto_bytes(group, dist_group(id, group)), deadline, &value, &len, out);

	ponto_free(shelf->alloc, value);
	return result;
}

int dist_shelf_hashes(const struct dist_shelf *shelf, const struct content_id *id, enum content_algo algo,
		      uint8_t **value, struct ponto_bytes *hashes)
{
	uint8_t group[DIST_GROUP_MAX], *bytes;
	size_t len;
	int result = ponto_store_get(shelf->store, ponto_bytes(group, dist_group(id, group)), key_list(), soon(shelf),
				     shelf->alloc, &bytes, &len, NULL);

	if (result != PONTO_OK)
		return result;
	result = dist_list_decode(id, algo, ponto_bytes(bytes, len), hashes);
	if (result != PONTO_OK) {
		ponto_free(shelf->alloc, bytes);
		return PONTO_ECORRUPT;
	}
	*value = bytes;
	return PONTO_OK;
}

/* ---- changing --------------------------------------------------------------------------------- */

/* One attempt. */
struct attempt {
	const struct dist_shelf *shelf;
	const struct content_id *id;
	const struct dist_change *change;
	struct ponto_bytes group;
	uint8_t group_bytes[DIST_GROUP_MAX];
	uint8_t *old; /* "m" as it was, NULL: absent */
	size_t old_len;
	struct dist_meta meta; /* as it becomes */
	uint32_t damaged;
	bool changed;
	uint8_t *blocks; /* values of the pieces */
	struct ponto_store_step steps[STEPS_MAX];
	size_t count;
	uint8_t keys[STEPS_MAX][DIST_KEY_BLOCK];
	uint8_t new_meta[DIST_META_MAX];
	uint8_t list[DIST_LIST_MAX];
};

static void step(struct attempt *a, enum ponto_store_step_kind kind, struct ponto_bytes key, struct ponto_bytes value)
{
	a->steps[a->count++] = (struct ponto_store_step){.kind = kind, .key = key, .value = value};
}

static void step_block(struct attempt *a, enum ponto_store_step_kind kind, uint32_t index, struct ponto_bytes value)
{
	uint8_t *key = a->keys[a->count];

	dist_block_key(index, key);
	step(a, kind, ponto_bytes(key, DIST_KEY_BLOCK), value);
	a->changed = true;
}

/* All blocks go: what comes instead has the index of some of them. */
static void clear_blocks(struct attempt *a)
{
	for (uint32_t i = content_blocks_next(&a->meta.blocks, 0); i < CONTENT_BLOCKS_MAX;
	     i = content_blocks_next(&a->meta.blocks, i + 1))
		step_block(a, PONTO_STEP_DELETE, i, ponto_bytes(NULL, 0));
	a->meta.blocks = (struct content_blocks){.bits = {0}};
	a->changed = true;
}

/* Keys have come: what was relayed without them, and so was never checked, makes room for what is. */
static void take_keys(struct attempt *a, const struct dist_segment *s)
{
	clear_blocks(a);
	a->meta.algo = s->algo;
	a->meta.size = s->size;
	a->meta.keyed = true;
	memcpy(a->meta.kp, s->kp, CONTENT_HASH_MAX);
	memcpy(a->meta.hod, s->hod, CONTENT_HASH_MAX);
}

/* Somebody else says that it is of another size, or made with another function. */
static void take_shape(struct attempt *a, const struct dist_segment *s)
{
	clear_blocks(a);
	a->meta.algo = s->algo;
	a->meta.size = s->size;
}

/* Whether what the store holds of the segment is what pieces belong to; a first piece begins it. */
static int adopt(struct attempt *a)
{
	const struct dist_segment *s = a->change->segment;
	size_t hash;

	if (!s)
		return PONTO_OK;
	if (!a->old) {
		a->meta = (struct dist_meta){
			.algo = s->algo,
			.size = s->size,
			.created = a->change->now,
			.used = a->change->now,
		};
		memcpy(a->meta.tag, s->tag, DIST_TAG);
	}
	if (s->keyed && !a->meta.keyed)
		take_keys(a, s);
	else if (s->replace && !a->meta.keyed && (a->meta.algo != s->algo || a->meta.size != s->size))
		take_shape(a, s);
	if (a->meta.algo != s->algo || a->meta.size != s->size)
		return PONTO_EINVAL;
	if (a->meta.keyed && !s->keyed)
		return PONTO_EEXIST;
	hash = content_hash_size(s->algo);
	return memcmp(a->meta.kp, s->kp, hash) == 0 && memcmp(a->meta.hod, s->hod, hash) == 0 ? PONTO_OK : PONTO_EINVAL;
}

/* Whether a block is what it should be: 1, or 0. Anything else than damage is for another time. */
static int block_is_right(struct attempt *a, uint32_t index)
{
	struct dist_block block;
	uint8_t *value;
	int result = dist_shelf_read(a->shelf, a->id, &a->meta, index, &value, &block);

	if (result == PONTO_OK)
		ponto_free(a->shelf->alloc, value);
	return result == PONTO_OK ? 1 : result == PONTO_ENOENT || result == PONTO_ECORRUPT ? 0 : result;
}

static int check_list(struct attempt *a)
{
	struct ponto_bytes hashes;
	uint8_t *value;
	int result;

	if (a->meta.hashes == 0)
		return PONTO_OK;
	result = dist_shelf_hashes(a->shelf, a->id, a->meta.algo, &value, &hashes);
	if (result == PONTO_OK) {
		bool right = hashes.len == a->meta.hashes * content_hash_size(a->meta.algo);

		ponto_free(a->shelf->alloc, value);
		if (right)
			return PONTO_OK;
	} else if (result != PONTO_ENOENT && result != PONTO_ECORRUPT) {
		return result;
	}
	a->damaged++;
	a->changed = true;
	a->meta.hashes = 0;
	step(a, PONTO_STEP_DELETE, key_list(), ponto_bytes(NULL, 0));
	return PONTO_OK;
}

static int check_blocks(struct attempt *a)
{
	const struct dist_change *c = a->change;
	uint32_t i = content_blocks_next(&c->check, 0);
	int right;

	if (!a->old || i == CONTENT_BLOCKS_MAX)
		return PONTO_OK;
	for (; i < CONTENT_BLOCKS_MAX; i = content_blocks_next(&c->check, i + 1)) {
		if (c->stop && *c->stop)
			return PONTO_ECLOSED;
		if (!content_blocks_has(&a->meta.blocks, i))
			continue;
		right = block_is_right(a, i);
		if (right < 0)
			return right;
		if (right)
			continue;
		a->damaged++;
		content_blocks_remove(&a->meta.blocks, i);
		step_block(a, PONTO_STEP_DELETE, i, ponto_bytes(NULL, 0));
	}
	return c->check_list ? check_list(a) : PONTO_OK;
}

/* A block of a segment with keys has the hash it was accepted by; of others all that can be told later is that they are
 * still the same. */
static void add_piece(struct attempt *a, const struct dist_piece *piece, struct ponto_writer *w)
{
	struct dist_block block = {.crypto = piece->crypto, .by = CONTENT_SHA256, .data = piece->data};
	uint64_t start = w->pos;

	memcpy(block.iv, piece->iv, CONTENT_IV);
	if (a->meta.keyed) {
		block.by = a->meta.algo;
		memcpy(block.hash, piece->hash, CONTENT_HASH_MAX);
	} else {
		dist_digest(block.by, piece->data, block.hash);
	}
	dist_block_encode(&block, w);
	content_blocks_add(&a->meta.blocks, piece->index, 1);
	step_block(a, PONTO_STEP_PUT, piece->index, ponto_bytes(w->data + start, (size_t)(w->pos - start)));
}

static int add_pieces(struct attempt *a)
{
	const struct dist_change *c = a->change;
	struct ponto_writer w;
	size_t room = 0;

	for (size_t i = 0; i < c->count; i++)
		room += DIST_BLOCK_HEAD_MAX + c->pieces[i]->data.len;
	if (c->count == 0)
		return PONTO_OK;
	a->blocks = ponto_new(a->shelf->alloc, 1, room);
	if (!a->blocks)
		return PONTO_ENOMEM;
	w = ponto_writer(a->blocks, room);
	for (size_t i = 0; i < c->count; i++) {
		if (!content_blocks_has(&a->meta.blocks, c->pieces[i]->index) || c->segment->replace)
			add_piece(a, c->pieces[i], &w);
	}
	return PONTO_OK;
}

/* The longest list that anybody brought. */
static int add_list(struct attempt *a)
{
	const struct dist_segment *s = a->change->segment;
	size_t known, len;
	int result;

	if (!s || !s->keyed || content_is_v2(s->algo))
		return PONTO_OK;
	known = s->block_hashes.len / content_hash_size(s->algo);
	if (known <= a->meta.hashes)
		return PONTO_OK;
	result = dist_list_encode(a->id, s->algo, s->block_hashes, a->list, &len);
	if (result != PONTO_OK)
		return result;
	a->meta.hashes = (uint16_t)known;
	a->changed = true;
	step(a, PONTO_STEP_PUT, key_list(), ponto_bytes(a->list, len));
	return PONTO_OK;
}

static int write_back(struct attempt *a)
{
	size_t len;
	int result;

	if (a->change->used > a->meta.used) {
		a->meta.used = a->change->used;
		a->changed = true;
	}
	if (!a->changed)
		return PONTO_OK;
	if (content_blocks_next(&a->meta.blocks, 0) == CONTENT_BLOCKS_MAX) {
		step(a, PONTO_STEP_DELETE, key_meta(), ponto_bytes(NULL, 0));
		step(a, PONTO_STEP_DELETE, key_list(), ponto_bytes(NULL, 0));
	} else {
		result = dist_meta_encode(a->id, &a->meta, a->new_meta, &len);
		if (result != PONTO_OK)
			return result;
		step(a, PONTO_STEP_PUT, key_meta(), ponto_bytes(a->new_meta, len));
	}
	if (a->old)
		step(a, PONTO_STEP_REQUIRE_EQUAL, key_meta(), ponto_bytes(a->old, a->old_len));
	else
		step(a, PONTO_STEP_REQUIRE_ABSENT, key_meta(), ponto_bytes(NULL, 0));
	return ponto_store_batch(a->shelf->store, a->group, a->steps, a->count, 0, soon(a->shelf));
}

/* PONTO_EGUARD: another one was faster. */
static int try_change(struct attempt *a)
{
	int result = read_meta(a->shelf, a->id, a->group, soon(a->shelf), &a->old, &a->old_len, &a->meta);

	if (result == PONTO_ECORRUPT) {
		/* Nothing can be known of its blocks. */
		ponto_free(a->shelf->alloc, a->old);
		a->old = NULL;
		a->damaged++;
		result = dist_shelf_remove(a->shelf, a->id, CONTENT_BLOCKS_MAX);
	} else if (result == PONTO_ENOENT) {
		result = PONTO_OK;
	}
	if (result == PONTO_OK && !a->old && a->change->count == 0)
		return PONTO_OK;
	if (result == PONTO_OK)
		result = adopt(a);
	if (result == PONTO_OK)
		result = check_blocks(a);
	if (result == PONTO_OK)
		result = add_pieces(a);
	if (result == PONTO_OK)
		result = add_list(a);
	return result == PONTO_OK ? write_back(a) : result;
}

int dist_shelf_change(const struct dist_shelf *shelf, const struct content_id *id, const struct dist_change *change,
		      struct dist_changed *out)
{
	struct attempt *a = ponto_new(shelf->alloc, 1, sizeof(*a));
	int result = a ? PONTO_EGUARD : PONTO_ENOMEM;

	for (unsigned i = 0; i < TRIES && result == PONTO_EGUARD; i++) {
		memset(a, 0, sizeof(*a));
		a->shelf = shelf;
		a->id = id;
		a->change = change;
		a->group = ponto_bytes(a->group_bytes, dist_group(id, a->group_bytes));
		result = try_change(a);
		ponto_free(shelf->alloc, a->old);
		ponto_free(shelf->alloc, a->blocks);
	}
	if (result == PONTO_OK) {
		out->present = content_blocks_next(&a->meta.blocks, 0) < CONTENT_BLOCKS_MAX;
		out->meta = a->meta;
		out->damaged = a->damaged;
	}
	if (a)
		ponto_wipe(a, sizeof(*a)); /* keys */
	ponto_free(shelf->alloc, a);
	return result == PONTO_EGUARD ? PONTO_EBUSY : result;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static bool collect(void *arg, struct ponto_bytes group)
{
	struct dist_page *page = arg;

	page->count += dist_group_id(group, &page->found[page->count].id);
	return true;
}

/* What is wrong with a group is not of this call; only want of memory or time ends it. */
static int look(const struct dist_shelf *shelf, struct dist_page *page, struct dist_found *found, bool *good)
{
	uint8_t group_bytes[DIST_GROUP_MAX];
	struct ponto_bytes group = ponto_bytes(group_bytes, dist_group(&found->id, group_bytes));
	int result = dist_shelf_known(shelf, &found->id, soon(shelf), &found->meta);

	*good = result == PONTO_OK;
	if (result == PONTO_ENOENT) {
		page->orphans++;
		result = remove_orphans(shelf, group);
	} else if (result == PONTO_ECORRUPT) {
		page->damaged++;
		result = dist_shelf_remove(shelf, &found->id, CONTENT_BLOCKS_MAX);
	} else if (result == PONTO_ENOTSUP || result == PONTO_EIO) {
		page->foreign++;
		result = PONTO_OK;
	}
	/* What cannot be removed is met again at the next start. */
	return result == PONTO_ENOMEM || result == PONTO_ETIME ? result : PONTO_OK;
}

int dist_shelf_names(const struct dist_shelf *shelf, uint8_t **token, size_t *token_len, struct dist_page *page)
{
	page->count = 0;
	page->orphans = page->damaged = page->foreign = 0;
	return ponto_store_groups(shelf->store, token, token_len, DIST_PAGE, soon(shelf), shelf->alloc, collect, page);
}

int dist_shelf_look(const struct dist_shelf *shelf, struct dist_page *page)
{
	size_t kept = 0;
	int result = PONTO_OK;

	for (size_t i = 0; i < page->count && result == PONTO_OK; i++) {
		bool good;

		result = look(shelf, page, &page->found[i], &good);
		if (good)
			page->found[kept++] = page->found[i];
	}
	page->count = kept;
	return result;
}
