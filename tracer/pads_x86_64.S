/* SPDX-License-Identifier: MIT */
/*
 * The pads: what a gated allocator function runs through in the target. Copied whole to the start
 * of the region, so every address here is relative to pads_begin, and region_layout.h says what
 * lies where behind it.
 *
 * A pad is entered exactly as the function it stands for: arguments in rdi, rsi, rdx, the return
 * address on the stack. Until it jumps to the original it may change rax, r10, r11 and the flags
 * only; where it calls the original, or another one in its place, that may change what any function
 * may. It makes no other call but to the routines below, touches no vector register, and calls with
 * the stack aligned as the ABI asks.
 *
 * Fast path of an allocation: count the size down; not below zero -> jump to the original.
 * Slow path: draw the next distance, call the original, then park: post block and size in a mailbox
 * and wait until the tracer has looked at the thread.
 * Fast path of a free: one byte of the filter; zero -> jump to the original.
 */
#include "tracer/region_layout.h"

#define NR_rt_sigaction	  13
#define NR_rt_sigprocmask 14
#define NR_rt_sigreturn	  15
#define NR_getpid	  39
#define NR_gettid	  186
#define NR_futex	  202
#define NR_tgkill	  234
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

#define FUTEX_OWNER_DIED 0x40000000

#define SIGTRAP		5
#define SI_KERNEL	0x80
#define SIGSET_BYTES	8
#define ACTION_BYTES	32	/* the kernel's struct sigaction: handler, flags, restorer, mask */
#define SIGINFO_CODE	8
#define UCONTEXT_RIP	168

/* In a pad: the original function of its gate, and the most bytes that it counts. */
#define original gates + gate_at
#define limit	 gates + gate_at + 8

	.section .rodata
	.globl	pads_begin, pads_end
	.balign	4096
pads_begin:
	.set	anchor, pads_begin + ANCHOR_OFFSET
	.set	control, pads_begin + CONTROL_OFFSET
	.set	filter, pads_begin + FILTER_OFFSET
	.set	table, pads_begin + TABLE_OFFSET
	.set	shared, pads_begin + SHARED_OFFSET
	.set	gates, anchor + ANCHOR_GATES

	.set	armed, control + CONTROL_ARMED
	.set	gate_number, 0
	.set	entry_count, 0

/* What the tracer is told of each pad: struct pad in tracer/pads.h. */
	.pushsection .rodata.pads, "a"
	.globl	pads_list, pads_list_end
	.balign	4
pads_list:
	.popsection

.macro DESCRIBE place, operation, guard
	.pushsection .rodata.pads, "a"
	.long	77f - pads_begin
	.byte	\place, \operation, \guard, 0
	.popsection
	.set	gate_at, gate_number * ANCHOR_GATE_BYTES
	.set	this_gate, gate_number
	.set	gate_number, gate_number + 1
	.set	entry_count, entry_count + \place
	.balign	32
77:
.endm

/* enum gate_place, gate_operation and gate_guard of base/gate_spec.h; pads.h asserts them. */
#define SLOT  0
#define ENTRY 1
#define MALLOC	       0
#define CALLOC	       1
#define REALLOC	       2
#define FREE	       3
#define MEMALIGN       4
#define POSIX_MEMALIGN 5
#define REALLOCARRAY   6
#define NEW	       7
#define NEW_ALIGNED    8
#define REALLOC_NOT_NULL       9
#define MEMALIGN_OVER_16       10
#define POSIX_MEMALIGN_OVER_16 11
#define UNGUARDED  0
#define SERIALISED 1

/* Jump to \taken if the filter knows the hash of \block; rax = hash. Clobbers r11. */
.macro IF_SAMPLED block, taken
	mov	\block, %rax
	shr	$4, %rax		/* blocks are 16-aligned */
	imul	$FILTER_FACTOR, %eax, %eax
	shr	$FILTER_SHIFT, %eax
	lea	filter(%rip), %r11
	cmpb	$0, (%r11,%rax)
	jne	\taken
