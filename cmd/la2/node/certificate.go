package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/lineaamica/la2/configs"
)

// renewal is how old a look at the files of certificates may be.
const renewal = 10 * time.Second

// A keyring serves the certificate files of a node. Renewed files are read without
// a restart; while they are not good the old ones stay. Safe for concurrent use.
type keyring struct {
	files configs.TLS
	log   *slog.Logger

	mu     sync.Mutex // guards all below
	now    *tls.Config
	stamp  string // of the files of now
	looked time.Time
}

// newKeyring reads the files, nil when the configuration names none.
func newKeyring(files configs.TLS, log *slog.Logger) (*keyring, error) {
	if files.Certificate == "" {
		return nil, nil
	}
	k := &keyring{files: files, log: log}
	stamp, err := k.stamps()
	if err != nil {
		return nil, err
	}
	if k.now, err = k.load(); err != nil {
		return nil, err
	}
	k.stamp, k.looked = stamp, time.Now()
	return k, nil
}

// server is for listeners.
func (k *keyring) server() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.current(), nil }}
}

// certificate is ours for servers that ask for one.
func (k *keyring) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return &k.current().Certificates[0], nil
}

// current looks at the files now and then.
func (k *keyring) current() *tls.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < renewal {
		return k.now
	}
	k.looked = time.Now()
	stamp, err := k.stamps()
	if err == nil && stamp == k.stamp {
		return k.now
	}
	var fresh *tls.Config
	if err == nil {
		fresh, err = k.load()
	}
	if err != nil {
		k.log.Error("renewed certificate not usable, the old one stays", "error", err)
		return k.now
	}
	k.log.Info("certificate renewed", "until", fresh.Certificates[0].Leaf.NotAfter)
	k.now, k.stamp = fresh, stamp
	return fresh
}

// stamps changes when a file does.
func (k *keyring) stamps() (string, error) {
	var out string
	for _, path := range []string{k.files.Certificate, k.files.Key, k.files.ClientCA} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("certificate file %s: %w", path, bare(err))
		}
		out += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), ";")
	}
	return out, nil
}

func (k *keyring) load() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(k.files.Certificate, k.files.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", k.files.Certificate, k.files.Key, bare(err))
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}
	if k.files.ClientCA == "" {
		return cfg, nil
	}
	if cfg.ClientCAs, err = authorities(k.files.ClientCA); err != nil {
		return nil, err
	}
	cfg.ClientAuth = tls.VerifyClientCertIfGiven
	if k.files.Clients == "required" {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return cfg, nil
}

// authorities reads the certificates of a PEM file.
func authorities(path string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("authorities %s: %w", path, bare(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("authorities %s: no certificate in PEM form", path)
	}
	return pool, nil
}

// bare leaves out the path, which the message says already.
func bare(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// outward is how we connect to servers over TLS.
func (k *keyring) outward(files configs.TLS) (*tls.Config, error) {
	cfg := &tls.Config{}
	if k != nil {
		cfg.GetClientCertificate = k.certificate
	}
	if files.Roots == "" {
		return cfg, nil
	}
	var err error
	cfg.RootCAs, err = authorities(files.Roots)
	return cfg, err
}
