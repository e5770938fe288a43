/* A branch of 500 nodes, both sides of the Retrieval Protocol in virtual time: some go, some come back, some lie.
 * Finding each other is short-cut (whoever holds something and is there is found, 16 at most); everything else is what
 * engines say. Blocks are told apart by their first byte, which is all that is hashed. */
#include "engines/content/content_client.h"
#include "engines/content/content_server.h"
#include "tests/support/test.h"

#include <stdio.h>

#define NODES 500
#define SEGMENTS 3
#define BLOCKS 10
#define WANTED (SEGMENTS * BLOCKS)
#define SESSION_BLOCKS 5 /* fetched in one go */

enum kind { JOIN, FOUND, SEARCHED, ARRIVE, LOST, ANSWER, ORIGIN, TICK, LEAVE, RETURN };

struct event {
	uint64_t at;
	uint8_t kind;
	uint16_t node, other;
	uint8_t segment;
	uint32_t life; /* of node: an event of an earlier one means nothing */
	struct content_request *request;
	uint8_t *body;
	size_t len;
	struct content_blocks blocks;
};

struct node {
	struct content_client *client;
	struct content_server *server;
	bool there, liar, done;
	uint32_t life; /* one more with each coming and going */
	uint64_t tick;
	struct content_blocks held[SEGMENTS];
	unsigned accepted, from_origin;
};

struct world {
	struct ponto_test_random random;
	uint64_t now;
	struct event *heap;
	size_t count, cap;
	struct node nodes[NODES];
	struct content_segment segments[SEGMENTS];
	struct content_id ids[SEGMENTS];
	uint8_t hashes[SEGMENTS][BLOCKS * 32];
	uint64_t received, useless, wrong, origin;
};

static struct world world;

static uint64_t below(uint64_t n)
{
	return ponto_random_below(&world.random.random, n);
}

/* ---- events ---------------------------------------------------------------------------- */

static void swap(size_t a, size_t b)
{
	struct event e = world.heap[a];

	world.heap[a] = world.heap[b];
	world.heap[b] = e;
}

static void push(struct event e)
{
	size_t at = world.count;

	if (world.count == world.cap) {
		world.cap = world.cap ? 2 * world.cap : 1024;
		world.heap = realloc(world.heap, world.cap * sizeof(*world.heap));
		assert_non_null(world.heap);
	}
	world.heap[world.count++] = e;
	for (; at > 0 && world.heap[(at - 1) / 2].at > world.heap[at].at; at = (at - 1) / 2)
		swap(at, (at - 1) / 2);
}

static struct event pop(void)
{
	struct event first = world.heap[0];
	size_t at = 0, child;

	world.heap[0] = world.heap[--world.count];
	while ((child = 2 * at + 1) < world.count) {
		if (child + 1 < world.count && world.heap[child + 1].at < world.heap[child].at)
			child++;
		if (world.heap[at].at <= world.heap[child].at)
			break;
		swap(at, child);
		at = child;
	}
	return first;
}

static void later(uint64_t delay, uint8_t kind, unsigned node, unsigned segment)
{
	push((struct event){.at = world.now + delay,
			    .kind = kind,
			    .node = (uint16_t)node,
			    .segment = (uint8_t)segment,
			    .life = world.nodes[node].life});
}

/* ---- nodes ------------------------------------------------------------------------------- */

static struct ponto_addr addr_of(unsigned node)
{
	struct ponto_addr addr = {{10, 0, (uint8_t)(node >> 8), (uint8_t)node}, 0, 80, PONTO_FAMILY_IPV4, 0};

	return addr;
}

static unsigned node_at(const struct ponto_addr *addr)
{
	return (unsigned)addr->ip[2] << 8 | addr->ip[3];
}

static void start_node(unsigned i)
{
	struct node *n = &world.nodes[i];
	struct content_client_config client = content_client_defaults(&ponto_alloc_system);
	struct content_server_config server = {
		.alloc = &ponto_alloc_system,
		.limit = CONTENT_SERVER_LIMIT,
		.timeout = CONTENT_UPLOAD_TIMEOUT,
		.crypto = CONTENT_PLAIN,
		.most = 2,
	};

	n->there = true;
	n->life++;
	assert_ok(content_client_create(&client, &n->client));
	assert_ok(content_server_create(&server, &n->server));
}

