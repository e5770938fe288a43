/* service-pnrp inside: one cloud, its engine, and what ties it to the world; and the clouds of an instance.
 * Everything here happens on the component's loop thread, except the run halves
 * of jobs (svc_work.c, svc_names.c, svc_kept.c), which see only their job. */
#ifndef PLUGINS_SERVICE_PNRP_SVC_H
#define PLUGINS_SERVICE_PNRP_SVC_H

#include "engines/pnrp/pnrp_engine.h"
#include "framework/answer.h"
#include "framework/discovery.h"
#include "framework/env.h"
#include "framework/security.h"
#include "framework/service.h"
#include "framework/store.h"
#include "framework/transport.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define SVC_DISCOVERY_MAX 8
#define SVC_BATCH 16	   /* datagrams handed to the transport at once */
#define SVC_BATCH_BYTES (5 * PNRP_DATAGRAM_MAX) /* of them: most are short, and they lie on the stack */
#define SVC_CLOUD_TEXT 64  /* bytes of a cloud's name, NUL included */
#define SVC_MATCHES_MAX 32 /* results of one resolve: what the engine can exclude */
#define SVC_HOPS_MAX 512   /* traced steps of one resolve: of 17 walks of 23 hops, and some */
#define SVC_NAMES_MAX 1024 /* registrations, as many as the engine takes */
#define SVC_QUERIES_MAX 64 /* resolves of clients under way */

/* The node's own identity, for names that prove nothing: a uid nobody has. */
#define SVC_NODE_OWNER UINT32_MAX

struct svc;

struct svc_discovery {
	struct svc *svc;
	struct ponto_discovery discovery;
	struct ponto_discovery_handle *handle;
	unsigned searching; /* sources not yet done */
	bool foreign_seeds; /* it has seeds of its own only */
};

/* A registration, as the service keeps it. */
struct svc_name {
	struct svc_name *next;
	uint64_t token;	 /* names this record in the engine's effects */
	uint64_t handle; /* the engine's */
	struct ring_id id;
	enum pnrp_registration_state state;
	Ponto__Pnrp__V1__RegisterRequest *request; /* owned; as the client gave it */
	uint32_t uid;
	int32_t pid;	 /* the process that registered it; 0: unknown, or an earlier life of this node */
	uint64_t client; /* whose end ends it; 0: nobody's */
	bool orphan;	 /* the client ended before the engine knew the name */
	bool from_store; /* kept already */
	struct ponto_identity identity;
	uint32_t identity_owner;
	char chain_id[PONTO_IDENTITY_ID]; /* of the chain below; empty: none */
	uint8_t *chain;			  /* how the identity came by the name; owned; NULL: it is its own */
	size_t chain_len;
	uint64_t chain_until; /* wall microseconds; 0: no chain, ever */
	bool warned;	      /* that it ends soon */
	bool renewing;	      /* another one is being looked for */
	struct pnrp_endpoint endpoints[PNRP_APP_ENDPOINTS_MAX];
	size_t endpoint_count;
	bool own_endpoints;	 /* the node's own addresses: they follow a change */
	struct ponto_call *call; /* waits for the answer; or NULL */
	const char *failure;	 /* static: why the name is not registered, or no more; it is only listed then */
};

struct svc_query;

struct svc {
	const struct ponto_env *env;
	const struct ponto_conf *conf;
	unsigned scopes;	    /* 1 << enum ponto_scope: those that the cloud may have */
	uint32_t link;		    /* the interface of a link's cloud; 0: any */
	char label[SVC_CLOUD_TEXT]; /* of its metrics */
	struct ponto_transport transport;
	struct ponto_security security;
	struct ponto_store store;
	bool has_store;
	struct svc_discovery discovery[SVC_DISCOVERY_MAX];
	size_t discovery_count;
	uint32_t profile; /* enum ponto_profile and enum pnrp_profile */

	struct ponto_datagrams net; /* handle NULL: not open yet */
	enum ponto_scope scope;
	uint32_t zone;
	char cloud[SVC_CLOUD_TEXT];
	struct pnrp_engine *engine; /* NULL until the net is open */
	struct ponto_timer *timer;
	bool pumping;
	const char *told; /* the cloud's state that the log was told last */

