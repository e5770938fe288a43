/* libnss_pnrp as glibc calls it, before a daemon that does what it is told: statuses, the caller's buffer, a host
 * program that stays as it was. The packets of the daemon come from protobuf-c, which reads the requests too. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/nss-pnrp/resolve_client.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

enum nss_status _nss_pnrp_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp);
enum nss_status _nss_pnrp_gethostbyname3_r(const char *name, int af, struct hostent *host, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp, char **canonp);
enum nss_status _nss_pnrp_gethostbyname2_r(const char *name, int af, struct hostent *host, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop);
enum nss_status _nss_pnrp_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t buflen,
					  int *errnop, int *h_errnop);

/* ---- a daemon that does what it is told ---------------------------------------------- */

enum manner {
	ANSWERS,
	ANSWERS_SLOWLY,
	BEGINS,
	IS_SILENT,
	CLOSES,
	CLOSES_UNREAD,
	SAYS_NONSENSE,
	SAYS_TOO_MUCH,
	ONLY_LISTENS
};

static struct {
	enum manner manner;
	int result;
	const char *const *addresses;
	int fd, stop[2];
	pthread_t thread;
	atomic_uint questions;
	char host[300];
} fake;

/* "address" or "address port"; gives malloc'd bytes */
static uint8_t *pack_answer(int result, const char *const *addresses, size_t *len)
{
	Ponto__Node__V1__ResolveAnswer answer = PONTO__NODE__V1__RESOLVE_ANSWER__INIT;
	Ponto__Pnrp__V1__ResolveReply reply = PONTO__PNRP__V1__RESOLVE_REPLY__INIT;
	Ponto__Pnrp__V1__Match match = PONTO__PNRP__V1__MATCH__INIT, *matches[] = {&match};
	Ponto__Pnrp__V1__Endpoint endpoints[32], *list[32];
	uint8_t *packet;
	size_t n = 0;

	for (; addresses && addresses[n]; n++) {
		ponto__pnrp__v1__endpoint__init(&endpoints[n]);
		endpoints[n].address = (char *)(uintptr_t)addresses[n];
		endpoints[n].port = (uint32_t)n;
		list[n] = &endpoints[n];
	}
	match.name = match.cloud = match.id = (char *)(uintptr_t) "x";
	match.comment = (char *)(uintptr_t) "skipped";
	match.endpoint = list;
	match.n_endpoint = n;
	reply.match = matches;
	reply.n_match = 1;
	reply.walks = 1;
	answer.result = result;
	answer.has_payload = result == PONTO_OK;
	answer.payload.len = ponto__pnrp__v1__resolve_reply__get_packed_size(&reply);
	answer.payload.data = malloc(answer.payload.len);
	ponto__pnrp__v1__resolve_reply__pack(&reply, answer.payload.data);
	*len = ponto__node__v1__resolve_answer__get_packed_size(&answer);
	packet = malloc(*len);
	ponto__node__v1__resolve_answer__pack(&answer, packet);
	free(answer.payload.data);
	return packet;
}

static void serve(int fd)
{
	static const uint8_t pending[] = {0x08, 0x00, 0x20, 0x01};
	Ponto__Pnrp__V1__ResolveRequest *request;
	uint8_t data[4096], *packet;
	static uint8_t large[20000];
	ssize_t got;
	size_t len;

	if (fake.manner == CLOSES_UNREAD)
		return;
	got = recv(fd, data, sizeof(data), 0);
	if (got <= 0)
		return;
	request = ponto__pnrp__v1__resolve_request__unpack(NULL, (size_t)got, data);
	snprintf(fake.host, sizeof(fake.host), "%s", request && request->host ? request->host : "?");
	if (request)
		ponto__pnrp__v1__resolve_request__free_unpacked(request, NULL);
	switch (fake.manner) {
	case ANSWERS_SLOWLY:
		for (unsigned i = 0; i < 10; i++) {
			(void)send(fd, pending, sizeof(pending), MSG_NOSIGNAL);
			poll(NULL, 0, 50);
		}
		/* fall through */
	case ANSWERS:
		packet = pack_answer(fake.result, fake.addresses, &len);
		(void)send(fd, packet, len, MSG_NOSIGNAL);
		free(packet);
		break;
	case BEGINS:
		(void)send(fd, pending, sizeof(pending), MSG_NOSIGNAL);
		break;
	case SAYS_NONSENSE:
		(void)send(fd, "nonsense", 8, MSG_NOSIGNAL);
		break;
	case SAYS_TOO_MUCH:
		(void)send(fd, large, sizeof(large), MSG_NOSIGNAL);
		break;
	default:
		break;
	}
	if (fake.manner != CLOSES)
		(void)recv(fd, data, 1, 0); /* until the client has gone */
}

