/* The identity family, before a daemon of its own. */
#include <p2p.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/api/api_daemon.h"

/* A key pair that is nobody's: RSA-1024. */
#define PEM_FILE "key.pem"

static struct api_daemon daemon_;

static int setup(void **state)
{
	(void)state;
	api_daemon_init(&daemon_);
	api_daemon_start(&daemon_);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_daemon_stop(&daemon_);
	api_daemon_clear(&daemon_);
	return 0;
}

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

static bool contains(PCWSTR text, PCWSTR part)
{
	size_t n = length(part);

	for (; *text; text++)
		if (length(text) >= n && memcmp(text, part, n * sizeof(WCHAR)) == 0)
			return true;
	return false;
}

/* Its name lives until the end of the test program. */
static PWSTR make(PCWSTR classifier, PCWSTR friendly)
{
	PWSTR name = NULL;

	assert_int_equal(PeerIdentityCreate(classifier, friendly, 0, &name), S_OK);
	assert_non_null(name);
	return name;
}

static ULONG identities(void)
{
	HPEERENUM found;
	ULONG count;

	assert_int_equal(PeerEnumIdentities(&found), S_OK);
	assert_int_equal(PeerGetItemCount(found, &count), S_OK);
	assert_int_equal(PeerEndEnumeration(found), S_OK);
	return count;
}

static void no_identity(void **state)
{
	PWSTR text = (PWSTR)(uintptr_t)5;
	HPEERENUM found;
	HCRYPTPROV key;
	ULONG count = 9;

	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityGetDefault", "PeerIdentityGetXML", "PeerIdentityGetFriendlyName",
			    "PeerEnumIdentities");
	assert_int_equal(PeerIdentityGetDefault(&text), PEER_E_NOT_FOUND);
	assert_int_equal(PeerIdentityGetFriendlyName(NULL, &text), PEER_E_NOT_FOUND);
	assert_int_equal(PeerIdentityGetCryptKey(NULL, &key), PEER_E_NOT_FOUND);
	assert_int_equal(PeerIdentityExport(NULL, u"secret", &text), PEER_E_NOT_FOUND);
	assert_ptr_equal(text, 5);
	assert_int_equal(PeerEnumIdentities(&found), S_OK);
	assert_int_equal(PeerGetItemCount(found, &count), S_OK);
	assert_int_equal(count, 0);
	assert_int_equal(PeerEndEnumeration(found), S_OK);
}

static void reset_friendly_name(PCWSTR identity, PCWSTR none)
{
	PWSTR text;

	assert_int_equal(PeerIdentitySetFriendlyName(identity, none), S_OK);
	assert_int_equal(PeerIdentityGetFriendlyName(identity, &text), S_OK);
	assert_text(text, identity);
	PeerFreeData(text);
}

static void names_and_friendly_names(void **state)
{
	PWSTR alice = make(u"alice", u"Alice \u00fc"), other = make(NULL, NULL), text;

	(void)state;
	PONTO_COVERS("PeerIdentityCreate", "PeerIdentityGetFriendlyName", "PeerIdentitySetFriendlyName",
		     "PeerIdentityGetDefault");
	assert_int_equal(length(alice), 46);
	assert_true(contains(alice, u".alice"));
	assert_int_equal(length(other), 41);
	assert_int_equal(PeerIdentityGetFriendlyName(alice, &text), S_OK);
	assert_text(text, u"Alice \u00fc");
	PeerFreeData(text);
	assert_int_equal(PeerIdentityGetFriendlyName(other, &text), S_OK);
	assert_text(text, other); /* it has none: its peer name */
	PeerFreeData(text);
	assert_int_equal(PeerIdentityGetDefault(&text), S_OK);
	assert_text(text, alice); /* the first */
	PeerFreeData(text);
	assert_int_equal(PeerIdentitySetFriendlyName(alice, u"Bob"), S_OK);
	assert_int_equal(PeerIdentitySetFriendlyName(NULL, u"Carol"), S_OK); /* the default: the same */
	assert_int_equal(PeerIdentityGetFriendlyName(alice, &text), S_OK);
	assert_text(text, u"Carol");
	PeerFreeData(text);
	assert_int_equal(PeerIdentitySetFriendlyName(alice, u"\xd800"), PEER_E_INVALID_FRIENDLY_NAME);
	assert_int_equal(PeerIdentitySetFriendlyName(alice, u"a\tb"), PEER_E_INVALID_FRIENDLY_NAME);
	assert_int_equal(PeerIdentitySetFriendlyName(u"0.alice", u"x"), E_INVALIDARG);
	assert_int_equal(PeerIdentitySetFriendlyName(u"428f0000000000000000000000000000000000aa.alice", u"x"),
			 PEER_E_NOT_FOUND);
	reset_friendly_name(alice, u"");
	assert_int_equal(PeerIdentitySetFriendlyName(alice, u"Dave"), S_OK);
	reset_friendly_name(alice, NULL);
	other[40] = 0; /* without the dot it is no peer name */
	assert_int_equal(PeerIdentityGetFriendlyName(other, &text), E_INVALIDARG);
	alice[45] = u'x'; /* another classifier */
	assert_int_equal(PeerIdentityGetFriendlyName(alice, &text), PEER_E_NOT_FOUND);
	PeerFreeData(alice);
	PeerFreeData(other);
}

