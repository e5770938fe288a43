/* Probe and ProbeMatches: [MS-PCCRD] 2.2 and the examples of section 4, with their broken quotes mended. */
#include "engines/wsd/wsd_message.h"
#include "tests/unit/content_test.h"

#define HEAD                                                                                                           \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope "                                                  \
	"xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\"\n"                                                     \
	"xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"\n"                                             \
	"xmlns:wsd=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"\n"                                              \
	"xmlns:PeerDist=\n\"http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery\">\n<soap:Header>\n"
#define PROBE_HEAD                                                                                                     \
	HEAD "<wsa:To>\nurn:schemas-xmlsoap-org:ws:2005:04:discovery\n</wsa:To>\n"                                     \
	     "<wsa:Action>\nhttp://schemas.xmlsoap.org/ws/2005/04/discovery/Probe\n</wsa:Action>\n"                    \
	     "<wsa:MessageID>\nurn:uuid:91528b47-b96d-4e30-981f-308c0586926f\n</wsa:MessageID>\n</"                    \
	     "soap:Header>\n<soap:Body>\n"
#define ZEROS_62 "00000000000000000000000000000000000000000000000000000000000000"
#define ID_64 "02" ZEROS_62 ZEROS_62 "00"
_Static_assert(sizeof(ID_64) == 129, "128 digits");
#define STRCMP0 "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0"
#define RULE_2 "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule"
#define PROBE(types, attributes, scopes)                                                                               \
	PROBE_HEAD "<wsd:Probe>\n<wsd:Types>\n" types "\n</wsd:Types>\n<wsd:Scopes\n" attributes ">\n" scopes          \
		   "\n</wsd:Scopes>\n</wsd:Probe>\n</soap:Body>\n</soap:Envelope>"
#define PROBE_1 PROBE("PeerDist:PeerDistData", "MatchBy=\n\"" STRCMP0 "\"", ID_64)
#define PROBE_2                                                                                                        \
	PROBE("PeerDist:PeerDistDataV2", "MatchBy=\"" RULE_2 "\"",                                                     \
	      "ACACI74aAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQAjvhoBAAAAADAdGgEAAAAAQQBBAEQAeQBnAE0ATQAxAA== ")
#define MATCH_HEAD                                                                                                     \
	HEAD "<wsa:To>\nhttp://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous\n</wsa:To>\n"                  \
	     "<wsa:Action>\nhttp://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches\n</wsa:Action>\n"             \
	     "<wsa:MessageID>\nurn:uuid:7f4b09a3-96c9-4170-9eb3-1c805a52f444\n</wsa:MessageID>\n"                      \
	     "<wsa:RelatesTo>\nurn:uuid:91528b47-b96d-4e30-981f-308c0586926f\n</wsa:RelatesTo>\n"                      \
	     "<wsd:AppSequence InstanceId=\"1218765447\" MessageNumber=\"4\"/>\n</soap:Header>\n<soap:Body>\n"
#define MATCH(types, scopes, xaddrs, version, data)                                                                    \
	MATCH_HEAD                                                                                                     \
		"<wsd:ProbeMatches>\n<wsd:ProbeMatch>\n<wsa:EndpointReference>\n<wsa:Address>\n"                       \
		"urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C\n</wsa:Address>\n</wsa:EndpointReference>\n"            \
		"<wsd:Types>\n" types "\n</wsd:Types>\n<wsd:Scopes>\n" scopes "\n</wsd:Scopes>\n<wsd:XAddrs>\n" xaddrs \
		"\n</wsd:XAddrs>\n<wsd:MetadataVersion>\n" version                                                     \
		"\n</wsd:MetadataVersion>\n<PeerDist:PeerDistData>\n" data                                             \
		"\n</PeerDist:PeerDistData>\n</wsd:ProbeMatch>\n</wsd:ProbeMatches>\n</soap:Body>\n</soap:Envelope>"
