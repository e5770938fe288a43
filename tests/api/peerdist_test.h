/* Tests of peerdist.h: a daemon with service-dist, and what most cases do. */
#ifndef PONTO_TESTS_API_PEERDIST_TEST_H
#define PONTO_TESTS_API_PEERDIST_TEST_H

#include <peerdist.h>

#include "tests/api/api_daemon.h"

#define DIST "dist = { plugin = \"service-dist\"; retrieval = \"\"; };"
#define HTTP "http = { web = { plugin = \"http-mhd\"; }; };"

struct dist_world {
	struct api_daemon daemon;
	PEERDIST_INSTANCE_HANDLE instance;
};

/* A daemon that is ready, and an instance. */
struct dist_world *dist_world_start(void);
void dist_world_end(struct dist_world *w);
int dist_setup(void **state);
int dist_teardown(void **state);

/* Waits until the service has that status. */
void dist_await(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STATUS status);

/* What an operation ended with, that a function began. bytes may be NULL. */
DWORD dist_end(DWORD begun, OVERLAPPED *overlapped, DWORD *bytes);

/* The same of functions that are waited for. */
DWORD dist_add_to_stream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream, const void *data,
			 DWORD size);
DWORD dist_complete_stream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream);

/* All of it, under that name; the stream is closed. */
void dist_publish(PEERDIST_INSTANCE_HANDLE instance, const char *name, const void *data, size_t size);

/* Content Information of it in that version. gives */
BYTE *dist_info(PEERDIST_INSTANCE_HANDLE instance, const char *name, DWORD version, ULONGLONG start, ULONGLONG length,
		size_t *size);

/* A content described by these bytes; the tag is 16 of one. */
PEERDIST_CONTENT_HANDLE dist_open(PEERDIST_INSTANCE_HANDLE instance, BYTE tag, const BYTE *info, size_t size);
DWORD dist_add_data(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, ULONGLONG offset,
		    const void *data, DWORD size);
DWORD dist_read(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, ULONGLONG *offset, void *data,
		DWORD size, DWORD timeout, DWORD *bytes);

/* Bytes of which no two blocks are equal. gives */
BYTE *dist_bytes(size_t size);

#endif
