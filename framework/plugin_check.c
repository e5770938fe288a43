#include "framework/plugin_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "framework/conf_value.h"
#include "framework/discovery.h"
#include "framework/http.h"
#include "framework/mapping.h"
#include "framework/security.h"
#include "framework/service.h"
#include "framework/store.h"
#include "framework/transport.h"

/* A member of a vtable that must be set: always, or when the plugin offers a feature. */
struct member {
	const char *name;
	size_t offset;
	const char *feature; /* NULL: always */
};

#define MEMBER(type, member) {#member, offsetof(struct type, member), NULL}
#define FEATURE(type, member, feature) {#member, offsetof(struct type, member), feature}

static const struct member transport_members[] = {
	MEMBER(ponto_transport_ops, create),
	MEMBER(ponto_transport_ops, destroy),
	FEATURE(ponto_transport_ops, open, PONTO_FEATURE_DATAGRAM),
	FEATURE(ponto_transport_ops, close, PONTO_FEATURE_DATAGRAM),
	FEATURE(ponto_transport_ops, local, PONTO_FEATURE_DATAGRAM),
	FEATURE(ponto_transport_ops, send, PONTO_FEATURE_DATAGRAM),
	FEATURE(ponto_transport_ops, connect, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, listen, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, unlisten, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, adopt, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, write, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, resume, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, shutdown, PONTO_FEATURE_STREAM),
	FEATURE(ponto_transport_ops, abort, PONTO_FEATURE_STREAM),
};

static const struct member store_members[] = {
	MEMBER(ponto_store_ops, create), MEMBER(ponto_store_ops, destroy), MEMBER(ponto_store_ops, get),
	MEMBER(ponto_store_ops, put),	 MEMBER(ponto_store_ops, remove),  MEMBER(ponto_store_ops, iterate),
	MEMBER(ponto_store_ops, groups), MEMBER(ponto_store_ops, batch),   MEMBER(ponto_store_ops, flush),
};

static const struct member security_members[] = {
	MEMBER(ponto_security_ops, create),	     MEMBER(ponto_security_ops, destroy),
	MEMBER(ponto_security_ops, identity_create), MEMBER(ponto_security_ops, identity_list),
	MEMBER(ponto_security_ops, identity_get),    MEMBER(ponto_security_ops, identity_remove),
	MEMBER(ponto_security_ops, identity_export), MEMBER(ponto_security_ops, identity_import),
	MEMBER(ponto_security_ops, sign),	     MEMBER(ponto_security_ops, verify),
	MEMBER(ponto_security_ops, authority),
};

static const struct member discovery_members[] = {
	MEMBER(ponto_discovery_ops, create), MEMBER(ponto_discovery_ops, destroy), MEMBER(ponto_discovery_ops, open),
	MEMBER(ponto_discovery_ops, close),  MEMBER(ponto_discovery_ops, search),
};

static const struct member service_members[] = {
	MEMBER(ponto_service_ops, create), MEMBER(ponto_service_ops, start),   MEMBER(ponto_service_ops, call),
	MEMBER(ponto_service_ops, stop),   MEMBER(ponto_service_ops, destroy),
};

static const struct member http_members[] = {
	MEMBER(ponto_http_ops, create),	  MEMBER(ponto_http_ops, destroy), MEMBER(ponto_http_ops, listen),
	MEMBER(ponto_http_ops, unlisten), MEMBER(ponto_http_ops, local),   MEMBER(ponto_http_ops, respond),
	MEMBER(ponto_http_ops, resume),	  MEMBER(ponto_http_ops, fetch),   MEMBER(ponto_http_ops, transfer_resume),
	MEMBER(ponto_http_ops, cancel),
};

static const struct member mapping_members[] = {
	MEMBER(ponto_mapping_ops, create), MEMBER(ponto_mapping_ops, destroy), MEMBER(ponto_mapping_ops, open),
	MEMBER(ponto_mapping_ops, close),  MEMBER(ponto_mapping_ops, renew),
};

struct kind {
	const char *name, *group;
	uint32_t abi;
	const struct member *members;
	size_t member_count;
};

#define KIND(name, group, abi) {#name, group, abi, name##_members, PONTO_ARRAY_SIZE(name##_members)}

