/* Programs of peerdist.h at service-dist, in simulated nodes: contents read from the cache and from neighbours, and the
 * data that programs bring. */
#include "framework/metrics.h"
#include "tests/unit/dist_api_rig.h"

#define SIZE (40 * 65536 + 1234)
#define DATA PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__DATA
#define MISSING PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__MISSING
#define TIMED_OUT PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__TIMEOUT
#define END PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__END

struct scene {
	struct lan lan;
	struct blob data, info;
	struct content_made made;
	uint64_t start, length; /* described */
	void (*mangle)(struct scene *s, struct lan_exchange *ex);
};

static void on_mangle(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (s->mangle)
		s->mangle(s, ex);
}

static struct scene *scene_of(enum content_algo algo, unsigned nodes, size_t size, uint64_t start, uint64_t length,
			      const char *const *settings)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	s->data = pattern(size);
	for (size_t i = 0; i + 8 < size; i += 4096)
		memcpy(s->data.data + i, &i, sizeof(i));
	s->made = content_make(algo, bytes_of(&s->data), NULL);
	s->start = start;
	s->length = length ? length : size - start;
	s->info = content_describe(&s->made, s->start, s->length);
	for (unsigned i = 0; i < nodes; i++)
		assert_int_equal(lan_add(&s->lan, settings), i);
	lan_run(&s->lan, PONTO_SECOND);
	return s;
}

static struct scene *scene(enum content_algo algo, unsigned nodes)
{
	return scene_of(algo, nodes, SIZE, 0, 0, NULL);
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	content_made_free(&s->made);
	free(s->data.data);
	free(s->info.data);
	free(s);
}

static uint64_t opened(struct scene *s, unsigned node, uint64_t program, uint8_t tag)
{
	return open_described(&s->lan, node, program, tag, bytes_of(&s->info));
}

static struct ponto_bytes part(const struct scene *s, uint64_t offset, size_t len)
{
	return ponto_bytes(s->data.data + offset, len);
}

/* All of it, in messages of so many bytes. */
static void fill(struct scene *s, unsigned node, uint64_t program, uint64_t handle, size_t piece)
{
	for (uint64_t at = s->start; at < s->start + s->length;) {
		size_t len = s->start + s->length - at < piece ? (size_t)(s->start + s->length - at) : piece;

		assert_ok(add_data(&s->lan, node, program, handle, at, part(s, at, len)));
		at += len;
	}
}

static struct content_read read_at(struct scene *s, unsigned node, uint64_t program, uint64_t handle, uint64_t offset,
				   uint32_t max, uint32_t timeout)
{
	struct content_read r;

	assert_ok(read_content(&s->lan, node, program, handle, offset, max, timeout, &r));
	assert_int_equal(r.offset, offset);
	if (r.outcome == DATA && max > 0) {
		assert_true(r.length > 0 && r.length <= max && r.length == r.data.len);
		assert_memory_equal(r.data.data, s->data.data + offset, r.data.len);
	} else {
		assert_int_equal(r.data.len, 0);
	}
	free(r.data.data);
	return r;
}

/* From its begin to its end. */
static void read_all(struct scene *s, unsigned node, uint64_t program, uint64_t handle, uint32_t max, uint32_t timeout)
{
	uint64_t at = s->start;

	while (at < s->start + s->length) {
		struct content_read r = read_at(s, node, program, handle, at, max, timeout);

		assert_int_equal(r.outcome, DATA);
		at += r.length;
	}
	assert_int_equal(at, s->start + s->length);
	assert_int_equal(read_at(s, node, program, handle, at, max, timeout).outcome, END);
}

/* What a node has counted. */
static uint64_t counted(const struct scene *s, unsigned node, const char *name)
{
	return ponto_counter_value(ponto_counter(s->lan.nodes[node].metrics, name, "dist", ""));
}

/* ---- as it should be -------------------------------------------------------------------------------- */

