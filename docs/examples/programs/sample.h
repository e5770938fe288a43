/* What the samples share: errors in words, and an event that Ctrl+C sets. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <p2p.h>
#include <stdio.h>

static HANDLE g_hQuit; /* manual reset */

/* hr is an HRESULT or a Win32 code. */
static inline void PrintError(PCWSTR pwzWhat, DWORD hr)
{
	PWSTR pwzText = NULL;
	DWORD cch;

	cch = FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
				    FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
			    NULL, hr, 0, (LPWSTR)&pwzText, 0, NULL);
	fwprintf(stderr, L"%s: 0x%08lx %s\n", pwzWhat, hr, cch ? pwzText : L"");
	LocalFree(pwzText);
}

static BOOL WINAPI OnControl(DWORD dwType)
{
	UNREFERENCED_PARAMETER(dwType);
	SetEvent(g_hQuit);
	return TRUE;
}

/* Makes the event. */
static inline BOOL CatchControl(void)
{
	g_hQuit = CreateEvent(NULL, TRUE, FALSE, NULL);
	return g_hQuit && SetConsoleCtrlHandler(OnControl, TRUE);
}

/* An address with its port, in a buffer of the caller's. */
static inline PCWSTR AddressText(SOCKADDR *pAddress, WCHAR wzText[80])
{
	DWORD cch = 80;
	DWORD cb = pAddress->sa_family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6);

	return WSAAddressToString(pAddress, cb, NULL, wzText, &cch) == 0 ? wzText : L"?";
}

#endif
