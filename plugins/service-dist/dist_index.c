#include "plugins/service-dist/dist_index.h"

#include <assert.h>
#include <string.h>

#include "framework/digest.h"

#define BUCKETS_FIRST 64u

int dist_index_init(struct dist_index *index, const struct ponto_alloc *alloc, const uint8_t key[16],
		    uint64_t hot_bytes)
{
	struct dist_entry **buckets = ponto_new(alloc, BUCKETS_FIRST, sizeof(struct dist_entry *));

	if (!buckets)
		return PONTO_ENOMEM;
	memset(index, 0, sizeof(*index));
	index->alloc = alloc;
	memcpy(index->key, key, sizeof(index->key));
	index->buckets = buckets;
	index->bucket_count = BUCKETS_FIRST;
	dist_hot_init(&index->hot, alloc, key, hot_bytes);
	return PONTO_OK;
}

static void free_entry(struct dist_index *index, struct dist_entry *entry)
{
	dist_hot_forget(&index->hot, &entry->hot);
	ponto_wipe(entry->kp, sizeof(entry->kp));
	ponto_free(index->alloc, entry);
}

void dist_index_clear(struct dist_index *index)
{
	for (size_t i = 0; i < index->bucket_count; i++) {
		while (index->buckets[i]) {
			struct dist_entry *entry = index->buckets[i];

			index->buckets[i] = entry->next;
			free_entry(index, entry);
		}
	}
	ponto_free(index->alloc, index->buckets);
	dist_hot_clear(&index->hot);
	memset(index, 0, sizeof(*index));
}

static struct dist_entry **bucket(const struct dist_index *index, const struct content_id *id)
{
	return &index->buckets[ponto_siphash(index->key, content_id_bytes(id)) & (index->bucket_count - 1)];
}

struct dist_entry *dist_index_find(const struct dist_index *index, const struct content_id *id)
{
	struct dist_entry *entry = *bucket(index, id);

	while (entry && !content_id_equal(&entry->id, id))
		entry = entry->next;
	return entry;
}

/* Without memory for more buckets those that are there get longer. */
static void grow(struct dist_index *index)
{
	struct dist_entry **old = index->buckets, **more;
	size_t count = index->bucket_count;

	if (index->entries < count)
		return;
	more = ponto_new(index->alloc, 2 * count, sizeof(struct dist_entry *));
	if (!more)
		return;
	index->buckets = more;
	index->bucket_count = 2 * count;
	for (size_t i = 0; i < count; i++) {
		while (old[i]) {
			struct dist_entry *entry = old[i], **to = bucket(index, &entry->id);

			old[i] = entry->next;
			entry->next = *to;
			*to = entry;
		}
	}
	ponto_free(index->alloc, old);
}

struct dist_entry *dist_index_add(struct dist_index *index, const struct content_id *id)
{
	struct dist_entry *entry = ponto_new(index->alloc, 1, sizeof(*entry)), **at;

	if (!entry)
		return NULL;
	grow(index);
	entry->id = *id;
	at = bucket(index, id);
	entry->next = *at;
	*at = entry;
	index->entries++;
	return entry;
}

void dist_index_remove(struct dist_index *index, struct dist_entry *entry)
{
	struct dist_entry **at = bucket(index, &entry->id);

	dist_index_unlist(index, entry);
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	index->entries--;
	free_entry(index, entry);
}

/* ---- the two orders ------------------------------------------------------------------ */

static void leave(struct dist_order *order, struct dist_link *link)
{
	*(link->before ? &link->before->after : &order->first) = link->after;
	*(link->after ? &link->after->before : &order->last) = link->before;
}

static void insert_after(struct dist_order *order, struct dist_link *before, struct dist_link *link)
{
	link->before = before;
	link->after = before ? before->after : order->first;
	*(before ? &before->after : &order->first) = link;
	*(link->after ? &link->after->before : &order->last) = link;
}

/* From the late end: nearly always the place is there. */
static void enter(struct dist_order *order, struct dist_link *link)
{
	struct dist_link *before = order->last;

	while (before && before->at > link->at)
		before = before->before;
	insert_after(order, before, link);
}

