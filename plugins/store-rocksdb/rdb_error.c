#include "plugins/store-rocksdb/rdb_error.h"

#include <string.h>

int rdb_result(const char *error)
{
	static const struct {
		const char *part;
		int result;
	} texts[] = {
		/* The lock file's own message ends with the system's text, so it goes first. */
		{"While lock file", PONTO_ELOCKED},	   {"lock hold by current process", PONTO_ELOCKED},
		{"Corruption: ", PONTO_ECORRUPT},	   {"Result incomplete: ", PONTO_EBUSY},
		{"No space left on device", PONTO_ENOSPC}, {"Disk quota exceeded", PONTO_ENOSPC},
		{"Permission denied", PONTO_EACCES},	   {"Read-only file system", PONTO_EACCES},
		{"Operation not permitted", PONTO_EACCES}, {"Shutdown in progress", PONTO_ECLOSED},
	};

	if (!error)
		return PONTO_OK;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++) {
		if (strstr(error, texts[i].part))
			return texts[i].result;
	}
	return PONTO_EIO;
}
