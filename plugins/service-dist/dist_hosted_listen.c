/* Offers of version 1.0: over HTTPS, and, with a keytab, by clients that authenticate ([MS-PCHC] 2.1). */
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "plugins/service-dist/dist_gss.h"
#include "plugins/service-dist/dist_hosted.h"
#include "plugins/service-dist/dist_http.h"

#define TOPIC "service.dist.hosted"
#define DAY (24 * 3600)

struct dist_hosted_listen {
	struct dist *dist;
	struct dist_hosted *hosted;
	struct ponto_http_listener *listener;
	struct dist_gss *gss; /* NULL: anybody may offer */
	unsigned jobs;
	struct ponto_counter *refused;
	const char *certificate; /* its file */
	int64_t first, last;	 /* seconds since 1970 between which it counts */
	struct ponto_timer *look;
};

/* A request whose client is being looked at, on a worker. */
struct asking {
	struct dist_hosted_listen *listen;
	struct ponto_http_request *request; /* NULL: its client left */
	uint8_t *token;
	size_t len;
	char *reply;
	int result;
};

static void refuse(struct dist_hosted_listen *listen, struct ponto_http_request *request)
{
	ponto_counter_add(listen->refused, 1);
	dist_hosted_answer(listen->hosted, listen->listener, request, 401, CONTENT_OFFER_OK, "Negotiate");
}

static void run(void *arg)
{
	struct asking *a = arg;

	a->result = dist_gss_accept(a->listen->gss, ponto_bytes(a->token, a->len), &a->reply);
}

static void done(void *arg)
{
	struct asking *a = arg;
	struct dist_hosted_listen *listen = a->listen;
	struct dist *dist = listen->dist;
	struct ponto_http_request *request = listen->listener ? a->request : NULL;

	listen->jobs--;
	if (request) {
		request->user = NULL;
		if (a->result == PONTO_OK)
			dist_hosted_take(listen->hosted, 1, listen->listener, request, a->reply);
		else
			refuse(listen, request);
	}
	ponto_wipe(a->token, a->len);
	ponto_free(dist->env->alloc, a->token);
	ponto_free(dist->env->alloc, a->reply);
	ponto_free(dist->env->alloc, a);
	dist_check_stopped(dist);
}

/* Keytabs are files, and tickets take time: not on the loop. */
static void look_at(struct dist_hosted_listen *listen, struct ponto_http_request *request)
{
	const struct ponto_alloc *alloc = listen->dist->env->alloc;
	const char *header = ponto_http_find(request->headers, request->header_count, "Authorization");
	struct asking *a = header ? ponto_new(alloc, 1, sizeof(*a)) : NULL;

	if (!a || dist_gss_token(alloc, header, &a->token, &a->len) != PONTO_OK) {
		ponto_free(alloc, a);
		refuse(listen, request);
		return;
	}
	a->listen = listen;
	a->request = request;
	request->user = a;
	listen->jobs++;
	if (ponto_pool_submit(listen->dist->pool, listen->dist->env->loop, run, done, a) == PONTO_OK)
		return;
	a->result = PONTO_EBUSY;
	done(a);
}

static void on_request(void *arg, struct ponto_http_request *request)
{
	struct dist_hosted_listen *listen = arg;
	char path[DIST_PATH_MAX];

	if (dist_path(request->target, path) != PONTO_OK || content_offer_path(path) != 1)
		dist_hosted_answer(listen->hosted, listen->listener, request, 404, CONTENT_OFFER_OK, NULL);
	else if (strcmp(request->method, "POST") != 0)
		dist_hosted_answer(listen->hosted, listen->listener, request, 405, CONTENT_OFFER_OK, NULL);
	else if (listen->gss)
		look_at(listen, request);
	else
		dist_hosted_take(listen->hosted, 1, listen->listener, request, NULL);
}

static void on_gone(void *arg, struct ponto_http_request *request)
{
	struct asking *a = request->user;

	(void)arg;
	if (a)
		a->request = NULL;
}

static int open_keytab(struct dist_hosted_listen *listen)
{
	const char *keytab = ponto_conf_string(listen->dist->conf, "hosted_keytab");
	char why[DIST_GSS_WHY] = "no memory";
	int result;

	if (!*keytab)
		return PONTO_OK;
	result = dist_gss_open(listen->dist->env->alloc, keytab, why, &listen->gss);
	if (result != PONTO_OK)
		ponto_error(listen->dist->env->log, TOPIC, "no client can authenticate by %s: %s", keytab, why);
	return result;
}

static int begin(struct dist_hosted_listen *listen, const struct ponto_http_listen *setup)
{
	static const struct ponto_http_events events = {.request = on_request, .gone = on_gone};
	struct dist *dist = listen->dist;
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr bound;
	int result = open_keytab(listen);

	if (result != PONTO_OK)
		return result;
	result = ponto_http_listen(dist->http, dist->env->loop, setup, &events, listen, &listen->listener);
	if (result != PONTO_OK) {
		ponto_error(dist->env->log, TOPIC, "no offers over HTTPS on %s: %s",
			    ponto_conf_string(dist->conf, "hosted_listen"), ponto_strerror(result));
		return result;
	}
	ponto_http_local(dist->http, listen->listener, &bound);
	ponto_addr_format(&bound, text);
	ponto_info(dist->env->log, TOPIC, "offers of version 1.0 are taken on %s%s", text,
		   listen->gss ? ", of clients that authenticate" : "");
	return PONTO_OK;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
	struct tm parts;

	if (!ASN1_TIME_to_tm(time, &parts))
		return false;
	*out = timegm(&parts);
	return true;
}

