#!/usr/bin/env bash
# Installs the packages that the tests need, when we may; names them when we may not.
set -euo pipefail
declare -A pkg=([sipp]=sip-tester [baresip]=baresip-core [chromium]=chromium [sox]=sox [promtool]=prometheus [cc]=gcc [ip]=iproute2 [kamailio]=kamailio [sipsak]=sipsak)
# Debian's own Node may be too old for the desktop's tools, so it is not installed here.
node=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || true
if [ "${node:-0}" -lt 20 ] || ! command -v npm >/dev/null 2>&1; then
	echo "missing: Node 20 or newer with npm (https://nodejs.org)"
	exit 1
fi
missing=()
for bin in "${!pkg[@]}"; do command -v "$bin" >/dev/null 2>&1 || missing+=("${pkg[$bin]}"); done
compgen -G '/usr/lib/*/kamailio/modules/tls.so' >/dev/null || missing+=(kamailio-tls-modules)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing what the tests need: ${missing[*]}"
	log=$(mktemp)
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || { tail -20 "$log"; exit 1; }
	rm -f "$log"
	exit 0
fi
echo "missing: on Debian install with: apt-get install ${missing[*]}"
exit 1
