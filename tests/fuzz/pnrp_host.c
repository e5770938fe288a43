#include "tests/fuzz/pnrp_host.h"

#include "framework/digest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/pnrp_keys.h"

#include <string.h>

/* ---- memory and randomness -------------------------------------------------------- */

/* Before each block: its size, so that all of them can be added up. */
union block {
	size_t size;
	max_align_t align;
};

static void *host_resize(void *ctx, void *old, size_t size)
{
	struct pnrp_host *h = ctx;
	union block *before = old ? (union block *)old - 1 : NULL, *b;
	size_t had = before ? before->size : 0;

	if (++h->made == h->fail_at)
		return NULL;
	b = realloc(before, sizeof(*b) + size);
	FUZZ_REQUIRE(b);
	h->blocks += !before;
	h->bytes += size - had;
	b->size = size;
	return b + 1;
}

static void *host_alloc(void *ctx, size_t size)
{
	return host_resize(ctx, NULL, size);
}

static void host_release(void *ctx, void *old)
{
	struct pnrp_host *h = ctx;
	union block *b = old ? (union block *)old - 1 : NULL;

	if (!b)
		return;
	h->blocks--;
	h->bytes -= b->size;
	free(b);
}

static void host_fill(void *ctx, uint8_t *out, size_t len)
{
	struct pnrp_host *h = ctx;

	for (size_t i = 0; i < len; i++) {
		h->random = h->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(h->random >> 56);
	}
}

/* ---- life ------------------------------------------------------------------------------ */

bool pnrp_host_begin(struct pnrp_host *h, uint64_t now)
{
	h->config.alloc = (struct ponto_alloc){host_alloc, host_resize, host_release, h};
	h->config.random = (struct ponto_random){host_fill, h};
	h->wire = h->config.profile == PNRP_PROFILE_MODERN ? &pnrp_modern : &pnrp_windows;
	h->sent_count = h->answered = h->job_count = h->asked_count = 0;
	if (pnrp_engine_create(&h->config, &h->engine)) {
		FUZZ_REQUIRE(h->fail_at);
		h->engine = NULL;
		return false;
	}
	pnrp_engine_set_wall(h->engine, PNRP_HOST_WALL);
	FUZZ_REQUIRE(pnrp_engine_set_local(h->engine, now, &h->home, 1) == PONTO_OK);
	return true;
}

static void add_received(struct pnrp_host *h)
{
	const struct pnrp_stats *stats = pnrp_engine_stats(h->engine);

	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++)
		h->received[i] += stats->received[i];
}

void pnrp_host_end(struct pnrp_host *h)
{
	if (h->engine)
		add_received(h);
	pnrp_engine_destroy(h->engine);
	h->engine = NULL;
	FUZZ_REQUIRE(h->blocks == 0 && h->bytes == 0);
}

struct ponto_addr pnrp_host_at(const struct pnrp_host *h)
{
	struct pnrp_status status;

	pnrp_engine_status(h->engine, &status);
	return status.local_count > 0 ? status.local[0] : h->home;
}

/* ---- what was asked for ----------------------------------------------------------------------- */

struct pnrp_host_asked *pnrp_host_find(struct pnrp_host *h, uint64_t handle)
{
	for (size_t i = 0; i < h->asked_count; i++)
		if (h->asked[i].handle == handle)
			return &h->asked[i];
	return NULL;
}

struct pnrp_host_asked *pnrp_host_ask(struct pnrp_host *h, uint64_t handle)
{
	struct pnrp_host_asked *a = &h->asked[h->asked_count];

	FUZZ_REQUIRE(handle && !pnrp_host_find(h, handle));
	FUZZ_REQUIRE(h->asked_count < PNRP_HOST_ASKED);
	h->asked_count++;
	memset(a, 0, sizeof(*a));
	a->handle = handle;
	return a;
}

static struct pnrp_host_asked *told_of(struct pnrp_host *h, const struct pnrp_effect *effect, bool registration)
{
	struct pnrp_host_asked *a = pnrp_host_find(h, effect->handle);

