/* Ponto: what every other file may use: result codes, byte views, addresses,
 * and the injected allocator, randomness and clock.
 *
 * Pure: nothing here reads a clock, opens a socket or keeps state, so engines
 * include it. Everything is thread-safe unless two threads share one object.
 *
 * Ownership words used in every header of this project:
 *   borrows  the callee uses the pointer until it returns
 *   copies   the callee keeps its own copy
 *   takes    the callee owns the object from now on, even if it fails
 *   gives    the caller frees the result */
#ifndef PONTO_BASE_H
#define PONTO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_MUST_CHECK __attribute__((warn_unused_result))
#define PONTO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* What a user may still take of what all users share, max at the most: one more while he has less than is left. So
 * one alone gets half, and whoever comes later always finds something. */
static inline bool ponto_share(size_t own, size_t total, size_t max)
{
	return total < max && own < max - total;
}

#define PONTO_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Fetches bytes that will be read in a microsecond or more, into the second cache: the first takes few requests at a
 * time, and processors drop or wait for those beyond. NULL: none. */
#define PONTO_CACHE_LINE 64u
static inline void ponto_prefetch(const void *from, size_t len)
{
	const uint8_t *line = (const uint8_t *)((uintptr_t)from & ~(uintptr_t)(PONTO_CACHE_LINE - 1));

	for (; from && line < (const uint8_t *)from + len; line += PONTO_CACHE_LINE)
		__builtin_prefetch(line, 0, 2);
	/* GCC takes what only prefetches for a function without effect and drops its calls, but for this. */
	__asm__ volatile("");
}

/* Results: 0 or one of these. Functions that return a count say so. */
enum ponto_result {
	PONTO_OK = 0,
	PONTO_ENOMEM = -1,	 /* allocation refused */
	PONTO_EINVAL = -2,	 /* an argument breaks the documented rule */
	PONTO_EPROTO = -3,	 /* bytes from a peer, client or file are malformed */
	PONTO_ENOENT = -4,	 /* not found */
	PONTO_EEXIST = -5,	 /* already there */
	PONTO_EBUSY = -6,	 /* a bounded resource is used up for now: try later */
	PONTO_ETIME = -7,	 /* the caller's deadline passed */
	PONTO_EACCES = -8,	 /* not permitted */
	PONTO_EIO = -9,		 /* the device or network failed */
	PONTO_ENOSPC = -10,	 /* no room; what is stored stays */
	PONTO_ECORRUPT = -11,	 /* stored data is damaged */
	PONTO_ENOTSUP = -12,	 /* this implementation does not offer it */
	PONTO_ECLOSED = -13,	 /* the object or the other end is closing */
	PONTO_ELIMIT = -14,	 /* larger or more than the documented limit */
	PONTO_ECONF = -15,	 /* the configuration is wrong; the log says where */
	PONTO_EABI = -16,	 /* built against another version of a contract */
	PONTO_ELOCKED = -17,	 /* another process holds it */
	PONTO_EAUTH = -18,	 /* signature, key or password does not fit */
	PONTO_EGUARD = -19,	 /* a batch's guard did not hold; nothing was written */
	PONTO_EUNREACH = -20,	 /* no route or no daemon */
	PONTO_EINTERNAL = -21,	 /* a fault of ours, reported instead of hidden */
};

/* A short lower-case English text for a result; "unknown error" otherwise. Static storage. */
const char *ponto_strerror(int result);

/* A view of bytes owned by someone else. data may be NULL when len is 0. */
struct ponto_bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct ponto_bytes ponto_bytes(const void *data, size_t len)
{
	struct ponto_bytes b = {(const uint8_t *)data, len};
	return b;
}

bool ponto_bytes_equal(struct ponto_bytes a, struct ponto_bytes b);

/* Compares in time that depends on the lengths only. */
bool ponto_bytes_equal_secret(struct ponto_bytes a, struct ponto_bytes b);

/* The number that text, decimal digits and nothing else, stands for. False: it is none, or above max; out untouched. */
bool ponto_bytes_decimal(struct ponto_bytes text, uint64_t max, uint64_t *out);

/* Overwrites a secret so that the compiler cannot remove it. */
void ponto_wipe(void *data, size_t len);

/* Lower-case hexadecimal; out holds 2 * bytes.len + 1 characters, NUL included. */
void ponto_hex(struct ponto_bytes bytes, char *out);

/* Reads exactly 2 * len hexadecimal digits. PONTO_EINVAL on anything else; out untouched then. */
PONTO_MUST_CHECK int ponto_unhex(const char *text, uint8_t *out, size_t len);

/* ---- addresses ---------------------------------------------------------- */

enum ponto_family {
	PONTO_FAMILY_NONE = 0,
	PONTO_FAMILY_IPV4 = 4,
	PONTO_FAMILY_IPV6 = 6,
};

