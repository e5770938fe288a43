#include "api/peer/block.h"

#include <stdlib.h>
#include <string.h>

#include "api/peer/text.h"

bool peer_block_alloc(struct peer_block *b)
{
	size_t size = b->used;

	*b = (struct peer_block){.data = calloc(1, size ? size : 1), .size = size};
	return b->data != NULL;
}

bool peer_block_into(struct peer_block *b, void *buffer, size_t room)
{
	size_t size = b->used;

	if (room < size)
		return false;
	*b = (struct peer_block){.data = memset(buffer, 0, size), .size = size};
	return true;
}

void *peer_block_take(struct peer_block *b, size_t size)
{
	size_t at = b->used;

	b->used += (size + 7) & ~(size_t)7;
	return b->data ? b->data + at : NULL;
}

PWSTR peer_block_text(struct peer_block *b, const char *text)
{
	WCHAR *out;

	if (!text)
		return NULL;
	out = peer_block_take(b, peer_text_units(text) * sizeof(*out));
	if (out)
		peer_text_write(text, out);
	return out;
}

void *peer_block_bytes(struct peer_block *b, const void *data, size_t len)
{
	void *out = len ? peer_block_take(b, len) : NULL;

	return out ? memcpy(out, data, len) : NULL;
}

VOID WINAPI PeerFreeData(LPCVOID data)
{
	free((void *)(uintptr_t)data);
}
