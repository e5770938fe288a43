/* A static table of plugins with rich schemas, for the tests and the fuzzer of
 * the configuration: checked, never called. The five of the default composition
 * are among them. */
#ifndef PONTO_TESTS_UNIT_CONF_PLUGINS_H
#define PONTO_TESTS_UNIT_CONF_PLUGINS_H

#include "framework/discovery.h"
#include "framework/http.h"
#include "framework/security.h"
#include "framework/service.h"
#include "framework/store.h"
#include "framework/transport.h"

static int conf_nothing(void)
{
	return PONTO_ENOTSUP;
}

#define N(ops, member) .member = (__typeof__(((struct ops *)0)->member))(void (*)(void))conf_nothing

#define T(m) N(ponto_transport_ops, m)
static const struct ponto_transport_ops conf_transport_ops = {
	{PONTO_TRANSPORT_ABI, sizeof(conf_transport_ops)}, T(create), T(destroy), T(open), T(close), T(local), T(send)};
#define S(m) N(ponto_store_ops, m)
static const struct ponto_store_ops conf_store_ops = {
	{PONTO_STORE_ABI, sizeof(conf_store_ops)},
	S(create), S(destroy), S(get), S(put), S(remove), S(iterate), S(groups), S(batch), S(flush)};
#define C(m) N(ponto_security_ops, m)
static const struct ponto_security_ops conf_security_ops = {{PONTO_SECURITY_ABI, sizeof(conf_security_ops)},
	C(create), C(destroy), C(identity_create), C(identity_list), C(identity_get), C(identity_remove),
	C(identity_export), C(identity_import), C(sign), C(verify), C(authority)};
#define D(m) N(ponto_discovery_ops, m)
static const struct ponto_discovery_ops conf_discovery_ops = {
	{PONTO_DISCOVERY_ABI, sizeof(conf_discovery_ops)}, 0, D(create), D(destroy), D(open), D(close), D(search)};
#define V(m) N(ponto_service_ops, m)
static const struct ponto_service_ops conf_service_ops = {
	{PONTO_SERVICE_ABI, sizeof(conf_service_ops)}, V(create), V(start), V(call), V(stop), V(destroy)};

#undef T
#undef S
#undef C
#undef D
#undef V
#undef N

static const char *const conf_datagram[] = {PONTO_FEATURE_DATAGRAM, NULL};
static const char *const conf_modes[] = {"fast", "safe", NULL};

static const struct ponto_option conf_udp_options[] = {
	{.name = "port", .type = PONTO_OPTION_INT, .fallback = "3540", .min = 1, .max = 65535, .doc = "UDP port"},
	{.name = "interfaces", .type = PONTO_OPTION_LIST, .doc = "interfaces to use; empty: all"},
	{.name = "over", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_TRANSPORT, .fallback = "", .doc = "tunnel"},
};
static const struct ponto_option conf_store_options[] = {
	{.name = "path", .type = PONTO_OPTION_STRING, .fallback = "main", .unit = "path", .doc = "folder"},
	{.name = "mode", .type = PONTO_OPTION_STRING, .fallback = "safe", .choices = conf_modes, .doc = "fast | safe"},
	{.name = "sync", .type = PONTO_OPTION_BOOL, .fallback = "true", .live = true, .doc = "write through"},
	{.name = "size", .type = PONTO_OPTION_INT, .fallback = "-1", .doc = "any integer", .unit = "bytes"},
};
static const struct ponto_option conf_seed_options[] = {
	{.name = "peers", .type = PONTO_OPTION_LIST, .fallback = "a.example, b.example", .doc = "where to ask"},
	{.name = "store", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_STORE, .doc = "memory"},
};
static const struct ponto_option conf_pnrp_options[] = {
	{.name = "transport", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_TRANSPORT, .doc = "carrier"},
	{.name = "discovery", .type = PONTO_OPTION_REFS, .ref_kind = PONTO_KIND_DISCOVERY, .doc = "bootstrap"},
	{.name = "security", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_SECURITY, .doc = "keys"},
	{.name = "store", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_STORE, .doc = "cache"},
	{.name = "friends", .type = PONTO_OPTION_REFS, .ref_kind = PONTO_KIND_SERVICE, .fallback = "", .doc = "others"},
};

static const struct ponto_option conf_no_options[] = {};

#define CONF_COUNT(opts) (sizeof(opts) / sizeof(struct ponto_option))
#define CONF_PLUGIN(variable, k, n, ops, opts)                                                                   \
	static const struct ponto_plugin variable = {.abi = PONTO_PLUGIN_ABI, .kind = k, .name = n, .version = "1", \
		.summary = "a plugin for the test of the configuration", .options = opts,                        \
		.option_count = CONF_COUNT(opts), .vtable = &ops.head,                 \
		.offers = k == PONTO_KIND_TRANSPORT ? conf_datagram : NULL}

CONF_PLUGIN(conf_udp6, PONTO_KIND_TRANSPORT, "transport-udp6", conf_transport_ops, conf_udp_options);
CONF_PLUGIN(conf_rocksdb, PONTO_KIND_STORE, "store-rocksdb", conf_store_ops, conf_store_options);
CONF_PLUGIN(conf_pki, PONTO_KIND_SECURITY, "security-pki", conf_security_ops, conf_no_options);
CONF_PLUGIN(conf_seed, PONTO_KIND_DISCOVERY, "discovery-seed", conf_discovery_ops, conf_seed_options);
CONF_PLUGIN(conf_ssdp, PONTO_KIND_DISCOVERY, "discovery-ssdp", conf_discovery_ops, conf_no_options);
CONF_PLUGIN(conf_pnrp, PONTO_KIND_SERVICE, "service-pnrp", conf_service_ops, conf_pnrp_options);

static const struct ponto_plugin *const conf_plugins[] = {&conf_udp6, &conf_rocksdb, &conf_pki,
							  &conf_seed, &conf_ssdp,    &conf_pnrp, NULL};

#endif
