/* What the tests of the Windows interfaces share. They are compiled as programs are, with 16-bit wchar_t. */
#ifndef PONTO_TESTS_UNIT_WIN32_TEST_H
#define PONTO_TESTS_UNIT_WIN32_TEST_H

#include "tests/support/test.h"

#include <windows.h>
#include <stdio.h>
#include <wchar.h>

/* Equal as text; both are printed when not. */
#define assert_wide_equal(a, b)                                                                                        \
	do {                                                                                                           \
		const WCHAR *wide_a_ = (a), *wide_b_ = (b);                                                            \
		if (wcscmp(wide_a_, wide_b_) != 0) {                                                                   \
			fprintf(stderr, "\"%S\" is not \"%S\"\n", wide_a_, wide_b_);                                   \
			assert_true(wcscmp(wide_a_, wide_b_) == 0);                                                    \
		}                                                                                                      \
	} while (0)

/* The call fails and the last error is code. */
#define assert_fails(call, code)                                                                                       \
	do {                                                                                                           \
		SetLastError(0xdead);                                                                                  \
		assert_false(call);                                                                                    \
		assert_int_equal(GetLastError(), (DWORD)(code));                                                       \
	} while (0)

#endif
