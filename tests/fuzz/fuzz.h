/* Ponto fuzz targets: what libFuzzer and the corpus replayer call. */
#ifndef PONTO_TESTS_FUZZ_FUZZ_H
#define PONTO_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0. A property that does not hold ends the process (FUZZ_REQUIRE), as a sanitizer's finding does. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(condition)                                                                      \
	do {                                                                                         \
		if (!(condition)) {                                                                  \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                     \
		}                                                                                    \
	} while (0)

#endif
