/* The common family and what results are made of: enumerations over items of the test's own, blocks, texts, the table
 * of results. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <p2p.h>

#include "api/peer/enum.h"
#include "api/peer/result.h"
#include "api/peer/text.h"
#include "tests/support/test.h"

#define ITEMS 100

struct item {
	char name[32];
};

static atomic_uint freed;

static void *pack_item(struct peer_block *b, const void *data)
{
	const struct item *item = data;
	PEER_NAME_PAIR pair = {.dwSize = sizeof(pair)}, *out = peer_block_take(b, sizeof(pair));

	pair.pwzPeerName = peer_block_text(b, item->name);
	pair.pwzFriendlyName = peer_block_text(b, "friend");
	if (out)
		*out = pair;
	return out;
}

static void free_items(void *items, size_t count)
{
	free(items);
	atomic_fetch_add(&freed, (unsigned)count);
}

static const struct peer_enum_kind kind = {sizeof(struct item), pack_item, free_items};

static HPEERENUM make(size_t count)
{
	struct item *items = calloc(count ? count : 1, sizeof(*items));
	HPEERENUM e;

	for (size_t i = 0; i < count; i++)
		snprintf(items[i].name, sizeof(items[i].name), "0.number%zu", i);
	assert_int_equal(peer_enum_open(&kind, items, count, &e), S_OK);
	return e;
}

static void items_come_in_parts(void **state)
{
	HPEERENUM e = make(5);
	PVOID *first, *second, *end;
	ULONG count = 3;

	(void)state;
	PONTO_COVERS("PeerGetItemCount", "PeerGetNextItem", "PeerEndEnumeration", "PeerFreeData");
	freed = 0;
	assert_int_equal(PeerGetNextItem(e, &count, &first), S_OK);
	assert_int_equal(count, 3);
	assert_int_equal(PeerGetItemCount(e, &count), S_OK);
	assert_int_equal(count, 5);
	count = 10;
	assert_int_equal(PeerGetNextItem(e, &count, &second), S_OK);
	assert_int_equal(count, 2);
	count = 10;
	assert_int_equal(PeerGetNextItem(e, &count, &end), S_OK);
	assert_int_equal(count, 0);
	PeerFreeData(end);
	assert_int_equal(PeerEndEnumeration(e), S_OK);
	assert_int_equal(freed, 5);
	/* What was fetched outlives it. */
	assert_int_equal(((PEER_NAME_PAIR *)first[2])->dwSize, sizeof(PEER_NAME_PAIR));
	assert_memory_equal(((PEER_NAME_PAIR *)first[2])->pwzPeerName, u"0.number2", sizeof(u"0.number2"));
	assert_memory_equal(((PEER_NAME_PAIR *)second[1])->pwzPeerName, u"0.number4", sizeof(u"0.number4"));
	assert_memory_equal(((PEER_NAME_PAIR *)second[1])->pwzFriendlyName, u"friend", sizeof(u"friend"));
	PeerFreeData(first);
	PeerFreeData(second);
}

static void an_empty_one(void **state)
{
	HPEERENUM e = make(0);
	PVOID *items = (PVOID *)&e;
	ULONG count = 1;

	(void)state;
	PONTO_COVERS("PeerGetItemCount", "PeerGetNextItem");
	assert_int_equal(PeerGetItemCount(e, &count), S_OK);
	assert_int_equal(count, 0);
	count = 1;
	assert_int_equal(PeerGetNextItem(e, &count, &items), S_OK);
	assert_int_equal(count, 0);
	assert_null(items);
	PeerFreeData(items);
	assert_int_equal(PeerEndEnumeration(e), S_OK);
}

static void what_is_refused(void **state)
{
	HPEERENUM e = make(1);
	PVOID *items = (PVOID *)7;
	ULONG count = 1, zero = 0;

	(void)state;
	PONTO_COVERS_ERRORS("PeerGetItemCount", "PeerGetNextItem", "PeerEndEnumeration");
	assert_int_equal(PeerGetItemCount(e, NULL), E_INVALIDARG);
	assert_int_equal(PeerGetNextItem(e, NULL, &items), E_INVALIDARG);
	assert_int_equal(PeerGetNextItem(e, &zero, &items), E_INVALIDARG);
	assert_int_equal(PeerGetNextItem(e, &count, NULL), E_INVALIDARG);
	assert_false(CloseHandle(e));
	assert_int_equal(PeerEndEnumeration(e), S_OK);
	assert_int_equal(PeerEndEnumeration(e), E_INVALIDARG);
	assert_int_equal(PeerGetItemCount(e, &count), E_INVALIDARG);
	assert_int_equal(PeerGetNextItem(e, &count, &items), E_INVALIDARG);
	assert_ptr_equal(items, (PVOID *)7);
}

