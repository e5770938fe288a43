/* The heap: the host's. */
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <winbase.h>

static char heap;

static void *allocate(SIZE_T size, bool zero)
{
	void *block = zero ? calloc(1, size ? size : 1) : malloc(size ? size : 1);

	if (!block)
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return block;
}

HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size)
{
	return allocate(size, flags & LMEM_ZEROINIT);
}

HLOCAL WINAPI LocalFree(HLOCAL block)
{
	free(block);
	return NULL;
}

HANDLE WINAPI GetProcessHeap(void)
{
	return &heap;
}

static bool is_heap(HANDLE handle)
{
	if (handle == &heap)
		return true;
	SetLastError(ERROR_INVALID_HANDLE);
	return false;
}

LPVOID WINAPI HeapAlloc(HANDLE handle, DWORD flags, SIZE_T size)
{
	return is_heap(handle) ? allocate(size, flags & HEAP_ZERO_MEMORY) : NULL;
}

LPVOID WINAPI HeapReAlloc(HANDLE handle, DWORD flags, LPVOID block, SIZE_T size)
{
	size_t before;
	void *grown;

	if (!is_heap(handle))
		return NULL;
	if (!block) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	before = malloc_usable_size(block);
	grown = realloc(block, size ? size : 1);
	if (!grown) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	/* All that is not the caller's is kept zero, so that growing into it finds zeros. */
	if (flags & HEAP_ZERO_MEMORY) {
		size_t kept = size < before ? size : before;

		memset((char *)grown + kept, 0, malloc_usable_size(grown) - kept);
	}
	return grown;
}

BOOL WINAPI HeapFree(HANDLE handle, DWORD flags, LPVOID block)
{
	(void)flags;
	if (!is_heap(handle))
		return FALSE;
	free(block);
	return TRUE;
}

/* What can be used, which may be more than what was asked for. */
SIZE_T WINAPI HeapSize(HANDLE handle, DWORD flags, LPCVOID block)
{
	(void)flags;
	return is_heap(handle) ? malloc_usable_size((void *)block) : (SIZE_T)-1;
}
