//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// A station of the hub rings Brindisi: greeting and operator there, by trunk.
func TestTrunk(t *testing.T) {
	demo(t, "--bots=false")
	there := answering(t, "--via", "127.0.0.1:5160", "--user", "2001", "--for", "60s", "--play", toneFile(t, 700, 10))
	d := logIn(t, brindisiURL, "2001")
	d.ready(t)
	caller := ring(t, "+390831000111", "--user", "1003", "--dtmf", "0@1s", "--for", "40s", "--play", toneFile(t, 1000, 10))
	caller.event(t, 3*time.Second, "answered")
	offer := d.event(t, 8*time.Second, cti.EvDelivered)
	if offer.Ticket == "" || offer.Info == nil || offer.Info.From != "formezpa" {
		t.Errorf("Brindisi's desktop got %+v %+v, want a ticket and a call from formezpa", offer, offer.Info)
	}
	caller.hears(t, 700, 5*time.Second)
	there.hears(t, 1000, 5*time.Second)
	if n := trunkCalls(t, "brindisi"); n != 1 {
		t.Errorf("status shows %d calls on the trunk, want 1", n)
	}
	caller.signal(syscall.SIGINT)
	there.event(t, 3*time.Second, "ended")
	settled(t, hubURL)
	settled(t, brindisiURL)
	if n := trunkCalls(t, "brindisi"); n != 0 {
		t.Errorf("status shows %d calls on the trunk after the end", n)
	}
}

// The telephone itself transfers, by a blind REFER: audio and ticket go on.
func TestRefer(t *testing.T) {
	demo(t, "--bots=false")
	here := answering(t, "--user", "1004", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 600, 10),
		"--transfer", "+390810002222", "--transfer-after", "2s")
	there := answering(t, "--via", "127.0.0.1:5260", "--user", "3002", "--for", "60s", "--play", toneFile(t, 700, 10))
	hub, napoli := logIn(t, hubURL, "1004"), logIn(t, napoliURL, "3002")
	hub.ready(t)
	napoli.ready(t)
	citizen := ring(t, "803001", "--dtmf", "0@500ms", "--for", "60s", "--play", toneFile(t, 1000, 10))
	first := hub.event(t, 8*time.Second, cti.EvDelivered)
	citizen.hears(t, 600, 5*time.Second)
	if e := here.event(t, 5*time.Second, "refer"); e.Code != 202 {
		t.Errorf("REFER answered with %d %s, want 202", e.Code, e.Text)
	}
	second := napoli.event(t, 5*time.Second, cti.EvDelivered)
	if first.Ticket == "" || first.Ticket != second.Ticket {
		t.Errorf("the ticket is %q at the hub and %q at Napoli", first.Ticket, second.Ticket)
	}
	citizen.hears(t, 700, 8*time.Second)
	there.hears(t, 1000, 5*time.Second)
	here.event(t, 3*time.Second, "ended")
	hub.event(t, 3*time.Second, cti.EvTransferred)
	citizen.signal(syscall.SIGINT)
	there.event(t, 3*time.Second, "ended")
	settled(t, hubURL)
	settled(t, napoliURL)
}
