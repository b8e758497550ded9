/* SPDX-License-Identifier: MIT */
#include "tui/details.h"

#include <string.h>

#include "tui/frame_table.h"

static const struct source_line *find(const struct details *details, uint64_t hash)
{
	for (size_t i = 0; i < details->len; i++)
		if (details->lines[i].hash == hash)
			return &details->lines[i];
	return NULL;
}

static void read_line(struct details *details, const struct frame *frame,
		      const struct tui_source *source)
{
	char text[SOURCE_TEXT_SIZE] = "";
	uint64_t hash = frame_hash(frame, false);
	if (details->len == SOURCE_LINES_MAX || frame->line <= 0 || find(details, hash))
		return;
	if (!source->read_line(source->context, frame->file, frame->line, text, sizeof(text)))
		text[0] = '\0';
	struct source_line *line = &details->lines[details->len++];
	line->hash = hash;
	memcpy(line->text, text, sizeof(text));
}

void details_read(struct details *details, const struct tree *tree, const struct tui_source *source)
{
	if (!source || !source->read_line || tree->row_count == 0)
		return;
	const struct snapshot_stack *stack = tree_largest_stack(tree, &tree->rows[tree->selected]);
	for (size_t i = 0; stack && i < stack->frame_count; i++)
		read_line(details, stack->frames[i], source);
}

const char *details_line(const struct details *details, const struct frame *frame)
{
	const struct source_line *line = find(details, frame_hash(frame, false));
	return line && *line->text ? line->text : NULL;
}
