package events

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// DialogInfo is the media type of the dialog package (RFC 4235 4).
const DialogInfo = "application/dialog-info+xml"

// A Dialog is one dialog of a watched user agent, as that agent sees it (RFC 4235 4.1).
type Dialog struct {
	ID                          string // tells it from others of the resource
	CallID, LocalTag, RemoteTag string
	Caller                      bool   // the watched end began it
	State                       string // trying, proceeding, early, confirmed, terminated
	Remote                      string // URI of who is at the other end; "": not told
}

// WriteDialogInfo is the body of a NOTIFY: all dialogs of entity or, when since is what
// it returned for the NOTIFY before, those that are new, changed or gone.
func WriteDialogInfo(entity string, dialogs []Dialog, version uint32, since any) (body []byte, now any) {
	before, partial := since.(map[string]Dialog)
	after := make(map[string]Dialog, len(dialogs))
	var tell []Dialog
	for _, d := range dialogs {
		after[d.ID] = d
		if old, same := before[d.ID]; !same || old != d {
			tell = append(tell, d)
		}
	}
	for id, d := range before {
		if _, there := after[id]; !there {
			d.State = "terminated"
			tell = append(tell, d)
		}
	}
	slices.SortFunc(tell, func(a, b Dialog) int { return strings.Compare(a.ID, b.ID) })
	state := "full"
	if partial {
		state = "partial"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="` + strconv.FormatUint(uint64(version), 10) + `" state="` + state + `"`)
	attribute(&b, "entity", entity)
	b.WriteString(">\n")
	for _, d := range tell {
		d.write(&b)
	}
	b.WriteString("</dialog-info>\n")
	return b.Bytes(), after
}

func (d Dialog) write(b *bytes.Buffer) {
	b.WriteString("<dialog")
	attribute(b, "id", d.ID)
	attribute(b, "call-id", d.CallID)
	attribute(b, "local-tag", d.LocalTag)
	attribute(b, "remote-tag", d.RemoteTag)
	if d.Caller {
		b.WriteString(` direction="initiator">`)
	} else {
		b.WriteString(` direction="recipient">`)
	}
	b.WriteString("<state>" + d.State + "</state>")
	if d.Remote != "" {
		b.WriteString("<remote><identity>")
		_ = xml.EscapeText(b, []byte(d.Remote)) // a bytes.Buffer does not fail
		b.WriteString("</identity></remote>")
	}
	b.WriteString("</dialog>\n")
}

func attribute(b *bytes.Buffer, name, value string) {
	if value == "" {
		return
	}
	b.WriteString(" " + name + `="`)
	_ = xml.EscapeText(b, []byte(value)) // a bytes.Buffer does not fail
	b.WriteString(`"`)
}
