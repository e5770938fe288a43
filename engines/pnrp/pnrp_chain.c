/* Certificate chains of delegated peer names: the rules, [MS-PNRP] 2.2.3.5 and 3.1.5.10. */
#include "engines/pnrp/pnrp_chain.h"

#include <string.h>

#define LAST_SECOND UINT64_C(253402300799) /* of the year 9999, where dates in certificates end */
#define MAY_DELEGATE (PNRP_ROLE_ADMIN | PNRP_ROLE_INVITING)

/* ---- roles ----------------------------------------------------------------------- */

/* [MS-PNRP] 2.2.3.5.1.4; the last one is what [MS-PPSEC] has for the inviting role (T31). */
static const struct {
	uint8_t uuid[16];
	uint8_t role;
} roles[] = {
	{{0x04, 0x38, 0x71, 0x27, 0xaa, 0x56, 0x45, 0x0a, 0x8c, 0xe5, 0x4f, 0x56, 0x5c, 0x67, 0x90, 0xf4},
	 PNRP_ROLE_ADMIN},
	{{0xf1, 0x2d, 0xc4, 0xc7, 0x08, 0x57, 0x4c, 0xa0, 0x93, 0xfc, 0xb1, 0xbb, 0x19, 0xa3, 0xd8, 0xc2},
	 PNRP_ROLE_MEMBER},
	{{0xdd, 0x15, 0xf4, 0x1f, 0xfc, 0x4e, 0x49, 0x22, 0xb0, 0x35, 0x4c, 0x06, 0xa7, 0x54, 0xd0, 0x1d},
	 PNRP_ROLE_INVITING},
	{{0x43, 0x70, 0xfd, 0x89, 0xdc, 0x18, 0x4c, 0xfb, 0x8d, 0xbf, 0x98, 0x53, 0xa8, 0xa9, 0xf9, 0x05},
	 PNRP_ROLE_INVITING},
};

/* The order in which a GUID lies in memory on a little-endian machine (T41). */
static void swap_uuid(const uint8_t in[16], uint8_t out[16])
{
	static const uint8_t from[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	for (unsigned i = 0; i < 16; i++)
		out[i] = in[from[i]];
}

unsigned pnrp_role_of(const uint8_t uuid[16])
{
	uint8_t swapped[16];

	swap_uuid(uuid, swapped);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(roles); i++)
		if (memcmp(uuid, roles[i].uuid, 16) == 0 || memcmp(swapped, roles[i].uuid, 16) == 0)
			return roles[i].role;
	return 0;
}

const uint8_t *pnrp_role_uuid(enum pnrp_role role)
{
	size_t i = 0;

	while (roles[i].role != role)
		i++;
	return roles[i].uuid;
}

/* ---- texts ------------------------------------------------------------------------- */

bool pnrp_units_equal(struct pnrp_units a, struct pnrp_units b)
{
	return a.count == b.count && (a.count == 0 || memcmp(a.unit, b.unit, a.count * sizeof(*a.unit)) == 0);
}

static bool begins_with(struct pnrp_units text, struct pnrp_units prefix)
{
	return text.count >= prefix.count &&
	       pnrp_units_equal((struct pnrp_units){text.unit, prefix.count}, prefix);
}

static bool is_classifier(struct pnrp_units text)
{
	if (text.count > PNRP_CLASSIFIER_MAX)
		return false;
	for (size_t i = 0; i < text.count; i++)
		if (text.unit[i] == 0)
			return false;
	return true;
}

/* ---- delegation, 2.2.3.5.1.5 ---------------------------------------------------------- */

bool pnrp_classifier_legal(const struct pnrp_certificate *delegator, unsigned granted, struct pnrp_units classifier)
{
	if (delegator->classifier_count == 0)
		return true;
	for (size_t i = 0; i < delegator->classifier_count; i++) {
		if (granted & MAY_DELEGATE ? begins_with(classifier, delegator->classifiers[i])
					   : pnrp_units_equal(classifier, delegator->classifiers[i]))
			return true;
	}
	return false;
}

/* An empty list is every classifier: only who has them all may hand them all on, or, under a role that goes by
 * prefixes, who has the prefix of all. */
static bool everything_legal(const struct pnrp_certificate *delegator, unsigned granted)
{
	if (delegator->classifier_count == 0)
		return true;
	for (size_t i = 0; granted & MAY_DELEGATE && i < delegator->classifier_count; i++)
		if (delegator->classifiers[i].count == 0)
			return true;
	return false;
}

static bool list_legal(const struct pnrp_certificate *delegator, const struct pnrp_certificate *c)
{
	if (c->classifier_count == 0)
		return everything_legal(delegator, c->roles);
	for (size_t i = 0; i < c->classifier_count; i++)
		if (!pnrp_classifier_legal(delegator, c->roles, c->classifiers[i]))
			return false;
	return true;
}

/* Where a member could hand on more than its own role, it could give itself, under another key, every classifier
 * that begins with one of its own (T42). */
static bool role_legal(const struct pnrp_certificate *delegator, const struct pnrp_certificate *c)
{
	return !delegator->has_roles || (delegator->roles & MAY_DELEGATE) || !(c->roles & MAY_DELEGATE);
}

