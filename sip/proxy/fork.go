package proxy

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// Most challenges of other branches that go with the one that is passed on (RFC 3261 16.7 step 7).
const maxChallenges = 6

// A Plan is where a request goes: groups of targets, one group after the other, the targets of a
// group at the same time (RFC 3261 16.6, 16.7).
type Plan struct {
	Groups [][]Target
	// Ring is how long a group may ring before the next one gets its turn. 0: until timer C.
	Ring time.Duration
	// Patience is how long a group may say nothing at all, not even 100, before the next one gets
	// its turn. 0: 3 s.
	Patience time.Duration
	// Failover says that the groups are servers of the same domain (RFC 3263 4.3): the next one is
	// tried when a server is silent, unreachable or says 503, not when it refuses.
	Failover bool
	// Redirect says where the Contact of a 3xx leads when it is to be followed (RFC 3261 16.7
	// step 4). nil: a 3xx is passed on.
	Redirect func(contact []byte) (Target, bool)
	// Seen is told what the caller is told; nil is nobody.
	Seen Seen
}

// A fork is the response context of one request (16.7). It belongs to the shard.
type fork struct {
	p        *Proxy
	tx       *transaction.Server
	m        *wire.Message // as it came; ours
	plan     Plan
	at       int // the next group
	stage    stage
	branches []branch
	first    int           // the branches from here on are of the group tried last
	waited   time.Duration // since that group was tried, at the next alarm
	breadth  int           // Max-Breadth of m (RFC 5393 5.3)

	status     int          // of the best final response; 0: none yet
	best       []byte       // it, without our Via; nil when it is our own
	challenges []wire.Field // of all 401 and 407
	asking     int          // how many of these there were
}

type branch struct {
	tx    transaction.Branch
	open  bool // owes its final response
	left  bool // it is not waited for: its time was up
	heard bool // said something
}

// Fork sends the new request of tx, which is m, by plan, and answers tx with what 16.7 chooses. It
// runs on the shard; m need not be Wire and is not kept. A plan without a target is answered 480.
func (p *Proxy) Fork(tx *transaction.Server, m *wire.Message, plan Plan) {
	groups := make([][]Target, 0, len(plan.Groups))
	n := 0
	for _, g := range plan.Groups {
		if len(g) > 0 {
			groups = append(groups, g)
			n += len(g)
		}
	}
	plan.Groups = groups
	switch {
	case tx.Cancelled():
		tx.Refuse(m, 487, "")
		plan.Seen.tell(487, nil)
	case n == 0:
		tx.Refuse(m, 480, "")
		plan.Seen.tell(480, nil)
	case n == 1 && plan.Redirect == nil:
		p.forward(tx, m, p.hopTo(m, tx.Flow(), groups[0][0]), plan.Seen)
	default:
		p.fork(tx, m, plan)
	}
}

func (p *Proxy) fork(tx *transaction.Server, m *wire.Message, plan Plan) {
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	status := p.check(w, tx, m)
	own := new(wire.Message)
	if status == 0 && own.Parse(slices.Clone(m.Raw())) != nil {
		status = 500
		tx.Refuse(m, 500, "")
	}
	if status != 0 {
		plan.Seen.tell(status, nil)
		return
	}
	fk := &fork{p: p, tx: tx, m: own, plan: plan, breadth: breadthOf(own)}
	fk.next()
}

// next forwards to the next group.
func (fk *fork) next() {
	group := fk.plan.Groups[fk.at]
	fk.at++
	breadths := shares(fk.breadth-fk.count(func(b branch) bool { return b.open }), len(group))
	if breadths == nil {
		fk.at = len(fk.plan.Groups)
		fk.take(refuses, 440, nil)
		return
	}
	fk.first, fk.waited = len(fk.branches), 0
	for range group {
		fk.branches = append(fk.branches, branch{open: true})
	}
	first := fk.first
	fk.watch(fk.patience())
	for i, to := range group { // one that fails at once may end it all
		b := &fk.branches[first+i]
		if fk.stage != seeking {
			b.open = false
			continue
		}
		h := fk.p.hopTo(fk.m, fk.tx.Flow(), to)
		h.breadth = breadths[i]
		tx := fk.launch(h, first+i)
		fk.branches[first+i].tx = tx
	}
}

