#include "plugins/service-dist/dist_hot.h"

#include <string.h>

#include "framework/digest.h"

void dist_hot_init(struct dist_hot *hot, const struct ponto_alloc *alloc, const uint8_t key[16], uint64_t max)
{
	memset(hot, 0, sizeof(*hot));
	hot->alloc = alloc;
	hot->max = max;
	memcpy(hot->key, key, sizeof(hot->key));
	pthread_mutex_init(&hot->lock, NULL);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static uint64_t hash(const struct dist_hot *hot, const struct content_id *id)
{
	return ponto_siphash(hot->key, content_id_bytes(id));
}

/* The blocks of a segment lie in buckets one after the other. */
static struct dist_hot_block **find(struct dist_hot *hot, uint64_t hash, const struct content_id *id, uint32_t index)
{
	struct dist_hot_block **at = &hot->buckets[(hash + index) % DIST_HOT_BUCKETS];

	while (*at && ((*at)->index != index || !content_id_equal(&(*at)->id, id)))
		at = &(*at)->in_bucket;
	return at;
}

static void leave(struct dist_hot *hot, struct dist_hot_block *block)
{
	*(block->before ? &block->before->after : &hot->first) = block->after;
	*(block->after ? &block->after->before : &hot->last) = block->before;
}

static void enter(struct dist_hot *hot, struct dist_hot_block *block)
{
	block->before = hot->last;
	block->after = NULL;
	*(hot->last ? &hot->last->after : &hot->first) = block;
	hot->last = block;
}

static void free_block(struct dist_hot *hot, struct dist_hot_block *block)
{
	ponto_free(hot->alloc, block->value);
	ponto_wipe(block->kp, sizeof(block->kp));
	ponto_free(hot->alloc, block);
}

static void drop(struct dist_hot *hot, struct dist_hot_block **at)
{
	struct dist_hot_block *block = *at;

	*at = block->in_bucket;
	leave(hot, block);
	hot->bytes -= block->block.data.len;
	block->found = false;
	block->gone = true;
	if (block->holders == 0)
		free_block(hot, block);
}

static void drop_first(struct dist_hot *hot)
{
	const struct dist_hot_block *first = hot->first;

	drop(hot, find(hot, hash(hot, &first->id), &first->id, first->index));
}

void dist_hot_clear(struct dist_hot *hot)
{
	while (hot->first)
		drop_first(hot);
	pthread_mutex_destroy(&hot->lock);
}

static void hold(struct dist_hot *hot, struct dist_hot_block *block)
{
	leave(hot, block);
	enter(hot, block);
	block->holders++;
}

static struct dist_hot_block *look_up(struct dist_hot *hot, const struct content_id *id, uint32_t index, bool found)
{
	uint64_t of = hash(hot, id);
	struct dist_hot_block *block;

	pthread_mutex_lock(&hot->lock);
	block = *find(hot, of, id, index);
	if (block && (block->found || !found))
		hold(hot, block);
	else
		block = NULL;
	pthread_mutex_unlock(&hot->lock);
	return block;
}

struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, const struct content_id *id, uint32_t index)
{
	return hot->bytes > 0 ? look_up(hot, id, index, false) : NULL;
}

struct dist_hot_block *dist_hot_find(struct dist_hot *hot, const struct content_id *id, uint32_t index)
{
	return look_up(hot, id, index, true);
}

void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block)
{
	bool gone;

	pthread_mutex_lock(&hot->lock);
	gone = --block->holders == 0 && block->gone;
	pthread_mutex_unlock(&hot->lock);
	if (gone)
		free_block(hot, block);
}

void dist_hot_keep(struct dist_hot *hot, const struct content_id *id, const struct dist_meta *meta, uint32_t index,
		   uint8_t *value, const struct dist_block *block)
{
	struct dist_hot_block *kept = block->data.len <= hot->max ? ponto_new(hot->alloc, 1, sizeof(*kept)) : NULL, **at;
	uint64_t of = hash(hot, id);

	pthread_mutex_lock(&hot->lock);
	at = find(hot, of, id, index);
	if (!kept || *at) { /* two may have read the same one */
		pthread_mutex_unlock(&hot->lock);
		ponto_free(hot->alloc, kept);
		ponto_free(hot->alloc, value);
		return;
	}
	kept->id = *id;
	kept->index = index;
	kept->value = value;
	kept->block = *block;
	memcpy(kept->hod, meta->hod, CONTENT_HASH_MAX);
	memcpy(kept->kp, meta->kp, CONTENT_HASH_MAX);
	*at = kept;
	enter(hot, kept);
	hot->bytes += block->data.len;
	while (hot->bytes > hot->max)
		drop_first(hot);
	pthread_mutex_unlock(&hot->lock);
}

bool dist_hot_answer(struct dist_hot *hot, struct dist_hot_block *block, struct ponto_bytes answer, const uint8_t *data,
		     uint32_t next)
{
	bool alone;

	pthread_mutex_lock(&hot->lock);
	alone = block->holders == 1;
	if (alone) {
		ponto_free(hot->alloc, block->value);
		block->value = (uint8_t *)(uintptr_t)answer.data;
		block->block.data.data = data;
		block->answer = answer;
		block->next = next;
		block->found = !block->gone;
	}
	pthread_mutex_unlock(&hot->lock);
	return alone;
}

void dist_hot_show(struct dist_hot *hot, struct dist_hot_block *block, uint32_t next)
{
	pthread_mutex_lock(&hot->lock);
	if (block->holders == 1 && !block->gone) {
		block->next = next;
		block->found = true;
	}
	pthread_mutex_unlock(&hot->lock);
}

void dist_hot_doubt(struct dist_hot *hot, const struct content_id *id, uint32_t blocks)
{
	uint64_t of = hash(hot, id);

	if (hot->bytes == 0)
		return;
	pthread_mutex_lock(&hot->lock);
	for (uint32_t i = 0; i < blocks; i++) {
		struct dist_hot_block *block = *find(hot, of, id, i);

		if (block)
			block->found = false;
	}
	pthread_mutex_unlock(&hot->lock);
}

void dist_hot_forget(struct dist_hot *hot, const struct content_id *id, uint32_t blocks)
{
	uint64_t of = hash(hot, id);

	if (hot->bytes == 0)
		return;
	pthread_mutex_lock(&hot->lock);
	for (uint32_t i = 0; i < blocks; i++) {
		struct dist_hot_block **at = find(hot, of, id, i);

		if (*at)
			drop(hot, at);
	}
	pthread_mutex_unlock(&hot->lock);
}