	FUZZ_REQUIRE(a && !a->over && a->registration == registration);
	FUZZ_REQUIRE(effect->token == (uint64_t)(a - h->asked));
	return a;
}

/* A name that is told must be the one whose hash is in the ID, and a secured one's key the authority's. */
static void check_match(const struct pnrp_host *h, const struct pnrp_host_asked *a, const struct pnrp_match *match)
{
	unsigned bits = ring_id_common_bits(&match->id, &a->id);
	bool nearest = a->criteria == PNRP_CRITERIA_NEAREST || a->criteria == PNRP_CRITERIA_NEAREST_64;
	uint8_t p2p[PNRP_P2P_ID_SIZE];
	struct pnrp_name name;

	FUZZ_REQUIRE(bits >= pnrp_criteria_bits(a->criteria, a->precision) ||
		     (nearest && bits >= 8 * PNRP_P2P_ID_SIZE));
	FUZZ_REQUIRE(!a->excludes || !ring_id_equal(&a->exclude, &match->id));
	FUZZ_REQUIRE(!match->local || a->include_local);
	FUZZ_REQUIRE(match->publisher_count <= PNRP_SERVICE_ADDRS_MAX);
	FUZZ_REQUIRE(match->endpoint_count <= PNRP_APP_ENDPOINTS_MAX);
	FUZZ_REQUIRE(match->payload.len <= PNRP_PAYLOAD_BYTES * 3 / 2);
	FUZZ_REQUIRE(match->public_key_len == h->wire->key_len);
	FUZZ_REQUIRE(strlen(match->friendly_name) < sizeof(match->friendly_name));
	if (match->secured && !match->delegated)
		FUZZ_REQUIRE(pnrp_key_fits_authority(h->wire, ponto_bytes(match->public_key, match->public_key_len),
						     match->authority));
	if (match->name[0] == '\0')
		return;
	FUZZ_REQUIRE(pnrp_name_parse(match->name, &name) == PONTO_OK && name.secure == match->secured);
	pnrp_p2p_id(h->wire, &name, p2p);
	FUZZ_REQUIRE(memcmp(p2p, match->id.b, sizeof(p2p)) == 0);
}

