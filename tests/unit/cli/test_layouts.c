/* SPDX-License-Identifier: MIT */
/* Every interpreter that is found is read with every table: only its own may pass. With process ids
 * as arguments, those are read instead. */
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pyframes/pyframes.h"
#include "pyframes/runtime.h"
#include "tracer/tracer.h"

enum { FIRST_MINOR = 8, LAST_MINOR = 15, DEADLINE_SECONDS = 60 };

/* Frames in two threads, and none of them at its first line. */
static const char program[] = "import threading, time\n"
			      "def wait(seconds):\n"
			      "    x = seconds\n"
			      "    time.sleep(x)\n"
			      "def outer():\n"
			      "    y = 60\n"
			      "    wait(y)\n"
			      "threading.Thread(target=outer, daemon=True).start()\n"
			      "print('ready', flush=True)\n"
			      "outer()\n";

struct interpreter {
	pid_t pid;
	FILE *output;
};

static void interpreter_start(struct interpreter *interpreter, const char *path)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	interpreter->pid = fork();
	if (interpreter->pid == 0) {
		alarm(DEADLINE_SECONDS);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(path, path, "-c", program, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	interpreter->output = fdopen(ends[0], "r");
	char line[16] = "";
	assert_non_null(fgets(line, sizeof(line), interpreter->output));
	assert_string_equal(line, "ready\n");
}

static void interpreter_end(struct interpreter *interpreter)
{
	int status;
	assert_int_equal(waitpid(interpreter->pid, &status, WNOHANG), 0); /* still unharmed */
	kill(interpreter->pid, SIGKILL);
	waitpid(interpreter->pid, &status, 0);
	fclose(interpreter->output);
}

static bool passes_for(struct tracer *tracer, const struct runtime *right,
		       const struct py_offsets *table)
{
	struct pyframes *py;
	struct error err;
	struct runtime runtime = *right;
	runtime.version.minor = table->minor;
	runtime.version.is_free_threaded = table->is_free_threaded;
	runtime.offsets = *table;
	if (!runtime_complete(tracer_memory(tracer), tracer_symbols(tracer), &runtime, &err) ||
	    !pyframes_open_runtime(tracer_memory(tracer), tracer_symbols(tracer),
				   tracer_loads(tracer), &runtime, &py, &err))
		return false;
	pyframes_close(py);
	return true;
}

static void read_with_every_table(pid_t pid, const char *name)
{
	struct tracer *tracer;
	struct runtime right;
	struct error err;
	if (!tracer_open(pid, &tracer, &err) ||
	    !runtime_find(tracer_memory(tracer), tracer_symbols(tracer), &right, &err))
		fail_msg("%s: %s", name, err.context);
	for (unsigned minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		for (int is_free_threaded = 0; is_free_threaded < 2; is_free_threaded++) {
			const struct py_offsets *table = py_offsets_find(minor, is_free_threaded);
			bool is_right = minor == right.version.minor &&
					is_free_threaded == right.version.is_free_threaded;
			if (table && passes_for(tracer, &right, table) != is_right)
				fail_msg("%s read with the table of 3.%u%s: %s", name, minor,
					 is_free_threaded ? "t" : "",
					 is_right ? "refused" : "not refused");
		}
	}
	tracer_close(tracer);
}

static bool is_supported(const char *path)
{
	char command[512];
	snprintf(command, sizeof(command),
		 "'%s' -c 'import sys; sys.exit(not (3, %d) <= sys.version_info[:2] <= (3, %d))'",
		 path, FIRST_MINOR, LAST_MINOR);
	return system(command) == 0;
}

static void find_interpreters(glob_t *ret)
{
	const char *home = getenv("HOME");
	char pattern[512];
	glob("/usr/bin/python3", 0, NULL, ret);
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/*/bin/python", home ? home : "");
	glob(pattern, GLOB_APPEND, NULL, ret);
}

static void test_no_interpreter_passes_for_another_version(void **state)
{
	(void)state;
	glob_t found;
	size_t count = 0;
	find_interpreters(&found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct interpreter interpreter;
		if (!is_supported(found.gl_pathv[i]))
			continue;
		count++;
		interpreter_start(&interpreter, found.gl_pathv[i]);
		read_with_every_table(interpreter.pid, found.gl_pathv[i]);
		interpreter_end(&interpreter);
	}
	globfree(&found);
	assert_true(count > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_interpreter_passes_for_another_version),
	};
	for (int i = 1; i < argc; i++)
		read_with_every_table(atoi(argv[i]), argv[i]);
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
