/* SPDX-License-Identifier: MIT */
#include "tracer/target_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

/* Read as many spans (at least one) as fit into one system call. Counts in `done_ret` those before
 * the first bad one. The kernel stops at a bad page, having read what lies before it, so `done_ret`
 * may be followed by half a span. */
static bool read_some(int pid, const struct memory_span *spans, size_t span_count, size_t *done_ret,
		      struct error *err)
{
	struct iovec local[IOV_MAX];
	struct iovec remote[IOV_MAX];
	size_t count = 0;

	do {
		local[count] = (struct iovec){ spans[count].buffer, spans[count].len };
		remote[count] = (struct iovec){ (void *)spans[count].address, spans[count].len };
	} while (++count < span_count && count < IOV_MAX);

	ssize_t got = process_vm_readv(pid, local, count, remote, count, 0);
	if (got < 0 && errno != EFAULT)
		return error_set_errno(err, ERROR_INTERNAL, "memory of process %d", pid);

	size_t left = got < 0 ? 0 : (size_t)got;
	size_t done = 0;
	for (; done < count && spans[done].len <= left; done++)
		left -= spans[done].len;
	*done_ret = done;
	return true;
}

static bool read_spans(struct memory *mem, struct memory_span *spans, size_t span_count,
		       struct error *err)
{
	const struct target_memory *tm = (const struct target_memory *)mem;

	while (span_count > 0) {
		size_t done;
		if (!read_some(tm->pid, spans, span_count, &done, err))
			return false;
		for (size_t i = 0; i < done; i++)
			spans[i].is_read = true;

		bool is_bad_next = done < span_count && done < IOV_MAX;
		if (is_bad_next)
			spans[done++].is_read = false;
		spans += done;
		span_count -= done;
	}
	return true;
}

bool target_memory_init(struct target_memory *tm, int pid, struct error *err)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_NO_PROCESS, "there is no process %d", pid);
	if (fd < 0)
		return error_set_errno(err, ERROR_NOT_PERMITTED, "memory of process %d", pid);

	*tm = (struct target_memory){
		.memory.read_spans = read_spans,
		.pid = pid,
		.mem_fd = fd,
	};
	return true;
}

void target_memory_deinit(struct target_memory *tm)
{
	cleanup_fd(&tm->mem_fd);
	tm->mem_fd = -1;
}

static bool set_write_error(struct error *err, raddr address, int os_errno)
{
	errno = os_errno;
	error_set_errno(err, ERROR_READ, "cannot write target memory at %" PRIraddr, address);
	err->address = address;
	return false;
}

bool target_memory_write(struct target_memory *tm, raddr address, const void *buffer, size_t len,
			 struct error *err)
{
	ssize_t written = pwrite(tm->mem_fd, buffer, len, (off_t)address);
	if (written < 0)
		return set_write_error(err, address, errno);
	if (written == 0 && len > 0)
		return error_set(err, ERROR_NO_PROCESS, "process %d has ended", tm->pid);
	if ((size_t)written < len)
		return set_write_error(err, address + (size_t)written, EFAULT);
	return true;
}
