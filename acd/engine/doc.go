// Package engine decides which agent serves which caller.
//
// It is one deterministic function, Apply(now, input) → decisions, without
// goroutine, clock, socket or map iteration order: the live floor, crash
// recovery, the explanation of a decision and simulation run the same code.
// The caller of Apply supplies the time, and a Tick when NextDeadline passes.
//
// Callers with the same queue and the same required skills share a line, a heap
// by priority, network instant and arrival. Agents with the same queues, skills
// and backup flag share a team, whose Ready agents are a heap by idle time. A
// caller who arrives looks at the heads of the teams of its line; an agent who
// becomes Ready looks at the heads of the lines of its team. Nothing is rescanned.
//
// It omits estimated waiting times, steps of relaxed skills and reservations
// between offices. It owns no goroutine; an Engine is owned by one.
package engine