static void *serve_all(void *arg)
{
	struct pollfd p[2] = {{.fd = fake.fd, .events = POLLIN}, {.fd = fake.stop[0], .events = POLLIN}};

	(void)arg;
	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		int fd = accept4(fake.fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		fake.questions++;
		serve(fd);
		close(fd);
	}
	return NULL;
}

static void start(enum manner manner, int result, const char *const *addresses)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "resolve"};

	memset(&fake, 0, sizeof(fake));
	fake.manner = manner;
	fake.result = result;
	fake.addresses = addresses;
	unlink("resolve");
	fake.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fake.fd, manner == ONLY_LISTENS ? 0 : 64), 0);
	assert_int_equal(pipe(fake.stop), 0);
	if (manner != ONLY_LISTENS)
		assert_int_equal(pthread_create(&fake.thread, NULL, serve_all, NULL), 0);
}

static void stop(void)
{
	assert_int_equal(write(fake.stop[1], "x", 1), 1);
	if (fake.manner != ONLY_LISTENS)
		assert_int_equal(pthread_join(fake.thread, NULL), 0);
	close(fake.stop[0]);
	close(fake.stop[1]);
	close(fake.fd);
	unlink("resolve");
}

/* ---- a host program ---------------------------------------------------------------------- */

struct look_up {
	enum nss_status status;
	int error, h_error;
	struct gaih_addrtuple *first;
	char buffer[2048];
};

/* Asks again when a daemon that answers was not heard of in time: on a busy machine that is nobody's fault. */
static enum nss_status look_up(const char *name, struct look_up *l)
{
	bool answers = fake.manner <= ANSWERS_SLOWLY && fake.result == PONTO_OK;

	do {
		memset(l, 0, sizeof(*l));
		errno = EDOM;
		l->status = _nss_pnrp_gethostbyname4_r(name, &l->first, l->buffer, sizeof(l->buffer), &l->error,
						       &l->h_error, NULL);
		assert_int_equal(errno, EDOM);
	} while (answers && l->status == NSS_STATUS_TRYAGAIN && l->error == EAGAIN);
	return l->status;
}

static void fails(const char *name, enum nss_status status, int error, int h_error)
{
	struct look_up l;

	assert_int_equal(look_up(name, &l), status);
	assert_int_equal(l.error, error);
	assert_int_equal(l.h_error, h_error);
	assert_null(l.first);
}

static const char *const one[] = {"2001:db8::1", NULL};

static void addresses_come_once_and_with_their_zone(void **state)
{
	static const char *const several[] = {"2001:db8::1", "fe80::2%7", "2001:db8::1", "::3", "fe80::2%8", NULL};
	static const char *const expected[] = {"2001:db8::1", "fe80::2", "::3", "fe80::2"};
	static const uint32_t scopes[] = {0, 7, 0, 8};
	struct gaih_addrtuple room = {0}, *given = &room;
	struct look_up l;
	unsigned i = 0;

	(void)state;
	start(ANSWERS, PONTO_OK, several);
	assert_int_equal(look_up("Alice.PNRP.net", &l), NSS_STATUS_SUCCESS);
	assert_string_equal(fake.host, "Alice.PNRP.net");
	for (struct gaih_addrtuple *t = l.first; t; t = t->next, i++) {
		uint8_t ip[16];

		assert_true(i < 4);
		assert_int_equal(inet_pton(AF_INET6, expected[i], ip), 1);
		assert_memory_equal(t->addr, ip, 16);
		assert_int_equal(t->family, AF_INET6);
		assert_int_equal(t->scopeid, scopes[i]);
		assert_string_equal(t->name, "Alice.PNRP.net");
	}
	assert_int_equal(i, 4);
	/* glibc's own room for the first */
	assert_int_equal(_nss_pnrp_gethostbyname4_r("a.pnrp.net", &given, l.buffer, sizeof(l.buffer), &l.error,
						    &l.h_error, NULL),
			 NSS_STATUS_SUCCESS);
	assert_ptr_equal(given, &room);
	assert_string_equal(room.name, "a.pnrp.net");
	assert_non_null(room.next);
	stop();
}