/* Takes the first run of at most count links off *rest, as a list of its own. */
static struct dist_link *cut_run(struct dist_link **rest, size_t count)
{
	struct dist_link *run = *rest, *link = run;

	while (link && --count > 0)
		link = link->after;
	*rest = link ? link->after : NULL;
	if (link)
		link->after = NULL;
	return run;
}

/* Merges two sorted runs at the end of an order. */
static void merge(struct dist_order *order, struct dist_link *a, struct dist_link *b)
{
	while (a || b) {
		struct dist_link **from = a && (!b || a->at <= b->at) ? &a : &b, *link = *from;

		*from = link->after;
		insert_after(order, order->last, link);
	}
}

/* Merge sort, without memory. */
static void sort_slowly(struct dist_order *order, size_t total)
{
	for (size_t run = 1; run < total; run *= 2) {
		struct dist_link *rest = order->first;

		order->first = order->last = NULL;
		while (rest) {
			struct dist_link *a = cut_run(&rest, run), *b = cut_run(&rest, run);

			merge(order, a, b);
		}
	}
}

struct rank {
	uint64_t at;
	struct dist_link *link;
};

/* By one byte of the time, keeping the order of those that have the same. False: all have, and nothing was done. */
static bool sort_byte(const struct rank *from, struct rank *to, size_t total, unsigned byte)
{
	size_t counts[256] = {0}, before = 0;

	for (size_t i = 0; i < total; i++)
		counts[from[i].at >> 8 * byte & 0xff]++;
	for (size_t i = 0; i < 256; i++) {
		size_t count = counts[i];

		if (count == total)
			return false;
		counts[i] = before;
		before += count;
	}
	for (size_t i = 0; i < total; i++)
		to[counts[from[i].at >> 8 * byte & 0xff]++] = from[i];
	return true;
}

/* A million links in a list are merged in many seconds, since each step waits for memory; times that lie together are
 * sorted in a fraction of one. */
static void sort(struct dist_index *index, struct dist_order *order)
{
	size_t total = (size_t)index->segments, i = 0;
	struct rank *ranks = ponto_new(index->alloc, total, 2 * sizeof(*ranks)), *from = ranks, *to = ranks + total;

	if (!ranks) {
		sort_slowly(order, total);
		return;
	}
	for (struct dist_link *link = order->first; link; link = link->after)
		ranks[i++] = (struct rank){link->at, link};
	assert(i == total);
	for (unsigned byte = 0; byte < 8; byte++) {
		struct rank *swap = from;

		if (!sort_byte(from, to, total, byte))
			continue;
		from = to;
		to = swap;
	}
	order->first = order->last = NULL;
	for (i = 0; i < total; i++)
		insert_after(order, order->last, from[i].link);
	ponto_free(index->alloc, ranks);
}

void dist_index_loaded(struct dist_index *index)
{
	index->loading = false;
	if (index->segments < 2)
		return;
	sort(index, &index->uses);
	sort(index, &index->ages);
}

/* ---- what is held ------------------------------------------------------------------------ */

uint64_t dist_entry_bytes_of(const struct dist_entry *entry, const struct content_blocks *blocks)
{
	uint32_t held = content_blocks_count(blocks),
		 last = content_segment_blocks(entry->algo, entry->size) - 1;
	uint64_t bytes = (uint64_t)held * content_block_size(entry->algo, entry->size, 0);

	/* All but the last are as long as the first. */
	if (last > 0 && content_blocks_has(blocks, last))
		bytes -= content_block_size(entry->algo, entry->size, 0) -
			 content_block_size(entry->algo, entry->size, last);
	return bytes;
}

uint64_t dist_entry_bytes(const struct dist_entry *entry)
{
	return dist_entry_bytes_of(entry, &entry->blocks);
}

bool dist_entry_whole(const struct dist_entry *entry)
{
	return content_blocks_count(&entry->blocks) == content_segment_blocks(entry->algo, entry->size);
}

