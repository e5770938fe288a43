/* Publishes files and gives them away, described for who can find them nearby.
 *
 *     content_server PORT FILE...      port 0: any
 *
 * Each file is published under its name. A client connects and asks, a line at a time:
 *
 *     INFO NAME MIN MAX        Content Information in a version between these: 1 or 2
 *     DATA NAME OFFSET LENGTH  bytes of the file
 *
 * The answer is "OK LENGTH" or "NO CODE" and a line feed, then that many bytes. Publications end with this program. */
#define UNICODE
#define _UNICODE
#define _WIN32_WINNT 0x0602
#include "sample.h"
#include <peerdist.h>
#include <stdlib.h>

#define MAX_FILES 64
#define MAX_NAME 256
#define CB_PIECE (256 * 1024)

typedef struct _PUBLISHED {
	char szName[MAX_NAME];
	WCHAR *pwzPath;
} PUBLISHED, *PPUBLISHED;

static PEERDIST_INSTANCE_HANDLE g_hPeerDist;
static PUBLISHED g_aFiles[MAX_FILES];
static ULONG g_cFiles;
static SOCKET g_sListen = INVALID_SOCKET;

/* ---- publishing -------------------------------------------------------------------------------- */

/* The next end of an operation at a port: its error, and its bytes. */
static DWORD WaitAtPort(HANDLE hPort, DWORD *pcb)
{
	OVERLAPPED *pOverlapped = NULL;
	ULONG_PTR ulKey;

	if (GetQueuedCompletionStatus(hPort, pcb, &ulKey, &pOverlapped, INFINITE))
		return ERROR_SUCCESS;
	return GetLastError();
}

/* Piece by piece: each must have ended before the next begins. */
static DWORD PublishBytes(PEERDIST_STREAM_HANDLE hStream, HANDLE hPort, FILE *pFile, BYTE *pbPiece)
{
	OVERLAPPED overlapped;
	DWORD dw = ERROR_SUCCESS, cb;
	size_t cbRead;

	while (dw == ERROR_SUCCESS && (cbRead = fread(pbPiece, 1, CB_PIECE, pFile)) > 0) {
		ZeroMemory(&overlapped, sizeof(overlapped));
		dw = PeerDistServerPublishAddToStream(g_hPeerDist, hStream, (DWORD)cbRead, pbPiece, &overlapped);
		if (dw == ERROR_IO_PENDING)
			dw = WaitAtPort(hPort, &cb);
	}
	if (dw == ERROR_SUCCESS && ferror(pFile))
		dw = ERROR_READ_FAULT;
	if (dw != ERROR_SUCCESS)
		return dw;
	ZeroMemory(&overlapped, sizeof(overlapped));
	dw = PeerDistServerPublishCompleteStream(g_hPeerDist, hStream, &overlapped);
	return dw == ERROR_IO_PENDING ? WaitAtPort(hPort, &cb) : dw;
}

static DWORD PublishFile(PPUBLISHED pFile, HANDLE hPort)
{
	PEERDIST_PUBLICATION_OPTIONS options = {PEERDIST_PUBLICATION_OPTIONS_VERSION, 0};
	PEERDIST_STREAM_HANDLE hStream;
	FILE *pStream = _wfopen(pFile->pwzPath, L"rb");
	BYTE *pbPiece = (BYTE *)LocalAlloc(LMEM_FIXED, CB_PIECE);
	DWORD dw = pStream ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND;

	if (dw == ERROR_SUCCESS && !pbPiece)
		dw = ERROR_NOT_ENOUGH_MEMORY;
	if (dw == ERROR_SUCCESS)
		dw = PeerDistServerPublishStream(g_hPeerDist, (DWORD)strlen(pFile->szName), (PBYTE)pFile->szName, 0,
						 &options, hPort, 0, &hStream);
	if (dw == ERROR_SUCCESS) {
		dw = PublishBytes(hStream, hPort, pStream, pbPiece);
		PeerDistServerCloseStreamHandle(g_hPeerDist, hStream);
	}
	if (pStream)
		fclose(pStream);
	LocalFree(pbPiece);
	return dw;
}

