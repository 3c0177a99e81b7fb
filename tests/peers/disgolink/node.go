package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// node is the test node, in a process of its own: a line for each order, a line for each answer.
type node struct {
	orders  io.Writer
	answers *bufio.Scanner
	port    string
}

func start(program string) (*node, error) {
	command := exec.Command(program)
	command.Stderr = os.Stderr
	orders, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	n := &node{orders: orders, answers: bufio.NewScanner(answers)}
	n.port = n.answer()
	return n, nil
}

func (n *node) ask(order string) string {
	fmt.Fprintln(n.orders, order)
	return n.answer()
}

func (n *node) answer() string {
	if !n.answers.Scan() {
		return "the node has ended"
	}
	return n.answers.Text()
}

// until waits until the node gives an answer, and says what it gave instead.
func (n *node) until(order string, wanted string) error {
	var answer string
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if answer = n.ask(order); answer == wanted {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the node answers %q to %q, and not %q", answer, order, wanted)
}

// step runs one step and prints what became of it.
func step(name string, run func() error) {
	if err := run(); err != nil {
		fmt.Printf("%s: failed: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("%s: ok\n", name)
}