static unsigned left_of(const struct node *n)
{
	unsigned left = WANTED;

	for (unsigned s = 0; s < SEGMENTS; s++)
		left -= content_blocks_count(&n->held[s]);
	return left;
}

/* The next few blocks of the first segment that is not whole. */
static void fetch(unsigned i)
{
	struct node *n = &world.nodes[i];

	for (unsigned s = 0; s < SEGMENTS; s++) {
		struct content_blocks want = {{0}};
		unsigned taken = 0;
		int result;

		for (uint32_t b = 0; b < BLOCKS && taken < SESSION_BLOCKS; b++) {
			if (!content_blocks_has(&n->held[s], b)) {
				content_blocks_add(&want, b, 1);
				taken++;
			}
		}
		if (taken == 0)
			continue;
		result = content_client_add(n->client, world.now, CONTENT_SHA256, &world.segments[s], &want, s);
		assert_true(result == PONTO_OK || result == PONTO_EEXIST);
		return;
	}
	n->done = true;
}

/* Whoever goes, goes in the middle of everything: what was under way ends unanswered, on both sides. */
static void leave(unsigned i)
{
	struct node *n = &world.nodes[i];
	struct content_open open;

	for (size_t k = 0; k < world.count; k++) {
		struct event *e = &world.heap[k];

		if (e->node != i || !e->request)
			continue;
		(void)content_client_response(n->client, world.now, e->request, PONTO_ECLOSED, ponto_bytes(NULL, 0),
					      &open);
		e->request = NULL;
	}
	content_client_destroy(n->client);
	content_server_destroy(n->server);
	n->client = NULL;
	n->server = NULL;
	n->there = false;
	n->life++;
}

static void search(unsigned i, unsigned s)
{
	unsigned first = (unsigned)below(NODES), told = 0;

	for (unsigned k = 0; k < NODES && told < CONTENT_SERVERS_MAX; k++) {
		unsigned other = (first + k) % NODES;

		if (other == i || !world.nodes[other].there || content_blocks_count(&world.nodes[other].held[s]) == 0)
			continue;
		push((struct event){.at = world.now + PONTO_MS * (2 + below(65)),
				    .kind = FOUND,
				    .node = (uint16_t)i,
				    .other = (uint16_t)other,
				    .segment = (uint8_t)s,
				    .life = world.nodes[i].life});
		told++;
	}
	later(CONTENT_REQUEST_TIMEOUT / 4, SEARCHED, i, s);
}

/* ---- exchanges --------------------------------------------------------------------------- */

static void pump_client(unsigned i)
{
	struct node *n = &world.nodes[i];
	struct content_client_effect e;
	uint64_t deadline;

	while (content_client_effect(n->client, world.now, &e)) {
		struct event event = {
			.at = world.now + PONTO_MS * (1 + below(4)), .node = (uint16_t)i, .life = n->life};

		switch (e.kind) {
		case CONTENT_CLIENT_PROBE:
			search(i, (unsigned)e.tag);
			break;
		case CONTENT_CLIENT_REQUEST:
			event.kind = ARRIVE;
			event.other = (uint16_t)node_at(&e.addr);
			event.request = e.request;
			event.body = malloc(e.body.len);
			assert_non_null(event.body);
			memcpy(event.body, e.body.data, e.body.len);
			event.len = e.body.len;
			push(event);
			break;
		case CONTENT_CLIENT_CANCEL: {
			struct content_open open;

			/* The answer that may still come finds nobody: the request is told apart by its life. */
			(void)content_client_response(n->client, world.now, e.request, PONTO_ETIME,
						      ponto_bytes(NULL, 0), &open);
			for (size_t k = 0; k < world.count; k++) {
				if (world.heap[k].request == e.request && world.heap[k].node == i)
					world.heap[k].request = NULL;
			}
			break;
		}
		default:
			event.kind = ORIGIN;
			event.segment = (uint8_t)e.tag;
			event.blocks = e.missing;
			event.at = world.now + PONTO_MS * (1 + 40 * content_blocks_count(&e.missing));
			push(event);
			break;
		}
	}
	deadline = content_client_deadline(n->client);
	if (deadline != PONTO_NEVER && (n->tick <= world.now || deadline < n->tick)) {
		n->tick = deadline;
		later(deadline - world.now, TICK, i, 0);
	}
}

