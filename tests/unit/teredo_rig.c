#include "tests/unit/teredo_rig.h"

struct teredo_ip6 rig_address(uint32_t server, uint16_t flags, struct teredo_endpoint mapped)
{
	struct teredo_address parts = {server, flags, mapped};
	struct teredo_ip6 ip;

	teredo_address_make(&parts, &ip);
	return ip;
}

void rig_init(struct rig *rig, unsigned features)
{
	memset(rig, 0, sizeof(*rig));
	ponto_test_alloc_init(&rig->ta);
	ponto_test_random_init(&rig->tr, 4380);
	rig->config = teredo_client_defaults(&rig->ta.alloc, &rig->tr.random);
	rig->config.servers[0] = (struct teredo_pair){S1, S1B};
	rig->config.server_count = 1;
	rig->config.features = features;
	rig->now = 1000 * PONTO_SECOND;
	rig->b = rig_address(S2, 0, B_AT);
	assert_ok(ponto_unhex("20010db8000600000000000000000030", rig->native.bytes, 16));
}

void rig_start(struct rig *rig)
{
	static const struct teredo_subnet subnets[] = {{IP4(10, 0, 0, 2), 24}};

	assert_ok(teredo_client_create(&rig->config, &rig->c));
	teredo_client_local(rig->c, rig->now, &LOCAL, subnets, 1);
}

void rig_end(struct rig *rig)
{
	teredo_client_destroy(rig->c);
	assert_int_equal(rig->ta.live, 0);
}

void rig_out(struct rig *rig)
{
	assert_int_equal(teredo_client_output(rig->c, &rig->slot), 1);
	assert_ok(teredo_decode(ponto_bytes(rig->slot.data, rig->slot.len), &rig->packet));
	assert_ok(teredo_trailers_parse(rig->packet.trailers, &rig->trailers));
}

void rig_quiet(struct rig *rig)
{
	assert_int_equal(teredo_client_output(rig->c, &rig->slot), 0);
}

void rig_pass(struct rig *rig, uint64_t time)
{
	uint64_t until = rig->now + time;

	while (teredo_client_deadline(rig->c) <= until) {
		rig->now = teredo_client_deadline(rig->c) > rig->now ? teredo_client_deadline(rig->c) : rig->now;
		teredo_client_advance(rig->c, rig->now);
	}
	rig->now = until;
}

uint64_t rig_due(struct rig *rig)
{
	uint64_t wait = teredo_client_deadline(rig->c) - rig->now;

	rig_pass(rig, wait);
	return wait;
}

size_t rig_advertisement(struct rig *rig, const struct teredo_auth *auth, struct teredo_endpoint mapped)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));

	if (auth)
		teredo_write_auth(&w, auth, rig->config.secret.len ? teredo_value_size(rig->config.algo) : 0);
	teredo_write_origin(&w, &mapped);
	teredo_write_advertisement(&w, S1, &rig->packet.src);
	if (auth && rig->config.secret.len)
		teredo_write_value(&w, 0, rig->config.algo, rig->config.secret);
	assert_false(w.failed);
	return (size_t)w.pos;
}

void rig_answer(struct rig *rig, struct teredo_endpoint mapped)
{
	struct teredo_auth auth = rig->packet.auth;
	size_t len = rig_advertisement(rig, rig->packet.has_auth ? &auth : NULL, mapped);

	assert_false(
		rig_in(rig, (struct teredo_endpoint){rig->slot.to.ip, TEREDO_PORT}, rig->slot.via, rig->input, len));
}

void rig_qualified(struct rig *rig, unsigned features, struct teredo_endpoint at)
{
	rig_init(rig, features);
	rig_start(rig);
	rig_out(rig);
	rig_answer(rig, MAPPED);
	rig_out(rig);
	rig_answer(rig, at);
	assert_int_equal(rig_status(rig).state, TEREDO_QUALIFIED);
	rig->a = rig_status(rig).address;
	rig_effect(rig, TEREDO_EFFECT_ADDRESS);
	rig_quiet(rig);
}

bool rig_in(struct rig *rig, struct teredo_endpoint from, uint8_t via, const uint8_t *data, size_t len)
{
	struct teredo_received in = {.from = from, .via = via, .data = ponto_bytes(data, len)};

	return teredo_client_input(rig->c, rig->now, &in, &rig->delivery) == 1;
}

static void bubble(struct rig *rig, const struct teredo_ip6 *src, const struct teredo_endpoint *origin,
		   struct teredo_endpoint from, uint8_t via, const struct teredo_trailers *trailers)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));

	if (origin)
		teredo_write_origin(&w, origin);
	teredo_write_bubble(&w, src, &rig->a, 0);
	if (trailers)
		teredo_write_trailers(&w, trailers);
	assert_false(w.failed);
	assert_false(rig_in(rig, from, via, rig->input, (size_t)w.pos));
}

