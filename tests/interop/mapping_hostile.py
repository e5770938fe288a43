#!/usr/bin/env python3
"""A gateway that means harm, for mapping.sh: mapping_hostile.py GATEWAY ELSEWHERE WHAT

pcp: wrong nonces, other ports, cut answers, answers of an unasked kind, then the right one.
redirect: a UPnP device whose description is said to lie at ELSEWHERE, by a redirection.
elsewhere: a search's answer that names ELSEWHERE at once.
control: a description at GATEWAY whose control address is at ELSEWHERE.
endless: a description that does not end.  trickle: one that comes a byte a second.
lost: a gateway that tells its address outside once only, and keeps ports.  never: one that never tells it."""
import socket, struct, sys, threading, time

gateway, elsewhere, what = sys.argv[1:4]

def pcp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((gateway, 5351))
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind((gateway, 5352))
    print("ready", flush=True)
    rounds = 0
    while True:
        q, who = s.recvfrom(2048)
        if len(q) < 60 or q[1] != 1:
            continue
        port = q[40:42]
        def answer(nonce, internal, external, result=0, life=3600, proto=q[36]):
            return (bytes([2, 0x81, 0, result]) + struct.pack(">II", life, 100 + rounds) + bytes(12) + nonce +
                    bytes([proto, 0, 0, 0]) + internal + struct.pack(">H", external) + bytes(10) + b"\xff\xff" +
                    bytes([11, 0, 0, 101]))
        right = q[24:36]
        wrong = bytes(b ^ 1 for b in right)
        s.sendto(answer(wrong, port, 6661), who)
        s.sendto(answer(wrong, port, 6661, result=2), who)
        s.sendto(answer(right, b"\0\1", 6662), who)
        s.sendto(answer(right, port, 6663, proto=6), who)
        s.sendto(answer(right, port, 0), who)
        s.sendto(answer(right, port, 6664, life=1), who)
        s.sendto(answer(right, port, 6665)[:50], who)
        s.sendto(answer(right, port, 6665) + b"\0\0\0", who)
        s.sendto(answer(right, port, 6665) + b"\x01\0\0\x10" + bytes(16), who)
        s.sendto(bytes([0, 0x81, 0, 0]) + bytes(12), who)
        other.sendto(answer(right, port, 6666), who)
        rounds += 1
        if rounds == 2:
            s.sendto(answer(right, port, 7777), who)

def http(address, port, handle):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(8)
    def serve():
        while True:
            c, _ = listener.accept()
            def one(c=c):
                try:
                    request = c.recv(4096)
                    print("asked", flush=True)
                    handle(c, request)
                except OSError:
                    pass
                c.close()
            threading.Thread(target=one, daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()

def description(control):
    xml = ('<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>'
           '<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><serviceList><service>'
           '<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>'
           '<controlURL>%s</controlURL><SCPDURL>/x</SCPDURL></service></serviceList></device></root>' % control).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(xml) + xml

def soap(status, action, body):
    text = ('<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body>'
            '</s:Envelope>' % body).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text

told = 0
def keeper(c, request, times):
    global told
    while b"\r\n\r\n" not in request or len(request.split(b"\r\n\r\n", 1)[1]) < length(request):
        request += c.recv(4096)
    action = next((a for a in ("GetExternalIPAddress", "AddPortMapping", "DeletePortMapping") if a.encode() in request), None)
    if action is None:
        c.sendall(description("/ctl"))
        return
    print(action, flush=True)
    told += action == "GetExternalIPAddress"
    if action == "GetExternalIPAddress" and told > times:
        c.sendall(soap(b"500 Internal Server Error", action, "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError"
                       "</faultstring><detail><UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>501"
                       "</errorCode></UPnPError></detail></s:Fault>"))
        return
    address = "<NewExternalIPAddress>11.0.0.101</NewExternalIPAddress>" if action == "GetExternalIPAddress" else ""
    c.sendall(soap(b"200 OK", action, '<u:%sResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">%s'
                   '</u:%sResponse>' % (action, address, action)))

def length(request):
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0

def endless(c, request):
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<?xml version=\"1.0\"?><root>")
    while True:
        c.sendall(b"<a>" * 20000)

def trickle(c, request):
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n")
    while True:
        c.sendall(b"<")
        time.sleep(1)

def ssdp(location):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", 1900))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton("239.255.255.250") + socket.inet_aton(gateway))
    print("ready", flush=True)
    while True:
        q, who = s.recvfrom(2048)
        if q.startswith(b"M-SEARCH"):
            s.sendto(("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                      "USN: uuid:1::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                      "LOCATION: %s\r\n\r\n" % location).encode(), who)
            print("searched", flush=True)

if what == "pcp":
    pcp()
handlers = {"redirect": lambda c, request: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://%s:5001/d.xml\r\nContent-Length: 0\r\n\r\n"
                                            % elsewhere.encode()),
            "control": lambda c, request: c.sendall(description("http://%s:5001/ctl" % elsewhere)),
            "elsewhere": lambda c, request: c.sendall(description("/ctl")), "endless": endless, "trickle": trickle,
            "lost": lambda c, request: keeper(c, request, 1), "never": lambda c, request: keeper(c, request, 0)}
http(gateway, 5000, handlers[what])
ssdp("http://%s:%d/d.xml" % ((elsewhere, 5001) if what == "elsewhere" else (gateway, 5000)))
