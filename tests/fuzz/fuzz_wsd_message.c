/* A datagram on the WS-Discovery port: whatever is read as a Probe or ProbeMatches can be written, and is read the
 * same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/wsd/wsd_message.h"

static char out[65536];

static void again_probe(struct wsd_probe *a)
{
	static struct wsd_probe b;
	size_t len;

	FUZZ_REQUIRE(a->count >= 1 && a->count <= WSD_IDS_MAX);
	FUZZ_REQUIRE(wsd_probe_make(a, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(wsd_probe_parse(ponto_bytes(out, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(a->version == b.version && a->count == b.count && strcmp(a->message_id, b.message_id) == 0);
	for (unsigned i = 0; i < a->count; i++)
		FUZZ_REQUIRE(content_id_equal(&a->ids[i], &b.ids[i]));
}

static void again_match(struct wsd_match *a)
{
	static struct wsd_match b;
	size_t len;
	int result;

	FUZZ_REQUIRE(a->count >= 1 && a->count <= WSD_IDS_MAX && a->addr_count >= 1 && a->addr_count <= WSD_ADDRS_MAX);
	result = wsd_match_make(a, out, sizeof(out), &len);
	if (result == PONTO_EINVAL) { /* a peer that answers and holds nothing */
		for (unsigned i = 0; i < a->count; i++)
			FUZZ_REQUIRE(a->version == 1 ? a->segments[i].blocks == 0 : a->segments[i].state == WSD_ABSENT);
		return;
	}
	FUZZ_REQUIRE(result == PONTO_OK);
	FUZZ_REQUIRE(wsd_match_parse(ponto_bytes(out, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(a->version == b.version && a->addr_count == b.addr_count && a->instance == b.instance &&
		     a->number == b.number && strcmp(a->relates_to, b.relates_to) == 0 &&
		     strcmp(a->address, b.address) == 0);
	for (unsigned i = 0; a->version == 2 && i < a->count; i++)
		FUZZ_REQUIRE(a->segments[i].state == b.segments[i].state);
	FUZZ_REQUIRE(b.count <= a->count + 3u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wsd_probe probe;
	static struct wsd_match match;

	if (wsd_probe_parse(ponto_bytes(data, size), &probe) == PONTO_OK)
		again_probe(&probe);
	if (wsd_match_parse(ponto_bytes(data, size), &match) == PONTO_OK)
		again_match(&match);
	return 0;
}
