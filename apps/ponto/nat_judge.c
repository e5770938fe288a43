#include "apps/ponto/nat_judge.h"

#include <stddef.h>
#include <string.h>

void nat_fact(struct nat_facts *facts, const char *key, const char *value)
{
	static const struct {
		const char *key;
		size_t offset;
	} keys[] = {
		{"state", offsetof(struct nat_facts, state)},
		{"nat", offsetof(struct nat_facts, nat)},
		{"local", offsetof(struct nat_facts, local)},
		{"address", offsetof(struct nat_facts, address)},
		{"mapped", offsetof(struct nat_facts, mapped)},
		{"server", offsetof(struct nat_facts, server)},
		{"server-second", offsetof(struct nat_facts, server_second)},
		{"server-heard-seconds", offsetof(struct nat_facts, server_heard)},
		{"keeps-ports", offsetof(struct nat_facts, keeps_ports)},
		{"mapping", offsetof(struct nat_facts, mapping)},
		{"mapping-gateway", offsetof(struct nat_facts, mapping_gateway)},
		{"mapping-address", offsetof(struct nat_facts, mapping_address)},
		{"mapping-by", offsetof(struct nat_facts, mapping_by)},
		{"mapping-only-nat", offsetof(struct nat_facts, mapping_only_nat)},
		{"mapping-why", offsetof(struct nat_facts, mapping_why)},
		{"solicitations", offsetof(struct nat_facts, solicitations)},
		{"advertisements", offsetof(struct nat_facts, advertisements)},
		{"advertisements-refused", offsetof(struct nat_facts, advertisements_refused)},
	};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i].key) == 0)
			*(const char **)((char *)facts + keys[i].offset) = value;
}

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static bool some(const char *number)
{
	return number && strcmp(number, "0") != 0;
}

bool nat_same_host(const char *a, const char *b)
{
	size_t len = a ? strcspn(a, ":") : 0;

	return len > 0 && b && strcspn(b, ":") == len && memcmp(a, b, len) == 0;
}

static enum nat_kind kind_of(const struct nat_facts *f)
{
	if (is(f->state, "idle"))
		return NAT_IDLE;
	if (is(f->state, "relaying"))
		return NAT_NATIVE;
	if (!f->address)
		return is(f->state, "off-line") ? NAT_SILENT : NAT_STARTING;
	if (nat_same_host(f->local, f->mapped))
		return NAT_NONE;
	if (is(f->mapping, "held") && is(f->mapping_only_nat, "yes") && !is(f->nat, "symmetric"))
		return NAT_OPEN;
	if (is(f->nat, "cone"))
		return NAT_CONE;
	if (is(f->nat, "restricted"))
		return NAT_RESTRICTED;
	return is(f->nat, "symmetric") ? NAT_SYMMETRIC : NAT_UNKNOWN;
}

static const struct {
	const char *name, *explanation;
} kinds[] = {
	[NAT_SILENT] = {"unknown", "no Teredo server answers"},
	[NAT_STARTING] = {"unknown", "the servers are still being asked"},
	[NAT_IDLE] = {"unknown", "no service uses this transport, so that nothing was asked"},
	[NAT_NONE] = {"none", "the own address is the one that is seen from outside"},
	[NAT_OPEN] = {"opened", "there is one, and on request it keeps a port open for everybody"},
	[NAT_CONE] = {"cone", "one port outside for all destinations, and everybody is let in by it"},
	[NAT_RESTRICTED] = {"restricted", "one port outside for all destinations; only those are let in who were sent to before"},
	[NAT_SYMMETRIC] = {"symmetric", "another port outside for each destination, which nobody else can use"},
	[NAT_NATIVE] = {"not asked", "this machine has IPv6 of its own, and relays for itself"},
	[NAT_UNKNOWN] = {"unknown", "there is one; the server has no second address, by which its kind could be told"},
};

/* ---- what works -------------------------------------------------------------------------------- */

static void add(struct nat_verdict *v, enum nat_answer answer, const char *what, const char *why)
{
	v->line[v->count++] = (struct nat_line){answer, what, why};
}

static const char *why_no_address(const struct nat_facts *f, enum nat_kind kind)
{
	if (kind == NAT_IDLE)
		return "a service has to name this transport in the configuration";
	if (kind == NAT_STARTING)
		return "ask again in some seconds";
	if (is(f->nat, "symmetric"))
		return "the NAT is symmetric, and the extension for that (RFC 6081 5.2) is switched off";
	if (some(f->advertisements_refused))
		return "something answers, but not as a server that is to be believed: is the secret right, is it the right server?";
	if (some(f->advertisements))
		return "a server answered before, but does not any more";
	return "nothing comes back from UDP port 3544 of the servers: a firewall or the NAT lets no UDP through, the "
	       "servers' addresses are wrong, or they are down";
}

