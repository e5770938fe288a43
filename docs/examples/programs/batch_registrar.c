/* Publishes the names of a file for as long as something else lives.
 *
 *     batch_registrar FILE                 until Ctrl+C
 *     batch_registrar FILE /pid NUMBER     until that process ends
 *     batch_registrar FILE /run COMMAND    while that command runs; its exit code becomes ours
 *
 * A line of the file is "NAME PORT [COMMENT]"; empty lines and those that begin with # do not count. NAME is a peer
 * name ("0.printer"). Without a comment the name of this computer is one. All names of a run carry the same batch
 * number as their payload, so that whoever resolves them knows what belongs together.
 *
 * The names end with this program, even if it is killed. */
#define UNICODE
#define _UNICODE
#include "sample.h"
#include <rpc.h>
#include <stdlib.h>
#include <strsafe.h>

#define MAX_LINE 512
#define MAX_COMMENT 40
#define MAX_NAMES 256

typedef struct _BATCH {
	HREGISTRATION ahRegistration[MAX_NAMES];
	ULONG cRegistrations;
	ULONG cFailures;
	PEER_DATA Number;
	WCHAR wzComputer[MAX_COMMENT];
} BATCH, *PBATCH;

/* ---- the file -------------------------------------------------------------------------------- */

static HRESULT Publish(PBATCH pBatch, PCWSTR pwzName, WORD wPort, PWSTR pwzComment)
{
	PEER_PNRP_REGISTRATION_INFO info = {0};
	HRESULT hr;

	if (pBatch->cRegistrations == MAX_NAMES)
		return HRESULT_FROM_WIN32(ERROR_NO_MORE_ITEMS);
	info.cAddresses = PEER_PNRP_AUTO_ADDRESSES;
	info.wPort = wPort;
	info.pwzComment = pwzComment;
	info.payload = pBatch->Number;
	hr = PeerPnrpRegister(pwzName, &info, &pBatch->ahRegistration[pBatch->cRegistrations]);
	if (SUCCEEDED(hr))
		pBatch->cRegistrations++;
	return hr;
}

/* One line of the file, without its end. */
static void ReadLine(PBATCH pBatch, ULONG nLine, WCHAR *pwzLine)
{
	WCHAR *pwzRest = NULL;
	WCHAR *pwzName = wcstok_s(pwzLine, L" \t", &pwzRest);
	WCHAR *pwzPort = pwzName ? wcstok_s(NULL, L" \t", &pwzRest) : NULL;
	WCHAR wzWhat[MAX_LINE];
	int nPort = pwzPort ? _wtoi(pwzPort) : 0;
	HRESULT hr;

	if (!pwzName || *pwzName == L'#')
		return;
	if (nPort <= 0 || nPort > 65535) {
		fwprintf(stderr, L"line %lu: %s has no port\n", nLine, pwzName);
		pBatch->cFailures++;
		return;
	}
	hr = Publish(pBatch, pwzName, (WORD)nPort, pwzRest && *pwzRest ? pwzRest : pBatch->wzComputer);
	if (SUCCEEDED(hr)) {
		wprintf(L"registered %s %d\n", pwzName, nPort);
		return;
	}
	StringCchPrintf(wzWhat, MAX_LINE, L"line %lu: %s", nLine, pwzName);
	PrintError(wzWhat, hr);
	pBatch->cFailures++;
}

static BOOL ReadNames(PBATCH pBatch, PCWSTR pwzFile)
{
	WCHAR wzLine[MAX_LINE];
	ULONG nLine = 0;
	FILE *pFile;

	if (_wfopen_s(&pFile, pwzFile, L"r, ccs=UTF-8") != 0) {
		fwprintf(stderr, L"%s cannot be read\n", pwzFile);
		return FALSE;
	}
	while (fgetws(wzLine, MAX_LINE, pFile)) {
		wzLine[wcscspn(wzLine, L"\r\n")] = 0;
		ReadLine(pBatch, ++nLine, wzLine);
	}
	fclose(pFile);
	return TRUE;
}

