/* Content: what the files of the fetching side share. */
#ifndef ENGINES_CONTENT_CONTENT_CLIENT_PRIVATE_H
#define ENGINES_CONTENT_CONTENT_CLIENT_PRIVATE_H

#include "engines/content/content_client.h"

struct server {
	struct ponto_addr addr;
	uint64_t until;
	uint8_t strikes;
	bool busy, listed;		/* one request at a time; what it has is known */
	bool negotiated;		/* told its versions once */
	struct content_version version; /* to use; 0: a message's own */
	struct content_blocks lacks;	/* said so, in this session */
};

/* A segment: who has it, and perhaps its session. */
struct segment {
	struct segment *next;
	struct content_id id;
	uint64_t used;	       /* last, for eviction */
	uint64_t searched;     /* until when a search need not be repeated; 0: none was */
	bool searching, probe; /* a search is on; it is still to be told */
	bool active, ended;    /* a session is on; it is over, still to be told */
	bool relayed;	       /* without keys and hashes */
	uint8_t count;
	struct server servers[CONTENT_SERVERS_MAX];
	/* the session */
	uint64_t tag, deadline;
	enum content_algo algo;
	uint32_t size;
	uint8_t kp[CONTENT_HASH_MAX];
	uint8_t *hashes; /* of all blocks up to the last wanted */
	bool bound;	 /* they are those of its HoD */
	struct content_blocks left, busy;
	struct content_blocks lacked; /* by everyone, and told to be */
	bool heard;		      /* something came in that may add to them */
};

enum stage { STAGE_NEW, STAGE_SENT, STAGE_CANCEL, STAGE_CANCELLED, STAGE_OPENING };

struct content_request {
	struct content_request *next;
	struct segment *segment; /* NULL: its session is over */
	struct ponto_addr addr;
	uint8_t stage, type;
	uint32_t index;
	uint64_t deadline;
	size_t len;
	uint8_t body[CONTENT_LIST_MAX];
	uint8_t key[32];
};

struct content_client {
	struct content_client_config config;
	struct segment *segments; /* those with a session come first, all others are only remembered */
	struct content_request *requests, **requests_end;
	uint32_t segment_count, session_count, request_count;
	uint64_t window; /* the second that probes are counted in */
	uint32_t in_window;
	struct content_client_stats stats;
};

/* content_client.c */
struct server *content_client_server(struct segment *s, const struct ponto_addr *addr);
void content_client_forget_request(struct content_client *c, struct content_request *r);
/* The session no longer waits for it. */
void content_client_abandon(struct content_client *c, struct content_request *r);
void content_client_drop_server(struct content_client *c, struct segment *s, const struct ponto_addr *addr);
/* Gives free servers work, in all sessions. */
void content_client_schedule_all(struct content_client *c, uint64_t now);

#endif
