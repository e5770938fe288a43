#include "plugins/transport-teredo/tt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const algorithms[] = {"sha1", "sha256", NULL};

/* "PRIMARY", "PRIMARY/SECONDARY" or "PRIMARY/none". */
static bool parse_pair(const char *text, struct teredo_pair *out)
{
	struct teredo_endpoint e;
	struct ponto_addr addr;
	const char *slash = strchr(text, '/');
	char first[16];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(first))
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	if (ponto_addr_parse(first, 0, &addr) != PONTO_OK || addr.port != 0 || !teredo_endpoint_from(&addr, &e) ||
	    !teredo_ip4_global(e.ip))
		return false;
	out->primary = e.ip;
	/* RFC 4380 leaves it open how the second one is known; everybody takes the next. */
	out->secondary = e.ip + 1;
	if (slash && strcmp(slash + 1, "none") == 0)
		out->secondary = 0;
	else if (slash && (ponto_addr_parse(slash + 1, 0, &addr) != PONTO_OK || addr.port != 0 ||
			   !teredo_endpoint_from(&addr, &e)))
		return false;
	else if (slash)
		out->secondary = e.ip;
	return out->secondary == 0 || (out->secondary != out->primary && teredo_ip4_global(out->secondary));
}

static bool fits_server(const char *text, int64_t number, char *why, size_t size)
{
	struct teredo_pair pair;

	(void)number;
	if (parse_pair(text, &pair))
		return true;
	snprintf(why, size, "\"%s\" is not ADDRESS, ADDRESS/SECOND or ADDRESS/none with public IPv4 addresses", text);
	return false;
}

static const struct {
	const char *name;
	unsigned feature;
} extensions[] = {
	{"symmetric", TEREDO_FEATURE_SYMMETRIC},    {"port-preserving", TEREDO_FEATURE_PRESERVING},
	{"sequential", TEREDO_FEATURE_SEQUENTIAL},  {"hairpin", TEREDO_FEATURE_HAIRPIN},
	{"load-reduction", TEREDO_FEATURE_SOLICIT},
};

static unsigned extension(const char *name)
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(extensions); i++)
		if (strcmp(extensions[i].name, name) == 0)
			return extensions[i].feature;
	return 0;
}

static bool fits_extension(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (extension(text))
		return true;
	snprintf(why, size, "\"%s\" is not symmetric, port-preserving, sequential, hairpin or load-reduction", text);
	return false;
}

