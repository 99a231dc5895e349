package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lineaamica/la2/cti/server"
)

type statusCmd struct {
	URL   string `default:"http://127.0.0.1:8080" help:"The node's HTTP address."`
	Token string `env:"LA2_STATUS_TOKEN" placeholder:"TOKEN" help:"Status token; default: the one a node of this user left on this machine."`
	JSON  bool   `name:"json" help:"Print JSON instead of tables."`
	Unban string `placeholder:"ADDRESS" help:"End the ban of a SIP source, and print nothing."`
}

// Run prints what the node says of itself.
func (c statusCmd) Run() error {
	if c.Token == "" {
		c.Token = savedToken(c.URL)
	}
	method, path := http.MethodGet, "/cti/v1/status"
	if c.Unban != "" {
		method, path = http.MethodDelete, "/cti/v1/bans/"+url.PathEscape(c.Unban)
	}
	req, err := http.NewRequest(method, strings.TrimRight(c.URL, "/")+path, nil)
	if err != nil {
		return fmt.Errorf("--url %s: not an address", c.URL)
	}
	req.Header.Set("X-LA2", "1")
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("no node answers at %s: is it running?", c.URL)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return err
	}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return nil
	case http.StatusNotFound:
		return fmt.Errorf("--unban %s: it is not banned", c.Unban)
	case http.StatusBadRequest:
		return fmt.Errorf("--unban %s: want an IP address", c.Unban)
	case http.StatusUnauthorized, http.StatusForbidden:
		return errors.New("the node refused: give its status token with --token or LA2_STATUS_TOKEN")
	default:
		return fmt.Errorf("the node answered %s", res.Status)
	}
	if c.JSON {
		fmt.Println(strings.TrimSpace(string(raw)))
		return nil
	}
	var s server.Status
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("the node's answer is not understood: %w", err)
	}
	printStatus(os.Stdout, s)
	return nil
}

func printStatus(out io.Writer, s server.Status) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "%s\t%s\tup %s\t%d calls\n", s.Site.IPA, s.Site.Name, (time.Duration(s.UptimeMS) * time.Millisecond).Round(time.Second), s.Calls)
	fmt.Fprintln(w, "\nQUEUE\tWAITING\tLONGEST\tOFFERED\tANSWERED\tABANDONED\tREDIRECTED\tAGENTS")
	for _, q := range s.Queues {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n", q.Queue, q.Waiting, (time.Duration(q.LongestMS) * time.Millisecond).Round(time.Second),
			q.Offered, q.Answered, q.Abandoned, q.Redirected, counts(s, string(q.Queue)))
	}
	fmt.Fprintln(w, "\nTRUNK\tSTATE\tSINCE\tCALLS\tREGISTRATION\tLAST FAILURE")
	for _, t := range s.Trunks {
		state := "down"
		if t.Up {
			state = "up"
		}
		fault := ""
		if t.Fault != "" {
			fault = at(t.FaultAt) + " " + t.Fault
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", t.Name, state, at(t.Since), t.Calls, t.Registration, fault)
	}
	if len(s.Bans) == 0 {
		return
	}
	fmt.Fprintln(w, "\nBANNED\tREASON\tSINCE\tUNTIL\tTIMES\tDROPPED")
	for _, b := range s.Bans {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\n", strings.TrimSuffix(b.Source, "/32"), b.Reason,
			b.Since.Local().Format(time.DateTime), b.Until.Local().Format(time.DateTime), b.Times, b.Dropped)
	}
}

// at is a time of today, or a day; "" for never.
func at(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case time.Since(t) < 12*time.Hour:
		return t.Local().Format("15:04:05")
	}
	return t.Local().Format("2006-01-02 15:04")
}

func counts(s server.Status, queue string) string {
	var parts []string
	for q, states := range s.Agents {
		if string(q) != queue {
			continue
		}
		for state, n := range states {
			parts = append(parts, fmt.Sprintf("%s %d", state, n))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

// tokenFile is where a running node leaves its status token for its own user.
func tokenFile(httpAddress string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "la2", "status-"+strings.NewReplacer(":", "-", "[", "", "]", "").Replace(httpAddress)), nil
}

func savedToken(url string) string {
	file, err := tokenFile(strings.TrimRight(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		return ""
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// saveToken leaves the token readable for its own user only; forget removes it.
func saveToken(httpAddress, token string) (forget func(), err error) {
	file, err := tokenFile(httpAddress)
	if err != nil {
		return func() {}, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return func() {}, err
	}
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		return func() {}, err
	}
	return func() { _ = os.Remove(file) }, nil
}
