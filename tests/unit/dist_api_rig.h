/* Tests of programs of peerdist.h at service-dist: calls answered in simulated nodes. */
#ifndef PONTO_TESTS_UNIT_DIST_API_RIG_H
#define PONTO_TESTS_UNIT_DIST_API_RIG_H

#include "plugins/service-dist/dist.pb-c.h"
#include "tests/sim/sim_lan.h"

#define MSG(type) PONTO__DIST__V1__##type##__INIT

struct asked {
	const ProtobufCMessageDescriptor *type; /* of the answer; NULL: DoneReply */
	ProtobufCMessage *reply;
	int result;
	bool done;
};

/* Sends a call; answered sooner or later. */
void asked_begin(struct lan *lan, unsigned node, uint64_t program, const char *method, const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *type, struct asked *asked);
void asked_clear(struct asked *asked);

/* Time passes until it is answered, at most a minute; its result. reply may be NULL; gives, with PONTO_OK */
int asked_end(struct lan *lan, struct asked *asked, ProtobufCMessage **reply);

/* Both. */
int ask(struct lan *lan, unsigned node, uint64_t program, const char *method, const ProtobufCMessage *request,
	const ProtobufCMessageDescriptor *type, ProtobufCMessage **reply);

/* A handle of such a call; 0: refused, with *result when that is not NULL. */
uint64_t ask_handle(struct lan *lan, unsigned node, uint64_t program, const char *method,
		    const ProtobufCMessage *request, int *result);

/* Publishes bytes under a name, in pieces of so many. The result of whichever call failed. */
int publish(struct lan *lan, uint64_t program, const char *name, struct ponto_bytes data, uint32_t version,
	    size_t piece);

/* Content Information of a range, read in pieces; a failure's result, data NULL then. gives */
struct blob retrieve(struct lan *lan, uint64_t program, const char *name, uint64_t start, uint64_t length, uint32_t min,
		     uint32_t max, size_t piece, int *result);

/* A content opened under a tag of 16 equal bytes, and described. */
uint64_t open_described(struct lan *lan, unsigned node, uint64_t program, uint8_t tag, struct ponto_bytes info);

struct content_read {
	Ponto__Dist__V1__ReadContentReply__Outcome outcome;
	uint64_t offset, length;
	struct blob data;
};

int read_content(struct lan *lan, unsigned node, uint64_t program, uint64_t handle, uint64_t offset, uint32_t max,
		 uint32_t timeout, struct content_read *out);
int add_data(struct lan *lan, unsigned node, uint64_t program, uint64_t handle, uint64_t offset,
	     struct ponto_bytes data);
int close_handle(struct lan *lan, unsigned node, uint64_t program, uint64_t handle);

#endif
