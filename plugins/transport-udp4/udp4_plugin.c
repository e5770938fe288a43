#include "plugins/transport-udp6/udp_transport.h"

UDP_PLUGIN(transport_udp4, "transport-udp4", PONTO_FAMILY_IPV4, "UDP over IPv4");