/* A block that is one: its first byte says which. */
static void write_block(const struct node *n, const struct content_blk *blk, unsigned s, uint8_t *buf, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, CONTENT_BLOCK + 200);
	uint8_t *room = content_blk_open(&w, blk, CONTENT_PLAIN, CONTENT_BLOCK);

	assert_non_null(room);
	room[0] = (uint8_t)(1 + s * BLOCKS + blk->index);
	if (n->liar && below(2) == 0)
		room[0] ^= 0x80;
	content_blk_close(&w, CONTENT_PLAIN, CONTENT_BLOCK, blk->iv);
	assert_ok(ponto_writer_done(&w, len));
}

static unsigned segment_named(const struct content_id *id)
{
	unsigned s = 0;

	while (s < SEGMENTS && !content_id_equal(id, &world.ids[s]))
		s++;
	return s;
}

/* What other answers to one request, as bytes. gives */
static uint8_t *serve(unsigned other, const struct event *e, size_t *len)
{
	struct node *n = &world.nodes[other];
	struct ponto_addr from = addr_of(e->node);
	struct content_server_effect f;
	struct content_serving *v;
	uint8_t *out = malloc(CONTENT_BLOCK + 200);

	assert_non_null(out);
	assert_ok(content_server_input(n->server, world.now, &from, ponto_bytes(e->body, e->len), NULL, &v));
	while (content_server_effect(n->server, &f)) {
		struct ponto_reader r = ponto_reader(f.ids.bytes);
		struct content_held held = {{{0}}, 0};
		struct content_id id;
		unsigned s;

		if (f.kind == CONTENT_SERVER_ANSWER) {
			assert_true(f.body.len <= CONTENT_BLOCK);
			memcpy(out, f.body.data, f.body.len);
			*len = f.body.len;
			break;
		}
		assert_true(content_ids_next(&r, &id));
		s = segment_named(&id);
		if (f.kind == CONTENT_SERVER_SERVE) {
			write_block(n, &f.blk, s, out, len);
			assert_ok(content_server_served(n->server, v, PONTO_OK));
			break;
		}
		if (s < SEGMENTS)
			held.blocks = n->held[s];
		if (n->liar) /* claims all */
			content_blocks_add(&held.blocks, 0, BLOCKS);
		assert_ok(content_server_held(n->server, v, &held, 1));
	}
	content_server_done(n->server, v);
	return out;
}

static void arrive(struct event *e)
{
	struct node *n = &world.nodes[e->other];

	if (e->request && n->there) {
		uint8_t *request = e->body;

		e->body = serve(e->other, e, &e->len);
		free(request);
		e->kind = ANSWER;
		e->at = world.now + PONTO_MS * (1 + below(4)) + e->len / 100; /* 100 MB/s */
		push(*e);
		return;
	}
	free(e->body);
	e->body = NULL;
	if (!e->request)
		return;
	/* Nobody there: the request stays open until its sender gives it up. */
	e->kind = LOST;
	e->at = world.now + 60 * PONTO_SECOND;
	push(*e);
}

static void answered(struct event *e)
{
	struct node *n = &world.nodes[e->node];
	struct content_open open;
	uint8_t hash[CONTENT_HASH_MAX];
	unsigned index;

	world.received += e->len > CONTENT_BLOCK;
	if (!e->request || !n->there || e->life != n->life) {
		world.useless += e->len > CONTENT_BLOCK;
		free(e->body);
		return;
	}
	if (content_client_response(n->client, world.now, e->request, PONTO_OK, ponto_bytes(e->body, e->len), &open) ==
	    1) {
		struct ponto_bytes first = ponto_bytes(open.data.data, 1);

		content_hash(CONTENT_SHA256, &first, 1, hash);
		index = open.index;
		if (content_client_opened(n->client, world.now, e->request, PONTO_OK, hash) == 1) {
			assert_int_equal(*first.data, 1 + open.tag * BLOCKS + index);
			assert_false(content_blocks_has(&n->held[open.tag], index));
			content_blocks_add(&n->held[open.tag], index, 1);
			n->accepted++;
		} else {
			world.wrong++;
		}
	}
	free(e->body);
	pump_client(e->node);
}

static void origin(const struct event *e)
{
	struct node *n = &world.nodes[e->node];
	uint32_t count = content_blocks_count(&e->blocks);

	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (!content_blocks_has(&e->blocks, b))
			continue;
		assert_false(content_blocks_has(&n->held[e->segment], b));
		content_blocks_add(&n->held[e->segment], b, 1);
	}
	n->from_origin += count;
	world.origin += count;
	fetch(e->node);
	pump_client(e->node);
}

