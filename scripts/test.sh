#!/usr/bin/env bash
# Everything that must hold, with the runners' own closing lines.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l $(git ls-files '*.go'))
[ -z "$unformatted" ] || { echo "not gofmt-ed: $unformatted"; exit 1; }
go vet ./...
echo "== unit and scenario tests, race detector"
go test -race ./...
echo "== desktop"
(cd web && npm ci --no-audit --no-fund --loglevel=error && npm test)
echo "== real phones and browser"
go test -count=1 -timeout 15m -tags e2e ./cmd/la2/e2e/...
