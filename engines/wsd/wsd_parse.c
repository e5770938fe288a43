/* Reading. The text of every element may be surrounded by white space. */
#include <string.h>

#include "engines/wsd/wsd_names.h"
#include "engines/wsd/wsd_text.h"
#include "framework/xml.h"

/* ---- texts ------------------------------------------------------------------------ */

/* The text of a child, trimmed of nothing; *text stays NULL when there is none. */
static int child_text(const struct ponto_xml_node *parent, const char *space, const char *name, char **text)
{
	const struct ponto_xml_node *child = parent ? ponto_xml_first(parent, space, name) : NULL;

	return child ? ponto_xml_text(child, text) : PONTO_EPROTO;
}

/* One word that can be written into XML as it is. */
static bool plain_word(struct ponto_bytes word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] <= ' ' || word.data[i] > '~' || strchr("<>&\"'", word.data[i]))
			return false;
	}
	return true;
}

static int only_word(const char *text, struct ponto_bytes *word)
{
	struct ponto_bytes more;

	return wsd_word(&text, word) && !wsd_word(&text, &more) && plain_word(*word) ? PONTO_OK : PONTO_EPROTO;
}

static int child_word(const struct ponto_xml_node *parent, const char *space, const char *name, char out[WSD_URI_MAX])
{
	struct ponto_bytes word;
	char *text = NULL;
	int result = child_text(parent, space, name, &text);

	if (result == PONTO_OK)
		result = only_word(text, &word);
	if (result == PONTO_OK && word.len >= WSD_URI_MAX)
		result = PONTO_EPROTO;
	if (result == PONTO_OK) {
		memcpy(out, word.data, word.len);
		out[word.len] = 0;
	}
	ponto_xml_free_text(text);
	return result;
}

/* Whether a child's text is one word, this one. */
static int child_is(const struct ponto_xml_node *parent, const char *space, const char *name, const char *word)
{
	char text[WSD_URI_MAX];
	int result = child_word(parent, space, name, text);

	return result == PONTO_OK && strcmp(text, word) != 0 ? PONTO_ENOENT : result;
}

/* Of the types, which are names with prefixes, ours: 1 or 2; 0: none. */
static uint8_t version_of_types(const struct ponto_xml_node *types, const char *text)
{
	struct ponto_bytes word;
	uint8_t version = 0;

	while (wsd_word(&text, &word)) {
		const uint8_t *colon = memchr(word.data, ':', word.len);
		size_t len = colon ? (size_t)(colon - word.data) : 0;
		struct ponto_bytes local = colon ? ponto_bytes(colon + 1, word.len - len - 1) : word;
		char prefix[WSD_URI_MAX];
		const char *space;

		if (len >= sizeof(prefix))
			continue;
		memcpy(prefix, word.data, len);
		prefix[len] = 0;
		space = ponto_xml_declared(types, colon ? prefix : NULL);
		if (!space || strcmp(space, WSD_SPACE_PEERDIST) != 0)
			continue;
		if (ponto_bytes_equal(local, ponto_bytes(WSD_TYPE_2, strlen(WSD_TYPE_2))))
			version = 2;
		else if (ponto_bytes_equal(local, ponto_bytes(WSD_TYPE_1, strlen(WSD_TYPE_1))))
			version = 1;
	}
	return version;
}

static int read_types(const struct ponto_xml_node *parent, uint8_t *version)
{
	const struct ponto_xml_node *types = ponto_xml_first(parent, WSD_SPACE_DISCOVERY, "Types");
	char *text = NULL;
	int result = types ? ponto_xml_text(types, &text) : PONTO_ENOENT;

	if (result == PONTO_OK) {
		*version = version_of_types(types, text);
		result = *version ? PONTO_OK : PONTO_ENOENT;
	}
	ponto_xml_free_text(text);
	return result;
}

/* ---- envelopes --------------------------------------------------------------------- */

struct envelope {
	struct ponto_xml *xml;
	struct ponto_xml_node *header, *body;
};

