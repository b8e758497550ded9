/* SPDX-License-Identifier: MIT */
#include "profile/diff.h"

#include "profile/diff_figures.h"
#include "tests/unit/profile/versions.h"

/* A leak that doubled, one that was mended, a new one, and a steady one; the program has moved, and
 * so have its lines. */
static void make_versions(struct version *old, struct version *new)
{
	static const struct frame old_main = { "<module>", "/srv/app-v1/main.py", 90 };
	static const struct frame new_main = { "<module>", "/srv/app-v2/main.py", 97 };
	version_init(old, 100, 1024);
	version_init(new, 50, 1024);
	size_t leak = version_add(old, &(struct frame){ "render", "/srv/app-v1/shop/views.py", 20 },
				  50000, 1000, 50);
	version_add_caller(old, leak, &old_main);
	version_add(old, &(struct frame){ "put", "/srv/app-v1/cache.py", 7 }, 40000, 800, 50);
	version_add(old, &(struct frame){ "steady", "/srv/app-v1/cache.py", 40 }, 20000, 300, 50);

	leak = version_add(new, &(struct frame){ "render", "/srv/app-v2/shop/views.py", 23 }, 52000,
			   2000, 60);
	version_add_caller(new, leak, &new_main);
	version_add(new, &(struct frame){ "log", "/srv/app-v2/audit.py", 5 }, 30000, 600, 50);
	version_add(new, &(struct frame){ "steady", "/srv/app-v2/cache.py", 31 }, 10000, 310, 50);
}

static const struct diff_site *site_of(const struct diff *diff, const char *function)
{
	for (size_t i = 0; i < diff->site_count; i++) {
		const struct frame *const *frames = diff->sites[i].frames;
		const struct frame *frame = frames[SIDE_NEW] ? frames[SIDE_NEW] : frames[SIDE_OLD];
		if (strcmp(frame->function, function) == 0)
			return &diff->sites[i];
	}
	fail_msg("%s is not there", function);
	return NULL;
}

static void test_a_moved_line_is_no_new_leak(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	assert_int_equal(diff->site_count, 4);
	const struct diff_site *leak = site_of(diff, "render");
	assert_int_equal(leak->frames[SIDE_OLD]->line, 20);
	assert_int_equal(leak->frames[SIDE_NEW]->line, 23);
	assert_float_equal(leak->difference.growth.difference.value, 1000, 1e-9);
	assert_float_equal(leak->difference.growth.difference.error, hypot(50, 60), 1e-9);
	assert_int_equal(leak->change, DIFF_WORSE);
	assert_ptr_equal(leak->figures[SIDE_OLD], &old.sites[0].figures);
}

static void test_what_got_worse_comes_first_then_what_got_better(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	static const char *const order[] = { "render", "log", "put", "steady" };
	static const enum diff_change changes[] = { DIFF_WORSE, DIFF_WORSE, DIFF_BETTER,
						    DIFF_UNCLEAR };
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		assert_ptr_equal(site_of(diff, order[i]), &diff->sites[i]);
		assert_int_equal(diff->sites[i].change, changes[i]);
	}
	assert_int_equal(diff->counts[DIFF_WORSE], 2);
	assert_int_equal(diff->counts[DIFF_BETTER], 1);
	assert_int_equal(diff->counts[DIFF_UNCLEAR], 1);
	assert_int_equal(diff->change, DIFF_WORSE);
	assert_float_equal(diff->total.growth.difference.value, 2910 - 2100, 1e-9);
}

static void test_what_one_side_has_alone_is_compared_with_what_nobody_saw(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	const struct diff_site *arrived = site_of(diff, "log"), *left = site_of(diff, "put");
	assert_null(arrived->frames[SIDE_OLD]);
	assert_null(arrived->figures[SIDE_OLD]);
	assert_null(left->frames[SIDE_NEW]);
	assert_int_equal(diff->only_counts[SIDE_OLD], 1);
	assert_int_equal(diff->only_counts[SIDE_NEW], 1);

	/* Of nothing, up to 3.84 samples may have been missed. */
	const struct estimate *nothing = &arrived->difference.live.sides[SIDE_OLD];
	assert_float_equal(nothing->value, 0, 0);
	assert_float_equal(nothing->low, 0, 0);
	assert_float_equal(nothing->high, 3.8415 * 1024 / 100, 0.01);
	const struct estimate *growth = &arrived->difference.growth.difference;
	assert_float_equal(growth->low, 600 - hypot(50, 3.8415 * 1024 / 100), 0.1);
	assert_true(growth->high > 650);

	/* Where every allocation was taken, nothing was missed. */
	old.snapshot.capture.sample_bytes = 1;
	OWNED_DIFF struct diff *exact = compare(&old, &new);
	assert_float_equal(site_of(exact, "log")->difference.growth.difference.low, 550, 1e-9);
}

