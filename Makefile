# Parley. `make help` lists the targets; each does all it needs on a machine with Go, npm and make.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

OUT      := .build
PARLEY   := $(OUT)/parley
DATA     ?= ./parley-data
GO       ?= go
GO_MINOR := 26
LINTER   := v2.15.0
GATEWAY  := v1.8.0
PACKAGES ?= ./...
SOAK     ?= 15m
LIBRARY  := deploy/embedded/node_modules/@chdb/*/libchdb.so
WEB      := query/web
PAGE     := $(WEB)/dist/page/index.html
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

export CGO_ENABLED := 0

# What a passing test says is in the log only, but for what it measured.
QUIET := '^(=== |--- PASS|PASS$$|\?  |time=)|^ +(--- PASS|time=|=== )|\[no test files\]'

.PHONY: help build run test chromium test-browser lint vuln soak powerloss test-cluster images test-containers deb chart release bench engine audit gateway clean toolchain
# Targets with a file's name are still always made: the Go tool knows better what is stale.

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: toolchain $(PAGE) ## build .build/parley, with the page at /
	@mkdir -p $(OUT)
	@$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(PARLEY) ./cmd/parley
	@echo "built $(PARLEY)"

# A binary without the page is still a binary: it says at / what is missing.
$(PAGE): $(wildcard $(WEB)/*.json $(WEB)/*.ts $(WEB)/*.html $(WEB)/src/* $(WEB)/src/*/*)
	@if ! command -v npm >/dev/null; then echo "npm is missing: parley is built without the page at /" >&2; \
	elif $(MAKE) --no-print-directory $(WEB)/node_modules && npm run --prefix $(WEB) --silent check && npm run --prefix $(WEB) --silent build -- --logLevel warn; then \
		echo "built the page at /"; \
	else echo "the page at / could not be built: parley is built without it, or with an earlier one" >&2; fi

$(WEB)/node_modules: $(WEB)/package-lock.json
	@npm ci --prefix $(WEB) --no-audit --no-fund --loglevel=error
	@touch $@

run: build engine ## build, then serve demo data from ./parley-data until Ctrl-C
	@exec $(PARLEY) serve --data-dir $(DATA) --demo

test: build engine audit gateway ## run every test with the real engines, and say which ran
	@echo "testing with $$($(PARLEY) version --engines)"
	@export TMPDIR=$$(.ci/tmpdir); $(GO) test -count=1 -timeout 60m -v $(PACKAGES) 2>&1 | tee $(OUT)/test.log | grep --line-buffered -Ev $(QUIET) || { \
		echo "failed:"; awk -f .ci/failed.awk $(OUT)/test.log $(OUT)/test.log; exit 1; }
	@echo "passed: $$(grep -c '^--- PASS' $(OUT)/test.log) tests, $$(grep -c '^ok' $(OUT)/test.log) packages; $(OUT)/test.log has all of it"
	@sed -n 's/^engines: /engines that ran: /p' $(OUT)/test.log | sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)/\2 (\1 packages)/'

