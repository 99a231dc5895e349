# LA2. `make help` lists the verbs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
export CGO_ENABLED ?= 1
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
SOAK ?= 1000000
SOAKRATE ?= 1000

.PHONY: help need build run test check race e2e web web-test lint fuzz bench soak prompts clean deps

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 14

need: ## say what is missing to build
	@command -v $(GO) >/dev/null || { echo "missing: Go 1.26 or newer (https://go.dev/dl)"; exit 1; }

build: need ## build bin/la2
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/la2 ./cmd/la2

run: build ## start the demo network on loopback
	@exec bin/la2 demo $(ARGS)

deps: ## install what the tests need (Debian, as root), or say what is missing
	@scripts/deps.sh

test: need deps build ## everything: unit, race, real phones, browser
	@scripts/test.sh

check: need build ## quick: vet, formatting, arrows, unit tests without real phones
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) test -short ./...

race: need ## unit tests under the race detector
	$(GO) test -race -short ./...

e2e: need deps build ## real phones: SIPp, baresip, Chromium
	$(GO) test -count=1 -tags e2e ./cmd/la2/e2e/...

web: ## rebuild the operator desktop into web/dist
	@command -v npm >/dev/null || { echo "missing: Node 20 or newer with npm"; exit 1; }
	cd web && npm ci --no-audit --no-fund && npm run build

web-test: ## unit tests and browser tests of the desktop
	@command -v npm >/dev/null || { echo "missing: Node 20 or newer with npm"; exit 1; }
	cd web && npm ci --no-audit --no-fund && npm test

lint: need ## golangci-lint, pinned in tools/go.mod
	cd tools && $(GO) build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	bin/golangci-lint run ./...

fuzz: need ## every fuzz target for FUZZTIME (default 10s)
	@scripts/fuzz.sh $(FUZZTIME)

bench: need build ## measure against peers and the floor of this machine; BENCH=name for one
	@scripts/bench.sh $(BENCH)

soak: need build ## place SOAK calls (default 1,000,000; 15 to 30 minutes) and see what they leave behind
	$(GO) run ./bench/calls -name soak -soak $(SOAK) -rate $(SOAKRATE)

prompts: ## make the Italian announcements again from configs/prompts/it/prompts.txt
	@scripts/prompts.sh

clean: ## remove what was built
	rm -rf bin web/test-results
