/* The file of keys: a line each, "IDENTIFIER SECRET [sha1|sha256] [expired]"; "hex:" before what is no plain text. */
#include "plugins/service-teredo-server/tsv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "service.teredo.server.keys"
#define FILE_MAX (64 * 1024 * 1024)

void tsv_keys_free(const struct ponto_env *env, struct tsv_keys *keys)
{
	if (keys->text)
		ponto_wipe(keys->text, keys->text_len);
	ponto_free(env->alloc, keys->text);
	ponto_free(env->alloc, keys->keys);
	*keys = (struct tsv_keys){0};
}

static int read_file(const struct ponto_env *env, const char *path, int fd, struct tsv_keys *out)
{
	struct stat st;
	size_t at = 0;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		ponto_error(env->log, TOPIC, "%s: no file of at most 64 MiB", path);
		return PONTO_ECONF;
	}
	if (st.st_mode & 077) {
		ponto_error(env->log, TOPIC, "%s: others may read the secrets: chmod 600", path);
		return PONTO_EACCES;
	}
	out->text = ponto_new(env->alloc, (size_t)st.st_size + 1, 1);
	if (!out->text)
		return PONTO_ENOMEM;
	out->text_len = (size_t)st.st_size;
	while (at < out->text_len) {
		ssize_t n = read(fd, out->text + at, out->text_len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ponto_error(env->log, TOPIC, "%s: %s", path, n ? strerror(errno) : "it became shorter");
			return PONTO_EIO;
		}
		at += (size_t)n;
	}
	return PONTO_OK;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end. */
static struct ponto_bytes word(uint8_t *text, size_t end, size_t *at)
{
	size_t start;

	while (*at < end && blank(text[*at]))
		++*at;
	start = *at;
	while (*at < end && !blank(text[*at]))
		++*at;
	return ponto_bytes(text + start, *at - start);
}

static bool is(struct ponto_bytes word, const char *text)
{
	return ponto_bytes_equal(word, ponto_bytes(text, strlen(text)));
}

/* In place: hexadecimal text is longer than what it stands for. */
static bool unhex(struct ponto_bytes *bytes)
{
	uint8_t *at = (uint8_t *)(uintptr_t)bytes->data;
	char text[2 * UINT8_MAX + 1];
	size_t len;

	if (bytes->len < 4 || memcmp(at, "hex:", 4) != 0)
		return true;
	len = bytes->len - 4;
	if (len % 2 || len >= sizeof(text))
		return false;
	memcpy(text, at + 4, len);
	text[len] = 0;
	if (ponto_unhex(text, at, len / 2) != PONTO_OK)
		return false;
	bytes->len = len / 2;
	return true;
}

/* False: the line is wrong. */
static bool read_line(uint8_t *text, size_t end, size_t at, struct teredo_key *key)
{
	struct ponto_bytes rest;

	*key = (struct teredo_key){.id = word(text, end, &at)};
	key->secret = word(text, end, &at);
	for (rest = word(text, end, &at); rest.len; rest = word(text, end, &at)) {
		if (is(rest, "sha256"))
			key->algo = TEREDO_HMAC_SHA256;
		else if (is(rest, "expired"))
			key->expired = true;
		else if (!is(rest, "sha1"))
			return false;
	}
	return unhex(&key->id) && unhex(&key->secret) && key->id.len >= 1 && key->id.len <= UINT8_MAX &&
	       key->secret.len >= 1;
}

static size_t count_lines(const struct tsv_keys *k)
{
	size_t lines = 1;

	for (size_t i = 0; i < k->text_len; i++)
		lines += k->text[i] == '\n';
	return lines;
}

static int parse(const struct ponto_env *env, const char *path, struct tsv_keys *out)
{
	size_t line = 1;

	out->keys = ponto_new(env->alloc, count_lines(out), sizeof(*out->keys));
	if (!out->keys)
		return PONTO_ENOMEM;
	for (size_t at = 0, end; at < out->text_len; at = end + 1, line++) {
		size_t first = at;

		for (end = at; end < out->text_len && out->text[end] != '\n'; end++)
			;
		if (word(out->text, end, &first).len == 0)
			continue;
		first = at;
		if (word(out->text, end, &first).data[0] == '#')
			continue;
		if (out->count == TEREDO_SERVER_KEYS_MAX || !read_line(out->text, end, at, &out->keys[out->count])) {
			ponto_error(env->log, TOPIC, "%s:%zu: not \"IDENTIFIER SECRET [sha1|sha256] [expired]\"", path,
				    line);
			return PONTO_ECONF;
		}
		out->count++;
	}
	return PONTO_OK;
}

int tsv_keys_read(const struct ponto_env *env, const char *path, struct tsv_keys *out)
{
	struct tsv_keys keys = {0};
	int fd, result;

	*out = keys;
	if (!*path)
		return PONTO_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		ponto_error(env->log, TOPIC, "%s: %s", path, strerror(errno));
		return errno == EACCES ? PONTO_EACCES : PONTO_ECONF;
	}
	result = read_file(env, path, fd, &keys);
	close(fd);
	if (result == PONTO_OK)
		result = parse(env, path, &keys);
	if (result == PONTO_OK)
		*out = keys;
	else
		tsv_keys_free(env, &keys);
	return result;
}
