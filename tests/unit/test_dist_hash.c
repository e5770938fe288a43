/* The hasher of files: what comes out is what content_maker makes of the file's bytes, whatever the number of threads;
 * a file that changes meanwhile gives nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/service-dist/dist_hash.h"
#include "tests/unit/content_test.h"

#define MIB (1024u * 1024u)

/* A file in a folder of its own, and what its hashing told. */
struct rig {
	char *dir, path[256];
	const struct ponto_alloc *alloc;
	const struct content_made *expected; /* NULL: segments are not compared */
	uint64_t segments, size, bytes;
	int refuse;		      /* a segment with this number ends the work; -1: none */
	void (*meddle)(struct rig *); /* once, at the first progress */
	struct dist_file file;
	char reason[DIST_REASON_SIZE];
};

static void put(const char *path, struct ponto_bytes bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->dir = ponto_test_mkdir();
	snprintf(rig->path, sizeof(rig->path), "%s/file", rig->dir);
	rig->alloc = &ponto_alloc_system;
	rig->refuse = -1;
}

/* Compared here, under the hasher's lock: the segment is lent. */
static int on_segment(void *arg, const struct content_segment *segment)
{
	struct rig *rig = arg;

	assert_int_equal(segment->index, rig->segments);
	assert_int_equal(segment->offset, rig->size);
	if (rig->refuse == (int)rig->segments)
		return PONTO_ECLOSED;
	if (rig->expected) {
		const struct content_segment *same = &rig->expected->segments[rig->segments];

		assert_true(rig->segments < rig->expected->count);
		assert_int_equal(segment->size, same->size);
		assert_memory_equal(segment->hod, same->hod, sizeof(same->hod));
		assert_true(ponto_bytes_equal(segment->block_hashes, same->block_hashes));
	}
	rig->segments++;
	rig->size += segment->size;
	return PONTO_OK;
}

static int on_progress(void *arg, uint64_t bytes, uint64_t size)
{
	struct rig *rig = arg;
	void (*meddle)(struct rig *) = rig->meddle;

	assert_true(bytes >= rig->bytes && bytes <= size);
	rig->bytes = bytes;
	rig->meddle = NULL;
	if (meddle)
		meddle(rig);
	return PONTO_OK;
}

static int run(struct rig *rig, enum content_algo algo, unsigned threads)
{
	struct dist_hash setup = {
		.path = rig->path,
		.algo = algo,
		.threads = threads,
		.alloc = rig->alloc,
		.clock = &ponto_clock_system,
		.segment = on_segment,
		.progress = on_progress,
		.arg = rig,
	};

	rig->segments = rig->size = rig->bytes = 0;
	rig->reason[0] = '\0';
	return dist_hash_file(&setup, &rig->file, rig->reason);
}

/* Bytes that cuts find something in. gives */
static struct blob content(size_t n)
{
	struct blob b = pattern(n);
	struct ponto_test_random tr;

	ponto_test_random_init(&tr, n);
	tr.random.fill(tr.random.ctx, b.data, n);
	return b;
}

static void compare(enum content_algo algo, size_t len)
{
	struct blob data = content(len);
	struct content_made made = content_make(algo, bytes_of(&data), NULL);
	struct stat st;
	struct rig rig;

	rig_init(&rig);
	rig.expected = &made;
	put(rig.path, bytes_of(&data));
	for (unsigned threads = 0; threads <= 5; threads++) {
		assert_ok(run(&rig, algo, threads));
		assert_int_equal(rig.segments, made.count);
		assert_int_equal(rig.size, len);
		assert_int_equal(rig.bytes, len);
	}
	assert_int_equal(stat(rig.path, &st), 0);
	assert_int_equal(rig.file.size, len);
	assert_int_equal(rig.file.inode, st.st_ino);
	assert_int_equal(rig.file.device, st.st_dev);
	assert_int_equal(rig.file.changed, (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec);
	ponto_test_rmdir(rig.dir);
	content_made_free(&made);
	free(data.data);
}

/* Around the sizes of blocks, of reads and of segments. */
static void version_1(void **state)
{
	static const size_t sizes[] = {1,
				       CONTENT_BLOCK - 1,
				       CONTENT_BLOCK,
				       CONTENT_BLOCK + 1,
				       8 * CONTENT_BLOCK,
				       8 * CONTENT_BLOCK + 1,
				       CONTENT_SEGMENT_V1,
				       CONTENT_SEGMENT_V1 + 1};

	(void)state;
	PONTO_PROVES("DIST-005", "DIST-009", "DIST-015", "DIST-047");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++)
		compare(CONTENT_SHA256, sizes[i]);
	compare(CONTENT_SHA384, MIB + 1);
	compare(CONTENT_SHA512, MIB + 1);
}

