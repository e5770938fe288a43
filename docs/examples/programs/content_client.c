/* Fetches a file of content_server: what neighbours or this computer have does not come from the server.
 *
 *     content_client HOST PORT NAME OUTPUT [/info FILE] [/version 1|2] [/local]
 *
 * /info keeps the Content Information in a file; /local asks no neighbour. At the end it says where the bytes came from.
 * What the server had to send is given to the service, so that it need not send it again to anybody nearby. */
#define UNICODE
#define _UNICODE
#define _WIN32_WINNT 0x0602
#include "sample.h"
#include <peerdist.h>
#include <stdlib.h>

#define READS 4 /* at once */
#define CB_READ (128 * 1024)
#define CB_PIECE (256 * 1024) /* that the server is asked for */

typedef struct _READ {
	OVERLAPPED overlapped; /* first: what the port gives is the read */
	BYTE ab[CB_READ];
} READ, *PREAD;

static PEERDIST_INSTANCE_HANDLE g_hPeerDist;
static PEERDIST_CONTENT_HANDLE g_hContent;
static HANDLE g_hPort;
static SOCKET g_socket = INVALID_SOCKET;
static char g_szName[256];
static FILE *g_pOutput;
static DWORD g_dwTimeout = PEERDIST_READ_TIMEOUT_DEFAULT;
static ULONGLONG g_cbNear, g_cbServer;

/* ---- the server ---------------------------------------------------------------------------------- */

static BOOL ReceiveAll(void *pv, size_t cb)
{
	char *pch = (char *)pv;

	while (cb > 0) {
		ssize_t cbGot = recv((int)g_socket, pch, cb, 0);

		if (cbGot <= 0)
			return FALSE;
		pch += cbGot;
		cb -= (size_t)cbGot;
	}
	return TRUE;
}

/* The length of its answer. */
static DWORD Ask(const char *szLine, size_t *pcb)
{
	char szAnswer[64];
	size_t cch = 0;
	DWORD dw;

	if (send((int)g_socket, szLine, strlen(szLine), MSG_NOSIGNAL) != (ssize_t)strlen(szLine))
		return ERROR_CONNECTION_ABORTED;
	do {
		if (cch == sizeof(szAnswer) || !ReceiveAll(&szAnswer[cch], 1))
			return ERROR_CONNECTION_ABORTED;
	} while (szAnswer[cch++] != '\n');
	szAnswer[cch - 1] = 0;
	if (sscanf(szAnswer, "OK %zu", pcb) == 1)
		return ERROR_SUCCESS;
	return sscanf(szAnswer, "NO %u", &dw) == 1 ? dw : ERROR_INVALID_DATA;
}

static DWORD AskInformation(int nVersion, BYTE **ppb, size_t *pcb)
{
	char szLine[320];
	DWORD dw;

	sprintf(szLine, "INFO %s %d %d\n", g_szName, nVersion ? nVersion : 1, nVersion ? nVersion : 2);
	dw = Ask(szLine, pcb);
	if (dw != ERROR_SUCCESS)
		return dw;
	*ppb = (BYTE *)malloc(*pcb + 1);
	if (!*ppb)
		return ERROR_NOT_ENOUGH_MEMORY;
	return ReceiveAll(*ppb, *pcb) ? ERROR_SUCCESS : ERROR_CONNECTION_ABORTED;
}

static BOOL Connect(PCWSTR pwzHost, PCWSTR pwzPort)
{
	ADDRINFOW hints = {.ai_socktype = SOCK_STREAM}, *pInfo;

	if (GetAddrInfo(pwzHost, pwzPort, &hints, &pInfo) != 0)
		return FALSE;
	g_socket = (SOCKET)socket(pInfo->ai_family, SOCK_STREAM, IPPROTO_TCP);
	if (g_socket != INVALID_SOCKET && connect((int)g_socket, pInfo->ai_addr, (socklen_t)pInfo->ai_addrlen) != 0) {
		closesocket(g_socket);
		g_socket = INVALID_SOCKET;
	}
	FreeAddrInfo(pInfo);
	return g_socket != INVALID_SOCKET;
}

/* ---- the content ------------------------------------------------------------------------------------ */

/* An event whose lowest bit is set keeps the end of an operation from the port, which is for the reads. */
static HANDLE Alone(HANDLE hEvent)
{
	return (HANDLE)((ULONG_PTR)hEvent | 1);
}

