/* SPDX-License-Identifier: MIT */
/*
 * The planting stub: maps the region from inside the target, then goes back to where the thread
 * was. It is written into the zero bytes behind a code segment and started by one register write:
 * rip = stub_enter. It changes no register, no flag, no vector state and nothing at or above
 * rsp - 128, so the thread never knows.
 *
 * Where the thread was decides how it is entered, and the kernel decides that for us:
 *  - in user code: at stub_enter; it resumes at the saved rip;
 *  - in a system call that the kernel restarts: the kernel takes rip back by the two bytes of a
 *    syscall instruction, so it enters at stub_restart with rax set, and resumes on that very
 *    instruction (saved rip - 2).
 */
#include "tracer/region_layout.h"

#define NR_mmap		9
#define NR_munmap	11
#define NR_madvise	28
#define NR_close	3
#define NR_ftruncate	77
#define NR_ppoll	271
#define NR_memfd_create 319

/* In place of a memfd when none is wanted: no errno is as large. */
#define NO_MEMFD -4096

#define HANDSHAKE_ROUNDS   150
#define HANDSHAKE_ROUND_NS 200000

	.section .rodata
	.globl	stub_begin, stub_end, stub_enter
	.globl	stub_base, stub_is_new, stub_is_anonymous, stub_cookie
	.globl	stub_resume, stub_resume_call
	.balign	16
stub_begin:
stub_restart:
	jmp	stub_again		/* exactly two bytes: see above */
stub_enter:
	lea	-128(%rsp), %rsp	/* leave the red zone alone; lea keeps the flags */
	call	stub_body
	movq	$0, -8(%rsp)		/* later frames may leave this word unset: no trace of us */
	lea	128(%rsp), %rsp
	jmp	*stub_resume(%rip)
stub_again:
	lea	-128(%rsp), %rsp
	call	stub_body
	movq	$0, -8(%rsp)
	lea	128(%rsp), %rsp
	jmp	*stub_resume_call(%rip)

stub_body:
	pushfq
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
	sub	$16, %rsp		/* a struct timespec */
	cld

	mov	$NO_MEMFD, %ebp		/* ebp: the memfd, or minus errno, or this */
	cmpl	$0, stub_is_anonymous(%rip)
	jne	0f
	lea	stub_name(%rip), %rdi
	mov	$3, %esi		/* MFD_CLOEXEC | MFD_ALLOW_SEALING */
	mov	$NR_memfd_create, %eax
	syscall
	mov	%eax, %ebp

0:	mov	stub_base(%rip), %rbx	/* rbx: the region, from here on */
	cmpl	$0, stub_is_new(%rip)
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
	mov	stub_cookie(%rip), %rax
	mov	%rax, ANCHOR_OFFSET + ANCHOR_STUB_COOKIE(%rbx)
	mov	%r12d, ANCHOR_OFFSET + ANCHOR_STUB_STATE(%rbx)
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
	cmpl	$0, stub_is_new(%rip)	/* failed: a region that is ours alone goes away again */
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
	pop	%r12
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

stub_name:
	.asciz	"filtrace"
	.balign	8
/* Filled in by the tracer before the stub is written. */
stub_base:	  .quad 0	/* where the region is, or is to be */
stub_is_new:	  .quad 0	/* 1: map it; 0: it stands, only its shared pages are replaced */
stub_is_anonymous: .quad 0	/* 1: share pages without a memfd */
stub_cookie:	  .quad 0	/* what it shows the tracer to be known by */
stub_resume:	  .quad 0	/* rip of the thread as it was found */
stub_resume_call: .quad 0	/* rip - 2 */
	.org	stub_begin + STUB_PLACE_BYTES - 8 /* fails if the stub outgrows its place */
	.quad	-1			/* so that the next stub sees where this one ends */
stub_end:

	.section .note.GNU-stack, "", @progbits
