/* store-rados beyond the contract: what it refuses at the start, where values lie, what several instances see of each
 * other, damage, the sweeper, memory that runs out. Run by tests/interop/store_rados.sh. */
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/stat.h>

#include "plugins/store-rados/rds_fetch.h"
#include "plugins/store-rados/rds_sweep.h"
#include "tests/interop/rados_rig.h"

#define LIT(text) ponto_bytes(text, sizeof(text) - 1)
#define MIB (1024u * 1024)

static uint8_t *bytes; /* PONTO_STORE_VALUE_MAX of them and one more */

static int put(struct rados_rig *rig, const char *key, size_t from, size_t len)
{
	return ponto_store_put(rig->store, LIT("g"), ponto_bytes(key, strlen(key)), ponto_bytes(bytes + from, len), 0,
			       0, rados_rig_in(60));
}

static int holds(struct rados_rig *rig, const char *key, size_t from, size_t len)
{
	uint8_t *value;
	size_t got;
	int result = ponto_store_get(rig->store, LIT("g"), ponto_bytes(key, strlen(key)), rados_rig_in(60),
				     &ponto_alloc_system, &value, &got, NULL);

	if (result)
		return result;
	assert_int_equal(got, len);
	assert_memory_equal(value, bytes + from, len);
	free(value);
	return PONTO_OK;
}

static int drop(struct rados_rig *rig, const char *key)
{
	return ponto_store_remove(rig->store, LIT("g"), ponto_bytes(key, strlen(key)), 0, rados_rig_in(60));
}

/* ---- the start ------------------------------------------------------------------------ */

static void refused(const char *const *settings, int expected, const char *text)
{
	struct rados_rig rig;

	assert_int_equal(rados_rig_try(&rig, NULL, NULL, NULL, settings), expected);
	assert_int_equal(rig.lines, 1);
	if (!strstr(rig.last, text))
		fail_msg("'%s' does not say '%s'", rig.last, text);
	rados_rig_close(&rig);
}

