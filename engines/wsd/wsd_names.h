/* WS-Discovery: names that both directions use. For the folder's own files only. [MS-PCCRD] 2.2.1, 2.2.3, 4. */
#ifndef ENGINES_WSD_WSD_NAMES_H
#define ENGINES_WSD_WSD_NAMES_H

#include "engines/wsd/wsd_message.h"

#define WSD_SPACE_SOAP "http://www.w3.org/2003/05/soap-envelope"
#define WSD_SPACE_ADDRESSING "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSD_SPACE_DISCOVERY "http://schemas.xmlsoap.org/ws/2005/04/discovery"
#define WSD_SPACE_PEERDIST "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery"

#define WSD_ACTION_PROBE WSD_SPACE_DISCOVERY "/Probe"
#define WSD_ACTION_MATCHES WSD_SPACE_DISCOVERY "/ProbeMatches"
#define WSD_RULE_1 WSD_SPACE_DISCOVERY "/strcmp0"
#define WSD_RULE_2 "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule"
#define WSD_TYPE_1 "PeerDistData"
#define WSD_TYPE_2 "PeerDistDataV2"

#define WSD_HASH_SIZE 32 /* bytes of an ID in version 2 */

#endif
