#include "plugins/security-pki/pki_crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

#include "framework/digest.h"

#define RSA_SIZE 128
#define RSA_EXPONENT 3

int pki_crypto_error(int otherwise)
{
	unsigned long error = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? PONTO_ENOMEM : otherwise;
}

/* One for the process, counted: a context with what OpenSSL fetches into it takes a third of a megabyte. */
static struct {
	pthread_mutex_t lock;
	unsigned users;
	struct pki_crypto crypto;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void unload(struct pki_crypto *crypto)
{
	if (crypto->provider)
		OSSL_PROVIDER_unload(crypto->provider);
	OSSL_LIB_CTX_free(crypto->lib);
	memset(crypto, 0, sizeof(*crypto));
}

static int load(struct pki_crypto *crypto)
{
	int result = PONTO_OK;

	crypto->lib = OSSL_LIB_CTX_new();
	if (!crypto->lib)
		return PONTO_ENOMEM;
	crypto->provider = OSSL_PROVIDER_load(crypto->lib, "default");
	if (!crypto->provider)
		result = pki_crypto_error(PONTO_ENOTSUP);
	for (uint32_t profile = PONTO_PROFILE_WINDOWS; profile <= PONTO_PROFILE_MODERN && !result; profile++) {
		int tested = pki_crypto_test(crypto, profile);

		crypto->works[profile] = tested == PONTO_OK;
		if (tested == PONTO_ENOMEM)
			result = tested;
	}
	if (result)
		unload(crypto);
	return result;
}

int pki_crypto_init(struct pki_crypto *crypto)
{
	int result = PONTO_OK;

	memset(crypto, 0, sizeof(*crypto));
	pthread_mutex_lock(&shared.lock);
	if (shared.users == 0)
		result = load(&shared.crypto);
	if (result == PONTO_OK) {
		shared.users++;
		*crypto = shared.crypto;
	}
	pthread_mutex_unlock(&shared.lock);
	return result;
}

void pki_crypto_fini(struct pki_crypto *crypto)
{
	if (!crypto->lib)
		return;
	pthread_mutex_lock(&shared.lock);
	if (--shared.users == 0)
		unload(&shared.crypto);
	pthread_mutex_unlock(&shared.lock);
	memset(crypto, 0, sizeof(*crypto));
}

static const char *algorithm(uint32_t profile)
{
	return profile == PONTO_PROFILE_WINDOWS ? "RSA" : profile == PONTO_PROFILE_MODERN ? "ED25519" : NULL;
}

int pki_key_generate(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY **out)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	int ok;

	if (!algorithm(profile))
		return PONTO_EINVAL;
	ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, algorithm(profile), NULL);
	ok = ctx && EVP_PKEY_keygen_init(ctx) > 0 &&
	     (profile != PONTO_PROFILE_WINDOWS || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, RSA_SIZE * 8) > 0) &&
	     EVP_PKEY_generate(ctx, &key) > 0;
	EVP_PKEY_CTX_free(ctx);
	if (!ok) {
		EVP_PKEY_free(key);
		return pki_crypto_error(PONTO_ENOTSUP);
	}
	*out = key;
	return PONTO_OK;
}

/* An RSA key of numbers; d NULL for a public one. */
static int rsa_from_numbers(struct pki_crypto *crypto, struct ponto_bytes n, struct ponto_bytes e, struct ponto_bytes d,
			    EVP_PKEY **out)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_bin2bn(n.data, (int)n.len, NULL);
	BIGNUM *be = BN_bin2bn(e.data, (int)e.len, NULL);
	BIGNUM *bd = d.len ? BN_bin2bn(d.data, (int)d.len, NULL) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	int result = PONTO_ENOMEM;

	if (!build || !bn || !be || (d.len && !bd) || !ctx)
		goto out;
	if (!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) ||
	    (bd && !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, bd)))
		goto out;
	params = OSSL_PARAM_BLD_to_param(build);
	if (!params)
		goto out;
	if (EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, d.len ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) <= 0) {
		result = pki_crypto_error(PONTO_EPROTO);
		goto out;
	}
	*out = key;
	result = PONTO_OK;
out:
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	BN_clear_free(bd);
	BN_free(be);
	BN_free(bn);
	OSSL_PARAM_BLD_free(build);
	ERR_clear_error();
	return result;
}

/* ponto_public_key_check has fixed where a key's numbers lie. */
static struct ponto_bytes rsa_modulus(struct ponto_bytes public_key)
{
	return ponto_bytes(public_key.data + 7, RSA_SIZE);
}

static struct ponto_bytes rsa_exponent(struct ponto_bytes public_key)
{
	return ponto_bytes(public_key.data + 137, RSA_EXPONENT);
}

