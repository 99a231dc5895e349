package configs

import "time"

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Log: Log{Level: "info", Format: "text"},
		SIP: SIP{TLS: TLS{Clients: "optional"}, Realm: "la2", Digest: "md5", Shards: 2, NameServers: []string{},
			RingTime: 20 * time.Second, MaxDuration: 4 * time.Hour, SessionExpires: 30 * time.Minute, MaxCalls: 5000},
		Media:   Media{Ports: Ports{Min: 20000, Max: 29999}, Shards: 1, Timeout: 30 * time.Second},
		Prompts: PromptSet{Language: "it"},
		HTTP:    HTTP{SessionLife: 12 * time.Hour},
	}
}

// Defaults of list items, applied where the file leaves the zero value.
const (
	DefaultWrapUp   = 30 * time.Second
	DefaultAnnounce = 30 * time.Second
	DefaultLease    = 60 * time.Second
)
