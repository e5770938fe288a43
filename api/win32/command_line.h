/* Command lines: one text on Windows, separate arguments here. Pure. */
#ifndef PONTO_API_WIN32_COMMAND_LINE_H
#define PONTO_API_WIN32_COMMAND_LINE_H

#include <stddef.h>

/* Splits by the rules of Windows' C library: blanks separate; quotes keep blanks; 2n backslashes before a quote are n
 * and the quote counts, 2n+1 are n and the quote is text; two quotes inside of quotes are one. The first argument knows
 * no backslashes. gives one block, an array that ends in NULL; NULL when memory is refused */
char **command_line_split(const char *line);

/* The reverse, so that splitting gives the same again. gives; NULL when memory is refused */
char *command_line_join(char *const *arguments);

#endif