.endm

/* Count \size bytes down; jump to \taken when that goes below zero. */
.macro COUNT guard, size, taken
.if \guard == SERIALISED
	sub	\size, control + CONTROL_COUNTDOWN(%rip)
.else
	sub	\size, %fs:TCB_COUNTDOWN
.endif
	js	\taken
.endm

/* Ask for a draw. Carry: do not sample; else r10 = interval id of the sample. */
.macro DRAW guard
.if \guard == SERIALISED
	call	draw_serialised
.else
	call	draw_unguarded
.endif
.endm

/* The sampled call of the original: \size is pushed for park, and the arguments are untouched. */
.macro SAMPLE guard, size, pass
	DRAW	\guard
	jc	\pass
	push	\size			/* three words for park; they align the stack, too */
	push	%r10
	pushq	$this_gate
	call	*original(%rip)
	mov	%rax, %r10
	call	park
	add	$24, %rsp
	ret
.endm

/* (block) */
.macro FREE_PAD place, block
	DESCRIBE \place, FREE, UNGUARDED
	IF_SAMPLED \block, 2f
1:	jmp	*original(%rip)
2:	mov	\block, %r10
	call	forget
	jmp	1b
.endm

/* ---- Functions behind a table slot: a context argument comes first. ------------------------- */

.macro SLOT_MALLOC guard
	DESCRIBE SLOT, MALLOC, \guard
	lea	-1(%rsi), %rax		/* 0 bytes and more than the limit are not ours */
	cmp	limit(%rip), %rax
	jae	1f
	COUNT	\guard, %rsi, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	\guard, %rsi, 1b
.endm

.macro SLOT_CALLOC guard
	DESCRIBE SLOT, CALLOC, \guard
	mov	%rsi, %rax
	imul	%rdx, %rax
	jo	1f
	lea	-1(%rax), %r10
	cmp	limit(%rip), %r10
	jae	1f
	COUNT	\guard, %rax, 2f
1:	jmp	*original(%rip)
2:	SAMPLE_PRODUCT \guard, 1b
.endm

/* As SAMPLE, with the size in rax. */
.macro SAMPLE_PRODUCT guard, pass
	push	%rax			/* for park */
	DRAW	\guard
	jc	3f
	push	%r10
	pushq	$this_gate
	call	*original(%rip)
	mov	%rax, %r10
	call	park
	add	$24, %rsp
	ret
3:	pop	%rax
	jmp	\pass
.endm

.macro SLOT_REALLOC guard
	DESCRIBE SLOT, REALLOC, \guard
	IF_SAMPLED %rsi, 4f
0:	lea	-1(%rdx), %rax
	cmp	limit(%rip), %rax
	jae	1f
	COUNT	\guard, %rdx, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	\guard, %rdx, 1b
4:	mov	%rsi, %r10		/* realloc is a free and a new block */
	call	forget
	jmp	0b
.endm

	.rept	2			/* obj and mem, under the GIL */
	SLOT_MALLOC SERIALISED
	SLOT_CALLOC SERIALISED
	SLOT_REALLOC SERIALISED
	.endr
	.rept	3			/* raw, and all of them where there is no GIL */
	SLOT_MALLOC UNGUARDED
	SLOT_CALLOC UNGUARDED
	SLOT_REALLOC UNGUARDED
	FREE_PAD SLOT, %rsi
	.endr

/* ---- Functions hooked at their code. A size with its top bit set is nonsense that the allocator
 *      will refuse: it must not move a countdown. How many of a kind there are is decided by the
 *      tables of c_allocator.c. --------------------------------------------------------------- */

.macro ENTRY_MALLOC
	DESCRIBE ENTRY, MALLOC, UNGUARDED
	test	%rdi, %rdi
	js	1f
	COUNT	UNGUARDED, %rdi, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	UNGUARDED, %rdi, 1b