/* PONTO_ENOENT: another action. The caller destroys xml in any case. */
static int open_envelope(struct ponto_bytes datagram, const char *action, struct envelope *out)
{
	struct ponto_xml_node *root;
	int result;

	memset(out, 0, sizeof(*out));
	result = ponto_xml_parse(datagram, &out->xml);
	if (result != PONTO_OK)
		return result == PONTO_ENOMEM ? result : PONTO_EPROTO;
	root = ponto_xml_root(out->xml);
	if (!ponto_xml_is(root, WSD_SPACE_SOAP, "Envelope"))
		return PONTO_ENOENT;
	out->header = ponto_xml_first(root, WSD_SPACE_SOAP, "Header");
	out->body = ponto_xml_first(root, WSD_SPACE_SOAP, "Body");
	if (!out->header || !out->body)
		return PONTO_ENOENT;
	result = child_is(out->header, WSD_SPACE_ADDRESSING, "Action", action);
	return result == PONTO_EPROTO ? PONTO_ENOENT : result;
}

/* ---- scopes ------------------------------------------------------------------------ */

/* Version 1: IDs in hexadecimal. */
static int read_hex_ids(const char *text, struct content_id *ids, uint16_t *count)
{
	struct ponto_bytes word;
	uint16_t n = 0;

	while (wsd_word(&text, &word)) {
		uint8_t bytes[CONTENT_ID_MAX];
		size_t len;

		if (n == WSD_IDS_MAX || wsd_read_hex(word, bytes, sizeof(bytes), &len) != PONTO_OK ||
		    content_id_set(ponto_bytes(bytes, len), &ids[n]) != PONTO_OK)
			return PONTO_EPROTO;
		n++;
	}
	*count = n;
	return n ? PONTO_OK : PONTO_EPROTO;
}

/* Version 2: base64 of size, count and IDs. */
static int read_packed_ids(const char *text, struct content_id *ids, uint16_t *count)
{
	uint8_t bytes[3 + WSD_IDS_MAX * CONTENT_ID_MAX];
	struct ponto_reader r;
	size_t len;
	uint16_t size;
	uint8_t n;

	if (wsd_read_base64(text, bytes, sizeof(bytes), &len) != PONTO_OK)
		return PONTO_EPROTO;
	r = ponto_reader(ponto_bytes(bytes, len));
	size = ponto_read_be16(&r);
	n = ponto_read_u8(&r);
	ponto_reader_require(&r, size == WSD_HASH_SIZE && n > 0);
	for (unsigned i = 0; i < n && !r.failed; i++)
		ponto_reader_require(&r, content_id_set(ponto_read_bytes(&r, size), &ids[i]) == PONTO_OK);
	*count = n;
	return ponto_reader_done(&r);
}

/* A rule that is named must be the version's own; without one it is taken as that. */
static int check_rule(const struct ponto_xml_node *scopes, uint8_t version)
{
	struct ponto_bytes word;
	char *rule = NULL;
	int result = ponto_xml_attribute(scopes, "", "MatchBy", &rule);
	const char *own = version == 1 ? WSD_RULE_1 : WSD_RULE_2;

	if (result == PONTO_OK &&
	    (only_word(rule, &word) != PONTO_OK || !ponto_bytes_equal(word, ponto_bytes(own, strlen(own)))))
		result = PONTO_EPROTO;
	ponto_xml_free_text(rule);
	return result == PONTO_ENOENT ? PONTO_OK : result;
}

static int read_probe(const struct ponto_xml_node *body, struct wsd_probe *out)
{
	const struct ponto_xml_node *probe = ponto_xml_first(body, WSD_SPACE_DISCOVERY, "Probe");
	const struct ponto_xml_node *scopes;
	char *text = NULL;
	int result = probe ? read_types(probe, &out->version) : PONTO_EPROTO;

	if (result != PONTO_OK)
		return result;
	scopes = ponto_xml_first(probe, WSD_SPACE_DISCOVERY, "Scopes");
	if (!scopes)
		return PONTO_EPROTO;
	result = check_rule(scopes, out->version);
	if (result == PONTO_OK)
		result = ponto_xml_text(scopes, &text);
	if (result == PONTO_OK)
		result = out->version == 1 ? read_hex_ids(text, out->ids, &out->count)
					   : read_packed_ids(text, out->ids, &out->count);
	ponto_xml_free_text(text);
	return result;
}

