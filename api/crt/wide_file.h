/* Wide text in files of UTF-8: see api/include/wchar.h. */
#ifndef PONTO_API_CRT_WIDE_FILE_H
#define PONTO_API_CRT_WIDE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include <pontobase.h>

/* Units one after the other into a file that the caller has locked; a pair of surrogates becomes one character. */
struct wide_writer {
	FILE *file;
	WCHAR high; /* the first of a pair whose second is awaited; 0: none */
};

void wide_writer_put(struct wide_writer *writer, WCHAR unit);

/* A lone surrogate at the end becomes U+FFFD. */
void wide_writer_end(struct wide_writer *writer);

/* The next character of a file that the caller has locked; EOF at its end. Malformed bytes give U+FFFD one by one. */
int wide_read(FILE *file);

#endif
