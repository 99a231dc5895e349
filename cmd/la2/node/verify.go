package node

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/media/prompt"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/trunk"
)

// Verify tells what is wrong with cfg that package configs cannot know: prompts
// without a recording, numbers that lead to two places, hashes that no password
// matches. Each fault names its place in the file.
func Verify(cfg *configs.Config) error {
	var faults []error
	report := func(path, message string) { faults = append(faults, cfg.Fault(path, message)) }
	for i, u := range cfg.Users {
		if u.Hash != "" && server.ValidHash(u.Hash) != nil {
			report(fmt.Sprintf("users[%d].password_hash", i), "is no argon2id hash: make one with la2 user")
		}
	}
	verifyFiles(cfg, report)
	verifyNumbers(cfg, report)
	verifyTrunks(cfg, report)
	prompts, err := loadPrompts(cfg)
	if err != nil {
		report("prompts.directory", fmt.Sprintf("%s: %s", cfg.Prompts.Directory, strings.ReplaceAll(err.Error(), "\n", "; ")))
		return errors.Join(faults...)
	}
	verifyPrompts(cfg, prompts, report)
	if len(faults) == 0 {
		return Check(cfg)
	}
	return errors.Join(faults...)
}

// verifyTrunks refuses two trunks that the source of a call could not tell apart.
func verifyTrunks(cfg *configs.Config, report func(path, message string)) {
	var good []trunk.Peer
	for i, t := range cfg.Trunks {
		all := append(slices.Clone(good), peerOf(t))
		if _, err := trunk.New(all, trunk.HealthConfig{}); err != nil {
			report(fmt.Sprintf("trunks[%d]", i), strings.TrimPrefix(err.Error(), "trunk: "+t.Name+": "))
			continue
		}
		good = all
	}
}

// verifyFiles refuses certificates that no listener could use.
func verifyFiles(cfg *configs.Config, report func(path, message string)) {
	if _, err := newKeyring(cfg.SIP.TLS, slog.New(slog.DiscardHandler)); err != nil {
		report("sip.tls.certificate", err.Error())
	}
	if _, err := (*keyring)(nil).outward(cfg.SIP.TLS); err != nil {
		report("sip.tls.roots", err.Error())
	}
}

func verifyPrompts(cfg *configs.Config, set *prompt.Set, report func(path, message string)) {
	names := slices.DeleteFunc(slices.Clone(set.Names()), func(name string) bool { return strings.HasPrefix(name, "n_") }) // spoken numbers
	need := func(path, name string) {
		if name != "" && set.Clip(name) == nil {
			report(path, fmt.Sprintf("no prompt %q; there are: %s", name, strings.Join(names, ", ")))
		}
	}
	for i, s := range cfg.Services {
		need(fmt.Sprintf("services[%d].greeting", i), s.Greeting)
	}
	for i, m := range cfg.Menus {
		need(fmt.Sprintf("menus[%d].prompt", i), m.Prompt)
	}
}

// verifyNumbers refuses a number that two places of the file claim. A trunk may
// lead to a number that a service here has: the service wins.
func verifyNumbers(cfg *configs.Config, report func(path, message string)) {
	taken := map[string]string{} // canonical number → whose it is
	claim := func(path, number, owner string) {
		key := numbering.Canonical(number)
		if prefix, isPrefix := strings.CutSuffix(number, "*"); isPrefix && strings.HasPrefix(owner, "trunk ") {
			if key = numbering.CanonicalPrefix(prefix); key != "" {
				key += "*"
			}
		}
		switch old := taken[key]; {
		case key == "":
			report(path, fmt.Sprintf("%q is no number", number))
		case old != "" && old == owner && strings.HasPrefix(owner, "trunk "): // a member of the same group
		case old != "":
			report(path, fmt.Sprintf("%s already reaches %s", number, old))
		default:
			taken[key] = owner
		}
	}
	for i, s := range cfg.Services {
		for j, n := range s.Numbers {
			claim(fmt.Sprintf("services[%d].numbers[%d]", i, j), n, "service "+s.Name)
		}
	}
	for i, a := range cfg.Accounts {
		if a.Kind != "carrier" {
			claim(fmt.Sprintf("accounts[%d].user", i), a.User, "station "+a.User)
		}
	}
	for i, t := range cfg.Trunks {
		for j, n := range t.Numbers {
			if !served(cfg, n) {
				claim(fmt.Sprintf("trunks[%d].numbers[%d]", i, j), n, "trunk "+groupOf(t))
			}
		}
	}
	for i, r := range cfg.Routes {
		claim(fmt.Sprintf("routes[%d].user", i), r.User, "route "+r.User)
	}
}