chromium: # installs it as root where apt-get can
	@command -v chromium >/dev/null || [ -n "$${CHROMIUM:-}" ] || { \
		[ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || { \
		echo "Chromium is missing: apt-get install chromium, or set CHROMIUM to its path" >&2; exit 1; }

test-browser: build engine chromium ## test the page at / in a headless Chromium
	@[ -e $(PAGE) ] || { echo "the page at / is not built: see above" >&2; exit 1; }
	@PARLEY=$(CURDIR)/$(PARLEY) npm test --prefix $(WEB) --silent

lint: toolchain ## gofmt, go vet, and the linters of .golangci.yml
	@mkdir -p $(OUT)/bin
	@$(OUT)/bin/golangci-lint version --short 2>/dev/null | grep -qxF '$(LINTER:v%=%)' || { \
		echo "installing golangci-lint $(LINTER) into $(OUT)/bin"; \
		GOBIN=$(CURDIR)/$(OUT)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER); }
	@unformatted=$$(git ls-files '*.go' | xargs -r gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "gofmt would change:" $$unformatted; exit 1; fi
	@$(GO) vet ./...
	@$(OUT)/bin/golangci-lint run --allow-serial-runners ./...

vuln: toolchain ## look for known vulnerabilities (needs vuln.go.dev, so it is no part of lint or CI)
	@$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...

soak: build engine ## kill it, and two projectors beside each other, for 15 minutes (SOAK=1h for longer); replay 2 million events under a client that pages
	@$(GO) test -count=1 -timeout 0 ./cmd/internal/soak -v -duration $(SOAK) -conversations 105000

powerloss: build engine ## cut the power of a disk of its own, again and again, and fill one up (needs root and mkfs.ext4)
	@$(GO) test -count=1 -timeout 30m -tags powerloss ./cmd/internal/soak -run 'PowerLoss|FullDisk' -v

test-cluster: build engine ## kill the NATS servers of a cluster, again and again (not part of CI: see cmd/internal/soak/doc.go)
	@$(GO) test -count=1 -timeout 0 -tags cluster ./cmd/internal/soak -run NATSServersAreKilled -v -duration $(SOAK)

images: build engine ## build the container image parley:local, as a stand-in where nothing can be pulled
	@VERSION=$(VERSION) deploy/docker.sh run deploy/images.sh

test-containers: build engine ## take Parley and its engines away in containers, in the middle of traffic
	@VERSION=$(VERSION) deploy/docker.sh run bash -euo pipefail -c 'deploy/images.sh; deploy/compose-check.sh; \
		$(GO) test -count=1 -timeout 20m -tags containers ./cmd/internal/soak -run "Containers|LogWithoutSpace" -v 2>&1 | tee $(OUT)/containers.log | grep -E "^(containers:|--- |ok|FAIL|panic)|_test.go:"'

deb: build engine ## build the Debian package .build/parley_VERSION_ARCH.deb
	@VERSION=$(VERSION) deploy/debian/build.sh

chart: toolchain ## lint the Helm chart, render it with several values, and decode the manifests strictly
	@deploy/helm/check.sh

release: build ## build the archives, SBOMs and checksums of the tagged commit into .build/release
	@VERSION=$(VERSION) deploy/release.sh

bench: build engine ## measure the pipeline against its floors (LINES=a,c and BENCH_EVENTS choose what)
	@$(GO) build -trimpath -o $(OUT)/bench ./cmd/internal/bench
	@$(OUT)/bench -parley $(PARLEY) -out $(OUT) $(if $(LINES),-lines $(LINES)) $(BENCH_FLAGS)

hot: toolchain engine ## run the Go benchmarks of the hot functions, for benchstat (COUNT=10)
	@$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),1) $(PACKAGES)

engine: ## fetch the ClickHouse library into deploy/embedded (CHDB_LIB names one that is already there)
	@if [ -n "$${CHDB_LIB:-}" ]; then echo "engine: using CHDB_LIB"; \
	elif ! command -v npm >/dev/null; then \
		echo "npm is missing: install Node.js, or set CHDB_LIB to a libchdb.so" >&2; exit 1; \
	elif ! ls $(LIBRARY) >/dev/null 2>&1 || [ deploy/embedded/package-lock.json -nt deploy/embedded/node_modules/.package-lock.json ]; then \
		npm ci --prefix deploy/embedded --no-audit --no-fund --loglevel=error; \
		ls $(LIBRARY) >/dev/null 2>&1 || { echo "the ClickHouse library was not fetched: there is one for linux/amd64 only, and the npm registry has to be within reach" >&2; exit 1; }; \
	fi

# What tests run with Node.js.
AUDIT := query/transport/testdata/audit query/agents/testdata/client ingest/eventlog/record/testdata/reader

audit: ## fetch graphql-js, graphql-sse, the GraphQL over HTTP audit suite, a client of MCP and the second reader of the log, which tests run
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js" >&2; exit 1; }
	@for dir in $(AUDIT); do \
		if [ ! -e $$dir/node_modules/.package-lock.json ] || [ $$dir/package-lock.json -nt $$dir/node_modules/.package-lock.json ]; then \
			npm ci --prefix $$dir --no-audit --no-fund --loglevel=error || exit 1; \
		fi; \
	done

gateway: toolchain # an S3 service that tests back up into
	@mkdir -p $(OUT)/bin
	@$(GO) version -m $(OUT)/bin/versitygw 2>/dev/null | grep -E '\smod\s+github.com/versity/versitygw\s+$(GATEWAY)\s' >/dev/null || { \
		echo "installing versitygw $(GATEWAY) into $(OUT)/bin"; \
		GOBIN=$(CURDIR)/$(OUT)/bin $(GO) install github.com/versity/versitygw/cmd/versitygw@$(GATEWAY); }

clean: ## remove what was built and fetched; ./parley-data stays
	@rm -rf $(OUT) deploy/embedded/node_modules $(AUDIT:=/node_modules) $(WEB)/node_modules $(dir $(PAGE))

toolchain:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.$(GO_MINOR) or newer from https://go.dev/dl" >&2; exit 1; }
	@minor=$$($(GO) env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p'); \
		if [ -n "$$minor" ] && [ "$$minor" -lt $(GO_MINOR) ]; then \
			echo "Go 1.$$minor is too old: install Go 1.$(GO_MINOR) or newer from https://go.dev/dl" >&2; exit 1; fi