/* ---- what the names live as long as ---------------------------------------------------------- */

/* NULL with the last error. With neither an option nor a process: an event that is never set. */
static HANDLE OpenMaster(int argc, WCHAR *argv[])
{
	STARTUPINFO startup = {0};
	PROCESS_INFORMATION process;

	if (argc == 2)
		return CreateEvent(NULL, TRUE, FALSE, NULL);
	if (_wcsicmp(argv[2], L"/pid") == 0)
		return OpenProcess(SYNCHRONIZE, FALSE, (DWORD)_wtoi(argv[3]));
	startup.cb = sizeof(startup);
	if (!CreateProcess(NULL, argv[3], NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))
		return NULL;
	CloseHandle(process.hThread);
	return process.hProcess;
}

static int WaitForMaster(HANDLE hMaster, BOOL fIsOurs)
{
	HANDLE hEvents[] = {g_hQuit, hMaster};
	DWORD dwExit = 0;

	if (WaitForMultipleObjects(2, hEvents, FALSE, INFINITE) == WAIT_OBJECT_0 + 1 && fIsOurs)
		GetExitCodeProcess(hMaster, &dwExit);
	return (int)dwExit;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void Unpublish(PBATCH pBatch)
{
	while (pBatch->cRegistrations > 0)
		PeerPnrpUnregister(pBatch->ahRegistration[--pBatch->cRegistrations]);
}

static int Run(PBATCH pBatch, int argc, WCHAR *argv[])
{
	ULONGLONG ullBegun = GetTickCount64();
	HANDLE hMaster;
	int nExit = 1;

	if (!ReadNames(pBatch, argv[1]))
		return 1;
	wprintf(L"%lu names in %I64u ms, %lu failed\n", pBatch->cRegistrations, GetTickCount64() - ullBegun,
		pBatch->cFailures);
	fflush(stdout);
	hMaster = OpenMaster(argc, argv);
	if (hMaster) {
		nExit = WaitForMaster(hMaster, argc == 4 && _wcsicmp(argv[2], L"/run") == 0);
		CloseHandle(hMaster);
	} else {
		PrintError(argv[3], GetLastError());
	}
	Unpublish(pBatch);
	wprintf(L"ended\n");
	return nExit;
}

static int Start(PBATCH pBatch, int argc, WCHAR *argv[])
{
	RPC_CSTR pszNumber;
	UUID uuid;
	int nExit;
	HRESULT hr;

	UuidCreate(&uuid);
	if (UuidToStringA(&uuid, &pszNumber) != RPC_S_OK)
		return 1;
	pBatch->Number.pbData = pszNumber;
	pBatch->Number.cbData = (ULONG)strlen((char *)pszNumber);
	hr = PeerPnrpStartup(PNRP_VERSION);
	if (FAILED(hr)) {
		PrintError(L"PeerPnrpStartup", hr);
		nExit = 1;
	} else {
		nExit = Run(pBatch, argc, argv);
		PeerPnrpShutdown();
	}
	RpcStringFreeA(&pszNumber);
	return nExit;
}

int wmain(int argc, WCHAR *argv[])
{
	static BATCH batch;
	DWORD cch = MAX_COMMENT;

	if (argc != 2 && (argc != 4 || (_wcsicmp(argv[2], L"/pid") != 0 && _wcsicmp(argv[2], L"/run") != 0))) {
		fwprintf(stderr, L"usage: batch_registrar FILE [/pid NUMBER | /run COMMAND]\n");
		return 2;
	}
	if (!GetComputerNameEx(ComputerNameDnsHostname, batch.wzComputer, &cch))
		batch.wzComputer[0] = 0; /* too long for a comment */
	if (!CatchControl()) {
		PrintError(L"CatchControl", GetLastError());
		return 1;
	}
	return Start(&batch, argc, argv);
}
