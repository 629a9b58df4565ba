// Checks a tlog-tiles log, or one proof, with the torchwood library: code of a log's maker that is not ours.
//
//	torchverify log POLICY FOLDER
//	torchverify proof POLICY LEAF PROOF
//
// It prints ACCEPT with size and root, or REJECT with the reason and ends with 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("REJECT", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: torchverify log POLICY FOLDER | proof POLICY LEAF PROOF")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	switch {
	case args[0] == "log" && len(args) == 3:
		return checkLog(policy, args[2])
	case args[0] == "proof" && len(args) == 4:
		return checkProof(policy, args[2], args[3])
	}
	return errors.New("unknown words")
}

func checkLog(policy torchwood.Policy, folder string) error {
	note, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(note, policy)
	if err != nil {
		return err
	}
	tiles, err := torchwood.NewTileFS(os.DirFS(folder))
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(tiles)
	if err != nil {
		return err
	}
	next := int64(0)
	// Entries would stop before a bundle that is not full.
	for index := range client.AllEntries(context.Background(), checkpoint.Tree, 0) {
		if index != next {
			return fmt.Errorf("entry %d came in place of %d", index, next)
		}
		next++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if next != checkpoint.N {
		return fmt.Errorf("%d entries of %d", next, checkpoint.N)
	}
	fmt.Println("ACCEPT", checkpoint.N, checkpoint.Hash)
	return nil
}

func checkProof(policy torchwood.Policy, leafFile, proofFile string) error {
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	proof, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(leaf), proof); err != nil {
		return err
	}
	fmt.Println("ACCEPT")
	return nil
}
