// Audits a log in a folder with the log client of the Go project (golang.org/x/mod/sumdb), which shares nothing with
// ours: signature, every tile against the signed root, every entry against its leaf, growth from older checkpoints.
//
//	audit VKEY FOLDER [OLDER-CHECKPOINT...]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// The Go project's own logs have the height in the path of a tile, tlog-tiles has not.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func main() {
	if err := audit(os.Args[1], folder(os.Args[2]), os.Args[3:]); err != nil {
		fmt.Println("BAD:", err)
		os.Exit(1)
	}
}

func audit(vkey string, log folder, older []string) error {
	tree, err := open(vkey, filepath.Join(string(log), "checkpoint"))
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, log)
	for n := int64(0); n*256 < tree.N; n++ {
		width := min(256, tree.N-n*256)
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, n*256+int64(i))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		entries, err := bundle(log, n, int(width))
		if err != nil {
			return err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return fmt.Errorf("entry %d is not the leaf", n*256+int64(i))
			}
		}
	}
	// Tiles above the leaves that no entry has needed yet are read too.
	for level := 1; tree.N>>(level*height) > 0; level++ {
		for i := int64(0); i < tree.N>>(level*height); i++ {
			if _, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(level*height, i)}); err != nil {
				return err
			}
		}
	}
	for _, path := range older {
		old, err := open(vkey, path)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return err
		}
	}
	fmt.Println("good:", tree.N)
	return nil
}

func open(vkey, path string) (tree tlog.Tree, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tree, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("no checkpoint of %s", verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("the root is no hash")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func bundle(log folder, n int64, width int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: n, W: width}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(string(log), path))
	if err != nil {
		return nil, err
	}
	entries := make([][]byte, width)
	for i := range entries {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends early", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries[i], data = data[2:end], data[end:]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%s goes on", path)
	}
	return entries, nil
}
