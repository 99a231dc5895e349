package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// What Parse says of each message of RFC 4475; 0 lets it pass to the typed parser, which decides
// about the rest of the header, and to the transaction user.
var torture = map[string]int{
	// 3.1.1: valid.
	"wsinv": 0, "intmeth": 0, "esc01": 0, "escnull": 0, "esc02": 0, "lwsdisp": 0, "longreq": 0,
	"dblreq": 0, "semiuri": 0, "transports": 0, "mpart01": 0, "unreason": 0, "noreason": 0,
	// 3.1.2: invalid.
	"badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "scalarlg": 400, "quotbal": 400,
	"ltgtruri": 400, "lwsruri": 400, "lwsstart": 400, "trws": 400, "escruri": 400, "baddate": 0,
	"regbadct": 0, "badaspec": 0, "baddn": 400, "badvers": 505, "mismatch01": 400,
	"mismatch02": 400, "bigcode": 400,
	// 3.2: transaction layer.
	"badbranch": 0,
	// 3.3: application layer.
	"insuf": 400, "unkscm": 0, "novelsc": 0, "unksm2": 0, "bext01": 0, "invut": 0, "regaut01": 0,
	"multi01": 400, "mcl01": 400, "bcast": 0, "zeromf": 0, "cparam01": 0, "cparam02": 0,
	"regescrt": 0, "sdp01": 0,
	// 3.4: backward compatibility.
	"inv2543": 0,
}

func readTorture(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/sip/torture/rfc4475/*.dat")
	if err != nil || len(files) != len(torture) {
		t.Fatalf("%d files, want %d: %v", len(files), len(torture), err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".dat")] = b
	}
	return out
}

func TestParse_RFC4475(t *testing.T) {
	for name, raw := range readTorture(t) {
		want, ok := torture[name]
		if !ok {
			t.Errorf("%s: no expectation", name)
		}
		var m Message
		got := 0
		err := m.Parse(raw)
		if err != nil {
			got, _ = ParseStatusFor(err)
		}
		if got != want {
			t.Errorf("%s: got %d (%v), want %d", name, got, err, want)
		}
		if refused := want != 0 && m.IsRequest(); refused && !m.Answerable() {
			t.Errorf("%s: Answerable is %v", name, m.Answerable())
		}
	}
}

// The valid messages and most of those with faults of higher layers must get through the typed
// parser in canonical form; as they are it does not read three of them.
func TestAppendCanonical_RFC4475(t *testing.T) {
	higher := map[string]bool{"badaspec": true, "novelsc": true} // the typed parser refuses these
	for name, raw := range readTorture(t) {
		var m Message
		if m.Parse(raw) != nil || higher[name] {
			continue
		}
		msg, err := sip.NewParser().ParseSIP(AppendCanonical(nil, &m))
		if err != nil {
			t.Errorf("%s: typed parse: %v", name, err)
			continue
		}
		via := msg.Via()
		if via == nil || via.Transport != string(m.TopVia().Transport) || via.Host != string(m.TopVia().Host) {
			t.Errorf("%s: typed Via is %v, want %q", name, via, m.TopVia().Raw)
		}
		from := ""
		if msg.From() != nil {
			from, _ = msg.From().Params.Get("tag")
		}
		if from != string(m.FromTag()) {
			t.Errorf("%s: typed From tag is %q, want %q", name, from, m.FromTag())
		}
		if msg.CSeq().SeqNo != first(m.CSeq()) {
			t.Errorf("%s: typed CSeq is %v", name, msg.CSeq())
		}
	}
}

func first(n uint32, _ []byte) uint32 { return n }

func TestWhiteSpace_RFC4475_wsinv(t *testing.T) {
	var m Message
	if err := m.Parse(readTorture(t)["wsinv"]); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"0009":                    string(m.Header("CSeq")[:4]),
		"98asjd8":                 string(m.FromTag()),
		"1918181833n":             string(m.ToTag()),
		"UDP":                     string(m.TopVia().Transport),
		"192.0.2.2":               string(m.TopVia().Host),
		"390skdjuw":               string(m.TopVia().Branch),
		"wsinv.ndaksdj@192.0.2.1": string(m.CallID()),
	} {
		if got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
	if m.MaxForwards() != 68 {
		t.Errorf("Max-Forwards is %d, want 68", m.MaxForwards())
	}
	vias := 0
	for range m.Values("v") {
		vias++
	}
	if vias != m.Count("Via") || vias < 2 {
		t.Errorf("%d Via lines", vias)
	}
}
