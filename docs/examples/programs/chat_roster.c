/* A chat room without a server: its roster is kept by events.
 *
 *     chat_roster ROOM NICKNAME
 *
 * Who is in the room registers the same unsecured peer name, with the nickname as its comment and the port of a
 * datagram socket. Every two seconds the name is resolved; each endpoint that is found sets an event, for which a
 * thread of the wait pool is called. Who appears and who is gone is told; what is typed goes to everyone.
 *
 * "/who" lists the room, "/quit", end of file and Ctrl+C leave it. */
#define UNICODE
#define _UNICODE
#include "sample.h"
#include <process.h>
#include <stdlib.h>
#include <strsafe.h>

#define MAX_NICK 40
#define MAX_LINE 256
#define ROUND_MS 2000
#define ROUNDS_MISSED 2 /* one answer may be lost */

typedef struct _MEMBER {
	struct _MEMBER *pNext;
	WCHAR wzNick[MAX_NICK];
	SOCKADDR_IN6 Address;
	UINT cMissed; /* rounds in a row */
} MEMBER, *PMEMBER;

static CRITICAL_SECTION g_csRoster; /* of the roster, and of the console */
static PMEMBER g_pRoster;
static HANDLE g_hFound; /* the resolve has something for us */
static HANDLE g_hRoundOver;
static HRESOLUTION g_hResolve;
static SOCKET g_socket = INVALID_SOCKET;
static WCHAR g_wzNick[MAX_NICK];
static WCHAR g_wzName[MAX_LINE];

/* ---- the roster ------------------------------------------------------------------------------ */

/* Under g_csRoster, as all that print. */
static void Say(PCWSTR pwzMark, const MEMBER *pMember)
{
	WCHAR wzText[80];

	wprintf(L"%s %s %s\n", pwzMark, pMember->wzNick, AddressText((SOCKADDR *)&pMember->Address, wzText));
	fflush(stdout);
}

static void Meet(const PEER_PNRP_ENDPOINT_INFO *pEndpoint)
{
	PMEMBER pMember;
	PCWSTR pwzNick = pEndpoint->pwzComment ? pEndpoint->pwzComment : L"";

	if (pEndpoint->cAddresses == 0 || pEndpoint->ppAddresses[0]->sa_family != AF_INET6)
		return;
	EnterCriticalSection(&g_csRoster);
	for (pMember = g_pRoster; pMember; pMember = pMember->pNext) {
		if (_wcsicmp(pMember->wzNick, pwzNick) == 0)
			break;
	}
	if (!pMember) {
		pMember = (PMEMBER)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*pMember));
		if (pMember) {
			StringCchCopy(pMember->wzNick, MAX_NICK, pwzNick);
			CopyMemory(&pMember->Address, pEndpoint->ppAddresses[0], sizeof(pMember->Address));
			pMember->pNext = g_pRoster;
			g_pRoster = pMember;
			Say(L"+", pMember);
		}
	} else { /* who came back may have another port */
		CopyMemory(&pMember->Address, pEndpoint->ppAddresses[0], sizeof(pMember->Address));
		pMember->cMissed = 0;
	}
	LeaveCriticalSection(&g_csRoster);
}

/* At the beginning of a round nobody has been seen; who missed too many is gone. */
static void Sweep(void)
{
	PMEMBER *ppMember = &g_pRoster;

	EnterCriticalSection(&g_csRoster);
	while (*ppMember) {
		PMEMBER pMember = *ppMember;

		if (pMember->cMissed++ < ROUNDS_MISSED) {
			ppMember = &pMember->pNext;
			continue;
		}
		Say(L"-", pMember);
		*ppMember = pMember->pNext;
		HeapFree(GetProcessHeap(), 0, pMember);
	}
	LeaveCriticalSection(&g_csRoster);
}

static void ListRoster(void)
{
	EnterCriticalSection(&g_csRoster);
	for (PMEMBER pMember = g_pRoster; pMember; pMember = pMember->pNext)
		Say(L"=", pMember);
	LeaveCriticalSection(&g_csRoster);
}