int pki_key_public(struct pki_crypto *crypto, uint32_t profile, struct ponto_bytes public_key, EVP_PKEY **out)
{
	int result = ponto_public_key_check(profile, public_key);
	EVP_PKEY *key;

	if (result)
		return result;
	if (profile == PONTO_PROFILE_WINDOWS)
		return rsa_from_numbers(crypto, rsa_modulus(public_key), rsa_exponent(public_key), ponto_bytes(NULL, 0),
					out);
	key = EVP_PKEY_new_raw_public_key_ex(crypto->lib, "ED25519", NULL, public_key.data, public_key.len);
	if (!key)
		return pki_crypto_error(PONTO_EPROTO);
	*out = key;
	return PONTO_OK;
}

int pki_key_check(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx;
	int ok;

	if (!algorithm(profile) || !EVP_PKEY_is_a(key, algorithm(profile)))
		return PONTO_EPROTO;
	ctx = EVP_PKEY_CTX_new_from_pkey(crypto->lib, key, NULL);
	if (!ctx)
		return pki_crypto_error(PONTO_ENOMEM);
	ok = EVP_PKEY_check(ctx) > 0;
	EVP_PKEY_CTX_free(ctx);
	return ok ? PONTO_OK : pki_crypto_error(PONTO_EPROTO);
}

static int describe_rsa(const EVP_PKEY *key, struct ponto_identity *out)
{
	static const uint8_t head[] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
	static const uint8_t tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
	uint8_t der[PONTO_RSA1024_KEY_SIZE];
	BIGNUM *n = NULL, *e = NULL;
	int result = PONTO_EPROTO;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_num_bits(n) == RSA_SIZE * 8 &&
	    BN_is_word(e, 65537)) {
		memcpy(der, head, sizeof(head));
		BN_bn2binpad(n, der + sizeof(head), RSA_SIZE);
		memcpy(der + sizeof(head) + RSA_SIZE, tail, sizeof(tail));
		result = ponto_identity_set_key(PONTO_PROFILE_WINDOWS, ponto_bytes(der, sizeof(der)), out);
	}
	BN_free(n);
	BN_free(e);
	return result ? pki_crypto_error(result) : PONTO_OK;
}

int pki_key_describe(uint32_t profile, const EVP_PKEY *key, struct ponto_identity *out)
{
	uint8_t raw[PONTO_ED25519_KEY_SIZE];
	size_t len = sizeof(raw);

	if (!algorithm(profile) || !EVP_PKEY_is_a(key, algorithm(profile)))
		return PONTO_EPROTO;
	if (profile == PONTO_PROFILE_WINDOWS)
		return describe_rsa(key, out);
	if (EVP_PKEY_get_raw_public_key(key, raw, &len) <= 0)
		return pki_crypto_error(PONTO_EPROTO);
	return ponto_identity_set_key(profile, ponto_bytes(raw, len), out);
}

/* EMSA-PKCS1-v1_5 with SHA-1 (RFC 8017 9.2). Encoded here and put through RSA without OpenSSL's padding, because
 * distributions block SHA-1 signatures there. A verifier that compares whole blocks also knows no lenient parsing. */
