/* StringCch* and StringCb*: the code is in strsafe.inc, once for each kind of character. */
#include <stdio.h>
#include <strsafe.h>
#include <wchar.h>

#include "api/crt/format.h"

static int read_wide(void)
{
	wint_t unit = ponto_getwchar();

	return unit == WEOF ? EOF : (int)unit;
}

#define CHAR WCHAR
#define NAME(function) function##W
#define FORMAT_BUFFER format_wide_buffer
#define WIDE true
#define READ read_wide
#include "api/crt/strsafe.inc"
#undef CHAR
#undef NAME
#undef FORMAT_BUFFER
#undef WIDE
#undef READ
#define CHAR char
#define NAME(function) function##A
#define FORMAT_BUFFER format_narrow_buffer
#define WIDE false
#define READ getchar
#include "api/crt/strsafe.inc"
