package cti

// AgentState is what an agent is to the queues (CSTA agent states plus the
// reservation). One state over all queues.
//
//	LoggedOut ─login─► NotReady ◄────► Ready ─offer─► Reserved ─180─► Ringing
//	                      ▲              ▲                │RONA          │200
//	                      └──pending─────┴── WrapUp ◄──── ┴ ◄── end ─ Talking
type AgentState string

const (
	AgentLoggedOut AgentState = "logged_out"
	AgentNotReady  AgentState = "not_ready"
	AgentReady     AgentState = "ready"
	AgentReserved  AgentState = "reserved"
	AgentRinging   AgentState = "ringing"
	AgentTalking   AgentState = "talking"
	AgentWrapUp    AgentState = "wrap_up"
)

// Role is what a desktop user may do.
type Role string

const (
	RoleAgent      Role = "agent"
	RoleSupervisor Role = "supervisor"
)
