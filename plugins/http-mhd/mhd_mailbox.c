#include "plugins/http-mhd/mhd_mailbox.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mhd_mailbox {
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	int fd;
	bool delivering, dead; /* the loop's */
	pthread_mutex_t lock;  /* guards what follows */
	bool woken;
	struct mhd_mail *head, *tail;
};

static void unlink_mail(struct mhd_mailbox *box, struct mhd_mail *mail)
{
	*(mail->prev ? &mail->prev->next : &box->head) = mail->next;
	*(mail->next ? &mail->next->prev : &box->tail) = mail->prev;
	mail->prev = mail->next = NULL;
	mail->sent = false;
}

void mhd_mailbox_send(struct mhd_mailbox *box, struct mhd_mail *mail)
{
	static const uint64_t one = 1;
	bool wake;

	pthread_mutex_lock(&box->lock);
	if (!mail->sent) {
		mail->sent = true;
		mail->next = NULL;
		mail->prev = box->tail;
		*(box->tail ? &box->tail->next : &box->head) = mail;
		box->tail = mail;
	}
	wake = !box->woken;
	box->woken = true;
	/* Cannot fail: the counter is 0. Inside the lock: once the mail is seen the box may be gone. */
	if (wake && write(box->fd, &one, sizeof(one)) < 0)
		box->woken = false;
	pthread_mutex_unlock(&box->lock);
}

void mhd_mailbox_recall(struct mhd_mailbox *box, struct mhd_mail *mail)
{
	pthread_mutex_lock(&box->lock);
	if (mail->sent)
		unlink_mail(box, mail);
	pthread_mutex_unlock(&box->lock);
}

struct mhd_mail *mhd_mailbox_take(struct mhd_mailbox *box)
{
	struct mhd_mail *mail;

	pthread_mutex_lock(&box->lock);
	mail = box->head;
	if (mail)
		unlink_mail(box, mail);
	pthread_mutex_unlock(&box->lock);
	return mail;
}

static void free_box(struct mhd_mailbox *box)
{
	close(box->fd);
	pthread_mutex_destroy(&box->lock);
	ponto_free(box->alloc, box);
}

/* What comes while this runs has its own wake-up. */
static void ready(void *arg, unsigned events)
{
	struct mhd_mailbox *box = arg;
	struct mhd_mail *mail, *last;
	uint64_t count;
	bool more = true;

	(void)events;
	pthread_mutex_lock(&box->lock);
	if (read(box->fd, &count, sizeof(count)) < 0)
		count = 0;
	box->woken = false;
	last = box->tail;
	pthread_mutex_unlock(&box->lock);
	if (!last)
		return;
	box->delivering = true;
	/* The last one may be recalled meanwhile: then all that is there is delivered, which is no harm. */
	while (more && !box->dead && (mail = mhd_mailbox_take(box))) {
		more = mail != last;
		mail->deliver(mail);
	}
	box->delivering = false;
	if (box->dead)
		free_box(box);
}

int mhd_mailbox_create(const struct ponto_alloc *alloc, struct ponto_loop *loop, struct mhd_mailbox **out)
{
	struct mhd_mailbox *box = ponto_new(alloc, 1, sizeof(*box));
	int result;

	if (!box)
		return PONTO_ENOMEM;
	box->alloc = alloc;
	box->loop = loop;
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->fd < 0) {
		ponto_free(alloc, box);
		return PONTO_EIO;
	}
	pthread_mutex_init(&box->lock, NULL);
	result = ponto_watch_create(loop, box->fd, PONTO_READABLE, ready, box, &box->watch);
	if (result != PONTO_OK) {
		free_box(box);
		return result;
	}
	*out = box;
	return PONTO_OK;
}

void mhd_mailbox_destroy(struct mhd_mailbox *box)
{
	if (!box)
		return;
	ponto_watch_destroy(box->loop, box->watch);
	if (box->delivering)
		box->dead = true;
	else
		free_box(box);
}