const struct ponto_option tt_options[TT_OPTION_COUNT] = {
	{.name = "carrier",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "the IPv4 transport that carries it, a transport-udp4"},
	{.name = "servers",
	 .type = PONTO_OPTION_LIST,
	 .fits = fits_server,
	 .doc = "Teredo servers, tried in turn: ADDRESS, ADDRESS/SECOND or ADDRESS/none; the second address is the "
		"next one "
		"unless it is named"},
	{.name = "native",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .fallback = "",
	 .doc = "the IPv6 transport of a machine that has native IPv6, a transport-udp6: it is no client then, but a relay "
		"for itself alone, reaches Teredo addresses from its own by UDP over IPv4, and all others by that "
		"transport; node.grants needs \"echo\""},
	{.name = "mapping",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_MAPPING,
	 .fallback = "",
	 .doc = "who asks the NAT for the service port (RFC 6081 5.3); empty: nobody"},
	{.name = "port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "3540",
	 .min = 1,
	 .max = 65535,
	 .doc = "IPv6 UDP port that services listen on unless they name another"},
	{.name = "service_port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 65535,
	 .doc = "local IPv4 port of all Teredo traffic; 0: another at each start"},
	{.name = "refresh",
	 .type = PONTO_OPTION_INT,
	 .fallback = "30",
	 .min = 1,
	 .max = 86400,
	 .unit = "seconds",
	 .doc = "how often the server is asked, so that the NAT keeps the port"},
	{.name = "refresh_low",
	 .type = PONTO_OPTION_INT,
	 .fallback = "75",
	 .min = 50,
	 .max = 150,
	 .unit = "percent",
	 .doc = "the shortest such time, drawn anew each time"},
	{.name = "refresh_high",
	 .type = PONTO_OPTION_INT,
	 .fallback = "100",
	 .min = 50,
	 .max = 150,
	 .unit = "percent",
	 .doc = "the longest one"},
	{.name = "interval_search",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "find out whether a longer one does, of up to two minutes, with a port of its own (RFC 4380 5.2.7)"},
	{.name = "extensions",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "symmetric,port-preserving,sequential,hairpin,load-reduction",
	 .fits = fits_extension,
	 .doc = "what of RFC 6081 is used; port-preserving needs symmetric, sequential needs both"},
	{.name = "nonce",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "true",
	 .doc = "solicitations carry a nonce, without which anybody could answer them"},
	{.name = "identifier",
	 .type = PONTO_OPTION_STRING,
	 .fallback = NULL,
	 .doc = "by which the server knows this client, with secret_file"},
	{.name = "secret_file",
	 .type = PONTO_OPTION_STRING,
	 .fallback = NULL,
	 .unit = "path",
	 .doc = "file with the secret shared with the server, for its owner alone; empty: none"},
	{.name = "algorithm",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "sha1",
	 .choices = algorithms,
	 .doc = "hash of the authentication by that secret"},
	{.name = "cone_probe",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "find out whether the NAT lets anybody in; RFC 5991 advises against"},
	{.name = "cone_trust",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "believe peers that say so of theirs; RFC 5991 advises against"},
	{.name = "local_discovery",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "look for peers on the same link by multicast to 224.0.0.253"},
	{.name = "local_same_nat",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "true",
	 .doc = "only those with the same public address"},
	{.name = "peers",
	 .type = PONTO_OPTION_INT,
	 .fallback = "1024",
	 .min = TEREDO_PEERS_MIN,
	 .max = TEREDO_PEERS_MAX,
	 .doc = "peers that are remembered"},
	{.name = "queue",
	 .type = PONTO_OPTION_INT,
	 .fallback = "10240",
	 .min = TEREDO_MTU,
	 .max = 1 << 20,
	 .unit = "bytes",
	 .doc = "what waits for one peer until it is reached"},
	{.name = "tests",
	 .type = PONTO_OPTION_INT,
	 .fallback = "50",
	 .min = 1,
	 .max = 100000,
	 .unit = "per second",
	 .doc = "bubbles and connectivity tests that strangers can cause"},
	{.name = "echoes",
	 .type = PONTO_OPTION_INT,
	 .fallback = "100",
	 .min = 1,
	 .max = 100000,
	 .unit = "per second",
	 .doc = "echo requests that are answered, and datagrams to closed ports"},
	{.name = "weak_streams",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "where the system forbids private namespaces, have streams by lwIP, for services that put TLS on them: "
		"others could put bytes into such streams"},
	{.name = "tun",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .doc = "an interface that node.grants has the daemon make (\"tun/NAME\" there, NAME here): the whole machine gets "
		"the Teredo address, and every program can use it; empty: only services of this node"},
	TCP_OPTIONS,
};

/* ---- reading --------------------------------------------------------------------------- */

static int read_servers(struct tt_hub *hub)
{
	const char *const *list = ponto_conf_list(hub->env->conf, "servers");

	for (size_t i = 0; list[i]; i++) {
		if (i == TEREDO_SERVERS_MAX || !parse_pair(list[i], &hub->config.servers[i])) {
			ponto_error(hub->env->log, TT_TOPIC, "servers: at most %d, each with public IPv4 addresses",
				    TEREDO_SERVERS_MAX);
			return PONTO_ECONF;
		}
		hub->config.server_count++;
	}
	if (hub->config.server_count == 0) {
		ponto_error(hub->env->log, TT_TOPIC, "servers: none is named");
		return PONTO_ECONF;
	}
	return PONTO_OK;
}

