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
/* A definition may come again in one source, by a header included twice, and in several sources of one program: so it is
 * the assembler's, which skips a symbol it has seen, and weak. The function around it is never called. */
#ifndef PONTO_GUID_FUNCTION
#define PONTO_GUID_JOIN(a, b) a##b
#define PONTO_GUID_FUNCTION(n) PONTO_GUID_JOIN(ponto_define_guid_, n)
#endif
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                                                       \
	static void __attribute__((used, noinline)) PONTO_GUID_FUNCTION(__COUNTER__)(void)                                 \
	{                                                                                                                  \
		__asm__ volatile(".ifndef " #name "\n"                                                                     \
				 ".pushsection .rodata\n"                                                                  \
				 ".balign 4\n"                                                                             \
				 ".weak " #name "\n"                                                                       \
				 ".type " #name ", %%object\n"                                                             \
				 ".size " #name ", 16\n" #name ":\n"                                                       \
				 ".4byte %c0\n"                                                                            \
				 ".2byte %c1, %c2\n"                                                                       \
				 ".byte %c3, %c4, %c5, %c6, %c7, %c8, %c9, %c10\n"                                         \
				 ".popsection\n"                                                                           \
				 ".endif"                                                                                  \
				 :                                                                                         \
				 : "i"((unsigned int)(l)), "i"(w1), "i"(w2), "i"(b1), "i"(b2), "i"(b3), "i"(b4), "i"(b5),  \
				   "i"(b6), "i"(b7), "i"(b8));                                                             \
	}                                                                                                                  \
	PONTO_EXTERN_C const GUID name __attribute__((visibility("default")))
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
	PONTO_EXTERN_C const GUID name __attribute__((visibility("default")))
#endif
