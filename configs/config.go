// Package configs is the configuration of a node: the shape of its YAML file,
// a strict loader whose every complaint names file, line, column, key and what
// is allowed, and the files that ship with the product (reference, demo, bench).
//
// Only cmd imports it; the other packages have a Config of their own that cmd
// fills from here. It starts no goroutine and reads nothing but the file named
// and the secret files that it names.
package configs

import (
	"net/netip"
	"strconv"
	"time"
)

// Config is a node. The zero value of each field is described in reference.yaml.
type Config struct {
	Site      Site       `yaml:"site"`
	Data      string     `yaml:"data"`
	Log       Log        `yaml:"log"`
	SIP       SIP        `yaml:"sip"`
	Media     Media      `yaml:"media"`
	Prompts   PromptSet  `yaml:"prompts"`
	HTTP      HTTP       `yaml:"http"`
	Accounts  []Account  `yaml:"accounts"`
	Users     []User     `yaml:"users"`
	Queues    []Queue    `yaml:"queues"`
	Calendars []Calendar `yaml:"calendars"`
	Menus     []Menu     `yaml:"menus"`
	Services  []Service  `yaml:"services"`
	Trunks    []Trunk    `yaml:"trunks"`
	Emergency Emergency  `yaml:"emergency"`
	Routes    []Route    `yaml:"routes"`
	Pools     Pools      `yaml:"pools"`

	source *decoder // where each key stands in the file; nil without a file
}

// Pools make many alike accounts and agents for benchmarks, numbered First to Last.
type Pools struct {
	Accounts     Pool `yaml:"accounts"`
	StaticAgents Pool `yaml:"static_agents"`
}

// Pool numbers names: Prefix followed by the number.
type Pool struct {
	Prefix         string `yaml:"prefix"`
	First          int    `yaml:"first"`
	Last           int    `yaml:"last"`
	PasswordPrefix string `yaml:"password_prefix"`
	Contact        string `yaml:"contact"`
	Queue          string `yaml:"queue"`
}

// Names lists the members of the pool, nil when it has none.
func (p Pool) Names() []string {
	var out []string
	for i := p.First; p.Prefix != "" && i <= p.Last; i++ {
		out = append(out, p.Prefix+strconv.Itoa(i))
	}
	return out
}

// Site says which office this node is.
type Site struct {
	IPA  string `yaml:"ipa"`
	Name string `yaml:"name"`
}

// Log says how much is logged, to standard error.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// SIP is the signalling side.
type SIP struct {
	Listen      []Listen      `yaml:"listen"`
	TLS         TLS           `yaml:"tls"`
	WebSocket   WebSocket     `yaml:"websocket"`
	Domains     []string      `yaml:"domains"`
	Realm       string        `yaml:"realm"`
	Digest      string        `yaml:"digest"`
	Shards      int           `yaml:"shards"`
	NameServers []string      `yaml:"name_servers"`
	DirectCalls string        `yaml:"direct_calls"`
	RingTime    time.Duration `yaml:"ring_time"`
	MaxDuration time.Duration `yaml:"max_duration"`
	// Drain is how long running calls may go on after the node was told to stop.
	Drain time.Duration `yaml:"drain"`
	// SessionExpires is the session interval that we ask for; 0: none.
	SessionExpires time.Duration `yaml:"session_expires"`
	// PRACK: 1xx are reliable for every caller who can, not only for who requires it.
	PRACK     bool          `yaml:"prack"`
	MaxCalls  int           `yaml:"max_calls"`
	MaxWait   time.Duration `yaml:"max_wait"`
	Shield    Shield        `yaml:"shield"`
	Registrar Registrar     `yaml:"registrar"`
	// WatchersSeeOthers: a busy lamp tells who is at the other end.
	WatchersSeeOthers bool `yaml:"watchers_see_others"`
}