static const char peers_open[] = "peers without NAT or behind a cone NAT";
static const char peers_restricted[] = "peers behind a restricted NAT";
static const char peers_symmetric[] = "peers behind a symmetric NAT";
static const char hosts_native[] = "hosts with IPv6 of their own, through the relay next to them";

static void judge_symmetric(const struct nat_facts *f, struct nat_verdict *v)
{
	bool keeps = is(f->keeps_ports, "yes"), mapped = is(f->mapping, "held") && is(f->mapping_only_nat, "yes");

	add(v, NAT_YES, peers_open, "they take the answer from whatever port it comes, if they know RFC 6081 5.2");
	if (keeps)
		add(v, NAT_YES, peers_restricted, "this NAT keeps port numbers, so that they can be told which one comes");
	else
		add(v, NAT_PERHAPS, peers_restricted,
		    "only if theirs lets in any port of an address that it knows, or if this one counts its ports up");
	if (mapped)
		add(v, NAT_PERHAPS, peers_symmetric, "those whose gateway keeps a port open as this one does");
	else if (keeps)
		add(v, NAT_PERHAPS, peers_symmetric, "those whose NAT keeps port numbers, or counts them up");
	else
		add(v, NAT_NO, peers_symmetric, "neither side can know the port that the other will come from");
	add(v, NAT_NO, hosts_native, "relays take nothing from another port than the address names");
}

static void judge_qualified(const struct nat_facts *f, struct nat_verdict *v)
{
	switch (v->kind) {
	case NAT_SYMMETRIC:
		judge_symmetric(f, v);
		return;
	case NAT_RESTRICTED:
		add(v, NAT_YES, peers_open, "each side opens its NAT with a bubble");
		add(v, NAT_YES, peers_restricted, "each side opens its NAT with a bubble, the server tells when");
		add(v, NAT_PERHAPS, peers_symmetric,
		    "only if their NAT keeps port numbers or counts them up, or if this one lets in any port of an "
		    "address that it knows, which cannot be told from here");
		break;
	case NAT_UNKNOWN:
		add(v, NAT_YES, peers_open, "they let in whoever comes");
		add(v, NAT_PERHAPS, peers_restricted, "unless this NAT is symmetric");
		add(v, NAT_PERHAPS, peers_symmetric, "if this NAT is a cone");
		break;
	default:
		add(v, NAT_YES, peers_open, "nothing stands between");
		add(v, NAT_YES, peers_restricted, "they open their NAT when they are told to");
		add(v, NAT_YES, peers_symmetric, "they are let in from whatever port they come, if both know RFC 6081 5.2");
		break;
	}
	add(v, v->kind == NAT_UNKNOWN ? NAT_PERHAPS : NAT_YES, hosts_native,
	    v->kind == NAT_UNKNOWN ? "unless this NAT is symmetric" : "wherever a relay is; that is their side's affair");
}

/* RFC 4380 5.4.2: a relay takes what comes from where the client's address says. */
static void judge_native(struct nat_verdict *v)
{
	add(v, NAT_YES, "an IPv6 address", "the machine's own");
	add(v, NAT_YES, peers_open, "they are told by their server to answer");
	add(v, NAT_YES, peers_restricted, "each side opens its NAT with a bubble, the server tells when");
	add(v, NAT_NO, peers_symmetric, "relays take nothing from another port than the address names");
	add(v, NAT_YES, "hosts with IPv6 of their own", "without Teredo");
}

void nat_judge(const struct nat_facts *facts, struct nat_verdict *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = kind_of(facts);
	out->name = kinds[out->kind].name;
	out->explanation = kinds[out->kind].explanation;
	if (out->kind == NAT_SILENT || out->kind == NAT_STARTING || out->kind == NAT_IDLE) {
		const char *why = why_no_address(facts, out->kind);

		add(out, NAT_NO, "a Teredo address", why);
		return;
	}
	if (out->kind == NAT_NATIVE) {
		judge_native(out);
		return;
	}
	add(out, NAT_YES, "a Teredo address", "a server answers");
	judge_qualified(facts, out);
}

const char *nat_answer_name(enum nat_answer answer)
{
	static const char *const names[] = {"no", "perhaps", "yes"};

	return names[answer];
}