/* Waits for such an operation. */
static DWORD Finish(DWORD dw, OVERLAPPED *pOverlapped, HANDLE hEvent)
{
	DWORD cb;

	if (dw != ERROR_IO_PENDING)
		return dw;
	WaitForSingleObject(hEvent, INFINITE);
	return PeerDistGetOverlappedResult(pOverlapped, &cb, FALSE) ? ERROR_SUCCESS : GetLastError();
}

static DWORD Describe(const BYTE *pb, size_t cb, HANDLE hEvent)
{
	OVERLAPPED overlapped = {0};
	DWORD dw;

	overlapped.hEvent = Alone(hEvent);
	dw = PeerDistClientAddContentInformation(g_hPeerDist, g_hContent, (DWORD)cb, (PBYTE)pb, &overlapped);
	dw = Finish(dw, &overlapped, hEvent);
	if (dw != ERROR_SUCCESS)
		return dw;
	dw = PeerDistClientCompleteContentInformation(g_hPeerDist, g_hContent, &overlapped);
	return Finish(dw, &overlapped, hEvent);
}

static DWORD Write(ULONGLONG ullOffset, const BYTE *pb, DWORD cb)
{
	if (fseek(g_pOutput, (long)ullOffset, SEEK_SET) != 0 || fwrite(pb, 1, cb, g_pOutput) != cb)
		return ERROR_WRITE_FAULT;
	return ERROR_SUCCESS;
}

/* What nobody has comes from the server, and is given to the service. */
static DWORD FetchMissing(ULONGLONG ullOffset, ULONGLONG cb, HANDLE hEvent)
{
	BYTE *pb = (BYTE *)malloc(CB_PIECE);
	DWORD dw = pb ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;

	while (dw == ERROR_SUCCESS && cb > 0) {
		OVERLAPPED overlapped = {0};
		size_t cbGot;
		char szLine[320];

		sprintf(szLine, "DATA %s %llu %u\n", g_szName, ullOffset, (ULONG)(cb < CB_PIECE ? cb : CB_PIECE));
		dw = Ask(szLine, &cbGot);
		if (dw == ERROR_SUCCESS && (cbGot == 0 || cbGot > CB_PIECE || !ReceiveAll(pb, cbGot)))
			dw = ERROR_CONNECTION_ABORTED;
		if (dw == ERROR_SUCCESS)
			dw = Write(ullOffset, pb, (DWORD)cbGot);
		if (dw != ERROR_SUCCESS)
			break;
		overlapped.Offset = (DWORD)ullOffset;
		overlapped.OffsetHigh = (DWORD)(ullOffset >> 32);
		overlapped.hEvent = Alone(hEvent);
		dw = PeerDistClientAddData(g_hPeerDist, g_hContent, (DWORD)cbGot, pb, &overlapped);
		dw = Finish(dw, &overlapped, hEvent);
		if (dw == ERROR_INVALID_DATA)
			fwprintf(stderr, L"what the server sends is not what it describes\n");
		ullOffset += cbGot;
		cb -= cbGot;
		g_cbServer += cbGot;
	}
	free(pb);
	return dw;
}

static DWORD Begin(PREAD pRead)
{
	DWORD dw;

	ZeroMemory(&pRead->overlapped, sizeof(pRead->overlapped));
	dw = PeerDistClientStreamRead(g_hPeerDist, g_hContent, CB_READ, pRead->ab, g_dwTimeout, &pRead->overlapped);
	return dw == ERROR_IO_PENDING ? ERROR_SUCCESS : dw;
}

/* One read has ended. ERROR_NO_MORE_ITEMS: that was the end of the content. */
static DWORD Take(PREAD pRead, DWORD dw, DWORD cb, HANDLE hEvent)
{
	ULONGLONG ullOffset = (ULONGLONG)pRead->overlapped.OffsetHigh << 32 | pRead->overlapped.Offset;

	switch (dw) {
	case ERROR_SUCCESS:
		g_cbNear += cb;
		return Write(ullOffset, pRead->ab, cb);
	case PEERDIST_ERROR_MISSING_DATA:
	case ERROR_TIMEOUT:
		return FetchMissing(ullOffset, cb, hEvent);
	case PEERDIST_ERROR_NO_MORE:
		return ERROR_NO_MORE_ITEMS;
	default:
		return dw;
	}
}

