#include "plugins/service-dist/dist_hot.h"

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
	ponto_free(hot->alloc, block);
}

static void drop(struct dist_hot *hot, struct dist_hot_block *block)
{
	leave(hot, block);
	hot->bytes -= block->block.data.len;
	block->set->blocks[block->index] = NULL;
	block->set = NULL;
	if (block->holders == 0)
		free_block(hot, block);
}

struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, struct dist_hot_set *set, uint32_t index)
{
	struct dist_hot_block *block = index < set->count ? set->blocks[index] : NULL;

	if (!block)
		return NULL;
	leave(hot, block);
	enter(hot, block);
	block->holders++;
	return block;
}

void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block)
{
	if (--block->holders == 0 && !block->set)
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

void dist_hot_keep(struct dist_hot *hot, struct dist_hot_set *set, uint32_t blocks, uint32_t index, uint8_t *value,
		   const struct dist_block *block)
{
	struct dist_hot_block *kept = make(hot, set, blocks, index, block->data.len);

	if (!kept) {
		ponto_free(hot->alloc, value);
		return;
	}
	kept->set = set;
	kept->index = index;
	kept->value = value;
	kept->block = *block;
	set->blocks[index] = kept;
	enter(hot, kept);
	hot->bytes += block->data.len;
	while (hot->bytes > hot->max)
		drop(hot, hot->first);
}

bool dist_hot_answer(struct dist_hot *hot, struct dist_hot_block *block, struct ponto_bytes answer, const uint8_t *data,
		     uint32_t next)
{
	if (block->holders > 1)
		return false;
	ponto_free(hot->alloc, block->value);
	block->value = (uint8_t *)(uintptr_t)answer.data;
	block->block.data.data = data;
	block->answer = answer;
	block->next = next;
	return true;
}

void dist_hot_forget(struct dist_hot *hot, struct dist_hot_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->blocks[i])
			drop(hot, set->blocks[i]);
	}
	ponto_free(hot->alloc, set->blocks);
	*set = (struct dist_hot_set){NULL, 0};
}
