package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodFile = `site: {ipa: x, name: y}
sip: {listen: ["udp:127.0.0.1:15060"]}
media: {address: 127.0.0.1}
http: {listen: "127.0.0.1:18080"}
`

// checked runs `la2 check` on text; the file's directory is cut from its answer.
func checked(t *testing.T, text string) (stdout string, status int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := command(t, "", "check", file)
	if stderr != "" {
		t.Errorf("standard error: %s", stderr)
	}
	return strings.ReplaceAll(stdout, filepath.Dir(file)+"/", ""), status
}

// Every kind of broken file: each fault with its place, key and what is allowed.
func TestCheck_brokenFiles(t *testing.T) {
	t.Parallel()
	q := goodFile + "queues: [{name: urp}]\n"
	tests := []struct{ name, text, want string }{
		{"empty", "", "f.yaml: want exactly one YAML document"},
		{"a list", "- a\n", "f.yaml:1:1: want keys: accounts, calendars, data,"},
		{"two documents", goodFile + "---\n" + goodFile, "f.yaml: want exactly one YAML document"},
		{"tab", "site:\n\tipa: x\n", "f.yaml:2:1: found character '\t' that cannot start any token"},
		{"open quote", goodFile + "queues: [{name: 'urp}]\n", "f.yaml:5:17: could not find end character of single-quoted text"},
		{"indent", "site:\n  ipa: x\n name: y\n", "f.yaml:3:2: value is not allowed in this context"},
		{"key twice", goodFile + "site: {ipa: z}\n", `f.yaml:5:1: mapping key "site" already defined at [1:1]`},
		{"unknown key", goodFile + "sipp: {}\n", "f.yaml:5:1: sipp: unknown key; allowed here: accounts,"},
		{"unknown key inside", goodFile + "queues:\n  - name: urp\n    rings: 3s\n", "f.yaml:7:5: queues[0].rings: unknown key; allowed here: announce,"},
		{"no list", goodFile + "queues: urp\n", "f.yaml:5:9: queues: want a list"},
		{"no unit", goodFile + "queues: [{name: urp, ring: 20}]\n", `f.yaml:5:28: queues[0].ring: "20" is no duration; write for example 20s, 2m, 500ms`},
		{"out of range", goodFile + "queues: [{name: urp, ring: 20m}]\n", "f.yaml:5:28: queues[0].ring: 20m0s is not allowed; allowed: 5s to 2m0s"},
		{"neither true nor false", goodFile + "users: [{user: u, bot: maybe}]\n", `f.yaml:5:24: users[0].bot: "maybe" is neither true nor false`},
		{"no whole number", strings.Replace(goodFile, "127.0.0.1}", "127.0.0.1, shards: 9e9}", 1), `f.yaml:3:37: media.shards: "9e9" is no whole number`},
		{"ports", strings.Replace(goodFile, "127.0.0.1}", "127.0.0.1, ports: 9-8}", 1), "f.yaml:3:36: media.ports: want MIN-MAX with 1024 <= MIN < MAX <= 65535"},
		{"name for an address", strings.Replace(goodFile, "{address: 127.0.0.1}", "{address: localhost}", 1), "f.yaml:3:18: media.address: want the literal IP address"},
		{"left out", "site: {ipa: x}\n", "f.yaml:1:7: site.name: is required: the office's name as citizens know it\nf.yaml: sip.listen: is required:"},
		{"no such queue", goodFile + "services: [{name: s, numbers: ['1'], queue: nix}]\n", `f.yaml:5:45: services[0].queue: no queue "nix"; there are: none`},
		{"no such trunk", goodFile + "queues: [{name: q, overflow: {trunk: t, number: '1'}}]\n", `f.yaml:5:38: queues[0].overflow.trunk: no trunk "t"; there are: none`},
		{"no such prompt", q + "services: [{name: s, numbers: ['1'], queue: urp, greeting: ciao}]\n", `f.yaml:6:60: services[0].greeting: no prompt "ciao"; there are: agent_bye,`},
		{"no such directory", goodFile + "prompts: {directory: /nowhere}\n", "f.yaml:5:22: prompts.directory: /nowhere: prompt: open prompts.txt: no such file or directory"},
		{"no such secret", goodFile + "accounts: [{user: a, password: 'file:/nowhere'}]\n", "f.yaml:5:32: accounts[0].password: secret file /nowhere cannot be read"},
		{"unset secret", goodFile + "accounts: [{user: a, password: 'env:LA2_NOT_SET'}]\n", "f.yaml:5:32: accounts[0].password: environment variable LA2_NOT_SET is not set"},
		{"short password", goodFile + "accounts: [{user: a, password: abc}]\n", "f.yaml:5:32: accounts[0].password: want at least 8 characters, better file:PATH or env:NAME"},
		{"no hash", goodFile + "users: [{user: u, password_hash: secret}]\n", "f.yaml:5:34: users[0].password_hash: is no argon2id hash: make one with la2 user"},
		{"number twice", q + "services: [{name: s, numbers: ['803001', '803.001'], queue: urp}]\n", "f.yaml:6:42: services[0].numbers[1]: 803.001 already reaches service s"},
		{"station on a service", q + "services: [{name: s, numbers: ['1001'], queue: urp}]\naccounts: [{user: '1001', password: longenough}]\n", "f.yaml:7:19: accounts[0].user: 1001 already reaches service s"},
		{"no such day", goodFile + "calendars: [{name: c, closed_days: ['13-45']}]\n", `f.yaml:5:37: calendars[0].closed_days[0]: "13-45" is no day`},
		{"no such hour", goodFile + "calendars: [{name: c, week: {mon-fri: '24:00-25:00'}}]\n", `f.yaml:5:39: calendars[0].week.mon-fri: "24:00-25:00" is no span of hours`},
		{"two keys pressed", goodFile + "menus: [{name: m, prompt: menu, choices: [{key: '12'}]}]\n", "f.yaml:5:49: menus[0].choices[0].key: want one key of 0 to 9, * or #"},
		{"trunk to itself", goodFile + "trunks: [{name: t, site: x, address: 'udp:127.0.0.1:15062'}]\n", "f.yaml:5:26: trunks[0].site: is this very site"},
		{"trunk from anywhere", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', sources: [here]}]\n", "f.yaml:5:62: trunks[0].sources[0]: want a prefix such as 192.0.2.0/24 or IP:PORT"},
		{"overflow to a carrier", goodFile + "queues: [{name: q, overflow: {trunk: t, number: '1'}}]\ntrunks: [{name: t, address: 'udp:127.0.0.1:15062'}]\n", `f.yaml:5:38: queues[0].overflow.trunk: "t" is a carrier`},
		{"trunk account without a realm", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', account: {user: u, password: p}}]\n", "f.yaml:5:61: trunks[0].account.realm: is required"},
		{"registration of nobody", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', register: {expires: 1h}}]\n", "f.yaml:5:72: trunks[0].register.expires: wants trunks.account"},
		{"number rule", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', out: [{match: '0', strip: 2}]}]\n", "f.yaml:5:78: trunks[0].out[0].strip: 2 is not allowed; allowed: 0 to 1"},
		{"number rule with letters", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', in: [{match: 'x', add: '0'}]}]\n", `f.yaml:5:65: trunks[0].in[0].match: "x": want digits`},
		{"group of an office and a carrier", goodFile + "trunks: [{name: a, address: 'udp:127.0.0.1:1', group: g}, {name: b, site: y, address: 'udp:127.0.0.1:2', group: g}]\n", "f.yaml:5:113: trunks[1].group: offices and carriers"},
		{"certificate without TLS", goodFile + "trunks: [{name: t, address: 'udp:127.0.0.1:15062', certificate: x.example}]\n", "f.yaml:5:65: trunks[0].certificate: wants an address with tls:"},
		{"emergency by an office", goodFile + "trunks: [{name: t, site: y, address: 'udp:127.0.0.1:15062'}]\nemergency: {trunks: [t]}\n", `f.yaml:6:22: emergency.trunks[0]: no trunk or group "t" of a carrier`},
		{"emergency number of a station", goodFile + "accounts: [{user: '112', password: longenough}]\n", "f.yaml:5:19: accounts[0].user: 112 is an emergency number"},
		{"account of no trunk", goodFile + "accounts: [{user: x, kind: carrier, password: longenough, trunk: y}]\n", `f.yaml:5:66: accounts[0].trunk: no trunk "y" of a carrier`},
		{"route", goodFile + "routes: [{user: b, contact: 'sip:b@127.0.0.1', mode: fly}]\n", `f.yaml:5:54: routes[0].mode: "fly" is not allowed; allowed: b2bua, proxy`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, status := checked(t, tt.text); status != 1 || !strings.HasPrefix(got, tt.want) {
				t.Errorf("status %d, %s\nwant 1 and %s", status, got, tt.want)
			}
		})
	}
}

func TestCheck_good(t *testing.T) {
	t.Parallel()
	if got, status := checked(t, goodFile); status != 0 || got != "f.yaml: warning: trunks: no carrier: 112, 113, 115 and 118 cannot be called from this site\n"+
		"f.yaml: good: site x, 0 services, 0 queues, 0 users, 0 trunks\n" {
		t.Errorf("status %d, %s", status, got)
	}
	stdout, _, status := command(t, "", "check", "/nowhere.yaml")
	if status != 1 || stdout != "/nowhere.yaml: cannot be read: no such file or directory\n" {
		t.Errorf("status %d, %s", status, stdout)
	}
}
