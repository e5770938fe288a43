#include "engines/content/content_client_private.h"

#include <assert.h>
#include <string.h>

struct content_client_config content_client_defaults(const struct ponto_alloc *alloc)
{
	return (struct content_client_config){alloc,
					      CONTENT_REQUEST_TIMEOUT,
					      CONTENT_SESSION_TIMEOUT,
					      CONTENT_EMPTY_LIFETIME,
					      CONTENT_SERVER_LIFETIME,
					      CONTENT_SERVERS_MAX,
					      CONTENT_STRIKES,
					      64,
					      64,
					      1024,
					      256};
}

int content_client_create(const struct content_client_config *config, struct content_client **out)
{
	struct content_client *c;

	if (config->request_timeout < CONTENT_REQUEST_TIMEOUT_MIN ||
	    config->request_timeout > CONTENT_REQUEST_TIMEOUT_MAX || config->servers == 0 ||
	    config->servers > CONTENT_SERVERS_MAX || config->strikes == 0 || config->strikes > 100 ||
	    config->sessions == 0 || config->requests == 0 || config->segments < config->sessions ||
	    config->session_timeout > UINT32_MAX * PONTO_MS)
		return PONTO_EINVAL;
	c = ponto_new(config->alloc, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->config = *config;
	c->requests_end = &c->requests;
	*out = c;
	return PONTO_OK;
}

/* ---- requests ------------------------------------------------------------------------ */

void content_client_forget_request(struct content_client *c, struct content_request *r)
{
	struct content_request **at = &c->requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (c->requests_end == &r->next)
		c->requests_end = at;
	c->request_count--;
	ponto_wipe(r->key, sizeof(r->key));
	ponto_free(c->config.alloc, r);
}

struct server *content_client_server(struct segment *s, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (ponto_addr_equal(&s->servers[i].addr, addr))
			return &s->servers[i];
	}
	return NULL;
}

/* The session no longer waits for it. One that was not told is gone, others are broken off. */
void content_client_abandon(struct content_client *c, struct content_request *r)
{
	struct server *server = r->segment ? content_client_server(r->segment, &r->addr) : NULL;

	if (r->segment)
		r->segment->heard = true;
	if (r->segment && r->type == CONTENT_GETBLKS)
		content_blocks_remove(&r->segment->busy, r->index);
	if (server)
		server->busy = false;
	r->segment = NULL;
	if (r->stage == STAGE_NEW)
		content_client_forget_request(c, r);
	else if (r->stage == STAGE_SENT)
		r->stage = STAGE_CANCEL;
}

static void abandon_all(struct content_client *c, const struct segment *s, const struct ponto_addr *addr)
{
	for (struct content_request *r = c->requests, *next; r; r = next) {
		next = r->next;
		if (r->segment == s && (!addr || ponto_addr_equal(&r->addr, addr)))
			content_client_abandon(c, r);
	}
}

void content_client_drop_server(struct content_client *c, struct segment *s, const struct ponto_addr *addr)
{
	struct server *server = content_client_server(s, addr);

	if (!server)
		return;
	abandon_all(c, s, addr);
	c->stats.dropped++;
	s->heard = true;
	memmove(server, server + 1, (size_t)(s->servers + s->count - (server + 1)) * sizeof(*server));
	s->count--;
}

static int send(struct content_client *c, uint64_t now, struct segment *s, struct server *server, uint8_t type,
		const struct content_blocks *blocks, uint32_t index)
{
	struct content_message m = {.type = type, .crypto = CONTENT_AES_128, .version = server->version};
	struct content_request *r = ponto_new(c->config.alloc, 1, sizeof(*r));
	int result;

	if (!r)
		return PONTO_ENOMEM;
	m.wanted.id = s->id;
	m.wanted.blocks = *blocks;
	result = content_encode(&m, r->body, sizeof(r->body), &r->len);
	assert(result == PONTO_OK);
	(void)result;
	r->segment = s;
	r->addr = server->addr;
	r->type = type;
	r->index = index;
	r->deadline = now + c->config.request_timeout;
	*c->requests_end = r;
	c->requests_end = &r->next;
	c->request_count++;
	c->stats.requests++;
	server->busy = true;
	if (type == CONTENT_GETBLKS)
		content_blocks_add(&s->busy, index, 1);
	return PONTO_OK;
}

