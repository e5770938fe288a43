/* Included before every source of libponto that test_memory is made of: their allocations are the test's to refuse. */
#ifndef PONTO_TESTS_FAILING_MEMORY_H
#define PONTO_TESTS_FAILING_MEMORY_H

#include <stdlib.h>
#include <string.h>

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *block, size_t size);
char *failing_strdup(const char *text);

#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#undef strdup
#define strdup failing_strdup
#define ponto_alloc_system failing_alloc_system

#endif
