/* The identity family. Everything is the daemon's: nothing is kept here, nothing needs to be started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/peer/ask.h"
#include "api/peer/block.h"
#include "api/peer/crypt.h"
#include "api/peer/enum.h"
#include "api/peer/result.h"
#include "api/peer/text.h"
#include "apps/pontod/identity.pb-c.h"
#include "framework/security.h"

#define TIMEOUT_MS 60000 /* a key pair, and a password's many rounds */
#define ID_DIGITS 40
#define NAME_UNITS 255
#define NAME_TEXT 1024 /* bytes that 255 units take at most */
#define PASSWORD_UNITS 255
#define XML_UNITS 65536

/* An identity as a program names it. */
struct named {
	char id[ID_DIGITS + 1];
	char peer[PNRP_NAME_TEXT]; /* id.classifier */
	char friendly[PNRP_NAME_TEXT];
};

/* ---- asking --------------------------------------------------------------------------------- */

/* How the daemon's answer is told. */
typedef HRESULT tell_fn(int ponto);

/* Calls and unpacks an answer of that type. gives *out, freed with protobuf_c_message_free_unpacked */
static HRESULT ask(const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
		   tell_fn *tell, ProtobufCMessage **out)
{
	const struct peer_question question = {"identity", method, type, tell};

	return peer_ask(&question, request, TIMEOUT_MS, -1, out);
}

static HRESULT name_it(const Ponto__Identity__V1__Identity *from, struct named *to)
{
	int len = snprintf(to->peer, sizeof(to->peer), "%s.%s", from->id, from->classifier ? from->classifier : "");

	if (len < 0 || (size_t)len >= sizeof(to->peer) || strlen(from->id) != ID_DIGITS)
		return E_UNEXPECTED;
	strcpy(to->id, from->id);
	/* one without a name of its own is called by its id, and to programs by its peer name */
	snprintf(to->friendly, sizeof(to->friendly), "%s", strcmp(from->name, from->id) == 0 ? to->peer : from->name);
	return S_OK;
}

/* The identity that an answer consists of: all of them look alike. */
static HRESULT ask_one(const char *method, const ProtobufCMessage *request, tell_fn *tell, struct named *out)
{
	ProtobufCMessage *reply;
	HRESULT result = ask(method, request, &ponto__identity__v1__show_reply__descriptor, tell, &reply);

	if (FAILED(result))
		return result;
	result = name_it(((const Ponto__Identity__V1__ShowReply *)reply)->identity, out);
	protobuf_c_message_free_unpacked(reply, NULL);
	return result;
}

/* make: one for a user who has none. */
static HRESULT find_default(bool make, struct named *out)
{
	Ponto__Identity__V1__DefaultRequest request = PONTO__IDENTITY__V1__DEFAULT_REQUEST__INIT;

	request.has_make = request.make = make;
	return ask_one("Default", &request.base, peer_result_identity, out);
}

/* A secured peer name in UTF-8; else E_INVALIDARG. */
static HRESULT read_identity(PCWSTR identity, char text[PNRP_NAME_TEXT])
{
	return FAILED(peer_name_utf8(identity, text)) || text[1] == '.' ? E_INVALIDARG : S_OK;
}

/* NULL is the default identity. E_INVALIDARG: no secured peer name; PEER_E_NOT_FOUND: nobody of this user's. */
static HRESULT find(PCWSTR identity, struct named *out)
{
	Ponto__Identity__V1__ShowRequest one = PONTO__IDENTITY__V1__SHOW_REQUEST__INIT;
	char text[PNRP_NAME_TEXT], id[ID_DIGITS + 1];
	struct named found;
	HRESULT result;

	if (!identity)
		return find_default(false, out);
	if (FAILED(read_identity(identity, text)))
		return E_INVALIDARG;
	memcpy(id, text, ID_DIGITS);
	id[ID_DIGITS] = '\0';
	one.id = id;
	result = ask_one("Show", &one.base, peer_result_identity, &found);
	if (SUCCEEDED(result) && strcmp(found.peer, text) != 0)
		result = PEER_E_NOT_FOUND;
	if (SUCCEEDED(result))
		*out = found;
	return result;
}

/* ---- texts ------------------------------------------------------------------------------------ */

