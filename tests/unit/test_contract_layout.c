/* Freezes the contracts: plugins built against one version of a struct are loaded by programs built against another,
 * so nothing moves. A vtable grows only at its end (its size and the new rows change here, its ABI number does not);
 * anything else raises the ABI number of the contract. */
#include "tests/support/test.h"
#include "framework/base.h"
#include "framework/cursor.h"
#include "framework/plugin.h"
#include "framework/conf.h"
#include "framework/env.h"
#include "framework/loop.h"
#include "framework/transport.h"
#include "framework/store.h"
#include "framework/security.h"
#include "framework/discovery.h"
#include "framework/service.h"
#include "framework/http.h"
#include "framework/mapping.h"
#include "framework/bus.h"
#include "framework/node.h"

#include <stdio.h>

struct row {
	const char *what;
	size_t is, was;
};

#define SIZE(type, size)                                                                                               \
	{                                                                                                              \
		"size of struct " #type, sizeof(struct type), size                                                     \
	}
#define AT(type, member, offset)                                                                                       \
	{                                                                                                              \
		"struct " #type "." #member, offsetof(struct type, member), offset                                     \
	}

/* Linux on 64 bits. */
static const struct row rows[] = {
	/* base.h */
	SIZE(ponto_bytes, 16),
	AT(ponto_bytes, data, 0),
	AT(ponto_bytes, len, 8),
	SIZE(ponto_addr, 24),
	AT(ponto_addr, ip, 0),
	AT(ponto_addr, zone, 16),
	AT(ponto_addr, port, 20),
	AT(ponto_addr, family, 22),
	AT(ponto_addr, reserved, 23),
	SIZE(ponto_alloc, 32),
	AT(ponto_alloc, alloc, 0),
	AT(ponto_alloc, resize, 8),
	AT(ponto_alloc, release, 16),
	AT(ponto_alloc, ctx, 24),
	SIZE(ponto_random, 16),
	AT(ponto_random, fill, 0),
	AT(ponto_random, ctx, 8),
	SIZE(ponto_clock, 24),
	AT(ponto_clock, mono, 0),
	AT(ponto_clock, wall, 8),
	AT(ponto_clock, ctx, 16),
	SIZE(ponto_vtable, 8),
	AT(ponto_vtable, abi, 0),
	AT(ponto_vtable, size, 4),
	/* cursor.h */
	SIZE(ponto_reader, 32),
	AT(ponto_reader, data, 0),
	AT(ponto_reader, pos, 8),
	AT(ponto_reader, end, 16),
	AT(ponto_reader, failed, 24),
	SIZE(ponto_writer, 32),
	AT(ponto_writer, data, 0),
	AT(ponto_writer, pos, 8),
	AT(ponto_writer, cap, 16),
	AT(ponto_writer, failed, 24),
	/* plugin.h */
	SIZE(ponto_plugin, 72),
	AT(ponto_plugin, abi, 0),
	AT(ponto_plugin, kind, 4),
	AT(ponto_plugin, name, 8),
	AT(ponto_plugin, version, 16),
	AT(ponto_plugin, summary, 24),
	AT(ponto_plugin, needs, 32),
	AT(ponto_plugin, offers, 40),
	AT(ponto_plugin, options, 48),
	AT(ponto_plugin, option_count, 56),
	AT(ponto_plugin, vtable, 64),
	/* conf.h */
	SIZE(ponto_option, 80),
	AT(ponto_option, name, 0),
	AT(ponto_option, type, 8),
	AT(ponto_option, ref_kind, 12),
	AT(ponto_option, fallback, 16),
	AT(ponto_option, min, 24),
	AT(ponto_option, max, 32),
	AT(ponto_option, choices, 40),
	AT(ponto_option, unit, 48),
	AT(ponto_option, doc, 56),
	AT(ponto_option, live, 64),
	AT(ponto_option, fits, 72),
	SIZE(ponto_conf_instance, 48),
	AT(ponto_conf_instance, kind, 0),
	AT(ponto_conf_instance, name, 8),
	AT(ponto_conf_instance, plugin, 16),
	AT(ponto_conf_instance, conf, 24),
	AT(ponto_conf_instance, file, 32),
	AT(ponto_conf_instance, line, 40),
	/* env.h */
	SIZE(ponto_env, 128),
	AT(ponto_env, abi, 0),
	AT(ponto_env, size, 4),
	AT(ponto_env, instance, 8),
	AT(ponto_env, node_name, 16),
	AT(ponto_env, state_dir, 24),
	AT(ponto_env, conf, 32),
	AT(ponto_env, alloc, 40),
	AT(ponto_env, random, 48),
	AT(ponto_env, clock, 56),
	AT(ponto_env, log, 64),
	AT(ponto_env, metrics, 72),
	AT(ponto_env, loop, 80),
	AT(ponto_env, port, 88),
	AT(ponto_env, node, 96),
	AT(ponto_env, simulation, 104),
	AT(ponto_env, grants, 112),
	AT(ponto_env, grant_count, 120),
	SIZE(ponto_grant, 32),
	AT(ponto_grant, name, 0),
	AT(ponto_grant, fd, 8),
	AT(ponto_grant, address, 16),
	AT(ponto_grant, control, 24),
	SIZE(ponto_iface, 24),
	AT(ponto_iface, ops, 0),
	AT(ponto_iface, self, 8),
	AT(ponto_iface, pool, 16),
	/* loop.h */
	SIZE(ponto_loop_ops, 112),
	AT(ponto_loop_ops, head, 0),
	AT(ponto_loop_ops, destroy, 8),
	AT(ponto_loop_ops, now, 16),
	AT(ponto_loop_ops, timer, 24),
	AT(ponto_loop_ops, timer_set, 32),
	AT(ponto_loop_ops, timer_destroy, 40),
	AT(ponto_loop_ops, watch, 48),
	AT(ponto_loop_ops, watch_set, 56),
	AT(ponto_loop_ops, watch_destroy, 64),
	AT(ponto_loop_ops, post, 72),
	AT(ponto_loop_ops, submit, 80),
	AT(ponto_loop_ops, run, 88),
	AT(ponto_loop_ops, stop, 96),
	AT(ponto_loop_ops, sim, 104),
	SIZE(ponto_loop, 8),
	AT(ponto_loop, ops, 0),
	/* transport.h */
	SIZE(ponto_datagram, 72),
	AT(ponto_datagram, peer, 0),
	AT(ponto_datagram, local, 24),
	AT(ponto_datagram, data, 48),
	AT(ponto_datagram, hop_limit, 64),
	AT(ponto_datagram, ecn, 65),
	AT(ponto_datagram, flags, 66),
	SIZE(ponto_datagram_want, 12),
	AT(ponto_datagram_want, scope, 0),
	AT(ponto_datagram_want, zone, 4),
	AT(ponto_datagram_want, port, 8),
	AT(ponto_datagram_want, max_addresses, 10),
	SIZE(ponto_datagram_events, 24),
	AT(ponto_datagram_events, receive, 0),
	AT(ponto_datagram_events, addresses_changed, 8),
	AT(ponto_datagram_events, path_mtu, 16),
	SIZE(ponto_stream_events, 40),
	AT(ponto_stream_events, connected, 0),
	AT(ponto_stream_events, receive, 8),
	AT(ponto_stream_events, half_closed, 16),
	AT(ponto_stream_events, writable, 24),
	AT(ponto_stream_events, closed, 32),
	SIZE(ponto_transport_ops, 184),
	AT(ponto_transport_ops, head, 0),
	AT(ponto_transport_ops, create, 8),
	AT(ponto_transport_ops, destroy, 16),
	AT(ponto_transport_ops, open, 24),
	AT(ponto_transport_ops, close, 32),
	AT(ponto_transport_ops, local, 40),
	AT(ponto_transport_ops, send, 48),
	AT(ponto_transport_ops, join, 56),
	AT(ponto_transport_ops, leave, 64),
	AT(ponto_transport_ops, connect, 72),
	AT(ponto_transport_ops, listen, 80),
	AT(ponto_transport_ops, unlisten, 88),
	AT(ponto_transport_ops, adopt, 96),
	AT(ponto_transport_ops, write, 104),
	AT(ponto_transport_ops, resume, 112),
	AT(ponto_transport_ops, shutdown, 120),
	AT(ponto_transport_ops, abort, 128),
	AT(ponto_transport_ops, zones, 136),
	AT(ponto_transport_ops, subnets, 144),
	AT(ponto_transport_ops, listening, 152),
	AT(ponto_transport_ops, ends, 160),
	AT(ponto_transport_ops, describe, 168),
	AT(ponto_transport_ops, wants_tls, 176),
	SIZE(ponto_subnet, 32),
	AT(ponto_subnet, addr, 0),
	AT(ponto_subnet, zone, 24),
	AT(ponto_subnet, bits, 28),
	SIZE(ponto_transport, 24),
	AT(ponto_transport, ops, 0),
	AT(ponto_transport, self, 8),
	AT(ponto_transport, pool, 16),
	SIZE(ponto_datagrams, 16),
	AT(ponto_datagrams, ops, 0),
	AT(ponto_datagrams, handle, 8),
	SIZE(ponto_stream, 16),
	AT(ponto_stream, ops, 0),
	AT(ponto_stream, handle, 8),
	/* store.h */
	SIZE(ponto_store_step, 48),
	AT(ponto_store_step, kind, 0),
	AT(ponto_store_step, key, 8),
	AT(ponto_store_step, value, 24),
	AT(ponto_store_step, expires, 40),
	SIZE(ponto_store_ops, 96),
	AT(ponto_store_ops, head, 0),
	AT(ponto_store_ops, create, 8),
	AT(ponto_store_ops, destroy, 16),
	AT(ponto_store_ops, get, 24),
	AT(ponto_store_ops, put, 32),
	AT(ponto_store_ops, remove, 40),
	AT(ponto_store_ops, iterate, 48),
	AT(ponto_store_ops, groups, 56),
	AT(ponto_store_ops, batch, 64),
	AT(ponto_store_ops, flush, 72),
	AT(ponto_store_ops, space, 80),
	AT(ponto_store_ops, shared, 88),
	SIZE(ponto_store, 24),
	AT(ponto_store, ops, 0),
	AT(ponto_store, self, 8),
	AT(ponto_store, pool, 16),
	/* security.h */
	SIZE(ponto_identity, 504),
	AT(ponto_identity, id, 0),
	AT(ponto_identity, name, 41),
	AT(ponto_identity, authority, 297),
	AT(ponto_identity, profile, 320),
	AT(ponto_identity, owner, 324),
	AT(ponto_identity, created, 328),
	AT(ponto_identity, public_key, 336),
	AT(ponto_identity, public_key_len, 496),
	SIZE(ponto_security_ops, 200),
	AT(ponto_security_ops, head, 0),
	AT(ponto_security_ops, create, 8),
	AT(ponto_security_ops, destroy, 16),
	AT(ponto_security_ops, identity_create, 24),
	AT(ponto_security_ops, identity_list, 32),
	AT(ponto_security_ops, identity_get, 40),
	AT(ponto_security_ops, identity_remove, 48),
	AT(ponto_security_ops, identity_export, 56),
	AT(ponto_security_ops, identity_import, 64),
	AT(ponto_security_ops, sign, 72),
	AT(ponto_security_ops, verify, 80),
	AT(ponto_security_ops, authority, 88),
	AT(ponto_security_ops, chain_issue, 96),
	AT(ponto_security_ops, chain_read, 104),
	AT(ponto_security_ops, chain_verify, 112),
	AT(ponto_security_ops, chain_add, 120),
	AT(ponto_security_ops, chain_list, 128),
	AT(ponto_security_ops, chain_get, 136),
	AT(ponto_security_ops, chain_remove, 144),
	AT(ponto_security_ops, identity_detail, 152),
	AT(ponto_security_ops, identity_change, 160),
	AT(ponto_security_ops, identity_card, 168),
	AT(ponto_security_ops, identity_export_pfx, 176),
	AT(ponto_security_ops, identity_import_pfx, 184),
	AT(ponto_security_ops, identity_adopt, 192),
	SIZE(ponto_delegation, 64),
	AT(ponto_delegation, public_key, 0),
	AT(ponto_delegation, name, 16),
	AT(ponto_delegation, roles, 24),
	AT(ponto_delegation, classifiers, 32),
	AT(ponto_delegation, classifier_count, 40),
	AT(ponto_delegation, not_before, 48),
	AT(ponto_delegation, not_after, 56),
	SIZE(ponto_chain, 160),
	AT(ponto_chain, id, 0),
	AT(ponto_chain, root, 41),
	AT(ponto_chain, leaf, 82),
	AT(ponto_chain, profile, 124),
	AT(ponto_chain, certificates, 128),
	AT(ponto_chain, not_before, 136),
	AT(ponto_chain, not_after, 144),
	AT(ponto_chain, size, 152),
	SIZE(ponto_certificate, 336),
	AT(ponto_certificate, id, 0),
	AT(ponto_certificate, name, 41),
	AT(ponto_certificate, roles, 300),
	AT(ponto_certificate, not_before, 304),
	AT(ponto_certificate, not_after, 312),
	AT(ponto_certificate, classifiers, 320),
	AT(ponto_certificate, classifier_count, 328),
	SIZE(ponto_chain_use, 56),
	AT(ponto_chain_use, authority, 0),
	AT(ponto_chain_use, public_key, 24),
	AT(ponto_chain_use, classifier, 40),
	SIZE(ponto_security, 24),
	AT(ponto_security, ops, 0),
	AT(ponto_security, self, 8),
	AT(ponto_security, pool, 16),
	/* discovery.h */
	SIZE(ponto_discovery_want, 24),
	AT(ponto_discovery_want, topic, 0),
	AT(ponto_discovery_want, scope, 8),
	AT(ponto_discovery_want, zone, 12),
	AT(ponto_discovery_want, port, 16),
	AT(ponto_discovery_want, family, 18),
	SIZE(ponto_discovery_events, 16),
	AT(ponto_discovery_events, found, 0),
	AT(ponto_discovery_events, done, 8),
	SIZE(ponto_discovery_ops, 104),
	AT(ponto_discovery_ops, head, 0),
	AT(ponto_discovery_ops, sources, 8),
	AT(ponto_discovery_ops, create, 16),
	AT(ponto_discovery_ops, destroy, 24),
	AT(ponto_discovery_ops, open, 32),
	AT(ponto_discovery_ops, close, 40),
	AT(ponto_discovery_ops, search, 48),
	AT(ponto_discovery_ops, publish, 56),
	AT(ponto_discovery_ops, unpublish, 64),
	AT(ponto_discovery_ops, remember, 72),
	AT(ponto_discovery_ops, seeds, 80),
	AT(ponto_discovery_ops, pieces, 88),
	AT(ponto_discovery_ops, seek, 96),
	SIZE(ponto_held, 24),
	AT(ponto_held, age, 0),
	AT(ponto_held, blocks, 8),
	AT(ponto_held, replies, 12),
	AT(ponto_held, full, 16),
	AT(ponto_held, state, 20),
	SIZE(ponto_discovery_pieces, 24),
	AT(ponto_discovery_pieces, lookup, 0),
	AT(ponto_discovery_pieces, found, 8),
	AT(ponto_discovery_pieces, ended, 16),
	SIZE(ponto_discovery, 24),
	AT(ponto_discovery, ops, 0),
	AT(ponto_discovery, self, 8),
	AT(ponto_discovery, pool, 16),
	/* service.h */
	SIZE(ponto_call_ops, 8),
	AT(ponto_call_ops, reply, 0),
	SIZE(ponto_call, 64),
	AT(ponto_call, ops, 0),
	AT(ponto_call, method, 8),
	AT(ponto_call, payload, 16),
	AT(ponto_call, uid, 32),
	AT(ponto_call, pid, 36),
	AT(ponto_call, client, 40),
	AT(ponto_call, deadline, 48),
	AT(ponto_call, admin, 56),
	SIZE(ponto_service_ops, 64),
	AT(ponto_service_ops, head, 0),
	AT(ponto_service_ops, create, 8),
	AT(ponto_service_ops, start, 16),
	AT(ponto_service_ops, call, 24),
	AT(ponto_service_ops, client_gone, 32),
	AT(ponto_service_ops, reload, 40),
	AT(ponto_service_ops, stop, 48),
	AT(ponto_service_ops, destroy, 56),
	SIZE(ponto_service, 24),
	AT(ponto_service, ops, 0),
	AT(ponto_service, self, 8),
	AT(ponto_service, pool, 16),
	/* http.h */
	SIZE(ponto_http_header, 16),
	AT(ponto_http_header, name, 0),
	AT(ponto_http_header, value, 8),
	SIZE(ponto_http_request, 80),
	AT(ponto_http_request, method, 0),
	AT(ponto_http_request, target, 8),
	AT(ponto_http_request, headers, 16),
	AT(ponto_http_request, header_count, 24),
	AT(ponto_http_request, body, 32),
	AT(ponto_http_request, peer, 48),
	AT(ponto_http_request, user, 72),
	SIZE(ponto_http_response, 88),
	AT(ponto_http_response, status, 0),
	AT(ponto_http_response, source, 2),
	AT(ponto_http_response, close, 4),
	AT(ponto_http_response, ready, 5),
	AT(ponto_http_response, headers, 8),
	AT(ponto_http_response, header_count, 16),
	AT(ponto_http_response, length, 24),
	AT(ponto_http_response, data, 32),
	AT(ponto_http_response, fd, 48),
	AT(ponto_http_response, offset, 56),
	AT(ponto_http_response, body, 64),
	AT(ponto_http_response, arg, 72),
	AT(ponto_http_response, release, 80),
	SIZE(ponto_http_listen, 56),
	AT(ponto_http_listen, local, 0),
	AT(ponto_http_listen, body_limit, 24),
	AT(ponto_http_listen, certificate_file, 32),
	AT(ponto_http_listen, key_file, 40),
	AT(ponto_http_listen, head_limit, 48),
	SIZE(ponto_http_events, 24),
	AT(ponto_http_events, request, 0),
	AT(ponto_http_events, gone, 8),
	AT(ponto_http_events, at_once, 16),
	SIZE(ponto_http_fetch, 96),
	AT(ponto_http_fetch, method, 0),
	AT(ponto_http_fetch, url, 8),
	AT(ponto_http_fetch, headers, 16),
	AT(ponto_http_fetch, header_count, 24),
	AT(ponto_http_fetch, body, 32),
	AT(ponto_http_fetch, ca_file, 48),
	AT(ponto_http_fetch, timeout, 56),
	AT(ponto_http_fetch, connect_timeout, 64),
	AT(ponto_http_fetch, stall_timeout, 72),
	AT(ponto_http_fetch, answer_limit, 80),
	AT(ponto_http_fetch, redirects, 88),
	SIZE(ponto_http_fetch_events, 24),
	AT(ponto_http_fetch_events, head, 0),
	AT(ponto_http_fetch_events, body, 8),
	AT(ponto_http_fetch_events, done, 16),
	SIZE(ponto_http_ops, 88),
	AT(ponto_http_ops, head, 0),
	AT(ponto_http_ops, create, 8),
	AT(ponto_http_ops, destroy, 16),
	AT(ponto_http_ops, listen, 24),
	AT(ponto_http_ops, unlisten, 32),
	AT(ponto_http_ops, local, 40),
	AT(ponto_http_ops, respond, 48),
	AT(ponto_http_ops, resume, 56),
	AT(ponto_http_ops, fetch, 64),
	AT(ponto_http_ops, transfer_resume, 72),
	AT(ponto_http_ops, cancel, 80),
	SIZE(ponto_http, 24),
	AT(ponto_http, ops, 0),
	AT(ponto_http, self, 8),
	AT(ponto_http, pool, 16),
	/* bus.h */
	SIZE(ponto_bus_setup, 80),
	AT(ponto_bus_setup, endpoint, 0),
	AT(ponto_bus_setup, group, 8),
	AT(ponto_bus_setup, remote, 16),
	AT(ponto_bus_setup, curve_key_file, 24),
	AT(ponto_bus_setup, curve_clients, 32),
	AT(ponto_bus_setup, alloc, 40),
	AT(ponto_bus_setup, clock, 48),
	AT(ponto_bus_setup, random, 56),
	AT(ponto_bus_setup, log, 64),
	AT(ponto_bus_setup, metrics, 72),
	SIZE(ponto_port_events, 16),
	AT(ponto_port_events, call, 0),
	AT(ponto_port_events, client_gone, 8),
	SIZE(ponto_client_setup, 40),
	AT(ponto_client_setup, endpoint, 0),
	AT(ponto_client_setup, curve_server_key, 8),
	AT(ponto_client_setup, curve_secret_file, 16),
	AT(ponto_client_setup, alloc, 24),
	AT(ponto_client_setup, tell_reconnect, 32),
	SIZE(ponto_reply, 536),
	AT(ponto_reply, result, 0),
	AT(ponto_reply, payload, 8),
	AT(ponto_reply, len, 16),
	AT(ponto_reply, error, 24),
	SIZE(ponto_event, 144),
	AT(ponto_event, topic, 0),
	AT(ponto_event, payload, 128),
	AT(ponto_event, len, 136),
	/* mapping.h */
	SIZE(ponto_mapping_want, 40),
	AT(ponto_mapping_want, local, 0),
	AT(ponto_mapping_want, protocol, 24),
	AT(ponto_mapping_want, exact, 25),
	AT(ponto_mapping_want, lifetime, 28),
	AT(ponto_mapping_want, description, 32),
	SIZE(ponto_mapping_info, 324),
	AT(ponto_mapping_info, state, 0),
	AT(ponto_mapping_info, external, 4),
	AT(ponto_mapping_info, gateway, 28),
	AT(ponto_mapping_info, how, 52),
	AT(ponto_mapping_info, why, 68),
	SIZE(ponto_mapping_events, 8),
	AT(ponto_mapping_events, changed, 0),
	SIZE(ponto_mapping_ops, 48),
	AT(ponto_mapping_ops, create, 8),
	AT(ponto_mapping_ops, destroy, 16),
	AT(ponto_mapping_ops, open, 24),
	AT(ponto_mapping_ops, close, 32),
	AT(ponto_mapping_ops, renew, 40),
	SIZE(ponto_mapping, 24),
	AT(ponto_mapping, ops, 0),
	AT(ponto_mapping, self, 8),
	AT(ponto_mapping, pool, 16),
	/* node.h */
	SIZE(ponto_node_setup, 96),
	AT(ponto_node_setup, name, 0),
	AT(ponto_node_setup, state_dir, 8),
	AT(ponto_node_setup, alloc, 16),
	AT(ponto_node_setup, random, 24),
	AT(ponto_node_setup, clock, 32),
	AT(ponto_node_setup, log, 40),
	AT(ponto_node_setup, metrics, 48),
	AT(ponto_node_setup, bus, 56),
	AT(ponto_node_setup, loop, 64),
	AT(ponto_node_setup, simulation, 72),
	AT(ponto_node_setup, grants, 80),
	AT(ponto_node_setup, grant_count, 88),
};

