/* discovery-ssdp's texts: against Windows' own, and what is read of others'. */
#include "plugins/discovery-ssdp/ssdp_message.h"
#include "tests/support/test.h"

#include <stdio.h>

#define PNRP_TARGET "urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:"

/* 146 bytes sent by Windows, as tcpdump printed them in a public tutorial. */
static const char windows_search[] = "4d2d534541524348202a20485454502f312e310d0a486f73743a5b464630323a"
				     "3a435d3a313930300d0a53543a75726e3a4d6963726f736f66742057696e646f"
				     "77732050656572204e616d65205265736f6c7574696f6e2050726f746f636f6c"
				     "3a2056343a495056363a4c696e6b4c6f63616c0d0a4d616e3a22737364703a64"
				     "6973636f766572220d0a4d583a330d0a0d0a";

/* An answer by Windows, from the test suite of a public UPnP library. */
static const char windows_answer[] = "HTTP/1.1 200 OK\r\n"
				     "ST:" PNRP_TARGET "LinkLocal\r\n"
				     "USN:[fe80::aaaa:bbbb:cccc:dddd]:3540\r\n"
				     "Location:192.168.1.1\r\n"
				     "AL:[fe80::aaaa:bbbb:cccc:dddd]:3540\r\n"
				     "OPT:\"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n"
				     "01-NLS:abcdef0123456789abcdef012345678\r\n"
				     "Cache-Control:max-age=14400\r\n"
				     "Server:Microsoft-Windows-NT/5.1 UPnP/1.0 UPnP-Device-Host/1.0\r\n"
				     "Ext:\r\n\r\n";

static struct ponto_bytes text_of(const char *text)
{
	return ponto_bytes(text, strlen(text));
}

static void assert_view(struct ponto_bytes view, const char *text)
{
	if (!ponto_bytes_equal(view, text_of(text)))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)view.len, (const char *)view.data, text);
}

static struct ponto_addr address(const char *text)
{
	struct ponto_addr addr;

	assert_ok(ponto_addr_parse(text, 0, &addr));
	return addr;
}

static void the_search_is_that_of_windows(void **state)
{
	char out[SSDP_TEXT_MAX], target[SSDP_TARGET_TEXT];
	size_t len;
	uint8_t *expected = ponto_test_hex(windows_search, &len);

	(void)state;
	PONTO_PROVES("PNRP-306", "PNRP-307");
	assert_int_equal(len, 146);
	assert_ok(ssdp_target("pnrp/LinkLocal_%3", PONTO_SCOPE_LINK, target));
	assert_int_equal(ssdp_format_search(target, out), len);
	assert_memory_equal(out, expected, len);
	assert_ok(ssdp_target("pnrp/Global_", PONTO_SCOPE_GLOBAL, target));
	assert_string_equal(target, PNRP_TARGET "Global");
	assert_ok(ssdp_target("pnrp/SiteLocal_%3", PONTO_SCOPE_SITE, target));
	assert_string_equal(target, PNRP_TARGET "SiteLocal");
	free(expected);
}

static void other_topics_have_targets_of_their_own(void **state)
{
	char target[SSDP_TARGET_TEXT], long_topic[200];

	(void)state;
	assert_ok(ssdp_target("pnrp/Global_@modern", PONTO_SCOPE_GLOBAL, target));
	assert_string_equal(target, "urn:Ponto Peer Name Resolution Protocol: V5:IPV6:Global");
	assert_ok(ssdp_target("drt/cloud", PONTO_SCOPE_LINK, target));
	assert_string_equal(target, "urn:ponto:drt/cloud: LinkLocal");
	assert_int_equal(ssdp_target("pnrp/Loopback_", PONTO_SCOPE_LOOPBACK, target), PONTO_ENOTSUP);
	assert_int_equal(ssdp_target("x", PONTO_SCOPE_NONE, target), PONTO_ENOTSUP);
	assert_int_equal(ssdp_target("a\r\nAL:b", PONTO_SCOPE_LINK, target), PONTO_EINVAL);
	memset(long_topic, 'x', sizeof(long_topic));
	long_topic[sizeof(long_topic) - 1] = 0;
	assert_int_equal(ssdp_target(long_topic, PONTO_SCOPE_LINK, target), PONTO_EINVAL);
}