static void write_file(char *path, size_t size, const char *folder, const char *name, const char *text)
{
	FILE *file;

	snprintf(path, size, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void wrong_options_say_so(void **state)
{
	char *folder = ponto_test_mkdir(), conf[512], keyring[512], empty[512], nobody[512];
	const char *no_conf[] = {"conf=/nowhere/ceph.conf", NULL};
	const char *bad_conf[] = {conf, NULL};
	const char *no_user[] = {"user=stranger", "timeout=5", NULL};
	const char *no_pool[] = {"pool=nowhere", NULL};
	const char *wrong_key[] = {keyring, "timeout=5", NULL};
	const char *no_key[] = {empty, NULL};
	const char *gone[] = {nobody, "timeout=1", NULL};
	char path[480];

	(void)state;
	refused(no_conf, PONTO_ECONF, "/nowhere/ceph.conf cannot be read");
	write_file(path, sizeof(path), folder, "conf", "[global\nfsid = \n= =");
	snprintf(conf, sizeof(conf), "conf=%s", path);
	refused(bad_conf, PONTO_ECONF, "conf");
	refused(no_user, PONTO_ECONF, "client.stranger");
	refused(no_pool, PONTO_ECONF, "no pool nowhere");
	write_file(path, sizeof(path), folder, "keyring",
		   "[client.ponto]\n\tkey = AQAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAA==\n");
	snprintf(keyring, sizeof(keyring), "keyring=%s", path);
	refused(wrong_key, PONTO_EAUTH, "refuses client.ponto");
	write_file(path, sizeof(path), folder, "empty", "");
	snprintf(empty, sizeof(empty), "keyring=%s", path);
	refused(no_key, PONTO_ECONF, "no key of client.ponto");
	write_file(path, sizeof(path), folder, "nobody",
		   "[global]\nmon_host = [v2:127.0.0.1:9]\n[client.ponto]\nkey = "
		   "AQAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAA==\n");
	snprintf(nobody, sizeof(nobody), "conf=%s", path);
	refused(gone, PONTO_EUNREACH, "no monitor");
	ponto_test_rmdir(folder);
}

/* A user who may only read; a pool that cannot hold records. */
static void rights_and_pools(void **state)
{
	static const char *const reader[] = {"user=reader", NULL};
	const char *erasure[] = {"user=admin", "pool=erasure", NULL};
	struct rados_rig rig, again;

	(void)state;
	assert_int_equal(rados_rig_ceph("auth get-or-create client.reader mon 'allow r' osd 'allow r pool=ponto' "
					"-o \"$(dirname \"$CEPH_CONF\")/keys/client.reader\""),
			 0);
	refused(reader, PONTO_EACCES, "Operation not permitted");
	rados_rig_open(&rig, NULL, NULL);
	assert_ok(put(&rig, "k", 0, 10));
	assert_ok(rados_rig_try(&again, rig.nspace, NULL, NULL, reader));
	assert_ok(holds(&again, "k", 0, 10));
	assert_int_equal(put(&again, "k", 1, 10), PONTO_EACCES);
	assert_int_equal(put(&again, "k", 1, 10), PONTO_EACCES);
	assert_int_equal(again.lines, 1);
	assert_ok(holds(&again, "k", 0, 10));
	rados_rig_close(&again);
	rados_rig_close(&rig);
	assert_int_equal(rados_rig_ceph("osd erasure-code-profile set small k=2 m=1 crush-failure-domain=osd"), 0);
	assert_int_equal(rados_rig_ceph("osd pool create erasure 1 1 erasure small"), 0);
	refused(erasure, PONTO_ECONF, "erasure-coded");
}

static void other_namespaces_are_left_alone(void **state)
{
	const char *key = "format", *value = "2";
	struct rados_peer peer;
	struct rados_rig rig;
	char nspace[128];
	rados_write_op_t op = rados_create_write_op();
	size_t one = 1, six = 6;

	(void)state;
	rados_rig_namespace(nspace);
	rados_peer_open(&peer, nspace);
	assert_int_equal(rados_write_full(peer.io, "something", "x", 1), 0);
	assert_int_equal(rados_rig_try(&rig, nspace, NULL, NULL, NULL), PONTO_ECONF);
	assert_int_equal(rig.lines, 1);
	rados_rig_close(&rig);
	assert_int_equal(rados_write_full(peer.io, "meta", "x", 1), 0);
	assert_int_equal(rados_rig_try(&rig, nspace, NULL, NULL, NULL), PONTO_ECONF);
	rados_rig_close(&rig);
	rados_write_op_omap_set2(op, &key, &value, &six, &one, 1);
	assert_int_equal(rados_write_op_operate(op, peer.io, "meta", NULL, 0), 0);
	rados_release_write_op(op);
	assert_int_equal(rados_rig_try(&rig, nspace, NULL, NULL, NULL), PONTO_EABI);
	assert_int_equal(rig.lines, 1);
	rados_rig_close(&rig);
	assert_int_equal(rados_peer_count(&peer, ""), 2);
	rados_peer_close(&peer);
}

/* ---- where values lie ------------------------------------------------------------------ */

/* Every kind of place replaces every other; at the end nothing is left of any. */
static void every_size_replaces_every_other(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, 4097, 8192, 65536 + 70, 1 * MIB, 1 * MIB + 1, 3 * MIB, 16 * MIB};
	const size_t n = PONTO_ARRAY_SIZE(sizes), most = (getenv("PONTO_FULL") ? 18 : 5) * MIB;
	struct rados_rig rig, other;
	struct rados_peer peer;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	rados_rig_open(&other, rig.nspace, NULL);
	rados_peer_open(&peer, rig.nspace);
	/* Any two in a row, in both orders (the largest with fewer); once by the same instance, once by one that saw
	 * something else last. */
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (sizes[i] + sizes[j] > most && j != i + 1)
				continue;
			assert_ok(put(&rig, "k", i, sizes[i]));
			assert_ok(put((i + j) % 2 ? &rig : &other, "k", i + j, sizes[j]));
			assert_ok(holds(&rig, "k", i + j, sizes[j]));
			assert_ok(holds(&other, "k", i + j, sizes[j]));
		}
	}
	for (size_t i = 0; i < n; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%zu", i);
		assert_ok(put(&rig, key, i, sizes[i]));
	}
	for (size_t i = 0; i < n; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%zu", i);
		assert_ok(holds(&other, key, i, sizes[i]));
		assert_ok(drop(i % 2 ? &rig : &other, key));
		assert_int_equal(holds(&rig, key, 0, 0), PONTO_ENOENT);
	}
	assert_ok(drop(&other, "k"));
	assert_int_equal(rados_peer_count(&peer, "g."), 0);
	assert_int_equal(rados_peer_count(&peer, "b."), 0);
	rados_peer_close(&peer);
	rados_rig_close(&other);
	rados_rig_close(&rig);
}