/* As peer_text_utf8, but what is no text is E_UNEXPECTED: replaced characters make two passwords or names one. */
static HRESULT read_text(PCWSTR text, size_t max, char *out, size_t cap)
{
	HRESULT result = peer_text_utf8(text, max, out, cap);

	for (PCWSTR at = text; SUCCEEDED(result) && *at; at++) {
		bool pair = (*at & 0xfc00) == 0xd800 && (at[1] & 0xfc00) == 0xdc00;

		if (!pair && (*at & 0xf800) == 0xd800)
			result = E_UNEXPECTED;
		at += pair;
	}
	return result;
}

/* NULL or empty: none, which the daemon is told as the empty one. */
static HRESULT read_friendly(PCWSTR text, char out[NAME_TEXT])
{
	*out = '\0';
	if (!text || !*text)
		return S_OK;
	if (FAILED(read_text(text, NAME_UNITS, out, NAME_TEXT)) || !ponto_identity_name_valid(out))
		return PEER_E_INVALID_FRIENDLY_NAME;
	return S_OK;
}

static HRESULT read_classifier(PCWSTR text, char out[PONTO_CLASSIFIER_TEXT])
{
	HRESULT result = read_text(text, PONTO_CLASSIFIER_UNITS, out, PONTO_CLASSIFIER_TEXT);

	if (FAILED(result))
		return result == E_INVALIDARG ? PEER_E_CLASSIFIER_TOO_LONG : PEER_E_INVALID_CLASSIFIER;
	return ponto_identity_classifier_valid(out) ? S_OK : PEER_E_INVALID_CLASSIFIER;
}

static HRESULT read_password(PCWSTR text, char out[NAME_TEXT])
{
	if (!text || !*text || FAILED(read_text(text, PASSWORD_UNITS, out, NAME_TEXT)))
		return E_INVALIDARG;
	return S_OK;
}

/* Bytes of the daemon's that are a text. */
static HRESULT give_bytes(ProtobufCBinaryData bytes, PWSTR *out)
{
	char *text = malloc(bytes.len + 1);
	HRESULT result;

	if (!text)
		return E_OUTOFMEMORY;
	if (bytes.len)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
	result = peer_text_give(text, out);
	ponto_wipe(text, bytes.len);
	free(text);
	return result;
}

/* ---- making, changing, removing -------------------------------------------------------------- */

HRESULT WINAPI PeerIdentityCreate(PCWSTR classifier, PCWSTR friendly, HCRYPTPROV prov, PWSTR *out)
{
	Ponto__Identity__V1__CreateRequest request = PONTO__IDENTITY__V1__CREATE_REQUEST__INIT;
	char classifier_text[PONTO_CLASSIFIER_TEXT] = "", name[NAME_TEXT];
	struct crypt_key *key = NULL;
	struct named made;
	HRESULT result = S_OK;

	if (!out)
		return E_INVALIDARG;
	*out = NULL; /* the page of this function promises it */
	if (classifier)
		result = read_classifier(classifier, classifier_text);
	if (SUCCEEDED(result))
		result = read_friendly(friendly, name);
	if (SUCCEEDED(result) && prov) {
		key = crypt_get(prov);
		result = !key ? E_HANDLE : key->pem ? S_OK : PEER_E_ALREADY_EXISTS;
	}
	request.name = name;
	request.classifier = classifier_text;
	if (SUCCEEDED(result) && key) {
		request.has_key = true;
		request.key.data = key->pem;
		request.key.len = key->pem_len;
	}
	if (SUCCEEDED(result))
		result = ask_one("Create", &request.base, peer_result_identity, &made);
	if (result == E_INVALIDARG && key)
		result = PEER_E_NO_KEY_ACCESS; /* no RSA key pair that the profile allows */
	if (key)
		handle_put(&key->object);
	return SUCCEEDED(result) ? peer_text_give(made.peer, out) : result;
}

HRESULT WINAPI PeerIdentityGetFriendlyName(PCWSTR identity, PWSTR *out)
{
	struct named found;
	HRESULT result = out ? find(identity, &found) : E_INVALIDARG;

	return SUCCEEDED(result) ? peer_text_give(found.friendly, out) : result;
}