/* Apart from what names the machine, line by line what Windows says. */
static void the_answer_is_that_of_windows(void **state)
{
	struct ponto_addr location = address("[fe80::aaaa:bbbb:cccc:dddd%7]:3540");
	char out[SSDP_TEXT_MAX + 1], expected[SSDP_TEXT_MAX];
	char *ours = out, *theirs = expected;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-474");
	len = ssdp_format_answer(PNRP_TARGET "LinkLocal", &location, "abcdef0123456789abcdef012345678", out);
	out[len] = 0;
	memcpy(expected, windows_answer, sizeof(windows_answer));
	for (char *a = strsep(&ours, "\n"), *b = strsep(&theirs, "\n"); a || b;
	     a = strsep(&ours, "\n"), b = strsep(&theirs, "\n")) {
		assert_true(a && b);
		if (strncmp(a, "Location:", 9) == 0)
			assert_string_equal(a, "Location:fe80::aaaa:bbbb:cccc:dddd\r");
		else if (strncmp(a, "Server:", 7) == 0)
			assert_int_equal(strncmp(b, "Server:", 7), 0);
		else
			assert_string_equal(a, b);
	}
}

static void what_windows_sends_is_read(void **state)
{
	struct ssdp_message message;
	struct ponto_addr addr, expected = address("[fe80::aaaa:bbbb:cccc:dddd]:3540");
	size_t len;
	uint8_t *search = ponto_test_hex(windows_search, &len);

	(void)state;
	assert_ok(ssdp_parse(ponto_bytes(search, len), &message));
	assert_int_equal(message.kind, SSDP_SEARCH);
	assert_view(message.target, PNRP_TARGET "LinkLocal");
	assert_view(message.man, "ssdp:discover");
	assert_int_equal(message.mx, 3);
	free(search);
	assert_ok(ssdp_parse(text_of(windows_answer), &message));
	assert_int_equal(message.kind, SSDP_ANSWER);
	assert_view(message.target, PNRP_TARGET "LinkLocal");
	assert_ok(ssdp_location_parse(message.location, &addr));
	assert_true(ponto_addr_equal(&addr, &expected));
}

static void announcements_say_what_begins_and_ends(void **state)
{
	struct ponto_addr location = address("[2001:db8::1]:3540");
	struct ssdp_message message;
	char out[SSDP_TEXT_MAX + 1];
	size_t len;

	(void)state;
	for (int alive = 0; alive < 2; alive++) {
		len = ssdp_format_notify(PNRP_TARGET "Global", &location, "00", alive, out);
		out[len] = 0;
		assert_non_null(strstr(out, alive ? "\r\nNTS:ssdp:alive\r\n" : "\r\nNTS:ssdp:byebye\r\n"));
		assert_non_null(strstr(out, "\r\nNT:" PNRP_TARGET "Global\r\n"));
		assert_non_null(strstr(out, "\r\nUSN:[2001:db8::1]:3540\r\n"));
		assert_int_equal(!!strstr(out, "\r\nAL:[2001:db8::1]:3540\r\n"), alive);
		assert_ok(ssdp_parse(ponto_bytes(out, len), &message));
		assert_int_equal(message.kind, SSDP_NOTIFY);
	}
}

static void case_blanks_and_order_do_not_matter(void **state)
{
	struct ssdp_message message;

	(void)state;
	assert_ok(ssdp_parse(text_of("M-SEARCH * HTTP/1.0\nmx :\t2 \nX-Other: 1\nno colon here\n man:  ssdp:discover\n"
				     "sT: \t a b\t \n\nAL:[::1]:1\n"),
			     &message));
	assert_view(message.target, "a b");
	assert_view(message.man, "ssdp:discover");
	assert_int_equal(message.mx, 2);
	assert_int_equal(message.location.len, 0); /* after the empty line is no head */
	assert_ok(ssdp_parse(text_of("HTTP/1.1 200 OK"), &message));
	assert_int_equal(message.target.len, 0);
}

static void odd_waiting_times_are_bounded(void **state)
{
	static const struct {
		const char *text;
		unsigned mx;
	} cases[] = {
		{"MX:0", 1}, {"MX:", 1}, {"MX:-5", 1}, {"MX:two", 1}, {"ST:x", 1}, {"MX:2", 2}, {"MX:3", 3}, {"MX:120", 3},
		{"MX:99999999999999999999", 3},
	};
	struct ssdp_message message;
	char text[128];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "M-SEARCH * HTTP/1.1\r\n%s\r\n\r\n", cases[i].text);
		assert_ok(ssdp_parse(text_of(text), &message));
		assert_int_equal(message.mx, cases[i].mx);
	}
}

