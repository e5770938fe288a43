/* Running ponto-map: started, read, and ended when its time is over or its result no longer wanted. */
#include "plugins/mapping-gateway/mg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAP_MS 10000	/* a search, a description, two or three calls */
#define NATPMP_MS 7000
#define UNMAP_MS 1000
#define CANCELLED_MS 500 /* what is nearly done may end by itself, so that it can be given back */
#define LINE 640

/* Of this file alone: how long a process may run is no time of the node's, and passes in no simulation. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int start(const char *program, char *const argv[], int out, pid_t *pid)
{
	static char *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	if (posix_spawn_file_actions_init(&actions))
		return PONTO_ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return PONTO_ENOMEM;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (!error)
		error = posix_spawn(pid, program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (!error)
		return PONTO_OK;
	return error == ENOMEM || error == EAGAIN ? PONTO_ENOMEM : PONTO_ENOENT;
}

/* Its output until it ends, until a time, or until it is too much. *cancelled: the owner wants an end. */
static size_t read_all(const struct mg_job *job, int in, int64_t until, uint8_t line[LINE], bool *cancelled)
{
	struct pollfd p[2] = {{.fd = in, .events = POLLIN}, {.fd = job->cancel, .events = POLLIN}};
	size_t len = 0;

	for (;;) {
		int64_t left = until - now_ms();
		ssize_t got;

		if (left <= 0)
			return 0;
		if (poll(p, *cancelled ? 1 : 2, (int)left) < 0 && errno != EINTR)
			return 0;
		if (!*cancelled && p[1].revents) {
			*cancelled = true;
			if (until > now_ms() + CANCELLED_MS)
				until = now_ms() + CANCELLED_MS;
		}
		if (!p[0].revents)
			continue;
		got = read(in, line + len, LINE - len);
		if (got == 0)
			return len;
		if (got < 0 && errno != EINTR)
			return 0;
		len += got > 0 ? (size_t)got : 0;
		if (len == LINE)
			return 0; /* it does not write that much */
	}
}

static void run_once(struct mg_job *job, char *const argv[], int64_t ms, struct mg_answer *out, bool *cancelled)
{
	int64_t until = now_ms() + ms;
	uint8_t line[LINE];
	int ends[2], status;
	size_t len = 0;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	if (pipe2(ends, O_CLOEXEC) < 0) {
		snprintf(out->words, sizeof(out->words), "no descriptor is left");
		return;
	}
	if (start(job->program, argv, ends[1], &pid) != PONTO_OK) {
		close(ends[0]);
		close(ends[1]);
		snprintf(out->words, sizeof(out->words), "ponto-map cannot be started");
		return;
	}
	close(ends[1]);
	len = read_all(job, ends[0], until, line, cancelled);
	close(ends[0]);
	kill(pid, SIGKILL); /* it is not reaped yet: its number is its own */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (len)
		mg_answer_read(ponto_bytes(line, len), out);
	else
		snprintf(out->words, sizeof(out->words), "%s",
			 now_ms() >= until ? "it took too long" : "what was answered cannot be used");
}

static void run_task(struct mg_job *job, const struct mg_task *t, int64_t ms, struct mg_answer *out, bool *cancelled)
{
	char gateway[PONTO_ADDR_TEXT], local[PONTO_ADDR_TEXT], port[8], external[8], lifetime[16];
	struct ponto_addr g = t->gateway, l = t->local;
	const char *argv[] = {"ponto-map", t->protocol == MG_NATPMP ? "natpmp" : "upnp", t->unmap ? "unmap" : "map",
			      gateway, local, t->transport == 6 ? "tcp" : "udp", port, external, lifetime,
			      t->exact ? "exact" : "any", t->description, t->control[0] ? t->control : "-",
			      t->type[0] ? t->type : "-", NULL};

	g.port = l.port = 0;
	ponto_addr_format(&g, gateway);
	ponto_addr_format(&l, local);
	snprintf(port, sizeof(port), "%u", t->local.port);
	snprintf(external, sizeof(external), "%u", t->external);
	snprintf(lifetime, sizeof(lifetime), "%lu", (unsigned long)t->lifetime);
	run_once(job, (char *const *)(uintptr_t)argv, ms, out, cancelled);
}

void mg_job_run(void *arg)
{
	struct mg_job *job = arg;
	struct mg_task back = job->task;
	bool cancelled = false;

	run_task(job, &job->task, back.unmap ? UNMAP_MS : back.protocol == MG_NATPMP ? NATPMP_MS : MAP_MS, &job->answer,
		 &cancelled);
	if (!cancelled || back.unmap || job->answer.kind != MG_ANSWER_HELD)
		return;
	back.unmap = true;
	back.external = job->answer.external.port;
	memcpy(back.control, job->answer.control, sizeof(back.control));
	memcpy(back.type, job->answer.type, sizeof(back.type));
	run_task(job, &back, UNMAP_MS, &job->answer, &cancelled);
	job->answer.kind = MG_ANSWER_GIVEN_BACK; /* no second try: the node waits */
}
