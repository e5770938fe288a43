#include "api/peer/crypt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/peer/ask.h"
#include "api/peer/result.h"
#include "apps/pontod/identity.pb-c.h"

#define PEM_MAX 16384 /* bytes */
#define DATA_MAX (512 * 1024)
#define TIMEOUT_MS 10000

static void destroy(struct handle_object *object)
{
	struct crypt_key *key = (struct crypt_key *)object;

	if (key->pem)
		ponto_wipe(key->pem, key->pem_len);
	free(key->pem);
	free(key);
}

static const struct handle_type crypt_type = {.name = "key pair", .destroy = destroy, .private_close = true};

/* takes key */
static bool open_key(struct crypt_key *key, HCRYPTPROV *out)
{
	HANDLE handle;

	if (!handle_open(&key->object, &handle)) {
		handle_put(&key->object);
		return false;
	}
	*out = (HCRYPTPROV)handle;
	return true;
}

static struct crypt_key *new_key(void)
{
	struct crypt_key *key = calloc(1, sizeof(*key));

	if (key)
		handle_init(&key->object, &crypt_type);
	return key;
}

HRESULT crypt_open_identity(const char *id, HCRYPTPROV *out)
{
	struct crypt_key *key = new_key();

	if (!key)
		return E_OUTOFMEMORY;
	snprintf(key->id, sizeof(key->id), "%s", id);
	return open_key(key, out) ? S_OK : E_OUTOFMEMORY;
}

struct crypt_key *crypt_get(HCRYPTPROV handle)
{
	return (struct crypt_key *)handle_get((HANDLE)handle, &crypt_type);
}

BOOL PontoCryptFromPem(const char *pem, DWORD size, HCRYPTPROV *out)
{
	struct crypt_key *key;

	if (!pem || !out || size == 0 || size > PEM_MAX) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	key = new_key();
	if (key) {
		key->pem = malloc(size);
		key->pem_len = size;
	}
	if (!key || !key->pem) {
		if (key)
			handle_put(&key->object);
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return FALSE;
	}
	memcpy(key->pem, pem, size);
	return open_key(key, out);
}

BOOL WINAPI CryptReleaseContext(HCRYPTPROV handle, DWORD flags)
{
	if (flags != 0) {
		SetLastError((DWORD)NTE_BAD_FLAGS);
		return FALSE;
	}
	return handle_close((HANDLE)handle, &crypt_type);
}

static HRESULT sign(const char *id, const BYTE *data, DWORD size, BYTE *signature, DWORD *signature_size)
{
	Ponto__Identity__V1__SignRequest request = PONTO__IDENTITY__V1__SIGN_REQUEST__INIT;
	const struct peer_question question = {"identity", "Sign", &ponto__identity__v1__sign_reply__descriptor,
					       peer_result};
	const Ponto__Identity__V1__SignReply *reply;
	ProtobufCMessage *message;
	HRESULT result;

	request.id = (char *)(uintptr_t)id;
	request.data.data = (uint8_t *)(uintptr_t)data;
	request.data.len = size;
	result = peer_ask(&question, &request.base, TIMEOUT_MS, -1, &message);
	if (FAILED(result))
		return result;
	reply = (const Ponto__Identity__V1__SignReply *)message;
	if (reply->signature.len > *signature_size) {
		result = E_UNEXPECTED;
	} else {
		memcpy(signature, reply->signature.data, reply->signature.len);
		*signature_size = (DWORD)reply->signature.len;
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return result;
}

BOOL PontoCryptSign(HCRYPTPROV handle, const BYTE *data, DWORD size, BYTE *signature, DWORD *signature_size)
{
	struct crypt_key *key = crypt_get(handle);
	DWORD error = 0;

	if (!key)
		return FALSE;
	if ((!data && size > 0) || size > DATA_MAX || !signature || !signature_size ||
	    *signature_size < PONTO_CRYPT_SIGNATURE_MAX) {
		error = ERROR_INVALID_PARAMETER;
	} else if (!key->id[0]) {
		error = ERROR_NOT_SUPPORTED;
	} else {
		HRESULT result = sign(key->id, data, size, signature, signature_size);

		error = SUCCEEDED(result) ? 0 : result == PEER_E_NOT_FOUND ? (DWORD)NTE_NO_KEY : (DWORD)NTE_FAIL;
	}
	handle_put(&key->object);
	if (error)
		SetLastError(error);
	return error == 0;
}