static void happens(struct event *e)
{
	struct node *n = &world.nodes[e->node];
	struct ponto_addr other = addr_of(e->other);
	bool valid = n->there && e->life == n->life;

	switch (e->kind) {
	case JOIN:
	case RETURN:
		start_node(e->node);
		if (!n->liar)
			fetch(e->node);
		pump_client(e->node);
		break;
	case LEAVE:
		leave(e->node);
		break;
	case ARRIVE:
		arrive(e);
		break;
	case ANSWER:
		answered(e);
		break;
	case LOST:
		assert_null(e->request);
		break;
	default:
		if (!valid)
			break;
		if (e->kind == FOUND)
			content_client_found(n->client, world.now, &world.ids[e->segment], &other);
		else if (e->kind == SEARCHED)
			content_client_searched(n->client, world.now, &world.ids[e->segment]);
		else if (e->kind == TICK)
			content_client_advance(n->client, world.now);
		else
			origin(e);
		pump_client(e->node);
		break;
	}
}

/* ---- the branch ----------------------------------------------------------------------------- */

static void make_content(void)
{
	for (unsigned s = 0; s < SEGMENTS; s++) {
		struct content_segment *segment = &world.segments[s];

		for (unsigned b = 0; b < BLOCKS; b++) {
			uint8_t first = (uint8_t)(1 + s * BLOCKS + b), hash[CONTENT_HASH_MAX];
			struct ponto_bytes part = ponto_bytes(&first, 1);

			content_hash(CONTENT_SHA256, &part, 1, hash);
			memcpy(world.hashes[s] + b * 32, hash, 32);
		}
		segment->size = BLOCKS * CONTENT_BLOCK;
		segment->block_hashes = ponto_bytes(world.hashes[s], sizeof(world.hashes[s]));
		content_hash(CONTENT_SHA256, &segment->block_hashes, 1, segment->hod);
		segment->kp[0] = (uint8_t)s;
		content_segment_id(CONTENT_SHA256, segment->kp, segment->hod, &world.ids[s]);
	}
}

static void run(uint64_t seed)
{
	memset(&world, 0, sizeof(world));
	ponto_test_random_init(&world.random, seed);
	world.now = PONTO_SECOND;
	make_content();
	for (unsigned i = 0; i < NODES; i++) {
		uint64_t joins = below(60) * PONTO_SECOND + below(PONTO_SECOND);

		world.nodes[i].liar = i % 10 == 9;
		later(joins, JOIN, i, 0);
		if (i % 5 == 1)
			later(joins + PONTO_MS * (1 + below(4000)), LEAVE, i, 0);
		if (i % 10 == 1)
			later(joins + PONTO_MS * (4001 + below(4000)), RETURN, i, 0);
		if (world.nodes[i].liar)
			content_blocks_add(&world.nodes[i].held[below(SEGMENTS)], 0, BLOCKS);
	}
	while (world.count > 0) {
		struct event e = pop();

		assert_true(e.at >= world.now);
		world.now = e.at;
		happens(&e);
	}
}

static void check(uint64_t seed)
{
	uint64_t downloads = 0;

	run(seed);
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &world.nodes[i];

		if (n->liar || !n->there)
			continue;
		assert_int_equal(left_of(n), 0);
		assert_true(n->done);
		downloads++;
	}
	printf("# seed %u: %u downloads, %u blocks from peers, %u useless, %u wrong, %u from the content server\n",
	       (unsigned)seed, (unsigned)downloads, (unsigned)world.received, (unsigned)world.useless,
	       (unsigned)world.wrong, (unsigned)world.origin);
	for (unsigned i = 0; i < NODES; i++) {
		if (world.nodes[i].there)
			leave(i);
	}
	assert_true(downloads >= 390);
	/* Duplicate traffic below 5 %, and the line to the content server relieved of nearly all. */
	assert_true(world.useless * 20 < world.received);
	assert_true(world.origin * 10 < downloads * WANTED);
	free(world.heap);
}

static void a_branch(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-493", "DIST-499");
	for (uint64_t seed = 1; seed <= 2; seed++)
		check(seed);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_branch),
};

PONTO_TEST_MAIN(tests)
