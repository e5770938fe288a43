/* Processes as objects, inside. */
#ifndef PONTO_API_WIN32_PROCESS_H
#define PONTO_API_WIN32_PROCESS_H

#include <sys/types.h>

#include "api/win32/handle.h"

/* The object of a process that was just started here and that only it may reap. NULL with the last error set. gives */
struct handle_object *process_adopt(pid_t pid);

#endif
