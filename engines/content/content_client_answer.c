/* Content: what servers answer to the fetching side, and what becomes of the blocks they sent. */
#include "engines/content/content_client_private.h"

#include <string.h>

/* What is spoken: the requests of version 1.0, which the second version has too. */
static const struct content_version spoken[] = {{1, 0}, {2, 0}};

/* Its own message, if the server speaks any version that is spoken here (3.1.5.1). */
static bool renegotiate(struct server *server, const struct content_nego *nego)
{
	if (server->negotiated || content_version_pick(spoken, PONTO_ARRAY_SIZE(spoken), nego->least, nego->most,
						       &server->version) != PONTO_OK)
		return false;
	server->negotiated = true;
	return true;
}

/* A server without a common version is dropped everywhere. */
static void drop_everywhere(struct content_client *c, const struct ponto_addr *addr)
{
	struct ponto_addr copy = *addr; /* may lie in what is dropped */

	for (struct segment *s = c->segments; s; s = s->next)
		content_client_drop_server(c, s, &copy);
}

static bool list_fits(const struct content_request *r, const struct content_blklist *list)
{
	struct content_message asked;
	struct content_blocks both;
	int result = content_request_decode(ponto_bytes(r->body, r->len), 1, UINT16_MAX, &asked);

	if (result != PONTO_OK || !content_id_equal(&list->id, &r->segment->id))
		return false;
	both = list->blocks;
	content_blocks_keep(&both, &asked.wanted.blocks);
	return content_blocks_count(&list->blocks) == 0 || content_blocks_count(&both) > 0;
}

/* What the server did not list it lacks. */
static void take_list(struct server *server, const struct content_blklist *list)
{
	memset(&server->lacks, 0xff, sizeof(server->lacks));
	content_blocks_drop(&server->lacks, &list->blocks);
	server->listed = true;
	server->strikes = 0;
}

/* 1: there is a block to open. 0: an empty one. Negative: neither. */
static int take_block(struct content_request *r, const struct content_message *m, struct content_open *open)
{
	struct segment *s = r->segment;
	uint32_t size = content_block_size(s->algo, s->size, r->index);

	if (!content_id_equal(&m->blk.id, &s->id) || m->blk.index != r->index)
		return PONTO_EPROTO;
	if (m->blk.data.len == 0)
		return 0;
	/* How long the last one is the description says, which may be wrong; then he has none such. */
	if (m->blk.data.len < size)
		return s->relayed || r->index + 1 < content_segment_blocks(s->algo, s->size) ? PONTO_EPROTO : 0;
	/* Of one that stays closed nothing but its length tells that it can be the block (PKCS#7 adds up to 16). */
	if (s->relayed && m->blk.data.len > size + (m->crypto == CONTENT_PLAIN ? 0 : CONTENT_IV))
		return PONTO_EPROTO;
	open->relayed = s->relayed;
	open->bound = s->bound;
	if (!s->relayed)
		memcpy(open->wanted, s->hashes + r->index * content_hash_size(s->algo), content_hash_size(s->algo));
	memcpy(r->key, s->kp, sizeof(r->key));
	open->tag = s->tag;
	open->index = r->index;
	open->algo = s->algo;
	open->size = size;
	open->crypto = (enum content_crypto)m->crypto;
	open->key = ponto_bytes(r->key, content_key_size(open->crypto));
	open->data = m->blk.data;
	memcpy(open->iv, m->blk.iv, sizeof(open->iv));
	return 1;
}

/* The answer to a request of a session that is on. 1: to be opened; 0: settled; negative: the server is no good. */
static int take_answer(struct content_client *c, uint64_t now, struct content_request *r, struct ponto_bytes body,
		       struct content_open *open)
{
	struct server *server = content_client_server(r->segment, &r->addr);
	struct content_message m;
	int result = content_response_decode(body, &m);

	if (result != PONTO_OK)
		return result;
	if (m.type == CONTENT_NEGO_RESP) {
		if (renegotiate(server, &m.nego))
			return 0;
		drop_everywhere(c, &r->addr);
		return 0;
	}
	server->until = now + c->config.server_lifetime;
	if (m.type == CONTENT_BLKLIST && r->type == CONTENT_GETBLKLIST && list_fits(r, &m.blklist)) {
		take_list(server, &m.blklist);
		return 0;
	}
	if (m.type != CONTENT_BLK || r->type != CONTENT_GETBLKS)
		return PONTO_EPROTO;
	result = take_block(r, &m, open);
	if (result == 0) {
		content_blocks_add(&server->lacks, r->index, 1);
		c->stats.absent++;
	}
	return result;
}

/* Gives the block back and the server free, and forgets the request. */
static void settle(struct content_client *c, uint64_t now, struct content_request *r)
{
	if (r->segment) {
		r->stage = STAGE_SENT;
		content_client_abandon(c, r);
	}
	content_client_forget_request(c, r);
	content_client_schedule_all(c, now);
}

int content_client_response(struct content_client *client, uint64_t now, struct content_request *request, int result,
			    struct ponto_bytes body, struct content_open *open)
{
	struct segment *s = request->segment;

	if (s && result == PONTO_OK) {
		result = take_answer(client, now, request, body, open);
		if (result == 1) {
			request->stage = STAGE_OPENING;
			return 1;
		}
		client->stats.malformed += result < 0;
	}
	/* Only its silence may be forgiven, and that is for the clock to tell. */
	if (s && result < 0) {
		content_client_drop_server(client, s, &request->addr);
		request->segment = NULL;
	}
	settle(client, now, request);
	return 0;
}

int content_client_opened(struct content_client *client, uint64_t now, struct content_request *request, int result,
			  const uint8_t *hash)
{
	struct segment *s = request->segment;
	struct server *server = s ? content_client_server(s, &request->addr) : NULL;
	size_t size = s ? content_hash_size(s->algo) : 0;
	int right = 0;

	if (s && result == PONTO_OK &&
	    (s->relayed || memcmp(hash, s->hashes + request->index * size, size) == 0)) {
		content_blocks_remove(&s->left, request->index);
		s->deadline = now + client->config.session_timeout;
		if (server)
			server->strikes = 0;
		client->stats.blocks++;
		right = 1;
	} else if (s) {
		client->stats.wrong++;
		content_client_drop_server(client, s, &request->addr);
		request->segment = NULL;
	}
	settle(client, now, request);
	return right;
}