static void version_2(void **state)
{
	static const size_t sizes[] = {1,	   CONTENT_SEGMENT_V2_MIN, CONTENT_SEGMENT_V2_MAX,
				       256 * 1024, 256 * 1024 + 1,	   MIB - 1,
				       5 * MIB,	   7 * MIB + 12345};

	(void)state;
	PONTO_PROVES("DIST-004", "DIST-006", "DIST-079", "DIST-082");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++)
		compare(CONTENT_TRUNCATED, sizes[i]);
}

/* One byte only, all over: pieces are cut by their size, and tails are as long as they can be. */
static void monotonous(void **state)
{
	struct blob data = pattern(3 * MIB + 777);
	struct content_made made;
	struct rig rig;

	(void)state;
	memset(data.data, 0, data.len);
	made = content_make(CONTENT_TRUNCATED, bytes_of(&data), NULL);
	rig_init(&rig);
	rig.expected = &made;
	put(rig.path, bytes_of(&data));
	assert_ok(run(&rig, CONTENT_TRUNCATED, 2));
	assert_int_equal(rig.size, data.len);
	ponto_test_rmdir(rig.dir);
	content_made_free(&made);
	free(data.data);
}

static void an_empty_file(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	put(rig.path, ponto_bytes("", 0));
	for (enum content_algo algo = CONTENT_SHA256; algo <= CONTENT_TRUNCATED; algo++) {
		assert_ok(run(&rig, algo, 2));
		assert_int_equal(rig.segments, 0);
		assert_int_equal(rig.file.size, 0);
	}
	ponto_test_rmdir(rig.dir);
}

/* ---- files that change ------------------------------------------------------------------ */

static void write_at(struct rig *rig, int flags, off_t at)
{
	int fd = open(rig->path, O_WRONLY | flags);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, at), 1);
	close(fd);
}

static void overwrite(struct rig *rig)
{
	write_at(rig, 0, 0);
}

static void append(struct rig *rig)
{
	write_at(rig, O_APPEND, 0);
}

static void shorten(struct rig *rig)
{
	assert_int_equal(truncate(rig->path, 3), 0);
}

static void replace(struct rig *rig)
{
	char other[300];

	snprintf(other, sizeof(other), "%s.new", rig->path);
	put(other, ponto_bytes("new", 3));
	assert_int_equal(rename(other, rig->path), 0);
}

static void take_away(struct rig *rig)
{
	assert_int_equal(unlink(rig->path), 0);
}

/* Hashed in the moment it was written: also then a change in the same tick of the file system's clock is noticed. */
static void changes_are_noticed(void **state)
{
	static void (*const ways[])(struct rig *) = {overwrite, append, shorten, replace, take_away};
	struct blob data = content(MIB);

	(void)state;
	for (size_t i = 0; i < 10 * PONTO_ARRAY_SIZE(ways); i++) {
		struct rig rig;

		rig_init(&rig);
		rig.meddle = ways[i % PONTO_ARRAY_SIZE(ways)];
		put(rig.path, bytes_of(&data));
		assert_int_equal(run(&rig, i % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, 1 + i % 3), PONTO_EGUARD);
		assert_string_equal(rig.reason, "changed while it was hashed; nothing is kept");
		assert_int_equal(rig.file.inode, 0);
		ponto_test_rmdir(rig.dir);
	}
	free(data.data);
}