int wsd_probe_parse(struct ponto_bytes datagram, struct wsd_probe *out)
{
	struct envelope e;
	int result = open_envelope(datagram, WSD_ACTION_PROBE, &e);

	if (result == PONTO_OK)
		result = read_probe(e.body, out);
	if (result == PONTO_OK)
		result = child_word(e.header, WSD_SPACE_ADDRESSING, "MessageID", out->message_id);
	ponto_xml_destroy(e.xml);
	return result;
}

/* ---- matches ----------------------------------------------------------------------- */

/* host:port; a scheme before and a path behind are forgiven. */
static int read_addr(struct ponto_bytes word, struct ponto_addr *out)
{
	char text[PONTO_ADDR_TEXT];
	const uint8_t *at = word.data, *end = word.data + word.len, *slash;

	for (const uint8_t *p = at; p + 3 <= end; p++) {
		if (memcmp(p, "://", 3) == 0) {
			at = p + 3;
			break;
		}
	}
	slash = memchr(at, '/', (size_t)(end - at));
	if (slash)
		end = slash;
	if ((size_t)(end - at) >= sizeof(text))
		return PONTO_EPROTO;
	memcpy(text, at, (size_t)(end - at));
	text[end - at] = 0;
	return ponto_addr_parse(text, 0, out) == PONTO_OK && out->port != 0 ? PONTO_OK : PONTO_EPROTO;
}

static int read_addrs(const struct ponto_xml_node *match, struct wsd_match *out)
{
	struct ponto_bytes word;
	char *text = NULL;
	const char *rest;
	int result = child_text(match, WSD_SPACE_DISCOVERY, "XAddrs", &text);

	rest = text;
	out->addr_count = 0;
	while (result == PONTO_OK && out->addr_count < WSD_ADDRS_MAX && wsd_word(&rest, &word)) {
		if (read_addr(word, &out->addrs[out->addr_count]) == PONTO_OK)
			out->addr_count++;
	}
	ponto_xml_free_text(text);
	return result == PONTO_OK && out->addr_count == 0 ? PONTO_EPROTO : result;
}

/* Version 1: how many blocks of each, two or four bytes wide. */
static int read_counts(const struct ponto_xml_node *data, struct wsd_match *out)
{
	uint8_t bytes[4 * WSD_IDS_MAX];
	struct ponto_bytes word;
	struct ponto_reader r;
	size_t len = 0;
	char *text = NULL;
	int result = child_text(data, WSD_SPACE_PEERDIST, "BlockCount", &text);

	if (result == PONTO_OK)
		result = only_word(text, &word);
	if (result == PONTO_OK)
		result = wsd_read_hex(word, bytes, sizeof(bytes), &len);
	ponto_xml_free_text(text);
	if (result != PONTO_OK)
		return result;
	if (len != 4 * (size_t)out->count && len != 2 * (size_t)out->count)
		return PONTO_EPROTO;
	r = ponto_reader(ponto_bytes(bytes, len));
	for (unsigned i = 0; i < out->count; i++) {
		uint32_t blocks = (uint32_t)ponto_read_big(&r, (unsigned)(len / out->count));

		out->segments[i] = (struct wsd_segment){blocks ? WSD_PARTIAL : WSD_ABSENT, blocks, false, 0};
	}
	return PONTO_OK;
}

/* Version 2: two bits each, the first in the highest of the first byte. */
static int read_bits(const char *text, struct wsd_match *out)
{
	uint8_t bits[(WSD_IDS_MAX + 3) / 4];
	size_t len;

	if (wsd_read_base64(text, bits, sizeof(bits), &len) != PONTO_OK || len == 0)
		return PONTO_EPROTO;
	out->count = (uint16_t)(4 * len < WSD_IDS_MAX ? 4 * len : WSD_IDS_MAX);
	for (unsigned i = 0; i < out->count; i++) {
		uint8_t state = bits[i / 4] >> (6 - 2 * (i % 4)) & 3;

		/* Whole but not held: nothing that can be meant. */
		out->segments[i] = (struct wsd_segment){state == 1 ? WSD_ABSENT : state, 0, false, 0};
	}
	return PONTO_OK;
}