// Shield says which sources of SIP are listened to.
type Shield struct {
	Exempt     []netip.Prefix `yaml:"exempt"`
	Access     []Access       `yaml:"access"`
	Rate       int            `yaml:"rate"`
	KnownRate  int            `yaml:"known_rate"`
	Points     int            `yaml:"points"`
	Ban        time.Duration  `yaml:"ban"`
	MaxBan     time.Duration  `yaml:"max_ban"`
	Signatures []string       `yaml:"signatures"`
	Loopback   bool           `yaml:"loopback"`
}

// Access is an access list of one listener, or of all.
type Access struct {
	Listen Listen         `yaml:"listen"`
	Allow  []netip.Prefix `yaml:"allow"`
	Deny   []netip.Prefix `yaml:"deny"`
}

// WebSocket is for `ws` and `wss` listeners.
type WebSocket struct {
	Origins []string `yaml:"origins"`
	Desktop bool     `yaml:"desktop"`
}

// TLS names the PEM files of `tls` and `wss` listeners and of outgoing connections.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	ClientCA    string `yaml:"client_ca"`
	Clients     string `yaml:"clients"`
	Roots       string `yaml:"roots"`
}

// Registrar bounds registrations.
type Registrar struct {
	MinExpires     time.Duration `yaml:"min_expires"`
	DefaultExpires time.Duration `yaml:"default_expires"`
	MaxExpires     time.Duration `yaml:"max_expires"`
	MaxBindings    int           `yaml:"max_bindings"`
	Grace          time.Duration `yaml:"grace"`
	Durable        bool          `yaml:"durable"`
}

// Media is the RTP side.
type Media struct {
	Address   string        `yaml:"address"`
	Advertise string        `yaml:"advertise"`
	Ports     Ports         `yaml:"ports"`
	Shards    int           `yaml:"shards"`
	Timeout   time.Duration `yaml:"timeout"`
	Codecs    []string      `yaml:"codecs"`
}

// PromptSet says which announcements are played.
type PromptSet struct {
	Language  string `yaml:"language"`
	Directory string `yaml:"directory"`
}

// HTTP is the desktop, CTI and metrics side.
type HTTP struct {
	Listen      string        `yaml:"listen"`
	StatusToken Secret        `yaml:"status_token"`
	SessionLife time.Duration `yaml:"session_life"`
}

// Account is a SIP identity of this node: user part, password, what it may do.
type Account struct {
	User        string   `yaml:"user"`
	Password    Secret   `yaml:"password"`
	Kind        string   `yaml:"kind"`
	Group       string   `yaml:"group"`
	Trunk       string   `yaml:"trunk"`
	Certificate string   `yaml:"certificate"`
	MaxBindings int      `yaml:"max_bindings"`
	AutoAnswer  bool     `yaml:"auto_answer"`
	SRTP        string   `yaml:"srtp"`
	Dial        []string `yaml:"dial"`
	Limits      Limits   `yaml:"limits"`
}

// Limits bound what calls to the public network may cost; 0 is the default, -1 none.
type Limits struct {
	Calls      int `yaml:"calls"`
	DayCalls   int `yaml:"day_calls"`
	DayMinutes int `yaml:"day_minutes"`
}

// User is a person (or bot) of the desktop.
type User struct {
	User    string   `yaml:"user"`
	Name    string   `yaml:"name"`
	Hash    string   `yaml:"password_hash"`
	Roles   []string `yaml:"roles"`
	Device  string   `yaml:"device"`
	Contact string   `yaml:"contact"`
	Queues  []string `yaml:"queues"`
	Skills  []string `yaml:"skills"`
	Bot     bool     `yaml:"bot"`
	Static  bool     `yaml:"static"`
}

// Queue is a line of waiting callers.
type Queue struct {
	Name     string        `yaml:"name"`
	Ring     time.Duration `yaml:"ring"`
	WrapUp   time.Duration `yaml:"wrap_up"`
	Announce time.Duration `yaml:"announce"`
	Lease    time.Duration `yaml:"lease"`
	Max      int           `yaml:"max_waiting"`
	Overflow Overflow      `yaml:"overflow"`
}

