/* The clouds of an instance: one, or with scope "all" the wide one and one for each link; and which of them a call is
 * for. */
#include <stdio.h>
#include <string.h>

#include "framework/unpack.h"
#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.clouds"
#define CLOUDS_MAX 64
#define LOOK_INTERVAL (5 * PONTO_SECOND) /* for links that came or went */
#define ALL "all"

struct svc_clouds {
	const struct ponto_env *env;
	const struct ponto_conf *conf;
	struct svc *clouds[CLOUDS_MAX]; /* the first open one is meant when none is named */
	size_t count;
	struct svc *gone[CLOUDS_MAX]; /* their links went away; they are ending */
	size_t gone_count;
	struct ponto_timer *timer; /* looks for links; NULL: they do not change */
	bool full;		   /* said so already */
	ponto_loop_fn *stopped;	   /* set: stopping */
	void *stopped_arg;
};

/* ---- links ----------------------------------------------------------------------- */

static int add(struct svc_clouds *c, unsigned scopes, uint32_t link)
{
	int result;

	if (c->count == CLOUDS_MAX)
		return PONTO_ELIMIT;
	result = svc_new(c->env, scopes, link, &c->clouds[c->count]);
	if (result == PONTO_OK)
		c->clouds[c->count++]->owner = c;
	return result;
}

/* One that cannot be opened stays without, so that it is tried, and told, once. */
static void add_link(struct svc_clouds *c, uint32_t link)
{
	int result = add(c, 1u << PONTO_SCOPE_LINK, link);

	if (result == PONTO_OK) {
		c->full = false;
		if (svc_begin(c->clouds[c->count - 1]) != PONTO_OK)
			ponto_warning(c->env->log, TOPIC, "interface %u has no cloud", link);
	} else if (!c->full) {
		c->full = true;
		ponto_warning(c->env->log, TOPIC, "interface %u gets no cloud: %s", link, ponto_strerror(result));
	}
}

static void check_stopped(struct svc_clouds *c)
{
	ponto_loop_fn *done = c->stopped;

	for (size_t i = 0; i < c->count; i++) {
		if (!c->clouds[i]->ended)
			return;
	}
	for (size_t i = 0; i < c->gone_count; i++) {
		if (!c->gone[i]->ended)
			return;
	}
	if (!done)
		return;
	c->stopped = NULL;
	done(c->stopped_arg);
}

static void ended(void *arg)
{
	struct svc *svc = arg;

	svc->ended = true;
	check_stopped(svc->owner);
}

static void remove_cloud(struct svc_clouds *c, size_t index)
{
	struct svc *svc = c->clouds[index];

	if (c->gone_count == CLOUDS_MAX)
		return; /* at the next look */
	ponto_info(c->env->log, "service.pnrp.cloud", "%s: its interface is gone", svc->cloud);
	c->count--;
	memmove(&c->clouds[index], &c->clouds[index + 1], (c->count - index) * sizeof(c->clouds[0]));
	c->gone[c->gone_count++] = svc;
	svc_end(svc, ended, svc);
}

static void free_gone(struct svc_clouds *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->gone_count; i++) {
		if (c->gone[i]->ended)
			svc_free(c->gone[i]);
		else
			c->gone[kept++] = c->gone[i];
	}
	c->gone_count = kept;
}

static bool has_link(const uint32_t *links, size_t count, uint32_t link)
{
	while (count > 0 && links[count - 1] != link)
		count--;
	return count > 0;
}

/* A link that is only away for a moment keeps its cloud when names wait there for its return. */
static void look(struct svc_clouds *c)
{
	struct ponto_iface transport;
	uint32_t links[CLOUDS_MAX];
	size_t count, known;

	free_gone(c);
	if (ponto_env_find(c->env, PONTO_KIND_TRANSPORT, ponto_conf_string(c->conf, "transport"), &transport) !=
		    PONTO_OK ||
	    ponto_datagrams_zones(
		    (struct ponto_transport){(const struct ponto_transport_ops *)transport.ops, transport.self, NULL},
		    PONTO_SCOPE_LINK, links, CLOUDS_MAX, &count) != PONTO_OK)
		return;
	count = count < CLOUDS_MAX ? count : CLOUDS_MAX;
	for (size_t i = c->count; i-- > 0;) {
		const struct svc *svc = c->clouds[i];

		if (svc->link && !has_link(links, count, svc->link) && !svc->names && !svc->queries)
			remove_cloud(c, i);
	}
	for (size_t i = 0; i < count; i++) {
		for (known = 0; known < c->count && c->clouds[known]->link != links[i];)
			known++;
		if (known == c->count)
			add_link(c, links[i]);
	}
}