static void emsa_sha1(struct ponto_bytes data, uint8_t em[RSA_SIZE])
{
	static const uint8_t digest_info[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
					      0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
	uint8_t *hash = em + RSA_SIZE - PONTO_SHA1_SIZE;
	uint8_t *info = hash - sizeof(digest_info);

	memset(em, 0xff, RSA_SIZE);
	em[0] = 0;
	em[1] = 1;
	info[-1] = 0;
	memcpy(info, digest_info, sizeof(digest_info));
	ponto_sha1(&data, 1, hash);
}

static int rsa_sign(struct pki_crypto *crypto, EVP_PKEY *key, struct ponto_bytes data, uint8_t out[RSA_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto->lib, key, NULL);
	uint8_t em[RSA_SIZE], raw[RSA_SIZE];
	size_t len = sizeof(raw);
	int ok;

	emsa_sha1(data, em);
	ok = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
	     EVP_PKEY_sign(ctx, raw, &len, em, sizeof(em)) > 0 && len == sizeof(raw);
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return pki_crypto_error(PONTO_ENOTSUP);
	memcpy(out, raw, sizeof(raw));
	return PONTO_OK;
}

/* What a signature opens to. By numbers: a peer's key is used once or seldom, and to make and keep one of OpenSSL's keys
 * costs more than this. */
struct opener {
	BN_CTX *ctx;
	BN_MONT_CTX *mont;
	BIGNUM *n, *e, *s, *m;
};

static bool opener_init(struct opener *o, struct pki_crypto *crypto, struct ponto_bytes public_key)
{
	o->ctx = BN_CTX_new_ex(crypto->lib);
	o->mont = BN_MONT_CTX_new();
	if (!o->ctx || !o->mont)
		return false;
	BN_CTX_start(o->ctx);
	o->n = BN_CTX_get(o->ctx);
	o->e = BN_CTX_get(o->ctx);
	o->s = BN_CTX_get(o->ctx);
	o->m = BN_CTX_get(o->ctx);
	return o->m && BN_bin2bn(rsa_modulus(public_key).data, RSA_SIZE, o->n) &&
	       BN_bin2bn(rsa_exponent(public_key).data, RSA_EXPONENT, o->e) && BN_MONT_CTX_set(o->mont, o->n, o->ctx);
}

static void opener_fini(struct opener *o)
{
	BN_MONT_CTX_free(o->mont);
	BN_CTX_free(o->ctx);
}

/* RFC 8017 5.2.2. False, too, for a signature that is no number below the modulus. */
static bool opens(struct opener *o, const uint8_t signature[RSA_SIZE], uint8_t out[RSA_SIZE])
{
	return BN_bin2bn(signature, RSA_SIZE, o->s) && BN_ucmp(o->s, o->n) < 0 &&
	       BN_mod_exp_mont(o->m, o->s, o->e, o->n, o->ctx, o->mont) && BN_bn2binpad(o->m, out, RSA_SIZE) == RSA_SIZE;
}

static int rsa_verify(struct pki_crypto *crypto, struct ponto_bytes public_key, struct ponto_bytes data,
		      struct ponto_bytes signature)
{
	struct opener opener = {NULL};
	uint8_t em[RSA_SIZE], tried[RSA_SIZE], opened[RSA_SIZE];
	int result = PONTO_EAUTH;

	if (signature.len != RSA_SIZE)
		return PONTO_EAUTH;
	if (!opener_init(&opener, crypto, public_key)) {
		opener_fini(&opener);
		return pki_crypto_error(PONTO_ENOMEM);
	}
	emsa_sha1(data, em);
	/* First in RFC 8017's order, then in CryptoAPI's, the reverse: the ALG_ID on the wire is CryptoAPI's. */
	for (int reversed = 0; reversed < 2 && result; reversed++) {
		for (size_t i = 0; i < RSA_SIZE; i++)
			tried[i] = signature.data[reversed ? RSA_SIZE - 1 - i : i];
		if (opens(&opener, tried, opened) && memcmp(opened, em, sizeof(em)) == 0)
			result = PONTO_OK;
	}
	opener_fini(&opener);
	return result ? pki_crypto_error(result) : PONTO_OK;
}

static int ed25519(struct pki_crypto *crypto, EVP_PKEY *key, struct ponto_bytes data, const uint8_t *verify,
		   uint8_t *sign)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const uint8_t *bytes = data.len ? data.data : (const uint8_t *)"";
	size_t len = PONTO_ED25519_SIGNATURE_SIZE;
	int result = PONTO_OK;

	if (!md)
		return pki_crypto_error(PONTO_ENOMEM);
	if (verify) {
		if (EVP_DigestVerifyInit_ex(md, NULL, NULL, crypto->lib, NULL, key, NULL) <= 0)
			result = pki_crypto_error(PONTO_ENOTSUP);
		else if (EVP_DigestVerify(md, verify, len, bytes, data.len) != 1)
			result = pki_crypto_error(PONTO_EAUTH);
	} else if (EVP_DigestSignInit_ex(md, NULL, NULL, crypto->lib, NULL, key, NULL) <= 0 ||
		   EVP_DigestSign(md, sign, &len, bytes, data.len) <= 0) {
		result = pki_crypto_error(PONTO_ENOTSUP);
	}
	EVP_MD_CTX_free(md);
	return result;
}

int pki_key_sign(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY *key, struct ponto_bytes data,
		 uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	uint8_t made[PONTO_ED25519_SIGNATURE_SIZE];
	int result;

	if (profile == PONTO_PROFILE_WINDOWS) {
		result = rsa_sign(crypto, key, data, signature);
		if (!result)
			*len = RSA_SIZE;
		return result;
	}
	result = ed25519(crypto, key, data, NULL, made);
	if (result)
		return result;
	memcpy(signature, made, sizeof(made));
	*len = sizeof(made);
	return PONTO_OK;
}

