# Everything is built under $(BUILD). `make help` lists the targets.

BUILD   ?= build
CC      ?= cc
DEBUG   ?=
VERSION := 0.1.0

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
           $(if $(CI),-Werror)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DFILTRACE_VERSION='"$(VERSION)"' -I. -pthread -fno-common \
              -DBUILD_DIR='"$(BUILD)"' $(WARN) $(CFLAGS) $(SANITIZE)
LIBS    := -lelf -ldw -lncursesw -ltinfo -lsqlite3 -ljansson -lZydis -lZycore -lm -pthread

# A folder may include from the folders behind it, never the other way round.
FOLDERS := cli tui report profile pyframes tracer base
archive  = $(BUILD)/$(1).a
objects  = $(patsubst %,$(BUILD)/%.o,$(wildcard $(1)/*.c $(1)/*.S))

.DEFAULT_GOAL := all
.PHONY: all clean help
.SECONDARY:

all: $(BUILD)/filtrace ## build the program

$(BUILD)/filtrace: $(foreach folder,$(FOLDERS),$(call archive,$(folder)))
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

define folder_rule
$(call archive,$(1)): $(call objects,$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach folder,$(FOLDERS),$(eval $(call folder_rule,$(folder))))

$(BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.S.o: %.S
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: tests/unit/FOLDER/test_NAME.c is linked with FOLDER and what FOLDER may include.
behind_base     := base
behind_tracer   := tracer base
behind_pyframes := pyframes base
behind_profile  := profile base
behind_report   := report profile base
behind_tui      := tui profile base
behind_cli      := cli tui report profile pyframes tracer base
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))

define unit_rule
$(BUILD)/tests/unit/$(1)/test_%: $(BUILD)/tests/unit/$(1)/test_%.c.o $(foreach f,$(behind_$(1)),$(call archive,$(f)))
	$$(CC) $$(ALL_CFLAGS) -o $$@ $$(filter %.o %.a,$$^) -lcmocka $$(LIBS)
endef
$(foreach folder,$(FOLDERS),$(eval $(call unit_rule,$(folder))))

# Programs to be traced are built plainly, whatever the sanitizers of the rest.
TARGETS := $(patsubst %.c,$(BUILD)/%,$(wildcard fixtures/*.c))
$(BUILD)/fixtures/%: fixtures/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -o $@ $< -pthread

$(UNIT_TESTS): $(TARGETS)

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