/* The first line of a file that only its owner may read. */
static int read_secret(struct tt_hub *hub, const char *name)
{
	const char *dir = name[0] == '/' || !hub->env->state_dir ? "" : hub->env->state_dir;
	char path[4096];
	struct stat st;
	ssize_t len;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name) >= sizeof(path))
		return PONTO_ECONF;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mode & 077) {
		ponto_error(hub->env->log, TT_TOPIC, "secret_file: %s: %s", path,
			    fd < 0 ? strerror(errno) : "not a file for its owner alone");
		if (fd >= 0)
			close(fd);
		return fd < 0 ? PONTO_EIO : PONTO_EACCES;
	}
	len = read(fd, hub->secret, sizeof(hub->secret));
	close(fd);
	while (len > 0 && (hub->secret[len - 1] == '\n' || hub->secret[len - 1] == '\r'))
		len--;
	if (len <= 0 || (size_t)len == sizeof(hub->secret)) {
		ponto_error(hub->env->log, TT_TOPIC, "secret_file: %s holds no secret of 1 to 255 bytes", path);
		return PONTO_ECONF;
	}
	hub->config.secret = ponto_bytes(hub->secret, (size_t)len);
	return PONTO_OK;
}

static int read_security(struct tt_hub *hub)
{
	const struct ponto_conf *conf = hub->env->conf;
	const char *id = ponto_conf_string(conf, "identifier"), *file = ponto_conf_string(conf, "secret_file");

	if ((*id != '\0') != (*file != '\0') || strlen(id) > UINT8_MAX) {
		ponto_error(hub->env->log, TT_TOPIC, "identifier (at most 255 bytes) and secret_file go together");
		return PONTO_ECONF;
	}
	hub->config.id = ponto_bytes(id, strlen(id));
	hub->config.algo =
		strcmp(ponto_conf_string(conf, "algorithm"), "sha256") == 0 ? TEREDO_HMAC_SHA256 : TEREDO_HMAC_SHA1;
	return *file ? read_secret(hub, file) : PONTO_OK;
}

static int read_features(struct tt_hub *hub)
{
	const struct ponto_conf *conf = hub->env->conf;
	unsigned features = 0;
	char why[256];

	for (const char *const *name = ponto_conf_list(conf, "extensions"); *name; name++) {
		if (!fits_extension(*name, 0, why, sizeof(why))) {
			ponto_error(hub->env->log, TT_TOPIC, "extensions: %s", why);
			return PONTO_ECONF;
		}
		features |= extension(*name);
	}
	features |= ponto_conf_bool(conf, "nonce") ? 0 : TEREDO_FEATURE_NO_NONCE;
	features |= ponto_conf_bool(conf, "cone_probe") ? TEREDO_FEATURE_CONE_PROBE : 0;
	features |= ponto_conf_bool(conf, "cone_trust") ? TEREDO_FEATURE_CONE_TRUST : 0;
	features |= ponto_conf_bool(conf, "interval_search") ? TEREDO_FEATURE_INTERVAL : 0;
	features |= ponto_conf_bool(conf, "local_discovery") ? TEREDO_FEATURE_LOCAL : 0;
	features |= ponto_conf_bool(conf, "local_same_nat") ? TEREDO_FEATURE_LOCAL_SAME : 0;
	hub->config.features = features;
	return PONTO_OK;
}

static int find_carrier(struct tt_hub *hub)
{
	const char *name = ponto_conf_string(hub->env->conf, "carrier");
	struct ponto_iface iface;

	if (ponto_env_find(hub->env, PONTO_KIND_TRANSPORT, name, &iface) != PONTO_OK) {
		ponto_error(hub->env->log, TT_TOPIC, "carrier: no transport instance '%s'", name);
		return PONTO_ECONF;
	}
	hub->carrier = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	return PONTO_OK;
}

static int find_native(struct tt_hub *hub)
{
	const char *name = ponto_conf_string(hub->env->conf, "native");
	struct ponto_iface iface;

	hub->role = &tt_client;
	if (!*name)
		return PONTO_OK;
	if (ponto_env_find(hub->env, PONTO_KIND_TRANSPORT, name, &iface) != PONTO_OK)
		return PONTO_ECONF;
	hub->echo = ponto_env_grant(hub->env, "echo");
	if (!hub->echo || hub->tun) {
		ponto_error(hub->env->log, TT_TOPIC,
			    hub->tun ? "native: a machine with native IPv6 has no \"tun\""
				     : "native: node.grants has no \"echo\": clients ask the machine itself for the way to it");
		return PONTO_ECONF;
	}
	hub->native = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	hub->role = &tt_host;
	return PONTO_OK;
}

