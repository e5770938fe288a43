/* GUID, and DEFINE_GUID: a declaration, or a definition from the inclusion of initguid.h on. DEFINE_GUID stands outside
 * of the guard: a header whose identifiers were only declared, included again after initguid.h, defines them. */
#include <pontobase.h>

#ifndef PONTO_WIN32_GUID
#define PONTO_WIN32_GUID

#include <string.h>

typedef struct _GUID {
	unsigned int Data1;
	unsigned short Data2;
	unsigned short Data3;
	unsigned char Data4[8];
} GUID, *LPGUID;

typedef const GUID *LPCGUID;
typedef GUID IID, CLSID, UUID, *LPIID, *LPCLSID;

#ifdef __cplusplus
#define REFGUID const GUID &
#define REFIID const IID &
#define REFCLSID const CLSID &

static inline int InlineIsEqualGUID(REFGUID a, REFGUID b)
{
	return memcmp(&a, &b, sizeof(GUID)) == 0;
}
#define IsEqualGUID(a, b) (memcmp(&(a), &(b), sizeof(GUID)) == 0)

static inline bool operator==(REFGUID a, REFGUID b)
{
	return memcmp(&a, &b, sizeof(GUID)) == 0;
}

static inline bool operator!=(REFGUID a, REFGUID b)
{
	return !(a == b);
}
#else
#define REFGUID const GUID *
#define REFIID const IID *
#define REFCLSID const CLSID *

static inline int InlineIsEqualGUID(REFGUID a, REFGUID b)
{
	return memcmp(a, b, sizeof(GUID)) == 0;
}
#define IsEqualGUID(a, b) (memcmp(a, b, sizeof(GUID)) == 0)
#endif
#define IsEqualIID(a, b) IsEqualGUID(a, b)
#define IsEqualCLSID(a, b) IsEqualGUID(a, b)

#ifdef __cplusplus
#define PONTO_EXTERN_C extern "C"
#else
#define PONTO_EXTERN_C extern
#endif
#endif

#ifdef DEFINE_GUID
#undef DEFINE_GUID
#endif
/* Weak, since several sources of one program may define the same identifier. */
#ifdef INITGUID
#ifdef __cplusplus
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                                        \
	PONTO_EXTERN_C const GUID name __attribute__((weak, visibility("default")));                       \
	PONTO_EXTERN_C const GUID name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                                        \
	extern const GUID name __attribute__((weak, visibility("default")));                               \
	const GUID name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#endif
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                                        \
	PONTO_EXTERN_C const GUID name __attribute__((visibility("default")))
#endif