static void nothing_has_moved(void **state)
{
	unsigned moved = 0;

	(void)state;
	if (sizeof(void *) != 8)
		skip();
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		if (rows[i].is == rows[i].was)
			continue;
		print_message("# %s: was %zu, is %zu\n", rows[i].what, rows[i].was, rows[i].is);
		moved++;
	}
	assert_int_equal(moved, 0);
}

static void abi_numbers(void **state)
{
	(void)state;
	assert_int_equal(PONTO_PLUGIN_ABI, 2);
	assert_int_equal(PONTO_LOOP_ABI, 1);
	assert_int_equal(PONTO_TRANSPORT_ABI, 1);
	assert_int_equal(PONTO_STORE_ABI, 1);
	assert_int_equal(PONTO_SECURITY_ABI, 1);
	assert_int_equal(PONTO_DISCOVERY_ABI, 1);
	assert_int_equal(PONTO_SERVICE_ABI, 1);
	assert_int_equal(PONTO_HTTP_ABI, 2);
	assert_int_equal(PONTO_MAPPING_ABI, 1);
}

/* Numbers that cross the contract as plain integers. */
static void kinds_and_types_keep_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(PONTO_KIND_TRANSPORT, 1);
	assert_int_equal(PONTO_KIND_STORE, 2);
	assert_int_equal(PONTO_KIND_SECURITY, 3);
	assert_int_equal(PONTO_KIND_DISCOVERY, 4);
	assert_int_equal(PONTO_KIND_SERVICE, 5);
	assert_int_equal(PONTO_KIND_HTTP, 6);
	assert_int_equal(PONTO_KIND_MAPPING, 7);
	assert_int_equal(PONTO_OPTION_BOOL, 1);
	assert_int_equal(PONTO_OPTION_REFS, 6);
	assert_int_equal(PONTO_STEP_PUT, 1);
	assert_int_equal(PONTO_STEP_REQUIRE_EQUAL, 4);
	assert_int_equal(PONTO_PROFILE_WINDOWS, 1);
	assert_int_equal(PONTO_PROFILE_MODERN, 2);
	assert_int_equal(PONTO_EINTERNAL, -21);
}

