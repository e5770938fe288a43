#include "tests/support/synced_length.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void undo_renames(int folder, const struct synced_table *table, struct synced_report *report)
{
	for (uint32_t i = table->rename_count; i-- > 0;) {
		const struct synced_rename *r = &table->renames[i];

		if (!r->open)
			continue;
		if (faccessat(folder, r->from, F_OK, 0) != 0 && renameat(folder, r->to, folder, r->from) == 0)
			report->unrenamed++;
		if (r->saved[0])
			(void)renameat(folder, r->saved, folder, r->to);
	}
}

static const struct synced_file *find(const struct synced_table *table, uint64_t inode)
{
	for (size_t i = 0; i < SYNCED_FILES; i++) {
		if (table->files[i].inode == inode)
			return &table->files[i];
	}
	return NULL;
}

static int cut_file(int folder, const char *name, const struct synced_table *table, struct synced_report *report)
{
	const struct synced_file *file;
	struct stat st;
	int fd, result;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	file = find(table, st.st_ino);
	/* Left over from a rename that did not begin. */
	if (strncmp(name, ".synced-", 8) == 0)
		return unlinkat(folder, name, 0);
	if (!file || !file->named) {
		report->removed++;
		report->bytes += st.st_size;
		return unlinkat(folder, name, 0);
	}
	if (st.st_size <= file->length)
		return 0;
	fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	report->shortened++;
	report->bytes += st.st_size - file->length;
	result = ftruncate(fd, file->length);
	close(fd);
	return result;
}

static int cut(int folder, const struct synced_table *table, struct synced_report *report)
{
	DIR *dir = fdopendir(dup(folder));
	struct dirent *entry;
	int result = 0;

	if (!dir)
		return -1;
	undo_renames(folder, table, report);
	while (result == 0 && (entry = readdir(dir)))
		result = cut_file(folder, entry->d_name, table, report);
	closedir(dir);
	report->overwrites = table->overwrites;
	report->overflows = table->overflows;
	report->syncs = table->syncs;
	return result;
}

/* Also good: a table that was not yet given its size, which has not begun. */
static bool read_table(int fd, struct synced_table *table)
{
	ssize_t len;

	memset(table, 0, sizeof(*table));
	len = read(fd, table, sizeof(*table));
	return len == 0 || len == (ssize_t)sizeof(*table);
}

int synced_cut(const char *folder, const char *table, struct synced_report *report)
{
	struct synced_table *content = malloc(sizeof(*content));
	int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(table, O_RDONLY | O_CLOEXEC);
	int result = -1;

	memset(report, 0, sizeof(*report));
	/* A process killed before it began has no table or an unfinished one, which must not be taken to say that
	 * nothing was synced: it has changed nothing. */
	if (content && folder_fd >= 0 && fd < 0)
		result = 0;
	else if (content && folder_fd >= 0 && read_table(fd, content))
		result = content->begun ? cut(folder_fd, content, report) : 0;
	if (fd >= 0)
		close(fd);
	if (folder_fd >= 0)
		close(folder_fd);
	free(content);
	return result;
}
