/* SPDX-License-Identifier: MIT */
#include "tui/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <termcap.h>

#include "base/clock.h"
#include "base/glyphs.h"
#include "tui/keys.h"

enum {
	WIDTH_MAX = 1000,
	HEIGHT_MAX = 500,
	ESCAPE_WAIT_MS = 25,
	PAIR_ACCENT = 1,
	PAIR_WARM,
	PAIR_HOT,
	PAIR_SELECTED,
	PAIR_HEAT_LOW, /* these three on terminals with many colours only */
	PAIR_HEAT_MIDDLE,
	PAIR_HEAT_HIGH,
};

/* Of the 256 of xterm: they can be read on black and on white. */
enum { COLOURS_MANY = 256, OCHRE = 136, ORANGE = 166, RED = 160 };

/* Two clicks within this time are a double click. */
#define DOUBLE_CLICK_NS (400 * NS_PER_MS)

static SCREEN *screen;
static locale_t utf8_locale;
static locale_t earlier_locale;
static bool is_coloured;
static bool has_many_colours;
static bool is_ascii; /* the terminal's encoding is not UTF-8: draw with ASCII alone */

/* What screen_restore() needs, made ready beforehand. */
static struct termios earlier_termios;
static char leave_text[256];
static size_t leave_len;
static volatile sig_atomic_t is_open;

/* What the styles look like: on terminals with colours and without, and on the selected row. */
static const struct look {
	short pair;
	attr_t coloured;
	attr_t plain;
	attr_t selected;
} looks[STYLE_COUNT] = {
	[STYLE_NORMAL] = { 0, A_NORMAL, A_NORMAL, A_NORMAL },
	[STYLE_DIM] = { 0, A_DIM, A_DIM, A_NORMAL },
	[STYLE_BOLD] = { 0, A_BOLD, A_BOLD, A_BOLD },
	[STYLE_ACCENT] = { PAIR_ACCENT, A_NORMAL, A_BOLD, A_NORMAL },
	[STYLE_WARM] = { PAIR_WARM, A_NORMAL, A_BOLD, A_BOLD },
	[STYLE_HOT] = { PAIR_HOT, A_BOLD, A_BOLD, A_BOLD },
	[STYLE_HEAT_LOW] = { PAIR_HEAT_LOW, A_NORMAL, A_NORMAL, A_NORMAL },
	[STYLE_HEAT_MIDDLE] = { PAIR_HEAT_MIDDLE, A_NORMAL, A_NORMAL, A_NORMAL },
	[STYLE_HEAT_HIGH] = { PAIR_HEAT_HIGH, A_BOLD, A_BOLD, A_BOLD },
};

/* Our own characters where there is no UTF-8; all others become a question mark. */
static const struct substitute {
	wchar_t code;
	wchar_t ascii;
} substitutes[] = {
	{ L'▾', L'v' }, { L'▴', L'^' }, { L'▸', L'>' }, { L'└', L'`' }, { L'├', L'|' },
	{ L'…', L'~' }, { L'±', L'~' }, { L'▁', L'_' }, { L'▂', L'.' }, { L'▃', L'-' },
	{ L'▄', L'=' }, { L'▅', L'+' }, { L'▆', L'*' }, { L'▇', L'%' }, { L'█', L'#' },
	{ L'▏', L'|' }, { L'▎', L'|' }, { L'▍', L'|' }, { L'▌', L'=' }, { L'▋', L'=' },
	{ L'▊', L'=' }, { L'▉', L'=' }, { L'┃', L'|' },
};

static bool is_set(const char *name)
{
	const char *value = getenv(name);
	return value && *value;
}

/* Tell whether the user asked for an encoding that is not UTF-8. Nothing said, or a locale that is
 * not installed here, is no such wish: containers are like that, and their terminals are not. */
static bool wants_other_encoding(void)
{
	locale_t wanted = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	if (!wanted)
		return false;
	bool is_utf8 = strcmp(nl_langinfo_l(CODESET, wanted), "UTF-8") == 0;
	freelocale(wanted);
	return !is_utf8 && (is_set("LC_ALL") || is_set("LC_CTYPE") || is_set("LANG"));
}

/* Measure and write characters as UTF-8 in this thread. */
static bool use_utf8(struct error *err)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!utf8_locale)
		return error_set_errno(err, ERROR_INTERNAL, "locale C.UTF-8");
	is_ascii = wants_other_encoding();
	earlier_locale = uselocale(utf8_locale);
	return true;
}

static void drop_utf8(void)
{
	uselocale(earlier_locale);
	freelocale(utf8_locale);
}

/* What the terminal must be sent for it; NULL if it cannot do it. */
static const char *capability(const char *name)
{
	const char *text = tigetstr(name);
	return text == (const char *)-1 ? NULL : text;
}

