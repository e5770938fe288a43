#include "plugins/security-pki/pki_pfx_read.h"

#include <openssl/pkcs12.h>
#include <string.h>

struct reader {
	struct pki_crypto *crypto;
	const char *password;
	int64_t rounds; /* that may still be worked off */
	EVP_PKEY *key;
	STACK_OF(X509) * certificates;
};

/* ---- rounds: how long a password may be worked on is for us to say, not for the file --------------------- */

static bool spend_integer(struct reader *r, const ASN1_INTEGER *number)
{
	int64_t rounds;

	if (!ASN1_INTEGER_get_int64(&rounds, number) || rounds < 1 || rounds > r->rounds)
		return false;
	r->rounds -= rounds;
	return true;
}

/* PBKDF2 alone: what else there is (scrypt) takes memory as well. */
static bool spend_pbes2(struct reader *r, const X509_ALGOR *algorithm)
{
	PBE2PARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	PBKDF2PARAM *kdf = NULL;
	bool good;

	if (pbe && OBJ_obj2nid(pbe->keyfunc->algorithm) == NID_id_pbkdf2)
		kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe->keyfunc->parameter);
	good = kdf && spend_integer(r, kdf->iter);
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbe);
	return good;
}

static bool spend(struct reader *r, const X509_ALGOR *algorithm)
{
	PBEPARAM *pbe;
	bool good;

	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2)
		return spend_pbes2(r, algorithm);
	pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
	good = pbe && spend_integer(r, pbe->iter);
	PBEPARAM_free(pbe);
	return good;
}

/* ---- what is in it -------------------------------------------------------------------------------------- */

/* Only the first key counts: others are not worked on. */
static bool take_key(struct reader *r, const PKCS12_SAFEBAG *bag)
{
	const X509_ALGOR *algorithm;
	PKCS8_PRIV_KEY_INFO *info;

	if (r->key)
		return true;
	if (PKCS12_SAFEBAG_get_nid(bag) == NID_keyBag) {
		r->key = EVP_PKCS82PKEY_ex(PKCS12_SAFEBAG_get0_p8inf(bag), r->crypto->lib, NULL);
		return r->key;
	}
	X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
	if (!spend(r, algorithm))
		return false;
	info = PKCS12_decrypt_skey_ex(bag, r->password, -1, r->crypto->lib, NULL);
	if (info)
		r->key = EVP_PKCS82PKEY_ex(info, r->crypto->lib, NULL);
	PKCS8_PRIV_KEY_INFO_free(info);
	return r->key;
}

static void take_alias(const PKCS12_SAFEBAG *bag, X509 *x)
{
	const ASN1_TYPE *name = PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName);
	unsigned char *text;
	int len = name && name->type == V_ASN1_BMPSTRING ? ASN1_STRING_to_UTF8(&text, name->value.bmpstring) : -1;

	if (len < 0)
		return; /* it is as if it had none */
	(void)X509_alias_set1(x, text, len);
	OPENSSL_free(text);
}

static bool take_certificate(struct reader *r, const PKCS12_SAFEBAG *bag)
{
	X509 *x;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return true;
	x = PKCS12_SAFEBAG_get1_cert(bag);
	if (!x || !sk_X509_push(r->certificates, x)) {
		X509_free(x);
		return false;
	}
	take_alias(bag, x);
	return true;
}

static bool take_bags(struct reader *r, const STACK_OF(PKCS12_SAFEBAG) * bags)
{
	bool good = bags;

	for (int i = 0; good && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		int nid = PKCS12_SAFEBAG_get_nid(bag);

		if (nid == NID_keyBag || nid == NID_pkcs8ShroudedKeyBag)
			good = take_key(r, bag);
		else if (nid == NID_certBag)
			good = take_certificate(r, bag);
	}
	return good;
}

static bool take_safe(struct reader *r, PKCS7 *safe)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	bool good;

	if (PKCS7_type_is_data(safe))
		bags = PKCS12_unpack_p7data(safe);
	else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted && spend(r, safe->d.encrypted->enc_data->algorithm))
		bags = PKCS12_unpack_p7encdata(safe, r->password, -1);
	good = take_bags(r, bags);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return good;
}

static bool take_safes(struct reader *r, const PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	bool good = safes;

	for (int i = 0; good && i < sk_PKCS7_num(safes); i++)
		good = take_safe(r, sk_PKCS7_value(safes, i));
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return good && r->key;
}

/* ---- around it ------------------------------------------------------------------------------------------- */

/* What the check over all the rest does not cover is bounded, or must be as RFC 7292 writes it. */
static bool mac_fits(struct reader *r, const PKCS12 *p12)
{
	const ASN1_INTEGER *iter = NULL;
	const X509_ALGOR *algorithm = NULL;
	int parameter;

	if (!PKCS12_mac_present(p12))
		return false;
	PKCS12_get0_mac(NULL, &algorithm, NULL, &iter, p12);
	X509_ALGOR_get0(NULL, &parameter, NULL, algorithm);
	return (parameter == V_ASN1_UNDEF || parameter == V_ASN1_NULL) && (!iter || spend_integer(r, iter));
}

/* Version 3 stands first, and OpenSSL does not look at it. */
static bool version_fits(struct ponto_bytes data)
{
	static const uint8_t version[] = {V_ASN1_INTEGER, 1, 3};
	const unsigned char *at = data.data;
	int tag, class;
	long len;

	return !(ASN1_get_object(&at, &len, &tag, &class, (long)data.len) & 0x80) && len >= (long)sizeof(version) &&
	       memcmp(at, version, sizeof(version)) == 0;
}

static int open_it(struct reader *r, struct ponto_bytes data)
{
	PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, r->crypto->lib, NULL);
	const uint8_t *at = data.data;
	int result = PONTO_OK;

	if (!p12)
		return pki_crypto_error(PONTO_ENOMEM);
	if (!d2i_PKCS12(&p12, &at, (long)data.len) || at != data.data + data.len || !version_fits(data) ||
	    !mac_fits(r, p12))
		result = pki_crypto_error(PONTO_EPROTO);
	else if (!PKCS12_verify_mac(p12, r->password, -1))
		result = pki_crypto_error(PONTO_EAUTH);
	else if (!take_safes(r, p12))
		result = pki_crypto_error(PONTO_EPROTO);
	PKCS12_free(p12);
	return result;
}

int pki_pfx_read(struct pki_crypto *crypto, struct ponto_bytes data, const char *password, int64_t rounds,
		 EVP_PKEY **key, X509 **x)
{
	struct reader r = {crypto, password, rounds, NULL, sk_X509_new_null()};
	int result = r.certificates ? open_it(&r, data) : pki_crypto_error(PONTO_ENOMEM);

	if (result == PONTO_OK) {
		*key = r.key;
		*x = NULL;
		for (int i = 0; !*x && i < sk_X509_num(r.certificates); i++) {
			if (X509_check_private_key(sk_X509_value(r.certificates, i), r.key))
				*x = sk_X509_delete(r.certificates, i);
		}
		(void)pki_crypto_error(PONTO_OK); /* of certificates of others */
	} else {
		EVP_PKEY_free(r.key);
	}
	sk_X509_pop_free(r.certificates, X509_free);
	return result;
}
