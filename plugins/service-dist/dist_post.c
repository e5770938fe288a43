#include "plugins/service-dist/dist_post.h"

#include <stdio.h>
#include <string.h>

struct dist_post {
	struct dist *dist;
	dist_post_fn *done;
	void *arg;
	struct ponto_http_transfer *transfer;
	unsigned status;
	size_t limit, usual;
	uint8_t *body;
	size_t len, cap;
};

void dist_post_url(const struct ponto_addr *addr, const char *path, char out[DIST_POST_URL])
{
	struct ponto_addr bare = *addr;
	char text[PONTO_ADDR_TEXT];

	bare.zone = 0;
	bare.port = 0;
	ponto_addr_format(&bare, text);
	if (addr->family == PONTO_FAMILY_IPV4)
		snprintf(out, DIST_POST_URL, "http://%s:%u%s", text, addr->port, path);
	else if (addr->zone)
		snprintf(out, DIST_POST_URL, "http://[%s%%25%u]:%u%s", text, (unsigned)addr->zone, addr->port, path);
	else
		snprintf(out, DIST_POST_URL, "http://[%s]:%u%s", text, addr->port, path);
}

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct dist_post *post = arg;

	(void)headers;
	(void)count;
	post->status = status;
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct dist_post *post = arg;

	if (data.len > post->limit - post->len)
		return PONTO_ELIMIT;
	if (post->len + data.len > post->cap) {
		size_t cap = post->cap ? 2 * post->cap : post->usual;
		uint8_t *grown;

		while (cap < post->len + data.len)
			cap *= 2;
		grown = ponto_resize(post->dist->env->alloc, post->body, cap, 1);
		if (!grown)
			return PONTO_ENOMEM;
		post->body = grown;
		post->cap = cap;
	}
	memcpy(post->body + post->len, data.data, data.len);
	post->len += data.len;
	return PONTO_OK;
}

static void on_done(void *arg, int result)
{
	struct dist_post *post = arg;

	post->transfer = NULL;
	post->done(post->arg, result, post->status, ponto_bytes(post->body, post->len));
}

int dist_post_open(struct dist *dist, const struct dist_post_setup *setup, dist_post_fn *done, void *arg,
		   struct dist_post **out)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};
	static const struct ponto_http_header headers[] = {{"Content-Type", "application/octet-stream"}};
	struct dist_post *post = ponto_new(dist->env->alloc, 1, sizeof(*post));
	struct ponto_http_fetch fetch = {
		.method = "POST",
		.url = setup->url,
		.headers = headers,
		.header_count = PONTO_ARRAY_SIZE(headers),
		.body = setup->body,
		.ca_file = setup->ca_file,
		.timeout = setup->timeout,
		.answer_limit = setup->limit,
		.negotiate = setup->negotiate,
	};
	int result;

	if (!post)
		return PONTO_ENOMEM;
	post->dist = dist;
	post->done = done;
	post->arg = arg;
	post->limit = setup->limit;
	post->usual = setup->usual ? setup->usual : 64;
	result = ponto_http_fetch(dist->http, dist->env->loop, &fetch, &events, post, &post->transfer);
	if (result != PONTO_OK) {
		ponto_free(dist->env->alloc, post);
		return result;
	}
	*out = post;
	return PONTO_OK;
}

void dist_post_close(struct dist_post *post)
{
	if (!post)
		return;
	ponto_http_cancel(post->dist->http, post->transfer);
	ponto_free(post->dist->env->alloc, post->body);
	ponto_free(post->dist->env->alloc, post);
}
