/* SPDX-License-Identifier: MIT */
#include "tui/figures.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/glyphs.h"
#include "tui/chronicle.h"
#include "tui/spark.h"

static void test_median_age_lies_in_the_class_that_holds_it(void **state)
{
	(void)state;
	static const struct {
		float ages[AGE_CLASSES];
		double oldest, low, high;
	} cases[] = {
		{ { 0 }, 0, 0, 0 },
		{ { 100 }, 0.8, 0.3, 0.5 },
		{ { 100, 0, 0, 0, 0, 300 }, 100, 60, 80 },
		{ { 300, 0, 0, 0, 0, 100 }, 100, 0.5, 0.8 },
		{ { [AGE_CLASSES - 1] = 8 }, 3 * 86400, 86400, 3 * 86400 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct figures figures = { .oldest_seconds = cases[i].oldest };
		memcpy(figures.age_bytes, cases[i].ages, sizeof(figures.age_bytes));
		double median = figures_median_seconds(&figures);
		assert_true(median >= cases[i].low && median <= cases[i].high);
	}
}

static void test_no_ages_are_as_good_as_young(void **state)
{
	(void)state;
	struct figures figures = { .live_bytes = { 10, 8, 12, 2 }, .live_blocks = 3 };
	figures_keep_old(&figures, 0);
	assert_true(figures.live_bytes.value == 10);
	figures_keep_old(&figures, 1);
	assert_true(figures.live_bytes.value == 0 && figures.live_bytes.error == 0);
	assert_true(figures.live_blocks == 0);
}

static void test_spark_spans_from_nothing_to_the_largest(void **state)
{
	(void)state;
	char text[SPARK_SIZE(8)];
	static const float rising[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const float strange[] = { NAN, -5, INFINITY, 4 };
	static const float nothing[] = { 0, 0, 0 };
	spark_print(rising, 8, 8, text, sizeof(text));
	assert_string_equal(text, "▁▂▃▄▅▆▇█");
	spark_print(rising, 8, 2, text, sizeof(text));
	assert_string_equal(text, "▃▇");
	spark_print(strange, 4, 8, text, sizeof(text));
	assert_string_equal(text, "▁▁▁█");
	spark_print(nothing, 3, 8, text, sizeof(text));
	assert_string_equal(text, "");
	spark_print(rising, 8, 8, text, 7);
	assert_string_equal(text, "▁▂");
}

static void test_bars_and_charts_fill_their_columns_and_no_more(void **state)
{
	(void)state;
	char text[SPARK_SIZE(12)];
	static const struct {
		double share;
		const char *bar;
	} bars[] = { { 0, "" },		  { 1e-9, "▏" }, { 0.5, "█████" }, { 1, "██████████" },
		     { 7, "██████████" }, { -1, "" },	 { NAN, "" } };
	for (size_t i = 0; i < ARRAY_LEN(bars); i++) {
		spark_print_bar(bars[i].share, 10, text, sizeof(text));
		assert_string_equal(text, bars[i].bar);
	}
	static const float course[] = { 0, 2, 4 };
	spark_print_chart(course, 3, 6, 0, 2, text, sizeof(text));
	assert_string_equal(text, "    ██");
	spark_print_chart(course, 3, 6, 1, 2, text, sizeof(text));
	assert_string_equal(text, "▁▁████");
}

static void test_series_remembers_the_whole_time_in_constant_memory(void **state)
{
	(void)state;
	struct series series = { 0 };
	for (int i = 0; i < 100000; i++)
		series_add(&series, i);
	assert_true(series.len >= SERIES_LEN_MAX / 2 && series.len < SERIES_LEN_MAX);
	double step = (double)series.every;
	for (size_t i = 0; i < series.len; i++)
		assert_true(fabs((double)series.value[i] - ((double)i * step + (step - 1) / 2)) <
			    0.01 * step);
	assert_true((double)series.len * step > 100000 - step);
}

static const char *newest(const struct chronicle *chronicle)
{
	return chronicle_log_line(chronicle, 0)->text;
}

static void test_log_says_what_happened_and_no_more(void **state)
{
	(void)state;
	static struct chronicle chronicle;
	struct snapshot snapshot = { .target.pid = 4121, .capture.sample_bytes = 65536 };
	chronicle_take(&chronicle, &snapshot);
	assert_string_equal(newest(&chronicle), "attached to 4121, T 64 KiB");
	snapshot.capture.sample_bytes = 131072;
	chronicle_take(&chronicle, &snapshot);
	assert_int_equal(chronicle_log_len(&chronicle), 1);
	snapshot.capture.sample_bytes = 262144;
	chronicle_take(&chronicle, &snapshot);
	assert_non_null(strstr(newest(&chronicle), "256 KiB"));
	snapshot.capture.dropped = 7;
	chronicle_take(&chronicle, &snapshot);
	assert_string_equal(newest(&chronicle), "7 samples were lost");
	snapshot.capture.longest_stop_seconds = 0.05;
	chronicle_take(&chronicle, &snapshot);
	assert_string_equal(newest(&chronicle), "a stop of 50.0 ms");
	snapshot.target.has_exited = true;
	chronicle_take(&chronicle, &snapshot);
	chronicle_take(&chronicle, &snapshot);
	assert_string_equal(newest(&chronicle), "the target exited");
	assert_int_equal(chronicle_log_len(&chronicle), 5);
}

static void test_log_keeps_the_newest_lines(void **state)
{
	(void)state;
	static struct chronicle chronicle;
	for (int i = 0; i < 5 * LOG_LINES_MAX; i++)
		chronicle_note(&chronicle, "line %d", i);
	assert_int_equal(chronicle_log_len(&chronicle), LOG_LINES_MAX);
	assert_string_equal(newest(&chronicle), "line 999");
	assert_string_equal(chronicle_log_line(&chronicle, LOG_LINES_MAX - 1)->text, "line 800");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median_age_lies_in_the_class_that_holds_it),
		cmocka_unit_test(test_no_ages_are_as_good_as_young),
		cmocka_unit_test(test_spark_spans_from_nothing_to_the_largest),
		cmocka_unit_test(test_bars_and_charts_fill_their_columns_and_no_more),
		cmocka_unit_test(test_series_remembers_the_whole_time_in_constant_memory),
		cmocka_unit_test(test_log_says_what_happened_and_no_more),
		cmocka_unit_test(test_log_keeps_the_newest_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
