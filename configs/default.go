package configs

import (
	"net/netip"
	"time"
)

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Log: Log{Level: "info", Format: "text"},
		SIP: SIP{TLS: TLS{Clients: "optional"}, Realm: "la2", Digest: "md5", Shards: 2, NameServers: []string{}, DirectCalls: "b2bua", WebSocket: WebSocket{Origins: []string{}},
			Drain: 30 * time.Second, RingTime: 20 * time.Second, MaxDuration: 4 * time.Hour, SessionExpires: 30 * time.Minute, MaxCalls: 5000, MaxWait: 200 * time.Millisecond,
			Shield: Shield{Exempt: []netip.Prefix{}, Access: []Access{}, Signatures: []string{}, Rate: 200, KnownRate: 10_000, Points: 20, Ban: time.Minute, MaxBan: 24 * time.Hour},
			Registrar: Registrar{MinExpires: time.Minute, DefaultExpires: time.Hour, MaxExpires: 2 * time.Hour,
				MaxBindings: 10, Grace: 10 * time.Second, Durable: true}},
		Media:   Media{Ports: Ports{Min: 20000, Max: 29999}, Shards: 1, Timeout: 30 * time.Second, Codecs: []string{"g722", "pcma", "pcmu"}},
		Prompts: PromptSet{Language: "it"},
		HTTP:    HTTP{SessionLife: 12 * time.Hour},
	}
}

// Defaults of list items, applied where the file leaves the zero value.
const (
	DefaultWrapUp   = 30 * time.Second
	DefaultAnnounce = 30 * time.Second
	DefaultLease    = 60 * time.Second

	// What a station may spend at carriers.
	DefaultTollCalls      = 2
	DefaultTollDayCalls   = 300
	DefaultTollDayMinutes = 600
)