/* A blob that is no good is as none. */
static int read_ages(const struct ponto_xml_node *data, struct wsd_match *out)
{
	uint8_t blob[CONTENT_AGES_BYTES];
	struct content_ages ages;
	size_t len;
	char *text = NULL;
	int result = child_text(data, WSD_SPACE_PEERDIST, "SegmentAges", &text);

	if (result == PONTO_OK && wsd_read_base64(text, blob, sizeof(blob), &len) == PONTO_OK &&
	    content_ages_decode(ponto_bytes(blob, len), &ages) == PONTO_OK) {
		for (unsigned i = 0; i < ages.count; i++) {
			uint8_t index;
			uint64_t age;

			content_age_at(&ages, i, &index, &age);
			if (index < out->count) {
				out->segments[index].has_age = true;
				out->segments[index].age = age;
			}
		}
	}
	ponto_xml_free_text(text);
	return result == PONTO_ENOMEM ? result : PONTO_OK;
}

static int read_held(const struct ponto_xml_node *match, struct wsd_match *out)
{
	const struct ponto_xml_node *data = ponto_xml_first(match, WSD_SPACE_PEERDIST, "PeerDistData");
	char *text = NULL;
	int result = child_text(match, WSD_SPACE_DISCOVERY, "Scopes", &text);

	if (result == PONTO_OK)
		result = out->version == 1 ? read_hex_ids(text, out->ids, &out->count) : read_bits(text, out);
	ponto_xml_free_text(text);
	if (result != PONTO_OK)
		return result;
	return out->version == 1 ? read_counts(data, out) : read_ages(data, out);
}

/* Sequence numbers serve nothing here but curiosity: missing ones are 0. */
static int read_sequence(const struct ponto_xml_node *header, struct wsd_match *out)
{
	const struct ponto_xml_node *sequence = ponto_xml_first(header, WSD_SPACE_DISCOVERY, "AppSequence");
	const char *const names[2] = {"InstanceId", "MessageNumber"};
	uint64_t *const values[2] = {&out->instance, &out->number};

	for (unsigned i = 0; i < 2; i++) {
		char *text = NULL;
		int result = sequence ? ponto_xml_attribute(sequence, "", names[i], &text) : PONTO_ENOENT;

		*values[i] = 0;
		if (result == PONTO_OK && wsd_read_number(text, values[i]) != PONTO_OK)
			result = PONTO_EPROTO;
		ponto_xml_free_text(text);
		if (result != PONTO_OK && result != PONTO_ENOENT)
			return result;
	}
	return PONTO_OK;
}

static int read_match(const struct envelope *e, struct wsd_match *out)
{
	const struct ponto_xml_node *matches = ponto_xml_first(e->body, WSD_SPACE_DISCOVERY, "ProbeMatches"), *match;
	int result;

	match = matches ? ponto_xml_first(matches, WSD_SPACE_DISCOVERY, "ProbeMatch") : NULL;
	result = match ? read_types(match, &out->version) : PONTO_EPROTO;
	if (result == PONTO_OK)
		result = read_addrs(match, out);
	if (result == PONTO_OK)
		result = read_held(match, out);
	if (result == PONTO_OK)
		result = child_word(ponto_xml_first(match, WSD_SPACE_ADDRESSING, "EndpointReference"),
				    WSD_SPACE_ADDRESSING, "Address", out->address);
	if (result == PONTO_OK)
		result = child_word(e->header, WSD_SPACE_ADDRESSING, "MessageID", out->message_id);
	if (result == PONTO_OK)
		result = child_word(e->header, WSD_SPACE_ADDRESSING, "RelatesTo", out->relates_to);
	return result == PONTO_OK ? read_sequence(e->header, out) : result;
}

int wsd_match_parse(struct ponto_bytes datagram, struct wsd_match *out)
{
	struct envelope e;
	int result = open_envelope(datagram, WSD_ACTION_MATCHES, &e);

	if (result == PONTO_OK)
		result = read_match(&e, out);
	ponto_xml_destroy(e.xml);
	return result;
}
