/* Ponto tests: what a disk would still hold after the power failed.
 *
 * A process killed with SIGKILL loses nothing, for the page cache survives it. So a preloaded library
 * (synced_length.c) notes in a mapped file how much of each file in one folder was synced, and which names; after the
 * kill synced_cut() takes away the rest. The library counts the moments at which that can make a difference: while it
 * starts, and before, between and after the parts of each file call. At the one it is told it kills the process, so
 * that how often each moment is met does not depend on how fast the machine is. What is taken for lost, and what not:
 *
 *   data beyond the length at the last fsync or fdatasync is lost; sync_file_range does not count;
 *   a file whose folder was not synced since it was made is lost, whatever was synced of its data;
 *   a rename whose folder was not synced since is undone: the old file comes back under its name;
 *   an unlink and a shortening are done at once, the harsher of the two outcomes POSIX allows, also when an earlier
 *   rename is undone: without a sync POSIX orders no two changes of a folder, though journalling file systems do;
 *   overwriting synced data cannot be undone: it is counted, and the test must see none.
 *
 * The library does not really sync: nothing needs it, and the rounds are quick. It follows one folder, not its
 * subfolders. */
#ifndef PONTO_TESTS_SUPPORT_SYNCED_LENGTH_H
#define PONTO_TESTS_SUPPORT_SYNCED_LENGTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SYNCED_ENV_FOLDER "PONTO_SYNCED_FOLDER" /* absolute, must exist when the process starts */
#define SYNCED_ENV_TABLE "PONTO_SYNCED_TABLE"	/* file to be made */
#define SYNCED_ENV_MOMENT "PONTO_SYNCED_MOMENT" /* when to kill the process, from 1; unset or 0: never */
#define SYNCED_FILES 4096
#define SYNCED_RENAMES 64

struct synced_file {
	uint64_t inode; /* 0: unused */
	int64_t length; /* synced */
	bool named;	/* its folder was synced since it was made */
};

struct synced_rename {
	bool open;	/* done or being done, and its folder not synced since */
	char from[256]; /* names within the folder */
	char to[256];
	char saved[64]; /* what `to` was before; "" when there was none */
};

struct synced_table {
	bool begun; /* the files found at the start are all noted; before that, nothing in the folder was changed */
	struct synced_file files[SYNCED_FILES];
	struct synced_rename renames[SYNCED_RENAMES];
	uint32_t rename_count;
	uint32_t overwrites;
	uint32_t overflows; /* the table was too small: nothing can be said */
	uint32_t syncs;
};

/* What a cut did. */
struct synced_report {
	unsigned shortened, removed, unrenamed;
	int64_t bytes;
	uint32_t overwrites, overflows, syncs;
};

/* Leaves in folder what was synced. 0, or -1 with errno. */
int synced_cut(const char *folder, const char *table, struct synced_report *report);

#endif
