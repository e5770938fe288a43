#include "plugins/transport-udp6/udp_transport.h"

UDP_PLUGIN(transport_udp6, "transport-udp6", PONTO_FAMILY_IPV6, "UDP over IPv6");
