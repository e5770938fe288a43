#include "engines/pcp/pcp_client.h"

#define IRT (3 * PONTO_SECOND)	  /* 8.1.1 */
#define MRT (1024 * PONTO_SECOND) /* 8.1.1 */
#define RENEW_GAP (4 * PONTO_SECOND)
#define SPREAD (5 * PONTO_SECOND) /* 14.1.3: so that not all clients come at once */
#define RENEWALS 6		  /* the fraction that is left becomes too small after that */

bool pcp_epoch_follows(struct pcp_epoch *e, uint64_t now, uint32_t server)
{
	struct pcp_epoch before = *e;
	uint64_t client_delta, server_delta;

	*e = (struct pcp_epoch){true, server, now};
	if (!before.known)
		return true;
	if ((uint64_t)server + 1 < before.server)
		return false;
	client_delta = (now - before.client) / PONTO_SECOND;
	server_delta = server > before.server ? server - before.server : 0;
	if (client_delta + 2 < server_delta - server_delta / 16)
		return false;
	return server_delta + 2 >= client_delta - client_delta / 16;
}

int pcp_client_init(struct pcp_client *c, const struct pcp_client_config *config, uint64_t now)
{
	if (!config->lifetime || config->lifetime > PCP_LIFETIME_MAX || !config->client.port || !config->server.port ||
	    (config->protocol != 6 && config->protocol != 17) || config->server.family != config->client.family ||
	    (config->exact && !config->external_port))
		return PONTO_EINVAL;
	memset(c, 0, sizeof(*c));
	c->config = *config;
	c->expires = c->renew_at = PONTO_NEVER;
	c->send_at = now;
	config->random->fill(config->random->ctx, c->nonce, sizeof(c->nonce));
	return PONTO_OK;
}

/* (1 + RAND) of a time, RAND between -0.1 and 0.1. 8.1.1 */
static uint64_t about(struct pcp_client *c, uint64_t time)
{
	return time - time / 10 + ponto_random_below(c->config.random, time / 5 + 1);
}

static void ask(struct pcp_client *c, uint64_t at)
{
	c->interval = 0;
	c->send_at = at;
	c->planned = false;
}

/* The next renewal: a time drawn from 1/2 to 5/8 of the lifetime, then 3/4 to 3/4 + 1/16, 7/8 to 7/8 + 1/32, …, while
 * these are four seconds apart. 11.2.1 */
static void plan_renewal(struct pcp_client *c, uint64_t granted_at)
{
	uint64_t left = ((uint64_t)c->granted * PONTO_SECOND) >> (c->renewals + 1);

	c->renew_at = PONTO_NEVER;
	if (c->renewals >= RENEWALS || (left < RENEW_GAP && c->renewals > 0))
		return;
	c->renew_at = granted_at + (uint64_t)c->granted * PONTO_SECOND - left +
		      ponto_random_below(c->config.random, left / 4 + 1);
}

static int granted(struct pcp_client *c, uint64_t now, const struct pcp_response *in)
{
	c->granted = in->lifetime < PCP_LIFETIME_MAX ? in->lifetime : PCP_LIFETIME_MAX;
	c->external = pcp_address_to(in->map.external, in->map.external_port);
	c->state = PCP_HELD;
	c->expires = now + (uint64_t)c->granted * PONTO_SECOND;
	c->renewals = 0;
	c->send_at = PONTO_NEVER;
	plan_renewal(c, now);
	return 1;
}

/* The mapping, if there was one, stands until it expires; but what a server refuses to renew is not to be relied on. */
static int refused(struct pcp_client *c, uint64_t now, const struct pcp_response *in)
{
	uint32_t wait = in->lifetime;

	if (wait < PCP_ERROR_MIN)
		wait = PCP_ERROR_MIN;
	if (wait > PCP_ERROR_MAX)
		wait = PCP_ERROR_MAX;
	c->state = PCP_REFUSED;
	c->expires = c->renew_at = PONTO_NEVER;
	ask(c, now + (uint64_t)wait * PONTO_SECOND);
	return 1;
}

static int foreign(struct pcp_client *c, uint8_t version)
{
	c->state = PCP_FOREIGN;
	c->foreign_version = version;
	c->send_at = c->renew_at = c->expires = PONTO_NEVER;
	return 1;
}

/* The server started anew: what it held is to be asked for again. 8.5, 14.1.3 */
static void reset(struct pcp_client *c, uint64_t now, bool multicast)
{
	c->resets++;
	if (c->state != PCP_HELD && c->state != PCP_ASKING && c->state != PCP_REFUSED)
		return;
	if (c->state == PCP_REFUSED)
		c->state = PCP_ASKING;
	c->renew_at = PONTO_NEVER;
	ask(c, now + (multicast ? ponto_random_below(c->config.random, SPREAD + 1) : 0));
}

/* Whose answer it is: 11.4. */
static bool is_ours(const struct pcp_client *c, const struct pcp_response *in)
{
	return in->has_map && memcmp(in->map.nonce, c->nonce, PCP_NONCE) == 0 &&
	       in->map.protocol == c->config.protocol && in->map.internal_port == c->config.client.port;
}

static bool usable(const struct pcp_response *in)
{
	static const uint8_t none[16];

	return in->lifetime >= 2 * RENEW_GAP / PONTO_SECOND && in->map.external_port != 0 && memcmp(in->map.external, none, 12) != 0;
}

