/* store-rados: a group's records in the order of their keys, and the groups. */
#include <string.h>

#include "plugins/store-rados/rds_fetch.h"
#include "plugins/store-rados/rds_list.h"

#define PAGE_FIRST 16 /* records asked for at first, then more: who stops early shall not pay */
#define PAGE_LAST 256
#define CHECKS 8 /* groups looked into at once */

/* ---- records ------------------------------------------------------------------------------- */

struct iteration {
	struct rds_store *store;
	char object[RDS_OBJECT_MAX], prefix[RDS_KEY_MAX], after[RDS_KEY_MAX];
	uint64_t deadline;
	ponto_store_record_fn *fn;
	void *arg;
	int damage; /* the last record that could not be read */
	bool stopped;
};

static int give_placed(struct iteration *it, struct ponto_bytes name, struct ponto_bytes raw, struct ponto_bytes key)
{
	struct rds_value found;
	int result = rds_fetch(it->store, it->object, name, raw, it->deadline, &found);

	if (result == PONTO_ENOENT)
		return PONTO_OK;
	if (result)
		return result;
	if (rds_late(it->store, it->deadline))
		result = PONTO_ETIME;
	else
		it->stopped = !it->fn(it->arg, key, found.value, found.entry.expires);
	rds_value_free(&found);
	return result;
}

static int give(struct iteration *it, struct ponto_bytes name, struct ponto_bytes raw)
{
	uint8_t key[PONTO_STORE_KEY_MAX];
	struct rds_entry entry;
	size_t key_len;
	int result;

	if (rds_late(it->store, it->deadline))
		return PONTO_ETIME;
	if (!rds_name_key(name, key, &key_len) || !rds_entry_decode(raw, &entry)) {
		it->damage = PONTO_ECORRUPT;
		return PONTO_OK;
	}
	if (rds_entry_expired(&entry, ponto_wall(it->store->env->clock)))
		return PONTO_OK;
	if (entry.kind == RDS_INLINE) {
		it->stopped = !it->fn(it->arg, ponto_bytes(key, key_len), entry.value, entry.expires);
		return PONTO_OK;
	}
	result = give_placed(it, name, raw, ponto_bytes(key, key_len));
	if (result == PONTO_ECORRUPT) {
		it->damage = result;
		result = PONTO_OK;
	}
	return result;
}

/* *more: there are records after the page. */
static int give_page(struct iteration *it, size_t limit, bool *more)
{
	struct ponto_bytes name, raw;
	struct rds_op *op;
	int error, result = rds_op_new(it->store, false, it->deadline, &op);

	*more = false;
	if (result)
		return result;
	rds_op_page(op, it->after, it->prefix, limit);
	result = rds_op_run(op, it->object, it->deadline, &error);
	if (result)
		return result;
	if (error)
		result = rds_failed(it->store, op->link, error, false);
	while (!result && !it->stopped && rds_op_next(op->page, &name, &raw)) {
		if (name.len < sizeof(it->after)) {
			memcpy(it->after, name.data, name.len);
			it->after[name.len] = 0;
		}
		result = give(it, name, raw);
	}
	*more = !result && !it->stopped && op->more;
	rds_op_free(op);
	return result;
}

int rds_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	struct iteration it = {.store = self, .deadline = deadline, .fn = fn, .arg = arg};
	size_t limit = PAGE_FIRST;
	bool more;
	int result = ponto_store_check_range(group, prefix, after);

	if (result)
		return result;
	rds_object_name(group, it.object);
	rds_key_name(prefix, it.prefix);
	if (after.len > 0)
		rds_key_name(after, it.after);
	do {
		result = give_page(&it, limit, &more);
		limit = limit * 4 < PAGE_LAST ? limit * 4 : PAGE_LAST;
	} while ((!result && more) || result == RDS_AGAIN);
	if (result == PONTO_ENOENT)
		result = PONTO_OK;
	return result ? result : it.damage;
}

/* ---- groups -------------------------------------------------------------------------------- */

struct check {
	struct rds_op *op;
	size_t at; /* in the list */
};

struct walk {
	struct rds_store *store;
	uint64_t deadline, run;
	struct rds_list *list;
	size_t at, asked;	     /* the next name to judge, to ask for */
	struct check checks[CHECKS]; /* a ring: of names at to asked - 1 */
	size_t window;
};

static bool is_group(const char *name)
{
	uint8_t group[PONTO_STORE_GROUP_MAX];
	size_t len;

	return rds_object_group(ponto_bytes(name, strlen(name)), group, &len);
}

static void walk_end(struct walk *w)
{
	int error;

	for (; w->list && w->at < w->asked; w->at++) {
		struct rds_op *op = w->checks[w->at % CHECKS].op;

		if (op && rds_op_wait(op, 0, &error) == PONTO_OK)
			rds_op_free(op);
	}
	if (w->list)
		rds_list_free(w->store, w->list);
	w->list = NULL;
}

