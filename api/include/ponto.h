/* What Ponto offers beside the names of Windows. */
#ifndef PONTO_WIN32_PONTO_H
#define PONTO_WIN32_PONTO_H

#include <winbase.h>

PONTO_BEGIN_DECLS

/* A descriptor that is readable while the object is signalled, for poll and the like; never read it: waiting is what
 * resets an event. It stays the library's and lasts as long as the handle. -1 with ERROR_INVALID_HANDLE, or
 * ERROR_NOT_SUPPORTED for an object that nobody can wait for. */
int PontoHandleFd(HANDLE handle);

/* UTF-16 of a list that ends in NULL, such as the arguments of main; bytes that are no UTF-8 become U+FFFD. One block, freed
 * by LocalFree. gives; NULL with ERROR_NOT_ENOUGH_MEMORY */
WCHAR **PontoWideArguments(char *const *texts);

PONTO_END_DECLS

#endif
