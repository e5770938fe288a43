/* http-mhd: a queue from other threads to a loop, with one wake-up for as much as came until the loop looks. Mail is
 * part of what is sent, so sending cannot fail; what waits is bounded by what exists. */
#ifndef MHD_MAILBOX_H
#define MHD_MAILBOX_H

#include "framework/env.h"

struct mhd_mail {
	struct mhd_mail *prev, *next;
	void (*deliver)(struct mhd_mail *mail); /* on the loop */
	bool sent;
};

struct mhd_mailbox;

/* On the loop's thread. PONTO_ENOTSUP: not on this loop; PONTO_EIO, PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int mhd_mailbox_create(const struct ponto_alloc *alloc, struct ponto_loop *loop,
					struct mhd_mailbox **out);

/* On the loop's thread, also inside deliver; nobody sends any more. What was not delivered is forgotten. Accepts NULL.
 */
void mhd_mailbox_destroy(struct mhd_mailbox *box);

/* From any thread. Does nothing for mail that is under way. */
void mhd_mailbox_send(struct mhd_mailbox *box, struct mhd_mail *mail);

/* On the loop's thread: the mail is not delivered any more. */
void mhd_mailbox_recall(struct mhd_mailbox *box, struct mhd_mail *mail);

/* On the loop's thread: takes the oldest mail out, undelivered; NULL when there is none. */
struct mhd_mail *mhd_mailbox_take(struct mhd_mailbox *box);

#endif
