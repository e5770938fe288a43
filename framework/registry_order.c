#include "framework/registry_order.h"

#include <stdio.h>
#include <string.h>

enum state { UNSEEN, OPEN, DONE };

struct sort {
	const struct ponto_registry_entry *entries;
	size_t count;
	uint8_t *states;		      /* of each entry */
	size_t *path, depth;		      /* open entries, outermost first */
	struct ponto_registry_entry *sorted;
	size_t sorted_count;
};

static bool offers(const struct ponto_plugin *p, const char *need)
{
	if (strcmp(p->name, need) == 0)
		return true;
	for (const char *const *offer = p->offers; offer && *offer; offer++) {
		if (strcmp(*offer, need) == 0)
			return true;
	}
	return false;
}

bool ponto_registry_offered(const struct ponto_registry_entry *entries, size_t count, const char *need,
			    const struct ponto_plugin *self)
{
	for (size_t i = 0; i < count; i++) {
		if (entries[i].plugin != self && offers(entries[i].plugin, need))
			return true;
	}
	return false;
}

/* One that offers need, best one that closes no cycle. */
static size_t choose(const struct sort *s, size_t self, const char *need)
{
	size_t found = self;

	for (size_t i = 0; i < s->count; i++) {
		if (i == self || !offers(s->entries[i].plugin, need))
			continue;
		if (s->states[i] != OPEN)
			return i;
		found = i;
	}
	return found;
}

static int spell_cycle(const struct sort *s, size_t again, char *reason)
{
	size_t i = 0, used;

	while (s->path[i] != again)
		i++;
	snprintf(reason, PONTO_REASON_SIZE, "cycle: ");
	for (; i < s->depth; i++) {
		used = strlen(reason);
		snprintf(reason + used, PONTO_REASON_SIZE - used, "%s needs ", s->entries[s->path[i]].plugin->name);
	}
	used = strlen(reason);
	snprintf(reason + used, PONTO_REASON_SIZE - used, "%s", s->entries[again].plugin->name);
	return PONTO_EINVAL;
}

/* Depth first; as deep as the longest chain of needs among loaded plugins. */
static int visit(struct sort *s, size_t index, char *reason)
{
	const struct ponto_plugin *p = s->entries[index].plugin;

	s->states[index] = OPEN;
	s->path[s->depth++] = index;
	for (const char *const *need = p->needs; need && *need; need++) {
		size_t other = choose(s, index, *need);
		int result = PONTO_OK;

		if (s->states[other] == OPEN)
			result = spell_cycle(s, other, reason);
		else if (s->states[other] == UNSEEN)
			result = visit(s, other, reason);
		if (result != PONTO_OK)
			return result;
	}
	s->depth--;
	s->states[index] = DONE;
	s->sorted[s->sorted_count++] = s->entries[index];
	return PONTO_OK;
}

int ponto_registry_sort(const struct ponto_alloc *alloc, struct ponto_registry_entry *entries, size_t count,
			char reason[PONTO_REASON_SIZE])
{
	struct sort s = {.entries = entries, .count = count};
	int result = PONTO_OK;

	if (count == 0)
		return PONTO_OK;
	s.states = ponto_new(alloc, count, sizeof(*s.states));
	s.path = ponto_new(alloc, count, sizeof(*s.path));
	s.sorted = ponto_new(alloc, count, sizeof(*s.sorted));
	if (!s.states || !s.path || !s.sorted) {
		snprintf(reason, PONTO_REASON_SIZE, "%s", ponto_strerror(PONTO_ENOMEM));
		result = PONTO_ENOMEM;
	}
	for (size_t i = 0; i < count && result == PONTO_OK; i++) {
		if (s.states[i] == UNSEEN)
			result = visit(&s, i, reason);
	}
	if (result == PONTO_OK)
		memcpy(entries, s.sorted, count * sizeof(*entries));
	ponto_free(alloc, s.states);
	ponto_free(alloc, s.path);
	ponto_free(alloc, s.sorted);
	return result;
}
