package node

import "testing"

// Nobody may make us call by a REFER out of a dialog (RFC 7647 5), credentials or not.
func TestReferOutOfDialog(t *testing.T) {
	strangers(t, func(w *world) {
		r := w.raw("10.0.4.9:5060")
		uri := "sip:803001@" + hubIP
		if res := r.as("1001", "REFER", uri, "Refer-To: <sip:1002@"+hubIP+">"); res.StatusCode != 403 {
			t.Errorf("got %s", res.Short())
		}
		if n := w.nodes["hub"].sw.Running(); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}
