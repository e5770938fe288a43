/* UUIDs. */
#ifndef PONTO_WIN32_RPCDCE_H
#define PONTO_WIN32_RPCDCE_H

#include <windef.h>
#include <winerror.h>

#define RPC_ENTRY
typedef int RPC_STATUS;
typedef unsigned char *RPC_CSTR;
typedef WCHAR *RPC_WSTR;

PONTO_BEGIN_DECLS

/* A random UUID of version 4. */
RPC_STATUS RPC_ENTRY UuidCreate(_Out_ UUID *uuid);
/* Lower-case text of 36 characters, freed by RpcStringFree; uuid NULL stands for all zeros. RPC_S_OUT_OF_MEMORY. */
RPC_STATUS RPC_ENTRY UuidToStringW(_In_opt_ const UUID *uuid, _Outptr_ RPC_WSTR *text);
RPC_STATUS RPC_ENTRY UuidToStringA(_In_opt_ const UUID *uuid, _Outptr_ RPC_CSTR *text);
/* text NULL gives all zeros. RPC_S_INVALID_STRING_UUID, *uuid untouched. */
RPC_STATUS RPC_ENTRY UuidFromStringW(_In_opt_ RPC_WSTR text, _Out_ UUID *uuid);
RPC_STATUS RPC_ENTRY UuidFromStringA(_In_opt_ RPC_CSTR text, _Out_ UUID *uuid);
/* Sets *text to NULL. */
RPC_STATUS RPC_ENTRY RpcStringFreeW(_Inout_ RPC_WSTR *text);
RPC_STATUS RPC_ENTRY RpcStringFreeA(_Inout_ RPC_CSTR *text);

PONTO_END_DECLS

#ifdef UNICODE
#define UuidToString UuidToStringW
#define UuidFromString UuidFromStringW
#define RpcStringFree RpcStringFreeW
#else
#define UuidToString UuidToStringA
#define UuidFromString UuidFromStringA
#define RpcStringFree RpcStringFreeA
#endif

#endif
