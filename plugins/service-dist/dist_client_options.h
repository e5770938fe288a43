/* service-dist: the options of the client, for the one table that dist_plugin.c has. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CLIENT_OPTIONS_H
#define PLUGINS_SERVICE_DIST_DIST_CLIENT_OPTIONS_H

#include "engines/content/content_client.h"

#define DIST_CLIENT_OPTIONS \
	{.name = "proxy", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .fits = fits_address, \
	 .doc = "where a local HTTP proxy listens that fetches among neighbours, \"127.0.0.1:8118\" for instance; empty: " \
		"nowhere"}, \
	{.name = "proxy_remote", \
	 .type = PONTO_OPTION_BOOL, \
	 .fallback = "false", \
	 .doc = "the proxy may listen on addresses that others reach"}, \
	{.name = "ca_file", \
	 .type = PONTO_OPTION_STRING, \
	 .fallback = "", \
	 .unit = "path", \
	 .doc = "certificates in PEM that origins are checked against; empty: the system's"}, \
	{.name = "origin_timeout", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "30000", \
	 .min = 1000, \
	 .max = 3600000, \
	 .unit = "milliseconds", \
	 .doc = "that an origin may be silent"}, \
	{.name = "request_timeout", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "2000", \
	 .min = 1, \
	 .max = 60000, \
	 .unit = "milliseconds", \
	 .doc = "that a neighbour may take for an answer"}, \
	{.name = "session_timeout", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "5000", \
	 .min = 0, \
	 .max = UINT32_MAX - 2, \
	 .unit = "milliseconds", \
	 .doc = "without a block from any neighbour until the origin is asked"}, \
	{.name = "empty_lifetime", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "15000", \
	 .min = 0, \
	 .max = 3600000, \
	 .unit = "milliseconds", \
	 .doc = "that nobody having a segment is believed"}, \
	{.name = "server_lifetime", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "60000", \
	 .min = 0, \
	 .max = 3600000, \
	 .unit = "milliseconds", \
	 .doc = "that a neighbour who had some of a segment is asked for it without a search"}, \
	{.name = "servers", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "16", \
	 .min = 1, \
	 .max = CONTENT_SERVERS_MAX, \
	 .doc = "neighbours asked for one segment"}, \
	{.name = "strikes", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "3", \
	 .min = 1, \
	 .max = 100, \
	 .doc = "answers in a row that a neighbour may owe"}, \
	{.name = "probes", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "256", \
	 .min = 1, \
	 .max = 65536, \
	 .doc = "segments searched for in a second"}, \
	{.name = "fetches", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "64", \
	 .min = 2, \
	 .max = 4096, \
	 .doc = "under way at once; one user alone gets half"}, \
	{.name = "fetch_memory", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "32", \
	 .min = 1, \
	 .max = 4096, \
	 .unit = "MiB", \
	 .doc = "of blocks that a fetch holds for its reader; more wait in the cache, or are not fetched yet"}, \
	{.name = "information_limit", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "64", \
	 .min = 1, \
	 .max = 4096, \
	 .unit = "MiB", \
	 .doc = "of one Content Information; 64 are enough for 60 GB in version 2.0, for 130 GB in version 1.0"},

#endif