static void what_one_brings_others_read(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512, CONTENT_TRUNCATED};
	static const size_t pieces[] = {900000, 65536, 30000, 70001};

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], 2);
		uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1);

		assert_int_equal(read_at(s, 0, 1, a, 0, 100, 0).outcome, MISSING);
		fill(s, 0, 1, a, pieces[i]);
		read_all(s, 0, 1, a, 1000000, 0);
		assert_int_equal(s->lan.peer_bytes, 0);
		assert_int_equal(read_at(s, 1, 1, b, 0, 100, 0).outcome, MISSING);
		assert_int_equal(s->lan.searches, 0);
		read_all(s, 1, 1, b, i % 2 ? 1000000 : 50000, 5000);
		assert_true(s->lan.peer_bytes >= SIZE);
		assert_int_equal(counted(s, 0, "dist_fetched_origin_bytes_total"), SIZE);
		assert_int_equal(counted(s, 1, "dist_fetched_peers_bytes_total"), SIZE);
		/* what came is kept: nobody is asked again */
		s->lan.peer_requests = 0;
		read_all(s, 1, 1, b, 300000, 0);
		assert_int_equal(s->lan.peer_requests, 0);
		end_scene(s);
	}
}

/* Before the cache is read: its store is asked for the very block, once. */
static void what_was_not_read_yet(void **state)
{
	struct scene *s = scene(CONTENT_TRUNCATED, 0);
	struct content_made made = s->made;
	uint64_t a;

	(void)state;
	ponto_sim_set_work_time(s->lan.sim, PONTO_SECOND);
	assert_int_equal(lan_add(&s->lan, NULL), 0);
	made.count = 1;
	lan_leave(&s->lan, 0, &made, bytes_of(&s->data));
	a = opened(s, 0, 1, 1);
	assert_int_equal(read_at(s, 0, 1, a, 0, 100, 0).outcome, DATA);
	assert_int_equal(read_at(s, 0, 1, a, s->made.segments[1].offset, 100, 0).outcome, MISSING);
	assert_int_equal(s->lan.searches, 0);
	end_scene(s);
}

static void a_range_is_all_there_is(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		struct scene *s = scene_of(v ? CONTENT_TRUNCATED : CONTENT_SHA256, 2, SIZE, 700001, 500000, NULL);
		uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1);
		struct content_read r;

		(void)state;
		assert_int_equal(read_at(s, 0, 1, a, 700000, 10, 0).outcome, END);
		assert_int_equal(read_at(s, 0, 1, a, 1200001, 10, 0).outcome, END);
		assert_int_equal(read_at(s, 0, 1, a, UINT64_MAX, 10, 0).outcome, END);
		r = read_at(s, 0, 1, a, 700001, 10, 0);
		assert_int_equal(r.outcome, MISSING);
		assert_int_equal(r.length, 500000); /* no more than the range */
		/* data may lie outside of it: what nothing describes is not kept */
		assert_ok(add_data(&s->lan, 0, 1, a, 0, part(s, 0, 900000)));
		assert_ok(add_data(&s->lan, 0, 1, a, 900000, part(s, 900000, 900000)));
		read_all(s, 0, 1, a, 1000000, 0);
		read_all(s, 1, 1, b, 1000000, 5000);
		end_scene(s);
	}
}

static void how_much_is_here(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 1);
	uint64_t a = opened(s, 0, 1, 1);
	struct content_read r;

	(void)state;
	assert_int_equal(read_at(s, 0, 1, a, 0, 0, 5000).length, 0);
	assert_ok(add_data(&s->lan, 0, 1, a, 65536, part(s, 65536, 3 * 65536)));
	assert_ok(add_data(&s->lan, 0, 1, a, 10 * 65536, part(s, 10 * 65536, 65536)));
	assert_int_equal(read_at(s, 0, 1, a, 0, 0, 5000).length, 0);
	r = read_at(s, 0, 1, a, 70000, 0, 5000);
	assert_int_equal(r.outcome, DATA);
	assert_int_equal(r.length, 4 * 65536 - 70000);
	/* a read gives what is there, and tells where nothing is */
	r = read_at(s, 0, 1, a, 70000, 500000, 0);
	assert_int_equal(r.length, 4 * 65536 - 70000);
	r = read_at(s, 0, 1, a, 4 * 65536, 500000, 0);
	assert_int_equal(r.outcome, MISSING);
	assert_int_equal(r.length, 6 * 65536);
	r = read_at(s, 0, 1, a, 11 * 65536 + 5, 1, 0);
	assert_int_equal(r.outcome, MISSING);
	assert_int_equal(r.length, SIZE - 11 * 65536 - 5);
	assert_int_equal(s->lan.searches, 0);
	end_scene(s);
}

