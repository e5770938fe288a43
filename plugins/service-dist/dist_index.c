#include "plugins/service-dist/dist_index.h"

#include <assert.h>
#include <string.h>

#include "framework/digest.h"

#define TAG_OWN 255u /* the wide one has it */

static const struct content_blocks none, first_block = {.bits = {1}};

int dist_index_init(struct dist_index *index, const struct ponto_alloc *alloc, const uint8_t key[16],
		    uint64_t hot_bytes)
{
	memset(index, 0, sizeof(*index));
	index->alloc = alloc;
	memcpy(index->key, key, sizeof(index->key));
	dist_slab_init(&index->entries, alloc, sizeof(struct dist_entry));
	dist_slab_init(&index->wide, alloc, sizeof(struct dist_wide));
	dist_slab_init(&index->buckets, alloc, sizeof(uint32_t));
	index->level = index->bucket_count = dist_slab_take(&index->buckets);
	if (!index->bucket_count) {
		dist_slab_clear(&index->buckets);
		return PONTO_ENOMEM;
	}
	dist_hot_init(&index->hot, alloc, key, hot_bytes);
	return PONTO_OK;
}

void dist_index_clear(struct dist_index *index)
{
	for (uint32_t i = 1; i <= index->wide.made; i++)
		ponto_wipe(dist_slab_at(&index->wide, i), sizeof(struct dist_wide));
	dist_slab_clear(&index->entries);
	dist_slab_clear(&index->wide);
	dist_slab_clear(&index->buckets);
	dist_hot_clear(&index->hot);
	memset(index, 0, sizeof(*index));
}

static struct dist_wide *wide_of(const struct dist_index *index, const struct dist_entry *entry)
{
	return (struct dist_wide *)dist_slab_at(&index->wide, entry->wide);
}

/* ---- by ID: buckets are added one at a time, each takes of another one what is its own -------- */

static uint32_t *bucket_at(const struct dist_index *index, uint32_t number)
{
	return (uint32_t *)dist_slab_at(&index->buckets, number + 1);
}

static uint32_t *bucket(const struct dist_index *index, const struct content_id *id)
{
	uint32_t hash = (uint32_t)ponto_siphash(index->key, content_id_bytes(id)), number = hash & (2 * index->level - 1);

	return bucket_at(index, number < index->bucket_count ? number : number & (index->level - 1));
}

static bool has_id(const struct dist_index *index, const struct dist_entry *entry, const struct content_id *id)
{
	const struct dist_wide *wide = wide_of(index, entry);

	if (wide && wide->id.len)
		return content_id_equal(&wide->id, id);
	return id->len == DIST_ID_SHORT && memcmp(entry->id, id->b, DIST_ID_SHORT) == 0;
}

struct dist_entry *dist_index_find(const struct dist_index *index, const struct content_id *id)
{
	struct dist_entry *entry = dist_index_at(index, *bucket(index, id));

	while (entry && !has_id(index, entry, id))
		entry = dist_index_at(index, entry->next);
	return entry;
}

static void push(uint32_t *bucket, struct dist_entry *entry)
{
	entry->next = *bucket;
	*bucket = entry->self;
}

/* Without memory for more buckets those that are there get longer. */
static void grow(struct dist_index *index)
{
	uint32_t *old = bucket_at(index, index->bucket_count - index->level), number = *old;

	if (index->count < index->bucket_count || index->bucket_count > UINT32_MAX / 2 ||
	    !dist_slab_take(&index->buckets))
		return;
	index->bucket_count++;
	*old = 0;
	while (number) {
		struct dist_entry *entry = dist_index_at(index, number);
		struct content_id id;

		number = entry->next;
		dist_entry_id(index, entry, &id);
		push(bucket(index, &id), entry);
	}
	if (index->bucket_count == 2 * index->level)
		index->level *= 2;
}

struct dist_entry *dist_index_add(struct dist_index *index, const struct content_id *id)
{
	uint32_t self = dist_slab_take(&index->entries), wide = 0;
	struct dist_entry *entry = dist_index_at(index, self);

	if (self && id->len != DIST_ID_SHORT && !(wide = dist_slab_take(&index->wide))) {
		dist_slab_give(&index->entries, self);
		self = 0;
	}
	if (!self)
		return NULL;
	grow(index);
	entry->self = self;
	entry->wide = wide;
	if (wide)
		wide_of(index, entry)->id = *id;
	else
		memcpy(entry->id, id->b, DIST_ID_SHORT);
	for (unsigned by = 0; by < DIST_ORDERS; by++)
		entry->links[by] = (struct dist_link){self, self};
	push(bucket(index, id), entry);
	index->count++;
	return entry;
}

