package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
)

// A peer is one relay to measure. start runs it for far ends on ports a and b and
// returns, besides its process, the two ports of each call.
type peer struct {
	name  string
	start func(a, b uint16) (process, [][2]uint16, error)
}

// A process is a running relay; stop ends it.
type process struct {
	pid  int
	stop func()
}

func findPeers(dir string) ([]peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peers := []peer{{"la2", func(a, b uint16) (process, [][2]uint16, error) {
		return ported(exec.Command(self, "-calls", fmt.Sprint(*calls), "-serve", fmt.Sprintf("%d,%d", a, b)))
	}}}
	bin := filepath.Join(dir, "floor")
	switch cc, err := exec.LookPath("cc"); {
	case err != nil:
		fmt.Fprintln(os.Stderr, "missing: cc, no floor (Debian: apt-get install gcc)")
	default:
		if out, err := exec.Command(cc, "-O2", "-o", bin, *floorC).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", *floorC, err, out)
		}
		peers = append(peers, peer{"floor", func(a, b uint16) (process, [][2]uint16, error) {
			return ported(exec.Command(bin, fmt.Sprint(*calls), fmt.Sprint(a), fmt.Sprint(b)))
		}})
	}
	if _, err := exec.LookPath("rtpengine"); err != nil {
		fmt.Fprintln(os.Stderr, "missing: rtpengine, not compared (Debian: apt-get install rtpengine-daemon)")
		return peers, nil //nolint:nilerr // not installed: measured without it
	}
	return append(peers, peer{"rtpengine", startRTPEngine}), nil
}

// ported starts a relay that prints its ports and ends when its input closes.
func ported(cmd *exec.Cmd) (process, [][2]uint16, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return process{}, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return process{}, nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return process{}, nil, err
	}
	p := process{pid: cmd.Process.Pid, stop: func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			fmt.Fprintln(os.Stderr, "bench relay:", err)
		}
	}}
	ports := make([][2]uint16, *calls)
	r := bufio.NewReader(out)
	for i := range ports {
		if _, err := fmt.Fscan(r, &ports[i][0], &ports[i][1]); err != nil {
			p.stop()
			return process{}, nil, fmt.Errorf("ports: %w", err)
		}
	}
	return p, ports, nil
}

// beRelay is the relay of LA2 in a process of its own.
func beRelay() error {
	var a, b uint16
	if _, err := fmt.Sscanf(*serve, "%d,%d", &a, &b); err != nil {
		return err
	}
	ip := netip.MustParseAddr("127.0.0.1")
	r, err := relay.New(relay.Config{IP: ip, PortMin: 33000, PortMax: 59999, Timeout: -1})
	if err != nil {
		return err
	}
	defer r.Shutdown()
	far := func(port uint16) relay.Remote {
		return relay.Remote{Addr: netip.AddrPortFrom(ip, port), Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 101, Send: true, Recv: true}
	}
	for i := range *calls {
		call := cti.CallID(fmt.Sprint("call", i))
		la, pa, err := r.Open(call)
		if err != nil {
			return err
		}
		lb, pb, err := r.Open(call)
		if err != nil {
			return err
		}
		if err := r.Bridge(la, lb); err != nil {
			return err
		}
		r.SetRemote(la, far(a))
		r.SetRemote(lb, far(b))
		fmt.Println(pa.Port(), pb.Port())
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

const ngAddr = "127.0.0.1:22223"

// startRTPEngine runs rtpengine in user space and sets the calls up by its NG
// control protocol (bencoded dictionaries over UDP).
func startRTPEngine(a, b uint16) (process, [][2]uint16, error) {
	cmd := exec.Command("rtpengine", "--interface=127.0.0.1", "--listen-ng="+ngAddr, "--table=-1", "--foreground", "--log-stderr",
		"--log-level=1", "--num-threads=2", "--port-min=33000", "--port-max=59999", "--timeout=600", "--silent-timeout=3600", "--delete-delay=0")
	if err := cmd.Start(); err != nil {
		return process{}, nil, err
	}
	p := process{pid: cmd.Process.Pid, stop: func() {
		cmd.Process.Signal(os.Interrupt)
		ended := time.AfterFunc(3*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		ended.Stop()
	}}
	ports, err := ngCalls(a, b)
	if err != nil {
		p.stop()
		return process{}, nil, err
	}
	return p, ports, nil
}

func ngCalls(a, b uint16) ([][2]uint16, error) {
	c, err := net.Dial("udp4", ngAddr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ports := make([][2]uint16, *calls)
	for i := range ports {
		id := fmt.Sprint("la2bench", i)
		if ports[i][1], err = ng(c, "offer", id, a); err != nil {
			return nil, err
		}
		if ports[i][0], err = ng(c, "answer", id, b); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

// ng sends one offer or answer with our port and returns the port that rtpengine
// put in its place.
func ng(c net.Conn, command, id string, port uint16) (uint16, error) {
	body := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8\r\n", port)
	d := "d"
	for _, kv := range [][2]string{{"call-id", id}, {"command", command}, {"from-tag", "a"}, {"sdp", body}, {"to-tag", "b"}} {
		if command == "offer" && kv[0] == "to-tag" {
			continue
		}
		d += fmt.Sprintf("%d:%s%d:%s", len(kv[0]), kv[0], len(kv[1]), kv[1])
	}
	cookie := command + id
	buf := make([]byte, 65536)
	for range 20 { // it may still be starting
		c.Write([]byte(cookie + " " + d + "e"))
		c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Read(buf)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		answer, ok := strings.CutPrefix(string(buf[:n]), cookie+" ")
		_, m, found := strings.Cut(answer, "m=audio ")
		var got uint16
		if _, err := fmt.Sscan(m, &got); ok && found && err == nil {
			return got, nil
		}
	}
	return 0, errors.New("rtpengine does not answer")
}