/* ---- sessions ------------------------------------------------------------------------- */

static struct segment *segment_named(const struct content_client *c, const struct content_id *id)
{
	for (struct segment *s = c->segments; s; s = s->next) {
		if (content_id_equal(&s->id, id))
			return s;
	}
	return NULL;
}

/* Into its place in the list. */
static void file_segment(struct content_client *c, struct segment *s)
{
	struct segment **at = &c->segments;

	while (*at && !s->active && (*at)->active)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
}

static void set_active(struct content_client *c, struct segment *s, bool active)
{
	struct segment **at = &c->segments;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->active = active;
	file_segment(c, s);
}

static void end_session(struct content_client *c, struct segment *s)
{
	if (!s->active || s->ended)
		return;
	abandon_all(c, s, NULL);
	s->ended = true;
	if (s->probe) /* nobody was asked yet */
		s->probe = s->searching = false;
	ponto_free(c->config.alloc, s->hashes);
	s->hashes = NULL;
	ponto_wipe(s->kp, sizeof(s->kp));
}

/* What could be asked of a server now. */
static struct content_blocks askable(const struct segment *s, const struct server *server)
{
	struct content_blocks set = s->left;

	content_blocks_drop(&set, &s->busy);
	content_blocks_drop(&set, &server->lacks);
	return set;
}

/* Four or more in a row are worth a list first (3.1.4.3). */
static bool wants_list(const struct content_blocks *set)
{
	uint32_t index = 0, count = 0;

	while (content_blocks_run(set, index + count, &index, &count)) {
		if (count > CONTENT_SIMPLE_MAX)
			return true;
	}
	return false;
}

/* Gives a free server work: true if it has any now, or will have. */
static bool employ(struct content_client *c, uint64_t now, struct segment *s, struct server *server)
{
	struct content_blocks set = askable(s, server), one = {{0}};
	uint32_t index = content_blocks_next(&set, 0);

	if (server->busy)
		return true;
	if (index == CONTENT_BLOCKS_MAX)
		return false;
	if (c->request_count >= c->config.requests)
		return true;
	if (!server->listed && wants_list(&set))
		return send(c, now, s, server, CONTENT_GETBLKLIST, &set, 0) == PONTO_OK;
	content_blocks_add(&one, index, 1);
	return send(c, now, s, server, CONTENT_GETBLKS, &one, index) == PONTO_OK;
}

static void schedule(struct content_client *c, uint64_t now, struct segment *s)
{
	bool hope = s->searching;

	if (!s->active || s->ended)
		return;
	for (unsigned i = 0; i < s->count; i++)
		hope |= employ(c, now, s, &s->servers[i]);
	if (!hope || content_blocks_count(&s->left) == 0)
		end_session(c, s);
}

/* What everyone lacks, as far as it was not told yet. */
static bool take_lacked(struct segment *s, struct content_blocks *out)
{
	memset(out, 0, sizeof(*out));
	if (!s->heard || !s->active || s->ended || s->searching || s->relayed || s->count == 0)
		return false;
	s->heard = false;
	*out = s->left;
	content_blocks_drop(out, &s->busy);
	content_blocks_drop(out, &s->lacked);
	for (unsigned i = 0; i < s->count; i++)
		content_blocks_keep(out, &s->servers[i].lacks);
	for (uint32_t i = 0, n; content_blocks_run(out, i, &i, &n); i += n)
		content_blocks_add(&s->lacked, i, n);
	return content_blocks_count(out) > 0;
}

void content_client_schedule_all(struct content_client *c, uint64_t now)
{
	for (struct segment *s = c->segments; s && s->active; s = s->next)
		schedule(c, now, s);
}

