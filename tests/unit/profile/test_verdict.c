/* SPDX-License-Identifier: MIT */
#include "profile/verdict.h"

#include <string.h>

#include "tests/unit/profile/population.h"

static const struct frame first = { "first", "app.py", 1 };
static const struct frame second = { "second", "app.py", 2 };

static struct estimate between(double low, double value, double high)
{
	return (struct estimate){ value, low, high, fmax(high - value, value - low) };
}

static struct snapshot_site site_of(const struct frame *frame, struct estimate growth)
{
	return (struct snapshot_site){ frame, { .growth_bytes_per_second = growth } };
}

static struct verdict reach(const struct snapshot *snapshot, enum limit_kind kind, double value,
			    double confidence)
{
	const struct limit limit = { kind, value };
	struct verdict ret;
	verdict_reach(snapshot, &limit, 1, confidence, &ret);
	return ret;
}

static void test_a_limit_is_exceeded_or_kept_only_by_the_whole_interval(void **state)
{
	(void)state;
	static const struct {
		double low, value, high;
		enum outcome outcome;
	} cases[] = {
		{ 101, 120, 150, OUTCOME_LEAK },	{ 100, 120, 150, OUTCOME_INCONCLUSIVE },
		{ 99, 120, 150, OUTCOME_INCONCLUSIVE }, { 50, 80, 101, OUTCOME_INCONCLUSIVE },
		{ 50, 80, 100, OUTCOME_INCONCLUSIVE },	{ 50, 80, 99, OUTCOME_PASS },
		{ -50, 0, 50, OUTCOME_PASS },		{ 100, 100, 100, OUTCOME_INCONCLUSIVE },
	};
	static const enum limit_kind kinds[] = { LIMIT_GROWTH, LIMIT_SITE_GROWTH, LIMIT_DELTA };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimate figure = between(cases[i].low, cases[i].value, cases[i].high);
		struct snapshot_site site = site_of(&first, figure);
		const struct snapshot snapshot = {
			.capture.seconds = 10,
			.total = { .live_bytes = figure, .growth_bytes_per_second = figure },
			.sites = &site,
			.site_count = 1,
		};
		for (size_t j = 0; j < ARRAY_LEN(kinds); j++) {
			struct verdict verdict = reach(&snapshot, kinds[j], 100, 0.95);
			assert_int_equal(verdict.outcome, cases[i].outcome);
			assert_int_equal(verdict.limits[0].outcome, cases[i].outcome);
			assert_float_equal(verdict.limits[0].low, cases[i].low, 1e-4);
			assert_float_equal(verdict.limits[0].high, cases[i].high, 1e-4);
			assert_true(verdict.limits[0].measured == cases[i].value);
			assert_ptr_equal(verdict.limits[0].site, &site);
		}
	}
}

