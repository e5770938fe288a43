#include "framework/conf_node.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "framework/bus_private.h"
#include "framework/log_filter.h"

#define PATH_SIZE 1024 /* bytes of the state directory's path, NUL included */

bool conf_fits_state(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (text[0] && text[0] != '/')
		snprintf(why, size, "\"%.200s\" is not an absolute path", text);
	else if (strlen(text) >= PATH_SIZE)
		snprintf(why, size, "a path has at most %d bytes", PATH_SIZE - 1);
	else
		return true;
	return false;
}

bool conf_fits_socket(const char *text, int64_t number, char *why, size_t size)
{
	char reason[256], endpoint[PONTO_ENDPOINT_SIZE];

	(void)number;
	if (!text[0])
		return true;
	if (ponto_bus_endpoint(text, reason, endpoint) != PONTO_OK)
		snprintf(why, size, "%s", reason);
	else if (!bus_endpoint_path(endpoint))
		snprintf(why, size, "%s: programs of this machine use ipc; tcp is for \"remote\"", text);
	else
		return true;
	return false;
}

bool conf_fits_group(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (!text[0] || getgrnam(text))
		return true;
	snprintf(why, size, "there is no group \"%.100s\"", text);
	return false;
}

bool conf_fits_user(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (!text[0] || getpwnam(text))
		return true;
	snprintf(why, size, "there is no user \"%.100s\"", text);
	return false;
}

bool conf_fits_grant(const char *text, int64_t number, char *why, size_t size)
{
	const char *name = strncmp(text, "tun/", 4) == 0 ? text + 4 : "";

	(void)number;
	if (strcmp(text, "echo") == 0 || (name[0] && strlen(name) < IFNAMSIZ && !strpbrk(name, "/%: ") && name[0] != '.'))
		return true;
	snprintf(why, size, "\"%.100s\" is neither tun/NAME, with the name of an interface, nor echo", text);
	return false;
}

bool conf_fits_log(const char *text, int64_t number, char *why, size_t size)
{
	struct log_filter *filter;
	int result = log_filter_create(&ponto_alloc_system, text, &filter);

	(void)number;
	if (result == PONTO_OK)
		log_filter_destroy(&ponto_alloc_system, filter);
	else
		snprintf(why, size, "\"%.200s\" is no filter, which is LEVEL or GLOB=LEVEL, separated by commas", text);
	return result == PONTO_OK;
}

bool conf_fits_remote(const char *text, int64_t number, char *why, size_t size)
{
	char reason[256], endpoint[PONTO_ENDPOINT_SIZE], events[BUS_EVENTS_SIZE];

	(void)number;
	if (!text[0])
		return true;
	if (ponto_bus_endpoint(text, reason, endpoint) != PONTO_OK || bus_endpoint_path(endpoint))
		snprintf(why, size, "%.160s: a remote endpoint is tcp://address:port", text);
	else if (bus_endpoint_events(endpoint, events) != PONTO_OK)
		snprintf(why, size, "%.160s: a port from 1 to 65534 is needed", text);
	else
		return true;
	return false;
}

bool conf_fits_keys(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (strlen(text) < PATH_SIZE)
		return true;
	snprintf(why, size, "a path has at most %d bytes", PATH_SIZE - 1);
	return false;
}

bool conf_fits_resolve(const char *text, int64_t number, char *why, size_t size)
{
	size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	(void)number;
	if (!text[0] || strcmp(text, "off") == 0)
		return true;
	if (text[0] != '/')
		snprintf(why, size, "\"%.200s\" is neither an absolute path nor \"off\"", text);
	else if (strlen(text) > most)
		snprintf(why, size, "%.120s…: a socket's path has at most %zu bytes", text, most);
	else
		return true;
	return false;
}

/* Without an absolute path the place depends on who starts the daemon: not to be judged here. */
static bool clients_path(const struct ponto_conf *node, char out[2 * PATH_SIZE])
{
	const char *keys = ponto_conf_string(node, "remote_keys"), *state = ponto_conf_string(node, "state");

	if (!keys[0])
		keys = "remote";
	if (keys[0] != '/' && state[0] != '/')
		return false;
	snprintf(out, 2 * PATH_SIZE, "%s%s%s/clients", keys[0] == '/' ? "" : state, keys[0] == '/' ? "" : "/", keys);
	return true;
}

void conf_check_node(struct conf_loader *l)
{
	const struct ponto_conf *node = l->file->node;
	const struct ponto_conf_value *remote =
		ponto_conf_value(node, ponto_conf_option(node->options, node->option_count, "remote"));
	char path[2 * PATH_SIZE], reason[256];
	struct bus_access access = {0};

	if (!remote->text[0] || !clients_path(node, path))
		return;
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 && errno == EACCES)
		return; /* private to the daemon's user, as it should be */
	if (bus_curve_clients(path, &access, reason) != PONTO_OK)
		conf_fault(l, remote->file, remote->line, "node.remote: the keys of permitted clients: %s", reason);
	else if (access.curve_client_count == 0)
		conf_fault(l, remote->file, remote->line, "node.remote: %.160s permits nobody: it needs one key a line", path);
}
