/* http-mhd: the thread that drives libcurl, and a transfer as both sides see it. */
#ifndef MHD_CLIENT_H
#define MHD_CLIENT_H

#include <curl/curl.h>

#include "plugins/http-mhd/mhd.h"

#define MHD_WINDOW (128u * 1024) /* bytes of an answer that wait for their consumer, twice */

struct mhd_window {
	uint8_t *data;
	size_t len, cap;
};

/* What the loop wants of libcurl's thread. */
enum mhd_order { MHD_ADD = 1, MHD_CONTINUE = 2, MHD_REMOVE = 4 };

struct ponto_http_transfer {
	struct mhd_mail mail; /* there is something to tell */
	struct mhd_client *client;
	struct mhd_box *box;
	struct ponto_http_fetch_events events;
	void *arg;

	/* the loop's */
	struct mhd_window draining;
	size_t drained;
	bool head_told, blocked, cancelled;
	unsigned depth;

	/* libcurl's thread's, until head is ready */
	CURL *easy;
	struct curl_slist *list;
	uint8_t *body;
	uint64_t answer_limit, received;
	uint32_t redirects;
	char *text; /* headers: name, NUL, value, NUL, … */
	size_t text_len, text_cap, header_count;
	unsigned status;
	bool follows, added;

	struct ponto_http_transfer *next; /* client->lock */
	unsigned orders;		  /* client->lock */

	pthread_mutex_t lock; /* guards what follows */
	struct mhd_window filling;
	struct ponto_http_header *headers;
	bool head_ready, paused, ended, abandoned;
	int fault;  /* why a callback broke it off */
	int result; /* when ended */
};

/* A mailbox of one loop, shared by its transfers. */
struct mhd_box {
	struct mhd_box *next;
	struct ponto_loop *loop;
	struct mhd_mailbox *mailbox;
	unsigned users;
};

struct mhd_client {
	struct mhd_http *http;
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;			  /* guards what follows */
	struct ponto_http_transfer *first, *last; /* with orders */
	struct mhd_box *boxes;
	unsigned live;
	bool stop;
};

/* The instance's client, made on first use. PONTO_ENOMEM, PONTO_EIO */
PONTO_MUST_CHECK int mhd_client_of(struct mhd_http *http, struct mhd_client **out);

void mhd_client_order(struct ponto_http_transfer *t, enum mhd_order order);

/* Once nobody else knows it. */
void mhd_transfer_free(struct ponto_http_transfer *t);

/* mhd_transfer.c: its handle, with callbacks that run on libcurl's thread. PONTO_ENOMEM */
PONTO_MUST_CHECK int mhd_transfer_prepare(struct ponto_http_transfer *t, const struct ponto_http_fetch *fetch);
/* libcurl is through with it. */
void mhd_transfer_ended(struct ponto_http_transfer *t, CURLcode code);

#endif