/* Reads go on all the time; each ends at the port. */
static DWORD ReadAll(PREAD pReads, HANDLE hEvent)
{
	DWORD dw = ERROR_SUCCESS;
	ULONG cPending = 0;

	for (; cPending < READS && dw == ERROR_SUCCESS; cPending++)
		dw = Begin(&pReads[cPending]);
	while (cPending > 0) {
		OVERLAPPED *pOverlapped = NULL;
		ULONG_PTR ulKey;
		DWORD cb, dwRead = ERROR_SUCCESS;

		if (!GetQueuedCompletionStatus(g_hPort, &cb, &ulKey, &pOverlapped, INFINITE))
			dwRead = GetLastError();
		cPending--;
		if (dw == ERROR_SUCCESS)
			dw = Take((PREAD)pOverlapped, dwRead, cb, hEvent);
		if (dw == ERROR_SUCCESS)
			dw = Begin((PREAD)pOverlapped);
		cPending += dw == ERROR_SUCCESS;
	}
	return dw == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : dw;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static DWORD Fetch(const BYTE *pbInfo, size_t cbInfo)
{
	PEERDIST_CONTENT_TAG tag = {"content_client"};
	HANDLE hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	PREAD pReads = (PREAD)malloc(READS * sizeof(READ));
	DWORD dw = pReads && hEvent ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;

	g_hPort = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	if (dw == ERROR_SUCCESS)
		dw = PeerDistClientOpenContent(g_hPeerDist, &tag, g_hPort, 0, &g_hContent);
	if (dw == ERROR_SUCCESS) {
		dw = Describe(pbInfo, cbInfo, hEvent);
		if (dw == ERROR_SUCCESS)
			dw = ReadAll(pReads, hEvent);
		PeerDistClientCloseContent(g_hPeerDist, g_hContent);
	}
	CloseHandle(g_hPort);
	CloseHandle(hEvent);
	free(pReads);
	return dw;
}

static BOOL Keep(PCWSTR pwzFile, const BYTE *pb, size_t cb)
{
	FILE *pFile = _wfopen(pwzFile, L"wb");
	BOOL fGood = pFile && fwrite(pb, 1, cb, pFile) == cb;

	return pFile && fclose(pFile) == 0 && fGood;
}

static DWORD Run(int argc, WCHAR *argv[])
{
	BYTE *pbInfo = NULL;
	size_t cbInfo;
	int nVersion = 0;
	PCWSTR pwzKeep = NULL;
	DWORD dw;

	for (int i = 5; i < argc; i++) {
		if (wcscmp(argv[i], L"/local") == 0)
			g_dwTimeout = PEERDIST_READ_TIMEOUT_LOCAL_CACHE_ONLY;
		else if (wcscmp(argv[i], L"/info") == 0 && i + 1 < argc)
			pwzKeep = argv[++i];
		else if (wcscmp(argv[i], L"/version") == 0 && i + 1 < argc)
			nVersion = _wtoi(argv[++i]);
	}
	if (!Connect(argv[1], argv[2]))
		return ERROR_CONNECTION_REFUSED;
	dw = AskInformation(nVersion, &pbInfo, &cbInfo);
	if (dw == ERROR_SUCCESS && pwzKeep && !Keep(pwzKeep, pbInfo, cbInfo))
		dw = ERROR_WRITE_FAULT;
	if (dw == ERROR_SUCCESS && !(g_pOutput = _wfopen(argv[4], L"wb")))
		dw = ERROR_WRITE_FAULT;
	if (dw == ERROR_SUCCESS)
		dw = Fetch(pbInfo, cbInfo);
	if (g_pOutput && fclose(g_pOutput) != 0 && dw == ERROR_SUCCESS)
		dw = ERROR_WRITE_FAULT;
	free(pbInfo);
	return dw;
}

int wmain(int argc, WCHAR *argv[])
{
	WSADATA data;
	DWORD dw;

	if (argc < 5) {
		fwprintf(stderr, L"usage: %s HOST PORT NAME OUTPUT [/info FILE] [/version 1|2] [/local]\n", argv[0]);
		return 2;
	}
	WideCharToMultiByte(CP_UTF8, 0, argv[3], -1, g_szName, sizeof(g_szName), NULL, NULL);
	if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
		return 1;
	dw = PeerDistStartup(PEERDIST_VERSION, &g_hPeerDist, NULL);
	if (dw == ERROR_SUCCESS) {
		dw = Run(argc, argv);
		PeerDistShutdown(g_hPeerDist);
	}
	if (dw != ERROR_SUCCESS)
		PrintError(argv[3], dw);
	else
		wprintf(L"%llu bytes from nearby, %llu from the server\n", g_cbNear, g_cbServer);
	WSACleanup();
	return dw == ERROR_SUCCESS ? 0 : 1;
}
