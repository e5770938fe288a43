/* SetConsoleCtrlHandler: the signals of a terminal, handed to a thread that calls the handlers. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <wincon.h>
#include <winbase.h>

#define HANDLERS 16

static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

static struct {
	pthread_mutex_t lock;
	PHANDLER_ROUTINE handlers[HANDLERS];
	unsigned int count;
	int pipe[2];
	bool started;
} console = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_signal(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;
	ssize_t written = write(console.pipe[1], &byte, 1);

	(void)written;
	errno = saved;
}

static DWORD type_of(int number)
{
	return number == SIGINT ? CTRL_C_EVENT : number == SIGQUIT ? CTRL_BREAK_EVENT : CTRL_CLOSE_EVENT;
}

/* Last first; a copy, so that a handler may add or remove. */
static bool handled(int number)
{
	PHANDLER_ROUTINE copy[HANDLERS];
	unsigned int count;

	pthread_mutex_lock(&console.lock);
	count = console.count;
	memcpy(copy, console.handlers, sizeof(copy));
	pthread_mutex_unlock(&console.lock);
	while (count > 0)
		if (copy[--count](type_of(number)))
			return true;
	return false;
}

static void *deliver(void *unused)
{
	unsigned char number;
	sigset_t one;

	(void)unused;
	pthread_setname_np(pthread_self(), "ponto-console");
	for (;;) {
		if (read(console.pipe[0], &number, 1) != 1 || handled(number))
			continue;
		signal(number, SIG_DFL);
		sigemptyset(&one);
		sigaddset(&one, number);
		pthread_sigmask(SIG_UNBLOCK, &one, NULL);
		raise(number);
	}
	return NULL;
}

/* The thread that delivers, once. Under the lock. */
static bool start(void)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	if (console.started)
		return true;
	if (pipe2(console.pipe, O_CLOEXEC) != 0)
		return false;
	/* A full pipe must not stop the program inside of a signal. */
	fcntl(console.pipe[1], F_SETFL, O_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, deliver, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		close(console.pipe[0]);
		close(console.pipe[1]);
		return false;
	}
	pthread_detach(thread);
	console.started = true;
	return true;
}

static void take_signals(bool take)
{
	struct sigaction action = {.sa_handler = take ? on_signal : SIG_DFL, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static BOOL add_handler(PHANDLER_ROUTINE handler)
{
	if (console.count == HANDLERS || !start()) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return FALSE;
	}
	console.handlers[console.count++] = handler;
	if (console.count == 1)
		take_signals(true);
	return TRUE;
}

static BOOL remove_handler(PHANDLER_ROUTINE handler)
{
	for (unsigned int i = console.count; i > 0; i--) {
		if (console.handlers[i - 1] != handler)
			continue;
		memmove(&console.handlers[i - 1], &console.handlers[i],
			(console.count - i) * sizeof(console.handlers[0]));
		if (--console.count == 0)
			take_signals(false);
		return TRUE;
	}
	SetLastError(ERROR_INVALID_PARAMETER);
	return FALSE;
}

BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
{
	BOOL done = TRUE;

	pthread_mutex_lock(&console.lock);
	if (!handler)
		signal(SIGINT, add ? SIG_IGN : console.count ? on_signal : SIG_DFL);
	else
		done = add ? add_handler(handler) : remove_handler(handler);
	pthread_mutex_unlock(&console.lock);
	return done;
}
