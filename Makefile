# Two commands matter: `make run` and `make test`. README.md says the rest.

export PATH := $(PATH):/usr/local/go/bin

KIOSKS ?= 1
PROGRAMS := kiosk agent provision

# The commit goes into the programs where git can tell it.
vcs := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
root := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
gobuild := CGO_ENABLED=0 go build -trimpath -buildvcs=$(vcs) -ldflags='-s -w'

LEVEL ?= 15
.PHONY: run test build bench soak traces pictures packages image image-twice boot-image boot-test setup clean programs \
	fmt vet staticcheck modules unit race fuzz browser boot matrix escapes check

# Everything on this machine: an agent, a real kiosk, and with KIOSKS=12
# simulated ones beside it. Ctrl-C ends all of it.
run: setup programs
	@$(gobuild) -o build/run ./internal/dev/run
	@exec build/run -kiosks $(KIOSKS)

# Every check.
test: setup programs
	@$(gobuild) -o build/test ./internal/dev/test
	@exec build/test

build:
	@internal/dev/setup build
	@$(MAKE) --no-print-directory programs

# The performance table: printed, and written to bench.json.
bench: setup programs
	@$(gobuild) -o build/bench ./internal/dev/bench
	@exec build/bench

# A real agent for two hours while everything goes wrong: nothing is lost, nothing
# counts twice, nothing grows. SOAK="-for 10m" is shorter.
soak: setup programs
	@$(gobuild) -o build/soak ./internal/dev/soak
	@exec build/soak $(SOAK)

# The trace hunt: what a busy session changes outside of its sandbox, and why.
traces: setup programs
	@$(gobuild) -o build/traces ./internal/dev/traces
	@exec build/traces

# The Debian packages of agent and provision, in build/.
packages: build
	@mkdir -p build
	@go run ./internal/dev/packages

# The bootable image of a kiosk, in build/image; root's work. LEVEL=3 is quick,
# KEY=release.pub lets it take updates that this key signed.
image:
	@internal/dev/setup build image-build
	@$(MAKE) --no-print-directory programs
	@$(root) bin/provision image build --recipe images --out build/image --level $(LEVEL) $(KEY:%=--key %)

# What the boot test starts: an image that takes updates signed by a key of its own.
boot-image: LEVEL := 3
boot-image:
	@internal/dev/setup boot-test
	@$(MAKE) --no-print-directory programs
	@[ -e build/boot-test.key ] || bin/provision key new build/boot-test.key >/dev/null
	@$(MAKE) --no-print-directory image LEVEL=$(LEVEL) KEY=build/boot-test.key.pub

# Starts it in QEMU under BIOS, UEFI and Secure Boot, each up to "free" on an
# agent's dashboard, and more. Pictures and logs lie in build/boot-test. `make
# test` starts it once, under BIOS.
boot-test: boot-image
	@YHTEISKONE_BOOT_KEY=$(CURDIR)/build/boot-test.key YHTEISKONE_BOOT=$$(ls -t $(CURDIR)/build/image/yhteiskone-*.img | head -n 1) YHTEISKONE_BOOT_BIN=$(CURDIR)/bin \
		YHTEISKONE_BOOT_SHOTS=$(CURDIR)/build/boot-test go test -count=1 -timeout 60m -v ./images/boottest $(BOOT)

# Two builds of this commit, the second from packages installed anew: the test
# says which files differ.
image-twice: LEVEL := 3
image-twice:
	@$(MAKE) --no-print-directory image LEVEL=$(LEVEL)
	@$(root) rm -rf build/image-again
	@$(root) bin/provision image build --recipe images --out build/image-again --level $(LEVEL)
	@YHTEISKONE_SAME=$$(ls -t $(CURDIR)/build/image/yhteiskone-*.img | head -n 1):$$(ls $(CURDIR)/build/image-again/yhteiskone-*.img) \
		go test -count=1 -v -run TestSame ./provision/image

# The pictures of README.md.
pictures: setup programs
	@$(gobuild) -o build/pictures ./internal/dev/pictures
	@exec build/pictures

setup:
	@internal/dev/setup

programs:
	@mkdir -p bin
	$(gobuild) -o bin/ $(PROGRAMS:%=./%)

# Pieces of `make test`: one by name, or the quick ones together.
check:
	@go run ./internal/dev/test fmt vet staticcheck modules

fmt vet staticcheck modules unit race fuzz:
	@go run ./internal/dev/test $@

browser: setup programs
	@go run ./internal/dev/test $@

# The image, built and started once under BIOS.
boot: setup programs
	@go run ./internal/dev/test $@

# Every end in every state at twenty random moments.
matrix: setup programs
	@go run ./internal/dev/test $@

# All 47 ways out in both modes; `make test` tries in `errands` those that differ.
escapes: setup programs
	@go run ./internal/dev/test $@

clean:
	rm -rf bin build bench.json
