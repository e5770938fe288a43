#include "tests/api/played_link.h"

#include <stdlib.h>
#include <string.h>

/* ---- the allocator of libfailing.la (failing_memory.h): it refuses nothing ------------------------------- */

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *block, size_t size);
char *failing_strdup(const char *text);

void *failing_malloc(size_t size)
{
	return malloc(size);
}

void *failing_calloc(size_t count, size_t size)
{
	return calloc(count, size);
}

void *failing_realloc(void *block, size_t size)
{
	return realloc(block, size);
}

char *failing_strdup(const char *text)
{
	return strdup(text);
}

static void *allocate(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void *resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	return realloc(block, size);
}

static void release(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

const struct ponto_alloc failing_alloc_system = {allocate, resize, release, NULL};

/* ---- the functions of link.h, put in their place by the linker --------------------------------------------- */

static HRESULT answer(const char *service, const char *method, const ProtobufCMessage *request, struct ponto_reply *out)
{
	if (!protobuf_c_message_check(request))
		abort();
	memset(out, 0, sizeof(*out));
	return played_answer(service, method, out);
}

HRESULT __wrap_link_call(const char *service, const char *method, const ProtobufCMessage *request, unsigned timeout_ms,
			 int cancel, struct link_answer *out);
HRESULT __wrap_link_call(const char *service, const char *method, const ProtobufCMessage *request, unsigned timeout_ms,
			 int cancel, struct link_answer *out)
{
	(void)timeout_ms;
	(void)cancel;
	return answer(service, method, request, &out->reply);
}

void __wrap_link_answer_clear(struct link_answer *it);
void __wrap_link_answer_clear(struct link_answer *it)
{
	free(it->reply.payload);
}

HRESULT __wrap_link_client(bool tell_reconnect, struct ponto_client **out);
HRESULT __wrap_link_client(bool tell_reconnect, struct ponto_client **out)
{
	struct ponto_client_setup setup = {.endpoint = "ipc:///nowhere", .alloc = &failing_alloc_system};

	(void)tell_reconnect;
	return ponto_client_create(&setup, out) == PONTO_OK ? S_OK : E_OUTOFMEMORY;
}

HRESULT __wrap_link_call_over(struct ponto_client *client, const char *service, const char *method,
			      const ProtobufCMessage *request, unsigned timeout_ms, struct ponto_reply *out);
HRESULT __wrap_link_call_over(struct ponto_client *client, const char *service, const char *method,
			      const ProtobufCMessage *request, unsigned timeout_ms, struct ponto_reply *out)
{
	(void)client;
	(void)timeout_ms;
	return answer(service, method, request, out);
}

HRESULT __wrap_link_use(void);
HRESULT __wrap_link_use(void)
{
	return S_OK;
}

void __wrap_link_drop(void);
void __wrap_link_drop(void)
{
}