.endm

	.set	first_malloc, gates + gate_number * ANCHOR_GATE_BYTES
	.rept	6
	ENTRY_MALLOC
	.endr

	DESCRIBE ENTRY, CALLOC, UNGUARDED
	mov	%rdi, %rax
	imul	%rsi, %rax
	jo	1f
	test	%rax, %rax
	js	1f
	COUNT	UNGUARDED, %rax, 2f
1:	jmp	*original(%rip)
2:	SAMPLE_PRODUCT UNGUARDED, 1b

.macro ENTRY_REALLOC operation
	DESCRIBE ENTRY, \operation, UNGUARDED
.if \operation == REALLOC_NOT_NULL
	test	%rdi, %rdi		/* realloc(NULL, n) calls malloc, whose gate counts */
	jz	1f
.endif
	IF_SAMPLED %rdi, 4f
0:	test	%rsi, %rsi
	js	1f
	COUNT	UNGUARDED, %rsi, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	UNGUARDED, %rsi, 1b
4:	mov	%rdi, %r10		/* of a NULL block, forget() knows nothing */
	call	forget
	jmp	0b
.endm

	ENTRY_REALLOC REALLOC_NOT_NULL
	ENTRY_REALLOC REALLOC
	ENTRY_REALLOC REALLOC

	DESCRIBE ENTRY, REALLOCARRAY, UNGUARDED
	IF_SAMPLED %rdi, 4f
0:	mov	%rsi, %rax
	imul	%rdx, %rax
	jo	1f
	test	%rax, %rax
	js	1f
	COUNT	UNGUARDED, %rax, 2f
1:	jmp	*original(%rip)
2:	SAMPLE_PRODUCT UNGUARDED, 1b
4:	mov	%rdi, %r10
	call	forget
	jmp	0b

	.rept	17			/* free, and all that C++ has to delete */
	FREE_PAD ENTRY, %rdi
	.endr

.macro ENTRY_MEMALIGN operation
	DESCRIBE ENTRY, \operation, UNGUARDED
.if \operation == MEMALIGN_OVER_16
	cmp	$16, %rdi		/* up to 16 it calls malloc, whose gate counts */
	jbe	1f
.endif
	test	%rsi, %rsi
	js	1f
	COUNT	UNGUARDED, %rsi, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	UNGUARDED, %rsi, 1b
.endm

	.set	first_memalign, gates + gate_number * ANCHOR_GATE_BYTES
	ENTRY_MEMALIGN MEMALIGN
	ENTRY_MEMALIGN MEMALIGN
	ENTRY_MEMALIGN MEMALIGN_OVER_16
	ENTRY_MEMALIGN MEMALIGN_OVER_16

.macro ENTRY_POSIX_MEMALIGN operation
	DESCRIBE ENTRY, \operation, UNGUARDED
.if \operation == POSIX_MEMALIGN_OVER_16
	cmp	$16, %rsi
	jbe	1f
.endif
	test	%rdx, %rdx
	js	1f
	COUNT	UNGUARDED, %rdx, 2f
1:	jmp	*original(%rip)
2:	mov	%rdx, %rax
	DRAW	UNGUARDED
	jc	1b
	push	%rdi			/* where the block's address will stand (MAIL_RSP is 16 off) */
	push	%rdi			/* keeps the stack aligned */
	push	%rdx
	push	%r10
	pushq	$this_gate
	call	*original(%rip)
	test	%eax, %eax
	jnz	3f
	mov	24(%rsp), %r10
	mov	(%r10), %r10
	call	park
3:	add	$40, %rsp
	ret
.endm

	ENTRY_POSIX_MEMALIGN POSIX_MEMALIGN
	ENTRY_POSIX_MEMALIGN POSIX_MEMALIGN_OVER_16

