/* SPDX-License-Identifier: MIT */
#include "pyframes/code.h"

#include <string.h>

#include "base/hash.h"
#include "pyframes/linetable.h"
#include "pyframes/unicode.h"
#include "pyframes/witness.h"

enum {
	HEADER_BYTES_MAX = 256, /* of a code object that are read */
	WITNESS_COUNT = 3,	/* its line table, its name, its file name */
	LINETABLE_BYTES_MAX = 1 << 20,
	CODES_MAX = 1 << 13,
	TABLES_BYTES_MAX = 8 << 20, /* of line tables that are remembered */
	LINES_KEPT = 16,	    /* per code object */
	BYTECODE_BYTES_MAX = 1 << 28,
	/* Witnesses are dear to read. Code that was the same so often in a row is long-lived: from
	 * then on they are asked one time in so many. Code that exec makes anew keeps being asked.
	 */
	PROOFS_ENOUGH = 16,
};

/* What is compared to tell whether a code object is the same one. */
struct code_key {
	raddr type;
	raddr filename;
	raddr name;
	raddr qualname;
	raddr linetable;
	raddr bytes_object;
	uint32_t first_line;
	uint32_t unit_count;
	uint32_t version; /* 0: does not tell code objects apart */
};

struct code {
	raddr address;
	uint64_t walk; /* the last one in which it was met */
	struct code_key key;
	bool is_loaded;
	bool is_hidden;
	const char *function; /* interned, as is the file */
	const char *file;
	uint8_t *linetable;
	size_t linetable_len;
	uint64_t bytecode_bytes;
	struct witness *witnesses; /* WITNESS_COUNT of them; NULL where the key suffices */
	unsigned meetings;	   /* in a row in which it was the same */
	struct {
		int instruction;
		const struct frame *frame;
	} lines[LINES_KEPT];
	size_t line_count; /* that were ever kept; the oldest make room */
	UT_hash_handle hh;
};

struct check {
	struct code *code;
	size_t span; /* the first of its spans: header, then witnesses */
	bool has_witnesses;
	uint8_t header[HEADER_BYTES_MAX];
	uint8_t witnesses[WITNESS_COUNT][WITNESS_BYTES_MAX];
};

struct code_cache {
	struct memory *memory;
	const struct runtime *runtime;
	struct interner *interner;
	const struct frame *other; /* stands for what the interner has no room for */
	size_t header_bytes;
	struct code *codes;
	size_t tables_bytes;
	uint64_t walk;
	uint64_t loaded_count; /* code objects ... */
	uint64_t odd_count;    /* ... whose line table does not fit their bytecode */
	/* Scratch of one walk. */
	size_t check_count;
	size_t span_count;
	struct code *met[FRAME_DEPTH_MAX]; /* by place */
	struct memory_span spans[FRAME_DEPTH_MAX * (1 + WITNESS_COUNT)];
	struct check checks[FRAME_DEPTH_MAX];
};

static void code_unload(struct code_cache *cache, struct code *code)
{
	cache->tables_bytes -= code->linetable ? code->linetable_len : 0;
	free(MOVE_PTR(code->linetable));
	free(MOVE_PTR(code->witnesses));
	code->is_loaded = false;
	code->meetings = 0;
	code->line_count = 0;
}

static void forget_all(struct code_cache *cache)
{
	struct code *code;
	struct code *next;
	HASH_ITER(hh, cache->codes, code, next) {
		HASH_DEL(cache->codes, code);
		code_unload(cache, code);
		free(code);
	}
}

static size_t header_bytes(const struct py_offsets *py)
{
	const uint32_t fields[] = { py->object_type,  py->code.first_line, py->code.filename,
				    py->code.name,    py->code.qualname,   py->code.linetable,
				    py->code.version, py->code.unit_count, py->code.bytes_object };
	size_t end = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i] != OFFSET_NONE && fields[i] + sizeof(raddr) > end)
			end = fields[i] + sizeof(raddr);
	return end;
}

