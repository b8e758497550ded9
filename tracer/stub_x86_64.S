/* SPDX-License-Identifier: MIT */
/*
 * Stubs: code that one of the target's own threads is made to run once, after which it goes back to
 * where it was. A stub is written where nothing else runs and started by one register write:
 * rip = its entry. It changes no register, no flag, no vector state and nothing at or above
 * rsp - 128, so the thread never knows.
 *
 * Where the thread was decides how it is entered, and the kernel decides that for us:
 *  - in user code: at the entry; it resumes at the saved rip;
 *  - in a system call that the kernel restarts: the kernel takes rip back by the two bytes of a
 *    syscall instruction, so it enters two bytes earlier with rax set, and resumes on that very
 *    instruction (saved rip - 2).
 */
#include "tracer/region_layout.h"

#define NR_mmap		9
#define NR_munmap	11
#define NR_madvise	28
#define NR_close	3
#define NR_rt_sigaction	13
#define NR_ftruncate	77
#define NR_ppoll	271
#define NR_memfd_create 319

/* In place of a memfd when none is wanted: no errno is as large. */
#define NO_MEMFD -4096

#define HANDSHAKE_ROUNDS   150
#define HANDSHAKE_ROUND_NS 200000

/* The head of every stub: both entries, and what is done on leaving. Within the body, which follows,
 * rsp is 16-aligned or not, as the thread happened to be; rbx is the region.
 *
 * Whether a thread is inside, and only runs a signal handler just now, cannot be told from what
 * stacks hold alone: frames of signals that came meanwhile stay below the stack when the thread has
 * left, and later frames may leave them as they are. The byte at STUB_INSIDE tells it, which the
 * tracer sets and the stub clears. What is still to be done then is done in the head, where no
 * thread is for longer than an instant. */
.macro STUB_BEGIN name
	.globl	\name\()_begin, \name\()_enter, \name\()_words
	.balign	16
\name\()_begin:
	jmp	2f			/* exactly two bytes: see above */
\name\()_enter:
	lea	-128(%rsp), %rsp	/* leave the red zone alone; lea keeps the flags */
	call	3f
	movq	$0, -8(%rsp)		/* later frames may leave this word unset: no trace of us */
	lea	128(%rsp), %rsp
	jmp	*\name\()_words + STUB_RESUME(%rip)
2:	lea	-128(%rsp), %rsp
	call	3f
	movq	$0, -8(%rsp)
	lea	128(%rsp), %rsp
	jmp	*\name\()_words + STUB_RESUME_CALL(%rip)

\name\()_leave:
	mov	\name\()_words + STUB_INSIDE(%rip), %rax
	test	%rax, %rax
	jz	4f
	movb	$0, (%rax)
4:	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	popfq
	ret
	.org	\name\()_begin + STUB_HEAD_BYTES /* fails if the head outgrows it */

3:	pushfq
	push	%rax
	push	%rcx			/* a system call clobbers rcx, r11 and rax */
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	cld
	mov	\name\()_words + STUB_BASE(%rip), %rbx
.endm

/* Behind the body, which has jumped to its head. */
.macro STUB_END name
	.balign	8
\name\()_words:			/* filled in by the tracer before the stub is written */
	.fill	STUB_WORDS_BYTES
	.org	\name\()_begin + STUB_PLACE_BYTES - 8 /* fails if the stub outgrows its place */
	.quad	-1			/* so that the next stub sees where this one ends */
.endm

/* Tell the tracer the \state, and by the cookie, who says so. */
.macro STUB_ANSWER name, state
	mov	\name\()_words + STUB_COOKIE(%rip), %rax
	mov	%rax, ANCHOR_OFFSET + ANCHOR_STUB_COOKIE(%rbx)
	mov	\state, ANCHOR_OFFSET + ANCHOR_STUB_STATE(%rbx)
.endm

	.section .rodata

/* ---- The region, or only its shared pages, mapped from inside the target. Arguments: is_new (map
 *      the region; 0: it stands), is_anonymous (share pages without a memfd). ------------------ */
	STUB_BEGIN stub_region
	sub	$16, %rsp		/* a struct timespec */

	mov	$NO_MEMFD, %ebp		/* ebp: the memfd, or minus errno, or this */
	cmpl	$0, is_anonymous(%rip)
	jne	0f
	lea	stub_name(%rip), %rdi
	mov	$3, %esi		/* MFD_CLOEXEC | MFD_ALLOW_SEALING */
	mov	$NR_memfd_create, %eax
	syscall
	mov	%eax, %ebp

0:	cmpl	$0, is_new(%rip)
	je	1f
	mov	%rbx, %rdi		/* mmap the whole region, there or nowhere */
	mov	$REGION_BYTES, %esi
	mov	$3, %edx		/* PROT_READ | PROT_WRITE */
	mov	$0x104022, %r10d	/* PRIVATE | ANONYMOUS | NORESERVE | FIXED_NOREPLACE */
	mov	$-1, %r8
	xor	%r9d, %r9d
	mov	$NR_mmap, %eax
	syscall
	cmp	%rbx, %rax
	je	0f
	cmp	$-4096, %rax
	ja	7f			/* an error: something lies there already */
	mov	%rax, %rdi		/* an old kernel took the address as a hint: give it back */
	mov	$REGION_BYTES, %esi
	mov	$NR_munmap, %eax
	syscall
	jmp	7f