/* An exception cannot pass a pad, which unwinders do not know: so a sampled call asks the function
 * that returns NULL, and if that refuses, leaves no trace on the stack and goes on to the original,
 * which may throw, or find the memory after all. */
.macro ENTRY_NEW
	DESCRIBE ENTRY, NEW, UNGUARDED
	test	%rdi, %rdi
	js	1f
	COUNT	UNGUARDED, %rdi, 2f
1:	jmp	*original(%rip)
2:	mov	%rdi, %rax
	DRAW	UNGUARDED
	jc	1b
	push	%rdi
	push	%r10
	pushq	$this_gate
	call	*first_malloc(%rip)
	mov	%rax, %r10
	test	%rax, %rax
	jz	3f
	call	park
	add	$24, %rsp
	ret
3:	add	$16, %rsp
	pop	%rdi
	jmp	1b
.endm

	ENTRY_NEW
	ENTRY_NEW

.macro ENTRY_NEW_ALIGNED
	DESCRIBE ENTRY, NEW_ALIGNED, UNGUARDED
	test	%rdi, %rdi
	js	1f
	COUNT	UNGUARDED, %rdi, 2f
1:	jmp	*original(%rip)
2:	mov	%rdi, %rax
	DRAW	UNGUARDED
	jc	1b
	push	%rsi			/* the alignment, for a second try (MAIL_RSP is 16 off) */
	push	%rsi			/* keeps the stack aligned */
	push	%rdi
	push	%r10
	pushq	$this_gate
	xchg	%rdi, %rsi
	call	*first_memalign(%rip)
	mov	%rax, %r10
	test	%rax, %rax
	jz	3f
	call	park
	add	$40, %rsp
	ret
3:	add	$16, %rsp
	pop	%rdi
	pop	%rsi
	pop	%rsi
	jmp	1b
.endm

	ENTRY_NEW_ALIGNED
	ENTRY_NEW_ALIGNED

/* ---- forget: the block in r10 is freed; rax = its hash. Clobbers rax, r11. ------------------- */
	.balign	32
forget:
	test	%r10, %r10		/* an empty slot holds 0, too */
	jz	3f
	push	%rcx
	shr	$BUCKET_SHIFT, %eax
	shl	$6, %eax		/* 8 slots of 8 bytes */
	lea	table(%rip), %r11
	add	%rax, %r11
	mov	$BUCKET_SLOTS, %ecx
1:	cmp	%r10, (%r11)
	je	2f
	add	$8, %r11
	dec	%ecx
	jnz	1b
	pop	%rcx
	ret
2:	mov	%r10, %rax		/* two threads freeing one block: only one removes it */
	xor	%ecx, %ecx
	lock cmpxchg %rcx, (%r11)
	pop	%rcx
	jne	3f
	mov	$1, %eax
	lock xadd %rax, shared + SHARED_RING_HEAD(%rip)
	and	$RING_COUNT - 1, %eax
	lea	shared + SHARED_RING(%rip), %r11
	mov	%r10, (%r11,%rax,8)
3:	ret

/* ---- draw: set the next countdown, which is below zero. Out: carry set: no sample; else r10 = id
 *      of the interval that the sample was drawn with. Clobbers rax, r11.
 *      A countdown without an id (a new thread, a fresh start, the end of a leg) leads to no sample:
 *      a new one is drawn and owes what this one is below zero. A draw is gone in legs, so that an
 *      interval that has become shorter serves soon: an exponential distribution has no memory, so
 *      what is left of it may be drawn anew at any time. ------------------------------------- */
.macro DRAW_ROUTINE countdown, interval
	cmpl	$0, armed(%rip)
	je	4f
	push	%rcx
	mov	\interval, %r10
