/* The host without privilege: its descriptors, its user, what is refused; large segments cut and joined. */
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/stack-netns/stack.h"
#include "plugins/stack-netns/stack_netns.h"
#include "plugins/stack-netns/stack_offload.h"

static const struct tcp_settings settings = {.connect_timeout = PONTO_SECOND, .backlog = 8, .max_streams = 64};

static struct ponto_env env_of(const struct ponto_alloc *alloc)
{
	return (struct ponto_env){.abi = PONTO_PLUGIN_ABI, .size = sizeof(struct ponto_env), .instance = "stack", .alloc = alloc};
}

static bool forbidden(void)
{
	struct netns_failure failure;
	struct netns ns;
	int result = netns_open(&ns, &failure);

	if (result == PONTO_OK)
		netns_close(&ns);
	return result == PONTO_EACCES || result == PONTO_ENOTSUP;
}

#define NEEDS_NAMESPACES()       \
	do {                     \
		if (forbidden()) \
			skip();  \
	} while (0)

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static uint64_t inode(int fd)
{
	struct stat about;

	assert_int_equal(fstat(fd, &about), 0);
	return about.st_ino;
}

static uint64_t inode_of(const char *path)
{
	struct stat about;

	assert_int_equal(stat(path, &about), 0);
	return about.st_ino;
}

/* ---- namespaces ------------------------------------------------------------------------------ */

static void the_caller_stays_where_it_is(void **state)
{
	uint64_t net = inode_of("/proc/self/ns/net"), user = inode_of("/proc/self/ns/user");
	struct netns_failure failure;
	struct netns ns;

	(void)state;
	NEEDS_NAMESPACES();
	assert_ok(netns_open(&ns, &failure));
	assert_true(inode(ns.net) != net && inode(ns.user) != user);
	assert_true(inode_of("/proc/self/ns/net") == net && inode_of("/proc/self/ns/user") == user);
	for (size_t i = 0; i < 3; i++) {
		int fd = i == 0 ? ns.net : i == 1 ? ns.user : ns.tun;

		assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	}
	netns_close(&ns);
}

static void nothing_is_left_behind(void **state)
{
	struct ponto_env env = env_of(&ponto_alloc_system);
	unsigned before = 0;
	uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8};

	(void)state;
	NEEDS_NAMESPACES();
	for (unsigned i = 0; i < 4; i++) {
		struct stack *stack;
		struct ponto_loop *loop;
		struct ponto_listener_handle *listener;
		struct ponto_addr local = {.family = PONTO_FAMILY_IPV6};
		void *none = NULL;

		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &loop));
		assert_ok(stack_create(&env, &settings, STACK_KERNEL, &stack));
		ip[15] = 1;
		assert_ok(stack_address(stack, ip));
		ip[15] = 2;
		assert_ok(stack_address(stack, ip));
		memcpy(local.ip, ip, 16);
		assert_int_equal(ponto_stream_listen(stack_streams(stack), loop, &local, NULL, none, &listener), PONTO_EINVAL);
		assert_ok(ponto_stream_listen(stack_streams(stack), loop, &local,
					      (void (*)(void *, struct ponto_stream_handle *, const struct ponto_addr *))abort,
					      none, &listener));
		ponto_stream_unlisten(stack_streams(stack), listener);
		/* The first one is not its any more. */
		local.ip[15] = 1;
		assert_int_equal(ponto_stream_listen(stack_streams(stack), loop, &local,
						     (void (*)(void *, struct ponto_stream_handle *, const struct ponto_addr *))abort,
						     none, &listener),
				 PONTO_ENOENT);
		assert_ok(stack_address(stack, NULL));
		stack_destroy(stack);
		ponto_loop_destroy(loop);
		/* The first loop of a program opens what its library keeps. */
		if (i == 0)
			before = descriptors();
	}
	assert_int_equal(descriptors(), before);
	/* Nor a child to wait for. */
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}

/* Runs body in a child process; its exit status. */
static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int as_nobody(void)
{
	struct netns_failure failure;
	size_t count = 0;
	int fds[NETNS_SOCKETS];
	uint8_t ip[16] = {0x20, 0x01, 0, 0, 9};
	struct netns ns;

	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
			       setresuid(65534, 65534, 65534) < 0))
		return 10;
	if (netns_open(&ns, &failure) != PONTO_OK)
		return 11;
	if (netns_address(&ns, NULL, ip, &failure) != PONTO_OK)
		return 12;
	if (netns_sockets(&ns, fds, &count, &failure) != PONTO_OK || count != NETNS_SOCKETS)
		return 13;
	/* The daemon's own network is as closed to it as before. */
	return geteuid() != 0 && socket(AF_INET6, SOCK_RAW, 58) < 0 ? 0 : 14;
}

struct handed_over {
	pthread_mutex_t lock;
	pthread_cond_t there;
	struct netns *ns;
};