struct reader {
	HPEERENUM e;
	atomic_uint *got;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	ULONG count = 1;
	PVOID *items;

	while (PeerGetNextItem(r->e, &count, &items) == S_OK && count > 0) {
		atomic_fetch_add(r->got, count);
		PeerFreeData(items);
		count = 3;
	}
	if (count == 0)
		PeerFreeData(items);
	return NULL;
}

/* Each item goes to one of them; an end in the middle is no harm. */
static void many_threads_read(void **state)
{
	pthread_t threads[6];

	(void)state;
	PONTO_COVERS_THREADS("PeerGetNextItem", "PeerEndEnumeration");
	for (int round = 0; round < 50; round++) {
		atomic_uint got = 0;
		struct reader r = {make(ITEMS), &got};

		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
			pthread_create(&threads[i], NULL, read_all, &r);
		if (round % 2)
			assert_int_equal(PeerEndEnumeration(r.e), S_OK);
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++)
			pthread_join(threads[i], NULL);
		if (round % 2 == 0) {
			assert_int_equal(got, ITEMS);
			assert_int_equal(PeerEndEnumeration(r.e), S_OK);
		}
	}
}

/* ---- what results are made of ----------------------------------------------------------------- */

static void texts_between_the_encodings(void **state)
{
	static const char *const texts[] = {"", "alice", "caf\u00e9", "\u6f22\u5b57", "\U0001f600x"};
	static WCHAR lone[] = u"a\xd800"
			      u"b";
	char out[64];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++) {
		WCHAR wide[16];

		assert_true(peer_text_units(texts[i]) <= PONTO_ARRAY_SIZE(wide));
		peer_text_write(texts[i], wide);
		assert_int_equal(wide[peer_text_units(texts[i]) - 1], 0);
		assert_int_equal(peer_text_utf8(wide, 15, out, sizeof(out)), S_OK);
		assert_string_equal(out, texts[i]);
	}
	assert_int_equal(peer_text_utf8(u"abcd", 3, out, sizeof(out)), E_INVALIDARG);
	assert_int_equal(peer_text_utf8(NULL, 3, out, sizeof(out)), S_OK);
	assert_string_equal(out, "");
	assert_int_equal(peer_text_utf8(lone, 8, out, sizeof(out)), S_OK);
	assert_string_equal(out, "a\ufffd"
				 "b");
}

static void a_block_is_as_large_as_measured(void **state)
{
	struct peer_block b = {0};
	uint64_t room[4];

	(void)state;
	assert_null(peer_block_take(&b, 3));
	assert_null(peer_block_text(&b, "ab"));
	assert_null(peer_block_text(&b, NULL));
	assert_null(peer_block_bytes(&b, "x", 0));
	assert_int_equal(b.used, 16);
	assert_false(peer_block_into(&b, room, 15));
	assert_true(peer_block_into(&b, room, sizeof(room)));
	assert_ptr_equal(peer_block_take(&b, 3), room);
	assert_ptr_equal(peer_block_text(&b, "ab"), room + 1);
	assert_int_equal(b.used, b.size);
}

/* Every result of the daemon has a name on Windows, and every one of those a Winsock code. */
static void every_result_has_a_name(void **state)
{
	(void)state;
	for (int code = 0; code >= PONTO_EINTERNAL; code--) {
		HRESULT results[] = {peer_result_of_call(code), peer_result(code), peer_result_pnrp(code),
				     peer_result_resolve(code)};

		for (size_t i = 0; i < PONTO_ARRAY_SIZE(results); i++) {
			assert_true(code == PONTO_OK ? results[i] == S_OK
						     : FAILED(results[i]) || results[i] == S_FALSE);
			assert_true(results[i] == S_OK ? peer_result_wsa(results[i]) == 0
						       : peer_result_wsa(results[i]) > 0);
		}
	}
	assert_int_equal(peer_result_of_call(PONTO_EUNREACH), PEER_E_SERVICE_NOT_AVAILABLE);
	assert_int_equal(peer_result_of_call(12345), E_UNEXPECTED);
	assert_int_equal(peer_result_wsa(PEER_E_CLOUD_DISABLED), WSA_PNRP_CLOUD_DISABLED);
	assert_int_equal(peer_result_wsa(E_OUTOFMEMORY), WSA_NOT_ENOUGH_MEMORY);
	assert_int_equal(peer_result_wsa(PEER_E_SERVICE_NOT_AVAILABLE), WSASYSNOTREADY);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(items_come_in_parts),
	cmocka_unit_test(an_empty_one),
	cmocka_unit_test(what_is_refused),
	cmocka_unit_test(many_threads_read),
	cmocka_unit_test(texts_between_the_encodings),
	cmocka_unit_test(a_block_is_as_large_as_measured),
	cmocka_unit_test(every_result_has_a_name),
};

PONTO_TEST_MAIN(tests)