static int other_version(struct pcp_client *c, const struct pcp_response *in)
{
	/* Anybody may send such a thing; it counts only as an answer to what was asked. 9 */
	if (!c->sent || c->state != PCP_ASKING || in->result == PCP_SUCCESS)
		return 0;
	return foreign(c, in->version);
}

/* Also one that nobody asked for: the server tells what became of a mapping. 14.2 */
static int answer(struct pcp_client *c, uint64_t now, const struct pcp_response *in)
{
	if (!c->sent || !is_ours(c, in))
		return 0;
	c->result = in->result;
	if (in->result == PCP_UNSUPP_VERSION)
		return foreign(c, in->version);
	if (in->result != PCP_SUCCESS)
		return refused(c, now, in);
	if (!in->lifetime && c->state == PCP_HELD)
		return refused(c, now, in); /* taken away */
	return usable(in) ? granted(c, now, in) : 0;
}

int pcp_client_input(struct pcp_client *c, uint64_t now, const struct ponto_addr *from, bool multicast,
		     struct ponto_bytes data)
{
	struct pcp_response in;
	bool follows;
	int changed;

	/* 8.3: from the server's address and port, and nobody else's. */
	if (c->state == PCP_RELEASED || c->state == PCP_FOREIGN || !ponto_addr_equal(from, &c->config.server) ||
	    pcp_read_response(data, &in) != PONTO_OK || (multicast && in.opcode != PCP_ANNOUNCE)) {
		c->ignored++;
		return 0;
	}
	if (in.version != PCP_VERSION) {
		changed = multicast ? 0 : other_version(c, &in);
		c->ignored += !changed;
		return changed;
	}
	/* A time that somebody else made up must not end a mapping: unless it is an announcement, the answer has to be
	 * ours before its time counts. */
	if (in.opcode != PCP_ANNOUNCE && !is_ours(c, &in)) {
		c->ignored++;
		return 0;
	}
	c->answered++;
	follows = pcp_epoch_follows(&c->epoch, now, in.epoch);
	changed = answer(c, now, &in);
	if (!follows && !(changed && c->state == PCP_HELD))
		reset(c, now, multicast);
	return changed;
}

static void fill(const struct pcp_client *c, struct pcp_request *request)
{
	static const uint8_t any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
	bool known = c->external.family != PONTO_FAMILY_NONE;

	memset(request, 0, sizeof(*request));
	request->opcode = PCP_MAP;
	pcp_address_from(&c->config.client, request->client);
	memcpy(request->map.nonce, c->nonce, PCP_NONCE);
	request->map.protocol = c->config.protocol;
	request->map.internal_port = c->config.client.port;
	if (c->config.client.family == PONTO_FAMILY_IPV4)
		memcpy(request->map.external, any4, sizeof(any4));
	if (c->state == PCP_RELEASED)
		return;
	request->lifetime = c->config.lifetime;
	request->map.external_port = c->config.external_port;
	request->prefer_failure = c->config.exact;
	/* What was had before is asked for again. 11.2.1, 16.3.1 */
	if (known && !c->config.exact) {
		request->map.external_port = c->external.port;
		pcp_address_from(&c->external, request->map.external);
	}
}

int pcp_client_output(struct pcp_client *c, uint64_t now, uint8_t out[PCP_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(out, PCP_MAX);
	struct pcp_request request;

	if (now < c->send_at)
		return 0;
	fill(c, &request);
	pcp_write_request(&w, &request);
	if (ponto_writer_done(&w, len) != PONTO_OK)
		return 0;
	c->sent++;
	if (c->state == PCP_RELEASED) {
		c->send_at = PONTO_NEVER;
		return 1;
	}
	if (c->planned) { /* a renewal is repeated by the plan */
		c->send_at = PONTO_NEVER;
		return 1;
	}
	c->interval = about(c, c->interval ? (2 * c->interval < MRT ? 2 * c->interval : MRT) : IRT);
	c->send_at = now + c->interval;
	return 1;
}

void pcp_client_release(struct pcp_client *c, uint64_t now)
{
	bool perhaps = c->state == PCP_HELD || (c->state == PCP_ASKING && c->sent > 0);

	if (c->state == PCP_RELEASED)
		return;
	c->state = PCP_RELEASED;
	c->expires = c->renew_at = PONTO_NEVER;
	c->send_at = perhaps ? now : PONTO_NEVER;
}

void pcp_client_renew(struct pcp_client *c, uint64_t now)
{
	if (c->state != PCP_HELD && c->state != PCP_ASKING)
		return;
	c->renew_at = PONTO_NEVER;
	ask(c, now);
}

int pcp_client_advance(struct pcp_client *c, uint64_t now)
{
	if (c->state == PCP_HELD && now >= c->expires) {
		c->state = PCP_ASKING;
		c->expires = c->renew_at = PONTO_NEVER;
		if (c->send_at == PONTO_NEVER)
			ask(c, now);
		return 1;
	}
	if (c->state == PCP_HELD && now >= c->renew_at) {
		c->renewals++;
		plan_renewal(c, c->expires - (uint64_t)c->granted * PONTO_SECOND);
		ask(c, now);
		c->planned = true;
	}
	if (c->state == PCP_REFUSED && now >= c->send_at)
		c->state = PCP_ASKING; /* whoever holds it is told when there is an answer */
	return 0;
}

uint64_t pcp_client_deadline(const struct pcp_client *c)
{
	uint64_t at = c->send_at;

	if (c->renew_at < at)
		at = c->renew_at;
	return c->expires < at ? c->expires : at;
}
