/* What a hostile daemon may answer to a program of the Windows interfaces: the functions of the families run against a
 * link that gives the answers of the input, one after the other. Everything that a program gets is read to its end, and
 * what fails gives nothing.
 *
 * An answer is a byte, the result (0 is success), two of length and the payload. That to Status and the one to Clouds
 * are given again and again. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <p2p.h>

#include "api/peer/nsp.h"
#include "framework/unpack.h"
#include "tests/api/played_link.h"

/* ---- the daemon --------------------------- */

struct answer {
	bool given;
	uint8_t result;
	const uint8_t *payload;
	size_t len;
};

static struct {
	const uint8_t *data;
	size_t size;
	struct answer status, clouds;
} input;

static struct answer next_answer(void)
{
	struct answer answer = {0};

	if (input.size < 3)
		return answer;
	answer.given = true;
	answer.result = input.data[0];
	answer.len = (size_t)input.data[1] << 8 | input.data[2];
	answer.payload = input.data + 3;
	if (answer.len > input.size - 3)
		answer.len = input.size - 3;
	input.data += 3 + answer.len;
	input.size -= 3 + answer.len;
	return answer;
}

static struct answer answer_to(const char *method)
{
	struct answer *kept = strcmp(method, "Status") == 0   ? &input.status
			      : strcmp(method, "Clouds") == 0 ? &input.clouds
							      : NULL;

	if (!kept)
		return next_answer();
	if (!kept->given)
		*kept = next_answer();
	return *kept;
}

HRESULT played_answer(const char *service, const char *method, struct ponto_reply *out)
{
	struct answer answer = answer_to(method);

	if (!answer.given)
		return PEER_E_SERVICE_NOT_AVAILABLE;
	(void)service;
	out->result = -(int)answer.result;
	if (answer.result)
		return S_OK;
	out->payload = malloc(answer.len ? answer.len : 1); /* ASan watches its end */
	FUZZ_REQUIRE(out->payload);
	memcpy(out->payload, answer.payload, answer.len);
	out->len = answer.len;
	return S_OK;
}

/* ---- a program ------------------------------------------------------------------------------------- */

static size_t units(PCWSTR text)
{
	size_t n = 0;

	FUZZ_REQUIRE(text);
	while (text[n])
		n++;
	return n;
}

static void read_bytes(const BYTE *data, ULONG size)
{
	static volatile BYTE sum;

	for (ULONG i = 0; i < size; i++)
		sum ^= data[i];
}

static void read_address(const SOCKADDR *address)
{
	FUZZ_REQUIRE(address && (address->sa_family == AF_INET6 || address->sa_family == AF_INET));
	read_bytes((const BYTE *)address, address->sa_family == AF_INET6 ? sizeof(SOCKADDR_IN6) : sizeof(SOCKADDR_IN));
}

static void clouds(void)
{
	PPEER_PNRP_CLOUD_INFO list = NULL;
	ULONG count = 7;

	if (PeerPnrpGetCloudInfo(&count, &list) != S_OK) {
		FUZZ_REQUIRE(!list && count == 7);
		return;
	}
	for (ULONG i = 0; i < count; i++)
		(void)units(list[i].pwzCloudName);
	PeerFreeData(list);
}

static void resolve(void)
{
	PPEER_PNRP_ENDPOINT_INFO list = NULL;
	ULONG count = 16;

	if (PeerPnrpResolve(u"0.a", u"Loopback_", &count, &list) != S_OK) {
		FUZZ_REQUIRE(!list && count == 16);
		return;
	}
	FUZZ_REQUIRE((count > 0) == (list != NULL));
	for (ULONG i = 0; i < count; i++) {
		(void)units(list[i].pwzPeerName);
		(void)units(list[i].pwzComment);
		for (ULONG j = 0; j < list[i].cAddresses; j++)
			read_address(list[i].ppAddresses[j]);
		read_bytes(list[i].payload.pbData, list[i].payload.cbData);
	}
	PeerFreeData(list);
}

static void register_names(void)
{
	PEER_PNRP_REGISTRATION_INFO info = {.cAddresses = PEER_PNRP_AUTO_ADDRESSES, .wPort = 1};
	HREGISTRATION r;

	if (PeerPnrpRegister(u"0.a", &info, &r) != S_OK)
		return;
	(void)PeerPnrpUpdateRegistration(r, &info);
	FUZZ_REQUIRE(PeerPnrpUnregister(r) == S_OK);
}

