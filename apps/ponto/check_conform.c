#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/ponto/check.h"

#define PROGRAM "ponto-conform"

/* $PONTO_LIBEXEC if it is set, else beside this program (the build tree), else where it is installed. */
static bool find_program(char path[PATH_MAX])
{
	const char *given = getenv("PONTO_LIBEXEC");
	char self[PATH_MAX];
	ssize_t len;
	char *slash;

	if (given && given[0]) {
		snprintf(path, PATH_MAX, "%s/" PROGRAM, given);
		return access(path, X_OK) == 0;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = 0;
		slash = strrchr(self, '/');
		if (slash && snprintf(path, PATH_MAX, "%.*s/" PROGRAM, (int)(slash - self), self) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return true;
	}
	snprintf(path, PATH_MAX, "%s/" PROGRAM, PONTO_LIBEXEC_DIR);
	return access(path, X_OK) == 0;
}

/* Starts it with its output in *out. The pid, or -1. */
static pid_t start(const char *path, const char *what, FILE **out)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(path, PROGRAM, what, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*out = pid > 0 ? fdopen(ends[0], "r") : NULL;
	if (!*out)
		close(ends[0]);
	return pid;
}

/* What TAP has told so far: a result waits for the lines of explanation after it. */
struct tap {
	struct check *check;
	char sentence[256], why[512], noise[512]; /* noise: the last line that is no TAP */
	enum check_verdict verdict;
	unsigned planned, seen;
	bool waiting;
};

static void tell_waiting(struct tap *tap)
{
	if (tap->waiting)
		check_tell(tap->check, tap->sentence, tap->verdict, tap->why);
	tap->waiting = false;
}

static void take_result(struct tap *tap, const char *line, bool good)
{
	const char *skip = strstr(line, "# SKIP"), *name = strstr(line, " - ");
	int len;

	tell_waiting(tap);
	if (skip && (!name || skip < name)) /* "ok 3 # SKIP name", as cmocka has it */
		name = skip + strlen("# SKIP") + strspn(skip + strlen("# SKIP"), " ");
	else
		name = name ? name + strlen(" - ") : "";
	len = skip && skip > name ? (int)(skip - name) : (int)strlen(name);
	snprintf(tap->sentence, sizeof(tap->sentence), "%s contract: %.*s",
		 ponto_kind_name((enum ponto_kind)tap->check->plugin->kind), len, name);
	for (char *c = tap->sentence; *c; c++) {
		if (*c == '_')
			*c = ' ';
	}
	tap->verdict = skip ? CHECK_NOT_TRIED : good ? CHECK_HOLDS : CHECK_BROKEN;
	snprintf(tap->why, sizeof(tap->why), "%s", tap->verdict == CHECK_NOT_TRIED ? "does not apply to it" : "");
	tap->waiting = true;
	tap->seen++;
}

static void take_line(struct tap *tap, char *line)
{
	size_t used = strlen(tap->why);

	line[strcspn(line, "\r\n")] = 0;
	if (strncmp(line, "ok ", 3) == 0) {
		take_result(tap, line, true);
	} else if (strncmp(line, "not ok ", 7) == 0) {
		take_result(tap, line, false);
	} else if (sscanf(line, "1..%u", &tap->planned) == 1) {
		return;
	} else if (strncmp(line, "# ok", 4) == 0 || strncmp(line, "# not ok", 8) == 0) {
		return; /* the group's own summary */
	} else if (line[0] == '#' && tap->waiting && tap->verdict == CHECK_BROKEN) {
		line += strspn(line, "# ");
		if (line[0])
			snprintf(tap->why + used, sizeof(tap->why) - used, "%s%s", used ? " " : "", line);
	} else if (line[0] && line[0] != '#') {
		snprintf(tap->noise, sizeof(tap->noise), "%s", line);
	}
}

/* The last sentence: the suite came to its end. */
static void tell_end(struct tap *tap, int status)
{
	char sentence[64], why[640];

	snprintf(sentence, sizeof(sentence), "%s contract: was tried to the end",
		 ponto_kind_name((enum ponto_kind)tap->check->plugin->kind));
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "it was killed by signal %d after %u of %u", WTERMSIG(status), tap->seen,
			 tap->planned);
	else
		snprintf(why, sizeof(why), "%u of %u tried, exit status %d%s%s", tap->seen, tap->planned,
			 WEXITSTATUS(status), tap->noise[0] ? ": " : "", tap->noise);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1 || tap->planned == 0 || tap->seen != tap->planned)
		check_tell(tap->check, sentence, CHECK_BROKEN, why);
}

void check_conform(struct check *check)
{
	struct tap tap = {.check = check};
	char path[PATH_MAX], why[PATH_MAX + 64], *line = NULL;
	FILE *out = NULL;
	size_t size = 0;
	int status = 0;
	pid_t pid;

	if (!find_program(path)) {
		snprintf(why, sizeof(why), "not tried, because %s is not installed", path);
		check_tell(check, "the contract of its kind", CHECK_BROKEN, why);
		return;
	}
	pid = start(path, check->what, &out);
	while (out && getline(&line, &size, out) > 0)
		take_line(&tap, line);
	tell_waiting(&tap);
	free(line);
	if (out)
		fclose(out);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		check_tell(check, "the contract of its kind", CHECK_BROKEN, PROGRAM " cannot be run");
	else
		tell_end(&tap, status);
}