/* A group whose area has no room: the rest goes to blobs, and what is freed is used again. */
static void more_than_the_area(void **state)
{
	struct rados_rig rig;
	struct rados_peer peer;
	char key[8];
	size_t blobs;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	rados_peer_open(&peer, rig.nspace);
	for (unsigned i = 0; i < 68; i++) {
		snprintf(key, sizeof(key), "%u", i);
		assert_ok(put(&rig, key, i, MIB));
	}
	blobs = rados_peer_count(&peer, "b.");
	assert_int_equal(blobs, 4);
	for (unsigned i = 0; i < 68; i += 2) {
		snprintf(key, sizeof(key), "%u", i);
		assert_ok(drop(&rig, key));
	}
	for (unsigned i = 0; i < 32; i++) {
		snprintf(key, sizeof(key), "n%u", i);
		assert_ok(put(&rig, key, i + 7, MIB));
	}
	assert_int_equal(rados_peer_count(&peer, "b."), 2);
	for (unsigned i = 0; i < 68; i++) {
		snprintf(key, sizeof(key), "%u", i);
		assert_int_equal(holds(&rig, key, i, MIB), i % 2 ? PONTO_OK : PONTO_ENOENT);
		snprintf(key, sizeof(key), "n%u", i);
		if (i < 32)
			assert_ok(holds(&rig, key, i + 7, MIB));
	}
	rados_peer_close(&peer);
	rados_rig_close(&rig);
}

/* Guards on values in every place, by an instance that believes something else. */
static void guards_on_any_place(void **state)
{
	static const size_t sizes[] = {10, 5000, 70000, 2 * MIB};
	struct rados_rig rig, other;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	rados_rig_open(&other, rig.nspace, NULL);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
		struct ponto_store_step steps[] = {
			{PONTO_STEP_REQUIRE_EQUAL, LIT("k"), ponto_bytes(bytes, sizes[i]), 0},
			{PONTO_STEP_PUT, LIT("k"), ponto_bytes(bytes + 1, sizes[i]), 0},
		};

		assert_ok(put(&rig, "k", 0, sizes[i]));
		assert_ok(holds(&rig, "k", 0, sizes[i]));
		assert_ok(ponto_store_batch(other.store, LIT("g"), steps, 2, 0, rados_rig_in(60)));
		assert_ok(holds(&rig, "k", 1, sizes[i]));
		assert_int_equal(ponto_store_batch(rig.store, LIT("g"), steps, 2, 0, rados_rig_in(60)), PONTO_EGUARD);
		assert_ok(holds(&other, "k", 1, sizes[i]));
	}
	rados_rig_close(&other);
	rados_rig_close(&rig);
}

/* ---- groups in many pages ---------------------------------------------------------------- */

#define GROUPS 600
#define PAGE_OF 50

struct met {
	bool groups[GROUPS];
	char last[16];
	size_t count;
	uint8_t *page;
	size_t page_len;
};

static bool meet(void *arg, struct ponto_bytes group)
{
	struct met *met = arg;

	assert_true(group.len < sizeof(met->last));
	memcpy(met->last, group.data, group.len);
	met->last[group.len] = 0;
	assert_in_range(atoi(met->last), 0, GROUPS - 1);
	met->groups[atoi(met->last)] = true;
	met->count++;
	return true;
}

static bool next_page(struct rados_rig *rig, struct met *met)
{
	size_t before = met->count;

	assert_ok(ponto_store_groups(rig->store, &met->page, &met->page_len, PAGE_OF, rados_rig_in(60),
				     &ponto_alloc_system, meet, met));
	assert_true(met->count <= before + PAGE_OF);
	return met->page != NULL;
}

static void met_all(const struct met *met)
{
	for (size_t i = 0; i < GROUPS; i++)
		assert_true(met->groups[i]);
}