/* Both certificates have them at the same place, and wherever both have them they are the same. */
static bool alt_names_fit(const struct pnrp_certificate *parent, const struct pnrp_certificate *child)
{
	bool seen = false;

	for (unsigned i = 0; i < PNRP_ALT_NAMES; i++) {
		if (!parent->has_subject_alt[i] || !child->has_issuer_alt[i])
			continue;
		if (!pnrp_units_equal(parent->subject_alt[i], child->issuer_alt[i]))
			return false;
		seen = true;
	}
	return seen;
}

int pnrp_chain_link(const struct pnrp_certificate *parent, const struct pnrp_certificate *child)
{
	return alt_names_fit(parent, child) && role_legal(parent, child) && list_legal(parent, child) ? PONTO_OK
												       : PONTO_EAUTH;
}

/* ---- a whole chain ------------------------------------------------------------------------ */

static bool is_peer_name(struct pnrp_units text)
{
	struct pnrp_name name;

	return pnrp_name_parse_units(text.unit, text.count, &name) == PONTO_OK;
}

/* What each certificate has to be on its own. */
static bool is_sound(const struct pnrp_certificate *c, bool first, bool last)
{
	if (c->type != (first ? PNRP_CERTIFICATE_ROOT : PNRP_CERTIFICATE_MEMBER))
		return false;
	if (!first && (!c->has_roles || !c->has_classifiers))
		return false;
	if ((first || last) && !c->has_peer_name)
		return false;
	if (c->has_peer_name && !is_peer_name(c->peer_name))
		return false;
	for (size_t i = 0; i < c->classifier_count; i++)
		if (!is_classifier(c->classifiers[i]))
			return false;
	return true;
}

int pnrp_chain_check(const struct pnrp_certificate *c, size_t count)
{
	if (count == 0 || count > PNRP_CERTIFICATES_MAX)
		return PONTO_EPROTO;
	for (size_t i = 0; i < count; i++)
		if (!is_sound(&c[i], i == 0, i + 1 == count))
			return PONTO_EPROTO;
	for (size_t i = 1; i < count; i++)
		if (pnrp_chain_link(&c[i - 1], &c[i]))
			return PONTO_EAUTH;
	return pnrp_units_equal(c[0].peer_name, c[count - 1].peer_name) ? PONTO_OK : PONTO_EAUTH;
}

int pnrp_chain_timely(const struct pnrp_certificate *c, size_t count, uint64_t now)
{
	for (size_t i = 0; i < count; i++)
		if (now < c[i].not_before || now > c[i].not_after)
			return PONTO_EAUTH;
	return PONTO_OK;
}

int pnrp_chain_allows(const struct pnrp_wire *wire, const struct pnrp_certificate *c, size_t count,
		      const uint8_t authority[PNRP_HASH_SIZE], struct ponto_bytes public_key,
		      struct pnrp_units classifier)
{
	const struct pnrp_certificate *last = &c[count - 1];

	if (!pnrp_key_fits_authority(wire, c[0].public_key, authority) ||
	    !ponto_bytes_equal(last->public_key, public_key) || !is_classifier(classifier))
		return PONTO_EAUTH;
	/* A root that signs for itself has no role: its names are its own. */
	return pnrp_classifier_legal(last, last->has_roles ? last->roles : PNRP_ROLE_ADMIN, classifier) ? PONTO_OK
													 : PONTO_EAUTH;
}

/* ---- telling ---------------------------------------------------------------------------------- */

#define CLASSIFIER_BYTES (3 * PNRP_CLASSIFIER_MAX + 1)

void pnrp_key_id(const struct pnrp_wire *wire, struct ponto_bytes public_key, char out[PNRP_KEY_ID])
{
	uint8_t authority[PNRP_HASH_SIZE];

	pnrp_key_authority(wire, public_key, authority);
	ponto_hex(ponto_bytes(authority, sizeof(authority)), out);
}

int pnrp_certificate_tell(const struct pnrp_wire *wire, const struct pnrp_certificate *c,
			  const struct ponto_alloc *alloc, struct pnrp_certificate_text **out)
{
	size_t count = c->classifier_count;
	struct pnrp_certificate_text *t =
		ponto_new(alloc, 1, sizeof(*t) + count * (sizeof(t->classifiers[0]) + CLASSIFIER_BYTES));
	char *text;

	if (!t)
		return PONTO_ENOMEM;
	t->classifiers = (const char **)(t + 1);
	text = (char *)(t->classifiers + count);
	pnrp_key_id(wire, c->public_key, t->id);
	pnrp_units_text(c->subject.unit, c->subject.count, t->name, sizeof(t->name));
	for (size_t i = 0; i < count; i++, text += CLASSIFIER_BYTES) {
		pnrp_units_text(c->classifiers[i].unit, c->classifiers[i].count, text, CLASSIFIER_BYTES);
		t->classifiers[i] = text;
	}
	*out = t;
	return PONTO_OK;
}