static const struct kind kinds[PONTO_KIND_LIMIT] = {
	[PONTO_KIND_TRANSPORT] = KIND(transport, "transports", PONTO_TRANSPORT_ABI),
	[PONTO_KIND_STORE] = KIND(store, "stores", PONTO_STORE_ABI),
	[PONTO_KIND_SECURITY] = KIND(security, "security", PONTO_SECURITY_ABI),
	[PONTO_KIND_DISCOVERY] = KIND(discovery, "discovery", PONTO_DISCOVERY_ABI),
	[PONTO_KIND_SERVICE] = KIND(service, "services", PONTO_SERVICE_ABI),
	[PONTO_KIND_HTTP] = KIND(http, "http", PONTO_HTTP_ABI),
	[PONTO_KIND_MAPPING] = KIND(mapping, "mappings", PONTO_MAPPING_ABI),
};

static const struct kind *kind_of(uint32_t kind)
{
	return kind > 0 && kind < PONTO_KIND_LIMIT ? &kinds[kind] : NULL;
}

const char *ponto_kind_name(enum ponto_kind kind)
{
	return kind_of(kind) ? kinds[kind].name : NULL;
}

const char *ponto_kind_group(enum ponto_kind kind)
{
	return kind_of(kind) ? kinds[kind].group : NULL;
}

enum ponto_kind ponto_kind_parse(const char *name)
{
	for (unsigned i = 1; i < PONTO_KIND_LIMIT; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return (enum ponto_kind)i;
	}
	return (enum ponto_kind)0;
}

enum ponto_kind ponto_plugin_name_kind(const char *name)
{
	const char *dash = strchr(name, '-');
	size_t len = strlen(name);

	if (!dash || len > PONTO_PLUGIN_NAME_MAX || dash[1] == '\0' || name[len - 1] == '-' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return (enum ponto_kind)0;
	for (unsigned i = 1; i < PONTO_KIND_LIMIT; i++) {
		if (strlen(kinds[i].name) == (size_t)(dash - name) &&
		    memcmp(kinds[i].name, name, (size_t)(dash - name)) == 0)
			return (enum ponto_kind)i;
	}
	return (enum ponto_kind)0;
}

static int PONTO_PRINTF(3, 4) refuse(char *reason, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, PONTO_REASON_SIZE, format, args);
	va_end(args);
	return result;
}

/* ---- the schema --------------------------------------------------------------- */

