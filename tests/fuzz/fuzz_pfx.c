/* PKCS #12 of strangers: reading it is bounded, and gives a key and its certificate or nothing. An input is read as it
 * is and, if it can be taken apart, with a check that fits, since no mutation would find one. */
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "plugins/security-pki/pki_pfx_read.h"

#define PASSWORD "secret"
#define ROUNDS 4096

static void read_it(struct pki_crypto *crypto, struct ponto_bytes data)
{
	EVP_PKEY *const no_key = (EVP_PKEY *)16, *key = no_key;
	X509 *const no_x = (X509 *)16, *x = no_x;
	int result = pki_pfx_read(crypto, data, PASSWORD, ROUNDS, &key, &x);

	FUZZ_REQUIRE(ERR_peek_error() == 0);
	if (result != PONTO_OK) {
		FUZZ_REQUIRE(result == PONTO_EPROTO || result == PONTO_EAUTH || result == PONTO_ENOMEM);
		FUZZ_REQUIRE(key == no_key && x == no_x);
		return;
	}
	FUZZ_REQUIRE(key && (!x || X509_check_private_key(x, key) == 1));
	X509_free(x);
	EVP_PKEY_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t salt[8] = "saltsalt";
	static struct pki_crypto crypto;
	const uint8_t *at = data;
	uint8_t *der = NULL;
	PKCS12 *p12;
	int len = -1;

	if (!crypto.lib && pki_crypto_init(&crypto) != PONTO_OK)
		return 0;
	read_it(&crypto, ponto_bytes(data, size));
	p12 = d2i_PKCS12(NULL, &at, (long)size);
	if (p12 && PKCS12_set_mac(p12, PASSWORD, -1, salt, sizeof(salt), 1, EVP_sha1()))
		len = i2d_PKCS12(p12, &der);
	ERR_clear_error();
	if (len > 0)
		read_it(&crypto, ponto_bytes(der, (size_t)len));
	OPENSSL_free(der);
	PKCS12_free(p12);
	return 0;
}
