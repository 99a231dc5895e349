package node

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/siptest"
)

// ladderFile is the document that TestLadder keeps true. LADDER=write writes it anew.
const ladderFile = "../../../docs/ladder-attended.md"

// The columns of the ladder, by address.
var ladderColumns = [...]struct{ ip, name string }{
	{"10.0.1.1", "citizen"}, {hubIP, "hub"}, {"10.0.4.1", "desk phone 1001"}, {napoliIP, "Napoli"}, {"10.0.5.1", "desk phone 3001"},
}

const rungWidth = 22

// A ladder collects the SIP messages of a scenario.
type ladder struct {
	w      *world
	rungs  []rung
	names  map[string]string // what changes from run to run: Call-IDs, tickets
	nextID rune
}

type rung struct {
	at       time.Duration
	from, to int
	label    string
	notes    []string
}

// watch is a tap of the network.
func (d *ladder) watch(from, to netip.AddrPort, b []byte) {
	i, j := column(from), column(to)
	if i < 0 || j < 0 || from.Port() != 5060 || to.Port() != 5060 {
		return
	}
	m, err := siptest.ParseMessage(b)
	if err != nil || d.dull(m) {
		return
	}
	label := m.Method
	if !m.IsRequest() {
		label = fmt.Sprint(m.Status, " ", m.Reason)
	}
	d.rungs = append(d.rungs, rung{at: time.Since(d.w.began), from: i, to: j, label: label + " " + d.name(m.Get("Call-ID")), notes: d.notes(m)})
}

func column(a netip.AddrPort) int {
	for i, c := range ladderColumns {
		if c.ip == a.Addr().String() {
			return i
		}
	}
	return -1
}

// dull messages are no part of the story: 100, registration, trunk probes.
func (d *ladder) dull(m *siptest.Message) bool {
	_, method := m.CSeq()
	return m.Status == 100 || method == "REGISTER" || method == "OPTIONS"
}

// name gives each Call-ID a letter.
func (d *ladder) name(callID string) string {
	if d.names[callID] == "" {
		d.names[callID] = string('A' + d.nextID)
		d.nextID++
	}
	return d.names[callID]
}

// notes are the headers that the story is about, with nothing that changes from run
// to run.
func (d *ladder) notes(m *siptest.Message) (out []string) {
	for _, v := range m.All("User-to-User") {
		if c, ours := b2bua.ParseCapsule(v); ours {
			v = fmt.Sprintf("the ticket, class %s, %d hop;encoding=hex;purpose=la2", c.Class, c.Hops)
		}
		out = append(out, "User-to-User: "+v)
	}
	if v := m.Get("Replaces"); v != "" {
		out = append(out, "Replaces: "+d.dialog(v), "Require: "+m.Get("Require"))
	}
	if v := m.Get("Refer-To"); v != "" {
		uri, names, _ := strings.Cut(strings.Trim(v, "<>"), "?Replaces=")
		plain, err := url.QueryUnescape(names)
		if err != nil {
			plain = err.Error()
		}
		out = append(out, "Refer-To: <"+uri+"?Replaces="+d.dialog(plain)+">")
	}
	if v := m.Get("Referred-By"); v != "" && m.Method == "INVITE" {
		out = append(out, "Referred-By: "+v)
	}
	if m.Method == "NOTIFY" {
		out = append(out, strings.TrimSpace(string(m.Body)), "Subscription-State: "+m.Get("Subscription-State"))
	}
	return out
}

// dialog writes a Replaces with the letter of its call.
func (d *ladder) dialog(replaces string) string {
	id, _, _ := strings.Cut(replaces, ";")
	return d.name(id) + ";to-tag=…;from-tag=…"
}

// text draws the rungs. What happens in one millisecond is sorted by column and text, so that
// the drawing does not depend on the order of goroutines.
func (d *ladder) text() string {
	slices.SortStableFunc(d.rungs, func(a, b rung) int {
		return cmp.Or(cmp.Compare(a.at.Milliseconds(), b.at.Milliseconds()), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.label, b.label))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%8s", "")
	for _, c := range ladderColumns {
		fmt.Fprintf(&b, "%-*s", rungWidth, c.name)
	}
	b.WriteString("\n")
	for _, r := range d.rungs {
		fmt.Fprintf(&b, "%7.3f %s\n", r.at.Seconds(), r.draw())
		for _, n := range r.notes {
			fmt.Fprintf(&b, "%8s%s  %s\n", "", strings.Repeat(" ", rungWidth*min(r.from, r.to)), n)
		}
	}
	return regexp.MustCompile(`(?m) +$`).ReplaceAllString(b.String(), "")
}

// draw is one line of lifelines and an arrow.
func (r rung) draw() string {
	line := []rune(strings.Repeat("│"+strings.Repeat(" ", rungWidth-1), len(ladderColumns)-1) + "│")
	a, z := min(r.from, r.to)*rungWidth+1, max(r.from, r.to)*rungWidth
	label := []rune(" " + r.label + " ")
	for i := a; i < z; i++ {
		line[i] = '─'
	}
	copy(line[a+(z-a-len(label))/2:], label)
	if r.from < r.to {
		line[z-1] = '►'
	} else {
		line[a] = '◄'
	}
	return string(line)
}

// TestLadder runs an attended transfer between two sites and compares what went over
// the network with the document.
func TestLadder(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(scenarioDir, "attended_napoli.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseScenario("attended_napoli", string(raw))
	if err != nil {
		t.Fatal(err)
	}
	d := &ladder{names: map[string]string{}}
	s.watch = func(w *world) {
		d.w = w
		w.net.Tap(d.watch)
	}
	s.run(t, 0)
	got := ladderText(d.text())
	if os.Getenv("LADDER") == "write" {
		if err := os.WriteFile(ladderFile, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(ladderFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what happens; LADDER=write go test -run TestLadder writes it anew. Got\n%s", ladderFile, got)
	}
}

func ladderText(drawing string) string {
	return `# An attended transfer between two sites

The operator at desk phone 1001 talks with a citizen (dialogs A and B), holds, consults Napoli (C on the telephone, D on the
trunk, E at Napoli's operator) and joins the two by REFER with Replaces. The hub asks Napoli to replace its dialog on the
trunk (F), with the ticket in User-to-User: so Napoli's operator gets the citizen and the ticket. Both telephones are told
nothing but what they asked for, and the transferor gets BYE after it has answered the last NOTIFY (RFC 3515, 3891, 5589 7,
7433). What the citizen's own telephone said in User-to-User reaches whom the citizen is given to, verbatim.

Drawn from the messages of ` + "`testdata/scenario/attended_napoli.txt`" + ` by ` + "`TestLadder`" + `, which fails when it no longer holds; 100 Trying,
registrations and trunk probes are left out. All numbers are invented.

` + "```text\n" + drawing + "```\n"
}
