/* Packets of a tunnel joined to large segments: what is joined can be cut into as many packets again, with right
 * checksums; and what is cut fits. The input is records: length (2), a byte whose first bit asks for a right checksum,
 * the packet. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/stack-netns/stack_offload.h"

#define MTU 1280

static struct offload_join join;
static size_t payload; /* of the packets in it */

static void cut_again(void)
{
	uint8_t packet[MTU];
	size_t count = 0, sum = 0, len;

	if (join.len == 0)
		return;
	FUZZ_REQUIRE(join.len <= OFFLOAD_LARGEST && join.count >= 1);
	if (join.count > 1) {
		offload_finish(&join);
		FUZZ_REQUIRE(offload_is_tcp(ponto_bytes(join.packet, join.len)));
		while ((len = offload_cut(ponto_bytes(join.packet, join.len), join.size, count, packet, sizeof(packet))) > 0) {
			FUZZ_REQUIRE(len <= MTU && offload_is_tcp(ponto_bytes(packet, len)));
			FUZZ_REQUIRE(offload_checksum(packet, len) == 0);
			sum += len - (OFFLOAD_IP + (size_t)(packet[52] >> 4) * 4);
			count++;
		}
		FUZZ_REQUIRE(count == join.count && sum == payload);
	}
	join.len = 0;
}

static void add(struct ponto_bytes packet)
{
	bool tcp = offload_is_tcp(packet);

	if (!offload_add(&join, packet)) {
		cut_again();
		FUZZ_REQUIRE(offload_add(&join, packet) == tcp);
		payload = 0;
	} else if (join.count == 1) {
		payload = 0;
	}
	if (tcp)
		payload += packet.len - (OFFLOAD_IP + (size_t)(packet.data[52] >> 4) * 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	join.len = 0;
	payload = 0;
	while (size > 3) {
		size_t len = (size_t)(data[0] << 8 | data[1]) % (MTU + 1);
		uint8_t *packet;

		if (len > size - 3)
			len = size - 3;
		/* Exactly as long, so that what reads behind it is found. */
		packet = malloc(len ? len : 1);
		FUZZ_REQUIRE(packet != NULL);
		memcpy(packet, data + 3, len);
		if (data[2] & 1 && offload_is_tcp(ponto_bytes(packet, len)))
			offload_set_checksum(packet, len);
		add(ponto_bytes(packet, len));
		free(packet);
		data += 3 + len;
		size -= 3 + len;
	}
	cut_again();
	return 0;
}
