/* Critical sections: recursive mutexes of the host, inside the caller's structure. */
#include <pthread.h>

#include <winbase.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(CRITICAL_SECTION), "the mutex fits");

static pthread_mutex_t *mutex_of(LPCRITICAL_SECTION section)
{
	return (pthread_mutex_t *)section;
}

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(mutex_of(section), &attributes);
	pthread_mutexattr_destroy(&attributes);
}

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
{
	(void)spins;
	InitializeCriticalSection(section);
	return TRUE;
}

void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_lock(mutex_of(section));
}

BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section)
{
	return pthread_mutex_trylock(mutex_of(section)) == 0;
}

void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_unlock(mutex_of(section));
}

void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_destroy(mutex_of(section));
}