/* Too many searches of late: the network is left alone (2.8.2.3.2). */
static bool may_probe(struct content_client *c, uint64_t now)
{
	if (now / PONTO_SECOND != c->window) {
		c->window = now / PONTO_SECOND;
		c->in_window = 0;
	}
	return c->in_window < c->config.probes;
}

static void forget_old_servers(struct content_client *c, uint64_t now, struct segment *s)
{
	for (unsigned i = s->count; i > 0; i--) {
		if (s->servers[i - 1].until <= now)
			content_client_drop_server(c, s, &s->servers[i - 1].addr);
	}
}

/* Known servers are asked without a search; that nobody has it is believed for a while too. */
static void begin(struct content_client *c, uint64_t now, struct segment *s)
{
	forget_old_servers(c, now, s);
	for (unsigned i = 0; i < s->count; i++) {
		memset(&s->servers[i].lacks, 0, sizeof(s->servers[i].lacks));
		s->servers[i].listed = false;
	}
	if (s->count == 0 && !s->relayed && s->searched <= now && !s->searching && may_probe(c, now)) {
		s->searching = s->probe = true;
		c->in_window++;
		c->stats.probes++;
	}
	schedule(c, now, s);
}

static void free_segment(struct content_client *c, struct segment **at)
{
	struct segment *s = *at;

	*at = s->next;
	c->segment_count--;
	ponto_free(c->config.alloc, s->hashes);
	ponto_free(c->config.alloc, s);
}

/* Makes room for one more: the one longest unused goes. */
static bool make_room(struct content_client *c)
{
	struct segment **oldest = NULL;

	if (c->segment_count < c->config.segments)
		return true;
	for (struct segment **at = &c->segments; *at; at = &(*at)->next) {
		if (!(*at)->active && (!oldest || (*at)->used < (*oldest)->used))
			oldest = at;
	}
	if (oldest)
		free_segment(c, oldest);
	return oldest != NULL;
}

static struct segment *new_segment(struct content_client *c, const struct content_id *id)
{
	struct segment *s = make_room(c) ? ponto_new(c->config.alloc, 1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->id = *id;
	file_segment(c, s);
	c->segment_count++;
	return s;
}

void content_client_destroy(struct content_client *client)
{
	if (!client)
		return;
	for (struct segment *s = client->segments; s; s = s->next)
		end_session(client, s);
	assert(!client->requests);
	while (client->segments)
		free_segment(client, &client->segments);
	ponto_free(client->config.alloc, client);
}

/* Hashes of all blocks up to the last wanted; NULL: one of those wanted is not listed, or no memory (*result). */
static uint8_t *copy_hashes(struct content_client *c, enum content_algo algo, const struct content_segment *segment,
			    const struct content_blocks *blocks, int *result)
{
	size_t size = content_hash_size(algo), count = 0;
	uint8_t *copy;

	*result = PONTO_EINVAL;
	for (uint32_t i = content_blocks_next(blocks, 0); i < CONTENT_BLOCKS_MAX;
	     i = content_blocks_next(blocks, i + 1)) {
		if (i >= content_segment_blocks(algo, segment->size) || content_block_hash(algo, segment, i).len == 0)
			return NULL;
		count = i + 1;
	}
	if (count == 0)
		return NULL;
	copy = ponto_new(c->config.alloc, count, size);
	*result = copy ? PONTO_OK : PONTO_ENOMEM;
	for (uint32_t i = 0; copy && i < count; i++)
		memcpy(copy + i * size, content_block_hash(algo, segment, i).data, size);
	return copy;
}

/* Takes hashes (NULL: relayed), even on failure. */
static int open_session(struct content_client *c, uint64_t now, const struct content_id *id,
			const struct content_segment *segment, enum content_algo algo, uint8_t *hashes,
			const struct content_blocks *blocks, uint64_t tag)
{
	struct segment *s = segment_named(c, id);

	if (!s)
		s = new_segment(c, id);
	if (!s) {
		ponto_free(c->config.alloc, hashes);
		return PONTO_ENOMEM;
	}
	set_active(c, s, true);
	s->ended = false;
	s->used = now;
	s->tag = tag;
	s->algo = algo;
	s->size = segment->size;
	s->relayed = !hashes;
	memcpy(s->kp, segment->kp, sizeof(s->kp));
	s->hashes = hashes;
	s->bound = content_is_v2(algo) || segment->block_hashes.len ==
						  content_segment_blocks(algo, segment->size) * content_hash_size(algo);
	s->left = *blocks;
	memset(&s->busy, 0, sizeof(s->busy));
	memset(&s->lacked, 0, sizeof(s->lacked));
	s->deadline = now + c->config.session_timeout;
	c->session_count++;
	begin(c, now, s);
	return PONTO_OK;
}

/* Whether one more session of a segment may be. */
static int may_open(const struct content_client *c, const struct content_id *id)
{
	const struct segment *s = segment_named(c, id);

	if (s && s->active)
		return PONTO_EEXIST;
	return c->session_count < c->config.sessions ? PONTO_OK : PONTO_EBUSY;
}

int content_client_add(struct content_client *client, uint64_t now, enum content_algo algo,
		       const struct content_segment *segment, const struct content_blocks *blocks, uint64_t tag)
{
	struct content_id id;
	uint8_t *hashes;
	int result;

	content_segment_id(algo, segment->kp, segment->hod, &id);
	result = may_open(client, &id);
	if (result != PONTO_OK)
		return result;
	hashes = copy_hashes(client, algo, segment, blocks, &result);
	if (!hashes)
		return result;
	return open_session(client, now, &id, segment, algo, hashes, blocks, tag);
}

int content_client_relay(struct content_client *client, uint64_t now, const struct content_id *id,
			 enum content_algo algo, uint32_t size, const struct content_blocks *blocks, uint64_t tag)
{
	const struct content_segment segment = {.size = size};
	uint32_t most = content_is_v2(algo) ? CONTENT_SEGMENT_V2_MAX : CONTENT_SEGMENT_V1;
	int result = may_open(client, id);

