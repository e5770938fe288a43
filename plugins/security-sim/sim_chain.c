#include "plugins/security-sim/sim_chain.h"

#include <string.h>

#include "framework/cursor.h"
#include "plugins/security-sim/sim_signature.h"

#define MAGIC "PONTOCHN"
#define MAGIC_SIZE 8
#define HEAD (MAGIC_SIZE + 1)
#define SIGNATURE PONTO_RSA1024_SIGNATURE_SIZE

/* Bits of a certificate's flags. */
#define HAS_ROLES 1
#define HAS_PEER_NAME 2
#define HAS_CLASSIFIERS 4
#define HAS_SUBJECT_ALT 8
#define HAS_ISSUER_ALT 16

/* What X.509 spends on dates, object identifiers and lengths, on average. */
#define FILLING 176
#define WORD_FILLING 17

/* ---- reading ---------------------------------------------------------------------- */

/* Characters of four bytes, as a UniversalString has them. */
static void read_text(struct sim_chain *chain, struct ponto_reader *r, struct pnrp_units *out)
{
	uint16_t count = ponto_read_be16(r);

	ponto_reader_require(r, count <= chain->unit_room - chain->unit_count);
	*out = (struct pnrp_units){chain->units + chain->unit_count, 0};
	for (; out->count < count && !r->failed; out->count++) {
		uint32_t unit = ponto_read_be32(r);

		ponto_reader_require(r, unit <= UINT16_MAX);
		chain->units[chain->unit_count++] = (uint16_t)unit;
	}
}

static void read_words(struct sim_chain *chain, struct ponto_reader *r, struct pnrp_certificate *c)
{
	uint16_t count = ponto_read_be16(r);

	ponto_reader_require(r, count <= chain->word_room - chain->word_count);
	c->classifiers = chain->words + chain->word_count;
	for (; c->classifier_count < count && !r->failed; c->classifier_count++) {
		read_text(chain, r, &chain->words[chain->word_count++]);
		ponto_read_skip(r, WORD_FILLING);
	}
}

static void read_certificate(struct sim_chain *chain, struct ponto_bytes content, struct pnrp_certificate *c,
			     struct ponto_reader *outer)
{
	struct ponto_reader r = ponto_reader(content);
	uint8_t flags = ponto_read_u8(&r);

	c->has_roles = flags & HAS_ROLES;
	c->has_peer_name = flags & HAS_PEER_NAME;
	c->has_classifiers = flags & HAS_CLASSIFIERS;
	c->has_subject_alt[PNRP_ALT_NAME] = flags & HAS_SUBJECT_ALT;
	c->has_issuer_alt[PNRP_ALT_NAME] = flags & HAS_ISSUER_ALT;
	c->type = ponto_read_be32(&r);
	c->roles = ponto_read_be32(&r);
	c->not_before = ponto_read_be64(&r);
	c->not_after = ponto_read_be64(&r);
	c->public_key = ponto_read_bytes(&r, PONTO_RSA1024_KEY_SIZE);
	read_text(chain, &r, &c->subject);
	read_text(chain, &r, &c->peer_name);
	read_text(chain, &r, &c->subject_alt[PNRP_ALT_NAME]);
	read_text(chain, &r, &c->issuer_alt[PNRP_ALT_NAME]);
	read_words(chain, &r, c);
	ponto_read_skip(&r, FILLING);
	ponto_reader_require(outer, ponto_reader_done(&r) == PONTO_OK &&
					    ponto_public_key_check(PONTO_PROFILE_WINDOWS, c->public_key) == PONTO_OK &&
					    c->peer_name.count <= PNRP_PEER_NAME_TEXT &&
					    c->subject.count <= PNRP_CERTIFICATE_TEXT);
}

void sim_chain_free(struct sim_chain *chain)
{
	if (!chain)
		return;
	ponto_free(chain->alloc, chain->words);
	ponto_free(chain->alloc, chain->units);
	ponto_free(chain->alloc, chain);
}

static struct sim_chain *new_chain(const struct ponto_alloc *alloc, size_t len)
{
	struct sim_chain *chain = ponto_new(alloc, 1, sizeof(*chain));

	if (!chain)
		return NULL;
	chain->alloc = alloc;
	chain->unit_room = len / 4;
	chain->word_room = len / WORD_FILLING;
	chain->units = ponto_new(alloc, chain->unit_room + 1, sizeof(*chain->units));
	chain->words = ponto_new(alloc, chain->word_room + 1, sizeof(*chain->words));
	if (chain->units && chain->words)
		return chain;
	sim_chain_free(chain);
	return NULL;
}