static int find_interface(struct tt_hub *hub)
{
	const char *name = ponto_conf_string(hub->env->conf, "tun");
	char grant[64];

	if (!*name)
		return PONTO_OK;
	if ((size_t)snprintf(grant, sizeof(grant), "tun/%s", name) < sizeof(grant))
		hub->tun = ponto_env_grant(hub->env, grant);
	if (!hub->tun) {
		ponto_error(hub->env->log, TT_TOPIC, "tun: node.grants has no \"tun/%s\"", name);
		return PONTO_ECONF;
	}
	hub->config.features |= TEREDO_FEATURE_WHOLE;
	return PONTO_OK;
}

static int find_mapping(struct tt_hub *hub)
{
	const char *name = ponto_conf_string(hub->env->conf, "mapping");
	struct ponto_iface iface;

	if (!*name)
		return PONTO_OK;
	if (ponto_env_find(hub->env, PONTO_KIND_MAPPING, name, &iface) != PONTO_OK)
		return PONTO_ECONF;
	hub->mapping = (struct ponto_mapping){(const struct ponto_mapping_ops *)iface.ops, iface.self, iface.pool};
	hub->config.features |= TEREDO_FEATURE_UPNP;
	return PONTO_OK;
}

int tt_conf_read(struct tt_hub *hub)
{
	const struct ponto_conf *conf = hub->env->conf;
	struct teredo_client_config *config = &hub->config;
	struct teredo_client *probe;
	int result;

	*config = teredo_client_defaults(hub->env->alloc, hub->env->random);
	config->refresh = (uint64_t)ponto_conf_int(conf, "refresh") * PONTO_SECOND;
	config->refresh_low = (uint8_t)ponto_conf_int(conf, "refresh_low");
	config->refresh_high = (uint8_t)ponto_conf_int(conf, "refresh_high");
	config->peers = (uint32_t)ponto_conf_int(conf, "peers");
	config->queue = (uint32_t)ponto_conf_int(conf, "queue");
	config->queues = config->queue * 32;
	config->tests = (uint32_t)ponto_conf_int(conf, "tests");
	config->echoes = (uint32_t)ponto_conf_int(conf, "echoes");
	hub->port = (uint16_t)ponto_conf_int(conf, "port");
	hub->service_port = (uint16_t)ponto_conf_int(conf, "service_port");
	result = find_carrier(hub);
	if (result == PONTO_OK)
		result = read_features(hub);
	if (result == PONTO_OK)
		result = find_mapping(hub);
	if (result == PONTO_OK)
		result = find_interface(hub);
	if (result == PONTO_OK)
		result = find_native(hub);
	if (result == PONTO_OK && !hub->native.ops)
		result = read_servers(hub);
	if (result == PONTO_OK)
		result = read_security(hub);
	if (result != PONTO_OK)
		return result;
	if (hub->native.ops) {
		/* Strangers cause a bubble each by asking. Who has native IPv6 may well be behind a NAT. */
		hub->relay_config = (struct teredo_relay_config){.alloc = config->alloc,
								 .random = config->random,
								 .peers = config->peers,
								 .queue = config->queue,
								 .queues = config->queues,
								 .fresh = config->tests,
								 .natted = true,
								 .cone_trust = config->features & TEREDO_FEATURE_CONE_TRUST};
		return PONTO_OK;
	}
	/* What the engine does not take is refused now, not by the first handle. */
	result = teredo_client_create(config, &probe);
	if (result == PONTO_EINVAL) {
		ponto_error(hub->env->log, TT_TOPIC,
			    "extensions that need each other, or a refresh_low above refresh_high");
		return PONTO_ECONF;
	}
	if (result == PONTO_OK)
		teredo_client_destroy(probe);
	return result;
}