static void test_live_bytes_are_divided_by_time(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	assert_false(diff->is_per_operation);
	assert_float_equal(diff->divisors[SIDE_NEW], 50, 0);
	const struct diff_figure *live = &site_of(diff, "steady")->difference.live;
	assert_float_equal(live->sides[SIDE_OLD].value, 200, 1e-9);
	assert_float_equal(live->sides[SIDE_NEW].value, 200, 1e-9);
	assert_float_equal(live->sides[SIDE_NEW].error, 20, 1e-9);
	assert_float_equal(live->difference.value, 0, 1e-9);
	assert_float_equal(live->difference.high, hypot(20, 20), 1e-9);
}

static void test_operations_take_the_load_out(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	/* Twice as many requests a second: render keeps as much of each as before. */
	const struct diff_options options = { .operations = { 10000, 10000 } };
	OWNED_DIFF struct diff *diff = compare_with(&old, &new, &options);
	assert_true(diff->is_per_operation);
	const struct diff_site *leak = site_of(diff, "render");
	assert_float_equal(leak->difference.growth.sides[SIDE_OLD].value, 10, 1e-9);
	assert_float_equal(leak->difference.growth.sides[SIDE_NEW].value, 10, 1e-9);
	assert_int_equal(leak->change, DIFF_UNCLEAR);
	assert_float_equal(leak->difference.live.sides[SIDE_NEW].value, 5.2, 1e-9);
}

static void test_the_two_ends_of_an_interval_are_kept_apart(void **state)
{
	(void)state;
	const struct diff_scale scales[SIDE_COUNT] = { { .live = 1, .growth = 1 },
						       { .live = 1, .growth = 1 } };
	const struct figures old = { .growth_bytes_per_second = { 10, 7, 30, 20 } };
	const struct figures new = { .growth_bytes_per_second = { 50, 10, 54, 40 } };
	const struct figures *const sides[SIDE_COUNT] = { &old, &new };
	struct diff_figures figures;
	diff_figures_make(scales, sides, &figures);
	const struct estimate *difference = &figures.growth.difference;
	assert_float_equal(difference->value, 40, 1e-9);
	assert_float_equal(difference->low, 40 - hypot(40, 20), 1e-9);
	assert_float_equal(difference->high, 40 + hypot(4, 3), 1e-9);
	assert_float_equal(difference->error, hypot(40, 20), 1e-9);
}

static void test_among_many_sites_chance_marks_none(void **state)
{
	(void)state;
	assert_float_equal(diff_stretch(1), 1, 1e-6);
	assert_float_equal(diff_stretch(100), 3.4808 / 1.95996, 1e-3);
	const struct estimate difference = { 10, 1, 19, 9 };
	assert_int_equal(diff_change_of(&difference, 1), DIFF_WORSE);
	assert_int_equal(diff_change_of(&difference, diff_stretch(100)), DIFF_UNCLEAR);
	const struct estimate less = { -10, -19, -1, 9 };
	assert_int_equal(diff_change_of(&less, 1), DIFF_BETTER);

	/* A difference that would be sure if it were the only one that was looked at. */
	static struct version old, new;
	version_init(&old, 100, 1);
	version_init(&new, 100, 1);
	version_add(&old, &(struct frame){ "f", "/a.py", 1 }, 100, 10, 6);
	version_add(&new, &(struct frame){ "f", "/a.py", 1 }, 100, 20, 6);
	OWNED_DIFF struct diff *alone = compare(&old, &new);
	assert_int_equal(alone->sites[0].change, DIFF_WORSE);
	for (int i = 1; i < VERSION_SITES_MAX; i++) {
		const struct frame frame = { "steady", "/a.py", 10 + i };
		version_add(&old, &frame, 100, 5, 6);
		version_add(&new, &frame, 100, 5, 6);
	}
	OWNED_DIFF struct diff *many = compare(&old, &new);
	assert_string_equal(many->sites[0].frames[SIDE_NEW]->function, "f");
	assert_true(many->sites[0].difference.growth.difference.low > 0);
	assert_int_equal(many->sites[0].change, DIFF_UNCLEAR);
}

/* A leak of so many blocks, of which some 6% are sampled. */
static struct snapshot *random_leak(uint64_t *seed, int blocks)
{
	static const struct frame leak = { "render", "/srv/app.py", 20 };
	static const struct frame *const path[] = { &leak };
	OWNED_PROFILE struct profile *profile = new_profile();
	for (int i = 0; i < blocks; i++) {
		if (random_unit(seed) < -expm1(-512.0 / 8192))
			add_block(profile, 20.0 * i / blocks, 0x1000 + (raddr)i * 16, 512, 8192,
				  path, 1, MEMORY_PYMALLOC);
	}
	return take_snapshot(profile, 20, 8192);
}

