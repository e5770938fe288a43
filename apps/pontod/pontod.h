/* pontod: the daemon. One configuration file composes a node; the daemon gives it
 * a place, a bus and an end. Everything here runs on the main thread, whose
 * loop also serves the components "node" and "identity". */
#ifndef PONTO_APPS_PONTOD_H
#define PONTO_APPS_PONTOD_H

#include <sys/types.h>

#include "framework/bus.h"
#include "framework/node.h"

#define PONTOD_TOPIC "pontod"
#define PONTOD_GRANTS 8
#define PONTOD_PATH 1024	   /* bytes of a path, NUL included */
#define PONTOD_REASON PONTO_REASON_SIZE

struct node_service;
struct identity_service;
struct resolve_socket;
struct hello;
struct local_call;

/* Loaded files live as long as an instance reads from them. */
struct daemon_conf {
	struct daemon_conf *older;
	struct ponto_conf_file *file;
};

struct daemon {
	const char *conf_path; /* NULL: built-in defaults */
	bool hello_wanted;

	struct ponto_registry *registry;
	struct daemon_conf *conf; /* the newest */
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_gauge *configurations;
	char name[256];
	char state_dir[PONTOD_PATH];
	char endpoint[PONTO_ENDPOINT_SIZE];
	char resolve_path[PONTOD_PATH]; /* "" : off */
	int state_lock;
	struct ponto_grant grants[PONTOD_GRANTS];
	pid_t helpers[PONTOD_GRANTS]; /* of the grants, or 0 */
	size_t grant_count;
	uint64_t started; /* monotonic microseconds */
	uint64_t started_wall;

	struct ponto_loop *loop;
	struct ponto_bus *bus;
	struct ponto_node *node;
	int signals;
	struct ponto_watch *signal_watch;
	struct node_service *node_service;
	struct identity_service *identity_service;
	struct resolve_socket *resolve;
	struct hello *hello;
	struct local_call *local_calls;
};

/* What main.c calls, in this order. reason tells in one line what went wrong. */
PONTO_MUST_CHECK int daemon_load(struct daemon *d, char reason[PONTOD_REASON]);
PONTO_MUST_CHECK int daemon_start(struct daemon *d, char reason[PONTOD_REASON]);
PONTO_MUST_CHECK int daemon_run(struct daemon *d, char reason[PONTOD_REASON]);
/* Takes down what there is. PONTO_EBUSY: a service hangs, end the process as it is. */
PONTO_MUST_CHECK int daemon_end(struct daemon *d);

const struct ponto_conf *daemon_node_conf(const struct daemon *d);

/* Loads the file again and applies it. Each line of what needs a restart or is wrong goes to tell. */
typedef void daemon_tell_fn(void *arg, const char *line);
PONTO_MUST_CHECK int daemon_reload(struct daemon *d, daemon_tell_fn *tell, void *arg);

/* ---- place.c: directories and privilege ---------------------------------------- */

/* The state directory, made and checked. Made by root for another user, it alone is that user's: missing parents are
 * root's, mode 0755. */
PONTO_MUST_CHECK int place_state(const struct ponto_conf *conf, char dir[PONTOD_PATH], char reason[PONTOD_REASON]);

/* Becomes the configured user and drops capabilities, but for the one kept (-1: none); before any thread starts. The
 * runtime directories that the endpoints chosen before lie in are made for that user. */
PONTO_MUST_CHECK int place_become(const struct daemon *d, int kept, char reason[PONTOD_REASON]);

/* Takes the lock of the state directory, as the user that it belongs to. */
PONTO_MUST_CHECK int place_lock(const char *dir, int *lock, char reason[PONTOD_REASON]);

/* ---- grant.c: what is opened before that ---------------------------------------- */

/* What node.grants names. */
PONTO_MUST_CHECK int grants_open(struct daemon *d, char reason[PONTOD_REASON]);
/* Closes it, which ends interfaces and their helpers; waits for these. */
void grants_close(struct daemon *d);

/* grant_net.c: a new interface, up; or 0 and why in errno. gives */
PONTO_MUST_CHECK int grant_net_open(const char *name, int *tun);
/* Serves ponto_grant's address on the other end of channel until that is closed; system calls only. */
void grant_net_serve(const char *name, int channel);
/* The asking end. */
int grant_net_address(const struct ponto_grant *grant, struct ponto_log *log, const uint8_t *ip);

/* ---- components ---------------------------------------------------------------- */

PONTO_MUST_CHECK int node_service_create(struct daemon *d, struct node_service **out);
void node_service_destroy(struct node_service *s);
/* Publishes "node.state". */
void node_service_state(struct node_service *s, const char *state);

PONTO_MUST_CHECK int identity_service_create(struct daemon *d, struct identity_service **out);
void identity_service_destroy(struct identity_service *s);

/* The socket where any local user may resolve. stop ends its connections; destroy comes after the node's end. */
PONTO_MUST_CHECK int resolve_socket_create(struct daemon *d, struct resolve_socket **out, char reason[PONTOD_REASON]);
void resolve_socket_stop(struct resolve_socket *s);
void resolve_socket_destroy(struct resolve_socket *s);

/* Prints name, place and cloud, and what to try, to standard error. */
PONTO_MUST_CHECK int hello_create(struct daemon *d, struct hello **out);
void hello_destroy(struct hello *h);

#endif
