/* SPDX-License-Identifier: MIT */
#ifndef TRACER_REGION_LAYOUT_H
#define TRACER_REGION_LAYOUT_H

/**
 * @file
 * The one picture of the region that filtrace maps into its target, for the assembler (pads, stub)
 * and for C. Offsets are bytes from the region's first byte. Only plain numbers here.
 *
 *   code     r-x  private          pads, thunks, displaced copies, places for later stubs
 *   anchor   rw-  private          magic, journal, original functions: a fork child keeps them
 *   control  rw-  wiped by fork    armed, countdown, sizes of filter and table
 *   filter   rw-  wiped by fork    one byte for all block addresses that end alike
 *   table    rw-  wiped by fork    addresses of sampled blocks, in buckets
 *   shared   rw-  shared           mailboxes, draws, ring of freed blocks: the tracer maps it too
 *
 * A fork child finds control, filter and table zero: its gates pass everything through, and it
 * never touches the shared pages. None of this is ever unmapped.
 */

#define REGION_MAGIC 0x3765636172746c66 /* "fltrace7": the last digit counts layouts */

#define CODE_OFFSET   0x0
#define CODE_BYTES    0x7000
#define ANCHOR_OFFSET 0x7000
#define ANCHOR_BYTES  0x1000

#define WIPED_OFFSET   0x8000
#define CONTROL_OFFSET 0x8000
#define FILTER_OFFSET  0x9000
#define FILTER_BYTES   0x400000 /* at their largest */
#define TABLE_OFFSET   0x409000
#define TABLE_BYTES    0x400000
#define WIPED_BYTES    0x801000

#define SHARED_OFFSET 0x809000
#define SHARED_BYTES  0x228000
#define REGION_BYTES  0xa31000

/* code: the pads come first, then one cell per pad of a code entry, then places for stubs, from a
 * page's start on. */
#define PADS_MAX_BYTES	   0x3000
#define CELLS_OFFSET	   0x3000
#define CELL_BYTES	   0x100 /* a thunk and the displaced copy of a prologue */
#define CELL_COPY_OFFSET   0x10
#define CELL_COUNT	   48
#define STUB_PLACES_OFFSET 0x6000
#define STUB_PLACE_BYTES   0x2d0
#define STUB_PLACE_COUNT   5
#define STUB_HEAD_BYTES	   0x70 /* of a stub: its entries, and all that is done on leaving it */

/* anchor */
#define ANCHOR_MAGIC	    0x0	 /* u64, written last */
#define ANCHOR_STUB_STATE   0x10 /* u32: enum stub_state */
#define ANCHOR_STUB_FD	    0x14 /* i32: the memfd while the stub waits, or minus errno */
#define ANCHOR_STUB_WIPE    0x18 /* i64: what madvise(WIPEONFORK) returned */
#define ANCHOR_STUB_COOKIE  0x28 /* u64: the tracer's own number, so that it knows its stub */
#define ANCHOR_STUB_PLACES  0x20 /* u32: bit n: place n for stubs is taken */
#define ANCHOR_RECORD_COUNT 0x24 /* u32: how many journal records are valid */
#define ANCHOR_ACTION	    0x30 /* u32: 1: the action of SIGTRAP is ours, or about to be */
#define ANCHOR_STUB_INSIDE                                                     \
	0x38 /* u8[STUB_PLACE_COUNT]: 1: a thread was sent there, not back yet \
	      */
#define ANCHOR_GATES	    0x100
#define ANCHOR_GATE_BYTES   16 /* { u64 original; u64 limit, at most INT64_MAX } */
#define ANCHOR_GATE_COUNT   72
#define ANCHOR_RECORDS	    0x580
#define ANCHOR_RECORDS_MAX  56 /* gates that are planted at a time */
#define ANCHOR_RECORD_BYTES 48

/* control */
#define CONTROL_ARMED	  0x0  /* u32 */
#define CONTROL_TRAPPING  0x4  /* u32: threads that may be about to trap */
#define CONTROL_FILTER	  0x8  /* u32: bytes of the filter less one */
#define CONTROL_BUCKETS	  0xc  /* u32: buckets of the table less one */
#define CONTROL_COUNTDOWN 0x40 /* i64: bytes to go, for gates that a lock serialises */
#define CONTROL_INTERVAL  0x48 /* u64: interval id that this countdown was drawn with, 0 none */

/* thread control block of glibc: words that it leaves unused (tcbhead_t.__glibc_unused2) */
#define TCB_SELF      0x10
#define TCB_COUNTDOWN 0x80
#define TCB_INTERVAL  0x88

/* filter and table: block >> 4 indexes the filter, so that blocks that lie side by side share its
 * cache lines. Its hash is multiplied by the factor, folded, and multiplied once more: the
 * uppermost 16 bits and those below number the two buckets in which a block may stand. The sizes,
 * powers of two, are in control. */
