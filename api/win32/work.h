/* Work for threads of the library: they are started as they are needed, named "ponto", take no signals, and end when
 * idle for some seconds. */
#ifndef PONTO_API_WIN32_WORK_H
#define PONTO_API_WIN32_WORK_H

#include <stdbool.h>

/* Runs run(context) on a thread of its own choice. False: no memory or no thread; run is not called then. */
bool work_run(void (*run)(void *context), void *context);

#endif
