/* SPDX-License-Identifier: MIT */
#include "profile/selection.h"

#include <string.h>

#include "tests/unit/profile/population.h"

/* Three sites: a leak on two stacks of two kinds, a small one, and an old one in a library. */
static const struct frame leak = { "render", "/srv/app/views.py", 26 };
static const struct frame small = { "put", "/srv/app/cache.py", 7 };
static const struct frame old = { "load", "/usr/lib/python3.11/json/decoder.py", 3 };
static const struct frame outer = { "<module>", "/srv/app/main.py", 1 };

static struct snapshot *population(void)
{
	static const struct frame *const leak_path[] = { &leak, &outer };
	static const struct frame *const small_path[] = { &small, &outer };
	static const struct frame *const old_path[] = { &old };
	OWNED_PROFILE struct profile *profile = new_profile();
	for (int i = 0; i < 60; i++)
		add_block(profile, 0.5, 0x8000 + (raddr)i, 2048, 4096, old_path, 1, MEMORY_MALLOC);
	for (int i = 0; i < 400; i++)
		add_block(profile, 5 + i * 0.03, 0x1000 + (raddr)i, 1024, 4096, leak_path, 2,
			  i % 4 ? MEMORY_PYMALLOC : MEMORY_MALLOC);
	for (int i = 0; i < 5; i++)
		add_block(profile, 17, 0x9000 + (raddr)i, 100, 4096, small_path, 2,
			  MEMORY_PYMALLOC);
	return take_snapshot(profile, 20, 4096);
}

static struct snapshot *selected(const struct selection *selection, const struct snapshot *from)
{
	struct snapshot *ret;
	struct error err = { .context = "" };
	if (!selection_apply(selection, from, &ret, &err))
		fail_msg("%s", err.context);
	return ret;
}

static bool has_site(const struct snapshot *snapshot, const struct frame *frame)
{
	for (size_t i = 0; i < snapshot->site_count; i++) {
		if (strcmp(snapshot->sites[i].frame->function, frame->function) == 0)
			return true;
	}
	return false;
}

/* Nothing is lost: lists, what is beyond the top, and what was filtered add up to the whole. */
static void assert_complete(const struct snapshot *part, const struct snapshot *whole)
{
	double live = part->filtered.live_bytes, listed = 0;
	for (size_t i = 0; i < part->stack_count; i++)
		listed += part->stacks[i].figures.live_bytes.value;
	assert_float_equal(part->total.live_bytes.value, listed + part->beyond_top.live_bytes,
			   1e-3);
	assert_float_equal(whole->total.live_bytes.value, part->total.live_bytes.value + live,
			   1e-3);
	assert_int_equal(whole->stack_count,
			 part->stack_count + part->filtered.stacks + part->beyond_top.stacks);
	assert_int_equal(whole->site_count,
			 part->site_count + part->filtered.sites + part->beyond_top.sites);
	double sites = 0;
	for (size_t i = 0; i < part->site_count; i++)
		sites += part->sites[i].figures.live_bytes.value;
	assert_float_equal(sites, listed, 1e-3);
}

static void test_an_empty_selection_changes_nothing(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED_SNAPSHOT struct snapshot *part = selected(&(struct selection){ 0 }, whole);
	assert_complete(part, whole);
	assert_int_equal(part->filtered.stacks + part->beyond_top.stacks, 0);
	assert_memory_equal(&part->total, &whole->total, sizeof(part->total));
	for (size_t i = 0; i < whole->site_count; i++) {
		assert_memory_equal(&part->sites[i].figures, &whole->sites[i].figures,
				    sizeof(struct figures));
		assert_ptr_not_equal(part->sites[i].frame, whole->sites[i].frame);
		assert_string_equal(part->sites[i].frame->file, whole->sites[i].frame->file);
	}
	assert_int_equal(part->target.pid, 4121);
	assert_string_equal(part->target.command[1], "app.py");
	assert_int_equal(part->capture.samples, whole->capture.samples);
	/* Sites and stacks still share their frames. */
	assert_ptr_equal(part->stacks[0].frames[0], part->sites[0].frame);
}

static void add_glob(struct patterns *patterns, const char *glob)
{
	struct error err;
	assert_true(patterns_add_glob(patterns, glob, &err));
}