/* ---- missing -------------------------------------------------------------------------------------------- */

static void what_nobody_has_is_missing(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		struct scene *s = scene(v ? CONTENT_TRUNCATED : CONTENT_SHA256, 2);
		uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1), at = 0;
		struct content_read r;
		unsigned reads = 0;

		(void)state;
		assert_ok(add_data(&s->lan, 0, 1, a, 0, part(s, 0, 900000)));
		/* what the neighbour has comes, then what he has not is told, in stretches */
		while (at < 780000)
			at += read_at(s, 1, 1, b, at, 100000, 30000).length;
		for (; at < SIZE; reads++) {
			r = read_at(s, 1, 1, b, at, 100000, 30000);
			if (r.outcome == MISSING) {
				assert_true(r.length > 0);
				assert_ok(add_data(&s->lan, 1, 1, b, at,
						   part(s, at, (size_t)r.length < 900000 ? (size_t)r.length : 900000)));
				r.length = r.length < 900000 ? r.length : 900000;
			}
			at += r.length;
		}
		assert_true(reads < 40);
		/* all but what began in the middle of a block is here now */
		assert_true(read_at(s, 1, 1, b, 1100000, 0, 0).length == SIZE - 1100000);
		end_scene(s);
	}
}

static void stall(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	ex->stall = true;
}

static void a_read_ends_in_time(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 2);
	uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1), before;
	struct content_read r;

	(void)state;
	fill(s, 0, 1, a, 900000);
	s->mangle = stall;
	before = ponto_sim_now(s->lan.sim);
	r = read_at(s, 1, 1, b, 1000, 100000, 700);
	assert_int_equal(r.outcome, TIMED_OUT);
	assert_true(r.length >= 65536 - 1000);
	assert_true(ponto_sim_now(s->lan.sim) - before >= 700 * PONTO_MS);
	assert_true(ponto_sim_now(s->lan.sim) - before < 800 * PONTO_MS);
	end_scene(s);
}

static void damage(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	if (ex->data.len > 5000)
		ex->data.data[ex->data.len / 2] ^= 1;
}

static void wrong_bytes_of_neighbours_reach_nobody(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 2);
	uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1);

	(void)state;
	fill(s, 0, 1, a, 900000);
	s->mangle = damage;
	assert_int_equal(read_at(s, 1, 1, b, 0, 100000, 30000).outcome, MISSING);
	assert_int_equal(read_at(s, 1, 1, b, 0, 0, 0).length, 0);
	end_scene(s);
}

/* ---- data that programs bring ------------------------------------------------------------------------------ */

static void only_what_is_right_is_kept(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 1);
	uint64_t a = opened(s, 0, 1, 1);

	(void)state;
	s->data.data[3 * 65536 + 7] ^= 1;
	assert_int_equal(add_data(&s->lan, 0, 1, a, 2 * 65536, part(s, 2 * 65536, 3 * 65536)), PONTO_ECORRUPT);
	s->data.data[3 * 65536 + 7] ^= 1;
	assert_int_equal(read_at(s, 0, 1, a, 2 * 65536, 0, 0).length, 65536);
	assert_int_equal(read_at(s, 0, 1, a, 3 * 65536, 0, 0).length, 0);
	assert_int_equal(read_at(s, 0, 1, a, 4 * 65536, 0, 0).length, 65536);
	assert_int_equal(add_data(&s->lan, 0, 1, a, SIZE, part(s, 0, 1)), PONTO_EINVAL);
	assert_int_equal(add_data(&s->lan, 0, 1, a, UINT64_MAX, part(s, 0, 1)), PONTO_EINVAL);
	assert_int_equal(add_data(&s->lan, 0, 1, a, 0, part(s, 0, 0)), PONTO_EINVAL);
	assert_ok(add_data(&s->lan, 0, 1, a, SIZE - 1234, part(s, SIZE - 1234, 1234))); /* the short last one */
	assert_int_equal(read_at(s, 0, 1, a, SIZE - 1234, 0, 0).length, 1234);
	end_scene(s);
}