1:	mov	$1, %ecx
	lock xadd %rcx, shared + SHARED_DRAW_NEXT(%rip)
	and	$DRAW_COUNT - 1, %ecx
	lea	shared + SHARED_DRAWS(%rip), %r11
	mov	(%r11,%rcx,8), %rcx
	mov	%rcx, %r11
	shr	$DRAW_ID_SHIFT, %r11	/* r11: the interval's id */
	jz	5f			/* no draw: pages that nobody has filled yet */
	shl	$64 - DRAW_ID_SHIFT, %rcx
	shr	$64 - DRAW_ID_SHIFT, %rcx /* rcx: bytes to go */
	test	%r10, %r10
	jnz	2f
	add	\countdown, %rcx
	jns	2f
	mov	%r11, %r10		/* below zero at once: a sample, and one more draw */
	jmp	1b
2:	cmp	shared + SHARED_LEG(%rip), %rcx
	jbe	3f
	mov	shared + SHARED_LEG(%rip), %rcx
	xor	%r11d, %r11d
3:	mov	%rcx, \countdown
	mov	%r11, \interval
	pop	%rcx
	cmp	$1, %r10		/* carry: r10 is 0 */
	ret
5:	pop	%rcx
4:	movq	$DISARMED_BYTES, \countdown
	movq	$0, \interval
	stc
	ret
.endm

	.balign	32
draw_serialised:
	DRAW_ROUTINE control + CONTROL_COUNTDOWN(%rip), control + CONTROL_INTERVAL(%rip)
	.balign	32
draw_unguarded:
	DRAW_ROUTINE %fs:TCB_COUNTDOWN, %fs:TCB_INTERVAL

/* ---- park: post the block in r10 and wait for the tracer: in a futex, or at a trap. Above the return address stand gate,
 *      interval id and size. Preserves every register but r10, r11. --------------------------- */
#define SAVED	     64			/* eight registers pushed below */
#define PARK_GATE    (SAVED + 8)
#define PARK_INTERVAL (SAVED + 16)
#define PARK_SIZE    (SAVED + 24)
	.balign	32
park:
	test	%r10, %r10		/* the allocator refused */
	jz	9f
	cmpl	$0, armed(%rip)
	je	9f
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%rbx

	/* Claim a free mailbox, looking first where this thread has looked before. */
	mov	%fs:TCB_SELF, %r8
	mov	%r8, %r9
	shr	$12, %r9
	mov	$MAILBOX_COUNT, %ecx
	lea	shared + SHARED_STATES(%rip), %rbx
	mov	$MAILBOX_CLAIMED, %edx
1:	and	$MAILBOX_COUNT - 1, %r9d
	xor	%eax, %eax
	lock cmpxchg %edx, (%rbx,%r9,4)
	je	2f
	inc	%r9d
	dec	%ecx
	jnz	1b
	lock incl shared + SHARED_LOST(%rip)
	jmp	8f

2:	lea	(%rbx,%r9,4), %rbx	/* rbx: its state */
	shl	$MAILBOX_SHIFT, %r9
	lea	shared + SHARED_MAILBOXES(%rip), %rcx
	add	%rcx, %r9		/* r9: its contents */
	mov	%r10, MAIL_BLOCK(%r9)
	mov	PARK_SIZE(%rsp), %rax
	mov	%rax, MAIL_SIZE(%r9)
	mov	PARK_INTERVAL(%rsp), %rax
	mov	%rax, MAIL_INTERVAL(%r9)
	mov	PARK_GATE(%rsp), %rax
	mov	%rax, MAIL_GATE(%r9)
	mov	%r8, MAIL_THREAD(%r9)
	mov	shared + SHARED_KIND(%rip), %r8d /* r8: how to wait, decided once */
	test	%r8d, %r8d
	jz	2f
	lock incl control + CONTROL_TRAPPING(%rip)
	cmpl	$0, armed(%rip)		/* whoever disarms looks who is here afterwards */
	je	5f
	call	may_trap
	jc	5f