void pnrp_chain_times(const struct pnrp_certificate *c, size_t count, uint64_t *not_before, uint64_t *not_after)
{
	*not_before = 0;
	*not_after = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		if (c[i].not_before > *not_before)
			*not_before = c[i].not_before;
		if (c[i].not_after < *not_after)
			*not_after = c[i].not_after;
	}
}

/* ---- issuing ---------------------------------------------------------------------------------- */

#define OWN_NAME_UNITS (2 * PNRP_HASH_SIZE + 1) /* authority and dot */

/* The certificate and what it shows, in one block. */
struct block {
	struct pnrp_certificate certificate;
	uint16_t own_name[OWN_NAME_UNITS];
	uint16_t subject[PNRP_CERTIFICATE_TEXT];
	struct pnrp_units list[]; /* and behind it, PNRP_CLASSIFIER_MAX units for each */
};

static struct pnrp_units write_own_name(const struct pnrp_wire *wire, struct ponto_bytes key, uint16_t *out)
{
	char id[PNRP_KEY_ID];

	pnrp_key_id(wire, key, id);
	id[OWN_NAME_UNITS - 1] = '.';
	for (unsigned i = 0; i < OWN_NAME_UNITS; i++)
		out[i] = (uint8_t)id[i];
	return (struct pnrp_units){out, OWN_NAME_UNITS};
}

static int write_classifiers(const struct pnrp_grant *grant, struct block *b)
{
	uint16_t *units = (uint16_t *)(b->list + grant->classifier_count);
	struct pnrp_name name;

	for (size_t i = 0; i < grant->classifier_count; i++, units += PNRP_CLASSIFIER_MAX) {
		if (pnrp_name_make(NULL, grant->classifiers[i], &name))
			return PONTO_EINVAL;
		memcpy(units, name.classifier, name.classifier_len * sizeof(*units));
		b->list[i] = (struct pnrp_units){units, name.classifier_len};
	}
	b->certificate.classifiers = b->list;
	b->certificate.classifier_count = grant->classifier_count;
	b->certificate.has_classifiers = grant->chain_count > 0;
	return PONTO_OK;
}

static int write_subject(const char *text, struct block *b)
{
	size_t count;
	int result = pnrp_units_of(text, b->subject, PNRP_CERTIFICATE_TEXT, &count);

	b->certificate.subject = (struct pnrp_units){b->subject, count};
	return result;
}

static int fill(const struct pnrp_wire *wire, const struct pnrp_grant *grant, struct block *b)
{
	struct pnrp_certificate *c = &b->certificate;
	const struct pnrp_certificate *parent = grant->chain_count ? &grant->chain[grant->chain_count - 1] : NULL;
	int result = write_subject(grant->name, b);

	if (!result)
		result = write_classifiers(grant, b);
	if (result)
		return result;
	c->not_before = grant->not_before;
	c->not_after = grant->not_after;
	c->public_key = grant->public_key;
	c->type = parent ? PNRP_CERTIFICATE_MEMBER : PNRP_CERTIFICATE_ROOT;
	c->roles = grant->roles;
	c->has_roles = parent;
	c->has_subject_alt[PNRP_ALT_NAME] = true;
	c->subject_alt[PNRP_ALT_NAME] = write_own_name(wire, grant->public_key, b->own_name);
	c->has_issuer_alt[PNRP_ALT_NAME] = true;
	c->issuer_alt[PNRP_ALT_NAME] = c->subject_alt[PNRP_ALT_NAME];
	c->has_peer_name = true;
	c->peer_name = parent ? grant->chain[0].peer_name : c->subject_alt[PNRP_ALT_NAME];
	if (!parent)
		return PONTO_OK;
	/* A chain made elsewhere may have them at the old place only. */
	for (unsigned i = 0; i < PNRP_ALT_NAMES; i++) {
		c->has_issuer_alt[i] = parent->has_subject_alt[i];
		c->issuer_alt[i] = parent->subject_alt[i];
	}
	return pnrp_chain_link(parent, c);
}

int pnrp_grant_make(const struct pnrp_wire *wire, const struct pnrp_grant *grant, const struct ponto_alloc *alloc,
		    struct pnrp_certificate **out)
{
	const unsigned known = PNRP_ROLE_ADMIN | PNRP_ROLE_MEMBER | PNRP_ROLE_INVITING;
	struct block *b;
	int result;

	if (grant->chain_count >= PNRP_CERTIFICATES_MAX)
		return PONTO_ELIMIT;
	if (grant->roles & ~known || (grant->roles == 0) != (grant->chain_count == 0) ||
	    grant->classifier_count > PNRP_GRANT_CLASSIFIERS || grant->not_after < grant->not_before ||
	    grant->not_after > LAST_SECOND)
		return PONTO_EINVAL;
	b = ponto_new(alloc, 1, sizeof(*b) + grant->classifier_count * (sizeof(b->list[0]) + PNRP_CLASSIFIER_MAX * 2));
	if (!b)
		return PONTO_ENOMEM;
	result = fill(wire, grant, b);
	if (result) {
		ponto_free(alloc, b);
		return result;
	}
	*out = &b->certificate;
	return PONTO_OK;
}