/* Parts in any order, and overlapping; those of too many blocks push out the oldest. */
static void parts_of_blocks_wait_for_the_rest(void **state)
{
	static const struct {
		unsigned from, to;
	} pieces[] = {{60000, 65536}, {100, 20000}, {30000, 40000}, {0, 100}, {19000, 31000}, {41000, 61000}};
	struct scene *s = scene(CONTENT_SHA256, 1);
	uint64_t a = opened(s, 0, 1, 1);

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(pieces); i++)
		assert_ok(add_data(&s->lan, 0, 1, a, 65536 + pieces[i].from,
				   part(s, 65536 + pieces[i].from, pieces[i].to - pieces[i].from)));
	assert_int_equal(read_at(s, 0, 1, a, 65536, 0, 0).length, 0);
	assert_ok(add_data(&s->lan, 0, 1, a, 65536 + 40000, part(s, 65536 + 40000, 1000)));
	assert_int_equal(read_at(s, 0, 1, a, 65536, 0, 0).length, 65536);
	for (unsigned i = 2; i < 12; i++)
		assert_ok(add_data(&s->lan, 0, 1, a, i * 65536, part(s, i * 65536, 30000)));
	for (unsigned i = 2; i < 12; i++)
		assert_ok(add_data(&s->lan, 0, 1, a, i * 65536 + 30000, part(s, i * 65536 + 30000, 35536)));
	assert_int_equal(read_at(s, 0, 1, a, 2 * 65536, 0, 0).length, 0);
	/* a wrong part is told when the block is whole, and a right one may follow */
	s->data.data[20 * 65536] ^= 1;
	assert_ok(add_data(&s->lan, 0, 1, a, 20 * 65536, part(s, 20 * 65536, 5)));
	s->data.data[20 * 65536] ^= 1;
	assert_int_equal(add_data(&s->lan, 0, 1, a, 20 * 65536 + 5, part(s, 20 * 65536 + 5, 65531)), PONTO_ECORRUPT);
	assert_ok(add_data(&s->lan, 0, 1, a, 20 * 65536, part(s, 20 * 65536, 65536)));
	assert_int_equal(read_at(s, 0, 1, a, 20 * 65536, 0, 0).length, 65536);
	/* many pieces that do not touch */
	for (unsigned i = 0; i < 20; i++)
		assert_ok(add_data(&s->lan, 0, 1, a, 30 * 65536 + i * 1000, part(s, 30 * 65536 + i * 1000, 10)));
	end_scene(s);
}

/* Who waits for a neighbour is served by what another program brings. */
static void a_read_that_waits_gets_what_is_brought(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 2);
	uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1), c = opened(s, 1, 2, 1);
	Ponto__Dist__V1__ReadContentRequest request = MSG(READ_CONTENT_REQUEST);
	const Ponto__Dist__V1__ReadContentReply *got;
	struct asked asked;
	ProtobufCMessage *reply;

	(void)state;
	fill(s, 0, 1, a, 900000);
	s->mangle = stall;
	request.handle = b;
	request.offset = 65536;
	request.max = 65536;
	request.timeout_ms = 50000;
	asked_begin(&s->lan, 1, 1, "ReadContent", &request.base, &ponto__dist__v1__read_content_reply__descriptor,
		    &asked);
	lan_run(&s->lan, PONTO_SECOND);
	assert_false(asked.done);
	assert_ok(add_data(&s->lan, 1, 2, c, 65536, part(s, 65536, 65536)));
	assert_ok(asked_end(&s->lan, &asked, &reply));
	got = (const Ponto__Dist__V1__ReadContentReply *)reply;
	assert_int_equal(got->outcome, DATA);
	assert_int_equal(got->data.len, 65536);
	assert_memory_equal(got->data.data, s->data.data + 65536, 65536);
	protobuf_c_message_free_unpacked(reply, NULL);
	end_scene(s);
}

