/* Protocol Buffers messages by their descriptors: as JSON, and made safe for a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/ponto/cli.h"

static json_t *bytes_json(const ProtobufCBinaryData *bytes)
{
	char *text = malloc(2 * bytes->len + 1);
	json_t *value;

	if (!text)
		return NULL;
	ponto_hex(ponto_bytes(bytes->data, bytes->len), text);
	value = json_string(text);
	free(text);
	return value;
}

/* The value at member, whose type is the field's. */
static json_t *value_json(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)member);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_ENUM:
		return json_integer(*(const uint32_t *)member);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return json_integer(*(const int64_t *)member);
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_real(*(const double *)member);
	case PROTOBUF_C_TYPE_FLOAT:
		return json_real((double)*(const float *)member);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)member);
	case PROTOBUF_C_TYPE_STRING:
		return *(char *const *)member ? json_string(*(char *const *)member) : json_null();
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_json(member);
	default:
		return *(ProtobufCMessage *const *)member ? cli_message_json(*(ProtobufCMessage *const *)member)
							   : json_null();
	}
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 4;
	}
}

static json_t *field_json(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *base = (const uint8_t *)message;
	const void *member = base + field->offset;
	json_t *array;

	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		bool pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

		if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer && field->quantifier_offset &&
		    !*(const protobuf_c_boolean *)(base + field->quantifier_offset))
			return json_null();
		return value_json(field, member);
	}
	array = json_array();
	for (size_t i = 0; array && i < *(const size_t *)(base + field->quantifier_offset); i++) {
		const uint8_t *item = *(uint8_t *const *)member + i * value_size(field);

		if (json_array_append_new(array, value_json(field, item)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *cli_message_json(const ProtobufCMessage *message)
{
	json_t *object = json_object();

	for (unsigned i = 0; object && i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (json_object_set_new(object, field->name, field_json(message, field)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

int cli_print_json(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;

	json_decref(value);
	if (!text)
		return cli_fail(CLI_NO, "out of memory");
	puts(text);
	free(text);
	return CLI_OK;
}

int cli_print_message(const ProtobufCMessage *message)
{
	return cli_print_json(cli_message_json(message));
}

/* ---- for terminals --------------------------------------------------------------- */

/* A peer's or client's text must not move the cursor or start a line: what controls a terminal (C0, DEL, and C1
 * in UTF-8) becomes '?'. */
void cli_clean(char *text, bool lines)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (lines && (*c == '\n' || *c == '\t'))
			continue;
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}

void cli_message_clean(ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
		void *member = (uint8_t *)message + field->offset;
		void **items = repeated ? *(void ***)member : member;
		size_t count = repeated ? *(size_t *)((uint8_t *)message + field->quantifier_offset) : 1;

		if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		for (size_t k = 0; k < count; k++) {
			if (!items[k] || items[k] == field->default_value)
				continue;
			if (field->type == PROTOBUF_C_TYPE_MESSAGE)
				cli_message_clean(items[k]);
			else if (((char *)items[k])[0])
				cli_clean(items[k], strcmp(field->name, "text") == 0);
		}
	}
}
