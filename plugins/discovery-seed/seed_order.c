/* Destination address selection. */
#include "plugins/discovery-seed/seed_order.h"

#include <string.h>

#define PREFIX_BITS 64 /* a source's prefix length, beyond which rule 9 does not look */

struct policy {
	uint8_t prefix[16];
	uint8_t bits;
	uint8_t precedence, label;
};

/* RFC 6724 section 2.1, longest prefixes first. */
static const struct policy policies[] = {
	{{[15] = 1}, 128, 50, 0},
	{{[10] = 0xff, [11] = 0xff}, 96, 35, 4},
	{{0}, 96, 1, 3},
	{{0x20, 0x01}, 32, 5, 5},
	{{0x20, 0x02}, 16, 30, 2},
	{{0x3f, 0xfe}, 16, 1, 12},
	{{0xfe, 0xc0}, 10, 1, 11},
	{{0xfc}, 7, 3, 13},
	{{0}, 0, 40, 1},
};

/* IPv4 as the tables know it, ::ffff:0:0/96. */
static void mapped(const struct ponto_addr *addr, uint8_t out[16])
{
	memcpy(out, addr->ip, 16);
	if (addr->family != PONTO_FAMILY_IPV4)
		return;
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, addr->ip, 4);
}

static unsigned common_bits(const uint8_t a[16], const uint8_t b[16])
{
	for (unsigned i = 0; i < 16; i++) {
		uint8_t differing = a[i] ^ b[i];

		if (differing)
			return i * 8 + (unsigned)__builtin_clz(differing) - 24;
	}
	return 128;
}

static const struct policy *policy_of(const struct ponto_addr *addr)
{
	const struct policy *policy = policies;
	uint8_t ip[16];

	mapped(addr, ip);
	while (common_bits(ip, policy->prefix) < policy->bits)
		policy++;
	return policy;
}

/* Larger is wider; the numbers are those of multicast scopes, section 3.1. */
static int scope_of(const struct ponto_addr *addr)
{
	switch (ponto_addr_scope(addr)) {
	case PONTO_SCOPE_LOOPBACK:
	case PONTO_SCOPE_LINK:
		return 2;
	case PONTO_SCOPE_SITE: /* IPv4's private addresses are global here, section 3.2 */
		return addr->family == PONTO_FAMILY_IPV6 ? 5 : 14;
	default:
		return 14;
	}
}

static int prefer(bool a, bool b)
{
	return (int)b - (int)a;
}

/* Rule 9: the longest prefix shared with the own address, IPv6 only: see RFC 6724 section 6 and RFC 3484's trouble
 * with IPv4. */
static int compare_prefixes(const struct seed_candidate *a, const struct seed_candidate *b)
{
	unsigned shared_a, shared_b;

	if (a->addr.family != PONTO_FAMILY_IPV6 || b->addr.family != PONTO_FAMILY_IPV6)
		return 0;
	shared_a = common_bits(a->source.ip, a->addr.ip);
	shared_b = common_bits(b->source.ip, b->addr.ip);
	shared_a = shared_a > PREFIX_BITS ? PREFIX_BITS : shared_a;
	shared_b = shared_b > PREFIX_BITS ? PREFIX_BITS : shared_b;
	return (int)shared_b - (int)shared_a;
}

int seed_order_compare(const struct seed_candidate *a, const struct seed_candidate *b)
{
	const struct policy *policy_a = policy_of(&a->addr), *policy_b = policy_of(&b->addr);
	bool usable_a = a->source.family != PONTO_FAMILY_NONE, usable_b = b->source.family != PONTO_FAMILY_NONE;
	int order = prefer(usable_a, usable_b); /* rule 1 */

	if (order || !usable_a)
		return order;
	order = prefer(scope_of(&a->addr) == scope_of(&a->source), scope_of(&b->addr) == scope_of(&b->source)); /* 2 */
	if (!order)
		order = prefer(policy_a->label == policy_of(&a->source)->label,
			       policy_b->label == policy_of(&b->source)->label); /* 5 */
	if (!order)
		order = policy_b->precedence - policy_a->precedence; /* 6 */
	if (!order)
		order = scope_of(&a->addr) - scope_of(&b->addr); /* 8 */
	return order ? order : compare_prefixes(a, b); /* 9 */
}

void seed_order_sort(struct seed_candidate *candidates, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct seed_candidate moved = candidates[i];
		size_t place = i;

		for (; place > 0 && seed_order_compare(&moved, &candidates[place - 1]) < 0; place--)
			candidates[place] = candidates[place - 1];
		candidates[place] = moved;
	}
}
