/* Threads as the C library of Windows starts them. */
#ifndef PONTO_WIN32_PROCESS_H
#define PONTO_WIN32_PROCESS_H

#include <windef.h>

PONTO_BEGIN_DECLS

/* A handle that CloseHandle closes, as CreateThread's; 0 with errno on failure. id may be NULL. */
uintptr_t _beginthreadex(void *security, unsigned int stack, unsigned int (*start)(void *), void *argument, unsigned int flags,
			 unsigned int *id);
__attribute__((noreturn)) void _endthreadex(unsigned int code);
int _getpid(void);

PONTO_END_DECLS

#endif
