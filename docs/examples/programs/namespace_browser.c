/* Peer names and clouds as Winsock sees them: the namespaces NS_PNRPNAME and NS_PNRPCLOUD.
 *
 *     namespace_browser clouds                          lists the clouds
 *     namespace_browser watch [COUNT]                   and then their changes, COUNT of them
 *     namespace_browser find NAME [CLOUD]               who publishes a name, with what
 *     namespace_browser publish NAME ADDRESS [COMMENT]  publishes one until Ctrl+C
 *
 * ADDRESS is "[2001:db8::1]:80". */
#define UNICODE
#define _UNICODE
#include "sample.h"
#include <pnrpns.h>
#include <stdlib.h>
#include <strsafe.h>

#define MAX_FOUND 32

static int Fail(PCWSTR pwzWhat)
{
	PrintError(pwzWhat, (DWORD)WSAGetLastError());
	return 1;
}

/* The next result in *ppResults, which grows as it must; the caller frees it. 0, or a Winsock error. */
static INT Next(HANDLE hLookup, PWSAQUERYSET *ppResults, DWORD *pcbResults)
{
	for (;;) {
		DWORD cb = *pcbResults;
		PVOID pv;
		INT error;

		if (WSALookupServiceNext(hLookup, 0, &cb, *ppResults) == 0)
			return 0;
		error = WSAGetLastError();
		if (error != WSAEFAULT || cb <= *pcbResults)
			return error;
		pv = *ppResults ? HeapReAlloc(GetProcessHeap(), 0, *ppResults, cb) : HeapAlloc(GetProcessHeap(), 0, cb);
		if (!pv)
			return WSA_NOT_ENOUGH_MEMORY;
		*ppResults = (PWSAQUERYSET)pv;
		*pcbResults = cb;
	}
}

/* ---- clouds ---------------------------------------------------------------------------------- */

static void PrintCloud(const WSAQUERYSET *pCloud)
{
	static const PCWSTR awzState[] = {L"virtual",  L"synchronising", L"active", L"dead",
					  L"disabled", L"no network",	 L"alone"};
	static const PCWSTR awzScope[] = {L"any", L"global", L"site", L"link"};
	PCWSTR pwzMark = L" ";
	PNRPCLOUDINFO info;

	if (!pCloud->lpBlob || pCloud->lpBlob->cbSize < sizeof(info))
		return;
	CopyMemory(&info, pCloud->lpBlob->pBlobData, sizeof(info));
	if (pCloud->dwOutputFlags & RESULT_IS_ADDED)
		pwzMark = L"+";
	else if (pCloud->dwOutputFlags & RESULT_IS_DELETED)
		pwzMark = L"-";
	else if (pCloud->dwOutputFlags & RESULT_IS_CHANGED)
		pwzMark = L"*";
	wprintf(L"%s %-20s %-8s %4lu  %s\n", pwzMark, pCloud->lpszServiceInstanceName,
		(UINT)info.Cloud.Scope < _countof(awzScope) ? awzScope[info.Cloud.Scope] : L"?", info.Cloud.ScopeId,
		(UINT)info.enCloudState < _countof(awzState) ? awzState[info.enCloudState] : L"?");
	fflush(stdout);
}

/* Until there is a change to be had. FALSE: Ctrl+C, or an error. */
static BOOL WaitForChange(HANDLE hLookup, WSAOVERLAPPED *pOverlapped)
{
	HANDLE hEvents[] = {g_hQuit, pOverlapped->hEvent};
	WSACOMPLETION completion;
	DWORD cb;

	ZeroMemory(&completion, sizeof(completion));
	completion.Type = NSP_NOTIFY_EVENT;
	completion.Parameters.Event.lpOverlapped = pOverlapped;
	if (WSANSPIoctl(hLookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &cb, &completion) != 0 &&
	    WSAGetLastError() != WSA_IO_PENDING)
		return FALSE;
	return WaitForMultipleObjects(2, hEvents, FALSE, INFINITE) == WAIT_OBJECT_0 + 1;
}

/* After the list WSA_E_NO_MORE divides what was from what changes. */
static INT WalkClouds(HANDLE hLookup, int cChanges)
{
	WSAOVERLAPPED overlapped = {0};
	PWSAQUERYSET pResults = NULL;
	DWORD cbResults = 0;
	INT error;

	overlapped.hEvent = CreateEvent(NULL, FALSE, FALSE, NULL);
	if (!overlapped.hEvent)
		return WSA_NOT_ENOUGH_MEMORY;
	while ((error = Next(hLookup, &pResults, &cbResults)) == 0)
		PrintCloud(pResults);
	while (error == WSA_E_NO_MORE && cChanges > 0 && WaitForChange(hLookup, &overlapped)) {
		error = Next(hLookup, &pResults, &cbResults);
		if (error == 0) {
			PrintCloud(pResults);
			cChanges--;
			error = WSA_E_NO_MORE;
		}
	}
	HeapFree(GetProcessHeap(), 0, pResults);
	CloseHandle(overlapped.hEvent);
	return error == WSA_E_NO_MORE ? 0 : error;
}

