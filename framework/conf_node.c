#include "framework/conf_node.h"

static const char *const sinks[] = {"auto", "text", "json", "journald", NULL};

const struct ponto_option ponto_node_options[] = {
	{.name = "name", .type = PONTO_OPTION_STRING, .fallback = "", .doc = "name of the node; empty: the host's name"},
	{.name = "state",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_state,
	 .unit = "path",
	 .doc = "directory for everything that is kept; empty: /var/lib/ponto for root, else "
		"$XDG_STATE_HOME/ponto or ~/.local/state/ponto"},
	{.name = "socket",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_socket,
	 .doc = "where local programs connect; empty: a path in the runtime directory"},
	{.name = "group",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_group,
	 .doc = "group whose members may connect; empty: only the daemon's own user and root"},
	{.name = "user",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_user,
	 .doc = "user the daemon becomes when root starts it; empty: it stays who it is"},
	{.name = "grants",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .fits = conf_fits_grant,
	 .doc = "what is opened before privileges are given up, for instances that ask for it: tun/NAME, a network "
		"interface of that name, which takes CAP_NET_ADMIN; echo, a socket that hears IPv6 echo requests, "
		"CAP_NET_RAW"},
	{.name = "log",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "info",
	 .fits = conf_fits_log,
	 .live = true,
	 .doc = "what is logged: a level, then topic=level with globs, e.g. \"warning,service.pnrp.*=debug\""},
	{.name = "log_sink",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "auto",
	 .choices = sinks,
	 .doc = "where the log goes; auto: the journal when systemd started the daemon, else text"},
	{.name = "remote",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_remote,
	 .doc = "tcp:// endpoint for remote administration, secured with CURVE; empty: off"},
	{.name = "remote_keys",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_keys,
	 .unit = "path",
	 .doc = "directory with \"clients\", the public keys that may administer remotely, one a line, and "
		"\"server.key\", made when missing; empty: remote in the state directory"},
	{.name = "resolve_socket",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = conf_fits_resolve,
	 .doc = "socket where programs of other users resolve names; \"off\": none; empty: /run/ponto/resolve when "
		"root starts the daemon, else none"},
	{.name = "plugin_path",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .doc = "directories searched for plugins after PONTO_PLUGIN_PATH, separated by colons"},
};
const size_t ponto_node_option_count = PONTO_ARRAY_SIZE(ponto_node_options);

const struct conf_default conf_defaults[] = {
	{PONTO_KIND_TRANSPORT, "wide", "transport-udp6"},  {PONTO_KIND_STORE, "main", "store-rocksdb"},
	{PONTO_KIND_SECURITY, "id", "security-pki"},	   {PONTO_KIND_DISCOVERY, "seeds", "discovery-seed"},
	{PONTO_KIND_DISCOVERY, "near", "discovery-ssdp"},
	{PONTO_KIND_SERVICE, "pnrp", "service-pnrp"},
};
const size_t conf_default_count = PONTO_ARRAY_SIZE(conf_defaults);
