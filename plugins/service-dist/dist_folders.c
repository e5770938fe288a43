#include "plugins/service-dist/dist_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/service-dist/dist_http.h"

static void destroy(struct dist_folders *folders, struct dist_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	ponto_free(folders->alloc, folder->path);
	ponto_free(folders->alloc, folder->prefix);
	ponto_free(folders->alloc, folder);
}

/* What a request's path would be decoded to, closed by a slash. */
static int complete(const char *prefix, char out[DIST_PATH_MAX + 1])
{
	char plain[DIST_PATH_MAX];
	size_t len;

	if (*prefix != '/' || strpbrk(prefix, "?#%") || dist_path(prefix, plain) != PONTO_OK)
		return PONTO_EINVAL;
	len = strlen(plain);
	snprintf(out, DIST_PATH_MAX + 1, "%s%s", plain, plain[len - 1] == '/' ? "" : "/");
	return PONTO_OK;
}

static int open_folder(struct dist_folder *folder, char reason[DIST_FOLDER_REASON])
{
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd >= 0)
		return PONTO_OK;
	snprintf(reason, DIST_FOLDER_REASON, "%.180s: %s", folder->path, strerror(errno));
	return errno == EACCES ? PONTO_EACCES : errno == ENOENT || errno == ENOTDIR ? PONTO_ENOENT : PONTO_EIO;
}

static void insert(struct dist_folders *folders, struct dist_folder *folder)
{
	struct dist_folder **at = &folders->first;

	while (*at && strlen((*at)->prefix) >= strlen(folder->prefix))
		at = &(*at)->next;
	folder->next = *at;
	*at = folder;
	folders->count++;
}

static int check(const struct dist_folders *folders, const char *path, const char *prefix,
		 char whole[DIST_PATH_MAX + 1], char reason[DIST_FOLDER_REASON])
{
	if (*path != '/') {
		snprintf(reason, DIST_FOLDER_REASON, "'%.100s' is not an absolute path", path);
		return PONTO_EINVAL;
	}
	if (complete(prefix, whole) != PONTO_OK) {
		snprintf(reason, DIST_FOLDER_REASON, "'%.100s' is no prefix: it begins with a slash", prefix);
		return PONTO_EINVAL;
	}
	if (dist_folders_find(folders, whole)) {
		snprintf(reason, DIST_FOLDER_REASON, "%.100s is published already", whole);
		return PONTO_EEXIST;
	}
	if (folders->count == DIST_FOLDERS_MAX) {
		snprintf(reason, DIST_FOLDER_REASON, "more than %d folders", DIST_FOLDERS_MAX);
		return PONTO_ELIMIT;
	}
	return PONTO_OK;
}

int dist_folders_add(struct dist_folders *folders, const char *path, const char *prefix, bool configured,
		     struct dist_folder **out, char reason[DIST_FOLDER_REASON])
{
	char whole[DIST_PATH_MAX + 1];
	struct dist_folder *folder;
	int result = check(folders, path, prefix, whole, reason);

	if (result != PONTO_OK)
		return result;
	snprintf(reason, DIST_FOLDER_REASON, "%s", ponto_strerror(PONTO_ENOMEM));
	folder = ponto_new(folders->alloc, 1, sizeof(*folder));
	if (!folder)
		return PONTO_ENOMEM;
	folder->fd = -1;
	folder->configured = configured;
	folder->path = ponto_strdup(folders->alloc, path);
	folder->prefix = ponto_strdup(folders->alloc, whole);
	result = folder->path && folder->prefix ? open_folder(folder, reason) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		destroy(folders, folder);
		return result;
	}
	insert(folders, folder);
	*out = folder;
	return PONTO_OK;
}

int dist_folder_parse(const char *text, char *out, size_t size, const char **path, const char **prefix)
{
	char *equal;

	if (strlen(text) >= size)
		return PONTO_ELIMIT;
	strcpy(out, text);
	*prefix = "/";
	*path = out;
	equal = strstr(out, "=/");
	if (*out == '/' && equal) {
		*equal = '\0';
		*prefix = out;
		*path = equal + 1;
	}
	return **path == '/' ? PONTO_OK : PONTO_EINVAL;
}

struct dist_folder *dist_folders_find(const struct dist_folders *folders, const char *prefix)
{
	struct dist_folder *folder = folders->first;

	while (folder && strcmp(folder->prefix, prefix) != 0)
		folder = folder->next;
	return folder;
}

struct dist_folder *dist_folders_match(const struct dist_folders *folders, const char *path, const char **rest)
{
	for (struct dist_folder *f = folders->first; f; f = f->next) {
		size_t len = strlen(f->prefix);

		if (strncmp(path, f->prefix, len) == 0) {
			*rest = path + len;
			return f;
		}
		if (strncmp(path, f->prefix, len - 1) == 0 && !path[len - 1]) {
			*rest = NULL;
			return f;
		}
	}
	return NULL;
}

void dist_folders_remove(struct dist_folders *folders, struct dist_folder *folder)
{
	struct dist_folder **at = &folders->first;

	while (*at != folder)
		at = &(*at)->next;
	*at = folder->next;
	folders->count--;
	folder->gone = true;
	if (folder->uses == 0)
		destroy(folders, folder);
}

void dist_folder_leave(struct dist_folders *folders, struct dist_folder *folder)
{
	if (--folder->uses == 0 && folder->gone)
		destroy(folders, folder);
}

void dist_folders_clear(struct dist_folders *folders)
{
	while (folders->first)
		dist_folders_remove(folders, folders->first);
}