static BOOL PublishAll(int argc, WCHAR *argv[])
{
	HANDLE hPort = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);

	for (int i = 2; hPort && i < argc && g_cFiles < MAX_FILES; i++) {
		PPUBLISHED pFile = &g_aFiles[g_cFiles];
		const WCHAR *pwzName = wcsrchr(argv[i], L'/');
		DWORD dw;

		pFile->pwzPath = argv[i];
		WideCharToMultiByte(CP_UTF8, 0, pwzName ? pwzName + 1 : argv[i], -1, pFile->szName, MAX_NAME, NULL, NULL);
		dw = PublishFile(pFile, hPort);
		if (dw != ERROR_SUCCESS) {
			PrintError(argv[i], dw);
			return FALSE;
		}
		g_cFiles++;
		wprintf(L"published %s\n", argv[i]);
	}
	CloseHandle(hPort);
	return g_cFiles > 0;
}

/* ---- answering ------------------------------------------------------------------------------------ */

static BOOL SendAll(SOCKET s, const void *pv, size_t cb)
{
	const char *pch = (const char *)pv;

	while (cb > 0) {
		ssize_t cbSent = send((int)s, pch, cb, MSG_NOSIGNAL);

		if (cbSent <= 0)
			return FALSE;
		pch += cbSent;
		cb -= (size_t)cbSent;
	}
	return TRUE;
}

static BOOL Refuse(SOCKET s, DWORD dw)
{
	char szLine[32];

	return SendAll(s, szLine, (size_t)sprintf(szLine, "NO %u\n", dw));
}

static BOOL Answer(SOCKET s, const BYTE *pb, size_t cb)
{
	char szLine[32];

	return SendAll(s, szLine, (size_t)sprintf(szLine, "OK %zu\n", cb)) && SendAll(s, pb, cb);
}

/* All of what describes a content, in memory that grows with it. */
static DWORD ReadInformation(PEERDIST_CONTENTINFO_HANDLE hInfo, BYTE **ppb, size_t *pcb)
{
	OVERLAPPED overlapped = {0};
	size_t cbRoom = 0;
	DWORD dw = ERROR_SUCCESS, cb;

	for (;;) {
		if (cbRoom - *pcb < CB_PIECE) {
			BYTE *pbLarger = (BYTE *)realloc(*ppb, cbRoom += 4 * CB_PIECE);

			if (!pbLarger)
				return ERROR_NOT_ENOUGH_MEMORY;
			*ppb = pbLarger;
		}
		dw = PeerDistServerRetrieveContentInformation(g_hPeerDist, hInfo, CB_PIECE, *ppb + *pcb, &overlapped);
		if (dw != ERROR_IO_PENDING)
			return dw;
		if (!PeerDistGetOverlappedResult(&overlapped, &cb, TRUE)) {
			dw = GetLastError();
			return dw == PEERDIST_ERROR_NO_MORE ? ERROR_SUCCESS : dw;
		}
		*pcb += cb;
	}
}

static BOOL AnswerInformation(SOCKET s, char *szName, DWORD dwMin, DWORD dwMax)
{
	PEERDIST_RETRIEVAL_OPTIONS options = {sizeof(options), dwMin, dwMax, 0};
	PEERDIST_CONTENTINFO_HANDLE hInfo;
	BYTE *pb = NULL;
	size_t cb = 0;
	BOOL fGood;
	DWORD dw = PeerDistServerOpenContentInformationEx(g_hPeerDist, (DWORD)strlen(szName), (PBYTE)szName, 0, 0, &options,
							  NULL, 0, &hInfo);

	if (dw != ERROR_SUCCESS)
		return Refuse(s, dw);
	dw = ReadInformation(hInfo, &pb, &cb);
	PeerDistServerCloseContentInformation(g_hPeerDist, hInfo);
	fGood = dw == ERROR_SUCCESS ? Answer(s, pb, cb) : Refuse(s, dw);
	free(pb);
	return fGood;
}

