/* service-dist: the options of hosted caches and of their client, for the one table that dist_plugin.c has. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HOSTED_OPTIONS_H
#define PLUGINS_SERVICE_DIST_DIST_HOSTED_OPTIONS_H

#define DIST_HOSTED_OPTIONS \
	{.name = "hosted", \
	 .type = PONTO_OPTION_LIST, \
	 .fallback = "", \
	 .fits = dist_caches_fits, \
	 .doc = "hosted caches that are asked and offered to instead of neighbours, the first that works: " \
		"\"cache.example.net\", or \"https://cache.example.net\" for one that takes offers of version 1.0"}, \
	{.name = "hosted_port", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "80", \
	 .min = 1, \
	 .max = 65535, \
	 .doc = "where hosted caches named with https:// are retrieved from, over HTTP"}, \
	{.name = "hosted_ca", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .unit = "path", \
	 .doc = "certificates in PEM that hosted caches are checked against; empty: the system's"}, \
	{.name = "hosted_cache", \
	 .type = PONTO_OPTION_BOOL, \
	 .fallback = "false", \
	 .doc = "be a hosted cache: take offers of version 2.0 where 'retrieval' listens, and of version 1.0 with " \
		"'hosted_certificate'"}, \
	{.name = "hosted_listen", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "[::]:443", \
	 .fits = fits_address, \
	 .doc = "where offers of version 1.0 are taken, over HTTPS"}, \
	{.name = "hosted_certificate", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .unit = "path", \
	 .doc = "certificate chain in PEM of the hosted cache; empty: no offers of version 1.0"}, \
	{.name = "hosted_key", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .unit = "path", \
	 .doc = "its private key in PEM"}, \
	{.name = "hosted_keytab", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .unit = "path", \
	 .doc = "keys of the service HTTP/ and this cache's name; with it clients must authenticate (SPNEGO) before they " \
		"offer over HTTPS; empty: they need not"}, \
	{.name = "hosted_pulls", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "32", \
	 .min = 1, \
	 .max = 256, \
	 .doc = "offered segments that are fetched at once, of one client a quarter"}, \
	{.name = "hosted_offers", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "1024", \
	 .min = 1, \
	 .max = 65536, \
	 .doc = "segments offered by one client that wait to be fetched; of all clients eight times as many"}, \
	{.name = "hosted_share", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "50", \
	 .min = 1, \
	 .max = 100, \
	 .unit = "percent", \
	 .doc = "of what the cache may keep (cache_size, cache_share), that one client may bring in an hour; nothing " \
		"holds him when that has no bound"},

#endif