2:	lea	SAVED + 40(%rsp), %rax	/* above this call, three words and the pad's own call */
	mov	%rax, MAIL_RSP(%r9)
	mov	(%rsp), %rax		/* callee-saved registers: for whoever unwinds the stack */
	mov	%rax, MAIL_RBX(%r9)
	mov	%rbp, MAIL_RBP(%r9)
	mov	%r12, MAIL_R12(%r9)
	mov	%r13, MAIL_R13(%r9)
	mov	%r14, MAIL_R14(%r9)
	mov	%r15, MAIL_R15(%r9)
	mov	$NR_gettid, %eax
	syscall
	mov	%eax, MAIL_TID(%r9)
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	push	%rax			/* when it was posted; the mailbox may not stay ours */
	mov	%rax, MAIL_POSTED(%r9)
	movl	$MAILBOX_POSTED, (%rbx)
	test	%r8d, %r8d
	jnz	trap
	lock incl shared + SHARED_DOORBELL(%rip)
	lea	shared + SHARED_DOORBELL(%rip), %rdi
	mov	$FUTEX_WAKE, %esi
	mov	$1, %edx
	mov	$NR_futex, %eax
	syscall

	/* The answer usually comes sooner than a sleeping processor wakes up: look out for it. */
	mov	$PARK_SPINS, %ecx
2:	cmpl	$MAILBOX_POSTED, (%rbx)
	jne	7f
	pause
	dec	%ecx
	jnz	2b

	/* Wait. The kernel marks the owner's word when the tracer dies; one that lives but is
	   silent has its limit, too. */
3:	mov	%rbx, %rdi
	mov	$FUTEX_WAIT, %esi
	mov	$MAILBOX_POSTED, %edx
	lea	park_round(%rip), %r10
	mov	$NR_futex, %eax
	syscall
	cmpl	$MAILBOX_POSTED, (%rbx)
	jne	7f
	/* Woken by time, by a signal or by nothing: is it worth waiting on? */
	call	owner_is_gone
	jc	4f
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	sub	(%rsp), %rax
	cmp	shared + SHARED_PATIENCE(%rip), %rax
	jb	3b
4:	call	take_back
	jne	7f
	movl	$0, armed(%rip)		/* nobody listens: run on at full speed */
	lock incl shared + SHARED_TIMEOUTS(%rip)
	jmp	stopped

	/* The other kind of stop: the tracer sees this instruction by ptrace, and lets the thread
	   go on behind it. If nobody does, the handler below does nothing, and here we are. */
	.globl	pads_trap_return
trap:
	int3
pads_trap_return:
	call	take_back
	jne	7f
	call	owner_is_gone
	jnc	4f
	movl	$0, armed(%rip)
4:	pop	%rax
	jmp	6f

5:	movl	$MAILBOX_FREE, (%rbx)	/* no stop is possible here and now */
6:	lock incl shared + SHARED_LOST(%rip)
	lock decl control + CONTROL_TRAPPING(%rip)
	jmp	8f

7:	mov	$MAILBOX_RELEASED, %eax
	mov	$MAILBOX_FREE, %edx
	lock cmpxchg %edx, (%rbx)
	jne	6f			/* the pages were replaced: this is somebody else's mailbox */
stopped:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	sub	(%rsp), %rax
	lock add %rax, shared + SHARED_STOPPED(%rip)
	mov	%rax, %rdx		/* its class: the highest bit, and the three behind it */
	mov	$8, %ecx
	cmp	%rcx, %rdx
	cmovb	%rcx, %rdx
	bsr	%rdx, %rcx
	sub	$3, %ecx
	shr	%cl, %rdx		/* 8 to 15 */
	lea	(%rdx,%rcx,8), %edx
	lea	shared + SHARED_TIMES(%rip), %rcx
	lock incl (%rcx,%rdx,4)
	mov	%rax, %rcx
	mov	shared + SHARED_LONGEST(%rip), %rax
