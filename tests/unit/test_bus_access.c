/* Who reaches the bus: uids from the kernel, directories, the lock, CURVE keys. As root the other user is played by
 * uid 65534 in a child. */
#include "tests/unit/bus_fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zmq.h>

#define OTHER 65534

static void test_peer_addresses(void **state)
{
	static const char *const bad[] = {"", "localhost", "localhost:", "localhost:1:2", "localhost:1:2:3:4",
					  "localhost:1:2:3 ", "localhost:-1:2:3", "localhost:4294967296:2:3", "1:2:3",
					  "localhost:1:2:2147483648", "localhost:4294967295:2:3", "localhost:1::3"};
	uint32_t uid, gid;
	int32_t pid;

	(void)state;
	assert_ok(bus_peer_parse("localhost:1000:100:4242", &uid, &gid, &pid));
	assert_int_equal(uid, 1000);
	assert_int_equal(gid, 100);
	assert_int_equal(pid, 4242);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(bus_peer_parse(bad[i], &uid, &gid, &pid), PONTO_EPROTO);
}

static void test_who_is_allowed(void **state)
{
	struct bus_access access = {.own_uid = 1000};

	(void)state;
	assert_true(bus_access_local(&access, 0, 0));
	assert_true(bus_access_local(&access, 1000, 5));
	assert_false(bus_access_local(&access, 1001, 0));
	access.group_set = true;
	access.group = 7;
	access.members[access.member_count++] = 1002;
	assert_true(bus_access_local(&access, 1001, 7));
	assert_true(bus_access_local(&access, 1002, 9));
	assert_false(bus_access_local(&access, 1003, 9));
	assert_int_equal(bus_access_group(&access, "no-such-group-here"), PONTO_ENOENT);
}

/* The result of a call made as another user. */
static int call_as(struct bus_helper *h, struct bus_fixture *f, uid_t uid, gid_t gid, char text[512])
{
	bus_helper_call(h, f, uid, gid, "Who");
	return bus_helper_result(h, text);
}

static void test_another_user_is_refused(void **state)
{
	struct bus_helper helpers[3];
	struct bus_fixture f;
	char text[512];

	(void)state;
	if (getuid() != 0)
		skip();
	for (size_t i = 0; i < 3; i++)
		bus_helper_fork(&helpers[i]);
	bus_fixture_start(&f, NULL);
	assert_int_equal(call_as(&helpers[0], &f, OTHER, OTHER, text), PONTO_EACCES); /* by the directory's mode */
	assert_int_equal(chmod(f.dir, 0755), 0);
	assert_int_equal(chmod(f.path, 0666), 0);
	assert_int_equal(call_as(&helpers[1], &f, OTHER, OTHER, text), PONTO_EACCES); /* by its uid */
	assert_true(bus_fixture_counter(&f, "bus_refused_total") >= 1);
	assert_int_equal(atomic_load(&f.calls), 0);
	assert_ok(call_as(&helpers[2], &f, 0, 0, text));
	bus_fixture_stop(&f);
}

static void test_the_group_is_served(void **state)
{
	struct bus_fixture f;
	struct bus_helper helpers[2];
	char text[512];
	char expected[64];

	(void)state;
	if (getuid() != 0)
		skip();
	for (size_t i = 0; i < 2; i++)
		bus_helper_fork(&helpers[i]);
	bus_fixture_start(&f, NULL);
	bus_fixture_leave(&f);
	ponto_bus_destroy(f.bus);
	assert_int_equal(chmod(f.dir, 0755), 0);
	f.setup.group = "nogroup";
	snprintf(f.path, sizeof(f.path), "%s/run/bus", f.dir); /* its directory is made by the bus, for the group */
	snprintf(f.endpoint, sizeof(f.endpoint), "ipc://%s", f.path);
	assert_ok(ponto_bus_create(&f.setup, text, &f.bus));
	bus_fixture_join(&f);
	assert_ok(call_as(&helpers[0], &f, 12345, OTHER, text));
	snprintf(expected, sizeof(expected), "12345 ");
	assert_memory_equal(text, expected, strlen(expected));
	assert_non_null(strstr(text, " 0 ")); /* not an administrator */
	assert_int_equal(call_as(&helpers[1], &f, 12345, 12345, text), PONTO_EACCES);
	bus_fixture_stop(&f);
}

static void test_second_bind_is_refused(void **state)
{
	struct bus_fixture f;
	struct ponto_client *client;
	struct ponto_bus *second;
	char reason[256], text[512];

	(void)state;
	bus_fixture_start(&f, NULL);
	client = bus_fixture_client(&f);
	assert_int_equal(ponto_bus_create(&f.setup, reason, &second), PONTO_ELOCKED);
	assert_non_null(strstr(reason, "another daemon holds"));
	assert_ok(bus_fixture_call(client, "Echo", "mine", 60000, text)); /* and the first still has its socket */
	ponto_client_destroy(client);
	client = bus_fixture_client(&f);
	assert_ok(bus_fixture_call(client, "Echo", "mine", 60000, text));
	ponto_client_destroy(client);
	bus_fixture_stop(&f);
}

