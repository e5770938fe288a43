/* What the tests of the PNRP codec share: the published vectors, edited copies
 * of them, field-by-field comparison, random messages. */
#ifndef PONTO_TESTS_UNIT_PNRP_TEST_H
#define PONTO_TESTS_UNIT_PNRP_TEST_H

#include "tests/support/test.h"

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_cpa.h"
#include "engines/pnrp/pnrp_name.h"
#include "tests/unit/pnrp_equal.h"

/* A message in memory of exactly its own size, so that ASan sees every read beyond it. */
struct datagram {
	uint8_t *data;
	size_t len;
};

/* A vector of tests/vectors/pnrp.hex (M01…) or pnrp-modern.hex (X01…) by name. Free with datagram_free. */
struct datagram vector(const char *name);

/* Bytes from hexadecimal text. */
struct datagram datagram_hex(const char *hex);
struct datagram datagram_copy(const void *data, size_t len);
void datagram_free(struct datagram *d);

static inline struct ponto_bytes bytes_of(const struct datagram *d)
{
	return ponto_bytes(d->data, d->len);
}

/* Overwrites the bytes at offset at. */
void edit(struct datagram *d, size_t at, const char *hex);

/* Replaces cut bytes at offset at by those of hex, which may be more or fewer. */
void splice(struct datagram *d, size_t at, size_t cut, const char *hex);

/* The reassembled buffer of M19 and M20. */
struct datagram vector_buffer(void);

/* The Encoded CPA inside M18, and the EXTENDED_PAYLOAD inside M19 and M20. */
struct datagram vector_cpa(void);
struct datagram vector_payload(void);

/* The datagram is to be dropped, whatever follows: decodes to PONTO_EPROTO and leaves the output alone. */
void assert_dropped(const struct datagram *d);

/* It decodes. */
struct pnrp_message assert_decodes(const struct datagram *d);

/* vector with the bytes at offset at overwritten: dropped, or read as if nothing had been changed (and sent
 * again as the vector has it, with zeros in what is reserved). */
void assert_edit_dropped(const char *name, size_t at, const char *hex);
void assert_edit_ignored(const char *name, size_t at, const char *hex);

/* message encodes to these bytes and decodes to an equal message. */
void assert_encodes(const struct pnrp_message *message, const struct datagram *expected);

/* The identifiers of the vectors. */
#define ID_SECURE "e14b87a8da7126389f784d17d909d87020010db8000100001122334455667788"
#define ID_OPEN "4cf68ef1a30357cf94e6f5130021952020010db8000200008877665544332211"
#define ID_TARGET "e14b87a8da7126389f784d17d909d87020010db8000400008000000000000000"
#define NONCE "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define NONCE_HASH "1ce1c58c3e813e9250abc20b5445245a54b425db"
#define AUTHORITY_HEX "febe3705565228fca059cb0caec74e06404aa229"
#define CLASSIFIER_HASH "87f8ed9157125ffc4da9e06a7b8011ad80a53fe1"
#define NOT_AFTER UINT64_C(135379296000000000) /* 2030-01-01 */

void assert_hex(const void *data, size_t len, const char *hex);

/* Random valid structures; views point into scratch. */
#define SCRATCH_SIZE 4096
void random_message(struct ponto_test_random *tr, uint8_t type, uint8_t *scratch, struct pnrp_message *out);
void random_route(struct ponto_test_random *tr, struct pnrp_route_entry *out);
void random_bytes(struct ponto_test_random *tr, void *out, size_t len);
uint64_t random_below(struct ponto_test_random *tr, uint64_t bound);
void random_cpa(struct ponto_test_random *tr, const struct pnrp_wire *wire, uint8_t *scratch, struct pnrp_cpa *out);

#endif
