/* Writing. Everything in the texts is digits, letters and signs that XML takes as they are. */
#include <string.h>

#include "engines/wsd/wsd_names.h"
#include "engines/wsd/wsd_text.h"

static bool plain(const char *text)
{
	size_t len = strnlen(text, WSD_URI_MAX);

	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || strchr("<>&\"'", text[i]))
			return false;
	}
	return len > 0 && len < WSD_URI_MAX;
}

static void element(struct ponto_writer *w, const char *name, const char *text)
{
	ponto_write_text(w, "<");
	ponto_write_text(w, name);
	ponto_write_text(w, ">");
	ponto_write_text(w, text);
	ponto_write_text(w, "</");
	ponto_write_text(w, name);
	ponto_write_text(w, ">");
}

static void open_message(struct ponto_writer *w, const char *to, const char *action, const char *message_id)
{
	ponto_write_text(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"" WSD_SPACE_SOAP
			    "\" xmlns:wsa=\"" WSD_SPACE_ADDRESSING "\" xmlns:wsd=\"" WSD_SPACE_DISCOVERY
			    "\" xmlns:PeerDist=\"" WSD_SPACE_PEERDIST "\"><soap:Header>");
	element(w, "wsa:To", to);
	element(w, "wsa:Action", action);
	element(w, "wsa:MessageID", message_id);
}

static void types(struct ponto_writer *w, uint8_t version)
{
	element(w, "wsd:Types", version == 1 ? "PeerDist:" WSD_TYPE_1 : "PeerDist:" WSD_TYPE_2);
}

/* ---- Probe ------------------------------------------------------------------------- */

static bool good_ids(uint8_t version, const struct content_id *ids, uint16_t count)
{
	if (count == 0 || count > WSD_IDS_MAX || version < 1 || version > 2)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (version == 2 ? ids[i].len != WSD_HASH_SIZE : ids[i].len == 0 || ids[i].len > CONTENT_ID_MAX)
			return false;
	}
	return true;
}

static void packed_ids(struct ponto_writer *w, const struct wsd_probe *probe)
{
	uint8_t bytes[3 + WSD_IDS_MAX * WSD_HASH_SIZE];
	struct ponto_writer packed = ponto_writer(bytes, sizeof(bytes));

	ponto_write_be16(&packed, WSD_HASH_SIZE);
	ponto_write_u8(&packed, (uint8_t)probe->count);
	for (unsigned i = 0; i < probe->count; i++)
		ponto_write_bytes(&packed, content_id_bytes(&probe->ids[i]));
	wsd_write_base64(w, ponto_bytes(bytes, (size_t)packed.pos));
}

int wsd_probe_make(const struct wsd_probe *probe, char *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (!good_ids(probe->version, probe->ids, probe->count) || !plain(probe->message_id))
		return PONTO_EINVAL;
	open_message(&w, "urn:schemas-xmlsoap-org:ws:2005:04:discovery", WSD_ACTION_PROBE, probe->message_id);
	ponto_write_text(&w, "</soap:Header><soap:Body><wsd:Probe>");
	types(&w, probe->version);
	ponto_write_text(&w, probe->version == 1 ? "<wsd:Scopes MatchBy=\"" WSD_RULE_1 "\">"
						 : "<wsd:Scopes MatchBy=\"" WSD_RULE_2 "\">");
	for (unsigned i = 0; i < probe->count && probe->version == 1; i++) {
		ponto_write_text(&w, i ? " " : "");
		wsd_write_hex(&w, content_id_bytes(&probe->ids[i]));
	}
	if (probe->version == 2)
		packed_ids(&w, probe);
	ponto_write_text(&w, "</wsd:Scopes></wsd:Probe></soap:Body></soap:Envelope>");
	return ponto_writer_done(&w, len);
}

/* ---- ProbeMatches ------------------------------------------------------------------- */

static void held_v1(struct ponto_writer *w, const struct wsd_match *match)
{
	bool first = true;

	ponto_write_text(w, "<wsd:Scopes>");
	for (unsigned i = 0; i < match->count; i++) {
		if (match->segments[i].blocks == 0)
			continue;
		ponto_write_text(w, first ? "" : " ");
		wsd_write_hex(w, content_id_bytes(&match->ids[i]));
		first = false;
	}
	ponto_write_text(w, "</wsd:Scopes>");
}