static void on_registration(struct pnrp_host *h, const struct pnrp_effect *effect)
{
	struct pnrp_host_asked *a = told_of(h, effect, true);

	FUZZ_REQUIRE(effect->registration.state >= PNRP_REGISTRATION_ANNOUNCING &&
		     effect->registration.state <= PNRP_REGISTRATION_GONE);
	a->over = effect->registration.state == PNRP_REGISTRATION_GONE;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static uint64_t sum_of(const struct pnrp_effect *effect)
{
	static const uint8_t key[16];
	bool sign = effect->type == PNRP_EFFECT_SIGN;
	const struct pnrp_item *items = sign ? effect->sign.items : effect->verify.items;
	size_t count = sign ? effect->sign.count : effect->verify.count;
	uint64_t sum = 0;

	FUZZ_REQUIRE(count >= 1 && count <= PNRP_ITEMS_MAX);
	for (size_t i = 0; i < count; i++)
		sum = sum * 31 + ponto_siphash(key, items[i].data) +
		      (sign ? 0 : ponto_siphash(key, items[i].signature));
	if (!sign)
		sum += ponto_siphash(key, effect->verify.public_key) + ponto_siphash(key, effect->verify.chain) +
		       ponto_siphash(key, effect->verify.classifier);
	return sum;
}

/* A delegation is proven by a chain of the one byte, and only of authorities that delegate. */
static int judge_chain(struct ponto_bytes chain)
{
	for (size_t i = 0; i < chain.len; i++)
		if (chain.data[i] != PNRP_HOST_CHAIN_BYTE)
			return PONTO_EAUTH;
	return PONTO_OK;
}

static int judge(const struct pnrp_host *h, const struct pnrp_effect *effect)
{
	uint8_t signature[PNRP_SIGNATURE_MAX];
	int result = judge_chain(effect->verify.chain);

	FUZZ_REQUIRE(effect->verify.public_key.len == h->wire->key_len);
	for (size_t i = 0; i < effect->verify.count && !result; i++) {
		pnrp_test_sign(effect->verify.public_key, effect->verify.items[i].data, signature,
			       h->wire->signature_len);
		if (!ponto_bytes_equal(ponto_bytes(signature, h->wire->signature_len),
				       effect->verify.items[i].signature))
			result = PONTO_EAUTH;
	}
	return result;
}

static void finish_job(struct pnrp_host *h, uint64_t now, const struct pnrp_host_job *job,
		       enum pnrp_host_verdict verdict)
{
	static const int results[] = {0, PONTO_EAUTH, PONTO_EBUSY, 0, 0, PONTO_ENOTSUP};
	uint8_t key[PNRP_KEY_MAX], signature[PNRP_ITEMS_MAX][PNRP_SIGNATURE_MAX];
	struct pnrp_completion c = {.result = results[verdict]};
	const struct pnrp_effect *effect = &job->effect;
	size_t len = h->wire->signature_len - (verdict == PNRP_HOST_SHORT);

	FUZZ_REQUIRE(sum_of(effect) == job->sum);
	for (size_t i = 0; effect->type == PNRP_EFFECT_SIGN && i < effect->sign.count; i++) {
		pnrp_test_key(effect->sign.identity, key, h->wire->key_len);
		pnrp_test_sign(ponto_bytes(key, h->wire->key_len), effect->sign.items[i].data, signature[i], len);
		c.signatures[i] = ponto_bytes(signature[i], len);
	}
	if (effect->type == PNRP_EFFECT_VERIFY && !c.result && verdict != PNRP_HOST_LIE)
		c.result = judge(h, effect);
	h->last_token = effect->token;
	pnrp_engine_complete(h->engine, now, effect->token, &c);
}

void pnrp_host_complete(struct pnrp_host *h, uint64_t now, size_t index, enum pnrp_host_verdict verdict)
{
	struct pnrp_host_job job = h->jobs[index];

	h->jobs[index] = h->jobs[--h->job_count];
	finish_job(h, now, &job, verdict);
}

bool pnrp_host_holds(const struct pnrp_host *h, uint64_t token)
{
	for (size_t i = 0; i < h->job_count; i++)
		if (h->jobs[i].effect.token == token)
			return true;
	return false;
}

static void on_job(struct pnrp_host *h, uint64_t now, const struct pnrp_effect *effect)
{
	struct pnrp_host_job job = {.effect = *effect, .sum = sum_of(effect)};

	FUZZ_REQUIRE(!pnrp_host_holds(h, effect->token));
	if (!(h->lazy & PNRP_HOST_HOLD_JOBS)) {
		finish_job(h, now, &job, PNRP_HOST_TRUTH);
		return;
	}
	FUZZ_REQUIRE(h->job_count < PNRP_HOST_JOBS - 1);
	h->jobs[h->job_count++] = job;
}

static void on_abandon(struct pnrp_host *h, uint64_t token)
{
	for (size_t i = 0; i < h->job_count; i++)
		if (h->jobs[i].effect.token == token) {
			FUZZ_REQUIRE(!h->jobs[i].abandoned);
			h->jobs[i].abandoned = true;
			return;
		}
	FUZZ_REQUIRE(!"a job is abandoned that nobody does");
}

/* ---- what the engine says --------------------------------------------------------------------- */

static void on_discover(struct pnrp_host *h, uint64_t now, unsigned sources)
{
	FUZZ_REQUIRE(sources && !(sources & ~7u));
	FUZZ_REQUIRE(!h->config.no_multicast || !(sources & PNRP_SOURCE_MULTICAST));
	for (unsigned s = PNRP_SOURCE_REMEMBERED; s <= PNRP_SOURCE_SEED; s *= 2)
		if (sources & s && !(h->lazy & PNRP_HOST_QUIET_DISCOVERY))
			pnrp_engine_discovery_done(h->engine, now, s);
}

static void on_effect(struct pnrp_host *h, uint64_t now, const struct pnrp_effect *effect)
{
	struct pnrp_host_asked *a;

	switch (effect->type) {
	case PNRP_EFFECT_SIGN:
	case PNRP_EFFECT_VERIFY:
		on_job(h, now, effect);
		break;
	case PNRP_EFFECT_ABANDON:
		on_abandon(h, effect->token);
		break;
	case PNRP_EFFECT_DISCOVER:
		on_discover(h, now, effect->discover.sources);
		break;
	case PNRP_EFFECT_PUBLISH:
		FUZZ_REQUIRE(effect->publish.count <= PNRP_LOCAL_MAX);
		break;
	case PNRP_EFFECT_UNPUBLISH:
		break;
	case PNRP_EFFECT_REMEMBER:
		FUZZ_REQUIRE(effect->remember.addr.port > PNRP_PORT_FLOOR);
		break;
	case PNRP_EFFECT_RESOLVED:
		a = told_of(h, effect, false);
		check_match(h, a, effect->resolved.match);
		a->over = true;
		break;
	case PNRP_EFFECT_UNRESOLVED:
		told_of(h, effect, false)->over = true;
		FUZZ_REQUIRE(effect->unresolved.result < 0);
		break;
	case PNRP_EFFECT_TRACE:
		(void)told_of(h, effect, false);
		break;
	case PNRP_EFFECT_REGISTRATION:
		on_registration(h, effect);
		break;
	case PNRP_EFFECT_CLOUD:
		FUZZ_REQUIRE(effect->cloud.state == pnrp_engine_state(h->engine));
		break;
	}
}

static void on_output(struct pnrp_host *h, const struct pnrp_slot *slot)
{
	struct pnrp_host_sent *s = &h->sent[h->sent_count++ % PNRP_HOST_SENT];
	struct pnrp_status status;
	struct pnrp_message m;
	bool own = slot->from.family == PONTO_FAMILY_NONE;

	FUZZ_REQUIRE(slot->len <= PNRP_DATAGRAM_MAX);
	FUZZ_REQUIRE(slot->to.family == PONTO_FAMILY_IPV6 && slot->to.port > PNRP_PORT_FLOOR);
	FUZZ_REQUIRE(pnrp_decode(h->wire, ponto_bytes(slot->data, slot->len), &m) == PONTO_OK);
	pnrp_engine_status(h->engine, &status);
	for (size_t i = 0; i < status.local_count; i++)
		own = own || ponto_addr_equal(&slot->from, &status.local[i]);
	/* What was queued before the addresses changed may still name one of them. */
	FUZZ_REQUIRE(own || slot->from.port > PNRP_PORT_FLOOR);
	s->to = slot->to;
	s->from = slot->from;
	s->len = slot->len;
	memcpy(s->bytes, slot->data, slot->len);
	h->sent_by_type[m.type & 15]++;
	h->sent_bytes += slot->len;
	if (h->carry)
		h->carry(h->carry_arg, h, s);
}

struct looked {
	const struct pnrp_host *host;
	size_t count;
	struct ring_id last[128];
};

static bool look_at(void *arg, const struct pnrp_route *route)
{
	struct looked *l = arg;

	FUZZ_REQUIRE(route->addr_count >= 1 && route->addr_count <= PNRP_ROUTE_ADDRS_MAX);
	FUZZ_REQUIRE(route->addrs[0].port > PNRP_PORT_FLOOR);
	for (size_t i = 0; i < l->count && i < PONTO_ARRAY_SIZE(l->last); i++)
		FUZZ_REQUIRE(!ring_id_equal(&l->last[i], &route->id));
	if (l->count < PONTO_ARRAY_SIZE(l->last))
		l->last[l->count] = route->id;
	l->count++;
	return true;
}

static bool look_at_leaf(void *arg, const struct pnrp_route *route)
{
	size_t *leaves = arg;

	FUZZ_REQUIRE(route->leaf);
	++*leaves;
	return true;
}

static bool look_at_registration(void *arg, const struct pnrp_registration_info *info)
{
	struct looked *l = arg;
	size_t leaves = 0;

	FUZZ_REQUIRE(info->leaves_below <= 5 && info->leaves_above <= 5);
	pnrp_engine_each_leaf(l->host->engine, info->handle, look_at_leaf, &leaves);
	FUZZ_REQUIRE(leaves == info->leaves_below + info->leaves_above);
	for (size_t i = 0; info->state != PNRP_REGISTRATION_GONE && i < l->count && i < PONTO_ARRAY_SIZE(l->last); i++)
		FUZZ_REQUIRE(!ring_id_equal(&l->last[i], &info->id) ||
			     pnrp_host_find((struct pnrp_host *)l->host, info->handle)->leaving);
	return true;
}

static uint32_t limit_or(uint32_t value, uint32_t standard)
{
	return value ? value : standard;
}

void pnrp_host_check(const struct pnrp_host *h)
{
	const struct pnrp_limits *l = &h->config.limits;
	struct looked looked = {.host = h};
	struct pnrp_status s;

	pnrp_engine_status(h->engine, &s);
	FUZZ_REQUIRE(s.conversations <= limit_or(l->conversations, 64));
	FUZZ_REQUIRE(s.pending_adds <= limit_or(l->pending_adds, 64));
	FUZZ_REQUIRE(s.reassemblies <= limit_or(l->reassemblies, 16));
	FUZZ_REQUIRE(s.resolves <= limit_or(l->resolves, 64));
	FUZZ_REQUIRE(s.registrations <= limit_or(l->registrations, 1024));
	FUZZ_REQUIRE(s.jobs <= limit_or(l->jobs, 64));
	FUZZ_REQUIRE(s.cache_entries <= limit_or(l->cache_entries, 80) + 10 * s.registrations);
	FUZZ_REQUIRE(h->bytes <= 1024u * 1024 + s.jobs * 40000u + s.registrations * 40000u);
	FUZZ_REQUIRE((s.state == PNRP_CLOUD_ACTIVE) <= (s.cache_entries > 0));
	pnrp_engine_each_route(h->engine, look_at, &looked);
	FUZZ_REQUIRE(looked.count == s.cache_entries);
	pnrp_engine_each_registration(h->engine, look_at_registration, &looked);
}

void pnrp_host_drain(struct pnrp_host *h, uint64_t now)
{
	uint8_t bytes[PNRP_DATAGRAM_MAX];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};
	struct pnrp_effect effect;
	bool more = true;

	for (unsigned turns = 0; more; turns++) {
		more = false;
		while (pnrp_engine_effect(h->engine, &effect) == 1) {
			on_effect(h, now, &effect);
			more = true;
		}
		while (pnrp_engine_output(h->engine, now, &slot) == 1) {
			on_output(h, &slot);
			more = true;
		}
		FUZZ_REQUIRE(turns < 1000);
	}
}

void pnrp_host_tick(struct pnrp_host *h, uint64_t now)
{
	pnrp_engine_tick(h->engine, now);
	pnrp_host_drain(h, now);
	/* Nothing that is due stays due, or a caller would spin. */
	FUZZ_REQUIRE(pnrp_engine_deadline(h->engine) > now);
}

const struct pnrp_host_sent *pnrp_host_sent(const struct pnrp_host *h, size_t back, struct pnrp_message *m)
{
	const struct pnrp_host_sent *s;
	size_t kept = h->sent_count < PNRP_HOST_SENT ? h->sent_count : PNRP_HOST_SENT;

	if (kept == 0)
		return NULL;
	s = &h->sent[(h->sent_count - 1 - back % kept) % PNRP_HOST_SENT];
	FUZZ_REQUIRE(pnrp_decode(h->wire, ponto_bytes(s->bytes, s->len), m) == PONTO_OK);
	return s;
}