void dist_entry_meta(const struct dist_entry *entry, struct dist_meta *out)
{
	*out = (struct dist_meta){
		.algo = entry->algo,
		.keyed = entry->keyed,
		.size = entry->size,
		.hashes = entry->hashes,
		.created = entry->age.at,
		.used = entry->use.at,
		.blocks = entry->blocks,
	};
	memcpy(out->tag, entry->tag, DIST_TAG);
	memcpy(out->hod, entry->hod, CONTENT_HASH_MAX);
	memcpy(out->kp, entry->kp, CONTENT_HASH_MAX);
}

/* Takes what is held of it off the sums, or adds it. */
static void count(struct dist_index *index, struct dist_entry *entry, bool add)
{
	uint64_t bytes = dist_entry_bytes(entry), blocks = content_blocks_count(&entry->blocks);

	if (add) {
		entry->cost = bytes + entry->hashes * content_hash_size(entry->algo) + DIST_SEGMENT_COST;
		index->bytes += bytes;
		index->blocks += blocks;
		index->cost += entry->cost;
	} else {
		assert(index->bytes >= bytes && index->blocks >= blocks && index->cost >= entry->cost);
		index->bytes -= bytes;
		index->blocks -= blocks;
		index->cost -= entry->cost;
		entry->cost = 0;
	}
}

static void place(struct dist_index *index, struct dist_order *order, struct dist_link *link)
{
	if (index->loading)
		insert_after(order, order->last, link);
	else
		enter(order, link);
}

void dist_index_set(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta)
{
	uint64_t used = entry->listed && entry->use.at > meta->used ? entry->use.at : meta->used;
	/* A place is looked for only when it may be another. */
	bool place_use = !entry->listed || entry->use.at != used, place_age = !entry->listed;

	if (entry->listed) {
		count(index, entry, false);
		if (place_use)
			leave(&index->uses, &entry->use);
	} else {
		index->segments++;
		entry->age.at = meta->created;
	}
	entry->algo = meta->algo;
	entry->keyed = meta->keyed;
	entry->size = meta->size;
	entry->hashes = meta->hashes;
	entry->use.at = used;
	entry->used_kept = meta->used;
	if (memcmp(&entry->blocks, &meta->blocks, sizeof(entry->blocks)) != 0)
		dist_hot_doubt(&index->hot, &entry->hot);
	entry->blocks = meta->blocks;
	memcpy(entry->tag, meta->tag, DIST_TAG);
	memcpy(entry->hod, meta->hod, CONTENT_HASH_MAX);
	memcpy(entry->kp, meta->kp, CONTENT_HASH_MAX);
	entry->listed = true;
	count(index, entry, true);
	if (place_use)
		place(index, &index->uses, &entry->use);
	if (place_age)
		place(index, &index->ages, &entry->age);
}

void dist_index_unlist(struct dist_index *index, struct dist_entry *entry)
{
	if (!entry->listed)
		return;
	count(index, entry, false);
	dist_hot_forget(&index->hot, &entry->hot);
	index->segments--;
	if (index->cursor == &entry->age)
		index->cursor = entry->age.after;
	leave(&index->uses, &entry->use);
	leave(&index->ages, &entry->age);
	entry->listed = false;
	entry->blocks = (struct content_blocks){.bits = {0}};
	entry->replies = entry->full = 0;
}

void dist_index_drop(struct dist_index *index, struct dist_entry *entry, uint32_t block)
{
	if (!entry->listed || !content_blocks_has(&entry->blocks, block))
		return;
	count(index, entry, false);
	content_blocks_remove(&entry->blocks, block);
	dist_hot_doubt(&index->hot, &entry->hot);
	count(index, entry, true);
	if (content_blocks_count(&entry->blocks) == 0)
		dist_index_unlist(index, entry);
}

void dist_index_use(struct dist_index *index, struct dist_entry *entry, uint64_t now)
{
	uint64_t last = index->uses.last->at;

	leave(&index->uses, &entry->use);
	/* A clock that was set back does not make the last one used the first to go. */
	entry->use.at = last > now ? last : now;
	insert_after(&index->uses, index->uses.last, &entry->use);
}
