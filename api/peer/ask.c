#include "api/peer/ask.h"

#include "api/peer/link.h"
#include "framework/unpack.h"

static HRESULT read_answer(const ProtobufCMessageDescriptor *type, const struct ponto_reply *reply,
			   ProtobufCMessage **out)
{
	int result = ponto_unpack(&ponto_alloc_system, type, ponto_bytes(reply->payload, reply->len), out);

	return result == PONTO_OK ? S_OK : result == PONTO_ENOMEM ? E_OUTOFMEMORY : E_UNEXPECTED;
}

HRESULT peer_ask(const struct peer_question *q, const ProtobufCMessage *request, unsigned timeout_ms, int cancel,
		 ProtobufCMessage **out)
{
	struct link_answer answer;
	HRESULT result = link_call(q->service, q->method, request, timeout_ms, cancel, &answer);

	if (FAILED(result))
		return result;
	result = q->tell(answer.reply.result);
	if (result == S_OK)
		result = read_answer(q->answer, &answer.reply, out);
	link_answer_clear(&answer);
	return result;
}