func (fk *fork) launch(h hop, i int) transaction.Branch {
	w := fk.p.works.Get().(*work)
	defer fk.p.works.Put(w)
	fk.p.loop(w, fk.m)
	return fk.p.launch(w, fk.tx, fk.m, h, func(_ *transaction.Server, a transaction.Forwarded) { fk.back(i, a) })
}

func (fk *fork) patience() time.Duration {
	if fk.plan.Patience > 0 {
		return fk.plan.Patience
	}
	return 3 * time.Second
}

// watch sets the alarm of the group, when another one could follow.
func (fk *fork) watch(d time.Duration) {
	if fk.at == len(fk.plan.Groups) {
		d = 0
	}
	fk.waited += d
	fk.tx.Alarm(d, fk.alarm)
}

// alarm is called when the group may have been silent for too long, and when it rang for long enough.
func (fk *fork) alarm() {
	fk.noticeCancel()
	heard := slices.ContainsFunc(fk.branches[fk.first:], func(b branch) bool { return b.heard })
	left := fk.plan.Ring - fk.waited
	switch {
	case !heard, !fk.plan.Failover && fk.plan.Ring > 0 && left <= 0:
		fk.take(timeIsUp, 0, nil)
	case !fk.plan.Failover && left > 0:
		fk.watch(left)
	}
}

func (fk *fork) count(which func(branch) bool) (n int) {
	for _, b := range fk.branches {
		if which(b) {
			n++
		}
	}
	return n
}

// noticeCancel takes the CANCEL that the transaction layer has sent on.
func (fk *fork) noticeCancel() {
	if fk.tx.Cancelled() && fk.stage == seeking {
		fk.take(cancelled, 0, nil)
	}
}

// back takes what came for branch i.
func (fk *fork) back(i int, a transaction.Forwarded) {
	fk.noticeCancel()
	b := &fk.branches[i]
	b.heard = true
	if a.Err != nil {
		b.open = false
		status := 503 // a broken path (16.9)
		if errors.Is(a.Err, transaction.ErrTimeout) {
			status = 408
		}
		fk.take(refuses, status, nil)
		return
	}
	m := a.Response
	status := m.Status()
	switch {
	case status == 100 || !m.MoreVia() || status < 200 && b.left:
	case status < 200:
		fk.take(rings, status, m)
	case status < 300:
		b.open = false
		fk.take(accepts, status, m)
	case status < 400 && fk.redirected(m):
		b.open = false
		fk.take(refuses, 0, nil)
	case status < 600:
		b.open = false
		fk.take(refuses, status, m)
	default:
		b.open = false
		fk.take(forbids, status, m)
	}
}

// take is one turn of the response context. m is the response with status, nil for one of our own.
func (fk *fork) take(t turn, status int, m *wire.Message) {
	more := fk.at < len(fk.plan.Groups)
	if fk.plan.Failover && t == refuses && status != 408 && status != 503 && status != 0 {
		more = false // an answer of the domain, whichever server gave it
	}
	s, moves := step(fk.stage, t, fk.count(func(b branch) bool { return b.open && !b.left }) > 0, more)
	fk.stage = s
	if moves&pass != 0 {
		fk.p.returns(fk.tx, m)
		fk.plan.Seen.tell(status, m)
	}
	if moves&keep != 0 {
		fk.offer(status, m)
	}
	if moves&cancel != 0 {
		fk.cancelOpen(t == timeIsUp)
	}
	switch {
	case moves&next != 0:
		fk.next()
	case moves&finish != 0:
		fk.finish()
	case s != seeking:
		fk.tx.Alarm(0, nil)
	}
}

