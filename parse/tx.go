package parse

// A TxType is the type in the head of a Varnish transaction.
type TxType uint8

const (
	TxNone    TxType = iota
	TxSession        // << Session >>, Begin sess
	TxRequest        // << Request >>, Begin req
	TxFetch          // << BeReq >>,   Begin bereq
	TxOther          // records of VXID 0: probes, CLI, accept errors
)

// A TxReason is why a transaction began: the last word of its Begin.
type TxReason uint8

const (
	ReasonNone       TxReason = iota
	ReasonClient              // rxreq: came from a client
	ReasonRestart             // parent is the request before the restart
	ReasonESI                 // parent is the including request
	ReasonFetch               // bereq of a miss
	ReasonPass                // bereq of a pass
	ReasonBackground          // bereq that refreshes behind a stale answer
	ReasonRetry               // parent is the bereq before the retry
	ReasonPipe
	ReasonOther
)

// A Handling is what Varnish did with a client request.
type Handling uint8

const (
	HandlingNone Handling = iota
	HandlingHit
	HandlingMiss
	HandlingPass
	HandlingHitMiss
	HandlingHitPass
	HandlingPipe
	HandlingSynth
)

// A Tx is what a Varnish transaction says beyond what every Record has.
// Its slices live as long as the Record's.
type Tx struct {
	Type     TxType
	Reason   TxReason
	ESILevel int
	Parent   uint64 // VXID in Begin
	Links    []TxLink
	Handling Handling
	HitVXID  uint64 // transaction that stored the object that was hit, or that left the hit-for-miss

	// Calls and Returns hold the VCL states and verdicts that were seen.
	Calls   TxCalls
	Returns TxReturns

	Stamps []Stamp // Timestamp records, in order
	// Statuses are all BerespStatus (of a fetch) or RespStatus (of a request)
	// values, in order: the last is what came out, an earlier one what the
	// origin said before VCL made an error of it.
	Statuses   []int
	ReasonText []byte // last BerespReason or RespReason
	Listen     []byte // address:port that the client connected to (SessOpen), of a session

	Backend  []byte // name of the last backend that was tried or named in an error
	Opens    []BackendConn
	Closed   bool   // a BackendClose other than recycle was seen
	BodyMode []byte // Fetch_Body: none, length, chunked, eof
	Streamed bool
	BodySent int64 // bytes of ReqAcct or BereqAcct, -1 when not known
}

// A TxLink is a Link record: a transaction that this one started.
type TxLink struct {
	Type   TxType
	Reason TxReason
	VXID   uint64
}

// A Stamp is a Timestamp record. Start is the time since the transaction began.
type Stamp struct {
	Name  StampName
	At    Time
	Since int64 // ns since the start of the transaction
	Last  int64 // ns since the stamp before
}

// A StampName is the label of a Timestamp record.
type StampName uint8

const (
	StampOther StampName = iota
	StampStart
	StampReq
	StampReqBody
	StampWaitinglist
	StampFetch
	StampConnected
	StampBereq
	StampBeresp
	StampBerespBody
	StampError
	StampRetry
	StampRestart
	StampProcess
	StampResp
	StampPipe
	StampPipeSess
	StampReset
)

// A BackendConn is a BackendOpen record.
type BackendConn struct {
	Name                   []byte
	RemoteAddr, RemotePort []byte
	LocalAddr, LocalPort   []byte
	Reused                 bool
	Age                    int64 // ns the connection had been idle; -1 where the version does not say
}

// TxCalls is a set of VCL states (VCL_call).
type TxCalls uint32

const (
	CallRecv TxCalls = 1 << iota
	CallHash
	CallHit
	CallMiss
	CallPass
	CallPipe
	CallPurge
	CallSynth
	CallDeliver
	CallBackendFetch
	CallBackendResponse
	CallBackendError
	CallBackendRefresh
)

// TxReturns is a set of VCL verdicts (VCL_return).
type TxReturns uint32

const (
	ReturnFail TxReturns = 1 << iota
	ReturnSynth
	ReturnAbandon
	ReturnError
	ReturnRetry
	ReturnRestart
	ReturnPipe
	ReturnPass
	ReturnPurge
)

// Stamp returns the first stamp of that name and whether there is one.
func (t *Tx) Stamp(name StampName) (Stamp, bool) {
	for _, s := range t.Stamps {
		if s.Name == name {
			return s, true
		}
	}
	return Stamp{}, false
}
