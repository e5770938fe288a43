/* stack: large TCP segments that the kernel makes and takes (TUN offloads), from and to packets. Pure. RFC 8200, 9293. */
#ifndef STACK_OFFLOAD_H
#define STACK_OFFLOAD_H

#include "framework/base.h"

#define OFFLOAD_IP 40
#define OFFLOAD_LARGEST 65535

/* Whether the packet is one TCP segment in IPv6 without extension headers, whole and not longer than it says. */
bool offload_is_tcp(struct ponto_bytes packet);
/* Of a packet that is; what a correct checksum makes is 0. */
uint16_t offload_checksum(const uint8_t *packet, size_t len);
/* Completes the checksum at start + offset of what is behind start, where that of the pseudo header is: RFC 1071. False:
 * there is no such place. */
PONTO_MUST_CHECK bool offload_complete(uint8_t *packet, size_t len, size_t start, size_t offset);
/* Writes the right one. */
void offload_set_checksum(uint8_t *packet, size_t len);

/* Packet number i of those that a large one is cut into, each with at most size bytes of payload. Its length, or 0: there
 * are no more, or it does not fit. */
size_t offload_cut(struct ponto_bytes large, size_t size, size_t i, uint8_t *out, size_t cap);

/* Packets of one flow, joined. */
struct offload_join {
	size_t len;	/* 0: empty */
	size_t count;	/* of packets */
	size_t size;	/* payload of each but the last */
	bool last;	/* nothing more may follow */
	uint8_t packet[OFFLOAD_LARGEST];
};

/* Adds a packet to a join, which may be empty. False: it does not belong there. copies */
bool offload_add(struct offload_join *join, struct ponto_bytes packet);
/* Sets lengths; the checksum is that of the pseudo header, for the interface to complete. */
void offload_finish(struct offload_join *join);

#endif