static void what_is_not_ssdp_is_refused(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"M-SEARCH / HTTP/1.1\r\n\r\n",
		"\r\nHTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nST:a\r\nST:a\r\n\r\n",
		"HTTP/1.1 200 OK\r\nAL:[::1]:1\r\nal:[::1]:2\r\n\r\n",
		"MX:3\r\n",
	};
	struct ssdp_message message, untouched;
	char large[SSDP_TEXT_MAX + 2];
	char *at = large;

	(void)state;
	memset(&message, 0x55, sizeof(message));
	untouched = message;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		if (ssdp_parse(text_of(bad[i]), &message) != PONTO_EPROTO)
			fail_msg("%s", bad[i]);
	assert_int_equal(ssdp_parse(ponto_bytes("HTTP/1.1 200\0\r\n", 16), &message), PONTO_EPROTO);
	assert_int_equal(ssdp_parse(ponto_bytes(NULL, 0), &message), PONTO_EPROTO);
	memset(large, 'x', sizeof(large));
	memcpy(large, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(ssdp_parse(ponto_bytes(large, SSDP_TEXT_MAX + 1), &message), PONTO_EPROTO);
	at += sprintf(at, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < SSDP_LINES_MAX; i++)
		at += sprintf(at, "a:b\r\n");
	assert_int_equal(ssdp_parse(text_of(large), &message), PONTO_EPROTO);
	assert_memory_equal(&message, &untouched, sizeof(message));
}

static void locations_are_bracketed_addresses_with_ports(void **state)
{
	static const char *const bad[] = {
		"",
		"2001:db8::1",
		"2001:db8::1:3540",
		"[2001:db8::1]",
		"[2001:db8::1]:",
		"[2001:db8::1]:0",
		"[2001:db8::1]:65536",
		"[2001:db8::1]:3540x",
		"[2001:db8::1]:3540/",
		" [2001:db8::1]:3540",
		"[2001:db8::g]:3540",
		"[2001:db8::1:3540",
		"[fe80::1%3]:3540",
		"[192.0.2.1]:3540",
		"192.0.2.1:3540",
		"<http://[2001:db8::1]:3540/>",
		"[]:3540",
		"host:3540",
	};
	struct ponto_addr addr = {.port = 7}, untouched = addr, expected = address("[2001:db8::1]:3540");

	(void)state;
	PONTO_PROVES("PNRP-351");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		if (ssdp_location_parse(text_of(bad[i]), &addr) != PONTO_EPROTO)
			fail_msg("%s", bad[i]);
		assert_memory_equal(&addr, &untouched, sizeof(addr));
	}
	assert_int_equal(ssdp_location_parse(ponto_bytes("[::1]:1\0", 8), &addr), PONTO_EPROTO);
	assert_ok(ssdp_location_parse(text_of("[2001:db8::1]:3540"), &addr));
	assert_true(ponto_addr_equal(&addr, &expected));
}

/* Any byte of a good message turned, any length cut: nothing beyond its end is read (the sanitizers watch). */
static void damaged_messages_are_survived(void **state)
{
	size_t len = strlen(windows_answer);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		struct ssdp_message message;

		assert_non_null(copy);
		memcpy(copy, windows_answer, cut);
		if (ssdp_parse(ponto_bytes(copy, cut), &message) == PONTO_OK)
			assert_true(message.target.len <= cut);
		for (unsigned bit = 0; cut && bit < 8; bit++) {
			copy[cut - 1] ^= (uint8_t)(1u << bit);
			if (ssdp_parse(ponto_bytes(copy, cut), &message) == PONTO_OK)
				assert_true(message.location.len <= cut);
		}
		free(copy);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_search_is_that_of_windows),
	cmocka_unit_test(other_topics_have_targets_of_their_own),
	cmocka_unit_test(the_answer_is_that_of_windows),
	cmocka_unit_test(what_windows_sends_is_read),
	cmocka_unit_test(announcements_say_what_begins_and_ends),
	cmocka_unit_test(case_blanks_and_order_do_not_matter),
	cmocka_unit_test(odd_waiting_times_are_bounded),
	cmocka_unit_test(what_is_not_ssdp_is_refused),
	cmocka_unit_test(locations_are_bracketed_addresses_with_ports),
	cmocka_unit_test(damaged_messages_are_survived),
};

PONTO_TEST_MAIN(tests)