static BOOL AnswerData(SOCKET s, const char *szName, ULONGLONG ullOffset, ULONG cb)
{
	FILE *pFile = NULL;
	BYTE *pb;
	BOOL fGood;

	for (ULONG i = 0; i < g_cFiles && !pFile; i++) {
		if (strcmp(g_aFiles[i].szName, szName) == 0)
			pFile = _wfopen(g_aFiles[i].pwzPath, L"rb");
	}
	if (!pFile || cb > CB_PIECE)
		return Refuse(s, pFile ? ERROR_INVALID_PARAMETER : ERROR_FILE_NOT_FOUND);
	pb = (BYTE *)LocalAlloc(LMEM_FIXED, CB_PIECE);
	cb = pb && fseek(pFile, (long)ullOffset, SEEK_SET) == 0 ? (ULONG)fread(pb, 1, cb, pFile) : 0;
	fGood = Answer(s, pb, cb);
	LocalFree(pb);
	fclose(pFile);
	return fGood;
}

static BOOL AnswerLine(SOCKET s, char *szLine)
{
	char szName[MAX_NAME];
	ULONGLONG ullFirst;
	ULONG ulSecond;

	if (sscanf(szLine, "INFO %255s %llu %u", szName, &ullFirst, &ulSecond) == 3)
		return AnswerInformation(s, szName, (DWORD)ullFirst, ulSecond);
	if (sscanf(szLine, "DATA %255s %llu %u", szName, &ullFirst, &ulSecond) == 3)
		return AnswerData(s, szName, ullFirst, ulSecond);
	return Refuse(s, ERROR_INVALID_PARAMETER);
}

/* A client, until it leaves. */
static DWORD WINAPI Serve(LPVOID pvSocket)
{
	SOCKET s = (SOCKET)(ULONG_PTR)pvSocket;
	char szLine[512];
	size_t cch = 0;

	while (cch < sizeof(szLine) && recv((int)s, szLine + cch, 1, 0) == 1) {
		if (szLine[cch++] != '\n')
			continue;
		szLine[cch - 1] = 0;
		if (!AnswerLine(s, szLine))
			break;
		cch = 0;
	}
	closesocket(s);
	return 0;
}

static DWORD WINAPI Accept(LPVOID pv)
{
	int s;

	UNREFERENCED_PARAMETER(pv);
	while ((s = accept((int)g_sListen, NULL, NULL)) >= 0) {
		HANDLE hThread = CreateThread(NULL, 0, Serve, (LPVOID)(ULONG_PTR)s, 0, NULL);

		if (hThread)
			CloseHandle(hThread);
		else
			closesocket((SOCKET)s);
	}
	return 0;
}

static BOOL Listen(int nPort)
{
	SOCKADDR_IN6 address = {.sin6_family = AF_INET6, .sin6_port = htons((USHORT)nPort)};
	socklen_t cb = sizeof(address);

	g_sListen = (SOCKET)socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
	if (g_sListen == INVALID_SOCKET || bind((int)g_sListen, (SOCKADDR *)&address, cb) != 0 ||
	    listen((int)g_sListen, 16) != 0 || getsockname((int)g_sListen, (SOCKADDR *)&address, &cb) != 0)
		return FALSE;
	wprintf(L"listening at port %d\n", ntohs(address.sin6_port));
	fflush(stdout);
	return TRUE;
}

int wmain(int argc, WCHAR *argv[])
{
	WSADATA data;
	HANDLE hThread;
	DWORD dw;
	int nResult = 1;

	if (argc < 3) {
		fwprintf(stderr, L"usage: %s PORT FILE...\n", argv[0]);
		return 2;
	}
	if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || !CatchControl())
		return 1;
	dw = PeerDistStartup(PEERDIST_VERSION, &g_hPeerDist, NULL);
	if (dw != ERROR_SUCCESS) {
		PrintError(L"PeerDistStartup", dw);
		return 1;
	}
	if (PublishAll(argc, argv) && Listen(_wtoi(argv[1]))) {
		hThread = CreateThread(NULL, 0, Accept, NULL, 0, NULL);
		if (hThread && WaitForSingleObject(g_hQuit, INFINITE) == WAIT_OBJECT_0)
			nResult = 0;
	}
	PeerDistShutdown(g_hPeerDist); /* withdraws what is published */
	WSACleanup();
	return nResult;
}