static void *closer(void *arg)
{
	struct handed_over *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->ns)
		pthread_cond_wait(&h->there, &h->lock);
	netns_close(h->ns);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* The helper shares our memory: TSan is to see that it leaves it in order. */
static void another_thread_may_have_it(void **state)
{
	struct handed_over h = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL};
	struct netns_failure failure;
	unsigned before = descriptors();
	struct netns ns;
	pthread_t thread;

	(void)state;
	NEEDS_NAMESPACES();
	assert_int_equal(pthread_create(&thread, NULL, closer, &h), 0);
	assert_ok(netns_open(&ns, &failure));
	pthread_mutex_lock(&h.lock);
	h.ns = &ns;
	pthread_cond_signal(&h.there);
	pthread_mutex_unlock(&h.lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(descriptors(), before);
}

static void nobody_may_do_it(void **state)
{
	(void)state;
	NEEDS_NAMESPACES();
	assert_int_equal(in_child(as_nobody), 0);
}

/* What a machine that forbids them does to us, done to ourselves: no more namespaces in a namespace of our own. */
static int where_forbidden(void)
{
	struct netns_failure failure = {0};
	struct netns ns;
	FILE *limit;
	int result;

	if (unshare(CLONE_NEWUSER) < 0)
		return 20;
	limit = fopen("/proc/sys/user/max_user_namespaces", "w");
	if (!limit || fputs("0", limit) < 0 || fclose(limit) != 0)
		return 21;
	result = netns_open(&ns, &failure);
	if (result != PONTO_EACCES)
		return 22;
	return failure.step && failure.error == ENOSPC ? 0 : 23;
}

static void where_it_is_forbidden_the_reason_is_told(void **state)
{
	(void)state;
	NEEDS_NAMESPACES();
#ifdef __SANITIZE_THREAD__
	skip(); /* its own thread keeps a process from unsharing its user */
#endif
	assert_int_equal(in_child(where_forbidden), 0);
}

static int without_descriptors(void)
{
	struct rlimit few = {0, 0};
	struct netns_failure failure = {0};
	unsigned before = descriptors();
	struct netns ns;

	/* From none left to just not enough. */
	for (rlim_t left = 0; left < 12; left++) {
		int result;

		few.rlim_cur = few.rlim_max = 3 + left;
		if (left == 0)
			few.rlim_max = 64;
		few.rlim_max = 64;
		if (setrlimit(RLIMIT_NOFILE, &few) < 0)
			return 30;
		result = netns_open(&ns, &failure);
		if (result == PONTO_OK) {
			netns_close(&ns);
			few.rlim_cur = 64;
			return setrlimit(RLIMIT_NOFILE, &few) == 0 && descriptors() == before && left > 0 ? 0 : 31;
		}
		if (result != PONTO_EBUSY || !failure.step)
			return 32;
	}
	return 33;
}

static void running_out_of_descriptors_leaks_none(void **state)
{
	(void)state;
	NEEDS_NAMESPACES();
	assert_int_equal(in_child(without_descriptors), 0);
}

static int make(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_env env = env_of(alloc);
	struct ponto_loop *loop = NULL;
	struct stack *stack = NULL;
	struct ponto_listener_handle *listener = NULL;
	struct ponto_addr any = {.family = PONTO_FAMILY_IPV6};
	int result = stack_create(&env, &settings, *(enum stack_kind *)arg, &stack);

	if (result == PONTO_OK)
		result = ponto_loop_uv_create(alloc, &loop);
	if (result == PONTO_OK)
		result = stack_attach(stack, loop, (stack_output_fn *)abort, NULL);
	if (result == PONTO_OK)
		result = ponto_stream_listen(stack_streams(stack), loop, &any,
					     (void (*)(void *, struct ponto_stream_handle *, const struct ponto_addr *))abort, NULL,
					     &listener);
	if (listener)
		stack_unlisten(listener);
	stack_destroy(stack);
	ponto_loop_destroy(loop);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	enum stack_kind kind = STACK_LWIP;

	ponto_test_oom(make, &kind, false);
	(void)state;
	NEEDS_NAMESPACES();
	kind = STACK_KERNEL;
	ponto_test_oom(make, &kind, false);
}

/* ---- large segments ----------------------------------------------------------------------------- */

#define HEADER (OFFLOAD_IP + 32) /* with twelve bytes of options */