#define COUNT(text) "<PeerDist:BlockCount>\n" text "\n</PeerDist:BlockCount>"
#define AGES(text) "<PeerDist:SegmentAges>\n" text "\n</PeerDist:SegmentAges>"
#define XADDR "157.59.141.183:54321"
#define MATCH_1 MATCH("PeerDist:PeerDistData", ID_64, XADDR, "1", COUNT("0000002A"))
#define MATCH_2 MATCH("PeerDist:PeerDistDataV2", "/////////////w==", XADDR, "2", AGES("AAEDAgBg6gACYOoA"))
#define ID_1 "784CC201A04478136DF716598CC6C8608047BD0536A84738120A115927E6AC31"
#define SEG_0 "7627f80935abdb14b48c9214806a1ddc8a3908e5fe99228acab2e57a2b837435"
#define SEG_1 "0b6521583e5932bdc8506e31bdd36c6a17a8f94496e8bd367110632f27169be7"
#define SEG_2 "fa4241bf2cc51bb79124f168da67f6a1dec195e5426657ef0f9fd0eb2211f0b0"

static struct ponto_bytes text_of(const char *text)
{
	return ponto_bytes(text, strlen(text));
}

static struct content_id id_of(const char *hex)
{
	struct blob b = blob_hex(hex);
	struct content_id id;

	assert_ok(content_id_set(bytes_of(&b), &id));
	free(b.data);
	return id;
}

static struct wsd_probe probes(const char *text)
{
	struct wsd_probe probe;

	assert_ok(wsd_probe_parse(text_of(text), &probe));
	return probe;
}

static struct wsd_match matches(const char *text)
{
	struct wsd_match match;

	assert_ok(wsd_match_parse(text_of(text), &match));
	return match;
}

static void no_probe(const char *text, int result)
{
	struct wsd_probe probe;

	assert_int_equal(wsd_probe_parse(text_of(text), &probe), result);
}

static void no_match(const char *text)
{
	struct wsd_match match;

	assert_int_equal(wsd_match_parse(text_of(text), &match), PONTO_EPROTO);
}

/* text with the first from replaced. gives */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	assert_non_null(out);
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	return out;
}

