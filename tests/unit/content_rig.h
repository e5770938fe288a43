/* Tests of the fetching engine: one engine, a content, and peers played with OpenSSL's hashes and ciphers. */
#ifndef PONTO_TESTS_UNIT_CONTENT_RIG_H
#define PONTO_TESTS_UNIT_CONTENT_RIG_H

#include "engines/content/content_client.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)

struct rig {
	struct ponto_test_alloc alloc;
	struct content_client *client;
	uint64_t now;
	struct blob content;
	struct content_made made;
	struct content_client_effect e;	/* the last one, but for LACKED: */
	struct content_blocks lacked;	/* the last time */
};

struct ponto_addr peer(unsigned i);
void rig_start(struct rig *rig, enum content_algo algo, size_t size);
void rig_with(struct rig *rig, const struct content_client_config *config);
void rig_end(struct rig *rig);
struct content_blocks blocks_of(uint32_t index, uint32_t count);
int add(struct rig *rig, size_t segment, uint32_t index, uint32_t count);
struct content_id id_of(const struct rig *rig, size_t segment);
bool effect(struct rig *rig);
void next_effect(struct rig *rig, unsigned kind);
void no_effect(struct rig *rig);
void found(struct rig *rig, size_t segment, unsigned i);
void searched(struct rig *rig, size_t segment);
/* The session starts with a search that finds peer 0. */
void started(struct rig *rig, uint32_t index, uint32_t count);
void ended(struct rig *rig, uint32_t missing);
/* The request of the last effect. */
struct content_message request(struct rig *rig);
struct blob encoded(const struct content_message *m);
/* Block index of the first segment, sealed. gives */
struct blob block(const struct rig *rig, uint32_t index, enum content_crypto crypto);
/* Opens as a pool would; what the engine says to the hash. */
int opened(struct rig *rig, struct content_request *r, const struct content_open *open);
/* Answers the request of the last effect: 1: a block accepted. */
int answer(struct rig *rig, struct blob body);
void fails(struct rig *rig, int result);
struct content_client_stats stats_of(struct rig *rig);

#endif