static size_t segment(uint8_t *out, uint32_t sequence, uint8_t flags, size_t payload)
{
	static const uint8_t options[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};

	memset(out, 0, HEADER);
	out[0] = 0x60;
	out[4] = (uint8_t)((payload + 32) >> 8);
	out[5] = (uint8_t)(payload + 32);
	out[6] = 6;
	out[7] = 64;
	memset(out + 8, 0x21, 16);
	memset(out + 24, 0x43, 16);
	out[40] = 0x12;
	out[42] = 0x34;
	for (unsigned i = 0; i < 4; i++)
		out[44 + i] = (uint8_t)(sequence >> 8 * (3 - i));
	out[52] = 0x80;
	out[53] = flags;
	out[54] = 0x40;
	memcpy(out + 60, options, 12);
	for (size_t i = 0; i < payload; i++)
		out[HEADER + i] = (uint8_t)((sequence + i) * 31);
	offload_set_checksum(out, HEADER + payload);
	return HEADER + payload;
}

static void what_is_cut_can_be_joined(void **state)
{
	static uint8_t large[OFFLOAD_LARGEST];
	static struct offload_join join;
	uint8_t packet[STACK_MTU];
	size_t len, count = 0, whole = segment(large, 0xfffffff0, 0x18, 20001);

	(void)state;
	memset(&join, 0, sizeof(join));
	for (;; count++) {
		len = offload_cut(ponto_bytes(large, whole), 1208, count, packet, sizeof(packet));
		if (len == 0)
			break;
		assert_true(offload_is_tcp(ponto_bytes(packet, len)));
		assert_int_equal(offload_checksum(packet, len), 0);
		/* Only the last one pushes. */
		assert_int_equal(packet[53], count == 16 ? 0x18 : 0x10);
		assert_true(offload_add(&join, ponto_bytes(packet, len)));
	}
	assert_int_equal(count, 17);
	assert_int_equal(join.count, 17);
	offload_finish(&join);
	offload_set_checksum(join.packet, join.len);
	assert_int_equal(join.len, whole);
	assert_memory_equal(join.packet, large, whole);
}

static void what_has_no_room_is_not_cut(void **state)
{
	uint8_t large[4000], packet[STACK_MTU];
	size_t whole = segment(large, 1, 0x10, 3000);

	(void)state;
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 1209, 0, packet, sizeof(packet)), 0);
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 0, 0, packet, sizeof(packet)), 0);
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 1208, 3, packet, sizeof(packet)), 0);
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 1208, 2, packet, sizeof(packet)), HEADER + 584);
	/* One without payload is left as it is, once. */
	whole = segment(large, 1, 0x11, 0);
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 1208, 0, packet, sizeof(packet)), whole);
	assert_int_equal(packet[53], 0x11);
	assert_int_equal(offload_cut(ponto_bytes(large, whole), 1208, 1, packet, sizeof(packet)), 0);
}

static void only_what_goes_on_is_joined(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
	} rows[] = {{"flow label", 3, 1},   {"hop limit", 7, 63},  {"source", 9, 1},	  {"destination", 25, 1},
		    {"port", 41, 1},	    {"sequence", 47, 9},   {"acknowledgement", 51, 1}, {"flags", 53, 0x11},
		    {"window", 54, 1},	    {"options", 64, 9},	   {"traffic class", 0, 0x61}};
	static struct offload_join join;
	uint8_t first[STACK_MTU], packet[STACK_MTU];
	size_t len = segment(first, 1, 0x10, 100);

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		join.len = 0;
		assert_true(offload_add(&join, ponto_bytes(first, len)));
		segment(packet, 101, 0x10, 100);
		packet[rows[i].at] = rows[i].value;
		offload_set_checksum(packet, len);
		if (offload_add(&join, ponto_bytes(packet, len)))
			fail_msg("%s", rows[i].what);
	}
	/* A wrong checksum is for the kernel to see, first or later. */
	segment(packet, 101, 0x10, 100);
	packet[len - 1] ^= 1;
	assert_false(offload_add(&join, ponto_bytes(packet, len)));
	packet[len - 1] ^= 1;
	assert_true(offload_add(&join, ponto_bytes(packet, len)));
	first[len - 1] ^= 1;
	join.len = 0;
	assert_true(offload_add(&join, ponto_bytes(first, len)));
	assert_false(offload_add(&join, ponto_bytes(packet, len)));
	/* A shorter one, or one that pushes, is the last; a longer one none. */
	first[len - 1] ^= 1;
	join.len = 0;
	assert_true(offload_add(&join, ponto_bytes(first, len)));
	assert_false(offload_add(&join, ponto_bytes(packet, segment(packet, 101, 0x10, 101))));
	assert_true(offload_add(&join, ponto_bytes(packet, segment(packet, 101, 0x10, 99))));
	assert_false(offload_add(&join, ponto_bytes(packet, segment(packet, 200, 0x10, 99))));
}

