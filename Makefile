# Everything a person or CI runs. `make` alone lists the targets. What a target
# needs beyond Go and a C compiler (for the race detector) it installs into
# .cache, pinned by version.

SHELL          := /bin/bash
.SHELLFLAGS    := -euo pipefail -c
.DEFAULT_GOAL  := help
GOLANGCI_LINT  := v2.15.0
LAB            ?= ../shared/lab
BENCH_SIZES    ?= 100MB 1GB 4GB
SEED           ?= 1
SECONDS        ?= 60
MODE           ?= rename
KILLS          ?= 100
RATE           ?= 5000

lint    := .cache/bin/golangci-lint-$(GOLANGCI_LINT)
skipped := .cache/skipped
sources := $(wildcard aggregate cmd dashboards deploy ingest parse rules)
version := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# An example is a folder of logs, and beside them the settings that were in use.
with = set -- $$folder*.log*; \
	[ ! -e $${folder}varnish.vcl ] || set -- --vcl $${folder}varnish.vcl "$$@"; \
	[ ! -e $${folder}nginx.conf ] || set -- --nginx-conf $${folder}nginx.conf "$$@"

.PHONY: help build run test lint fuzz bench bench-live lab cover chaos examples clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## one static binary, bin/why503
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(version)' -o bin/why503 ./cmd/why503

run: build ## explain the incidents in examples/
	@for folder in examples/*/; do $(with); echo "$$ why503 analyze $$*"; bin/why503 analyze "$$@"; echo; done

test: build ## all that CI checks; says at the end what was skipped
	@mkdir -p .cache && : >$(skipped)
	@unformatted=$$(gofmt -l $(sources)); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted" >&2; exit 1; }
	go vet -tags integration ./...
	@$(MAKE) --no-print-directory lint
	.ci/gotest $(skipped)
	.ci/fuzz 1s
	bin/why503 rules test
	@if [ -s $(skipped) ]; then sed 's/^/skipped: /' $(skipped); [ "$${CI:-}" != true ]; else echo "skipped: nothing"; fi

$(lint):
	@mkdir -p .cache/bin
	@echo "building golangci-lint $(GOLANGCI_LINT), once: about two minutes"
	GOBIN=$(CURDIR)/.cache/bin CGO_ENABLED=0 go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv .cache/bin/golangci-lint $@

lint: ## golangci-lint as .golangci.yml says; go vet alone where it cannot be built
	@mkdir -p .cache
	@if [ -x $(lint) ] || $(MAKE) --no-print-directory $(lint); then \
		GOLANGCI_LINT_CACHE=$(CURDIR)/.cache/golangci-lint $(lint) run ./...; \
	else \
		echo "!!! golangci-lint $(GOLANGCI_LINT) could not be built: go vet alone" >&2; \
		echo "golangci-lint: $(GOLANGCI_LINT) could not be built here" >>$(skipped); \
		go vet ./...; \
	fi

fuzz: ## 2 minutes a target, 10 for varnishlog, nginx error log and detection
	.ci/fuzz 2m 10m
	.ci/corpus pack

bench: build ## benchmarks of every package, then whole runs beside mawk (BENCH_SIZES="100MB 1GB 4GB")
	CGO_ENABLED=0 go build -trimpath -o bin/loggen ./cmd/loggen
	go test -run '^$$' -bench . -benchmem ./...
	.ci/bench $(BENCH_SIZES)

bench-live: build ## serve beside mtail and rsyslog on logs that are written, 10 minutes a scenario (BENCH_LIVE="--for 1m one")
	CGO_ENABLED=0 go build -trimpath -o bin/bench-live ./cmd/bench-live
	bin/bench-live $(BENCH_LIVE)

lab: build ## score the labelled incidents in LAB
	@if [ ! -x $(LAB)/score.py ]; then echo "no labelled incidents at $(LAB): skipped (LAB=folder names another place)"; exit 0; fi; \
	for profile in full plain raw proxy; do \
		echo "== $$profile"; $(LAB)/score.py bin/why503 $(LAB)/dev --only $(LAB)/first.txt --profile $$profile; \
	done

chaos: build ## kill serve while it reads, compare with the truth (SEED=1 SECONDS=60 MODE=rename KILLS=100 RATE=5000)
	CGO_ENABLED=0 go build -trimpath -o bin/chaos ./cmd/chaos
	@bin/chaos --binary bin/why503 --seed $(SEED) --seconds $(SECONDS) --mode $(MODE) --kills $(KILLS) --rate $(RATE)

cover: ## share of statements that tests run, by package
	@mkdir -p .cache
	go test -cover -coverprofile=.cache/cover.out ./...
	@go tool cover -func=.cache/cover.out | tail -1

examples: build ## rewrite the expected report beside each folder of examples/
	@for folder in examples/*/; do $(with); bin/why503 analyze "$$@" >"$${folder%/}.txt"; done

clean: ## remove what was built, also the cached tools
	rm -rf bin .cache
