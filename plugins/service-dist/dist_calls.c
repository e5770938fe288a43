/* What a client of the bus may ask, and who answers. */
#include <string.h>

#include "plugins/service-dist/dist.h"

static const struct method {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	dist_call_fn *run;
} methods[] = {
	{"Publish", &ponto__dist__v1__publish_request__descriptor, dist_call_publish},
	{"Unpublish", &ponto__dist__v1__unpublish_request__descriptor, dist_call_unpublish},
	{"Published", &ponto__dist__v1__published_request__descriptor, dist_call_published},
	{"Secret", &ponto__dist__v1__secret_request__descriptor, dist_call_secret},
	{"Fetch", &ponto__dist__v1__fetch_request__descriptor, dist_call_fetch},
	{"Information", &ponto__dist__v1__information_request__descriptor, dist_call_information},
	{"Read", &ponto__dist__v1__read_request__descriptor, dist_call_read},
	{"Cancel", &ponto__dist__v1__cancel_request__descriptor, dist_call_cancel},
	{"Segments", &ponto__dist__v1__segments_request__descriptor, dist_call_segments},
	{"Stats", &ponto__dist__v1__stats_request__descriptor, dist_call_stats},
	{"Top", &ponto__dist__v1__top_request__descriptor, dist_call_top},
	{"Clear", &ponto__dist__v1__clear_request__descriptor, dist_call_clear},
	{"Verify", &ponto__dist__v1__verify_request__descriptor, dist_call_verify},
	{"Export", &ponto__dist__v1__export_request__descriptor, dist_call_export},
	{"Import", &ponto__dist__v1__import_request__descriptor, dist_call_import},
	{"State", &ponto__dist__v1__state_request__descriptor, dist_api_call_state},
	{"OpenStream", &ponto__dist__v1__open_stream_request__descriptor, dist_api_call_open_stream},
	{"AddToStream", &ponto__dist__v1__add_to_stream_request__descriptor, dist_api_call_add_to_stream},
	{"CompleteStream", &ponto__dist__v1__complete_stream_request__descriptor, dist_api_call_complete_stream},
	{"Withdraw", &ponto__dist__v1__withdraw_request__descriptor, dist_api_call_withdraw},
	{"OpenInfo", &ponto__dist__v1__open_info_request__descriptor, dist_api_call_open_info},
	{"RetrieveInfo", &ponto__dist__v1__retrieve_info_request__descriptor, dist_api_call_retrieve_info},
	{"OpenContent", &ponto__dist__v1__open_content_request__descriptor, dist_api_call_open_content},
	{"Describe", &ponto__dist__v1__describe_request__descriptor, dist_api_call_describe},
	{"Described", &ponto__dist__v1__described_request__descriptor, dist_api_call_described},
	{"ReadContent", &ponto__dist__v1__read_content_request__descriptor, dist_api_call_read_content},
	{"AddData", &ponto__dist__v1__add_data_request__descriptor, dist_api_call_add_data},
	{"Flush", &ponto__dist__v1__flush_request__descriptor, dist_api_call_flush},
	{"Inquire", &ponto__dist__v1__inquire_request__descriptor, dist_api_call_inquire},
	{"Stop", &ponto__dist__v1__stop_request__descriptor, dist_api_call_stop},
	{"Close", &ponto__dist__v1__close_request__descriptor, dist_api_call_close},
	{"EndInstance", &ponto__dist__v1__end_instance_request__descriptor, dist_api_call_end_instance},
};

static void run(struct dist *dist, struct ponto_call *call, const struct method *method)
{
	ProtobufCMessage *request = NULL;
	int result = ponto_unpack(dist->env->alloc, method->request, call->payload, &request);

	if (result)
		ponto_refuse(call, result, result == PONTO_EPROTO ? "the request cannot be read" : NULL);
	else
		method->run(dist, call, request);
	ponto_unpacked_free(dist->env->alloc, request);
}

void dist_take_call(struct dist *dist, struct ponto_call *call)
{
	if (dist->stopped) {
		ponto_refuse(call, PONTO_ECLOSED, "the node is stopping");
		return;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, call->method) == 0) {
			run(dist, call, &methods[i]);
			return;
		}
	}
	ponto_refuse(call, PONTO_ENOENT, "%s has no method '%s'", dist->env->instance, call->method);
}