static void probe_of(struct wsd_probe *probe, uint8_t version, const char *const *ids, uint16_t count)
{
	memset(probe, 0, sizeof(*probe));
	probe->version = version;
	strcpy(probe->message_id, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f");
	probe->count = count;
	for (unsigned i = 0; i < count; i++)
		probe->ids[i] = id_of(ids[i]);
}

static void made(const struct wsd_probe *probe, char text[WSD_MESSAGE_MAX])
{
	static char small[WSD_MESSAGE_MAX];
	size_t len, whole;

	assert_ok(wsd_probe_make(probe, text, WSD_MESSAGE_MAX - 1, &whole));
	text[whole] = 0;
	for (size_t cap = 0; cap < whole; cap += 7)
		assert_int_equal(wsd_probe_make(probe, small, cap, &len), PONTO_ELIMIT);
}

static void match_of(struct wsd_match *match, uint8_t version, uint16_t count)
{
	static const char *const ids[] = {SEG_0, SEG_1, SEG_2};

	memset(match, 0, sizeof(*match));
	match->version = version;
	strcpy(match->message_id, "urn:uuid:7f4b09a3-96c9-4170-9eb3-1c805a52f444");
	strcpy(match->relates_to, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f");
	strcpy(match->address, "urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C");
	match->instance = 1218765447;
	match->number = 4;
	match->addr_count = 1;
	assert_ok(ponto_addr_parse(XADDR, 0, &match->addrs[0]));
	match->count = count;
	for (unsigned i = 0; i < count; i++)
		match->ids[i] = id_of(ids[i]);
}

static void match_made(const struct wsd_match *match, char text[WSD_MESSAGE_MAX])
{
	size_t len;

	assert_ok(wsd_match_make(match, text, WSD_MESSAGE_MAX - 1, &len));
	text[len] = 0;
}

/* ---- reading Probes -------------------------------------------------------------------------- */

static void probe_of_version_1(void **state)
{
	struct wsd_probe p = probes(PROBE_1);

	(void)state;
	PONTO_PROVES("DIST-180", "DIST-102", "DIST-101");
	assert_int_equal(p.version, 1);
	assert_string_equal(p.message_id, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f");
	assert_int_equal(p.count, 1);
	assert_int_equal(p.ids[0].len, 64);
	assert_int_equal(p.ids[0].b[0], 2);
	/* As printed the ID is broken over two lines: two words of odd length. */
	no_probe(PROBE("PeerDist:PeerDistData", "MatchBy=\"" STRCMP0 "\"", "020\n00"), PONTO_EPROTO);
}

static void probe_of_version_2(void **state)
{
	struct wsd_probe p = probes(PROBE_2);

	(void)state;
	PONTO_PROVES("DIST-122", "DIST-124", "DIST-100");
	assert_int_equal(p.version, 2);
	assert_int_equal(p.count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_hex(p.ids[i].b, p.ids[i].len,
			   "23be1a0100000000301d1a0100000000410041004400790067004d004d003100");
	p = probes(PROBE("PeerDist:PeerDistDataV2", "MatchBy=\"" RULE_2 "\"",
			 "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA="));
	assert_int_equal(p.count, 1);
	assert_hex(p.ids[0].b, p.ids[0].len, "29011a0100000000301d1a0100000000410041004400790067004d004d003100");
}

static void ids_in_either_case(void **state)
{
	struct wsd_probe p =
		probes(PROBE("PeerDist:PeerDistData", "MatchBy=\"" STRCMP0 "\"", ID_1 "\t\n " SEG_0 "  " SEG_1));

	(void)state;
	PONTO_PROVES("DIST-117");
	assert_int_equal(p.count, 3);
	assert_hex(p.ids[0].b, p.ids[0].len, ID_1);
	assert_hex(p.ids[1].b, p.ids[1].len, SEG_0);
	assert_hex(p.ids[2].b, p.ids[2].len, SEG_1);
}

static void other_prefixes(void **state)
{
	struct wsd_probe p;
	char *other;
	const char *text = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Header>"
			   "<Action "
			   "xmlns='http://schemas.xmlsoap.org/ws/2004/08/addressing'>http://schemas.xmlsoap.org/ws/"
			   "2005/04/discovery/Probe"
			   "</Action><MessageID "
			   "xmlns='http://schemas.xmlsoap.org/ws/2004/08/addressing'>urn:uuid:1</MessageID></e:Header>"
			   "<e:Body><Probe xmlns='http://schemas.xmlsoap.org/ws/2005/04/discovery'>"
			   "<Types xmlns:q='http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery' "
			   "xmlns:PeerDist='urn:no'>"
			   "other:thing q:PeerDistData</Types><Scopes>" ID_1 "</Scopes></Probe></e:Body></e:Envelope>";

	(void)state;
	PONTO_PROVES("DIST-103");
	p = probes(text);
	assert_int_equal(p.version, 1);
	/* The usual prefix, but it means something else here. */
	other = replaced(text, "q:PeerDistData<", "PeerDist:PeerDistData<");
	no_probe(other, PONTO_ENOENT);
	free(other);
	other = replaced(text, "q:PeerDistData<", "PeerDistData<");
	no_probe(other, PONTO_ENOENT);
	free(other);
}

static void of_others(void **state)
{
	char *text;

	(void)state;
	PONTO_PROVES("DIST-115", "DIST-169");
	no_probe(PROBE("wsd:Printer", "MatchBy=\"" STRCMP0 "\"", ID_1), PONTO_ENOENT);
	no_probe(PROBE("PeerDist:PeerDistDataV3", "", ID_1), PONTO_ENOENT);
	no_probe(PROBE("", "", ID_1), PONTO_ENOENT);
	no_probe("<x/>", PONTO_ENOENT);
	no_probe(MATCH_1, PONTO_ENOENT);
	text = replaced(PROBE_1, "/discovery/Probe", "/discovery/Hello");
	no_probe(text, PONTO_ENOENT);
	free(text);
}

static void malformed_probes(void **state)
{
	static const char *const scopes_1[] = {"", " ", "0", "020", "0g", ID_1 " x", "00" ID_64};
	static const char *const scopes_2[] = {"",
					       "ACAB",
					       "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQ==",
					       "ACACKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=",
					       "ACAA",
					       "ADABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=",
					       "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA",
					       "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=AAAA",
					       "=",
					       "====",
					       "ACAB*QEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA="};

	(void)state;
	PONTO_PROVES("DIST-172", "DIST-173", "DIST-125", "DIST-159");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(scopes_1); i++) {
		char *text = replaced(PROBE("PeerDist:PeerDistData", "", "%"), "%", scopes_1[i]);

		no_probe(text, PONTO_EPROTO);
		free(text);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(scopes_2); i++) {
		char *text = replaced(PROBE("PeerDist:PeerDistDataV2", "", "%"), "%", scopes_2[i]);

		no_probe(text, PONTO_EPROTO);
		free(text);
	}
	no_probe(PROBE("PeerDist:PeerDistData", "MatchBy=\"" RULE_2 "\"", ID_1), PONTO_EPROTO);
	no_probe(PROBE("PeerDist:PeerDistDataV2", "MatchBy=\"" STRCMP0 "\"", "ACAB"), PONTO_EPROTO);
	no_probe("", PONTO_EPROTO);
	no_probe("junk", PONTO_EPROTO);
	for (size_t n = 0; n < strlen(PROBE_1); n += 11) {
		struct wsd_probe p;

		assert_int_equal(wsd_probe_parse(ponto_bytes(PROBE_1, n), &p), PONTO_EPROTO);
	}
}

/* A name that would have to be escaped in an answer is none. */
static void names_of_messages(void **state)
{
	static const char *const bad[] = {"", "two words", "a&amp;b", "&lt;x", "quote&quot;", "\xc3\xa9"};
	char long_name[WSD_URI_MAX + 1];
	char *text;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		text = replaced(PROBE_1, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f", bad[i]);
		no_probe(text, PONTO_EPROTO);
		free(text);
	}
	memset(long_name, 'x', sizeof(long_name));
	long_name[WSD_URI_MAX] = 0;
	text = replaced(PROBE_1, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f", long_name);
	no_probe(text, PONTO_EPROTO);
	free(text);
}

static void hostile_xml(void **state)
{
	char *deep = malloc(200000), *at = deep, *text;

	(void)state;
	no_probe("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>", PONTO_EPROTO);
	text = replaced(PROBE_1, "<soap:Envelope",
			"<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><soap:Envelope");
	no_probe(text, PONTO_EPROTO);
	free(text);
	text = replaced(PROBE_1, "02000000", "&#48;2&a;");
	no_probe(text, PONTO_EPROTO);
	free(text);
	for (unsigned i = 0; i < 20000; i++, at += 3)
		memcpy(at, "<a>", 4);
	no_probe(deep, PONTO_EPROTO);
	free(deep);
}

/* ---- reading ProbeMatches ----------------------------------------------------------------------- */

static void match_of_version_1(void **state)
{
	struct wsd_match m = matches(MATCH_1);
	char text[PONTO_ADDR_TEXT];

	(void)state;
	PONTO_PROVES("DIST-112", "DIST-135", "DIST-146", "DIST-179");
	assert_int_equal(m.version, 1);
	assert_string_equal(m.relates_to, "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f");
	assert_string_equal(m.message_id, "urn:uuid:7f4b09a3-96c9-4170-9eb3-1c805a52f444");
	assert_string_equal(m.address, "urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C");
	assert_int_equal(m.instance, 1218765447);
	assert_int_equal(m.number, 4);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.segments[0].blocks, 42);
	assert_int_equal(m.segments[0].state, WSD_PARTIAL);
	assert_int_equal(m.addr_count, 1);
	assert_string_equal(ponto_addr_format(&m.addrs[0], text), XADDR);
}

static void match_of_version_2(void **state)
{
	struct wsd_match m = matches(MATCH_2);

	(void)state;
	PONTO_PROVES("DIST-148", "DIST-126");
	assert_int_equal(m.version, 2);
	assert_int_equal(m.count, 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(m.segments[i].state, WSD_COMPLETE);
		assert_int_equal(m.segments[i].has_age, i == 0 || i == 2);
	}
	assert_int_equal(m.segments[0].age, 600 * PONTO_SECOND);
	assert_int_equal(m.segments[2].age, 600 * PONTO_SECOND);
}

static void counts_of_two_widths(void **state)
{
	struct wsd_match m =
		matches(MATCH("PeerDist:PeerDistData", SEG_0 " " SEG_1 " " SEG_2, XADDR, "1", COUNT("001900040010")));

	(void)state;
	PONTO_PROVES("DIST-145", "DIST-144");
	assert_int_equal(m.segments[0].blocks, 25);
	assert_int_equal(m.segments[1].blocks, 4);
	assert_int_equal(m.segments[2].blocks, 16);
	m = matches(MATCH("PeerDist:PeerDistData", SEG_0 " " SEG_1 " " SEG_2, XADDR, "1",
			  COUNT("000000190000000400000010")));
	assert_int_equal(m.segments[0].blocks, 25);
	assert_int_equal(m.segments[2].blocks, 16);
	no_match(MATCH("PeerDist:PeerDistData", SEG_0 " " SEG_1 " " SEG_2, XADDR, "1", COUNT("0019000400")));
	no_match(MATCH("PeerDist:PeerDistData", SEG_0 " " SEG_1, XADDR, "1", COUNT("001900040010")));
}

static void bits(void **state)
{
	struct wsd_match m = matches(MATCH("PeerDist:PeerDistDataV2", "4A==", XADDR, "2", AGES("AAEDAgBg6gACECcA")));

	(void)state;
	PONTO_PROVES("DIST-129");
	assert_int_equal(m.count, 4);
	assert_int_equal(m.segments[0].state, WSD_COMPLETE);
	assert_int_equal(m.segments[1].state, WSD_PARTIAL);
	assert_int_equal(m.segments[2].state, WSD_ABSENT);
	assert_int_equal(m.segments[3].state, WSD_ABSENT);
	assert_int_equal(m.segments[2].age, 100 * PONTO_SECOND);
	m = matches(MATCH("PeerDist:PeerDistDataV2", "UA==", XADDR, "2", AGES("AAEDAgBg6gACECcA")));
	assert_int_equal(m.segments[0].state, WSD_ABSENT);
	assert_int_equal(m.segments[1].state, WSD_ABSENT);
	/* Ages that are no good, or missing, are no fault of the rest. */
	m = matches(MATCH("PeerDist:PeerDistDataV2", "4A==", XADDR, "2", AGES("AAID")));
	assert_false(m.segments[0].has_age);
	m = matches(MATCH("PeerDist:PeerDistDataV2", "4A==", XADDR, "2", AGES("***")));
	assert_false(m.segments[0].has_age);
	m = matches(MATCH("PeerDist:PeerDistDataV2", "4A==", XADDR, "2", ""));
	assert_false(m.segments[0].has_age);
}

static void addresses(void **state)
{
	struct wsd_match m = matches(
		MATCH("PeerDist:PeerDistData", ID_1,
		      "http://10.0.0.1:80/x  [fe80::1]:81\nbranch.example:82 10.0.0.2 10.0.0.3:83 :84 10.0.0.4:0", "1",
		      COUNT("00000001")));
	char text[PONTO_ADDR_TEXT];

	(void)state;
	PONTO_PROVES("DIST-141", "DIST-142");
	assert_int_equal(m.addr_count, 3);
	assert_string_equal(ponto_addr_format(&m.addrs[0], text), "10.0.0.1:80");
	assert_string_equal(ponto_addr_format(&m.addrs[1], text), "[fe80::1]:81");
	assert_string_equal(ponto_addr_format(&m.addrs[2], text), "10.0.0.3:83");
	no_match(MATCH("PeerDist:PeerDistData", ID_1, "branch.example:82", "1", COUNT("00000001")));
	no_match(MATCH("PeerDist:PeerDistData", ID_1, "", "1", COUNT("00000001")));
}

static void metadata_versions(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-133");
	(void)matches(MATCH("PeerDist:PeerDistData", ID_1, XADDR, "2", COUNT("00000001")));
	(void)matches(MATCH("PeerDist:PeerDistDataV2", "4A==", XADDR, "1", ""));
	(void)matches(MATCH("PeerDist:PeerDistData", ID_1, XADDR, "17", COUNT("00000001")));
}

static void malformed_matches(void **state)
{
	struct wsd_match m;
	char *text;

	(void)state;
	PONTO_PROVES("DIST-158");
	no_match(MATCH("PeerDist:PeerDistData", "", XADDR, "1", COUNT("00000001")));
	no_match(MATCH("PeerDist:PeerDistData", "0", XADDR, "1", COUNT("00000001")));
	no_match(MATCH("PeerDist:PeerDistData", ID_1, XADDR, "1", COUNT("")));
	no_match(MATCH("PeerDist:PeerDistData", ID_1, XADDR, "1", ""));
	no_match(MATCH("PeerDist:PeerDistData", ID_1, XADDR, "1", COUNT("0000000g")));
	no_match(MATCH("PeerDist:PeerDistDataV2", "", XADDR, "2", ""));
	no_match(MATCH("PeerDist:PeerDistDataV2", "4A=", XADDR, "2", ""));
	text = replaced(MATCH_1, "MessageNumber=\"4\"", "MessageNumber=\"four\"");
	no_match(text);
	free(text);
	text = replaced(MATCH_1, "InstanceId=\"1218765447\"", "InstanceId=\"18446744073709551616\"");
	no_match(text);
	free(text);
	text = replaced(MATCH_1, "<wsd:AppSequence InstanceId=\"1218765447\" MessageNumber=\"4\"/>", "");
	assert_int_equal(matches(text).number, 0);
	free(text);
	for (size_t n = 0; n < strlen(MATCH_1); n += 13)
		assert_int_equal(wsd_match_parse(ponto_bytes(MATCH_1, n), &m), PONTO_EPROTO);
	assert_int_equal(wsd_match_parse(text_of(PROBE_1), &m), PONTO_ENOENT);
}

/* ---- writing -------------------------------------------------------------------------------------- */

static void probe_1_made(void **state)
{
	static const char *const ids[] = {ID_1, SEG_1};
	static char text[WSD_MESSAGE_MAX];
	struct wsd_probe p, back;

	(void)state;
	PONTO_PROVES("DIST-109", "DIST-113", "DIST-119", "DIST-178");
	probe_of(&p, 1, ids, 2);
	made(&p, text);
	assert_non_null(strstr(text, "<wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>"
				     "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</wsa:Action>"
				     "<wsa:MessageID>urn:uuid:91528b47-b96d-4e30-981f-308c0586926f</wsa:MessageID>"));
	assert_non_null(strstr(
		text, "<wsd:Probe><wsd:Types>PeerDist:PeerDistData</wsd:Types><wsd:Scopes MatchBy=\"" STRCMP0 "\">" ID_1
		      " 0B6521583E5932BDC8506E31BDD36C6A17A8F94496E8BD367110632F27169BE7</wsd:Scopes></wsd:Probe>"));
	back = probes(text);
	assert_int_equal(back.count, 2);
	assert_true(content_id_equal(&back.ids[1], &p.ids[1]));
}

static void probe_2_made(void **state)
{
	static const char *const ids[] = {SEG_0, SEG_1, SEG_2};
	static char text[WSD_MESSAGE_MAX];
	struct wsd_probe p;

	(void)state;
	PONTO_PROVES("DIST-110", "DIST-114", "DIST-121", "DIST-108");
	probe_of(&p, 2, ids, 3);
	made(&p, text);
	assert_non_null(strstr(
		text, "<wsd:Types>PeerDist:PeerDistDataV2</wsd:Types><wsd:Scopes MatchBy=\"" RULE_2 "\">"
		      "ACADdif4CTWr2xS0jJIUgGod3Io5COX+mSKKyrLleiuDdDULZSFYPlkyvchQbjG902xqF6j5RJbovTZxEGMvJxab5/pCQb8s"
		      "xRu3kSTxaNpn9qHewZXlQmZX7w+f0OsiEfCw</wsd:Scopes>"));
	assert_int_equal(probes(text).count, 3);
	strcpy(p.message_id, "a b");
	assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
	strcpy(p.message_id, "");
	assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
}

static void as_many_ids_as_a_probe_holds(void **state)
{
	static char text[WSD_MESSAGE_MAX];
	struct wsd_probe p;
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-123", "DIST-116");
	for (uint8_t version = 1; version <= 2; version++) {
		memset(&p, 0, sizeof(p));
		p.version = version;
		strcpy(p.message_id, "urn:uuid:1");
		assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &len), PONTO_EINVAL);
		p.count = WSD_IDS_MAX;
		for (unsigned i = 0; i < WSD_IDS_MAX; i++) {
			p.ids[i] = id_of(ID_1);
			p.ids[i].b[31] = (uint8_t)i;
		}
		made(&p, text);
		assert_int_equal(probes(text).count, WSD_IDS_MAX);
		p.count = WSD_IDS_MAX + 1;
		assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &len), PONTO_EINVAL);
	}
	p.count = 1;
	p.ids[0].len = 48;
	assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &len), PONTO_EINVAL);
	p.version = 1;
	assert_ok(wsd_probe_make(&p, text, sizeof(text), &len));
	p.version = 3;
	assert_int_equal(wsd_probe_make(&p, text, sizeof(text), &len), PONTO_EINVAL);
}

