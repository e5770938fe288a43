/* discovery-ssdp among neighbours that say what the test wants, over the simulated network. */
#include <stdio.h>

#include "plugins/discovery-ssdp/ssdp.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_ssdp_LTX_ponto_plugin;

#define SSDP (&discovery_ssdp_LTX_ponto_plugin)
#define LINK_TARGET "urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:LinkLocal"

static const struct ponto_discovery_want link_cloud = {.topic = "pnrp/LinkLocal_%1",
						       .scope = PONTO_SCOPE_LINK,
						       .zone = PONTO_SIM_ZONE,
						       .port = 3540,
						       .family = PONTO_FAMILY_IPV6};

#define HEARD_MAX 64

/* A neighbour: a port of its own, the group if it likes, and what it heard. */
struct neighbour {
	struct discovery_fixture *fixture;
	struct ponto_sim_node *place;
	struct ponto_datagrams net;
	struct ponto_addr addr;
	char heard[HEARD_MAX][SSDP_TEXT_MAX + 1];
	struct ponto_addr from[HEARD_MAX];
	uint64_t at[HEARD_MAX];
	uint8_t hop_limit[HEARD_MAX];
	size_t count;
};

static void on_heard(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct neighbour *n = arg;

	for (size_t i = 0; i < count; i++) {
		if (n->count < HEARD_MAX) {
			snprintf(n->heard[n->count], sizeof(n->heard[0]), "%.*s", (int)batch[i].data.len,
				 (const char *)batch[i].data.data);
			n->from[n->count] = batch[i].peer;
			n->hop_limit[n->count] = batch[i].hop_limit;
			n->at[n->count] = ponto_sim_now(n->fixture->world);
		}
		n->count++;
	}
}

static struct ponto_addr the_group(void)
{
	return discovery_addr("[ff02::c%1]:1900");
}

static void neighbour_open(struct neighbour *n, struct discovery_fixture *f, enum ponto_scope scope, bool member)
{
	static const struct ponto_datagram_events events = {.receive = on_heard};
	struct ponto_datagram_want want = {.scope = scope, .port = 4000};
	struct ponto_addr group = the_group();
	size_t count;

	memset(n, 0, sizeof(*n));
	n->fixture = f;
	assert_ok(ponto_sim_node(f->world, &n->place));
	assert_ok(ponto_datagrams_open(f->transport, ponto_sim_node_loop(n->place), &want, &events, n, &n->net));
	assert_ok(ponto_datagrams_local(n->net, &n->addr, 1, &count));
	if (member)
		assert_ok(ponto_datagrams_join(n->net, &group));
}

static void run(struct discovery_fixture *f, uint64_t us)
{
	ponto_sim_run(f->world, ponto_sim_now(f->world) + us);
}

static void say(struct neighbour *n, const struct ponto_addr *to, const char *text)
{
	struct ponto_datagram d = {.peer = *to, .data = ponto_bytes(text, strlen(text))};
	size_t sent;

	assert_ok(ponto_datagrams_send(n->net, &d, 1, &sent));
	assert_int_equal(sent, 1);
}

static void say_to_group(struct neighbour *n, const char *text)
{
	struct ponto_addr group = the_group();

	say(n, &group, text);
}

static void answer(struct neighbour *n, const struct ponto_addr *to, const char *target, const char *location)
{
	char text[SSDP_TEXT_MAX];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nST:%s\r\nAL:%s\r\nExt:\r\n\r\n", target, location);
	say(n, to, text);
}

static struct discovery_fixture *make(void)
{
	static const char *const settings[] = {"transport=net", NULL};

	return discovery_fixture_new(SSDP, settings, true);
}

static void search_begins(struct discovery_watcher *w)
{
	w->awaited = PONTO_SOURCE_MULTICAST;
	assert_ok(ponto_discovery_search(w->fixture->discovery, w->handle, PONTO_SOURCE_MULTICAST));
}

static unsigned heard_with(const struct neighbour *n, const char *text)
{
	unsigned count = 0;

	for (size_t i = 0; i < n->count && i < HEARD_MAX; i++)
		count += strstr(n->heard[i], text) != NULL;
	return count;
}

/* ---- searching ------------------------------------------------------------------ */

