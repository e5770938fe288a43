#include "engines/content/content_hosted.h"

#include <string.h>

#include "engines/content/content_hosts.h"
#include "engines/content/content_trust.h"

#define FAILURES 3u			 /* pulls without a block until a host is left alone */
#define IGNORE_FIRST (30 * PONTO_SECOND) /* and for how long, at first; twice as long each time */
#define IGNORE_WRONG (600 * PONTO_SECOND)
#define IGNORE_DOUBTED (3600 * PONTO_SECOND)
#define BUCKETS 1024u

static const uint8_t tags[CONTENT_TAG_OTHER][CONTENT_TAG] = {
	[CONTENT_TAG_WININET] = "WinINet",
	[CONTENT_TAG_WEBIO] = "WebIO",
	[CONTENT_TAG_BITS] = "BITS-4.0",
	[CONTENT_TAG_SMB] = {0x35, 0xdb, 0x04, 0x5d, 0x14, 0x23, 0x45, 0x53, 0xa0, 0x51, 0x0d, 0xc2, 0xe1, 0x5e, 0x6c,
			     0x4c},
};

struct source {
	struct content_host *host;
	struct ponto_addr addr;
	bool told, again; /* again: he has more of it by now */
	uint64_t charged; /* to him who offered it first: bytes */
};

/* A segment to be fetched, or being fetched. */
struct pull {
	struct pull *next, *in_bucket;
	bool active, begun; /* the latter: PULL was told */
	uint8_t mode;	    /* enum content_hosted_mode */
	bool replace;
	uint64_t tag, blocks_came;
	struct content_id id;
	enum content_algo algo;
	uint32_t size;
	uint8_t content_tag[CONTENT_TAG];
	struct content_segment segment;
	uint8_t *list; /* that its block_hashes are a view of */
	struct content_blocks blocks;
	struct source sources[CONTENT_HOSTED_SOURCES];
	uint32_t source_count;
};

struct content_hosted {
	struct content_hosted_config config;
	struct content_hosts hosts;
	struct pull *waiting, **waiting_end, *active;
	struct pull *buckets[BUCKETS];
	struct content_trust *trust; /* in what is relayed */
	uint64_t next_tag, list_bytes;
	struct content_hosted_stats stats;
};

/* A segment as it was offered. */
struct offered {
	const struct content_id *id;
	enum content_algo algo;
	uint32_t size;
	const uint8_t *content_tag;
	const struct content_segment *segment; /* NULL: nothing but the above is known */
};

struct content_hosted_config content_hosted_defaults(const struct ponto_alloc *alloc, uint64_t seed)
{
	return (struct content_hosted_config){
		.alloc = alloc,
		.seed = seed,
		.pulls = 32,
		.pulls_per_client = 8,
		.waiting = 8192,
		.waiting_per_client = 1024,
		.clients = 1024,
		.segments = 4096,
		.lists = 16u << 20,
	};
}

