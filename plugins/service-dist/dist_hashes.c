#include "plugins/service-dist/dist_hashes.h"

#include <pthread.h>
#include <string.h>

#define TOPIC "service.dist.hashes"
#define CALL_TIME (10 * PONTO_SECOND)	      /* that one call of the store may take */
#define UNFINISHED (24 * 3600 * PONTO_SECOND) /* after which nobody is at work on an incomplete set any more */
#define TOUCH_AFTER (3600 * PONTO_SECOND)     /* the time of use is written when it is so much out of date */
#define SWEEP 256			      /* records removed in one batch */

struct dist_hashes {
	struct dist_hashes_config config;
	pthread_mutex_t lock; /* over the numbers; calls of the store are made without it */
	pthread_mutex_t room; /* one makes room at a time, or several would remove for the same reason */
	struct dist_hashes_stats stats;
	struct ponto_gauge *files_gauge, *pieces_gauge;
	struct ponto_counter *evicted_counter, *damaged_counter;
};

struct dist_saving {
	struct dist_hashes *hashes;
	struct dist_file file;
	enum content_algo algo;
	struct dist_head head;
	uint64_t offset; /* where the next segment begins */
	bool short_one;	 /* a segment was shorter than all but the last may be */
	uint32_t count;	 /* segments in the record that has begun */
	struct ponto_writer w;
	uint8_t record[DIST_HASHES_MAX];
};

static const struct ponto_bytes the_group = {(const uint8_t *)DIST_GROUP_HASHES, sizeof(DIST_GROUP_HASHES) - 1};

static uint64_t soon(const struct dist_hashes *h)
{
	return ponto_mono(h->config.clock) + CALL_TIME;
}

static void show(struct dist_hashes *h)
{
	ponto_gauge_set(h->files_gauge, (int64_t)h->stats.files);
	ponto_gauge_set(h->pieces_gauge, (int64_t)h->stats.pieces);
}

static void note_set(struct dist_hashes *h, uint64_t pieces)
{
	pthread_mutex_lock(&h->lock);
	h->stats.files++;
	h->stats.pieces += pieces;
	show(h);
	pthread_mutex_unlock(&h->lock);
}

/* Also of one that another process brought, which was not counted. */
static void note_gone(struct dist_hashes *h, uint64_t pieces)
{
	pthread_mutex_lock(&h->lock);
	h->stats.files -= h->stats.files > 0;
	h->stats.pieces -= h->stats.pieces < pieces ? h->stats.pieces : pieces;
	show(h);
	pthread_mutex_unlock(&h->lock);
}

static void note_damage(struct dist_hashes *h)
{
	pthread_mutex_lock(&h->lock);
	h->stats.damaged++;
	pthread_mutex_unlock(&h->lock);
	ponto_counter_add(h->damaged_counter, 1);
	ponto_warning(h->config.log, TOPIC, "kept hashes of a file are damaged and are removed");
}

/* ---- heads ----------------------------------------------------------------------------- */

/* One key after the other, without their records' values. */
struct heads {
	struct dist_hashes *hashes;
	struct ponto_bytes prefix;
	uint8_t after[DIST_HASHES_KEY];
	size_t after_len;
	/* what was met: */
	bool met;
	uint8_t key[PONTO_STORE_KEY_MAX];
	size_t key_len;
	bool valid; /* key and value are those of a head */
	struct dist_file file;
	enum content_algo algo;
	struct dist_head head;
	int result; /* of decoding */
};

static bool meet(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct heads *m = arg;

	(void)expires;
	m->met = true;
	memcpy(m->key, key.data, key.len);
	m->key_len = key.len;
	m->result = dist_head_key_decode(key, &m->file, &m->algo);
	if (m->result == PONTO_OK)
		m->result = dist_head_decode(&m->file, m->algo, value, &m->head);
	return false;
}

