# The front door: every target only calls the tool that does the work. 'make help' lists them.

prefix = /usr/local
SECONDS = 600

.PHONY: all setup-build check check-fast demo bench soak lint install deb clean help

all: setup-build
	@[ -f build/build.ninja ] || meson setup build -Dtests=false
	@ninja -C build

setup-build:
	@tools/setup build

help:
	@echo 'make              build vfadm in build/, installing what that needs (Debian 12 or 13)'
	@echo 'make check        every check and test, those in the emulated host included'
	@echo 'make check-fast   the tests that need no emulated host'
	@echo 'make demo         the main job, start to end, in the emulated host'
	@echo 'make bench        figures, side by side with other tools'
	@echo 'make soak         long fuzzing, SECONDS=600 in all, and what takes long in the emulated host'
	@echo 'make lint         compiler warnings, clang-tidy, cppcheck, shellcheck, layers'
	@echo 'make install      prefix=/usr/local, DESTDIR='
	@echo 'make deb          a Debian package in build-deb/'
	@echo 'make clean        remove what was built (the lab keeps its own cache: lab/vflab clean)'

check:
	@tools/setup all
	@tools/check all

check-fast:
	@tools/setup build test
	@tools/check fast

demo: all
	@tools/setup lab
	@lab/demo

bench: all
	@tools/setup test lab
	@bench/run
	@bench/lab

soak:
	@tools/setup all
	@tests/fuzz/run all $(SECONDS)
	@tests/lab/run xen-hvm race
	@LAB_LONG=1 tests/lab/run seeds migration

lint:
	@tools/setup build test
	@tools/lint

install: all
	@meson configure build -Dprefix='$(prefix)'
	@DESTDIR='$(DESTDIR)' meson install -C build
	@# sudo left files of root here: without this the next plain make could not write them.
	@chown -hR --reference=build build

deb: setup-build
	@tools/make-deb

clean:
	@rm -rf build build-asan build-bench build-deb build-fuzz build-lint
