/* service-dist: which folders are published, and under which prefix of an URL's path.
 *
 * The component's thread. One that was taken away stays open until nobody uses it. */
#ifndef PLUGINS_SERVICE_DIST_DIST_FOLDERS_H
#define PLUGINS_SERVICE_DIST_DIST_FOLDERS_H

#include "framework/base.h"

#define DIST_FOLDERS_MAX 256

struct dist_folder {
	struct dist_folder *next;
	char *path;   /* absolute */
	char *prefix; /* begins and ends with "/" */
	int fd;
	bool configured; /* by the file */
	bool gone;
	unsigned uses;
};

struct dist_folders {
	const struct ponto_alloc *alloc;
	struct dist_folder *first; /* longest prefix first */
	size_t count;
};

#define DIST_FOLDER_REASON 256

/* Opens and adds one; prefix without its last slash is completed. PONTO_EINVAL: a path that is not absolute or a prefix
 * that is none; PONTO_EEXIST: that prefix is taken; PONTO_ENOENT, PONTO_EACCES: no such folder, or not ours;
 * PONTO_ELIMIT, PONTO_ENOMEM. reason: the same in words. copies; *out is lent */
PONTO_MUST_CHECK int dist_folders_add(struct dist_folders *folders, const char *path, const char *prefix,
				      bool configured, struct dist_folder **out, char reason[DIST_FOLDER_REASON]);

/* "PREFIX=PATH", or a PATH alone, which is published as "/". Views into text's copy, which out holds. */
PONTO_MUST_CHECK int dist_folder_parse(const char *text, char *out, size_t size, const char **path,
				       const char **prefix);

struct dist_folder *dist_folders_find(const struct dist_folders *folders, const char *prefix);

/* The folder of a path, and what is left of the path below it; NULL: none. A path equal to a prefix without its last
 * slash is that folder's with rest NULL: to be asked for with the slash. */
struct dist_folder *dist_folders_match(const struct dist_folders *folders, const char *path, const char **rest);

void dist_folders_remove(struct dist_folders *folders, struct dist_folder *folder);

static inline void dist_folder_use(struct dist_folder *folder)
{
	folder->uses++;
}
void dist_folder_leave(struct dist_folders *folders, struct dist_folder *folder);

/* None may be in use. */
void dist_folders_clear(struct dist_folders *folders);

#endif