static void a_search_goes_to_the_group_twice(void **state)
{
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;
	char expected[SSDP_TEXT_MAX + 1];

	(void)state;
	PONTO_PROVES("PNRP-305", "PNRP-306");
	expected[ssdp_format_search(LINK_TARGET, expected)] = 0;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	run(f, PONTO_SECOND);
	assert_int_equal(n.count, 0); /* not before it is asked to */
	discovery_search(&w, PONTO_SOURCE_MULTICAST);
	assert_int_equal(n.count, 2);
	for (size_t i = 0; i < n.count; i++) {
		assert_string_equal(n.heard[i], expected);
		assert_int_equal(n.hop_limit[i], 1);
		assert_true(n.from[i].port >= 49152);
	}
	assert_int_equal(n.at[1] - n.at[0], PONTO_SECOND);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

/* One for each link: two addresses with one prefix are on the same. */
static void a_global_search_goes_over_every_link(void **state)
{
	struct ponto_discovery_want want = link_cloud;
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;

	(void)state;
	PONTO_PROVES("PNRP-307");
	want.topic = "pnrp/Global_";
	want.scope = PONTO_SCOPE_GLOBAL;
	want.zone = 0;
	neighbour_open(&n, f, PONTO_SCOPE_GLOBAL, true);
	assert_ok(ponto_sim_network_set_addresses(f->world, ponto_sim_node_number(f->place), 3));
	discovery_open(f, &want, &w);
	search_begins(&w);
	run(f, PONTO_SECOND / 2);
	assert_int_equal(n.count, 3);
	assert_int_equal(heard_with(&n, "V4:IPV6:Global\r\n"), 3);
	assert_false(ponto_addr_same_host(&n.from[0], &n.from[1]));
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void answers_are_found_if_they_fit(void **state)
{
	struct ponto_addr right = discovery_addr("[fe80::abc%1]:3540"), second = discovery_addr("[fe80::abd%1]:3541");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;

	(void)state;
	PONTO_PROVES("PNRP-350", "PNRP-351", "PNRP-308");
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	search_begins(&w);
	run(f, PONTO_SECOND / 10);
	assert_int_equal(n.count, 1);
	answer(&n, &n.from[0], "urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:Global", "[fe80::1]:3540");
	answer(&n, &n.from[0], "ssdp:all", "[fe80::2]:3540");
	answer(&n, &n.from[0], LINK_TARGET "x", "[fe80::3]:3540");
	answer(&n, &n.from[0], LINK_TARGET, "fe80::4:3540");	     /* no brackets */
	answer(&n, &n.from[0], LINK_TARGET, "[fe80::5]");	     /* no port */
	answer(&n, &n.from[0], LINK_TARGET, "[fe80::g]:3540");	     /* no address */
	answer(&n, &n.from[0], LINK_TARGET, "[2001:db8::1]:3540"); /* another scope */
	answer(&n, &n.from[0], LINK_TARGET, "[ff02::c]:3540");
	answer(&n, &n.from[0], LINK_TARGET, "[::]:3540");
	say(&n, &n.from[0], "HTTP/1.1 200 OK\r\nST:" LINK_TARGET "\r\n\r\n");
	say(&n, &n.from[0], "HTTP/1.1 500 No\r\nST:" LINK_TARGET "\r\nAL:[fe80::6]:3540\r\n\r\n");
	run(f, PONTO_SECOND / 10);
	assert_int_equal(w.count, 0);
	for (int i = 0; i < 2; i++) /* given once */
		answer(&n, &n.from[0], LINK_TARGET, "[fe80::abc]:3540");
	answer(&n, &n.from[0], LINK_TARGET, "[fe80::abd]:3541");
	run(f, 10 * PONTO_SECOND);
	assert_int_equal(w.count, 2);
	assert_true(ponto_addr_equal(&w.seen[0], &right) && ponto_addr_equal(&w.seen[1], &second));
	assert_int_equal(w.from[0], PONTO_SOURCE_MULTICAST);
	assert_int_equal(w.done, PONTO_SOURCE_MULTICAST);
	answer(&n, &n.from[0], LINK_TARGET, "[fe80::abe]:3540"); /* too late */
	run(f, PONTO_SECOND);
	assert_int_equal(w.count, 2);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void a_flood_of_answers_is_bounded(void **state)
{
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;
	char location[64];

	(void)state;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	search_begins(&w);
	run(f, PONTO_SECOND / 10);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(location, sizeof(location), "[fe80::%x]:3540", i + 1);
		answer(&n, &n.from[0], LINK_TARGET, location);
	}
	run(f, 10 * PONTO_SECOND);
	assert_int_equal(w.count, SSDP_SEEN_MAX);
	discovery_search(&w, PONTO_SOURCE_MULTICAST); /* and the next search begins anew */
	assert_int_equal(w.count, 0);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void strangers_from_elsewhere_are_not_heard(void **state)
{
	struct discovery_fixture *f = make();
	struct ponto_addr any = discovery_addr("[fe80::1:2%1]:3540");
	struct discovery_watcher w;
	struct neighbour member, far;

	(void)state;
	neighbour_open(&member, f, PONTO_SCOPE_LINK, true);
	neighbour_open(&far, f, PONTO_SCOPE_GLOBAL, false);
	discovery_open(f, &link_cloud, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &any, 1));
	search_begins(&w);
	run(f, PONTO_SECOND / 10);
	answer(&far, &member.from[0], LINK_TARGET, "[fe80::7]:3540");
	say_to_group(&far, "M-SEARCH * HTTP/1.1\r\nST:" LINK_TARGET "\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\n\r\n");
	run(f, 10 * PONTO_SECOND);
	assert_int_equal(w.count, 0);
	assert_int_equal(far.count, 0);
	discovery_close(&w);
	ponto_datagrams_close(&member.net);
	ponto_datagrams_close(&far.net);
	discovery_fixture_free(f);
}

/* ---- answering ------------------------------------------------------------------------ */

#define SEARCH "M-SEARCH * HTTP/1.1\r\nHost:[FF02::C]:1900\r\nST:" LINK_TARGET "\r\nMan:\"ssdp:discover\"\r\nMX:3\r\n\r\n"

static void what_is_published_is_announced_and_answered(void **state)
{
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;
	uint64_t asked;

	(void)state;
	PONTO_PROVES("PNRP-473", "PNRP-474");
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	say_to_group(&n, SEARCH);
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(n.count, 1); /* its own words: nothing is published */
	n.count = 0;
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(n.count, 2);
	assert_int_equal(heard_with(&n, "\r\nNTS:ssdp:alive\r\n"), 2);
	assert_int_equal(heard_with(&n, "\r\nAL:[fe80::1:2]:3540\r\n"), 2);
	n.count = 0;
	asked = ponto_sim_now(f->world);
	for (int i = 0; i < 2; i++) /* a search comes twice, and is answered once */
		say_to_group(&n, SEARCH);
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(heard_with(&n, "HTTP/1.1 200 OK\r\nST:" LINK_TARGET "\r\nUSN:[fe80::1:2]:3540\r\n"), 1);
	assert_int_equal(heard_with(&n, "\r\nAL:[fe80::1:2]:3540\r\n"), 1);
	assert_int_equal(n.count, 3); /* with its own two */
	assert_true(n.at[2] - asked <= SSDP_MX * PONTO_SECOND + PONTO_SECOND / 10);
	assert_int_equal(n.hop_limit[2], 1);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void announcements_are_renewed(void **state)
{
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540"), other = discovery_addr("[fe80::1:3%1]:3540");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;

	(void)state;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
	run(f, (SSDP_MAX_AGE - 10) * PONTO_SECOND);
	assert_int_equal(heard_with(&n, "ssdp:alive"), 3);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1)); /* no news */
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(n.count, 3);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &other, 1));
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(heard_with(&n, "NTS:ssdp:byebye\r\nUSN:[fe80::1:2]:3540"), 1);
	assert_int_equal(heard_with(&n, "AL:[fe80::1:3]:3540"), 2);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void taking_back_says_goodbye_and_ends_answers(void **state)
{
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;

	(void)state;
	PONTO_PROVES("PNRP-478");
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	discovery_open(f, &link_cloud, &w);
	for (int i = 0; i < 2; i++) { /* taken back, and by the end of the handle */
		n.count = 0;
		assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
		run(f, 5 * PONTO_SECOND);
		say_to_group(&n, SEARCH); /* an answer is promised */
		run(f, 20 * PONTO_MS);
		if (i == 0)
			ponto_discovery_unpublish(f->discovery, w.handle);
		else
			discovery_close(&w);
		run(f, 20 * PONTO_MS);
		assert_int_equal(heard_with(&n, "NTS:ssdp:byebye"), 1);
		n.count = 0;
		say_to_group(&n, SEARCH);
		run(f, 10 * PONTO_SECOND);
		assert_int_equal(n.count, 1); /* its own */
	}
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void searches_for_others_are_not_answered(void **state)
{
	static const char *const texts[] = {
		"M-SEARCH * HTTP/1.1\r\nST:ssdp:all\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nST:upnp:rootdevice\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nST:" LINK_TARGET "\r\nMX:1\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nST:" LINK_TARGET "\r\nMAN:\"ssdp:other\"\r\nMX:1\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nMAN:\"ssdp:discover\"\r\nMX:1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nST:" LINK_TARGET "\r\nAL:[fe80::1]:3540\r\n\r\n",
		"NOTIFY * HTTP/1.1\r\nNT:" LINK_TARGET "\r\nAL:[fe80::1]:3540\r\n\r\n",
		"nonsense",
		"\r\n\r\n",
	};
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;

	(void)state;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, false);
	discovery_open(f, &link_cloud, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
	search_begins(&w);
	run(f, PONTO_SECOND);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++)
		say_to_group(&n, texts[i]);
	run(f, 10 * PONTO_SECOND);
	assert_int_equal(n.count, 0);
	assert_int_equal(w.count, 0);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

/* A neighbour that searches from ever new ports gets what the limit allows: no more bytes than that. */
static void a_flood_of_searches_is_answered_within_the_limit(void **state)
{
	static const struct ponto_datagram_events events = {.receive = on_heard};
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540"), group = the_group();
	struct ponto_datagram d = {.peer = group, .data = ponto_bytes(SEARCH, sizeof(SEARCH) - 1)};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LINK};
	struct ponto_datagrams ports[250];
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;
	size_t sent;

	(void)state;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, false);
	discovery_open(f, &link_cloud, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
	run(f, 5 * PONTO_SECOND);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ports); i++) {
		want.port = (uint16_t)(5000 + i);
		assert_ok(ponto_datagrams_open(f->transport, ponto_sim_node_loop(n.place), &want, &events, &n, &ports[i]));
	}
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ports); i++)
			assert_ok(ponto_datagrams_send(ports[i], &d, 1, &sent));
		run(f, PONTO_SECOND);
	}
	run(f, 10 * PONTO_SECOND);
	assert_true(n.count >= SSDP_BURST);
	assert_true(n.count <= SSDP_BURST + 10 * SSDP_RATE);
	n.count = 0;
	say_to_group(&n, SEARCH); /* and afterwards a search is answered again */
	run(f, 5 * PONTO_SECOND);
	assert_int_equal(n.count, 1);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ports); i++)
		ponto_datagrams_close(&ports[i]);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

