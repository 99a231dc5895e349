package events

import (
	"encoding/xml"
	"strings"
	"testing"
)

// Full state first, then what is new, changed or gone (RFC 4235 3.9, 4.1).
func TestWriteDialogInfo_RFC4235_4_1(t *testing.T) {
	ring := Dialog{ID: "1", CallID: "c<1>", LocalTag: "a", RemoteTag: "b", State: "early"}
	body, since := WriteDialogInfo("sip:1002@la2.example", []Dialog{ring, {ID: "2", CallID: "d", Caller: true, State: "confirmed", Remote: `sip:"x"@y`}}, 0, nil)
	want := xml.Header + `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:1002@la2.example">
<dialog id="1" call-id="c&lt;1&gt;" local-tag="a" remote-tag="b" direction="recipient"><state>early</state></dialog>
<dialog id="2" call-id="d" direction="initiator"><state>confirmed</state><remote><identity>sip:&#34;x&#34;@y</identity></remote></dialog>
</dialog-info>
`
	if string(body) != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	ring.State = "confirmed"
	body, since = WriteDialogInfo("sip:1002@la2.example", []Dialog{ring}, 1, since)
	for _, part := range []string{`version="1" state="partial"`, `id="1"`, "<state>confirmed</state>", `id="2"`, "<state>terminated</state>"} {
		if !strings.Contains(string(body), part) {
			t.Errorf("partial: no %s in\n%s", part, body)
		}
	}
	body, since = WriteDialogInfo("sip:1002@la2.example", []Dialog{ring}, 2, since)
	if strings.Contains(string(body), "<dialog ") {
		t.Errorf("nothing changed:\n%s", body)
	}
	body, _ = WriteDialogInfo("sip:1002@la2.example", nil, 3, since)
	if strings.Count(string(body), "terminated") != 1 {
		t.Errorf("it ended:\n%s", body)
	}
}

// Whatever a far end puts into Call-ID and tags, the document is well-formed and says
// the same.
func FuzzWriteDialogInfo(f *testing.F) {
	f.Add("a@b", "t\"<>&'", "sip:x")
	f.Add("\x00\xff", "\u2028", "]]>")
	f.Fuzz(func(t *testing.T, callID, tag, remote string) {
		body, _ := WriteDialogInfo("sip:1@x", []Dialog{{ID: "1", CallID: callID, LocalTag: tag, State: "early", Remote: remote}}, 1, nil)
		var doc struct {
			Dialogs []struct {
				CallID string `xml:"call-id,attr"`
				State  string `xml:"state"`
			} `xml:"dialog"`
		}
		if err := xml.Unmarshal(body, &doc); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if len(doc.Dialogs) != 1 || doc.Dialogs[0].State != "early" {
			t.Fatalf("got %+v", doc)
		}
	})
}

func TestWriteSummary_RFC3842_5_2(t *testing.T) {
	for s, want := range map[Summary]string{
		{}:               "Messages-Waiting: no\r\nMessage-Account: sip:1@x\r\nVoice-Message: 0/0 (0/0)\r\n",
		{New: 2, Old: 8}: "Messages-Waiting: yes\r\nMessage-Account: sip:1@x\r\nVoice-Message: 2/8 (0/0)\r\n",
	} {
		if got := string(WriteSummary("sip:1@x", s)); got != want {
			t.Errorf("%+v: got %q", s, got)
		}
	}
}