/* ---- tags ----------------------------------------------------------------------------------------------------- */

static uint64_t flush(struct scene *s, uint64_t program, uint8_t tag)
{
	Ponto__Dist__V1__FlushRequest request = MSG(FLUSH_REQUEST);
	ProtobufCMessage *reply;
	uint8_t tags[16];
	uint64_t segments;

	memset(tags, tag, sizeof(tags));
	request.tag.data = tags;
	request.tag.len = sizeof(tags);
	assert_ok(ask(&s->lan, 0, program, "Flush", &request.base, &ponto__dist__v1__flush_reply__descriptor, &reply));
	segments = ((Ponto__Dist__V1__FlushReply *)reply)->segments;
	protobuf_c_message_free_unpacked(reply, NULL);
	return segments;
}

static void a_tag_is_its_users(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 1);
	uint64_t a = opened(s, 0, 1, 1);
	Ponto__Dist__V1__FlushRequest bad = MSG(FLUSH_REQUEST);
	Ponto__Dist__V1__OpenContentRequest open = MSG(OPEN_CONTENT_REQUEST);
	uint8_t tag[17] = {0};
	int result;

	(void)state;
	fill(s, 0, 1, a, 900000);
	assert_int_equal(flush(s, 1, 2), 0);
	s->lan.uid = 1001;
	assert_int_equal(flush(s, 2, 1), 0);
	s->lan.uid = 1000;
	assert_int_equal(read_at(s, 0, 1, a, 0, 0, 0).length, SIZE);
	assert_int_equal(flush(s, 2, 1), 1); /* another program of the user */
	assert_int_equal(read_at(s, 0, 1, a, 0, 0, 0).length, 0);
	assert_int_equal(flush(s, 1, 1), 0);
	fill(s, 0, 1, a, 900000);
	read_all(s, 0, 1, a, 1000000, 0);
	open.tag.data = bad.tag.data = tag;
	for (size_t len = 0; len <= 17; len += len ? 2 : 15) {
		open.tag.len = bad.tag.len = len;
		assert_int_equal(ask(&s->lan, 0, 1, "Flush", &bad.base, NULL, NULL), PONTO_EINVAL);
		(void)ask_handle(&s->lan, 0, 1, "OpenContent", &open.base, &result);
		assert_int_equal(result, PONTO_EINVAL);
	}
	end_scene(s);
}

/* ---- descriptions --------------------------------------------------------------------------------------------- */

static int describe(struct scene *s, uint64_t handle, uint64_t offset, struct ponto_bytes data)
{
	Ponto__Dist__V1__DescribeRequest request = MSG(DESCRIBE_REQUEST);

	request.handle = handle;
	request.offset = offset;
	request.data.data = (uint8_t *)(uintptr_t)data.data;
	request.data.len = data.len;
	return ask(&s->lan, 0, 1, "Describe", &request.base, NULL, NULL);
}

static int described(struct scene *s, uint64_t handle)
{
	Ponto__Dist__V1__DescribedRequest request = MSG(DESCRIBED_REQUEST);

	request.handle = handle;
	return ask(&s->lan, 0, 1, "Described", &request.base, &ponto__dist__v1__described_reply__descriptor, NULL);
}

static uint64_t bare(struct scene *s)
{
	Ponto__Dist__V1__OpenContentRequest open = MSG(OPEN_CONTENT_REQUEST);
	uint8_t tag[16] = {5};

	open.tag.data = tag;
	open.tag.len = sizeof(tag);
	return ask_handle(&s->lan, 0, 1, "OpenContent", &open.base, NULL);
}

