/* service-dist: programs of peerdist.h: inside. Handles belong to a connection and end with it, publications too, but
 * every program of the same user sees them; what users have in memory is counted, and bounded for each.
 *
 * On the component's loop, but what jobs run. dist_api.c: users, handles, State; dist_api_publish.c: streams,
 * publications; dist_api_info.c: Content Information of these; dist_api_content.c: contents described by a program;
 * dist_api_read.c: reads of these; dist_api_seek.c: segments sought among neighbours for reads; dist_api_add.c: data
 * that programs bring. */
#ifndef PLUGINS_SERVICE_DIST_DIST_API_H
#define PLUGINS_SERVICE_DIST_DIST_API_H

#include "plugins/service-dist/dist_api_set.h"
#include "plugins/service-dist/dist_client.h"

#define DIST_API_TOPIC "service.dist.programs"
#define DIST_API_PROGRAM_HANDLES 256u /* of one program */
#define DIST_API_USER_HANDLES 1024u
#define DIST_API_USER_READS 512u	/* that wait at once */
#define DIST_API_DATA_MAX (960u * 1024) /* in one message of the bus */
#define DIST_API_NAME_MAX 4096u		/* of a content */
#define DIST_API_PEERS 8

struct dist_api_user {
	struct dist_api_user *next;
	uint32_t uid;
	unsigned refs, handles, reads;
	size_t bytes;
};

enum dist_api_kind { DIST_API_STREAM = 1, DIST_API_INFO, DIST_API_CONTENT };

/* First in what a handle is. */
struct dist_api_handle {
	struct dist_api_handle *next;
	struct dist_api *api;
	struct dist_api_user *user;
	uint64_t number, program, instance;
	uint8_t kind;  /* enum dist_api_kind */
	bool closing;  /* nobody has it any more */
	unsigned jobs; /* under way: it cannot be freed */
};

/* A content that a user publishes. Handles that refer to it lose it when it is withdrawn. */
struct dist_api_publication {
	struct dist_api_publication *next;
	struct dist_api_user *user;
	uint64_t program, instance;
	struct dist_api_set *set;
	size_t bytes; /* counted */
	bool complete;
	size_t name_len;
	uint8_t name[];
};

struct dist_api_wait; /* dist_api.c */
struct dist_api_read;
struct dist_api_seek;

/* Blocks that nobody had when they were sought, a moment ago. */
struct dist_api_absent {
	struct content_id id;
	struct content_blocks blocks;
	uint64_t until;
};
#define DIST_API_ABSENT 128

struct dist_api {
	struct dist *dist;
	struct dist_api_handle *handles;
	struct dist_api_user *users;
	struct dist_api_publication *publications;
	struct dist_api_wait *waits; /* for another state */
	struct dist_api_read *reads; /* that wait, in the order they came */
	struct dist_api_seek *seeks;
	struct dist_api_absent absent[DIST_API_ABSENT];
	unsigned absent_next;
	struct ponto_timer *timer;
	uint64_t next_number;
	unsigned jobs; /* on workers or with the cache */
	bool on, stopping, stepping;
	size_t limit; /* bytes of a user */
};

/* ---- dist_api.c ------------------------------------------------------------------------------ */

/* The user who calls, with one reference; NULL: refused and answered, as programs are kept out, or for want of memory.
 */
struct dist_api_user *dist_api_user(struct dist_api *api, struct ponto_call *call);
void dist_api_user_unref(struct dist_api *api, struct dist_api_user *user);

/* PONTO_ELIMIT: more than a user may have. */
PONTO_MUST_CHECK int dist_api_count(struct dist_api *api, struct dist_api_user *user, size_t bytes);
void dist_api_uncount(struct dist_api_user *user, size_t bytes);

/* A handle of size bytes, zeroed; NULL: refused and answered. */
void *dist_api_handle_new(struct dist_api *api, struct ponto_call *call, enum dist_api_kind kind, size_t size,
			  uint64_t instance);
/* The caller's handle of that kind; NULL: answered PONTO_ENOENT. */
void *dist_api_handle_get(struct dist_api *api, struct ponto_call *call, enum dist_api_kind kind, uint64_t number);
void dist_api_handle_close(struct dist_api_handle *handle);
/* A job of it has ended; it may be gone afterwards. */
void dist_api_handle_done(struct dist_api_handle *handle);

/* Runs on a worker, or here when none is free. */
void dist_api_work(struct dist_api *api, ponto_loop_fn *run, ponto_loop_fn *done, void *arg);

void dist_api_done(struct ponto_call *call, struct dist_api *api); /* answers DoneReply */
void dist_api_answer_handle(struct ponto_call *call, struct dist_api *api, uint64_t number);

/* The timer is to be looked at again; now: at once. */
void dist_api_schedule(struct dist_api *api, bool now);

/* ---- the kinds --------------------------------------------------------------------------------- */

