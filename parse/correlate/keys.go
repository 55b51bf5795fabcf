package correlate

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"why503/parse"
)

// Kinds of keys, so that a connection 7 is not a transaction 7.
const (
	keyVXID   = 'v' // the transaction, and whoever carries its id in X-Varnish
	keyParent = 'p' // the transaction that began it
	keyID     = 'i' // request id or trace id, whoever made it
	keyConn   = 'c' // program and its number for the client connection
	keyURL    = 'u' // method and path without query, of a request or fetch
	keyLine   = 'l' // the same, of a program's line: few, and asked for by themselves
)

func numberKey(kind byte, program parse.Program, n uint64) Key {
	var b [10]byte
	b[0], b[1] = kind, byte(program)
	binary.LittleEndian.PutUint64(b[2:], n)
	return Key(xxh3.Hash(b[:]))
}

func vxidKey(vxid uint64) Key   { return numberKey(keyVXID, 0, vxid) }
func parentKey(vxid uint64) Key { return numberKey(keyParent, 0, vxid) }

func connKey(p parse.Program, conn uint64) Key { return numberKey(keyConn, p, conn) }

func idKey(id []byte) Key { return Key(xxh3.HashSeed(id, keyID)) }

func urlKey(method, url []byte) Key  { return pathKey(keyURL, method, url) }
func lineKey(method, url []byte) Key { return pathKey(keyLine, method, url) }

func pathKey(kind uint64, method, url []byte) Key {
	return Key(xxh3.HashSeed(pathOf(url), kind+uint64(len(method))<<8+uint64(firstByte(method))<<16))
}

func firstByte(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// pathOf cuts the query off a URL.
func pathOf(url []byte) []byte {
	if i := bytes.IndexByte(url, '?'); i >= 0 {
		return url[:i]
	}
	return url
}

// Every is the key of all Records of requests: who asks for it is after what
// was going on in a stretch of time.
const Every Key = 0

// AppendKeys appends everything that r can be found by, except Every.
func AppendKeys(keys []Key, r *parse.Record) []Key {
	if r.VXID != 0 {
		keys = append(keys, vxidKey(r.VXID))
	}
	if r.Tx != nil && r.Tx.Parent != 0 && r.Tx.Type != parse.TxSession {
		keys = append(keys, parentKey(r.Tx.Parent))
	}
	for _, id := range [...][]byte{r.RequestID, r.OwnID, r.TraceID} {
		if len(id) > 0 {
			keys = append(keys, idKey(id))
		}
	}
	if r.ConnID != 0 && r.Tx == nil {
		keys = append(keys, connKey(r.Program, r.ConnID))
	}
	switch {
	case len(r.Method) == 0 || len(r.URL) == 0:
	case r.Kind == parse.KindLog:
		keys = append(keys, lineKey(r.Method, r.URL))
	default:
		keys = append(keys, urlKey(r.Method, r.URL))
	}
	return keys
}