void dist_index_remove(struct dist_index *index, struct dist_entry *entry)
{
	struct content_id id;
	uint32_t *at;

	dist_entry_id(index, entry, &id);
	at = bucket(index, &id);
	dist_index_unlist(index, entry);
	while (*at != entry->self)
		at = &dist_index_at(index, *at)->next;
	*at = entry->next;
	index->count--;
	if (entry->wide)
		dist_slab_give(&index->wide, entry->wide);
	dist_slab_give(&index->entries, entry->self);
}

/* ---- the orders -------------------------------------------------------------------------- */

static bool is_placed(const struct dist_entry *entry, enum dist_by by)
{
	return entry->links[by].before != entry->self;
}

/* From a place, if it has one. */
static void leave(struct dist_index *index, enum dist_by by, struct dist_entry *entry)
{
	struct dist_link *link = &entry->links[by];

	if (!is_placed(entry, by))
		return;
	*(link->before ? &dist_index_at(index, link->before)->links[by].after : &index->orders[by].first) = link->after;
	*(link->after ? &dist_index_at(index, link->after)->links[by].before : &index->orders[by].last) = link->before;
	*link = (struct dist_link){entry->self, entry->self};
}

/* before 0: as the first. */
static void insert_after(struct dist_index *index, enum dist_by by, uint32_t before, struct dist_entry *entry)
{
	struct dist_order *order = &index->orders[by];
	uint32_t *to = before ? &dist_index_at(index, before)->links[by].after : &order->first, after = *to;

	entry->links[by] = (struct dist_link){before, after};
	*to = entry->self;
	*(after ? &dist_index_at(index, after)->links[by].before : &order->last) = entry->self;
}

/* From the late end: nearly always the place is there. */
static void enter(struct dist_index *index, enum dist_by by, struct dist_entry *entry)
{
	uint64_t at = dist_entry_time(entry, by);
	const struct dist_entry *before = dist_index_last(index, by);

	while (before && dist_entry_time(before, by) > at)
		before = dist_index_before(index, by, before);
	insert_after(index, by, before ? before->self : 0, entry);
}

static void set_time(struct dist_entry *entry, enum dist_by by, uint64_t at)
{
	entry->at[by] = (struct dist_time){(uint32_t)(at >> 32), (uint32_t)at};
}

static uint64_t in_ms(uint64_t us)
{
	return us / 1000 + (us % 1000 > 0);
}

