// Package phone is a scripted SIP phone: it registers, rings, answers, plays a
// WAV or speaks a tone, records, sends keys and names the tone or speech that it
// hears. `la2 phone` and the demo's bots are this package; it shares the lower
// SIP layers with the switch but none of its call logic.
//
// A Phone has one owner goroutine (Phone.run) that alone touches its calls;
// transactions and timers put functions into its inbox. Each call with media has
// two goroutines of its own, a sender on a 20 ms ticker and a reader, which end
// when the call's socket closes.
//
// RFC 3261 as a user agent, RFC 3264, RFC 4733 keys, RFC 3515 REFER (sent, and
// refused when received). It omits: forking, PRACK, session timers as refresher,
// attended transfer.
package phone