static void descriptions_are_hostile(void **state)
{
	static const char *const settings[] = {"information_limit=1", "programs_memory=2", NULL};
	struct scene *s = scene_of(CONTENT_SHA256, 1, SIZE, 0, 0, settings);
	struct blob large = pattern(900000);
	struct content_read r;
	uint64_t h = bare(s);

	(void)state;
	assert_int_equal(read_content(&s->lan, 0, 1, h, 0, 1, 0, &r), PONTO_EPROTO); /* not described yet */
	assert_int_equal(add_data(&s->lan, 0, 1, h, 0, part(s, 0, 65536)), PONTO_EPROTO);
	assert_int_equal(described(s, h), PONTO_EPROTO);
	assert_ok(describe(s, h, 0, ponto_bytes("nonsense", 8)));
	assert_int_equal(described(s, h), PONTO_ENOTSUP);			/* of an unknown version */
	assert_int_equal(describe(s, h, 9, ponto_bytes("x", 1)), PONTO_EINVAL); /* a gap */
	/* begun again from any place */
	assert_ok(describe(s, h, 0, bytes_of(&s->info)));
	assert_ok(describe(s, h, s->info.len - 1, ponto_bytes("\0\0", 2)));
	assert_int_equal(described(s, h), PONTO_EPROTO);
	for (size_t cut = 0; cut < s->info.len; cut += 37) {
		assert_ok(describe(s, h, 0, ponto_bytes(s->info.data, cut)));
		assert_true(described(s, h) < 0);
	}
	assert_ok(describe(s, h, 0, bytes_of(&s->info)));
	assert_ok(described(s, h));
	assert_int_equal(described(s, h), PONTO_EEXIST);
	assert_int_equal(describe(s, h, 0, ponto_bytes("x", 1)), PONTO_EEXIST);
	/* more than may be */
	h = bare(s);
	assert_ok(describe(s, h, 0, bytes_of(&large)));
	assert_int_equal(describe(s, h, large.len, bytes_of(&large)), PONTO_ELIMIT);
	assert_ok(describe(s, bare(s), 0, ponto_bytes(large.data, 500000)));
	assert_int_equal(describe(s, bare(s), 0, bytes_of(&large)), PONTO_ELIMIT); /* of the user's */
	assert_ok(close_handle(&s->lan, 0, 1, h));
	assert_ok(describe(s, bare(s), 0, bytes_of(&large)));
	free(large.data);
	end_scene(s);
}

/* Two describe a segment in the same name with different lists of hashes: what one brings is not the other's. */
static void a_list_that_lies_gets_nothing(void **state)
{
	struct scene *s = scene_of(CONTENT_SHA256, 1, SIZE, 0, 70000, NULL); /* two hashes of its segment */
	uint64_t a = opened(s, 0, 1, 1), b;
	size_t last = s->info.len - 1;

	(void)state;
	s->info.data[last] ^= 1;
	b = opened(s, 0, 2, 2);
	s->info.data[last] ^= 1;
	assert_ok(add_data(&s->lan, 0, 1, a, 65536, part(s, 65536, 65536)));
	assert_int_equal(read_at(s, 0, 1, a, 65536, 10, 0).outcome, DATA);
	assert_int_equal(read_at(s, 0, 2, b, 65536, 10, 0).outcome, MISSING);
	end_scene(s);
}

/* ---- ends ------------------------------------------------------------------------------------------------------- */

static struct asked waiting[40];

static void wait_many(struct scene *s, uint64_t program, uint64_t handle, unsigned count)
{
	Ponto__Dist__V1__ReadContentRequest request = MSG(READ_CONTENT_REQUEST);

	request.handle = handle;
	request.max = 65536;
	request.timeout_ms = 50000;
	for (unsigned i = 0; i < count; i++) {
		request.operation = i + 1;
		request.offset = i * 65536;
		asked_begin(&s->lan, 1, program, "ReadContent", &request.base,
			    &ponto__dist__v1__read_content_reply__descriptor, &waiting[i]);
	}
	lan_run(&s->lan, PONTO_SECOND);
	for (unsigned i = 0; i < count; i++)
		assert_false(waiting[i].done);
}