/* RFC 4291 and RFC 4007 scopes as the protocols name them. */
enum ponto_scope {
	PONTO_SCOPE_NONE = 0,
	PONTO_SCOPE_LOOPBACK = 1,
	PONTO_SCOPE_LINK = 2,
	PONTO_SCOPE_SITE = 3,
	PONTO_SCOPE_GLOBAL = 4,
};

/* A transport address. Network byte order in ip (IPv4 uses the first four
 * bytes, the rest is zero); port in host order; zone is the interface index of
 * a scoped IPv6 address, else 0. Compare with ponto_addr_equal. */
struct ponto_addr {
	uint8_t ip[16];
	uint32_t zone;
	uint16_t port;
	uint8_t family;
	uint8_t reserved;
};

/* Longest text of ponto_addr_format, NUL included: "[ipv6%zone]:port". */
#define PONTO_ADDR_TEXT 72

bool ponto_addr_equal(const struct ponto_addr *a, const struct ponto_addr *b);

/* The same without the port. */
bool ponto_addr_same_host(const struct ponto_addr *a, const struct ponto_addr *b);

enum ponto_scope ponto_addr_scope(const struct ponto_addr *addr);

/* "global", "site", "link", "loopback", "none". */
const char *ponto_scope_name(enum ponto_scope scope);

/* Writes "[2001:db8::1]:3540", "[fe80::1%2]:3540" or "192.0.2.1:3540"; port 0 leaves ":port" (and the
 * brackets) out. RFC 5952 form. Returns out. */
const char *ponto_addr_format(const struct ponto_addr *addr, char out[PONTO_ADDR_TEXT]);

/* The reverse: numeric only, zone as a number. A missing port becomes default_port.
 * PONTO_EINVAL on anything else. borrows text */
PONTO_MUST_CHECK int ponto_addr_parse(const char *text, uint16_t default_port, struct ponto_addr *out);

/* ---- injected services --------------------------------------------------- */

/* Memory. alloc and resize return NULL on failure; resize keeps the old block then. */
struct ponto_alloc {
	void *(*alloc)(void *ctx, size_t size);
	void *(*resize)(void *ctx, void *block, size_t size);
	void (*release)(void *ctx, void *block);
	void *ctx;
};

/* malloc and friends. The only allocator that is not injected by a caller. */
extern const struct ponto_alloc ponto_alloc_system;

/* Zeroed memory for count objects; NULL on failure or when count * size overflows. gives */
void *ponto_new(const struct ponto_alloc *alloc, size_t count, size_t size);

/* Grows or shrinks; new bytes are not zeroed; overflow and failure return NULL and keep the block. */
void *ponto_resize(const struct ponto_alloc *alloc, void *block, size_t count, size_t size);

/* Accepts NULL. */
void ponto_free(const struct ponto_alloc *alloc, const void *block);

/* A NUL-terminated copy. gives; NULL on failure */
char *ponto_strdup(const struct ponto_alloc *alloc, const char *text);
char *ponto_strndup(const struct ponto_alloc *alloc, const char *text, size_t len);

/* A copy of bytes, never NULL on success even for an empty view. gives; NULL on failure */
uint8_t *ponto_bytes_dup(const struct ponto_alloc *alloc, struct ponto_bytes bytes);

/* Randomness: always succeeds. In production the kernel's, in simulation a seeded generator. */
struct ponto_random {
	void (*fill)(void *ctx, uint8_t *out, size_t len);
	void *ctx;
};

uint64_t ponto_random_u64(const struct ponto_random *random);

/* Uniform in [0, bound); bound > 0. */
uint64_t ponto_random_below(const struct ponto_random *random, uint64_t bound);

/* Time in microseconds: mono never goes back and is what deadlines are made
 * of; wall counts from 1970-01-01 UTC. */
struct ponto_clock {
	uint64_t (*mono)(void *ctx);
	uint64_t (*wall)(void *ctx);
	void *ctx;
};

static inline uint64_t ponto_mono(const struct ponto_clock *clock)
{
	return clock->mono(clock->ctx);
}

static inline uint64_t ponto_wall(const struct ponto_clock *clock)
{
	return clock->wall(clock->ctx);
}

/* The kernel's clocks and randomness, for programs to inject (framework/system.c). Engines and plugins never
 * name them: they take what they are given. The random one ends the process if the kernel refuses. */
extern const struct ponto_clock ponto_clock_system;
extern const struct ponto_random ponto_random_system;

#define PONTO_NEVER UINT64_MAX /* a deadline that does not come */
#define PONTO_MS UINT64_C(1000)
#define PONTO_SECOND UINT64_C(1000000)

/* The head of every vtable. size is sizeof of the vtable the plugin was built
 * with: vtables grow only at the end, and a wrapper treats a missing tail as
 * PONTO_ENOTSUP. */
struct ponto_vtable {
	uint32_t abi;
	uint32_t size;
};

/* True when the vtable at head is long enough to hold member and it is set. */
#define PONTO_HAS(ops, member) \
	(offsetof(__typeof__(*(ops)), member) + sizeof((ops)->member) <= (ops)->head.size && (ops)->member != NULL)

#ifdef __cplusplus
}
#endif
#endif