static int create_at(struct bus_fixture *f, const char *path, char reason[256])
{
	struct ponto_bus *bus = NULL;
	int result;

	f->setup.endpoint = path;
	result = ponto_bus_create(&f->setup, reason, &bus);
	ponto_bus_destroy(bus);
	return result;
}

static void test_directories(void **state)
{
	struct bus_fixture f;
	char path[160], reason[256], dir[120];
	struct stat st;
	int fd;

	(void)state;
	bus_fixture_start(&f, NULL);
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	snprintf(dir, sizeof(dir), "%.100s/made", f.dir);
	snprintf(path, sizeof(path), "%s/bus", dir);
	assert_ok(create_at(&f, path, reason));
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);

	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(create_at(&f, path, reason), PONTO_EINVAL);
	assert_non_null(strstr(reason, "open to others"));
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(create_at(&f, path, reason), PONTO_EINVAL);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_int_equal(create_at(&f, path, reason), PONTO_EINVAL);
	assert_non_null(strstr(reason, "not the one configured"));
	assert_int_equal(chmod(dir, 0700), 0);
	if (getuid() == 0) {
		assert_int_equal(chown(dir, OTHER, (gid_t)-1), 0);
		assert_int_equal(create_at(&f, path, reason), PONTO_EINVAL);
		assert_non_null(strstr(reason, "belongs to user"));
		assert_int_equal(chown(dir, 0, (gid_t)-1), 0);
	}

	/* what is no socket stays */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(create_at(&f, path, reason), PONTO_EINVAL);
	assert_non_null(strstr(reason, "not a socket"));
	assert_int_equal(unlink(path), 0);
	bus_fixture_stop(&f);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct bus_fixture f;
	char path[100], reason[256];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	bus_fixture_start(&f, NULL);
	snprintf(path, sizeof(path), "%.80s/old", f.dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* its file stays, as after a kill */
	assert_int_equal(access(path, F_OK), 0);
	assert_ok(create_at(&f, path, reason));
	bus_fixture_stop(&f);
}

static void test_endpoints(void **state)
{
	char out[PONTO_ENDPOINT_SIZE], events[BUS_EVENTS_SIZE], reason[256], path[160];

	(void)state;
	assert_ok(ponto_bus_endpoint("/a/b", reason, out));
	assert_string_equal(out, "ipc:///a/b");
	assert_ok(bus_endpoint_events(out, events));
	assert_string_equal(events, "ipc:///a/b-events");
	assert_ok(ponto_bus_endpoint("tcp://[::1]:4000", reason, out));
	assert_ok(bus_endpoint_events(out, events));
	assert_string_equal(events, "tcp://[::1]:4001");
	assert_int_equal(ponto_bus_endpoint("ipc://relative", reason, out), PONTO_EINVAL);
	assert_int_equal(ponto_bus_endpoint("udp://x:1", reason, out), PONTO_EINVAL);
	assert_int_equal(bus_endpoint_events("tcp://x:0", events), PONTO_EINVAL);
	assert_int_equal(bus_endpoint_events("tcp://x:65535", events), PONTO_EINVAL);
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[101] = '\0';
	assert_int_equal(ponto_bus_endpoint(path, reason, out), PONTO_EINVAL);
	assert_non_null(strstr(reason, "at most"));
	path[100] = '\0';
	assert_ok(ponto_bus_endpoint(path, reason, out));
	assert_int_equal(setenv("PONTO_ENDPOINT", "/from/environment", 1), 0);
	assert_string_equal(ponto_bus_default_endpoint(out), "ipc:///from/environment");
	unsetenv("PONTO_ENDPOINT");
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "/run/ponto", 1), 0);
	assert_string_equal(ponto_bus_own_endpoint(out), "ipc:///run/ponto/bus/socket");
	unsetenv("RUNTIME_DIRECTORY");
}

/* ---- remote administration ------------------------------------------------------------ */

