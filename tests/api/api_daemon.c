#include "tests/api/api_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int api_daemon_port(int n)
{
	return 20000 + (int)(getpid() % 20000) * 2 + n;
}

static void write_conf(const struct api_daemon *d)
{
	static const char loopback[] = "pnrp = { plugin = \"service-pnrp\"; scope = \"loopback\"; };";
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ponto.conf", d->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"node = { name = \"api\"; state = \"%s/state\"; socket = \"%s/run/bus\"; resolve_socket = \"off\"; };\n"
		"transports = { wide = { plugin = \"transport-udp6\"; port = %d; }; };\n"
		"stores = { main = { plugin = \"store-mem\"; }; };\n"
		"security = { id = { plugin = \"security-pki\"; %s }; };\n"
		"discovery = { };\n"
		"services = { %s };\n%s\n",
		d->dir, d->dir, api_daemon_port(0), d->security ? d->security : "iterations = 1000;",
		d->services ? d->services : loopback, d->groups ? d->groups : "");
	assert_int_equal(fclose(f), 0);
}

void api_daemon_init(struct api_daemon *d)
{
	char endpoint[4096];

	memset(d, 0, sizeof(*d));
	d->dir = ponto_test_mkdir();
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/run/bus", d->dir);
	assert_int_equal(setenv("PONTO_ENDPOINT", endpoint, 1), 0);
}

void api_daemon_clear(struct api_daemon *d)
{
	api_daemon_stop(d);
	ponto_test_rmdir(d->dir);
}

/* tell: and what else it says is printed. */
static bool log_says(const struct api_daemon *d, const char *text, bool tell)
{
	char path[4096], line[1024];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", d->dir);
	f = fopen(path, "r");
	while (f && !found && fgets(line, sizeof(line), f)) {
		found = strstr(line, text) != NULL;
		if (tell && !found)
			printf("# pontod: %s", line);
	}
	if (f)
		fclose(f);
	return found;
}

static void run_daemon(const struct api_daemon *d)
{
	const char *build = getenv("PONTO_BUILDDIR");
	char conf[4096], log[4096], program[4096];
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(program, sizeof(program), "%s/pontod", build ? build : ".");
	snprintf(conf, sizeof(conf), "%s/ponto.conf", d->dir);
	snprintf(log, sizeof(log), "%s/log", d->dir);
	fd = open(log, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	execl(program, program, "-c", conf, (char *)NULL);
	_exit(127);
}

static bool has_ended(const struct api_daemon *d)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

void api_daemon_start(struct api_daemon *d)
{
	char log[4096];

	write_conf(d);
	snprintf(log, sizeof(log), "%s/log", d->dir);
	(void)unlink(log);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0)
		run_daemon(d);
	API_AWAIT(log_says(d, "runs: state", false) || has_ended(d));
	assert_true(log_says(d, "runs: state", has_ended(d)));
}

static void end(struct api_daemon *d, int signal)
{
	if (!d->pid)
		return;
	assert_int_equal(kill(d->pid, signal), 0);
	assert_int_equal(waitpid(d->pid, NULL, 0), d->pid);
	d->pid = 0;
}

void api_daemon_stop(struct api_daemon *d)
{
	end(d, SIGTERM);
}

void api_daemon_kill(struct api_daemon *d)
{
	end(d, SIGKILL);
}
