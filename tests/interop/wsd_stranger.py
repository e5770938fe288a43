#!/usr/bin/env python3
"""Stands for others on the wire of [MS-PCCRD]; written from the specification alone, with none of Ponto's code.

ask    INTERFACE 4|6|both VERSION ID...   one Probe; what answers say, a line each: until a second after the first
hush   INTERFACE 4|6|both VERSION ID...   the same for a second, where none is expected, or for one of several tries
burst  INTERFACE 4|6 COUNT FIRST          a Probe for each of COUNT IDs made of FIRST and behind, all at once
peer   INTERFACE 4|6 FORM...              a neighbour that holds everything; FORM: an XAddrs entry
listen INTERFACE COUNT                    another WS-Discovery program on the same port: what it hears, until that many
flood  INTERFACE 4|6 COUNT                junk, and questions by the thousand
foreign INTERFACE                         questions and greetings of printers

Answers are read twice: for the bare tags, as programs in firmware do, and as XML."""
import base64
import re
import socket
import struct
import sys
import time
import uuid
import xml.etree.ElementTree as ET

PORT = 3702
NS = {
    "soap": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsd": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "PeerDist": "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery",
}
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<soap:Envelope '
    + " ".join('xmlns:%s="%s"' % pair for pair in NS.items())
    + ">\n<soap:Header>\n%s</soap:Header>\n<soap:Body>\n%s</soap:Body>\n</soap:Envelope>\n"
)
RULES = {
    1: NS["wsd"] + "/strcmp0",
    2: "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule",
}
TYPES = {1: "PeerDist:PeerDistData", 2: "PeerDist:PeerDistDataV2"}


def open_socket(interface, family, member=False):
    index = socket.if_nametoindex(interface)
    if family == "6":
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        group = socket.inet_pton(socket.AF_INET6, "ff02::c") + struct.pack("@i", index)
        option, to = (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP), ("ff02::c", PORT, 0, index)
    else:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        group = socket.inet_aton("239.255.255.250") + struct.pack("@4si", b"\0" * 4, index)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", b"\0" * 4, b"\0" * 4, index))
        option, to = (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP), ("239.255.255.250", PORT)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    if member:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", PORT))
        s.setsockopt(*option, group)
    return s, to


def probe(version, ids):
    name = "urn:uuid:" + str(uuid.uuid4())
    if version == 1:
        scopes = " ".join(i.hex().upper() for i in ids)
    else:
        scopes = base64.b64encode(struct.pack(">HB", 32, len(ids)) + b"".join(ids)).decode()
    header = (
        "<wsa:To>\nurn:schemas-xmlsoap-org:ws:2005:04:discovery\n</wsa:To>\n<wsa:Action>\n%s/Probe\n</wsa:Action>\n"
        "<wsa:MessageID>\n%s\n</wsa:MessageID>\n" % (NS["wsd"], name)
    )
    body = '<wsd:Probe>\n<wsd:Types>\n%s\n</wsd:Types>\n<wsd:Scopes MatchBy="%s">\n%s\n</wsd:Scopes>\n</wsd:Probe>\n' % (
        TYPES[version], RULES[version], scopes)
    return name, (ENVELOPE % (header, body)).encode()


def bare(text, tag):
    """As firmware does: the tag as it stands, without attributes."""
    found = re.findall("<%s>(.*?)</%s>" % (tag, tag), text, re.S)
    return found[0].split() if len(found) == 1 else ["no", "single", tag]


