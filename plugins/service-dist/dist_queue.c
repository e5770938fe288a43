#include "plugins/service-dist/dist_queue.h"

#include <string.h>

#define LOW (DIST_QUEUE_BYTES / 2) /* at which more is asked for */

struct dist_chunk {
	struct dist_chunk *next;
	size_t at, len;
	uint8_t data[];
};

void dist_queue_init(struct dist_queue *queue, const struct ponto_alloc *alloc)
{
	*queue = (struct dist_queue){.alloc = alloc, .last = &queue->first};
	pthread_mutex_init(&queue->lock, NULL);
}

static void drop_first(struct dist_queue *queue)
{
	struct dist_chunk *chunk = queue->first;

	queue->first = chunk->next;
	if (!queue->first)
		queue->last = &queue->first;
	ponto_free(queue->alloc, chunk);
}

void dist_queue_clear(struct dist_queue *queue)
{
	while (queue->first)
		drop_first(queue);
	pthread_mutex_destroy(&queue->lock);
}

static struct dist_chunk *chunk_new(const struct dist_queue *queue, struct ponto_bytes bytes)
{
	struct dist_chunk *chunk = ponto_new(queue->alloc, 1, sizeof(*chunk) + bytes.len);

	if (!chunk)
		return NULL;
	chunk->len = bytes.len;
	memcpy(chunk->data, bytes.data, bytes.len);
	return chunk;
}

int dist_queue_put(struct dist_queue *queue, struct ponto_bytes bytes, bool *wake)
{
	struct dist_chunk *chunk;

	pthread_mutex_lock(&queue->lock);
	queue->full = queue->bytes >= DIST_QUEUE_BYTES;
	if (queue->full) {
		pthread_mutex_unlock(&queue->lock);
		return PONTO_EBUSY;
	}
	pthread_mutex_unlock(&queue->lock);
	chunk = chunk_new(queue, bytes);
	if (!chunk)
		return PONTO_ENOMEM;
	pthread_mutex_lock(&queue->lock);
	*queue->last = chunk;
	queue->last = &chunk->next;
	queue->bytes += bytes.len;
	*wake = queue->hungry;
	queue->hungry = false;
	pthread_mutex_unlock(&queue->lock);
	return PONTO_OK;
}

bool dist_queue_end(struct dist_queue *queue, int result)
{
	bool wake;

	pthread_mutex_lock(&queue->lock);
	queue->ended = true;
	queue->result = result;
	wake = queue->hungry;
	queue->hungry = false;
	pthread_mutex_unlock(&queue->lock);
	return wake;
}

int64_t dist_queue_take(struct dist_queue *queue, uint8_t *out, size_t cap, bool *more)
{
	size_t taken = 0;
	int64_t result;

	pthread_mutex_lock(&queue->lock);
	while (taken < cap && queue->first) {
		struct dist_chunk *chunk = queue->first;
		size_t n = chunk->len - chunk->at < cap - taken ? chunk->len - chunk->at : cap - taken;

		memcpy(out + taken, chunk->data + chunk->at, n);
		taken += n;
		chunk->at += n;
		if (chunk->at == chunk->len)
			drop_first(queue);
	}
	queue->bytes -= taken;
	*more = queue->full && queue->bytes <= LOW;
	if (*more)
		queue->full = false;
	queue->hungry = taken == 0 && !queue->ended;
	result = taken > 0 ? (int64_t)taken : queue->ended ? queue->result : PONTO_EBUSY;
	pthread_mutex_unlock(&queue->lock);
	return result;
}

void dist_queue_untold(struct dist_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->full = true;
	pthread_mutex_unlock(&queue->lock);
}
