/* Runs a program under a list of permitted system calls: under_filter FILE COMMAND [ARGUMENT...]. FILE has one name a
 * line; every other call fails with EPERM, as the unit's SystemCallErrorNumber says. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	FILE *file = argc > 2 ? fopen(argv[1], "re") : NULL;
	char name[64];

	if (!filter || !file) {
		fprintf(stderr, "usage: under_filter FILE COMMAND...\n");
		return 125;
	}
	while (fscanf(file, "%63s", name) == 1) {
		int number = seccomp_syscall_resolve_name(name);

		/* names of other architectures and of younger kernels: systemd passes over them, too */
		if (number >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) {
			fprintf(stderr, "under_filter: %s cannot be permitted\n", name);
			return 125;
		}
	}
	fclose(file);
	if (seccomp_load(filter) != 0) {
		fprintf(stderr, "under_filter: the filter cannot be loaded\n");
		return 125;
	}
	seccomp_release(filter);
	execv(argv[2], argv + 2);
	fprintf(stderr, "under_filter: %s: %s\n", argv[2], strerror(errno));
	return 126;
}