struct curve {
	char key_file[128], clients_file[128], mine[128], remote[32];
	char public_key[41];
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Two free ports in a row: whoever else takes them in between makes create fail, and the next are tried. */
static int create_remote(struct bus_fixture *f, struct curve *c, char reason[256])
{
	int result = PONTO_EIO;

	for (unsigned port = 20000 + (unsigned)getpid() % 20000, tries = 0; result == PONTO_EIO && tries < 50; tries++) {
		snprintf(c->remote, sizeof(c->remote), "tcp://127.0.0.1:%u", (port + 2 * tries) & 0xffff);
		result = ponto_bus_create(&f->setup, reason, &f->bus);
	}
	return result;
}

static void curve_start(struct bus_fixture *f, struct curve *c)
{
	char secret[41], public_key[41], line[96], reason[256];

	bus_fixture_start(f, NULL);
	bus_fixture_leave(f);
	ponto_bus_destroy(f->bus);
	f->bus = NULL;
	snprintf(c->key_file, sizeof(c->key_file), "%.100s/server.key", f->dir);
	snprintf(c->clients_file, sizeof(c->clients_file), "%.100s/clients", f->dir);
	snprintf(c->mine, sizeof(c->mine), "%.100s/mine.key", f->dir);
	assert_int_equal(zmq_curve_keypair(public_key, secret), 0);
	write_file(c->mine, secret);
	snprintf(line, sizeof(line), "# administrators\n\n%s # me\n", public_key);
	write_file(c->clients_file, line);
	f->setup.curve_key_file = c->key_file;
	f->setup.curve_clients = c->clients_file;
	f->setup.remote = c->remote;
	if (create_remote(f, c, reason) != PONTO_OK)
		fail_msg("%s", reason);
	bus_fixture_join(f);
	assert_ok(bus_curve_secret(c->key_file, false, reason, secret, c->public_key));
}

static void test_curve_accepts_the_permitted_key(void **state)
{
	struct ponto_client_setup setup = {.alloc = &ponto_alloc_system};
	struct ponto_client *client;
	struct bus_fixture f;
	struct curve c;
	char text[512], expected[32];

	(void)state;
	curve_start(&f, &c);
	setup.endpoint = c.remote;
	setup.curve_server_key = c.public_key;
	setup.curve_secret_file = c.mine;
	assert_ok(ponto_client_create(&setup, &client));
	assert_ok(bus_fixture_call(client, "Who", "", 60000, text));
	snprintf(expected, sizeof(expected), "%u 0 1 ", (unsigned)geteuid());
	assert_memory_equal(text, expected, strlen(expected));
	assert_ok(ponto_client_subscribe(client, "echo."));
	ponto_client_destroy(client);
	bus_fixture_await(&f.gone, 1);
	bus_fixture_stop(&f);
}

static void test_curve_refuses_others(void **state)
{
	struct ponto_client_setup setup = {.alloc = &ponto_alloc_system};
	char secret[41], public_key[41], text[512];
	struct ponto_client *client;
	struct bus_fixture f;
	struct curve c;

	(void)state;
	curve_start(&f, &c);
	assert_int_equal(zmq_curve_keypair(public_key, secret), 0);
	write_file(c.mine, secret); /* a key that nobody permitted */
	setup.endpoint = c.remote;
	setup.curve_server_key = c.public_key;
	setup.curve_secret_file = c.mine;
	assert_ok(ponto_client_create(&setup, &client));
	assert_int_equal(bus_fixture_call(client, "Who", "", 60000, text), PONTO_EACCES);
	ponto_client_destroy(client);
	setup.curve_server_key = public_key; /* and a server that is not the one meant */
	assert_ok(ponto_client_create(&setup, &client));
	assert_int_not_equal(bus_fixture_call(client, "Who", "", 60000, text), PONTO_OK);
	ponto_client_destroy(client);
	assert_int_equal(atomic_load(&f.calls), 0);
	bus_fixture_stop(&f);
}

static void test_curve_files(void **state)
{
	char secret[41], public_key[41], reason[256], path[128];
	struct bus_access access = {0};
	char *dir = ponto_test_mkdir();
	struct bus_fixture f;
	struct ponto_bus *bus;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%.100s/key", dir);
	assert_int_equal(bus_curve_secret(path, false, reason, secret, public_key), PONTO_EACCES);
	assert_ok(bus_curve_secret(path, true, reason, secret, public_key));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(bus_curve_secret(path, true, reason, secret, public_key), PONTO_EACCES);
	assert_int_equal(chmod(path, 0600), 0);
	write_file(path, "short");
	assert_int_equal(bus_curve_secret(path, true, reason, secret, public_key), PONTO_EINVAL);
	assert_int_equal(bus_curve_clients(path, &access, reason), PONTO_EINVAL);
	assert_non_null(strstr(reason, ":1:"));
	ponto_test_rmdir(dir);

	bus_fixture_start(&f, NULL);
	f.setup.remote = "tcp://127.0.0.1:9999";
	snprintf(path, sizeof(path), "%.90s/other", f.dir);
	f.setup.endpoint = path;
	assert_int_equal(ponto_bus_create(&f.setup, reason, &bus), PONTO_EINVAL);
	assert_non_null(strstr(reason, "key file"));
	bus_fixture_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_addresses),
		cmocka_unit_test(test_who_is_allowed),
		cmocka_unit_test(test_another_user_is_refused),
		cmocka_unit_test(test_the_group_is_served),
		cmocka_unit_test(test_second_bind_is_refused),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_stale_socket_is_replaced),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_curve_accepts_the_permitted_key),
		cmocka_unit_test(test_curve_refuses_others),
		cmocka_unit_test(test_curve_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