static void the_older_functions_answer_too(void **state)
{
	struct hostent host;
	char buffer[1024], *canon = NULL;
	int error, h_error;
	int32_t ttl = 9;

	(void)state;
	start(ANSWERS, PONTO_OK, one);
	assert_int_equal(_nss_pnrp_gethostbyname3_r("a.pnrp.net", AF_INET6, &host, buffer, sizeof(buffer), &error,
						    &h_error, &ttl, &canon),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(host.h_name, "a.pnrp.net");
	assert_string_equal(canon, "a.pnrp.net");
	assert_int_equal(ttl, 0);
	assert_null(host.h_aliases[0]);
	assert_int_equal(host.h_addrtype, AF_INET6);
	assert_int_equal(host.h_length, 16);
	assert_non_null(host.h_addr_list[0]);
	assert_null(host.h_addr_list[1]);
	assert_int_equal(
		_nss_pnrp_gethostbyname2_r("a.pnrp.net", AF_INET6, &host, buffer, sizeof(buffer), &error, &h_error),
		NSS_STATUS_SUCCESS);
	assert_int_equal(fake.questions, 2);
	assert_int_equal(
		_nss_pnrp_gethostbyname2_r("a.pnrp.net", AF_INET, &host, buffer, sizeof(buffer), &error, &h_error),
		NSS_STATUS_NOTFOUND);
	assert_int_equal(error, ENOENT);
	assert_int_equal(h_error, NO_DATA);
	assert_int_equal(_nss_pnrp_gethostbyname_r("a.pnrp.net", &host, buffer, sizeof(buffer), &error, &h_error),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(h_error, NO_DATA);
	assert_int_equal(_nss_pnrp_gethostbyname_r("a.example", &host, buffer, sizeof(buffer), &error, &h_error),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(h_error, HOST_NOT_FOUND);
	assert_int_equal(fake.questions, 2);
	stop();
}

static void names_of_others_are_not_asked_for(void **state)
{
	static const char *const others[] = {
		"", ".", "a", "a.example", "pnrp.net", ".pnrp.net", "apnrp.net", "a.pnrp.net.x", "a.pnrp.net.."};
	char large[400];

	(void)state;
	start(ANSWERS, PONTO_OK, one);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(others); i++)
		fails(others[i], NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND);
	memset(large, 'x', sizeof(large));
	strcpy(large + sizeof(large) - 10, ".pnrp.net");
	fails(large, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND);
	assert_int_equal(fake.questions, 0);
	memset(large, 'x', sizeof(large));
	strcpy(large + 253 - 9, ".pnrp.net");
	assert_int_equal(look_up(large, &(struct look_up){0}), NSS_STATUS_SUCCESS);
	assert_string_equal(fake.host, large);
	stop();
}

/* At every size the buffer is enough or not, and nothing beyond it is touched. */
static void a_small_buffer_is_erange(void **state)
{
	static const char *const two[] = {"2001:db8::1", "2001:db8::2", NULL};
	bool enough4 = false, enough3 = false;

	(void)state;
	start(ANSWERS, PONTO_OK, two);
	for (size_t size = 0; size < 300; size++) {
		char *buffer = malloc(size ? size : 1); /* ASan watches its end */
		struct gaih_addrtuple *first = NULL;
		struct hostent host;
		int error = 0, h_error = 0;
		enum nss_status status =
			_nss_pnrp_gethostbyname4_r("a.pnrp.net", &first, buffer, size, &error, &h_error, NULL);

		assert_true(status == NSS_STATUS_SUCCESS || (!enough4 && status == NSS_STATUS_TRYAGAIN &&
							     error == ERANGE && h_error == NETDB_INTERNAL));
		enough4 = status == NSS_STATUS_SUCCESS;
		status = _nss_pnrp_gethostbyname2_r("a.pnrp.net", AF_INET6, &host, buffer, size, &error, &h_error);
		assert_true(status == NSS_STATUS_SUCCESS || (!enough3 && status == NSS_STATUS_TRYAGAIN &&
							     error == ERANGE && h_error == NETDB_INTERNAL));
		enough3 = status == NSS_STATUS_SUCCESS;
		free(buffer);
	}
	assert_true(enough3 && enough4);
	stop();
}

static void what_the_daemon_says_is_a_status(void **state)
{
	static const struct {
		int result;
		enum nss_status status;
		int error, h_error;
	} rows[] = {
		{PONTO_ENOENT, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND},
		{PONTO_EINVAL, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND},
		{PONTO_EAUTH, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND},
		{PONTO_EBUSY, NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN},
		{PONTO_ETIME, NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN},
		{PONTO_OK, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND}, /* with no address at all */
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		start(ANSWERS, rows[i].result, NULL);
		fails("a.pnrp.net", rows[i].status, rows[i].error, rows[i].h_error);
		stop();
	}
	start(SAYS_NONSENSE, 0, NULL);
	fails("a.pnrp.net", NSS_STATUS_UNAVAIL, EBADMSG, NO_RECOVERY);
	stop();
	start(SAYS_TOO_MUCH, 0, NULL);
	fails("a.pnrp.net", NSS_STATUS_UNAVAIL, EBADMSG, NO_RECOVERY);
	stop();
}

/* Not before its patience is at an end, and far sooner than a daemon at work is given up. */
static void gives_up(void)
{
	uint64_t begun = ponto_mono(&ponto_clock_system);

	fails("a.pnrp.net", NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN);
	assert_in_range(ponto_mono(&ponto_clock_system) - begun, (RESOLVE_PATIENCE_MS - 10) * PONTO_MS,
			RESOLVE_LIMIT_MS * PONTO_MS - 1);
}

/* What the time is made of, since time itself cannot be tested on a busy machine: one question for all families, on one
 * connection, with one patience; a daemon that stops in the middle of its work adds what it worked. */
static void a_silent_daemon_costs_200_ms(void **state)
{
	struct hostent host;
	char buffer[1024];
	int error, h_error;

	(void)state;
	assert_true(RESOLVE_PATIENCE_MS <= 150);
	assert_true(RESOLVE_BEAT_MS + RESOLVE_PATIENCE_MS <= 200);
	assert_true(RESOLVE_PATIENCE_MS >= 3 * RESOLVE_BEAT_MS); /* two lost words are none */
	start(IS_SILENT, 0, NULL);
	fails("a.pnrp.net", NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN);
	assert_int_equal(
		_nss_pnrp_gethostbyname2_r("a.pnrp.net", AF_INET, &host, buffer, sizeof(buffer), &error, &h_error),
		NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_pnrp_gethostbyname_r("a.pnrp.net", &host, buffer, sizeof(buffer), &error, &h_error),
			 NSS_STATUS_NOTFOUND);
	stop();
	assert_int_equal(fake.questions, 1);
}

static void a_dead_daemon_costs_little(void **state)
{
	int fill[8];

	(void)state;
	unlink("resolve");
	fails("a.pnrp.net", NSS_STATUS_UNAVAIL, ENOENT, NO_RECOVERY);
	start(CLOSES, 0, NULL);
	fails("a.pnrp.net", NSS_STATUS_UNAVAIL, ECONNRESET, NO_RECOVERY);
	stop();
	start(CLOSES_UNREAD, 0, NULL);
	{
		struct look_up l;

		assert_int_equal(look_up("a.pnrp.net", &l), NSS_STATUS_UNAVAIL);
		assert_true(l.error == ECONNRESET || l.error == EPIPE);
	}
	stop();
	start(IS_SILENT, 0, NULL);
	gives_up();
	stop();
	start(BEGINS, 0, NULL);
	gives_up();
	stop();
	start(ONLY_LISTENS, 0, NULL);
	for (unsigned i = 0; i < 8; i++) { /* its queue is full */
		struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "resolve"};

		fill[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fill[i], (struct sockaddr *)&address, sizeof(address));
	}
	gives_up();
	for (unsigned i = 0; i < 8; i++)
		close(fill[i]);
	stop();
}

static void a_daemon_at_work_is_waited_for(void **state)
{
	struct look_up l;

	(void)state;
	start(ANSWERS_SLOWLY, PONTO_OK, one);
	assert_int_equal(look_up("a.pnrp.net", &l), NSS_STATUS_SUCCESS);
	stop();
}

/* ---- the host program stays as it was ---------------------------------------------------- */

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void signals_of(struct sigaction out[32])
{
	for (int i = 1; i < 32; i++)
		assert_int_equal(sigaction(i, NULL, &out[i]), 0);
}

static void nothing_is_left_behind(void **state)
{
	static const enum manner manners[] = {ANSWERS, CLOSES, CLOSES_UNREAD, SAYS_NONSENSE, SAYS_TOO_MUCH, IS_SILENT};
	static struct sigaction before[32], after[32];
	struct look_up l;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(manners); i++) {
		unsigned fds, threads;
		int cancel;

		start(manners[i], PONTO_OK, one);
		fds = entries("/proc/self/fd");
		threads = entries("/proc/self/task");
		signals_of(before);
		for (unsigned n = 0; n < 5; n++)
			look_up("a.pnrp.net", &l);
		for (unsigned n = 0; n < 500 && entries("/proc/self/fd") != fds; n++)
			poll(NULL, 0, 10); /* the daemon's own end is in this process too */
		assert_int_equal(entries("/proc/self/fd"), fds);
		assert_int_equal(entries("/proc/self/task"), threads);
		signals_of(after);
		for (int n = 1; n < 32; n++) {
			assert_ptr_equal(before[n].sa_handler, after[n].sa_handler);
			assert_int_equal(before[n].sa_flags, after[n].sa_flags);
		}
		assert_int_equal(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel), 0);
		assert_int_equal(cancel, PTHREAD_CANCEL_ENABLE);
		stop();
	}
}

