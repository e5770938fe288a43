#include "plugins/service-dist/dist_gss.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Negotiate "
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

struct dist_gss {
	const struct ponto_alloc *alloc;
	gss_cred_id_t cred;
};

/* 1.3.6.1.5.5.2, and nothing but what it wraps */
static char spnego_oid[] = "\x2b\x06\x01\x05\x05\x02";

static void tell(OM_uint32 minor, char why[DIST_GSS_WHY])
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, context = 0;

	gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &context, &text);
	snprintf(why, DIST_GSS_WHY, "%.*s", (int)text.length, text.length ? (const char *)text.value : "");
	gss_release_buffer(&ignored, &text);
}

int dist_gss_open(const struct ponto_alloc *alloc, const char *keytab, char why[DIST_GSS_WHY], struct dist_gss **out)
{
	gss_OID_desc spnego = {sizeof(spnego_oid) - 1, spnego_oid};
	gss_OID_set_desc mechs = {1, &spnego};
	/* Replays need not be looked for: tokens come within TLS, and what they allow is to offer. */
	gss_key_value_element_desc pairs[] = {{"keytab", keytab}, {"rcache", "none:"}};
	gss_key_value_set_desc store = {PONTO_ARRAY_SIZE(pairs), pairs};
	struct dist_gss *gss = ponto_new(alloc, 1, sizeof(*gss));
	OM_uint32 major, minor;

	if (!gss)
		return PONTO_ENOMEM;
	gss->alloc = alloc;
	major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs, GSS_C_ACCEPT, &store, &gss->cred,
				      NULL, NULL);
	if (GSS_ERROR(major)) {
		tell(minor, why);
		ponto_free(alloc, gss);
		return PONTO_ECONF;
	}
	*out = gss;
	return PONTO_OK;
}

void dist_gss_close(struct dist_gss *gss)
{
	OM_uint32 minor;

	if (!gss)
		return;
	gss_release_cred(&minor, &gss->cred);
	ponto_free(gss->alloc, gss);
}

int dist_gss_token(const struct ponto_alloc *alloc, const char *header, uint8_t **token, size_t *len)
{
	const char *text = header + strlen(SCHEME);
	size_t size, padding = 0;
	uint8_t *out;
	int got;

	if (strncasecmp(header, SCHEME, strlen(SCHEME)) != 0)
		return PONTO_EPROTO;
	text += strspn(text, " ");
	size = strlen(text);
	if (size == 0 || size % 4 != 0 || size / 4 * 3 > DIST_GSS_TOKEN)
		return PONTO_EPROTO;
	while (padding < 2 && text[size - 1 - padding] == '=')
		padding++;
	/* OpenSSL takes padding anywhere for zeros. */
	if (strspn(text, BASE64) != size - padding)
		return PONTO_EPROTO;
	out = ponto_new(alloc, size / 4, 3);
	if (!out)
		return PONTO_ENOMEM;
	got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)size);
	if (got < 0 || (size_t)got <= padding) {
		ponto_free(alloc, out);
		return PONTO_EPROTO;
	}
	*token = out;
	*len = (size_t)got - padding;
	return PONTO_OK;
}

static int write_reply(const struct ponto_alloc *alloc, const gss_buffer_desc *token, char **reply)
{
	size_t head = strlen(SCHEME);
	char *text;

	*reply = NULL;
	if (token->length == 0 || token->length > DIST_GSS_TOKEN / 8)
		return PONTO_OK;
	text = ponto_new(alloc, head + (token->length + 2) / 3 * 4 + 1, 1);
	if (!text)
		return PONTO_ENOMEM;
	memcpy(text, SCHEME, head);
	EVP_EncodeBlock((unsigned char *)text + head, token->value, (int)token->length);
	*reply = text;
	return PONTO_OK;
}

int dist_gss_accept(struct dist_gss *gss, struct ponto_bytes token, char **reply)
{
	gss_buffer_desc in = {token.len, (void *)(uintptr_t)token.data}, answer = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor, ignored;
	int result = PONTO_EAUTH;

	major = gss_accept_sec_context(&minor, &context, gss->cred, &in, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &answer,
				       NULL, NULL, NULL);
	if (major == GSS_S_COMPLETE)
		result = write_reply(gss->alloc, &answer, reply);
	gss_release_buffer(&ignored, &answer);
	gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
	return result;
}