static void bad_arguments(void **state)
{
	WCHAR large[300];
	PWSTR text = (PWSTR)(uintptr_t)5;

	(void)state;
	for (size_t i = 0; i < 299; i++)
		large[i] = u'x';
	large[299] = 0;
	assert_int_equal(PeerIdentityCreate(NULL, NULL, 0, NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityCreate(large, NULL, 0, &text), PEER_E_CLASSIFIER_TOO_LONG);
	assert_int_equal(PeerIdentityCreate(NULL, large, 0, &text), PEER_E_INVALID_FRIENDLY_NAME);
	assert_int_equal(PeerIdentityCreate(u"a\nb", NULL, 0, &text), PEER_E_INVALID_CLASSIFIER);
	assert_int_equal(PeerIdentityCreate(u"\xdc00", NULL, 0, &text), PEER_E_INVALID_CLASSIFIER);
	assert_null(text);
	assert_int_equal(PeerIdentityCreate(NULL, NULL, 12345, &text), E_HANDLE);
	large[149] = 0;
	assert_int_equal(PeerIdentityCreate(large, NULL, 0, &text), S_OK);
	assert_int_equal(length(text), 190);
	assert_int_equal(PeerIdentityDelete(text), S_OK);
	PeerFreeData(text);
	assert_int_equal(PeerIdentityGetFriendlyName(NULL, NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityGetCryptKey(NULL, NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityDelete(NULL), E_INVALIDARG);
	assert_int_equal(PeerEnumIdentities(NULL), E_INVALIDARG);
	assert_int_equal(PeerEnumGroups(NULL, NULL), E_INVALIDARG);
	assert_int_equal(PeerCreatePeerName(NULL, NULL, &text), E_INVALIDARG);
	assert_int_equal(PeerCreatePeerName(NULL, u"x", NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityGetXML(NULL, NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityExport(NULL, NULL, &text), E_INVALIDARG);
	assert_int_equal(PeerIdentityExport(NULL, u"", &text), E_INVALIDARG);
	assert_int_equal(PeerIdentityExport(NULL, u"x", NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(NULL, u"x", &text), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(u"<x/>", NULL, &text), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(u"<x/>", u"x", NULL), E_INVALIDARG);
	assert_int_equal(PeerIdentityGetDefault(NULL), E_INVALIDARG);
}

static void peer_names(void **state)
{
	PCWSTR somebody = u"428f0000000000000000000000000000000000aa.a";
	PWSTR text;

	(void)state;
	PONTO_COVERS("PeerCreatePeerName");
	assert_int_equal(PeerCreatePeerName(NULL, u"hello", &text), S_OK);
	assert_text(text, u"0.hello");
	PeerFreeData(text);
	assert_int_equal(PeerCreatePeerName(somebody, u"hello", &text), S_OK);
	assert_text(text, u"428f0000000000000000000000000000000000aa.hello");
	PeerFreeData(text);
	assert_int_equal(PeerCreatePeerName(somebody, NULL, &text), S_OK);
	assert_text(text, somebody);
	PeerFreeData(text);
	assert_int_equal(PeerCreatePeerName(somebody, u"", &text), S_OK);
	assert_text(text, u"428f0000000000000000000000000000000000aa.");
	PeerFreeData(text);
	assert_int_equal(PeerCreatePeerName(NULL, u"", &text), PEER_E_INVALID_CLASSIFIER);
	assert_int_equal(PeerCreatePeerName(u"0.a", u"x", &text), E_INVALIDARG);
	assert_int_equal(PeerCreatePeerName(u"428F0000000000000000000000000000000000aa.a", u"x", &text), E_INVALIDARG);
	assert_int_equal(PeerCreatePeerName(u"", u"x", &text), E_INVALIDARG);
}

/* Who has none and asks for the card of his default identity gets one, and keeps it. */
static void default_made(void **state)
{
	PWSTR card, again, name, text;
	ULONG before = identities();

	(void)state;
	PONTO_COVERS("PeerIdentityGetXML", "PeerIdentityGetDefault");
	assert_int_equal(before, 0);
	assert_int_equal(PeerIdentityGetXML(NULL, &card), S_OK);
	assert_int_equal(identities(), 1);
	assert_int_equal(PeerIdentityGetXML(NULL, &again), S_OK);
	assert_text(again, card);
	PeerFreeData(again);
	assert_int_equal(PeerIdentityGetDefault(&name), S_OK);
	assert_int_equal(PeerIdentityGetXML(name, &again), S_OK);
	assert_text(again, card);
	assert_int_equal(PeerIdentityGetFriendlyName(NULL, &text), S_OK);
	assert_text(text, name);
	assert_int_equal(PeerIdentityDelete(name), S_OK);
	PeerFreeData(again);
	PeerFreeData(card);
	PeerFreeData(name);
	PeerFreeData(text);
}

static void enumerations(void **state)
{
	PWSTR a = make(u"a", u"A"), b = make(u"b", u"B");
	PEER_NAME_PAIR **pairs;
	unsigned seen = 0;
	HPEERENUM found;
	ULONG count = 100;

	(void)state;
	PONTO_COVERS("PeerEnumIdentities", "PeerEnumGroups", "PeerIdentityDelete");
	PONTO_COVERS_ERRORS("PeerEnumGroups", "PeerIdentityDelete");
	assert_int_equal(PeerEnumIdentities(&found), S_OK);
	assert_int_equal(PeerGetNextItem(found, &count, (PVOID **)&pairs), S_OK);
	for (ULONG i = 0; i < count; i++) {
		assert_int_equal(pairs[i]->dwSize, sizeof(PEER_NAME_PAIR));
		seen += contains(pairs[i]->pwzPeerName, a) && contains(pairs[i]->pwzFriendlyName, u"A");
		seen += contains(pairs[i]->pwzPeerName, b) && contains(pairs[i]->pwzFriendlyName, u"B");
	}
	assert_int_equal(seen, 2);
	PeerFreeData(pairs);
	assert_int_equal(PeerEndEnumeration(found), S_OK);
	assert_int_equal(PeerEnumGroups(a, &found), S_OK);
	assert_int_equal(PeerGetItemCount(found, &count), S_OK);
	assert_int_equal(count, 0);
	assert_int_equal(PeerEndEnumeration(found), S_OK);
	assert_int_equal(PeerIdentityDelete(a), S_OK);
	assert_int_equal(PeerIdentityDelete(a), PEER_E_NOT_FOUND);
	assert_int_equal(PeerEnumGroups(a, &found), PEER_E_NOT_FOUND);
	assert_int_equal(PeerIdentityDelete(b), S_OK);
	PeerFreeData(a);
	PeerFreeData(b);
}

/* One that signs a name takes it along. */
static void names_end_with_their_identity(void **state)
{
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 7};
	PWSTR me = make(u"signs", u"Signs");
	HREGISTRATION registration;
	char answer[512], line[256] = "resolve ";
	struct api_child child;

	(void)state;
	PONTO_COVERS("PeerIdentityDelete");
	for (size_t i = 0; i < length(me); i++)
		line[strlen("resolve ") + i] = (char)me[i];
	api_child_start(&child);
	assert_string_equal(api_child_say(&child, answer, "start"), "00000000");
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	assert_int_equal(PeerPnrpRegister(me, &info, &registration), S_OK);
	assert_string_equal(api_child_say(&child, answer, "%s", line), "00000000 1 7/");
	assert_int_equal(PeerIdentityDelete(me), S_OK);
	assert_string_equal(api_child_say(&child, answer, "%s", line), "00000000 0");
	assert_int_equal(PeerPnrpUnregister(registration), S_OK);
	assert_int_equal(PeerPnrpShutdown(), S_OK);
	api_child_kill(&child);
	PeerFreeData(me);
}

static void cards(void **state)
{
	PWSTR me = make(u"me", u"Me"), card, again;

	(void)state;
	PONTO_COVERS("PeerIdentityGetXML");
	assert_int_equal(PeerIdentityGetXML(me, &card), S_OK);
	assert_true(contains(card, u"<PEERIDENTITYINFO VERSION=\"1.0\"><IDC "));
	assert_true(contains(card, u"bin.base64"));
	assert_int_equal(PeerIdentityGetXML(me, &again), S_OK);
	assert_text(again, card);
	PeerFreeData(again);
	assert_int_equal(PeerIdentitySetFriendlyName(me, u"Somebody else"), S_OK);
	assert_int_equal(PeerIdentityGetXML(me, &again), S_OK);
	assert_true(length(again) != length(card) || memcmp(again, card, length(card) * sizeof(WCHAR)) != 0);
	PeerFreeData(again);
	PeerFreeData(card);
	assert_int_equal(PeerIdentityDelete(me), S_OK);
	PeerFreeData(me);
}

/* Every character of an export in turn is another: all are refused. tests/unit/test_identity_xml does more of it. */
static void damage(PWSTR xml)
{
	for (size_t i = 0; xml[i]; i++) {
		PWSTR back = (PWSTR)(uintptr_t)5;
		WCHAR kept = xml[i];

		xml[i] = kept == u'A' ? u'B' : u'A';
		if (PeerIdentityImport(xml, u"s\u00e9cret", &back) != E_INVALIDARG)
			fail_msg("character %zu, %c, is not missed", i, (char)kept);
		assert_ptr_equal(back, 5);
		xml[i] = kept;
	}
}

static void out_and_in_again(void **state)
{
	PWSTR me = make(u"Gr\u00f6\u00dfe & Co", u"Me \u00e9"), xml, back, text;
	ULONG before;

	(void)state;
	PONTO_COVERS("PeerIdentityExport", "PeerIdentityImport");
	PONTO_COVERS_ERRORS("PeerIdentityImport");
	assert_int_equal(PeerIdentityExport(me, u"s\u00e9cret", &xml), S_OK);
	assert_true(contains(xml, u"<PEERIDENTITYEXPORT VERSION=\"1.0\"><PEERNAME>"));
	assert_int_equal(PeerIdentityImport(xml, u"s\u00e9cret", &back), PEER_E_ALREADY_EXISTS);
	assert_int_equal(PeerIdentityDelete(me), S_OK);
	before = identities();
	assert_int_equal(PeerIdentityImport(xml, u"secret", &back), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(xml, u"\xd800", &back), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(u"<PEERIDENTITYEXPORT VERSION=\"1.0\"/>", u"x", &back), E_INVALIDARG);
	assert_int_equal(PeerIdentityImport(u"no XML", u"x", &back), E_INVALIDARG);
	damage(xml);
	assert_int_equal(identities(), before);
	assert_int_equal(PeerIdentityImport(xml, u"s\u00e9cret", &back), S_OK);
	assert_text(back, me);
	assert_int_equal(PeerIdentityGetFriendlyName(back, &text), S_OK);
	assert_text(text, u"Me \u00e9");
	PeerFreeData(text);
	assert_int_equal(PeerIdentityDelete(back), S_OK);
	PeerFreeData(back);
	PeerFreeData(xml);
	PeerFreeData(me);
}

static void keys(void **state)
{
	PWSTR me = make(u"me", u"Me"), made;
	BYTE signature[PONTO_CRYPT_SIGNATURE_MAX], again[PONTO_CRYPT_SIGNATURE_MAX];
	DWORD size = sizeof(signature), size_again = sizeof(again);
	HCRYPTPROV key, pem;
	static char text[4096];
	size_t len;
	FILE *file;

	(void)state;
	PONTO_COVERS("PeerIdentityGetCryptKey", "PeerIdentityCreate");
	assert_int_equal(PeerIdentityGetCryptKey(me, &key), S_OK);
	assert_true(PontoCryptSign(key, (const BYTE *)"data", 4, signature, &size));
	assert_int_equal(size, 128);
	assert_true(PontoCryptSign(key, (const BYTE *)"data", 4, again, &size_again));
	assert_memory_equal(signature, again, 128);
	size = 3;
	assert_false(PontoCryptSign(key, (const BYTE *)"data", 4, signature, &size));
	assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
	/* a key of the daemon's cannot be handed out again */
	assert_int_equal(PeerIdentityCreate(NULL, NULL, key, &made), PEER_E_ALREADY_EXISTS);
	assert_int_equal(PeerIdentityDelete(me), S_OK);
	size = sizeof(signature);
	assert_false(PontoCryptSign(key, (const BYTE *)"data", 4, signature, &size));
	assert_int_equal(GetLastError(), (DWORD)NTE_NO_KEY);
	assert_false(CryptReleaseContext(key, 1));
	assert_true(CryptReleaseContext(key, 0));
	assert_false(CryptReleaseContext(key, 0));
	assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
	assert_int_equal(
		system("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 >" PEM_FILE " 2>/dev/null"), 0);
	file = fopen(PEM_FILE, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	unlink(PEM_FILE);
	assert_true(PontoCryptFromPem(text, (DWORD)len, &pem));
	assert_false(PontoCryptSign(pem, (const BYTE *)"data", 4, signature, &size));
	assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
	assert_int_equal(PeerIdentityCreate(u"own", u"Own", pem, &made), S_OK);
	assert_true(contains(made, u".own"));
	PeerFreeData(me);
	assert_int_equal(PeerIdentityCreate(u"own", u"Own", pem, &me), PEER_E_ALREADY_EXISTS);
	assert_true(CryptReleaseContext(pem, 0));
	assert_int_equal(PeerIdentityDelete(made), S_OK);
	PeerFreeData(made);
	assert_true(PontoCryptFromPem("no key", 6, &pem));
	assert_int_equal(PeerIdentityCreate(NULL, NULL, pem, &made), PEER_E_NO_KEY_ACCESS);
	assert_true(CryptReleaseContext(pem, 0));
	assert_false(PontoCryptFromPem(NULL, 6, &pem));
	assert_false(PontoCryptFromPem("x", 0, &pem));
}

static void *worker(void *arg)
{
	for (unsigned i = 0; i < 5; i++) {
		PWSTR me, text, xml, again;
		HPEERENUM found;
		HCRYPTPROV key;

		if (PeerIdentityCreate(u"thread", u"Thread", 0, &me) != S_OK)
			break;
		if (PeerIdentitySetFriendlyName(me, u"Changed") != S_OK ||
		    PeerIdentityGetFriendlyName(me, &text) != S_OK)
			break;
		PeerFreeData(text);
		if (PeerEnumIdentities(&found) != S_OK || PeerEndEnumeration(found) != S_OK ||
		    PeerEnumGroups(me, &found) != S_OK || PeerEndEnumeration(found) != S_OK)
			break;
		if (PeerIdentityGetXML(me, &text) != S_OK || PeerIdentityExport(me, u"x", &xml) != S_OK)
			break;
		PeerFreeData(text);
		if (PeerIdentityGetCryptKey(me, &key) != S_OK || !CryptReleaseContext(key, 0))
			break;
		if (PeerIdentityDelete(me) != S_OK || PeerIdentityImport(xml, u"x", &again) != S_OK)
			break;
		if (PeerCreatePeerName(again, NULL, &text) != S_OK || PeerIdentityDelete(text) != S_OK)
			break;
		PeerFreeData(text);
		PeerFreeData(again);
		PeerFreeData(xml);
		PeerFreeData(me);
		*(unsigned *)arg += 1;
	}
	return NULL;
}

static void *maker(void *arg)
{
	PWSTR card;

	if (PeerIdentityGetXML(NULL, &card) == S_OK)
		*(PWSTR *)arg = card;
	return NULL;
}

/* All of them get the same one. */
static void default_made_by_several_threads(void **state)
{
	PWSTR cards[4] = {NULL}, name;
	pthread_t threads[4];

	(void)state;
	assert_int_equal(identities(), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, maker, &cards[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(identities(), 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_text(cards[i], cards[0]);
		if (i > 0)
			PeerFreeData(cards[i]);
	}
	PeerFreeData(cards[0]);
	assert_int_equal(PeerIdentityGetDefault(&name), S_OK);
	assert_int_equal(PeerIdentityDelete(name), S_OK);
	PeerFreeData(name);
}

static void from_several_threads(void **state)
{
	ULONG before = identities();
	pthread_t threads[4];
	unsigned done[4] = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, &done[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(done[i], 5);
	}
	assert_int_equal(identities(), before);
}

static void too_many(void **state)
{
	PWSTR a, b, xml;

	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityCreate", "PeerIdentityImport");
	api_daemon_stop(&daemon_);
	daemon_.security = "iterations = 1000; identities = 1;";
	api_daemon_start(&daemon_);
	assert_int_equal(identities(), 0);
	a = make(NULL, NULL);
	assert_int_equal(PeerIdentityExport(a, u"x", &xml), S_OK);
	assert_int_equal(PeerIdentityDelete(a), S_OK);
	b = make(NULL, NULL);
	PeerFreeData(a);
	assert_int_equal(PeerIdentityCreate(NULL, NULL, 0, &a), PEER_E_TOO_MANY_IDENTITIES);
	assert_int_equal(PeerIdentityImport(xml, u"x", &a), PEER_E_TOO_MANY_IDENTITIES);
	assert_int_equal(identities(), 1);
	assert_int_equal(PeerIdentityDelete(b), S_OK);
	PeerFreeData(b);
	PeerFreeData(xml);
}

/* Keys that lie encrypted, and a daemon that has lost the secret. */
static void no_key_access(void **state)
{
	char path[4096], security[5000];
	HCRYPTPROV key = 5;
	PWSTR me, text;
	FILE *file;

	(void)state;
	PONTO_COVERS_ERRORS("PeerIdentityGetCryptKey", "PeerIdentityExport", "PeerIdentitySetFriendlyName");
	snprintf(path, sizeof(path), "%s/secret", daemon_.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	fputs("secret", file);
	fclose(file);
	api_daemon_stop(&daemon_);
	snprintf(security, sizeof(security), "iterations = 1000; key_file = \"%s\";", path);
	daemon_.security = security;
	api_daemon_start(&daemon_);
	me = make(u"me", u"Me");
	api_daemon_stop(&daemon_);
	daemon_.security = NULL;
	api_daemon_start(&daemon_);
	assert_int_equal(PeerIdentityGetCryptKey(me, &key), PEER_E_NO_KEY_ACCESS);
	assert_int_equal(key, 5);
	assert_int_equal(PeerIdentityExport(me, u"x", &text), PEER_E_NO_KEY_ACCESS);
	assert_int_equal(PeerIdentitySetFriendlyName(me, u"You"), PEER_E_NO_KEY_ACCESS);
	assert_int_equal(PeerIdentityGetXML(me, &text), PEER_E_NO_KEY_ACCESS);
	assert_int_equal(PeerIdentityGetFriendlyName(me, &text), S_OK);
	assert_text(text, u"Me");
	PeerFreeData(text);
	assert_int_equal(PeerIdentityDelete(me), S_OK);
	PeerFreeData(me);
}

static void without_a_daemon(void **state)
{
	HPEERENUM found;
	PWSTR text;

	(void)state;
	api_daemon_stop(&daemon_);
	assert_int_equal(PeerIdentityGetDefault(&text), PEER_E_SERVICE_NOT_AVAILABLE);
	assert_int_equal(PeerEnumIdentities(&found), PEER_E_SERVICE_NOT_AVAILABLE);
	api_daemon_start(&daemon_);
	assert_int_equal(PeerIdentityGetDefault(&text), PEER_E_NOT_FOUND);
}

static void all_deleted(void **state)
{
	HPEERENUM found;
	ULONG count = 100;
	PEER_NAME_PAIR **pairs;

	(void)state;
	assert_int_equal(PeerEnumIdentities(&found), S_OK);
	assert_int_equal(PeerGetNextItem(found, &count, (PVOID **)&pairs), S_OK);
	for (ULONG i = 0; i < count; i++)
		assert_int_equal(PeerIdentityDelete(pairs[i]->pwzPeerName), S_OK);
	if (count)
		PeerFreeData(pairs);
	assert_int_equal(PeerEndEnumeration(found), S_OK);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_identity),
	cmocka_unit_test(names_and_friendly_names),
	cmocka_unit_test(bad_arguments),
	cmocka_unit_test(peer_names),
	cmocka_unit_test(enumerations),
	cmocka_unit_test(names_end_with_their_identity),
	cmocka_unit_test(cards),
	cmocka_unit_test(out_and_in_again),
	cmocka_unit_test(keys),
	cmocka_unit_test(from_several_threads),
	cmocka_unit_test(all_deleted),
	cmocka_unit_test(default_made),
	cmocka_unit_test(default_made_by_several_threads),
	cmocka_unit_test(too_many),
	cmocka_unit_test(no_key_access),
	cmocka_unit_test(without_a_daemon),
};

int main(int argc, char **argv)
{
	api_child_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, setup, teardown);
}