5:	cmp	%rax, %rcx
	jbe	6f
	lock cmpxchg %rcx, shared + SHARED_LONGEST(%rip)
	jne	5b
6:	pop	%rax
	test	%r8d, %r8d
	jz	8f
	lock decl control + CONTROL_TRAPPING(%rip)

8:	pop	%rbx
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
9:	ret

/* Take the post back, if it was not answered just now: then ZF is set. Clobbers rax, rdx. */
take_back:
	mov	$MAILBOX_POSTED, %eax
	xor	%edx, %edx		/* MAILBOX_FREE */
	lock cmpxchg %edx, (%rbx)
	ret

/* Carry: no tracer owns these pages, or it has died. Clobbers rax. */
owner_is_gone:
	mov	shared + SHARED_OWNER(%rip), %eax
	test	%eax, %eax
	jz	1f
	bt	$30, %eax		/* FUTEX_OWNER_DIED */
	ret
1:	stc
	ret

/* Carry: a trap would end the process if the tracer died just then, for this thread blocks SIGTRAP,
 * or somebody has changed the action that we have set. Clobbers rax, rcx, rdx, rdi, rsi, r10, r11. */
may_trap:
	sub	$ACTION_BYTES, %rsp
	xor	%edi, %edi
	xor	%esi, %esi		/* change nothing, */
	mov	%rsp, %rdx		/* tell what is blocked */
	mov	$SIGSET_BYTES, %r10d
	mov	$NR_rt_sigprocmask, %eax
	syscall
	test	%eax, %eax
	jnz	1f
	btl	$SIGTRAP - 1, (%rsp)
	jc	1f
	mov	$SIGTRAP, %edi
	mov	$NR_rt_sigaction, %eax
	syscall
	test	%eax, %eax
	jnz	1f
	lea	pads_trap_handler(%rip), %rax
	cmp	%rax, (%rsp)
	jne	1f
	add	$ACTION_BYTES, %rsp
	clc
	ret
1:	add	$ACTION_BYTES, %rsp
	stc
	ret

/* ---- the handler of SIGTRAP (signal, siginfo, ucontext), set while stops are traps. One that no
 *      tracer has seen ends here, and park goes on. Any other is not ours: the action becomes the
 *      default one again, and the signal is sent once more. ------------------------------------ */
	.globl	pads_trap_handler, pads_trap_restorer
	.balign	16
pads_trap_handler:
	lea	pads_trap_return(%rip), %rax
	cmp	%rax, UCONTEXT_RIP(%rdx)
	jne	1f
	cmpl	$SI_KERNEL, SIGINFO_CODE(%rsi)
	jne	1f
	ret
1:	push	%rdi
	sub	$ACTION_BYTES, %rsp
	movq	$0, (%rsp)
	movq	$0, 8(%rsp)
	movq	$0, 16(%rsp)
	movq	$0, 24(%rsp)
	mov	%rsp, %rsi
	xor	%edx, %edx
	mov	$SIGSET_BYTES, %r10d
	mov	$NR_rt_sigaction, %eax
	syscall
	add	$ACTION_BYTES, %rsp
	mov	$NR_gettid, %eax
	syscall
	mov	%eax, %esi
	mov	$NR_getpid, %eax
	syscall
	mov	%eax, %edi
	pop	%rdx			/* it is blocked until this handler returns */
	mov	$NR_tgkill, %eax
	syscall
	ret
pads_trap_restorer:
	mov	$NR_rt_sigreturn, %eax
	syscall

	.balign	8
park_round:
	.quad	0, PARK_ROUND_NS
pads_end:
	.org	pads_begin + PADS_MAX_BYTES /* an error if they are longer */

.if gate_number > ANCHOR_GATE_COUNT || entry_count > CELL_COUNT
	.error	"region_layout.h has no room for so many gates"
.endif

	.pushsection .rodata.pads, "a"
pads_list_end:
	.popsection

	.section .note.GNU-stack, "", @progbits