/* How many of a thousand pairs of such leaks are told apart. */
static int told_apart(int old_blocks, int new_blocks)
{
	uint64_t seed = 11;
	int ret = 0;
	for (int round = 0; round < 1000; round++) {
		OWNED_SNAPSHOT struct snapshot *old = random_leak(&seed, old_blocks);
		OWNED_SNAPSHOT struct snapshot *new = random_leak(&seed, new_blocks);
		OWNED_DIFF struct diff *diff = NULL;
		struct error err;
		assert_true(diff_create(old, new, &(struct diff_options){ 0 }, &diff, &err));
		ret += diff->change != DIFF_UNCLEAR;
	}
	return ret;
}

static void test_chance_is_told_from_change(void **state)
{
	(void)state;
	assert_true(told_apart(300, 300) <= 50);
	assert_true(told_apart(50, 50) <= 50);
	assert_true(told_apart(300, 900) >= 950);
}

static void test_several_lines_of_a_function_are_paired_in_order(void **state)
{
	(void)state;
	static struct version old, new;
	version_init(&old, 100, 1);
	version_init(&new, 100, 1);
	version_add(&old, &(struct frame){ "f", "/a.py", 14 }, 100, 40, 1);
	version_add(&old, &(struct frame){ "f", "/a.py", 10 }, 100, 30, 1);
	version_add(&old, &(struct frame){ "g", "/a.py", 12 }, 100, 20, 1);
	version_add(&new, &(struct frame){ "f", "/a.py", 19 }, 100, 41, 1);
	version_add(&new, &(struct frame){ "f", "/a.py", 15 }, 100, 31, 1);
	version_add(&new, &(struct frame){ "f", "/a.py", 17 }, 100, 99, 1);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	assert_int_equal(diff->site_count, 4);
	for (size_t i = 0; i < diff->site_count; i++) {
		const struct diff_site *site = &diff->sites[i];
		const struct frame *before = site->frames[SIDE_OLD], *now = site->frames[SIDE_NEW];
		if (!now)
			assert_string_equal(before->function, "g");
		else if (now->line == 17)
			assert_null(before);
		else
			assert_int_equal(now->line, before->line + 5);
	}
}

static void test_before_qualified_names_the_bare_ones_count(void **state)
{
	(void)state;
	static struct version old, new;
	version_init(&old, 100, 1);
	version_init(&new, 100, 1);
	version_add(&old, &(struct frame){ "render", "/a.py", 14 }, 100, 40, 1);
	version_add(&new, &(struct frame){ "View.render", "/a.py", 14 }, 100, 40, 1);
	OWNED_DIFF struct diff *apart = compare(&old, &new);
	assert_int_equal(apart->site_count, 2);
	old.snapshot.target.python = "3.10.2";
	OWNED_DIFF struct diff *together = compare(&old, &new);
	assert_int_equal(together->site_count, 1);
	assert_string_equal(together->stacks[0].stack.frames[0]->function, "View.render");
}

static void test_stacks_of_the_same_functions_become_one(void **state)
{
	(void)state;
	static const struct frame main_a = { "<module>", "/srv/app-v1/main.py", 8 };
	static const struct frame main_b = { "<module>", "/srv/app-v1/main.py", 9 };
	static const struct frame other = { "<module>", "/srv/app-v2/main.py", 40 };
	static struct version old, new;
	version_init(&old, 100, 1);
	version_init(&new, 100, 1);
	const struct frame old_leak = { "f", "/srv/app-v1/a.py", 3 };
	const struct frame new_leak = { "f", "/srv/app-v2/a.py", 4 };
	version_add_caller(&old, version_add(&old, &old_leak, 100, 40, 3), &main_a);
	version_add_caller(&old, version_add(&old, &old_leak, 100, 10, 4), &main_b);
	version_add_caller(&new, version_add(&new, &new_leak, 100, 70, 12), &other);
	version_add(&new, &new_leak, 100, 1, 1);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	assert_int_equal(diff->stack_count, 2);
	const struct diff_stack *stack = &diff->stacks[0];
	assert_int_equal(stack->stack.frame_count, 2);
	assert_string_equal(stack->stack.frames[1]->file, "/srv/app-v2/main.py");
	assert_int_equal(stack->stack.frames[1]->line, 0);
	assert_float_equal(stack->difference.growth.sides[SIDE_OLD].value, 50, 1e-9);
	assert_float_equal(stack->difference.growth.difference.value, 20, 1e-9);
	assert_float_equal(stack->difference.growth.difference.error, 13, 1e-9);
	assert_float_equal(stack->difference.growth.spread, 13, 1e-9);
	assert_true(stack->is_in[SIDE_OLD] && stack->is_in[SIDE_NEW]);
	assert_false(diff->stacks[1].is_in[SIDE_OLD]);
	/* Figures of the stacks add up to those of the whole. */
	double growth = 0;
	for (size_t i = 0; i < diff->stack_count; i++)
		growth += diff->stacks[i].difference.growth.difference.value;
	assert_float_equal(growth, diff->total.growth.difference.value, 1e-9);

	/* Another thread or kind is another stack. */
	new.stacks[0].thread = "worker";
	OWNED_DIFF struct diff *apart = compare(&old, &new);
	assert_int_equal(apart->stack_count, 3);
}

