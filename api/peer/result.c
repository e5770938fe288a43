#include "api/peer/result.h"

#include "framework/base.h"

static const struct {
	int ponto;
	HRESULT call, answer, pnrp;
} table[] = {
	{PONTO_OK, S_OK, S_OK, S_OK},
	{PONTO_ENOMEM, E_OUTOFMEMORY, E_OUTOFMEMORY, E_OUTOFMEMORY},
	{PONTO_EINVAL, E_INVALIDARG, E_INVALIDARG, E_INVALIDARG},
	{PONTO_EPROTO, E_UNEXPECTED, E_INVALIDARG, E_INVALIDARG},
	{PONTO_ENOENT, E_UNEXPECTED, PEER_E_NOT_FOUND, PEER_E_NOT_FOUND},
	{PONTO_EEXIST, E_UNEXPECTED, PEER_E_ALREADY_EXISTS, PEER_E_PNRP_DUPLICATE_PEER_NAME},
	{PONTO_EBUSY, PEER_E_TOO_MUCH_LOAD, PEER_E_TOO_MUCH_LOAD, PEER_E_TOO_MUCH_LOAD},
	{PONTO_ETIME, __HRESULT_FROM_WIN32(ERROR_TIMEOUT), __HRESULT_FROM_WIN32(ERROR_TIMEOUT),
	 __HRESULT_FROM_WIN32(ERROR_TIMEOUT)},
	{PONTO_EACCES, E_ACCESSDENIED, E_ACCESSDENIED, PEER_E_INVALID_IDENTITY},
	{PONTO_EIO, E_FAIL, E_FAIL, E_FAIL},
	{PONTO_ENOSPC, E_FAIL, PEER_E_DISK_FULL, PEER_E_DISK_FULL},
	{PONTO_ECORRUPT, E_FAIL, PEER_E_CERT_STORE_CORRUPTED, E_FAIL},
	{PONTO_ENOTSUP, E_NOTIMPL, E_NOTIMPL, E_NOTIMPL},
	{PONTO_ECLOSED, E_ABORT, PEER_E_SERVICE_NOT_AVAILABLE, PEER_E_CLOUD_IS_DEAD},
	{PONTO_ELIMIT, E_INVALIDARG, E_INVALIDARG, E_INVALIDARG},
	{PONTO_EAUTH, E_ACCESSDENIED, E_ACCESSDENIED, PEER_E_INVALID_IDENTITY},
	{PONTO_EUNREACH, PEER_E_SERVICE_NOT_AVAILABLE, PEER_E_SERVICE_NOT_AVAILABLE, PEER_E_NO_CLOUD},
};

/* What is not in the table is a fault of ours. */
static size_t row_of(int ponto)
{
	size_t i = 0;

	while (i < PONTO_ARRAY_SIZE(table) && table[i].ponto != ponto)
		i++;
	return i;
}

HRESULT peer_result_of_call(int ponto)
{
	size_t i = row_of(ponto);

	return i < PONTO_ARRAY_SIZE(table) ? table[i].call : E_UNEXPECTED;
}

HRESULT peer_result(int ponto)
{
	size_t i = row_of(ponto);

	return i < PONTO_ARRAY_SIZE(table) ? table[i].answer : E_UNEXPECTED;
}

HRESULT peer_result_pnrp(int ponto)
{
	size_t i = row_of(ponto);

	return i < PONTO_ARRAY_SIZE(table) ? table[i].pnrp : E_UNEXPECTED;
}

/* Answers that do not prove the name are as good as none; a cloud that refuses a question is switched off. */
HRESULT peer_result_resolve(int ponto)
{
	if (ponto == PONTO_ENOENT || ponto == PONTO_ETIME || ponto == PONTO_EAUTH)
		return S_FALSE;
	return ponto == PONTO_EACCES ? PEER_E_CLOUD_DISABLED : peer_result_pnrp(ponto);
}

/* What is too many there is identities; what is closed, or encrypted with a secret that is gone, is their keys. */
HRESULT peer_result_identity(int ponto)
{
	if (ponto == PONTO_EACCES || ponto == PONTO_EAUTH)
		return PEER_E_NO_KEY_ACCESS;
	return ponto == PONTO_ELIMIT ? PEER_E_TOO_MANY_IDENTITIES : peer_result(ponto);
}

/* Of a file and its password one is wrong; the pages have one code for both. */
HRESULT peer_result_import(int ponto)
{
	return ponto == PONTO_EAUTH ? E_INVALIDARG : peer_result_identity(ponto);
}

int peer_result_wsa(HRESULT result)
{
	static const struct {
		HRESULT result;
		int code;
	} codes[] = {
		{S_OK, 0},
		{E_OUTOFMEMORY, WSA_NOT_ENOUGH_MEMORY},
		{E_INVALIDARG, WSAEINVAL},
		{E_ACCESSDENIED, WSAEACCES},
		{E_ABORT, WSA_E_CANCELLED},
		{E_NOTIMPL, WSAEOPNOTSUPP},
		{PEER_E_NO_MORE, WSA_E_NO_MORE},
		{PEER_E_SERVICE_NOT_AVAILABLE, WSASYSNOTREADY},
		{PEER_E_CANNOT_START_SERVICE, WSASYSNOTREADY},
		{PEER_E_NO_CLOUD, WSAENETUNREACH},
		{PEER_E_CLOUD_NAME_AMBIGUOUS, WSA_PNRP_CLOUD_NOT_FOUND},
		{PEER_E_PNRP_DUPLICATE_PEER_NAME, WSA_PNRP_DUPLICATE_PEER_NAME},
		{PEER_E_IDENTITY_NOT_FOUND, WSA_PNRP_INVALID_IDENTITY},
	};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(codes); i++) {
		if (codes[i].result == result)
			return codes[i].code;
	}
	if (HRESULT_FACILITY(result) == FACILITY_WIN32 && HRESULT_CODE(result) >= 10000)
		return HRESULT_CODE(result);
	return WSANO_RECOVERY;
}