/* Never 0 when it is used since. */
static uint32_t behind(uint64_t ms, uint64_t used, uint64_t kept)
{
	ms += in_ms(used) - in_ms(kept);
	if (ms == 0 && used > kept)
		ms = 1;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void dist_index_use(struct dist_index *index, struct dist_entry *entry, uint64_t now)
{
	const struct dist_entry *last = dist_index_last(index, DIST_BY_USE);
	uint64_t before = dist_entry_time(entry, DIST_BY_USE), after = last ? dist_entry_time(last, DIST_BY_USE) : 0;

	/* A clock that was set back does not make the last one used the first to go. */
	after = after > now ? after : now;
	after = after > before ? after : before;
	entry->ahead = behind(entry->ahead, after, before);
	leave(index, DIST_BY_USE, entry);
	set_time(entry, DIST_BY_USE, after);
	insert_after(index, DIST_BY_USE, index->orders[DIST_BY_USE].last, entry);
}

/* ---- tags: few, of many ------------------------------------------------------------------------ */

static uint8_t take_tag(struct dist_index *index, const uint8_t tag[DIST_TAG])
{
	static const uint8_t zeros[DIST_TAG];
	uint32_t free = TAG_OWN;

	if (memcmp(tag, zeros, DIST_TAG) == 0)
		return 0;
	for (uint32_t i = 0; i < DIST_TAGS; i++) {
		if (!index->tag_counts[i])
			free = free == TAG_OWN ? i + 1 : free;
		else if (memcmp(index->tags[i], tag, DIST_TAG) == 0)
			free = i + 1;
		if (free == i + 1 && index->tag_counts[i])
			break;
	}
	if (free != TAG_OWN) {
		memcpy(index->tags[free - 1], tag, DIST_TAG);
		index->tag_counts[free - 1]++;
	}
	return (uint8_t)free;
}

static void give_tag(struct dist_index *index, uint8_t tag)
{
	if (tag && tag != TAG_OWN)
		index->tag_counts[tag - 1]--;
}

const uint8_t *dist_entry_tag(const struct dist_index *index, const struct dist_entry *entry)
{
	static const uint8_t zeros[DIST_TAG];

	if (entry->tag == TAG_OWN)
		return wide_of(index, entry)->tag;
	return entry->tag ? index->tags[entry->tag - 1] : zeros;
}

/* ---- what is held ------------------------------------------------------------------------ */

void dist_entry_id(const struct dist_index *index, const struct dist_entry *entry, struct content_id *out)
{
	const struct dist_wide *wide = wide_of(index, entry);

	if (wide && wide->id.len) {
		*out = wide->id;
		return;
	}
	memset(out, 0, sizeof(*out));
	out->len = DIST_ID_SHORT;
	memcpy(out->b, entry->id, DIST_ID_SHORT);
}

const struct content_blocks *dist_entry_blocks(const struct dist_index *index, const struct dist_entry *entry)
{
	const struct dist_wide *wide = wide_of(index, entry);

	return !entry->listed ? &none : wide ? &wide->blocks : &first_block;
}

uint16_t dist_entry_hashes(const struct dist_index *index, const struct dist_entry *entry)
{
	const struct dist_wide *wide = wide_of(index, entry);

	return wide ? wide->hashes : 0;
}

uint64_t dist_entry_bytes_of(const struct dist_entry *entry, const struct content_blocks *blocks)
{
	enum content_algo algo = dist_entry_algo(entry);
	uint32_t held = content_blocks_count(blocks), last;
	uint64_t bytes;

	if (held == 0)
		return 0;
	last = content_segment_blocks(algo, entry->size) - 1;
	bytes = (uint64_t)held * content_block_size(algo, entry->size, 0);
	/* All but the last are as long as the first. */
	if (last > 0 && content_blocks_has(blocks, last))
		bytes -= content_block_size(algo, entry->size, 0) - content_block_size(algo, entry->size, last);
	return bytes;
}

uint64_t dist_entry_bytes(const struct dist_index *index, const struct dist_entry *entry)
{
	return dist_entry_bytes_of(entry, dist_entry_blocks(index, entry));
}

bool dist_entry_whole(const struct dist_index *index, const struct dist_entry *entry)
{
	return content_blocks_count(dist_entry_blocks(index, entry)) ==
	       content_segment_blocks(dist_entry_algo(entry), entry->size);
}

bool dist_entry_meta(const struct dist_index *index, const struct dist_entry *entry, struct dist_meta *out)
{
	const struct dist_wide *wide = wide_of(index, entry);

	*out = (struct dist_meta){
		.algo = dist_entry_algo(entry),
		.keyed = entry->keyed,
		.size = entry->size,
		.hashes = dist_entry_hashes(index, entry),
		.created = dist_entry_time(entry, DIST_BY_AGE),
		.used = dist_entry_time(entry, DIST_BY_USE),
		.blocks = *dist_entry_blocks(index, entry),
	};
	memcpy(out->tag, dist_entry_tag(index, entry), DIST_TAG);
	if (!wide)
		return !entry->keyed;
	memcpy(out->hod, wide->hod, CONTENT_HASH_MAX);
	memcpy(out->kp, wide->kp, CONTENT_HASH_MAX);
	return true;
}

/* Of what is in memory: what answers say of others is true no more; or all of it goes. */
static void doubt(struct dist_index *index, const struct dist_entry *entry)
{
	struct content_id id;

	dist_entry_id(index, entry, &id);
	dist_hot_doubt(&index->hot, &id, content_segment_blocks(dist_entry_algo(entry), entry->size));
}

static void forget(struct dist_index *index, const struct dist_entry *entry)
{
	struct content_id id;

	dist_entry_id(index, entry, &id);
	dist_hot_forget(&index->hot, &id, content_segment_blocks(dist_entry_algo(entry), entry->size));
}

/* Takes what is held of it off the sums, or adds it. */
static void count(struct dist_index *index, const struct dist_entry *entry, bool add)
{
	uint64_t bytes = dist_entry_bytes(index, entry), blocks = content_blocks_count(dist_entry_blocks(index, entry));
	uint64_t cost = bytes + DIST_SEGMENT_COST +
			dist_entry_hashes(index, entry) * content_hash_size(dist_entry_algo(entry));

	if (add) {
		index->bytes += bytes;
		index->blocks += blocks;
		index->cost += cost;
	} else {
		assert(index->bytes >= bytes && index->blocks >= blocks && index->cost >= cost);
		index->bytes -= bytes;
		index->blocks -= blocks;
		index->cost -= cost;
	}
}

/* What is not in the entry itself. Without memory nothing has changed. */
static int describe(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta)
{
	struct dist_wide *wide = wide_of(index, entry);
	uint8_t tag = take_tag(index, meta->tag);
	bool wanted = tag == TAG_OWN || meta->hashes > 0 || content_segment_blocks(meta->algo, meta->size) > 1 ||
		      (wide && wide->id.len);

	if (wanted && !wide && !(entry->wide = dist_slab_take(&index->wide))) {
		give_tag(index, tag);
		return PONTO_ENOMEM;
	}
	if (!wanted && wide) {
		dist_slab_give(&index->wide, entry->wide);
		entry->wide = 0;
	}
	give_tag(index, entry->tag);
	entry->tag = tag;
	wide = wide_of(index, entry);
	if (!wide)
		return PONTO_OK;
	wide->blocks = meta->blocks;
	wide->hashes = meta->hashes;
	memcpy(wide->tag, meta->tag, DIST_TAG);
	memcpy(wide->hod, meta->hod, CONTENT_HASH_MAX);
	memcpy(wide->kp, meta->kp, CONTENT_HASH_MAX);
	return PONTO_OK;
}

/* All but the places. */
static int describe_all(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta, uint64_t used)
{
	int result;

	if (entry->listed)
		count(index, entry, false);
	result = describe(index, entry, meta);
	if (result == PONTO_OK) {
		entry->algo = meta->algo;
		entry->keyed = meta->keyed;
		entry->size = meta->size;
		entry->ahead = used > meta->used ? behind(0, used, meta->used) : 0;
		index->segments += !entry->listed;
		entry->listed = true;
	}
	if (entry->listed)
		count(index, entry, true);
	return result;
}

int dist_index_set(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta)
{
	bool listed = entry->listed;
	uint64_t last = listed ? dist_entry_time(entry, DIST_BY_USE) : 0, used = last > meta->used ? last : meta->used;
	int result;

	if (listed && memcmp(dist_entry_blocks(index, entry), &meta->blocks, sizeof(meta->blocks)) != 0)
		doubt(index, entry);
	result = describe_all(index, entry, meta, used);
	if (result != PONTO_OK)
		return result;
	/* A place is looked for only when it may be another. */
	if (!listed || used != last) {
		leave(index, DIST_BY_USE, entry);
		set_time(entry, DIST_BY_USE, used);
		enter(index, DIST_BY_USE, entry);
	}
	if (!listed) {
		set_time(entry, DIST_BY_AGE, meta->created);
		enter(index, DIST_BY_AGE, entry);
	}
	return PONTO_OK;
}

int dist_index_load(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta)
{
	set_time(entry, DIST_BY_USE, meta->used);
	set_time(entry, DIST_BY_AGE, meta->created);
	return describe_all(index, entry, meta, meta->used);
}

void dist_index_unlist(struct dist_index *index, struct dist_entry *entry)
{
	struct dist_wide *wide = wide_of(index, entry);

	if (!entry->listed)
		return;
	forget(index, entry);
	count(index, entry, false);
	index->segments--;
	for (unsigned i = 0; i < DIST_CURSORS; i++) {
		if (index->cursor[i] == entry)
			index->cursor[i] = dist_index_after(index, DIST_BY_AGE, entry);
	}
	leave(index, DIST_BY_USE, entry);
	leave(index, DIST_BY_AGE, entry);
	if (wide && !wide->id.len) {
		dist_slab_give(&index->wide, entry->wide);
		entry->wide = 0;
	}
	give_tag(index, entry->tag);
	entry->tag = entry->replies = entry->full = 0;
	entry->ahead = 0;
	entry->listed = false;
}

void dist_index_drop(struct dist_index *index, struct dist_entry *entry, uint32_t block)
{
	if (!content_blocks_has(dist_entry_blocks(index, entry), block))
		return;
	if (content_blocks_count(dist_entry_blocks(index, entry)) == 1) {
		dist_index_unlist(index, entry);
		return;
	}
	count(index, entry, false);
	content_blocks_remove(&wide_of(index, entry)->blocks, block);
	doubt(index, entry);
	count(index, entry, true);
}

/* ---- places for many ---------------------------------------------------------------------- */

int dist_sort_begin(struct dist_sort *sort, const struct dist_index *index)
{
	size_t count = index->entries.made;

	*sort = (struct dist_sort){.alloc = index->alloc, .bits = 1};
	while (sort->bits < 32 && count >> sort->bits)
		sort->bits++;
	sort->spare = ponto_new(sort->alloc, count + 1, sizeof(uint64_t));
	for (unsigned by = 0; by < DIST_ORDERS; by++)
		sort->keys[by] = ponto_new(sort->alloc, count + 1, sizeof(uint64_t));
	if (!sort->spare || !sort->keys[DIST_BY_USE] || !sort->keys[DIST_BY_AGE]) {
		dist_sort_end(sort);
		return PONTO_ENOMEM;
	}
	for (uint32_t i = 1; i <= count; i++) {
		const struct dist_entry *entry = dist_index_at(index, i);

		if (!entry->listed || entry->self != i || (is_placed(entry, DIST_BY_USE) && is_placed(entry, DIST_BY_AGE)))
			continue;
		for (unsigned by = 0; by < DIST_ORDERS; by++)
			sort->keys[by][sort->count] = dist_entry_time(entry, (enum dist_by)by);
		sort->spare[sort->count++] = i;
	}
	for (unsigned by = 0; by < DIST_ORDERS; by++)
		sort->left[by] = sort->count;
	return PONTO_OK;
}

/* Of times and numbers. Times that lie so far apart that with a number they do not go into 64 bits are told apart less
 * finely. */
static void make_keys(const struct dist_sort *sort, uint64_t *keys)
{
	uint64_t least = UINT64_MAX, most = 0;
	unsigned shift = 0;

	for (size_t i = 0; i < sort->count; i++) {
		least = keys[i] < least ? keys[i] : least;
		most = keys[i] > most ? keys[i] : most;
	}
	while (sort->count && (most - least) >> shift >> (64 - sort->bits))
		shift++;
	for (size_t i = 0; i < sort->count; i++)
		keys[i] = (keys[i] - least) >> shift << sort->bits | sort->spare[i];
}

/* By one byte, keeping the order of those that have the same. False: all have, and nothing was done. */
static bool sort_byte(const uint64_t *from, uint64_t *to, size_t total, unsigned byte)
{
	size_t counts[256] = {0}, before = 0;

	for (size_t i = 0; i < total; i++)
		counts[from[i] >> 8 * byte & 0xff]++;
	for (size_t i = 0; i < 256; i++) {
		size_t count = counts[i];

		if (count == total)
			return false;
		counts[i] = before;
		before += count;
	}
	for (size_t i = 0; i < total; i++)
		to[counts[from[i] >> 8 * byte & 0xff]++] = from[i];
	return true;
}

/* Numbers ascend already, so that the bytes that have nothing else are left as they are. */
void dist_sort_run(struct dist_sort *sort)
{
	for (unsigned by = 0; by < DIST_ORDERS; by++)
		make_keys(sort, sort->keys[by]);
	for (unsigned by = 0; by < DIST_ORDERS; by++) {
		for (unsigned byte = sort->bits / 8; byte < 8; byte++) {
			uint64_t *sorted = sort->spare;

			if (!sort_byte(sort->keys[by], sorted, sort->count, byte))
				continue;
			sort->spare = sort->keys[by];
			sort->keys[by] = sorted;
		}
	}
}

bool dist_sort_link(struct dist_sort *sort, struct dist_index *index, size_t most)
{
	size_t left = 0;

	for (unsigned by = 0; by < DIST_ORDERS; by++) {
		for (size_t some = most; some > 0 && sort->left[by] > 0; some--) {
			uint32_t number = (uint32_t)(sort->keys[by][--sort->left[by]] & ((UINT64_C(1) << sort->bits) - 1));
			struct dist_entry *entry = dist_index_at(index, number);

			if (entry->listed && !is_placed(entry, (enum dist_by)by))
				insert_after(index, (enum dist_by)by, 0, entry);
		}
		left += sort->left[by];
	}
	return left > 0;
}

void dist_sort_end(struct dist_sort *sort)
{
	for (unsigned by = 0; by < DIST_ORDERS; by++)
		ponto_free(sort->alloc, sort->keys[by]);
	ponto_free(sort->alloc, sort->spare);
	*sort = (struct dist_sort){.alloc = sort->alloc};
}