static void *many_look_ups(void *arg)
{
	for (unsigned i = 0; i < 50; i++) {
		struct look_up l;

		if (look_up("a.pnrp.net", &l) != NSS_STATUS_SUCCESS || l.first->next)
			*(unsigned *)arg += 1;
	}
	return NULL;
}

static void threads_and_children_may_ask(void **state)
{
	pthread_t threads[8];
	unsigned wrong[8] = {0};
	int status;
	pid_t child;

	(void)state;
	start(ANSWERS, PONTO_OK, one);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_look_ups, &wrong[i]), 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(wrong[i], 0);
	}
	child = fork();
	if (child == 0) {
		struct look_up l;

		_exit(look_up("a.pnrp.net", &l) == NSS_STATUS_SUCCESS ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(fake.questions >= 401);
	stop();
}

/* ---- packets -------------------------------------------------------------------------------- */

static void a_cut_answer_is_none(void **state)
{
	static const char *const two[] = {"2001:db8::1", "fe80::2%4294967295", NULL};
	static const char *const bad[] = {"",
					  "x",
					  "1.2.3.4",
					  "fe80::1%eth0",
					  "fe80::1%4294967296",
					  "fe80::1%-1",
					  "::1 ",
					  "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
	struct resolve_answer answer = {0};
	uint8_t *packet;
	size_t len;

	(void)state;
	packet = pack_answer(PONTO_OK, two, &len);
	assert_ok(resolve_answer_read(ponto_bytes(packet, len), &answer));
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.address[1].scope, UINT32_MAX);
	for (size_t i = 3; i < len; i++) {
		uint8_t *copy = malloc(i);

		memcpy(copy, packet, i);
		assert_int_equal(resolve_answer_read(ponto_bytes(copy, i), &answer), PONTO_EPROTO);
		free(copy);
	}
	free(packet);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		const char *const list[] = {bad[i], NULL};

		packet = pack_answer(PONTO_OK, list, &len);
		assert_int_equal(resolve_answer_read(ponto_bytes(packet, len), &answer), PONTO_EPROTO);
		free(packet);
	}
	assert_int_equal(resolve_answer_read(ponto_bytes(NULL, 0), &answer), PONTO_EPROTO);
}