/* Alone, two at once, and while the group of each page's end goes: every other one is met. */
static void groups_in_many_pages(void **state)
{
	static struct met alone, one, other, removing;
	bool more = true, also = true;
	struct rados_rig rig;
	char group[16];

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	for (unsigned i = 0; i < GROUPS; i++) {
		snprintf(group, sizeof(group), "%u", i);
		assert_ok(ponto_store_put(rig.store, ponto_bytes(group, strlen(group)), LIT("k"), LIT("v"), 0, 0,
					  rados_rig_in(60)));
	}
	while (next_page(&rig, &alone))
		;
	met_all(&alone);
	assert_int_equal(alone.count, GROUPS);
	while (more || also) {
		more = more && next_page(&rig, &one);
		also = also && next_page(&rig, &other);
		also = also && next_page(&rig, &other);
	}
	met_all(&one);
	met_all(&other);
	while (next_page(&rig, &removing))
		assert_ok(ponto_store_remove(rig.store, ponto_bytes(removing.last, strlen(removing.last)), LIT("k"), 0,
					     rados_rig_in(60)));
	met_all(&removing);
	rados_rig_close(&rig);
}

/* ---- damage ------------------------------------------------------------------------------ */

static bool count_record(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	(void)key;
	(void)value;
	(void)expires;
	++*(unsigned *)arg;
	return true;
}

static void set_raw(struct rados_peer *peer, const char *key, const char *value, size_t len)
{
	rados_write_op_t op = rados_create_write_op();
	size_t key_len = strlen(key);

	rados_write_op_omap_set2(op, &key, &value, &key_len, &len, 1);
	assert_int_equal(rados_write_op_operate(op, peer->io, "g.g", NULL, 0), 0);
	rados_release_write_op(op);
}

static void damage_stays_where_it_is(void **state)
{
	static const char nonsense[] = "\x7fnonsense", placed[] = "\2\0\0\0\0\0\0\0\0tagtagta\0\0\xff\xff\0\0\xff\xff";
	struct rados_rig rig;
	struct rados_peer peer;
	unsigned seen = 0;

	(void)state;
	rados_rig_open(&rig, NULL, NULL);
	rados_peer_open(&peer, rig.nspace);
	assert_ok(put(&rig, "a", 0, 10));
	assert_ok(put(&rig, "b", 1, 10));
	assert_ok(put(&rig, "c", 2, 70000));
	assert_ok(put(&rig, "d", 3, 2 * MIB));
	set_raw(&peer, "kb", nonsense, sizeof(nonsense) - 1);
	set_raw(&peer, "ke", placed, sizeof(placed) - 1);
	set_raw(&peer, "kf", "", 0);
	set_raw(&peer, "\3foreign", "x", 1);
	assert_ok(holds(&rig, "a", 0, 10));
	assert_int_equal(holds(&rig, "b", 0, 0), PONTO_ECORRUPT);
	assert_int_equal(holds(&rig, "e", 0, 0), PONTO_ECORRUPT);
	assert_int_equal(holds(&rig, "f", 0, 0), PONTO_ECORRUPT);
	assert_int_equal(
		ponto_store_iterate(rig.store, LIT("g"), LIT(""), LIT(""), rados_rig_in(60), count_record, &seen),
		PONTO_ECORRUPT);
	assert_int_equal(seen, 3);
	/* The data of the object cut off, and a blob gone. */
	assert_int_equal(rados_trunc(peer.io, "g.g", 4096), 0);
	assert_int_equal(holds(&rig, "c", 0, 0), PONTO_ECORRUPT);
	{
		rados_list_ctx_t list;
		const char *name;
		char blob[64] = "";

		assert_int_equal(rados_nobjects_list_open(peer.io, &list), 0);
		while (rados_nobjects_list_next(list, &name, NULL, NULL) == 0) {
			if (name[0] == 'b')
				snprintf(blob, sizeof(blob), "%s", name);
		}
		rados_nobjects_list_close(list);
		assert_int_equal(rados_remove(peer.io, blob), 0);
	}
	assert_int_equal(holds(&rig, "d", 0, 0), PONTO_ECORRUPT);
	/* Writing over it mends it. */
	assert_ok(put(&rig, "b", 1, 10));
	assert_ok(put(&rig, "c", 2, 70000));
	assert_ok(put(&rig, "d", 3, 2 * MIB));
	assert_ok(drop(&rig, "e"));
	assert_ok(drop(&rig, "f"));
	assert_ok(holds(&rig, "b", 1, 10));
	assert_ok(holds(&rig, "c", 2, 70000));
	assert_ok(holds(&rig, "d", 3, 2 * MIB));
	seen = 0;
	assert_ok(ponto_store_iterate(rig.store, LIT("g"), LIT(""), LIT(""), rados_rig_in(60), count_record, &seen));
	assert_int_equal(seen, 4);
	rados_peer_close(&peer);
	rados_rig_close(&rig);
}