static void test_only_and_exclude_look_at_all_frames(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED(selection_deinit) struct selection only = { 0 };
	add_glob(&only.only, "main.py");
	OWNED_SNAPSHOT struct snapshot *part = selected(&only, whole);
	assert_complete(part, whole);
	assert_true(has_site(part, &leak) && has_site(part, &small));
	assert_false(has_site(part, &old));

	OWNED(selection_deinit) struct selection exclude = { 0 };
	add_glob(&exclude.exclude, "cache.py:7");
	add_glob(&exclude.exclude, "load");
	OWNED_SNAPSHOT struct snapshot *rest = selected(&exclude, whole);
	assert_complete(rest, whole);
	assert_int_equal(rest->site_count, 1);
	assert_true(has_site(rest, &leak));

	add_glob(&only.exclude, "render");
	OWNED_SNAPSHOT struct snapshot *both = selected(&only, whole);
	assert_complete(both, whole);
	assert_int_equal(both->site_count, 1);
	assert_true(has_site(both, &small));
}

static void test_min_age_keeps_stacks_that_keep_something_for_long(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED_SNAPSHOT struct snapshot *part =
		selected(&(struct selection){ .min_age_seconds = 10 }, whole);
	assert_complete(part, whole);
	assert_true(has_site(part, &old) && has_site(part, &leak));
	assert_false(has_site(part, &small));
}

