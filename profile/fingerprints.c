/* SPDX-License-Identifier: MIT */
#include "profile/fingerprints.h"

#include <string.h>

/* A frame and what its function goes by. */
struct print {
	const struct frame *frame;
	const char *name;
	uint32_t module;
	enum side side;
	uint32_t number; /* of the frame */
};

void fingerprints_deinit(struct fingerprints *fingerprints)
{
	for (int side = 0; side < SIDE_COUNT; side++) {
		numbering_deinit(&fingerprints->frames[side]);
		free(fingerprints->functions[side]);
	}
	free(fingerprints->examples);
}

static const struct frame *frame_at(const struct numbering *frames, size_t number)
{
	return (const struct frame *)(uintptr_t)frames->keys[number];
}

uint32_t fingerprints_of(const struct fingerprints *fingerprints, enum side side,
			 const struct frame *frame)
{
	uint32_t number = 0;
	(void)numbering_find(&fingerprints->frames[side], (uint64_t)(uintptr_t)frame, &number);
	return fingerprints->functions[side][number];
}

static bool add_frames(struct numbering *frames, const struct snapshot *snapshot, struct error *err)
{
	uint32_t number;
	for (size_t i = 0; i < snapshot->site_count; i++) {
		if (!numbering_add(frames, (uint64_t)(uintptr_t)snapshot->sites[i].frame, &number,
				   err))
			return false;
	}
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		const struct snapshot_stack *stack = &snapshot->stacks[i];
		for (size_t j = 0; j < stack->frame_count; j++) {
			if (!numbering_add(frames, (uint64_t)(uintptr_t)stack->frames[j], &number,
					   err))
				return false;
		}
	}
	return true;
}

static bool has_qualified_names(const struct snapshot *snapshot)
{
	int minor;
	return !snapshot->target.python || sscanf(snapshot->target.python, "3.%d", &minor) != 1 ||
	       minor >= 11;
}

/* The name that functions are compared by. */
static const char *bare_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && dot[1] ? dot + 1 : name;
}

static int print_compare(const void *a, const void *b)
{
	const struct print *left = a, *right = b;
	if (left->module != right->module)
		return left->module < right->module ? -1 : 1;
	int order = strcmp(left->name, right->name);
	return order ? order : (int)left->side - (int)right->side;
}

/* Describe all frames, old ones first. */
static bool find_prints(const struct fingerprints *fingerprints, bool is_bare, struct print *prints,
			size_t count, struct error *err)
{
	OWNED_FREE struct module_file *files = calloc(count + 1, sizeof(*files));
	if (!files)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu frames", count);
	size_t len = 0;
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct numbering *frames = &fingerprints->frames[side];
		for (size_t i = 0; i < frames->len; i++, len++) {
			const struct frame *frame = frame_at(frames, i);
			files[len] = (struct module_file){ frame->file, side, 0 };
			prints[len] = (struct print){
				.frame = frame,
				.name = is_bare ? bare_name(frame->function) : frame->function,
				.side = side,
				.number = (uint32_t)i,
			};
		}
	}
	if (!modules_match(files, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		prints[i].module = files[i].module;
	return true;
}

/* Number runs of equal prints, which are sorted. */
static void number_functions(struct fingerprints *fingerprints, struct print *prints, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct print *print = &prints[i], *before = i ? print - 1 : NULL;
		bool is_first = !before || before->module != print->module ||
				strcmp(before->name, print->name) != 0;
		if (is_first)
			fingerprints->function_count++;
		size_t function = fingerprints->function_count - 1;
		fingerprints->functions[print->side][print->number] = (uint32_t)function;
		if (is_first || before->side != print->side)
			fingerprints->examples[function] = print->frame;
	}
}

bool fingerprints_init(struct fingerprints *fingerprints,
		       const struct snapshot *const sides[SIDE_COUNT], struct error *err)
{
	*fingerprints = (struct fingerprints){ 0 };
	size_t count = 0;
	for (int side = 0; side < SIDE_COUNT; side++) {
		struct numbering *frames = &fingerprints->frames[side];
		if (!add_frames(frames, sides[side], err))
			return false;
		fingerprints->functions[side] = calloc(frames->len + 1, sizeof(uint32_t));
		count += frames->len;
	}
	OWNED_FREE struct print *prints = calloc(count + 1, sizeof(*prints));
	fingerprints->examples = calloc(count + 1, sizeof(*fingerprints->examples));
	if (!prints || !fingerprints->examples || !fingerprints->functions[SIDE_OLD] ||
	    !fingerprints->functions[SIDE_NEW])
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu frames", count);

	bool is_bare = has_qualified_names(sides[SIDE_OLD]) != has_qualified_names(sides[SIDE_NEW]);
	if (!find_prints(fingerprints, is_bare, prints, count, err))
		return false;
	qsort(prints, count, sizeof(*prints), print_compare);
	number_functions(fingerprints, prints, count);
	return true;
}
