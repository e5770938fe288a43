-- Wireshark dissector for the Peer Name Resolution Protocol 4.0.
--
-- Written from the text of [MS-PNRP] v20; section numbers below are those of
-- that document. Strict: what section 2 forbids is flagged, never repaired.
--
--   ponto_pnrp.malformed   error    the syntax breaks a MUST of section 2.2
--   ponto_pnrp.invalid     error    the syntax is right, a hash, ID or nonce is not (3.1.5.7, 3.1.5.8)
--   ponto_pnrp.suspicious  warning  allowed or unstated, but not what a sender should emit
--   ponto_pnrp.nonzero     note     nonzero reserved bits or padding (ignored on receipt)
--   ponto_pnrp.cut         note     the capture holds only a part of the datagram
--
-- Header major version 5 is the "modern" profile: the same messages with other
-- key and signature sizes (OID 1.3.101.112, 32 and 64 bytes).
--
-- Works with Lua 5.2 (Wireshark up to 4.2) and 5.4 (from 4.4).

local pnrp = Proto("ponto_pnrp", "Peer Name Resolution Protocol 4.0 (MS-PNRP)")

pnrp.prefs.ports = Pref.range("UDP ports", "3540",
	"Ports decoded as PNRP even if the header is damaged (1.9); others are recognised by their header", 65535)

local HEADER_LEN = 12
local MAX_BUFFER = 37348 -- 2.2.2.6 Size
local FRAGMENT = 1188 -- 2.2.2.6 Offset, 3.2.5.10

-- Names ---------------------------------------------------------------------

local SOLICIT, ADVERTISE, REQUEST, FLOOD, INQUIRE, AUTHORITY, ACK, LOOKUP = 1, 2, 3, 4, 7, 8, 9, 11

local TYPES = {
	[SOLICIT] = "SOLICIT", [ADVERTISE] = "ADVERTISE", [REQUEST] = "REQUEST", [FLOOD] = "FLOOD",
	[INQUIRE] = "INQUIRE", [AUTHORITY] = "AUTHORITY", [ACK] = "ACK", [LOOKUP] = "LOOKUP",
}

local FIELDS = { -- 2.2
	[0x0010] = "PNRP_HEADER", [0x0018] = "PNRP_HEADER_ACKED", [0x0030] = "PNRP_ID",
	[0x0038] = "TARGET_PNRP_ID", [0x0039] = "VALIDATE_PNRP_ID", [0x0040] = "FLAGS_FIELD",
	[0x0043] = "FLOOD_CONTROLS", [0x0044] = "SOLICIT_CONTROLS", [0x0045] = "LOOKUP_CONTROLS",
	[0x005A] = "EXTENDED_PAYLOAD", [0x0060] = "PNRP_ID_ARRAY", [0x0080] = "CERT_CHAIN",
	[0x0084] = "WCHAR", [0x0085] = "CLASSIFIER", [0x0092] = "HASHED_NONCE", [0x0093] = "NONCE",
	[0x0098] = "SPLIT_CONTROLS", [0x009A] = "ROUTING_ENTRY", [0x009B] = "VALIDATE_CPA",
	[0x009C] = "REVOKE_CPA", [0x009D] = "IPV6_ENDPOINT", [0x009E] = "IPV6_ENDPOINT_ARRAY",
	[0x00F0] = "PADDING", -- modern
}

local SOLICIT_TYPES = { [0] = "ANY", [1] = "LOCAL" }
local CRITERIA = {
	[0] = "NONE", [1] = "ANY_PEERNAME", [2] = "NEAREST_PEERNAME", [4] = "NEAREST64_PEERNAME", [8] = "UPPER_BITS",
}
local REASONS = { [0] = "APP_REQUEST", [1] = "REGISTRATION", [2] = "CACHE_MAINTENANCE", [3] = "SPLIT_DETECTION" }
local EXT_TYPES = { [0x80000002] = "string", [0x80000003] = "binary" }
local STRING_TYPES = { [0] = "Unicode", [1] = "UTF-8" }
local ALG_IDS = { [0x00008004] = "RSASSA-PKCS1-v1_5 with SHA-1" }

local OID_RSA = "1.2.840.113549.1.1.1"

-- Fields --------------------------------------------------------------------