int content_hosted_create(const struct content_hosted_config *config, struct content_hosted **out)
{
	struct content_hosted *h;
	int result;

	if (!config->look || config->pulls == 0 || config->pulls_per_client == 0 || config->waiting == 0 ||
	    config->waiting_per_client == 0 || config->clients == 0 || config->segments == 0)
		return PONTO_EINVAL;
	h = ponto_new(config->alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	h->config = *config;
	h->hosts = (struct content_hosts){
		.alloc = config->alloc, .most = config->clients, .bytes_an_hour = config->bytes_per_client};
	h->waiting_end = &h->waiting;
	result = content_trust_create(config->alloc, config->seed, config->segments, &h->trust);
	if (result != PONTO_OK) {
		ponto_free(config->alloc, h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

static uint32_t bucket_of(const struct content_hosted *h, const struct content_id *id)
{
	return content_id_bucket(id, h->config.seed, BUCKETS);
}

void content_hosted_ration(struct content_hosted *hosted, uint64_t bytes_per_client)
{
	content_hosts_ration(&hosted->hosts, bytes_per_client);
}

/* ---- pulls --------------------------------------------------------------------------- */

static struct pull *find_pull(const struct content_hosted *h, const struct content_id *id, bool active)
{
	struct pull *p = h->buckets[bucket_of(h, id)];

	while (p && (p->active != active || !content_id_equal(&p->id, id)))
		p = p->in_bucket;
	return p;
}

/* Out of its list. */
static void unlink_pull(struct content_hosted *h, struct pull *p)
{
	struct pull **at = p->active ? &h->active : &h->waiting;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (h->waiting_end == &p->next)
		h->waiting_end = at;
	*(p->active ? &h->stats.active : &h->stats.waiting) -= 1;
	p->next = NULL;
}

/* Out of its bucket. */
static void unhash_pull(struct content_hosted *h, struct pull *p)
{
	struct pull **at = &h->buckets[bucket_of(h, &p->id)];

	while (*at != p)
		at = &(*at)->in_bucket;
	*at = p->in_bucket;
}

/* In no list and no bucket any more. */
static void free_pull(struct content_hosted *h, struct pull *p)
{
	for (uint32_t i = 0; i < p->source_count; i++) {
		if (p->active)
			p->sources[i].host->active--;
		else
			p->sources[i].host->waiting--;
	}
	if (p->list)
		h->list_bytes -= p->segment.block_hashes.len;
	ponto_free(h->config.alloc, p->list);
	ponto_wipe(&p->segment, sizeof(p->segment));
	ponto_free(h->config.alloc, p);
}

void content_hosted_destroy(struct content_hosted *hosted)
{
	struct pull *p;

	if (!hosted)
		return;
	while ((p = hosted->waiting) || (p = hosted->active)) {
		unlink_pull(hosted, p);
		unhash_pull(hosted, p);
		free_pull(hosted, p);
	}
	content_trust_destroy(hosted->trust);
	content_hosts_clear(&hosted->hosts);
	ponto_free(hosted->config.alloc, hosted);
}

/* A host's offers that wait are worth nothing any more. */
static void forget_offers(struct content_hosted *h, const struct content_host *host)
{
	for (struct pull *p = h->waiting, *next; p; p = next) {
		next = p->next;
		for (uint32_t i = 0; i < p->source_count; i++) {
			if (p->sources[i].host != host)
				continue;
			p->sources[i].host->waiting--;
			p->sources[i] = p->sources[--p->source_count];
			break;
		}
		if (p->source_count > 0)
			continue;
		unlink_pull(h, p);
		unhash_pull(h, p);
		free_pull(h, p);
	}
}

static void leave_alone(struct content_hosted *h, struct content_host *host, uint64_t until)
{
	content_host_leave_alone(host, until);
	forget_offers(h, host);
}

static void failed(struct content_hosted *h, uint64_t now, struct content_host *host)
{
	if (++host->failures >= FAILURES)
		leave_alone(h, host, now + (IGNORE_FIRST << host->ignored));
}

/* Many say that what he sent is wrong, of this segment or another: he is left alone. A few who say so of somebody
 * honest do him no harm. Only segments of one block tell: of others somebody may have had a part for good reasons. */
static void doubt(struct content_hosted *h, uint64_t now, const struct content_id *id, const struct ponto_addr *by)
{
	struct ponto_addr supplier;
	struct content_host *host;

	if (!content_trust_supplier(h->trust, id, &supplier))
		return;
	host = content_hosts_find(&h->hosts, &supplier);
	if (!host || !content_host_doubted(host, by))
		return;
	h->stats.distrusted++;
	leave_alone(h, host, now + IGNORE_DOUBTED);
}

/* ---- offers -------------------------------------------------------------------------- */

/* One more who has it, while others are asked or wait to be. */
static void add_source(struct pull *p, struct content_host *host, const struct ponto_addr *addr)
{
	for (uint32_t i = 0; i < p->source_count; i++) {
		if (p->sources[i].host == host) {
			p->sources[i].again = p->active;
			return;
		}
	}
	if (p->source_count == CONTENT_HOSTED_SOURCES)
		return;
	p->sources[p->source_count++] = (struct source){.host = host, .addr = *addr};
	if (p->active)
		host->active++;
	else
		host->waiting++;
}

/* What was described is kept until it is fetched. PONTO_ENOMEM: or too much of it waits. */
static int keep_list(struct content_hosted *h, struct pull *p, const struct content_segment *segment)
{
	size_t len = segment->block_hashes.len;

	if (len > h->config.lists - h->list_bytes || h->list_bytes > h->config.lists)
		return PONTO_ENOMEM;
	p->list = ponto_bytes_dup(h->config.alloc, segment->block_hashes);
	if (!p->list)
		return PONTO_ENOMEM;
	h->list_bytes += len;
	p->segment = *segment;
	p->segment.block_hashes = ponto_bytes(p->list, len);
	return PONTO_OK;
}

struct wish {
	uint8_t mode;
	bool replace;
	struct content_blocks blocks;
};

static int enqueue(struct content_hosted *h, struct content_host *host, const struct ponto_addr *addr,
		   const struct offered *offered, const struct wish *wish, uint64_t bytes)
{
	struct pull *p = ponto_new(h->config.alloc, 1, sizeof(*p));

	if (!p)
		return PONTO_ENOMEM;
	p->id = *offered->id;
	p->algo = offered->algo;
	p->size = offered->size;
	p->mode = wish->mode;
	p->replace = wish->replace;
	p->blocks = wish->blocks;
	memcpy(p->content_tag, offered->content_tag, CONTENT_TAG);
	if (wish->mode == CONTENT_HOSTED_DESCRIBED && keep_list(h, p, offered->segment) != PONTO_OK) {
		ponto_free(h->config.alloc, p);
		return PONTO_ENOMEM;
	}
	p->tag = ++h->next_tag;
	p->in_bucket = h->buckets[bucket_of(h, &p->id)];
	h->buckets[bucket_of(h, &p->id)] = p;
	*h->waiting_end = p;
	h->waiting_end = &p->next;
	h->stats.waiting++;
	add_source(p, host, addr);
	p->sources[0].charged = bytes;
	return PONTO_OK;
}

static uint64_t bytes_in(enum content_algo algo, uint32_t size, const struct content_blocks *blocks)
{
	uint64_t bytes = 0;

	for (uint32_t i = content_blocks_next(blocks, 0); i < CONTENT_BLOCKS_MAX;
	     i = content_blocks_next(blocks, i + 1))
		bytes += content_block_size(algo, size, i);
	return bytes;
}

/* Into the queue, or to what is fetched already. */
static void want(struct content_hosted *h, uint64_t now, struct content_host *host, const struct ponto_addr *addr,
		 const struct offered *offered, const struct wish *wish)
{
	struct pull *p = find_pull(h, offered->id, true);
	uint64_t bytes = bytes_in(offered->algo, offered->size, &wish->blocks);

	if (!p || p->mode != wish->mode)
		p = find_pull(h, offered->id, false);
	if (p && !p->replace && !wish->replace && p->mode == wish->mode && p->algo == offered->algo &&
	    p->size == offered->size) {
		add_source(p, host, addr);
		return;
	}
	/* One of a kind waits; what is described comes before what is not. */
	if ((p && !p->active && p->mode == CONTENT_HOSTED_DESCRIBED) || host->waiting >= h->config.waiting_per_client ||
	    h->stats.waiting >= h->config.waiting) {
		h->stats.refused++;
		return;
	}
	if (!content_hosts_charge(&h->hosts, now, host, bytes)) {
		h->stats.rationed++;
	} else if (enqueue(h, host, addr, offered, wish, bytes) != PONTO_OK) {
		content_hosts_give_back(&h->hosts, host, bytes);
		h->stats.refused++;
	}
}

/* So much is left of what was wished: the rest need not be brought. */
static void charge_only(struct content_hosted *h, struct pull *p, uint64_t bytes)
{
	for (uint32_t i = 0; i < p->source_count; i++) {
		struct source *s = &p->sources[i];

		if (s->charged > bytes) {
			content_hosts_give_back(&h->hosts, s->host, s->charged - bytes);
			s->charged = bytes;
		}
	}
}

static bool all_hashes(const struct content_hosted_known *known)
{
	return known->keyed &&
	       (content_is_v2(known->algo) || known->hashes == content_segment_blocks(known->algo, known->size));
}

/* Whether anything is to be fetched of a segment, and how. */
static bool decide(struct content_hosted *h, uint64_t now, const struct ponto_addr *client,
		   const struct offered *offered, struct wish *wish)
{
	bool described = offered->segment && offered->segment->block_hashes.len / content_hash_size(offered->algo) ==
						     content_segment_blocks(offered->algo, offered->size);
	struct content_hosted_known known;
	bool contradicts;

	*wish = (struct wish){.mode = described ? CONTENT_HOSTED_DESCRIBED : CONTENT_HOSTED_RELAYED};
	content_blocks_add(&wish->blocks, 0, content_segment_blocks(offered->algo, offered->size));
	if (!h->config.look(h->config.arg, offered->id, &known))
		return true;
	if (known.keyed) {
		/* Without its hashes nothing can be added to what is verified. */
		if (!described && !all_hashes(&known))
			return false;
		if (!described)
			wish->mode = CONTENT_HOSTED_STORED;
		content_blocks_drop(&wish->blocks, &known.blocks);
		return known.algo == offered->algo && known.size == offered->size &&
		       !content_blocks_is_empty(&wish->blocks);
	}
	if (described) /* replaces all that was relayed */
		return true;
	contradicts = known.algo != offered->algo || known.size != offered->size;
	if (!contradicts) {
		struct content_blocks missing = wish->blocks;

		content_blocks_drop(&missing, &known.blocks);
		if (!content_blocks_is_empty(&missing)) {
			wish->blocks = missing;
			return true;
		}
	}
	if (!content_trust_claims(h->trust, offered->id, client, contradicts))
		return false;
	if (content_is_v2(known.algo))
		doubt(h, now, offered->id, client);
	wish->replace = content_trust_due(h->trust, now, offered->id);
	return wish->replace;
}

static void count_tag(struct content_hosted *h, const uint8_t tag[CONTENT_TAG])
{
	unsigned which = 0;

	while (which < CONTENT_TAG_OTHER && memcmp(tag, tags[which], CONTENT_TAG) != 0)
		which++;
	h->stats.tags[which]++;
}

static void consider(struct content_hosted *h, uint64_t now, struct content_host *host, const struct ponto_addr *addr,
		     const struct offered *offered)
{
	struct wish wish;

	if (decide(h, now, addr, offered, &wish))
		want(h, now, host, addr, offered, &wish);
	else
		h->stats.held++;
}

/* By its name alone: nothing is to be asked of who has it unless its hashes are known (3.1.5.1). */
static enum content_offer_code take_initial(struct content_hosted *h, uint64_t now, struct content_host *host,
					    const struct ponto_addr *addr, const struct content_offer *m)
{
	static const uint8_t no_tag[CONTENT_TAG];
	struct content_hosted_known known;
	struct pull *p = find_pull(h, &m->id, true);

	if (!p || p->mode == CONTENT_HOSTED_RELAYED)
		p = find_pull(h, &m->id, false);
	if (p && p->mode != CONTENT_HOSTED_RELAYED) {
		if (host && !content_host_ignored(host, now))
			add_source(p, host, addr);
		return CONTENT_OFFER_OK;
	}
	if (!h->config.look(h->config.arg, &m->id, &known) || !all_hashes(&known)) {
		h->stats.interested++;
		return CONTENT_OFFER_INTERESTED;
	}
	if (host && !content_host_ignored(host, now)) {
		struct offered offered = {&m->id, known.algo, known.size, no_tag, NULL};

		consider(h, now, host, addr, &offered);
	}
	return CONTENT_OFFER_OK;
}

static void take_segment(struct content_hosted *h, uint64_t now, struct content_host *host,
			 const struct ponto_addr *addr, const struct content_offer *m)
{
	struct offered offered = {&m->id, m->algo, m->segment.size, m->tag, &m->segment};

	count_tag(h, m->tag);
	if (m->described)
		consider(h, now, host, addr, &offered);
	else
		h->stats.unsound++;
}

static void take_batch(struct content_hosted *h, uint64_t now, struct content_host *host, const struct ponto_addr *addr,
		       const struct content_offer *m)
{
	struct content_descriptor d;

	for (uint32_t i = 0; i < m->count; i++) {
		struct offered offered = {.id = &d.id, .content_tag = d.tag};

		content_offer_descriptor(m, i, &d);
		count_tag(h, d.tag);
		offered.size = d.segment_size;
		if (content_descriptor_sound(&d, &offered.algo))
			consider(h, now, host, addr, &offered);
		else
			h->stats.unsound++;
	}
}

int content_hosted_offer(struct content_hosted *hosted, uint64_t now, const struct ponto_addr *client, unsigned version,
			 struct ponto_bytes body, enum content_offer_code *code)
{
	struct content_hosted *h = hosted;
	struct ponto_addr addr = *client;
	struct content_offer m;
	struct content_host *host;
	int result = content_offer_decode(body, version, &m);

	h->stats.messages++;
	if (result != PONTO_OK) {
		h->stats.malformed++;
		return result;
	}
	addr.port = m.port; /* where he serves, on the address that he offers from */
	host = content_hosts_meet(&h->hosts, now, client);
	h->stats.segments += m.type == CONTENT_BATCHED_OFFER ? m.count : m.type == CONTENT_SEGMENT_INFO;
	*code = CONTENT_OFFER_OK;
	if (m.type == CONTENT_INITIAL_OFFER) {
		*code = take_initial(h, now, host, &addr, &m);
		return PONTO_OK;
	}
	if (!host || content_host_ignored(host, now)) {
		*(host ? &h->stats.ignored : &h->stats.refused) += m.type == CONTENT_BATCHED_OFFER ? m.count : 1;
		return PONTO_OK;
	}
	if (m.type == CONTENT_SEGMENT_INFO)
		take_segment(h, now, host, &addr, &m);
	else
		take_batch(h, now, host, &addr, &m);
	return PONTO_OK;
}

/* ---- effects ------------------------------------------------------------------------- */

/* Whether one of its sources may be asked now; he becomes the first. */
static bool ready(const struct content_hosted *h, struct pull *p)
{
	for (uint32_t i = 0; i < p->source_count; i++) {
		struct source first = p->sources[i];

		if (first.host->active >= h->config.pulls_per_client)
			continue;
		p->sources[i] = p->sources[0];
		p->sources[0] = first;
		return !find_pull(h, &p->id, true);
	}
	return false;
}

static void describe(const struct pull *p, struct content_hosted_effect *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = CONTENT_HOSTED_PULL;
	out->mode = p->mode;
	out->replace = p->replace;
	out->tag = p->tag;
	out->id = p->id;
	out->algo = p->algo;
	out->size = p->size;
	memcpy(out->content_tag, p->content_tag, CONTENT_TAG);
	out->segment = p->segment;
	out->blocks = p->blocks;
}

static bool begin_one(struct content_hosted *h, uint64_t now, struct content_hosted_effect *out)
{
	struct pull *p = h->waiting;

	while (p && !ready(h, p))
		p = p->next;
	if (!p)
		return false;
	unlink_pull(h, p);
	p->active = true;
	p->next = h->active;
	h->active = p;
	h->stats.active++;
	h->stats.pulls++;
	describe(p, out);
	for (uint32_t i = 0; i < p->source_count; i++) {
		p->sources[i].host->waiting--;
		p->sources[i].host->active++;
		p->sources[i].told = true;
		out->sources[out->source_count++] = p->sources[i].addr;
	}
	if (p->replace) {
		h->stats.replaced++;
		content_trust_replaced(h->trust, now, &p->id, &p->sources[0].addr);
	}
	return true;
}

int content_hosted_effect(struct content_hosted *hosted, uint64_t now, struct content_hosted_effect *out)
{
	for (struct pull *p = hosted->active; p; p = p->next) {
		for (uint32_t i = 0; i < p->source_count; i++) {
			if (p->sources[i].told)
				continue;
			p->sources[i].told = true;
			describe(p, out);
			out->kind = CONTENT_HOSTED_JOIN;
			out->sources[0] = p->sources[i].addr;
			out->source_count = 1;
			return 1;
		}
	}
	return hosted->stats.active < hosted->config.pulls && begin_one(hosted, now, out);
}

/* ---- what became of it --------------------------------------------------------------- */

static struct offered offered_of(const struct pull *p)
{
	return (struct offered){&p->id, p->algo, p->size, p->content_tag, p->list ? &p->segment : NULL};
}

static struct pull *active_pull(const struct content_hosted *h, uint64_t tag)
{
	struct pull *p = h->active;

	while (p && p->tag != tag)
		p = p->next;
	return p;
}

bool content_hosted_again(struct content_hosted *hosted, uint64_t now, struct content_hosted_effect *pull)
{
	struct pull *p = active_pull(hosted, pull->tag);
	struct offered offered;
	struct wish wish;

	if (!p || p->replace)
		return p;
	offered = offered_of(p);
	/* Who says that it is wrong is heard when he says it again. */
	if (!decide(hosted, now, &p->sources[0].addr, &offered, &wish) || wish.replace) {
		charge_only(hosted, p, 0);
		return false;
	}
	charge_only(hosted, p, bytes_in(p->algo, p->size, &wish.blocks));
	pull->mode = p->mode = wish.mode;
	pull->blocks = p->blocks = wish.blocks;
	return true;
}

void content_hosted_block(struct content_hosted *hosted, uint64_t now, uint64_t tag, const struct ponto_addr *from,
			  uint32_t bytes)
{
	struct pull *p = active_pull(hosted, tag);
	struct content_host *host = content_hosts_find(&hosted->hosts, from);

	if (!p)
		return;
	p->blocks_came++;
	hosted->stats.blocks++;
	hosted->stats.bytes += bytes;
	if (host)
		host->failures = 0;
	if (host && host->ignored > 0 && now >= host->ignored_until)
		host->ignored--;
	if (p->mode == CONTENT_HOSTED_RELAYED)
		content_trust_supplied(hosted->trust, &p->id, from);
}

void content_hosted_served(struct content_hosted *hosted, const struct content_id *id, const struct ponto_addr *to,
			   bool whole)
{
	content_trust_served(hosted->trust, id, to, whole);
}

void content_hosted_wrong(struct content_hosted *hosted, uint64_t now, const struct ponto_addr *from)
{
	struct content_host *host = content_hosts_find(&hosted->hosts, from);

	hosted->stats.wrong++;
	if (host)
		leave_alone(hosted, host, now + IGNORE_WRONG);
}

/* While blocks were fetched of him he got more, and said so. In no list any more. */
static void go_on(struct content_hosted *h, uint64_t now, struct pull *p)
{
	const struct offered offered = offered_of(p);

	for (uint32_t i = 0; i < p->source_count; i++) {
		if (p->sources[i].again && !p->replace && !content_host_ignored(p->sources[i].host, now))
			consider(h, now, p->sources[i].host, &p->sources[i].addr, &offered);
	}
}

void content_hosted_ended(struct content_hosted *hosted, uint64_t now, uint64_t tag, int cause)
{
	struct pull *p = active_pull(hosted, tag);
	struct content_host *hosts[CONTENT_HOSTED_SOURCES];
	uint32_t count = 0;

	if (!p)
		return;
	if (p->blocks_came == 0 && cause == PONTO_EEXIST) {
		hosted->stats.held++;
	} else if (p->blocks_came == 0) {
		hosted->stats.failed++;
		for (uint32_t i = 0; i < p->source_count && cause == PONTO_OK; i++)
			hosts[count++] = p->sources[i].host;
	}
	unlink_pull(hosted, p);
	unhash_pull(hosted, p);
	if (p->blocks_came > 0)
		go_on(hosted, now, p);
	free_pull(hosted, p);
	/* Not before: what waits of them goes. */
	for (uint32_t i = 0; i < count; i++)
		failed(hosted, now, hosts[i]);
}

void content_hosted_stats(const struct content_hosted *hosted, struct content_hosted_stats *out)
{
	*out = hosted->stats;
}