static int start_check(struct walk *w, const char *name, const char *after, struct rds_op **out)
{
	int result = rds_op_new(w->store, false, w->deadline, out);

	if (result)
		return result;
	rds_op_page(*out, after, "k", PAGE_FIRST);
	result = rds_op_start(*out, name);
	if (result)
		rds_op_free(*out);
	return result;
}

/* *live: the group has an unexpired record. The step is freed. */
static int judge(struct walk *w, const char *name, struct rds_op *op, bool *live)
{
	char last[RDS_KEY_MAX] = "";
	struct ponto_bytes key, raw;
	struct rds_entry entry;
	int error, result;
	bool more;

	*live = false;
	do {
		result = rds_op_wait(op, w->deadline, &error);
		if (result)
			return result;
		if (error)
			result = rds_failed(w->store, op->link, error, false);
		while (!result && !*live && rds_op_next(op->page, &key, &raw)) {
			*live = !rds_entry_decode(raw, &entry) ||
				!rds_entry_expired(&entry, ponto_wall(w->store->env->clock));
			if (key.len < sizeof(last)) {
				memcpy(last, key.data, key.len);
				last[key.len] = 0;
			}
		}
		more = (!result && !*live && op->more) || result == RDS_AGAIN;
		rds_op_free(op);
		if (more)
			result = start_check(w, name, last, &op);
	} while (!result && more);
	return result == PONTO_ENOENT ? PONTO_OK : result;
}

static int ask_ahead(struct walk *w)
{
	while (w->asked < w->list->count && w->asked - w->at < w->window) {
		struct check *check = &w->checks[w->asked % CHECKS];
		int result = PONTO_OK;

		check->op = NULL;
		if (is_group(w->list->names[w->asked]))
			result = start_check(w, w->list->names[w->asked], "", &check->op);
		if (result)
			return result;
		w->asked++;
	}
	return PONTO_OK;
}

/* The next group that holds a record, by its object's name; "" when there is none. */
static int walk_next(struct walk *w, char name[RDS_OBJECT_MAX])
{
	bool live = false;
	int result = PONTO_OK;

	while (!result && !live) {
		if (w->at == w->list->count) {
			char after[RDS_OBJECT_MAX];

			if (w->list->end || w->at == 0) {
				name[0] = 0;
				return PONTO_OK;
			}
			strcpy(after, w->list->names[w->at - 1]);
			walk_end(w);
			result = rds_list_names(w->store, after, w->run, w->deadline, &w->list);
			w->at = w->asked = 0;
			continue;
		}
		result = ask_ahead(w);
		if (!result) {
			struct rds_op *op = w->checks[w->at % CHECKS].op;

			strcpy(name, w->list->names[w->at++]);
			if (op)
				result = judge(w, name, op, &live);
		}
	}
	return result;
}

/* token: the group given last, room for the longest. *more: there is another. */
static int give_groups(struct walk *w, uint8_t *token, size_t *token_len, size_t limit, bool *more,
		       ponto_store_group_fn *fn, void *arg)
{
	char name[RDS_OBJECT_MAX] = "";
	bool going = true;
	int result;

	if (*token_len > 0)
		rds_object_name(ponto_bytes(token, *token_len), name);
	w->window = limit < CHECKS - 1 ? limit + 1 : CHECKS;
	result = rds_list_names(w->store, name, w->run, w->deadline, &w->list);
	if (result)
		return result;
	while (!(result = walk_next(w, name)) && name[0] && going && limit > 0) {
		if (rds_late(w->store, w->deadline)) {
			result = PONTO_ETIME;
			break;
		}
		if (!rds_object_group(ponto_bytes(name, strlen(name)), token, token_len))
			continue;
		going = fn(arg, ponto_bytes(token, *token_len));
		limit--;
	}
	*more = !result && name[0];
	walk_end(w);
	return result;
}

/* A page is the number of the run, then the group given last. */
#define RUN sizeof(uint64_t)

int rds_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
	       const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg)
{
	struct rds_store *store = self;
	struct walk w = {.store = store, .deadline = deadline};
	size_t token_len = *page ? *page_len : 0;
	uint8_t *token;
	bool more = false;
	int result;

	if (limit == 0 || (*page && (token_len <= RUN || token_len > RUN + PONTO_STORE_GROUP_MAX)))
		return PONTO_EINVAL;
	if (rds_late(store, deadline))
		return PONTO_ETIME;
	token = ponto_new(alloc, 1, RUN + PONTO_STORE_GROUP_MAX);
	if (!token)
		return PONTO_ENOMEM;
	if (token_len > 0)
		memcpy(token, *page, token_len);
	else
		store->env->random->fill(store->env->random->ctx, token, RUN);
	memcpy(&w.run, token, RUN);
	token_len -= token_len > 0 ? RUN : 0;
	result = give_groups(&w, token + RUN, &token_len, limit, &more, fn, arg);
	token_len += RUN;
	if (result || !more) {
		ponto_free(alloc, token);
		token = NULL;
		token_len = 0;
	}
	if (!result) {
		ponto_free(alloc, *page);
		*page = token;
		*page_len = token_len;
	}
	return result;
}