static int stop(struct scene *s, uint64_t handle, uint64_t operation)
{
	Ponto__Dist__V1__StopRequest request = MSG(STOP_REQUEST);

	request.handle = handle;
	request.has_operation = operation > 0;
	request.operation = operation;
	return ask(&s->lan, 1, 1, "Stop", &request.base, NULL, NULL);
}

static void reads_that_wait_end(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 2);
	const struct ponto_service *service = &s->lan.nodes[1].service;
	uint64_t a = opened(s, 0, 1, 1), b = opened(s, 1, 1, 1);

	(void)state;
	fill(s, 0, 1, a, 900000);
	s->mangle = stall;
	/* one, all, with the handle, with the program */
	wait_many(s, 1, b, 5);
	assert_ok(stop(s, b, 3));
	assert_true(waiting[2].done && waiting[2].result == PONTO_ECLOSED);
	assert_int_equal(stop(s, b, 3), PONTO_ENOENT);
	for (unsigned i = 0; i < 5; i++)
		assert_true(waiting[i].done == (i == 2));
	assert_ok(stop(s, b, 0));
	for (unsigned i = 0; i < 5; i++)
		assert_true(waiting[i].done && waiting[i].result == PONTO_ECLOSED);
	assert_int_equal(stop(s, b, 0), PONTO_ENOENT);
	wait_many(s, 1, b, 5);
	assert_ok(close_handle(&s->lan, 1, 1, b));
	for (unsigned i = 0; i < 5; i++)
		assert_true(waiting[i].done && waiting[i].result == PONTO_ECLOSED);
	b = opened(s, 1, 1, 1);
	wait_many(s, 1, b, 40);
	service->ops->client_gone(service->self, 1);
	for (unsigned i = 0; i < 40; i++)
		assert_true(waiting[i].done && waiting[i].result == PONTO_ECLOSED);
	/* and with the node */
	b = opened(s, 1, 2, 1);
	wait_many(s, 2, b, 5);
	lan_remove(&s->lan, 1);
	for (unsigned i = 0; i < 5; i++)
		assert_true(waiting[i].done && waiting[i].result == PONTO_ECLOSED);
	end_scene(s);
}

/* What the cache is at work on when the handle is closed, or the node ends. */
static void ends_while_the_cache_works(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct scene *s = scene(CONTENT_SHA256, 1);
		uint64_t a = opened(s, 0, 1, 1);
		Ponto__Dist__V1__ReadContentRequest request = MSG(READ_CONTENT_REQUEST);
		Ponto__Dist__V1__AddDataRequest add = MSG(ADD_DATA_REQUEST);
		struct asked read, added;

		(void)state;
		assert_ok(add_data(&s->lan, 0, 1, a, 0, part(s, 0, 5 * 65536)));
		request.handle = add.handle = a;
		request.max = 300000;
		add.offset = 10 * 65536;
		add.data.data = s->data.data + add.offset;
		add.data.len = 5 * 65536;
		asked_begin(&s->lan, 0, 1, "ReadContent", &request.base,
			    &ponto__dist__v1__read_content_reply__descriptor, &read);
		asked_begin(&s->lan, 0, 1, "AddData", &add.base, NULL, &added);
		if (i % 2)
			lan_run(&s->lan, 1);
		if (i < 2)
			assert_ok(close_handle(&s->lan, 0, 1, a));
		else
			lan_remove(&s->lan, 0);
		for (unsigned n = 0; n < 100 && !(read.done && added.done); n++)
			lan_run(&s->lan, PONTO_MS);
		assert_true(read.done && added.done);
		asked_clear(&read);
		asked_clear(&added);
		end_scene(s);
	}
}

