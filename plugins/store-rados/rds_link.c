#include "plugins/store-rados/rds_link.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOPIC "store.rados.link"

void rds_link_use(struct rds_link *link)
{
	atomic_fetch_add(&link->users, 1);
}

void rds_link_leave(struct rds_link *link)
{
	if (!link || atomic_fetch_sub(&link->users, 1) != 1)
		return;
	if (link->io)
		rados_ioctx_destroy(link->io);
	if (link->cluster)
		rados_shutdown(link->cluster);
	ponto_free(link->alloc, link);
}

bool rds_link_has_pool(struct rds_link *link)
{
	char name[256];

	return rados_pool_reverse_lookup(link->cluster, link->pool, name, sizeof(name)) != -ENOENT;
}

/* ---- opening -------------------------------------------------------------------- */

/* What librados does besides is switched off, unless the file of the cluster switches it on. It asks for a new map of
 * the cluster when a step has waited for so long: by default longer than most of our steps live, so that nobody would
 * ever learn that an OSD is back. */
static int set_defaults(rados_t cluster, uint64_t timeout)
{
	char seconds[32];
	const char *const settings[][2] = {
		{"log_file", ""},
		{"log_to_stderr", "false"},
		{"err_to_stderr", "false"},
		{"admin_socket", ""},
		{"ms_async_op_threads", "1"},
		{"objecter_tick_interval", "0.5"},
		{"objecter_timeout", "1"},
		{"mon_client_hunt_interval_max_multiple", "2"},
	};
	const char *const limits[] = {"client_mount_timeout", "rados_mon_op_timeout", "rados_osd_op_timeout"};
	int error = 0;

	for (size_t i = 0; !error && i < PONTO_ARRAY_SIZE(settings); i++)
		error = rados_conf_set(cluster, settings[i][0], settings[i][1]);
	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(timeout / PONTO_SECOND));
	for (size_t i = 0; !error && i < PONTO_ARRAY_SIZE(limits); i++)
		error = rados_conf_set(cluster, limits[i], seconds);
	return error;
}

static int refuse_conf(const struct ponto_env *env, const char *conf, int error)
{
	if (error == -ENOMEM)
		return PONTO_ENOMEM;
	ponto_error(env->log, TOPIC, "the cluster's configuration %s cannot be read: %s",
		    conf[0] ? conf : "(CEPH_CONF, or /etc/ceph/ceph.conf)", strerror(-error));
	return error == -EACCES || error == -EPERM ? PONTO_EACCES : PONTO_ECONF;
}

/* As everywhere: relative to the node's state folder. "" stays. */
static void find_file(const struct ponto_env *env, const char *option, char path[PATH_MAX])
{
	const char *given = ponto_conf_string(env->conf, option);
	bool relative = given[0] && given[0] != '/' && env->state_dir;

	snprintf(path, PATH_MAX, "%s%s%s", relative ? env->state_dir : "", relative ? "/" : "", given);
}

static int configure(const struct ponto_env *env, struct rds_link *link, uint64_t timeout)
{
	const char *user = ponto_conf_string(env->conf, "user");
	char name[300], conf[PATH_MAX], keyring[PATH_MAX];
	int error;

	find_file(env, "conf", conf);
	find_file(env, "keyring", keyring);

	snprintf(name, sizeof(name), "client.%s", user);
	error = rados_create2(&link->cluster, "ceph", name, 0);
	if (error) {
		link->cluster = NULL;
		ponto_error(env->log, TOPIC, "librados refuses the user %s: %s", name, strerror(-error));
		return error == -ENOMEM ? PONTO_ENOMEM : PONTO_ECONF;
	}
	error = set_defaults(link->cluster, timeout);
	if (error)
		return refuse_conf(env, "of librados", error);
	error = rados_conf_read_file(link->cluster, conf[0] ? conf : NULL);
	if (error)
		return refuse_conf(env, conf, error);
	if (keyring[0])
		error = rados_conf_set(link->cluster, "keyring", keyring);
	return error ? refuse_conf(env, keyring, error) : PONTO_OK;
}