static void on_timer(void *arg)
{
	struct svc_clouds *c = arg;

	look(c);
	ponto_timer_set(c->env->loop, c->timer, ponto_loop_now(c->env->loop) + LOOK_INTERVAL);
}

/* ---- life -------------------------------------------------------------------------- */

static unsigned first_scopes(const struct ponto_conf *conf)
{
	const char *wanted = ponto_conf_string(conf, "scope");

	if (strcmp(wanted, ALL) == 0)
		return 1u << PONTO_SCOPE_GLOBAL | 1u << PONTO_SCOPE_SITE;
	for (unsigned scope = PONTO_SCOPE_LOOPBACK; scope <= PONTO_SCOPE_GLOBAL; scope++) {
		if (strcmp(wanted, ponto_scope_name((enum ponto_scope)scope)) == 0)
			return 1u << scope;
	}
	return SVC_ANY_SCOPE;
}

static void destroy(void *self)
{
	struct svc_clouds *c = self;

	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		svc_free(c->clouds[i]);
	for (size_t i = 0; i < c->gone_count; i++)
		svc_free(c->gone[i]);
	ponto_timer_destroy(c->env->loop, c->timer);
	ponto_free(c->env->alloc, c);
}

static int create(const struct ponto_env *env, void **self)
{
	struct svc_clouds *c = ponto_new(env->alloc, 1, sizeof(*c));
	int result;

	if (!c)
		return PONTO_ENOMEM;
	c->env = env;
	c->conf = env->conf;
	result = add(c, first_scopes(env->conf), 0);
	if (result != PONTO_OK) {
		destroy(c);
		return result;
	}
	*self = c;
	return PONTO_OK;
}

static bool any_open(const struct svc_clouds *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->clouds[i]->engine)
			return true;
	}
	return false;
}

/* On a machine without any network there is still the loopback cloud. */
static int begin_all(struct svc_clouds *c)
{
	int result = ponto_timer_create(c->env->loop, on_timer, c, &c->timer);

	if (result != PONTO_OK)
		return result;
	on_timer(c);
	if (any_open(c))
		return PONTO_OK;
	result = add(c, 1u << PONTO_SCOPE_LOOPBACK, 0);
	return result == PONTO_OK ? svc_begin(c->clouds[c->count - 1]) : result;
}

static int start(void *self)
{
	struct svc_clouds *c = self;
	int result;

	if (ponto_conf_bool(c->conf, "disabled"))
		return PONTO_OK;
	result = svc_begin(c->clouds[0]);
	if (result == PONTO_OK && strcmp(ponto_conf_string(c->conf, "scope"), ALL) == 0)
		result = begin_all(c);
	return result;
}

static void client_gone(void *self, uint64_t client)
{
	struct svc_clouds *c = self;

	for (size_t i = 0; i < c->count; i++) {
		svc_resolve_client_gone(c->clouds[i], client);
		svc_name_client_gone(c->clouds[i], client);
		svc_pump(c->clouds[i]);
	}
}

static int reload(void *self, const struct ponto_conf *conf)
{
	struct svc_clouds *c = self;

	c->conf = conf;
	for (size_t i = 0; i < c->count; i++)
		c->clouds[i]->conf = conf;
	for (size_t i = 0; i < c->gone_count; i++)
		c->gone[i]->conf = conf;
	return PONTO_OK;
}

static void stop(void *self, ponto_loop_fn *done, void *arg)
{
	struct svc_clouds *c = self;

	c->stopped = done;
	c->stopped_arg = arg;
	if (c->timer)
		ponto_timer_set(c->env->loop, c->timer, PONTO_NEVER);
	for (size_t i = 0; i < c->count; i++)
		svc_end(c->clouds[i], ended, c->clouds[i]);
}

/* ---- calls ---------------------------------------------------------------------------- */

/* The names of the open clouds, for messages. */
static const char *open_names(const struct svc_clouds *c, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->count && used < size; i++) {
		if (c->clouds[i]->engine)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 c->clouds[i]->cloud);
	}
	return out;
}

/* The cloud that is meant; NULL: the call was refused. */
static struct svc *choose(const struct svc_clouds *c, struct ponto_call *call, const char *cloud)
{
	char names[512];

	if (ponto_conf_bool(c->conf, "disabled")) {
		ponto_refuse(call, PONTO_EACCES, "the cloud is disabled by the configuration");
		return NULL;
	}
	for (size_t i = 0; i < c->count; i++) {
		struct svc *svc = c->clouds[i];

		if (svc->engine && (!cloud || !*cloud || strcmp(cloud, svc->cloud) == 0))
			return svc;
	}
	if (any_open(c))
		ponto_refuse(call, PONTO_ENOENT, "no cloud '%s' (open: %s)", cloud, open_names(c, names, sizeof(names)));
	else
		ponto_refuse(call, PONTO_EUNREACH, "the cloud is not open: no address of scope '%s'",
			   ponto_conf_string(c->conf, "scope"));
	return NULL;
}