static void test_the_site_that_decides_is_named(void **state)
{
	(void)state;
	static const struct {
		struct estimate growth[2];
		enum outcome outcome;
		int decides;
	} cases[] = {
		{ { { 50, 40, 60, 10 }, { 120, 110, 130, 10 } }, OUTCOME_LEAK, 1 },
		{ { { 300, 10, 600, 300 }, { 120, 110, 130, 10 } }, OUTCOME_LEAK, 1 },
		{ { { 150, 140, 160, 10 }, { 500, 120, 900, 400 } }, OUTCOME_LEAK, 0 },
		{ { { 50, 40, 60, 10 }, { 80, 40, 120, 40 } }, OUTCOME_INCONCLUSIVE, 1 },
		{ { { 60, 50, 70, 10 }, { 50, 20, 80, 30 } }, OUTCOME_PASS, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snapshot_site sites[] = { site_of(&first, cases[i].growth[0]),
						 site_of(&second, cases[i].growth[1]) };
		const struct snapshot snapshot = {
			.capture.seconds = 10,
			.sites = sites,
			.site_count = 2,
		};
		struct verdict verdict = reach(&snapshot, LIMIT_SITE_GROWTH, 100, 0.95);
		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_ptr_equal(verdict.limits[0].site, &sites[cases[i].decides]);
	}
}

static void test_confidence_stretches_both_sides_of_the_interval(void **state)
{
	(void)state;
	const struct snapshot snapshot = {
		.capture.seconds = 10,
		.total.growth_bytes_per_second = between(90, 100, 130),
	};
	/* The 99% and 68.27% points of the normal distribution: 2.5758 and 1.0000. */
	struct verdict wide = reach(&snapshot, LIMIT_GROWTH, 0, 0.99);
	assert_float_equal(wide.limits[0].low, 100 - 10 * 2.575829 / 1.959964, 1e-3);
	assert_float_equal(wide.limits[0].high, 100 + 30 * 2.575829 / 1.959964, 1e-3);
	struct verdict narrow = reach(&snapshot, LIMIT_GROWTH, 0, 0.682689);
	assert_float_equal(narrow.limits[0].low, 100 - 10 / 1.959964, 1e-3);
	assert_float_equal(narrow.limits[0].high, 100 + 30 / 1.959964, 1e-3);
}

static void test_the_verdict_is_the_worst_of_its_limits(void **state)
{
	(void)state;
	const struct snapshot snapshot = {
		.capture.seconds = 10,
		.total = { .live_bytes = between(900, 1000, 1100),
			   .growth_bytes_per_second = between(90, 100, 110) },
	};
	static const struct limit kept = { LIMIT_GROWTH, 200 }, unknown = { LIMIT_DELTA, 1000 },
				  exceeded = { LIMIT_GROWTH, 50 };
	struct verdict verdict;
	verdict_reach(&snapshot, (struct limit[]){ kept, kept }, 2, 0.95, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_PASS);
	verdict_reach(&snapshot, (struct limit[]){ unknown, kept }, 2, 0.95, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_INCONCLUSIVE);
	verdict_reach(&snapshot, (struct limit[]){ exceeded, unknown, kept }, 3, 0.95, &verdict);
	assert_int_equal(verdict.outcome, OUTCOME_LEAK);
	assert_int_equal(verdict.limit_count, 3);
	assert_int_equal(verdict.limits[2].outcome, OUTCOME_PASS);
}

static void test_no_time_and_no_samples_prove_nothing(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	OWNED_SNAPSHOT struct snapshot *at_once = take_snapshot(profile, 0, 65536);
	struct verdict verdict = reach(at_once, LIMIT_GROWTH, 1e6, 0.95);
	assert_int_equal(verdict.outcome, OUTCOME_INCONCLUSIVE);

	/* 3.84 intervals may have gone unseen in ten seconds. */
	OWNED_SNAPSHOT struct snapshot *later = take_snapshot(profile, 10, 65536);
	verdict = reach(later, LIMIT_SITE_GROWTH, 20000, 0.95);
	assert_int_equal(verdict.outcome, OUTCOME_INCONCLUSIVE);
	assert_null(verdict.limits[0].site);
	verdict = reach(later, LIMIT_SITE_GROWTH, 30000, 0.95);
	assert_int_equal(verdict.outcome, OUTCOME_PASS);
}

static void test_names_are_those_of_the_command_line_and_the_json(void **state)
{
	(void)state;
	assert_string_equal(limit_kind_name(LIMIT_GROWTH), "--max-growth");
	assert_string_equal(limit_kind_name(LIMIT_SITE_GROWTH), "--max-site-growth");
	assert_string_equal(limit_kind_name(LIMIT_DELTA), "--max-delta");
	assert_string_equal(outcome_name(OUTCOME_PASS), "pass");
	assert_string_equal(outcome_name(OUTCOME_LEAK), "leak");
	assert_string_equal(outcome_name(OUTCOME_INCONCLUSIVE), "inconclusive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_limit_is_exceeded_or_kept_only_by_the_whole_interval),
		cmocka_unit_test(test_the_site_that_decides_is_named),
		cmocka_unit_test(test_confidence_stretches_both_sides_of_the_interval),
		cmocka_unit_test(test_the_verdict_is_the_worst_of_its_limits),
		cmocka_unit_test(test_no_time_and_no_samples_prove_nothing),
		cmocka_unit_test(test_names_are_those_of_the_command_line_and_the_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
