/* SPDX-License-Identifier: MIT */
/*
 * The pads: what a gated allocator function runs through in the target. Copied whole to the start
 * of the region, so every address here is relative to pads_begin, and region_layout.h says what
 * lies where behind it.
 *
 * A pad is entered exactly as the function it stands for: arguments in rdi, rsi, rdx, the return
 * address on the stack. Until it jumps to the original it may change rax, r10, r11 and the flags
 * only; where it calls the original, or another one in its place, that may change what any function
 * may. It makes no other call but to the routines of pads_routines_x86_64.inc, touches no vector
 * register, and calls with the stack aligned as the ABI asks.
 *
 * Fast path of an allocation: count the size down; not below zero -> jump to the original.
 * Slow path: draw the next distance, call the original, then park: post block and size in a mailbox
 * and wait until the tracer has looked at the thread.
 * Fast path of a free: one byte of the filter; zero -> jump to the original.
 */
#include "tracer/region_layout.h"

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
#define MALLOC_HANDED_ON  12
#define CALLOC_HANDED_ON  13
#define REALLOC_HANDED_ON 14
#define UNGUARDED  0
#define SERIALISED 1

/* Jump to \taken if the filter knows \block or one like it. Clobbers rax, r11. */
.macro IF_SAMPLED block, taken
	mov	\block, %rax
	shr	$4, %rax		/* blocks are 16-aligned */
	and	control + CONTROL_FILTER(%rip), %eax
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

/* Count \size bytes, or rsi * rdx, if they are this gate's: 0 bytes and more than the limit are not,
 * and go to \pass. Changes rax; of a product, rax is the bytes. */
.macro COUNT_SLOT guard, size, pass, taken
	lea	-1(\size), %rax
	cmp	limit(%rip), %rax
	jae	\pass
	COUNT	\guard, \size, \taken
.endm

.macro COUNT_SLOT_PRODUCT guard, pass, taken
	mov	%rsi, %rax
	imul	%rdx, %rax
	jo	\pass
	lea	-1(%rax), %r10
	cmp	limit(%rip), %r10
	jae	\pass
	COUNT	\guard, %rax, \taken
.endm

.macro SLOT_MALLOC guard
	DESCRIBE SLOT, MALLOC, \guard
	COUNT_SLOT \guard, %rsi, 1f, 2f
1:	jmp	*original(%rip)
2:	SAMPLE	\guard, %rsi, 1b
.endm

.macro SLOT_CALLOC guard
	DESCRIBE SLOT, CALLOC, \guard
	COUNT_SLOT_PRODUCT \guard, 1f, 2f
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
0:	COUNT_SLOT \guard, %rdx, 1f, 2f
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

/* The same, where a block that is sampled is handed on to the allocator for large ones. The pads of
 * one allocator are numbered one after the other: so each knows the original of realloc. */
.macro SLOT_HANDED_ON guard
	DESCRIBE SLOT, MALLOC_HANDED_ON, \guard
	COUNT_SLOT \guard, %rsi, 1f, 2f
1:	jmp	*original(%rip)
2:	DRAW	\guard
	jc	1b
	push	%rsi
	HAND_ON_NEW 2

	DESCRIBE SLOT, CALLOC_HANDED_ON, \guard
	COUNT_SLOT_PRODUCT \guard, 1f, 2f
1:	jmp	*original(%rip)
2:	push	%rax
	DRAW	\guard
	jc	3f
	HAND_ON_NEW 1
3:	pop	%rax
	jmp	1b

	DESCRIBE SLOT, REALLOC_HANDED_ON, \guard
	COUNT_SLOT \guard, %rdx, 1f, 2f
1:	jmp	*original(%rip)
2:	DRAW	\guard
	jc	1b
	push	%rdx
	push	%r10
	pushq	$this_gate
	lea	original(%rip), %r10
	call	hand_on_old
	call	park
	add	$24, %rsp
	ret
.endm

/* The size is pushed; realloc's pad comes so many after this one. */
.macro HAND_ON_NEW realloc
	push	%r10
	pushq	$this_gate
	lea	original(%rip), %rax
	lea	original + \realloc * ANCHOR_GATE_BYTES(%rip), %r10
	call	hand_on_new
	call	park
	add	$24, %rsp
	ret
.endm

	.rept	2			/* obj and mem */
	SLOT_HANDED_ON SERIALISED
	.endr
	.rept	2			/* the same where interpreters have a GIL each */
	SLOT_HANDED_ON UNGUARDED
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

#include "tracer/pads_routines_x86_64.inc"

pads_end:
	.org	pads_begin + PADS_MAX_BYTES /* an error if they are longer */

.if gate_number > ANCHOR_GATE_COUNT || entry_count > CELL_COUNT
	.error	"region_layout.h has no room for so many gates"
.endif

	.pushsection .rodata.pads, "a"
pads_list_end:
	.popsection

	.section .note.GNU-stack, "", @progbits
