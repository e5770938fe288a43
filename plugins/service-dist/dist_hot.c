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

void dist_hot_clear(struct dist_hot *hot)
{
	pthread_mutex_destroy(&hot->lock);
}

/* ---- the answers: under the lock -------------------------------------------------------- */

static struct dist_hot_block **bucket(struct dist_hot *hot, const struct content_id *id, uint32_t index)
{
	return &hot->answers[(ponto_siphash(hot->key, content_id_bytes(id)) + index) % DIST_HOT_BUCKETS];
}

static void show(struct dist_hot *hot, struct dist_hot_block *block)
{
	struct dist_hot_block **at = bucket(hot, &block->id, block->index);

	if (block->found)
		return;
	block->found = true;
	block->next_found = *at;
	*at = block;
}

static void hide(struct dist_hot *hot, struct dist_hot_block *block)
{
	struct dist_hot_block **at = bucket(hot, &block->id, block->index);

	if (!block->found)
		return;
	block->found = false;
	while (*at != block)
		at = &(*at)->next_found;
	*at = block->next_found;
}

/* ---- blocks ------------------------------------------------------------------------------ */

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

static void drop(struct dist_hot *hot, struct dist_hot_block *block)
{
	hide(hot, block);
	leave(hot, block);
	hot->bytes -= block->block.data.len;
	block->set->blocks[block->index] = NULL;
	block->set = NULL;
	if (block->holders == 0)
		free_block(hot, block);
}

static void hold(struct dist_hot *hot, struct dist_hot_block *block)
{
	leave(hot, block);
	enter(hot, block);
	block->holders++;
}

struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, struct dist_hot_set *set, uint32_t index)
{
	struct dist_hot_block *block = index < set->count ? set->blocks[index] : NULL;

	if (!block)
		return NULL;
	pthread_mutex_lock(&hot->lock);
	hold(hot, block);
	pthread_mutex_unlock(&hot->lock);
	return block;
}

struct dist_hot_block *dist_hot_find(struct dist_hot *hot, const struct content_id *id, uint32_t index)
{
	struct dist_hot_block *block;

	pthread_mutex_lock(&hot->lock);
	block = *bucket(hot, id, index);
	while (block && (block->index != index || !content_id_equal(&block->id, id)))
		block = block->next_found;
	if (block)
		hold(hot, block);
	pthread_mutex_unlock(&hot->lock);
	return block;
}

void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block)
{
	bool gone;

	pthread_mutex_lock(&hot->lock);
	gone = --block->holders == 0 && !block->set;
	pthread_mutex_unlock(&hot->lock);
	if (gone)
		free_block(hot, block);
}

static struct dist_hot_block *make(struct dist_hot *hot, struct dist_hot_set *set, uint32_t blocks, uint32_t index,
				   size_t len)
{
	if (len > hot->max || index >= blocks)
		return NULL;
	if (!set->blocks) {
		set->blocks = ponto_new(hot->alloc, blocks, sizeof(struct dist_hot_block *));
		set->count = set->blocks ? blocks : 0;
	}
	/* Two may have read the same one. */
	return set->blocks && !set->blocks[index] ? ponto_new(hot->alloc, 1, sizeof(struct dist_hot_block)) : NULL;
}

void dist_hot_keep(struct dist_hot *hot, struct dist_hot_set *set, const struct content_id *id, uint32_t blocks,
		   uint32_t index, uint8_t *value, const struct dist_block *block)
{
	struct dist_hot_block *kept = make(hot, set, blocks, index, block->data.len);

	if (!kept) {
		ponto_free(hot->alloc, value);
		return;
	}
	kept->set = set;
	kept->id = *id;
	kept->index = index;
	kept->value = value;
	kept->block = *block;
	set->blocks[index] = kept;
	pthread_mutex_lock(&hot->lock);
	enter(hot, kept);
	hot->bytes += block->data.len;
	while (hot->bytes > hot->max)
		drop(hot, hot->first);
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
		if (block->set)
			show(hot, block);
	}
	pthread_mutex_unlock(&hot->lock);
	return alone;
}

void dist_hot_show(struct dist_hot *hot, struct dist_hot_block *block, const uint8_t kp[CONTENT_HASH_MAX], uint32_t next)
{
	pthread_mutex_lock(&hot->lock);
	if (block->holders == 1 && block->set) {
		memcpy(block->kp, kp, sizeof(block->kp));
		block->next = next;
		show(hot, block);
	}
	pthread_mutex_unlock(&hot->lock);
}

void dist_hot_doubt(struct dist_hot *hot, struct dist_hot_set *set)
{
	pthread_mutex_lock(&hot->lock);
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->blocks[i])
			hide(hot, set->blocks[i]);
	}
	pthread_mutex_unlock(&hot->lock);
}

void dist_hot_forget(struct dist_hot *hot, struct dist_hot_set *set)
{
	pthread_mutex_lock(&hot->lock);
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->blocks[i])
			drop(hot, set->blocks[i]);
	}
	pthread_mutex_unlock(&hot->lock);
	ponto_free(hot->alloc, set->blocks);
	*set = (struct dist_hot_set){NULL, 0};
}