/* What is the kind's is freed; the handle itself is not. */
void dist_api_stream_free(struct dist_api_handle *handle);
void dist_api_info_free(struct dist_api_handle *handle);
void dist_api_content_free(struct dist_api_handle *handle);
/* It was closed: what waits ends. */
void dist_api_stream_closed(struct dist_api_handle *handle);
void dist_api_content_closed(struct dist_api_handle *handle);

void dist_api_publication_drop(struct dist_api *api, struct dist_api_publication *publication);
/* One that is complete, of this user; NULL. */
struct dist_api_publication *dist_api_publication_find(struct dist_api *api, const struct dist_api_user *user,
						       struct ponto_bytes name);
/* The handles lose it. */
void dist_api_stream_withdrawn(struct dist_api_handle *handle, const struct dist_api_publication *publication);
void dist_api_info_withdrawn(struct dist_api_handle *handle, const struct dist_api_publication *publication);

/* ---- contents ------------------------------------------------------------------------------------ */

struct dist_api_partial;

struct dist_api_content {
	struct dist_api_handle handle;
	uint8_t tag[DIST_TAG];	 /* this user's: what the cache is given */
	uint8_t label[DIST_TAG]; /* as the program said it, for hosted caches */
	uint8_t *info_bytes;
	size_t info_len, info_cap;
	bool described;
	struct content_info info;
	struct content_walk *walks; /* every DIST_STRIDE segments */
	uint64_t end;		    /* of what is described segments' bytes */
	bool goes_on;		    /* the content may, behind it */
	struct dist_api_partial *partials;
	struct ponto_addr peers[DIST_API_PEERS];
	unsigned peer_count;
};

/* A block of a content. */
struct dist_api_place {
	struct content_segment segment;
	struct content_id id;
	uint64_t i;	/* the segment, of those described */
	uint32_t index; /* the block in it */
	uint64_t start; /* of the block, in the content */
	uint32_t size;
	struct ponto_bytes hash; /* a view; empty: not listed */
};

/* The block that has the byte at offset; false: it is not described. */
bool dist_api_locate(const struct dist_api_content *content, uint64_t offset, struct dist_api_place *out);

/* Whether the cache has it. */
bool dist_api_cached(const struct dist_api *api, const struct dist_api_place *place);

/* A segment as the cache wants it: block_hashes are a view. */
void dist_api_kept(const struct dist_api_content *content, const struct dist_api_place *place,
		   struct dist_segment *out);

/* ---- reads and seeks ------------------------------------------------------------------------------ */

/* What a read waits for. */
struct dist_api_read {
	struct dist_api_read *next;
	struct dist_api_content *content;
	struct ponto_call *call; /* NULL: it was given up while the cache works for it */
	uint64_t operation, offset, deadline;
	uint32_t max, len;
	bool local;	/* no neighbour is asked */
	bool getting;	/* the cache is at it */
	bool waiting;	/* for place, by a seek or until it is kept */
	bool absent;	/* nobody has place: to be told */
	bool wrong;	/* what the cache has of place is not what is described */
	uint64_t again; /* when to try the cache again */
	uint64_t asked; /* the block that the cache's store was asked for: its place in the content, and 1 */
	struct dist_api_place place;
	uint8_t hash[CONTENT_HASH_MAX];
	uint8_t *data;
};

/* Those of a content, or one of them, end unanswered with PONTO_ECLOSED. How many. */
unsigned dist_api_reads_stop(struct dist_api *api, const struct dist_api_content *content, const uint64_t *operation);
/* Whatever can be done now. */
void dist_api_reads_step(struct dist_api *api);
uint64_t dist_api_reads_deadline(const struct dist_api *api);
/* A block is here: who waits for it gets it. */
void dist_api_reads_block(struct dist_api *api, const struct content_id *id, uint32_t index, struct ponto_bytes data,
			  const uint8_t hash[CONTENT_HASH_MAX]);
/* It is kept, or is not: who waits for it looks again. */
void dist_api_reads_kept(struct dist_api *api, const struct content_id *id, uint32_t index);
/* Nobody has these. */
void dist_api_reads_absent(struct dist_api *api, const struct content_id *id, const struct content_blocks *missing);

/* Sees to it that the block of a read is sought, and what comes after it. */
void dist_api_seek(struct dist_api *api, struct dist_api_content *content, const struct dist_api_place *place);
void dist_api_seeks_step(struct dist_api *api);
uint64_t dist_api_seeks_deadline(const struct dist_api *api);
bool dist_api_is_absent(const struct dist_api *api, const struct dist_api_place *place);
/* The content goes: what is only sought for it is not. */
void dist_api_seeks_forget(struct dist_api *api, const struct dist_api_content *content);
void dist_api_seeks_close(struct dist_api *api);

void dist_api_partials_free(struct dist_api_content *content);

#endif
