package registrar_test

import (
	"fmt"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/registrar"
)

func Example() {
	v, err := digest.New(digest.Config{Realm: "la2"}, func(user string) (digest.HA1, bool) {
		return digest.Password("la2", user, "demo-"+user), user == "1001"
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	table := location.NewTable(location.Config{})
	r, err := registrar.New(registrar.Config{Domains: []string{"la2.example"}}, table, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Who reads the flows sends r.Answer(nil, f, m) for each REGISTER m.
	fmt.Println(r.Stats().Accepted, table.Len())
	// Output: 0 0
}