static bool snake_case(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PONTO_PLUGIN_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int option_check(const struct ponto_option *o, char reason[PONTO_REASON_SIZE])
{
	bool is_ref = o->type == PONTO_OPTION_REF || o->type == PONTO_OPTION_REFS;
	char fault[PONTO_REASON_SIZE / 2];

	if (o->type < PONTO_OPTION_BOOL || o->type > PONTO_OPTION_REFS)
		return refuse(reason, PONTO_EINVAL, "option %s: type %u is unknown", o->name, (unsigned)o->type);
	if (is_ref ? !kind_of(o->ref_kind) : o->ref_kind != 0)
		return refuse(reason, PONTO_EINVAL, "option %s: ref_kind %u does not fit its type", o->name,
			      (unsigned)o->ref_kind);
	if (o->type != PONTO_OPTION_INT && (o->min != 0 || o->max != 0))
		return refuse(reason, PONTO_EINVAL, "option %s: only integers have a range", o->name);
	if (o->min > o->max)
		return refuse(reason, PONTO_EINVAL, "option %s: min %lld is above max %lld", o->name,
			      (long long)o->min, (long long)o->max);
	if (o->choices && (o->type != PONTO_OPTION_STRING || !o->choices[0]))
		return refuse(reason, PONTO_EINVAL, "option %s: choices are for strings, and at least one", o->name);
	if (!o->doc || !o->doc[0])
		return refuse(reason, PONTO_EINVAL, "option %s: doc is missing", o->name);
	if (!o->fallback && (o->type == PONTO_OPTION_BOOL || o->type == PONTO_OPTION_INT || o->choices))
		return refuse(reason, PONTO_EINVAL, "option %s: fallback is missing", o->name);
	if (o->fallback && !ponto_conf_text_fits(o, o->fallback, fault, sizeof(fault)))
		return refuse(reason, PONTO_EINVAL, "option %s: its default is wrong: %s", o->name, fault);
	return PONTO_OK;
}

int ponto_schema_check(const struct ponto_option *options, size_t count, char reason[PONTO_REASON_SIZE])
{
	if (count > 0 && !options)
		return refuse(reason, PONTO_EINVAL, "option_count is %zu but options is NULL", count);
	for (size_t i = 0; i < count; i++) {
		int result;

		if (!options[i].name || !snake_case(options[i].name))
			return refuse(reason, PONTO_EINVAL, "option %zu: the name is not snake_case", i + 1);
		if (strcmp(options[i].name, "plugin") == 0)
			return refuse(reason, PONTO_EINVAL, "option plugin: the name is reserved");
		for (size_t j = 0; j < i; j++) {
			if (strcmp(options[j].name, options[i].name) == 0)
				return refuse(reason, PONTO_EINVAL, "option %s: declared twice", options[i].name);
		}
		result = option_check(&options[i], reason);
		if (result != PONTO_OK)
			return result;
	}
	return PONTO_OK;
}

/* ---- the descriptor ------------------------------------------------------------- */

static bool names(const char *const *list, const char *name)
{
	for (; list && *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static int vtable_check(const struct ponto_plugin *p, char reason[PONTO_REASON_SIZE])
{
	const struct kind *kind = &kinds[p->kind];

	if (!p->vtable)
		return refuse(reason, PONTO_EINVAL, "%s: the vtable is missing", p->name);
	if (p->vtable->abi != kind->abi)
		return refuse(reason, PONTO_EABI, "%s: its vtable is for %s contract %u, this program has %u", p->name,
			      kind->name, (unsigned)p->vtable->abi, (unsigned)kind->abi);
	if (p->kind == PONTO_KIND_TRANSPORT && !names(p->offers, PONTO_FEATURE_DATAGRAM) &&
	    !names(p->offers, PONTO_FEATURE_STREAM))
		return refuse(reason, PONTO_EINVAL, "%s: a transport offers \"datagram\", \"stream\" or both", p->name);
	for (size_t i = 0; i < kind->member_count; i++) {
		const struct member *m = &kind->members[i];
		void (*function)(void);

		if (m->feature && !names(p->offers, m->feature))
			continue;
		if (p->vtable->size < m->offset + sizeof(function))
			return refuse(reason, PONTO_EINVAL, "%s: its vtable ends before %s", p->name, m->name);
		memcpy(&function, (const char *)p->vtable + m->offset, sizeof(function));
		if (!function)
			return refuse(reason, PONTO_EINVAL, "%s: its vtable lacks %s", p->name, m->name);
	}
	return PONTO_OK;
}

int ponto_plugin_check(const struct ponto_plugin *p, char reason[PONTO_REASON_SIZE])
{
	char fault[PONTO_REASON_SIZE];
	const struct kind *kind;
	int result;

	if (p->abi != PONTO_PLUGIN_ABI)
		return refuse(reason, PONTO_EABI, "wrong ABI: built for plugin ABI %u, this program has %u",
			      (unsigned)p->abi, (unsigned)PONTO_PLUGIN_ABI);
	kind = kind_of(p->kind);
	if (!kind)
		return refuse(reason, PONTO_EINVAL, "wrong kind: number %u is no kind of plugin", (unsigned)p->kind);
	if (!p->name)
		return refuse(reason, PONTO_EINVAL, "the descriptor has no name");
	if (ponto_plugin_name_kind(p->name) != p->kind)
		return refuse(reason, PONTO_EINVAL, "wrong kind: \"%.64s\" is no name for a %s, which is called %s-NAME",
			      p->name, kind->name, kind->name);
	if (!p->version || !p->version[0] || !p->summary || !p->summary[0])
		return refuse(reason, PONTO_EINVAL, "%s: the descriptor lacks a version or a summary", p->name);
	if (names(p->needs, p->name))
		return refuse(reason, PONTO_EINVAL, "%s: it needs itself", p->name);
	result = vtable_check(p, reason);
	if (result != PONTO_OK)
		return result;
	result = ponto_schema_check(p->options, p->option_count, fault);
	if (result != PONTO_OK)
		return refuse(reason, result, "%s: %.400s", p->name, fault);
	return PONTO_OK;
}