static void more_addresses_than_fit_are_left_out(void **state)
{
	static char text[30][20];
	const char *list[31] = {0};
	struct resolve_answer answer;
	uint8_t *packet;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		snprintf(text[i], sizeof(text[i]), "::%x", i + 1);
		list[i] = text[i];
	}
	packet = pack_answer(PONTO_OK, list, &len);
	assert_ok(resolve_answer_read(ponto_bytes(packet, len), &answer));
	assert_int_equal(answer.count, RESOLVE_ADDRESSES);
	free(packet);
}

static char *directory;

static int in_a_directory(void **state)
{
	(void)state;
	directory = ponto_test_mkdir();
	return chdir(directory);
}

static int out_of_it(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	ponto_test_rmdir(directory);
	return 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(addresses_come_once_and_with_their_zone, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(the_older_functions_answer_too, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(names_of_others_are_not_asked_for, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(a_small_buffer_is_erange, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(what_the_daemon_says_is_a_status, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(a_dead_daemon_costs_little, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(a_silent_daemon_costs_200_ms, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(a_daemon_at_work_is_waited_for, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(nothing_is_left_behind, in_a_directory, out_of_it),
	cmocka_unit_test_setup_teardown(threads_and_children_may_ask, in_a_directory, out_of_it),
	cmocka_unit_test(a_cut_answer_is_none),
	cmocka_unit_test(more_addresses_than_fit_are_left_out),
};

PONTO_TEST_MAIN(tests)
