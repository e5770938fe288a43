#!/usr/bin/env python3
"""A Teredo client's questions, written from RFC 4380 alone: which answers come, from where.

teredo_rs.py SERVER SECONDARY [IDENTIFIER SECRET [IDENTIFIER SECRET]]
    asks both addresses, cone bit 0 and 1, and prints a line each; the second key is one that is served for sure: its
    answer shows that no other is still to come
"""
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import sys

ROUTERS = ipaddress.IPv6Address("ff02::2").packed


def checksum(src, dst, data):
    pseudo = src + dst + struct.pack(">II", len(data), 58) + data
    total = sum(struct.unpack(">%dH" % (len(pseudo) // 2), pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def solicitation(cone, nonce, key=None):
    src = bytes([0xFE, 0x80] + [0] * 6 + [0x80 if cone else 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    icmp = b"\x85\0\0\0\0\0\0\0"
    icmp = b"\x85\0" + struct.pack(">H", checksum(src, ROUTERS, icmp)) + b"\0\0\0\0"
    packet = struct.pack(">IHBB", 6 << 28, len(icmp), 58, 255) + src + ROUTERS + icmp
    if key is None:
        return b"\0\1\0\0" + nonce + b"\0" + packet
    name, secret = key
    value = hmac.new(secret, nonce + b"\0" + packet, hashlib.sha1).digest()
    return b"\0\1" + bytes([len(name), len(value)]) + name + value + nonce + b"\0" + packet


def advertisement(data, nonce, key=None):
    """(mapped endpoint, prefix, confirmation) of a good answer to that nonce, else None."""
    if data[:2] != b"\0\1":
        return None
    name, value, at = data[4:4 + data[2]], data[4 + data[2]:4 + data[2] + data[3]], 4 + data[2] + data[3]
    if data[at:at + 8] != nonce:
        return None
    if key and (name != key[0] or value != hmac.new(key[1], data[at:], hashlib.sha1).digest()):
        return None
    confirmation = data[at + 8]
    data = data[at + 9:]
    if data[:2] != b"\0\0":
        return None
    port = struct.unpack(">H", data[2:4])[0] ^ 0xFFFF
    mapped = "%s:%d" % (ipaddress.IPv4Address(bytes(b ^ 0xFF for b in data[4:8])), port)
    packet = data[8:]
    icmp = packet[40:]
    if packet[0] >> 4 != 6 or packet[7] != 255 or icmp[0] != 134 or checksum(packet[8:24], packet[24:40], icmp) != 0:
        return None
    options, prefix = icmp[16:], None
    while options:
        if options[0] == 3:
            prefix = str(ipaddress.IPv6Network((options[16:32], options[2])))
        options = options[options[1] * 8:]
    return mapped, prefix, confirmation


def ask(s, server, key, sure):
    """Both questions. The last answer, to one without the cone bit, passes any NAT, and all others are here by then."""
    nonces = {}
    questions = [("cone", key), ("plain", key)] + ([("sure", sure)] if sure else [])
    for kind, with_key in questions:
        nonce = os.urandom(8)
        nonces[nonce] = kind, with_key
        s.sendto(solicitation(kind == "cone", nonce, with_key), (server, 3544))
    while any(kind == questions[-1][0] for kind, _ in nonces.values()):
        data, peer = s.recvfrom(2048)
        for nonce, (kind, with_key) in list(nonces.items()):
            got = advertisement(data, nonce, with_key)
            if not got:
                continue
            del nonces[nonce]
            if kind != "sure":
                print("to", server, kind, "from", "%s:%d" % peer, "prefix", got[1],
                      "confirmed" if got[2] == 0 else "renew", "mapped", got[0])


def main(servers, key, sure):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1 if sure is None else 10)
    for server in servers:
        try:
            ask(s, server, key, sure)
        except socket.timeout:
            print("no answer from", server) if sure else None


if __name__ == "__main__":
    words = [a.encode() for a in sys.argv[3:]]
    main(sys.argv[1:3], tuple(words[:2]) if words and words[0] else None, tuple(words[2:]) if words[2:] else None)
