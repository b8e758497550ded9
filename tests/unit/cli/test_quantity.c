/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cli/quantity.h"

static const char *const nonsense[] = { "",
					"-1",
					"+1",
					" 1",
					"1 ",
					"x",
					"1x",
					"1e5",
					"nan",
					"inf",
					".5",
					"5.",
					"1.2.3",
					"0x10",
					"1,5",
					"1KK",
					"K",
					"99999999999999999999999999999999999999G",
					"18446744073709551616" };

static void test_durations_are_nanoseconds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double seconds;
	} good[] = { { "90", 90 },   { "90s", 90 },  { "10m", 600 }, { "2h", 7200 },
		     { "0.5", 0.5 }, { "1.5m", 90 }, { "0", 0 } };
	struct error err;
	uint64_t ns;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(quantity_duration(good[i].text, &ns, &err));
		assert_int_equal(ns, (uint64_t)(good[i].seconds * (double)NS_PER_SECOND));
	}
}

static void test_durations_refuse_nonsense_and_keep_the_result(void **state)
{
	(void)state;
	static const char *const bad[] = { "1d", "1min", "10M", "s", "1 s", "3000000000h" };
	struct error err;
	uint64_t ns = 42;
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		assert_false(quantity_duration(nonsense[i], &ns, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(quantity_duration(bad[i], &ns, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_non_null(strstr(err.context, bad[i]));
	}
	assert_int_equal(ns, 42);
}

static void test_sizes_are_of_1024(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0", 0 },	  { "1", 1 },
		     { "4096", 4096 },	  { "512K", 512 << 10 },
		     { "10M", 10 << 20 }, { "1G", 1 << 30 },
		     { "1.5K", 1536 },	  { "9007199254740991", 9007199254740991 } };
	struct error err;
	uint64_t bytes;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(quantity_size(good[i].text, &bytes, &err));
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void test_sizes_refuse_nonsense(void **state)
{
	(void)state;
	static const char *const bad[] = { "1s", "10 M", "1KiB", "9007199254740993", "9999999G" };
	struct error err;
	uint64_t bytes = 42;
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		assert_false(quantity_size(nonsense[i], &bytes, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(quantity_size(bad[i], &bytes, &err));
	assert_int_equal(bytes, 42);
}

static void test_rates_are_bytes_per_second(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double rate;
	} good[] = {
		{ "100K/min", 102400.0 / 60 }, { "1M/s", 1 << 20 }, { "3600/h", 1 }, { "0/min", 0 }
	};
	struct error err;
	double rate;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(quantity_rate(good[i].text, &rate, &err));
		assert_true(fabs(rate - good[i].rate) < 1e-9 * good[i].rate + 1e-12);
	}
}

static void test_rates_refuse_nonsense(void **state)
{
	(void)state;
	static const char *const bad[] = { "100K",  "100K/",	"/min",	   "100K/m",  "100K/day",
					   "K/min", "1M/min/s", "1M /min", "-1M/min", "1e3/s" };
	struct error err;
	double rate = 42;
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		assert_false(quantity_rate(nonsense[i], &rate, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(quantity_rate(bad[i], &rate, &err));
	assert_true(rate == 42);
}

static void test_percentages_are_shares(void **state)
{
	(void)state;
	static const char *const bad[] = { "0", "0%", "100.1", "101%", "1%%", "%", "5K" };
	struct error err;
	double share;
	assert_true(quantity_percent("1", &share, &err));
	assert_true(fabs(share - 0.01) < 1e-12);
	assert_true(quantity_percent("0.5%", &share, &err));
	assert_true(fabs(share - 0.005) < 1e-12);
	assert_true(quantity_percent("100%", &share, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(quantity_percent(bad[i], &share, &err));
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
		assert_false(quantity_percent(nonsense[i], &share, &err));
}

static void test_confidence_lies_between_a_half_and_one(void **state)
{
	(void)state;
	struct error err;
	double share;
	assert_true(quantity_confidence("0.95", &share, &err));
	assert_true(fabs(share - 0.95) < 1e-12);
	assert_true(quantity_confidence("0.5", &share, &err));
	assert_false(quantity_confidence("0.49", &share, &err));
	assert_false(quantity_confidence("1", &share, &err));
	assert_false(quantity_confidence("95", &share, &err));
	assert_false(quantity_confidence("0.95%", &share, &err));
}

static void test_counts_are_whole_and_bounded(void **state)
{
	(void)state;
	static const char *const bad[] = { "0",
					   "101",
					   "-1",
					   "1.0",
					   "1K",
					   "",
					   " 1",
					   "18446744073709551617",
					   "99999999999999999999999" };
	struct error err;
	int count;
	assert_true(quantity_count("1", 100, &count, &err));
	assert_int_equal(count, 1);
	assert_true(quantity_count("0100", 100, &count, &err));
	assert_int_equal(count, 100);
	assert_true(quantity_count("2147483647", INT32_MAX, &count, &err));
	assert_int_equal(count, INT32_MAX);
	assert_false(quantity_count("2147483648", INT32_MAX, &count, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(quantity_count(bad[i], 100, &count, &err));
}

static void test_two_counts_have_a_comma_between_them(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "1",
					   "1,",
					   ",1",
					   "0,1",
					   "1,0",
					   "1,2,3",
					   "1, 2",
					   "-1,2",
					   "1K,2",
					   "1.5,2",
					   "1,9007199254740992",
					   "99999999999999999999999,1" };
	struct error err;
	double counts[2] = { 42, 43 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (quantity_two_counts(bad[i], counts, &err))
			fail_msg("'%s' is accepted", bad[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
	assert_true(counts[0] == 42 && counts[1] == 43);
	assert_true(quantity_two_counts("1,9007199254740991", counts, &err));
	assert_true(counts[0] == 1 && counts[1] == 9007199254740991.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_are_nanoseconds),
		cmocka_unit_test(test_durations_refuse_nonsense_and_keep_the_result),
		cmocka_unit_test(test_sizes_are_of_1024),
		cmocka_unit_test(test_sizes_refuse_nonsense),
		cmocka_unit_test(test_rates_are_bytes_per_second),
		cmocka_unit_test(test_rates_refuse_nonsense),
		cmocka_unit_test(test_percentages_are_shares),
		cmocka_unit_test(test_confidence_lies_between_a_half_and_one),
		cmocka_unit_test(test_counts_are_whole_and_bounded),
		cmocka_unit_test(test_two_counts_have_a_comma_between_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
