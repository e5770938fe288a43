/* Export and Import at service-dist, in simulated nodes: who may, what is checked, what is kept. */
#include "engines/content/content_package.h"
#include "tests/unit/dist_api_rig.h"

#define SIZE (20 * CONTENT_BLOCK + 777)
#define SEALED_AES_128 1
#define ANYTHING 64 /* bytes of an Import's answer: of bits */

/* Node 0 has fetched the content, node 1 has nothing. */
static struct lan *scene(enum content_algo algo, const char *const *settings)
{
	struct lan *lan = calloc(1, sizeof(*lan));

	assert_non_null(lan);
	lan_init(lan, 1);
	lan_content_init(lan, algo, SIZE);
	lan_one_has_it(lan, "http://origin.example/file", settings, settings);
	return lan;
}

static void end_scene(struct lan *lan)
{
	lan_clear(lan);
	free(lan);
}

static const char *const plain[] = {NULL};
static const char *const hosted[] = {"hosted_cache=true", NULL};

static struct content_id id_of(const struct lan *lan, size_t i)
{
	const struct content_segment *segment = &lan->content.made.segments[i];
	struct content_id id;

	content_segment_id(lan->content.made.algo, segment->kp, segment->hod, &id);
	return id;
}

/* keys: shown, when not NULL. The result; gives *reply with PONTO_OK */
static int export_from(struct lan *lan, unsigned node, const struct content_id *id, const struct content_segment *keys,
		       uint32_t first, bool sealed, Ponto__Dist__V1__ExportReply **reply)
{
	Ponto__Dist__V1__ExportRequest request = MSG(EXPORT_REQUEST);
	size_t hash = content_hash_size(lan->content.made.algo);

	request.id = (ProtobufCBinaryData){id->len, (uint8_t *)(uintptr_t)id->b};
	request.first = first;
	request.has_sealed = request.sealed = sealed;
	request.has_hod = request.has_kp = keys != NULL;
	if (keys) {
		request.hod = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)keys->hod};
		request.kp = (ProtobufCBinaryData){hash, (uint8_t *)(uintptr_t)keys->kp};
	}
	return ask(lan, node, 1, "Export", &request.base, &ponto__dist__v1__export_reply__descriptor,
		   (ProtobufCMessage **)reply);
}

struct imported {
	unsigned kept, wrong;
	uint8_t held[ANYTHING];
};

static int import_to(struct lan *lan, unsigned node, Ponto__Dist__V1__ExportReply *from, size_t blocks,
		     struct imported *out)
{
	Ponto__Dist__V1__ImportRequest request = MSG(IMPORT_REQUEST);
	ProtobufCMessage *message = NULL;
	const Ponto__Dist__V1__ImportReply *reply;
	int result;

	request.segment = from->segment;
	request.block = from->block;
	request.n_block = blocks;
	result = ask(lan, node, 1, "Import", &request.base, &ponto__dist__v1__import_reply__descriptor, &message);
	if (result != PONTO_OK)
		return result;
	reply = (const Ponto__Dist__V1__ImportReply *)message;
	out->kept = reply->kept;
	out->wrong = reply->wrong;
	assert_int_equal(reply->held.len, sizeof(out->held));
	memcpy(out->held, reply->held.data, sizeof(out->held));
	protobuf_c_message_free_unpacked(message, NULL);
	return PONTO_OK;
}

static unsigned bits(const struct imported *in)
{
	unsigned count = 0;

	for (size_t i = 0; i < 8 * sizeof(in->held); i++)
		count += in->held[i / 8] >> (7 - i % 8) & 1;
	return count;
}

static void release(Ponto__Dist__V1__ExportReply *reply)
{
	protobuf_c_message_free_unpacked(&reply->base, NULL);
}

static uint64_t held_bytes(struct lan *lan, unsigned node)
{
	Ponto__Dist__V1__StatsRequest request = MSG(STATS_REQUEST);
	ProtobufCMessage *reply;
	uint64_t bytes;

	assert_ok(ask(lan, node, 1, "Stats", &request.base, &ponto__dist__v1__stats_reply__descriptor, &reply));
	bytes = ((const Ponto__Dist__V1__StatsReply *)reply)->bytes;
	protobuf_c_message_free_unpacked(reply, NULL);
	return bytes;
}

