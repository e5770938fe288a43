#include "apps/ponto/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int interrupt_pipe[2] = {-1, -1};
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	static const char byte;
	int saved = errno;

	(void)number;
	interrupted = 1;
	(void)!write(interrupt_pipe[1], &byte, 1);
	errno = saved;
}

void cli_catch_interrupts(struct cli *cli)
{
	struct sigaction action = {.sa_handler = on_signal};

	if (pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	ponto_client_set_cancel(cli->client, interrupt_pipe[0]);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
	return interrupted;
}
