/* Certificate chains of strangers: taking them apart is bounded, what comes out obeys the limits, and a chain that is
 * judged good was signed by its root. */
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>

#include "plugins/security-pki/pki_chain.h"

static size_t live;

static void *counted_alloc(void *ctx, size_t size)
{
	void *block = ponto_alloc_system.alloc(ponto_alloc_system.ctx, size);

	(void)ctx;
	live += block != NULL;
	return block;
}

static void *counted_resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	live += block == NULL;
	return ponto_alloc_system.resize(ponto_alloc_system.ctx, block, size);
}

static void counted_release(void *ctx, void *block)
{
	(void)ctx;
	live -= block != NULL;
	ponto_alloc_system.release(ponto_alloc_system.ctx, block);
}

static const struct ponto_alloc counted = {counted_alloc, counted_resize, counted_release, NULL};

static void check_certificate(const struct pnrp_certificate *c)
{
	struct pnrp_certificate_text *text;

	FUZZ_REQUIRE(c->public_key.len == PONTO_RSA1024_KEY_SIZE);
	FUZZ_REQUIRE(c->peer_name.count <= 2 * PNRP_PEER_NAME_TEXT);
	FUZZ_REQUIRE(c->subject.count <= 2 * PNRP_CERTIFICATE_TEXT);
	for (size_t i = 0; i < c->classifier_count; i++)
		FUZZ_REQUIRE(c->classifiers[i].count <= 2 * PNRP_CLASSIFIER_TEXT);
	if (pnrp_chain_check(c, 1) == PONTO_OK || c->classifier_count < 64) {
		if (pnrp_certificate_tell(&pnrp_windows, c, &counted, &text) == PONTO_OK)
			ponto_free(&counted, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pki_chain *chain = NULL;
	struct pki_crypto crypto;
	uint8_t *der = NULL;
	size_t len = 0;

	if (pki_chain_from_text(ponto_bytes(data, size), &counted, &der, &len) == PONTO_OK)
		ponto_free(&counted, der);
	if (pki_chain_parse(&counted, ponto_bytes(data, size), &chain) == PONTO_OK) {
		FUZZ_REQUIRE(chain->count >= 1 && chain->count <= PNRP_CERTIFICATES_MAX);
		FUZZ_REQUIRE(chain->unit_count <= chain->unit_room && chain->word_count <= chain->word_room);
		for (size_t i = 0; i < chain->count; i++)
			check_certificate(&chain->certificates[i]);
		if (pnrp_chain_check(chain->certificates, chain->count) == PONTO_OK &&
		    pki_crypto_init(&crypto) == PONTO_OK) {
			(void)!pki_chain_signed(&crypto, chain);
			pki_crypto_fini(&crypto);
		}
	}
	pki_chain_free(chain);
	FUZZ_REQUIRE(live == 0);
	FUZZ_REQUIRE(ERR_peek_error() == 0);
	return 0;
}
