package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/lineaamica/la2/cti/server"
)

type userCmd struct {
	User string `arg:"" optional:"" help:"Log-in name, to print a ready configuration line."`
}

// Run asks for a password twice (or reads one line when standard input is no
// terminal) and prints its hash.
func (c userCmd) Run() error {
	password, err := readPassword(os.Stdin)
	if err != nil {
		return err
	}
	hash, err := server.HashPassword(password)
	if err != nil {
		return err
	}
	if c.User == "" {
		fmt.Println(hash)
		return nil
	}
	fmt.Printf("- user: %q\n  name: \"\"\n  password_hash: %q\n  roles: [agent]\n", c.User, hash)
	return nil
}

func readPassword(in *os.File) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		text, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(text, "\r\n"), nil
	}
	fmt.Fprint(os.Stderr, "Password: ")
	first, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, "\nAgain: ")
	second, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr)
	if string(first) != string(second) {
		return "", errors.New("the two passwords differ")
	}
	return string(first), nil
}