/* Records follow their head directly: the next head is the first key behind all numbers. */
static int next_head(struct heads *m)
{
	struct dist_hashes *h = m->hashes;
	int result;

	m->met = false;
	result = ponto_store_iterate(h->config.store, the_group, m->prefix, ponto_bytes(m->after, m->after_len),
				     soon(h), meet, m);
	if (result != PONTO_OK || !m->met)
		return result;
	m->after_len = m->key_len < DIST_HEAD_KEY ? m->key_len : DIST_HEAD_KEY;
	memcpy(m->after, m->key, m->after_len);
	if (m->after_len == DIST_HEAD_KEY) {
		memset(m->after + DIST_HEAD_KEY, 0xff, DIST_HASHES_KEY - DIST_HEAD_KEY);
		m->after_len = DIST_HASHES_KEY;
	}
	return PONTO_OK;
}

/* ---- removing --------------------------------------------------------------------------------- */

struct sweep {
	struct ponto_store_step steps[SWEEP];
	uint8_t keys[SWEEP][PONTO_STORE_KEY_MAX];
	size_t count;
};

static bool sweep_one(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct sweep *s = arg;

	(void)value;
	(void)expires;
	memcpy(s->keys[s->count], key.data, key.len);
	s->steps[s->count] =
		(struct ponto_store_step){.kind = PONTO_STEP_DELETE, .key = ponto_bytes(s->keys[s->count], key.len)};
	return ++s->count < SWEEP;
}

/* All whose keys begin so. The head goes first, with the first records: what is left of a set without it is met as a
 * key that is no head's, and removed as well. */
static int remove_all(struct dist_hashes *h, struct ponto_bytes prefix)
{
	const struct ponto_bytes none = {NULL, 0};
	struct sweep *s = ponto_new(h->config.alloc, 1, sizeof(*s));
	int result = s ? PONTO_OK : PONTO_ENOMEM;

	while (result == PONTO_OK) {
		s->count = 0;
		result = ponto_store_iterate(h->config.store, the_group, prefix, none, soon(h), sweep_one, s);
		if (result != PONTO_OK || s->count == 0)
			break;
		result = ponto_store_batch(h->config.store, the_group, s->steps, s->count, 0, soon(h));
	}
	ponto_free(h->config.alloc, s);
	return result;
}

static int remove_set(struct dist_hashes *h, const struct dist_file *file, enum content_algo algo)
{
	uint8_t key[DIST_HEAD_KEY];

	dist_head_key(file, algo, key);
	return remove_all(h, ponto_bytes(key, sizeof(key)));
}

/* What was met, and is a whole set or something else. */
static int remove_met(struct dist_hashes *h, const struct heads *m, bool counted)
{
	int result = remove_all(h, ponto_bytes(m->key, m->key_len < DIST_HEAD_KEY ? m->key_len : DIST_HEAD_KEY));

	if (result == PONTO_OK && counted && m->result == PONTO_OK && m->head.complete)
		note_gone(h, m->head.pieces);
	return result;
}

/* Sets of other states of the file, of any algorithm; all states when keep is NULL. */
static int remove_states(struct dist_hashes *h, const struct dist_file *file, const struct dist_file *keep)
{
	uint8_t key[DIST_HEAD_KEY];
	struct heads m = {.hashes = h, .prefix = ponto_bytes(key, file ? DIST_HEAD_KEY_FILE : 0)};
	int result;

	if (file)
		dist_head_key(file, CONTENT_SHA256, key);
	while ((result = next_head(&m)) == PONTO_OK && m.met) {
		bool same =
			m.result == PONTO_OK && keep && m.file.changed == keep->changed && m.file.size == keep->size;

		if (same || (keep && m.result == PONTO_ENOTSUP))
			continue;
		if (m.result == PONTO_EPROTO)
			note_damage(h);
		result = remove_met(h, &m, true);
		if (result != PONTO_OK)
			break;
	}
	return result;
}

/* ---- opening -------------------------------------------------------------------------------------- */

static int look_through(struct dist_hashes *h)
{
	struct heads m = {.hashes = h};
	uint64_t now = ponto_wall(h->config.clock);
	int result;

	while ((result = next_head(&m)) == PONTO_OK && m.met) {
		if (m.result == PONTO_ENOTSUP)
			continue; /* of a later version */
		if (m.result == PONTO_OK && m.head.complete) {
			note_set(h, m.head.pieces);
			continue;
		}
		/* Somebody may be at work on it. */
		if (m.result == PONTO_OK && now >= m.head.created && now - m.head.created < UNFINISHED)
			continue;
		if (m.result != PONTO_OK)
			note_damage(h);
		result = remove_met(h, &m, false);
		if (result != PONTO_OK)
			break;
	}
	return result;
}