int pki_verify_with(struct pki_crypto *crypto, uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		    struct ponto_bytes signature)
{
	EVP_PKEY *key = NULL;
	int result = ponto_public_key_check(profile, public_key);

	if (result)
		return result;
	if (profile == PONTO_PROFILE_WINDOWS)
		return rsa_verify(crypto, public_key, data, signature);
	if (signature.len != PONTO_ED25519_SIGNATURE_SIZE)
		return PONTO_EAUTH;
	result = pki_key_public(crypto, profile, public_key, &key);
	if (!result)
		result = ed25519(crypto, key, data, signature.data, NULL);
	EVP_PKEY_free(key);
	return result;
}

/* ---- known answers ---------------------------------------------------------- */

/* A 1024-bit key made for test vectors, and its signature of "abc". Worthless as a secret. */
static const char rsa_n[] = "f3721c517c4ecc17502b2acde92d7afbebf130042ba98fde423f09276d9e3d29"
			    "e35c326bb3f8a79ec325555878fb2e877f1e85f02567d44578b3730ff827e82e"
			    "ff9b623d4015ff6157c8c634090608f5b2b6a2a03de75b20319e13ea5d0852b5"
			    "6f082e1a569cb9f3e4df3eee6c1d11dd201494bf53413d841878f97815758c53";
static const char rsa_d[] = "39d638681b9254e68d03546e0b21e50008f40a2653813b4ee08a3d5082b87f6b"
			    "7e3a9f37fb4fedf2c8060c9ab2536aa08250ec1d3ba5c946a000722baf173c0f"
			    "c7c7777d3ba262ba80c50de619cb672e5c72a0570a3a207b7c35a6b895f78eeb"
			    "4cbbb3c116dce08598237a93227e83187cf44a4fb68a79fc6c528ba25f0aed71";
static const char rsa_abc[] = "85f8c27cecce46da462a77c1da15f1a4035de642b50947779a78369c97c772c7"
			      "836db7d250927e8a167ca216df4c8c51a496d295d3f4848fc81864659d0dbcfb"
			      "2ca96f3c74aaa1731c07f5fdfc65bdf71b5ac37c7d9e8e649b6b6420c425a3d9"
			      "5e0ced854f9baa11192e1135bed88342284a4fcaa5e27ecf45079d1d920c2043";
/* RFC 8032 7.1, test 3. */
static const char ed_secret[] = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
static const char ed_af82[] = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
			      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

static int known_key(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY **out)
{
	static const uint8_t e[] = {1, 0, 1};
	uint8_t n[RSA_SIZE], d[RSA_SIZE];
	int result;

	if (profile == PONTO_PROFILE_MODERN) {
		result = ponto_unhex(ed_secret, d, PONTO_ED25519_KEY_SIZE);
		if (result)
			return result;
		*out = EVP_PKEY_new_raw_private_key_ex(crypto->lib, "ED25519", NULL, d, PONTO_ED25519_KEY_SIZE);
		return *out ? PONTO_OK : pki_crypto_error(PONTO_ENOTSUP);
	}
	result = ponto_unhex(rsa_n, n, sizeof(n));
	if (!result)
		result = ponto_unhex(rsa_d, d, sizeof(d));
	return result ? result
		      : rsa_from_numbers(crypto, ponto_bytes(n, sizeof(n)), ponto_bytes(e, sizeof(e)),
					 ponto_bytes(d, sizeof(d)), out);
}

int pki_crypto_test(struct pki_crypto *crypto, uint32_t profile)
{
	struct ponto_bytes data = profile == PONTO_PROFILE_WINDOWS ? ponto_bytes("abc", 3) : ponto_bytes("\xaf\x82", 2);
	uint8_t want[PONTO_SIGNATURE_MAX], got[PONTO_SIGNATURE_MAX];
	size_t size = profile == PONTO_PROFILE_WINDOWS ? RSA_SIZE : PONTO_ED25519_SIGNATURE_SIZE;
	struct ponto_identity owner;
	EVP_PKEY *key = NULL;
	size_t len = 0;
	int result = ponto_unhex(profile == PONTO_PROFILE_WINDOWS ? rsa_abc : ed_af82, want, size);

	if (!result)
		result = known_key(crypto, profile, &key);
	if (!result)
		result = pki_key_sign(crypto, profile, key, data, got, &len);
	if (!result && (len != size || memcmp(got, want, size) != 0))
		result = PONTO_ENOTSUP;
	if (!result)
		result = pki_key_describe(profile, key, &owner);
	if (!result)
		result = pki_verify_with(crypto, profile, ponto_bytes(owner.public_key, owner.public_key_len), data,
					 ponto_bytes(want, size));
	EVP_PKEY_free(key);
	return result && result != PONTO_ENOMEM ? PONTO_ENOTSUP : result;
}