	bool recalling;		 /* the cache of before is being read: discovery waits for it */
	unsigned held_sources;	 /* meanwhile */
	uint64_t routes_at;	 /* the next time to keep the cache */
	uint64_t routes_changes; /* when it was kept last */

	struct svc_name *names;
	uint64_t chains_at; /* the next time to look whether chains end */
	struct svc_query *queries;
	size_t query_count;
	uint64_t next_token;
	struct ponto_identity node_identity; /* id empty until made */
	unsigned jobs;			     /* on pools: the instance must not go before they are back */

	ponto_loop_fn *stopped; /* set: stopping */
	void *stopped_arg;
	bool ended;		  /* has stopped */
	struct svc_clouds *owner; /* the instance's clouds */

	struct svc_metrics *metrics;
};

/* ---- svc_plugin.c: the life of one cloud ------------------------------------------ */

#define SVC_ANY_SCOPE                                                                                                  \
	(1u << PONTO_SCOPE_GLOBAL | 1u << PONTO_SCOPE_SITE | 1u << PONTO_SCOPE_LINK | 1u << PONTO_SCOPE_LOOPBACK)

/* scopes: the widest that has an address is taken. gives */
PONTO_MUST_CHECK int svc_new(const struct ponto_env *env, unsigned scopes, uint32_t link, struct svc **out);
void svc_free(struct svc *svc);

/* Opens the cloud; a scope without an address yet is no reason to fail: the interface may come up later. */
PONTO_MUST_CHECK int svc_begin(struct svc *svc);

/* Ends politely; calls done, perhaps at once. */
void svc_end(struct svc *svc, ponto_loop_fn *done, void *arg);

/* ---- svc_clouds.c: the clouds of an instance --------------------------------------- */

extern const struct ponto_service_ops svc_clouds_ops;

/* ---- svc_pump.c: bytes, time, effects ------------------------------------------ */

/* Opens the transport, makes the engine, opens the cloud. PONTO_ENOENT: no address of the wanted scope yet. */
PONTO_MUST_CHECK int svc_open(struct svc *svc);

/* Moves everything that is ready: call after any engine call. Re-entrant calls are folded into one. */
void svc_pump(struct svc *svc);

/* Begins searches of these sources. */
void svc_discover(struct svc *svc, unsigned sources);

/* The engine's present, monotonic microseconds. */
uint64_t svc_now(struct svc *svc);

/* After stop: calls stopped when nothing is left to wait for. */
void svc_check_stopped(struct svc *svc);

void svc_close(struct svc *svc);

/* ---- svc_work.c: signatures, made on the security pool ---------------------------- */

void svc_work_sign(struct svc *svc, const struct pnrp_effect *effect);
void svc_work_verify(struct svc *svc, const struct pnrp_effect *effect);

/* ---- svc_identity.c: which identity signs, on the security pool ---------------------- */

/* How a name is to be signed: what was found, or why nothing was. */
struct svc_signer {
	int result; /* PONTO_ENOENT: no identity or chain of the owner's will do */
	uint32_t owner;
	struct ponto_identity identity;
	char chain_id[PONTO_IDENTITY_ID]; /* empty: the name is the identity's own */
	uint8_t *chain;			  /* whoever is told may take it and leave NULL */
	size_t chain_len;
	uint64_t chain_until; /* wall microseconds */
};

/* Looks for the identity named in the request, else for a secured name the caller's of that authority or one with a
 * certificate chain that delegates the name, else the node's own, which is made if there is none. svc_name_signed is
 * called later. PONTO_EBUSY, PONTO_ENOMEM: it will not be. */
PONTO_MUST_CHECK int svc_find_signer(struct svc *svc, const struct svc_name *name);

/* ---- svc_names.c: registrations ------------------------------------------------------ */

/* Calls for this cloud. Each takes request */
void svc_name_register(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request);
void svc_name_unregister(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request);

/* Appends the names that the caller may see to reply, whose array has room for svc_name_count() more. */
size_t svc_name_count(const struct svc *svc);
void svc_name_list(struct svc *svc, struct ponto_arena *arena, const struct ponto_call *call,
		   Ponto__Pnrp__V1__NamesReply *reply);

/* What is wrong with a text that is no peer name. */
const char *svc_name_fault(const char *text);

/* Registers again what the store kept. takes request */
void svc_name_restore(struct svc *svc, Ponto__Pnrp__V1__RegisterRequest *request, uint32_t uid);