static void grow(struct rig *rig)
{
	struct stat st;

	assert_int_equal(stat(rig->path, &st), 0);
	assert_true(st.st_size < 256 * (off_t)MIB); /* or nothing ends it */
	assert_int_equal(truncate(rig->path, st.st_size + MIB), 0);
	rig->meddle = grow;
}

/* Else a log that is written to would be read for ever. */
static void a_file_that_grows_ends(void **state)
{
	struct blob data = content(MIB);
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.meddle = grow;
	put(rig.path, bytes_of(&data));
	assert_int_equal(run(&rig, CONTENT_SHA256, 2), PONTO_EGUARD);
	ponto_test_rmdir(rig.dir);
	free(data.data);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void refusals(void **state)
{
	bool root = geteuid() == 0;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	assert_int_equal(run(&rig, CONTENT_SHA256, 1), PONTO_ENOENT);
	assert_string_equal(rig.reason, "No such file or directory");
	assert_int_equal(mkfifo(rig.path, 0600), 0);
	assert_int_equal(run(&rig, CONTENT_SHA256, 1), PONTO_EINVAL);
	assert_string_equal(rig.reason, "not a regular file");
	assert_int_equal(unlink(rig.path), 0);
	assert_int_equal(mkdir(rig.path, 0700), 0);
	assert_int_equal(run(&rig, CONTENT_SHA256, 1), PONTO_EINVAL);
	assert_string_equal(rig.reason, "a directory, not a file");
	assert_int_equal(rmdir(rig.path), 0);

	put(rig.path, ponto_bytes("secret", 6));
	assert_int_equal(chmod(rig.path, 0), 0);
	assert_int_equal(chmod(rig.dir, 0755), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(run(&rig, CONTENT_SHA256, 1), PONTO_EACCES);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_string_equal(rig.reason, "Permission denied");
	ponto_test_rmdir(rig.dir);
}

/* Whoever takes the segments may end it, at the first as at the last. */
static void a_callback_ends_it(void **state)
{
	struct blob data = content(3 * MIB);
	struct content_made made = content_make(CONTENT_TRUNCATED, bytes_of(&data), NULL);
	struct rig rig;

	(void)state;
	rig_init(&rig);
	put(rig.path, bytes_of(&data));
	for (int at = 0; at < (int)made.count; at += (int)made.count / 2) {
		rig.refuse = at;
		assert_int_equal(run(&rig, CONTENT_TRUNCATED, 3), PONTO_ECLOSED);
		assert_int_equal(rig.segments, at);
		assert_string_equal(rig.reason, "");
	}
	rig.refuse = (int)made.count - 1;
	assert_int_equal(run(&rig, CONTENT_TRUNCATED, 3), PONTO_ECLOSED);
	ponto_test_rmdir(rig.dir);
	content_made_free(&made);
	free(data.data);
}

static int run_with(const struct ponto_alloc *alloc, void *arg)
{
	struct rig *rig = arg;

	rig->alloc = alloc;
	return run(rig, CONTENT_SHA256, 2);
}

static void memory_refused(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	put(rig.path, ponto_bytes("abc", 3));
	ponto_test_oom(run_with, &rig, false);
	ponto_test_rmdir(rig.dir);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(version_1),
	cmocka_unit_test(version_2),
	cmocka_unit_test(monotonous),
	cmocka_unit_test(an_empty_file),
	cmocka_unit_test(changes_are_noticed),
	cmocka_unit_test(a_file_that_grows_ends),
	cmocka_unit_test(refusals),
	cmocka_unit_test(a_callback_ends_it),
	cmocka_unit_test(memory_refused),
};

PONTO_TEST_MAIN(tests)