static bool inquire(struct scene *s, uint64_t handle)
{
	Ponto__Dist__V1__InquireRequest request = MSG(INQUIRE_REQUEST);
	ProtobufCMessage *reply;
	bool crowd;

	request.handle = handle;
	assert_ok(ask(&s->lan, 0, 1, "Inquire", &request.base, &ponto__dist__v1__inquire_reply__descriptor, &reply));
	crowd = ((Ponto__Dist__V1__InquireReply *)reply)->flash_crowd;
	protobuf_c_message_free_unpacked(reply, NULL);
	return crowd;
}

/* Several neighbours that have a part each are told as a crowd. */
static void a_crowd_is_seen(void **state)
{
	for (unsigned others = 1; others <= 5; others += 4) {
		struct scene *s = scene(CONTENT_SHA256, 1 + others);
		uint64_t a = opened(s, 0, 1, 1);

		(void)state;
		assert_false(inquire(s, a));
		for (unsigned i = 1; i <= others; i++)
			assert_ok(add_data(&s->lan, i, 1, opened(s, i, 1, 1), 0, part(s, 0, 65536 * (i + 1))));
		assert_int_equal(read_at(s, 0, 1, a, 0, 65536, 10000).outcome, DATA);
		lan_run(&s->lan, PONTO_SECOND);
		assert_int_equal(inquire(s, a), others == 5);
		end_scene(s);
	}
}

/* The nth allocation of a node is refused, and no other: each call ends, right or refused, and nothing is left. */
static void refused_allocations(void **state)
{
	bool more = true;

	(void)state;
	for (size_t n = 1; more && n < 400; n++) {
		struct ponto_test_alloc alloc;
		struct scene *s = scene(CONTENT_SHA256, 1);
		uint64_t a = opened(s, 0, 1, 1), b;
		struct content_read r;
		int result;

		fill(s, 0, 1, a, 900000);
		ponto_test_alloc_init(&alloc);
		s->lan.alloc = &alloc.alloc;
		lan_add(&s->lan, NULL);
		lan_run(&s->lan, PONTO_SECOND);
		b = opened(s, 1, 1, 1);
		alloc.fail_at = alloc.made + n;
		result = read_content(&s->lan, 1, 1, b, 65536, 65536, 3000, &r);
		if (result == PONTO_OK) {
			assert_true(r.outcome == DATA || r.outcome == MISSING || r.outcome == TIMED_OUT);
			if (r.outcome == DATA)
				assert_memory_equal(r.data.data, s->data.data + 65536, r.data.len);
			free(r.data.data);
			result = add_data(&s->lan, 1, 1, b, 0, part(s, 0, 100000));
		}
		if (result == PONTO_OK)
			result = close_handle(&s->lan, 1, 1, b);
		more = alloc.refused;
		alloc.fail_at = 0;
		if (result != PONTO_OK)
			assert_true(result == PONTO_ENOMEM || result == PONTO_EBUSY);
		end_scene(s);
		assert_int_equal(alloc.live, 0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_one_brings_others_read),
	cmocka_unit_test(what_was_not_read_yet),
	cmocka_unit_test(a_range_is_all_there_is),
	cmocka_unit_test(how_much_is_here),
	cmocka_unit_test(what_nobody_has_is_missing),
	cmocka_unit_test(a_read_ends_in_time),
	cmocka_unit_test(wrong_bytes_of_neighbours_reach_nobody),
	cmocka_unit_test(only_what_is_right_is_kept),
	cmocka_unit_test(parts_of_blocks_wait_for_the_rest),
	cmocka_unit_test(a_read_that_waits_gets_what_is_brought),
	cmocka_unit_test(a_tag_is_its_users),
	cmocka_unit_test(descriptions_are_hostile),
	cmocka_unit_test(a_list_that_lies_gets_nothing),
	cmocka_unit_test(reads_that_wait_end),
	cmocka_unit_test(ends_while_the_cache_works),
	cmocka_unit_test(a_crowd_is_seen),
	cmocka_unit_test(refused_allocations),
};

PONTO_TEST_MAIN(tests)
