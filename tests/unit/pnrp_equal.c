#include "tests/unit/pnrp_equal.h"

#include <string.h>

static bool same(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

static bool route_same(bool has_a, const struct pnrp_route_entry *a, bool has_b, const struct pnrp_route_entry *b)
{
	return has_a == has_b && (!has_a || pnrp_route_entry_equal(a, b));
}

static bool endpoints_same(const struct pnrp_ipv6_endpoint *a, const struct pnrp_ipv6_endpoint *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (a[i].port != b[i].port || !same(a[i].ip, b[i].ip, 16))
			return false;
	return true;
}

static bool flood_equal(const struct pnrp_flood *a, const struct pnrp_flood *b)
{
	return a->no_ack == b->no_ack && a->has_revoke == b->has_revoke && a->count == b->count &&
	       same(a->validate_id.b, b->validate_id.b, 32) && ponto_bytes_equal(a->revoke, b->revoke) &&
	       route_same(a->has_route, &a->route, b->has_route, &b->route) &&
	       endpoints_same(a->endpoints, b->endpoints, a->count);
}

static bool lookup_equal(const struct pnrp_lookup *a, const struct pnrp_lookup *b)
{
	return a->accept_any == b->accept_any && a->criteria == b->criteria && a->reason == b->reason &&
	       a->count == b->count && a->precision == b->precision && same(a->target.b, b->target.b, 32) &&
	       same(a->validate_id.b, b->validate_id.b, 32) &&
	       route_same(a->has_route, &a->route, b->has_route, &b->route) &&
	       endpoints_same(a->path, b->path, a->count);
}

static bool ids_equal(const struct pnrp_ids *a, const struct pnrp_ids *b)
{
	return a->count == b->count && ponto_bytes_equal(a->bytes, b->bytes);
}

bool message_equal(const struct pnrp_message *a, const struct pnrp_message *b)
{
	if (a->type != b->type || a->id != b->id)
		return false;
	switch (a->type) {
	case PNRP_SOLICIT:
		return a->solicit.has_controls == b->solicit.has_controls &&
		       a->solicit.solicit_type == b->solicit.solicit_type &&
		       same(a->solicit.hashed_nonce, b->solicit.hashed_nonce, 20) &&
		       route_same(a->solicit.has_route, &a->solicit.route, b->solicit.has_route, &b->solicit.route);
	case PNRP_ADVERTISE:
		return a->advertise.acked_id == b->advertise.acked_id &&
		       ids_equal(&a->advertise.ids, &b->advertise.ids) &&
		       same(a->advertise.hashed_nonce, b->advertise.hashed_nonce, 20);
	case PNRP_REQUEST:
		return same(a->request.nonce, b->request.nonce, 16) && ids_equal(&a->request.ids, &b->request.ids);
	case PNRP_FLOOD:
		return flood_equal(&a->flood, &b->flood);
	case PNRP_INQUIRE:
		return a->inquire.want_cpa == b->inquire.want_cpa &&
		       a->inquire.want_payload == b->inquire.want_payload &&
		       a->inquire.want_chain == b->inquire.want_chain && a->inquire.has_nonce == b->inquire.has_nonce &&
		       same(a->inquire.validate_id.b, b->inquire.validate_id.b, 32) &&
		       same(a->inquire.nonce, b->inquire.nonce, 16);
	case PNRP_AUTHORITY:
		return a->authority.acked_id == b->authority.acked_id && a->authority.size == b->authority.size &&
		       a->authority.offset == b->authority.offset &&
		       ponto_bytes_equal(a->authority.slice, b->authority.slice);
	case PNRP_ACK:
		return a->ack.acked_id == b->ack.acked_id && a->ack.not_found == b->ack.not_found;
	case PNRP_LOOKUP:
		return lookup_equal(&a->lookup, &b->lookup);
	}
	return false;
}

bool buffer_equal(const struct pnrp_authority_buffer *a, const struct pnrp_authority_buffer *b)
{
	return a->leaf_set == b->leaf_set && a->busy == b->busy && a->not_found == b->not_found &&
	       a->has_chain == b->has_chain && a->has_classifier == b->has_classifier &&
	       a->has_payload == b->has_payload && a->has_cpa == b->has_cpa && ponto_bytes_equal(a->chain, b->chain) &&
	       ponto_bytes_equal(a->classifier, b->classifier) && ponto_bytes_equal(a->payload, b->payload) &&
	       ponto_bytes_equal(a->cpa, b->cpa) && route_same(a->has_route, &a->route, b->has_route, &b->route);
}

bool cpa_equal(const struct pnrp_cpa *a, const struct pnrp_cpa *b)
{
	if (a->app_count != b->app_count)
		return false;
	for (size_t i = 0; i < a->app_count; i++)
		if (!same(a->apps[i].ip, b->apps[i].ip, 16) || a->apps[i].port != b->apps[i].port ||
		    a->apps[i].protocol != b->apps[i].protocol)
			return false;
	return a->has_payload == b->has_payload && a->has_friendly_name == b->has_friendly_name &&
	       a->friendly_name_utf8 == b->friendly_name_utf8 && a->has_classifier_hash == b->has_classifier_hash &&
	       a->has_authority == b->has_authority && a->revoke == b->revoke && a->not_after == b->not_after &&
	       same(a->location, b->location, 16) && same(a->nonce, b->nonce, 16) &&
	       same(a->authority, b->authority, 20) && same(a->classifier_hash, b->classifier_hash, 20) &&
	       ponto_bytes_equal(a->friendly_name, b->friendly_name) && a->service_count == b->service_count &&
	       endpoints_same(a->services, b->services, a->service_count) &&
	       ponto_bytes_equal(a->public_key, b->public_key);
}

bool payload_equal(const struct pnrp_payload *a, const struct pnrp_payload *b)
{
	return a->not_after == b->not_after && same(a->id.b, b->id.b, 32) && same(a->nonce, b->nonce, 16) &&
	       a->kind == b->kind && ponto_bytes_equal(a->data, b->data);
}
