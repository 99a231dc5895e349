// Package b2bua is the back-to-back user agent of LA2 (RFC 7092): it joins legs
// to calls with anchored media, so that moving a caller is a pointer swap in
// media/relay and never a re-INVITE.
//
// A Switch is the table of calls and the transaction user of package
// transaction. A Call has one owner at a time, Call.turn, which alone touches its
// legs; everybody else puts named events (event.go) into its mailbox, which never
// blocks. The owner is a goroutine while there are events, and none while the call
// merely stands. A second goroutine runs the script of the call. Both end before
// CallCleared is published.
//
//	caller ══ leg 1 ══╗                ╔══ leg 2 ══ agent, station or trunk
//	   (UAS dialog)   ╠══ media/relay ═╣
//	                  ╚════════════════╝
//
// One file per verb: ring, answer, prompt, music, dial, bridge, hold, transfer,
// refer, attended (with move, from call to call), hangup. RFC 3261 12 to 15
// (dialogs, sessions), 9 (CANCEL); RFC 3264 (offer/answer through media/sdp); RFC
// 3515, 3891, 3892 and 4488 (REFER, terminated and re-originated; Replaces); RFC
// 4028 (session timers, one a dialog, refreshed by UPDATE or re-INVITE); RFC 3262
// (reliable provisional responses, both ways), 3311 (UPDATE), 3960 (early media,
// ringback), 3398 (Q.850 causes), 7332 (loops), 3323 and 3325 (privacy, asserted
// identity), 7433 (User-to-User), 6086 (INFO, for DTMF only).
package b2bua