static void test_threads_are_chosen_by_a_regular_expression(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	for (size_t i = 0; i < whole->stack_count; i++)
		whole->stacks[i].thread = i ? "worker-7" : "worker-12";
	OWNED_SNAPSHOT struct snapshot *part =
		selected(&(struct selection){ .thread = "^worker-[0-9]$" }, whole);
	assert_complete(part, whole);
	assert_int_equal(part->filtered.stacks, 1);
	assert_string_equal(part->stacks[0].thread, "worker-7");

	struct snapshot *none = NULL;
	struct error err;
	assert_false(selection_apply(&(struct selection){ .thread = "(" }, whole, &none, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_null(none);
}

static void test_top_lists_the_largest_and_counts_all(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED_SNAPSHOT struct snapshot *part = selected(&(struct selection){ .top = 1 }, whole);
	assert_complete(part, whole);
	assert_int_equal(part->site_count, 1);
	assert_true(has_site(part, &leak));
	assert_int_equal(part->stack_count, 2);
	assert_int_equal(part->beyond_top.sites, 2);
	assert_int_equal(part->beyond_top.stacks, 2);
	assert_memory_equal(&part->total, &whole->total, sizeof(part->total));
}

/* Of the site with two stacks, filters keep the one of malloc. */
static void test_a_part_of_a_site_has_the_figures_of_its_stacks(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	for (size_t i = 0; i < whole->stack_count; i++)
		whole->stacks[i].thread =
			whole->stacks[i].kind == MEMORY_MALLOC ? "malloc" : "pymalloc";
	OWNED_SNAPSHOT struct snapshot *part =
		selected(&(struct selection){ .thread = "^malloc" }, whole);
	assert_complete(part, whole);
	const struct snapshot_stack *stack = NULL;
	for (size_t i = 0; i < part->stack_count; i++) {
		if (strcmp(part->stacks[i].frames[0]->function, "render") == 0)
			stack = &part->stacks[i];
	}
	const struct snapshot_site *site = &part->sites[0];
	for (size_t i = 0; i < part->site_count; i++) {
		if (strcmp(part->sites[i].frame->function, "render") == 0)
			site = &part->sites[i];
	}
	const struct figures *expected = &stack->figures, *found = &site->figures;
	assert_float_equal(found->live_bytes.value, expected->live_bytes.value, 1e-3);
	assert_float_equal(found->live_bytes.low, expected->live_bytes.low, 1);
	assert_float_equal(found->live_bytes.high, expected->live_bytes.high, 1);
	assert_float_equal(found->growth_bytes_per_second.low,
			   expected->growth_bytes_per_second.low, 1e-3);
	assert_float_equal(found->growth_bytes_per_second.high,
			   expected->growth_bytes_per_second.high, 1e-3);
	assert_float_equal(found->live_blocks, expected->live_blocks, 1e-6);
	assert_float_equal(found->oldest_seconds, expected->oldest_seconds, 1e-6);
	assert_int_equal(found->live_samples, expected->live_samples);
	assert_float_equal(found->kind_live_bytes[MEMORY_PYMALLOC], 0, 0);
}

/* What the blocks themselves say of all that `only` keeps: profiles are made without the rest. */
static void test_a_total_of_parts_has_the_interval_that_its_blocks_give(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED(selection_deinit) struct selection exclude = { 0 };
	add_glob(&exclude.exclude, "put");
	OWNED_SNAPSHOT struct snapshot *part = selected(&exclude, whole);

	static const struct frame *const leak_path[] = { &leak, &outer };
	static const struct frame *const old_path[] = { &old };
	OWNED_PROFILE struct profile *profile = new_profile();
	for (int i = 0; i < 60; i++)
		add_block(profile, 0.5, 0x8000 + (raddr)i, 2048, 4096, old_path, 1, MEMORY_MALLOC);
	for (int i = 0; i < 400; i++)
		add_block(profile, 5 + i * 0.03, 0x1000 + (raddr)i, 1024, 4096, leak_path, 2,
			  i % 4 ? MEMORY_PYMALLOC : MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *truth = take_snapshot(profile, 20, 4096);

	const struct estimate *found = &part->total.live_bytes;
	const struct estimate *expected = &truth->total.live_bytes;
	assert_float_equal(found->value, expected->value, 1e-3);
	assert_float_equal(found->low, expected->low, 1);
	assert_float_equal(found->high, expected->high, 1);
	found = &part->total.growth_bytes_per_second;
	expected = &truth->total.growth_bytes_per_second;
	assert_float_equal(found->value, expected->value, 1e-3);
	assert_true(found->low < found->value && found->high > found->value);
}

static void test_redaction_shortens_paths_and_arguments(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	whole->target.command[1] = (char[]){ "--secret" };
	OWNED_SNAPSHOT struct snapshot *part =
		selected(&(struct selection){ .is_redacted = true }, whole);
	assert_complete(part, whole);
	assert_string_equal(part->target.command[0], "python3");
	assert_string_equal(part->target.command[1], "\u2026");
	assert_null(part->target.command[2]);
	for (size_t i = 0; i < part->stack_count; i++) {
		for (size_t j = 0; j < part->stacks[i].frame_count; j++)
			assert_int_not_equal(part->stacks[i].frames[j]->file[0], '/');
	}
	assert_string_equal(part->sites[0].frame->file, "app/views.py");
}

static void test_filters_that_leave_nothing_say_what_there_was(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *whole = population();
	OWNED_SNAPSHOT struct snapshot *part =
		selected(&(struct selection){ .min_age_seconds = 1e9 }, whole);
	assert_complete(part, whole);
	assert_int_equal(part->site_count + part->stack_count, 0);
	assert_float_equal(part->total.live_bytes.value, 0, 0);
	assert_int_equal(part->filtered.sites, whole->site_count);
}

/* As a capture has them: a frame of its own for stacks of which nothing is known. */
static void test_stacks_without_frames_belong_to_the_unknown_site(void **state)
{
	(void)state;
	static const struct frame unknown = { "[unknown]", "", 0 };
	struct snapshot_site site = { .frame = &unknown, .figures.live_bytes = { 10, 5, 15, 5 } };
	struct snapshot_stack stack = { .thread = "a", .figures.live_bytes = { 10, 5, 15, 5 } };
	const struct snapshot whole = {
		.target.python = "",
		.total.live_bytes.value = 10,
		.stacks = &stack,
		.stack_count = 1,
		.sites = &site,
		.site_count = 1,
	};
	OWNED_SNAPSHOT struct snapshot *kept =
		selected(&(struct selection){ .thread = "a" }, &whole);
	assert_int_equal(kept->site_count, 1);
	OWNED_SNAPSHOT struct snapshot *gone =
		selected(&(struct selection){ .thread = "b" }, &whole);
	assert_int_equal(gone->site_count, 0);
	assert_int_equal(gone->filtered.stacks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_selection_changes_nothing),
		cmocka_unit_test(test_only_and_exclude_look_at_all_frames),
		cmocka_unit_test(test_min_age_keeps_stacks_that_keep_something_for_long),
		cmocka_unit_test(test_threads_are_chosen_by_a_regular_expression),
		cmocka_unit_test(test_top_lists_the_largest_and_counts_all),
		cmocka_unit_test(test_a_part_of_a_site_has_the_figures_of_its_stacks),
		cmocka_unit_test(test_a_total_of_parts_has_the_interval_that_its_blocks_give),
		cmocka_unit_test(test_redaction_shortens_paths_and_arguments),
		cmocka_unit_test(test_filters_that_leave_nothing_say_what_there_was),
		cmocka_unit_test(test_stacks_without_frames_belong_to_the_unknown_site),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
