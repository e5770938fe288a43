/* The host's, Microsoft's narrow functions, and the wide ones. */
#ifndef PONTO_WIN32_STRING_H
#define PONTO_WIN32_STRING_H

#include_next <string.h>
#include <wchar.h>

PONTO_BEGIN_DECLS

int _stricmp(const char *a, const char *b);
int _strnicmp(const char *a, const char *b, size_t n);
char *_strdup(const char *s);
/* As their wide namesakes in wchar.h; sizes in bytes. */
errno_t strcpy_s(char *to, size_t size, const char *from);
errno_t strcat_s(char *to, size_t size, const char *from);
errno_t strncpy_s(char *to, size_t size, const char *from, size_t n);
errno_t strncat_s(char *to, size_t size, const char *from, size_t n);
errno_t memcpy_s(void *to, size_t size, const void *from, size_t n);
char *strtok_s(char *s, const char *delimiters, char **context);

PONTO_END_DECLS

#endif