bool code_cache_create(struct memory *memory, const struct runtime *runtime,
		       struct interner *interner, struct code_cache **ret, struct error *err)
{
	const struct frame *other;
	if (!interner_frame(interner, "[other code]", "", 0, &other, err))
		return false;
	struct code_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return error_set(err, ERROR_NO_MEMORY, "cache of code objects");
	cache->other = other;
	cache->memory = memory;
	cache->runtime = runtime;
	cache->interner = interner;
	cache->header_bytes = header_bytes(&runtime->offsets);
	*ret = cache;
	return true;
}

void code_cache_destroy(struct code_cache *cache)
{
	if (!cache)
		return;
	forget_all(cache);
	free(cache);
}

static bool find_or_add(struct code_cache *cache, raddr address, struct code **ret,
			struct error *err)
{
	struct code *found;
	HASH_FIND(hh, cache->codes, &address, sizeof(address), found);
	if (!found) {
		OWNED_FREE struct code *added = calloc(1, sizeof(*added));
		if (!added)
			return error_set(err, ERROR_NO_MEMORY, "code object");
		added->address = address;
		HASH_ADD(hh, cache->codes, address, sizeof(address), added);
		if (!added->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "table of code objects");
		found = MOVE_PTR(added);
	}
	*ret = found;
	return true;
}

/* Plan to read what tells whether this code object is still the same. */
static void add_check(struct code_cache *cache, struct code *code)
{
	struct check *check = &cache->checks[cache->check_count++];
	check->code = code;
	check->span = cache->span_count;
	check->has_witnesses = code->witnesses && (code->meetings < PROOFS_ENOUGH ||
						   code->meetings % PROOFS_ENOUGH == 0);
	cache->spans[cache->span_count++] = (struct memory_span){ .address = code->address,
								  .buffer = check->header,
								  .len = cache->header_bytes };
	if (!check->has_witnesses)
		return;
	for (size_t i = 0; i < WITNESS_COUNT; i++)
		cache->spans[cache->span_count++] =
			witness_span(&code->witnesses[i], check->witnesses[i]);
}

static raddr word_at(const uint8_t *header, uint32_t offset)
{
	raddr word = 0;
	if (offset != OFFSET_NONE)
		memcpy(&word, header + offset, sizeof(word));
	return word;
}

static struct code_key key_parse(const struct py_offsets *py, const uint8_t *header)
{
	return (struct code_key){
		.type = word_at(header, py->object_type),
		.filename = word_at(header, py->code.filename),
		.name = word_at(header, py->code.name),
		.qualname = word_at(header, py->code.qualname),
		.linetable = word_at(header, py->code.linetable),
		.bytes_object = word_at(header, py->code.bytes_object),
		.unit_count = (uint32_t)word_at(header, py->code.unit_count),
		.first_line = (uint32_t)word_at(header, py->code.first_line),
		.version = (uint32_t)word_at(header, py->code.version),
	};
}

static bool key_equals(const struct code_key *a, const struct code_key *b)
{
	return a->type == b->type && a->filename == b->filename && a->name == b->name &&
	       a->qualname == b->qualname && a->linetable == b->linetable &&
	       a->bytes_object == b->bytes_object && a->unit_count == b->unit_count &&
	       a->first_line == b->first_line && a->version == b->version;
}

static bool is_same(const struct code_cache *cache, const struct check *check,
		    const struct code_key *key)
{
	const struct code *code = check->code;
	if (!code->is_loaded || !key_equals(&code->key, key))
		return false;
	for (size_t i = 0; check->has_witnesses && i < WITNESS_COUNT; i++)
		if (!witness_agrees(&code->witnesses[i], &cache->spans[check->span + 1 + i]))
			return false;
	return true;
}

struct object_sizes {
	size_t file;
	size_t name;
	size_t linetable;
};

static bool load_witnesses(struct code_cache *cache, const struct code_key *key,
			   const struct object_sizes *sizes, struct witness **ret,
			   struct error *err)
{
	const struct py_offsets *py = &cache->runtime->offsets;
	raddr name = key->qualname ? key->qualname : key->name;

