/* UUIDs and their text. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rpcdce.h>

#include "api/crt/utf16.h"
#include "framework/base.h"

#define UUID_TEXT 37

RPC_STATUS RPC_ENTRY UuidCreate(UUID *uuid)
{
	if (!uuid)
		return RPC_S_INVALID_ARG;
	ponto_random_system.fill(ponto_random_system.ctx, (uint8_t *)uuid, sizeof(*uuid));
	uuid->Data3 = (uuid->Data3 & 0x0fff) | 0x4000;
	uuid->Data4[0] = (uuid->Data4[0] & 0x3f) | 0x80;
	return RPC_S_OK;
}

static void format(const UUID *uuid, char out[UUID_TEXT])
{
	static const UUID zeros;
	const unsigned char *d;

	if (!uuid)
		uuid = &zeros;
	d = uuid->Data4;
	snprintf(out, UUID_TEXT, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", uuid->Data1, uuid->Data2,
		 uuid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

RPC_STATUS RPC_ENTRY UuidToStringW(const UUID *uuid, RPC_WSTR *text)
{
	char narrow[UUID_TEXT];

	if (!text)
		return RPC_S_INVALID_ARG;
	format(uuid, narrow);
	*text = utf16_dup(narrow);
	return *text ? RPC_S_OK : RPC_S_OUT_OF_MEMORY;
}

RPC_STATUS RPC_ENTRY UuidToStringA(const UUID *uuid, RPC_CSTR *text)
{
	char narrow[UUID_TEXT];

	if (!text)
		return RPC_S_INVALID_ARG;
	format(uuid, narrow);
	*text = (RPC_CSTR)strdup(narrow);
	return *text ? RPC_S_OK : RPC_S_OUT_OF_MEMORY;
}

static bool parse(const char *text, UUID *out)
{
	unsigned int d[8];
	UUID uuid;

	for (int i = 0; i < UUID_TEXT - 1; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	if (text[UUID_TEXT - 1])
		return false;
	sscanf(text, "%8x-%4hx-%4hx-%2x%2x-%2x%2x%2x%2x%2x%2x", &uuid.Data1, &uuid.Data2, &uuid.Data3, &d[0], &d[1],
	       &d[2], &d[3], &d[4], &d[5], &d[6], &d[7]);
	for (int i = 0; i < 8; i++)
		uuid.Data4[i] = (unsigned char)d[i];
	*out = uuid;
	return true;
}

RPC_STATUS RPC_ENTRY UuidFromStringA(RPC_CSTR text, UUID *uuid)
{
	if (!uuid)
		return RPC_S_INVALID_ARG;
	if (text)
		return parse((const char *)text, uuid) ? RPC_S_OK : RPC_S_INVALID_STRING_UUID;
	memset(uuid, 0, sizeof(*uuid));
	return RPC_S_OK;
}

RPC_STATUS RPC_ENTRY UuidFromStringW(RPC_WSTR text, UUID *uuid)
{
	char narrow[UUID_TEXT];
	struct utf_result result;

	if (!text || !uuid)
		return UuidFromStringA(NULL, uuid);
	result = utf8_from_utf16(text, utf16_len(text), narrow, sizeof(narrow) - 1);
	if (result.written < result.total)
		return RPC_S_INVALID_STRING_UUID;
	narrow[result.written] = 0;
	return UuidFromStringA((RPC_CSTR)narrow, uuid);
}

RPC_STATUS RPC_ENTRY RpcStringFreeW(RPC_WSTR *text)
{
	if (!text)
		return RPC_S_INVALID_ARG;
	free(*text);
	*text = NULL;
	return RPC_S_OK;
}

RPC_STATUS RPC_ENTRY RpcStringFreeA(RPC_CSTR *text)
{
	if (!text)
		return RPC_S_INVALID_ARG;
	free(*text);
	*text = NULL;
	return RPC_S_OK;
}
