/* The base types and the words around declarations. */
#ifndef PONTO_WIN32_WINDEF_H
#define PONTO_WIN32_WINDEF_H

#include <basetsd.h>
#include <guiddef.h>
#include <sal.h>
#include <sdkddkver.h>

#define WINAPI
#define WINAPIV
#define APIENTRY WINAPI
#define CALLBACK
#define PASCAL
#define NTAPI
#define STDMETHODCALLTYPE
#define STDAPICALLTYPE
#define WINBASEAPI
#define DECLSPEC_IMPORT
#define __cdecl
#define _cdecl
#define __stdcall
#define _stdcall
#define __fastcall
#define __clrcall
#define __forceinline static inline __attribute__((always_inline))
#ifndef FORCEINLINE
#define FORCEINLINE static inline __attribute__((always_inline))
#endif
#define CONST const
#define IN
#define OUT
#define OPTIONAL
#define FAR
#define NEAR
#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif
#define UNREFERENCED_PARAMETER(p) ((void)(p))
#define DECLARE_HANDLE(name)    \
	struct name##__ {       \
		int unused;     \
	};                      \
	typedef struct name##__ *name

typedef void *PVOID, *LPVOID, *HANDLE, **PHANDLE, **LPHANDLE, **SPHANDLE;
typedef const void *LPCVOID, *PCVOID;
#define VOID void

typedef char CHAR, CCHAR, *PCHAR, *LPCH, *PCH, *LPSTR, *PSTR, *NPSTR, **LPPSTR;
typedef const char *LPCCH, *PCCH, *LPCSTR, *PCSTR;
typedef unsigned char UCHAR, *PUCHAR, BYTE, *PBYTE, *LPBYTE, BOOLEAN, *PBOOLEAN;
typedef const unsigned char *LPCBYTE, *PCBYTE;
typedef short SHORT, *PSHORT;
typedef unsigned short USHORT, *PUSHORT, WORD, *PWORD, *LPWORD, ATOM;
typedef int INT, *PINT, *LPINT, BOOL, *PBOOL, *LPBOOL, LONG, *PLONG, *LPLONG, HRESULT;
typedef unsigned int UINT, *PUINT, DWORD, *PDWORD, *LPDWORD, ULONG, *PULONG, LCID, *PLCID, ACCESS_MASK;
typedef unsigned short LANGID;
typedef long long LONGLONG, *PLONGLONG;
typedef unsigned long long ULONGLONG, *PULONGLONG, DWORDLONG, *PDWORDLONG;
typedef float FLOAT, *PFLOAT;
typedef double DOUBLE;

typedef WCHAR *PWCHAR, *LPWCH, *PWCH, *LPWSTR, *PWSTR, *NWPSTR, **LPPWSTR, *BSTR, OLECHAR, *LPOLESTR;
typedef const WCHAR *LPCWCH, *PCWCH, *LPCWSTR, *PCWSTR, *LPCOLESTR;
typedef PWSTR *PZPWSTR;
typedef const PWSTR *PCZPWSTR;

#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR, *PTSTR, *LPTSTR;
typedef LPCWSTR PCTSTR, LPCTSTR;
#define __TEXT(quote) PONTO_WIDE(quote)
#else
typedef char TCHAR, *PTCHAR, *PTSTR, *LPTSTR;
typedef LPCSTR PCTSTR, LPCTSTR;
#define __TEXT(quote) quote
#endif
#define TEXT(quote) __TEXT(quote)

typedef HANDLE HINSTANCE, HMODULE, HGLOBAL, HLOCAL, HKEY, HWND, HMENU, HICON, HRSRC;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM, LRESULT;
typedef INT_PTR (*FARPROC)(void);
typedef INT_PTR (*PROC)(void);

typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef union _LARGE_INTEGER {
	struct {
		DWORD LowPart;
		LONG HighPart;
	};
	struct {
		DWORD LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
	struct {
		DWORD LowPart;
		DWORD HighPart;
	};
	struct {
		DWORD LowPart;
		DWORD HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#define MAX_PATH 260

#define MAKEWORD(low, high) ((WORD)(((BYTE)((DWORD_PTR)(low) & 0xff)) | ((WORD)((BYTE)((DWORD_PTR)(high) & 0xff))) << 8))
#define MAKELONG(low, high) ((LONG)(((WORD)((DWORD_PTR)(low) & 0xffff)) | ((DWORD)((WORD)((DWORD_PTR)(high) & 0xffff))) << 16))
#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w) ((BYTE)((DWORD_PTR)(w) & 0xff))
#define HIBYTE(w) ((BYTE)(((DWORD_PTR)(w) >> 8) & 0xff))

#if !defined(NOMINMAX) && !defined(__cplusplus)
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif

#endif
