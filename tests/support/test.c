#include "tests/support/test.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* cmocka's own, which says "not ok" of a case that was skipped: to readers of TAP it failed. */
void print_message(const char *const format, ...)
{
	static const char skipped[] = "not ok %u # SKIP";
	va_list args;

	va_start(args, format);
	vprintf(strncmp(format, skipped, strlen(skipped)) == 0 ? format + strlen("not ") : format, args);
	va_end(args);
	fflush(stdout);
}

static void mark(const char *word, const char *how, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("# %s %s%s\n", word, how, names[i]);
	fflush(stdout);
}

void ponto_test_proves(const char *const *rows, size_t count)
{
	mark("proves", "", rows, count);
}

void ponto_test_covers(const char *how, const char *const *names, size_t count)
{
	mark("covers", how, names, count);
}

static bool refuse(struct ponto_test_alloc *ta)
{
	ta->made++;
	if (ta->made != ta->fail_at)
		return false;
	ta->refused = true;
	return true;
}

static void *test_alloc(void *ctx, size_t size)
{
	struct ponto_test_alloc *ta = ctx;
	void *block = refuse(ta) ? NULL : malloc(size ? size : 1);

	if (block)
		ta->live++;
	return block;
}

static void *test_resize(void *ctx, void *block, size_t size)
{
	struct ponto_test_alloc *ta = ctx;
	void *moved = refuse(ta) ? NULL : realloc(block, size ? size : 1);

	if (moved && !block)
		ta->live++;
	return moved;
}

static void test_release(void *ctx, void *block)
{
	struct ponto_test_alloc *ta = ctx;

	if (!block)
		return;
	ta->live--;
	free(block);
}

void ponto_test_alloc_init(struct ponto_test_alloc *ta)
{
	memset(ta, 0, sizeof(*ta));
	ta->alloc.alloc = test_alloc;
	ta->alloc.resize = test_resize;
	ta->alloc.release = test_release;
	ta->alloc.ctx = ta;
}

void ponto_test_oom(int (*run)(const struct ponto_alloc *alloc, void *arg), void *arg, bool tolerate)
{
	for (size_t n = 1;; n++) {
		struct ponto_test_alloc ta;
		int result;

		ponto_test_alloc_init(&ta);
		ta.fail_at = n;
		result = run(&ta.alloc, arg);
		assert_int_equal(ta.live, 0);
		if (!ta.refused) {
			assert_int_equal(result, PONTO_OK);
			return;
		}
		if (!tolerate)
			assert_int_equal(result, PONTO_ENOMEM);
	}
}

static void test_random_fill(void *ctx, uint8_t *out, size_t len)
{
	struct ponto_test_random *tr = ctx;

	while (len > 0) {
		uint64_t z = (tr->state += UINT64_C(0x9e3779b97f4a7c15));
		size_t n = len < 8 ? len : 8;

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(out, &z, n);
		out += n;
		len -= n;
	}
}

void ponto_test_random_init(struct ponto_test_random *tr, uint64_t seed)
{
	tr->state = seed;
	tr->random.fill = test_random_fill;
	tr->random.ctx = tr;
}

static uint64_t test_mono(void *ctx)
{
	return ((struct ponto_test_clock *)ctx)->mono;
}

static uint64_t test_wall(void *ctx)
{
	return ((struct ponto_test_clock *)ctx)->wall;
}

void ponto_test_clock_init(struct ponto_test_clock *tc)
{
	tc->clock.mono = test_mono;
	tc->clock.wall = test_wall;
	tc->clock.ctx = tc;
	tc->mono = PONTO_SECOND;
	tc->wall = UINT64_C(1767225600) * PONTO_SECOND; /* 2026-01-01 */
}

uint8_t *ponto_test_hex(const char *text, size_t *len)
{
	uint8_t *out = malloc(strlen(text) / 2 + 1);
	size_t digits = 0;

	assert_non_null(out);
	for (; *text; text++) {
		const char *hex = "0123456789abcdef";
		const char *digit;

		if (isspace((unsigned char)*text))
			continue;
		digit = strchr(hex, tolower((unsigned char)*text));
		assert_non_null(digit);
		if (digits % 2 == 0)
			out[digits / 2] = 0;
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | (digit - hex));
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	*len = digits / 2;
	return out;
}

char *ponto_test_mkdir(void)
{
	const char *base = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/ponto-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
	return strdup(path);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void ponto_test_rmdir(char *path)
{
	if (!path)
		return;
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

const char *ponto_test_source(const char *name)
{
	static char path[4096];
	const char *top = getenv("PONTO_SRCDIR");

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	return path;
}

/* ---- ports --------------------------------------------------------------------------------- */

static bool port_is_free(uint16_t port)
{
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(port)};
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
	int fds[2] = {socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	bool is_free = bind(fds[0], (struct sockaddr *)&six, sizeof(six)) == 0 &&
		       bind(fds[1], (struct sockaddr *)&four, sizeof(four)) == 0;

	close(fds[0]);
	close(fds[1]);
	return is_free;
}

uint16_t ponto_test_port(void)
{
	enum { FIRST = 10240, COUNT = 20480, EACH = 32 };
	static unsigned next;
	uint16_t port;

	do {
		assert_true(next < COUNT);
		port = (uint16_t)(FIRST + ((unsigned)getpid() * EACH + next++) % COUNT);
	} while (!port_is_free(port));
	return port;
}