int sim_chain_parse(const struct ponto_alloc *alloc, struct ponto_bytes bytes, struct sim_chain **out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct sim_chain *chain;

	if (bytes.len > PONTO_CHAIN_MAX)
		return PONTO_EPROTO;
	chain = new_chain(alloc, bytes.len);
	if (!chain)
		return PONTO_ENOMEM;
	ponto_reader_require(&r, ponto_bytes_equal(ponto_read_bytes(&r, MAGIC_SIZE), ponto_bytes(MAGIC, MAGIC_SIZE)));
	chain->count = ponto_read_u8(&r);
	ponto_reader_require(&r, chain->count > 0 && chain->count <= PNRP_CERTIFICATES_MAX);
	for (size_t i = 0; i < chain->count && !r.failed; i++) {
		chain->content[i] = ponto_read_bytes(&r, ponto_read_be16(&r));
		chain->signature[i] = ponto_read_bytes(&r, SIGNATURE);
		if (!r.failed)
			read_certificate(chain, chain->content[i], &chain->certificates[i], &r);
	}
	if (ponto_reader_done(&r)) {
		sim_chain_free(chain);
		return PONTO_EPROTO;
	}
	*out = chain;
	return PONTO_OK;
}

int sim_chain_signed(const struct sim_chain *chain)
{
	uint8_t want[PONTO_SIGNATURE_MAX];

	for (size_t i = 0; i < chain->count; i++) {
		size_t len = sim_signature(PONTO_PROFILE_WINDOWS, chain->certificates[i ? i - 1 : 0].public_key,
					   chain->content[i], want);

		if (!ponto_bytes_equal(chain->signature[i], ponto_bytes(want, len)))
			return PONTO_EAUTH;
	}
	return PONTO_OK;
}

/* ---- writing ------------------------------------------------------------------------- */

static void write_text(struct ponto_writer *w, struct pnrp_units text)
{
	ponto_write_be16(w, (uint16_t)text.count);
	for (size_t i = 0; i < text.count; i++)
		ponto_write_be32(w, text.unit[i]);
}

static void write_certificate(struct ponto_writer *w, const struct pnrp_certificate *c)
{
	ponto_write_u8(w, (uint8_t)((c->has_roles ? HAS_ROLES : 0) | (c->has_peer_name ? HAS_PEER_NAME : 0) |
				    (c->has_classifiers ? HAS_CLASSIFIERS : 0) |
				    (c->has_subject_alt[PNRP_ALT_NAME] ? HAS_SUBJECT_ALT : 0) |
				    (c->has_issuer_alt[PNRP_ALT_NAME] ? HAS_ISSUER_ALT : 0)));
	ponto_write_be32(w, c->type);
	ponto_write_be32(w, c->roles);
	ponto_write_be64(w, c->not_before);
	ponto_write_be64(w, c->not_after);
	ponto_write_bytes(w, c->public_key);
	write_text(w, c->subject);
	write_text(w, c->peer_name);
	write_text(w, c->subject_alt[PNRP_ALT_NAME]);
	write_text(w, c->issuer_alt[PNRP_ALT_NAME]);
	ponto_write_be16(w, (uint16_t)c->classifier_count);
	for (size_t i = 0; i < c->classifier_count; i++) {
		write_text(w, c->classifiers[i]);
		ponto_write_zeros(w, WORD_FILLING);
	}
	ponto_write_zeros(w, FILLING);
}

int sim_chain_append(struct ponto_bytes before, const struct pnrp_certificate *content, struct ponto_bytes issuer_key,
		     const struct ponto_alloc *alloc, uint8_t **out, size_t *len)
{
	uint8_t *bytes = ponto_new(alloc, PONTO_CHAIN_MAX, 1), signature[PONTO_SIGNATURE_MAX];
	struct ponto_writer w = ponto_writer(bytes, PONTO_CHAIN_MAX);
	uint64_t start, end;
	size_t size;

	if (!bytes)
		return PONTO_ENOMEM;
	if (before.len > 0) {
		ponto_write_bytes(&w, before);
	} else {
		ponto_write_copy(&w, MAGIC, MAGIC_SIZE);
		ponto_write_u8(&w, 0);
	}
	ponto_write_be16(&w, 0);
	start = w.pos;
	write_certificate(&w, content);
	end = w.pos;
	if (w.failed || end - start > UINT16_MAX || PONTO_CHAIN_MAX - end < SIGNATURE) {
		ponto_free(alloc, bytes);
		return PONTO_ELIMIT;
	}
	size = sim_signature(PONTO_PROFILE_WINDOWS, issuer_key, ponto_bytes(bytes + start, (size_t)(end - start)),
			     signature);
	ponto_write_copy(&w, signature, size);
	ponto_patch_be16(&w, start - 2, (uint16_t)(end - start));
	bytes[MAGIC_SIZE]++;
	*out = bytes;
	*len = (size_t)w.pos;
	return PONTO_OK;
}
