/* What a service says in Protocol Buffers: answers, refusals, events. On the service's own thread. Not installed. */
#ifndef PONTO_ANSWER_H
#define PONTO_ANSWER_H

#include "framework/arena.h"
#include "framework/service.h"
#include "framework/unpack.h"

/* Packs message and answers, with PONTO_ENOMEM when there is no memory to pack it. takes call, borrows message */
void ponto_answer(const struct ponto_alloc *alloc, struct ponto_call *call, const ProtobufCMessage *message);

/* The same of a message made from arena, which is cleared; PONTO_ENOMEM if that failed. takes call */
void ponto_answer_made(struct ponto_arena *arena, struct ponto_call *call, const ProtobufCMessage *message);

/* Answers with an error and one line; format NULL: what ponto_strerror says. takes call */
void ponto_refuse(struct ponto_call *call, int result, const char *format, ...) PONTO_PRINTF(3, 4);

/* Publishes message as an event of that topic; lost when there is no memory. */
void ponto_announce(const struct ponto_env *env, const char *topic, const ProtobufCMessage *message);

#endif