static void call_clouds(struct svc_clouds *c, struct ponto_call *call)
{
	Ponto__Pnrp__V1__CloudsReply reply = PONTO__PNRP__V1__CLOUDS_REPLY__INIT;
	struct ponto_arena arena = {.alloc = c->env->alloc};
	bool disabled = ponto_conf_bool(c->conf, "disabled");

	reply.cloud = ponto_arena_take(&arena, c->count, sizeof(*reply.cloud));
	for (size_t i = 0; i < c->count && !arena.failed; i++) {
		Ponto__Pnrp__V1__CloudInfo *info;

		if (!c->clouds[i]->engine && !disabled)
			continue;
		info = ponto_arena_take(&arena, 1, sizeof(*info));
		if (!info)
			break;
		if (disabled)
			svc_fill_disabled(c->clouds[i], info);
		else
			svc_fill_cloud(c->clouds[i], &arena, info);
		reply.cloud[reply.n_cloud++] = info;
	}
	ponto_answer_made(&arena, call, &reply.base);
}

/* The names of the cloud that is named, else of all. */
static void call_names(struct svc_clouds *c, struct ponto_call *call, const char *cloud)
{
	Ponto__Pnrp__V1__NamesReply reply = PONTO__PNRP__V1__NAMES_REPLY__INIT;
	struct ponto_arena arena = {.alloc = c->env->alloc};
	struct svc *only = choose(c, call, cloud);
	size_t count = 0;

	if (!only)
		return;
	for (size_t i = 0; i < c->count; i++)
		count += svc_name_count(c->clouds[i]);
	reply.name = ponto_arena_take(&arena, count, sizeof(*reply.name));
	for (size_t i = 0; i < c->count && !arena.failed; i++) {
		if (!cloud || !*cloud || c->clouds[i] == only)
			svc_name_list(c->clouds[i], &arena, call, &reply);
	}
	ponto_answer_made(&arena, call, &reply.base);
}

static const struct method {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	void (*run)(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request); /* takes request */
} methods[] = {
	{"Cloud", &ponto__pnrp__v1__cloud_request__descriptor, svc_call_cloud},
	{"Peers", &ponto__pnrp__v1__peers_request__descriptor, svc_call_peers},
	{"Register", &ponto__pnrp__v1__register_request__descriptor, svc_name_register},
	{"Unregister", &ponto__pnrp__v1__unregister_request__descriptor, svc_name_unregister},
	{"Resolve", &ponto__pnrp__v1__resolve_request__descriptor, svc_resolve},
	{"Names", &ponto__pnrp__v1__names_request__descriptor, NULL},
};

/* Every request may name a cloud. */
static const char *cloud_of(const ProtobufCMessage *request)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "cloud");
	const char *cloud;

	memcpy(&cloud, (const char *)request + field->offset, sizeof(cloud));
	return cloud;
}

static void run(struct svc_clouds *c, struct ponto_call *call, const struct method *method)
{
	ProtobufCMessage *request = NULL;
	struct svc *svc = NULL;
	int result = ponto_unpack(&ponto_alloc_system, method->request, call->payload, &request);

	if (result)
		ponto_refuse(call, result, result == PONTO_EPROTO ? "the request cannot be read" : NULL);
	else if (!method->run)
		call_names(c, call, cloud_of(request));
	else
		svc = choose(c, call, cloud_of(request));
	if (svc)
		method->run(svc, call, request);
	else
		protobuf_c_message_free_unpacked(request, NULL);
}

static void take_call(void *self, struct ponto_call *call)
{
	struct svc_clouds *c = self;

	if (c->stopped) {
		ponto_refuse(call, PONTO_ECLOSED, "the node is stopping");
		return;
	}
	if (strcmp(call->method, "Clouds") == 0) {
		call_clouds(c, call);
		return;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, call->method) == 0) {
			run(c, call, &methods[i]);
			return;
		}
	}
	ponto_refuse(call, PONTO_ENOENT, "%s has no method '%s'", c->env->instance, call->method);
}

const struct ponto_service_ops svc_clouds_ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(struct ponto_service_ops)},
	.create = create,
	.start = start,
	.call = take_call,
	.client_gone = client_gone,
	.reload = reload,
	.stop = stop,
	.destroy = destroy,
};