void rig_bubble(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint from, uint8_t via,
		const struct teredo_trailers *trailers)
{
	bubble(rig, src, NULL, from, via, trailers);
}

void rig_indirect(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint origin,
		  const struct teredo_trailers *trailers)
{
	bubble(rig, src, &origin, (struct teredo_endpoint){S1, TEREDO_PORT}, TEREDO_VIA_SERVICE, trailers);
}

bool rig_data(struct rig *rig, const struct teredo_ip6 *src, struct teredo_endpoint from, uint8_t via)
{
	struct ponto_writer w = ponto_writer(rig->input, sizeof(rig->input));
	struct teredo_udp udp = {3540, 3541, ponto_bytes("PNRP?", 5)};
	bool got;

	teredo_write_udp(&w, src, &rig->a, 64, &udp);
	got = rig_in(rig, from, via, rig->input, (size_t)w.pos);
	if (got) {
		assert_int_equal(rig->delivery.kind, TEREDO_DELIVERY_DATAGRAM);
		assert_true(teredo_ip6_equal(&rig->delivery.peer, src));
		assert_true(ponto_bytes_equal(rig->delivery.udp.data, udp.data));
	}
	return got;
}

int rig_send(struct rig *rig, const struct teredo_ip6 *to)
{
	struct teredo_udp udp = {3540, 3541, ponto_bytes("PNRP!", 5)};
	int result = teredo_client_send(rig->c, rig->now, to, &udp, 0, 0, &rig->slot);

	if (result == 1)
		assert_ok(teredo_decode(ponto_bytes(rig->slot.data, rig->slot.len), &rig->packet));
	return result;
}

static void assert_to(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at)
{
	assert_true(teredo_ip6_equal(&rig->packet.src, &rig->a));
	assert_true(teredo_ip6_equal(&rig->packet.dst, to));
	assert_int_equal(rig->slot.to.ip, at.ip);
	assert_int_equal(rig->slot.to.port, at.port);
	assert_false(rig->packet.has_auth || rig->packet.has_origin);
}

void rig_assert_direct(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at)
{
	rig_out(rig);
	assert_to(rig, to, at);
	assert_true(teredo_is_bubble(&rig->packet));
}

void rig_assert_indirect(struct rig *rig, const struct teredo_ip6 *to, uint32_t server)
{
	rig_assert_direct(rig, to, (struct teredo_endpoint){server, TEREDO_PORT});
}

void rig_assert_data(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at)
{
	struct teredo_udp udp;

	assert_to(rig, to, at);
	assert_ok(teredo_udp_parse(&rig->packet, &udp));
	assert_int_equal(udp.from, 3540);
	assert_int_equal(udp.to, 3541);
	assert_true(ponto_bytes_equal(udp.data, ponto_bytes("PNRP!", 5)));
}

void rig_assert_solicitation(struct rig *rig, uint32_t server, bool cone)
{
	struct teredo_ip6 src;

	rig_out(rig);
	assert_ok(teredo_solicitation_parse(&rig->packet));
	assert_int_equal(rig->slot.to.ip, server);
	assert_int_equal(rig->slot.to.port, TEREDO_PORT);
	assert_true(teredo_ip6_equal(&rig->packet.dst, &teredo_all_routers));
	assert_ok(ponto_unhex(cone ? "fe800000000000008000ffffffffffff" : "fe800000000000000000ffffffffffff", src.bytes,
			      16));
	assert_true(teredo_ip6_equal(&rig->packet.src, &src));
}

void rig_assert_round(struct rig *rig, const struct teredo_ip6 *to, struct teredo_endpoint at, uint32_t server)
{
	rig_assert_direct(rig, to, at);
	rig_assert_indirect(rig, to, server);
}

struct teredo_client_status rig_status(const struct rig *rig)
{
	struct teredo_client_status status;

	teredo_client_status(rig->c, &status);
	return status;
}

bool rig_has_peer(const struct rig *rig, const struct teredo_ip6 *ip)
{
	struct teredo_peer_info info;

	return teredo_client_peer(rig->c, ip, &info) == PONTO_OK;
}

struct teredo_peer_info rig_peer(const struct rig *rig, const struct teredo_ip6 *ip)
{
	struct teredo_peer_info info;

	assert_ok(teredo_client_peer(rig->c, ip, &info));
	return info;
}

struct teredo_effect rig_effect(struct rig *rig, uint8_t kind)
{
	struct teredo_effect effect;

	assert_int_equal(teredo_client_effect(rig->c, &effect), 1);
	assert_int_equal(effect.kind, kind);
	return effect;
}

void rig_no_effect(struct rig *rig)
{
	struct teredo_effect effect;

	assert_int_equal(teredo_client_effect(rig->c, &effect), 0);
}