	OWNED_FREE struct witness *witnesses = calloc(WITNESS_COUNT, sizeof(*witnesses));
	if (!witnesses)
		return error_set(err, ERROR_NO_MEMORY, "code object");
	/* From the length on: before that is the reference count. */
	if (!witness_read(&witnesses[0], cache->memory, key->linetable + py->bytes.size,
			  sizes->linetable - py->bytes.size, err) ||
	    !witness_read(&witnesses[1], cache->memory, name + py->unicode.length,
			  sizes->name - py->unicode.length, err) ||
	    !witness_read(&witnesses[2], cache->memory, key->filename + py->unicode.length,
			  sizes->file - py->unicode.length, err))
		return false;
	*ret = MOVE_PTR(witnesses);
	return true;
}

/* Read a text, for which another one stands where there is no room for it. */
static bool read_text(struct code_cache *cache, raddr str, const char *otherwise, const char **ret,
		      size_t *object_bytes_ret, struct error *err)
{
	struct error ignored;
	OWNED_FREE char *text = NULL;
	if (!unicode_read(cache->memory, &cache->runtime->offsets, str, &text, object_bytes_ret,
			  err))
		return false;
	if (!interner_text(cache->interner, text, ret, &ignored))
		*ret = otherwise;
	return true;
}

/* Are the objects that a code object refers to of the types that they must be of? */
static bool check_types(struct code_cache *cache, const struct code_key *key, struct error *err)
{
	const struct runtime *runtime = cache->runtime;
	const struct {
		raddr object;
		raddr type;
	} parts[] = {
		{ key->filename, runtime->str_type },	    { key->name, runtime->str_type },
		{ key->qualname, runtime->str_type },	    { key->linetable, runtime->bytes_type },
		{ key->bytes_object, runtime->bytes_type },
	};
	raddr types[ARRAY_LEN(parts)];
	struct memory_span spans[ARRAY_LEN(parts)];
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		spans[i] = (struct memory_span){
			.address = parts[i].object + runtime->offsets.object_type,
			.buffer = &types[i],
			.len = parts[i].object ? sizeof(raddr) : 0, /* the version has no such */
		};
	if (!memory_read_spans(cache->memory, spans, ARRAY_LEN(spans), err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].object && (!spans[i].is_read || types[i] != parts[i].type))
			return error_set(err, ERROR_FORMAT,
					 "a code object refers to %" PRIraddr
					 ", which is of another type than expected",
					 parts[i].object);
	return true;
}

static bool load_bytecode_bytes(struct code_cache *cache, const struct code_key *key, uint64_t *ret,
				struct error *err)
{
	uint64_t bytes = (uint64_t)key->unit_count * 2;
	if (key->bytes_object &&
	    !memory_read(cache->memory, key->bytes_object + cache->runtime->offsets.bytes.size,
			 &bytes, sizeof(bytes), err))
		return error_context(err, "length of bytecode");
	if (bytes > BYTECODE_BYTES_MAX)
		return error_set(err, ERROR_FORMAT, "bytecode of %" PRIu64 " bytes", bytes);
	*ret = bytes;
	return true;
}

static bool load_parts(struct code_cache *cache, struct code *code, const struct code_key *key,
		       struct error *err)
{
	const struct py_offsets *py = &cache->runtime->offsets;
	raddr name = key->qualname ? key->qualname : key->name;
	struct object_sizes sizes;

	if (!check_types(cache, key, err) ||
	    !load_bytecode_bytes(cache, key, &code->bytecode_bytes, err))
		return false;
	if (!read_text(cache, name, cache->other->function, &code->function, &sizes.name, err))
		return error_context(err, "name of code");
	if (!read_text(cache, key->filename, cache->other->file, &code->file, &sizes.file, err))
		return error_context(err, "file name of code");
	if (!bytes_read(cache->memory, py, key->linetable, LINETABLE_BYTES_MAX, &code->linetable,
			&code->linetable_len, err))
		return error_context(err, "line table of code");
	cache->tables_bytes += code->linetable_len;
	sizes.linetable = py->bytes.data + code->linetable_len;
	return key->version != 0 || load_witnesses(cache, key, &sizes, &code->witnesses, err);
}

/* The interpreter has code objects of its own, such as the frame below every __init__ in 3.13
 * (_Py_InitCleanup), whose file name, name and qualified name are one and the same object. */
static bool is_interpreters_own(const struct code_key *key)
{
	return key->filename == key->name && key->name == key->qualname;
}

