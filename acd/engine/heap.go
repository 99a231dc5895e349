package engine

// A node sits in at most one heap and knows where: index returns the address of
// its position, -1 outside. before must be a total order.
type node[T any] interface {
	before(T) bool
	index() *int
}

// A heap is a binary heap whose first element is the one before all others.
type heap[T node[T]] []T

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	*x.index() = len(*h) - 1
	h.up(len(*h) - 1)
}

// remove takes x out; it must be in h.
func (h *heap[T]) remove(x T) {
	s := *h
	i, last := *x.index(), len(s)-1
	*x.index() = -1
	if i != last {
		s[i] = s[last]
		*s[i].index() = i
	}
	var none T
	s[last] = none
	*h = s[:last]
	if i != last {
		h.fix(i)
	}
}

// fix restores the order after the element at i changed.
func (h *heap[T]) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) up(i int) {
	s := *h
	x := s[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !x.before(s[parent]) {
			break
		}
		s[i] = s[parent]
		*s[i].index() = i
		i = parent
	}
	s[i] = x
	*x.index() = i
}

func (h *heap[T]) down(i int) bool {
	s := *h
	x, start := s[i], i
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if right := child + 1; right < len(s) && s[right].before(s[child]) {
			child = right
		}
		if !s[child].before(x) {
			break
		}
		s[i] = s[child]
		*s[i].index() = i
		i = child
	}
	s[i] = x
	*x.index() = i
	return i > start
}