local F = {}
local field_list = {}
local function field(key, f)
	F[key] = f
	field_list[#field_list + 1] = f
end
local function u(kind, key, abbr, name, base_, values, mask)
	field(key, ProtoField[kind]("ponto_pnrp." .. abbr, name, base_ or base.DEC, values, mask))
end
local function flag(key, abbr, name, width, mask)
	field(key, ProtoField.bool("ponto_pnrp." .. abbr, name, width, nil, mask))
end
local function raw(key, abbr, name) field(key, ProtoField.bytes("ponto_pnrp." .. abbr, name)) end
local function text(key, abbr, name) field(key, ProtoField.string("ponto_pnrp." .. abbr, name)) end
local function group(key, abbr, name) field(key, ProtoField.none("ponto_pnrp." .. abbr, name)) end

group("element", "element", "Element")
u("uint16", "field_id", "field_id", "FieldID", base.HEX, FIELDS)
u("uint16", "length", "length", "Length")
raw("padding", "padding", "Padding")
raw("undecoded", "undecoded", "Undecoded bytes")

-- Header (2.2.1)
u("uint8", "identifier", "identifier", "Identifier", base.HEX)
u("uint8", "major", "version_major", "Version, major")
u("uint8", "minor", "version_minor", "Version, minor")
u("uint8", "type", "type", "Message type", base.HEX, TYPES)
u("uint32", "message_id", "message_id", "Message ID", base.HEX)
text("profile", "profile", "Profile")

-- Elements of more than one message
u("uint32", "acked_id", "acked_id", "Acked Message ID", base.HEX)
field("request_in", ProtoField.framenum("ponto_pnrp.request_in", "Answers the message in frame"))
raw("nonce", "nonce", "Nonce")
raw("hashed_nonce", "hashed_nonce", "Hashed nonce")
raw("pnrp_id", "pnrp_id", "PNRP ID")
raw("validate_id", "validate_id", "Validate PNRP ID")
raw("target_id", "target_id", "Target PNRP ID")
u("uint16", "array_count", "array.count", "NumEntries")
u("uint16", "array_length", "array.length", "ArrayLength")
u("uint16", "array_type", "array.type", "ElementFieldType", base.HEX, FIELDS)
u("uint16", "array_entry_length", "array.entry_length", "EntryLength")
group("endpoint", "endpoint", "Endpoint")
u("uint16", "endpoint_port", "endpoint.port", "Port")
field("endpoint_address", ProtoField.ipv6("ponto_pnrp.endpoint.address", "Address"))
text("path", "path", "Flagged path, endpoint")
text("flooded", "flooded", "Already flooded, endpoint")

-- Controls and flags
u("uint16", "flags", "flags", "Flags", base.HEX)
flag("flag_d", "flags.d", "D: no ACK wanted", 16, 0x0001)
flag("flag_a", "flags.a", "A: CPA wanted", 16, 0x0010)
flag("flag_x", "flags.x", "X: extended payload wanted", 16, 0x0008)
flag("flag_c", "flags.c", "C: certificate chain wanted", 16, 0x0004)
flag("flag_l", "flags.l", "L: target would be in the leaf set", 16, 0x0200)
flag("flag_b", "flags.b", "B: busy", 16, 0x0008)
flag("flag_n", "flags.n", "N: not found", 16, 0x0001)
flag("flag_any", "flags.not_closer", "A: nodes not closer are accepted", 16, 0x0002)
u("uint8", "reserved8", "reserved8", "Reserved", base.HEX)
u("uint16", "reserved16", "reserved16", "Reserved", base.HEX)
u("uint8", "solicit_type", "solicit_type", "SolicitType", base.DEC, SOLICIT_TYPES)
u("uint16", "precision", "precision", "Precision")
u("uint8", "criteria", "criteria", "ResolveCriteria", base.DEC, CRITERIA)
u("uint8", "reason", "reason", "ResolveReasonCode", base.DEC, REASONS)

-- Fragmentation (2.2.2.6)
u("uint16", "split_size", "split.size", "Size")
u("uint16", "split_offset", "split.offset", "Offset")
raw("fragment", "fragment", "Fragment")
field("reassembled_in", ProtoField.framenum("ponto_pnrp.reassembled_in", "Reassembled in frame"))
u("uint32", "reassembled_length", "reassembled.length", "Reassembled length")
u("uint32", "reassembled_fragments", "reassembled.fragments", "Fragments")

-- ROUTE_ENTRY (2.2.3.4)
group("route", "route_entry", "Route entry")
raw("route_id", "route_entry.pnrp_id", "PNRP ID")
u("uint8", "route_major", "route_entry.version_major", "PNRP version, major")
u("uint8", "route_minor", "route_entry.version_minor", "PNRP version, minor")
u("uint16", "route_port", "route_entry.port", "Port")
u("uint8", "route_flags", "route_entry.flags", "Flags (reserved)", base.HEX)
u("uint8", "route_count", "route_entry.count", "Address count")
field("route_address", ProtoField.ipv6("ponto_pnrp.route_entry.address", "Address"))

-- Certificate chain and classifier (2.2.2.6.1)
raw("chain", "cert_chain", "Certificate chain (DER)")
text("chain_hint", "cert_chain.hint", "Content")
text("classifier", "classifier", "Classifier")

-- Encoded CPA (2.2.3.1)
group("cpa", "cpa", "Encoded CPA")
u("uint16", "cpa_length", "cpa.length", "CPA Length")
u("uint8", "cpa_minor", "cpa.version_minor", "CPA version, minor")
u("uint8", "cpa_major", "cpa.version_major", "CPA version, major")
u("uint8", "cpa_pnrp_minor", "cpa.pnrp_minor", "PNRP version, minor")
u("uint8", "cpa_pnrp_major", "cpa.pnrp_major", "PNRP version, major")
u("uint8", "cpa_flags", "cpa.flags", "Flags", base.HEX)
flag("cpa_x", "cpa.flags.x", "X: an extended payload exists", 8, 0x20)
flag("cpa_f", "cpa.flags.f", "F: friendly name", 8, 0x10)
flag("cpa_c", "cpa.flags.c", "C: classifier hash", 8, 0x08)
flag("cpa_a", "cpa.flags.a", "A: authority", 8, 0x04)
flag("cpa_u", "cpa.flags.u", "U: the friendly name is UTF-8", 8, 0x02)
flag("cpa_r", "cpa.flags.r", "R: revoke", 8, 0x01)
field("cpa_not_after", ProtoField.absolute_time("ponto_pnrp.cpa.not_after", "Not After", base.UTC))
text("cpa_location", "cpa.service_location", "Service location")
raw("cpa_nonce", "cpa.nonce", "Nonce")
text("cpa_authority", "cpa.authority", "Binary authority")
raw("cpa_classifier_hash", "cpa.classifier_hash", "Classifier hash")
u("uint16", "cpa_name_length", "cpa.friendly_name.length", "Friendly name length")
text("cpa_name", "cpa.friendly_name", "Friendly name")
u("uint16", "cpa_address_count", "cpa.address_count", "NumServiceAddresses")
u("uint16", "cpa_address_length", "cpa.address_length", "ServiceAddressLength")
text("cpa_address", "cpa.service_address", "Service address")
u("uint16", "cpa_payloads", "cpa.payload.count", "NumPayloads")
u("uint16", "cpa_total", "cpa.payload.total", "Total Bytes")
group("cpa_payload", "cpa.payload", "Payload")
u("uint32", "cpa_payload_type", "cpa.payload.type", "Type", base.HEX, { [1] = "IPv6 endpoints" })
u("uint16", "cpa_payload_length", "cpa.payload.length", "DataLength")
group("app", "cpa.app", "Application endpoint")
field("app_address", ProtoField.ipv6("ponto_pnrp.cpa.app.address", "Address"))
u("uint16", "app_port", "cpa.app.port", "Port")
u("uint16", "app_protocol", "cpa.app.protocol", "Protocol", base.DEC, { [6] = "TCP", [17] = "UDP" })
text("cpa_pnrp_id", "cpa.pnrp_id", "PNRP ID of this CPA")
field("cpa_key_ok", ProtoField.bool("ponto_pnrp.cpa.authority_is_key", "The authority is the hash of the key"))

-- CPA Public Key (2.2.3.1.4) and SIGNATURE (2.2.3.2)
group("key", "key", "Public key")
u("uint16", "key_length", "key.length", "Field Length")
u("uint16", "key_oid_length", "key.oid_length", "Algorithm ObjId Length")
u("uint16", "key_reserved", "key.reserved", "Reserved", base.HEX)
u("uint16", "key_data_length", "key.data_length", "PublicKey cbData")
u("uint8", "key_unused", "key.unused", "PublicKey Unused", base.HEX)
text("key_oid", "key.oid", "Algorithm ObjId")
raw("key_data", "key.data", "PublicKey Data")
raw("key_modulus", "key.modulus", "Modulus")
raw("key_exponent", "key.exponent", "Exponent")
group("sig", "signature", "Signature")
u("uint16", "sig_length", "signature.length", "Field Length")
u("uint16", "sig_data_length", "signature.data_length", "Signature Length")
u("uint32", "sig_alg", "signature.alg_id", "ALG_ID", base.HEX, ALG_IDS)
raw("sig_data", "signature.data", "Signature Data")

-- EXTENDED_PAYLOAD (2.2.3.3)
group("ext", "ext", "Extended payload")
u("uint16", "ext_length", "ext.length", "Length")
u("uint8", "ext_minor", "ext.version_minor", "Version, minor")
u("uint8", "ext_major", "ext.version_major", "Version, major")
u("uint16", "ext_reserved", "ext.reserved", "Reserved", base.HEX)
u("uint16", "ext_sig_offset", "ext.signature_offset", "Signature Offset")
field("ext_not_after", ProtoField.absolute_time("ponto_pnrp.ext.not_after", "Not After", base.UTC))
text("ext_id", "ext.pnrp_id", "PNRP ID")
raw("ext_nonce", "ext.nonce", "Nonce")
u("uint16", "ext_count", "ext.payload.count", "Number of Payloads")
u("uint16", "ext_total", "ext.payload.total", "Total Payload Bytes")
u("uint32", "ext_type", "ext.payload.type", "Payload Type", base.HEX, EXT_TYPES)
u("uint16", "ext_payload_length", "ext.payload.length", "Payload Length")
u("uint16", "ext_string_type", "ext.string_type", "String Type", base.DEC, STRING_TYPES)
text("ext_string", "ext.string", "Payload")
raw("ext_data", "ext.data", "Payload")

pnrp.fields = field_list

local EX = {
	malformed = ProtoExpert.new("ponto_pnrp.malformed", "Malformed PNRP", expert.group.MALFORMED, expert.severity.ERROR),
	invalid = ProtoExpert.new("ponto_pnrp.invalid", "Invalid PNRP data", expert.group.SECURITY, expert.severity.ERROR),
	suspicious = ProtoExpert.new("ponto_pnrp.suspicious", "Suspicious PNRP data",
		expert.group.PROTOCOL, expert.severity.WARN),
	nonzero = ProtoExpert.new("ponto_pnrp.nonzero", "Reserved bits or padding not zero",
		expert.group.PROTOCOL, expert.severity.NOTE),
	cut = ProtoExpert.new("ponto_pnrp.cut", "Datagram cut by the capture",
		expert.group.UNDECODED, expert.severity.NOTE),
}
pnrp.experts = { EX.malformed, EX.invalid, EX.suspicious, EX.nonzero, EX.cut }

-- State that outlives one packet --------------------------------------------

local reassembly -- Message ID + source -> unfinished AUTHORITY_BUFFER (3.1.5.6)
local outcomes -- fragment -> what the first pass found out about it
local requests -- Message ID + requester -> { frame, type, nonce }
local answers -- answering frame -> its request

function pnrp.init()
	reassembly, outcomes, requests, answers = {}, {}, {}, {}
end

-- SHA-1 (RFC 3174), to check authorities, classifier hashes and PNRP IDs -----

local bits = bit32 or bit
if not bits and load then -- Lua 5.4 without a bit library has operators, which 5.2 cannot parse
	local make = load([[return {
		band = function(a, b) return a & b end, bor = function(a, b) return a | b end,
		bxor = function(a, b) return a ~ b end, bnot = function(a) return ~a & 0xffffffff end,
		rol = function(a, n) a = a & 0xffffffff; return ((a << n) | (a >> (32 - n))) & 0xffffffff end }]])
	bits = make and make()
end

local function sha1(message)
	local band, bor, bxor, bnot = bits.band, bits.bor, bits.bxor, bits.bnot
	local rol = bits.lrotate or bits.rol
	local length = #message
	message = message .. "\128" .. string.rep("\0", (55 - length) % 64) .. "\0\0\0\0"
		.. string.char(math.floor(length / 2 ^ 21) % 256, math.floor(length / 2 ^ 13) % 256,
			math.floor(length / 2 ^ 5) % 256, length * 8 % 256)
	local h0, h1, h2, h3, h4 = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
	local w = {}
	for block = 1, #message, 64 do
		for i = 0, 15 do
			local b1, b2, b3, b4 = message:byte(block + i * 4, block + i * 4 + 3)
			w[i] = b1 * 0x1000000 + b2 * 0x10000 + b3 * 0x100 + b4
		end
		for i = 16, 79 do
			w[i] = rol(bxor(bxor(w[i - 3], w[i - 8]), bxor(w[i - 14], w[i - 16])), 1)
		end
		local a, b, c, d, e = h0, h1, h2, h3, h4
		for i = 0, 79 do
			local f, k
			if i < 20 then
				f, k = bor(band(b, c), band(bnot(b), d)), 0x5A827999
			elseif i < 40 then
				f, k = bxor(bxor(b, c), d), 0x6ED9EBA1
			elseif i < 60 then
				f, k = bor(bor(band(b, c), band(b, d)), band(c, d)), 0x8F1BBCDC
			else
				f, k = bxor(bxor(b, c), d), 0xCA62C1D6
			end
			-- % 2^32 also folds the signed results of the BitOp library.
			local t = (rol(a, 5) % 2 ^ 32 + f % 2 ^ 32 + e % 2 ^ 32 + k + w[i] % 2 ^ 32) % 2 ^ 32
			if math.tointeger then t = math.tointeger(t) end
			a, b, c, d, e = t, a, rol(b, 30), c, d
		end
		h0, h1, h2, h3, h4 = (h0 + a) % 2 ^ 32, (h1 + b) % 2 ^ 32, (h2 + c) % 2 ^ 32,
			(h3 + d) % 2 ^ 32, (h4 + e) % 2 ^ 32
		if math.tointeger then
			h0, h1, h2, h3, h4 = math.tointeger(h0), math.tointeger(h1), math.tointeger(h2),
				math.tointeger(h3), math.tointeger(h4)
		end
	end
	local out = {}
	for _, h in ipairs({ h0, h1, h2, h3, h4 }) do
		out[#out + 1] = string.char(math.floor(h / 2 ^ 24) % 256, math.floor(h / 2 ^ 16) % 256,
			math.floor(h / 2 ^ 8) % 256, h % 256)
	end
	return table.concat(out)
end

-- Byte helpers --------------------------------------------------------------

local function bytes_of(c, off, n) return n > 0 and c.tvb:raw(off, n) or "" end

local function hex(s)
	return (s:gsub(".", function(ch) return string.format("%02x", ch:byte()) end))
end

local function u16(c, off) return c.tvb(off, 2):uint() end
local function u16le(c, off) return c.tvb(off, 2):le_uint() end
local function u8(c, off) return c.tvb(off, 1):uint() end

local function has(value, mask) return math.floor(value / mask) % 2 == 1 end

-- 100-nanosecond intervals since 1601 (UTC) as a Wireshark time.
local function filetime(c, off)
	local v, second = c.tvb(off, 8):le_uint64(), UInt64.new(10000000)
	return NSTime.new((v / second):tonumber() - 11644473600, (v % second):tonumber() * 100)
end

-- Reporting -----------------------------------------------------------------

local function report(c, kind, item, format, ...)
	(item or c.root):add_proto_expert_info(EX[kind], string.format(format, ...))
end

local function bad(c, item, format, ...)
	c.bad = true
	report(c, "malformed", item, format, ...)
end

-- True if n bytes are left. A datagram shortened by the capture is no fault.
local function need(c, item, off, n, limit, what)
	if off + n <= limit then return true end
	if c.cut then
		report(c, "cut", item, "%s: the capture ends here", what)
	else
		bad(c, item, "%s: %d bytes are needed, %d are left", what, n, math.max(limit - off, 0))
	end
	return false
end

local function must(c, item, ok, format, ...)
	if not ok then bad(c, item, format, ...) end
	return ok
end

local function zero(c, item, value, what)
	if value ~= 0 then report(c, "nonzero", item, "%s: 0x%x instead of zero", what, value) end
end

-- Bytes after the last thing that may be there.
local function leftover(c, tree, off, limit)
	if off >= limit then return end
	tree:add(F.undecoded, c.tvb(off, limit - off))
	bad(c, tree, "%d bytes after the end of the layout", limit - off)
end

-- Elements (2.2) ------------------------------------------------------------

local function peek(c, off, limit)
	if off + 2 > limit then return nil end
	return u16(c, off)
end

-- Opens the element that must start at off; gives its tree, body and end.
local function open(c, tree, off, limit, id)
	if not need(c, tree, off, 4, limit, FIELDS[id]) then return nil end
	local found, length = u16(c, off), u16(c, off + 2)
	if found ~= id then
		tree:add(F.undecoded, c.tvb(off, limit - off))
		bad(c, tree, "FieldID 0x%04x (%s) where %s (0x%04x) must be", found, FIELDS[found] or "unknown", FIELDS[id], id)
		return nil
	end
	local shown = math.max(math.min(length, limit - off), 4)
	local item = tree:add(F.element, c.tvb(off, shown))
	item:set_text(string.format("%s (0x%04x), %d bytes", FIELDS[id], id, length))
	item:add(F.field_id, c.tvb(off, 2))
	item:add(F.length, c.tvb(off + 2, 2))
	if not must(c, item, length >= 4, "%s: Length %d is below 4", FIELDS[id], length) then return nil end
	if not need(c, item, off, length, limit, FIELDS[id]) then return nil end
	return item, off + 4, off + length
end

-- The same for an element of one possible length.
local function open_fixed(c, tree, off, limit, id, length)
	local item, body, stop = open(c, tree, off, limit, id)
	if not item then return nil end
	if not must(c, item, stop - off == length, "%s: Length %d, must be %d", FIELDS[id], stop - off, length) then
		return nil
	end
	return item, body, stop
end

-- Padding to the next 4-byte boundary of the message. `last`: nothing has to
-- follow, so a sender that saved these bytes is only suspicious.
local function pad(c, item, off, limit, last)
	local n = -off % 4
	if n == 0 then return off end
	if last and off == limit then
		report(c, "suspicious", item, "The %d padding bytes of the layout are missing at the end", n)
		return off
	end
	if not need(c, item, off, n, limit, "padding") then return nil end
	local range = c.tvb(off, n)
	zero(c, item:add(F.padding, range), range:uint(), "Padding")
	return off + n
end

local function simple(c, tree, off, limit, id, key, length)
	local item, body, stop = open_fixed(c, tree, off, limit, id, length + 4)
	if not item then return nil end
	local range = c.tvb(body, length)
	item:add(F[key], range)
	item:append_text(": " .. hex(bytes_of(c, body, length)))
	return stop, item
end

-- FieldID, Length, NumEntries, ArrayLength, ElementFieldType, EntryLength and
-- entries (2.2.2.2). Gives the end, and calls each(item, off) per entry.
local function array(c, tree, off, limit, id, entry_id, entry_length, least, most, each)
	local item, body, stop = open(c, tree, off, limit, id)
	if not item then return nil end
	local name = FIELDS[id]
	if not need(c, item, body, 8, stop, name) then return nil end
	local count, array_length = u16(c, body), u16(c, body + 2)
	local found, size = u16(c, body + 4), u16(c, body + 6)
	item:add(F.array_count, c.tvb(body, 2))
	item:add(F.array_length, c.tvb(body + 2, 2))
	item:add(F.array_type, c.tvb(body + 4, 2))
	item:add(F.array_entry_length, c.tvb(body + 6, 2))
	local ok = must(c, item, found == entry_id, "%s: ElementFieldType 0x%04x, must be 0x%04x", name, found, entry_id)
	ok = must(c, item, size == entry_length, "%s: EntryLength %d, must be %d", name, size, entry_length) and ok
	ok = must(c, item, count >= least and count <= most, "%s: NumEntries %d, must be %d to %d",
		name, count, least, most) and ok
	ok = must(c, item, array_length == 8 + count * entry_length, "%s: ArrayLength %d, must be %d",
		name, array_length, 8 + count * entry_length) and ok
	ok = must(c, item, stop - off == 12 + count * entry_length, "%s: Length %d, must be %d",
		name, stop - off, 12 + count * entry_length) and ok
	if not ok then
		if stop > body + 8 then item:add(F.undecoded, c.tvb(body + 8, stop - body - 8)) end
		return nil
	end
	item:append_text(string.format(", %d entries", count))
	if each then
		for i = 0, count - 1 do each(item, body + 8 + i * entry_length) end
	end
	return stop, count, item, body + 8
end

local function flags_element(c, tree, off, limit, keys, known)
	local item, body, stop = open_fixed(c, tree, off, limit, 0x0040, 6)
	if not item then return nil end
	local value = u16(c, body)
	item:add(F.flags, c.tvb(body, 2))
	for _, key in ipairs(keys) do item:add(F[key], c.tvb(body, 2)) end
	zero(c, item, value - bits.band(value, known), "Reserved flags")
	return stop, value, item
end

-- Structures ----------------------------------------------------------------

-- IPV6_ENDPOINT (2.2.3.6)
local function endpoint(c, tree, off, key)
	local port, address = u16(c, off), tostring(c.tvb(off + 2, 16):ipv6())
	local shown = string.format("[%s]:%d", address, port)
	local item = tree:add(F[key], c.tvb(off, 18), shown)
	item:add(F.endpoint_port, c.tvb(off, 2))
	item:add(F.endpoint_address, c.tvb(off + 2, 16))
	must(c, item, port > 1024, "IPV6_ENDPOINT: port %d, must be above 1024", port)
	return shown
end

-- ROUTE_ENTRY (2.2.3.4) in its element, with the padding after it
local function route_entry(c, tree, off, limit, last)
	local item, body, stop = open(c, tree, off, limit, 0x009A)
	if not item then return nil end
	if not need(c, item, body, 38, stop, "ROUTE_ENTRY") then return nil end
	local route = item:add(F.route, c.tvb(body, stop - body))
	local id, major, minor = bytes_of(c, body, 32), u8(c, body + 32), u8(c, body + 33)
	local port, flags, count = u16(c, body + 34), u8(c, body + 36), u8(c, body + 37)
	route:add(F.route_id, c.tvb(body, 32))
	route:add(F.route_major, c.tvb(body + 32, 1))
	route:add(F.route_minor, c.tvb(body + 33, 1))
	route:add(F.route_port, c.tvb(body + 34, 2))
	zero(c, route:add(F.route_flags, c.tvb(body + 36, 1)), flags, "Flags")
	route:add(F.route_count, c.tvb(body + 37, 1))
	route:append_text(string.format(": %s, port %d", hex(id), port))
	must(c, route, major == 4 or (c.modern and major == 5), "ROUTE_ENTRY: major version %d, must be 4", major)
	must(c, route, minor == 0, "ROUTE_ENTRY: minor version %d, must be 0", minor)
	must(c, route, port > 1024, "ROUTE_ENTRY: port %d, must be above 1024", port)
	local ok = must(c, route, count >= 1 and count <= 20, "ROUTE_ENTRY: %d addresses, must be 1 to 20", count)
	ok = must(c, route, stop - body == 38 + 16 * count, "ROUTING_ENTRY: Length %d, must be %d for %d addresses",
		stop - off, 42 + 16 * count, count) and ok
	if not ok then
		if stop > body + 38 then route:add(F.undecoded, c.tvb(body + 38, stop - body - 38)) end
		return nil
	end
	for i = 0, count - 1 do route:add(F.route_address, c.tvb(body + 38 + 16 * i, 16)) end
	c.route_id = id
	c.info[#c.info + 1] = "route=" .. hex(id:sub(1, 4)) .. "…"
	return pad(c, item, stop, limit, last)
end

-- SIGNATURE (2.2.3.2). Gives its end.
local function signature(c, tree, off, limit)
	if not need(c, tree, off, 8, limit, "SIGNATURE") then return nil end
	local length, size, alg = u16le(c, off), u16le(c, off + 2), c.tvb(off + 4, 4):le_uint()
	local item = tree:add(F.sig, c.tvb(off, math.min(8 + size, limit - off)))
	item:add_le(F.sig_length, c.tvb(off, 2))
	item:add_le(F.sig_data_length, c.tvb(off + 2, 2))
	item:add_le(F.sig_alg, c.tvb(off + 4, 4))
	if c.modern then
		must(c, item, length == 8 + size, "SIGNATURE: Field Length %d, must be %d", length, 8 + size)
		if size ~= 64 and size ~= 128 then report(c, "suspicious", item, "SIGNATURE: %d bytes, 64 expected", size) end
	else
		must(c, item, length == 0x88, "SIGNATURE: Field Length %d, must be 136", length)
		must(c, item, size == 0x80, "SIGNATURE: Signature Length %d, must be 128", size)
		must(c, item, alg == 0x8004, "SIGNATURE: ALG_ID 0x%08x, must be 0x00008004", alg)
	end
	if not need(c, item, off + 8, size, limit, "Signature Data") then return nil end
	if size > 0 then item:add(F.sig_data, c.tvb(off + 8, size)) end
	return off + 8 + size
end

-- CPA Public Key (2.2.3.1.4). Gives its end and the PublicKey Data.
local function public_key(c, tree, off, limit)
	if not need(c, tree, off, 9, limit, "CPA Public Key") then return nil end
	local length, oid_length, size = u16le(c, off), u16le(c, off + 2), u16le(c, off + 6)
	local item = tree:add(F.key, c.tvb(off, math.min(9 + oid_length + size, limit - off)))
	item:add_le(F.key_length, c.tvb(off, 2))
	item:add_le(F.key_oid_length, c.tvb(off + 2, 2))
	zero(c, item:add_le(F.key_reserved, c.tvb(off + 4, 2)), u16le(c, off + 4), "Reserved")
	item:add_le(F.key_data_length, c.tvb(off + 6, 2))
	zero(c, item:add(F.key_unused, c.tvb(off + 8, 1)), u8(c, off + 8), "PublicKey Unused")
	must(c, item, length == 9 + oid_length + size, "CPA Public Key: Field Length %d, must be %d",
		length, 9 + oid_length + size)
	if not c.modern then
		must(c, item, oid_length == 20, "CPA Public Key: Algorithm ObjId Length %d, must be 20", oid_length)
		must(c, item, size == 0x8C, "CPA Public Key: PublicKey cbData %d, must be 140", size)
	end
	if not need(c, item, off + 9, oid_length + size, limit, "CPA Public Key") then return nil end
	local oid, data_off = bytes_of(c, off + 9, oid_length), off + 9 + oid_length
	local data = bytes_of(c, data_off, size)
	if oid_length > 0 then item:add(F.key_oid, c.tvb(off + 9, oid_length)) end
	if size > 0 then
		local data_item = item:add(F.key_data, c.tvb(data_off, size))
		-- RSAPublicKey of 1024 bits: SEQUENCE { INTEGER 00 + 128 bytes, INTEGER e } in 140 bytes
		if data:sub(1, 7) == "\48\129\137\2\129\129\0" and data:sub(136, 137) == "\2\3" and size == 140 then
			data_item:add(F.key_modulus, c.tvb(data_off + 7, 128))
			data_item:add(F.key_exponent, c.tvb(data_off + 137, 3))
			must(c, data_item, data:byte(8) >= 128, "CPA Public Key: the modulus has less than 1024 bits")
		elseif not c.modern then
			bad(c, data_item, "CPA Public Key: not the DER RSAPublicKey of a 1024-bit key")
		end
	end
	if c.modern then
		if oid ~= "1.3.101.112" or size ~= 32 then
			report(c, "suspicious", item, "Not the key of the modern profile (1.3.101.112, 32 bytes)")
		end
	else
		must(c, item, oid == OID_RSA, "CPA Public Key: Algorithm ObjId must be %s", OID_RSA)
	end
	return data_off + size, data
end

-- PAYLOAD (2.2.3.1.2) with its IPV6_APP_ENDPOINT entries (2.2.3.1.3)
local function cpa_payload(c, tree, off, limit)
	if not need(c, tree, off, 6, limit, "PAYLOAD") then return nil end
	local item = tree:add(F.cpa_payload, c.tvb(off, limit - off))
	local kind, length = c.tvb(off, 4):le_uint(), u16le(c, off + 4)
	item:add_le(F.cpa_payload_type, c.tvb(off, 4))
	item:add_le(F.cpa_payload_length, c.tvb(off + 4, 2))
	must(c, item, kind == 1, "PAYLOAD: Type 0x%08x, must be 1", kind)
	local ok = must(c, item, length >= 20 and length <= 200 and length % 20 == 0,
		"PAYLOAD: DataLength %d, must be a multiple of 20 from 20 to 200", length)
	ok = must(c, item, length == limit - off - 6, "PAYLOAD: DataLength %d, Total Bytes leaves %d",
		length, limit - off - 6) and ok
	if not ok then return nil end
	for at = off + 6, limit - 20, 20 do
		-- The port's byte order is not stated, so the general rule of 2.2 holds; the protocol is little-endian.
		local app = item:add(F.app, c.tvb(at, 20))
		app:add(F.app_address, c.tvb(at, 16))
		app:add(F.app_port, c.tvb(at + 16, 2))
		app:add_le(F.app_protocol, c.tvb(at + 18, 2))
		app:append_text(string.format(": [%s]:%d/%d", tostring(c.tvb(at, 16):ipv6()), u16(c, at + 16), u16le(c, at + 18)))
	end
	return limit
end

-- Hashes of a CPA (2.2.3.1, 3.1.4.4.1, 3.1.5.7)
local function cpa_hashes(c, cpa, v)
	if v.classifier_hash then
		local id = sha1(v.classifier_hash .. (v.authority or string.rep("\0", 20)) .. v.classifier_hash .. "PNRP")
		id = id:sub(1, 16) .. v.location
		cpa:add(F.cpa_pnrp_id, hex(id)):set_generated()
		if c.route_id and not v.revoke and not c.modern and id ~= c.route_id then
			report(c, "invalid", cpa, "The PNRP ID of the CPA is not that of the route entry")
		end
		-- The classifier's encoding under the hash is not stated; UTF-16LE without a terminator is assumed.
		if c.classifier and not c.modern then
			local little = c.classifier:gsub("(.)(.)", "%2%1")
			if sha1(little) ~= v.classifier_hash then
				if sha1(c.classifier) == v.classifier_hash then
					report(c, "suspicious", cpa, "CLASSIFIER and ClassifierHash agree only in the other byte order")
				else
					report(c, "invalid", cpa, "ClassifierHash is not the hash of CLASSIFIER")
				end
			end
		end
	end
	if v.authority and not c.modern then
		local same = sha1(v.key) == v.authority
		cpa:add(F.cpa_key_ok, same):set_generated()
		-- A delegated name has a chain instead; a revocation of one carries no chain.
		if not same and not c.chain then
			report(c, v.revoke and "suspicious" or "invalid", cpa, "BinaryAuthority is not the hash of the public key")
		end
	end
end

-- Encoded CPA (2.2.3.1) from off to stop exactly
local function encoded_cpa(c, tree, off, stop, revoke_slot)
	if not need(c, tree, off, 48, stop, "Encoded CPA") then return nil end
	local cpa = tree:add(F.cpa, c.tvb(off, stop - off))
	local length, flags = u16le(c, off), u8(c, off + 6)
	local X, N, C, A, U, R = has(flags, 0x20), has(flags, 0x10), has(flags, 8), has(flags, 4), has(flags, 2), has(flags, 1)
	cpa:add_le(F.cpa_length, c.tvb(off, 2))
	cpa:add(F.cpa_minor, c.tvb(off + 2, 1))
	cpa:add(F.cpa_major, c.tvb(off + 3, 1))
	cpa:add(F.cpa_pnrp_minor, c.tvb(off + 4, 1))
	cpa:add(F.cpa_pnrp_major, c.tvb(off + 5, 1))
	local flags_item = cpa:add(F.cpa_flags, c.tvb(off + 6, 1))
	for _, key in ipairs({ "cpa_x", "cpa_f", "cpa_c", "cpa_a", "cpa_u", "cpa_r" }) do
		flags_item:add(F[key], c.tvb(off + 6, 1))
	end
	zero(c, flags_item, math.floor(flags / 0x40), "Reserved flags")
	zero(c, cpa:add(F.reserved8, c.tvb(off + 7, 1)), u8(c, off + 7), "Reserved")
	cpa:add(F.cpa_not_after, c.tvb(off + 8, 8), filetime(c, off + 8))
	local v = { revoke = R, location = bytes_of(c, off + 16, 16):reverse(), nonce = bytes_of(c, off + 32, 16) }
	cpa:add(F.cpa_location, c.tvb(off + 16, 16), hex(v.location))
	cpa:add(F.cpa_nonce, c.tvb(off + 32, 16))

	must(c, cpa, length == stop - off, "Encoded CPA: CPA Length %d, must be %d", length, stop - off)
	must(c, cpa, u8(c, off + 2) == 0 and u8(c, off + 3) == 2, "Encoded CPA: version %d.%d, must be 2.0",
		u8(c, off + 3), u8(c, off + 2))
	must(c, cpa, u8(c, off + 4) == 0 and (u8(c, off + 5) == 4 or (c.modern and u8(c, off + 5) == 5)),
		"Encoded CPA: PNRP version %d.%d, must be 4.0", u8(c, off + 5), u8(c, off + 4))
	must(c, flags_item, A or C, "Encoded CPA: neither A nor C is set")
	must(c, flags_item, N or not U, "Encoded CPA: U is set without F")
	if revoke_slot then
		must(c, flags_item, R, "REVOKE_CPA: R is clear")
	elseif R then
		report(c, "suspicious", flags_item, "VALIDATE_CPA: R is set")
	end
	local no_nonce = v.nonce == string.rep("\0", 16)
	if R then
		must(c, cpa, no_nonce, "Encoded CPA: R is set, so the nonce must be zero")
	elseif c.inquire_nonce and v.nonce ~= c.inquire_nonce then
		report(c, "invalid", cpa, "The nonce is not that of the INQUIRE message")
	end

	local at = off + 48
	if A then
		if not need(c, cpa, at, 20, stop, "BinaryAuthority") then return nil end
		v.authority = bytes_of(c, at, 20):reverse()
		cpa:add(F.cpa_authority, c.tvb(at, 20), hex(v.authority))
		at = at + 20
	end
	if C then
		if not need(c, cpa, at, 20, stop, "ClassifierHash") then return nil end
		v.classifier_hash = bytes_of(c, at, 20)
		cpa:add(F.cpa_classifier_hash, c.tvb(at, 20))
		at = at + 20
	end
	if N then
		if not need(c, cpa, at, 2, stop, "FriendlyName Len") then return nil end
		local n = u16le(c, at)
		local item = cpa:add_le(F.cpa_name_length, c.tvb(at, 2))
		must(c, item, n >= 1 and n <= 78, "Encoded CPA: FriendlyName Len %d, must be 1 to 78", n)
		if not need(c, item, at + 2, n, stop, "FriendlyName") then return nil end
		if n > 0 then
			local range, value = c.tvb(at + 2, n), bytes_of(c, at + 2, n)
			item = cpa:add(F.cpa_name, range, U and range:string(ENC_UTF_8) or range:le_ustring())
			if U then
				must(c, item, not value:find("\0", 1, true), "Encoded CPA: FriendlyName holds a NUL")
			else
				must(c, item, n % 2 == 0, "Encoded CPA: FriendlyName is Unicode but %d bytes long", n)
				for i = 1, n - 1, 2 do
					if value:sub(i, i + 1) == "\0\0" then
						bad(c, item, "Encoded CPA: FriendlyName holds a NUL")
						break
					end
				end
			end
		end
		at = at + 2 + n
	end

	-- Service Address List (2.2.3.1.1)
	if not need(c, cpa, at, 4, stop, "Service Address List") then return nil end
	local count, size = u16le(c, at), u16le(c, at + 2)
	local item = cpa:add_le(F.cpa_address_count, c.tvb(at, 2))
	cpa:add_le(F.cpa_address_length, c.tvb(at + 2, 2))
	local ok = must(c, item, count <= 4, "Service Address List: %d addresses, must be 0 to 4", count)
	must(c, item, count >= 1 or R, "Service Address List: R is clear, so there must be at least one address")
	ok = must(c, item, size == 18, "Service Address List: ServiceAddressLength %d, must be 18", size) and ok
	if not ok or not need(c, cpa, at + 4, count * 18, stop, "Service Addresses") then return nil end
	for i = 0, count - 1 do endpoint(c, cpa, at + 4 + i * 18, "cpa_address") end
	at = at + 4 + count * 18

	-- Payload
	if not need(c, cpa, at, 4, stop, "NumPayloads") then return nil end
	local payloads, total = u16le(c, at), u16le(c, at + 2)
	cpa:add_le(F.cpa_payloads, c.tvb(at, 2))
	cpa:add_le(F.cpa_total, c.tvb(at + 2, 2))
	ok = must(c, cpa, payloads <= 1, "Encoded CPA: NumPayloads %d, must be 0 or 1", payloads)
	ok = must(c, cpa, total >= 4 and total <= 210, "Encoded CPA: Total Bytes %d, must be 4 to 210", total) and ok
	if not ok or not need(c, cpa, at, total, stop, "Payload") then return nil end
	if payloads == 0 then
		if not must(c, cpa, total == 4, "Encoded CPA: Total Bytes %d without a payload, must be 4", total) then
			return nil
		end
	elseif not cpa_payload(c, cpa, at + 4, at + total) then
		return nil
	end
	if R and payloads ~= 0 then report(c, "suspicious", cpa, "A Revoke CPA should have no payload") end
	at = at + total

	at, v.key = public_key(c, cpa, at, stop)
	at = at and signature(c, cpa, at, stop)
	if not at then return nil end
	if at ~= stop then
		leftover(c, cpa, at, stop)
		return nil
	end
	cpa_hashes(c, cpa, v)
	c.cpa_nonce, c.cpa_x = not R and v.nonce or nil, X
	c.info[#c.info + 1] = R and "revoke" or "cpa"
	return stop
end

-- EXTENDED_PAYLOAD (2.2.3.3) from off to stop exactly
local function extended_payload(c, tree, off, stop)
	if not need(c, tree, off, 74, stop, "EXTENDED_PAYLOAD") then return nil end
	local ext = tree:add(F.ext, c.tvb(off, stop - off))
	local length, sig_offset = u16le(c, off), u16le(c, off + 6)
	local count, total = u16le(c, off + 64), u16le(c, off + 66)
	local kind, size = c.tvb(off + 68, 4):le_uint(), u16le(c, off + 72)
	ext:add_le(F.ext_length, c.tvb(off, 2))
	ext:add(F.ext_minor, c.tvb(off + 2, 1))
	ext:add(F.ext_major, c.tvb(off + 3, 1))
	zero(c, ext:add_le(F.ext_reserved, c.tvb(off + 4, 2)), u16le(c, off + 4), "Reserved")
	ext:add_le(F.ext_sig_offset, c.tvb(off + 6, 2))
	ext:add(F.ext_not_after, c.tvb(off + 8, 8), filetime(c, off + 8))
	c.ext_id, c.ext_nonce = bytes_of(c, off + 16, 32):reverse(), bytes_of(c, off + 48, 16)
	ext:add(F.ext_id, c.tvb(off + 16, 32), hex(c.ext_id))
	ext:add(F.ext_nonce, c.tvb(off + 48, 16))
	ext:add_le(F.ext_count, c.tvb(off + 64, 2))
	ext:add_le(F.ext_total, c.tvb(off + 66, 2))
	ext:add_le(F.ext_type, c.tvb(off + 68, 4))
	ext:add_le(F.ext_payload_length, c.tvb(off + 72, 2))

	must(c, ext, length == stop - off, "EXTENDED_PAYLOAD: Length %d, must be %d", length, stop - off)
	must(c, ext, u8(c, off + 2) == 0 and u8(c, off + 3) == 2, "EXTENDED_PAYLOAD: version %d.%d, must be 2.0",
		u8(c, off + 3), u8(c, off + 2))
	must(c, ext, sig_offset == 74 + size, "EXTENDED_PAYLOAD: Signature Offset %d, must be %d", sig_offset, 74 + size)
	must(c, ext, count == 1, "EXTENDED_PAYLOAD: Number of Payloads %d, must be 1", count)
	must(c, ext, total == 10 + size, "EXTENDED_PAYLOAD: Total Payload Bytes %d, must be %d", total, 10 + size)
	if c.inquire_nonce and c.ext_nonce ~= c.inquire_nonce then
		report(c, "invalid", ext, "The nonce is not that of the INQUIRE message")
	end
	if not need(c, ext, off + 74, size, stop, "Payload") then return nil end
	local data = bytes_of(c, off + 74, size)
	if kind == 0x80000002 then
		must(c, ext, size >= 6 and size <= 4098, "EXTENDED_PAYLOAD: Payload Length %d, must be 6 to 4098", size)
		if size < 3 then return nil end
		local encoding, range = u16le(c, off + 74), c.tvb(off + 76, size - 2)
		ext:add_le(F.ext_string_type, c.tvb(off + 74, 2))
		must(c, ext, encoding <= 1, "EXTENDED_PAYLOAD: String Type %d, must be 0 or 1", encoding)
		if encoding == 0 then
			ext:add(F.ext_string, range, (range:le_ustring():gsub("\0+$", "")))
			must(c, ext, size % 2 == 0 and data:sub(-2) == "\0\0", "EXTENDED_PAYLOAD: the string has no NUL at its end")
		else
			ext:add(F.ext_string, range, (range:string(ENC_UTF_8):gsub("\0+$", "")))
			must(c, ext, data:sub(-1) == "\0", "EXTENDED_PAYLOAD: the string has no NUL at its end")
		end
	elseif kind == 0x80000003 then
		must(c, ext, size >= 1 and size <= 4096, "EXTENDED_PAYLOAD: Payload Length %d, must be 1 to 4096", size)
		if size > 0 then ext:add(F.ext_data, c.tvb(off + 74, size)) end
	else
		bad(c, ext, "EXTENDED_PAYLOAD: Payload Type 0x%08x, must be 0x80000002 or 0x80000003", kind)
		if size > 0 then ext:add(F.ext_data, c.tvb(off + 74, size)) end
	end
	local at = signature(c, ext, off + 74 + size, stop)
	if not at then return nil end
	if at ~= stop then
		leftover(c, ext, at, stop)
		return nil
	end
	c.info[#c.info + 1] = string.format("payload=%d", size)
	return stop
end

-- Certificate Chain (2.2.3.5): DER, not taken apart
local function cert_chain(c, item, off, stop)
	if not need(c, item, off, 2, stop, "Certificate Chain") then return nil end
	local der = item:add(F.chain, c.tvb(off, stop - off))
	local data = bytes_of(c, off, math.min(stop - off, 64))
	local first, length, head = data:byte(2), nil, 2
	if first < 0x80 then
		length = first
	elseif first > 0x80 and first <= 0x83 and #data >= 2 + first - 0x80 then
		length, head = 0, 2 + first - 0x80
		for i = 3, head do length = length * 256 + data:byte(i) end
	end
	must(c, der, data:byte(1) == 0x30 and length == stop - off - head,
		"Certificate Chain: not one DER SEQUENCE of this length")
	-- ContentType signedData, 1.2.840.113549.1.7.2
	local signed = data:find("\6\9\42\134\72\134\247\13\1\7\2", 1, true) ~= nil
	der:add(F.chain_hint, c.tvb(off, stop - off),
		signed and "PKCS #7 SignedData; export these bytes and use: openssl pkcs7 -inform DER -print_certs -text"
		or "not a PKCS #7 SignedData"):set_generated()
	must(c, der, signed, "Certificate Chain: not a PKCS #7 SignedData")
	c.chain = true
	c.info[#c.info + 1] = "chain"
	return stop
end

-- Classifier characters: Unicode, in the network byte order of 2.2
local function classifier(c, tree, off, limit)
	local stop, count, item, chars = array(c, tree, off, limit, 0x0085, 0x0084, 2, 0, 0x7FFF)
	if not stop then return nil end
	local data = bytes_of(c, chars, count * 2)
	local shown = count > 0 and c.tvb(chars, count * 2):ustring() or ""
	if count > 0 then item:add(F.classifier, c.tvb(chars, count * 2), shown) end
	item:append_text(string.format(': "%s"', shown))
	must(c, item, count <= 149, "CLASSIFIER: %d characters, a Peer Name has at most 149 (2.2.4)", count)
	for i = 1, #data, 2 do
		if data:sub(i, i + 1) == "\0\0" then
			bad(c, item, "CLASSIFIER: holds a NUL (2.2.4)")
			break
		end
	end
	c.classifier = data
	c.info[#c.info + 1] = string.format('classifier="%s"', shown)
	return pad(c, item, stop, limit, true)
end

-- AUTHORITY_BUFFER (2.2.2.6.1)
local function authority_buffer(c, tree, off, limit)
	local flags, item
	off, flags, item = flags_element(c, tree, off, limit, { "flag_l", "flag_b", "flag_n" }, 0x0209)
	if not off then return end
	for _, f in ipairs({ { 0x0200, "L" }, { 0x0008, "B" }, { 0x0001, "N" } }) do
		if has(flags, f[1]) then c.info[#c.info + 1] = "[" .. f[2] .. "]" end
	end
	off = pad(c, item, off, limit, true)
	if not off then return end

	local body, stop
	if peek(c, off, limit) == 0x0080 then
		item, body, stop = open(c, tree, off, limit, 0x0080)
		if not item then return end
		cert_chain(c, item, body, stop)
		off = pad(c, item, stop, limit, true)
		if not off then return end
	end
	if peek(c, off, limit) == 0x0085 then
		off = classifier(c, tree, off, limit)
		if not off then return end
	end
	local ext_item, cpa_item
	if peek(c, off, limit) == 0x005A then
		ext_item, body, stop = open(c, tree, off, limit, 0x005A)
		if not ext_item then return end
		extended_payload(c, ext_item, body, stop)
		off = pad(c, ext_item, stop, limit, true)
		if not off then return end
	end
	if peek(c, off, limit) == 0x009A then
		off = route_entry(c, tree, off, limit, true)
		if not off then return end
	end
	if peek(c, off, limit) == 0x009B then
		cpa_item, body, stop = open(c, tree, off, limit, 0x009B)
		if not cpa_item then return end
		encoded_cpa(c, cpa_item, body, stop, false)
		off = stop
	end
	if off < limit then
		local id = peek(c, off, limit)
		if id and limit - off >= 4 then
			bad(c, tree, "FieldID 0x%04x (%s) is unknown, out of order or repeated here", id, FIELDS[id] or "unknown")
		end
		leftover(c, tree, off, limit)
	end
	-- 3.1.5.8
	if c.ext_id and c.route_id and c.ext_id ~= c.route_id then
		report(c, "invalid", ext_item, "The PNRP ID of the extended payload is not that of the route entry")
	end
	if c.ext_nonce and c.cpa_nonce and c.ext_nonce ~= c.cpa_nonce then
		report(c, "invalid", ext_item, "The nonces of the extended payload and of the CPA differ")
	end
	if ext_item and cpa_item and c.cpa_x == false then
		report(c, "suspicious", ext_item, "An extended payload is here, but X is clear in the CPA")
	end
end

-- Messages ------------------------------------------------------------------

local function acked(c, tree, off, limit)
	local item, body, stop = open_fixed(c, tree, off, limit, 0x0018, 8)
	if not item then return nil end
	local id = c.tvb(body, 4):uint()
	item:add(F.acked_id, c.tvb(body, 4))
	item:append_text(string.format(": 0x%08x", id))
	c.info[#c.info + 1] = string.format("ack=%08x", id)
	if not c.pinfo.visited then
		answers[c.pinfo.number] = requests[string.format("%08x %s:%d", id, tostring(c.pinfo.dst), c.pinfo.dst_port)]
	end
	local request = answers[c.pinfo.number]
	if request then
		item:add(F.request_in, request.frame):set_generated()
		c.request = request
	end
	return stop
end

local function remember(c, nonce)
	if c.pinfo.visited then return end
	requests[string.format("%08x %s:%d", c.message_id, tostring(c.pinfo.src), c.pinfo.src_port)] =
		{ frame = c.pinfo.number, type = c.type, nonce = nonce }
end

local function id_list(c, tree, off, limit)
	local stop, count = array(c, tree, off, limit, 0x0060, 0x0030, 32, 0, 0x7FFF, function(item, at)
		item:add(F.pnrp_id, c.tvb(at, 32))
	end)
	if stop then c.info[#c.info + 1] = string.format("ids=%d", count) end
	return stop
end

local function endpoint_list(c, tree, off, limit, key, least)
	local stop, count = array(c, tree, off, limit, 0x009E, 0x009D, 18, least, 22, function(item, at)
		endpoint(c, item, at, key)
	end)
	if stop then c.info[#c.info + 1] = string.format("%s=%d", key, count) end
	return stop
end

local function hashed_nonce(c, tree, off, limit)
	local stop, item = simple(c, tree, off, limit, 0x0092, "hashed_nonce", 20)
	if stop then c.hash, c.hash_item = bytes_of(c, stop - 20, 20), item end
	return stop
end

-- The modern profile: what asks for more than it has is filled up to 144 bytes.
local function padding(c, tree, off, limit)
	if not c.modern then return off end
	if peek(c, off, limit) == 0x00F0 then
		local item, body, stop = open(c, tree, off, limit, 0x00F0)
		if not item then return end
		off = stop
	end
	must(c, tree, off >= 144, "%d bytes, must be 144 at least", off)
	return off
end

local messages = {}

messages[SOLICIT] = function(c, tree, off, limit) -- 2.2.2.1
	if peek(c, off, limit) == 0x0044 then
		local item, body, stop = open_fixed(c, tree, off, limit, 0x0044, 6)
		if not item then return end
		zero(c, item:add(F.reserved8, c.tvb(body, 1)), u8(c, body), "Reserved")
		item:add(F.solicit_type, c.tvb(body + 1, 1))
		must(c, item, u8(c, body + 1) <= 1, "SolicitType %d, must be 0 or 1", u8(c, body + 1))
		off = pad(c, item, stop, limit)
		if not off then return end
	end
	if peek(c, off, limit) == 0x009A then
		off = route_entry(c, tree, off, limit)
		if not off then return end
	end
	off = hashed_nonce(c, tree, off, limit)
	off = off and padding(c, tree, off, limit)
	if off then remember(c, c.hash) end
	return off
end

messages[ADVERTISE] = function(c, tree, off, limit) -- 2.2.2.2
	off = acked(c, tree, off, limit)
	off = off and id_list(c, tree, off, limit)
	off = off and hashed_nonce(c, tree, off, limit)
	if off and c.request and c.request.type == SOLICIT and c.request.nonce ~= c.hash then
		report(c, "invalid", c.hash_item, "The hashed nonce is not that of the SOLICIT message")
	end
	return off
end

messages[REQUEST] = function(c, tree, off, limit) -- 2.2.2.3
	off = simple(c, tree, off, limit, 0x0093, "nonce", 16)
	off = off and id_list(c, tree, off, limit)
	if off then remember(c) end
	return off
end

messages[FLOOD] = function(c, tree, off, limit) -- 2.2.2.4
	local item, body, stop = open_fixed(c, tree, off, limit, 0x0043, 7)
	if not item then return end
	item:add(F.flags, c.tvb(body, 2))
	item:add(F.flag_d, c.tvb(body, 2))
	if has(u16(c, body), 1) then c.info[#c.info + 1] = "[D]" end
	zero(c, item, u16(c, body) - u16(c, body) % 2, "Reserved1")
	item:add(F.reserved8, c.tvb(body + 2, 1)) -- any value is allowed
	off = pad(c, item, stop, limit)
	off = off and simple(c, tree, off, limit, 0x0039, "validate_id", 32)
	if not off then return end
	if peek(c, off, limit) == 0x009C then
		item, body, stop = open(c, tree, off, limit, 0x009C)
		if not item then return end
		encoded_cpa(c, item, body, stop, true)
		off = pad(c, item, stop, limit)
		if not off then return end
	end
	if peek(c, off, limit) == 0x009A then
		off = route_entry(c, tree, off, limit)
		if not off then return end
	end
	off = endpoint_list(c, tree, off, limit, "flooded", 0)
	if off then remember(c) end
	return off
end

messages[INQUIRE] = function(c, tree, off, limit) -- 2.2.2.5
	local flags, item, nonce
	off, flags, item = flags_element(c, tree, off, limit, { "flag_a", "flag_x", "flag_c" }, 0x001C)
	off = off and pad(c, item, off, limit)
	off = off and simple(c, tree, off, limit, 0x0039, "validate_id", 32)
	if not off then return end
	c.info[#c.info + 1] = "validate=" .. hex(bytes_of(c, off - 32, 4)) .. "…"
	for _, f in ipairs({ { 0x0010, "A" }, { 0x0008, "X" }, { 0x0004, "C" } }) do
		if has(flags, f[1]) then c.info[#c.info + 1] = "[" .. f[2] .. "]" end
	end
	if off < limit and peek(c, off, limit) ~= 0x00F0 then
		off = simple(c, tree, off, limit, 0x0093, "nonce", 16)
		if not off then return end
		nonce = bytes_of(c, off - 16, 16)
	end
	if has(flags, 0x0010) or has(flags, 0x0008) or has(flags, 0x0004) then off = padding(c, tree, off, limit) end
	remember(c, nonce)
	return off
end

-- Adds a fragment to its buffer (3.1.5.6); first pass only. Gives a fault, or
-- nil and the record of the buffer.
local function add_fragment(c, size, offset, off, limit)
	local key = string.format("%08x %s:%d", c.message_id, tostring(c.pinfo.src), c.pinfo.src_port)
	local length = limit - off
	local entry = reassembly[key]
	if offset + length > size then
		reassembly[key] = nil
		return string.format("the fragment ends at %d, after Size %d; the reassembly is forgotten", offset + length, size)
	end
	if entry and entry.size ~= size then
		reassembly[key] = nil
		return string.format("Size %d, earlier fragments said %d; the reassembly is forgotten", size, entry.size)
	end
	if offset + length < size and length ~= FRAGMENT then
		return string.format("%d bytes; all fragments but the last have 1188", length)
	end
	if not entry then
		entry = { size = size, parts = {}, count = 0 }
		reassembly[key] = entry
	end
	if not entry.parts[offset] then entry.count = entry.count + 1 end
	entry.parts[offset] = bytes_of(c, off, length)
	if entry.count == math.ceil(size / FRAGMENT) then
		local all = {}
		for at = 0, size - 1, FRAGMENT do all[#all + 1] = entry.parts[at] end
		entry.data = table.concat(all)
		entry.frame = c.pinfo.number
		entry.parts = nil
		reassembly[key] = nil
	end
	return nil, entry
end

messages[AUTHORITY] = function(c, tree, off, limit) -- 2.2.2.6
	off = acked(c, tree, off, limit)
	local item, body, stop
	if off then item, body, stop = open_fixed(c, tree, off, limit, 0x0098, 8) end
	if not item then return end
	local size, offset = u16(c, body), u16(c, body + 2)
	item:add(F.split_size, c.tvb(body, 2))
	item:add(F.split_offset, c.tvb(body + 2, 2))
	if c.request and c.request.type == INQUIRE then c.inquire_nonce = c.request.nonce end
	off = stop
	local length = limit - off
	-- These leave a reassembly that is under way alone.
	local ok = must(c, item, size <= MAX_BUFFER, "AUTHORITY: Size %d, must be at most 37348", size)
	ok = must(c, item, offset % FRAGMENT == 0, "AUTHORITY: Offset %d, must be a multiple of 1188", offset) and ok
	if not c.cut then
		ok = must(c, item, length <= FRAGMENT, "AUTHORITY: %d bytes of buffer, must be at most 1188", length) and ok
		ok = must(c, item, length > 0, "AUTHORITY: no byte of the buffer") and ok
	end
	local frag
	if length > 0 then frag = tree:add(F.fragment, c.tvb(off, length)) end
	if not ok then return end
	if c.cut then
		report(c, "cut", frag or item, "AUTHORITY_BUFFER: the capture ends here")
		return
	end

	if offset == 0 and length == size then -- in one piece
		frag:set_text(string.format("AUTHORITY_BUFFER (%d bytes)", length))
		authority_buffer(c, frag, off, limit)
		return limit
	end

	c.info[#c.info + 1] = string.format("fragment %d+%d/%d", offset, length, size)
	local key = string.format("%d %08x %d", c.pinfo.number, c.message_id, offset)
	if not c.pinfo.visited then
		local fault, entry = add_fragment(c, size, offset, off, limit)
		outcomes[key] = { fault = fault, entry = entry }
	end
	local outcome = outcomes[key]
	if not outcome then return limit end
	if outcome.fault then
		bad(c, frag, "AUTHORITY: %s", outcome.fault)
		return limit
	end
	local entry = outcome.entry
	if not entry.data then return limit end
	if entry.frame ~= c.pinfo.number then
		frag:add(F.reassembled_in, entry.frame):set_generated()
		return limit
	end
	local tvb = ByteArray.new(hex(entry.data)):tvb("Reassembled AUTHORITY_BUFFER")
	local buffer = c.root:add(F.element, tvb())
	buffer:set_text(string.format("AUTHORITY_BUFFER (%d bytes, reassembled)", entry.size))
	buffer:add(F.reassembled_length, entry.size):set_generated()
	buffer:add(F.reassembled_fragments, entry.count):set_generated()
	local sub = setmetatable({ tvb = tvb }, { __index = c })
	authority_buffer(sub, buffer, 0, entry.size)
	c.bad = sub.bad
	return limit
end

messages[ACK] = function(c, tree, off, limit) -- 2.2.2.7
	off = acked(c, tree, off, limit)
	if off and off < limit then
		local flags
		off, flags = flags_element(c, tree, off, limit, { "flag_n" }, 0x0001)
		if off and has(flags, 1) then c.info[#c.info + 1] = "[N]" end
	end
	return off
end

messages[LOOKUP] = function(c, tree, off, limit) -- 2.2.2.8
	local item, body, stop = open_fixed(c, tree, off, limit, 0x0045, 12)
	if not item then return end
	local flags, criteria, reason = u16(c, body), u8(c, body + 4), u8(c, body + 5)
	item:add(F.flags, c.tvb(body, 2))
	item:add(F.flag_any, c.tvb(body, 2))
	zero(c, item, flags - bits.band(flags, 0x0002), "Reserved flags")
	item:add(F.precision, c.tvb(body + 2, 2))
	item:add(F.criteria, c.tvb(body + 4, 1))
	item:add(F.reason, c.tvb(body + 5, 1))
	zero(c, item:add(F.reserved16, c.tvb(body + 6, 2)), u16(c, body + 6), "Reserved2")
	must(c, item, CRITERIA[criteria], "ResolveCriteria %d is not defined", criteria)
	must(c, item, REASONS[reason], "ResolveReasonCode %d is not defined", reason)
	if criteria == 8 and u16(c, body + 2) > 256 then
		report(c, "suspicious", item, "Precision %d, a PNRP ID has 256 bits", u16(c, body + 2))
	end
	off = simple(c, tree, stop, limit, 0x0038, "target_id", 32)
	if not off then return end
	c.info[#c.info + 1] = "target=" .. hex(bytes_of(c, off - 32, 4)) .. "…"
	off = simple(c, tree, off, limit, 0x0039, "validate_id", 32)
	if off and peek(c, off, limit) == 0x009A then off = route_entry(c, tree, off, limit) end
	off = off and endpoint_list(c, tree, off, limit, "path", 1)
	c.info[#c.info + 1] = string.format("criteria=%s reason=%s", CRITERIA[criteria] or criteria, REASONS[reason] or reason)
	if off then remember(c) end
	return off
end

-- Header (2.2.1). Gives the message's name, or nil if nothing more can be read.
local function header(c, tree)
	if not need(c, tree, 0, HEADER_LEN, c.limit, "PNRP Header") then return nil end
	local item = tree:add(F.element, c.tvb(0, HEADER_LEN))
	item:set_text("PNRP_HEADER (0x0010), 12 bytes")
	local id, length, identifier = u16(c, 0), u16(c, 2), u8(c, 4)
	local major, minor, kind = u8(c, 5), u8(c, 6), u8(c, 7)
	item:add(F.field_id, c.tvb(0, 2))
	item:add(F.length, c.tvb(2, 2))
	item:add(F.identifier, c.tvb(4, 1))
	item:add(F.major, c.tvb(5, 1))
	item:add(F.minor, c.tvb(6, 1))
	item:add(F.type, c.tvb(7, 1))
	item:add(F.message_id, c.tvb(8, 4))
	local ok = must(c, item, id == 0x0010, "PNRP Header: FieldID 0x%04x, must be 0x0010", id)
	ok = must(c, item, length == HEADER_LEN, "PNRP Header: Length %d, must be 12", length) and ok
	ok = must(c, item, identifier == 0x51, "PNRP Header: Identifier 0x%02x, must be 0x51", identifier) and ok
	ok = must(c, item, major == 4 or major == 5, "PNRP Header: VersionMajor %d, must be 4", major) and ok
	ok = must(c, item, minor == 0, "PNRP Header: VersionMinor %d, must be 0", minor) and ok
	ok = must(c, item, TYPES[kind], "PNRP Header: MessageType 0x%02x is not defined", kind) and ok
	if not ok then return nil end
	c.modern, c.type, c.message_id = major == 5, kind, c.tvb(8, 4):uint()
	item:add(F.profile, c.modern and "modern" or "windows"):set_generated()
	return TYPES[kind]
end

function pnrp.dissector(tvb, pinfo, tree)
	local root = tree:add(pnrp, tvb())
	local limit = tvb:len()
	local c = {
		tvb = tvb, pinfo = pinfo, root = root, limit = limit,
		cut = tvb:reported_len() > limit, info = {},
	}
	pinfo.cols.protocol = "PNRP"
	local name = header(c, root)
	if name then
		if c.modern then pinfo.cols.protocol = "PNRP/modern" end
		root:append_text(string.format(", %s, Message ID 0x%08x", name, c.message_id))
		local off = messages[c.type](c, root, HEADER_LEN, limit)
		if off then leftover(c, root, off, limit) end
	elseif limit > HEADER_LEN then
		root:add(F.undecoded, tvb(HEADER_LEN))
	end
	-- 3.1.5.2 drops such a message; only the port 1024 itself is contested by 2.1.
	must(c, root, pinfo.src_port > 1024, "UDP source port %d, must be above 1024", pinfo.src_port)
	local info = name and string.format("%s id=%08x", name, c.message_id) or "not a PNRP message"
	if #c.info > 0 then info = info .. " " .. table.concat(c.info, " ") end
	if c.bad then info = info .. " [malformed]" end
	pinfo.cols.info = info
	return limit
end

-- Registration --------------------------------------------------------------

local udp = DissectorTable.get("udp.port")
local ports = pnrp.prefs.ports
udp:add(ports, pnrp)

function pnrp.prefs_changed()
	if ports ~= pnrp.prefs.ports then
		udp:remove(ports, pnrp)
		ports = pnrp.prefs.ports
		udp:add(ports, pnrp)
	end
end

-- Any other port: FieldID 0x0010, Length 12, Identifier 0x51, major 4 or 5.
local function heuristic(tvb, pinfo, tree)
	if tvb:len() < HEADER_LEN then return false end
	if tvb(0, 4):uint() ~= 0x0010000C or tvb(4, 1):uint() ~= 0x51 then return false end
	local major = tvb(5, 1):uint()
	if major ~= 4 and major ~= 5 then return false end
	pnrp.dissector(tvb, pinfo, tree)
	return true
end
pnrp:register_heuristic("udp", heuristic)