func (fk *fork) cancelOpen(leave bool) {
	for i := range fk.branches {
		if b := &fk.branches[i]; b.open && b.tx != (transaction.Branch{}) {
			b.left = b.left || leave
			b.tx.Cancel("")
		}
	}
}

// offer keeps a final response if it is the best so far, and the challenges of all (16.7 step 7).
func (fk *fork) offer(status int, m *wire.Message) {
	if status == 401 || status == 407 {
		fk.asking++
		for _, name := range [...]string{"WWW-Authenticate", "Proxy-Authenticate"} {
			for _, v := range m.Values(name) {
				if f := (wire.Field{Name: name, Value: string(v)}); len(fk.challenges) < maxChallenges && !slices.Contains(fk.challenges, f) {
					fk.challenges = append(fk.challenges, f)
				}
			}
		}
	}
	if status == 0 || !better(status, fk.status) {
		return
	}
	fk.status, fk.best = status, nil
	if m != nil {
		w := fk.p.works.Get().(*work)
		defer fk.p.works.Put(w)
		fk.best = slices.Clone(popped(w, m))
	}
}

// finish answers with the best response.
func (fk *fork) finish() {
	fk.tx.Alarm(0, nil)
	switch {
	case fk.best != nil:
		fk.answer()
	case fk.tx.Cancelled():
		fk.tx.Refuse(fk.m, 487, "")
	case fk.status == 440:
		fk.tx.Refuse(fk.m, 440, "Max-Breadth Exceeded")
	default:
		fk.p.fails(fk.tx, fk.m, fk.status)
	}
	status := fk.status
	if status == 0 || fk.best == nil && fk.tx.Cancelled() {
		status = 487
	}
	fk.plan.Seen.tell(status, nil)
}

// answer passes the best response on, with the challenges of the others when it is one itself.
func (fk *fork) answer() {
	var m wire.Message
	if m.Parse(fk.best) != nil {
		fk.p.fails(fk.tx, fk.m, 503)
		return
	}
	var e wire.Edit
	e.Reset(&m)
	if fk.asking > 1 && (fk.status == 401 || fk.status == 407) {
		e.Delete("WWW-Authenticate")
		e.Delete("Proxy-Authenticate")
		for _, f := range fk.challenges {
			e.Add(f.Name, f.Value)
		}
	}
	fk.p.responds(fk.tx, &e, fk.status, m.CSeqMethod() == wire.Invite)
}

// redirected follows a 3xx, as far as policy allows: its contacts are the next group.
func (fk *fork) redirected(m *wire.Message) bool {
	if fk.plan.Redirect == nil || fk.stage != seeking {
		return false
	}
	var group []Target
	for _, v := range m.Values("Contact") {
		for len(v) > 0 {
			a, rest, ok := wire.NextAddress(v)
			if !ok {
				break
			}
			v = rest
			if to, ok := fk.plan.Redirect(a.URI); ok && len(group) < maxContacts {
				group = append(group, to)
			}
		}
	}
	if len(group) == 0 || fk.at > maxContacts {
		return false
	}
	fk.plan.Groups = slices.Insert(slices.Clone(fk.plan.Groups), fk.at, group)
	return true
}

// Most contacts of one redirection, and most groups after which one is followed.
const maxContacts = 8

// maxBreadth is Max-Breadth of a request that has none (RFC 5393 5.3.3).
const maxBreadth = 60

// breadthOf returns Max-Breadth of m; 0 when it cannot be read.
func breadthOf(m *wire.Message) int {
	v := m.Header("Max-Breadth")
	if v == nil {
		return maxBreadth
	}
	n, err := strconv.ParseUint(string(v), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// shares splits breadth over n branches as evenly as it goes; nil when one would get nothing.
func shares(breadth, n int) []int {
	if breadth < n {
		return nil
	}
	out := make([]int, n)
	for i := range out {
		out[i] = breadth / n
		if i < breadth%n {
			out[i]++
		}
	}
	return out
}
