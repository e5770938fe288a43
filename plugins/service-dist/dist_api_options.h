/* service-dist: the options of programs of peerdist.h, for the one table that dist_plugin.c has. */
#ifndef PLUGINS_SERVICE_DIST_DIST_API_OPTIONS_H
#define PLUGINS_SERVICE_DIST_DIST_API_OPTIONS_H

#define DIST_API_OPTIONS \
	{.name = "programs", \
	 .type = PONTO_OPTION_BOOL, \
	 .fallback = "true", \
	 .doc = "programs that use peerdist.h may publish contents and read them here"}, \
	{.name = "programs_memory", \
	 .type = PONTO_OPTION_INT, \
	 .fallback = "64", \
	 .min = 2, \
	 .max = 65536, \
	 .unit = "MiB", \
	 .doc = "that all programs of one user may have here: hashes of what they publish (1 MiB for 1 GiB), descriptions, " \
		"data not yet whole, what is under way"}

#endif
