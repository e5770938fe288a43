#include "plugins/store-rocksdb/rdb_room.h"

#include <sys/statvfs.h>

#define TOPIC "store.rocksdb.room"
#define KEEP (250 * PONTO_MS)
#define KEEP_BYTES (UINT64_C(1) << 20)

uint64_t rdb_room_free(const char *path)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return UINT64_MAX;
	return (uint64_t)st.f_bavail * st.f_frsize;
}

int rdb_room_space(const char *path, uint64_t *total, uint64_t *left)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return PONTO_EIO;
	*total = (uint64_t)st.f_blocks * st.f_frsize;
	*left = (uint64_t)st.f_bavail * st.f_frsize;
	return PONTO_OK;
}

static void look(struct rdb_room *room, uint64_t now)
{
	uint64_t bytes = rdb_room_free(room->path);

	atomic_store_explicit(&room->free, bytes, memory_order_relaxed);
	atomic_store_explicit(&room->checked, now, memory_order_relaxed);
	atomic_store_explicit(&room->written, 0, memory_order_relaxed);
	ponto_gauge_set(room->gauge, (int64_t)(bytes > INT64_MAX ? INT64_MAX : bytes));
}

void rdb_room_init(struct rdb_room *room, const struct ponto_env *env, const char *path, uint64_t reserve)
{
	room->env = env;
	room->path = path;
	room->reserve = reserve;
	atomic_init(&room->full, false);
	atomic_init(&room->free, 0);
	atomic_init(&room->checked, 0);
	atomic_init(&room->written, 0);
	room->gauge = env->metrics ? ponto_gauge(env->metrics, "store_free_bytes", env->instance,
						 "free space of the store's file system")
				   : NULL;
	look(room, ponto_mono(env->clock));
}

int rdb_room_take(struct rdb_room *room, uint64_t bytes, bool only_deletes)
{
	uint64_t now, written, left, need = only_deletes ? room->reserve / 2 : room->reserve;
	bool full;

	if (room->reserve == 0)
		return PONTO_OK;
	now = ponto_mono(room->env->clock);
	written = atomic_fetch_add_explicit(&room->written, bytes, memory_order_relaxed) + bytes;
	if (written >= KEEP_BYTES || now - atomic_load_explicit(&room->checked, memory_order_relaxed) >= KEEP ||
	    atomic_load_explicit(&room->full, memory_order_relaxed)) {
		look(room, now);
		written = bytes;
	}
	left = atomic_load_explicit(&room->free, memory_order_relaxed);
	full = left < need || left - need < written;
	if (only_deletes)
		return full ? PONTO_ENOSPC : PONTO_OK;
	if (full && !atomic_exchange(&room->full, true))
		ponto_error(room->env->log, TOPIC,
			    "writes are refused: %llu bytes free at %s, the reserve is %llu; free some space",
			    (unsigned long long)left, room->path,
			    (unsigned long long)room->reserve);
	if (!full && atomic_load_explicit(&room->full, memory_order_relaxed) && atomic_exchange(&room->full, false))
		ponto_info(room->env->log, TOPIC, "writes are accepted again");
	return full ? PONTO_ENOSPC : PONTO_OK;
}
