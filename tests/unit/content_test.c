#include "tests/unit/content_test.h"

#include <openssl/evp.h>

struct blob pattern(size_t n)
{
	struct blob b = {malloc(n ? n : 1), n};

	assert_non_null(b.data);
	for (size_t i = 0; i < n; i++)
		b.data[i] = (uint8_t)(i % 251);
	return b;
}

struct blob blob_hex(const char *hex)
{
	struct blob b;

	b.data = ponto_test_hex(hex, &b.len);
	return b;
}

/* Exactly as long as the data, so that AddressSanitizer sees a byte read too many. */
struct blob blob_copy(const void *data, size_t len)
{
	struct blob b = {malloc(len ? len : 1), len};

	assert_non_null(b.data);
	if (len)
		memcpy(b.data, data, len);
	return b;
}

void blob_edit(struct blob *b, size_t at, const char *hex)
{
	struct blob bytes = blob_hex(hex);

	assert_true(at + bytes.len <= b->len);
	memcpy(b->data + at, bytes.data, bytes.len);
	free(bytes.data);
}

void assert_hex(const void *actual, size_t len, const char *hex)
{
	struct blob expected = blob_hex(hex);

	assert_int_equal(len, expected.len);
	assert_memory_equal(actual, expected.data, len);
	free(expected.data);
}

void assert_sha256(struct ponto_bytes data, const char *hex)
{
	uint8_t hash[32];

	assert_int_equal(EVP_Digest(data.data, data.len, hash, NULL, EVP_sha256(), NULL), 1);
	assert_hex(hash, sizeof(hash), hex);
}

void openssl_hash(enum content_algo algo, struct ponto_bytes data, uint8_t out[CONTENT_HASH_MAX])
{
	const EVP_MD *md = algo == CONTENT_SHA256 ? EVP_sha256() : algo == CONTENT_SHA384 ? EVP_sha384() : EVP_sha512();

	memset(out, 0, CONTENT_HASH_MAX);
	assert_int_equal(EVP_Digest(data.data, data.len, out, NULL, md, NULL), 1);
	if (algo == CONTENT_TRUNCATED)
		memset(out + 32, 0, CONTENT_HASH_MAX - 32);
}

static struct blob aes_cbc(struct ponto_bytes key, const uint8_t iv[16], struct ponto_bytes in, bool encrypt)
{
	const EVP_CIPHER *cipher = key.len == 16   ? EVP_aes_128_cbc()
				   : key.len == 24 ? EVP_aes_192_cbc()
						   : EVP_aes_256_cbc();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct blob out = {malloc(in.len + 16), 0};
	int len;

	assert_non_null(out.data);
	assert_int_equal(EVP_CipherInit_ex(ctx, cipher, NULL, key.data, iv, encrypt), 1);
	EVP_CIPHER_CTX_set_padding(ctx, encrypt);
	assert_int_equal(EVP_CipherUpdate(ctx, out.data, &len, in.data, (int)in.len), 1);
	out.len = (size_t)len;
	assert_int_equal(EVP_CipherFinal_ex(ctx, out.data + out.len, &len), 1);
	out.len += (size_t)len;
	EVP_CIPHER_CTX_free(ctx);
	return out;
}

struct blob openssl_encrypt(struct ponto_bytes key, const uint8_t iv[16], struct ponto_bytes plain)
{
	return aes_cbc(key, iv, plain, true);
}

struct blob openssl_decrypt(struct ponto_bytes key, const uint8_t iv[16], struct ponto_bytes cipher)
{
	return aes_cbc(key, iv, cipher, false);
}

static void keep(struct content_made *made, const struct content_segment *segment, const uint8_t *ks)
{
	struct content_segment *s;

	made->segments = realloc(made->segments, (made->count + 1) * sizeof(*made->segments));
	assert_non_null(made->segments);
	s = &made->segments[made->count++];
	*s = *segment;
	content_segment_secret(made->algo, ks, s->hod, s->kp);
	if (s->block_hashes.len)
		s->block_hashes.data = blob_copy(s->block_hashes.data, s->block_hashes.len).data;
}

struct content_made content_make(enum content_algo algo, struct ponto_bytes data, const uint32_t *sizes)
{
	struct content_made made = {algo, data.len, 0, NULL};
	struct content_maker *maker = malloc(sizeof(*maker));
	struct content_cut cut;
	struct content_segment segment;
	uint8_t ks[CONTENT_HASH_MAX], hash[CONTENT_HASH_MAX];

	assert_non_null(maker);
	content_server_secret(algo, ponto_bytes(SECRET_KEY, strlen(SECRET_KEY)), ks);
	content_maker_init(maker, algo);
	content_cut_init(&cut, algo);
	while (data.len > 0) {
		size_t used;
		int done;

		if (sizes)
			used = *sizes++;
		else
			(void)content_cut_next(&cut, data, &used);
		assert_in_range(used, 1, data.len);
		openssl_hash(algo, ponto_bytes(data.data, used), hash);
		done = content_maker_piece(maker, (uint32_t)used, hash, &segment);
		assert_in_range(done, 0, 1);
		if (done)
			keep(&made, &segment, ks);
		data = ponto_bytes(data.data + used, data.len - used);
	}
	if (content_maker_end(maker, &segment))
		keep(&made, &segment, ks);
	free(maker);
	return made;
}

void content_made_free(struct content_made *made)
{
	for (size_t i = 0; i < made->count; i++)
		free((void *)made->segments[i].block_hashes.data);
	free(made->segments);
}

static void layout_of(const struct content_made *made, uint64_t start, uint64_t length, struct content_layout *layout)
{
	size_t first = 0, last;
	uint64_t size;

	if (!content_is_v2(made->algo)) {
		assert_ok(content_layout_v1(made->algo, made->size, start, length, layout));
		return;
	}
	while (made->segments[first].offset + made->segments[first].size <= start)
		first++;
	for (last = first; made->segments[last].offset + made->segments[last].size < start + length; last++)
		;
	size = made->segments[last].offset + made->segments[last].size - made->segments[first].offset;
	assert_ok(content_layout_v2(made->size, start, length, first, made->segments[first].offset, last - first + 1,
				    size, layout));
}

struct blob content_describe(const struct content_made *made, uint64_t start, uint64_t length)
{
	struct content_layout layout;
	struct ponto_writer w;
	struct blob out;

	layout_of(made, start, length, &layout);
	out.data = malloc(layout.size);
	assert_non_null(out.data);
	w = ponto_writer(out.data, layout.size);
	content_info_write_head(&layout, &w);
	for (uint64_t i = 0; i < layout.segments; i++)
		content_info_write_segment(&layout, i, &made->segments[layout.first_index + i], &w);
	for (uint64_t i = 0; i < layout.segments; i++)
		content_info_write_blocks(&layout, i, &made->segments[layout.first_index + i], &w);
	assert_ok(ponto_writer_done(&w, &out.len));
	assert_int_equal(out.len, layout.size);
	return out;
}