/* Whether one of those keyrings, separated by commas, has a key of that user. librados does not tell a missing key from
 * a wrong one. */
static bool has_key(char *keyrings, const char *user)
{
	char *rest, wanted[300], line[512];
	bool found = false;

	snprintf(wanted, sizeof(wanted), "[client.%s]", user);
	for (char *path = strtok_r(keyrings, ", ;", &rest); path && !found; path = strtok_r(NULL, ", ;", &rest)) {
		FILE *file = fopen(path, "re");

		while (file && !found && fgets(line, sizeof(line), file))
			found = strncmp(line + strspn(line, " \t"), wanted, strlen(wanted)) == 0;
		if (file)
			fclose(file);
	}
	return found;
}

static int refuse_key(const struct ponto_env *env, const char *user, const char *hosts, const char *keyrings)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", keyrings);
	if (!has_key(copy, user)) {
		ponto_error(env->log, TOPIC, "no key of client.%s in the keyring %s", user, keyrings);
		return PONTO_ECONF;
	}
	ponto_error(env->log, TOPIC, "the cluster at %s refuses client.%s with the key in %s", hosts, user, keyrings);
	return PONTO_EAUTH;
}

static int refuse_connection(const struct ponto_env *env, struct rds_link *link, int error)
{
	const char *user = ponto_conf_string(env->conf, "user");
	char value[512] = "", hosts[512] = "";

	(void)rados_conf_get(link->cluster, "keyring", value, sizeof(value));
	(void)rados_conf_get(link->cluster, "mon_host", hosts, sizeof(hosts));
	switch (-error) {
	case ENOMEM:
		return PONTO_ENOMEM;
	case ENOENT:
		ponto_error(env->log, TOPIC,
			    hosts[0] ? "no key of client.%s in the keyring %s"
				     : "the configuration of client.%s names no monitors (%s)",
			    user, value);
		return PONTO_ECONF;
	case EACCES:
	case EPERM:
		return refuse_key(env, user, hosts, value);
	case ETIMEDOUT:
		ponto_error(env->log, TOPIC, "no monitor of the cluster answers at %s", hosts);
		return PONTO_EUNREACH;
	case EINVAL:
		ponto_error(env->log, TOPIC, "the cluster's configuration or the keyring %s of client.%s is malformed",
			    value, user);
		return PONTO_ECONF;
	default:
		ponto_error(env->log, TOPIC, "the cluster at %s cannot be used: %s", hosts, strerror(-error));
		return PONTO_EIO;
	}
}

static int open_pool(const struct ponto_env *env, struct rds_link *link, const char *nspace)
{
	const char *pool = ponto_conf_string(env->conf, "pool");
	int error = rados_ioctx_create(link->cluster, pool, &link->io);

	if (error) {
		link->io = NULL;
		ponto_error(env->log, TOPIC,
			    error == -ENOENT ? "the cluster has no pool %s" : "the pool %s cannot be used: %s", pool,
			    strerror(-error));
		if (error == -EACCES || error == -EPERM)
			return PONTO_EACCES;
		return error == -ENOENT ? PONTO_ECONF : PONTO_EIO;
	}
	link->pool = rados_ioctx_get_id(link->io);
	rados_ioctx_set_namespace(link->io, nspace);
	return PONTO_OK;
}

int rds_link_open(const struct ponto_env *env, const char *nspace, uint64_t timeout, struct rds_link **out)
{
	struct rds_link *link = ponto_new(env->alloc, 1, sizeof(*link));
	int result, error;

	if (!link)
		return PONTO_ENOMEM;
	link->alloc = env->alloc;
	atomic_init(&link->users, 1);
	result = configure(env, link, timeout);
	if (!result) {
		error = rados_connect(link->cluster);
		if (error)
			result = refuse_connection(env, link, error);
	}
	if (!result)
		result = open_pool(env, link, nspace);
	if (result)
		rds_link_leave(link);
	else
		*out = link;
	return result;
}