/* All of a segment from node 0 to node 1; blocks that were kept. */
static unsigned move(struct lan *lan, size_t i, bool sealed)
{
	struct content_id id = id_of(lan, i);
	unsigned kept = 0;
	uint32_t first = 0;
	Ponto__Dist__V1__ExportReply *reply, *head = NULL;
	bool more = true;

	while (more) {
		struct imported in;

		assert_ok(export_from(lan, 0, &id, NULL, first, sealed, &reply));
		if (head) { /* hashes come once */
			Ponto__Dist__V1__PackageSegment *own = reply->segment;

			reply->segment = head->segment;
			assert_ok(import_to(lan, 1, reply, reply->n_block, &in));
			reply->segment = own;
		} else {
			assert_ok(import_to(lan, 1, reply, reply->n_block, &in));
		}
		assert_int_equal(in.wrong, 0);
		kept += in.kept;
		more = reply->has_next;
		first = reply->next;
		assert_true(bits(&in) >= kept);
		if (head)
			release(reply);
		else
			head = reply;
	}
	release(head);
	return kept;
}

/* What one node held another serves, with the origin gone. */
static void from_cache_to_cache(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA512, CONTENT_TRUNCATED};

	(void)state;
	PONTO_PROVES("DIST-515");
	for (unsigned a = 0; a < PONTO_ARRAY_SIZE(algos); a++) {
		struct lan *lan = scene(algos[a], plain);
		struct blob info = content_describe(&lan->content.made, 0, SIZE);
		struct lan_download d = {.any_order = true};
		unsigned kept = 0;

		for (size_t i = 0; i < lan->content.made.count; i++)
			kept += move(lan, i, false);
		assert_int_equal(kept, content_is_v2(algos[a]) ? lan->content.made.count : 21);
		assert_int_equal(held_bytes(lan, 1), SIZE);
		lan->nodes[0].gone = true;
		lan_download_info(lan, 1, bytes_of(&info), &d);
		lan_download_wait(&d);
		assert_true(lan_downloaded(&d));
		assert_int_equal(d.cache, SIZE);
		lan_download_clear(&d);
		free(info.data);
		end_scene(lan);
	}
}

/* Without keys from one hosted cache to another: ciphertext, that the other relays. */
static void without_keys(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, hosted);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *reply;

	(void)state;
	assert_ok(export_from(lan, 0, &id, NULL, 0, true, &reply));
	assert_false(reply->segment->has_hod || reply->segment->has_kp || reply->segment->has_hashes);
	for (size_t i = 0; i < reply->n_block; i++) {
		struct ponto_bytes key = ponto_bytes(lan->content.made.segments[0].kp, 16);
		const Ponto__Dist__V1__PackageBlock *b = reply->block[i];
		struct blob opened;

		assert_int_equal(b->crypto, SEALED_AES_128);
		assert_true(b->has_hash && b->has_iv && b->iv.len == 16 && b->data.len == CONTENT_BLOCK + 16);
		opened = openssl_decrypt(key, b->iv.data, ponto_bytes(b->data.data, b->data.len));
		assert_memory_equal(opened.data, lan->content.data.data + b->index * CONTENT_BLOCK, CONTENT_BLOCK);
		free(opened.data);
	}
	release(reply);
	assert_int_equal(move(lan, 0, true), 21);
	assert_int_equal(move(lan, 0, true), 0); /* fresh ciphertext replaces none that is held */
	end_scene(lan);
}