	if (result != PONTO_OK)
		return result;
	if (size == 0 || size > most || content_blocks_count(blocks) == 0 ||
	    content_blocks_next(blocks, content_segment_blocks(algo, size)) < CONTENT_BLOCKS_MAX)
		return PONTO_EINVAL;
	return open_session(client, now, id, &segment, algo, NULL, blocks, tag);
}

void content_client_stop(struct content_client *client, uint64_t tag)
{
	for (struct segment *s = client->segments; s; s = s->next) {
		if (s->tag == tag)
			end_session(client, s);
	}
}

/* ---- servers --------------------------------------------------------------------------- */

/* Full: whoever has not been heard of for longest makes room, unless he is at work. */
static struct server *place(struct content_client *c, struct segment *s)
{
	struct server *oldest = NULL;

	if (s->count < c->config.servers)
		return &s->servers[s->count++];
	for (unsigned i = 0; i < s->count; i++) {
		struct server *server = &s->servers[i];

		if (!server->busy && (!oldest || server->until < oldest->until))
			oldest = server;
	}
	return oldest;
}

static void meet(struct content_client *c, uint64_t now, struct segment *s, const struct ponto_addr *addr)
{
	struct server *server = content_client_server(s, addr);

	if (!server) {
		server = place(c, s);
		if (!server)
			return;
		memset(server, 0, sizeof(*server));
		server->addr = *addr;
	}
	server->until = now + c->config.server_lifetime;
	schedule(c, now, s);
}

void content_client_found(struct content_client *client, uint64_t now, const struct content_id *id,
			  const struct ponto_addr *addr)
{
	struct segment *s = segment_named(client, id);

	if (s)
		meet(client, now, s, addr);
}

/* Those that are at work stay where they are. */
static void ask_first(struct segment *s, const struct ponto_addr *addr)
{
	struct server *server = s->active ? NULL : content_client_server(s, addr), first = s->servers[0];

	if (!server)
		return;
	s->servers[0] = *server;
	*server = first;
}

void content_client_expect(struct content_client *client, uint64_t now, const struct content_id *id,
			   const struct ponto_addr *addr)
{
	struct segment *s = segment_named(client, id);

	if (!s)
		s = new_segment(client, id);
	if (!s)
		return;
	s->used = now;
	meet(client, now, s, addr);
	ask_first(s, addr);
}

void content_client_forget(struct content_client *client, const struct content_id *id)
{
	struct segment *s = segment_named(client, id);

	while (s && !s->active && s->count > 0)
		content_client_drop_server(client, s, &s->servers[s->count - 1].addr);
}

void content_client_searched(struct content_client *client, uint64_t now, const struct content_id *id)
{
	struct segment *s = segment_named(client, id);

	if (!s)
		return;
	s->searching = false;
	s->heard = true;
	s->searched = now + client->config.empty_lifetime;
	schedule(client, now, s);
}

/* ---- effects and time -------------------------------------------------------------------- */

static bool request_effect(struct content_client *c, uint64_t now, struct content_client_effect *out)
{
	for (struct content_request *r = c->requests; r; r = r->next) {
		if (r->stage != STAGE_NEW && r->stage != STAGE_CANCEL)
			continue;
		memset(out, 0, sizeof(*out));
		out->kind = r->stage == STAGE_NEW ? CONTENT_CLIENT_REQUEST : CONTENT_CLIENT_CANCEL;
		out->request = r;
		out->addr = r->addr;
		out->body = ponto_bytes(r->body, r->len);
		if (r->stage == STAGE_NEW)
			r->deadline = now + c->config.request_timeout;
		r->stage = r->stage == STAGE_NEW ? STAGE_SENT : STAGE_CANCELLED;
		return true;
	}
	return false;
}

int content_client_effect(struct content_client *client, uint64_t now, struct content_client_effect *out)
{
	struct content_blocks missing;

	for (struct segment *s = client->segments; s && s->active; s = s->next) {
		bool lacked = take_lacked(s, &missing);

		if (!s->probe && !s->ended && !lacked)
			continue;
		memset(out, 0, sizeof(*out));
		out->kind = lacked	? CONTENT_CLIENT_LACKED
			    : s->probe	? CONTENT_CLIENT_PROBE
					: CONTENT_CLIENT_ENDED;
		out->id = s->id;
		out->tag = s->tag;
		out->v2 = content_is_v2(s->algo);
		out->missing = missing;
		if (lacked)
			return 1;
		if (s->probe) {
			s->probe = false;
			return 1;
		}
		out->missing = s->left;
		s->ended = false;
		set_active(client, s, false);
		client->session_count--;
		return 1;
	}
	return request_effect(client, now, out);
}

static void overdue(struct content_client *c, struct content_request *r)
{
	struct segment *s = r->segment;
	struct ponto_addr addr = r->addr;
	struct server *server = content_client_server(s, &addr);

	c->stats.timeouts++;
	content_client_abandon(c, r);
	if (server && ++server->strikes >= c->config.strikes)
		content_client_drop_server(c, s, &addr);
}

void content_client_advance(struct content_client *client, uint64_t now)
{
	for (struct content_request *r = client->requests, *next; r; r = next) {
		next = r->next;
		if (r->segment && r->stage == STAGE_SENT && r->deadline <= now)
			overdue(client, r);
	}
	for (struct segment *s = client->segments; s && s->active; s = s->next) {
		if (s->deadline <= now)
			end_session(client, s);
	}
	content_client_schedule_all(client, now);
}

uint64_t content_client_deadline(const struct content_client *client)
{
	uint64_t deadline = PONTO_NEVER;

	for (const struct content_request *r = client->requests; r; r = r->next) {
		if (r->segment && r->stage == STAGE_SENT && r->deadline < deadline)
			deadline = r->deadline;
	}
	for (const struct segment *s = client->segments; s && s->active; s = s->next) {
		if (!s->ended && s->deadline < deadline)
			deadline = s->deadline;
	}
	return deadline;
}

void content_client_stats(const struct content_client *client, struct content_client_stats *out)
{
	*out = client->stats;
}