static int collect(int character)
{
	if (leave_len < sizeof(leave_text))
		leave_text[leave_len++] = (char)character;
	return character;
}

/* Collect what brings the terminal back: no mouse, plain text, cursor, keypad, the screen as it
 * was. */
static void prepare_restore(void)
{
	static const char *const names[] = { "sgr0", "op", "rmkx", "cnorm", "rmcup" };
	const char *mouse = capability("XM");
	leave_len = 0;
	if (capability("kmous"))
		tputs(mouse ? tiparm(mouse, 0) : "\033[?1000l", 1, collect);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = capability(names[i]);
		if (text)
			tputs(text, 1, collect);
	}
	is_open = true;
}

/* Presses alone, each at once: what makes a double click is decided here. */
static void watch_mouse(void)
{
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
}

static void start_colours(void)
{
	has_many_colours = false;
	is_coloured = has_colors() && !is_set("NO_COLOR"); /* https://no-color.org */
	if (!is_coloured)
		return;
	start_color();
	use_default_colors();
	init_pair(PAIR_ACCENT, COLOR_CYAN, -1);
	init_pair(PAIR_WARM, COLOR_YELLOW, -1);
	init_pair(PAIR_HOT, COLOR_RED, -1);
	init_pair(PAIR_SELECTED, COLOR_BLACK, COLOR_CYAN);
	has_many_colours = COLORS >= COLOURS_MANY;
	if (!has_many_colours)
		return;
	init_pair(PAIR_HEAT_LOW, OCHRE, -1);
	init_pair(PAIR_HEAT_MIDDLE, ORANGE, -1);
	init_pair(PAIR_HEAT_HIGH, RED, -1);
}

/* The pair of a style, or none where there are not colours enough. */
static short pair_of(const struct look *look)
{
	bool is_shown = look->pair < PAIR_HEAT_LOW ? is_coloured : has_many_colours;
	return is_shown ? look->pair : 0;
}

/* Ctrl-Z and Ctrl-S would leave the target's threads waiting for us: they do nothing here. */
static void keep_running(void)
{
	struct termios now;
	if (tcgetattr(STDIN_FILENO, &now) != 0)
		return;
	now.c_iflag &= ~(tcflag_t)IXON;
	now.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
	def_prog_mode();
}

/* newterm(), without the handlers that it installs: on a signal they would end the process. */
static SCREEN *new_terminal(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGTSTP };
	struct sigaction earlier[ARRAY_LEN(signals)];
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], NULL, &earlier[i]);
	SCREEN *made = newterm(NULL, stdout, stdin);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &earlier[i], NULL);
	return made;
}

/* Have ncurses drive the terminal; it must be able to move the cursor. */
static SCREEN *start_curses(void)
{
	SCREEN *started = new_terminal();
	if (started && !capability("cup")) {
		endwin();
		delscreen(started);
		return NULL;
	}
	return started;
}

bool screen_open(struct error *err)
{
	if (tcgetattr(STDIN_FILENO, &earlier_termios) != 0)
		return error_set(err, ERROR_INTERNAL, "standard input is not a terminal");
	if (!use_utf8(err))
		return false;
	set_escdelay(ESCAPE_WAIT_MS);
	screen = start_curses();
	if (!screen) {
		drop_utf8();
		const char *type = getenv("TERM");
		return error_set(err, ERROR_INTERNAL, "terminal of type \"%s\" cannot be used",
				 type ? type : "");
	}
	prepare_restore();
	watch_mouse();
	cbreak();
	noecho();
	keep_running();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	start_colours();
	return true;
}

void screen_close(void)
{
	if (!is_open)
		return;
	endwin();
	is_open = false;
	tcsetattr(STDIN_FILENO, TCSANOW, &earlier_termios);
	delscreen(screen);
	screen = NULL;
	drop_utf8();
}

void screen_restore(void)
{
	if (!is_open)
		return;
	is_open = false;
	ssize_t written = write(STDOUT_FILENO, leave_text, leave_len);
	(void)written;
	tcsetattr(STDIN_FILENO, TCSANOW, &earlier_termios);
}

void screen_size(int *width_ret, int *height_ret)
{
	int width, height;
	getmaxyx(stdscr, height, width);
	*width_ret = width < WIDTH_MAX ? width : WIDTH_MAX;
	*height_ret = height < HEIGHT_MAX ? height : HEIGHT_MAX;
}

static wchar_t to_ascii(wchar_t code)
{
	if (code < 0x80)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(substitutes); i++)
		if (substitutes[i].code == code)
			return substitutes[i].ascii;
	return L'?';
}

/* The characters of a cell, as many as ncurses takes. */
static void cell_characters(const struct cell *cell, wchar_t ret[CCHARW_MAX + 1])
{
	size_t len = 0;
	const char *text = cell->text;
	for (struct glyph glyph; len < CCHARW_MAX && (glyph = glyphs_first(text)).len;) {
		ret[len++] = (wchar_t)glyph.code;
		text += glyph.len;
	}
	if (is_ascii) {
		ret[0] = to_ascii(ret[0]);
		len = 1;
	}
	ret[len] = L'\0';
}