HRESULT WINAPI PeerIdentitySetFriendlyName(PCWSTR identity, PCWSTR friendly)
{
	Ponto__Identity__V1__ChangeRequest request = PONTO__IDENTITY__V1__CHANGE_REQUEST__INIT;
	char name[NAME_TEXT];
	struct named found;
	HRESULT result = read_friendly(friendly, name);

	if (SUCCEEDED(result))
		result = find(identity, &found);
	if (FAILED(result))
		return result;
	request.id = found.id;
	request.name = name;
	return ask_one("Change", &request.base, peer_result_identity, &found);
}

HRESULT WINAPI PeerIdentityDelete(PCWSTR identity)
{
	Ponto__Identity__V1__DeleteRequest request = PONTO__IDENTITY__V1__DELETE_REQUEST__INIT;
	ProtobufCMessage *reply;
	struct named found;
	HRESULT result = identity ? find(identity, &found) : E_INVALIDARG;

	if (FAILED(result))
		return result;
	request.id = found.id;
	request.has_force = request.force = true; /* Windows asks nobody whether a name still needs it */
	result = ask("Delete", &request.base, &ponto__identity__v1__delete_reply__descriptor, peer_result_identity,
		     &reply);
	if (SUCCEEDED(result))
		protobuf_c_message_free_unpacked(reply, NULL);
	return result;
}

/* The key stays where it is; that it can be used is tried. */
HRESULT WINAPI PeerIdentityGetCryptKey(PCWSTR identity, HCRYPTPROV *out)
{
	Ponto__Identity__V1__SignRequest request = PONTO__IDENTITY__V1__SIGN_REQUEST__INIT;
	ProtobufCMessage *reply;
	struct named found;
	HRESULT result = out ? find(identity, &found) : E_INVALIDARG;

	if (FAILED(result))
		return result;
	request.id = found.id;
	result = ask("Sign", &request.base, &ponto__identity__v1__sign_reply__descriptor, peer_result_identity, &reply);
	if (FAILED(result))
		return result;
	protobuf_c_message_free_unpacked(reply, NULL);
	return crypt_open_identity(found.id, out);
}

/* ---- names -------------------------------------------------------------------------------------- */

HRESULT WINAPI PeerIdentityGetDefault(PWSTR *out)
{
	struct named found;
	HRESULT result = out ? find(NULL, &found) : E_INVALIDARG;

	return SUCCEEDED(result) ? peer_text_give(found.peer, out) : result;
}

/* Of anybody's identity: nobody is asked. */
HRESULT WINAPI PeerCreatePeerName(PCWSTR identity, PCWSTR classifier, PWSTR *out)
{
	char base[PNRP_NAME_TEXT] = "0.", text[PONTO_CLASSIFIER_TEXT], name[PNRP_NAME_TEXT];
	HRESULT result = out && (identity || classifier) ? S_OK : E_INVALIDARG;

	if (SUCCEEDED(result) && identity)
		result = read_identity(identity, base);
	if (SUCCEEDED(result) && classifier)
		result = read_classifier(classifier, text);
	if (SUCCEEDED(result) && !identity && !*text)
		result = PEER_E_INVALID_CLASSIFIER;
	if (FAILED(result))
		return result;
	if (!classifier)
		return peer_text_give(base, out);
	snprintf(name, sizeof(name), "%.*s.%s", (int)strcspn(base, "."), base, text);
	return peer_text_give(name, out);
}

/* ---- cards and exports --------------------------------------------------------------------------- */

HRESULT WINAPI PeerIdentityGetXML(PCWSTR identity, PWSTR *out)
{
	Ponto__Identity__V1__CardRequest request = PONTO__IDENTITY__V1__CARD_REQUEST__INIT;
	ProtobufCMessage *reply;
	struct named found;
	HRESULT result = !out ? E_INVALIDARG : identity ? find(identity, &found) : find_default(true, &found);

	if (FAILED(result))
		return result;
	request.id = found.id;
	result = ask("Card", &request.base, &ponto__identity__v1__card_reply__descriptor, peer_result_identity, &reply);
	if (FAILED(result))
		return result;
	result = give_bytes(((const Ponto__Identity__V1__CardReply *)reply)->data, out);
	protobuf_c_message_free_unpacked(reply, NULL);
	return result;
}

