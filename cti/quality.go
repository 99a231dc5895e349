package cti

// Quality is how the audio of one leg was, counted over its life up to at most a second
// before its end. Times are milliseconds; what was not measured is zero.
type Quality struct {
	Received      uint64 `json:"received"` // packets that came from the far end
	Sent          uint64 `json:"sent"`
	ReceivedBytes uint64 `json:"received_bytes"` // of payload
	SentBytes     uint64 `json:"sent_bytes"`

	// By the sequence numbers of the far end.
	Expected  uint64 `json:"expected"`
	Lost      uint64 `json:"lost,omitempty"`
	Reordered uint64 `json:"reordered,omitempty"`

	JitterMS    float64 `json:"jitter_ms,omitempty"`
	RoundTripMS float64 `json:"round_trip_ms,omitempty"`

	// What the far end reported of our packets.
	FarLost     uint64  `json:"far_lost,omitempty"`
	FarJitterMS float64 `json:"far_jitter_ms,omitempty"`

	// R (0 to 100) and MOS (1 to 4.5) estimate what was heard of the far end; zero when
	// nothing came from there.
	R   float64 `json:"r,omitempty"`
	MOS float64 `json:"mos,omitempty"`

	OneWay bool `json:"one_way,omitempty"` // OneWayAudio was told
}
