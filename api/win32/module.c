/* Modules: the Windows libraries of which parts are here are libponto itself; others are the host's. */
#include "api/win32/module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <winbase.h>

#include "api/crt/utf16.h"

/* Handles of the program and of libponto are addresses that no dlopen returns. */
static char program, ourselves;

static bool is_ours(const char *name)
{
	static const char *const names[] = {"p2p",    "peerdist", "pnrpnsp", "ws2_32", "kernel32", "advapi32",
					    "rpcrt4", "ntdll",	 "user32", "msvcrt",   "ponto"};
	const char *slash = strrchr(name, '\\'), *dot;
	size_t len;

	if (slash)
		name = slash + 1;
	dot = strrchr(name, '.');
	len = dot && strcasecmp(dot, ".dll") == 0 ? (size_t)(dot - name) : strlen(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

bool module_has_messages(HMODULE module)
{
	return module == (HMODULE)&ourselves;
}

HMODULE WINAPI GetModuleHandleA(LPCSTR name)
{
	void *found;

	if (!name)
		return &program;
	if (is_ours(name))
		return &ourselves;
	found = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
	if (!found) {
		SetLastError(ERROR_MOD_NOT_FOUND);
		return NULL;
	}
	/* What is not counted here stays loaded by whoever loaded it. */
	dlclose(found);
	return found;
}

HMODULE WINAPI LoadLibraryA(LPCSTR name)
{
	void *found;

	if (!name) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (is_ours(name))
		return &ourselves;
	found = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!found)
		SetLastError(ERROR_MOD_NOT_FOUND);
	return found;
}

static HMODULE wide(HMODULE (*function)(LPCSTR), LPCWSTR name)
{
	char *narrow = utf8_dup(name);
	HMODULE module = NULL;

	if (narrow)
		module = function(narrow);
	else
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	free(narrow);
	return module;
}

HMODULE WINAPI GetModuleHandleW(LPCWSTR name)
{
	return name ? wide(GetModuleHandleA, name) : &program;
}

HMODULE WINAPI LoadLibraryW(LPCWSTR name)
{
	return name ? wide(LoadLibraryA, name) : LoadLibraryA(NULL);
}

HMODULE WINAPI LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags)
{
	(void)flags;
	if (!file)
		return LoadLibraryW(name);
	SetLastError(ERROR_INVALID_PARAMETER);
	return NULL;
}

BOOL WINAPI FreeLibrary(HMODULE module)
{
	if (module == (HMODULE)&program || module == (HMODULE)&ourselves)
		return TRUE;
	if (module && dlclose(module) == 0)
		return TRUE;
	SetLastError(ERROR_INVALID_HANDLE);
	return FALSE;
}

/* A handle on libponto wherever it is loaded: the object that holds this function. */
static void *own_handle(void)
{
	Dl_info info;

	return dladdr(&ourselves, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

FARPROC WINAPI GetProcAddress(HMODULE module, LPCSTR name)
{
	bool own = module == (HMODULE)&ourselves;
	void *handle = own ? own_handle() : module == (HMODULE)&program ? RTLD_DEFAULT : module;
	void *found = NULL;

	/* A name below 64 KiB is an ordinal. */
	if ((uintptr_t)name > 0xffff && (handle || module == (HMODULE)&program))
		found = dlsym(handle, name);
	if (own && handle)
		dlclose(handle);
	if (!found)
		SetLastError(ERROR_PROC_NOT_FOUND);
	return (FARPROC)(uintptr_t)found;
}

/* The path of a module in out; false: none. */
static bool path_of(HMODULE module, char *out, size_t room)
{
	Dl_info info;
	ssize_t len;

	if (!module || module == (HMODULE)&program) {
		len = readlink("/proc/self/exe", out, room - 1);
		if (len < 0)
			return false;
		out[len] = 0;
		return true;
	}
	if (module != (HMODULE)&ourselves || !dladdr(&ourselves, &info) || strlen(info.dli_fname) >= room)
		return false;
	strcpy(out, info.dli_fname);
	return true;
}

DWORD WINAPI GetModuleFileNameW(HMODULE module, LPWSTR name, DWORD size)
{
	char path[4096];
	struct utf_result result;

	if (!name || size == 0) {
		SetLastError(ERROR_INSUFFICIENT_BUFFER);
		return 0;
	}
	if (!path_of(module, path, sizeof(path))) {
		SetLastError(ERROR_MOD_NOT_FOUND);
		return 0;
	}
	result = utf16_from_utf8(path, strlen(path), name, size - 1);
	name[result.written] = 0;
	if (result.written == result.total)
		return (DWORD)result.total;
	SetLastError(ERROR_INSUFFICIENT_BUFFER);
	return size;
}
