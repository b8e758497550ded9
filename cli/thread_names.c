/* SPDX-License-Identifier: MIT */
#include "cli/thread_names.h"

#include <string.h>

#include "base/hash.h"
#include "tracer/process.h"

/* A target that renames its threads without end, or names threads that do not exist, is not
 * followed for ever. */
enum { NAMES_MAX = 4096, THREADS_MAX = 1 << 15 };

struct interned {
	struct thread_name name;
	UT_hash_handle hh;
	char text[];
};

struct thread {
	int tid; /* in the target's own pid namespace */
	int our_tid;
	struct thread_name *name;
	UT_hash_handle hh;
};

struct thread_names {
	int pid;
	int main_tid;
	struct thread *threads; /* by tid */
	struct thread *next;	/* to be refreshed */
	struct interned *texts; /* by text */
	struct thread_name unknown;
};

bool thread_names_create(int pid, struct thread_names **ret, struct error *err)
{
	struct process process;
	if (!process_read(pid, &process, err))
		return false;
	struct thread_names *names = malloc(sizeof(*names));
	if (!names)
		return error_set(err, ERROR_NO_MEMORY, "names of threads");
	*names = (struct thread_names){
		.pid = pid,
		.main_tid = process.namespace_pid,
		.unknown.text = "(unknown thread)",
	};
	*ret = names;
	return true;
}

static void forget_threads(struct thread_names *names)
{
	struct thread *thread;
	struct thread *next;
	HASH_ITER(hh, names->threads, thread, next) {
		HASH_DEL(names->threads, thread);
		free(thread);
	}
	names->next = NULL;
}

void thread_names_destroy(struct thread_names *names)
{
	if (!names)
		return;

	forget_threads(names);
	struct interned *interned;
	struct interned *next_interned;
	HASH_ITER(hh, names->texts, interned, next_interned) {
		HASH_DEL(names->texts, interned);
		free(interned);
	}
	free(names);
}

static struct thread_name *intern(struct thread_names *names, const char *text)
{
	struct interned *interned;
	HASH_FIND_STR(names->texts, text, interned);
	if (interned)
		return &interned->name;
	if (HASH_COUNT(names->texts) >= NAMES_MAX)
		return &names->unknown;

	interned = calloc(1, sizeof(*interned) + strlen(text) + 1);
	if (!interned)
		return &names->unknown;
	strcpy(interned->text, text);
	interned->name.text = interned->text;
	HASH_ADD_STR(names->texts, text, interned);
	if (!interned->hh.tbl) {
		free(interned);
		return &names->unknown;
	}
	return &interned->name;
}

static bool read_name(struct thread_names *names, struct thread *thread, struct thread_name **ret)
{
	if (thread->tid == names->main_tid) {
		*ret = intern(names, "MainThread");
		return true;
	}
	char text[64];
	process_thread_name(names->pid, thread->our_tid, text, sizeof(text));
	if (*text == '\0')
		return false;
	*ret = intern(names, text);
	return true;
}

struct thread_name *thread_names_find(struct thread_names *names, int tid)
{
	struct thread *thread;
	HASH_FIND_INT(names->threads, &tid, thread);
	if (thread)
		return thread->name;

	if (HASH_COUNT(names->threads) >= THREADS_MAX)
		forget_threads(names);
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return &names->unknown;
	bool is_in_our_namespace = names->main_tid == names->pid;
	thread->tid = tid;
	thread->our_tid = is_in_our_namespace ? tid : process_find_thread(names->pid, tid);
	if (!read_name(names, thread, &thread->name))
		thread->name = &names->unknown;
	struct thread_name *name = thread->name;
	HASH_ADD_INT(names->threads, tid, thread);
	if (!thread->hh.tbl)
		free(thread);
	return name;
}

void thread_names_refresh(struct thread_names *names)
{
	struct thread *thread = names->next ? names->next : names->threads;
	if (!thread)
		return;
	names->next = thread->hh.next;
	if (read_name(names, thread, &thread->name))
		return;
	HASH_DEL(names->threads, thread);
	free(thread);
}