static void ForgetRoster(void)
{
	while (g_pRoster) {
		PMEMBER pNext = g_pRoster->pNext;

		HeapFree(GetProcessHeap(), 0, g_pRoster);
		g_pRoster = pNext;
	}
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* On a thread of the wait pool: one signal, one endpoint. */
static VOID CALLBACK OnFound(PVOID pvContext, BOOLEAN fTimedOut)
{
	PPEER_PNRP_ENDPOINT_INFO pEndpoint = NULL;
	HRESULT hr;

	UNREFERENCED_PARAMETER(pvContext);
	UNREFERENCED_PARAMETER(fTimedOut);
	hr = PeerPnrpGetEndpoint(g_hResolve, &pEndpoint);
	if (hr == S_OK) {
		Meet(pEndpoint);
		PeerFreeData(pEndpoint);
		return;
	}
	if (hr != PEER_E_NO_MORE)
		PrintError(L"PeerPnrpGetEndpoint", hr);
	SetEvent(g_hRoundOver);
}

/* Asks once for all who are in the room, and waits until all is said or it is time to leave. FALSE: to leave. */
static BOOL Round(void)
{
	HANDLE hEvents[] = {g_hQuit, g_hRoundOver};
	HANDLE hWait;
	DWORD dwWhich;
	HRESULT hr;

	Sweep();
	hr = PeerPnrpStartResolve(g_wzName, NULL, 0, g_hFound, &g_hResolve);
	if (FAILED(hr)) { /* perhaps the service comes back */
		PrintError(L"PeerPnrpStartResolve", hr);
		return WaitForSingleObject(g_hQuit, ROUND_MS) == WAIT_TIMEOUT;
	}
	if (!RegisterWaitForSingleObject(&hWait, g_hFound, OnFound, NULL, INFINITE, WT_EXECUTEDEFAULT)) {
		PrintError(L"RegisterWaitForSingleObject", GetLastError());
		PeerPnrpEndResolve(g_hResolve);
		return FALSE;
	}
	dwWhich = WaitForMultipleObjects(2, hEvents, FALSE, INFINITE);
	PeerPnrpEndResolve(g_hResolve); /* a call that waits for an endpoint returns */
	UnregisterWaitEx(hWait, INVALID_HANDLE_VALUE);
	ResetEvent(g_hFound);
	ResetEvent(g_hRoundOver);
	return dwWhich != WAIT_OBJECT_0 && WaitForSingleObject(g_hQuit, ROUND_MS) == WAIT_TIMEOUT;
}

/* ---- talking --------------------------------------------------------------------------------- */

/* Datagrams carry UTF-8: "nickname\ntext". */
static void Send(PCWSTR pwzText)
{
	WCHAR wzMessage[MAX_NICK + MAX_LINE];
	char szMessage[sizeof(wzMessage) * 2];
	int cb;

	StringCchPrintf(wzMessage, _countof(wzMessage), L"%s\n%s", g_wzNick, pwzText);
	cb = WideCharToMultiByte(CP_UTF8, 0, wzMessage, -1, szMessage, sizeof(szMessage), NULL, NULL);
	EnterCriticalSection(&g_csRoster);
	for (PMEMBER pMember = g_pRoster; pMember; pMember = pMember->pNext)
		sendto((int)g_socket, szMessage, (size_t)cb, 0, (SOCKADDR *)&pMember->Address,
		       sizeof(pMember->Address));
	LeaveCriticalSection(&g_csRoster);
}

static unsigned int CALLBACK ReceiveThread(void *pvContext)
{
	char szMessage[2048];
	WCHAR wzMessage[2048];
	WCHAR *pwzText, *pwzNick;

	UNREFERENCED_PARAMETER(pvContext);
	for (;;) {
		ssize_t cb = recv((int)g_socket, szMessage, sizeof(szMessage), 0);

		if (cb <= 0)
			return 0; /* shut down, or nothing more to hope for */
		szMessage[cb - 1] = 0;
		MultiByteToWideChar(CP_UTF8, 0, szMessage, -1, wzMessage, _countof(wzMessage));
		pwzNick = wcstok_s(wzMessage, L"\n", &pwzText);
		if (!pwzNick || !pwzText)
			continue;
		EnterCriticalSection(&g_csRoster);
		wprintf(L"<%s> %s\n", pwzNick, pwzText);
		fflush(stdout);
		LeaveCriticalSection(&g_csRoster);
	}
}

static unsigned int CALLBACK InputThread(void *pvContext)
{
	WCHAR wzLine[MAX_LINE];

	UNREFERENCED_PARAMETER(pvContext);
	while (SUCCEEDED(StringCchGets(wzLine, MAX_LINE)) && _wcsicmp(wzLine, L"/quit") != 0) {
		if (_wcsicmp(wzLine, L"/who") == 0)
			ListRoster();
		else if (wzLine[0])
			Send(wzLine);
	}
	SetEvent(g_hQuit);
	return 0;
}

static BOOL StartThread(unsigned int(CALLBACK *pfn)(void *))
{
	HANDLE hThread = (HANDLE)_beginthreadex(NULL, 0, pfn, NULL, 0, NULL);

	return hThread && CloseHandle(hThread);
}

/* ---- the room -------------------------------------------------------------------------------- */

/* A socket for all addresses, on a port of the system's choice. 0: none. */
static WORD OpenSocket(void)
{
	SOCKADDR_IN6 address = {0};
	socklen_t cb = sizeof(address);

	g_socket = (SOCKET)socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	if (g_socket == INVALID_SOCKET)
		return 0;
	address.sin6_family = AF_INET6;
	if (bind((int)g_socket, (SOCKADDR *)&address, cb) != 0 ||
	    getsockname((int)g_socket, (SOCKADDR *)&address, &cb) != 0)
		return 0;
	return ntohs(address.sin6_port);
}

static HRESULT Enter(WORD wPort)
{
	PEER_PNRP_REGISTRATION_INFO info = {0};
	HREGISTRATION hRegistration;
	HRESULT hr;

	info.cAddresses = PEER_PNRP_AUTO_ADDRESSES;
	info.wPort = wPort;
	info.pwzComment = g_wzNick;
	hr = PeerPnrpRegister(g_wzName, &info, &hRegistration);
	if (FAILED(hr)) {
		PrintError(L"PeerPnrpRegister", hr);
		return hr;
	}
	wprintf(L"You are in %s as %s, on port %u.\n", g_wzName, g_wzNick, wPort);
	fflush(stdout);
	while (Round())
		;
	return PeerPnrpUnregister(hRegistration);
}

static HRESULT Run(void)
{
	WORD wPort = OpenSocket();
	HRESULT hr;

	if (!wPort) {
		fwprintf(stderr, L"There is no socket.\n");
		return E_FAIL;
	}
	hr = PeerPnrpStartup(PNRP_VERSION);
	if (FAILED(hr)) {
		PrintError(L"PeerPnrpStartup", hr);
		return hr;
	}
	hr = StartThread(ReceiveThread) && StartThread(InputThread) ? Enter(wPort) : E_OUTOFMEMORY;
	PeerPnrpShutdown();
	return hr;
}

int wmain(int argc, WCHAR *argv[])
{
	WSADATA data;
	HRESULT hr = E_FAIL;

	if (argc != 3 || wcslen(argv[2]) >= MAX_NICK ||
	    FAILED(StringCchPrintf(g_wzName, _countof(g_wzName), L"0.chat.%s", argv[1]))) {
		fwprintf(stderr, L"usage: chat_roster ROOM NICKNAME\nA nickname has at most %d characters.\n",
			 MAX_NICK - 1);
		return 2;
	}
	StringCchCopy(g_wzNick, MAX_NICK, argv[2]);
	if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
		return 1;
	InitializeCriticalSection(&g_csRoster);
	g_hFound = CreateEvent(NULL, FALSE, FALSE, NULL);
	g_hRoundOver = CreateEvent(NULL, TRUE, FALSE, NULL);
	if (g_hFound && g_hRoundOver && CatchControl())
		hr = Run();
	EnterCriticalSection(&g_csRoster); /* the threads that read are still there: they say no more */
	ForgetRoster();
	LeaveCriticalSection(&g_csRoster);
	WSACleanup();
	return SUCCEEDED(hr) ? 0 : 1;
}
