/* What console programs ask of their console. */
#ifndef PONTO_WIN32_WINCON_H
#define PONTO_WIN32_WINCON_H

#include <windef.h>

#define CTRL_C_EVENT 0
#define CTRL_BREAK_EVENT 1
#define CTRL_CLOSE_EVENT 2
#define CTRL_LOGOFF_EVENT 5
#define CTRL_SHUTDOWN_EVENT 6

typedef BOOL(WINAPI *PHANDLER_ROUTINE)(DWORD type);

PONTO_BEGIN_DECLS

/* Handlers are called last first, on a thread of the library, until one returns TRUE; when none does the signal ends the
 * process as if nobody had handled it. SIGINT is CTRL_C_EVENT, SIGTERM and SIGHUP CTRL_CLOSE_EVENT, SIGQUIT
 * CTRL_BREAK_EVENT. handler NULL: add TRUE ignores Ctrl-C, FALSE heeds it again. At most 16 handlers
 * (ERROR_NOT_ENOUGH_MEMORY); removing one that is not there is ERROR_INVALID_PARAMETER. */
BOOL WINAPI SetConsoleCtrlHandler(_In_opt_ PHANDLER_ROUTINE handler, BOOL add);

PONTO_END_DECLS

#endif
