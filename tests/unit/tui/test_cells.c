/* SPDX-License-Identifier: MIT */
#include "tui/cells.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_dump(const struct cells *cells, const char *expected)
{
	OWNED_FREE char *dump = cells_dump(cells);
	assert_string_equal(dump, expected);
}

static void test_text_is_clipped_at_every_edge(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 6, 2, &err));

	assert_int_equal(cells_text(&cells, 0, 3, 100, STYLE_NORMAL, "abcdef"), 3);
	assert_int_equal(cells_text(&cells, 1, 0, 2, STYLE_NORMAL, "xyz"), 2);
	assert_int_equal(cells_text(&cells, 2, 0, 9, STYLE_NORMAL, "below"), 0);
	assert_int_equal(cells_text(&cells, -1, 0, 9, STYLE_NORMAL, "above"), 0);
	assert_int_equal(cells_text(&cells, 0, 6, 9, STYLE_NORMAL, "right"), 0);
	assert_int_equal(cells_text(&cells, 0, -2, 9, STYLE_NORMAL, "left"), 0);
	assert_int_equal(cells_text(&cells, 0, 0, -1, STYLE_NORMAL, "no room"), 0);
	assert_dump(&cells, "   abc\nxy\n");
}

static void test_right_alignment_keeps_the_beginning(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 8, 2, &err));

	cells_text_right(&cells, 0, 1, 6, STYLE_NORMAL, "±4%");
	cells_text_right(&cells, 1, 1, 6, STYLE_NORMAL, "too long to fit");
	assert_dump(&cells, "    ±4%\n too lo\n");
}

static void test_wide_character_is_never_halved(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 5, 1, &err));

	assert_int_equal(cells_text(&cells, 0, 0, 5, STYLE_NORMAL, "日本語"), 4);
	assert_dump(&cells, "日本\n");
	cells_text(&cells, 0, 1, 1, STYLE_NORMAL, "x");
	assert_dump(&cells, " x本\n");
	cells_text(&cells, 0, 2, 1, STYLE_NORMAL, "y");
	assert_dump(&cells, " xy\n");
	cells_text(&cells, 0, 1, 2, STYLE_NORMAL, "語");
	cells_text(&cells, 0, 0, 2, STYLE_NORMAL, "語");
	assert_dump(&cells, "語\n");
}

static void test_combining_mark_joins_its_base(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 4, 1, &err));

	assert_int_equal(cells_text(&cells, 0, 0, 4, STYLE_NORMAL, "e\u0301a\u200db"), 3);
	assert_string_equal(cells_at(&cells, 0, 0)->text, "e\u0301");
	assert_string_equal(cells_at(&cells, 0, 1)->text, "a");
	assert_string_equal(cells_at(&cells, 0, 2)->text, "b");
}

static void test_marks_without_end_stay_in_their_cell(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	char text[1 + 2 * 1000 + 1] = "e";
	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 1 + 2 * i, "\u0301", 3);
	assert_true(cells_init(&cells, 4, 1, &err));

	assert_int_equal(cells_text(&cells, 0, 0, 4, STYLE_NORMAL, text), 1);
	assert_true(strlen(cells_at(&cells, 0, 0)->text) < CELL_TEXT_SIZE);
	assert_string_equal(cells_at(&cells, 0, 1)->text, " ");
}

/* No byte of a cell may move a terminal: C0, DEL, or C1 as UTF-8. */
static void assert_harmless(const struct cell *cell)
{
	const unsigned char *text = (const unsigned char *)cell->text;
	for (; *text; text++) {
		assert_true(*text >= 0x20 && *text != 0x7f);
		assert_false(text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0);
	}
}

static void test_foreign_text_never_reaches_a_cell_raw(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 40, 1, &err));

	uint32_t random = 12345;
	for (int round = 0; round < 20000; round++) {
		char text[64] = "\033]0;title\a\n";
		for (size_t i = 0; i + 1 < sizeof(text) && round > 0; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (char)(random >> 24);
		}
		text[sizeof(text) - 1] = '\0';
		cells_text(&cells, 0, round % 7, 40, STYLE_NORMAL, text);

		int columns = 0;
		for (int column = 0; column < cells.width; column++) {
			assert_harmless(cells_at(&cells, 0, column));
			columns += cells_at(&cells, 0, column)->columns;
		}
		assert_int_equal(columns, cells.width);
	}
}

static void test_styles_dump_as_letters(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 5, 2, &err));

	cells_text(&cells, 0, 0, 5, STYLE_DIM, "d");
	cells_text(&cells, 0, 1, 5, STYLE_WARM, "w");
	cells_text(&cells, 1, 0, 5, STYLE_ACCENT, "a");
	cells_select_row(&cells, 1);
	cells_select_row(&cells, 2);
	OWNED_FREE char *dump = cells_dump_styles(&cells);
	assert_string_equal(dump, "dw\nANNNN\n");
}

static void test_grid_without_cells_takes_any_drawing(void **state)
{
	(void)state;
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 0, -3, &err));

	cells_clear(&cells);
	assert_int_equal(cells_text(&cells, 0, 0, 10, STYLE_NORMAL, "text"), 0);
	cells_select_row(&cells, 0);
	assert_null(cells_at(&cells, 0, 0));
	assert_dump(&cells, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_clipped_at_every_edge),
		cmocka_unit_test(test_right_alignment_keeps_the_beginning),
		cmocka_unit_test(test_wide_character_is_never_halved),
		cmocka_unit_test(test_combining_mark_joins_its_base),
		cmocka_unit_test(test_marks_without_end_stay_in_their_cell),
		cmocka_unit_test(test_foreign_text_never_reaches_a_cell_raw),
		cmocka_unit_test(test_styles_dump_as_letters),
		cmocka_unit_test(test_grid_without_cells_takes_any_drawing),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
