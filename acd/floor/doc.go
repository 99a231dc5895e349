// Package floor runs the one goroutine that owns all queues and agents.
//
// Run owns an engine.Engine: it stamps inputs with the time, applies them one by
// one and hands the decisions to a second goroutine, the herald, which journals
// inputs and decisions, publishes the agent and queue events with their CSTA
// names, and gives offers to the scripts only after they are durable. Run never
// waits for the journal or for a script; many offers share one commit.
//
// The script enters a caller (Enter) and hears about offers on its Place; the
// CTI server logs agents in and out and renews their leases. Both goroutines end
// when the context of Run ends.
package floor
