#!/usr/bin/env python3
"""What kind of NAT is between here and there, found as RFC 3489 does.

nat_probe.py serve ADDRESS ADDRESS   answers on the ports 7000 and 7001 of the first, 7000 of the second
nat_probe.py ask ADDRESS ADDRESS     prints the kind
"""
import select
import socket
import sys


def places(first, second):
    return [(first, 7000), (first, 7001), (second, 7000)]


def serve(first, second):
    """A question's first byte says which place is to answer; the answer is from where the question came."""
    sockets = []
    for place in places(first, second):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(place)
        sockets.append(s)
    print("ready", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            question, peer = s.recvfrom(64)
            sockets[question[0]].sendto(question + ("%s:%d" % peer).encode(), peer)


def ask(s, place, replier, tag):
    s.sendto(bytes([replier, tag]), place)


def answers(s, fence, patience=2.0):
    """{tag: (answer, from)} up to the answer tagged fence, which passes the NAT whatever its kind."""
    got = {}
    s.settimeout(patience)
    try:
        while fence not in got:
            answer, peer = s.recvfrom(64)
            got[answer[1]] = (answer[2:].decode(), peer)
    except socket.timeout:
        pass
    return got


def kind(first, second):
    where = places(first, second)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ask(s, where[0], 1, 1)  # from another port
    ask(s, where[0], 2, 2)  # from another address
    ask(s, where[0], 0, 3)
    got = answers(s, 3)
    if 3 not in got:
        return "blocked"
    ask(s, where[2], 2, 4)
    mapped = answers(s, 4)
    if 4 not in mapped or mapped[4][0] != got[3][0]:
        return "symmetric"
    if 2 in got:
        return "full-cone"
    return "address-restricted" if 1 in got else "port-restricted"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:4])
    else:
        print(kind(*sys.argv[2:4]))