/* ---- what is missing ------------------------------------------------------------------- */

static void without_addresses_nothing_is_found_until_there_are_some(void **state)
{
	struct ponto_addr published = discovery_addr("[fe80::1:2%1]:3540");
	struct discovery_fixture *f = make();
	struct discovery_watcher w;
	struct neighbour n;
	uint32_t self = ponto_sim_node_number(f->place);

	(void)state;
	neighbour_open(&n, f, PONTO_SCOPE_LINK, true);
	assert_ok(ponto_sim_network_set_addresses(f->world, self, 0));
	discovery_open(f, &link_cloud, &w);
	assert_ok(ponto_discovery_publish(f->discovery, w.handle, &published, 1));
	discovery_search(&w, PONTO_SOURCE_MULTICAST);
	assert_int_equal(w.count, 0);
	assert_int_equal(n.count, 0);
	assert_ok(ponto_sim_network_set_addresses(f->world, self, 1));
	run(f, 60 * PONTO_SECOND);
	assert_true(heard_with(&n, "ssdp:alive") >= 1);
	discovery_close(&w);
	ponto_datagrams_close(&n.net);
	discovery_fixture_free(f);
}

static void unknown_transport_is_refused(void **state)
{
	static const char *const settings[] = {"transport=elsewhere", NULL};
	char text[4096];

	(void)state;
	assert_int_equal(discovery_try(SSDP, settings, text, sizeof(text)), PONTO_ENOENT);
	assert_non_null(strstr(text, "elsewhere"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_search_goes_to_the_group_twice),
	cmocka_unit_test(a_global_search_goes_over_every_link),
	cmocka_unit_test(answers_are_found_if_they_fit),
	cmocka_unit_test(a_flood_of_answers_is_bounded),
	cmocka_unit_test(strangers_from_elsewhere_are_not_heard),
	cmocka_unit_test(what_is_published_is_announced_and_answered),
	cmocka_unit_test(announcements_are_renewed),
	cmocka_unit_test(taking_back_says_goodbye_and_ends_answers),
	cmocka_unit_test(searches_for_others_are_not_answered),
	cmocka_unit_test(a_flood_of_searches_is_answered_within_the_limit),
	cmocka_unit_test(without_addresses_nothing_is_found_until_there_are_some),
	cmocka_unit_test(unknown_transport_is_refused),
};

PONTO_TEST_MAIN(tests)