/* A result that a thread of the library has unpacked, as WSALookupServiceNext gives it. */
static void pack_found(void)
{
	struct nsp_query query = {.flags = LUP_RETURN_ALL, .class_id = SVCID_PNRPNAME_V2};
	struct peer_found found = {.cloud = "Loopback_", .scope_id = 3};
	struct peer_block block = {0};
	struct answer answer = next_answer();
	ProtobufCMessage *message;
	WSAQUERYSETW *results;
	size_t needed;

	if (!answer.given || ponto_unpack(&failing_alloc_system, &ponto__pnrp__v1__resolve_reply__descriptor,
					  ponto_bytes(answer.payload, answer.len), &message) != PONTO_OK)
		return;
	found.reply = (Ponto__Pnrp__V1__ResolveReply *)message;
	if (found.reply->n_match > 0) {
		nsp_pack_found(&block, &query, &found, NULL);
		needed = block.used;
		results = malloc(needed);
		FUZZ_REQUIRE(results && peer_block_into(&block, results, needed));
		nsp_pack_found(&block, &query, &found, results);
		FUZZ_REQUIRE(block.used == needed);
		(void)units(results->lpszServiceInstanceName);
		for (DWORD i = 0; i < results->dwNumberOfCsAddrs; i++)
			read_address(results->lpcsaBuffer[i].RemoteAddr.lpSockaddr);
		free(results);
	}
	protobuf_c_message_free_unpacked(message, NULL);
}

static void look_up_clouds(void)
{
	GUID class = SVCID_PNRPCLOUD;
	WSAQUERYSETW set = {.dwSize = sizeof(set), .dwNameSpace = NS_PNRPCLOUD, .lpServiceClassId = &class};
	union {
		WSAQUERYSETW set;
		BYTE bytes[1024];
	} buffer;
	DWORD length = sizeof(buffer);
	HANDLE lookup;

	if (WSALookupServiceBeginW(&set, 0, &lookup) != 0)
		return;
	for (; WSALookupServiceNextW(lookup, 0, &length, &buffer.set) == 0; length = sizeof(buffer))
		(void)units(buffer.set.lpszServiceInstanceName);
	FUZZ_REQUIRE(WSAGetLastError() == WSA_E_NO_MORE);
	FUZZ_REQUIRE(WSALookupServiceEnd(lookup) == 0);
}

static void text(HRESULT result, PWSTR *given)
{
	FUZZ_REQUIRE((result == S_OK) == (*given != NULL));
	if (*given)
		(void)units(*given);
	PeerFreeData(*given);
	*given = NULL;
}

static void enumerate(void)
{
	PPEER_NAME_PAIR *items;
	ULONG count = 4;
	HPEERENUM list;

	if (PeerEnumIdentities(&list) != S_OK)
		return;
	while (PeerGetNextItem(list, &count, (PVOID **)&items) == S_OK && count > 0) {
		for (ULONG i = 0; i < count; i++)
			(void)(units(items[i]->pwzPeerName) + units(items[i]->pwzFriendlyName));
		PeerFreeData(items);
	}
	FUZZ_REQUIRE(PeerEndEnumeration(list) == S_OK);
}

static void identities(void)
{
	BYTE signature[PONTO_CRYPT_SIGNATURE_MAX];
	DWORD size = sizeof(signature);
	HCRYPTPROV key;
	PWSTR given = NULL;

	text(PeerIdentityGetDefault(&given), &given);
	text(PeerIdentityGetFriendlyName(NULL, &given), &given);
	text(PeerIdentityGetXML(NULL, &given), &given);
	text(PeerIdentityExport(NULL, u"password", &given), &given);
	text(PeerIdentityImport(u"<x/>", u"password", &given), &given);
	text(PeerIdentityCreate(u"me", u"name", 0, &given), &given);
	text(PeerCreatePeerName(NULL, u"printer", &given), &given);
	enumerate();
	if (PeerIdentityGetCryptKey(NULL, &key) != S_OK)
		return;
	if (PontoCryptSign(key, signature, 4, signature, &size))
		FUZZ_REQUIRE(size <= sizeof(signature));
	(void)CryptReleaseContext(key, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WSADATA winsock;

	memset(&input, 0, sizeof(input));
	input.data = data;
	input.size = size;
	FUZZ_REQUIRE(WSAStartup(MAKEWORD(2, 2), &winsock) == 0);
	if (PeerPnrpStartup(PNRP_VERSION) == S_OK) {
		clouds();
		look_up_clouds();
		resolve();
		pack_found();
		register_names();
		FUZZ_REQUIRE(PeerPnrpShutdown() == S_OK);
	}
	identities();
	FUZZ_REQUIRE(WSACleanup() == 0);
	return 0;
}
