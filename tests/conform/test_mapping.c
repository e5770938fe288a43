/* The mapping suite against mapping-gateway, with a PCP gateway (RFC 6887) and without. */
#include <stdio.h>

#include "tests/conform/mapping_world.h"
#include "tests/support/test.h"

#define PCP_PORT 5351
#define PORTS 8
#define SHIFT 1000

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin, mapping_gateway_LTX_ponto_plugin;

struct subject {
	const char *name;
	bool gateway;
	struct mapping_world world;
	struct ponto_datagrams door;
	struct {
		uint16_t port;
		uint64_t until;
	} ports[PORTS];
	uint16_t shift;
};

/* ---- the gateway ------------------------------------------------------------------------------ */

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void keep(struct subject *s, uint16_t port, uint64_t until)
{
	size_t at = 0;

	while (at < PORTS - 1 && s->ports[at].port != port && s->ports[at].port != 0)
		at++;
	s->ports[at].port = port;
	s->ports[at].until = until;
}

/* MAP: what was asked for, with the outside address and perhaps another port. An option behind it is PREFER_FAILURE. */
static size_t respond(struct subject *s, const uint8_t *request, size_t len, uint8_t m[64])
{
	uint64_t now = ponto_sim_now(s->world.sim);
	uint32_t lifetime = get32(request + 4);
	uint16_t inside = (uint16_t)(request[40] << 8 | request[41]), outside = (uint16_t)(inside + s->shift);
	bool refused = len == 64 && s->shift && lifetime;

	memcpy(m, request, len);
	m[1] |= 0x80;
	m[2] = 0;
	m[3] = refused ? 11 : 0; /* CANNOT_PROVIDE_EXTERNAL */
	for (unsigned i = 0; i < 4; i++)
		m[8 + i] = (uint8_t)(now / PONTO_SECOND >> (24 - 8 * i));
	memset(m + 12, 0, 12);
	m[42] = (uint8_t)(outside >> 8);
	m[43] = (uint8_t)outside;
	memcpy(m + 44, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0b\0\0\x65", 16);
	if (!refused)
		keep(s, inside, now + lifetime * PONTO_SECOND);
	return len;
}

static void at_gateway(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct subject *s = arg;

	for (size_t i = 0; i < count; i++) {
		uint8_t m[64];
		struct ponto_datagram reply = {.peer = batch[i].peer, .local = batch[i].local};
		size_t sent;

		if (batch[i].data.len != 60 && batch[i].data.len != 64)
			continue;
		reply.data = ponto_bytes(m, respond(s, batch[i].data.data, batch[i].data.len, m));
		assert_ok(ponto_datagrams_send(s->door, &reply, 1, &sent));
	}
}

static bool mapped(void *ctx, uint16_t port)
{
	const struct subject *s = ctx;

	for (size_t i = 0; i < PORTS; i++)
		if (s->ports[i].port == port && ponto_sim_now(s->world.sim) < s->ports[i].until)
			return true;
	return false;
}

static void shift(void *ctx)
{
	((struct subject *)ctx)->shift = SHIFT;
}

/* ---- the subjects -------------------------------------------------------------------------------- */

static int subject_open(void *ctx, struct mapping_bed *bed)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = PCP_PORT, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = at_gateway};
	char gateway[PONTO_ADDR_TEXT + 16], text[PONTO_ADDR_TEXT];
	const char *const settings[] = {"lifetime=3600", "retry=60", gateway, NULL};
	struct subject *s = ctx;
	struct ponto_addr addr;
	size_t count;

	memset(s->ports, 0, sizeof(s->ports));
	s->shift = 0;
	assert_ok(mapping_world_open(&s->world, &transport_sim_LTX_ponto_plugin));
	assert_ok(ponto_datagrams_open(s->world.wire[MAPPING_WORLD_GATEWAY],
				       ponto_sim_node_loop(s->world.place[MAPPING_WORLD_GATEWAY]), &want, &events, s,
				       &s->door));
	assert_ok(ponto_datagrams_local(s->door, &addr, 1, &count));
	addr.port = 0;
	snprintf(gateway, sizeof(gateway), "gateway=%s", ponto_addr_format(&addr, text));
	if (!s->gateway)
		ponto_datagrams_close(&s->door);
	assert_ok(mapping_world_add(&s->world, &mapping_gateway_LTX_ponto_plugin, settings, bed));
	if (s->gateway) {
		bed->mapped = mapped;
		bed->shift = shift;
		bed->ctx = s;
	}
	return PONTO_OK;
}

static void subject_close(void *ctx, struct mapping_bed *bed)
{
	struct subject *s = ctx;

	(void)bed;
	ponto_datagrams_close(&s->door);
	mapping_world_close(&s->world);
}

struct run {
	struct subject *subject;
	size_t index;
};

static void run_case(void **state)
{
	struct run *run = *state;
	struct mapping_subject subject = {subject_open, subject_close, run->subject};
	enum mapping_verdict verdict;
	char why[512];

	verdict = mapping_suite_run(run->index, &subject, why, sizeof(why));
	if (verdict == MAPPING_NOT_TRIED)
		assert_false(run->subject->gateway);
	else if (verdict != MAPPING_HOLDS)
		fail_msg("%s", why);
}

int main(void)
{
	static struct subject subjects[] = {{.name = "a gateway", .gateway = true}, {.name = "none"}};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 32];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		for (size_t j = 0; j < mapping_suite_count(); j++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s (mapping-gateway, %s)", mapping_suite_name(j),
				 subjects[i].name);
			runs[count] = (struct run){&subjects[i], j};
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("mapping", tests, count, NULL, NULL);
}