/* Keys replace what was relayed, never the reverse. */
static void what_is_verified_wins(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, hosted);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *reply;
	struct imported in;

	(void)state;
	assert_int_equal(move(lan, 0, true), 21);
	assert_ok(export_from(lan, 0, &id, NULL, 0, false, &reply));
	assert_ok(import_to(lan, 1, reply, 0, &in)); /* asked first: none is held that counts */
	assert_int_equal(bits(&in), 0);
	assert_ok(import_to(lan, 1, reply, reply->n_block, &in));
	assert_int_equal(in.kept, reply->n_block);
	assert_int_equal(bits(&in), reply->n_block);
	release(reply);
	assert_ok(export_from(lan, 0, &id, NULL, 0, true, &reply));
	assert_ok(import_to(lan, 1, reply, 0, &in));
	assert_int_equal(bits(&in), 8 * ANYTHING);
	assert_ok(import_to(lan, 1, reply, reply->n_block, &in));
	assert_int_equal(in.kept, 0);
	release(reply);
	end_scene(lan);
}

static void wrong_bytes_are_not_kept(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, hosted);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *reply;
	struct imported in;

	(void)state;
	for (unsigned sealed = 0; sealed < 2; sealed++) {
		assert_ok(export_from(lan, 0, &id, NULL, 0, sealed, &reply));
		reply->block[3]->data.data[100] ^= 1;
		assert_ok(import_to(lan, 1, reply, 5, &in));
		assert_int_equal(in.kept, 4);
		assert_int_equal(in.wrong, 1);
		assert_int_equal(in.held[0], 0xe8); /* 0, 1, 2 and 4 */
		reply->block[3]->data.data[100] ^= 1;
		assert_ok(import_to(lan, 1, reply, 5, &in)); /* what is held stays, the other is kept now */
		assert_int_equal(in.kept, 1);
		assert_int_equal(in.held[0], 0xf8);
		release(reply);
		assert_ok(ask(lan, 1, 1, "Clear", &(Ponto__Dist__V1__ClearRequest)MSG(CLEAR_REQUEST).base,
			      &ponto__dist__v1__clear_reply__descriptor, NULL));
	}
	end_scene(lan);
}

/* Each lie is refused as a whole, and nothing is kept. */
static void lies_are_refused(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, plain);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *r;
	struct imported in;

	(void)state;
	assert_ok(export_from(lan, 0, &id, NULL, 0, false, &r));
	r->segment->id.data[0] ^= 1;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_ECORRUPT); /* keys make another ID */
	r->segment->id.data[0] ^= 1;
	r->segment->hashes.data[40] ^= 1;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_ECORRUPT); /* hashes another HoD */
	r->segment->hashes.data[40] ^= 1;
	r->segment->hashes.len -= 32;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_ECORRUPT); /* a part of a list proves nothing */
	r->segment->hashes.len += 32;
	r->segment->size = CONTENT_SEGMENT_V1 + 1;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_ECORRUPT);
	r->segment->size = 0;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_ECORRUPT);
	r->segment->size = SIZE;
	r->segment->algorithm = 9;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_EINVAL);
	r->segment->algorithm = CONTENT_SHA256;
	r->segment->has_kp = false;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_EINVAL);
	r->segment->has_kp = true;
	r->block[0]->crypto = 7;
	assert_int_equal(import_to(lan, 1, r, 2, &in), PONTO_EINVAL);
	r->block[0]->crypto = 0;
	r->block[0]->data.len--;
	assert_ok(import_to(lan, 1, r, 1, &in));
	assert_int_equal(in.wrong, 1);
	r->block[0]->data.len++;
	r->block[0]->index = 600;
	assert_ok(import_to(lan, 1, r, 1, &in));
	assert_int_equal(in.wrong, 1);
	r->block[0]->index = 0;
	assert_int_equal(held_bytes(lan, 1), 0);
	assert_ok(import_to(lan, 1, r, 2, &in));
	assert_int_equal(held_bytes(lan, 1), 2 * CONTENT_BLOCK);
	release(r);
	end_scene(lan);
}