static bool code_load(struct code_cache *cache, struct code *code, const struct code_key *key,
		      struct error *err)
{
	code_unload(cache, code);
	if (key->type != cache->runtime->code_type)
		return error_set(err, ERROR_FORMAT, "no code object at %" PRIraddr, code->address);
	if (!load_parts(cache, code, key, err)) {
		code_unload(cache, code);
		return false;
	}
	cache->loaded_count++;
	cache->odd_count +=
		!linetable_fits(cache->runtime->offsets.code.line_format, code->linetable,
				code->linetable_len, code->bytecode_bytes);
	code->key = *key;
	code->is_hidden = is_interpreters_own(key);
	code->is_loaded = true;
	return true;
}

static bool check_codes(struct code_cache *cache, struct error *err)
{
	if (!memory_read_spans(cache->memory, cache->spans, cache->span_count, err))
		return false;
	for (size_t i = 0; i < cache->check_count; i++) {
		struct check *check = &cache->checks[i];
		if (!cache->spans[check->span].is_read) {
			error_set_read(err, check->code->address, 0);
			return error_context(err, "code object");
		}
		struct code_key key = key_parse(&cache->runtime->offsets, check->header);
		if (!is_same(cache, check, &key) && !code_load(cache, check->code, &key, err))
			return false;
		check->code->meetings++;
	}
	return true;
}

/* The byte offset of a place in its bytecode; negative: not begun. */
static bool find_instruction(const struct code_cache *cache, const struct code *code,
			     const struct place *place, int *ret, struct error *err)
{
	const struct py_offsets *py = &cache->runtime->offsets;
	int64_t instruction = (int32_t)place->position;
	switch (py->frame.position_kind) {
	case POSITION_BYTES:
		break;
	case POSITION_INSTRUCTIONS:
		instruction *= 2;
		break;
	case POSITION_POINTER:
		instruction = (int64_t)(place->position - place->code - py->code.bytecode);
		break;
	}
	if (instruction < -2 || instruction >= (int64_t)code->bytecode_bytes)
		return error_set(err, ERROR_FORMAT, "a frame is outside its code");
	*ret = (int)instruction;
	return true;
}

static const struct frame *find_frame(struct code_cache *cache, struct code *code, int instruction)
{
	size_t kept = code->line_count < LINES_KEPT ? code->line_count : LINES_KEPT;
	for (size_t i = 0; i < kept; i++) {
		if (code->lines[i].instruction == instruction)
			return code->lines[i].frame;
	}

	int line = linetable_line(cache->runtime->offsets.code.line_format, code->linetable,
				  code->linetable_len, (int)code->key.first_line, instruction);
	const struct frame *frame;
	struct error ignored;
	if (!interner_frame(cache->interner, code->function, code->file, line, &frame, &ignored))
		return cache->other;
	size_t slot = code->line_count++ % LINES_KEPT;
	code->lines[slot].instruction = instruction;
	code->lines[slot].frame = frame;
	return frame;
}

bool code_cache_frames(struct code_cache *cache, const struct place *places, size_t place_count,
		       const struct frame **ret, size_t *len_ret, struct error *err)
{
	if (HASH_COUNT(cache->codes) >= CODES_MAX || cache->tables_bytes >= TABLES_BYTES_MAX)
		forget_all(cache);
	cache->walk++;
	cache->check_count = 0;
	cache->span_count = 0;
	for (size_t i = 0; i < place_count; i++) {
		if (!find_or_add(cache, places[i].code, &cache->met[i], err))
			return false;
		if (cache->met[i]->walk != cache->walk)
			add_check(cache, cache->met[i]);
		cache->met[i]->walk = cache->walk;
	}
	if (!check_codes(cache, err))
		return false;

	size_t len = 0;
	for (size_t i = 0; i < place_count; i++) {
		const struct code *code = cache->met[i];
		int instruction = 0;
		if (code->is_hidden)
			continue;
		if (!find_instruction(cache, code, &places[i], &instruction, err))
			return false;
		ret[len++] = find_frame(cache, cache->met[i], instruction);
	}
	*len_ret = len;
	return true;
}

bool code_cache_is_plausible(const struct code_cache *cache)
{
	return 2 * cache->odd_count <= cache->loaded_count;
}
