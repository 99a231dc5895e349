package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/lineaamica/la2/cti"
)

// A problem is the body of an error answer (RFC 9457). Its texts are ours:
// never what a dependency said.
type problem struct {
	Type   string   `json:"type"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail,omitempty"`
	Fields []string `json:"fields,omitempty"`

	retryAfter time.Duration
}

func (p *problem) Error() string { return p.Type + " " + p.Detail }

func newProblem(status int, name, title string) *problem {
	return &problem{Type: "urn:la2:problem:" + name, Title: title, Status: status}
}

func badRequest(detail string) *problem {
	p := newProblem(http.StatusBadRequest, "bad-request", "Request not understood")
	p.Detail = detail
	return p
}

func throttled(wait time.Duration) *problem {
	p := newProblem(http.StatusTooManyRequests, "throttled", "Too many attempts")
	p.retryAfter = wait
	return p
}

func denied() *problem {
	return newProblem(http.StatusUnauthorized, "denied", "Log-in needed or denied")
}

// problemOf turns an error into the one answer that a client may see.
func problemOf(err error) *problem {
	var p *problem
	var invalid *Invalid
	var failure *cti.Failure
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		p = newProblem(http.StatusUnprocessableEntity, "invalid", "Fields missing or wrong")
		p.Fields = invalid.Fields
		return p
	case errors.Is(err, ErrBadRequest):
		return badRequest("")
	case errors.Is(err, ErrForbidden):
		return newProblem(http.StatusForbidden, "forbidden", "Not allowed")
	case errors.Is(err, ErrNotFound):
		return newProblem(http.StatusNotFound, "not-found", "Not found")
	case errors.Is(err, ErrOwnStation):
		return newProblem(http.StatusConflict, "illegal-state", "That is your own station")
	case errors.Is(err, ErrIllegalState):
		return newProblem(http.StatusConflict, "illegal-state", "Not possible in this state")
	case errors.Is(err, ErrStale):
		return newProblem(http.StatusPreconditionFailed, "stale", "Changed by somebody else meanwhile")
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newProblem(http.StatusServiceUnavailable, "unavailable", "Not available now")
	case errors.As(err, &failure):
		return failureProblem(failure.Cause)
	}
	return newProblem(http.StatusInternalServerError, "internal", "Internal error")
}

// failureProblem is what a client hears of a command that failed with a cause.
func failureProblem(c cti.Cause) *problem {
	switch c {
	case cti.CauseNotFound:
		return problemOf(ErrNotFound)
	case cti.CauseOverload, cti.CauseUnreachable, cti.CauseShutdown:
		return problemOf(ErrUnavailable)
	case cti.CauseFailed:
		return newProblem(http.StatusInternalServerError, "internal", "Internal error")
	}
	p := problemOf(ErrIllegalState)
	p.Detail = string(c)
	return p
}

// causeOf is the cause that the audit of a failed command carries.
func causeOf(err error) cti.Cause {
	var failure *cti.Failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure):
		return failure.Cause
	}
	switch problemOf(err).Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return cti.CauseForbidden
	case http.StatusNotFound:
		return cti.CauseNotFound
	case http.StatusServiceUnavailable:
		return cti.CauseUnreachable
	case http.StatusInternalServerError:
		return cti.CauseFailed
	}
	return cti.CauseRejected
}

func (p *problem) write(w http.ResponseWriter) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter/time.Second)+1))
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}

func writeJSON(w http.ResponseWriter, mediaType string, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b)
}