/* Whoever has the Content Information gets what it opens; nobody else but administrators. */
static void who_may(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, hosted);
	struct content_id id = id_of(lan, 0);
	struct content_segment keys = lan->content.made.segments[0];
	Ponto__Dist__V1__ExportReply *reply, *sealed;
	struct imported in;

	(void)state;
	assert_ok(export_from(lan, 0, &id, NULL, 0, true, &sealed));
	lan->admin = false;
	assert_int_equal(export_from(lan, 0, &id, NULL, 0, false, &reply), PONTO_ENOENT);
	keys.kp[31] ^= 1;
	assert_int_equal(export_from(lan, 0, &id, &keys, 0, false, &reply), PONTO_ENOENT);
	keys.kp[31] ^= 1;
	assert_int_equal(import_to(lan, 1, sealed, 2, &in), PONTO_EACCES);
	assert_ok(export_from(lan, 0, &id, &keys, 0, false, &reply));
	assert_int_equal(reply->segment->kp.len, 32);
	assert_memory_equal(reply->segment->kp.data, keys.kp, 32);
	assert_ok(import_to(lan, 1, reply, 2, &in));
	assert_int_equal(in.kept, 2);
	release(reply);
	release(sealed);
	end_scene(lan);
}

/* What nobody could verify only a hosted cache keeps, whoever brings it. */
static void only_hosted_caches_relay(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, plain);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *reply;
	struct imported in;

	(void)state;
	assert_ok(export_from(lan, 0, &id, NULL, 0, true, &reply));
	assert_int_equal(import_to(lan, 1, reply, 2, &in), PONTO_EACCES);
	assert_int_equal(held_bytes(lan, 1), 0);
	release(reply);
	end_scene(lan);
}

/* Exporting is no use: it neither counts as a hit nor keeps a segment from going first. */
static void exporting_counts_as_nothing(void **state)
{
	struct lan *lan = scene(CONTENT_TRUNCATED, plain);
	Ponto__Dist__V1__SegmentsRequest list = MSG(SEGMENTS_REQUEST);
	struct content_id id = id_of(lan, 0);
	Ponto__Dist__V1__ExportReply *reply;
	ProtobufCMessage *message;
	uint64_t used[2] = {0, 0};

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		const Ponto__Dist__V1__SegmentsReply *page;

		assert_ok(ask(lan, 0, 1, "Segments", &list.base, &ponto__dist__v1__segments_reply__descriptor,
			      &message));
		page = (const Ponto__Dist__V1__SegmentsReply *)message;
		for (size_t i = 0; i < page->n_segment; i++) {
			const ProtobufCBinaryData *of = &page->segment[i]->id;

			if (ponto_bytes_equal(content_id_bytes(&id), ponto_bytes(of->data, of->len)))
				used[round] = page->segment[i]->used;
		}
		protobuf_c_message_free_unpacked(message, NULL);
		assert_true(used[round] > 0);
		assert_ok(export_from(lan, 0, &id, NULL, 0, false, &reply));
		release(reply);
	}
	assert_int_equal(used[0], used[1]);
	end_scene(lan);
}

static void requests_that_cannot_be(void **state)
{
	struct lan *lan = scene(CONTENT_SHA256, plain);
	struct content_id id = id_of(lan, 0), none = {.len = 32};
	Ponto__Dist__V1__ExportReply *reply;

	(void)state;
	assert_int_equal(export_from(lan, 0, &none, NULL, 0, false, &reply), PONTO_ENOENT);
	assert_int_equal(export_from(lan, 0, &id, NULL, 512, false, &reply), PONTO_EINVAL);
	assert_int_equal(export_from(lan, 0, &id, NULL, 21, false, &reply), PONTO_ENOENT);
	none.len = 0;
	assert_int_equal(export_from(lan, 0, &none, NULL, 0, false, &reply), PONTO_EINVAL);
	end_scene(lan);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(from_cache_to_cache),
	cmocka_unit_test(without_keys),
	cmocka_unit_test(what_is_verified_wins),
	cmocka_unit_test(wrong_bytes_are_not_kept),
	cmocka_unit_test(lies_are_refused),
	cmocka_unit_test(who_may),
	cmocka_unit_test(only_hosted_caches_relay),
	cmocka_unit_test(exporting_counts_as_nothing),
	cmocka_unit_test(requests_that_cannot_be),
};

PONTO_TEST_MAIN(tests)