static int Clouds(int cChanges)
{
	WSAQUERYSET query = {0};
	GUID service = SVCID_PNRPCLOUD;
	HANDLE hLookup;
	INT error;

	query.dwSize = sizeof(query);
	query.dwNameSpace = NS_PNRPCLOUD;
	query.lpServiceClassId = &service;
	if (WSALookupServiceBegin(&query, LUP_RETURN_NAME | LUP_RETURN_BLOB, &hLookup) != 0)
		return Fail(L"WSALookupServiceBegin");
	error = WalkClouds(hLookup, cChanges);
	WSALookupServiceEnd(hLookup);
	WSASetLastError(error);
	return error ? Fail(L"WSALookupServiceNext") : 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void PrintName(const WSAQUERYSET *pName)
{
	wprintf(L"%s in %s", pName->lpszServiceInstanceName, pName->lpszContext);
	if (pName->lpszComment && *pName->lpszComment)
		wprintf(L" (%s)", pName->lpszComment);
	if (pName->lpBlob)
		wprintf(L", %lu bytes of payload", ((PPNRPINFO)pName->lpBlob->pBlobData)->blobPayload.cbSize);
	wprintf(L"\n");
	for (DWORD i = 0; i < pName->dwNumberOfCsAddrs; i++) {
		const CSADDR_INFO *pInfo = &pName->lpcsaBuffer[i];
		WCHAR wzText[80];

		wprintf(L"    %s %s\n", pInfo->iProtocol == IPPROTO_UDP ? L"udp" : L"tcp",
			AddressText(pInfo->RemoteAddr.lpSockaddr, wzText));
	}
}

static int Find(PWSTR pwzName, PWSTR pwzCloud)
{
	WSAQUERYSET query = {0};
	PWSAQUERYSET pResults = NULL;
	GUID service = SVCID_PNRPNAME;
	PNRPINFO info = {0};
	BLOB blob = {sizeof(info), (BYTE *)&info};
	DWORD cbResults = 0, cFound = 0;
	HANDLE hLookup;
	INT error;

	info.dwSize = sizeof(info);
	info.nMaxResolve = MAX_FOUND;
	info.enResolveCriteria = PNRP_RESOLVE_CRITERIA_ANY_PEER_NAME;
	query.dwSize = sizeof(query);
	query.dwNameSpace = NS_PNRPNAME;
	query.lpServiceClassId = &service;
	query.lpszServiceInstanceName = pwzName;
	query.lpszContext = pwzCloud;
	query.lpBlob = &blob;
	if (WSALookupServiceBegin(&query, LUP_RETURN_ALL, &hLookup) != 0)
		return Fail(L"WSALookupServiceBegin");
	for (; (error = Next(hLookup, &pResults, &cbResults)) == 0; cFound++)
		PrintName(pResults);
	HeapFree(GetProcessHeap(), 0, pResults);
	WSALookupServiceEnd(hLookup);
	WSASetLastError(error);
	if (error != WSA_E_NO_MORE)
		return Fail(L"WSALookupServiceNext");
	wprintf(L"%lu found\n", cFound);
	return cFound ? 0 : 1;
}

static int Publish(PWSTR pwzName, PWSTR pwzAddress, PWSTR pwzComment)
{
	SOCKADDR_STORAGE address;
	INT cbAddress = sizeof(address);
	CSADDR_INFO local = {0};
	WSAQUERYSET service = {0};
	GUID class = SVCID_PNRPNAME;

	if (WSAStringToAddress(pwzAddress, AF_INET6, NULL, (SOCKADDR *)&address, &cbAddress) != 0)
		return Fail(pwzAddress);
	local.LocalAddr.lpSockaddr = (SOCKADDR *)&address;
	local.LocalAddr.iSockaddrLength = cbAddress;
	local.iSocketType = SOCK_STREAM;
	local.iProtocol = IPPROTO_TCP;
	service.dwSize = sizeof(service);
	service.dwNameSpace = NS_PNRPNAME;
	service.lpServiceClassId = &class;
	service.lpszServiceInstanceName = pwzName;
	service.lpszComment = pwzComment;
	service.dwNumberOfCsAddrs = 1;
	service.lpcsaBuffer = &local;
	if (WSASetService(&service, RNRSERVICE_REGISTER, 0) != 0)
		return Fail(L"WSASetService");
	wprintf(L"%s is published\n", pwzName);
	fflush(stdout);
	WaitForSingleObject(g_hQuit, INFINITE);
	if (WSASetService(&service, RNRSERVICE_DELETE, 0) != 0)
		return Fail(L"WSASetService");
	wprintf(L"%s is deleted\n", pwzName);
	return 0;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int Run(int argc, WCHAR *argv[])
{
	if (argc == 2 && _wcsicmp(argv[1], L"clouds") == 0)
		return Clouds(0);
	if ((argc == 2 || argc == 3) && _wcsicmp(argv[1], L"watch") == 0)
		return Clouds(argc == 3 ? _wtoi(argv[2]) : 0x7fffffff);
	if ((argc == 3 || argc == 4) && _wcsicmp(argv[1], L"find") == 0)
		return Find(argv[2], argc == 4 ? argv[3] : NULL);
	if ((argc == 4 || argc == 5) && _wcsicmp(argv[1], L"publish") == 0)
		return Publish(argv[2], argv[3], argc == 5 ? argv[4] : NULL);
	fwprintf(stderr, L"usage: namespace_browser clouds | watch [COUNT] | find NAME [CLOUD] |\n"
			 L"                         publish NAME ADDRESS [COMMENT]\n");
	return 2;
}

int wmain(int argc, WCHAR *argv[])
{
	WSADATA data;
	int nExit;

	if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || !CatchControl())
		return 1;
	nExit = Run(argc, argv);
	WSACleanup();
	return nExit;
}