struct svc_name *svc_name_by_token(struct svc *svc, uint64_t token);

/* The IDs under which a process has registered a name, as many as fit; returns how many. */
size_t svc_name_ids_of(const struct svc *svc, const char *name, int32_t pid, struct ring_id *ids, size_t room);
void svc_name_signed(struct svc *svc, uint64_t token, struct svc_signer *signer);
void svc_name_changed(struct svc *svc, uint64_t handle, uint64_t token, enum pnrp_registration_state state);
void svc_name_addresses_changed(struct svc *svc);
/* When it is time: warns of certificate chains that end, looks for new ones, takes back what they carried. */
void svc_name_tick(struct svc *svc);
void svc_name_client_gone(struct svc *svc, uint64_t client);
void svc_name_fill(struct svc *svc, struct ponto_arena *arena, const struct svc_name *name,
		   Ponto__Pnrp__V1__NameInfo *info);
void svc_names_drop(struct svc *svc);

/* ---- svc_kept.c: registrations in the store ------------------------------------------ */

typedef void svc_kept_fn(struct svc *svc, uint64_t token, int result);

/* Writes or removes a name's record durably, then calls done. A result other than PONTO_OK comes from the
 * store (PONTO_ENOENT: there was none to remove), or PONTO_EBUSY, PONTO_ENOMEM; done may come before it returns. */
void svc_kept_put(struct svc *svc, const struct svc_name *name, svc_kept_fn *done);
void svc_kept_remove(struct svc *svc, const struct svc_name *name, svc_kept_fn *done);

/* Removes the caller's record of that name, then calls done, which answers the call. copies name */
typedef void svc_forget_fn(struct svc *svc, struct ponto_call *call, const char *name, int result);
void svc_kept_forget(struct svc *svc, struct ponto_call *call, const char *name, svc_forget_fn *done);

/* Reads all records of the cloud and restores them. */
void svc_kept_load(struct svc *svc);

/* ---- svc_routes.c: the cache over a restart ---------------------------------------------- */

/* Reads what was kept and recalls it; discovery is held until then. */
void svc_routes_load(struct svc *svc);

/* Keeps the cache, if it has changed; tick: when it is time. */
void svc_routes_save(struct svc *svc);
void svc_routes_tick(struct svc *svc);

/* ---- svc_resolve.c: resolves of clients ------------------------------------------------ */

void svc_resolve(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request); /* takes request */
void svc_resolve_found(struct svc *svc, const struct pnrp_effect *effect);
void svc_resolve_failed(struct svc *svc, const struct pnrp_effect *effect);
void svc_resolve_trace(struct svc *svc, const struct pnrp_effect *effect);
void svc_resolve_client_gone(struct svc *svc, uint64_t client);
void svc_resolve_drop(struct svc *svc);

/* ---- svc_calls.c: the calls, and answers ------------------------------------------------- */

/* Calls about this cloud. Each takes request */
void svc_call_cloud(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request);
void svc_call_peers(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request);

/* What a cloud is now; one that the configuration forbids has the instance's name and nothing else. */
void svc_fill_cloud(struct svc *svc, struct ponto_arena *arena, Ponto__Pnrp__V1__CloudInfo *info);
void svc_fill_disabled(struct svc *svc, Ponto__Pnrp__V1__CloudInfo *info);

void svc_cloud_event(struct svc *svc);

/* ---- svc_metrics.c -------------------------------------------------------------------------- */

/* The engine's counters beside those of messages and drops, for `ponto cloud stats` and as metrics. */
#define SVC_COUNTERS 20
struct svc_counter {
	const char *name, *help;
	size_t offset; /* in struct pnrp_stats */
};
extern const struct svc_counter svc_counters[SVC_COUNTERS];
uint64_t svc_counter_value(const struct pnrp_stats *stats, unsigned counter);

#define SVC_LEVELS 78 /* of the cache, ring_cache.h */

/* How the cache is filled now. */
struct svc_shape {
	uint32_t leaves;
	uint32_t level[SVC_LEVELS];
};

void svc_shape(const struct svc *svc, struct svc_shape *out);

PONTO_MUST_CHECK int svc_metrics_create(struct svc *svc);
void svc_metrics_update(struct svc *svc);
void svc_metrics_destroy(struct svc *svc);

#endif
