/* The key files of the remote endpoint: Z85 text, one key a line. */
#include "framework/bus_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define Z85_KEY 40

static int make_secret(const char *file, char reason[256])
{
	char secret[Z85_KEY + 1], public_key[Z85_KEY + 1];
	int result = PONTO_EIO;
	int fd;

	if (zmq_curve_keypair(public_key, secret) != 0) {
		snprintf(reason, 256, "this libzmq has no CURVE");
		return PONTO_ENOTSUP;
	}
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(reason, 256, "%.160s: cannot make the key: %s", file, strerror(errno));
		result = PONTO_EACCES;
		goto out;
	}
	secret[Z85_KEY] = '\n';
	if (write(fd, secret, Z85_KEY + 1) == Z85_KEY + 1 && fsync(fd) == 0)
		result = PONTO_OK;
	else
		snprintf(reason, 256, "%.160s: cannot write the key: %s", file, strerror(errno));
	close(fd);
	if (result)
		(void)unlink(file);
out:
	ponto_wipe(secret, sizeof(secret));
	return result;
}

int bus_curve_secret(const char *file, bool make, char reason[256], char secret[41], char public_key[41])
{
	char text[Z85_KEY + 2];
	struct stat st;
	ssize_t got;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = PONTO_OK;

	if (fd < 0 && errno == ENOENT && make) {
		result = make_secret(file, reason);
		if (result)
			return result;
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(reason, 256, "%.160s: %s", file, strerror(errno));
		result = PONTO_EACCES;
		goto out;
	}
	if (st.st_mode & 0077) {
		snprintf(reason, 256, "%.160s can be read by others (mode %03o): it must be 0600", file,
			 (unsigned)(st.st_mode & 0777));
		result = PONTO_EACCES;
		goto out;
	}
	got = read(fd, text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) != Z85_KEY || zmq_curve_public(public_key, text) != 0) {
		snprintf(reason, 256, "%.160s holds no key: 40 characters of Z85 are needed", file);
		result = PONTO_EINVAL;
		goto out;
	}
	memcpy(secret, text, Z85_KEY + 1);
out:
	ponto_wipe(text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return result;
}

int ponto_bus_key(const char *file, bool make, char reason[256], char public_key[PONTO_CURVE_KEY_SIZE])
{
	char secret[Z85_KEY + 1] = "";
	int result = bus_curve_secret(file, make, reason, secret, public_key);

	ponto_wipe(secret, sizeof(secret));
	return result;
}

int bus_curve_clients(const char *file, struct bus_access *access, char reason[256])
{
	FILE *f = fopen(file, "re");
	char line[256];
	unsigned number = 0;
	int result = PONTO_OK;

	if (!f) {
		snprintf(reason, 256, "%.160s: %s", file, strerror(errno));
		return PONTO_EACCES;
	}
	while (result == PONTO_OK && fgets(line, sizeof(line), f)) {
		number++;
		line[strcspn(line, " \t\r\n")] = '\0';
		if (!line[0] || (line[0] == '#' && strlen(line) != Z85_KEY)) /* Z85 uses #, too */
			continue;
		if (access->curve_client_count == BUS_CURVE_CLIENTS_MAX) {
			snprintf(reason, 256, "%.160s: more than %d keys", file, BUS_CURVE_CLIENTS_MAX);
			result = PONTO_ELIMIT;
		} else if (strlen(line) != Z85_KEY ||
			   !zmq_z85_decode(access->curve_clients[access->curve_client_count], line)) {
			snprintf(reason, 256, "%.160s:%u: not a key of 40 characters of Z85", file, number);
			result = PONTO_EINVAL;
		} else {
			access->curve_client_count++;
		}
	}
	fclose(f);
	return result;
}
