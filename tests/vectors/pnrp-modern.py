#!/usr/bin/env python3
"""Writes tests/vectors/pnrp-modern.hex: messages of the modern profile.

Built from docs/modern.md and the layouts of [MS-PNRP] 2.2 without the codec, signed by the openssl program;
Ed25519 signatures are deterministic, so the output never changes. The key is the first of RFC 8032 7.1.
"""
import hashlib
import struct
import subprocess
import tempfile

SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
NONCE = bytes(range(0xA0, 0xB0))
NOT_AFTER = 135379296000000000  # 2030-01-01
LOCATION = bytes.fromhex("20010db8000100001122334455667788")
HOST = bytes.fromhex("20010db8000100000000000000000010")
PORT = 3540
OID = b"1.3.101.112"
ALG_ID = 0x0000800E


def h20(data):
    return hashlib.sha256(data).digest()[:20]


def sign(data):
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/key", "wb").write(bytes.fromhex("302e020100300506032b657004220420") + SECRET)
        open(folder + "/data", "wb").write(data)
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", folder + "/key", "-keyform", "DER",
                        "-in", folder + "/data", "-out", folder + "/signature"], check=True)
        return open(folder + "/signature", "rb").read()


def signature(data):
    return struct.pack("<HHI", 8 + 64, 64, ALG_ID) + sign(data)


CLASSIFIER = "test"
AUTHORITY = h20(PUBLIC)
CLASSIFIER_HASH = h20(CLASSIFIER.encode("utf-16-le"))
P2P_ID = h20(CLASSIFIER_HASH + AUTHORITY + CLASSIFIER_HASH + b"PNRP")[:16]
OPEN_P2P_ID = h20(CLASSIFIER_HASH + bytes(20) + CLASSIFIER_HASH + b"PNRP")[:16]
ID = P2P_ID + LOCATION


def pad(data):
    return data + bytes(-len(data) % 4)


def element(field, body):
    return struct.pack(">HH", field, 4 + len(body)) + body


def header(kind, message_id):
    return bytes.fromhex("0010000c510500") + bytes([kind]) + struct.pack(">I", message_id)


def endpoint(ip):
    return struct.pack(">H", PORT) + ip


def array(field, kind, entry, entries):
    body = b"".join(entries)
    return element(field, struct.pack(">HHHH", len(entries), 8 + len(body), kind, entry) + body)


ROUTE = pad(element(0x9A, ID + b"\5\0" + struct.pack(">H", PORT) + b"\0\1" + HOST))


def cpa(revoke):
    flags = 0x0C | (0x01 if revoke else 0x20)
    key = struct.pack("<HHHHB", 9 + len(OID) + 32, len(OID), 0, 32, 0) + OID + PUBLIC
    body = bytes([0, 2, 0, 5, flags, 0]) + struct.pack("<Q", NOT_AFTER) + LOCATION[::-1]
    body += (bytes(16) if revoke else NONCE) + AUTHORITY[::-1] + CLASSIFIER_HASH
    if revoke:
        body += struct.pack("<HHHH", 0, 18, 0, 4)
    else:
        body += struct.pack("<HH", 1, 18) + endpoint(HOST)
        body += struct.pack("<HHIH", 1, 30, 1, 20) + HOST + struct.pack(">H", 80) + struct.pack("<H", 6)
    body += key
    body = struct.pack("<H", 2 + len(body) + 72) + body
    return body + signature(body)


def payload(data):
    body = bytes([0, 2, 0, 0]) + struct.pack("<HQ", 74 + len(data), NOT_AFTER) + ID[::-1] + NONCE
    body += struct.pack("<HHIH", 1, 10 + len(data), 0x80000003, len(data)) + data
    body = struct.pack("<H", 2 + len(body) + 72) + body
    return body + signature(body)


solicit = header(1, 0x01020304) + ROUTE + element(0x92, h20(NONCE))
solicit += element(0xF0, bytes(144 - 4 - len(solicit)))
buffer = bytes.fromhex("0040000600000000")
buffer += pad(array(0x85, 0x84, 2, [c.encode("utf-16-be") for c in CLASSIFIER]))
buffer += pad(element(0x5A, payload(b"modern"))) + ROUTE + element(0x9B, cpa(False))
authority = header(8, 0x77777701) + element(0x18, struct.pack(">I", 0x44444401))
authority += element(0x98, struct.pack(">HH", len(buffer), 0)) + buffer
flood = header(4, 0x33333301) + pad(element(0x43, bytes(3))) + element(0x39, OPEN_P2P_ID + LOCATION)
flood += pad(element(0x9C, cpa(True))) + array(0x9E, 0x9D, 18, [endpoint(HOST)])

with open(__file__.rsplit("/", 1)[0] + "/pnrp-modern.hex" if "/" in __file__ else "pnrp-modern.hex", "w") as out:
    out.write("# PNRP messages of the modern profile (docs/modern.md), NAME HEX a line; made by pnrp-modern.py.\n")
    out.write("# authority        %s\n" % AUTHORITY.hex())
    out.write("# ClassifierHash   %s (\"test\")\n" % CLASSIFIER_HASH.hex())
    out.write("# P2P ID           %s (secure), %s (0.test)\n" % (P2P_ID.hex(), OPEN_P2P_ID.hex()))
    out.write("# PNRP ID          %s\n" % ID.hex())
    out.write("# hash of nonce    %s\n" % h20(NONCE).hex())
    out.write("# X01 SOLICIT with route entry; X02 AUTHORITY with classifier, payload, route entry and CPA;\n")
    out.write("# X03 FLOOD with a revoke CPA and one flooded endpoint.\n")
    for name, data in (("X01", solicit), ("X02", authority), ("X03", flood)):
        out.write("%s %s\n" % (name, data.hex()))
