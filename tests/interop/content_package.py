"""A package of a cache, read from docs/distribution.md (Packages) and [MS-PCCRC] alone: every hash again, and with the
content's bytes every block.

    content_package.py judge FILE CONTENT     with keys: its blocks are CONTENT's, all of it
    content_package.py sealed FILE CONTENT INFO  without: opened with the keys of INFO they are
    content_package.py spoil FILE OUT HOW     a lie told in it
"""
import hashlib
import struct
import sys

import peerdist

ALGORITHMS = {1: (1, "sha256", 32), 2: (1, "sha384", 48), 3: (1, "sha512", 64), 4: (2, "sha512", 32)}


class Block:
    def __init__(self, index, crypto, iv, digest, data):
        self.index, self.crypto, self.iv, self.digest, self.data = index, crypto, iv, digest, data


def records(data):
    """(offset, type, body) of each; an assertion fails where the rules are broken."""
    assert data[:8] == b"PONTOPKG" and struct.unpack_from(">H", data, 8) == (1,), "no package"
    at = 10
    while at < len(data):
        kind, size = struct.unpack_from(">BI", data, at)
        assert kind in (1, 2, 3) and size <= 131200 and at + 5 + size <= len(data)
        yield at, kind, data[at + 5:at + 5 + size]
        at += 5 + size


def segment(body):
    algorithm, keyed, size = struct.unpack_from(">BBI", body)
    version, name, width = ALGORITHMS[algorithm]
    tag, n = body[6:22], body[22]
    identifier, rest = body[23:23 + n], body[23 + n:]
    s = peerdist.Segment(version, name, width, 0, 0, size, rest[:width], rest[width:2 * width])
    s.identifier, s.keyed, s.held, s.tag = identifier, keyed, {}, tag
    if keyed:
        s.blocks = [rest[i:i + width] for i in range(2 * width, len(rest), width)]
        assert s.id() == identifier, "its keys do not make its ID"
        assert len(s.blocks) == (s.count() if version == 1 else 0)
        assert version == 2 or s.hash(b"".join(s.blocks)) == s.hod
    else:
        assert rest == b""
    return s


def block(s, body):
    index, crypto = struct.unpack_from(">HB", body)
    at, iv, digest = 3, None, None
    if crypto:
        iv, at = body[at:at + 16], at + 16
    if not s.keyed:
        digest, at = body[at:at + 32], at + 32
        assert hashlib.sha256(body[at:]).digest() == digest
    assert index not in s.held and index == max([index, *s.held])
    s.held[index] = Block(index, crypto, iv, digest, body[at:])
    if s.keyed:
        assert crypto == 0 and len(body) - at == s.block_size(index)
        assert s.hash(body[at:]) == (s.blocks[index] if s.version == 1 else s.hod)


def read(data):
    segments, end = [], None
    for _, kind, body in records(data):
        assert end is None, "something behind its end"
        if kind == 1:
            segments.append(segment(body))
        elif kind == 2:
            block(segments[-1], body)
        else:
            end = struct.unpack(">QQ", body)
    assert end == (len(segments), sum(len(s.held) for s in segments)), "another end"
    return segments


def judge(data, content):
    whole = b"".join(s.held[i].data for s in read(data) for i in range(s.count()))
    assert all(s.keyed for s in read(data)) and whole == content


def sealed(data, content, info):
    """Its segments in the order of the Content Information."""
    described = {s.id(): s for s in peerdist.Info(info).segments}
    found = read(data)
    assert not any(s.keyed for s in found) and content[:4096] not in data
    opened = b""
    for s in found:
        keys = described[s.identifier]
        assert keys.kp not in data
        for i in range(s.count()):
            opened += peerdist.opened(s.held[i], keys)
    assert opened == content


def spoil(data, how):
    first = {kind: (at, len(body)) for at, kind, body in reversed(list(records(data)))}
    data = bytearray(data)
    if how == "cut":
        return data[:len(data) * 2 // 3]
    if how == "version":
        data[9] = 2
    elif how == "byte":  # of a block's data
        data[first[2][0] + 5 + 1000] ^= 1
    elif how == "count":
        data[-1] ^= 1
    elif how == "length":
        data[first[2][0] + 1] = 0x7f
    elif how == "size":
        data[first[1][0] + 7] = 1  # 16 MiB
    elif how == "key":
        data[first[1][0] + 5 + 23 + 32 + 40] ^= 1
    elif how == "index":
        data[first[2][0] + 5] = 2
    elif how == "behind":
        data += b"x"
    else:
        raise ValueError(how)
    return data


def main(what, file, *more):
    data = open(file, "rb").read()
    if what == "judge":
        judge(data, open(more[0], "rb").read())
    elif what == "sealed":
        sealed(data, open(more[0], "rb").read(), open(more[1], "rb").read())
    else:
        open(more[0], "wb").write(spoil(data, more[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