#define BUCKET_FACTOR	    0x9e3779b97f4a7c15
#define BUCKET_FOLD	    32
#define BUCKET_FIRST_SHIFT  48
#define BUCKET_SECOND_SHIFT 32
#define BUCKET_SLOTS	    8
#define BUCKET_BYTES_SHIFT  6

/* shared */
#define SHARED_DOORBELL	 0x0   /* u32: counts posts; the tracer waits on it */
#define SHARED_OWNER	 0x40  /* u32: robust futex word; the tracer's thread id */
#define SHARED_COOKIE	 0x48  /* u64: whose pages these are: the same number on both sides */
#define SHARED_PATIENCE	 0x50  /* u64: for how many ticks a stop waits for a silent tracer */
#define SHARED_LEG	 0x58  /* u64: bytes after which a countdown is drawn anew at the latest */
#define SHARED_KIND	 0x60  /* u32: enum tracer_stop_kind: how a stop waits */
#define SHARED_SPIN	 0x68  /* u64: for how many ticks a stop looks out before it sleeps */
#define SHARED_LOST	 0x80  /* u32: samples that found no mailbox */
#define SHARED_TIMEOUTS	 0x84  /* u32: stops that gave up waiting */
#define SHARED_STOPPED	 0xc0  /* u64: time-stamp ticks that threads stood stopped */
#define SHARED_LONGEST	 0xc8  /* u64: the longest single stop, in ticks */
#define SHARED_DRAW_NEXT 0x100 /* u64: index of the next draw */
#define SHARED_RING_HEAD 0x140 /* u64: index of the next ring entry */
#define TIMES_COUNT	 512
#define SHARED_TIMES	 0x200	/* u32[TIMES_COUNT]: stops by how many ticks they took */
#define SHARED_STATES	 0x1000 /* u32[MAILBOX_COUNT]: enum mailbox_state */
#define SHARED_DRAWS	 0x2000 /* u64[DRAW_COUNT]: interval id << 56 | bytes to go */
#define DRAW_COUNT	 2048
#define DRAW_ID_SHIFT	 56
#define SHARED_MAILBOXES 0x6000
#define MAILBOX_COUNT	 1024
#define MAILBOX_BYTES	 0x80
#define MAILBOX_SHIFT	 7
#define SHARED_RING	 0x28000 /* u64[RING_COUNT]: addresses of freed sampled blocks */
#define RING_COUNT	 0x40000

/* one mailbox */
#define MAIL_BLOCK    0x0  /* u64 */
#define MAIL_SIZE     0x8  /* u64 */
#define MAIL_INTERVAL 0x10 /* u64: interval id */
#define MAIL_GATE     0x18 /* u64: index of the gate */
#define MAIL_THREAD   0x20 /* u64: thread pointer */
#define MAIL_TID      0x28 /* u32 */
#define MAIL_POSTED   0x30 /* u64: time-stamp counter */
#define MAIL_RSP      0x38 /* u64: stack pointer as the gate's caller has it after its call */
#define MAIL_RBX      0x40
#define MAIL_RBP      0x48
#define MAIL_R12      0x50
#define MAIL_R13      0x58
#define MAIL_R14      0x60
#define MAIL_R15      0x68

/* enum tracer_stop_kind */
#define STOP_PARK 0
#define STOP_TRAP 1

/* enum mailbox_state */
#define MAILBOX_FREE	 0
#define MAILBOX_CLAIMED	 1
#define MAILBOX_POSTED	 2
#define MAILBOX_RELEASED 3

/* enum stub_state */
#define STUB_OFFERED  1 /* region mapped, memfd open: waiting for the tracer to take it */
#define STUB_FAILED   2 /* no memfd: waiting for the tracer to take note */
#define STUB_TAKEN    3
#define STUB_FINISHED 4
#define STUB_NO_CODE  5 /* no memory for code: waiting for the tracer to take note */
#define STUB_DONE     6 /* nothing more to be agreed on */
#define STUB_REFUSED  7 /* nothing was changed */

/* a stub's words */
#define STUB_BASE	   0x0	/* u64: where the region is, or is to be */
#define STUB_COOKIE	   0x8	/* u64: what it shows the tracer to be known by */
#define STUB_RESUME	   0x10 /* u64: rip of the thread as it was found */
#define STUB_RESUME_CALL   0x18 /* u64: rip - 2 */
#define STUB_INSIDE	   0x20 /* u64: address of its place's ANCHOR_STUB_INSIDE; 0: it has none */
#define STUB_ARGUMENTS	   0x28 /* u64[STUB_ARGUMENTS_MAX] */
#define STUB_ARGUMENTS_MAX 5
#define STUB_WORDS_BYTES   0x50

/* A stop sleeps at most this long before it asks again whether the tracer lives. */
#define PARK_ROUND_NS 50000000

/* How many bytes a disarmed gate lets pass before it looks again whether it is armed. */
#define DISARMED_BYTES 0x100000

#endif