HRESULT WINAPI PeerIdentityExport(PCWSTR identity, PCWSTR password, PWSTR *out)
{
	Ponto__Identity__V1__ExportRequest request = PONTO__IDENTITY__V1__EXPORT_REQUEST__INIT;
	const Ponto__Identity__V1__ExportReply *export;
	ProtobufCMessage *reply;
	char secret[NAME_TEXT];
	struct named found;
	HRESULT result = out ? read_password(password, secret) : E_INVALIDARG;

	if (FAILED(result))
		return result;
	result = find(identity, &found);
	request.id = found.id;
	request.password = secret;
	request.has_xml = request.xml = true;
	if (SUCCEEDED(result))
		result = ask("Export", &request.base, &ponto__identity__v1__export_reply__descriptor,
			     peer_result_identity, &reply);
	ponto_wipe(secret, sizeof(secret));
	if (FAILED(result))
		return result;
	export = (const Ponto__Identity__V1__ExportReply *)reply;
	result = give_bytes(export->data, out);
	if (export->data.len)
		ponto_wipe(export->data.data, export->data.len);
	protobuf_c_message_free_unpacked(reply, NULL);
	return result;
}

HRESULT WINAPI PeerIdentityImport(PCWSTR xml, PCWSTR password, PWSTR *out)
{
	Ponto__Identity__V1__ImportRequest request = PONTO__IDENTITY__V1__IMPORT_REQUEST__INIT;
	const size_t room = 3 * XML_UNITS + 4;
	char secret[NAME_TEXT], *text;
	struct named found;
	HRESULT result = out && xml && *xml ? read_password(password, secret) : E_INVALIDARG;

	if (FAILED(result))
		return result;
	text = malloc(room);
	result = text ? peer_text_utf8(xml, XML_UNITS, text, room) : E_OUTOFMEMORY;
	if (SUCCEEDED(result)) {
		request.data.data = (uint8_t *)text;
		request.data.len = strlen(text);
		request.password = secret;
		result = *text == '<' ? ask_one("Import", &request.base, peer_result_import, &found) : E_INVALIDARG;
	}
	ponto_wipe(secret, sizeof(secret));
	free(text);
	return SUCCEEDED(result) ? peer_text_give(found.peer, out) : result;
}

/* ---- enumerations ---------------------------------------------------------------------------------- */

static void *pack_pair(struct peer_block *b, const void *item)
{
	const struct named *named = item;
	PEER_NAME_PAIR *pair = peer_block_take(b, sizeof(*pair));
	PWSTR peer = peer_block_text(b, named->peer), friendly = peer_block_text(b, named->friendly);

	if (pair)
		*pair = (PEER_NAME_PAIR){sizeof(*pair), peer, friendly};
	return pair;
}

static void free_pairs(void *items, size_t count)
{
	(void)count;
	free(items);
}

static const struct peer_enum_kind pairs = {sizeof(struct named), pack_pair, free_pairs};

HRESULT WINAPI PeerEnumIdentities(HPEERENUM *out)
{
	Ponto__Identity__V1__ListRequest request = PONTO__IDENTITY__V1__LIST_REQUEST__INIT;
	const Ponto__Identity__V1__ListReply *list;
	ProtobufCMessage *reply;
	struct named *items;
	HRESULT result;

	if (!out)
		return E_INVALIDARG;
	result = ask("List", &request.base, &ponto__identity__v1__list_reply__descriptor, peer_result_identity, &reply);
	if (FAILED(result))
		return result;
	list = (const Ponto__Identity__V1__ListReply *)reply;
	items = calloc(list->n_identity + 1, sizeof(*items));
	result = items ? S_OK : E_OUTOFMEMORY;
	for (size_t i = 0; SUCCEEDED(result) && i < list->n_identity; i++)
		result = name_it(list->identity[i], &items[i]);
	if (SUCCEEDED(result))
		result = peer_enum_open(&pairs, items, list->n_identity, out);
	else
		free(items);
	protobuf_c_message_free_unpacked(reply, NULL);
	return result;
}

/* No identity has created or joined a group yet: there is no group service in this node. */
HRESULT WINAPI PeerEnumGroups(PCWSTR identity, HPEERENUM *out)
{
	struct named found;
	HRESULT result = identity && out ? find(identity, &found) : E_INVALIDARG;

	return SUCCEEDED(result) ? peer_enum_open(&pairs, NULL, 0, out) : result;
}
