#include "tests/api/peerdist_test.h"

#include <unistd.h>

void dist_await(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STATUS status)
{
	PEERDIST_STATUS now;

	API_AWAIT(PeerDistGetStatus(instance, &now) == ERROR_SUCCESS && now == status);
}

struct dist_world *dist_world_start(void)
{
	struct dist_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	api_daemon_init(&w->daemon);
	w->daemon.services = DIST;
	w->daemon.groups = HTTP;
	api_daemon_start(&w->daemon);
	assert_int_equal(PeerDistStartup(PEERDIST_VERSION, &w->instance, NULL), ERROR_SUCCESS);
	dist_await(w->instance, PEERDIST_STATUS_AVAILABLE);
	return w;
}

void dist_world_end(struct dist_world *w)
{
	if (w->instance)
		assert_int_equal(PeerDistShutdown(w->instance), ERROR_SUCCESS);
	api_daemon_clear(&w->daemon);
	free(w);
}

int dist_setup(void **state)
{
	*state = dist_world_start();
	return 0;
}

int dist_teardown(void **state)
{
	dist_world_end(*state);
	return 0;
}

DWORD dist_end(DWORD begun, OVERLAPPED *overlapped, DWORD *bytes)
{
	DWORD ignored;

	if (begun != ERROR_IO_PENDING)
		fail_msg("it began with %u", begun);
	return PeerDistGetOverlappedResult(overlapped, bytes ? bytes : &ignored, TRUE) ? ERROR_SUCCESS : GetLastError();
}

DWORD dist_add_to_stream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream, const void *data, DWORD size)
{
	OVERLAPPED o = {0};

	return dist_end(PeerDistServerPublishAddToStream(instance, stream, size, (PBYTE)(uintptr_t)data, &o), &o, NULL);
}

DWORD dist_complete_stream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream)
{
	OVERLAPPED o = {0};

	return dist_end(PeerDistServerPublishCompleteStream(instance, stream, &o), &o, NULL);
}

void dist_publish(PEERDIST_INSTANCE_HANDLE instance, const char *name, const void *data, size_t size)
{
	const PEERDIST_PUBLICATION_OPTIONS options = {PEERDIST_PUBLICATION_OPTIONS_VERSION_2, 0};
	PEERDIST_STREAM_HANDLE stream;

	assert_int_equal(PeerDistServerPublishStream(instance, (DWORD)strlen(name), (PBYTE)(uintptr_t)name, size,
						     &options, NULL, 0, &stream),
			 ERROR_SUCCESS);
	assert_int_equal(dist_add_to_stream(instance, stream, data, (DWORD)size), ERROR_SUCCESS);
	assert_int_equal(dist_complete_stream(instance, stream), ERROR_SUCCESS);
	assert_int_equal(PeerDistServerCloseStreamHandle(instance, stream), ERROR_SUCCESS);
}

BYTE *dist_info(PEERDIST_INSTANCE_HANDLE instance, const char *name, DWORD version, ULONGLONG start, ULONGLONG length,
		size_t *size)
{
	PEERDIST_RETRIEVAL_OPTIONS options = {sizeof(options), version, version, 0};
	BYTE *info = malloc(1 << 20);
	PEERDIST_CONTENTINFO_HANDLE handle;
	OVERLAPPED o = {0};
	DWORD bytes, error;

	*size = 0;
	assert_int_equal(PeerDistServerOpenContentInformationEx(instance, (DWORD)strlen(name), (PBYTE)(uintptr_t)name,
								start, length, &options, NULL, 0, &handle),
			 ERROR_SUCCESS);
	for (;;) {
		error = dist_end(PeerDistServerRetrieveContentInformation(instance, handle, 1000, info + *size, &o), &o,
				 &bytes);
		if (error == PEERDIST_ERROR_NO_MORE)
			break;
		assert_int_equal(error, ERROR_SUCCESS);
		assert_int_equal(o.Offset, *size);
		*size += bytes;
	}
	assert_int_equal(PeerDistServerCloseContentInformation(instance, handle), ERROR_SUCCESS);
	return info;
}

PEERDIST_CONTENT_HANDLE dist_open(PEERDIST_INSTANCE_HANDLE instance, BYTE tag, const BYTE *info, size_t size)
{
	PEERDIST_CONTENT_HANDLE content;
	PEERDIST_CONTENT_TAG tags;
	OVERLAPPED o = {0};
	DWORD bytes;

	memset(&tags, tag, sizeof(tags));
	assert_int_equal(PeerDistClientOpenContent(instance, &tags, NULL, 0, &content), ERROR_SUCCESS);
	assert_int_equal(
		dist_end(PeerDistClientAddContentInformation(instance, content, 100, (PBYTE)(uintptr_t)info, &o), &o,
			 &bytes),
		ERROR_SUCCESS);
	assert_int_equal(bytes, 100);
	assert_int_equal(dist_end(PeerDistClientAddContentInformation(instance, content, (DWORD)size - 100,
								      (PBYTE)(uintptr_t)info + 100, &o),
				  &o, NULL),
			 ERROR_SUCCESS);
	assert_int_equal(dist_end(PeerDistClientCompleteContentInformation(instance, content, &o), &o, NULL),
			 ERROR_SUCCESS);
	return content;
}

static void place(OVERLAPPED *o, ULONGLONG offset)
{
	*o = (OVERLAPPED){0};
	o->Offset = (DWORD)offset;
	o->OffsetHigh = (DWORD)(offset >> 32);
}

DWORD dist_add_data(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, ULONGLONG offset,
		    const void *data, DWORD size)
{
	OVERLAPPED o;

	place(&o, offset);
	return dist_end(PeerDistClientAddData(instance, content, size, (PBYTE)(uintptr_t)data, &o), &o, NULL);
}

DWORD dist_read(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, ULONGLONG *offset, void *data,
		DWORD size, DWORD timeout, DWORD *bytes)
{
	OVERLAPPED o;
	DWORD error;

	place(&o, *offset);
	error = dist_end(PeerDistClientBlockRead(instance, content, size, data, timeout, &o), &o, bytes);
	*offset = (ULONGLONG)o.OffsetHigh << 32 | o.Offset;
	return error;
}

BYTE *dist_bytes(size_t size)
{
	BYTE *data = malloc(size + 8);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (BYTE)(i % 251 + i / 4096);
	return data;
}