static void counts(struct ponto_writer *w, const struct wsd_match *match)
{
	ponto_write_text(w, "<PeerDist:BlockCount>");
	for (unsigned i = 0; i < match->count; i++) {
		uint8_t count[4];
		struct ponto_writer one = ponto_writer(count, sizeof(count));

		if (match->segments[i].blocks == 0)
			continue;
		ponto_write_be32(&one, match->segments[i].blocks);
		wsd_write_hex(w, ponto_bytes(count, sizeof(count)));
	}
	ponto_write_text(w, "</PeerDist:BlockCount>");
}

static void held_v2(struct ponto_writer *w, const struct wsd_match *match)
{
	uint8_t bits[(WSD_IDS_MAX + 3) / 4] = {0};

	for (unsigned i = 0; i < match->count; i++)
		bits[i / 4] |= (uint8_t)((match->segments[i].state & 3) << (6 - 2 * (i % 4)));
	ponto_write_text(w, "<wsd:Scopes>");
	wsd_write_base64(w, ponto_bytes(bits, (match->count + 3u) / 4));
	ponto_write_text(w, "</wsd:Scopes>");
}

static void ages(struct ponto_writer *w, const struct wsd_match *match)
{
	uint8_t blob[CONTENT_AGES_BYTES];
	size_t len;

	content_ages_start(blob, &len);
	for (unsigned i = 0; i < match->count; i++) {
		if (match->segments[i].state != WSD_ABSENT && match->segments[i].has_age &&
		    content_ages_append((uint8_t)i, match->segments[i].age, blob, &len) != PONTO_OK)
			w->failed = true;
	}
	ponto_write_text(w, "<PeerDist:SegmentAges>");
	wsd_write_base64(w, ponto_bytes(blob, len));
	ponto_write_text(w, "</PeerDist:SegmentAges>");
}

static void addrs(struct ponto_writer *w, const struct wsd_match *match)
{
	char text[PONTO_ADDR_TEXT];

	ponto_write_text(w, "<wsd:XAddrs>");
	for (unsigned i = 0; i < match->addr_count; i++) {
		struct ponto_addr addr = match->addrs[i];

		addr.zone = 0; /* ours means nothing to others */
		ponto_write_text(w, i ? " " : "");
		ponto_write_text(w, ponto_addr_format(&addr, text));
	}
	ponto_write_text(w, "</wsd:XAddrs>");
}

static bool good_match(const struct wsd_match *match)
{
	bool any = false;

	if (match->version < 1 || match->version > 2 || match->count == 0 || match->count > WSD_IDS_MAX ||
	    match->addr_count == 0 || match->addr_count > WSD_ADDRS_MAX || !plain(match->message_id) ||
	    !plain(match->relates_to) || !plain(match->address))
		return false;
	for (unsigned i = 0; i < match->count; i++)
		any |= match->version == 1 ? match->segments[i].blocks > 0 : match->segments[i].state != WSD_ABSENT;
	for (unsigned i = 0; i < match->addr_count; i++)
		any &= match->addrs[i].port != 0;
	return any && (match->version == 2 || good_ids(1, match->ids, match->count));
}

int wsd_match_make(const struct wsd_match *match, char *buf, size_t cap, size_t *len)
{
	struct ponto_writer w = ponto_writer(buf, cap);

	if (!good_match(match))
		return PONTO_EINVAL;
	open_message(&w, WSD_SPACE_ADDRESSING "/role/anonymous", WSD_ACTION_MATCHES, match->message_id);
	element(&w, "wsa:RelatesTo", match->relates_to);
	ponto_write_text(&w, "<wsd:AppSequence InstanceId=\"");
	ponto_write_decimal(&w, match->instance);
	ponto_write_text(&w, "\" MessageNumber=\"");
	ponto_write_decimal(&w, match->number);
	ponto_write_text(&w, "\"/></soap:Header><soap:Body><wsd:ProbeMatches><wsd:ProbeMatch><wsa:EndpointReference>");
	element(&w, "wsa:Address", match->address);
	ponto_write_text(&w, "</wsa:EndpointReference>");
	types(&w, match->version);
	if (match->version == 1)
		held_v1(&w, match);
	else
		held_v2(&w, match);
	addrs(&w, match);
	element(&w, "wsd:MetadataVersion", match->version == 1 ? "1" : "2");
	ponto_write_text(&w, "<PeerDist:PeerDistData>");
	if (match->version == 1)
		counts(&w, match);
	else
		ages(&w, match);
	ponto_write_text(&w, "</PeerDist:PeerDistData></wsd:ProbeMatch></wsd:ProbeMatches></soap:Body>"
			     "</soap:Envelope>");
	return ponto_writer_done(&w, len);
}