int dist_hashes_open(const struct dist_hashes_config *config, struct dist_hashes **out)
{
	struct dist_hashes *h = ponto_new(config->alloc, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->config = *config;
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->room, NULL);
	if (config->metrics) {
		h->files_gauge = ponto_gauge(config->metrics, "dist_hashes_files", config->instance,
					     "files whose hashes are kept");
		h->pieces_gauge =
			ponto_gauge(config->metrics, "dist_hashes_pieces", config->instance, "hashes kept of them");
		h->evicted_counter = ponto_counter(config->metrics, "dist_hashes_evicted_total", config->instance,
						   "files whose hashes were removed to make room");
		h->damaged_counter = ponto_counter(config->metrics, "dist_hashes_damaged_total", config->instance,
						   "files whose kept hashes were damaged and removed");
	}
	result = look_through(h);
	if (result != PONTO_OK) {
		dist_hashes_close(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

void dist_hashes_close(struct dist_hashes *hashes)
{
	if (!hashes)
		return;
	pthread_mutex_destroy(&hashes->room);
	pthread_mutex_destroy(&hashes->lock);
	ponto_free(hashes->config.alloc, hashes);
}

void dist_hashes_stats(struct dist_hashes *hashes, struct dist_hashes_stats *out)
{
	pthread_mutex_lock(&hashes->lock);
	*out = hashes->stats;
	pthread_mutex_unlock(&hashes->lock);
}

/* ---- saving ------------------------------------------------------------------------------------------- */

static int write_head(struct dist_hashes *h, const struct dist_file *file, enum content_algo algo,
		      const struct dist_head *head)
{
	uint8_t key[DIST_HEAD_KEY], value[DIST_HEAD_MAX];
	size_t len;
	int result = dist_head_encode(file, algo, head, value, &len);

	dist_head_key(file, algo, key);
	if (result == PONTO_OK)
		result = ponto_store_put(h->config.store, the_group, ponto_bytes(key, sizeof(key)),
					 ponto_bytes(value, len), 0, 0, soon(h));
	return result;
}

static int read_head(struct dist_hashes *h, const struct dist_file *file, enum content_algo algo,
		     struct dist_head *head)
{
	uint8_t key[DIST_HEAD_KEY], *value;
	size_t len;
	int result;

	dist_head_key(file, algo, key);
	result = ponto_store_get(h->config.store, the_group, ponto_bytes(key, sizeof(key)), soon(h), h->config.alloc,
				 &value, &len, NULL);
	if (result != PONTO_OK)
		return result;
	result = dist_head_decode(file, algo, ponto_bytes(value, len), head);
	ponto_free(h->config.alloc, value);
	return result == PONTO_EPROTO ? PONTO_ECORRUPT : result;
}

int dist_hashes_begin(struct dist_hashes *hashes, const struct dist_file *file, enum content_algo algo,
		      struct dist_saving **out)
{
	struct dist_saving *saving = ponto_new(hashes->config.alloc, 1, sizeof(*saving));
	int result;

	if (!saving)
		return PONTO_ENOMEM;
	saving->hashes = hashes;
	saving->file = *file;
	saving->algo = algo;
	saving->head.created = saving->head.used = ponto_wall(hashes->config.clock);
	/* An incomplete head marks what comes as to be removed, should this end here. A set that is there is replaced.
	 */
	result = remove_states(hashes, file, file);
	if (result == PONTO_OK) {
		struct dist_head before;

		result = read_head(hashes, file, algo, &before);
		if (result == PONTO_OK && before.complete)
			note_gone(hashes, before.pieces);
		result = result == PONTO_OK || result == PONTO_ENOENT || result == PONTO_ECORRUPT ||
					 result == PONTO_ENOTSUP
				 ? write_head(hashes, file, algo, &saving->head)
				 : result;
	}
	if (result != PONTO_OK) {
		ponto_free(hashes->config.alloc, saving);
		return result;
	}
	*out = saving;
	return PONTO_OK;
}

static int write_record(struct dist_saving *saving)
{
	struct dist_hashes *h = saving->hashes;
	uint8_t key[DIST_HASHES_KEY];
	size_t len;
	int result;

	if (saving->count == 0)
		return PONTO_OK;
	result = dist_hashes_end_record(&saving->file, saving->algo, saving->head.records, saving->count, &saving->w,
					&len);
	if (result != PONTO_OK)
		return result;
	dist_hashes_key(&saving->file, saving->algo, saving->head.records, key);
	result = ponto_store_put(h->config.store, the_group, ponto_bytes(key, sizeof(key)),
				 ponto_bytes(saving->record, len), 0, 0, soon(h));
	saving->head.records++;
	saving->count = 0;
	return result;
}

static bool is_next(const struct dist_saving *saving, const struct content_segment *s)
{
	size_t listed = content_is_v2(saving->algo)
				? 0
				: content_segment_blocks(saving->algo, s->size) * content_hash_size(saving->algo);

	return !saving->short_one && s->index == saving->head.segments && s->offset == saving->offset && s->size > 0 &&
	       s->size <= (content_is_v2(saving->algo) ? CONTENT_SEGMENT_V2_MAX : CONTENT_SEGMENT_V1) &&
	       s->block_hashes.len == listed;
}

int dist_hashes_segment(struct dist_saving *saving, const struct content_segment *segment)
{
	bool v2 = content_is_v2(saving->algo);
	uint64_t most = saving->hashes->config.max_pieces, pieces;
	int result = PONTO_OK;

	if (!is_next(saving, segment))
		return PONTO_EINVAL;
	pieces = saving->head.pieces + (v2 ? 1 : content_segment_blocks(saving->algo, segment->size));
	if (most && pieces > most)
		return PONTO_ELIMIT;
	if (saving->count == 0) {
		saving->w = ponto_writer(saving->record, sizeof(saving->record));
		dist_hashes_begin_record(&saving->w, saving->algo, segment);
	}
	dist_hashes_add(&saving->w, saving->algo, segment);
	saving->count++;
	saving->head.pieces = pieces;
	saving->head.segments++;
	saving->offset += segment->size;
	saving->short_one = !v2 && segment->size < CONTENT_SEGMENT_V1;
	if (!v2 || saving->count == DIST_HASHES_PIECES)
		result = write_record(saving);
	return result;
}

/* The one that is unused for longest, but for this. */
struct victim {
	bool found;
	const struct dist_saving *but;
	struct heads m;
};

static int find_victim(struct dist_hashes *h, struct victim *victim)
{
	const struct dist_saving *but = victim->but;
	struct heads m = {.hashes = h};
	uint64_t files = 0, pieces = 0;
	int result;

	victim->found = false;
	while ((result = next_head(&m)) == PONTO_OK && m.met) {
		if (m.result != PONTO_OK || !m.head.complete)
			continue;
		files++;
		pieces += m.head.pieces;
		if ((m.algo == but->algo && memcmp(&m.file, &but->file, sizeof(m.file)) == 0))
			continue;
		if (!victim->found || m.head.used < victim->m.head.used) {
			victim->found = true;
			victim->m = m;
		}
	}
	/* While we are at it: others may share the store. */
	pthread_mutex_lock(&h->lock);
	if (result == PONTO_OK) {
		h->stats.files = files;
		h->stats.pieces = pieces;
		show(h);
	}
	pthread_mutex_unlock(&h->lock);
	return result;
}

/* A look at all heads for each one that goes: they are few, and hashing a file takes longer. */
static int make_room(struct dist_hashes *h, const struct dist_saving *saving)
{
	struct victim *victim = ponto_new(h->config.alloc, 1, sizeof(*victim));
	struct dist_hashes_stats stats;
	int result = victim ? PONTO_OK : PONTO_ENOMEM;

	dist_hashes_stats(h, &stats);
	while (result == PONTO_OK && h->config.max_pieces &&
	       stats.pieces + saving->head.pieces > h->config.max_pieces) {
		victim->but = saving;
		result = find_victim(h, victim);
		dist_hashes_stats(h, &stats);
		if (result != PONTO_OK || !victim->found || stats.pieces + saving->head.pieces <= h->config.max_pieces)
			break;
		result = remove_met(h, &victim->m, true);
		if (result != PONTO_OK)
			break;
		pthread_mutex_lock(&h->lock);
		h->stats.evicted++;
		pthread_mutex_unlock(&h->lock);
		ponto_counter_add(h->evicted_counter, 1);
		dist_hashes_stats(h, &stats);
	}
	ponto_free(h->config.alloc, victim);
	return result;
}

/* The head goes last. Should it outlive a record in a crash, dist_hashes_load finds out. */
static int enter(struct dist_saving *saving)
{
	struct dist_hashes *h = saving->hashes;
	int result;

	pthread_mutex_lock(&h->room);
	result = make_room(h, saving);
	if (result == PONTO_OK) {
		saving->head.complete = true;
		result = write_head(h, &saving->file, saving->algo, &saving->head);
	}
	if (result == PONTO_OK)
		note_set(h, saving->head.pieces);
	pthread_mutex_unlock(&h->room);
	return result;
}

static int finish(struct dist_saving *saving, const struct dist_file *file)
{
	int result;

	if (memcmp(&saving->file, file, sizeof(*file)) != 0 || saving->offset != file->size)
		return PONTO_EGUARD;
	result = write_record(saving);
	return result == PONTO_OK ? enter(saving) : result;
}

int dist_hashes_commit(struct dist_saving *saving, const struct dist_file *file)
{
	int result = finish(saving, file);

	if (result == PONTO_OK)
		ponto_free(saving->hashes->config.alloc, saving);
	else
		dist_hashes_abort(saving);
	return result;
}

void dist_hashes_abort(struct dist_saving *saving)
{
	struct dist_hashes *h;
	int result;

	if (!saving)
		return;
	h = saving->hashes;
	result = remove_set(h, &saving->file, saving->algo);
	if (result != PONTO_OK) /* the incomplete head tells it to a later start */
		ponto_debug(h->config.log, TOPIC, "hashes that are worth nothing cannot be removed: %s",
			    ponto_strerror(result));
	ponto_free(h->config.alloc, saving);
}

/* ---- loading --------------------------------------------------------------------------------------------- */

struct loading {
	struct dist_hashes *hashes;
	const struct dist_file *file;
	enum content_algo algo;
	struct dist_head head;
	uint64_t index, offset, pieces;
	bool stopped; /* by fn: its result is told */
	dist_hashes_segment_fn *fn;
	void *arg;
};

static int tell(struct loading *l, const struct dist_hashes_record *record)
{
	struct ponto_reader r = ponto_reader(record->segments);
	struct content_segment segment;
	int result = PONTO_OK;

	if (record->index != l->index || record->offset != l->offset)
		return PONTO_ECORRUPT;
	while (result == PONTO_OK && dist_hashes_next(record, &r, &l->index, &l->offset, &segment)) {
		if (l->offset > l->file->size ||
		    (!content_is_v2(l->algo) && segment.size < CONTENT_SEGMENT_V1 && l->offset != l->file->size))
			return PONTO_ECORRUPT;
		l->pieces += content_segment_blocks(l->algo, segment.size);
		result = l->fn(l->arg, &segment);
		l->stopped = result != PONTO_OK;
	}
	return result;
}

static int load_records(struct loading *l)
{
	struct dist_hashes *h = l->hashes;
	const struct ponto_alloc *alloc = h->config.alloc;
	int result = PONTO_OK;

	for (uint32_t n = 0; n < l->head.records && result == PONTO_OK; n++) {
		struct dist_hashes_record record;
		uint8_t key[DIST_HASHES_KEY], *value;
		size_t len;

		dist_hashes_key(l->file, l->algo, n, key);
		result = ponto_store_get(h->config.store, the_group, ponto_bytes(key, sizeof(key)), soon(h), alloc,
					 &value, &len, NULL);
		if (result != PONTO_OK)
			return result;
		result = dist_hashes_decode(l->file, l->algo, n, ponto_bytes(value, len), &record);
		result = result == PONTO_OK ? tell(l, &record) : PONTO_ECORRUPT;
		ponto_free(alloc, value);
	}
	if (result != PONTO_OK)
		return result;
	return l->index == l->head.segments && l->offset == l->file->size && l->pieces == l->head.pieces
		       ? PONTO_OK
		       : PONTO_ECORRUPT;
}

/* Unless somebody removes the set meanwhile: a head alone would be of no use. Not written, it only seems older. */
static void touch(struct dist_hashes *h, const struct dist_file *file, enum content_algo algo,
		  const struct dist_head *head, uint64_t now)
{
	struct dist_head used = *head;
	uint8_t key[DIST_HEAD_KEY], old[DIST_HEAD_MAX], value[DIST_HEAD_MAX];
	struct ponto_store_step steps[2];
	size_t old_len, len;
	int result = dist_head_encode(file, algo, head, old, &old_len);

	used.used = now;
	if (result == PONTO_OK)
		result = dist_head_encode(file, algo, &used, value, &len);
	if (result == PONTO_OK) {
		dist_head_key(file, algo, key);
		steps[0] = (struct ponto_store_step){PONTO_STEP_REQUIRE_EQUAL, ponto_bytes(key, sizeof(key)),
						     ponto_bytes(old, old_len), 0};
		steps[1] = (struct ponto_store_step){PONTO_STEP_PUT, ponto_bytes(key, sizeof(key)),
						     ponto_bytes(value, len), 0};
		result = ponto_store_batch(h->config.store, the_group, steps, 2, 0, soon(h));
	}
	if (result != PONTO_OK)
		ponto_debug(h->config.log, TOPIC, "a time of use was not written: %s", ponto_strerror(result));
}

/* pieces: as counted; 0 when the head could not be read. Nothing is wrong when somebody removed the set meanwhile,
 * which begins with the head. */
static void remove_damaged(struct dist_hashes *h, const struct dist_file *file, enum content_algo algo, uint64_t pieces)
{
	struct dist_head head;

	if (read_head(h, file, algo, &head) == PONTO_ENOENT)
		return;
	note_damage(h);
	if (remove_set(h, file, algo) == PONTO_OK && pieces)
		note_gone(h, pieces);
}

int dist_hashes_load(struct dist_hashes *hashes, const struct dist_file *file, enum content_algo algo,
		     dist_hashes_segment_fn *fn, void *arg)
{
	struct loading l = {.hashes = hashes, .file = file, .algo = algo, .fn = fn, .arg = arg};
	uint64_t now = ponto_wall(hashes->config.clock);
	bool whole = false;
	int result = read_head(hashes, file, algo, &l.head);

	if (result == PONTO_ENOTSUP || (result == PONTO_OK && !l.head.complete))
		return PONTO_ENOENT;
	if (result == PONTO_OK) {
		whole = true;
		result = load_records(&l);
	} else if (result == PONTO_ENOENT) {
		return result;
	}
	if (!l.stopped && (result == PONTO_ECORRUPT || result == PONTO_ENOENT)) {
		remove_damaged(hashes, file, algo, whole ? l.head.pieces : 0);
		return PONTO_ENOENT;
	}
	if (result == PONTO_OK && now > l.head.used && now - l.head.used >= TOUCH_AFTER)
		touch(hashes, file, algo, &l.head, now);
	return result;
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

int dist_hashes_each(struct dist_hashes *hashes, dist_hashes_set_fn *fn, void *arg)
{
	struct heads m = {.hashes = hashes};
	int result;

	while ((result = next_head(&m)) == PONTO_OK && m.met) {
		struct dist_hashes_set set = {
			.file = m.file,
			.algo = m.algo,
			.segments = m.head.segments,
			.pieces = m.head.pieces,
			.created = m.head.created,
			.used = m.head.used,
		};

		if (m.result == PONTO_OK && m.head.complete && !fn(arg, &set))
			return PONTO_OK;
	}
	return result;
}

int dist_hashes_forget(struct dist_hashes *hashes, const struct dist_file *file)
{
	return remove_states(hashes, file, NULL);
}
