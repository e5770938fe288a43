/* Passwords, from wherever they come. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "apps/ponto/cli.h"

static int prompt(const char *text, char out[CLI_PASSWORD])
{
	struct termios saved, silent;
	FILE *tty = fopen("/dev/tty", "r+");
	int status = CLI_OK;

	if (!tty)
		return cli_fail(CLI_USAGE, "no terminal to ask on: use --password-file FILE or $PONTO_PASSWORD");
	fprintf(tty, "%s: ", text);
	fflush(tty);
	if (tcgetattr(fileno(tty), &saved) != 0) {
		fclose(tty);
		return cli_fail(CLI_NO, "/dev/tty: %s", strerror(errno));
	}
	silent = saved;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	if (!fgets(out, CLI_PASSWORD, tty))
		status = cli_fail(CLI_NO, "no password given");
	tcsetattr(fileno(tty), TCSAFLUSH, &saved);
	fputc('\n', tty);
	fclose(tty);
	out[strcspn(out, "\n")] = '\0';
	return status;
}

/* From the file, the environment or the terminal, in that order. */
int cli_password(const char *file, bool twice, char out[CLI_PASSWORD])
{
	const char *given = getenv("PONTO_PASSWORD");
	char again[CLI_PASSWORD];
	int status;

	if (file) {
		uint8_t *data;
		size_t len;

		status = cli_read_file(file, CLI_PASSWORD - 1, &data, &len);
		if (status != CLI_OK)
			return status;
		snprintf(out, CLI_PASSWORD, "%.*s", (int)len, (const char *)data);
		out[strcspn(out, "\r\n")] = '\0';
		ponto_wipe(data, len);
		free(data);
	} else if (given) {
		if (strlen(given) >= CLI_PASSWORD)
			return cli_fail(CLI_USAGE, "the password is longer than %d bytes", CLI_PASSWORD - 1);
		snprintf(out, CLI_PASSWORD, "%s", given);
	} else {
		status = prompt("Password", out);
		if (status == CLI_OK && twice) {
			status = prompt("Again", again);
			if (status == CLI_OK && strcmp(out, again) != 0)
				status = cli_fail(CLI_NO, "the two passwords differ");
			ponto_wipe(again, sizeof(again));
		}
		if (status != CLI_OK)
			return status;
	}
	return *out ? CLI_OK : cli_fail(CLI_USAGE, "the password is empty");
}