def read_answer(data):
    text = data.decode()
    tree = ET.fromstring(data)
    get = lambda path: (tree.findtext(path, None, NS) or "").strip()
    match = "soap:Body/wsd:ProbeMatches/wsd:ProbeMatch/"
    sequence = tree.find("soap:Header/wsd:AppSequence", NS)
    a = {
        "relates": get("soap:Header/wsa:RelatesTo"),
        "to": get("soap:Header/wsa:To").endswith("/addressing/role/anonymous"),
        "action": get("soap:Header/wsa:Action") == NS["wsd"] + "/ProbeMatches",
        "name": get("soap:Header/wsa:MessageID"),
        "instance": int(sequence.get("InstanceId")),
        "number": int(sequence.get("MessageNumber")),
        "address": get(match + "wsa:EndpointReference/wsa:Address"),
        "types": get(match + "wsd:Types"),
        "scopes": get(match + "wsd:Scopes").split(),
        "xaddrs": get(match + "wsd:XAddrs").split(),
        "version": get(match + "wsd:MetadataVersion"),
        "blocks": get(match + "PeerDist:PeerDistData/PeerDist:BlockCount"),
        "ages": get(match + "PeerDist:PeerDistData/PeerDist:SegmentAges"),
    }
    a["bare"] = bare(text, "wsd:Scopes") == a["scopes"] and bare(text, "wsd:XAddrs") == a["xaddrs"]
    if a["version"] == "1":
        a["bare"] &= bare(text, "PeerDist:BlockCount") == [a["blocks"]]
    return a


def tell(a, source):
    uri = re.fullmatch(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", a["address"]) is not None
    good = a["to"] and a["action"] and uri and abs(a["instance"] - time.time()) < 600 and a["name"].startswith("urn:uuid:")
    print("answer good=%d bare=%d number=%d types=%s version=%s scopes=%s xaddrs=%s blocks=%s ages=%s from=%s" % (
        good, a["bare"], a["number"], a["types"], a["version"], ",".join(a["scopes"]), ",".join(a["xaddrs"]),
        a["blocks"], a["ages"], source[0].split("%")[0]))


def collect(sockets, seconds, enough=1 << 30):
    got, end = [], time.monotonic() + seconds
    for s in sockets:
        s.settimeout(0.02)
    while time.monotonic() < end and len(got) < enough:
        for s in sockets:
            try:
                got.append(s.recvfrom(65535))
            except socket.timeout:
                pass
    return got


def ask(interface, family, version, *ids, patience=60):
    name, text = probe(int(version), [bytes.fromhex(i) for i in ids])
    pairs = [open_socket(interface, f) for f in (("4", "6") if family == "both" else (family,))]
    for s, to in pairs:
        s.sendto(text, to)
    sockets = [s for s, _ in pairs]
    for data, source in collect(sockets, patience, 1) + collect(sockets, 1):
        a = read_answer(data)
        assert a["relates"] == name
        tell(a, source)


def hush(*question):
    ask(*question, patience=0)


def burst(interface, family, count, first):
    s, to = open_socket(interface, family)
    wanted = {}
    for i in range(int(count)):
        identity = (int(first, 16) + i).to_bytes(32, "big")
        name, text = probe(1, [identity])
        wanted[name] = identity.hex().upper()
        s.sendto(text, to)
    for data, _ in collect([s], 60, len(wanted)):
        a = read_answer(data)
        if a["bare"] and a["scopes"] == [wanted.get(a["relates"])]:
            del wanted[a["relates"]]
    print("unanswered %d" % len(wanted))


def peer(interface, family, *forms):
    s, _ = open_socket(interface, family, member=True)
    print("ready", flush=True)
    while True:
        data, source = s.recvfrom(65535)
        tree = ET.fromstring(data)
        get = lambda path: (tree.findtext(path, None, NS) or "").strip()
        if get("soap:Header/wsa:Action") != NS["wsd"] + "/Probe":
            continue
        version = 2 if get("soap:Body/wsd:Probe/wsd:Types").endswith("V2") else 1
        assert tree.find("soap:Body/wsd:Probe/wsd:Scopes", NS).get("MatchBy") == RULES[version]
        scopes = get("soap:Body/wsd:Probe/wsd:Scopes").split()
        if version == 1:
            assert all(re.fullmatch("([0-9A-F]{2})+", i) for i in scopes)
            told, count = " ".join(scopes), len(scopes)
            extra = "<PeerDist:BlockCount>%s</PeerDist:BlockCount>" % "".join("%08X" % (42 + i) for i in range(count))
        else:
            assert len(scopes) == 1
            raw = base64.b64decode(scopes[0], validate=True)
            size, count = struct.unpack(">HB", raw[:3])
            assert size == 32 and len(raw) == 3 + 32 * count
            bits = "11" * (count - 1) + "10"
            bits += "0" * (-len(bits) % 8)
            told = base64.b64encode(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))).decode()
            extra = "<PeerDist:SegmentAges>%s</PeerDist:SegmentAges>" % base64.b64encode(
                bytes([0, 1, 3, 1, 0, 0x60, 0xEA, 0])).decode()
        print("probed %d %d over %s from %s" % (version, count, family, source[0].split("%")[0]), flush=True)
        header = (
            "<wsa:To>%s/role/anonymous</wsa:To><wsa:Action>%s/ProbeMatches</wsa:Action>"
            "<wsa:MessageID>urn:uuid:%s</wsa:MessageID><wsa:RelatesTo>%s</wsa:RelatesTo>"
            '<wsd:AppSequence InstanceId="1218765447" MessageNumber="4"></wsd:AppSequence>\n'
            % (NS["wsa"], NS["wsd"], uuid.uuid4(), get("soap:Header/wsa:MessageID")))
        body = (
            "<wsd:ProbeMatches><wsd:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:%s</wsa:Address>"
            "</wsa:EndpointReference>\n<wsd:Types>\n%s\n</wsd:Types>\n<wsd:Scopes>\n%s\n</wsd:Scopes>\n"
            "<wsd:XAddrs>\n%s\n</wsd:XAddrs><wsd:MetadataVersion>%d</wsd:MetadataVersion>"
            "<PeerDist:PeerDistData>%s</PeerDist:PeerDistData></wsd:ProbeMatch></wsd:ProbeMatches>\n"
            % (uuid.uuid4(), TYPES[version], told, " ".join(forms), version, extra))
        s.sendto((ENVELOPE % (header, body)).encode(), source)