/* When the certificate counts, as the file said that the listener has read. */
static bool read_validity(struct dist_hosted_listen *listen)
{
	BIO *file = BIO_new_file(listen->certificate, "r");
	X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
	bool read = certificate && seconds_of(X509_get0_notBefore(certificate), &listen->first) &&
		    seconds_of(X509_get0_notAfter(certificate), &listen->last);

	X509_free(certificate);
	BIO_free(file);
	ERR_clear_error();
	return read;
}

/* Clients refuse one that is over: whoever put it there is told, for they tell nobody here. Once a day, for the clock may
 * be set meanwhile. */
static void look_at_certificate(void *arg)
{
	struct dist_hosted_listen *listen = arg;
	const struct dist *dist = listen->dist;
	int64_t now = (int64_t)(ponto_wall(dist->env->clock) / PONTO_SECOND), next = DAY;

	if (now < listen->first || now > listen->last)
		ponto_warning(dist->env->log, TOPIC,
			      "certificate %s is not valid now: clients will not offer over HTTPS",
			      listen->certificate);
	else if (listen->last - now < DAY)
		next = listen->last - now + 1;
	ponto_timer_set(dist->env->loop, listen->look, ponto_loop_now(dist->env->loop) + (uint64_t)next * PONTO_SECOND);
}

/* The listener has judged the file; one of a simulation takes any. */
static int watch_certificate(struct dist_hosted_listen *listen)
{
	const struct ponto_env *env = listen->dist->env;
	int result;

	if (!read_validity(listen)) {
		ponto_warning(env->log, TOPIC, "certificate %s has no dates that can be read: its end will not be told",
			      listen->certificate);
		return PONTO_OK;
	}
	ponto_gauge_set(ponto_gauge(env->metrics, "dist_hosted_certificate_end_seconds", env->instance,
				    "when the certificate for offers over HTTPS ends, in seconds since 1970"),
			listen->last);
	result = ponto_timer_create(env->loop, look_at_certificate, listen, &listen->look);
	if (result == PONTO_OK)
		look_at_certificate(listen);
	return result;
}

/* Without a certificate there is no HTTPS, and so no version 1.0 (3.1.3). */
int dist_hosted_listen_open(struct dist *dist, struct dist_hosted *hosted, struct dist_hosted_listen **out)
{
	const char *certificate = ponto_conf_string(dist->conf, "hosted_certificate"),
		   *key = ponto_conf_string(dist->conf, "hosted_key"),
		   *text = ponto_conf_string(dist->conf, "hosted_listen");
	struct ponto_http_listen setup = {
		.body_limit = CONTENT_OFFER_MAX, .certificate_file = certificate, .key_file = key};
	struct dist_hosted_listen *listen;
	int result;

	if (!*certificate && !*key && !*ponto_conf_string(dist->conf, "hosted_keytab")) {
		ponto_info(dist->env->log, TOPIC, "no certificate: offers of version 2.0 alone are taken");
		return PONTO_OK;
	}
	if (!*certificate || !*key || ponto_addr_parse(text, 0, &setup.local) != PONTO_OK) {
		ponto_error(dist->env->log, TOPIC,
			    "offers of version 1.0 need 'hosted_certificate', 'hosted_key' and 'hosted_listen'");
		return PONTO_ECONF;
	}
	listen = ponto_new(dist->env->alloc, 1, sizeof(*listen));
	if (!listen)
		return PONTO_ENOMEM;
	listen->dist = dist;
	listen->hosted = hosted;
	listen->certificate = certificate;
	listen->refused = ponto_counter(dist->env->metrics, "dist_hosted_unauthorized_total", dist->env->instance,
					"offers of clients that did not authenticate");
	result = begin(listen, &setup);
	if (result == PONTO_OK)
		result = watch_certificate(listen);
	if (result != PONTO_OK) {
		dist_hosted_listen_close(listen);
		return result;
	}
	*out = listen;
	return PONTO_OK;
}

/* No request comes any more; those that are looked at are waited for. */
void dist_hosted_listen_stop(struct dist_hosted_listen *listen)
{
	struct ponto_http_listener *listener;

	if (!listen)
		return;
	listener = listen->listener;
	listen->listener = NULL;
	ponto_http_unlisten(listen->dist->http, listener);
}

bool dist_hosted_listen_idle(const struct dist_hosted_listen *listen)
{
	return !listen || listen->jobs == 0;
}

void dist_hosted_listen_close(struct dist_hosted_listen *listen)
{
	if (!listen)
		return;
	dist_hosted_listen_stop(listen);
	dist_gss_close(listen->gss);
	ponto_timer_destroy(listen->dist->env->loop, listen->look);
	ponto_free(listen->dist->env->alloc, listen);
}
