/* SPDX-License-Identifier: MIT */
/* Any bytes as the files of a process under /proc, which a byte 0xff ends each: status, stat,
 * cmdline, syscall, comm. */
#include "tracer/process.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static const char *const names[] = { "status", "stat", "cmdline", "syscall", "comm" };

static void set_files(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const uint8_t *end = size > 0 ? memchr(data, 0xff, size) : NULL;
		size_t len = end ? (size_t)(end - data) : size;
		fuzz_proc_set(names[i], data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
}

static void check_process(int pid)
{
	struct process process;
	struct error err;
	FUZZ_CHECK(process_read(pid, &process, &err));
	FUZZ_CHECK(process.pid == pid);
	FUZZ_CHECK(memchr(process.name, '\0', sizeof(process.name)));
	FUZZ_CHECK(!strchr(process.name, '\n'));
}

static void check_command(int pid)
{
	char **command = NULL;
	struct error err;
	FUZZ_CHECK(process_read_command(pid, &command, &err));
	for (size_t i = 0; command[i]; i++)
		FUZZ_CHECK(i == 0 || command[i] == command[i - 1] + strlen(command[i - 1]) + 1);
	free(command);
}

static void check_wait(int pid)
{
	struct thread_wait wait;
	struct error err;
	memset(&wait, 0x5a, sizeof(wait));
	struct thread_wait before = wait;
	if (process_thread_wait(pid, pid, &wait, &err))
		return;
	FUZZ_CHECK(!memcmp(&before, &wait, sizeof(wait)));
	FUZZ_CHECK(err.kind == ERROR_FORMAT && memchr(err.context, '\0', sizeof(err.context)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { PID = 4121 };
	char name[16];
	set_files(data, size);
	check_process(PID);
	check_command(PID);
	check_wait(PID);
	process_thread_name(PID, PID, name, sizeof(name));
	FUZZ_CHECK(memchr(name, '\0', sizeof(name)));
	(void)process_thread_is_dead(PID, PID);
	(void)process_thread_waits_for_vfork(PID, PID);
	(void)process_thread_has_pending_signal(PID, PID);
	(void)process_is_our_child(PID);
	return 0;
}