def listen(interface, count):
    pairs = [open_socket(interface, family, member=True) for family in ("4", "6")]
    print("ready", flush=True)
    for data, source in collect([s for s, _ in pairs], 60, int(count)):
        kind = re.search(rb"discovery/(\w+)\s*</", data)
        print("heard %s" % (kind.group(1).decode() if kind else "junk"), flush=True)


def flood(interface, family, count):
    s, to = open_socket(interface, family)
    junk = [b"", b"\0" * 1400, b"<a>" * 400, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', probe(1, [bytes(32)])[1][:-40]]
    for i in range(int(count)):
        s.sendto(junk[i % len(junk)] if i % 2 else probe(1, [bytes(32)])[1], to)


def foreign(interface):
    header = "<wsa:Action>%s/%s</wsa:Action><wsa:MessageID>urn:uuid:%s</wsa:MessageID>"
    for family in ("4", "6"):
        s, to = open_socket(interface, family)
        hello = ENVELOPE % (header % (NS["wsd"], "Hello", uuid.uuid4()), "<wsd:Hello/>")
        printer = ENVELOPE % (header % (NS["wsd"], "Probe", uuid.uuid4()),
                              '<wsd:Probe><wsd:Types xmlns:p="urn:printers">p:Printer</wsd:Types></wsd:Probe>')
        for text in (hello, printer):
            s.sendto(text.encode(), to)
        print("answers %d" % len(collect([s], 0.5)))


if __name__ == "__main__":
    {"ask": ask, "hush": hush, "burst": burst, "peer": peer, "listen": listen, "flood": flood, "foreign": foreign}[sys.argv[1]](*sys.argv[2:])