/* Every typed view of an instance has the layout of struct ponto_iface. */
static void views_are_alike(void **state)
{
	(void)state;
#define SAME(type)                                                                                                     \
	do {                                                                                                           \
		assert_int_equal(sizeof(struct type), sizeof(struct ponto_iface));                                     \
		assert_int_equal(offsetof(struct type, ops), offsetof(struct ponto_iface, ops));                       \
		assert_int_equal(offsetof(struct type, self), offsetof(struct ponto_iface, self));                     \
		assert_int_equal(offsetof(struct type, pool), offsetof(struct ponto_iface, pool));                     \
	} while (0)
	SAME(ponto_transport);
	SAME(ponto_store);
	SAME(ponto_security);
	SAME(ponto_discovery);
	SAME(ponto_service);
	SAME(ponto_http);
	SAME(ponto_mapping);
}

static int publish_nothing(struct ponto_discovery_handle *handle, const struct ponto_addr *addrs, size_t count)
{
	(void)handle;
	(void)addrs;
	(void)count;
	return PONTO_EIO;
}

/* A plugin built when the vtable was shorter: what it does not have must not be called. */
static void a_missing_tail_is_not_called(void **state)
{
	struct ponto_discovery_ops ops = {.head = {1, sizeof(ops)}, .publish = publish_nothing};
	struct ponto_transport_ops streams = {.head = {1, offsetof(struct ponto_transport_ops, join)}};
	struct ponto_discovery discovery = {.ops = &ops};
	struct ponto_datagrams datagrams = {.ops = &streams};
	struct ponto_addr group = {.family = PONTO_FAMILY_IPV6};

	(void)state;
	assert_int_equal(ponto_discovery_publish(discovery, NULL, &group, 1), PONTO_EIO);
	ops.head.size = offsetof(struct ponto_discovery_ops, publish) + sizeof(ops.publish) - 1;
	assert_ok(ponto_discovery_publish(discovery, NULL, &group, 1));
	ops.head.size = sizeof(ops);
	ops.publish = NULL;
	assert_ok(ponto_discovery_publish(discovery, NULL, &group, 1));
	memset(&streams.join, 0x5a, sizeof(streams.join));
	assert_int_equal(ponto_datagrams_join(datagrams, &group), PONTO_ENOTSUP);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_has_moved),
	cmocka_unit_test(abi_numbers),
	cmocka_unit_test(kinds_and_types_keep_their_numbers),
	cmocka_unit_test(views_are_alike),
	cmocka_unit_test(a_missing_tail_is_not_called),
};

PONTO_TEST_MAIN(tests)
