/* libnss_pnrp.so.2: names under pnrp.net for every program, by nsswitch.conf(5). IPv6 only: PNRP has no other
 * addresses. Any thread, any process, after fork, in programs with privileges. */
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "apps/nss-pnrp/resolve_client.h"

#define NSS_EXPORT __attribute__((visibility("default")))
#define DOMAIN_TEXT ".pnrp.net"

enum nss_status _nss_pnrp_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp);
enum nss_status _nss_pnrp_gethostbyname3_r(const char *name, int af, struct hostent *host, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp, char **canonp);
enum nss_status _nss_pnrp_gethostbyname2_r(const char *name, int af, struct hostent *host, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop);
enum nss_status _nss_pnrp_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t buflen,
					  int *errnop, int *h_errnop);

static enum nss_status fail(enum nss_status status, int error, int h_error, int *errnop, int *h_errnop)
{
	*errnop = error;
	*h_errnop = h_error;
	return status;
}

static bool is_ours(const char *name)
{
	size_t len = strnlen(name, RESOLVE_HOST_MAX + 2), domain = strlen(DOMAIN_TEXT);

	if (len > 0 && name[len - 1] == '.')
		len--;
	return len > domain && len <= RESOLVE_HOST_MAX && strncasecmp(name + len - domain, DOMAIN_TEXT, domain) == 0;
}

static enum nss_status status_of(int result, int error, int *errnop, int *h_errnop)
{
	switch (result) {
	case PONTO_EUNREACH:
		return fail(NSS_STATUS_UNAVAIL, error ? error : ECONNREFUSED, NO_RECOVERY, errnop, h_errnop);
	case PONTO_ETIME:
	case PONTO_EBUSY:
	case PONTO_ENOMEM:
	case PONTO_ECLOSED:
		return fail(NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN, errnop, h_errnop);
	case PONTO_EPROTO:
		return fail(NSS_STATUS_UNAVAIL, EBADMSG, NO_RECOVERY, errnop, h_errnop);
	default: /* no such name, no name at all, none that is proven */
		return fail(NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND, errnop, h_errnop);
	}
}

/* A thread that is cancelled in between would leave the descriptor open. */
static enum nss_status ask(const char *name, struct resolve_answer *out, int *errnop, int *h_errnop)
{
	int state, result, error, before = errno;

	if (!is_ours(name))
		return fail(NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND, errnop, h_errnop);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	result = resolve_host(PONTO_RESOLVE_SOCKET, name, out);
	error = errno;
	pthread_setcancelstate(state, &state);
	errno = before;
	if (result == PONTO_OK)
		return NSS_STATUS_SUCCESS;
	return status_of(result, error, errnop, h_errnop);
}

/* Room in the caller's buffer. NULL: it is too small */
static void *take(char **at, size_t *left, size_t size)
{
	size_t pad = (size_t)(-(uintptr_t)*at % _Alignof(max_align_t));
	void *result = *at + pad;

	if (*left < pad || *left - pad < size)
		return NULL;
	*at += pad + size;
	*left -= pad + size;
	return result;
}

NSS_EXPORT enum nss_status _nss_pnrp_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat, char *buffer,
						      size_t buflen, int *errnop, int *h_errnop, int32_t *ttlp)
{
	struct gaih_addrtuple *tuples;
	struct resolve_answer answer;
	enum nss_status status = ask(name, &answer, errnop, h_errnop);
	char *copy;

	if (status != NSS_STATUS_SUCCESS)
		return status;
	tuples = take(&buffer, &buflen, answer.count * sizeof(*tuples));
	copy = tuples ? take(&buffer, &buflen, strlen(name) + 1) : NULL;
	if (!copy)
		return fail(NSS_STATUS_TRYAGAIN, ERANGE, NETDB_INTERNAL, errnop, h_errnop);
	strcpy(copy, name);
	for (size_t i = 0; i < answer.count; i++) {
		tuples[i] = (struct gaih_addrtuple){
			.next = i + 1 < answer.count ? &tuples[i + 1] : NULL,
			.name = copy,
			.family = AF_INET6,
			.scopeid = answer.address[i].scope,
		};
		memcpy(tuples[i].addr, answer.address[i].ip, 16);
	}
	if (*pat)
		**pat = *tuples; /* the caller has room for the first */
	else
		*pat = tuples;
	if (ttlp)
		*ttlp = 0;
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_pnrp_gethostbyname3_r(const char *name, int af, struct hostent *host, char *buffer,
						      size_t buflen, int *errnop, int *h_errnop, int32_t *ttlp,
						      char **canonp)
{
	struct resolve_answer answer;
	enum nss_status status;
	char **list, *copy;
	uint8_t *ips;

	if (af != AF_INET6)
		return fail(NSS_STATUS_NOTFOUND, ENOENT, is_ours(name) ? NO_DATA : HOST_NOT_FOUND, errnop, h_errnop);
	status = ask(name, &answer, errnop, h_errnop);
	if (status != NSS_STATUS_SUCCESS)
		return status;
	list = take(&buffer, &buflen, (answer.count + 2) * sizeof(*list)); /* the last NULL is also no alias */
	ips = list ? take(&buffer, &buflen, answer.count * 16) : NULL;
	copy = ips ? take(&buffer, &buflen, strlen(name) + 1) : NULL;
	if (!copy)
		return fail(NSS_STATUS_TRYAGAIN, ERANGE, NETDB_INTERNAL, errnop, h_errnop);
	strcpy(copy, name);
	for (size_t i = 0; i < answer.count; i++) {
		list[i] = (char *)memcpy(ips + 16 * i, answer.address[i].ip, 16);
	}
	list[answer.count] = list[answer.count + 1] = NULL;
	*host = (struct hostent){.h_name = copy,
				 .h_aliases = &list[answer.count + 1],
				 .h_addrtype = AF_INET6,
				 .h_length = 16,
				 .h_addr_list = list};
	if (ttlp)
		*ttlp = 0;
	if (canonp)
		*canonp = copy;
	return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_pnrp_gethostbyname2_r(const char *name, int af, struct hostent *host, char *buffer,
						      size_t buflen, int *errnop, int *h_errnop)
{
	return _nss_pnrp_gethostbyname3_r(name, af, host, buffer, buflen, errnop, h_errnop, NULL, NULL);
}

/* Whoever asks without a family wants IPv4. */
NSS_EXPORT enum nss_status _nss_pnrp_gethostbyname_r(const char *name, struct hostent *host, char *buffer,
						     size_t buflen, int *errnop, int *h_errnop)
{
	return _nss_pnrp_gethostbyname3_r(name, AF_INET, host, buffer, buflen, errnop, h_errnop, NULL, NULL);
}