/* ---- the sweeper ---------------------------------------------------------------------------- */

static uint64_t system_mono(void *ctx)
{
	(void)ctx;
	return ponto_mono(&ponto_clock_system);
}

static uint64_t moved_wall(void *ctx)
{
	return ponto_wall(&ponto_clock_system) + *(_Atomic uint64_t *)ctx;
}

static void leave_behind(struct rados_peer *peer, const char *id, const char *owner, size_t owner_len)
{
	char name[64];

	snprintf(name, sizeof(name), "b.%s", id);
	assert_int_equal(rados_write_full(peer->io, name, "left", 4), 0);
	assert_int_equal(rados_setxattr(peer->io, name, "owner", owner, owner_len), 0);
}

static void sweeping(void **state)
{
	static const char orphan[] = "00112233445566778899aabbccddeeff", meant[] = "ffeeddccbbaa99887766554433221100";
	static const uint8_t zeros[8] = {0};
	_Atomic uint64_t offset = 0;
	struct ponto_clock clock = {system_mono, moved_wall, &offset};
	uint64_t soon = ponto_wall(&ponto_clock_system) + 100 * PONTO_SECOND;
	struct rados_rig rig, other;
	struct rados_peer peer;
	char key[8];

	(void)state;
	assert_ok(rados_rig_try(&rig, NULL, &clock, NULL, NULL));
	assert_ok(rados_rig_try(&other, rig.nspace, &clock, NULL, NULL));
	rados_peer_open(&peer, rig.nspace);
	for (unsigned i = 0; i < 200; i++) {
		static const size_t sizes[] = {10, 6000, 10, 10};
		size_t len = i == 9 ? 2 * MIB : sizes[i % 4];

		snprintf(key, sizeof(key), "%u", i);
		assert_ok(ponto_store_put(rig.store, LIT("g"), ponto_bytes(key, strlen(key)), ponto_bytes(bytes, len),
					  i % 10 ? soon : 0, 0, rados_rig_in(60)));
	}
	assert_ok(ponto_store_put(rig.store, LIT("all expire"), LIT("k"), LIT("v"), soon, 0, rados_rig_in(60)));
	assert_ok(put(&rig, "blob", 5, 3 * MIB));
	/* Blobs of writers that died: without an intent, with an old one, with one of now. */
	leave_behind(&peer, orphan, "\1gk", 3);
	leave_behind(&peer, meant, "\1gk", 3);
	set_raw(&peer, "iffeeddccbbaa99887766554433221100", (const char *)zeros, sizeof(zeros));
	assert_int_equal(rados_peer_count(&peer, "b."), 4);
	assert_int_equal(rados_peer_count(&peer, "g."), 2);
	offset = 101 * PONTO_SECOND;
	/* An intent from the past is too old, but not yet when a blob of its time is met first. */
	assert_ok(rds_sweep_pass(rig.store.self, 0, 10 * PONTO_SECOND));
	assert_ok(rds_sweep_pass(other.store.self, 0, 10 * PONTO_SECOND));
	assert_int_equal(rados_peer_count(&peer, "b."), 1);
	assert_int_equal(rados_peer_count(&peer, "g."), 1);
	offset = 0; /* what was removed does not come back when time does */
	for (unsigned i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "%u", i);
		assert_int_equal(holds(&other, key, 0, i % 4 == 1 && i != 9 ? 6000 : 10),
				 i % 10 ? PONTO_ENOENT : PONTO_OK);
	}
	assert_ok(holds(&other, "blob", 5, 3 * MIB));
	rados_peer_close(&peer);
	rados_rig_close(&other);
	rados_rig_close(&rig);
}