// Overflow sends a waiting caller to another office when nobody is free here.
type Overflow struct {
	After  time.Duration `yaml:"after"`
	Trunk  string        `yaml:"trunk"`
	Number string        `yaml:"number"`
}

// Calendar is a weekly plan with holidays.
type Calendar struct {
	Name     string            `yaml:"name"`
	Always   bool              `yaml:"always"`
	Never    bool              `yaml:"never"`
	Week     map[string]string `yaml:"week"`
	Holidays string            `yaml:"holidays"`
	Closed   []string          `yaml:"closed_days"`
}

// Menu is one level of choices by key.
type Menu struct {
	Name    string        `yaml:"name"`
	Prompt  string        `yaml:"prompt"`
	Timeout time.Duration `yaml:"timeout"`
	Choices []Choice      `yaml:"choices"`
}

// Choice is what one key of a menu does.
type Choice struct {
	Key      string `yaml:"key"`
	Topic    string `yaml:"topic"`
	Skill    string `yaml:"skill"`
	Queue    string `yaml:"queue"`
	Tracking bool   `yaml:"tracking"`
	Operator bool   `yaml:"operator"`
}

// Service is what a dialled number reaches.
type Service struct {
	Name     string   `yaml:"name"`
	Numbers  []string `yaml:"numbers"`
	Queue    string   `yaml:"queue"`
	Calendar string   `yaml:"calendar"`
	Greeting string   `yaml:"greeting"`
	Menu     string   `yaml:"menu"`
	Priority int      `yaml:"priority"`
	Open     bool     `yaml:"open"`
	Plain    bool     `yaml:"plain"`
}

// Trunk is a peer: another office of the network, or a carrier.
type Trunk struct {
	Name        string        `yaml:"name"`
	Site        string        `yaml:"site"`
	Title       string        `yaml:"title"`
	Address     Listen        `yaml:"address"`
	URI         string        `yaml:"uri"`
	Sources     []string      `yaml:"sources"`
	Numbers     []string      `yaml:"numbers"`
	Transfer    string        `yaml:"transfer"`
	MaxCalls    int           `yaml:"max_calls"`
	MaxRate     int           `yaml:"max_rate"`
	CLI         string        `yaml:"cli"`
	PRACK       bool          `yaml:"prack"`
	Group       string        `yaml:"group"`
	Priority    int           `yaml:"priority"`
	Weight      int           `yaml:"weight"`
	Domain      string        `yaml:"domain"`
	Certificate string        `yaml:"certificate"`
	Trusted     bool          `yaml:"trusted"`
	Abroad      bool          `yaml:"abroad"`
	Format      string        `yaml:"format"`
	In          []Rewrite     `yaml:"in"`
	Out         []Rewrite     `yaml:"out"`
	Codecs      []string      `yaml:"codecs"`
	SRTP        string        `yaml:"srtp"`
	Account     TrunkAccount  `yaml:"account"`
	Register    TrunkRegister `yaml:"register"`
	Limits      Limits        `yaml:"limits"`
}

// Emergency is how calls to 112, 113, 115 and 118 leave.
type Emergency struct {
	Trunks   []string `yaml:"trunks"`
	CLI      string   `yaml:"cli"`
	Location string   `yaml:"location"`
}

// Rewrite changes the beginning of numbers at a trunk.
type Rewrite struct {
	Match string `yaml:"match"`
	Strip int    `yaml:"strip"`
	Add   string `yaml:"add"`
}

// TrunkAccount is who we are at a carrier that asks for digest credentials.
type TrunkAccount struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
	Realm    string `yaml:"realm"`
}

// TrunkRegister keeps a registration of the account; Expires 0: none.
type TrunkRegister struct {
	Expires    time.Duration `yaml:"expires"`
	Registrars []string      `yaml:"registrars"`
}

// Route bridges or proxies a user part to a fixed contact (benchmarks).
type Route struct {
	User    string `yaml:"user"`
	Contact string `yaml:"contact"`
	Mode    string `yaml:"mode"`
	Open    bool   `yaml:"open"`
}