static void test_the_top_lists_sites_with_their_stacks(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	const struct diff_options options = { .top = 1 };
	OWNED_DIFF struct diff *diff = compare_with(&old, &new, &options);
	assert_int_equal(diff->site_count, 1);
	assert_int_equal(diff->beyond_top, 3);
	assert_int_equal(diff->counts[DIFF_WORSE], 2);
	assert_int_equal(diff->stack_count, 1);
	assert_string_equal(diff->stacks[0].stack.frames[0]->function, "render");
}

static void test_redaction_changes_names_and_no_match(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	const struct diff_options options = { .is_redacted = true };
	OWNED_DIFF struct diff *diff = compare_with(&old, &new, &options);
	assert_int_equal(diff->site_count, 4);
	assert_string_equal(diff->sites[0].frames[SIDE_OLD]->file, "shop/views.py");
	assert_string_equal(diff->sites[1].frames[SIDE_NEW]->file, "app-v2/audit.py");
	for (size_t i = 0; i < diff->stack_count; i++) {
		for (size_t j = 0; j < diff->stacks[i].stack.frame_count; j++)
			assert_null(strstr(diff->stacks[i].stack.frames[j]->file, "srv"));
	}
	assert_string_equal(diff->targets[SIDE_NEW].command[1], "app.py");
	assert_string_equal(new.snapshot.target.command[1], "/srv/secret/app.py");
}

static void test_a_capture_of_no_time_says_nothing(void **state)
{
	(void)state;
	static struct version old, new;
	make_versions(&old, &new);
	new.snapshot.capture.seconds = 0;
	struct diff *diff = NULL;
	struct error err;
	const struct diff_options options = { 0 };
	assert_false(diff_create(&old.snapshot, &new.snapshot, &options, &diff, &err));
	assert_int_equal(err.kind, ERROR_NO_DATA);
	assert_non_null(strstr(err.context, "new"));
	assert_null(diff);
}

static void test_empty_and_endless_figures_are_figures(void **state)
{
	(void)state;
	static struct version old, new;
	version_init(&old, 1e-300, UINT64_MAX);
	version_init(&new, 1e300, 0);
	OWNED_DIFF struct diff *empty = compare(&old, &new);
	assert_int_equal(empty->site_count + empty->stack_count, 0);
	assert_true(isfinite(empty->total.growth.difference.error));

	const struct frame frame = { "f", "/a.py", 1 };
	version_add(&old, &frame, 1.7e308, -1.7e308, 1.7e308);
	version_add(&new, &frame, -1.7e308, 1.7e308, 1.7e308);
	version_add(&old, &frame, 1.7e308, -1.7e308, 1.7e308);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	assert_true(isfinite(diff->sites[0].difference.growth.difference.low));
	assert_true(isfinite(diff->stacks[0].difference.live.difference.high));
	assert_true(isfinite(diff->stacks[0].difference.live.spread));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_moved_line_is_no_new_leak),
		cmocka_unit_test(test_what_got_worse_comes_first_then_what_got_better),
		cmocka_unit_test(test_what_one_side_has_alone_is_compared_with_what_nobody_saw),
		cmocka_unit_test(test_live_bytes_are_divided_by_time),
		cmocka_unit_test(test_operations_take_the_load_out),
		cmocka_unit_test(test_the_two_ends_of_an_interval_are_kept_apart),
		cmocka_unit_test(test_among_many_sites_chance_marks_none),
		cmocka_unit_test(test_chance_is_told_from_change),
		cmocka_unit_test(test_several_lines_of_a_function_are_paired_in_order),
		cmocka_unit_test(test_before_qualified_names_the_bare_ones_count),
		cmocka_unit_test(test_stacks_of_the_same_functions_become_one),
		cmocka_unit_test(test_the_top_lists_sites_with_their_stacks),
		cmocka_unit_test(test_redaction_changes_names_and_no_match),
		cmocka_unit_test(test_a_capture_of_no_time_says_nothing),
		cmocka_unit_test(test_empty_and_endless_figures_are_figures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