static void what_is_no_segment_is_told(void **state)
{
	uint8_t packet[STACK_MTU];
	size_t len = segment(packet, 1, 0x10, 10);

	(void)state;
	assert_true(offload_is_tcp(ponto_bytes(packet, len)));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(offload_is_tcp(ponto_bytes(packet, cut)));
	packet[52] = 0x40; /* less than a header */
	assert_false(offload_is_tcp(ponto_bytes(packet, len)));
	packet[52] = 0xf0; /* more than there is */
	assert_false(offload_is_tcp(ponto_bytes(packet, len)));
	packet[52] = 0x80;
	packet[6] = 17;
	assert_false(offload_is_tcp(ponto_bytes(packet, len)));
	packet[6] = 6;
	packet[0] = 0x45;
	assert_false(offload_is_tcp(ponto_bytes(packet, len)));
}

static void checksums_are_completed_wherever_they_are(void **state)
{
	uint8_t packet[STACK_MTU], right[STACK_MTU];
	size_t len = segment(right, 1, 0x10, 101);
	uint32_t sum = 6 + (uint32_t)(len - 40);

	(void)state;
	memcpy(packet, right, len);
	/* As the kernel leaves it: the sum of the pseudo header. */
	for (unsigned i = 8; i < 40; i += 2)
		sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	packet[56] = (uint8_t)(sum >> 8);
	packet[57] = (uint8_t)sum;
	assert_true(offload_complete(packet, len, 40, 16));
	assert_memory_equal(packet, right, len);
	/* Never 0, which means none in UDP. */
	memset(packet, 0, 48);
	packet[46] = packet[47] = 0xff;
	assert_true(offload_complete(packet, 48, 40, 6));
	assert_int_equal(packet[46] << 8 | packet[47], 0xffff);
	assert_false(offload_complete(packet, 48, 49, 0));
	assert_false(offload_complete(packet, 48, 40, 7));
	assert_false(offload_complete(packet, 48, 40, 0xffff));
}

static int take_address(const struct ponto_grant *grant, struct ponto_log *log, const uint8_t *ip)
{
	(void)grant;
	(void)log;
	(void)ip;
	return PONTO_OK;
}

/* What one host says to another gets in, what routers and neighbours say does not. */
static void the_machine_gets_what_hosts_say(void **state)
{
	static const struct {
		uint8_t next, first;
		bool in;
	} rows[] = {
		{6, 0, true},	 {17, 0, true},	   {58, 1, true},    {58, 2, true},   {58, 128, true}, {58, 129, true},
		{58, 133, false}, {58, 134, false}, {58, 135, false}, {58, 136, false}, {58, 137, false}, {58, 130, false},
		{58, 143, false}, {0, 58, false},   {43, 17, false},  {60, 58, false},	{44, 17, true},	  {44, 43, false},
		{44, 0, false},	 {59, 0, false},   {41, 0x60, false}, {132, 0, true},
	};
	struct ponto_env env = env_of(&ponto_alloc_system);
	struct netns_failure failure;
	struct stack_stats stats;
	struct ponto_grant grant;
	uint8_t packet[HEADER], ip[16];
	struct stack *stack;
	struct netns ns;

	(void)state;
	NEEDS_NAMESPACES();
	assert_ok(netns_open(&ns, &failure));
	grant = (struct ponto_grant){.name = "tun/x", .fd = ns.tun, .address = take_address};
	assert_ok(stack_create_host(&env, &settings, &grant, &stack));
	assert_int_equal(stack_kind(stack), STACK_HOST);
	segment(packet, 1, 0x10, 0);
	packet[5] = sizeof(packet) - 40;
	memcpy(ip, packet + 24, 16);
	assert_ok(stack_address(stack, ip));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		uint64_t before;

		stack_stats(stack, &stats);
		before = stats.in;
		packet[6] = rows[i].next;
		packet[40] = rows[i].first;
		stack_input(stack, ponto_bytes(packet, sizeof(packet)));
		stack_flush(stack);
		stack_stats(stack, &stats);
		if ((stats.in != before) != rows[i].in)
			fail_msg("next header %u, first byte %u", rows[i].next, rows[i].first);
	}
	stack_destroy(stack);
	/* The interface was lent. */
	assert_true(fcntl(ns.tun, F_GETFD) >= 0);
	netns_close(&ns);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checksums_are_completed_wherever_they_are),
	cmocka_unit_test(the_machine_gets_what_hosts_say),
	cmocka_unit_test(the_caller_stays_where_it_is),
	cmocka_unit_test(nothing_is_left_behind),
	cmocka_unit_test(another_thread_may_have_it),
	cmocka_unit_test(nobody_may_do_it),
	cmocka_unit_test(where_it_is_forbidden_the_reason_is_told),
	cmocka_unit_test(running_out_of_descriptors_leaks_none),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
	cmocka_unit_test(what_is_cut_can_be_joined),
	cmocka_unit_test(what_has_no_room_is_not_cut),
	cmocka_unit_test(only_what_goes_on_is_joined),
	cmocka_unit_test(what_is_no_segment_is_told),
};

PONTO_TEST_MAIN(tests)
