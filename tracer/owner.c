/* SPDX-License-Identifier: MIT */
#include "tracer/owner.h"

#include <sys/syscall.h>
#include <unistd.h>

bool owner_acquire(struct owner *owner, volatile uint32_t *word, struct error *err)
{
	*owner = (struct owner){ .word = word };
	owner->entry.next = &owner->head.list;
	owner->head.list.next = &owner->entry;
	owner->head.futex_offset = (long)((intptr_t)word - (intptr_t)&owner->entry);

	if (syscall(SYS_get_robust_list, 0, &owner->replaced, &owner->replaced_len) ||
	    syscall(SYS_set_robust_list, &owner->head, sizeof(owner->head)))
		return error_set_errno(err, ERROR_INTERNAL, "cannot register the robust futex");
	*word = (uint32_t)gettid();
	return true;
}

void owner_release(struct owner *owner)
{
	if (!owner->word)
		return;
	syscall(SYS_set_robust_list, owner->replaced, owner->replaced_len);
	*owner->word = 0;
	owner->word = NULL;
}
