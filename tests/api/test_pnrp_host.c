/* Host names under pnrp.net, and what needs no daemon. */
#include <p2p.h>

#include "tests/support/test.h"

static size_t length(PCWSTR text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void assert_text(PCWSTR text, PCWSTR expected)
{
	assert_non_null(text);
	assert_int_equal(length(text), length(expected));
	assert_memory_equal(text, expected, length(expected) * sizeof(WCHAR));
}

static void there_and_back(void **state)
{
	static const PCWSTR names[] = {
		u"0.alice",
		u"0.games.john",
		u"0.Alice",
		u"0.caf\u00e9",
		u"0.\U0001f600",
		u"0.two words",
		u"428f0000000000000000000000000000000000aa.alice",
		u"febe3705565228fca059cb0caec74e06404aa229.Alice in W\u00f6nderland",
	};

	(void)state;
	PONTO_COVERS("PeerNameToPeerHostName", "PeerHostNameToPeerName", "PeerFreeData");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		PWSTR host = NULL, name = NULL;

		assert_int_equal(PeerNameToPeerHostName(names[i], &host), S_OK);
		assert_int_equal(PeerHostNameToPeerName(host, &name), S_OK);
		assert_text(name, names[i]);
		PeerFreeData(name);
		PeerFreeData(host);
	}
}

static void published_forms(void **state)
{
	PWSTR text;

	(void)state;
	PONTO_COVERS("PeerNameToPeerHostName", "PeerHostNameToPeerName");
	assert_int_equal(PeerNameToPeerHostName(u"0.alice", &text), S_OK);
	assert_text(text, u"alice.pnrp.net");
	PeerFreeData(text);
	assert_int_equal(PeerHostNameToPeerName(u"ALICE.PNRP.NET.", &text), S_OK);
	assert_text(text, u"0.alice");
	PeerFreeData(text);
}

static void names_without_host_names(void **state)
{
	static const PCWSTR bad[] = {u"", u"alice", u"1.alice", u"0.\xd800", u"febe.x"};
	static WCHAR long_name[152] = u"0.";
	PWSTR text = (PWSTR)7;

	(void)state;
	PONTO_COVERS_ERRORS("PeerNameToPeerHostName");
	assert_int_equal(PeerNameToPeerHostName(NULL, &text), E_INVALIDARG);
	assert_int_equal(PeerNameToPeerHostName(u"0.a", NULL), E_INVALIDARG);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(PeerNameToPeerHostName(bad[i], &text), PEER_E_INVALID_PEER_NAME);
	assert_int_equal(PeerNameToPeerHostName(u"0.", &text), PEER_E_CANNOT_CONVERT_PEER_NAME);
	for (size_t i = 2; i < 151; i++)
		long_name[i] = (WCHAR)(0x4e00 + i * 137);
	assert_int_equal(PeerNameToPeerHostName(long_name, &text), PEER_E_CANNOT_CONVERT_PEER_NAME);
	assert_ptr_equal(text, (PWSTR)7);
}

static void hosts_without_peer_names(void **state)
{
	static const PCWSTR bad[] = {u"",	    u"pnrp.net",	   u"alice", u"alice.example.net",
				     u"..pnrp.net", u"xn--\xd800.pnrp.net"};
	static WCHAR long_host[400];
	PWSTR text = (PWSTR)7;

	(void)state;
	PONTO_COVERS_ERRORS("PeerHostNameToPeerName");
	assert_int_equal(PeerHostNameToPeerName(NULL, &text), E_INVALIDARG);
	assert_int_equal(PeerHostNameToPeerName(u"a.pnrp.net", NULL), E_INVALIDARG);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(PeerHostNameToPeerName(bad[i], &text), PEER_E_INVALID_PEER_HOST_NAME);
	for (size_t i = 0; i < 399; i++)
		long_host[i] = u'a';
	assert_int_equal(PeerHostNameToPeerName(long_host, &text), PEER_E_INVALID_PEER_HOST_NAME);
	assert_ptr_equal(text, (PWSTR)7);
}

/* Handles of nobody: no crash, no daemon asked. */
static void enumerations_of_nobody(void **state)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	HPEERENUM bad[] = {NULL, event, (HPEERENUM)77, INVALID_HANDLE_VALUE};
	PVOID *items = (PVOID *)7;
	ULONG count = 1;

	(void)state;
	PONTO_COVERS_ERRORS("PeerGetItemCount", "PeerGetNextItem", "PeerEndEnumeration", "PeerFreeData");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(PeerGetItemCount(bad[i], &count), E_INVALIDARG);
		assert_int_equal(PeerGetNextItem(bad[i], &count, &items), E_INVALIDARG);
		assert_int_equal(PeerEndEnumeration(bad[i]), E_INVALIDARG);
	}
	assert_int_equal(count, 1);
	assert_ptr_equal(items, (PVOID *)7);
	PeerFreeData(NULL);
	CloseHandle(event);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(there_and_back),	    cmocka_unit_test(published_forms),
	cmocka_unit_test(names_without_host_names), cmocka_unit_test(hosts_without_peer_names),
	cmocka_unit_test(enumerations_of_nobody),
};

PONTO_TEST_MAIN(tests)
