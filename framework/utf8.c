#include "framework/utf8.h"

size_t utf8_decode(const char *text, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = (uint8_t)text[0];
	size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
	uint32_t v = len == 1 ? first : first & (0x7fu >> len);

	if (len == 0)
		return 0;
	for (size_t i = 1; i < len; i++) {
		uint8_t next = (uint8_t)text[i];

		if ((next & 0xc0) != 0x80) /* also stops at the terminating NUL */
			return 0;
		v = v << 6 | (next & 0x3f);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*point = v;
	return len;
}