/* A batch whose intent the sweeper takes begins anew; one whose record was rewritten meanwhile is left alone. */
static void sweeping_takes_turns(void **state)
{
	static const char *const daily[] = {"sweep=86400", NULL};
	_Atomic uint64_t offset = 0;
	struct ponto_clock clock = {system_mono, moved_wall, &offset};
	struct rados_rig rig, other;

	(void)state;
	assert_ok(rados_rig_try(&rig, NULL, &clock, NULL, daily));
	assert_ok(rados_rig_try(&other, rig.nspace, &clock, NULL, daily));
	assert_true(rds_sweep_claim(rig.store.self));
	assert_false(rds_sweep_claim(rig.store.self));
	assert_false(rds_sweep_claim(other.store.self));
	offset = 86401 * PONTO_SECOND;
	assert_true(rds_sweep_claim(other.store.self));
	assert_false(rds_sweep_claim(rig.store.self));
	/* Somebody's clock was years ahead. */
	offset = UINT64_C(100000) * 86400 * PONTO_SECOND;
	assert_true(rds_sweep_claim(rig.store.self));
	offset = 0;
	assert_true(rds_sweep_claim(other.store.self));
	rados_rig_close(&other);
	rados_rig_close(&rig);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static bool count_group(void *arg, struct ponto_bytes group)
{
	(void)group;
	++*(unsigned *)arg;
	return true;
}

static int use_all(struct rados_rig *rig, const struct ponto_alloc *alloc)
{
	struct ponto_store_step steps[] = {
		{PONTO_STEP_PUT, LIT("a"), ponto_bytes(bytes, 70000), 0},
		{PONTO_STEP_PUT, LIT("b"), LIT("2"), 0},
		{PONTO_STEP_REQUIRE_EQUAL, LIT("a"), LIT("1"), 0},
		{PONTO_STEP_DELETE, LIT("c"), LIT(""), 0},
	};
	uint64_t deadline = rados_rig_in(60);
	uint8_t *value = NULL, *page = NULL;
	size_t len, page_len = 0;
	unsigned seen = 0;
	int result = ponto_store_put(rig->store, LIT("g"), LIT("a"), LIT("1"), 0, 0, deadline);

	if (!result)
		result = ponto_store_batch(rig->store, LIT("g"), steps, 4, 0, deadline);
	if (!result)
		result = ponto_store_get(rig->store, LIT("g"), LIT("a"), deadline, alloc, &value, &len, NULL);
	ponto_free(alloc, value);
	if (!result)
		result = ponto_store_iterate(rig->store, LIT("g"), LIT(""), LIT(""), deadline, count_record, &seen);
	if (!result)
		result = ponto_store_groups(rig->store, &page, &page_len, 5, deadline, alloc, count_group, &seen);
	ponto_free(alloc, page);
	if (!result)
		assert_int_equal(seen, 3);
	if (!result)
		result = ponto_store_put(rig->store, LIT("g"), LIT("b"), ponto_bytes(bytes, MIB + 1), 0, 0, deadline);
	if (!result)
		result = ponto_store_remove(rig->store, LIT("g"), LIT("a"), 0, deadline);
	if (!result)
		result = rds_sweep_pass(rig->store.self, 0, PONTO_SECOND);
	return result;
}

static int use_once(const struct ponto_alloc *alloc, void *arg)
{
	struct rados_rig rig;
	int result = rados_rig_try(&rig, NULL, NULL, alloc, NULL);

	(void)arg;
	if (!result)
		result = use_all(&rig, alloc);
	rados_rig_close(&rig);
	return result;
}

static void memory_refused(void **state)
{
	(void)state;
	ponto_test_oom(use_once, NULL, true);
}

static int make_bytes(void **state)
{
	(void)state;
	bytes = malloc(PONTO_STORE_VALUE_MAX + 256);
	for (size_t i = 0; bytes && i < PONTO_STORE_VALUE_MAX + 256; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 11);
	return bytes ? 0 : -1;
}

static int free_bytes(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_options_say_so),
		cmocka_unit_test(rights_and_pools),
		cmocka_unit_test(other_namespaces_are_left_alone),
		cmocka_unit_test(every_size_replaces_every_other),
		cmocka_unit_test(more_than_the_area),
		cmocka_unit_test(guards_on_any_place),
		cmocka_unit_test(groups_in_many_pages),
		cmocka_unit_test(damage_stays_where_it_is),
		cmocka_unit_test(sweeping),
		cmocka_unit_test(sweeping_takes_turns),
		cmocka_unit_test(memory_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, make_bytes, free_bytes);
}
