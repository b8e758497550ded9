/* SPDX-License-Identifier: MIT */
#include "tui/frame_table.h"

#include <stdio.h>
#include <string.h>

void frame_table_deinit(struct frame_table *table)
{
	numbering_deinit(&table->frames);
	free(table->facts);
	table->facts = NULL;
	table->capacity = 0;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	for (const unsigned char *byte = bytes; len > 0; byte++, len--)
		hash = (hash ^ *byte) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t frame_hash(const struct frame *frame, bool is_by_function)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	hash = hash_bytes(hash, frame->function, strlen(frame->function) + 1);
	hash = hash_bytes(hash, frame->file, strlen(frame->file) + 1);
	if (!is_by_function)
		hash = hash_bytes(hash, &frame->line, sizeof(frame->line));
	return hash ? hash : 1;
}

bool frame_matches(const struct frame *frame, const char *text)
{
	char line[1024];
	snprintf(line, sizeof(line), "%s:%d %s", frame->file, frame->line, frame->function);
	return strcasestr(line, text);
}

static bool is_import(const struct frame *frame)
{
	static const char machinery[] = "<frozen importlib.";
	return strncmp(frame->file, machinery, sizeof(machinery) - 1) == 0;
}

bool frame_table_find(struct frame_table *table, const struct frame *frame,
		      const struct frame_facts **ret, struct error *err)
{
	uint32_t number;
	void *facts = table->facts;
	if (numbering_find(&table->frames, (uintptr_t)frame, &number)) {
		*ret = &table->facts[number];
		return true;
	}
	if (!array_reserve(&facts, &table->capacity, table->frames.len + 1, sizeof(*table->facts),
			   err))
		return false;
	table->facts = facts;
	if (!numbering_add(&table->frames, (uintptr_t)frame, &number, err))
		return false;
	table->facts[number] = (struct frame_facts){
		.hash = frame_hash(frame, table->is_by_function),
		.is_matching = !table->pattern || frame_matches(frame, table->pattern),
		.is_import = is_import(frame),
	};
	*ret = &table->facts[number];
	return true;
}