0:	mov	%rbx, %rdi		/* code is never writable and never becomes executable: where */
	mov	$CODE_BYTES, %esi	/* that is forbidden (PR_SET_MDWE), this is still allowed */
	mov	$5, %edx		/* PROT_READ | PROT_EXEC */
	mov	$0x32, %r10d		/* PRIVATE | ANONYMOUS | FIXED */
	mov	$NR_mmap, %eax
	syscall
	cmp	%rbx, %rax
	je	1f
	test	%ebp, %ebp		/* refused: tell why, in place of the memfd */
	js	0f
	push	%rax
	mov	%ebp, %edi
	mov	$NR_close, %eax
	syscall
	pop	%rax
0:	mov	%eax, %ebp
	mov	$STUB_NO_CODE, %r12d
	jmp	2f

1:	mov	$STUB_FAILED, %r12d
	cmp	$NO_MEMFD, %ebp
	je	0f
	test	%ebp, %ebp
	js	2f
0:	lea	WIPED_OFFSET(%rbx), %rdi /* children of fork find these pages zero */
	mov	$WIPED_BYTES, %esi
	mov	$18, %edx		/* MADV_WIPEONFORK */
	mov	$NR_madvise, %eax
	syscall
	mov	%rax, ANCHOR_OFFSET + ANCHOR_STUB_WIPE(%rbx)
	mov	$4, %edx		/* MADV_DONTNEED: what an earlier filtrace left is dropped */
	mov	$NR_madvise, %eax
	syscall
	mov	$SHARED_BYTES, %esi
	mov	$0x31, %r10d		/* SHARED | ANONYMOUS | FIXED */
	test	%ebp, %ebp
	js	0f
	mov	%ebp, %edi
	mov	$NR_ftruncate, %eax
	syscall
	mov	$0x11, %r10d		/* SHARED | FIXED */
0:	lea	SHARED_OFFSET(%rbx), %rdi
	mov	$3, %edx
	mov	%ebp, %r8d
	xor	%r9d, %r9d
	mov	$NR_mmap, %eax
	syscall
	mov	$STUB_OFFERED, %r12d

2:	mov	%ebp, ANCHOR_OFFSET + ANCHOR_STUB_FD(%rbx)
	STUB_ANSWER stub_region, %r12d
	mov	$HANDSHAKE_ROUNDS, %r12d
3:	cmpl	$STUB_TAKEN, ANCHOR_OFFSET + ANCHOR_STUB_STATE(%rbx)
	je	4f
	movq	$0, (%rsp)
	movq	$HANDSHAKE_ROUND_NS, 8(%rsp)
	xor	%edi, %edi		/* ppoll on nothing: unlike nanosleep or futex it leaves */
	xor	%esi, %esi		/* the thread's restart block as it is */
	mov	%rsp, %rdx
	xor	%r10d, %r10d
	mov	$8, %r8d
	mov	$NR_ppoll, %eax
	syscall
	dec	%r12d
	jnz	3b

4:	cmp	$NO_MEMFD, %ebp
	je	6f
	test	%ebp, %ebp
	jns	5f
	cmpl	$0, is_new(%rip)	/* failed: a region that is ours alone goes away again */
	je	6f
	mov	%rbx, %rdi
	mov	$REGION_BYTES, %esi
	mov	$NR_munmap, %eax
	syscall
	jmp	9f
5:	mov	%ebp, %edi
	mov	$NR_close, %eax
	syscall
6:	movl	$STUB_FINISHED, ANCHOR_OFFSET + ANCHOR_STUB_STATE(%rbx)
	jmp	9f

7:	test	%ebp, %ebp		/* no region: only the memfd is to be given back */
	js	9f
	mov	%ebp, %edi
	mov	$NR_close, %eax
	syscall
9:	add	$16, %rsp
	jmp	stub_region_leave
stub_name:
	.asciz	"filtrace"
	STUB_END stub_region
	.set	is_new, stub_region_words + STUB_ARGUMENTS
	.set	is_anonymous, stub_region_words + STUB_ARGUMENTS + 8

/* ---- The action of SIGTRAP. Arguments: the handler that must be there, else nothing is changed;
 *      then the new action, if it is not there yet, as the kernel wants it: handler, flags, restorer, mask. ------------- */
#define SIGTRAP	     5
#define ACTION_BYTES 32
	STUB_BEGIN stub_action
	sub	$ACTION_BYTES, %rsp
	mov	$SIGTRAP, %edi
	xor	%esi, %esi
	mov	%rsp, %rdx		/* what there is */
	mov	$8, %r10d
	mov	$NR_rt_sigaction, %eax
	syscall
	mov	$STUB_REFUSED, %ebp
	test	%eax, %eax
	jnz	1f
	mov	(%rsp), %rax
	cmp	stub_action_words + STUB_ARGUMENTS + 8(%rip), %rax
	je	2f			/* an earlier stub has done it, later than we waited for it */
	cmp	stub_action_words + STUB_ARGUMENTS(%rip), %rax
	jne	1f
	lea	stub_action_words + STUB_ARGUMENTS + 8(%rip), %rsi
	xor	%edx, %edx
	mov	$NR_rt_sigaction, %eax
	syscall
	test	%eax, %eax
	jnz	1f
2:	mov	$STUB_DONE, %ebp
1:	STUB_ANSWER stub_action, %ebp
	add	$ACTION_BYTES, %rsp
	jmp	stub_action_leave
	STUB_END stub_action

	.section .note.GNU-stack, "", @progbits