/* Deployed peers search for these very characters. */
static void match_1_made(void **state)
{
	static char text[WSD_MESSAGE_MAX];
	struct wsd_match m, back;

	(void)state;
	PONTO_PROVES("DIST-104", "DIST-120", "DIST-143", "DIST-526");
	match_of(&m, 1, 3);
	m.segments[0].blocks = 42;
	m.segments[2].blocks = 1;
	match_made(&m, text);
	assert_non_null(
		strstr(text, "<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>"));
	assert_non_null(strstr(text, "<wsd:AppSequence InstanceId=\"1218765447\" MessageNumber=\"4\"/></soap:Header>"));
	assert_non_null(
		strstr(text, "<wsd:Types>PeerDist:PeerDistData</wsd:Types><wsd:Scopes>"
			     "7627F80935ABDB14B48C9214806A1DDC8A3908E5FE99228ACAB2E57A2B837435 "
			     "FA4241BF2CC51BB79124F168DA67F6A1DEC195E5426657EF0F9FD0EB2211F0B0</wsd:Scopes>"
			     "<wsd:XAddrs>157.59.141.183:54321</wsd:XAddrs><wsd:MetadataVersion>1</wsd:MetadataVersion>"
			     "<PeerDist:PeerDistData><PeerDist:BlockCount>0000002A00000001</PeerDist:BlockCount>"
			     "</PeerDist:PeerDistData></wsd:ProbeMatch>"));
	back = matches(text);
	assert_int_equal(back.count, 2);
	assert_int_equal(back.segments[1].blocks, 1);
	m.segments[0].blocks = m.segments[2].blocks = 0;
	assert_int_equal(wsd_match_make(&m, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
}

static void match_2_made(void **state)
{
	static char text[WSD_MESSAGE_MAX];
	struct wsd_match m, back;

	(void)state;
	PONTO_PROVES("DIST-127", "DIST-128", "DIST-147", "DIST-132");
	match_of(&m, 2, 3);
	m.segments[0] = (struct wsd_segment){WSD_COMPLETE, 0, true, 600 * PONTO_SECOND};
	m.segments[1] = (struct wsd_segment){WSD_PARTIAL, 0, false, 0};
	m.segments[2] = (struct wsd_segment){WSD_ABSENT, 0, true, 5};
	match_made(&m, text);
	assert_non_null(strstr(text, "<wsd:Types>PeerDist:PeerDistDataV2</wsd:Types><wsd:Scopes>4A==</wsd:Scopes>"));
	assert_non_null(strstr(text,
			       "<wsd:MetadataVersion>2</wsd:MetadataVersion><PeerDist:PeerDistData>"
			       "<PeerDist:SegmentAges>AAEDAQBg6gA=</PeerDist:SegmentAges></PeerDist:PeerDistData>"));
	back = matches(text);
	assert_int_equal(back.segments[0].state, WSD_COMPLETE);
	assert_int_equal(back.segments[1].state, WSD_PARTIAL);
	assert_int_equal(back.segments[2].state, WSD_ABSENT);
	m.segments[0].state = m.segments[1].state = WSD_ABSENT;
	assert_int_equal(wsd_match_make(&m, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
}

static void addresses_made(void **state)
{
	static char text[WSD_MESSAGE_MAX];
	struct wsd_match m;

	(void)state;
	match_of(&m, 1, 1);
	m.segments[0].blocks = 1;
	m.addr_count = 2;
	assert_ok(ponto_addr_parse("[fe80::1%3]:80", 0, &m.addrs[1]));
	match_made(&m, text);
	assert_non_null(strstr(text, "<wsd:XAddrs>157.59.141.183:54321 [fe80::1]:80</wsd:XAddrs>"));
	m.addrs[1].port = 0;
	assert_int_equal(wsd_match_make(&m, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
	m.addr_count = 0;
	assert_int_equal(wsd_match_make(&m, text, sizeof(text), &(size_t){0}), PONTO_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(probe_of_version_1),
	cmocka_unit_test(probe_of_version_2),
	cmocka_unit_test(ids_in_either_case),
	cmocka_unit_test(other_prefixes),
	cmocka_unit_test(of_others),
	cmocka_unit_test(malformed_probes),
	cmocka_unit_test(names_of_messages),
	cmocka_unit_test(hostile_xml),
	cmocka_unit_test(match_of_version_1),
	cmocka_unit_test(match_of_version_2),
	cmocka_unit_test(counts_of_two_widths),
	cmocka_unit_test(bits),
	cmocka_unit_test(addresses),
	cmocka_unit_test(metadata_versions),
	cmocka_unit_test(malformed_matches),
	cmocka_unit_test(probe_1_made),
	cmocka_unit_test(probe_2_made),
	cmocka_unit_test(as_many_ids_as_a_probe_holds),
	cmocka_unit_test(match_1_made),
	cmocka_unit_test(match_2_made),
	cmocka_unit_test(addresses_made),
};

PONTO_TEST_MAIN(tests)
