/* What Ponto offers beside the names of Windows. */
#ifndef PONTO_WIN32_PONTO_H
#define PONTO_WIN32_PONTO_H

#include <winbase.h>

PONTO_BEGIN_DECLS

/* A descriptor that is readable while the object is signalled, for poll and the like; never read it: waiting is what
 * resets an event. It stays the library's and lasts as long as the handle. -1 with ERROR_INVALID_HANDLE, or
 * ERROR_NOT_SUPPORTED for an object that nobody can wait for. */
int PontoHandleFd(HANDLE handle);

PONTO_END_DECLS

#endif