static void show_cell(const struct cell *cell, int row, int column)
{
	const struct look *look = &looks[cell->style];
	attr_t attributes = is_coloured ? look->coloured : look->plain;
	short pair = pair_of(look);
	if (cell->is_selected) {
		attributes = look->selected | (is_coloured ? A_NORMAL : A_REVERSE);
		pair = is_coloured ? PAIR_SELECTED : 0;
	}

	wchar_t characters[CCHARW_MAX + 1];
	cchar_t shown;
	cell_characters(cell, characters);
	if (setcchar(&shown, characters, attributes, pair, NULL) == OK)
		mvadd_wch(row, column, &shown);
	if (is_ascii && cell->columns == 2)
		mvaddch(row, column + 1, ' ');
}

void screen_show(const struct cells *cells)
{
	for (int row = 0; row < cells->height; row++)
		for (int column = 0; column < cells->width; column++) {
			const struct cell *cell = cells_at(cells, row, column);
			if (cell->columns)
				show_cell(cell, row, column);
		}
	refresh();
}

/* Tell a press that follows another at the same place soon, or one that follows such a press. */
static bool is_double(struct place place)
{
	static struct place last;
	static uint64_t last_ns;
	uint64_t now_ns = clock_monotonic_ns();
	bool ret = place.row == last.row && place.column == last.column &&
		   now_ns < last_ns + DOUBLE_CLICK_NS;
	last = place;
	last_ns = now_ns;
	return ret;
}

/* What the mouse did last, the newest first: of what comes at once, ncurses makes one key. */
static MEVENT mouse_events[8];
static size_t mouse_event_count;

static void take_mouse_events(void)
{
	while (mouse_event_count < ARRAY_LEN(mouse_events) &&
	       getmouse(&mouse_events[mouse_event_count]) == OK)
		mouse_event_count++;
}

/* The next of that. */
static int mouse_code(struct place *click_ret)
{
	while (mouse_event_count) {
		const MEVENT *event = &mouse_events[--mouse_event_count];
		if (event->bstate & BUTTON4_PRESSED)
			return KEY_CODE_WHEEL_UP;
		if (event->bstate & BUTTON5_PRESSED)
			return KEY_CODE_WHEEL_DOWN;
		if (!(event->bstate & BUTTON1_PRESSED))
			continue;
		*click_ret = (struct place){ .row = event->y, .column = event->x };
		return is_double(*click_ret) ? KEY_CODE_DOUBLE_CLICK : KEY_CODE_CLICK;
	}
	return KEY_CODE_NONE;
}

static int function_key(wint_t pressed)
{
	static const struct {
		int theirs;
		enum key_code ours;
	} codes[] = {
		{ KEY_UP, KEY_CODE_UP },
		{ KEY_DOWN, KEY_CODE_DOWN },
		{ KEY_LEFT, KEY_CODE_LEFT },
		{ KEY_RIGHT, KEY_CODE_RIGHT },
		{ KEY_PPAGE, KEY_CODE_PAGE_UP },
		{ KEY_NPAGE, KEY_CODE_PAGE_DOWN },
		{ KEY_HOME, KEY_CODE_HOME },
		{ KEY_END, KEY_CODE_END },
		{ KEY_F(1), KEY_CODE_F1 },
		{ KEY_F(10), KEY_CODE_F10 },
		{ KEY_ENTER, KEY_CODE_ENTER },
		{ KEY_BACKSPACE, KEY_CODE_BACKSPACE },
		{ KEY_BTAB, KEY_CODE_BACK_TAB },
		{ KEY_RESIZE, KEY_CODE_RESIZE },
		{ KEY_SLEFT, KEY_CODE_SHIFT_LEFT },
		{ KEY_SRIGHT, KEY_CODE_SHIFT_RIGHT },
		{ KEY_SHOME, KEY_CODE_SHIFT_HOME },
		{ KEY_SEND, KEY_CODE_SHIFT_END },
	};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].theirs == (int)pressed)
			return (int)codes[i].ours;
	return KEY_CODE_UNKNOWN;
}

int screen_key(struct place *click_ret)
{
	int code = mouse_code(click_ret);
	wint_t pressed;
	int kind;
	while (code == KEY_CODE_NONE && (kind = get_wch(&pressed)) != ERR) {
		if (kind != KEY_CODE_YES) {
			code = pressed == '\r' ? KEY_CODE_ENTER : (int)pressed;
		} else if (pressed == KEY_MOUSE) {
			take_mouse_events();
			code = mouse_code(click_ret);
		} else {
			code = function_key(pressed);
		}
	}
	return code;
}
